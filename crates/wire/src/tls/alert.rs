//! Alerts: their names, and those with which a probe takes its leave.

use waxseal_model::tls::TlsVersion;

/// Level of an alert that ends the connection.
pub const FATAL: u8 = 2;

/// `close_notify`: the end of what the sender has to say.
pub const CLOSE_NOTIFY: u8 = 0;
/// `handshake_failure`: nothing in the hello that the server would take.
pub const HANDSHAKE_FAILURE: u8 = 40;
/// `protocol_version`: the version is known and refused.
pub const PROTOCOL_VERSION: u8 = 70;
/// `inappropriate_fallback`: the server could do better than this hello (RFC 7507).
pub const INAPPROPRIATE_FALLBACK: u8 = 86;
/// The server failed by itself, which has nothing to do with its peer.
pub const INTERNAL_ERROR: u8 = 80;
/// `user_canceled`: the sender stops a handshake for reasons of its own.
pub const USER_CANCELED: u8 = 90;
/// `unrecognized_name`: no certificate for the name in SNI (RFC 6066), or SNI required.
pub const UNRECOGNIZED_NAME: u8 = 112;

/// The name of an alert's description, as IANA and RFC 8446 section 6 spell it;
/// `unknown` where there is none.
pub fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "unknown",
    }
}

/// What to send before leaving a handshake that no version was agreed in:
/// [`close_alert_in`] TLS 1.0, whose record version every server reads.
pub fn close_alert() -> Vec<u8> {
    close_alert_in(TlsVersion::Tls10)
}

/// What to send before leaving a handshake in which the server chose this version:
/// `user_canceled`, then `close_notify` (RFC 8446 section 6.1), each in a record of its
/// own, since TLS 1.3 allows only one alert a record.
pub fn close_alert_in(version: TlsVersion) -> Vec<u8> {
    let [major, minor] = version.clamp(TlsVersion::Ssl3, TlsVersion::Tls12).code().to_be_bytes();
    [USER_CANCELED, CLOSE_NOTIFY].into_iter().flat_map(|d| [21, major, minor, 0, 2, 1, d]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_alerts_that_servers_send() {
        assert_eq!(alert_name(INAPPROPRIATE_FALLBACK), "inappropriate_fallback");
        assert_eq!(alert_name(HANDSHAKE_FAILURE), "handshake_failure");
        assert_eq!(alert_name(PROTOCOL_VERSION), "protocol_version");
        assert_eq!(alert_name(UNRECOGNIZED_NAME), "unrecognized_name");
        assert_eq!(alert_name(255), "unknown");
    }

    #[test]
    fn leaving_takes_two_records_of_the_agreed_version() {
        assert_eq!(close_alert(), [21, 3, 1, 0, 2, 1, 90, 21, 3, 1, 0, 2, 1, 0]);
        assert_eq!(close_alert_in(TlsVersion::Tls13)[..3], [21, 3, 3]);
        assert_eq!(close_alert_in(TlsVersion::Ssl2)[..3], [21, 3, 0]);
    }
}
