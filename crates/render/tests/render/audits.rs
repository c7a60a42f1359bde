//! Reports of audits, made by hand: a sound server, one that is open to nearly everything,
//! one that could not be asked, and one whose every text is hostile.

use std::collections::BTreeMap;

use waxseal_model::{
    Cause, Grade, Letter, Observed, PresentedChain, Report, Severity, TlsStart, VerdictKind,
    audit::{
        AuditFacts, CcsInjection, ClientCertificate, ForeignHello, Heartbleed, HelloLimit, Novelty,
        Renegotiation, Robot, RobotAnswer, RobotOracle, Sibling, SiblingCertificate, SignatureList,
        StarttlsInjection, SuiteList, Tickets, Tolerance, WithoutSni,
    },
    certificate::{RsaFacts, Validation},
    client::{ClientKind, ClientOutcome, ClientView},
    evidence::Cost,
    finding::VerdictEntry,
    grade::{AuthenticationMark, Cap, EncryptionMark, Lift},
    revocation::{
        CrlFacts, OcspFacts, OcspResponseStatus, OcspSigner, RevocationFacts, RevocationStatus, SctFacts,
    },
    tls::{DhFacts, FallbackScsv, Group, GroupFacts, SuiteOrder, TlsEvidence, TlsVersion},
};

use crate::samples::{NOW, domain, finding, good};

const DAY: i64 = 86_400;

/// The checks whose verdicts an audit's page shows as attacks, and some others.
const CHECKS: [&str; 30] = [
    "tls.heartbleed",
    "tls.ccs_injection",
    "tls.robot",
    "tls.drown",
    "tls.sslv2",
    "tls.sslv3",
    "tls.poodle",
    "tls.fallback_scsv",
    "tls.insecure_renegotiation",
    "tls.client_renegotiation",
    "tls.freak",
    "tls.logjam",
    "tls.export",
    "tls.null",
    "tls.anonymous",
    "tls.rc4",
    "tls.sweet32",
    "tls.beast",
    "tls.lucky13",
    "tls.crime",
    "tls.ticketbleed",
    "smtp.starttls_injection",
    "tls.tls10",
    "tls.tls11",
    "tls.tls13",
    "tls.forward_secrecy",
    "tls.post_quantum",
    "certificate.expired",
    "certificate.name_mismatch",
    "certificate.untrusted",
];

/// Two addresses that are alike, with nothing to find but what is worth knowing.
pub(crate) fn audited() -> Report {
    let mut r = domain("example.com", &[(10, "mx1.example.com", &["192.0.2.25", "2001:db8::25"])]);
    for e in &mut r.endpoints {
        e.evidence = good("mx1.example.com");
        modern(&mut e.evidence.tls);
        e.evidence.chains = Observed::seen(chains("mx1.example.com"));
    }
    r.grade = Grade {
        letter: Some(Letter::C),
        encryption: EncryptionMark::Good,
        encryption_why: "TLS 1.3 and 1.2 on every MX, nothing older".into(),
        authentication: AuthenticationMark::Certificate,
        authentication_why: "valid certificates; no policy".into(),
        caps: vec![Cap {
            letter: Letter::C,
            rule: "no_policy".into(),
            why: "nothing tells senders to insist on TLS".into(),
        }],
        provisional: false,
        profile: "mail".into(),
        lift: Some(Lift { letter: Letter::B, steps: vec!["publish MTA-STS in testing mode".into()] }),
        summary: "Mail to example.com is encrypted, with valid certificates on every MX.".into(),
    };
    let id = r.endpoints[0].endpoint.id();
    r.findings = vec![finding(
        "tls.lucky13",
        Severity::Info,
        Some(id.clone()),
        "mx1.example.com accepts suites in CBC mode",
        "Harmless with current TLS libraries, which take the same time for right and wrong padding.",
        "",
        5,
    )];
    let other = r.endpoints[1].endpoint.id();
    let mut second = r.findings[0].clone();
    second.endpoint = Some(other);
    r.findings.push(second);
    r.senders = crate::senders::views();
    r.clients = clients(&r);
    verdicts(&mut r, None);
    r.cost = Cost { connections: 104, milliseconds: 871 };
    r
}

/// One server that is open to nearly everything.
pub(crate) fn vulnerable() -> Report {
    let mut r = domain("old.example", &[(10, "mx.old.example", &["192.0.2.66"])]);
    let e = &mut r.endpoints[0];
    e.evidence = good("mx.old.example");
    ancient(&mut e.evidence.tls);
    let id = e.endpoint.id();
    if let Observed::Seen { value } = &mut e.evidence.chains {
        let leaf = &mut value[0].certificates[0];
        (leaf.not_before, leaf.not_after) = (NOW - 800 * DAY, NOW - 70 * DAY);
        (leaf.key.algorithm, leaf.key.bits, leaf.key.curve) = ("RSA".into(), 1024, None);
        (leaf.signature_algorithm, leaf.signature_digest) =
            ("sha1WithRSAEncryption".into(), Some("SHA-1".into()));
        leaf.dns_names.clear();
        leaf.key.rsa = Some(RsaFacts {
            exponent: "3".into(),
            pss_only: false,
            factorable: None,
            roca: true,
            debian_weak: Observed::seen(false),
        });
        (leaf.self_issued, leaf.self_signed) = (true, true);
        leaf.issuer.clone_from(&leaf.subject);
        if let Observed::Seen { value: path } = &mut value[0].path {
            path.outcome = waxseal_model::certificate::PathOutcome::SelfSignedLeaf;
            (path.used, path.subjects) = (vec![Some(0)], vec!["CN=mx.old.example".into()]);
        }
    }
    r.grade = Grade {
        letter: Some(Letter::E),
        encryption: EncryptionMark::Weak,
        encryption_why: "SSLv2 and Heartbleed on the only MX".into(),
        authentication: AuthenticationMark::None,
        authentication_why: "the certificate is signed by itself and has expired".into(),
        caps: vec![Cap {
            letter: Letter::E,
            rule: "heartbleed".into(),
            why: "mx.old.example hands out its memory".into(),
        }],
        provisional: false,
        profile: "mail".into(),
        lift: None,
        summary: "Anyone can read the memory of mx.old.example, its private key included.".into(),
    };
    r.findings = vulnerable_findings(&id);
    r.clients = clients(&r);
    verdicts(&mut r, None);
    r.cost = Cost { connections: 161, milliseconds: 2_874 };
    r
}

fn vulnerable_findings(id: &str) -> Vec<waxseal_model::Finding> {
    let update = "Update OpenSSL to 1.0.1g or newer, make a new key and get a new certificate for it.\nDebian:\n  \
                  apt-get update && apt-get install --only-upgrade openssl libssl3\n  systemctl restart postfix";
    let suites = "main.cf: smtpd_tls_ciphers = medium\n         smtpd_tls_exclude_ciphers = aNULL, RC4, 3DES, \
                  EXPORT\nThen: postfix reload";
    let at = Some(id.to_owned());
    let f = |check, severity, title: &str, detail: &str, fix: &str, importance| {
        finding(check, severity, at.clone(), title, detail, fix, importance)
    };
    let mut findings = vec![
        f(
            "tls.heartbleed",
            Severity::Critical,
            "mx.old.example hands out its memory (Heartbleed)",
            "A heartbeat that claims one byte more than it carries was answered with that byte. No more was \
             asked for.",
            update,
            100,
        ),
        f(
            "tls.sslv2",
            Severity::High,
            "mx.old.example speaks SSLv2",
            "RFC 6176 forbids it. It endangers every server with the same RSA key (DROWN).",
            "main.cf: smtpd_tls_protocols = >=TLSv1.2\nThen: postfix reload",
            90,
        ),
        f(
            "tls.robot",
            Severity::High,
            "mx.old.example tells right from wrong RSA padding (ROBOT)",
            "Two kinds of answers.",
            update,
            89,
        ),
        f("tls.rc4", Severity::Medium, "mx.old.example accepts RC4", "RFC 7465 forbids it.", suites, 40),
        f(
            "tls.sweet32",
            Severity::Low,
            "mx.old.example accepts suites with 64-bit blocks (3DES)",
            "Sessions of mail are short.",
            suites,
            30,
        ),
    ];
    for (check, title) in [
        ("tls.ccs_injection", "mx.old.example takes an early ChangeCipherSpec"),
        ("tls.sslv3", "mx.old.example speaks SSLv3"),
        ("tls.export", "mx.old.example accepts export suites"),
        ("tls.anonymous", "mx.old.example accepts anonymous suites"),
        ("tls.logjam", "mx.old.example accepts DHE with 512 bits"),
        ("smtp.starttls_injection", "mx.old.example carries commands over into TLS"),
        ("certificate.expired", "The certificate of mx.old.example expired 70 days ago"),
    ] {
        findings.push(f(check, Severity::Medium, title, "Seen in this audit.", "", 20));
    }
    findings
}

/// A server that stopped answering half-way.
pub(crate) fn undetermined() -> Report {
    let mut r = domain("busy.example", &[(10, "mx.busy.example", &["198.51.100.9"])]);
    let why = "the server asked us to slow down: 421 4.7.0 Too many connections";
    let e = &mut r.endpoints[0];
    e.evidence = good("mx.busy.example");
    let tls = &mut e.evidence.tls;
    tls.versions.insert(TlsVersion::Tls11, Observed::failed(Cause::RateLimited, why));
    tls.versions.insert(TlsVersion::Tls10, Observed::failed(Cause::RateLimited, why));
    tls.versions
        .insert(TlsVersion::Ssl2, Observed::not_tried(Cause::Budget, "60 of 60 connections were used"));
    tls.suites.insert(TlsVersion::Tls13, vec!["TLS_AES_256_GCM_SHA384".into()]);
    tls.heartbeat = Observed::failed(Cause::RateLimited, why);
    tls.audit = Some(Box::new(AuditFacts {
        suite_lists: BTreeMap::from([
            (TlsVersion::Tls13, Observed::failed(Cause::RateLimited, why)),
            (TlsVersion::Tls12, Observed::not_tried(Cause::Budget, "60 of 60 connections were used")),
        ]),
        groups: BTreeMap::from([(TlsVersion::Tls13, Observed::failed(Cause::RateLimited, why))]),
        signature_algorithms: BTreeMap::from([(
            TlsVersion::Tls12,
            Observed::failed(Cause::RateLimited, why),
        )]),
        heartbleed: Observed::failed(Cause::RateLimited, why),
        robot: Observed::not_tried(Cause::Budget, "60 of 60 connections were used"),
        hello_limit: Some(HelloLimit { suites: Some(64), bytes: None }),
        ..AuditFacts::default()
    }));
    e.evidence.chains = Observed::failed(Cause::RateLimited, why);
    r.grade.summary = "Mail to busy.example is encrypted; the server stopped us before all was asked.".into();
    r.clients = vec![client(
        "postfix-3.7",
        "Postfix 3.7 (OpenSSL 3.0)",
        ClientKind::Mta,
        &e.endpoint.id(),
        ClientOutcome::Unknown { why: "the list of suites is not complete".into() },
    )];
    verdicts(&mut r, Some(why));
    r.cost = Cost { connections: 60, milliseconds: 61_310 };
    r
}

/// Hostile text wherever a server's words can get to.
pub(crate) const HOSTILE: &str = "<script>alert(1)</script>&lt;\"'>|`*_[x](javascript:alert(1)) @octocat #1 https://evil.example/ \u{1b}[31m\u{202e}";

/// The sample with everything found, and every text replaced.
pub(crate) fn hostile() -> Report {
    let mut r = vulnerable();
    poison(&mut r, &mut || HOSTILE.to_owned());
    r
}

/// Replaces every text of a report that may come from a server or a file.
pub(crate) fn poison(r: &mut Report, next: &mut dyn FnMut() -> String) {
    r.target = next();
    (r.waxseal_version, r.grade.summary, r.grade.profile) = (next(), next(), next());
    (r.grade.encryption_why, r.grade.authentication_why) = (next(), next());
    for cap in &mut r.grade.caps {
        (cap.why, cap.rule) = (next(), next());
    }
    if let Some(lift) = &mut r.grade.lift {
        lift.steps = vec![next()];
    }
    for f in &mut r.findings {
        (f.check, f.endpoint) = (next(), Some(next()));
        (f.title, f.detail, f.fix, f.retest) = (next(), next(), next(), next());
    }
    let last = r.verdicts.len().saturating_sub(1);
    for (i, v) in r.verdicts.iter_mut().enumerate() {
        v.why = next();
        if i == last {
            (v.check, v.endpoint) = (next(), Some(next()));
            v.verdict = VerdictKind::Undetermined;
        }
    }
    for s in &mut r.senders {
        (s.title, s.why, s.reply) = (next(), next(), Some(next()));
    }
    for c in &mut r.clients {
        (c.name, c.client) = (next(), next());
        c.outcome = match c.outcome.clone() {
            ClientOutcome::Negotiated { version, .. } => {
                ClientOutcome::Negotiated { version, suite: next(), group: Some(next()) }
            }
            ClientOutcome::NoConnection { .. } => ClientOutcome::NoConnection { why: next() },
            ClientOutcome::Unknown { .. } => ClientOutcome::Unknown { why: next() },
        };
    }
    if let Some(d) = &mut r.domain {
        d.name = next();
        d.hosts.iter_mut().for_each(|h| h.name = next());
    }
    for e in &mut r.endpoints {
        e.evidence.transcript.iter_mut().for_each(|line| line.text = next());
        poison_tls(&mut e.evidence.tls, next);
        if let Observed::Seen { value } = &mut e.evidence.chains {
            value.iter_mut().for_each(|chain| poison_chain(chain, next));
        }
    }
}

fn poison_tls(tls: &mut TlsEvidence, next: &mut dyn FnMut() -> String) {
    for names in tls.suites.values_mut() {
        names.iter_mut().for_each(|name| *name = next());
    }
    tls.versions.insert(TlsVersion::Tls11, Observed::failed(Cause::Protocol, next()));
    tls.heartbeat = Observed::failed(Cause::Protocol, next());
    tls.compression = Observed::seen(vec![next()]);
    tls.dh = Observed::seen(DhFacts { bits: 512, known_prime: Some(next()), prime: next() });
    let Some(audit) = &mut tls.audit else { return };
    audit.starttls_injection = Observed::seen(StarttlsInjection::AnsweredWithinTls { reply: next() });
    audit.without_sni = Observed::seen(WithoutSni::Certificate {
        leaf_sha256: next(),
        same: false,
        names: vec![next(), next()],
    });
    audit.groups.insert(TlsVersion::Tls13, Observed::failed(Cause::Protocol, next()));
    let chosen = vec![next()];
    audit.signature_algorithms.insert(
        TlsVersion::Tls12,
        Observed::seen(SignatureList { chosen, complete: false, unoffered: Some(next()) }),
    );
}

fn poison_chain(chain: &mut PresentedChain, next: &mut dyn FnMut() -> String) {
    chain.sni = Some(next());
    for c in &mut chain.certificates {
        (c.subject, c.issuer, c.serial, c.sha256) = (next(), next(), next(), next());
        (c.common_name, c.dns_names) = (Some(next()), vec![next(), next()]);
        (c.key.algorithm, c.signature_algorithm) = (next(), next());
        c.extended_key_usage = Some(vec![next()]);
    }
    let revoked = RevocationStatus::Revoked { at: NOW, reason: Some(next()) };
    let signer = Observed::seen(OcspSigner::Wrong { why: next() });
    chain.staple = Observed::seen(Some(OcspFacts { signer, ..ocsp(revoked) }));
    if let Observed::Seen { value } = &mut chain.path {
        value.roots = next();
        value.subjects.iter_mut().for_each(|s| *s = next());
    }
}

/// TLS 1.2 and 1.3 as a stock server of today has them.
fn modern(tls: &mut TlsEvidence) {
    let tls13 = ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"];
    let tls12 = [
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    ];
    tls.suites.insert(TlsVersion::Tls13, tls13.map(str::to_owned).to_vec());
    tls.suites.insert(TlsVersion::Tls12, tls12.map(str::to_owned).to_vec());
    let pq = Group { code: 0x11ec, name: "X25519MLKEM768".into() };
    let x25519 = Group { code: 0x1d, name: "x25519".into() };
    let p256 = Group { code: 0x17, name: "secp256r1".into() };
    let groups13 = GroupFacts { chosen: vec![pq, x25519.clone(), p256.clone()], complete: true };
    let groups12 = GroupFacts { chosen: vec![x25519, p256], complete: true };
    let schemes = |names: &[&str]| {
        let chosen = names.iter().map(|n| (*n).to_owned()).collect();
        Observed::seen(SignatureList { chosen, complete: true, unoffered: None })
    };
    let list = |order, chacha| {
        Observed::seen(SuiteList {
            complete: true,
            why_incomplete: None,
            order,
            chacha_by_client: chacha,
            inferred: Vec::new(),
        })
    };
    plain_facts(tls);
    tls.post_quantum = Observed::seen(true);
    tls.dh = Observed::seen(DhFacts {
        bits: 2048,
        known_prime: Some("RFC 7919 ffdhe2048".into()),
        prime: "ff".into(),
    });
    tls.audit = Some(Box::new(AuditFacts {
        suite_lists: BTreeMap::from([
            (TlsVersion::Tls13, list(Some(SuiteOrder::Server), Some(true))),
            (TlsVersion::Tls12, list(Some(SuiteOrder::Client), None)),
        ]),
        groups: BTreeMap::from([
            (TlsVersion::Tls13, Observed::seen(groups13)),
            (TlsVersion::Tls12, Observed::seen(groups12)),
        ]),
        signature_algorithms: BTreeMap::from([
            (TlsVersion::Tls13, schemes(&["ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"])),
            (TlsVersion::Tls12, schemes(&["ecdsa_secp256r1_sha256", "rsa_pss_rsae_sha256"])),
        ]),
        ..sound()
    }));
}

/// Facts of a check that are as they should be.
fn plain_facts(tls: &mut TlsEvidence) {
    tls.compression = Observed::seen(Vec::new());
    tls.extended_master_secret = Observed::seen(true);
    tls.secure_renegotiation = Observed::seen(true);
    tls.encrypt_then_mac = Observed::seen(true);
    tls.heartbeat = Observed::seen(false);
    tls.fallback_scsv = Observed::seen(FallbackScsv::Honoured { alert: 86 });
    tls.downgrade_sentinel = Observed::seen(true);
}

/// Facts of an audit that are as they should be.
fn sound() -> AuditFacts {
    AuditFacts {
        heartbleed: Observed::seen(Heartbleed::NoHeartbeat),
        ccs_injection: Observed::seen(CcsInjection::Refused { alert: Some(10) }),
        robot: Observed::seen(Robot { oracle: None, with_finished: None, answers: Vec::new() }),
        client_renegotiation: Observed::seen(Renegotiation::Refused { alert: Some(100) }),
        insecure_renegotiation: Observed::seen(Renegotiation::Refused { alert: Some(40) }),
        resumption_by_id: Observed::seen(true),
        resumption_by_ticket: Observed::seen(true),
        tickets: Observed::seen(Some(Tickets { version: TlsVersion::Tls13, count: 2, lifetime: 7_200 })),
        ticketbleed: Observed::seen(0),
        early_data: Observed::seen(0),
        dh_reuse: Observed::seen(false),
        foreign_hello: Observed::seen(ForeignHello {
            sni_accepted: Observed::seen(true),
            alpn_accepted: Observed::seen(true),
        }),
        without_sni: Observed::seen(WithoutSni::Certificate {
            leaf_sha256: "00".repeat(32),
            same: true,
            names: vec!["mx1.example.com".into()],
        }),
        client_certificate: Observed::seen(ClientCertificate::NotAsked),
        tolerance: [Novelty::Grease, Novelty::FutureVersion, Novelty::LongHello]
            .map(|novelty| Tolerance { novelty, tolerated: Observed::seen(true) })
            .to_vec(),
        starttls_injection: Observed::seen(StarttlsInjection::Discarded),
        siblings: Observed::seen(vec![Sibling {
            port: 465,
            tls: TlsStart::Implicit,
            certificate: Observed::seen(None),
            ssl2: Observed::seen(false),
        }]),
        ..AuditFacts::default()
    }
}

/// Everything from SSLv2 to TLS 1.2, and every mistake.
fn ancient(tls: &mut TlsEvidence) {
    let old = [
        "TLS_RSA_WITH_RC4_128_SHA",
        "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_DH_anon_WITH_AES_256_CBC_SHA",
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        "TLS_RSA_WITH_NULL_MD5",
    ];
    let names = old.map(str::to_owned).to_vec();
    let mut lists = BTreeMap::new();
    for version in [TlsVersion::Ssl3, TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12] {
        tls.suites.insert(version, names.clone());
        let inferred = if version < TlsVersion::Tls12 { names[1..3].to_vec() } else { Vec::new() };
        let list = SuiteList {
            complete: true,
            why_incomplete: None,
            order: Some(SuiteOrder::Client),
            chacha_by_client: None,
            inferred,
        };
        lists.insert(version, Observed::seen(list));
    }
    tls.suites.insert(TlsVersion::Ssl2, vec!["SSL_CK_RC4_128_EXPORT40_WITH_MD5".into()]);
    for version in TlsVersion::ALL {
        tls.versions.insert(version, Observed::seen(version != TlsVersion::Tls13));
    }
    tls.handshake = Observed::failed(Cause::Declined, "alert 40, handshake_failure");
    plain_facts(tls);
    tls.compression = Observed::seen(vec!["DEFLATE".into()]);
    tls.heartbeat = Observed::seen(true);
    tls.fallback_scsv = Observed::seen(FallbackScsv::Ignored);
    tls.post_quantum = Observed::seen(false);
    tls.dh = Observed::seen(DhFacts { bits: 512, known_prime: None, prime: "ff".into() });
    let answer = |block: &str, answer: &str| RobotAnswer { block: block.into(), answer: answer.into() };
    tls.audit = Some(Box::new(AuditFacts {
        suite_lists: lists,
        heartbleed: Observed::seen(Heartbleed::Answered { beyond: 1 }),
        ccs_injection: Observed::seen(CcsInjection::Accepted { alert: 20 }),
        robot: Observed::seen(Robot {
            oracle: Some(RobotOracle::Strong),
            with_finished: Some(true),
            answers: vec![
                answer("valid", "alert 20 bad_record_mac"),
                answer("wrong first bytes", "alert 51 decrypt_error"),
            ],
        }),
        client_renegotiation: Observed::seen(Renegotiation::Accepted),
        insecure_renegotiation: Observed::seen(Renegotiation::Accepted),
        client_certificate: Observed::seen(ClientCertificate::Requested),
        dh_reuse: Observed::seen(true),
        tickets: Observed::seen(None),
        starttls_injection: Observed::seen(StarttlsInjection::AnsweredWithinTls {
            reply: "250 2.0.0 Ok".into(),
        }),
        tolerance: vec![Tolerance { novelty: Novelty::LongHello, tolerated: Observed::seen(false) }],
        siblings: Observed::seen(vec![ssl2_sibling()]),
        ..sound()
    }));
}

/// Port 465, with the same key and SSLv2.
fn ssl2_sibling() -> Sibling {
    Sibling {
        port: 465,
        tls: TlsStart::Implicit,
        certificate: Observed::seen(Some(SiblingCertificate {
            leaf_sha256: "00".repeat(32),
            spki_sha256: "11".repeat(32),
            is_rsa: true,
        })),
        ssl2: Observed::seen(true),
    }
}

/// An ECDSA chain with its intermediate, and an RSA one with a certificate too many.
fn chains(host: &str) -> Vec<PresentedChain> {
    let Observed::Seen { value: mut chains } = good(host).chains else { return Vec::new() };
    let mut intermediate = chains[0].certificates[0].clone();
    intermediate.subject = "CN=Sample CA,O=Sample Trust".into();
    intermediate.issuer = "CN=Sample Root X1,O=Sample Trust".into();
    intermediate.dns_names.clear();
    intermediate.is_ca = Some(true);
    (intermediate.not_before, intermediate.not_after) = (NOW - 400 * DAY, NOW + 1_400 * DAY);
    intermediate.key.curve = Some("P-384".into());
    chains[0].certificates.push(intermediate.clone());
    if let Observed::Seen { value: path } = &mut chains[0].path {
        path.used = vec![Some(0), Some(1), None];
        path.subjects = vec![
            format!("CN={host}"),
            "CN=Sample CA,O=Sample Trust".into(),
            "CN=Sample Root X1,O=Sample Trust".into(),
        ];
    }
    let leaf = &mut chains[0].certificates[0];
    (leaf.validation, leaf.scts) = (Some(Validation::Domain), Observed::seen(vec![sct(), sct()]));
    chains[0].staple = Observed::seen(Some(ocsp(RevocationStatus::Good)));
    chains[0].revocation = Observed::seen(vec![RevocationFacts {
        certificate: 0,
        ocsp: Observed::failed(Cause::Timeout, "ocsp.ca.example did not answer within 5 s"),
        crl: Observed::seen(CrlFacts {
            url: "http://crl.ca.example/1.crl".into(),
            this_update: NOW - DAY,
            next_update: Some(NOW + 6 * DAY),
            entries: 1_204,
            status: RevocationStatus::Good,
            signed_by_issuer: Observed::seen(true),
            covers: true,
        }),
    }]);
    let mut rsa = chains[0].clone();
    (rsa.staple, rsa.revocation) = (Observed::seen(None), Observed::default());
    (rsa.version, rsa.possession_proven) = (TlsVersion::Tls12, false);
    rsa.certificates[0].key.algorithm = "RSA".into();
    (rsa.certificates[0].key.bits, rsa.certificates[0].key.curve) = (2048, None);
    rsa.certificates[0].sha256 = "22".repeat(32);
    let mut extra = intermediate;
    extra.subject = "CN=Left Over CA".into();
    rsa.certificates.push(extra);
    chains.push(rsa);
    chains
}

fn sct() -> SctFacts {
    SctFacts {
        version: 0,
        log_id: "33".repeat(32),
        timestamp: u64::try_from(NOW - 29 * DAY).unwrap() * 1000,
        signature_algorithm: "ecdsa_secp256r1_sha256".into(),
    }
}

fn ocsp(status: RevocationStatus) -> OcspFacts {
    OcspFacts {
        response: OcspResponseStatus::Successful,
        status: Some(status),
        produced_at: Some(NOW - DAY),
        this_update: Some(NOW - DAY),
        next_update: Some(NOW + 6 * DAY),
        responder: Some("CN=Sample OCSP".into()),
        signer: Observed::seen(OcspSigner::Delegate),
        nonce: None,
        scts: Vec::new(),
    }
}

fn client(id: &str, name: &str, kind: ClientKind, endpoint: &str, outcome: ClientOutcome) -> ClientView {
    ClientView {
        client: id.into(),
        name: name.into(),
        kind,
        endpoint: endpoint.into(),
        replayed: kind == ClientKind::Mta,
        outcome,
    }
}

/// Three clients at every endpoint.
fn clients(r: &Report) -> Vec<ClientView> {
    let negotiated = |version, suite: &str, group: Option<&str>| ClientOutcome::Negotiated {
        version,
        suite: suite.into(),
        group: group.map(str::to_owned),
    };
    let at = |id: &str| {
        let tls13 = negotiated(TlsVersion::Tls13, "TLS_AES_256_GCM_SHA384", Some("X25519MLKEM768"));
        let tls12 =
            negotiated(TlsVersion::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Some("secp256r1"));
        let none = ClientOutcome::NoConnection { why: "it knows nothing newer than TLS 1.0".into() };
        let unknown = ClientOutcome::Unknown { why: "whether SSLv3 is offered is not known".into() };
        vec![
            client("postfix-3.9-openssl-3.5", "Postfix 3.9 (OpenSSL 3.5)", ClientKind::Mta, id, tls13),
            client("exchange-2016", "Exchange 2016 on Windows Server 2016", ClientKind::Mta, id, tls12),
            client("windows-2003", "Exchange 2003", ClientKind::Mta, id, none),
            client("outlook-2010", "Outlook 2010 on Windows 7", ClientKind::Submission, id, unknown),
        ]
    };
    r.endpoints.iter().flat_map(|e| at(&e.endpoint.id())).collect()
}

/// Verdicts by the findings; with a reason, all others but the versions are undetermined.
fn verdicts(r: &mut Report, why: Option<&str>) {
    r.verdicts = Vec::new();
    for e in &r.endpoints {
        for check in CHECKS {
            let id = Some(e.endpoint.id());
            let found = r.findings.iter().find(|f| f.check == check && f.endpoint == id);
            let (verdict, why) = match (found, why) {
                (Some(finding), _) => (VerdictKind::Found, finding.title.clone()),
                (None, Some(why)) if check != "tls.tls13" => (VerdictKind::Undetermined, why.to_owned()),
                (None, _) => (VerdictKind::Clear, String::new()),
            };
            r.verdicts.push(VerdictEntry { check: check.into(), endpoint: id, verdict, why });
        }
    }
}
