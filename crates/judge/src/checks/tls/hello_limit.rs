//! Check [`tls.hello_limit`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::HelloLimit;

check! {
    /// Only small hellos are answered.
    ///
    /// # Effect
    /// Senders with long lists of suites, or with the large key shares of post-quantum key
    /// exchange, get no TLS: they go on in clear, or keep the mail.
    /// # Method
    /// Hellos that were left without an answer are sent again smaller; what is answered then
    /// shows the limit.
    /// # Fix
    /// Update the server, firewall or load balancer that reads the hello.
    /// # Sources
    /// RFC 8446 section 4.1.2 (a list of suites has up to 32,767); RFC 7685; tldr.fail (hellos
    /// in more than one packet).
    "tls.hello_limit", Audit, judge
}

/// A hello with a share of X25519MLKEM768 (1,216 bytes) and all that stands beside it.
const POST_QUANTUM_HELLO: u16 = 2048;
/// Lists of suites of common senders have up to so many.
const LONG_LIST: u16 = 64;

fn judge(case: &Case) -> Outcome {
    let audit = case.audit()?;
    let Some(limit) = &audit.hello_limit else {
        // No limit was met, if large hellos were answered at all.
        let lists = audit.suite_lists.values();
        return match lists.clone().find(|l| l.is_seen()).or(lists.into_iter().next()) {
            Some(list) => known(list).and(CLEAR),
            None => Err(Why::new(Cause::NotAsked, "no hello was long enough to meet a limit")),
        };
    };
    let title = format!("{} answers {}", case.host(), size(limit));
    let (severity, who) = if limit.bytes.is_some_and(|b| b < POST_QUANTUM_HELLO) {
        (
            Severity::Medium,
            "Senders with post-quantum key exchange (OpenSSL 3.5, Go 1.24, rustls) send some 1,500 bytes and more, \
             and get no TLS here",
        )
    } else if limit.suites.is_some_and(|s| s < LONG_LIST) {
        (Severity::Medium, "Senders with long lists, such as Java or an old OpenSSL, get no TLS here")
    } else {
        (Severity::Low, "Few senders say as much today, and hellos grow from year to year")
    };
    case.finding(&CHECK, severity, title)
        .detail(format!("Larger ones had no answer. {who}."))
        .fix("intolerance")
        .found()
}

/// `hellos with at most 128 suites only`. Of bytes it is known what was answered and that longer
/// ones were not, and the limit lies between.
fn size(limit: &HelloLimit) -> String {
    match (limit.suites, limit.bytes) {
        (Some(suites), Some(bytes)) => {
            format!("hellos with at most {suites} suites only, and of {bytes} bytes but not much longer ones")
        }
        (Some(suites), None) => format!("hellos with at most {suites} suites only"),
        (None, Some(bytes)) => format!("hellos of {bytes} bytes, but not much longer ones"),
        (None, None) => "hellos of limited size only".to_owned(),
    }
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).hello_limit = Some(HelloLimit { suites: Some(128), bytes: None }),
    undetermined: |e| sample::audit(e).suite_lists.clear(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::judged_evidence;

    #[test]
    fn what_post_quantum_senders_need_weighs_more() {
        let severity = |suites, bytes| {
            let mut e = sample::healthy();
            sample::audit(&mut e).hello_limit = Some(HelloLimit { suites, bytes });
            let judgement = judged_evidence(&e);
            judgement.findings.iter().find(|f| f.check == CHECK.id).unwrap().severity
        };
        assert_eq!(severity(None, Some(511)), Severity::Medium);
        assert_eq!(severity(Some(30), None), Severity::Medium);
        assert_eq!(severity(Some(128), Some(4096)), Severity::Low);
    }
}
