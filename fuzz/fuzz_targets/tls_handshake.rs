//! A handshake of the private client with a server that sends anything: the flight, what
//! follows it, and the heartbeats, attacks and replies on the way.
#![no_main]

use libfuzzer_sys::fuzz_target;
use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    flight::{Answer, FlightReader, Limits},
    hello::HelloSpec,
    private::{
        Client, Entropy, GROUPS, RecordReader, Reply, Resumption, Step, heartbeat,
        robot::{Block, Flow, attack},
    },
    scheme, suites,
};

fn client(version: TlsVersion, resuming: bool) -> Client {
    let spec = HelloSpec {
        max_version: version,
        suites: suites::for_version(version),
        groups: GROUPS.to_vec(),
        signature_schemes: scheme::usual(),
        ..HelloSpec::default()
    };
    if resuming {
        let resumption =
            Resumption { master_secret: vec![1; 48], session_id: vec![2; 31], ticket: Some(vec![3; 64]) };
        return Client::resuming(spec, resumption, [5; 32]);
    }
    Client::new(spec, [5; 32])
}

fuzz_target!(|input: (bool, bool, &[u8], &[u8])| {
    let (new, resuming, flight, rest) = input;
    let version = if new { TlsVersion::Tls13 } else { TlsVersion::Tls12 };
    let mut reader = FlightReader::new(Limits::default());
    reader.push(flight);
    let parts = reader.into_parts();
    if let Answer::Hello(flight) = &parts.answer {
        for flow in [Flow::WithFinished, Flow::KeyExchangeAlone] {
            let _ = attack(flight, version, Block::NoZero, flow, &mut Entropy::new([6; 32]));
        }
    }
    let mut records = RecordReader::default();
    records.push(rest);
    let _ = Reply::read(&mut records);
    let _ = heartbeat::read(rest);
    let Ok(Step::Handshake(mut handshake)) = client(version, resuming).answer(parts) else { return };
    let done = handshake.push(rest);
    let _ = handshake.output();
    if done == Ok(true)
        && let Ok(mut session) = handshake.into_session()
    {
        while let Ok(Some(_)) = session.next_message() {}
    }
});
