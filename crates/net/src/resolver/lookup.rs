//! One lookup: the question, the aliases on the way, and the answer in the model's words.

use std::str::FromStr;
use std::time::Duration;

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use tokio::time::Instant;
use waxseal_model::dns::{DnsAnswer, DnsOutcome, DnsRecord, DnssecStatus};
use waxseal_wire::text::neutralise;

use super::chain::Chain;
use super::fetch::FetchError;
use super::message::{Data, DomainName, RecordSet, Response};
use super::rcode;
use super::record::{self, name_text, type_text};
use super::status::Status;
use super::validate::Absence;
use super::{Lookup, Trust};

/// Aliases followed in one lookup, as unbound does.
const MAX_ALIASES: usize = 11;
/// How long an answer counts that took no question.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long a failure counts.
const FAILED: Duration = Duration::from_secs(60);

/// Looks up a name; see [`super::Resolver::resolve`].
pub(crate) async fn lookup(chain: &Chain, name: &str, rtype: &str, deadline: Instant) -> Lookup {
    let (name, rtype) = match question(name, rtype) {
        Ok(question) => question,
        Err(reason) => {
            let answer = DnsAnswer {
                name: neutralise(name.as_bytes(), 255),
                rtype: neutralise(rtype.as_bytes(), 32),
                outcome: DnsOutcome::Unusable,
                status: DnssecStatus::Indeterminate,
                reason,
                canonical_name: None,
                records: Vec::new(),
            };
            return Lookup { answer, trust: Trust::Failed, until: Instant::now() + LONGEST };
        }
    };
    let mut walk = Walk::new(chain, name, rtype, deadline);
    let (outcome, status) = walk.run().await;
    walk.into_lookup(outcome, status)
}

fn question(name: &str, rtype: &str) -> Result<(DomainName, Rtype), String> {
    let shown = neutralise(name.as_bytes(), 80);
    let parsed = if name.is_empty() { None } else { DomainName::from_str(name).ok() };
    let parsed = parsed.ok_or_else(|| format!("\"{shown}\" is not a domain name"))?;
    let shown = neutralise(rtype.as_bytes(), 32);
    let rtype = Rtype::from_str(rtype).map_err(|_| format!("\"{shown}\" is not a DNS record type"))?;
    // OPT, and the types 128 to 255 for questions and transactions (RFC 6895 section 3.1).
    // RRSIG comes with the records that it covers and cannot be validated without them.
    if matches!(rtype.to_int(), 0 | 41 | 46 | 128..=255) {
        return Err(format!("{shown} is not a type of records that can be looked up"));
    }
    Ok((parsed, rtype))
}

/// Where a lookup stands.
struct Walk<'a> {
    chain: &'a Chain,
    asked: DomainName,
    rtype: Rtype,
    deadline: Instant,
    /// The names met so far; the last one is where the walk stands.
    path: Vec<DomainName>,
    records: Vec<DnsRecord>,
    /// The status of the aliases so far.
    status: Option<Status>,
    /// Until when the answers so far count.
    until: Instant,
}

/// What one step along the aliases came to.
enum Step {
    /// To another name.
    Moved,
    /// The records are there.
    Arrived,
    /// Nothing more in this answer.
    Stuck,
}

impl<'a> Walk<'a> {
    fn new(chain: &'a Chain, name: DomainName, rtype: Rtype, deadline: Instant) -> Self {
        let path = vec![name.clone()];
        let until = Instant::now() + LONGEST;
        Self { chain, asked: name, rtype, deadline, path, records: Vec::new(), status: None, until }
    }

    fn here(&self) -> DomainName {
        self.path.last().unwrap_or(&self.asked).clone()
    }

    fn into_lookup(self, outcome: DnsOutcome, status: Status) -> Lookup {
        let canonical_name = (self.path.len() > 1).then(|| name_text(&self.here()));
        let answered = matches!(outcome, DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain);
        let trust = match status.status {
            DnssecStatus::Bogus => Trust::Bogus,
            _ if !answered => Trust::Failed,
            DnssecStatus::Secure => Trust::Secure,
            DnssecStatus::Insecure => Trust::Insecure,
            DnssecStatus::Indeterminate if status.unsupported => Trust::Insecure,
            DnssecStatus::Indeterminate => Trust::Failed,
        };
        let soon = Instant::now() + FAILED;
        if trust == Trust::Bogus {
            self.path.iter().for_each(|name| self.chain.doubt(name, self.rtype, soon));
        }
        let until = match trust {
            Trust::Secure | Trust::Insecure => self.until,
            Trust::Bogus | Trust::Failed => self.until.min(soon),
        };
        let answer = DnsAnswer {
            name: name_text(&self.asked),
            rtype: type_text(self.rtype),
            outcome,
            status: status.status,
            reason: status.sentence(),
            canonical_name,
            records: self.records,
        };
        Lookup { answer, trust, until }
    }

    async fn run(&mut self) -> (DnsOutcome, Status) {
        // Each round asks for a name to which the last answer led without answering it.
        loop {
            let start = self.here();
            let fetched = match self.chain.fetcher.fetch(&start, self.rtype, self.deadline).await {
                Ok(fetched) => fetched,
                Err(FetchError::NoAnswer { text, others_answered: true }) => {
                    let text = format!(
                        "no answer to this question ({text}), although others were answered: \
                         the name servers of {} may be slow or down",
                        name_text(&start)
                    );
                    return (DnsOutcome::Timeout, Status::indeterminate(text));
                }
                Err(FetchError::NoAnswer { text, others_answered: false }) => {
                    let text = format!(
                        "no DNS server answers ({text}): the fault is with them or with our network, \
                         not with the domain"
                    );
                    return (DnsOutcome::Timeout, Status::indeterminate(text));
                }
                Err(FetchError::Malformed(text)) => {
                    return (DnsOutcome::Unusable, Status::indeterminate(text));
                }
            };
            self.until = self.until.min(fetched.until);
            if let Some(text) = rcode::failure(&fetched) {
                return self.refused(text).await;
            }
            let response = &fetched.response;
            loop {
                match self.step(response).await {
                    Err(reason) => return (DnsOutcome::Unusable, self.so_far(Status::indeterminate(reason))),
                    Ok(Step::Arrived) => {
                        let status = self.status.take();
                        let status = status.unwrap_or_else(|| Status::indeterminate("nothing was validated"));
                        return (DnsOutcome::Records, status);
                    }
                    Ok(Step::Moved) => {}
                    Ok(Step::Stuck) => break,
                }
            }
            let moved = self.here() != start;
            if !(moved && response.rcode == 0 && !speaks_of_absence(response)) {
                return self.absent(response, moved).await;
            }
        }
    }

    fn so_far(&mut self, status: Status) -> Status {
        match self.status.take() {
            Some(before) => before.and(status),
            None => status,
        }
    }

    /// Along one alias, or to the records.
    async fn step(&mut self, response: &Response) -> Result<Step, String> {
        let here = self.here();
        // The CNAME that comes with a DNAME is made by the server and never signed.
        if let Some((set, target)) = redirection(response, &here)? {
            self.take(set, response).await;
            self.records.push(record::synthesised_cname(&here, set.ttl, &target));
            if self.rtype == Rtype::CNAME {
                return Ok(Step::Arrived);
            }
            return self.go(target).map(|()| Step::Moved);
        }
        if let Some(set) = response.answer_set(&here, self.rtype) {
            self.take(set, response).await;
            self.records.extend(record::from_set(set));
            return Ok(Step::Arrived);
        }
        let Some(set) = response.answer_set(&here, Rtype::CNAME) else { return Ok(Step::Stuck) };
        self.take(set, response).await;
        self.records.extend(record::from_set(set));
        match set.data.as_slice() {
            [Data::Cname(cname)] => self.go(cname.cname().clone()).map(|()| Step::Moved),
            _ => Err(format!(
                "{} is an alias (CNAME) of several names at once, which RFC 2181 section 10.1 forbids",
                name_text(&here)
            )),
        }
    }

    async fn take(&mut self, set: &RecordSet, response: &Response) {
        let status = self.chain.record_set(set, response, self.deadline).await;
        self.status = Some(self.so_far(status));
    }

    fn go(&mut self, target: DomainName) -> Result<(), String> {
        if self.path.contains(&target) {
            let names: Vec<String> = self.path.iter().chain([&target]).map(name_text).collect();
            return Err(if self.path.last() == Some(&target) {
                format!("{} is an alias (CNAME) of itself", name_text(&target))
            } else {
                format!("the aliases (CNAME) form a loop: {}", names.join(" -> "))
            });
        }
        if self.path.len() > MAX_ALIASES {
            let asked = name_text(&self.asked);
            return Err(format!("{asked} leads through more than {MAX_ALIASES} aliases (CNAME)"));
        }
        self.path.push(target);
        Ok(())
    }

    /// The answer says that there is nothing.
    async fn absent(&mut self, response: &Response, moved: bool) -> (DnsOutcome, Status) {
        let here = self.here();
        let claim = if response.rcode == 3 { Absence::NoName } else { Absence::NoData };
        if let (false, Some(other)) = (moved, response.answer.iter().find(|set| set.owner != here)) {
            let text =
                format!("the answer is not about {} but about {}", name_text(&here), name_text(&other.owner));
            return (DnsOutcome::Unusable, self.so_far(Status::indeterminate(text)));
        }
        let (claim, status) = self.chain.absence(claim, &here, self.rtype, response, self.deadline).await;
        let outcome = match claim {
            Absence::NoName => DnsOutcome::NxDomain,
            Absence::NoData => DnsOutcome::NoData,
        };
        (outcome, self.so_far(status))
    }

    /// The server refused. Some do so for aliases that form a loop; that is told apart
    /// by asking for the aliases alone.
    async fn refused(&mut self, text: String) -> (DnsOutcome, Status) {
        let start = self.path.len();
        while self.rtype != Rtype::CNAME {
            let here = self.here();
            let fetched = self.chain.fetcher.fetch(&here, Rtype::CNAME, self.deadline).await;
            let Some(fetched) = fetched.ok().filter(|fetched| rcode::failure(fetched).is_none()) else {
                break;
            };
            let Some(set) = fetched.response.answer_set(&here, Rtype::CNAME) else { break };
            let [Data::Cname(cname)] = set.data.as_slice() else { break };
            if let Err(reason) = self.go(cname.cname().clone()) {
                return (DnsOutcome::Unusable, Status::indeterminate(reason));
            }
        }
        self.path.truncate(start);
        (DnsOutcome::ServerError, Status::indeterminate(text))
    }
}

/// The DNAME above a name and where it leads (RFC 6672 section 2.3).
fn redirection<'r>(
    response: &'r Response,
    name: &DomainName,
) -> Result<Option<(&'r RecordSet, DomainName)>, String> {
    let found = response.answer.iter().find_map(|set| match set.data.as_slice() {
        [Data::Dname(dname)] if set.owner != *name && name.ends_with(&set.owner) => {
            Some((set, dname.dname()))
        }
        _ => None,
    });
    let Some((set, target)) = found else { return Ok(None) };
    let prefix = name.as_slice().len().saturating_sub(set.owner.as_slice().len());
    let mut octets = name.as_slice().get(..prefix).unwrap_or_default().to_vec();
    octets.extend_from_slice(target.as_slice());
    let target = DomainName::from_octets(octets.into()).map_err(|_| {
        format!("the DNAME at {} leads {} to a name that is too long", name_text(&set.owner), name_text(name))
    })?;
    Ok(Some((set, target.to_bytes())))
}

/// True if the authority section speaks of a name without records, rather than being
/// empty or a referral.
fn speaks_of_absence(response: &Response) -> bool {
    response.authority.iter().any(|set| matches!(set.rtype, Rtype::SOA | Rtype::NSEC | Rtype::NSEC3))
}
