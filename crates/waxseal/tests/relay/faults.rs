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
/// `failed` are ends. Each is a row of the table of faults.
const TABLE: &[(&str, &[&str])] = &[
    ("healthy", &["delivered"]),
    ("plaintext", &["tls.not_advertised"]),
    ("stripped", &["tls.not_advertised"]),
    ("starttls-454", &["tls.refused"]),
    ("expired", &["tls.cert.expired"]),
    ("wrong-name", &["tls.cert.name"]),
    ("self-signed", &["tls.cert.untrusted"]),
    ("broken-tlsa", &["dane.mismatch"]),
    ("null-mx", &["domain.null_mx"]),
    ("nowhere", &["domain.not_found"]),
    ("servfail", &["mx.bogus", "address.lookup"]),
    ("closed-port", &["connect.failed"]),
    ("greeting-421", &["reply.greeting"]),
];

/// The domains of the table that this lab has.
fn rows(lab: &Lab) -> Vec<(&'static str, &'static [&'static str])> {
    let has = |label: &str| {
        label == "nowhere" || lab.domains().iter().any(|d| d.name == format!("{label}.lab.test"))
    };
    TABLE.iter().copied().filter(|(label, _)| has(label)).collect()
}

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
    let rows = rows(&lab);
    assert!(rows.len() > 8, "the lab has lost its domains: {rows:?}");
    let addresses: Vec<String> =
        rows.iter().map(|(label, _)| format!("secret-person@{label}.lab.test")).collect();
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
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(label, right)| {
            let found = now.get(&format!("secret-person@{label}.lab.test")).cloned().unwrap_or_default();
            (!right.contains(&found.as_str())).then(|| format!("{label}: {found}, not {right:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", house.output());
    house.stop();
}
