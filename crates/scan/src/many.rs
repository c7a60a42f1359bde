//! Several targets, a few at a time, in the order given.

use futures_util::{Stream, StreamExt, stream};
use waxseal_model::{Report, Target};

use crate::{event::Events, one::Scanner};

/// Targets at a time, unless said otherwise.
pub const TARGETS_AT_A_TIME: usize = 16;

/// Reports in the order of the targets, each as soon as it and those before it are done.
pub fn reports<'a>(
    scanner: &'a Scanner,
    targets: Vec<Target>,
    at_a_time: usize,
    events: &'a Events,
) -> impl Stream<Item = Report> + 'a {
    stream::iter(targets).map(move |target| scanner.report(target, events)).buffered(at_a_time.max(1))
}
