//! What servers can do before a message, and that none of it goes in clear.

use std::time::Duration;

use tokio::time::Instant;
use waxseal_judge::delivery::{
    Action, Certificate, Dane, MxAnswer, Observation, OperatorLevel, ResultType, Sts, StsMode, TlsSeen, Tlsa,
    decide,
};
use waxseal_net::egress::{Egress, EgressRules};
use waxseal_wire::dane::TlsaRecord;

use super::{
    Letter, Means, Way,
    testing::{Act, Heard, MX, Pki, Script, Server, deliverer, hop, job, route, settings},
};
use crate::{
    delivery::job::{Deliver, End, Job, Report, SiteSign},
    route::{Hop, Wishes},
};

/// What keeps a server from being trusted, and the token for it under `require` and under
/// `verify`; empty where that is no obstacle.
struct Fault {
    what: &'static str,
    script: Script,
    require: &'static str,
    verify: &'static str,
    /// The step at which it falls silent, if it does: that one gets little time.
    silent: Silent,
}

#[derive(Clone, Copy, PartialEq)]
enum Silent {
    Never,
    Greeting,
    Ehlo,
    StartTls,
}

fn fault(what: &'static str, script: Script, token: &'static str) -> Fault {
    Fault { what, script, require: token, verify: token, silent: Silent::Never }
}

fn silence(silent: Silent, what: &'static str, script: Script, token: &'static str) -> Fault {
    Fault { silent, ..fault(what, script, token) }
}

/// Everything that can go wrong with a server that offers TLS or should.
fn faults(pki: &Pki) -> Vec<Fault> {
    let good = pki.certificate(MX, 2040);
    let tls = || Script::tls(&good);
    let (no, handshake) = ("tls.not_advertised", "tls.handshake");
    let certificate = |what, certificate, verify| {
        let script = Script::tls(&certificate);
        Fault { what, script, require: "", verify, silent: Silent::Never }
    };
    vec![
        fault("no STARTTLS", Script::clear(), no),
        fault("EHLO unknown", tls().when("EHLO", Act::Say("502 5.5.1 what")), no),
        fault("EHLO refused", tls().when("EHLO", Act::Say("550 5.7.1 go away")), "reply.ehlo"),
        fault("EHLO put off", tls().when("EHLO", Act::Say("451 4.3.0 later")), "reply.ehlo"),
        fault("EHLO without end", tls().when("EHLO", Act::Endless), "lost.ehlo"),
        fault("EHLO answered with garbage", tls().when("EHLO", Act::Say("garbage")), "lost.ehlo"),
        fault("closed at EHLO", tls().when("EHLO", Act::Close), "lost.ehlo"),
        silence(Silent::Ehlo, "silent at EHLO", tls().when("EHLO", Act::Hang), "lost.ehlo"),
        fault("greeting 421", tls().when("connect", Act::SayAndClose("421 4.3.2 full")), "reply.greeting"),
        fault("greeting 554", tls().when("connect", Act::SayAndClose("554 5.3.2 no")), "reply.greeting"),
        fault("garbage for a greeting", tls().when("connect", Act::Say("SSH-2.0-x")), "lost.greeting"),
        fault("closed at once", tls().when("connect", Act::Close), "lost.greeting"),
        silence(Silent::Greeting, "no greeting", tls().when("connect", Act::Hang), "lost.greeting"),
        fault("STARTTLS 454", tls().when("STARTTLS", Act::Say("454 4.7.0 no TLS")), "tls.refused"),
        fault("STARTTLS 502", tls().when("STARTTLS", Act::Say("502 5.5.1 what")), "tls.refused"),
        fault("STARTTLS 421", tls().when("STARTTLS", Act::SayAndClose("421 4.3.2 bye")), "tls.refused"),
        fault("STARTTLS 250", tls().when("STARTTLS", Act::Say("250 ok")), "tls.refused"),
        fault("closed at STARTTLS", tls().when("STARTTLS", Act::Close), handshake),
        fault("reset at STARTTLS", tls().when("STARTTLS", Act::Reset), handshake),
        fault("STARTTLS answered with garbage", tls().when("STARTTLS", Act::Say("garbage")), handshake),
        fault("STARTTLS without end", tls().when("STARTTLS", Act::Endless), handshake),
        silence(Silent::StartTls, "silent at STARTTLS", tls().when("STARTTLS", Act::Hang), handshake),
        fault(
            "words after the 220",
            tls().when("STARTTLS", Act::Say("220 go\r\n250 injected\r\n")),
            handshake,
        ),
        fault("reset in the handshake", tls().when("handshake", Act::Reset), handshake),
        fault("closed in the handshake", tls().when("handshake", Act::Close), handshake),
        silence(Silent::StartTls, "silent in the handshake", tls().when("handshake", Act::Hang), handshake),
        fault("no TLS in the handshake", tls().when("handshake", Act::Say("500 what")), handshake),
        fault(
            "handshake_failure",
            tls().when("handshake", Act::Say("\x15\x03\x03\0\x02\x02\x28\n")),
            handshake,
        ),
        fault(
            "protocol_version",
            tls().when("handshake", Act::Say("\x15\x03\x03\0\x02\x02\x46\n")),
            "tls.too_old",
        ),
        fault("closed after the handshake", tls().when("in TLS EHLO", Act::Close), "lost.ehlo"),
        fault("EHLO refused in TLS", tls().when("in TLS EHLO", Act::Say("550 5.7.1 no")), "reply.ehlo"),
        certificate("expired", pki.certificate(MX, 2021), "tls.cert.expired"),
        certificate("for another name", pki.certificate("www.example", 2040), "tls.cert.name"),
        certificate("of a stranger", Pki::new().certificate(MX, 2040), "tls.cert.untrusted"),
    ]
}

/// One delivery to one server, and what the server heard.
async fn deliver(
    script: Script,
    pki: &Pki,
    silent: Silent,
    hop_of: impl Fn(u16) -> Hop,
    job: &Job,
) -> (Report, Vec<Heard>) {
    let server = Server::start(vec![script]).await;
    let mut settings = settings();
    let (patience, little) = (&mut settings.patience, Duration::from_millis(300));
    match silent {
        Silent::Never => {}
        Silent::Greeting => patience.greeting = little,
        Silent::Ehlo => patience.ehlo = little,
        Silent::StartTls => patience.starttls = little,
    }
    let (deliverer, _) = deliverer(settings, pki);
    let report = deliverer.deliver(&route(vec![hop_of(server.port)]), job).await;
    (report, server.heard())
}

#[tokio::test]
async fn nothing_goes_in_clear_where_tls_is_demanded_whatever_the_server_does() {
    let pki = Pki::new();
    for level in [OperatorLevel::Encrypt, OperatorLevel::Verify] {
        for Fault { what, script, require, verify, silent } in faults(&pki) {
            let token = if level == OperatorLevel::Encrypt { require } else { verify };
            let hop_of = |port| {
                let mut hop = hop(MX, port, level);
                hop.facts.operator.clear_after_failure = true;
                hop
            };
            let (report, heard) = deliver(script, &pki, silent, hop_of, &job(&["bob@partner.example"])).await;
            assert!(!heard.iter().any(Heard::anything_in_clear), "{what}: {heard:?}");
            let verdict = &report.verdicts[0].1;
            assert_eq!(verdict.reason.unwrap_or_default(), token, "{what}: {verdict:?}");
            let wanted = if token.is_empty() { End::Delivered } else { End::Deferred };
            assert_eq!(verdict.end, wanted, "{what} under {level:?}: {verdict:?}");
            assert!(verdict.reply.starts_with(if token.is_empty() { "250" } else { "4" }) || !verdict.ours);
            assert_eq!(report.transcript.is_empty(), token.is_empty(), "{what}: {report:?}");
            if token.starts_with("tls.") {
                assert_eq!(report.site, SiteSign::NoTls(token), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn published_policies_and_requiretls_keep_clear_text_back_as_well() {
    let pki = Pki::new();
    let wrong = TlsaRecord { usage: 3, selector: 1, matching_type: 1, data: vec![7; 32] };
    let sts = |hop: &mut Hop| {
        hop.facts.sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: true, refresh_failed: false };
    };
    let dane = |hop: &mut Hop| {
        (hop.facts.dane, hop.facts.mx) = (Dane::Usable, MxAnswer::Secure);
        hop.tlsa = vec![wrong.clone()];
    };
    type Demand<'a> = (&'a str, &'a dyn Fn(&mut Hop), bool);
    let demands: [Demand<'_>; 3] =
        [("MTA-STS", &sts, false), ("DANE", &dane, false), ("REQUIRETLS", &sts, true)];
    for (name, demand, require_tls) in demands {
        for Fault { what, script, silent, verify, .. } in faults(&pki) {
            let hop_of = |port| {
                let mut hop = hop(MX, port, OperatorLevel::May);
                hop.facts.operator.clear_after_failure = true;
                demand(&mut hop);
                hop
            };
            let mut job = job(&["bob@partner.example"]);
            let envelope = std::sync::Arc::make_mut(&mut job.envelope);
            (envelope.require_tls, envelope.tls_required_no) = (require_tls, require_tls);
            let (report, heard) = deliver(script, &pki, silent, hop_of, &job).await;
            assert!(!heard.iter().any(Heard::anything_in_clear), "{name}, {what}: {heard:?}");
            let verdict = &report.verdicts[0].1;
            let about_tls = verify.starts_with("tls.");
            let wanted = if require_tls && about_tls { End::Failed } else { End::Deferred };
            assert_eq!(verdict.end, wanted, "{name}, {what}: {verdict:?}");
            if name == "DANE" && verify.starts_with("tls.cert") {
                assert_eq!(verdict.reason, Some("dane.mismatch"), "{what}");
            }
            if name != "DANE" && verify.starts_with("tls.cert") {
                assert_eq!(verdict.reason, Some("sts.webpki"), "{name}, {what}");
            }
        }
    }
}

#[tokio::test]
async fn a_good_server_gets_the_message_in_tls_under_every_demand() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    let spki = waxseal_wire::x509::facts(&good.der).unwrap().spki_sha256;
    let tlsa = TlsaRecord::from_hex(3, 1, 1, &spki).unwrap();
    for (level, with_dane, channel) in [
        (OperatorLevel::May, false, ""),
        (OperatorLevel::Encrypt, false, ""),
        (OperatorLevel::Verify, false, ", authenticated by its certificate"),
        (OperatorLevel::Secure, false, ", authenticated by a name of your rule"),
        (OperatorLevel::Fingerprint, false, ", authenticated by a key of your rule"),
        (OperatorLevel::DaneOnly, true, ", authenticated by DANE"),
    ] {
        let hop_of = |port| {
            let mut hop = hop(MX, port, level);
            hop.fingerprints = vec![tlsa.data.clone().try_into().unwrap()];
            if with_dane {
                (hop.facts.dane, hop.facts.mx) = (Dane::Usable, MxAnswer::Secure);
                hop.tlsa = vec![tlsa.clone()];
            }
            hop
        };
        let (report, heard) =
            deliver(Script::tls(&good), &pki, Silent::Never, hop_of, &job(&["bob@partner.example"])).await;
        let verdict = &report.verdicts[0].1;
        assert_eq!(verdict.end, End::Delivered, "{level:?}: {verdict:?}");
        assert_eq!(verdict.channel, format!("TLSv1.3 TLS_AES_256_GCM_SHA384{channel}"));
        assert!(!heard[0].anything_in_clear());
        assert_eq!(heard[0].messages, ["Received: here\r\nSubject: SECRET\r\n\r\n..dot\r\n"]);
        assert_eq!((report.site, verdict.remote_dsn), (SiteSign::Good, true));
    }
}

#[tokio::test]
async fn failed_tls_leads_to_clear_text_only_where_nothing_demands_it_and_the_operator_allows() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    for (act, words) in [
        ("STARTTLS", Act::Say("454 4.7.0 no TLS")),
        ("STARTTLS", Act::Say("220 go\r\n250 injected\r\n")),
        ("handshake", Act::Reset),
    ] {
        for allowed in [true, false] {
            let server = Server::start(vec![Script::tls(&good).when(act, words.clone())]).await;
            let (deliverer, ear) = deliverer(settings(), &pki);
            let mut hop = hop(MX, server.port, OperatorLevel::May);
            hop.facts.operator.clear_after_failure = allowed;
            let report = deliverer.deliver(&route(vec![hop]), &job(&["bob@partner.example"])).await;
            let (verdict, heard) = (&report.verdicts[0].1, server.heard());
            assert!(!heard[0].anything_in_clear(), "never over the connection where it failed");
            assert_eq!(heard.len(), if allowed { 2 } else { 1 });
            if allowed {
                assert_eq!((verdict.end, verdict.channel.as_str()), (End::Delivered, "clear"));
                assert!(!heard[1].lines().contains(&"STARTTLS".to_owned()), "{heard:?}");
                assert_eq!(heard[1].messages.len(), 1);
                assert!(report.transcript.is_empty());
            } else {
                assert_eq!(verdict.end, End::Deferred, "{verdict:?}");
            }
            let told = ear.told();
            assert_eq!(told.len(), 1, "the session that failed, once: {told:?}");
            assert_eq!((told[0].1, told[0].2.as_str()), (None, ""), "no policy is published");
        }
    }
}

#[tokio::test]
async fn a_certificate_must_please_the_tls_library_as_well() {
    let (pki, certificate) = Pki::serving();
    let seen = waxseal_wire::x509::path(std::slice::from_ref(&certificate.der), &pki.roots());
    assert_eq!(seen.outcome, waxseal_model::certificate::PathOutcome::Trusted, "by ours alone");
    for (level, token) in [(OperatorLevel::Encrypt, ""), (OperatorLevel::Verify, "tls.cert.untrusted")] {
        let at = |port| hop(MX, port, level);
        let script = Script::tls(&certificate);
        let (report, _) = deliver(script, &pki, Silent::Never, at, &job(&["bob@partner.example"])).await;
        assert_eq!(report.verdicts[0].1.reason.unwrap_or_default(), token, "{report:?}");
        let said = report.transcript.iter().any(|line| line.contains("library does not trust"));
        assert_eq!(said, !token.is_empty(), "{report:?}");
    }
}

#[tokio::test]
async fn a_permit_for_another_channel_is_of_no_use() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    let seen = TlsSeen {
        certificate: Certificate::VALID,
        tlsa: Tlsa::NotApplicable,
        fingerprint: false,
        requiretls: false,
    };
    for (script, observation) in
        [(Script::clear(), Observation::Tls(seen)), (Script::tls(&good), Observation::NoStarttls)]
    {
        let server = Server::start(vec![script]).await;
        let means = Means::new(settings(), Egress::new(EgressRules::default()), pki.roots());
        let hop = hop(MX, server.port, OperatorLevel::May);
        let requirement = hop.requirement(Wishes::default());
        let deadline = Instant::now() + Duration::from_secs(60);
        let way = Way { hop: &hop, address: hop.addresses[0], requirement: &requirement, key: 1, deadline };
        let mut conversation = means.open(&way).await.unwrap();
        let Action::Deliver(permit) = decide(&requirement, &observation).action else { panic!() };
        let job = job(&["bob@partner.example"]);
        let Job { envelope, recipients, body, size, .. } = &job;
        let letter = Letter { envelope, recipients, body, size: *size };
        let patience = &means.settings.patience;
        let result = conversation.transact(permit, &letter, &[0], patience, deadline).await;
        assert_eq!(result.answers[0].1.outcome.end, End::Deferred);
        assert!(!conversation.is_usable());
        drop(conversation);
        server.until(|heard| heard[0].reads.last().is_some_and(String::is_empty)).await;
        assert!(!server.heard()[0].lines().iter().any(|line| line.starts_with("MAIL")));
    }
}

#[tokio::test]
async fn tls_that_is_to_be_left_alone_is_not_tried() {
    let pki = Pki::new();
    let script = Script::tls(&pki.certificate(MX, 2040));
    let none = |port| hop(MX, port, OperatorLevel::None);
    let (report, heard) = deliver(script, &pki, Silent::Never, none, &job(&["bob@partner.example"])).await;
    assert_eq!((report.verdicts[0].1.end, report.verdicts[0].1.channel.as_str()), (End::Delivered, "clear"));
    assert!(!heard[0].lines().contains(&"STARTTLS".to_owned()));
}

#[tokio::test]
async fn helo_is_tried_only_where_nothing_demands_tls() {
    let pki = Pki::new();
    let script = Script::clear().when("EHLO", Act::Say("502 5.5.1 what"));
    for (level, end) in [(OperatorLevel::May, End::Delivered), (OperatorLevel::Encrypt, End::Deferred)] {
        let at = |port| hop(MX, port, level);
        let (report, heard) =
            deliver(script.clone(), &pki, Silent::Never, at, &job(&["bob@partner.example"])).await;
        assert_eq!(report.verdicts[0].1.end, end);
        let helo = heard[0].lines().contains(&"HELO relay.example".to_owned());
        assert_eq!(helo, end == End::Delivered);
        assert!(!report.verdicts[0].1.remote_dsn);
    }
    let (report, _) = deliver(
        script.when("HELO", Act::Say("550 5.7.1 no")),
        &pki,
        Silent::Never,
        |port| hop(MX, port, OperatorLevel::May),
        &job(&["bob@partner.example"]),
    )
    .await;
    assert_eq!(report.verdicts[0].1.reason, Some("reply.ehlo"));
}

#[tokio::test]
async fn reports_hear_of_new_sessions_and_of_what_published_policies_miss() {
    let pki = Pki::new();
    let sts = |mode, lists_mx| Sts::Policy { mode, lists_mx, refresh_failed: false };
    let testing = sts(StsMode::Testing, true);
    let good = || Script::tls(&pki.certificate(MX, 2040));
    let expired = || Script::tls(&pki.certificate(MX, 2021));
    for (script, sts, failure, in_tls) in [
        (good(), Sts::None, None, true),
        (good(), testing, None, true),
        (expired(), Sts::None, None, true),
        (expired(), testing, Some(ResultType::CertificateExpired), true),
        (Script::clear(), testing, Some(ResultType::StarttlsNotSupported), false),
        (good(), sts(StsMode::Enforce, false), Some(ResultType::ValidationFailure), false),
    ] {
        let server = Server::start(vec![script]).await;
        let (deliverer, ear) = deliverer(settings(), &pki);
        let mut hop = hop(MX, server.port, OperatorLevel::May);
        hop.facts.sts = sts;
        let route = route(vec![hop]);
        for _ in 0..2 {
            deliverer.deliver(&route, &job(&["bob@partner.example"])).await;
        }
        let told = ear.told();
        let (mx, said, channel, detail) = &told[0];
        assert_eq!((mx.as_str(), *said), (MX, failure));
        assert_eq!(channel.starts_with("TLSv1.3"), in_tls, "{told:?}");
        assert!(!detail.is_empty());
        let gate = sts == sts_outside();
        assert_eq!(told.len(), if gate { 2 } else { 1 }, "reused connections are not told of: {told:?}");
    }
    let server = Server::start(vec![Script::clear()]).await;
    let (deliverer, ear) = deliverer(settings(), &pki);
    let route = route(vec![hop(MX, server.port, OperatorLevel::May)]);
    deliverer.deliver(&route, &job(&["bob@partner.example"])).await;
    assert!(ear.told().is_empty(), "no TLS was tried, and nobody asked for any");
}

fn sts_outside() -> Sts {
    Sts::Policy { mode: StsMode::Enforce, lists_mx: false, refresh_failed: false }
}

/// The types see to it that MAIL, RCPT and DATA need a permit, as long as no other code writes
/// commands of its own: this reads the code.
#[test]
fn only_transactions_write_the_words_of_a_message() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/delivery");
    let (mut folders, mut writers) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true if name != "tests" => folders.push(path),
                false if !name.starts_with("test") => {
                    let code = std::fs::read_to_string(&path).unwrap();
                    let words = ["\"MAIL FROM", "\"RCPT TO", "\"DATA\")", "\"BDAT", "session.message("];
                    if words.iter().any(|word| code.contains(word)) {
                        writers.push(name);
                    }
                }
                _ => {}
            }
        }
    }
    assert_eq!(writers, ["transaction"]);
}
