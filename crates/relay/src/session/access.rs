//! Who may relay, and what a client that may not could do about it.

use std::net::IpAddr;

use super::settings::Access;

/// What is known of a client when it names a recipient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing<'a> {
    /// Its address: the one that a listed proxy told, otherwise its own; none if the proxy
    /// does not know it.
    pub(super) address: Option<IpAddr>,
    /// The user that logged in.
    pub(super) user: Option<&'a str>,
    /// The name in its certificate, if that is by an authority for clients.
    pub(super) certificate: Option<&'a str>,
    /// It could log in now.
    pub(super) could_log_in: bool,
    /// It could use STARTTLS now.
    pub(super) could_start_tls: bool,
}

impl Standing<'_> {
    /// It may send to anybody.
    pub(super) fn may_relay(&self, access: &Access) -> bool {
        self.user.is_some()
            || self.certificate.is_some()
            || self.address.is_some_and(|address| access.is_trusted_network(address))
    }

    /// It may send to this domain (lower case, A-labels).
    pub(super) fn may_send_to(&self, access: &Access, domain: &str) -> bool {
        self.may_relay(access) || access.is_own_recipient(domain)
    }

    /// What would help a client that may not, as the end of a sentence.
    pub(super) fn advice(&self, access: &Access) -> &'static str {
        if self.could_log_in {
            "log in first (AUTH)"
        } else if self.could_start_tls && access.passwords.is_some() {
            "use STARTTLS and log in (AUTH)"
        } else {
            "ask the operator to list your network or the recipient's domain"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_relays_without_a_reason() {
        let access = Access {
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            recipients: vec!["example.com".parse().unwrap()],
            ..Access::default()
        };
        let stranger = Standing {
            address: Some("198.51.100.1".parse().unwrap()),
            user: None,
            certificate: None,
            could_log_in: false,
            could_start_tls: true,
        };
        assert!(!stranger.may_relay(&access));
        assert!(!stranger.may_send_to(&access, "example.org"));
        assert!(stranger.may_send_to(&access, "example.com"));
        assert!(!Standing { address: None, ..stranger }.may_relay(&access));
        for known in [
            Standing { address: Some("192.0.2.200".parse().unwrap()), ..stranger },
            Standing { user: Some("bob"), ..stranger },
            Standing { certificate: Some("mx.example.net"), ..stranger },
        ] {
            assert!(known.may_send_to(&access, "example.org"), "{known:?}");
        }
        assert!(stranger.advice(&access).contains("ask the operator"));
        assert!(Standing { could_log_in: true, ..stranger }.advice(&access).contains("AUTH"));
    }
}
