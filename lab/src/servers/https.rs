//! The host of an MTA-STS policy (RFC 8461 section 3.3): as much of HTTP/1.1 as that takes,
//! and what else such hosts answer.
//!
//! A new behaviour is a variant of [`Reply`] and its arm in [`reply`]; a new content of the
//! file needs nothing here, it is [`Policy::text`].

use std::{
    io::{Error, ErrorKind, Result},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{
    Site,
    lines::{Lines, Stream},
    tls::{Engine, Tls},
};

/// Header lines read.
const MAX_HEADERS: usize = 100;
/// How long an answer without end goes on at most.
const LONGEST: Duration = Duration::from_secs(120);
/// Bytes of it sent at most.
const MOST: usize = 256 << 20;
/// A line that a policy may have and that means nothing (RFC 8461 section 3.2).
const FILLER: &str = "filler: there is always one more line\r\n";
/// The path of the policy (RFC 8461 section 3.2).
const POLICY: &str = "/.well-known/mta-sts.txt";
/// Where a redirect leads: the policy is there too.
const MOVED: &str = "/moved/mta-sts.txt";

/// What the policy host answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policy {
    /// The policy file.
    pub(crate) text: String,
    /// The file from the second connection on, where it is another one.
    pub(crate) later: Option<String>,
    pub(crate) reply: Reply,
    pub(crate) tls: Tls,
}

/// How the file is sent. Wherever there is room for it, the file itself is a fine one, so
/// that only the way of sending decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Reply {
    /// `200`, `text/plain; charset=utf-8`, Content-Length.
    #[default]
    Sound,
    /// This status instead of `200 OK`.
    Status(&'static str),
    /// `301` to another path of the host, where the file is.
    Redirect,
    /// This Content-Type.
    Type(&'static str),
    /// No Content-Type.
    Untyped,
    /// Chunked (RFC 9112 section 7.1), which is as good as a length.
    Chunked,
    /// Compressed although the client did not ask for it.
    Gzip,
    /// The end comes before the announced length.
    Truncated,
    /// More than 64 KiB.
    Oversize,
    /// Chunks for ever.
    Endless,
    /// Header lines for ever.
    EndlessHead,
    /// A byte a second.
    Drip,
    /// Nothing, after the handshake.
    Silent,
    /// The file without status and headers, as HTTP/0.9 had it.
    Bare,
    /// Bytes that are no HTTP.
    Garbage,
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
    let text = match &policy.later {
        Some(later) if site.number > 1 => later,
        _ => &policy.text,
    };
    let mut words = request.split(' ');
    match (words.next(), words.next()) {
        (Some("GET"), Some(POLICY)) => reply(&mut lines, policy.reply, text, site).await?,
        (Some("GET"), Some(MOVED)) if policy.reply == Reply::Redirect => {
            lines.send(&whole("200 OK", PLAIN, text)).await?;
        }
        (Some("GET"), _) => {
            lines.send(&whole("404 Not Found", PLAIN, "There is only the policy here.\n")).await?;
        }
        _ => lines.send(&whole("405 Method Not Allowed", PLAIN, "Only GET.\n")).await?,
    }
    lines.close().await;
    Ok(())
}

/// The header of the usual media type.
const PLAIN: &str = "Content-Type: text/plain; charset=utf-8\r\n";
const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// An answer up to its body.
fn head(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n")
}

fn whole(status: &str, headers: &str, body: &str) -> Vec<u8> {
    sized(status, headers, body.as_bytes(), body.len())
}

/// An answer whose length is announced, rightly or not.
fn sized(status: &str, headers: &str, body: &[u8], length: usize) -> Vec<u8> {
    let head = head(status, &format!("{headers}Content-Length: {length}\r\n"));
    [head.as_bytes(), body].concat()
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

/// Answers a request for the policy.
async fn reply<S: Stream>(lines: &mut Lines<S>, reply: Reply, text: &str, site: &Site) -> Result<()> {
    let bytes = match reply {
        Reply::Sound => whole("200 OK", PLAIN, text),
        Reply::Status(status) => whole(status, PLAIN, text),
        Reply::Redirect => {
            let headers = format!("{PLAIN}Location: https://{}{MOVED}\r\n", site.host);
            whole("301 Moved Permanently", &headers, text)
        }
        Reply::Type(media) => whole("200 OK", &format!("Content-Type: {media}\r\n"), text),
        Reply::Untyped => whole("200 OK", "", text),
        Reply::Chunked => {
            let middle = text.find('\n').map_or(0, |n| n + 1);
            let (first, rest) = text.split_at(middle);
            let head = head("200 OK", &format!("{PLAIN}{CHUNKED}"));
            format!("{head}{}{}0\r\n\r\n", chunk(first), chunk(rest)).into_bytes()
        }
        Reply::Gzip => {
            let body = gzip(text.as_bytes())?;
            sized("200 OK", &format!("{PLAIN}Content-Encoding: gzip\r\n"), &body, body.len())
        }
        Reply::Truncated => sized("200 OK", PLAIN, text.as_bytes(), text.len() + 100),
        Reply::Oversize => {
            whole("200 OK", PLAIN, &format!("{text}{}", FILLER.repeat((64 << 10) / FILLER.len() + 1)))
        }
        Reply::Endless => {
            let head = head("200 OK", &format!("{PLAIN}{CHUNKED}"));
            lines.send(format!("{head}{}", chunk(text)).as_bytes()).await?;
            return flood(lines, &chunk(&FILLER.repeat(64))).await;
        }
        Reply::EndlessHead => {
            lines.send(format!("HTTP/1.1 200 OK\r\n{PLAIN}").as_bytes()).await?;
            return flood(lines, &"X-Filler: there is always one more\r\n".repeat(64)).await;
        }
        Reply::Drip => {
            for byte in whole("200 OK", PLAIN, text) {
                lines.send(&[byte]).await?;
                sleep(Duration::from_secs(1)).await;
            }
            return Ok(());
        }
        Reply::Silent => {
            // Until the client has had enough; what it still says is not of interest.
            while lines.next().await?.is_some() {}
            return Ok(());
        }
        Reply::Bare => text.as_bytes().to_vec(),
        Reply::Garbage => b"\x00\x01\x02\xff\xfe this is no HTTP\r\n\r\n".to_vec(),
    };
    lines.send(&bytes).await
}

/// Sends a piece again and again, as fast as the client reads.
async fn flood<S: Stream>(lines: &mut Lines<S>, piece: &str) -> Result<()> {
    let work = async {
        let mut sent = 0usize;
        while sent < MOST {
            lines.send(piece.as_bytes()).await?;
            sent = sent.saturating_add(piece.len());
        }
        Ok(())
    };
    timeout(LONGEST, work).await.unwrap_or(Ok(()))
}

/// A gzip file (RFC 1952) of one stored block (RFC 1951 section 3.2.4).
fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let length = u16::try_from(bytes.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend_from_slice(bytes);
    file.extend(crc32(bytes).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    Ok(file)
}

/// CRC-32 (RFC 1952 section 8), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_crc_32_comes_out() {
        // The value that catalogues of CRCs give for these nine digits.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_stored_block_frames_its_bytes() {
        let file = gzip(b"abc").unwrap();
        assert_eq!(file[10..15], [1, 3, 0, 0xfc, 0xff]);
        assert_eq!(&file[15..18], b"abc");
        assert_eq!(file.len(), 10 + 5 + 3 + 8);
        gzip(&[0; 70_000]).unwrap_err();
    }

    #[test]
    fn oversize_is_over_the_limit_and_chunks_add_up() {
        assert_eq!(chunk("abc"), "3\r\nabc\r\n");
        assert!(FILLER.len() * ((64 << 10) / FILLER.len() + 1) > 64 << 10);
        let cut = String::from_utf8(sized("200 OK", PLAIN, b"abc", 103)).unwrap();
        assert!(cut.ends_with("Content-Length: 103\r\nConnection: close\r\n\r\nabc"), "{cut}");
    }
}
