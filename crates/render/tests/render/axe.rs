//! The pages in a real browser, looked at by axe-core (WCAG 2 A and AA), where Node.js,
//! axe-core, playwright-core and Chromium are there:
//!
//! ```text
//! npm install --prefix FOLDER axe-core playwright-core
//! NODE_PATH=FOLDER/node_modules cargo test -p waxseal-render --test render axe
//! ```

use std::{env, fs, path::PathBuf, process::Command};

use crate::html::pages;

/// A program in `PATH`.
fn program(names: &[&str]) -> Option<PathBuf> {
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let all = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}

#[test]
fn axe_finds_nothing_in_any_page() {
    let node = program(&["node"]);
    let browser = program(&["chromium", "chromium-browser", "google-chrome"]);
    let (Some(node), Some(browser)) = (node, browser) else {
        eprintln!("SKIPPED: Node.js or Chromium is not installed");
        return;
    };
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("pages");
    fs::create_dir_all(&folder).unwrap();
    let mut files = Vec::new();
    for (name, page) in pages() {
        let wanted = ["all", "vulnerable", "hostile"];
        if wanted.contains(&name.as_str()) {
            let file = folder.join(format!("{name}.html"));
            fs::write(&file, page).unwrap();
            files.push(file);
        }
    }
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/render/axe.cjs");
    let output = Command::new(node).arg(script).arg(browser).args(&files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0) => {}
        Some(77) => eprintln!("SKIPPED: {said}"),
        _ => panic!("{said}{}", String::from_utf8_lossy(&output.stderr)),
    }
}
