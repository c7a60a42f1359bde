//! Where is AUTH offered, before and after TLS, with which mechanisms; and is the server the
//! one that takes mail for the recipient at all? Nothing is ever sent to sign in with.

use waxseal_model::{Confirmation, EndpointEvidence, Why, evidence::MailRouting, smtp::StarttlsOffer};

use super::{
    Run,
    notes::{Notes, list},
    recipient,
    servers::{self, Aim, ONE, is_mail_host},
};
use crate::{
    names,
    ports::{SMTP, SUBMISSION, SUBMISSIONS},
};

/// Where AUTH was found on one port.
#[derive(Debug, Clone)]
struct Offer {
    port: u16,
    at: String,
    /// The mechanisms in clear; none where AUTH is not offered there.
    clear: Option<Vec<String>>,
    /// The mechanisms within TLS.
    tls: Option<Vec<String>>,
    /// TLS stood.
    has_tls: bool,
    /// STARTTLS is offered and TLS did not come about, so that AUTH may be offered within.
    unseen: bool,
}

impl Offer {
    fn is_there(&self) -> bool {
        self.clear.is_some() || self.tls.is_some()
    }

    fn mechanisms(&self) -> &[String] {
        self.tls.as_deref().or(self.clear.as_deref()).unwrap_or_default()
    }

    fn says(&self) -> String {
        let words = |m: &[String]| if m.is_empty() { "no mechanism".to_owned() } else { m.join(" ") };
        match (&self.clear, &self.tls) {
            (Some(clear), Some(tls)) if clear == tls => {
                format!("AUTH is offered before and within TLS: {}", words(tls))
            }
            (Some(clear), Some(tls)) => {
                format!("AUTH is offered in clear ({}) and within TLS ({})", words(clear), words(tls))
            }
            (None, Some(tls)) => format!("AUTH is offered within TLS only: {}", words(tls)),
            (Some(clear), None) => format!("AUTH is offered in clear: {}", words(clear)),
            (None, None) if self.has_tls => "AUTH is offered neither in clear nor within TLS".to_owned(),
            (None, None) if self.unseen => {
                "AUTH is not offered in clear, and TLS, within which it may be, did not come about".to_owned()
            }
            (None, None) => "AUTH is not offered, and TLS neither".to_owned(),
        }
    }
}

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let Some(aim) = found.aims.first() else { return notes.untested("the server has no address") };
    let port = run.subject.server.as_ref().map_or(SMTP, super::subject::Server::port);
    let offers = offers(run, aim, port, &mut notes).await;
    let here = offers.iter().find(|o| o.port == port);
    let elsewhere: Vec<&Offer> = offers.iter().filter(|o| o.port != port && o.is_there()).collect();
    let Some(here) = here else {
        return notes.untested(format!("{} could not be asked", aim.at_port(port).at()));
    };
    if here.unseen && !here.is_there() {
        return notes.untested(format!("{}: {}", here.at, here.says()));
    }
    match run.cause {
        "auth_required" => required(notes, here, &elsewhere),
        "auth_not_offered" => not_offered(notes, here, &elsewhere),
        _ => mechanism(run, notes, here),
    }
}

fn where_else(elsewhere: &[&Offer]) -> String {
    let places: Vec<String> =
        elsewhere.iter().map(|o| format!("{} ({})", o.at, o.mechanisms().join(" "))).collect();
    list(&places)
}

fn required(notes: Notes, here: &Offer, elsewhere: &[&Offer]) -> Confirmation {
    match (here.is_there(), elsewhere) {
        (true, _) => notes.confirmed(format!(
            "{} offers a login ({}): set user name and password in the sending program",
            here.at,
            here.says()
        )),
        (false, []) => notes.rather(
            "auth_not_offered",
            format!(
                "{} demands a login and offers none on any port that answered: it is not a server to send through",
                here.at
            ),
        ),
        (false, _) => {
            notes.confirmed(format!("{} offers no login: send through {}", here.at, where_else(elsewhere)))
        }
    }
}

fn not_offered(notes: Notes, here: &Offer, elsewhere: &[&Offer]) -> Confirmation {
    match (&here.clear, &here.tls) {
        (None, Some(mechanisms)) => notes.confirmed(format!(
            "{} offers AUTH ({}) within TLS only, so a program that does not start TLS first finds none: switch on \
             STARTTLS, or SSL/TLS on 465",
            here.at,
            mechanisms.join(" ")
        )),
        (None, None) if elsewhere.is_empty() => {
            notes.confirmed(format!("{} offers AUTH on no port that answered", here.at))
        }
        (None, None) => {
            notes.confirmed(format!("{} offers no AUTH: use {}", here.at, where_else(elsewhere)))
        }
        (Some(_), _) => notes.refuted(format!("{}: {}", here.at, here.says())),
    }
}

fn mechanism(run: &Run<'_>, notes: Notes, here: &Offer) -> Confirmation {
    const KNOWN: [&str; 12] = [
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1",
        "CRAM-MD5",
        "DIGEST-MD5",
        "XOAUTH2",
        "OAUTHBEARER",
        "GSSAPI",
        "NTLM",
        "EXTERNAL",
        "PLAIN",
        "LOGIN",
    ];
    let text = run.subject.words.to_ascii_uppercase();
    let is_offered = |m: &str| here.mechanisms().iter().any(|o| o.eq_ignore_ascii_case(m));
    let named = KNOWN.into_iter().find(|m| stands_alone(&text, m));
    match named {
        _ if !here.is_there() => notes.rather("auth_not_offered", format!("{}: {}", here.at, here.says())),
        Some(named) if is_offered(named) => {
            notes.refuted(format!("{} offers {named}: {}", here.at, here.says()))
        }
        Some(named) => notes.confirmed(format!(
            "{} does not offer {named}; it offers {}",
            here.at,
            here.mechanisms().join(" ")
        )),
        None => notes.untested(format!(
            "the text does not say which mechanism was tried; {} offers {}",
            here.at,
            here.mechanisms().join(" ")
        )),
    }
}

/// True if the word stands in the text by itself.
fn stands_alone(text: &str, word: &str) -> bool {
    super::subject::words(text).any(|w| w == word)
}

/// The recipient's server, or somebody else's?
pub(super) async fn relay(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(server) = run.subject.server.clone() else {
        return notes.untested("the text does not say which server refused: name it with --server HOST:PORT");
    };
    let found = match servers::host(run, &server, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let label = server.label();
    if let Some(domain) = &run.subject.recipient_domain {
        let domain = names::domain(&run.means.resolver, domain).await;
        let hosts: Vec<&str> = domain.hosts.iter().map(|h| h.name.as_str()).collect();
        let addresses = found.aims.iter().map(|a| a.endpoint.address);
        let is_own = is_mail_host(&domain, &server)
            || addresses.into_iter().any(|a| domain.hosts.iter().any(|h| h.addresses.contains(&a)));
        if domain.routing == MailRouting::Unknown {
            let why = servers::no_host(&domain).text;
            return notes.untested(format!(
                "whether {label} is a mail host of {} is not known: {}",
                domain.name,
                why.trim_end_matches('.')
            ));
        }
        if hosts.is_empty() {
            notes.failed(format!("MX of {}", domain.name), servers::no_host(&domain).text);
        } else {
            notes.aside(format!("MX of {}", domain.name), list(&hosts));
        }
        if is_own && server.port() == SMTP {
            return at_own_mx(run, notes, &label, &domain.name).await;
        }
    }
    let Some(aim) = found.aims.first() else { return notes.untested("the server has no address") };
    let offers = offers(run, aim, server.port(), &mut notes).await;
    let with: Vec<&Offer> = offers.iter().filter(|o| o.is_there()).collect();
    if offers.is_empty() {
        return notes.untested(format!("{label} could not be reached at any port for mail"));
    }
    let whose = match &run.subject.recipient_domain {
        Some(domain) => format!("{label} does not take mail for {domain}"),
        None => format!("{label} takes mail for others only from those it knows"),
    };
    let after = match with.as_slice() {
        [] => "and offers no login on any port that answered: send through the recipient's MX or your own provider's server"
            .to_owned(),
        some => format!("unless the sender signs in, at {}", where_else(some)),
    };
    notes.confirmed(format!("{whose}, {after}"))
}

/// The recipient's own MX refuses: whether it still does takes a delivery attempt.
async fn at_own_mx(run: &Run<'_>, mut notes: Notes, label: &str, domain: &str) -> Confirmation {
    notes.aside(label, format!("it is a mail host of {domain}, so it should take its mail"));
    if run.given.recipient_test.is_some() {
        return recipient::confirm(run, notes).await;
    }
    notes.next("waxseal diagnose TEXT --rcpt");
    notes.untested(format!(
        "{label} is a mail host of {domain} and should take its mail without a login: only a delivery attempt shows \
         whether it still refuses (--rcpt), and its admin must add the domain"
    ))
}

/// Looks for AUTH on the port in question and those for submission.
async fn offers(run: &Run<'_>, aim: &Aim, port: u16, notes: &mut Notes) -> Vec<Offer> {
    let mut ports = vec![port, SUBMISSION, SUBMISSIONS, SMTP];
    let mut seen = Vec::new();
    ports.retain(|p| {
        let new = !seen.contains(p);
        seen.push(*p);
        new
    });
    let mut offers = Vec::new();
    for port in ports {
        let aim = aim.at_port(port);
        let looked = servers::look(run, std::slice::from_ref(&aim), ONE).await;
        let Some(evidence) = looked.into_iter().next() else { continue };
        match offer(&evidence) {
            Ok(offer) => {
                notes.aside(&offer.at, offer.says());
                offers.push(offer);
            }
            Err(why) => notes.failed(aim.at(), why.text),
        }
    }
    offers
}

fn offer(seen: &EndpointEvidence) -> Result<Offer, Why> {
    let smtp = &seen.evidence.smtp;
    if let Some(why) = smtp.connected.why() {
        return Err(why.clone());
    }
    let clear = smtp.ehlo_plain.get();
    let tls = smtp.ehlo_tls.get();
    if clear.is_none() && tls.is_none() {
        let why = smtp.greeting.why().or(smtp.ehlo_plain.why()).or(seen.evidence.tls.handshake.why());
        return Err(why
            .cloned()
            .unwrap_or_else(|| Why::new(waxseal_model::Cause::Protocol, "EHLO was not answered")));
    }
    let mechanisms = |e: Option<&waxseal_model::smtp::EhloFacts>| e?.keyword("AUTH").map(<[String]>::to_vec);
    let offered = smtp.starttls_offer.get() == Some(&StarttlsOffer::Advertised);
    Ok(Offer {
        port: seen.endpoint.port,
        at: seen.endpoint.id(),
        clear: mechanisms(clear),
        tls: mechanisms(tls),
        has_tls: tls.is_some(),
        unseen: offered && tls.is_none(),
    })
}
