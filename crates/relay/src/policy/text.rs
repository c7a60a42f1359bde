//! An explanation as text for a terminal.

use std::fmt::Write;

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::explain::{Explanation, HostExplained, StsExplained};

/// Lines, each with its end. All that comes from names was neutralised where it came in.
pub fn render(explanation: &Explanation) -> String {
    let mut text = String::new();
    let mut line = |label: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{label:<13}{value}");
    };
    line("domain", &explanation.domain);
    if let Some(sender) = &explanation.sender {
        line("sender", sender);
    }
    if let Some(hop) = &explanation.next_hop {
        line("next hop", &format!("{hop} (your route)"));
    }
    line("MX records", explanation.mx);
    if let Some(trouble) = &explanation.trouble {
        line("trouble", trouble);
    }
    line("DNSSEC", &explanation.dnssec);
    line("MTA-STS", &sts(&explanation.sts));
    line("rule", &explanation.rule);
    line("looked up", &format!("counts for {} seconds more", explanation.valid_for));
    if let Some(nowhere) = &explanation.nowhere {
        line("mail", nowhere);
    }
    for host in &explanation.hosts {
        self::host(&mut text, host);
    }
    text
}

fn host(text: &mut String, host: &HostExplained) {
    let _ = writeln!(text, "\n{} (preference {}, port {})", host.name, host.preference, host.port);
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<11}{value}");
    };
    let addresses: Vec<String> = host.addresses.iter().map(ToString::to_string).collect();
    match addresses.is_empty() {
        true => line("addresses", &format!("none ({})", host.address)),
        false => line("addresses", &format!("{} ({})", addresses.join(", "), host.address)),
    }
    line("DANE", host.dane);
    host.tlsa.iter().for_each(|record| line("", record));
    line("MTA-STS", host.sts);
    line("rule", &format!("{}: {}", host.rule, host.rule_level));
    if let Some(trouble) = &host.trouble {
        line("trouble", trouble);
    }
    line("demanded", &host.policy);
    let width = host.cases.iter().map(|case| case.when.len()).max().unwrap_or(0);
    for case in &host.cases {
        let _ = writeln!(text, "    {:<width$}  {}", case.when, case.then);
    }
}

fn sts(sts: &StsExplained) -> String {
    let Some(domain) = &sts.domain else { return "none: mail goes to an address".to_owned() };
    let mut text = match &sts.policy {
        Some(policy) => format!(
            "{} for {domain}, id {}, hosts {}, fetched {}, counts until {}",
            policy.mode,
            policy.id,
            if policy.mx.is_empty() { "none".to_owned() } else { policy.mx.join(", ") },
            time_text(policy.fetched_at),
            time_text(policy.expires_at)
        ),
        None => format!("no policy of {domain}"),
    };
    match (&sts.record_id, &sts.policy) {
        (Some(id), Some(policy)) if *id != policy.id => {
            let _ = write!(text, "; its record announces id {id}");
        }
        (None, Some(_)) if sts.doubt.is_none() => {
            text.push_str("; its record is gone, which does not end the policy");
        }
        _ => {}
    }
    if let Some(doubt) = &sts.doubt {
        let _ = write!(text, "; its record could not be looked up: {doubt}");
    }
    if let Some(failure) = &sts.failure {
        let _ = write!(text, "; fetching it failed: {failure}");
    }
    text
}

fn time_text(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}
