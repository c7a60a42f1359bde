//! Is the certificate sound: its dates, its names, its chain, and where the text says so,
//! its standing with the issuer?

use waxseal_model::{Cause, Confirmation, EndpointEvidence, Observed, Why, revocation::RevocationStatus};

use super::{
    Run,
    faults::{Fault, all_well, date, of_certificates},
    notes::Notes,
    servers::{self, Depth, ONE, host_of},
    starttls,
    weigh::{Place, Question, State, weigh},
};
use crate::issuers::{CertificateLookups, CertificateOptions};

/// Connections to servers with which the first handshake fails: enough to read the
/// certificate from hand-made hellos.
const OLD_TLS: Depth = Depth { budget: 6, start_fixed: true };

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    if run.cause == "tls_interception" && !names_program(&run.subject.words) {
        return starttls::confirm(run, notes).await;
    }
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let mut seen = servers::look(run, &found.aims, ONE).await;
    for (aim, first) in found.aims.iter().zip(&mut seen) {
        if !first.evidence.chains.is_seen() && first.evidence.tls.handshake.why().is_some_and(is_old) {
            let again = servers::look(run, std::slice::from_ref(aim), OLD_TLS).await;
            *first = again.into_iter().next().unwrap_or_else(|| first.clone());
        }
    }
    let mut places: Vec<Place> = seen.iter().map(|seen| place(run, seen)).collect();
    let text = &run.subject.words;
    let about = About::of(run.cause, text);
    if about == About::Revocation {
        for (seen, place) in seen.iter_mut().zip(&mut places) {
            revocation(run, seen, place).await;
        }
    }
    let question = Question {
        accepts: accepts(about),
        refuted: refuted(about),
        named: run.diagnosis.event.remote_address,
    };
    if run.cause == "tls_interception" {
        return intercepted(notes, &places, &question);
    }
    if about == About::Dates {
        compare_clocks(run, &seen, &mut notes);
    }
    advise(&places, &mut notes);
    weigh(notes, &places, &question)
}

/// Dates of a certificate are only as good as the clock that they are compared with.
fn compare_clocks(run: &Run<'_>, seen: &[EndpointEvidence], notes: &mut Notes) {
    for seen in seen {
        let leaf = seen.evidence.chains.get().and_then(|chains| chains.first()?.leaf());
        if let Some(leaf) = leaf {
            let said = format!("valid from {} to {}", date(leaf.not_before), date(leaf.not_after));
            notes.aside(format!("certificate of {}", seen.endpoint.id()), said);
        }
    }
    notes.aside("the clock here", format!("it is {}", date(run.given.now)));
    if let Some(time) = run.diagnosis.event.time {
        notes.aside("the time in the text", date(time));
    }
}

/// The text quotes a certificate rather than an overwritten EHLO.
fn names_program(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["issuer", "cert", "root", "verify", "ssl/tls scanning", "untrusted"].iter().any(|w| text.contains(w))
}

/// The server refuses what the TLS library offers: it may take older versions.
fn is_old(why: &Why) -> bool {
    matches!(why.cause, Cause::Unsupported | Cause::Declined)
}

fn accepts(about: About) -> &'static [&'static str] {
    match about {
        About::Dates => &["cert_expired"],
        About::Name => &["cert_name_mismatch"],
        About::Trust => &["cert_untrusted"],
        About::Revocation => &[REVOKED],
    }
}

fn refuted(about: About) -> &'static str {
    match about {
        About::Name => {
            "the certificate bears the name of the host at every address that answered: it was replaced meanwhile, \
             or the sender compares it with another name"
        }
        About::Trust => {
            "the certificate leads to a root that is trusted here, at every address that answered: it was mended \
             meanwhile, or the sender lacks that root (ca-certificates), or something near the sender opens TLS"
        }
        About::Revocation => "the issuer says that the certificate is good",
        About::Dates => {
            "the certificate is valid today, by the clock here, at every address that answered: it was renewed \
             meanwhile, or the clock of the machine that complained is wrong"
        }
    }
}

/// What the text complains of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Dates,
    Name,
    Trust,
    Revocation,
}

impl About {
    fn of(cause: &str, text: &str) -> Self {
        match cause {
            _ if text.to_ascii_lowercase().contains("revoked") => Self::Revocation,
            "cert_expired" => Self::Dates,
            "cert_name_mismatch" => Self::Name,
            _ => Self::Trust,
        }
    }
}

/// Stands for a fault that the taxonomy counts among the untrusted ones.
const REVOKED: &str = "cert_revoked";

fn place(run: &Run<'_>, seen: &EndpointEvidence) -> Place {
    Place {
        at: seen.endpoint.id(),
        host: host_of(&seen.endpoint),
        address: Some(seen.endpoint.address),
        state: match of_certificates(seen, run.given.now) {
            Ok(faults) if faults.is_empty() => State::Fine(all_well(seen, run.given.now)),
            Ok(faults) => State::Faults(faults),
            Err(why) => State::Unknown(why.text),
        },
    }
}

/// Asks the issuers. What they do not say leaves the place open.
async fn revocation(run: &Run<'_>, seen: &mut EndpointEvidence, place: &mut Place) {
    let weak_keys = Err(Why::new(Cause::NotAsked, "not asked"));
    let options = CertificateOptions { online: true, inside: run.means.inside, weak_keys };
    let lookups = CertificateLookups::new(options);
    lookups.complete(&run.means.resolver, &run.means.prober, &mut seen.evidence).await;
    let Observed::Seen { value: chains } = &seen.evidence.chains else { return };
    let Some(chain) = chains.first() else { return };
    let mut good = false;
    let mut why = "its issuer names no service that could be asked".to_owned();
    for facts in chain.revocation.get().into_iter().flatten() {
        let now = run.given.now;
        let ocsp = facts.ocsp.get().and_then(|o| Some((o.authentic_status()?, o.is_current(now))));
        let crl = facts.crl.get().and_then(|c| Some((c.authentic_status()?, c.is_current(now))));
        for (status, is_current) in [ocsp, crl].into_iter().flatten() {
            // A revocation stands, however old the statement is.
            match status {
                RevocationStatus::Revoked { at, reason } => {
                    let reason = reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
                    let text = format!("the issuer revoked the certificate on {}{reason}", date(*at));
                    place.state = State::Faults(vec![Fault::new(REVOKED, text)]);
                    return;
                }
                RevocationStatus::Good => good |= facts.certificate == 0 && is_current,
                RevocationStatus::Unknown => {}
            }
        }
        if let Some(reason) = facts.ocsp.why().or(facts.crl.why()) {
            why.clone_from(&reason.text);
        }
    }
    if !good {
        place.state = State::Unknown(format!("whether the certificate is revoked is not known: {why}"));
    }
}

/// Interception happens near the sender: a certificate that is sound from here confirms it.
fn intercepted(mut notes: Notes, places: &[Place], question: &Question<'_>) -> Confirmation {
    let sound = places.iter().any(|p| matches!(p.state, State::Fine(_)));
    let unsound = places.iter().any(|p| matches!(p.state, State::Faults(_)));
    if !sound || unsound {
        let question = Question { accepts: &[], ..*question };
        return weigh(notes, places, &question);
    }
    for place in places {
        match &place.state {
            State::Fine(text) => notes.supports(&place.at, text),
            State::Unknown(why) => notes.failed(&place.at, why),
            State::Faults(_) => {}
        }
    }
    notes.confirmed(
        "from here the server presents a sound certificate of its own, so the one in the text was put in between \
         by a program or device near the sender",
    )
}

fn advise(places: &[Place], notes: &mut Notes) {
    let shows = |cause: &str| {
        places
            .iter()
            .any(|p| matches!(&p.state, State::Faults(faults) if faults.iter().any(|f| f.cause == cause)))
    };
    let incomplete = places.iter().any(|p| {
        matches!(&p.state, State::Faults(faults) if faults.iter().any(|f| f.text.contains("does not send the intermediate")))
    });
    if incomplete {
        notes.fix(
            "recipient's server",
            "Send the intermediate certificate along: use the full chain (fullchain.pem) instead of the \
             certificate alone.",
            Some("Postfix: smtpd_tls_chain_files = privkey.pem, fullchain.pem".to_owned()),
        );
    }
    if shows("cert_expired") {
        notes.fix(
            "recipient's server",
            "Renew the certificate, and let the mail server read it again: many renewals stay without effect until \
             it does.",
            Some("certbot renew --deploy-hook 'postfix reload'".to_owned()),
        );
    }
}
