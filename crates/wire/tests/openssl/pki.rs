//! A workshop of keys and certificates: one folder per test, made by `openssl`.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use rustls_pki_types::{CertificateDer, pem::PemObject};

/// A folder in which keys and certificates are made.
pub(crate) struct Pki {
    folder: PathBuf,
}

impl Pki {
    /// A fresh folder; none, and a loud line, without the command.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let version = Command::new("openssl").arg("version").output();
        let found = version.ok().filter(|out| out.status.success());
        let text = found.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
        if !text.starts_with("OpenSSL 3.") {
            eprintln!("SKIPPED {name}: these tests need the command openssl, version 3 (found: {text:?})");
            return None;
        }
        let folder =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Some(Self { folder })
    }

    /// Runs openssl in the folder; arguments are separated by single blanks.
    pub(crate) fn run(&self, arguments: &str) -> Output {
        Command::new("openssl").args(arguments.split(' ')).current_dir(&self.folder).output().unwrap()
    }

    /// Runs openssl, which must succeed.
    pub(crate) fn must(&self, arguments: &str) -> String {
        let out = self.run(arguments);
        assert!(out.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), bytes).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.folder.join(name)).unwrap()
    }

    /// Makes the private key `NAME.key`: `EC:P-256`, `RSA:1024`, `ED25519` …
    pub(crate) fn key(&self, name: &str, kind: &str) {
        let arguments = match kind.split_once(':') {
            Some(("EC", curve)) => {
                format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out {name}.key")
            }
            Some(("RSA", bits)) => {
                format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out {name}.key")
            }
            _ => format!("genpkey -algorithm {kind} -out {name}.key"),
        };
        self.must(&arguments);
    }

    /// Makes the certificate `cert.name` as DER.
    pub(crate) fn issue(&self, cert: &Spec<'_>) -> Vec<u8> {
        let key = cert.key_of.unwrap_or(cert.name);
        if !self.folder.join(format!("{key}.key")).exists() {
            self.key(key, cert.key);
        }
        let (name, subject) = (cert.name, cert.subject.unwrap_or(cert.name));
        self.write(
            "request.cnf",
            format!("[req]\nprompt=no\nstring_mask=utf8only\nutf8=yes\ndistinguished_name=dn\n[dn]\nCN={subject}\n"),
        );
        self.must(&format!("req -new -config request.cnf -key {key}.key -out {name}.csr"));
        let signer = match cert.issuer {
            Some(issuer) => format!("-CA {issuer}.pem -CAkey {}.key", cert.issuer_key.unwrap_or(issuer)),
            None => format!("-key {key}.key"),
        };
        let extensions = match cert.extensions {
            [] => String::new(),
            lines => {
                self.write("extensions.cnf", lines.join("\n"));
                " -extfile extensions.cnf".to_owned()
            }
        };
        let options = if cert.options.is_empty() { String::new() } else { format!(" {}", cert.options) };
        let serial = cert.serial;
        self.must(&format!(
            "x509 -req -in {name}.csr {signer}{extensions}{options} -days 3650 -set_serial {serial} -out {name}.pem"
        ));
        self.der(name)
    }

    /// A certificate of the folder as DER.
    pub(crate) fn der(&self, name: &str) -> Vec<u8> {
        CertificateDer::from_pem_slice(&self.read(&format!("{name}.pem"))).unwrap().to_vec()
    }
}

impl Drop for Pki {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a certificate is to be. Without extensions it is X.509 v1.
#[derive(Clone, Copy)]
pub(crate) struct Spec<'a> {
    pub(crate) name: &'a str,
    /// Common name, if not `name`.
    pub(crate) subject: Option<&'a str>,
    /// Kind of key, if it is to be made.
    pub(crate) key: &'a str,
    /// Whose key it bears, if not its own.
    pub(crate) key_of: Option<&'a str>,
    /// None: self-signed.
    pub(crate) issuer: Option<&'a str>,
    /// Whose key signs, if not the issuer's.
    pub(crate) issuer_key: Option<&'a str>,
    pub(crate) extensions: &'a [&'a str],
    /// More options for `openssl x509`.
    pub(crate) options: &'a str,
    pub(crate) serial: i64,
}

impl Default for Spec<'_> {
    fn default() -> Self {
        Self {
            name: "",
            subject: None,
            key: "EC:P-256",
            key_of: None,
            issuer: None,
            issuer_key: None,
            extensions: &[],
            options: "-sha256",
            serial: 4660,
        }
    }
}

/// A certificate authority's extensions.
pub(crate) const CA: &[&str] = &[
    "basicConstraints=critical,CA:TRUE",
    "keyUsage=critical,keyCertSign,cRLSign",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
];

/// A server's extensions.
pub(crate) const LEAF: &[&str] = &[
    "basicConstraints=CA:FALSE",
    "keyUsage=critical,digitalSignature",
    "extendedKeyUsage=serverAuth",
    "subjectAltName=DNS:mx.example.com",
    "subjectKeyIdentifier=hash",
    "authorityKeyIdentifier=keyid",
];
