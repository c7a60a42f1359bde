//! Plain HTTP/1.1, for what is signed by itself: OCSP responses (RFC 6960 appendix A) and
//! revocation lists (RFC 5280 section 4.2.1.13).
//!
//! The URLs stand in certificates, so strangers choose them: only port 80, no user names, no
//! redirects followed by itself, and the connection leaves by an [`Egress`] that the caller
//! has told which addresses are fit.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use http_body_util::Full;
use hyper::{
    Request, Uri,
    body::Bytes,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, USER_AGENT},
};
use tokio::time::Instant;
use waxseal_model::{Cause, Why};

use crate::{
    egress::Egress,
    https::{AnswerLimits, HttpsError, HttpsResponse, ask},
};

/// The port of HTTP.
pub const PORT: u16 = 80;
/// More addresses of one host than this are not tried.
const MOST_ADDRESSES: usize = 3;
/// The longest URL that is followed, in bytes.
const LONGEST_URL: usize = 1000;

/// An `http:` URL that may be followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HttpUrl {
    /// A name, or an address without brackets.
    pub host: String,
    /// Path and query.
    path: String,
}

/// Why a URL is not followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not a URL, or a very long one.
    #[error("{url} is no URL that can be followed")]
    Malformed {
        /// The URL, cut.
        url: String,
    },
    /// HTTPS, LDAP or another.
    #[error("{url} is not plain HTTP, which is what clients use for this")]
    Scheme {
        /// The URL.
        url: String,
    },
    /// Another port, a user name.
    #[error("{url} names a port or a user, which no public CA does: it is not followed")]
    Authority {
        /// The URL.
        url: String,
    },
}

impl UrlError {
    /// The reason in the words of evidence.
    pub fn why(&self) -> Why {
        Why::new(Cause::Unsupported, self.to_string())
    }
}

impl HttpUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// It is none, or one that is not to be followed.
    pub fn parse(url: &str) -> Result<Self, UrlError> {
        let shown = || url.chars().take(200).collect::<String>();
        let malformed = || UrlError::Malformed { url: shown() };
        if url.len() > LONGEST_URL {
            return Err(malformed());
        }
        let parsed: Uri = url.parse().map_err(|_| malformed())?;
        if parsed.scheme_str() != Some("http") {
            return Err(UrlError::Scheme { url: shown() });
        }
        let authority = parsed.authority().ok_or_else(malformed)?;
        if authority.as_str().contains('@') || authority.port_u16().is_some_and(|port| port != PORT) {
            return Err(UrlError::Authority { url: shown() });
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(malformed());
        }
        let path = parsed.path_and_query().map_or("/", |p| p.as_str());
        Ok(Self { host: host.to_ascii_lowercase(), path: path.to_owned() })
    }

    /// The host as it stands in a URL and in the field Host.
    fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }
}

/// Random bytes that tie an OCSP response to its request (RFC 9654); none where the system
/// gives none.
pub fn nonce() -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).ok().map(|()| bytes)
}

/// What to ask for, and within which limits.
#[derive(Debug, Clone)]
pub struct HttpRequest<'a> {
    /// Where.
    pub url: &'a HttpUrl,
    /// With a body, by POST: its media type and the body.
    pub body: Option<(&'static str, Vec<u8>)>,
    /// The media type of the answer.
    pub accept: &'static str,
    /// What we call ourselves.
    pub user_agent: &'a str,
    /// The most bytes of an answer's body.
    pub body_bytes: usize,
    /// The longest time altogether.
    pub total: Duration,
}

impl HttpRequest<'_> {
    fn message(&self) -> hyper::http::Result<Request<Full<Bytes>>> {
        let builder = match &self.body {
            Some((media, _)) => Request::post(&self.url.path).header(CONTENT_TYPE, *media),
            None => Request::get(&self.url.path),
        };
        let body = self.body.as_ref().map(|(_, body)| Bytes::from(body.clone())).unwrap_or_default();
        builder
            .header(HOST, self.url.authority())
            .header(USER_AGENT, self.user_agent)
            .header(ACCEPT, self.accept)
            .header(ACCEPT_ENCODING, "identity")
            .body(Full::new(body))
    }
}

/// Asks a host. The addresses are tried in their order until a connection stands; what goes
/// wrong after that is the answer.
///
/// # Errors
/// No connection stood, or no HTTP answer came in time. The body of an answer may be wanting
/// by itself, see [`HttpsResponse::body`].
pub async fn fetch(
    egress: &Egress,
    addresses: &[IpAddr],
    request: &HttpRequest<'_>,
) -> Result<HttpsResponse, HttpsError> {
    let deadline = Instant::now() + request.total;
    let host = &request.url.host;
    let mut result = Err(HttpsError::Http { host: host.clone(), detail: "it has no address".into() });
    for address in addresses.iter().take(MOST_ADDRESSES) {
        match egress.connect(SocketAddr::new(*address, PORT)).await {
            Err(error) => result = Err(error.into()),
            Ok(connected) => {
                let limits = AnswerLimits { host, body_bytes: request.body_bytes, total: request.total };
                return ask(connected.stream, request.message(), &limits, deadline).await;
            }
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::{egress::EgressRules, error::NetError};

    /// A server that answers one request, and what it was asked.
    async fn server(answer: Vec<u8>) -> (Egress, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let real = listener.local_addr().unwrap().port();
        let rules = EgressRules { port_map: BTreeMap::from([(PORT, real)]), ..EgressRules::default() };
        let asked = tokio::spawn(async move {
            let (mut tcp, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 2048];
            let mut seen = Vec::new();
            while !seen.ends_with(b"body") && !seen.ends_with(b"\r\n\r\n") {
                match tcp.read(&mut buffer).await {
                    Ok(n @ 1..) => seen.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let _ = tcp.write_all(&answer).await;
            let _ = tcp.shutdown().await;
            String::from_utf8_lossy(&seen).into_owned()
        });
        (Egress::new(rules), asked)
    }

    fn request(url: &HttpUrl) -> HttpRequest<'_> {
        HttpRequest {
            url,
            body: None,
            accept: "application/pkix-crl",
            user_agent: "waxseal",
            body_bytes: 1000,
            total: Duration::from_secs(20),
        }
    }

    const LOCAL: &[IpAddr] = &[IpAddr::V4(std::net::Ipv4Addr::LOCALHOST)];

    #[test]
    fn only_plain_http_at_its_own_port_is_followed() {
        let url = HttpUrl::parse("http://CRL.example/a/b.crl?x=1").unwrap();
        assert_eq!((url.host.as_str(), url.path.as_str()), ("crl.example", "/a/b.crl?x=1"));
        assert_eq!(HttpUrl::parse("http://crl.example:80").unwrap().path, "/");
        assert_eq!(HttpUrl::parse("http://[2001:db8::1]/").unwrap().host, "2001:db8::1");
        for (url, kind) in [
            ("https://crl.example/", "Scheme"),
            ("ldap://crl.example/cn=x", "Scheme"),
            ("http://crl.example:25/", "Authority"),
            ("http://user@crl.example/", "Authority"),
            ("http:///x", "Malformed"),
            ("hello", "Scheme"),
            ("", "Malformed"),
            ("http://a b/", "Malformed"),
        ] {
            let error = HttpUrl::parse(url).unwrap_err();
            assert!(format!("{error:?}").starts_with(kind), "{url}: {error:?}");
        }
    }

    #[tokio::test]
    async fn a_get_has_no_body_and_a_post_has() {
        let url = HttpUrl::parse("http://crl.example/1.crl").unwrap();
        let answer = || b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".to_vec();
        let (egress, asked) = server(answer()).await;
        let response = fetch(&egress, LOCAL, &request(&url)).await.unwrap();
        assert_eq!((response.status, response.body), (200, Ok(b"ok".to_vec())));
        let text = asked.await.unwrap();
        assert!(
            text.starts_with("GET /1.crl HTTP/1.1\r\n") && text.contains("host: crl.example\r\n"),
            "{text}"
        );
        let (egress, asked) = server(answer()).await;
        let body = Some(("application/ocsp-request", b"body".to_vec()));
        fetch(&egress, LOCAL, &HttpRequest { body, ..request(&url) }).await.unwrap();
        let text = asked.await.unwrap();
        assert!(text.starts_with("POST /1.crl") && text.contains("content-length: 4\r\n"), "{text}");
    }

    #[tokio::test]
    async fn an_answer_that_is_too_large_is_left() {
        let url = HttpUrl::parse("http://crl.example/1.crl").unwrap();
        let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n".to_vec();
        answer.resize(answer.len() + 2000, b'x');
        let (egress, _asked) = server(answer).await;
        let response = fetch(&egress, LOCAL, &request(&url)).await.unwrap();
        assert!(matches!(response.body, Err(HttpsError::TooLarge { limit: 1000, .. })));
    }

    #[tokio::test]
    async fn an_address_inside_is_not_visited_where_strangers_name_it() {
        let url = HttpUrl::parse("http://169.254.169.254/latest").unwrap();
        let inside = ["169.254.169.254".parse().unwrap(), "127.0.0.1".parse().unwrap()];
        let egress = Egress::new(EgressRules::default()).to_public_only();
        let error = fetch(&egress, &inside, &request(&url)).await.unwrap_err();
        assert!(matches!(error, HttpsError::Connection(NetError::Forbidden { .. })), "{error:?}");
        assert_eq!(egress.connections(), 0);
    }

    proptest! {
        #[test]
        fn any_url_is_read_without_harm(url in ".{0,80}") {
            if let Ok(url) = HttpUrl::parse(&format!("http://{url}")) {
                prop_assert!(!url.host.is_empty() && url.path.starts_with(['/', '?', '*']), "{url:?}");
                prop_assert!(!url.path.contains(['\r', '\n', ' ']));
            }
        }
    }
}
