//! Check [`smtp.unreachable`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A mail server does not answer.
    ///
    /// # Effect
    /// Mail waits in the senders' queues, or takes another MX. This is about availability:
    /// it does not change the letter.
    /// # Method
    /// A TCP connection. A refusal is the server's answer. Silence is counted against the
    /// server only where another one answered on the same port by the same kind of address,
    /// since many networks block outgoing port 25. A connection without a greeting counts too.
    /// # Fix
    /// Start the server, open the firewall, or take the host out of the MX records.
    /// # Sources
    /// RFC 5321 section 5.1 and 4.5.4.1.
    "smtp.unreachable", Server, judge
}

fn judge(case: &Case) -> Outcome {
    let Err(why) = known(&case.smtp()?.connected) else { return silent(case) };
    let (host, port) = (case.host(), case.endpoint()?.endpoint.port);
    let (confidence, what) = match why.cause {
        Cause::Refused => (Confidence::High, "refuses connections"),
        Cause::Closed => (Confidence::High, "closes connections at once"),
        Cause::Timeout | Cause::Unreachable if path_is_open(case) => (Confidence::Medium, "does not answer"),
        Cause::Timeout => {
            let text = format!(
                "{}; whether the server or a network that blocks port {port} is at fault cannot be told from here",
                why.text
            );
            return Err(Why::new(why.cause, text));
        }
        _ => return Err(why),
    };
    case.finding(&CHECK, Severity::High, format!("{host} {what} on port {port}"))
        .confidence(confidence)
        .detail(format!(
            "{}. {}",
            text::sentence(&why.text),
            case.by_usage(
                "Senders keep the mail in their queue or use another MX; if none answers, they return it after \
                 some days.",
                "Mail programs and devices that send through this port cannot send.",
            )
        ))
        .fix("unreachable")
        .found()
}

/// A server that takes the connection and then says nothing is no more use to senders.
fn silent(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let Observed::Failed { why } = &smtp.greeting else { return CLEAR };
    let mute = matches!(why.cause, Cause::Timeout | Cause::Closed | Cause::TooLarge);
    if !mute || smtp.not_smtp.is_some() || smtp.wrong_mode.is_some() {
        return CLEAR;
    }
    let (host, port) = (case.host(), case.endpoint()?.endpoint.port);
    if why.cause == Cause::TooLarge {
        return endless(case, why);
    }
    case.finding(&CHECK, Severity::High, format!("{host} takes connections on port {port} and does not greet"))
        .confidence(Confidence::Medium)
        .detail(format!(
            "{}. Senders hang up after some minutes and try again later. A tarpit that is meant for strangers looks \
             the same from here.",
            text::sentence(&why.text)
        ))
        .fix("slow")
        .found()
}

/// A greeting without an end is as good as none.
fn endless(case: &Case, why: &Why) -> Outcome {
    let port = case.endpoint()?.endpoint.port;
    case.finding(&CHECK, Severity::High, format!("The greeting of {} does not end", case.host()))
        .confidence(Confidence::Medium)
        .detail(format!("{}. Senders hang up and try again later.", text::sentence(&why.text)))
        .fix_text(format!(
            "Make the greeting one line, or a few. See what listens there: ss -ltnp 'sport = :{port}'"
        ))
        .found()
}

/// True if another address of the same kind answered on the same port.
fn path_is_open(case: &Case) -> bool {
    let Some(own) = case.endpoint.map(|e| &e.endpoint) else { return false };
    case.evidence.endpoints.iter().any(|e| {
        e.endpoint.port == own.port
            && e.endpoint.address.is_ipv4() == own.address.is_ipv4()
            && e.evidence.reached()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::unreachable(e);
        sample::smtp(e).connected = Observed::failed(Cause::Refused, "connection refused");
    },
    undetermined: sample::unreachable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_never_greets_is_as_bad_as_none() {
        let mut e = sample::healthy();
        sample::smtp(&mut e).greeting = sample::failed();
        let profile = crate::profile("mail").unwrap();
        let case =
            Case { evidence: &e, domain: None, endpoint: e.endpoints.first(), profile, now: sample::NOW };
        assert!(judge(&case).unwrap()[0].title.contains("does not greet"));
    }

    #[test]
    fn silence_counts_against_the_server_only_where_another_one_answered() {
        let mut e = sample::healthy();
        let silent = {
            let mut other = sample::healthy();
            sample::unreachable(&mut other);
            other.endpoints.remove(0)
        };
        e.endpoints.push(silent);
        let profile = crate::profile("mail").unwrap();
        let case =
            Case { evidence: &e, domain: None, endpoint: e.endpoints.get(1), profile, now: sample::NOW };
        assert_eq!(judge(&case).unwrap()[0].confidence, Confidence::Medium);
    }
}
