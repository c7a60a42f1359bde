//! Check [`tls.client_certificate`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::audit::ClientCertificate;

check! {
    /// The server asks clients for a certificate.
    ///
    /// # Effect
    /// To be asked harms nobody but a few old senders. A server that demands a certificate
    /// gets no TLS with senders that have none, and on port 25 hardly any sender has one:
    /// they go on in clear, or keep the mail.
    /// # Method
    /// A CertificateRequest in the full handshake, to which waxseal answers with none. An
    /// audit also sees whether the handshake ends for that reason.
    /// # Fix
    /// Demand none on port 25. To ask can stay, unless senders have trouble.
    /// # Sources
    /// RFC 8446 section 4.3.2; RFC 3207 section 4; Postfix `smtpd_tls_ask_ccert`,
    /// `smtpd_tls_req_ccert`.
    "tls.client_certificate", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let audited = tls.audit.as_ref().and_then(|a| a.client_certificate.get());
    let requested = match (audited, &tls.handshake) {
        (Some(ClientCertificate::Demanded), _) => return demanded(case),
        (Some(ClientCertificate::Requested), _) => true,
        (Some(ClientCertificate::NotAsked), Observed::NotTried { .. } | Observed::Failed { .. }) => false,
        (_, handshake) => known(handshake)?.client_certificate_requested,
    };
    if !requested {
        return CLEAR;
    }
    case.finding(&CHECK, Severity::Info, format!("{} asks clients for a certificate", case.host()))
        .detail("It went on without one. That is common on mail servers; a few senders stumble over the question.")
        .fix("client_certificate")
        .found()
}

fn demanded(case: &Case) -> Outcome {
    let severity = case.by_usage(Severity::High, Severity::Low);
    case.finding(&CHECK, severity, format!("{} refuses clients without a certificate", case.host()))
        .detail(case.by_usage(
            "Hardly any mail server has a certificate to show when it delivers: such senders get no TLS here, and go \
             on in clear or keep the mail.",
            "If it is meant, only programs with a certificate of yours can connect. Others fail in the handshake.",
        ))
        .fix("client_certificate_demanded")
        .by_audit()
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::handshake(e).client_certificate_requested = true,
    undetermined: |e| {
        sample::tls(e).handshake = sample::failed();
        sample::audit(e).client_certificate = sample::failed();
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::tests::findings;

    #[test]
    fn to_demand_one_keeps_senders_away_and_may_be_meant_for_users() {
        let demanded = |e: &mut waxseal_model::Evidence| {
            sample::tls(e).handshake = sample::failed();
            sample::audit(e).client_certificate = Observed::seen(ClientCertificate::Demanded);
        };
        assert_eq!(findings(CHECK.id, demanded)[0].severity, Severity::High);
        let by_users = |e: &mut waxseal_model::Evidence| {
            sample::submission(e);
            sample::audit(e).client_certificate = Observed::seen(ClientCertificate::Demanded);
        };
        assert_eq!(findings(CHECK.id, by_users)[0].severity, Severity::Low);
    }
}
