//! What to do where no server could be asked, unless a finding says it.

use waxseal_model::{Cause, EndpointEvidence, Report, Target, evidence::MailRouting};

use crate::{page::Page, style::Role};

pub(crate) fn write(page: &mut Page, report: &Report, fixes_given: bool) {
    if let Some(why) = obstacle(report) {
        page.blank();
        page.paragraph(0, Role::Plain, why);
    }
    if let Some(advice) = advice(report, fixes_given) {
        page.heading("What to do");
        page.advice(2, &advice);
        page.blank();
    }
}

/// Why no server could be asked, where the summary does not say it.
pub(crate) fn obstacle(report: &Report) -> Option<&str> {
    let why = report.no_endpoint.as_ref().filter(|_| !was_graded(report))?;
    let said = why.cause.is_by_design()
        || why.cause == Cause::Name
        || why.text.ends_with(reason(&report.grade.summary));
    (!said).then_some(why.text.as_str())
}

/// What to do where no server could be asked; none where a finding says it.
pub(crate) fn advice(report: &Report, fixes_given: bool) -> Option<String> {
    if was_graded(report) {
        return None;
    }
    let servers_mentioned = report.findings.iter().any(|f| f.endpoint.is_some());
    match (&report.no_endpoint, &report.domain) {
        (Some(_), _) if fixes_given => None,
        (Some(_), Some(domain)) => no_host(&domain.name, domain.routing),
        (Some(why), None) => no_address(&report.target_parsed, why.cause),
        (None, _) if servers_mentioned => None,
        (None, _) => unreached(report),
    }
}

fn was_graded(report: &Report) -> bool {
    report.grade.letter.is_some() || report.endpoints.iter().any(greeted)
}

/// The server took the connection and welcomed us.
fn greeted(e: &EndpointEvidence) -> bool {
    e.evidence.reached() && e.evidence.smtp.greeting.why().is_none_or(|w| w.cause != Cause::Declined)
}

/// What to do about a server that answers the connection with a refusal.
const REFUSED: &str = "The server is there and sends us away. Its words say why: a blocklist, missing reverse DNS of \
     this machine, too many connections, or maintenance. Run the same command on a machine that may send mail, or later.";

/// What stands behind the first colon of a sentence: the reason that it gives.
fn reason(summary: &str) -> &str {
    let reason = summary.split_once(": ").map_or(summary, |(_, reason)| reason);
    reason.trim_end_matches('.')
}

fn no_host(name: &str, routing: MailRouting) -> Option<String> {
    match routing {
        MailRouting::NoSuchDomain => Some(format!(
            "Check the spelling. If the name is right, see whether it is registered and delegated:\n  \
             waxseal dns {name} NS"
        )),
        MailRouting::NoMailHost => {
            Some(format!("To receive mail, publish an MX record:\n  {name}. 3600 IN MX 10 mail.{name}."))
        }
        MailRouting::NullMx => Some(format!(
            "Nothing, if this is meant (RFC 7505). If the domain should take mail, replace the record:\n  \
             {name}. 3600 IN MX 10 mail.{name}."
        )),
        MailRouting::Mx | MailRouting::ImplicitMx | MailRouting::NullMxWithOthers | MailRouting::Unknown => {
            Some(format!(
                "See what the name servers say, or ask others:\n  waxseal dns {name} MX\n  \
                 waxseal check {name} --dns ADDRESS-OF-A-RESOLVER"
            ))
        }
    }
}

fn no_address(target: &Target, cause: Cause) -> Option<String> {
    let Target::Host { name, port, .. } = target else { return None };
    match cause {
        Cause::Name => Some(format!(
            "Check the spelling, or name the address: waxseal check ADDRESS:{port}\n  waxseal dns {name} A"
        )),
        Cause::Resolver => Some(format!("See what the name servers say:\n  waxseal dns {name} A")),
        _ => None,
    }
}

/// Endpoints are there and none answered: advice by the first one's obstacle.
fn unreached(report: &Report) -> Option<String> {
    let first = report.endpoints.first()?;
    let port = first.endpoint.port;
    if first.evidence.smtp.greeting.why().is_some_and(|w| w.cause == Cause::Declined) {
        return Some(REFUSED.into());
    }
    match first.evidence.smtp.connected.why()?.cause {
        Cause::Timeout | Cause::Unreachable if port == 25 => Some(
            "Most access networks and many clouds block outgoing port 25, so this may say nothing about \
             the server. Run the same command on a machine that may send mail. If it fails there too, \
             look at the server's firewall first."
                .into(),
        ),
        Cause::Timeout | Cause::Unreachable => Some(format!(
            "A firewall on the way or on the server drops connections to port {port}, or the address is \
             wrong. Run the same command from another network to see which."
        )),
        Cause::Refused => Some(format!(
            "Nothing listens on port {port}, or a firewall refuses for it. On the server, this shows who \
             listens:\n  ss -ltnp 'sport = :{port}'"
        )),
        _ => None,
    }
}
