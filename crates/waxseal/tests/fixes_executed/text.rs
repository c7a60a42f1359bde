//! Reads the settings out of a finding's fix as its reader would: the lines under the
//! server's own heading, remarks left out, files where the text says they are.

use std::{
    fs,
    path::{Path, PathBuf},
};

use waxseal_peers::flawed::Served;

/// Lines under a server's heading, without their indentation of two.
pub(crate) fn own_lines<'a>(fix: &'a str, heading: &str) -> Vec<&'a str> {
    let heading = format!("{heading}:");
    fix.lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .map_while(|line| line.strip_prefix("  "))
        .collect()
}

/// A line without the remark in parentheses at its end, which stands off by three blanks.
pub(crate) fn without_remark(line: &str) -> &str {
    ["   (", "   then:", "   Then:"]
        .iter()
        .filter_map(|sign| line.find(sign))
        .min()
        .map_or(line, |at| &line[..at])
        .trim_end()
}

/// `name = value`, where the name is one word of a configuration file.
pub(crate) fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.trim().split_once('=')?;
    let name = name.trim();
    let is_name =
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    is_name.then_some((name, value.trim()))
}

/// Moves the files that a line names from `/etc` to a folder of the server's own, and puts
/// key and chain there. The text says which is which: keys end in `.key` or `privkey.pem`.
pub(crate) fn placed(line: &str, folder: &Path, served: &Served, own: &dyn Fn(&Path)) -> String {
    let mut out = line.to_owned();
    let words = line.split(|c: char| c.is_whitespace() || c == ',' || c == '"');
    for word in words.filter(|word| word.starts_with("/etc/")) {
        let path = moved(word, folder);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        if word.ends_with(".key") || word.ends_with("privkey.pem") {
            fs::copy(&served.key, &path).unwrap();
            own(&path);
        } else if word.contains("fullchain") {
            fs::copy(&served.chain, &path).unwrap();
        } else {
            assert!(path.is_file(), "the fix names {word} and does not say how to make it: {line}");
        }
        out = out.replace(word, path.to_str().unwrap());
    }
    out
}

/// Where a file below `/etc` lies in the tests.
pub(crate) fn moved(path: &str, folder: &Path) -> PathBuf {
    folder.join("files").join(path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_of_the_server_are_taken() {
        let fix = "Do this.\nPostfix:\n  main.cf: a = b\n           c = d\nRemark\n  e = f";
        assert_eq!(own_lines(fix, "Postfix"), ["main.cf: a = b", "         c = d"]);
        assert!(own_lines(fix, "Exim").is_empty());
    }

    #[test]
    fn remarks_and_sentences_are_no_settings() {
        assert_eq!(without_remark("a = b      (for c)"), "a = b");
        assert_eq!(without_remark("a = ${if eq{(x)}{}}"), "a = ${if eq{(x)}{}}");
        assert_eq!(setting("smtpd_tls_auth_only = yes"), Some(("smtpd_tls_auth_only", "yes")));
        assert_eq!(setting("On port 25 better: a = b"), None);
        assert_eq!(setting("hosts ="), Some(("hosts", "")));
    }
}
