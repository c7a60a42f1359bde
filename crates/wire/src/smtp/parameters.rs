//! Parameters of MAIL and RCPT (RFC 5321 section 4.1.2): size, bodies, notices, TLS.

use super::{command::CommandError, xtext::is_xtext};
use crate::text::{is_harmful, neutralise};

/// Longest ENVID (RFC 3461 section 4.4), in bytes of xtext.
const MAX_ENVID: usize = 100;
/// Longest ORCPT (RFC 3461 section 4.2), in bytes.
const MAX_ORCPT: usize = 500;

/// What MAIL says about a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MailParameters<'a> {
    /// SIZE in bytes (RFC 1870).
    pub size: Option<u64>,
    /// BODY (RFC 6152).
    pub body: Option<Body>,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// RET (RFC 3461 section 4.3).
    pub ret: Option<Return>,
    /// ENVID, in xtext (RFC 3461 section 4.4).
    pub envid: Option<&'a str>,
    /// AUTH, in xtext or `<>` (RFC 4954 section 5).
    pub auth: Option<&'a str>,
    /// REQUIRETLS (RFC 8689).
    pub require_tls: bool,
}

/// What RCPT says about notices.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RcptParameters<'a> {
    /// NOTIFY (RFC 3461 section 4.1).
    pub notify: Option<NotifyWhen>,
    /// ORCPT, as given (RFC 3461 section 4.2, RFC 6533 section 3).
    pub orcpt: Option<&'a str>,
}

/// Values of BODY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// 7BIT.
    SevenBit,
    /// 8BITMIME.
    EightBitMime,
}

/// Values of RET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// FULL: the whole message.
    Full,
    /// HDRS: its header.
    Headers,
}

/// Values of NOTIFY; all false is NEVER.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NotifyWhen {
    /// SUCCESS.
    pub success: bool,
    /// FAILURE.
    pub failure: bool,
    /// DELAY.
    pub delay: bool,
}

/// Reads the parameters of MAIL.
pub(super) fn mail(text: &str) -> Result<MailParameters<'_>, CommandError> {
    let mut found = MailParameters::default();
    for (name, value) in pairs(text) {
        let is = |keyword: &str| name.eq_ignore_ascii_case(keyword);
        if is("SIZE") {
            put("SIZE", &mut found.size, value, size, "a number of bytes is needed")?;
        } else if is("BODY") {
            put("BODY", &mut found.body, value, body, "7BIT or 8BITMIME is needed")?;
        } else if is("SMTPUTF8") {
            flag("SMTPUTF8", &mut found.smtputf8, value)?;
        } else if is("RET") {
            put("RET", &mut found.ret, value, returned, "FULL or HDRS is needed")?;
        } else if is("ENVID") {
            put("ENVID", &mut found.envid, value, envid, "at most 100 characters of xtext are needed")?;
        } else if is("AUTH") {
            put("AUTH", &mut found.auth, value, mailbox, "an address in xtext or <> is needed")?;
        } else if is("REQUIRETLS") {
            flag("REQUIRETLS", &mut found.require_tls, value)?;
        } else {
            return Err(unknown(name));
        }
    }
    Ok(found)
}

/// Reads the parameters of RCPT.
pub(super) fn rcpt(text: &str) -> Result<RcptParameters<'_>, CommandError> {
    const EVENTS: &str = "NEVER is needed, or a list of SUCCESS, FAILURE and DELAY";
    let mut found = RcptParameters::default();
    for (name, value) in pairs(text) {
        if name.eq_ignore_ascii_case("NOTIFY") {
            put("NOTIFY", &mut found.notify, value, notify, EVENTS)?;
        } else if name.eq_ignore_ascii_case("ORCPT") {
            put("ORCPT", &mut found.orcpt, value, orcpt, "rfc822; and an address in xtext is needed")?;
        } else {
            return Err(unknown(name));
        }
    }
    Ok(found)
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    text.split([' ', '\t']).filter(|word| !word.is_empty()).map(|word| match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    })
}

fn unknown(name: &str) -> CommandError {
    CommandError::UnknownParameter { name: neutralise(name.as_bytes(), 40) }
}

fn put<'a, T>(
    name: &'static str,
    place: &mut Option<T>,
    value: Option<&'a str>,
    read: impl FnOnce(&'a str) -> Option<T>,
    problem: &'static str,
) -> Result<(), CommandError> {
    if place.is_some() {
        return Err(CommandError::Parameter { name, problem: "it was given twice" });
    }
    *place = Some(value.and_then(read).ok_or(CommandError::Parameter { name, problem })?);
    Ok(())
}

fn flag(name: &'static str, place: &mut bool, value: Option<&str>) -> Result<(), CommandError> {
    match value {
        Some(_) => Err(CommandError::Parameter { name, problem: "it takes no value" }),
        None if std::mem::replace(place, true) => {
            Err(CommandError::Parameter { name, problem: "it was given twice" })
        }
        None => Ok(()),
    }
}

/// RFC 1870 section 4: up to 20 digits.
fn size(value: &str) -> Option<u64> {
    let digits = (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    // A number that does not fit is larger than any message.
    digits.then(|| value.parse().unwrap_or(u64::MAX))
}

fn body(value: &str) -> Option<Body> {
    if value.eq_ignore_ascii_case("7BIT") {
        Some(Body::SevenBit)
    } else if value.eq_ignore_ascii_case("8BITMIME") {
        Some(Body::EightBitMime)
    } else {
        None
    }
}

fn returned(value: &str) -> Option<Return> {
    if value.eq_ignore_ascii_case("FULL") {
        Some(Return::Full)
    } else if value.eq_ignore_ascii_case("HDRS") {
        Some(Return::Headers)
    } else {
        None
    }
}

fn envid(value: &str) -> Option<&str> {
    ((1..=MAX_ENVID).contains(&value.len()) && is_xtext(value)).then_some(value)
}

fn mailbox(value: &str) -> Option<&str> {
    (value == "<>" || (!value.is_empty() && is_xtext(value))).then_some(value)
}

fn notify(value: &str) -> Option<NotifyWhen> {
    let mut when = NotifyWhen::default();
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(when);
    }
    for word in value.split(',') {
        let place = if word.eq_ignore_ascii_case("SUCCESS") {
            &mut when.success
        } else if word.eq_ignore_ascii_case("FAILURE") {
            &mut when.failure
        } else if word.eq_ignore_ascii_case("DELAY") {
            &mut when.delay
        } else {
            return None;
        };
        *place = true;
    }
    Some(when)
}

/// A type, a semicolon and an address in the type's own form.
fn orcpt(value: &str) -> Option<&str> {
    let (kind, address) = value.split_once(';')?;
    let typed = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let fits = if kind.eq_ignore_ascii_case("utf-8") { is_utf8_address } else { is_xtext };
    (value.len() <= MAX_ORCPT && typed && !address.is_empty() && fits(address)).then_some(value)
}

/// RFC 6533 section 3: printable characters, some of them as `\x{…}`.
fn is_utf8_address(text: &str) -> bool {
    text.chars().all(|c| if c.is_ascii() { c.is_ascii_graphic() && c != '=' } else { !is_harmful(c) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        for (text, name) in [
            ("SIZE", "SIZE"),
            ("SIZE=", "SIZE"),
            ("SIZE=-1", "SIZE"),
            ("SIZE=1 size=2", "SIZE"),
            ("BODY=BINARYMIME", "BODY"),
            ("SMTPUTF8=yes", "SMTPUTF8"),
            ("SMTPUTF8 SMTPUTF8", "SMTPUTF8"),
            ("RET=ALL", "RET"),
            ("ENVID=a b", "FROM"),
            ("ENVID=a+zz", "ENVID"),
            ("AUTH=", "AUTH"),
            ("REQUIRETLS=1", "REQUIRETLS"),
        ] {
            match mail(text) {
                Err(CommandError::Parameter { name: found, .. }) => assert_eq!(found, name, "{text}"),
                Err(CommandError::UnknownParameter { name: found }) => assert_eq!(found, "b", "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in
            ["NOTIFY=", "NOTIFY=NEVER,DELAY", "NOTIFY=SUCCESS,,DELAY", "ORCPT=bob", "ORCPT=rfc822;a=b"]
        {
            assert!(matches!(rcpt(text), Err(CommandError::Parameter { .. })), "{text}");
        }
        let long = format!("ENVID={}", "a".repeat(MAX_ENVID + 1));
        assert!(mail(&long).is_err());
        let long = format!("ORCPT=rfc822;{}", "a".repeat(MAX_ORCPT));
        assert!(rcpt(&long).is_err());
    }

    #[test]
    fn unknown_parameters_are_named_and_made_harmless() {
        let error = mail("\u{202e}EVIL=1").unwrap_err();
        assert_eq!(error.codes(), (555, "5.5.4"));
        assert_eq!(error.to_string(), r"parameter \u{202e}EVIL is not known");
        assert!(matches!(rcpt("SIZE=1"), Err(CommandError::UnknownParameter { .. })));
    }

    #[test]
    fn sizes_and_notices_have_their_limits() {
        assert_eq!(mail("SIZE=99999999999999999999").unwrap().size, Some(u64::MAX));
        assert!(mail("SIZE=999999999999999999999").is_err());
        assert_eq!(rcpt("NOTIFY=NEVER").unwrap().notify, Some(NotifyWhen::default()));
        assert_eq!(rcpt("ORCPT=utf-8;пример@example.com").unwrap().orcpt, Some("utf-8;пример@example.com"));
        assert!(rcpt("ORCPT=utf-8;a\u{202e}").is_err());
    }
}
