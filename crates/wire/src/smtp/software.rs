//! Which mail server it is, by what it says of itself.

use waxseal_model::Mta;

/// A mail server and the words that gave it away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// Which.
    pub mta: Mta,
    /// The word or phrase by which it was recognised, as a person would quote it.
    pub by: &'static str,
}

impl std::fmt::Display for Recognised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (it says \"{}\")", self.mta, self.by)
    }
}

/// How a phrase has to stand in a line.
enum Place {
    /// As words of their own, after the server's name: a host may be called `postfix`.
    AfterName,
    /// As words of their own, anywhere.
    Anywhere,
    /// As the first word: an EHLO keyword.
    Keyword,
}

/// Phrases of default greetings, EHLO and HELP replies; no administrator writes them by
/// chance. Sources: smtpd_banner in Postfix, smtp_banner in Exim, SmtpGreetingMessage in
/// Sendmail, smtp_session.c in OpenSMTPD, Set-ReceiveConnector in Exchange, the default
/// greeting of Stalwart, and connection.js in Haraka.
const PHRASES: [(Mta, Place, &str); 12] = [
    (Mta::OpenSmtpd, Place::AfterName, "OpenSMTPD"),
    (Mta::Postfix, Place::AfterName, "Postfix"),
    (Mta::Postfix, Place::Anywhere, "https://www.postfix.org/smtpd.8.html"),
    (Mta::Exim, Place::AfterName, "Exim"),
    (Mta::Sendmail, Place::AfterName, "Sendmail"),
    (Mta::Exchange, Place::Anywhere, "Microsoft ESMTP MAIL Service"),
    (Mta::Exchange, Place::Keyword, "X-EXPS"),
    (Mta::Exchange, Place::Keyword, "X-ANONYMOUSTLS"),
    (Mta::Stalwart, Place::Anywhere, "Stalwart ESMTP"),
    (Mta::Stalwart, Place::Anywhere, "Stalwart SMTP"),
    (Mta::Haraka, Place::AfterName, "Haraka"),
    (Mta::Haraka, Place::Anywhere, "Haraka is at your service"),
];

/// The mail server that the lines of its replies name (greeting, EHLO, HELP; the text
/// without codes), and by which words. None where they name none, or two different ones.
pub fn recognise<S: AsRef<str>>(lines: &[S]) -> Option<Recognised> {
    let mut found: Option<Recognised> = None;
    for line in lines {
        let words = words(line.as_ref());
        for (mta, place, phrase) in &PHRASES {
            if !stands_in(&words, place, phrase) {
                continue;
            }
            match &found {
                Some(earlier) if earlier.mta != *mta => return None,
                Some(_) => {}
                None => found = Some(Recognised { mta: *mta, by: phrase }),
            }
        }
    }
    found
}

/// The mail server that the lines of its replies name; see [`recognise`].
pub fn software<S: AsRef<str>>(lines: &[S]) -> Option<Mta> {
    recognise(lines).map(|r| r.mta)
}

/// Words in lower case, without brackets and the marks that end a clause; `Haraka/3.0`
/// is the word `haraka`.
fn words(line: &str) -> Vec<String> {
    let trimmed =
        |w: &str| w.trim_matches(['(', ')', '[', ']', ',', ';', '.', '!', '<', '>']).to_ascii_lowercase();
    let without_version = |w: String| match w.split_once('/') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => name.to_owned(),
        _ => w,
    };
    line.split_whitespace().take(64).map(trimmed).map(without_version).collect()
}

fn stands_in(words: &[String], place: &Place, phrase: &str) -> bool {
    let wanted: Vec<String> = phrase.split(' ').map(str::to_ascii_lowercase).collect();
    let hay = match place {
        Place::AfterName => words.get(1..).unwrap_or_default(),
        Place::Anywhere => words,
        Place::Keyword => words.get(..1).unwrap_or_default(),
    };
    hay.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_greetings_are_recognised() {
        for (line, mta) in [
            ("mx.example.com ESMTP Postfix", Mta::Postfix),
            ("mx.example.com ESMTP Postfix (Debian/GNU)", Mta::Postfix),
            ("mx.example.com ESMTP Exim 4.96 Sun, 22 Nov 2026 03:00:00 +0000", Mta::Exim),
            ("mx.example.com ESMTP Sendmail 8.17.1/8.17.1; Sun, 22 Nov 2026 03:00:00 GMT", Mta::Sendmail),
            ("mx.example.com ESMTP OpenSMTPD", Mta::OpenSmtpd),
            ("mx.example.com Microsoft ESMTP MAIL Service ready at Sun, 22 Nov 2026", Mta::Exchange),
            ("mx.example.com Stalwart ESMTP at your service", Mta::Stalwart),
            ("mx.example.com ESMTP Haraka/3.0.3 ready", Mta::Haraka),
            ("mx.example.com ESMTP Haraka/3", Mta::Haraka),
            ("mx.example.com Hello there, Haraka is at your service.", Mta::Haraka),
            ("2.0.0 This is sendmail version 8.17.1", Mta::Sendmail),
            ("X-ANONYMOUSTLS", Mta::Exchange),
        ] {
            assert_eq!(software(&[line]), Some(mta), "{line}");
        }
        assert_eq!(
            recognise(&["mx ESMTP Postfix"]).map(|r| r.to_string()),
            Some("Postfix (it says \"Postfix\")".into())
        );
    }

    #[test]
    fn nothing_is_guessed() {
        for line in [
            "",
            "mx.example.com ESMTP ready",
            "postfix ESMTP",
            "postfix.example.com ESMTP",
            "mx.example.com ESMTP NotPostfix",
            "mx.google.com ESMTP abc - gsmtp",
            "mx.example.com ESMTP see https://postfix.example.com/",
        ] {
            assert_eq!(software(&[line]), None, "{line}");
        }
        assert_eq!(software(&["a ESMTP Postfix", "b ESMTP Exim"]), None, "contradiction");
        assert_eq!(software::<&str>(&[]), None);
    }
}
