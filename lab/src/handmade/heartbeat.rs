//! Heartbeats (RFC 6520), and what CVE-2014-0160 made of them.

use super::{
    Failure,
    behaviour::Heartbeat,
    record::{HEARTBEAT, Records},
};

const REQUEST: u8 = 1;
const RESPONSE: u8 = 2;
/// Least padding (section 4).
const PADDING: usize = 16;
/// What the lab's memory looks like.
const MEMORY: &[u8] = b"memory of the lab's server, in which there is nothing secret; ";

/// Answers a heartbeat as the server does.
pub(super) async fn answer(records: &mut Records, kind: Heartbeat, body: &[u8]) -> Result<(), Failure> {
    if kind == Heartbeat::Absent {
        return Err(Failure::Message);
    }
    match response(kind == Heartbeat::Leaks, body) {
        Some(response) => records.write(HEARTBEAT, &response).await,
        None => Ok(()),
    }
}

/// The answer to a heartbeat; none to what is dropped.
fn response(leaks: bool, body: &[u8]) -> Option<Vec<u8>> {
    let (&[kind, high, low], rest) = body.split_first_chunk()?;
    let claimed = usize::from(u16::from_be_bytes([high, low]));
    let sound = rest.len() >= claimed + PADDING;
    if kind != REQUEST || !(sound || leaks) {
        return None;
    }
    let memory = MEMORY.iter().copied().cycle();
    let payload = rest.iter().copied().chain(memory).take(claimed);
    let mut response = vec![RESPONSE, high, low];
    response.extend(payload);
    response.extend([0; PADDING]);
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sound_heartbeat_is_answered_and_one_that_claims_more_only_where_it_leaks() {
        let sound = [&[1, 0, 2, 7, 8][..], &[0; 16]].concat();
        for leaks in [true, false] {
            assert_eq!(response(leaks, &sound).unwrap(), [&[2, 0, 2, 7, 8][..], &[0; 16]].concat());
            assert_eq!(response(leaks, &[2, 0, 0]), None);
            assert_eq!(response(leaks, &[1, 0]), None);
        }
        assert_eq!(response(false, &[1, 0x40, 0]), None);
        assert_eq!(response(true, &[1, 0x40, 0]).unwrap().len(), 3 + 0x4000 + 16);
    }
}
