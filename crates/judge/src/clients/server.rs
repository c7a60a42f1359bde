//! What the evidence says of a server, in the terms of a negotiation.

use waxseal_model::{
    EndpointEvidence, Observed,
    audit::{AuditFacts, ClientCertificate, WithoutSni},
    tls::{SuiteOrder, TlsEvidence, TlsVersion},
};
use waxseal_wire::tls::{groups, scheme, suites};

use super::offer;
use crate::state;

/// A list of codes, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    /// In the server's order where that shows.
    pub(super) codes: Vec<u16>,
    /// Nothing else is accepted.
    pub(super) complete: bool,
    /// Why it is not complete, or not known at all.
    pub(super) why: Option<String>,
}

impl Known {
    fn open(codes: Vec<u16>, why: impl Into<String>) -> Self {
        Self { codes, complete: false, why: Some(why.into()) }
    }

    /// Why the list does not settle a question.
    pub(super) fn gap(&self) -> String {
        self.why.clone().unwrap_or_else(|| "the list may go on".into())
    }
}

/// The suites of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Suites {
    pub(super) list: Known,
    pub(super) order: Option<SuiteOrder>,
    pub(super) chacha_by_client: Option<bool>,
}

/// One endpoint.
pub(super) struct Server<'a> {
    pub(super) tls: &'a TlsEvidence,
    pub(super) audit: &'a AuditFacts,
    endpoint: &'a EndpointEvidence,
}

impl<'a> Server<'a> {
    /// None where there was no audit.
    pub(super) fn of(endpoint: &'a EndpointEvidence) -> Option<Self> {
        let tls = &endpoint.evidence.tls;
        Some(Self { tls, audit: tls.audit.as_deref()?, endpoint })
    }

    /// Whether a version is accepted; why it is not known.
    pub(super) fn accepts(&self, version: TlsVersion) -> Result<bool, String> {
        state::accepts(self.tls, version).map_err(|why| why.text)
    }

    /// Whether a hello without SNI is taken; why it is not known.
    pub(super) fn needs_name(&self) -> Result<bool, String> {
        match (&self.tls.sni_required, self.audit.without_sni.get()) {
            (Observed::Seen { value }, _) => Ok(*value),
            (_, Some(answer)) => Ok(matches!(answer, WithoutSni::Refused { .. })),
            (Observed::NotTried { why } | Observed::Failed { why }, None) => Err(why.text.clone()),
        }
    }

    /// It ends the handshake of clients without a certificate.
    pub(super) fn demands_certificate(&self) -> bool {
        self.audit.client_certificate.get() == Some(&ClientCertificate::Demanded)
    }

    pub(super) fn suites(&self, version: TlsVersion) -> Suites {
        let names = self.tls.suites.get(&version).map(Vec::as_slice).unwrap_or_default();
        let codes = offer::codes(names, offer::suite);
        let label = version.label();
        match self.audit.suite_lists.get(&version) {
            Some(Observed::Seen { value }) => {
                let gap = || match &value.why_incomplete {
                    Some(why) => why.text.clone(),
                    None => format!("the list of its {label} suites is not complete"),
                };
                let why = (!value.complete).then(gap);
                Suites {
                    list: Known { codes, complete: value.complete, why },
                    order: value.order,
                    chacha_by_client: value.chacha_by_client,
                }
            }
            Some(Observed::NotTried { why } | Observed::Failed { why }) => {
                Suites { list: Known::open(codes, why.text.clone()), order: None, chacha_by_client: None }
            }
            None => Suites {
                list: Known::open(codes, format!("its {label} suites were not listed")),
                order: None,
                chacha_by_client: None,
            },
        }
    }

    /// Groups of a version: an audit lists them by version, a check for the newest alone.
    pub(super) fn groups(&self, version: TlsVersion) -> Known {
        let observed = self.audit.groups.get(&version).unwrap_or(&self.tls.group_facts);
        let allowed: Vec<u16> = match version {
            TlsVersion::Tls13 => groups::for_tls13(),
            _ => groups::curves_for_tls12(),
        };
        match observed {
            Observed::Seen { value } => {
                let codes = value.chosen.iter().map(|g| g.code).filter(|c| allowed.contains(c)).collect();
                // The list of another version proves what is there, not what is missing.
                let complete = value.complete && self.audit.groups.contains_key(&version);
                let why = (!complete).then(|| "the list of its groups is not complete".to_owned());
                Known { codes, complete, why }
            }
            Observed::NotTried { why } | Observed::Failed { why } => {
                Known::open(Vec::new(), why.text.clone())
            }
        }
    }

    /// Schemes of the handshake's signature.
    pub(super) fn schemes(&self, version: TlsVersion) -> Known {
        match self.audit.signature_algorithms.get(&version) {
            Some(Observed::Seen { value }) => {
                let complete = value.complete && value.unoffered.is_none();
                let why =
                    (!complete).then(|| "the list of its signature algorithms is not complete".to_owned());
                Known { codes: offer::codes(&value.chosen, scheme::code), complete, why }
            }
            Some(Observed::NotTried { why } | Observed::Failed { why }) => {
                Known::open(Vec::new(), why.text.clone())
            }
            None => Known::open(Vec::new(), "its signature algorithms were not listed"),
        }
    }

    /// The curves of its ECDSA certificates; empty where none was seen.
    pub(super) fn certificate_curves(&self) -> Vec<u16> {
        let chains = self.endpoint.evidence.chains.get().map(Vec::as_slice).unwrap_or_default();
        let curves = chains.iter().filter_map(|c| c.leaf()?.key.curve.as_deref()).filter_map(curve);
        curves.collect()
    }

    /// Bits of the prime that it uses for Diffie-Hellman.
    pub(super) fn dh_bits(&self) -> Option<u32> {
        self.tls.dh.get().map(|dh| dh.bits)
    }
}

/// The group of a curve as certificates name it.
fn curve(name: &str) -> Option<u16> {
    match name {
        "P-192" => groups::code("secp192r1"),
        "P-224" => groups::code("secp224r1"),
        "P-256" => groups::code("secp256r1"),
        "P-384" => groups::code("secp384r1"),
        "P-521" => groups::code("secp521r1"),
        other => groups::code(other),
    }
}

/// The first names of a list, for sentences.
pub(super) fn first_names(names: &[String]) -> String {
    let shown = names.get(..3).unwrap_or(names).join(", ");
    match names.len().saturating_sub(3) {
        0 if names.is_empty() => "none".into(),
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The same for suites.
pub(super) fn suite_names(codes: &[u16]) -> String {
    first_names(&codes.iter().map(|c| suites::suite(u32::from(*c)).name).collect::<Vec<_>>())
}

/// The same for groups.
pub(super) fn group_names(codes: &[u16]) -> String {
    first_names(&codes.iter().map(|c| groups::named(*c).name).collect::<Vec<_>>())
}

/// The same for signature schemes.
pub(super) fn scheme_names(codes: &[u16]) -> String {
    first_names(&codes.iter().map(|c| scheme::label(*c)).collect::<Vec<_>>())
}
