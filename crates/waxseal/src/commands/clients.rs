//! `waxseal clients`

use clap::Args;
use waxseal_judge::clients::{self, Client, Hello, RenegotiationInfo};
use waxseal_model::client::ClientKind;
use waxseal_render::{
    clients::{ClientLine, list},
    manual,
};

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// The mail servers and mail programs whose TLS is simulated, what each offers, and how that
/// is known.
///
/// `waxseal audit` tells what each of them negotiates with a server.
#[derive(Debug, Args)]
pub(crate) struct ClientsArgs {
    /// Id of a client (`exim-4.96-gnutls-3.7`).
    #[arg(value_name = "ID", value_parser = client)]
    client: Option<&'static Client>,
    /// Print JSON: an array, or an object for one.
    #[arg(long)]
    json: bool,
}

/// The client of an id; an unknown one is told which there are.
fn client(id: &str) -> Result<&'static Client, String> {
    clients::find(id).ok_or_else(|| {
        let known: Vec<&str> = clients::all().iter().map(|c| c.id.as_str()).collect();
        format!("there is no client '{id}'; there are: {}", known.join(", "))
    })
}

pub(crate) fn run(args: &ClientsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let text = match args.client {
        Some(client) if args.json => serde_json::to_string_pretty(client).map_err(Failure::internal)?,
        None if args.json => serde_json::to_string_pretty(clients::all()).map_err(Failure::internal)?,
        Some(client) => manual::page(&client.id, &client.name, &page(client), &terminal.style()),
        None => {
            let lines: Vec<ClientLine<'_>> = clients::all().iter().map(line).collect();
            list(&lines, &terminal.style())
        }
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

fn line(client: &Client) -> ClientLine<'_> {
    ClientLine {
        id: &client.id,
        kind: kind(client.kind),
        versions: versions(&client.hello),
        method: client.source.method.word(),
    }
}

fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Mta => "delivers",
        ClientKind::Submission => "submits",
    }
}

/// From the oldest to the newest.
fn versions(hello: &Hello) -> String {
    match (hello.versions.iter().min(), hello.versions.iter().max()) {
        (Some(oldest), Some(newest)) if oldest != newest => {
            format!("{} to {}", oldest.label(), newest.label())
        }
        (Some(only), _) => only.label().to_owned(),
        _ => "not known".to_owned(),
    }
}

/// All that is known of a client, in the Markdown of manuals.
fn page(client: &Client) -> String {
    let mut out = format!("{}\n\n", client.about);
    out.push_str(&hello(&client.hello));
    let limits = &client.limits;
    if limits.oldest_version.is_some() || limits.dh_bits.is_some() {
        out.push_str("\n# Refuses\n\n");
        if let Some(oldest) = limits.oldest_version {
            out.push_str(&format!("- versions below {}, whatever it offers\n", oldest.label()));
        }
        if let Some(bits) = limits.dh_bits {
            out.push_str(&format!("- Diffie-Hellman with primes of less than {bits} bits\n"));
        }
        out.push_str(&format!("- Source: {}.\n", limits.source));
    }
    out.push_str("\n# After a handshake that failed\n\n");
    match &client.after_failure {
        Some(after) => out.push_str(&format!("It {}. Source: {}.\n", after.action.words(), after.source)),
        None => out.push_str("Not known.\n"),
    }
    let source = &client.source;
    let method = source.method.word();
    out.push_str(&format!("\n# Source\n\n- {method}: {}\n- where: {}\n", source.what, source.place));
    out.push_str(&format!("- date: {}\n", source.date));
    if let Some(derived) = &source.derived {
        out.push_str(&format!("- not documented, but concluded: {derived}\n"));
    }
    out
}

/// The hello; a list that is not sent and one that is not known are told apart.
fn hello(hello: &Hello) -> String {
    let mut out = format!("# Offers\n\n- versions: {}\n", versions(hello));
    let names = |list: &[String]| if list.is_empty() { "not sent".into() } else { list.join(", ") };
    let known = |list: &Option<Vec<String>>| list.as_deref().map_or("not known".into(), names);
    out.push_str(&format!("- groups: {}\n", known(&hello.groups)));
    out.push_str(&format!("- key shares: {}\n", known(&hello.key_shares)));
    out.push_str(&format!("- signature algorithms: {}\n", known(&hello.signature_algorithms)));
    let flag = |value: Option<bool>| value.map_or("not known", |sent| if sent { "yes" } else { "no" });
    for (what, value) in [
        ("names the server (SNI)", hello.sni),
        ("extended master secret", hello.extended_master_secret),
        ("encrypt-then-MAC", hello.encrypt_then_mac),
        ("session tickets", hello.session_ticket),
        ("asks for a stapled OCSP response", hello.status_request),
    ] {
        out.push_str(&format!("- {what}: {}\n", flag(value)));
    }
    let renegotiation = match hello.renegotiation_info {
        Some(RenegotiationInfo::Extension) => "by the extension",
        Some(RenegotiationInfo::Signal) => "by the signal among the suites",
        Some(RenegotiationInfo::No) => "no",
        None => "not known",
    };
    out.push_str(&format!("- secure renegotiation: {renegotiation}\n- ALPN: {}\n", known(&hello.alpn)));
    out.push_str(&format!("\n# Suites\n\n```\n{}\n```\n", hello.suites.join("\n")));
    out
}
