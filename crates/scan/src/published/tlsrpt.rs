//! TLS-RPT: the TXT record, and whether its mail addresses can take reports (RFC 8460
//! section 3).

use std::collections::BTreeSet;

use futures_util::future::join_all;
use waxseal_model::{
    Observed,
    evidence::MailRouting,
    policy::{PolicyEvidence, TlsRptDiscovery},
};
use waxseal_net::resolver::Resolver;
use waxseal_wire::tlsrpt;

use super::{failed, texts};
use crate::names;

/// More domains of addresses than this are not looked up.
const MOST_DOMAINS: usize = 8;

/// Looks a domain's record up and notes it in `policies`.
pub async fn discover(resolver: &Resolver, domain: &str, policies: &mut PolicyEvidence) {
    let answer = resolver.lookup(&format!("_smtp._tls.{domain}"), "TXT").await;
    let texts = texts(&answer);
    let mut trail = TlsRptDiscovery { record_answer: Observed::seen(answer), ..TlsRptDiscovery::default() };
    policies.tlsrpt = match texts {
        Err(why) => failed(why),
        Ok(texts) => {
            let selection = tlsrpt::select(&texts);
            trail.problem = selection.problem;
            trail.warnings = selection.warnings;
            Observed::seen(selection.record)
        }
    };
    if let Some(Some(record)) = policies.tlsrpt.get() {
        trail.dead_addresses = dead(resolver, &record.rua).await;
    }
    policies.tlsrpt_discovery = trail;
}

/// Domains of `mailto:` addresses that take no mail, with the reason.
async fn dead(resolver: &Resolver, rua: &[String]) -> Vec<String> {
    let domains: BTreeSet<String> = rua
        .iter()
        .filter_map(|uri| {
            uri.get(.."mailto:".len()).filter(|s| s.eq_ignore_ascii_case("mailto:")).and(Some(uri))
        })
        .filter_map(|uri| uri.split('?').next()?.rsplit_once('@'))
        .filter_map(|(_, domain)| waxseal_wire::target::name_to_ascii(domain).ok())
        .collect();
    let looked_up = domains.into_iter().take(MOST_DOMAINS).map(|domain| async move {
        match names::takes_mail(resolver, &domain).await {
            MailRouting::NoSuchDomain => Some(format!("{domain} does not exist")),
            MailRouting::NullMx => Some(format!("{domain} accepts no mail (null MX)")),
            MailRouting::NoMailHost => Some(format!("{domain} has neither MX nor address")),
            MailRouting::Mx
            | MailRouting::ImplicitMx
            | MailRouting::NullMxWithOthers
            | MailRouting::Unknown => None,
        }
    });
    join_all(looked_up).await.into_iter().flatten().collect()
}
