//! Check [`dmarc.alignment`](CHECK).

use crate::checks::{identity, prelude::*};

check! {
    /// In a message that was handed in, neither SPF nor DKIM fits the domain in From.
    ///
    /// # Effect
    /// DMARC fails whatever SPF and DKIM say, because what they vouch for is another domain.
    /// # Method
    /// The domains of Return-Path and of the signatures (`d=`) are compared with that of From,
    /// as strictly as the record asks. Signatures are not verified: this says what could pass.
    /// # Fix
    /// Sign with the domain in From, or use an envelope sender below it.
    /// # Sources
    /// RFC 9989 section 4.4.
    "dmarc.alignment", Domain, judge
}

fn judge(case: &Case) -> Outcome {
    let message = match known(&identity::domain(case)?.identity.message) {
        Err(why) if why.cause == Cause::NotAsked => {
            return Err(Why::new(Cause::NotApplicable, "no message was given"));
        }
        other => other?,
    };
    let alignment = known(&message.alignment)?;
    let fits = |list: &[waxseal_model::identity::Aligned]| list.iter().any(|a| a.aligned);
    if fits(alignment.spf.as_slice()) || fits(&alignment.dkim) {
        return CLEAR;
    }
    let from = message.from.as_deref().unwrap_or(&alignment.from);
    let others: Vec<String> = alignment
        .spf
        .iter()
        .map(|a| format!("Return-Path: {}", a.domain))
        .chain(alignment.dkim.iter().map(|a| format!("DKIM: {}", a.domain)))
        .collect();
    let seen = if others.is_empty() {
        "It has neither a Return-Path nor a signature".to_owned()
    } else {
        format!("It has {}", text::short_list(&others, 4))
    };
    let strict = alignment.spf.iter().chain(&alignment.dkim).any(|a| a.strict);
    let mode = if strict { " The record asks for the same name (strict)." } else { "" };
    let finding = identity::finding(
        case,
        &CHECK,
        Severity::Medium,
        format!("Nothing in the message fits its From, {from}"),
    )
    .detail(format!("{seen}; none of them belongs to {}.{mode} DMARC fails.", alignment.from))
    .confidence(Confidence::Medium)
    .fix_for("dmarc_alignment", from)
    .build();
    Ok(vec![identity::retested_with(finding, "--message FILE")])
}

fixtures! {
    clear: |_| {},
    found: |e| {
        if let Observed::Seen { value } = &mut sample::message(e).alignment {
            value.spf = None;
            value.dkim.iter_mut().for_each(|a| a.aligned = false);
        }
    },
    undetermined: |e| sample::message(e).alignment = sample::failed(),
}
