//! Names in sentences. Whose name a certificate bears is decided by
//! [`waxseal_wire::x509::matches_host`], which hosts a policy covers by
//! [`waxseal_wire::sts::pattern::covers`].

use waxseal_model::{PresentedChain, smtp::Conversation};

/// Endings of names that mean nothing outside one's own network (RFC 6761, RFC 6762,
/// RFC 8375 and custom).
const LOCAL_ENDINGS: [&str; 8] =
    ["local", "localhost", "localdomain", "lan", "home", "internal", "invalid", "arpa"];

/// What a server calls itself in its answer to EHLO or in its greeting, if that is a host
/// name that could stand in an MX record. It goes into settings to paste, so anything but
/// letters, digits, hyphens and dots is refused.
pub(crate) fn own_name(smtp: &Conversation) -> Option<String> {
    let ehlo = [&smtp.ehlo_tls, &smtp.ehlo_plain].into_iter().filter_map(|e| e.get()?.server_name.as_deref());
    let greeting = smtp.greeting.get().and_then(|g| g.reply.lines.first()?.split_whitespace().next());
    ehlo.chain(greeting).find(|name| is_public_host_name(name)).map(str::to_ascii_lowercase)
}

fn is_public_host_name(name: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len())
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !l.starts_with('-')
            && !l.ends_with('-')
    };
    let Some((_, ending)) = name.rsplit_once('.') else { return false };
    name.len() <= 253
        && name.split('.').all(label)
        && ending.bytes().any(|b| b.is_ascii_alphabetic())
        && !LOCAL_ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e))
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
    fn only_a_name_that_could_stand_in_an_mx_record_is_the_servers_own() {
        let mut smtp = fixtures::healthy().endpoints.remove(0).evidence.smtp;
        let mut own = |name: &str| {
            let mut ehlo = fixtures::ehlo_facts(&[]);
            ehlo.server_name = Some(name.to_owned());
            smtp.ehlo_tls = waxseal_model::Observed::seen(ehlo);
            smtp.ehlo_plain = waxseal_model::Observed::default();
            smtp.greeting = waxseal_model::Observed::default();
            own_name(&smtp)
        };
        assert_eq!(own("MX.example.com").as_deref(), Some("mx.example.com"));
        for name in
            ["mx", "localhost", "mx.local", "[192.0.2.1]", "192.0.2.1", "a.b;rm", "$(x).com", "-a.com", ""]
        {
            assert_eq!(own(name), None, "{name}");
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
