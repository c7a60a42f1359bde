//! Who the client is, and over what channel: EHLO, STARTTLS, XCLIENT.

use std::{io::Write as _, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};
use waxseal_wire::smtp::{XCLIENT_ATTRIBUTES, XclientAttribute};

use super::{
    channel::Lost,
    conversation::{Client, Flow, Hello, Session},
};

/// Time for a TLS handshake, if a command may take longer.
const HANDSHAKE: Duration = Duration::from_mins(1);

impl<S> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// EHLO or HELO; a transaction ends (RFC 5321 section 4.1.4).
    pub(super) fn hello(&mut self, name: &str, extended: bool) {
        self.transaction = None;
        self.idle();
        self.hello = Some(Hello { name: name.to_owned(), extended });
        if extended {
            self.say_extensions();
        } else {
            let _ = write!(self.channel.replies(), "250 {}\r\n", self.settings.hostname);
        }
    }

    /// Only what is given now is offered.
    fn say_extensions(&mut self) {
        let mechanisms = self.mechanisms();
        let (starttls, xclient, tls) = (self.offers_starttls(), self.may_xclient(), self.tls.is_some());
        let settings = std::sync::Arc::clone(&self.settings);
        let replies = self.channel.replies();
        // Writing into memory cannot fail.
        let _ = write!(
            replies,
            "250-{}\r\n250-PIPELINING\r\n250-SIZE {}\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-DSN\r\n",
            settings.hostname, settings.limits.message_size
        );
        if starttls {
            replies.extend_from_slice(b"250-STARTTLS\r\n");
        }
        if tls {
            replies.extend_from_slice(b"250-REQUIRETLS\r\n");
        }
        if !mechanisms.is_empty() {
            replies.extend_from_slice(b"250-AUTH");
            for mechanism in mechanisms {
                let _ = write!(replies, " {}", mechanism.name());
            }
            replies.extend_from_slice(b"\r\n");
        }
        if xclient {
            let _ = write!(replies, "250-XCLIENT {XCLIENT_ATTRIBUTES}\r\n");
        }
        replies.extend_from_slice(b"250 ENHANCEDSTATUSCODES\r\n");
    }

    pub(super) fn offers_starttls(&self) -> bool {
        self.context.tls.is_some() && self.tls.is_none()
    }

    pub(super) async fn start_tls(&mut self) -> Result<Flow, Lost> {
        if self.tls.is_some() {
            self.refuse("STARTTLS", 503, "5.5.1", "TLS is in use already");
            return Ok(Flow::On);
        }
        if self.context.tls.is_none() {
            self.refuse("STARTTLS", 502, "5.5.1", "STARTTLS is not offered");
            return Ok(Flow::On);
        }
        // What came before the handshake is not protected by it: somebody may have put it
        // there (CVE-2011-0411). It is thrown away, and the session with it.
        if !self.channel.input.is_empty() {
            self.channel.input.clear();
            let text =
                "Something was sent after STARTTLS without waiting for the reply. Closing the connection";
            self.refuse("STARTTLS", 554, "5.5.0", text);
            return Ok(Flow::End);
        }
        self.say("220 2.0.0 Ready to start TLS");
        self.channel.flush().await?;
        self.secure().await
    }

    /// The handshake; nothing that the client said before counts any longer (RFC 3207
    /// section 4.2). What a proxy said does: without it the client would have the proxy's
    /// rights.
    pub(super) async fn secure(&mut self) -> Result<Flow, Lost> {
        let Some(tls) = self.context.tls.clone() else {
            self.refuse("STARTTLS", 454, "4.7.0", "TLS is not available");
            return Ok(Flow::End);
        };
        let time = self.settings.limits.command_timeout.min(HANDSHAKE);
        match self.channel.secure(&tls, Instant::now() + time).await {
            Ok(facts) => {
                self.tls = Some(facts);
                self.hello = None;
                self.transaction = None;
                self.user = None;
                Ok(Flow::On)
            }
            Err(failure) => {
                // It goes to the log alone: the connection is broken.
                self.refuse("STARTTLS", 454, "4.7.0", failure);
                Ok(Flow::End)
            }
        }
    }

    /// Listed hosts may. Once one has said for whom it speaks, it depends on that client: a
    /// proxy passes on what its client says.
    fn may_xclient(&self) -> bool {
        self.client.address.is_some_and(|address| self.settings.access.may_xclient(address))
    }

    /// From here on the session is that of another client, with that client's rights and no
    /// more: neither a login nor a certificate of the proxy counts.
    pub(super) fn xclient(&mut self, attributes: Vec<XclientAttribute>) {
        if !self.may_xclient() {
            self.refuse("XCLIENT", 550, "5.7.0", "XCLIENT is not for you: the operator lists who may");
            return;
        }
        if self.transaction.is_some() {
            self.refuse("XCLIENT", 503, "5.5.1", "XCLIENT within a mail transaction");
            return;
        }
        self.idle();
        self.hello = None;
        self.user = None;
        let mut client = Client { by_proxy: true, ..Client::at(self.client.address) };
        for attribute in attributes {
            match attribute {
                XclientAttribute::Address(address) => {
                    client.address = address.map(|address| address.to_canonical());
                }
                XclientAttribute::Name(name) => client.name = name,
                XclientAttribute::Login(user) => client.login = user,
                XclientAttribute::Helo(name) => client.helo = name,
                XclientAttribute::Protocol { extended } => client.extended = Some(extended),
                // Nothing depends on it.
                XclientAttribute::Port(_) => {}
            }
        }
        self.client = client;
        self.greet();
    }
}
