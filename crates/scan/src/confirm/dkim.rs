//! Is the key of the selector there, and can it be used?

use waxseal_model::{Confirmation, Observed, dns::DnsOutcome, identity::DkimKeyFacts};

use super::{Run, notes::Notes, spf, subject::Need};

/// Receivers refuse shorter RSA keys (RFC 8301).
const SHORTEST_RSA: u32 = 1024;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let named = run.subject.selectors.iter().find_map(|(_, domain)| domain.clone());
    let Some(domain) = named.or_else(|| run.subject.sender_domain.clone()) else {
        return notes.untested(spf::lacks(Need::SenderDomain));
    };
    let found = spf::look(run, &domain, None).await;
    // Some name servers deny the name above a key that is there.
    let any_key = found.dkim_keys.iter().any(|key| judge(key).is_ok());
    if !any_key && found.domainkey.get() == Some(&DnsOutcome::NxDomain) {
        let what = format!("_domainkey.{domain}");
        notes.supports(&what, "the name does not exist");
        return notes.confirmed(format!(
            "{what} does not exist, so that {domain} has no DKIM key at all and no signature of it can be valid"
        ));
    }
    let mut wrong = None;
    let mut sound = Vec::new();
    let mut unknown = None;
    for key in &found.dkim_keys {
        let what = format!("{}._domainkey.{}", key.selector, key.domain);
        match judge(key) {
            Ok(said) => {
                notes.contradicts(&what, said);
                sound.push(what);
            }
            Err(Trouble::Wrong(said)) => {
                notes.supports(&what, &said);
                wrong.get_or_insert_with(|| format!("{what}: {said}"));
            }
            Err(Trouble::Unknown(why)) => {
                notes.failed(&what, &why);
                unknown.get_or_insert(why);
            }
        }
    }
    notes.next(format!("waxseal check {domain} --message FILE"));
    match (wrong, unknown, sound.as_slice()) {
        (Some(wrong), _, _) => notes.confirmed(wrong),
        (None, Some(why), _) => notes.untested(why),
        (None, None, []) => notes.untested(
            "the text does not say which selector was used: it is s= in the DKIM-Signature line of the message; give \
             it with --selector NAME",
        ),
        (None, None, keys) => notes.untested(format!(
            "the key is published and sound ({}), and whether a signature fits can only be verified over the \
             message itself, which a mailing list or filter may have changed on the way",
            keys.join(", ")
        )),
    }
}

enum Trouble {
    /// It keeps signatures from being valid.
    Wrong(String),
    /// It could not be looked up.
    Unknown(String),
}

/// What is well with a key.
fn judge(facts: &DkimKeyFacts) -> Result<String, Trouble> {
    if let Observed::NotTried { why } | Observed::Failed { why } = &facts.answer {
        return Err(Trouble::Unknown(why.text.clone()));
    }
    if let Some(problem) = &facts.problem {
        return Err(Trouble::Wrong(problem.clone()));
    }
    let Some(key) = &facts.key else { return Err(Trouble::Wrong("there is no key record".to_owned())) };
    if key.revoked {
        return Err(Trouble::Wrong("the key was withdrawn (p= is empty)".to_owned()));
    }
    if !key.hashes.is_empty() && !key.hashes.iter().any(|h| h == "sha256") {
        let said = format!("the key allows only {}, which receivers refuse", key.hashes.join(", "));
        return Err(Trouble::Wrong(said));
    }
    match key.bits {
        Some(bits) if key.algorithm == "rsa" && bits < SHORTEST_RSA => {
            Err(Trouble::Wrong(format!("the RSA key has {bits} bits, and receivers refuse less than 1024")))
        }
        Some(bits) => Ok(format!("a sound {} key of {bits} bits", key.algorithm)),
        None => Ok(format!("a key of the kind {}", key.algorithm)),
    }
}
