//! A ClientHello in the form of `crates/judge/clients/*.toml`.

use std::fmt::Write;

use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    groups,
    hello::extension,
    scheme,
    suites::{self, EMPTY_RENEGOTIATION_INFO_SCSV},
};

use crate::hello::ClientHello;

/// Widest line.
const WIDTH: usize = 110;

/// The file; what a hello cannot tell is left to be filled in.
pub(crate) fn describe(hello: &ClientHello, record_version: u16) -> String {
    let mut out = String::from("id = \"\"\nname = \"\"\nkind = \"mta\"\nabout = \"\"\n\n[hello]\n");
    let versions = hello.extension(extension::SUPPORTED_VERSIONS).map(|content| {
        let codes = content.get(1..).unwrap_or_default().chunks_exact(2);
        codes.filter_map(|pair| Some(u16::from_be_bytes(*pair.first_chunk()?))).collect::<Vec<u16>>()
    });
    if versions.is_none() {
        out.push_str("# Without supported_versions a hello tells the newest version alone.\n");
    }
    list(&mut out, "versions", &names(&versions.unwrap_or(vec![hello.version]), version));
    let line = |out: &mut String, key: &str, value: String| {
        let _ = writeln!(out, "{key} = {value}");
    };
    line(&mut out, "legacy_version", quoted(&version(hello.version)));
    line(&mut out, "record_version", quoted(&version(record_version)));
    let real: Vec<u16> = hello.suites.iter().copied().filter(|c| !suites::is_signal(u32::from(*c))).collect();
    list(&mut out, "suites", &names(&real, |c| suites::suite(u32::from(c)).name));
    let group = |c| groups::named(c).name;
    list(&mut out, "groups", &names(&hello.code_list(extension::SUPPORTED_GROUPS), group));
    list(&mut out, "key_shares", &names(&hello.shares(), group));
    let schemes = hello.code_list(extension::SIGNATURE_ALGORITHMS);
    list(&mut out, "signature_algorithms", &names(&schemes, scheme::label));
    for (key, number) in [
        ("sni", extension::SERVER_NAME),
        ("extended_master_secret", extension::EXTENDED_MASTER_SECRET),
        ("encrypt_then_mac", extension::ENCRYPT_THEN_MAC),
        ("session_ticket", extension::SESSION_TICKET),
        ("status_request", extension::STATUS_REQUEST),
    ] {
        line(&mut out, key, hello.extension(number).is_some().to_string());
    }
    let renegotiation = if hello.extension(extension::RENEGOTIATION_INFO).is_some() {
        "extension"
    } else if hello.suites.contains(&EMPTY_RENEGOTIATION_INFO_SCSV) {
        "signal"
    } else {
        "no"
    };
    line(&mut out, "renegotiation_info", quoted(renegotiation));
    let alpn: Vec<String> = hello.protocols();
    list(&mut out, "alpn", &alpn);
    line(&mut out, "compression", format!("{:?}", hello.compression));
    line(&mut out, "ec_point_formats", format!("{:?}", hello.byte_list(extension::EC_POINT_FORMATS)));
    let numbers: Vec<u16> = hello.extensions.iter().map(|(number, _)| *number).collect();
    line(&mut out, "extensions", format!("{numbers:?}"));
    out.push_str("\n[source]\nmethod = \"recorded\"\nwhat = \"\"\nwhere = \"loopback, cargo xtask record-hello\"\ndate = \"\"\n");
    out
}

fn version(code: u16) -> String {
    let name = TlsVersion::from_code(code).map(|v| match v {
        TlsVersion::Ssl2 => "SSLv2",
        TlsVersion::Ssl3 => "SSLv3",
        TlsVersion::Tls10 => "TLSv1.0",
        TlsVersion::Tls11 => "TLSv1.1",
        TlsVersion::Tls12 => "TLSv1.2",
        TlsVersion::Tls13 => "TLSv1.3",
    });
    name.map_or_else(|| format!("unknown 0x{code:04x}"), str::to_owned)
}

/// Names of codes; reserved values (RFC 8701) are left out.
fn names(codes: &[u16], name: impl Fn(u16) -> String) -> Vec<String> {
    codes.iter().copied().filter(|c| !suites::is_grease(*c)).map(name).collect()
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}

fn list(out: &mut String, key: &str, items: &[String]) {
    let items: Vec<String> = items.iter().map(|i| quoted(i)).collect();
    let line = format!("{key} = [{}]", items.join(", "));
    if line.len() <= WIDTH {
        let _ = writeln!(out, "{line}");
        return;
    }
    let _ = writeln!(out, "{key} = [");
    for item in items {
        let _ = writeln!(out, "    {item},");
    }
    out.push_str("]\n");
}
