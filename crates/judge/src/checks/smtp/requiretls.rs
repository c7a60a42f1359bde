//! Check [`smtp.requiretls`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server does not offer REQUIRETLS, or offers it before TLS only.
    ///
    /// # Effect
    /// Senders cannot demand that a message travels under authenticated TLS all the way: a
    /// message with this demand is returned to its sender (5.7.30).
    /// # Method
    /// The keyword in the EHLO answers, within TLS and before it. The extension is young and few
    /// servers offer it, so its absence is no fault.
    /// # Fix
    /// Offer it inside TLS, where your software has it.
    /// # Sources
    /// RFC 8689 sections 2 and 4.
    "smtp.requiretls", Conversation, judge
}

const KEYWORD: &str = "REQUIRETLS";

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    if matches!(&smtp.ehlo_tls, Observed::NotTried { why } if why.cause == Cause::NotAsked) {
        let text = "no TLS session could be set up in which to greet";
        return Err(Why::new(Cause::Prerequisite, text));
    }
    if known(&smtp.ehlo_tls)?.keyword(KEYWORD).is_some() {
        return CLEAR;
    }
    let host = case.host();
    let before = smtp.ehlo_plain.get().is_some_and(|e| e.keyword(KEYWORD).is_some());
    if before {
        return case
            .finding(&CHECK, Severity::Low, format!("{host} offers REQUIRETLS before TLS only"))
            .detail("The offer counts inside TLS, where it is missing: no sender can use it.")
            .fix("requiretls")
            .found();
    }
    case.finding(&CHECK, Severity::Info, format!("{host} does not offer REQUIRETLS"))
        .detail("Messages whose sender demands authenticated TLS all the way are not delivered here. Few servers offer it.")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).ehlo_tls = Observed::seen(sample::ehlo_facts(&["SIZE 1000000", "SMTPUTF8"])),
    undetermined: |e| sample::smtp(e).ehlo_tls = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn an_offer_before_tls_only_is_worse_than_none() {
        let none = findings("smtp.requiretls", |e| {
            sample::smtp(e).ehlo_tls = Observed::seen(sample::ehlo_facts(&[]))
        });
        assert_eq!(none[0].severity, Severity::Info);
        let before = findings("smtp.requiretls", |e| {
            sample::smtp(e).ehlo_tls = Observed::seen(sample::ehlo_facts(&[]));
            sample::smtp(e).ehlo_plain = Observed::seen(sample::ehlo_facts(&["STARTTLS", "REQUIRETLS"]));
        });
        assert_eq!(before[0].severity, Severity::Low);
    }
}
