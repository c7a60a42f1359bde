//! Check [`smtp.auth_in_clear`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The server offers login (AUTH) before TLS.
    ///
    /// # Effect
    /// Programs that do not insist on TLS send the password in clear, or to an attacker who
    /// strips TLS.
    /// # Method
    /// The EHLO answer before TLS holds AUTH.
    /// # Fix
    /// Offer AUTH inside TLS only (Postfix: `smtpd_tls_auth_only = yes`).
    /// # Sources
    /// RFC 4954 section 4; RFC 8314 section 3.3; RFC 8997.
    "smtp.auth_in_clear", Starttls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(mechanisms) = known(&case.smtp()?.ehlo_plain)?.keyword("AUTH") else { return CLEAR };
    let readable =
        mechanisms.iter().any(|m| m.eq_ignore_ascii_case("PLAIN") || m.eq_ignore_ascii_case("LOGIN"));
    let relay = if readable { Severity::Medium } else { Severity::Low };
    let severity = case.by_usage(relay, Severity::High);
    let what = if readable { "the password itself" } else { "material to guess the password from" };
    case.finding(&CHECK, severity, format!("{} offers AUTH before TLS", case.host()))
        .detail(format!(
            "The EHLO answer in clear offers {}. A program that goes on without TLS sends {what} readable for \
             anyone on the path.",
            if mechanisms.is_empty() { "AUTH".to_owned() } else { text::short_list(mechanisms, 5) }
        ))
        .fix("auth")
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::smtp(e).ehlo_plain = Observed::seen(sample::ehlo_facts(&["STARTTLS", "AUTH PLAIN LOGIN"])),
    undetermined: |e| sample::smtp(e).ehlo_plain = sample::failed(),
}
