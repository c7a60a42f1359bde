//! Conversations as the programs print them.

use proptest::prelude::*;
use waxseal_model::{
    MailEvent,
    mail::{Outcome, Protection, Stage},
};

use super::*;

fn events(text: &str) -> Vec<MailEvent> {
    assert!(recognise(text.as_bytes()), "not recognised: {text}");
    read(text.as_bytes()).events
}

fn one(text: &str) -> MailEvent {
    let mut events = events(text);
    assert_eq!(events.len(), 1, "{events:#?}");
    events.remove(0)
}

#[test]
fn swaks_tells_which_recipient_was_refused() {
    let text = "=== Trying mx.example.com:25...
=== Connected to mx.example.com.
<-  220 mx.example.com ESMTP
 -> EHLO client.example.net
<-  250-mx.example.com
<-  250-SIZE 52428800
<-  250 AUTH PLAIN LOGIN
 -> MAIL FROM:<bob@example.net>
<-  250 2.1.0 Ok
 -> RCPT TO:<alice@example.com>
<-  250 2.1.5 Ok
 -> RCPT TO:<nobody@example.com>
<** 550-5.1.1 <nobody@example.com>: Recipient address rejected:
<** 550 5.1.1 User unknown
 -> DATA
<-  354 End data with <CR><LF>.<CR><LF>
 -> Subject: test
 -> 
 -> 550 5.7.1 this is the message
 -> .
<-  250 2.0.0 Ok: queued as 12345
 -> QUIT
<-  221 2.0.0 Bye
=== Connection closed with remote host.
";
    let events = events(text);
    let [alice, nobody] = events.as_slice() else { panic!("{events:#?}") };
    assert_eq!((alice.recipient.as_deref(), alice.outcome), (Some("alice@example.com"), Outcome::Delivered));
    assert_eq!(alice.text, "250 2.0.0 Ok: queued as 12345");
    assert_eq!((nobody.reply, nobody.stage), (Some(550), Some(Stage::Rcpt)));
    assert_eq!(nobody.text, "550 5.1.1 <nobody@example.com>: Recipient address rejected: User unknown");
    assert_eq!(nobody.sender.as_deref(), Some("bob@example.net"));
    assert_eq!((nobody.remote_host.as_deref(), nobody.remote_port), (Some("mx.example.com"), Some(25)));
    assert!(nobody.context.contains(&"EHLO answer without STARTTLS".to_owned()), "{:?}", nobody.context);
}

#[test]
fn swaks_says_itself_what_broke() {
    let refused = one(
        "=== Trying mx.example.com:25...\n*** Error connecting to mx.example.com:25:\n*** \tIO::Socket::INET6: connect: Connection refused\n",
    );
    assert_eq!(refused.stage, Some(Stage::Connect));
    assert!(refused.text.contains("Connection refused"), "{}", refused.text);
    let tls = one("=== Trying mx.example.com:25...
=== Connected to mx.example.com.
<-  220 mx.example.com ESMTP
 -> EHLO c
<-  250-mx.example.com
<-  250 STARTTLS
 -> STARTTLS
<-  220 2.0.0 Ready to start TLS
*** TLS startup failed (connect(): error:0A000086:SSL routines::certificate verify failed)
*** STARTTLS attempted but failed
 -> QUIT
");
    assert_eq!((tls.stage, tls.reply), (Some(Stage::Tls), None));
    assert!(tls.text.contains("certificate verify failed"), "{}", tls.text);
    let missing = one("=== Trying 192.0.2.1:25...
=== Connected to 192.0.2.1.
<-  220 mx ESMTP
 -> EHLO c
<-  250-mx
<-  250-XXXXXXXA
<-  250 SIZE
*** STARTTLS not supported
 -> QUIT
<-  221 Bye
");
    assert_eq!(missing.text, "250-XXXXXXXA (STARTTLS not supported)");
    assert_eq!(crate::diagnose(&missing).cause, "tls_interception");
    assert_eq!(missing.stage, Some(Stage::Starttls));
    assert!(missing.context.iter().any(|line| line.contains("XXXXXXXA")));
}

#[test]
fn what_a_server_offers_is_no_error() {
    let offers = [
        "EHLO answer with STARTTLS",
        "EHLO answer without STARTTLS",
        "EHLO answer: AUTH PLAIN LOGIN NTLM XOAUTH2",
    ];
    for offer in offers {
        let event = MailEvent { text: offer.into(), ..MailEvent::default() };
        assert_eq!(crate::diagnose(&event).cause, "unspecified", "{offer}");
    }
}

#[test]
fn an_echo_is_not_the_decisive_reply() {
    let pipelined = "220 mx ESMTP
EHLO c
250-mx
250 PIPELINING
MAIL FROM:<a@example.net>
RCPT TO:<b@example.com>
DATA
550 5.7.1 Sender refused
503 5.5.1 Error: need MAIL command
503 5.5.1 Error: need RCPT command
";
    let event = one(pipelined);
    assert_eq!((event.text.as_str(), event.stage), ("550 5.7.1 Sender refused", Some(Stage::Mail)));
    assert_eq!(event.recipient.as_deref(), Some("b@example.com"));
    let after = "220 mx\nEHLO c\n250 mx\nMAIL FROM:<a@example.net>\n250 ok\nRCPT TO:<b@example.com>\n450 4.2.0 Greylisted\nDATA\n554 5.5.1 Error: no valid recipients\nQUIT\n221 bye";
    let event = one(after);
    assert_eq!((event.reply, event.outcome), (Some(450), Outcome::Deferred));
}

#[test]
fn a_second_try_that_succeeds_forgives_the_first() {
    let text = "220 mx\nEHLO c\n500 what?\nHELO c\n250 mx\nAUTH PLAIN AGEAYg==\n535 no\nAUTH LOGIN\n334 VXNlcm5hbWU6\nYQ==\n334 UGFzc3dvcmQ6\nYg==\n235 ok\nMAIL FROM:<a@example.net>\n250 ok\nRCPT TO:<b@example.com>\n250 ok\nDATA\n354 go\nhello\n.\n552 5.3.4 Message too big\nQUIT\n221 bye";
    let event = one(text);
    assert_eq!((event.reply, event.stage), (Some(552), Some(Stage::EndOfData)));
}

#[test]
fn openssl_is_read() {
    let expired = one("CONNECTED(00000003)
depth=1 C = US, O = Example, CN = Example CA
verify return:1
depth=0 CN = mx.example.com
verify error:num=10:certificate has expired
notAfter=Jan  1 00:00:00 2026 GMT
verify return:1
---
Certificate chain
 0 s:CN = mx.example.com
---
SSL handshake has read 3210 bytes and written 450 bytes
Verification error: certificate has expired
---
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Verify return code: 10 (certificate has expired)
---
250 CHUNKING
DONE
");
    assert_eq!(expired.text, "verify error:num=10:certificate has expired");
    assert_eq!(expired.stage, Some(Stage::Tls));
    let wrong = one("CONNECTED(00000003)
140735:error:1408F10B:SSL routines:ssl3_get_record:wrong version number:../ssl/record/ssl3_record.c:331:
---
no peer certificate available
---
SSL handshake has read 5 bytes and written 283 bytes
Verification: OK
---
");
    assert!(wrong.text.contains("wrong version number"), "{}", wrong.text);
    let none = one(
        "CONNECTED(00000003)\nDidn't find STARTTLS in server response, trying anyway...\n---\nno peer certificate available\n---\nSSL handshake has read 120 bytes and written 30 bytes\n",
    );
    assert_eq!(none.stage, Some(Stage::Starttls));
    let fine = "CONNECTED(00000003)\ndepth=0 CN = mx.example.com\nverify return:1\n---\nSSL handshake has read 3210 bytes and written 450 bytes\nVerification: OK\n---\n250 CHUNKING\nQUIT\n221 bye\n";
    assert!(events(fine).is_empty());
}

#[test]
fn libraries_are_read() {
    let php = one("2026-01-05 10:00:00 SERVER -> CLIENT: 220 smtp.example.com ESMTP
2026-01-05 10:00:00 CLIENT -> SERVER: EHLO www.example.net
2026-01-05 10:00:00 SERVER -> CLIENT: 250-smtp.example.com
                                      250-STARTTLS
                                      250 AUTH LOGIN PLAIN
2026-01-05 10:00:00 CLIENT -> SERVER: STARTTLS
2026-01-05 10:00:00 SERVER -> CLIENT: 220 2.0.0 Ready
2026-01-05 10:00:00 CLIENT -> SERVER: EHLO www.example.net
2026-01-05 10:00:00 SERVER -> CLIENT: 250-smtp.example.com
                                      250 AUTH LOGIN PLAIN
2026-01-05 10:00:00 CLIENT -> SERVER: AUTH LOGIN
2026-01-05 10:00:00 SERVER -> CLIENT: 334 VXNlcm5hbWU6
2026-01-05 10:00:00 CLIENT -> SERVER: [credentials hidden]
2026-01-05 10:00:00 SERVER -> CLIENT: 334 UGFzc3dvcmQ6
2026-01-05 10:00:00 CLIENT -> SERVER: [credentials hidden]
2026-01-05 10:00:00 SERVER -> CLIENT: 535 5.7.8 Error: authentication failed
2026-01-05 10:00:00 SMTP ERROR: Password command failed: 535 5.7.8 Error: authentication failed
SMTP Error: Could not authenticate.
");
    assert_eq!((php.reply, php.stage), (Some(535), Some(Stage::Auth)));
    assert_eq!(php.text, "535 5.7.8 Error: authentication failed");
    let python = one("send: 'ehlo [127.0.1.1]\\r\\n'
reply: b'250-mx.example.com\\r\\n'
reply: b'250 SIZE 1000\\r\\n'
reply: retcode (250); Msg: b'mx.example.com\\nSIZE 1000'
send: 'mail FROM:<a@example.net> size=90\\r\\n'
reply: b'250 2.1.0 Ok\\r\\n'
reply: retcode (250); Msg: b'2.1.0 Ok'
send: 'rcpt TO:<b@example.com>\\r\\n'
reply: b'554 5.7.1 <b@example.com>: Relay access denied\\r\\n'
reply: retcode (554); Msg: b'5.7.1 <b@example.com>: Relay access denied'
send: 'rset\\r\\n'
Traceback (most recent call last):
  File \"/usr/lib/python3.12/smtplib.py\", line 887, in sendmail
    raise SMTPRecipientsRefused(senderrs)
smtplib.SMTPRecipientsRefused: {'b@example.com': (554, b'5.7.1 <b@example.com>: Relay access denied')}
");
    assert_eq!((python.reply, python.stage), (Some(554), Some(Stage::Rcpt)));
    assert_eq!(python.recipient.as_deref(), Some("b@example.com"));
    let java = one("DEBUG: Jakarta Mail version 2.0.1
DEBUG SMTP: useEhlo true, useAuth true
DEBUG SMTP: trying to connect to host \"smtp.example.com\", port 587, isSSL false
220 smtp.example.com ESMTP
DEBUG SMTP: connected to host \"smtp.example.com\", port: 587
EHLO client
250-smtp.example.com
250 STARTTLS
DEBUG SMTP: Found extension \"STARTTLS\", arg \"\"
STARTTLS
220 2.0.0 Ready to start TLS
jakarta.mail.MessagingException: Could not convert socket to TLS;
  nested exception is:
\tjavax.net.ssl.SSLHandshakeException: PKIX path building failed: sun.security.provider.certpath.SunCertPathBuilderException: unable to find valid certification path to requested target
\tat org.eclipse.angus.mail.smtp.SMTPTransport.startTLS(SMTPTransport.java:2171)
");
    assert_eq!(java.stage, Some(Stage::Tls));
    assert!(java.text.contains("PKIX path building failed"), "{}", java.text);
    assert_eq!((java.remote_host.as_deref(), java.remote_port), (Some("smtp.example.com"), Some(587)));
}

#[test]
fn more_programs_are_read() {
    let node = one("[2026-01-05 10:00:00] DEBUG [aB3] S: 220 smtp.example.com ESMTP
[2026-01-05 10:00:00] DEBUG [aB3] C: EHLO host
[2026-01-05 10:00:00] DEBUG [aB3] S: 250-smtp.example.com
[2026-01-05 10:00:00] DEBUG [aB3] S: 250 AUTH PLAIN
[2026-01-05 10:00:00] DEBUG [aB3] C: AUTH PLAIN AGJvYi8qIHNlY3JldCAqLw==
[2026-01-05 10:00:00] DEBUG [aB3] S: 535 5.7.8 Bad credentials
[2026-01-05 10:00:00] DEBUG [aB3] Error: Invalid login: 535 5.7.8 Bad credentials
");
    assert_eq!((node.reply, node.stage), (Some(535), Some(Stage::Auth)));
    let curl = one("*   Trying 192.0.2.1:25...
* Connected to mail.example.com (192.0.2.1) port 25 (#0)
< 220 mail.example.com ESMTP
> EHLO host
< 250-mail.example.com
< 250 SIZE 100
> MAIL FROM:<a@example.net>
< 250 ok
> RCPT TO:<b@example.com>
< 550 5.1.1 unknown
* RCPT failed: 550
> QUIT
* Closing connection 0
curl: (55) RCPT failed: 550
");
    assert_eq!((curl.text.as_str(), curl.stage), ("550 5.1.1 unknown", Some(Stage::Rcpt)));
    assert_eq!(curl.remote_address, "192.0.2.1".parse().ok());
    let postfix = one(" Out: 220 mx.example.com ESMTP Postfix
 In:  EHLO bad.example.net
 Out: 250-mx.example.com
 Out: 250 DSN
 In:  MAIL FROM:<a@example.net>
 Out: 250 2.1.0 Ok
 In:  RCPT TO:<b@example.com>
 Out: 451 4.3.0 <b@example.com>: Temporary lookup failure
 In:  QUIT
 Out: 221 2.0.0 Bye
");
    assert_eq!((postfix.reply, postfix.stage), (Some(451), Some(Stage::Rcpt)));
    let telnet = one(
        "Trying 192.0.2.1...\nConnected to mx.example.com.\nEscape character is '^]'.\n554 5.7.1 No SMTP service for you\nConnection closed by foreign host.\n",
    );
    assert_eq!((telnet.reply, telnet.stage), (Some(554), Some(Stage::Greeting)));
    let sendmail = one(
        "... while talking to mx.example.com.:\n>>> RCPT To:<b@example.com>\n<<< 550 5.1.1 <b@example.com>... User unknown\n550 5.1.1 <b@example.com>... User unknown\n",
    );
    assert_eq!((sendmail.reply, sendmail.stage), (Some(550), Some(Stage::Rcpt)));
    let ruby = one(
        "-> \"220 mx ESMTP\\r\\n\"\n<- \"EHLO host\\r\\n\"\n-> \"250 mx\\r\\n\"\n<- \"MAIL FROM:<a@example.net>\\r\\n\"\n-> \"530 5.7.0 Must issue a STARTTLS command first\\r\\n\"\n",
    );
    assert_eq!((ruby.reply, ruby.stage), (Some(530), Some(Stage::Mail)));
}

#[test]
fn still_more_programs_are_read() {
    let mailkit = events(
        "Connected to smtp://smtp.example.com:587/?starttls=when-available
S: 220 smtp.example.com ESMTP
C: EHLO host
S: 250-smtp.example.com
S: 250-AUTH LOGIN PLAIN
S: 250 SIZE 1000
C: AUTH PLAIN ********************
S: 235 2.7.0 Ok
C: MAIL FROM:<a@example.net> SIZE=500
C: RCPT TO:<b@example.com>
C: RCPT TO:<c@example.com>
S: 250 2.1.0 Ok
S: 250 2.1.5 Ok
S: 452 4.2.2 Over quota
C: DATA
S: 354 go
C: From: a
C: .
S: 250 2.0.0 queued
",
    );
    let outcomes: Vec<_> = mailkit.iter().map(|e| (e.recipient.as_deref(), e.reply)).collect();
    assert_eq!(outcomes, [(Some("b@example.com"), Some(250)), (Some("c@example.com"), Some(452))]);
    let thunderbird = one("2026-01-05 10:00:00.123000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Connecting to: smtp.example.com on port 587
2026-01-05 10:00:00.523000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Response: 220 smtp.example.com ESMTP
2026-01-05 10:00:00.523000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Send: EHLO [192.168.1.2]
2026-01-05 10:00:00.523000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Response: 250 smtp.example.com
2026-01-05 10:00:00.523000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Send: MAIL FROM:<a@example.net> SIZE=400
2026-01-05 10:00:00.523000 UTC - [Parent 4123: Main Thread]: I/SMTP SMTP Response: 530 5.7.1 Authentication required
");
    assert_eq!((thunderbird.reply, thunderbird.stage), (Some(530), Some(Stage::Mail)));
}

#[test]
fn programs_of_the_command_line_and_of_php_are_read() {
    let swift = one("++ Starting Swift_SmtpTransport
<< 220 smtp.example.com ESMTP

>> EHLO [127.0.0.1]

<< 250-smtp.example.com
250 AUTH LOGIN

>> AUTH LOGIN

<< 334 VXNlcm5hbWU6

>> dXNlcg==

<< 535 Incorrect authentication data

!! Expected response code 235 but got code \"535\", with message \"535 Incorrect authentication data\"
");
    assert_eq!((swift.reply, swift.stage), (Some(535), Some(Stage::Auth)));
    let exim = one("Connecting to mx.example.com [192.0.2.7]:25 ... connected
  SMTP<< 220 mx.example.com ESMTP
  SMTP>> EHLO host.example.net
  SMTP<< 250-mx.example.com
         250 STARTTLS
  SMTP>> STARTTLS
  SMTP<< 454 4.7.0 TLS not available due to local problem
  SMTP>> QUIT
");
    assert_eq!((exim.reply, exim.stage), (Some(454), Some(Stage::Starttls)));
    assert_eq!(exim.remote_host.as_deref(), Some("mx.example.com"));
    let msmtp = one("<-- 220 smtp.example.com ESMTP
--> EHLO localhost
<-- 250-smtp.example.com
<-- 250 STARTTLS
--> STARTTLS
<-- 220 2.0.0 Ready
msmtp: TLS certificate verification failed: the certificate hasn't got a known issuer
msmtp: could not send mail (account default from /home/u/.msmtprc)
");
    assert_eq!((msmtp.reply, msmtp.stage), (None, Some(Stage::Tls)));
    assert_eq!(msmtp.protection, None, "the handshake failed");
}

#[test]
fn encrypted_is_what_was_said_after_a_handshake() {
    let start = "<-  220 mx ESMTP\n -> EHLO c\n<-  250-mx\n<-  250 STARTTLS\n -> STARTTLS\n<-  220 go\n";
    let refused = " -> MAIL FROM:<a@example.net>\n<-  550 5.7.1 no\n";
    let ehlo = " ~> EHLO c\n<~  250 mx\n";
    let again = "<-  220 mx2 ESMTP\n -> EHLO c\n<-  250 mx\n";
    for (text, protection) in [
        ([start, ehlo, refused].concat(), Some(Protection::Encrypted)),
        // Nothing was heard over TLS: perhaps it never came about.
        ([start, "<-  454 4.7.0 TLS not available\n"].concat(), None),
        ([start, "*** TLS startup failed (connect(): error:00000000:lib(0)::reason(0))\n -> QUIT\n<-  221 bye\n"].concat(), None),
        // A second connection, in clear.
        ([start, ehlo, again, refused].concat(), None),
        (["<-  220 mx ESMTP\n -> EHLO c\n<-  250 mx\n", refused].concat(), None),
    ] {
        assert_eq!(one(&text).protection, protection, "{text}");
    }
}

#[test]
fn a_session_that_breaks_off_tells_where() {
    let text = "=== Connected to mx.example.com.\n<-  220 mx\n -> EHLO c\n<-  250 mx\n -> MAIL FROM:<a@example.net>\n<-  250 ok\n -> RCPT TO:<b@example.com>\n<-  250 ok\n -> DATA\n<-  354 go\n -> hello\n -> .\n*** Remote host closed connection unexpectedly.\n";
    let event = one(text);
    assert_eq!((event.stage, event.recipient.as_deref()), (Some(Stage::EndOfData), Some("b@example.com")));
    assert_eq!(event.outcome, Outcome::Unknown);
}

#[test]
fn waxseal_reads_what_it_prints() {
    let text = "example.com  transcript\n       0.0             ** connected\n      12.1    +12.1  <- 220 mx ESMTP\n      12.2     +0.1  -> EHLO c\n      14.0     +1.8  <- 250-mx\n                        250 SIZE\n      15.0     +1.0  -> MAIL FROM:<a@example.net>\n      16.0     +1.0  <- 451 4.7.1 Greylisted\n";
    let event = one(text);
    assert_eq!((event.reply, event.stage), (Some(451), Some(Stage::Mail)));
}

#[test]
fn other_texts_are_no_transcripts() {
    for text in [
        "",
        "hello",
        "550 5.1.1 no",
        "550-a\n550 b",
        "data\nquit",
        "mail from: me\nhello",
        "> quoted\n> text",
    ] {
        assert!(!recognise(text.as_bytes()), "{text}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = (recognise(&bytes), read(&bytes));
    }

    #[test]
    fn no_conversation_panics(lines in prop::collection::vec(prop::sample::select(vec![
        "220 mx", "250-a", "250 b", "354 go", "550 5.1.1 no", "503 need RCPT", "421", "EHLO c", "MAIL FROM:<a@b>",
        "RCPT TO:<c@d>", "DATA", ".", "QUIT", "AUTH LOGIN", "334 x", "STARTTLS", "*** error", "RSET", "text",
    ]), 0..40)) {
        let _ = read(lines.join("\n").as_bytes());
    }
}
