//! After the handshake: data both ways, heartbeats, and clients that ask for another
//! handshake.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, split},
    select,
};

use super::{
    Failure, Server,
    behaviour::Renegotiation,
    handshake::{self, Established},
    heartbeat,
    record::{ALERT, APPLICATION_DATA, HANDSHAKE, HEARTBEAT, Records, WARNING},
};
use crate::servers::{Site, breakdown::Stage};

/// Most application data in a record; well below the 2^14 of the protocol.
const CHUNK: usize = 4096;
const CLOSE_NOTIFY: u8 = 0;
const NO_RENEGOTIATION: u8 = 100;
/// Handshakes within one session.
const MAX_RENEGOTIATIONS: usize = 20;

/// Moves data until either side ends.
pub(super) async fn run(
    records: &mut Records,
    server: &Server,
    site: &Site,
    mut established: Established,
    plain: DuplexStream,
) -> Result<(), Failure> {
    let (mut from_inside, mut to_inside) = split(plain);
    let mut buffer = vec![0; CHUNK];
    let mut renegotiations = 0;
    let mut open = true;
    loop {
        let record = select! {
            record = records.read(), if open => record?,
            length = from_inside.read(&mut buffer) => {
                let length = length?;
                if length == 0 {
                    records.alert(WARNING, CLOSE_NOTIFY).await?;
                    return records.shutdown().await;
                }
                records.write(APPLICATION_DATA, buffer.get(..length).unwrap_or_default()).await?;
                continue;
            }
        };
        match record {
            Some((APPLICATION_DATA, data)) => to_inside.write_all(&data).await?,
            Some((HEARTBEAT, body)) => {
                if let Some(how) = site.breaks(Stage::Heartbeat) {
                    return Err(Failure::Broken(how));
                }
                heartbeat::answer(records, established.heartbeat, &body).await?;
            }
            Some((HANDSHAKE, pending)) => {
                renegotiations += 1;
                if renegotiations > MAX_RENEGOTIATIONS {
                    return Err(Failure::Renegotiation(NO_RENEGOTIATION));
                }
                if let Some(next) = another(records, server, site, &established, pending).await? {
                    established = next;
                }
            }
            // What the server still has to say is worth hearing after the client ended.
            Some((ALERT, _)) | None => {
                open = false;
                to_inside.shutdown().await?;
            }
            Some(_) => return Err(Failure::Message),
        }
    }
}

/// Another handshake, or a refusal; what is known after it.
async fn another(
    records: &mut Records,
    server: &Server,
    site: &Site,
    established: &Established,
    pending: Vec<u8>,
) -> Result<Option<Established>, Failure> {
    site.note("asked for renegotiation");
    if let Some(how) = site.breaks(Stage::Renegotiation) {
        return Err(Failure::Broken(how));
    }
    let behaviour = &server.behaviour;
    let willing = match behaviour.renegotiation {
        Renegotiation::Accepted => established.secure || behaviour.unbound_renegotiation,
        _ => !established.secure && behaviour.unbound_renegotiation,
    };
    if willing {
        return handshake::accept(records, server, site, Some(established), pending).await.map(Some);
    }
    match behaviour.renegotiation {
        Renegotiation::Accepted | Renegotiation::Warned => {
            records.alert(WARNING, NO_RENEGOTIATION).await?;
            Ok(None)
        }
        Renegotiation::Fatal => Err(Failure::Renegotiation(NO_RENEGOTIATION)),
        Renegotiation::Closed => Err(Failure::Silent),
        Renegotiation::Ignored => Ok(None),
    }
}
