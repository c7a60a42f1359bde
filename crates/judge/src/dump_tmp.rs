use crate::fixtures::*;
use waxseal_model::*;
#[test]
fn dump() {
    for c in crate::checks::ALL {
        let mut e = healthy();
        (c.fixtures.found)(&mut e);
        let j = crate::judge(&e, crate::profile("mail").unwrap(), NOW);
        let mut e2 = healthy();
        (c.fixtures.undetermined)(&mut e2);
        let j2 = crate::judge(&e2, crate::profile("mail").unwrap(), NOW);
        for f in j.findings.iter().filter(|f| f.check == c.id) {
            println!(
                "{:8} {} ({}) [{}]\n  {}\n  {}\n  FIX {}\n  {}",
                f.severity.word(),
                f.check,
                f.importance,
                f.endpoint.clone().unwrap_or_default(),
                f.title,
                f.detail,
                f.fix.replace('\n', "\n      "),
                f.retest
            );
        }
        println!(
            "  GRADE {:?} {:?} [{:?}: {}] [{:?}: {}]\n  CAPS {:?}\n  SUMMARY {}",
            j.grade.letter.map(Letter::label),
            j.grade.provisional,
            j.grade.encryption,
            j.grade.encryption_why,
            j.grade.authentication,
            j.grade.authentication_why,
            j.grade
                .caps
                .iter()
                .map(|c| (c.letter.label(), c.rule.as_str(), c.why.as_str()))
                .collect::<Vec<_>>(),
            j.grade.summary
        );
        println!(
            "  UNDET {} | {}",
            j2.verdicts.iter().find(|v| v.check == c.id).unwrap().why,
            j2.grade.summary
        );
    }
}
