//! The CAA records that hold for mail hosts and for the host of an MTA-STS policy (RFC 8659
//! section 3).

use futures_util::future::{join, join_all};
use waxseal_model::{
    Cause, DnsAnswer, Observed, Target,
    dns::{DnsRecord, RecordData},
    policy::CaaFacts,
};
use waxseal_net::resolver::Resolver;
use waxseal_wire::caa::climb;

use crate::{asker::Names, names};

/// Names for which records are looked up.
const MOST_NAMES: usize = 20;
/// Labels of a name: no host has as many.
const MOST_LABELS: usize = 12;

/// The records that hold for each of these names.
pub async fn collect(resolver: &Resolver, names: &[String]) -> Vec<CaaFacts> {
    collect_from(resolver, names).await
}

/// The records that hold for the mail hosts of a target, and for its policy host where a
/// policy is announced; none where it is no domain.
pub(crate) async fn of_target(resolver: &Resolver, target: &Target) -> Vec<CaaFacts> {
    let Target::Domain { name, .. } = target else { return Vec::new() };
    let (answer, announced) = join(
        Resolver::lookup(resolver, name, "MX"),
        Resolver::lookup(resolver, &format!("_mta-sts.{name}"), "TXT"),
    )
    .await;
    let mut hosts = names::mail_hosts(name, &answer);
    let is_policy =
        |r: &DnsRecord| matches!(&r.data, RecordData::Txt { text } if text.starts_with("v=STSv1"));
    if !hosts.is_empty() && announced.records.iter().any(is_policy) {
        hosts.push(format!("mta-sts.{name}"));
    }
    collect(resolver, &hosts).await
}

async fn collect_from<N: Names>(names: &N, hosts: &[String]) -> Vec<CaaFacts> {
    join_all(hosts.iter().take(MOST_NAMES).map(|host| one(names, host))).await
}

/// All ancestors at once: they are few, and most are asked for other hosts as well.
async fn one<N: Names>(names: &N, host: &str) -> CaaFacts {
    let path = climb(host);
    let answer = if path.len() > MOST_LABELS {
        Observed::not_tried(Cause::Budget, format!("{host} has more than {MOST_LABELS} labels"))
    } else {
        let answers = join_all(path.iter().map(|name| names.lookup(name, "CAA"))).await;
        holding(answers)
    };
    CaaFacts { name: host.to_owned(), answer }
}

/// The nearest answer with records. One that failed hides what lies above it.
fn holding(answers: Vec<DnsAnswer>) -> Observed<DnsAnswer> {
    let is_caa = |a: &DnsAnswer| a.records.iter().any(|r| matches!(r.data, RecordData::Caa { .. }));
    let mut last = None;
    for answer in answers {
        if !answer.is_conclusive() {
            let text =
                format!("the CAA records of {} could not be looked up: {}", answer.name, answer.reason);
            return Observed::failed(Cause::Resolver, text);
        }
        if is_caa(&answer) {
            return Observed::seen(answer);
        }
        last = Some(answer);
    }
    last.map_or_else(|| Observed::not_tried(Cause::NotApplicable, "the root is no host"), Observed::seen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asker::tests::Table;

    async fn found(lines: &'static [&'static str]) -> Observed<DnsAnswer> {
        let table = Table::new(lines);
        collect_from(&table, &["mx.mail.example.com".into()]).await.remove(0).answer
    }

    #[tokio::test]
    async fn the_nearest_records_hold() {
        let answer = found(&[
            "mx.mail.example.com A 192.0.2.1",
            "example.com CAA issue ca.example",
            "com CAA issue other.example",
        ])
        .await;
        assert_eq!(answer.get().unwrap().name, "example.com");
    }

    #[tokio::test]
    async fn a_failure_below_hides_what_lies_above() {
        let answer = found(&["mail.example.com !", "example.com CAA issue ca.example"]).await;
        assert_eq!(answer.why().unwrap().cause, Cause::Resolver);
        let answer = found(&["mx.mail.example.com CAA issue ca.example", "mail.example.com !"]).await;
        assert!(answer.is_seen());
    }

    #[tokio::test]
    async fn without_any_records_the_last_answer_is_kept() {
        let answer = found(&[]).await;
        assert_eq!(answer.get().unwrap().name, "com");
    }
}
