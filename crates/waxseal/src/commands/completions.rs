//! `waxseal completions`

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::{
    cli::Cli,
    exit::{Exit, Failure},
    output::Terminal,
};

/// Print a completion script for a shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Bash:  waxseal completions bash > /etc/bash_completion.d/waxseal
Zsh:   waxseal completions zsh  > \"${fpath[1]}/_waxseal\"
Fish:  waxseal completions fish > ~/.config/fish/completions/waxseal.fish")]
pub(crate) struct CompletionsArgs {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn run(args: &CompletionsArgs, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "waxseal", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Fine)
}
