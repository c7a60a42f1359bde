//! Check [`certificate.without_sni`](CHECK).

use waxseal_model::audit::WithoutSni;
use waxseal_wire::sts::pattern;

use crate::checks::prelude::*;

check! {
    /// Clients that do not name the server get another certificate.
    ///
    /// # Effect
    /// Opportunistic senders do not look at it. Those that verify and send no SNI (Postfix at
    /// the levels verify and secure, old gateways) meet the wrong certificate and do not
    /// deliver; senders with DANE and MTA-STS always send SNI.
    /// # Method
    /// A hello without SNI; its certificate is compared with those that came with SNI.
    /// # Fix
    /// Make the certificate of the MX host the default one.
    /// # Sources
    /// RFC 8461 section 7.1; RFC 7672 section 8.1; RFC 6066 section 3.
    "certificate.without_sni", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let names = match known_if_applicable(&case.audit()?.without_sni)? {
        // That it is refused is another check's finding.
        None | Some(WithoutSni::Refused { .. } | WithoutSni::Certificate { same: true, .. }) => return CLEAR,
        Some(WithoutSni::NoCertificate) => return none_at_all(case),
        Some(WithoutSni::Certificate { names, .. }) => names,
    };
    let reference = case.facts()?.reference_name.as_deref();
    let fits = reference.is_some_and(|host| names.iter().any(|n| pattern::covers(n, host)));
    let what = if names.is_empty() { "no name".to_owned() } else { text::short_list(names, 3) };
    let (severity, effect) = if fits {
        (Severity::Info, "It is for the same host, so that senders can verify either; renew both together")
    } else {
        (
            case.by_usage(Severity::Low, Severity::Info),
            "Senders that verify and do not name the server will not deliver here; the others do not look at it",
        )
    };
    case.finding(&CHECK, severity, format!("Without SNI {} shows another certificate", case.host()))
        .detail(format!("That one is for {}. {effect}.", text::cut(&what, 120)))
        .fix("sni")
        .found()
}

fn none_at_all(case: &Case) -> Outcome {
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("Without SNI {} shows no certificate", case.host()))
        .detail("Such clients get an anonymous suite. Those that offer none, all that verify among them, get no TLS.")
        .fix("sni")
        .found()
}

#[cfg(test)]
fn other(names: &[&str]) -> Observed<WithoutSni> {
    Observed::seen(WithoutSni::Certificate {
        leaf_sha256: "11".into(),
        same: false,
        names: names.iter().map(|n| (*n).to_owned()).collect(),
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).without_sni = other(&["shared.example.net"]),
    undetermined: |e| sample::audit(e).without_sni = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn another_certificate_for_the_same_name_is_only_worth_knowing() {
        let severity = |change: fn(&mut waxseal_model::Evidence)| findings(CHECK.id, change)[0].severity;
        let same_name =
            |e: &mut waxseal_model::Evidence| sample::audit(e).without_sni = other(&["*.example.com"]);
        assert_eq!(severity(same_name), Severity::Info);
        assert_eq!(severity(|e| sample::audit(e).without_sni = other(&[])), Severity::Low);
        let none = |e: &mut waxseal_model::Evidence| {
            sample::audit(e).without_sni = Observed::seen(WithoutSni::NoCertificate);
        };
        assert_eq!(severity(none), Severity::Low);
    }
}
