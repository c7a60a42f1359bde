//! A lab, and a router that sees nothing else.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use waxseal_lab::{Lab, LabOptions};
use waxseal_net::{
    egress::{Egress, EgressRules},
    resolver::{Resolver, ResolverConfig},
};
use waxseal_relay::{
    config::{Config, sections::Dnssec},
    event::{Event, Events},
    policy::{
        Clock,
        lookup::{PolicyRouter, RouterParts},
        names::Own,
        rules::Rules,
        sts::{StsClient, StsParts},
    },
};
use waxseal_store::ledger::{Ledger, LedgerSettings};
use waxseal_wire::x509::RootStore;

/// Long enough for a loaded machine; what waits for it are the servers that never answer.
pub(crate) const STEP: Duration = Duration::from_secs(3);

/// Notes that were told, as `token: text`.
#[derive(Default)]
pub(crate) struct Notes(Mutex<Vec<String>>);

impl Events for Notes {
    fn emit(&self, _: i64, event: &Event<'_>) {
        if let Event::Note { token, text, .. } = event {
            self.0.lock().unwrap().push(format!("{token}: {text}"));
        }
    }
}

impl Notes {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// A folder of a test's own, gone with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("waxseal-policy-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::open(&self.0.join("ledger.db"), LedgerSettings::default()).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a test sets; the rest is as it is by default.
pub(crate) struct Setting {
    /// Lines of a configuration below `[server]`.
    pub(crate) rules: &'static str,
    pub(crate) own: Own,
    pub(crate) dnssec: Dnssec,
    /// Another name server than the lab's.
    pub(crate) server: Option<SocketAddr>,
}

impl Default for Setting {
    fn default() -> Self {
        Self { rules: "", own: Own::default(), dnssec: Dnssec::Auto, server: None }
    }
}

/// All that a test needs.
pub(crate) struct Stage {
    pub(crate) lab: Lab,
    pub(crate) folder: Folder,
    pub(crate) ledger: Ledger,
    pub(crate) notes: Arc<Notes>,
    /// What the router takes for the time.
    pub(crate) time: Arc<AtomicI64>,
}

pub(crate) fn rules(lines: &str) -> Rules {
    let text = format!("[server]\nhostname = \"relay.example\"\nspool = \"/s\"\n{lines}");
    let config = Config::parse("relay.toml", &text).unwrap();
    Rules::new(&config.policy, &config.route).unwrap()
}

impl Stage {
    pub(crate) async fn new(labels: &[&str]) -> Self {
        Self::with(LabOptions::only(labels.iter().copied())).await
    }

    pub(crate) async fn with(options: LabOptions) -> Self {
        let lab = Lab::start(options).await.unwrap();
        let folder = Folder::new();
        let ledger = folder.ledger();
        let now = waxseal_relay::policy::system_clock()();
        Self { lab, folder, ledger, notes: Arc::default(), time: Arc::new(AtomicI64::new(now)) }
    }

    pub(crate) fn now(&self) -> i64 {
        self.time.load(Ordering::Relaxed)
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.time.fetch_add(seconds, Ordering::Relaxed);
    }

    fn clock(&self) -> Clock {
        let time = Arc::clone(&self.time);
        Arc::new(move || time.load(Ordering::Relaxed))
    }

    pub(crate) fn resolver(&self, server: Option<SocketAddr>) -> Arc<Resolver> {
        let config = ResolverConfig {
            servers: vec![server.unwrap_or(self.lab.dns())],
            trust_anchor: Some(self.lab.trust_anchor().to_owned()),
            timeout: STEP,
        };
        Arc::new(Resolver::new(config).unwrap())
    }

    /// A client as after a restart: it knows nothing but the ledger.
    pub(crate) fn sts(&self, resolver: Arc<Resolver>) -> StsClient {
        let rules =
            EgressRules { port_map: self.lab.port_map(), connect_timeout: STEP, ..EgressRules::default() };
        StsClient::new(StsParts {
            resolver,
            egress: Egress::new(rules),
            roots: Arc::new(RootStore::from_pem("the lab's root", self.lab.ca_pem().as_bytes()).unwrap()),
            ledger: self.ledger.clone(),
            clock: self.clock(),
            events: self.notes.clone(),
        })
    }

    pub(crate) async fn router(&self, setting: Setting) -> PolicyRouter {
        let resolver = self.resolver(setting.server);
        PolicyRouter::start(RouterParts {
            sts: self.sts(Arc::clone(&resolver)),
            resolver,
            events: self.notes.clone(),
            clock: self.clock(),
            rules: rules(setting.rules),
            own: setting.own,
            port: 25,
            dnssec: setting.dnssec,
        })
        .await
    }

    /// How often the lab's name server was asked something that contains this.
    pub(crate) fn asked(&self, what: &str) -> usize {
        self.lab.log().iter().filter(|line| line.text.contains(what)).count()
    }
}
