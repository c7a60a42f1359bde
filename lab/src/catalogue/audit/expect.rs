//! What a right audit of a server says.

use std::fmt;

/// Verdict of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AuditVerdict {
    /// The flaw is there.
    Found,
    /// It is not.
    Clear,
    /// Nobody can tell.
    Undetermined,
}

impl fmt::Display for AuditVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Found => "found",
            Self::Clear => "clear",
            Self::Undetermined => "undetermined",
        })
    }
}

/// What a right audit of a server says, by ids of checks. Of the checks in
/// [`AuditExpect::CHECKS`], none may find anything that is not expected here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuditExpect {
    /// They must find something.
    pub found: &'static [&'static str],
    /// They may: it goes with what is found, or the server is not asked that far.
    pub may: &'static [&'static str],
    /// They must be clear.
    pub clear: &'static [&'static str],
    /// They must be undetermined.
    pub undetermined: &'static [&'static str],
}

impl AuditExpect {
    /// The checks that the lab's cases are about.
    pub const CHECKS: &'static [&'static str] = &[
        "certificate.without_sni",
        "smtp.starttls_injection",
        "tls.alpaca",
        "tls.anonymous",
        "tls.beast",
        "tls.ccs_injection",
        "tls.client_certificate",
        "tls.client_renegotiation",
        "tls.crime",
        "tls.dh_small",
        "tls.downgrade_sentinel",
        "tls.drown",
        "tls.early_data",
        "tls.encrypt_then_mac",
        "tls.export",
        "tls.extended_master_secret",
        "tls.fallback_scsv",
        "tls.forward_secrecy",
        "tls.freak",
        "tls.heartbleed",
        "tls.insecure_renegotiation",
        "tls.intolerance",
        "tls.logjam",
        "tls.lucky13",
        "tls.null",
        "tls.opossum",
        "tls.poodle",
        "tls.post_quantum",
        "tls.raccoon",
        "tls.rc4",
        "tls.robot",
        "tls.session_resumption",
        "tls.sni_required",
        "tls.sslv2",
        "tls.sslv3",
        "tls.suite_order",
        "tls.sweet32",
        "tls.ticket_lifetime",
        "tls.ticketbleed",
        "tls.tls10",
        "tls.tls11",
        "tls.weak_groups",
    ];

    /// What is wrong with an audit, one sentence each; empty if it is right. `verdicts` are
    /// the ids of all checks with their verdicts.
    pub fn violations(&self, verdicts: &[(&str, AuditVerdict)]) -> Vec<String> {
        let of = |id: &str| verdicts.iter().find(|(check, _)| *check == id).map(|(_, verdict)| *verdict);
        let mut wrong = Vec::new();
        let wanted = [
            (self.found, AuditVerdict::Found),
            (self.clear, AuditVerdict::Clear),
            (self.undetermined, AuditVerdict::Undetermined),
        ];
        for (ids, right) in wanted {
            for id in ids {
                match of(id) {
                    Some(verdict) if verdict == right => {}
                    Some(verdict) => wrong.push(format!("{id} is {verdict} instead of {right}")),
                    None => wrong.push(format!("{id} has no verdict instead of {right}")),
                }
            }
        }
        let expected = |id: &str| self.found.contains(&id) || self.may.contains(&id);
        let settled = |id: &str| self.clear.contains(&id) || self.undetermined.contains(&id);
        for id in Self::CHECKS {
            if !expected(id) && !settled(id) && of(id) == Some(AuditVerdict::Found) {
                wrong.push(format!("{id} was found, wrongly"));
            }
        }
        wrong
    }

    /// Expected findings.
    pub(super) const fn found(found: &'static [&'static str]) -> Self {
        Self { found, may: OLD, clear: &[], undetermined: &[] }
    }

    /// Checks that must be clear.
    pub(super) const fn clear(clear: &'static [&'static str]) -> Self {
        Self { found: &[], may: OLD, clear, undetermined: &[] }
    }

    /// Checks that must be undetermined.
    pub(super) const fn undetermined(undetermined: &'static [&'static str]) -> Self {
        Self { found: &[], may: OLD, clear: &[], undetermined }
    }

    /// Other findings that go with it.
    pub(super) const fn may(self, may: &'static [&'static str]) -> Self {
        Self { may, ..self }
    }

    pub(super) const fn and_clear(self, clear: &'static [&'static str]) -> Self {
        Self { clear, ..self }
    }
}

/// What may be found at every server of up to TLS 1.2 that takes any name.
const OLD: &[&str] = &["tls.alpaca", "tls.post_quantum"];

impl fmt::Display for AuditExpect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (what, ids) in [("found", self.found), ("clear", self.clear), ("undetermined", self.undetermined)]
        {
            match ids.len() {
                0 => {}
                1..6 => parts.push(format!("{what}: {}", ids.join(", "))),
                many => parts.push(format!("{what}: {many} checks")),
            }
        }
        f.write_str(&parts.join("; "))
    }
}
