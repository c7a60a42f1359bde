//! Check [`tls.drown`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::{
    audit::Sibling,
    tls::{SuiteClass, TlsVersion},
};

check! {
    /// SSLv2 endangers the server's RSA key (DROWN).
    ///
    /// # Effect
    /// SSLv2 anywhere with the same RSA key helps to decipher recorded TLS sessions with RSA
    /// key exchange, whatever their version. Sessions with ECDHE or TLS 1.3 are safe.
    /// # Method
    /// An SSLv2 hello is answered here, or on another port of mail at the same address that
    /// shows a certificate with the same RSA key; an audit asks those ports. The same key on
    /// other addresses cannot be seen.
    /// # Fix
    /// Switch SSLv2 off wherever this key is used.
    /// # Sources
    /// CVE-2016-0800 (DROWN, drownattack.com); RFC 6176.
    "tls.drown", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let here = state::accepts(tls, TlsVersion::Ssl2);
    if here == Ok(true) {
        return found_here(case);
    }
    let Some(audit) = &tls.audit else {
        here?;
        return Err(Why::new(Cause::NotApplicable, "only an audit asks the other ports"));
    };
    let mut unknown = here.err();
    match known_if_applicable(&audit.siblings) {
        Ok(siblings) => {
            for sibling in siblings.into_iter().flatten() {
                match state::drown_by(case.facts()?, sibling) {
                    Ok(true) => return found_there(case, sibling),
                    Ok(false) => {}
                    Err(why) => unknown = unknown.or(Some(why)),
                }
            }
        }
        Err(why) => unknown = unknown.or(Some(why)),
    }
    unknown.map_or(CLEAR, Err)
}

/// Where RSA key exchange is refused, this port's own sessions are safe.
fn severity(case: &Case) -> Severity {
    match super::accepted(case, SuiteClass::RsaKeyExchange) {
        Ok(None) => Severity::Medium,
        _ => Severity::High,
    }
}

fn found_here(case: &Case) -> Outcome {
    let severity = severity(case);
    let detail = if severity == Severity::Medium {
        "This port refuses RSA key exchange in newer versions, so that its own sessions are safe; other servers with \
         the same key are not."
    } else {
        "Who recorded sessions with RSA key exchange, here or on any server with the same key, deciphers them with \
         some ten thousand questions to it."
    };
    case.finding(&CHECK, severity, format!("{} endangers its RSA key by SSLv2 (DROWN)", case.host()))
        .detail(detail)
        .fix("protocols")
        .found()
}

fn found_there(case: &Case, sibling: &Sibling) -> Outcome {
    let port = sibling.port;
    let title = format!("SSLv2 on port {port} endangers the RSA key of {} (DROWN)", case.host());
    case.finding(&CHECK, severity(case), title)
        .detail(format!(
            "Port {port} of the same address speaks SSLv2 with the same RSA key. Who recorded sessions with RSA key \
             exchange deciphers them by asking there."
        ))
        .fix_text(format!(
            "Switch SSLv2 off on port {port} too, and wherever else this key is used.\nThe key itself was not \
             revealed: it can stay."
        ))
        .by_audit()
        .found()
}

fixtures! {
    clear: |e| {
        let open = sample::sibling(465, waxseal_model::TlsStart::Implicit);
        sample::audit(e).siblings = Observed::seen(vec![open]);
    },
    found: |e| {
        let mut old = sample::sibling(465, waxseal_model::TlsStart::Implicit);
        old.ssl2 = Observed::seen(true);
        sample::audit(e).siblings = Observed::seen(vec![old]);
    },
    undetermined: |e| sample::audit(e).siblings = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::{Evidence, TlsStart};

    use super::*;
    use crate::checks::tests::findings;

    fn with_sibling(e: &mut Evidence, change: impl FnOnce(&mut Sibling)) {
        let mut sibling = sample::sibling(587, TlsStart::Starttls);
        sibling.ssl2 = Observed::seen(true);
        change(&mut sibling);
        sample::audit(e).siblings = Observed::seen(vec![sibling]);
    }

    #[test]
    fn another_key_is_not_endangered() {
        let other = |e: &mut Evidence| {
            with_sibling(e, |s| {
                if let Observed::Seen { value: Some(c) } = &mut s.certificate {
                    c.spki_sha256 = "other".into();
                }
            });
        };
        assert!(findings(CHECK.id, other).is_empty());
        assert_eq!(findings(CHECK.id, |e| with_sibling(e, |_| {})).len(), 1);
    }

    #[test]
    fn sslv2_here_is_found_after_a_check_too() {
        let here = |e: &mut Evidence| {
            sample::tls(e).audit = None;
            sample::version(e, TlsVersion::Ssl2, true);
        };
        assert_eq!(findings(CHECK.id, here)[0].severity, Severity::Medium);
        let with_rsa = |e: &mut Evidence| {
            sample::version(e, TlsVersion::Ssl2, true);
            sample::accept(e, SuiteClass::RsaKeyExchange);
        };
        assert_eq!(findings(CHECK.id, with_rsa)[0].severity, Severity::High);
    }

    #[test]
    fn a_closed_port_speaks_no_sslv2() {
        let mut e = sample::healthy();
        with_sibling(&mut e, |s| {
            s.certificate = Observed::seen(None);
            s.ssl2 = sample::failed();
        });
        let judgement = crate::checks::tests::judged_evidence(&e);
        let verdict = judgement.verdicts.iter().find(|v| v.check == CHECK.id).unwrap();
        assert_eq!(verdict.verdict, waxseal_model::VerdictKind::Clear);
    }
}
