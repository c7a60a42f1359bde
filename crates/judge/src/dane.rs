//! What DANE says of an endpoint (RFC 7672): one answer that the checks, the grade and the
//! senders' views share.

use waxseal_model::{
    Cause, DnssecStatus, Observed, PresentedChain, Why,
    dns::DnsOutcome,
    evidence::EndpointFacts,
    policy::{DaneFacts, TlsaFacts},
};
use waxseal_wire::{
    dane::{self as wire, TlsaRecord, Verdict},
    x509,
};

use crate::{state, text};

/// What a sender that uses DANE meets at an endpoint, STARTTLS left aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DaneState {
    /// There are no records that count: none at all, or only insecure ones.
    None,
    /// The records were not looked up.
    NotTried(Why),
    /// The lookup failed: senders must not deliver until it succeeds.
    LookupFailed(LookupFailure),
    /// Secure records, none of which SMTP senders can use: TLS is demanded, no more.
    Unusable,
    /// Every presented chain matches.
    Valid,
    /// A presented chain does not match: why, in a clause.
    Mismatch(String),
    /// Secure and usable records, and no certificate to compare them with, or a status that
    /// could not be determined.
    Unknown(Why),
}

/// How a lookup of TLSA records failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookupFailure {
    /// Which kind.
    pub(crate) kind: FailureKind,
    /// One sentence.
    pub(crate) text: String,
}

/// Kinds of failure: how sure it is that every sender meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The answer does not verify.
    Bogus,
    /// The name servers answer with an error.
    ServerError,
    /// No answer came: the fault may lie on our side.
    NoAnswer,
}

/// What DANE says of an endpoint. `now` is in seconds since 1970-01-01 UTC: DANE-TA
/// certificates expire by it.
pub(crate) fn state(facts: &EndpointFacts, now: i64) -> DaneState {
    match &facts.dane {
        Observed::NotTried { why } => DaneState::NotTried(why.clone()),
        Observed::Failed { why } => DaneState::Unknown(why.clone()),
        Observed::Seen { value: None } => DaneState::None,
        Observed::Seen { value: Some(dane) } => of_records(facts, dane, now),
    }
}

/// How the lookup failed, if it did: every sender must hold the mail back until it succeeds.
pub(crate) fn lookup_failure(dane: &DaneFacts) -> Option<LookupFailure> {
    let kind = match (dane.status, dane.outcome) {
        (DnssecStatus::Bogus, _) => FailureKind::Bogus,
        (_, DnsOutcome::ServerError) => FailureKind::ServerError,
        (_, DnsOutcome::Timeout | DnsOutcome::Unusable) => FailureKind::NoAnswer,
        (_, DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain) => return None,
    };
    Some(LookupFailure { kind, text: dane.reason.clone() })
}

fn of_records(facts: &EndpointFacts, dane: &DaneFacts, now: i64) -> DaneState {
    if let Some(failure) = lookup_failure(dane) {
        return DaneState::LookupFailed(failure);
    }
    match dane.status {
        DnssecStatus::Insecure => return DaneState::None,
        DnssecStatus::Bogus | DnssecStatus::Indeterminate => {
            let text = format!("the DNSSEC status of {} is indeterminate: {}", dane.name, dane.reason);
            return DaneState::Unknown(Why::new(Cause::Resolver, text));
        }
        DnssecStatus::Secure => {}
    }
    if usable(dane).is_empty() {
        return DaneState::Unusable;
    }
    match chains(facts, dane) {
        Observed::Seen { value } if value.is_empty() => DaneState::Unknown(no_chain()),
        Observed::Seen { value } => compare(dane, value, now),
        Observed::NotTried { why } | Observed::Failed { why } => DaneState::Unknown(why.clone()),
    }
}

fn no_chain() -> Why {
    Why::new(Cause::Prerequisite, "no certificate was presented to compare the TLSA records with")
}

/// The chains that senders with DANE are shown.
pub(crate) fn chains<'a>(facts: &'a EndpointFacts, dane: &'a DaneFacts) -> &'a Observed<Vec<PresentedChain>> {
    dane.chains.as_ref().unwrap_or(&facts.chains)
}

/// The records that SMTP senders use.
fn usable(dane: &DaneFacts) -> Vec<TlsaRecord> {
    dane.tlsa.iter().filter(|t| t.unusable.is_none()).filter_map(record).collect()
}

fn record(tlsa: &TlsaFacts) -> Option<TlsaRecord> {
    TlsaRecord::from_hex(tlsa.usage, tlsa.selector, tlsa.matching_type, &tlsa.data)
}

/// The verdict on all chains: a sender may get any of them.
fn compare(dane: &DaneFacts, chains: &[PresentedChain], now: i64) -> DaneState {
    let named: Vec<&PresentedChain> = chains.iter().filter(|c| state::is_for_named(c, chains)).collect();
    for chain in &named {
        if let Err(why) = verify(dane, chain, now) {
            let several = named.len() > 1;
            let kind = chain.leaf().map_or("", |leaf| leaf.key.algorithm.as_str());
            return DaneState::Mismatch(if several {
                format!("for its {kind} certificate {why}")
            } else {
                why
            });
        }
    }
    DaneState::Valid
}

/// Compares one chain with the usable records; an error says in a clause what does not fit.
pub(crate) fn verify(dane: &DaneFacts, chain: &PresentedChain, now: i64) -> Result<(), String> {
    let records = usable(dane);
    let ders: Vec<Vec<u8>> = chain.certificates.iter().map_while(x509::der_of).collect();
    match wire::verify(&records, &ders, &dane.reference_names, now) {
        Verdict::Match { .. } => Ok(()),
        Verdict::Mismatch { why, .. } => Err(why),
        Verdict::AllUnusable => Err("no record can be used".into()),
    }
}

/// The records of an endpoint, if there are any and they are secure.
pub(crate) fn secure_records(facts: &EndpointFacts) -> Option<&DaneFacts> {
    let dane = facts.dane.get()?.as_ref()?;
    (dane.status == DnssecStatus::Secure && dane.outcome == DnsOutcome::Records).then_some(dane)
}

/// A record in short, `3 1 1 0123abcd…`.
pub(crate) fn short(tlsa: &TlsaFacts) -> String {
    format!("{} {} {} {}", tlsa.usage, tlsa.selector, tlsa.matching_type, text::cut(&tlsa.data, 12))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, NOW};

    fn state_of(change: impl Fn(&mut DaneFacts)) -> DaneState {
        let mut evidence = fixtures::healthy();
        change(fixtures::dane(&mut evidence));
        state(&evidence.endpoints[0].evidence, NOW)
    }

    #[test]
    fn each_kind_of_answer_has_its_state() {
        assert_eq!(state_of(|_| {}), DaneState::Valid);
        assert!(matches!(state_of(|d| d.tlsa[0].data = "00".repeat(32)), DaneState::Mismatch(_)));
        assert_eq!(state_of(|d| d.tlsa[0].unusable = Some("usage 1".into())), DaneState::Unusable);
        assert_eq!(state_of(|d| d.status = DnssecStatus::Insecure), DaneState::None);
        for (change, kind) in [
            (DnssecStatus::Bogus, FailureKind::Bogus),
            (DnssecStatus::Indeterminate, FailureKind::ServerError),
        ] {
            let state = state_of(|d| {
                d.status = change;
                d.outcome = DnsOutcome::ServerError;
            });
            assert!(matches!(state, DaneState::LookupFailed(f) if f.kind == kind));
        }
        assert!(matches!(state_of(|d| d.status = DnssecStatus::Indeterminate), DaneState::Unknown(_)));
    }

    #[test]
    fn without_a_chain_nothing_is_known_of_the_match() {
        let mut evidence = fixtures::healthy();
        fixtures::no_chains(&mut evidence);
        assert!(matches!(state(&evidence.endpoints[0].evidence, NOW), DaneState::Unknown(_)));
    }
}
