//! Facts in the words of one error text: reply codes, the moment, the host.
//!
//! It serves the readers of pasted lines and of client programs. Everything is found by
//! looking through the text once for each kind of fact; texts are short (a few kilobytes).

use std::net::IpAddr;

use waxseal_model::mail::{EnhancedStatus, Stage};

use crate::facts::is_host;

/// A reply code or an enhanced status code in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    /// The reply code; none where only the enhanced one stands there.
    pub(super) reply: Option<u16>,
    /// The enhanced status code that follows it.
    pub(super) status: Option<EnhancedStatus>,
    /// Where it begins, in bytes.
    pub(super) start: usize,
    /// Where the words after it begin.
    pub(super) end: usize,
    /// A hyphen follows the code: more lines of the reply are to come.
    pub(super) more: bool,
    /// What stands before it says that a reply begins here, or nothing stands before it.
    pub(super) introduced: bool,
}

/// All codes of a text, in order. A number counts where it is written like a reply: on its
/// own, and at the beginning, after words that introduce it, or with an enhanced code.
pub(super) fn codes(text: &str) -> Vec<Code> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let boundary = at == 0 || bytes.get(at - 1).is_some_and(|b| opens(*b));
        if boundary
            && matches!(byte, b'2'..=b'5')
            && let Some(code) = code_at(text, at)
        {
            at = code.end.max(at + 1);
            found.push(code);
            continue;
        }
        at += 1;
    }
    found
}

/// Bytes that a code may follow.
fn opens(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"'\"([{<>:;,=#|`".contains(&byte)
}

fn code_at(text: &str, at: usize) -> Option<Code> {
    let rest = text.get(at..)?;
    if let Some((status, length)) = status_at(rest) {
        let introduced = introduced(text, at) || text.as_bytes().get(at.wrapping_sub(1)) == Some(&b'#');
        let sure = introduced && status.class != 2;
        return sure.then(|| Code {
            reply: None,
            status: Some(status),
            start: at,
            end: at + length,
            more: false,
            introduced,
        });
    }
    let digits = rest.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let reply: u16 = digits.parse().ok()?;
    let after = rest.get(3..)?;
    let ends =
        after.bytes().next().is_none_or(|b| b.is_ascii_whitespace() || b"-'\")]},:;.|=<#`&".contains(&b));
    let port = text.get(..at).is_some_and(|before| {
        let word = before.trim_end_matches([':', '=', ' ', '#']);
        word.len() >= 4 && word.get(word.len() - 4..).is_some_and(|word| word.eq_ignore_ascii_case("port"))
    });
    if !ends || port || !(200..600).contains(&reply) || is_number_of_something(after) {
        return None;
    }
    let more = after.starts_with('-');
    let (status, skip) = status_after(after);
    let introduced = introduced(text, at);
    (status.is_some() || introduced).then(|| Code {
        reply: Some(reply),
        status,
        start: at,
        end: at + 3 + skip,
        more,
        introduced,
    })
}

/// `550 g`, `555-1234`, `450.00`, `503:12`: a quantity, a telephone number, a price, a time.
fn is_number_of_something(after: &str) -> bool {
    let glued =
        |c: char| after.strip_prefix(c).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if glued('.') || glued(',') || glued(':') {
        return true;
    }
    if let Some(rest) = after.strip_prefix('-') {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        return digits > 0 && !rest.get(digits..).is_some_and(|r| r.starts_with('.'));
    }
    let word: String =
        after.trim_start().chars().take_while(|c| c.is_alphabetic() || *c == '°' || *c == '%').collect();
    const UNITS: [&str; 44] = [
        "g", "gr", "kg", "mg", "ml", "cl", "dl", "l", "liter", "litre", "litres", "gram", "grams", "gramm",
        "mm", "cm", "m", "km", "ms", "s", "sec", "secs", "seconds", "minutes", "min", "mins", "hours",
        "days", "years", "people", "miles", "steps", "pages", "euro", "euros", "dollars", "usd", "eur",
        "kcal", "°", "%", "mb", "kb", "bytes",
    ];
    after.starts_with(' ') && UNITS.contains(&word.to_lowercase().as_str())
}

/// The enhanced code that follows a reply code, and how many bytes lead over it: ` 5.7.1 `,
/// `-5.7.1 `, ` #5.7.1 `, ` (5.7.1) `, ` [5.7.1]`.
fn status_after(after: &str) -> (Option<EnhancedStatus>, usize) {
    // `(550, b'5.1.1 no such user')` is a reply in Python.
    let python = [", b'", ", b\"", ", '", ", \""].iter().find_map(|lead| after.strip_prefix(lead));
    let separator =
        after.strip_prefix(['-', ' ']).or(Some(after).filter(|a| a.starts_with(['#', '\t']))).or(python);
    let Some(mut rest) = separator else { return (None, 0) };
    let plain = after.len() - rest.len();
    rest = rest.trim_start_matches([' ', '\t']);
    rest = rest.trim_start_matches(['#', '(', '[']);
    match status_at(rest) {
        Some((status, length)) => {
            let tail = rest.get(length..).unwrap_or_default();
            let tail = tail.trim_start_matches([')', ']']);
            (Some(status), after.len() - tail.len())
        }
        None => (None, plain),
    }
}

/// The enhanced code that a text begins with, and its length.
pub(super) fn status_at(text: &str) -> Option<(EnhancedStatus, usize)> {
    let length = text.bytes().take(12).take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    // `5.7.1.` ends a sentence; `5.7.1.2` is an address.
    let digits = text.get(..length)?.trim_end_matches('.');
    let after = text.as_bytes().get(digits.len());
    if after.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'/') {
        return None;
    }
    Some((EnhancedStatus::parse(digits)?, digits.len()))
}

/// True where a reply begins at that place: nothing stands before it on its line, or words
/// that introduce an answer.
fn introduced(text: &str, at: usize) -> bool {
    const LEADS: [&str; 34] = [
        "said",
        "says",
        "returned",
        "response",
        "responded with",
        "responded",
        "reply",
        "replied",
        "answered",
        "answer",
        "error",
        "error code",
        "code",
        "status",
        "smtp",
        "smtp;",
        "retcode",
        "got",
        "message",
        "failed",
        "server",
        "returned an error",
        "->",
        "=>",
        "output",
        "rejected",
        "diagnostic-code",
        "data",
        "reason",
        "exception",
        "received",
        "lasterror",
        "server response was",
        "with",
    ];
    // No lead is longer; what stands further away is none.
    let from = (at.saturating_sub(80)..=at).find(|i| text.is_char_boundary(*i)).unwrap_or(at);
    let line = text.get(from..at).unwrap_or_default();
    let line = line.rsplit('\n').next().unwrap_or_default();
    let before = line.trim_end_matches(|c: char| c.is_whitespace() || "'\"([{<`#*|-•b".contains(c));
    let direct = before.trim().is_empty();
    if direct {
        return true;
    }
    if is_after_host(before) {
        return false;
    }
    if before.ends_with([':', ';', '>']) && !line.ends_with(|c: char| c.is_ascii_digit()) {
        return true;
    }
    // `SIZE=400` is a size, `code=550` a code.
    let before = before.trim_end_matches([',', '=']).to_ascii_lowercase();
    LEADS.iter().any(|lead| {
        before.strip_suffix(lead).is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// True behind `mx.example.com:`, where a port stands.
fn is_after_host(before: &str) -> bool {
    let host = before.strip_suffix(':').unwrap_or_default();
    let word = host.rsplit([' ', '"', '\'', '(', '/']).next().unwrap_or_default();
    word.ends_with(']') || is_host(word)
}

/// The same text on one line, and a reply of several lines without the codes that its
/// second and further lines repeat.
pub(super) fn join(text: &str) -> String {
    let flat: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let flat = without_repeated_status(&flat.replace("\\r\\n", "\\n"));
    let flat = flat.replace("\\n", " ").replace(" \\r", " ");
    let mut out = String::with_capacity(flat.len());
    let mut first: Option<(Option<u16>, Option<EnhancedStatus>, bool)> = None;
    let mut copied = 0;
    for code in all_codes(&flat) {
        let Some((reply, status, more)) = first else {
            if code.reply.is_some() {
                first = Some((code.reply, code.status, code.more));
            }
            continue;
        };
        let same = code.reply == reply && (code.status == status || code.status.is_none());
        let again = if more { same } else { same && status.is_some() && code.status == status };
        if !again {
            if code.reply != reply {
                first = Some((code.reply, code.status, code.more));
            }
            continue;
        }
        out.push_str(flat.get(copied..code.start).unwrap_or_default());
        copied = code.end;
        while flat.get(copied..).is_some_and(|rest| rest.starts_with(' ')) {
            copied += 1;
        }
    }
    out.push_str(flat.get(copied..).unwrap_or_default());
    if let Some(Code { start, more: true, .. }) = codes(&out).first() {
        // The hyphen that announced more lines has said so.
        if out.get(start + 3..=start + 3) == Some("-") {
            out.replace_range(start + 3..=start + 3, " ");
        }
    }
    let text = out.split_whitespace().collect::<Vec<_>>().join(" ");
    without_statuses(text)
}

/// Without the enhanced code of the reply where it stands between its words again: some
/// servers repeat it, without the reply code, on each line.
fn without_statuses(text: String) -> String {
    let found = codes(&text).into_iter().find(|code| code.reply.is_some() && code.status.is_some());
    let Some(Code { status: Some(status), end, .. }) = found else { return text };
    let (head, rest) = text.split_at(end);
    format!("{head}{}", rest.replace(&format!(" {status} "), " "))
}

/// Without the enhanced codes that Python leaves in front of further lines.
fn without_repeated_status(flat: &str) -> String {
    let status = codes(flat).iter().find_map(|code| code.status);
    match status {
        Some(status) if flat.contains("\\n") => flat.replace(&format!("\\n{status} "), "\\n"),
        _ => flat.to_owned(),
    }
}

/// Codes as [`codes`] finds them, and those in the middle of a line that only repeat.
fn all_codes(flat: &str) -> Vec<Code> {
    let first = codes(flat);
    let Some(lead) = first.iter().find(|code| code.reply.is_some()) else { return first };
    let (Some(reply), lead) = (lead.reply, lead.clone()) else { return first };
    let mut found: Vec<Code> = first.iter().filter(|code| code.start <= lead.start).cloned().collect();
    let number = reply.to_string();
    let mut from = lead.end;
    while let Some(at) = flat.get(from..).and_then(|rest| rest.find(&number)).map(|i| from + i) {
        from = at + 3;
        let after = flat.get(from..).unwrap_or_default();
        let alone = flat.get(..at).is_some_and(|before| before.ends_with(' '));
        if !alone || !after.starts_with(['-', ' ']) {
            continue;
        }
        let (status, skip) = status_after(after);
        found.push(Code {
            reply: Some(reply),
            status,
            start: at,
            end: from + skip,
            more: after.starts_with('-'),
            introduced: false,
        });
    }
    found.extend(first.into_iter().filter(|code| code.start > lead.start && code.reply != Some(reply)));
    found.sort_by_key(|code| code.start);
    found
}

/// A place that was talked to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: Option<String>,
    pub(super) address: Option<IpAddr>,
    pub(super) port: Option<u16>,
}

/// The host that a text names as the other side, by the ways in which programs write it.
pub(super) fn place(text: &str) -> Place {
    let mut place = Place::default();
    let words: Vec<&str> = text.split_whitespace().take(400).collect();
    for (i, word) in words.iter().enumerate() {
        if place.host.is_none() && place.address.is_none() {
            named(word, words.get(i + 1).copied(), &mut place);
        }
        let is =
            |text: &str, wanted: &[&str]| wanted.contains(&text.trim_matches(|c: char| !c.is_alphanumeric()));
        if place.port.is_none() && is(word, &["port", "Port"]) {
            // JavaMail names both: `Couldn't connect to host, port: smtp.example.com, 25`.
            place.port = words.iter().skip(i + 1).take(2).find_map(|next| port(next));
        }
    }
    place
}

/// Characters around a name that do not belong to it.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| "'\"`,;()<>{}".contains(c)).trim_end_matches(['.', ':', '!'])
}

fn named(word: &str, next: Option<&str>, place: &mut Place) {
    let mut word = bare(word);
    for scheme in ["ssl://", "tls://", "tcp://", "smtp://", "smtps://", "submission://"] {
        word = word.strip_prefix(scheme).unwrap_or(word);
    }
    if word.contains('@') || word.contains('/') {
        return;
    }
    // mx.example.com[192.0.2.1]:25, [2001:db8::1]:25, 192.0.2.1:25, mx.example.com:25
    if let Some((name, rest)) = word.split_once('[') {
        let Some((inner, rest)) = rest.split_once(']') else { return };
        let Ok(address) = inner.trim_start_matches("IPv6:").parse() else { return };
        if !name.is_empty() && !is_host(name) {
            return;
        }
        place.host = Some(name.to_owned()).filter(|name| !name.is_empty());
        place.address = Some(address);
        place.port = rest.strip_prefix(':').and_then(port);
        return;
    }
    // Node writes an IPv6 address and a port with a colon between and no brackets.
    if let Some((name, number @ ("25" | "465" | "587" | "2525"))) = word.rsplit_once(':')
        && let Ok(IpAddr::V6(address)) = name.parse()
    {
        (place.address, place.port) = (Some(IpAddr::V6(address)), port(number));
        return;
    }
    if let Ok(address) = word.parse::<IpAddr>() {
        place.address = Some(address);
        return;
    }
    let (name, number) = match word.rsplit_once(':') {
        Some((name, number)) => (name, port(number)),
        None => (word, None),
    };
    if number.is_some()
        && let Ok(address) = name.parse::<IpAddr>()
    {
        (place.address, place.port) = (Some(address), number);
        return;
    }
    let followed = next.map(|next| next.trim_matches(|c: char| "[]()<>:,;.'\"".contains(c)));
    let address =
        followed.and_then(|next| next.split(']').next()).and_then(|next| next.parse::<IpAddr>().ok());
    if is_host(name) && (number.is_some() || address.is_some() || mail_name(name)) {
        place.host = Some(name.trim_end_matches('.').to_ascii_lowercase());
        place.address = address;
        place.port = number.or(place.port);
    }
}

fn port(text: &str) -> Option<u16> {
    let digits: String =
        text.trim_start_matches(['(', '"', '\'']).chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|port| *port > 0)
}

/// Names that stand in error texts and are no hosts: files, classes, settings. A host that
/// stands alone is believed where its first label is one that mail servers have.
fn mail_name(name: &str) -> bool {
    const FIRST: [&str; 14] = [
        "smtp", "mail", "mx", "email", "relay", "out", "outgoing", "send", "submit", "exchange", "imap",
        "pop", "mta", "mailgw",
    ];
    let label = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let stem = label.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = stem.split(['-', '_']).next().unwrap_or_default();
    // `smtp.client`, `mail.php`: a class or a file has two labels, and no top-level domain.
    let last = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let program = [
        "php", "py", "java", "js", "rb", "go", "net", "client", "log", "cf", "conf", "class", "util", "smtp",
    ];
    FIRST.contains(&stem) && !(name.matches('.').count() < 2 && program.contains(&last.as_str()))
}

/// Words that tell the moment whatever else a text says, the surest first. In lower case.
const SAID: &[(&str, Stage)] = &[
    // Postfix, Exim and others say what they sent.
    ("in reply to end of data", Stage::EndOfData),
    ("in reply to rcpt to", Stage::Rcpt),
    ("in reply to mail from", Stage::Mail),
    ("in reply to data", Stage::Data),
    ("in reply to ehlo", Stage::Ehlo),
    ("in reply to helo", Stage::Ehlo),
    ("in reply to starttls", Stage::Starttls),
    ("in reply to auth", Stage::Auth),
    ("after end of data", Stage::EndOfData),
    ("after pipelined end of data", Stage::EndOfData),
    ("after sending data block", Stage::EndOfData),
    ("end of data", Stage::EndOfData),
    ("data end command failed", Stage::EndOfData),
    ("while sending end of data", Stage::EndOfData),
    ("while sending message body", Stage::EndOfData),
    ("after pipelined rcpt", Stage::Rcpt),
    ("after rcpt to", Stage::Rcpt),
    ("after pipelined mail", Stage::Mail),
    ("after mail from", Stage::Mail),
    ("after initial connection", Stage::Greeting),
    ("initial server greeting", Stage::Greeting),
    ("after starttls", Stage::Starttls),
    ("after ehlo", Stage::Ehlo),
    ("after helo", Stage::Ehlo),
    ("after data", Stage::Data),
    ("after auth", Stage::Auth),
    ("rcpt to:<", Stage::Rcpt),
    ("mail from:<", Stage::Mail),
    ("rcpt to command", Stage::Rcpt),
    ("mail from command", Stage::Mail),
    ("rcpt failed", Stage::Rcpt),
    ("mail failed", Stage::Mail),
    ("command: 'rcpt to'", Stage::Rcpt),
    ("command: 'mail from'", Stage::Mail),
    ("command: 'data'", Stage::EndOfData),
    ("command: 'auth", Stage::Auth),
    ("command: 'starttls'", Stage::Starttls),
    ("command: 'ehlo'", Stage::Ehlo),
    // Names of errors in libraries.
    ("smtprecipientsrefused", Stage::Rcpt),
    ("smtpsenderrefused", Stage::Mail),
    ("smtpdataerror", Stage::EndOfData),
    ("smtpauthenticationerror", Stage::Auth),
    ("smtpheloerror", Stage::Ehlo),
    ("smtpaddressfailedexception", Stage::Rcpt),
    ("smtpsenderfailedexception", Stage::Mail),
    ("authenticationfailedexception", Stage::Auth),
    ("smtpfailedrecipient", Stage::Rcpt),
    ("recipientnotaccepted", Stage::Rcpt),
    ("sendernotaccepted", Stage::Mail),
    ("messagenotaccepted", Stage::EndOfData),
    ("following recipients failed", Stage::Rcpt),
    ("following from address failed", Stage::Mail),
    ("data not accepted", Stage::EndOfData),
    ("all recipients were rejected", Stage::Rcpt),
    ("invalid login", Stage::Auth),
    ("password command failed", Stage::Auth),
    ("failed to authenticate", Stage::Auth),
    ("unable to authenticate", Stage::Auth),
    ("security.authenticationexception", Stage::Auth),
    ("smtp auth extension", Stage::Auth),
    ("unknownhostexception", Stage::Dns),
    ("connectexception", Stage::Connect),
    ("mailconnectexception", Stage::Connect),
];

/// Words that tell it where no server has answered: names first, then TLS, the connection,
/// the log-in. In a server's reply they may be about anything.
const MEANT: &[(&str, Stage)] = &[
    ("verify error", Stage::Tls),
    ("verify return code", Stage::Tls),
    ("enotfound", Stage::Dns),
    ("eai_again", Stage::Dns),
    ("getaddrinfo", Stage::Dns),
    ("no such host", Stage::Dns),
    ("could not resolve", Stage::Dns),
    ("couldn't resolve", Stage::Dns),
    ("cannot resolve", Stage::Dns),
    ("name or service not known", Stage::Dns),
    ("nodename nor servname", Stage::Dns),
    ("name resolution", Stage::Dns),
    ("name service error", Stage::Dns),
    ("failed to lookup address", Stage::Dns),
    ("nxdomain", Stage::Dns),
    ("servfail", Stage::Dns),
    ("tlsa", Stage::Dns),
    ("greeting never received", Stage::Greeting),
    ("invalid greeting", Stage::Greeting),
    ("could not be initialised", Stage::Tls),
    ("starttls", Stage::Starttls),
    ("esocket", Stage::Tls),
    ("[ssl:", Stage::Tls),
    ("tls packet", Stage::Tls),
    ("tls connection", Stage::Tls),
    ("common algorithm", Stage::Tls),
    ("unsupported protocol", Stage::Tls),
    ("invalidcontenttype", Stage::Tls),
    ("certificate", Stage::Tls),
    ("handshake", Stage::Tls),
    ("x509", Stage::Tls),
    ("wrong version number", Stage::Tls),
    ("ssl routines", Stage::Tls),
    ("sslexception", Stage::Tls),
    ("gnutls", Stage::Tls),
    ("sec_error_", Stage::Tls),
    ("ssl_error_", Stage::Tls),
    ("mozilla_pkix", Stage::Tls),
    ("econnrefused", Stage::Connect),
    ("connection refused", Stage::Connect),
    ("actively refused", Stage::Connect),
    ("ehostunreach", Stage::Connect),
    ("enetunreach", Stage::Connect),
    ("no route to host", Stage::Connect),
    ("network is unreachable", Stage::Connect),
    ("connect etimedout", Stage::Connect),
    ("[errno 110]", Stage::Connect),
    ("[errno 60]", Stage::Connect),
    ("[winerror 10060]", Stage::Connect),
    ("110 connection timed out", Stage::Connect),
    ("dial tcp", Stage::Connect),
    ("connect() failed", Stage::Connect),
    ("connecting to outgoing server", Stage::Connect),
    ("net::opentimeout", Stage::Connect),
    ("failed to connect", Stage::Connect),
    ("could not connect", Stage::Connect),
    ("couldn't connect", Stage::Connect),
    ("unable to connect", Stage::Connect),
    ("cannot connect", Stage::Connect),
    ("connect to ", Stage::Connect),
    ("could not authenticate", Stage::Auth),
    ("authentication failed", Stage::Auth),
    ("authentication unsuccessful", Stage::Auth),
    ("auth login", Stage::Auth),
    ("auth plain", Stage::Auth),
    ("login denied", Stage::Auth),
    ("invalid login", Stage::Auth),
];

/// The moment that a text tells of, by its words. `answered`: it quotes a server's reply.
pub(super) fn stage(text: &str, answered: bool) -> Option<Stage> {
    let lower = text.to_ascii_lowercase();
    let find =
        |table: &[(&str, Stage)]| table.iter().find(|(words, _)| lower.contains(words)).map(|(_, s)| *s);
    find(SAID).or_else(|| if answered { None } else { find(MEANT) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn first(text: &str) -> Option<(Option<u16>, Option<String>)> {
        codes(text).first().map(|code| (code.reply, code.status.map(|s| s.to_string())))
    }

    #[test]
    fn codes_are_found_where_replies_begin() {
        for (text, reply, status) in [
            ("550 5.1.1 User unknown", 550, "5.1.1"),
            ("550-5.7.26 not aligned", 550, "5.7.26"),
            ("host mx.example.com[192.0.2.1] said: 451 4.7.1 later", 451, "4.7.1"),
            ("Remote server returned '550 5.7.1 no'", 550, "5.7.1"),
            ("SMTP error from remote mail server after RCPT TO:<a@example.com>: 550 #5.1.0 no", 550, "5.1.0"),
            ("it told me 554 (5.7.1) no", 554, "5.7.1"),
            ("421", 421, ""),
            ("- 550", 550, ""),
            ("Error: Invalid login: 535 nope", 535, ""),
            ("(550, b'no such user')", 550, ""),
            ("b'550 no'", 550, ""),
            ("{'a@example.com': (550, b'5.1.1 no')}", 550, "5.1.1"),
        ] {
            let status = (!status.is_empty()).then(|| status.to_owned());
            assert_eq!(first(text), Some((Some(reply), status)), "{text}");
        }
        assert_eq!(first("4.7.29"), Some((None, Some("4.7.29".into()))));
        assert_eq!(first("#5.1.1 smtp"), Some((None, Some("5.1.1".into()))));
    }

    #[test]
    fn numbers_of_other_things_are_no_codes() {
        for text in [
            "250 g flour",
            "550 km",
            "555-1234",
            "450.00 EUR",
            "at 503:12",
            "mx550 said",
            "192.0.2.250 said",
            "1550 x",
            "Postfix 2.10.1",
            "there were 500 of them",
            "5.7.1.2",
            "2.0.0",
            "600 x",
            "512 MB",
            "550x",
            "room 451",
            "SIZE=400",
        ] {
            assert_eq!(codes(text), [], "{text}");
        }
    }

    #[test]
    fn a_reply_of_several_lines_becomes_one_without_its_codes() {
        for text in [
            "550-5.7.1 a\n550-5.7.1 b\n550 5.7.1 c",
            "550-5.7.1 a\r\n550-5.7.1  b\r\n550 5.7.1 c\r\n",
            "550-5.7.1 a 550-5.7.1 b 550 5.7.1 c",
            "550 5.7.1 a 550 5.7.1 b 550 5.7.1 c",
            "550-5.7.1 a\\r\\n550-5.7.1 b\\n550 5.7.1 c",
            "550-5.7.1 a\n550-b\n550 c",
        ] {
            assert_eq!(join(text), "550 5.7.1 a b c", "{text}");
        }
        assert_eq!(join("550-a 550 b"), "550 a b");
        assert_eq!(join("550 5.1.1 a b\n5.1.1 c d\n5.1.1 e"), "550 5.1.1 a b c d e");
        assert_eq!(join("(554, b'5.7.1 a\\n5.7.1 b')"), "(554, b'5.7.1 a b')");
        assert_eq!(join("host x said: 550-5.1.1 a 550 5.1.1 b"), "host x said: 550 5.1.1 a b");
        assert_eq!(join("550 b, see error 550 for more"), "550 b, see error 550 for more");
        assert_eq!(join("451 4.4.397 x -> 421 4.2.1 y"), "451 4.4.397 x -> 421 4.2.1 y");
    }

    #[test]
    fn hosts_are_found_as_programs_write_them() {
        for (text, host, address, port) in [
            ("connect to mx.example.com[192.0.2.1]:25: refused", "mx.example.com", "192.0.2.1", 25),
            ("connect ECONNREFUSED 192.0.2.1:587", "", "192.0.2.1", 587),
            ("connect ECONNREFUSED 2001:db8::1:587", "", "2001:db8::1", 587),
            ("dial tcp [2001:db8::1]:25: connect: refused", "", "2001:db8::1", 25),
            ("Couldn't connect to host, port: smtp.example.com, 25; timeout -1", "smtp.example.com", "", 25),
            (
                "stream_socket_client(): unable to connect to ssl://smtp.example.com:465 (x)",
                "smtp.example.com",
                "",
                465,
            ),
            ("getaddrinfo ENOTFOUND smtp.example.com", "smtp.example.com", "", 0),
            ("cannot connect to mail.example.com, port 587: Connection refused", "mail.example.com", "", 587),
            ("Connected to mail.example.com (192.0.2.1) port 25 (#0)", "mail.example.com", "192.0.2.1", 25),
            ("host mx.example.com [192.0.2.9]: 550 no", "mx.example.com", "192.0.2.9", 0),
            ("could not read conf/mail.php", "", "", 0),
            ("javax.mail.MessagingException: x", "", "", 0),
            ("<a@mx.example.com>: no", "", "", 0),
        ] {
            let expected = Place {
                host: (!host.is_empty()).then(|| host.to_owned()),
                address: address.parse().ok(),
                port: (port > 0).then_some(port),
            };
            assert_eq!(place(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-245.0-9 <>@:#()'éa-c\\n\\[\\]]{0,120}") {
            let _ = (codes(&text), join(&text), place(&text), stage(&text, false));
        }

        #[test]
        fn any_text_is_borne(text in any::<String>()) {
            let _ = (codes(&text), join(&text), place(&text), stage(&text, false));
        }
    }
}
