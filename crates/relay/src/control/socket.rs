//! The socket itself: a listener that only its owner may use, and the other end of it.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    time::timeout,
};

use super::{
    desk::Desk,
    protocol::{Answer, LONGEST_REQUEST, Request},
};

/// Operators at a time.
const AT_A_TIME: usize = 16;
/// How long an operator may take to say what is wanted, and to take the answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer may take: a queue of hundreds of thousands is read for it.
const ANSWER: Duration = Duration::from_secs(300);

/// Why there is no socket, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Nobody listens there.
    #[error("no relay answers at {}", .0.display())]
    NobodyThere(PathBuf),
    /// Another relay listens there.
    #[error("another relay answers at {} already", .0.display())]
    InUse(PathBuf),
    /// The system refuses.
    #[error("the control socket {}: {error}", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// What came is no answer.
    #[error("the relay at {} gave no answer that is understood: {detail}", path.display())]
    Answer {
        /// Where.
        path: PathBuf,
        /// What was wrong with it.
        detail: String,
    },
}

/// Opens the socket, for its owner only. A file that a relay left behind which ended without
/// warning is removed.
///
/// # Errors
/// Another relay answers there, or the system refuses.
pub async fn listen(path: &Path) -> Result<UnixListener, SocketError> {
    let io = |error| SocketError::Io { path: path.to_owned(), error };
    match UnixStream::connect(path).await {
        Ok(_) => return Err(SocketError::InUse(path.to_owned())),
        Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(io)?,
        Err(_) => {}
    }
    let listener = UnixListener::bind(path).map_err(io)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(io)?;
    Ok(listener)
}

/// Answers operators until it is dropped.
pub async fn serve(listener: UnixListener, desk: Arc<Desk>, now: fn() -> i64) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: others will be closed.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let desk = Arc::clone(&desk);
        tokio::spawn(async move {
            // An operator who goes away needs no answer.
            let _ = one(stream, &desk, now).await;
            drop(place);
        });
    }
}

async fn one(stream: UnixStream, desk: &Desk, now: fn() -> i64) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = Vec::new();
    let mut reader = BufReader::new(read).take(LONGEST_REQUEST as u64 + 1);
    timeout(PATIENCE, reader.read_until(b'\n', &mut line)).await??;
    let answer = if line.len() > LONGEST_REQUEST {
        Answer::Refused { text: format!("the request is longer than {LONGEST_REQUEST} bytes") }
    } else {
        match serde_json::from_slice::<Request>(&line) {
            Ok(request) => match timeout(ANSWER, desk.answer(request, now())).await {
                Ok(answer) => answer,
                Err(_) => Answer::Refused { text: "the answer takes too long: narrow it down".into() },
            },
            Err(e) => Answer::Refused { text: format!("the request is not understood: {e}") },
        }
    };
    let mut bytes = serde_json::to_vec(&answer)?;
    bytes.push(b'\n');
    timeout(PATIENCE, write.write_all(&bytes)).await??;
    write.shutdown().await
}

/// Asks the relay at a socket.
///
/// # Errors
/// Nobody answers, or not in a way that is understood.
pub async fn ask(path: &Path, request: &Request) -> Result<Answer, SocketError> {
    let io = |error: io::Error| SocketError::Io { path: path.to_owned(), error };
    let wrong = |detail: String| SocketError::Answer { path: path.to_owned(), detail };
    let stream = match UnixStream::connect(path).await {
        Ok(stream) => stream,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Err(SocketError::NobodyThere(path.to_owned()));
        }
        Err(e) => return Err(io(e)),
    };
    let (read, mut write) = stream.into_split();
    let mut bytes = serde_json::to_vec(request).map_err(|e| wrong(e.to_string()))?;
    bytes.push(b'\n');
    write.write_all(&bytes).await.map_err(io)?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(read);
    match timeout(ANSWER + PATIENCE, reader.read_until(b'\n', &mut answer)).await {
        Err(_) => return Err(wrong("it takes too long".into())),
        Ok(read) => read.map_err(io)?,
    };
    serde_json::from_slice(&answer).map_err(|e| wrong(e.to_string()))
}
