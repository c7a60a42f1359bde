//! Postfix, Exim and OpenSMTPD as clients of the relay, and as its servers; `smtp-source`,
//! `smtp-sink` and `swaks`.

use std::{
    fs,
    net::SocketAddr,
    path::Path,
    process::{Command, Output},
};

use waxseal_peers::{
    Exim, OpenSmtpd, PeerError, Postfix, Sink, certificate, exim, opensmtpd, postfix,
    server::Folder,
    submit::{Message, submit},
};

use crate::house::{House, any, free};

/// The host's name in certificates.
const HOST: &str = "mx.example.com";

/// What was started, or nothing where this machine has no means for it.
fn have<T>(what: &str, started: Result<T, PeerError>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: the relay and {what}: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

fn message(to: &'static [&'static str]) -> Message<'static> {
    Message {
        from: "alice@example.com",
        to,
        parameters: "",
        text: "From: alice@example.com\nTo: bob@neighbour.test\nSubject: one\nX-Number: 7\n\n.a dot first\nbody\n",
    }
}

/// A certificate for the relay, and the lines that name it.
fn certified(folder: &Folder) -> (certificate::Certificate, String) {
    let issued = certificate::issue(folder.path(), &certificate::Options::default()).unwrap();
    let lines =
        format!("[tls]\ncertificate = \"{}\"\nkey = \"{}\"\n", issued.chain.display(), issued.key.display());
    (issued, lines)
}

/// A relay between its client and a sink, with TLS offered.
fn between(name: &str, folder: &Folder, sink: &Sink) -> House {
    let (_, tls) = certified(folder);
    let mut house = House::new(name, &House::to(sink.address(), &tls));
    house.start();
    house
}

/// The message came, by TLS from its client to the relay.
fn came(house: &House, sink: &Sink) {
    house.until("the message does not come", || sink.numbers().contains_key(&7));
    house.until("the client did not use TLS", || house.events().contains("ESMTPS"));
}

/// A relay that demands TLS of its next hop, whose certificate one of these roots issued.
fn demanding(name: &str, hop: SocketAddr, ca: &Path) -> House {
    let lines = format!(
        "[tls]\nroots = \"{}\"\n[policy]\n[[policy.rule]]\ndomain = \"*\"\ntls = \"verify\"\nnames = [\"{HOST}\"]\n",
        ca.display()
    );
    let mut house = House::new(name, &House::to(hop, &lines));
    house.start();
    house
}

/// The queue becomes empty since the message was delivered, within authenticated TLS.
fn delivered(house: &House) {
    house.until("it is not delivered", || {
        house.queue(&["--all"]).iter().any(|m| m["recipients"][0]["state"] == "delivered")
    });
    let recipient = &house.queue(&["--all"])[0]["recipients"][0];
    let channel = recipient["channel"].as_str().unwrap();
    assert!(channel.contains("TLS"), "{recipient}");
}

#[test]
fn postfix_sends_through_it_within_tls() {
    let folder = Folder::new("n1").unwrap();
    let sink = Sink::start(any(), None).unwrap();
    let mut house = between("from-postfix", &folder, &sink);
    let options = postfix::Options {
        settings: vec![
            "default_transport = smtp".into(),
            format!("relayhost = [127.0.0.1]:{}", house.address().port()),
            "smtp_tls_security_level = encrypt".into(),
        ],
        ..postfix::Options::default()
    };
    let Some(postfix) = have("Postfix", Postfix::start(&options)) else { return };
    submit(postfix.address(), &[message(&["bob@neighbour.test"])]).unwrap();
    came(&house, &sink);
    house.stop();
}

#[test]
fn postfix_takes_its_mail_within_verified_tls() {
    let Some(postfix) = have("Postfix", Postfix::start(&postfix::Options::default())) else { return };
    let mut house = demanding("to-postfix", postfix.address(), &postfix.certificate().ca);
    submit(house.address(), &[message(&["bob@neighbour.test", "carol@neighbour.test"])]).unwrap();
    delivered(&house);
    let log = postfix.log();
    assert!(log.contains("to=<carol@neighbour.test>"), "{log}");
    house.stop();
}

#[test]
fn exim_takes_its_mail_within_verified_tls_and_sends_through_it() {
    let Some(exim) = have("Exim", Exim::start(&exim::Options::default())) else { return };
    let mut house = demanding("to-exim", exim.address(), &exim.certificate().ca);
    submit(house.address(), &[message(&["bob@neighbour.test"])]).unwrap();
    delivered(&house);
    assert!(exim.log().contains("bob@neighbour.test"), "{}", exim.log());
    house.stop();

    let folder = Folder::new("n2").unwrap();
    let sink = Sink::start(any(), None).unwrap();
    let mut house = between("from-exim", &folder, &sink);
    let routers = format!(
        "smart:\n  driver = manualroute\n  route_list = * 127.0.0.1::{}\n  self = send\n  transport = remote\n",
        house.address().port()
    );
    let options = exim::Options {
        routers: vec![routers],
        transports: vec![
            "remote:\n  driver = smtp\n  hosts_require_tls = *\n  tls_verify_certificates =\n".into(),
        ],
        ..exim::Options::default()
    };
    let Some(exim) = have("Exim", Exim::start(&options)) else { return };
    submit(exim.address(), &[message(&["bob@neighbour.test"])]).unwrap();
    came(&house, &sink);
    house.stop();
}

#[test]
fn opensmtpd_takes_its_mail_in_clear() {
    let Some(smtpd) = have("OpenSMTPD", OpenSmtpd::start(&opensmtpd::Options::default())) else { return };
    let mut house =
        House::new("to-opensmtpd", &House::to(smtpd.address(), "[policy]\nclear_after_failure = true\n"));
    house.start();
    submit(house.address(), &[message(&["bob@example.com"])]).unwrap();
    house.until("it is not delivered", || {
        house.queue(&["--all"]).iter().any(|m| m["recipients"][0]["state"] == "delivered")
    });
    assert_eq!(house.queue(&["--all"])[0]["recipients"][0]["channel"], "clear");
    house.until("OpenSMTPD has not seen it", || smtpd.log().contains("bob@example.com"));
    house.stop();
}

#[test]
fn opensmtpd_sends_through_it_in_clear() {
    let sink = Sink::start(any(), None).unwrap();
    let mut house = House::new("from-opensmtpd", &House::to(sink.address(), ""));
    house.start();
    let listener = free();
    let options = opensmtpd::Options {
        lines: Some(vec![
            format!("listen on {} port {} hostname client.example", listener.ip(), listener.port()),
            format!("action \"smart\" relay host \"smtp+notls://127.0.0.1:{}\"", house.address().port()),
            "match from any for domain \"neighbour.test\" action \"smart\"".into(),
        ]),
        ..opensmtpd::Options::default()
    };
    let Some(smtpd) = have("OpenSMTPD", OpenSmtpd::start_at(listener, &options)) else { return };
    submit(smtpd.address(), &[message(&["bob@neighbour.test"])]).unwrap();
    house.until("the message does not come", || sink.numbers().contains_key(&7));
    house.stop();
}

#[test]
fn smtp_source_and_smtp_sink_work_with_it() {
    let Some(programs) = have("smtp-source", postfix::programs()) else { return };
    let sink_address = free();
    let mut sink = Command::new(programs.path("usr/sbin/smtp-sink"))
        .args(["-u", "nobody", "-c", &format!("127.0.0.1:{}", sink_address.port()), "100"])
        .env("LD_LIBRARY_PATH", programs.library_path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut house = House::new("source-sink", &House::to(sink_address, ""));
    house.start();
    let sent = Command::new(programs.path("usr/sbin/smtp-source"))
        .args(["-s", "10", "-m", "500", "-l", "4096", "-r", "2", "-N"])
        .args(["-f", "a@example.com", "-t", "b@example.com"])
        .arg(format!("127.0.0.1:{}", house.address().port()))
        .env("LD_LIBRARY_PATH", programs.library_path())
        .output()
        .unwrap();
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    house.until("the queue is not empty", || house.queue(&[]).is_empty());
    let all = house.queue(&["--all"]);
    assert_eq!(all.len(), 500);
    assert!(
        all.iter().all(|m| m["recipients"].as_array().unwrap().iter().all(|r| r["state"] == "delivered"))
    );
    house.stop();
    sink.kill().unwrap();
    sink.wait().unwrap();
}

fn swaks(words: &[&str]) -> Option<Output> {
    match Command::new("swaks").args(["--suppress-data", "--timeout", "20"]).args(words).output() {
        Ok(output) => Some(output),
        Err(_) => {
            eprintln!("SKIPPED: the relay and swaks: the program is not there");
            None
        }
    }
}

/// A line for the file of passwords, by the command that makes them.
fn password_line(user: &str, password: &str) -> Vec<u8> {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["relay", "password", user, "--stdin"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), format!("{password}\n").as_bytes()).unwrap();
    let made = child.wait_with_output().unwrap();
    assert!(made.status.success());
    made.stdout
}

#[test]
fn swaks_logs_in_on_submission_ports() {
    let folder = Folder::new("n3").unwrap();
    let (_, tls) = certified(&folder);
    let sink = Sink::start(any(), None).unwrap();
    let (submission, submissions) = (free(), free());
    let passwords = folder.path().join("passwords");
    fs::write(&passwords, password_line("app1", "correct horse")).unwrap();
    let lines = format!(
        "{tls}[[listen]]\naddress = \"{submission}\"\nkind = \"submission\"\n\
         [[listen]]\naddress = \"{submissions}\"\nkind = \"submissions\"\n\
         [access]\nnetworks = []\npasswords = \"{}\"\n",
        passwords.display()
    );
    let mut house = House::new("swaks", &House::to(sink.address(), &lines));
    house.start();
    let mut expected = 0;
    for (port, mechanism, transport) in [
        (submission.port(), "PLAIN", "--tls"),
        (submission.port(), "LOGIN", "--tls"),
        (submissions.port(), "PLAIN", "--tls-on-connect"),
    ] {
        let port = port.to_string();
        let words = |password| {
            vec![
                "--server",
                "127.0.0.1",
                "--port",
                &port,
                transport,
                "--auth",
                mechanism,
                "--auth-user",
                "app1",
                "--auth-password",
                password,
                "--from",
                "app@example.com",
                "--to",
                "bob@neighbour.test",
            ]
        };
        let Some(right) = swaks(&words("correct horse")) else { return };
        assert!(right.status.success(), "{mechanism}: {}", String::from_utf8_lossy(&right.stdout));
        expected += 1;
        let wrong = swaks(&words("wrong horse")).unwrap();
        let text = String::from_utf8_lossy(&wrong.stdout).into_owned();
        assert!(!wrong.status.success() && text.contains("535 5.7.8"), "{mechanism}: {text}");
    }
    let port = submission.port().to_string();
    let none =
        swaks(&["--server", "127.0.0.1", "--port", &port, "--tls", "--from", "a@b.test", "--to", "c@d.test"]);
    assert!(!none.unwrap().status.success(), "mail was taken without logging in");
    house.until("the messages do not come", || sink.counts().0 == expected);
    house.stop();
}
