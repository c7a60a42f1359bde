//! Views on evidence: each sender, each attack, and what becomes of missing facts.

use waxseal_model::{
    Cause, DnssecStatus, Evidence, Observed, Usage,
    certificate::PathOutcome,
    dns::DnsOutcome,
    evidence::MailRouting,
    policy::{DaneFacts, StsMode},
    sender::{Attack, AttackView, Outcome, SenderView},
    tls::TlsVersion,
};

use super::*;
use crate::fixtures::{self, NOW};

fn view(evidence: &Evidence, sender: &str) -> SenderView {
    let all = views(evidence, NOW);
    all.into_iter().find(|v| v.sender == sender).unwrap_or_else(|| panic!("no view of {sender}"))
}

fn outcomes(evidence: &Evidence, sender: &str) -> (Outcome, Outcome, bool) {
    let v = view(evidence, sender);
    (v.outcome, v.under_attack, v.read_under_attack)
}

fn attack(evidence: &Evidence, sender: &str, attack: Attack) -> AttackView {
    view(evidence, sender).attacks.into_iter().find(|a| a.attack == attack).unwrap()
}

fn dane(e: &mut Evidence) -> &mut DaneFacts {
    match &mut fixtures::facts(e).dane {
        Observed::Seen { value: Some(dane) } => dane,
        other => panic!("no TLSA records in {other:?}"),
    }
}

/// No DNSSEC, no policies.
fn unprotected() -> Evidence {
    let mut e = fixtures::healthy();
    fixtures::domain(&mut e).policies.sts = Observed::seen(None);
    fixtures::facts(&mut e).dane = Observed::seen(None);
    insecure_names(&mut e);
    e
}

fn insecure_names(e: &mut Evidence) {
    fixtures::domain(e).mx_answer.status = DnssecStatus::Insecure;
    fixtures::mx(e).answers.iter_mut().for_each(|a| a.status = DnssecStatus::Insecure);
}

fn sts(e: &mut Evidence, mode: StsMode, mx: &[&str]) {
    match &mut fixtures::domain(e).policies.sts {
        Observed::Seen { value: Some(policy) } => {
            policy.mode = mode;
            policy.mx = mx.iter().map(|m| (*m).to_owned()).collect();
        }
        other => panic!("no policy in {other:?}"),
    }
}

/// A second MX host behind the first.
fn second_mx(e: &mut Evidence, name: &str) {
    let mut host = fixtures::mx(e).clone();
    host.preference = Some(20);
    host.name = name.into();
    fixtures::domain(e).hosts.push(host);
    let mut endpoint = e.endpoints[0].clone();
    endpoint.endpoint.host = Some(name.into());
    endpoint.evidence.reference_name = Some(name.into());
    e.endpoints.push(endpoint);
}

use Outcome::{Authenticated, Bounced, Clear, Deferred, Encrypted, Undetermined};

/// A Postfix that demands a certificate for the domain, at the level `secure`.
fn at_level_secure(evidence: &Evidence) -> Outcome {
    let mut sender = find("postfix-verify").unwrap().clone();
    sender.rule.level = Some(RuleLevel::Secure);
    super::view(&sender, evidence, NOW).outcome
}

fn certificate_names(e: &mut Evidence, names: &[&str]) {
    match &mut fixtures::facts(e).chains {
        Observed::Seen { value } => value.iter_mut().for_each(|chain| {
            chain.certificates[0].dns_names = names.iter().map(|n| (*n).to_owned()).collect();
        }),
        other => panic!("no chain in {other:?}"),
    }
}

#[test]
fn at_level_secure_the_certificate_is_for_the_domain_whatever_the_mx_is_called() {
    let mut e = unprotected();
    let domain = fixtures::domain(&mut e).name.clone();
    for (name, outcome) in [
        (domain.clone(), Authenticated),
        (format!("Any.{domain}"), Authenticated),
        (format!("a.b.{domain}"), Authenticated),
        (format!("*.{domain}"), Authenticated),
        (format!("not{domain}"), Deferred),
        (format!(".{domain}"), Deferred),
        ("mx.elsewhere.test".to_owned(), Deferred),
    ] {
        certificate_names(&mut e, &[&name]);
        assert_eq!(at_level_secure(&e), outcome, "{name}");
    }
}

#[test]
fn at_level_secure_nothing_is_said_of_a_certificate_that_was_not_seen() {
    let mut e = unprotected();
    fixtures::facts(&mut e).chains = Observed::failed(Cause::Timeout, "no answer within 2 s");
    assert_eq!(at_level_secure(&e), Undetermined);
}

#[test]
fn what_a_sender_makes_of_plaintext_after_the_220_is_not_known() {
    let mut e = fixtures::healthy();
    fixtures::facts(&mut e).smtp.plaintext_after_220 = Observed::seen(Some("250 more".into()));
    assert_eq!(view(&e, "postfix-may").outcome, Undetermined);
}

#[test]
fn an_mx_that_is_an_address_has_no_tlsa_records() {
    let mut e = unprotected();
    fixtures::mx(&mut e).ip_literal = true;
    fixtures::facts(&mut e).dane = Observed::not_tried(Cause::NotApplicable, "this is an address");
    assert_eq!(view(&e, "postfix-dane").outcome, Encrypted);
}

#[test]
fn a_domain_with_every_policy_is_safe_from_senders_that_follow_one() {
    let e = fixtures::healthy();
    for sender in ["gmail", "exchange-online", "postfix-dane"] {
        assert_eq!(outcomes(&e, sender), (Authenticated, Deferred, false), "{sender}");
    }
    // These follow none, so that no policy helps.
    assert_eq!(outcomes(&e, "postfix-may"), (Encrypted, Clear, true));
    assert_eq!(outcomes(&e, "tls-gateway"), (Encrypted, Encrypted, true));
    // It compares names that it learnt from a DNS that it does not validate.
    assert_eq!(outcomes(&e, "postfix-verify"), (Authenticated, Encrypted, true));
    assert_eq!(attack(&e, "postfix-verify", Attack::OtherCertificate).outcome, Deferred);
    assert_eq!(attack(&e, "postfix-verify", Attack::SwapMx).outcome, Encrypted);
    // A TLS 1.0 appliance finds no common version; without STARTTLS it goes in clear.
    assert_eq!(outcomes(&e, "legacy-tls10"), (Deferred, Clear, true));
}

#[test]
fn without_policies_an_attacker_reads_whatever_is_not_kept_by_the_senders_own_rule() {
    let e = unprotected();
    for sender in ["gmail", "exchange-online", "postfix-dane", "postfix-may", "exim"] {
        assert_eq!(outcomes(&e, sender), (Encrypted, Clear, true), "{sender}");
    }
    let gateway = view(&e, "tls-gateway");
    assert_eq!((gateway.outcome, gateway.under_attack), (Encrypted, Encrypted));
    let stripped = attack(&e, "tls-gateway", Attack::StripStarttls);
    assert_eq!(stripped.outcome, Deferred);
    assert_eq!(stripped.reply.as_deref(), Some("451 4.7.6 STARTTLS required but not advertised"));
    assert!(attack(&e, "tls-gateway", Attack::OtherCertificate).read_by_attacker);
}

#[test]
fn the_reply_names_the_host_and_comes_from_the_senders_own_words() {
    let mut e = fixtures::healthy();
    fixtures::plaintext_only(&mut e);
    let postfix = view(&e, "postfix-dane");
    assert_eq!(postfix.outcome, Deferred);
    let expected = "4.7.4 TLS is required, but was not offered by host mx1.example.com[198.51.101.25]";
    assert_eq!(postfix.reply.as_deref(), Some(expected));
    assert!(view(&e, "exchange-online").reply.unwrap().starts_with("4.7.321 "));
    // What Gmail says is not known, and nothing is made up for it.
    assert_eq!((view(&e, "gmail").outcome, view(&e, "gmail").reply), (Deferred, None));
    assert_eq!(outcomes(&e, "postfix-may"), (Clear, Clear, true));
}

#[test]
fn a_reply_under_attack_is_not_taken_for_todays() {
    let mut e = unprotected();
    fixtures::facts(&mut e).tls = Default::default();
    fixtures::smtp(&mut e).starttls_reply = Observed::seen(fixtures::reply(454, "TLS not available"));
    // What the gateway says to a refused STARTTLS is not known.
    let gateway = view(&e, "tls-gateway");
    assert_eq!((gateway.outcome, gateway.reply), (Deferred, None));
    assert!(attack(&e, "tls-gateway", Attack::StripStarttls).reply.is_some());
    assert!(view(&e, "postfix-verify").reply.unwrap().contains("refused to start TLS"));
    // Postfix with may goes on in clear.
    assert_eq!(view(&e, "postfix-may").outcome, Clear);
}

#[test]
fn testing_changes_nothing() {
    let mut e = unprotected();
    let without = views(&e, NOW);
    fixtures::domain(&mut e).policies = fixtures::domain(&mut fixtures::healthy()).policies.clone();
    sts(&mut e, StsMode::Testing, &["elsewhere.example.net"]);
    assert_eq!(views(&e, NOW), without);
}

#[test]
fn an_enforced_policy_that_leaves_the_host_out_keeps_mail_away() {
    let mut e = fixtures::healthy();
    sts(&mut e, StsMode::Enforce, &["elsewhere.example.net"]);
    assert_eq!(outcomes(&e, "gmail"), (Deferred, Deferred, false));
    // With usable DANE the policy is only reported.
    let exo = view(&e, "exchange-online");
    assert_eq!(exo.outcome, Authenticated);
    insecure_names(&mut e);
    fixtures::facts(&mut e).dane = Observed::seen(None);
    let exo = view(&e, "exchange-online");
    assert_eq!(exo.outcome, Deferred);
    assert_eq!(exo.reply.as_deref(), Some("4.4.8 MX hosts of example.com failed MTA-STS validation."));
}

#[test]
fn records_that_do_not_match_stop_those_who_look() {
    let mut e = fixtures::healthy();
    let record = &mut dane(&mut e).tlsa[0];
    (record.data, record.matched) = ("11".repeat(32), vec![None]);
    assert_eq!(view(&e, "postfix-dane").reply.as_deref(), Some("4.7.5 Server certificate not trusted"));
    assert!(view(&e, "exchange-online").reply.unwrap().starts_with("4.7.323 "));
    assert_eq!(view(&e, "exchange-online").outcome, Deferred);
    assert_eq!(view(&e, "gmail").outcome, Authenticated);
}

#[test]
fn a_failing_tlsa_lookup_is_no_absence_of_records() {
    for (outcome, status) in
        [(DnsOutcome::ServerError, DnssecStatus::Indeterminate), (DnsOutcome::Records, DnssecStatus::Bogus)]
    {
        let mut e = fixtures::healthy();
        (dane(&mut e).outcome, dane(&mut e).status) = (outcome, status);
        assert_eq!(view(&e, "postfix-dane").outcome, Deferred, "{outcome:?}");
        assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
    }
}

#[test]
fn tlsa_records_that_we_could_not_look_up_say_nothing_of_what_others_get() {
    for (outcome, status) in [
        (DnsOutcome::Timeout, DnssecStatus::Indeterminate),
        (DnsOutcome::Unusable, DnssecStatus::Indeterminate),
        (DnsOutcome::Records, DnssecStatus::Indeterminate),
    ] {
        let mut e = fixtures::healthy();
        (dane(&mut e).outcome, dane(&mut e).status) = (outcome, status);
        assert_eq!(view(&e, "postfix-dane").outcome, Undetermined, "{outcome:?}");
        assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
    }
}

#[test]
fn unusable_records_demand_tls_and_no_certificate() {
    let mut e = fixtures::healthy();
    dane(&mut e).tlsa[0].unusable = Some("usage 1 is not for SMTP".into());
    fixtures::domain(&mut e).policies.sts = Observed::seen(None);
    fixtures::path(&mut e).outcome = PathOutcome::SelfSignedLeaf;
    assert_eq!(view(&e, "postfix-dane").outcome, Encrypted);
    let stripped = attack(&e, "postfix-dane", Attack::StripStarttls);
    assert_eq!((stripped.outcome, stripped.read_by_attacker), (Deferred, false));
    assert!(attack(&e, "postfix-dane", Attack::OtherCertificate).read_by_attacker);
}

#[test]
fn dane_ee_leaves_names_dates_and_trust_aside_and_dane_ta_does_not() {
    let mut e = fixtures::healthy();
    fixtures::path(&mut e).outcome = PathOutcome::SelfSignedLeaf;
    fixtures::own_certificate(&mut e).not_after = NOW - 1;
    fixtures::own_certificate(&mut e).dns_names = vec!["other.example.net".into()];
    assert_eq!(view(&e, "postfix-dane").outcome, Authenticated);
    assert_eq!(view(&e, "postfix-verify").outcome, Deferred);
    assert_eq!(view(&e, "gmail").outcome, Deferred);
    // Exchange Online documents that it looks at the date all the same.
    assert!(view(&e, "exchange-online").reply.unwrap().starts_with("4.7.322 "));
    // A trust anchor that is not above the leaf authenticates nothing.
    let ta = &mut dane(&mut e).tlsa[0];
    (ta.usage, ta.matched) = (2, vec![Some(1)]);
    assert_eq!(view(&e, "postfix-dane").outcome, Deferred);
    assert_eq!(view(&e, "postfix-dane").reply.as_deref(), Some("4.7.5 Server certificate not verified"));
}

#[test]
fn a_second_chain_that_matches_nothing_counts() {
    let mut e = fixtures::healthy();
    let chain = fixtures::chain();
    let mut other = chain.clone();
    other.certificates[0].der = other.certificates[0].der.replacen("MIIB", "MIIC", 1);
    fixtures::facts(&mut e).chains = Observed::seen(vec![chain, other]);
    dane(&mut e).tlsa[0].matched = vec![Some(0), None];
    assert_eq!(view(&e, "postfix-dane").outcome, Deferred);
}

#[test]
fn the_weakest_host_decides_under_attack_and_the_first_one_today() {
    let mut e = fixtures::healthy();
    second_mx(&mut e, "mx2.example.com");
    e.endpoints[1].evidence.dane = Observed::seen(None);
    fixtures::domain(&mut e).policies.sts = Observed::seen(None);
    assert_eq!(outcomes(&e, "postfix-dane"), (Authenticated, Clear, true));
    // The policy does not name it: nobody who follows the policy goes there.
    let mut e = fixtures::healthy();
    second_mx(&mut e, "mx2.example.com");
    assert_eq!(outcomes(&e, "gmail"), (Authenticated, Deferred, false));
    // Of equals the worse counts: the sender chooses at random.
    let mut e = unprotected();
    second_mx(&mut e, "mx2.example.com");
    fixtures::domain(&mut e).hosts[1].preference = Some(10);
    let mut plain = fixtures::healthy();
    fixtures::plaintext_only(&mut plain);
    e.endpoints[1].evidence.smtp = plain.endpoints[0].evidence.smtp.clone();
    e.endpoints[1].evidence.tls = plain.endpoints[0].evidence.tls.clone();
    assert_eq!(view(&e, "gmail").outcome, Clear);
    assert_eq!(view(&e, "tls-gateway").outcome, Encrypted);
}

#[test]
fn domains_that_take_no_mail_give_it_back_at_once() {
    for (routing, reply) in [
        (MailRouting::NullMx, "556 5.1.10 Recipient domain accepts no mail (null MX)"),
        (MailRouting::NoSuchDomain, "550 5.1.2 Recipient domain does not exist"),
    ] {
        let mut e = fixtures::healthy();
        e.endpoints.clear();
        fixtures::domain(&mut e).hosts.clear();
        fixtures::domain(&mut e).routing = routing;
        for v in views(&e, NOW) {
            assert_eq!((v.outcome, v.under_attack), (Bounced, Bounced), "{}", v.sender);
            assert_eq!(v.reply.as_deref(), Some(reply));
            assert!(v.attacks.is_empty());
        }
    }
}

#[test]
fn bogus_mx_records_stop_those_who_validate() {
    let mut e = fixtures::healthy();
    e.endpoints.clear();
    let domain = fixtures::domain(&mut e);
    domain.hosts.clear();
    domain.routing = MailRouting::Unknown;
    domain.mx_answer.status = DnssecStatus::Bogus;
    assert_eq!(view(&e, "postfix-dane").outcome, Deferred);
    assert_eq!(view(&e, "postfix-may").outcome, Undetermined);
}

#[test]
fn submission_alone_is_no_business_of_other_mail_servers() {
    let mut e = fixtures::healthy();
    e.domain = None;
    assert_eq!(views(&e, NOW).len(), all().len());
    fixtures::submission(&mut e);
    assert!(views(&e, NOW).is_empty());
}

#[test]
fn a_port_that_does_not_answer_us_is_believed_only_beside_one_that_does() {
    let mut e = fixtures::healthy();
    fixtures::unreachable(&mut e);
    assert!(views(&e, NOW).iter().all(|v| v.outcome == Undetermined));
    fixtures::smtp(&mut e).connected = Observed::failed(Cause::Refused, "connection refused");
    assert_eq!(view(&e, "postfix-may").outcome, Deferred);
    let mut e = unprotected();
    second_mx(&mut e, "mx2.example.com");
    e.endpoints[0].evidence.smtp.connected = fixtures::failed();
    e.endpoints[0].evidence.tls = Default::default();
    assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
}

#[test]
fn a_later_host_says_nothing_if_the_first_one_may_take_the_mail() {
    let mut e = unprotected();
    second_mx(&mut e, "mx2.example.com");
    e.endpoints[0].evidence.tls = Default::default();
    e.endpoints[0].evidence.smtp.starttls_offer = fixtures::failed();
    assert_eq!(view(&e, "postfix-may").outcome, Undetermined);
    // Among equals, the one that is known is enough.
    fixtures::domain(&mut e).hosts[1].preference = Some(10);
    assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
}

#[test]
fn versions_that_are_not_common_are_a_failed_handshake() {
    let mut e = unprotected();
    fixtures::only_version(&mut e, TlsVersion::Tls10);
    // It may fall back, or not: that is not known of Exchange Online.
    let exo = view(&e, "exchange-online");
    assert_eq!(exo.outcome, Undetermined);
    assert!(exo.why.contains("goes on in clear after a failed handshake"), "{}", exo.why);
    assert_eq!(view(&e, "legacy-tls10").outcome, Encrypted);
    assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
    fixtures::only_version(&mut e, TlsVersion::Tls13);
    assert_eq!(view(&e, "postfix-may").outcome, Encrypted);
    assert_eq!(view(&e, "legacy-tls10").outcome, Deferred);
    fixtures::version_unknown(&mut e, TlsVersion::Tls10);
    assert_eq!(view(&e, "legacy-tls10").outcome, Undetermined);
}

#[test]
fn what_is_not_known_of_a_sender_is_named_where_it_matters() {
    let mut e = unprotected();
    // Where TLS works it makes no difference today what Yahoo does after a failure.
    assert_eq!(view(&e, "yahoo").outcome, Encrypted);
    fixtures::smtp(&mut e).starttls_reply = Observed::seen(fixtures::reply(454, "TLS not available"));
    fixtures::facts(&mut e).tls = waxseal_model::tls::TlsEvidence::default();
    fixtures::facts(&mut e).chains = Observed::default();
    let yahoo = view(&e, "yahoo");
    assert_eq!(yahoo.outcome, Undetermined);
    assert!(yahoo.why.contains("Yahoo"), "{}", yahoo.why);
    assert_eq!(view(&e, "exim").outcome, Clear);
}

/// Ways to lose one fact.
const LOSSES: [fn(&mut Evidence); 10] = [
    |e| fixtures::domain(e).policies.sts = fixtures::failed(),
    |e| fixtures::domain(e).policies.sts = Observed::default(),
    |e| fixtures::facts(e).dane = fixtures::failed(),
    |e| fixtures::facts(e).dane = Observed::default(),
    |e| fixtures::no_chains(e),
    |e| {
        if fixtures::facts(e).chains.is_seen() {
            fixtures::first_chain(e).path = fixtures::failed();
        }
    },
    |e| fixtures::domain(e).mx_answer.status = DnssecStatus::Indeterminate,
    |e| fixtures::smtp(e).starttls_offer = fixtures::failed(),
    |e| {
        fixtures::version_unknown(e, TlsVersion::Tls12);
        fixtures::tls(e).handshake = fixtures::failed();
    },
    |e| e.endpoints[0].evidence = Default::default(),
];

#[test]
fn a_missing_fact_never_turns_one_answer_into_another() {
    let samples: [fn() -> Evidence; 4] = [
        fixtures::healthy,
        unprotected,
        || {
            let mut e = fixtures::healthy();
            dane(&mut e).tlsa[0].matched = vec![None];
            e
        },
        || {
            let mut e = fixtures::healthy();
            fixtures::plaintext_only(&mut e);
            e
        },
    ];
    let mut undetermined = 0;
    for (n, sample) in samples.iter().enumerate() {
        let whole = views(&sample(), NOW);
        for (l, lose) in LOSSES.iter().enumerate() {
            let mut e = sample();
            lose(&mut e);
            for (before, after) in whole.iter().zip(views(&e, NOW)) {
                let context = format!("sample {n}, loss {l}: {} {:?}, was {:?}", after.sender, after, before);
                let mut pairs = vec![(before.outcome, after.outcome, &after.why)];
                pairs.extend(
                    before.attacks.iter().zip(&after.attacks).map(|(b, a)| (b.outcome, a.outcome, &a.why)),
                );
                for (b, a, why) in pairs {
                    assert!(a == b || a == Undetermined || b == Undetermined, "{context}");
                    assert!(!why.is_empty(), "{context}");
                    undetermined += usize::from(a == Undetermined);
                }
            }
        }
    }
    assert!(undetermined > 50, "{undetermined}");
}

#[test]
fn senders_that_follow_no_policy_need_no_facts_about_them() {
    let mut e = fixtures::healthy();
    fixtures::domain(&mut e).policies.sts = fixtures::failed();
    fixtures::facts(&mut e).dane = fixtures::failed();
    fixtures::domain(&mut e).mx_answer.status = DnssecStatus::Indeterminate;
    for sender in ["postfix-may", "tls-gateway", "legacy-tls10", "postfix-verify"] {
        assert_ne!(view(&e, sender).outcome, Undetermined, "{sender}");
        assert_ne!(view(&e, sender).under_attack, Undetermined, "{sender}");
    }
    assert_eq!(view(&e, "gmail").outcome, Undetermined);
    assert!(view(&e, "gmail").why.contains("MTA-STS policy: no answer"), "{}", view(&e, "gmail").why);
}

#[test]
fn relays_beside_submission_ports_count_alone() {
    let mut e = unprotected();
    let mut other = e.endpoints[0].clone();
    other.endpoint.usage = Usage::Submission;
    other.evidence = Default::default();
    e.endpoints.push(other);
    assert_eq!(outcomes(&e, "postfix-may"), (Encrypted, Clear, true));
}
