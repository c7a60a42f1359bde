//! What a person is told who asks why.

use waxseal_relay::policy::text;

use crate::stage::{Setting, Stage};

/// Without the columns.
fn squeezed(text: &str) -> String {
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_is_explained_with_what_would_happen() {
    let stage = Stage::new(&["sts-enforce", "dane-only", "null-mx", "unsigned", "sts-404"]).await;
    let rules = "[[policy.rule]]\ndomain = \"unsigned.lab.test\"\ntls = \"require\"\nreason = \"contract 17\"\n\
        [[route]]\ndomain = \"routed.example\"\nnext_hop = \"[192.0.2.7]:2525\"\n";
    let router = stage.router(Setting { rules, ..Setting::default() }).await;
    let explain =
        async |domain: &str| squeezed(&text::render(&router.explain(domain, "a@sender.example").await));
    for (domain, expected) in [
        (
            "sts-enforce.lab.test",
            &[
                "MX records secure by DNSSEC",
                "MTA-STS enforce for sts-enforce.lab.test, id ",
                "demanded MTA-STS enforce",
                "STARTTLS is not offered not here; kept and tried again: 451 4.7.6",
                "the certificate is for another name not here; kept and tried again: 451 4.7.5",
                "all is well delivered, encrypted and authenticated",
            ][..],
        ),
        (
            "dane-only.lab.test",
            &[
                "DANE TLSA records, secure and usable",
                "3 1 1 ",
                "demanded DANE",
                "no TLSA record matches not here; kept and tried again: 451 4.7.5",
                "the certificate is not trusted delivered, encrypted and authenticated",
            ],
        ),
        ("null-mx.lab.test", &["mail returned at once: 556 5.1.10"]),
        (
            "unsigned.lab.test",
            &[
                "rule your rule \"unsigned.lab.test\", contract 17",
                "MX records not signed",
                "demanded require (your rule \"unsigned.lab.test\", contract 17)",
                "the certificate has expired delivered, encrypted, to whomever",
            ],
        ),
        ("sts-404.lab.test", &["no policy of sts-404.lab.test; fetching it failed: ", "404"]),
        ("routed.example", &["next hop [192.0.2.7]:2525 (your route)", "not asked for"]),
        ("no-such-name.lab.test", &["the domain does not exist", "returned at once: 550 5.1.2"]),
    ] {
        let told = explain(domain).await;
        for part in expected {
            assert!(told.contains(part), "{part:?} is not in\n{told}");
        }
    }
    let explanation = router.explain("dane-only.lab.test", "").await;
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["hosts"][0]["policy"], "DANE");
    assert_eq!(json["sender"], serde_json::Value::Null);
}
