//! Check [`dkim.keys`](CHECK).

use crate::checks::{identity, prelude::*};
use waxseal_model::{
    Finding,
    identity::{DkimKey, DkimKeyFacts, DkimSignatureFacts},
};

check! {
    /// A DKIM key cannot be used, or is weak.
    ///
    /// # Effect
    /// Signatures with a key that is missing, revoked, malformed or shorter than 1024 bits do
    /// not verify. Keys of 1024 bits can be computed by those with means; with `t=y` receivers
    /// act as if there were no signature.
    /// # Method
    /// The records at `SELECTOR._domainkey.DOMAIN` for every `--selector` and for every
    /// signature of the message that was handed in. Selectors are not guessed.
    /// # Fix
    /// Publish a key of 2048 bits under a new selector, and sign with it.
    /// # Sources
    /// RFC 6376 section 3.6.1; RFC 8301 (sizes, no SHA-1); RFC 8463 (Ed25519).
    "dkim.keys", Domain, judge
}

/// Shorter keys are refused by receivers.
const LEAST_BITS: u32 = 1024;
/// Shorter keys should go.
const GOOD_BITS: u32 = 2048;

fn judge(case: &Case) -> Outcome {
    let identity = &identity::domain(case)?.identity;
    if identity.dkim_keys.is_empty() {
        return Err(Why::new(Cause::NotApplicable, "no selector was given"));
    }
    let mut found = Vec::new();
    let mut open = None;
    for facts in &identity.dkim_keys {
        match (&facts.key, &facts.problem, known(&facts.answer)) {
            (Some(key), ..) => found.extend(weakness(key, facts).map(|w| w.finding(case, facts))),
            (None, Some(problem), Ok(_)) => found.push(unusable(facts, problem).finding(case, facts)),
            (None, _, Err(why)) => open = open.or(Some(why)),
            (None, None, Ok(_)) => {}
        }
    }
    for signature in identity.message.get().iter().flat_map(|m| &m.signatures) {
        found.extend(bad_signature(signature).map(|w| w.of_signature(case, signature)));
    }
    match open {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

/// What is wrong with one key.
struct Flaw {
    severity: Severity,
    what: String,
    detail: String,
    fix: &'static str,
}

impl Flaw {
    fn new(
        severity: Severity,
        what: impl Into<String>,
        detail: impl Into<String>,
        fix: &'static str,
    ) -> Self {
        Self { severity, what: what.into(), detail: detail.into(), fix }
    }

    fn finding(self, case: &Case, facts: &DkimKeyFacts) -> Finding {
        let name = format!("{}._domainkey.{}", facts.selector, facts.domain);
        let title = format!("DKIM key {}: {}", text::cut(&name, 60), self.what);
        let draft = identity::finding(case, &CHECK, self.severity, title).detail(self.detail);
        let option = if facts.in_message {
            "--message FILE".to_owned()
        } else {
            format!("--selector {}", facts.selector)
        };
        identity::retested_with(draft.fix_for(self.fix, &name).build(), &option)
    }

    fn of_signature(self, case: &Case, signature: &DkimSignatureFacts) -> Finding {
        let name = format!("{}._domainkey.{}", signature.selector, signature.domain);
        let title = format!("DKIM signature of {}: {}", text::cut(&signature.domain, 50), self.what);
        let draft = identity::finding(case, &CHECK, self.severity, title).detail(self.detail);
        identity::retested_with(draft.fix_for(self.fix, &name).build(), "--message FILE")
    }
}

fn unusable(facts: &DkimKeyFacts, problem: &str) -> Flaw {
    let by = if facts.in_message { "The message is signed with it" } else { "It was given as a selector" };
    let detail = format!("{by}, and {problem}. Signatures with it do not verify.");
    Flaw::new(Severity::Medium, "cannot be used", detail, "dkim_key")
}

fn weakness(key: &DkimKey, facts: &DkimKeyFacts) -> Option<Flaw> {
    if key.revoked {
        let severity = if facts.in_message { Severity::Medium } else { Severity::Low };
        let detail = "Its p= is empty: the key was withdrawn, and signatures with it do not verify.";
        return Some(Flaw::new(severity, "revoked", detail, "dkim_key"));
    }
    let Some(bits) = key.bits else {
        let detail = format!("It is of the kind {}, which receivers do not know.", key.algorithm);
        return Some(Flaw::new(Severity::Medium, "of an unknown kind", detail, "dkim_key"));
    };
    if key.algorithm == "rsa" && bits < LEAST_BITS {
        let detail = format!("RSA with {bits} bits: receivers must not accept keys under {LEAST_BITS} bits.");
        return Some(Flaw::new(Severity::Medium, format!("only {bits} bits"), detail, "dkim_key"));
    }
    if key.hashes.iter().any(|h| h == "sha1") && !key.hashes.iter().any(|h| h == "sha256") {
        let detail = "Its h= allows SHA-1 only, with which receivers must not verify any more (RFC 8301).";
        return Some(Flaw::new(Severity::Medium, "for SHA-1 only", detail, "dkim_key"));
    }
    if !key.services.is_empty() && !key.services.iter().any(|s| s == "email") {
        let detail =
            format!("Its s= is for {}, so that receivers of mail ignore it.", text::list(&key.services));
        return Some(Flaw::new(Severity::Medium, "not for mail", detail, "dkim_key"));
    }
    if key.testing {
        let detail =
            "With t=y receivers treat the mail as if it were not signed, whatever the signature says.";
        return Some(Flaw::new(Severity::Low, "in testing mode (t=y)", detail, "dkim_testing"));
    }
    if key.algorithm == "rsa" && bits < GOOD_BITS {
        let detail = format!(
            "RSA with {bits} bits can be broken by those with means; signers should use {GOOD_BITS}."
        );
        return Some(Flaw::new(Severity::Low, format!("only {bits} bits"), detail, "dkim_key"));
    }
    None
}

fn bad_signature(signature: &DkimSignatureFacts) -> Option<Flaw> {
    if signature.algorithm.ends_with("-sha1") {
        let detail = "Receivers must not verify signatures with SHA-1 any more (RFC 8301).";
        return Some(Flaw::new(Severity::Medium, "made with SHA-1", detail, "dkim_sha1"));
    }
    let length = signature.body_length?;
    let detail = format!(
        "l={length}: what stands behind the first {length} octets is not signed, so that anybody may add to the \
         message without breaking the signature."
    );
    Some(Flaw::new(Severity::Low, "covers only a part (l=)", detail, "dkim_length"))
}

fixtures! {
    clear: |_| {},
    found: |e| sample::dkim_key(e).bits = Some(512),
    undetermined: |e| {
        let facts = &mut sample::domain(e).identity.dkim_keys[0];
        facts.answer = sample::failed();
        facts.key = None;
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn each_flaw_is_told_with_its_weight() {
        type Row = (fn(&mut waxseal_model::Evidence), Severity, &'static str);
        let rows: [Row; 7] = [
            (|e| sample::dkim_key(e).bits = Some(1023), Severity::Medium, "only 1023 bits"),
            (|e| sample::dkim_key(e).bits = Some(1024), Severity::Low, "only 1024 bits"),
            (|e| sample::dkim_key(e).testing = true, Severity::Low, "testing"),
            (|e| sample::dkim_key(e).hashes = vec!["sha1".into()], Severity::Medium, "SHA-1"),
            (|e| sample::dkim_key(e).services = vec!["tlsrpt".into()], Severity::Medium, "not for mail"),
            (|e| sample::dkim_key(e).revoked = true, Severity::Medium, "revoked"),
            (|e| sample::dkim_key(e).bits = None, Severity::Medium, "unknown kind"),
        ];
        for (change, severity, word) in rows {
            let found = findings("dkim.keys", change);
            assert!(found[0].title.contains(word), "{}", found[0].title);
            assert_eq!(found[0].severity, severity, "{word}");
            assert!(found[0].fix.contains("_domainkey.example.com"), "{}", found[0].fix);
        }
    }

    #[test]
    fn a_key_that_is_missing_or_malformed_is_told() {
        let found = findings("dkim.keys", |e| {
            let facts = &mut sample::domain(e).identity.dkim_keys[0];
            facts.key = None;
            facts.problem = Some("there is no key record".into());
        });
        assert!(found[0].detail.contains("there is no key record"));
    }

    #[test]
    fn signatures_over_a_part_and_by_sha1_are_told() {
        let found = findings("dkim.keys", |e| sample::message(e).signatures[0].body_length = Some(10));
        assert!(found[0].detail.starts_with("l=10"));
        let found = findings("dkim.keys", |e| sample::message(e).signatures[0].algorithm = "rsa-sha1".into());
        assert_eq!(found[0].severity, Severity::Medium);
    }
}
