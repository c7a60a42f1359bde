//! A healthy sample for tests, and short ways to change it.

mod audit;
mod certificate;
mod identity;

use std::net::{Ipv4Addr, Ipv6Addr};

use waxseal_model::{
    Cause, CertificateFacts, DnsAnswer, DnssecStatus, DomainEvidence, Endpoint, EndpointEvidence, Evidence,
    Mta, Observed, PresentedChain, Target, TlsStart, Usage,
    audit::{AuditFacts, Sibling, SiblingCertificate},
    certificate::{KeyFacts, PathFacts, PathOutcome, Validation},
    dns::{DnsOutcome, DnsRecord, RecordData},
    evidence::{Cost, EndpointFacts, MailRouting, MxHost},
    policy::{
        CaaFacts, DaneFacts, EarlierPolicy, PolicyEvidence, PolicyFetch, StsDiscovery, StsMode, StsPolicy,
        StsProblem, StsStep, TlsRptRecord, TlsaFacts,
    },
    smtp::{Conversation, EhloFacts, EhloKeyword, Greeting, Reply, StarttlsOffer, Tally},
    tls::{
        ClassFact, DhFacts, FallbackScsv, Group, GroupFacts, Handshake, NegotiatedSuite, Suite, SuiteClass,
        SuiteOrder, TlsEvidence, TlsVersion,
    },
};

/// 2026-11-22 00:00 UTC.
pub(crate) const NOW: i64 = 1_795_305_600;
pub(crate) const DAY: i64 = 86_400;
pub(crate) const HOST: &str = "mx1.example.com";
/// A certificate for [`HOST`] with an EC key. Its own dates are others than those of
/// [`leaf`]: DANE-EE does not look at dates.
const LEAF_DER: &str = "MIIBlDCCATmgAwIBAgIUXC3sSAPkSuTqdTWVl4J1dtu7M1IwCgYIKoZIzj0EAwIwFzEVMBMGA1UEAwwMRXhhbXBs\
     ZSBDQSAxMCAXDTI2MTEyNTEzMzkwMloYDzIxMjYxMTAxMTMzOTAyWjAaMRgwFgYDVQQDDA9teDEuZXhhbXBsZS5j\
     b20wWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQhLzLbCMfLxUfwkfeqezsKUY81vTYDla1vvFu5ce0waLAkK8jI\
     +HeNNdQnhSsX7cUSEkXvMluk3XuvVBo1D+7qo14wXDAaBgNVHREEEzARgg9teDEuZXhhbXBsZS5jb20wHQYDVR0O\
     BBYEFI2eG5X7TW5tJjxiqN9tQPFxkhaLMB8GA1UdIwQYMBaAFJMXYm3K8lcb8hfG5U9r0+9BHLaGMAoGCCqGSM49\
     BAMCA0kAMEYCIQDU8/vaFEbKDq4bValzbrebmmR5h3QBecT6eo001vzYzgIhAKDp5r01jxpGDnsnZcFRPuRwA+ZE\
     N2FaAeIb7driCxSM";
/// SHA-256 of its SubjectPublicKeyInfo.
pub(crate) const SPKI_SHA256: &str = "ae370d9b47589eb79bb257acf63ddd926943c24dc73e55dd4f522175aacbca96";

/// A question that was put in vain.
pub(crate) fn failed<T>() -> Observed<T> {
    Observed::failed(Cause::Timeout, "no answer within 10 s")
}

/// A domain with one MX where every check is clear.
pub(crate) fn healthy() -> Evidence {
    Evidence {
        schema_version: waxseal_model::SCHEMA_VERSION,
        waxseal_version: "0.1.0".into(),
        target: Target::Domain { name: "example.com".into(), given: "example.com".into(), mailbox: false },
        started_at: NOW,
        domain: Some(domain_evidence()),
        host_addresses: Vec::new(),
        endpoints: vec![EndpointEvidence { endpoint: endpoint(), evidence: endpoint_facts() }],
        no_endpoint: None,
        cost: Cost { connections: 17, milliseconds: 140 },
    }
}

fn domain_evidence() -> DomainEvidence {
    let v4 = Ipv4Addr::new(198, 51, 101, 25);
    let v6 = Ipv6Addr::new(0x2600, 0xdb8, 0, 0, 0, 0, 0, 0x25);
    DomainEvidence {
        name: "example.com".into(),
        mx_answer: answer("example.com", "MX", RecordData::Mx { preference: 10, exchange: HOST.into() }),
        routing: MailRouting::Mx,
        hosts: vec![MxHost {
            preference: Some(10),
            name: HOST.into(),
            ip_literal: false,
            cname: None,
            answers: vec![
                answer(HOST, "A", RecordData::A { address: v4 }),
                answer(HOST, "AAAA", RecordData::Aaaa { address: v6 }),
            ],
            addresses: vec![v4.into(), v6.into()],
            reverse: vec![Observed::seen(vec![HOST.into()]), Observed::seen(vec![HOST.into()])],
        }],
        policies: PolicyEvidence {
            sts: Observed::seen(Some(StsPolicy {
                id: "20261101".into(),
                mode: StsMode::Enforce,
                mx: vec![HOST.into()],
                max_age: 604_800,
            })),
            tlsrpt: Observed::seen(Some(TlsRptRecord { rua: vec!["mailto:tls@example.com".into()] })),
            sts_discovery: sts_discovery(),
            caa: vec![caa_facts(&[(0, "issue", "letsencrypt.org")])],
            ..PolicyEvidence::default()
        },
        identity: identity::evidence(),
    }
}

/// The way to the policy of the sample, and the same policy a day before.
fn sts_discovery() -> StsDiscovery {
    let text = "v=STSv1; id=20261101;";
    let record = answer("_mta-sts.example.com", "TXT", RecordData::Txt { text: text.into() });
    let mut chain = chain();
    chain.sni = Some("mta-sts.example.com".into());
    chain.certificates[0].dns_names = vec!["mta-sts.example.com".into()];
    StsDiscovery {
        record_answer: Observed::seen(record),
        record_id: Some("20261101".into()),
        fetch: Observed::seen(PolicyFetch {
            url: "https://mta-sts.example.com/.well-known/mta-sts.txt".into(),
            answers: Vec::new(),
            address: Some(Ipv4Addr::new(198, 51, 101, 80).into()),
            chain: Some(chain),
            status: Some(200),
            content_type: Some("text/plain".into()),
            location: None,
            body: Some("version: STSv1\nmode: enforce\nmx: mx1.example.com\nmax_age: 604800\n".into()),
            sha256: Some("same".into()),
            milliseconds: 20,
        }),
        problem: None,
        unannounced: false,
        warnings: Vec::new(),
        earlier: Some(EarlierPolicy {
            seen_at: NOW - DAY,
            policy: StsPolicy {
                id: "20261101".into(),
                mode: StsMode::Enforce,
                mx: vec![HOST.into()],
                max_age: 604_800,
            },
            sha256: "same".into(),
        }),
    }
}

fn answer(name: &str, rtype: &str, data: RecordData) -> DnsAnswer {
    DnsAnswer {
        name: name.into(),
        rtype: rtype.into(),
        outcome: DnsOutcome::Records,
        status: DnssecStatus::Secure,
        reason: "signed by the zone".into(),
        canonical_name: None,
        records: vec![DnsRecord { name: name.into(), ttl: 3600, data }],
    }
}

fn endpoint() -> Endpoint {
    Endpoint {
        host: Some(HOST.into()),
        address: Ipv4Addr::new(198, 51, 101, 25).into(),
        port: 25,
        tls: TlsStart::Starttls,
        usage: Usage::Relay,
        connected_to: None,
    }
}

fn endpoint_facts() -> EndpointFacts {
    EndpointFacts {
        mx_preference: Some(10),
        reference_name: Some(HOST.into()),
        smtp: conversation(),
        tls: tls_evidence(),
        chains: Observed::seen(vec![chain()]),
        dane: Observed::seen(Some(DaneFacts {
            name: format!("_25._tcp.{HOST}"),
            status: DnssecStatus::Secure,
            records: vec![format!("3 1 1 {SPKI_SHA256}")],
            matches: Some(true),
            outcome: DnsOutcome::Records,
            reason: "signed by the zone".into(),
            base: HOST.into(),
            reference_names: vec![HOST.into(), "example.com".into()],
            tlsa: vec![TlsaFacts {
                usage: 3,
                selector: 1,
                matching_type: 1,
                data: SPKI_SHA256.into(),
                ttl: 3600,
                unusable: None,
                matched: vec![Some(0)],
            }],
            chains: None,
        })),
        transcript: Vec::new(),
        cost: Cost { connections: 17, milliseconds: 140 },
    }
}

/// A reply of one line.
pub(crate) fn reply(code: u16, text: &str) -> Reply {
    Reply { code, enhanced: None, lines: vec![text.into()] }
}

/// An EHLO answer with these keywords.
pub(crate) fn ehlo_facts(keywords: &[&str]) -> EhloFacts {
    let keyword = |line: &&str| {
        let mut words = line.split(' ').map(str::to_owned);
        EhloKeyword { name: words.next().unwrap_or_default(), parameters: words.collect() }
    };
    EhloFacts {
        reply: reply(250, HOST),
        server_name: Some(HOST.into()),
        keywords: keywords.iter().map(keyword).collect(),
        by_helo: false,
    }
}

fn conversation() -> Conversation {
    Conversation {
        connected: Observed::seen(2),
        greeting: Observed::seen(Greeting {
            reply: reply(220, "mx1.example.com ESMTP Postfix"),
            milliseconds: 3,
        }),
        ehlo_plain: Observed::seen(ehlo_facts(&["SIZE 1000000", "STARTTLS", "SMTPUTF8"])),
        starttls_offer: Observed::seen(StarttlsOffer::Advertised),
        starttls_reply: Observed::seen(reply(220, "2.0.0 Ready to start TLS")),
        plaintext_after_220: Observed::seen(None),
        ehlo_tls: Observed::seen(ehlo_facts(&["SIZE 1000000", "SMTPUTF8", "REQUIRETLS"])),
        mail_in_clear: Observed::seen(reply(250, "2.1.0 Ok")),
        starttls_seen: Tally { asked: 17, found: 17 },
        wrong_mode: None,
        not_smtp: None,
        software: Some(Mta::Postfix),
        back_off: None,
    }
}

fn tls_evidence() -> TlsEvidence {
    let modern = |v: TlsVersion| (v, Observed::seen(v >= TlsVersion::Tls12));
    TlsEvidence {
        handshake: Observed::seen(Handshake {
            version: TlsVersion::Tls13,
            suite: Suite { code: 0x1302, name: "TLS_AES_256_GCM_SHA384".into() },
            group: Some(Group { code: 0x11ec, name: "X25519MLKEM768".into() }),
            hello_retry: false,
            signature_scheme: Some("rsa_pss_rsae_sha256".into()),
            ocsp_stapled: false,
            client_certificate_requested: false,
            milliseconds: 4,
        }),
        versions: TlsVersion::ALL.into_iter().map(modern).collect(),
        suites_seen: Vec::new(),
        suite_classes: SuiteClass::ALL.into_iter().map(|c| (c, Observed::seen(class(false)))).collect(),
        forward_secrecy: Observed::seen(true),
        suite_order: Observed::seen(SuiteOrder::Server),
        compression: Observed::seen(Vec::new()),
        extended_master_secret: Observed::seen(true),
        secure_renegotiation: Observed::seen(true),
        encrypt_then_mac: Observed::seen(true),
        heartbeat: Observed::seen(false),
        session_ticket: Observed::seen(true),
        downgrade_sentinel: Observed::seen(true),
        fallback_scsv: Observed::seen(FallbackScsv::Honoured { alert: 86 }),
        group_facts: Observed::seen(GroupFacts {
            chosen: vec![Group { code: 0x11ec, name: "X25519MLKEM768".into() }],
            complete: true,
        }),
        post_quantum: Observed::seen(true),
        weak_groups: Observed::seen(Vec::new()),
        dh: Observed::seen(DhFacts {
            bits: 3072,
            known_prime: Some("RFC 7919 ffdhe3072".into()),
            prime: "ff".into(),
        }),
        sni_required: Observed::seen(false),
        suites: audit::suites(),
        groups: vec!["X25519MLKEM768".into()],
        signature_algorithms: vec!["rsa_pss_rsae_sha256".into()],
        audit: Some(Box::new(audit::facts())),
    }
}

/// Whether a class of suites is accepted, with one example.
fn class(accepted: bool) -> ClassFact {
    let suite = Suite { code: 0x0005, name: "TLS_RSA_WITH_EXAMPLE".into() };
    let example = NegotiatedSuite { version: TlsVersion::Tls12, suite };
    ClassFact {
        accepted,
        examples: if accepted { vec![example] } else { Vec::new() },
        offered_in: vec![TlsVersion::Tls12],
    }
}

/// A chain of two certificates that leads to a root.
pub(crate) fn chain() -> PresentedChain {
    let mut issuer = leaf();
    issuer.subject = "CN=Example CA 1".into();
    issuer.issuer = "CN=Example Root".into();
    issuer.is_ca = Some(true);
    issuer.dns_names.clear();
    issuer.not_after = NOW + 1000 * DAY;
    PresentedChain {
        version: TlsVersion::Tls13,
        sni: Some(HOST.into()),
        possession_proven: true,
        certificates: vec![leaf(), issuer],
        path: Observed::seen(PathFacts {
            roots: "system (142 roots)".into(),
            outcome: PathOutcome::Trusted,
            subjects: vec![format!("CN={HOST}"), "CN=Example CA 1".into(), "CN=Example Root".into()],
            depth: 0,
            used: vec![Some(0), Some(1), None],
            unordered_or_extra: false,
        }),
        staple: Observed::seen(Some(certificate::ocsp())),
        handshake_scts: Observed::seen(Vec::new()),
        revocation: Observed::seen(certificate::revocation()),
    }
}

/// A server certificate with 61 days to go.
pub(crate) fn leaf() -> CertificateFacts {
    CertificateFacts {
        der: LEAF_DER.into(),
        sha256: "00".into(),
        spki_sha256: SPKI_SHA256.into(),
        x509_version: 3,
        serial: "04d1a5c3e7b90f2846ac".into(),
        subject: format!("CN={HOST}"),
        issuer: "C=US, O=Let's Encrypt, CN=R11".into(),
        common_name: Some(HOST.into()),
        dns_names: vec![HOST.into()],
        ip_addresses: Vec::new(),
        not_before: NOW - 29 * DAY,
        not_after: NOW + 61 * DAY,
        key: KeyFacts { algorithm: "RSA".into(), bits: 3072, curve: None, rsa: Some(certificate::rsa()) },
        signature_algorithm: "sha256WithRSAEncryption".into(),
        signature_digest: Some("SHA-256".into()),
        self_issued: false,
        self_signed: false,
        is_ca: Some(false),
        extended_key_usage: Some(vec!["serverAuth".into()]),
        must_staple: false,
        issuer_urls: vec!["http://ca.example/1.der".into()],
        ocsp_urls: vec!["http://ocsp.ca.example/".into()],
        crl_urls: vec!["http://crl.ca.example/1.crl".into()],
        key_usage: Some(vec!["digitalSignature".into(), "keyEncipherment".into()]),
        subject_key_id: Some("11".into()),
        authority_key_id: Some("22".into()),
        policies: vec!["2.23.140.1.2.1".into()],
        validation: Some(Validation::Domain),
        scts: Observed::seen(certificate::scts()),
    }
}

pub(crate) use certificate::{own_rsa, own_staple, revocation_of_leaf};
pub(crate) use identity::{dkim_key, dmarc, dmarc_record, message, spf, spf_cost, spf_facts, spf_outcome};

/// The CAA records of the one MX host, at its domain.
fn caa_facts(records: &[(u8, &str, &str)]) -> CaaFacts {
    let record = |(flags, tag, value): &(u8, &str, &str)| RecordData::Caa {
        flags: *flags,
        tag: (*tag).into(),
        value: (*value).into(),
    };
    let mut found = answer("example.com", "CAA", RecordData::Txt { text: String::new() });
    found.records = records
        .iter()
        .map(|r| DnsRecord { name: "example.com".into(), ttl: 3600, data: record(r) })
        .collect();
    if found.records.is_empty() {
        found.outcome = DnsOutcome::NoData;
    }
    CaaFacts { name: HOST.into(), answer: Observed::seen(found) }
}

/// Publishes these CAA records and no others.
pub(crate) fn caa(e: &mut Evidence, records: &[(u8, &str, &str)]) {
    domain(e).policies.caa = vec![caa_facts(records)];
}

pub(crate) fn domain(e: &mut Evidence) -> &mut DomainEvidence {
    e.domain.as_mut().unwrap()
}

/// The MTA-STS policy in force.
pub(crate) fn sts(e: &mut Evidence) -> &mut StsPolicy {
    match &mut domain(e).policies.sts {
        Observed::Seen { value: Some(policy) } => policy,
        other => panic!("no policy in {other:?}"),
    }
}

/// Ends the discovery of the MTA-STS policy with a problem.
pub(crate) fn sts_problem(e: &mut Evidence, step: StsStep, text: &str) {
    let policies = &mut domain(e).policies;
    policies.sts = Observed::seen(None);
    policies.sts_discovery.problem = Some(StsProblem { step, text: text.into() });
}

/// Lets the policy file of the check before have this digest.
pub(crate) fn earlier_policy(e: &mut Evidence, sha256: &str) {
    if let Some(earlier) = &mut domain(e).policies.sts_discovery.earlier {
        earlier.sha256 = sha256.into();
    }
}

/// The certificate of the policy host.
pub(crate) fn policy_host(e: &mut Evidence) -> &mut CertificateFacts {
    match &mut domain(e).policies.sts_discovery.fetch {
        Observed::Seen { value } => &mut value.chain.as_mut().unwrap().certificates[0],
        other => panic!("no policy host in {other:?}"),
    }
}

/// The TLSA records of the endpoint.
pub(crate) fn dane(e: &mut Evidence) -> &mut DaneFacts {
    match &mut facts(e).dane {
        Observed::Seen { value: Some(dane) } => dane,
        other => panic!("no TLSA records in {other:?}"),
    }
}

/// Adds a TLSA record `3 0 n` that matches nothing.
pub(crate) fn stray_tlsa(e: &mut Evidence, matching_type: u8) {
    let stray = TlsaFacts {
        usage: 3,
        selector: 0,
        matching_type,
        data: "22".repeat(64),
        ttl: 3600,
        unusable: None,
        matched: vec![None],
    };
    dane(e).tlsa.push(stray);
}

/// Adds a second MX host like the first, changed.
pub(crate) fn second_mx(e: &mut Evidence, change: impl FnOnce(&mut EndpointFacts)) {
    let mut second = e.endpoints[0].clone();
    second.endpoint.host = Some("mx2.example.com".into());
    second.endpoint.address = Ipv4Addr::new(198, 51, 101, 26).into();
    change(&mut second.evidence);
    e.endpoints.push(second);
}

/// The domain's one MX host.
pub(crate) fn mx(e: &mut Evidence) -> &mut MxHost {
    &mut domain(e).hosts[0]
}

/// Empties the address answers of the domain's one MX host.
pub(crate) fn no_addresses(e: &mut Evidence, outcome: DnsOutcome) {
    let host = mx(e);
    host.addresses.clear();
    host.reverse.clear();
    for answer in &mut host.answers {
        answer.outcome = outcome;
        answer.records.clear();
    }
}

pub(crate) fn facts(e: &mut Evidence) -> &mut EndpointFacts {
    &mut e.endpoints[0].evidence
}

pub(crate) fn smtp(e: &mut Evidence) -> &mut Conversation {
    &mut facts(e).smtp
}

pub(crate) fn tls(e: &mut Evidence) -> &mut TlsEvidence {
    &mut facts(e).tls
}

/// What only an audit found out.
pub(crate) fn audit(e: &mut Evidence) -> &mut AuditFacts {
    tls(e).audit.as_mut().unwrap()
}

/// Makes the endpoint one for users' submission by STARTTLS.
pub(crate) fn submission(e: &mut Evidence) {
    e.endpoints[0].endpoint.port = 587;
    e.endpoints[0].endpoint.usage = Usage::Submission;
}

/// Lets the server accept a version (or not).
pub(crate) fn version(e: &mut Evidence, version: TlsVersion, accepted: bool) {
    tls(e).versions.insert(version, Observed::seen(accepted));
}

/// Leaves a version without an answer.
pub(crate) fn version_unknown(e: &mut Evidence, version: TlsVersion) {
    tls(e).versions.insert(version, failed());
}

/// Lets the server accept only this version.
pub(crate) fn only_version(e: &mut Evidence, only: TlsVersion) {
    tls(e).handshake = Observed::failed(Cause::Declined, "alert 70 (protocol_version)");
    for v in TlsVersion::ALL {
        version(e, v, v == only);
    }
}

/// Lets the server accept a class of suites.
pub(crate) fn accept(e: &mut Evidence, of: SuiteClass) {
    tls(e).suite_classes.insert(of, Observed::seen(class(true)));
}

/// Leaves a class of suites without an answer, and the suites unlisted.
pub(crate) fn class_unknown(e: &mut Evidence, of: SuiteClass) {
    tls(e).suite_classes.insert(of, failed());
    if let Some(audit) = &mut tls(e).audit {
        audit.suite_lists.clear();
    }
}

/// Lets the server choose a suite, once.
pub(crate) fn chosen(e: &mut Evidence, version: TlsVersion, code: u32) {
    let suite = waxseal_wire::tls::suites::suite(code);
    tls(e).suites_seen.push(NegotiatedSuite { version, suite });
}

/// Another port of mail on the same address, with the same certificate.
pub(crate) fn sibling(port: u16, start: TlsStart) -> Sibling {
    let certificate =
        SiblingCertificate { leaf_sha256: leaf().sha256, spki_sha256: SPKI_SHA256.into(), is_rsa: true };
    Sibling { port, tls: start, certificate: Observed::seen(Some(certificate)), ssl2: Observed::seen(false) }
}

/// The first presented chain.
pub(crate) fn first_chain(e: &mut Evidence) -> &mut PresentedChain {
    match &mut facts(e).chains {
        Observed::Seen { value } => &mut value[0],
        other => panic!("no chain in {other:?}"),
    }
}

/// The path of the first presented chain.
pub(crate) fn path(e: &mut Evidence) -> &mut PathFacts {
    match &mut first_chain(e).path {
        Observed::Seen { value } => value,
        other => panic!("no path in {other:?}"),
    }
}

/// The server's own certificate.
pub(crate) fn own_certificate(e: &mut Evidence) -> &mut CertificateFacts {
    &mut first_chain(e).certificates[0]
}

/// The chains could not be read.
pub(crate) fn no_chains(e: &mut Evidence) {
    facts(e).chains = failed();
}

/// The port did not answer.
pub(crate) fn unreachable(e: &mut Evidence) {
    *facts(e) = EndpointFacts {
        reference_name: Some(HOST.into()),
        smtp: Conversation { connected: failed(), ..Conversation::default() },
        ..EndpointFacts::default()
    };
}

/// STARTTLS is not offered, so no TLS is known.
pub(crate) fn plaintext_only(e: &mut Evidence) {
    smtp(e).starttls_offer = Observed::seen(StarttlsOffer::Absent);
    smtp(e).starttls_reply = Observed::default();
    smtp(e).ehlo_plain = Observed::seen(ehlo_facts(&["SIZE 1000000"]));
    smtp(e).starttls_seen = Tally { asked: 1, found: 0 };
    facts(e).tls = TlsEvidence::default();
    facts(e).chains = Observed::default();
}

/// The Diffie-Hellman parameters.
pub(crate) fn dh(e: &mut Evidence) -> &mut DhFacts {
    match &mut tls(e).dh {
        Observed::Seen { value } => value,
        other => panic!("no parameters in {other:?}"),
    }
}

/// The full handshake.
pub(crate) fn handshake(e: &mut Evidence) -> &mut Handshake {
    match &mut tls(e).handshake {
        Observed::Seen { value } => value,
        other => panic!("no handshake in {other:?}"),
    }
}
