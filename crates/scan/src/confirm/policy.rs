//! Do the servers fit what the domain publishes, by MTA-STS and by DANE?
//!
//! What fits is decided by the checks of `waxseal-judge`, over evidence that is gathered for
//! them alone: names, the policy or the TLSA records, and one connection to each server.

use futures_util::future::join_all;
use waxseal_judge::judge;
use waxseal_model::{
    Confirmation, DomainEvidence, EndpointEvidence, Evidence, Finding, Severity, Target, VerdictKind,
    evidence::Cost, finding::VerdictEntry, policy::PolicyEvidence,
};

use super::{
    Run,
    notes::{Notes, list},
    servers::{self, ONE},
};
use crate::{names, published};

/// Checks that tell why senders who keep to MTA-STS do not deliver.
const STS: [&str; 5] = ["sts.mx", "sts.mx_tls", "sts.fetch", "sts.certificate", "sts.record"];
/// Checks that tell why senders who use DANE do not deliver.
const DANE: [&str; 5] = ["dane.mismatch", "dane.no_tls", "dane.expired", "dane.lookup", "dane.partial"];

pub(super) async fn sts(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(name) = run.subject.recipient_domain.clone() else {
        return notes
            .untested("an MTA-STS policy belongs to the recipient's domain: name it with --to DOMAIN");
    };
    let means = run.means;
    let mut policies = PolicyEvidence::default();
    let domain = names::domain(&means.resolver, &name).await;
    published::sts::discover(&means.resolver, &means.prober, &name, &mut policies).await;
    let what = format!("MTA-STS policy of {name}");
    let published = match (&policies.sts.get(), &policies.sts_discovery.problem) {
        (Some(Some(policy)), _) => {
            let mx = list(&policy.mx);
            notes.aside(&what, format!("mode {}, mx {mx}, id {}", policy.mode.word(), policy.id));
            true
        }
        (_, Some(problem)) => {
            notes.aside(&what, &problem.text);
            true
        }
        (Some(None), None) => false,
        (None, None) => {
            let why = policies.sts.why().map_or_else(String::new, |why| why.text.clone());
            return notes.untested(why);
        }
    };
    if !published {
        return notes.refuted(format!(
            "{name} publishes no MTA-STS policy now; a sender may keep an earlier one in its cache until its \
             max_age is over"
        ));
    }
    let evidence = DomainEvidence { policies, ..domain };
    let found = match servers::mail_hosts(evidence.clone(), &mut notes) {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let endpoints = servers::look(run, &found.aims, ONE).await;
    let refuted =
        format!("policy and servers of {name} fit together now: what did not fit was mended meanwhile");
    conclude(run, notes, whole(&name, evidence, endpoints), &STS, &refuted)
}

pub(super) async fn dane(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let Some(domain) = found.domain else {
        return notes
            .untested("TLSA records are looked up from the recipient's domain: name it with --to DOMAIN");
    };
    let mut endpoints = servers::look(run, &found.aims, ONE).await;
    let records = join_all(endpoints.iter().map(|e| tlsa(run, &domain, e))).await;
    let mut any = false;
    for (endpoint, mut records) in endpoints.iter_mut().zip(records) {
        if let waxseal_model::Observed::Seen { value: Some(facts) } = &mut records {
            any |= !facts.tlsa.is_empty() || facts.outcome != waxseal_model::dns::DnsOutcome::Records;
            let chains = endpoint.evidence.chains.get().map_or(&[][..], Vec::as_slice);
            published::dane::compare(facts, chains);
            let matches = match facts.matches {
                Some(true) => "they match the certificate",
                Some(false) => "they do not match the certificate",
                None => "there is nothing to compare them with",
            };
            let said = format!("{} TLSA records, {}; {matches}", facts.records.len(), facts.status.word());
            notes.aside(format!("{} for {}", facts.name, endpoint.endpoint.address), said);
        }
        any |= records.why().is_some();
        endpoint.evidence.dane = records;
    }
    let name = domain.name.clone();
    if !any {
        return notes.refuted(format!("no server of {name} has TLSA records now"));
    }
    let refuted = format!("TLSA records and servers of {name} fit together now: they were mended meanwhile");
    conclude(run, notes, whole(&name, domain, endpoints), &DANE, &refuted)
}

async fn tlsa(
    run: &Run<'_>,
    domain: &DomainEvidence,
    endpoint: &EndpointEvidence,
) -> waxseal_model::Observed<Option<waxseal_model::policy::DaneFacts>> {
    let of_host = |h: &&waxseal_model::evidence::MxHost| endpoint.endpoint.host.as_ref() == Some(&h.name);
    match domain.hosts.iter().find(of_host) {
        Some(host) => {
            let subject = published::dane::subject(domain, host, endpoint.endpoint.port);
            published::dane::lookup(&run.means.resolver, &subject).await
        }
        None => waxseal_model::Observed::seen(None),
    }
}

fn whole(name: &str, domain: DomainEvidence, endpoints: Vec<EndpointEvidence>) -> Evidence {
    Evidence {
        schema_version: waxseal_model::SCHEMA_VERSION,
        waxseal_version: String::new(),
        target: Target::Domain { name: name.to_owned(), given: name.to_owned(), mailbox: false },
        started_at: 0,
        domain: Some(domain),
        host_addresses: Vec::new(),
        endpoints,
        no_endpoint: None,
        cost: Cost::default(),
    }
}

/// Lets the checks decide.
fn conclude(
    run: &Run<'_>,
    mut notes: Notes,
    evidence: Evidence,
    checks: &[&str],
    refuted: &str,
) -> Confirmation {
    let profile = waxseal_judge::profile_names().first().and_then(|name| waxseal_judge::profile(name));
    let Some(profile) = profile else { return notes.untested("there is no profile to judge by") };
    let judged = judge(&evidence, profile, run.given.now);
    let counts = |f: &&Finding| checks.contains(&f.check.as_str()) && f.severity > Severity::Low;
    let found: Vec<&Finding> = judged.findings.iter().filter(counts).collect();
    for finding in &found {
        let place = finding.endpoint.clone().unwrap_or_else(|| evidence.target.label());
        notes.supports(place, format!("{}. {}", finding.title, finding.detail));
        if !finding.fix.is_empty() && !notes.fix.iter().any(|f| f.paste.as_ref() == Some(&finding.fix)) {
            notes.fix("recipient's domain", &finding.title, Some(finding.fix.clone()));
        }
    }
    if let Some(worst) = found.first() {
        return notes.confirmed(&worst.title);
    }
    let open = |v: &&VerdictEntry| {
        checks.contains(&v.check.as_str())
            && v.verdict == VerdictKind::Undetermined
            && !is_inapplicable(&v.why)
    };
    for seen in &evidence.endpoints {
        match seen.evidence.smtp.connected.why().or(seen.evidence.tls.handshake.why()) {
            Some(why) => notes.failed(seen.endpoint.id(), &why.text),
            None => notes.contradicts(seen.endpoint.id(), super::faults::all_well(seen, run.given.now)),
        }
    }
    match judged.verdicts.iter().find(open) {
        Some(verdict) => notes.untested(verdict.why.trim_end_matches('.')),
        None => notes.refuted(refuted),
    }
}

/// Checks say so where there is nothing for them to look at.
fn is_inapplicable(why: &str) -> bool {
    ["there are no TLSA records", "there are no secure TLSA records"].contains(&why)
}
