//! Takes a mail apart into header fields and leaf parts, whatever its line ends and however
//! broken it is, without decoding or copying any of it.

use std::borrow::Cow;

use memchr::{memchr, memmem};

/// Of a longer mail only the beginning and the end are read, in bytes.
const MOST: usize = HEAD + TAIL;
const HEAD: usize = 3 * 1024 * 1024;
const TAIL: usize = 1024 * 1024;
/// So deep may parts nest.
const DEPTH: usize = 12;
/// So many leaf parts are looked at.
const PARTS: usize = 500;
/// So many fields of one header are looked at.
const FIELDS: usize = 2000;

/// A field of a header: its name, and its value as it stands there, folded and encoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

/// A leaf part, not decoded.
#[derive(Debug)]
pub(super) struct Leaf<'a> {
    pub(super) fields: Vec<Field<'a>>,
    pub(super) kind: ContentType,
    pub(super) body: &'a [u8],
    /// Its container offers the same content as several kinds.
    pub(super) alternative: bool,
}

/// What a Content-Type field says.
#[derive(Debug, Default, Clone)]
pub(super) struct ContentType {
    /// `text/plain`, in lower case.
    pub(super) kind: String,
    pub(super) charset: String,
    pub(super) boundary: String,
}

/// The mail with plain line feeds. Of a mail beyond [`MOST`] bytes the middle is left out,
/// at line ends; a boundary or a returned header after a huge attachment is still found.
pub(super) fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let cut = cut(bytes);
    if memchr(b'\r', &cut).is_none() {
        return cut;
    }
    let mut out = Vec::with_capacity(cut.len());
    let mut rest: &[u8] = &cut;
    while let Some(at) = memchr(b'\r', rest) {
        let (line, end) = rest.split_at(at);
        out.extend_from_slice(line);
        out.push(b'\n');
        // Gateways that convert twice write CR CR LF for one line end.
        rest = match end {
            [b'\r', b'\n', rest @ ..] | [b'\r', b'\r', b'\n', rest @ ..] | [b'\r', rest @ ..] => rest,
            _ => &[],
        };
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
}

/// How many bytes of a mail of that length are not read.
pub(super) fn left_out(length: usize) -> usize {
    length.saturating_sub(MOST)
}

fn cut(bytes: &[u8]) -> Cow<'_, [u8]> {
    if bytes.len() <= MOST {
        return Cow::Borrowed(bytes);
    }
    let head = bytes.get(..HEAD).unwrap_or_default();
    let tail = bytes.get(bytes.len() - TAIL..).unwrap_or_default();
    let line_end = tail.iter().position(|b| matches!(b, b'\n' | b'\r')).unwrap_or_default();
    let mut out = Vec::with_capacity(MOST + 1);
    out.extend_from_slice(head);
    out.extend_from_slice(tail.get(line_end..).unwrap_or_default());
    Cow::Owned(out)
}

/// The text's first line, without its line feed, and what follows it.
pub(super) fn line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'\n', bytes) {
        Some(at) => (bytes.get(..at).unwrap_or_default(), bytes.get(at + 1..).unwrap_or_default()),
        None => (bytes, &[]),
    }
}

/// Name and value of a line that begins a header field.
pub(super) fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = memchr(b':', line.get(..line.len().min(100))?)?;
    let name = line.get(..colon)?.trim_ascii_end();
    let good = !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic());
    good.then(|| Field { name, value: line.get(colon + 1..).unwrap_or_default() })
}

/// The fields of the header that `bytes` begins with, and the body after it.
///
/// Blank lines, `From ` lines and a few lines of junk before the header are passed over, and
/// so is a single line within it that is no field. A header that runs into the body without
/// a blank line ends where the fields end.
pub(super) fn header(bytes: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    let whole = skip_junk(bytes);
    let mut fields: Vec<Field<'_>> = Vec::new();
    // Where the last field's value begins; none while its lines are to be dropped.
    let mut value_at = None;
    let mut at = 0;
    while at < whole.len() {
        let rest = whole.get(at..).unwrap_or_default();
        let (now, next) = line(rest);
        let end = at + now.len();
        match now {
            [] => return (fields, next),
            [b' ' | b'\t', ..] => {
                let value = value_at.and_then(|start| whole.get(start..end));
                if let (Some(last), Some(value)) = (fields.last_mut(), value) {
                    last.value = value;
                }
            }
            _ => match field(now) {
                Some(found) if fields.len() < FIELDS => {
                    value_at = Some(end - found.value.len());
                    fields.push(found);
                }
                Some(_) => value_at = None,
                None if !fields.is_empty() && field(line(next).0).is_some() => value_at = None,
                None => return (fields, rest),
            },
        }
        at = end + 1;
    }
    (fields, &[])
}

/// What stands before the header is dropped: blank lines, the separator of an mbox, up to
/// twenty lines that are no fields if fields follow.
fn skip_junk(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    for _ in 0..20 {
        let (now, next) = line(rest);
        let separator = now.starts_with(b"From ") || now.starts_with(b">From ");
        if !separator && field(now).is_some() {
            return rest;
        }
        if next.is_empty() {
            break;
        }
        rest = next;
    }
    bytes
}

/// Takes the entity apart into its leaves.
pub(super) fn leaves<'a>(fields: &[Field<'a>], body: &'a [u8]) -> Vec<Leaf<'a>> {
    let mut out = Vec::new();
    let kind = content_type(fields, "text/plain");
    walk(fields.to_vec(), kind, body, (0, false), &mut out);
    out
}

fn walk<'a>(
    fields: Vec<Field<'a>>,
    mut kind: ContentType,
    body: &'a [u8],
    (depth, alternative): (usize, bool),
    out: &mut Vec<Leaf<'a>>,
) {
    if out.len() >= PARTS {
        return;
    }
    let multipart = kind.kind.starts_with("multipart/");
    let untyped = depth == 0 && value(&fields, "content-type").is_none();
    if depth < DEPTH && (multipart || untyped) {
        let pieces = split(body, kind.boundary.as_bytes());
        let pieces = match guess_boundary(body) {
            Some(boundary) if pieces.is_empty() && (multipart || near(body, boundary)) => {
                split(body, boundary)
            }
            _ => pieces,
        };
        let inner = if kind.kind == "multipart/digest" { "message/rfc822" } else { "text/plain" };
        for piece in &pieces {
            let (fields, body) = part_header(piece);
            let alternative = kind.kind == "multipart/alternative";
            let kind = content_type(&fields, inner);
            walk(fields, kind, body, (depth + 1, alternative), out);
        }
        if !pieces.is_empty() {
            return;
        }
    }
    if multipart {
        kind.kind = "text/plain".into();
    }
    out.push(Leaf { fields, kind, body, alternative });
}

/// A part may begin with its body: a blank line, or a line that is no field.
fn part_header(piece: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    match line(piece) {
        ([], body) => (Vec::new(), body),
        (first, _) if field(first).is_some() => header(piece),
        _ => (Vec::new(), piece),
    }
}

/// The pieces between the lines that begin with `--boundary`; the last one may be cut off.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    if boundary.is_empty() {
        return pieces;
    }
    let mut start = None;
    let mut from = 0;
    let finder = memmem::Finder::new(boundary);
    while let Some(found) = finder.find(body.get(from..).unwrap_or_default()) {
        let at = from + found;
        from = at + boundary.len();
        let before = body.get(..at).unwrap_or_default();
        let Some(before) = before.strip_suffix(b"--").filter(|b| b.is_empty() || b.ends_with(b"\n")) else {
            continue;
        };
        let (tail, _) = line(body.get(from..).unwrap_or_default());
        let last = tail.starts_with(b"--");
        if !last && !tail.trim_ascii().is_empty() {
            continue;
        }
        if let Some(start) = start {
            let piece = before.get(start..).unwrap_or_default();
            pieces.push(piece.strip_suffix(b"\n").unwrap_or(piece));
        }
        start = (!last).then_some(from + tail.len() + 1);
        if pieces.len() >= PARTS {
            return pieces;
        }
    }
    if let Some(piece) = start.and_then(|start| body.get(start..)) {
        pieces.push(piece);
    }
    pieces
}

/// Where the header names no boundary or a wrong one: the first line that begins with `--`
/// and is followed by a field `Content-…`.
fn guess_boundary(body: &[u8]) -> Option<&[u8]> {
    let mut rest = body;
    for _ in 0..200 {
        let (now, next) = line(rest);
        if let Some(boundary) = now.strip_prefix(b"--") {
            let boundary = boundary.trim_ascii_end();
            let content = next.get(..8).is_some_and(|b| b.eq_ignore_ascii_case(b"content-"));
            if content && !boundary.is_empty() {
                return Some(boundary);
            }
        }
        if next.is_empty() {
            return None;
        }
        rest = next;
    }
    None
}

/// A mail that declares no type is taken apart only where hardly anything stands before its
/// first part: else the parts are those of a message that it returns in its text.
fn near(body: &[u8], boundary: &[u8]) -> bool {
    memmem::find(body, boundary).is_some_and(|at| at < 400)
}

/// The value of the first field of that name (lower case).
pub(super) fn value<'a>(fields: &[Field<'a>], name: &str) -> Option<&'a [u8]> {
    let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name.as_bytes()))?;
    Some(found.value)
}

fn content_type(fields: &[Field<'_>], default: &str) -> ContentType {
    let raw = value(fields, "content-type").unwrap_or_default();
    let text = String::from_utf8_lossy(raw.get(..raw.len().min(2000)).unwrap_or_default());
    let mut params = params(&text).into_iter();
    let mut kind = params.next().map(|(kind, _)| kind).unwrap_or_default();
    if !kind.contains('/') {
        // Before MIME was settled "Content-Type: text" was usual.
        default.clone_into(&mut kind);
    }
    let mut out = ContentType { kind, ..ContentType::default() };
    for (name, value) in params {
        match name.as_str() {
            "charset" => out.charset = value,
            "boundary" => out.boundary = value,
            _ => {}
        }
    }
    out
}

/// `a/b; name="value"`: names in lower case, values without their quotes.
fn params(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    let mut current = String::new();
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars().chain([';']) {
        match c {
            _ if escaped => {
                current.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                let (name, value) = current.split_once('=').unwrap_or((&current, ""));
                out.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
                current.clear();
            }
            '\n' => {}
            _ => current.push(c),
        }
    }
    if quoted {
        // A quote that never ends: take what is there, up to the first semicolon.
        let (name, value) = current.split_once('=').unwrap_or((&current, ""));
        let value = value.split(';').next().unwrap_or_default();
        out.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    out
}
