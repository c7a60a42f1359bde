//! What programs print when sending fails: stack traces, chains of exceptions, debug output.
//! One line of it tells the cause; the others wrap it, repeat it or say where in the program
//! it happened.

/// The telling line, and what else was said, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) text: String,
    pub(super) context: Vec<String>,
    /// The place of the telling line among those that were given.
    pub(super) line: usize,
}

/// Lines of context that are kept.
const MOST_CONTEXT: usize = 8;

/// Phrases of causes that need no other explanation.
const CAUSES: &[&str] = &[
    "verify error:num=|verification error:|verify return code:|certificate verify failed|certificate|x509:|pkix",
    "self-signed|self signed|local issuer|altname|hostname mismatch|not trusted|untrusted|wrong version number",
    "unsupported protocol|no shared cipher|handshake fail|handshake_failure|protocol version|common algorithm",
    "ssl routines|ssl alert|tls alert|fatal alert|tls: |tls packet|tls record|tls connection|plaintext connection",
    "remote party|frame size|eof while|unexpected eof|secerr|sec_error_|ssl_error_|gnutls_e_|0x80090|0x800b0",
    "econnrefused|connection refused|actively refused|timed out|etimedout|timeout|no route to host|unreachable",
    "enotfound|eai_again|name or service not known|no such host|nodename nor|resolve|unknownhost|getaddrinfo",
    "bad hostname|econnreset|connection reset|forcibly closed|errno|10060|10061|10054|broken pipe|unexpectedly",
    "not supported|does not support|doesn't support|not advertised|not offered|did not advertise|disconnected",
    "starttls in server response|greeting never received|waiting for server|network is down|network error",
    "permission denied|connection closed|closed the connection|connection lost|lost connection|could not be read",
    "invalid argument|oauth|end of file reached|execution expired|not authenticated|credentials",
];

/// Lines that sound like trouble and are none.
const FINE: &[&str] = &[
    "verify return code: 0 |verify return:|verification: ok|verify error:num=0|can't use ssl_get_servername",
    "secure renegotiation is|no client certificate ca names|no alpn negotiated|early data was not|continuing anyway",
    "tls alert, close notify|session id is stale|closing connection|connection closed with remote host",
    "curl failed to verify|establish a secure connection to it|to fix it, please|more details here:",
];

/// Phrases of summaries, which every cause has behind it.
const SUMMARIES: &[&str] = &[
    "smtp connect() failed|could not connect to smtp host|couldn't connect to host|could not convert socket",
    "unable to connect to the remote server|failure sending mail|an error occurred|sending failed|send failed",
    "mailer error|message could not be sent|could not send|nested exception|failed to send|could not instantiate",
    "connection could not be established|error trying to connect|transport error|see the inner exception",
    "troubleshooting|ssl connection error|error in the certificate|pki verification of|attempted but failed",
    "error connecting to|connect:errno=0|error number 2.|tls alert, |no peer certificate available",
];

/// Words of trouble.
const TROUBLES: &[&str] = &[
    "error|fail|refus|denied|reject|unable|cannot|could not|couldn't|can't|invalid|expired|exception|fatal|timed out",
    "timeout|unreachable|reset|closed|aborted|unexpected|not supported|not trusted|untrusted|does not|doesn't|didn't",
    "did not|no such|unknown|alert|lost|mismatch|errno|self-signed|self signed|no peer certificate|disconnected",
    "no route|bad hostname",
];

/// True where one of the phrases, divided by bars, stands in a line in lower case.
fn holds(lower: &str, lists: &[&str]) -> bool {
    lists.iter().flat_map(|list| list.split('|')).any(|phrase| lower.contains(phrase))
}

/// How telling a line is, 0 to 5; 0 for what is no error.
fn weight(line: &str) -> u8 {
    let lower = line.to_lowercase();
    if is_frame(line) || is_step(line.trim()) || holds(&lower, FINE) || !holds(&lower, TROUBLES) {
        return 0;
    }
    match (holds(&lower, CAUSES), holds(&lower, SUMMARIES)) {
        (true, false) => 5,
        (true, true) => 4,
        (false, false) => 3,
        (false, true) => 1,
    }
}

/// What a program is about to do, with a name that may hold any word.
fn is_step(line: &str) -> bool {
    ["Trying ", "=== Trying ", "*   Trying ", "Resolving '", "Connecting to '", "Connecting to \""]
        .iter()
        .any(|step| line.starts_with(step))
}

/// Where in a program it happened.
fn is_frame(line: &str) -> bool {
    const BEGINNINGS: [&str; 13] = [
        "at ",
        "File \"",
        "from /",
        "goroutine ",
        "raise ",
        "self.",
        "return ",
        "Traceback (most",
        "During handling of",
        "The above exception",
        "Stack trace",
        "^^^",
        "~~~",
    ];
    let line = line.trim();
    let numbered = line.strip_prefix('#').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    numbered
        || BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
        || (line.starts_with("... ") && line.ends_with("more"))
}

/// True for words that are a cause by themselves.
pub(super) fn is_cause(line: &str) -> bool {
    weight(line) >= 4
}

/// A line without the meter that curl draws in front of what it says.
pub(super) fn without_meter(raw: &str) -> &str {
    let Some((_, rest)) = raw.rsplit_once("--:--:--") else { return raw };
    rest.trim_start_matches(|c: char| c.is_ascii_digit() || c.is_whitespace() || c == 'k' || c == 'M')
}

/// Picks the telling line; none where no line tells of trouble.
pub(super) fn find<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Problem> {
    let mut found: Vec<(u8, String, usize)> = Vec::new();
    let mut nested = false;
    let mut best: Option<usize> = None;
    for (place, line) in lines.into_iter().enumerate() {
        let weight = weight(line);
        let inner = nested || line.trim_start().starts_with("Caused by");
        nested = line.contains("nested exception is") || line.contains("---> ");
        // Enough to choose from; a text may have a million such lines.
        if weight == 0 || found.len() >= 200 {
            continue;
        }
        let text = tidy(line);
        if text.is_empty() || found.iter().any(|(_, known, _)| *known == text) {
            continue;
        }
        found.push((weight, text, place));
        let better = best
            .and_then(|best| found.get(best))
            .is_none_or(|(known, ..)| weight > *known || (weight == *known && inner));
        if better {
            best = Some(found.len() - 1);
        }
    }
    let best = best?;
    let (_, text, line) = found.get(best)?.clone();
    let others = found.into_iter().enumerate().filter(|(i, _)| *i != best).map(|(_, (_, text, _))| text);
    Some(Problem { text, context: others.take(MOST_CONTEXT).collect(), line })
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
        let fine = "depth=0 CN = x\nverify return:1\nSecure Renegotiation IS NOT supported\nVerify return code: 0 (ok)";
        assert_eq!(find(fine.lines()), None);
        assert_eq!(find(["=== Trying smtp.nohost.invalid:25..."]), None);
    }

    #[test]
    fn what_curl_draws_is_no_part_of_what_it_says() {
        let line = "  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0* RCPT failed: 550";
        assert_eq!(without_meter(line), "* RCPT failed: 550");
        assert_eq!(without_meter("* RCPT failed: 550"), "* RCPT failed: 550");
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = find(text.lines());
        }
    }
}
