//! The section on who may send and who may issue.

use proptest::prelude::*;
use waxseal_model::{
    Cause, DnsAnswer, DnssecStatus, Observed, Report,
    dns::{DnsOutcome, DnsRecord, RecordData},
    identity::{
        Aligned, Alignment, DkimKey, DkimKeyFacts, DkimSignatureFacts, DmarcFacts, DmarcPolicy, DmarcRecord,
        IdentityEvidence, MessageFacts, Psd, SpfCost, SpfEvaluation, SpfFacts, SpfOutcome, SpfRecordFacts,
        SpfResult, SpfStep,
    },
    policy::CaaFacts,
};
use waxseal_render::{Style, TextOptions, harmless, text};

use crate::samples;

const HEADING: &str = "Identity (information, not part of the letter)\n";

fn page(report: &Report) -> String {
    text(report, &TextOptions { style: Style::plain(), verbose: false, now: samples::NOW })
}

/// The section without its heading, up to the empty line.
fn section(report: &Report) -> String {
    let page = page(report);
    let (_, rest) = page.split_once(HEADING).unwrap_or_else(|| panic!("no section in\n{page}"));
    rest.split_once("\n\n").unwrap().0.to_owned()
}

fn answer(name: &str, rtype: &str, data: RecordData) -> DnsAnswer {
    DnsAnswer {
        name: name.into(),
        rtype: rtype.into(),
        outcome: DnsOutcome::Records,
        status: DnssecStatus::Insecure,
        reason: "not signed".into(),
        canonical_name: None,
        records: vec![DnsRecord { name: name.into(), ttl: 300, data }],
    }
}

fn spf() -> SpfFacts {
    let text = "v=spf1 mx include:_spf.example.net -all";
    SpfFacts {
        answer: answer("example.com", "TXT", RecordData::Txt { text: text.into() }),
        records: vec![text.into()],
        record: Some(SpfRecordFacts {
            all: Some(SpfResult::Fail),
            redirect: None,
            after_all: Vec::new(),
            length: 39,
        }),
        syntax_error: None,
        cost: Observed::seen(SpfCost { lookups: 3, ..SpfCost::default() }),
    }
}

fn evaluation() -> SpfEvaluation {
    let step = |depth, domain: &str, term: &str, says: &str| SpfStep {
        depth,
        domain: domain.into(),
        term: term.into(),
        says: says.into(),
    };
    SpfEvaluation {
        ip: [198, 51, 100, 7].into(),
        domain: "example.com".into(),
        outcome: Observed::seen(SpfOutcome {
            result: SpfResult::Pass,
            mechanism: Some("include:_spf.example.net".into()),
            reason: "include:_spf.example.net in the record of example.com matches".into(),
            trail: vec![
                step(0, "example.com", "", "v=spf1 mx include:_spf.example.net -all"),
                step(0, "example.com", "mx", "none of the 1 MX hosts of example.com has a matching address"),
                step(0, "example.com", "include:_spf.example.net", "asks _spf.example.net"),
                step(1, "_spf.example.net", "ip4:198.51.100.0/24", "the address lies in it"),
            ],
            lookups: 2,
            void_lookups: 0,
            explanation: None,
        }),
    }
}

fn sample() -> Report {
    let mut report = samples::healthy();
    let key = |algorithm: &str, bits, revoked| DkimKey {
        algorithm: algorithm.into(),
        bits,
        revoked,
        testing: false,
        strict: false,
        hashes: Vec::new(),
        services: Vec::new(),
        notes: None,
    };
    let selector = |name: &str, key, problem: Option<&str>| DkimKeyFacts {
        selector: name.into(),
        domain: "example.com".into(),
        in_message: false,
        answer: Observed::default(),
        key,
        problem: problem.map(Into::into),
    };
    let domain = report.domain.as_mut().unwrap();
    domain.identity = IdentityEvidence {
        spf: Observed::seen(spf()),
        spf_evaluations: vec![evaluation()],
        domainkey: Observed::seen(DnsOutcome::NoData),
        dkim_keys: vec![
            selector("s1", Some(key("rsa", Some(2048), false)), None),
            selector("s2", Some(key("ed25519", Some(256), false)), None),
            selector("s3", None, Some("there is no key record")),
        ],
        dmarc: Observed::seen(DmarcFacts {
            walk: Vec::new(),
            organizational_domain: "example.com".into(),
            found_at: Some("_dmarc.example.com".into()),
            record: Some(DmarcRecord {
                text: "v=DMARC1; p=reject".into(),
                p: Some(DmarcPolicy::Reject),
                sp: None,
                np: None,
                strict_dkim: false,
                strict_spf: false,
                testing: false,
                psd: Psd::U,
                rua: Vec::new(),
                ruf: Vec::new(),
                warnings: Vec::new(),
            }),
            policy: Some(DmarcPolicy::Reject),
            policy_tag: Some("p".into()),
            external: Vec::new(),
        }),
        message: Observed::default(),
        bimi: Observed::seen(None),
    };
    let issue = RecordData::Caa { flags: 0, tag: "issue".into(), value: "letsencrypt.org; a=b".into() };
    domain.policies.caa = vec![CaaFacts {
        name: "mx1.example.com".into(),
        answer: Observed::seen(answer("example.com", "CAA", issue)),
    }];
    report
}

#[test]
fn each_has_a_line_and_an_address_its_trail() {
    assert_eq!(
        section(&sample()),
        "\
SPF     strangers fail (-all), 3 of 10 lookups
DKIM    s1 (rsa 2048), s2 (ed25519), s3 (there is no key record)
DMARC   reject (p= at _dmarc.example.com), no reports
CAA     letsencrypt.org may issue for the mail hosts
  SPF of example.com for 198.51.100.7: pass (include:_spf.example.net in the
  record of example.com matches; 2 of 10 lookups, 0 of 2 void)
    example.com: v=spf1 mx include:_spf.example.net -all
    mx: none of the 1 MX hosts of example.com has a matching address
    include:_spf.example.net: asks _spf.example.net
      ip4:198.51.100.0/24: the address lies in it"
    );
}

#[test]
fn a_message_is_told_with_what_fits_and_what_cannot_be_read() {
    let mut report = sample();
    let aligned = |domain: &str, aligned| Aligned { domain: domain.into(), aligned, strict: false };
    let signature = DkimSignatureFacts {
        domain: "esp.example".into(),
        selector: "k".into(),
        algorithm: "rsa-sha256".into(),
        identity: None,
        body_length: None,
        expires: None,
    };
    report.domain.as_mut().unwrap().identity.message = Observed::seen(MessageFacts {
        from: Some("example.com".into()),
        return_path: Some("bounce.example.com".into()),
        signatures: vec![signature],
        problems: vec!["DKIM signature 2: the tag d= is missing".into()],
        alignment: Observed::seen(Alignment {
            from: "example.com".into(),
            spf: Some(aligned("bounce.example.com", true)),
            dkim: vec![aligned("esp.example", false)],
        }),
    });
    let section = section(&report).replace("\n        ", " ");
    let expected = "Message From example.com; Return-Path bounce.example.com (aligned); signed by esp.example \
        (NOT aligned), not verified; DKIM signature 2: the tag d= is missing";
    assert!(section.contains(expected), "{section}");
}

#[test]
fn what_is_not_known_is_neither_fine_nor_absent() {
    let mut report = sample();
    let domain = report.domain.as_mut().unwrap();
    domain.identity.spf = Observed::failed(Cause::Resolver, "SERVFAIL");
    domain.identity.dmarc = Observed::failed(Cause::Resolver, "SERVFAIL");
    domain.identity.dkim_keys.clear();
    domain.identity.domainkey = Observed::failed(Cause::Resolver, "SERVFAIL");
    domain.policies.caa[0].answer = Observed::failed(Cause::Resolver, "SERVFAIL");
    domain.identity.spf_evaluations[0].outcome = Observed::not_tried(Cause::Budget, "too many questions");
    let section = section(&report);
    assert_eq!(section.matches("not known: SERVFAIL").count(), 4, "{section}");
    assert!(section.contains("not known: too many questions"), "{section}");
}

#[test]
fn nothing_is_said_where_nothing_was_looked_at() {
    for (name, report) in samples::all() {
        assert!(!page(&report).contains("Identity"), "{name}");
    }
}

#[test]
fn each_kind_of_record_has_its_words() {
    type Change = fn(&mut waxseal_model::DomainEvidence);
    let changes: [(Change, &str); 7] = [
        (
            |d| seen(&mut d.identity.spf).record.as_mut().unwrap().all = Some(SpfResult::Pass),
            "EVERY host may send (+all)",
        ),
        (
            |d| *seen(&mut d.identity.spf) = SpfFacts { record: None, records: Vec::new(), ..spf() },
            "SPF     no record",
        ),
        (
            |d| {
                *seen(&mut d.identity.spf) =
                    SpfFacts { record: None, records: vec![String::new(); 2], ..spf() }
            },
            "2 records",
        ),
        (
            |d| seen(&mut d.identity.spf).syntax_error = Some("a domain name is missing".into()),
            "cannot be read: a domain",
        ),
        (|d| seen(&mut d.identity.dmarc).record = None, "DMARC   no record"),
        (|d| d.identity.dkim_keys.clear(), "--selector NAME"),
        (
            |d| {
                d.policies.caa[0].answer =
                    Observed::seen(answer("com", "CAA", RecordData::Txt { text: String::new() }))
            },
            "any authority may issue",
        ),
    ];
    for (change, expected) in changes {
        let mut report = sample();
        change(report.domain.as_mut().unwrap());
        let section = section(&report);
        assert!(section.contains(expected), "{expected} is not in\n{section}");
    }
}

fn seen<T: std::fmt::Debug>(observed: &mut Observed<T>) -> &mut T {
    match observed {
        Observed::Seen { value } => value,
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn text_from_evidence_files_is_harmless(foreign in "\\PC{0,20}|[\u{0}-\u{1f}\u{80}-\u{9f}\u{202e}a ]{0,20}", depth in any::<u32>()) {
        let mut report = sample();
        let domain = report.domain.as_mut().unwrap();
        let outcome = seen(&mut domain.identity.spf_evaluations[0].outcome);
        outcome.trail[0].says = foreign.clone();
        outcome.trail[1].depth = depth;
        outcome.explanation = Some(foreign.clone());
        domain.identity.dkim_keys[2].problem = Some(foreign.clone());
        seen(&mut domain.identity.spf).syntax_error = Some(foreign);
        let page = page(&report);
        for line in page.lines() {
            prop_assert_eq!(&harmless(line), line);
        }
    }
}
