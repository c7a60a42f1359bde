//! DATA and BDAT, and what is refused when a message is whole.

use waxseal_store::spool::BodyKind;

use super::*;

async fn at_data(bench: &Bench, mail: &str) -> Talk {
    let mut talk = bench.greeted().await;
    talk.ask(&format!("MAIL FROM:<a@example.net>{mail}"), "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk
}

#[tokio::test]
async fn messages_that_cannot_be_taken_are_refused_after_their_true_end() {
    let hops = "Received: x\r\n".repeat(51);
    let settings = Settings {
        limits: settings::Limits { message_size: 2000, line: 1000, ..settings().limits },
        ..settings()
    };
    let long = "x".repeat(1001);
    let large = "x\r\n".repeat(1000);
    for (data, reply) in [
        ("a\nb\r\n", "550 5.6.0"),
        ("a\rb\r\n", "550 5.6.0"),
        ("a\r\n.\nMAIL FROM:<evil@example.net>\r\n", "550 5.6.0"),
        ("a\0b\r\n", "550 5.6.0"),
        (&*large, "552 5.3.4"),
        (&*format!("{long}\r\n"), "554 5.6.0"),
        (&*format!("{hops}\r\nx\r\n"), "554 5.4.6"),
    ] {
        let bench = Bench::new(settings.clone());
        let mut talk = at_data(&bench, "").await;
        talk.ask("DATA", "354 ").await;
        talk.send(format!("{data}.\r\nNOOP\r\n")).await;
        talk.expect(reply).await;
        talk.expect("250 2.0.0 Ok\r\n").await;
        // The transaction is over.
        talk.ask("DATA", "503 ").await;
        assert_eq!(bench.count(), 0, "{reply}");
    }
    let bench = Bench::new(settings);
    let mut talk = at_data(&bench, "").await;
    talk.ask("DATA", "354 ").await;
    let just = hops.split_at("Received: x\r\n".len()).1;
    talk.ask(&format!("{just}\r\nx\r\n."), "250 ").await;
}

#[tokio::test]
async fn a_header_without_end_is_refused() {
    let bench = Bench::new(settings());
    let mut talk = at_data(&bench, "").await;
    talk.ask("DATA", "354 ").await;
    let field = format!("X: {}\r\n", "x".repeat(900));
    for _ in 0..400 {
        talk.send(&field).await;
    }
    talk.ask(".", "552 5.3.4 The header").await;
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let bench = Bench::new(settings());
    let mut talk = at_data(&bench, " SIZE=3000000").await;
    talk.ask("DATA", "354 ").await;
    let line = format!("..{}\r\n", "x".repeat(970));
    talk.send("Subject: large\r\n\r\n").await;
    for _ in 0..3000 {
        talk.send(&line).await;
    }
    talk.ask(".", "250 ").await;
    let message = bench.message();
    let text = text(&message);
    assert!(text.ends_with(&line[1..]));
    assert_eq!(text.matches("\r\n.x").count(), 3000);
    assert!(message.body.len() > 5, "in pieces: {}", message.body.len());
}

#[tokio::test]
async fn eight_bits_are_noted_whatever_was_announced() {
    for (mail, data, kind) in [
        ("", "plain\r\n", BodyKind::SevenBit),
        (" BODY=8BITMIME", "plain\r\n", BodyKind::SevenBit),
        ("", "\u{e4}\r\n", BodyKind::EightBitMime),
        (" BODY=7BIT", "\u{e4}\r\n", BodyKind::EightBitMime),
    ] {
        let bench = Bench::new(settings());
        let mut talk = at_data(&bench, mail).await;
        talk.ask("DATA", "354 ").await;
        talk.ask(&format!("{data}."), "250 ").await;
        assert_eq!(bench.message().envelope.body, kind, "{mail} {data}");
    }
}

#[tokio::test]
async fn tls_required_no_is_noted() {
    for (data, noted) in [("TLS-Required: No\r\n\r\nx", true), ("X: y\r\n\r\nTLS-Required: No", false)] {
        let bench = Bench::new(settings());
        let mut talk = at_data(&bench, "").await;
        talk.ask("DATA", "354 ").await;
        talk.ask(&format!("{data}\r\n."), "250 ").await;
        assert_eq!(bench.message().envelope.tls_required_no, noted);
    }
}

#[tokio::test]
async fn a_body_without_a_header_is_set_off_from_ours() {
    let bench = Bench::new(settings());
    let mut talk = at_data(&bench, "").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("hello\r\n.", "250 ").await;
    assert!(text(&bench.message()).ends_with("+0000\r\n\r\nhello\r\n"));
}

#[tokio::test]
async fn chunks_make_a_message_to_the_byte() {
    let bench = Bench::new(settings());
    let mut talk = at_data(&bench, "").await;
    talk.send("BDAT 13\r\nSubject: x\r\n\r").await;
    talk.expect("250 2.0.0 13 bytes received").await;
    talk.ask("DATA", "503 5.5.1").await;
    talk.ask("RCPT TO:<c@example.org>", "503 5.5.1").await;
    talk.ask("MAIL FROM:<>", "503 5.5.1").await;
    // A dot means nothing here, and a chunk may hold what looks like commands.
    talk.send("BDAT 19\r\n\n.\r\n.QUIT\r\nNOOP\r\n..BDAT 0 LAST\r\n").await;
    talk.expect("250 2.0.0 19 bytes").await;
    talk.expect("250 2.0.0 Ok: queued").await;
    assert!(text(&bench.message()).ends_with("Subject: x\r\n\r\n.\r\n.QUIT\r\nNOOP\r\n..\r\n"));
}

#[tokio::test]
async fn a_refused_chunk_is_read_to_its_end_and_so_are_those_behind_it() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    talk.send("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n").await;
    talk.expect("503 5.5.1").await;
    talk.expect("250 2.0.0 Ok\r\n").await;
    talk.send("MAIL FROM:<>\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\n").await;
    talk.expect("250 ").await;
    talk.expect("554 5.5.1").await;
    talk.expect("250 ").await;
    for bad in ["a\nb\r\n", "a\rb\r\n", "a\0b\r\n"] {
        talk.send(format!(
            "MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBDAT 5\r\n{bad}BDAT 6 LAST\r\nQUIT\r\n"
        ))
        .await;
        talk.expect("250 ").await;
        talk.expect("250 ").await;
        talk.expect("550 5.6.0").await;
        talk.expect("503 5.5.1").await;
        talk.ask("RSET", "250 ").await;
    }
    assert_eq!(bench.count(), 0);
    talk.ask("QUIT", "221").await;
}

#[tokio::test]
async fn chunks_beyond_the_limit_are_refused() {
    let limits = settings::Limits { message_size: 10, ..settings().limits };
    let bench = Bench::new(Settings { limits, ..settings() });
    let mut talk = at_data(&bench, "").await;
    talk.send("BDAT 8\r\n1234567\nBDAT 8 LAST\r\n123456\r\n").await;
    talk.expect("550 5.6.0").await;
    talk.expect("503 ").await;
    let mut talk = at_data(&bench, "").await;
    talk.send("BDAT 8\r\n123456\r\nBDAT 8 LAST\r\n123456\r\n").await;
    talk.expect("250 ").await;
    talk.expect("552 5.3.4").await;
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_said_at_mail_and_at_the_end() {
    let full = SpoolError::Full { detail: "secret path".into() };
    let poisoned = SpoolError::Poisoned { detail: "secret path".into() };
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    for (error, reply) in [(full, "452 4.3.1"), (poisoned, "451 4.3.0")] {
        *bench.kept.refusal.lock().unwrap() = Some(error.clone());
        let told = talk.ask("MAIL FROM:<>", reply).await;
        assert!(!told.contains("secret"), "{told}");
        *bench.kept.refusal.lock().unwrap() = None;
        *bench.kept.error.lock().unwrap() = Some(error);
        talk.ask("MAIL FROM:<>", "250 ").await;
        talk.ask("RCPT TO:<b@example.org>", "250 ").await;
        talk.ask("DATA", "354 ").await;
        talk.ask("x\r\n.", reply).await;
        *bench.kept.error.lock().unwrap() = None;
    }
    *bench.kept.refusal.lock().unwrap() = Some(SpoolError::Closed);
    talk.ask("MAIL FROM:<>", "421 4.3.2").await;
    talk.ends().await;
}
