use proptest::prelude::*;
use waxseal_judge::delivery::{AddressAnswer, Dane, MxAnswer, PolicyFacts, Sts, StsMode, requirement};

use super::*;
use crate::config::Config;

/// Rules from the lines of a configuration.
fn rules(lines: &str) -> Rules {
    let text = format!("[server]\nhostname = \"relay.example\"\nspool = \"/s\"\n{lines}");
    let config = Config::parse("relay.toml", &text).unwrap();
    Rules::new(&config.policy, &config.route).unwrap()
}

fn rule(fields: &str) -> String {
    format!("[[policy.rule]]\n{}\n", fields.replace("; ", "\n"))
}

#[test]
fn the_most_specific_rule_holds_alone() {
    let all = [
        rule("domain = \"*\"; tls = \"require\"; reason = \"all\""),
        rule("domain = \".example\"; tls = \"verify\"; reason = \"tld\""),
        rule("domain = \"*.partner.example\"; tls = \"dane\"; reason = \"below\""),
        rule("domain = \"partner.example\"; tls = \"verify\"; reason = \"first\""),
        rule("domain = \"partner.example\"; tls = \"none\"; reason = \"second\""),
        rule("domain = \"partner.example\"; mx = \".old.example\"; tls = \"none\"; reason = \"suffix\""),
        rule("domain = \"partner.example\"; mx = \"a.old.example\"; tls = \"none\"; reason = \"host\""),
        rule(
            "domain = \"partner.example\"; sender = \"@billing.example\"; tls = \"none\"; reason = \"senders\"",
        ),
        rule(
            "domain = \"partner.example\"; sender = \"Boss@billing.example\"; tls = \"none\"; reason = \"boss\"",
        ),
        rule(
            "domain = \"only.example.net\"; sender = \"@billing.example\"; tls = \"none\"; reason = \"never\"",
        ),
    ];
    let rules = rules(&all.concat());
    for (domain, mx, sender, reason) in [
        ("other.test", "mx.other.test", "", "all"),
        ("example", "mx.example", "", "all"),
        ("other.example", "mx.other.example", "", "tld"),
        ("a.b.partner.example", "mx.example", "x@billing.example", "below"),
        ("partner.example", "mx.partner.example", "", "first"),
        ("partner.example", "b.old.example", "", "suffix"),
        ("partner.example", "old.example", "", "first"),
        ("partner.example", "a.old.example", "", "host"),
        ("partner.example", "mx.partner.example", "x@billing.example", "senders"),
        ("partner.example", "mx.partner.example", "x@sub.billing.example", "first"),
        ("partner.example", "mx.partner.example", "boss@Billing.Example", "boss"),
        ("partner.example", "a.old.example", "boss@billing.example", "host"),
        ("only.example.net", "mx.only.example.net", "x@elsewhere.example", "all"),
        ("only.example.net", "mx.only.example.net", "x@billing.example", "never"),
    ] {
        let class = rules.sender_class(sender);
        let found = rules.rule(domain, Some(mx), &class);
        assert!(found.words.ends_with(&format!(", {reason}")), "{domain} {mx} {sender}: {}", found.words);
    }
    let whole = rules.rule("partner.example", None, &[]);
    assert!(whole.words.ends_with("first"), "rules for single hosts are not for the domain as a whole");
}

#[test]
fn a_rule_is_named_with_what_it_is_about() {
    let lines = rule(
        "domain = \".partner.example\"; mx = \"mx.example\"; sender = \"@a.example\"; tls = \"require\"; reason = \"c\\u001b[17\"",
    );
    let rules = rules(&lines);
    let found = rules.rule("x.partner.example", Some("mx.example"), &rules.sender_class("b@a.example"));
    assert_eq!(
        &*found.words,
        "your rule \"*.partner.example\" at \"mx.example\" for mail from \"@a.example\", c\\x1b[17"
    );
    assert_eq!(&*rules.rule("other.example", None, &[]).words, "your default");
}

#[test]
fn levels_and_what_goes_with_them() {
    let digits = "ab".repeat(32);
    let lines = [
        "[policy]\ndefault = \"require\"\nclear_after_failure = true\n".to_owned(),
        rule("domain = \"names.example\"; tls = \"verify\"; names = [\"MX.Other.example\"]"),
        rule("domain = \"sts.example\"; tls = \"sts\"; clear_after_failure = false"),
        rule(&format!(
            "domain = \"pin.example\"; tls = \"fingerprint\"; fingerprints = [\"sha256:{digits}\"]"
        )),
        rule("domain = \"broken.example\"; tls = \"none\"; override_published = true"),
    ];
    let rules = rules(&lines.concat());
    let of = |domain: &str| rules.rule(domain, None, &[]);
    assert_eq!(of("any.example").operator.level, OperatorLevel::Encrypt);
    assert!(of("any.example").operator.clear_after_failure);
    assert_eq!(of("names.example").operator.level, OperatorLevel::Secure);
    assert_eq!(of("names.example").names_for("names.example"), ["mx.other.example"]);
    assert_eq!(of("sts.example").operator.level, OperatorLevel::Verify);
    assert_eq!(of("sts.example").names_for("sts.example"), ["sts.example", ".sts.example"]);
    assert!(!of("sts.example").operator.clear_after_failure);
    assert_eq!(of("pin.example").fingerprints, [[0xab; 32]]);
    assert_eq!(of("broken.example").operator.level, OperatorLevel::None);
    assert!(
        of("broken.example").operator.override_published && !of("any.example").operator.override_published
    );
    assert!(!rules.demand_dane());
    assert!(super::Rules::demand_dane(&self::rules("[policy]\ndefault = \"dane\"\n")));
}

#[test]
fn published_policies_are_not_left_aside_for_all() {
    let one = rule("domain = \"a.example\"; tls = \"require\"; override_published = true");
    let text = format!("[server]\nhostname = \"relay.example\"\nspool = \"/s\"\n{one}");
    let mut config = Config::parse("relay.toml", &text).unwrap();
    assert!(Rules::new(&config.policy, &[]).is_ok());
    config.policy.rule[0].domain = NamePattern::Any;
    assert_eq!(Rules::new(&config.policy, &[]).unwrap_err(), RuleError::OverrideForAll);
    let error = Config::parse("relay.toml", &text.replace("a.example", "*")).unwrap_err().to_string();
    assert!(error.starts_with("relay.toml:4:1: ") && error.contains("has to name the domain"), "{error}");
}

#[test]
fn the_most_specific_route_holds() {
    let lines = "[[route]]\ndomain = \"*\"\nnext_hop = \"[10.0.0.5]:2525\"\n\
        [[route]]\ndomain = \".inner.example\"\nnext_hop = \"hub.example\"\n\
        [[route]]\ndomain = \"inner.example\"\nnext_hop = \"[mail.example]\"\n";
    let rules = rules(lines);
    let host = |domain: &str| rules.next_hop(domain).map(|hop| hop.host.clone());
    assert_eq!(host("inner.example").as_deref(), Some("mail.example"));
    assert_eq!(host("a.b.inner.example").as_deref(), Some("hub.example"));
    assert_eq!(host("other.example").as_deref(), Some("10.0.0.5"));
    assert_eq!(self::rules("").next_hop("other.example"), None);
}

fn facts() -> impl Strategy<Value = PolicyFacts> {
    let dane = prop::sample::select(vec![
        Dane::NotAsked,
        Dane::None,
        Dane::Usable,
        Dane::UnusableOnly,
        Dane::LookupFailed,
    ]);
    let policy =
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(enforce, lists_mx, refresh_failed)| {
            let mode = if enforce { StsMode::Enforce } else { StsMode::Testing };
            Sts::Policy { mode, lists_mx, refresh_failed }
        });
    let sts = prop_oneof![Just(Sts::None), Just(Sts::FetchFailed), policy];
    let mx = prop::sample::select(vec![MxAnswer::Secure, MxAnswer::Insecure, MxAnswer::Bogus]);
    (dane, sts, mx, any::<bool>(), any::<bool>()).prop_map(|(dane, sts, mx, require_tls, tls_required_no)| {
        PolicyFacts {
            dane,
            sts,
            mx,
            address: AddressAnswer::Secure,
            require_tls,
            tls_required_no,
            ..PolicyFacts::PLAIN
        }
    })
}

/// A rule that leaves nothing published aside.
fn any_rule() -> impl Strategy<Value = String> {
    let domains = ["*", "a.example", ".example", "*.a.example", "b.a.example"];
    let levels = ["none", "opportunistic", "require", "verify", "sts", "dane", "dane-only"];
    let mx = ["", "; mx = \"mx.a.example\"", "; mx = \".a.example\"", "; mx = \"*\""];
    let sender = ["", "; sender = \"x@s.example\"", "; sender = \"@s.example\""];
    let choose = |from: &[&'static str]| prop::sample::select(from.to_vec());
    (choose(&domains), choose(&levels), choose(&mx), choose(&sender)).prop_map(
        |(domain, level, mx, sender)| rule(&format!("domain = \"{domain}\"; tls = \"{level}\"{mx}{sender}")),
    )
}

proptest! {
    #[test]
    fn no_rule_asks_for_less_than_what_is_published(
        lines in prop::collection::vec(any_rule(), 0..6),
        domain in prop::sample::select(vec!["a.example", "b.a.example", "c.b.a.example", "other.test"]),
        host in prop::sample::select(vec!["mx.a.example", "mx.other.test"]),
        sender in prop::sample::select(vec!["", "x@s.example", "y@S.example", "x@other.example"]),
        facts in facts(),
    ) {
        let rules = rules(&lines.concat());
        let own = rules.rule(domain, Some(host), &rules.sender_class(sender));
        let nothing = Operator { level: OperatorLevel::None, ..own.operator };
        let published = requirement(&PolicyFacts { operator: nothing, ..facts });
        let with_rule = requirement(&PolicyFacts { operator: own.operator, ..facts });
        prop_assert!(with_rule.is_at_least(&published), "{} {facts:?}", own.words);
    }

    #[test]
    fn a_rule_that_holds_matches_and_no_match_is_more_specific(
        lines in prop::collection::vec(any_rule(), 0..8),
        sender in prop::sample::select(vec!["", "x@s.example", "y@s.example"]),
    ) {
        // Against a plain reading of the order, over all rules at once.
        let rules = rules(&lines.concat());
        let class = rules.sender_class(sender);
        let found = rules.rule("b.a.example", Some("mx.a.example"), &class);
        let score = |text: &str| {
            let has = |part: &str| text.contains(part);
            let domain = [("\"b.a.example\"", 0), ("\"*.a.example\"", 1), ("domain = \".example\"", 2), ("domain = \"*\"", 3)];
            let domain = domain.iter().find(|(p, _)| has(&format!("domain = {}", p.trim_start_matches("domain = ")))).map(|(_, n)| *n)?;
            let mx = [("mx = \"mx.a.example\"", 0), ("mx = \".a.example\"", 1), ("mx = \"*\"", 2)];
            let mx = mx.iter().find(|(p, _)| has(p)).map_or(3, |(_, n)| *n);
            let from = match (has("\"x@s.example\""), has("\"@s.example\"")) {
                (true, _) => (sender == "x@s.example").then_some(0)?,
                (_, true) => sender.ends_with("@s.example").then_some(1)?,
                _ => 2,
            };
            Some((domain, mx, from))
        };
        let best = lines.iter().enumerate().filter_map(|(n, text)| Some((score(text)?, n))).min();
        let expected = best.and_then(|(_, n)| rules.rules.get(n)).unwrap_or(&rules.default);
        prop_assert_eq!(found, expected);
    }
}
