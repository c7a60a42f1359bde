//! Lines as the programs write them, and what is read from them.

use proptest::prelude::*;
use waxseal_model::{
    MailEvent,
    mail::{Outcome, Protection, Stage},
};

use super::*;

mod protection;

/// 2025-12-01 00:00:00 UTC.
const NOW: i64 = 1_764_547_200;

/// The events of a text, and how many messages came in encrypted, in clear and neither.
fn events(text: &str) -> Vec<MailEvent> {
    let given = Given { now: NOW, ..Given::default() };
    let format = recognise(text.as_bytes()).unwrap_or_else(|| panic!("not recognised: {text}"));
    read(format, text.as_bytes(), &given).events
}

fn one(text: &str) -> MailEvent {
    let mut all = events(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// What is no event for `explain`: arrivals and removals.
fn kinds(text: &str) -> Vec<(Kind, Option<Protection>)> {
    let mut reader = LogReader::new(NOW, 0, false);
    let mut kinds = Vec::new();
    for line in text.lines() {
        reader.line(line.as_bytes(), &mut |record| kinds.push((record.kind, record.protection)));
    }
    kinds
}

const POSTFIX: &str = "\
Nov 21 23:34:44 mx postfix/qmgr[9]: 4XyZ1a2b3c: from=<c@d.example>, size=900, nrcpt=1 (queue active)
Nov 21 23:34:45 mx postfix/smtp[12]: Trusted TLS connection established to mx.b.example[192.0.2.1]:25: TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)
Nov 21 23:34:45 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<a@b.example>, orig_to=<x@y.example>, relay=mx.b.example[192.0.2.1]:25, delay=1.2, delays=0.1/0/0.5/0.6, dsn=5.1.1, status=bounced (host mx.b.example[192.0.2.1] said: 550 5.1.1 <a@b.example>: User unknown (in reply to RCPT TO command))
";

#[test]
fn postfix_tells_who_was_refused_by_whom_and_how_it_was_protected() {
    let event = one(POSTFIX);
    assert_eq!(event.source.format, "postfix_log");
    assert_eq!((event.source.line, event.time), (Some(3), Some(1_763_768_085)));
    assert_eq!(event.outcome, Outcome::Failed);
    assert_eq!(event.recipient.as_deref(), Some("a@b.example"));
    assert_eq!(event.original_recipient.as_deref(), Some("x@y.example"));
    assert_eq!(event.sender.as_deref(), Some("c@d.example"));
    assert_eq!(event.remote_host.as_deref(), Some("mx.b.example"));
    assert_eq!(event.remote_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.1"));
    assert_eq!((event.remote_port, event.reporter.as_deref()), (Some(25), Some("mx")));
    assert_eq!(event.queue_id.as_deref(), Some("4XyZ1a2b3c"));
    assert_eq!(event.protection, Some(Protection::Encrypted), "a trusted certificate may be of any name");
    assert!(
        event.text.starts_with("host mx.b.example") && event.text.ends_with("RCPT TO command)"),
        "{event:?}"
    );
}

#[test]
fn a_tls_session_of_postfix_serves_one_message() {
    let line = |pid: u32, id: &str, relay: &str, more: &str| {
        format!(
            "Nov 21 23:40:00 mx postfix/smtp[{pid}]: {id}: to=<a@b.example>, relay={relay}, {more}delay=1, \
             delays=0/0/0.5/0.5, dsn=2.0.0, status=sent (250 ok)\n"
        )
    };
    let tls = |pid: u32, word: &str, what: &str| {
        format!(
            "Nov 21 23:39:50 mx postfix/smtp[{pid}]: {word} TLS connection {what} to m[192.0.2.1]:25: TLSv1.3 with x\n"
        )
    };
    let text = [
        line(7, "AAAAAA", "m[192.0.2.1]:25", ""),
        tls(1, "Verified", "established"),
        line(1, "AAAAAA", "m[192.0.2.1]:25", ""),
        line(1, "AAAAAA", "m[192.0.2.1]:25", ""),
        line(1, "BBBBBB", "m[192.0.2.1]:25", ""),
        tls(1, "Untrusted", "reused"),
        line(1, "CCCCCC", "m[192.0.2.1]:25", "conn_use=2, "),
        line(1, "DDDDDD", "m[192.0.2.1]:25", "conn_use=3, "),
        line(1, "DDDDDD", "n[192.0.2.2]:25", ""),
        line(2, "EEEEEE", "n[192.0.2.2]:25", "tls=dane, "),
        line(2, "FFFFFF", "127.0.0.1[127.0.0.1]:10024", ""),
        line(2, "GGGGGG", "none", ""),
    ]
    .concat();
    use Protection::{Authenticated, Clear, Encrypted};
    let found: Vec<_> = events(&text).iter().map(|e| e.protection).collect();
    assert_eq!(
        found,
        [
            None, // no line about TLS was seen before
            Some(Authenticated),
            Some(Authenticated),
            Some(Clear),
            Some(Encrypted),
            None, // a reused connection whose beginning was not seen
            Some(Clear),
            Some(Authenticated),
            None,
            None,
        ]
    );
}

#[test]
fn errors_of_tls_come_with_the_delivery_that_follows_them() {
    let event = one("\
Nov 21 23:34:45 mx postfix-out/relay/smtp[12]: certificate verification failed for mx.b.example[192.0.2.1]:25: untrusted issuer /CN=x
Nov 21 23:34:45 mx postfix-out/relay/smtp[12]: SSL_connect error to mx.b.example[192.0.2.1]:25: -1
Nov 21 23:34:45 mx postfix-out/relay/smtp[12]: warning: TLS library problem: error:0A000086:SSL routines::certificate verify failed:
Nov 21 23:34:45 mx postfix-out/relay/smtp[12]: 4XyZ1a2b3c: Cannot start TLS: handshake failure
Nov 21 23:34:46 mx postfix-out/relay/smtp[12]: 4XyZ1a2b3c: to=<a@b.example>, relay=mx.b.example[192.0.2.1]:25, delay=1, delays=0/0/1/0, dsn=4.7.5, status=deferred (Cannot start TLS: handshake failure)
");
    assert_eq!((event.outcome, event.context.len()), (Outcome::Deferred, 4));
    assert!(event.context[0].starts_with("certificate verification failed for"));
    assert!(event.context[2].starts_with("TLS library problem: "));
    assert_eq!(event.status.map(|s| s.to_string()).as_deref(), Some("4.7.5"));
}

#[test]
fn postfix_tells_whom_it_refused() {
    let all = events("\
Nov 21 23:34:45 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.9]; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<h>
Nov 21 23:34:45 mx postfix/submission/smtpd[1]: warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: authentication failure, sasl_username=x
Nov 21 23:34:45 mx postfix/postscreen[1]: PREGREET 11 after 0.08 from [192.0.2.9]:4711: EHLO User\\r\\n
Nov 21 23:34:45 mx postfix/cleanup[1]: 4XyZ1a2b3c: milter-reject: END-OF-MESSAGE from b.example[192.0.2.9]: 5.7.1 Spam message rejected; from=<a@b.example> to=<c@d.example> proto=ESMTP helo=<b.example>
Nov 21 23:34:45 mx postfix/smtpd[1]: SSL_accept error from b.example[192.0.2.9]: -1
Nov 21 23:34:45 mx postfix/smtpd[1]: warning: TLS library problem: error:0A0000C1:SSL routines::no shared cipher:../ssl/statem/statem_srvr.c:2220:
Nov 21 23:34:45 mx postfix/smtpd[1]: lost connection after STARTTLS from b.example[192.0.2.9]
Nov 21 23:34:45 mx postfix/smtpd[1]: NOQUEUE: reject_warning: RCPT from x[192.0.2.9]: 450 x; from=<> to=<c@d.example> proto=ESMTP helo=<h>
");
    let stages: Vec<_> = all.iter().map(|e| (e.outcome, e.stage)).collect();
    let rejected = |stage| (Outcome::Rejected, Some(stage));
    assert_eq!(
        stages,
        [
            rejected(Stage::Rcpt),
            rejected(Stage::Auth),
            rejected(Stage::Greeting),
            rejected(Stage::EndOfData),
            rejected(Stage::Tls)
        ]
    );
    assert!(all.iter().all(|e| e.client_address.is_some_and(|a| a.to_string() == "192.0.2.9")), "{all:#?}");
    assert_eq!(all[0].sender.as_deref(), Some("a@b.example"));
    assert_eq!(
        (all[3].text.as_str(), all[3].queue_id.as_deref()),
        ("5.7.1 Spam message rejected", Some("4XyZ1a2b3c"))
    );
    assert!(all[4].text.contains("no shared cipher") && all[4].context[0].starts_with("SSL_accept"));
}

#[test]
fn the_end_of_a_session_tells_what_it_brought() {
    use Protection::{Clear, Encrypted};
    let found = kinds("\
Nov 21 23:34:45 mx postfix/smtpd[1]: disconnect from b.example[192.0.2.9] ehlo=2 starttls=1 mail=2 rcpt=2 data=2 quit=1 commands=10
Nov 21 23:34:45 mx postfix/smtpd[1]: disconnect from b.example[192.0.2.9] ehlo=1 mail=1 rcpt=0/1 data=0/1 quit=1 commands=3/5
Nov 21 23:34:45 mx postfix/smtpd[1]: disconnect from b.example[192.0.2.9] helo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
Nov 21 23:34:45 mx postfix/smtpd[1]: disconnect from b.example[192.0.2.9] ehlo=2 starttls=1 mail=3 rcpt=3 bdat=5 quit=1 commands=15
Nov 21 23:34:45 mx postfix/smtpd[1]: disconnect from localhost[127.0.0.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
Nov 21 23:34:45 mx postfix/smtps/smtpd[1]: disconnect from b.example[192.0.2.9] ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6
Nov 21 23:34:45 mx postfix/smtpd[2]: Anonymous TLS connection established from b.example[192.0.2.9]: TLSv1.3 with cipher x
Nov 21 23:34:45 mx postfix/smtpd[2]: disconnect from b.example[192.0.2.9] ehlo=1 auth=1 mail=1 rcpt=1 data=1 quit=1 commands=6
Nov 21 23:34:45 mx postfix/qmgr[3]: 4XyZ1a2b3c: removed
Nov 21 23:34:45 mx postfix/qmgr[3]: 4XyZ1a2b3c: from=<a@b.example>, status=expired, returned to sender
");
    let expected = [
        (Kind::Arrival(2), Some(Encrypted)),
        (Kind::Arrival(1), Some(Clear)),
        (Kind::Arrival(3), Some(Encrypted)),
        (Kind::Arrival(1), None),
        (Kind::Arrival(1), Some(Encrypted)),
        (Kind::Removed, None),
        (Kind::Expired, None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn exim_tells_of_deliveries_refusals_and_tls() {
    let all = events("\
2025-11-21 23:34:40 1tEabc-000000012Ab-3CdE <= c@d.example H=me.d.example [192.0.2.7] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=900 id=x@d.example
2025-11-21 23:34:45 1tEabc-000000012Ab-3CdE ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1] X=TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256 CV=yes DN=\"CN=mx.b.example\": SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 5.1.1 no such user
2025-11-21 23:34:45.123 [99] 1tEabc-0000Ab-3C => u <u@d.example> R=localuser T=local_delivery
2025-11-21 23:34:45 +0100 1tEabc-0000Ab-3C => a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1] C=\"250 ok\"
2025-11-21 23:34:45 1tEabc-0000Ab-3C == marvin@endrest.example R=dnslookup T=remote_smtp defer (111): Connection refused
2025-11-21 23:34:45 1tEabc-0000Ab-3C == marvin@endrest.example routing defer (-51): retry time not reached
2025-11-21 23:34:45 1tEabc-0000Ab-3C Completed
2025-11-21 23:34:46 H=(win) [192.0.2.9] F=<s@spam.example> rejected RCPT <u@d.example>: relay not permitted
2025-11-21 23:34:46 H=b.example [192.0.2.9] X=TLS1.2:x:128 CV=no F=<s@spam.example> temporarily rejected RCPT <u@d.example>: greylisted
2025-11-21 23:34:47 TLS error on connection from b.example [192.0.2.9] (gnutls_handshake): No supported cipher suites have been found.
2025-11-21 23:34:47 dovecot_login authenticator failed for (win) [192.0.2.9]: 535 Incorrect authentication data (set_id=x)
");
    let what: Vec<_> = all.iter().map(|e| (e.outcome, e.protection)).collect();
    use Outcome::{Deferred, Delivered, Failed, Rejected};
    assert_eq!(
        what,
        [
            (Failed, Some(Protection::Authenticated)),
            (Delivered, None),
            (Delivered, Some(Protection::Clear)),
            (Deferred, None),
            (Rejected, None),
            (Rejected, Some(Protection::Encrypted)),
            (Rejected, None),
            (Rejected, None),
        ]
    );
    assert_eq!(all[0].sender.as_deref(), Some("c@d.example"));
    assert_eq!(all[0].remote_host.as_deref(), Some("mx.b.example"));
    assert!(all[0].text.starts_with("SMTP error from remote mail server after RCPT TO"), "{}", all[0].text);
    assert_eq!(all[1].original_recipient.as_deref(), Some("u@d.example"));
    assert_eq!(all[2].time, Some(1_763_764_485), "an hour east of UTC");
    assert_eq!(all[3].text, "Connection refused");
    assert_eq!((all[4].recipient.as_deref(), all[4].stage), (Some("u@d.example"), Some(Stage::Rcpt)));
    assert_eq!((all[5].text.as_str(), all[5].sender.as_deref()), ("greylisted", Some("s@spam.example")));
    assert_eq!((all[6].stage, all[7].stage), (Some(Stage::Tls), Some(Stage::Auth)));
}

#[test]
fn lines_of_exim_that_syslog_took_apart_are_put_together() {
    let event = one("\
Nov 21 23:34:45 mx exim[77]: [1/2] 2025-11-21 23:34:45 1tEabc-0000Ab-3C ** a@b.example R=dnslookup T=remote_smtp H=mx.b.example [192.0.2.1]: SMTP error from
Nov 21 23:34:45 mx exim[78]: 2025-11-21 23:34:45 1tEabc-0000Ab-3D Completed
Nov 21 23:34:45 mx exim[77]: [2\\2]  remote mail server after RCPT TO:<a@b.example>: 550 no
");
    assert_eq!(event.text, "SMTP error from remote mail server after RCPT TO:<a@b.example>: 550 no");
    assert_eq!(event.reporter.as_deref(), Some("mx"));
}

#[test]
fn sendmail_tells_of_every_recipient() {
    let all = events("\
Nov 21 23:34:40 h sm-mta[123]: 4ALxyz012345: from=<c@d.example>, size=900, class=0, nrcpts=2, msgid=<x@d.example>, proto=ESMTP, daemon=MTA-v4, relay=me.d.example [192.0.2.7]
Nov 21 23:34:45 h sm-mta[124]: STARTTLS=client, relay=mx.b.example., version=TLSv1.3, verify=FAIL, cipher=TLS_AES_256_GCM_SHA384, bits=256/256
Nov 21 23:34:45 h sm-mta[124]: 4ALxyz012345: to=<a@b.example>,<e@b.example>, ctladdr=<c@d.example> (1000/1000), delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30000, relay=mx.b.example. [192.0.2.1], dsn=2.0.0, stat=Sent (2.0.0 Ok: queued as 1)
Nov 21 23:34:50 h sm-mta[125]: 4ALxyz012346: to=<a@c.example>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=30000, relay=mx.c.example. [192.0.2.3], dsn=5.1.1, stat=User unknown
Nov 21 23:34:45 h sm-mta[126]: 4ALxyz012347: to=<a@e.example>, delay=2+01:02:03, xdelay=00:01:00, mailer=esmtp, pri=30000, relay=mx.e.example., dsn=4.0.0, stat=Deferred: Connection timed out with mx.e.example.
Nov 21 23:34:45 h sm-mta[127]: ruleset=check_rcpt, arg1=<u@far.example>, relay=win [192.0.2.9], reject=550 5.7.1 <u@far.example>... Relaying denied
Nov 21 23:34:45 h sendmail[128]: 4ALxyz012348: to=root, ctladdr=root (0/0), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=30000, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (4AL Message accepted for delivery)
");
    use Outcome::{Deferred, Delivered, Failed, Rejected};
    let what: Vec<_> = all.iter().map(|e| (e.outcome, e.protection)).collect();
    assert_eq!(
        what,
        [
            (Delivered, Some(Protection::Encrypted)),
            (Delivered, Some(Protection::Encrypted)),
            (Failed, Some(Protection::Clear)),
            (Deferred, None),
            (Rejected, None),
            (Delivered, None),
        ]
    );
    assert_eq!(
        (all[0].recipient.as_deref(), all[1].recipient.as_deref()),
        (Some("a@b.example"), Some("e@b.example"))
    );
    assert_eq!(all[0].sender.as_deref(), Some("c@d.example"));
    assert_eq!((all[2].text.as_str(), all[2].remote_host.as_deref()), ("User unknown", Some("mx.c.example")));
    assert_eq!(all[3].text, "Connection timed out with mx.e.example.");
    assert_eq!((all[4].stage, all[4].recipient.as_deref()), (Some(Stage::Rcpt), Some("u@far.example")));
    assert!(all[4].text.starts_with("550 5.7.1"));
}

#[test]
fn opensmtpd_joins_deliveries_to_their_sessions() {
    let all = events("\
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5960 mta connecting address=smtp://192.0.2.1:25 host=mx.b.example
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5960 mta connected
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5960 mta tls ciphers=TLSv1.3:TLS_AES_256_GCM_SHA384:256
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5960 mta cert-check result=\"unverified\" fingerprint=\"SHA256:00\"
Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5960 mta delivery evpid=1234567890abcdef from=<c@d.example> to=<a@b.example> rcpt=<-> source=\"192.0.2.2\" relay=\"192.0.2.1 (mx.b.example)\" delay=1s result=\"PermFail\" stat=\"550 5.1.1 User unknown\"
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5961 mta connecting address=smtp://192.0.2.3:25 host=mx.c.example
Nov 21 23:34:44 h smtpd[9]: 8d1f7c3e2b4a5961 mta connected
Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5961 mta delivery evpid=1234567890abcdee from=<c@d.example> to=<a@c.example> rcpt=<-> source=\"192.0.2.2\" relay=\"192.0.2.3 (mx.c.example)\" delay=1s result=\"Ok\" stat=\"250 2.0.0 Ok\"
Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5962 smtp connected address=192.0.2.9 host=win
Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5962 smtp failed-command command=\"RCPT TO:<u@far.example>\" result=\"550 Invalid recipient: <u@far.example>\"
Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5963 mda delivery evpid=1234567890abcdea from=<c@d.example> to=<u@d.example> rcpt=<-> user=u delay=1s result=Ok stat=Delivered
");
    let what: Vec<_> = all.iter().map(|e| (e.outcome, e.protection)).collect();
    use Outcome::{Delivered, Failed, Rejected};
    assert_eq!(
        what,
        [
            (Failed, Some(Protection::Encrypted)),
            (Delivered, Some(Protection::Clear)),
            (Rejected, None),
            (Delivered, None)
        ]
    );
    assert_eq!(all[0].client_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.2"));
    assert_eq!(
        (all[0].text.as_str(), all[0].remote_host.as_deref()),
        ("550 5.1.1 User unknown", Some("mx.b.example"))
    );
    assert_eq!(all[2].client_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.9"));
    assert_eq!(all[2].recipient.as_deref(), Some("u@far.example"));
}

#[test]
fn qmail_tells_of_messages_by_number() {
    let text = "\
@400000006920f73a12345678 info msg 3456: bytes 900 from <c@d.example> qp 789 uid 1000
@400000006920f73a12345678 starting delivery 12: msg 3456 to remote a@b.example
@400000006920f73a12345678 status: local 0/10 remote 1/20
@400000006920f73a12345678 delivery 12: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_5.1.1_no/Giving_up_on_192.0.2.1./
@400000006920f73a12345678 end msg 3456
";
    let event = one(text);
    assert_eq!((event.outcome, event.protection), (Outcome::Failed, None));
    assert_eq!(
        (event.recipient.as_deref(), event.sender.as_deref()),
        (Some("a@b.example"), Some("c@d.example"))
    );
    assert_eq!(event.time, Some(1_763_768_085));
    assert!(event.text.starts_with("192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 no"));
    let syslog = text.replace("@400000006920f73a12345678 ", "Nov 21 23:34:45 h qmail: 1763768085.123456 ");
    assert_eq!(one(&syslog).recipient, event.recipient);
}

const TRACKING: &str = "\
#Software: Microsoft Exchange Server
#Version: 15.01.2507.006
#Log-type: Message Tracking Log
#Date: 2025-11-21T23:00:00.000Z
#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality
2025-11-21T23:34:45.123Z,,,,EX1,,,SMTP,FAIL,1,<x@d.example>,,a@b.example;e@b.example,\"550 5.1.1 no \"\"a\"\", sorry;[{LRT=1};{LED=451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect};{FQDN=mx.b.example};{IP=192.0.2.1}]\",900,2,,,hello,c@d.example,c@d.example,,Originating
2025-11-21T23:34:46.123Z,192.0.2.2,EX1,192.0.2.1,mx.b.example,;250 ok,Out,SMTP,SEND,1,<x@d.example>,,a@b.example,250 2.1.5 Recipient OK,900,1,,,hello,c@d.example,c@d.example,,Originating
2025-11-21T23:34:46.123Z,,,,EX1,,,STOREDRIVER,DELIVER,1,<x@d.example>,,u@d.example,,900,1,,,hello,c@d.example,c@d.example,,Incoming
";

#[test]
fn exchange_tracking_has_a_status_for_each_recipient() {
    let all = events(TRACKING);
    use Outcome::{Delivered, Failed};
    assert_eq!(all.iter().map(|e| e.outcome).collect::<Vec<_>>(), [Failed, Failed, Delivered, Delivered]);
    assert_eq!(all[0].text, "550 5.1.1 no \"a\", sorry");
    assert_eq!(
        (all[1].remote_host.as_deref(), all[1].recipient.as_deref()),
        (Some("mx.b.example"), Some("e@b.example"))
    );
    assert!(all[1].text.ends_with("-> 421 4.2.1 Unable to connect"));
    assert_eq!(all[2].client_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.2"));
    assert_eq!(all[2].remote_host.as_deref(), Some("mx.b.example"));
}

const PROTOCOL: &str = "\
#Software: Microsoft Exchange Server
#Log-type: SMTP Send Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2025-11-21T23:34:45.100Z,Out,08DD1,0,,192.0.2.1:25,*,,attempting to connect
2025-11-21T23:34:45.100Z,Out,08DD1,1,192.0.2.2:40000,192.0.2.1:25,+,,
2025-11-21T23:34:45.100Z,Out,08DD1,2,192.0.2.2:40000,192.0.2.1:25,<,220 mx.b.example ESMTP,
2025-11-21T23:34:45.100Z,Out,08DD1,3,192.0.2.2:40000,192.0.2.1:25,>,EHLO ex1.d.example,
2025-11-21T23:34:45.100Z,Out,08DD1,4,192.0.2.2:40000,192.0.2.1:25,<,250-mx.b.example,
2025-11-21T23:34:45.100Z,Out,08DD1,5,192.0.2.2:40000,192.0.2.1:25,<,250 STARTTLS,
2025-11-21T23:34:45.100Z,Out,08DD1,6,192.0.2.2:40000,192.0.2.1:25,>,STARTTLS,
2025-11-21T23:34:45.100Z,Out,08DD1,7,192.0.2.2:40000,192.0.2.1:25,<,220 go,
2025-11-21T23:34:45.100Z,Out,08DD1,8,192.0.2.2:40000,192.0.2.1:25,*,,\"TLS protocol SP_PROT_TLS1_2_CLIENT negotiation succeeded using bulk encryption algorithm CALG_AES_256 with strength 256 bits\"
2025-11-21T23:34:45.100Z,Out,08DD1,9,192.0.2.2:40000,192.0.2.1:25,>,MAIL FROM:<c@d.example> SIZE=900,
2025-11-21T23:34:45.100Z,Out,08DD1,10,192.0.2.2:40000,192.0.2.1:25,>,RCPT TO:<a@b.example>,
2025-11-21T23:34:45.100Z,Out,08DD1,11,192.0.2.2:40000,192.0.2.1:25,>,RCPT TO:<e@b.example>,
2025-11-21T23:34:45.100Z,Out,08DD1,12,192.0.2.2:40000,192.0.2.1:25,<,250 2.1.0 ok,
2025-11-21T23:34:45.100Z,Out,08DD1,13,192.0.2.2:40000,192.0.2.1:25,<,\"550 5.1.1 no such user, sorry\",
2025-11-21T23:34:45.100Z,Out,08DD1,14,192.0.2.2:40000,192.0.2.1:25,<,250 2.1.5 ok,
2025-11-21T23:34:45.100Z,Out,08DD1,15,192.0.2.2:40000,192.0.2.1:25,>,BDAT 900 LAST,
2025-11-21T23:34:45.100Z,Out,08DD1,16,192.0.2.2:40000,192.0.2.1:25,<,250 2.0.0 queued,
2025-11-21T23:34:45.100Z,Out,08DD1,17,192.0.2.2:40000,192.0.2.1:25,-,,Local
2025-11-21T23:34:46.100Z,Out,08DD2,0,,192.0.2.3:25,*,,\"Failed to connect. Winsock error code: 10060, Win32 error code: 10060\"
";

#[test]
fn exchange_protocol_logs_are_sessions() {
    let all = events(PROTOCOL);
    use Outcome::{Deferred, Delivered, Failed};
    assert_eq!(all.iter().map(|e| e.outcome).collect::<Vec<_>>(), [Failed, Delivered, Deferred]);
    assert_eq!((all[0].recipient.as_deref(), all[0].stage), (Some("a@b.example"), Some(Stage::Rcpt)));
    assert_eq!(
        (all[0].text.as_str(), all[0].sender.as_deref()),
        ("550 5.1.1 no such user, sorry", Some("c@d.example"))
    );
    assert!(all[0].context.iter().any(|line| line.contains("MAIL FROM")), "{:?}", all[0].context);
    assert_eq!(all[1].recipient.as_deref(), Some("e@b.example"));
    assert_eq!(all[1].protection, Some(Protection::Encrypted));
    assert_eq!((all[2].stage, all[2].remote_port), (Some(Stage::Connect), Some(25)));
}

#[test]
fn what_exim_says_of_a_deferral_is_kept_with_its_brackets_and_its_host() {
    let line = "2026-11-27 12:44:12 1xWvJE-0004JO-0A == anna@example.net R=mx T=remote defer (-37) \
                H=mx.example.net [192.0.2.8]: TLS session: (certificate verification failed): certificate invalid";
    let reading = crate::read(line.as_bytes(), &Given::default());
    let [event] = reading.events.as_slice() else { panic!("{reading:#?}") };
    assert_eq!(event.text, "TLS session: (certificate verification failed): certificate invalid");
    assert_eq!(event.remote_host.as_deref(), Some("mx.example.net"));
}

#[test]
fn what_a_server_received_is_told_apart_from_what_it_sent() {
    let text = "\
#Log-type: SMTP Receive Protocol Log
#Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context
2025-11-21T23:34:45.100Z,In,08DD1,1,192.0.2.2:25,192.0.2.9:4711,+,,
2025-11-21T23:34:45.100Z,In,08DD1,2,192.0.2.2:25,192.0.2.9:4711,>,220 ex1,
2025-11-21T23:34:45.100Z,In,08DD1,3,192.0.2.2:25,192.0.2.9:4711,<,MAIL FROM:<s@spam.example>,
2025-11-21T23:34:45.100Z,In,08DD1,4,192.0.2.2:25,192.0.2.9:4711,>,250 ok,
2025-11-21T23:34:45.100Z,In,08DD1,5,192.0.2.2:25,192.0.2.9:4711,<,RCPT TO:<u@far.example>,
2025-11-21T23:34:45.100Z,In,08DD1,6,192.0.2.2:25,192.0.2.9:4711,>,550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain,
";
    let event = one(text);
    assert_eq!((event.outcome, event.stage), (Outcome::Rejected, Some(Stage::Rcpt)));
    assert_eq!(event.client_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.9"));
}

#[test]
fn logs_are_told_apart_and_from_what_is_none() {
    for (text, format) in [
        (POSTFIX, LogFormat::Postfix),
        (TRACKING, LogFormat::ExchangeTracking),
        (PROTOCOL, LogFormat::ExchangeProtocol),
        (
            "postfix/smtp[1]: 4XyZ1a2b3c: to=<a@b.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (x)",
            LogFormat::Postfix,
        ),
        (
            "2002-12-19 16:20:23 16aiQz-0002Q5-00 == marvin@endrest.example R=dnslookup T=smtp defer (146): Connection refused",
            LogFormat::Exim,
        ),
    ] {
        assert_eq!(recognise(text.as_bytes()), Some(format), "{text}");
    }
    let bounce = format!("From: MAILER-DAEMON\nSubject: x\n\nthe log says:\n\n{POSTFIX}");
    let transcript =
        "220 mx.b.example ESMTP Postfix\nEHLO x\n250-mx.b.example\n250 STARTTLS\nMAIL FROM:<a@b.example>\n";
    for text in [
        bounce.as_str(),
        transcript,
        "550 5.1.1 User unknown",
        "",
        "\n\n",
        "From a@b.example Fri Nov 21 23:34:45 2025\nFrom: a@b.example\n\nNov 21 23:34:45 mx postfix/smtp[1]: x\n",
        "2025-11-21 23:34:45 INFO something went well",
        "smtplib.SMTPRecipientsRefused: {'a@b.example': (550, b'5.1.1 no')}",
        "#Fields: a,b",
    ] {
        assert_eq!(recognise(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn lines_of_any_bytes_and_length_are_borne() {
    let mut text = POSTFIX.as_bytes().to_vec();
    text.extend_from_slice(b"Nov 21 23:34:45 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<\xff\xfe@b.example>, relay=none, delay=1, dsn=4.4.1, status=deferred (caf\xe9 ");
    text.extend(std::iter::repeat_n(b'x', 2 * LONGEST_LINE));
    let reading = read(LogFormat::Postfix, &text, &Given { now: NOW, ..Given::default() });
    assert_eq!(reading.events.len(), 2);
    assert_eq!(reading.notes.len(), 1, "{:?}", reading.notes);
    assert!(reading.events[1].text.starts_with("caf\u{fffd} xxx"));
    assert!(reading.events[1].text.chars().count() <= 4096);
}

/// Lines that are nearly right.
fn near_miss() -> impl Strategy<Value = Vec<u8>> {
    let samples: Vec<Vec<u8>> = [POSTFIX, TRACKING, PROTOCOL]
        .iter()
        .flat_map(|text| text.lines().map(|line| line.as_bytes().to_vec()))
        .chain([
            b"2025-11-21 23:34:45 1tEabc-0000Ab-3C ** a@b.example <x@y> R=r T=t H=h (e) [192.0.2.1]:25 X=x CV=yes DN=\"a\\\"b\": text".to_vec(),
            b"2025-11-21 23:34:45 H=h (e) [192.0.2.1] F=<> rejected RCPT <a@b.example>: text".to_vec(),
            b"Nov 21 23:34:45 h sm-mta[1]: 4ALxyz012345: to=<a@b>,<c@d>, delay=1, mailer=esmtp, relay=m. [192.0.2.1], dsn=5.1.1, stat=x".to_vec(),
            b"Nov 21 23:34:45 h smtpd[9]: 8d1f7c3e2b4a5960 mta delivery evpid=1 from=<c@d> to=<a@b> rcpt=<-> source=\"x\" relay=\"y (z)\" delay=1s result=\"Ok\" stat=\"x\"".to_vec(),
            b"@400000006920f73a12345678 delivery 12: failure: x_y./z/".to_vec(),
            b"Nov 21 23:34:45 mx exim[77]: [2\\2]  remote".to_vec(),
        ])
        .collect();
    (
        prop::sample::select(samples),
        prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 0..6),
    )
        .prop_map(|(mut line, edits)| {
            for (at, byte, edit) in edits {
                if line.is_empty() {
                    break;
                }
                let at = at.index(line.len());
                match edit {
                    0 => line[at] = byte,
                    1 => line.insert(at, byte),
                    2 => drop(line.remove(at)),
                    _ => line.truncate(at),
                }
            }
            line
        })
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = recognise(&bytes);
        for format in LogFormat::ALL {
            let _ = read(format, &bytes, &Given::default());
        }
    }

    #[test]
    fn no_near_miss_panics(lines in prop::collection::vec(near_miss(), 1..20)) {
        let text = lines.join(&b'\n');
        let _ = recognise(&text);
        let reading = read(LogFormat::Postfix, &text, &Given { now: NOW, ..Given::default() });
        for event in &reading.events {
            prop_assert!(!event.text.chars().any(waxseal_wire::text::is_harmful));
        }
    }
}
