//! Check [`smtp.plaintext_after_220`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server goes on in clear after it agreed to STARTTLS.
    ///
    /// # Effect
    /// The handshake fails, or what an attacker put in between is taken for the server's
    /// words.
    /// # Method
    /// After the 220 to STARTTLS nothing may come before the server's TLS answer; waxseal
    /// stops if something does.
    /// # Fix
    /// Remove the proxy or filter that speaks there.
    /// # Sources
    /// RFC 3207 section 4.2; CVE-2011-0411 and CVE-2021-38371 (injection into STARTTLS).
    "smtp.plaintext_after_220", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(text) = known(&case.smtp()?.plaintext_after_220)? else { return CLEAR };
    let title = format!("{} sends cleartext between the 220 to STARTTLS and TLS", case.host());
    case.finding(&CHECK, Severity::Critical, title)
        .detail(format!(
            "It said \"{}\". A careful sender breaks off there; a careless one takes the words of anyone on the \
             path for the server's.",
            text::cut(text, 80)
        ))
        .fix("plaintext_after_220")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).plaintext_after_220 = Observed::seen(Some("250 ok".into())),
    undetermined: |e| sample::smtp(e).plaintext_after_220 = sample::failed(),
}
