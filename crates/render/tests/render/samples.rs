//! Reports as scans of typical and of broken servers give them, made by hand.

use std::{collections::BTreeMap, net::IpAddr};

use waxseal_model::{
    CertificateFacts, Confidence, DnsAnswer, DnssecStatus, DomainEvidence, Endpoint, EndpointEvidence,
    Evidence, Finding, Grade, Letter, Observed, PresentedChain, Report, Severity, Target, TlsStart, Usage,
    VerdictKind, Why,
    certificate::{KeyFacts, PathFacts, PathOutcome, Validation},
    dns::{DnsOutcome, DnsRecord, RecordData},
    evidence::{Cost, EndpointFacts, MailRouting, MxHost},
    finding::VerdictEntry,
    grade::{AuthenticationMark, Cap, EncryptionMark},
    identity::IdentityEvidence,
    observed::Cause,
    policy::PolicyEvidence,
    revocation::SctFacts,
    smtp::{
        BackOff, Conversation, EhloFacts, EhloKeyword, Greeting, Reply, Speaker, StarttlsOffer,
        TranscriptLine,
    },
    tls::{Group, Handshake, Suite, TlsEvidence, TlsVersion},
};

use crate::audits;

/// 2026-11-22 00:00 UTC.
pub(crate) const NOW: i64 = 1_795_305_600;
const DAY: i64 = 86_400;

/// All samples with their names.
pub(crate) fn all() -> Vec<(&'static str, Report)> {
    vec![
        ("healthy", healthy()),
        ("plaintext_only", plaintext_only()),
        ("self_signed", self_signed()),
        ("one_bad_mx_of_two", one_bad_mx_of_two()),
        ("unreachable", unreachable()),
        ("no_such_domain", no_such_domain()),
        ("null_mx", null_mx()),
        ("ipv6_host_port", ipv6_host_port()),
        ("rate_limited", rate_limited()),
        ("old_tls_long_names", old_tls_long_names()),
        ("audited", audits::audited()),
        ("vulnerable", audits::vulnerable()),
        ("undetermined", audits::undetermined()),
    ]
}

/// Two MX, sound in all that was looked at.
pub(crate) fn healthy() -> Report {
    let mut r = domain("example.com", &[(10, "mx1.example.com", &["192.0.2.25", "2001:db8::25"])]);
    r.endpoints.iter_mut().for_each(|e| e.evidence = good("mx1.example.com"));
    r.grade = Grade {
        letter: Some(Letter::C),
        encryption: EncryptionMark::Good,
        encryption_why: "TLS 1.3 and 1.2 on every MX, nothing older".into(),
        authentication: AuthenticationMark::Certificate,
        authentication_why: "valid certificates; published policies were not tried".into(),
        caps: vec![Cap {
            letter: Letter::C,
            rule: "no_policy".into(),
            why: "no published policy that tells senders to insist on TLS was seen".into(),
        }],
        provisional: true,
        profile: "mail".into(),
        lift: None,
        summary: "Mail to example.com is encrypted, with valid certificates on every MX.".into(),
    };
    r.findings = r
        .endpoints
        .iter()
        .map(|e| Finding {
            check: "tls.anonymous".into(),
            severity: Severity::Info,
            confidence: Confidence::High,
            endpoint: Some(e.endpoint.id()),
            title: "Anonymous suites are offered".into(),
            detail: "On port 25 this harms nobody: senders that verify never offer them.".into(),
            fix: String::new(),
            retest: "waxseal check mx1.example.com:25".into(),
            importance: 0,
        })
        .collect();
    verdicts(&mut r, &["tls.anonymous"], None);
    r.cost = Cost { connections: 34, milliseconds: 294 };
    r
}

/// STARTTLS is not offered.
pub(crate) fn plaintext_only() -> Report {
    let mut r = domain("plain.example", &[(10, "mx.plain.example", &["192.0.2.30"])]);
    for e in &mut r.endpoints {
        let mut smtp = greeted("mx.plain.example", &[]);
        smtp.starttls_offer = Observed::seen(StarttlsOffer::Absent);
        smtp.mail_in_clear = Observed::seen(reply(250, "2.1.0 Ok"));
        e.evidence.smtp = smtp;
        e.evidence.transcript = transcript();
    }
    r.grade = Grade {
        letter: Some(Letter::F),
        encryption: EncryptionMark::None,
        encryption_why: "mx.plain.example takes mail only in clear".into(),
        authentication: AuthenticationMark::None,
        authentication_why: "without TLS there is nothing to verify".into(),
        caps: vec![Cap {
            letter: Letter::F,
            rule: "plaintext".into(),
            why: "mx.plain.example does not offer STARTTLS".into(),
        }],
        provisional: false,
        profile: "mail".into(),
        lift: None,
        summary: "Mail to plain.example travels in clear: anyone on the path can read it.".into(),
    };
    r.findings = vec![finding(
        "smtp.no_starttls",
        Severity::Critical,
        Some(r.endpoints[0].endpoint.id()),
        "STARTTLS is not offered",
        "The EHLO reply lists no STARTTLS, and MAIL FROM in clear was accepted (250 2.1.0 Ok). Senders that \
         require TLS refuse to deliver here; all others send in clear.",
        "Give the server a certificate and offer STARTTLS.\nPostfix:\n  smtpd_tls_chain_files = KEY, \
         FULLCHAIN\n  smtpd_tls_security_level = may\n  postfix reload",
        100,
    )];
    verdicts(&mut r, &["smtp.no_starttls"], None);
    let why = "no TLS: STARTTLS is not offered";
    for v in
        r.verdicts.iter_mut().filter(|v| v.check.starts_with("tls.") || v.check.starts_with("certificate."))
    {
        v.verdict = VerdictKind::Undetermined;
        v.why = why.into();
    }
    r.cost = Cost { connections: 2, milliseconds: 41 };
    r
}

/// A submission host with a certificate signed by itself that has also expired.
pub(crate) fn self_signed() -> Report {
    let target =
        Target::Host { name: "mail.example.net".into(), given: "mail.example.net".into(), port: 587 };
    let mut facts = good("mail.example.net");
    if let Observed::Seen { value } = &mut facts.chains {
        value[0].certificates[0].not_after = NOW - 3 * DAY;
        value[0].certificates[0].self_signed = true;
        if let Observed::Seen { value: path } = &mut value[0].path {
            path.outcome = PathOutcome::SelfSignedLeaf;
        }
    }
    facts.tls.versions.insert(TlsVersion::Tls10, Observed::seen(true));
    facts.tls.versions.insert(TlsVersion::Tls11, Observed::failed(Cause::Timeout, "no answer within 5 s"));
    let endpoint = endpoint(Some("mail.example.net"), "198.51.100.7", 587, TlsStart::Starttls);
    let id = endpoint.id();
    let mut r = report(target, None, vec![EndpointEvidence { endpoint, evidence: facts }]);
    r.grade = Grade {
        letter: Some(Letter::D),
        encryption: EncryptionMark::Fair,
        encryption_why: "TLS 1.3, with TLS 1.0 beside it".into(),
        authentication: AuthenticationMark::None,
        authentication_why: "the certificate is signed by itself".into(),
        caps: vec![Cap {
            letter: Letter::D,
            rule: "certificate".into(),
            why: "mail.example.net has no certificate that a client can verify".into(),
        }],
        provisional: false,
        profile: "mail".into(),
        lift: None,
        summary: "Mail programs that verify certificates refuse mail.example.net:587.".into(),
    };
    r.findings = self_signed_findings(id);
    verdicts(
        &mut r,
        &["certificate.untrusted", "certificate.expired", "tls.old_version"],
        Some("no answer within 5 s"),
    );
    r
}

fn self_signed_findings(id: String) -> Vec<Finding> {
    vec![
        finding(
            "certificate.untrusted",
            Severity::High,
            Some(id.clone()),
            "The certificate is signed by itself",
            "Nobody but this server vouches for it, so clients cannot tell it from an attacker's. OpenSSL \
             says: verify error 18, self-signed certificate.",
            "Get a certificate from a public CA and install it with its chain.\nPostfix:\n  \
             smtpd_tls_chain_files = /etc/ssl/private/mail.example.net.key, \
             /etc/ssl/certs/mail.example.net-fullchain.pem",
            90,
        ),
        finding(
            "certificate.expired",
            Severity::High,
            Some(id.clone()),
            "The certificate expired 3 days ago (2026-11-19)",
            "Clients refuse it whoever signed it.",
            "Renew it, and reload the server: a renewed file is not used before that.",
            88,
        ),
        finding(
            "tls.old_version",
            Severity::Medium,
            Some(id),
            "TLS 1.0 is accepted",
            "RFC 8996 forbids it. Clients that can do better are not harmed.",
            "Postfix:\n  smtpd_tls_protocols = >=TLSv1.2",
            40,
        ),
    ]
}

/// The second MX has a certificate for another name and an address that does not answer;
/// the third does not exist.
pub(crate) fn one_bad_mx_of_two() -> Report {
    let mut r = domain(
        "example.com",
        &[
            (10, "mx1.example.com", &["192.0.2.25"]),
            (20, "mx2.example.com", &["192.0.2.26", "2001:db8::26"]),
            (30, "mx3.example.com", &[]),
        ],
    );
    let timeout = Why::new(Cause::Timeout, "the connection timed out after 5 s");
    for e in &mut r.endpoints {
        let name = e.endpoint.host.clone().unwrap();
        e.evidence = good(&name);
        if e.endpoint.address.is_ipv6() {
            e.evidence.smtp = Conversation {
                connected: Observed::Failed { why: timeout.clone() },
                ..Conversation::default()
            };
            e.evidence.tls = TlsEvidence::default();
            e.evidence.chains = Observed::default();
        }
    }
    let bad = r.endpoints[1].endpoint.id();
    r.grade = Grade {
        letter: Some(Letter::D),
        encryption: EncryptionMark::Good,
        encryption_why: "TLS 1.3 on both MX that answered, TLS 1.2 accepted".into(),
        authentication: AuthenticationMark::None,
        authentication_why: "mx2's certificate is for another name".into(),
        caps: vec![
            Cap {
                letter: Letter::D,
                rule: "certificate".into(),
                why: "mx2.example.com: the certificate is for old.example.com".into(),
            },
            Cap { letter: Letter::C, rule: "no_policy".into(), why: "no published policy was seen".into() },
        ],
        provisional: true,
        profile: "mail".into(),
        lift: None,
        summary: "Mail to example.com is encrypted today, but whoever sits on the path can strip the TLS: \
                  nothing tells senders to insist on it."
            .into(),
    };
    r.findings = bad_mx_findings(bad);
    r.senders = crate::senders::views();
    verdicts(&mut r, &["certificate.name_mismatch", "dns.dangling_mx"], None);
    for v in r.verdicts.iter_mut().filter(|v| v.endpoint.as_deref().is_some_and(|e| e.contains("2001"))) {
        v.verdict = VerdictKind::Undetermined;
        v.why = timeout.text.clone();
    }
    r.cost = Cost { connections: 35, milliseconds: 5_120 };
    r
}

fn bad_mx_findings(bad: String) -> Vec<Finding> {
    vec![
        finding(
            "certificate.name_mismatch",
            Severity::High,
            Some(bad),
            "The certificate is for old.example.com",
            "Senders that verify (MTA-STS in enforce mode, gateways with a name rule) will not deliver to \
             mx2.example.com.",
            "Replace the certificate by one that names mx2.example.com.\nPostfix:\n  smtpd_tls_chain_files \
             = KEY, FULLCHAIN\n  postfix reload",
            80,
        ),
        finding(
            "dns.dangling_mx",
            Severity::Medium,
            None,
            "mx3.example.com has no address",
            "Senders lose time on it before they try the others.",
            "Remove the record, or give the name an address:\n  example.com. MX 30 mx3.example.com.",
            50,
        ),
    ]
}

/// Port 25 is filtered.
pub(crate) fn unreachable() -> Report {
    let mut r = domain("far.example", &[(10, "mx.far.example", &["203.0.113.9"])]);
    for e in &mut r.endpoints {
        e.evidence.smtp.connected =
            Observed::failed(Cause::Timeout, "no connection to 203.0.113.9:25 within 5 s");
    }
    r.grade = ungraded("No server of far.example could be reached, so nothing is known about its TLS.");
    verdicts(&mut r, &[], None);
    for v in r.verdicts.iter_mut().filter(|v| v.endpoint.is_some()) {
        v.verdict = VerdictKind::Undetermined;
        v.why = "no connection to 203.0.113.9:25 within 5 s".into();
    }
    r.cost = Cost { connections: 1, milliseconds: 5_002 };
    r
}

/// The name does not exist.
pub(crate) fn no_such_domain() -> Report {
    let mut r = domain("exmaple.invalid", &[]);
    let d = r.domain.as_mut().unwrap();
    d.routing = MailRouting::NoSuchDomain;
    d.mx_answer.outcome = DnsOutcome::NxDomain;
    r.no_endpoint = Some(Why::new(Cause::Name, "exmaple.invalid does not exist (NXDOMAIN)"));
    r.grade = ungraded("exmaple.invalid does not exist (NXDOMAIN): no mail can be delivered to it.");
    r.cost = Cost { connections: 0, milliseconds: 12 };
    r
}

/// The domain takes no mail.
pub(crate) fn null_mx() -> Report {
    let mut r = domain("nomail.example", &[]);
    let d = r.domain.as_mut().unwrap();
    d.routing = MailRouting::NullMx;
    d.mx_answer.records = vec![DnsRecord {
        name: "nomail.example".into(),
        ttl: 3600,
        data: RecordData::Mx { preference: 0, exchange: String::new() },
    }];
    r.no_endpoint = Some(Why::new(Cause::NotApplicable, "the domain takes no mail (null MX)"));
    r.grade =
        ungraded("nomail.example publishes a null MX: it takes no mail, so there is nothing to protect.");
    verdicts(&mut r, &[], None);
    r.cost = Cost { connections: 0, milliseconds: 8 };
    r
}

/// One address with implicit TLS.
pub(crate) fn ipv6_host_port() -> Report {
    let address: IpAddr = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
    let target = Target::Address { address, port: 465 };
    let mut facts = good("unused.example");
    facts.reference_name = None;
    let endpoint = endpoint(None, &address.to_string(), 465, TlsStart::Implicit);
    let mut r = report(target, None, vec![EndpointEvidence { endpoint, evidence: facts }]);
    r.grade = Grade {
        letter: Some(Letter::C),
        encryption: EncryptionMark::Good,
        encryption_why: "TLS 1.3 and 1.2, nothing older".into(),
        authentication: AuthenticationMark::Unknown,
        authentication_why: "an address names no certificate; give --server-name".into(),
        ..ungraded("Mail handed in at this address is encrypted; whose certificate it is was not compared.")
    };
    verdicts(&mut r, &[], None);
    for v in r.verdicts.iter_mut().filter(|v| v.check == "certificate.name_mismatch") {
        v.verdict = VerdictKind::Undetermined;
        v.why = "no name is known to compare the certificate with; give --server-name".into();
    }
    r
}

/// The server asked us to go away half-way.
pub(crate) fn rate_limited() -> Report {
    let mut r = domain("busy.example", &[(0, "mx.busy.example", &["192.0.2.77"])]);
    let why = Why::new(Cause::RateLimited, "the server asked to slow down (421 4.7.0 Too many connections)");
    for e in &mut r.endpoints {
        e.evidence = good("mx.busy.example");
        e.evidence.smtp.back_off = Some(BackOff {
            what: "421 4.7.0 Too many connections".into(),
            stage: "greeting".into(),
            after_connections: 3,
        });
        for version in [TlsVersion::Ssl2, TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls11] {
            e.evidence.tls.versions.insert(version, Observed::NotTried { why: why.clone() });
        }
    }
    r.grade = Grade { letter: Some(Letter::C), ..healthy().grade };
    r.grade.encryption_why = "TLS 1.3; older versions could not be tested".into();
    r.grade.summary = "Mail to busy.example is encrypted; the server stopped us before all was asked.".into();
    verdicts(&mut r, &[], None);
    let unknown =
        ["tls.old_version", "tls.weak_suites", "tls.compression", "tls.fallback_scsv", "tls.anonymous"];
    for v in r.verdicts.iter_mut().filter(|v| unknown.contains(&v.check.as_str())) {
        v.verdict = VerdictKind::Undetermined;
        v.why = why.text.clone();
    }
    r.cost = Cost { connections: 3, milliseconds: 2_310 };
    r
}

/// Long host names, three weak servers with the same faults.
pub(crate) fn old_tls_long_names() -> Report {
    let names = ["inbound-smtp-a", "inbound-smtp-b", "inbound-smtp-c"]
        .map(|n| format!("{n}.eu-central-1.mail.hosting.example.org"));
    let hosts: Vec<(u16, &str, &[&str])> = vec![
        (10, &names[0], &["2001:db8:aaaa:bbbb:cccc:dddd:eeee:1"]),
        (10, &names[1], &["2001:db8:aaaa:bbbb:cccc:dddd:eeee:2"]),
        (10, &names[2], &["2001:db8:aaaa:bbbb:cccc:dddd:eeee:3"]),
    ];
    let mut r = domain("hosted.example", &hosts);
    for e in &mut r.endpoints {
        let name = e.endpoint.host.clone().unwrap();
        e.evidence = good(&name);
        for (version, on) in e.evidence.tls.versions.iter_mut() {
            *on = Observed::seen(*version <= TlsVersion::Tls10 && *version >= TlsVersion::Ssl3);
        }
        e.evidence.tls.handshake = Observed::failed(Cause::Declined, "alert 70, protocol_version");
        if let Observed::Seen { value } = &mut e.evidence.chains
            && let Observed::Seen { value: path } = &mut value[0].path
        {
            path.outcome = PathOutcome::LeafIssuerMissing;
        }
    }
    r.grade = Grade {
        letter: Some(Letter::E),
        encryption: EncryptionMark::Weak,
        encryption_why: "only TLS 1.0 and SSLv3 on every MX".into(),
        authentication: AuthenticationMark::None,
        authentication_why: "no certificate path to a root on any MX".into(),
        caps: names
            .iter()
            .map(|n| Cap {
                letter: Letter::E,
                rule: "old_tls".into(),
                why: format!("{n} knows nothing newer than TLS 1.0"),
            })
            .collect(),
        provisional: false,
        profile: "mail".into(),
        lift: None,
        summary: "Senders with current software cannot negotiate TLS with hosted.example.".into(),
    };
    r.findings = old_tls_findings(&r.endpoints);
    verdicts(&mut r, &["tls.old_version", "certificate.missing_intermediate"], None);
    r.cost = Cost { connections: 51, milliseconds: 1_733 };
    r
}

fn old_tls_findings(endpoints: &[EndpointEvidence]) -> Vec<Finding> {
    let ids: Vec<String> = endpoints.iter().map(|e| e.endpoint.id()).collect();
    let old = ids.iter().map(|id| {
        finding(
            "tls.old_version",
            Severity::High,
            Some(id.clone()),
            &format!("{} accepts nothing newer than TLS 1.0", id.split('[').next().unwrap()),
            "RFC 8996 forbids TLS 1.0 and 1.1. Current senders refuse them and fall back to clear text, or \
             defer the mail.",
            "Allow TLS 1.2 and 1.3; if the TLS library is too old to know them, the system must be upgraded.",
            85,
        )
    });
    let chain = ids.iter().take(2).map(|id| Finding {
        confidence: Confidence::Medium,
        ..finding(
            "certificate.missing_intermediate",
            Severity::Medium,
            Some(id.clone()),
            "An intermediate certificate is missing",
            "Only the leaf is sent. OpenSSL says: verify error 21, unable to verify the first certificate.",
            "Install the full chain: leaf first, then the intermediates.",
            70,
        )
    });
    old.chain(chain).collect()
}

/// An answer for MX with an alias before it.
pub(crate) fn dns_answer() -> DnsAnswer {
    let record = |name: &str, data| DnsRecord { name: name.into(), ttl: 300, data };
    DnsAnswer {
        name: "www.example.com".into(),
        rtype: "MX".into(),
        outcome: DnsOutcome::Records,
        status: DnssecStatus::Secure,
        reason: "Signatures lead from the root's trust anchor through com and example.com to the answer."
            .into(),
        canonical_name: Some("example.com".into()),
        records: vec![
            record("www.example.com", RecordData::Cname { target: "example.com".into() }),
            record("example.com", RecordData::Mx { preference: 10, exchange: "mx1.example.com".into() }),
            record("example.com", RecordData::Txt { text: "v=spf1 -all ".repeat(20) }),
        ],
    }
}

/// A report with nothing observed at the addresses of these hosts.
pub(crate) fn domain(name: &str, hosts: &[(u16, &str, &[&str])]) -> Report {
    let target = Target::Domain { name: name.into(), given: name.into(), mailbox: false };
    let mut endpoints = Vec::new();
    let mut mx = Vec::new();
    for (preference, host, addresses) in hosts {
        for address in *addresses {
            let mut evidence = EndpointFacts { mx_preference: Some(*preference), ..EndpointFacts::default() };
            evidence.reference_name = Some((*host).into());
            endpoints.push(EndpointEvidence {
                endpoint: endpoint(Some(host), address, 25, TlsStart::Starttls),
                evidence,
            });
        }
        mx.push(MxHost {
            preference: Some(*preference),
            name: (*host).into(),
            ip_literal: false,
            cname: None,
            answers: Vec::new(),
            addresses: addresses.iter().map(|a| a.parse().unwrap()).collect(),
            reverse: Vec::new(),
        });
    }
    let domain = DomainEvidence {
        name: name.into(),
        mx_answer: DnsAnswer {
            name: name.into(),
            rtype: "MX".into(),
            outcome: DnsOutcome::Records,
            status: DnssecStatus::Insecure,
            reason: "the zone is not signed".into(),
            canonical_name: None,
            records: Vec::new(),
        },
        routing: MailRouting::Mx,
        hosts: mx,
        policies: PolicyEvidence::default(),
        identity: IdentityEvidence::default(),
    };
    report(target, Some(domain), endpoints)
}

pub(crate) fn report(
    target: Target,
    domain: Option<DomainEvidence>,
    endpoints: Vec<EndpointEvidence>,
) -> Report {
    let evidence = Evidence {
        schema_version: waxseal_model::SCHEMA_VERSION,
        waxseal_version: "0.1.0".into(),
        target,
        started_at: NOW,
        domain,
        host_addresses: Vec::new(),
        endpoints,
        no_endpoint: None,
        cost: Cost { connections: 17, milliseconds: 143 },
    };
    Report::new(evidence, ungraded(""), Vec::new(), Vec::new(), Vec::new(), Vec::new())
}

fn ungraded(summary: &str) -> Grade {
    Grade {
        letter: None,
        encryption: EncryptionMark::Unknown,
        encryption_why: "nothing was observed".into(),
        authentication: AuthenticationMark::Unknown,
        authentication_why: "nothing was observed".into(),
        caps: Vec::new(),
        provisional: false,
        profile: "mail".into(),
        lift: None,
        summary: summary.into(),
    }
}

fn endpoint(host: Option<&str>, address: &str, port: u16, tls: TlsStart) -> Endpoint {
    Endpoint {
        host: host.map(Into::into),
        address: address.parse().unwrap(),
        port,
        tls,
        usage: if port == 25 { Usage::Relay } else { Usage::Submission },
        connected_to: None,
    }
}

fn reply(code: u16, text: &str) -> Reply {
    Reply { code, enhanced: None, lines: vec![text.into()] }
}

fn greeted(host: &str, keywords: &[&str]) -> Conversation {
    let keyword = |name: &&str| EhloKeyword { name: (*name).into(), parameters: Vec::new() };
    Conversation {
        connected: Observed::seen(3),
        greeting: Observed::seen(Greeting {
            reply: reply(220, &format!("{host} ESMTP Postfix")),
            milliseconds: 7,
        }),
        ehlo_plain: Observed::seen(EhloFacts {
            reply: reply(250, host),
            server_name: Some(host.into()),
            keywords: keywords.iter().map(keyword).collect(),
            by_helo: false,
        }),
        ..Conversation::default()
    }
}

/// A sound server whose certificate has 61 days left.
pub(crate) fn good(host: &str) -> EndpointFacts {
    let mut smtp = greeted(host, &["SIZE", "STARTTLS"]);
    smtp.starttls_offer = Observed::seen(StarttlsOffer::Advertised);
    smtp.starttls_reply = Observed::seen(reply(220, "2.0.0 Ready to start TLS"));
    let versions = TlsVersion::ALL
        .into_iter()
        .map(|v| (v, Observed::seen(v >= TlsVersion::Tls12)))
        .collect::<BTreeMap<_, _>>();
    let handshake = Handshake {
        version: TlsVersion::Tls13,
        suite: Suite { code: 0x1302, name: "TLS_AES_256_GCM_SHA384".into() },
        group: Some(Group { code: 0x11ec, name: "X25519MLKEM768".into() }),
        hello_retry: false,
        signature_scheme: Some("ecdsa_secp256r1_sha256".into()),
        ocsp_stapled: false,
        client_certificate_requested: false,
        milliseconds: 9,
    };
    EndpointFacts {
        mx_preference: Some(10),
        reference_name: Some(host.into()),
        smtp,
        tls: TlsEvidence { handshake: Observed::seen(handshake), versions, ..TlsEvidence::default() },
        chains: Observed::seen(vec![chain(host)]),
        transcript: transcript(),
        ..EndpointFacts::default()
    }
}

fn chain(host: &str) -> PresentedChain {
    PresentedChain {
        version: TlsVersion::Tls13,
        sni: Some(host.into()),
        possession_proven: true,
        certificates: vec![CertificateFacts {
            der: "MIIB".into(),
            sha256: "00".repeat(32),
            spki_sha256: "11".repeat(32),
            x509_version: 3,
            serial: "0a7c4e9126d35b80f1".into(),
            subject: format!("CN={host}"),
            issuer: "CN=Sample CA".into(),
            common_name: Some(host.into()),
            dns_names: vec![host.into()],
            ip_addresses: Vec::new(),
            not_before: NOW - 29 * DAY,
            not_after: NOW + 61 * DAY,
            key: KeyFacts { algorithm: "EC".into(), bits: 256, curve: Some("P-256".into()), rsa: None },
            signature_algorithm: "ecdsa-with-SHA256".into(),
            signature_digest: Some("SHA-256".into()),
            self_issued: false,
            self_signed: false,
            is_ca: Some(false),
            extended_key_usage: Some(vec!["serverAuth".into()]),
            must_staple: false,
            issuer_urls: Vec::new(),
            ocsp_urls: Vec::new(),
            crl_urls: vec!["http://crl.sample.example/1.crl".into()],
            key_usage: Some(vec!["digitalSignature".into()]),
            subject_key_id: None,
            authority_key_id: None,
            policies: vec!["2.23.140.1.2.1".into()],
            validation: Some(Validation::Domain),
            scts: Observed::seen(vec![SctFacts {
                version: 0,
                log_id: "aa".repeat(32),
                timestamp: 1_700_000_000_000,
                signature_algorithm: "ecdsa_secp256r1_sha256".into(),
            }]),
        }],
        path: Observed::seen(PathFacts {
            roots: "system (142 roots)".into(),
            outcome: PathOutcome::Trusted,
            subjects: vec![format!("CN={host}"), "CN=Sample CA".into()],
            depth: 0,
            used: vec![Some(0), None],
            unordered_or_extra: false,
        }),
        staple: Observed::seen(None),
        handshake_scts: Observed::default(),
        revocation: Observed::default(),
    }
}

fn transcript() -> Vec<TranscriptLine> {
    let line = |connection, at_us, from, tls, text: &str| TranscriptLine {
        connection,
        at_us,
        from,
        tls,
        text: text.into(),
    };
    use Speaker::{Client, Note, Server};
    vec![
        line(1, 0, Note, false, "connected to 192.0.2.25:25"),
        line(1, 7_210, Server, false, "220 mx1.example.com ESMTP Postfix"),
        line(1, 7_260, Client, false, "EHLO scanner.example"),
        line(
            1,
            8_900,
            Server,
            false,
            "250-mx1.example.com, pleased to meet you after all these lines, and this one is long",
        ),
        line(1, 8_901, Server, false, "250 STARTTLS"),
        line(1, 9_000, Client, false, "STARTTLS"),
        line(1, 12_000, Server, false, "220 2.0.0 Ready to start TLS"),
        line(1, 21_500, Note, true, "TLS 1.3 with TLS_AES_256_GCM_SHA384"),
        line(1, 21_600, Client, true, "EHLO scanner.example"),
        line(1, 22_700, Server, true, "250 SIZE"),
        line(2, 30_000, Note, false, "connected to 192.0.2.25:25"),
    ]
}

pub(crate) fn finding(
    check: &str,
    severity: Severity,
    endpoint: Option<String>,
    title: &str,
    detail: &str,
    fix: &str,
    importance: u8,
) -> Finding {
    let argument = endpoint.as_deref().and_then(|id| {
        let (host, rest) = id.split_once('[')?;
        Some(format!("{host}:{}", rest.rsplit_once(':')?.1))
    });
    Finding {
        check: check.into(),
        severity,
        confidence: Confidence::High,
        endpoint,
        title: title.into(),
        detail: detail.into(),
        fix: fix.into(),
        retest: format!("waxseal check {}", argument.unwrap_or_else(|| "example.com".into())),
        importance,
    }
}

const CHECKS: [&str; 12] = [
    "smtp.no_starttls",
    "smtp.plaintext_after_220",
    "tls.old_version",
    "tls.weak_suites",
    "tls.anonymous",
    "tls.compression",
    "tls.fallback_scsv",
    "certificate.untrusted",
    "certificate.expired",
    "certificate.name_mismatch",
    "certificate.missing_intermediate",
    "certificate.weak_key",
];

/// Clear verdicts for all checks at all endpoints, but for those with findings, and for
/// one that is undetermined if a reason is given.
fn verdicts(report: &mut Report, found: &[&str], undetermined: Option<&str>) {
    let clear = |check: &str, endpoint: Option<String>| VerdictEntry {
        check: check.into(),
        endpoint,
        verdict: VerdictKind::Clear,
        why: String::new(),
    };
    let mut verdicts = Vec::new();
    if report.domain.is_some() {
        verdicts.push(clear("dns.dangling_mx", None));
        verdicts.push(clear("dns.null_mx", None));
    }
    for e in &report.endpoints {
        verdicts.extend(CHECKS.map(|check| clear(check, Some(e.endpoint.id()))));
    }
    for v in &mut verdicts {
        let its = report.findings.iter().find(|f| f.check == v.check && f.endpoint == v.endpoint);
        if let Some(finding) = its.filter(|_| found.contains(&v.check.as_str())) {
            v.verdict = VerdictKind::Found;
            v.why = finding.title.clone();
        } else if let Some(why) = undetermined.filter(|_| v.check == "tls.fallback_scsv") {
            v.verdict = VerdictKind::Undetermined;
            v.why = why.into();
        }
    }
    report.verdicts = verdicts;
}
