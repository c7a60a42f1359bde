//! Bounces that only people can read.
//!
//! - [`notice`]: the mail as all decoders here see it, prepared once.
//! - [`said`]: the reply, command and host in the lines about one recipient.
//! - [`blocks`], [`address`]: which lines belong to whom.
//! - [`angled`], [`exim`], [`sendmail`], [`exchange`], [`google`], [`united`], [`sun`],
//!   [`ezweb`], [`fml`], [`session`]: formats that need code, a file for each shape.
//! - [`table`]: the many that need none.
//! - [`generic`]: what remains.

mod address;
mod angled;
mod blocks;
mod exchange;
mod exim;
mod ezweb;
mod fml;
mod generic;
mod google;
mod notice;
mod said;
mod sendmail;
mod session;
mod sun;
mod table;
mod united;

use waxseal_model::MailEvent;

use super::{Decoder, view::Mail};
use notice::Notice;

/// Name and decoder of each format, most special first.
pub(super) const DECODERS: &[(&str, Decoder)] = &[("notice", read)];

/// Reads the events of a notice in prose; none for any other mail.
fn read(mail: &Mail<'_>) -> Vec<MailEvent> {
    if !notice::may_be(mail) {
        return Vec::new();
    }
    let notice = Notice::new(mail);
    let (format, mut events) = special(&notice).unwrap_or_else(|| ("notice", generic(&notice)));
    events.truncate(blocks::MOST);
    // Notices in two languages tell everything twice.
    let mut told = std::collections::HashSet::new();
    events.retain(|event| told.insert((event.recipient.clone(), event.text.clone())));
    for event in &mut events {
        format.clone_into(&mut event.source.format);
    }
    events
}

/// The first format that knows the notice and finds recipients in it.
fn special(notice: &Notice) -> Option<(&'static str, Vec<MailEvent>)> {
    type Read = fn(&Notice) -> Vec<MailEvent>;
    let known = |yes: bool, name: &'static str, read: Read| {
        let events = if yes { read(notice) } else { Vec::new() };
        (!events.is_empty()).then_some((name, events))
    };
    known(fml::recognise(notice), "fml", fml::read)
        .or_else(|| known(session::recognise(notice), "postfix_session", session::read))
        .or_else(|| known(ezweb::recognise(notice), "ezweb", ezweb::read))
        .or_else(|| known(google::recognise(notice), google::name(notice), google::read))
        .or_else(|| known(united::recognise(notice), "united_internet", united::read))
        .or_else(|| known(sendmail::recognise(notice), "sendmail", sendmail::read))
        .or_else(|| known(sun::recognise(notice), "messaging_server", sun::read))
        .or_else(|| {
            let place = table::recognise(notice)?;
            let events = table::read(notice, place);
            (!events.is_empty()).then(|| (table::name(place), events))
        })
        .or_else(|| {
            let name = angled::recognise(notice)?;
            known(true, name, angled::read)
        })
        .or_else(|| known(exim::recognise(notice), "exim", exim::read))
        .or_else(|| known(exchange::recognise_old(notice), "exchange_2003", exchange::read_old))
        .or_else(|| known(exchange::recognise(notice), "exchange", exchange::read))
}

fn generic(notice: &Notice) -> Vec<MailEvent> {
    if generic::recognise(notice) { generic::read(notice) } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The events of a mail in prose.
    pub(super) fn events(mail: &str) -> Vec<MailEvent> {
        read(&Mail::parse(mail.as_bytes()))
    }
}
