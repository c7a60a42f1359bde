//! Check [`smtp.starttls_refused`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::smtp::StarttlsOffer;

check! {
    /// The server offers STARTTLS and then refuses it.
    ///
    /// # Effect
    /// Opportunistic senders try again in clear; senders that require TLS do not deliver.
    /// # Method
    /// The reply to the STARTTLS command is not 220. 421 counts as being sent away, not as a
    /// refusal of TLS.
    /// # Fix
    /// 454 means that the server cannot read its key or certificate: see its log.
    /// # Sources
    /// RFC 3207 section 4 (454, 501); Postfix TLS_README.
    "smtp.starttls_refused", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    if *known(&smtp.starttls_offer)? != StarttlsOffer::Advertised {
        return Err(Why::new(Cause::Prerequisite, "the server does not offer STARTTLS"));
    }
    let reply = known(&smtp.starttls_reply)?;
    match reply.code {
        220 => CLEAR,
        421 => {
            let text = format!("the server sent us away: {}", state::short_reply(reply));
            Err(Why::new(Cause::RateLimited, text))
        }
        code => {
            let title = format!("{} refuses STARTTLS with {code}, after offering it", case.host());
            case.finding(&CHECK, Severity::Critical, title)
                .detail(format!(
                    "It answers \"{}\". Senders fall back to cleartext, or keep the mail if they insist on TLS. \
                     Nearly always the server cannot load its key or certificate.",
                    state::short_reply(reply)
                ))
                .fix("starttls")
                .weight(5)
                .found()
        }
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).starttls_reply =
        Observed::seen(sample::reply(454, "4.7.0 TLS not available due to local problem")),
    undetermined: |e| sample::smtp(e).starttls_reply = sample::failed(),
}
