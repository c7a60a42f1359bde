//! What to do where no server could be asked, unless a finding says it.

use waxseal_model::{Cause, Report, Target, evidence::MailRouting};

use crate::{page::Page, style::Role};

pub(super) fn write(page: &mut Page, report: &Report, fixes_given: bool) {
    if report.endpoints.iter().any(|e| e.evidence.reached()) {
        return;
    }
    if let Some(why) = &report.no_endpoint
        && !(why.cause.is_by_design() || why.cause == Cause::Name)
        && !report.grade.summary.contains(&why.text)
    {
        page.paragraph(0, Role::Plain, &why.text);
    }
    let servers_mentioned = report.findings.iter().any(|f| f.endpoint.is_some());
    let advice = match (&report.no_endpoint, &report.domain) {
        (Some(_), _) if fixes_given => None,
        (Some(_), Some(domain)) => no_host(&domain.name, domain.routing),
        (Some(why), None) => no_address(&report.target_parsed, why.cause),
        (None, _) if servers_mentioned => None,
        (None, _) => unreached(report),
    };
    if let Some(advice) = advice {
        page.heading("What to do");
        page.advice(2, &advice);
        page.blank();
    }
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
            Some(format!("See what the name servers say:\n  waxseal dns {name} MX"))
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
