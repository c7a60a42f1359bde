//! What is wrong with a server, each fault by the name of the cause to which it leads.

use waxseal_model::{
    Cause, CertificateFacts, EndpointEvidence, Observed, PresentedChain, TlsStart, Why,
    certificate::PathOutcome,
    smtp::{StarttlsOffer, WrongMode},
};
use waxseal_wire::x509::{NameMatch, matches_host};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The cause that it leads to.
    pub(super) cause: &'static str,
    /// What it is: a clause with a subject, `the server offers no STARTTLS`.
    pub(super) text: String,
}

impl Fault {
    pub(super) fn new(cause: &'static str, text: impl Into<String>) -> Self {
        Self { cause, text: text.into() }
    }
}

/// What is wrong with TLS at an endpoint, in the order of a session; empty where all is
/// well.
///
/// # Errors
/// Why nothing can be said: it was not reached, or did not let us get as far as TLS.
pub(super) fn of_tls(seen: &EndpointEvidence, now: i64) -> Result<Vec<Fault>, Why> {
    let smtp = &seen.evidence.smtp;
    if let Some(why) = smtp.connected.why() {
        return Err(why.clone());
    }
    if let Some(what) = &smtp.not_smtp {
        return Ok(vec![Fault::new("wrong_host", format!("no mail server answers there but {what}"))]);
    }
    if let Some(fault) = wrong_mode(smtp.wrong_mode, seen.endpoint.port) {
        return Ok(vec![fault]);
    }
    if seen.endpoint.tls == TlsStart::Starttls
        && let Some(result) = before_tls(seen)
    {
        return result;
    }
    match &seen.evidence.tls.handshake {
        Observed::Seen { .. } => Ok(of_chains(seen, now)),
        Observed::Failed { why } if why.cause == Cause::Timeout => Err(why.clone()),
        Observed::Failed { why } => Ok(vec![of_handshake(why)]),
        Observed::NotTried { why } => Err(why.clone()),
    }
}

/// What is wrong with the certificates, however they were read; else what stands in the way
/// of reading them.
///
/// # Errors
/// As for [`of_tls`].
pub(super) fn of_certificates(seen: &EndpointEvidence, now: i64) -> Result<Vec<Fault>, Why> {
    if seen.evidence.chains.is_seen() { Ok(of_chains(seen, now)) } else { of_tls(seen, now) }
}

/// What stands in the way of a conversation, up to the answer to EHLO; none where nothing
/// does.
///
/// # Errors
/// Why nothing can be said.
pub(super) fn of_welcome(seen: &EndpointEvidence) -> Result<Option<Fault>, Why> {
    let smtp = &seen.evidence.smtp;
    if let Some(why) = smtp.connected.why() {
        return of_connection(why).map(Some);
    }
    if let Some(what) = &smtp.not_smtp {
        return Ok(Some(Fault::new("wrong_host", format!("no mail server answers there but {what}"))));
    }
    if let Some(fault) = wrong_mode(smtp.wrong_mode, seen.endpoint.port) {
        return Ok(Some(fault));
    }
    let ehlo = match seen.endpoint.tls {
        TlsStart::Starttls => &smtp.ehlo_plain,
        TlsStart::Implicit => &smtp.ehlo_tls,
    };
    let Some(why) = smtp.greeting.why().or(ehlo.why()) else { return Ok(None) };
    let cause = match why.cause {
        Cause::Declined => "remote_not_accepting",
        Cause::Closed => "connection_lost",
        Cause::Timeout => "connect_failed",
        Cause::Protocol => "wrong_host",
        _ => return Err(why.clone()),
    };
    Ok(Some(Fault::new(cause, why.text.clone())))
}

/// Why a connection does not stand, as a fault.
///
/// # Errors
/// The reason lies with us.
pub(super) fn of_connection(why: &Why) -> Result<Fault, Why> {
    let cause = match why.cause {
        Cause::Refused => "connection_refused",
        Cause::Timeout | Cause::Unreachable => "connect_failed",
        Cause::Closed => "connection_lost",
        _ => return Err(why.clone()),
    };
    Ok(Fault::new(cause, why.text.clone()))
}

fn wrong_mode(mode: Option<WrongMode>, port: u16) -> Option<Fault> {
    let text = match mode? {
        WrongMode::SpeaksImplicitTls => {
            format!("port {port} begins with TLS at once (SSL/TLS), not with STARTTLS")
        }
        WrongMode::SpeaksPlaintextFirst => {
            format!("port {port} begins in clear (STARTTLS), not with TLS at once")
        }
    };
    Some(Fault::new("wrong_encryption_type", text))
}

/// What stands in the way of TLS on a connection that begins in clear; none where nothing
/// does.
fn before_tls(seen: &EndpointEvidence) -> Option<Result<Vec<Fault>, Why>> {
    let smtp = &seen.evidence.smtp;
    let fault = |cause, text: String| Some(Ok(vec![Fault::new(cause, text)]));
    match &smtp.starttls_offer {
        Observed::Seen { value: StarttlsOffer::Advertised } => {}
        Observed::Seen { value: StarttlsOffer::Absent } => {
            return fault("starttls_missing", "the server offers no STARTTLS".into());
        }
        Observed::Seen { value: StarttlsOffer::EhloRefused } => {
            return fault(
                "starttls_missing",
                "the server refuses EHLO itself, so that it can offer no STARTTLS".into(),
            );
        }
        Observed::Seen { value: StarttlsOffer::Mangled { keyword } } => {
            let text = format!(
                "in the place of STARTTLS stands {keyword}: a firewall with SMTP inspection overwrites it"
            );
            return fault("tls_interception", text);
        }
        Observed::NotTried { .. } | Observed::Failed { .. } => {
            let why = smtp.greeting.why().or(smtp.ehlo_plain.why()).or(smtp.starttls_offer.why());
            return why.cloned().map(Err);
        }
    }
    match &smtp.starttls_reply {
        Observed::Seen { value: reply } if reply.code != 220 => fault(
            "tls_unavailable",
            format!("the server offers STARTTLS, and answers it with \"{}\"", reply.one_line()),
        ),
        Observed::Failed { why } => Some(Err(why.clone())),
        _ => match smtp.plaintext_after_220.get() {
            Some(Some(text)) => fault(
                "tls_handshake",
                format!("after the 220 to STARTTLS the server goes on in clear: \"{text}\""),
            ),
            _ => None,
        },
    }
}

fn of_handshake(why: &Why) -> Fault {
    let cause = if why.cause == Cause::Unsupported { "tls_version" } else { "tls_handshake" };
    Fault::new(cause, format!("the handshake fails: {}", why.text))
}

/// What is wrong with the certificates.
fn of_chains(seen: &EndpointEvidence, now: i64) -> Vec<Fault> {
    let chains = seen.evidence.chains.get().map_or(&[][..], Vec::as_slice);
    let name = seen.evidence.reference_name.as_deref();
    let mut found = Vec::new();
    for chain in chains {
        for fault in of_chain(chain, name, now) {
            if !found.contains(&fault) {
                found.push(fault);
            }
        }
    }
    found
}

/// What is wrong with one chain. Dates come first: a chain that expired is often incomplete
/// too, and nobody would look for that.
fn of_chain(chain: &PresentedChain, name: Option<&str>, now: i64) -> Vec<Fault> {
    let mut found = Vec::new();
    let Some(leaf) = chain.leaf() else { return found };
    found.extend(of_dates(leaf, "the certificate", now));
    let used = chain.path.get().map_or(&[][..], |path| path.used.as_slice()).iter().skip(1).flatten();
    for at in used.filter_map(|at| usize::try_from(*at).ok()) {
        let above = chain.certificates.get(at);
        found.extend(
            above.and_then(|c| of_dates(c, &format!("the intermediate certificate {}", c.subject), now)),
        );
    }
    if let Some(fault) = of_path(chain, leaf) {
        found.push(fault);
    }
    if let Some(name) = name
        && matches_host(leaf, name) == NameMatch::Mismatch
    {
        let text = format!("the certificate is for {}, not for {name}", names_of(leaf));
        found.push(Fault::new("cert_name_mismatch", text));
    }
    found
}

fn of_dates(certificate: &CertificateFacts, what: &str, now: i64) -> Option<Fault> {
    if certificate.not_after < now {
        let since = days(now.saturating_sub(certificate.not_after));
        let text = format!("{what} expired on {}, {since} ago", date(certificate.not_after));
        return Some(Fault::new("cert_expired", text));
    }
    (certificate.not_before > now).then(|| {
        let text = format!("{what} is valid only from {} on", date(certificate.not_before));
        Fault::new("cert_expired", text)
    })
}

fn of_path(chain: &PresentedChain, leaf: &CertificateFacts) -> Option<Fault> {
    let path = chain.path.get()?;
    let (code, words) = path.outcome.openssl();
    let (cause, text) = match path.outcome {
        PathOutcome::Trusted => return None,
        PathOutcome::SelfSignedLeaf => {
            ("cert_untrusted", format!("the certificate ({}) is signed with its own key", names_of(leaf)))
        }
        PathOutcome::LeafIssuerMissing | PathOutcome::IssuerMissing => {
            let missing = missing_issuer(chain).unwrap_or(&leaf.issuer);
            let text = format!("the server does not send the intermediate certificate \"{missing}\"");
            ("cert_untrusted", text)
        }
        PathOutcome::UnknownRoot => {
            let root = path.subjects.last().map_or("", String::as_str);
            ("cert_untrusted", format!("the chain ends at \"{root}\", which {} does not hold", path.roots))
        }
        _ => ("cert_untrusted", format!("the certificate leads to no root of {}", path.roots)),
    };
    Some(Fault::new(cause, format!("{text} (verify error {code}: {words})")))
}

/// Whose certificate is missing: the issuer of the last one that the path came to.
fn missing_issuer(chain: &PresentedChain) -> Option<&str> {
    let path = chain.path.get()?;
    let last = path.used.iter().rev().flatten().next().and_then(|at| usize::try_from(*at).ok())?;
    chain.certificates.get(last).map(|c| c.issuer.as_str())
}

/// The names that a certificate is for.
pub(super) fn names_of(leaf: &CertificateFacts) -> String {
    let mut names: Vec<String> = leaf.dns_names.clone();
    names.extend(leaf.ip_addresses.iter().cloned());
    if names.is_empty() {
        names.extend(leaf.common_name.iter().map(|cn| format!("{cn} (common name)")));
    }
    if names.is_empty() { "no name at all".to_owned() } else { super::notes::list(&names) }
}

/// What is well, in one sentence.
pub(super) fn all_well(seen: &EndpointEvidence, now: i64) -> String {
    let mut parts = Vec::new();
    if seen.endpoint.tls == TlsStart::Starttls {
        parts.push("STARTTLS is offered".to_owned());
    }
    if let Some(handshake) = seen.evidence.tls.handshake.get() {
        parts.push(handshake.version.label().to_owned());
    }
    let leaf = seen.evidence.chains.get().and_then(|chains| chains.first()?.leaf());
    if let Some(leaf) = leaf {
        let left = days(leaf.not_after.saturating_sub(now));
        parts.push(format!("the certificate for {} is valid, {left} left", names_of(leaf)));
    }
    parts.join(", ")
}

/// `3 days`, `1 day`, `5 hours`.
pub(super) fn days(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..7200 => (seconds.div_euclid(60), "minute"),
        7200..172_800 => (seconds.div_euclid(3600), "hour"),
        _ => (seconds.div_euclid(86400), "day"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// `2026-03-01`.
pub(super) fn date(seconds: i64) -> String {
    match time::OffsetDateTime::from_unix_timestamp(seconds) {
        Ok(at) => at.date().to_string(),
        Err(_) => format!("{seconds} s since 1970"),
    }
}
