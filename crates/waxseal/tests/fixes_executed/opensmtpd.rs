//! OpenSMTPD (OpenSSL): restarted for each configuration, and given the engine without which
//! its TLS does not work in Debian 12 (docs/real-servers.md).

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use waxseal_peers::{
    OpenSmtpd,
    flawed::Flaw,
    opensmtpd::{self, Options},
};

use crate::{Certificates, HOST, Port, Question, demand_none, finding, mended, or_skip, text, with_log};

/// A way to break it, and what must be found then.
struct Case {
    check: &'static str,
    port: Port,
    /// Lines before the listener's.
    lines: &'static [&'static str],
    /// What follows `listen on ADDRESS`; `{host}` stands for the server's name.
    listener: &'static str,
    flaw: Flaw,
}

const LISTENER: &str = "tls pki {host}";

const fn case(check: &'static str, lines: &'static [&'static str]) -> Case {
    Case { check, port: Port::Relay, lines, listener: LISTENER, flaw: Flaw::Sound }
}

const fn flawed(check: &'static str, flaw: Flaw) -> Case {
    Case { flaw, ..case(check, &[]) }
}

const CASES: &[Case] = &[
    // The only one without the engine.
    case("tls.handshake", &[]),
    Case { listener: "", ..case("smtp.starttls_missing", &[]) },
    case("tls.tls10", &["smtp ciphers \"ALL:@SECLEVEL=0\""]),
    case("tls.tls11", &["smtp ciphers \"ALL:@SECLEVEL=0\""]),
    case("tls.null", &["smtp ciphers \"ALL:eNULL:@SECLEVEL=0\""]),
    case("tls.rsa_key_exchange", &["smtp ciphers \"HIGH:!aNULL\""]),
    Case { port: Port::Submission, ..case("tls.anonymous", &["smtp ciphers \"ALL:aNULL:@SECLEVEL=0\""]) },
    Case { listener: "tls-require verify pki {host}", ..case("tls.client_certificate", &[]) },
    flawed("certificate.expired", Flaw::Expired),
    flawed("certificate.expires_soon", Flaw::ExpiresSoon),
    flawed("certificate.name_mismatch", Flaw::OtherName),
    flawed("certificate.self_signed", Flaw::SelfSigned),
    flawed("certificate.untrusted", Flaw::Untrusted),
    flawed("certificate.x509_v1", Flaw::Version1),
    flawed("certificate.missing_intermediate", Flaw::NoIntermediate),
    flawed("certificate.chain_order", Flaw::ChainOrder),
];

/// Checks whose fix is executed here.
pub(crate) fn executed() -> Vec<&'static str> {
    CASES.iter().map(|case| case.check).collect()
}

/// The configuration of OpenSSL that the fix of a failing handshake gives.
fn engine(fix: &str) -> String {
    let lines = text::own_lines(fix, "OpenSMTPD").into_iter();
    let mut lines = lines.skip_while(|line| !line.starts_with("/etc/smtpd-openssl.cnf:"));
    let first = lines.next().and_then(|line| line.split_once(':')).map_or("", |(_, rest)| rest);
    let rest = lines.take_while(|line| line.starts_with(' '));
    std::iter::once(first).chain(rest).map(|line| format!("{}\n", line.trim())).collect()
}

/// The lines for `smtpd.conf`.
fn read(fix: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut within = false;
    for line in text::own_lines(fix, "OpenSMTPD") {
        let mut rest = text::without_remark(line);
        // Settings of the release that Debian 12 has.
        if line.contains("(7.0 or newer)") {
            continue;
        } else if let Some(after) = rest.strip_prefix("smtpd.conf:").or_else(|| rest.strip_prefix("6.x:")) {
            (within, rest) = (true, after);
        } else if !rest.starts_with(' ') {
            within = false;
        }
        if within {
            out.push(rest.trim().to_owned());
        }
    }
    out
}

/// What a line is about: a later line about the same takes its place.
fn subject(line: &str) -> String {
    let words = if line.starts_with("pki ") { 3 } else { 2 };
    line.split_whitespace().take(words).collect::<Vec<_>>().join(" ")
}

fn apply(lines: &mut Vec<String>, fix: Vec<String>, listen: &str) {
    for line in fix {
        let line = line.replace("listen on egress port 587", listen).replace("listen on egress", listen);
        match lines.iter_mut().find(|old| subject(old) == subject(&line)) {
            Some(old) => *old = line,
            // Keys and ciphers stand before the listener that uses them.
            None => lines.insert(0, line),
        }
    }
}

#[test]
fn each_fix_for_opensmtpd_mends_what_it_is_for() {
    let Some(certificates) = Certificates::new() else { return };
    let Some(mut server) = or_skip(OpenSmtpd::start(&Options::default())) else { return };
    if or_skip(opensmtpd::engine()).is_none() {
        return;
    }
    let question = Question {
        address: server.address(),
        root: &server.certificate().ca,
        port: Port::Relay,
        timeout: "5",
    };
    let works = question.report("tls.handshake").endpoints.iter().any(|e| e.evidence.tls.handshake.is_seen());
    if works {
        eprintln!("SKIPPED: the fix of tls.handshake: this OpenSMTPD's TLS works without it");
    }
    let mut engine = None;
    let mut wrong = Vec::new();
    for case in CASES.iter().filter(|case| !works || case.check != "tls.handshake") {
        let result = run(case, &mut server, &certificates, &mut engine);
        wrong.extend(with_log(result, &server.log()));
    }
    demand_none(&wrong);
}

fn run(
    case: &Case,
    server: &mut OpenSmtpd,
    certificates: &Certificates,
    openssl: &mut Option<String>,
) -> Result<(), String> {
    let (root, address) = (certificates.authority.root(), server.address());
    let served = certificates.issue(case.flaw);
    own(&served.key);
    let listen = format!("listen on {} port {}", address.ip(), address.port());
    let files = [("cert", &served.chain), ("key", &served.key)];
    let mut lines: Vec<String> =
        files.iter().map(|(what, path)| format!("pki {HOST} {what} \"{}\"", path.display())).collect();
    lines.extend(case.lines.iter().map(|line| line.replace("{host}", HOST)));
    lines.push(format!("{listen} {}", case.listener.replace("{host}", HOST)));
    let mut options = Options { openssl: openssl.clone(), lines: Some(lines.clone()), ..Options::default() };
    server.restart(&options).map_err(|error| format!("{}: {error}", case.check))?;
    let question = Question { address, root: &root, port: case.port, timeout: "1" };
    let before = question.report(case.check);
    let fix = &finding(&before, case.check)?.fix;
    let mut told = read(fix);
    if case.check == "tls.handshake" {
        *openssl = Some(engine(fix));
        options.openssl.clone_from(openssl);
        told.extend(openssl.clone());
    } else {
        let folder = server.folder().to_owned();
        let placed = told.iter().map(|line| text::placed(line, &folder, &certificates.sound, &own));
        apply(&mut lines, placed.collect(), &listen);
        options.lines = Some(lines);
    }
    if told.is_empty() {
        return Err(format!("{}: the fix does not say what to do: {fix}", case.check));
    }
    server.restart(&options).map_err(|error| format!("{}: refused: {told:?}: {error}", case.check))?;
    mended(case.check, &before, &question.report(case.check), &format!("{told:?}"))
}

/// OpenSMTPD refuses a key that others can read.
fn own(key: &Path) {
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
}
