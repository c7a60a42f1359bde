//! From the chains as they came to chains as evidence holds them.

use std::{collections::BTreeMap, sync::Arc};

use waxseal_model::{
    Cause, Observed, PresentedChain, Why,
    certificate::ModulusFlaw,
    revocation::{OcspFacts, SctFacts},
};
use waxseal_wire::x509::{self, RootStore};

use crate::state::{Accompanying, RawChain};

/// Why there is no chain, by the chains alone: unreadable, or none there.
pub(crate) fn no_readable_chain(chains: &[RawChain]) -> Observed<Vec<PresentedChain>> {
    let unreadable =
        chains.iter().filter_map(|c| c.certificates.first()).find_map(|der| x509::facts(der).err());
    match unreadable {
        Some(error) => Observed::failed(Cause::Protocol, format!("the certificate cannot be read: {error}")),
        None => Observed::not_tried(Cause::Prerequisite, "no certificate was presented"),
    }
}

/// Reads the chains with what came along, and looks for their paths.
pub(crate) fn present(
    chains: &[RawChain],
    accompanying: &BTreeMap<Vec<u8>, Accompanying>,
    roots: &Result<Arc<RootStore>, Why>,
) -> Vec<PresentedChain> {
    chains
        .iter()
        .filter_map(|chain| {
            let mut certificates: Vec<_> =
                chain.certificates.iter().map_while(|der| x509::facts(der).ok()).collect();
            // A chain without a readable leaf is no chain: the handshake's facts say so.
            let leaf = chain.certificates.first()?;
            let shared = chains.iter().filter_map(|c| c.certificates.first());
            if shared.into_iter().any(|other| x509::share_a_prime(leaf, other))
                && let Some(rsa) = certificates.first_mut().and_then(|c| c.key.rsa.as_mut())
            {
                rsa.factorable = rsa.factorable.take().or(Some(ModulusFlaw::SharedPrime));
            }
            certificates.first()?;
            let path = match roots {
                Ok(roots) => Observed::seen(x509::path(&chain.certificates, roots)),
                Err(why) => Observed::NotTried { why: why.clone() },
            };
            let along = accompanying.get(leaf).cloned().unwrap_or_default();
            Some(PresentedChain {
                version: chain.version,
                sni: chain.sni.clone(),
                possession_proven: chain.possession_proven,
                certificates,
                path,
                staple: staple(along.staple, &chain.certificates, roots.as_deref().ok()),
                handshake_scts: scts(along.scts),
                revocation: Observed::default(),
            })
        })
        .collect()
}

/// What a stapled response says. The issuer is looked for in the chain, then among the roots.
fn staple(
    raw: Observed<Option<Vec<u8>>>,
    chain: &[Vec<u8>],
    roots: Option<&RootStore>,
) -> Observed<Option<OcspFacts>> {
    match raw {
        Observed::Seen { value: Some(response) } => {
            let Some(leaf) = chain.first() else { return Observed::default() };
            let issuer = x509::issuer_of(leaf, chain, roots);
            match x509::ocsp_facts(&response, leaf, issuer.as_deref(), None) {
                Ok(facts) => Observed::seen(Some(facts)),
                Err(error) => Observed::failed(Cause::Protocol, error.to_string()),
            }
        }
        other => other.map(|_| None),
    }
}

/// The timestamps in the content of the extension.
fn scts(raw: Observed<Vec<u8>>) -> Observed<Vec<SctFacts>> {
    match raw {
        Observed::Seen { value } if value.is_empty() => Observed::seen(Vec::new()),
        Observed::Seen { value } => match x509::sct_list(&value) {
            Ok(list) => Observed::seen(list),
            Err(error) => Observed::failed(Cause::Protocol, error.to_string()),
        },
        other => other.map(|_| Vec::new()),
    }
}
