//! The signed tree: a root, `test.`, and leaf zones below it, some of them broken on
//! purpose. Made with BIND's `dnssec-keygen` and `dnssec-signzone`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How a zone is signed.
#[derive(Clone, Copy, Default)]
pub(crate) struct Signing {
    /// IANA mnemonic as BIND spells it; `None`: unsigned.
    pub(crate) algorithm: Option<&'static str>,
    /// Arguments of `dnssec-signzone` beyond the usual ones.
    pub(crate) options: &'static [&'static str],
}

/// What is done to the signed zone file, or to the delegation.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Damage {
    #[default]
    None,
    /// The signature over `www A` is changed.
    BadSignature,
    /// The signature over `www A` is taken out.
    NoSignature,
    /// All DNSKEY records and the signatures over them are taken out.
    NoDnskey,
    /// The DS record holds another digest.
    DsMismatch,
    /// The parent holds no DS record.
    NoDs,
    /// The DS record names another algorithm or digest type: `algorithm digest_type`.
    ForeignDs(u8, u8),
    /// The signatures over the denial records are changed.
    BadDenial,
}

/// One zone of the tree.
#[derive(Clone, Copy)]
pub(crate) struct Zone {
    pub(crate) name: &'static str,
    pub(crate) signing: Signing,
    pub(crate) damage: Damage,
    /// Records beyond SOA, NS and `www`.
    pub(crate) records: &'static str,
}

const fn signed(name: &'static str, algorithm: &'static str, options: &'static [&'static str]) -> Zone {
    let signing = Signing { algorithm: Some(algorithm), options };
    Zone { name, signing, damage: Damage::None, records: "" }
}

const fn damaged(name: &'static str, damage: Damage) -> Zone {
    Zone { damage, ..signed(name, ECDSA, &[]) }
}

const fn unsigned(name: &'static str) -> Zone {
    let signing = Signing { algorithm: None, options: &[] };
    Zone { name, signing, damage: Damage::None, records: "" }
}

const fn with(zone: Zone, records: &'static str) -> Zone {
    Zone { records, ..zone }
}

const ECDSA: &str = "ECDSAP256SHA256";
const NSEC3: &[&str] = &["-3", "aabb", "-H", "5"];
const OPT_OUT: &[&str] = &["-3", "-", "-H", "0", "-A"];
const EXPIRED: &[&str] = &["-s", "20200101000000", "-e", "20200201000000"];
const FUTURE: &[&str] = &["-s", "20370101000000", "-e", "20370201000000"];

const TLSA: &str = "_25._tcp.mx IN TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\
    mx IN A 192.0.2.25\n@ IN MX 10 mx\na.b.c IN A 192.0.2.3\n";
const WILDCARDS: &str = "*._tcp.mx IN TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n\
    mx IN A 192.0.2.25\n* IN TXT \"from the wildcard\"\nnearer.deep IN A 192.0.2.4\n";
const ALIASES: &str = "tlsa IN CNAME _25._tcp.mx.ecdsa.test.\nn3 IN CNAME _25._tcp.mx.nsec3.test.\n\
    plain IN CNAME www.plain.test.\nbroken IN CNAME www.badsig.test.\ndangling IN CNAME nothing.ecdsa.test.\n\
    empty IN CNAME www.ecdsa.test.\nself IN CNAME self\nloop1 IN CNAME loop2\nloop2 IN CNAME loop1\n\
    old IN DNAME ecdsa.test.\nchain1 IN CNAME chain2\nchain2 IN CNAME chain3\nchain3 IN CNAME www\n\
    ed448 IN CNAME www.ed448.test.\n";

/// Every zone, children before parents.
pub(crate) const ZONES: &[Zone] = &[
    with(signed("ecdsa.test.", ECDSA, &[]), TLSA),
    with(signed("nsec3.test.", ECDSA, NSEC3), TLSA),
    with(signed("rsa.test.", "RSASHA256", &[]), TLSA),
    with(signed("rsa512.test.", "RSASHA512", &[]), TLSA),
    with(signed("sha1.test.", "NSEC3RSASHA1", NSEC3), TLSA),
    with(signed("p384.test.", "ECDSAP384SHA384", &[]), TLSA),
    with(signed("ed25519.test.", "ED25519", NSEC3), TLSA),
    with(signed("ed448.test.", "ED448", &[]), TLSA),
    unsigned("below.ed448.test."),
    damaged("badsig.test.", Damage::BadSignature),
    damaged("nosig.test.", Damage::NoSignature),
    damaged("nodnskey.test.", Damage::NoDnskey),
    damaged("dsmismatch.test.", Damage::DsMismatch),
    damaged("baddenial.test.", Damage::BadDenial),
    damaged("island.test.", Damage::NoDs),
    damaged("gost.test.", Damage::ForeignDs(12, 2)),
    damaged("digest.test.", Damage::ForeignDs(13, 3)),
    damaged("unknown.test.", Damage::ForeignDs(200, 2)),
    signed("expired.test.", ECDSA, EXPIRED),
    signed("future.test.", ECDSA, FUTURE),
    unsigned("plain.test."),
    unsigned("plain.n3.test."),
    signed("signed.n3.test.", ECDSA, &[]),
    signed("n3.test.", ECDSA, NSEC3),
    unsigned("plain.opt.test."),
    signed("signed.opt.test.", ECDSA, &[]),
    signed("opt.test.", ECDSA, OPT_OUT),
    with(signed("wild.test.", ECDSA, &[]), WILDCARDS),
    with(signed("wild3.test.", ECDSA, NSEC3), WILDCARDS),
    signed("iterations.test.", ECDSA, &["-3", "-", "-H", "150"]),
    with(signed("alias.test.", ECDSA, &[]), ALIASES),
    with(signed("big.test.", ECDSA, &[]), "@BIG@"),
    signed("deep.er.test.", ECDSA, &[]),
    signed("test.", ECDSA, &[]),
    signed(".", ECDSA, &[]),
];

impl Zone {
    fn is_parent_of(&self, other: &Zone) -> bool {
        let parent = ZONES
            .iter()
            .filter(|zone| zone.name != other.name && other.is_below(zone))
            .max_by_key(|zone| zone.name.len());
        parent.is_some_and(|zone| zone.name == self.name)
    }

    fn is_below(&self, zone: &Zone) -> bool {
        zone.name == "." || self.name.ends_with(&format!(".{}", zone.name))
    }

    /// The zone file to be loaded.
    pub(crate) fn file(&self) -> String {
        let name = if self.name == "." { "root." } else { self.name };
        format!("{name}zone")
    }
}

/// Writes and signs all zones into a directory and returns the root's anchor as DS text.
pub(crate) fn build(tools: &dyn Fn(&str) -> PathBuf, directory: &Path) -> String {
    for zone in ZONES {
        let plain = directory.join(format!("{}.plain", zone.file()));
        fs::write(&plain, text(zone, directory)).unwrap();
        let loaded = directory.join(zone.file());
        match zone.signing.algorithm {
            None => {
                fs::copy(&plain, &loaded).unwrap();
            }
            Some(algorithm) => {
                sign(tools, directory, zone, algorithm, &plain, &loaded);
                let signed = fs::read_to_string(&loaded).unwrap();
                fs::write(&loaded, damage(zone, &signed)).unwrap();
            }
        }
    }
    fs::read_to_string(directory.join("dsset-.")).unwrap()
}

fn text(zone: &Zone, directory: &Path) -> String {
    let mut text = format!(
        "$ORIGIN {0}\n$TTL 300\n@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 300\n@ IN NS ns.test.\n",
        zone.name
    );
    if zone.name == "test." {
        text.push_str("ns IN A 127.0.0.1\n");
    }
    if zone.name != "." {
        text.push_str("www IN A 192.0.2.1\nwww IN TXT \"text\"\n");
    }
    if zone.records == "@BIG@" {
        let strings: Vec<String> = (0..40).map(|i| format!("\"{i:03}{}\"", "x".repeat(150))).collect();
        text.push_str(&format!("large IN TXT {}\n", strings.join(" ")));
    } else {
        text.push_str(zone.records);
    }
    for child in ZONES.iter().filter(|child| zone.is_parent_of(child)) {
        text.push_str(&format!("{} IN NS ns.test.\n", child.name));
        text.push_str(&ds_text(child, directory));
    }
    text
}

/// The DS records of a child, as its parent publishes them.
fn ds_text(child: &Zone, directory: &Path) -> String {
    if child.signing.algorithm.is_none() || child.damage == Damage::NoDs {
        return String::new();
    }
    let mut text = fs::read_to_string(directory.join(format!("dsset-{}", child.name))).unwrap();
    match child.damage {
        Damage::DsMismatch => {
            let end = text.trim_end().len();
            let last = if text[..end].ends_with('0') { "1" } else { "0" };
            text.replace_range(end - 1..end, last);
        }
        Damage::ForeignDs(algorithm, digest) => {
            let tag = text.split_whitespace().nth(3).unwrap();
            text = format!("{} IN DS {tag} {algorithm} {digest} {}\n", child.name, "ab".repeat(32));
        }
        _ => {}
    }
    text
}

fn sign(
    tools: &dyn Fn(&str) -> PathBuf,
    directory: &Path,
    zone: &Zone,
    algorithm: &str,
    plain: &Path,
    loaded: &Path,
) {
    let mut keygen = Command::new(tools("dnssec-keygen"));
    keygen.arg("-q").arg("-K").arg(directory).args(["-a", algorithm, "-f", "KSK"]);
    if algorithm.contains("RSA") {
        keygen.args(["-b", "2048"]);
    }
    run(keygen.arg(zone.name));
    let mut signzone = Command::new(tools("dnssec-signzone"));
    signzone.current_dir(directory).args(["-q", "-P", "-S", "-z", "-O", "full", "-K", "."]);
    signzone.args(zone.signing.options).args(["-o", zone.name, "-f"]).arg(loaded).arg(plain);
    run(&mut signzone);
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {text}");
}

fn damage(zone: &Zone, signed: &str) -> String {
    let is_www_signature =
        |line: &str| line.starts_with("www.") && line.split_whitespace().skip(3).take(2).eq(["RRSIG", "A"]);
    let is_signature_over = |line: &str, types: &[&str]| {
        let mut words = line.split_whitespace().skip(3);
        words.next() == Some("RRSIG") && words.next().is_some_and(|covered| types.contains(&covered))
    };
    let is = |line: &str, types: &[&str]| {
        line.split_whitespace().nth(3).is_some_and(|rtype| types.contains(&rtype))
            || is_signature_over(line, types)
    };
    let lines = signed.lines().filter_map(|line| match zone.damage {
        Damage::NoSignature if is_www_signature(line) => None,
        Damage::NoDnskey if is(line, &["DNSKEY"]) => None,
        Damage::BadDenial if is_signature_over(line, &["NSEC"]) => Some(changed(line)),
        Damage::BadSignature if is_www_signature(line) => Some(changed(line)),
        _ => Some(line.to_owned()),
    });
    lines.map(|line| line + "\n").collect()
}

/// The line with one character of the signature replaced.
fn changed(line: &str) -> String {
    let at = line.len() - 20;
    let replacement = if line.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{replacement}{}", &line[..at], &line[at + 1..])
}
