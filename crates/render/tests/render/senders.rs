//! Who delivers to the target.

use unicode_width::UnicodeWidthStr;
use waxseal_model::{
    Report,
    sender::{Attack, AttackView, Outcome, SenderView},
};
use waxseal_render::{
    Style, TextOptions,
    senders::{SenderLine, list, verdict},
    text,
};

use crate::samples;

/// Senders of every outcome.
pub(crate) fn views() -> Vec<SenderView> {
    use Outcome::{Authenticated, Bounced, Clear, Deferred, Encrypted, Undetermined};
    let gateway = "451 4.7.6 STARTTLS required but not advertised";
    vec![
        view("gmail", "Gmail", Encrypted, Clear, true, None),
        view(
            "exchange-online",
            "Exchange Online",
            Authenticated,
            Deferred,
            false,
            Some("4.7.321 starttls-not-supported: Destination mail server must support TLS to receive mail."),
        ),
        view("postfix-verify", "Postfix, verify", Authenticated, Encrypted, true, None),
        view("tls-gateway", "A gateway that requires TLS", Encrypted, Deferred, false, Some(gateway)),
        view("legacy-tls10", "A TLS 1.0 appliance", Deferred, Clear, true, None),
        view("other", "Another", Bounced, Bounced, false, Some("550 5.7.1 No")),
        view("yahoo", "Yahoo", Undetermined, Undetermined, false, None),
    ]
}

fn view(
    id: &str,
    title: &str,
    outcome: Outcome,
    under_attack: Outcome,
    read: bool,
    reply: Option<&str>,
) -> SenderView {
    let known = outcome != Outcome::Undetermined;
    let why = if known {
        "TLS stands, and nothing demands to know the server (mx1.example.com)."
    } else {
        "It is not known whether Yahoo honours MTA-STS."
    };
    let attack = |attack| AttackView {
        attack,
        outcome: under_attack,
        read_by_attacker: read,
        reply: reply.filter(|_| under_attack == Outcome::Deferred).map(str::to_owned),
        why: if known {
            "nothing demands TLS, so the mail goes in clear".into()
        } else {
            "it is not known whether Yahoo honours MTA-STS".into()
        },
    };
    SenderView {
        sender: id.into(),
        title: title.into(),
        outcome,
        under_attack,
        read_under_attack: read,
        reply: reply.map(str::to_owned),
        why: why.into(),
        attacks: [Attack::StripStarttls, Attack::SwapMx, Attack::OtherCertificate].map(attack).to_vec(),
    }
}

fn page(report: &Report, width: usize, verbose: bool) -> String {
    let style = Style { width, ..Style::plain() };
    let whole = text(report, &TextOptions { style, verbose, now: samples::NOW });
    let from = whole.find("\nWho delivers").unwrap_or(whole.len());
    let end = whole[from..].find("\nFound, worst first").map_or(whole.len(), |e| from + e);
    whole[from..end].to_owned()
}

#[test]
fn the_table_of_senders_looks_as_recorded() {
    let report = samples::one_bad_mx_of_two();
    insta::assert_snapshot!("senders", page(&report, 80, false));
    insta::assert_snapshot!("senders_narrow", page(&report, 44, false));
    insta::assert_snapshot!("senders_verbose", page(&report, 80, true));
}

#[test]
fn the_table_fits_pages_of_any_width() {
    let report = samples::one_bad_mx_of_two();
    for width in [40, 44, 50, 60, 72, 80, 120] {
        let shown = page(&report, width, true);
        assert!(shown.contains("Postfix, verify") && shown.contains("but to the"), "{shown}");
        for line in shown.lines() {
            assert!(line.width() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn senders_that_do_not_differ_are_one_row() {
    let mut report = samples::healthy();
    report.senders = views();
    let reply = "556 5.1.10 Recipient domain accepts no mail (null MX)";
    for view in &mut report.senders {
        view.attacks.clear();
        (view.outcome, view.under_attack, view.read_under_attack) =
            (Outcome::Bounced, Outcome::Bounced, false);
        view.reply = Some(reply.into());
    }
    let text = page(&report, 80, false);
    assert!(text.contains("Every sender") && text.contains("returned: 556 5.1.10"), "{text}");
    assert!(!text.contains("Gmail"), "{text}");
}

#[test]
fn nothing_is_said_where_nothing_is_known() {
    let mut report = samples::healthy();
    report.senders = vec![views().pop().unwrap()];
    let whole = text(&report, &TextOptions { style: Style::plain(), verbose: true, now: samples::NOW });
    assert!(!whole.contains("Yahoo"), "{whole}");
}

#[test]
fn verdict_and_list_look_as_recorded() {
    let report = samples::one_bad_mx_of_two();
    let style = Style::plain();
    let mut out = String::new();
    for view in &report.senders {
        out.push_str(&verdict(&report, &view.title, Some(view), view.sender == "gmail", &style));
        out.push('\n');
    }
    out.push_str(&verdict(&report, "Gmail", None, false, &style));
    insta::assert_snapshot!("senders_verdict", out);
    let lines = [
        SenderLine {
            id: "gmail",
            title: "Gmail",
            dane: "no",
            mta_sts: "yes",
            rule: "TLS where it is offered",
        },
        SenderLine {
            id: "tls-gateway",
            title: "A gateway that requires TLS",
            dane: "no",
            mta_sts: "not known",
            rule: "TLS always, certificates are not compared",
        },
    ];
    insta::assert_snapshot!("senders_list", list(&lines, &style));
}
