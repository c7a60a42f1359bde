//! A conversation with a mail server, as programs write it down: swaks, `openssl s_client`,
//! Thunderbird, PHPMailer, smtplib, JavaMail, Nodemailer, MailKit, curl, telnet, Postfix'
//! session transcripts, sendmail -v, Exim -v, waxseal itself.
//!
//! - [`turn`]: whose line it is.
//! - [`session`]: what the lines amount to.

mod session;
mod turn;

use super::{Reading, paste, problem, words};
use session::Session;
pub(super) use turn::without_stamp;
use turn::{Command, Turn};

/// Read this far, in bytes.
const MOST: usize = 4 * 1024 * 1024;

/// Marks that only transcripts have, at the beginning of a line.
const BEGINNINGS: &[&str] = &[
    "=== Trying ",
    "=== Connected to ",
    "CONNECTED(0",
    "DEBUG SMTP:",
    "DEBUG: setDebug",
    "DEBUG: Jakarta Mail",
    "DEBUG: JavaMail",
    "SERVER -> CLIENT:",
    "CLIENT -> SERVER:",
    "send: '",
    "send: b'",
    "reply: '",
    "reply: b'",
    "connect: (",
    "Escape character is",
    "Connected to smtp",
    "depth=0 ",
    "*   Trying ",
    "* Connected to ",
    "verify error:num=",
    "Didn't find STARTTLS in server response",
    "Transcript of session follows",
    "SMTP Send:",
    "SMTP Response:",
    "Connecting to SMTP server",
    "no peer certificate available",
    "- Handshake was",
    "Session aborted, reason:",
    "Certificate chain",
    "SSL handshake has read",
];

/// True for the beginning of such a text: both sides are heard, or one side and the marks of
/// a program that writes transcripts.
pub(super) fn recognise(head: &[u8]) -> bool {
    let lines = paste::lines(head, head.len());
    let (mut server, mut client, mut marked, mut greeted, mut codes) = (0, 0, 0, false, 0);
    for raw in &lines {
        let begins = BEGINNINGS.iter().any(|mark| raw.trim_start().starts_with(mark));
        marked += usize::from(begins || raw.contains("SERVER -> CLIENT") || raw.contains("CLIENT -> SERVER"));
        let line = turn::line(raw);
        match line.turn {
            Turn::Server { code, .. } => {
                greeted |= code == 220 && server == 0;
                server += 1;
                codes += usize::from(line.marked);
            }
            Turn::Client(command) => client += usize::from(command != Command::Dot),
            Turn::Note(_) | Turn::Other => {}
        }
    }
    let trouble = || problem::find(lines.iter().map(String::as_str)).is_some();
    (server >= 1 && client >= 1)
        || (greeted && server >= 3)
        || (marked >= 1 && (server + client >= 1 || trouble()))
        || marked >= 2
        || codes >= 3
}

/// Reads what became of the session: one event for each recipient that was named, or one for
/// the failure that came before.
pub(super) fn read(bytes: &[u8]) -> Reading {
    let lines = paste::lines(bytes, MOST);
    let mut session = Session::default();
    let mut notes: Vec<String> = Vec::new();
    let mut reached = Vec::new();
    let last_dot = lines.iter().rposition(|raw| turn::line(raw).turn == Turn::Client(Command::Dot));
    for (at, raw) in lines.iter().enumerate() {
        let line = turn::line(raw);
        let message = session.in_body() && !line.marked && last_dot.is_some_and(|dot| at < dot);
        match line.turn {
            _ if message => {}
            Turn::Note(note) => {
                reached.push(session.remark(&note));
                notes.push(note);
            }
            turn => session.hear(turn, line.marked),
        }
    }
    let spoke = session.spoke();
    let said = problem::find(notes.iter().map(String::as_str))
        .map(|said| (said.clone(), reached.get(said.line).copied().flatten()));
    let mut reading = Reading { events: session.finish(said), ..Reading::default() };
    let place = place(&notes);
    for event in &mut reading.events {
        event.remote_host.clone_from(&place.host);
        event.remote_address = place.address;
        event.remote_port = place.port;
    }
    if reading.events.is_empty() {
        reading.notes.push(if spoke {
            "Nothing failed in this conversation, and no message was sent in it.".into()
        } else {
            "This looks like a transcript, but neither side says anything in it that could be read.".into()
        });
    }
    reading
}

/// Where the program connected to, by the lines that say so.
fn place(notes: &[String]) -> words::Place {
    const LEADS: [&str; 12] = [
        "Trying ",
        "Connected to ",
        "Connecting to",
        "connect: (",
        "trying to connect to host",
        "connected to host",
        "Connection: opening to",
        "opening connection to",
        "connect to ",
        "Failed to connect",
        "connection to",
        "Error connecting to",
    ];
    let mut place = words::Place::default();
    for note in notes.iter().filter(|note| LEADS.iter().any(|lead| note.contains(lead))) {
        // `connect: ('smtp.example.com', 587)`, `host "smtp.example.com", port 587`, `1.2.3.4:25...`
        let note = note.replace("',", " port").replace("...", " ");
        let found = words::place(&note);
        place.host = place.host.or(found.host);
        place.address = place.address.or(found.address);
        place.port = place.port.or(found.port);
    }
    place
}

#[cfg(test)]
mod tests;
