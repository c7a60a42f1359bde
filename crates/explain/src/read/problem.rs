//! What programs print when sending fails: stack traces, chains of exceptions, debug output.
//! One line of it tells the cause; the others wrap it, repeat it or say where in the program
//! it happened.

/// The telling line, and what else was said, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) context: Vec<String>,
}

/// Lines of context that are kept.
const MOST_CONTEXT: usize = 8;

/// Words of causes that need no other explanation.
const CAUSES: &[&str] = &[
    "verify error:num=",
    "verification error:",
    "verify return code:",
    "certificate verify failed",
    "certificate",
    "self-signed",
    "self signed",
    "local issuer",
    "pkix",
    "altname",
    "hostname mismatch",
    "wrong version number",
    "unsupported protocol",
    "no shared cipher",
    "handshake fail",
    "handshake_failure",
    "protocol version",
    "ssl routines",
    "ssl alert",
    "tls alert",
    "fatal alert",
    "x509:",
    "tls: ",
    "remote party",
    "plaintext connection",
    "econnrefused",
    "connection refused",
    "actively refused",
    "timed out",
    "etimedout",
    "timeout",
    "no route to host",
    "unreachable",
    "enotfound",
    "eai_again",
    "name or service not known",
    "no such host",
    "nodename nor",
    "resolve",
    "unknownhost",
    "econnreset",
    "connection reset",
    "forcibly closed",
    "errno",
    "10060",
    "10061",
    "10054",
    "broken pipe",
    "unexpected eof",
    "unexpectedly",
    "not supported",
    "does not support",
    "doesn't support",
    "no peer certificate",
    "greeting never received",
    "not trusted",
    "untrusted",
    "not advertised",
    "not offered",
    "network is down",
    "permission denied",
    "connection closed",
    "closed the connection",
    "connection lost",
    "lost connection",
    "secerr",
    "sec_error_",
    "ssl_error_",
    "gnutls_e_",
    "0x80090",
    "0x800b0",
    "could not be read",
    "invalid argument",
    "oauth",
    "frame size",
    "eof while",
    "common algorithm",
    "disconnected",
    "getaddrinfo",
    "starttls in server response",
];

/// Words of summaries, which every cause has behind it.
const SUMMARIES: &[&str] = &[
    "smtp connect() failed",
    "could not connect to smtp host",
    "couldn't connect to host",
    "could not convert socket",
    "unable to connect to the remote server",
    "failure sending mail",
    "an error occurred",
    "sending failed",
    "send failed",
    "mailer error",
    "message could not be sent",
    "could not send",
    "nested exception",
    "connection could not be established",
    "failed to send",
    "could not instantiate",
    "error trying to connect",
    "transport error",
    "verify return:",
    "see the inner exception",
    "troubleshooting",
    "ssl connection error",
];

/// How telling a line is, 0 to 5; 0 for what is no error.
fn weight(line: &str) -> u8 {
    let lower = line.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if is_frame(line)
        || has(&["verify return code: 0 ", "verify return:", "verification: ok", "verify error:num=0"])
    {
        return 0;
    }
    let caused = has(CAUSES) && (is_trouble(&lower) || lower.contains("errno"));
    let summary = has(SUMMARIES);
    match (caused, summary) {
        (true, false) => 5,
        (true, true) => 4,
        (false, true) => 1,
        (false, false) if is_trouble(&lower) => 3,
        (false, false) => 0,
    }
}

/// True where a line in lower case says that something went wrong.
fn is_trouble(lower: &str) -> bool {
    const WORDS: [&str; 38] = [
        "error",
        "fail",
        "refus",
        "denied",
        "reject",
        "unable",
        "cannot",
        "could not",
        "couldn't",
        "can't",
        "invalid",
        "expired",
        "exception",
        "fatal",
        "timed out",
        "timeout",
        "unreachable",
        "reset",
        "closed",
        "aborted",
        "unexpected",
        "not supported",
        "not trusted",
        "untrusted",
        "does not",
        "doesn't",
        "didn't",
        "no such",
        "unknown",
        "alert",
        "lost",
        "mismatch",
        "errno",
        "self-signed",
        "self signed",
        "no peer certificate",
        "disconnected",
        "no route",
    ];
    WORDS.iter().any(|word| lower.contains(word))
}

/// Where in a program it happened.
fn is_frame(line: &str) -> bool {
    let line = line.trim();
    let numbered = line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    line.starts_with("at ")
        || line.starts_with("File \"")
        || line.starts_with("from /")
        || line.starts_with("goroutine ")
        || line.starts_with("raise ")
        || line.starts_with("self.")
        || line.starts_with("return ")
        || line.starts_with("Traceback (most")
        || line.starts_with("During handling of")
        || line.starts_with("The above exception")
        || line.starts_with("Stack trace")
        || (line.starts_with("... ") && line.ends_with("more"))
        || numbered
}

/// Picks the telling line; none where no line tells of trouble.
pub(super) fn find<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Problem> {
    let mut found: Vec<(u8, String)> = Vec::new();
    let mut nested = false;
    let mut best: Option<usize> = None;
    for line in lines {
        let weight = weight(line);
        let text = tidy(line);
        let inner = nested || line.trim_start().starts_with("Caused by");
        nested = line.contains("nested exception is") || line.contains("---> ");
        if weight == 0 || text.is_empty() || found.iter().any(|(_, known)| *known == text) {
            continue;
        }
        found.push((weight, text));
        let better = best
            .and_then(|best| found.get(best))
            .is_none_or(|(known, _)| weight > *known || (weight == *known && inner));
        if better {
            best = Some(found.len() - 1);
        }
    }
    let best = best?;
    let text = found.get(best)?.1.clone();
    let others = found.into_iter().enumerate().filter(|(i, _)| *i != best).map(|(_, (_, text))| text);
    Some(Problem { text, context: others.take(MOST_CONTEXT).collect() })
}

/// Without the indent and the words that only link one exception to the next.
fn tidy(line: &str) -> String {
    let mut text = line.trim().trim_start_matches(['*', '=']).trim_start();
    for lead in ["Caused by:", "--->", "nested exception is:", "[nested]:"] {
        text = text.strip_prefix(lead).unwrap_or(text).trim_start();
    }
    let text = text.trim_end_matches([';', ',', '{']).trim();
    text.chars().take(1000).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(lines: &str) -> String {
        find(lines.lines()).unwrap_or_default().text
    }

    #[test]
    fn the_innermost_cause_is_told() {
        let java = "javax.mail.MessagingException: Could not convert socket to TLS;\n  nested exception is:\n\
            \tjavax.net.ssl.SSLHandshakeException: PKIX path building failed: unable to find valid certification path\n\
            \tat com.sun.mail.smtp.SMTPTransport.startTLS(SMTPTransport.java:2155)\n\
            Caused by: javax.net.ssl.SSLHandshakeException: PKIX path building failed\n\t... 12 more";
        assert_eq!(text(java), "javax.net.ssl.SSLHandshakeException: PKIX path building failed");
        let python = "Traceback (most recent call last):\n  File \"/usr/lib/python3.12/smtplib.py\", line 341, in connect\n    \
            self.sock = self._get_socket(host, port, self.timeout)\nConnectionRefusedError: [Errno 111] Connection refused";
        assert_eq!(text(python), "ConnectionRefusedError: [Errno 111] Connection refused");
        let php = "SMTP ERROR: Failed to connect to server: Connection refused (111)\nSMTP connect() failed. https://x/Troubleshooting";
        assert_eq!(text(php), "SMTP ERROR: Failed to connect to server: Connection refused (111)");
    }

    #[test]
    fn where_all_is_well_there_is_no_problem() {
        assert_eq!(find("depth=0 CN = x\nverify return:1\nVerify return code: 0 (ok)".lines()), None);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = find(text.lines());
        }
    }
}
