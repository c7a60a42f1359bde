//! Can the sender's domain be answered: does it exist, and does it take mail?

use waxseal_model::Confirmation;

use super::{Run, dns, notes::Notes, spf, subject::Need};

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(domain) = run.subject.sender_domain.clone() else {
        return notes.untested(spf::lacks(Need::SenderDomain));
    };
    let state = dns::state(run, &domain, &mut notes).await;
    let fault = match state {
        Ok(None) if is_callout(&run.subject.words) => {
            notes.next(format!("waxseal check {domain}"));
            return notes.untested(format!(
                "{domain} can be answered by its MX, and whether these take mail for the very address of the sender, \
                 also from the null sender, shows only a delivery attempt"
            ));
        }
        Ok(None) => {
            return notes.refuted(format!(
                "{domain} exists and takes mail now: it was mended meanwhile, or the receiver's DNS failed"
            ));
        }
        Ok(Some(fault)) => fault,
        Err(why) if why.is_about_the_domain => {
            return notes.confirmed(format!("{}, from here as at the receiver", why.text));
        }
        Err(why) => return notes.untested(why.text),
    };
    notes.confirmed(fault.text)
}

/// The receiver asked the sender's own server whether the address exists.
fn is_callout(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["callout", "sender verify", "verification failed"].iter().any(|w| text.contains(w))
}
