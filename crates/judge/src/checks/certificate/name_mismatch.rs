//! Check [`certificate.name_mismatch`](CHECK).

use crate::checks::prelude::*;
use crate::names;
use waxseal_wire::x509::{NameMatch, matches_host};

check! {
    /// The certificate is for another name.
    ///
    /// # Effect
    /// Senders that verify (MTA-STS in enforce mode, gateways with a name rule, mail
    /// programs) do not deliver. Opportunistic senders do not look; DANE-EE ignores names.
    /// # Method
    /// The DNS names in subjectAltName are compared with the MX host name, or with the name
    /// that was connected to. A wildcard stands for one whole label. The common name does
    /// not count for MTA-STS. Without a name to compare, the verdict is undetermined.
    /// # Fix
    /// Get a certificate for the name that stands in the MX record.
    /// # Sources
    /// RFC 8461 section 4.2; RFC 9525 section 6; RFC 7672 section 3.2.
    "certificate.name_mismatch", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let reference = case.facts()?.reference_name.as_deref();
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf() else { return CLEAR };
        let Some(host) = reference else {
            let text = "the name that the certificate must match is not known: give it with --server-name";
            return Err(Why::new(Cause::Prerequisite, text));
        };
        let list = names::names_of(chain);
        let list = if list.is_empty() { "no name at all".to_owned() } else { text::short_list(&list, 3) };
        match matches_host(leaf, host) {
            NameMatch::San => CLEAR,
            NameMatch::CommonNameOnly => {
                let title = format!("{label} of {} bears its name only as common name", case.host());
                case.finding(&CHECK, Severity::Medium, title)
                    .detail(format!(
                        "There is no DNS name in subjectAltName, only {list}. MTA-STS does not accept that, \
                         and current mail programs do not either; a few older senders do."
                    ))
                    .fix("certificate")
                    .found()
            }
            NameMatch::Mismatch => {
                let title = format!("{label} of {} is for another name", case.host());
                case.finding(&CHECK, Severity::High, title)
                    .detail(format!("It is for {list}, not for {host}. {}", super::who_refuses(case)))
                    .fix("certificate")
                    .weight(3)
                    .found()
            }
        }
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).dns_names = vec!["old.example.com".into()],
    undetermined: |e| sample::facts(e).reference_name = None,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_name_alone_is_named_as_such() {
        let mut e = sample::healthy();
        sample::own_certificate(&mut e).dns_names.clear();
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        let finding = judgement.findings.iter().find(|f| f.check == CHECK.id).unwrap();
        assert_eq!(finding.severity, Severity::Medium);
        assert!(finding.title.contains("only as common name"), "{}", finding.title);
    }
}
