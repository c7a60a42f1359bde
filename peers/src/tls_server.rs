//! TLS without SMTP: `openssl s_server` with any arguments.
//!
//! It needs no root, and does at a flag what no mail server is easily made to do: one
//! suite only, one group only, a certificate requested, tickets off. (`gnutls-serv` is
//! left out: it listens on all addresses and cannot be told otherwise. Exim brings
//! GnuTLS.)

use std::{net::SocketAddr, process::Command};

use crate::{
    PeerError,
    certificate::{self, Certificate},
    packages,
    server::{Folder, Server, free_address},
};

/// A running TLS server.
#[derive(Debug)]
pub struct TlsServer {
    server: Server,
    certificate: Certificate,
    _folder: Folder,
}

impl TlsServer {
    /// Starts `openssl s_server` with a certificate and further arguments (`-tls1_2`,
    /// `-cipher`, `AES128-SHA` …).
    ///
    /// # Errors
    /// As [`PeerError`] says.
    pub fn openssl(certificate: &certificate::Options, arguments: &[&str]) -> Result<Self, PeerError> {
        let program = packages::program("openssl", "openssl")?;
        let folder = Folder::new("openssl")?;
        let certificate = certificate::issue(folder.path(), certificate)?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.arg("s_server").arg("-quiet").arg("-accept").arg(address.to_string());
        command.arg("-cert").arg(&certificate.certificate).arg("-key").arg(&certificate.key);
        command.arg("-cert_chain").arg(&certificate.ca).args(arguments);
        let server = Server::start(&mut command, address, &folder.path().join("output"))?;
        Ok(Self { server, certificate, _folder: folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its certificate and the authority's.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}
