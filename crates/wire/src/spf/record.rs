//! SPF records (RFC 7208 sections 3 to 6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;
use waxseal_model::identity::{SpfRecordFacts, SpfResult};

use super::macros::{MacroString, Place, domain_spec};
use crate::text::neutralise;

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Mechanisms with their qualifiers, in order.
    pub directives: Vec<Directive>,
    /// `redirect=`.
    pub(super) redirect: Option<MacroString>,
    /// `exp=`.
    pub(super) exp: Option<MacroString>,
}

/// A mechanism and what it means if it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// What a match means.
    pub qualifier: Qualifier,
    /// What matches.
    pub mechanism: Mechanism,
    /// As written.
    pub text: String,
}

/// What a match means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// `+`, or nothing.
    Pass,
    /// `-`.
    Fail,
    /// `~`.
    Softfail,
    /// `?`.
    Neutral,
}

impl Qualifier {
    /// The result that a match gives.
    pub fn result(self) -> SpfResult {
        match self {
            Self::Pass => SpfResult::Pass,
            Self::Fail => SpfResult::Fail,
            Self::Softfail => SpfResult::Softfail,
            Self::Neutral => SpfResult::Neutral,
        }
    }
}

/// What matches (RFC 7208 section 5).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mechanism {
    /// Everything.
    All,
    /// What another domain's record lets pass.
    Include(DomainSpec),
    /// The addresses of a name.
    A(Option<DomainSpec>, Prefixes),
    /// The addresses of a domain's mail exchangers.
    Mx(Option<DomainSpec>, Prefixes),
    /// Addresses whose validated reverse name lies below a domain.
    Ptr(Option<DomainSpec>),
    /// A network.
    Ip(IpAddr, u8),
    /// Everything, if a name has an A record.
    Exists(DomainSpec),
}

impl Mechanism {
    /// True if it counts towards the limit of 10 (RFC 7208 section 4.6.4).
    pub fn needs_dns(&self) -> bool {
        !matches!(self, Self::All | Self::Ip(..))
    }

    /// The domain that it names.
    pub(super) fn domain(&self) -> Option<&DomainSpec> {
        match self {
            Self::Include(d) | Self::Exists(d) => Some(d),
            Self::A(d, _) | Self::Mx(d, _) | Self::Ptr(d) => d.as_ref(),
            Self::All | Self::Ip(..) => None,
        }
    }
}

/// A domain name that may hold macros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSpec(pub(super) MacroString);

impl DomainSpec {
    /// As written.
    pub fn text(&self) -> &str {
        &self.0.text
    }
}

/// Lengths of the networks around the addresses of `a` and `mx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixes {
    /// Of IPv4, up to 32.
    pub v4: u8,
    /// Of IPv6, up to 128.
    pub v6: u8,
}

/// Why a record cannot be read. RFC 7208 section 4.6: an error anywhere spoils the whole
/// record, however early something matches.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SpfSyntaxError {
    /// Characters beyond printable ASCII.
    #[error("\"{text}\" holds characters that are no printable ASCII")]
    NotAscii {
        /// The term.
        text: String,
    },
    /// A `%` that begins no macro.
    #[error("\"{text}\" holds a % that begins no macro, or a macro that does not exist")]
    Macro {
        /// The macro string.
        text: String,
    },
    /// Nothing behind `:` or `=`.
    #[error("a domain name is missing")]
    EmptyDomain,
    /// A name that cannot be one.
    #[error("\"{text}\" does not end like a domain name")]
    DomainEnd {
        /// The domain-spec.
        text: String,
    },
    /// An address where a name is expected.
    #[error("\"{text}\" is an address: write {mechanism}:{text}")]
    AddressAsDomain {
        /// The address.
        text: String,
        /// `ip4` or `ip6`.
        mechanism: &'static str,
    },
    /// No such mechanism.
    #[error("there is no mechanism \"{name}\"")]
    UnknownMechanism {
        /// Its name.
        name: String,
    },
    /// A modifier written like a mechanism.
    #[error("\"{name}\" is a modifier: write {name}=")]
    ModifierAsMechanism {
        /// Its name.
        name: String,
    },
    /// The name of a modifier must begin with a letter.
    #[error("\"{name}\" cannot be the name of a modifier")]
    ModifierName {
        /// The name.
        name: String,
    },
    /// `all` and its like take no argument.
    #[error("\"{text}\" is more than {name} may have")]
    Argument {
        /// What stands behind the name.
        text: String,
        /// The mechanism.
        name: &'static str,
    },
    /// A network that is none.
    #[error("\"{text}\" is no network of {name}")]
    Network {
        /// What stands there.
        text: String,
        /// `ip4` or `ip6`.
        name: &'static str,
    },
    /// The length of a prefix is too large, or has leading zeros.
    #[error("\"/{text}\" is no length of a network")]
    PrefixLength {
        /// What stands there.
        text: String,
    },
    /// `redirect` or `exp` twice (RFC 7208 section 6).
    #[error("{name}= stands there twice")]
    Twice {
        /// The modifier.
        name: &'static str,
    },
}

/// True if a TXT record is an SPF record: it begins with `v=spf1` and a space, or ends
/// there (RFC 7208 section 4.5).
pub fn is_spf(text: &str) -> bool {
    version_and_terms(text).is_some()
}

fn version_and_terms(text: &str) -> Option<&str> {
    let version = text.get(..6)?;
    let rest = text.get(6..)?;
    (version.eq_ignore_ascii_case("v=spf1") && (rest.is_empty() || rest.starts_with(' '))).then_some(rest)
}

/// Reads a record, with or without its version.
///
/// # Errors
/// The first term that breaks the grammar.
pub fn parse(text: &str) -> Result<Record, SpfSyntaxError> {
    let terms = version_and_terms(text).unwrap_or(text);
    let mut record = Record { directives: Vec::new(), redirect: None, exp: None };
    for term in terms.split(' ').filter(|t| !t.is_empty()) {
        if !term.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(SpfSyntaxError::NotAscii { text: neutralise(term.as_bytes(), 80) });
        }
        match term.find(['=', ':', '/']) {
            Some(at) if term.as_bytes().get(at) == Some(&b'=') => modifier(&mut record, term, at)?,
            _ => record.directives.push(directive(term)?),
        }
    }
    Ok(record)
}

fn modifier(record: &mut Record, term: &str, equals: usize) -> Result<(), SpfSyntaxError> {
    let (name, value) = term.split_at_checked(equals).unwrap_or((term, ""));
    let value = value.strip_prefix('=').unwrap_or(value);
    let rest_is_fine = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !(rest_is_fine && name.starts_with(|c: char| c.is_ascii_alphabetic())) {
        return Err(SpfSyntaxError::ModifierName { name: name.to_owned() });
    }
    let (slot, name) = match name {
        n if n.eq_ignore_ascii_case("redirect") => (&mut record.redirect, "redirect"),
        n if n.eq_ignore_ascii_case("exp") => (&mut record.exp, "exp"),
        // Unknown modifiers are ignored, if only their macros are well-formed.
        _ => return MacroString::parse(value, Place::Unknown).map(|_| ()),
    };
    if slot.is_some() {
        return Err(SpfSyntaxError::Twice { name });
    }
    *slot = Some(domain_spec(value)?);
    Ok(())
}

fn directive(term: &str) -> Result<Directive, SpfSyntaxError> {
    let (qualifier, body) = match term.as_bytes().first() {
        Some(b'+') => (Qualifier::Pass, term.get(1..)),
        Some(b'-') => (Qualifier::Fail, term.get(1..)),
        Some(b'~') => (Qualifier::Softfail, term.get(1..)),
        Some(b'?') => (Qualifier::Neutral, term.get(1..)),
        _ => (Qualifier::Pass, Some(term)),
    };
    let body = body.unwrap_or_default();
    let (name, rest) = body.split_at_checked(body.find([':', '/']).unwrap_or(body.len())).unwrap_or_default();
    Ok(Directive { qualifier, mechanism: mechanism(name, rest)?, text: term.to_owned() })
}

fn mechanism(name: &str, rest: &str) -> Result<Mechanism, SpfSyntaxError> {
    let lower = name.to_ascii_lowercase();
    Ok(match lower.as_str() {
        "all" if rest.is_empty() => Mechanism::All,
        "all" => return Err(SpfSyntaxError::Argument { text: rest.to_owned(), name: "all" }),
        "include" => Mechanism::Include(required_domain(rest)?),
        "exists" => Mechanism::Exists(required_domain(rest)?),
        "ptr" => match rest {
            "" => Mechanism::Ptr(None),
            _ if rest.starts_with(':') => Mechanism::Ptr(Some(required_domain(rest)?)),
            _ => return Err(SpfSyntaxError::Argument { text: rest.to_owned(), name: "ptr" }),
        },
        "a" => {
            let (domain, prefixes) = domain_and_prefixes(rest, "a")?;
            Mechanism::A(domain, prefixes)
        }
        "mx" => {
            let (domain, prefixes) = domain_and_prefixes(rest, "mx")?;
            Mechanism::Mx(domain, prefixes)
        }
        "ip4" => network::<Ipv4Addr>(rest, "ip4", 32)?,
        "ip6" => network::<Ipv6Addr>(rest, "ip6", 128)?,
        "redirect" | "exp" => return Err(SpfSyntaxError::ModifierAsMechanism { name: lower }),
        _ => return Err(SpfSyntaxError::UnknownMechanism { name: name.to_owned() }),
    })
}

/// `:` and a domain-spec.
fn required_domain(rest: &str) -> Result<DomainSpec, SpfSyntaxError> {
    let text = rest.strip_prefix(':').ok_or(SpfSyntaxError::EmptyDomain)?;
    // A common mistake, worth words of its own.
    if let Ok(ip) = text.parse::<IpAddr>() {
        let mechanism = if ip.is_ipv4() { "ip4" } else { "ip6" };
        return Err(SpfSyntaxError::AddressAsDomain { text: text.to_owned(), mechanism });
    }
    domain_spec(text).map(DomainSpec)
}

/// `[":" domain-spec] ["/" v4] ["//" v6]`. Slashes may stand in a domain-spec too, so the
/// lengths are taken off the end.
fn domain_and_prefixes(
    rest: &str,
    name: &'static str,
) -> Result<(Option<DomainSpec>, Prefixes), SpfSyntaxError> {
    let mut prefixes = Prefixes { v4: 32, v6: 128 };
    let mut rest = rest;
    if let Some((before, digits)) = trailing_digits(rest, "//") {
        prefixes.v6 = prefix_length(digits, 128)?;
        rest = before;
    }
    if let Some((before, digits)) = trailing_digits(rest, "/") {
        prefixes.v4 = prefix_length(digits, 32)?;
        rest = before;
    }
    match rest {
        "" => Ok((None, prefixes)),
        _ if rest.starts_with(':') => Ok((Some(required_domain(rest)?), prefixes)),
        _ => Err(SpfSyntaxError::Argument { text: rest.to_owned(), name }),
    }
}

fn trailing_digits<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let (before, digits) = text.rsplit_once(mark)?;
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then_some((before, digits))
}

fn prefix_length(digits: &str, most: u8) -> Result<u8, SpfSyntaxError> {
    let error = || SpfSyntaxError::PrefixLength { text: digits.to_owned() };
    if digits.len() > 1 && digits.starts_with('0') {
        return Err(error());
    }
    digits.parse::<u8>().ok().filter(|n| *n <= most).ok_or_else(error)
}

fn network<T: std::str::FromStr + Into<IpAddr>>(
    rest: &str,
    name: &'static str,
    most: u8,
) -> Result<Mechanism, SpfSyntaxError> {
    let error = || SpfSyntaxError::Network { text: rest.trim_start_matches(':').to_owned(), name };
    let text = rest.strip_prefix(':').ok_or_else(error)?;
    let (address, length) = match text.split_once('/') {
        Some((address, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.is_empty() => {
            (address, prefix_length(digits, most)?)
        }
        Some(_) => return Err(error()),
        None => (text, most),
    };
    let address: T = address.parse().map_err(|_| error())?;
    Ok(Mechanism::Ip(address.into(), length))
}

/// What a record says, in the model's words. `text` is the record as published.
pub fn facts(record: &Record, text: &str) -> SpfRecordFacts {
    let is_all = |d: &Directive| d.mechanism == Mechanism::All;
    let all = record.directives.iter().find(|d| is_all(d)).map(|d| d.qualifier.result());
    let after = record.directives.iter().skip_while(|d| !is_all(d)).skip(1);
    let mut after_all: Vec<String> = after.map(|d| neutralise(d.text.as_bytes(), 100)).collect();
    // A redirect beside `all` is never followed, wherever it stands (section 6.1).
    let redirect = record.redirect.as_ref().map(|r| neutralise(r.text.as_bytes(), 255));
    if let (Some(_), Some(domain)) = (all, &redirect) {
        after_all.push(format!("redirect={domain}"));
    }
    SpfRecordFacts {
        all,
        redirect: redirect.filter(|_| all.is_none()),
        after_all,
        length: u32::try_from(text.len()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn records_are_told_from_other_text() {
        for (text, spf) in [
            ("v=spf1", true),
            ("V=SpF1 -all", true),
            ("v=spf1  -all", true),
            ("v=spf10", false),
            ("v=spf1-all", false),
            ("v=spf1mx", false),
            ("v=spf", false),
            (" v=spf1 -all", false),
            ("v=spf1\t-all", false),
            ("ééé", false),
        ] {
            assert_eq!(is_spf(text), spf, "{text}");
        }
    }

    #[test]
    fn mechanisms_are_read_in_order() {
        let record = parse(
            "v=spf1 IP4:192.0.2.0/24 ip6:2001:db8::/32 ~a:mail.example.com/28//64 mx ptr:example.org \
             ?exists:%{i}._s.%{d} include:_spf.example.net -all foo=bar",
        )
        .unwrap();
        let needs: Vec<bool> = record.directives.iter().map(|d| d.mechanism.needs_dns()).collect();
        assert_eq!(needs, [false, false, true, true, true, true, true, false]);
        assert!(matches!(
            &record.directives[2],
            Directive {
                qualifier: Qualifier::Softfail,
                mechanism: Mechanism::A(Some(d), Prefixes { v4: 28, v6: 64 }),
                ..
            } if d.text() == "mail.example.com"
        ));
        assert_eq!(record.directives[6].mechanism.domain().unwrap().text(), "_spf.example.net");
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, word) in [
            ("v=spf1 a:192.0.2.1 -all", "write ip4:192.0.2.1"),
            ("v=spf1 include:2001:db8::1", "write ip6:2001:db8::1"),
            ("v=spf1 ip4:192.0.2.1/33", "/33"),
            ("v=spf1 ip4:192.0.2", "no network of ip4"),
            ("v=spf1 ipv4:192.0.2.1", "no mechanism \"ipv4\""),
            ("v=spf1 -all.", "no mechanism \"all.\""),
            ("v=spf1 -all:x", "more than all"),
            ("v=spf1 redirect:example.com", "write redirect="),
            ("v=spf1 redirect=a.example redirect=b.example", "twice"),
            ("v=spf1 1up=x", "name of a modifier"),
            ("v=spf1 a:exämple.com", "ASCII"),
            ("v=spf1 include:", "missing"),
            ("v=spf1 include:%(d)", "%"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn what_nobody_reads_is_named() {
        let text = "v=spf1 mx ~all a:x.example.com redirect=example.net";
        let facts = facts(&parse(text).unwrap(), text);
        assert_eq!(facts.after_all, ["a:x.example.com", "redirect=example.net"]);
        assert_eq!((facts.all, facts.redirect), (Some(SpfResult::Softfail), None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in "(v=spf1)?( ?[-+~?]?(a|mx|ip4|ip6|ptr|include|exists|all|redirect|exp)?[:=/%{}a-z0-9.é-]{0,12}){0,6}") {
            if let Ok(record) = parse(&text) {
                prop_assert!(record.directives.len() <= text.len());
                let _ = facts(&record, &text);
            }
        }

        #[test]
        fn any_bytes_are_read_without_harm(text in ".{0,80}") {
            let _ = parse(&text);
            let _ = is_spf(&text);
        }
    }
}
