//! What a domain should publish, filled in from what was observed: the MTA-STS record and
//! policy file, the TLS-RPT record, the TLSA records of the keys in use.
//!
//! `waxseal policy generate` prints all of it, and fixes quote the parts that they need.

use std::collections::BTreeSet;

use time::OffsetDateTime;
use waxseal_model::{
    DnssecStatus, DomainEvidence, EndpointEvidence, Evidence, PresentedChain, Usage,
    dns::DnsOutcome,
    policy::StsMode,
    publication::{DaneServer, DaneView, PolicyFile, Publication, ZoneRecord},
};
use waxseal_wire::x509;

use crate::{
    dane::{self, DaneState},
    state,
};

/// How long senders keep a policy in testing mode: a day, so that mistakes pass quickly.
const TESTING_MAX_AGE: u32 = 86_400;
/// How long senders keep an enforced policy: two weeks. RFC 8461 section 3.2 asks for
/// weeks, since an attacker who blocks the policy host must outlast it.
const ENFORCE_MAX_AGE: u32 = 1_209_600;

/// What to publish with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishOptions {
    /// Mode of the MTA-STS policy.
    pub mode: StsMode,
    /// Seconds that senders keep it; by mode where none is given.
    pub max_age: Option<u32>,
    /// Where TLS reports go, as a URI; an address at the domain where none is given.
    pub rua: Option<String>,
}

/// Everything that the target should publish. `now` (seconds since 1970-01-01 UTC) becomes
/// the id of the policy.
pub fn publication(evidence: &Evidence, options: &PublishOptions, now: i64) -> Publication {
    let mut out = Publication { records: Vec::new(), files: Vec::new(), notes: Vec::new() };
    if let Some(domain) = &evidence.domain {
        if domain.hosts.is_empty() {
            out.notes.push(format!(
                "No MX host of {} is known: there is nothing to publish a policy for.",
                domain.name
            ));
            return out;
        }
        out.files.push(PolicyFile {
            url: format!("https://mta-sts.{}/.well-known/mta-sts.txt", domain.name),
            content_type: "text/plain".into(),
            content: sts_policy(domain, options.mode, options.max_age),
        });
        out.records.push(sts_record(&domain.name, now));
        out.records.push(tlsrpt_record(&domain.name, options.rua.as_deref()));
        out.notes.push(format!(
            "mta-sts.{} needs an address, and a certificate for that name that browsers trust.",
            domain.name
        ));
        out.notes.push(
            "Serve the file first, then publish the records; with each change of the file change the id."
                .into(),
        );
    }
    tlsa(evidence, &mut out);
    out
}

/// TLSA records for the hosts whose zones are signed; a note for the others.
fn tlsa(evidence: &Evidence, out: &mut Publication) {
    let mut unsigned: BTreeSet<&str> = BTreeSet::new();
    for endpoint in &evidence.endpoints {
        let Some(host) = endpoint.endpoint.host.as_deref() else { continue };
        if endpoint.endpoint.usage != Usage::Relay && evidence.domain.is_some() {
            continue;
        }
        if !zone_is_signed(evidence, host) {
            unsigned.insert(host);
        }
        for record in tlsa_records(endpoint) {
            if !out.records.contains(&record) {
                out.records.push(record);
            }
        }
    }
    if !unsigned.is_empty() {
        let hosts: Vec<&str> = unsigned.into_iter().collect();
        out.notes.push(format!(
            "The TLSA records count only once the zone of {} is signed with DNSSEC.",
            hosts.join(" and ")
        ));
    }
}

/// What DANE is at a host now, and the records that would fit it now and with its next keys.
/// `next` are records of keys that are not in use yet, in presentation form.
pub fn dane_view(evidence: &Evidence, next: &[String], now: i64) -> DaneView {
    let mut view = DaneView { servers: Vec::new(), fit_now: Vec::new(), fit_next: Vec::new() };
    for endpoint in &evidence.endpoints {
        view.servers.push(dane_server(endpoint, now));
        for record in fitting(endpoint) {
            if !view.fit_now.contains(&record) {
                view.fit_now.push(record);
            }
        }
        for record in next.iter().filter_map(|data| of_host(endpoint, data.clone())) {
            if !view.fit_next.contains(&record) {
                view.fit_next.push(record);
            }
        }
    }
    view
}

fn dane_server(endpoint: &EndpointEvidence, now: i64) -> DaneServer {
    let facts = endpoint.evidence.dane.get().and_then(Option::as_ref);
    let (verdict, why) = match dane::state(&endpoint.evidence, now) {
        DaneState::Valid => ("valid", "every presented certificate matches a record".to_owned()),
        DaneState::None if facts.is_some_and(|f| !f.tlsa.is_empty()) => {
            ("ignored", facts.map(|f| f.reason.clone()).unwrap_or_default())
        }
        DaneState::None => ("none", "there are no TLSA records".to_owned()),
        DaneState::Unusable => ("unusable", "no record can be used by mail servers".to_owned()),
        DaneState::Mismatch(why) => ("mismatch", why),
        DaneState::LookupFailed(failure) => ("lookup failed", failure.text),
        DaneState::NotTried(why) | DaneState::Unknown(why) => ("undetermined", why.text),
    };
    DaneServer {
        endpoint: endpoint.endpoint.id(),
        name: facts.map(|f| f.name.clone()),
        status: facts.map(|f| f.status),
        verdict: verdict.to_owned(),
        why,
        records: facts.map(|f| f.tlsa.clone()).unwrap_or_default(),
    }
}

/// The records that fit what an endpoint presents: `3 1 1` of each key first, then those of
/// its issuer.
fn fitting(endpoint: &EndpointEvidence) -> Vec<ZoneRecord> {
    let mut records = tlsa_records(endpoint);
    for chain in named(endpoint) {
        let ders: Vec<Vec<u8>> = chain.certificates.iter().map_while(x509::der_of).collect();
        let others = waxseal_wire::dane::records_for(&ders);
        records.extend(others.into_iter().filter_map(|f| of_host(endpoint, f.record.to_string())));
    }
    let mut seen = BTreeSet::new();
    records.retain(|r| seen.insert(r.to_string()));
    records
}

/// A TLSA record for an endpoint.
fn of_host(endpoint: &EndpointEvidence, data: String) -> Option<ZoneRecord> {
    let host = endpoint.endpoint.host.as_deref()?;
    let dane = endpoint.evidence.dane.get().and_then(Option::as_ref);
    let base = dane.map(|d| d.base.as_str()).filter(|b| !b.is_empty()).unwrap_or(host);
    Some(ZoneRecord { name: format!("_{}._tcp.{base}.", endpoint.endpoint.port), rtype: "TLSA".into(), data })
}

/// The chains that senders with DANE are shown.
fn presented(endpoint: &EndpointEvidence) -> &[PresentedChain] {
    let facts = &endpoint.evidence;
    let dane = facts.dane.get().and_then(Option::as_ref);
    dane.map_or(&facts.chains, |d| dane::chains(facts, d)).get().map_or(&[], Vec::as_slice)
}

/// The chains that clients get which name the server.
fn named(endpoint: &EndpointEvidence) -> impl Iterator<Item = &PresentedChain> {
    let chains = presented(endpoint);
    chains.iter().filter(|c| state::is_for_named(c, chains))
}

/// True if the addresses of a host are known to be secure.
pub(crate) fn zone_is_signed(evidence: &Evidence, host: &str) -> bool {
    let answers = match &evidence.domain {
        Some(domain) => {
            domain.hosts.iter().find(|h| h.name == host).map_or(&[][..], |h| h.answers.as_slice())
        }
        None => evidence.host_addresses.as_slice(),
    };
    let mut with_records = answers.iter().filter(|a| a.outcome == DnsOutcome::Records).peekable();
    with_records.peek().is_some() && with_records.all(|a| a.status == DnssecStatus::Secure)
}

/// The policy file for all MX hosts of a domain.
pub(crate) fn sts_policy(domain: &DomainEvidence, mode: StsMode, max_age: Option<u32>) -> String {
    let max_age = max_age.unwrap_or(match mode {
        StsMode::Enforce => ENFORCE_MAX_AGE,
        StsMode::Testing | StsMode::None => TESTING_MAX_AGE,
    });
    let mut lines = vec!["version: STSv1".to_owned(), format!("mode: {}", mode.word())];
    lines.extend(domain.hosts.iter().filter(|h| !h.ip_literal).map(|h| format!("mx: {}", h.name)));
    lines.push(format!("max_age: {max_age}"));
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// The TXT record that announces a policy.
pub(crate) fn sts_record(domain: &str, now: i64) -> ZoneRecord {
    ZoneRecord {
        name: format!("_mta-sts.{domain}."),
        rtype: "TXT".into(),
        data: format!("\"v=STSv1; id={};\"", policy_id(now)),
    }
}

/// The TXT record that asks for TLS reports.
pub(crate) fn tlsrpt_record(domain: &str, rua: Option<&str>) -> ZoneRecord {
    let rua = rua.map_or_else(|| format!("mailto:tls-reports@{domain}"), str::to_owned);
    ZoneRecord {
        name: format!("_smtp._tls.{domain}."),
        rtype: "TXT".into(),
        data: format!("\"v=TLSRPTv1; rua={rua}\""),
    }
}

/// `3 1 1` for each key that an endpoint presents to senders that use DANE.
pub(crate) fn tlsa_records(endpoint: &EndpointEvidence) -> Vec<ZoneRecord> {
    let mut records: Vec<ZoneRecord> = Vec::new();
    for leaf in named(endpoint).filter_map(PresentedChain::leaf) {
        let record = of_host(endpoint, format!("3 1 1 {}", leaf.spki_sha256));
        if record.as_ref().is_some_and(|r| !records.contains(r)) {
            records.extend(record);
        }
    }
    records
}

/// Fills records and files into the text of a fix. A policy file is moved in by two spaces,
/// which the standard allows no sender to see: it stands for lines of a file. The id of a
/// policy comes from the start of the scan, so that judging again gives the same text.
pub(crate) fn fill(text: &str, evidence: &Evidence, host: &str) -> String {
    if !text.contains('{') {
        return text.to_owned();
    }
    let mut out = text.to_owned();
    if let Some(domain) = &evidence.domain {
        for (word, mode) in [
            ("{sts_testing}", StsMode::Testing),
            ("{sts_enforce}", StsMode::Enforce),
            ("{sts_none}", StsMode::None),
        ] {
            if out.contains(word) {
                let file = sts_policy(domain, mode, None);
                let lines: Vec<String> = file.lines().map(|line| format!("  {line}")).collect();
                out = out.replace(word, &lines.join("\n"));
            }
        }
        out = out.replace("{sts_record}", &sts_record(&domain.name, evidence.started_at).to_string());
        out = out.replace("{tlsrpt_record}", &tlsrpt_record(&domain.name, None).to_string());
    }
    if out.contains("{tlsa}") {
        out = out.replace("{tlsa}", &tlsa_lines(evidence, host));
    }
    out
}

/// TLSA records for every key that a host presents, or how to make one.
fn tlsa_lines(evidence: &Evidence, host: &str) -> String {
    let own = evidence.endpoints.iter().filter(|e| e.endpoint.host.as_deref() == Some(host));
    let mut lines: Vec<String> = own.flat_map(tlsa_records).map(|r| r.to_string()).collect();
    lines.sort();
    lines.dedup();
    if lines.is_empty() {
        return format!(
            "_25._tcp.{host}.  TLSA  3 1 1 HASH\nHASH is the SHA-256 of the server's public key:\n  \
             openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum"
        );
    }
    lines.join("\n")
}

/// A moment as an id of letters and digits, `20261125T131200`, by which ids grow with time.
fn policy_id(now: i64) -> String {
    match OffsetDateTime::from_unix_timestamp(now) {
        Ok(t) => format!(
            "{:04}{:02}{:02}T{:02}{:02}{:02}",
            t.year(),
            u8::from(t.month()),
            t.day(),
            t.hour(),
            t.minute(),
            t.second()
        ),
        Err(_) => now.unsigned_abs().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{self, NOW};

    const OPTIONS: PublishOptions = PublishOptions { mode: StsMode::Testing, max_age: None, rua: None };

    #[test]
    fn everything_is_filled_in_for_the_domain() {
        let publication = publication(&fixtures::healthy(), &OPTIONS, NOW);
        let zone: Vec<String> = publication.records.iter().map(ToString::to_string).collect();
        assert_eq!(
            zone,
            [
                "_mta-sts.example.com.  TXT  \"v=STSv1; id=20261122T000000;\"",
                "_smtp._tls.example.com.  TXT  \"v=TLSRPTv1; rua=mailto:tls-reports@example.com\"",
                "_25._tcp.mx1.example.com.  TLSA  3 1 1 ae370d9b47589eb79bb257acf63ddd926943c24dc73e55dd4f522175aacbca96",
            ]
        );
        assert_eq!(
            publication.files[0].content,
            "version: STSv1\r\nmode: testing\r\nmx: mx1.example.com\r\nmax_age: 86400\r\n"
        );
    }

    #[test]
    fn what_is_generated_is_valid_by_our_own_parsers() {
        for mode in [StsMode::Enforce, StsMode::Testing] {
            let options = PublishOptions { mode, ..OPTIONS };
            let publication = publication(&fixtures::healthy(), &options, NOW);
            let parsed = waxseal_wire::sts::policy::parse(publication.files[0].content.as_bytes(), "1");
            assert!(parsed.errors.is_empty() && parsed.value.is_some_and(|p| p.mode == mode));
            let text = |n: usize| publication.records[n].data.trim_matches('"').to_owned();
            assert!(waxseal_wire::sts::record::select(&[text(0)]).record.is_some());
            assert!(waxseal_wire::tlsrpt::select(&[text(1)]).record.is_some());
        }
    }

    #[test]
    fn an_unsigned_zone_is_told_to_be_signed_first() {
        let mut evidence = fixtures::healthy();
        let host = &mut evidence.domain.as_mut().unwrap().hosts[0];
        host.answers.iter_mut().for_each(|a| a.status = DnssecStatus::Insecure);
        let notes = publication(&evidence, &OPTIONS, NOW).notes.join(" ");
        assert!(notes.contains("mx1.example.com is signed with DNSSEC"), "{notes}");
    }

    #[test]
    fn a_fix_is_the_same_when_it_is_judged_again_later() {
        let mut evidence = fixtures::healthy();
        fixtures::sts(&mut evidence).mode = StsMode::Testing;
        let profile = crate::profile("mail").unwrap();
        let fix = |now| {
            let report = crate::judge(&evidence, profile, now);
            report.findings.into_iter().find(|f| f.check == "sts.mode").unwrap().fix
        };
        assert!(fix(NOW).contains("id=20261122T000000"), "{}", fix(NOW));
        assert_eq!(fix(NOW), fix(NOW + 1));
    }

    #[test]
    fn absurd_times_give_an_id_all_the_same() {
        assert!(policy_id(i64::MIN).bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
