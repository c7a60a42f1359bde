//! One file from a URL in a certificate.

use std::{net::IpAddr, time::Duration};

use tokio::time::Instant;
use waxseal_model::{Cause, Why};
use waxseal_net::{
    egress::Egress,
    http::{HttpRequest, HttpUrl, fetch},
    https::HttpsResponse,
    resolver::Resolver,
};

use crate::names;

/// Redirects that are followed. CAs have no use for them, but networks of delivery do.
const MOST_REDIRECTS: usize = 2;

/// The way to issuers.
pub(super) struct Way<'a> {
    pub(super) resolver: &'a Resolver,
    pub(super) egress: &'a Egress,
    pub(super) user_agent: &'a str,
    /// When all of it must be done.
    pub(super) deadline: Instant,
}

/// What to ask for.
#[derive(Clone)]
pub(super) struct Wanted {
    /// With a body, by POST.
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    pub(super) accept: &'static str,
    /// The most bytes.
    pub(super) bytes: usize,
    /// The longest time.
    pub(super) total: Duration,
}

impl Way<'_> {
    /// The content at a URL.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn content(&self, url: &str, wanted: &Wanted) -> Result<Vec<u8>, Why> {
        let mut url = HttpUrl::parse(url).map_err(|e| e.why())?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.ask(&url, wanted).await?;
            match (response.status, response.location) {
                (200, _) => return response.body.map_err(|e| e.why()),
                (301 | 302 | 303 | 307 | 308, Some(location)) => {
                    url = HttpUrl::parse(&location).map_err(|e| e.why())?;
                }
                (status, _) => {
                    let text = format!("{} answers with HTTP {status}", url.host);
                    return Err(Why::new(Cause::Declined, text));
                }
            }
        }
        Err(Why::new(Cause::Declined, format!("{} redirects again and again", url.host)))
    }

    async fn ask(&self, url: &HttpUrl, wanted: &Wanted) -> Result<HttpsResponse, Why> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Why::new(Cause::Budget, "the time for questions to issuers was spent"));
        }
        let addresses = self.addresses(&url.host).await?;
        let request = HttpRequest {
            url,
            body: wanted.body.clone(),
            accept: wanted.accept,
            user_agent: self.user_agent,
            body_bytes: wanted.bytes,
            total: wanted.total.min(left),
        };
        fetch(self.egress, &addresses, &request).await.map_err(|e| e.why())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, Why> {
        if let Ok(address) = host.parse() {
            return Ok(vec![address]);
        }
        let answers = names::addresses(self.resolver, host).await;
        match names::usable(&answers) {
            found if found.is_empty() => Err(names::no_address(host, &answers)),
            found => Ok(found),
        }
    }
}
