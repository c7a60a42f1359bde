//! Check [`tls.robot`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::{Robot, RobotOracle};

check! {
    /// Answers to wrong RSA padding differ (ROBOT).
    ///
    /// # Effect
    /// Who recorded a session with RSA key exchange deciphers it by asking the server many
    /// questions; with a strong oracle in hours, and the server's key signs what he likes.
    /// Sessions with ECDHE or TLS 1.3 cannot be deciphered so.
    /// # Method
    /// Five RSA key exchanges, one padded well and four in wrong ways, with and without
    /// the messages that follow; the answers must all be alike. Answers that differ are
    /// asked for again before they count. Where no suite uses RSA key exchange there is
    /// nothing to ask.
    /// # Fix
    /// Switch RSA key exchange off, or update the TLS library or device.
    /// # Sources
    /// Return Of Bleichenbacher's Oracle Threat (robotattack.org, USENIX Security 2018);
    /// CVE-2017-13099, CVE-2017-6168 and others; RFC 5246 section 7.4.7.1.
    "tls.robot", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(robot) = known_if_applicable(&case.audit()?.robot)? else { return CLEAR };
    let (severity, strength, effect) = match robot.oracle {
        None => return CLEAR,
        Some(RobotOracle::Strong) => (
            Severity::High,
            "strong",
            "Recorded sessions with RSA key exchange can be deciphered with some ten thousand questions.",
        ),
        Some(RobotOracle::Weak) => (
            Severity::Medium,
            "weak",
            "Deciphering a recorded session takes millions of questions, which is rarely practical.",
        ),
    };
    case.finding(&CHECK, severity, format!("{} is a {strength} RSA padding oracle (ROBOT)", case.host()))
        .detail(format!("{}. {effect}", different_answers(robot)))
        .fix("key_exchange")
        .found()
}

/// Two blocks with different answers, in words.
fn different_answers(robot: &Robot) -> String {
    let first = robot.answers.first();
    let other = robot.answers.iter().find(|a| first.is_some_and(|f| f.answer != a.answer));
    match (first, other) {
        (Some(a), Some(b)) => format!(
            "To the block \"{}\" it answers \"{}\", to \"{}\" it answers \"{}\"",
            text::cut(&a.block, 40),
            text::cut(&a.answer, 60),
            text::cut(&b.block, 40),
            text::cut(&b.answer, 60)
        ),
        _ => "Its answers tell well padded blocks from others".to_owned(),
    }
}

#[cfg(test)]
fn oracle(strength: RobotOracle) -> Observed<Robot> {
    let answer = |block: &str, answer: &str| waxseal_model::audit::RobotAnswer {
        block: block.into(),
        answer: answer.into(),
    };
    let answers = vec![
        answer("valid", "alert 20 bad_record_mac"),
        answer("wrong first bytes", "alert 51 decrypt_error"),
    ];
    Observed::seen(Robot { oracle: Some(strength), with_finished: Some(true), answers })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::audit(e).robot = oracle(RobotOracle::Strong),
    undetermined: |e| sample::audit(e).robot = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_weak_oracle_is_less_severe_and_the_answers_are_quoted() {
        let strong = findings(CHECK.id, |e| sample::audit(e).robot = oracle(RobotOracle::Strong));
        let weak = findings(CHECK.id, |e| sample::audit(e).robot = oracle(RobotOracle::Weak));
        assert!(strong[0].severity > weak[0].severity);
        assert!(strong[0].detail.contains("\"alert 51 decrypt_error\""), "{}", strong[0].detail);
    }
}
