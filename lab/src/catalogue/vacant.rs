//! Domains for servers that are not the lab's.

use super::{Domain, Expect, Host};

/// A domain at whose MX nothing listens, with these zone-file lines.
pub(crate) fn vacant(label: &'static str, records: &[String]) -> Domain {
    let expect = Expect { letters: &["-"], found: &["smtp.unreachable"], may: &[] };
    let domain = Domain::new(label, "Nothing listens at the MX until a test puts a server there", expect)
        .host(Host::new("mx", Vec::new()));
    records.iter().fold(domain, |domain, line| domain.record(line))
}
