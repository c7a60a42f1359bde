//! `waxseal relay queue`

use std::path::Path;

use clap::{Args, Subcommand};
use waxseal_explain::{Given, diagnose, read};
use waxseal_model::queue::{QueuedMessage, QueuedRecipient};
use waxseal_relay::control::{Answer, Request, Verb};
use waxseal_scan::clock::now;
use waxseal_store::spool::{Changed, MessageId, Selector, State};

use super::desk;
use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Look at the queue, and change it.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    List(ListArgs),
    Show(ShowArgs),
    Explain(ExplainArgs),
    /// Try now, whatever the schedule says.
    Retry(ChangeArgs),
    /// Set aside: not tried until it is released. Time runs on.
    Hold(ChangeArgs),
    /// Back into the queue what is held, to be tried now.
    Release(ChangeArgs),
    /// Take out for good. Nobody is told.
    Cancel(ChangeArgs),
}

/// Which recipients. All that is given must hold.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which")]
pub(crate) struct Which {
    /// Messages by their ids.
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// To this domain or address; *.example.com for all domains below.
    #[arg(long, value_name = "DOMAIN")]
    domain: Option<String>,
    /// From this address, or @ and a domain; <> for notices.
    #[arg(long, value_name = "ADDRESS")]
    sender: Option<String>,
    /// Whose MX site or host contains this.
    #[arg(long, value_name = "HOST")]
    site: Option<String>,
    /// With this reason: tls.not_advertised, or tls for all that begin so.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// With this id in the relay's own Received line.
    #[arg(long, value_name = "ID")]
    received_id: Option<String>,
    /// Accepted longer ago than this: 90s, 5m, 4h, 7d.
    #[arg(long, value_name = "TIME")]
    older_than: Option<String>,
    /// Accepted within this time.
    #[arg(long, value_name = "TIME")]
    newer_than: Option<String>,
}

impl Which {
    fn selector(&self, states: Vec<State>) -> Result<Selector, Failure> {
        let id = |text: &String| {
            text.parse::<MessageId>()
                .map(|id| id.0)
                .map_err(|_| Failure::usage(format!("'{text}' is no id of a message: those are like 4f1c9a")))
        };
        let before = |text: &Option<String>| {
            let span = text.as_deref().map(str::parse::<waxseal_relay::config::values::Span>).transpose();
            span.map(|s| s.map(|s| now() - s.as_seconds())).map_err(Failure::usage)
        };
        Ok(Selector {
            messages: self.ids.iter().map(id).collect::<Result<_, _>>()?,
            recipient: self.domain.clone(),
            sender: self.sender.clone(),
            site: self.site.clone(),
            reason: self.reason.clone(),
            trace: self.received_id.clone(),
            states,
            received_before: before(&self.older_than)?,
            received_since: before(&self.newer_than)?,
        })
    }

    fn is_all(&self) -> bool {
        let options = [
            &self.received_id,
            &self.domain,
            &self.sender,
            &self.site,
            &self.reason,
            &self.older_than,
            &self.newer_than,
        ];
        self.ids.is_empty() && options.iter().all(|o| o.is_none())
    }
}

/// List messages, oldest first.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    which: Which,
    /// Also those that are done with, as long as they are kept.
    #[arg(long)]
    all: bool,
    /// How many at the most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Show a message: each recipient, the last reply, the policy, what is done about it.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The message's id.
    #[arg(value_name = "ID")]
    id: String,
    /// With what was said in the last attempt that failed.
    #[arg(long)]
    transcript: bool,
    /// The message itself, its bytes.
    #[arg(long, conflicts_with_all = ["transcript", "json"])]
    body: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Explain why a message waits or failed: the cause, who must act, the fix.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The message's id.
    #[arg(value_name = "ID")]
    id: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Change recipients.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    which: Which,
    /// All of them: needed where nothing else narrows it down.
    #[arg(long)]
    all: bool,
    /// Only say which it would be.
    #[arg(long)]
    dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(command: &QueueCommand, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        QueueCommand::List(args) => list(args, file, terminal),
        QueueCommand::Show(args) => show(args, file, terminal),
        QueueCommand::Explain(args) => explain(args, file, terminal),
        QueueCommand::Retry(args) => change(args, Verb::Retry, file, terminal),
        QueueCommand::Hold(args) => change(args, Verb::Hold, file, terminal),
        QueueCommand::Release(args) => change(args, Verb::Release, file, terminal),
        QueueCommand::Cancel(args) => change(args, Verb::Cancel, file, terminal),
    }
}

fn list(args: &ListArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let states = if args.all { State::ALL.to_vec() } else { Vec::new() };
    let request = Request::List { selector: args.which.selector(states)?, limit: args.limit };
    let (messages, more) = messages(file, &request)?;
    let text = match args.json {
        true => waxseal_render::queue::json(&messages).map_err(Failure::internal)?,
        false => waxseal_render::queue::list(&messages, more, now(), &terminal.style()),
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

fn show(args: &ShowArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let message = one(&args.id, file)?;
    if args.body {
        let id: MessageId = message.id.parse().map_err(Failure::internal)?;
        match desk::ask(file, &Request::Body { message: id.0 })? {
            Answer::Body { text } => terminal.print(&text)?,
            other => return Err(desk::unexpected(&other)),
        }
        return Ok(Exit::Fine);
    }
    let text = match args.json {
        true => waxseal_render::queue::json(&message).map_err(Failure::internal)?,
        false => waxseal_render::queue::show(&message, now(), args.transcript, &terminal.style()),
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

fn explain(args: &ExplainArgs, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    let message = one(&args.id, file)?;
    let mut diagnoses = Vec::new();
    for recipient in &message.recipients {
        let Some(diagnosis) = diagnosis(&message, recipient) else { continue };
        // Recipients at one site mostly wait for one reason.
        let known = |d: &waxseal_model::Diagnosis| {
            (&d.cause, &d.event.text) == (&diagnosis.cause, &diagnosis.event.text)
        };
        if !diagnoses.iter().any(known) {
            diagnoses.push(diagnosis);
        }
    }
    if diagnoses.is_empty() {
        terminal.print("Nothing has failed: there is nothing to explain.")?;
        return Ok(Exit::Fine);
    }
    let style = terminal.style();
    let text = match args.json {
        true => waxseal_render::queue::json(&diagnoses).map_err(Failure::internal)?,
        false => {
            diagnoses.iter().map(|d| waxseal_render::diagnosis::one(d, &style)).collect::<Vec<_>>().join("\n")
        }
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

/// What `explain` makes of a recipient's last reply.
fn diagnosis(message: &QueuedMessage, recipient: &QueuedRecipient) -> Option<waxseal_model::Diagnosis> {
    let last = recipient.last_reply.as_deref().or(recipient.reply.as_deref());
    let reply = last.filter(|_| recipient.state != "delivered")?;
    let given = Given { file: None, now: now(), utc_offset: 0 };
    let mut event = read(reply.as_bytes(), &given).events.into_iter().next()?;
    event.sender = Some(message.sender.clone());
    event.recipient = Some(recipient.address.clone());
    event.remote_host.clone_from(&recipient.host);
    event.remote_address = recipient.host_address;
    event.queue_id = Some(message.id.clone());
    Some(diagnose(&event))
}

fn change(args: &ChangeArgs, verb: Verb, file: &Path, terminal: &Terminal) -> Result<Exit, Failure> {
    if args.which.is_all() && !args.all {
        return Err(Failure::usage(
            "this would be the whole queue: name ids, --domain, --reason or --older-than, or say --all",
        ));
    }
    let selector = args.which.selector(Vec::new())?;
    let recipients = match desk::ask(file, &Request::Change { selector, verb, dry_run: args.dry_run })? {
        Answer::Changed { recipients } => recipients,
        other => return Err(desk::unexpected(&other)),
    };
    let text = match args.json {
        true => waxseal_render::queue::json(&recipients).map_err(Failure::internal)?,
        false => told(&recipients, verb, args.dry_run),
    };
    terminal.print(&text)?;
    Ok(Exit::Fine)
}

/// Recipients that are named; the others are counted.
const NAMED: usize = 20;

fn told(recipients: &[Changed], verb: Verb, dry_run: bool) -> String {
    let word = match verb {
        Verb::Retry => "tried now",
        Verb::Hold => "held",
        Verb::Release => "released",
        Verb::Cancel => "cancelled",
    };
    let would = if dry_run { "would be " } else { "" };
    let mut lines: Vec<String> = recipients
        .iter()
        .take(NAMED)
        .map(|r| format!("{}  {}", r.id(), waxseal_wire::text::neutralise(r.address.as_bytes(), 320)))
        .collect();
    if recipients.len() > NAMED {
        lines.push(format!("and {} more", recipients.len() - NAMED));
    }
    let noun = if recipients.len() == 1 { "recipient" } else { "recipients" };
    lines.push(format!("{} {noun} {would}{word}", recipients.len()));
    lines.join("\n")
}

fn messages(file: &Path, request: &Request) -> Result<(Vec<QueuedMessage>, bool), Failure> {
    match desk::ask(file, request)? {
        Answer::Messages { messages, more } => Ok((messages, more)),
        other => Err(desk::unexpected(&other)),
    }
}

fn one(id: &str, file: &Path) -> Result<QueuedMessage, Failure> {
    let wrong = || Failure::usage(format!("'{id}' is no id of a message: those are like 4f1c9a"));
    let number: MessageId = id.parse().map_err(|_| wrong())?;
    let all = || Selector { states: State::ALL.to_vec(), ..Selector::default() };
    let find = |selector| messages(file, &Request::List { selector, limit: 1 });
    let (mut found, _) = find(Selector { messages: vec![number.0], ..all() })?;
    if found.is_empty() {
        // People copy the id from the Received line as well.
        (found, _) = find(Selector { trace: Some(id.to_owned()), ..all() })?;
    }
    found.into_iter().next().ok_or_else(|| {
        Failure::usage(format!(
            "there is no message {id} in the queue, nor among those that are kept after their end"
        ))
    })
}
