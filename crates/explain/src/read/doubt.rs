//! Whether a text is an error of mail at all. A recipe begins with `250 g flour`, a web
//! server answers `503 Service Unavailable`, a poem speaks of letters that were refused.

use std::collections::HashSet;

use super::{paste, problem, words};

/// Words of mail, TLS, networks and log-ins.
const SUBJECTS: &str = "smtp smtps esmtp lmtp starttls ehlo helo rcpt mx mta mailbox mailboxes mail mails email emails \
    e-mail e-mails recipient recipients sender senders spf dkim dmarc dane tlsa postmaster mailer bounce bounced \
    undeliverable undelivered deliver delivered delivery relay relaying relayed envelope inbox spam spamhaus dnsbl rbl \
    blocklist blocklisted blacklist blacklisted greylist greylisted greylisting graylisted quota attachment message \
    messages domain domains hostname host hosts server servers user users address addresses ptr dns nxdomain servfail \
    queue queued postfix exim sendmail outlook gmail exchange tls ssl sslv3 tlsv1 certificate certificates cert x509 \
    handshake issuer cipher ciphers gnutls openssl schannel pkix self-signed selfsigned altname altnames verification \
    verify connection connect connecting connected socket timeout refused unreachable resolve resolution \
    getaddrinfo port network firewall econnrefused etimedout econnreset enotfound ehostunreach enetunreach eauth \
    esocket econnection authentication authenticate authenticated auth login password username credentials oauth \
    xoauth2 sasl account peer chain eof errno protocol alert banner greeting command mechanism mechanisms mailhub \
    empfänger postfach zertifikat verbindung anmeldung destinataire certificat serveur connexion destinatario servidor";

/// Words that alone say what a text is about.
const MAIL: &str = "smtp smtps esmtp lmtp starttls ehlo helo rcpt mx mta mailbox mail mails email emails e-mail \
    recipient recipients sender spf dkim dmarc postmaster mailer undeliverable dnsbl rbl greylisted greylisting relay \
    relaying spam postfix exim sendmail outlook gmail smtpexception nodemailer phpmailer smtplib";

/// Words of things that go wrong.
const TROUBLES: &str = "error errors shield scanning failed failure fail fails failing refused denied rejected reject rejecting unable \
    cannot could couldn't can't not invalid expired expire unknown blocked exceeded exceeds mismatch missing unsupported \
    unavailable disabled disallowed forbidden unauthorized unauthenticated temporarily temporary permanent permanently \
    full many large long wrong bad reset timeout timed closed lost unreachable undeliverable required untrusted \
    revoked violation suspended deferred bounced doesn't no unverified exist self-signed broken abort aborted \
    unexpected unexpectedly hung dropped never didn't isn't cut poor over prohibited incorrect unrecognized unrecognised \
    unrouteable unresolvable malformed mistyped eof listed blacklisted must fehler fehlgeschlagen abgelehnt ungültig \
    abgelaufen refusé impossible erreur échec";

/// Marks of other programs' logs and errors.
const FOREIGN: &[&str] = &[
    "http/1.",
    "http/2",
    "\"get /",
    "\"post /",
    "get /",
    "upstream",
    "sshd[",
    "ssh2",
    "kernel:",
    "systemd[",
    "cron[",
    "sqlstate",
    "mysql",
    "mariadb",
    "postgresql",
    "psql:",
    "redis",
    "mongo",
    "nginx",
    "php-fpm",
    "dockerd",
    "kubelet",
    "segfault",
    "segmentation fault",
    "npm err",
    "error[e0",
    "warning: unused",
    "fatal: unable to access",
    "git@",
    "select ",
    "traceback of",
    "syntaxerror",
    "typeerror",
    "referenceerror",
    "nullpointerexception",
    "indexerror",
    "keyerror",
    "undefined variable",
    "undefined index",
    "command not found",
    "no such file or directory",
    "mozilla/5.0",
    "https://",
    "ftp://",
    "websocket",
    "graphql",
    "elasticsearch",
    "kafka",
    "zookeeper",
    "amqp",
    "ssh:",
    "fn main",
    "#include",
    "public static",
    "console.log(",
    "err_connection_",
];

/// Ports of other protocols.
const FOREIGN_PORTS: [u16; 24] = [
    20, 21, 22, 23, 53, 80, 88, 123, 389, 443, 636, 873, 1433, 1521, 2049, 3128, 3306, 3389, 5432, 5672,
    6379, 8080, 8443, 27017,
];

/// What HTTP says after numbers that SMTP has too.
const HTTP: &[&str] = &[
    "bad request",
    "unauthorized",
    "payment required",
    "forbidden",
    "not found",
    "method not allowed",
    "not acceptable",
    "request timeout",
    "request time-out",
    "conflict",
    "gone",
    "payload too large",
    "unsupported media type",
    "unprocessable",
    "too many requests",
    "internal server error",
    "not implemented",
    "bad gateway",
    "service unavailable",
    "gateway timeout",
    "gateway time-out",
    "i'm a teapot",
];

/// Codes that servers use, beside those of RFC 5321.
fn is_smtp_code(reply: u16) -> bool {
    matches!(reply, 211 | 214 | 220 | 221 | 235 | 250..=253 | 334 | 354)
        || matches!(reply, 401 | 402 | 405 | 407 | 413 | 415 | 417 | 419..=423 | 430..=433 | 435 | 440..=459 | 464..=471)
        || matches!(reply, 500..=505 | 510..=517 | 519..=525 | 530..=538 | 540..=560 | 563..=565 | 570..=582 | 588..=599)
}

fn tokens(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|c: char| !(c.is_alphanumeric() || c == '-' || c == '\''))
        .map(|word| word.trim_matches(['-', '\'']).to_owned())
        .filter(|word| !word.is_empty())
        .take(600)
        .collect()
}

/// How many words there are, and how many are about mail, and about trouble.
fn count(text: &str) -> (usize, usize, usize) {
    let tokens = tokens(text);
    let (subjects, troubles): (HashSet<&str>, HashSet<&str>) =
        (SUBJECTS.split_whitespace().collect(), TROUBLES.split_whitespace().collect());
    let among = |set: &HashSet<&str>| tokens.iter().filter(|token| set.contains(token.as_str())).count();
    (tokens.len(), among(&subjects), among(&troubles))
}

/// True for a text that names something of mail itself, not only of networks.
pub(super) fn has_mail_words(text: &str) -> bool {
    let mail: HashSet<&str> = MAIL.split_whitespace().collect();
    tokens(text)
        .iter()
        .flat_map(|token| std::iter::once(token.as_str()).chain(token.split('-')))
        .any(|word| mail.contains(word))
}

/// True for the words of other programs.
pub(super) fn is_foreign(text: &str) -> bool {
    if has_mail_words(text) {
        return false;
    }
    let lower = text.to_lowercase();
    FOREIGN.iter().any(|mark| lower.contains(mark))
        || words::place(text).port.is_some_and(|port| FOREIGN_PORTS.contains(&port))
}

/// True for a text without codes that has the words of an error, in such density that it is
/// one rather than a letter about one.
pub(super) fn like_an_error(text: &str) -> bool {
    if is_foreign(text) {
        return false;
    }
    let (all, subjects, troubles) = count(text);
    let dense = (subjects + troubles) * 5 >= all;
    let named = has_error_name(text);
    (all <= 120 && problem::is_cause(text))
        || (named && all < 150)
        || (subjects >= 1 && troubles >= 1 && all <= 120 && dense)
        || is_code_like(text)
}

/// True for a text so short that it may be an error of a program whose words are not known
/// here, but to a rule.
pub(super) fn may_be_an_error(text: &str) -> bool {
    let words = text.split_whitespace().count();
    (2..=40).contains(&words) && !is_foreign(text)
}

/// The same, for a line among others.
pub(super) fn is_surely_an_error(line: &str) -> bool {
    let (all, subjects, troubles) = count(line);
    let dense = (subjects + troubles) * 3 >= all;
    !is_foreign(line)
        && all <= 80
        && ((subjects >= 1 && troubles >= 1 && subjects + troubles >= 3 && dense)
            || (has_error_name(line) && subjects >= 1))
}

/// `0x800CCC0E`, `-12195`, `num=18`: a single word that is a number of some program.
fn is_code_like(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    words.len() <= 3 && digits >= 2 && (text.contains("0x") || text.contains("0X") || text.contains('_'))
}

/// Names that programs give to errors: `SEC_ERROR_UNKNOWN_ISSUER`, `ECONNREFUSED`,
/// `SSLHandshakeException`, `0x80090326`, `error:0A000086`.
fn has_error_name(text: &str) -> bool {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| {
        let constant = word.len() >= 8
            && word.matches('_').count() >= 2
            && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        let errno = (5..=16).contains(&word.len())
            && word.starts_with('E')
            && word.bytes().all(|b| b.is_ascii_uppercase())
            && [
                "CONN", "TIMEDOUT", "NOTFOUND", "AUTH", "SOCKET", "UNREACH", "ENVELOPE", "MESSAGE", "PIPE",
                "STREAM", "TLS", "DNS",
            ]
            .iter()
            .any(|part| word.contains(part));
        let class = (word.ends_with("Exception") || word.ends_with("Error")) && word.len() > 9;
        let hex = word.len() >= 8
            && word
                .strip_prefix("0x")
                .or(word.strip_prefix("0X"))
                .is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        constant || errno || class || hex
    })
}

/// True where a text that has a reply code is a reply of a mail server. `alone`: it is all
/// that there is, so that its words may be any.
pub(super) fn reply_like(text: &str, code: &words::Code, alone: bool) -> bool {
    let rest = text.get(code.end..).unwrap_or_default().trim();
    let lower = rest.to_lowercase();
    let Some(reply) = code.reply else {
        // A status alone is asked for as such, `4.7.29`; else it needs words of mail.
        return rest.trim_matches(|c: char| !c.is_alphanumeric()).is_empty()
            || has_mail_words(text)
            || like_an_error(text);
    };
    // Servers point to pages that say more; other programs write web addresses elsewhere.
    let bare = without_pages(text);
    if is_foreign(if code.start == 0 { &bare } else { text }) {
        return code.status.is_some();
    }
    if code.status.is_some() {
        return true;
    }
    let http = |phrase: &&&str| lower.trim_end_matches(|c: char| !c.is_alphanumeric()) == **phrase;
    if HTTP.iter().any(|phrase| http(&phrase)) && !text.to_lowercase().contains("smtp") {
        return false;
    }
    if code.start == 0 && is_smtp_code(reply) {
        let (all, subjects, troubles) = count(rest);
        // Prose of some length has the words of mail or of trouble, if it is about mail.
        return all == 0 || (alone && all <= 3) || subjects + troubles >= 1 || opens_with_address(rest);
    }
    let (_, subjects, troubles) = count(text);
    let data = text.starts_with(['{', '[', '<']);
    has_mail_words(text) || !data && (is_smtp_code(reply) && subjects >= 1 && troubles >= 1)
}

/// `kim@example.com …`: what many a reply begins with.
fn opens_with_address(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let address = first.trim_matches(|c: char| !c.is_alphanumeric()).split_once('@');
    address.is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
}

/// Without the words that are addresses of web pages.
fn without_pages(text: &str) -> String {
    let is_page = |word: &&str| word.contains("https://") || word.contains("http://");
    text.split(' ').filter(|word| !is_page(word)).collect::<Vec<_>>().join(" ")
}

/// Why nothing was found, in one sentence.
pub(super) fn why_none(bytes: &[u8], lines: &[String]) -> String {
    const WANTED: &str = "Give an error text, a bounce, a transcript or a log.";
    if bytes.trim_ascii().is_empty() {
        return format!("There is nothing in it. {WANTED}");
    }
    if paste::is_binary(bytes) {
        return format!("This is no SMTP error: it is no text, nor a packed file that is known. {WANTED}");
    }
    let whole = lines.iter().take(50).map(String::as_str).collect::<Vec<_>>().join("\n");
    let lower = whole.to_lowercase();
    if lower.contains("http/1.") || lower.contains("http/2") || is_http_status(&lower) {
        return "This is no SMTP error: it is the answer or the log of a web server.".into();
    }
    if is_foreign(&whole) {
        return "This is no SMTP error: these are the words of another kind of program.".into();
    }
    "This is no SMTP error: it has neither a reply code nor words that mail servers and programs use for errors.".into()
}

fn is_http_status(lower: &str) -> bool {
    let first = lower.lines().next().unwrap_or_default().trim();
    first.split_once(' ').is_some_and(|(number, phrase)| {
        number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()) && HTTP.contains(&phrase.trim())
    })
}

/// The sentence for a text that had the words of an error, but of none that is known.
pub(super) const UNKNOWN_WORDS: &str =
    "This is no SMTP error that is known: there is no reply code in it, and no rule fits its words.";

#[cfg(test)]
mod tests {
    use crate::read::reply;

    const NO_ERRORS: &[&str] = &[
        "",
        "   \n\n",
        "hello",
        "250 g flour\n3 eggs\n500 ml milk\nMix all of it and bake at 200 degrees",
        "Shall I compare thee to a summer's day?\nThou art more lovely and more temperate",
        "I would walk 500 miles\nAnd I would walk 500 more",
        "The quick brown fox jumps over the lazy dog",
        "HTTP/1.1 503 Service Unavailable",
        "503 Service Unavailable",
        "404 Not Found",
        "192.0.2.1 - - [10/Oct/2025:13:55:36 +0000] \"GET /index.html HTTP/1.1\" 500 2326",
        "2026/01/05 10:00:00 [error] 12#12: *1 connect() failed (111: Connection refused) while connecting to upstream",
        "Jan  5 10:00:00 h sshd[99]: Failed password for root from 192.0.2.9 port 22 ssh2",
        "Jan  5 10:00:00 h kernel: usb 1-1: device descriptor read/64, error -110",
        "error[E0382]: borrow of moved value: `x`",
        "fn main() {\n    println!(\"hi\");\n}",
        "SQLSTATE[HY000] [2002] Connection refused",
        "Could not connect to Redis at 127.0.0.1:6379: Connection refused",
        "curl: (7) Failed to connect to www.example.com port 443: Connection refused",
        "name,amount\nbob,550\neve,421",
        "550 apples\n551 pears\n552 plums and some more fruit of the garden",
        "{\"name\": \"x\", \"version\": \"5.1.1\"}",
        "bash: foo: command not found",
        "Call me at 555-1234 tomorrow",
        "Total 550.00 EUR",
        "Postfix 3.10.1 was released",
        "Because I could not stop for Death, he kindly stopped for me",
        "She refused the letter, and the messenger was lost beyond the hills",
        "To be, or not to be, that is the question",
        "The connection between the two poems is unknown",
        "Please find attached the invoice for January. Best regards, Bob",
        "Segmentation fault (core dumped)",
        "thread 'main' panicked at src/main.rs:2:5:\nindex out of bounds",
        "fatal: unable to access 'https://example.com/x.git/': Could not resolve host: example.com",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b",
        "Jan  5 10:00:02 h sshd[1]: Connection closed by authenticating user root 192.0.2.9 port 42 [preauth]",
        "fn main() {\n    connect().expect(\"connection refused\");\n}",
        "{\"name\": \"x\", \"errors\": [{\"code\": 550, \"message\": \"y\"}]}",
        "ERROR 2003 (HY000): Can't connect to MySQL server on '127.0.0.1' (111)",
        "ssh: connect to host example.com port 22: Connection refused",
        "This site can't be reached\nwww.example.com refused to connect.\nERR_CONNECTION_REFUSED",
        "Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nKeyError: 'a'",
        "java.lang.NullPointerException\n\tat com.example.Main.main(Main.java:5)",
        "404",
        "200 OK",
        "lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt ut labore",
    ];

    #[test]
    fn what_is_no_error_is_told_from_one() {
        for text in NO_ERRORS {
            let reading = crate::read(text.as_bytes(), &crate::Given::default());
            assert_eq!(reading.events, [], "{text}");
            assert_eq!(reading.kind, crate::InputKind::Unknown, "{text}");
            let [note] = reading.notes.as_slice() else { panic!("{text}: {:?}", reading.notes) };
            assert!(
                note.starts_with("This is no SMTP error") || note.starts_with("There is nothing"),
                "{note}"
            );
        }
    }

    #[test]
    fn a_code_and_an_address_make_a_reply_whatever_follows() {
        for (text, replies) in [
            ("550 kim@example.com is on holiday", 1),
            ("550 <kim@example.com> hums", 1),
            ("550 eggs @ home and a few at the barn", 0),
        ] {
            let (reading, doubted) = reply::read(text.as_bytes());
            assert_eq!(reading.events.len() - doubted.len(), replies, "{text}: {:?}", reading.events);
        }
    }

    #[test]
    fn errors_without_a_code_are_errors() {
        for text in [
            "unable to get local issuer certificate",
            "Connection refused",
            "User unknown",
            "STARTTLS required but not advertised",
            "Mailbox full",
            "certificate has expired",
            "SEC_ERROR_UNKNOWN_ISSUER",
            "0x800CCC0E",
            "getaddrinfo ENOTFOUND smtp.example.com",
            "SMTP connect() failed.",
            "javax.net.ssl.SSLHandshakeException: PKIX path building failed",
            "Relaying denied",
        ] {
            let (reading, doubted) = reply::read(text.as_bytes());
            assert_eq!((reading.events.len(), doubted.len()), (1, 1), "{text}: {:?}", reading.notes);
        }
    }
}
