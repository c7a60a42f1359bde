//! The lists of `waxseal audit` on real servers, compared with those of sslscan and nmap on the
//! same server. What differs must be explained, suite by suite, in [`EXPLAINED`]. Servers and
//! tools come from Debian's packages; what is missing is said by a line with `SKIPPED`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

mod tools;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
};

use waxseal_model::{
    Report,
    tls::{TlsEvidence, TlsVersion},
};
use waxseal_peers::{Exim, PeerError, Postfix, TlsServer, certificate, exim, postfix};

use tools::{Lists, Start};

/// What a tool and waxseal list differently on a server, and why: tool, server, version, suite.
const EXPLAINED: [(&str, &str, &str, &str, &str); 0] = [];

/// The server, or none after a loud line.
fn or_skip<T>(started: Result<T, PeerError>) -> Option<T> {
    match started {
        Ok(server) => Some(server),
        Err(PeerError::Unavailable(why)) => {
            eprintln!("SKIPPED: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// What waxseal finds, with further arguments.
fn audit(address: SocketAddr, start: Start, more: &[&str]) -> TlsEvidence {
    let output = Command::new(env!("CARGO_BIN_EXE_waxseal"))
        .args(["audit", &address.to_string(), "--json", "--this-port-only", "--timeout", "5"])
        .arg(match start {
            Start::Starttls => "--starttls",
            Start::Implicit => "--implicit",
        })
        .args(more)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report: Report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)));
    let facts = report.endpoints.into_iter().next().unwrap().evidence;
    assert!(facts.cost.connections <= 250);
    facts.tls
}

/// The lists as the tools give them, so that they can be compared.
fn lists(tls: &TlsEvidence) -> Lists {
    let audit = tls.audit.as_ref().unwrap();
    for (version, list) in &audit.suite_lists {
        let list = list.get().unwrap_or_else(|| panic!("no list of {version:?}"));
        assert!(list.complete, "{version:?}: {:?}", list.why_incomplete);
    }
    Lists {
        suites: tls.suites.iter().map(|(v, names)| (*v, names.iter().cloned().collect())).collect(),
        groups: tls.groups.iter().cloned().collect(),
    }
}

fn compare(server: &str, tool: &str, ours: &Lists, theirs: &Lists) {
    let versions: BTreeSet<TlsVersion> = ours.suites.keys().chain(theirs.suites.keys()).copied().collect();
    let none = BTreeSet::new();
    let mut compared = 0;
    for version in versions {
        let [ours, theirs] = [ours, theirs].map(|lists| lists.suites.get(&version).unwrap_or(&none));
        compared += theirs.len();
        for suite in ours.symmetric_difference(theirs) {
            let explained = EXPLAINED.iter().any(|(t, s, v, name, _)| {
                (*t, *s, *v, *name) == (tool, server, version.label(), suite.as_str())
            });
            let who = if ours.contains(suite) { "waxseal" } else { tool };
            assert!(explained, "{server}, {}: only {who} lists {suite}", version.label());
        }
    }
    assert!(compared > 5, "{server}: {tool} lists {compared} suites, so that nothing is compared");
    eprintln!("{server}: {compared} suites are the same for {tool}");
}

/// Compares all tools that are installed; nmap speaks STARTTLS on ports 25 and 587 alone.
fn compare_all(server: &str, address: SocketAddr, start: Start) {
    let ours = lists(&audit(address, start, &[]));
    let each = lists(&audit(address, start, &["--every-suite"]));
    assert_eq!(ours, each, "{server}: what is inferred is true");
    if let Some(theirs) = or_skip(tools::sslscan(address, start)) {
        compare(server, "sslscan", &ours, &theirs);
        let missing: Vec<_> = theirs.groups.difference(&ours.groups).collect();
        assert!(missing.is_empty(), "{server}: groups that only sslscan lists: {missing:?}");
        if theirs.groups.is_empty() {
            eprintln!("SKIPPED: groups of {server}: sslscan lists none");
        }
    }
    if start == Start::Implicit || address.port() == 25 {
        if let Some(theirs) = or_skip(tools::nmap(address)) {
            compare(server, "nmap", &ours, &theirs);
        }
    } else {
        eprintln!("SKIPPED: nmap on {server}: port 25 of a loopback address could not be had");
    }
}

/// Port 25 of an address of its own.
fn on_25(last: u8) -> SocketAddr {
    let [high, low] = (std::process::id() as u16).to_be_bytes();
    SocketAddr::from((Ipv4Addr::new(127, high, low, last), 25))
}

#[test]
fn stock_postfix() {
    let options = postfix::Options { address: Some(on_25(35)), ..Default::default() };
    let started = match Postfix::start(&options) {
        Err(PeerError::Failed(_)) => Postfix::start(&postfix::Options::default()),
        other => other,
    };
    let Some(postfix) = or_skip(started) else { return };
    let before = postfix.connections();
    let tls = audit(postfix.address(), Start::Starttls, &[]);
    let connections = postfix.connections() - before;
    assert!(connections <= 110, "{connections} connections");
    assert!(tls.audit.is_some());
    compare_all("Postfix", postfix.address(), Start::Starttls);
}

#[test]
fn exim_with_gnutls() {
    let Some(exim) = or_skip(Exim::start(&exim::Options::default())) else { return };
    compare_all("Exim", exim.address(), Start::Starttls);
}

#[test]
fn openssl_at_security_level_0_in_both_orders() {
    for (name, order) in
        [("s_server, client's order", None), ("s_server, its own order", Some("-serverpref"))]
    {
        let ciphers = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-min_protocol", "TLSv1"];
        let arguments: Vec<&str> = ciphers.into_iter().chain(order).collect();
        let Some(server) = or_skip(TlsServer::openssl(&certificate::Options::default(), &arguments)) else {
            return;
        };
        compare_all(name, server.address(), Start::Implicit);
    }
}

#[test]
fn the_order_of_suites_is_the_servers() {
    // Not by strength, not by number.
    let order = ["AES128-SHA", "ECDHE-RSA-AES256-GCM-SHA384", "DHE-RSA-AES128-SHA", "AES256-GCM-SHA384"];
    let names = [
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
    ];
    let list = order.join(":");
    let arguments = ["-cipher", &list, "-tls1_2", "-serverpref"];
    let Some(server) = or_skip(TlsServer::openssl(&certificate::Options::default(), &arguments)) else {
        return;
    };
    let tls = audit(server.address(), Start::Implicit, &[]);
    assert_eq!(tls.suites, BTreeMap::from([(TlsVersion::Tls12, names.map(str::to_owned).to_vec())]));
}
