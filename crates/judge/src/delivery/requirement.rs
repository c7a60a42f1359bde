//! From what a sender knows to what the channel has to give.

use super::{
    facts::{AddressAnswer, Dane, MxAnswer, OperatorLevel, PolicyFacts, Sts, StsMode},
    failure::Failure,
};

/// The levels of a requirement, laxest first (the order carries meaning): for logs, and for
/// keeping sessions apart. What is demanded in detail is more than its level says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// TLS where it is offered.
    None,
    /// TLS, to whomever.
    Encrypt,
    /// A valid certificate for the MX host's name.
    Verify,
    /// The same for a host that the domain's MTA-STS policy names.
    MtaSts,
    /// A valid certificate for a name that does not come from the DNS.
    Secure,
    /// A key that the operator pinned.
    Fingerprint,
    /// A certificate that the TLSA records name.
    Dane,
    /// The same, and nothing without TLSA records.
    DaneOnly,
}

/// What the channel to one MX host has to give. Only [`requirement()`] makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// Known before any connection: there is no delivery to this host.
    pub(super) gate: Option<Failure>,
    /// TLS must stand. Every other demand brings this one along.
    pub(super) tls: bool,
    /// A usable TLSA record must match.
    pub(super) tlsa: bool,
    /// The certificate must be valid for the MX host.
    pub(super) certificate: bool,
    /// The certificate must be valid for a name that the operator set.
    pub(super) operator_name: bool,
    /// The key must be one that the operator pinned.
    pub(super) fingerprint: bool,
    /// TLS is left alone. Never beside any demand.
    pub(super) avoids_tls: bool,
    /// REQUIRETLS: the MX host must offer it, and what fails is returned, not kept.
    pub(super) require_tls: bool,
    /// Where nothing is demanded: failed TLS may be followed by a delivery in clear.
    pub(super) clear_after_failure: bool,
    /// The certificate is demanded by an MTA-STS policy, which names the host for certain.
    pub(super) by_sts: bool,
    /// The MX host's name is proven by DNSSEC.
    pub(super) mx_secure: bool,
    /// The operator demands DANE.
    dane_only: bool,
    /// Published policies were left aside by the operator's override.
    overridden: bool,
    /// Which failures are reported.
    pub(super) reports: Reports,
}

/// Which failures go into TLS reports: those of published policies, demanded or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) struct Reports {
    /// What the gate says.
    pub(super) gate: bool,
    /// DANE: there are secure TLSA records.
    pub(super) dane: bool,
    /// MTA-STS: a policy is in force, in whatever mode.
    pub(super) sts: bool,
    /// The MTA-STS policy does not name the host, and that is only reported.
    pub(super) not_in_policy: bool,
    /// The MTA-STS policy could not be fetched.
    pub(super) fetch_error: bool,
}

/// Proof that nothing is demanded.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClearAllowed(());

/// Proof that no name and no certificate is demanded.
#[derive(Debug, Clone, Copy)]
pub(super) struct EncryptedAllowed(());

impl Requirement {
    /// How much is demanded.
    pub fn level(&self) -> Level {
        match self {
            r if r.dane_only => Level::DaneOnly,
            r if r.tlsa => Level::Dane,
            r if r.fingerprint => Level::Fingerprint,
            r if r.operator_name => Level::Secure,
            r if r.certificate && r.by_sts => Level::MtaSts,
            r if r.certificate => Level::Verify,
            r if r.tls => Level::Encrypt,
            _ => Level::None,
        }
    }

    /// True if TLS must stand before a message goes out.
    pub fn demands_tls(&self) -> bool {
        self.tls
    }

    /// True if the server must prove who it is.
    pub fn demands_authentication(&self) -> bool {
        self.tlsa || self.certificate || self.operator_name || self.fingerprint
    }

    /// True if the sender leaves STARTTLS alone, even where it is offered: the operator says
    /// so, and nothing demands TLS. What it sees then is
    /// [`Observation::NotTried`](super::Observation::NotTried).
    pub fn avoids_tls(&self) -> bool {
        self.avoids_tls
    }

    /// True if the message came with REQUIRETLS: it is returned rather than kept.
    pub fn is_require_tls(&self) -> bool {
        self.require_tls
    }

    /// True if a published policy was left aside by the operator's override: to be logged.
    pub fn is_overridden(&self) -> bool {
        self.overridden
    }

    /// Why there is no delivery to this host whatever it offers, if that is so.
    pub fn refusal(&self) -> Option<Failure> {
        self.gate
    }

    /// True if everything that `other` demands is demanded here too.
    pub fn is_at_least(&self, other: &Self) -> bool {
        (self.gate.is_some() || other.gate.is_none())
            && self.tls >= other.tls
            && self.tlsa >= other.tlsa
            && self.certificate >= other.certificate
            && self.operator_name >= other.operator_name
            && self.fingerprint >= other.fingerprint
            && self.avoids_tls <= other.avoids_tls
            && self.require_tls >= other.require_tls
            && self.clear_after_failure <= other.clear_after_failure
    }

    pub(super) fn clear_allowed(&self) -> Option<ClearAllowed> {
        let demands = self.gate.is_some() || self.tls || self.demands_authentication() || self.require_tls;
        (!demands).then_some(ClearAllowed(()))
    }

    pub(super) fn encrypted_allowed(&self) -> Option<EncryptedAllowed> {
        let demands = self.gate.is_some() || self.demands_authentication() || self.require_tls;
        (!demands).then_some(EncryptedAllowed(()))
    }
}

/// The requirement for one MX host.
///
/// REQUIRETLS comes before the operator's rule, that before DANE, and DANE before MTA-STS.
/// All of them add up, with one exception: usable DANE takes the place of MTA-STS (RFC 8461
/// section 2). `TLS-Required: No` cancels DANE and MTA-STS as published (RFC 8689 section
/// 3), never the operator's rule. Neither it nor the operator's override has any effect
/// beside REQUIRETLS.
pub fn requirement(facts: &PolicyFacts) -> Requirement {
    let published = Published::of(facts);
    let level = facts.operator.level;
    let dane_usable = published.dane == Dane::Usable;
    let sts_enforced = matches!(published.sts, Sts::Policy { mode: StsMode::Enforce, .. });
    let by_sts = sts_enforced && !dane_usable;
    // With usable DANE, that is the authentication REQUIRETLS asks for; RFC 8689 would have
    // a name compared too, which RFC 7672 section 3.1.1 forbids for DANE-EE.
    let certificate = level == OperatorLevel::Verify || by_sts || (facts.require_tls && !dane_usable);
    let operator_name = level == OperatorLevel::Secure;
    let fingerprint = level == OperatorLevel::Fingerprint;
    let dane_only = level == OperatorLevel::DaneOnly;
    let tls = level == OperatorLevel::Encrypt
        || matches!(published.dane, Dane::Usable | Dane::UnusableOnly)
        || certificate
        || operator_name
        || fingerprint
        || dane_only
        || facts.require_tls;
    let gate = gate(facts, &published, by_sts);
    Requirement {
        gate,
        tls,
        tlsa: dane_usable,
        certificate,
        operator_name,
        fingerprint,
        avoids_tls: level == OperatorLevel::None && !tls && gate.is_none(),
        require_tls: facts.require_tls,
        clear_after_failure: facts.operator.clear_after_failure,
        by_sts,
        mx_secure: facts.mx == MxAnswer::Secure,
        dane_only,
        overridden: published.overridden,
        reports: reports(gate, &published),
    }
}

/// The published policies that count for a message.
struct Published {
    dane: Dane,
    sts: Sts,
    overridden: bool,
}

impl Published {
    fn of(facts: &PolicyFacts) -> Self {
        let cancelled = facts.tls_required_no && !facts.require_tls;
        let overridden = facts.operator.override_published && !facts.require_tls;
        // The operator's own demand for DANE stands whatever message or override say.
        let dane_stands = facts.operator.level >= OperatorLevel::Dane;
        let dane = if (cancelled || overridden) && !dane_stands { Dane::NotAsked } else { facts.dane };
        let sts = if cancelled || overridden { Sts::None } else { facts.sts };
        let left_aside =
            dane != facts.dane && !matches!(facts.dane, Dane::NotAsked | Dane::None) || sts != facts.sts;
        Self { dane, sts, overridden: overridden && left_aside }
    }
}

/// Why there is no delivery to the host, as far as that is known without a connection.
fn gate(facts: &PolicyFacts, published: &Published, by_sts: bool) -> Option<Failure> {
    match facts.mx {
        MxAnswer::NullMx => return Some(Failure::NullMx),
        MxAnswer::NoSuchDomain => return Some(Failure::NoSuchDomain),
        MxAnswer::Ourselves => return Some(Failure::MailLoop),
        MxAnswer::Bogus | MxAnswer::Failed => return Some(Failure::MxLookup),
        MxAnswer::Secure | MxAnswer::Insecure => {}
    }
    if matches!(facts.address, AddressAnswer::Bogus | AddressAnswer::Failed) {
        return Some(Failure::AddressLookup);
    }
    if published.dane == Dane::LookupFailed {
        return Some(Failure::TlsaLookup);
    }
    let mx_secure = facts.mx == MxAnswer::Secure;
    // Behind an unsigned MX answer anybody's host may stand, with TLSA records of its own.
    if facts.operator.level == OperatorLevel::DaneOnly && !(mx_secure && published.dane == Dane::Usable) {
        return Some(Failure::DaneRequired);
    }
    let lists_mx = matches!(published.sts, Sts::Policy { lists_mx: true, .. });
    if by_sts && !lists_mx {
        return Some(Failure::NotInPolicy);
    }
    // A policy in testing mode is no ground for anything but reports.
    let vouched = matches!(published.sts, Sts::Policy { mode: StsMode::Enforce, lists_mx: true, .. });
    if facts.require_tls && !mx_secure && !vouched {
        return Some(Failure::NameNotSecure);
    }
    None
}

fn reports(gate: Option<Failure>, published: &Published) -> Reports {
    let dane_aware = published.dane != Dane::NotAsked;
    let secure_records = matches!(published.dane, Dane::Usable | Dane::UnusableOnly);
    let (in_force, lists_mx, refresh_failed) = match published.sts {
        Sts::Policy { lists_mx, refresh_failed, .. } => (true, lists_mx, refresh_failed),
        Sts::None | Sts::FetchFailed => (false, false, false),
    };
    Reports {
        gate: match gate {
            Some(Failure::AddressLookup) => dane_aware,
            Some(_) => true,
            None => false,
        },
        dane: secure_records,
        sts: in_force,
        not_in_policy: in_force && !lists_mx,
        // Where DANE decides, a policy that was never had is not missed.
        fetch_error: refresh_failed || (published.sts == Sts::FetchFailed && !secure_records),
    }
}
