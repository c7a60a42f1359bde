//! Which versions and suites come about with the server, against what the text complains of.

use waxseal_model::{Confirmation, EndpointEvidence, Observed, tls::TlsVersion};

use super::{
    Run,
    faults::{Fault, of_tls},
    notes::{Notes, list},
    servers::{self, Depth, host_of},
    weigh::{Place, Question, State, weigh},
};

/// Enough for all versions.
const VERSIONS: Depth = Depth { budget: 10, start_fixed: true };
/// Enough for classes of suites too.
const SUITES: Depth = Depth { budget: 20, start_fixed: true };
/// OpenSSL and GnuTLS refuse shorter Diffie-Hellman primes at their usual level.
const SHORTEST_DH: u32 = 2048;

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let about = About::of(run.cause, &run.subject.words);
    let depth = if about == About::Versions { VERSIONS } else { SUITES };
    let seen = servers::look(run, &found.aims, depth).await;
    let places: Vec<Place> = seen.iter().map(|seen| place(run, about, seen)).collect();
    let refuted = match about {
        About::Versions => {
            "the server takes old and new versions of TLS, so no version of the sender's should fail: see its own \
             settings (Postfix: smtp_tls_protocols), and what stands on the path"
        }
        About::Suites => {
            "a handshake with current suites comes about, so it is the sender's list that has nothing in common \
             with it: see its settings (Postfix: smtp_tls_mandatory_ciphers) and the age of its TLS library"
        }
        About::Handshake => "a handshake comes about now at every address that answered",
    };
    let question = Question {
        accepts: &["tls_version", "tls_handshake", "tls_unavailable"],
        refuted,
        named: run.diagnosis.event.remote_address,
    };
    weigh(notes, &places, &question)
}

/// What the text complains of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Versions,
    Suites,
    Handshake,
}

impl About {
    fn of(cause: &str, text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|w| text.contains(w));
        if says(&["cipher", "dh key", "dh_key", "modulus too small", "ee key too small"]) {
            return Self::Suites;
        }
        if cause == "tls_version" || says(&["protocol version", "unsupported protocol", "version too low"]) {
            return Self::Versions;
        }
        Self::Handshake
    }
}

fn place(run: &Run<'_>, about: About, seen: &EndpointEvidence) -> Place {
    let newest = accepted(seen).last().copied();
    // That the TLS library found nothing in common is explained by the versions.
    let explained = newest.is_some_and(|v| v < TlsVersion::Tls12);
    let state = match of_tls(seen, run.given.now) {
        Err(why) => State::Unknown(why.text),
        Ok(faults) => {
            // Some senders call a certificate that they do not take a handshake that failed.
            let counts = |fault: &Fault| match fault.cause {
                cause if cause.starts_with("cert_") => about == About::Handshake,
                cause if cause.starts_with("tls_") => !explained,
                _ => true,
            };
            let mut faults: Vec<Fault> = faults.into_iter().filter(counts).collect();
            faults.extend(of_versions(about, seen));
            faults.extend(of_dh(seen));
            if faults.is_empty() { State::Fine(fine(seen)) } else { State::Faults(faults) }
        }
    };
    Place {
        at: seen.endpoint.id(),
        host: host_of(&seen.endpoint),
        address: Some(seen.endpoint.address),
        state,
    }
}

/// The versions that were accepted, oldest first.
fn accepted(seen: &EndpointEvidence) -> Vec<TlsVersion> {
    let versions = &seen.evidence.tls.versions;
    versions.iter().filter(|(_, o)| o.get() == Some(&true)).map(|(v, _)| *v).collect()
}

fn labels(versions: &[TlsVersion]) -> String {
    list(&versions.iter().map(|v| v.label()).collect::<Vec<_>>())
}

fn of_versions(about: About, seen: &EndpointEvidence) -> Option<Fault> {
    let accepted = accepted(seen);
    let newest = accepted.last()?;
    if *newest < TlsVersion::Tls12 {
        let text = format!("the server knows nothing newer than {}", newest.label());
        return Some(Fault::new("tls_version", text));
    }
    let refused = |v: TlsVersion| seen.evidence.tls.versions.get(&v).and_then(Observed::get) == Some(&false);
    let old_are_refused = [TlsVersion::Tls10, TlsVersion::Tls11].into_iter().all(refused);
    (about == About::Versions && old_are_refused).then(|| {
        let text = format!(
            "the server takes {} and nothing older, so whoever gets this error offers an older version",
            labels(&accepted)
        );
        Fault::new("tls_version", text)
    })
}

fn of_dh(seen: &EndpointEvidence) -> Option<Fault> {
    let dh = seen.evidence.tls.dh.get()?;
    (dh.bits < SHORTEST_DH).then(|| {
        let text =
            format!("the server's Diffie-Hellman prime has {} bits, which current senders refuse", dh.bits);
        Fault::new("tls_version", text)
    })
}

fn fine(seen: &EndpointEvidence) -> String {
    let versions = format!("the server takes {}", labels(&accepted(seen)));
    match seen.evidence.tls.handshake.get() {
        Some(handshake) => format!("{versions}; a handshake comes about with {}", handshake.suite.name),
        None => versions,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_tell_versions_from_suites() {
        for (cause, text, expected) in [
            ("tls_version", "tlsv1 alert protocol version", About::Versions),
            ("tls_version", "no shared cipher", About::Suites),
            ("tls_handshake", "dh key too small", About::Suites),
            ("tls_handshake", "SSL_connect error", About::Handshake),
        ] {
            assert_eq!(About::of(cause, text), expected, "{text}");
        }
    }
}
