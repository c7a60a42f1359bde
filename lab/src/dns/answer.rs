//! One query, one answer, as a validating-capable recursive resolver would give it:
//! aliases followed through all zones, signatures and proofs added when asked for (DO).

use domain::{
    base::{
        Message, MessageBuilder,
        iana::{Opcode, Rcode, Rtype},
        message_builder::PushError,
        name::ToName,
    },
    dep::octseq::Octets,
};

use super::{
    sign::{LabName, LabRecord},
    spec::Trouble,
    tree::Tree,
    zone::{Lookup, RecordSet},
};

/// Longest chain of aliases followed; a loop ends here at the latest.
const MAX_ALIASES: usize = 8;
/// What we say we can take over UDP, and the most we send (RFC 9715 asks for little, but
/// on loopback nothing is fragmented).
const MAX_UDP: u16 = 4096;
/// The most over UDP to a client without EDNS (RFC 1035 section 4.2.1).
const PLAIN_UDP: u16 = 512;

/// How the query came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Udp,
    Tcp,
}

/// The answer to a query in wire form; none where the server stays silent or the bytes
/// are no query.
pub(crate) fn answer(tree: &Tree, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let query = Message::from_octets(query).ok()?;
    if query.header().qr() {
        return None;
    }
    let edns = query.opt();
    let reply = Reply::to(tree, &query, edns.as_ref().is_some_and(|o| o.dnssec_ok()))?;
    let limit = match (transport, &edns) {
        (Transport::Tcp, _) => usize::from(u16::MAX),
        (Transport::Udp, None) => PLAIN_UDP.into(),
        (Transport::Udp, Some(opt)) => opt.udp_payload_size().clamp(PLAIN_UDP, MAX_UDP).into(),
    };
    let full = reply.compose(&query, edns.is_some()).ok()?;
    if full.len() <= limit {
        return Some(full);
    }
    Reply { truncated: true, answers: Vec::new(), authority: Vec::new(), ..reply }
        .compose(&query, edns.is_some())
        .ok()
}

/// An answer before it is put into bytes.
struct Reply {
    rcode: Rcode,
    truncated: bool,
    answers: Vec<LabRecord>,
    authority: Vec<LabRecord>,
    dnssec: bool,
}

impl Reply {
    fn to<O: Octets>(tree: &Tree, query: &Message<O>, dnssec: bool) -> Option<Self> {
        let mut reply = Self {
            rcode: Rcode::NOERROR,
            truncated: false,
            answers: Vec::new(),
            authority: Vec::new(),
            dnssec,
        };
        let Ok(question) = query.sole_question() else {
            reply.rcode = Rcode::FORMERR;
            return Some(reply);
        };
        if query.header().opcode() != Opcode::QUERY {
            reply.rcode = Rcode::NOTIMP;
            return Some(reply);
        }
        let mut name: LabName = question.qname().to_bytes();
        let mut seen: Vec<LabName> = Vec::new();
        while seen.len() < MAX_ALIASES && !seen.contains(&name) {
            let zone = tree.zone_for(&name, question.qtype())?;
            match zone.fault.and_then(|f| f.for_question(&name, question.qtype())) {
                Some(Trouble::Silence) => return None,
                Some(Trouble::ServFail) => {
                    reply.rcode = Rcode::SERVFAIL;
                    reply.answers.clear();
                    return Some(reply);
                }
                None => {}
            }
            let proof = match zone.lookup(&name, question.qtype()) {
                Lookup::Found(set) => {
                    reply.answer(set);
                    return Some(reply);
                }
                Lookup::Alias(set, target) => {
                    reply.answer(set);
                    seen.push(name);
                    name = target;
                    continue;
                }
                Lookup::NoData(proof) => proof,
                Lookup::NxDomain(proof) => {
                    reply.rcode = Rcode::NXDOMAIN;
                    proof
                }
            };
            reply.deny(zone.soa(), proof);
            return Some(reply);
        }
        // A loop of aliases: the chain so far is the answer, as BIND gives it.
        Some(reply)
    }

    fn answer(&mut self, set: &RecordSet) {
        self.answers.extend(set.records.iter().cloned());
        if self.dnssec {
            self.answers.extend(set.signatures.iter().cloned());
        }
    }

    fn deny(&mut self, soa: Option<&RecordSet>, proof: Vec<&RecordSet>) {
        let proof = if self.dnssec { proof } else { Vec::new() };
        for set in soa.into_iter().chain(proof) {
            self.authority.extend(set.records.iter().cloned());
            if self.dnssec {
                self.authority.extend(set.signatures.iter().cloned());
            }
        }
    }

    fn compose<O: Octets>(&self, query: &Message<O>, edns: bool) -> Result<Vec<u8>, PushError> {
        let mut builder = MessageBuilder::new_vec();
        let header = builder.header_mut();
        header.set_id(query.header().id());
        header.set_qr(true);
        header.set_opcode(query.header().opcode());
        header.set_rd(query.header().rd());
        header.set_ra(true);
        header.set_cd(query.header().cd());
        header.set_tc(self.truncated);
        header.set_rcode(self.rcode);
        let mut question = builder.question();
        if let Ok(asked) = query.sole_question() {
            question.push(asked)?;
        }
        let mut answer = question.answer();
        for record in &self.answers {
            answer.push(record)?;
        }
        let mut authority = answer.authority();
        for record in &self.authority {
            authority.push(record)?;
        }
        let mut additional = authority.additional();
        if edns {
            additional.opt(|opt| {
                opt.set_udp_payload_size(MAX_UDP);
                opt.set_dnssec_ok(self.dnssec);
                Ok(())
            })?;
        }
        Ok(additional.finish())
    }
}

/// The type asked for, for the lab's log.
pub(crate) fn describe(query: &[u8]) -> Option<(String, Rtype)> {
    let query = Message::from_octets(query).ok()?;
    let question = query.sole_question().ok()?;
    Some((question.qname().to_string(), question.qtype()))
}
