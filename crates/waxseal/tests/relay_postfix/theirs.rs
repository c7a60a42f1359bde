//! What becomes of the messages at Postfix.

use std::{collections::BTreeMap, fs};

use waxseal_peers::{Postfix, postfix};

use crate::{
    LEVELS, Stage, label, send,
    table::{End, Place},
    until,
};

/// Sends everything through Postfix, and gives the ends with what its log says.
pub(crate) fn ends(stage: &Stage) -> BTreeMap<Place, (End, String)> {
    let services = LEVELS
        .iter()
        .map(|(level, ..)| format!("smtp-{level} unix - - n - 20 smtp -o smtp_tls_security_level={level}"))
        .collect();
    let transports: Vec<String> =
        LEVELS.iter().map(|(level, ..)| format!("{{{level}@sender.example = smtp-{level}:}}")).collect();
    let settings = [
        format!("sender_dependent_default_transport_maps = inline:{{{}}}", transports.join(", ")),
        format!("smtp_tls_CAfile = {}", stage.roots.display()),
        "smtp_tls_verify_cert_match = hostname".into(),
        "smtp_dns_support_level = dnssec".into(),
        "smtp_host_lookup = dns".into(),
        "inet_protocols = all".into(),
        "smtp_connect_timeout = 10s".into(),
        "smtp_helo_timeout = 10s".into(),
        "smtp_starttls_timeout = 10s".into(),
        "smtp_mail_timeout = 10s".into(),
        "smtp_rcpt_timeout = 10s".into(),
        "smtp_data_init_timeout = 10s".into(),
        "smtp_data_done_timeout = 20s".into(),
        // For a whole reply, as at the relay: else each byte of a slow server begins anew.
        "smtp_per_request_deadline = yes".into(),
        "smtp_tls_loglevel = 1".into(),
        // One attempt each.
        "minimal_backoff_time = 4h".into(),
        "queue_run_delay = 4h".into(),
        "smtpd_client_connection_rate_limit = 0".into(),
        "bounce_size_limit = 1".into(),
        "notify_classes =".into(),
    ];
    let options = postfix::Options { settings: settings.to_vec(), services, ..postfix::Options::default() };
    let postfix = Postfix::start(&options).unwrap();
    send(stage, postfix.address());
    until("Postfix", stage, || read(&postfix.log_file()))
}

/// The first end of each message, by the log.
fn read(log: &std::path::Path) -> BTreeMap<Place, (End, String)> {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut ends = BTreeMap::new();
    for line in text.lines() {
        let Some((_, rest)) = line.split_once(": to=<") else { continue };
        let Some((address, rest)) = rest.split_once('>') else { continue };
        let Some((person, domain)) = address.split_once('@') else { continue };
        let Some((level, ..)) = LEVELS.iter().find(|(level, ..)| *level == person) else { continue };
        let Some((_, status)) = rest.split_once("status=") else { continue };
        let end = match status.split(' ').next() {
            Some("sent") => End::Delivered,
            Some("deferred") => End::Kept,
            Some("bounced") => End::Returned,
            _ => continue,
        };
        ends.entry((label(domain), *level)).or_insert_with(|| (end, status.to_owned()));
    }
    ends
}
