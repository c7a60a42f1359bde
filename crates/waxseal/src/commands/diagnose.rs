//! `waxseal diagnose`

use std::{
    fs::File,
    io::{BufRead, IsTerminal, Read},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use clap::Args;
use indicatif::ProgressBar;
use waxseal_explain::Given as Source;
use waxseal_model::{Confirmation, Diagnosis, Target, confirmation::Ending, mail::Outcome};
use waxseal_scan::{
    Confirmer,
    clock::now,
    confirm::{Given, Need, RecipientTest, Server, missing},
};
use waxseal_wire::target;

use crate::{
    cli::{ConnectionArgs, NameArgs},
    exit::{Exit, Failure},
    output::Terminal,
    setup::{self, Surroundings},
};

/// Longest input that is read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;
/// Different verdicts that are tested in one run.
const MOST: usize = 5;
/// How often a person is asked the same.
const TRIES: usize = 3;
/// How often the sign of life on a terminal moves.
const TICK: Duration = Duration::from_millis(100);
/// A longer text is not repeated in commands to paste.
const LONGEST_COMMAND: usize = 300;
/// Servers that take mail from everywhere, to tell a blocked port from a server that is down.
const CONTROL: [&str; 2] = ["gmail.com", "yahoo.com"];

/// Explain an SMTP error, then test whether that is the cause.
///
/// Takes what `waxseal explain` takes, and runs the tests that confirm or refute its answer: does
/// the server offer STARTTLS now, is its certificate sound, what does SPF say of the address, is
/// it on the blocklist. Ends with "confirmed", "refuted: rather …" or "could not be tested
/// because …". Sends no password, no message and, without --rcpt, no recipient. What the text
/// does not say is asked for at the terminal.
///
/// Exits with 0 if the cause is refuted and nothing else was found, with 1 if it is confirmed or
/// something else was found, and with 3 if it could not be tested.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal diagnose '451 4.7.6 STARTTLS required but not advertised' --to example.com
  waxseal diagnose bounce.eml
  waxseal diagnose '550 5.7.23 SPF check failed' --from example.com --address 192.0.2.1
  waxseal diagnose '535 5.7.8 authentication failed' --server smtp.example.com:587
  waxseal diagnose - --json < line-of-the-log.txt")]
pub(crate) struct DiagnoseArgs {
    /// The text, or the name of a file with it; `-` is standard input.
    #[arg(value_name = "TEXT|FILE|-", required = true)]
    input: Vec<String>,
    /// The recipient's domain or address.
    #[arg(long, value_name = "DOMAIN")]
    to: Option<String>,
    /// The sender's domain or address.
    #[arg(long, value_name = "DOMAIN")]
    from: Option<String>,
    /// The server in question; without it, the MX hosts of the recipient's domain or the server
    /// that the text names.
    #[arg(long, value_name = "HOST[:PORT]")]
    server: Option<String>,
    /// The IP address that sent.
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// A DKIM selector of the sender's domain; may be given several times.
    #[arg(long, value_name = "NAME")]
    selector: Vec<String>,
    /// The blocklist in question, as its zone.
    #[arg(long, value_name = "ZONE")]
    blocklist: Option<String>,
    /// The size of the message, in bytes.
    #[arg(long, value_name = "BYTES")]
    size: Option<u64>,
    /// Put the recipient to the server (MAIL, RCPT, RSET; no message), where that is the test.
    #[arg(long)]
    rcpt: bool,
    /// The sender for --rcpt, instead of the null sender of bounces.
    #[arg(long, value_name = "ADDRESS", requires = "rcpt")]
    mail_from: Option<String>,
    /// A domain whose servers take mail from everywhere, to tell a port that is blocked here from
    /// a server that is down.
    #[arg(long, value_name = "DOMAIN", hide = true)]
    control: Vec<String>,
    /// Print JSON: an object, of several verdicts an array.
    #[arg(long)]
    json: bool,
    /// Test in the built-in lab.
    #[cfg(feature = "lab")]
    #[arg(long)]
    lab: bool,
    #[command(flatten)]
    names: NameArgs,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(crate) fn run(args: &DiagnoseArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut given = args.given()?;
    let (bytes, file) = args.read()?;
    let source = Source { file, now: given.now, utc_offset: 0 };
    let reading = waxseal_explain::read(&bytes, &source);
    let diagnoses: Vec<Diagnosis> = reading.events.iter().map(waxseal_explain::diagnose).collect();
    let chosen = distinct(diagnoses);
    if chosen.is_empty() {
        for note in &reading.notes {
            terminal.complain(note);
        }
        terminal
            .complain("nothing in the text can be diagnosed: give the words of the error, or the whole mail");
        return Ok(Exit::Undetermined);
    }
    let left_out = chosen.len().saturating_sub(MOST);
    let chosen: Vec<Diagnosis> = chosen.into_iter().take(MOST).collect();
    args.complete(&chosen, &mut given, terminal)?;
    let command = args.as_command();
    let confirmations = args.test(&chosen, &given)?;
    let pairs: Vec<(Diagnosis, Confirmation)> = chosen
        .into_iter()
        .zip(confirmations)
        .map(|(diagnosis, confirmation)| (named(diagnosis, &given), with_text(confirmation, &command)))
        .collect();
    if args.json {
        terminal.print(&waxseal_render::diagnosis::confirmations_json(&pairs).map_err(Failure::internal)?)?;
    } else {
        for (number, (diagnosis, confirmation)) in pairs.iter().enumerate() {
            if number > 0 {
                terminal.write("\n")?;
            }
            let style = terminal.style();
            terminal.print(&waxseal_render::diagnosis::confirmation(diagnosis, confirmation, &style))?;
        }
    }
    if left_out > 0 {
        terminal.complain(&format!("{left_out} more verdicts were not tested: give the text of one of them"));
    }
    Ok(pairs.iter().map(|(_, confirmation)| exit(confirmation)).max().unwrap_or(Exit::Undetermined))
}

fn exit(confirmation: &Confirmation) -> Exit {
    match confirmation.verdict {
        _ if confirmation.is_wrong_now() => Exit::Findings,
        Ending::Untested => Exit::Undetermined,
        Ending::Confirmed | Ending::Refuted => Exit::Fine,
    }
}

/// Each kind of trouble once; what was delivered counts only where there is nothing else.
fn distinct(diagnoses: Vec<Diagnosis>) -> Vec<Diagnosis> {
    let failed = |d: &Diagnosis| !matches!(d.event.outcome, Outcome::Delivered | Outcome::Relayed);
    let any_failed = diagnoses.iter().any(failed);
    let mut seen = Vec::new();
    let mut chosen = Vec::new();
    for diagnosis in diagnoses {
        if any_failed && !failed(&diagnosis) {
            continue;
        }
        let event = &diagnosis.event;
        let domain =
            event.recipient.as_deref().and_then(|r| Some(r.rsplit_once('@')?.1.to_ascii_lowercase()));
        let key = (diagnosis.cause.clone(), domain, event.remote_host.clone(), event.client_address);
        if !seen.contains(&key) {
            seen.push(key);
            chosen.push(diagnosis);
        }
    }
    chosen
}

/// Fills in what the person said where the text left a gap in settings and commands.
fn named(mut diagnosis: Diagnosis, given: &Given) -> Diagnosis {
    let bare = |name: &Option<String>| name.as_deref().map(|n| n.rsplit('@').next().unwrap_or(n).to_owned());
    let host = given.server.as_ref().and_then(|s| s.host.clone());
    let words = [
        ("RECIPIENT-DOMAIN", bare(&given.to)),
        ("SENDER-DOMAIN", bare(&given.from)),
        ("SENDING-IP", given.address.map(|a| a.to_string())),
        ("SERVER", host),
    ];
    let pasted = diagnosis.fix.iter_mut().filter_map(|fix| fix.paste.as_mut());
    for text in pasted.chain(&mut diagnosis.next) {
        for (word, value) in &words {
            if let Some(value) = value {
                *text = replaced(text, word, value);
            }
        }
    }
    diagnosis
}

/// Replaces a word in capitals, but not where it begins or ends a longer one.
fn replaced(text: &str, word: &str, value: &str) -> String {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        out.push_str(before);
        let whole = !joins(before.chars().next_back()) && !joins(after.chars().next());
        out.push_str(if whole { value } else { word });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Fills in what was diagnosed in commands that repeat it.
fn with_text(mut confirmation: Confirmation, command: &str) -> Confirmation {
    for next in &mut confirmation.next {
        if let Some(rest) = next.strip_prefix("waxseal diagnose TEXT") {
            *next = format!("{command}{rest}");
        }
    }
    confirmation
}

impl DiagnoseArgs {
    /// What was said on the command line.
    fn given(&self) -> Result<Given, Failure> {
        let named = |option: &str, text: &Option<String>| {
            text.as_deref()
                .map(|t| domain(t).map_err(|e| Failure::usage(format!("--{option}: {e}"))))
                .transpose()
        };
        let server = self.server.as_deref().map(server).transpose();
        let selectors: Result<Vec<String>, Failure> = self
            .selector
            .iter()
            .map(|s| target::name_to_ascii(s).map_err(|e| Failure::usage(format!("--selector: {e}"))))
            .collect();
        let zone = self.blocklist.as_deref().map(target::name_to_ascii).transpose();
        let control = match self.control.as_slice() {
            [] => CONTROL.map(str::to_owned).to_vec(),
            named => named.to_vec(),
        };
        Ok(Given {
            to: named("to", &self.to)?,
            from: named("from", &self.from)?,
            server: server.map_err(|e| Failure::usage(format!("--server: {e}")))?,
            address: self.address,
            selectors: selectors?,
            blocklist: zone.map_err(|e| Failure::usage(format!("--blocklist: {e}")))?,
            helo: self.connection.helo.clone(),
            size: self.size,
            recipient_test: self.rcpt.then(|| RecipientTest { mail_from: self.mail_from.clone() }),
            control,
            now: now(),
        })
    }

    /// The text, and the file that it stands in.
    fn read(&self) -> Result<(Vec<u8>, Option<String>), Failure> {
        let mut bytes = Vec::new();
        let cannot = |name: &str, e: std::io::Error| Failure::usage(format!("{name} cannot be read: {e}"));
        match self.input.as_slice() {
            [dash] if dash == "-" => {
                let read = std::io::stdin().take(LARGEST).read_to_end(&mut bytes);
                read.map_err(|e| cannot("standard input", e))?;
                Ok((bytes, None))
            }
            [path] if Path::new(path).is_file() => {
                let read = File::open(path).and_then(|f| f.take(LARGEST).read_to_end(&mut bytes));
                read.map_err(|e| cannot(path, e))?;
                Ok((bytes, Some(path.clone())))
            }
            // A shell has taken the text apart.
            words => Ok((words.join(" ").into_bytes(), None)),
        }
    }

    /// This command with its text, for others that repeat it.
    fn as_command(&self) -> String {
        let text = self.input.join(" ");
        let quoted = format!("'{}'", text.replace('\'', r"'\''"));
        let plain =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        let text = match quoted.len() > LONGEST_COMMAND || text.contains('\n') {
            true => "FILE".to_owned(),
            false if plain => text,
            false => quoted,
        };
        let mut command = format!("waxseal diagnose {text}");
        for (option, value) in [("to", &self.to), ("from", &self.from), ("server", &self.server)] {
            if let Some(value) = value {
                command.push_str(&format!(" --{option} {value}"));
            }
        }
        if let Some(address) = self.address {
            command.push_str(&format!(" --address {address}"));
        }
        command
    }

    /// Asks the person at the terminal for what the tests need and nobody said.
    fn complete(
        &self,
        diagnoses: &[Diagnosis],
        given: &mut Given,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let from_stdin = self.input.iter().any(|i| i == "-");
        let interactive = !from_stdin && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        for diagnosis in diagnoses {
            let lacking = missing(diagnosis, given);
            let Some(first) = lacking.first() else { continue };
            if !interactive && diagnoses.len() > 1 {
                // One of several: its own verdict says what it lacks.
                continue;
            }
            if !interactive {
                return Err(Failure::usage(format!(
                    "the text does not say {}: give it with {}",
                    first.what(),
                    first.option()
                )));
            }
            terminal.say(&diagnosis.summary);
            for need in lacking {
                ask(need, given, terminal)?;
            }
        }
        Ok(())
    }

    /// Tests each diagnosis, one after the other.
    fn test(&self, diagnoses: &[Diagnosis], given: &Given) -> Result<Vec<Confirmation>, Failure> {
        setup::runtime(false)?.block_on(async {
            #[cfg(feature = "lab")]
            if self.lab {
                let lab = super::lab::start(true).await?;
                let confirmer = self.confirmer(&super::lab::surroundings(&lab))?.inside(true);
                let confirmations = all(&confirmer, diagnoses, given).await;
                lab.stop().await;
                return Ok(confirmations);
            }
            Ok(all(&self.confirmer(&Surroundings::default())?, diagnoses, given).await)
        })
    }

    fn confirmer(&self, around: &Surroundings) -> Result<Confirmer, Failure> {
        let step = setup::step(&self.connection, around);
        let resolver = setup::resolver(&self.names, around, step)?;
        let prober = setup::prober(&self.connection, around, false, None)?;
        Ok(Confirmer::new(resolver, prober))
    }
}

/// Meanwhile a terminal shows what is tested.
async fn all(confirmer: &Confirmer, diagnoses: &[Diagnosis], given: &Given) -> Vec<Confirmation> {
    let mut confirmations = Vec::new();
    for diagnosis in diagnoses {
        let spinner = ProgressBar::new_spinner().with_message(format!("testing {}", diagnosis.cause));
        spinner.enable_steady_tick(TICK);
        confirmations.push(confirmer.confirm(diagnosis, given).await);
        spinner.finish_and_clear();
    }
    confirmations
}

/// Asks for one thing, until the answer can be used; an empty answer leaves it out.
fn ask(need: Need, given: &mut Given, terminal: &Terminal) -> Result<(), Failure> {
    for _ in 0..TRIES {
        terminal.say(need.question());
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|e| Failure::usage(format!("the terminal cannot be read: {e}")))?;
        let answer = line.trim();
        if answer.is_empty() {
            return Ok(());
        }
        match take(need, answer, given) {
            Ok(()) => return Ok(()),
            Err(why) => terminal.complain(&why),
        }
    }
    Ok(())
}

/// Takes an answer.
fn take(need: Need, answer: &str, given: &mut Given) -> Result<(), String> {
    match need {
        Need::Place if answer.contains(':') || answer.parse::<IpAddr>().is_ok() => {
            given.server = Some(server(answer)?);
        }
        Need::Place => given.to = Some(domain(answer)?),
        Need::Recipient if !answer.contains('@') => return Err("that is no mail address".to_owned()),
        Need::Recipient => given.to = Some(domain(answer)?),
        Need::SenderDomain => given.from = Some(domain(answer)?),
        Need::ClientAddress => {
            given.address =
                Some(answer.trim_matches(['[', ']']).parse().map_err(|_| "that is no IP address")?);
        }
        Need::Helo => given.helo = Some(answer.to_owned()),
        Need::Blocklist => given.blocklist = Some(target::name_to_ascii(answer).map_err(|e| e.to_string())?),
    }
    Ok(())
}

/// A domain, or a mail address with its domain in A-labels.
fn domain(text: &str) -> Result<String, String> {
    match text.trim().trim_matches(['<', '>']).rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() => {
            Ok(format!("{local}@{}", target::name_to_ascii(domain).map_err(|e| e.to_string())?))
        }
        Some(_) => Err(format!("{text} is no mail address")),
        None => target::name_to_ascii(text.trim()).map_err(|e| e.to_string()),
    }
}

/// A server by name or address, with or without a port.
fn server(text: &str) -> Result<Server, String> {
    match target::parse(text, None).map_err(|e| e.to_string())? {
        Target::Domain { name, mailbox: false, .. } => {
            Ok(Server { host: Some(name), address: None, port: None })
        }
        Target::Domain { given, .. } => Err(format!("{given} is a mail address: name a host")),
        Target::Host { name, port, .. } => Ok(Server { host: Some(name), address: None, port: Some(port) }),
        Target::Address { address, port } => {
            Ok(Server { host: None, address: Some(address), port: Some(port) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_at_the_terminal_are_understood() {
        let mut given = Given::default();
        take(Need::Place, "mx.example.com:587", &mut given).unwrap();
        assert_eq!(given.server.as_ref().unwrap().label(), "mx.example.com:587");
        take(Need::Place, "bob@Example.org", &mut given).unwrap();
        assert_eq!(given.to.as_deref(), Some("bob@example.org"));
        take(Need::ClientAddress, "[192.0.2.1]", &mut given).unwrap();
        assert_eq!(given.address, "192.0.2.1".parse().ok());
        assert!(take(Need::ClientAddress, "here", &mut given).is_err());
        assert!(take(Need::Recipient, "example.org", &mut given).is_err());
        assert!(take(Need::SenderDomain, "a b", &mut given).is_err());
    }

    #[test]
    fn gaps_are_filled_with_what_was_said() {
        assert_eq!(replaced("check SERVER:587", "SERVER", "mx.example.com"), "check mx.example.com:587");
        assert_eq!(replaced("ping SERVER-IP", "SERVER", "mx.example.com"), "ping SERVER-IP");
        assert_eq!(replaced("SERVER SERVER", "SERVER", "a"), "a a");
    }

    #[test]
    fn a_server_may_go_without_a_port_and_is_no_mail_address() {
        assert_eq!(server("mx.example.com").unwrap().label(), "mx.example.com:25");
        assert_eq!(server("[2001:db8::1]:465").unwrap().label(), "[2001:db8::1]:465");
        assert!(server("bob@example.com").is_err());
    }
}
