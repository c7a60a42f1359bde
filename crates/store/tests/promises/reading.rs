//! Promises about finding.

use waxseal_store::spool::{Fate, MessageId, Selector, Spool, State};

use crate::{
    backend::{Backend, Place},
    sample::{attempt, message, settle, settlement, stored},
};

/// Edits a selector that narrows nothing.
type Edit = fn(&mut Selector);

/// What to ask for, and which of [`four_messages`] must be found.
const CASES: [(&str, Edit, &[usize]); 17] = [
    ("all that waits", |_| {}, &[0, 1, 3]),
    ("final", |s| s.states = vec![State::Failed], &[2]),
    ("every state", |s| s.states = State::ALL.to_vec(), &[0, 1, 2, 3]),
    ("address", |s| s.recipient = Some("A@one.example".into()), &[0, 1, 3]),
    ("below a domain", |s| s.recipient = Some("*.two.example".into()), &[0, 1, 3]),
    ("a domain that is not", |s| s.recipient = Some("two.example".into()), &[]),
    ("null sender", |s| s.sender = Some("<>".into()), &[3]),
    ("sender's domain", |s| s.sender = Some("@sender.example".into()), &[0, 1]),
    ("reason", |s| s.reason = Some("tls".into()), &[1]),
    ("part of a reason's word", |s| s.reason = Some("tl".into()), &[]),
    ("site", |s| s.site = Some("mx2.".into()), &[1]),
    ("trace", |s| s.trace = Some("trace-3".into()), &[3]),
    ("before", |s| s.received_before = Some(1001), &[0]),
    ("since", |s| s.received_since = Some(1001), &[1, 3]),
    (
        "state and recipient of one and the same",
        |s| {
            s.states = vec![State::Delivered];
            s.recipient = Some("*.two.example".into());
        },
        &[],
    ),
    (
        "several",
        |s| {
            s.sender = Some("@sender.example".into());
            s.received_since = Some(1001);
        },
        &[1],
    ),
    (
        "several, of which one does not hold",
        |s| (s.site, s.sender) = (Some("mx2".into()), Some("<>".into())),
        &[],
    ),
];

/// The first waits untried, the second was deferred, the third is done, the fourth is a notice.
async fn four_messages(spool: &dyn Spool) -> Vec<MessageId> {
    let mut ids = Vec::new();
    for number in 0..4 {
        let mut message = message(&["a@one.example", "b@mail.two.example"]);
        message.received_at = 1000 + number;
        message.envelope.arrival.trace = format!("trace-{number}");
        if number == 3 {
            message.envelope.sender = String::new();
        }
        ids.push(spool.accept(message).await.unwrap());
    }
    let mut deferred =
        settlement(ids[1], 1100, vec![(0, Fate::Again { next_at: 1200, counts: true, delay_told: false })]);
    deferred.fates[0].2 = attempt(1100, Some("tls.cert.expired"));
    spool.settle(deferred).await.unwrap();
    settle(spool, ids[2], 0, 1100, State::Delivered).await;
    settle(spool, ids[2], 1, 1100, State::Failed).await;
    ids
}

pub(crate) async fn selectors_narrow_by_all_that_they_name(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let ids = four_messages(&*spool).await;
    for (name, edit, expected) in CASES {
        let mut selector = Selector::default();
        edit(&mut selector);
        let mut whole = Vec::new();
        for index in expected {
            whole.push(stored(&*spool, ids[*index]).await);
        }
        assert_eq!(spool.select(selector.clone(), 10).await.unwrap(), whole, "{name}");
        whole.truncate(1);
        assert_eq!(spool.select(selector.clone(), 1).await.unwrap(), whole, "{name}, the first");
        assert_eq!(spool.select(selector.clone(), 0).await.unwrap(), [], "{name}, none");
        // The same within named messages, in the order of their age and each once.
        selector.messages = vec![ids[3].0, ids[1].0, ids[1].0, ids[3].0 + 9];
        let among: Vec<MessageId> =
            [1, 3].into_iter().filter(|index| expected.contains(index)).map(|index| ids[index]).collect();
        let found = spool.select(selector, 10).await.unwrap();
        assert_eq!(found.iter().map(|message| message.id).collect::<Vec<_>>(), among, "{name}, by id");
    }
}

pub(crate) async fn waiting_recipients_come_page_by_page(backend: &impl Backend) {
    let place = Place::new();
    let spool = backend.open(&place).await;
    let mut expected = Vec::new();
    for number in 0..20 {
        let id = spool.accept(message(&["a@one.example", "b@two.example", "c@three.example"])).await.unwrap();
        if number % 3 == 0 {
            settle(&*spool, id, 1, 1100, State::Delivered).await;
        }
        if number % 5 == 0 {
            settle(&*spool, id, 0, 1100, State::Delivered).await;
            settle(&*spool, id, 1, 1100, State::Delivered).await;
            settle(&*spool, id, 2, 1100, State::Delivered).await;
            continue;
        }
        expected.extend([0, 1, 2].into_iter().filter(|at| *at != 1 || number % 3 != 0).map(|at| (id, at)));
    }
    for limit in [1, 2, 3, 7, 1000] {
        let mut seen = Vec::new();
        loop {
            let page = spool.pending(seen.last().copied(), limit).await.unwrap();
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            seen.extend(page.iter().map(|waiting| (waiting.message, waiting.number)));
        }
        assert_eq!(seen, expected, "{limit} a page");
    }
    assert_eq!(spool.pending(None, 0).await.unwrap(), []);
}
