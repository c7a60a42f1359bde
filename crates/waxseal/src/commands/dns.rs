//! `waxseal dns`

use clap::Args;
use waxseal_model::{DnssecStatus, dns::DnsOutcome};

use crate::{
    cli::NameArgs,
    exit::{Exit, Failure},
    output::Terminal,
    setup::{self, Surroundings},
};

/// A DNS answer with its DNSSEC status, and why.
///
/// The signatures are validated here, from a trust anchor; no resolver is believed.
/// Exits with 0 if the answer is secure or insecure, with 1 if it is bogus, and with 3 if
/// it could not be determined.
#[derive(Debug, Args)]
pub(crate) struct DnsArgs {
    /// The name; for PTR an address will do.
    name: String,
    /// The type: MX, A, AAAA, CNAME, TXT, TLSA, CAA, PTR, NS, SOA, DS, DNSKEY …
    #[arg(value_name = "TYPE", default_value = "MX")]
    rtype: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Seconds to wait for an answer.
    #[arg(long, default_value_t = 10.0, value_name = "SECONDS")]
    timeout: f64,
    #[command(flatten)]
    names: NameArgs,
}

pub(crate) fn run(args: &DnsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let rtype = args.rtype.to_ascii_uppercase();
    let name = match args.name.parse::<std::net::IpAddr>() {
        Ok(address) if rtype == "PTR" => waxseal_net::resolver::reverse_name(address),
        _ if args.name == "." => args.name.clone(),
        _ => waxseal_wire::target::name_to_ascii(&args.name).map_err(Failure::usage)?,
    };
    if !(args.timeout > 0.0 && args.timeout <= 600.0) {
        return Err(Failure::usage("--timeout takes seconds between 0.1 and 600"));
    }
    let step = std::time::Duration::from_secs_f64(args.timeout);
    let runtime = setup::runtime(false)?;
    let answer = runtime.block_on(async {
        let resolver = setup::resolver(&args.names, &Surroundings::default(), step)?;
        Ok::<_, Failure>(resolver.lookup(&name, &rtype).await)
    })?;
    if args.json {
        terminal.print(&waxseal_render::dns::json(&answer).map_err(Failure::internal)?)?;
    } else {
        terminal.print(&waxseal_render::dns::text(&answer, &terminal.style()))?;
    }
    Ok(match (answer.outcome, answer.status) {
        (_, DnssecStatus::Bogus) => Exit::Findings,
        (DnsOutcome::ServerError | DnsOutcome::Timeout | DnsOutcome::Unusable, _)
        | (_, DnssecStatus::Indeterminate) => Exit::Undetermined,
        (DnsOutcome::Records | DnsOutcome::NoData | DnsOutcome::NxDomain, _) => Exit::Fine,
    })
}
