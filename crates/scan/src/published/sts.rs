//! MTA-STS discovery, step by step as a sender without a cached policy takes it (RFC 8461
//! section 3.3). What a sender could not use is a fact about the domain; what may lie with
//! us or the network in between is "not found out".

use std::{net::IpAddr, time::Duration};

use waxseal_model::{
    Cause, Observed, Why,
    certificate::PresentedChain,
    policy::{PolicyEvidence, PolicyFetch, StsDiscovery, StsProblem, StsStep},
    tls::TlsVersion,
};
use waxseal_net::{
    https::{self, HttpsError, HttpsExchange, HttpsRequest, HttpsResponse},
    resolver::Resolver,
};
use waxseal_probe::Prober;
use waxseal_wire::{sts, text::neutralise_lines, x509};

use super::{failed, texts};
use crate::names;

/// The most bytes of a policy file (RFC 8461 section 3.3 suggests 64 kilobytes).
const FILE_BYTES: usize = 64 * 1024;
/// The longest that a sender waits for it (the same section suggests a minute).
const PATIENCE: Duration = Duration::from_secs(60);
/// So many steps may the whole request take, if that is less.
const STEPS: u32 = 3;
/// Where the file lies.
const PATH: &str = "/.well-known/mta-sts.txt";

/// Looks a domain's policy up and notes all steps in `policies`.
pub async fn discover(resolver: &Resolver, prober: &Prober, domain: &str, policies: &mut PolicyEvidence) {
    let mut trail =
        StsDiscovery { earlier: policies.sts_discovery.earlier.take(), ..StsDiscovery::default() };
    policies.sts = match record(resolver, domain, &mut trail).await {
        Err(why) => failed(why),
        Ok(None) => {
            if trail.problem.is_none() {
                look_for_unannounced(resolver, prober, domain, &mut trail).await;
            }
            Observed::seen(None)
        }
        Ok(Some(id)) => match policy(resolver, prober, domain, &id, &mut trail).await {
            Ok(policy) => Observed::seen(policy),
            Err(why) => failed(why),
        },
    };
    policies.sts_discovery = trail;
}

/// Notes it where a valid policy is served that no record announces: a record that was
/// forgotten, or that got lost. Nothing is asked where the policy host does not exist.
async fn look_for_unannounced(resolver: &Resolver, prober: &Prober, domain: &str, trail: &mut StsDiscovery) {
    let mut aside = StsDiscovery::default();
    if let Ok(Some(_)) = policy(resolver, prober, domain, "0", &mut aside).await {
        trail.unannounced = true;
        trail.fetch = aside.fetch;
    }
}

/// The id of the one valid record, if there is one.
async fn record(resolver: &Resolver, domain: &str, trail: &mut StsDiscovery) -> Result<Option<String>, Why> {
    let answer = resolver.lookup(&format!("_mta-sts.{domain}"), "TXT").await;
    let texts = texts(&answer);
    trail.record_answer = Observed::seen(answer);
    let selection = sts::record::select(&texts?);
    trail.warnings.extend(selection.warnings);
    if let Some(text) = selection.problem {
        trail.problem = Some(StsProblem { step: StsStep::Record, text });
    }
    trail.record_id = selection.record.map(|r| r.id);
    Ok(trail.record_id.clone())
}

/// The policy of a domain whose record is valid. `Ok(None)`: a sender gets none.
async fn policy(
    resolver: &Resolver,
    prober: &Prober,
    domain: &str,
    id: &str,
    trail: &mut StsDiscovery,
) -> Result<Option<waxseal_model::policy::StsPolicy>, Why> {
    let host = format!("mta-sts.{domain}");
    let answers = names::addresses(resolver, &host).await;
    let addresses = names::usable(&answers);
    let mut fetch = PolicyFetch {
        url: format!("https://{host}{PATH}"),
        answers,
        address: None,
        chain: None,
        status: None,
        content_type: None,
        location: None,
        body: None,
        sha256: None,
        milliseconds: 0,
    };
    if addresses.is_empty() {
        let why = names::no_address(&host, &fetch.answers);
        trail.fetch = Observed::Failed { why: why.clone() };
        return if why.cause == Cause::Name {
            trail.problem = Some(StsProblem { step: StsStep::Host, text: why.text });
            Ok(None)
        } else {
            Err(why)
        };
    }
    let body = match request(prober, &host, &addresses, &mut fetch).await {
        Ok(body) => body,
        Err(end) => {
            trail.fetch = Observed::seen(fetch);
            return match end {
                End::Theirs(problem) => {
                    trail.problem = Some(problem);
                    Ok(None)
                }
                End::Unknown(why) => Err(why),
            };
        }
    };
    if fetch.content_type.is_none() {
        trail.warnings.push("the policy file is sent without Content-Type: it should be text/plain".into());
    }
    trail.fetch = Observed::seen(fetch);
    let parsed = sts::policy::parse(&body, id);
    trail.warnings.extend(parsed.warnings);
    if parsed.value.is_none() {
        trail.problem = Some(StsProblem { step: StsStep::Policy, text: parsed.errors.join("; ") });
    }
    Ok(parsed.value)
}

/// Why there is no file: because of the policy host, or for a reason that may be ours.
enum End {
    Theirs(StsProblem),
    Unknown(Why),
}

fn theirs(step: StsStep, text: impl Into<String>) -> End {
    End::Theirs(StsProblem { step, text: text.into() })
}

/// One request, noted in `fetch`; the file where a sender would take it.
async fn request(
    prober: &Prober,
    host: &str,
    addresses: &[IpAddr],
    fetch: &mut PolicyFetch,
) -> Result<Vec<u8>, End> {
    let step = prober.options.step_timeout;
    let total = PATIENCE.min(step * STEPS);
    let agent = format!("waxseal/{}", env!("CARGO_PKG_VERSION"));
    let request = HttpsRequest { host, path: PATH, user_agent: &agent, body_bytes: FILE_BYTES, step, total };
    let roots = prober.roots.as_ref().map(AsRef::as_ref);
    let exchange = https::get(&prober.egress, roots, addresses, &request).await;
    fetch.address = exchange.address;
    fetch.milliseconds = u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX);
    fetch.chain = chain(prober, host, &exchange);
    match exchange.result {
        Err(error) => Err(no_answer(&error, total)),
        Ok(response) => answer(response, host, fetch, total),
    }
}

/// The certificates of the policy host as evidence keeps them.
fn chain(prober: &Prober, host: &str, exchange: &HttpsExchange) -> Option<PresentedChain> {
    let certificates: Vec<_> = exchange.chain.iter().map_while(|der| x509::facts(der).ok()).collect();
    certificates.first()?;
    let path = match &prober.roots {
        Ok(roots) => Observed::seen(x509::path(&exchange.chain, roots)),
        Err(why) => Observed::NotTried { why: why.clone() },
    };
    let version = exchange.version.unwrap_or(TlsVersion::Tls12);
    Some(PresentedChain {
        version,
        sni: Some(host.to_owned()),
        possession_proven: true,
        certificates,
        path,
        staple: Observed::default(),
        handshake_scts: Observed::default(),
        revocation: Observed::default(),
    })
}

/// Whether the lack of an answer is the policy host's doing.
fn no_answer(error: &HttpsError, total: Duration) -> End {
    let why = error.why();
    match (error, why.cause) {
        (HttpsError::Connection(_), Cause::Refused | Cause::Closed) => theirs(StsStep::Connection, why.text),
        (HttpsError::Certificate { .. }, _) => theirs(StsStep::Certificate, why.text),
        (HttpsError::Tls { .. }, Cause::Declined | Cause::Protocol | Cause::Closed | Cause::TooLarge) => {
            theirs(StsStep::Tls, why.text)
        }
        (HttpsError::Http { .. }, _) => theirs(StsStep::Http, why.text),
        (HttpsError::TooLarge { .. }, _) => theirs(StsStep::Size, why.text),
        // Senders wait a minute too; what waited less proves nothing.
        (HttpsError::Timeout { .. }, _) if total >= PATIENCE => theirs(StsStep::Size, why.text),
        _ => End::Unknown(why),
    }
}

/// Whether an answer holds a file that a sender takes.
fn answer(
    response: HttpsResponse,
    host: &str,
    fetch: &mut PolicyFetch,
    total: Duration,
) -> Result<Vec<u8>, End> {
    fetch.status = Some(response.status);
    fetch.content_type = response.content_type;
    fetch.location = response.location;
    if (300..400).contains(&response.status) {
        let to = fetch.location.as_deref().map_or_else(String::new, |l| format!(" to {l}"));
        let text = format!("{host} redirects{to} (HTTP {}), which senders must not follow", response.status);
        return Err(theirs(StsStep::Http, text));
    }
    if response.status != 200 {
        let text = format!("{host} answers with HTTP {} instead of 200", response.status);
        return Err(theirs(StsStep::Http, text));
    }
    if let Some(encoding) = response.content_encoding.filter(|e| !e.eq_ignore_ascii_case("identity")) {
        let text = format!("{host} sends the file with Content-Encoding {encoding}, which nobody asked for");
        return Err(theirs(StsStep::Http, text));
    }
    if let Some(media) = fetch.content_type.as_deref().filter(|t| !is_text_plain(t)) {
        let text = format!("{host} sends the file as {media} instead of text/plain");
        return Err(theirs(StsStep::MediaType, text));
    }
    let body = response.body.map_err(|e| no_answer(&e, total))?;
    fetch.sha256 = Some(x509::sha256_hex(&body));
    fetch.body = Some(neutralise_lines(&body, FILE_BYTES));
    Ok(body)
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
        assert!(matches!(no_answer(&error, PATIENCE), End::Theirs(_)));
        assert!(matches!(no_answer(&error, PATIENCE / 2), End::Unknown(_)));
    }
}
