//! Where a domain wants its reports (RFC 8460 section 3).

/// An address out of `rua`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// `mailto:`: an address without angle brackets.
    Mail(String),
    /// `https:`.
    Web {
        host: String,
        port: u16,
        /// Path and query.
        path: String,
    },
}

/// Reads one URI; none if nothing can be sent there.
pub(super) fn parse(uri: &str) -> Option<Address> {
    let (scheme, rest) = uri.split_once(':')?;
    if scheme.eq_ignore_ascii_case("mailto") {
        let address = unescape(rest.split(['?', '#']).next()?)?;
        let (local, domain) = address.rsplit_once('@')?;
        let fits =
            |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | '(' | ')' | ',' | ';');
        let short = !local.is_empty() && local.len() <= 64 && !domain.is_empty() && address.len() <= 254;
        return (short && address.chars().all(fits)).then_some(Address::Mail(address));
    }
    if !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let rest = rest.strip_prefix("//")?.split('#').next()?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // A user in front of the host is a trick on readers, and no report needs one.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok().filter(|port| *port > 0)?),
        _ => (authority, 443),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let named = !host.is_empty() && host.len() <= 253 && host.chars().all(is_name);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (named && path.len() <= 2000 && path.bytes().all(|b| b.is_ascii_graphic())).then(|| Address::Web {
        host: host.to_ascii_lowercase(),
        port,
        path,
    })
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut pieces = text.split('%');
    out.extend_from_slice(pieces.next()?.as_bytes());
    for piece in pieces {
        let (hex, rest) = piece.split_at_checked(2)?;
        if !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        out.push(u8::from_str_radix(hex, 16).ok()?);
        out.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_read() {
        let mail = |address: &str| Some(Address::Mail(address.to_owned()));
        let web =
            |host: &str, port, path: &str| Some(Address::Web { host: host.into(), port, path: path.into() });
        for (uri, address) in [
            ("mailto:reports@example.com", mail("reports@example.com")),
            ("MAILTO:a%2Cb@example.com", None),
            ("mailto:a%21b@example.com?subject=x", mail("a!b@example.com")),
            ("mailto:a%0D%0ARCPT@example.com", None),
            ("mailto:a@b%4", None),
            ("mailto:example.com", None),
            ("https://reports.Example.com/v1?x=y#z", web("reports.example.com", 443, "/v1?x=y")),
            ("https://reports.example.com:8443", web("reports.example.com", 8443, "/")),
            ("https://reports.example.com?x", web("reports.example.com", 443, "/?x")),
            ("https://user@reports.example.com/", None),
            ("https://reports.example.com:99999/", None),
            ("https:///x", None),
            ("http://reports.example.com/", None),
            ("ftp:x", None),
            ("", None),
        ] {
            assert_eq!(parse(uri), address, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_breaks_no_line(uri in "(mailto:|https://)?(\\PC|%[0-9A-F]{2}|@|\r|\n){0,40}") {
            match parse(&uri) {
                Some(Address::Mail(address)) => prop_assert!(address.bytes().all(|b| b.is_ascii_graphic())),
                Some(Address::Web { host, path, .. }) => {
                    prop_assert!(host.bytes().chain(path.bytes()).all(|b| b.is_ascii_graphic()));
                }
                None => {}
            }
        }
    }
}
