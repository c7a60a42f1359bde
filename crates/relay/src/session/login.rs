//! AUTH (RFC 4954): who may log in, how, and how often wrongly.

use std::{
    io::Write as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use waxseal_wire::{
    sasl::{Channel as SaslChannel, Exchange, Mechanism, Password, Passwords, RecentLogins, SaslError, Step},
    smtp::LineStep,
};

use super::{
    channel::Lost,
    conversation::{Flow, Session},
    random,
};

/// Passwords that are checked at a time: each takes some 20 ms of a processor and 19 MB.
const AT_A_TIME: usize = 2;
/// Time that a password may wait for its turn.
const TURN: Duration = Duration::from_secs(20);
/// A password that was right is right for so long without being hashed again.
const RECENT: Duration = Duration::from_mins(5);
/// Pause after the first failed login; it doubles with each.
const PENALTY: Duration = Duration::from_secs(1);

/// Checks passwords, aside and few at a time.
pub(super) struct Logins {
    turns: Semaphore,
    recent: Mutex<RecentLogins>,
}

/// No password could be checked: too many wait.
struct Busy;

impl Logins {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { turns: Semaphore::new(AT_A_TIME), recent: Mutex::new(RecentLogins::new(key, RECENT)) }
    }

    /// Forgets passwords that were right: they may have changed.
    pub(super) fn forget(&self) {
        self.recent().forget();
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, RecentLogins> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn check(&self, passwords: &Passwords, user: &str, password: Password) -> Result<bool, Busy> {
        if self.recent().knows(user, &password, std::time::Instant::now()) {
            return Ok(true);
        }
        let Ok(Ok(_turn)) = timeout(TURN, self.turns.acquire()).await else { return Err(Busy) };
        let candidate = passwords.candidate(user);
        let check = spawn_blocking(move || (candidate.matches(&password), password));
        let Ok((right, password)) = check.await else { return Err(Busy) };
        if right {
            self.recent().remember(user, &password, std::time::Instant::now());
        }
        Ok(right)
    }
}

/// How a login ended.
enum Outcome {
    In(String),
    Wrong(SaslError),
    Cancelled,
    /// What came is no base64.
    NoBase64,
    Busy,
    End,
}

impl<S> Session<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    /// The mechanisms that may be used now; none where there is nobody to log in, somebody
    /// has, or the channel is open to all.
    pub(super) fn mechanisms(&self) -> Vec<Mechanism> {
        let access = &self.settings.access;
        let Some(passwords) = &access.passwords else { return Vec::new() };
        let loopback = self.peer.ip().is_loopback() && self.client.address.is_some_and(|a| a.is_loopback());
        let private = self.tls.is_some() || (access.plain_auth_on_loopback && loopback);
        if !private || self.user.is_some() || self.client.login.is_some() {
            return Vec::new();
        }
        let bound = self.tls.as_ref().is_some_and(|tls| tls.binding.is_some());
        let offered = |mechanism: &Mechanism| match mechanism {
            Mechanism::ScramSha256Plus => passwords.has_scram() && bound,
            Mechanism::ScramSha256 => passwords.has_scram(),
            Mechanism::Plain | Mechanism::Login => true,
        };
        Mechanism::ALL.into_iter().filter(offered).collect()
    }

    pub(super) async fn auth(&mut self, mechanism: &str, initial: Option<&str>) -> Result<Flow, Lost> {
        let Some((mechanism, passwords)) = self.may_log_in(mechanism) else { return Ok(Flow::On) };
        match self.exchange(mechanism, initial, &passwords).await? {
            Outcome::In(user) => {
                self.user = Some(user);
                self.is_useful();
                self.say("235 2.7.0 Logged in");
            }
            Outcome::Wrong(SaslError::Malformed) => {
                self.refuse("AUTH", 501, "5.5.2", "Malformed response");
            }
            Outcome::Wrong(error) => return self.login_failed(error).await,
            Outcome::Cancelled => self.refuse("AUTH", 501, "5.7.0", "Cancelled"),
            Outcome::NoBase64 => self.refuse("AUTH", 501, "5.5.2", "A response is in base64"),
            Outcome::Busy => {
                self.refuse("AUTH", 454, "4.7.0", "Too many logins at the moment, try again later");
            }
            Outcome::End => return Ok(Flow::End),
        }
        Ok(Flow::On)
    }

    /// The mechanism and the users, if a login may be tried now.
    fn may_log_in(&mut self, mechanism: &str) -> Option<(Mechanism, Arc<Passwords>)> {
        let mechanisms = self.mechanisms();
        let passwords = self.settings.access.passwords.clone();
        let (Some(passwords), false) = (passwords, mechanisms.is_empty()) else {
            if self.settings.access.passwords.is_some() && self.offers_starttls() {
                self.refuse("AUTH", 538, "5.7.11", "Encryption required to log in: use STARTTLS first");
            } else {
                self.refuse("AUTH", 503, "5.5.1", "AUTH is not offered, or you are logged in already");
            }
            return None;
        };
        let (most, address) = (self.settings.limits.failed_logins_per_client, self.known_by());
        if self.hello.is_none() || self.transaction.is_some() {
            self.refuse("AUTH", 503, "5.5.1", "AUTH comes after EHLO and before MAIL");
        } else if !self.context.clients.may_log_in(address, most, std::time::Instant::now()) {
            let text = "Too many failed logins from your address, try again in ten minutes";
            self.refuse("AUTH", 454, "4.7.0", text);
        } else {
            match Mechanism::of(mechanism).filter(|mechanism| mechanisms.contains(mechanism)) {
                Some(mechanism) => return Some((mechanism, passwords)),
                None => self.refuse("AUTH", 504, "5.5.4", "This mechanism is not offered"),
            }
        }
        None
    }

    async fn exchange(
        &mut self,
        mechanism: Mechanism,
        initial: Option<&str>,
        passwords: &Passwords,
    ) -> Result<Outcome, Lost> {
        let nonce = BASE64_STANDARD.encode(random::<18>());
        let binding = self.tls.as_ref().and_then(|tls| tls.binding);
        let mut exchange = Exchange::new(mechanism, SaslChannel { nonce, binding });
        let mut response = match initial {
            None => None,
            // RFC 4954 section 4: an empty initial response.
            Some("=") => Some(Vec::new()),
            Some(text) => match BASE64_STANDARD.decode(text) {
                Ok(bytes) => Some(bytes),
                Err(_) => return Ok(Outcome::NoBase64),
            },
        };
        loop {
            match exchange.step(response.as_deref(), passwords) {
                Step::Challenge(challenge) => {
                    let challenge = BASE64_STANDARD.encode(challenge);
                    // Writing into memory cannot fail.
                    let _ = write!(self.channel.replies(), "334 {challenge}\r\n");
                }
                Step::Check { user, password } => {
                    return Ok(match self.context.logins.check(passwords, &user, password).await {
                        Ok(true) => Outcome::In(user),
                        Ok(false) => Outcome::Wrong(SaslError::Credentials),
                        Err(Busy) => Outcome::Busy,
                    });
                }
                Step::Done { user } => return Ok(Outcome::In(user)),
                Step::Failed(error) => return Ok(Outcome::Wrong(error)),
            }
            response = match self.next_line().await? {
                LineStep::Line if self.line == b"*" => return Ok(Outcome::Cancelled),
                LineStep::Line => match BASE64_STANDARD.decode(&self.line) {
                    Ok(bytes) => Some(bytes),
                    Err(_) => return Ok(Outcome::NoBase64),
                },
                LineStep::TooLong => return Ok(Outcome::NoBase64),
                LineStep::BareLf | LineStep::More => {
                    self.refuse("AUTH", 500, "5.5.2", "A line ended in a bare line feed (LF)");
                    return Ok(Outcome::End);
                }
            };
        }
    }

    /// The same words whatever was wrong; guessing takes longer each time, and ends.
    async fn login_failed(&mut self, error: SaslError) -> Result<Flow, Lost> {
        self.failed_logins = self.failed_logins.saturating_add(1);
        self.context.clients.login_failed(self.known_by(), std::time::Instant::now());
        sleep(PENALTY * 2u32.pow(self.failed_logins.min(4) - 1)).await;
        match error {
            SaslError::Authorisation | SaslError::Binding => self.refuse("AUTH", 535, "5.7.8", error),
            SaslError::Credentials | SaslError::Malformed => {
                self.refuse("AUTH", 535, "5.7.8", "User name or password is wrong");
            }
        }
        if self.failed_logins < self.settings.limits.failed_logins {
            return Ok(Flow::On);
        }
        self.refuse("AUTH", 421, "4.7.0", "Too many failed logins, closing the connection");
        Ok(Flow::End)
    }
}
