//! What the checks of SPF, DKIM, DMARC and CAA share. Their findings inform: they are
//! never worse than medium, rank below those about transport, and the grade never looks
//! at their evidence.

use waxseal_model::{
    Cause, DomainEvidence, Finding, Observed, Severity, Why,
    evidence::MailRouting,
    identity::{DmarcFacts, DmarcRecord, SpfFacts, SpfRecordFacts},
};

use crate::{
    Check,
    case::{Case, Draft, known},
};

/// So much less important than a finding about transport.
const WEIGHT: i8 = -45;

/// Begins a finding about identity.
pub(crate) fn finding<'c>(
    case: &'c Case<'_>,
    check: &Check,
    severity: Severity,
    title: impl Into<String>,
) -> Draft<'c> {
    case.finding(check, severity.min(Severity::Medium), title).weight(WEIGHT)
}

/// The finding, with the options that its retest needs beside the target.
pub(crate) fn retested_with(mut finding: Finding, options: &str) -> Finding {
    finding.retest.push(' ');
    finding.retest.push_str(options);
    finding
}

/// The domain, if it exists: a name that does not has no records to judge.
pub(crate) fn domain<'a>(case: &Case<'a>) -> Result<&'a DomainEvidence, Why> {
    let domain = case.domain()?;
    match domain.routing {
        MailRouting::NoSuchDomain => Err(Why::new(Cause::NotApplicable, "the domain does not exist")),
        _ => Ok(domain),
    }
}

/// The fact, or why there is none. Where no name server answers at all, the reason is the
/// one that the checks of MX give: it need not be told for each record again.
pub(crate) fn seen<'a, T>(domain: &DomainEvidence, observed: &'a Observed<T>) -> Result<&'a T, Why> {
    let reason = &domain.mx_answer.reason;
    known(observed).map_err(|why| {
        let same = domain.routing == MailRouting::Unknown && !reason.is_empty() && why.text.contains(reason);
        if same { Why::new(why.cause, format!("{} MX: {reason}", domain.name)) } else { why }
    })
}

/// What was found of SPF.
pub(crate) fn spf<'a>(case: &Case<'a>) -> Result<&'a SpfFacts, Why> {
    let domain = domain(case)?;
    seen(domain, &domain.identity.spf)
}

/// The one SPF record; not applicable where there is none that can be read.
pub(crate) fn spf_record<'a>(case: &Case<'a>) -> Result<(&'a SpfFacts, &'a SpfRecordFacts), Why> {
    let facts = spf(case)?;
    let none = || Why::new(Cause::NotApplicable, "there is no SPF record that could be read");
    facts.record.as_ref().map(|record| (facts, record)).ok_or_else(none)
}

/// The DMARC record in force; not applicable where there is none.
pub(crate) fn dmarc<'a>(case: &Case<'a>) -> Result<(&'a DmarcFacts, &'a DmarcRecord), Why> {
    let domain = domain(case)?;
    let facts = seen(domain, &domain.identity.dmarc)?;
    let none = || Why::new(Cause::NotApplicable, "there is no DMARC record in force");
    facts.record.as_ref().map(|record| (facts, record)).ok_or_else(none)
}

/// True if the domain says itself that it takes no mail.
pub(crate) fn is_mail_free(domain: &DomainEvidence) -> bool {
    domain.routing == MailRouting::NullMx
}
