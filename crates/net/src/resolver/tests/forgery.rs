//! What someone on the path can do to an answer, chosen by a seed.

use domain::base::Record;
use domain::base::iana::Rtype;
use domain::base::rdata::RecordData;

use super::server::Answer;
use super::tree::{TestZone, ZoneRecord};
use crate::resolver::message::DomainName;

/// Forges the answer at one place of those that follow.
pub(super) struct Attack {
    wait: u64,
    dice: Option<Dice>,
}

impl Attack {
    /// The seed decides which answer is forged, and how.
    pub(super) fn new(seed: u64) -> Self {
        Self { wait: seed % 6, dice: Some(Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)) }
    }

    /// The dice, if the answer that is about to go out is the one.
    pub(super) fn is_due(&mut self) -> Option<Dice> {
        if self.wait == 0 {
            return self.dice.take();
        }
        self.wait -= 1;
        None
    }
}

/// Pseudo-random numbers, the same for the same seed (xorshift).
pub(super) struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides.max(1)).unwrap()).unwrap()
    }
}

/// Changes records; in one case of eight none, and [`flip`] has its turn.
pub(super) fn spoil(answer: &mut Answer, zones: &[TestZone], asked: &DomainName, dice: &mut Dice) {
    match dice.throw(8) {
        0 => remove(&mut answer.answer, dice),
        1 => remove(&mut answer.authority, dice),
        2 => {
            let zone = &zones[dice.throw(zones.len())];
            *answer = Answer::default();
            answer.nxdomain = dice.throw(2) == 0;
            answer.deny(zone);
        }
        3 => {
            // The records of another name under the one asked for.
            let zone = &zones[dice.throw(zones.len())];
            let model = &zone.records[dice.throw(zone.records.len())];
            let others = zone.records.iter().filter(|record| record.owner() == model.owner());
            answer.answer = others
                .map(|record| Record::new(asked.clone(), record.class(), record.ttl(), record.data().clone()))
                .collect();
        }
        4 => answer.nxdomain = !answer.nxdomain,
        5 => {
            answer.answer.retain(|record| record.data().rtype() != Rtype::RRSIG);
            answer.authority.retain(|record| record.data().rtype() != Rtype::RRSIG);
        }
        6 => {
            *answer = Answer::default();
            answer.nxdomain = dice.throw(2) == 0;
        }
        _ => {}
    }
}

fn remove(records: &mut Vec<ZoneRecord>, dice: &mut Dice) {
    if !records.is_empty() {
        records.remove(dice.throw(records.len()));
    }
}

/// Flips a bit behind the question, in every second message.
pub(super) fn flip(octets: &mut [u8], from: usize, dice: &mut Dice) {
    if octets.len() > from && dice.throw(2) == 0 {
        let at = from + dice.throw(octets.len() - from);
        octets[at] ^= 1 << dice.throw(8);
    }
}
