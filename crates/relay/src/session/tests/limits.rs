//! Limits in time and number, and the end of the relay.

use tokio::net::TcpStream;
use waxseal_net::listen::Listener;

use super::*;

fn limited(change: impl FnOnce(&mut settings::Limits)) -> Bench {
    let mut settings = settings();
    change(&mut settings.limits);
    Bench::new(settings)
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_sent_away() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    let began = Instant::now();
    talk.send("NOO").await;
    talk.expect("421 4.4.2").await;
    assert_eq!(began.elapsed().as_secs(), 300);
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_drips_is_no_better() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    let began = Instant::now();
    for _ in 0..5 {
        talk.send("x").await;
        sleep(Duration::from_secs(59)).await;
    }
    talk.send("x").await;
    talk.expect("421 4.4.2").await;
    assert_eq!(began.elapsed().as_secs(), 300);
}

async fn sending(bench: &Bench) -> Talk {
    let mut talk = bench.greeted().await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk.ask("DATA", "354 ").await;
    talk
}

#[tokio::test(start_paused = true)]
async fn data_may_pause_and_not_drip_for_ever() {
    let bench = Bench::new(settings());
    let mut talk = sending(&bench).await;
    let began = Instant::now();
    talk.send("x").await;
    talk.expect("421 4.4.2").await;
    assert_eq!(began.elapsed().as_secs(), 600);

    let mut talk = sending(&bench).await;
    let began = Instant::now();
    for _ in 0..6 {
        sleep(Duration::from_secs(599)).await;
        talk.send("x\r\n").await;
    }
    talk.expect("421 4.4.2").await;
    assert_eq!(began.elapsed().as_secs(), 3600);

    let mut talk = bench.greeted().await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk.send("BDAT 10\r\nx").await;
    talk.expect("421 4.4.2").await;
    assert_eq!(bench.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_session_has_an_end() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4 * 3600 - 200) {
        talk.ask("NOOP", "250 ").await;
        sleep(Duration::from_secs(250)).await;
    }
    talk.ask("NOOP", "250 ").await;
    talk.expect("421 4.4.2").await;
    assert_eq!(began.elapsed().as_secs(), 4 * 3600);
}

#[tokio::test]
async fn who_errs_too_often_is_sent_away() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    for _ in 0..19 {
        talk.ask("XYZZY", "500 ").await;
    }
    talk.ask("XYZZY", "500 ").await;
    talk.expect("421 4.7.0 Too many errors").await;
    talk.ends().await;
}

#[tokio::test]
async fn who_does_nothing_too_often_errs() {
    let bench = limited(|limits| {
        limits.idle_commands = 10;
        limits.errors = 3;
    });
    let mut talk = bench.greeted().await;
    for _ in 0..11 {
        talk.ask("NOOP", "250 ").await;
    }
    talk.ask("RSET", "250 ").await;
    talk.expect("421 4.7.0").await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_refused_and_one_with_a_bare_line_feed_ends_the_session() {
    let bench = Bench::new(settings());
    let mut talk = bench.greeted().await;
    talk.ask(&"x".repeat(5000), "500 5.5.2").await;
    talk.ask(&"x".repeat(30_000), "500 5.5.2").await;
    talk.ask("NOOP", "250 ").await;
    talk.send("NOOP\nMAIL FROM:<>\r\n").await;
    talk.expect("500 5.5.2 A line ended in a bare line feed").await;
    talk.ends().await;
}

#[tokio::test]
async fn a_request_by_http_ends_the_session_before_what_is_smuggled_in_it() {
    let bench = Bench::new(settings());
    let mut talk = bench.connect(SMTP, "192.0.2.1");
    talk.expect("220 ").await;
    talk.send("POST / HTTP/1.1\r\nHost: relay\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\n").await;
    talk.expect("500 5.5.1 this is a mail server").await;
    talk.ends().await;
}

#[tokio::test]
async fn recipients_and_messages_are_counted() {
    let bench = limited(|limits| {
        limits.recipients = 2;
        limits.messages_per_minute = 2;
    });
    let mut talk = bench.greeted().await;
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RCPT TO:<a@example.org>", "250 ").await;
    talk.ask("RCPT TO:<b@example.org>", "250 ").await;
    talk.ask("RCPT TO:<c@example.org>", "452 4.5.3").await;
    talk.ask("DATA", "354 ").await;
    talk.ask("x\r\n.", "250 ").await;
    assert_eq!(bench.message().recipients.len(), 2);
    talk.ask("MAIL FROM:<>", "250 ").await;
    talk.ask("RSET", "250 ").await;
    talk.ask("MAIL FROM:<>", "450 4.7.1").await;
    let mut other = bench.connect(SMTP, "192.0.2.2");
    other.expect("220 ").await;
    other.ask("EHLO x", "250").await;
    other.ask("MAIL FROM:<>", "250 ").await;
}

#[tokio::test]
async fn messages_that_come_in_share_the_memory() {
    let bench = limited(|limits| limits.memory = 1000);
    let mut one = sending(&bench).await;
    let mut two = sending(&bench).await;
    let line = format!("{}\r\n", "x".repeat(98));
    one.send(line.repeat(8)).await;
    while bench.context.incoming.load(Ordering::Relaxed) < 800 {
        tokio::task::yield_now().await;
    }
    two.send(line.repeat(3)).await;
    while bench.context.incoming.load(Ordering::Relaxed) == 800 {
        tokio::task::yield_now().await;
    }
    two.ask("x\r\n.", "452 4.3.1").await;
    one.ask(".", "250 ").await;
    assert_eq!(bench.context.incoming.load(Ordering::Relaxed), 0);
    two.send(format!("MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nBDAT 900\r\n{}", line.repeat(9))).await;
    two.expect("250 ").await;
    two.expect("250 ").await;
    two.expect("250 ").await;
    assert_eq!(bench.context.incoming.load(Ordering::Relaxed), 900);
    two.send(format!("BDAT 200\r\n{}", line.repeat(2))).await;
    two.expect("452 4.3.1").await;
    assert_eq!(bench.context.incoming.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_flood_is_not_read_to_its_end() {
    let bench = limited(|limits| limits.message_size = 1000);
    let mut talk = sending(&bench).await;
    let line = format!("{}\r\n", "x".repeat(998));
    for _ in 0..1100 {
        if talk.io.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    talk.expect("552 5.3.4").await;
    let mut talk = bench.greeted().await;
    talk.send("BDAT 99999999999\r\n").await;
    talk.expect("552 5.3.4").await;
    talk.ends().await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_stops_lets_messages_end_and_takes_no_others() {
    let bench = Bench::new(settings());
    let mut idle = bench.greeted().await;
    let mut open = bench.greeted().await;
    open.ask("MAIL FROM:<>", "250 ").await;
    let mut sending = sending(&bench).await;
    sending.send("x\r\n").await;
    bench.context.stop();
    idle.expect("421 4.3.2").await;
    idle.ends().await;
    open.expect("421 4.3.2").await;
    sleep(Duration::from_secs(10)).await;
    sending.send(".\r\nMAIL FROM:<>\r\n").await;
    sending.expect("250 2.0.0 Ok: queued").await;
    sending.expect("421 4.3.2").await;
    sending.ends().await;
    assert_eq!(bench.count(), 1);
}

#[tokio::test]
async fn connections_are_counted_and_serving_ends_with_the_last_of_them() {
    let mut settings = settings();
    settings.limits.connections_per_client = 2;
    settings.limits.stop_grace = Duration::from_millis(200);
    let bench = Bench::new(settings);
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.address();
    let serving = tokio::spawn(serve(listener, SMTP, Arc::clone(&bench.context)));
    let connect = async || Talk {
        io: TcpStream::connect(address).await.unwrap(),
        buffer: Vec::new(),
        task: tokio::spawn(async {}),
    };
    let (mut first, mut second) = (connect().await, connect().await);
    first.expect("220 ").await;
    second.expect("220 ").await;
    let mut third = connect().await;
    third.expect("421 4.7.0 Too many connections from your address").await;
    third.ends().await;
    assert_eq!(bench.context.sessions(), 2);
    first.ask("QUIT", "221 ").await;
    first.ends().await;
    while bench.context.sessions() > 1 {
        sleep(Duration::from_millis(5)).await;
    }
    let mut fourth = connect().await;
    fourth.expect("220 ").await;
    fourth.ask("EHLO x", "250").await;
    fourth.ask("MAIL FROM:<>", "250 ").await;
    fourth.ask("RCPT TO:<b@example.com>", "250 ").await;
    fourth.ask("DATA", "354 ").await;
    // One session waits for a command and ends at once, one hangs in a message and is cut.
    bench.context.stop();
    second.expect("421 4.3.2").await;
    serving.await.unwrap();
    assert_eq!(fourth.reply().await, "");
    assert_eq!(bench.context.sessions(), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
