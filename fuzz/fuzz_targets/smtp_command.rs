//! Command lines from a stream that the network cuts anywhere, and the commands in them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_wire::{
    smtp::{Command, ForwardPath, LineReader, LineStep, MAX_LINE, address, command},
    text::is_harmful,
};

/// All steps up to a bare line feed.
fn steps<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Vec<(LineStep, Vec<u8>)> {
    let (mut reader, mut line) = (LineReader::default(), Vec::new());
    let (mut buffer, mut found) = (Vec::new(), Vec::new());
    for part in parts {
        buffer.extend_from_slice(part);
        loop {
            let (consumed, step) = reader.next(&buffer, &mut line);
            buffer.drain(..consumed);
            match step {
                LineStep::More => break,
                LineStep::BareLf => {
                    found.push((step, Vec::new()));
                    return found;
                }
                LineStep::Line => found.push((step, line.clone())),
                LineStep::TooLong => found.push((step, Vec::new())),
            }
        }
        assert!(buffer.len() < MAX_LINE);
    }
    found
}

fuzz_target!(|input: (u8, &[u8])| {
    let (piece, bytes) = input;
    let whole = steps(std::iter::once(bytes));
    // How the network cuts the bytes is no part of the answer.
    assert_eq!(whole, steps(bytes.chunks(usize::from(piece).max(1))));
    for (_, line) in whole {
        match command(&line) {
            Ok(Command::Rcpt { recipient: ForwardPath::Mailbox(mailbox), .. })
            | Ok(Command::Mail { sender: Some(mailbox), .. }) => {
                assert!(!mailbox.address.contains(is_harmful));
                assert_eq!(address(mailbox.address), Ok(mailbox));
            }
            Ok(_) => {}
            Err(error) => assert!(!error.to_string().contains(is_harmful)),
        }
    }
});
