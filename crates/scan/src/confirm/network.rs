//! Can the server be reached now; and where not, is it the port, the address family, the
//! server, or the network here?

use std::net::IpAddr;

use futures_util::{StreamExt, stream};
use waxseal_model::{Cause, Confirmation, Why, mail::Stage};

use super::{
    Run, dns,
    faults::{Fault, of_connection},
    notes::{Notes, list},
    servers::{self, Aim},
    weigh::{Place, Question, State, weigh},
};
use crate::{
    names,
    ports::{ALTERNATIVE, SMTP, SUBMISSION, SUBMISSIONS},
};

/// Ports for mail.
const PORTS: [u16; 4] = [SMTP, SUBMISSIONS, SUBMISSION, ALTERNATIVE];
/// Servers that are knocked at side by side.
const AT_A_TIME: usize = 8;
/// Other people's servers that are knocked at to tell whether port 25 is blocked here.
const MOST_CONTROLS: usize = 2;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    if let (None, Some(name)) = (&run.subject.server, &run.subject.missing_name) {
        return dns::name_alone(run, notes, name).await;
    }
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) if run.cause == "wrong_host" => return notes.confirmed(because),
        Err(because) => return notes.untested(because),
    };
    if run.cause == "wrong_host" {
        return super::welcome::confirm(run, notes).await;
    }
    if is_later(run) {
        return super::welcome::confirm(run, notes).await;
    }
    let knocks = found.aims.iter().map(|aim| servers::knock(run, aim.endpoint.address, aim.endpoint.port));
    let knocks: Vec<Result<(), Why>> = stream::iter(knocks).buffered(AT_A_TIME).collect().await;
    let knocked: Vec<(&Aim, Result<(), Why>)> = found.aims.iter().zip(knocks).collect();
    let unreachable = says_unreachable(&run.subject.words);
    let places: Vec<Place> = knocked.iter().map(|(aim, knock)| place(aim, knock, unreachable)).collect();
    if knocked.iter().all(|(_, knock)| knock.is_err()) {
        return none_stands(run, notes, &knocked, &places).await;
    }
    families(&knocked, &mut notes);
    let question = Question {
        accepts: accepts(run.cause),
        refuted: "a connection stands now at every address: it was mended meanwhile, or the way from the sender to it \
                  is blocked",
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

fn accepts(cause: &str) -> &'static [&'static str] {
    match cause {
        "connection_refused" => &["connection_refused"],
        "port_blocked" => &["port_blocked", "connect_failed", "connection_refused"],
        _ => &["connect_failed", "connection_refused", "connection_lost"],
    }
}

/// The connection stood, and then nothing came.
fn is_later(run: &Run<'_>) -> bool {
    let stage = run.diagnosis.event.stage;
    let text = run.subject.words.to_ascii_lowercase();
    stage.is_some_and(|s| s > Stage::Connect)
        || text.contains("after initial connection")
        || text.contains("greeting")
}

fn says_unreachable(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unreachable", "no route", "enetunreach", "ehostunreach"].iter().any(|w| text.contains(w))
}

fn place(aim: &Aim, knock: &Result<(), Why>, unreachable: bool) -> Place {
    let state = match knock {
        Ok(()) => State::Fine("a connection stands".to_owned()),
        // IPv6 that this machine does not have says nothing about the server, unless that is
        // what the text complains of.
        Err(why) if why.cause == Cause::Unreachable && !unreachable => State::Unknown(why.text.clone()),
        Err(why) => match of_connection(why) {
            Ok(fault) => State::Faults(vec![fault]),
            Err(why) => State::Unknown(why.text),
        },
    };
    Place { at: aim.at(), host: aim.host(), address: Some(aim.endpoint.address), state }
}

/// Says where one family of addresses works and the other does not.
fn families(knocked: &[(&Aim, Result<(), Why>)], notes: &mut Notes) {
    let of = |v4: bool| {
        let mut of_family = knocked.iter().filter(|(aim, _)| aim.endpoint.address.is_ipv4() == v4).peekable();
        of_family.peek()?;
        Some(of_family.any(|(_, knock)| knock.is_ok()))
    };
    let text = match (of(true), of(false)) {
        (Some(true), Some(false)) => "IPv4 works from here and IPv6 does not",
        (Some(false), Some(true)) => "IPv6 works from here and IPv4 does not",
        _ => return,
    };
    notes.aside("address families", text);
    if of(false) == Some(false) {
        notes.fix(
            "sender's server, Postfix",
            "Where IPv6 does not work, leave it out.",
            Some("inet_protocols = ipv4".to_owned()),
        );
    }
}

/// Nothing answers at the port: the other ports, and other servers, tell what it is.
async fn none_stands(
    run: &Run<'_>,
    mut notes: Notes,
    knocked: &[(&Aim, Result<(), Why>)],
    places: &[Place],
) -> Confirmation {
    let ours = knocked.iter().all(|(_, k)| k.as_ref().is_err_and(servers::is_ours));
    let question = Question {
        accepts: accepts(run.cause),
        refuted: "a connection stands now",
        named: run.diagnosis.event.remote_address,
    };
    if ours {
        return weigh(notes, places, &question);
    }
    let Some((aim, first)) = knocked.first() else { return weigh(notes, places, &question) };
    let (address, port) = (aim.endpoint.address, aim.endpoint.port);
    let open = other_ports(run, address, port, &mut notes).await;
    if !open.is_empty() && port == SMTP {
        notes.next(format!("waxseal check {}", aim.at_port(SUBMISSION).endpoint.argument()));
    }
    let filtered = first.as_ref().is_err_and(|why| why.cause != Cause::Refused);
    if port == SMTP && filtered && is_blocked_here(run, &mut notes).await {
        notes.fix(
            "this network",
            "Ask whoever runs it to open outgoing port 25, or send through a relay on 587 with a login.",
            None,
        );
        let text = "from here no server answers on port 25, others' neither, so this network blocks outgoing mail; \
                    what the server in question does cannot be told from here";
        if run.cause == "port_blocked" {
            return notes.confirmed(text);
        }
        return notes.untested(format!("{text}: if the sender is in this network, that is the reason"));
    }
    let places: Vec<Place> = places.iter().map(|p| with_other_ports(p, port, &open)).collect();
    weigh(notes, &places, &question)
}

/// The ports for mail at which a connection stands.
async fn other_ports(run: &Run<'_>, address: IpAddr, port: u16, notes: &mut Notes) -> Vec<u16> {
    let mut open = Vec::new();
    for other in PORTS.into_iter().filter(|p| *p != port) {
        let at = std::net::SocketAddr::new(address, other).to_string();
        match servers::knock_briefly(run, address, other).await {
            Ok(()) => {
                notes.aside(at, "a connection stands");
                open.push(other);
            }
            Err(why) => notes.aside(at, why.text),
        }
    }
    open
}

/// Whether port 25 stays shut at servers that take mail from everywhere.
async fn is_blocked_here(run: &Run<'_>, notes: &mut Notes) -> bool {
    let mut tried = 0;
    for domain in run.given.control.iter().take(MOST_CONTROLS) {
        let evidence = names::domain(&run.means.resolver, domain).await;
        let Some((host, address)) =
            evidence.hosts.iter().find_map(|h| Some((&h.name, h.addresses.iter().find(|a| a.is_ipv4())?)))
        else {
            continue;
        };
        let at = format!("{host}[{address}]:{SMTP}");
        tried += 1;
        match servers::knock_briefly(run, *address, SMTP).await {
            Ok(()) => {
                notes.aside(at, "for comparison: a connection stands, so port 25 is open from here");
                return false;
            }
            Err(why) => notes.aside(at, format!("for comparison: {}", why.text)),
        }
    }
    tried > 0
}

fn with_other_ports(place: &Place, port: u16, open: &[u16]) -> Place {
    let mut place = place.clone();
    if let (State::Faults(faults), false) = (&mut place.state, open.is_empty()) {
        let ports: Vec<String> = open.iter().map(u16::to_string).collect();
        for fault in faults.iter_mut() {
            let answer = if ports.len() == 1 { "answers" } else { "answer" };
            let text =
                format!("{} (the host is up: {} {answer}, and {port} does not)", fault.text, list(&ports));
            *fault = Fault::new(fault.cause, text);
        }
    }
    place
}
