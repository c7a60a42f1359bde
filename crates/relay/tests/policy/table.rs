//! For each lab domain what its hosts have to give.

use waxseal_judge::delivery::{Failure, Level, MxAnswer};
use waxseal_lab::{LabOptions, Vacant};
use waxseal_relay::{
    policy::names::{MOST_HOSTS, Own},
    route::{Route, Router, Wishes},
};

use crate::stage::{Setting, Stage};

/// What holds at a host: a level, or why nothing goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    Level(Level),
    Refused(Failure),
}

use Level::{Dane, DaneOnly, Encrypt, MtaSts, None as Nothing, Verify};
use Needs::{Level as L, Refused as R};

fn needs(route: &Route) -> Vec<Needs> {
    let of = |hop: &waxseal_relay::route::Hop| {
        let requirement = hop.requirement(Wishes::default());
        requirement.refusal().map_or(L(requirement.level()), R)
    };
    route.hops.iter().map(of).collect()
}

/// Domain, answer for MX, needs of its hosts in their order.
const TABLE: &[(&str, MxAnswer, &[Needs])] = &[
    // Names.
    ("null-mx", MxAnswer::NullMx, &[]),
    ("bogus", MxAnswer::Bogus, &[]),
    ("expired-signatures", MxAnswer::Bogus, &[]),
    ("wrong-ds", MxAnswer::Bogus, &[]),
    ("servfail", MxAnswer::Failed, &[]),
    ("dns-silent", MxAnswer::Failed, &[]),
    ("nothing-of-that-name", MxAnswer::NoSuchDomain, &[]),
    ("unsigned", MxAnswer::Insecure, &[L(Nothing)]),
    ("nsec3", MxAnswer::Secure, &[L(Nothing)]),
    ("ed25519", MxAnswer::Secure, &[L(Nothing)]),
    ("implicit-mx", MxAnswer::Secure, &[L(Nothing)]),
    ("mx-cname", MxAnswer::Secure, &[L(Nothing)]),
    ("mx-address", MxAnswer::Secure, &[L(Nothing)]),
    ("dangling-mx", MxAnswer::Secure, &[L(Nothing)]),
    ("mx-loop", MxAnswer::Secure, &[R(Failure::AddressLookup)]),
    ("xn--bcher-kva", MxAnswer::Secure, &[L(Nothing)]),
    ("large-answers", MxAnswer::Secure, &[L(Nothing)]),
    // DANE.
    ("dane-only", MxAnswer::Secure, &[L(Dane)]),
    ("dane-2-1-1", MxAnswer::Secure, &[L(Dane)]),
    ("dane-pkix-ee-only", MxAnswer::Secure, &[L(Encrypt)]),
    ("dane-unusable-only", MxAnswer::Secure, &[L(Encrypt)]),
    ("dane-some-unusable", MxAnswer::Secure, &[L(Dane)]),
    ("dane-bogus", MxAnswer::Secure, &[R(Failure::TlsaLookup)]),
    ("dane-servfail", MxAnswer::Secure, &[R(Failure::TlsaLookup)]),
    ("dane-silent", MxAnswer::Secure, &[R(Failure::TlsaLookup)]),
    ("dane-bogus-address", MxAnswer::Secure, &[R(Failure::AddressLookup)]),
    ("dane-unsigned", MxAnswer::Insecure, &[L(Nothing)]),
    ("dane-unsigned-servfail", MxAnswer::Insecure, &[L(Nothing)]),
    ("dane-insecure-mx", MxAnswer::Insecure, &[L(Dane)]),
    ("dane-nsec3", MxAnswer::Secure, &[L(Dane)]),
    ("dane-one-of-two", MxAnswer::Secure, &[L(Dane), L(Nothing)]),
    ("dane-cname-host", MxAnswer::Secure, &[L(Dane)]),
    ("dane-cname-original", MxAnswer::Secure, &[L(Dane)]),
    ("dane-cname-both", MxAnswer::Secure, &[L(Dane)]),
    ("dane-cname-insecure", MxAnswer::Secure, &[L(Dane)]),
    ("dane-tlsa-cname", MxAnswer::Secure, &[L(Dane)]),
    ("dane-many-records", MxAnswer::Secure, &[L(Dane)]),
    // MTA-STS.
    ("sts-enforce", MxAnswer::Secure, &[L(MtaSts)]),
    ("sts-testing", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-none", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-mismatch", MxAnswer::Secure, &[R(Failure::NotInPolicy)]),
    ("sts-wildcard", MxAnswer::Secure, &[L(MtaSts)]),
    ("sts-one-mx-left-out", MxAnswer::Secure, &[L(MtaSts), R(Failure::NotInPolicy)]),
    ("sts-record-missing", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-two-records", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-record-cname", MxAnswer::Secure, &[L(MtaSts)]),
    ("sts-servfail", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-record-bogus", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-redirect", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-404", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-html", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-oversize", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-bad-mode", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-cert-expired", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-cert-name-mismatch", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-no-https", MxAnswer::Secure, &[L(Nothing)]),
    ("sts-host-half-dead", MxAnswer::Secure, &[L(MtaSts)]),
    ("sts-max-age-zero", MxAnswer::Secure, &[L(MtaSts)]),
    // Both: usable DANE takes the place of MTA-STS, unusable does not.
    ("healthy", MxAnswer::Secure, &[L(Dane)]),
    ("sts-dane-conflict", MxAnswer::Secure, &[L(Dane)]),
    ("sts-and-dane-unusable", MxAnswer::Secure, &[L(MtaSts)]),
    ("sts-and-half-dane", MxAnswer::Secure, &[L(Dane), L(MtaSts)]),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_domain_gets_what_it_publishes() {
    let labels: Vec<&str> = TABLE.iter().map(|(label, ..)| *label).collect();
    let stage = Stage::new(&labels).await;
    let router = stage.router(Setting::default()).await;
    let domains: Vec<String> = labels.iter().map(|label| format!("{label}.lab.test")).collect();
    let routes = domains.iter().map(|domain| router.route(domain, "a@sender.example"));
    let routes = futures_util::future::join_all(routes).await;
    let mut wrong = Vec::new();
    for ((label, mx, expected), route) in TABLE.iter().zip(routes) {
        let found = needs(&route);
        if route.mx != *mx || found != *expected {
            wrong.push(format!("{label}: {:?} {found:?}, not {mx:?} {expected:?}: {route:#?}", route.mx));
        }
        assert_eq!(route.domain, format!("{label}.lab.test"));
        assert!(
            route.hops.is_empty() != matches!(route.mx, MxAnswer::Secure | MxAnswer::Insecure),
            "{label}"
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_and_names_go_with_the_host() {
    let stage = Stage::new(&["dane-cname-host", "dane-2-1-1", "sts-404", "dane-insecure-mx"]).await;
    let router = stage.router(Setting::default()).await;
    let route = router.route("dane-cname-host.lab.test", "").await;
    let hop = &route.hops[0];
    assert_eq!(hop.name, "alias.dane-cname-host.lab.test");
    assert_eq!(hop.server_name(), "mx.dane-cname-host-hosts.lab.test", "the TLSA base domain");
    assert_eq!(hop.dane_names[1..], ["dane-cname-host.lab.test"], "the MX answer is secure");
    assert_eq!((hop.tlsa.len(), hop.port, &*hop.rule), (1, 25, "your default"));
    let insecure = router.route("dane-insecure-mx.lab.test", "").await;
    assert_eq!(insecure.hops[0].dane_names.len(), 1, "an unsigned answer lends its name to nobody");
    let failed = router.route("sts-404.lab.test", "").await;
    assert_eq!(failed.hops[0].facts.sts, waxseal_judge::delivery::Sts::FetchFailed);
    assert_eq!(failed.sts, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_raise_what_is_published_and_only_an_override_lowers_it() {
    let stage = Stage::new(&["healthy", "sts-enforce", "unsigned", "dane-insecure-mx", "dane-only"]).await;
    let rules = "[policy]\ndefault = \"require\"\n\
        [[policy.rule]]\ndomain = \"healthy.lab.test\"\ntls = \"none\"\n\
        [[policy.rule]]\ndomain = \"sts-enforce.lab.test\"\ntls = \"opportunistic\"\noverride_published = true\n\
        [[policy.rule]]\ndomain = \"unsigned.lab.test\"\ntls = \"dane-only\"\n\
        [[policy.rule]]\ndomain = \"unsigned.lab.test\"\nsender = \"@trusted.example\"\ntls = \"verify\"\n\
        [[policy.rule]]\ndomain = \"dane-insecure-mx.lab.test\"\ntls = \"dane-only\"\n\
        [[policy.rule]]\ndomain = \"dane-only.lab.test\"\ntls = \"dane-only\"\n";
    let router = stage.router(Setting { rules, ..Setting::default() }).await;
    for (label, sender, expected) in [
        ("healthy", "", L(Dane)),
        ("sts-enforce", "", L(Nothing)),
        ("unsigned", "", R(Failure::DaneRequired)),
        ("unsigned", "x@trusted.example", L(Verify)),
        ("unsigned", "", R(Failure::DaneRequired)),
        ("dane-insecure-mx", "", R(Failure::DaneRequired)),
        ("dane-only", "", L(DaneOnly)),
    ] {
        let route = router.route(&format!("{label}.lab.test"), sender).await;
        assert_eq!(needs(&route), [expected], "{label} {sender}: {route:#?}");
    }
    let route = router.route("sts-enforce.lab.test", "").await;
    assert!(route.hops[0].requirement(Wishes::default()).is_overridden());
    let strict = Wishes { require_tls: true, tls_required_no: false };
    assert_eq!(route.hops[0].requirement(strict).level(), MtaSts, "REQUIRETLS is not overridden");
    assert!(route.rule.contains("sts-enforce.lab.test"), "{}", route.rule);
    // Other rules hold at once, for routes that are remembered too.
    router.set_rules(crate::stage::rules(""));
    assert_eq!(needs(&*router.route("unsigned.lab.test", "").await), [L(Nothing)]);
    assert_eq!(needs(&*router.route("sts-enforce.lab.test", "").await), [L(MtaSts)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_handed_on_where_a_route_says_so() {
    let stage = Stage::new(&["sts-enforce", "dane-only"]).await;
    let rules = "[[route]]\ndomain = \"*\"\nnext_hop = \"[mx.dane-only.lab.test]:26\"\n\
        [[route]]\ndomain = \"a.example\"\nnext_hop = \"sts-enforce.lab.test\"\n\
        [[route]]\ndomain = \"b.example\"\nnext_hop = \"[192.0.2.7]\"\n\
        [[route]]\ndomain = \"c.example\"\nnext_hop = \"[mx.dane-only.lab.test]\"\n\
        [[policy.rule]]\ndomain = \"b.example\"\ntls = \"verify\"\n";
    let router = stage.router(Setting { rules, ..Setting::default() }).await;
    let hub = router.route("any.example", "").await;
    assert_eq!(
        (&*hub.hops[0].name, hub.hops[0].port, hub.mx),
        ("mx.dane-only.lab.test", 26, MxAnswer::Secure)
    );
    assert_eq!(needs(&hub), [L(Nothing)], "its TLSA record is for another port");
    assert_eq!(&*hub.site, "mx.dane-only.lab.test:26");
    let direct = router.route("c.example", "").await;
    assert_eq!(needs(&direct), [L(Dane)], "a name that the operator set needs no MX answer");
    // The policy of a smart host is its own (RFC 8461 section 3.4).
    let smart = router.route("a.example", "").await;
    assert_eq!((needs(&smart), &*smart.hops[0].name), (vec![L(MtaSts)], "mx.sts-enforce.lab.test"));
    let address = router.route("b.example", "").await;
    assert_eq!(needs(&address), [L(Verify)]);
    assert_eq!(address.hops[0].addresses, ["192.0.2.7".parse::<std::net::IpAddr>().unwrap()]);
    let none = stage.router(Setting::default()).await;
    let literal = none.route("[IPv6:2001:db8::1]", "").await;
    assert_eq!(literal.hops[0].addresses, ["2001:db8::1".parse::<std::net::IpAddr>().unwrap()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_come_back_is_left_out() {
    let stage = Stage::new(&["dane-both", "implicit-mx"]).await;
    let address = |host: &str| stage.lab.address(&format!("{host}.dane-both.lab.test")).unwrap();
    let (first, second) = ("mx1.dane-both.lab.test", "mx2.dane-both.lab.test");
    for (names, addresses, expected) in [
        (vec![], vec![], vec![first, second]),
        (vec![second.to_owned()], vec![], vec![first]),
        (vec![], vec![address("mx2")], vec![first]),
        (vec![first.to_owned()], vec![], vec![]),
        (vec![], vec![address("mx1")], vec![]),
    ] {
        let own = Own { names, addresses };
        let router = stage.router(Setting { own: own.clone(), ..Setting::default() }).await;
        let route = router.route("dane-both.lab.test", "").await;
        let hosts: Vec<&str> = route.hops.iter().map(|hop| hop.name.as_str()).collect();
        assert_eq!(hosts, expected, "{own:?}");
        assert_eq!(route.mx == MxAnswer::Ourselves, expected.is_empty(), "{own:?}");
        assert_eq!(route.trouble.is_some(), expected.is_empty(), "{route:?}");
    }
    let own = Own { names: vec!["implicit-mx.lab.test".into()], addresses: Vec::new() };
    let router = stage.router(Setting { own, ..Setting::default() }).await;
    assert_eq!(router.route("implicit-mx.lab.test", "").await.mx, MxAnswer::Ourselves);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hosts_are_cut_and_equal_ones_take_turns() {
    let mut records = vec!["@ MX 5 a".to_owned(), "@ MX 30 a".to_owned(), "a A {mx}".to_owned()];
    for number in 0..30 {
        records.push(format!("@ MX 20 h{number}"));
        records.push(format!("h{number} A {{mx}}"));
    }
    let mut options = LabOptions::only(["unsigned"]);
    options.vacant = vec![Vacant { label: "many", records }];
    let stage = Stage::with(options).await;
    let router = stage.router(Setting::default()).await;
    let mut seconds = std::collections::BTreeSet::new();
    for _ in 0..8 {
        let route = router.route("many.lab.test", "").await;
        assert_eq!(route.hops.len(), MOST_HOSTS);
        let names: std::collections::BTreeSet<&str> =
            route.hops.iter().map(|hop| hop.name.as_str()).collect();
        assert_eq!(names.len(), MOST_HOSTS, "each host once");
        assert_eq!(route.hops[0].name, "a.many.lab.test");
        assert!(route.hops.windows(2).all(|pair| pair[0].preference <= pair[1].preference));
        assert!(route.trouble.as_deref().unwrap().contains("32 MX hosts"), "{:?}", route.trouble);
        seconds.insert(route.hops[2].name.clone());
    }
    assert!(seconds.len() > 1, "{seconds:?}");
}

/// Whatever the lab has, hostile servers among it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_domain_of_the_lab_has_a_route_in_bounded_time_whose_parts_agree() {
    let stage = Stage::with(LabOptions::guard()).await;
    let router = stage.router(Setting::default()).await;
    let domains: Vec<String> = stage.lab.domains().iter().map(|domain| domain.name.clone()).collect();
    assert!(domains.len() > 150, "{}", domains.len());
    let begun = std::time::Instant::now();
    let routes = domains.iter().map(|domain| router.route(domain, "a@sender.example"));
    let routes = futures_util::future::join_all(routes).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{:?}", begun.elapsed());
    for (domain, route) in domains.iter().zip(routes) {
        let leads_somewhere = matches!(route.mx, MxAnswer::Secure | MxAnswer::Insecure);
        assert_eq!(route.hops.is_empty(), !leads_somewhere, "{domain}: {route:#?}");
        assert!(route.domain.is_ascii() && route.hops.len() <= MOST_HOSTS, "{domain}");
        for hop in &route.hops {
            use waxseal_judge::delivery::{AddressAnswer, Dane};
            let records = matches!(hop.facts.dane, Dane::Usable | Dane::UnusableOnly);
            assert_eq!(records, !hop.tlsa.is_empty(), "{domain}: {hop:#?}");
            let refused = matches!(hop.facts.address, AddressAnswer::Bogus | AddressAnswer::Failed);
            assert!(!refused || hop.addresses.is_empty(), "{domain}: {hop:#?}");
            assert!(!hop.addresses.is_empty() || hop.trouble.is_some(), "{domain}: {hop:#?}");
            assert!(!hop.dane_names.is_empty() && hop.facts.mx == route.mx, "{domain}: {hop:#?}");
        }
    }
}
