//! AUTH, over loopback in clear; within TLS see `tls`.

use base64::{Engine, prelude::BASE64_STANDARD};
use waxseal_wire::sasl::{Cost, Salts, password_line};

use super::*;

pub(super) fn passwords(scram: bool) -> Arc<Passwords> {
    let salts = Salts { hash: [1; 16], scram: scram.then_some([2; 16]) };
    let line = password_line("bob", b"pencil", Cost::least(), 4096, &salts).unwrap();
    Arc::new(Passwords::parse(&line, [0; 32]).unwrap())
}

fn with_logins(scram: bool) -> Settings {
    let mut settings = Settings::new("relay.example.com");
    settings.access.passwords = Some(passwords(scram));
    settings.access.plain_auth_on_loopback = true;
    settings
}

async fn local(bench: &Bench) -> Talk {
    let mut talk = bench.connect(SUBMISSION, "127.0.0.1");
    talk.expect("220 ").await;
    talk.ask("EHLO client", "250").await;
    talk
}

fn plain(user: &str, password: &str) -> String {
    BASE64_STANDARD.encode(format!("\0{user}\0{password}"))
}

#[tokio::test(start_paused = true)]
async fn users_log_in_by_plain_and_login_in_every_form() {
    let bench = Bench::new(with_logins(false));
    for steps in [
        vec![(format!("AUTH PLAIN {}", plain("bob", "pencil")), "235 2.7.0")],
        vec![("auth plain".into(), "334 \r\n"), (plain("bob", "pencil"), "235 2.7.0")],
        vec![
            ("AUTH LOGIN".into(), "334 VXNlcm5hbWU6\r\n"),
            (BASE64_STANDARD.encode("bob"), "334 UGFzc3dvcmQ6\r\n"),
            (BASE64_STANDARD.encode("pencil"), "235 2.7.0"),
        ],
        vec![("AUTH LOGIN Ym9i".into(), "334 UGFzc3dvcmQ6\r\n"), (BASE64_STANDARD.encode("pencil"), "235 ")],
    ] {
        let mut talk = local(&bench).await;
        talk.ask("MAIL FROM:<>", "530 5.7.0 Authentication required: log in first (AUTH)").await;
        for (line, reply) in &steps {
            talk.ask(line, reply).await;
        }
        talk.ask("AUTH PLAIN", "503 5.5.1").await;
        talk.ask("MAIL FROM:<>", "250 ").await;
        talk.ask("RCPT TO:<b@example.org>", "250 ").await;
        talk.ask("DATA", "354 ").await;
        talk.ask("x\r\n.", "250 ").await;
        let message = bench.kept.messages.lock().unwrap().pop().unwrap();
        let arrival = &message.envelope.arrival;
        assert_eq!((arrival.user.as_deref(), arrival.protocol.as_str()), (Some("bob"), "ESMTPA"));
        // EHLO again offers no login to one who is in.
        let reply = talk.ask("EHLO client", "250").await;
        assert!(!reply.contains("AUTH"), "{reply}");
        talk.ask("MAIL FROM:<>", "250 ").await;
    }
}

#[tokio::test(start_paused = true)]
async fn wrong_logins_take_longer_each_time_and_end_the_session() {
    let bench = Bench::new(with_logins(false));
    let mut talk = local(&bench).await;
    let mut words = Vec::new();
    for (user, password, pause) in [("bob", "pen", 1), ("eve", "pencil", 2), ("bob", "x", 4)] {
        let began = Instant::now();
        words.push(talk.ask(&format!("AUTH PLAIN {}", plain(user, password)), "535 5.7.8").await);
        assert_eq!(began.elapsed().as_secs(), pause);
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
    talk.expect("421 4.7.0").await;
    talk.ends().await;
    assert!(bench.heard().iter().all(|line| !line.contains("pen") && !line.contains("eve")));
}

#[tokio::test(start_paused = true)]
async fn an_address_that_guesses_is_locked_out_for_a_while() {
    let mut settings = with_logins(false);
    settings.limits.failed_logins_per_client = 4;
    let bench = Bench::new(settings);
    for _ in 0..2 {
        let mut talk = local(&bench).await;
        for _ in 0..2 {
            talk.ask(&format!("AUTH PLAIN {}", plain("bob", "pen")), "535 ").await;
        }
    }
    let mut talk = local(&bench).await;
    talk.ask(&format!("AUTH PLAIN {}", plain("bob", "pencil")), "454 4.7.0 Too many failed logins").await;
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_or_cancelled_is_no_failed_login() {
    let bench = Bench::new(with_logins(false));
    let mut talk = local(&bench).await;
    for (lines, reply) in [
        (vec!["AUTH PLAIN", "*"], "501 5.7.0"),
        (vec!["AUTH PLAIN", "no base64!"], "501 5.5.2"),
        (vec!["AUTH PLAIN =="], "501 5.5.2"),
        (vec!["AUTH PLAIN ="], "501 5.5.2"),
        (vec!["AUTH PLAIN Ym9i"], "501 5.5.2"),
        (vec!["AUTH CRAM-MD5"], "504 5.5.4"),
        (vec!["AUTH SCRAM-SHA-256"], "504 5.5.4"),
        (vec!["AUTH"], "501 5.5.4"),
    ] {
        let (last, before) = lines.split_last().unwrap();
        for line in before {
            talk.ask(line, "334 ").await;
        }
        talk.ask(last, reply).await;
    }
    talk.ask(&format!("AUTH PLAIN {}", plain("bob", "pencil")), "235 ").await;
    let long = "A".repeat(20_000);
    let mut talk = local(&bench).await;
    talk.ask("AUTH PLAIN", "334 ").await;
    talk.ask(&long, "501 ").await;
    talk.ask("NOOP", "250 ").await;
}

#[tokio::test(start_paused = true)]
async fn a_login_in_clear_is_for_this_machine_and_only_if_the_operator_says_so() {
    for (ip, allowed, offered) in [
        ("127.0.0.1", true, true),
        ("::1", true, true),
        ("127.0.0.1", false, false),
        ("192.0.2.1", true, false),
    ] {
        let mut settings = with_logins(false);
        settings.access.plain_auth_on_loopback = allowed;
        let bench = Bench::new(settings);
        let mut talk = bench.connect(SMTP, ip);
        talk.expect("220 ").await;
        let reply = talk.ask("EHLO client", "250").await;
        assert_eq!(extensions(&reply).contains(&"AUTH PLAIN LOGIN"), offered, "{ip} {reply}");
        let expected = if offered { "235 " } else { "503 5.5.1" };
        talk.ask(&format!("AUTH PLAIN {}", plain("bob", "pencil")), expected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn scram_is_offered_where_somebody_can_use_it() {
    let bench = Bench::new(with_logins(true));
    let mut talk = bench.connect(SMTP, "127.0.0.1");
    talk.expect("220 ").await;
    let reply = talk.ask("EHLO client", "250").await;
    assert!(extensions(&reply).contains(&"AUTH SCRAM-SHA-256 PLAIN LOGIN"), "{reply}");
    let first = BASE64_STANDARD.encode("n,,n=bob,r=abc");
    let challenge = talk.ask(&format!("AUTH SCRAM-SHA-256 {first}"), "334 ").await;
    let challenge = String::from_utf8(BASE64_STANDARD.decode(challenge[4..].trim()).unwrap()).unwrap();
    assert!(challenge.starts_with("r=abc"), "{challenge}");
    let nonce = challenge.split(',').next().unwrap();
    let wrong = format!("c=biws,{nonce},p={}", BASE64_STANDARD.encode([0; 32]));
    talk.ask(&BASE64_STANDARD.encode(wrong), "535 5.7.8").await;
}

#[tokio::test]
async fn files_of_passwords_are_read_or_refused_by_name() {
    let path = std::env::temp_dir().join(format!("waxseal-passwords-{}", std::process::id()));
    std::fs::write(&path, "bob\n").unwrap();
    let error = read_passwords(&path).unwrap_err().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(error.contains(&*path.to_string_lossy()) && error.contains("line 1"), "{error}");
    assert!(matches!(read_passwords(&path), Err(PasswordFileError::Unreadable { .. })));
}
