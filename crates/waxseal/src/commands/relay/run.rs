//! `waxseal relay run`

use std::{os::unix::net::UnixDatagram, path::Path};

use clap::Args;
use tokio::signal::unix::{Signal, SignalKind, signal};
use waxseal_relay::run::{Relay, StartError};

use super::config;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    setup,
};

/// Run the relay until it is told to stop.
///
/// SIGTERM or SIGINT: no new mail, messages under way get time to end. SIGHUP: read the
/// configuration and the certificates anew, open the logs anew.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {}

pub(super) fn run(_: &RunArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let config = config(file)?;
    setup::runtime(true)?.block_on(async {
        let handle =
            |kind| signal(kind).map_err(|e| Failure::internal(format!("signals cannot be heard: {e}")));
        let (mut stop, mut interrupt, mut reload) = (
            handle(SignalKind::terminate())?,
            handle(SignalKind::interrupt())?,
            handle(SignalKind::hangup())?,
        );
        let relay = Relay::start(config, file).await.map_err(failure)?;
        notify("READY=1");
        loop {
            match next(&mut stop, &mut interrupt, &mut reload).await {
                Wish::Stop => break,
                Wish::Reload => {
                    notify("RELOADING=1");
                    if let Err(text) = relay.reload().await {
                        terminal.complain(&text);
                    }
                    notify("READY=1");
                }
            }
        }
        notify("STOPPING=1");
        relay.stop().await;
        Ok(Exit::Fine)
    })
}

enum Wish {
    Stop,
    Reload,
}

async fn next(stop: &mut Signal, interrupt: &mut Signal, reload: &mut Signal) -> Wish {
    tokio::select! {
        _ = stop.recv() => Wish::Stop,
        _ = interrupt.recv() => Wish::Stop,
        _ = reload.recv() => Wish::Reload,
    }
}

fn failure(error: StartError) -> Failure {
    match error {
        StartError::Configured(_) => Failure::usage(error),
        StartError::System(_) => Failure::internal(error),
    }
}

/// Tells the service manager, if there is one (sd_notify(3)); that it does not listen is no
/// reason not to run.
fn notify(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET").filter(|p| !p.is_empty()) else { return };
    if let Ok(socket) = UnixDatagram::unbound() {
        let _ = send(&socket, &path, state);
    }
}

fn send(socket: &UnixDatagram, path: &std::ffi::OsStr, state: &str) -> std::io::Result<usize> {
    use std::os::{linux::net::SocketAddrExt, unix::ffi::OsStrExt, unix::net::SocketAddr};
    match path.as_bytes().strip_prefix(b"@") {
        Some(name) => socket.send_to_addr(state.as_bytes(), &SocketAddr::from_abstract_name(name)?),
        None => socket.send_to(state.as_bytes(), Path::new(path)),
    }
}
