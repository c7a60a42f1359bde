//! What becomes of the messages at the relay.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    LEVELS, Stage, label, send,
    table::{End, Place},
    until,
};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Sends everything through the relay, and gives the ends with the replies.
pub(crate) fn ends(stage: &Stage) -> BTreeMap<Place, (End, String)> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let folder = stage.folder.path();
    let rules: String = LEVELS
        .iter()
        .map(|(level, rule, aside)| {
            format!(
                "[[policy.rule]]\ndomain = \"*.lab.test\"\nsender = \"{level}@sender.example\"\ntls = \"{rule}\"\n\
                 override_published = {aside}\n"
            )
        })
        .collect();
    let config = folder.join("relay.toml");
    let text = format!(
        "[server]\nhostname = \"sender.example\"\nspool = \"{}\"\n[[listen]]\naddress = \"{address}\"\n\
         [dns]\nservers = [\"{}\"]\ntrust_anchor = \"{}\"\n[tls]\nroots = \"{}\"\n\
         [policy]\ndefault = \"opportunistic\"\n{rules}\
         [delivery]\nretry = [\"6h\"]\nconnect_timeout = \"10s\"\ncommand_timeout = \"10s\"\nfinal_timeout = \"20s\"\n",
        folder.join("queue").display(),
        stage.lab.dns(),
        stage.anchor.display(),
        stage.roots.display(),
    );
    fs::write(&config, text).unwrap();
    let output = fs::File::create(folder.join("output")).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["relay", "run", "--file"])
        .arg(&config)
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn()
        .unwrap();
    let running = Running(child);
    let began = Instant::now();
    while TcpStream::connect(address).is_err() {
        let said = || fs::read_to_string(folder.join("output")).unwrap_or_default();
        assert!(began.elapsed() < Duration::from_secs(30), "the relay does not listen: {}", said());
        thread::sleep(Duration::from_millis(50));
    }
    send(stage, address);
    let view = || {
        let listed = Command::new(env!("CARGO_BIN_EXE_waxseal"))
            .args(["relay", "queue", "list", "--all", "--json", "--limit", "100000", "--file"])
            .arg(&config)
            .output()
            .unwrap();
        let messages: Vec<serde_json::Value> = serde_json::from_slice(&listed.stdout).unwrap();
        messages.iter().filter_map(end).collect()
    };
    let ends = until("the relay", stage, view);
    drop(running);
    ends
}

/// The end of a message, if it has one.
fn end(message: &serde_json::Value) -> Option<(Place, (End, String))> {
    let sender = message["sender"].as_str()?;
    let (level, ..) = LEVELS.iter().find(|(level, ..)| sender.split('@').next() == Some(level))?;
    let recipient = message["recipients"].get(0)?;
    let (_, domain) = recipient["address"].as_str()?.split_once('@')?;
    let end = match recipient["state"].as_str()? {
        "delivered" => End::Delivered,
        "failed" => End::Returned,
        _ if recipient["last_at"].is_null() => return None,
        _ => End::Kept,
    };
    let reply = recipient["reply"].as_str().unwrap_or_default().to_owned();
    Some(((label(domain), level), (end, reply)))
}
