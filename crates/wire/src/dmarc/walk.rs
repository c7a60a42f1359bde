//! The DNS tree walk (RFC 9989 section 4.10), which takes the place of the public suffix
//! list.

use waxseal_model::identity::{DmarcPolicy, DmarcRecord, DmarcStep, Psd};

use super::record;
use crate::{
    query::{Answer, Question, RecordType, is_askable},
    text::neutralise,
};

/// Longer names are cut to this many labels after the first question (step 4).
const MOST_LABELS: usize = 7;
/// Records of one name that are kept.
const MOST_RECORDS: usize = 10;

/// How far the walk came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovery {
    /// These answers are missing: all that is left of the walk, which may end earlier.
    Needs(Vec<Question>),
    /// A name of the walk could not be looked up: why. Nothing is known then (section 4.10).
    Failed(String),
    /// It is done.
    Done(DmarcPlace),
}

/// Where a domain belongs, and which record is in force for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DmarcPlace {
    /// The names that were asked, in order.
    pub walk: Vec<DmarcStep>,
    /// The organizational domain.
    pub organizational_domain: String,
    /// The domain whose record is in force.
    pub found_at: Option<String>,
    /// That record. None with `found_at` set: it is malformed, and no other is looked for.
    pub record: Option<DmarcRecord>,
}

/// One domain of the walk with what it publishes.
struct Station {
    domain: String,
    /// The one DMARC record, read or not.
    record: Option<Result<DmarcRecord, record::DmarcError>>,
}

impl Station {
    fn psd(&self) -> Psd {
        match &self.record {
            Some(Ok(record)) => record.psd,
            _ => Psd::U,
        }
    }
}

/// Walks from a domain towards the root, and finds the record in force and the
/// organizational domain. `domain` is in A-labels.
pub fn discover(domain: &str, answers: &dyn Fn(&Question) -> Option<Answer>) -> Discovery {
    let domain = domain.strip_suffix('.').unwrap_or(domain).to_ascii_lowercase();
    let mut steps = Vec::new();
    let mut stations: Vec<Station> = Vec::new();
    let names = names(&domain);
    for (at, name) in names.iter().enumerate() {
        let question = question(name);
        if !is_askable(&question.name) {
            // Such a name cannot exist, and so cannot have a record.
            stations.push(Station { domain: name.clone(), record: None });
            continue;
        }
        let Some(answer) = answers(&question) else {
            let rest = names.iter().skip(at).map(|n| self::question(n));
            return Discovery::Needs(rest.filter(|q| is_askable(&q.name) && answers(q).is_none()).collect());
        };
        if let Answer::Failed(why) = &answer {
            return Discovery::Failed(why.clone());
        }
        let (step, record) = station(&question.name, &answer);
        steps.push(step);
        stations.push(Station { domain: name.clone(), record });
        if stations.last().is_some_and(|s| s.psd() != Psd::U) {
            break;
        }
    }
    let organizational_domain = organization(&domain, &stations);
    let (found_at, record) = in_force(&domain, &organizational_domain, stations);
    Discovery::Done(DmarcPlace { walk: steps, organizational_domain, found_at, record })
}

/// The domains that are asked, in order: the domain itself, then its parents, of which
/// those with more than seven labels are left out.
fn names(domain: &str) -> Vec<String> {
    let labels: Vec<&str> = domain.split('.').collect();
    let mut found = vec![domain.to_owned()];
    let first = labels.len().saturating_sub(MOST_LABELS).max(1);
    found.extend((first..labels.len()).filter_map(|from| Some(labels.get(from..)?.join("."))));
    found
}

fn question(domain: &str) -> Question {
    Question::new(&format!("_dmarc.{domain}"), RecordType::Txt)
}

/// What a name publishes: other records than DMARC's do not count, and more than one
/// count as none (step 2).
fn station(name: &str, answer: &Answer) -> (DmarcStep, Option<Result<DmarcRecord, record::DmarcError>>) {
    let texts: Vec<&str> = answer.texts().filter(|t| record::is_dmarc(t)).collect();
    let read = match texts.as_slice() {
        [one] => Some(record::parse(one)),
        _ => None,
    };
    let problem = match (&read, texts.len()) {
        (Some(Err(e)), _) => Some(format!("the record cannot be used: {e}")),
        (None, n) if n > 1 => Some(format!("there are {n} DMARC records, and one is allowed")),
        _ => None,
    };
    let records = texts.iter().take(MOST_RECORDS).map(|t| neutralise(t.as_bytes(), 2000)).collect();
    (DmarcStep { name: name.to_owned(), records, problem }, read)
}

/// Section 4.10.2.
fn organization(domain: &str, stations: &[Station]) -> String {
    let valid = |s: &&Station| matches!(s.record, Some(Ok(_)));
    for (at, station) in stations.iter().enumerate().filter(|(_, s)| valid(s)) {
        match station.psd() {
            Psd::N => return station.domain.clone(),
            // The domain one label below. A suffix that sends mail itself is its own.
            Psd::Y if at > 0 => return one_below(domain, &station.domain),
            Psd::Y | Psd::U => {}
        }
    }
    stations.iter().rfind(valid).map_or_else(|| domain.to_owned(), |s| s.domain.clone())
}

/// The ancestor of `domain` that has one label more than `parent`.
fn one_below(domain: &str, parent: &str) -> String {
    let labels: Vec<&str> = domain.split('.').collect();
    let keep = parent.split('.').count() + 1;
    labels.get(labels.len().saturating_sub(keep)..).unwrap_or(&labels).join(".")
}

/// Section 4.10.1: the domain's own record, that of its organization, that of the public
/// suffix.
fn in_force(
    domain: &str,
    organization: &str,
    stations: Vec<Station>,
) -> (Option<String>, Option<DmarcRecord>) {
    let mut own = None;
    let mut organizations = None;
    let mut suffix = None;
    for station in stations {
        let psd = station.psd();
        let Some(record) = station.record else { continue };
        let found = (Some(station.domain.clone()), record.ok());
        if station.domain == domain {
            own = Some(found);
        } else if station.domain == organization {
            organizations = Some(found);
        } else if psd == Psd::Y {
            suffix = Some(found);
        }
    }
    own.or(organizations).or(suffix).unwrap_or((None, None))
}

/// The policy that a record has for a domain, and the tag that it comes from, before `t=y`
/// takes a step off it. `exists` is false for names without any record in DNS.
pub fn policy_for(
    domain: &str,
    found_at: &str,
    exists: bool,
    record: &DmarcRecord,
) -> (DmarcPolicy, &'static str) {
    let p = (record.p.unwrap_or(DmarcPolicy::None), "p");
    if domain.eq_ignore_ascii_case(found_at) {
        return p;
    }
    let sp = record.sp.map(|sp| (sp, "sp"));
    let np = record.np.filter(|_| !exists).map(|np| (np, "np"));
    np.or(sp).unwrap_or(p)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::Data;

    fn place(domain: &str, zone: &[(&str, &str)]) -> DmarcPlace {
        match discover(domain, &|q| Some(answer(zone, q))) {
            Discovery::Done(place) => place,
            other => panic!("{domain}: {other:?}"),
        }
    }

    fn answer(zone: &[(&str, &str)], question: &Question) -> Answer {
        let of_name = zone.iter().filter(|(name, _)| format!("_dmarc.{name}") == question.name);
        let data: Vec<Data> = of_name.map(|(_, text)| Data::Txt((*text).to_owned())).collect();
        if data.is_empty() { Answer::NoName } else { Answer::Records(data) }
    }

    #[test]
    fn at_most_eight_names_are_asked_in_the_order_of_the_standard() {
        // RFC 9989 appendix B.4.2.
        let place = place("a.b.c.d.e.f.g.h.i.j.k.example.com", &[("example.com", "v=DMARC1; p=none")]);
        let asked: Vec<&str> = place.walk.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(
            asked,
            [
                "_dmarc.a.b.c.d.e.f.g.h.i.j.k.example.com",
                "_dmarc.g.h.i.j.k.example.com",
                "_dmarc.h.i.j.k.example.com",
                "_dmarc.i.j.k.example.com",
                "_dmarc.j.k.example.com",
                "_dmarc.k.example.com",
                "_dmarc.example.com",
                "_dmarc.com"
            ]
        );
        assert_eq!(place.organizational_domain, "example.com");
        for (domain, second) in [
            ("a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com"),
            ("x.a.b.c.d.e.f.example.com", "b.c.d.e.f.example.com"),
        ] {
            let names = names(domain);
            assert_eq!((names.len(), names[1].as_str()), (8, second));
        }
    }

    /// Domain, records, organizational domain, where the record in force is.
    type Place = (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>);
    const PLACES: [Place; 14] = [
        ("example.com", &[("example.com", "v=DMARC1; p=reject")], "example.com", Some("example.com")),
        ("mail.example.com", &[("example.com", "v=DMARC1; p=reject")], "example.com", Some("example.com")),
        ("example.com", &[], "example.com", None),
        // Nothing above: the domain is its own organization (rule 3).
        (
            "mail.example.com",
            &[("mail.example.com", "v=DMARC1; p=reject")],
            "mail.example.com",
            Some("mail.example.com"),
        ),
        // psd=n in between ends the walk.
        (
            "a.b.example.com",
            &[("b.example.com", "v=DMARC1; p=reject; psd=n"), ("example.com", "v=DMARC1; p=none")],
            "b.example.com",
            Some("b.example.com"),
        ),
        (
            "mail.example.com",
            &[("mail.example.com", "v=DMARC1; p=reject; psd=n"), ("example.com", "v=DMARC1; p=none")],
            "mail.example.com",
            Some("mail.example.com"),
        ),
        // The record with the fewest labels, not one in between.
        (
            "a.b.example.com",
            &[("b.example.com", "v=DMARC1; p=none"), ("example.com", "v=DMARC1; p=reject")],
            "example.com",
            Some("example.com"),
        ),
        // The domain's own record counts before the organization's.
        (
            "a.example.com",
            &[("a.example.com", "v=DMARC1; p=none"), ("example.com", "v=DMARC1; p=reject")],
            "example.com",
            Some("a.example.com"),
        ),
        // Several records count as none, and the walk goes on.
        (
            "mail.example.com",
            &[
                ("mail.example.com", "v=DMARC1; p=reject"),
                ("mail.example.com", "v=DMARC1; p=none"),
                ("example.com", "v=DMARC1; p=none"),
            ],
            "example.com",
            Some("example.com"),
        ),
        // B.4.3: a public suffix.
        (
            "giant.bank.example",
            &[
                ("bank.example", "v=DMARC1; p=reject; psd=y"),
                ("giant.bank.example", "v=DMARC1; p=quarantine"),
            ],
            "giant.bank.example",
            Some("giant.bank.example"),
        ),
        (
            "mail.mega.bank.example",
            &[("bank.example", "v=DMARC1; p=reject; psd=y")],
            "mega.bank.example",
            Some("bank.example"),
        ),
        (
            "bank.example",
            &[("bank.example", "v=DMARC1; p=reject; psd=y")],
            "bank.example",
            Some("bank.example"),
        ),
        // Other text does not count.
        (
            "mail.example.com",
            &[("mail.example.com", "some other text"), ("example.com", "v=DMARC1; p=quarantine")],
            "example.com",
            Some("example.com"),
        ),
        // A malformed record of the domain's own ends the search.
        (
            "mail.example.com",
            &[("mail.example.com", "v=DMARC1; adkim=s"), ("example.com", "v=DMARC1; p=reject")],
            "example.com",
            Some("mail.example.com"),
        ),
    ];

    #[test]
    fn the_examples_and_rules_of_the_standard() {
        for (domain, zone, organization, found_at) in PLACES {
            let place = place(domain, zone);
            assert_eq!(place.organizational_domain, organization, "{domain} {zone:?}");
            assert_eq!(place.found_at.as_deref(), found_at, "{domain} {zone:?}");
        }
    }

    #[test]
    fn a_malformed_record_is_told_and_not_used() {
        let place = place("example.com", &[("example.com", "v=DMARC1; adkim=s")]);
        assert_eq!((place.found_at.as_deref(), place.record), (Some("example.com"), None));
        assert!(place.walk[0].problem.as_deref().unwrap().contains("p="));
    }

    #[test]
    fn the_walk_stops_at_a_psd_tag_and_at_failures() {
        let zone = [("bank.example", "v=DMARC1; p=reject; psd=y")];
        assert_eq!(place("a.bank.example", &zone).walk.len(), 2);
        let failing = |q: &Question| {
            let fails = q.name == "_dmarc.example.com";
            Some(if fails { Answer::Failed("SERVFAIL".into()) } else { Answer::NoName })
        };
        assert_eq!(discover("mail.example.com", &failing), Discovery::Failed("SERVFAIL".into()));
    }

    #[test]
    fn all_missing_answers_are_named_at_once() {
        let Discovery::Needs(missing) = discover("mail.example.com", &|_| None) else { panic!("done") };
        let names: Vec<&str> = missing.iter().map(|q| q.name.as_str()).collect();
        assert_eq!(names, ["_dmarc.mail.example.com", "_dmarc.example.com", "_dmarc.com"]);
    }

    #[test]
    fn policies_of_the_domain_its_subdomains_and_names_that_do_not_exist() {
        use DmarcPolicy::{None, Quarantine, Reject};
        for (text, domain, exists, policy) in [
            ("p=reject; sp=none; np=quarantine", "example.com", true, (Reject, "p")),
            ("p=reject; sp=none; np=quarantine", "sub.example.com", true, (None, "sp")),
            ("p=reject; sp=none; np=quarantine", "sub.example.com", false, (Quarantine, "np")),
            ("p=reject; sp=none", "sub.example.com", false, (None, "sp")),
            ("p=quarantine; np=reject", "sub.example.com", true, (Quarantine, "p")),
            ("p=quarantine; np=reject", "example.com", false, (Quarantine, "p")),
            ("p=x; rua=mailto:a@example.com", "example.com", true, (None, "p")),
        ] {
            let record = record::parse(&format!("v=DMARC1; {text}")).unwrap();
            assert_eq!(policy_for(domain, "example.com", exists, &record), policy, "{text} {domain}");
        }
    }

    proptest! {
        #[test]
        fn walks_are_bounded(domain in "[a-z]{0,3}(\\.[a-zé]{0,70}){0,20}", text in "v=DMARC1; p=none(; psd=[ynu])?") {
            let mut asked = 0;
            let walked = discover(&domain, &|_| Some(Answer::Records(vec![Data::Txt(text.clone())])));
            if let Discovery::Done(place) = walked {
                asked = place.walk.len();
                let domain = domain.strip_suffix('.').unwrap_or(&domain).to_ascii_lowercase();
                prop_assert!(domain.ends_with(&place.organizational_domain));
            }
            prop_assert!(asked <= 8);
            let missing = discover(&domain, &|_| None);
            prop_assert!(!matches!(missing, Discovery::Needs(list) if list.len() > 8));
        }
    }
}
