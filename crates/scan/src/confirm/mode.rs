//! How does TLS begin on each port of the server: at once, or by STARTTLS?

use waxseal_model::{Cause, Confirmation, TlsStart, smtp::StarttlsOffer};

use super::{
    Run,
    notes::Notes,
    servers::{self, Aim, Depth, ONE},
};
use crate::ports::{SMTP, SUBMISSION, SUBMISSIONS};

/// What a port turned out to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaks {
    /// TLS from the first byte.
    TlsAtOnce,
    /// In clear, STARTTLS offered.
    Starttls,
    /// In clear, without STARTTLS.
    Clear,
}

impl Speaks {
    fn words(self) -> &'static str {
        match self {
            Self::TlsAtOnce => "begins with TLS at once: set SSL/TLS",
            Self::Starttls => "begins in clear and offers STARTTLS: set STARTTLS",
            Self::Clear => "begins in clear and offers no STARTTLS: set no encryption, or use another port",
        }
    }
}

pub(super) async fn confirm(run: &Run<'_>, mut notes: Notes) -> Confirmation {
    let found = match servers::find(run, &mut notes).await {
        Ok(found) => found,
        Err(because) => return notes.untested(because),
    };
    let Some(aim) = found.aims.first() else { return notes.untested("the server has no address") };
    let named = run.subject.server.as_ref().and_then(|s| s.port);
    let mut ports = vec![SMTP, SUBMISSIONS, SUBMISSION];
    ports.retain(|port| Some(*port) != named);
    ports.splice(0..0, named);
    let mut at_named = None;
    for port in ports {
        let place = aim.at_port(port).at();
        match speaks(run, aim, port).await {
            Ok(speaks) => {
                if named == Some(port) {
                    at_named = Some(speaks);
                    notes.supports(place, speaks.words());
                } else {
                    notes.aside(place, speaks.words());
                }
            }
            Err(why) => notes.failed(place, why),
        }
    }
    conclude(run, notes, aim, named, at_named)
}

fn conclude(
    run: &Run<'_>,
    notes: Notes,
    aim: &Aim,
    named: Option<u16>,
    at_named: Option<Speaks>,
) -> Confirmation {
    let Some(port) = named else {
        return notes.untested(
            "the text does not say which port was used: compare the settings with what each port speaks, above, or \
             name it with --server HOST:PORT",
        );
    };
    let at = aim.at_port(port).at();
    let Some(speaks) = at_named else {
        return notes.untested(format!("{at} could not be asked: see above which ports answer"));
    };
    let clear_first = speaks != Speaks::TlsAtOnce;
    match began_with_tls(&run.subject.words) {
        Some(tls) if tls != clear_first => notes.refuted(format!(
            "{at} {}, which is how the sender began: something between them changes it, or it was set right since",
            speaks.words()
        )),
        _ => notes.confirmed(format!("{at} {}", speaks.words())),
    }
}

/// Whether the sender began with TLS, by its words: OpenSSL, GnuTLS, Java, .NET and Go say
/// so where they got a greeting in the place of a TLS record.
fn began_with_tls(text: &str) -> Option<bool> {
    const TLS_FIRST: [&str; 9] = [
        "wrong version number",
        "unknown protocol",
        "unexpected tls packet",
        "unexpected packet format",
        "plaintext connection?",
        "first record does not look like a tls handshake",
        "record layer failure",
        "packet length too long",
        "tlsv1_alert",
    ];
    const CLEAR_FIRST: [&str; 5] = [
        "greeting never received",
        "connection unexpectedly closed",
        "no greeting",
        "waiting for the greeting",
        "garbage instead of smtp",
    ];
    let text = text.to_ascii_lowercase();
    let says = |marks: &[&str]| marks.iter().any(|mark| text.contains(mark));
    if says(&TLS_FIRST) {
        return Some(true);
    }
    says(&CLEAR_FIRST).then_some(false)
}

/// What a port speaks: one connection, and a second in the other way where the first was
/// left without a word.
async fn speaks(run: &Run<'_>, aim: &Aim, port: u16) -> Result<Speaks, String> {
    let first = crate::ports::tls_start(port);
    let seen = look(run, &aim.with_start(port, first)).await.ok_or("it was not asked")?;
    let smtp = &seen.evidence.smtp;
    if let Some(why) = smtp.connected.why() {
        return Err(why.text.clone());
    }
    let in_clear = smtp.greeting.is_seen() && first == TlsStart::Starttls;
    if in_clear {
        return match smtp.starttls_offer.get() {
            Some(StarttlsOffer::Advertised) => Ok(Speaks::Starttls),
            Some(_) => Ok(Speaks::Clear),
            None => Err(smtp.ehlo_plain.why().map_or_else(String::new, |why| why.text.clone())),
        };
    }
    if let Some(what) = &smtp.not_smtp {
        return Err(format!("no mail server answers there but {what}"));
    }
    if seen.evidence.tls.handshake.is_seen() {
        return Ok(Speaks::TlsAtOnce);
    }
    let why = match first {
        TlsStart::Implicit => seen.evidence.tls.handshake.why(),
        TlsStart::Starttls => smtp.greeting.why(),
    };
    let turns = why.is_some_and(|w| matches!(w.cause, Cause::Timeout | Cause::Protocol | Cause::Closed));
    let other = if first == TlsStart::Implicit { TlsStart::Starttls } else { TlsStart::Implicit };
    let because = why.map_or_else(String::new, |why| why.text.clone());
    if !turns {
        return Err(because);
    }
    let seen = look_again(run, &aim.with_start(port, other)).await.ok_or("it was not asked")?;
    let smtp = &seen.evidence.smtp;
    match other {
        TlsStart::Implicit if seen.evidence.tls.handshake.is_seen() => Ok(Speaks::TlsAtOnce),
        TlsStart::Starttls => match smtp.starttls_offer.get() {
            Some(StarttlsOffer::Advertised) => Ok(Speaks::Starttls),
            Some(_) => Ok(Speaks::Clear),
            None => Err(because),
        },
        TlsStart::Implicit => Err(because),
    }
}

/// On 465 the first connection only shows who speaks first.
async fn look_again(run: &Run<'_>, aim: &Aim) -> Option<waxseal_model::EndpointEvidence> {
    let depth = Depth { budget: 2, start_fixed: true };
    servers::look(run, std::slice::from_ref(aim), depth).await.into_iter().next()
}

async fn look(run: &Run<'_>, aim: &Aim) -> Option<waxseal_model::EndpointEvidence> {
    servers::look(run, std::slice::from_ref(aim), ONE).await.into_iter().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_libraries_tell_who_began_with_tls() {
        for (text, expected) in [
            ("error:1408F10B:SSL routines:ssl3_get_record:wrong version number", Some(true)),
            ("tls: first record does not look like a TLS handshake", Some(true)),
            ("Unrecognized SSL message, plaintext connection?", Some(true)),
            ("Greeting never received", Some(false)),
            ("535 5.7.8 no", None),
        ] {
            assert_eq!(began_with_tls(text), expected, "{text}");
        }
    }
}
