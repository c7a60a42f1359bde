//! What a domain publishes for senders: MTA-STS, TLS-RPT, TLSA records, looked for in the
//! way that senders do.
//!
//! - [`sts`]: the TXT record and the policy file (RFC 8461 section 3).
//! - [`tlsrpt`]: the TXT record, and whether its addresses take mail (RFC 8460 section 3).
//! - [`dane`]: TLSA records for an endpoint, and what they match (RFC 7672).

pub mod dane;
pub mod sts;
pub mod tlsrpt;

use waxseal_model::{
    Cause, DnsAnswer, Observed, PresentedChain, Why,
    dns::{DnsOutcome, DnssecStatus, RecordData},
};

/// The texts of an answer for TXT, each joined from its strings. Empty where the name or
/// the record does not exist.
///
/// # Errors
/// Why it is not known whether there are any.
fn texts(answer: &DnsAnswer) -> Result<Vec<String>, Why> {
    if answer.status == DnssecStatus::Bogus {
        let text = format!("the TXT records at {} are bogus: {}", answer.name, answer.reason);
        return Err(Why::new(Cause::Resolver, text));
    }
    match answer.outcome {
        DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain => Ok(answer
            .records
            .iter()
            .filter_map(|r| match &r.data {
                RecordData::Txt { text } => Some(text.clone()),
                _ => None,
            })
            .collect()),
        DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable => {
            let text =
                format!("the TXT records at {} could not be looked up: {}", answer.name, answer.reason);
            Err(Why::new(Cause::Resolver, text))
        }
    }
}

/// The certificates of a chain as DER, leaf first.
pub(crate) fn ders(chain: &PresentedChain) -> Vec<Vec<u8>> {
    chain.certificates.iter().map_while(waxseal_wire::x509::der_of).collect()
}

/// An observation that failed.
fn failed<T>(why: Why) -> Observed<T> {
    Observed::Failed { why }
}
