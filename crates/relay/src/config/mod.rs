//! The configuration: a TOML file, read whole or refused with the place of the mistake.
//!
//! Every key has its manual in [`sections`]; [`values`] are checked where they stand.
//! Nothing is looked up and no file opened here: a text goes in.

mod check;
mod error;
pub mod sections;
pub mod values;

use serde::Deserialize;

pub use error::ConfigError;
use sections::{Access, Delivery, Dns, Limits, Listen, Log, Metrics, Policy, RouteRule, Server, Tls, TlsRpt};

/// A configuration in which no mistake was found.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who we are and where the queue lies.
    pub server: Server,
    /// Where mail is taken.
    #[serde(default)]
    pub listen: Vec<Listen>,
    /// Our certificate.
    #[serde(default)]
    pub tls: Tls,
    /// Who may send.
    #[serde(default)]
    pub access: Access,
    /// What clients may do.
    #[serde(default)]
    pub limits: Limits,
    /// How names are looked up.
    #[serde(default)]
    pub dns: Dns,
    /// What protection is demanded.
    #[serde(default)]
    pub policy: Policy,
    /// Mail that goes elsewhere than to its MX hosts.
    #[serde(default)]
    pub route: Vec<RouteRule>,
    /// How mail is delivered.
    #[serde(default)]
    pub delivery: Delivery,
    /// Reports to receiving domains.
    pub tlsrpt: Option<TlsRpt>,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// Figures.
    #[serde(default)]
    pub metrics: Metrics,
}

impl Config {
    /// Reads a configuration; `file` is its name in errors.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let config: Self =
            toml::from_str(text).map_err(|e| ConfigError::at(file, text, e.span(), e.message()))?;
        check::check(&config)
            .map_err(|(key, message)| ConfigError::at(file, text, find(text, &key), &message))?;
        Ok(config)
    }
}

/// Where a section or an entry of it stands: what no single value is to blame for is shown
/// at its beginning. `policy.rule#2` is the third of that name.
fn find(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let (name, number) = match key.split_once('#') {
        Some((name, number)) => (name, number.parse().ok()?),
        None => (key, 0),
    };
    let headers = [format!("[[{name}]]"), format!("[{name}]")];
    let mut at = 0;
    let mut seen = 0;
    for line in text.split_inclusive('\n') {
        let bare: String = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if headers.contains(&bare) {
            if seen == number {
                return Some(at..at + line.len());
            }
            seen += 1;
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests;
