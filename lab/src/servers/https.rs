//! The host of an MTA-STS policy (RFC 8461 section 3.3): as much of HTTP/1.1 as that takes.

use std::io::Result;

use tokio::net::TcpStream;

use super::{Site, lines::Lines, tls::Engine};

/// Header lines read.
const MAX_HEADERS: usize = 100;

/// What the policy host answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// The policy file.
    pub(crate) text: String,
}

/// Serves one request.
pub(crate) async fn serve(tcp: TcpStream, policy: &Policy, engine: &Engine, site: &Site) -> Result<()> {
    let Some(secured) = engine.accept(tcp, site).await? else { return Ok(()) };
    let mut lines = Lines::new(secured);
    let Some(request) = lines.next().await? else { return Ok(()) };
    for _ in 0..MAX_HEADERS {
        match lines.next().await? {
            Some(line) if !line.is_empty() => {}
            _ => break,
        }
    }
    site.note(request.clone());
    let mut words = request.split(' ');
    let (status, body) = match (words.next(), words.next()) {
        (Some("GET"), Some("/.well-known/mta-sts.txt")) => ("200 OK", policy.text.as_str()),
        (Some("GET"), _) => ("404 Not Found", "There is only /.well-known/mta-sts.txt here.\n"),
        _ => ("405 Method Not Allowed", "Only GET.\n"),
    };
    let reply = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    lines.send(reply.as_bytes()).await?;
    lines.close().await;
    Ok(())
}
