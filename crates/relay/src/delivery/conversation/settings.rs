//! How long, how many, how often.

use std::time::Duration;

/// How deliveries are made.
#[derive(Debug, Clone)]
pub struct DeliverySettings {
    /// Our name in EHLO: one that leads back to us.
    pub hostname: String,
    /// How long each step may take.
    pub patience: Patience,
    /// How long one attempt may take up to the final dot; the reply to that has
    /// [`Patience::end_of_data`] in any case.
    pub attempt: Duration,
    /// Addresses that are tried in one attempt, over all hosts.
    pub addresses: usize,
    /// Recipients in one transaction; more go into further ones.
    pub recipients_per_message: usize,
    /// Messages over one connection; then it is closed.
    pub messages_per_connection: u32,
    /// How long one connection is used: certificates, STARTTLS and the host's policy are
    /// looked at anew after that.
    pub connection_age: Duration,
    /// How long a connection is kept without a message. Servers close idle ones after some
    /// minutes.
    pub idle: Duration,
    /// Connections that are kept without a message, over all hosts.
    pub most_idle: usize,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            patience: Patience::default(),
            attempt: Duration::from_secs(3600),
            addresses: 10,
            recipients_per_message: 100,
            messages_per_connection: 1000,
            connection_age: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            most_idle: 200,
        }
    }
}

/// How long each step may take. The defaults are what RFC 5321 section 4.5.3.2 asks for.
#[derive(Debug, Clone)]
pub struct Patience {
    /// The greeting: 5 minutes, since servers delay it on purpose.
    pub greeting: Duration,
    /// EHLO and HELO: 5 minutes.
    pub ehlo: Duration,
    /// STARTTLS, and then the handshake: 2 minutes each.
    pub starttls: Duration,
    /// MAIL: 5 minutes.
    pub mail: Duration,
    /// RCPT: 5 minutes.
    pub rcpt: Duration,
    /// DATA: 2 minutes.
    pub data: Duration,
    /// Each write of the message: 3 minutes.
    pub block: Duration,
    /// The reply to the final dot: 10 minutes. Who gives up earlier, sends messages twice.
    pub end_of_data: Duration,
    /// QUIT; nobody waits for it.
    pub quit: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            greeting: minutes(5),
            ehlo: minutes(5),
            starttls: minutes(2),
            mail: minutes(5),
            rcpt: minutes(5),
            data: minutes(2),
            block: minutes(3),
            end_of_data: minutes(10),
            quit: Duration::from_secs(5),
        }
    }
}
