//! How a delivery ends with an attacker on the path, who may also block any MX host and
//! leave any other: the weakest decides.

use waxseal_model::{
    Why,
    sender::{Attack, Outcome},
};

use super::{
    profile::{Sender, Under},
    sight::{self, Candidate, Maybe, Sight},
    view::{Decided, End, ended, harm, outcome, settle},
};
use crate::delivery::{Certificate, Failure, MxAnswer, Observation, PolicyFacts, Sts, TlsSeen, Tlsa};

/// The end under an attack.
pub(super) fn end(attack: Attack, sender: &Sender, sight: &Sight<'_>) -> End {
    match attack {
        Attack::StripStarttls => at_every_host(attack, sender, sight, stripped),
        Attack::SwapMx => swapped(sender, sight),
        Attack::OtherCertificate => at_every_host(attack, sender, sight, other_certificate),
    }
}

/// What the attacker lets the sender see: removed, and refused.
fn stripped(facts: &Maybe<PolicyFacts>) -> [Result<Decided, Why>; 2] {
    [Observation::NoStarttls, Observation::StarttlsRefused].map(|seen| settle(facts, &Maybe::is(seen)))
}

/// TLS with a server that has a valid certificate, for another name.
fn other_certificate(facts: &Maybe<PolicyFacts>) -> [Result<Decided, Why>; 1] {
    let certificate = Certificate { for_mx: false, ..Certificate::VALID };
    let seen =
        Observation::Tls(TlsSeen { certificate, tlsa: Tlsa::Mismatch, fingerprint: false, requiretls: true });
    [settle(facts, &Maybe::is(seen))]
}

/// The worst over all MX hosts: the attacker lets only one through. Hosts that did not
/// answer count too, since the attacker answers in their place.
fn at_every_host<const N: usize>(
    attack: Attack,
    sender: &Sender,
    sight: &Sight<'_>,
    seen: fn(&Maybe<PolicyFacts>) -> [Result<Decided, Why>; N],
) -> End {
    let candidates = sight::candidates(sight.evidence);
    let mut worst: Option<End> = None;
    for candidate in candidates.iter().filter(|c| sight::has_address(c)) {
        for result in seen(&sight.facts(candidate)) {
            let end = match result {
                Ok(d) => end_of(attack, sender, sight, Some(candidate), &d),
                Err(why) => End::undetermined(&why),
            };
            if worst.as_ref().is_none_or(|w| harm(end.outcome, end.read) > harm(w.outcome, w.read)) {
                worst = Some(end);
            }
        }
    }
    worst.unwrap_or_else(|| {
        let why = Why::new(waxseal_model::Cause::Prerequisite, "no MX host with an address is known");
        End::undetermined(&sight.evidence.no_endpoint.clone().unwrap_or(why))
    })
}

/// The answer for MX is the attacker's; its host has a valid certificate for its own name.
fn swapped(sender: &Sender, sight: &Sight<'_>) -> End {
    let mx = match sight::mx_is_signed(sight.evidence) {
        _ if !sight.traits.dane => Maybe::is(MxAnswer::Insecure),
        // Who validates sees that an unsigned answer is not the zone's.
        Ok(true) => Maybe::is(MxAnswer::Bogus),
        Ok(false) => Maybe::is(MxAnswer::Insecure),
        Err(why) => Maybe::one_of(vec![MxAnswer::Insecure, MxAnswer::Bogus], &why),
    };
    // No pattern of the policy covers the attacker's host, or it would be no host of its own.
    let sts = sight.sts("");
    let mut values = Vec::new();
    for mx in &mx.values {
        values.extend(sts.values.iter().map(|sts| {
            let sts = match *sts {
                Sts::Policy { mode, refresh_failed, .. } => {
                    Sts::Policy { mode, lists_mx: false, refresh_failed }
                }
                other => other,
            };
            PolicyFacts { mx: *mx, sts, ..sight.plain() }
        }));
    }
    let facts = Maybe { values, why: mx.why.or(sts.why) };
    let seen = TlsSeen {
        certificate: Certificate::VALID,
        tlsa: Tlsa::NotApplicable,
        fingerprint: false,
        requiretls: true,
    };
    match settle(&facts, &Maybe::is(Observation::Tls(seen))) {
        Ok(d) => end_of(Attack::SwapMx, sender, sight, None, &d),
        Err(why) => End::undetermined(&why),
    }
}

/// What a decision means where the attacker stands at the other end.
fn end_of(
    attack: Attack,
    sender: &Sender,
    sight: &Sight<'_>,
    candidate: Option<&Candidate<'_>>,
    d: &Decided,
) -> End {
    let end = ended(sender, sight, candidate, d);
    match outcome(&d.decision) {
        Outcome::Clear => {
            End { read: true, why: "nothing demands TLS, so the mail goes in clear".into(), ..end }
        }
        // To the sender the attacker's server may even look authenticated.
        Outcome::Encrypted | Outcome::Authenticated => End {
            outcome: Outcome::Encrypted,
            read: true,
            why: match attack {
                Attack::SwapMx => {
                    "nothing says that the host is not the domain's: it gets the mail by TLS".into()
                }
                Attack::StripStarttls | Attack::OtherCertificate => {
                    "nothing demands to know the server: the attacker's gets the mail by TLS".into()
                }
            },
            ..end
        },
        Outcome::Deferred | Outcome::Bounced | Outcome::Undetermined => {
            let mut why = end.why.clone();
            if attack == Attack::SwapMx && d.decision.failure == Some(Failure::MxLookup) {
                why = "the MX records are signed, and a forged answer does not verify".into();
            } else if d.under == Under::MtaSts {
                why.push_str("; a sender that has not seen the policy yet can be kept from it");
            }
            End { why, ..end }
        }
    }
}
