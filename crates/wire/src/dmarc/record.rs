//! DMARC records (RFC 9989 section 4.7).

use thiserror::Error;
use waxseal_model::identity::{DmarcPolicy, DmarcRecord, Psd};

use crate::{
    tags::{TagError, Tags, list},
    target::name_to_ascii,
    text::neutralise,
};

/// Report addresses of one tag that are kept.
const MOST_URIS: usize = 20;

/// Why a record cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DmarcError {
    /// It does not begin with `v=DMARC1`: it is no DMARC record at all.
    #[error("it does not begin with v=DMARC1")]
    NotDmarc,
    /// Not a tag list.
    #[error("it cannot be read: {0}")]
    Tags(#[from] TagError),
    /// No policy, and no report address that would save the record (section 4.10.1).
    #[error("{tag}= is missing or unknown, and there is no valid rua= either")]
    NoPolicy {
        /// `p`, `sp` or `np`.
        tag: &'static str,
    },
}

/// True if a TXT record is a DMARC record: `v`, `=`, and exactly `DMARC1`, with white
/// space around the sign and a semicolon or nothing behind.
pub fn is_dmarc(text: &str) -> bool {
    let space = [' ', '\t'];
    let rest = text.strip_prefix('v').map(|r| r.trim_start_matches(space));
    let rest = rest.and_then(|r| r.strip_prefix('=')).map(|r| r.trim_start_matches(space));
    let rest = rest.and_then(|r| r.strip_prefix("DMARC1")).map(|r| r.trim_start_matches(space));
    rest.is_some_and(|r| r.is_empty() || r.starts_with(';'))
}

/// Tags of RFC 9989.
const KNOWN: [&str; 12] = ["v", "p", "sp", "np", "adkim", "aspf", "rua", "ruf", "fo", "psd", "t", "rf"];

/// Reads a record.
///
/// # Errors
/// Receivers do not use it.
pub fn parse(text: &str) -> Result<DmarcRecord, DmarcError> {
    if !is_dmarc(text) {
        return Err(DmarcError::NotDmarc);
    }
    let tags = Tags::parse(text)?;
    let mut warnings = Vec::new();
    let rua = uris(tags.get("rua"), "rua", &mut warnings);
    let ruf = uris(tags.get("ruf"), "ruf", &mut warnings);
    let mut bad_policy = None;
    let mut policy = |tag: &'static str, required: bool| {
        let value = tags.get(tag);
        let known = value.and_then(policy_word);
        if known.is_none() && (required || value.is_some()) && bad_policy.is_none() {
            bad_policy = Some(tag);
        }
        known
    };
    let (mut p, mut sp, mut np) = (policy("p", true), policy("sp", false), policy("np", false));
    if let Some(tag) = bad_policy {
        if rua.is_empty() {
            return Err(DmarcError::NoPolicy { tag });
        }
        warnings.push(format!("{tag}= is missing or unknown: receivers take the policy to be none"));
        (p, sp, np) = (None, None, None);
    }
    let strict_dkim = strict(&tags, "adkim", &mut warnings);
    let strict_spf = strict(&tags, "aspf", &mut warnings);
    let (testing, psd) = (testing(&tags, &mut warnings), psd(&tags, &mut warnings));
    failure_options(&tags, &mut warnings);
    historic(&tags, &mut warnings);
    if tags.get("p").is_some() && tags.names().nth(1) != Some("p") {
        warnings.push("p= does not follow v=, where older receivers expect it (RFC 7489 section 6.4)".into());
    }
    Ok(DmarcRecord {
        text: neutralise(text.as_bytes(), 2000),
        p,
        sp,
        np,
        strict_dkim,
        strict_spf,
        testing,
        psd,
        rua,
        ruf,
        warnings,
    })
}

fn policy_word(value: &str) -> Option<DmarcPolicy> {
    [DmarcPolicy::None, DmarcPolicy::Quarantine, DmarcPolicy::Reject]
        .into_iter()
        .find(|p| p.word().eq_ignore_ascii_case(value))
}

/// A value that the standard does not know; receivers take the default.
fn unknown(tag: &str, value: &str, warnings: &mut Vec<String>) {
    let value = neutralise(value.as_bytes(), 40);
    warnings.push(format!("{tag}={value} is unknown: receivers take the default"));
}

fn strict(tags: &Tags<'_>, tag: &str, warnings: &mut Vec<String>) -> bool {
    match tags.get(tag) {
        Some(v) if v.eq_ignore_ascii_case("s") => true,
        Some(v) if !v.eq_ignore_ascii_case("r") => {
            unknown(tag, v, warnings);
            false
        }
        _ => false,
    }
}

fn testing(tags: &Tags<'_>, warnings: &mut Vec<String>) -> bool {
    match tags.get("t") {
        Some(v) if v.eq_ignore_ascii_case("y") => true,
        Some(v) if !v.eq_ignore_ascii_case("n") => {
            unknown("t", v, warnings);
            false
        }
        _ => false,
    }
}

fn psd(tags: &Tags<'_>, warnings: &mut Vec<String>) -> Psd {
    match tags.get("psd") {
        Some(v) if v.eq_ignore_ascii_case("y") => Psd::Y,
        Some(v) if v.eq_ignore_ascii_case("n") => Psd::N,
        Some(v) if !v.eq_ignore_ascii_case("u") => {
            unknown("psd", v, warnings);
            Psd::U
        }
        _ => Psd::U,
    }
}

fn failure_options(tags: &Tags<'_>, warnings: &mut Vec<String>) {
    let Some(fo) = tags.get("fo") else { return };
    let known = |o: &str| matches!(o.to_ascii_lowercase().as_str(), "0" | "1" | "d" | "s");
    if !list(fo, ':').all(known) || list(fo, ':').next().is_none() {
        unknown("fo", fo, warnings);
    } else if tags.get("ruf").is_none() {
        warnings.push("fo= has no effect without ruf=".into());
    }
}

/// Tags of RFC 7489 that RFC 9989 appendix A.6 withdrew, and ones that nobody knows.
fn historic(tags: &Tags<'_>, warnings: &mut Vec<String>) {
    for (tag, instead) in
        [("pct", "t=y is what remains of it"), ("ri", "receivers report daily"), ("rf", "one format is left")]
    {
        if tags.get(tag).is_some() {
            warnings.push(format!("{tag}= is historic and ignored since RFC 9989: {instead}"));
        }
    }
    let strangers = tags.names().filter(|t| !KNOWN.contains(t) && !matches!(*t, "pct" | "ri"));
    for tag in strangers.take(5) {
        warnings.push(format!("{}= is no tag of DMARC and ignored", neutralise(tag.as_bytes(), 40)));
    }
}

/// The URIs of `rua` and `ruf`, without the sizes of RFC 7489 (`!10m`).
fn uris(value: Option<&str>, tag: &str, warnings: &mut Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for uri in value.into_iter().flat_map(|v| list(v, ',')).take(MOST_URIS) {
        let shown = neutralise(uri.as_bytes(), 255);
        let bare = match uri.split_once('!') {
            Some((bare, _)) => {
                warnings
                    .push(format!("{tag}: the size limit in {shown} is historic and ignored since RFC 9989"));
                bare
            }
            None => uri,
        };
        let bare = neutralise(bare.as_bytes(), 255);
        match scheme(&bare) {
            // RFC 9990 section 3 delivers by mail only.
            Some("mailto") if report_domain(&bare).is_some() => found.push(bare),
            Some(_) if !bare.to_ascii_lowercase().starts_with("mailto:") => {
                warnings.push(format!("{tag}: nobody sends reports to {shown}: only mailto: is in use"));
            }
            _ => warnings.push(format!("{tag}: {shown} is no URI that reports could go to; write mailto:")),
        }
    }
    if value.is_some() && found.is_empty() {
        warnings.push(format!("{tag}= names no address that could be used"));
    }
    found
}

fn scheme(uri: &str) -> Option<&str> {
    let (scheme, rest) = uri.split_once(':')?;
    let fine = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !fine || rest.is_empty() {
        return None;
    }
    Some(if scheme.eq_ignore_ascii_case("mailto") { "mailto" } else { scheme })
}

/// The domain of a `mailto:` URI, in A-labels.
pub fn report_domain(uri: &str) -> Option<String> {
    let (_, address) = uri.split_once(':').filter(|(s, _)| s.eq_ignore_ascii_case("mailto"))?;
    let (address, _) = address.split_once('?').unwrap_or((address, ""));
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() { None } else { name_to_ascii(domain).ok() }
}

/// Where `host` says that it takes reports about `domain` (RFC 9990 section 4).
pub fn external_name(domain: &str, host: &str) -> String {
    format!("{domain}._report._dmarc.{host}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_are_told_from_other_text() {
        for (text, dmarc) in [
            ("v=DMARC1", true),
            ("v=DMARC1; p=none", true),
            ("v = DMARC1 ;p=none", true),
            ("v=DMARC1;p=none", true),
            ("v=dmarc1; p=none", false),
            ("V=DMARC1; p=none", false),
            ("v=DMARC1x; p=none", false),
            ("v=DMARC1 p=none", false),
            (" v=DMARC1; p=none", false),
            ("p=none; v=DMARC1", false),
        ] {
            assert_eq!(is_dmarc(text), dmarc, "{text}");
        }
    }

    #[test]
    fn every_tag_is_understood_in_any_case() {
        let record = parse(
            "v=DMARC1; p = Reject; sp=QUARANTINE; np=none; adkim = S; aspf=r; t=Y; psd=n; fo=1:d; \
             rua=mailto:A@Example.com, mailto:b@example.net; ruf=mailto:c@example.org",
        )
        .unwrap();
        assert_eq!(record.p, Some(DmarcPolicy::Reject));
        assert_eq!((record.sp, record.np), (Some(DmarcPolicy::Quarantine), Some(DmarcPolicy::None)));
        assert!(record.strict_dkim && !record.strict_spf && record.testing);
        assert_eq!(record.psd, Psd::N);
        assert_eq!(record.rua, ["mailto:A@Example.com", "mailto:b@example.net"]);
        assert!(record.warnings.is_empty(), "{:?}", record.warnings);
    }

    #[test]
    fn a_bad_policy_is_none_if_there_is_somebody_to_tell() {
        for text in [
            "v=DMARC1; rua=mailto:d@example.com",
            "v=DMARC1; p=block; rua=mailto:d@example.com!10m",
            "v=DMARC1; p=reject; sp=bounce; rua=mailto:d@example.com",
            "v=DMARC1; p=reject; np=; rua=mailto:d@example.com",
        ] {
            let record = parse(text).unwrap();
            assert_eq!((record.p, record.sp), (None, None), "{text}");
            assert!(!record.warnings.is_empty());
        }
        for text in [
            "v=DMARC1",
            "v=DMARC1; adkim=s",
            "v=DMARC1; p=reject; sp=nope; rua=dmarc@example.com",
            "v=DMARC1; p=no; rua=mailto:",
            "v=DMARC1; p=no; rua=",
        ] {
            assert!(matches!(parse(text), Err(DmarcError::NoPolicy { .. })), "{text}");
        }
        assert_eq!(parse("v=DMARC1; p=reject; sp=x").unwrap_err(), DmarcError::NoPolicy { tag: "sp" });
    }

    #[test]
    fn what_receivers_ignore_is_told() {
        for (text, word) in [
            ("v=DMARC1; p=none; pct=50", "pct="),
            ("v=DMARC1; p=none; ri=3600", "ri="),
            ("v=DMARC1; p=none; rf=afrf", "rf="),
            ("v=DMARC1; p=none; t=yes", "t=yes"),
            ("v=DMARC1; p=none; adkim=x", "adkim=x"),
            ("v=DMARC1; p=none; psd=maybe", "psd=maybe"),
            ("v=DMARC1; p=none; fo=2", "fo=2"),
            ("v=DMARC1; p=none; fo=1", "without ruf"),
            ("v=DMARC1; p=none; rua=https://example.com/", "https://example.com/"),
            ("v=DMARC1; p=none; rua=a@example.com", "write mailto:"),
            ("v=DMARC1; p=none; policy=x", "policy="),
            ("v=DMARC1; rua=mailto:a@example.com; p=none", "does not follow"),
        ] {
            let record = parse(text).unwrap();
            assert!(record.warnings.iter().any(|w| w.contains(word)), "{text}: {:?}", record.warnings);
        }
        assert!(matches!(parse("v=DMARC1; p=none; p=reject"), Err(DmarcError::Tags(_))));
    }

    #[test]
    fn report_domains_come_from_mail_addresses() {
        assert_eq!(report_domain("mailto:a@b@Example.COM?subject=x").as_deref(), Some("example.com"));
        assert_eq!(report_domain("https://example.com"), None);
        assert_eq!(report_domain("mailto:@example.com"), None);
        assert_eq!(external_name("a.example", "b.example"), "a.example._report._dmarc.b.example");
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_harm(text in "v=DMARC1(; ?(p|sp|np|rua|ruf|t|psd|fo|pct|é)=[a-z:@,.!0-9é]{0,20}){0,6}") {
            if let Ok(record) = parse(&text) {
                prop_assert!(record.p.is_some() || !record.rua.is_empty());
                prop_assert!(record.rua.iter().all(|uri| report_domain(uri).is_some()));
            }
        }
    }
}
