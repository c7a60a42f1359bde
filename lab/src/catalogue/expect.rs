//! What a right verdict on a domain is.

use std::fmt;

/// Ids of checks that find nothing on any domain but those that expect it. Checks for what
/// any sound server may lack or show (one address family, no stapled answer) are left out.
const TROUBLE: &[&str] = &[
    "certificate.chain_order",
    "certificate.expired",
    "certificate.expires_soon",
    "certificate.missing_intermediate",
    "certificate.name_mismatch",
    "certificate.not_yet_valid",
    "certificate.self_signed",
    "certificate.untrusted",
    "certificate.weak_key",
    "certificate.weak_signature",
    "certificate.x509_v1",
    "dns.bogus",
    "dns.implicit_mx",
    "dns.mx_dangling",
    "dns.mx_is_cname",
    "dns.mx_is_ip_literal",
    "dns.no_mail_host",
    "dns.no_such_domain",
    "dns.null_mx",
    "dns.null_mx_with_others",
    "dns.resolver_failure",
    "smtp.auth_in_clear",
    "smtp.back_off",
    "smtp.ehlo_refused",
    "smtp.not_smtp",
    "smtp.plaintext_after_220",
    "smtp.requires_tls",
    "smtp.slow_greeting",
    "smtp.starttls_intermittent",
    "smtp.starttls_missing",
    "smtp.starttls_refused",
    "smtp.starttls_stripped",
    "smtp.unreachable",
    "smtp.wrong_mode",
    "tls.anonymous",
    "tls.crime",
    "tls.des",
    "tls.dh_small",
    "tls.export",
    "tls.handshake",
    "tls.insecure_renegotiation",
    "tls.null",
    "tls.outdated",
    "tls.rc2",
    "tls.rc4",
    "tls.rsa_key_exchange",
    "tls.seed",
    "tls.sslv2",
    "tls.sslv3",
    "tls.sweet32",
    "tls.tls10",
    "tls.tls11",
];

/// What a right verdict on a domain is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Expect {
    /// The letters that are right; `-` stands for no letter.
    pub letters: &'static [&'static str],
    /// Ids of checks that must have found something.
    pub found: &'static [&'static str],
    /// Ids of checks that may have found something besides.
    pub may: &'static [&'static str],
}

/// One of these letters, and these findings.
pub(super) const fn expect(letters: &'static [&'static str], found: &'static [&'static str]) -> Expect {
    Expect { letters, found, may: &[] }
}

/// Sound servers that no policy protects, and these findings.
pub(super) const fn unprotected(found: &'static [&'static str]) -> Expect {
    expect(&["C"], found)
}

impl Expect {
    /// Ids of checks that must not have found anything.
    pub fn never(&self) -> impl Iterator<Item = &'static str> + '_ {
        TROUBLE.iter().copied().filter(|id| !self.found.contains(id) && !self.may.contains(id))
    }

    /// What is wrong with a verdict, one sentence each; empty if it is right. `letter` is
    /// none where no letter was given; `found` are the ids of the checks that found
    /// something.
    pub fn violations<S: AsRef<str>>(&self, letter: Option<&str>, found: &[S]) -> Vec<String> {
        let mut wrong = Vec::new();
        let letter = letter.unwrap_or("-");
        if !self.letters.contains(&letter) {
            wrong.push(format!("grade {letter} instead of {}", self.letters.join(" or ")));
        }
        let has = |id: &str| found.iter().any(|f| f.as_ref() == id);
        wrong.extend(self.found.iter().filter(|id| !has(id)).map(|id| format!("{id} was not found")));
        wrong.extend(self.never().filter(|id| has(id)).map(|id| format!("{id} was found, wrongly")));
        wrong
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.letters {
            ["-"] => f.write_str("no grade")?,
            letters => write!(f, "grade {}", letters.join(" or ").replace('-', "none"))?,
        }
        if !self.found.is_empty() {
            write!(f, "; {}", self.found.join(", "))?;
        }
        Ok(())
    }
}
