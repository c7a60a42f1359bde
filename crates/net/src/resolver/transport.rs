//! One question to one server: UDP with EDNS, then TCP if the answer was cut
//! (RFC 1035 section 4.2, RFC 6891, RFC 7766).
//!
//! The servers are named by the user or the system, never by a domain under test, so
//! these connections do not pass through the egress rules.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use domain::base::iana::Rtype;
use domain::base::{Message, MessageBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout_at};

use super::message::DomainName;

/// The UDP payload that passes without fragmentation (DNS Flag Day 2020, RFC 9715).
const UDP_PAYLOAD: u16 = 1232;
/// Datagrams that do not answer our question, after which we stop listening: someone
/// is guessing.
const MAX_STRAYS: usize = 100;

/// Why no answer came from a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// Nothing within the time given.
    Timeout,
    /// Only datagrams that do not belong to the question.
    Strays,
    /// The system refused: no route, port closed.
    Io(io::ErrorKind, String),
}

impl TransportError {
    /// What to say of a server: "127.0.0.1:53 …".
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Timeout => "did not answer in time".to_owned(),
            Self::Strays => "sent only messages that do not answer the question".to_owned(),
            Self::Io(io::ErrorKind::ConnectionRefused, _) => {
                "refused: no DNS server listens there".to_owned()
            }
            Self::Io(_, text) => format!("could not be reached ({text})"),
        }
    }
}

impl TransportError {
    /// The same failure over TCP, after an answer that was too large for UDP.
    fn after_truncation(self) -> Self {
        match self {
            Self::Io(_, text) => Self::Io(
                io::ErrorKind::Other,
                format!("the answer was too large for UDP, and TCP failed: {text}"),
            ),
            other => other,
        }
    }
}

impl From<io::Error> for TransportError {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind(), error.to_string())
    }
}

/// Puts a question to a server and returns the whole message that answers it.
pub(crate) async fn exchange(
    server: SocketAddr,
    name: &DomainName,
    rtype: Rtype,
    wait: Duration,
) -> Result<Bytes, TransportError> {
    let deadline = Instant::now() + wait;
    let query = Query::new(name, rtype)?;
    let ask = async {
        let answer = over_udp(server, &query).await?;
        match answer {
            Some(answer) => Ok(answer),
            None => over_tcp(server, &query).await.map_err(TransportError::after_truncation),
        }
    };
    timeout_at(deadline, ask).await.unwrap_or(Err(TransportError::Timeout))
}

/// A question ready to be sent.
struct Query {
    octets: Vec<u8>,
}

impl Query {
    /// RD, CD and DO set: the server is to recurse, to leave validation to us and to
    /// send what it takes (RFC 4035 section 4.9).
    fn new(name: &DomainName, rtype: Rtype) -> Result<Self, TransportError> {
        let too_long = || TransportError::Io(io::ErrorKind::InvalidInput, "the question is too long".into());
        let mut message = MessageBuilder::new_vec();
        message.header_mut().set_id(random_id()?);
        message.header_mut().set_rd(true);
        message.header_mut().set_cd(true);
        let mut question = message.question();
        question.push((name, rtype)).map_err(|_| too_long())?;
        let mut additional = question.additional();
        additional
            .opt(|opt| {
                opt.set_udp_payload_size(UDP_PAYLOAD);
                opt.set_dnssec_ok(true);
                Ok(())
            })
            .map_err(|_| too_long())?;
        Ok(Self { octets: additional.finish() })
    }

    /// True if a message answers this question: same id, same question, a response.
    fn is_answered_by(&self, answer: &[u8]) -> bool {
        let (Ok(query), Ok(answer)) = (Message::from_slice(&self.octets), Message::from_slice(answer)) else {
            return false;
        };
        let header = answer.header();
        if !header.qr() || header.id() != query.header().id() {
            return false;
        }
        // An error may come without the question (RFC 1035 section 4.1.1 leaves it open).
        let questions = answer.header_counts().qdcount();
        (questions == 0 && answer.is_error()) || answer.is_answer(query)
    }
}

fn random_id() -> Result<u16, TransportError> {
    let mut id = [0; 2];
    aws_lc_rs::rand::fill(&mut id)
        .map_err(|_| TransportError::Io(io::ErrorKind::Other, "no random numbers".into()))?;
    Ok(u16::from_be_bytes(id))
}

/// The answer, or `None` if it was cut and TCP has to bring it.
async fn over_udp(server: SocketAddr, query: &Query) -> Result<Option<Bytes>, TransportError> {
    let local: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    // Connected: the system drops datagrams from anyone else and reports a closed port.
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(server).await?;
    socket.send(&query.octets).await?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    for _ in 0..MAX_STRAYS {
        let length = socket.recv(&mut buffer).await?;
        let datagram = buffer.get(..length).unwrap_or_default();
        if !query.is_answered_by(datagram) {
            continue;
        }
        let truncated = Message::from_slice(datagram).is_ok_and(|message| message.header().tc());
        return Ok((!truncated).then(|| Bytes::copy_from_slice(datagram)));
    }
    Err(TransportError::Strays)
}

async fn over_tcp(server: SocketAddr, query: &Query) -> Result<Bytes, TransportError> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.octets.len()).unwrap_or(u16::MAX);
    let mut framed = length.to_be_bytes().to_vec();
    framed.extend_from_slice(&query.octets);
    stream.write_all(&framed).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    if query.is_answered_by(&answer) { Ok(answer.into()) } else { Err(TransportError::Strays) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_must_match_id_question_and_direction() {
        let name = DomainName::bytes_from_str("example.com.").unwrap();
        let query = Query::new(&name, Rtype::MX).unwrap();
        let mut answer = query.octets.clone();
        assert!(!query.is_answered_by(&answer), "our own query sent back");
        answer[2] |= 0x80;
        assert!(query.is_answered_by(&answer));
        answer[0] ^= 1;
        assert!(!query.is_answered_by(&answer), "another id");
        answer[0] ^= 1;
        answer[13] ^= 1;
        assert!(!query.is_answered_by(&answer), "another name");
        assert!(!query.is_answered_by(b""));
    }
}
