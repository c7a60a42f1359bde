//! Check [`tls.sweet32`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::SuiteClass;

check! {
    /// Suites with 64-bit blocks are accepted: 3DES or IDEA (SWEET32).
    ///
    /// # Effect
    /// After many gigabytes in one session, pieces of plaintext can be recovered. Mail
    /// sessions are short, so the danger is small.
    /// # Method
    /// Hellos that offer only 3DES or only IDEA suites are accepted.
    /// # Fix
    /// Exclude 3DES and IDEA.
    /// # Sources
    /// CVE-2016-2183 (SWEET32); RFC 9325 section 4.1.
    "tls.sweet32", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let triple_des = super::accepted(case, SuiteClass::TripleDes);
    let idea = super::accepted(case, SuiteClass::Idea);
    // One that is accepted decides, whether or not the other is known.
    let fact = match (triple_des, idea) {
        (Ok(Some(fact)), _) | (_, Ok(Some(fact))) => fact,
        (triple_des, idea) => return triple_des.and(idea).map(|_| Vec::new()),
    };
    let severity = case.by_usage(Severity::Low, Severity::Medium);
    case.finding(&CHECK, severity, format!("{} accepts suites with 64-bit blocks (3DES, IDEA)", case.host()))
        .detail(format!(
            "{}. Long sessions leak plaintext (SWEET32); mail sessions are rarely that long, and few senders \
             know nothing better.",
            super::proof(&fact)
        ))
        .fix("ciphers")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::accept(e, SuiteClass::TripleDes),
    undetermined: |e| sample::class_unknown(e, SuiteClass::Idea),
}
