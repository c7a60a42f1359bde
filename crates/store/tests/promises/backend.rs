//! The backends that the promises run on.

use std::{future::Future, path::Path, sync::Arc};

use tempfile::TempDir;
use waxseal_store::spool::{
    Spool,
    sqlite::{SqliteSettings, SqliteSpool},
};

/// A backend, as far as promises have to know it.
pub(crate) trait Backend {
    /// Opens the queue at a place, a new one or one that was closed or abandoned there.
    fn open(&self, place: &Place) -> impl Future<Output = Arc<dyn Spool>>;

    /// The same, with less free room than it wants.
    fn open_below_mark(&self, place: &Place) -> impl Future<Output = Arc<dyn Spool>>;

    /// The same, with room for this many bytes and no more; none if the backend has no
    /// bound of that kind.
    fn open_small(&self, place: &Place, bytes: u64) -> impl Future<Output = Option<Arc<dyn Spool>>>;

    /// Closes a queue in order.
    fn close(&self, spool: Arc<dyn Spool>) -> impl Future<Output = ()>;
}

/// Where a queue is; gone when this is dropped.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A queue in a folder.
pub(crate) struct Sqlite {
    inline: usize,
}

impl Sqlite {
    /// As it is used.
    pub(crate) fn rows() -> Self {
        Self { inline: SqliteSettings::default().inline }
    }

    /// No body in the database.
    pub(crate) fn files() -> Self {
        Self { inline: 0 }
    }

    pub(crate) fn settings(&self) -> SqliteSettings {
        SqliteSettings { inline: self.inline, free_space: 0, ..SqliteSettings::default() }
    }
}

pub(crate) fn open(folder: &Path, settings: SqliteSettings) -> SqliteSpool {
    SqliteSpool::open(folder, settings).unwrap()
}

impl Backend for Sqlite {
    async fn open(&self, place: &Place) -> Arc<dyn Spool> {
        Arc::new(open(place.folder(), self.settings()))
    }

    async fn open_below_mark(&self, place: &Place) -> Arc<dyn Spool> {
        Arc::new(open(place.folder(), SqliteSettings { free_space: u64::MAX, ..self.settings() }))
    }

    async fn open_small(&self, place: &Place, bytes: u64) -> Option<Arc<dyn Spool>> {
        // Files are bounded by the disk alone.
        let bounded = self.inline > 0;
        let settings = SqliteSettings { most: Some(bytes), ..self.settings() };
        bounded.then(|| Arc::new(open(place.folder(), settings)) as Arc<dyn Spool>)
    }

    async fn close(&self, spool: Arc<dyn Spool>) {
        // Dropping closes; nobody else may hold it.
        assert_eq!(Arc::strong_count(&spool), 1);
        drop(spool);
    }
}

/// Runs a promise.
pub(crate) fn run(promise: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(promise);
}
