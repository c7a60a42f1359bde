//! `docs/delivery-decisions.toml` says what the code does, and over all combinations no rule
//! contradicts another.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may end at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use waxseal_judge::delivery::{
    Action, AddressAnswer, AtLast, By, Certificate, Dane, Decision, Failure, Level, MxAnswer, Observation,
    Operator, OperatorLevel, Outcome, PolicyFacts, Protection, Requirement, Sts, StsMode, TlsSeen, Tlsa,
    decide, deliver, requirement,
};

const TABLE: &str = include_str!("../../../docs/delivery-decisions.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    version: u32,
    defaults: toml::Table,
    decision: Vec<toml::Table>,
    delivery: Vec<Route>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Route {
    id: String,
    #[allow(dead_code, reason = "for readers")]
    note: Option<String>,
    hosts: Vec<String>,
    outcome: String,
    host: Option<usize>,
    reply: Option<String>,
}

/// A row with its defaults filled in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: String,
    #[allow(dead_code, reason = "for readers")]
    note: Option<String>,
    mx: MxAnswer,
    address: AddressAnswer,
    dane: Dane,
    sts: StsWord,
    sts_lists_mx: bool,
    sts_refresh_failed: bool,
    require_tls: bool,
    tls_required_no: bool,
    operator: OperatorLevel,
    #[serde(rename = "override")]
    override_published: bool,
    clear_after_failure: bool,
    seen: Seen,
    certificate: BTreeSet<Defect>,
    operator_name: bool,
    fingerprint: bool,
    tlsa: Tlsa,
    keyword: bool,
    outcome: String,
    by: Option<String>,
    for_domain: bool,
    report: Option<String>,
    reply: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum StsWord {
    None,
    FetchFailed,
    Testing,
    Enforce,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Seen {
    Tls,
    Unreachable,
    NoStarttls,
    StarttlsRefused,
    HandshakeFailed,
    TlsTooOld,
    NotTried,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "snake_case")]
enum Defect {
    Untrusted,
    OutOfDate,
    WrongName,
}

fn rows() -> (Vec<Row>, Vec<Route>) {
    let table: Table = toml::from_str(TABLE).unwrap();
    assert_eq!(table.version, 1);
    let filled = table.decision.into_iter().map(|row| {
        let mut whole = table.defaults.clone();
        whole.extend(row);
        let id = whole.get("id").cloned();
        whole.try_into().unwrap_or_else(|e| panic!("{id:?}: {e}"))
    });
    (filled.collect(), table.delivery)
}

impl Row {
    fn facts(&self) -> PolicyFacts {
        let policy =
            |mode| Sts::Policy { mode, lists_mx: self.sts_lists_mx, refresh_failed: self.sts_refresh_failed };
        PolicyFacts {
            mx: self.mx,
            address: self.address,
            dane: self.dane,
            sts: match self.sts {
                StsWord::None => Sts::None,
                StsWord::FetchFailed => Sts::FetchFailed,
                StsWord::Testing => policy(StsMode::Testing),
                StsWord::Enforce => policy(StsMode::Enforce),
            },
            require_tls: self.require_tls,
            tls_required_no: self.tls_required_no,
            operator: Operator {
                level: self.operator,
                override_published: self.override_published,
                clear_after_failure: self.clear_after_failure,
            },
        }
    }

    fn observation(&self) -> Observation {
        match self.seen {
            Seen::Unreachable => Observation::Unreachable,
            Seen::NoStarttls => Observation::NoStarttls,
            Seen::StarttlsRefused => Observation::StarttlsRefused,
            Seen::HandshakeFailed => Observation::HandshakeFailed,
            Seen::TlsTooOld => Observation::TlsTooOld,
            Seen::NotTried => Observation::NotTried,
            Seen::Tls => Observation::Tls(TlsSeen {
                certificate: Certificate {
                    trusted: !self.certificate.contains(&Defect::Untrusted),
                    in_date: !self.certificate.contains(&Defect::OutOfDate),
                    for_mx: !self.certificate.contains(&Defect::WrongName),
                    for_operator: self.operator_name,
                },
                tlsa: self.tlsa,
                fingerprint: self.fingerprint,
                requiretls: self.keyword,
            }),
        }
    }

    fn case(&self) -> (Requirement, Observation) {
        (requirement(&self.facts()), self.observation())
    }
}

/// Outcome, `by` and `for_domain` in the words of the table.
fn words(decision: &Decision) -> (&'static str, Option<&'static str>, bool) {
    match decision.action {
        Action::NextMx(AtLast::Defer) => ("next_mx_defer", None, true),
        Action::NextMx(AtLast::Bounce) => ("next_mx_bounce", None, true),
        Action::Bounce => ("bounce", None, true),
        Action::Deliver(permit) => match permit.protection() {
            Protection::Clear { new_connection: false } => ("clear", None, true),
            Protection::Clear { new_connection: true } => ("clear_new_connection", None, true),
            Protection::Encrypted => ("encrypted", None, true),
            Protection::Authenticated { by, for_domain } => {
                let by = match by {
                    By::DaneEe => "dane_ee",
                    By::DaneTa => "dane_ta",
                    By::Fingerprint => "fingerprint",
                    By::MtaSts => "mta_sts",
                    By::OperatorName => "operator_name",
                    By::Certificate => "certificate",
                };
                ("authenticated", Some(by), for_domain)
            }
        },
    }
}

#[test]
fn every_row_of_the_table_is_what_the_function_decides() {
    let (rows, _) = rows();
    let mut wrong = Vec::new();
    for row in &rows {
        let (requirement, observation) = row.case();
        let decision = decide(&requirement, &observation);
        let expected = (row.outcome.as_str(), row.by.as_deref(), row.for_domain);
        if words(&decision) != expected {
            wrong.push(format!("{}: {:?}, not {expected:?}", row.id, words(&decision)));
        }
        let report = decision.report.map(|r| r.word());
        if report != row.report.as_deref() {
            wrong.push(format!("{}: report {report:?}, not {:?}", row.id, row.report));
        }
        let reply = decision.reply().map(|r| r.to_string());
        if reply != row.reply {
            wrong.push(format!("{}: reply {reply:?}, not {:?}", row.id, row.reply));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn every_row_over_several_hosts_ends_as_the_table_says() {
    let (rows, routes) = rows();
    let cases: BTreeMap<&str, _> = rows.iter().map(|r| (r.id.as_str(), r.case())).collect();
    assert_eq!(cases.len(), rows.len(), "an id stands twice");
    for route in &routes {
        let hosts: Vec<_> = route.hosts.iter().map(|id| cases[id.as_str()]).collect();
        let delivery = deliver(&hosts).unwrap();
        let (outcome, host, reply) = match delivery.outcome {
            Outcome::Delivered { host, .. } => ("delivered", Some(host + 1), None),
            Outcome::Deferred { reply, .. } => ("deferred", None, Some(reply.to_string())),
            Outcome::Bounced { reply, .. } => ("bounced", None, Some(reply.to_string())),
        };
        assert_eq!((outcome, host, &reply), (&*route.outcome, route.host, &route.reply), "{}", route.id);
    }
    assert!(deliver(&[]).is_none());
}

#[test]
fn the_table_names_every_word_of_every_field() {
    let words = |of: &[&str]| -> Vec<String> { of.iter().map(|w| format!("= \"{w}\"")).collect() };
    let all = words(&[
        "secure",
        "insecure",
        "bogus",
        "failed",
        "null_mx",
        "no_such_domain",
        "ourselves",
        "not_asked",
        "usable",
        "unusable_only",
        "lookup_failed",
        "fetch_failed",
        "testing",
        "enforce",
        "encrypt",
        "verify",
        "fingerprint",
        "dane",
        "dane-only",
        "unreachable",
        "no_starttls",
        "starttls_refused",
        "handshake_failed",
        "tls_too_old",
        "not_tried",
        "ee",
        "ta",
        "ta_wrong_name",
        "ta_out_of_date",
        "mismatch",
        "clear",
        "clear_new_connection",
        "encrypted",
        "authenticated",
        "next_mx_defer",
        "next_mx_bounce",
        "bounce",
        "dane_ee",
        "dane_ta",
        "mta_sts",
        "operator_name",
        "certificate",
    ]);
    for word in all {
        assert!(TABLE.contains(&word), "no row has {word}");
    }
    let replies: BTreeSet<String> = Failure::ALL.iter().map(|f| f.reply().text.to_owned()).collect();
    assert_eq!(replies.len(), Failure::ALL.len(), "two failures have one text");
    for text in replies {
        assert!(TABLE.contains(&text), "no row has the reply {text:?}");
    }
}

//--- The cross product

const BOTH: [bool; 2] = [false, true];
const MX: [MxAnswer; 7] = [
    MxAnswer::Secure,
    MxAnswer::Insecure,
    MxAnswer::Bogus,
    MxAnswer::Failed,
    MxAnswer::NullMx,
    MxAnswer::NoSuchDomain,
    MxAnswer::Ourselves,
];
const ADDRESS: [AddressAnswer; 4] =
    [AddressAnswer::Secure, AddressAnswer::Insecure, AddressAnswer::Bogus, AddressAnswer::Failed];
const DANE: [Dane; 5] = [Dane::NotAsked, Dane::None, Dane::Usable, Dane::UnusableOnly, Dane::LookupFailed];
const LEVELS: [OperatorLevel; 8] = [
    OperatorLevel::None,
    OperatorLevel::May,
    OperatorLevel::Encrypt,
    OperatorLevel::Verify,
    OperatorLevel::Secure,
    OperatorLevel::Fingerprint,
    OperatorLevel::Dane,
    OperatorLevel::DaneOnly,
];
const TLSA: [Tlsa; 6] =
    [Tlsa::NotApplicable, Tlsa::Ee, Tlsa::Ta, Tlsa::TaWrongName, Tlsa::TaOutOfDate, Tlsa::Mismatch];

fn all_sts() -> Vec<Sts> {
    let mut all = vec![Sts::None, Sts::FetchFailed];
    for mode in [StsMode::Testing, StsMode::Enforce] {
        for lists_mx in BOTH {
            all.extend(BOTH.map(|refresh_failed| Sts::Policy { mode, lists_mx, refresh_failed }));
        }
    }
    all
}

fn all_operators() -> Vec<Operator> {
    let mut all = Vec::new();
    for level in LEVELS {
        for override_published in BOTH {
            all.extend(BOTH.map(|clear_after_failure| Operator {
                level,
                override_published,
                clear_after_failure,
            }));
        }
    }
    all
}

fn all_facts() -> Vec<PolicyFacts> {
    let mut all = Vec::new();
    for (mx, address) in MX.iter().flat_map(|mx| ADDRESS.map(|address| (*mx, address))) {
        for (dane, sts) in DANE.iter().flat_map(|dane| all_sts().into_iter().map(|sts| (*dane, sts))) {
            for operator in all_operators() {
                for (require_tls, tls_required_no) in
                    [(false, false), (false, true), (true, false), (true, true)]
                {
                    all.push(PolicyFacts { mx, address, dane, sts, require_tls, tls_required_no, operator });
                }
            }
        }
    }
    all
}

fn all_observations() -> Vec<Observation> {
    let mut all = vec![
        Observation::Unreachable,
        Observation::NoStarttls,
        Observation::StarttlsRefused,
        Observation::HandshakeFailed,
        Observation::TlsTooOld,
        Observation::NotTried,
    ];
    for bits in 0..64_u8 {
        let bit = |n: u8| bits & (1 << n) != 0;
        let certificate =
            Certificate { trusted: bit(0), in_date: bit(1), for_mx: bit(2), for_operator: bit(3) };
        let seen = |tlsa| TlsSeen { certificate, tlsa, fingerprint: bit(5), requiretls: bit(4) };
        all.extend(TLSA.map(|tlsa| Observation::Tls(seen(tlsa))));
    }
    all
}

/// Every requirement that any facts lead to, with one example of the facts.
fn all_requirements() -> Vec<(Requirement, PolicyFacts)> {
    let mut seen = std::collections::HashMap::new();
    for facts in all_facts() {
        seen.entry(requirement(&facts)).or_insert(facts);
    }
    seen.into_iter().collect()
}

fn strength(decision: &Decision) -> Option<u8> {
    match decision.action {
        Action::Deliver(permit) => Some(permit.protection().strength()),
        _ => None,
    }
}

#[test]
fn nothing_goes_out_with_less_than_is_demanded() {
    let observations = all_observations();
    for (requirement, facts) in all_requirements() {
        for observation in &observations {
            let decision = decide(&requirement, observation);
            let context = || format!("{facts:?}\n{observation:?}\n{decision:?}");
            assert_eq!(decision.reply().is_some(), strength(&decision).is_none(), "{}", context());
            let Some(strength) = strength(&decision) else { continue };
            assert!(requirement.refusal().is_none(), "{}", context());
            assert!(strength >= 1 || !requirement.demands_tls(), "{}", context());
            assert!(strength >= 2 || !requirement.demands_authentication(), "{}", context());
            assert!(strength >= 2 || !requirement.is_require_tls(), "{}", context());
            assert_eq!(strength == 0, !matches!(observation, Observation::Tls(_)), "{}", context());
            assert!(requirement.demands_authentication() || strength < 2, "{}", context());
        }
    }
}

#[test]
fn whoever_demands_more_gets_no_less_and_delivers_no_more_often() {
    let observations = all_observations();
    // What is reported and who is named plays no part here: one of each kind is enough.
    let mut requirements: Vec<(Requirement, PolicyFacts)> = Vec::new();
    for (new, facts) in all_requirements() {
        let same = |old: &Requirement| {
            new.is_at_least(old)
                && old.is_at_least(&new)
                && (new.level(), new.refusal()) == (old.level(), old.refusal())
        };
        if !requirements.iter().any(|(old, _)| same(old)) {
            requirements.push((new, facts));
        }
    }
    let mut compared = 0_u64;
    for (stricter, _) in &requirements {
        for (laxer, facts) in requirements.iter().filter(|(r, _)| stricter.is_at_least(r)) {
            // These two levels name who demands what another may demand too.
            let of_its_own = !matches!(laxer.level(), Level::MtaSts | Level::DaneOnly);
            if stricter.refusal().is_none() && of_its_own {
                assert!(stricter.level() >= laxer.level(), "{laxer:?}\n{stricter:?}\n{facts:?}");
            }
            for observation in &observations {
                let Some(strict) = strength(&decide(stricter, observation)) else { continue };
                let lax = strength(&decide(laxer, observation));
                compared += 1;
                assert!(lax.is_some(), "{laxer:?}\n{stricter:?}\n{observation:?}");
                let (strict, lax) = (strict.min(2), lax.map(|l| l.min(2)));
                assert!(lax <= Some(strict), "{laxer:?}\n{stricter:?}\n{observation:?}");
            }
        }
    }
    assert!(compared > 5_000, "{compared}");
}

#[test]
fn adding_a_demand_to_the_facts_never_loosens() {
    for facts in all_facts() {
        let base = requirement(&facts);
        // A higher level of the operator's that has no other's meaning in it.
        if facts.operator.level <= OperatorLevel::May {
            for level in LEVELS.into_iter().filter(|level| *level >= facts.operator.level) {
                let operator = Operator { level, ..facts.operator };
                let more = requirement(&PolicyFacts { operator, ..facts });
                assert!(more.is_at_least(&base), "{facts:?} {level:?}");
            }
        }
        // With usable DANE in the place of the certificate, which is no less.
        let required = requirement(&PolicyFacts { require_tls: true, ..facts });
        assert!(required.demands_tls() || required.refusal().is_some(), "{facts:?}");
        assert!(required.demands_authentication(), "{facts:?}");
        let asked = PolicyFacts { tls_required_no: true, ..facts };
        assert!(base.is_at_least(&requirement(&asked)) || facts.tls_required_no, "{facts:?}");
        if facts.require_tls {
            assert_eq!(requirement(&asked), base, "{facts:?}");
        }
        if matches!(facts.sts, Sts::None) && facts.dane != Dane::Usable {
            let sts = Sts::Policy { mode: StsMode::Enforce, lists_mx: false, refresh_failed: false };
            assert!(requirement(&PolicyFacts { sts, ..facts }).is_at_least(&base), "{facts:?}");
        }
    }
}

#[test]
fn testing_a_failed_fetch_and_the_cache_change_reports_and_nothing_else() {
    let observations = all_observations();
    for facts in all_facts().into_iter().filter(|f| f.sts == Sts::None && f.address == AddressAnswer::Secure)
    {
        let without = requirement(&facts);
        let mut same = vec![Sts::FetchFailed];
        for lists_mx in BOTH {
            same.extend(BOTH.map(|refresh_failed| Sts::Policy {
                mode: StsMode::Testing,
                lists_mx,
                refresh_failed,
            }));
        }
        for sts in same {
            let with = requirement(&PolicyFacts { sts, ..facts });
            for observation in observations.iter().step_by(5) {
                let (a, b) = (decide(&without, observation), decide(&with, observation));
                assert_eq!((a.action, a.failure), (b.action, b.failure), "{facts:?} {sts:?} {observation:?}");
            }
        }
        for lists_mx in BOTH {
            let enforce = |refresh_failed| Sts::Policy { mode: StsMode::Enforce, lists_mx, refresh_failed };
            let [fresh, cached] =
                BOTH.map(|failed| requirement(&PolicyFacts { sts: enforce(failed), ..facts }));
            for observation in observations.iter().step_by(5) {
                let (a, b) = (decide(&fresh, observation), decide(&cached, observation));
                assert_eq!((a.action, a.failure), (b.action, b.failure), "{facts:?} {observation:?}");
            }
        }
    }
}

#[test]
fn tls_is_left_alone_only_where_the_operator_says_so_and_nothing_demands_it() {
    let mut avoiding = 0;
    for (requirement, facts) in all_requirements() {
        let decision = decide(&requirement, &Observation::NotTried);
        if requirement.refusal().is_none() {
            assert_eq!(decision.report, None, "what was not tried did not fail: {facts:?}");
        }
        if requirement.avoids_tls() {
            avoiding += 1;
            assert_eq!(facts.operator.level, OperatorLevel::None, "{facts:?}");
            assert!(!requirement.demands_tls() && !facts.require_tls, "{facts:?}");
            assert_eq!(strength(&decision), Some(0), "{facts:?}");
        } else {
            assert_eq!(strength(&decision), None, "{facts:?}");
        }
    }
    assert!(avoiding > 0);
    for facts in all_facts().into_iter().filter(|f| f.operator.level == OperatorLevel::None) {
        let requirement = requirement(&facts);
        let left_aside = facts.operator.override_published || facts.tls_required_no;
        if facts.dane == Dane::Usable && (facts.require_tls || !left_aside) {
            assert!(requirement.demands_authentication(), "published policies raise it: {facts:?}");
        }
    }
}

#[test]
fn a_pinned_key_is_demanded_beside_what_is_published() {
    let observations = all_observations();
    for facts in all_facts().into_iter().filter(|f| f.operator.level == OperatorLevel::Fingerprint) {
        let requirement = requirement(&facts);
        for observation in observations.iter().step_by(3) {
            let decision = decide(&requirement, observation);
            if strength(&decision).is_some() {
                let Observation::Tls(seen) = observation else { panic!("{facts:?} {observation:?}") };
                assert!(seen.fingerprint, "{facts:?} {observation:?}");
            }
        }
    }
}

#[test]
fn failures_of_policies_are_transient_and_only_requiretls_returns_mail() {
    let observations = all_observations();
    for (requirement, facts) in all_requirements() {
        for observation in &observations {
            match decide(&requirement, observation).action {
                Action::Bounce => {
                    assert!(matches!(facts.mx, MxAnswer::NullMx | MxAnswer::NoSuchDomain), "{facts:?}");
                }
                Action::NextMx(AtLast::Bounce) => assert!(facts.require_tls, "{facts:?}"),
                Action::NextMx(AtLast::Defer) | Action::Deliver(_) => {}
            }
        }
    }
}

#[test]
fn names_that_do_not_resolve_are_the_end_for_everybody() {
    for facts in all_facts() {
        let requirement = requirement(&facts);
        let names_fail = !matches!(facts.mx, MxAnswer::Secure | MxAnswer::Insecure)
            || matches!(facts.address, AddressAnswer::Bogus | AddressAnswer::Failed);
        if names_fail {
            assert!(requirement.refusal().is_some(), "{facts:?}");
        }
    }
}

#[test]
fn without_policies_nothing_is_reported() {
    let observations = all_observations();
    for (requirement, facts) in all_requirements() {
        let silent = matches!(facts.dane, Dane::NotAsked) && facts.sts == Sts::None;
        if !silent || facts.operator.level == OperatorLevel::DaneOnly {
            continue;
        }
        for observation in &observations {
            assert_eq!(decide(&requirement, observation).report, None, "{facts:?} {observation:?}");
        }
    }
}
