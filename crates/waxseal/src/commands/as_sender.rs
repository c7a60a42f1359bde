//! The view of one sender: `--as SENDER` of `waxseal check` and `waxseal judge`.

use clap::Args;
use waxseal_judge::senders::{self, Sender};
use waxseal_model::{Report, Threshold};
use waxseal_render::{Style, senders::verdict};

use crate::exit::{Exit, of_sender};

/// Whose view counts.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Judgement")]
pub(crate) struct SenderArgs {
    /// Judge as one sender sees it: exit with 0 if it delivers over TLS, 1 if in clear or not
    /// at all (`waxseal senders` lists them).
    #[arg(long = "as", value_name = "SENDER", value_parser = sender)]
    sender: Option<&'static Sender>,
    /// Exit with 1 also if an attacker on the path could read that sender's mail.
    #[arg(long, requires = "sender")]
    under_attack: bool,
}

/// The sender of an id; an unknown one is told which there are.
pub(crate) fn sender(id: &str) -> Result<&'static Sender, String> {
    senders::find(id).ok_or_else(|| {
        let known: Vec<&str> = senders::all().iter().map(|s| s.id.as_str()).collect();
        format!("there is no sender '{id}'; there are: {}", known.join(", "))
    })
}

impl SenderArgs {
    /// True if one sender's view decides.
    pub(crate) fn is_given(&self) -> bool {
        self.sender.is_some()
    }

    /// Leaves the one sender's view in a report, and gives its verdict as text and its exit
    /// code; none where no sender was named.
    pub(crate) fn narrow(
        &self,
        report: &mut Report,
        threshold: &Threshold,
        style: &Style,
    ) -> Option<(String, Exit)> {
        let sender = self.sender?;
        report.senders.retain(|view| view.sender == sender.id);
        let view = report.senders.first();
        let text = verdict(report, &sender.title, view, self.under_attack, style);
        Some((text, of_sender(view, self.under_attack, threshold)))
    }
}
