//! Promises about taking messages.

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use waxseal_store::spool::{MessageId, NewMessage, Recipient, SpoolError, State, StoredMessage};

use crate::{
    backend::{Backend, Place},
    sample::{bytes, delivered, message, no_body, rich, settle, settlement, states, stored},
};

/// What must be stored for a message.
pub(crate) fn expected(id: MessageId, message: &NewMessage) -> StoredMessage {
    let recipient = |(number, recipient): (usize, &waxseal_store::spool::NewRecipient)| Recipient {
        number: u32::try_from(number).unwrap(),
        address: recipient.address.clone(),
        domain: recipient.domain.clone(),
        notify: recipient.notify,
        orcpt: recipient.orcpt.clone(),
        state: State::Queued,
        next_at: message.received_at,
        attempts: 0,
        delays_told: 0,
        final_at: None,
        last: None,
    };
    StoredMessage {
        id,
        envelope: message.envelope.clone(),
        recipients: message.recipients.iter().enumerate().map(recipient).collect(),
        size: bytes(message).len() as u64,
        received_at: message.received_at,
        expires_at: message.expires_at,
    }
}

pub(crate) async fn what_is_taken_is_there_after_a_restart(backend: &impl Backend) {
    let place = Place::new();
    let messages = [message(&["bob@recipient.example"]), rich()];
    let spool = backend.open(&place).await;
    let mut ids = Vec::new();
    for message in &messages {
        ids.push(spool.accept(message.clone()).await.unwrap());
    }
    backend.close(spool).await;

    let spool = backend.open(&place).await;
    for (id, message) in ids.iter().zip(&messages) {
        assert_eq!(stored(&*spool, *id).await, expected(*id, message));
        assert_eq!(spool.body(*id).await.unwrap(), bytes(message));
    }
    assert_eq!(spool.message(MessageId(ids[1].0 + 1)).await, Ok(None));
    no_body(&*spool, MessageId(ids[1].0 + 1)).await;
}

pub(crate) async fn bodies_of_every_size_come_back_as_they_were(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let mut taken = Vec::new();
    for size in [0, 1, 4096, 256 << 10, (256 << 10) + 1, 3 << 20] {
        let pattern: Vec<u8> = (0..size).map(|at: usize| (at * 31 % 251) as u8).collect();
        let bytes = Bytes::from(pattern);
        let halves = vec![bytes.slice(..size / 2), bytes.slice(size / 2..)];
        for body in [vec![bytes.clone()], halves, vec![Bytes::new(), bytes.clone(), Bytes::new()]] {
            let id = spool.accept(NewMessage { body, ..message(&["bob@recipient.example"]) }).await.unwrap();
            taken.push((id, bytes.clone()));
        }
    }
    for (id, bytes) in &taken {
        assert!(spool.body(*id).await.unwrap() == *bytes, "{} bytes", bytes.len());
        assert_eq!(stored(&*spool, *id).await.size, bytes.len() as u64);
    }
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    for (id, bytes) in &taken {
        assert!(spool.body(*id).await.unwrap() == *bytes, "{} bytes after a restart", bytes.len());
    }
    let none =
        spool.accept(NewMessage { body: Vec::new(), ..message(&["bob@recipient.example"]) }).await.unwrap();
    assert_eq!(spool.body(none).await.unwrap(), Bytes::new());
}

pub(crate) async fn ids_grow_and_never_come_again(backend: &impl Backend) {
    let place = Place::new();
    let mut last = MessageId(0);
    for _ in 0..3 {
        let spool = backend.open(&place).await;
        for _ in 0..3 {
            let id = spool.accept(message(&["bob@recipient.example"])).await.unwrap();
            assert!(id > last, "{id} after {last}");
            assert_eq!(id.to_string().parse(), Ok(id));
            last = id;
            settle(&*spool, id, 0, 1001, State::Delivered).await;
        }
        // Even the largest is forgotten, and still does not come again.
        assert_eq!(spool.purge(i64::MAX, 0).await, Ok(3));
        backend.close(spool).await;
    }
}

pub(crate) async fn a_hundred_at_once(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let running: Vec<_> = (0..100)
        .map(|number| {
            let spool = Arc::clone(&spool);
            tokio::spawn(async move {
                let mut message = message(&["bob@recipient.example", "eve@recipient.example"]);
                message.body = vec![Bytes::from(format!("message {number}"))];
                let id = spool.accept(message).await.unwrap();
                if number % 2 == 0 {
                    spool.settle(settlement(id, 1001, vec![(0, delivered())])).await.unwrap();
                }
                (id, number)
            })
        })
        .collect();
    let mut ids = BTreeSet::new();
    for task in running {
        let (id, number) = task.await.unwrap();
        assert!(ids.insert(id), "{id} twice");
        assert_eq!(spool.body(id).await.unwrap(), format!("message {number}"));
        let first = if number % 2 == 0 { State::Delivered } else { State::Queued };
        assert_eq!(states(&*spool, id).await, [first, State::Queued]);
    }
    assert_eq!(ids.len(), 100);
    assert_eq!(spool.pending(None, 1000).await.unwrap().len(), 150);
    // A future that nobody drives to its end is no half-written message.
    drop(spool.accept(message(&["bob@recipient.example"])));
    assert_eq!(spool.pending(None, 1000).await.unwrap().len(), 150);
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    assert_eq!(spool.pending(None, 1000).await.unwrap().len(), 150);
}

pub(crate) async fn a_message_without_recipients_is_refused_and_harms_nobody(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let (good, bad) =
        tokio::join!(spool.accept(message(&["bob@recipient.example"])), spool.accept(message(&[])));
    assert!(matches!(bad, Err(SpoolError::Invalid { .. })), "{bad:?}");
    assert_eq!(states(&*spool, good.unwrap()).await, [State::Queued]);
    assert_eq!(spool.refusal(), None);
}

pub(crate) async fn below_the_mark_nothing_is_taken_and_settling_goes_on(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["bob@recipient.example"])).await.unwrap();
    backend.close(spool).await;

    let spool = backend.open_below_mark(&place).await;
    assert!(matches!(spool.refusal(), Some(SpoolError::Full { .. })), "{:?}", spool.refusal());
    let refused = spool.accept(message(&["bob@recipient.example"])).await;
    assert!(matches!(refused, Err(SpoolError::Full { .. })), "{refused:?}");
    assert_eq!(spool.pending(None, 10).await.unwrap().len(), 1);
    let mut failed = settlement(id, 1001, vec![(0, waxseal_store::spool::Fate::Final(State::Failed))]);
    failed.notices = vec![message(&["sender@sender.example"])];
    let notices = spool.settle(failed).await.unwrap();
    assert_eq!(states(&*spool, id).await, [State::Failed]);
    assert_eq!(states(&*spool, notices[0]).await, [State::Queued]);
    backend.close(spool).await;

    let spool = backend.open(&place).await;
    assert_eq!(spool.refusal(), None);
    spool.accept(message(&["bob@recipient.example"])).await.unwrap();
}

pub(crate) async fn a_full_store_takes_nothing_by_halves(backend: &impl Backend) {
    let place = Place::new();
    let Some(spool) = backend.open_small(&place, 1 << 20).await else { return };
    let mut large = message(&["bob@recipient.example"]);
    large.body = vec![Bytes::from(vec![b'x'; 50_000])];
    let mut small = message(&["bob@recipient.example"]);
    small.body = vec![Bytes::from_static(b"small")];
    let mut taken = Vec::new();
    let refused = loop {
        match spool.accept(large.clone()).await {
            Ok(id) => taken.push(id),
            Err(error) => break error,
        }
        assert!(taken.len() < 100, "never full");
    };
    assert!(matches!(refused, SpoolError::Full { .. }), "{refused:?}");
    assert!(taken.len() > 5, "{}", taken.len());
    // In company, too, the large ones alone are refused.
    let (one, two, three) =
        tokio::join!(spool.accept(large.clone()), spool.accept(small.clone()), spool.accept(large.clone()));
    assert!(matches!(one, Err(SpoolError::Full { .. })), "{one:?}");
    assert!(matches!(three, Err(SpoolError::Full { .. })), "{three:?}");
    taken.push(two.unwrap());
    let waiting = spool.pending(None, 1000).await.unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.message).collect::<Vec<_>>(), taken);
    assert_eq!(spool.refusal(), None, "not poisoned");

    // Settling makes room.
    settle(&*spool, taken[0], 0, 1001, State::Delivered).await;
    settle(&*spool, taken[1], 0, 1001, State::Delivered).await;
    let again = spool.accept(large).await.unwrap();
    assert_eq!(spool.body(again).await.unwrap().len(), 50_000);
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    assert_eq!(spool.pending(None, 1000).await.unwrap().len(), taken.len() - 1);
    assert_eq!(spool.body(taken[2]).await.unwrap().len(), 50_000);
}
