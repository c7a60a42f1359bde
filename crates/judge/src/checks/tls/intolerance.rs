//! Check [`tls.intolerance`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::Novelty;

check! {
    /// Hellos with something new in them are refused.
    ///
    /// # Effect
    /// TLS grows by what servers ignore as long as they do not know it. A server that
    /// refuses the unknown loses the senders that are updated first: they go on in clear, or
    /// keep the mail.
    /// # Method
    /// A hello that is accepted is sent again with one novelty: reserved values (GREASE), an
    /// unknown extension, a future version, more than 4 KiB, 256 to 511 bytes, an empty
    /// extension at the end.
    /// # Fix
    /// Update the TLS library, or the firewall or load balancer that reads the hello.
    /// # Sources
    /// RFC 8701; RFC 8446 section 4.1.2 and appendix D; RFC 5246 appendix E.1; RFC 7685.
    "tls.intolerance", Audit, judge
}

fn judge(case: &Case) -> Outcome {
    let tolerance = &case.audit()?.tolerance;
    if tolerance.is_empty() {
        return Err(Why::new(Cause::NotAsked, "hellos with something new were not sent"));
    }
    let mut found = Vec::new();
    let mut unknown = None;
    for entry in tolerance {
        match known_if_applicable(&entry.tolerated) {
            Ok(Some(false)) => found.push(finding(case, entry.novelty)),
            Ok(_) => {}
            Err(why) => unknown = unknown.or(Some(why)),
        }
    }
    match unknown {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fn finding(case: &Case, novelty: Novelty) -> waxseal_model::Finding {
    let (severity, what, who) = match novelty {
        Novelty::Grease => (
            Severity::Medium,
            "hellos with reserved values (GREASE)",
            "Any sender with a suite or group that this server does not know fails.",
        ),
        Novelty::UnknownExtension => (
            Severity::Medium,
            "hellos with an unknown extension",
            "Any sender with an extension that this server does not know fails.",
        ),
        Novelty::FutureVersion => (
            Severity::Low,
            "hellos with a version of the future",
            "It should answer with its own newest version. Senders of today name none above TLS 1.3.",
        ),
        Novelty::LongHello => (
            Severity::Low,
            "hellos of more than 4 KiB",
            "Large key shares for post-quantum key exchange lead there.",
        ),
        Novelty::MiddleLength => (
            Severity::Medium,
            "hellos of 256 to 511 bytes",
            "Many senders' hellos have just that length. Old F5 devices do it; clients pad their hellos because of \
             them.",
        ),
        Novelty::EmptyLastExtension => (
            Severity::Low,
            "hellos that end with an empty extension",
            "Some senders' hellos end so. Old IBM WebSphere does it.",
        ),
    };
    case.finding(&CHECK, severity, format!("{} refuses {what}", case.host()))
        .detail(format!("The same hello without that is accepted. {who}"))
        .fix("intolerance")
        .build()
}

#[cfg(test)]
fn refuses(e: &mut waxseal_model::Evidence, novelties: &[Novelty]) {
    for entry in &mut sample::audit(e).tolerance {
        if novelties.contains(&entry.novelty) {
            entry.tolerated = Observed::seen(false);
        }
    }
}

fixtures! {
    clear: |_| {},
    found: |e| refuses(e, &[Novelty::Grease]),
    undetermined: |e| sample::audit(e).tolerance[0].tolerated = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn each_novelty_is_a_finding_of_its_own() {
        let found = findings(CHECK.id, |e| {
            refuses(e, &[Novelty::LongHello, Novelty::FutureVersion]);
            sample::audit(e).tolerance[0].tolerated = sample::failed();
        });
        assert_eq!(found.len(), 2);
        assert_ne!(found[0].title, found[1].title);
    }
}
