//! The table of servers: preference, host, address, TLS versions, certificate, policy.

use waxseal_model::{
    Endpoint, Report, Target, TlsStart,
    dns::{DnsOutcome, DnssecStatus},
    evidence::{DomainEvidence, EndpointEvidence, MxHost},
    observed::{Cause, Observed, Why},
    policy::StsMode,
    smtp::{StarttlsOffer, WrongMode},
    tls::TlsVersion,
};

use super::{TextOptions, certificate};
use crate::{
    page::Page,
    style::Role,
    table::{Cell, Row, Table},
};

pub(crate) fn write(page: &mut Page, report: &Report, options: &TextOptions) {
    let hosts = report.domain.as_ref().map_or(&[][..], |d| d.hosts.as_slice());
    if report.endpoints.is_empty() && hosts.is_empty() {
        return;
    }
    page.blank();
    match &report.domain {
        Some(domain) => by_host(report, domain, options).write(page),
        None => {
            let mut table = table(report, None);
            for endpoint in &report.endpoints {
                rows(report, None, endpoint, options, &[], &mut table.rows);
            }
            table.write(page);
        }
    }
    page.blank();
}

/// The columns, with `host` as the title of the first where there is one.
fn table(report: &Report, host: Option<&'static str>) -> Table {
    let implicit = report.endpoints.iter().all(|e| e.endpoint.tls == TlsStart::Implicit);
    let tls = if implicit && !report.endpoints.is_empty() { "TLS (implicit)" } else { "TLS" };
    let mut titles: Vec<&'static str> = host.into_iter().collect();
    let mut wraps: Vec<bool> = host.iter().map(|_| false).collect();
    titles.extend(["address", tls, "certificate"]);
    wraps.extend([false, true, true]);
    if report.domain.is_some() {
        titles.push("policy");
        wraps.push(true);
    }
    Table { titles, wraps, ..Table::default() }
}

/// Rows under their MX hosts: the host in a column where the page is wide enough, else
/// on a line above its addresses.
fn by_host(report: &Report, domain: &DomainEvidence, options: &TextOptions) -> Table {
    let mut wide = table(report, Some("MX"));
    let mut narrow = table(report, Some("MX"));
    for host in &domain.hosts {
        let name = match host.preference {
            Some(preference) => format!("{preference:2} {}", host.name),
            None => host.name.clone(),
        };
        narrow.rows.push(Row::Remark(Vec::new(), (Role::Strong, name.clone())));
        let before = wide.rows.len();
        for endpoint in report.endpoints.iter().filter(|e| belongs(e, host)) {
            let shown = if wide.rows.len() == before { name.as_str() } else { "" };
            rows(report, Some(domain), endpoint, options, &[shown], &mut wide.rows);
            rows(report, Some(domain), endpoint, options, &[""], &mut narrow.rows);
        }
        if wide.rows.len() == before {
            let remark = (Role::Bad, no_address(host));
            wide.rows.push(Row::Remark(vec![(Role::Strong, name)], remark.clone()));
            narrow.rows.push(Row::Remark(vec![(Role::Plain, String::new())], remark));
        }
    }
    let orphans = report.endpoints.iter().filter(|e| !domain.hosts.iter().any(|h| belongs(e, h)));
    for endpoint in orphans {
        let name = endpoint.endpoint.host.as_deref().unwrap_or_default();
        rows(report, Some(domain), endpoint, options, &[name], &mut wide.rows);
        rows(report, Some(domain), endpoint, options, &[""], &mut narrow.rows);
    }
    if wide.least_width() <= options.style.columns() { wide } else { narrow }
}

pub(crate) fn belongs(endpoint: &EndpointEvidence, host: &MxHost) -> bool {
    endpoint.endpoint.host.as_deref() == Some(host.name.as_str())
        || (host.ip_literal && host.addresses.contains(&endpoint.endpoint.address))
}

/// Why an MX host has no address to connect to.
pub(crate) fn no_address(host: &MxHost) -> String {
    let failed = host
        .answers
        .iter()
        .find(|a| !a.is_conclusive())
        .map(|a| format!("addresses not found: {}", a.reason));
    failed.unwrap_or_else(|| {
        if host.answers.iter().any(|a| a.outcome == DnsOutcome::NxDomain) {
            "this host does not exist".into()
        } else if host.addresses.is_empty() {
            "this host has no address".into()
        } else {
            "not tested".into()
        }
    })
}

/// The rows of one endpoint, behind the cells of `lead`.
fn rows(
    report: &Report,
    domain: Option<&DomainEvidence>,
    e: &EndpointEvidence,
    options: &TextOptions,
    lead: &[&str],
    rows: &mut Vec<Row>,
) {
    let mut cells: Vec<Cell> = lead.iter().map(|t| (Role::Strong, (*t).to_owned())).collect();
    let blank: Vec<Cell> = lead.iter().map(|_| Cell::default()).chain([Cell::default()]).collect();
    cells.push((Role::Plain, address(&e.endpoint, &report.target_parsed)));
    match without_tls(e) {
        Some(remark) => rows.push(Row::Remark(cells, remark)),
        None => {
            cells.push(versions(e));
            cells.push(certificate::cell(report, e, options.now));
            if let Some(domain) = domain {
                cells.push(policy(report, domain, e));
            }
            rows.push(Row::Cells(cells));
        }
    }
    let said = |what: &str| matches!(rows.last(), Some(Row::Remark(_, (_, text))) if text.contains(what));
    if let Some(back_off) = e.evidence.smtp.back_off.as_ref().filter(|b| !said(&b.what)) {
        let text = format!("asked to slow down at {}: {}", back_off.stage, back_off.what);
        rows.push(Row::Remark(blank.clone(), (Role::Notice, text)));
    }
    if options.verbose
        && let Some(real) = e.endpoint.connected_to
    {
        rows.push(Row::Remark(blank, (Role::Faint, format!("led to {real} by the port map"))));
    }
}

/// The address, with the port where it is neither 25 nor part of the target.
pub(crate) fn address(endpoint: &Endpoint, target: &Target) -> String {
    if endpoint.port == 25 || !matches!(target, Target::Domain { .. }) {
        endpoint.address.to_string()
    } else {
        std::net::SocketAddr::new(endpoint.address, endpoint.port).to_string()
    }
}

/// What stands in place of TLS facts, where there are none.
pub(crate) fn without_tls(e: &EndpointEvidence) -> Option<Cell> {
    let smtp = &e.evidence.smtp;
    if let Some(why) = smtp.connected.why() {
        return Some((Role::Notice, format!("could not be tested: {}", why.text)));
    }
    let tls = &e.evidence.tls;
    if tls.handshake.is_seen() || tls.versions.values().any(|v| v.get() == Some(&true)) {
        return None;
    }
    if let Some(what) = &smtp.not_smtp {
        return Some((Role::Bad, format!("answers, but is {what}")));
    }
    match smtp.wrong_mode {
        Some(WrongMode::SpeaksImplicitTls) => {
            return Some((Role::Bad, "speaks TLS from the first byte (implicit TLS), not STARTTLS".into()));
        }
        Some(WrongMode::SpeaksPlaintextFirst) => {
            return Some((Role::Bad, "greets in clear (STARTTLS), not TLS from the first byte".into()));
        }
        None => {}
    }
    Some(before_tls(e).unwrap_or_else(|| failed_tls(e)))
}

/// What went wrong between the connection and the handshake.
fn before_tls(e: &EndpointEvidence) -> Option<Cell> {
    if e.endpoint.tls == TlsStart::Implicit {
        return None;
    }
    let smtp = &e.evidence.smtp;
    match &smtp.greeting {
        Observed::Seen { value } if !value.reply.is_positive() => {
            return Some((Role::Bad, format!("greets with a refusal: {}", value.reply.one_line())));
        }
        Observed::Failed { why } if why.cause == Cause::Declined => {
            return Some((Role::Bad, format!("takes no mail from here: {}", why.text)));
        }
        Observed::Failed { why } => return Some(untested("no usable greeting", why)),
        _ => {}
    }
    match &smtp.starttls_offer {
        Observed::Seen { value: StarttlsOffer::Absent } => {
            Some((Role::Worst, format!("NO TLS: STARTTLS is not offered{}", in_clear(e))))
        }
        Observed::Seen { value: StarttlsOffer::Mangled { keyword } } => {
            Some((Role::Worst, format!("NO TLS: STARTTLS was overwritten on the way ({keyword})")))
        }
        Observed::Seen { value: StarttlsOffer::EhloRefused } => {
            Some((Role::Worst, format!("NO TLS: EHLO is refused{}", in_clear(e))))
        }
        Observed::Seen { value: StarttlsOffer::Advertised } => match &smtp.starttls_reply {
            Observed::Seen { value } if !value.is_positive() => {
                Some((Role::Worst, format!("NO TLS: STARTTLS is answered by {}", value.one_line())))
            }
            Observed::Failed { why } => Some(untested("no answer to STARTTLS", why)),
            _ => None,
        },
        Observed::NotTried { why } | Observed::Failed { why } => Some(untested("no answer to EHLO", why)),
    }
}

/// Whether a server without TLS takes mail in clear, where that was seen.
fn in_clear(e: &EndpointEvidence) -> String {
    match e.evidence.smtp.mail_in_clear.get() {
        Some(reply) if reply.is_positive() => ", mail is taken in clear".into(),
        Some(reply) => format!(", mail in clear is refused: {}", reply.one_line()),
        None => String::new(),
    }
}

/// The handshake was reached, and no version of TLS came out of it.
fn failed_tls(e: &EndpointEvidence) -> Cell {
    let tls = &e.evidence.tls;
    match &tls.handshake {
        Observed::Failed { why } | Observed::NotTried { why } => untested("TLS does not come about", why),
        Observed::Seen { .. } => (Role::Plain, String::new()),
    }
}

/// `what` failed by the server's doing, or could not be tested for another reason.
fn untested(what: &str, why: &Why) -> Cell {
    match why.cause {
        Cause::Declined | Cause::Protocol | Cause::Closed | Cause::TooLarge => {
            (Role::Bad, format!("{what}: {}", why.text))
        }
        _ => (Role::Notice, format!("could not be tested: {}", why.text)),
    }
}

/// The accepted versions, newest first; `1.1?` could not be tested.
pub(crate) fn versions(e: &EndpointEvidence) -> Cell {
    let tls = &e.evidence.tls;
    let mut words: Vec<String> = Vec::new();
    let mut old = false;
    let mut unsure = 0;
    for version in TlsVersion::ALL.into_iter().rev() {
        let label = version.label().trim_start_matches("TLS ").to_owned();
        let negotiated = tls.handshake.get().is_some_and(|h| h.version == version);
        match tls.versions.get(&version) {
            Some(Observed::Seen { value: true }) => {
                old |= version < TlsVersion::Tls12;
                words.push(label);
            }
            _ if negotiated => words.push(label),
            Some(Observed::Failed { .. }) => {
                unsure += 1;
                words.push(format!("{label}?"));
            }
            Some(Observed::NotTried { why }) if !why.cause.is_by_design() => {
                unsure += 1;
                words.push(format!("{label}?"));
            }
            _ => {}
        }
    }
    if unsure > 2 {
        words.retain(|w| !w.ends_with('?'));
        words.push("others?".into());
    }
    (if old { Role::Warning } else { Role::Plain }, words.join(" "))
}

/// Which policies cover an endpoint. A policy that nobody looked for is `not tried`.
pub(crate) fn policy(report: &Report, domain: &DomainEvidence, e: &EndpointEvidence) -> Cell {
    let mut words: Vec<&str> = Vec::new();
    let mut role = Role::Plain;
    match tlsa(report, e) {
        Some((TLSA_NOT_TRIED, _)) => words.push(TLSA_NOT_TRIED),
        Some((word, of_word)) => {
            words.push(word);
            role = of_word;
        }
        None => {}
    }
    match &domain.policies.sts {
        Observed::Seen { value: Some(sts) } => words.push(match sts.mode {
            StsMode::Enforce => "STS enforce",
            StsMode::Testing => "STS testing",
            StsMode::None => "STS none",
        }),
        Observed::Seen { value: None } if domain.policies.sts_discovery.problem.is_some() => {
            words.push("STS UNUSABLE");
            role = Role::Bad;
        }
        Observed::Seen { value: None } => {}
        Observed::NotTried { .. } if words == [TLSA_NOT_TRIED] => {}
        Observed::NotTried { .. } => words.push("STS not tried"),
        Observed::Failed { .. } => words.push("STS?"),
    }
    if words.is_empty() {
        words.push("none");
    }
    (role, words.join(", "))
}

const TLSA_NOT_TRIED: &str = "not tried";

/// The TLSA records of an endpoint in a word or two, by what the findings say of them.
fn tlsa(report: &Report, e: &EndpointEvidence) -> Option<(&'static str, Role)> {
    let id = e.endpoint.id();
    let found = |check: &str| {
        report.findings.iter().any(|f| f.check == check && f.endpoint.as_deref() == Some(id.as_str()))
    };
    match &e.evidence.dane {
        Observed::Seen { value: None } => None,
        Observed::NotTried { why } if why.cause == Cause::NotApplicable => None,
        Observed::NotTried { .. } => Some((TLSA_NOT_TRIED, Role::Plain)),
        Observed::Failed { .. } => Some(("TLSA?", Role::Plain)),
        Observed::Seen { value: Some(_) } if found("dane.mismatch") => Some(("TLSA MISMATCH", Role::Bad)),
        Observed::Seen { value: Some(dane) } => Some(match (dane.status, dane.outcome) {
            (DnssecStatus::Bogus, _) => ("TLSA BOGUS", Role::Bad),
            (_, DnsOutcome::ServerError) => ("TLSA ERROR", Role::Bad),
            (DnssecStatus::Insecure, _) => ("TLSA unsigned", Role::Notice),
            (DnssecStatus::Indeterminate, _) => ("TLSA?", Role::Plain),
            (DnssecStatus::Secure, _) if dane.tlsa.iter().all(|t| t.unusable.is_some()) => {
                ("TLSA unusable", Role::Notice)
            }
            (DnssecStatus::Secure, _) if found("dane.insecure_mx") => ("TLSA, MX not signed", Role::Notice),
            (DnssecStatus::Secure, _) => ("TLSA", Role::Plain),
        }),
    }
}
