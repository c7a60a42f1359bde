//! An issuer that is asked about its certificates: OCSP by POST, and a revocation list, over
//! plain HTTP.

use std::{
    io::{Error, Result},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::Site;
use crate::pki::status::{Desk, Says};

/// The most bytes of a request.
const MOST: usize = 16 * 1024;
/// How long a request may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The path of the list; everything else is asked by OCSP.
pub(crate) const LIST: &str = "/list.crl";

/// What is said, and about whose certificate.
#[derive(Debug, Clone)]
pub(crate) struct Issuer {
    pub(crate) says: Says,
    /// Label of the host in the same domain.
    pub(crate) about: &'static str,
}

/// Serves one request.
pub(crate) async fn serve(mut tcp: TcpStream, issuer: &Issuer, desk: &Desk, site: &Site) -> Result<()> {
    let Ok(request) = timeout(PATIENCE, request(&mut tcp)).await else { return Ok(()) };
    let Some((head, body)) = request? else { return Ok(()) };
    let line = head.lines().next().unwrap_or_default();
    site.note(line);
    let domain = site.host.split_once('.').map_or("", |(_, domain)| domain);
    let about = format!("{}.{domain}", issuer.about);
    let broken = |e: rcgen::Error| Error::other(e.to_string());
    let mut words = line.split(' ');
    let answer = match (words.next(), words.next()) {
        (Some("GET"), Some(LIST)) => {
            Some(("application/pkix-crl", desk.list(&about, issuer.says).map_err(broken)?))
        }
        (Some("POST"), Some(_)) => {
            Some(("application/ocsp-response", desk.answer(&body, issuer.says).map_err(broken)?))
        }
        _ => None,
    };
    let (status, media, body) = match answer {
        Some((media, body)) => ("200 OK", media, body),
        None => ("404 Not Found", "text/plain", Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    tcp.write_all(head.as_bytes()).await?;
    tcp.write_all(&body).await?;
    tcp.shutdown().await
}

/// Head and body of a request; none where it ends early or is too long.
async fn request(tcp: &mut TcpStream) -> Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
        if let Some((head, body)) = end.and_then(|end| bytes.split_at_checked(end)) {
            let head = String::from_utf8_lossy(head).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if body.len() >= length.unwrap_or(0) {
                return Ok(Some((head, body.to_vec())));
            }
        }
        let mut buffer = [0; 2048];
        let count = tcp.read(&mut buffer).await?;
        if count == 0 || bytes.len() > MOST {
            return Ok(None);
        }
        bytes.extend(buffer.iter().take(count));
    }
}
