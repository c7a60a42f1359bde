//! What a service is that does not speak SMTP, by its first bytes.

/// Names a service by the first bytes that it sent, in words that fit after "it looks
/// like": `an IMAP server`, `TLS from the first byte`. None for SMTP and for the unknown.
///
/// Only services that speak first can be told; the rest stay silent until a timeout.
pub fn identify(bytes: &[u8]) -> Option<String> {
    binary(bytes).or_else(|| textual(bytes)).map(str::to_owned)
}

/// Protocols that are not text.
fn binary(bytes: &[u8]) -> Option<&'static str> {
    Some(match bytes {
        // TLS records: alert and handshake of versions 3.x (RFC 8446 section 5.1).
        [0x15 | 0x16, 3, 0..=4, ..] => "TLS from the first byte",
        // A handshake packet of protocol version 10: 3 bytes of length, sequence 0.
        [_, _, 0, 0, 10, ..] => "a MySQL or MariaDB server",
        // An error packet in its place: the client's address is refused.
        [_, _, 0, 0, 0xff, ..] => "a MySQL or MariaDB server",
        // A SETTINGS frame on stream 0 (RFC 9113 section 6.5).
        [0, 0, _, 4, 0, 0, 0, 0, 0, ..] => "a web server (HTTP/2)",
        // IAC WILL, WONT, DO or DONT (RFC 854).
        [0xff, 0xfb..=0xfe, ..] => "a Telnet server",
        _ => return None,
    })
}

/// Greetings and their protocols, by their beginning; letter case matters to none.
const GREETINGS: [(&str, &str); 16] = [
    ("* OK", "an IMAP server"),
    ("* BYE", "an IMAP server"),
    ("* PREAUTH", "an IMAP server"),
    ("+OK", "a POP3 server"),
    ("-ERR", "a POP3 server"),
    ("SSH-", "an SSH server"),
    ("HTTP/", "a web server (HTTP)"),
    ("<!DOCTYPE HTML", "a web server (HTTP)"),
    ("<HTML", "a web server (HTTP)"),
    ("\"IMPLEMENTATION\"", "a ManageSieve server"),
    ("@RSYNCD:", "an rsync server"),
    ("RFB 00", "a VNC server"),
    ("AMQP", "a message broker (AMQP)"),
    ("RTSP/", "a media server (RTSP)"),
    ("-NOAUTH", "a Redis server"),
    ("-DENIED REDIS", "a Redis server"),
];

/// Words in a greeting that begins with a code, where SMTP has the same form.
const WORDS: [(&str, &str); 7] = [
    ("FTP", "an FTP server"),
    ("FILEZILLA", "an FTP server"),
    ("NNTP", "a news server (NNTP)"),
    ("INTERNETNEWS", "a news server (NNTP)"),
    ("LMTP", "a local delivery server (LMTP)"),
    ("DICTD", "a dictionary server (DICT)"),
    ("DOVECOT-AUTH", "an authentication service"),
];

fn textual(bytes: &[u8]) -> Option<&'static str> {
    let start: Vec<u8> = bytes.iter().take(512).map(u8::to_ascii_uppercase).collect();
    if let Some((_, what)) = GREETINGS.iter().find(|(prefix, _)| start.starts_with(prefix.as_bytes())) {
        return Some(what);
    }
    let text = String::from_utf8_lossy(&start);
    if text.starts_with("<?XML") && text.contains("STREAM:") {
        return Some("an XMPP server");
    }
    if text.starts_with(':') && text.contains(" NOTICE ") {
        return Some("an IRC server");
    }
    let code = start.iter().take(3).all(u8::is_ascii_digit) && start.len() > 3;
    // A mail server may well be called ftp.example.com: its greeting says SMTP too.
    if !code || text.contains("SMTP") {
        return None;
    }
    WORDS.iter().find(|(word, _)| text.contains(word)).map(|(_, what)| *what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_named_by_their_first_bytes() {
        for (bytes, what) in [
            (&b"* OK [CAPABILITY IMAP4rev1] Dovecot ready.\r\n"[..], "an IMAP server"),
            (b"+OK POP3 ready\r\n", "a POP3 server"),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", "an SSH server"),
            (b"HTTP/1.1 400 Bad Request\r\n", "a web server (HTTP)"),
            (b"<html><head>", "a web server (HTTP)"),
            (b"\x15\x03\x01\x00\x02\x02\x28", "TLS from the first byte"),
            (b"\x16\x03\x03\x00\x7a", "TLS from the first byte"),
            (b"J\0\0\0\n8.0.36\0", "a MySQL or MariaDB server"),
            (b"220 (vsFTPd 3.0.3)\r\n", "an FTP server"),
            (b"220 ProFTPD Server ready.\r\n", "an FTP server"),
            (b"200 news.example.com InterNetNews ready\r\n", "a news server (NNTP)"),
            (b"\xff\xfd\x18\xff\xfd\x20", "a Telnet server"),
            (b"220 mx.example.com LMTP Postfix\r\n", "a local delivery server (LMTP)"),
        ] {
            assert_eq!(identify(bytes).as_deref(), Some(what), "{bytes:?}");
        }
    }

    #[test]
    fn mail_servers_and_the_unknown_stay_unnamed() {
        for bytes in [
            &b"220 mx.example.com ESMTP Postfix\r\n"[..],
            b"220 ftp.example.com ESMTP ready\r\n",
            b"554 no service\r\n",
            b"220 ",
            b"",
            b"hello\r\n",
            b"\0\0\0\0",
        ] {
            assert_eq!(identify(bytes), None, "{bytes:?}");
        }
    }
}
