//! What is found out about certificates beside what they say.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use waxseal_model::{Cause, Why};
use waxseal_scan::CertificateOptions;
use waxseal_wire::x509::WeakKeys;

use crate::exit::Failure;

/// Where Debian's package openssl-blacklist has its lists.
const USUAL: &str = "/usr/share/openssl-blacklist";
/// No list is larger: the longest of Debian's have some ten megabytes.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Certificates in depth.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Certificates")]
pub(crate) struct OnlineArgs {
    /// Ask the issuers of the certificates whether they are revoked (OCSP and revocation lists,
    /// by plain HTTP); this tells them which servers are looked at.
    #[arg(long)]
    online: bool,
    /// Lists of weak keys (CVE-2008-0166) in the form of Debian's openssl-blacklist: a file such
    /// as blacklist.RSA-2048, or a folder of them [default: /usr/share/openssl-blacklist, if it
    /// is there].
    #[arg(long, value_name = "PATH")]
    weak_keys: Option<PathBuf>,
}

impl OnlineArgs {
    /// The options of the scan. `inside` is true in the lab alone, whose issuers live on
    /// loopback; otherwise no issuer with such an address is visited.
    ///
    /// # Errors
    /// A list that was named and cannot be used.
    pub(crate) fn options(&self, inside: bool) -> Result<CertificateOptions, Failure> {
        Ok(CertificateOptions { online: self.online, inside, weak_keys: self.weak_keys()? })
    }

    fn weak_keys(&self) -> Result<Result<Arc<WeakKeys>, Why>, Failure> {
        let usual = Path::new(USUAL);
        let (path, named) = match &self.weak_keys {
            Some(path) => (path.as_path(), true),
            None if usual.is_dir() => (usual, false),
            None => {
                let text = format!(
                    "there is no list of weak keys: install openssl-blacklist ({USUAL}), or give one with --weak-keys"
                );
                return Ok(Err(Why::new(Cause::Unsupported, text)));
            }
        };
        match read(path) {
            Ok(keys) => Ok(Ok(Arc::new(keys))),
            Err(sentence) if named => Err(Failure::usage(format!("--weak-keys: {sentence}"))),
            // Nobody asked for it by name: a report without is better than none.
            Err(sentence) => Ok(Err(Why::new(Cause::Internal, sentence))),
        }
    }
}

/// The lists in a file or folder.
fn read(path: &Path) -> Result<WeakKeys, String> {
    let broken = |path: &Path, e: std::io::Error| format!("{} cannot be read: {e}", path.display());
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|e| broken(path, e))?;
        let names = entries.filter_map(|entry| Some(entry.ok()?.path()));
        files = names.filter(|p| WeakKeys::bits_of_file(&name(p)).is_some()).collect();
    }
    let mut keys = WeakKeys::default();
    for file in &files {
        let mut text = String::new();
        File::open(file)
            .and_then(|f| f.take(MAX_FILE_BYTES).read_to_string(&mut text))
            .map_err(|e| broken(file, e))?;
        keys.add(&name(file), &text).map_err(|e| e.to_string())?;
    }
    if keys.is_empty() {
        return Err(format!("{} has no list in it, such as blacklist.RSA-2048", path.display()));
    }
    Ok(keys)
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(path: &Path) -> Result<CertificateOptions, Failure> {
        OnlineArgs { online: false, weak_keys: Some(path.to_owned()) }.options(false)
    }

    #[test]
    fn a_file_or_a_folder_of_lists_is_read() {
        let folder = std::env::temp_dir().join(format!("waxseal-weak-keys-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let list = folder.join("blacklist.RSA-2048");
        let error = options(&folder).unwrap_err().to_string();
        assert!(error.contains("has no list in it"), "{error}");
        fs::write(&list, "# weak\n0123456789abcdef0123\n").unwrap();
        fs::write(folder.join("README"), "no list").unwrap();
        for path in [&folder, &list] {
            assert!(options(path).unwrap().weak_keys.is_ok_and(|keys| !keys.is_empty()));
        }
        fs::write(&list, "hello\n").unwrap();
        let error = options(&list).unwrap_err().to_string();
        assert!(error.starts_with("--weak-keys: ") && error.contains("line 1"), "{error}");
        fs::remove_dir_all(&folder).unwrap();
        assert!(options(&list).unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn nothing_is_asked_unless_told_to() {
        let options = OnlineArgs::default().options(false).unwrap();
        assert!(!options.online && !options.inside);
        let asked = OnlineArgs { online: true, weak_keys: None }.options(true).unwrap();
        assert!(asked.online && asked.inside);
    }
}
