//! Answers that several checks and the grade share: is this endpoint in clear, broken or
//! encrypted, and can its certificate be used?

use waxseal_model::{
    Cause, EndpointEvidence, Observed, PresentedChain, TlsStart, Why,
    audit::Sibling,
    certificate::{CertificateFacts, PathOutcome},
    evidence::EndpointFacts,
    policy::StsPolicy,
    smtp::{Conversation, Reply, StarttlsOffer, WrongMode},
    tls::{SuiteClass, TlsEvidence, TlsVersion},
};

use waxseal_wire::{
    sts,
    tls::suites,
    x509::{self, NameMatch},
};

use crate::{case::known, names, text};

/// Why questions about TLS stay open where it is broken.
pub(crate) const NO_HANDSHAKE: &str = "no TLS handshake succeeds";

/// What senders meet at an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Protection {
    /// The port does not answer, or is no mail server: nothing is known of its TLS.
    Unreached(Why),
    /// Mail goes there in clear or not at all: why.
    Plaintext(String),
    /// TLS is offered, and no handshake succeeds: why.
    Broken(String),
    /// TLS works, up to this version.
    Encrypted(TlsVersion),
    /// It was reached, and the questions that decide had no answer.
    Unknown(Why),
}

/// Ok if a connection stood.
pub(crate) fn reached(facts: &EndpointFacts) -> Result<(), Why> {
    known(&facts.smtp.connected).map(|_| ())
}

/// Ok if the service speaks SMTP in the way it was spoken to.
pub(crate) fn speaks_smtp(facts: &EndpointFacts) -> Result<(), Why> {
    reached(facts)?;
    if let Some(what) = &facts.smtp.not_smtp {
        return Err(Why::new(Cause::Protocol, format!("the service is not SMTP: it looks like {what}")));
    }
    match facts.smtp.wrong_mode {
        Some(WrongMode::SpeaksImplicitTls) => {
            Err(Why::new(Cause::Protocol, "the server speaks TLS from the first byte, not STARTTLS"))
        }
        Some(WrongMode::SpeaksPlaintextFirst) => Err(Why::new(
            Cause::Protocol,
            "the server greets in clear, it does not speak TLS from the first byte",
        )),
        None => Ok(()),
    }
}

/// Ok if TLS was begun, whether or not it succeeded.
pub(crate) fn tls_could_be_tried(e: &EndpointEvidence) -> Result<(), Why> {
    if any_tls_seen(&e.evidence.tls) {
        return Ok(());
    }
    speaks_smtp(&e.evidence)?;
    if e.endpoint.tls == TlsStart::Implicit {
        return Ok(());
    }
    match known(&e.evidence.smtp.starttls_offer)? {
        StarttlsOffer::Advertised => {}
        _ => return Err(Why::new(Cause::Prerequisite, "the server does not offer STARTTLS")),
    }
    let reply = known(&e.evidence.smtp.starttls_reply)?;
    if reply.code == 220 {
        Ok(())
    } else {
        let text = format!("the server refused STARTTLS with {}", short_reply(reply));
        Err(Why::new(Cause::Declined, text))
    }
}

/// True if the server took part in any TLS handshake.
fn any_tls_seen(tls: &TlsEvidence) -> bool {
    tls.handshake.is_seen()
        || !tls.suites_seen.is_empty()
        || tls.versions.values().any(|v| v.get() == Some(&true))
}

/// Whether a version is accepted.
pub(crate) fn accepts(tls: &TlsEvidence, version: TlsVersion) -> Result<bool, Why> {
    if tls.handshake.get().is_some_and(|h| h.version == version)
        || tls.suites_seen.iter().any(|s| s.version == version)
    {
        return Ok(true);
    }
    match tls.versions.get(&version) {
        Some(observed) => known(observed).copied(),
        None => Err(Why::new(Cause::NotAsked, format!("{} was not asked for", version.label()))),
    }
}

/// The groups that a server chose in any version.
pub(crate) fn groups(tls: &TlsEvidence) -> impl Iterator<Item = &str> {
    let audited = tls.audit.iter().flat_map(|a| a.groups.values()).filter_map(Observed::get);
    let by_version = audited.flat_map(|g| &g.chosen).map(|g| g.name.as_str());
    tls.groups.iter().map(String::as_str).chain(by_version)
}

/// Whether another port of the same address speaks SSLv2 with an RSA key of this one, and so
/// betrays its sessions (DROWN, CVE-2016-0800).
pub(crate) fn drown_by(facts: &EndpointFacts, sibling: &Sibling) -> Result<bool, Why> {
    // Without a certificate in any handshake the port is closed, or its key is not known.
    let certificate = match (&sibling.certificate, &sibling.ssl2) {
        (_, Observed::Seen { value: false }) => return Ok(false),
        (Observed::Seen { value: Some(certificate) }, _) => certificate,
        (Observed::Seen { value: None }, Observed::Seen { value: true }) => {
            let text = format!("port {} speaks SSLv2, and its key was not seen", sibling.port);
            return Err(Why::new(Cause::Prerequisite, text));
        }
        (Observed::Seen { value: None }, _) => return Ok(false),
        (other, _) => {
            return Err(known(other).err().unwrap_or_else(|| Why::new(Cause::NotAsked, "not asked")));
        }
    };
    if !certificate.is_rsa {
        return Ok(false);
    }
    let chains = known(&facts.chains)?;
    let same = chains.iter().filter_map(|c| c.leaf()).any(|l| l.spki_sha256 == certificate.spki_sha256);
    if same { known(&sibling.ssl2).copied() } else { Ok(false) }
}

/// The newest accepted version; none if TLS 1.0 to 1.3 are all known to be refused.
///
/// An older version is the newest only if the newer ones are known to be refused. Not
/// knowing of TLS 1.3 is no matter where TLS 1.2 is accepted: no verdict hangs on it.
pub(crate) fn best_version(tls: &TlsEvidence) -> Result<Option<TlsVersion>, Why> {
    let mut unknown = None;
    for version in TlsVersion::ALL.into_iter().rev() {
        match accepts(tls, version) {
            Ok(true) if version == TlsVersion::Tls12 => return Ok(Some(version)),
            Ok(true) => return unknown.map_or(Ok(Some(version)), Err),
            Err(why) if version >= TlsVersion::Tls10 => unknown = unknown.or(Some(why)),
            _ => {}
        }
    }
    unknown.map_or(Ok(None), Err)
}

/// What senders meet at an endpoint.
pub(crate) fn protection(e: &EndpointEvidence) -> Protection {
    let (smtp, tls) = (&e.evidence.smtp, &e.evidence.tls);
    if !any_tls_seen(tls) {
        if let Err(why) = speaks_smtp(&e.evidence) {
            return Protection::Unreached(why);
        }
        if let Some(found) = stopped_before_tls(e.endpoint.tls, smtp) {
            return found;
        }
    }
    match (best_version(tls), too_large(tls)) {
        // A hello was answered, but no handshake was ever finished: senders have limits too.
        (Ok(Some(_)), Some(why)) => Protection::Unknown(why.clone()),
        (Ok(Some(version)), None) => Protection::Encrypted(version),
        (Ok(None), _) => Protection::Broken(handshake_failure(tls)),
        (Err(why), _) => {
            let why = tls.handshake.why().filter(|w| !w.cause.is_by_design()).cloned().unwrap_or(why);
            Protection::Unknown(why)
        }
    }
}

/// Why the handshake was given up, where the server sent more than one may hold.
fn too_large(tls: &TlsEvidence) -> Option<&Why> {
    match &tls.handshake {
        Observed::Failed { why } if why.cause == Cause::TooLarge => Some(why),
        _ => None,
    }
}

/// Why no question about TLS has an answer, where no handshake got anywhere: one reason
/// for all of them.
pub(crate) fn no_tls_at_all(e: &EndpointEvidence) -> Option<Why> {
    if any_tls_seen(&e.evidence.tls) {
        return None;
    }
    match protection(e) {
        Protection::Broken(_) => Some(Why::new(Cause::Prerequisite, NO_HANDSHAKE)),
        Protection::Unknown(why) => Some(why),
        _ => None,
    }
}

/// What is known where a conversation ended before the first TLS record.
fn stopped_before_tls(start: TlsStart, smtp: &Conversation) -> Option<Protection> {
    if start == TlsStart::Implicit {
        return None;
    }
    match known(&smtp.starttls_offer) {
        Err(why) => return Some(Protection::Unknown(why)),
        Ok(StarttlsOffer::Advertised) => {}
        Ok(StarttlsOffer::Absent) => return Some(Protection::Plaintext("it does not offer STARTTLS".into())),
        Ok(StarttlsOffer::Mangled { keyword }) => {
            return Some(Protection::Plaintext(format!("its STARTTLS arrives overwritten as {keyword}")));
        }
        Ok(StarttlsOffer::EhloRefused) => {
            return Some(Protection::Plaintext("it refuses EHLO, without which there is no STARTTLS".into()));
        }
    }
    match known(&smtp.starttls_reply) {
        Err(why) => Some(Protection::Unknown(why)),
        Ok(reply) if reply.code == 421 => {
            let text = format!("the server sent us away: {}", short_reply(reply));
            Some(Protection::Unknown(Why::new(Cause::RateLimited, text)))
        }
        Ok(reply) if reply.code != 220 => {
            Some(Protection::Plaintext(format!("it answers STARTTLS with {}", short_reply(reply))))
        }
        Ok(_) => match smtp.plaintext_after_220.get() {
            Some(Some(_)) => Some(Protection::Broken("it goes on in clear after the 220 to STARTTLS".into())),
            _ => None,
        },
    }
}

/// Why no handshake succeeds, in a clause.
fn handshake_failure(tls: &TlsEvidence) -> String {
    match tls.handshake.why() {
        Some(why) if !why.cause.is_by_design() => why.text.clone(),
        _ => "every TLS handshake is refused".into(),
    }
}

/// A reply on one line, cut for sentences.
pub(crate) fn short_reply(reply: &Reply) -> String {
    text::cut(&reply.one_line(), 100)
}

/// Whether senders that verify can use an endpoint's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CertificateState {
    /// Trusted, in time and for the right name, on every chain that was presented.
    Usable,
    /// Not so: why, as a clause about the certificate.
    Unusable(String),
    /// Not known: why.
    Unknown(Why),
}

/// True for the chains that clients get which name the server in SNI, as all that verify
/// must (RFC 8461 section 7.1, RFC 7672 section 8.1). What others get in its place matters
/// only where nothing else was seen.
pub(crate) fn is_for_named(chain: &PresentedChain, chains: &[PresentedChain]) -> bool {
    chain.sni.is_some() || chains.iter().all(|c| c.sni.is_none())
}

/// True if every hello with a suite that needs a certificate was refused, and all that was
/// accepted are anonymous suites: the server has no certificate that it can use.
pub(crate) fn only_anonymous(facts: &EndpointFacts) -> bool {
    let tls = &facts.tls;
    let refused = tls.handshake.why().is_some_and(|why| why.cause == Cause::Declined);
    let anonymous = |code: u32| suites::classes(code).contains(&SuiteClass::Anonymous);
    refused && !tls.suites_seen.is_empty() && tls.suites_seen.iter().all(|s| anonymous(s.suite.code))
}

/// Whether senders that verify can use an endpoint's certificate.
pub(crate) fn certificate(facts: &EndpointFacts, now: i64) -> CertificateState {
    let chains = match &facts.chains {
        Observed::Seen { value } => value,
        Observed::NotTried { .. } | Observed::Failed { .. } if only_anonymous(facts) => {
            return CertificateState::Unusable(
                "no certificate is presented, only anonymous suites are accepted".into(),
            );
        }
        Observed::NotTried { why } | Observed::Failed { why } => {
            return CertificateState::Unknown(why.clone());
        }
    };
    if chains.is_empty() {
        let anonymous = facts.tls.suite_classes.get(&SuiteClass::Anonymous).and_then(Observed::get);
        return if anonymous.is_some_and(|a| a.accepted) {
            CertificateState::Unusable("no certificate is presented, only anonymous suites".into())
        } else {
            CertificateState::Unknown(Why::new(Cause::Prerequisite, "no certificate was presented"))
        };
    }
    let mut unknown = None;
    for chain in chains.iter().filter(|c| is_for_named(c, chains)) {
        match chain_state(chain, facts.reference_name.as_deref(), now) {
            CertificateState::Usable => {}
            CertificateState::Unknown(why) => unknown = Some(why),
            unusable @ CertificateState::Unusable(_) => return unusable,
        }
    }
    unknown.map_or(CertificateState::Usable, CertificateState::Unknown)
}

/// The same for one chain.
pub(crate) fn chain_state(chain: &PresentedChain, reference: Option<&str>, now: i64) -> CertificateState {
    let Some(leaf) = chain.leaf() else {
        return CertificateState::Unusable("no certificate is presented".into());
    };
    if let Some(path) = chain.path.get()
        && path.outcome != PathOutcome::Trusted
    {
        return CertificateState::Unusable(format!(
            "the certificate is not trusted ({})",
            path.outcome.openssl().1
        ));
    }
    if let Some(expired) = path_certificates(chain).into_iter().find(|c| c.not_after < now) {
        return CertificateState::Unusable(format!(
            "the certificate expired on {}",
            text::date(expired.not_after)
        ));
    }
    if let Some(early) = path_certificates(chain).into_iter().find(|c| c.not_before > now) {
        let from = text::date(early.not_before);
        return CertificateState::Unusable(format!("the certificate is not valid before {from}"));
    }
    let Some(host) = reference else {
        let text = "the name that the certificate must match is not known: --server-name gives it";
        return CertificateState::Unknown(Why::new(Cause::Prerequisite, text));
    };
    let matched = x509::matches_host(leaf, host);
    if matched == NameMatch::CommonNameOnly {
        let text = "the certificate bears its name only as common name, which current senders ignore";
        return CertificateState::Unusable(text.into());
    }
    if matched != NameMatch::San {
        let names = text::short_list(&names::names_of(chain), 2);
        let names = if names.is_empty() { "no name at all".to_owned() } else { names };
        return CertificateState::Unusable(format!("the certificate is for {names}, not for {host}"));
    }
    match known(&chain.path) {
        Ok(_) => CertificateState::Usable,
        Err(why) => CertificateState::Unknown(why),
    }
}

/// The presented certificates that a path to the root uses, the leaf first; only the leaf
/// where no path is known.
pub(crate) fn path_certificates(chain: &PresentedChain) -> Vec<&CertificateFacts> {
    let mut out: Vec<&CertificateFacts> = chain.leaf().into_iter().collect();
    if let Some(path) = chain.path.get() {
        let positions = path.used.iter().flatten().filter(|&&i| i > 0);
        out.extend(positions.filter_map(|&i| chain.certificates.get(usize::try_from(i).ok()?)));
    }
    out
}

/// True if a policy names this MX host. A pattern is a host name, or `*.` and a suffix: the
/// star stands for one whole label (RFC 8461 section 4.1).
pub(crate) fn sts_covers(policy: &StsPolicy, host: &str) -> bool {
    policy.mx.iter().any(|pattern| sts::pattern::covers(pattern, host))
}

#[cfg(test)]
mod tests {
    use waxseal_model::tls::{NegotiatedSuite, Suite};

    use super::*;
    use crate::fixtures::{self, NOW};

    fn versions(list: &[(TlsVersion, Option<bool>)]) -> TlsEvidence {
        let observed = |v: Option<bool>| v.map_or(fixtures::failed(), Observed::seen);
        TlsEvidence { versions: list.iter().map(|(v, b)| (*v, observed(*b))).collect(), ..Default::default() }
    }

    #[test]
    fn an_old_version_is_the_best_only_if_the_new_ones_are_known_to_be_refused() {
        use TlsVersion::{Tls10, Tls11, Tls12, Tls13};
        let best = |list: &[_]| best_version(&versions(list));
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(best(&[(Tls13, no), (Tls12, no), (Tls11, no), (Tls10, yes)]), Ok(Some(Tls10)));
        assert!(best(&[(Tls13, no), (Tls12, None), (Tls11, no), (Tls10, yes)]).is_err());
        assert!(best(&[(Tls13, None), (Tls12, no), (Tls11, no), (Tls10, yes)]).is_err());
        assert_eq!(best(&[(Tls13, None), (Tls12, yes)]), Ok(Some(Tls12)));
        assert_eq!(best(&[(Tls13, no), (Tls12, no), (Tls11, no), (Tls10, no)]), Ok(None));
        assert!(best(&[(Tls13, no), (Tls12, no)]).is_err());
        assert!(best(&[]).is_err());
    }

    #[test]
    fn starttls_that_is_absent_or_refused_is_plaintext_and_a_421_is_unknown() {
        let mut e = fixtures::healthy().endpoints.remove(0);
        e.evidence.tls = TlsEvidence::default();
        for (code, plaintext) in [(454, true), (502, true), (421, false)] {
            e.evidence.smtp.starttls_reply = Observed::seen(fixtures::reply(code, "TLS not available"));
            assert_eq!(matches!(protection(&e), Protection::Plaintext(_)), plaintext, "{code}");
        }
        e.evidence.smtp.starttls_offer = Observed::seen(StarttlsOffer::Absent);
        assert!(matches!(protection(&e), Protection::Plaintext(_)));
        e.evidence.smtp.starttls_offer = fixtures::failed();
        assert!(matches!(protection(&e), Protection::Unknown(_)));
    }

    #[test]
    fn tls_that_refuses_every_hello_is_broken_and_one_without_answers_is_unknown() {
        let mut e = fixtures::healthy().endpoints.remove(0);
        e.evidence.tls = versions(&TlsVersion::ALL.map(|v| (v, Some(false))));
        e.evidence.tls.handshake = Observed::failed(Cause::Declined, "alert 80 (internal_error)");
        assert_eq!(protection(&e), Protection::Broken("alert 80 (internal_error)".into()));
        e.evidence.tls.versions.clear();
        assert!(matches!(protection(&e), Protection::Unknown(_)));
    }

    #[test]
    fn a_server_that_the_library_has_no_common_ground_with_is_not_broken() {
        // TLS 1.3 with secp521r1 alone, or an RSA-PSS key: other clients get TLS there.
        let mut e = fixtures::healthy().endpoints.remove(0);
        e.evidence.tls = versions(&TlsVersion::ALL.map(|v| (v, Some(v == TlsVersion::Tls13))));
        e.evidence.tls.handshake = Observed::failed(Cause::Declined, "alert 40 (handshake_failure)");
        assert_eq!(protection(&e), Protection::Encrypted(TlsVersion::Tls13));
    }

    #[test]
    fn one_bad_chain_of_two_makes_the_certificate_unusable() {
        let mut facts = fixtures::healthy().endpoints.remove(0).evidence;
        let good = fixtures::chain();
        let mut old = fixtures::chain();
        old.certificates[0].not_after = NOW - 1;
        facts.chains = Observed::seen(vec![good, old]);
        assert!(matches!(certificate(&facts, NOW), CertificateState::Unusable(_)));
    }

    #[test]
    fn a_server_with_anonymous_suites_alone_has_no_certificate_to_use() {
        let mut facts = fixtures::healthy().endpoints.remove(0).evidence;
        let seen = |code: u32| NegotiatedSuite {
            version: TlsVersion::Tls12,
            suite: Suite { code, name: String::new() },
        };
        facts.chains = Observed::not_tried(Cause::Declined, "alert 40 (handshake_failure)");
        facts.tls.handshake = Observed::failed(Cause::Declined, "alert 40 (handshake_failure)");
        facts.tls.suites_seen = vec![seen(0x0034)];
        assert!(matches!(certificate(&facts, NOW), CertificateState::Unusable(_)));
        facts.tls.suites_seen.push(seen(0xc02f));
        assert!(matches!(certificate(&facts, NOW), CertificateState::Unknown(_)));
    }

    #[test]
    fn without_a_name_or_roots_a_certificate_is_neither_usable_nor_unusable() {
        let mut facts = fixtures::healthy().endpoints.remove(0).evidence;
        assert_eq!(certificate(&facts, NOW), CertificateState::Usable);
        facts.reference_name = None;
        assert!(matches!(certificate(&facts, NOW), CertificateState::Unknown(_)));
        let mut chain = fixtures::chain();
        chain.path = fixtures::failed();
        facts.reference_name = Some(fixtures::HOST.into());
        facts.chains = Observed::seen(vec![chain]);
        assert!(matches!(certificate(&facts, NOW), CertificateState::Unknown(_)));
    }
}
