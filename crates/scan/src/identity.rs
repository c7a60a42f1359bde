//! Who may send as a domain: the questions for SPF, DKIM, DMARC and BIMI.
//!
//! What the answers mean is decided by pure functions of `waxseal-wire`; here they are
//! given the answers that they ask for, side by side and bounded in number.

use std::net::IpAddr;

use futures_util::future::{join, join_all, join5};
use waxseal_model::{
    Cause, DnsAnswer, Observed, Target, Why,
    dns::DnsOutcome,
    identity::{
        Aligned, Alignment, DkimKeyFacts, DmarcFacts, ExternalReports, IdentityEvidence, MessageFacts,
        SpfCost, SpfEvaluation, SpfFacts, SpfOutcome,
    },
};
use waxseal_net::resolver::Resolver;
use waxseal_wire::{
    dkim,
    dmarc::{self, Aligning, Discovery, DmarcPlace},
    query::{Answer, Question, RecordType, is_askable, is_at_or_below},
    spf::{self, CostStep, Evaluation, SpfQuery},
    text::neutralise,
};

use crate::asker::{Asker, Names};

/// Questions without any address to evaluate.
const MOST_QUESTIONS: u32 = 60;
/// Questions more for each address.
const MOST_FOR_ADDRESS: u32 = 40;
/// Addresses that are evaluated.
const MOST_ADDRESSES: usize = 8;
/// Selectors that are looked up.
const MOST_SELECTORS: usize = 10;
/// Signing domains that are compared with From.
const MOST_ALIGNED: usize = 10;
/// Organizations that are asked whether they take reports.
const MOST_EXTERNAL: usize = 8;

/// What beside the domain itself is to be looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityOptions {
    /// Addresses that send for the domain, to evaluate SPF for.
    pub sending_ip: Vec<IpAddr>,
    /// DKIM selectors of the domain.
    pub selectors: Vec<String>,
    /// A message that claims to be from the domain, as [`waxseal_wire::message::facts`]
    /// reads it: its selectors are looked up, and its domains compared.
    pub message: Option<MessageFacts>,
}

/// What DNS says of who may send as a domain. At most some 60 questions, and 40 for each
/// address.
pub async fn collect(resolver: &Resolver, domain: &str, options: &IdentityOptions) -> IdentityEvidence {
    collect_from(resolver, domain, options).await
}

/// The same for a target; none where it is no domain.
pub(crate) async fn of_target(
    resolver: &Resolver,
    target: &Target,
    options: &IdentityOptions,
) -> Option<IdentityEvidence> {
    match target {
        Target::Domain { name, .. } => Some(collect(resolver, name, options).await),
        Target::Host { .. } | Target::Address { .. } => None,
    }
}

async fn collect_from<N: Names>(names: &N, domain: &str, options: &IdentityOptions) -> IdentityEvidence {
    let addresses: Vec<IpAddr> = options.sending_ip.iter().copied().take(MOST_ADDRESSES).collect();
    let more = u32::try_from(addresses.len()).unwrap_or(0).saturating_mul(MOST_FOR_ADDRESS);
    let asker = Asker::new(names, MOST_QUESTIONS + more);
    // The envelope sender decides whose policy is asked.
    let sender = options.message.as_ref().and_then(|m| m.return_path.as_deref()).unwrap_or(domain);
    let run = Run { asker: &asker, domain };
    let ((spf, spf_evaluations), (domainkey, dkim_keys), dmarc, message, bimi) = join5(
        Box::pin(run.spf(sender, &addresses)),
        Box::pin(join(run.domainkey(), run.dkim_keys(options))),
        Box::pin(run.dmarc()),
        Box::pin(run.message(options.message.as_ref())),
        Box::pin(run.bimi()),
    )
    .await;
    IdentityEvidence { spf, spf_evaluations, domainkey, dkim_keys, dmarc, message, bimi }
}

/// One collection.
struct Run<'a, N> {
    asker: &'a Asker<'a, N>,
    domain: &'a str,
}

impl<N: Names> Run<'_, N> {
    async fn txt(&self, name: &str) -> Observed<DnsAnswer> {
        if !is_askable(name) {
            return Observed::failed(Cause::Name, format!("{} is too long for a name", shown(name)));
        }
        match self.asker.ask(Question::new(name, RecordType::Txt)).await {
            Some(answer) if answer.is_conclusive() => Observed::seen(answer),
            Some(answer) => {
                let text =
                    format!("the TXT records of {} could not be looked up: {}", shown(name), answer.reason);
                Observed::failed(Cause::Resolver, text)
            }
            None => Observed::NotTried { why: no_more_questions() },
        }
    }

    async fn spf(&self, sender: &str, addresses: &[IpAddr]) -> (Observed<SpfFacts>, Vec<SpfEvaluation>) {
        // One after the other: the evaluations need hardly an answer that is not there then.
        let facts = self.spf_facts().await;
        let evaluations = join_all(addresses.iter().map(|ip| self.spf_evaluation(*ip, sender))).await;
        (facts, evaluations)
    }

    async fn spf_facts(&self) -> Observed<SpfFacts> {
        let answer = match self.txt(self.domain).await {
            Observed::Seen { value } => value,
            Observed::NotTried { why } => return Observed::NotTried { why },
            Observed::Failed { why } => return Observed::Failed { why },
        };
        let seen = Answer::from(&answer);
        let texts: Vec<&str> = seen.texts().filter(|t| spf::is_spf(t)).collect();
        let mut facts = SpfFacts {
            records: texts.iter().map(|t| neutralise(t.as_bytes(), 4000)).collect(),
            record: None,
            syntax_error: None,
            cost: Observed::not_tried(Cause::Prerequisite, "there is no SPF record that could be evaluated"),
            answer: answer.clone(),
        };
        if let [text] = texts.as_slice() {
            match spf::parse(text) {
                Ok(record) => {
                    facts.record = Some(spf::facts(&record, text));
                    facts.cost = self.spf_cost().await;
                }
                Err(e) => facts.syntax_error = Some(e.to_string()),
            }
        }
        Observed::seen(facts)
    }

    async fn spf_cost(&self) -> Observed<SpfCost> {
        loop {
            match spf::cost(self.domain, &|q| self.asker.known(q)) {
                CostStep::Done(cost) => return Observed::seen(cost),
                CostStep::Needs(questions) => {
                    if !self.asker.ask_all(questions).await {
                        return Observed::NotTried { why: no_more_questions() };
                    }
                }
            }
        }
    }

    async fn spf_evaluation(&self, ip: IpAddr, sender: &str) -> SpfEvaluation {
        let query = SpfQuery {
            ip,
            domain: sender.to_owned(),
            sender: format!("postmaster@{sender}"),
            helo: sender.to_owned(),
            receiver: String::new(),
            now: crate::clock::now(),
        };
        let outcome: Observed<SpfOutcome> = loop {
            match spf::evaluate(&query, &|q| self.asker.known(q)) {
                Evaluation::Done(outcome) => break Observed::seen(outcome),
                Evaluation::Needs(question) => {
                    if self.asker.ask(question).await.is_none() {
                        break Observed::NotTried { why: no_more_questions() };
                    }
                }
            }
        };
        SpfEvaluation { ip, domain: sender.to_owned(), outcome }
    }

    async fn domainkey(&self) -> Observed<DnsOutcome> {
        self.txt(&format!("_domainkey.{}", self.domain)).await.map(|answer| answer.outcome)
    }

    async fn dkim_keys(&self, options: &IdentityOptions) -> Vec<DkimKeyFacts> {
        let mut wanted: Vec<(&str, &str, bool)> = Vec::new();
        let signatures = options.message.iter().flat_map(|m| &m.signatures);
        let of_message = signatures.map(|s| (s.selector.as_str(), s.domain.as_str(), true));
        let given = options.selectors.iter().map(|s| (s.as_str(), self.domain, false));
        for (selector, domain, in_message) in of_message.chain(given) {
            if wanted.len() < MOST_SELECTORS && !wanted.iter().any(|(s, d, _)| (*s, *d) == (selector, domain))
            {
                wanted.push((selector, domain, in_message));
            }
        }
        join_all(wanted.into_iter().map(|(s, d, m)| self.dkim_key(s, d, m))).await
    }

    async fn dkim_key(&self, selector: &str, domain: &str, in_message: bool) -> DkimKeyFacts {
        let answer = self.txt(&dkim::key_name(selector, domain)).await;
        let texts: Vec<String> = match answer.get() {
            Some(answer) => Answer::from(answer).texts().map(str::to_owned).collect(),
            None => Vec::new(),
        };
        let (key, problem) = match (texts.as_slice(), answer.is_seen()) {
            (_, false) => (None, None),
            ([], true) => (None, Some("there is no key record".to_owned())),
            ([text], true) => match dkim::key(text) {
                Ok(key) => (Some(key), None),
                Err(e) => (None, Some(e.to_string())),
            },
            (several, true) => (
                None,
                Some(format!("there are {} TXT records, and which one counts is not defined", several.len())),
            ),
        };
        DkimKeyFacts {
            selector: selector.to_owned(),
            domain: domain.to_owned(),
            in_message,
            answer,
            key,
            problem,
        }
    }

    /// Where a domain belongs; each name of the walk is asked once for all domains.
    async fn place(&self, domain: &str) -> Observed<DmarcPlace> {
        loop {
            match dmarc::discover(domain, &|q| self.asker.known(q)) {
                Discovery::Done(place) => return Observed::seen(place),
                Discovery::Failed(why) => return Observed::failed(Cause::Resolver, why),
                Discovery::Needs(questions) => {
                    if !self.asker.ask_all(questions).await {
                        return Observed::NotTried { why: no_more_questions() };
                    }
                }
            }
        }
    }

    async fn dmarc(&self) -> Observed<DmarcFacts> {
        let place = match self.place(self.domain).await {
            Observed::Seen { value } => value,
            Observed::NotTried { why } => return Observed::NotTried { why },
            Observed::Failed { why } => return Observed::Failed { why },
        };
        let mut facts = DmarcFacts {
            walk: place.walk,
            organizational_domain: place.organizational_domain,
            found_at: place.found_at.as_ref().map(|domain| format!("_dmarc.{domain}")),
            record: place.record,
            policy: None,
            policy_tag: None,
            external: Vec::new(),
        };
        let (Some(record), Some(found_at)) = (&facts.record, &place.found_at) else {
            return Observed::seen(facts);
        };
        let exists = match self.exists(found_at, record.np.is_some()).await {
            Ok(exists) => exists,
            Err(why) => return Observed::Failed { why },
        };
        let (policy, tag) = dmarc::policy_for(self.domain, found_at, exists, record);
        (facts.policy, facts.policy_tag) = (Some(policy), Some(tag.to_owned()));
        facts.external = self.external(found_at, &facts).await;
        Observed::seen(facts)
    }

    /// Whether the domain exists, where `np` hangs on it (RFC 9989 section 3.2.13).
    async fn exists(&self, found_at: &str, matters: bool) -> Result<bool, Why> {
        if !matters || found_at == self.domain {
            return Ok(true);
        }
        match self.asker.ask(Question::new(self.domain, RecordType::A)).await {
            Some(answer) if answer.is_conclusive() => Ok(answer.outcome != DnsOutcome::NxDomain),
            Some(answer) => {
                let text =
                    format!("whether {} exists could not be found out: {}", self.domain, answer.reason);
                Err(Why::new(Cause::Resolver, text))
            }
            None => Err(no_more_questions()),
        }
    }

    /// Whether other organizations take the reports (RFC 9990 section 4).
    async fn external(&self, found_at: &str, facts: &DmarcFacts) -> Vec<ExternalReports> {
        let mut wanted: Vec<(String, String)> = Vec::new();
        let uris = facts.record.iter().flat_map(|r| r.rua.iter().chain(&r.ruf));
        for uri in uris {
            let Some(host) = dmarc::report_domain(uri) else { continue };
            let inside = is_at_or_below(&host, &facts.organizational_domain);
            if !inside && wanted.len() < MOST_EXTERNAL && !wanted.iter().any(|(_, h)| *h == host) {
                wanted.push((uri.clone(), host));
            }
        }
        join_all(wanted.into_iter().map(|(uri, domain)| async move {
            let name = dmarc::external_name(found_at, &domain);
            let agrees = |answer: DnsAnswer| Answer::from(&answer).texts().any(dmarc::is_dmarc);
            let authorised = self.txt(&name).await.map(agrees);
            ExternalReports { uri, domain, name, authorised }
        }))
        .await
    }

    async fn message(&self, message: Option<&MessageFacts>) -> Observed<MessageFacts> {
        let Some(message) = message else {
            return Observed::not_tried(Cause::NotAsked, "no message was given");
        };
        let mut facts = message.clone();
        facts.alignment = self.alignment(message).await;
        Observed::seen(facts)
    }

    async fn alignment(&self, message: &MessageFacts) -> Observed<Alignment> {
        let Some(from) = &message.from else {
            return Observed::not_tried(Cause::Prerequisite, "the message has no single From address");
        };
        let place = match self.place(from).await {
            Observed::Seen { value } => value,
            Observed::NotTried { why } => return Observed::NotTried { why },
            Observed::Failed { why } => return Observed::Failed { why },
        };
        let Some(record) = &place.record else {
            return Observed::not_tried(
                Cause::Prerequisite,
                format!("{from} has no DMARC record to compare by"),
            );
        };
        let organization = place.organizational_domain.as_str();
        let spf = message.return_path.iter().map(|d| self.aligned(from, organization, d, record.strict_spf));
        let signatures = message.signatures.iter().take(MOST_ALIGNED);
        let dkim = signatures.map(|s| self.aligned(from, organization, &s.domain, record.strict_dkim));
        let (spf, dkim) = join(join_all(spf), join_all(dkim)).await;
        let both: Result<(Vec<Aligned>, Vec<Aligned>), Why> = spf
            .into_iter()
            .collect::<Result<_, _>>()
            .and_then(|s| Ok((s, dkim.into_iter().collect::<Result<_, _>>()?)));
        match both {
            Ok((spf, dkim)) => {
                Observed::seen(Alignment { from: organization.to_owned(), spf: spf.into_iter().next(), dkim })
            }
            Err(why) => Observed::Failed { why },
        }
    }

    async fn aligned(
        &self,
        from: &str,
        organization: &str,
        domain: &str,
        strict: bool,
    ) -> Result<Aligned, Why> {
        loop {
            match dmarc::aligned(from, organization, domain, strict, &|q| self.asker.known(q)) {
                Aligning::Done(aligned) => return Ok(Aligned { domain: domain.to_owned(), aligned, strict }),
                Aligning::Failed(why) => return Err(Why::new(Cause::Resolver, why)),
                Aligning::Needs(questions) => {
                    if !self.asker.ask_all(questions).await {
                        return Err(no_more_questions());
                    }
                }
            }
        }
    }

    async fn bimi(&self) -> Observed<Option<String>> {
        let record = |answer: DnsAnswer| {
            let seen = Answer::from(&answer);
            let text = seen.texts().find(|t| t.get(..8).is_some_and(|v| v.eq_ignore_ascii_case("v=BIMI1;")));
            text.map(|t| neutralise(t.as_bytes(), 1000))
        };
        self.txt(&format!("default._bimi.{}", self.domain)).await.map(record)
    }
}

fn no_more_questions() -> Why {
    Why::new(Cause::Budget, "the number of questions to DNS for SPF, DKIM and DMARC is used up")
}

fn shown(name: &str) -> String {
    neutralise(name.as_bytes(), 255)
}

#[cfg(test)]
mod tests {
    use waxseal_model::identity::{DmarcPolicy, SpfResult};
    use waxseal_wire::message;

    use super::*;
    use crate::asker::tests::Table;

    const ZONE: &[&str] = &[
        "example.com TXT unrelated text",
        "example.com TXT v=spf1 mx include:_spf.example.net -all",
        "example.com MX mx.example.com",
        "mx.example.com A 192.0.2.25",
        "_spf.example.net TXT v=spf1 ip4:198.51.100.0/24 a:gone.example.net ~all",
        "_domainkey.example.com TXT note",
        "s1._domainkey.example.com TXT v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
        "s2._domainkey.example.com TXT v=DKIM1; p=",
        "_dmarc.example.com TXT v=DMARC1; p=reject; np=none; rua=mailto:a@example.com,mailto:b@reports.example,mailto:c@other.example",
        "example.com._report._dmarc.reports.example TXT v=DMARC1;",
        "default._bimi.example.com TXT v=BIMI1; l=https://example.com/logo.svg",
    ];

    async fn run(
        lines: &'static [&'static str],
        domain: &str,
        options: &IdentityOptions,
    ) -> (IdentityEvidence, usize) {
        let table = Table::new(lines);
        let evidence = collect_from(&table, domain, options).await;
        (evidence, table.asked().len())
    }

    #[tokio::test]
    async fn everything_is_found_and_each_question_is_put_once() {
        let options = IdentityOptions {
            sending_ip: vec!["198.51.100.7".parse().unwrap(), "203.0.113.1".parse().unwrap()],
            selectors: vec!["s1".into(), "s2".into(), "s3".into()],
            message: None,
        };
        let table = Table::new(ZONE);
        let found = collect_from(&table, "example.com", &options).await;
        let mut asked = table.asked();
        let questions = asked.len();
        asked.sort();
        asked.dedup();
        assert_eq!(asked.len(), questions, "{asked:?}");
        let spf = found.spf.get().unwrap();
        assert_eq!(spf.records, ["v=spf1 mx include:_spf.example.net -all"]);
        let cost = spf.cost.get().unwrap();
        assert_eq!((cost.lookups, cost.void.as_slice()), (3, &["gone.example.net".to_owned()][..]));
        let results: Vec<SpfResult> =
            found.spf_evaluations.iter().map(|e| e.outcome.get().unwrap().result).collect();
        assert_eq!(results, [SpfResult::Pass, SpfResult::Fail]);
        assert_eq!(found.domainkey.get(), Some(&DnsOutcome::Records));
        let keys: Vec<(&str, Option<bool>, bool)> = found
            .dkim_keys
            .iter()
            .map(|k| (k.selector.as_str(), k.key.as_ref().map(|k| k.revoked), k.problem.is_some()))
            .collect();
        assert_eq!(keys, [("s1", Some(false), false), ("s2", Some(true), false), ("s3", None, true)]);
        let dmarc = found.dmarc.get().unwrap();
        assert_eq!(dmarc.found_at.as_deref(), Some("_dmarc.example.com"));
        assert_eq!((dmarc.policy, dmarc.policy_tag.as_deref()), (Some(DmarcPolicy::Reject), Some("p")));
        let external: Vec<(&str, Option<&bool>)> =
            dmarc.external.iter().map(|e| (e.domain.as_str(), e.authorised.get())).collect();
        assert_eq!(external, [("reports.example", Some(&true)), ("other.example", Some(&false))]);
        assert!(found.bimi.get().unwrap().is_some());
        assert_eq!(found.message.why().unwrap().cause, Cause::NotAsked);
    }

    #[tokio::test]
    async fn a_message_brings_selectors_and_is_compared() {
        let text = "Return-Path: <b@bounce.example.com>\nFrom: a@example.com\n\
            DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=s1; h=from; bh=A; b=B\n\
            DKIM-Signature: v=1; a=rsa-sha256; d=esp.example; s=k; h=from; bh=A; b=B\n\n";
        let message = Some(message::facts(text.as_bytes()));
        let (found, _) =
            run(ZONE, "example.com", &IdentityOptions { message, ..IdentityOptions::default() }).await;
        let keys: Vec<(&str, &str, bool)> = found
            .dkim_keys
            .iter()
            .map(|k| (k.selector.as_str(), k.domain.as_str(), k.key.is_some()))
            .collect();
        assert_eq!(keys, [("s1", "example.com", true), ("k", "esp.example", false)]);
        let alignment = found.message.get().unwrap().alignment.get().unwrap();
        assert!(alignment.spf.as_ref().unwrap().aligned);
        assert_eq!(alignment.dkim.iter().map(|a| a.aligned).collect::<Vec<_>>(), [true, false]);
    }

    #[tokio::test]
    async fn a_subdomain_that_does_not_exist_falls_under_np() {
        let (found, _) = run(ZONE, "gone.example.com", &IdentityOptions::default()).await;
        let dmarc = found.dmarc.get().unwrap();
        assert_eq!((dmarc.policy, dmarc.policy_tag.as_deref()), (Some(DmarcPolicy::None), Some("np")));
        let (found, _) = run(ZONE, "mx.example.com", &IdentityOptions::default()).await;
        assert_eq!(found.dmarc.get().unwrap().policy, Some(DmarcPolicy::Reject));
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_failed_and_never_absent() {
        let lines = &[
            "example.com !",
            "_dmarc.example.com !",
            "_domainkey.example.com !",
            "default._bimi.example.com !",
        ];
        let options =
            IdentityOptions { sending_ip: vec!["192.0.2.1".parse().unwrap()], ..IdentityOptions::default() };
        let (found, _) = run(lines, "example.com", &options).await;
        assert_eq!(found.spf.why().unwrap().cause, Cause::Resolver);
        assert_eq!(found.dmarc.why().unwrap().cause, Cause::Resolver);
        assert!(found.domainkey.why().is_some() && found.bimi.why().is_some());
        assert_eq!(found.spf_evaluations[0].outcome.get().unwrap().result, SpfResult::Temperror);
    }

    #[tokio::test]
    async fn the_number_of_questions_is_bounded() {
        let lines = &[
            "example.com TXT v=spf1 include:a.example include:b.example include:c.example -all",
            "a.example TXT v=spf1 a:1.a.example a:2.a.example a:3.a.example a:4.a.example a:5.a.example a:6.a.example a:7.a.example a:8.a.example a:9.a.example",
            "b.example TXT v=spf1 a:1.b.example a:2.b.example a:3.b.example a:4.b.example a:5.b.example a:6.b.example a:7.b.example a:8.b.example a:9.b.example",
            "c.example TXT v=spf1 a:1.c.example a:2.c.example a:3.c.example a:4.c.example a:5.c.example a:6.c.example a:7.c.example a:8.c.example a:9.c.example",
        ];
        let selectors = (0..100).map(|n| format!("s{n}")).collect();
        let options = IdentityOptions { selectors, ..IdentityOptions::default() };
        let (found, asked) = run(lines, "example.com", &options).await;
        assert!(asked <= 60, "{asked}");
        assert_eq!(found.dkim_keys.len(), MOST_SELECTORS);
        let cost = &found.spf.get().unwrap().cost;
        assert!(cost.get().is_some() || cost.why().unwrap().cause == Cause::Budget);
    }
}
