//! What follows from the counts for other programs: domains to check, and a table for Postfix
//! of domains that may be held to TLS.

use std::fmt::Write;

use waxseal_model::logs::{DomainTraffic, LogSummary};

/// Fewer deliveries than this say too little of a domain.
pub const LEAST_DELIVERIES: u64 = 10;

/// The domains that mail was sent to, one a line, those that got it in clear or not at all
/// first: for `waxseal check -`.
pub fn domains(summary: &LogSummary) -> String {
    let mut domains: Vec<&DomainTraffic> = summary.domains.iter().filter(|d| is_domain(&d.domain)).collect();
    domains.sort_by_key(|d| (std::cmp::Reverse(d.delivered.clear), std::cmp::Reverse(d.deferred + d.failed)));
    domains.iter().fold(String::new(), |mut out, domain| {
        out.push_str(&domain.domain);
        out.push('\n');
        out
    })
}

/// A table for `smtp_tls_policy_maps`: `encrypt` for domains of which all deliveries, at least
/// `least`, were encrypted. Never a domain of which one delivery or attempt went in clear, of
/// which one is not known, or of which the counts are incomplete. Nor one at which a
/// certificate was compared with a name: something demands that already, and an entry would
/// take its place.
pub fn policy_maps(summary: &LogSummary, least: u64) -> String {
    let mut held: Vec<&DomainTraffic> = summary.domains.iter().filter(|d| may_be_held(d, least)).collect();
    held.sort_by(|a, b| a.domain.cmp(&b.domain));
    let (proven, held): (Vec<_>, Vec<_>) = held.into_iter().partition(|d| d.delivered.authenticated > 0);
    let mut out = head(summary, held.len(), least);
    for domain in held {
        let hosts: Vec<&str> = domain.hosts.iter().take(2).map(|h| h.host.as_str()).collect();
        // A comment has a line of its own: Postfix knows no other.
        let (total, by) = (domain.delivered.total(), hosts.join(", "));
        // Writing to a text never fails.
        let _ = writeln!(out, "# {total} of {total} encrypted, by {by}\n{:<30} encrypt", domain.domain);
    }
    if !proven.is_empty() {
        out.push_str(
            "# Left out: something compares certificates with names there already (DANE, MTA-STS or an\n\
             # entry of yours), and an entry here would take its place.\n",
        );
    }
    for domain in proven {
        let traffic = &domain.delivered;
        let _ =
            writeln!(out, "#   {}: {} of {} verified", domain.domain, traffic.authenticated, traffic.total());
    }
    out
}

/// What has to be known before the table is used.
fn head(summary: &LogSummary, held: usize, least: u64) -> String {
    let total = summary.domains.len() as u64 + summary.others.count;
    let days = match (summary.first, summary.last) {
        (Some(first), Some(last)) => last.saturating_sub(first) / 86_400 + 1,
        _ => 0,
    };
    let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
    format!(
        "# Domains that TLS may be demanded of: {held} of {total}, by {} deliveries in {days}.\n\
         # Listed is who got at least {least} messages, all of them encrypted, and was never tried in clear.\n\
         # Whoever stops offering TLS then gets no mail, and you see it in the queue.\n\
         # Postfix looks up the next hop. Where relayhost or transport_maps send mail for a domain to\n\
         # another host, its entry here does nothing: write the next hop as it stands there, such as\n\
         # [mx.example.com]:25.\n\
         # An entry takes the place of DANE, of MTA-STS and of what a later table says of its domain.\n\
         #   postmap /etc/postfix/tls_policy\n\
         #   postconf smtp_tls_policy_maps     (what it names now has to stay, before this table)\n\
         #   postconf -e smtp_tls_policy_maps=hash:/etc/postfix/tls_policy && postfix reload\n",
        summary.delivered.total(),
    )
}

fn may_be_held(domain: &DomainTraffic, least: u64) -> bool {
    let traffic = &domain.delivered;
    domain.complete
        && traffic.total() >= least.max(1)
        && traffic.clear == 0
        && traffic.unknown == 0
        && domain.tried_in_clear == 0
        && is_domain(&domain.domain)
}

/// A name as it may stand in a table or in a list of targets.
fn is_domain(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.contains('.') && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use waxseal_model::logs::{HostTraffic, Traffic};

    use super::*;

    fn domain(name: &str, authenticated: u64, encrypted: u64, clear: u64, unknown: u64) -> DomainTraffic {
        let delivered = Traffic { authenticated, encrypted, clear, unknown };
        let hosts = vec![HostTraffic { host: format!("mx.{name}"), delivered }];
        DomainTraffic { domain: name.into(), delivered, hosts, complete: true, ..DomainTraffic::default() }
    }

    fn summary() -> LogSummary {
        let tried = DomainTraffic { tried_in_clear: 1, ..domain("tried.example", 0, 99, 0, 0) };
        let incomplete = DomainTraffic { complete: false, ..domain("half.example", 0, 99, 0, 0) };
        LogSummary {
            domains: vec![
                domain("enc.example", 0, 23, 0, 0),
                domain("mixed.example", 3, 20, 0, 0),
                domain("ver.example", 12, 0, 0, 0),
                domain("clear.example", 0, 500, 1, 0),
                domain("unknown.example", 0, 500, 0, 1),
                domain("few.example", 0, 9, 0, 0),
                domain("bad name\nevil.example", 0, 99, 0, 0),
                tried,
                incomplete,
            ],
            ..LogSummary::default()
        }
    }

    #[test]
    fn only_domains_without_any_doubt_are_held_to_tls() {
        let table = policy_maps(&summary(), 10);
        let entries: Vec<&str> = table.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(entries.len(), 1, "{table}");
        assert_eq!(entries[0].split_whitespace().collect::<Vec<_>>(), ["enc.example", "encrypt"]);
        assert!(table.contains("# 23 of 23 encrypted, by mx.enc.example"), "{table}");
        assert!(table.contains("of: 1 of 9, by"), "{table}");
        assert!(!table.contains("tried.example") && table.contains("next hop"), "{table}");
    }

    #[test]
    fn domains_that_are_verified_are_named_and_left_alone() {
        let table = policy_maps(&summary(), 10);
        let remarks = "#   mixed.example: 3 of 23 verified\n#   ver.example: 12 of 12 verified\n";
        assert!(table.ends_with(remarks), "{table}");
        assert!(!table.contains("evil"), "{table}");
    }

    #[test]
    fn the_list_of_domains_has_those_in_clear_first_and_names_alone() {
        let list = domains(&summary());
        assert!(list.starts_with("clear.example\n"), "{list}");
        assert_eq!(list.lines().count(), 8);
        assert!(!list.contains("evil"));
    }
}
