//! What a host offers in its answer to EHLO, as far as deliveries use it.

use waxseal_model::smtp::EhloFacts;

/// The extensions that deliveries use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    /// STARTTLS (RFC 3207).
    pub(crate) starttls: bool,
    /// PIPELINING (RFC 2920).
    pub(crate) pipelining: bool,
    /// SIZE (RFC 1870): offered, and the most bytes if it says.
    pub(crate) size: Option<Option<u64>>,
    /// 8BITMIME (RFC 6152).
    pub(crate) eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub(crate) smtputf8: bool,
    /// DSN (RFC 3461).
    pub(crate) dsn: bool,
    /// REQUIRETLS (RFC 8689).
    pub(crate) requiretls: bool,
}

impl Offers {
    pub(crate) fn of(ehlo: &EhloFacts) -> Self {
        let has = |name| ehlo.keyword(name).is_some();
        let limit = |parameters: &[String]| parameters.first()?.parse().ok().filter(|limit| *limit > 0);
        Self {
            starttls: has("STARTTLS"),
            pipelining: has("PIPELINING"),
            size: ehlo.keyword("SIZE").map(limit),
            eight_bit: has("8BITMIME"),
            smtputf8: has("SMTPUTF8"),
            dsn: has("DSN"),
            requiretls: has("REQUIRETLS"),
        }
    }
}

#[cfg(test)]
mod tests {
    use waxseal_model::smtp::Reply;
    use waxseal_wire::smtp::ehlo;

    use super::*;

    fn offers(lines: &[&str]) -> Offers {
        let lines = std::iter::once(&"mx.example").chain(lines).map(|line| (*line).to_owned()).collect();
        Offers::of(&ehlo(Reply { code: 250, enhanced: None, lines }, false))
    }

    #[test]
    fn a_limit_of_zero_or_nonsense_is_none() {
        assert_eq!(offers(&[]).size, None);
        for (line, limit) in [
            ("SIZE", None),
            ("SIZE 0", None),
            ("SIZE x", None),
            ("SIZE 99999999999999999999999", None),
            ("size 1000", Some(1000)),
        ] {
            assert_eq!(offers(&[line]).size, Some(limit), "{line}");
        }
    }

    #[test]
    fn keywords_count_in_any_case_and_only_as_keywords() {
        let all = offers(&["Pipelining", "8bitmime", "SMTPUTF8", "DSN", "REQUIRETLS", "STARTTLS"]);
        assert!(all.pipelining && all.eight_bit && all.smtputf8 && all.dsn && all.requiretls && all.starttls);
        assert_eq!(offers(&["AUTH PIPELINING DSN"]), Offers::default());
    }
}
