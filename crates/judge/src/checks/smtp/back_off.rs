//! Check [`smtp.back_off`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server limited this scan.
    ///
    /// # Effect
    /// What was asked after that has no answer: those verdicts are undetermined. Real
    /// senders may meet the same limit.
    /// # Method
    /// A reply with 421 or 454, or a reset connection, after which waxseal slows down.
    /// # Fix
    /// Nothing, if the limit is meant; test again later.
    /// # Sources
    /// RFC 5321 section 4.2.3 (421); Postfix anvil(8).
    "smtp.back_off", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(back_off) = &case.smtp()?.back_off else { return CLEAR };
    case.finding(&CHECK, Severity::Info, format!("{} limited this test", case.host()))
        .detail(format!(
            "{}, at {}: \"{}\". Questions that could not be put any more are undetermined, not fine.",
            match back_off.after_connections {
                0 => "On the first connection".to_owned(),
                1 => "After 1 connection".to_owned(),
                n => format!("After {n} connections"),
            },
            back_off.stage,
            text::cut(&back_off.what, 80)
        ))
        .fix("back_off")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).back_off = Some(waxseal_model::smtp::BackOff {
        what: "421 4.7.0 Too many connections".into(),
        stage: "greeting".into(),
        after_connections: 9,
    }),
    undetermined: sample::unreachable,
}
