//! ChangeCipherSpec before the keys are agreed (CVE-2014-0224).
//!
//! OpenSSL before 0.9.8za, 1.0.0m and 1.0.1h takes it and derives its keys from a secret
//! that is still empty; what comes next is decrypted with them. So the ChangeCipherSpec is
//! followed by a record that no key fits. Who took the first complains about the second:
//! bad_record_mac, or decryption_failed. Who refuses the first says unexpected_message, as
//! a rule, and never sees the second.

use waxseal_model::{audit::CcsInjection, tls::TlsVersion};

use super::{
    Reply,
    record::{handshake_message, kind, plain},
};
use crate::tls::{alert::FATAL, flight::message};

const BAD_RECORD_MAC: u8 = 20;
const DECRYPTION_FAILED: u8 = 21;

/// What is sent after the server's flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// ChangeCipherSpec and the record. This comes first.
    Both,
    /// ChangeCipherSpec by itself, for servers that end the connection without an alert: one
    /// that closes here has refused it. (mbed TLS does; with the record unread behind it, its
    /// system makes a reset of the close.)
    CcsAlone,
    /// The record by itself. A server that answers it like [`Question::Both`] has told
    /// nothing about ChangeCipherSpec.
    RecordAlone,
}

/// The bytes to send in the version that the server chose.
pub fn attack(question: Question, version: TlsVersion) -> Vec<u8> {
    let version = version.code();
    let ccs = plain(kind::CHANGE_CIPHER_SPEC, version, &[1]);
    // In clear it is a Finished too early, of whole blocks and longer than any code, so
    // that a server that passes over the ChangeCipherSpec does not wait for more.
    let record = plain(kind::HANDSHAKE, version, &handshake_message(message::FINISHED, &[0x5a; 92]));
    match question {
        Question::Both => [ccs, record].concat(),
        Question::CcsAlone => ccs,
        Question::RecordAlone => record,
    }
}

/// What the answer to a question means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// It is known. That it was accepted wants confirming by [`Question::RecordAlone`].
    Known(CcsInjection),
    /// The server ended the connection without an alert: [`Question::CcsAlone`] tells more.
    EndedSilently,
    /// The record alone is refused in another way, so that it was ChangeCipherSpec that
    /// made the difference.
    Confirmed,
    /// The record alone is refused in the same way: nothing is known.
    NotConfirmed,
    /// Nothing can be said.
    Unknown,
}

/// Reads the reply to a question.
pub fn meaning(question: Question, reply: Reply) -> Meaning {
    let failed_to_decrypt = match reply {
        Reply::Alert { level: FATAL, description } => {
            matches!(description, BAD_RECORD_MAC | DECRYPTION_FAILED).then_some(description)
        }
        _ => None,
    };
    match (question, reply, failed_to_decrypt) {
        (Question::Both, Reply::Closed | Reply::Reset, _) => Meaning::EndedSilently,
        (_, Reply::Timeout | Reply::Reset | Reply::NotTls, _) => Meaning::Unknown,
        (Question::Both, _, Some(alert)) => Meaning::Known(CcsInjection::Accepted { alert }),
        (Question::RecordAlone, _, Some(_)) => Meaning::NotConfirmed,
        (Question::RecordAlone, ..) => Meaning::Confirmed,
        (_, Reply::Alert { description, .. }, _) => {
            Meaning::Known(CcsInjection::Refused { alert: Some(description) })
        }
        (_, Reply::Closed, _) => Meaning::Known(CcsInjection::Refused { alert: None }),
        (_, Reply::Record { .. }, _) => Meaning::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(description: u8) -> Reply {
        Reply::Alert { level: 2, description }
    }

    #[test]
    fn old_openssl_complains_about_the_second_record_and_others_about_the_first() {
        for description in [20, 21] {
            assert_eq!(
                meaning(Question::Both, alert(description)),
                Meaning::Known(CcsInjection::Accepted { alert: description })
            );
            assert_eq!(meaning(Question::RecordAlone, alert(description)), Meaning::NotConfirmed);
        }
        for description in [10, 40, 47, 80] {
            let refused = Meaning::Known(CcsInjection::Refused { alert: Some(description) });
            assert_eq!(meaning(Question::Both, alert(description)), refused);
            assert_eq!(meaning(Question::CcsAlone, alert(description)), refused);
            assert_eq!(meaning(Question::RecordAlone, alert(description)), Meaning::Confirmed);
        }
    }

    #[test]
    fn a_silent_close_is_a_refusal_only_where_the_second_record_was_not_sent() {
        assert_eq!(meaning(Question::Both, Reply::Closed), Meaning::EndedSilently);
        assert_eq!(meaning(Question::Both, Reply::Reset), Meaning::EndedSilently);
        assert_eq!(
            meaning(Question::CcsAlone, Reply::Closed),
            Meaning::Known(CcsInjection::Refused { alert: None })
        );
    }

    #[test]
    fn silence_resets_and_text_say_nothing() {
        for question in [Question::Both, Question::CcsAlone, Question::RecordAlone] {
            for reply in [Reply::Timeout, Reply::NotTls] {
                assert_eq!(meaning(question, reply), Meaning::Unknown);
            }
        }
        assert_eq!(meaning(Question::CcsAlone, Reply::Reset), Meaning::Unknown);
        assert_eq!(meaning(Question::RecordAlone, Reply::Reset), Meaning::Unknown);
        assert_eq!(meaning(Question::Both, Reply::Record { kind: 22 }), Meaning::Unknown);
    }

    #[test]
    fn the_record_is_one_of_whole_blocks() {
        let both = attack(Question::Both, TlsVersion::Tls11);
        assert_eq!(both[..6], [20, 3, 2, 0, 1, 1]);
        assert_eq!(both[6..15], [22, 3, 2, 0, 96, 20, 0, 0, 92]);
        assert_eq!(both.len(), 6 + 5 + 96);
    }
}
