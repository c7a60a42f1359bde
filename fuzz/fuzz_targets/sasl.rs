//! Logins: what a client answers, and the file of passwords. Nobody gets in without the
//! password.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_wire::sasl::{Channel, Cost, Exchange, Mechanism, Passwords, Salts, Step, password_line};

static PASSWORDS: LazyLock<Passwords> = LazyLock::new(|| {
    let salts = Salts { hash: [1; 16], scram: Some([2; 16]) };
    let line = password_line("bob", b"a password that is not found by chance", Cost::least(), 4096, &salts);
    Passwords::parse(&line.unwrap_or_default(), [0; 32]).unwrap()
});

fuzz_target!(|input: (u8, bool, Vec<&[u8]>)| {
    let (which, bound, responses) = input;
    let mechanism = Mechanism::ALL[usize::from(which) % 4];
    let channel = Channel { nonce: "3rfcNHYJY1ZVvWVs7j".into(), binding: bound.then_some([7; 32]) };
    let mut login = Exchange::new(mechanism, channel);
    for response in &responses {
        match login.step(Some(response), &PASSWORDS) {
            Step::Challenge(_) => {}
            Step::Check { user, password } => {
                assert!(!PASSWORDS.candidate(&user).matches(&password));
            }
            Step::Done { user } => panic!("{user} logged in by {responses:?}"),
            Step::Failed(_) => break,
        }
        if let Ok(text) = std::str::from_utf8(response) {
            let _ = Passwords::parse(text, [0; 32]);
        }
    }
});
