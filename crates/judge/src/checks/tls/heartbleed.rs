//! Check [`tls.heartbleed`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::Heartbleed;

check! {
    /// The server gives away its memory (Heartbleed).
    ///
    /// # Effect
    /// Anyone reads up to 64 KiB of the server's memory with every request, without a trace:
    /// private keys, passwords, mail of others.
    /// # Method
    /// A heartbeat that claims one byte more than it carries; a server that answers it with
    /// that byte is vulnerable. More is never asked for. Servers that do not offer heartbeats
    /// are not asked.
    /// # Fix
    /// Update OpenSSL to 1.0.1g or newer, then replace key and certificate: they may have been
    /// read.
    /// # Sources
    /// CVE-2014-0160; RFC 6520 section 4 (such a message must be discarded).
    "tls.heartbleed", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let beyond = match known_if_applicable(&case.audit()?.heartbleed) {
        Ok(Some(Heartbleed::Answered { beyond })) if *beyond > 0 => beyond,
        // A server that does not echo the extension has no heartbeats to answer.
        Err(why) if case.tls()?.heartbeat.get() != Some(&false) => return Err(why),
        _ => return CLEAR,
    };
    let bytes = if *beyond == 1 { "a byte".to_owned() } else { format!("{beyond} bytes") };
    case.finding(&CHECK, Severity::Critical, format!("{} gives away its memory (Heartbleed)", case.host()))
        .detail(format!(
            "A heartbeat was answered with {bytes} that it did not carry. The same request reads 64 KiB at a time: \
             keys, passwords and mail must be taken for known to others."
        ))
        .fix("heartbleed")
        .weight(5)
        .found()
}

fixtures! {
    clear: |e| sample::audit(e).heartbleed = Observed::seen(Heartbleed::Discarded),
    found: |e| sample::audit(e).heartbleed = Observed::seen(Heartbleed::Answered { beyond: 1 }),
    undetermined: |e| {
        sample::tls(e).heartbeat = Observed::seen(true);
        sample::audit(e).heartbleed = sample::failed();
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_server_without_heartbeats_needs_no_attempt() {
        assert!(findings(CHECK.id, |e| sample::audit(e).heartbleed = sample::failed()).is_empty());
    }
}
