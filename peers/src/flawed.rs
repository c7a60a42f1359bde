//! Certificates with one flaw each, and a sound one, all for one RSA key: root,
//! intermediate and leaf as public authorities make them, by `openssl`.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{PeerError, certificate, packages};

/// What is wrong with a certificate or with the chain that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    Sound,
    /// It ended in 2021.
    Expired,
    /// It ends in three days.
    ExpiresSoon,
    /// It is for `www.elsewhere.test`.
    OtherName,
    /// It is signed with its own key.
    SelfSigned,
    /// Its authority is not the one of [`Authority::root`].
    Untrusted,
    /// Its key is RSA with 1024 bits.
    WeakKey,
    /// It is signed with SHA-1.
    WeakSignature,
    /// It is of X.509 version 1.
    Version1,
    /// The intermediate is not served with it.
    NoIntermediate,
    /// The root is served before the intermediate.
    ChainOrder,
}

/// An authority that issues flawed certificates.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    openssl: PathBuf,
    host: String,
}

/// Files to serve.
#[derive(Debug, Clone)]
pub struct Served {
    /// What is sent, PEM.
    pub chain: PathBuf,
    /// The private key, PEM.
    pub key: PathBuf,
}

const CONFIG: &str = "\
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
";

impl Authority {
    /// Makes root, intermediate and the server's key in `folder`.
    ///
    /// # Errors
    /// [`PeerError::Unavailable`] without the `openssl` program.
    pub fn new(folder: &Path, host: &str) -> Result<Self, PeerError> {
        let openssl = packages::program("openssl", "openssl")?;
        let own = Self { folder: folder.to_owned(), openssl, host: host.to_owned() };
        packages::write(&folder.join("ca.cnf"), CONFIG)?;
        packages::write(&folder.join("index.txt"), "")?;
        for name in ["root", "other"] {
            own.run(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -config ca.cnf -extensions root \
                 -days 3650 -subj /CN={name} -keyout {name}.key -out {name}.pem"
            ))?;
        }
        own.run(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=intermediate \
             -keyout intermediate.key -out intermediate.csr",
        )?;
        own.sign("intermediate", "root", "-days 3650 -extensions root", "")?;
        own.run(&format!("req -newkey rsa:2048 -nodes -subj /CN={host} -keyout server.key -out server.csr"))?;
        Ok(own)
    }

    /// The root certificate to trust, PEM.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root.pem")
    }

    /// Issues a certificate, or sends a sound one wrongly.
    ///
    /// # Errors
    /// When `openssl` refuses.
    pub fn issue(&self, flaw: Flaw) -> Result<Served, PeerError> {
        let name = format!("{flaw:?}");
        let mut key = "server";
        if flaw == Flaw::WeakKey {
            key = "weak";
            self.run(&format!(
                "req -newkey rsa:1024 -nodes -subj /CN={} -keyout weak.key -out weak.csr",
                self.host
            ))?;
        }
        fs::copy(self.folder.join(format!("{key}.csr")), self.folder.join(format!("{name}.csr")))
            .map_err(|e| packages::failed(&self.folder, &e))?;
        let dates = match flaw {
            Flaw::Expired => "-startdate 20210101000000Z -enddate 20210401000000Z",
            // Not issued for three days: such certificates are renewed later than others.
            Flaw::ExpiresSoon => "-startdate 20260101000000Z -days 3",
            _ => "-days 80",
        };
        let host = if flaw == Flaw::OtherName { "www.elsewhere.test" } else { &self.host };
        let usage = format!(
            "subjectAltName = DNS:{host}\nextendedKeyUsage = serverAuth\nkeyUsage = digitalSignature,keyEncipherment\n"
        );
        match flaw {
            Flaw::SelfSigned => self.run(&format!(
                "x509 -req -in {name}.csr -signkey {key}.key {dates} -out {name}.pem -extfile {}",
                self.extensions(&name, &usage)?
            ))?,
            Flaw::Version1 => self.run(&format!(
                "x509 -req -in {name}.csr -CA intermediate.pem -CAkey intermediate.key -CAcreateserial {dates} \
                 -out {name}.pem"
            ))?,
            Flaw::Untrusted => self.sign(&name, "other", dates, &usage)?,
            Flaw::WeakSignature => self.sign(&name, "intermediate", &format!("{dates} -md sha1"), &usage)?,
            _ => self.sign(&name, "intermediate", dates, &usage)?,
        }
        let own = format!("{name}.pem");
        let parts: &[&str] = match flaw {
            Flaw::SelfSigned | Flaw::NoIntermediate => &[&own],
            Flaw::Untrusted => &[&own, "other.pem"],
            Flaw::ChainOrder => &[&own, "root.pem", "intermediate.pem"],
            _ => &[&own, "intermediate.pem"],
        };
        let chain = self.folder.join(format!("{name}-chain.pem"));
        let mut text = String::new();
        for part in parts {
            let path = self.folder.join(part);
            text.push_str(&fs::read_to_string(&path).map_err(|e| packages::failed(&path, &e))?);
        }
        packages::write(&chain, &text)?;
        Ok(Served { chain, key: self.folder.join(format!("{key}.key")) })
    }

    /// Signs `name.csr` with the key of `issuer`; `more` are arguments of `openssl ca`.
    fn sign(&self, name: &str, issuer: &str, more: &str, extensions: &str) -> Result<(), PeerError> {
        let file = match extensions {
            "" => String::new(),
            text => format!("-extfile {}", self.extensions(name, text)?),
        };
        self.run(&format!(
            "ca -batch -notext -config ca.cnf -in {name}.csr -cert {issuer}.pem -keyfile {issuer}.key {more} {file} \
             -out {name}.pem"
        ))
    }

    /// The name of a file with certificate extensions.
    fn extensions(&self, name: &str, text: &str) -> Result<String, PeerError> {
        let file = format!("{name}.ext");
        packages::write(&self.folder.join(&file), text)?;
        Ok(file)
    }

    fn run(&self, arguments: &str) -> Result<(), PeerError> {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        certificate::openssl_in(&self.openssl, &self.folder, &arguments)
    }
}
