//! The TXT record at `_mta-sts` (RFC 8461 section 3.1).

use domain::base::iana::Rtype;

use super::{Domain, ENFORCED, Expect, domain, enforce, expect};
use crate::dns::spec::{Fault, Signing, Trouble, With};

/// Senders see no policy.
const NONE: Expect = expect(&["C"], &["sts.record"]);
/// Senders cannot find out whether there is one.
const UNKNOWN: Expect =
    Expect { letters: &["C", "-"], found: &[], may: &["dns.bogus", "dns.resolver_failure", "sts.record"] };

pub(super) fn list() -> Vec<Domain> {
    [useless(), usable()].concat()
}

fn with(label: &'static str, summary: &'static str, expect: Expect, record: &[&str]) -> Domain {
    domain(label, summary, expect, enforce(label).record(record))
}

fn useless() -> Vec<Domain> {
    let none = |label, summary, record: &[&str]| with(label, summary, NONE, record);
    let sound = |label, summary| domain(label, summary, UNKNOWN, enforce(label));
    let fault = Fault { trouble: Trouble::ServFail, with: With::Label("_mta-sts") };
    vec![
        none("sts-record-missing", "A policy is served, but there is no TXT record", &[]),
        none(
            "sts-two-records",
            "Two TXT records with v=STSv1",
            &["_mta-sts TXT \"v=STSv1; id=1;\"", "_mta-sts TXT \"v=STSv1; id=2;\""],
        ),
        none("sts-bad-record", "The record's id has a hyphen", &["_mta-sts TXT \"v=STSv1; id=a-b;\""]),
        none(
            "sts-long-id",
            "The record's id has 33 characters",
            &["_mta-sts TXT \"v=STSv1; id=012345678901234567890123456789012;\""],
        ),
        none("sts-no-id", "The record has no id", &["_mta-sts TXT \"v=STSv1;\""]),
        none(
            "sts-record-other-version",
            "The record begins with v=STSv10",
            &["_mta-sts TXT \"v=STSv10; id=1;\""],
        ),
        none("sts-record-case", "The record begins with V=stsv1", &["_mta-sts TXT \"V=stsv1; id=1;\""]),
        sound("sts-servfail", "Questions for the TXT record get SERVFAIL").fault(fault),
        sound("sts-record-bogus", "The TXT record's signature is broken")
            .signing(Signing::CorruptOnly(Rtype::TXT)),
    ]
}

fn usable() -> Vec<Domain> {
    let fine = |label, summary, record: &[&str]| with(label, summary, ENFORCED, record);
    vec![
        with(
            "sts-record-space",
            "The record has a space before the semicolon (erratum 6285)",
            // The RFC as printed allows no space there, the erratum does.
            expect(&["A"], &["sts.form"]),
            &["_mta-sts TXT \"v=STSv1 ; id=1;\""],
        ),
        fine(
            "sts-record-cname",
            "The record's name is an alias of another",
            &["_mta-sts CNAME policies", "policies TXT \"v=STSv1; id=1;\""],
        ),
        fine(
            "sts-record-split",
            "The record comes in three strings, cut within words",
            &["_mta-sts TXT \"v=ST\" \"Sv1; id\" \"=20260101;\""],
        ),
        fine(
            "sts-record-with-others",
            "Beside the record there is text for other purposes",
            &[
                "_mta-sts TXT \"v=spf1 -all\"",
                "_mta-sts TXT \"v=STSv1; id=1;\"",
                "_mta-sts TXT \"owner=mail team\"",
            ],
        ),
        fine(
            "sts-record-extended",
            "The record has a field that nobody knows",
            &["_mta-sts TXT \"v=STSv1; id=1; colour=green;\""],
        ),
    ]
}
