//! `check-config`: everything that a start would read, without starting.

use std::{fs, path::Path};

use super::{StartError, reports::Reports, settings};
use crate::{config::Config, policy::rules::Rules};

/// Days before the end of our own certificate at which a remark is due.
const SOON: i64 = 14;

/// Reads all files that a configuration names. Returns remarks: nothing that keeps the relay
/// from starting, but worth to be looked at.
///
/// # Errors
/// The first file or rule that cannot be used.
pub fn check(config: &Config) -> Result<Vec<String>, StartError> {
    let mut remarks = Vec::new();
    settings::session(config)?;
    settings::scheduler(config)?;
    settings::resolver(config)?;
    Rules::new(&config.policy, &config.route).map_err(|e| StartError::Configured(e.to_string()))?;
    Reports::read(config)?;
    if let Some(tls) = settings::server_tls(config)? {
        let left = (tls.expires() - super::clock::now()) / 86_400;
        if left < SOON {
            remarks.push(format!("the certificate in [tls] expires in {left} days"));
        }
    }
    if settings::roots(config)?.is_empty() {
        remarks.push("the system has no root certificates: name a file, roots = \"…\" in [tls]".to_owned());
    }
    if config.listen.is_empty() {
        remarks.push("no [[listen]]: the relay would take no mail".to_owned());
    }
    if let Some(path) = config.access.passwords.as_deref().filter(|path| others_may_read(path)) {
        remarks.push(format!("others may read {0}: chmod 600 {0}", path.display()));
    }
    if let Some(path) = config.tls.key.as_deref().filter(|path| others_may_read(path)) {
        remarks.push(format!("others may read {0}: chmod 600 {0}", path.display()));
    }
    if let Some(tlsrpt) = config.tlsrpt.as_ref().filter(|own| own.send) {
        match tlsrpt.dkim_key.as_deref() {
            None => remarks.push(
                "[tlsrpt] names no dkim_key: many receivers ignore reports by mail that are not signed"
                    .to_owned(),
            ),
            Some(path) if others_may_read(path) => {
                remarks.push(format!("others may read {0}: chmod 600 {0}", path.display()));
            }
            Some(_) => {}
        }
    }
    Ok(remarks)
}

fn others_may_read(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}
