//! Whether servers can be reached, at which ports, and what they greet with.

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};
use waxseal_model::{confirmation::Ending::*, mail::Stage};
use waxseal_scan::confirm::{Given, Server};

use super::{confirmer, diagnosis, ends, given, lab, rather, to};

/// A port at which connections are left hanging: its queue is full, and nobody takes any out
/// of it. It lasts as long as what is returned.
async fn hanging(address: SocketAddr) -> (tokio::net::TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    let mut waiting = Vec::new();
    let patience = std::time::Duration::from_millis(300);
    while let Ok(Ok(stream)) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        waiting.push(stream);
        assert!(waiting.len() < 64, "this system has no limit of connections that wait");
    }
    (listener, waiting)
}

#[tokio::test]
async fn connections_are_tried_now_and_the_other_ports_with_them() {
    let lab = lab(["healthy", "closed-port", "dead-address", "submission"]).await;
    let confirmer = confirmer(&lab);
    let failed = diagnosis("connect_failed", "connect to mx: Connection timed out");
    let refused = diagnosis("connection_refused", "connect to mx: Connection refused");
    ends(&confirmer.confirm(&failed, &to("healthy")).await, Refuted, &["a connection stands now"]);
    let told = confirmer.confirm(&refused, &to("closed-port")).await;
    ends(&told, Confirmed, &["at mx.closed-port.lab.test[", "refused the connection"]);
    assert!(
        told.observations.iter().filter(|o| o.what.ends_with(":587") || o.what.ends_with(":465")).count()
            == 2
    );
    let told = confirmer.confirm(&refused, &to("dead-address")).await;
    ends(&told, Confirmed, &["refused the connection", "not so at"]);
    let other = Server { host: Some("mx.submission.lab.test".into()), address: None, port: Some(2525) };
    let told = confirmer.confirm(&refused, &Given { server: Some(other), ..given() }).await;
    ends(&told, Confirmed, &["the host is up: 25, 465 and 587 answer,"]);
    ends(&confirmer.confirm(&failed, &to("gone")).await, Untested, &["does not exist"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_port_that_is_blocked_here_is_told_from_a_server_that_is_down() {
    let lab = lab(["closed-port", "healthy"]).await;
    let confirmer = confirmer(&lab);
    let port = lab.port_map()[&25];
    let address = SocketAddr::new(lab.address("mx.closed-port.lab.test").unwrap(), port);
    let hanging = hanging(address).await;
    let blocked = diagnosis("port_blocked", "connect to mx: Connection timed out");
    let compared = |with: &str| Given { control: vec![format!("{with}.lab.test")], ..to("closed-port") };
    let told = confirmer.confirm(&blocked, &compared("closed-port")).await;
    ends(&told, Confirmed, &["this network blocks outgoing mail"]);
    let refused = diagnosis("connection_refused", "Connection refused");
    let told = confirmer.confirm(&refused, &compared("closed-port")).await;
    ends(&told, Untested, &["this network blocks outgoing mail", "if the sender is in this network"]);
    let failed = diagnosis("connect_failed", "Connection timed out");
    let told = confirmer.confirm(&failed, &compared("healthy")).await;
    ends(&told, Confirmed, &["did not answer"]);
    assert!(told.observations.iter().any(|o| o.said.contains("port 25 is open from here")), "{told:#?}");
    let told = confirmer.confirm(&failed, &compared("closed-port")).await;
    ends(&told, Untested, &["this network blocks outgoing mail"]);
    drop(hanging);
}

#[tokio::test]
async fn what_the_server_greets_with_is_heard() {
    let lab = lab([
        "healthy",
        "greeting-421",
        "greeting-554",
        "closed-port",
        "ehlo-drop",
        "imap",
        "silent",
        "submission",
        "tls-reset",
    ])
    .await;
    let confirmer = confirmer(&lab);
    let mut busy = diagnosis("remote_overloaded", "421 4.3.2 Service not available");
    busy.event.stage = Some(Stage::Greeting);
    ends(&confirmer.confirm(&busy, &to("greeting-421")).await, Confirmed, &["greets with \"421"]);
    ends(&confirmer.confirm(&busy, &to("healthy")).await, Refuted, &["greets and answers EHLO now"]);
    let mut later = diagnosis("remote_error", "451 4.3.0 Internal error");
    later.event.stage = Some(Stage::EndOfData);
    ends(
        &confirmer.confirm(&later, &to("healthy")).await,
        Untested,
        &["the refusal came at the end of the message"],
    );
    let lost = diagnosis("connection_lost", "lost connection while sending EHLO");
    ends(&confirmer.confirm(&lost, &to("ehlo-drop")).await, Confirmed, &["closed the connection at EHLO"]);
    rather(&confirmer.confirm(&lost, &to("closed-port")).await, "connection_refused", &[]);
    let expired = diagnosis("expired", "retry timeout exceeded");
    ends(&confirmer.confirm(&expired, &to("closed-port")).await, Confirmed, &["refused the connection"]);
    ends(&confirmer.confirm(&expired, &to("healthy")).await, Untested, &["earlier lines of the log"]);
    let anywhere = diagnosis("remote_disk_full", "452 4.3.1 Insufficient system storage");
    let told = confirmer.confirm(&anywhere, &to("healthy")).await;
    ends(&told, Untested, &["does not say at which step"]);
    let mut policy = diagnosis("policy_rejected", "554 5.7.1 No mail is taken here");
    policy.event.stage = Some(Stage::Greeting);
    ends(&confirmer.confirm(&policy, &to("greeting-554")).await, Confirmed, &["greets with \"554"]);
    ends(&confirmer.confirm(&policy, &to("healthy")).await, Untested, &["the refusal came at the greeting"]);
    let silence = diagnosis("connect_failed", "SMTP timeout after initial connection: Connection timed out");
    ends(&confirmer.confirm(&silence, &to("silent")).await, Confirmed, &["no complete reply at greeting"]);
    let mut waits = diagnosis("connection_lost", "timed out while receiving the initial server greeting");
    waits.event.stage = Some(Stage::Greeting);
    let wrapped = Server { host: Some("mx.submission.lab.test".into()), address: None, port: Some(465) };
    let told = confirmer.confirm(&waits, &Given { server: Some(wrapped), ..given() }).await;
    rather(&told, "wrong_encryption_type", &["port 465 begins with TLS at once"]);
    let mut broken = diagnosis("connection_lost", "lost connection while performing the TLS handshake");
    broken.event.stage = Some(Stage::Tls);
    ends(&confirmer.confirm(&broken, &to("tls-reset")).await, Confirmed, &["the handshake fails"]);
    ends(&confirmer.confirm(&broken, &to("healthy")).await, Refuted, &["a handshake comes about now"]);
    let many = diagnosis("too_many_connections", "421 4.7.0 too many connections");
    ends(&confirmer.confirm(&many, &to("healthy")).await, Untested, &["how many connections"]);
    let host = diagnosis("wrong_host", "unexpected greeting");
    ends(&confirmer.confirm(&host, &to("imap")).await, Confirmed, &["an IMAP server"]);
    let gone = Server { host: Some("smtp.gone.lab.test".into()), address: None, port: Some(587) };
    ends(
        &confirmer.confirm(&host, &Given { server: Some(gone), ..given() }).await,
        Confirmed,
        &["does not exist"],
    );
}
