//! What `waxseal logs` tells.

use unicode_width::UnicodeWidthStr;
use waxseal_model::{
    LogSummary, SCHEMA_VERSION,
    diagnosis::{Retry, Side},
    logs::{
        DomainChange, DomainTraffic, HostTraffic, LogCause, LogChange, LogFile, Others, ProgramLines,
        SiteTraffic, SourceTraffic, Struck, TimeSpan, Times, Traffic, Waiting, WaitingDomain,
    },
};
use waxseal_render::{
    Style,
    logs::{LogOptions, json, schema, svg, text},
};

/// 2025-11-27 06:00:00 UTC.
const END: i64 = 1_764_223_200;
const DAY: i64 = 86_400;

fn traffic(authenticated: u64, encrypted: u64, clear: u64, unknown: u64) -> Traffic {
    Traffic { authenticated, encrypted, clear, unknown }
}

fn domain(name: &str, host: &str, delivered: Traffic, failed: u64, why: Option<&str>) -> DomainTraffic {
    DomainTraffic {
        domain: name.into(),
        delivered,
        deferred: failed,
        failed: 0,
        hosts: vec![HostTraffic { host: host.into(), delivered }],
        tried_in_clear: 0,
        why_clear: why.map(str::to_owned),
        complete: true,
    }
}

fn cause(name: &str, family: &str, side: Side, deferred: u64, failed: u64, fix: Option<&str>) -> LogCause {
    LogCause {
        cause: name.into(),
        family: family.into(),
        summary: format!("What {} means, in one sentence.", name.replace('_', " ")),
        side,
        retry: Retry::Later,
        deferred,
        failed,
        first: Some(END - 6 * DAY),
        last: Some(END - 600),
        struck: vec![
            Struck { name: "beta.example".into(), count: deferred.max(failed) },
            Struck { name: "gamma.example".into(), count: 1 },
        ],
        example:
            "Nov 21 23:34:45 mx postfix/smtp[12]: 4XyZ1a2b3c: to=<a@beta.example>, relay=none, delay=30, \
                  dsn=4.4.1, status=deferred (connect to mx.beta.example[192.0.2.1]:25: Connection timed out)"
                .into(),
        fix: fix.map(str::to_owned),
        paste: fix.map(|_| "postconf -e smtp_tls_security_level=may && postfix reload".into()),
    }
}

/// The figures.
fn figures() -> LogSummary {
    LogSummary {
        schema_version: SCHEMA_VERSION,
        files: vec![
            LogFile {
                name: "mail.log.1.gz".into(),
                lines: 900_000,
                recognised: 900_000,
                bytes: 9,
                problem: None,
            },
            LogFile { name: "mail.log".into(), lines: 303_400, recognised: 303_000, bytes: 9, problem: None },
        ],
        programs: vec![ProgramLines {
            format: "postfix_log".into(),
            program: "Postfix".into(),
            lines: 1_203_000,
        }],
        lines: 1_203_400,
        events: 25_000,
        first: Some(END - 7 * DAY),
        last: Some(END),
        delivered: traffic(6_120, 4_136, 412, 34),
        kept: 120,
        deferred: 320,
        failed: 77,
        received: traffic(0, 4_900, 421, 0),
        rejected: 9_301,
        ..LogSummary::default()
    }
}

/// The figures, and the tables of who and why.
fn tables() -> LogSummary {
    LogSummary {
        domains: vec![
            domain("gmail.example", "mx.gmail.example", traffic(6_000, 0, 0, 0), 2, None),
            domain("beta.example", "mx.beta.example", traffic(0, 4_136, 0, 34), 310, None),
            domain(
                "clear.example",
                "mx1.clear.example",
                traffic(0, 0, 400, 0),
                0,
                Some("Cannot start TLS: handshake failure"),
            ),
            domain("a-domain-with-a-long-name.example", "mx.example", traffic(120, 0, 12, 0), 0, None),
        ],
        others: Others { count: 12, delivered: traffic(0, 0, 0, 0), undelivered: 3 },
        sites: vec![SiteTraffic {
            site: "gmail.example".into(),
            delivered: traffic(6_000, 0, 0, 0),
            undelivered: 2,
        }],
        causes: vec![
            cause("connect_timeout", "network", Side::Network, 300, 0, Some("Open port 25 to the world.")),
            cause("user_unknown", "address", Side::SenderClient, 0, 70, None),
            cause("starttls_missing", "tls", Side::RecipientServer, 20, 7, Some("Offer STARTTLS.")),
        ],
        rejections: vec![cause("blocklisted", "reputation", Side::SenderServer, 0, 9_301, None)],
        sources: vec![
            SourceTraffic { source: "192.0.2.10".into(), delivered: traffic(6_120, 4_136, 0, 0) },
            SourceTraffic { source: "192.0.2.11".into(), delivered: traffic(0, 0, 412, 34) },
        ],
        ..figures()
    }
}

fn summary() -> LogSummary {
    LogSummary {
        waiting: Waiting {
            recipients: 17,
            not_followed: 0,
            oldest: Some(END - 2 * DAY),
            domains: vec![WaitingDomain {
                domain: "beta.example".into(),
                recipients: 17,
                oldest: Some(END - 2 * DAY),
                cause: Some("connect_timeout".into()),
            }],
        },
        times: Times {
            span: DAY,
            spans: (0..7)
                .filter(|n| *n != 4)
                .map(|n| TimeSpan {
                    start: END - END % DAY - (6 - n) * DAY,
                    delivered: traffic(800, 600 + 50 * n as u64, 10 * n as u64, 5),
                })
                .collect(),
        },
        change: Some(LogChange {
            earlier_last: Some(END - 7 * DAY),
            earlier: traffic(100, 900, 0, 0),
            new_causes: vec!["starttls_missing".into()],
            gone_causes: vec!["greylisted".into(), "rate_limited".into()],
            domains: vec![DomainChange {
                domain: "clear.example".into(),
                before: traffic(0, 380, 0, 0),
                now: traffic(0, 0, 400, 0),
            }],
        }),
        notes: vec!["Postfix does not say of 34 of 10702 deliveries whether they were encrypted.".into()],
        ..tables()
    }
}

fn options(width: usize) -> LogOptions {
    LogOptions { style: Style { width, ..Style::plain() }, top: 3 }
}

#[test]
fn the_page_looks_as_recorded() {
    insta::assert_snapshot!("logs", text(&summary(), &options(80)));
}

#[test]
fn a_page_without_mail_in_clear_says_how_good_it_is() {
    let mut good = summary();
    good.domains.truncate(1);
    good.delivered = good.domains[0].delivered;
    (good.causes, good.rejections, good.change) = (Vec::new(), Vec::new(), None);
    (good.waiting, good.notes, good.sources) = (Waiting::default(), Vec::new(), Vec::new());
    (good.deferred, good.failed, good.rejected, good.others) = (0, 0, 0, Others::default());
    insta::assert_snapshot!("logs_good", text(&good, &options(80)));
    good.delivered = traffic(0, 0, 0, 9);
    assert!(text(&good, &options(80)).starts_with("The log does not say whether any mail was encrypted."));
    let none = LogSummary::default();
    assert!(text(&none, &options(80)).starts_with("The log tells of no mail"));
    let failed = LogSummary { deferred: 3, to: Some("b.example".into()), ..LogSummary::default() };
    assert!(
        text(&failed, &options(80)).starts_with("No mail to b.example was delivered: 3 attempts failed.")
    );
}

#[test]
fn what_was_left_out_to_bound_memory_makes_numbers_least_ones() {
    let mut folded = summary();
    folded.others.delivered.clear = 2;
    folded.waiting.not_followed = 9;
    let page = text(&folded, &options(120));
    assert!(page.contains("to at least 3 domains."), "{page}");
    assert!(page.contains("at least 17 recipients still wait"), "{page}");
    folded.waiting.recipients = 0;
    assert!(text(&folded, &options(120)).contains("how many still wait is not known"));
}

#[test]
fn the_page_fits_any_width_and_shows_all_on_request() {
    for width in [44, 60, 80, 120] {
        let page = text(&summary(), &options(width));
        // Commands and long words stay whole.
        let may_be_long = |line: &&str| !line.contains("postconf -e") && !line.contains("[192.0.2.1]");
        for line in page.lines().filter(may_be_long) {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
    let page = text(&summary(), &LogOptions { top: 0, ..options(120) });
    assert!(page.contains("a-domain-with-a-long-name.example") && !page.contains(" more\n"), "{page}");
}

#[test]
fn json_is_valid_and_may_be_cut_without_losing_counts() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    for top in [0, 2] {
        let text = json(&summary(), top).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| format!("{e:?}")).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let again: LogSummary = serde_json::from_str(&text).unwrap();
        let sum = |s: &LogSummary| {
            s.domains.iter().map(|d| d.delivered.total()).sum::<u64>() + s.others.delivered.total()
        };
        assert_eq!(sum(&again), sum(&summary()));
        assert_eq!(again.domains.len(), if top == 0 { 4 } else { 2 });
    }
    assert!(!validator.is_valid(&serde_json::json!({"lines": "many"})));
}

#[test]
fn the_shipped_schema_is_that_of_the_types() {
    let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/logs-v1.json");
    let made = format!("{:#}\n", schema());
    if std::env::var_os("WAXSEAL_WRITE_SCHEMA").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let file = std::fs::read_to_string(&path).unwrap();
    assert!(
        file.replace("\r\n", "\n") == made,
        "docs/schema/logs-v1.json is not the schema of the types; write it anew by: \
         WAXSEAL_WRITE_SCHEMA=1 cargo test -p waxseal-render --test render schema"
    );
}

#[test]
fn the_picture_is_well_formed_and_says_in_words_what_it_shows() {
    let picture = svg(&summary());
    crate::xml::parse(&picture);
    for words in
        ["<title id=\"title\">", "<desc id=\"desc\">", "role=\"img\"", "10,702 deliveries", "in clear"]
    {
        assert!(picture.contains(words), "{words}");
    }
    // A day without deliveries is left blank: six boxes, not seven.
    let encrypted = picture.lines().find(|line| line.starts_with("<path class=\"e\"")).unwrap();
    assert_eq!(encrypted.matches('M').count(), 6);
    let hostile = LogSummary { to: Some("<script>\u{1b}&\"".into()), ..summary() };
    let picture = svg(&hostile);
    crate::xml::parse(&picture);
    assert!(!picture.contains("<script>") && !picture.contains('\u{1b}'));
    crate::xml::parse(&svg(&LogSummary::default()));
}
