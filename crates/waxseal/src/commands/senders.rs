//! `waxseal senders`

use clap::Args;
use waxseal_judge::senders::{self, Claim, Sender, Under};
use waxseal_render::{
    manual,
    senders::{SenderLine, list},
};

use super::as_sender;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// The kinds of senders, what each of them honours, and who says so.
///
/// `waxseal check DOMAIN` tells how each of them delivers; `--as ID` judges by one alone.
#[derive(Debug, Args)]
pub(crate) struct SendersArgs {
    /// Id of a sender (`gmail`).
    #[arg(value_name = "ID")]
    id: Option<String>,
    /// Print JSON: an array, or an object for one.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &SendersArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let one = args.id.as_deref().map(as_sender::sender).transpose().map_err(Failure::usage)?;
    let text = match one {
        Some(sender) if args.json => serde_json::to_string_pretty(sender).map_err(Failure::internal)?,
        None if args.json => serde_json::to_string_pretty(senders::all()).map_err(Failure::internal)?,
        Some(sender) => manual::page(&sender.id, &sender.title, &page(sender), &terminal.style()),
        None => {
            let lines: Vec<SenderLine<'_>> = senders::all().iter().map(line).collect();
            list(&lines, &terminal.style())
        }
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

fn line(sender: &Sender) -> SenderLine<'_> {
    SenderLine {
        id: &sender.id,
        title: &sender.title,
        dane: sender.dane.answer.word(),
        mta_sts: sender.mta_sts.answer.word(),
        rule: sender.rule.level.map_or("not known", |level| level.words()),
    }
}

/// All that is known of a sender, in the Markdown of manuals.
fn page(sender: &Sender) -> String {
    let claim =
        |what: &str, claim: &Claim| format!("- {what}: {}. Source: {}.\n", claim.answer.word(), claim.source);
    let mut out = format!("{}\n\n# Honours\n\n", sender.about);
    out.push_str(&claim("DANE", &sender.dane));
    if let Some(dates) = &sender.dates_beside_dane {
        out.push_str(&claim("Refuses expired certificates beside DANE-EE", dates));
    }
    out.push_str(&claim("MTA-STS", &sender.mta_sts));
    out.push_str(&claim("REQUIRETLS", &sender.requiretls));
    let rule = sender.rule.level.map_or("not known", |level| level.words());
    out.push_str(&format!("\n# Demands of every domain\n\n- {rule}. Source: {}.\n", sender.rule.source));
    if let Some(names) = &sender.common_name {
        out.push_str(&claim("Takes the common name where there is no DNS name", names));
    }
    out.push_str(&claim("In clear after a failed handshake", &sender.clear_after_failed_tls));
    let version = |v: Option<waxseal_model::tls::TlsVersion>| v.map_or("not known", |v| v.label());
    out.push_str(&format!(
        "- TLS versions: oldest {}, newest {}. Source: {}.\n",
        version(sender.tls.minimum),
        version(sender.tls.maximum),
        sender.tls.source
    ));
    out.push_str("\n# Says\n\n");
    if sender.replies.is_empty() {
        out.push_str("Its replies are not known.\n");
    }
    for reply in &sender.replies {
        let when: Vec<&str> = reply.when.iter().map(|f| f.why()).collect();
        let under = match reply.under {
            Some(Under::Dane) => "DANE: ",
            Some(Under::MtaSts) => "MTA-STS: ",
            Some(Under::Rule) => "its own rule: ",
            None => "",
        };
        out.push_str(&format!(
            "- {under}{}: \"{}\". Source: {}.\n",
            when.join("; or "),
            reply.text,
            reply.source
        ));
    }
    out
}
