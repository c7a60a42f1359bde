//! The ways to begin a conversation.

use std::{io::Result, time::Duration};

use tokio::time::sleep;

use super::{
    Site,
    lines::{Lines, Stream},
};

/// How a server greets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// One line at once.
    #[default]
    Prompt,
    /// One line after a while, as servers do against senders that cannot wait.
    Late(Duration),
    /// Three lines, each byte sent by itself.
    InSingleBytes,
    /// This reply instead, then the end.
    Refusal(&'static str),
    /// Many lines, a byte a second.
    Tarpit,
}

/// Pause between single bytes that are to arrive apart from one another.
const APART: Duration = Duration::from_millis(2);
/// Lines of the tarpit's greeting: more than a quarter of an hour.
const TARPIT_LINES: usize = 20;

/// Greets. False if the conversation ends with that.
pub(crate) async fn greet<S: Stream>(lines: &mut Lines<S>, greeting: Greeting, site: &Site) -> Result<bool> {
    let host = &site.host;
    let last = format!("220 {host} ESMTP waxseal lab\r\n");
    match greeting {
        Greeting::Prompt => lines.send(last.as_bytes()).await?,
        Greeting::Late(wait) => {
            sleep(wait).await;
            lines.send(last.as_bytes()).await?;
        }
        Greeting::InSingleBytes => {
            let text = format!(
                "220-{host} ESMTP waxseal lab\r\n220-Please be patient,\r\n220 this line is short\r\n"
            );
            send_slowly(lines, text.as_bytes(), APART).await?;
        }
        Greeting::Refusal(reply) => {
            lines.send(format!("{reply}\r\n").as_bytes()).await?;
            return Ok(false);
        }
        Greeting::Tarpit => {
            let text = format!("220-{host} ESMTP waxseal lab\r\n").repeat(TARPIT_LINES) + &last;
            send_slowly(lines, text.as_bytes(), Duration::from_secs(1)).await?;
        }
    }
    Ok(true)
}

async fn send_slowly<S: Stream>(lines: &mut Lines<S>, bytes: &[u8], pause: Duration) -> Result<()> {
    for byte in bytes {
        lines.send(&[*byte]).await?;
        sleep(pause).await;
    }
    Ok(())
}
