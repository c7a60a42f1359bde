//! The table of the grade, row by row.

use waxseal_model::{
    Letter::{self, A, APlus, B, C, D, E, F, X},
    dns::{DnsOutcome, DnssecStatus},
    grade::{AuthenticationMark, EncryptionMark},
    policy::{StsMode, StsStep},
    smtp::BackOff,
    tls::SuiteClass,
};

use super::*;
use crate::{
    fixtures::*,
    fixtures::{dane, sts},
    profile,
};

fn graded(change: impl Fn(&mut Evidence)) -> Grade {
    let mut evidence = healthy();
    change(&mut evidence);
    grade(&evidence, profile("mail").unwrap(), NOW)
}

/// Takes every published policy away: nothing was looked at.
fn no_policies(e: &mut Evidence) {
    facts(e).dane = Observed::default();
    domain(e).policies = Default::default();
}

/// Every policy was looked for, and none is published.
fn nothing_published(e: &mut Evidence) {
    facts(e).dane = Observed::seen(None);
    domain(e).policies.sts = Observed::seen(None);
    domain(e).policies.tlsrpt = Observed::seen(None);
}

/// Adds a second MX address, changed.
fn second(e: &mut Evidence, change: impl Fn(&mut Evidence)) {
    let mut other = healthy();
    other.endpoints[0].endpoint.host = Some("mx2.example.com".into());
    facts(&mut other).reference_name = Some(HOST.into());
    change(&mut other);
    e.endpoints.push(other.endpoints.remove(0));
}

fn rules(grade: &Grade) -> Vec<&str> {
    grade.caps.iter().map(|c| c.rule.as_str()).collect()
}

#[test]
fn everything_in_force_is_a_plus_without_any_cap() {
    let grade = graded(|_| {});
    assert_eq!((grade.letter, grade.caps.len(), grade.provisional), (Some(APlus), 0, false));
    assert_eq!(grade.authentication, AuthenticationMark::Dane);
    assert_eq!(grade.encryption, EncryptionMark::Good);
}

#[test]
fn the_rows_of_the_table() {
    type Row = (&'static str, fn(&mut Evidence), Letter, &'static str);
    let rows: [Row; 23] = [
        ("bogus MX", |e| domain(e).mx_answer.status = DnssecStatus::Bogus, X, "dns_bogus"),
        ("no MX host", |e| domain(e).routing = MailRouting::NoMailHost, X, "no_usable_mx"),
        ("dangling MX", |e| no_addresses(e, DnsOutcome::NxDomain), X, "no_usable_mx"),
        ("TLSA mismatch", |e| dane(e).tlsa[0].data = "11".repeat(32), X, "dane_mismatch"),
        ("TLSA bogus", |e| dane(e).status = DnssecStatus::Bogus, X, "dane_mismatch"),
        ("STS leaves the MX out", |e| sts(e).mx = vec!["other.example".into()], X, "sts_failed"),
        ("STS testing", sts_testing, B, "sts_testing"),
        ("STS useless", sts_useless, C, "sts_unusable"),
        ("forgeable MX", dane_without_secure_mx, B, "dane_insecure_mx"),
        ("plaintext where TLSA demands TLS", plaintext_only, X, "dane_mismatch"),
        ("plaintext where STS demands TLS", plaintext_without_dane, X, "sts_failed"),
        ("plaintext", plaintext_without_policy, F, "plaintext"),
        ("TLS 1.0", |e| only_version(e, TlsVersion::Tls10), E, "outdated"),
        ("expired", expired, D, "certificate"),
        ("SSLv2", |e| version(e, TlsVersion::Ssl2, true), D, "sslv2"),
        ("SSLv3", |e| version(e, TlsVersion::Ssl3, true), C, "sslv3"),
        ("export", |e| accept(e, SuiteClass::Export), C, "export"),
        ("no policy", nothing_published, C, "no_policy"),
        ("RC4", |e| accept(e, SuiteClass::Rc4), B, "rc4"),
        ("3DES", |e| accept(e, SuiteClass::TripleDes), B, "3des"),
        ("small group", |e| dh(e).bits = 1024, B, "dh_small"),
        ("TLS 1.0 beside", |e| version(e, TlsVersion::Tls10, true), A, "tls10_offered"),
        ("DANE alone", |e| domain(e).policies.sts = Observed::seen(None), A, "one_policy_only"),
    ];
    for (name, change, letter, rule) in rows {
        let grade = graded(change);
        assert_eq!(grade.letter, Some(letter), "{name}: {:?}", grade.caps);
        assert!(rules(&grade).contains(&rule), "{name}: {:?}", grade.caps);
        assert!(grade.summary.ends_with('.') && grade.summary.len() > 20, "{}", grade.summary);
    }
}

fn plaintext_without_dane(e: &mut Evidence) {
    plaintext_only(e);
    facts(e).dane = Observed::seen(None);
}

fn plaintext_without_policy(e: &mut Evidence) {
    plaintext_only(e);
    nothing_published(e);
}

fn sts_testing(e: &mut Evidence) {
    facts(e).dane = Observed::seen(None);
    sts(e).mode = StsMode::Testing;
}

fn sts_useless(e: &mut Evidence) {
    facts(e).dane = Observed::seen(None);
    sts_problem(e, StsStep::Http, "it answers with HTTP 404 instead of 200.");
}

fn dane_without_secure_mx(e: &mut Evidence) {
    domain(e).policies.sts = Observed::seen(None);
    domain(e).mx_answer.status = DnssecStatus::Insecure;
}

fn expired(e: &mut Evidence) {
    no_policies(e);
    own_certificate(e).not_after = NOW - DAY;
}

#[test]
fn policies_that_were_not_looked_at_make_a_c_provisional_and_claim_nothing() {
    let grade = graded(no_policies);
    assert_eq!((grade.letter, grade.provisional), (Some(C), true));
    assert_eq!(rules(&grade), ["policies_not_tried"]);
    assert_eq!(grade.authentication, AuthenticationMark::Certificate);
    assert!(grade.summary.contains("were not looked at"), "{}", grade.summary);
    let grade = graded(nothing_published);
    assert!(!grade.provisional);
    assert!(grade.summary.contains("nothing tells senders to insist on it"), "{}", grade.summary);
}

#[test]
fn dane_lifts_what_a_certificate_lacks() {
    let expired = |e: &mut Evidence| own_certificate(e).not_after = NOW - DAY;
    let grade = graded(|e| {
        expired(e);
        domain(e).policies.sts = Observed::seen(None);
    });
    assert_eq!(grade.letter, Some(A));
    assert_eq!(grade.authentication, AuthenticationMark::Dane);
    // Senders that know MTA-STS alone refuse it all the same.
    assert_eq!(graded(expired).letter, Some(X));
}

#[test]
fn the_worst_reachable_server_decides_and_the_unreachable_do_not() {
    let grade = graded(|e| second(e, plaintext_without_policy));
    assert_eq!(grade.letter, Some(F));
    assert!(grade.summary.starts_with("Part of the mail"), "{}", grade.summary);
    let grade = graded(|e| second(e, unreachable));
    assert_eq!(grade.letter, Some(APlus));
    assert!(grade.summary.contains("1 of 2 addresses could not be tested"), "{}", grade.summary);
}

#[test]
fn what_could_not_be_determined_has_no_letter() {
    let cases: [fn(&mut Evidence); 5] = [
        unreachable,
        |e| domain(e).routing = MailRouting::NullMx,
        |e| domain(e).routing = MailRouting::NoSuchDomain,
        |e| domain(e).routing = MailRouting::Unknown,
        |e| {
            plaintext_only(e);
            smtp(e).starttls_offer = failed();
            smtp(e).back_off =
                Some(BackOff { what: "421 busy".into(), stage: "EHLO".into(), after_connections: 0 });
        },
    ];
    for change in cases {
        let grade = graded(change);
        assert_eq!(grade.letter, None, "{}", grade.summary);
        assert!(!grade.provisional);
        assert!(grade.summary.ends_with('.'), "{}", grade.summary);
    }
}

#[test]
fn without_a_name_only_an_untrusted_certificate_decides() {
    let no_name = |e: &mut Evidence| {
        no_policies(e);
        facts(e).reference_name = None;
    };
    let grade = graded(no_name);
    assert_eq!(grade.letter, None);
    assert_eq!(grade.encryption, EncryptionMark::Good);
    assert_eq!(grade.authentication, AuthenticationMark::Unknown);
    assert!(grade.summary.contains("--server-name"), "{}", grade.summary);
    let grade = graded(|e| {
        no_name(e);
        path(e).outcome = waxseal_model::certificate::PathOutcome::SelfSignedLeaf;
    });
    assert_eq!((grade.letter, grade.provisional), (Some(D), true));
}

#[test]
fn submission_is_held_to_stricter_rules_and_needs_no_policy() {
    let submit = |e: &mut Evidence| {
        e.domain = None;
        facts(e).dane = Observed::default();
        submission(e);
    };
    let grade = graded(submit);
    assert_eq!((grade.letter, rules(&grade)), (Some(A), vec!["submission_starttls"]));
    let old = graded(|e| {
        submit(e);
        version(e, TlsVersion::Tls11, true);
    });
    assert_eq!((old.letter, old.encryption), (Some(D), EncryptionMark::Fair));
    let auth = graded(|e| {
        submit(e);
        smtp(e).ehlo_plain = Observed::seen(ehlo_facts(&["STARTTLS", "AUTH PLAIN"]));
    });
    assert_eq!(auth.letter, Some(D));
}

#[test]
fn tls_that_never_works_is_as_bad_as_none() {
    let grade = graded(|e| {
        no_policies(e);
        only_version(e, TlsVersion::Ssl2);
        version(e, TlsVersion::Ssl2, false);
        facts(e).chains = Observed::default();
    });
    assert_eq!((grade.letter, grade.encryption), (Some(F), EncryptionMark::Weak));
    assert_eq!(rules(&grade).first(), Some(&"broken_tls"));
}

#[test]
fn what_was_not_answered_keeps_the_best_letter_away() {
    let grade = graded(|e| class_unknown(e, SuiteClass::Rc4));
    assert_eq!((grade.letter, rules(&grade)), (Some(A), vec!["untested"]));
    assert_eq!(grade.caps[0].why, "mx1.example.com: not answered: RC4");
}

#[test]
fn one_cap_names_all_servers_that_it_is_about() {
    let grade = graded(|e| {
        version(e, TlsVersion::Tls10, true);
        second(e, |e| version(e, TlsVersion::Tls10, true));
    });
    let caps: Vec<_> =
        grade.caps.iter().filter(|c| c.rule == "tls10_offered").map(|c| c.why.as_str()).collect();
    assert_eq!(caps, ["mx1.example.com and mx2.example.com: TLS 1.0 is accepted"]);
}

#[test]
fn the_lift_names_the_next_letter_and_all_that_stands_before_it() {
    let lift = graded(nothing_published).lift.unwrap();
    assert_eq!(lift.letter, B);
    assert!(lift.steps[0].contains("waxseal policy generate example.com"), "{:?}", lift.steps);
    let lift = graded(sts_testing).lift.unwrap();
    assert_eq!((lift.letter, lift.steps.len()), (A, 1));
    let lift = graded(|e| facts(e).dane = Observed::seen(None)).lift.unwrap();
    assert_eq!(lift.letter, APlus);
    assert!(lift.steps[0].contains("DANE"), "{:?}", lift.steps);
    let lift = graded(|e| {
        nothing_published(e);
        version(e, TlsVersion::Ssl3, true);
    });
    assert_eq!(lift.lift.unwrap().steps.len(), 2, "both limits at C");
    assert_eq!(graded(|_| {}).lift, None);
    assert_eq!(graded(unreachable).lift, None);
}

#[test]
fn identity_and_caa_never_touch_the_grade() {
    let with = graded(|_| {});
    type Change = fn(&mut Evidence);
    let changes: [Change; 7] = [
        |e| domain(e).identity = Default::default(),
        |e| domain(e).policies.caa.clear(),
        |e| caa(e, &[(0, "issue", ";")]),
        |e| spf(e).records.clear(),
        |e| spf_facts(e).all = Some(waxseal_model::identity::SpfResult::Pass),
        |e| dmarc(e).record = None,
        |e| dkim_key(e).bits = Some(512),
    ];
    for change in changes {
        assert_eq!(graded(change), with);
    }
    // Nor where there is something to grade down already.
    let expired = |e: &mut Evidence| own_certificate(e).not_after = NOW - 1;
    let without = |e: &mut Evidence| {
        own_certificate(e).not_after = NOW - 1;
        domain(e).identity = Default::default();
        domain(e).policies.caa.clear();
    };
    assert_eq!(graded(expired), graded(without));
}

#[test]
fn attacks_cap_the_letter_and_each_cap_is_named() {
    use waxseal_model::audit::{
        CcsInjection, ClientCertificate, Heartbleed, Renegotiation, Robot, RobotOracle, StarttlsInjection,
    };
    fn robot(e: &mut Evidence, oracle: RobotOracle) {
        let seen = Robot { oracle: Some(oracle), with_finished: Some(true), answers: Vec::new() };
        audit(e).robot = Observed::seen(seen);
    }
    type Row = (&'static str, fn(&mut Evidence), Letter);
    let reply = "250 2.0.0 Ok";
    let rows: [Row; 10] = [
        ("heartbleed", |e| audit(e).heartbleed = Observed::seen(Heartbleed::Answered { beyond: 1 }), F),
        (
            "ccs_injection",
            |e| audit(e).ccs_injection = Observed::seen(CcsInjection::Accepted { alert: 20 }),
            F,
        ),
        ("robot_strong", |e| robot(e, RobotOracle::Strong), F),
        ("robot_weak", |e| robot(e, RobotOracle::Weak), C),
        ("drown", drown_here, F),
        ("drown", drown_there, F),
        ("ticketbleed", |e| audit(e).ticketbleed = Observed::seen(1), F),
        (
            "insecure_renegotiation",
            |e| audit(e).insecure_renegotiation = Observed::seen(Renegotiation::Accepted),
            C,
        ),
        (
            "client_certificate",
            |e| audit(e).client_certificate = Observed::seen(ClientCertificate::Demanded),
            F,
        ),
        ("weak_groups", |e| tls(e).weak_groups = Observed::seen(vec![group("sect163k1")]), A),
    ];
    for (rule, change, letter) in rows {
        let grade = graded(change);
        assert_eq!(grade.letter, Some(letter), "{rule}: {:?}", grade.caps);
        assert!(rules(&grade).contains(&rule), "{rule}: {:?}", grade.caps);
        assert!(!grade.lift.unwrap().steps.is_empty(), "{rule}");
    }
    let injection = graded(|e| {
        audit(e).starttls_injection =
            Observed::seen(StarttlsInjection::AnsweredWithinTls { reply: reply.into() });
    });
    assert_eq!((injection.letter, injection.encryption), (Some(F), EncryptionMark::Weak));
    assert!(injection.summary.contains("STARTTLS injection"), "{}", injection.summary);
}

fn group(name: &str) -> waxseal_model::tls::Group {
    waxseal_model::tls::Group { code: 1, name: name.into() }
}

fn drown_here(e: &mut Evidence) {
    version(e, TlsVersion::Ssl2, true);
    accept(e, SuiteClass::RsaKeyExchange);
}

fn drown_there(e: &mut Evidence) {
    accept(e, SuiteClass::RsaKeyExchange);
    let mut old = sibling(465, waxseal_model::TlsStart::Implicit);
    old.ssl2 = Observed::seen(true);
    audit(e).siblings = Observed::seen(vec![old]);
}

#[test]
fn a_demanded_client_certificate_is_no_limit_where_users_log_in() {
    let grade = graded(|e| {
        submission(e);
        audit(e).client_certificate = Observed::seen(waxseal_model::audit::ClientCertificate::Demanded);
    });
    assert!(!rules(&grade).contains(&"client_certificate"), "{:?}", grade.caps);
}

#[test]
fn an_attempt_without_an_answer_keeps_the_best_letter_away_and_one_that_was_not_made_does_not() {
    let grade = graded(|e| audit(e).robot = failed());
    assert_eq!((grade.letter, rules(&grade)), (Some(A), vec!["untested"]));
    assert_eq!(grade.caps[0].why, "mx1.example.com: not answered: ROBOT");
    assert_eq!(graded(|e| audit(e).robot = Observed::default()).letter, Some(APlus));
}

#[test]
fn profiles_differ_on_signatures_and_groups() {
    let letters = |change: fn(&mut Evidence)| {
        let mut evidence = healthy();
        change(&mut evidence);
        let letter = |name: &&str| grade(&evidence, profile(name).unwrap(), NOW).letter.unwrap();
        ["mail", "bcp195", "ncsc-2025"].iter().map(letter).collect::<Vec<_>>()
    };
    let sha1 = |e: &mut Evidence| {
        let lists = audit(e).signature_algorithms.values_mut();
        for list in lists {
            if let Observed::Seen { value } = list {
                value.chosen.push("rsa_pkcs1_sha1".into());
            }
        }
    };
    assert_eq!(letters(|_| {}), [APlus, APlus, APlus]);
    assert_eq!(letters(sha1), [APlus, B, B]);
    assert_eq!(letters(|e| tls(e).groups.push("ffdhe2048".into())), [APlus, APlus, C]);
}

#[test]
fn what_an_audit_lists_counts_like_a_class_that_was_accepted() {
    let grade = graded(|e| {
        version(e, TlsVersion::Tls11, true);
        tls(e).suites.insert(TlsVersion::Tls11, vec!["TLS_RSA_WITH_RC4_128_SHA".into()]);
    });
    assert_eq!(grade.letter, Some(B));
    assert!(rules(&grade).contains(&"rc4") && rules(&grade).contains(&"rsa_kx"), "{:?}", grade.caps);
}
