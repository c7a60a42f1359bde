//! `waxseal logs`: files, exit codes, what is written, and the log of a real Postfix.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

use std::{
    fs,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use waxseal_model::LogSummary;
use waxseal_peers::{
    PeerError, Postfix, certificate, postfix,
    scripted::{Script, Scripted},
    submit::{Message, submit},
};

fn waxseal(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .arg("logs")
        .args(arguments)
        .env_remove("WAXSEAL_WIDTH")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that has seen enough may be gone.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// Exit code, standard output, standard error.
fn run(arguments: &[&str], input: &str) -> (i32, String, String) {
    let output = waxseal(arguments, input);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

fn scratch(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("logs").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Messages to a domain, all at that hour of 2025-11-21, over TLS or in clear.
fn sent(domain: &str, n: usize, tls: Option<&str>, hour: u32) -> String {
    let mut log = String::new();
    for pid in 0..n {
        let head = format!("2025-11-21T{hour:02}:00:00Z mx postfix/smtp[{pid}]:");
        let relay = format!("mx.{domain}[192.0.2.1]:25");
        if let Some(trust) = tls {
            log.push_str(&format!(
                "{head} {trust} TLS connection established to {relay}: TLSv1.3 with cipher x\n"
            ));
        }
        log.push_str(&format!(
            "{head} {hour}ABCDE{pid}: to=<a@{domain}>, relay={relay}, delay=1, delays=0/0/0/0, dsn=2.0.0, status=sent \
             (250 ok)\n"
        ));
    }
    log
}

#[test]
fn exit_codes_say_whether_mail_was_protected() {
    let encrypted = sent("tls.example", 20, Some("Untrusted"), 1);
    assert_eq!(run(&["-"], &encrypted).0, 0);
    let clear = [encrypted.clone(), sent("clear.example", 2, None, 2)].concat();
    let (code, out, _) = run(&["-"], &clear);
    assert_eq!(code, 1);
    assert!(out.starts_with("9 % of the mail went out in clear: 2 of 22 messages, to 1 domain."), "{out}");
    let (code, out, _) = run(&["-"], &sent("silent.example", 5, None, 1));
    assert_eq!(code, 3);
    assert!(out.contains("smtp_tls_loglevel=1"), "{out}");
    let (code, out, err) =
        run(&["-"], "From: a@b.example\nTo: c@d.example\nSubject: Undelivered\n\nSorry.\n");
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(
        err.starts_with("waxseal: - is no mail log that is known") && err.contains("waxseal explain"),
        "{err}"
    );
    let (code, _, err) = run(&["no-such-file.log"], "");
    assert_eq!(code, 2);
    assert!(err.starts_with("waxseal: no-such-file.log cannot be read"), "{err}");
    assert_eq!(run(&[env!("CARGO_TARGET_TMPDIR")], "").0, 2);
    assert_eq!(run(&["-", "--since", "yesterday"], &encrypted).0, 2);
}

#[test]
fn files_of_a_rotation_are_read_in_their_order_packed_or_not() {
    let folder = scratch("rotated");
    let deferred = "2025-11-21T01:00:00Z mx postfix/smtp[1]: AAAAAA: to=<a@b.example>, relay=none, delay=1, \
                    delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.1]:25: Connection timed out)\n";
    let removed = "2025-11-22T01:00:00Z mx postfix/qmgr[2]: AAAAAA: removed\n";
    let (old, new) = (folder.join("mail.log.1"), folder.join("mail.log"));
    fs::write(&old, deferred).unwrap();
    fs::write(&new, removed).unwrap();
    let packed = Command::new("gzip").arg("--keep").arg(&old).status().is_ok_and(|status| status.success());
    let names =
        if packed { vec![new.clone(), folder.join("mail.log.1.gz")] } else { vec![new.clone(), old.clone()] };
    let names: Vec<&str> = names.iter().map(|path| path.to_str().unwrap()).collect();
    let found = json(&names, &[]);
    assert_eq!((found.deferred, found.waiting.recipients), (1, 0), "{found:#?}");
    let alone = json(&[old.to_str().unwrap()], &[]);
    assert_eq!((alone.waiting.recipients, alone.waiting.domains[0].domain.as_str()), (1, "b.example"));
}

#[test]
fn all_is_well_only_where_all_was_read_and_mail_was_delivered() {
    let folder = scratch("well");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let encrypted = sent("tls.example", 20, Some("Untrusted"), 1);
    let refused = "2025-11-21T01:00:00Z mx postfix/smtp[1]: AAAAAA: to=<a@b.example>, relay=none, delay=1, \
                   delays=0/0/1/0, dsn=4.4.1, status=deferred (connect to b.example[192.0.2.1]:25: Connection timed out)\n";
    assert_eq!(run(&["-"], refused).0, 3, "nothing was delivered");
    let (good, other, damaged, empty) = (path("good"), path("other"), path("damaged.gz"), path("empty"));
    fs::write(&good, &encrypted).unwrap();
    fs::write(&other, b"\xfd7zXZ\0\n\n").unwrap();
    fs::write(&damaged, b"\x1f\x8b\x08\0\0\0\0\0\0\x03cut").unwrap();
    fs::write(&empty, "").unwrap();
    assert_eq!(run(&[&good, &empty], "").0, 0);
    for bad in [&other, &damaged] {
        let (code, out, err) = run(&[good.as_str(), bad], "");
        assert_eq!(code, 3, "{bad}: {out}{err}");
        assert!(out.starts_with("All mail"), "{out}");
    }
}

#[test]
fn a_pipe_is_read_from_its_beginning() {
    let folder = scratch("pipe");
    let pipe = folder.join("mail.log");
    if !Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success()) {
        return eprintln!("SKIPPED: no mkfifo");
    }
    // More than is looked at before, and more than a pipe holds.
    let log = sent("tls.example", 2000, Some("Untrusted"), 1);
    assert!(log.len() > 300_000);
    let (writes, text) = (pipe.clone(), log.clone());
    let writer = thread::spawn(move || fs::write(writes, text));
    let found = json(&[pipe.to_str().unwrap()], &[]);
    writer.join().unwrap().unwrap();
    assert_eq!((found.delivered.encrypted, found.files[0].bytes), (2000, log.len() as u64));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let folder = scratch("refused");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let log = sent("tls.example", 2, Some("Untrusted"), 1);
    for two in [&["--json", "--plot", "-"][..], &["--domains", "-", "--policy-maps", "-"]] {
        let (code, out, err) = run(&[&["-"], two].concat(), &log);
        assert_eq!((code, out.as_str()), (2, ""), "{two:?}");
        assert!(err.contains("only one of --json"), "{err}");
    }
    let (code, out, _) = run(&["-", "--plot", "-"], &log);
    assert_eq!(code, 0);
    assert!(out.contains("<svg") && !out.contains("All mail"), "{out}");
    let earlier = path("report.json");
    fs::write(&earlier, r#"{"schema_version":1,"target":"b.example","findings":[]}"#).unwrap();
    let (code, out, err) = run(&["-", "--baseline", &earlier], &log);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("is JSON, but not of: waxseal logs --json"), "{err}");
}

fn json(files: &[&str], more: &[&str]) -> LogSummary {
    let output = waxseal(&[files, more, &["--json"]].concat(), "");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn what_is_written_can_be_used() {
    let folder = scratch("written");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let before =
        [sent("tls.example", 12, Some("Untrusted"), 1), sent("other.example", 3, Some("Verified"), 1)]
            .concat();
    let after = [before.clone(), sent("other.example", 1, None, 5)].concat();
    let (log, earlier) = (path("mail.log"), path("earlier.json"));
    fs::write(&log, &before).unwrap();
    fs::write(&earlier, run(&[&log, "--json"], "").1).unwrap();
    fs::write(&log, &after).unwrap();
    let (table, list, picture) = (path("tls_policy"), path("domains"), path("tls.svg"));
    let files = ["--policy-maps", &table, "--domains", &list, "--plot", &picture];
    let (code, out, err) = run(&[&[log.as_str(), "--baseline", &earlier][..], &files].concat(), "");
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.contains("in clear now: 1 of 4, before 0 of 3"), "{out}");
    assert_eq!(fs::read_to_string(&list).unwrap(), "other.example\ntls.example\n");
    let table = fs::read_to_string(&table).unwrap();
    let entries: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(entries.len(), 1, "{table}");
    assert_eq!(entries[0].split_whitespace().collect::<Vec<_>>(), ["tls.example", "encrypt"]);
    assert!(fs::read_to_string(&picture).unwrap().contains("<title id=\"title\">How mail was protected"));
    let (_, printed, _) = run(&[&log, "--domains", "-"], "");
    assert_eq!(printed, "other.example\ntls.example\n");
    let only = json(&[&log], &["--to", "other.example", "--since", "2025-11-21 03:00"]);
    assert_eq!((only.delivered.clear, only.delivered.total()), (1, 1));
    assert_eq!(run(&[&log, "--baseline", &log], "").0, 2);
}

/// An address of this process's own on loopback: mail to port 25 is mail to another server.
fn own(last: u8) -> SocketAddr {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, high.max(1), low, last), 25))
}

/// A receiver, a server without TLS, and a sender that knows where they are.
fn servers() -> Result<(Postfix, Scripted, Postfix), PeerError> {
    let refuses = "smtpd_recipient_restrictions = \
                   check_recipient_access inline:{{nobody@tls.example=550 5.1.1 No such user}}, permit_mynetworks";
    let receiver = Postfix::start(&postfix::Options {
        address: Some(own(1)),
        settings: vec![refuses.into()],
        ..Default::default()
    })?;
    let plain = Scripted::start(own(2), Script::default())?;
    let next = |address: SocketAddr| format!("[{}]", address.ip());
    let maps = format!(
        "transport_maps = inline:{{{{tls.example=smtp:{}}}, {{clear.example=smtp:{}}}, {{away.example=smtp:{}}}}}",
        next(receiver.address()),
        next(plain.address()),
        next(own(3)),
    );
    let settings = vec![maps, "smtp_tls_security_level = may".into(), "smtp_tls_loglevel = 1".into()];
    let services = vec!["smtp unix - - n - - smtp".into()];
    // A server that greets with the sender's own name would be itself.
    let certificate = certificate::Options { host: "sender.example.com".into(), ..Default::default() };
    let sender = Postfix::start(&postfix::Options { certificate, settings, services, ..Default::default() })?;
    Ok((receiver, plain, sender))
}

#[test]
fn the_log_of_a_real_postfix_tells_who_got_mail_in_clear() {
    let (_receiver, _plain, sender) = match servers() {
        Ok(servers) => servers,
        Err(PeerError::Unavailable(why)) => return eprintln!("SKIPPED: {why}"),
        Err(error) => panic!("{error}"),
    };
    let message = |to| Message { from: "a@own.example", to, parameters: "", text: "Subject: x\n\nHello.\n" };
    let first = [message(&["b@tls.example"])];
    submit(sender.address(), &first).unwrap_or_else(|e| panic!("{e}:\n{}", sender.log()));
    wait_for(&sender, "status=sent", 1);
    // That this Postfix logs TLS counts for sessions that began a second later.
    thread::sleep(Duration::from_millis(2_500));
    let rest =
        [message(&["b@clear.example"]), message(&["nobody@tls.example"]), message(&["b@away.example"])];
    submit(sender.address(), &rest).unwrap();
    wait_for(&sender, "status=sent", 2);
    wait_for(&sender, "status=bounced", 1);
    wait_for(&sender, "status=deferred", 1);
    let log = sender.log_file();
    let found = json(&[log.to_str().unwrap()], &[]);
    let why = sender.log();
    assert_eq!((found.delivered.encrypted, found.delivered.clear), (1, 1), "{found:#?}\n{why}");
    assert_eq!((found.failed, found.deferred, found.waiting.recipients), (1, 1, 1), "{found:#?}\n{why}");
    let clear = found.domains.iter().find(|d| d.delivered.clear > 0).unwrap();
    assert_eq!(clear.domain, "clear.example");
    let causes: Vec<&str> = found.causes.iter().map(|c| c.cause.as_str()).collect();
    assert!(causes.contains(&"user_unknown") && causes.contains(&"connection_refused"), "{causes:?}\n{why}");
    assert!(found.files[0].recognised * 10 >= found.files[0].lines * 9, "{:?}\n{why}", found.files);
    assert_eq!(run(&[log.to_str().unwrap()], "").0, 1);
}

fn wait_for(postfix: &Postfix, words: &str, times: usize) {
    let began = Instant::now();
    while postfix.log().matches(words).count() < times {
        assert!(began.elapsed() < Duration::from_secs(60), "no {words}:\n{}", postfix.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(Path::new(&postfix.log_file()).exists());
}
