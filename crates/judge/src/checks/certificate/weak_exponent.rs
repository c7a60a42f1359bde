//! Check [`certificate.weak_exponent`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The public exponent of an RSA key is odd in the wrong sense: 1, even, or very small.
    ///
    /// # Effect
    /// With 1 there is no cryptography at all, with an even one no valid key. Small ones such as
    /// 3 are sound by themselves, but forgive no mistake in how signatures are checked.
    /// # Method
    /// The public exponents of all presented certificates.
    /// # Fix
    /// Make a new key with the exponent 65537, which every program takes unless told otherwise.
    /// # Sources
    /// NIST SP 800-56B section 6.2; CA/Browser Forum Baseline Requirements 6.1.6;
    /// CVE-2006-4339 (forged signatures with exponent 3).
    "certificate.weak_exponent", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    super::each_rsa_key(case, |label, certificate, rsa| {
        let exponent = rsa.exponent.as_str();
        // Above 64 bits it is in hex, and sound if it is odd.
        let last = exponent.chars().last().and_then(|c| c.to_digit(16)).unwrap_or(0);
        let is_small = exponent.parse::<u64>().is_ok_and(|e| e < 65537);
        let (severity, effect) = match exponent {
            "0" | "1" => (Severity::High, "everybody can sign with such a key"),
            _ if last % 2 == 0 => (Severity::High, "no sound RSA key has an even exponent"),
            _ if is_small => (Severity::Low, "the exponent in use is 65537"),
            _ => return CLEAR,
        };
        let title =
            format!("{label} of {} has an RSA key with exponent {}", case.host(), text::cut(exponent, 20));
        case.finding(&CHECK, severity, title)
            .detail(format!("In the certificate of {}: {effect}.", text::cut(&certificate.subject, 80)))
            .fix("certificate")
            .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_rsa(e).exponent = "1".into(),
    undetermined: |e| sample::own_certificate(e).key.rsa = None,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn three_is_small_and_even_ones_are_wrong() {
        let severity = |change| findings(CHECK.id, change).first().map(|f| f.severity);
        assert_eq!(severity(|e| sample::own_rsa(e).exponent = "3".into()), Some(Severity::Low));
        assert_eq!(severity(|e| sample::own_rsa(e).exponent = "65538".into()), Some(Severity::High));
        assert_eq!(severity(|e| sample::own_rsa(e).exponent = "0x10000000000000001".into()), None);
        assert_eq!(
            severity(|e| sample::own_rsa(e).exponent = "0x1000000000000000e".into()),
            Some(Severity::High)
        );
    }
}
