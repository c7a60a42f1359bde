//! SSLv2, as far as the server's hello, which is all that DROWN's finders look at (the
//! protocol was never an RFC; the layout is that of draft-hickman-netscape-ssl-00).

use super::{Failure, Server, record::Records};

const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 4;
const VERSION: [u8; 2] = [0, 2];
const X509: u8 = 1;
/// Two bytes of length with the first bit set, type, version.
const HEAD: usize = 5;
const CONNECTION_ID: [u8; 16] = [0x77; 16];
/// Kinds have three bytes.
const KIND: usize = 3;

/// Answers if the first bytes are a hello of SSLv2. False if they are something else.
pub(super) async fn answer(records: &mut Records, server: &Server) -> Result<bool, Failure> {
    let Some(&[high, low, kind, major, minor]) = records.first(HEAD).await?.and_then(<[u8]>::first_chunk)
    else {
        return Err(Failure::Closed);
    };
    if high & 0x80 == 0 || kind != CLIENT_HELLO {
        return Ok(false);
    }
    let (Some(kinds), VERSION) = (server.behaviour.ssl2, [major, minor]) else { return Err(Failure::Silent) };
    let length = usize::from(u16::from_be_bytes([high & 0x7f, low]));
    let hello = records.first(2 + length).await?.ok_or(Failure::Closed)?.to_vec();
    let offered = offered(&hello).ok_or(Failure::Silent)?;
    let common: Vec<u8> = kinds
        .iter()
        .filter(|k| offered.contains(k))
        .flat_map(|k| k.to_be_bytes().into_iter().skip(1))
        .collect();
    let reply = server_hello(server.chain.first().map_or(&[][..], |c| c), &common);
    records.raw(&reply).await?;
    // Nobody needs more; the client closes.
    records.first(2 + length + 1).await?;
    Err(Failure::Silent)
}

/// The kinds of cipher in a hello.
fn offered(hello: &[u8]) -> Option<Vec<u32>> {
    let length = usize::from(u16::from_be_bytes(*hello.get(HEAD..)?.first_chunk()?));
    let specs = hello.get(HEAD + 6..)?.get(..length)?;
    Some(specs.chunks_exact(KIND).filter_map(|c| Some(*c.first_chunk::<KIND>()?)).map(code).collect())
}

fn code([a, b, c]: [u8; KIND]) -> u32 {
    u32::from_be_bytes([0, a, b, c])
}

fn server_hello(certificate: &[u8], kinds: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes();
    let lengths = [length(certificate), length(kinds), length(&CONNECTION_ID)].concat();
    let body =
        [&[SERVER_HELLO, 0, X509][..], &VERSION, &lengths, certificate, kinds, &CONNECTION_ID].concat();
    let [high, low] = length(&body);
    [&[high | 0x80, low], &body[..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read_from_a_hello_of_any_length() {
        let body = [&[1, 0, 2, 0, 6, 0, 0, 0, 16, 1, 0, 0x80, 7, 0, 0xc0][..], &[9; 16]].concat();
        let hello = [&[0x80, 31][..], &body].concat();
        assert_eq!(offered(&hello), Some(vec![0x010080, 0x0700c0]));
        for end in 0..17 {
            assert_eq!(offered(&hello[..end]), None, "{end}");
        }
    }

    #[test]
    fn the_answer_says_how_long_its_parts_are() {
        let hello = server_hello(&[5; 700], &[1, 0, 0x80]);
        assert_eq!(hello[..13], [0x82, 0xda, 4, 0, 1, 0, 2, 0x02, 0xbc, 0, 3, 0, 16]);
        assert_eq!(hello.len(), 2 + 0x2da);
    }
}
