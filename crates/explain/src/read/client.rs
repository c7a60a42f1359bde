//! The error texts of programs and libraries that send mail, and of TLS libraries: stack
//! traces, chains of exceptions, dialogs, numbers.

use waxseal_model::MailEvent;

use super::{Reading, doubt, paste, problem, reply, transcript, words};

/// Read this far, in bytes.
const MOST: usize = 256 * 1024;

/// Marks of programs whose errors are about mail, whatever they say. In lower case.
const MAIL_PROGRAMS: &[&str] = &[
    "javax.mail.",
    "jakarta.mail.",
    "com.sun.mail.",
    "org.eclipse.angus.mail",
    "org.springframework.mail",
    "smtplib.",
    "aiosmtplib",
    "system.net.mail",
    "mailkit.",
    "nodemailer",
    "smtpconnection",
    "swift_transport",
    "symfony\\component\\mailer",
    "phpmailer",
    "wp_mail",
    "wp mail smtp",
    "smtp error:",
    "smtp connect()",
    "net::smtp",
    "actionmailer",
    "lettre::",
    "net/smtp",
    "gomail",
    "send-email",
    "msmtp:",
    "sendmail:",
    "ssmtp:",
    "nullmailer",
    "swaks",
    "mutt:",
    "thunderbird",
    "microsoft outlook",
    "0x800ccc",
    "0x80040",
    "smtp server",
    "mail server",
    "outgoing server",
    "outgoing mail",
    "'eauth'",
    "(eauth)",
    "django.core.mail",
    "flask_mail",
    "laminas\\mail",
    "zend_mail",
    "cl_smtp",
    "utl_smtp",
    "ora-29279",
    "sp_send_dbmail",
    "send-mailmessage",
    "mailsend",
];

/// Marks of programs and libraries whose errors may be about mail.
const PROGRAMS: &[&str] = &[
    "traceback (most recent call last)",
    "caused by:",
    "exception in thread",
    "nested exception is",
    "curl: (",
    "system.security.authentication",
    "javax.net.ssl",
    "java.net.",
    "sun.security.",
    "openssl::ssl",
    "ssl.ssl",
    "dial tcp",
    "x509:",
    "tls: ",
    "ssl routines",
    "error:0",
    "error:1",
    "sec_error_",
    "ssl_error_",
    "mozilla_pkix",
    "gnutls",
    "schannel",
    "0x8009",
    "0x800b",
    "errno",
    "econn",
    "esocket",
    "etimedout",
    "enotfound",
    "eai_again",
    "node:internal",
    "stream_socket",
    "invalidcertificate",
    "unable_to_verify",
    "depth_zero",
    "self_signed_cert_in_chain",
    "err_tls_",
    "err_ssl_",
    "cert_has_expired",
    "unknownissuer",
    "verify error:num",
    "rustls",
    "mbedtls",
    "boringssl",
    "libressl",
    "ca certificate(s)",
    "tls packet",
    "bio routines",
    "wolfssl",
    "errsslhandshake",
    "socket error",
    "winsock",
];

/// True for the beginning of such a text.
pub(super) fn recognise(head: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(head).to_lowercase();
    let first = lower.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    // What begins with a code is a server's.
    let coded = words::codes(reply::unquoted(first)).first().is_some_and(|code| code.start == 0);
    !coded && (is_of_mail(&lower) || PROGRAMS.iter().any(|mark| lower.contains(mark)))
}

fn is_of_mail(lower: &str) -> bool {
    MAIL_PROGRAMS.iter().any(|mark| lower.contains(mark))
}

/// Reads the one error that such a text tells of. The second value lists it where its words
/// alone do not make it one of mail.
pub(super) fn read(bytes: &[u8]) -> (Reading, Vec<(usize, reply::Doubt)>) {
    let lines = paste::lines(bytes, MOST);
    let said = lines.iter().map(|line| transcript::without_stamp(problem::without_meter(line)));
    let filled: Vec<&str> = said.filter(|line| !line.trim().is_empty()).collect();
    let whole = words::join(&filled.join("\n"));
    let mut reading = Reading::default();
    let event = match filled.as_slice() {
        [line] => of_line(reply::unquoted(line)),
        lines if lines.len() <= 3 && !has_marks(lines) => of_line(&whole),
        lines => of_lines(lines, &whole),
    };
    let Some(mut event) = event else {
        // Several errors, one on each line, or none at all.
        return reply::read(bytes);
    };
    event.source.format = "client".into();
    let lower = whole.to_lowercase();
    let doubted = event.reply.is_none() && event.status.is_none() && !is_of_mail(&lower);
    if doubted && !doubt::like_an_error(&event.text) && !doubt::may_be_an_error(&event.text) {
        reading.notes.push(doubt::why_none(bytes, &lines));
        return (reading, Vec::new());
    }
    reading.events.push(event);
    (reading, if doubted { vec![(0, reply::Doubt::Words)] } else { Vec::new() })
}

/// True where lines are a program's output, each by itself: where it happened, what it was
/// doing. Others are one text that was wrapped.
fn has_marks(lines: &[&str]) -> bool {
    const MARKS: [&str; 12] = [
        "at ",
        "File \"",
        "Traceback",
        "Caused by",
        "* ",
        "*** ",
        "- ",
        "|<",
        "curl: (",
        "> ",
        "Connecting to",
        "Processed",
    ];
    lines.iter().any(|line| MARKS.iter().any(|mark| line.trim_start().starts_with(mark)))
}

/// The event of an error of one line.
fn of_line(line: &str) -> Option<MailEvent> {
    if let Some(event) = reply::coded(line, true) {
        return Some(with_stage(event, line));
    }
    let text = words::join(line);
    Some(reply::event(&text, None))
}

/// The event of an error of many lines: the reply that it quotes, or its telling line.
fn of_lines(lines: &[&str], whole: &str) -> Option<MailEvent> {
    let found = problem::find(lines.iter().copied());
    let quoted = quoted_reply(lines);
    let (text, context) = match (quoted, found) {
        (Some(reply), found) => {
            let context = found.map(|found| others(found, &reply)).unwrap_or_default();
            (reply, context)
        }
        (None, Some(found)) => (found.text, found.context),
        (None, None) => return None,
    };
    let mut event = reply::coded(&text, true).unwrap_or_else(|| reply::event(&words::join(&text), None));
    let place = words::place(whole.get(..floor(whole, 4000)).unwrap_or(whole));
    if event.remote_host.is_none() && event.remote_address.is_none() && event.reply.is_none() {
        (event.remote_host, event.remote_address) = (place.host, place.address);
        event.remote_port = event.remote_port.or(place.port);
    }
    event.context =
        context.iter().map(|line| waxseal_wire::text::neutralise(line.as_bytes(), 1000)).collect();
    Some(with_stage(event, whole))
}

fn floor(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

/// What a problem says beside a reply, without what only repeats it.
fn others(found: problem::Problem, reply: &str) -> Vec<String> {
    let all = std::iter::once(found.text).chain(found.context);
    all.filter(|text| !reply.contains(text.as_str()) && !text.contains(reply)).collect()
}

/// The stage that the whole text tells, where the event's own words do not: `command: 'AUTH
/// PLAIN'` stands on a line of its own.
fn with_stage(mut event: MailEvent, whole: &str) -> MailEvent {
    if event.stage.is_none() {
        let answered = event.reply.is_some() || event.status.is_some();
        event.stage = words::stage(whole.get(..floor(whole, 8000)).unwrap_or(whole), answered);
    }
    event
}

/// The first reply of a server that the lines quote, all its lines together.
fn quoted_reply(lines: &[&str]) -> Option<String> {
    let coded = |line: &str| {
        let codes = words::codes(line);
        codes
            .into_iter()
            .find(|code| code.reply.is_some_and(|reply| reply >= 400) && is_reply_in_error(line, code))
    };
    let (first, code) = lines.iter().enumerate().find_map(|(i, line)| Some((i, coded(line)?)))?;
    let mut reply = lines.get(first)?.trim().to_owned();
    let number = code.reply.map(|reply| reply.to_string()).unwrap_or_default();
    for line in lines.iter().skip(first + 1).take(20) {
        let line = line.trim().trim_start_matches(['\'', '"', '+', ' ']);
        let more = line.strip_prefix(&number).is_some_and(|rest| rest.starts_with(['-', ' ']));
        if !more {
            break;
        }
        reply.push('\n');
        reply.push_str(line);
    }
    Some(reply)
}

/// `responseCode: 535` and `line 341` are numbers of other things; a reply has words.
fn is_reply_in_error(line: &str, code: &words::Code) -> bool {
    let rest = line.get(code.end..).unwrap_or_default().trim_matches(|c: char| !c.is_alphanumeric());
    (code.status.is_some() || rest.contains(' ')) && doubt::reply_like(line, code, true)
}
