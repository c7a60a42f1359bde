//! Tallies of a day, made into one report a domain.

use waxseal_model::tls_report::{TlsReport, TlsReportFailure, TlsReportPolicy};
use waxseal_store::ledger::Tally;

use super::{
    DAY, ReportSettings,
    count::{Failure, Policy},
};

/// The reports of a day, by domain, from tallies in the order of domain and policy.
pub(super) fn reports(settings: &ReportSettings, day: i64, tallies: &[Tally]) -> Vec<(String, TlsReport)> {
    let of_domain = tallies.chunk_by(|a, b| a.domain == b.domain);
    of_domain
        .filter_map(|tallies| Some((tallies.first()?.domain.clone(), report(settings, day, tallies))))
        .collect()
}

fn report(settings: &ReportSettings, day: i64, tallies: &[Tally]) -> TlsReport {
    let domain = tallies.first().map(|tally| tally.domain.as_str()).unwrap_or_default();
    let start = day.saturating_mul(DAY);
    TlsReport {
        organization: Some(settings.organisation.clone()),
        contact: Some(settings.contact.clone()),
        report_id: Some(report_id(settings, day, domain)),
        start: Some(start),
        end: Some(start + DAY - 1),
        policies: tallies
            .chunk_by(|a, b| a.policy == b.policy)
            .filter_map(|tallies| policy(domain, tallies))
            .collect(),
    }
}

/// The same for the same day, domain and server, so that a report that came twice all the
/// same is seen to be one.
fn report_id(settings: &ReportSettings, day: i64, domain: &str) -> String {
    let moment = time::OffsetDateTime::from_unix_timestamp(day.saturating_mul(DAY)).ok();
    let date = moment.map(|moment| moment.date().to_string()).unwrap_or_default();
    format!("{date}.{domain}@{}", settings.hostname)
}

fn policy(domain: &str, tallies: &[Tally]) -> Option<TlsReportPolicy> {
    let policy: Policy = serde_json::from_str(&tallies.first()?.policy).ok()?;
    let sum = |failed: bool| {
        let counts =
            tallies.iter().filter(|tally| tally.failure.is_some() == failed).map(|tally| tally.count);
        counts.fold(0u64, u64::saturating_add)
    };
    Some(TlsReportPolicy {
        kind: policy.kind,
        domain: Some(domain.to_owned()),
        lines: policy.lines,
        mx_hosts: policy.mx,
        successful: sum(false),
        failed: sum(true),
        failures: tallies.iter().filter_map(failure).collect(),
    })
}

fn failure(tally: &Tally) -> Option<TlsReportFailure> {
    let text = tally.failure.as_deref()?;
    if text == Tally::OTHERS {
        return Some(TlsReportFailure {
            result: "validation-failure".to_owned(),
            sessions: tally.count,
            reason: Some("failures of further kinds, counted together".to_owned()),
            ..TlsReportFailure::default()
        });
    }
    let failure: Failure = serde_json::from_str(text).ok()?;
    Some(TlsReportFailure {
        result: failure.result,
        sending_address: failure.from,
        receiving_host: failure.mx,
        receiving_helo: failure.helo,
        receiving_address: failure.to,
        sessions: tally.count,
        additional: None,
        reason: failure.reason,
    })
}
