//! Every check, by theme. A new one is a file and a line in [`ALL`].

mod prelude;

pub mod certificate;
pub mod dane;
pub mod dns;
pub mod smtp;
pub mod sts;
pub mod tls;
pub mod tlsrpt;

use crate::Check;

/// All checks, in the order in which a delivery meets what they look at.
pub static ALL: &[&Check] = &[
    &dns::no_such_domain::CHECK,
    &dns::no_mail_host::CHECK,
    &dns::null_mx::CHECK,
    &dns::null_mx_with_others::CHECK,
    &dns::implicit_mx::CHECK,
    &dns::mx_is_cname::CHECK,
    &dns::mx_is_ip_literal::CHECK,
    &dns::mx_private_address::CHECK,
    &dns::mx_dangling::CHECK,
    &dns::single_address_family::CHECK,
    &dns::bogus::CHECK,
    &dns::resolver_failure::CHECK,
    &dns::reverse::CHECK,
    &smtp::unreachable::CHECK,
    &smtp::not_smtp::CHECK,
    &smtp::wrong_mode::CHECK,
    &smtp::starttls_missing::CHECK,
    &smtp::starttls_stripped::CHECK,
    &smtp::starttls_intermittent::CHECK,
    &smtp::starttls_refused::CHECK,
    &smtp::plaintext_after_220::CHECK,
    &smtp::ehlo_refused::CHECK,
    &smtp::ehlo_differs::CHECK,
    &smtp::auth_in_clear::CHECK,
    &smtp::requires_tls::CHECK,
    &smtp::slow_greeting::CHECK,
    &smtp::back_off::CHECK,
    &tls::handshake::CHECK,
    &tls::outdated::CHECK,
    &tls::sslv2::CHECK,
    &tls::sslv3::CHECK,
    &tls::tls10::CHECK,
    &tls::tls11::CHECK,
    &tls::tls13::CHECK,
    &tls::null::CHECK,
    &tls::anonymous::CHECK,
    &tls::export::CHECK,
    &tls::des::CHECK,
    &tls::rc2::CHECK,
    &tls::rc4::CHECK,
    &tls::sweet32::CHECK,
    &tls::seed::CHECK,
    &tls::rsa_key_exchange::CHECK,
    &tls::dhe::CHECK,
    &tls::dh_small::CHECK,
    &tls::cbc::CHECK,
    &tls::forward_secrecy::CHECK,
    &tls::suite_order::CHECK,
    &tls::crime::CHECK,
    &tls::extended_master_secret::CHECK,
    &tls::insecure_renegotiation::CHECK,
    &tls::encrypt_then_mac::CHECK,
    &tls::fallback_scsv::CHECK,
    &tls::post_quantum::CHECK,
    &tls::weak_groups::CHECK,
    &tls::downgrade_sentinel::CHECK,
    &tls::sni_required::CHECK,
    &tls::client_certificate::CHECK,
    &certificate::untrusted::CHECK,
    &certificate::self_signed::CHECK,
    &certificate::missing_intermediate::CHECK,
    &certificate::expired::CHECK,
    &certificate::not_yet_valid::CHECK,
    &certificate::expires_soon::CHECK,
    &certificate::name_mismatch::CHECK,
    &certificate::weak_key::CHECK,
    &certificate::weak_signature::CHECK,
    &certificate::x509_v1::CHECK,
    &certificate::chain_order::CHECK,
    &certificate::chains_differ::CHECK,
    &certificate::must_staple::CHECK,
    &sts::policy::CHECK,
    &dane::tlsa::CHECK,
    &tlsrpt::record::CHECK,
];

#[cfg(test)]
mod tests;
