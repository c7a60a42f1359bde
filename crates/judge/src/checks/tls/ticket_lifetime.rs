//! Check [`tls.ticket_lifetime`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// Session tickets may be used for very long.
    ///
    /// # Effect
    /// As long as a ticket lives, the server keeps the key that opens it. Who obtains that key
    /// opens recorded sessions of TLS 1.2 that used tickets.
    /// # Method
    /// The lifetime in the server's ticket; 0 leaves it to the client.
    /// # Fix
    /// A day or less: shorten the lifetime of tickets, and change their keys as often.
    /// # Sources
    /// RFC 8446 section 4.6.1 (at most seven days); RFC 5077 section 5.6; RFC 9325 section 3.4.
    "tls.ticket_lifetime", Audit, judge
}

const DAY: u32 = 86_400;
/// The longest that TLS 1.3 allows.
const LONGEST: u32 = 7 * DAY;

fn judge(case: &Case) -> Outcome {
    let Some(Some(tickets)) = known_if_applicable(&case.audit()?.tickets)? else { return CLEAR };
    let is_tls13 = tickets.version >= TlsVersion::Tls13;
    let (severity, why) = match tickets.lifetime {
        ..=DAY => return CLEAR,
        over if over > LONGEST && is_tls13 => {
            (Severity::Low, "RFC 8446 allows seven days at most, so clients may refuse it.")
        }
        over if over > LONGEST || !is_tls13 => (
            Severity::Low,
            "Until then the server keeps the key that opens recorded sessions: forward secrecy begins only after.",
        ),
        _ => (
            Severity::Info,
            "A fresh key exchange protects resumed sessions of TLS 1.3; a day or less is the custom all the same.",
        ),
    };
    let title = format!("Session tickets of {} live for {}", case.host(), duration(tickets.lifetime));
    case.finding(&CHECK, severity, title)
        .detail(format!("A ticket of {} may be used that long. {why}", tickets.version.label()))
        .fix("tickets")
        .found()
}

/// `36 hours`, `30 days`.
fn duration(seconds: u32) -> String {
    if seconds < 3 * DAY { format!("{} hours", seconds / 3600) } else { text::days(i64::from(seconds / DAY)) }
}

#[cfg(test)]
fn lifetime(e: &mut waxseal_model::Evidence, version: TlsVersion, lifetime: u32) {
    let tickets = waxseal_model::audit::Tickets { version, count: 1, lifetime };
    sample::audit(e).tickets = Observed::seen(Some(tickets));
}

fixtures! {
    clear: |e| lifetime(e, TlsVersion::Tls12, 0),
    found: |e| lifetime(e, TlsVersion::Tls13, 30 * DAY),
    undetermined: |e| sample::audit(e).tickets = sample::failed(),
}

#[cfg(test)]
mod tests {
    use waxseal_model::Evidence;

    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn a_day_is_fine_and_beyond_it_the_version_counts() {
        let severity = |change: fn(&mut Evidence)| findings(CHECK.id, change).first().map(|f| f.severity);
        assert_eq!(severity(|e| lifetime(e, TlsVersion::Tls13, DAY)), None);
        assert_eq!(severity(|e| lifetime(e, TlsVersion::Tls13, LONGEST)), Some(Severity::Info));
        assert_eq!(severity(|e| lifetime(e, TlsVersion::Tls13, LONGEST + 1)), Some(Severity::Low));
        assert_eq!(severity(|e| lifetime(e, TlsVersion::Tls12, DAY + 1)), Some(Severity::Low));
        assert_eq!(duration(36 * 3600), "36 hours");
    }
}
