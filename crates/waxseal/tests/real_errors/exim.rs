//! Exim as sender, by its transport `smtp`.

use waxseal_peers::{Exim, exim::Options};

use crate::{
    case::{Case, Told, UNTESTED, case, collect, send},
    stage::Stage,
};

const CASES: &[Case] = &[
    case("no such domain", "nowhere", &["domain_not_found", "user_unknown"], &["sender_client"], &["no"]),
    case("null MX", "null-mx", &["null_mx"], &["sender_client"], &["no"]),
    case("SERVFAIL", "servfail", &["dns_failure"], &["recipient_server", "network"], &["later"]),
    case("connection refused", "closed-port", &["connection_refused"], &["recipient_server"], &["later"]),
    case("connection timed out", "lost.away", &["connect_failed"], &["network"], &["later"]),
    case(
        "network unreachable",
        "unroutable.away",
        &["connect_failed"],
        &["network"],
        &["later", "after_fix"],
    ),
    case("no greeting", "mute", &["connect_failed", "connection_lost"], &["network"], &["later"]),
    case("lost in the message", "cut", &["connection_lost"], &["network"], &["later"]).ends(UNTESTED),
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
        "STARTTLS gets 454",
        "starttls-454",
        &["tls_unavailable", "starttls_missing"],
        &["recipient_server"],
        &["later", "after_fix"],
    )
    .ends("tls_unavailable"),
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
    case(
        "certificate self-signed",
        "self-signed",
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
    case("TLSA mismatch", "broken-tlsa", &["dane_fail"], &["recipient_server"], &["after_fix"]),
    case(
        "wrong password",
        "wrong-password",
        &["auth_failed"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    )
    .ends(UNTESTED),
    case(
        "login not offered",
        "no-auth",
        &["auth_not_offered"],
        &["sender_client", "sender_server"],
        &["after_fix"],
    )
    .given(&["--server", "mx.submission.lab.test:587"]),
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
    case("own quota", "quota", &["mailbox_full"], &["recipient_server"], &["later"]).ends(UNTESTED),
    case("mail for itself", "healthy", &["mail_loop"], &["sender_server"], &["after_fix"]),
];

const ROUTERS: &str = "\
lost:
  driver = manualroute
  domains = lost.away.lab.test : unroutable.away.lab.test
  route_list = * $domain byname
  transport = remote
login:
  driver = manualroute
  domains = wrong-password.lab.test
  route_list = * mx.submit.lab.test::587 byname
  self = send
  transport = login
no_auth:
  driver = manualroute
  domains = no-auth.lab.test
  route_list = * mx.submission.lab.test::587 byname
  self = send
  transport = must_login
quota:
  driver = accept
  domains = quota.lab.test
  transport = quota
itself:
  driver = dnslookup
  domains = healthy.lab.test
  self = fail
  transport = remote
mx:
  driver = dnslookup
  self = send
  transport = remote
  no_more";

const TRANSPORTS: &str = "\
remote:
  driver = smtp
  interface = 127.9.9.9
  connect_timeout = 2s
  command_timeout = 2s
  data_timeout = 3s
  hosts_require_tls = mx.plaintext.lab.test : mx.starttls-454.lab.test : mx.tls-alert.lab.test : \
    mx.expired.lab.test : mx.wrong-name.lab.test : mx.self-signed.lab.test
  hosts_try_dane = mx.broken-tlsa.lab.test
  hosts_require_dane = mx.broken-tlsa.lab.test
  dnssec_request_domains = *
  tls_verify_certificates = {roots}
  tls_verify_hosts = mx.expired.lab.test : mx.wrong-name.lab.test : mx.self-signed.lab.test
  tls_verify_cert_hostnames = *
login:
  driver = smtp
  hosts_require_tls = *
  hosts_require_auth = *
must_login:
  driver = smtp
  hosts_avoid_tls = *
  hosts_require_auth = *
quota:
  driver = appendfile
  file = {folder}/spool/box
  quota = 100
  create_file = anywhere
  user = Debian-exim";

const LOGIN: &str = "\
plain:
  driver = plaintext
  public_name = PLAIN
  client_send = ^anna^wrong";

/// Sends everything, and takes what Exim wrote.
pub(crate) fn told(stage: &Stage) -> Vec<Told> {
    let mut exim = Exim::start(&Options::default()).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect();
    let transports = TRANSPORTS
        .replace("{roots}", &stage.roots.display().to_string())
        .replace("{folder}", &exim.folder().display().to_string());
    exim.restart(&Options {
        settings: lines(&format!("extra_local_interfaces = {}\nprimary_hostname = sender.example.com\nsmtp_accept_max_per_connection = 1000\nsmtp_accept_queue_per_connection = 0\ndns_dnssec_ok = 1", stage.at("healthy", 25).ip())),
        authenticators: lines(LOGIN),
        routers: lines(ROUTERS),
        transports: lines(&transports),
        retry: lines("* * F,2h,15m"),
        ..Default::default()
    })
    .unwrap();
    send(exim.address(), CASES);
    let told = collect("Exim", CASES, |case| case.recipients().iter().find_map(|to| line(&exim.log(), to)));
    if told.iter().any(|told| told.lines.is_none()) {
        eprintln!("{}", exim.log());
    }
    told
}

/// The line that says what became of a recipient, and what was said of its host before.
fn line(log: &str, recipient: &str) -> Option<String> {
    let all: Vec<&str> = log.lines().collect();
    let about = |line: &str| {
        let mut words = line.split(' ').skip(3);
        matches!(words.next(), Some("**" | "==" | "=>"))
            && words.next().is_some_and(|word| word.trim_end_matches(':') == recipient)
    };
    let at = all.iter().position(|line| about(line))?;
    let id = all[at].split(' ').nth(2)?;
    let own = |line: &&str| line.split(' ').nth(2) == Some(id) && !line.contains(" <= ");
    let lines: Vec<&str> = all[..=at].iter().copied().filter(own).collect();
    Some(lines.join("\n"))
}
