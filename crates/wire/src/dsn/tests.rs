use mail_parser::{MessageParser, MimeHeaders, PartType};
use proptest::prelude::*;

use super::*;

fn recipient(address: &str) -> Recipient<'_> {
    Recipient {
        address,
        orcpt: None,
        action: Action::Failed,
        status: "5.1.1",
        remote_mta: Some("mx.example.net"),
        diagnostic: Some(Diagnostic::Smtp("550 5.1.1 no such user")),
        last_attempt: Some(1_795_811_577),
        will_retry_until: None,
    }
}

fn dsn<'a>(recipients: Vec<Recipient<'a>>, returned: Returned<'a>) -> Dsn<'a> {
    Dsn {
        from: "MAILER-DAEMON@relay.example.com",
        to: "alice@example.com",
        subject: "Not delivered: mail to bob@example.net",
        date: 1_795_811_577,
        message_id: "4f1c9a.0@relay.example.com",
        about: Some("<1@example.com>"),
        text: "Your message was not delivered.\n\nbob@example.net\n",
        report: Report {
            reporting_mta: "relay.example.com",
            envelope_id: Some("QQ+2B1"),
            arrival: Some(1_795_811_000),
            queue_id: "4f1c9a",
            sender: "alice@example.com",
            recipients,
        },
        returned,
        international: false,
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

const EXPECTED: &str = "Date: Fri, 27 Nov 2026 20:32:57 +0000\r
From: \"Mail Delivery System\" <MAILER-DAEMON@relay.example.com>\r
To: <alice@example.com>\r
Subject: Not delivered: mail to bob@example.net\r
Message-ID: <4f1c9a.0@relay.example.com>\r
In-Reply-To: <1@example.com>\r
References: <1@example.com>\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type=delivery-status;\r
 boundary=\"=_0_4f1c9a0relayexamplecom\"\r
Content-Transfer-Encoding: 7bit\r
\r
--=_0_4f1c9a0relayexamplecom\r
Content-Type: text/plain; charset=us-ascii\r
Content-Transfer-Encoding: 7bit\r
\r
Your message was not delivered.\r
\r
bob@example.net\r
\r
--=_0_4f1c9a0relayexamplecom\r
Content-Type: message/delivery-status\r
Content-Transfer-Encoding: 7bit\r
\r
Reporting-MTA: dns; relay.example.com\r
Original-Envelope-Id: QQ+1\r
X-Waxseal-Queue-ID: 4f1c9a\r
X-Waxseal-Sender: rfc822; alice@example.com\r
Arrival-Date: Fri, 27 Nov 2026 20:23:20 +0000\r
\r
Original-Recipient: rfc822; team+x@example.net\r
Final-Recipient: rfc822; bob@example.net\r
Action: failed\r
Status: 5.1.1\r
Remote-MTA: dns; mx.example.net\r
Diagnostic-Code: smtp; 550 5.1.1 no such user\r
Last-Attempt-Date: Fri, 27 Nov 2026 20:32:57 +0000\r
\r
Final-Recipient: rfc822; carol@example.org\r
Action: delayed\r
Status: 4.7.6\r
Diagnostic-Code: x-waxseal; 451 4.7.6 STARTTLS required but not advertised\r
Last-Attempt-Date: Fri, 27 Nov 2026 20:32:57 +0000\r
Will-Retry-Until: Fri, 04 Dec 2026 20:32:57 +0000\r
\r
--=_0_4f1c9a0relayexamplecom\r
Content-Type: text/rfc822-headers; charset=us-ascii\r
Content-Transfer-Encoding: 7bit\r
\r
From: alice@example.com\r
To: bob@example.net\r
\r
--=_0_4f1c9a0relayexamplecom--\r
";

#[test]
fn a_notice_is_written_as_the_standards_say() {
    let orcpt = Recipient { orcpt: Some("rfc822;team+2Bx@example.net"), ..recipient("bob@example.net") };
    let delayed = Recipient {
        action: Action::Delayed,
        status: "4.7.6",
        remote_mta: None,
        diagnostic: Some(Diagnostic::Own("451 4.7.6 STARTTLS required but not advertised")),
        will_retry_until: Some(1_796_416_377),
        ..recipient("carol@example.org")
    };
    let header = b"From: alice@example.com\r\nTo: bob@example.net\r\n";
    let written = text(dsn(vec![orcpt, delayed], Returned::Header(header)).write());
    assert_eq!(written, EXPECTED);
}

#[test]
fn utf8_stands_where_the_way_back_takes_it_and_is_written_out_elsewhere() {
    let header = "From: büro@bücher.example\r\n".as_bytes();
    let mut notice = dsn(vec![recipient("jürgen@bücher.example")], Returned::Header(header));
    notice.text = "jürgen@bücher.example\n";
    let plain = text(notice.write());
    assert!(plain.is_ascii());
    assert!(plain.contains(r"Final-Recipient: utf-8; j\x{FC}rgen@b\x{FC}cher.example"), "{plain}");
    assert!(plain.contains("Content-Type: message/global-headers\r\nContent-Transfer-Encoding: base64"));
    assert!(plain.contains("j=C3=BCrgen@b=C3=BCcher.example"));
    notice.international = true;
    notice.to = "büro@bücher.example";
    let international = text(notice.write());
    assert!(international.contains("report-type=global-delivery-status"));
    assert!(international.contains("Content-Type: message/global-delivery-status\r\n"));
    assert!(international.contains("To: <büro@bücher.example>\r\n"));
    assert!(international.contains("Final-Recipient: utf-8; jürgen@bücher.example\r\n"));
    assert!(international.contains("charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\njürgen"));
}

#[test]
fn a_whole_message_comes_back_as_it_was() {
    for (message, kind) in [
        ("From: a@example.com\r\n\r\nHello\r\n", "message/rfc822"),
        ("From: a@example.com\r\n\r\nGrüße\r\n", "message/global"),
        ("From: a@example.com\r\n\r\nbare\nlines\r\n", "message/global"),
    ] {
        let parts = [message.as_bytes().split_at(9).0, message.as_bytes().split_at(9).1];
        let written = dsn(vec![recipient("bob@example.net")], Returned::Message(&parts)).write();
        assert!(written.is_ascii());
        let parsed = MessageParser::default().parse(&written).unwrap();
        let part = &parsed.parts[3];
        let found =
            part.content_type().map(|t| format!("{}/{}", t.c_type, t.c_subtype.as_deref().unwrap_or("")));
        assert_eq!(found.as_deref(), Some(kind));
        let content = match &part.body {
            PartType::Message(message) => message.raw_message().to_vec(),
            other => panic!("{other:?}"),
        };
        assert_eq!(text(content).trim_end(), message.trim_end());
    }
}

#[test]
fn the_header_of_a_message_ends_where_it_ends() {
    let of = |parts: &[&[u8]]| text(header_of(parts));
    assert_eq!(of(&[b"A: b\r", b"\nC: d\r\n\r", b"\nbody\r\n\r\n"]), "A: b\r\nC: d\r\n");
    assert_eq!(of(&[b"A: b\r\n"]), "A: b\r\n");
    assert_eq!(of(&[b"\r\nbody\r\n"]), "");
    let long = "X: y\r\n".repeat(20_000);
    let cut = of(&[long.as_bytes()]);
    assert!(cut.len() <= 65_536 && cut.ends_with("X: y\r\n"));
    let header = b"Received: by x\r\nSubject: secret\r\nFrom: a@example.com\r\nDate: today\r\n b\r\n";
    assert_eq!(text(redacted(header)), "Date: today b\r\nFrom: a@example.com\r\n");
}

/// Addresses and words with everything that could end a field, a part or a report.
fn odd() -> impl Strategy<Value = String> {
    "([a-z]|@|\\.|\"|\\\\|<|>|;|:|,|\\(|\\)| |\t|\r\n|\r|\n|é|\u{1b}|--|=_0_|Final-Recipient: x|\\+0D|\\+0A){1,40}"
}

proptest! {
    #[test]
    fn nothing_that_is_handed_in_changes_the_shape_of_the_notice(
        address in odd(), orcpt in odd(), words in odd(), remote in odd(), to in odd(), envid in odd(),
        human in odd(), returned in prop::collection::vec(any::<u8>(), 0..300), whole: bool, international: bool,
    ) {
        let recipients = (0..2).map(|_| Recipient {
            orcpt: Some(&orcpt),
            remote_mta: Some(&remote),
            diagnostic: Some(Diagnostic::Smtp(&words)),
            ..recipient(&address)
        }).collect();
        let parts = [returned.as_slice()];
        let back = if whole { Returned::Message(&parts) } else { Returned::Header(&returned) };
        let mut notice = dsn(recipients, back);
        (notice.to, notice.text, notice.subject, notice.international) = (&to, &human, &words, international);
        notice.report.envelope_id = Some(&envid);
        let written = notice.write();
        prop_assert!(international || written.is_ascii());
        for line in written.split(|b| *b == b'\n') {
            prop_assert!(line.len() <= 999, "{} bytes", line.len());
        }
        let most = if international { BodyLines::EightBit } else { BodyLines::SevenBit };
        let lines = lines_of(&[&written]);
        prop_assert!(lines <= most);
        let parsed = MessageParser::default().parse(&written).unwrap();
        prop_assert_eq!(parsed.headers().len(), 11);
        // The multipart, and its three parts.
        prop_assert_eq!(parsed.parts.len(), 4);
        let status = parsed.parts[2].contents();
        let status = String::from_utf8_lossy(status);
        let groups: Vec<&str> = status.trim_end().split("\r\n\r\n").collect();
        prop_assert_eq!(groups.len(), 3, "{}", status);
        for group in &groups[1..] {
            let fields: Vec<&str> = group.split("\r\n").filter(|line| !line.starts_with(' ')).collect();
            let names: Vec<&str> = fields.iter().filter_map(|field| field.split(':').next()).collect();
            prop_assert_eq!(names, [
                "Original-Recipient", "Final-Recipient", "Action", "Status", "Remote-MTA", "Diagnostic-Code",
                "Last-Attempt-Date",
            ]);
        }
    }
}
