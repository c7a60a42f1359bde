//! Every row of the table, and what follows over several hosts.

use std::net::SocketAddr;

use waxseal_judge::delivery::{
    AddressAnswer, Dane, MxAnswer, Observation, Operator, OperatorLevel, PolicyFacts, Sts, StsMode, decide,
    requirement,
};

use super::*;

const CLEAN: (bool, End) = (false, End::Deferred);
const FAILED: (bool, End) = (true, End::Failed);

fn peer() -> SocketAddr {
    "192.0.2.1:25".parse().unwrap()
}

fn closed(stage: Stage) -> NetError {
    NetError::Closed { stage: stage.word(), received: 0, partial: vec![] }
}

fn silent(stage: Stage) -> NetError {
    NetError::Timeout { stage: stage.word(), after: Default::default(), received: 0, partial: vec![] }
}

#[test]
fn every_moment_with_a_reply() {
    use SiteSign::{Busy, Dead, Good, Neutral};
    use Stage::{Data, Ehlo, EndOfData, Greeting, Mail, Rcpt};
    for (stage, code, wanted, token, sign) in [
        (Greeting, 450, CLEAN, "reply.greeting", Busy),
        (Greeting, 421, CLEAN, "reply.greeting", Busy),
        (Greeting, 554, CLEAN, "reply.greeting", Dead),
        (Greeting, 521, CLEAN, "reply.greeting", Dead),
        (Greeting, 354, CLEAN, "reply.greeting", Busy),
        (Ehlo, 451, CLEAN, "reply.ehlo", Busy),
        (Ehlo, 550, CLEAN, "reply.ehlo", Dead),
        (Mail, 450, CLEAN, "reply.mail", Busy),
        (Mail, 421, CLEAN, "reply.mail", Busy),
        (Mail, 550, FAILED, "reply.mail", Neutral),
        (Rcpt, 450, CLEAN, "reply.rcpt", Neutral),
        (Rcpt, 421, CLEAN, "reply.rcpt", Busy),
        (Rcpt, 550, FAILED, "reply.rcpt", Neutral),
        (Data, 451, CLEAN, "reply.data", Neutral),
        (Data, 554, FAILED, "reply.data", Neutral),
        (Data, 250, CLEAN, "reply.data", Neutral),
        (EndOfData, 452, CLEAN, "reply.end_of_data", Neutral),
        (EndOfData, 421, CLEAN, "reply.end_of_data", Busy),
        (EndOfData, 550, FAILED, "reply.end_of_data", Neutral),
        (EndOfData, 354, CLEAN, "reply.end_of_data", Neutral),
        (EndOfData, 250, (true, End::Delivered), "", Good),
    ] {
        let outcome = of_reply(stage, code);
        assert_eq!((outcome.settled, outcome.end), wanted, "{stage:?} {code}");
        assert_eq!(outcome.reason.unwrap_or_default(), token, "{stage:?} {code}");
        assert_eq!(outcome.sign, sign, "{stage:?} {code}");
        assert_eq!(outcome.weight >= Weight::Asked, stage >= Mail, "{stage:?} {code}");
    }
}

#[test]
fn a_host_that_asks_for_tls_in_clear_says_nothing_of_the_message() {
    for stage in [Stage::Mail, Stage::Rcpt, Stage::Data, Stage::EndOfData] {
        let outcome = of_reply_in_clear(stage, 530);
        assert_eq!((outcome.settled, outcome.end, outcome.sign), (false, End::Deferred, SiteSign::Busy));
        assert_eq!(outcome.reason, of_reply(stage, 530).reason);
        assert_eq!(of_reply(stage, 530).end, End::Failed, "in TLS it is another matter");
        for code in [250, 450, 550, 421] {
            assert_eq!(of_reply_in_clear(stage, code), of_reply(stage, code));
        }
    }
}

#[test]
fn every_moment_without_a_reply() {
    use SiteSign::{Busy, Dead};
    for (stage, token, sign) in [
        (Stage::Greeting, "lost.greeting", Dead),
        (Stage::Ehlo, "lost.ehlo", Dead),
        (Stage::Mail, "lost.mail", Busy),
        (Stage::Rcpt, "lost.rcpt", Busy),
        (Stage::Data, "lost.data", Busy),
    ] {
        let reset = NetError::Reset { stage: stage.word(), received: 3, partial: vec![] };
        for error in [closed(stage), silent(stage), reset] {
            let outcome = of_loss(stage, &error);
            assert_eq!((outcome.settled, outcome.end), CLEAN, "{stage:?} {error}");
            assert_eq!((outcome.reason, outcome.sign), (Some(token), sign), "{error}");
        }
    }
    for error in [closed(Stage::EndOfData), silent(Stage::EndOfData)] {
        let outcome = of_loss(Stage::EndOfData, &error);
        assert_eq!((outcome.settled, outcome.end), (true, End::Unknown));
        assert_eq!(outcome.reason, Some("unknown.after_dot"));
    }
}

#[test]
fn every_way_of_not_reaching_a_host() {
    use SiteSign::{Dead, Neutral};
    let address = peer();
    let detail = || "x".to_owned();
    for (error, token, sign) in [
        (NetError::Refused { address }, "connect.failed", Dead),
        (NetError::ConnectTimeout { address, after: Default::default() }, "connect.timeout", Dead),
        (NetError::Unreachable { address, detail: detail() }, "connect.failed", Dead),
        (NetError::ConnectReset { address }, "connect.failed", Dead),
        (NetError::LocalResources { address, detail: detail() }, "connect.failed", Neutral),
        (NetError::NotPermitted { address, detail: detail() }, "connect.failed", Neutral),
        (NetError::Forbidden { address: address.ip(), block: "loopback" }, "connect.failed", Neutral),
    ] {
        let outcome = of_loss(Stage::Connect, &error);
        assert_eq!((outcome.settled, outcome.end), CLEAN, "{error}");
        assert_eq!((outcome.reason, outcome.sign), (Some(token), sign), "{error}");
    }
}

fn facts(level: OperatorLevel) -> PolicyFacts {
    let operator = Operator { level, clear_after_failure: false, ..Operator::OPPORTUNISTIC };
    PolicyFacts { operator, ..PolicyFacts::PLAIN }
}

fn of(facts: &PolicyFacts, observation: &Observation) -> Option<Outcome> {
    let requirement = requirement(facts);
    of_decision(&decide(&requirement, observation), &requirement)
}

#[test]
fn every_failure_of_tls_where_tls_is_demanded_waits_and_is_watched() {
    for (observation, token) in [
        (Observation::NoStarttls, "tls.not_advertised"),
        (Observation::StarttlsRefused, "tls.refused"),
        (Observation::HandshakeFailed, "tls.handshake"),
        (Observation::TlsTooOld, "tls.too_old"),
    ] {
        let outcome = of(&facts(OperatorLevel::Encrypt), &observation).unwrap();
        assert_eq!((outcome.settled, outcome.end), CLEAN, "{token}");
        assert_eq!((outcome.reason, outcome.sign), (Some(token), SiteSign::NoTls(token)));
        let with = PolicyFacts { require_tls: true, mx: MxAnswer::Secure, ..facts(OperatorLevel::May) };
        let outcome = of(&with, &observation).unwrap();
        assert_eq!((outcome.settled, outcome.end), (false, End::Failed), "{token} with REQUIRETLS");
        assert_eq!((outcome.sign, outcome.weight), (SiteSign::Neutral, Weight::Never));
    }
    assert_eq!(of(&facts(OperatorLevel::May), &Observation::NoStarttls), None, "in clear");
}

#[test]
fn every_answer_of_names_defers_or_fails_as_listed() {
    let plain = facts(OperatorLevel::May);
    let sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: false, refresh_failed: false };
    for (facts, wanted, token) in [
        (PolicyFacts { mx: MxAnswer::NullMx, ..plain }, FAILED, "domain.null_mx"),
        (PolicyFacts { mx: MxAnswer::NoSuchDomain, ..plain }, FAILED, "domain.not_found"),
        (PolicyFacts { mx: MxAnswer::Bogus, ..plain }, CLEAN, "mx.bogus"),
        (PolicyFacts { mx: MxAnswer::Failed, ..plain }, CLEAN, "mx.bogus"),
        (PolicyFacts { address: AddressAnswer::Bogus, ..plain }, CLEAN, "address.lookup"),
        (PolicyFacts { address: AddressAnswer::Failed, ..plain }, CLEAN, "address.lookup"),
        (PolicyFacts { dane: Dane::LookupFailed, ..plain }, CLEAN, "dane.lookup"),
        (facts(OperatorLevel::DaneOnly), CLEAN, "dane.required"),
        (PolicyFacts { sts, ..plain }, CLEAN, "sts.mx_mismatch"),
        (PolicyFacts { require_tls: true, ..plain }, (false, End::Failed), "requiretls.name_not_secure"),
    ] {
        let outcome = of(&facts, &Observation::Unreachable).unwrap();
        assert_eq!((outcome.settled, outcome.end), wanted, "{token}");
        assert_eq!(outcome.reason, Some(token));
        let watched = matches!(token, "dane.required" | "sts.mx_mismatch");
        assert_eq!(matches!(outcome.sign, SiteSign::NoTls(_)), watched, "{token}");
    }
}

#[test]
fn what_a_host_lacks_fails_only_where_no_other_may_take_it() {
    for (missing, token) in [
        (Missing::Size, "size.exceeded"),
        (Missing::EightBitMime, "eightbit.unsupported"),
        (Missing::SmtpUtf8, "smtputf8.unsupported"),
    ] {
        let outcome = of_missing(missing);
        assert_eq!((outcome.settled, outcome.end, outcome.reason), (false, End::Failed, Some(token)));
        let dead = of_loss(Stage::Connect, &NetError::Refused { address: peer() });
        assert!(dead.weight > outcome.weight);
        assert!(missing.reply().starts_with('5'));
    }
}

#[test]
fn only_replies_about_the_number_of_recipients_begin_another_transaction() {
    assert!(is_too_many_recipients(452, None));
    assert!(is_too_many_recipients(452, Some("4.5.3")));
    assert!(is_too_many_recipients(552, None));
    assert!(is_too_many_recipients(552, Some("5.5.3")));
    for (code, enhanced) in [(452, Some("4.2.2")), (452, Some("4.3.1")), (552, Some("5.2.2")), (450, None)] {
        assert!(!is_too_many_recipients(code, enhanced), "{code} {enhanced:?}");
    }
}

#[test]
fn of_several_signs_good_ones_and_want_of_tls_come_first() {
    use SiteSign::{Busy, Dead, Good, Neutral, NoTls};
    assert_eq!(stronger(Busy, NoTls("tls.refused")), NoTls("tls.refused"));
    assert_eq!(stronger(NoTls("tls.refused"), NoTls("tls.handshake")), NoTls("tls.refused"));
    assert_eq!(stronger(NoTls("tls.refused"), Good), Good);
    assert_eq!(stronger(Neutral, Dead), Dead);
    assert_eq!(stronger(Dead, Busy), Busy);
}
