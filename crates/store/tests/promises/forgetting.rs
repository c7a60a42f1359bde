//! Promises about forgetting.

use waxseal_store::spool::{MessageId, Selector, Spool, State};

use crate::{
    backend::{Backend, Place},
    sample::{message, settle},
};

async fn left(spool: &dyn Spool) -> Vec<MessageId> {
    let all = Selector { states: State::ALL.to_vec(), ..Selector::default() };
    spool.select(all, 1000).await.unwrap().iter().map(|message| message.id).collect()
}

pub(crate) async fn old_messages_go_and_the_newest_beyond_a_number_stay(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let mut ids = Vec::new();
    for number in 0..6 {
        let id = spool.accept(message(&["a@one.example", "b@one.example"])).await.unwrap();
        // The last to be taken ends first; its two recipients a second apart.
        settle(&*spool, id, 1, 1200 - number, State::Delivered).await;
        settle(&*spool, id, 0, 1199 - number, State::Failed).await;
        ids.push(id);
    }
    let waiting = spool.accept(message(&["a@one.example", "b@one.example"])).await.unwrap();
    settle(&*spool, waiting, 0, 1000, State::Delivered).await;

    assert_eq!(spool.purge(1195, u64::MAX).await, Ok(0), "the last ended at 1195");
    assert_eq!(spool.purge(1197, 100).await, Ok(2));
    assert_eq!(left(&*spool).await, [ids[0], ids[1], ids[2], ids[3], waiting]);
    assert_eq!(spool.purge(0, 3).await, Ok(1));
    assert_eq!(left(&*spool).await, [ids[0], ids[1], ids[2], waiting]);
    assert_eq!(spool.message(ids[3]).await, Ok(None));
    backend.close(spool).await;

    let spool = backend.open(&place).await;
    assert_eq!(left(&*spool).await, [ids[0], ids[1], ids[2], waiting]);
    assert_eq!(spool.purge(i64::MAX, 0).await, Ok(3));
    assert_eq!(left(&*spool).await, [waiting], "what waits is never forgotten");
    assert_eq!(spool.body(waiting).await.unwrap(), message(&[]).body.concat());
}
