//! The house's rules, read off the tree: floors, purity, size, the shape of a crate.
//!
//! ARCHITECTURE.md explains them. A test here fails when a rule is broken, and its message
//! says by which file and line.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may do what tests may"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The floor of every crate, by folder. A crate depends on lower floors only.
const FLOORS: [(&str, u8); 14] = [
    ("crates/model", 0),
    ("crates/wire", 1),
    ("crates/judge", 2),
    ("crates/explain", 2),
    ("crates/render", 2),
    ("crates/net", 3),
    ("crates/store", 3),
    ("crates/probe", 4),
    ("crates/relay", 4),
    ("crates/scan", 5),
    ("crates/monitor", 6),
    ("crates/web", 6),
    ("crates/waxseal", 7),
    ("fuzz", 8),
];

/// Helpers outside the floors, and who may depend on each of them in earnest; as a
/// dev-dependency anyone may. They stand on nothing of ours, so that a mistake of ours
/// cannot cancel itself out in a test.
const HELPERS: [(&str, &[&str]); 3] = [("lab", &["crates/waxseal"]), ("peers", &["xtask"]), ("xtask", &[])];

/// The highest pure floor.
const PURE: u8 = 2;

/// What pure code never names, and what to do instead.
const IMPURE: [(&str, &str); 14] = [
    ("TcpStream", "sockets belong to net"),
    ("TcpListener", "sockets belong to net"),
    ("UdpSocket", "sockets belong to net"),
    ("ToSocketAddrs", "names are looked up by net"),
    ("std::fs", "take bytes, or include_str!"),
    ("File::open", "take bytes, or include_str!"),
    ("std::env", "take the value as an argument"),
    ("env::var", "take the value as an argument"),
    ("std::process", "only the binary ends or starts processes"),
    ("std::thread", "callers decide how work is spread"),
    ("SystemTime", "take `now` as an argument"),
    ("Instant::now", "take `now` as an argument"),
    ("now_utc", "take `now` as an argument"),
    ("tokio", "async belongs to floor 3 and up"),
];

/// Packages that a pure crate never depends on: each opens, asks or draws something.
const IMPURE_PACKAGES: [&str; 11] = [
    "tokio",
    "tokio-rustls",
    "rustls",
    "rustls-native-certs",
    "domain",
    "futures-util",
    "hyper",
    "socket2",
    "rand",
    "getrandom",
    "tempfile",
];

/// Longest file, in lines, tests included.
const LONGEST: usize = 800;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// One package of the project.
struct Package {
    /// Its folder below the root, `crates/model`.
    folder: String,
    manifest: toml::Table,
}

impl Package {
    fn read(folder: &str) -> Self {
        let path = root().join(folder).join("Cargo.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Self { folder: folder.to_owned(), manifest: text.parse().unwrap() }
    }

    fn name(&self) -> &str {
        self.manifest["package"]["name"].as_str().unwrap()
    }

    fn floor(&self) -> Option<u8> {
        FLOORS.iter().find(|(folder, _)| *folder == self.folder).map(|(_, floor)| *floor)
    }

    fn is_pure(&self) -> bool {
        self.floor().is_some_and(|floor| floor <= PURE)
    }

    /// Names of what it depends on when it is built in earnest, build scripts included.
    fn dependencies(&self) -> BTreeSet<String> {
        let mut names = keys(&self.manifest, &["dependencies", "build-dependencies"]);
        if let Some(targets) = self.manifest.get("target").and_then(toml::Value::as_table) {
            for target in targets.values().filter_map(toml::Value::as_table) {
                names.extend(keys(target, &["dependencies", "build-dependencies"]));
            }
        }
        names
    }

    fn sources(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&root().join(&self.folder).join("src"), &mut files);
        files
    }
}

fn keys(table: &toml::Table, sections: &[&str]) -> BTreeSet<String> {
    let sections = sections.iter().filter_map(|section| table.get(*section)?.as_table());
    sections.flat_map(|section| section.keys().cloned()).collect()
}

/// All packages: the members of the workspace, and the fuzz targets.
fn packages() -> Vec<Package> {
    let workspace: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let mut found = vec![Package::read("fuzz")];
    for member in workspace["workspace"]["members"].as_array().unwrap() {
        let member = member.as_str().unwrap();
        match member.strip_suffix("/*") {
            None => found.push(Package::read(member)),
            Some(parent) => {
                for entry in fs::read_dir(root().join(parent)).unwrap() {
                    let path = entry.unwrap().path();
                    if path.join("Cargo.toml").is_file() {
                        let name = path.file_name().unwrap().to_str().unwrap();
                        found.push(Package::read(&format!("{parent}/{name}")));
                    }
                }
            }
        }
    }
    found
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Every wrong line at once, so that one run tells all.
fn demand_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_crate_has_a_floor_or_is_a_helper() {
    let known: BTreeSet<&str> =
        FLOORS.iter().map(|(folder, _)| *folder).chain(HELPERS.iter().map(|(folder, _)| *folder)).collect();
    let wrong: Vec<_> = packages()
        .iter()
        .filter(|package| !known.contains(package.folder.as_str()))
        .map(|package| {
            format!("{}: no floor; give it one in ARCHITECTURE.md and in this test", package.folder)
        })
        .collect();
    demand_none(&wrong);
}

#[test]
fn a_crate_depends_on_lower_floors_only() {
    let packages = packages();
    let folders: BTreeMap<&str, &Package> = packages.iter().map(|p| (p.name(), p)).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        for name in package.dependencies() {
            let Some(other) = folders.get(name.as_str()) else { continue };
            let allowed = match (package.floor(), other.floor()) {
                (Some(own), Some(below)) => below < own,
                (_, None) => HELPERS.iter().any(|(helper, users)| {
                    *helper == other.folder && users.contains(&package.folder.as_str())
                }),
                (None, Some(_)) => false,
            };
            if !allowed {
                wrong.push(format!("{} depends on {}, which is not below it", package.folder, other.folder));
            }
        }
    }
    demand_none(&wrong);
}

#[test]
fn pure_floors_depend_on_nothing_that_does_io() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.is_pure()) {
        for name in package.dependencies() {
            if IMPURE_PACKAGES.contains(&name.as_str()) {
                wrong.push(format!("{} is pure and depends on {name}", package.folder));
            }
        }
    }
    demand_none(&wrong);
}

#[test]
fn pure_floors_touch_no_socket_file_environment_clock_or_runtime() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.is_pure()) {
        for file in package.sources() {
            let text = fs::read_to_string(&file).unwrap();
            for (number, line) in code(&file, &text) {
                for (word, instead) in IMPURE {
                    if names(line, word) {
                        wrong.push(format!("{}:{number}: {word}: {instead}", file.display()));
                    }
                }
            }
        }
    }
    demand_none(&wrong);
}

/// The only files that open connections: the one door out, the questions to the name servers
/// that the user or the system chose, and the operator's socket, which leads to no network.
const DOORS: [&str; 3] = [
    "crates/net/src/egress.rs",
    "crates/net/src/resolver/transport.rs",
    "crates/relay/src/control/socket.rs",
];

/// The only file that awaits connections. It may name `TcpSocket`, for the length of the
/// queue, and never connects one.
const ENTRANCE: &str = "crates/net/src/listen.rs";

/// How connections are opened.
const OPENERS: [&str; 5] =
    ["TcpStream::connect", "TcpSocket", "UdpSocket::bind", "UnixStream::connect", "lookup_host"];

#[test]
fn connections_leave_by_one_door() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.folder.starts_with("crates/")) {
        for file in package.sources() {
            let text = fs::read_to_string(&file).unwrap();
            let door = DOORS.iter().any(|door| file.ends_with(door));
            for (number, line) in code(&file, &text) {
                let entrance = file.ends_with(ENTRANCE);
                let mut openers = OPENERS.iter().filter(|opener| !entrance || **opener != "TcpSocket");
                if entrance && line.contains(".connect(") {
                    wrong.push(format!("{}:{number}: an entrance is no exit", file.display()));
                }
                if let Some(opener) = openers.find(|opener| !door && line.contains(**opener)) {
                    wrong.push(format!("{}:{number}: {opener}: connect through net::egress", file.display()));
                }
            }
        }
    }
    demand_none(&wrong);
    for door in DOORS.into_iter().chain([ENTRANCE]) {
        assert!(root().join(door).is_file(), "{door} has moved");
    }
}

#[test]
fn no_file_is_too_long() {
    let mut wrong = Vec::new();
    for package in packages() {
        let mut files = package.sources();
        collect(&root().join(&package.folder).join("tests"), &mut files);
        for file in files {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > LONGEST {
                wrong.push(format!("{}: {lines} lines; split it before {LONGEST}", file.display()));
            }
        }
    }
    demand_none(&wrong);
}

#[test]
fn every_crate_says_what_it_is_for_and_takes_the_workspace_lints() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.folder != "fuzz") {
        let lints = package.manifest.get("lints").and_then(|lints| lints.get("workspace"));
        if lints.and_then(toml::Value::as_bool) != Some(true) {
            wrong.push(format!("{}/Cargo.toml: [lints] workspace = true is missing", package.folder));
        }
        let source = root().join(&package.folder).join("src");
        let front = [source.join("lib.rs"), source.join("main.rs")];
        for file in front.iter().filter(|file| file.is_file()) {
            if !fs::read_to_string(file).unwrap().starts_with("//!") {
                wrong.push(format!("{}: does not open with what it is for", file.display()));
            }
        }
    }
    demand_none(&wrong);
}

#[test]
fn every_fuzz_target_is_in_the_manifest() {
    let fuzz = Package::read("fuzz");
    let mut files = Vec::new();
    collect(&root().join("fuzz/fuzz_targets"), &mut files);
    let files: BTreeSet<_> =
        files.iter().map(|file| format!("fuzz_targets/{}", file.file_name().unwrap().display())).collect();
    let listed: BTreeSet<_> = fuzz.manifest["bin"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bin| bin["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, listed);
}

/// The lines of a file that are code of the crate itself, with their numbers: no comments
/// and no tests. A test module stands last; any other item behind `#[cfg(test)]` is one
/// line long, or a module in a file of its own named `tests`.
fn code<'a>(file: &Path, text: &'a str) -> Vec<(usize, &'a str)> {
    if file.file_stem().is_some_and(|stem| stem == "tests") || file.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            match lines.next() {
                Some((_, item)) if item.ends_with('{') => break,
                _ => continue,
            }
        }
        if !line.trim_start().starts_with("//") {
            found.push((index + 1, line.split(" // ").next().unwrap_or(line)));
        }
    }
    found
}

/// Whether a line names a word, and not a longer one that contains it.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[test]
fn the_reader_of_code_sees_code_and_nothing_else() {
    let text = "use std::fs;\n// std::env\n#[cfg(test)]\nmod tests;\nlet x = 1; // tokio\n\
                #[cfg(test)]\nmod more {\nuse tokio;\n}\n";
    let seen = code(Path::new("src/demo.rs"), text);
    assert_eq!(seen, [(1, "use std::fs;"), (5, "let x = 1;")]);
    assert!(names(seen[0].1, "std::fs"));
    assert!(!names("use my_std::fs2;", "std::fs"));
    assert!(code(Path::new("src/demo/tests.rs"), text).is_empty());
}
