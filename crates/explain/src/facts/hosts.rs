//! The other side, our own address and the recipient, where a text says them clearly.

use std::net::IpAddr;

use waxseal_model::MailEvent;

use super::names::{is_host, recipient};

/// Words before the name or address of the host that was talked to.
const REMOTE: [&str; 14] = [
    "connect to ",
    "connection with ",
    "conversation with ",
    "connection to ",
    "talking to ",
    "relay=",
    "h=",
    "remote server at ",
    "connected to ",
    "by ",
    "from remote mail server ",
    "server for the recipient domain ",
    "host ",
    "to ",
];

/// Words before the address that the connection came from.
const CLIENT: [&str; 13] = [
    "client host ",
    "client ",
    "your ip address ",
    "your ip ",
    "your host ",
    "sending ip ",
    "sending ip address ",
    "from ip address ",
    "ip=",
    "ip: ",
    "mail from ",
    "messages from ",
    "connections from ",
];

pub(super) fn complete(event: &mut MailEvent) {
    let unknown = event.remote_host.is_none() && event.remote_address.is_none();
    if let Some((host, address, port)) = unknown.then(|| remote(&event.text)).flatten() {
        event.remote_host = host;
        event.remote_address = address;
        event.remote_port = event.remote_port.or(port);
    }
    if event.client_address.is_none() {
        event.client_address = client(&event.text).filter(|address| Some(*address) != event.remote_address);
    }
    if event.recipient.is_none() {
        event.recipient = recipient(&event.text);
    }
}

/// The first `name[address]`, `name [address]` or `name (address)` behind words that lead to
/// the other side.
fn remote(text: &str) -> Option<(Option<String>, Option<IpAddr>, Option<u16>)> {
    for (at, _) in text.match_indices(['[', '(']) {
        let (before, rest) = (text.get(..at)?, text.get(at + 1..)?);
        let Some((address, after)) = rest.split_once([']', ')']) else { continue };
        let Some(address) = ip(address) else { continue };
        let lead = before.strip_suffix(' ').unwrap_or(before);
        let start = lead.rfind([' ', '=', '"', '<', ',', ';', '(']).map_or(0, |i| i + 1);
        let (lead, name) = (lead.get(..start)?, lead.get(start..)?.trim_end_matches('.'));
        let lead = lead.to_ascii_lowercase();
        if is_host(name) && REMOTE.iter().any(|words| lead.ends_with(words)) {
            let port =
                after.strip_prefix(':').map(|p| p.split(|c: char| !c.is_ascii_digit()).next().unwrap_or(""));
            return Some((Some(name.to_ascii_lowercase()), Some(address), port.and_then(|p| p.parse().ok())));
        }
    }
    unbracketed(text)
}

/// qmail writes the bare address, Sendmail the bare name.
fn unbracketed(text: &str) -> Option<(Option<String>, Option<IpAddr>, Option<u16>)> {
    for (words, after) in [
        ("Connected to ", true),
        ("talking to ", true),
        (" does not like recipient", false),
        (" failed after I sent the message", false),
        (" failed on DATA command", false),
    ] {
        let Some(at) = text.find(words) else { continue };
        let word = if after {
            text.get(at + words.len()..)?.split(char::is_whitespace).next()
        } else {
            text.get(..at)?.split(char::is_whitespace).next_back()
        };
        let word = word?.trim_end_matches([':', '.', ',']);
        if let Some(address) = ip(word) {
            return Some((None, Some(address), None));
        }
        if is_host(word) {
            return Some((Some(word.to_ascii_lowercase()), None, None));
        }
    }
    None
}

/// The address that a server says it was talked to from.
fn client(text: &str) -> Option<IpAddr> {
    let lower = text.to_ascii_lowercase();
    for words in CLIENT {
        for (at, _) in lower.match_indices(words) {
            let rest = text.get(at + words.len()..)?.trim_start_matches(['[', '(', '<', ' ']);
            let end =
                rest.find(|c: char| !c.is_ascii_hexdigit() && c != '.' && c != ':').unwrap_or(rest.len());
            let word = rest.get(..end)?.trim_end_matches(['.', ':']);
            if let Some(address) = ip(word) {
                return Some(address);
            }
        }
    }
    None
}

fn ip(text: &str) -> Option<IpAddr> {
    let text = text.strip_prefix("IPv6:").or_else(|| text.strip_prefix("ipv6:")).unwrap_or(text);
    (text.len() <= 45 && text.contains(['.', ':'])).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> (String, String, u16) {
        let (host, address, port) = remote(text).unwrap_or_default();
        let address = address.map(|a| a.to_string()).unwrap_or_default();
        (host.unwrap_or_default(), address, port.unwrap_or(0))
    }

    #[test]
    fn the_other_side_is_named_in_each_programs_way() {
        for (text, name, address, port) in [
            ("host mx.example.com[192.0.2.1] said: 550", "mx.example.com", "192.0.2.1", 0),
            (
                "connect to mx.example.com[2001:db8::1]:25: Connection refused",
                "mx.example.com",
                "2001:db8::1",
                25,
            ),
            ("H=mx.example.com [192.0.2.1]: SMTP error", "mx.example.com", "192.0.2.1", 0),
            ("lost connection with mx.example.com[192.0.2.1] while", "mx.example.com", "192.0.2.1", 0),
            ("Connected to 192.0.2.1 but sender was rejected.", "", "192.0.2.1", 0),
            ("192.0.2.1 does not like recipient.", "", "192.0.2.1", 0),
            ("... while talking to mx.example.com.:", "mx.example.com", "", 0),
            ("by mx.example.com. [192.0.2.1].", "mx.example.com", "192.0.2.1", 0),
            ("Client host [192.0.2.9] blocked", "", "", 0),
            ("RCPT from unknown[192.0.2.9]: 450", "", "", 0),
        ] {
            assert_eq!(host(text), (name.into(), address.into(), port), "{text}");
        }
    }

    #[test]
    fn our_own_address_is_the_one_that_the_server_complains_about() {
        let address = "192.0.2.9".parse().ok();
        for text in [
            "Client host [192.0.2.9] blocked using zen.spamhaus.org",
            "Your IP 192.0.2.9 is listed",
            "messages from 192.0.2.9 weren't sent",
        ] {
            assert_eq!(client(text), address, "{text}");
        }
        assert_eq!(client("host mx.example.com[192.0.2.1] said: no"), None);
        assert_eq!(client("failed to connect to target IP address 192.0.2.1"), None);
    }
}
