//! The command or moment that was answered.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use waxseal_model::mail::Stage;

/// How programs name moments. Of several in one text the last one counts: it belongs to the
/// inner error. At one place the longest wins.
const WORDS: [(&str, Stage); 75] = [
    // Postfix
    ("in reply to rcpt to", Stage::Rcpt),
    ("in reply to mail from", Stage::Mail),
    ("in reply to end of data", Stage::EndOfData),
    ("in reply to data", Stage::Data),
    ("in reply to ehlo", Stage::Ehlo),
    ("in reply to helo", Stage::Ehlo),
    ("in reply to lhlo", Stage::Ehlo),
    ("in reply to starttls", Stage::Starttls),
    ("in reply to auth", Stage::Auth),
    ("in reply to quit", Stage::Quit),
    ("while receiving the initial", Stage::Greeting),
    ("refused to talk to me", Stage::Greeting),
    ("while performing the ehlo", Stage::Ehlo),
    ("while performing the helo", Stage::Ehlo),
    ("while performing the lhlo", Stage::Ehlo),
    ("while sending mail from", Stage::Mail),
    ("while sending rcpt to", Stage::Rcpt),
    ("while sending data command", Stage::Data),
    ("while sending message body", Stage::EndOfData),
    ("while sending end of data", Stage::EndOfData),
    ("while receiving the starttls", Stage::Starttls),
    ("name service error for", Stage::Dns),
    ("cannot start tls", Stage::Tls),
    ("sasl authentication failed", Stage::Auth),
    // Exim
    ("after rcpt to:", Stage::Rcpt),
    ("after mail from:", Stage::Mail),
    ("after end of data", Stage::EndOfData),
    ("after sending end of data", Stage::EndOfData),
    ("after sending data block", Stage::EndOfData),
    ("after data", Stage::Data),
    ("after ehlo", Stage::Ehlo),
    ("after helo", Stage::Ehlo),
    ("after starttls", Stage::Starttls),
    ("after auth", Stage::Auth),
    ("after initial connection", Stage::Greeting),
    ("after pipelined rcpt to", Stage::Rcpt),
    ("after pipelined mail from", Stage::Mail),
    ("after pipelined end of data", Stage::EndOfData),
    ("after pipelined data", Stage::Data),
    ("in response to rcpt to", Stage::Rcpt),
    ("in response to mail from", Stage::Mail),
    ("in response to end of data", Stage::EndOfData),
    ("in response to data", Stage::Data),
    ("in response to initial connection", Stage::Greeting),
    ("in response to ehlo", Stage::Ehlo),
    ("in response to starttls", Stage::Starttls),
    ("tls session failure", Stage::Tls),
    // qmail
    ("does not like recipient", Stage::Rcpt),
    ("but sender was rejected", Stage::Mail),
    ("but my name was rejected", Stage::Ehlo),
    ("but greeting failed", Stage::Greeting),
    ("failed on data command", Stage::Data),
    ("failed after i sent the message", Stage::EndOfData),
    // Transcripts in bounces of Sendmail, Courier and others
    (">>> rcpt to", Stage::Rcpt),
    (">>> mail from", Stage::Mail),
    (">>> data", Stage::EndOfData),
    (">>> ehlo", Stage::Ehlo),
    (">>> helo", Stage::Ehlo),
    (">>> starttls", Stage::Starttls),
    (">>> auth", Stage::Auth),
    // Others
    ("response to rcpt", Stage::Rcpt),
    ("response to mail", Stage::Mail),
    ("response to the rcpt", Stage::Rcpt),
    ("at end of data", Stage::EndOfData),
    ("end-of-data", Stage::EndOfData),
    ("during starttls", Stage::Starttls),
    ("during tls handshake", Stage::Tls),
    ("tls handshake failed", Stage::Tls),
    ("tls handshake failure", Stage::Tls),
    ("during rcpt", Stage::Rcpt),
    ("during mail from", Stage::Mail),
    ("during data", Stage::Data),
    ("during auth", Stage::Auth),
    ("rcpt to command failed", Stage::Rcpt),
    ("mail from command failed", Stage::Mail),
];

pub(super) fn stage(text: &str) -> Option<Stage> {
    static WORDS_OF_ALL: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let build = || {
        let mut builder = AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest);
        builder.kind(Some(AhoCorasickKind::ContiguousNFA));
        builder.build(WORDS.iter().map(|(words, _)| words)).ok()
    };
    let last = WORDS_OF_ALL.get_or_init(build).as_ref()?.find_iter(text).last()?;
    WORDS.get(last.pattern().as_usize()).map(|(_, stage)| *stage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_name_the_moment_in_their_own_words() {
        for (text, expected) in [
            ("said: 550 no (in reply to RCPT TO command)", Some(Stage::Rcpt)),
            ("said: 550 no (in reply to end of DATA command)", Some(Stage::EndOfData)),
            ("said: 550 no (in reply to DATA command)", Some(Stage::Data)),
            (
                "SMTP error from remote mail server after pipelined MAIL FROM:<a@b> SIZE=9: 550",
                Some(Stage::Mail),
            ),
            (
                "lost connection with mx[192.0.2.1] while receiving the initial server greeting",
                Some(Stage::Greeting),
            ),
            ("192.0.2.1 does not like recipient.\nRemote host said: 550", Some(Stage::Rcpt)),
            ("192.0.2.1 failed after I sent the message.", Some(Stage::EndOfData)),
            (">>> MAIL From:<a@b>\n<<< 250 ok\n>>> RCPT To:<c@d>\n<<< 550 no", Some(Stage::Rcpt)),
            ("User unknown", None),
        ] {
            assert_eq!(stage(text), expected, "{text}");
        }
    }
}
