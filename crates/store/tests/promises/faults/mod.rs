//! Kills, disks that fill up or fail, damaged files: of the queue in a folder.

mod disk;
mod files;
mod kill;

use std::path::Path;

use waxseal_store::spool::sqlite::SqliteSettings;

use crate::backend::run;

/// What a process of its own does.
pub(crate) fn play(role: &str, folder: &Path) {
    match role {
        "work" => run(kill::work(folder)),
        "poison" => run(disk::poison(folder)),
        "count" => run(disk::count(folder)),
        "fill" => run(disk::fill(folder)),
        other => panic!("no part {other}"),
    }
}

fn settings() -> SqliteSettings {
    SqliteSettings { free_space: 0, ..SqliteSettings::default() }
}
