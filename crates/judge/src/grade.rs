//! Two marks and the letter that they give (the table of the mail grade, worst first):
//! every rule that applies caps the letter, each cap is named, and the letter is the worst
//! of them. Without any cap it is A+.
//!
//! Only servers that were reached count; what could not be tested is said in the summary.
//! There is no letter where the facts that decide are missing.

mod attacks;
mod caps;
mod lift;
mod summary;

use waxseal_model::{
    EndpointEvidence, Evidence, Grade, Letter, Observed, Usage, Why, dns::DnssecStatus,
    evidence::MailRouting, grade::Cap, policy::StsMode, tls::TlsVersion,
};

use crate::{
    case::host_of,
    dane::{self, DaneState, FailureKind},
    profile::Profile,
    state::{self, CertificateState, Protection},
};

#[cfg(test)]
pub(crate) use caps::RULES;

/// One server address as the grade sees it.
struct Server<'a> {
    endpoint: &'a EndpointEvidence,
    host: String,
    protection: Protection,
    certificate: CertificateState,
    dane: Dane,
    /// The way to this server is secure too: its MX record cannot be forged.
    secure_mx: bool,
    /// An enforced MTA-STS policy names it, and its certificate can be used.
    sts: bool,
}

impl Server<'_> {
    /// It was tested far enough for a letter.
    fn counts(&self) -> bool {
        !matches!(self.protection, Protection::Unreached(_) | Protection::Unknown(_))
    }

    fn is_relay(&self) -> bool {
        self.endpoint.endpoint.usage == Usage::Relay
    }

    /// Senders that follow an enforced MTA-STS policy cannot deliver here.
    fn fails_sts(&self) -> bool {
        let encrypted = matches!(self.protection, Protection::Encrypted(_));
        !encrypted || !(self.sts || matches!(self.certificate, CertificateState::Unknown(_)))
    }

    fn is_protected(&self) -> bool {
        matches!(self.protection, Protection::Encrypted(_)) && (self.has_dane() || self.sts)
    }

    /// DANE authenticates it, and nobody can forge the way to it.
    fn has_dane(&self) -> bool {
        self.dane == Dane::Valid && self.secure_mx
    }
}

/// What DANE says of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Dane {
    /// Secure records that match.
    Valid,
    /// DANE senders do not deliver: why, in a clause.
    Fails(String),
    /// There are none that count.
    None,
    /// They were not looked up.
    NotTried,
    /// They were looked up in vain.
    Unknown,
}

/// What MTA-STS says of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sts {
    Enforce,
    Testing,
    None,
    NotTried,
    Unknown,
}

/// All that the grade rests on.
struct Basis<'a> {
    evidence: &'a Evidence,
    profile: &'a Profile,
    servers: Vec<Server<'a>>,
    sts: Sts,
    /// Seconds since 1970-01-01 UTC.
    now: i64,
}

impl<'a> Basis<'a> {
    fn new(evidence: &'a Evidence, profile: &'a Profile, now: i64) -> Self {
        let servers = evidence.endpoints.iter().map(|e| server(evidence, e, now)).collect();
        Self { evidence, profile, servers, sts: sts_of(evidence), now }
    }

    /// The servers that were tested.
    fn tested(&self) -> impl Iterator<Item = &Server<'a>> {
        self.servers.iter().filter(|s| s.counts())
    }

    /// The tested servers that other mail servers deliver to.
    fn relays(&self) -> impl Iterator<Item = &Server<'a>> {
        self.tested().filter(|s| s.is_relay())
    }

    /// Some policy that may protect the tested servers was not looked at, or in vain.
    fn policies_open(&self) -> bool {
        let open = |d: &Dane| matches!(d, Dane::NotTried | Dane::Unknown);
        self.relays().any(|s| !s.is_protected())
            && (matches!(self.sts, Sts::NotTried | Sts::Unknown) || self.relays().any(|s| open(&s.dane)))
    }

    /// Why a certificate that decides could not be judged.
    fn certificate_unknown(&self) -> Option<&Why> {
        self.tested().find_map(|s| match (&s.certificate, &s.protection) {
            (CertificateState::Unknown(why), Protection::Encrypted(_)) if s.dane != Dane::Valid => Some(why),
            _ => None,
        })
    }
}

fn server<'a>(evidence: &Evidence, e: &'a EndpointEvidence, now: i64) -> Server<'a> {
    let certificate = state::certificate(&e.evidence, now);
    let policy = evidence.domain.as_ref().and_then(|d| d.policies.sts.get()).and_then(Option::as_ref);
    let sts = policy.is_some_and(|p| {
        p.mode == StsMode::Enforce
            && e.endpoint.host.as_deref().is_some_and(|h| state::sts_covers(p, h))
            && certificate == CertificateState::Usable
    });
    let protection = state::protection(e);
    let dane = dane_of(e, &protection, now);
    let secure_mx = evidence.domain.as_ref().is_none_or(|d| d.mx_answer.status == DnssecStatus::Secure);
    Server { endpoint: e, host: host_of(&e.endpoint), protection, certificate, dane, secure_mx, sts }
}

fn dane_of(e: &EndpointEvidence, protection: &Protection, now: i64) -> Dane {
    let no_tls = matches!(protection, Protection::Plaintext(_) | Protection::Broken(_));
    // Secure records demand TLS, whatever they match (RFC 7672 section 2.2).
    if no_tls && dane::secure_records(&e.evidence).is_some() {
        return Dane::Fails("TLSA records demand TLS, and there is none".into());
    }
    match dane::state(&e.evidence, now) {
        DaneState::Valid => Dane::Valid,
        DaneState::None | DaneState::Unusable => Dane::None,
        DaneState::NotTried(_) => Dane::NotTried,
        DaneState::Unknown(_) => Dane::Unknown,
        DaneState::Mismatch(_) => Dane::Fails("its TLSA records do not match its certificate".into()),
        DaneState::LookupFailed(failure) => match failure.kind {
            FailureKind::Bogus => Dane::Fails("its TLSA records do not verify".into()),
            FailureKind::ServerError => {
                Dane::Fails("the question for its TLSA records ends in an error".into())
            }
            FailureKind::NoAnswer => Dane::Unknown,
        },
    }
}

fn sts_of(evidence: &Evidence) -> Sts {
    let Some(domain) = &evidence.domain else { return Sts::NotTried };
    match &domain.policies.sts {
        Observed::NotTried { .. } => Sts::NotTried,
        Observed::Failed { .. } => Sts::Unknown,
        Observed::Seen { value: None } => Sts::None,
        Observed::Seen { value: Some(policy) } => match policy.mode {
            StsMode::Enforce => Sts::Enforce,
            StsMode::Testing => Sts::Testing,
            StsMode::None => Sts::None,
        },
    }
}

/// The grade of a target.
pub(crate) fn grade(evidence: &Evidence, profile: &Profile, now: i64) -> Grade {
    let basis = Basis::new(evidence, profile, now);
    let caps = caps::all(&basis);
    let letter = letter(&basis, &caps);
    let (encryption, encryption_why) = summary::encryption(&basis, &caps);
    let (authentication, authentication_why) = summary::authentication(&basis);
    Grade {
        letter,
        encryption,
        encryption_why,
        authentication,
        authentication_why,
        provisional: letter.is_some_and(|l| l <= Letter::D) && basis.policies_open(),
        profile: profile.name.clone(),
        summary: summary::sentence(&basis, letter, &caps),
        lift: lift::lift(&basis, letter, &caps),
        caps,
    }
}

/// The worst cap, or none where what decides is not known.
fn letter(basis: &Basis<'_>, caps: &[Cap]) -> Option<Letter> {
    let worst = caps.iter().map(|c| c.letter).max().unwrap_or(Letter::APlus);
    match basis.evidence.domain.as_ref().map(|d| d.routing) {
        Some(MailRouting::NullMx | MailRouting::NoSuchDomain) => return None,
        _ if worst == Letter::X => return Some(worst),
        Some(MailRouting::Unknown) => return None,
        _ => {}
    }
    basis.tested().next()?;
    // A certificate that cannot be judged may be unusable: only what is no better than
    // that is certain.
    let at_worst = basis.profile.cap("certificate").unwrap_or(Letter::D);
    if basis.certificate_unknown().is_some() && worst < at_worst {
        return None;
    }
    Some(worst)
}

#[cfg(test)]
mod tests;
