//! TLS reports to receiving domains, put together with the rest.

use std::{fs, sync::Arc};

use waxseal_net::{egress::Egress, resolver::Resolver};
use waxseal_store::ledger::Ledger;
use waxseal_wire::{dkim::DkimSigner, x509::RootStore};

use super::{StartError, settings::configured};
use crate::{
    config::{Config, sections::TlsRpt},
    delivery::clock::WallClock,
    event::Events,
    intake::Intake,
    report::{Counter, ReportMeans, ReportSettings, Reporter},
};

/// What reports take of the configuration.
pub(super) struct Reports {
    settings: ReportSettings,
    signer: Option<Arc<DkimSigner>>,
    /// Reports by HTTPS may go to addresses that are not public.
    private: bool,
}

/// What reports take of the running relay.
pub(super) struct Around {
    pub(super) ledger: Ledger,
    pub(super) resolver: Arc<Resolver>,
    pub(super) intake: Arc<dyn Intake>,
    pub(super) egress: Egress,
    pub(super) roots: Arc<RootStore>,
    pub(super) events: Arc<dyn Events>,
}

impl Reports {
    /// What the configuration says of reports; none where none are sent.
    ///
    /// # Errors
    /// The key that signs them cannot be used.
    pub(super) fn read(config: &Config) -> Result<Option<Self>, StartError> {
        let Some(own) = config.tlsrpt.as_ref().filter(|own| own.send) else { return Ok(None) };
        let mut settings = ReportSettings::new(
            config.server.hostname.0.clone(),
            own.organisation.clone(),
            own.contact.clone(),
            own.from.clone(),
        );
        settings.spread = own.spread.0;
        Ok(Some(Self { settings, signer: signer(own)?.map(Arc::new), private: own.private_hosts }))
    }

    /// Counts sessions.
    pub(super) fn counter(&self, ledger: &Ledger) -> Arc<dyn Events> {
        Arc::new(Counter::new(ledger.clone(), self.settings.from.clone()))
    }

    /// Who sends the reports.
    pub(super) fn reporter(self, around: Around) -> Reporter {
        let Around { ledger, resolver, intake, egress, roots, events } = around;
        let means = ReportMeans {
            ledger,
            lookup: resolver,
            intake,
            egress: if self.private { egress } else { egress.to_public_only() },
            roots: Arc::new(Ok((*roots).clone())),
            signer: self.signer,
            events,
            clock: WallClock::default(),
        };
        Reporter::new(self.settings, means)
    }
}

fn signer(own: &TlsRpt) -> Result<Option<DkimSigner>, StartError> {
    let (Some(domain), Some(selector), Some(path)) = (&own.dkim_domain, &own.dkim_selector, &own.dkim_key)
    else {
        return Ok(None);
    };
    let pem = fs::read(path)
        .map_err(|e| configured(format!("[tlsrpt] dkim_key {} cannot be read: {e}", path.display())))?;
    let signer = DkimSigner::from_pem(&domain.0, selector, &pem)
        .map_err(|e| configured(format!("[tlsrpt] dkim_key {}: {e}", path.display())))?;
    Ok(Some(signer))
}
