//! From what a server presented in a handshake to what the decision asks of it.

use waxseal_judge::delivery::{Certificate, Failure, TlsSeen, Tlsa};
use waxseal_model::{
    CertificateFacts,
    certificate::{PathFacts, PathOutcome},
};
use waxseal_wire::{
    dane::{self, Misfit, Verdict},
    text::neutralise,
    x509::{self, NameMatch, RootStore},
};

use crate::route::Hop;

/// Most names of a certificate that a reply lists.
const MOST_NAMES: usize = 3;
/// The longest detail of a reply, in characters.
const MOST_CHARS: usize = 200;

/// What a server presented, by the standards of one hop.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// For the decision. Whether REQUIRETLS is offered is not known from a handshake: it is
    /// false here, to be set from the answer to EHLO within TLS.
    pub seen: TlsSeen,
    /// How the search for a path to a trusted root ended.
    pub path: PathOutcome,
    /// What the TLSA records lack, where they do not match.
    tlsa: Option<String>,
    /// The server's own certificate, if it could be read.
    leaf: Option<CertificateFacts>,
    /// A certificate outside its dates that is on the path.
    out_of_date: Option<String>,
    /// Why another verifier does not trust it although a path was found.
    objection: Option<String>,
}

/// What a chain (DER, leaf first) is worth at a hop. `now`: seconds since 1970-01-01 UTC.
pub fn observe(hop: &Hop, chain: &[Vec<u8>], roots: &RootStore, now: i64) -> TlsSeen {
    inspect(hop, chain, roots, now).seen
}

/// As [`observe`], with what is needed to explain a failure.
///
/// The certificate counts by PKIX where a path leads to `roots`, by subjectAltName alone
/// (RFC 8461 section 4.2), and where all presented certificates of the path are within
/// their dates; of several paths one is enough. TLSA records count as RFC 7672 says, and
/// the pinned keys by the leaf's SubjectPublicKeyInfo alone.
pub fn inspect(hop: &Hop, chain: &[Vec<u8>], roots: &RootStore, now: i64) -> Inspection {
    let leaf = chain.first().and_then(|der| x509::facts(der).ok());
    let path = x509::path(chain, roots);
    let out_of_date = out_of_date(chain, &path, roots, now);
    let trusted = path.outcome == PathOutcome::Trusted;
    let bears = |name: &String| leaf.as_ref().is_some_and(|leaf| is_for(leaf, name));
    let (tlsa, why) = by_tlsa(hop, chain, now);
    let certificate = match leaf {
        None => Certificate::NONE,
        Some(_) => Certificate {
            trusted,
            in_date: out_of_date.is_none(),
            for_mx: bears(&hop.name),
            for_operator: hop.operator_names.iter().any(bears),
        },
    };
    let pinned = |leaf: &CertificateFacts| hop.fingerprints.iter().any(|pin| hex(pin) == leaf.spki_sha256);
    let fingerprint = leaf.as_ref().is_some_and(pinned);
    Inspection {
        seen: TlsSeen { certificate, tlsa, fingerprint, requiretls: false },
        path: path.outcome,
        tlsa: why,
        leaf,
        out_of_date,
        objection: None,
    }
}

impl Inspection {
    /// What was seen that a failure speaks of, in a few words and safe to print:
    /// `self-signed certificate`, `it is for www.example.com`. Empty where the failure says
    /// all there is.
    pub fn detail(&self, failure: Failure) -> String {
        let text = match failure {
            Failure::Untrusted if self.objection.is_some() => self.objection.clone().unwrap_or_default(),
            Failure::Untrusted if self.leaf.is_none() => "no certificate that can be read".to_owned(),
            Failure::Untrusted => self.path.openssl().1.to_owned(),
            Failure::OutOfDate => self.out_of_date.clone().or_else(|| self.tlsa.clone()).unwrap_or_default(),
            Failure::WrongName => self.leaf.as_ref().map(names).unwrap_or_default(),
            Failure::TlsaMismatch => self.tlsa.clone().unwrap_or_default(),
            Failure::FingerprintMismatch => match &self.leaf {
                Some(leaf) => format!("the server's key is sha256:{}", leaf.spki_sha256),
                None => "no certificate that can be read".to_owned(),
            },
            _ => String::new(),
        };
        neutralise(text.as_bytes(), MOST_CHARS)
    }

    /// Another verifier finds no path to a root: the certificate no longer counts as trusted,
    /// and a failure is explained by its words.
    pub fn distrust(&mut self, why: String) {
        self.seen.certificate.trusted = false;
        self.objection = Some(why);
    }

    /// SHA-256 of the server's SubjectPublicKeyInfo, lower-case hex: what a rule pins.
    pub fn key(&self) -> Option<&str> {
        self.leaf.as_ref().map(|leaf| leaf.spki_sha256.as_str())
    }
}

/// The first presented certificate on the path that is outside its dates, unless another
/// path without such a one leads to a root as well.
fn out_of_date(chain: &[Vec<u8>], path: &PathFacts, roots: &RootStore, now: i64) -> Option<String> {
    let used = path.used.iter().flatten().filter_map(|at| chain.get(usize::try_from(*at).ok()?));
    let text = used.filter_map(|der| outdated(der, now)).next()?;
    let leaf_is_fine = chain.first().is_some_and(|leaf| outdated(leaf, now).is_none());
    if path.outcome == PathOutcome::Trusted && leaf_is_fine {
        let in_date: Vec<Vec<u8>> =
            chain.iter().filter(|der| outdated(der, now).is_none()).cloned().collect();
        if x509::path(&in_date, roots).outcome == PathOutcome::Trusted {
            return None;
        }
    }
    Some(text)
}

/// Why a certificate is not valid at the time. Unreadable ones are left to the path.
fn outdated(der: &[u8], now: i64) -> Option<String> {
    let facts = x509::facts(der).ok()?;
    if now > facts.not_after {
        Some(format!("the certificate of {} expired {}", facts.subject, days(now - facts.not_after)))
    } else if now < facts.not_before {
        Some(format!("the certificate of {} is not valid yet", facts.subject))
    } else {
        None
    }
}

fn days(seconds: i64) -> String {
    match seconds / 86_400 {
        0 => "within the last day".to_owned(),
        1 => "a day ago".to_owned(),
        n => format!("{n} days ago"),
    }
}

/// How the TLSA records of a hop take a chain, and what they lack.
fn by_tlsa(hop: &Hop, chain: &[Vec<u8>], now: i64) -> (Tlsa, Option<String>) {
    match dane::verify(&hop.tlsa, chain, &hop.dane_names, now) {
        Verdict::AllUnusable => (Tlsa::NotApplicable, None),
        Verdict::Match { record, .. } => {
            let usage = hop.tlsa.get(record).map(|record| record.usage);
            (if usage == Some(3) { Tlsa::Ee } else { Tlsa::Ta }, None)
        }
        Verdict::Mismatch { why, misfit } => {
            let tlsa = match misfit {
                Misfit::Record => Tlsa::Mismatch,
                Misfit::Date => Tlsa::TaOutOfDate,
                Misfit::Name => Tlsa::TaWrongName,
            };
            (tlsa, Some(why))
        }
    }
}

/// True if a certificate is for a name: a host name, or `.` and a domain for all names below
/// it, as Postfix writes it. Only subjectAltName counts.
fn is_for(leaf: &CertificateFacts, name: &str) -> bool {
    match name.strip_prefix('.') {
        None => x509::matches_host(leaf, name) == NameMatch::San,
        Some(domain) => leaf.dns_names.iter().any(|own| {
            let own = own.to_ascii_lowercase();
            own.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }),
    }
}

fn names(leaf: &CertificateFacts) -> String {
    let mut names: Vec<&str> = leaf.dns_names.iter().take(MOST_NAMES).map(String::as_str).collect();
    let more = leaf.dns_names.len().saturating_sub(MOST_NAMES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    if names.is_empty() {
        names.extend(leaf.ip_addresses.iter().take(1).map(String::as_str));
    }
    if names.is_empty() {
        return "it names no host in subjectAltName".to_owned();
    }
    format!("it is for {}{more}", names.join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
    use waxseal_wire::dane::TlsaRecord;

    use super::*;
    use crate::policy::testing::hop;

    /// 2026-06-01.
    const NOW: i64 = 1_780_272_000;
    const MX: &str = "mx.partner.example";

    /// Dates of a certificate, in years.
    type Years = (i32, i32);
    const GOOD: Years = (2020, 2040);
    const OLD: Years = (2020, 2025);

    struct Pki {
        roots: RootStore,
        ca: Issuer<'static, KeyPair>,
        ca_der: Vec<u8>,
    }

    fn params(names: &[&str], years: Years) -> CertificateParams {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params
    }

    impl Pki {
        fn new() -> Self {
            let key = KeyPair::generate().unwrap();
            let mut params = params(&[], GOOD);
            params.distinguished_name.push(DnType::CommonName, "Root");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let ca_der = params.self_signed(&key).unwrap().der().to_vec();
            let roots = RootStore::from_ders("test", vec![ca_der.clone()]);
            Self { roots, ca: Issuer::new(params, key), ca_der }
        }

        fn chain(&self, names: &[&str], years: Years) -> Vec<Vec<u8>> {
            let key = KeyPair::generate().unwrap();
            vec![params(names, years).signed_by(&key, &self.ca).unwrap().der().to_vec(), self.ca_der.clone()]
        }
    }

    fn pin(chain: &[Vec<u8>]) -> [u8; 32] {
        let hex = x509::facts(&chain[0]).unwrap().spki_sha256;
        TlsaRecord::from_hex(3, 1, 1, &hex).unwrap().data.try_into().unwrap()
    }

    #[test]
    fn each_question_of_pkix_is_answered_by_itself() {
        let pki = Pki::new();
        let nobody = RootStore::from_ders("none", Vec::new());
        let all = Certificate { trusted: true, in_date: true, for_mx: true, for_operator: true };
        for (names, years, roots, expected) in [
            (&[MX][..], GOOD, &pki.roots, all),
            (&["partner.example"], GOOD, &pki.roots, Certificate { for_mx: false, ..all }),
            (&["*.partner.example"], GOOD, &pki.roots, all),
            (
                &["www.example.net"],
                GOOD,
                &pki.roots,
                Certificate { for_mx: false, for_operator: false, ..all },
            ),
            (
                &["notpartner.example"],
                GOOD,
                &pki.roots,
                Certificate { for_mx: false, for_operator: false, ..all },
            ),
            (&[MX], OLD, &pki.roots, Certificate { in_date: false, ..all }),
            (&[MX], GOOD, &nobody, Certificate { trusted: false, ..all }),
        ] {
            let seen = observe(&hop(MX), &pki.chain(names, years), roots, NOW);
            assert_eq!(seen.certificate, expected, "{names:?} {years:?}");
            assert_eq!((seen.tlsa, seen.fingerprint, seen.requiretls), (Tlsa::NotApplicable, false, false));
        }
        for chain in [vec![], vec![b"nonsense".to_vec()]] {
            let seen = inspect(&hop(MX), &chain, &pki.roots, NOW);
            assert_eq!(seen.seen.certificate, Certificate::NONE);
            assert!(seen.detail(Failure::Untrusted).contains("no certificate"));
        }
    }

    #[test]
    fn who_else_does_not_trust_it_is_heard_and_quoted() {
        let pki = Pki::new();
        let mut found = inspect(&hop(MX), &pki.chain(&[MX], GOOD), &pki.roots, NOW);
        assert!(found.seen.certificate.trusted);
        found.distrust("the library: version 1\r\n".to_owned());
        assert!(!found.seen.certificate.trusted);
        let detail = found.detail(Failure::Untrusted);
        assert!(detail.starts_with("the library: version 1") && !detail.contains('\n'), "{detail}");
    }

    #[test]
    fn a_pinned_key_is_enough_whoever_issued_the_certificate() {
        let pki = Pki::new();
        let chain = pki.chain(&["www.example.net"], OLD);
        let mut hop = hop(MX);
        hop.fingerprints = vec![[7; 32], pin(&chain)];
        let nobody = RootStore::from_ders("none", Vec::new());
        let seen = observe(&hop, &chain, &nobody, NOW);
        assert!(seen.fingerprint && !seen.certificate.trusted);
        let other = inspect(&hop, &pki.chain(&[MX], GOOD), &pki.roots, NOW);
        assert!(!other.seen.fingerprint && other.seen.certificate.trusted);
        assert!(other.detail(Failure::FingerprintMismatch).contains(other.key().unwrap()));
        // The key of the issuer is not the server's.
        hop.fingerprints = vec![pin(std::slice::from_ref(&pki.ca_der))];
        assert!(!observe(&hop, &chain, &pki.roots, NOW).fingerprint);
    }

    #[test]
    fn tlsa_records_say_what_they_lack() {
        let pki = Pki::new();
        let of = |der: &[u8], usage: u8| {
            TlsaRecord::from_hex(usage, 1, 1, &x509::facts(der).unwrap().spki_sha256).unwrap()
        };
        let good = pki.chain(&[MX], GOOD);
        let (old, other) = (pki.chain(&[MX], OLD), pki.chain(&["www.example.net"], GOOD));
        for (chain, record, expected) in [
            (&good, of(&good[0], 3), Tlsa::Ee),
            (&good, of(&good[1], 2), Tlsa::Ta),
            (&good, of(&old[0], 3), Tlsa::Mismatch),
            (&old, of(&old[0], 3), Tlsa::Ee),
            (&old, of(&old[1], 2), Tlsa::TaOutOfDate),
            (&other, of(&other[1], 2), Tlsa::TaWrongName),
            (&good, of(&good[0], 1), Tlsa::NotApplicable),
        ] {
            let mut hop = hop(MX);
            hop.tlsa = vec![record.clone()];
            let nobody = RootStore::from_ders("none", Vec::new());
            let found = inspect(&hop, chain, &nobody, NOW);
            assert_eq!(found.seen.tlsa, expected, "{}", record.short());
            assert_eq!(found.tlsa.is_some(), !matches!(expected, Tlsa::Ee | Tlsa::Ta | Tlsa::NotApplicable));
        }
    }

    #[test]
    fn of_two_paths_one_within_its_dates_is_enough() {
        let pki = Pki::new();
        let key = KeyPair::generate().unwrap();
        let middle = |years: Years| {
            let mut params = params(&[], years);
            params.distinguished_name.push(DnType::CommonName, "Middle");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params
        };
        let [old, new] = [OLD, GOOD].map(|y| middle(y).signed_by(&key, &pki.ca).unwrap().der().to_vec());
        let issuer = Issuer::new(middle(GOOD), &key);
        let leaf_key = KeyPair::generate().unwrap();
        let leaf = params(&[MX], GOOD).signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
        let in_date = |chain: &[Vec<u8>]| observe(&hop(MX), chain, &pki.roots, NOW).certificate.in_date;
        assert!(in_date(&[leaf.clone(), old.clone(), new.clone()]));
        assert!(in_date(&[leaf.clone(), new.clone(), old.clone()]));
        let expired = [leaf, old];
        assert!(!in_date(&expired));
        let detail = inspect(&hop(MX), &expired, &pki.roots, NOW).detail(Failure::OutOfDate);
        assert!(detail.contains("CN=Middle expired") && detail.contains("days ago"), "{detail}");
    }

    #[test]
    fn a_certificate_for_other_names_is_named() {
        let pki = Pki::new();
        let found = inspect(
            &hop(MX),
            &pki.chain(&["a.example", "b.example", "c.example", "d.example"], GOOD),
            &pki.roots,
            NOW,
        );
        assert_eq!(found.detail(Failure::WrongName), "it is for a.example, b.example, c.example and 1 more");
        let none = inspect(&hop(MX), &pki.chain(&[], GOOD), &pki.roots, NOW);
        assert_eq!(none.detail(Failure::WrongName), "it names no host in subjectAltName");
        assert_eq!(found.detail(Failure::NotOffered), "");
    }
}
