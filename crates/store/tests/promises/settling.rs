//! Promises about what became of recipients.

use waxseal_store::spool::{Fate, MessageId, SpoolError, State};

use crate::{
    backend::{Backend, Place},
    sample::{attempt, bytes, delivered, message, no_body, settle, settlement, states, stored},
    taking::expected,
};

pub(crate) async fn a_final_state_stays(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let finals = [State::Delivered, State::Failed, State::Expired, State::Cancelled];
    let mut ids = Vec::new();
    for first in finals {
        let id = spool.accept(message(&["a@recipient.example", "b@recipient.example"])).await.unwrap();
        settle(&*spool, id, 0, 1100, first).await;
        let before = stored(&*spool, id).await;
        assert_eq!(before.recipients[0].state, first);
        assert_eq!(before.recipients[0].final_at, Some(1100));
        assert_eq!(before.recipients[0].attempts, 1);
        for then in finals {
            settle(&*spool, id, 0, 1200, then).await;
        }
        let again = Fate::Again { next_at: 1300, counts: true, delay_told: true };
        spool.settle(settlement(id, 1200, vec![(0, again)])).await.unwrap();
        assert_eq!(stored(&*spool, id).await, before);
        ids.push((id, before));
    }
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    for (id, before) in ids {
        assert_eq!(stored(&*spool, id).await, before);
    }
}

pub(crate) async fn notices_come_with_what_they_tell_of_or_not_at_all(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["a@recipient.example", "b@recipient.example"])).await.unwrap();
    let mut failed = settlement(id, 1100, vec![(0, Fate::Final(State::Failed)), (1, delivered())]);
    let mut large = message(&["sender@sender.example"]);
    large.body = vec![vec![b'x'; 300_000].into()];
    failed.notices = vec![message(&["sender@sender.example"]), large];
    let ids = spool.settle(failed.clone()).await.unwrap();
    assert_eq!(ids.len(), 2);
    assert!(id < ids[0] && id < ids[1] && ids[0] != ids[1], "{id} {ids:?}");
    // The same once more, and by somebody who comes too late: nobody is told a second time.
    assert_eq!(spool.settle(failed.clone()).await.unwrap(), []);
    // Not to be written: the second notice has no recipient.
    let other = spool.accept(message(&["a@recipient.example"])).await.unwrap();
    let mut impossible = settlement(other, 1100, vec![(0, Fate::Final(State::Failed))]);
    impossible.notices = vec![message(&["sender@sender.example"]), message(&[])];
    let refused = spool.settle(impossible).await;
    assert!(matches!(refused, Err(SpoolError::Invalid { .. })), "{refused:?}");
    assert_eq!(states(&*spool, other).await, [State::Queued]);
    backend.close(spool).await;

    let spool = backend.open(&place).await;
    assert_eq!(states(&*spool, id).await, [State::Failed, State::Delivered]);
    for (id, notice) in ids.iter().zip(&failed.notices) {
        assert_eq!(stored(&*spool, *id).await, expected(*id, notice));
        assert_eq!(spool.body(*id).await.unwrap(), bytes(notice));
    }
    let waiting = spool.pending(None, 100).await.unwrap();
    let waiting: Vec<MessageId> = waiting.iter().map(|waiting| waiting.message).collect();
    let mut all = [ids[0], ids[1], other];
    all.sort_unstable();
    assert_eq!(waiting, all);
}

pub(crate) async fn a_deferred_recipient_remembers_its_last_attempt(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["a@recipient.example"])).await.unwrap();
    let mut told = 0;
    for (number, counts) in [true, false, true].into_iter().enumerate() {
        let at = 1100 + i64::try_from(number).unwrap();
        let delay_told = number == 2;
        let mut deferred =
            settlement(id, at, vec![(0, Fate::Again { next_at: at + 50, counts, delay_told })]);
        deferred.fates[0].2 = attempt(at, Some("tls.not_advertised"));
        if delay_told {
            deferred.notices = vec![message(&["sender@sender.example"])];
            told = 1;
        }
        assert_eq!(spool.settle(deferred).await.unwrap().len(), told);
    }
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    let recipient = stored(&*spool, id).await.recipients.remove(0);
    assert_eq!((recipient.attempts, recipient.delays_told, recipient.next_at), (2, 1, 1152));
    assert_eq!(recipient.last, Some(attempt(1102, Some("tls.not_advertised"))));
    assert_eq!((recipient.state, recipient.final_at), (State::Queued, None));
    let waiting = spool.pending(None, 1).await.unwrap().remove(0);
    assert_eq!((waiting.message, waiting.number, waiting.next_at, waiting.held), (id, 0, 1152, false));
    assert_eq!(waiting.reason.as_deref(), Some("tls.not_advertised"));
    assert_eq!(waiting.domain, "recipient.example");
    settle(&*spool, id, 0, 1200, State::Delivered).await;
    let recipient = stored(&*spool, id).await.recipients.remove(0);
    assert_eq!((recipient.attempts, recipient.state), (3, State::Delivered));
    assert_eq!(recipient.last, Some(attempt(1200, None)));
}

pub(crate) async fn the_body_goes_with_the_last_recipient(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let mut large = message(&["a@recipient.example", "b@recipient.example"]);
    large.body = vec![vec![b'x'; 300_000].into()];
    let mut ids = Vec::new();
    for message in [message(&["a@recipient.example", "b@recipient.example"]), large] {
        let id = spool.accept(message.clone()).await.unwrap();
        settle(&*spool, id, 1, 1100, State::Delivered).await;
        assert_eq!(spool.body(id).await.unwrap(), bytes(&message));
        settle(&*spool, id, 0, 1101, State::Expired).await;
        no_body(&*spool, id).await;
        assert_eq!(states(&*spool, id).await, [State::Expired, State::Delivered]);
        ids.push(id);
    }
    assert_eq!(spool.pending(None, 10).await.unwrap(), []);
    backend.close(spool).await;
    let spool = backend.open(&place).await;
    for id in ids {
        no_body(&*spool, id).await;
        assert_eq!(stored(&*spool, id).await.recipients.len(), 2);
    }
}

pub(crate) async fn a_settlement_of_what_is_not_there_changes_nothing(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["a@recipient.example"])).await.unwrap();
    let mut wrong = settlement(id, 1100, vec![(0, delivered()), (7, delivered())]);
    wrong.notices = vec![message(&["sender@sender.example"])];
    let elsewhere = settlement(MessageId(id.0 + 1), 1100, vec![(0, delivered())]);
    let unfinal = settlement(id, 1100, vec![(0, Fate::Final(State::Held))]);
    for nonsense in [wrong, elsewhere, unfinal] {
        let refused = spool.settle(nonsense).await;
        assert!(matches!(refused, Err(SpoolError::Invalid { .. })), "{refused:?}");
    }
    assert_eq!(states(&*spool, id).await, [State::Queued]);
    assert_eq!(spool.pending(None, 10).await.unwrap().len(), 1);
    assert_eq!(spool.refusal(), None);
}

pub(crate) async fn a_recipient_that_was_held_meanwhile_stays_held(backend: &impl Backend) {
    use waxseal_store::spool::{Change, Selector};
    let place = Place::new();
    let spool = backend.open(&place).await;
    let id = spool.accept(message(&["a@recipient.example", "b@recipient.example"])).await.unwrap();
    assert_eq!(spool.change(Selector::default(), Change::Hold, false).await.unwrap().len(), 2);
    let again = Fate::Again { next_at: 1200, counts: true, delay_told: false };
    spool.settle(settlement(id, 1100, vec![(0, again), (1, delivered())])).await.unwrap();
    assert_eq!(states(&*spool, id).await, [State::Held, State::Delivered]);
    assert_eq!(stored(&*spool, id).await.recipients[0].attempts, 1);
}
