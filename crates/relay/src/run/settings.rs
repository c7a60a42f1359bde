//! From the configuration to the settings of each part.

use std::{fs, path::Path, sync::Arc, time::Duration};

use waxseal_net::{
    egress::EgressRules,
    resolver::ResolverConfig,
    roots,
    tls::server::{ServerTls, ServerTlsFiles},
};
use waxseal_store::spool::sqlite::SqliteSettings;
use waxseal_wire::x509::RootStore;

use super::StartError;
use crate::{
    config::{
        Config,
        sections::{ListenKind, Preset, Retry},
    },
    delivery::{
        conversation::{DeliverySettings, Patience},
        retry::Schedule,
        scheduler,
    },
    session::{self, settings as session_settings},
};

/// The port of MX hosts.
pub(super) const SMTP: u16 = 25;
/// A lookup may take so long, validation included.
const LOOKUP: Duration = Duration::from_secs(10);

pub(super) fn configured(error: impl ToString) -> StartError {
    StartError::Configured(error.to_string())
}

fn read(path: &Path, what: &str) -> Result<String, StartError> {
    fs::read_to_string(path)
        .map_err(|e| configured(format!("the {what} {} cannot be read: {e}", path.display())))
}

/// What clients may do.
pub(super) fn session(config: &Config) -> Result<session_settings::Settings, StartError> {
    let mut settings = session_settings::Settings::new(config.server.hostname.0.clone());
    let passwords = config.access.passwords.as_deref().map(session::read_passwords).transpose();
    settings.access = session_settings::Access {
        networks: config.access.networks.clone(),
        passwords: passwords.map_err(configured)?.map(Arc::new),
        xclient: config.access.xclient.clone(),
        recipients: config.access.recipients.clone(),
        plain_auth_on_loopback: config.access.plain_auth_on_loopback,
    };
    let (own, limits) = (&config.limits, &mut settings.limits);
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    limits.message_size = own.message_size.0;
    limits.recipients = count(own.recipients);
    limits.connections = count(own.connections);
    limits.connections_per_client = count(own.connections_per_client);
    limits.messages_per_minute = own.messages_per_minute;
    limits.errors = own.errors;
    limits.command_timeout = own.command_timeout.0;
    limits.data_timeout = own.data_timeout.0;
    limits.session_time = own.session_time.0;
    settings.expire = config.delivery.expire.0;
    Ok(settings)
}

/// What is spoken at an address.
pub(super) fn listening(kind: ListenKind, require_tls: bool) -> session_settings::Listening {
    let kind = match kind {
        ListenKind::Smtp => session_settings::Kind::Smtp,
        ListenKind::Submission => session_settings::Kind::Submission,
        ListenKind::Submissions => session_settings::Kind::Submissions,
    };
    session_settings::Listening { kind, require_tls }
}

/// Our certificate, if there is one.
pub(super) fn server_tls(config: &Config) -> Result<Option<Arc<ServerTls>>, StartError> {
    let (Some(certificate), Some(key)) = (&config.tls.certificate, &config.tls.key) else { return Ok(None) };
    let files = ServerTlsFiles {
        certificate: certificate.clone(),
        key: key.clone(),
        client_ca: config.tls.client_ca.clone(),
    };
    ServerTls::load(files).map(|tls| Some(Arc::new(tls))).map_err(configured)
}

/// What certificates of MX hosts are checked with. That the system has none is no reason not
/// to run: what demands a certificate then waits, and says why.
pub(super) fn roots(config: &Config) -> Result<Arc<RootStore>, StartError> {
    match &config.tls.roots {
        Some(path) => roots::from_file(path).map(Arc::new).map_err(configured),
        None => {
            Ok(Arc::new(roots::system().unwrap_or_else(|_| RootStore::from_ders("no roots", Vec::new()))))
        }
    }
}

pub(super) fn resolver(config: &Config) -> Result<ResolverConfig, StartError> {
    let anchor = config.dns.trust_anchor.as_deref().map(|path| read(path, "trust anchor")).transpose()?;
    Ok(ResolverConfig { servers: config.dns.servers.clone(), trust_anchor: anchor, timeout: LOOKUP })
}

pub(super) fn egress(config: &Config) -> EgressRules {
    // Names stay those of port 25 (`_25._tcp` for TLSA records): only where it lies is changed.
    let port_map = [(SMTP, config.delivery.port)].into_iter().filter(|(from, to)| from != to).collect();
    EgressRules { port_map, connect_timeout: config.delivery.connect_timeout.0, ..EgressRules::default() }
}

pub(super) fn spool(config: &Config) -> SqliteSettings {
    SqliteSettings { free_space: config.limits.free_space.0, ..SqliteSettings::default() }
}

pub(super) fn delivery(config: &Config) -> DeliverySettings {
    let own = &config.delivery;
    let (command, end) = (own.command_timeout.0, own.final_timeout.0);
    let usual = Patience::default();
    DeliverySettings {
        hostname: config.server.hostname.0.clone(),
        patience: Patience {
            greeting: usual.greeting.min(command),
            ehlo: usual.ehlo.min(command),
            starttls: usual.starttls.min(command),
            mail: usual.mail.min(command),
            rcpt: usual.rcpt.min(command),
            data: usual.data.min(command),
            block: usual.block.min(command),
            end_of_data: end,
            ..usual
        },
        recipients_per_message: usize::try_from(own.recipients_per_message).unwrap_or(usize::MAX),
        messages_per_connection: own.messages_per_connection,
        idle: own.idle.0,
        most_idle: usize::try_from(own.connections).unwrap_or(usize::MAX),
        ..DeliverySettings::default()
    }
}

pub(super) fn scheduler(config: &Config) -> Result<scheduler::Settings, StartError> {
    let own = &config.delivery;
    let retry = match &own.retry {
        Retry::Preset(Preset::Ess) => Schedule::Ess,
        Retry::Preset(Preset::Exo) => Schedule::Exo,
        Retry::Preset(Preset::Postfix) => Schedule::Postfix,
        Retry::Preset(Preset::Exim) => Schedule::Exim,
        Retry::List(times) => {
            let times = times.iter().map(|t| t.0).collect();
            Schedule::list(times).ok_or_else(|| configured("delivery.retry lists no time"))?
        }
    };
    let count = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    Ok(scheduler::Settings {
        retry,
        delay_notices: own.delay_notices.iter().map(|t| t.0).collect(),
        connections: count(own.connections),
        connections_per_site: own.connections_per_site,
        recipients_per_message: count(own.recipients_per_message),
        body_memory: usize::try_from(config.server.memory.0).unwrap_or(usize::MAX),
        watch: own.watch.map(|t| t.0),
        ..scheduler::Settings::default()
    })
}
