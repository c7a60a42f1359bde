//! Check [`certificate.expired`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate of the chain has expired.
    ///
    /// # Effect
    /// Senders that verify do not deliver (Exchange Online: 5.7.322). Opportunistic senders
    /// do not look; DANE-EE ignores dates.
    /// # Method
    /// The end of each certificate on the path is compared with the time of judging.
    /// # Fix
    /// Renew it, and reload the server after each renewal.
    /// # Sources
    /// RFC 5280 section 4.1.2.5; OpenSSL verify error 10; RFC 7672 section 3.1.1.
    "certificate.expired", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let expired = state::path_certificates(chain).into_iter().find(|c| c.not_after < case.now);
        let Some(certificate) = expired else { return CLEAR };
        let own = chain.leaf() == Some(certificate);
        let date = text::date(certificate.not_after);
        let ago = text::days(text::days_between(certificate.not_after, case.now));
        let title = if own {
            format!("{label} of {} expired on {date}", case.host())
        } else {
            format!("An issuer in the chain of {} expired on {date}", case.host())
        };
        case.finding(&CHECK, Severity::High, title)
            .detail(format!(
                "{} ended {ago} ago. OpenSSL calls it verify error 10, \"certificate has expired\". {} If it was \
                 renewed already, the server was not reloaded.",
                text::cut(&certificate.subject, 80),
                super::who_refuses(case)
            ))
            .fix(if own { "certificate" } else { "chain" })
            .weight(5)
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).not_after = sample::NOW - sample::DAY,
    undetermined: sample::no_chains,
}
