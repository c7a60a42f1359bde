//! Is the name given in EHLO one that exists, and does it lead to the address that sends?

use std::net::IpAddr;

use waxseal_model::Confirmation;
use waxseal_wire::target::name_to_ascii;

use super::{
    Run,
    notes::{Notes, list},
    ptr, spf,
    subject::Need,
};
use crate::names;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(given) = run.subject.helo.clone() else {
        return notes.untested(spf::lacks(Need::Helo));
    };
    let what = format!("EHLO name {given}");
    advise(&mut notes);
    let name = match form(&given) {
        Ok(name) => name,
        Err(wrong) => {
            notes.supports(&what, wrong);
            return notes.confirmed(format!("{given} is {wrong}"));
        }
    };
    let answers = names::addresses(&run.means.resolver, &name).await;
    let addresses = names::usable(&answers);
    if addresses.is_empty() {
        let why = names::no_address(&name, &answers);
        if why.cause == waxseal_model::Cause::Name {
            notes.supports(&what, &why.text);
            return notes.confirmed(why.text);
        }
        notes.failed(&what, &why.text);
        return notes.untested(why.text);
    }
    let shown = list(&addresses.iter().map(ToString::to_string).collect::<Vec<_>>());
    let Some(client) = run.subject.client_address else {
        notes.contradicts(&what, &shown);
        return notes.refuted(format!("{name} is a full name with an address ({shown})"));
    };
    match ptr::leads_back(run, &name, client).await {
        Ok(true) => {
            notes.contradicts(&what, format!("it leads to {client}"));
            notes.refuted(format!("{name} is a full name that leads to {client}, as it should"))
        }
        Ok(false) => {
            notes.supports(&what, format!("it leads to {shown}, not to {client}"));
            notes.confirmed(format!("{name} leads to {shown}, not to {client} that sent"))
        }
        Err(why) => notes.untested(why),
    }
}

/// The name in A-labels.
///
/// # Errors
/// What it is instead of a full name.
fn form(given: &str) -> Result<String, &'static str> {
    if given.starts_with('[') {
        return Err("an address in brackets, which the standard allows and many servers refuse");
    }
    if given.parse::<IpAddr>().is_ok() {
        return Err("a bare address, where a name must stand (RFC 5321 section 4.1.1.1)");
    }
    match name_to_ascii(given) {
        Ok(name) if name.contains('.') => Ok(name),
        Ok(_) => Err("no full name of a host: it has no domain"),
        Err(_) => Err("no name of a host at all"),
    }
}

fn advise(notes: &mut Notes) {
    notes.fix(
        "sender's server, Postfix",
        "Give a full name in EHLO that exists in DNS and leads to the address that sends.",
        Some("myhostname = mail.example.com".to_owned()),
    );
    notes.fix("sender's server, Exim", "Likewise.", Some("primary_hostname = mail.example.com".to_owned()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_name_is_looked_up() {
        assert_eq!(form("Mail.example.com").as_deref(), Ok("mail.example.com"));
        for wrong in ["desktop", "192.0.2.1", "[192.0.2.1]", "a b", ""] {
            assert!(form(wrong).is_err(), "{wrong}");
        }
    }
}
