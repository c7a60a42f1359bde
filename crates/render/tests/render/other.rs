//! The smaller formats: transcript, DNS answers, manuals, the summary of many targets.

use unicode_width::UnicodeWidthStr;
use waxseal_model::{
    DnssecStatus,
    dns::{DnsOutcome, RecordData},
};
use waxseal_render::{Style, TextOptions, dns, manual, summary, text, transcript};

use crate::samples;

const PLAIN: Style = Style::plain();

const MANUAL: &str = "\
The certificate is for another name.

Senders that verify compare the MX host name with the DNS names of the certificate. All others deliver.

# Method
The leaf of each chain, by RFC 9525:

- a wildcard stands for one label, and a name that does not fit on this line is continued below its mark
  as is this
- the common name is *not* looked at
1. first

```text
openssl s_client -connect mx.example.com:25 -starttls smtp -verify_hostname mx.example.com -brief
```

# Sources
RFC 8461 section 4.2; RFC 9525.
";

#[test]
fn transcript_looks_as_recorded() {
    insta::assert_snapshot!("transcript", transcript(&samples::plaintext_only(), &PLAIN));
    insta::assert_snapshot!("transcript_unreachable", transcript(&samples::unreachable(), &PLAIN));
}

#[test]
fn dns_answer_looks_as_recorded() {
    insta::assert_snapshot!("dns", dns::text(&samples::dns_answer(), &PLAIN));
}

#[test]
fn every_dns_outcome_has_a_sentence() {
    for (outcome, words) in [
        (DnsOutcome::NoData, "has no MX record"),
        (DnsOutcome::NxDomain, "does not exist"),
        (DnsOutcome::ServerError, "error"),
        (DnsOutcome::Timeout, "in time"),
        (DnsOutcome::Unusable, "could not be used"),
    ] {
        let mut answer = samples::dns_answer();
        answer.records.clear();
        answer.canonical_name = None;
        answer.outcome = outcome;
        answer.status = DnssecStatus::Indeterminate;
        let page = dns::text(&answer, &PLAIN);
        assert!(page.contains(words) && page.contains("? indeterminate"), "{page}");
    }
}

#[test]
fn dns_json_has_the_members_that_programs_rely_on() {
    let mut answer = samples::dns_answer();
    answer.records[1].data = RecordData::Mx { preference: 0, exchange: String::new() };
    let value: serde_json::Value = serde_json::from_str(&dns::json(&answer).unwrap()).unwrap();
    assert_eq!(value["name"], "www.example.com");
    assert_eq!(value["type"], "MX");
    assert_eq!(value["status"], "secure");
    assert!(value["reason"].is_string());
    assert_eq!(value["records"][1]["type"], "MX");
    assert!(dns::text(&answer, &PLAIN).contains("null MX"));
}

#[test]
fn manual_looks_as_recorded() {
    let page =
        manual::page("certificate.name_mismatch", "The certificate is for another name", MANUAL, &PLAIN);
    assert_eq!(page.matches("for another name").count(), 1, "the title is not repeated");
    insta::assert_snapshot!("manual", page);
}

#[test]
fn the_list_of_checks_looks_as_recorded() {
    let checks = [
        ("dns.null_mx", "The domain takes no mail"),
        ("tls.old_version", "A version of TLS that RFC 8996 forbids is accepted, with enough said to wrap"),
        ("tls.anonymous", "Anonymous suites are offered"),
    ];
    insta::assert_snapshot!("manual_list", manual::list(&checks, &PLAIN));
}

#[test]
fn summary_puts_the_worst_first() {
    let reports: Vec<_> = samples::all().into_iter().map(|(_, r)| r).collect();
    insta::assert_snapshot!("summary", summary(&reports, &PLAIN));
}

#[test]
fn ascii_style_is_ascii_where_the_evidence_is() {
    let style = Style { unicode: false, ..PLAIN };
    for (name, report) in samples::all() {
        let options = TextOptions { style, verbose: true, now: samples::NOW };
        let pages = [text(&report, &options), transcript(&report, &style), summary(&[report], &style)];
        assert!(pages.iter().all(|p| p.is_ascii()), "{name}");
    }
}

#[test]
fn colour_adds_nothing_but_colour() {
    for (name, report) in samples::all() {
        let page = |color| {
            let style = Style { color, ..PLAIN };
            text(&report, &TextOptions { style, verbose: true, now: samples::NOW })
        };
        assert_eq!(crate::properties::without_colour(&page(true)), page(false), "{name}");
    }
}

#[test]
fn verbose_lists_every_verdict_and_cuts_no_list() {
    let report = samples::rate_limited();
    let page = text(&report, &TextOptions { style: PLAIN, verbose: true, now: samples::NOW });
    for verdict in &report.verdicts {
        assert!(page.contains(&verdict.check), "{}", verdict.check);
    }
    insta::assert_snapshot!("verbose", page);
}

#[test]
fn the_smaller_pages_fit_eighty_columns() {
    let reports: Vec<_> = samples::all().into_iter().map(|(_, r)| r).collect();
    let pages = [
        transcript(&samples::plaintext_only(), &PLAIN),
        dns::text(&samples::dns_answer(), &PLAIN),
        summary(&reports, &PLAIN),
    ];
    for line in pages.iter().flat_map(|p| p.lines()) {
        assert!(line.width() <= 80, "{line}");
    }
}
