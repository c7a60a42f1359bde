//! `posttls-finger`, Postfix's own probe: what Postfix makes of a domain at a TLS level.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    PeerError,
    packages::{self, Programs},
};

/// Seconds after which a run is ended.
const MOST_SECONDS: &str = "12";
/// The most that is read of what it says.
const MOST_BYTES: u64 = 1 << 20;
/// Seconds for a connection and its greeting, and for each reply.
const STEP_SECONDS: &str = "3";

/// What it was told of the TLSA records of the host that it went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tlsa {
    /// None, or none that is signed; also where the level does not ask.
    None,
    /// Signed ones, and none of use to SMTP.
    Unusable,
    /// Signed ones that a certificate has to match.
    Usable,
}

/// How far it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No host, no connection, or no greeting and EHLO that take mail.
    Nothing,
    /// A session in which STARTTLS is not offered.
    NoStarttls,
    /// STARTTLS refused, or the handshake failed.
    NoTls,
    /// TLS, in the words of Postfix's log: any certificate.
    Untrusted,
    /// TLS with a certificate of a trusted authority, no name compared or none that fits.
    Trusted,
    /// TLS with a certificate that is right by the level's rules.
    Verified,
}

/// What it says of a domain at a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// How far it came at the last host that it tried.
    pub reached: Reached,
    /// That host's TLSA records.
    pub tlsa: Tlsa,
    /// `Trusted` stands for `Verified`: the MX answer is not signed.
    pub verified_as_trusted: bool,
}

impl Sight {
    /// Reads its log; TLSA records are in it at `-L verbose` only. None where it ended before it came to anything, as on
    /// wrong usage or when its time was up.
    pub fn read(log: &str) -> Option<Self> {
        let mut sight = Self { reached: Reached::Nothing, tlsa: Tlsa::None, verified_as_trusted: false };
        let mut told = false;
        for line in log.lines().filter_map(|line| line.strip_prefix("posttls-finger: ")) {
            told |= sight.line(line);
        }
        told.then_some(sight)
    }

    /// True for a line that is an answer, or without which there is none.
    fn line(&mut self, line: &str) -> bool {
        let any = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        let established = |state: &str| line.starts_with(&format!("{state} TLS connection established"));
        if any(&["Connected to "]) {
            self.reached = Reached::Nothing;
        } else if any(&["> STARTTLS"]) {
            self.reached = Reached::NoTls;
        } else if any(&["< 250 ", "EHLO rejected: 5"]) && self.reached == Reached::Nothing {
            // By RFC 5321 section 3.2, HELO follows a refused EHLO; it offers nothing.
            self.reached = Reached::NoStarttls;
        } else if established("Untrusted") || established("Anonymous") {
            self.reached = Reached::Untrusted;
        } else if established("Trusted") {
            self.reached = Reached::Trusted;
        } else if established("Verified") {
            self.reached = Reached::Verified;
        } else if line.starts_with("MX RRset insecure: log verified as trusted") {
            self.verified_as_trusted = true;
        } else if line.contains("unsupported TLSA certificate usage") {
            self.tlsa = self.tlsa.max(Tlsa::Unusable);
        } else if any(&["DNSSEC-signed TLSA record"]) {
            self.tlsa = Tlsa::Usable;
        } else if line.contains("all TLSA records unusable") {
            self.tlsa = Tlsa::Unusable;
        }
        any(&[
            "Connected to ",
            "Destination address lookup failed",
            "Failed to establish session",
            "warning: no MX host for",
        ])
    }
}

/// The program with a configuration of its own.
#[derive(Debug, Clone)]
pub struct PosttlsFinger {
    programs: Programs,
    config: PathBuf,
    roots: PathBuf,
}

impl PosttlsFinger {
    /// Where its programs are.
    ///
    /// # Errors
    /// As [`packages::programs`].
    pub fn programs() -> Result<Programs, PeerError> {
        packages::programs("postfix", "usr/sbin/posttls-finger")
    }

    /// `folder` takes its configuration and the certificates to trust.
    ///
    /// # Errors
    /// As [`packages::programs`].
    pub fn new(folder: &Path, roots: &str) -> Result<Self, PeerError> {
        let programs = Self::programs()?;
        let config = folder.join("postfix");
        packages::create(&config)?;
        packages::write(
            &config.join("main.cf"),
            "compatibility_level = 3.6\nmyhostname = finger.example.com\nmail_owner = mail\n\
             setgid_group = uucp\nsmtp_dns_support_level = dnssec\n",
        )?;
        let roots_file = config.join("roots.pem");
        packages::write(&roots_file, roots)?;
        Ok(Self { programs, config, roots: roots_file })
    }

    /// What it says of a domain at a level, `dane`, up to a mebibyte.
    ///
    /// # Errors
    /// When it cannot be started or read.
    pub fn run(&self, level: &str, domain: &str) -> Result<String, PeerError> {
        // Only so it tells of TLSA records, and it is slow: no other level has any.
        let talk = if level.starts_with("dane") { "routine,certmatch,verbose" } else { "routine,certmatch" };
        let failed = |e: io::Error| PeerError::Failed(format!("cannot run posttls-finger: {e}"));
        let mut child = Command::new("timeout")
            .args(["-k", "1", MOST_SECONDS])
            .arg(self.programs.path("usr/sbin/posttls-finger"))
            .args(["-l", level, "-t", STEP_SECONDS, "-T", STEP_SECONDS, "-L", talk, "-F"])
            .arg(&self.roots)
            .arg(domain)
            .env("MAIL_CONFIG", &self.config)
            .env("LD_LIBRARY_PATH", self.programs.library_path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(failed)?;
        let mut said = Vec::new();
        let read = match child.stdout.take() {
            Some(stdout) => stdout.take(MOST_BYTES).read_to_end(&mut said),
            None => Ok(0),
        };
        // It repeats what a server says, and some never end. `timeout` passes the signal on;
        // for one that has ended there is nobody to get it.
        if let Ok(id) = i32::try_from(child.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        child.wait().map_err(failed)?;
        read.map_err(failed)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<Sight> {
        let log: Vec<String> = lines.iter().map(|line| format!("posttls-finger: {line}\n")).collect();
        Sight::read(&log.concat())
    }

    const CONNECTED: &str = "Connected to mx.example.com[192.0.2.1]:25";

    #[test]
    fn the_last_host_counts() {
        let first = "Failed to establish session to example.com via mx.example.com: Connection refused";
        let sight =
            read(&[first, CONNECTED, "< 220 mx", "< 250-STARTTLS", "< 250 DSN", "> STARTTLS"]).unwrap();
        assert_eq!(sight.reached, Reached::NoTls);
        assert_eq!(read(&[first]).unwrap().reached, Reached::Nothing);
        assert_eq!(
            read(&[CONNECTED, "timeout while reading server greeting"]).unwrap().reached,
            Reached::Nothing
        );
    }

    #[test]
    fn what_follows_ehlo_within_tls_does_not_take_tls_away() {
        let tls =
            "Verified TLS connection established to mx.example.com[192.0.2.1]:25: TLSv1.3 with cipher X";
        let sight = read(&[CONNECTED, "< 250 DSN", "> STARTTLS", tls, "< 250 DSN", "> QUIT"]).unwrap();
        assert_eq!(sight.reached, Reached::Verified);
        assert_eq!(read(&[CONNECTED, "< 250 DSN", "> QUIT"]).unwrap().reached, Reached::NoStarttls);
    }

    #[test]
    fn records_that_turn_out_to_be_of_no_use_demand_no_match() {
        let record = "DNSSEC-signed TLSA record: _25._tcp.mx.example.com: 3 1 1 00";
        let unusable =
            "warning: mx[192.0.2.1]:25: all TLSA records unusable, fallback to unauthenticated TLS";
        assert_eq!(read(&[record, CONNECTED]).unwrap().tlsa, Tlsa::Usable);
        assert_eq!(read(&[record, CONNECTED, unusable]).unwrap().tlsa, Tlsa::Unusable);
        let usage = "warning: _25._tcp.mx unsupported TLSA certificate usage: 1 1 1 00";
        assert_eq!(read(&[usage, CONNECTED]).unwrap().tlsa, Tlsa::Unusable);
        assert_eq!(read(&[record, usage, CONNECTED]).unwrap().tlsa, Tlsa::Usable);
    }

    #[test]
    fn a_run_that_came_to_nothing_is_no_answer() {
        assert_eq!(read(&["fatal: parameter mail_owner: unknown user name value: postfix"]), None);
        assert_eq!(read(&[]), None);
    }
}
