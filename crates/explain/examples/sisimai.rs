//! Prints one line for each recipient of the mails in the given files and folders.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for development")]

use std::path::{Path, PathBuf};

fn files(path: &Path, into: &mut Vec<PathBuf>) {
    if path.is_dir() {
        let mut entries: Vec<_> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| files(entry, into));
    } else {
        into.push(path.to_owned());
    }
}

fn main() {
    let mut all = Vec::new();
    std::env::args().skip(1).for_each(|path| files(Path::new(&path), &mut all));
    for file in all {
        let given = waxseal_explain::Given { file: Some(file.display().to_string()), ..Default::default() };
        let reading = waxseal_explain::read(&std::fs::read(&file).unwrap(), &given);
        for event in &reading.events {
            let row = waxseal_explain::sisimai::row(&waxseal_explain::diagnose(event));
            println!("{}", serde_json::to_string(&row).unwrap());
        }
    }
}
