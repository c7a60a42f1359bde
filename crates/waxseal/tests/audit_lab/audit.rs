//! One run of the program over all hosts of a lab.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;
use waxseal_lab::{AuditVerdict, Lab};

/// Seconds for each step. Loopback answers at once or never, but two processors do all this
/// at the same time.
const STEP: &str = "2";

/// What an audit said of a host.
pub(crate) struct Audited {
    /// By check: its worst verdict over the host's endpoints, and why.
    pub(crate) verdicts: BTreeMap<String, (AuditVerdict, String)>,
    /// Connections to all endpoints.
    pub(crate) connections: u64,
    /// Milliseconds, of the slowest endpoint.
    pub(crate) milliseconds: u64,
}

/// Audits port 25 of every case's host, in the lab's order.
pub(crate) async fn audit(lab: &Lab) -> Vec<Audited> {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("audit-{}", lab.dns().port()));
    std::fs::create_dir_all(&folder).unwrap();
    let (ca, anchor) = (folder.join("ca.pem"), folder.join("anchor.txt"));
    std::fs::write(&ca, lab.ca_pem()).unwrap();
    std::fs::write(&anchor, lab.trust_anchor()).unwrap();
    let ports: Vec<String> = lab.port_map().iter().map(|(from, to)| format!("{from}:{to}")).collect();
    let mut command = Command::new(env!("CARGO_BIN_EXE_waxseal"));
    command
        .args(["audit", "--json", "--timeout", STEP])
        .args(lab.domains().iter().map(|d| format!("mx.{}:25", d.name)))
        .env("WAXSEAL_DNS", lab.dns().to_string())
        .env("WAXSEAL_TRUST_ANCHOR", &anchor)
        .env("WAXSEAL_CA_FILE", &ca)
        .env("WAXSEAL_PORT_MAP", ports.join(","))
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    let reports: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let reports = reports.as_array().unwrap();
    assert_eq!(reports.len(), lab.domains().len());
    reports.iter().map(read).collect()
}

fn read(report: &Value) -> Audited {
    let mut verdicts: BTreeMap<String, (AuditVerdict, String)> = BTreeMap::new();
    for verdict in report["verdicts"].as_array().unwrap() {
        let kind = match verdict["verdict"].as_str().unwrap() {
            "found" => AuditVerdict::Found,
            "clear" => AuditVerdict::Clear,
            "undetermined" => AuditVerdict::Undetermined,
            other => panic!("verdict {other}"),
        };
        let why = verdict["why"].as_str().unwrap_or_default().to_owned();
        let id = verdict["check"].as_str().unwrap().to_owned();
        let entry = verdicts.entry(id).or_insert((kind, why.clone()));
        if rank(kind) > rank(entry.0) {
            *entry = (kind, why);
        }
    }
    let costs = report["endpoints"].as_array().into_iter().flatten().map(|e| &e["evidence"]["cost"]);
    let of = |field: &str| costs.clone().map(|c| c[field].as_u64().unwrap_or(0)).collect::<Vec<_>>();
    Audited {
        verdicts,
        connections: of("connections").iter().sum(),
        milliseconds: of("milliseconds").into_iter().max().unwrap_or(0),
    }
}

fn rank(verdict: AuditVerdict) -> u8 {
    match verdict {
        AuditVerdict::Clear => 0,
        AuditVerdict::Undetermined => 1,
        AuditVerdict::Found => 2,
    }
}

/// Ids of all checks of the program.
pub(crate) fn checks() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal")).arg("checks").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(str::to_owned).collect()
}
