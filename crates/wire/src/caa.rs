//! CAA (RFC 8659): which certification authorities may issue for a name.

use waxseal_model::dns::RecordData;

use crate::text::neutralise;

/// The flag that forbids issuing to CAs that do not understand the tag.
const CRITICAL: u8 = 128;

/// Properties that CAs for servers understand or may ignore: RFC 8659, RFC 8657 (which
/// adds parameters only), RFC 9495 (`issuemail`, for S/MIME) and the contact properties of
/// the Baseline Requirements, appendix A.1. `issuevmc` is for brand marks.
const KNOWN_TAGS: [&str; 7] =
    ["issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone"];

/// Tags and values of the parameters of `issue` and `issuewild`.
pub type Parameters = Vec<(String, String)>;

/// One record, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Property {
    /// `issue` or `issuewild`: who may issue; without a domain nobody may.
    Issue {
        /// For names that begin with `*.`.
        wild: bool,
        /// The domain that stands for the CA, lower case.
        issuer: Option<String>,
        /// `accounturi`, `validationmethods` and others (RFC 8657), as written.
        parameters: Parameters,
    },
    /// `iodef`: where CAs report requests that they refuse.
    Iodef {
        /// The URI.
        uri: String,
    },
    /// A property that has nothing to do with servers.
    Other {
        /// Its tag.
        tag: String,
    },
    /// A property that nobody knows, with the critical flag: no CA may issue.
    UnknownCritical {
        /// Its tag.
        tag: String,
    },
    /// The value breaks the grammar. Of `issue` and `issuewild` it counts as one that
    /// allows nobody (RFC 8659 section 4.2).
    Malformed {
        /// Its tag.
        tag: String,
        /// What is wrong, in one sentence.
        why: String,
    },
}

/// Reads one record.
pub fn property(flags: u8, tag: &str, value: &str) -> Property {
    let lower = tag.to_ascii_lowercase();
    let malformed = |why: String| Property::Malformed { tag: lower.clone(), why };
    match lower.as_str() {
        _ if lower.is_empty() || !lower.bytes().all(|b| b.is_ascii_alphanumeric()) => Property::Malformed {
            tag: neutralise(tag.as_bytes(), 40),
            why: "a tag consists of letters and digits".into(),
        },
        "issue" | "issuewild" => match issuer_and_parameters(value) {
            Ok((issuer, parameters)) => Property::Issue { wild: lower == "issuewild", issuer, parameters },
            Err(why) => malformed(why),
        },
        "iodef" => {
            let uri = neutralise(value.trim().as_bytes(), 255);
            let scheme = uri.split_once(':').map(|(s, rest)| (s.to_ascii_lowercase(), rest));
            match scheme {
                Some((s, rest)) if matches!(s.as_str(), "mailto" | "http" | "https") && !rest.is_empty() => {
                    Property::Iodef { uri }
                }
                _ => malformed(format!("\"{uri}\" is no mailto:, https: or http: URI")),
            }
        }
        known if KNOWN_TAGS.contains(&known) => Property::Other { tag: lower },
        _ if flags & CRITICAL != 0 => Property::UnknownCritical { tag: lower },
        _ => Property::Other { tag: lower },
    }
}

/// `*WSP [issuer *WSP] [";" *WSP [parameters]]` (RFC 8659 section 4.2).
fn issuer_and_parameters(value: &str) -> Result<(Option<String>, Parameters), String> {
    let space = [' ', '\t'];
    let (domain, rest) = match value.split_once(';') {
        Some((domain, rest)) => (domain.trim_matches(space), rest.trim_matches(space)),
        None => (value.trim_matches(space), ""),
    };
    let label = |l: &str| {
        l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    if !domain.is_empty() && !domain.split('.').all(label) {
        return Err(format!("\"{}\" is no domain name", neutralise(domain.as_bytes(), 80)));
    }
    let mut parameters = Vec::new();
    for part in rest.split(';').map(|p| p.trim_matches(space)).filter(|p| !p.is_empty()).take(50) {
        let shown = || neutralise(part.as_bytes(), 80);
        let (tag, value) = part.split_once('=').ok_or_else(|| format!("\"{}\" is no parameter", shown()))?;
        let (tag, value) = (tag.trim_end_matches(space), value.trim_start_matches(space));
        let printable = value.bytes().all(|b| b.is_ascii_graphic() && b != b';');
        if !label(tag) || !printable {
            return Err(format!("\"{}\" is no parameter", shown()));
        }
        parameters.push((tag.to_ascii_lowercase(), neutralise(value.as_bytes(), 255)));
    }
    let issuer = (!domain.is_empty()).then(|| domain.to_ascii_lowercase());
    Ok((issuer, parameters))
}

/// The CAA records in an answer, read.
pub fn properties<'a>(records: impl IntoIterator<Item = &'a RecordData>) -> Vec<Property> {
    let read = |data: &RecordData| match data {
        RecordData::Caa { flags, tag, value } => Some(property(*flags, tag, value)),
        _ => None,
    };
    records.into_iter().filter_map(read).collect()
}

/// Whether a CA may issue for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// No record restricts it.
    Anyone,
    /// It is named.
    Named,
    /// Others are named, or nobody: who, lower case.
    Excluded {
        /// The domains of the CAs that may.
        allowed: Vec<String>,
    },
    /// An unknown critical property forbids it to all.
    Forbidden {
        /// Its tag.
        tag: String,
    },
}

/// Whether a CA that answers to any of `issuers` may issue for a name, wildcard or not,
/// by the records that hold for it (RFC 8659 section 3 and 4). Parameters are conditions
/// on the account and the method, which nobody can see from outside: they are not looked
/// at.
pub fn permission(properties: &[Property], issuers: &[&str], wildcard: bool) -> Permission {
    if let Some(tag) = properties.iter().find_map(|p| match p {
        Property::UnknownCritical { tag } => Some(tag.clone()),
        _ => None,
    }) {
        return Permission::Forbidden { tag };
    }
    // Where there is any issuewild, it alone counts for wildcards (section 4.3).
    let wild = wildcard && relevant(properties, true).next().is_some();
    let mut restricted = false;
    let mut allowed: Vec<String> = Vec::new();
    for issuer in relevant(properties, wild) {
        restricted = true;
        let Some(issuer) = issuer else { continue };
        if issuers.iter().any(|i| i.eq_ignore_ascii_case(issuer)) {
            return Permission::Named;
        }
        allowed.push(issuer.to_owned());
    }
    allowed.dedup();
    if restricted { Permission::Excluded { allowed } } else { Permission::Anyone }
}

/// The issuers of the records of one tag; none for those that allow nobody.
fn relevant(properties: &[Property], wanted: bool) -> impl Iterator<Item = Option<&str>> {
    properties.iter().filter_map(move |p| match p {
        Property::Issue { wild, issuer, .. } if *wild == wanted => Some(issuer.as_deref()),
        Property::Malformed { tag, .. } if tag == if wanted { "issuewild" } else { "issue" } => Some(None),
        _ => None,
    })
}

/// A certification authority as its certificates name it, and the domains by which CAA
/// records name it.
struct Authority {
    /// The organisation (O) in the issuer's name, its beginning; letter case does not count.
    organization: &'static str,
    domains: &'static [&'static str],
}

const DIGICERT: &[&str] = &[
    "digicert.com",
    "www.digicert.com",
    "digicert.ne.jp",
    "cybertrust.ne.jp",
    "thawte.com",
    "geotrust.com",
    "rapidssl.com",
    "symantec.com",
    "quovadisglobal.com",
    "digitalcertvalidation.com",
];
const SECTIGO: &[&str] = &[
    "sectigo.com",
    "comodo.com",
    "comodoca.com",
    "usertrust.com",
    "trust-provider.com",
    "entrust.net",
    "affirmtrust.com",
];
const AMAZON: &[&str] = &["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com", "aws.amazon.com"];
const LETSENCRYPT: &[&str] = &["letsencrypt.org"];
const QUOVADIS: &[&str] = &["quovadisglobal.com", "digicert.com"];
const SSL_COM: &[&str] = &["ssl.com", "entrust.net", "affirmtrust.com"];

/// Source: section 4.2 of each CA's practice statement, as the Common CA Database lists
/// the identifiers (report "All CAA Identifiers", 2025-06). Authorities that issue under
/// the name of another are known by the one that signs.
const AUTHORITIES: [Authority; 38] = [
    Authority { organization: "Let's Encrypt", domains: LETSENCRYPT },
    Authority { organization: "Internet Security Research Group", domains: LETSENCRYPT },
    Authority { organization: "Google Trust Services", domains: &["pki.goog"] },
    Authority { organization: "DigiCert", domains: DIGICERT },
    Authority { organization: "GeoTrust", domains: DIGICERT },
    Authority { organization: "RapidSSL", domains: DIGICERT },
    Authority { organization: "Thawte", domains: DIGICERT },
    Authority { organization: "QuoVadis", domains: QUOVADIS },
    Authority { organization: "Sectigo", domains: SECTIGO },
    Authority { organization: "COMODO CA", domains: SECTIGO },
    Authority { organization: "The USERTRUST Network", domains: SECTIGO },
    Authority { organization: "ZeroSSL", domains: SECTIGO },
    Authority { organization: "Gehirn", domains: SECTIGO },
    Authority { organization: "GlobalSign", domains: &["globalsign.com"] },
    Authority { organization: "Entrust", domains: &["entrust.net", "affirmtrust.com"] },
    Authority { organization: "AffirmTrust", domains: &["affirmtrust.com", "entrust.net"] },
    Authority { organization: "GoDaddy", domains: &["godaddy.com", "starfieldtech.com"] },
    Authority {
        organization: "Starfield Technologies",
        domains: &["starfieldtech.com", "godaddy.com", "amazon.com"],
    },
    Authority { organization: "Amazon", domains: AMAZON },
    Authority { organization: "Microsoft Corporation", domains: &["microsoft.com"] },
    Authority { organization: "Apple", domains: &["pki.apple.com"] },
    Authority { organization: "SSL Corp", domains: SSL_COM },
    Authority { organization: "Buypass", domains: &["buypass.com", "buypass.no"] },
    Authority { organization: "Asseco Data Systems", domains: &["certum.pl", "certum.eu"] },
    Authority { organization: "Unizeto", domains: &["certum.pl", "certum.eu"] },
    Authority { organization: "Certum", domains: &["certum.pl", "certum.eu"] },
    Authority { organization: "D-Trust", domains: &["d-trust.net", "dtrust.de", "d-trust.de"] },
    Authority { organization: "Deutsche Telekom Security", domains: &["telesec.de", "pki.dfn.de", "dfn.de"] },
    Authority { organization: "SwissSign", domains: &["swisssign.com"] },
    Authority { organization: "Actalis", domains: &["actalis.it"] },
    Authority { organization: "Hellenic Academic and Research Institutions", domains: &["harica.gr"] },
    Authority { organization: "IdenTrust", domains: &["identrust.com"] },
    Authority { organization: "SECOM Trust Systems", domains: &["secomtrust.net"] },
    Authority { organization: "Certainly", domains: &["certainly.com"] },
    Authority { organization: "Certigna", domains: &["certigna.fr", "certigna.com"] },
    Authority { organization: "Telia", domains: &["telia.com"] },
    Authority { organization: "TAIWAN-CA", domains: &["twca.com.tw"] },
    Authority { organization: "TrustAsia Technologies", domains: &["trustasia.com"] },
];

/// The domains by which CAA records name the CA that issued a certificate, by the issuer
/// name as [`crate::x509::facts()`] writes it. None for a CA that is not in the table:
/// nothing is known of it then.
pub fn issuer_domains(issuer: &str) -> Option<&'static [&'static str]> {
    let organization = organization(issuer)?;
    let begins = |a: &&Authority| {
        let start = organization.get(..a.organization.len());
        // A word of its own: Amazonas is not Amazon.
        let ends = organization
            .get(a.organization.len()..)
            .is_none_or(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
        ends && start.is_some_and(|s| s.eq_ignore_ascii_case(a.organization))
    };
    AUTHORITIES.iter().find(begins).map(|a| a.domains)
}

/// The organisation in a distinguished name, unescaped.
fn organization(name: &str) -> Option<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in name.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            ',' | '+' if !escaped => parts.push(String::new()),
            _ => parts.last_mut()?.push(c),
        }
        escaped = false;
    }
    parts
        .iter()
        .find_map(|p| p.trim_start().strip_prefix("O=").map(|o| o.trim_matches('"').trim().to_owned()))
}

/// The names that a CA asks, from the name itself towards the root; a wildcard's own label
/// is left out. Top-level domains are asked too, the root is not.
pub fn climb(name: &str) -> Vec<String> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let name = name.strip_prefix("*.").unwrap_or(name);
    let labels: Vec<&str> = name.split('.').filter(|l| !l.is_empty()).collect();
    (0..labels.len()).filter_map(|from| Some(labels.get(from..)?.join("."))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(records: &[(u8, &str, &str)]) -> Vec<Property> {
        records.iter().map(|(flags, tag, value)| property(*flags, tag, value)).collect()
    }

    #[test]
    fn values_are_read_by_the_grammar() {
        for (value, issuer) in [
            ("ca.example.net", Some(Some("ca.example.net"))),
            ("  CA.Example.NET  ", Some(Some("ca.example.net"))),
            ("ca.example.net; account=230123", Some(Some("ca.example.net"))),
            (
                "letsencrypt.org;validationmethods=dns-01,http-01; accounturi=https://x.example/acct/1",
                Some(Some("letsencrypt.org")),
            ),
            (";", Some(None)),
            ("", Some(None)),
            (" ; ", Some(None)),
            ("%%%%%", None),
            ("ca1.example.net ca2.example.net", None),
            ("ca.example.net; x", None),
            ("ca.example.net; a=b c", None),
            ("-ca.example.net", None),
            ("https://letsencrypt.org", None),
        ] {
            let found = match property(0, "Issue", value) {
                Property::Issue { wild: false, issuer, .. } => Some(issuer),
                Property::Malformed { .. } => None,
                other => panic!("{value}: {other:?}"),
            };
            assert_eq!(found.as_ref().map(Option::as_deref), issuer, "{value}");
        }
        assert_eq!(property(0, "iodef", "mailto:a@b.c"), Property::Iodef { uri: "mailto:a@b.c".into() });
        assert!(matches!(property(0, "iodef", "a@b.c"), Property::Malformed { .. }));
        assert!(matches!(property(0, "is-sue", "x"), Property::Malformed { .. }));
    }

    #[test]
    fn records_decide_who_may_issue() {
        let (yes, anyone) = (Permission::Named, Permission::Anyone);
        let no = |names: &[&str]| Permission::Excluded {
            allowed: names.iter().map(|n| (*n).to_owned()).collect(),
        };
        type Row<'a> = (&'a [(u8, &'a str, &'a str)], bool, Permission);
        let rows: [Row<'_>; 13] = [
            (&[], false, anyone.clone()),
            (&[(0, "iodef", "mailto:a@b.c")], false, anyone.clone()),
            (&[(0, "issue", "ca.example")], false, yes.clone()),
            (&[(0, "issue", "other.example")], false, no(&["other.example"])),
            (&[(0, "issue", "other.example"), (0, "issue", "CA.example; x=y")], false, yes.clone()),
            (&[(0, "issue", ";")], false, no(&[])),
            (&[(0, "issue", ";"), (0, "issue", "ca.example")], false, yes.clone()),
            (&[(0, "issue", "%%%")], false, no(&[])),
            (&[(0, "issuewild", "other.example")], false, anyone.clone()),
            (&[(0, "issue", "ca.example"), (0, "issuewild", "other.example")], true, no(&["other.example"])),
            (&[(0, "issue", "ca.example")], true, yes),
            (
                &[(128, "tbs", "x"), (0, "issue", "ca.example")],
                false,
                Permission::Forbidden { tag: "tbs".into() },
            ),
            (&[(0, "tbs", "x"), (128, "issuemail", ";")], false, anyone),
        ];
        for (records, wildcard, expected) in rows {
            assert_eq!(permission(&all(records), &["ca.example"], wildcard), expected, "{records:?}");
        }
    }

    #[test]
    fn issuers_are_known_by_their_organisation() {
        for (issuer, domain) in [
            ("C=US, O=Let's Encrypt, CN=R11", Some("letsencrypt.org")),
            ("CN=WE1,O=Google Trust Services,C=US", Some("pki.goog")),
            ("C=US, O=DigiCert Inc, CN=DigiCert TLS RSA SHA256 2020 CA1", Some("digicert.com")),
            ("C=GB, O=Sectigo Limited, CN=Sectigo RSA", Some("sectigo.com")),
            ("C=BE, O=GlobalSign nv-sa, CN=x", Some("globalsign.com")),
            (r"C=US, O=GoDaddy.com\, Inc., CN=x", Some("godaddy.com")),
            ("O=Amazonas Trust, CN=Amazon", None),
            ("CN=Let's Encrypt", None),
            ("O=waxseal lab, CN=R", None),
            ("", None),
        ] {
            assert_eq!(issuer_domains(issuer).and_then(|d| d.first().copied()), domain, "{issuer}");
        }
    }

    #[test]
    fn cas_climb_towards_the_root() {
        assert_eq!(climb("*.mx.example.com."), ["mx.example.com", "example.com", "com"]);
        assert!(climb(".").is_empty());
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_harm(flags in any::<u8>(), tag in "[a-zA-Z]{0,12}|.{0,6}", value in ".{0,60}", issuer in ".{0,60}") {
            let _ = permission(&[property(flags, &tag, &value)], &["ca.example"], true);
            let _ = issuer_domains(&issuer);
        }
    }
}
