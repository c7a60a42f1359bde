//! The list of clients.

use std::sync::LazyLock;

use super::profile::Client;

const SOURCES: [&str; 43] = [
    include_str!("../../clients/postfix-3.10-openssl-3.5.toml"),
    include_str!("../../clients/postfix-3.10-openssl-3.5-verify.toml"),
    include_str!("../../clients/postfix-3.7-openssl-3.0.toml"),
    include_str!("../../clients/postfix-3.7-openssl-3.0-verify.toml"),
    include_str!("../../clients/postfix-3.5-openssl-1.1.1.toml"),
    include_str!("../../clients/exim-4.98-gnutls-3.8.toml"),
    include_str!("../../clients/exim-4.96-gnutls-3.7.toml"),
    include_str!("../../clients/opensmtpd-7.6-openssl-3.5.toml"),
    include_str!("../../clients/opensmtpd-6.8-openssl-3.0.toml"),
    include_str!("../../clients/opensmtpd-6.8-openssl-1.1.1.toml"),
    include_str!("../../clients/sendmail-8.18-openssl-3.5.toml"),
    include_str!("../../clients/sendmail-8.17-openssl-3.0.toml"),
    include_str!("../../clients/haraka-3.3-node-20.toml"),
    include_str!("../../clients/stalwart-mail-send-0.7.toml"),
    include_str!("../../clients/exchange-2019-windows-server-2019.toml"),
    include_str!("../../clients/exchange-2016-windows-server-2016.toml"),
    include_str!("../../clients/exchange-2013-windows-server-2012-r2.toml"),
    include_str!("../../clients/exchange-2010-windows-server-2008-r2.toml"),
    include_str!("../../clients/thunderbird-153.toml"),
    include_str!("../../clients/thunderbird-140.toml"),
    include_str!("../../clients/thunderbird-91.toml"),
    include_str!("../../clients/thunderbird-68.toml"),
    include_str!("../../clients/apple-mail-16.0.toml"),
    include_str!("../../clients/outlook-windows-10-1809.toml"),
    include_str!("../../clients/curl-8.14-openssl-3.5.toml"),
    include_str!("../../clients/curl-7.88-openssl-3.0.toml"),
    include_str!("../../clients/curl-7.74-openssl-1.1.1.toml"),
    include_str!("../../clients/libcurl-7.88-gnutls-3.7.toml"),
    include_str!("../../clients/msmtp-1.8-gnutls-3.7.toml"),
    include_str!("../../clients/mutt-2.2-gnutls-3.7.toml"),
    include_str!("../../clients/s-nail-14.9-openssl-3.5.toml"),
    include_str!("../../clients/s-nail-14.9-openssl-3.0.toml"),
    include_str!("../../clients/swaks-20201014-openssl-3.0.toml"),
    include_str!("../../clients/python-3.13-openssl-3.5.toml"),
    include_str!("../../clients/python-3.11-openssl-3.0.toml"),
    include_str!("../../clients/php-8.4-openssl-3.5.toml"),
    include_str!("../../clients/php-8.2-openssl-3.0.toml"),
    include_str!("../../clients/java-21.toml"),
    include_str!("../../clients/java-17.toml"),
    include_str!("../../clients/nodemailer-10.6-node-20.toml"),
    include_str!("../../clients/go-1.24.toml"),
    include_str!("../../clients/go-1.19.toml"),
    include_str!("../../clients/lettre-0.11.toml"),
];

static CLIENTS: LazyLock<Vec<Client>> =
    LazyLock::new(|| SOURCES.iter().filter_map(|text| toml::from_str(text).ok()).collect());

/// All clients: mail servers first, then programs that submit mail, newest first.
pub fn all() -> &'static [Client] {
    &CLIENTS
}

/// The client of this id.
pub fn find(id: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|c| c.id == id)
}
