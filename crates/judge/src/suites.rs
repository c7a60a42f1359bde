//! What is known of suites: by class, as a check asks for them, and by name, as an audit
//! lists them.
//!
//! A suite that was chosen once is proof. That there is none of a kind in a version is
//! known only where the version is refused, its list is complete, or the whole class was
//! offered in it and refused.

use std::{collections::BTreeMap, sync::LazyLock};

use waxseal_model::{
    Cause, Observed, Why,
    tls::{ClassFact, NegotiatedSuite, Suite, SuiteClass, TlsEvidence, TlsVersion},
};
use waxseal_wire::tls::suites::{self, Authentication, Properties};

use crate::{case::known_if_applicable, state, text};

/// The versions in which suites of these classes exist, SSLv2 left out: it is broken
/// whatever its suites are, and judged by itself.
pub(crate) const BEFORE_TLS13: [TlsVersion; 4] =
    [TlsVersion::Tls12, TlsVersion::Tls11, TlsVersion::Tls10, TlsVersion::Ssl3];

/// A suite of the registry.
#[derive(Debug)]
struct Entry {
    code: u32,
    properties: Properties,
    classes: Vec<SuiteClass>,
}

static BY_CODE: LazyLock<BTreeMap<u32, Entry>> = LazyLock::new(|| {
    let entry = |code: u32| {
        let properties = suites::properties(code)?;
        Some((code, Entry { code, properties, classes: suites::classes(code) }))
    };
    suites::all().iter().filter_map(|(code, _)| entry(*code)).collect()
});

static BY_NAME: LazyLock<BTreeMap<&'static str, u32>> =
    LazyLock::new(|| suites::all().iter().map(|(code, name)| (*name, *code)).collect());

fn by_name(name: &str) -> Option<&'static Entry> {
    BY_CODE.get(BY_NAME.get(name)?)
}

/// True if a listed suite is in a class; false for names that nobody knows.
pub(crate) fn is_in(name: &str, class: SuiteClass) -> bool {
    by_name(name).is_some_and(|e| e.classes.contains(&class))
}

/// The suites that an audit lists for a version.
fn listed(tls: &TlsEvidence, version: TlsVersion) -> impl Iterator<Item = &str> {
    tls.suites.get(&version).into_iter().flatten().map(String::as_str)
}

/// True if all suites of a version are listed.
fn is_complete(tls: &TlsEvidence, version: TlsVersion) -> bool {
    let list = tls.audit.as_ref().and_then(|a| a.suite_lists.get(&version)).and_then(Observed::get);
    list.is_some_and(|l| l.complete)
}

/// True if all versions before TLS 1.3 are refused or completely listed.
fn all_complete(tls: &TlsEvidence) -> bool {
    BEFORE_TLS13.into_iter().all(|v| match state::accepts(tls, v) {
        Ok(true) => is_complete(tls, v),
        Ok(false) => true,
        Err(_) => false,
    })
}

/// Classes that say of the key exchange or the mode, not of the strength: what an anonymous
/// suite uses besides says nothing of the suites that careful clients choose from.
fn is_dated_only(class: SuiteClass) -> bool {
    matches!(class, SuiteClass::RsaKeyExchange | SuiteClass::Dhe | SuiteClass::Cbc)
}

/// What is known of a class; none if the server refuses it.
pub(crate) fn class(tls: &TlsEvidence, class: SuiteClass) -> Result<Option<ClassFact>, Why> {
    let asked = tls.suite_classes.get(&class);
    let known = asked.and_then(Observed::get).filter(|f| f.accepted).cloned();
    let accepted = known.is_some();
    let mut fact =
        known.unwrap_or(ClassFact { accepted: true, examples: Vec::new(), offered_in: Vec::new() });
    for version in BEFORE_TLS13 {
        for entry in listed(tls, version).filter_map(by_name) {
            let anonymous = entry.properties.authentication == Authentication::Anonymous;
            if entry.classes.contains(&class) && !(anonymous && is_dated_only(class)) {
                let example = NegotiatedSuite { version, suite: suites::suite(entry.code) };
                if !fact.examples.contains(&example) {
                    fact.examples.push(example);
                }
                if !fact.offered_in.contains(&version) {
                    fact.offered_in.push(version);
                }
            }
        }
    }
    if accepted || !fact.examples.is_empty() {
        return Ok(Some(fact));
    }
    let refused = match asked {
        Some(observed) => known_if_applicable(observed).map(|_| ()),
        None => Err(Why::new(Cause::NotAsked, format!("{} suites were not asked for", class.label()))),
    };
    match refused {
        Err(why) if !all_complete(tls) => Err(why),
        _ => Ok(None),
    }
}

/// Every suite of a class that showed itself in these versions, newest version first.
pub(crate) fn shown(tls: &TlsEvidence, class: SuiteClass, versions: &[TlsVersion]) -> Vec<NegotiatedSuite> {
    let mut out: Vec<NegotiatedSuite> = Vec::new();
    let mut add = |version: TlsVersion, suite: Suite| {
        if versions.contains(&version) && !out.iter().any(|s| s.version == version && s.suite == suite) {
            out.push(NegotiatedSuite { version, suite });
        }
    };
    if let Some(fact) = tls.suite_classes.get(&class).and_then(Observed::get).filter(|f| f.accepted) {
        fact.examples.iter().for_each(|e| add(e.version, e.suite.clone()));
    }
    for seen in &tls.suites_seen {
        if BY_CODE.get(&seen.suite.code).is_some_and(|e| e.classes.contains(&class)) {
            add(seen.version, seen.suite.clone());
        }
    }
    for version in versions {
        for entry in listed(tls, *version).filter_map(by_name).filter(|e| e.classes.contains(&class)) {
            add(*version, suites::suite(entry.code));
        }
    }
    out.sort_by_key(|s| std::cmp::Reverse(s.version));
    out
}

/// The suites of a class in these versions; empty if there are none for certain.
pub(crate) fn class_in(
    tls: &TlsEvidence,
    class: SuiteClass,
    versions: &[TlsVersion],
) -> Result<Vec<NegotiatedSuite>, Why> {
    let shown = shown(tls, class, versions);
    if !shown.is_empty() {
        return Ok(shown);
    }
    for version in versions {
        if !state::accepts(tls, *version)? || is_complete(tls, *version) {
            continue;
        }
        let fact = match tls.suite_classes.get(&class) {
            Some(observed) => known_if_applicable(observed)?,
            None => None,
        };
        if !fact.is_some_and(|f| !f.accepted && f.offered_in.contains(version)) {
            let text = format!("{} suites were not asked for in {}", class.label(), version.label());
            return Err(Why::new(Cause::NotAsked, text));
        }
    }
    Ok(Vec::new())
}

/// The suites of two classes at once (RSA key exchange of export strength), before TLS 1.3;
/// empty if there are none for certain.
pub(crate) fn both_classes(
    tls: &TlsEvidence,
    first: SuiteClass,
    second: SuiteClass,
) -> Result<Vec<NegotiatedSuite>, Why> {
    let mut shown = shown(tls, first, &BEFORE_TLS13);
    shown.retain(|s| BY_CODE.get(&s.suite.code).is_some_and(|e| e.classes.contains(&second)));
    shown.retain(|s| suites::authentication(s.suite.code) != Some(Authentication::Anonymous));
    if !shown.is_empty() || class(tls, first)?.is_none() || all_complete(tls) {
        return Ok(shown);
    }
    let text = format!("{} suites with {} were not asked for by themselves", first.label(), second.label());
    Err(Why::new(Cause::NotAsked, text))
}

/// Suites for a sentence, `TLS_RSA_WITH_RC4_128_SHA in TLS 1.0`.
pub(crate) fn named(suites: &[NegotiatedSuite]) -> String {
    let names: Vec<String> =
        suites.iter().map(|s| format!("{} in {}", s.suite.name, s.version.label())).collect();
    text::short_list(&names, 3)
}

#[cfg(test)]
mod tests {
    use waxseal_model::audit::SuiteList;

    use super::*;
    use crate::fixtures as sample;

    fn list(tls: &mut TlsEvidence, version: TlsVersion, names: &[&str], complete: bool) {
        tls.versions.insert(version, Observed::seen(true));
        tls.suites.insert(version, names.iter().map(|n| (*n).to_owned()).collect());
        let list = SuiteList {
            complete,
            why_incomplete: None,
            order: None,
            chacha_by_client: None,
            inferred: Vec::new(),
        };
        tls.audit.as_mut().unwrap().suite_lists.insert(version, Observed::seen(list));
    }

    fn healthy() -> TlsEvidence {
        sample::healthy().endpoints.remove(0).evidence.tls
    }

    #[test]
    fn a_listed_suite_outweighs_a_class_that_was_refused_or_not_answered() {
        for unknown in [false, true] {
            let mut tls = healthy();
            if unknown {
                tls.suite_classes.insert(SuiteClass::Rc4, sample::failed());
            }
            list(&mut tls, TlsVersion::Tls11, &["TLS_RSA_WITH_RC4_128_SHA"], false);
            let fact = class(&tls, SuiteClass::Rc4).unwrap().unwrap();
            assert_eq!(named(&fact.examples), "TLS_RSA_WITH_RC4_128_SHA in TLS 1.1");
        }
    }

    #[test]
    fn a_class_without_an_answer_is_refused_only_if_all_lists_are_complete() {
        let mut tls = healthy();
        tls.suite_classes.clear();
        assert_eq!(class(&tls, SuiteClass::Rc4), Ok(None));
        list(&mut tls, TlsVersion::Tls10, &["TLS_RSA_WITH_AES_128_CBC_SHA"], false);
        assert!(class(&tls, SuiteClass::Rc4).is_err());
        list(&mut tls, TlsVersion::Tls10, &["TLS_RSA_WITH_AES_128_CBC_SHA"], true);
        assert_eq!(class(&tls, SuiteClass::Rc4), Ok(None));
        tls.versions.insert(TlsVersion::Ssl3, sample::failed());
        assert!(class(&tls, SuiteClass::Rc4).is_err());
    }

    #[test]
    fn anonymous_suites_do_not_make_the_dated_classes_accepted() {
        let mut tls = healthy();
        list(&mut tls, TlsVersion::Tls12, &["TLS_DH_anon_WITH_AES_128_CBC_SHA"], true);
        for refused in [SuiteClass::Dhe, SuiteClass::Cbc] {
            assert_eq!(class(&tls, refused), Ok(None));
        }
        assert!(class(&tls, SuiteClass::Anonymous).unwrap().is_some());
    }

    #[test]
    fn a_class_is_clear_of_a_version_by_refusal_by_a_complete_list_or_where_it_was_offered() {
        let only = [TlsVersion::Tls10];
        let mut tls = healthy();
        assert_eq!(class_in(&tls, SuiteClass::Cbc, &only), Ok(Vec::new()));
        tls.versions.insert(TlsVersion::Tls10, Observed::seen(true));
        // The class was offered in TLS 1.2 alone.
        assert!(class_in(&tls, SuiteClass::Cbc, &only).is_err());
        list(&mut tls, TlsVersion::Tls10, &["TLS_RSA_WITH_RC4_128_SHA"], true);
        assert_eq!(class_in(&tls, SuiteClass::Cbc, &only), Ok(Vec::new()));
        list(&mut tls, TlsVersion::Tls10, &["TLS_RSA_WITH_AES_128_CBC_SHA"], false);
        assert_eq!(class_in(&tls, SuiteClass::Cbc, &only).unwrap().len(), 1);
    }

    #[test]
    fn which_export_suites_they_are_is_open_until_they_are_listed() {
        let both = |tls: &TlsEvidence| both_classes(tls, SuiteClass::Export, SuiteClass::RsaKeyExchange);
        let mut tls = healthy();
        assert_eq!(both(&tls), Ok(Vec::new()));
        let suite = suites::suite(0x0014); // TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA
        let example = NegotiatedSuite { version: TlsVersion::Tls10, suite };
        let fact = ClassFact { accepted: true, examples: vec![example], offered_in: vec![TlsVersion::Tls10] };
        tls.suite_classes.insert(SuiteClass::Export, Observed::seen(fact));
        tls.versions.insert(TlsVersion::Tls10, Observed::seen(true));
        assert!(both(&tls).is_err());
        list(&mut tls, TlsVersion::Tls10, &["TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA"], true);
        assert_eq!(both(&tls), Ok(Vec::new()));
        list(&mut tls, TlsVersion::Tls10, &["TLS_RSA_EXPORT_WITH_RC4_40_MD5"], false);
        assert_eq!(both(&tls).unwrap().len(), 1);
    }

    #[test]
    fn names_that_nobody_knows_are_in_no_class() {
        assert!(!is_in("unknown 0xabcd", SuiteClass::Rc4));
        assert!(is_in("TLS_RSA_WITH_RC4_128_SHA", SuiteClass::Rc4));
    }
}
