//! CAA records (RFC 8659), and reverse names of mail servers.
//!
//! The lab's certificates are issued by an authority that has no domain of its own; the
//! records name `ca.lab.test` for it.

use domain::base::iana::Rtype;

use super::{Domain, Host, Ptr, build::with_records as with, expect::unprotected};
use crate::{
    dns::spec::{Fault, Trouble, With},
    servers::{Service, smtp::Smtp},
};

pub(super) fn list() -> Vec<Domain> {
    [restricting(), doubtful(), reverse()].concat()
}

fn restricting() -> Vec<Domain> {
    vec![
        with("caa-domain", "CAA at the domain names one authority", &[], &["@ CAA 0 issue \"ca.lab.test\""]),
        with("caa-host", "CAA at the MX host itself", &[], &["mx CAA 0 issue \"ca.lab.test\""]),
        with(
            "caa-parameters",
            "CAA with parameters, and an address for incidents",
            &[],
            &[
                "@ CAA 0 issue \"ca.lab.test; accounturi=https://ca.lab.test/1; validationmethods=dns-01\"",
                "@ CAA 0 iodef \"mailto:caa@caa-parameters.lab.test\"",
            ],
        ),
        with(
            "caa-nearest",
            "CAA forbids all at the domain, and allows at the MX host",
            &[],
            &["@ CAA 0 issue \";\"", "mx CAA 0 issue \"ca.lab.test\""],
        ),
        // The domain above has the record.
        with("sub.caa-domain", "CAA is that of the domain above", &[], &[]),
    ]
}

fn doubtful() -> Vec<Domain> {
    let unanswered = Fault { trouble: Trouble::ServFail, with: With::Type(Rtype::CAA) };
    vec![
        with("caa-missing", "There are no CAA records", &["caa.records"], &[]),
        with("caa-none", "CAA forbids all authorities", &["caa.issuer"], &["@ CAA 0 issue \";\""]),
        with(
            "caa-other",
            "CAA names an authority that is not known to be the certificate's",
            &[],
            &["@ CAA 0 issue \"other-ca.test\""],
        ),
        with(
            "caa-bad-syntax",
            "CAA has a value that no authority can read",
            &["caa.records"],
            &["@ CAA 0 issue \"%%%%%\""],
        ),
        with(
            "caa-only-incidents",
            "CAA has an address for incidents and restricts nobody",
            &["caa.records"],
            &["@ CAA 0 iodef \"mailto:caa@caa-only-incidents.lab.test\""],
        ),
        with(
            "caa-only-wildcards",
            "CAA restricts wildcard certificates only",
            &["caa.records"],
            &["@ CAA 0 issuewild \"ca.lab.test\""],
        ),
        with(
            "caa-critical",
            "CAA has a critical property that nobody knows",
            &["caa.records"],
            &["@ CAA 0 issue \"ca.lab.test\"", "@ CAA 128 tbs \"unknown\""],
        ),
        with("caa-servfail", "Questions for CAA get SERVFAIL", &[], &[]).fault(unanswered),
    ]
}

fn reverse() -> Vec<Domain> {
    let with = |label, summary, ptr| {
        let server = Host::new("mx", vec![(25, Service::Smtp(Smtp::default()))]).ptr(ptr);
        Domain::new(label, summary, unprotected(&[])).host(server)
    };
    vec![
        with("ptr-missing", "The MX's address has no reverse name", Ptr::Missing),
        with("ptr-mismatch", "The reverse name belongs to another host", Ptr::Other("mx.healthy.lab.test")),
        with("ptr-dangling", "The reverse name does not exist", Ptr::Other("gone.ptr-dangling.lab.test")),
    ]
}
