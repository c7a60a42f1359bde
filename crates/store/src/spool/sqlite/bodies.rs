//! Bodies that lie in files of their own.
//!
//! A file is whole and durable before the database speaks of it: written under a name that
//! no body bears, flushed, renamed, the folder flushed. It goes after the database has
//! ceased to speak of it. What a crash leaves between the two is an orphan, and is removed
//! at the next opening.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::spool::{MessageId, SpoolError};

/// What the name of an unfinished file ends with.
const UNFINISHED: &str = ".new";

/// The folder of body files.
#[derive(Debug)]
pub(super) struct Bodies {
    folder: PathBuf,
}

/// A file that the database does not speak of yet: removed when this is dropped, unless
/// [kept](BodyFile::keep).
#[derive(Debug)]
pub(super) struct BodyFile {
    pub(super) id: MessageId,
    path: PathBuf,
    kept: bool,
}

impl BodyFile {
    /// The database speaks of it now.
    pub(super) fn keep(&mut self) {
        self.kept = true;
    }
}

impl Drop for BodyFile {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed is an orphan, and the next opening tries again.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Bodies {
    /// Opens the folder, or makes it.
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        Ok(Self { folder })
    }

    fn path(&self, id: MessageId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Writes a body and makes it durable. Blocks.
    ///
    /// # Errors
    /// `Full`; `Poisoned` where a flush failed; `Io`. No file is left.
    pub(super) fn write(&self, id: MessageId, parts: &[Bytes]) -> Result<BodyFile, SpoolError> {
        let path = self.folder.join(format!("{id}{UNFINISHED}"));
        let mut body = BodyFile { id, path, kept: false };
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&body.path)
            .map_err(|error| written(&body.path, &error))?;
        for part in parts {
            file.write_all(part).map_err(|error| written(&body.path, &error))?;
        }
        file.sync_data().map_err(|error| flushed(&body.path, &error))?;
        let path = self.path(id);
        fs::rename(&body.path, &path).map_err(|error| written(&path, &error))?;
        body.path = path;
        flush_folder(&self.folder).map_err(|error| flushed(&self.folder, &error))?;
        Ok(body)
    }

    /// Reads a body of this size. Blocks.
    pub(super) fn read(&self, id: MessageId, size: u64) -> Result<Bytes, SpoolError> {
        let path = self.path(id);
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => SpoolError::BodyMissing { id },
            _ => SpoolError::Io { detail: format!("{}: {error}", path.display()) },
        })?;
        if bytes.len() as u64 != size {
            let detail = format!("{} has {} bytes, not {size}", path.display(), bytes.len());
            return Err(SpoolError::Corrupt { detail });
        }
        Ok(bytes.into())
    }

    /// Removes a body that the database speaks of no more. Blocks.
    pub(super) fn remove(&self, id: MessageId) {
        // As with unwanted files: the next opening tries again.
        let _ = fs::remove_file(self.path(id));
    }

    /// Removes unfinished files, and bodies that `known` denies. Leaves alone what has a name
    /// that we do not give. Blocks.
    pub(super) fn remove_orphans(
        &self,
        mut known: impl FnMut(MessageId) -> Result<bool, SpoolError>,
    ) -> Result<(), SpoolError> {
        let unread =
            |error: io::Error| SpoolError::Io { detail: format!("{}: {error}", self.folder.display()) };
        for entry in fs::read_dir(&self.folder).map_err(unread)? {
            let entry = entry.map_err(unread)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else { continue };
            let Ok(id) = name.strip_suffix(UNFINISHED).unwrap_or(name).parse() else { continue };
            if name.ends_with(UNFINISHED) || !known(id)? {
                fs::remove_file(entry.path()).map_err(unread)?;
            }
        }
        Ok(())
    }
}

/// Makes names in a folder durable.
pub(super) fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

fn written(path: &Path, error: &io::Error) -> SpoolError {
    let detail = format!("{}: {error}", path.display());
    if is_full(error) { SpoolError::Full { detail } } else { SpoolError::Io { detail } }
}

/// Want of room that shows at the flush spoils this file alone, which goes. Everything else
/// speaks of the disk.
fn flushed(path: &Path, error: &io::Error) -> SpoolError {
    let detail = format!("{}: {error}", path.display());
    if is_full(error) { SpoolError::Full { detail } } else { SpoolError::Poisoned { detail } }
}
