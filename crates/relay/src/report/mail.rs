//! A report as a message for the queue.

use bytes::Bytes;
use waxseal_model::tls_report::{TlsReport, TlsReportPolicy};
use waxseal_store::spool::{Envelope, NewMessage, NewRecipient, Notify};
use waxseal_wire::{
    compose::wrap,
    dkim::{DkimSignError, DkimSigner},
    target::name_to_ascii,
    tlsrpt::report::{ReportMail, file_name},
};

use super::ReportSettings;

/// The message that carries a report, signed if there is a key.
///
/// # Errors
/// It could not be signed.
pub(super) fn message(
    settings: &ReportSettings,
    signer: Option<&DkimSigner>,
    (domain, report): (&str, &TlsReport),
    to: &str,
    gzip: &[u8],
    now: i64,
) -> Result<NewMessage, DkimSignError> {
    let id = report.report_id.as_deref().unwrap_or_default();
    let range = (report.start.unwrap_or_default(), report.end.unwrap_or_default());
    let written = ReportMail {
        from: &settings.from,
        from_name: "TLS reports",
        to,
        domain,
        submitter: settings.submitter(),
        report_id: id,
        date: now,
        text: &text(settings, domain, report),
        file_name: &file_name(settings.submitter(), domain, range, "001"),
        gzip,
    }
    .write();
    let mut body = Vec::with_capacity(2);
    if let Some(signer) = signer {
        body.push(Bytes::from(signer.sign(&written, now)?));
    }
    body.push(Bytes::from(written));
    let of = to.rsplit('@').next().unwrap_or_default();
    let never = Notify { success: false, failure: false, delay: false };
    Ok(NewMessage {
        // The report has to arrive although TLS is broken (RFC 8460 section 3).
        envelope: Envelope { sender: settings.from.clone(), tls_required_no: true, ..Envelope::default() },
        recipients: vec![NewRecipient {
            address: to.to_owned(),
            domain: name_to_ascii(of).unwrap_or_else(|_| of.to_ascii_lowercase()),
            notify: Some(never),
            orcpt: None,
        }],
        body,
        received_at: now,
        expires_at: now.saturating_add(settings.expire),
    })
}

/// The part for people.
fn text(settings: &ReportSettings, domain: &str, report: &TlsReport) -> String {
    let date = report.report_id.as_deref().and_then(|id| id.split('.').next()).unwrap_or_default();
    let figures: Vec<String> = report.policies.iter().map(figures).collect();
    let told = format!(
        "This is a TLS report (RFC 8460) about mail that the server {} of {} delivered to {domain} on {date} (UTC). \
         Sessions {}. Details are in the attached file. Questions go to {}.",
        settings.hostname,
        settings.organisation,
        figures.join("; "),
        settings.contact
    );
    format!("{}\n", wrap(&told, 74, ""))
}

/// How many sessions met a policy, and how many did not.
fn figures(policy: &TlsReportPolicy) -> String {
    let TlsReportPolicy { successful, failed, mx_hosts, .. } = policy;
    match policy.kind.as_str() {
        "sts" => format!("by your MTA-STS policy: {successful} met it, {failed} did not"),
        "tlsa" => {
            format!("by the TLSA records of {}: {successful} met them, {failed} did not", mx_hosts.join(", "))
        }
        _ => format!("without a policy of yours: {successful}"),
    }
}
