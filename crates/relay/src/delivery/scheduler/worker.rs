//! Attempts. A worker holds one of a site's connections as long as there is something to
//! deliver there; what its attempts come to is noted by others, so that it goes on at once.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::time::Instant;
use waxseal_store::spool::SpoolError;

use super::{
    after::Way,
    core::{Slot, Turn},
    loaded::Loaded,
    settling::{self, Settling},
    shared::{Shared, site_key},
};
use crate::{
    delivery::{
        job::{Job, JobRecipient, Report, SiteSign},
        settle::{self, Rules},
    },
    event::Severity,
    route::Route,
};

/// Attempts at one site, one after the other.
pub(super) async fn work(shared: Arc<Shared>, slot: Slot, turn: Turn) {
    let mut next = Some((slot, turn));
    while let Some((slot, turn)) = next {
        let done = attempt(&shared, &slot, turn).await;
        let settles = done.settling.is_some();
        next = shared.locked(|core, fx| {
            core.settling += usize::from(settles);
            core.finish(&slot, done.sign, done.trouble, fx)
        });
        if let Some(settling) = done.settling {
            shared.spawn(settling::run(Arc::clone(&shared), *settling));
        }
        tokio::task::consume_budget().await;
    }
}

/// What a turn came to.
struct Done {
    sign: SiteSign,
    trouble: Option<Box<str>>,
    settling: Option<Box<Settling>>,
}

impl Done {
    /// No connection was made.
    fn nothing() -> Self {
        Self { sign: SiteSign::Neutral, trouble: None, settling: None }
    }

    fn noted(settling: Settling) -> Self {
        Self { settling: Some(Box::new(settling)), ..Self::nothing() }
    }
}

async fn attempt(shared: &Arc<Shared>, slot: &Slot, mut turn: Turn) -> Done {
    let message = turn.message;
    let prepared = match AssertUnwindSafe(prepare(shared, slot, &mut turn)).catch_unwind().await {
        Ok(prepared) => prepared,
        Err(_) => {
            shared.note(
                Severity::Error,
                "delivery.mishap",
                format!("message {message}: {MISHAP}; tried later"),
            );
            shared.locked(|core, fx| core.unreadable(message, turn.ticket, fx));
            return Done::nothing();
        }
    };
    let (loaded, route, body) = match prepared {
        Prepared::Ready { loaded, route, body } => (loaded, route, body),
        Prepared::Bodiless(loaded) => return Done::noted(bodiless(shared, &turn, loaded)),
        Prepared::Elsewhere { loaded, route, site } => {
            shared.locked(|core, fx| core.redirect(turn, loaded, route, site, fx));
            return Done::nothing();
        }
        Prepared::Nothing => return Done::nothing(),
    };
    let job = job(&loaded, &turn, body.parts);
    let report = AssertUnwindSafe(shared.deliver.deliver(&route, &job)).catch_unwind().await;
    let report = report.unwrap_or_else(|_| {
        let text = format!("message {message}: {MISHAP}; it may have been delivered");
        shared.note(Severity::Error, "delivery.mishap", text);
        settle::mishap()
    });
    let (trouble, sign) = (trouble(&report), report.site);
    let way = Way { route, site: Arc::clone(&slot.site), domain: Arc::clone(&turn.domain) };
    let settling = conclude(shared, &turn, loaded, way, report, &job.body);
    Done { sign, trouble, settling: Some(Box::new(settling)) }
}

const MISHAP: &str = "the attempt ended in an error of this program";

/// What is at hand before a connection is used.
enum Prepared {
    Ready {
        loaded: Arc<Loaded>,
        route: Arc<Route>,
        body: Parts,
    },
    /// The body is gone.
    Bodiless(Arc<Loaded>),
    /// The mail goes to another site.
    Elsewhere {
        loaded: Arc<Loaded>,
        route: Arc<Route>,
        site: Arc<str>,
    },
    /// All is done.
    Nothing,
}

async fn prepare(shared: &Arc<Shared>, slot: &Slot, turn: &mut Turn) -> Prepared {
    let Some(loaded) = shared.open(turn).await else { return Prepared::Nothing };
    let route = match turn.route.take().filter(|route| is_valid(route)) {
        Some(route) => route,
        None => shared.router.route(&turn.domain, &loaded.envelope.sender).await,
    };
    let site = site_key(&route, &turn.domain);
    if site != slot.site {
        return Prepared::Elsewhere { loaded, route, site };
    }
    match body(shared, &loaded).await {
        Ok(body) => Prepared::Ready { loaded, route, body },
        // Unless its recipients became final while it was asked for.
        Err(SpoolError::BodyMissing { .. }) => match shared.open(turn).await {
            Some(loaded) => Prepared::Bodiless(loaded),
            None => Prepared::Nothing,
        },
        Err(error) => {
            shared.unreadable(turn, &error);
            Prepared::Nothing
        }
    }
}

fn is_valid(route: &Route) -> bool {
    Instant::now().into_std() < route.valid_until
}

/// The parts of a body, and what keeps them in memory.
struct Parts {
    parts: Vec<Bytes>,
    _body: Option<Arc<super::loaded::Body>>,
}

async fn body(shared: &Shared, loaded: &Loaded) -> Result<Parts, SpoolError> {
    if let Some(parts) = &loaded.body {
        return Ok(Parts { parts: parts.clone(), _body: None });
    }
    let body = shared.bodies.get(&*shared.spool, loaded.id, loaded.size).await?;
    Ok(Parts { parts: body.parts(), _body: Some(body) })
}

fn job(loaded: &Loaded, turn: &Turn, body: Vec<Bytes>) -> Job {
    let recipients = turn.numbers.iter().filter_map(|number| loaded.recipient(*number));
    let first = recipients.clone().filter_map(|recipient| recipient.last.as_ref()).find_map(|last| {
        let host = last.host.clone().filter(|_| last.maybe_delivered)?;
        Some((host, last.address?))
    });
    Job {
        id: loaded.id,
        envelope: Arc::clone(&loaded.envelope),
        recipients: recipients
            .map(|recipient| JobRecipient {
                number: recipient.number,
                address: recipient.address.clone(),
                notify: recipient.notify,
                orcpt: recipient.orcpt.clone(),
            })
            .collect(),
        size: body.iter().map(Bytes::len).sum::<usize>() as u64,
        body,
        first,
    }
}

/// What was wrong with a site as a whole, in words.
fn trouble(report: &Report) -> Option<Box<str>> {
    if !matches!(report.site, SiteSign::Busy | SiteSign::Dead) {
        return None;
    }
    let (_, verdict) = report.verdicts.first()?;
    Some(match &verdict.host {
        Some(host) => format!("{host}: {}", verdict.reply).into(),
        None => verdict.reply.as_str().into(),
    })
}

fn conclude(
    shared: &Arc<Shared>,
    turn: &Turn,
    loaded: Arc<Loaded>,
    way: Way,
    report: Report,
    body: &[Bytes],
) -> Settling {
    let rules = Rules { retry: &shared.settings.retry, delays: &shared.settings.delay_notices };
    let (at, mut chance) = shared.locked(|core, _| (core.clock.now(), core.chance.split()));
    let outcome = settle::conclude(rules, &mut chance, &loaded, &turn.numbers, &way.site, report, at);
    Settling::new(shared, turn.ticket, loaded, outcome, Some(body), Some(way), at)
}

/// A message without its body: its recipients are set aside, and the operator is told.
fn bodiless(shared: &Arc<Shared>, turn: &Turn, loaded: Arc<Loaded>) -> Settling {
    let text = format!(
        "message {} has lost its body: its recipients are held; it cannot be delivered unless the body is \
         restored",
        turn.message
    );
    shared.note(Severity::Error, "held.no_body", text);
    let at = shared.read(|core| core.clock.now());
    let outcome = settle::bodiless(&loaded, &turn.numbers, at);
    Settling::new(shared, turn.ticket, loaded, outcome, None, None, at)
}

/// Finds out the site of a domain, with the first of its bundles.
pub(super) async fn look_up(shared: Arc<Shared>, mut turn: Turn) {
    let id = turn.domain_id;
    let found = AssertUnwindSafe(route_of(&shared, &mut turn)).catch_unwind().await;
    shared.locked(|core, fx| match found {
        Ok(Some((loaded, route))) => {
            let site = site_key(&route, &turn.domain);
            core.redirect(turn, loaded, route, Arc::clone(&site), fx);
            core.looked_up(id, Some(site), fx);
        }
        Ok(None) => core.looked_up(id, None, fx),
        Err(_) => {
            core.unreadable(turn.message, turn.ticket, fx);
            core.looked_up(id, None, fx);
        }
    });
}

async fn route_of(shared: &Arc<Shared>, turn: &mut Turn) -> Option<(Arc<Loaded>, Arc<Route>)> {
    let loaded = shared.open(turn).await?;
    let route = shared.router.route(&turn.domain, &loaded.envelope.sender).await;
    Some((loaded, route))
}
