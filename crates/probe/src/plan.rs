//! Which probes a check runs, and in which order: what a grade needs comes first.

use crate::{
    options::AuditOptions,
    probes::{
        Probe, ccs_injection::CcsInjection, chacha_first::ChachaFirst, every_curve::EveryCurve,
        every_suite::EverySuite, fallback_scsv::FallbackScsv, foreign_hello::ForeignHello,
        forward_secrecy::ForwardSecrecy, groups::Groups, heartbleed::Heartbleed,
        legacy_versions::LegacyVersions, other_certificate::OtherCertificate, rich_hello::RichHello,
        robot::Robot, sessions::Sessions, signature_schemes::SignatureSchemes, ssl2::Ssl2,
        starttls_injection::StarttlsInjection, suite_classes::SuiteClasses, suite_order::SuiteOrder,
        tls13::Tls13, tls13_lists::Tls13Lists, tls13_sessions::Tls13Sessions, tolerance::Tolerance,
        weak_groups::WeakGroups, without_sni::WithoutSni,
    },
};

/// The probes of an audit, after the real handshake: first what a grade and the attacks need,
/// then the lists, which cost most, so that an audit that is cut short is still of use.
pub fn audit(options: &AuditOptions) -> Vec<Box<dyn Probe>> {
    vec![
        Box::new(Tls13::default()),
        Box::new(RichHello::default()),
        Box::new(LegacyVersions::default()),
        Box::new(SuiteClasses::default()),
        Box::new(ForwardSecrecy::default()),
        Box::new(OtherCertificate::default()),
        Box::new(FallbackScsv::default()),
        Box::new(SuiteOrder::default()),
        Box::new(Ssl2::default()),
        Box::new(StarttlsInjection::default()),
        Box::new(Heartbleed::default()),
        Box::new(CcsInjection::default()),
        Box::new(Sessions::default()),
        Box::new(WithoutSni::default()),
        Box::new(Tls13Lists::default()),
        Box::new(Tls13Sessions::default()),
        Box::new(EverySuite::new(options.thoroughness)),
        Box::new(ChachaFirst::default()),
        Box::new(Robot::default()),
        Box::new(EveryCurve::default()),
        Box::new(SignatureSchemes::default()),
        Box::new(ForeignHello::default()),
        Box::new(Tolerance::default()),
    ]
}

/// The probes of a standard check, after the real handshake. With at most 20 connections
/// a stock server is asked all of it; see `docs/decisions/0012-connection-plan.md`.
pub fn standard() -> Vec<Box<dyn Probe>> {
    vec![
        Box::new(Tls13::default()),
        Box::new(RichHello::default()),
        Box::new(LegacyVersions::default()),
        Box::new(SuiteClasses::default()),
        Box::new(ForwardSecrecy::default()),
        Box::new(OtherCertificate::default()),
        Box::new(FallbackScsv::default()),
        Box::new(SuiteOrder::default()),
        Box::new(Ssl2::default()),
        Box::new(WeakGroups::default()),
        Box::new(Groups::default()),
    ]
}

#[cfg(test)]
mod tests {
    use waxseal_model::{Observed, tls::TlsVersion};

    use super::*;
    use crate::{
        options::STANDARD_BUDGET,
        probes::simulated::{Simulated, run},
        state::State,
    };

    fn cost(server: &Simulated) -> (usize, State) {
        let mut state = State::new(Some("mx.example.com".into()));
        // What the real handshake shows.
        state.set_version(TlsVersion::Tls13, Observed::seen(server.versions.contains(&TlsVersion::Tls13)));
        state.note_group(29);
        let asked: usize = standard().iter_mut().map(|probe| run(probe.as_mut(), &mut state, server)).sum();
        (asked + 1, state)
    }

    #[test]
    fn a_stock_server_is_asked_everything_within_the_budget() {
        for server in [Simulated::stock(), Simulated { server_order: true, ..Simulated::stock() }] {
            let (connections, state) = cost(&server);
            assert!(connections <= STANDARD_BUDGET as usize, "{connections} connections");
            let facts = state.facts;
            assert!(TlsVersion::ALL.iter().all(|v| facts.versions.get(v).is_some_and(Observed::is_seen)));
            assert!(facts.suite_classes.values().all(Observed::is_seen));
            assert!(facts.suite_order.is_seen() && facts.fallback_scsv.is_seen());
            assert!(facts.group_facts.get().is_some_and(|g| g.complete), "{:?}", facts.group_facts);
            assert!(facts.weak_groups.is_seen() && facts.post_quantum.is_seen() && facts.dh.is_seen());
        }
    }

    #[test]
    fn a_modern_server_costs_about_a_dozen() {
        let (connections, _) = cost(&Simulated::modern());
        assert!(connections <= 14, "{connections} connections");
    }

    fn audited(server: &Simulated) -> (usize, State) {
        let mut state = State::new(Some("mx.example.com".into()));
        state.starttls = true;
        state.facts.handshake = Observed::seen(crate::probes::simulated::handshake(0x1301));
        state.set_version(TlsVersion::Tls13, Observed::seen(server.versions.contains(&TlsVersion::Tls13)));
        let plan = audit(&AuditOptions::default());
        let asked: usize = plan.into_iter().map(|mut probe| run(probe.as_mut(), &mut state, server)).sum();
        state.conclude_audit();
        (asked + 1, state)
    }

    #[test]
    fn an_audit_leaves_nothing_open_on_a_stock_server() {
        let (connections, state) = audited(&Simulated::stock());
        assert!(connections <= 110, "{connections} connections");
        let audit = state.facts.audit.unwrap();
        for version in [TlsVersion::Tls10, TlsVersion::Tls11, TlsVersion::Tls12, TlsVersion::Tls13] {
            assert!(audit.suite_lists[&version].get().is_some_and(|list| list.complete), "{version:?}");
            assert!(state.facts.suites.contains_key(&version));
        }
        assert!(audit.robot.is_seen() && audit.ccs_injection.is_seen() && audit.starttls_injection.is_seen());
        assert!(
            audit.client_renegotiation.is_seen() && audit.early_data.is_seen() && audit.ticketbleed.is_seen()
        );
        assert!(audit.foreign_hello.is_seen() && audit.tolerance.iter().all(|t| t.tolerated.is_seen()));
        assert!(state.facts.group_facts.get().is_some_and(|g| g.complete), "{:?}", state.facts.group_facts);
        // The simulated server has one public value for all.
        assert_eq!(audit.dh_reuse, Observed::seen(true));
    }

    #[test]
    fn an_oracle_is_found_whatever_the_plan_does_first() {
        let (_, state) = audited(&Simulated { oracle: true, ..Simulated::stock() });
        let robot = state.facts.audit.unwrap().robot;
        assert_eq!(robot.get().map(|fact| fact.oracle.is_some()), Some(true), "{robot:?}");
    }
}
