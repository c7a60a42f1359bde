//! Check [`smtp.ehlo_differs`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::smtp::EhloFacts;

check! {
    /// The server's EHLO answers before and after TLS contradict each other.
    ///
    /// # Effect
    /// STARTTLS offered again inside TLS leads some senders into a second, failing attempt.
    /// A refused EHLO after TLS ends the delivery. Extensions that differ are only worth
    /// knowing.
    /// # Method
    /// The keywords of both answers are compared: STARTTLS, SIZE, SMTPUTF8, REQUIRETLS.
    /// # Fix
    /// Update the server, or the proxy that ends TLS in front of it.
    /// # Sources
    /// RFC 3207 section 4.2; RFC 8689 section 2 (REQUIRETLS belongs after TLS).
    "smtp.ehlo_differs", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let host = case.host();
    if let Observed::Failed { why } = &smtp.ehlo_tls
        && why.cause == Cause::Declined
        && case.tls()?.handshake.is_seen()
    {
        return case
            .finding(&CHECK, Severity::High, format!("{host} refuses EHLO once TLS stands"))
            .detail(format!(
                "{}. RFC 3207 has senders greet anew after TLS: here the delivery ends.",
                text::sentence(&why.text)
            ))
            .fix("ehlo_after_tls")
            .found();
    }
    if matches!(&smtp.ehlo_tls, Observed::NotTried { why } if why.cause == Cause::NotAsked) {
        let text = "no TLS session could be set up in which to greet again";
        return Err(Why::new(Cause::Prerequisite, text));
    }
    let (plain, tls) = (known(&smtp.ehlo_plain)?, known(&smtp.ehlo_tls)?);
    if tls.keyword("STARTTLS").is_some() {
        return case
            .finding(&CHECK, Severity::Medium, format!("{host} offers STARTTLS again inside TLS"))
            .detail(
                "After TLS is established the offer must be gone. Some senders try it a second time and fail; a \
                 proxy that ends TLS in front of the server is the usual cause.",
            )
            .fix("ehlo_after_tls")
            .found();
    }
    let differing: Vec<&str> = ["SIZE", "SMTPUTF8", "REQUIRETLS", "8BITMIME"]
        .into_iter()
        .filter(|k| differs(plain, tls, k))
        .collect();
    if differing.is_empty() {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{host} offers other extensions inside TLS than before"))
        .detail(format!(
            "{} differ. Senders go by the answer inside TLS; that is allowed (REQUIRETLS even belongs only \
             there).",
            text::list(&differing)
        ))
        .found()
}

/// REQUIRETLS is meant to appear only inside TLS; the others should be the same.
fn differs(plain: &EhloFacts, tls: &EhloFacts, keyword: &str) -> bool {
    let (before, after) = (plain.keyword(keyword), tls.keyword(keyword));
    if keyword == "REQUIRETLS" { before.is_some() } else { before != after }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).ehlo_tls = Observed::seen(sample::ehlo_facts(&["STARTTLS"])),
    undetermined: |e| sample::smtp(e).ehlo_tls = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requiretls_only_inside_tls_is_as_it_should_be() {
        let with = sample::ehlo_facts(&["REQUIRETLS"]);
        let without = sample::ehlo_facts(&[]);
        assert!(!differs(&without, &with, "REQUIRETLS"));
        assert!(differs(&with, &with, "REQUIRETLS"));
        assert!(differs(&with, &without, "REQUIRETLS"));
    }
}
