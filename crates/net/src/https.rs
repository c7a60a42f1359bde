//! One HTTPS request: [`get`] as MTA-STS asks for it (RFC 8461 section 3.3), [`post`] as TLS
//! reports go out (RFC 8460 section 5.4): a trusted certificate for the name, no redirects
//! followed, no cache, bounded in time and bytes.
//!
//! The connection leaves by [`Egress`] like every other, so that a host with an address
//! inside gets no visit where the rules forbid it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{
        ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, LOCATION, USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout_at};
use waxseal_model::{Cause, Why, certificate::PathOutcome, tls::TlsVersion};
use waxseal_wire::{
    text::neutralise,
    x509::{self, NameMatch, RootStore},
};

use crate::{
    egress::Egress,
    error::{NetError, seconds},
    tls::{TlsFailure, handshake},
};

/// The port of HTTPS.
pub const PORT: u16 = 443;
/// More addresses of one host than this are not tried.
const MOST_ADDRESSES: usize = 4;
/// The most bytes of an answer's head.
const HEAD_BYTES: usize = 16 * 1024;
/// The most header fields of an answer.
const HEAD_FIELDS: usize = 100;
/// The longest text kept of one header field, in characters.
const FIELD_CHARS: usize = 300;

/// What to ask for, and within which limits.
#[derive(Debug, Clone, Copy)]
pub struct HttpsRequest<'a> {
    /// The host: in the URL, in SNI and in the certificate.
    pub host: &'a str,
    /// The path of the URL, `/.well-known/mta-sts.txt`.
    pub path: &'a str,
    /// What we call ourselves.
    pub user_agent: &'a str,
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// The longest wait for one connection or handshake.
    pub step: Duration,
    /// The longest time altogether.
    pub total: Duration,
}

/// What came of a request.
#[derive(Debug)]
pub struct HttpsExchange {
    /// The address that answered, or the last that was tried.
    pub address: Option<IpAddr>,
    /// The certificates as presented, DER, leaf first; empty where TLS did not come so far.
    pub chain: Vec<Vec<u8>>,
    /// The version of TLS, where a handshake succeeded.
    pub version: Option<TlsVersion>,
    /// The answer, or what stood in its way.
    pub result: Result<HttpsResponse, HttpsError>,
    /// From the first connection to the end.
    pub took: Duration,
}

/// An answer. All text is neutralised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsResponse {
    /// Status code.
    pub status: u16,
    /// Content-Type as sent.
    pub content_type: Option<String>,
    /// Content-Encoding as sent; none was asked for.
    pub content_encoding: Option<String>,
    /// Location as sent.
    pub location: Option<String>,
    /// The body, or why it is not there: too much of it, or not complete.
    pub body: Result<Vec<u8>, HttpsError>,
}

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    /// No connection stood.
    #[error(transparent)]
    Connection(#[from] NetError),
    /// The TLS handshake failed.
    #[error("{text}")]
    Tls {
        /// What ended it.
        text: String,
        /// The kind of obstacle.
        cause: Cause,
    },
    /// The certificate is not trusted, not in time or for another name: nothing was asked.
    #[error("the certificate of {host} is refused: {why}")]
    Certificate {
        /// The host.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// The certificate could not be verified because of our own lack of roots.
    #[error("the certificate of {host} could not be verified: {why}")]
    NoRoots {
        /// The host.
        host: String,
        /// What is missing.
        why: String,
    },
    /// What came is not HTTP, or broke off.
    #[error("{host} gave no usable HTTP answer: {detail}")]
    Http {
        /// The host.
        host: String,
        /// The HTTP library's words.
        detail: String,
    },
    /// The body is larger than the limit.
    #[error("{host} sends more than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// The answer was not complete in time.
    #[error("{host} did not answer completely within {}", seconds(.after))]
    Timeout {
        /// The host.
        host: String,
        /// The limit.
        after: Duration,
    },
}

impl HttpsError {
    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        let cause = match self {
            Self::Connection(error) => error.cause(),
            Self::Tls { cause, .. } => *cause,
            Self::Certificate { .. } => Cause::Declined,
            Self::NoRoots { .. } => Cause::Internal,
            Self::Http { .. } => Cause::Protocol,
            Self::TooLarge { .. } => Cause::TooLarge,
            Self::Timeout { .. } => Cause::Timeout,
        };
        Why::new(cause, self.to_string())
    }
}

/// What to post, and where.
#[derive(Debug, Clone)]
pub struct HttpsPost<'a> {
    /// Host, path and limits.
    pub request: HttpsRequest<'a>,
    /// The port, mostly [`PORT`].
    pub port: u16,
    /// The media type of the content.
    pub content_type: &'a str,
    /// The content.
    pub content: Bytes,
}

/// Asks one host for one file. The addresses are tried in their order until a connection
/// stands; what goes wrong after that is the answer. `roots` says whom to trust, or why
/// nobody can be.
pub async fn get(
    egress: &Egress,
    roots: Result<&RootStore, &Why>,
    addresses: &[IpAddr],
    request: &HttpsRequest<'_>,
) -> HttpsExchange {
    exchange(egress, roots, &request.at(addresses, PORT), request, || request.get()).await
}

/// Posts to one host, by the same rules as [`get`].
pub async fn post(
    egress: &Egress,
    roots: Result<&RootStore, &Why>,
    addresses: &[IpAddr],
    post: &HttpsPost<'_>,
) -> HttpsExchange {
    let request = &post.request;
    exchange(egress, roots, &request.at(addresses, post.port), request, || post.message()).await
}

async fn exchange(
    egress: &Egress,
    roots: Result<&RootStore, &Why>,
    places: &[SocketAddr],
    request: &HttpsRequest<'_>,
    message: impl Fn() -> hyper::http::Result<Request<Full<Bytes>>>,
) -> HttpsExchange {
    let started = Instant::now();
    let mut exchange = HttpsExchange {
        address: None,
        chain: Vec::new(),
        version: None,
        result: Err(HttpsError::Http { host: request.host.to_owned(), detail: "it has no address".into() }),
        took: Duration::ZERO,
    };
    let deadline = started + request.total;
    for place in places {
        exchange.address = Some(place.ip());
        match egress.connect(*place).await {
            Err(error) => exchange.result = Err(error.into()),
            Ok(connected) => {
                let until = (Instant::now() + request.step).min(deadline);
                exchange.result = match handshake(connected.stream, Some(request.host), until).await {
                    Err(failure) => Err(tls_error(&failure)),
                    Ok(connection) => {
                        exchange.version = Some(connection.facts.version);
                        exchange.chain = connection.chain;
                        match trusted(&exchange.chain, request.host, roots) {
                            Err(error) => Err(error),
                            Ok(()) => ask(connection.stream, message(), &request.limits(), deadline).await,
                        }
                    }
                };
                break;
            }
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    exchange.took = started.elapsed();
    exchange
}

fn tls_error(failure: &TlsFailure) -> HttpsError {
    let why = failure.why();
    HttpsError::Tls { text: why.text, cause: why.cause }
}

/// Verifies a chain as RFC 8461 section 3.3 asks: trusted, in time, and for the name by
/// subjectAltName.
fn trusted(chain: &[Vec<u8>], host: &str, roots: Result<&RootStore, &Why>) -> Result<(), HttpsError> {
    let refused = |why: String| HttpsError::Certificate { host: host.to_owned(), why };
    let roots = roots.map_err(|why| HttpsError::NoRoots { host: host.to_owned(), why: why.text.clone() })?;
    let path = x509::path(chain, roots);
    if path.outcome != PathOutcome::Trusted {
        return Err(refused(format!("it is not trusted ({})", path.outcome.openssl().1)));
    }
    let now = now();
    let used = path.used.iter().flatten().filter_map(|at| chain.get(usize::try_from(*at).ok()?));
    for der in used {
        let facts = x509::facts(der).map_err(|e| refused(e.to_string()))?;
        if facts.not_after < now {
            return Err(refused(format!("the certificate of {} has expired", facts.subject)));
        }
        if facts.not_before > now {
            return Err(refused(format!("the certificate of {} is not valid yet", facts.subject)));
        }
    }
    let leaf = chain.first().map(|der| x509::facts(der));
    match leaf {
        Some(Ok(leaf)) if x509::matches_host(&leaf, host) == NameMatch::San => Ok(()),
        Some(Ok(leaf)) if leaf.dns_names.is_empty() => {
            Err(refused("it names no host in subjectAltName".into()))
        }
        Some(Ok(leaf)) => Err(refused(format!("it is for {}", leaf.dns_names.join(", ")))),
        Some(Err(error)) => Err(refused(error.to_string())),
        None => Err(refused("none was presented".into())),
    }
}

/// Seconds since 1970-01-01 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// What an answer must keep to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerLimits<'a> {
    /// The host, for error texts.
    pub(crate) host: &'a str,
    /// The most bytes of a body.
    pub(crate) body_bytes: usize,
    /// The longest time altogether, for error texts.
    pub(crate) total: Duration,
}

impl HttpsRequest<'_> {
    fn limits(&self) -> AnswerLimits<'_> {
        AnswerLimits { host: self.host, body_bytes: self.body_bytes, total: self.total }
    }

    fn at(&self, addresses: &[IpAddr], port: u16) -> Vec<SocketAddr> {
        addresses.iter().take(MOST_ADDRESSES).map(|address| SocketAddr::new(*address, port)).collect()
    }

    fn get(&self) -> hyper::http::Result<Request<Full<Bytes>>> {
        Request::get(self.path)
            .header(HOST, self.host)
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, "text/plain")
            .header(ACCEPT_ENCODING, "identity")
            .body(Full::default())
    }
}

impl HttpsPost<'_> {
    fn message(&self) -> hyper::http::Result<Request<Full<Bytes>>> {
        let HttpsRequest { host, path, user_agent, .. } = self.request;
        let host = if self.port == PORT { host.to_owned() } else { format!("{host}:{}", self.port) };
        Request::post(path)
            .header(HOST, host)
            .header(USER_AGENT, user_agent)
            .header(ACCEPT_ENCODING, "identity")
            .header(CONTENT_TYPE, self.content_type)
            .body(Full::new(self.content.clone()))
    }
}

/// One request over a connection that stands.
pub(crate) async fn ask<S>(
    stream: S,
    message: hyper::http::Result<Request<Full<Bytes>>>,
    limits: &AnswerLimits<'_>,
    deadline: Instant,
) -> Result<HttpsResponse, HttpsError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let broken = |e: &dyn fmt::Display| HttpsError::Http {
        host: limits.host.to_owned(),
        detail: neutralise(e.to_string().as_bytes(), FIELD_CHARS),
    };
    let late = || HttpsError::Timeout { host: limits.host.to_owned(), after: limits.total };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_FIELDS)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(&e))?;
    let message = message.map_err(|e| broken(&e))?;
    let talk = async {
        let response = sender.send_request(message).await.map_err(|e| broken(&Causes(&e)))?;
        let answer = head(&response);
        // The library ends the connection when the body has come or the answer is dropped.
        let body = match timeout_at(deadline, body(response.into_body(), limits, &broken)).await {
            Ok(body) => body,
            Err(_) => Err(late()),
        };
        Ok(HttpsResponse { body, ..answer })
    };
    // The connection makes progress only while it is polled, beside the request.
    let mut talk = std::pin::pin!(talk);
    let mut connection = std::pin::pin!(connection);
    let both = async {
        tokio::select! {
            answer = &mut talk => answer,
            // It may end before the last frame of the body was taken.
            _ = &mut connection => talk.await,
        }
    };
    timeout_at(deadline, both).await.unwrap_or_else(|_| Err(late()))
}

/// An error with the causes behind it: the HTTP library says little by itself.
struct Causes<'a>(&'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut error = self.0.source();
        while let Some(source) = error {
            write!(f, ": {source}")?;
            error = source.source();
        }
        Ok(())
    }
}

/// The head of an answer, its body still to come.
fn head(response: &Response<Incoming>) -> HttpsResponse {
    let field = |name: HeaderName| {
        response.headers().get(name).map(|value| neutralise(value.as_bytes(), FIELD_CHARS))
    };
    HttpsResponse {
        status: response.status().as_u16(),
        content_type: field(CONTENT_TYPE),
        content_encoding: field(CONTENT_ENCODING),
        location: field(LOCATION),
        body: Ok(Vec::new()),
    }
}

async fn body(
    mut incoming: Incoming,
    limits: &AnswerLimits<'_>,
    broken: &impl Fn(&dyn fmt::Display) -> HttpsError,
) -> Result<Vec<u8>, HttpsError> {
    let mut body = Vec::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|e| broken(&Causes(&e)))?;
        let Ok(data) = frame.into_data() else { continue };
        if body.len() + data.len() > limits.body_bytes {
            return Err(HttpsError::TooLarge { host: limits.host.to_owned(), limit: limits.body_bytes });
        }
        body.extend_from_slice(&data);
    }
    Ok(body)
}

#[cfg(test)]
mod tests;
