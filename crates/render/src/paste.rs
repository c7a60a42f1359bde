//! Which lines of a fix are settings and commands to be pasted, and which are sentences.

/// A part of a fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A sentence.
    Prose(String),
    /// Lines to paste, with the indentation that they have among themselves.
    Paste(String),
}

/// The parts of a fix in order, neighbouring lines to paste as one.
pub(crate) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut run: Vec<String> = Vec::new();
    // Where the settings behind a label begin.
    let mut column = 0;
    for line in joined(text) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let (setting, remark) = split_remark(line.trim());
        let labelled = split_label(setting);
        let prose = indent == 0 || is_sentence(setting) || introduces(setting);
        if labelled.is_none() && !is_to_copy(setting) && prose {
            flush(&mut run, &mut pieces);
            pieces.push(Piece::Prose(line.trim().to_owned()));
            continue;
        }
        let (label, setting) = labelled.unwrap_or(("", setting));
        if !label.is_empty() || indent < column {
            flush(&mut run, &mut pieces);
            column = if label.is_empty() { 0 } else { indent + label.len() };
        }
        if !label.is_empty() {
            pieces.push(Piece::Prose(label.trim_end().to_owned()));
        }
        run.push(format!("{}{setting}", " ".repeat(indent + label.len())));
        if !remark.is_empty() {
            flush(&mut run, &mut pieces);
            let (label, command) = split_label(remark).unwrap_or((remark, ""));
            pieces.push(Piece::Prose(label.trim_end().to_owned()));
            if !command.is_empty() {
                pieces.push(Piece::Paste(command.to_owned()));
            }
        }
    }
    flush(&mut run, &mut pieces);
    pieces
}

/// Words that lead to the next lines: `or keep it and let TLS through:`.
fn introduces(line: &str) -> bool {
    line.ends_with(':') && line.split(' ').count() > 2
}

/// `main.cf: ` and `smtpd_tls_loglevel = 1`: what says where a setting goes, or what a
/// command of ours is for, is not to be pasted.
fn split_label(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(": ")?;
    let rest = rest.trim_start();
    let label = line.strip_suffix(rest)?;
    let ours = rest.starts_with("waxseal ");
    let names_a_place = label.starts_with(|c: char| c.is_ascii_uppercase()) || label.contains(['.', '/']);
    let names = names_a_place && !label.contains(['=', '`', '"', '$', '{', '(', '|']);
    let setting = is_to_copy(rest) && !is_key_and_value(line) && !is_sentence(line);
    (!rest.is_empty() && (ours || (names && setting))).then_some((label, rest))
}

fn flush(run: &mut Vec<String>, pieces: &mut Vec<Piece>) {
    let spaces = |line: &String| line.len() - line.trim_start_matches(' ').len();
    let common = run.iter().map(spaces).min().unwrap_or(0);
    let lines: Vec<&str> = run.iter().map(|line| line.get(common..).unwrap_or_default()).collect();
    if !lines.is_empty() {
        pieces.push(Piece::Paste(lines.join("\n")));
    }
    run.clear();
}

/// A remark behind a setting stands four or more spaces away from it.
pub(crate) fn split_remark(line: &str) -> (&str, &str) {
    line.split_once("    ").map_or((line, ""), |(setting, remark)| (setting.trim_end(), remark.trim()))
}

/// True if a line holds what sentences do not: it is a setting or a command.
pub(crate) fn is_to_copy(line: &str) -> bool {
    let option = |word: &str| word.len() > 1 && word.starts_with('-');
    let file = |rest: &str| rest.split(' ').next().is_some_and(|word| word.contains(['.', '/']));
    line.contains(['=', '`', '$', '|', '\\', '{'])
        || is_key_and_value(line)
        || is_zone_record(line)
        || is_labelled_command(line)
        || line.contains("&&")
        || (!is_sentence(line) && line.split(' ').any(option))
        || line.split(" > ").skip(1).any(file)
        || (line.contains('"') && !line.ends_with(['.', ':']))
}

/// A line of a zone file with its parts two spaces apart, `mx.example.com.  A  192.0.2.25`.
fn is_zone_record(line: &str) -> bool {
    ["  A  ", "  AAAA  ", "  MX  ", "  TXT  ", "  TLSA  ", "  CAA  "].iter().any(|t| line.contains(t))
}

/// One of our own commands behind a word that says what for, `Test:  waxseal dns …`.
fn is_labelled_command(line: &str) -> bool {
    line.contains(":  waxseal ")
}

/// Prose that may name an option in passing: it begins and ends as sentences do.
fn is_sentence(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_uppercase()) && line.ends_with('.')
}

/// A line of a policy file, `mode: testing`.
fn is_key_and_value(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let key = words.next().and_then(|word| word.strip_suffix(':'));
    key.is_some_and(|k| !k.is_empty() && k.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        && words.next().is_some()
        && words.next().is_none()
}

/// The lines of advice, with sentences that go over several lines joined: a line of prose
/// that does not end like one goes on in a next one that begins in the middle.
pub(crate) fn joined(text: &str) -> Vec<String> {
    let spaces = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let prose = |line: &str| !is_to_copy(line) && !line.trim().contains("    ");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|l| !l.trim().is_empty()) {
        let goes_on = line.trim_start().starts_with(|c: char| c.is_lowercase() || c == '(');
        match lines.last_mut() {
            Some(last)
                if goes_on
                    && spaces(last) == spaces(line)
                    && prose(last)
                    && prose(line)
                    && last.trim_end().ends_with(|c: char| c.is_alphanumeric() || c == ',') =>
            {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_and_commands_are_told_from_sentences() {
        for line in [
            "smtpd_tls_security_level = may",
            "cat mx.pem intermediate.pem > fullchain.pem",
            "certbot certonly --standalone -d mx.example.com",
            "make -C /etc/mail && systemctl restart sendmail",
            "pki mx.example.com cert \"/etc/ssl/mx.pem\"",
            "max_age: 86400",
            "_25._tcp.mx.example.com.  TLSA  3 1 1 0123",
            "All of it:  waxseal policy generate example.com",
        ] {
            assert!(is_to_copy(line), "{line}");
        }
        for line in [
            "Import it (Settings > TLS > ACME providers), or ask the CA - it is free.",
            "A firewall with \"SMTP inspection\" removes STARTTLS.",
            "Keep the key when the certificate is renewed (certbot: --reuse-key), then it stays right.",
        ] {
            assert!(!is_to_copy(line), "{line}");
        }
    }

    #[test]
    fn a_fix_falls_into_sentences_and_blocks_to_paste() {
        let fix = "Set this in main.cf:\n  smtpd_tls_security_level = may\n    postfix reload\nThen look at the log.";
        let expected = [
            Piece::Prose("Set this in main.cf:".into()),
            Piece::Paste("smtpd_tls_security_level = may\n  postfix reload".into()),
            Piece::Prose("Then look at the log.".into()),
        ];
        assert_eq!(pieces(fix), expected);
        let labels =
            pieces("main.cf: a = b\n         c = d\nAll of it:  waxseal policy generate x\nmode: testing");
        let expected = [
            Piece::Prose("main.cf:".into()),
            Piece::Paste("a = b\nc = d".into()),
            Piece::Prose("All of it:".into()),
            Piece::Paste("waxseal policy generate x".into()),
            Piece::Paste("mode: testing".into()),
        ];
        assert_eq!(labels, expected);
        let remark = pieces("Then: postfix reload     (before 3.6: !SSLv2)\nx = y    (leaf first)");
        assert_eq!(remark[1], Piece::Paste("x = y".into()), "{remark:?}");
    }
}
