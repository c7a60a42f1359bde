//! Check [`certificate.expires_soon`](CHECK).

use crate::checks::prelude::*;

check! {
    /// A certificate of the chain expires soon.
    ///
    /// # Effect
    /// After that day senders that verify stop delivering.
    /// # Method
    /// Days left are compared with the profile: 20 warn, 15 are urgent.
    /// # Fix
    /// Renew it now, and find out why the automatic renewal did not: it is due 30 days
    /// before the end.
    /// # Sources
    /// Thresholds of check_ssl_cert; RFC 5280 section 4.1.2.5.
    "certificate.expires_soon", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let limits = &case.profile.thresholds;
    super::each_chain(case, |chain, label| {
        let path = state::path_certificates(chain);
        let Some(first) = path.iter().min_by_key(|c| c.not_after) else { return CLEAR };
        let left = text::days_between(case.now, first.not_after);
        // Certificates of a few days (RFC 9773 renewal) live below the limits all their life.
        let short_lived =
            text::days_between(first.not_before, first.not_after) <= limits.certificate_warn_days;
        if first.not_after < case.now || left >= limits.certificate_warn_days || (short_lived && left >= 1) {
            return CLEAR;
        }
        let (severity, limit, days_of_limit) = if left < limits.certificate_critical_days {
            (Severity::High, "critical", limits.certificate_critical_days)
        } else {
            (Severity::Medium, "warning", limits.certificate_warn_days)
        };
        let what =
            if chain.leaf() == Some(*first) { label.to_owned() } else { "An issuer in the chain".to_owned() };
        let days = text::days(left);
        case.finding(&CHECK, severity, format!("{what} of {} expires in {days}", case.host()))
            .detail(format!(
                "{} ends on {}, below the {limit} limit of {days_of_limit} days. Automatic renewal is usually done \
                 30 days before: it seems to have failed, or the server was not reloaded.",
                text::cut(&first.subject, 80),
                text::date(first.not_after)
            ))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |e| sample::own_certificate(e).not_after = sample::NOW + 20 * sample::DAY,
    found: |e| sample::own_certificate(e).not_after = sample::NOW + 20 * sample::DAY - 1,
    undetermined: sample::no_chains,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(days: i64) -> Option<Severity> {
        let mut e = sample::healthy();
        sample::own_certificate(&mut e).not_after = sample::NOW + days * sample::DAY;
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        judgement.findings.iter().find(|f| f.check == CHECK.id).map(|f| f.severity)
    }

    #[test]
    fn twenty_days_warn_and_fifteen_are_urgent() {
        let days = [20, 19, 15, 14, 0];
        let expected = [
            None,
            Some(Severity::Medium),
            Some(Severity::Medium),
            Some(Severity::High),
            Some(Severity::High),
        ];
        assert_eq!(days.map(severity), expected);
    }

    #[test]
    fn a_certificate_of_six_days_is_not_always_about_to_expire() {
        let mut e = sample::healthy();
        sample::own_certificate(&mut e).not_before = sample::NOW - 2 * sample::DAY;
        sample::own_certificate(&mut e).not_after = sample::NOW + 4 * sample::DAY;
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        assert!(judgement.findings.iter().all(|f| f.check != CHECK.id), "{:?}", judgement.findings);
    }
}
