//! What to change, by subject and mail server: the texts of `fixes/*.toml`.
//!
//! A subject has an `action` (one line), a `general` text for any server, and either a text
//! for every server that waxseal recognises or for none (where the server's software plays
//! no part). `{host}`, `{domain}` and `{port}` are filled in here, records and policy files
//! by [`crate::publish`].

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use waxseal_model::Mta;

/// One subject.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fix {
    action: String,
    general: String,
    #[serde(default)]
    mta: BTreeMap<Mta, String>,
}

/// What to fill in.
pub(crate) struct Words<'a> {
    pub(crate) host: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) port: u16,
}

const SOURCES: [&str; 6] = [
    include_str!("fixes/dns.toml"),
    include_str!("fixes/policy.toml"),
    include_str!("fixes/smtp.toml"),
    include_str!("fixes/tls.toml"),
    include_str!("fixes/certificate.toml"),
    include_str!("fixes/identity.toml"),
];

static FIXES: LazyLock<BTreeMap<String, Fix>> = LazyLock::new(|| {
    let files = SOURCES.iter().filter_map(|text| toml::from_str::<BTreeMap<String, Fix>>(text).ok());
    files.flatten().collect()
});

/// The fix of a subject: what to do, then the settings of the server's software, or the
/// general advice where the software is not known.
pub(crate) fn text(subject: &str, software: Option<Mta>, words: &Words<'_>) -> String {
    let Some(fix) = FIXES.get(subject) else { return String::new() };
    let own = software.and_then(|mta| fix.mta.get(&mta).map(|text| (mta, text)));
    let text = match own {
        Some((mta, text)) => format!("{}\n{mta}:\n{}", fix.action, indented(text)),
        None if fix.general.is_empty() => fix.action.clone(),
        None => format!("{}\n{}", fix.action, fix.general.trim_end()),
    };
    text.replace("{host}", words.host)
        .replace("{domain}", words.domain)
        .replace("{port}", &words.port.to_string())
}

fn indented(text: &str) -> String {
    let lines: Vec<String> = text.trim_end().lines().map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: Words<'_> = Words { host: "mx1.example.com", domain: "example.com", port: 25 };

    #[test]
    fn every_file_reads_and_no_subject_is_there_twice() {
        let mut subjects = 0;
        for source in SOURCES {
            let read: BTreeMap<String, Fix> = toml::from_str(source).unwrap();
            subjects += read.len();
        }
        assert_eq!(subjects, FIXES.len());
    }

    #[test]
    fn a_subject_speaks_of_every_mail_server_or_of_none() {
        for (subject, fix) in FIXES.iter() {
            assert!(fix.mta.is_empty() || fix.mta.len() == Mta::ALL.len(), "{subject} leaves some out");
            assert!(
                !fix.action.is_empty() && !fix.action.contains('\n'),
                "{subject}: the action is one line"
            );
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for subject in FIXES.keys() {
            for software in Mta::ALL.into_iter().map(Some).chain([None]) {
                let text = text(subject, software, &WORDS);
                for word in ["{host}", "{domain}", "{port}"] {
                    assert!(!text.contains(word), "{subject}: {text}");
                }
            }
        }
    }

    #[test]
    fn known_software_gets_its_own_settings() {
        let postfix = text("starttls", Some(Mta::Postfix), &WORDS);
        assert!(postfix.contains("smtpd_tls_security_level = may"), "{postfix}");
        assert!(!text("starttls", None, &WORDS).contains("Postfix:"));
    }
}
