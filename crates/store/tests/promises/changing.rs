//! Promises about what an operator changes.

use waxseal_store::spool::{Change, Changed, Fate, Selector, State};

use crate::{
    backend::{Backend, Place},
    sample::{attempt, message, no_body, settle, settlement, states, stored},
};

fn to(recipient: &str) -> Selector {
    Selector { recipient: Some(recipient.to_owned()), ..Selector::default() }
}

pub(crate) async fn changes_apply_to_what_the_selector_finds(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let first = spool.accept(message(&["a@one.example", "b@two.example"])).await.unwrap();
    let second = spool.accept(message(&["c@two.example"])).await.unwrap();

    let changed = spool.change(to("two.example"), Change::Hold, false).await.unwrap();
    let entry = |message: u64, number, address: &str, from| Changed {
        message,
        number,
        address: address.to_owned(),
        domain: "two.example".to_owned(),
        from,
    };
    assert_eq!(
        changed,
        [
            entry(first.0, 1, "b@two.example", State::Queued),
            entry(second.0, 0, "c@two.example", State::Queued)
        ]
    );
    assert_eq!(states(&*spool, first).await, [State::Queued, State::Held]);
    let waiting = spool.pending(None, 10).await.unwrap();
    assert_eq!(waiting.iter().map(|waiting| waiting.held).collect::<Vec<_>>(), [false, true, true]);

    // Held is held already; retrying is for what is queued.
    assert_eq!(spool.change(to("two.example"), Change::Hold, false).await.unwrap(), []);
    let retried = spool.change(Selector::default(), Change::Retry { at: 1500 }, false).await.unwrap();
    assert_eq!(
        retried.iter().map(|changed| (changed.message, changed.number)).collect::<Vec<_>>(),
        [(first.0, 0)]
    );
    backend.close(spool).await;

    let spool = backend.open(&place).await;
    assert_eq!(stored(&*spool, first).await.recipients[0].next_at, 1500);
    let only = Selector { messages: vec![second.0], ..Selector::default() };
    let released = spool.change(only, Change::Release { at: 1600 }, false).await.unwrap();
    assert_eq!(released, [entry(second.0, 0, "c@two.example", State::Held)]);
    let recipient = stored(&*spool, second).await.recipients.remove(0);
    assert_eq!((recipient.state, recipient.next_at), (State::Queued, 1600));
    assert_eq!(states(&*spool, first).await, [State::Queued, State::Held]);
}

pub(crate) async fn a_dry_run_says_the_same_and_changes_nothing(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    for number in 0..5 {
        let id = spool.accept(message(&["a@one.example", "b@two.example"])).await.unwrap();
        let mut deferred =
            settlement(id, 1100, vec![(1, Fate::Again { next_at: 1200, counts: true, delay_told: false })]);
        let reason = if number % 2 == 0 { "tls.refused" } else { "connect.timeout" };
        deferred.fates[0].2 = attempt(1100, Some(reason));
        spool.settle(deferred).await.unwrap();
    }
    let selector = Selector { reason: Some("tls".to_owned()), ..Selector::default() };
    for change in [Change::Retry { at: 5 }, Change::Hold, Change::Release { at: 5 }, Change::Cancel { at: 5 }]
    {
        let before = spool.select(Selector::default(), 100).await.unwrap();
        let foretold = spool.change(selector.clone(), change, true).await.unwrap();
        assert_eq!(spool.select(Selector::default(), 100).await.unwrap(), before, "{change:?}");
        assert_eq!(foretold.len(), 3, "{change:?}");
        assert_eq!(spool.change(selector.clone(), change, false).await.unwrap(), foretold, "{change:?}");
    }
}

pub(crate) async fn cancelling_the_last_recipient_ends_the_message(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["a@one.example", "b@two.example", "c@two.example"])).await.unwrap();
    settle(&*spool, id, 0, 1100, State::Delivered).await;
    spool.change(to("b@two.example"), Change::Hold, false).await.unwrap();
    let cancelled = spool.change(Selector::default(), Change::Cancel { at: 1200 }, false).await.unwrap();
    let from: Vec<_> = cancelled.iter().map(|changed| (changed.number, changed.from)).collect();
    assert_eq!(from, [(1, State::Held), (2, State::Queued)]);
    assert_eq!(states(&*spool, id).await, [State::Delivered, State::Cancelled, State::Cancelled]);
    assert_eq!(stored(&*spool, id).await.recipients[1].final_at, Some(1200));
    no_body(&*spool, id).await;
    assert_eq!(spool.pending(None, 10).await.unwrap(), []);
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    assert_eq!(states(&*spool, id).await, [State::Delivered, State::Cancelled, State::Cancelled]);
    assert_eq!(spool.purge(1201, 0).await, Ok(1));
}
