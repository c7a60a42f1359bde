//! Check [`tls.alpaca`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::ForeignHello;

check! {
    /// Hellos that are meant for another service are accepted (ALPACA).
    ///
    /// # Effect
    /// Where the certificate is also valid for a web site, an attacker on the path leads a
    /// browser's request to the mail server, and uses its answers against the browser. The
    /// mail itself is not in danger, and nearly every mail server behaves so.
    /// # Method
    /// A hello with a name that is not the server's in SNI, and one with only protocols that
    /// are not mail's in ALPN; each is accepted or refused.
    /// # Fix
    /// Nothing on the server: to insist on SNI keeps senders away (RFC 8461 section 7.1). Use
    /// a certificate that names mail hosts only, no wildcard.
    /// # Sources
    /// ALPACA (alpaca-attack.com, USENIX Security 2021); RFC 7301 section 3.2; RFC 9325
    /// section 3.7.
    "tls.alpaca", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(ForeignHello { sni_accepted, alpn_accepted }) =
        known_if_applicable(&case.audit()?.foreign_hello)?
    else {
        return CLEAR;
    };
    let (sni, alpn) = (known_if_applicable(sni_accepted), known_if_applicable(alpn_accepted));
    let what = match (&sni, &alpn) {
        (Ok(Some(true)), Ok(Some(true))) => "with a foreign name, and with foreign protocols alone",
        (Ok(Some(true)), _) => "with a foreign name",
        (_, Ok(Some(true))) => "with foreign protocols alone",
        _ => {
            sni?;
            alpn?;
            return CLEAR;
        }
    };
    let wildcard = case.facts()?.chains.get().into_iter().flatten().filter_map(|c| c.leaf());
    let wildcard = wildcard.flat_map(|l| &l.dns_names).find(|n| n.starts_with("*."));
    let concern = match wildcard {
        Some(name) => format!(
            "Its certificate is for {}, which may cover web sites: one for the mail host alone is safer",
            text::cut(name, 60)
        ),
        None => "It matters only where the certificate is valid for a web site too".to_owned(),
    };
    case.finding(&CHECK, Severity::Info, format!("{} accepts hellos meant for others (ALPACA)", case.host()))
        .detail(format!("It answers hellos {what}, as nearly all mail servers do. {concern}."))
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).foreign_hello = Observed::seen(ForeignHello {
        sni_accepted: Observed::seen(true),
        alpn_accepted: Observed::seen(true),
    }),
    undetermined: |e| sample::audit(e).foreign_hello = Observed::seen(ForeignHello {
        sni_accepted: Observed::seen(false),
        alpn_accepted: sample::failed(),
    }),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_wildcard_certificate_is_named() {
        let found = findings(CHECK.id, |e| {
            sample::own_certificate(e).dns_names = vec!["*.example.com".into()];
            sample::audit(e).foreign_hello = Observed::seen(ForeignHello {
                sni_accepted: sample::failed(),
                alpn_accepted: Observed::seen(true),
            });
        });
        assert!(found[0].detail.contains("*.example.com"), "{}", found[0].detail);
    }
}
