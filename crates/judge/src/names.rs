//! Names in sentences, and the host patterns of policies. Whose name a certificate bears is
//! decided by [`waxseal_wire::x509::matches_host`].

use waxseal_model::PresentedChain;

/// True if a pattern of a policy covers a host: a host name, or `*.` and a suffix, where
/// the star stands for one whole label (RFC 8461 section 4.1). Trailing dots do not count.
pub(crate) fn pattern_covers(pattern: &str, host: &str) -> bool {
    let pattern = pattern.trim_end_matches('.');
    let host = host.trim_end_matches('.');
    match pattern.strip_prefix("*.") {
        Some(suffix) => host.split_once('.').is_some_and(|(label, rest)| {
            !label.is_empty() && !suffix.is_empty() && rest.eq_ignore_ascii_case(suffix)
        }),
        None => !pattern.is_empty() && pattern.eq_ignore_ascii_case(host),
    }
}

/// The names that a chain's certificate is for.
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
    fn a_star_stands_for_one_whole_label() {
        for (pattern, host, covered) in [
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
            assert_eq!(pattern_covers(pattern, host), covered, "{pattern} for {host}");
        }
    }

    #[test]
    fn a_common_name_is_named_only_where_nothing_better_is() {
        let mut chain = fixtures::chain();
        assert_eq!(names_of(&chain), ["mx1.example.com"]);
        chain.certificates[0].dns_names.clear();
        assert_eq!(names_of(&chain), ["mx1.example.com (common name)"]);
        chain.certificates.clear();
        assert!(names_of(&chain).is_empty());
    }
}
