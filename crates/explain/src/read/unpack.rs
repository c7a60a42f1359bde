//! Packed texts: gzip, zip and Zstandard, recognised by their first bytes and inflated up to
//! a fixed size; and the reports that mails carry as attachments.

use std::io::{Cursor, Read};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use mail_parser::{MessageParser, MimeHeaders, PartType};
use memchr::memmem;

use super::{InputKind, Reading, dmarc, tlsrpt};

/// Inflated this far, all files of an archive together, in bytes.
const MOST: u64 = 64 * 1024 * 1024;
/// Files of an archive that are looked at.
const MOST_FILES: usize = 64;
/// Mails up to this size are looked through for reports, in bytes.
const MOST_MAIL: usize = 32 * 1024 * 1024;
/// Reports of one mail that are read.
const MOST_REPORTS: usize = 16;

/// A way of packing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    Gzip,
    Zip,
    Zstd,
    /// One of the two above as Base64, which is how they look in a mail's source.
    Base64,
}

/// What was packed, and a sentence about what is missing from it.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    pub(super) files: Vec<Vec<u8>>,
    pub(super) notes: Vec<String>,
}

/// How this is packed; none for what is not.
pub(super) fn packing(bytes: &[u8]) -> Option<Packing> {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Packing::Gzip),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Packing::Zip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
        [b'H', b'4', b's', b'I', ..] | [b'U', b'E', b's', b'D', b'B', ..] => {
            let all = bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"+/=\r\n \t".contains(b));
            (all && bytes.len() > 60).then_some(Packing::Base64)
        }
        _ => None,
    }
}

/// Inflates it, at most [`MOST`] bytes. What is damaged is given as far as it can be read.
pub(super) fn unpack(packing: Packing, bytes: &[u8]) -> Unpacked {
    match packing {
        Packing::Gzip => one(MultiGzDecoder::new(bytes), "gzip"),
        Packing::Zstd => match ruzstd::decoding::StreamingDecoder::new(bytes) {
            Ok(decoder) => one(decoder, "Zstandard"),
            Err(_) => nothing("This is Zstandard data, but damaged."),
        },
        Packing::Zip => zip(bytes),
        Packing::Base64 => {
            let tight: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
            match STANDARD.decode(tight) {
                Ok(inner) if packing_of_binary(&inner).is_some() => {
                    packing_of_binary(&inner).map(|p| unpack(p, &inner)).unwrap_or_default()
                }
                _ => nothing("This looks like a packed file in Base64, but is damaged."),
            }
        }
    }
}

/// The same, but never Base64: so that nothing is wrapped twice.
fn packing_of_binary(bytes: &[u8]) -> Option<Packing> {
    packing(bytes).filter(|p| *p != Packing::Base64)
}

fn nothing(why: &str) -> Unpacked {
    Unpacked { files: Vec::new(), notes: vec![why.to_owned()] }
}

fn one(reader: impl Read, what: &str) -> Unpacked {
    let mut unpacked = Unpacked::default();
    let (file, note) = inflate(reader, MOST, what);
    unpacked.notes.extend(note);
    if file.is_empty() && unpacked.notes.is_empty() {
        unpacked.notes.push(format!("This is {what} data, but there is nothing in it."));
    }
    if !file.is_empty() {
        unpacked.files.push(file);
    }
    unpacked
}

/// What can be read, up to `most` bytes, and a sentence where that is not all.
fn inflate(reader: impl Read, most: u64, what: &str) -> (Vec<u8>, Option<String>) {
    let mut file = Vec::new();
    let ended = reader.take(most.saturating_add(1)).read_to_end(&mut file);
    if file.len() as u64 > most {
        file.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        return (file, Some(format!("Only the first {} MiB were unpacked.", MOST / 1024 / 1024)));
    }
    let note = ended.is_err().then(|| match file.len() {
        0 => format!("This is {what} data, but damaged."),
        n => format!("The {what} data is damaged or cut off; the first {n} bytes could be read."),
    });
    (file, note)
}

fn zip(bytes: &[u8]) -> Unpacked {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else {
        return cut_zip(bytes);
    };
    let mut unpacked = Unpacked::default();
    let mut left = MOST;
    if archive.len() > MOST_FILES {
        unpacked.notes.push(format!("Only the first {MOST_FILES} files of the archive were looked at."));
    }
    for index in 0..archive.len().min(MOST_FILES) {
        let Ok(entry) = archive.by_index(index) else {
            unpacked.notes.push(format!("File {} of the archive is encrypted or damaged.", index + 1));
            continue;
        };
        if entry.is_dir() {
            continue;
        }
        let (file, note) = inflate(entry, left, "zip");
        left = left.saturating_sub(file.len() as u64);
        unpacked.notes.extend(note);
        if !file.is_empty() {
            unpacked.files.push(file);
        }
        if left == 0 {
            break;
        }
    }
    if unpacked.files.is_empty() && unpacked.notes.is_empty() {
        unpacked.notes.push("This is a zip archive, but there is nothing in it.".into());
    }
    unpacked
}

/// The first file of an archive whose directory, at the end, is missing.
fn cut_zip(bytes: &[u8]) -> Unpacked {
    let word = |at: usize| {
        let pair = bytes.get(at..at + 2)?;
        <[u8; 2]>::try_from(pair).ok().map(u16::from_le_bytes)
    };
    // Local file header (APPNOTE.TXT 4.3.7): method at 8, lengths of name and extra at 26 and 28.
    let (Some(8), Some(name), Some(extra)) = (word(8), word(26), word(28)) else {
        return nothing("This is a zip archive, but damaged.");
    };
    let data = bytes.get(30 + usize::from(name) + usize::from(extra)..).unwrap_or_default();
    let (file, _) = inflate(DeflateDecoder::new(data), MOST, "zip");
    if file.is_empty() {
        return nothing("This is a zip archive, but damaged.");
    }
    let note = "The zip archive is damaged or cut off; only its first file could be read.".into();
    Unpacked { files: vec![file], notes: vec![note] }
}

/// The TLS or DMARC reports that a mail carries, attached or in its text; none for a mail
/// that carries none, and for a bounce whatever it returns.
pub(super) fn report_in_mail(bytes: &[u8]) -> Option<Reading> {
    if !may_carry_report(bytes) {
        return None;
    }
    let message = MessageParser::default().parse(bytes)?;
    let mut reading = Reading::default();
    let mut reports = 0;
    for part in &message.parts {
        let content = match &part.body {
            PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
            PartType::Binary(content) | PartType::InlineBinary(content) => content,
            PartType::Message(_) | PartType::Multipart(_) => continue,
        };
        if part.content_type().is_some_and(|t| t.subtype() == Some("delivery-status")) {
            return None;
        }
        let Some(found) = report(content) else { continue };
        reports += 1;
        if reports > MOST_REPORTS {
            reading.notes.push(format!("Only the first {MOST_REPORTS} reports of this mail were read."));
            break;
        }
        merge(&mut reading, found);
    }
    (reports > 0).then_some(reading)
}

/// Cheap enough to be asked of each of many mails.
fn may_carry_report(bytes: &[u8]) -> bool {
    const MARKS: [&str; 11] = [
        "tlsrpt",
        "application/zip",
        "application/x-zip",
        "application/gzip",
        "application/x-gzip",
        "organization-name",
        "<feedback",
        "/xml",
        "/json",
        "H4sI",
        "UEsDB",
    ];
    const NAMES: [&str; 4] = [".gz", ".zip", ".xml", ".json"];
    let has = |mark: &str| memmem::find(bytes, mark.as_bytes()).is_some();
    bytes.len() <= MOST_MAIL
        && (MARKS.iter().any(|mark| has(mark)) || (has("octet-stream") && NAMES.iter().any(|name| has(name))))
}

/// Reads a report, packed or not; none for what is no report.
fn report(content: &[u8]) -> Option<Reading> {
    if let Some(packing) = packing(content) {
        let unpacked = unpack(packing, content);
        let mut reading = Reading::default();
        let mut found = false;
        for file in unpacked.files.iter().take(MOST_REPORTS) {
            if let Some(inner) = plain_report(file) {
                merge(&mut reading, inner);
                found = true;
            }
        }
        reading.notes.extend(unpacked.notes);
        return found.then_some(reading);
    }
    plain_report(content)
}

fn plain_report(content: &[u8]) -> Option<Reading> {
    let content = super::paste::decode(content);
    let head = super::detect::head(&content);
    let (kind, mut reading) = if tlsrpt::recognise(head) {
        (InputKind::TlsRpt, tlsrpt::read(&content))
    } else if dmarc::recognise(head) {
        (InputKind::Dmarc, dmarc::read(&content))
    } else {
        return None;
    };
    reading.kind = kind;
    Some(reading)
}

/// Adds what `more` says to `reading`, which is of the kind of the first that has one.
pub(super) fn merge(reading: &mut Reading, more: Reading) {
    if reading.kind == InputKind::Unknown {
        reading.kind = more.kind;
    }
    reading.events.extend(more.events);
    reading.tls_reports.extend(more.tls_reports);
    reading.dmarc_reports.extend(more.dmarc_reports);
    for note in more.notes {
        if !reading.notes.contains(&note) {
            reading.notes.push(note);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;
    use crate::read::{Given, read};

    const TLS: &str = r#"{"organization-name":"S","policies":[{"policy":{"policy-type":"sts","policy-domain":"example.com"},
        "summary":{"total-successful-session-count":1,"total-failure-session-count":2},
        "failure-details":[{"result-type":"certificate-expired","failed-session-count":2}]}]}"#;
    const DMARC: &str = "<feedback><policy_published><domain>example.com</domain></policy_published><record><row>\
        <source_ip>192.0.2.1</source_ip><count>2</count><policy_evaluated><dkim>fail</dkim><spf>fail</spf>\
        </policy_evaluated></row></record></feedback>";

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zip_of(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            let options =
                zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_packed_report_is_a_report() {
        let zipped = zip_of(&[("a.xml", DMARC), ("b.xml", DMARC)]);
        let reading = read(&zipped, &Given::default());
        assert_eq!(
            (reading.kind, reading.dmarc_reports.len(), reading.events.len()),
            (InputKind::Dmarc, 2, 2)
        );
        let packed = gzip(TLS.as_bytes());
        for bytes in [&packed, &gzip(&packed), &STANDARD.encode(&packed).into_bytes()] {
            let reading = read(bytes, &Given::default());
            assert_eq!((reading.kind, reading.events.len()), (InputKind::TlsRpt, 1), "{:?}", reading.notes);
        }
        let zstd =
            ruzstd::encoding::compress_to_vec(TLS.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest);
        assert_eq!(read(&zstd, &Given::default()).kind, InputKind::TlsRpt);
    }

    #[test]
    fn what_is_damaged_is_read_as_far_as_it_goes() {
        let long = DMARC.repeat(50);
        let packed = gzip(long.as_bytes());
        let reading = read(&packed[..packed.len() - 9], &Given::default());
        assert!(reading.notes.iter().any(|note| note.contains("damaged or cut off")), "{:?}", reading.notes);
        let zipped = zip_of(&[("a.xml", DMARC)]);
        let reading = read(&zipped[..zipped.len() - 30], &Given::default());
        assert_eq!(reading.dmarc_reports.len(), 1, "{:?}", reading.notes);
        let notes = read(&packed[..10], &Given::default()).notes;
        assert_eq!(notes, ["This is gzip data, but damaged."]);
    }

    #[test]
    fn what_would_fill_the_memory_is_cut() {
        let blanks = gzip(&[b' '; 5000]);
        let (file, note) = inflate(MultiGzDecoder::new(blanks.as_slice()), 4000, "gzip");
        assert_eq!((file.len(), note.as_deref()), (4000, Some("Only the first 64 MiB were unpacked.")));
    }

    fn mail(kind: &str, content: &[u8]) -> String {
        format!(
            "From: reports@sender.example\r\nTo: dmarc@example.com\r\nSubject: Report Domain: example.com\r\n\
             MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\n\
             Content-Type: text/plain\r\n\r\nThis is a report.\r\n--b1\r\nContent-Type: {kind}; name=r\r\n\
             Content-Transfer-Encoding: base64\r\n\r\n{}\r\n--b1--\r\n",
            STANDARD.encode(content)
        )
    }

    #[test]
    fn a_report_is_found_in_the_mail_that_carries_it() {
        for (kind, content, expected) in [
            ("application/tlsrpt+gzip", gzip(TLS.as_bytes()), InputKind::TlsRpt),
            ("application/zip", zip_of(&[("a.xml", DMARC)]), InputKind::Dmarc),
            ("application/octet-stream; x=.gz", gzip(DMARC.as_bytes()), InputKind::Dmarc),
            ("text/xml", DMARC.as_bytes().to_vec(), InputKind::Dmarc),
        ] {
            let reading = read(mail(kind, &content).as_bytes(), &Given::default());
            assert_eq!((reading.kind, reading.events.len()), (expected, 1), "{kind}: {:?}", reading.notes);
        }
        let other = mail("application/zip", &zip_of(&[("a.txt", "hello")]));
        assert_eq!(report_in_mail(other.as_bytes()), None);
        let bounce = mail("message/delivery-status", b"x").replace("text/plain", "application/zip");
        assert_eq!(report_in_mail(bounce.as_bytes()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(start in 0_usize..4, bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let magic: &[u8] = [&[0x1f, 0x8b, 8][..], b"PK\x03\x04", &[0x28, 0xb5, 0x2f, 0xfd], b"H4sI"][start];
            let _ = read(&[magic, &bytes].concat(), &Given::default());
        }

        #[test]
        fn no_damaged_archive_panics(at in 0_usize..400, byte in any::<u8>()) {
            let mut bytes = zip_of(&[("a.xml", DMARC), ("b.xml", TLS)]);
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = read(&bytes, &Given::default());
        }
    }
}
