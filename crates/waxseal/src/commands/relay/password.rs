//! `waxseal relay password`

use std::io::{IsTerminal, Read};

use clap::Args;
use waxseal_wire::sasl::{Cost, Salts, password_line};

use crate::{
    exit::{Exit, Failure},
    output::Terminal,
};

/// Rounds of a SCRAM secret: more than RFC 7677 section 4 asks for (4096).
const ITERATIONS: u32 = 10_000;
/// Longest input.
const LONGEST: u64 = 4096;

/// Make a line for the file of passwords, from a password that is asked for.
///
/// The line holds an Argon2 hash and a SCRAM secret, never the password itself.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  waxseal relay password app1 >> /etc/waxseal/passwords
  waxseal relay password app1 --stdin < secret.txt >> /etc/waxseal/passwords")]
pub(crate) struct PasswordArgs {
    /// The name to log in with.
    #[arg(value_name = "USER")]
    user: String,
    /// Take the first line of standard input, and do not ask.
    #[arg(long)]
    stdin: bool,
    /// Without the secret for SCRAM-SHA-256: only PLAIN and LOGIN will do for this user.
    #[arg(long)]
    no_scram: bool,
}

pub(super) fn run(args: &PasswordArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let password = password(args, terminal)?;
    let random =
        || waxseal_net::http::nonce().ok_or_else(|| Failure::internal("the system gives no random numbers"));
    let scram = if args.no_scram { None } else { Some(random()?) };
    let salts = Salts { hash: random()?, scram };
    let line = password_line(&args.user, password.as_bytes(), Cost::default(), ITERATIONS, &salts)
        .map_err(Failure::usage)?;
    terminal.print(&line)?;
    Ok(Exit::Fine)
}

fn password(args: &PasswordArgs, terminal: &Terminal) -> Result<String, Failure> {
    let input = std::io::stdin();
    if !args.stdin && input.is_terminal() {
        let ask = |prompt: &str| {
            terminal.say(prompt);
            hidden()
        };
        let first = ask("Password (it is not shown):")?;
        let second = ask("Once more:")?;
        return match first == second {
            true => Ok(first),
            false => Err(Failure::usage("the two are not the same: begin again")),
        };
    }
    let mut text = String::new();
    let read = input.take(LONGEST).read_to_string(&mut text);
    read.map_err(|e| Failure::usage(format!("standard input cannot be read: {e}")))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A line of the terminal, which does not show it meanwhile.
fn hidden() -> Result<String, Failure> {
    use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
    let failed = |e: nix::errno::Errno| Failure::internal(format!("the terminal cannot be set: {e}"));
    let input = std::io::stdin();
    let before = tcgetattr(&input).map_err(failed)?;
    let mut quiet = before.clone();
    quiet.local_flags.remove(LocalFlags::ECHO);
    tcsetattr(&input, SetArg::TCSAFLUSH, &quiet).map_err(failed)?;
    let mut line = String::new();
    let read = input.read_line(&mut line);
    tcsetattr(&input, SetArg::TCSAFLUSH, &before).map_err(failed)?;
    read.map_err(|e| Failure::usage(format!("the terminal cannot be read: {e}")))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
