//! What beside the domain is to be looked at: addresses, selectors, a message.

use std::{
    fs::File,
    io::Read,
    net::IpAddr,
    path::{Path, PathBuf},
};

use clap::Args;
use waxseal_model::{Target, identity::MessageFacts};
use waxseal_scan::IdentityOptions;
use waxseal_wire::{message, target::name_to_ascii};

use crate::exit::Failure;

/// More addresses or selectors than this in one run are a mistake.
const MOST_ADDRESSES: usize = 8;
const MOST_SELECTORS: usize = 10;

/// Who sends for the domain.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Identity (SPF, DKIM, DMARC: information, not part of the grade)")]
pub(crate) struct IdentityArgs {
    /// An address that sends for the domain, to show what SPF says of it, step by step; may be
    /// given several times.
    #[arg(long, value_name = "ADDR")]
    sending_ip: Vec<IpAddr>,
    /// A DKIM selector of the domain, whose key is looked at; may be given several times.
    #[arg(long, value_name = "NAME")]
    selector: Vec<String>,
    /// A saved message from the domain: its selectors, From and Return-Path are looked at.
    #[arg(long, value_name = "FILE")]
    message: Option<PathBuf>,
}

impl IdentityArgs {
    /// The options of the scan.
    ///
    /// # Errors
    /// A selector that is none, a file that cannot be read or is no message, or nothing to
    /// apply them to.
    pub(crate) fn options(&self, targets: &[Target]) -> Result<IdentityOptions, Failure> {
        if self.sending_ip.is_empty() && self.selector.is_empty() && self.message.is_none() {
            return Ok(IdentityOptions::default());
        }
        if !targets.iter().any(|t| matches!(t, Target::Domain { .. })) {
            return Err(Failure::usage(
                "--sending-ip, --selector and --message are about a mail domain: name one, such as example.com",
            ));
        }
        if self.sending_ip.len() > MOST_ADDRESSES {
            return Err(Failure::usage(format!("--sending-ip: at most {MOST_ADDRESSES} in one run")));
        }
        if self.selector.len() > MOST_SELECTORS {
            return Err(Failure::usage(format!("--selector: at most {MOST_SELECTORS} in one run")));
        }
        let selectors = self.selector.iter().map(|s| selector(s)).collect::<Result<_, _>>()?;
        let message = self.message.as_deref().map(read_message).transpose()?;
        Ok(IdentityOptions { sending_ip: self.sending_ip.clone(), selectors, message })
    }
}

/// A selector in A-labels: `s1`, `2024.mail`.
fn selector(text: &str) -> Result<String, Failure> {
    if text.contains("_domainkey") {
        let bare = text.split("._domainkey").next().unwrap_or_default();
        return Err(Failure::usage(format!("--selector {text}: give the selector alone, --selector {bare}")));
    }
    name_to_ascii(text).map_err(|e| Failure::usage(format!("--selector: {e}")))
}

/// The header of a message in a file.
fn read_message(path: &Path) -> Result<MessageFacts, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(message::MAX_HEADER).unwrap_or(u64::MAX);
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .map_err(|e| Failure::usage(format!("the message {} cannot be read: {e}", path.display())))?;
    let facts = message::facts(&bytes);
    if facts.from.is_none() && facts.return_path.is_none() && facts.signatures.is_empty() {
        let why = facts.problems.first().map_or("it has no header", String::as_str);
        return Err(Failure::usage(format!(
            "--message {}: this is no message to work with: {why}; save one with all its header lines",
            path.display()
        )));
    }
    Ok(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain() -> Vec<Target> {
        vec![Target::Domain { name: "example.com".into(), given: "example.com".into(), mailbox: false }]
    }

    #[test]
    fn bad_input_gives_one_clear_error() {
        let args = |selectors: &[&str], message: Option<&str>| IdentityArgs {
            sending_ip: Vec::new(),
            selector: selectors.iter().map(|s| (*s).to_owned()).collect(),
            message: message.map(PathBuf::from),
        };
        for (args, word) in [
            (args(&["s1._domainkey.example.com"], None), "--selector s1"),
            (args(&["a b"], None), "--selector: "),
            (args(&["s"; 11], None), "at most 10"),
            (args(&[], Some("/does/not/exist.eml")), "/does/not/exist.eml cannot be read"),
            (args(&[], Some("/dev/null")), "no message to work with"),
        ] {
            let error = args.options(&domain()).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        let error = args(&["s1"], None).options(&[]).unwrap_err().to_string();
        assert!(error.contains("about a mail domain"), "{error}");
        assert_eq!(IdentityArgs::default().options(&[]).unwrap(), IdentityOptions::default());
        assert_eq!(args(&["S1.mail"], None).options(&domain()).unwrap().selectors, ["s1.mail"]);
    }
}
