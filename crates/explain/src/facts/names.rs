//! What is a host's name and what an address, and whose address a text names.

/// Angle brackets of a text that are looked into.
const MOST_BRACKETS: usize = 16;

/// Words behind an address that say that it is the recipient's, in lower case.
const OF_RECIPIENT: [&str; 10] = [
    "recipient",
    "user unknown",
    "unknown user",
    "user not",
    "user doesn",
    "no such user",
    "mailbox",
    "does not exist",
    "unrouteable address",
    "address unknown",
];

/// A name of at least two labels whose last one is of letters.
pub(crate) fn is_host(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    name.len() <= 253
        && name.split('.').all(label)
        && last.len() >= 2
        && (last.bytes().all(|b| b.is_ascii_alphabetic()) || last.starts_with("xn--"))
}

/// The address that a reply names with words which say that it is the recipient's.
pub(crate) fn recipient(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    for lead in ["rcpt to:<", "rcpt to: <", "rcpt to <"] {
        if let Some(at) = lower.find(lead) {
            return address(text.get(at + lead.len() - 1..)?);
        }
    }
    text.match_indices('<').take(MOST_BRACKETS).find_map(|(at, _)| {
        let found = address(text.get(at..)?)?;
        let behind = lower.get(at + found.len() + 2..)?.trim_start_matches([':', '.', ' ', ',', '-']);
        OF_RECIPIENT.iter().any(|words| behind.starts_with(words)).then_some(found)
    })
}

/// The same for the sender; the null sender is an empty one.
pub(crate) fn sender(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    for lead in ["mail from:<", "mail from: <", "mail from <"] {
        if let Some(at) = lower.find(lead) {
            let rest = text.get(at + lead.len() - 1..)?;
            return if rest.starts_with("<>") { Some(String::new()) } else { address(rest) };
        }
    }
    let (before, after) = text.split_once('<')?;
    let found = address(text.get(before.len()..)?)?;
    let tail = after.split_once('>')?.1.to_ascii_lowercase();
    tail.trim_start_matches([':', ' ', '.']).starts_with("sender address").then_some(found)
}

/// The address that a text begins with, in angle brackets.
fn address(text: &str) -> Option<String> {
    let inner = text.strip_prefix('<')?;
    let inner = inner.get(..inner.bytes().take(320).position(|b| b == b'>')?)?;
    is_address(inner).then(|| inner.to_owned())
}

/// Something, one at sign, something without blanks.
fn is_address(text: &str) -> bool {
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && local.len() <= 128
            && domain.len() <= 253
            && !text.contains(char::is_whitespace)
            && domain.chars().all(|c| c.is_alphanumeric() || "-._[]:".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_have_labels_and_a_last_one_of_letters() {
        for host in ["mx.example.com", "MX_1.example.com.", "a.xn--p1ai", "b-example.mail.example"] {
            assert!(is_host(host), "{host}");
        }
        for other in
            ["", "mx", "5.7.1", "192.0.2.1", "a..example", "-a.example", "1.2.3.4a", "a b.example", "x.c"]
        {
            assert!(!is_host(other), "{other}");
        }
    }

    #[test]
    fn addresses_are_taken_where_the_words_say_whose_they_are() {
        for (text, expected) in [
            ("550 <a@example.com>: Recipient address rejected", Some("a@example.com")),
            ("after RCPT TO:<a@example.com>: 550", Some("a@example.com")),
            ("550 <b@example.net> to <a@example.com>... User unknown", Some("a@example.com")),
            ("550 5.1.1 <a@example.com>: unknown user", Some("a@example.com")),
            ("550 <a@example.com> is on a list", None),
            ("mail from <a@example.com> refused", None),
        ] {
            assert_eq!(recipient(text).as_deref(), expected, "{text}");
        }
        assert_eq!(sender("554 <b@example.com>: Sender address rejected").as_deref(), Some("b@example.com"));
        assert_eq!(sender("after MAIL FROM:<>: 550").as_deref(), Some(""));
    }

    proptest! {
        #[test]
        fn any_text_is_borne(text in "[<>@a-c.: é-]{0,80}", other in any::<String>()) {
            let _ = (recipient(&text), sender(&text), is_host(&text));
            let _ = (recipient(&other), sender(&other), is_host(&other));
        }
    }
}
