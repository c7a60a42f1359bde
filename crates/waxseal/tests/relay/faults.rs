//! The lab's servers, good, broken and hostile: what becomes of mail to each of them under a
//! policy that demands TLS, and that nothing of it crosses in clear.

use std::collections::BTreeMap;

use waxseal_lab::{Lab, LabOptions};
use waxseal_peers::{
    server::Folder,
    submit::{Message, submit},
};

use crate::house::House;

/// First label of a lab domain, and the reason with which mail to it waits; `delivered` and
/// `failed` are ends. Each is a row of the table of faults. MTA-STS is not among them: its policy
/// hosts lie at port 443, which `relay_postfix` has and this test has not.
const TABLE: &[(&str, &[&str])] = &[
    ("healthy", &["delivered"]),
    ("late-greeting", &["delivered"]),
    ("plaintext", &["tls.not_advertised"]),
    ("starttls-stripped", &["tls.not_advertised"]),
    ("dane-no-starttls", &["tls.not_advertised"]),
    ("starttls-454", &["tls.refused"]),
    ("plaintext-after-220", &["tls.handshake"]),
    ("tls-alert", &["tls.handshake"]),
    ("tls-reset", &["tls.handshake"]),
    ("tls10-only", &["tls.too_old", "tls.handshake"]),
    ("expired", &["tls.cert.expired"]),
    ("wrong-name", &["tls.cert.name"]),
    ("self-signed", &["tls.cert.untrusted"]),
    ("broken-tlsa", &["dane.mismatch"]),
    ("dane-servfail", &["dane.lookup"]),
    ("dane-bogus", &["dane.lookup"]),
    ("bogus", &["mx.bogus"]),
    ("servfail", &["mx.bogus", "address.lookup"]),
    ("null-mx", &["domain.null_mx"]),
    ("nowhere", &["domain.not_found"]),
    ("closed-port", &["connect.failed"]),
    ("greeting-421", &["reply.greeting"]),
    ("greeting-554", &["reply.greeting"]),
    ("ehlo-421", &["reply.ehlo"]),
    ("ehlo-drop", &["lost.ehlo"]),
    ("silent", &["lost.greeting"]),
    ("endless-greeting", &["lost.greeting"]),
    ("endless-bytes", &["lost.greeting"]),
];

#[test]
fn mail_to_each_of_the_labs_servers_ends_as_it_should_and_none_of_it_in_clear() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::start(LabOptions::default())).unwrap();
    let folder = Folder::new("lab").unwrap();
    std::fs::write(folder.path().join("anchor"), lab.trust_anchor()).unwrap();
    std::fs::write(folder.path().join("roots.pem"), lab.ca_pem()).unwrap();
    let lines = format!(
        "[dns]\nservers = [\"{}\"]\ntrust_anchor = \"{}\"\n[tls]\nroots = \"{}\"\n\
         [policy]\ndefault = \"verify\"\n\
         [delivery]\nport = {}\nretry = [\"6h\"]\nconnect_timeout = \"3s\"\ncommand_timeout = \"3s\"\nfinal_timeout = \"5s\"\n",
        lab.dns(),
        folder.path().join("anchor").display(),
        folder.path().join("roots.pem").display(),
        lab.port_map()[&25],
    );
    let mut house = House::new("faults", &lines);
    house.start();
    for (label, _) in TABLE.iter().filter(|(label, _)| *label != "nowhere") {
        assert!(
            lab.domains().iter().any(|d| d.name == format!("{label}.lab.test")),
            "the lab has no {label}"
        );
    }
    let addresses: Vec<String> =
        TABLE.iter().map(|(label, _)| format!("secret-person@{label}.lab.test")).collect();
    for address in &addresses {
        let message = Message {
            from: "alice@example.com",
            to: &[address],
            parameters: "",
            text: "Subject: one\n\nSECRET-BODY\n",
        };
        submit(house.address(), &[message]).unwrap();
    }
    let state = || -> BTreeMap<String, String> {
        let of =
            |recipient: &serde_json::Value| match (recipient["state"].as_str(), recipient["reason"].as_str())
            {
                (Some("delivered"), _) => "delivered".to_owned(),
                (_, Some(reason)) => reason.to_owned(),
                _ => String::new(),
            };
        let all = house.queue(&["--all"]);
        let recipients = all.iter().flat_map(|m| m["recipients"].as_array().unwrap().clone());
        recipients.map(|r| (r["address"].as_str().unwrap_or_default().to_owned(), of(&r))).collect()
    };
    house.until("not all were tried", || {
        let now = state();
        addresses.iter().all(|a| now.get(a).is_some_and(|s| !s.is_empty()))
    });
    let now = state();
    let wrong: Vec<String> = TABLE
        .iter()
        .filter_map(|(label, right)| {
            let found = now.get(&format!("secret-person@{label}.lab.test")).cloned().unwrap_or_default();
            (!right.contains(&found.as_str())).then(|| format!("{label}: {found}, not {right:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", house.output());
    crossed(&lab);
    house.stop();
}

/// What the lab's servers were told: nothing of a message outside of TLS.
fn crossed(lab: &Lab) {
    let told = lab.log();
    let is_mail = |text: &str| {
        let text = text.to_ascii_uppercase();
        ["MAIL ", "RCPT ", "DATA", "BDAT"].iter().any(|verb| text.starts_with(verb))
            || text.contains("SECRET")
    };
    let within = told.iter().filter(|l| l.text.strip_prefix("(TLS) ").is_some_and(is_mail)).count();
    assert!(within >= 3, "the servers note no message at all: {told:?}");
    let outside = told.iter().filter(|line| !line.text.starts_with("(TLS) "));
    let clear: Vec<_> = outside.filter(|line| is_mail(&line.text)).collect();
    assert!(clear.is_empty(), "in clear: {clear:?}");
}
