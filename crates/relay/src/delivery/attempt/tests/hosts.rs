//! What hosts do at each moment, and what follows for the next one.

use std::time::Duration;

use proptest::prelude::*;
use waxseal_judge::delivery::{
    self, AddressAnswer, Certificate, Dane, MxAnswer, Operator, Outcome, PolicyFacts, Sts, StsMode, TlsSeen,
    Tlsa, requirement,
};

use super::*;

const BOB: [&str; 1] = ["bob@partner.example"];

/// A moment, what the first host does then, the end there, its reason, and whether the
/// second host is asked.
type Row = (&'static str, Act, End, &'static str, bool);

fn rows() -> Vec<Row> {
    use Act::{Close, CutOff, Endless, Reset, Say, SayAndClose};
    use End::{Deferred, Failed, Unknown};
    vec![
        ("connect", Say("450 4.3.2 later"), Deferred, "reply.greeting", true),
        ("connect", SayAndClose("554 5.3.2 no"), Deferred, "reply.greeting", true),
        ("connect", Close, Deferred, "lost.greeting", true),
        ("connect", Reset, Deferred, "lost.greeting", true),
        ("connect", Endless, Deferred, "lost.greeting", true),
        ("EHLO", Say("421 4.3.2 later"), Deferred, "reply.ehlo", true),
        ("EHLO", Close, Deferred, "lost.ehlo", true),
        ("MAIL", Say("450 4.7.1 later"), Deferred, "reply.mail", true),
        ("MAIL", Say("550 5.7.1 no"), Failed, "reply.mail", false),
        ("MAIL", Say("530 5.7.0 Must issue a STARTTLS command first"), Deferred, "reply.mail", true),
        ("MAIL", SayAndClose("421 4.3.2 bye"), Deferred, "reply.mail", true),
        ("MAIL", Close, Deferred, "lost.mail", true),
        ("MAIL", Reset, Deferred, "lost.mail", true),
        ("MAIL", Endless, Deferred, "lost.mail", true),
        ("MAIL", Say("garbage"), Deferred, "lost.mail", true),
        ("RCPT", Say("450 4.2.0 later"), Deferred, "reply.rcpt", true),
        ("RCPT", Say("550 5.1.1 no"), Failed, "reply.rcpt", false),
        ("RCPT", SayAndClose("421 4.3.2 bye"), Deferred, "reply.rcpt", true),
        ("RCPT", Close, Deferred, "lost.rcpt", true),
        ("RCPT", Endless, Deferred, "lost.rcpt", true),
        ("DATA", Say("451 4.3.0 later"), Deferred, "reply.data", true),
        ("DATA", Say("554 5.7.1 no"), Failed, "reply.data", false),
        ("DATA", Say("250 what"), Deferred, "reply.data", true),
        ("DATA", SayAndClose("421 4.3.2 bye"), Deferred, "reply.data", true),
        ("DATA", Close, Deferred, "lost.data", true),
        ("DATA", CutOff(100_000, "552 5.3.4 too much"), Failed, "reply.end_of_data", false),
        ("DATA", CutOff(100_000, "452 4.3.1 full"), Deferred, "reply.end_of_data", true),
        (".", Say("451 4.3.0 later"), Deferred, "reply.end_of_data", true),
        (".", Say("554 5.7.1 spam"), Failed, "reply.end_of_data", false),
        (".", SayAndClose("421 4.3.2 bye"), Deferred, "reply.end_of_data", true),
        (".", Close, Unknown, "unknown.after_dot", false),
        (".", Reset, Unknown, "unknown.after_dot", false),
        (".", Endless, Unknown, "unknown.after_dot", false),
        (".", Say("garbage"), Unknown, "unknown.after_dot", false),
    ]
}

/// A message of which no buffer holds the whole.
fn large() -> Job {
    let mut job = job(&BOB);
    let line = format!("{}\r\n", "x".repeat(998));
    job.body.push(line.repeat(16_000).into());
    job.size = job.body.iter().map(|part| part.len() as u64).sum();
    job
}

#[tokio::test]
async fn every_moment_at_the_first_host_decides_whether_the_second_is_asked() {
    for pipelining in ["PIPELINING", "X-NONE"] {
        for (moment, act, end, reason, next) in rows() {
            let what = format!("{moment} {act:?} {pipelining}");
            let job = if matches!(act, Act::CutOff(..)) { large() } else { job(&BOB) };
            let first = Script::clear().offering(&[pipelining]).when(moment, act);
            let (deliverer, mut route, servers) = to(vec![first, Script::clear().offering(&[])]).await;
            let report = deliverer.deliver(&route, &job).await;
            let wanted = if next { DELIVERED } else { (end, reason) };
            assert_eq!(ends(&report), [wanted], "{what}: {report:?}");
            assert_eq!(servers[1].heard().len(), usize::from(next), "{what}");
            route.hops.pop();
            let report = deliverer.deliver(&route, &job).await;
            assert_eq!(ends(&report), [(end, reason)], "{what} alone: {report:?}");
            let verdict = &report.verdicts[0].1;
            assert_eq!(verdict.host.as_deref(), Some("mx0.partner.example"), "{what}");
            assert!(verdict.address.is_some() && !report.transcript.is_empty(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_costs_the_patience_of_that_moment() {
    let little = Duration::from_millis(300);
    for (moment, end, reason) in [
        ("MAIL", End::Deferred, "lost.mail"),
        ("RCPT", End::Deferred, "lost.rcpt"),
        ("DATA", End::Deferred, "lost.data"),
        (".", End::Unknown, "unknown.after_dot"),
    ] {
        let mut settings = settings();
        let patience = &mut settings.patience;
        match moment {
            "MAIL" => patience.mail = little,
            "RCPT" => patience.rcpt = little,
            "DATA" => patience.data = little,
            _ => patience.end_of_data = little,
        }
        let silent = Script::clear().when(moment, Act::Hang);
        let (deliverer, route, _servers) = to_with(settings, vec![silent]).await;
        let report = deliverer.deliver(&route, &job(&BOB)).await;
        assert_eq!(ends(&report), [(end, reason)], "{moment}");
        assert_eq!(report.site, SiteSign::Busy);
    }
}

#[tokio::test]
async fn the_whole_attempt_ends_in_time_and_the_reply_to_the_dot_is_waited_for_all_the_same() {
    let attempt = Duration::from_millis(300);
    let silent = || Script::clear().when("MAIL", Act::Hang);
    let settings = DeliverySettings { attempt, ..settings() };
    let (deliverer, route, servers) = to_with(settings, vec![silent(), silent(), silent()]).await;
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!(ends(&report), [(End::Deferred, "lost.mail")], "{report:?}");
    assert!(servers[1].heard().is_empty(), "no time was left");
}

#[tokio::test]
async fn not_more_addresses_are_tried_than_settings_allow() {
    let busy = || Script::clear().when("connect", Act::SayAndClose("421 4.3.2 full"));
    let settings = DeliverySettings { addresses: 2, ..settings() };
    let (deliverer, route, servers) = to_with(settings, vec![busy(), busy(), Script::clear()]).await;
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!(ends(&report), [(End::Deferred, "reply.greeting")]);
    assert!(servers[2].heard().is_empty());
}

#[tokio::test]
async fn all_addresses_of_a_host_are_tried_before_the_next_host() {
    let (deliverer, mut route, servers) = to(vec![Script::clear(), Script::clear()]).await;
    // Nothing listens on the second address.
    let (dead, alive) = (IpAddr::from([127, 0, 0, 77]), IpAddr::from([127, 0, 0, 1]));
    route.hops[0].addresses = vec![dead, alive];
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!(ends(&report), [DELIVERED]);
    assert_eq!(report.verdicts[0].1.address, Some(alive));
    assert!(servers[1].heard().is_empty());
    route.hops[0].addresses = vec![dead];
    route.hops.pop();
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!((ends(&report)[0], report.site), ((End::Deferred, "connect.failed"), SiteSign::Dead));
    let verdict = &report.verdicts[0].1;
    assert!(verdict.ours && verdict.reply.starts_with("451 4.4.1 127.0.0.77:"), "{verdict:?}");
}

#[tokio::test]
async fn of_one_hosts_addresses_the_one_that_came_farthest_speaks_for_it() {
    let (deliverer, mut route, _servers) = to(vec![Script::clear()]).await;
    let hop = &mut route.hops[0];
    hop.facts.operator.level = OperatorLevel::Encrypt;
    hop.addresses = vec![IpAddr::from([127, 0, 0, 77]), IpAddr::from([127, 0, 0, 1])];
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!(ends(&report), [(End::Deferred, "tls.not_advertised")]);
    assert_eq!(report.verdicts[0].1.reply, "451 4.7.6 STARTTLS required but not advertised");
    assert_eq!(report.site, SiteSign::NoTls("tls.not_advertised"));
}

#[tokio::test]
async fn the_host_that_may_have_the_message_is_asked_first() {
    let (deliverer, route, servers) = to(vec![Script::clear(), Script::clear()]).await;
    let mut job = job(&BOB);
    job.first = Some(("mx1.partner.example".to_owned(), IpAddr::from([127, 0, 0, 1])));
    deliverer.deliver(&route, &job).await;
    assert!(servers[0].heard().is_empty());
    for (name, address) in [("mx9.partner.example", [127, 0, 0, 1]), ("mx1.partner.example", [127, 0, 0, 77])]
    {
        let (deliverer, route, servers) = to(vec![Script::clear(), Script::clear()]).await;
        job.first = Some((name.to_owned(), IpAddr::from(address)));
        assert_eq!(ends(&deliverer.deliver(&route, &job).await), [DELIVERED]);
        assert!(servers[1].heard().is_empty(), "the route has changed: {name}");
    }
}

#[tokio::test]
async fn names_that_lead_nowhere_are_answered_without_a_connection() {
    for (mx, end, reason, reply) in [
        (MxAnswer::NullMx, End::Failed, "domain.null_mx", "556 5.1.10 "),
        (MxAnswer::NoSuchDomain, End::Failed, "domain.not_found", "550 5.1.2 "),
        (MxAnswer::Failed, End::Deferred, "mx.bogus", "451 4.4.3 "),
        (MxAnswer::Bogus, End::Deferred, "mx.bogus", "451 4.4.3 "),
        (MxAnswer::Insecure, End::Deferred, "address.lookup", "451 4.4.3 "),
    ] {
        let (deliverer, mut route, _) = to(vec![]).await;
        route.mx = mx;
        route.trouble = Some("SERVFAIL from 192.0.2.53".to_owned());
        let report = deliverer.deliver(&route, &job(&BOB)).await;
        assert_eq!(ends(&report), [(end, reason)], "{mx:?}");
        let verdict = &report.verdicts[0].1;
        assert!(verdict.reply.starts_with(reply) && verdict.reply.contains("(SERVFAIL"), "{}", verdict.reply);
        assert_eq!((verdict.ours, report.site), (true, SiteSign::Neutral));
        let (token, text) = deliverer.probe(&route, Wishes::default()).await.unwrap_err();
        assert_eq!((token, text), (reason, verdict.reply.clone()));
    }
    let (deliverer, mut route, servers) = to(vec![Script::clear()]).await;
    route.hops[0].facts.address = AddressAnswer::Bogus;
    assert_eq!(ends(&deliverer.deliver(&route, &job(&BOB)).await), [(End::Deferred, "address.lookup")]);
    (route.hops[0].facts.address, route.hops[0].addresses) = (AddressAnswer::Insecure, vec![]);
    assert_eq!(ends(&deliverer.deliver(&route, &job(&BOB)).await), [(End::Deferred, "address.lookup")]);
    assert!(servers[0].heard().is_empty());
}

#[tokio::test]
async fn a_probe_asks_hosts_in_turn_until_one_is_good_enough_and_sends_nothing() {
    let pki = Pki::new();
    let bad = Server::start(vec![Script::clear()]).await;
    let good = Server::start(vec![Script::tls(&pki.certificate("mx1.partner.example", 2040))]).await;
    let (deliverer, ear) = deliverer(settings(), &pki);
    let mut route = route(vec![
        hop("mx0.partner.example", bad.port, OperatorLevel::Verify),
        hop("mx1.partner.example", good.port, OperatorLevel::Verify),
    ]);
    let passed = deliverer.probe(&route, Wishes::default()).await.unwrap();
    let wanted =
        "mx1.partner.example [127.0.0.1]: TLSv1.3 TLS_AES_256_GCM_SHA384, authenticated by its certificate";
    assert_eq!(passed, wanted);
    good.until(|heard| heard[0].tls.ends_with(b"QUIT\r\n")).await;
    route.hops.pop();
    let (token, reply) = deliverer.probe(&route, Wishes::default()).await.unwrap_err();
    assert_eq!(
        (token, reply.as_str()),
        ("tls.not_advertised", "451 4.7.6 STARTTLS required but not advertised")
    );
    assert!(
        bad.heard()
            .iter()
            .chain(&good.heard())
            .all(|heard| !heard.lines().iter().any(|l| l.contains("MAIL")))
    );
    assert!(ear.told().is_empty());
    drop(bad);
    let (token, _) = deliverer.probe(&route, Wishes::default()).await.unwrap_err();
    assert_eq!(token, "connect.failed");
}

/// What the hosts of a domain have in common: its MX records, and the wish of the message.
fn any_domain() -> impl Strategy<Value = (MxAnswer, bool)> {
    let mx = prop_oneof![
        4 => Just(MxAnswer::Insecure),
        2 => Just(MxAnswer::Secure),
        1 => Just(MxAnswer::Failed),
        1 => Just(MxAnswer::NullMx),
    ];
    (mx, any::<bool>())
}

fn any_facts() -> impl Strategy<Value = PolicyFacts> {
    let sts = (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(there, enforce, lists_mx)| {
        let mode = if enforce { StsMode::Enforce } else { StsMode::Testing };
        if there { Sts::Policy { mode, lists_mx, refresh_failed: false } } else { Sts::None }
    });
    let dane = prop_oneof![3 => Just(Dane::None), 1 => Just(Dane::Usable), 1 => Just(Dane::LookupFailed)];
    let level = prop_oneof![
        Just(OperatorLevel::May),
        Just(OperatorLevel::Encrypt),
        Just(OperatorLevel::Verify),
        Just(OperatorLevel::DaneOnly)
    ];
    (sts, dane, level).prop_map(|(sts, dane, level)| PolicyFacts {
        sts,
        dane,
        operator: Operator { level, override_published: false, clear_after_failure: false },
        ..PolicyFacts::PLAIN
    })
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let tls = (any::<[bool; 4]>(), any::<bool>()).prop_map(|([trusted, in_date, for_mx, requiretls], ee)| {
        let certificate = Certificate { trusted, in_date, for_mx, for_operator: false };
        let tlsa = if ee { Tlsa::Ee } else { Tlsa::Mismatch };
        Observation::Tls(TlsSeen { certificate, tlsa, fingerprint: false, requiretls })
    });
    prop_oneof![
        1 => Just(Observation::Unreachable),
        1 => Just(Observation::NoStarttls),
        1 => Just(Observation::StarttlsRefused),
        1 => Just(Observation::HandshakeFailed),
        3 => tls,
    ]
}

proptest! {
    /// Where no host is good enough, the end and the reply are those of the judge.
    #[test]
    fn several_hosts_come_to_what_the_judge_says(
        (mx, require_tls) in any_domain(),
        hosts in proptest::collection::vec((any_facts(), any_observation()), 1..5),
    ) {
        let of = |facts: &PolicyFacts| requirement(&PolicyFacts { mx, require_tls, ..*facts });
        let hosts: Vec<_> = hosts.iter().map(|(facts, seen)| (of(facts), *seen)).collect();
        let judged = delivery::deliver(&hosts).unwrap().outcome;
        let mut slot = Slot::default();
        for (number, (requirement, observation)) in hosts.iter().enumerate() {
            let decision = decide(requirement, observation);
            if slot.settled.is_some() || matches!(decision.action, Action::Deliver(_)) {
                break;
            }
            slot.take(Answer::of_decision(&decision, requirement, ""), &At { number, ..At::nowhere() });
        }
        let ended = slot.settled.or(slot.kept.map(|kept| kept.verdict));
        match judged {
            Outcome::Delivered { .. } => {}
            Outcome::Deferred { reply, .. } => {
                let verdict = ended.unwrap();
                prop_assert_eq!((verdict.end, verdict.reply), (End::Deferred, reply.to_string()));
            }
            Outcome::Bounced { reply, .. } => {
                let verdict = ended.unwrap();
                prop_assert_eq!((verdict.end, verdict.reply), (End::Failed, reply.to_string()));
            }
        }
    }
}
