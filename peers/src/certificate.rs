//! A certificate authority and a certificate of it, made by `openssl`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{PeerError, packages};

/// The kind of key in a certificate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Key {
    /// RSA, 2048 bits.
    #[default]
    Rsa,
    /// ECDSA, P-256.
    Ecdsa,
}

/// What to issue.
#[derive(Debug, Clone)]
pub struct Options {
    /// Host name: common name and subject alternative name.
    pub host: String,
    /// Days until it expires.
    pub days: u32,
    /// Kind of key.
    pub key: Key,
}

impl Default for Options {
    /// An RSA certificate for `mx.example.com`, good for 90 days.
    fn default() -> Self {
        Self { host: "mx.example.com".into(), days: 90, key: Key::Rsa }
    }
}

/// Files of an issued certificate.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The authority's certificate, PEM.
    pub ca: PathBuf,
    /// The certificate followed by the authority's, PEM.
    pub chain: PathBuf,
    /// The certificate alone, PEM.
    pub certificate: PathBuf,
    /// The certificate's private key, PEM.
    pub key: PathBuf,
}

/// Makes an authority and lets it issue a certificate, all in `folder`.
///
/// # Errors
/// [`PeerError::Unavailable`] without the `openssl` program.
pub fn issue(folder: &Path, options: &Options) -> Result<Certificate, PeerError> {
    let openssl = packages::program("openssl", "openssl")?;
    let extensions =
        format!("subjectAltName=DNS:{},DNS:localhost\nextendedKeyUsage=serverAuth\n", options.host);
    packages::write(&folder.join("mx.ext"), &extensions)?;
    let new_key: &[&str] = match options.key {
        Key::Rsa => &["-newkey", "rsa:2048"],
        Key::Ecdsa => &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    };
    let run = |arguments: &[&str]| openssl_in(&openssl, folder, arguments);
    let days = options.days.to_string();
    let subject = format!("/CN={}", options.host);
    let ca = ["-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA", "-days", "3650"];
    run(&[&["req", "-x509"], new_key, &ca].concat())?;
    let request = ["-nodes", "-keyout", "mx.key", "-out", "mx.csr", "-subj", &subject];
    run(&[&["req"], new_key, &request].concat())?;
    run(&["x509", "-req", "-in", "mx.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]
        .into_iter()
        .chain(["-days", &days, "-extfile", "mx.ext", "-out", "mx.pem"])
        .collect::<Vec<_>>())?;
    let read = |name: &str| {
        std::fs::read_to_string(folder.join(name)).map_err(|e| packages::failed(&folder.join(name), &e))
    };
    packages::write(&folder.join("chain.pem"), &(read("mx.pem")? + &read("ca.pem")?))?;
    Ok(Certificate {
        ca: folder.join("ca.pem"),
        chain: folder.join("chain.pem"),
        certificate: folder.join("mx.pem"),
        key: folder.join("mx.key"),
    })
}

pub(crate) fn openssl_in(openssl: &Path, folder: &Path, arguments: &[&str]) -> Result<(), PeerError> {
    let output = Command::new(openssl)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| packages::failed(openssl, &e))?;
    if output.status.success() {
        return Ok(());
    }
    let talk = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(PeerError::Failed(format!("openssl {}: {talk}", arguments.join(" "))))
}
