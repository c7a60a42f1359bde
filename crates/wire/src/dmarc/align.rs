//! Identifier alignment (RFC 9989 section 4.4).

use super::{Discovery, discover};
use crate::query::{Answer, Question, is_at_or_below};

/// How far a comparison came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aligning {
    /// These answers are missing.
    Needs(Vec<Question>),
    /// It could not be found out: why.
    Failed(String),
    /// Whether the domains are aligned.
    Done(bool),
}

/// Whether a domain that was authenticated fits the author's. `organization` is the
/// organizational domain of the author domain.
///
/// Strict: the same name. Relaxed: the same organizational domain, for which nothing is
/// asked where the name lies outside of the author's organization, as it cannot be the
/// same then.
pub fn aligned(
    author: &str,
    organization: &str,
    domain: &str,
    strict: bool,
    answers: &dyn Fn(&Question) -> Option<Answer>,
) -> Aligning {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    if domain.eq_ignore_ascii_case(author.strip_suffix('.').unwrap_or(author)) {
        return Aligning::Done(true);
    }
    if strict || !is_at_or_below(domain, organization) {
        return Aligning::Done(false);
    }
    match discover(domain, answers) {
        Discovery::Done(place) => {
            Aligning::Done(place.organizational_domain.eq_ignore_ascii_case(organization))
        }
        Discovery::Needs(questions) => Aligning::Needs(questions),
        Discovery::Failed(why) => Aligning::Failed(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Data;

    #[test]
    fn domains_are_compared_by_mode_and_organization() {
        let zone = [
            ("_dmarc.example.com", "v=DMARC1; p=reject"),
            ("_dmarc.own.example.com", "v=DMARC1; p=none; psd=n"),
            ("_dmarc.bank.example", "v=DMARC1; p=reject; psd=y"),
        ];
        let answers = |q: &Question| {
            let text = zone.iter().find(|(name, _)| *name == q.name);
            Some(text.map_or(Answer::NoName, |(_, t)| Answer::Records(vec![Data::Txt((*t).to_owned())])))
        };
        for (author, organization, domain, strict, expected) in [
            ("example.com", "example.com", "Example.com.", true, true),
            ("example.com", "example.com", "mail.example.com", true, false),
            ("example.com", "example.com", "mail.example.com", false, true),
            ("mail.example.com", "example.com", "example.com", false, true),
            ("a.example.com", "example.com", "b.example.com", false, true),
            ("example.com", "example.com", "own.example.com", false, false),
            ("example.com", "example.com", "example.net", false, false),
            ("example.com", "example.com", "notexample.com", false, false),
            ("giant.bank.example", "giant.bank.example", "mail.giant.bank.example", false, true),
            ("giant.bank.example", "giant.bank.example", "mega.bank.example", false, false),
            ("giant.bank.example", "giant.bank.example", "bank.example", false, false),
        ] {
            let found = aligned(author, organization, domain, strict, &answers);
            assert_eq!(found, Aligning::Done(expected), "{author} {domain} {strict}");
        }
    }

    #[test]
    fn only_what_could_align_is_asked() {
        let silent = |_: &Question| None;
        assert_eq!(
            aligned("example.com", "example.com", "example.org", false, &silent),
            Aligning::Done(false)
        );
        assert!(matches!(
            aligned("example.com", "example.com", "a.example.com", false, &silent),
            Aligning::Needs(q) if q.len() == 3
        ));
        let failing = |_: &Question| Some(Answer::Failed("SERVFAIL".into()));
        assert_eq!(
            aligned("example.com", "example.com", "a.example.com", false, &failing),
            Aligning::Failed("SERVFAIL".into())
        );
    }
}
