//! What a check is shown, and how it words a finding.

use waxseal_model::{
    Cause, Confidence, DomainEvidence, Endpoint, EndpointEvidence, Evidence, Finding, Mta, Observed,
    Severity, TlsStart, Usage, Verdict, Why, audit::AuditFacts, evidence::EndpointFacts, smtp::Conversation,
    tls::TlsEvidence,
};

use crate::{
    check::{Check, Scope},
    fixes, names,
    profile::Profile,
    publish, state,
};

/// One question to a check: this evidence, this endpoint (or none), these rules, this time.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    /// All that was observed.
    pub(crate) evidence: &'a Evidence,
    /// Names and policies, where the target is a domain.
    pub(crate) domain: Option<&'a DomainEvidence>,
    /// The endpoint in question; none for checks of the domain.
    pub(crate) endpoint: Option<&'a EndpointEvidence>,
    /// The rules.
    pub(crate) profile: &'a Profile,
    /// Seconds since 1970-01-01 UTC.
    pub(crate) now: i64,
}

impl<'a> Case<'a> {
    /// Puts the case to a check; none where the check does not apply.
    pub(crate) fn run(&self, check: &Check) -> Option<Verdict> {
        let gate = match check.scope {
            Scope::Domain => self.domain.map(|_| Ok(())),
            Scope::Server => Some(Ok(())),
            Scope::Relay => self.endpoint.filter(|e| e.endpoint.usage == Usage::Relay).map(|_| Ok(())),
            Scope::Conversation => self.endpoint.map(|e| state::reached(&e.evidence)),
            Scope::Starttls => {
                let e = self.endpoint.filter(|e| e.endpoint.tls == TlsStart::Starttls)?;
                Some(state::speaks_smtp(&e.evidence))
            }
            Scope::Tls => self.endpoint.map(state::tls_could_be_tried),
            Scope::Audit => {
                self.endpoint.filter(|e| e.evidence.tls.audit.is_some()).map(state::tls_could_be_tried)
            }
        }?;
        Some(match gate.and_then(|()| (check.judge)(self)) {
            Ok(findings) if findings.is_empty() => Verdict::Clear,
            Ok(findings) => Verdict::Found(findings),
            // A question that makes no sense at this server is neither fine nor open.
            Err(why) if why.cause == Cause::NotApplicable => return None,
            Err(why) => Verdict::Undetermined(self.common_cause(check).unwrap_or(why)),
        })
    }

    /// The one reason for all open questions about TLS, where no handshake got anywhere.
    fn common_cause(&self, check: &Check) -> Option<Why> {
        let e = self.endpoint.filter(|_| matches!(check.scope, Scope::Tls | Scope::Audit))?;
        state::tls_could_be_tried(e).ok()?;
        state::no_tls_at_all(e)
    }

    /// The domain in question.
    pub(crate) fn domain(&self) -> Result<&'a DomainEvidence, Why> {
        self.domain.ok_or_else(|| Why::new(Cause::NotApplicable, "the target is no domain"))
    }

    /// The endpoint in question.
    pub(crate) fn endpoint(&self) -> Result<&'a EndpointEvidence, Why> {
        self.endpoint.ok_or_else(|| Why::new(Cause::NotApplicable, "there is no endpoint"))
    }

    /// What was seen at the endpoint.
    pub(crate) fn facts(&self) -> Result<&'a EndpointFacts, Why> {
        Ok(&self.endpoint()?.evidence)
    }

    /// The conversation with the endpoint.
    pub(crate) fn smtp(&self) -> Result<&'a Conversation, Why> {
        Ok(&self.facts()?.smtp)
    }

    /// The endpoint's TLS.
    pub(crate) fn tls(&self) -> Result<&'a TlsEvidence, Why> {
        Ok(&self.facts()?.tls)
    }

    /// What an audit found out about it.
    pub(crate) fn audit(&self) -> Result<&'a AuditFacts, Why> {
        let not_asked = || Why::new(Cause::NotAsked, "only an audit asks this");
        self.tls()?.audit.as_deref().ok_or_else(not_asked)
    }

    /// What the port is used for; checks of the domain are about mail between servers.
    pub(crate) fn usage(&self) -> Usage {
        self.endpoint.map_or(Usage::Relay, |e| e.endpoint.usage)
    }

    /// One of two values by use: between mail servers, or for users' submission.
    pub(crate) fn by_usage<T>(&self, relay: T, submission: T) -> T {
        match self.usage() {
            Usage::Relay => relay,
            Usage::Submission => submission,
        }
    }

    /// The name of the server in sentences: its host name, or its address.
    pub(crate) fn host(&self) -> String {
        match (self.endpoint, self.domain) {
            (Some(e), _) => host_of(&e.endpoint),
            (None, Some(d)) => d.name.clone(),
            (None, None) => self.evidence.target.argument(),
        }
    }

    /// The name for which settings and certificates are to be made, and who says so. An
    /// address is no such name: where no other is known, a placeholder stands for it.
    fn server_name(&self) -> (String, NameSource) {
        let Some(e) = self.endpoint else { return (self.host(), NameSource::Known) };
        if let Some(name) = e.endpoint.host.as_ref().or(e.evidence.reference_name.as_ref()) {
            return (name.clone(), NameSource::Known);
        }
        match names::own_name(&e.evidence.smtp) {
            Some(name) => (name, NameSource::Greeting),
            None => (NO_NAME.to_owned(), NameSource::Nowhere),
        }
    }

    /// Begins a finding. The profile may set another severity for the check.
    pub(crate) fn finding(&self, check: &Check, severity: Severity, title: impl Into<String>) -> Draft<'_> {
        let severity = self.profile.severity(check.id, self.usage()).unwrap_or(severity);
        Draft {
            case: self,
            finding: Finding {
                check: check.id.to_owned(),
                severity,
                confidence: Confidence::High,
                endpoint: self.endpoint.map(|e| e.endpoint.id()),
                title: title.into(),
                detail: String::new(),
                fix: String::new(),
                retest: self.retest(if check.scope == Scope::Audit { "audit" } else { "check" }),
                importance: base_importance(severity),
            },
        }
    }

    /// The command that tests the same again: `check`, or `audit` for what only that asks.
    fn retest(&self, command: &str) -> String {
        let Some(e) = self.endpoint else {
            return format!("waxseal {command} {}", self.evidence.target.argument());
        };
        let mut out = format!("waxseal {command} {}", e.endpoint.argument());
        match (e.endpoint.tls, e.endpoint.port) {
            (TlsStart::Starttls, 465) => out.push_str(" --starttls"),
            (TlsStart::Implicit, port) if port != 465 => out.push_str(" --implicit"),
            _ => {}
        }
        if let (None, Some(name)) = (&e.endpoint.host, &e.evidence.reference_name) {
            out.push_str(" --server-name ");
            out.push_str(name);
        }
        out
    }

    fn software(&self) -> Option<Mta> {
        self.endpoint.and_then(|e| e.evidence.smtp.software)
    }
}

/// Stands in settings where the server's name is not known.
const NO_NAME: &str = "NAME-OF-THE-SERVER";

/// Who says what a server is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NameSource {
    /// The target, the MX record or the user.
    Known,
    /// The server itself.
    Greeting,
    /// Nobody.
    Nowhere,
}

/// The host name of an endpoint, or its address.
pub(crate) fn host_of(endpoint: &Endpoint) -> String {
    endpoint.host.clone().unwrap_or_else(|| endpoint.address.to_string())
}

/// Where a severity starts among 0 to 100.
fn base_importance(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 5,
        Severity::Low => 25,
        Severity::Medium => 50,
        Severity::High => 70,
        Severity::Critical => 90,
    }
}

/// A finding in the making.
pub(crate) struct Draft<'a> {
    case: &'a Case<'a>,
    finding: Finding,
}

impl Draft<'_> {
    /// Cause and effect, on which evidence.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.finding.detail = detail.into();
        self
    }

    /// The fix of this subject, for the server's software where it is known.
    pub(crate) fn fix(mut self, subject: &str) -> Self {
        let (name, source) = self.case.server_name();
        self = self.fix_for(subject, &name);
        // A remark on where the name comes from, if the fix speaks of it at all.
        let remark = match source {
            NameSource::Known => None,
            NameSource::Greeting => Some(format!(
                "{name} is what the server calls itself; if its MX record says another name, take that one."
            )),
            NameSource::Nowhere => Some(format!(
                "{name}: the host name in the MX record; from the address alone it is not known."
            )),
        };
        if let Some(remark) = remark.filter(|_| self.finding.fix.contains(&name)) {
            self.finding.fix.push('\n');
            self.finding.fix.push_str(&remark);
        }
        self
    }

    /// The same for a host that is not the case's own.
    pub(crate) fn fix_for(mut self, subject: &str, host: &str) -> Self {
        let port = self.case.endpoint.map_or(25, |e| e.endpoint.port);
        let domain = self.case.domain.map_or_else(|| self.case.host(), |d| d.name.clone());
        let words = fixes::Words { host, domain: &domain, port };
        let text = fixes::text(subject, self.case.software(), &words);
        self.finding.fix = publish::fill(&text, self.case.evidence, host);
        self
    }

    /// A fix in its own words.
    pub(crate) fn fix_text(mut self, text: impl Into<String>) -> Self {
        self.finding.fix = text.into();
        self
    }

    /// It rests on what only an audit asks, in a check that goes on without it: the command
    /// that tests it again is an audit's.
    pub(crate) fn by_audit(mut self) -> Self {
        self.finding.retest = self.case.retest("audit");
        self
    }

    /// How sure, where it is not observed directly.
    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.finding.confidence = confidence;
        self
    }

    /// More (or less) important than its severity alone says.
    pub(crate) fn weight(mut self, by: i8) -> Self {
        self.finding.importance = self.finding.importance.saturating_add_signed(by).min(100);
        self
    }

    /// The finding as the only one of its check.
    pub(crate) fn found(self) -> crate::check::Outcome {
        Ok(vec![self.finding])
    }

    /// The finding.
    pub(crate) fn build(self) -> Finding {
        self.finding
    }
}

/// The fact, or why there is none.
pub(crate) fn known<T>(observed: &Observed<T>) -> Result<&T, Why> {
    match observed {
        Observed::Seen { value } => Ok(value),
        Observed::NotTried { why } | Observed::Failed { why } => Err(why.clone()),
    }
}

/// Like [`known`], but a question that makes no sense at this server gives `Ok(None)`:
/// what cannot exist cannot be wrong.
pub(crate) fn known_if_applicable<T>(observed: &Observed<T>) -> Result<Option<&T>, Why> {
    match observed {
        Observed::Seen { value } => Ok(Some(value)),
        Observed::NotTried { why } if why.cause == Cause::NotApplicable => Ok(None),
        Observed::NotTried { why } | Observed::Failed { why } => Err(why.clone()),
    }
}
