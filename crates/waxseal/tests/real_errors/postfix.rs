//! Postfix as sender: smtp(8) with one TLS policy for each domain.

use waxseal_peers::{Postfix, postfix::Options};

use crate::{
    case::{Case, Special, Told, UNTESTED, case, collect, send},
    stage::Stage,
};

/// What is told in a line of the queue manager's own.
const GIVEN_UP: &str = "given up";

const CASES: &[Case] = &[
    // Names.
    case("no such domain", "nowhere", &["domain_not_found"], &["sender_client"], &["no"]),
    case("null MX", "null-mx", &["null_mx"], &["sender_client"], &["no"]),
    case(
        "the MX does not exist",
        "dangling-mx",
        &["mx_broken", "domain_not_found"],
        &["recipient_server", "sender_client"],
        &["after_fix", "no"],
    ),
    case("SERVFAIL", "servfail", &["dns_failure"], &["recipient_server"], &["later"]),
    case(
        "signatures are broken",
        "bogus",
        &["dns_failure", "dnssec_fail"],
        &["recipient_server"],
        &["later", "after_fix"],
    ),
    case("mail loops back", "healthy", &["mail_loop"], &["sender_server"], &["after_fix"]),
    // Connections.
    case("connection refused", "closed-port", &["connection_refused"], &["recipient_server"], &["later"]),
    case("connection timed out", "lost.away", &["connect_failed"], &["network"], &["later"]),
    case("network unreachable", "unroutable.away", &["connect_failed"], &["network"], &["later"]),
    case(
        "421 at the greeting",
        "greeting-421",
        &["remote_overloaded", "remote_not_accepting"],
        &["recipient_server"],
        &["later"],
    ),
    case(
        "554 at the greeting",
        "greeting-554",
        &["remote_not_accepting", "policy_rejected", "ip_blocked"],
        &["recipient_server", "sender_server", "security_filter"],
        &["later", "after_fix"],
    ),
    case(
        "421 at EHLO",
        "ehlo-421",
        &["remote_overloaded", "remote_not_accepting"],
        &["recipient_server"],
        &["later"],
    ),
    case("lost at EHLO", "ehlo-drop", &["connection_lost"], &["network"], &["later"]),
    case("lost in the message", "cut", &["connection_lost"], &["network"], &["later"]).ends(UNTESTED),
    case("no greeting", "mute", &["connect_failed", "connection_lost"], &["network"], &["later"]),
    case(
        "not SMTP",
        "garbage",
        &["connection_lost", "remote_not_accepting"],
        &["network", "recipient_server"],
        &["later"],
    )
    .ends("wrong_host"),
    case("too many connections", "crowded", &["too_many_connections"], &["sender_server"], &["slower"])
        .with(Special::Twice),
    case(
        "421 at RCPT TO",
        "busy",
        &["remote_overloaded", "remote_not_accepting"],
        &["recipient_server"],
        &["later"],
    ),
    // TLS.
    case(
        "STARTTLS not offered",
        "plaintext",
        &["starttls_missing"],
        &["recipient_server"],
        &["later", "after_fix"],
    ),
    case(
        "STARTTLS overwritten",
        "starttls-stripped",
        &["starttls_missing"],
        &["recipient_server"],
        &["later", "after_fix"],
    ),
    case("STARTTLS gets 454", "starttls-454", &["tls_unavailable"], &["recipient_server"], &["later"]),
    case("certificate expired", "expired", &["cert_expired"], &["recipient_server"], &["after_fix"]),
    case(
        "certificate of another name",
        "wrong-name",
        &["cert_name_mismatch"],
        &["recipient_server"],
        &["after_fix"],
    ),
    case(
        "certificate self-signed",
        "self-signed",
        &["cert_untrusted"],
        &["recipient_server"],
        &["after_fix"],
    ),
    case(
        "intermediate missing",
        "missing-intermediate",
        &["cert_untrusted"],
        &["recipient_server"],
        &["after_fix"],
    ),
    case(
        "handshake: alert 80",
        "tls-alert",
        &["tls_handshake", "tls_unavailable"],
        &["recipient_server", "sender_server"],
        &["after_fix", "later"],
    ),
    case(
        "handshake: reset",
        "tls-reset",
        &["tls_handshake"],
        &["recipient_server", "sender_server"],
        &["after_fix"],
    ),
    case(
        "TLS 1.0 only",
        "tls10-only",
        &["tls_version"],
        &["recipient_server", "sender_server"],
        &["after_fix"],
    ),
    case(
        "implicit TLS at a clear port",
        "reverse",
        &["wrong_encryption_type"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    )
    .given(&["--server", "mx.unknown.lab.test:25"]),
    case(
        "clear at the port of implicit TLS",
        "wrapped",
        &["wrong_encryption_type"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    ),
    case("TLSA mismatch", "broken-tlsa", &["dane_fail"], &["recipient_server"], &["after_fix"]),
    case(
        "TLSA look-up fails",
        "dane-servfail",
        &["dane_fail", "dns_failure"],
        &["recipient_server"],
        &["after_fix", "later"],
    ),
    case("STARTTLS required of us", "must-tls", &["tls_required"], &["sender_server"], &["after_fix"]),
    // Login.
    case(
        "wrong password",
        "wrong-password",
        &["auth_failed"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    )
    .ends(UNTESTED),
    case(
        "login required",
        "no-login",
        &["auth_required", "relay_denied"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    ),
    // Refusals.
    case("unknown user", "unknown", &["user_unknown"], &["sender_client"], &["no"]),
    case(
        "relay denied",
        "norelay",
        &["relay_denied"],
        &["recipient_server", "sender_client", "sender_server"],
        &["after_fix"],
    ),
    case("too large", "small", &["message_too_large"], &["sender_client"], &["after_fix"])
        .given(&["--size", "7000"])
        .with(Special::Big),
    case(
        "sender's domain does not exist",
        "sender-domain",
        &["sender_domain_invalid"],
        &["sender_server"],
        &["after_fix"],
    )
    .given(&["--from", "nowhere.lab.test"])
    .with(Special::Nowhere),
    case("HELO refused", "helo", &["helo_invalid"], &["sender_server"], &["after_fix"]),
    case("no PTR", "ptr", &["ptr_missing"], &["sender_server"], &["after_fix"]),
    case("on a blocklist", "listed", &["ip_listed"], &["sender_server"], &["after_fix"]),
    case("too many recipients", "few", &["too_many_recipients"], &["sender_server"], &["slower"])
        .ends(UNTESTED)
        .with(Special::Many),
    case(
        "milter away",
        "milter",
        &["filter_unavailable", "remote_overloaded"],
        &["recipient_server"],
        &["later"],
    ),
    case(
        "content refused",
        "content",
        &["policy_rejected", "spam_content"],
        &["security_filter", "sender_client", "sender_server"],
        &["after_fix"],
    )
    .ends(UNTESTED)
    .with(Special::Pills),
    case("too many hops", "hops", &["mail_loop"], &["recipient_server"], &["after_fix"])
        .ends(UNTESTED)
        .with(Special::Hops),
    case("disk full", "disk", &["remote_disk_full"], &["recipient_server"], &["later"]),
    case(
        "SMTPUTF8 not offered",
        "ascii",
        &["smtputf8_required"],
        &["sender_client", "recipient_server"],
        &["after_fix", "other_route"],
    )
    .with(Special::International),
    case("greylisted", "grey", &["greylisted"], &["nobody"], &["later"]),
    case("mailbox full", "full", &["mailbox_full"], &["recipient_server"], &["later"]),
    case("virus", "virus", &["virus"], &["sender_client"], &["no", "after_fix"]).ends(UNTESTED),
    case("spam", "spam", &["spam_content"], &["sender_client", "sender_server"], &["after_fix"])
        .ends(UNTESTED),
    case(GIVEN_UP, "given-up", &["expired"], &["network", "recipient_server"], &["after_fix", "later"])
        .given(&["--server", "mx.closed-port.lab.test:26"]),
    case(
        "DATA not known",
        "no-data",
        &["command_rejected"],
        &["sender_client", "sender_server", "recipient_server"],
        &["after_fix"],
    )
    .ends(UNTESTED),
];

/// Domains to which TLS is a must.
const ENCRYPT: &[&str] =
    &["plaintext", "starttls-stripped", "starttls-454", "tls10-only", "tls-alert", "tls-reset"];
/// Domains whose certificate has to be right.
const SECURE: &[&str] = &["expired", "wrong-name", "self-signed", "missing-intermediate"];

/// Which transport takes the mail, and to where.
const TRANSPORTS: &[(&str, &str)] = &[
    ("must-tls", "clear:"),
    ("helo", "localhost:"),
    ("ptr", "nameless:"),
    ("listed", "nameless:"),
    ("lost.away", "smtp:[lost.away.lab.test]"),
    ("unroutable.away", "smtp:[unroutable.away.lab.test]"),
    ("wrapped", "clear:[mx.wrapped.lab.test]:465"),
    ("given-up", "smtp:[mx.closed-port.lab.test]:26"),
    ("reverse", "wrapped:[mx.unknown.lab.test]"),
    ("wrong-password", "login:[mx.submit.lab.test]:587"),
    ("no-login", "smtp:[mx.submit.lab.test]:587"),
];

const SERVICES: &[&str] = &[
    "clear unix - - n - - smtp -o smtp_tls_security_level=none",
    "localhost unix - - n - - smtp -o smtp_helo_name=localhost",
    "nameless unix - - n - - smtp -o smtp_bind_address=127.9.9.9",
    "wrapped unix - - n - - smtp -o smtp_tls_wrappermode=yes -o smtp_tls_security_level=encrypt",
    "login unix - - n - - smtp -o smtp_tls_security_level=encrypt -o smtp_sasl_auth_enable=yes \
     -o smtp_sasl_security_options=noanonymous -o smtp_sasl_password_maps=inline:{mx.submit.lab.test=anna:wrong} \
     -o smtp_sasl_mechanism_filter=plain",
];

/// Sends everything, and takes what Postfix wrote.
pub(crate) fn told(stage: &Stage) -> Vec<Told> {
    let postfix = Postfix::start(&options(stage)).unwrap();
    send(postfix.address(), CASES);
    let told = collect("Postfix", CASES, |case| lines(&postfix.log(), case));
    if told.iter().any(|told| told.lines.is_none()) {
        eprintln!("{}", postfix.log());
    }
    told
}

fn options(stage: &Stage) -> Options {
    let policy = |domains: &[&str], level: &str| -> String {
        domains.iter().map(|domain| format!(" {{ {domain}.lab.test = {level} }}")).collect()
    };
    let transports: String =
        TRANSPORTS.iter().map(|(domain, to)| format!(" {{ {domain}.lab.test = {to} }}")).collect();
    let settings = vec![
        "myhostname = sender.example.com".into(),
        "default_transport = smtp".into(),
        "smtp_dns_support_level = dnssec".into(),
        "smtp_tls_security_level = dane".into(),
        "smtp_tls_mandatory_protocols = >=TLSv1.2".into(),
        "smtp_tls_loglevel = 1".into(),
        format!("smtp_tls_CAfile = {}", stage.roots.display()),
        format!(
            "smtp_tls_policy_maps = inline:{{{}{} }}",
            policy(ENCRYPT, "encrypt"),
            policy(SECURE, "secure match=nexthop:hostname")
        ),
        format!("transport_maps = inline:{{{transports} }}"),
        // For its own address, which no MX but a wrong one has.
        format!("proxy_interfaces = {}", stage.at("healthy", 25).ip()),
        "smtp_connect_timeout = 2s".into(),
        "smtp_helo_timeout = 4s".into(),
        "smtp_starttls_timeout = 3s".into(),
        "in_flow_delay = 0".into(),
        // What cannot be delivered at once is given up.
        "maximal_queue_lifetime = 0".into(),
    ];
    Options {
        settings,
        services: SERVICES.iter().map(|line| (*line).to_owned()).collect(),
        ..Default::default()
    }
}

/// What its log says of a recipient that got nothing: the line with the status, and before it what the same
/// process wrote since its last one.
fn lines(log: &str, case: &Case) -> Option<String> {
    let process = |line: &str| Some(line.split_once("postfix/")?.1.split_once(':')?.0.to_owned());
    let to: Vec<String> = case.recipients().iter().map(|to| format!(" to=<{to}>, ")).collect();
    let about = |line: &&str| {
        to.iter().any(|to| line.contains(to)) && line.contains(", status=") && !line.contains("status=sent")
    };
    let all: Vec<&str> = log.lines().collect();
    let at = all.iter().position(about)?;
    if case.what == GIVEN_UP {
        let id = all[at].split("]: ").nth(1)?.split(':').next()?;
        let expired = all.iter().find(|line| line.contains(id) && line.contains("status=expired"))?;
        return Some((*expired).to_owned());
    }
    let own = process(all[at])?;
    let mut lines: Vec<&str> = all[..at]
        .iter()
        .rev()
        .filter(|line| process(line).is_some_and(|process| process == own))
        .take_while(|line| !line.contains(", status="))
        .copied()
        .collect();
    lines.reverse();
    lines.push(all[at]);
    Some(lines.join("\n"))
}
