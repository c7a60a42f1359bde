//! A stand-in for a recursive server on loopback, UDP and TCP, that can be told to
//! misbehave for single questions.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::base::iana::{ExtendedErrorCode, OptRcode, Rcode, Rtype};
use domain::base::name::ToName;
use domain::base::opt::ExtendedError;
use domain::base::rdata::RecordData;
use domain::base::{Message, MessageBuilder, Record};
use domain::rdata::{Txt, ZoneRecordData};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::forgery::{self, Attack};
use super::tree::{TestZone, ZoneRecord, belongs_to, name};
use crate::resolver::message::DomainName;
use crate::resolver::rrset::ancestor;

/// What goes wrong with the answer to one question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Silent,
    Garbage,
    /// Half of the real answer.
    Cut,
    WrongId,
    /// The records of another name.
    OtherName,
    /// SERVFAIL with an extended error.
    Failed(u16),
    /// No signatures at all.
    Stripped,
    /// No NSEC or NSEC3 records.
    NoDenial,
    /// NOERROR and NXDOMAIN exchanged.
    OtherCode,
    /// The answer claims that the name does not exist, with the zone's denial records.
    Denied,
    /// The CNAME of the zone's wildcard, with its signature, under the name asked for.
    Wildcard,
    /// The same with the denial records of the zone.
    ProvenWildcard,
    /// One more record than was signed.
    Added,
    /// Too large for UDP, and nobody answers over TCP.
    TcpSilent,
}

#[derive(Default)]
struct Stage {
    zones: Vec<TestZone>,
    faults: HashMap<(DomainName, Rtype), Fault>,
    asked: Mutex<Vec<(DomainName, Rtype)>>,
    attack: Mutex<Option<Attack>>,
}

/// The server; it ends with the test's runtime.
#[derive(Clone)]
pub(super) struct TestServer {
    pub(super) address: SocketAddr,
    stage: Arc<Stage>,
}

impl TestServer {
    pub(super) async fn start(zones: Vec<TestZone>, faults: &[(&str, Rtype, Fault)]) -> Self {
        let faults = faults.iter().map(|(owner, rtype, fault)| ((name(owner), *rtype), *fault)).collect();
        let stage = Arc::new(Stage { zones, faults, ..Stage::default() });
        let (udp, tcp) = loop {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let address = tcp.local_addr().unwrap();
            if let Ok(udp) = UdpSocket::bind(address).await {
                break (udp, tcp);
            }
        };
        let address = tcp.local_addr().unwrap();
        tokio::spawn(serve_udp(udp, Arc::clone(&stage)));
        tokio::spawn(serve_tcp(tcp, Arc::clone(&stage)));
        Self { address, stage }
    }

    /// Forges one of the next answers.
    pub(super) fn attack(&self, attack: Attack) {
        *self.stage.attack.lock().unwrap() = Some(attack);
    }

    /// The questions so far, as `NAME TYPE`.
    pub(super) fn asked(&self) -> Vec<String> {
        self.stage.asked.lock().unwrap().iter().map(|(name, rtype)| format!("{name} {rtype}")).collect()
    }
}

async fn serve_udp(socket: UdpSocket, stage: Arc<Stage>) {
    let mut buffer = vec![0; 4096];
    loop {
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        if let Some(answer) = stage.respond(&buffer[..length], 1232) {
            socket.send_to(&answer, peer).await.unwrap();
        }
    }
}

async fn serve_tcp(listener: TcpListener, stage: Arc<Stage>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut query = vec![0; usize::from(length)];
        stream.read_exact(&mut query).await.unwrap();
        if let Some(answer) = stage.respond(&query, usize::from(u16::MAX)) {
            stream.write_u16(u16::try_from(answer.len()).unwrap()).await.unwrap();
            stream.write_all(&answer).await.unwrap();
        }
    }
}

impl Stage {
    fn respond(&self, query: &[u8], limit: usize) -> Option<Vec<u8>> {
        let message = Message::from_slice(query).unwrap();
        assert!(message.header().cd() && message.header().rd(), "a question without CD or RD");
        assert!(message.opt().unwrap().dnssec_ok(), "a question without DO");
        let question = message.sole_question().unwrap();
        let (owner, rtype) = (question.qname().to_bytes(), question.qtype());
        self.asked.lock().unwrap().push((owner.clone(), rtype));
        let fault = self.faults.get(&(owner.clone(), rtype)).copied();
        let mut answer = match fault {
            Some(Fault::Silent) => return None,
            Some(Fault::Garbage) => return Some(vec![0xff; 40]),
            Some(Fault::TcpSilent) if limit > 1232 => return None,
            Some(Fault::OtherName) => Answer::other_name(),
            _ => self.answer(owner, rtype),
        };
        if let Some(fault) = fault {
            answer.spoil(fault, self, &question.qname().to_bytes());
        }
        let forge = {
            let mut attack = self.attack.lock().unwrap();
            attack.as_mut().and_then(Attack::is_due)
        };
        if let Some(mut dice) = forge {
            let asked = question.qname().to_bytes();
            forgery::spoil(&mut answer, &self.zones, &asked, &mut dice);
            let mut octets = answer.message(message, fault);
            forgery::flip(&mut octets, 16 + asked.as_slice().len(), &mut dice);
            return Some(octets);
        }
        let mut octets = answer.message(message, fault);
        if octets.len() > limit || (fault == Some(Fault::TcpSilent)) {
            octets = Answer::default().message(message, fault);
            octets[2] |= 0x02;
        }
        match fault {
            Some(Fault::WrongId) => octets[0] ^= 0xff,
            Some(Fault::Cut) => octets.truncate(octets.len() / 2),
            _ => {}
        }
        Some(octets)
    }

    fn zone_for(&self, owner: &DomainName, rtype: Rtype) -> &TestZone {
        let home = match owner.parent() {
            Some(parent) if rtype == Rtype::DS => parent.to_bytes(),
            _ => owner.clone(),
        };
        let zones = self.zones.iter().filter(|zone| home.ends_with(&zone.apex));
        zones.max_by_key(|zone| zone.apex.label_count()).unwrap()
    }

    /// What a recursive server would say.
    fn answer(&self, mut owner: DomainName, rtype: Rtype) -> Answer {
        let mut answer = Answer::default();
        for _ in 0..12 {
            let zone = self.zone_for(&owner, rtype);
            let found = at(zone, &owner, rtype);
            if !found.is_empty() {
                answer.answer.extend(found);
                return answer;
            }
            let alias = at(zone, &owner, Rtype::CNAME);
            if let Some(target) = alias.iter().find_map(|record| match record.data() {
                ZoneRecordData::Cname(cname) => Some(cname.cname().clone()),
                _ => None,
            }) {
                answer.answer.extend(alias);
                owner = target;
                continue;
            }
            answer.deny(zone);
            let exists =
                |owner: &DomainName| zone.records.iter().any(|record| record.owner().ends_with(owner));
            if exists(&owner) {
                return answer;
            }
            let closest = (1..).map(|n| ancestor(&owner, owner.label_count() - 1 - n)).find(exists).unwrap();
            let wildcard = name(&format!("*.{closest}."));
            let made = at(zone, &wildcard, rtype);
            if made.is_empty() {
                answer.nxdomain = true;
            }
            answer.answer.extend(made.into_iter().map(|record| {
                Record::new(owner.clone(), record.class(), record.ttl(), record.data().clone())
            }));
            return answer;
        }
        answer
    }
}

fn at(zone: &TestZone, owner: &DomainName, rtype: Rtype) -> Vec<ZoneRecord> {
    zone.records
        .iter()
        .filter(|record| record.owner() == owner && belongs_to(record) == rtype)
        .cloned()
        .collect()
}

#[derive(Default)]
pub(super) struct Answer {
    pub(super) answer: Vec<ZoneRecord>,
    pub(super) authority: Vec<ZoneRecord>,
    pub(super) nxdomain: bool,
}

impl Answer {
    fn other_name() -> Self {
        let txt = Txt::<Bytes>::build_from_slice(b"elsewhere").unwrap();
        let class = domain::base::iana::Class::IN;
        let record =
            Record::new(name("elsewhere.test."), class, domain::base::Ttl::from_secs(60), txt.into());
        Self { answer: vec![record], ..Self::default() }
    }

    /// All denial records of the zone: the resolver has to find those that matter.
    pub(super) fn deny(&mut self, zone: &TestZone) {
        let denial = zone
            .records
            .iter()
            .filter(|record| matches!(belongs_to(record), Rtype::SOA | Rtype::NSEC | Rtype::NSEC3));
        self.authority.extend(denial.cloned());
    }

    fn spoil(&mut self, fault: Fault, stage: &Stage, owner: &DomainName) {
        match fault {
            Fault::Stripped => {
                self.answer.retain(|record| record.data().rtype() != Rtype::RRSIG);
                self.authority.retain(|record| record.data().rtype() != Rtype::RRSIG);
            }
            Fault::NoDenial => {
                self.authority.retain(|record| !matches!(belongs_to(record), Rtype::NSEC | Rtype::NSEC3));
            }
            Fault::OtherCode => self.nxdomain = !self.nxdomain,
            Fault::Denied => {
                self.answer.clear();
                self.nxdomain = true;
                self.deny(stage.zone_for(owner, Rtype::A));
            }
            Fault::Added => {
                let mut more = self.answer[0].clone();
                *more.data_mut() = domain::rdata::A::from_octets(203, 0, 113, 66).into();
                self.answer.push(more);
            }
            Fault::Wildcard | Fault::ProvenWildcard => {
                let zone = stage.zone_for(owner, Rtype::DS);
                *self = Self::default();
                let made = at(zone, &name(&format!("*.{}.", zone.apex)), Rtype::CNAME);
                self.answer.extend(made.into_iter().map(|record| {
                    Record::new(owner.clone(), record.class(), record.ttl(), record.data().clone())
                }));
                if fault == Fault::ProvenWildcard {
                    self.deny(zone);
                }
            }
            Fault::Failed(_) => {
                self.answer.clear();
                self.authority.clear();
            }
            _ => {}
        }
    }

    fn message(&self, query: &Message<[u8]>, fault: Option<Fault>) -> Vec<u8> {
        let failed = match fault {
            Some(Fault::Failed(code)) => Some(code),
            _ => None,
        };
        let rcode = match (failed, self.nxdomain) {
            (Some(_), _) => Rcode::SERVFAIL,
            (None, true) => Rcode::NXDOMAIN,
            (None, false) => Rcode::NOERROR,
        };
        let mut answer = MessageBuilder::new_vec().start_answer(query, rcode).unwrap();
        for record in &self.answer {
            answer.push(record).unwrap();
        }
        let mut authority = answer.authority();
        for record in &self.authority {
            authority.push(record).unwrap();
        }
        let mut additional = authority.additional();
        additional
            .opt(|opt| {
                opt.set_rcode(OptRcode::from_rcode(rcode));
                if let Some(code) = failed {
                    let code = ExtendedErrorCode::from_int(code);
                    opt.push(&ExtendedError::<Vec<u8>>::new_with_str(code, "see\u{1b}[31m above").unwrap())?;
                }
                Ok(())
            })
            .unwrap();
        additional.finish()
    }
}
