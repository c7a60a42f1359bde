//! Check [`certificate.serial`](CHECK).

use crate::checks::prelude::*;

check! {
    /// The serial number of the certificate is not as it must be.
    ///
    /// # Effect
    /// Some libraries refuse numbers that are zero, negative or longer than 20 bytes. Short ones
    /// of public CAs, which have to be random, make forgeries easier where a digest is weak.
    /// # Method
    /// The serial numbers of the leaves; the length of 64 bits counts where the path ends in a
    /// root of the system.
    /// # Fix
    /// Renew it. A private CA should draw 128 random bits.
    /// # Sources
    /// RFC 5280 section 4.1.2.2; CA/Browser Forum Baseline Requirements 7.1.
    "certificate.serial", Tls, judge
}

/// Hexadecimal digits of 20 bytes.
const LONGEST: usize = 40;
/// A random number of 64 bits has fewer than this many digits once in 65536 times.
const SHORTEST: usize = 12;

fn judge(case: &Case) -> Outcome {
    super::each_chain(case, |chain, label| {
        let Some(leaf) = chain.leaf() else { return CLEAR };
        let digits = leaf.serial.trim_start_matches('0');
        let flaw = if leaf.serial.starts_with('-') {
            "negative"
        } else if digits.is_empty() {
            "zero"
        } else if leaf.serial.len() > LONGEST {
            "longer than 20 bytes"
        } else if digits.len() < SHORTEST && super::is_publicly_trusted(chain)? {
            "too short to be random"
        } else {
            return CLEAR;
        };
        case.finding(
            &CHECK,
            Severity::Low,
            format!("{label} of {} has a serial number that is {flaw}", case.host()),
        )
        .detail(format!("The number is {}, in hexadecimal.", text::cut(&leaf.serial, 60)))
        .fix("certificate")
        .found()
    })
}

fixtures! {
    clear: |_| {},
    found: |e| sample::own_certificate(e).serial = "-01".into(),
    undetermined: |e| {
        sample::own_certificate(e).serial = "0a".into();
        sample::first_chain(e).path = sample::failed();
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn each_fault_is_named() {
        let title = |change| findings(CHECK.id, change).first().map(|f| f.title.clone()).unwrap_or_default();
        assert!(title(|e| sample::own_certificate(e).serial = "00".into()).ends_with("zero"));
        assert!(title(|e| sample::own_certificate(e).serial = "7f".repeat(21)).contains("longer"));
        assert!(title(|e| sample::own_certificate(e).serial = "01".into()).contains("too short"));
        let private = |e: &mut waxseal_model::Evidence| {
            sample::own_certificate(e).serial = "01".into();
            sample::path(e).roots = "file ca.pem (1 root)".into();
        };
        assert_eq!(title(private), "");
    }
}
