//! From a subject to the servers in question, and one look at each.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use waxseal_model::{
    Cause, DomainEvidence, Endpoint, EndpointEvidence, TlsStart, Usage, Why,
    evidence::{MailRouting, MxHost},
};
use waxseal_probe::{ProbeOptions, Prober, probe_endpoint};

use super::{
    Run,
    notes::{Notes, list},
    subject::Server,
};
use crate::{names, ports};

/// Servers that are looked at side by side.
const AT_A_TIME: usize = 8;
/// The patience for a connection that only serves for comparison.
const BRIEFLY: Duration = Duration::from_secs(6);
/// More addresses than this are not looked at.
const MOST: usize = 24;

/// An address and port that is to be looked at.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    pub(super) endpoint: Endpoint,
    pub(super) preference: Option<u16>,
}

impl Aim {
    /// The name of this place in observations.
    pub(super) fn at(&self) -> String {
        self.endpoint.id()
    }

    /// By which addresses of one host belong together.
    pub(super) fn host(&self) -> String {
        host_of(&self.endpoint)
    }

    /// The same server at another port.
    pub(super) fn at_port(&self, port: u16) -> Self {
        self.with_start(port, ports::tls_start(port))
    }

    /// The same server at another port, with TLS begun that way.
    pub(super) fn with_start(&self, port: u16, tls: TlsStart) -> Self {
        let usage = ports::usage(port);
        Self { endpoint: Endpoint { port, tls, usage, ..self.endpoint.clone() }, preference: None }
    }
}

pub(super) fn host_of(endpoint: &Endpoint) -> String {
    endpoint.host.clone().unwrap_or_else(|| endpoint.address.to_string())
}

/// The servers in question.
#[derive(Debug)]
pub(super) struct Servers {
    /// The domain whose servers they are, where it is about those.
    pub(super) domain: Option<DomainEvidence>,
    pub(super) aims: Vec<Aim>,
}

/// Finds the servers that a diagnosis is about: the one that was named, or the MX hosts of
/// the recipient's domain, at every address.
///
/// # Errors
/// Why there are none, as the rest of "could not be tested because".
pub(super) async fn find(run: &Run<'_>, notes: &mut Notes) -> Result<Servers, String> {
    let subject = run.subject;
    let server = subject.server.as_ref();
    let direct = server.filter(|s| subject.server_given || is_submission(s.port()));
    if let Some(server) = direct {
        return host(run, server, notes).await;
    }
    let Some(domain) = &subject.recipient_domain else {
        return match server {
            Some(server) => host(run, server, notes).await,
            None => Err(
                "neither the server nor the recipient's domain is known: name one with --server HOST:PORT \
                         or --to DOMAIN"
                    .to_owned(),
            ),
        };
    };
    let evidence = names::domain(&run.means.resolver, domain).await;
    match server {
        // Mail that went through a host of one's own: it is that host which answered.
        Some(server)
            if !is_mail_host(&evidence, server) && (is_elsewhere(server) || evidence.hosts.is_empty()) =>
        {
            host(run, server, notes).await
        }
        _ => mail_hosts(evidence, notes),
    }
}

fn is_submission(port: u16) -> bool {
    ports::usage(port) == Usage::Submission
}

/// True if the server is not just a filter or relay on the sender's own machine or network.
fn is_elsewhere(server: &Server) -> bool {
    let special = |ip: IpAddr| waxseal_net::egress::special_purpose(ip).is_some();
    match (&server.host, server.address) {
        (Some(host), _) if host == "localhost" => false,
        (_, Some(address)) => !special(address),
        (_, None) => true,
    }
}

/// True if the server is one of the domain's mail hosts.
pub(super) fn is_mail_host(domain: &DomainEvidence, server: &Server) -> bool {
    domain.hosts.iter().any(|mx| {
        server.host.as_deref().is_some_and(|h| h.eq_ignore_ascii_case(&mx.name))
            || server.address.is_some_and(|a| mx.addresses.contains(&a))
    })
}

/// The mail hosts of a domain as aims.
pub(super) fn mail_hosts(domain: DomainEvidence, notes: &mut Notes) -> Result<Servers, String> {
    note_mx(&domain, notes);
    let aims: Vec<Aim> = domain.hosts.iter().flat_map(aims_of).take(MOST).collect();
    if aims.is_empty() {
        return Err(no_host(&domain).text);
    }
    Ok(Servers { domain: Some(domain), aims })
}

fn aims_of(mx: &MxHost) -> impl Iterator<Item = Aim> {
    mx.addresses.iter().map(|address| Aim {
        endpoint: endpoint((!mx.ip_literal).then(|| mx.name.clone()), *address, ports::SMTP),
        preference: mx.preference,
    })
}

fn note_mx(domain: &DomainEvidence, notes: &mut Notes) {
    let hosts: Vec<&str> = domain.hosts.iter().map(|h| h.name.as_str()).collect();
    let what = format!("MX of {}", domain.name);
    match domain.routing {
        MailRouting::Mx | MailRouting::NullMxWithOthers => notes.aside(what, list(&hosts)),
        MailRouting::ImplicitMx => notes.aside(what, "none, so mail goes to the domain's own address"),
        _ => notes.failed(what, no_host(domain).text),
    }
}

/// Why a domain has no mail host that can be reached.
pub(super) fn no_host(domain: &DomainEvidence) -> Why {
    crate::one::no_endpoint(domain)
}

/// A server by its name or address, at all its addresses.
pub(super) async fn host(run: &Run<'_>, server: &Server, notes: &mut Notes) -> Result<Servers, String> {
    let port = server.port();
    let addresses = match (&server.host, server.address) {
        (Some(host), _) => {
            let answers = names::addresses(&run.means.resolver, host).await;
            let found = names::usable(&answers);
            match (found.is_empty(), server.address) {
                (true, Some(address)) => {
                    notes.failed(format!("address of {host}"), names::no_address(host, &answers).text);
                    vec![address]
                }
                (true, None) => return Err(names::no_address(host, &answers).text),
                (false, _) => found,
            }
        }
        (None, Some(address)) => vec![address],
        (None, None) => return Err("the server is not known: name it with --server HOST:PORT".to_owned()),
    };
    let aim = |address| Aim { endpoint: endpoint(server.host.clone(), address, port), preference: None };
    Ok(Servers { domain: None, aims: addresses.into_iter().map(aim).take(MOST).collect() })
}

pub(super) fn endpoint(host: Option<String>, address: IpAddr, port: u16) -> Endpoint {
    let (tls, usage) = (ports::tls_start(port), ports::usage(port));
    Endpoint { host, address, port, tls, usage, connected_to: None }
}

/// How much may be asked of each address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    /// Connections.
    pub(super) budget: u32,
    /// TLS begins as the aim says, whatever the server seems to want.
    pub(super) start_fixed: bool,
}

/// One connection: greeting, EHLO, STARTTLS, the handshake, EHLO again.
pub(super) const ONE: Depth = Depth { budget: 1, start_fixed: true };

/// Looks at every aim, in their order.
pub(super) async fn look(run: &Run<'_>, aims: &[Aim], depth: Depth) -> Vec<EndpointEvidence> {
    let prober = &limited(&run.means.prober, depth);
    stream::iter(aims)
        .map(|aim| {
            let name = aim.endpoint.host.clone();
            Box::pin(probe_endpoint(prober, aim.endpoint.clone(), aim.preference, name))
        })
        .buffered(AT_A_TIME)
        .collect()
        .await
}

fn limited(prober: &Prober, depth: Depth) -> Prober {
    let options = ProbeOptions {
        budget: depth.budget.min(prober.options.budget),
        tls_start_fixed: depth.start_fixed || prober.options.tls_start_fixed,
        audit: None,
        ..prober.options.clone()
    };
    Prober { options, ..prober.clone() }
}

/// Whether a connection to an address and port stands, and nothing more.
pub(super) async fn knock(run: &Run<'_>, address: IpAddr, port: u16) -> Result<(), Why> {
    let prober = &run.means.prober;
    let permit = prober.pacer.permit(address).await.map_err(|e| e.why())?;
    let stands = prober.egress.connect(SocketAddr::new(address, port)).await;
    drop(permit);
    stands.map(|_| ()).map_err(|e| e.why())
}

/// The same with less patience, for comparison.
pub(super) async fn knock_briefly(run: &Run<'_>, address: IpAddr, port: u16) -> Result<(), Why> {
    match tokio::time::timeout(BRIEFLY, knock(run, address, port)).await {
        Ok(knocked) => knocked,
        Err(_) => {
            let text =
                format!("{} did not answer within {} s", SocketAddr::new(address, port), BRIEFLY.as_secs());
            Err(Why::new(Cause::Timeout, text))
        }
    }
}

/// True if the reason lies with this machine or its network, so that it says nothing about
/// the server.
pub(super) fn is_ours(why: &Why) -> bool {
    matches!(why.cause, Cause::Forbidden | Cause::Internal | Cause::Budget | Cause::RateLimited)
}
