//! SMTP replies from a stream that the network cuts anywhere, and what is read from them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_model::smtp::Reply;
use waxseal_wire::smtp::{ReplyReader, ehlo, software, starttls_offer};

/// All replies that can be had, and whether the reader gave up.
fn replies(parts: impl Iterator<Item = impl AsRef<[u8]>>) -> (Vec<Reply>, bool) {
    let mut reader = ReplyReader::default();
    let mut found = Vec::new();
    for part in parts {
        reader.push(part.as_ref());
        loop {
            match reader.next() {
                Ok(Some(reply)) => found.push(reply),
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
    }
    (found, false)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = replies(std::iter::once(bytes));
    let pieces = replies(bytes.chunks(usize::from(piece).max(1)));
    // How the network cuts the bytes is no part of the answer.
    assert_eq!(whole, pieces);
    for reply in whole.0 {
        let _ = software(&reply.lines);
        let facts = ehlo(reply, false);
        let _ = starttls_offer(&facts);
    }
});
