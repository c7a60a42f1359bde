//! Who runs a host, by its name.

/// Labels below country codes under which names are registered.
const REGISTRIES: [&str; 12] = ["ac", "co", "com", "edu", "go", "gob", "gov", "gv", "ne", "net", "or", "org"];

/// The domain that an operator has registered, near enough for putting hosts together:
/// `google.com` of `gmail-smtp-in.l.google.com`, `example.co.uk` of `mx.example.co.uk`. An
/// address is its own site.
pub(crate) fn site(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    if host.parse::<std::net::IpAddr>().is_ok() {
        return host;
    }
    let mut dots = host.rmatch_indices('.').map(|(at, _)| at);
    let (Some(last), Some(second)) = (dots.next(), dots.next()) else { return host };
    let country = host.len() - last == 3;
    let label = host.get(second + 1..last).unwrap_or_default();
    let registry = country && REGISTRIES.contains(&label);
    let from = if registry { dots.next().map_or(0, |at| at + 1) } else { second + 1 };
    host.get(from..).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_operator_are_one_site() {
        for (host, expected) in [
            ("gmail-smtp-in.l.google.com", "google.com"),
            ("b-example.mail.protection.outlook.com.", "outlook.com"),
            ("mx.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("mx.example.de", "example.de"),
            ("example", "example"),
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("", ""),
            ("..", ""),
        ] {
            assert_eq!(site(host), expected, "{host}");
        }
    }
}
