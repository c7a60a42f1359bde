//! Known attacks, and which of three words the verdicts give each.

use waxseal_model::{Report, Severity, VerdictKind};

/// The checks that stand for attacks, by id, with the name that people look for. Those
/// that a report does not answer are left out; all others are in the list of verdicts.
const ATTACKS: [(&str, &str); 31] = [
    ("tls.heartbleed", "Heartbleed"),
    ("tls.ccs_injection", "CCS injection"),
    ("tls.robot", "ROBOT"),
    ("tls.drown", "DROWN"),
    ("tls.sslv2", "SSLv2"),
    ("tls.sslv3", "SSLv3"),
    ("tls.poodle", "POODLE"),
    ("tls.fallback_scsv", "Downgrade by fallback"),
    ("tls.downgrade_sentinel", "Downgrade unnoticed"),
    ("tls.insecure_renegotiation", "Insecure renegotiation"),
    ("tls.client_renegotiation", "Renegotiation by clients"),
    ("tls.freak", "FREAK"),
    ("tls.logjam", "LOGJAM"),
    ("tls.export", "Export suites"),
    ("tls.null", "Suites without encryption"),
    ("tls.anonymous", "Anonymous suites"),
    ("tls.rc4", "RC4"),
    ("tls.sweet32", "SWEET32"),
    ("tls.beast", "BEAST"),
    ("tls.lucky13", "LUCKY13"),
    ("tls.crime", "CRIME"),
    ("tls.ticketbleed", "Ticketbleed"),
    ("tls.raccoon", "Raccoon"),
    ("tls.alpaca", "ALPACA"),
    ("tls.opossum", "Opossum"),
    ("tls.early_data", "Replay of early data"),
    ("smtp.starttls_injection", "STARTTLS injection"),
    ("smtp.starttls_buffering", "STARTTLS buffering"),
    ("certificate.factorable", "Factorable key"),
    ("certificate.roca", "ROCA"),
    ("certificate.debian_weak_key", "Debian weak key"),
];

/// One attack and its verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attack {
    pub(crate) check: &'static str,
    pub(crate) name: &'static str,
    pub(crate) verdict: VerdictKind,
    /// How bad, where it is found.
    pub(crate) severity: Option<Severity>,
    /// What was found, or why it is not known; empty if clear.
    pub(crate) why: String,
}

impl Attack {
    /// One of the three words; what is of no weight for mail is not cried out.
    pub(crate) fn word(&self) -> &'static str {
        match self.verdict {
            VerdictKind::Clear => "not vulnerable",
            VerdictKind::Found if self.severity == Some(Severity::Info) => "noted",
            VerdictKind::Found => "VULNERABLE",
            VerdictKind::Undetermined => "not known",
        }
    }
}

/// The attacks of one endpoint: those it is open to first, the gravest leading, then
/// those of which it is not known.
pub(crate) fn attacks(report: &Report, endpoint: &str) -> Vec<Attack> {
    let mut attacks: Vec<Attack> = Vec::new();
    for (check, name) in ATTACKS {
        let verdict =
            report.verdicts.iter().find(|v| v.check == check && v.endpoint.as_deref() == Some(endpoint));
        let Some(verdict) = verdict else { continue };
        let its = report.findings.iter().filter(|f| f.check == check);
        let its = its.filter(|f| f.endpoint.as_deref() == Some(endpoint));
        attacks.push(Attack {
            check,
            name,
            verdict: verdict.verdict,
            severity: its.map(|f| f.severity).max(),
            why: verdict.why.clone(),
        });
    }
    attacks.sort_by_key(|a| {
        let rank = match a.verdict {
            VerdictKind::Found => 0,
            VerdictKind::Undetermined => 1,
            VerdictKind::Clear => 2,
        };
        (rank, std::cmp::Reverse(a.severity))
    });
    attacks
}
