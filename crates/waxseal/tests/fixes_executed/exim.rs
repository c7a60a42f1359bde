//! Exim (GnuTLS): restarted for each configuration.

use std::path::Path;

use waxseal_peers::{
    Exim,
    exim::{self, Options},
    flawed::Flaw,
};

use crate::{Certificates, Port, Question, demand_none, finding, mended, or_skip, text, with_log};

/// A way to break it, and what must be found then.
struct Case {
    check: &'static str,
    port: Port,
    /// Lines for the main section.
    main: &'static [&'static str],
    flaw: Flaw,
}

const fn case(check: &'static str, main: &'static [&'static str]) -> Case {
    Case { check, port: Port::Relay, main, flaw: Flaw::Sound }
}

const fn flawed(check: &'static str, flaw: Flaw) -> Case {
    Case { flaw, ..case(check, &[]) }
}

const CASES: &[Case] = &[
    case("smtp.starttls_missing", &["tls_advertise_hosts ="]),
    case("smtp.starttls_refused", &["tls_privatekey = /nowhere/mx.key"]),
    case("smtp.auth_in_clear", &[]),
    Case { port: Port::Submission, ..case("smtp.auth_in_clear", &[]) },
    // Mail in clear is tried only where STARTTLS is not offered.
    case("smtp.requires_tls", &["acl_smtp_mail = acl_check_mail", "tls_advertise_hosts ="]),
    case("tls.tls10", &[]),
    case("tls.tls11", &[]),
    case("tls.rc4", &["tls_require_ciphers = NORMAL:+ARCFOUR-128"]),
    case("tls.sweet32", &["tls_require_ciphers = NORMAL:+3DES-CBC"]),
    case("tls.null", &["tls_require_ciphers = NORMAL:+NULL"]),
    case("tls.rsa_key_exchange", &[]),
    case("tls.dhe", &[]),
    case("tls.forward_secrecy", &["tls_require_ciphers = NORMAL:-VERS-TLS1.3:-ECDHE-RSA:-DHE-RSA"]),
    case("tls.suite_order", &[]),
    case("tls.weak_groups", &["tls_require_ciphers = NORMAL:+GROUP-SECP192R1"]),
    case("tls.client_certificate", &["tls_try_verify_hosts = *"]),
    flawed("certificate.expired", Flaw::Expired),
    flawed("certificate.expires_soon", Flaw::ExpiresSoon),
    flawed("certificate.name_mismatch", Flaw::OtherName),
    flawed("certificate.self_signed", Flaw::SelfSigned),
    flawed("certificate.untrusted", Flaw::Untrusted),
    flawed("certificate.weak_key", Flaw::WeakKey),
    flawed("certificate.weak_signature", Flaw::WeakSignature),
    flawed("certificate.x509_v1", Flaw::Version1),
    flawed("certificate.missing_intermediate", Flaw::NoIntermediate),
];

/// Checks whose fix is executed here.
pub(crate) fn executed() -> Vec<&'static str> {
    CASES.iter().map(|case| case.check).collect()
}

/// What a fix tells to do.
#[derive(Debug, Default)]
struct Fix {
    /// Name and value.
    set: Vec<(String, String)>,
    /// To be added to the value of a setting: name, addition.
    added: Vec<(String, String)>,
    /// Lines of ACLs with these words go.
    removed: Vec<String>,
}

/// Reads a fix for a build with GnuTLS.
fn read(fix: &str) -> Fix {
    let mut out = Fix::default();
    for line in text::own_lines(fix, "Exim") {
        let line = text::without_remark(line);
        let rest = line.strip_prefix("GnuTLS:").unwrap_or(line).trim();
        if let Some((addition, name)) = rest.strip_prefix("add ").and_then(|r| r.split_once(" to ")) {
            out.added.push((name.to_owned(), addition.to_owned()));
        } else if let Some((_, words)) = rest.split_once("remove the rule on port 25 that denies") {
            out.removed.push(words.trim().to_owned());
        } else if let Some((name, value)) = text::setting(rest) {
            out.set.push((name.to_owned(), value.to_owned()));
        }
    }
    out
}

impl Fix {
    fn apply(&self, to: &mut Options, place: &dyn Fn(&str) -> String) {
        for (name, value) in &self.set {
            replace(&mut to.settings, name, &place(value));
        }
        for (name, addition) in &self.added {
            let old = to.settings.iter().find_map(|line| text::setting(line).filter(|(n, _)| n == name));
            let value = old.map_or("NORMAL", |(_, value)| value).to_owned() + addition;
            replace(&mut to.settings, name, &value);
        }
        if to.acl.iter().any(|line| self.removed.iter().any(|words| line.contains(words.as_str()))) {
            to.acl = ["acl_check_mail:", "  accept"].map(str::to_owned).to_vec();
        }
    }
}

fn replace(lines: &mut Vec<String>, name: &str, value: &str) {
    lines.retain(|line| text::setting(line).is_none_or(|(old, _)| old != name));
    lines.push(format!("{name} = {value}"));
}

#[test]
fn each_fix_for_exim_mends_what_it_is_for() {
    let Some(certificates) = Certificates::new() else { return };
    let Some(mut server) = or_skip(Exim::start(&Options::default())) else { return };
    let mut wrong = Vec::new();
    for case in CASES {
        let result = run(case, &mut server, &certificates);
        wrong.extend(with_log(result, &server.log()));
    }
    demand_none(&wrong);
}

fn run(case: &Case, server: &mut Exim, certificates: &Certificates) -> Result<(), String> {
    let (root, address) = (certificates.authority.root(), server.address());
    let served = certificates.issue(case.flaw);
    exim::belongs_to_exim(&served.key).unwrap();
    let mut options = Options::default();
    replace(&mut options.settings, "tls_certificate", served.chain.to_str().unwrap());
    replace(&mut options.settings, "tls_privatekey", served.key.to_str().unwrap());
    for (name, value) in case.main.iter().filter_map(|line| text::setting(line)) {
        replace(&mut options.settings, name, value);
    }
    options.acl =
        ["acl_check_mail:", "  deny !encrypted = *", "  message = 530 5.7.0 Use STARTTLS", "  accept"]
            .map(str::to_owned)
            .to_vec();
    if case.check == "smtp.auth_in_clear" {
        let plain = ["plain:", "  driver = plaintext", "  public_name = PLAIN", "  server_condition = false"];
        options.authenticators = plain.map(str::to_owned).to_vec();
    }
    server.restart(&options).unwrap();
    let question = Question { address, root: &root, port: case.port, timeout: "5" };
    let before = question.report(case.check);
    let fix = read(&finding(&before, case.check)?.fix);
    let told = format!("{fix:?}");
    if fix.set.len() + fix.added.len() + fix.removed.len() == 0 {
        let text = &finding(&before, case.check)?.fix;
        return Err(format!("{}: the fix does not say what to do: {text}", case.check));
    }
    let folder = server.folder().to_owned();
    let own = |path: &Path| exim::belongs_to_exim(path).unwrap();
    fix.apply(&mut options, &|line| text::placed(line, &folder, &certificates.sound, &own));
    if let Err(error) = server.restart(&options) {
        return Err(format!("{}: refused: {told}: {error}", case.check));
    }
    mended(case.check, &before, &question.report(case.check), &told)
}
