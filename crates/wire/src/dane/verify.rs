//! Whether a presented chain is the one that TLSA records name.

use waxseal_model::{
    CertificateFacts,
    certificate::{PathFacts, PathOutcome},
};

use super::{
    record::{CERT, DANE_EE, DANE_TA, FULL, PKIX_EE, PKIX_TA, SPKI, TlsaRecord, associate},
    usable::in_use,
};
use crate::{
    reading::quote,
    x509::{self, NameMatch, RootStore},
};

/// Most certificates above the leaf that are looked at; a path takes at most as many.
const MAX_CHAIN: usize = 30;

/// Most records that are compared with a chain. Real sets have up to a dozen.
const MAX_RECORDS: usize = 500;

/// Most ways from records to trust anchors that are tried. Each costs the verification of a
/// bounded number of signatures, and whoever runs both zone and server could ask for many.
const MAX_WAYS: usize = 12;

/// What a sender concludes from a set of TLSA records and a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// There is no record that a sender can use: TLS is a must, and nothing is authenticated
    /// (RFC 7672 section 2.2).
    AllUnusable,
    /// The chain is authenticated.
    Match {
        /// Position of the record.
        record: usize,
        /// How far up the path the record led, 0 being the leaf. As in OpenSSL, for a key that
        /// belongs to no presented certificate it is the certificate that the key signed.
        depth: u32,
        /// The server presented the certificate that matched. If not, the trust anchor came
        /// out of the record itself (`2 0 0`, `2 1 0`): OpenSSL and Postfix accept that, other
        /// senders need not (RFC 7672 section 3.1.2).
        presented: bool,
    },
    /// The sender must not deliver.
    Mismatch {
        /// What does not fit: one sentence, safe to print.
        why: String,
        /// The same as a word.
        misfit: Misfit,
    },
}

/// What keeps a chain from being authenticated by TLSA records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misfit {
    /// No record leads to a trust anchor.
    Record,
    /// A DANE-TA record does, and a certificate on the path is outside its dates.
    Date,
    /// A DANE-TA record does, and the server's certificate bears none of the names.
    Name,
}

/// The depth of the certificate in a presented chain (leaf first) that a record matches, going
/// by selector and matching type alone: names, dates and signatures are left aside.
///
/// Usages for a server's own certificate (3, 1) are compared with the leaf, those for a trust
/// anchor (2, 0) with the certificates above it, never with the leaf, as OpenSSL does. A trust
/// anchor that only stands in the record itself (`2 0 0`, `2 1 0`) and was not presented is no
/// match here: there is no certificate to point to.
pub fn matches(record: &TlsaRecord, chain: &[Vec<u8>]) -> Option<u32> {
    let leaf = chain.first()?;
    match record.usage {
        DANE_EE | PKIX_EE => names(record, leaf).then_some(0),
        DANE_TA | PKIX_TA => {
            let position = chain.iter().take(MAX_CHAIN).position(|der| der != leaf && names(record, der))?;
            u32::try_from(position).ok()
        }
        _ => None,
    }
}

/// True if selector, matching type and data fit a certificate.
fn names(record: &TlsaRecord, der: &[u8]) -> bool {
    let selected = match record.selector {
        CERT => Some(der.to_vec()),
        SPKI => x509::spki_of(der),
        _ => None,
    };
    selected
        .and_then(|selected| associate(record.matching_type, &selected))
        .is_some_and(|data| data == record.data)
}

/// Decides as a sender does that follows RFC 7672: whether a chain (DER, leaf first) is
/// authenticated by TLSA records that DNSSEC vouches for.
///
/// Only records that are [`in_use`] count. DANE-EE ignores names, dates and signatures (RFC 7672
/// section 3.1.1). DANE-TA demands a path of valid signatures from the leaf to the matched
/// certificate, whose intermediates are CAs meant for servers; that each of them is valid at
/// `now` (seconds since 1970-01-01 UTC); and that the leaf bears one of `names`, the common name
/// being asked only where there is no DNS name (RFC 7672 section 3.2). The matched certificate
/// need not be self-signed. Of several matches, the one with the least depth is returned, of
/// presented certificates before others.
pub fn verify(records: &[TlsaRecord], chain: &[Vec<u8>], names: &[String], now: i64) -> Verdict {
    let used = in_use(records.get(..MAX_RECORDS).unwrap_or(records));
    if used.is_empty() {
        return Verdict::AllUnusable;
    }
    if chain.is_empty() {
        return Verdict::Mismatch {
            why: "the server presented no certificate".to_owned(),
            misfit: Misfit::Record,
        };
    }
    let records: Vec<(usize, &TlsaRecord)> =
        used.iter().filter_map(|at| records.get(*at).map(|record| (*at, record))).collect();
    for (at, record) in records.iter().filter(|(_, record)| record.usage == DANE_EE) {
        if matches(record, chain).is_some() {
            return Verdict::Match { record: *at, depth: 0, presented: true };
        }
    }
    let trust_anchors = records.iter().filter(|(_, record)| record.usage == DANE_TA);
    let ways = trust_anchors.flat_map(|(at, record)| {
        Anchors::all_of(record, chain).into_iter().map(move |anchors| (*at, *record, anchors))
    });
    let case = Case { chain, facts: facts_of(chain), names, now };
    // Presented trust anchors first, then the nearest.
    let mut best: Option<(bool, u32, usize)> = None;
    let mut failure = None;
    for (at, record, anchors) in ways.take(MAX_WAYS) {
        match case.leads_to(&anchors) {
            Ok(depth) => {
                let found = (!anchors.presented, depth, at);
                best = Some(best.map_or(found, |best| best.min(found)));
            }
            // A trust anchor that is not presented and has not signed the chain has no part in it.
            Err((Misfit::Record, _)) if !anchors.presented => {}
            Err((misfit, why)) => {
                failure.get_or_insert((format!("{} matches, but {why}", record.short()), misfit));
            }
        }
    }
    match best {
        Some((absent, depth, record)) => Verdict::Match { record, depth, presented: !absent },
        None => {
            let (why, misfit) = failure.unwrap_or_else(|| (nothing_matches(&records, chain), Misfit::Record));
            Verdict::Mismatch { why, misfit }
        }
    }
}

/// What each presented certificate says; none of those that cannot be read.
fn facts_of(chain: &[Vec<u8>]) -> Vec<Option<CertificateFacts>> {
    chain.iter().take(MAX_CHAIN).map(|der| x509::facts(der).ok()).collect()
}

fn nothing_matches(records: &[(usize, &TlsaRecord)], chain: &[Vec<u8>]) -> String {
    let above = chain.iter().skip(1).filter(|der| Some(*der) != chain.first()).count();
    let trust_anchor = records.iter().any(|(_, record)| record.usage == DANE_TA);
    let listed = match records {
        [(_, one)] => format!("the record {} does not match", one.short()),
        several => format!("none of the {} records in use matches", several.len()),
    };
    match (trust_anchor, above) {
        (true, 0) => format!(
            "{listed} the presented chain: it has no certificate but the server's own, and usage 2 needs the CA's \
             certificate in it (RFC 7672 section 3.1.2)"
        ),
        (true, _) => format!("{listed} any of the {} presented certificates", chain.len()),
        (false, _) => format!("{listed} the server's certificate"),
    }
}

/// Certificates that a DANE-TA record makes trust anchors.
struct Anchors {
    ders: Vec<Vec<u8>>,
    /// They are in the presented chain, and not only in the record.
    presented: bool,
}

impl Anchors {
    /// The ways in which a record may lead to trust anchors: through presented certificates
    /// that it matches, and with data in full through the data themselves.
    fn all_of(record: &TlsaRecord, chain: &[Vec<u8>]) -> Vec<Self> {
        let leaf = chain.first();
        let seen = chain.iter().take(MAX_CHAIN);
        let matched = seen.clone().filter(|der| Some(*der) != leaf && names(record, der));
        let mut ways = vec![Self { ders: matched.cloned().collect(), presented: true }];
        if record.matching_type == FULL && record.selector == CERT && leaf != Some(&record.data) {
            ways.push(Self { ders: vec![record.data.clone()], presented: false });
        } else if record.matching_type == FULL && record.selector == SPKI {
            // A key alone has no name to look for: whatever it signed ends the path.
            let signed = seen.filter(|der| x509::verify_with_key(der, &record.data).is_ok());
            ways.push(Self { ders: signed.cloned().collect(), presented: false });
        }
        ways.retain(|way| !way.ders.is_empty());
        ways
    }
}

/// What DANE-TA records are measured by.
struct Case<'a> {
    chain: &'a [Vec<u8>],
    facts: Vec<Option<CertificateFacts>>,
    names: &'a [String],
    now: i64,
}

impl Case<'_> {
    /// The depth of the trust anchor, or what keeps the chain from leading to it.
    fn leads_to(&self, anchors: &Anchors) -> Result<u32, (Misfit, String)> {
        let path = find(self.chain, &anchors.ders);
        if path.outcome != PathOutcome::Trusted {
            let (code, text) = path.outcome.openssl();
            let why = format!("no path leads from the server's certificate to it: {text} (OpenSSL {code})");
            return Err((Misfit::Record, why));
        }
        if let Some(why) = self.chain.first().and_then(|leaf| self.outdated(leaf)) {
            return Err((Misfit::Date, why));
        }
        // Where there are several paths, one of valid certificates is as good as any.
        let valid = |ders: &[Vec<u8>]| -> Vec<Vec<u8>> {
            ders.iter().filter(|der| self.outdated(der).is_none()).cloned().collect()
        };
        let in_time = find(&valid(self.chain), &valid(&anchors.ders));
        if in_time.outcome != PathOutcome::Trusted {
            let on_path = path.used.iter().map(|position| match position {
                Some(at) => usize::try_from(*at).ok().and_then(|at| self.chain.get(at)),
                None => anchors.ders.first(),
            });
            let why = on_path.flatten().find_map(|der| self.outdated(der));
            let why = why.unwrap_or_else(|| "a certificate on the path is not valid at this time".to_owned());
            return Err((Misfit::Date, why));
        }
        self.named().map_err(|why| (Misfit::Name, why))?;
        Ok(u32::try_from(in_time.subjects.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Why a certificate is not valid at the time. Unreadable ones are left to the path.
    fn outdated(&self, der: &[u8]) -> Option<String> {
        let position = self.chain.iter().take(MAX_CHAIN).position(|presented| presented == der);
        let read;
        let facts = match position {
            Some(at) => self.facts.get(at)?.as_ref()?,
            None => {
                read = x509::facts(der).ok()?;
                &read
            }
        };
        let which = match position {
            Some(0) => "the server's certificate".to_owned(),
            _ => format!("the certificate of {}", quote(&facts.subject)),
        };
        if self.now > facts.not_after {
            Some(format!("{which} has expired"))
        } else if self.now < facts.not_before {
            Some(format!("{which} is not valid yet"))
        } else {
            None
        }
    }

    fn named(&self) -> Result<(), String> {
        let facts =
            self.facts.first().and_then(Option::as_ref).ok_or("the server's certificate cannot be read")?;
        let bears = |name: &String| x509::matches_host(facts, name) != NameMatch::Mismatch;
        if self.names.iter().any(bears) {
            return Ok(());
        }
        let wanted = self.names.iter().map(quote).collect::<Vec<_>>().join(" or ");
        Err(format!("the server's certificate is for {}, not for {wanted}", borne(facts)))
    }
}

/// The names that a certificate bears, the first few.
fn borne(facts: &CertificateFacts) -> String {
    let mut names: Vec<String> = facts.dns_names.iter().take(3).map(quote).collect();
    if facts.dns_names.len() > 3 {
        names.push(format!("{} more", facts.dns_names.len() - 3));
    }
    if names.is_empty() {
        names.extend(facts.common_name.iter().map(quote));
    }
    if names.is_empty() { "no name".to_owned() } else { names.join(", ") }
}

fn find(chain: &[Vec<u8>], anchors: &[Vec<u8>]) -> PathFacts {
    x509::path(chain, &RootStore::from_ders("TLSA", anchors.to_vec()))
}
