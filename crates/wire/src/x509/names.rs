//! Whose name a certificate bears (RFC 9525, RFC 6125; RFC 8461 section 4.1).

use std::net::IpAddr;

use waxseal_model::CertificateFacts;

/// How a certificate matches a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NameMatch {
    /// A name or address in subjectAltName matches.
    San,
    /// There is no DNS name in subjectAltName, and the common name matches: enough for
    /// old clients, never for MTA-STS (RFC 8461 section 4.2).
    CommonNameOnly,
    /// Nothing matches.
    Mismatch,
}

/// Compares a certificate with a host: a name in A-labels (a trailing dot is tolerated)
/// or an IP address, with or without brackets.
///
/// A wildcard stands for one whole left-most label and nothing else. An address is
/// compared with addresses only, a name with names only.
pub fn matches_host(cert: &CertificateFacts, host: &str) -> NameMatch {
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        let found = cert.ip_addresses.iter().any(|ip| ip.parse() == Ok(address));
        return if found { NameMatch::San } else { NameMatch::Mismatch };
    }
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() {
        return NameMatch::Mismatch;
    }
    if cert.dns_names.iter().any(|pattern| pattern_matches(pattern, host)) {
        return NameMatch::San;
    }
    let by_common_name = cert.dns_names.is_empty()
        && cert.common_name.as_deref().is_some_and(|common_name| pattern_matches(common_name, host));
    if by_common_name { NameMatch::CommonNameOnly } else { NameMatch::Mismatch }
}

/// A presented name against a host without a trailing dot.
fn pattern_matches(pattern: &str, host: &str) -> bool {
    // Some CAs put the root's dot into names; OpenSSL does not accept it, and nor do we.
    match pattern.strip_prefix("*.") {
        Some(suffix) => match host.split_once('.') {
            // "*.com" would be the whole of a top-level domain: RFC 9525 leaves it to CAs,
            // OpenSSL and GnuTLS refuse it.
            Some((label, rest)) => {
                !label.is_empty() && suffix.contains('.') && rest.eq_ignore_ascii_case(suffix)
            }
            None => false,
        },
        None => !pattern.contains('*') && pattern.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_whole_label() {
        for (pattern, host, matches) in [
            ("mx.example.com", "mx.example.com", true),
            ("MX.example.com", "mx.EXAMPLE.com", true),
            ("*.example.com", "mx.example.com", true),
            ("*.example.com", "a.mx.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", ".example.com", false),
            ("m*.example.com", "mx.example.com", false),
            ("mx.*.com", "mx.example.com", false),
            ("*.com", "example.com", false),
            ("*", "localhost", false),
            ("*.*.com", "a.b.com", false),
            ("mx.example.com.", "mx.example.com", false),
            (r"mx.example.com\x00.evil.test", "mx.example.com", false),
        ] {
            assert_eq!(pattern_matches(pattern, host), matches, "{pattern} {host}");
        }
    }
}
