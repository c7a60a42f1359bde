//! Where a finding is. Code hosts only take results at a file and line: those of the list of
//! targets, if there is one; else a path that is made of target, host and port.

use serde_json::{Value, json};
use waxseal_model::Report;

use super::{Run, clean};

/// The place of a finding or notification; without an endpoint it is about the target.
pub(super) fn location(report: &Report, endpoint: Option<&str>, run: &Run<'_>) -> Value {
    let target = report.target_parsed.argument();
    let listed = run.list.and_then(|(file, lines)| Some((file, *lines.get(&target)?)));
    let known = report.endpoints.iter().map(|e| &e.endpoint).find(|e| Some(e.id().as_str()) == endpoint);
    let (uri, line) = match (listed, known) {
        (Some((file, line)), _) => (file_uri(file), line),
        (None, Some(e)) => {
            let host = e.host.clone().unwrap_or_else(|| e.address.to_string());
            (format!("{}/{}/{}", encoded(&target), encoded(&host), e.port), 1)
        }
        (None, None) => (encoded(&target), 1),
    };
    let name = endpoint.unwrap_or(&report.target);
    let qualified = endpoint.map_or(name.to_owned(), |id| format!("{}/{id}", report.target));
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri },
            "region": { "startLine": line.max(1) },
        },
        "logicalLocations": [{
            "name": clean(name),
            "fullyQualifiedName": clean(&qualified),
            "kind": "resource",
        }],
    })
}

/// A path as a relative reference (RFC 3986 section 4.2); a leading `./` says nothing.
fn file_uri(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.trim_start_matches("./");
    let segment = |s: &str| if s == ".." { s.to_owned() } else { encoded(s) };
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

/// One segment: all but unreserved characters in percent form, so that a colon begins no
/// scheme. No name consists of dots; what does leads nowhere.
fn encoded(segment: &str) -> String {
    if segment.bytes().all(|b| b == b'.') {
        return "_".repeat(segment.len().max(1));
    }
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_relative_references() {
        assert_eq!(encoded("mx.example.com:25"), "mx.example.com%3A25");
        assert_eq!(encoded("2001:db8::1"), "2001%3Adb8%3A%3A1");
        assert_eq!((encoded(".."), encoded("")), ("__".to_owned(), "_".to_owned()));
        assert_eq!(file_uri("../list"), "../list");
        assert_eq!(file_uri("./mail/domains list.txt"), "mail/domains%20list.txt");
        assert_eq!(file_uri("mail\\domains.txt"), "mail/domains.txt");
    }
}
