//! Sockets: accepting, counting, and the limits that every server has.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};

use super::{Service, Site, https, issuer, raw, smtp, tls::Engine};
use crate::{log::Log, pki::status::Desk};

/// Connections served at once by one server.
const MAX_CONNECTIONS: usize = 64;
/// How long a connection may last.
const LONGEST: Duration = Duration::from_secs(1200);
const MINUTE: Duration = Duration::from_secs(60);

/// A server ready to accept.
pub(crate) struct Listening {
    pub(crate) host: String,
    /// The port that it stands for.
    pub(crate) port: u16,
    pub(crate) service: Service,
    /// None for services without TLS.
    pub(crate) engine: Option<Engine>,
    /// Answers for issuers.
    pub(crate) desk: Desk,
    pub(crate) log: Log,
}

/// Accepts until it is aborted; its connections end with it.
pub(crate) async fn accept_all(listener: TcpListener, server: Listening) {
    let server = Arc::new(server);
    let mut connections = JoinSet::new();
    let mut recent = VecDeque::new();
    loop {
        let accepted = listener.accept().await;
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = accepted else { continue };
        if connections.len() < MAX_CONNECTIONS {
            let number = server.log.connected(&server.host, server.port);
            let crowded = crowded(&mut recent, &server.service);
            connections.spawn(serve(stream, Arc::clone(&server), number, crowded));
        }
    }
}

/// Whether a connection is one too many of its minute.
fn crowded(recent: &mut VecDeque<Instant>, service: &Service) -> bool {
    let Some(most) = service.smtp().and_then(|smtp| smtp.per_minute) else { return false };
    let now = Instant::now();
    recent.retain(|at| now.duration_since(*at) < MINUTE);
    if recent.len() >= most {
        return true;
    }
    recent.push_back(now);
    false
}

async fn serve(stream: TcpStream, server: Arc<Listening>, number: u32, crowded: bool) {
    let site = Site {
        host: server.host.clone(),
        port: server.port,
        number,
        log: server.log.clone(),
        breakdown: server.service.smtp().and_then(|smtp| smtp.breakdown),
        crowded,
    };
    site.note("connected");
    let _ = stream.set_nodelay(true);
    let work = async {
        match (&server.service, &server.engine) {
            (Service::Issuer(issuer), _) => issuer::serve(stream, issuer, &server.desk, &site).await,
            (Service::Raw(raw), _) => raw::serve(stream, *raw).await,
            (Service::Smtp(smtp), Some(engine)) => smtp::serve_clear(stream, smtp, engine, &site).await,
            (Service::ImplicitTls(smtp), Some(engine)) => {
                smtp::serve_implicit(stream, smtp, engine, &site).await
            }
            (Service::Policy(policy), Some(engine)) => https::serve(stream, policy, engine, &site).await,
            (_, None) => Ok(()),
        }
    };
    match timeout(LONGEST, work).await {
        Ok(Ok(())) => site.note("closed"),
        Ok(Err(error)) => site.note(format!("ended: {error}")),
        Err(_) => site.note("ended: too long"),
    }
}
