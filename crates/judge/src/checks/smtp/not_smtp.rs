//! Check [`smtp.not_smtp`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The service on this port is not a mail server.
    ///
    /// # Effect
    /// Senders cannot deliver here.
    /// # Method
    /// The first bytes are compared with what other services say (IMAP, POP3, SSH, HTTP).
    /// # Fix
    /// Correct the address or port, or let a mail server listen there.
    /// # Sources
    /// RFC 5321 section 3.1: a server opens with a 220 greeting.
    "smtp.not_smtp", Conversation, judge
}

fn judge(case: &Case) -> Outcome {
    let smtp = case.smtp()?;
    let detail = match (&smtp.not_smtp, &smtp.greeting) {
        (Some(what), _) => format!("The service looks like {what}."),
        // What it sent is no reply, and nothing that is known either.
        (None, Observed::Failed { why }) if why.cause == Cause::Protocol && smtp.wrong_mode.is_none() => {
            format!("{}.", text::sentence(&why.text))
        }
        (None, greeting) => return known(greeting).map(|_| Vec::new()),
    };
    let port = case.endpoint()?.endpoint.port;
    case.finding(&CHECK, Severity::High, format!("Port {port} of {} is no mail server", case.host()))
        .detail(format!("{detail} Senders that connect here cannot deliver."))
        .fix("not_smtp")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).not_smtp = Some("an SSH server".into()),
    undetermined: |e| sample::smtp(e).greeting = sample::failed(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_reply_count_even_if_nobody_knows_what_they_are() {
        let mut e = sample::healthy();
        sample::smtp(&mut e).greeting = Observed::failed(Cause::Protocol, "it sent \"xxxx\"");
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        let finding = judgement.findings.iter().find(|f| f.check == CHECK.id).unwrap();
        assert!(finding.detail.starts_with("It sent"), "{}", finding.detail);
    }
}
