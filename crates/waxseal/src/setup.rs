//! From arguments to resolver, roots, limits and scanner.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use waxseal_model::Why;
use waxseal_net::{
    egress::{Egress, EgressRules},
    pacing::{Pacer, PacerRules},
    resolver::{Resolver, ResolverConfig},
    roots,
};
use waxseal_probe::{
    ProbeOptions, Prober,
    options::{AUDIT_BUDGET, AuditOptions, STANDARD_BUDGET},
};
use waxseal_wire::x509::RootStore;

use crate::{
    cli::{ConnectionArgs, NameArgs},
    exit::Failure,
};

/// One step may take this long unless said otherwise.
const STEP: Duration = Duration::from_secs(20);
/// So much longer than a step may a whole endpoint take.
const STEPS_IN_TOTAL: u32 = 6;
/// The same for an audit, which asks ten times as much.
const STEPS_OF_AUDIT: u32 = 30;
/// A question to the name service may take this long at the most.
const LONGEST_QUERY: Duration = Duration::from_secs(10);

/// Where names, roots and ports come from when the lab is used.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// Name servers.
    pub(crate) dns: Vec<SocketAddr>,
    /// Trust anchor in zone-file form.
    pub(crate) trust_anchor: Option<String>,
    /// Root certificates.
    pub(crate) ca: Option<(String, Vec<u8>)>,
    /// Logical ports and real ones.
    pub(crate) port_map: BTreeMap<u16, u16>,
    /// Time for one step.
    pub(crate) step: Option<Duration>,
    /// Several targets are told one by one instead of in a table.
    pub(crate) story: bool,
}

/// The resolver that the arguments ask for; what they do not say comes from `around`.
///
/// # Errors
/// A name server or trust anchor that cannot be used.
pub(crate) fn resolver(args: &NameArgs, around: &Surroundings, step: Duration) -> Result<Resolver, Failure> {
    let mut servers = Vec::new();
    for text in &args.dns {
        servers.push(name_server(text)?);
    }
    if servers.is_empty() {
        servers.clone_from(&around.dns);
    }
    let trust_anchor = match &args.trust_anchor {
        Some(path) => Some(read_text(path, "trust anchor")?),
        None => around.trust_anchor.clone(),
    };
    let config = ResolverConfig { servers, trust_anchor, timeout: step.min(LONGEST_QUERY) };
    Resolver::new(config).map_err(Failure::usage)
}

/// Time for one step.
pub(crate) fn step(args: &ConnectionArgs, around: &Surroundings) -> Duration {
    args.timeout.or(around.step).unwrap_or(STEP)
}

/// Everything that probing needs.
///
/// # Errors
/// A file of roots that cannot be used.
pub(crate) fn prober(
    args: &ConnectionArgs,
    around: &Surroundings,
    tls_start_fixed: bool,
    audit: Option<AuditOptions>,
) -> Result<Prober, Failure> {
    let step = step(args, around);
    let (budget, steps) = match audit {
        Some(_) => (AUDIT_BUDGET, STEPS_OF_AUDIT),
        None => (STANDARD_BUDGET, STEPS_IN_TOTAL),
    };
    let budget = args.budget.unwrap_or(budget);
    let at_a_time = audit.as_ref().map_or(1, |a| usize::from(a.parallel));
    let interval = audit.as_ref().map_or(Duration::ZERO, |a| a.interval);
    let pacer = Pacer::new(PacerRules { per_address: at_a_time, interval, ..PacerRules::default() });
    let port_map = if args.port_map.is_empty() {
        around.port_map.clone()
    } else {
        args.port_map.iter().copied().collect()
    };
    let egress = Egress::new(EgressRules { port_map, public_only: args.public, connect_timeout: step });
    let options = ProbeOptions {
        step_timeout: step,
        total_timeout: step * steps + interval * budget,
        budget,
        audit,
        helo: helo(args)?,
        server_name: server_name(args)?,
        tls_start_fixed,
        ..ProbeOptions::default()
    };
    Ok(Prober { egress, pacer, roots: root_store(args, around)?, options })
}

/// The name for EHLO: a host name or an address in brackets. Anything else would be sent as
/// it stands, line feeds included.
fn helo(args: &ConnectionArgs) -> Result<Option<String>, Failure> {
    let Some(text) = args.helo.as_deref() else { return Ok(None) };
    let literal = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'));
    if literal.is_some_and(|l| l.strip_prefix("IPv6:").unwrap_or(l).parse::<IpAddr>().is_ok()) {
        return Ok(Some(text.to_owned()));
    }
    let name =
        waxseal_wire::target::name_to_ascii(text).map_err(|e| Failure::usage(format!("--helo: {e}")))?;
    Ok(Some(name))
}

fn server_name(args: &ConnectionArgs) -> Result<Option<String>, Failure> {
    args.server_name
        .as_deref()
        .map(|name| {
            waxseal_wire::target::name_to_ascii(name)
                .map_err(|e| Failure::usage(format!("--server-name: {e}")))
        })
        .transpose()
}

/// The roots of a file, of the lab, or of the system. That the system has none is no
/// reason not to test: certificates then cannot be verified, and the report says so.
fn root_store(args: &ConnectionArgs, around: &Surroundings) -> Result<Result<Arc<RootStore>, Why>, Failure> {
    if let Some(path) = &args.ca_file {
        return roots::from_file(path).map(|store| Ok(Arc::new(store))).map_err(Failure::usage);
    }
    if let Some((label, pem)) = &around.ca {
        let store = RootStore::from_pem(label, pem).map_err(Failure::internal)?;
        return Ok(Ok(Arc::new(store)));
    }
    Ok(roots::system().map(Arc::new).map_err(|e| e.why()))
}

fn name_server(text: &str) -> Result<SocketAddr, Failure> {
    const DNS: u16 = 53;
    let bare = text.trim().trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = text.trim().parse::<SocketAddr>() {
        return Ok(address);
    }
    bare.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS)).map_err(|_| {
        Failure::usage(format!(
            "--dns {text}: that is no address of a name server; write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53"
        ))
    })
}

/// A small text file that the user named.
///
/// # Errors
/// Says which file and why.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|e| Failure::usage(format!("the {what} {} cannot be read: {e}", path.display())))
}

/// An async runtime: threads help only where several targets are scanned.
///
/// # Errors
/// If the system has no means for one.
pub(crate) fn runtime(several: bool) -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = if several {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    builder.enable_all().build().map_err(|e| Failure::internal(format!("no async runtime: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_servers_may_leave_out_the_port() {
        assert_eq!(name_server("192.0.2.1").unwrap(), "192.0.2.1:53".parse().unwrap());
        assert_eq!(name_server("127.0.0.1:5353").unwrap(), "127.0.0.1:5353".parse().unwrap());
        assert_eq!(name_server("[2001:db8::1]").unwrap(), "[2001:db8::1]:53".parse().unwrap());
        assert_eq!(name_server("2001:db8::1").unwrap(), "[2001:db8::1]:53".parse().unwrap());
        assert!(name_server("dns.example").is_err());
    }
}
