//! Messages and outcomes to try with.

use bytes::Bytes;
use waxseal_store::spool::{
    Arrival, Attempt, BodyKind, Envelope, Fate, MessageId, Met, NewMessage, NewRecipient, Notify, Ret,
    Settlement, Spool, SpoolError, State, StoredMessage,
};

/// A message to these addresses.
pub(crate) fn message(addresses: &[&str]) -> NewMessage {
    let recipient = |address: &&str| NewRecipient {
        address: (*address).to_owned(),
        domain: address.rsplit_once('@').unwrap().1.to_owned(),
        ..NewRecipient::default()
    };
    NewMessage {
        envelope: Envelope { sender: "sender@sender.example".to_owned(), ..Envelope::default() },
        recipients: addresses.iter().map(recipient).collect(),
        body: vec![
            Bytes::from_static(b"Received: by relay.example\r\n"),
            Bytes::from_static(b"\r\nHello\r\n"),
        ],
        received_at: 1000,
        expires_at: 2000,
    }
}

/// A message in which nothing is left at its default.
pub(crate) fn rich() -> NewMessage {
    let mut message = message(&["bob@recipient.example", "b\u{f6}b@xn--bcher-kva.example"]);
    message.envelope = Envelope {
        sender: String::new(),
        envid: Some("a+2Bb".to_owned()),
        ret: Some(Ret::Hdrs),
        body: BodyKind::EightBitMime,
        smtputf8: true,
        require_tls: true,
        tls_required_no: true,
        arrival: Arrival {
            client: Some("2001:db8::1".parse().unwrap()),
            helo: "client.example".to_owned(),
            user: Some("user".to_owned()),
            protocol: "UTF8SMTPSA".to_owned(),
            trace: "1a2b3c".to_owned(),
        },
    };
    message.recipients[0].notify = Some(Notify { success: true, failure: false, delay: true });
    message.recipients[1].notify = Some(Notify { success: false, failure: false, delay: false });
    message.recipients[1].orcpt = Some("rfc822;bob@example.com".to_owned());
    message
}

/// The bytes of a message.
pub(crate) fn bytes(message: &NewMessage) -> Vec<u8> {
    message.body.concat()
}

/// An attempt at this time for this reason.
pub(crate) fn attempt(at: i64, reason: Option<&str>) -> Attempt {
    Attempt {
        at,
        reason: reason.map(str::to_owned),
        reply: "451 4.7.6 STARTTLS required but not advertised".to_owned(),
        ours: true,
        host: Some("mx1.recipient.example".to_owned()),
        address: Some("192.0.2.1".parse().unwrap()),
        site: "mx1.recipient.example,mx2.recipient.example".to_owned(),
        channel: "clear".to_owned(),
        policy: "require (your rule \"recipient.example\")".to_owned(),
        maybe_delivered: true,
        transcript: vec!["< 220 mx1".to_owned(), "> EHLO \"relay\"".to_owned()],
        met: Some(Box::new(Met { reason: None, reply: "451 4.4.1 no answer".to_owned(), ours: true })),
    }
}

pub(crate) fn settlement(message: MessageId, at: i64, fates: Vec<(u32, Fate)>) -> Settlement {
    let fates = fates.into_iter().map(|(number, fate)| (number, fate, attempt(at, None))).collect();
    Settlement { message, at, fates, notices: Vec::new() }
}

pub(crate) fn delivered() -> Fate {
    Fate::Final(State::Delivered)
}

/// Settles one recipient.
pub(crate) async fn settle(spool: &dyn Spool, message: MessageId, number: u32, at: i64, state: State) {
    let ids = spool.settle(settlement(message, at, vec![(number, Fate::Final(state))])).await.unwrap();
    assert_eq!(ids, []);
}

pub(crate) async fn stored(spool: &dyn Spool, id: MessageId) -> StoredMessage {
    spool.message(id).await.unwrap().unwrap_or_else(|| panic!("message {id} is gone"))
}

/// The states of a message's recipients.
pub(crate) async fn states(spool: &dyn Spool, id: MessageId) -> Vec<State> {
    stored(spool, id).await.recipients.iter().map(|recipient| recipient.state).collect()
}

/// That a message's body is not there.
pub(crate) async fn no_body(spool: &dyn Spool, id: MessageId) {
    assert_eq!(spool.body(id).await, Err(SpoolError::BodyMissing { id }));
}
