//! What a server offers in its reply to EHLO (RFC 5321 section 4.1.1.1).

use waxseal_model::smtp::{EhloFacts, EhloKeyword, Reply, StarttlsOffer};

/// Reads the reply to EHLO, or to HELO where EHLO was refused (`by_helo`).
///
/// Only a positive reply to EHLO offers extensions. Keywords are folded to upper case;
/// the form `AUTH=LOGIN`, older than RFC 2554, is read as `AUTH LOGIN`.
pub fn ehlo(reply: Reply, by_helo: bool) -> EhloFacts {
    let positive = reply.is_positive();
    let first_word = |line: &String| line.split_whitespace().next().map(str::to_owned);
    let server_name = reply.lines.first().filter(|_| positive).and_then(first_word);
    let keywords = if positive && !by_helo {
        reply.lines.iter().skip(1).filter_map(|line| keyword(line)).collect()
    } else {
        Vec::new()
    };
    EhloFacts { reply, server_name, keywords, by_helo }
}

fn keyword(line: &str) -> Option<EhloKeyword> {
    let mut words = line.split_whitespace();
    let first = words.next()?;
    let (name, joined) = match first.split_once('=') {
        Some((name, value)) if name.eq_ignore_ascii_case("AUTH") => (name, Some(value)),
        _ => (first, None),
    };
    let parameters = joined.filter(|v| !v.is_empty()).into_iter().chain(words).map(str::to_owned).collect();
    Some(EhloKeyword { name: name.to_ascii_uppercase(), parameters })
}

/// Whether STARTTLS is offered (RFC 3207), missing, or overwritten on the way.
///
/// Firewalls that inspect SMTP (Cisco PIX and ASA among them) replace keywords they do
/// not know by as many letters X, the last one often being another letter: `XXXXXXXA`.
pub fn starttls_offer(facts: &EhloFacts) -> StarttlsOffer {
    if facts.by_helo || !facts.reply.is_positive() {
        return StarttlsOffer::EhloRefused;
    }
    if facts.keyword("STARTTLS").is_some() {
        return StarttlsOffer::Advertised;
    }
    let masked = || facts.keywords.iter().filter(|k| is_masked(&k.name));
    // Of several, the one as long as the word STARTTLS is the one that stood there.
    let found = masked().find(|k| k.name.len() == "STARTTLS".len()).or_else(|| masked().next());
    match found {
        Some(keyword) => StarttlsOffer::Mangled { keyword: keyword.name.clone() },
        None => StarttlsOffer::Absent,
    }
}

/// All X, or all X but for the last letter.
fn is_masked(name: &str) -> bool {
    let kept = name.trim_end_matches(|c: char| c.is_ascii_uppercase() && c != 'X');
    name.len() >= 4 && name.len() - kept.len() <= 1 && kept.bytes().all(|b| b == b'X')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(lines: &[&str]) -> EhloFacts {
        let lines = lines.iter().map(|l| (*l).to_owned()).collect();
        ehlo(Reply { code: 250, enhanced: None, lines }, false)
    }

    #[test]
    fn keywords_are_folded_and_parameters_kept() {
        let facts = facts(&["mx.example.com greets you", "StartTLS", "size 1000", "AUTH=LOGIN PLAIN", ""]);
        assert_eq!(facts.server_name.as_deref(), Some("mx.example.com"));
        assert_eq!(starttls_offer(&facts), StarttlsOffer::Advertised);
        assert_eq!(facts.keyword("SIZE"), Some(&["1000".to_owned()][..]));
        assert_eq!(facts.keyword("AUTH"), Some(&["LOGIN".to_owned(), "PLAIN".to_owned()][..]));
        assert_eq!(facts.keywords.len(), 3, "an empty line is no keyword");
    }

    #[test]
    fn overwritten_keywords_are_recognised() {
        for (line, mangled) in [
            ("XXXXXXXA", true),
            ("XXXXXXXX", true),
            ("xxxxxxxx", true),
            ("XXXB", true),
            ("XXX", false),
            ("XCLIENT", false),
            ("XXXXAAAA", false),
            ("X-EXPS", false),
            ("XFORWARD", false),
        ] {
            let offer = starttls_offer(&facts(&["mx.example.com", "SIZE", line]));
            assert_eq!(matches!(offer, StarttlsOffer::Mangled { .. }), mangled, "{line}: {offer:?}");
        }
        let offer = starttls_offer(&facts(&["mx", "XXXA", "XXXXXXXB"]));
        assert_eq!(offer, StarttlsOffer::Mangled { keyword: "XXXXXXXB".into() });
    }

    #[test]
    fn starttls_as_the_server_name_is_no_offer() {
        assert_eq!(starttls_offer(&facts(&["STARTTLS"])), StarttlsOffer::Absent);
    }

    #[test]
    fn helo_and_refusals_offer_nothing() {
        let reply = Reply { code: 250, enhanced: None, lines: vec!["mx".into(), "STARTTLS".into()] };
        let by_helo = ehlo(reply.clone(), true);
        assert!(by_helo.keywords.is_empty());
        assert_eq!(starttls_offer(&by_helo), StarttlsOffer::EhloRefused);
        let refused = ehlo(Reply { code: 502, ..reply }, false);
        assert_eq!(starttls_offer(&refused), StarttlsOffer::EhloRefused);
        assert_eq!(refused.server_name, None);
    }
}
