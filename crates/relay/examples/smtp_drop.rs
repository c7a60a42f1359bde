//! An SMTP server that takes every message and drops it: to measure the session alone.
//!
//! `cargo run --release -p waxseal-relay --example smtp_drop -- 127.0.0.1:2525 [CERTIFICATE KEY
//! [PASSWORDS]]`, then `smtp-source -c -l 4096 -m 20000 -s 20 127.0.0.1:2525`. Ctrl-C ends it and tells how
//! many messages came.
#![allow(clippy::print_stdout, reason = "a program for the command line")]

use std::{
    env,
    error::Error,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use waxseal_net::{
    listen::Listener,
    tls::server::{ServerTls, ServerTlsFiles},
};
use waxseal_relay::{
    event::{Event, Events},
    intake::Intake,
    session::{
        Context, read_passwords, serve,
        settings::{Kind, Listening, Settings},
    },
};
use waxseal_store::spool::{MessageId, NewMessage, SpoolError};

/// Counts messages and their bytes.
#[derive(Default)]
struct Drop {
    messages: AtomicU64,
    bytes: AtomicU64,
}

impl Intake for Drop {
    fn take(
        &self,
        message: NewMessage,
    ) -> Pin<Box<dyn Future<Output = Result<MessageId, SpoolError>> + Send + '_>> {
        let bytes: u64 = message.body.iter().map(|part| part.len() as u64).sum();
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let id = self.messages.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(MessageId(id)) })
    }

    fn refusal(&self) -> Option<SpoolError> {
        None
    }
}

impl Events for Drop {
    fn emit(&self, _now: i64, event: &Event<'_>) {
        if !matches!(event, Event::Accepted { .. }) {
            println!("{event:?}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let address = arguments.next().unwrap_or_else(|| "127.0.0.1:2525".to_owned());
    let tls = match (arguments.next(), arguments.next()) {
        (Some(certificate), Some(key)) => {
            let files = ServerTlsFiles { certificate: certificate.into(), key: key.into(), client_ca: None };
            Some(Arc::new(ServerTls::load(files)?))
        }
        _ => None,
    };
    let mut settings = Settings::new("relay.example.com");
    if let Some(path) = arguments.next() {
        settings.access.passwords = Some(Arc::new(read_passwords(path.as_ref())?));
    }
    settings.access.networks = vec!["127.0.0.0/8".parse()?, "::1".parse()?];
    let dropped = Arc::new(Drop::default());
    let (intake, events) = (Arc::clone(&dropped), Arc::clone(&dropped));
    let context = Arc::new(Context::new(settings, tls, intake, events));
    let listener = Listener::bind(address.parse()?)?;
    println!("listening on {}", listener.address());
    let listening = Listening { kind: Kind::Smtp, require_tls: false };
    let serving = tokio::spawn(serve(listener, listening, Arc::clone(&context)));
    tokio::signal::ctrl_c().await?;
    context.stop();
    serving.await?;
    let (messages, bytes) = (&dropped.messages, &dropped.bytes);
    println!("{} messages, {} bytes", messages.load(Ordering::Relaxed), bytes.load(Ordering::Relaxed));
    Ok(())
}
