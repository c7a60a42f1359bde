//! Hands a message to a server, as the simplest of clients.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use crate::PeerError;

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A message and whom it is for.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Envelope sender.
    pub from: &'a str,
    /// Envelope recipients.
    pub to: &'a [&'a str],
    /// Parameters of `MAIL FROM`, `SMTPUTF8`.
    pub parameters: &'a str,
    /// Header and body; lines end in `\n`, none is a lone dot.
    pub text: &'a str,
}

/// Hands all messages over on one connection in clear, and demands that each is taken.
///
/// # Errors
/// When the server takes one not, with its reply.
pub fn submit(server: SocketAddr, messages: &[Message<'_>]) -> Result<(), PeerError> {
    let failed = |e: std::io::Error| PeerError::Failed(format!("handing a message to {server}: {e}"));
    let stream = TcpStream::connect_timeout(&server, PATIENCE).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    let mut client = Client { out: stream.try_clone().map_err(failed)?, lines: BufReader::new(stream) };
    client.expect(None, "220")?;
    client.expect(Some("EHLO client.example.com"), "250")?;
    for message in messages {
        let from = format!("MAIL FROM:<{}> {}", message.from, message.parameters);
        client.expect(Some(from.trim_end()), "250")?;
        for to in message.to {
            client.expect(Some(&format!("RCPT TO:<{to}>")), "250")?;
        }
        client.expect(Some("DATA"), "354")?;
        let text = message.text.replace('\n', "\r\n");
        client.expect(Some(&format!("{}\r\n.", text.trim_end())), "250")?;
    }
    client.expect(Some("QUIT"), "221")
}

/// One connection.
struct Client {
    out: TcpStream,
    lines: BufReader<TcpStream>,
}

impl Client {
    /// Sends a command, if any, and reads the reply, whose code must be this.
    fn expect(&mut self, command: Option<&str>, code: &str) -> Result<(), PeerError> {
        let asked: String = command.unwrap_or_default().chars().take(200).collect();
        let failed = |why: &str| PeerError::Failed(format!("{asked:?}: {why}"));
        if let Some(command) = command {
            self.out.write_all(format!("{command}\r\n").as_bytes()).map_err(|e| failed(&e.to_string()))?;
        }
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).map_err(|e| failed(&e.to_string()))?;
            if !line.starts_with(code) {
                return Err(failed(line.trim_end()));
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}
