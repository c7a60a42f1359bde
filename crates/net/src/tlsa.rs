//! Below which names the TLSA records of a mail server lie (RFC 7672 section 2.2).
//!
//! The address answers decide: a host whose addresses are not secure has no secure TLSA
//! records, whatever its zone holds, unless it is an alias that is itself secure.

use waxseal_model::{DnsAnswer, DnssecStatus, dns::DnsOutcome};

use crate::resolver::{Lookup, Resolver, Trust};

/// The status of the addresses together: the worst of those that say anything.
pub fn addresses_status(answers: &[DnsAnswer]) -> DnssecStatus {
    let rank = |s: DnssecStatus| match s {
        DnssecStatus::Secure => 0,
        DnssecStatus::Insecure => 1,
        DnssecStatus::Indeterminate => 2,
        DnssecStatus::Bogus => 3,
    };
    let with_records = answers.iter().filter(|a| a.outcome == DnsOutcome::Records).map(|a| a.status);
    with_records.max_by_key(|s| rank(*s)).unwrap_or(DnssecStatus::Indeterminate)
}

/// TLSA base domains of a host in the order of RFC 7672 section 2.2.3: the end of the aliases
/// if all of them are secure, then the name itself if it is. None for an alias that is not
/// secure; for a host that is no alias, the host itself whatever its addresses are.
///
/// `expanded` is the end of the aliases where there are any, `secure` says whether the
/// addresses and all aliases are.
///
/// # Errors
/// Whether an alias is secure could not be found out: one sentence.
pub async fn bases(
    resolver: &Resolver,
    host: &str,
    expanded: Option<&str>,
    secure: bool,
) -> Result<Vec<String>, String> {
    match expanded {
        None => Ok(vec![host.to_owned()]),
        Some(expanded) if secure => Ok(vec![expanded.to_owned(), host.to_owned()]),
        // The target is not secure, but the alias itself may be.
        Some(_) => alias_base(host, &resolver.resolve(host, "CNAME").await),
    }
}

/// The base domain of an alias whose target is not secure: itself, if its record is.
fn alias_base(host: &str, alias: &Lookup) -> Result<Vec<String>, String> {
    match alias.trust {
        Trust::Secure if alias.answer.outcome == DnsOutcome::Records => Ok(vec![host.to_owned()]),
        Trust::Secure | Trust::Insecure => Ok(Vec::new()),
        Trust::Bogus | Trust::Failed => {
            Err(format!("whether the alias {host} is secure could not be found out: {}", alias.answer.reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(outcome: DnsOutcome, status: DnssecStatus) -> DnsAnswer {
        DnsAnswer {
            name: "mx.example.com".into(),
            rtype: "A".into(),
            outcome,
            status,
            reason: "because".into(),
            canonical_name: None,
            records: Vec::new(),
        }
    }

    #[test]
    fn an_alias_of_unknown_status_is_not_taken_for_an_insecure_one() {
        let base = |outcome, trust| {
            let answer = answer(outcome, DnssecStatus::Indeterminate);
            alias_base("mx.example.com", &Lookup { answer, trust, until: tokio::time::Instant::now() })
        };
        assert_eq!(base(DnsOutcome::Records, Trust::Secure).unwrap(), ["mx.example.com"]);
        assert!(base(DnsOutcome::Records, Trust::Insecure).unwrap().is_empty());
        assert!(base(DnsOutcome::NoData, Trust::Secure).unwrap().is_empty());
        for trust in [Trust::Bogus, Trust::Failed] {
            assert!(base(DnsOutcome::Records, trust).unwrap_err().contains("because"));
        }
    }

    #[test]
    fn the_worst_status_of_the_addresses_counts() {
        use DnsOutcome::{NoData, Records};
        use DnssecStatus::{Insecure, Secure};
        let of = |answers: &[DnsAnswer]| addresses_status(answers);
        assert_eq!(of(&[answer(Records, Secure), answer(NoData, Insecure)]), Secure);
        assert_eq!(of(&[answer(Records, Secure), answer(Records, Insecure)]), Insecure);
        assert_eq!(of(&[]), DnssecStatus::Indeterminate);
    }
}
