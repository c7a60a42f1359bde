//! No bytes, however they are cut, become a command that they are not.

use proptest::prelude::*;

use super::*;

/// What smuggling is made of.
const TOKENS: [&[u8]; 16] = [
    b"\r\n",
    b"\n",
    b"\r",
    b".",
    b"\0",
    b"x",
    b"\r\n.",
    b"\n.\n",
    b"\r.\r",
    b"\xe9",
    b"MAIL FROM:<evil@example.net>\r\n",
    b"RCPT TO:<evil@example.org>\r\n",
    b"DATA\r\n",
    b"BDAT 9 LAST\r\n",
    b"RSET\r\n",
    b"QUIT\r\n",
];

fn streams() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(TOKENS.to_vec()), 0..14).prop_map(|tokens| tokens.concat())
}

/// Sends bytes in pieces after the envelope; all replies behind it.
fn converse(envelope: &str, bytes: &[u8], piece: usize) -> (Vec<String>, Vec<NewMessage>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let bench = Bench::new(settings());
        let mut talk = bench.greeted().await;
        talk.send(envelope).await;
        for _ in envelope.lines() {
            talk.reply().await;
        }
        let (mut read, mut write) = tokio::io::split(talk.io);
        let sending = async {
            for part in bytes.chunks(piece) {
                if write.write_all(part).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let _ = write.shutdown().await;
        };
        let mut all = Vec::new();
        let (_, result) = tokio::join!(sending, read.read_to_end(&mut all));
        result.unwrap();
        talk.task.await.unwrap();
        let replies = String::from_utf8(all).unwrap().lines().map(str::to_owned).collect();
        let messages = bench.kept.messages.lock().unwrap().clone();
        (replies, messages)
    })
}

const ENVELOPE: &str = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn data_is_one_message_or_none(data in streams(), piece in 1usize..40) {
        let whole = [b"\r\n", data.as_slice(), b"\r\n.\r\n"].concat();
        // The first true end is ours.
        let end = whole.windows(5).position(|w| w == b"\r\n.\r\n").unwrap();
        prop_assume!(end + 5 == whole.len());
        let sent = [data.as_slice(), b"\r\n.\r\nQUIT\r\n"].concat();
        let (replies, messages) = converse(&format!("{ENVELOPE}DATA\r\n"), &sent, piece);
        prop_assert_eq!(replies.len(), 2, "{:?}", replies);
        prop_assert!(replies[1].starts_with("221 "));
        prop_assert_eq!(replies[0].starts_with("250 "), messages.len() == 1, "{:?}", replies);
        prop_assert!(messages.iter().all(|message| message.envelope.sender == "a@example.net"));
    }

    #[test]
    fn a_chunk_is_as_long_as_it_says(data in streams(), piece in 1usize..40) {
        let sent = [format!("BDAT {} LAST\r\n", data.len()).as_bytes(), &data, b"QUIT\r\n"].concat();
        let (replies, messages) = converse(ENVELOPE, &sent, piece);
        prop_assert_eq!(replies.len(), 2, "{:?}", replies);
        prop_assert_eq!(replies[0].starts_with("250 "), messages.len() == 1, "{:?}", replies);
    }

    #[test]
    fn nothing_panics_and_nothing_ambiguous_is_kept(
        bytes in prop_oneof![streams(), prop::collection::vec(any::<u8>(), 0..200)],
        piece in 1usize..40,
        data in any::<bool>(),
    ) {
        let envelope = if data { format!("{ENVELOPE}DATA\r\n") } else { ENVELOPE.to_owned() };
        let (_, messages) = converse(&envelope, &bytes, piece);
        for message in messages {
            let bare = String::from_utf8_lossy(&message.body.concat()).replace("\r\n", "");
            prop_assert!(!bare.contains(['\r', '\n', '\0']));
        }
    }
}
