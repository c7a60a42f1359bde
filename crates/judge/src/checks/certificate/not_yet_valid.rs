//! Check [`certificate.not_yet_valid`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate of the chain is not valid yet.
    ///
    /// # Effect
    /// Senders that verify do not deliver until then.
    /// # Method
    /// The beginning of each certificate on the path is compared with the time of judging.
    /// # Fix
    /// Install it later, or correct the clock that it was issued by.
    /// # Sources
    /// RFC 5280 section 4.1.2.5; OpenSSL verify error 9.
    "certificate.not_yet_valid", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let early = state::path_certificates(chain).into_iter().find(|c| c.not_before > case.now);
        let Some(certificate) = early else { return CLEAR };
        let date = text::date(certificate.not_before);
        case.finding(&CHECK, Severity::High, format!("{label} of {} is not valid before {date}", case.host()))
            .detail(format!(
                "{} begins in the future. OpenSSL calls it verify error 9, \"certificate is not yet valid\". {}",
                text::cut(&certificate.subject, 80),
                super::who_refuses(case)
            ))
            .fix("clock")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).not_before = sample::NOW + sample::DAY,
    undetermined: sample::no_chains,
}
