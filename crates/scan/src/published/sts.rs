//! MTA-STS discovery, step by step as a sender without a cached policy takes it (RFC 8461
//! section 3.3). What a sender could not use is a fact about the domain; what may lie with
//! us or the network in between is "not found out".

use std::net::IpAddr;

use waxseal_model::{
    Cause, Observed, Why,
    certificate::PresentedChain,
    policy::{PolicyEvidence, PolicyFetch, StsDiscovery, StsProblem, StsStep},
    tls::TlsVersion,
};
use waxseal_net::{
    https::HttpsExchange,
    resolver::Resolver,
    sts::{self, NoFile},
};
use waxseal_probe::Prober;
use waxseal_wire::{sts as wire_sts, text::neutralise_lines, x509};

use super::{failed, texts};
use crate::names;

/// So many steps may the whole request take, if that is less.
const STEPS: u32 = 3;

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
    let selection = wire_sts::record::select(&texts?);
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
    let host = sts::host_of(domain);
    let answers = names::addresses(resolver, &host).await;
    let addresses = names::usable(&answers);
    let mut fetch = PolicyFetch {
        url: format!("https://{host}{}", sts::PATH),
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
                NoFile::Theirs { step, text } => {
                    trail.problem = Some(StsProblem { step, text });
                    Ok(None)
                }
                NoFile::Unknown(why) => Err(why),
            };
        }
    };
    if fetch.content_type.is_none() {
        trail.warnings.push("the policy file is sent without Content-Type: it should be text/plain".into());
    }
    trail.fetch = Observed::seen(fetch);
    let parsed = wire_sts::policy::parse(&body, id);
    trail.warnings.extend(parsed.warnings);
    if parsed.value.is_none() {
        trail.problem = Some(StsProblem { step: StsStep::Policy, text: parsed.errors.join("; ") });
    }
    Ok(parsed.value)
}

/// One request, noted in `fetch`; the file where a sender would take it.
async fn request(
    prober: &Prober,
    host: &str,
    addresses: &[IpAddr],
    fetch: &mut PolicyFetch,
) -> Result<Vec<u8>, NoFile> {
    let step = prober.options.step_timeout;
    let total = sts::PATIENCE.min(step * STEPS);
    let roots = prober.roots.as_ref().map(AsRef::as_ref);
    let exchange = sts::get(&prober.egress, roots, host, addresses, step, total).await;
    fetch.address = exchange.address;
    fetch.milliseconds = u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX);
    fetch.chain = chain(prober, host, &exchange);
    match exchange.result {
        Err(error) => Err(sts::no_answer(&error, total)),
        Ok(response) => {
            let body = sts::file(&response, host, total);
            fetch.status = Some(response.status);
            fetch.content_type = response.content_type;
            fetch.location = response.location;
            let body = body?;
            fetch.sha256 = Some(x509::sha256_hex(&body));
            fetch.body = Some(neutralise_lines(&body, sts::FILE_BYTES));
            Ok(body)
        }
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
