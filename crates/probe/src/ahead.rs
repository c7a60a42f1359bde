//! Connections that are opened before they are needed, for servers that may be asked by
//! several at a time. Questions still follow one another, each resting on the last answer;
//! what is saved is the way to the point where TLS begins.
//!
//! Nothing is learned on these connections: whatever is not as it was on the first one ends
//! them, and the question is put on a connection that is opened in the ordinary way, which
//! notes what is wrong.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::{
    io::AsyncWriteExt,
    task::JoinHandle,
    time::{Instant, timeout},
};
use waxseal_model::{Endpoint, TlsStart, smtp::StarttlsOffer};
use waxseal_net::{
    session::{SessionLimits, SmtpSession},
    transcript::Transcript,
};
use waxseal_wire::{smtp, tls::alert::close_alert};

use crate::{
    open::{Opened, helo_name, say_ehlo},
    prober::Prober,
};

/// Connections in the making, in the order in which they were begun.
#[derive(Default)]
pub(crate) struct Ahead(VecDeque<JoinHandle<Option<Opened>>>);

impl Ahead {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Begins one, to be ready by `deadline`.
    pub(crate) fn begin(
        &mut self,
        prober: &Prober,
        endpoint: &Endpoint,
        transcript: Transcript,
        limits: SessionLimits,
        deadline: Instant,
    ) {
        let (prober, endpoint) = (prober.clone(), endpoint.clone());
        let task = async move {
            let open = open(&prober, &endpoint, transcript, limits, deadline);
            tokio::time::timeout_at(deadline, open).await.ok().flatten()
        };
        self.0.push_back(tokio::spawn(task));
    }

    /// The next one that came about.
    pub(crate) async fn take(&mut self) -> Option<Opened> {
        while let Some(task) = self.0.pop_front() {
            if let Ok(Some(opened)) = task.await {
                return Some(opened);
            }
        }
        None
    }

    /// Takes leave of all that are left.
    pub(crate) async fn close(&mut self, patience: Duration) {
        while let Some(opened) = self.take().await {
            let mut stream = opened.stream;
            let leave = async {
                let _ = stream.write_all(&close_alert()).await;
                let _ = stream.shutdown().await;
            };
            let _ = timeout(patience, leave).await;
        }
    }
}

/// A connection up to the point where TLS begins, if all goes as usual.
async fn open(
    prober: &Prober,
    endpoint: &Endpoint,
    transcript: Transcript,
    limits: SessionLimits,
    deadline: Instant,
) -> Option<Opened> {
    let permit = prober.pacer.permit(endpoint.address).await.ok()?;
    let target = SocketAddr::new(endpoint.address, endpoint.port);
    let connected = prober.egress.connect(target).await.ok()?;
    transcript.note(&format!("connected to {}", connected.peer));
    let stream = connected.stream;
    if endpoint.tls == TlsStart::Implicit {
        return Some(Opened { stream, permit, transcript });
    }
    let name = helo_name(&prober.options, stream.local_addr());
    let mut session = SmtpSession::new(stream, transcript.clone(), limits, deadline);
    let greeting = session.read_reply("greeting").await.ok()?;
    let ehlo = say_ehlo(&mut session, &name).await.ok()?.ok()?;
    if greeting.code != 220 || smtp::starttls_offer(&ehlo) != StarttlsOffer::Advertised {
        return None;
    }
    let reply = session.command("STARTTLS", "STARTTLS").await.ok()?;
    let ready = reply.code == 220 && session.buffered_after_reply() == 0;
    ready.then(|| Opened { stream: session.into_inner(), permit, transcript })
}
