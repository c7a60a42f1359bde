//! Postfix (OpenSSL): restarted for each configuration.

use std::{net::SocketAddr, path::Path, process::Command};

use waxseal_peers::{Postfix, flawed::Flaw, postfix::Options};

use crate::{Certificates, Port, Question, demand_none, dovecot, finding, mended, or_skip, text, with_log};

/// A way to break it, and what must be found then.
struct Case {
    check: &'static str,
    port: Port,
    /// Lines for `main.cf`; `{NAME}` stands for what the test provides.
    main: &'static [&'static str],
    /// `-o` of the listener.
    listener: &'static [&'static str],
    flaw: Flaw,
}

const fn case(check: &'static str, main: &'static [&'static str]) -> Case {
    Case { check, port: Port::Relay, main, listener: &[], flaw: Flaw::Sound }
}

const fn flawed(check: &'static str, flaw: Flaw) -> Case {
    Case { flaw, ..case(check, &[]) }
}

const SASL: &[&str] =
    &["smtpd_sasl_auth_enable = yes", "smtpd_sasl_type = dovecot", "smtpd_sasl_path = inet:{dovecot}"];

const CASES: &[Case] = &[
    case("smtp.starttls_missing", &["smtpd_tls_security_level = none", "smtpd_tls_chain_files ="]),
    case("smtp.starttls_refused", &["smtpd_tls_chain_files =", "smtpd_tls_cert_file = /nowhere/mx.pem"]),
    case("smtp.auth_in_clear", SASL),
    Case { port: Port::Submission, ..case("smtp.auth_in_clear", SASL) },
    // Mail in clear is tried only where STARTTLS is not offered.
    case(
        "smtp.requires_tls",
        &["smtpd_tls_security_level = encrypt", "smtpd_discard_ehlo_keywords = starttls"],
    ),
    case(
        "tls.handshake",
        &["smtpd_tls_chain_files =", "smtpd_tls_cert_file = none", "smtpd_tls_exclude_ciphers = aNULL"],
    ),
    case("tls.tls10", &[]),
    case("tls.tls11", &[]),
    Case {
        port: Port::Submission,
        listener: &["smtpd_tls_security_level=encrypt"],
        ..case("tls.tls10", &["smtpd_tls_mandatory_protocols = >=TLSv1"])
    },
    Case {
        port: Port::Submission,
        listener: &["smtpd_tls_security_level=encrypt"],
        ..case("tls.tls11", &["smtpd_tls_mandatory_protocols = >=TLSv1"])
    },
    case("tls.null", &["smtpd_tls_ciphers = null", "smtpd_tls_protocols = TLSv1.2"]),
    case("tls.rsa_key_exchange", &[]),
    case("tls.dhe", &[]),
    case(
        "tls.forward_secrecy",
        &["smtpd_tls_protocols = TLSv1.2", "smtpd_tls_exclude_ciphers = kECDHE, kDHE"],
    ),
    case("tls.dh_small", &["smtpd_tls_dh1024_param_file = {dh1536}"]),
    case("tls.suite_order", &[]),
    Case { port: Port::Submission, ..case("tls.anonymous", &[]) },
    case("tls.weak_groups", &["tls_eecdh_auto_curves = prime192v1, prime256v1"]),
    case("tls.client_certificate", &["smtpd_tls_ask_ccert = yes"]),
    flawed("certificate.expired", Flaw::Expired),
    flawed("certificate.expires_soon", Flaw::ExpiresSoon),
    flawed("certificate.name_mismatch", Flaw::OtherName),
    flawed("certificate.self_signed", Flaw::SelfSigned),
    flawed("certificate.untrusted", Flaw::Untrusted),
    flawed("certificate.weak_key", Flaw::WeakKey),
    flawed("certificate.weak_signature", Flaw::WeakSignature),
    flawed("certificate.x509_v1", Flaw::Version1),
    flawed("certificate.missing_intermediate", Flaw::NoIntermediate),
    flawed("certificate.chain_order", Flaw::ChainOrder),
];

/// Checks whose fix is executed here.
pub(crate) fn executed() -> Vec<&'static str> {
    CASES.iter().map(|case| case.check).collect()
}

/// What a fix tells to do.
#[derive(Debug, Default)]
struct Fix {
    main: Vec<String>,
    listener: Vec<String>,
    reload: bool,
}

/// Reads a fix. `main.cf:` and `master.cf` begin a list that goes on in indented lines;
/// anything else at the margin is a remark.
fn read(fix: &str, port: Port) -> Fix {
    let mut out = Fix::default();
    let mut file = "";
    for line in text::own_lines(fix, "Postfix") {
        out.reload |= line.contains("postfix reload");
        let mut rest = text::without_remark(line);
        if let Some(after) = rest.strip_prefix("main.cf:") {
            (file, rest) = ("main.cf", after);
        } else if rest.starts_with("master.cf") {
            (file, rest) = ("master.cf", rest.split_once(':').map_or("", |(_, after)| after));
        } else if rest.starts_with("For submission (master.cf)") {
            file = if port == Port::Submission { "master.cf" } else { "" };
        } else if !rest.starts_with(' ') {
            file = "";
        }
        match file {
            "main.cf" => {
                out.main.extend(text::setting(rest).map(|(name, value)| format!("{name} = {value}")))
            }
            "master.cf" => {
                out.listener.extend(rest.split("-o ").skip(1).map(|option| option.trim().to_owned()))
            }
            _ => {}
        }
    }
    out
}

fn fill(line: &str, dovecot: SocketAddr, folder: &Path) -> String {
    let dh = folder.join("dh1536.pem");
    line.replace("{dovecot}", &dovecot.to_string()).replace("{dh1536}", dh.to_str().unwrap())
}

#[test]
fn each_fix_for_postfix_mends_what_it_is_for() {
    let Some(certificates) = Certificates::new() else { return };
    let Some(mut postfix) = or_skip(Postfix::start(&Options::default())) else { return };
    let folder = postfix.folder();
    let dh = Command::new("openssl")
        .args(["genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:modp_1536", "-out"])
        .arg(folder.join("dh1536.pem"))
        .output();
    assert!(dh.unwrap().status.success());
    let auth = dovecot();
    let mut wrong = Vec::new();
    for case in CASES {
        let result = run(case, &mut postfix, &certificates, auth);
        wrong.extend(with_log(result, &postfix.log()));
    }
    demand_none(&wrong);
}

fn run(
    case: &Case,
    postfix: &mut Postfix,
    certificates: &Certificates,
    auth: SocketAddr,
) -> Result<(), String> {
    let (root, folder) = (certificates.authority.root(), postfix.folder().to_owned());
    let folder = folder.as_path();
    let served = certificates.issue(case.flaw);
    let mut main =
        vec![format!("smtpd_tls_chain_files = {}, {}", served.key.display(), served.chain.display())];
    main.extend(case.main.iter().map(|line| fill(line, auth, folder)));
    let listener: Vec<String> = case.listener.iter().map(|o| (*o).to_owned()).collect();
    let mut options = Options { settings: main, listener, ..Options::default() };
    postfix.restart(&options).unwrap();
    let question = Question { address: postfix.address(), root: &root, port: case.port, timeout: "5" };
    let before = question.report(case.check);
    let fix = read(&finding(&before, case.check)?.fix, case.port);
    let told = format!("{fix:?}");
    if !fix.reload || fix.main.len() + fix.listener.len() == 0 {
        let text = &finding(&before, case.check)?.fix;
        return Err(format!("{}: the fix does not say what to do: {told} {text}", case.check));
    }
    let sound = &certificates.sound;
    options.settings.extend(fix.main.iter().map(|line| text::placed(line, folder, sound, &|_| ())));
    options.listener.extend(fix.listener);
    let before_fix = postfix.log().len();
    postfix.restart(&options).unwrap();
    let after = question.report(case.check);
    refused(case, postfix.log().get(before_fix..).unwrap_or_default())?;
    mended(case.check, &before, &after, &told)
}

/// Postfix goes on with a default where it does not understand a setting, and says so in
/// its log only. What a client did wrong is noted there too, by OpenSSL's words.
fn refused(case: &Case, since: &str) -> Result<(), String> {
    // That an old setting beside the new one is ignored is what the fix says.
    let harmless = ["TLS library problem", "legacy  parameters will be ignored"];
    let warnings = since.lines().filter(|line| line.contains("warning: "));
    let warnings = warnings.filter(|line| !harmless.iter().any(|sign| line.contains(sign)));
    match warnings.collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        some => Err(format!("{}: Postfix does not like the fix: {}", case.check, some.join("\n"))),
    }
}
