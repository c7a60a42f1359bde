//! Check [`smtp.slow_greeting`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server takes long to greet.
    ///
    /// # Effect
    /// Senders hold a connection open meanwhile; impatient ones give up and try later.
    /// # Method
    /// The time from the connection to the end of the greeting.
    /// # Fix
    /// Find the slow lookup, or delay only suspicious senders.
    /// # Sources
    /// RFC 5321 section 4.5.3.2.1 (senders wait up to 5 minutes).
    "smtp.slow_greeting", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let greeting = known(&case.smtp()?.greeting)?;
    if greeting.milliseconds <= case.profile.thresholds.slow_greeting_ms {
        return CLEAR;
    }
    let seconds = greeting.milliseconds / 1000;
    case.finding(&CHECK, Severity::Low, format!("{} takes {seconds} s to greet", case.host()))
        .detail(
            "Senders must wait up to 5 minutes, and not all do. A delay against spam is meant for strangers; \
             ours was one.",
        )
        .fix("slow")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).greeting =
        Observed::seen(waxseal_model::smtp::Greeting { reply: sample::reply(220, "hi"), milliseconds: 30_000 }),
    undetermined: |e| sample::smtp(e).greeting = sample::failed(),
}
