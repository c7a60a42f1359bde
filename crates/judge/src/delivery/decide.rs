//! The decision: what has to be given, against what was seen.

use super::{
    failure::{Failure, Reply, Reported, ResultType},
    observation::{Certificate, Observation, TlsSeen, Tlsa},
    requirement::{ClearAllowed, EncryptedAllowed, Requirement},
};

/// What to do with a message at one MX host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Deliver, go on to the next MX host, or return the message.
    pub action: Action,
    /// What is missing, where the message is not delivered here.
    pub failure: Option<Failure>,
    /// What goes into the TLS report (RFC 8460) beside the session itself, if anything: the
    /// failure of a published policy, whether or not it kept the message back.
    pub report: Option<Reported>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Deliver here.
    Deliver(Permit),
    /// Not here: try the next MX host, and after the last one do this.
    NextMx(AtLast),
    /// Return the message to its author at once: no MX host would do.
    Bounce,
}

/// What becomes of a message that the last MX host did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtLast {
    /// It is kept and tried again, and returned when it expires.
    Defer,
    /// It is returned (REQUIRETLS).
    Bounce,
}

/// Leave to send a message over a channel. Only [`decide()`] gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permit(Protection);

/// How well a message is protected on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    Clear {
        /// TLS was tried and failed, so that a new connection is needed.
        new_connection: bool,
    },
    /// Encrypted, to whomever.
    Encrypted,
    /// Encrypted, to a server that proved who it is.
    Authenticated {
        /// By what.
        by: By,
        /// The server is one of the domain's for certain. Otherwise it is the host that an
        /// unsigned MX answer named: who forges that answer, gets the mail.
        for_domain: bool,
    },
}

/// How a server proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// By a DANE-EE record.
    DaneEe,
    /// By a DANE-TA record.
    DaneTa,
    /// By a key that the operator pinned.
    Fingerprint,
    /// By a valid certificate for a host that the MTA-STS policy names.
    MtaSts,
    /// By a valid certificate for a name that the operator set.
    OperatorName,
    /// By a valid certificate for the MX host's name.
    Certificate,
}

impl Permit {
    /// How well the message is protected.
    pub fn protection(self) -> Protection {
        self.0
    }

    fn clear(_: ClearAllowed, new_connection: bool) -> Self {
        Self(Protection::Clear { new_connection })
    }

    fn encrypted(_: EncryptedAllowed) -> Self {
        Self(Protection::Encrypted)
    }
}

impl Protection {
    /// For comparing: 0 in clear, 1 encrypted, 2 to an authenticated host, 3 to an
    /// authenticated host of the domain.
    pub fn strength(self) -> u8 {
        match self {
            Self::Clear { .. } => 0,
            Self::Encrypted => 1,
            Self::Authenticated { for_domain: false, .. } => 2,
            Self::Authenticated { for_domain: true, .. } => 3,
        }
    }
}

impl Decision {
    /// The reply that a relay gives, or keeps beside the message, where it does not deliver.
    pub fn reply(&self) -> Option<Reply> {
        let failure = self.failure?;
        match self.action {
            Action::Deliver(_) => None,
            Action::NextMx(AtLast::Defer) => Some(failure.reply()),
            Action::NextMx(AtLast::Bounce) | Action::Bounce => Some(failure.final_reply()),
        }
    }

    /// Why, as a clause.
    pub fn why(&self) -> &'static str {
        match (self.action, self.failure) {
            (_, Some(failure)) => failure.why(),
            (Action::Deliver(permit), None) => match permit.protection() {
                Protection::Clear { new_connection: false } => {
                    "nothing demands TLS, and none is offered or wanted"
                }
                Protection::Clear { new_connection: true } => "nothing demands TLS, and it fails",
                Protection::Encrypted => "TLS stands, and nothing demands to know the server",
                Protection::Authenticated { by, .. } => by.why(),
            },
            (Action::NextMx(_) | Action::Bounce, None) => "it is not allowed",
        }
    }
}

impl By {
    fn why(self) -> &'static str {
        match self {
            Self::DaneEe | Self::DaneTa => "a TLSA record matches the certificate",
            Self::Fingerprint => "the server's key is one that the operator pinned",
            Self::MtaSts => "the MTA-STS policy names the server, and its certificate is valid",
            Self::OperatorName => "the certificate is valid for a name that the operator set",
            Self::Certificate => "the certificate is valid for the server's name",
        }
    }
}

/// Decides on a delivery to one MX host.
///
/// What was observed counts only if the requirement lets the sender connect at all.
pub fn decide(requirement: &Requirement, observation: &Observation) -> Decision {
    if let Some(failure) = requirement.gate {
        let report = gate_report(failure).filter(|_| requirement.reports.gate);
        return Decision { action: gated(requirement, failure), failure: Some(failure), report };
    }
    let missing = match observation {
        // Nobody is to be reproached for TLS that nobody could try.
        Observation::Unreachable => {
            let action = Action::NextMx(AtLast::Defer);
            return Decision { action, failure: Some(Failure::Unreachable), report: None };
        }
        Observation::NoStarttls => Failure::NotOffered,
        Observation::StarttlsRefused => Failure::Refused,
        Observation::HandshakeFailed => Failure::Handshake,
        Observation::TlsTooOld => Failure::TooOld,
        Observation::NotTried => return left_alone(requirement),
        Observation::Tls(seen) => return within_tls(requirement, seen),
    };
    let report = report(requirement, Some(missing), Some(missing));
    let new_connection = missing != Failure::NotOffered;
    let proof = requirement.clear_allowed().filter(|_| !new_connection || requirement.clear_after_failure);
    match proof {
        Some(proof) => {
            let action = Action::Deliver(Permit::clear(proof, new_connection));
            Decision { action, failure: None, report }
        }
        None => refused(requirement, missing, report),
    }
}

/// What a refusal that is known before the connection leads to.
fn gated(requirement: &Requirement, failure: Failure) -> Action {
    match failure {
        Failure::NullMx | Failure::NoSuchDomain => Action::Bounce,
        Failure::NotInPolicy | Failure::NameNotSecure if requirement.require_tls => {
            Action::NextMx(AtLast::Bounce)
        }
        _ => Action::NextMx(AtLast::Defer),
    }
}

/// What is reported of a refusal that is known before the connection. What fails by names is
/// DANE's business, except for a host that the MTA-STS policy does not name.
fn gate_report(failure: Failure) -> Option<Reported> {
    let result = failure.result_type();
    if failure == Failure::NotInPolicy { Reported::new(None, result) } else { Reported::new(result, None) }
}

fn refused(requirement: &Requirement, failure: Failure, report: Option<Reported>) -> Decision {
    let at_last = if requirement.require_tls { AtLast::Bounce } else { AtLast::Defer };
    Decision { action: Action::NextMx(at_last), failure: Some(failure), report }
}

/// Without a look at TLS: the operator's own doing, of which no report speaks.
fn left_alone(requirement: &Requirement) -> Decision {
    match requirement.clear_allowed().filter(|_| requirement.avoids_tls) {
        Some(proof) => {
            let action = Action::Deliver(Permit::clear(proof, false));
            Decision { action, failure: None, report: None }
        }
        None => refused(requirement, Failure::NotTried, None),
    }
}

fn within_tls(requirement: &Requirement, seen: &TlsSeen) -> Decision {
    let tlsa = match_tlsa(seen.tlsa);
    let certificate = valid(&seen.certificate, seen.certificate.for_mx);
    let operator_name = valid(&seen.certificate, seen.certificate.for_operator);
    let dane_failure = if requirement.tlsa { tlsa.err() } else { None };
    let report = report(requirement, dane_failure, certificate.err());
    let demands = [
        (requirement.tlsa, tlsa.err()),
        (requirement.certificate, certificate.err()),
        (requirement.fingerprint, (!seen.fingerprint).then_some(Failure::FingerprintMismatch)),
        (requirement.operator_name, operator_name.err()),
        (requirement.require_tls, (!seen.requiretls).then_some(Failure::NoRequireTls)),
    ];
    if let Some(failure) = demands.iter().find_map(|(demanded, failure)| failure.filter(|_| *demanded)) {
        return refused(requirement, failure, report);
    }
    let by = match tlsa {
        Ok(by) if requirement.tlsa => Some(by),
        _ if requirement.certificate && requirement.by_sts => Some(By::MtaSts),
        _ if requirement.fingerprint => Some(By::Fingerprint),
        _ if requirement.operator_name => Some(By::OperatorName),
        _ if requirement.certificate => Some(By::Certificate),
        _ => None,
    };
    let permit = match (by, requirement.encrypted_allowed()) {
        (Some(by), _) => {
            let by_operator = requirement.operator_name || requirement.fingerprint;
            let for_domain = requirement.mx_secure || requirement.by_sts || by_operator;
            Permit(Protection::Authenticated { by, for_domain })
        }
        (None, Some(proof)) => Permit::encrypted(proof),
        (None, None) => return refused(requirement, Failure::Untrusted, report),
    };
    Decision { action: Action::Deliver(permit), failure: None, report }
}

/// The entry in the TLS report: what fails by DANE, and what fails by MTA-STS, of which the
/// first that holds counts: a host outside of the policy, the certificate or channel, a
/// policy that could not be fetched.
fn report(requirement: &Requirement, dane: Option<Failure>, sts: Option<Failure>) -> Option<Reported> {
    let reports = requirement.reports;
    let dane = dane.filter(|_| reports.dane);
    let outside = reports.not_in_policy.then_some(Failure::NotInPolicy);
    let sts = outside.or(sts.filter(|_| reports.sts));
    let fetch = reports.fetch_error.then_some(ResultType::StsPolicyFetchError);
    Reported::new(dane.and_then(Failure::result_type), sts.and_then(Failure::result_type).or(fetch))
}

/// How the certificate matches the TLSA records; records that were not compared match
/// nothing.
fn match_tlsa(tlsa: Tlsa) -> Result<By, Failure> {
    match tlsa {
        Tlsa::Ee => Ok(By::DaneEe),
        Tlsa::Ta => Ok(By::DaneTa),
        Tlsa::TaWrongName => Err(Failure::WrongName),
        Tlsa::TaOutOfDate => Err(Failure::OutOfDate),
        Tlsa::Mismatch | Tlsa::NotApplicable => Err(Failure::TlsaMismatch),
    }
}

/// Whether a certificate is valid by the rules of PKIX, given whether its name is right.
fn valid(certificate: &Certificate, name: bool) -> Result<(), Failure> {
    match (certificate.trusted, certificate.in_date, name) {
        (false, _, _) => Err(Failure::Untrusted),
        (_, false, _) => Err(Failure::OutOfDate),
        (_, _, false) => Err(Failure::WrongName),
        (true, true, true) => Ok(()),
    }
}
