//! The policy file of MTA-STS (RFC 8461 section 3.3): one request, and whether a sender takes
//! what comes.

use std::{net::IpAddr, time::Duration};

use waxseal_model::{Cause, Why, policy::StsStep};
use waxseal_wire::x509::RootStore;

use crate::{
    egress::Egress,
    https::{self, HttpsError, HttpsExchange, HttpsRequest, HttpsResponse},
};

/// The most bytes of a policy file (RFC 8461 section 3.3 suggests 64 kilobytes).
pub const FILE_BYTES: usize = 64 * 1024;
/// The longest that a sender waits for it (the same section suggests a minute).
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Where the file lies.
pub const PATH: &str = "/.well-known/mta-sts.txt";

/// The policy host of a domain, without trailing dot.
pub fn host_of(domain: &str) -> String {
    format!("mta-sts.{domain}")
}

/// Asks a policy host for the file. `step` is the longest wait for one connection or
/// handshake, `total` that for everything.
pub async fn get(
    egress: &Egress,
    roots: Result<&RootStore, &Why>,
    host: &str,
    addresses: &[IpAddr],
    step: Duration,
    total: Duration,
) -> HttpsExchange {
    let agent = concat!("waxseal/", env!("CARGO_PKG_VERSION"));
    let request = HttpsRequest { host, path: PATH, user_agent: agent, body_bytes: FILE_BYTES, step, total };
    https::get(egress, roots, addresses, &request).await
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoFile {
    /// Because of the policy host.
    Theirs {
        /// The step at which it ended.
        step: StsStep,
        /// One sentence, safe to print.
        text: String,
    },
    /// For a reason that may be ours, or lie with the network in between.
    Unknown(Why),
}

impl NoFile {
    /// The reason as a sentence.
    pub fn text(&self) -> &str {
        match self {
            Self::Theirs { text, .. } => text,
            Self::Unknown(why) => &why.text,
        }
    }

    fn theirs(step: StsStep, text: impl Into<String>) -> Self {
        Self::Theirs { step, text: text.into() }
    }
}

/// The file in an answer, where a sender takes it.
///
/// # Errors
/// Why it does not: no 200, a redirect, another media type, too much of it.
pub fn file(response: &HttpsResponse, host: &str, total: Duration) -> Result<Vec<u8>, NoFile> {
    if (300..400).contains(&response.status) {
        let to = response.location.as_deref().map_or_else(String::new, |l| format!(" to {l}"));
        let text = format!("{host} redirects{to} (HTTP {}), which senders must not follow", response.status);
        return Err(NoFile::theirs(StsStep::Http, text));
    }
    if response.status != 200 {
        let text = format!("{host} answers with HTTP {} instead of 200", response.status);
        return Err(NoFile::theirs(StsStep::Http, text));
    }
    let encoding = response.content_encoding.as_deref();
    if let Some(encoding) = encoding.filter(|e| !e.eq_ignore_ascii_case("identity")) {
        let text = format!("{host} sends the file with Content-Encoding {encoding}, which nobody asked for");
        return Err(NoFile::theirs(StsStep::Http, text));
    }
    if let Some(media) = response.content_type.as_deref().filter(|t| !is_text_plain(t)) {
        let text = format!("{host} sends the file as {media} instead of text/plain");
        return Err(NoFile::theirs(StsStep::MediaType, text));
    }
    match &response.body {
        Ok(body) => Ok(body.clone()),
        Err(error) => Err(no_answer(error, total)),
    }
}

/// Whether the lack of an answer is the policy host's doing, to whom `total` was given.
pub fn no_answer(error: &HttpsError, total: Duration) -> NoFile {
    let why = error.why();
    match (error, why.cause) {
        (HttpsError::Connection(_), Cause::Refused | Cause::Closed) => {
            NoFile::theirs(StsStep::Connection, why.text)
        }
        (HttpsError::Certificate { .. }, _) => NoFile::theirs(StsStep::Certificate, why.text),
        (HttpsError::Tls { .. }, Cause::Declined | Cause::Protocol | Cause::Closed | Cause::TooLarge) => {
            NoFile::theirs(StsStep::Tls, why.text)
        }
        (HttpsError::Http { .. }, _) => NoFile::theirs(StsStep::Http, why.text),
        (HttpsError::TooLarge { .. }, _) => NoFile::theirs(StsStep::Size, why.text),
        // Senders wait a minute too; what waited less proves nothing.
        (HttpsError::Timeout { .. }, _) if total >= PATIENCE => NoFile::theirs(StsStep::Size, why.text),
        _ => NoFile::Unknown(why),
    }
}

/// Parameters of the media type do not count (RFC 8461 section 3.2).
fn is_text_plain(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case("text/plain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_media_type_do_not_count() {
        for (content_type, plain) in [
            ("text/plain", true),
            ("Text/Plain; charset=utf-8", true),
            ("text/plain;charset=us-ascii;x=y", true),
            ("text/html", false),
            ("text/plainer", false),
            ("", false),
        ] {
            assert_eq!(is_text_plain(content_type), plain, "{content_type}");
        }
    }

    #[test]
    fn what_a_slow_answer_proves_depends_on_how_long_it_was_waited_for() {
        let error = HttpsError::Timeout { host: "mta-sts.example.com".into(), after: PATIENCE };
        assert!(matches!(no_answer(&error, PATIENCE), NoFile::Theirs { .. }));
        assert!(matches!(no_answer(&error, PATIENCE / 2), NoFile::Unknown(_)));
    }

    #[test]
    fn a_file_is_taken_from_a_plain_200_alone() {
        let good = HttpsResponse {
            status: 200,
            content_type: Some("text/plain".into()),
            content_encoding: None,
            location: None,
            body: Ok(b"version: STSv1".to_vec()),
        };
        let take = |response: &HttpsResponse| file(response, "mta-sts.example.com", PATIENCE);
        assert_eq!(take(&good).unwrap(), b"version: STSv1");
        assert!(take(&HttpsResponse { content_type: None, ..good.clone() }).is_ok());
        for (response, step) in [
            (
                HttpsResponse { status: 301, location: Some("https://x/".into()), ..good.clone() },
                StsStep::Http,
            ),
            (HttpsResponse { status: 404, ..good.clone() }, StsStep::Http),
            (HttpsResponse { content_encoding: Some("gzip".into()), ..good.clone() }, StsStep::Http),
            (HttpsResponse { content_type: Some("text/html".into()), ..good.clone() }, StsStep::MediaType),
            (
                HttpsResponse {
                    body: Err(HttpsError::TooLarge { host: "h".into(), limit: FILE_BYTES }),
                    ..good.clone()
                },
                StsStep::Size,
            ),
        ] {
            let NoFile::Theirs { step: found, text } = take(&response).unwrap_err() else { panic!() };
            assert_eq!(found, step, "{text}");
        }
    }
}
