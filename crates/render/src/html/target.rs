//! The parts of one report, in the order in which they are read.

use maud::{Markup, html};
use waxseal_model::{DomainEvidence, EndpointEvidence, Report, evidence::EndpointFacts, smtp::Speaker};

use super::{
    HtmlOptions, STYLE, depth, findings,
    parts::{self, Grid, facts, shown},
};
use crate::{
    text::{
        certificate, endpoints, fixes, footer,
        group::{self, Group},
        identity, senders,
    },
    when, words,
};

/// One target. `number` is from 1 and makes ids unique.
pub(super) fn section(report: &Report, number: usize, options: &HtmlOptions<'_>) -> Markup {
    let id = format!("t{number}");
    let groups = group::groups(report);
    let first = fixes::choose(&groups);
    let part = |key: &str, title: &str, body: Markup| (key.to_owned(), title.to_owned(), body);
    let mut sections: Vec<depth::Part> = vec![
        part("first", "Do first", do_first(report, &first)),
        part("servers", "Servers", servers(report, options, &id)),
        part("senders", "Who delivers to you", who_delivers(report, &id)),
        part("found", "Found, worst first", findings::findings(report, &groups, &first, options, &id)),
        part("unknown", "Could not be determined", findings::undetermined(report)),
    ];
    sections.extend(depth::sections(report, options, &id));
    sections.push(part("identity", identity::HEADING, who_may_send(report)));
    sections.push(part("verdicts", "All verdicts", findings::verdicts(report, &id)));
    sections.push(part("cost", "Cost", cost(report)));
    if options.transcripts {
        sections.push(part("said", "What was said", transcripts(report)));
    }
    sections.retain(|(_, _, body)| !body.0.is_empty());
    html! {
        section.target id=(id) {
            h2 { (report.target) }
            p.faint { "Looked at on " (when::moment(report.started_at)) ", profile " (report.grade.profile) }
            (grade(report))
            nav aria-label={ "Parts of report " (number) ", on " (report.target) } {
                ul { @for (key, title, _) in &sections { li { a href={ "#" (id) "-" (key) } { (title) } } } }
            }
            @for (key, title, body) in &sections {
                section { h3 id={ (id) "-" (key) } { (title) } (body) }
            }
        }
    }
}

/// `C`, `C (provisional)`, `not graded`.
pub(super) fn letter_words(report: &Report) -> String {
    let note = if report.grade.provisional { " (provisional)" } else { "" };
    report.grade.letter.map_or("not graded".into(), |letter| format!("{}{note}", letter.label()))
}

/// The letter, the sentence, and why.
fn grade(report: &Report) -> Markup {
    let grade = &report.grade;
    let encryption = words::encryption(grade.encryption, &STYLE);
    let authentication = words::authentication(grade.authentication, &STYLE);
    let mut lines: Vec<(String, Markup)> = vec![
        ("Encryption".into(), html! { (parts::look(encryption)) ": " (grade.encryption_why) }),
        ("Authentication".into(), html! { (parts::look(authentication)) ": " (grade.authentication_why) }),
    ];
    let mut caps: Vec<_> = grade.caps.iter().collect();
    caps.sort_by_key(|c| std::cmp::Reverse(c.letter));
    for cap in caps {
        let rule = if cap.rule.is_empty() { String::new() } else { format!(" [{}]", cap.rule) };
        lines.push((format!("At most {}", cap.letter.label()), html! { (cap.why) (rule) }));
    }
    if let Some(lift) = &grade.lift {
        lines.push((format!("For {}", lift.letter.label()), html! { (lift.steps.join("; ")) }));
    }
    let class = format!(
        "letter {} {}",
        parts::class(words::letter_role(grade.letter)),
        if grade.letter.is_none() || grade.provisional { "long" } else { "" }
    );
    html! {
        div.grade {
            p class=(class.trim()) { span.strong { "Grade " } (letter_words(report)) }
            p { (grade.summary) }
        }
        (facts(lines.iter().map(|(label, text)| (label.as_str(), text.clone()))))
    }
}

fn do_first(report: &Report, first: &[&Group<'_>]) -> Markup {
    let advice = crate::text::advice::advice(report, !first.is_empty());
    html! {
        @if let Some(why) = crate::text::advice::obstacle(report) { p { (why) } }
        @if let Some(advice) = advice { (parts::fix(&advice)) }
        @if !first.is_empty() {
            ol {
                @for group in first {
                    li {
                        p.strong { (group::title(report, group)) }
                        (parts::fix(&group.head.fix))
                        @if let Some(command) = fixes::retest(report, group) {
                            p { "Then test it:" }
                            pre { code { (command) } }
                        }
                    }
                }
            }
        }
    }
}

/// Hosts, addresses, versions, certificates, policies.
fn servers(report: &Report, options: &HtmlOptions<'_>, id: &str) -> Markup {
    let with_policy = ["Server", "Address", "TLS", "Certificate", "Policy"];
    let (titles, domain) = match &report.domain {
        Some(domain) => (&with_policy[..], Some(domain)),
        None => (with_policy.get(..4).unwrap_or_default(), None),
    };
    let mut grid = Grid::new(format!("{id}-servers-table"), "Servers and their addresses", titles).quiet();
    let hosts = domain.map_or(&[][..], |d| d.hosts.as_slice());
    for host in hosts {
        let name = match host.preference {
            Some(preference) => format!("{} (preference {preference})", host.name),
            None => host.name.clone(),
        };
        let mut any = false;
        for endpoint in report.endpoints.iter().filter(|e| endpoints::belongs(e, host)) {
            any = true;
            server(&mut grid, report, domain, endpoint, &name, options.now);
        }
        if !any {
            grid.remark(vec![html! { (name) }], shown(crate::style::Role::Bad, &endpoints::no_address(host)));
        }
    }
    for endpoint in report.endpoints.iter().filter(|e| !hosts.iter().any(|h| endpoints::belongs(e, h))) {
        let name = group::host(&endpoint.endpoint);
        server(&mut grid, report, domain, endpoint, &name, options.now);
    }
    grid.markup()
}

fn server(
    grid: &mut Grid<'_>,
    report: &Report,
    domain: Option<&DomainEvidence>,
    e: &EndpointEvidence,
    name: &str,
    now: i64,
) {
    let address = endpoints::address(&e.endpoint, &report.target_parsed);
    let mut cells = vec![html! { (name) }, html! { (address) }];
    if let Some((role, text)) = endpoints::without_tls(e) {
        grid.remark(cells, shown(role, &text));
        return;
    }
    let (role, text) = endpoints::versions(e);
    cells.push(shown(role, &text));
    let (role, text) = certificate::cell(report, e, now);
    cells.push(shown(role, &text));
    if let Some(domain) = domain {
        let (role, text) = endpoints::policy(report, domain, e);
        cells.push(shown(role, &text));
    }
    grid.row(cells);
}

fn who_delivers(report: &Report, id: &str) -> Markup {
    let titles = ["Sender", "Today", "With an attacker on the path", "Why"];
    let caption = "How mail from each kind of sender ends";
    let mut grid = Grid::new(format!("{id}-senders-table"), caption, &titles).quiet();
    for view in &report.senders {
        let (role, today) = senders::look(view.outcome, false);
        let (attacked_role, attacked) = senders::look(view.under_attack, view.read_under_attack);
        grid.row(vec![
            html! { (view.title) },
            shown(role, today),
            shown(attacked_role, attacked),
            html! { (view.why) @if let Some(reply) = &view.reply { " Its reply: " code { (reply) } } },
        ]);
    }
    grid.markup()
}

fn who_may_send(report: &Report) -> Markup {
    let Some(domain) = identity::domain(report) else { return html! {} };
    let lines = identity::lines(domain, true);
    html! {
        (facts(lines.iter().map(|(label, text)| (*label, html! { (text) }))))
        @for evaluation in &domain.identity.spf_evaluations {
            @let (role, verdict) = identity::verdict(evaluation);
            p { (shown(role, &verdict)) }
            @if let Some(outcome) = evaluation.outcome.get() {
                ol { @for step in &outcome.trail { li { (identity::step_words(step)) } } }
            }
        }
    }
}

fn cost(report: &Report) -> Markup {
    html! { p { (footer::answers(report)) " " (footer::cost(report)) } }
}

/// What was said with each server, to be opened.
fn transcripts(report: &Report) -> Markup {
    let spoken: Vec<&EndpointEvidence> =
        report.endpoints.iter().filter(|e| !e.evidence.transcript.is_empty()).collect();
    html! { @for e in spoken { details { summary { (e.endpoint.id()) } (said(&e.evidence)) } } }
}

fn said(facts: &EndpointFacts) -> Markup {
    html! {
        ol.said {
            @for line in &facts.transcript {
                @let (class, who) = match line.from {
                    Speaker::Client => ("notice", "waxseal"),
                    Speaker::Server => ("plain", "server"),
                    Speaker::Note => ("faint", "remark"),
                };
                li class=(class) {
                    (line.connection) ", " (line.at_us / 1000) " ms, " (who)
                    @if line.tls { " within TLS" } ": " (line.text)
                }
            }
        }
    }
}
