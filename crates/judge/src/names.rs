//! Which name a certificate is for (mail-transport rules: RFC 8461 section 4.2, RFC 9525).

use waxseal_model::{CertificateFacts, PresentedChain};

/// How a certificate answers for a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameMatch {
    /// A DNS name in subjectAltName matches.
    San,
    /// Only the common name matches, which MTA-STS and RFC 9525 do not accept.
    CommonNameOnly,
    /// Nothing matches.
    Mismatch,
}

/// Compares a certificate with the name of a host (A-labels).
pub(crate) fn matches(certificate: &CertificateFacts, host: &str) -> NameMatch {
    if certificate.dns_names.iter().any(|pattern| pattern_matches(pattern, host)) {
        NameMatch::San
    } else if certificate.dns_names.is_empty()
        && certificate.common_name.as_deref().is_some_and(|cn| pattern_matches(cn, host))
    {
        NameMatch::CommonNameOnly
    } else {
        NameMatch::Mismatch
    }
}

/// A wildcard stands for exactly the left-most label as a whole.
pub(crate) fn pattern_matches(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim_end_matches('.');
    let host = host.trim_end_matches('.');
    match pattern.strip_prefix("*.") {
        Some(suffix) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && !suffix.is_empty() && rest.eq_ignore_ascii_case(suffix)
        }),
        None => !pattern.is_empty() && pattern.eq_ignore_ascii_case(host),
    }
}

/// The names that a chain's certificate is for, for sentences.
pub(crate) fn names_of(chain: &PresentedChain) -> Vec<String> {
    let Some(leaf) = chain.leaf() else { return Vec::new() };
    let mut names = leaf.dns_names.clone();
    names.extend(leaf.ip_addresses.iter().cloned());
    if names.is_empty() {
        names.extend(leaf.common_name.iter().map(|cn| format!("{cn} (common name)")));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;

    #[test]
    fn a_wildcard_stands_for_one_whole_label() {
        for (pattern, host, matched) in [
            ("mx1.example.com", "MX1.example.com", true),
            ("mx1.example.com.", "mx1.example.com", true),
            ("*.example.com", "mx1.example.com", true),
            ("*.example.com", "a.mx1.example.com", false),
            ("*.example.com", "example.com", false),
            ("mx*.example.com", "mx1.example.com", false),
            ("*", "mx1", false),
            ("*.", "mx1.", false),
            ("", "", false),
        ] {
            assert_eq!(pattern_matches(pattern, host), matched, "{pattern} for {host}");
        }
    }

    #[test]
    fn the_common_name_counts_only_where_no_dns_name_is() {
        let mut leaf = fixtures::leaf();
        leaf.common_name = Some("mx1.example.com".into());
        leaf.dns_names = vec!["old.example.com".into()];
        assert_eq!(matches(&leaf, "mx1.example.com"), NameMatch::Mismatch);
        leaf.dns_names.clear();
        assert_eq!(matches(&leaf, "mx1.example.com"), NameMatch::CommonNameOnly);
    }
}
