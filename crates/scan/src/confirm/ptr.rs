//! Has the address a reverse name, does that lead back to it, and is it a server's name?

use std::net::IpAddr;

use waxseal_model::{
    Confirmation,
    dns::{DnsOutcome, RecordData},
};
use waxseal_net::resolver::reverse_name;

use super::{
    Run,
    notes::{Notes, list},
    spf,
    subject::Need,
};
use crate::names;

/// More reverse names than this are not followed.
const MOST_NAMES: usize = 4;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(address) = run.subject.client_address else {
        return notes.untested(spf::lacks(Need::ClientAddress));
    };
    let answer = run.means.resolver.lookup(&reverse_name(address), "PTR").await;
    let what = format!("reverse name of {address}");
    if !answer.is_conclusive() {
        let why = answer.reason.trim_end_matches('.').to_owned();
        let of_zone = answer.outcome == DnsOutcome::ServerError;
        notes.note(
            what,
            &why,
            if of_zone {
                waxseal_model::confirmation::Bearing::Supports
            } else {
                waxseal_model::confirmation::Bearing::Failed
            },
        );
        return if of_zone {
            notes.confirmed(format!(
                "the reverse name of {address} cannot be looked up from here either: {why}"
            ))
        } else {
            notes.untested(format!("the reverse name of {address} could not be looked up: {why}"))
        };
    }
    let names: Vec<String> = answer
        .records
        .iter()
        .filter_map(|r| if let RecordData::Ptr { target } = &r.data { Some(target.clone()) } else { None })
        .take(MOST_NAMES)
        .collect();
    if names.is_empty() {
        notes.supports(&what, "there is none");
        advise(address, &mut notes);
        return notes.confirmed(format!("{address} has no reverse name (PTR)"));
    }
    let mut back = Vec::new();
    let mut unknown = None;
    for name in &names {
        match leads_back(run, name, address).await {
            Ok(true) => {
                notes.note(
                    &what,
                    format!("{name}, which leads back to {address}"),
                    bearing(run.cause, name, address),
                );
                back.push(name.clone());
            }
            Ok(false) => notes.supports(&what, format!("{name}, which does not lead back to {address}")),
            Err(why) => {
                notes.failed(&what, format!("{name}, and {why}"));
                unknown.get_or_insert(why);
            }
        }
    }
    conclude(run, notes, address, &Found { names, back, unknown })
}

struct Found {
    names: Vec<String>,
    back: Vec<String>,
    unknown: Option<String>,
}

fn conclude(run: &Run<'_>, mut notes: Notes, address: IpAddr, found: &Found) -> Confirmation {
    let Found { names, back, unknown } = found;
    match (back.first(), unknown) {
        (Some(name), _) if run.cause == "dynamic_ip" => {
            if is_generic(name, address) {
                advise(address, &mut notes);
                notes.confirmed(format!(
                    "{name}, the reverse name of {address}, looks like that of a dial-up line: receivers take its mail \
                     only through the provider's server"
                ))
            } else {
                notes.untested(format!(
                    "{address} has the reverse name of a server ({name}), and which addresses a receiver counts as \
                     dynamic is written on its own lists: look at the one that the text names (--blocklist ZONE)"
                ))
            }
        }
        (Some(name), _) => notes.refuted(format!(
            "{address} has the reverse name {name}, which leads back to it: it was mended meanwhile, or the receiver's \
             DNS failed"
        )),
        (None, Some(why)) => notes.untested(why),
        (None, None) => {
            advise(address, &mut notes);
            notes.confirmed(format!(
                "{address} has the reverse name {}, which does not lead back to it",
                list(names)
            ))
        }
    }
}

fn bearing(cause: &str, name: &str, address: IpAddr) -> waxseal_model::confirmation::Bearing {
    use waxseal_model::confirmation::Bearing;
    match cause {
        "dynamic_ip" if is_generic(name, address) => Bearing::Supports,
        "dynamic_ip" => Bearing::Aside,
        _ => Bearing::Contradicts,
    }
}

/// Whether a name has the address among its own.
///
/// # Errors
/// It could not be looked up.
pub(super) async fn leads_back(run: &Run<'_>, name: &str, address: IpAddr) -> Result<bool, String> {
    let rtype = if address.is_ipv4() { "A" } else { "AAAA" };
    let answer = run.means.resolver.lookup(name, rtype).await;
    if !answer.is_conclusive() {
        return Err(format!("its address could not be looked up: {}", answer.reason.trim_end_matches('.')));
    }
    Ok(names::usable(std::slice::from_ref(&answer)).contains(&address))
}

/// True for names that providers give to lines of customers: with the address in them, or
/// one of the usual words.
fn is_generic(name: &str, address: IpAddr) -> bool {
    const WORDS: [&str; 10] =
        ["dyn", "dynamic", "dhcp", "pool", "dsl", "adsl", "dial", "dialup", "ppp", "cable"];
    let name = name.to_ascii_lowercase();
    let has_word = name.split(['.', '-']).any(|part| {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        WORDS.contains(&part)
    });
    let IpAddr::V4(v4) = address else { return has_word };
    let octets = v4.octets().map(|o| o.to_string());
    let digits: Vec<&str> = name.split(|c: char| !c.is_ascii_digit()).filter(|d| !d.is_empty()).collect();
    has_word || octets.iter().all(|o| digits.contains(&o.as_str()))
}

fn advise(address: IpAddr, notes: &mut Notes) {
    notes.fix(
        "whoever rents out the address",
        format!("Let the provider of {address} set its reverse name to the name of your server, and let that name have this address."),
        Some(format!("{}. PTR mail.example.com.", reverse_name(address))),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dial_up_lines_are_told_from_those_of_servers() {
        let address: IpAddr = "192.0.2.7".parse().unwrap();
        for name in
            ["192-0-2-7.example.net", "host7.2.0.192.example.net", "p7.dsl.example.net", "dyn-12.example.net"]
        {
            assert!(is_generic(name, address), "{name}");
        }
        for name in ["mail.example.net", "mx7.example.net", "dynamo.example.net"] {
            assert!(!is_generic(name, address), "{name}");
        }
    }
}
