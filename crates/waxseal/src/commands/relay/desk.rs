//! Asking the relay, or its queue where it does not run.

use std::{path::Path, sync::Arc};

use waxseal_relay::control::{self, Answer, Desk, Request, SocketError};
use waxseal_scan::clock::now;
use waxseal_store::spool::sqlite::{SqliteSettings, SqliteSpool};

use super::config;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    setup,
};

/// The answer to a request: of the relay, if one runs with this configuration; otherwise out
/// of its queue.
///
/// # Errors
/// What was asked for was not done: why.
pub(super) fn ask(file: &Path, request: &Request) -> Result<Answer, Failure> {
    let config = config(file)?;
    let socket = config.server.control_socket();
    let answer = setup::runtime(false)?.block_on(async {
        match control::ask(&socket, request).await {
            Err(SocketError::NobodyThere(_)) => alone(&config.server.spool, request).await,
            Err(error) => Err(Failure::internal(error)),
            Ok(answer) => Ok(answer),
        }
    })?;
    match answer {
        Answer::Refused { text } => Err(Failure::usage(text)),
        other => Ok(other),
    }
}

/// Out of the queue, while no relay uses it.
async fn alone(folder: &Path, request: &Request) -> Result<Answer, Failure> {
    if !folder.join(waxseal_store::spool::sqlite::DATABASE).exists() {
        return Err(Failure::usage(format!(
            "no relay runs, and there is no queue in {}: start it with `waxseal relay run`",
            folder.display()
        )));
    }
    let spool = SqliteSpool::open(folder, SqliteSettings::default())
        .map_err(|e| Failure::internal(format!("{e} ({})", folder.display())))?;
    Ok(Desk::new(Arc::new(spool), None).answer(request.clone(), now()).await)
}

/// Asks for something to be done, and says what was.
pub(super) fn done(file: &Path, request: &Request, terminal: &Terminal) -> Result<Exit, Failure> {
    match ask(file, request)? {
        Answer::Done { text } => terminal.print(&text)?,
        other => return Err(unexpected(&other)),
    }
    Ok(Exit::Fine)
}

/// The relay answers something else: it is of another version.
pub(super) fn unexpected(answer: &Answer) -> Failure {
    let text = serde_json::to_string(answer).unwrap_or_default();
    let begin: String = text.chars().take(80).collect();
    Failure::internal(format!("the relay's answer is not understood, is it of another version? {begin}"))
}
