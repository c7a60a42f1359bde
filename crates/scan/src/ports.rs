//! Which port means what (RFC 5321, RFC 6409, RFC 8314).

use waxseal_model::{TlsStart, Usage};

/// Between mail servers.
pub const SMTP: u16 = 25;
/// Submission with STARTTLS.
pub const SUBMISSION: u16 = 587;
/// Submission with implicit TLS.
pub const SUBMISSIONS: u16 = 465;
/// An unofficial second submission port that many providers open.
pub const ALTERNATIVE: u16 = 2525;

/// How TLS starts on a port, where nothing else is said. Unknown ports are taken for SMTP
/// with STARTTLS; the probe notices if that is wrong.
pub fn tls_start(port: u16) -> TlsStart {
    if port == SUBMISSIONS { TlsStart::Implicit } else { TlsStart::Starttls }
}

/// What a port is for.
pub fn usage(port: u16) -> Usage {
    match port {
        SUBMISSION | SUBMISSIONS | ALTERNATIVE => Usage::Submission,
        _ => Usage::Relay,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_mean_what_the_standards_say() {
        assert_eq!((tls_start(25), usage(25)), (TlsStart::Starttls, Usage::Relay));
        assert_eq!((tls_start(465), usage(465)), (TlsStart::Implicit, Usage::Submission));
        assert_eq!((tls_start(587), usage(587)), (TlsStart::Starttls, Usage::Submission));
        assert_eq!((tls_start(10025), usage(10025)), (TlsStart::Starttls, Usage::Relay));
    }
}
