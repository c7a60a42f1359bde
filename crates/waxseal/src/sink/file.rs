//! Files in the making.

use std::{
    fs::{File, OpenOptions},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use crate::exit::Failure;

/// A file that is written piece by piece. What was in it before stays until the first piece
/// comes.
pub(super) struct OutFile {
    path: PathBuf,
    /// What it is called in errors.
    what: &'static str,
    file: Option<BufWriter<File>>,
}

impl OutFile {
    /// A file to be written later.
    ///
    /// # Errors
    /// If it cannot be written: better known before the scan than after it.
    pub(super) fn new(path: &Path, what: &'static str) -> Result<Self, Failure> {
        let file = Self { path: path.to_owned(), what, file: None };
        OpenOptions::new().create(true).append(true).open(path).map_err(|e| file.not_writable(&e))?;
        Ok(file)
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Failure> {
        if self.file.is_none() {
            let created = File::create(&self.path).map_err(|e| self.not_writable(&e))?;
            self.file = Some(BufWriter::new(created));
        }
        let written = self.file.as_mut().map_or(Ok(()), |file| file.write_all(text.as_bytes()));
        written.map_err(|e| self.not_writable(&e))
    }

    /// Sees to it that all is in the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let flushed = self.file.as_mut().map_or(Ok(()), Write::flush);
        flushed.map_err(|e| self.not_writable(&e))
    }

    fn not_writable(&self, error: &std::io::Error) -> Failure {
        Failure::usage(format!("the {} {} cannot be written: {error}", self.what, self.path.display()))
    }
}
