//! The certificates that a server shows to a client that names it otherwise: senders that
//! use DANE name the TLSA base domain (RFC 7672 section 8.1), which differs from the MX
//! host's name where that is an alias.

use std::collections::BTreeMap;

use tokio::time::{Instant, timeout};
use waxseal_model::{Endpoint, Observed, PresentedChain, Why, tls::TlsVersion};
use waxseal_net::{
    tls::{CertificateKind, TlsConnection, handshake_for},
    transcript::Transcript,
};

use crate::{
    chains::{no_readable_chain, present},
    open::{Line, Opened},
    prober::Prober,
    state::{Accompanying, RawChain},
};

/// What came of asking for a server's certificates under another name.
#[derive(Debug)]
pub struct NamedChains {
    /// One chain for each kind of certificate that the server holds.
    pub chains: Observed<Vec<PresentedChain>>,
    /// Connections that it took, at most two.
    pub connections: u32,
}

/// Makes a handshake with `name` in SNI for each kind of certificate. `spent` connections
/// of the endpoint's budget are gone already.
pub async fn chains_for_name(prober: &Prober, endpoint: &Endpoint, name: &str, spent: u32) -> NamedChains {
    let started = Instant::now();
    let deadline = started + prober.options.total_timeout;
    let mut line = Line::new(prober, endpoint, Transcript::new(started), deadline, spent);
    let mut raw: Vec<RawChain> = Vec::new();
    let mut accompanying: BTreeMap<Vec<u8>, Accompanying> = BTreeMap::new();
    let mut obstacle: Option<Why> = None;
    for kind in [None, Some(CertificateKind::Rsa)] {
        match one(&mut line, name, kind).await {
            Ok((chain, staple)) => {
                if let Some(leaf) = chain.certificates.first() {
                    accompanying.entry(leaf.clone()).or_default().note_staple(staple);
                }
                if raw.iter().all(|c| c.certificates != chain.certificates) {
                    raw.push(chain);
                }
            }
            Err(why) => obstacle = obstacle.or(Some(why)),
        }
        // The first handshake gets the certificate that clients prefer; where that is RSA
        // already, a server with another one would have shown it.
        if raw.is_empty() || raw.iter().any(is_rsa) {
            break;
        }
    }
    let chains = present(&raw, &accompanying, &prober.roots);
    let chains = match (chains.is_empty(), obstacle) {
        (false, _) => Observed::seen(chains),
        (true, Some(why)) => Observed::Failed { why },
        (true, None) => no_readable_chain(&raw),
    };
    NamedChains { chains, connections: line.connections.saturating_sub(spent) }
}

fn is_rsa(chain: &RawChain) -> bool {
    let leaf = chain.certificates.first().map(|der| waxseal_wire::x509::facts(der));
    matches!(leaf, Some(Ok(facts)) if facts.key.algorithm == "RSA")
}

/// One chain, and the staple that came with it.
async fn one(
    line: &mut Line<'_>,
    name: &str,
    kind: Option<CertificateKind>,
) -> Result<(RawChain, Option<Vec<u8>>), Why> {
    let Opened { stream, permit, .. } = line.open().await.map_err(|o| o.why().clone())?;
    let result = handshake_for(stream, Some(name), kind, line.step_deadline()).await;
    drop(permit);
    match result {
        Ok(TlsConnection { mut stream, facts, chain, staple, sni }) => {
            use tokio::io::AsyncWriteExt;
            let _ = timeout(line.prober.options.leave(), stream.shutdown()).await;
            let version: TlsVersion = facts.version;
            Ok((RawChain { version, sni, possession_proven: true, certificates: chain }, staple))
        }
        Err(failure) => Err(failure.why()),
    }
}
