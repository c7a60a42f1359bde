//! OpenSMTPD as sender.

use std::{fs, path::Path, process::Command};

use waxseal_peers::{OpenSmtpd, opensmtpd::Options};

use crate::{
    case::{Case, Told, UNTESTED, case, collect, send},
    stage::Stage,
};

const CASES: &[Case] = &[
    case("no such domain", "nowhere", &["domain_not_found"], &["sender_client"], &["no"]),
    case(
        "null MX",
        "null-mx",
        &["null_mx", "mx_broken"],
        &["sender_client", "recipient_server"],
        &["no", "after_fix"],
    )
    .ends("null_mx"),
    case("SERVFAIL", "servfail", &["dns_failure"], &["recipient_server", "network"], &["later"]),
    case(
        "connection refused",
        "closed-port",
        &["connection_refused", "connect_failed"],
        &["recipient_server", "network"],
        &["later"],
    ),
    case(
        "421 at the greeting",
        "greeting-421",
        &["remote_overloaded", "remote_not_accepting"],
        &["recipient_server"],
        &["later"],
    ),
    case(
        "STARTTLS not offered",
        "plaintext",
        &["starttls_missing"],
        &["recipient_server"],
        &["later", "after_fix"],
    ),
    case(
        "certificate expired",
        "expired",
        &["cert_expired", "cert_untrusted"],
        &["recipient_server"],
        &["after_fix"],
    )
    .ends("cert_expired"),
    case(
        "certificate of another name",
        "wrong-name",
        &["cert_name_mismatch", "cert_untrusted"],
        &["recipient_server"],
        &["after_fix"],
    )
    .ends("cert_name_mismatch"),
    case("wrong password", "submit", &["auth_failed"], &["sender_client", "sender_server"], &["after_fix"])
        .ends(UNTESTED),
    case("unknown user", "unknown", &["user_unknown"], &["sender_client"], &["no"]),
    case(
        "relay denied",
        "norelay",
        &["relay_denied"],
        &["recipient_server", "sender_client", "sender_server"],
        &["after_fix"],
    ),
    case("on a blocklist", "listed", &["ip_listed"], &["sender_server"], &["after_fix"]),
    case("greylisted", "grey", &["greylisted"], &["nobody"], &["later"]),
    case("disk full", "disk", &["remote_disk_full"], &["recipient_server"], &["later"]).ends(UNTESTED),
    case("mailbox full", "full", &["mailbox_full"], &["recipient_server"], &["later"]),
    case("virus", "virus", &["virus"], &["sender_client"], &["no", "after_fix"]).ends(UNTESTED),
    case("lost in the message", "cut", &["connection_lost"], &["network"], &["later"]).ends(UNTESTED),
];

/// Sends everything, and takes what OpenSMTPD wrote.
pub(crate) fn told(_stage: &Stage) -> Vec<Told> {
    // Its queue has a fixed place: an own one, that leaves nothing behind.
    let queue = Path::new("/var/spool/smtpd");
    fs::create_dir_all(queue).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(queue).status().unwrap();
    assert!(mounted.success());
    let mut smtpd = OpenSmtpd::start(&Options::default()).unwrap();
    let address = smtpd.address();
    let settings = vec![
        format!("listen on {} port {} hostname sender.example.com", address.ip(), address.port()),
        "table secrets { anna = \"anna:wrong\" }".to_owned(),
        "action \"login\" relay host \"smtp+tls://anna@mx.submit.lab.test:587\" auth <secrets> tls no-verify"
            .to_owned(),
        "action \"tls\" relay host \"smtp+tls://mx.plaintext.lab.test\"".to_owned(),
        "action \"verify\" relay tls helo sender.example.com".to_owned(),
        "action \"out\" relay src 127.9.9.9 helo sender.example.com".to_owned(),
        "match from any for domain \"submit.lab.test\" action \"login\"".to_owned(),
        "match from any for domain \"plaintext.lab.test\" action \"tls\"".to_owned(),
        "match from any for domain { \"expired.lab.test\", \"wrong-name.lab.test\" } action \"verify\""
            .to_owned(),
        "match from any for any action \"out\"".to_owned(),
    ];
    smtpd.restart(&Options { lines: Some(settings), ..Default::default() }).unwrap();
    send(smtpd.address(), CASES);
    let told = collect("OpenSMTPD", CASES, |case| lines(&smtpd.log(), case));
    if told.iter().any(|told| told.lines.is_none()) {
        eprintln!("{}", smtpd.log());
    }
    told
}

/// What its log says of a recipient, as syslog would write it. Where it got no further than a
/// session, its delivery line says nothing, and the session's own lines all.
fn lines(log: &str, case: &Case) -> Option<String> {
    let to: Vec<String> = case.recipients().iter().map(|to| format!(" to=<{to}> ")).collect();
    let host = format!(" host=mx.{}.lab.test", case.domain);
    let all: Vec<&str> = log.lines().filter(|line| !line.starts_with("debug:")).collect();
    let delivery = all.iter().find(|line| to.iter().any(|to| line.contains(to)) && line.contains(" result="));
    let found = match delivery {
        Some(line) if !line.contains("Network error on destination MXs") => vec![*line],
        _ => {
            let connecting = all.iter().find(|line| line.contains(&host))?;
            let session = connecting.split(' ').next()?;
            let own = |line: &&str| line.starts_with(session) && line.contains(" mta ");
            all.iter().copied().filter(own).collect()
        }
    };
    let told = found.last().is_some_and(|line| line.contains(" result=") || line.contains(" error reason="));
    let logged: Vec<String> =
        found.iter().map(|line| format!("Jan 02 03:04:05 sender smtpd[42]: {line}")).collect();
    told.then(|| logged.join("\n"))
}
