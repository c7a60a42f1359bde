//! Commands of a client (RFC 5321 section 4.1.1 and the extensions that a relay gives).

use super::{
    parameters::{self, MailParameters, RcptParameters},
    path::{ForwardPath, Mailbox, PathError, forward_path, reverse_path},
    xclient::{self, XclientAttribute},
};

/// Longest command in bytes, without its CR LF; AUTH may be longer. RFC 5321 section
/// 4.5.3.1.4 asks for 512, and RFC 3461 section 4 and RFC 6531 section 3.3 add to it.
pub const MAX_COMMAND: usize = 4096;
/// Longest name in EHLO, in bytes.
const MAX_HELO: usize = 255;

/// Methods of HTTP (RFC 9110 section 9), none of which is a command of mail.
const HTTP: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// A command, borrowed from its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command<'a> {
    /// EHLO with the client's name, which is printable ASCII without blanks and no more.
    Ehlo(&'a str),
    /// HELO, likewise.
    Helo(&'a str),
    /// STARTTLS (RFC 3207).
    StartTls,
    /// AUTH (RFC 4954 section 4).
    Auth {
        /// The mechanism, as given.
        mechanism: &'a str,
        /// The initial response in base64; `=` is an empty one.
        initial: Option<&'a str>,
    },
    /// MAIL.
    Mail {
        /// The sender; none for the null sender.
        sender: Option<Mailbox<'a>>,
        /// What is said about the message.
        parameters: MailParameters<'a>,
    },
    /// RCPT.
    Rcpt {
        /// The recipient.
        recipient: ForwardPath<'a>,
        /// What is said about notices.
        parameters: RcptParameters<'a>,
    },
    /// DATA.
    Data,
    /// BDAT (RFC 3030 section 2).
    Bdat {
        /// Bytes that follow.
        size: u64,
        /// They are the end of the message.
        last: bool,
    },
    /// RSET.
    Rset,
    /// NOOP.
    Noop,
    /// VRFY.
    Vrfy,
    /// HELP.
    Help,
    /// QUIT.
    Quit,
    /// XCLIENT, as Postfix has it.
    Xclient(Vec<XclientAttribute>),
}

/// Why a line is no command that can be followed. The words are for the client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No such command.
    #[error("unknown command")]
    Unknown,
    /// A command of the standard that is not given.
    #[error("command not implemented")]
    NotImplemented,
    /// The beginning of a request by HTTP. What follows may hold anything that somebody made
    /// a browser or another server send here, commands of mail among it: the connection is
    /// to be closed.
    #[error("this is a mail server, and that was HTTP. Closing the connection")]
    Http,
    /// Longer than [`MAX_COMMAND`].
    #[error("command line too long")]
    TooLong,
    /// Control characters, or bytes that are not UTF-8.
    #[error("a command contains control characters or is not UTF-8")]
    Characters,
    /// What stands behind the verb is wrong; says what is expected.
    #[error("{0}")]
    Syntax(&'static str),
    /// The sender.
    #[error("{0}")]
    Sender(PathError),
    /// The recipient.
    #[error("{0}")]
    Recipient(PathError),
    /// A parameter that is not known.
    #[error("parameter {name} is not known")]
    UnknownParameter {
        /// Its name, neutralised.
        name: String,
    },
    /// A known parameter with a value that it cannot have, or twice.
    #[error("parameter {name}: {problem}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl CommandError {
    /// The reply code (RFC 5321 section 4.2) and the enhanced one (RFC 3463) to say it with.
    pub fn codes(&self) -> (u16, &'static str) {
        match self {
            Self::Unknown | Self::Http => (500, "5.5.1"),
            Self::NotImplemented => (502, "5.5.1"),
            Self::TooLong | Self::Characters => (500, "5.5.2"),
            Self::Syntax(_) | Self::Parameter { .. } => (501, "5.5.4"),
            Self::Sender(_) => (501, "5.1.7"),
            Self::Recipient(_) => (501, "5.1.3"),
            Self::UnknownParameter { .. } => (555, "5.5.4"),
        }
    }
}

/// Reads a command from its line, which comes without CR LF.
///
/// # Errors
/// Says what to answer.
pub fn command(line: &[u8]) -> Result<Command<'_>, CommandError> {
    let text = std::str::from_utf8(line).map_err(|_| CommandError::Characters)?;
    if text.bytes().any(|b| b.is_ascii_control() && b != b'\t') {
        return Err(CommandError::Characters);
    }
    let text = text.trim_end_matches([' ', '\t']);
    let (verb, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    let rest = rest.trim_start_matches([' ', '\t']);
    let is = |word: &str| verb.eq_ignore_ascii_case(word);
    if text.len() > MAX_COMMAND && !is("AUTH") {
        return Err(CommandError::TooLong);
    }
    if is("MAIL") {
        mail(rest)
    } else if is("RCPT") {
        rcpt(rest)
    } else if is("BDAT") {
        bdat(rest)
    } else if is("EHLO") {
        helo(rest).map(Command::Ehlo)
    } else if is("HELO") {
        helo(rest).map(Command::Helo)
    } else if is("AUTH") {
        auth(rest)
    } else if is("XCLIENT") {
        xclient::attributes(rest).map(Command::Xclient)
    } else {
        simple(verb, rest)
    }
}

/// Commands with nothing behind the verb, or nothing that counts.
fn simple<'a>(verb: &str, rest: &str) -> Result<Command<'a>, CommandError> {
    let is = |word: &str| verb.eq_ignore_ascii_case(word);
    let alone = |command| match rest {
        "" => Ok(command),
        _ => Err(CommandError::Syntax("this command takes no parameter")),
    };
    if is("DATA") {
        alone(Command::Data)
    } else if is("RSET") {
        alone(Command::Rset)
    } else if is("QUIT") {
        alone(Command::Quit)
    } else if is("STARTTLS") {
        alone(Command::StartTls)
    } else if is("NOOP") {
        Ok(Command::Noop)
    } else if is("HELP") {
        Ok(Command::Help)
    } else if is("VRFY") {
        match rest {
            "" => Err(CommandError::Syntax("VRFY needs an address")),
            _ => Ok(Command::Vrfy),
        }
    } else if is("EXPN") || is("ETRN") || is("TURN") || is("SEND") || is("SOML") || is("SAML") {
        Err(CommandError::NotImplemented)
    } else if HTTP.iter().any(|word| is(word)) {
        Err(CommandError::Http)
    } else {
        Err(CommandError::Unknown)
    }
}

/// The client's name. It decides nothing, so that little is asked of it: what could break
/// a header line or a log is refused.
fn helo(rest: &str) -> Result<&str, CommandError> {
    let name = rest.split([' ', '\t']).next().unwrap_or_default();
    if name.is_empty() {
        return Err(CommandError::Syntax("say your name: EHLO client.example.com"));
    }
    if name.len() > MAX_HELO || !name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(CommandError::Syntax("this is no name of a host: EHLO client.example.com"));
    }
    Ok(name)
}

fn auth(rest: &str) -> Result<Command<'_>, CommandError> {
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let (Some(mechanism), initial, None) = (words.next(), words.next(), words.next()) else {
        return Err(CommandError::Syntax("AUTH takes a mechanism and at most one response"));
    };
    Ok(Command::Auth { mechanism, initial })
}

fn mail(rest: &str) -> Result<Command<'_>, CommandError> {
    let path = keyword(rest, "FROM:").ok_or(CommandError::Syntax("MAIL FROM:<sender@example.com>"))?;
    let (sender, rest) = reverse_path(path).map_err(CommandError::Sender)?;
    Ok(Command::Mail { sender, parameters: parameters::mail(behind(rest)?)? })
}

fn rcpt(rest: &str) -> Result<Command<'_>, CommandError> {
    let path = keyword(rest, "TO:").ok_or(CommandError::Syntax("RCPT TO:<recipient@example.com>"))?;
    let (recipient, rest) = forward_path(path).map_err(CommandError::Recipient)?;
    Ok(Command::Rcpt { recipient, parameters: parameters::rcpt(behind(rest)?)? })
}

/// What stands behind a path is parameters, with a blank before them.
fn behind(rest: &str) -> Result<&str, CommandError> {
    match rest.chars().next() {
        None | Some(' ' | '\t') => Ok(rest),
        Some(_) => Err(CommandError::Syntax("a blank is needed behind the address")),
    }
}

fn keyword<'a>(text: &'a str, keyword: &str) -> Option<&'a str> {
    let (found, rest) = text.split_at_checked(keyword.len())?;
    found.eq_ignore_ascii_case(keyword).then_some(rest)
}

fn bdat(rest: &str) -> Result<Command<'_>, CommandError> {
    const USAGE: CommandError =
        CommandError::Syntax("BDAT takes the number of bytes, and LAST with the last");
    let mut words = rest.split([' ', '\t']).filter(|word| !word.is_empty());
    let size = words.next().filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
    let size = size.and_then(|digits| digits.parse().ok()).ok_or(USAGE)?;
    let last = match words.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case("LAST") => true,
        Some(_) => return Err(USAGE),
    };
    match words.next() {
        None => Ok(Command::Bdat { size, last }),
        Some(_) => Err(USAGE),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::smtp::parameters::{Body, NotifyWhen, Return};

    fn error(line: &str) -> CommandError {
        command(line.as_bytes()).unwrap_err()
    }

    #[test]
    fn every_command_is_read_in_any_letter_case() {
        for (line, expected) in [
            ("EHLO client.example.com", Command::Ehlo("client.example.com")),
            ("helo client with more", Command::Helo("client")),
            ("EHLO [IPv6:2001:db8::1]", Command::Ehlo("[IPv6:2001:db8::1]")),
            ("StartTLS", Command::StartTls),
            ("AUTH PLAIN", Command::Auth { mechanism: "PLAIN", initial: None }),
            ("AUTH  plain AGE=", Command::Auth { mechanism: "plain", initial: Some("AGE=") }),
            ("data ", Command::Data),
            ("BDAT 10", Command::Bdat { size: 10, last: false }),
            ("bdat 0 last", Command::Bdat { size: 0, last: true }),
            ("RSET", Command::Rset),
            ("NOOP anything at all", Command::Noop),
            ("VRFY bob", Command::Vrfy),
            ("HELP mail", Command::Help),
            ("QUIT\t", Command::Quit),
        ] {
            assert_eq!(command(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn mail_and_rcpt_carry_typed_parameters() {
        let line = b"MAIL FROM:<a@example.com> SIZE=1000 BODY=8bitmime SMTPUTF8 RET=hdrs ENVID=Q+2B1 \
                     AUTH=<> REQUIRETLS";
        let Ok(Command::Mail { sender, parameters }) = command(line) else { panic!() };
        assert_eq!(sender.unwrap().address, "a@example.com");
        assert_eq!(
            parameters,
            MailParameters {
                size: Some(1000),
                body: Some(Body::EightBitMime),
                smtputf8: true,
                ret: Some(Return::Headers),
                envid: Some("Q+2B1"),
                auth: Some("<>"),
                require_tls: true,
            }
        );
        let line = b"rcpt to:<b@example.com> notify=success,DELAY orcpt=rfc822;b+2Bc@example.com";
        let Ok(Command::Rcpt { parameters, .. }) = command(line) else { panic!() };
        assert_eq!(
            parameters,
            RcptParameters {
                notify: Some(NotifyWhen { success: true, failure: false, delay: true }),
                orcpt: Some("rfc822;b+2Bc@example.com"),
            }
        );
        let Ok(Command::Mail { sender: None, .. }) = command(b"MAIL FROM:<>") else { panic!() };
    }

    #[test]
    fn each_mistake_has_its_codes() {
        for (line, codes) in [
            ("", (500, "5.5.1")),
            ("XYZZY", (500, "5.5.1")),
            ("EXPN list", (502, "5.5.1")),
            ("POST / HTTP/1.1", (500, "5.5.1")),
            ("NOOP \u{1}", (500, "5.5.2")),
            ("NOOP \0", (500, "5.5.2")),
            ("MAIL FROM:<a@example.com>\rRCPT", (500, "5.5.2")),
            ("EHLO", (501, "5.5.4")),
            ("EHLO exämple", (501, "5.5.4")),
            ("AUTH", (501, "5.5.4")),
            ("AUTH PLAIN a b", (501, "5.5.4")),
            ("DATA now", (501, "5.5.4")),
            ("STARTTLS now", (501, "5.5.4")),
            ("VRFY", (501, "5.5.4")),
            ("BDAT", (501, "5.5.4")),
            ("BDAT -1", (501, "5.5.4")),
            ("BDAT +1", (501, "5.5.4")),
            ("BDAT 99999999999999999999", (501, "5.5.4")),
            ("BDAT 1 FIRST", (501, "5.5.4")),
            ("BDAT 1 LAST X", (501, "5.5.4")),
            ("MAIL", (501, "5.5.4")),
            ("MAIL TO:<a@example.com>", (501, "5.5.4")),
            ("MAIL FROM:a@example.com", (501, "5.1.7")),
            ("MAIL FROM:<a@example.com>SIZE=1", (501, "5.5.4")),
            ("RCPT TO:<>", (501, "5.1.3")),
            ("RCPT TO:<a@-,->", (501, "5.1.3")),
        ] {
            assert_eq!(error(line).codes(), codes, "{line:?}");
        }
        assert_eq!(command(b"NOOP \xff"), Err(CommandError::Characters));
        let long = format!("NOOP {}", "a".repeat(MAX_COMMAND));
        assert_eq!(error(&long), CommandError::TooLong);
        assert!(command(format!("AUTH PLAIN {}", "A".repeat(8000)).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(
            line in "(MAIL FROM:|RCPT TO:|AUTH |BDAT |EHLO |XCLIENT )?([<>@=;,+ a-zA-Z0-9\\[\\]\"\\\\\u{0}-\u{20}]|\\PC){0,80}",
            more in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            if let Err(error) = command(line.as_bytes()) {
                prop_assert!(!error.to_string().contains(crate::text::is_harmful), "{}", error);
            }
            let _ = command(&more);
        }
    }
}
