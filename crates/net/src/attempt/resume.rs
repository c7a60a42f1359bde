//! A session again, up to TLS 1.2: by its id (RFC 5246 section 7.3) or by a ticket (RFC
//! 5077).

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_wire::tls::private::{Client, Established, Resumption};

use super::{
    full::{Begun, Failure, begin, complete, finished},
    line::Line,
};

/// Length of the session id that goes along with a ticket: one byte less than the longest,
/// so that a server that returns it with memory behind it (CVE-2016-9244) gives away that
/// one byte and no more.
pub const SHORT_ID: usize = 31;

/// How the server took the offer of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resumed {
    /// It went on with the session, and proved by its Finished that it has its secret.
    /// False is a handshake anew.
    pub abbreviated: bool,
    /// The session id in its ServerHello.
    pub session_id: Vec<u8>,
}

impl Resumed {
    /// By how many bytes the id `sent` came back longer (CVE-2016-9244); 0 is sound. None
    /// where the server began anew with an id of its own: it has not made use of the ticket,
    /// and nothing was returned.
    pub fn beyond(&self, sent: &[u8]) -> Option<u8> {
        match self.session_id.strip_prefix(sent) {
            Some(more) => u8::try_from(more.len()).ok(),
            None => self.abbreviated.then_some(0),
        }
    }
}

/// What resumes a session by its id; none if the server gave it none.
pub fn by_id(session: &Established) -> Option<Resumption> {
    let session_id = session.flight.session_id.clone();
    let master_secret = session.master_secret.clone();
    (!session_id.is_empty()).then_some(Resumption { master_secret, session_id, ticket: None })
}

/// What resumes a session by its ticket; none if it got none. `id` is random: of
/// [`SHORT_ID`] bytes to ask for CVE-2016-9244 as well. A server that does not resume with
/// that one may do so with an id of the usual 32 bytes (wolfSSL).
pub fn by_ticket(session: &Established, id: &[u8]) -> Option<Resumption> {
    let ticket = session.tickets.first().filter(|ticket| !ticket.ticket.is_empty())?.ticket.clone();
    let master_secret = session.master_secret.clone();
    Some(Resumption { master_secret, session_id: id.to_vec(), ticket: Some(ticket) })
}

/// Offers the session that `client` was made to resume ([`Client::resuming`]). The hello
/// must otherwise be that of the session.
///
/// # Errors
/// The server refused the hello, or did not answer: says what happened.
pub async fn resume<S>(
    stream: S,
    client: Client,
    deadline: Instant,
    max_bytes: usize,
) -> Result<Resumed, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = Line::new(stream, deadline, max_bytes);
    let Begun { handshake, flight } = begin(&mut line, client).await?;
    let (resumed, session_id) =
        flight.as_ref().map(|f| (f.resumed, f.session_id.clone())).unwrap_or_default();
    if !resumed {
        let words = flight.map(|f| waxseal_wire::tls::alert::close_alert_in(f.version)).unwrap_or_default();
        line.leave(&words).await;
        return Ok(Resumed { abbreviated: false, session_id });
    }
    match complete(&mut line, handshake, &[]).await {
        Ok(handshake) => {
            if let Ok(stream) = finished(line, handshake) {
                stream.leave().await;
            }
            Ok(Resumed { abbreviated: true, session_id })
        }
        Err((stop, _)) => Err(Failure { stop, flight }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_comes_back_longer_shows_by_how_much() {
        let resumed =
            |abbreviated, session_id: &[u8]| Resumed { abbreviated, session_id: session_id.to_vec() };
        let sent = [7; SHORT_ID];
        assert_eq!(resumed(true, &sent).beyond(&sent), Some(0));
        assert_eq!(resumed(true, &[7; 32]).beyond(&sent), Some(1));
        assert_eq!(resumed(true, &[]).beyond(&sent), Some(0));
        assert_eq!(resumed(false, &[9; 32]).beyond(&sent), None);
        assert_eq!(resumed(false, &[7; 32]).beyond(&sent), Some(1));
    }
}
