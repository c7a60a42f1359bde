//! Sides, retries and scopes in words.

use waxseal_model::diagnosis::{Retry, Scope, Side, Who};

/// A side as a heading names it: `Fix at the recipient`.
pub(crate) fn place(side: Side) -> &'static str {
    match side {
        Side::SenderClient => "on the sender's side",
        Side::SenderServer => "at the sender's server",
        Side::Network => "in the network",
        Side::RecipientServer => "at the recipient",
        Side::SecurityFilter => "at the filter",
        Side::Nobody => "",
    }
}

/// Who must act, in a sentence's part.
pub(crate) fn who(who: Who) -> &'static str {
    match who {
        Who::SenderUser => "the sender, the person who wrote the message",
        Who::SenderClient => "the sender's mail program or application (its settings)",
        Who::SenderServer => "the sender's server (its admin)",
        Who::SenderDns => "the sender's domain (whoever keeps its DNS)",
        Who::Network => "whoever runs the network between the two servers",
        Who::RecipientServer => "the recipient's server (its admin); the sender can only wait or tell them",
        Who::RecipientUser => "the recipient; the sender can only reach them another way",
        Who::SecurityFilter => "whoever runs the filter in front of the recipient's server",
        Who::Nobody => "nobody",
    }
}

/// Whether a retry helps.
pub(crate) fn retry(retry: Retry) -> &'static str {
    match retry {
        Retry::No => "no: it ends the same way",
        Retry::Later => "yes, later; a mail server does that by itself",
        Retry::Slower => "yes, slower: fewer messages, connections or recipients at a time",
        Retry::AfterFix => "after the fix; until then it ends the same way",
        Retry::OtherRoute => "yes, by another route: another address, port or server",
        Retry::NotApplicable => "nothing to retry",
    }
}

/// What it strikes.
pub(crate) fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Recipient => "mail to this recipient",
        Scope::RecipientDomain => "all mail to this domain or server",
        Scope::Sender => "all mail from this sender or account",
        Scope::SenderDomain => "all mail from the sender's domain",
        Scope::SenderAddress => "all mail from the sender's IP address",
        Scope::Message => "this message",
        Scope::Session => "this connection",
    }
}
