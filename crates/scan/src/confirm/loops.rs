//! Does the MX of the recipient's domain lead back to the one that sends?

use std::net::IpAddr;

use waxseal_model::Confirmation;
use waxseal_net::egress::special_purpose;

use super::{Run, notes::Notes, servers, spf, subject::Need};
use crate::names;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let Some(domain) = run.subject.recipient_domain.clone() else {
        return notes.untested(spf::lacks(Need::Place));
    };
    let evidence = names::domain(&run.means.resolver, &domain).await;
    let found = match servers::mail_hosts(evidence, &mut notes) {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let mx: Vec<(IpAddr, String)> = found.aims.iter().map(|a| (a.endpoint.address, a.host())).collect();
    let event = &run.diagnosis.event;
    let reporter = event.reporter.clone();
    let mut own: Vec<IpAddr> = event.client_address.into_iter().chain(run.given.address).collect();
    if let Some(reporter) = &reporter {
        let answers = names::addresses(&run.means.resolver, reporter).await;
        own.extend(names::usable(&answers));
    }
    let is_own = |(address, host): &&(IpAddr, String)| {
        own.contains(address) || reporter.as_deref().is_some_and(|r| r.eq_ignore_ascii_case(host))
    };
    if let Some((address, host)) = mx.iter().find(is_own) {
        notes.supports(format!("{host}[{address}]"), "it is the server that reports the loop");
        notes.fix(
            "that server",
            format!(
                "It is the MX of {domain} and does not know the domain as its own. Postfix: add it to \
                     mydestination, virtual_mailbox_domains or relay_domains."
            ),
            Some(format!("postconf -e 'mydestination = $myhostname, localhost, {domain}'")),
        );
        return notes.confirmed(format!(
            "the MX of {domain} ({host}) is the very server that reports the loop, which does not know the domain as \
             its own"
        ));
    }
    // An address inside leads every sender to itself.
    let inside = mx.iter().find_map(|(a, host)| Some((a, host, special_purpose(*a)?)));
    let to_itself = says_itself(&run.subject.words) && own.iter().all(|o| special_purpose(*o).is_none());
    if let Some((address, host, block)) = inside.filter(|_| to_itself) {
        notes.supports(format!("{host}[{address}]"), format!("no public address ({block})"));
        return notes.confirmed(format!(
            "the MX of {domain} has the address {address} ({block}), which leads every sender to a machine of its own"
        ));
    }
    let known = reporter.is_some() || !own.is_empty();
    if known {
        notes.aside("the server that reports", reporter.unwrap_or_else(|| "known by its address".to_owned()));
    }
    notes.untested(
        "the MX does not lead straight back to the server that reports, and forwards between mailboxes cannot be seen \
         from outside: the Received lines of the bounced message show the circle",
    )
}

/// The server found that it is to send to itself; else it counted hops.
fn says_itself(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["myself", "local host", "localhost", "itself", "config error"].iter().any(|w| text.contains(w))
}
