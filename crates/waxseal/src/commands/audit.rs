//! `waxseal audit`

use std::time::Duration;

use clap::Args;
use waxseal_probe::options::{AuditOptions, Thoroughness};
use waxseal_scan::AuditLookups;

use super::{check::CheckArgs, online_args::OnlineArgs};
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
    setup::{self, Surroundings},
};

/// Everything about a server's TLS: suites, groups, vulnerabilities, certificates in depth.
///
/// All that `check` tells, and besides: every suite of every version in the server's order,
/// groups, signature algorithms, whether known attacks succeed, and which clients can connect.
/// About a hundred connections to one address and port, one at a time, the most valuable
/// first, so that an audit that is cut short is still of use.
#[derive(Debug, Args)]
#[command(after_help = "\
Targets are those of check: a domain, a host and port, an address, - for a list.

  waxseal audit example.com
  waxseal audit mx.example.com:465 --json
  waxseal audit mx.example.com:25 --budget 40
  waxseal audit example.com -o html=report.html -o sarif=report.sarif
  waxseal audit example.com --baseline last-week.json --fail-on high
  waxseal audit --lab")]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    check: CheckArgs,
    /// Ask for every suite in every version, instead of a sample in those before the newest.
    #[arg(long, help_heading = "Audit")]
    every_suite: bool,
    /// Connections to one address that may be open at a time: for your own servers.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Audit")]
    #[arg(value_parser = clap::value_parser!(u8).range(1..=16))]
    parallel: u8,
    /// The most connections to one address in a minute, for servers that count them.
    #[arg(long, value_name = "N", help_heading = "Audit")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=60_000))]
    rate: Option<u32>,
    /// Leave alone the other ports of mail on the address (25, 465, 587), which may share the
    /// certificate or speak SSLv2.
    #[arg(long, help_heading = "Audit")]
    this_port_only: bool,
    /// Send the hellos of real mail servers and clients (`waxseal clients`), one connection each,
    /// instead of telling from the lists how they would fare.
    #[arg(long, help_heading = "Audit")]
    replay_clients: bool,
    #[command(flatten)]
    online: OnlineArgs,
}

/// What an audit does beyond a check.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    /// Questions to the servers.
    pub(crate) probing: AuditOptions,
    /// What is found out beside.
    pub(crate) lookups: AuditLookups,
}

pub(crate) fn run(args: &AuditArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    #[cfg(feature = "lab")]
    if args.check.lab {
        return super::lab::check(&args.check, Some(args.audit(true)?), terminal);
    }
    let targets = args.check.parse_targets()?;
    if targets.is_empty() {
        return Err(Failure::usage(
            "nothing to audit: name a domain (waxseal audit example.com), or try waxseal audit --lab",
        ));
    }
    let runtime = setup::runtime(targets.len() > 1)?;
    let audit = args.audit(false)?;
    runtime.block_on(args.check.scan(targets, &Surroundings::default(), Some(audit), terminal))?.finish()
}

impl AuditArgs {
    /// `inside`: issuers may have addresses of the lab.
    fn audit(&self, inside: bool) -> Result<Audit, Failure> {
        let thoroughness = if self.every_suite { Thoroughness::Each } else { Thoroughness::Sample };
        let probing = AuditOptions {
            thoroughness,
            parallel: self.parallel,
            interval: self.rate.map_or(Duration::ZERO, |n| Duration::from_secs(60) / n),
            siblings: !self.this_port_only,
        };
        let certificates = self.online.options(inside)?;
        Ok(Audit { probing, lookups: AuditLookups { certificates, replay_clients: self.replay_clients } })
    }
}
