//! Attempts on scripted servers, which answer what no sound library answers, and on rustls.

mod heartbleed;
mod injection;
mod rustls;
mod scripted;
mod then;

use std::time::Duration;

use tokio::time::Instant;
use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    hello::HelloSpec,
    private::{self, Client},
    scheme, suites,
};

const MAX_BYTES: usize = 1 << 18;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

/// For servers that hang.
fn at_once() -> Instant {
    Instant::now() + Duration::from_millis(300)
}

/// A hello with all that the private client knows.
fn spec(version: TlsVersion) -> HelloSpec {
    let versions = [Some(version), (version == TlsVersion::Tls13).then_some(TlsVersion::Tls12)];
    let mut list: Vec<u16> = versions.into_iter().flatten().flat_map(suites::for_version).collect();
    list.retain(|code| private::is_supported(*code));
    HelloSpec {
        max_version: version,
        suites: list,
        groups: private::GROUPS.to_vec(),
        signature_schemes: scheme::usual(),
        server_name: Some("mx.example".into()),
        renegotiation_info: true,
        extended_master_secret: true,
        session_ticket: true,
        status_request: true,
        heartbeat: version < TlsVersion::Tls13,
        ..HelloSpec::default()
    }
}

fn client(version: TlsVersion) -> Client {
    Client::new(spec(version), [7; 32])
}
