//! Numbers and shares in words.

use waxseal_model::logs::Traffic;

/// `10,702`
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 message`, `10,702 messages`.
pub(super) fn plural(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// `4 %`. What is there is never nothing, and what is not all never everything.
pub(super) fn share(part: u64, all: u64) -> String {
    match (part, all) {
        (_, 0) => "-".into(),
        (0, _) => "0 %".into(),
        (part, all) if part == all => "100 %".into(),
        (part, all) => match part as f64 * 100.0 / all as f64 {
            p if p < 1.0 => "< 1 %".into(),
            p if p > 99.0 => "> 99 %".into(),
            p => format!("{p:.0} %"),
        },
    }
}

/// `authenticated 61 %, encrypted 35 %, in clear 4 %`: of what is there.
pub(super) fn shares(traffic: &Traffic) -> String {
    let all = traffic.total();
    let parts = [
        ("authenticated", traffic.authenticated),
        ("encrypted", traffic.encrypted),
        ("in clear", traffic.clear),
        ("not known", traffic.unknown),
    ];
    let parts = parts.iter().filter(|(_, n)| *n > 0);
    parts.map(|(word, n)| format!("{word} {}", share(*n, all))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_shares_are_honest() {
        assert_eq!(
            (count(0), count(999), count(1_000), count(10_702)),
            ("0".into(), "999".into(), "1,000".into(), "10,702".into())
        );
        assert_eq!((share(0, 0), share(0, 9), share(9, 9)), ("-".into(), "0 %".into(), "100 %".into()));
        assert_eq!(
            (share(1, 1000), share(999, 1000), share(1, 25)),
            ("< 1 %".into(), "> 99 %".into(), "4 %".into())
        );
        let traffic = Traffic { encrypted: 3, clear: 1, ..Traffic::default() };
        assert_eq!(shares(&traffic), "encrypted 75 %, in clear 25 %");
    }
}
