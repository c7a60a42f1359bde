//! From a diagnosis to its confirmation: the questions that show whether the cause is
//! there, and no others.
//!
//! Parts, in the order in which a diagnosis meets them:
//!
//! - [`causes`]: which test a cause has, or why it has none.
//! - [`subject`]: what it is about: domains, servers and addresses, as the text or the
//!   person names them; what lacks is asked for before anything is tested.
//! - `servers`: from there to addresses and ports, one connection to each.
//! - `faults`: what is wrong with a server, each by the name of the cause it leads to.
//! - `weigh`: from what every place showed to the verdict.
//! - the tests, one file each: they put the questions and note the answers.
//!
//! Nobody's password is sent, no message, and by default no recipient. What could not be
//! asked ends as "could not be tested", never as fine or bad.

pub mod causes;
pub mod subject;

mod auth;
mod blocklist;
mod certificate;
mod demanded;
mod dkim;
mod dmarc;
mod dns;
mod faults;
mod feature;
mod handshake;
mod helo;
mod loops;
mod mode;
mod network;
mod notes;
mod policy;
mod ptr;
mod recipient;
mod sender;
mod servers;
mod size;
mod spf;
mod starttls;
mod weigh;
mod welcome;

use waxseal_model::{Diagnosis, confirmation::Confirmation};
use waxseal_net::resolver::Resolver;
use waxseal_probe::Prober;

pub use self::{
    causes::{Plan, Test},
    subject::{Given, Need, RecipientTest, Server, missing},
};
use self::{notes::Notes, subject::Subject};

/// Puts the questions.
#[derive(Debug)]
pub struct Confirmer {
    resolver: Resolver,
    prober: Prober,
    inside: bool,
}

/// One test of one cause.
struct Run<'a> {
    means: &'a Confirmer,
    diagnosis: &'a Diagnosis,
    /// The cause that is tested: the diagnosis', or that of its runner-up.
    cause: &'a str,
    subject: &'a Subject,
    given: &'a Given,
}

impl Confirmer {
    /// A confirmer over these means.
    pub fn new(resolver: Resolver, prober: Prober) -> Self {
        Self { resolver, prober, inside: false }
    }

    /// Lets it visit issuers of certificates at addresses that are not public: for the lab
    /// alone, whose issuers live on loopback.
    #[must_use]
    pub fn inside(self, inside: bool) -> Self {
        Self { inside, ..self }
    }

    /// Tests a diagnosis. What [`subject::missing`] names should be given before; where it
    /// is not, the verdict says what could not be tested for it.
    pub async fn confirm(&self, diagnosis: &Diagnosis, given: &Given) -> Confirmation {
        let before = self.prober.egress.connections();
        let subject = Subject::of(&diagnosis.event, given);
        let mut confirmation = self.test(diagnosis, &diagnosis.cause, &subject, given).await;
        if let Some(runner_up) = &diagnosis.runner_up
            && notes::is_open(&confirmation)
            && causes::differ(&runner_up.cause, &diagnosis.cause)
        {
            let second = self.test(diagnosis, &runner_up.cause, &subject, given).await;
            notes::take_runner_up(&mut confirmation, second, runner_up);
        }
        if let Some(rather) = &confirmation.rather {
            let fixes = causes::fixes(&rather.cause);
            confirmation.fix.extend(fixes);
        }
        confirmation.connections = self.prober.egress.connections().saturating_sub(before);
        confirmation
    }

    async fn test(
        &self,
        diagnosis: &Diagnosis,
        cause: &str,
        subject: &Subject,
        given: &Given,
    ) -> Confirmation {
        let run = Run { means: self, diagnosis, cause, subject, given };
        let family = waxseal_explain::rules::cause(cause).map_or(diagnosis.family.as_str(), |c| c.family);
        match causes::plan_for(cause, family, diagnosis.event.stage, given.blocklist.is_some()) {
            Plan::Cannot { because, next } => {
                let mut notes = Notes::default();
                notes.next.extend(next.map(str::to_owned));
                notes.untested(because)
            }
            Plan::Test(test) => run.of(test).await,
        }
    }
}

impl Run<'_> {
    /// The future of each test is on the heap: one after another they are too large for a
    /// stack.
    async fn of(&self, test: Test) -> Confirmation {
        let notes = Notes::default();
        match test {
            Test::Starttls => Box::pin(starttls::confirm(self, notes)).await,
            Test::Demanded => Box::pin(demanded::confirm(self, notes)).await,
            Test::Certificate => Box::pin(certificate::confirm(self, notes)).await,
            Test::Handshake => Box::pin(handshake::confirm(self, notes)).await,
            Test::Mode => Box::pin(mode::confirm(self, notes)).await,
            Test::Sts => Box::pin(policy::sts(self, notes)).await,
            Test::Dane => Box::pin(policy::dane(self, notes)).await,
            Test::Feature => Box::pin(feature::confirm(self, notes)).await,
            Test::Auth => Box::pin(auth::confirm(self, notes)).await,
            Test::Relay => Box::pin(auth::relay(self, notes)).await,
            Test::Spf => Box::pin(spf::confirm(self, notes)).await,
            Test::Dkim => Box::pin(dkim::confirm(self, notes)).await,
            Test::Dmarc => Box::pin(dmarc::confirm(self, notes)).await,
            Test::SenderDomain => Box::pin(sender::confirm(self, notes)).await,
            Test::Ptr => Box::pin(ptr::confirm(self, notes)).await,
            Test::Helo => Box::pin(helo::confirm(self, notes)).await,
            Test::Blocklist => Box::pin(blocklist::confirm(self, notes)).await,
            Test::Dns => Box::pin(dns::confirm(self, notes)).await,
            Test::Network => Box::pin(network::confirm(self, notes)).await,
            Test::Loop => Box::pin(loops::confirm(self, notes)).await,
            Test::Welcome => Box::pin(welcome::confirm(self, notes)).await,
            Test::Recipient => Box::pin(recipient::confirm(self, notes)).await,
            Test::Size => Box::pin(size::confirm(self, notes)).await,
        }
    }
}
