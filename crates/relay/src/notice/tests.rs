use proptest::prelude::*;
use waxseal_explain::{Given, diagnose, read};
use waxseal_model::{
    diagnosis::{Retry, Side},
    mail::Outcome,
};
use waxseal_store::spool::{Arrival, Attempt, MessageId, Recipient, State};

use super::*;
use crate::delivery::reason;

const NOW: i64 = 1_795_811_577;
const HEADER: &str = "From: Alice <alice@example.com>\r\nTo: Bob <bob@partner.example>\r\n\
    Subject: The secret plan\r\nDate: Fri, 20 Nov 2026 20:30:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n";

fn writer() -> NoticeWriter {
    NoticeWriter::new(NoticeSettings::new("relay.example.com"))
}

fn recipient(number: u32, address: &str) -> Recipient {
    Recipient {
        number,
        address: address.into(),
        domain: address.rsplit('@').next().unwrap().to_owned(),
        notify: None,
        orcpt: None,
        state: State::Queued,
        next_at: NOW,
        attempts: 21,
        delays_told: 0,
        final_at: None,
        last: None,
    }
}

fn message(recipients: Vec<Recipient>) -> StoredMessage {
    StoredMessage {
        id: MessageId(0x4f1c9a),
        envelope: Envelope {
            sender: "alice@example.com".into(),
            envid: Some("QQ314+2B1".into()),
            arrival: Arrival { protocol: "ESMTPS".into(), ..Arrival::default() },
            ..Envelope::default()
        },
        recipients,
        size: 4096,
        received_at: NOW - 7 * 86_400,
        expires_at: NOW + 86_400,
    }
}

fn attempt(reason: &str, reply: &str, ours: bool) -> Attempt {
    Attempt {
        at: NOW - 1,
        reason: Some(reason.into()),
        reply: reply.into(),
        ours,
        host: Some("mx.partner.example".into()),
        address: Some([192, 0, 2, 25].into()),
        policy: "require (your rule \"partner.example\")".into(),
        ..Attempt::default()
    }
}

/// A notice about one recipient, as text, and what the queue gets.
fn one(occasion: Occasion, attempt: &Attempt, expired: bool) -> (String, NewMessage) {
    let recipient = recipient(0, "bob@partner.example");
    let told = [Told { recipient: &recipient, attempt, expired, next_at: Some(NOW + 900) }];
    let body = [Bytes::from(HEADER), Bytes::from_static(b"Hello\r\n")];
    let notice =
        writer().compose(occasion, &message(vec![recipient.clone()]), Some(&body), &told, NOW).unwrap();
    (text(&notice), notice)
}

fn text(notice: &NewMessage) -> String {
    String::from_utf8(notice.body.concat()).unwrap()
}

/// What [`waxseal_explain`] makes of a notice.
fn explained(notice: &str) -> waxseal_explain::Diagnosis {
    let reading = read(notice.as_bytes(), &Given::default());
    assert_eq!(reading.events.len(), 1, "{:?}\n{notice}", reading.notes);
    diagnose(&reading.events[0])
}

/// Every reason with its reply, and what a reader of the notice is to learn from it: the
/// cause, who must act, whether a retry helps.
const REASONS: &[(&str, &str, bool, &str, Side, Retry)] = {
    use Retry::{AfterFix, Later, No, Slower};
    use Side::{Network, Nobody, RecipientServer, SenderClient, SenderServer};
    &[
        (
            "tls.not_advertised",
            "451 4.7.6 STARTTLS required but not advertised",
            true,
            "starttls_missing",
            RecipientServer,
            Later,
        ),
        (
            "tls.refused",
            "451 4.7.5 STARTTLS required but refused",
            true,
            "tls_unavailable",
            RecipientServer,
            Later,
        ),
        (
            "tls.refused",
            "451 4.7.5 STARTTLS required but refused (454 4.7.0 TLS not available due to local problem)",
            true,
            "tls_unavailable",
            RecipientServer,
            Later,
        ),
        ("tls.handshake", "451 4.7.5 TLS negotiation failed", true, "tls_handshake", SenderServer, AfterFix),
        (
            "tls.too_old",
            "451 4.7.5 TLS negotiation failed: only outdated versions",
            true,
            "tls_version",
            RecipientServer,
            AfterFix,
        ),
        (
            "tls.cert.untrusted",
            "451 4.7.5 Certificate not trusted",
            true,
            "cert_untrusted",
            RecipientServer,
            AfterFix,
        ),
        (
            "tls.cert.name",
            "451 4.7.5 Certificate does not match MX host name",
            true,
            "cert_name_mismatch",
            RecipientServer,
            AfterFix,
        ),
        (
            "tls.cert.expired",
            "451 4.7.5 Certificate expired or not yet valid",
            true,
            "cert_expired",
            RecipientServer,
            AfterFix,
        ),
        (
            "fp.mismatch",
            "451 4.7.5 Server key does not match pinned fingerprint",
            true,
            "cert_untrusted",
            SenderServer,
            AfterFix,
        ),
        (
            "dane.mismatch",
            "451 4.7.5 Certificate does not match TLSA records",
            true,
            "dane_fail",
            RecipientServer,
            AfterFix,
        ),
        (
            "dane.lookup",
            "451 4.4.3 TLSA lookup failed or not valid by DNSSEC",
            true,
            "dnssec_fail",
            RecipientServer,
            AfterFix,
        ),
        (
            "dane.required",
            "451 4.7.5 DANE required but no usable TLSA records",
            true,
            "dane_fail",
            RecipientServer,
            AfterFix,
        ),
        (
            "mx.bogus",
            "451 4.4.3 MX lookup failed or not valid by DNSSEC",
            true,
            "dns_failure",
            RecipientServer,
            Later,
        ),
        (
            "address.lookup",
            "451 4.4.3 MX host address lookup failed or not valid by DNSSEC",
            true,
            "dns_failure",
            RecipientServer,
            Later,
        ),
        (
            "sts.mx_mismatch",
            "451 4.7.5 MX host not in MTA-STS policy",
            true,
            "mta_sts_fail",
            RecipientServer,
            AfterFix,
        ),
        (
            "sts.webpki",
            "451 4.7.5 Certificate not trusted",
            true,
            "cert_untrusted",
            RecipientServer,
            AfterFix,
        ),
        (
            "requiretls.unsupported",
            "550 5.7.30 REQUIRETLS not supported by MX host",
            true,
            "starttls_missing",
            RecipientServer,
            AfterFix,
        ),
        (
            "requiretls.name_not_secure",
            "550 5.7.10 REQUIRETLS but MX host name not secured",
            true,
            "starttls_missing",
            RecipientServer,
            AfterFix,
        ),
        (
            "domain.null_mx",
            "556 5.1.10 Recipient domain accepts no mail (null MX)",
            true,
            "null_mx",
            SenderClient,
            No,
        ),
        (
            "domain.not_found",
            "550 5.1.2 Recipient domain does not exist",
            true,
            "domain_not_found",
            SenderClient,
            No,
        ),
        (
            "tls.handshake",
            "451 4.7.5 STARTTLS required but not tried",
            true,
            "tls_handshake",
            SenderServer,
            AfterFix,
        ),
        (
            "domain.loop",
            "451 4.4.6 Best MX host is this server: mail would loop",
            true,
            "mail_loop",
            RecipientServer,
            AfterFix,
        ),
        ("site.busy", "451 4.4.1 not tried: connections to it fail", true, "connect_failed", Network, Later),
        (
            "connect.failed",
            "451 4.4.1 192.0.2.25:25 refused the connection: nothing listens on this port, or a firewall rejects it",
            true,
            "connection_refused",
            RecipientServer,
            Later,
        ),
        (
            "connect.failed",
            "451 4.4.1 there is no route to 192.0.2.25:25 (No route to host (os error 113))",
            true,
            "connect_failed",
            Network,
            Later,
        ),
        (
            "connect.timeout",
            "451 4.4.1 192.0.2.25:25 did not answer within 30 s: the port is filtered, or the host is down",
            true,
            "connect_failed",
            Network,
            Later,
        ),
        (
            "lost.greeting",
            "451 4.4.2 no complete reply at the greeting within 300 s: nothing came",
            true,
            "connection_lost",
            Network,
            Later,
        ),
        (
            "lost.rcpt",
            "451 4.4.2 the server closed the connection at RCPT: nothing came",
            true,
            "connection_lost",
            Network,
            Later,
        ),
        (
            "lost.data",
            "451 4.4.2 the connection was reset at DATA: nothing came",
            true,
            "connection_lost",
            Network,
            Later,
        ),
        (
            "unknown.after_dot",
            "451 4.4.2 the server closed the connection at end of DATA: nothing came",
            true,
            "connection_lost",
            Network,
            Later,
        ),
        (
            "smtputf8.unsupported",
            "553 5.6.7 Message needs SMTPUTF8 and the host does not offer it",
            true,
            "smtputf8_required",
            SenderClient,
            AfterFix,
        ),
        (
            "eightbit.unsupported",
            "554 5.6.3 Message has bytes above 127 and the host does not offer 8BITMIME",
            true,
            "smtputf8_required",
            SenderClient,
            AfterFix,
        ),
        (
            "size.exceeded",
            "552 5.3.4 Message is larger than the host takes (SIZE)",
            true,
            "message_too_large",
            SenderClient,
            AfterFix,
        ),
        (
            "reply.greeting",
            "554 5.7.1 your address 192.0.2.1 is listed at zen.spamhaus.org",
            false,
            "ip_listed",
            SenderServer,
            AfterFix,
        ),
        (
            "reply.rcpt",
            "550 5.1.1 <bob@partner.example>: User unknown",
            false,
            "user_unknown",
            SenderClient,
            No,
        ),
        ("reply.rcpt", "450 4.2.0 <bob@partner.example>: Greylisted", false, "greylisted", Nobody, Later),
        (
            "reply.mail",
            "421 4.7.0 Too many connections from your address",
            false,
            "too_many_connections",
            SenderServer,
            Slower,
        ),
        (
            "reply.end_of_data",
            "550 5.7.26 This mail is unauthenticated: neither SPF nor DKIM passes",
            false,
            "unauthenticated",
            SenderServer,
            AfterFix,
        ),
    ]
};

#[test]
fn a_notice_is_explained_as_what_it_tells_of() {
    let mut wrong = Vec::new();
    for (reason, reply, ours, cause, side, retry) in REASONS {
        for (occasion, expired) in
            [(Occasion::Failure, false), (Occasion::Failure, true), (Occasion::Delay, false)]
        {
            let mut attempt = attempt(reason, reply, *ours);
            if expired {
                // As the scheduler writes it.
                attempt.reason = Some(reason::EXPIRED.into());
                attempt.reply = format!("554 5.4.7 exceeded max time without delivery; last: {reply}");
                attempt.ours = true;
            }
            let (notice, _) = one(occasion, &attempt, expired);
            let found = explained(&notice);
            // A server that gave up does not try again by itself when TLS is mended.
            let over = occasion == Occasion::Failure && found.family == "tls" && *retry == Retry::Later;
            let retry = if over { Retry::AfterFix } else { *retry };
            if (found.cause.as_str(), found.side, found.retry) != (*cause, *side, retry) {
                wrong.push(format!(
                    "{reason} {occasion:?}: {} by {} ({:?}, {:?}, {:.2})\n    {reply}\n    {:?}",
                    found.cause, found.rule, found.side, found.retry, found.confidence, found.event.text
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_reason_is_looked_at() {
    let not_told = [
        // It stands for another one, see above.
        reason::EXPIRED,
        // Nobody is told of it: the message is set aside for the operator.
        reason::HELD_NO_BODY,
        // No attempt ends so: without a policy delivery goes on, and is reported.
        reason::STS_FETCH,
        // As others of their kind.
        reason::REPLY_EHLO,
        reason::REPLY_DATA,
        reason::LOST_EHLO,
        reason::LOST_MAIL,
    ];
    for token in reason::ALL {
        let looked_at = REASONS.iter().any(|(reason, ..)| *reason == token);
        assert!(looked_at != not_told.contains(&token), "{token}");
    }
    for failure in waxseal_judge::delivery::Failure::ALL {
        let said = failure.reply().text;
        let unreachable = failure == waxseal_judge::delivery::Failure::Unreachable;
        assert!(unreachable || REASONS.iter().any(|(_, reply, ..)| reply.contains(said)), "{said}");
    }
}

#[test]
fn all_fields_come_back_out_of_a_notice() {
    let attempt = attempt("reply.rcpt", "550 5.1.1 <bob@partner.example>: User unknown", false);
    let (notice, _) = one(Occasion::Failure, &attempt, false);
    let event = &read(notice.as_bytes(), &Given::default()).events[0];
    assert_eq!(event.outcome, Outcome::Failed);
    assert_eq!(event.recipient.as_deref(), Some("bob@partner.example"));
    assert_eq!(event.sender.as_deref(), Some("alice@example.com"));
    assert_eq!(event.remote_host.as_deref(), Some("mx.partner.example"));
    assert_eq!(event.remote_address, Some([192, 0, 2, 25].into()));
    assert_eq!(event.reporter.as_deref(), Some("relay.example.com"));
    assert_eq!(event.queue_id.as_deref(), Some("4f1c9a"));
    assert_eq!(event.stage, Some(waxseal_model::mail::Stage::Rcpt));
    assert_eq!(event.status.unwrap().to_string(), "5.1.1");
    assert_eq!(event.time, Some(NOW - 1));
}

#[test]
fn the_first_sentence_says_what_happened() {
    let own = attempt("tls.not_advertised", "451 4.7.6 STARTTLS required but not advertised", true);
    let last = Attempt {
        reason: Some(reason::EXPIRED.into()),
        reply: format!("554 5.4.7 exceeded max time without delivery; last: {}", own.reply),
        met: Some(Box::new(own.met())),
        ..own.clone()
    };
    let (notice, _) = one(Occasion::Failure, &last, true);
    let words = |notice: &str| {
        let part = notice
            .split("\r\n\r\n")
            .skip(2)
            .take_while(|p| !p.contains("delivery-status"))
            .collect::<Vec<_>>();
        part.join("\n").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let told = words(&notice);
    assert!(told.starts_with(
        "Your message to bob@partner.example was not delivered: it was kept for 7 days and tried 21 times. At the last \
         attempt the recipient's server did not offer TLS, and the sending system refuses to go on without."
    ), "{told}");
    assert!(
        told.contains("Protection demanded here: require (this server's rule \"partner.example\")."),
        "{told}"
    );
    assert!(told.contains("Who has to act: whoever runs the mail server of partner.example;"), "{told}");
    let both = "By this server, when time was up: 554 5.4.7 exceeded max time without delivery By this server, about \
                mx.partner.example [192.0.2.25]: <bob@partner.example>: 451 4.7.6 STARTTLS required but not advertised";
    assert!(told.contains(both), "{told}");
    assert!(!told.contains("smtp_tls_policy_maps"), "{told}");
    let (notice, _) = one(Occasion::Delay, &own, false);
    let told = words(&notice);
    assert!(
        told.starts_with("Your message to bob@partner.example has not been delivered yet: the recipient's"),
        "{told}"
    );
    assert!(told.contains("There is nothing that you need to do, and no reason to send it again: this server goes on \
         trying, next at Fri, 27 Nov 2026 20:47:57 +0000, until Sat, 28 Nov 2026 20:32:57 +0000, and you will be told \
         if that fails."), "{told}");
    assert!(!told.contains("Who has to act"), "{told}");
    let unknown = attempt("reply.rcpt", "550 xyzzy", false);
    let told = words(&one(Occasion::Failure, &unknown, false).0);
    assert!(
        told.contains("mx.partner.example did not take it, for a reason that its answer below gives."),
        "{told}"
    );
    let passed_on = Attempt { reason: None, reply: "250 2.0.0 queued".into(), ..unknown };
    let (notice, _) = one(Occasion::Relayed, &passed_on, false);
    assert!(
        words(&notice)
            .starts_with("Your message to bob@partner.example was passed on to mx.partner.example, which")
    );
    assert!(
        notice.contains("Action: relayed\r\nStatus: 2.0.0\r\nRemote-MTA: dns; mx.partner.example\r\n"),
        "{notice}"
    );
}

#[test]
fn only_the_words_of_the_other_server_are_called_smtp() {
    let own = attempt("tls.not_advertised", "451 4.7.6 STARTTLS required but not advertised", true);
    let (notice, _) = one(Occasion::Failure, &own, true);
    assert!(notice.contains("Diagnostic-Code: x-waxseal; 451 4.7.6 STARTTLS"), "{notice}");
    assert!(notice.contains("Status: 5.4.7\r\nRemote-MTA: dns; mx.partner.example\r\n"), "{notice}");
    let unreached = attempt("connect.timeout", "451 4.4.1 did not answer", true);
    let (notice, _) = one(Occasion::Delay, &unreached, false);
    assert!(!notice.contains("Remote-MTA") && notice.contains("Status: 4.4.1\r\n"), "{notice}");
    assert!(notice.contains("Will-Retry-Until: Sat, 28 Nov 2026 20:32:57 +0000"), "{notice}");
    let theirs = attempt("reply.rcpt", "550-5.1.1 no 550 5.1.1 user", false);
    let (notice, _) = one(Occasion::Failure, &theirs, false);
    assert!(notice.contains("Diagnostic-Code: smtp; 550-5.1.1 no"), "{notice}");
    // What expired tells of the last attempt, not of the clock.
    let last = attempt("reply.rcpt", "450 4.2.0 Greylisted", false);
    let expired = Attempt {
        reason: Some("expired".into()),
        reply: "554 5.4.7 exceeded max time without delivery; last: 450 4.2.0 Greylisted".into(),
        met: Some(Box::new(last.met())),
        ..own
    };
    let recipient = recipient(0, "bob@partner.example");
    let told = [Told { recipient: &recipient, attempt: &expired, expired: true, next_at: None }];
    let notice =
        writer().compose(Occasion::Failure, &message(vec![recipient.clone()]), None, &told, NOW).unwrap();
    assert!(text(&notice).contains(
        "Status: 5.4.7\r\nRemote-MTA: dns; mx.partner.example\r\nDiagnostic-Code: smtp; 450 4.2.0 Greylisted"
    ));
}

#[test]
fn a_notice_is_answered_by_none() {
    let (notice, queued) = one(Occasion::Failure, &attempt("reply.rcpt", "550 no", false), false);
    assert_eq!(queued.envelope.sender, "");
    assert_eq!(queued.recipients.len(), 1);
    assert_eq!(queued.recipients[0].address, "alice@example.com");
    assert_eq!(queued.recipients[0].domain, "example.com");
    assert_eq!(queued.recipients[0].notify, Some(NEVER));
    assert_eq!((queued.received_at, queued.expires_at), (NOW, NOW + 5 * 86_400));
    assert!(notice.contains("Auto-Submitted: auto-replied\r\n"));
    assert!(notice.contains("In-Reply-To: <1@example.com>\r\n"));
    assert!(notice.contains("Original-Envelope-Id: QQ314+1\r\n"));
    let null = StoredMessage { envelope: Envelope::default(), ..message(Vec::new()) };
    let (recipient, attempt) = (recipient(0, "bob@partner.example"), Attempt::default());
    let told = [Told { recipient: &recipient, attempt: &attempt, expired: false, next_at: None }];
    assert!(writer().compose(Occasion::Failure, &null, None, &told, NOW).is_none());
    assert!(writer().compose(Occasion::Failure, &message(Vec::new()), None, &[], NOW).is_none());
}

#[test]
fn as_much_comes_back_as_was_asked_for_and_may() {
    let recipient = recipient(0, "bob@partner.example");
    let attempt = attempt("reply.rcpt", "550 no", false);
    let told = [Told { recipient: &recipient, attempt: &attempt, expired: false, next_at: None }];
    let body = [Bytes::from(HEADER), Bytes::from_static(b"Hello Bob\r\n")];
    let write = |occasion: Occasion, size: u64, change: fn(&mut Envelope)| {
        let mut message = StoredMessage { size, ..message(vec![recipient.clone()]) };
        change(&mut message.envelope);
        writer().compose(occasion, &message, Some(&body), &told, NOW).unwrap()
    };
    let full = |e: &mut Envelope| e.ret = Some(Ret::Full);
    assert!(text(&write(Occasion::Failure, 400, full)).contains("message/rfc822"));
    for notice in [
        write(Occasion::Failure, 400, |_| {}),
        write(Occasion::Failure, 60_000, full),
        write(Occasion::Delay, 400, full),
    ] {
        let notice = text(&notice);
        assert!(
            notice.contains("text/rfc822-headers") && notice.contains("Subject: The secret plan"),
            "{notice}"
        );
        assert!(!notice.contains("Hello Bob"), "{notice}");
    }
    let secret = write(Occasion::Failure, 400, |e| (e.ret, e.require_tls) = (Some(Ret::Full), true));
    assert!(secret.envelope.require_tls);
    assert!(!text(&secret).contains("secret plan") && text(&secret).contains("Message-ID: <1@example.com>"));
}

#[test]
fn an_international_sender_gets_an_international_notice() {
    let (recipient, attempt) =
        (recipient(0, "jürgen@partner.example"), attempt("reply.rcpt", "550 5.1.1 no such user", false));
    let told = [Told { recipient: &recipient, attempt: &attempt, expired: false, next_at: None }];
    let mut message = message(vec![recipient.clone()]);
    message.envelope.smtputf8 = true;
    let plain = writer().compose(Occasion::Failure, &message, None, &told, NOW).unwrap();
    assert!(text(&plain).is_ascii() && !plain.envelope.smtputf8 && plain.envelope.body == BodyKind::SevenBit);
    assert_eq!(explained(&text(&plain)).event.recipient.as_deref(), Some("jürgen@partner.example"));
    message.envelope.sender = "büro@bücher.example".into();
    let international = writer().compose(Occasion::Failure, &message, None, &told, NOW).unwrap();
    assert!(international.envelope.smtputf8 && international.envelope.body == BodyKind::EightBitMime);
    assert_eq!(international.recipients[0].domain, "xn--bcher-kva.example");
    let found = explained(&text(&international));
    assert_eq!(found.event.recipient.as_deref(), Some("jürgen@partner.example"));
    assert_eq!(
        (found.cause.as_str(), found.event.sender.as_deref()),
        ("user_unknown", Some("büro@bücher.example"))
    );
}

#[test]
fn many_recipients_are_grouped_by_what_happened_to_them() {
    let recipients: Vec<Recipient> =
        (0..120).map(|n| recipient(n, &format!("user{n}@partner.example"))).collect();
    let unknown = attempt("reply.rcpt", "550 5.1.1 User unknown", false);
    let full = attempt("reply.rcpt", "552 5.2.2 Mailbox full", false);
    let told: Vec<Told<'_>> = recipients
        .iter()
        .map(|recipient| Told {
            recipient,
            attempt: if recipient.number < 2 { &full } else { &unknown },
            expired: false,
            next_at: None,
        })
        .collect();
    let notice =
        text(&writer().compose(Occasion::Failure, &message(recipients.clone()), None, &told, NOW).unwrap());
    assert!(
        notice.contains("Your message to user0@partner.example and user1@partner.example was not"),
        "{notice}"
    );
    assert!(notice.contains("Your message to 118 recipients was not delivered"), "{notice}");
    assert!(notice.contains("... and 90 more recipients, all of them in the attached report."), "{notice}");
    assert_eq!(notice.matches("Who has to act").count(), 2);
    assert_eq!(read(notice.as_bytes(), &Given::default()).events.len(), 120);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_was_said_the_notice_is_read_as_one(
        local in "[a-z!#$%&'*+=?^_`{|}~-]{1,20}", orcpt in "(rfc822;|utf-8;|)[!-~]{0,30}",
        reply in "(550 |5\\.1\\.1 |x|\r\n|\u{1b}|é|--|Final-Recipient: |<|>| ){0,30}",
        header in "([A-Z][a-z]{0,8}: ([a-zé]| |\r\n ){0,30}\r\n){0,6}", full: bool, ours: bool, delay: bool,
    ) {
        let address = format!("{local}@partner.example");
        let recipient = Recipient { orcpt: Some(orcpt), ..recipient(0, &address) };
        let attempt = attempt("reply.rcpt", &reply, ours);
        let told = [Told { recipient: &recipient, attempt: &attempt, expired: false, next_at: None }];
        let mut message = message(vec![recipient.clone()]);
        message.envelope.ret = full.then_some(Ret::Full);
        let body = [Bytes::from(header), Bytes::from_static(b"\r\nHello\r\n")];
        let occasion = if delay { Occasion::Delay } else { Occasion::Failure };
        let notice = text(&writer().compose(occasion, &message, Some(&body), &told, NOW).unwrap());
        prop_assert!(notice.is_ascii());
        let reading = read(notice.as_bytes(), &Given::default());
        prop_assert_eq!(reading.events.len(), 1);
        prop_assert_eq!(reading.events[0].outcome, if delay { Outcome::Deferred } else { Outcome::Failed });
        // What looks like xtext, a file or a pipe is taken for that by readers, who cannot know.
        if !local.contains('+') && !local.starts_with(['|', '/']) {
            prop_assert_eq!(reading.events[0].recipient.as_deref(), Some(address.as_str()));
        }
        let parsed = mail_parser::MessageParser::default().parse(&notice).unwrap();
        prop_assert_eq!(parsed.parts.len(), 4);
    }
}
