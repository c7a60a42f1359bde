//! The DNS servers that the system uses (resolv.conf(5)).

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;

use super::error::ResolverError;

/// Where the system keeps its list.
const PATH: &str = "/etc/resolv.conf";
/// Servers beyond this number are not asked.
const MAX_SERVERS: usize = 8;

/// The servers in the system's configuration, in its order.
pub(crate) fn servers() -> Result<Vec<SocketAddr>, ResolverError> {
    servers_in(Path::new(PATH))
}

fn servers_in(path: &Path) -> Result<Vec<SocketAddr>, ResolverError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ResolverError::SystemConfig { path: path.to_owned(), source })?;
    let servers = parse(&text);
    if servers.is_empty() {
        return Err(ResolverError::NoServers { path: path.to_owned() });
    }
    Ok(servers)
}

/// The `nameserver` lines; anything else in the file does not concern us.
fn parse(text: &str) -> Vec<SocketAddr> {
    let mut servers = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        if words.next() != Some("nameserver") {
            continue;
        }
        if let Some(server) = words.next().and_then(address)
            && !servers.contains(&server)
        {
            servers.push(server);
        }
    }
    servers.truncate(MAX_SERVERS);
    servers
}

/// An address, for IPv6 with an optional numeric zone (`fe80::1%2`).
fn address(word: &str) -> Option<SocketAddr> {
    if let Ok(ip) = word.parse::<IpAddr>() {
        return Some(SocketAddr::new(ip, 53));
    }
    let (ip, scope) = word.split_once('%')?;
    let ip: Ipv6Addr = ip.parse().ok()?;
    Some(SocketAddr::V6(SocketAddrV6::new(ip, 53, 0, scope.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_name_servers_and_nothing_else() {
        let text = "# nameserver 192.0.2.9\nsearch example.com\n nameserver 192.0.2.1 # first\n\
                    nameserver 2001:db8::1\nnameserver fe80::1%3\nnameserver fe80::1%eth0\n\
                    nameserver dns.example\nnameserver\nnameserver 192.0.2.1\noptions edns0\n";
        let servers: Vec<String> = parse(text).iter().map(ToString::to_string).collect();
        assert_eq!(servers, ["192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%3]:53"]);
    }

    #[test]
    fn says_which_file_is_missing_or_empty() {
        let missing = servers_in(Path::new("/nonexistent/resolv.conf")).unwrap_err().to_string();
        assert!(missing.contains("/nonexistent/resolv.conf") && missing.contains("--dns"), "{missing}");
        let empty = servers_in(Path::new("/dev/null")).unwrap_err();
        assert!(matches!(empty, ResolverError::NoServers { .. }), "{empty}");
    }
}
