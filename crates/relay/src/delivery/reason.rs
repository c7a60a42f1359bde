//! Why a message waits or was given up, as tokens: stored with the attempt, selected by in
//! the queue, counted in metrics. They are a published vocabulary: new ones may come, none
//! changes its meaning.

use waxseal_judge::delivery::{Failure, Level};

use super::outcome::Stage;

/// STARTTLS is demanded and not in the answer to EHLO.
pub const TLS_NOT_ADVERTISED: &str = "tls.not_advertised";
/// TLS is demanded and STARTTLS was refused.
pub const TLS_REFUSED: &str = "tls.refused";
/// TLS is demanded and the handshake failed, or clear text came in its place.
pub const TLS_HANDSHAKE: &str = "tls.handshake";
/// TLS is demanded and the host has only outdated versions.
pub const TLS_TOO_OLD: &str = "tls.too_old";
/// The certificate is not trusted.
pub const TLS_CERT_UNTRUSTED: &str = "tls.cert.untrusted";
/// The certificate is for another name.
pub const TLS_CERT_NAME: &str = "tls.cert.name";
/// The certificate has expired or is not yet valid.
pub const TLS_CERT_EXPIRED: &str = "tls.cert.expired";
/// The host's key is none that the operator pinned.
pub const FP_MISMATCH: &str = "fp.mismatch";
/// No TLSA record matches the certificate.
pub const DANE_MISMATCH: &str = "dane.mismatch";
/// The TLSA records are bogus, or could not be looked up.
pub const DANE_LOOKUP: &str = "dane.lookup";
/// The operator demands DANE, and there is none to rely on.
pub const DANE_REQUIRED: &str = "dane.required";
/// The MX records are bogus, or could not be looked up.
pub const MX_BOGUS: &str = "mx.bogus";
/// The addresses of the host are bogus, missing, or could not be looked up.
pub const ADDRESS_LOOKUP: &str = "address.lookup";
/// The domain's MTA-STS policy does not name the host.
pub const STS_MX_MISMATCH: &str = "sts.mx_mismatch";
/// The certificate does not do for the domain's MTA-STS policy.
pub const STS_WEBPKI: &str = "sts.webpki";
/// The domain's MTA-STS policy could not be fetched.
pub const STS_FETCH: &str = "sts.fetch";
/// The message has REQUIRETLS, and the host does not offer it.
pub const REQUIRETLS_UNSUPPORTED: &str = "requiretls.unsupported";
/// The message has REQUIRETLS, and nothing vouches for the host's name.
pub const REQUIRETLS_NAME_NOT_SECURE: &str = "requiretls.name_not_secure";
/// The domain takes no mail (RFC 7505).
pub const DOMAIN_NULL_MX: &str = "domain.null_mx";
/// The domain does not exist.
pub const DOMAIN_NOT_FOUND: &str = "domain.not_found";
/// The domain's best MX host is this relay itself: mail would come back.
pub const DOMAIN_LOOP: &str = "domain.loop";
/// No connection: refused, no route, or no time left for it.
pub const CONNECT_FAILED: &str = "connect.failed";
/// No answer to the connection.
pub const CONNECT_TIMEOUT: &str = "connect.timeout";
/// The other server's greeting was no welcome.
pub const REPLY_GREETING: &str = "reply.greeting";
/// The other server refused EHLO (and HELO, where that was tried).
pub const REPLY_EHLO: &str = "reply.ehlo";
/// The other server refused the sender.
pub const REPLY_MAIL: &str = "reply.mail";
/// The other server refused the recipient.
pub const REPLY_RCPT: &str = "reply.rcpt";
/// The other server refused DATA.
pub const REPLY_DATA: &str = "reply.data";
/// The other server refused the message.
pub const REPLY_END_OF_DATA: &str = "reply.end_of_data";
/// The connection ended, or nothing came, before the greeting.
pub const LOST_GREETING: &str = "lost.greeting";
/// Likewise at EHLO.
pub const LOST_EHLO: &str = "lost.ehlo";
/// Likewise at MAIL.
pub const LOST_MAIL: &str = "lost.mail";
/// Likewise at RCPT.
pub const LOST_RCPT: &str = "lost.rcpt";
/// Likewise at DATA, or while the message was being sent: its final dot was not.
pub const LOST_DATA: &str = "lost.data";
/// The connection ended between the final dot and its reply.
pub const UNKNOWN_AFTER_DOT: &str = "unknown.after_dot";
/// The site has as many connections as it may, or is left alone for a while.
pub const SITE_BUSY: &str = "site.busy";
/// Time was up.
pub const EXPIRED: &str = "expired";
/// The reply of [`EXPIRED`].
pub const EXPIRED_REPLY: &str = "554 5.4.7 exceeded max time without delivery";
/// The body is gone from the store.
pub const HELD_NO_BODY: &str = "held.no_body";
/// The message needs SMTPUTF8, and the host does not offer it.
pub const SMTPUTF8_UNSUPPORTED: &str = "smtputf8.unsupported";
/// The message has bytes above 127, and the host does not offer 8BITMIME. Messages are
/// never converted: that would break their signatures.
pub const EIGHTBIT_UNSUPPORTED: &str = "eightbit.unsupported";
/// The message is larger than the host takes.
pub const SIZE_EXCEEDED: &str = "size.exceeded";

/// All tokens.
pub const ALL: [&str; 41] = [
    TLS_NOT_ADVERTISED,
    TLS_REFUSED,
    TLS_HANDSHAKE,
    TLS_TOO_OLD,
    TLS_CERT_UNTRUSTED,
    TLS_CERT_NAME,
    TLS_CERT_EXPIRED,
    FP_MISMATCH,
    DANE_MISMATCH,
    DANE_LOOKUP,
    DANE_REQUIRED,
    MX_BOGUS,
    ADDRESS_LOOKUP,
    STS_MX_MISMATCH,
    STS_WEBPKI,
    STS_FETCH,
    REQUIRETLS_UNSUPPORTED,
    REQUIRETLS_NAME_NOT_SECURE,
    DOMAIN_NULL_MX,
    DOMAIN_NOT_FOUND,
    DOMAIN_LOOP,
    CONNECT_FAILED,
    CONNECT_TIMEOUT,
    REPLY_GREETING,
    REPLY_EHLO,
    REPLY_MAIL,
    REPLY_RCPT,
    REPLY_DATA,
    REPLY_END_OF_DATA,
    LOST_GREETING,
    LOST_EHLO,
    LOST_MAIL,
    LOST_RCPT,
    LOST_DATA,
    UNKNOWN_AFTER_DOT,
    SITE_BUSY,
    EXPIRED,
    HELD_NO_BODY,
    SMTPUTF8_UNSUPPORTED,
    EIGHTBIT_UNSUPPORTED,
    SIZE_EXCEEDED,
];

/// The token for what a decision misses. What is wrong with a certificate is one matter
/// where MTA-STS asks for it: the domain's policy may have changed meanwhile, and is asked
/// for anew.
pub fn of_failure(failure: Failure, level: Level) -> &'static str {
    match failure {
        Failure::NullMx => DOMAIN_NULL_MX,
        Failure::NoSuchDomain => DOMAIN_NOT_FOUND,
        Failure::MailLoop => DOMAIN_LOOP,
        Failure::MxLookup => MX_BOGUS,
        Failure::AddressLookup => ADDRESS_LOOKUP,
        Failure::TlsaLookup => DANE_LOOKUP,
        Failure::DaneRequired => DANE_REQUIRED,
        Failure::NotInPolicy => STS_MX_MISMATCH,
        Failure::NameNotSecure => REQUIRETLS_NAME_NOT_SECURE,
        Failure::Unreachable => CONNECT_FAILED,
        Failure::NotOffered => TLS_NOT_ADVERTISED,
        Failure::Refused => TLS_REFUSED,
        // That nobody tried where somebody had to is our mistake; it must not go unnoticed.
        Failure::Handshake | Failure::NotTried => TLS_HANDSHAKE,
        Failure::TooOld => TLS_TOO_OLD,
        Failure::Untrusted | Failure::OutOfDate | Failure::WrongName if level == Level::MtaSts => STS_WEBPKI,
        Failure::Untrusted => TLS_CERT_UNTRUSTED,
        Failure::OutOfDate => TLS_CERT_EXPIRED,
        Failure::WrongName => TLS_CERT_NAME,
        Failure::TlsaMismatch => DANE_MISMATCH,
        Failure::FingerprintMismatch => FP_MISMATCH,
        Failure::NoRequireTls => REQUIRETLS_UNSUPPORTED,
    }
}

/// The token for a reply of the other server at a stage. A refused STARTTLS is a matter of
/// decisions and has none of its own.
pub(super) fn of_reply(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect | Stage::Greeting => REPLY_GREETING,
        Stage::Ehlo => REPLY_EHLO,
        Stage::Mail => REPLY_MAIL,
        Stage::Rcpt => REPLY_RCPT,
        Stage::Data => REPLY_DATA,
        Stage::EndOfData => REPLY_END_OF_DATA,
    }
}

/// The token for a connection that ended, or went silent, at a stage.
pub(super) fn of_loss(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => CONNECT_FAILED,
        Stage::Greeting => LOST_GREETING,
        Stage::Ehlo => LOST_EHLO,
        Stage::Mail => LOST_MAIL,
        Stage::Rcpt => LOST_RCPT,
        Stage::Data => LOST_DATA,
        Stage::EndOfData => UNKNOWN_AFTER_DOT,
    }
}

/// True if a site keeps mail waiting for want of TLS by this reason, so that it is worth
/// watching whether that gets better. Lookups that fail are not: names are asked anew
/// before every attempt anyway. REQUIRETLS does not wait.
pub fn is_about_tls(token: &str) -> bool {
    matches!(
        token,
        TLS_NOT_ADVERTISED
            | TLS_REFUSED
            | TLS_HANDSHAKE
            | TLS_TOO_OLD
            | TLS_CERT_UNTRUSTED
            | TLS_CERT_NAME
            | TLS_CERT_EXPIRED
            | FP_MISMATCH
            | DANE_MISMATCH
            | DANE_REQUIRED
            | STS_MX_MISMATCH
            | STS_WEBPKI
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_token_is_there_once_and_of_one_form() {
        let all: BTreeSet<_> = ALL.into_iter().collect();
        assert_eq!(all.len(), ALL.len());
        for token in ALL {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_');
            assert!(token.chars().all(fits), "{token}");
        }
    }

    #[test]
    fn every_failure_has_a_token_that_is_listed() {
        for failure in Failure::ALL {
            for level in [Level::Encrypt, Level::MtaSts, Level::Dane] {
                assert!(ALL.contains(&of_failure(failure, level)), "{failure:?}");
            }
        }
        assert_eq!(of_failure(Failure::WrongName, Level::Verify), TLS_CERT_NAME);
        assert_eq!(of_failure(Failure::WrongName, Level::MtaSts), STS_WEBPKI);
    }

    #[test]
    fn watched_reasons_are_listed_reasons() {
        let watched: Vec<_> = ALL.into_iter().filter(|token| is_about_tls(token)).collect();
        assert_eq!(watched.len(), 12);
        assert!(watched.iter().all(|token| !token.starts_with("connect") && !token.contains("lookup")));
    }
}
