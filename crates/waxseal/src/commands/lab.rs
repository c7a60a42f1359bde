//! `waxseal lab`, and what `waxseal check --lab` does.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use waxseal_lab::{Lab, LabDomain, LabError, LabOptions};
use waxseal_model::{Report, Target};
use waxseal_wire::target;

use super::{audit::Audit, check::CheckArgs};
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    setup::{self, Surroundings},
};

/// On loopback an answer comes at once or never.
const LAB_STEP: Duration = Duration::from_secs(2);

/// Start the lab: mail domains on loopback, good, broken and hostile.
///
/// They live in a DNSSEC-signed tree of their own. Needs no root and nothing installed;
/// runs until it is interrupted, and prints the settings with which `waxseal check` tests it.
#[derive(Debug, Args)]
pub(crate) struct LabArgs {
    /// Also start the domains that are for tests only.
    #[arg(long)]
    all: bool,
    /// Start the servers for `waxseal audit` instead: one or more for each flaw.
    #[arg(long, conflicts_with = "all")]
    audit: bool,
    /// Write the lab's root certificate and trust anchor into this folder.
    #[arg(long, value_name = "FOLDER", default_value = "waxseal-lab")]
    folder: PathBuf,
    /// List the domains and end.
    #[arg(long)]
    list: bool,
}

pub(crate) fn run(args: &LabArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    setup::runtime(true)?.block_on(async {
        let lab = match args.audit {
            true => start_with(LabOptions::audit()).await?,
            false => start(args.all).await?,
        };
        let mut page = domains(lab.domains());
        if args.list {
            terminal.print(&page)?;
            lab.stop().await;
            return Ok(Exit::Fine);
        }
        page.push('\n');
        page.push_str(&commands(&lab, args)?);
        terminal.print(&page)?;
        let interrupted = tokio::signal::ctrl_c().await;
        lab.stop().await;
        interrupted.map_err(|e| Failure::internal(format!("interrupts cannot be heard: {e}")))?;
        terminal.say("the lab has ended");
        Ok(Exit::Fine)
    })
}

/// `waxseal check --lab`: without targets, all domains of the demonstration, and success
/// if each verdict is as the lab expects; with targets, an ordinary check of those.
pub(super) fn check(args: &CheckArgs, audit: Option<Audit>, terminal: &Terminal) -> Result<Exit, Failure> {
    setup::runtime(true)?.block_on(async {
        let named = args.parse_targets()?;
        let lab = start(!named.is_empty()).await?;
        let around = surroundings(&lab);
        if !named.is_empty() {
            let mut sink = args.scan(named, &around, audit, terminal).await?;
            lab.stop().await;
            return sink.finish();
        }
        let targets: Vec<Target> = lab
            .domains()
            .iter()
            .map(|d| target::parse(&d.name, None).map_err(|e| Failure::internal(format!("{}: {e}", d.name))))
            .collect::<Result<_, _>>()?;
        let around = Surroundings { story: true, ..around };
        let mut sink = args.scan(targets, &around, audit, terminal).await?;
        let exit = sink.finish()?;
        let surprises = surprises(lab.domains(), sink.reports());
        let all = sink.reports().len();
        lab.stop().await;
        if exit == Exit::Interrupted {
            return Ok(exit);
        }
        if surprises.is_empty() {
            terminal.say(&format!("All {all} verdicts are what the lab expects."));
            return Ok(Exit::Fine);
        }
        for surprise in &surprises {
            terminal.say(surprise);
        }
        Ok(Exit::Findings)
    })
}

pub(super) async fn start(all: bool) -> Result<Lab, Failure> {
    start_with(if all { LabOptions::default() } else { LabOptions::demo() }).await
}

async fn start_with(options: LabOptions) -> Result<Lab, Failure> {
    Lab::start(options).await.map_err(|e: LabError| Failure::internal(format!("the lab does not start: {e}")))
}

pub(super) fn surroundings(lab: &Lab) -> Surroundings {
    Surroundings {
        dns: vec![lab.dns()],
        trust_anchor: Some(lab.trust_anchor().to_owned()),
        ca: Some(("the lab's root".to_owned(), lab.ca_pem().as_bytes().to_vec())),
        port_map: lab.port_map(),
        step: Some(LAB_STEP),
        story: false,
    }
}

/// Verdicts that are not what the lab expects, one line each.
fn surprises(domains: &[LabDomain], reports: &[Report]) -> Vec<String> {
    domains
        .iter()
        .zip(reports)
        .flat_map(|(domain, report)| {
            let found: Vec<&str> = report.findings.iter().map(|f| f.check.as_str()).collect();
            let letter = report.grade.letter.map(|l| l.label());
            let name = &domain.name;
            let violations = domain.expect.violations(letter, &found);
            violations.into_iter().map(move |v| format!("unexpected: {name}: {v}")).collect::<Vec<_>>()
        })
        .collect()
}

fn domains(domains: &[LabDomain]) -> String {
    let longest = domains.iter().map(|d| d.name.chars().count()).max().unwrap_or(0);
    let mut page = String::new();
    for domain in domains {
        let padding = " ".repeat(longest.saturating_sub(domain.name.chars().count()) + 2);
        page.push_str(&format!("{}{padding}{}\n", domain.name, domain.summary));
    }
    page
}

/// The commands that test the running lab, and the files that they need.
fn commands(lab: &Lab, args: &LabArgs) -> Result<String, Failure> {
    let folder = &args.folder;
    let refused = |e: std::io::Error| Failure::usage(format!("{} cannot be written: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(refused)?;
    let (ca, anchor) = (folder.join("ca.pem"), folder.join("trust-anchor.txt"));
    std::fs::write(&ca, lab.ca_pem()).map_err(refused)?;
    std::fs::write(&anchor, lab.trust_anchor()).map_err(refused)?;
    let ports: Vec<String> = lab.port_map().iter().map(|(from, to)| format!("{from}:{to}")).collect();
    let name = lab.domains().first().map_or("", |d| d.name.as_str());
    let dns = lab.dns();
    let questions = match args.audit {
        true => format!("waxseal audit mx.{name}:25"),
        false => format!("waxseal check {name}\n  waxseal dns {name} MX"),
    };
    Ok(format!(
        "The lab is running; end it with Ctrl-C. In another terminal:\n\n  \
         export WAXSEAL_DNS={dns} WAXSEAL_TRUST_ANCHOR={}\n  \
         export WAXSEAL_CA_FILE={} WAXSEAL_PORT_MAP={}\n  \
         {questions}\n",
        anchor.display(),
        ca.display(),
        ports.join(","),
    ))
}
