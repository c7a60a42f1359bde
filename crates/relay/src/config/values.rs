//! The values that a configuration is made of: each is checked where it stands, so that a
//! mistake is told with its line.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de};
use waxseal_wire::target::name_to_ascii;

/// Implements `Deserialize` for a type that is read from one string.
macro_rules! from_text {
    ($type:ty) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

/// A length of time: `90s`, `5m`, `4h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl Span {
    /// Seconds.
    pub const fn seconds(n: u64) -> Self {
        Self(Duration::from_secs(n))
    }

    /// Whole seconds, as times are stored.
    pub fn as_seconds(self) -> i64 {
        i64::try_from(self.0.as_secs()).unwrap_or(i64::MAX)
    }
}

/// The longest time that makes sense anywhere in the file.
const LONGEST_DAYS: u64 = 366;

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no length of time: write 90s, 5m, 4h or 7d");
        let text = text.trim();
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => return Err(wrong()),
        };
        let seconds = number.checked_mul(unit).filter(|s| *s <= LONGEST_DAYS * 86_400);
        seconds.map(Self::seconds).ok_or_else(|| format!("'{text}' is more than {LONGEST_DAYS} days"))
    }
}

from_text!(Span);

/// A number of bytes: `500`, `256K`, `50M`, `2G` (of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no number of bytes: write 256K, 50M or 2G");
        let text = text.trim();
        let (number, factor) = match text.as_bytes().last() {
            Some(b'K' | b'k') => (text.get(..text.len() - 1), 1u64 << 10),
            Some(b'M' | b'm') => (text.get(..text.len() - 1), 1 << 20),
            Some(b'G' | b'g') => (text.get(..text.len() - 1), 1 << 30),
            _ => (Some(text), 1),
        };
        let number: u64 = number.and_then(|n| n.parse().ok()).ok_or_else(wrong)?;
        number.checked_mul(factor).map(Self).ok_or_else(wrong)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number of bytes: 256K, 50M or 2G")]
        enum Form {
            Number(u64),
            Text(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Number(n) => Ok(Self(n)),
            Form::Text(text) => text.parse().map_err(de::Error::custom),
        }
    }
}

/// A block of addresses: `192.0.2.0/24`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// True if the address lies in the block. An IPv4 address mapped into IPv6 counts as
    /// that IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros() >= u32::from(self.length)
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("'{text}' is no block of addresses: write 192.0.2.0/24, 2001:db8::/32 or one address");
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length.parse::<u8>().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let length = length.unwrap_or(whole);
        let host_bits = match address {
            _ if length > whole => return Err(wrong()),
            IpAddr::V4(v4) => v4.to_bits().checked_shl(u32::from(length)).unwrap_or(0) != 0,
            IpAddr::V6(v6) => v6.to_bits().checked_shl(u32::from(length)).unwrap_or(0) != 0,
        };
        if host_bits {
            return Err(format!(
                "'{text}' has bits set beyond its length of {length}: is it a typing mistake?"
            ));
        }
        Ok(Self { address, length })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

from_text!(Network);

/// The name of a host or domain, in A-labels, lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(pub String);

impl FromStr for HostName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        name_to_ascii(text.trim_end_matches('.')).map(Self).map_err(|e| format!("'{text}': {e}"))
    }
}

from_text!(HostName);

/// Names that a rule holds for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NamePattern {
    /// `example.com`: this name.
    Exact(String),
    /// `.example.com` or `*.example.com`: all names below, not this one.
    Below(String),
    /// `*`: all.
    Any,
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        match text.strip_prefix("*.").or_else(|| text.strip_prefix('.')) {
            Some(name) => name.parse::<HostName>().map(|n| Self::Below(n.0)),
            None if text.contains('*') => {
                Err(format!("'{text}': a star stands alone or for the first labels: *.example.com"))
            }
            None => text.parse::<HostName>().map(|n| Self::Exact(n.0)),
        }
    }
}

from_text!(NamePattern);

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Below(name) => write!(f, "*.{name}"),
            Self::Any => f.write_str("*"),
        }
    }
}

/// Where mail is handed on: `[10.0.0.5]:25`, `[mail.example.com]`, or `example.com` for its
/// MX hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextHop {
    /// A name in A-labels, or an address.
    pub host: String,
    /// The host itself is meant, not its MX hosts.
    pub literal: bool,
    /// The port; none: the usual one.
    pub port: Option<u16>,
}

impl FromStr for NextHop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no next hop: write [10.0.0.5]:25, [mail.example.com], or example.com for its MX hosts"
            )
        };
        let (host, rest, literal) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(host, rest)| (host, rest, true)).ok_or_else(wrong)?,
            None => {
                let end = text.find(':').unwrap_or(text.len());
                let (host, rest) = text.split_at(end);
                (host, rest, false)
            }
        };
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(port.parse().ok().filter(|p| *p != 0).ok_or_else(wrong)?),
            None if rest.is_empty() => None,
            None => return Err(wrong()),
        };
        let host = match host.parse::<IpAddr>() {
            Ok(address) if literal => address.to_string(),
            Ok(_) => return Err(wrong()),
            Err(_) => host.parse::<HostName>()?.0,
        };
        Ok(Self { host, literal, port })
    }
}

from_text!(NextHop);

/// SHA-256 of a SubjectPublicKeyInfo: `sha256:` and 64 hexadecimal digits, colons between
/// them allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "'{text}' is no fingerprint: write sha256: and 64 hexadecimal digits, of the public key (SPKI)"
            )
        };
        let digits = text.strip_prefix("sha256:").ok_or_else(wrong)?.replace(':', "");
        let mut bytes = [0; 32];
        if digits.len() != 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        for (number, byte) in bytes.iter_mut().enumerate() {
            let pair = digits.get(2 * number..2 * number + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

from_text!(Fingerprint);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_sizes_are_read_with_their_units() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("4h", 14_400), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(text.parse::<Span>().unwrap().as_seconds(), seconds, "{text}");
        }
        for text in ["", "5", "m", "5 m", "-5m", "5w", "1.5h", "367d", "99999999999999999999d"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
        for (text, bytes) in [("500", 500), ("256K", 262_144), ("50M", 52_428_800), ("2G", 1 << 31)] {
            assert_eq!(text.parse::<Size>().unwrap().0, bytes, "{text}");
        }
        for text in ["", "K", "5T", "-1", "1.5M", "99999999999G"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_lies_in_its_block_and_in_no_other() {
        let contains =
            |block: &str, address: &str| block.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(contains("192.0.2.0/24", "192.0.2.255") && !contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("0.0.0.0/0", "203.0.113.1") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("192.0.2.7", "::ffff:192.0.2.7") && !contains("192.0.2.7", "192.0.2.8"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::"));
        assert!(contains("::1/128", "::1"));
        for wrong in ["192.0.2.1/24", "192.0.2.0/33", "::/129", "192.0.2", "x/8", "192.0.2.0/", "::1/64"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn patterns_say_what_they_hold_for() {
        assert_eq!("Example.COM".parse(), Ok(NamePattern::Exact("example.com".into())));
        assert_eq!(".example.com".parse(), Ok(NamePattern::Below("example.com".into())));
        assert_eq!("*.example.com".parse(), Ok(NamePattern::Below("example.com".into())));
        assert_eq!("*".parse(), Ok(NamePattern::Any));
        assert!("a*.example.com".parse::<NamePattern>().is_err());
    }

    #[test]
    fn a_next_hop_is_a_host_or_a_domain() {
        let hop = |text: &str| text.parse::<NextHop>().map(|h| (h.host, h.literal, h.port));
        assert_eq!(hop("[10.0.0.5]:2525"), Ok(("10.0.0.5".into(), true, Some(2525))));
        assert_eq!(hop("[2001:db8::1]"), Ok(("2001:db8::1".into(), true, None)));
        assert_eq!(hop("[mail.example.com]"), Ok(("mail.example.com".into(), true, None)));
        assert_eq!(hop("example.com:587"), Ok(("example.com".into(), false, Some(587))));
        for wrong in ["10.0.0.5", "[10.0.0.5", "[a.example]25", "a.example:0", "a.example:x", ""] {
            assert!(hop(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_fingerprint_names_its_algorithm() {
        let digits = "ab".repeat(32);
        assert_eq!(format!("sha256:{digits}").parse(), Ok(Fingerprint([0xab; 32])));
        let colons: Vec<&str> = std::iter::repeat_n("ab", 32).collect();
        assert!(format!("sha256:{}", colons.join(":")).parse::<Fingerprint>().is_ok());
        assert!(digits.parse::<Fingerprint>().is_err());
        assert!("sha256:abcd".parse::<Fingerprint>().is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_value_panic(text in "\\PC{0,40}") {
            let _ = text.parse::<Span>();
            let _ = text.parse::<Size>();
            let _ = text.parse::<Network>();
            let _ = text.parse::<NamePattern>();
            let _ = text.parse::<NextHop>();
            let _ = text.parse::<Fingerprint>();
        }
    }
}
