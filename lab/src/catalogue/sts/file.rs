//! The policy file (RFC 8461 section 3.2).

use super::{Domain, ENFORCED, Expect, Sts, domain, expect, own, server, text};

/// Senders cannot use the file.
const INVALID: Expect = expect(&["C"], &["sts.policy"]);

pub(super) fn list() -> Vec<Domain> {
    [modes(), grammar(), invalid(), ages(), patterns(), changes()].concat()
}

/// A domain whose file is a text about its MX.
fn with(label: &'static str, summary: &'static str, expect: Expect, file: impl Fn(&str) -> String) -> Domain {
    domain(label, summary, expect, Sts::new(file(&own(label))))
}

fn modes() -> Vec<Domain> {
    vec![
        with("sts-enforce", "MTA-STS in mode enforce, and no DANE", ENFORCED, |mx| text("enforce", &[mx]))
            .demo(),
        with("sts-testing", "MTA-STS: the policy is in mode testing", expect(&["B"], &["sts.mode"]), |mx| {
            text("testing", &[mx])
        })
        .demo()
        .record("_smtp._tls TXT \"v=TLSRPTv1; rua=mailto:tls-reports@sts-testing.lab.test\""),
        with("sts-none", "MTA-STS is being removed: mode none", expect(&["C"], &["sts.mode"]), |_| {
            "version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n".to_owned()
        }),
    ]
}

/// Files that are odd, and can be used all the same.
fn grammar() -> Vec<Domain> {
    let fine = |label, summary, file: fn(&str) -> String| with(label, summary, ENFORCED, file);
    let odd =
        |label, summary, file: fn(&str) -> String| with(label, summary, expect(&["A"], &["sts.form"]), file);
    // The grammar does not have these, many senders take them.
    let doubtful = |label, summary, file: fn(&str) -> String| {
        with(label, summary, expect(&["A", "C"], &["sts.form"]), file)
    };
    vec![
        fine("sts-lf", "Lines end with LF alone", |mx| text("enforce", &[mx]).replace('\r', "")),
        fine("sts-no-last-line-end", "The last line has no end", |mx| {
            text("enforce", &[mx]).trim_end().to_owned()
        }),
        fine("sts-tight", "There are no spaces after the colons", |mx| {
            text("enforce", &[mx]).replace(": ", ":")
        }),
        fine("sts-other-order", "The keys come in another order", |mx| {
            format!("max_age: 604800\r\nmx: {mx}\r\nmode: enforce\r\nversion: STSv1\r\n")
        }),
        fine("sts-unknown-keys", "The file has keys that nobody knows", |mx| {
            text("enforce", &[mx]) + "owner: mail team\r\nx-9_.k: v\r\n"
        }),
        odd("sts-duplicate-keys", "Mode and max_age come twice: the first counts", |mx| {
            text("enforce", &[mx]) + "mode: none\r\nmax_age: 0\r\n"
        }),
        doubtful("sts-blank-lines", "There are blank lines in the file", |mx| {
            text("enforce", &[mx]).replace("mode", "\r\nmode") + "\r\n\r\n"
        }),
        doubtful("sts-bom", "The file begins with a byte order mark", |mx| {
            format!("\u{feff}{}", text("enforce", &[mx]))
        }),
    ]
}

fn invalid() -> Vec<Domain> {
    let bad = |label, summary, file: fn(&str) -> String| with(label, summary, INVALID, file);
    vec![
        bad("sts-no-mx", "Mode enforce without any mx line", |_| text("enforce", &[])),
        bad("sts-bad-mode", "The mode is one that does not exist", |mx| text("enforced", &[mx])),
        bad("sts-mode-case", "The mode is written with a capital", |mx| text("Enforce", &[mx])),
        bad("sts-no-version", "The file has no version", |mx| {
            text("enforce", &[mx]).replace("version: STSv1\r\n", "")
        }),
        bad("sts-bad-version", "The version is STSv2", |mx| text("enforce", &[mx]).replace("STSv1", "STSv2")),
        bad("sts-no-mode", "The file has no mode", |mx| {
            text("enforce", &[mx]).replace("mode: enforce\r\n", "")
        }),
        bad("sts-bad-pattern", "A pattern has its asterisk in the middle", |mx| {
            text("enforce", &[mx, "mx.*.lab.test"])
        }),
        bad("sts-empty", "The file is empty", |_| String::new()),
        bad("sts-not-a-policy", "A web page is served as text/plain", |_| {
            "<!DOCTYPE html>\n<html><body><h1>It works!</h1></body></html>\n".to_owned()
        }),
        bad("sts-no-max-age", "The file has no max_age", |mx| {
            text("enforce", &[mx]).replace("max_age: 604800\r\n", "")
        }),
        bad("sts-max-age-huge", "The max_age is longer than a year", |mx| {
            text("enforce", &[mx]).replace("604800", "31557601")
        }),
        bad("sts-max-age-word", "The max_age is a word", |mx| {
            text("enforce", &[mx]).replace("604800", "1week")
        }),
    ]
}

fn ages() -> Vec<Domain> {
    let of = |label, summary, letters, age: &'static str| {
        with(label, summary, expect(letters, &["sts.max_age"]), move |mx| {
            text("enforce", &[mx]).replace("604800", age)
        })
    };
    vec![
        of("sts-short-max-age", "Senders keep the policy for ten minutes", &["A"], "600"),
        of("sts-max-age-zero", "Senders do not keep the policy at all", &["A", "B"], "0"),
        with("sts-max-age-most", "The max_age is the longest allowed", ENFORCED, |mx| {
            text("enforce", &[mx]).replace("604800", "31557600")
        }),
    ]
}

/// Patterns beside MX hosts (RFC 8461 section 4.1).
fn patterns() -> Vec<Domain> {
    let excluded = expect(&["X"], &["sts.mx"]);
    let deep = Domain::new("sts-wildcard-deep", "The wildcard is one label short of the MX", excluded)
        .sts(Sts::new(text("enforce", &["*.sts-wildcard-deep.lab.test"])))
        .mx(&["@ MX 10 mx.eu"])
        .host(server("mx.eu"));
    let left_out = Domain::new(
        "sts-one-mx-left-out",
        "The policy allows the first MX, not the second",
        expect(&["B"], &["sts.mx"]),
    )
    .sts(Sts::new(text("enforce", &["mx1.sts-one-mx-left-out.lab.test"])))
    .mx(&["@ MX 10 mx1", "@ MX 20 mx2"])
    .host(server("mx1"))
    .host(server("mx2"));
    vec![
        with("sts-mismatch", "MTA-STS: the policy allows another server than the MX", excluded, |_| {
            text("enforce", &["mail.elsewhere.test"])
        })
        .demo(),
        with("sts-wildcard", "The policy allows all hosts of the domain", ENFORCED, |_| {
            text("enforce", &["*.sts-wildcard.lab.test"])
        }),
        with("sts-wildcard-self", "The wildcard stands for a label that is not there", excluded, |mx| {
            text("enforce", &[&format!("*.{mx}")])
        }),
        with("sts-pattern-case", "The pattern is in capitals", ENFORCED, |mx| {
            text("enforce", &[&mx.to_ascii_uppercase()])
        }),
        with(
            "sts-stale-pattern",
            "The policy allows a server that is no MX any more",
            expect(&["A"], &["sts.mx"]),
            |mx| text("enforce", &[mx, "old.sts-stale-pattern.lab.test"]),
        ),
        deep,
        left_out,
    ]
}

/// What an earlier look at the policy tells about a later one.
fn changes() -> Vec<Domain> {
    let label = "sts-stale-id";
    let mut sts = Sts::new(text("testing", &[&own(label)]));
    sts.policy.later = Some(text("enforce", &[&own(label)]));
    // The first look sees mode testing, every later one mode enforce under the same id.
    let expect = expect(&["A", "B"], &[]);
    vec![domain(label, "The policy changes, the id in the record does not", expect, sts)]
}
