//! When silence about TLS means something, and when it does not: what one connection was must
//! not be told of another.

use waxseal_model::mail::{
    Outcome,
    Protection::{self, Authenticated, Clear, Encrypted},
    Stage,
};

use super::super::*;
use super::{NOW, events, kinds};

/// How each event of a text was protected.
fn protections(text: &str) -> Vec<Option<Protection>> {
    events(text).iter().map(|event| event.protection).collect()
}

#[test]
fn tls_of_a_client_that_brought_nothing_is_not_that_of_the_next() {
    let session = |client: &str, commands: &str| {
        format!("Nov 21 23:34:45 mx postfix/smtpd[2]: disconnect from {client} {commands}\n")
    };
    let tls = "Nov 21 23:34:45 mx postfix/smtpd[2]: Anonymous TLS connection established from b.example[192.0.2.9]: TLSv1.3\n";
    let clear = session("c.example[192.0.2.8]", "ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5");
    for first in [
        session("b.example[192.0.2.9]", "ehlo=2 starttls=1 quit=1 commands=4"),
        session("b.example[127.0.0.1]", "ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7"),
    ] {
        assert_eq!(kinds(&[tls, &first, &clear].concat()), [(Kind::Arrival(1), Some(Clear))], "{first}");
    }
}

#[test]
fn a_handshake_that_failed_is_told_of_its_own_client_and_once() {
    let head = "Nov 21 23:34:45 mx postfix/smtps/smtpd[2]:";
    let text = format!(
        "{head} SSL_accept error from b.example[192.0.2.9]: lost connection\n\
         {head} lost connection after CONNECT from b.example[192.0.2.9]\n\
         {head} disconnect from b.example[192.0.2.9] commands=0/0\n\
         {head} lost connection after STARTTLS from c.example[192.0.2.8]\n\
         {head} disconnect from c.example[192.0.2.8] ehlo=1 starttls=0/1 commands=1/2\n"
    );
    let told: Vec<_> = events(&text).iter().map(|e| (e.source.line, e.stage, e.client_address)).collect();
    assert_eq!(told, [(Some(3), Some(Stage::Tls), "192.0.2.9".parse().ok())]);
}

#[test]
fn tls_of_one_daemon_is_not_that_of_another_with_the_same_number() {
    let text = "\
Nov 21 23:34:45 mx postfix/smtp[2]: Verified TLS connection established to m[192.0.2.1]:25: TLSv1.3 with x
Nov 21 23:34:45 mx postfix/smtpd[2]: disconnect from c.example[192.0.2.8] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
";
    assert_eq!(kinds(text), [(Kind::Arrival(1), Some(Clear))]);
}

/// A delivery of Postfix by process 1.
fn postfix(time: &str, id: &str, more: &str, end: &str) -> String {
    format!(
        "Nov 21 {time} mx postfix/smtp[1]: {id}: to=<a@b.example>, relay=m[192.0.2.1]:25, {more}delay=1, \
         delays=0/0/0.5/0.5, {end}\n"
    )
}

const SENT: &str = "dsn=2.0.0, status=sent (250 ok)";
const TLS: &str = "Nov 21 23:30:00 mx postfix/smtp[1]: Untrusted TLS connection established to m[192.0.2.1]:25: TLSv1.3 with x\n";

#[test]
fn what_a_delivery_says_of_tls_itself_comes_first() {
    let text = [
        TLS,
        &postfix("23:40:00", "AAAAAA", "tls=may:none, ", SENT),
        &postfix("23:40:00", "AAAAAA", "tls=dane, ", SENT),
        &postfix("23:40:00", "AAAAAA", "tls=new-word, ", SENT),
        // Of another message, about which its own words decide nothing.
        &postfix("23:40:00", "BBBBBB", "tls=new-word, ", SENT),
    ]
    .concat();
    assert_eq!(protections(&text), [Some(Clear), Some(Authenticated), Some(Encrypted), None]);
}

#[test]
fn a_connection_that_broke_tells_nothing_of_the_next_one_to_the_same_host() {
    for broke in [
        "lost connection with m[192.0.2.1] while performing the EHLO handshake",
        "conversation with m[192.0.2.1] timed out while sending RCPT TO",
    ] {
        let broke = format!("Nov 21 23:35:00 mx postfix/smtp[1]: AAAAAA: {broke}\n");
        let text = [TLS, &broke, &postfix("23:40:00", "AAAAAA", "", SENT)].concat();
        assert_eq!(protections(&text), [Some(Clear)], "{broke}");
    }
}

#[test]
fn a_server_that_refused_the_connection_was_not_given_mail_in_clear() {
    let refused = |reply: &str| format!("dsn=4.0.0, status=deferred (host m[192.0.2.1] said: {reply})");
    let text = [
        TLS,
        &postfix("23:40:00", "BBBBBB", "", SENT),
        &postfix(
            "23:40:00",
            "CCCCCC",
            "",
            "dsn=4.3.2, status=deferred (host m[192.0.2.1] refused to talk to me: 421 no)",
        ),
        &postfix("23:40:00", "DDDDDD", "", &refused("450 4.2.0 Greylisted (in reply to RCPT TO command)")),
        &postfix("23:40:00", "EEEEEE", "", &refused("451 4.3.0 later (in reply to end of DATA command)")),
    ]
    .concat();
    // The first message had the session that was logged.
    assert_eq!(protections(&text), [Some(Encrypted), None, Some(Clear), Some(Clear)]);
}

#[test]
fn names_of_relays_are_remembered_in_bounded_length() {
    let relay = format!("{}[192.0.2.1]:25", "x".repeat(40_000));
    let head = "Nov 21 23:34:45 mx postfix/smtp[1]:";
    let text = format!(
        "{head} Untrusted TLS connection established to {relay}: TLSv1.3 with x\n\
         {head} AAAAAA: to=<a@b.example>, relay={relay}, delay=1, delays=0/0/1/0, {SENT}\n"
    );
    assert_eq!(protections(&text), [Some(Encrypted)]);
}

#[test]
fn exim_may_leave_out_tls_and_then_its_silence_means_nothing() {
    let arrival = |protocol: &str, cipher: &str| {
        format!(
            "2025-11-21 23:34:40 1tEabc-0000Ab-3C <= c@d.example H=me.d.example [192.0.2.7] P={protocol}{cipher} S=900\n"
        )
    };
    let sent = |cipher: &str| {
        format!(
            "2025-11-21 23:34:45 1tEabc-0000Ab-3C => a@b.example R=dnslookup T=remote_smtp H=mx.b.example \
             [192.0.2.1]{cipher} C=\"250 ok\"\n"
        )
    };
    let x = " X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no";
    let text = [
        arrival("esmtp", ""),
        sent(""),
        arrival("esmtpsa", ""),
        sent(""),
        arrival("esmtp", ""),
        sent(x),
        sent(""),
        arrival("utf8esmtps", ""),
        sent(""),
    ]
    .concat();
    let found: Vec<_> = kinds(&text).into_iter().map(|(_, protection)| protection).collect();
    assert_eq!(
        found,
        [
            Some(Clear),
            Some(Clear),
            Some(Encrypted), // it says so by its protocol
            None,
            Some(Clear),
            Some(Encrypted),
            Some(Clear), // TLS is logged again
            Some(Encrypted),
            None
        ]
    );
    let notes =
        |text: &str| read(LogFormat::Exim, text.as_bytes(), &Given { now: NOW, ..Given::default() }).notes;
    assert!(
        notes(&text).iter().any(|note| note.contains("log_selector = +tls_cipher")),
        "{:?}",
        notes(&text)
    );
    assert!(notes(&[arrival("esmtps", x), sent("")].concat()).is_empty());
}

#[test]
fn what_another_server_rejected_is_no_rejection_of_exims_own() {
    let text = "\
2025-11-21 23:34:45 1tEabc-0000Ab-3C H=mx.b.example [192.0.2.1]: SMTP error from remote mail server after end of data: 451 4.7.1 message rejected by policy: later
2025-11-21 23:34:45 1tEabc-0000Ab-3C H=mx.b.example [192.0.2.1] sender verify fail for <a@b.example>: response to \"RCPT TO:<a@b.example>\" was: 550 rejected by x: no
2025-11-21 23:34:45 H=(two words) [192.0.2.9]:4711 I=[192.0.2.2]:25 X=TLS1.3:A:256 CV=no DN=\"CN=a: b\" F=<s@spam.example> rejected after DATA: spam
2025-11-21 23:34:45 1tEabc-0000Ab-3C U=list F=<s@own.example> rejected by local_scan(): no
2025-11-21 23:34:45 H=[192.0.2.9] temporarily rejected connection in \"connect\" ACL: later
";
    let all = events(text);
    let what: Vec<_> = all.iter().map(|e| (e.outcome, e.stage, e.text.as_str())).collect();
    let rejected = |stage, text| (Outcome::Rejected, Some(stage), text);
    assert_eq!(
        what,
        [
            rejected(Stage::EndOfData, "spam"),
            rejected(Stage::EndOfData, "no"),
            rejected(Stage::Connect, "later")
        ]
    );
    assert_eq!(all[0].client_address.map(|a| a.to_string()).as_deref(), Some("192.0.2.9"));
}

/// A delivery of Sendmail by process 9, with how long the connection took.
fn sendmail(time: &str, relay: &str, xdelay: &str) -> String {
    format!(
        "Nov 21 {time} h sm-mta[9]: 4ALxyz012345: to=<a@b.example>, delay=00:00:01, xdelay={xdelay}, mailer=esmtp, \
         pri=30000, relay={relay}. [192.0.2.1], dsn=2.0.0, stat=Sent (ok)\n"
    )
}

#[test]
fn silence_of_sendmail_means_something_only_for_connections_that_began_later() {
    let tls = "Nov 21 12:00:00 h sm-mta[9]: STARTTLS=client, relay=mx.b.example., version=TLSv1.3, verify=FAIL, cipher=x, bits=256/256\n";
    let text = [
        tls,
        &sendmail("12:00:05", "mx.c.example", "00:00:10"),
        &sendmail("12:00:20", "mx.c.example", "00:00:10"),
        &sendmail("12:50:00", "mx.b.example", "00:00:01"),
        &sendmail("13:40:00", "mx.b.example", "00:00:01"),
        &sendmail("15:00:00", "mx.b.example", "00:00:01"),
    ]
    .concat();
    assert_eq!(
        protections(&text),
        [
            None, // it began before TLS was logged
            Some(Clear),
            Some(Encrypted),
            Some(Encrypted), // the connection was used in between
            Some(Clear)      // an idle hour later the process is another one
        ]
    );
}

#[test]
fn exchange_is_encrypted_once_starttls_was_granted() {
    let row = |n: u32, event: &str, data: &str, context: &str| {
        format!(
            "2025-11-21T23:34:45.100Z,Out,08DD1,{n},192.0.2.2:40000,192.0.2.1:25,{event},\"{data}\",{context}\n"
        )
    };
    let head = "#Log-type: SMTP Send Protocol Log\n\
                #Fields: date-time,connector-id,session-id,sequence-number,local-endpoint,remote-endpoint,event,data,context\n";
    let start = [
        row(1, "+", "", ""),
        row(2, "<", "220 mx ESMTP", ""),
        row(3, ">", "STARTTLS", ""),
        row(4, "<", "220 go", ""),
    ]
    .concat();
    let mail = [
        row(5, ">", "MAIL FROM:<c@d.example>", ""),
        row(6, "<", "250 ok", ""),
        row(7, ">", "RCPT TO:<a@b.example>", ""),
        row(8, "<", "550 no", ""),
    ]
    .concat();
    assert_eq!(protections(&[head, &start, &mail].concat()), [Some(Encrypted)]);
    let failed = row(5, "*", "", "TLS negotiation failed with error CertExpired");
    assert_eq!(protections(&[head, &start, &failed].concat())[0], None);
    let many: String = (0..900)
        .flat_map(|n| [row(9, ">", &format!("RCPT TO:<a{n}@b.example>"), ""), row(9, "<", "250 ok", "")])
        .collect();
    let end = [row(9, ">", "BDAT 9 LAST", ""), row(9, "<", "250 queued", "")].concat();
    assert_eq!(events(&[head, &start, &many, &end].concat()).len(), 900);
}

#[test]
fn the_first_time_is_found_behind_a_priority() {
    let time = Some(1_763_768_085);
    for line in [
        "Nov 21 23:34:45 mx postfix/smtp[1]: x",
        "<22>Nov 21 23:34:45 mx postfix/smtp[1]: x",
        "<22>1 2025-11-21T23:34:45Z mx postfix/smtp 1 - - x",
        "1 2025-11-21T23:34:45Z mx postfix/smtp 1 - - x",
    ] {
        assert_eq!(first_time(line.as_bytes(), NOW, 0), time, "{line}");
    }
}
