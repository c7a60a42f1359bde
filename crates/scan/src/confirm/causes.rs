//! Which test each cause has, or why it has none.

use waxseal_model::{diagnosis::Fix, mail::Stage};

/// What can be done about a cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// This test shows whether it is there.
    Test(Test),
    /// Nothing that may be asked shows it.
    Cannot {
        /// Why, as the rest of "could not be tested because".
        because: &'static str,
        /// A command that goes on from there.
        next: Option<&'static str>,
    },
}

/// A test, each in a file of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Test {
    /// Is STARTTLS offered, and does it work?
    Starttls,
    /// The server demands TLS: can it be had there?
    Demanded,
    /// Is the certificate sound?
    Certificate,
    /// Which versions of TLS come about?
    Handshake,
    /// How does TLS begin on each port?
    Mode,
    /// Do the servers fit the MTA-STS policy?
    Sts,
    /// Do the servers fit the TLSA records?
    Dane,
    /// Is an extension of SMTP offered?
    Feature,
    /// Where is AUTH offered, and how?
    Auth,
    /// Is the server responsible for the recipient?
    Relay,
    /// What does SPF say of the address?
    Spf,
    /// Is the key of the selector there?
    Dkim,
    /// What does DMARC demand, and is it met?
    Dmarc,
    /// Can the sender's domain be answered?
    SenderDomain,
    /// Has the address a reverse name that leads back?
    Ptr,
    /// Does the name given in EHLO exist?
    Helo,
    /// Is the address or the domain on the list?
    Blocklist,
    /// Where do the names lead?
    Dns,
    /// Can the server be reached, at which ports?
    Network,
    /// Does the MX lead back to the one that sends?
    Loop,
    /// Does the server greet?
    Welcome,
    /// Is the recipient taken? Only on request.
    Recipient,
    /// Which size is taken?
    Size,
}

/// Lines of the table.
type Line = (&'static [&'static str], Plan);

const fn test(test: Test) -> Plan {
    Plan::Test(test)
}

const fn cannot(because: &'static str) -> Plan {
    Plan::Cannot { because, next: None }
}

const fn cannot_but(because: &'static str, next: &'static str) -> Plan {
    Plan::Cannot { because, next: Some(next) }
}

const PASSWORDS: Plan = cannot(
    "waxseal never sends a password: sign in at the provider's web page with the same name and password, and \
     look at the account there",
);
const ACCOUNT: Plan = cannot(
    "only whoever runs the account can see its state: sign in at the provider's web page, or ask its support",
);
const OWN_RULE: Plan = cannot(
    "it is a rule of the recipient's server that nobody outside can look up: ask its postmaster, by another \
     way, with the whole text",
);
const THE_MESSAGE: Plan = cannot(
    "it depends on the message itself, and waxseal sends none: send the same text without attachments and \
     links, or to a test mailbox at the same provider",
);
const VOLUME: Plan = cannot(
    "it depends on how much was sent, which only the sending server's log tells: count there by the hour",
);
const REPUTATION: Plan = cannot_but(
    "the recipient's own judgement of an address cannot be looked up by others: the provider's page for \
     postmasters tells, to whoever owns the address",
    "waxseal diagnose TEXT --blocklist zen.spamhaus.org",
);
const CLIENT_FAULT: Plan = cannot(
    "the fault lies in what the sending program said, and only its own transcript shows that: repeat it with \
     the program's debug output switched on",
);
const INSIDE: Plan = cannot(
    "it happens inside the recipient's system, behind the server that can be asked: its log has the reason",
);
const NOTHING_WRONG: Plan = cannot("the text reports no failure, so there is nothing to test");

/// All causes of the taxonomy, by family.
const TABLE: &[Line] = &[
    // address, mailbox
    (
        &[
            "user_unknown",
            "mailbox_moved",
            "mailbox_full",
            "mailbox_disabled",
            "mailbox_unavailable",
            "recipient_rate",
            "recipient_restricted",
        ],
        test(Test::Recipient),
    ),
    (
        &["address_syntax"],
        cannot("the address itself is malformed, which is to be seen in the text: nothing needs to be asked"),
    ),
    // content, size
    (&["message_too_large"], test(Test::Size)),
    (&["smtputf8_required"], test(Test::Feature)),
    (&["spam_content", "policy_rejected", "virus", "attachment_blocked", "message_malformed"], THE_MESSAGE),
    // domain_dns
    (&["domain_not_found", "null_mx", "mx_broken", "dns_failure", "dnssec_fail"], test(Test::Dns)),
    // info
    (&["delivered", "auto_reply"], NOTHING_WRONG),
    (
        &["complaint"],
        cannot("a complaint is what a person or a filter thinks of the mail, which no server tells"),
    ),
    (&["delayed"], test(Test::Welcome)),
    (
        &["suppressed"],
        cannot(
            "the sending service keeps a list of addresses it does not send to: look the recipient up there",
        ),
    ),
    (
        &["unspecified"],
        cannot("the text does not say what went wrong: a longer piece of the log, or the whole bounce, may"),
    ),
    // login
    (&["auth_required", "auth_not_offered", "auth_mechanism"], test(Test::Auth)),
    (&["auth_failed", "app_password_required", "modern_auth_required", "auth_temporary"], PASSWORDS),
    (&["account_suspended", "send_as_denied"], ACCOUNT),
    // loop_time
    (&["mail_loop"], test(Test::Loop)),
    (&["expired"], test(Test::Welcome)),
    // network
    (&["connect_failed", "connection_refused", "port_blocked", "wrong_host"], test(Test::Network)),
    (&["connection_lost"], test(Test::Welcome)),
    // protocol
    (&["command_rejected"], test(Test::Feature)),
    (&["bad_sequence"], CLIENT_FAULT),
    // rate
    (&["greylisted"], test(Test::Recipient)),
    (&["too_many_connections"], test(Test::Welcome)),
    (&["rate_limited", "too_many_recipients", "sending_limit", "too_many_errors"], VOLUME),
    // relay_permission
    (&["relay_denied"], test(Test::Relay)),
    (
        &["identity_not_verified"],
        cannot("which senders an account may use stands in its settings: look there, and verify the sender"),
    ),
    // remote_fault
    (
        &[
            "remote_error",
            "remote_overloaded",
            "remote_not_accepting",
            "remote_disk_full",
            "remote_misconfigured",
            "filter_unavailable",
        ],
        test(Test::Welcome),
    ),
    (&["mailer_error"], INSIDE),
    // reputation
    (&["ip_listed", "domain_listed", "dnsbl_broken"], test(Test::Blocklist)),
    (&["dynamic_ip"], test(Test::Ptr)),
    (&["ip_blocked", "ip_reputation"], REPUTATION),
    (
        &["geo_block"],
        cannot("the block is for the country of the sender's address, and this test runs elsewhere"),
    ),
    (
        &["sender_compromised"],
        cannot(
            "waxseal neither relays through a server nor looks into it: see its own rules for who may relay, and its \
             outgoing connections to port 25",
        ),
    ),
    // sender_identity
    (&["spf_fail", "unauthenticated"], test(Test::Spf)),
    (&["dkim_fail"], test(Test::Dkim)),
    (&["dmarc_fail"], test(Test::Dmarc)),
    (&["ptr_missing"], test(Test::Ptr)),
    (&["helo_invalid"], test(Test::Helo)),
    (&["sender_domain_invalid"], test(Test::SenderDomain)),
    (&["sender_rejected"], OWN_RULE),
    // tls
    (&["starttls_missing", "tls_unavailable"], test(Test::Starttls)),
    (&["tls_required"], test(Test::Demanded)),
    (&["tls_handshake", "tls_version"], test(Test::Handshake)),
    (&["cert_expired", "cert_name_mismatch", "cert_untrusted", "tls_interception"], test(Test::Certificate)),
    (&["wrong_encryption_type"], test(Test::Mode)),
    (&["mta_sts_fail"], test(Test::Sts)),
    (&["dane_fail"], test(Test::Dane)),
];

/// What is done where a cause has no line, by its family.
const FAMILIES: &[(&str, Plan)] = &[
    ("address", test(Test::Recipient)),
    ("mailbox", test(Test::Recipient)),
    ("domain_dns", test(Test::Dns)),
    ("network", test(Test::Network)),
    ("tls", test(Test::Handshake)),
    ("login", PASSWORDS),
    ("relay_permission", OWN_RULE),
    ("sender_identity", test(Test::Spf)),
    ("reputation", REPUTATION),
    ("rate", VOLUME),
    ("content", THE_MESSAGE),
    ("size", test(Test::Size)),
    ("protocol", CLIENT_FAULT),
    ("remote_fault", test(Test::Welcome)),
    ("loop_time", test(Test::Welcome)),
    ("info", NOTHING_WRONG),
];

const UNKNOWN: Plan = cannot("no test is known for this cause");

/// What the table says of a cause; none where it has no line of its own.
pub fn explicit(cause: &str) -> Option<Plan> {
    TABLE.iter().find(|(causes, _)| causes.contains(&cause)).map(|(_, plan)| *plan)
}

/// What to do about a cause.
pub fn plan(cause: &str, family: &str) -> Plan {
    let of_family = || FAMILIES.iter().find(|(name, _)| *name == family).map(|(_, plan)| *plan);
    explicit(cause).or_else(of_family).unwrap_or(UNKNOWN)
}

/// What mends a cause that was found in the place of another, as far as it needs no names
/// filled in.
pub(super) fn fixes(cause: &str) -> Vec<Fix> {
    let fixes = waxseal_explain::rules::cause(cause).map_or(&[][..], |cause| cause.fix);
    fixes
        .iter()
        .map(|fix| Fix {
            at: fix.at.to_owned(),
            text: fix.text.to_owned(),
            paste: fix.paste.filter(|paste| !paste.contains('{')).map(str::to_owned),
        })
        .collect()
}

/// What to do about a cause in the place where it came. A blocklist that the person named is
/// looked at whatever the words of a block were; and what refuses before there is a message
/// does not refuse for its content.
pub(super) fn plan_for(cause: &str, family: &str, stage: Option<Stage>, blocklist: bool) -> Plan {
    match family {
        "reputation" if blocklist => Plan::Test(Test::Blocklist),
        "content" if stage.is_some_and(|s| s <= Stage::Ehlo) => Plan::Test(Test::Welcome),
        _ => plan(cause, family),
    }
}

/// True if testing the second cause says more than testing the first did.
pub(super) fn differ(second: &str, first: &str) -> bool {
    matches!(explicit(second), Some(Plan::Test(_))) && second != first && explicit(second) != explicit(first)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_cause_has_a_line_of_its_own() {
        let without: Vec<&str> = waxseal_explain::rules::causes()
            .iter()
            .map(|cause| cause.id)
            .filter(|id| explicit(id).is_none())
            .collect();
        assert!(without.is_empty(), "no confirmation, and no reason why there is none: {without:?}");
    }

    #[test]
    fn every_family_has_a_plan_for_causes_to_come() {
        let without: Vec<&str> = waxseal_explain::rules::causes()
            .iter()
            .map(|cause| cause.family)
            .filter(|family| !FAMILIES.iter().any(|(name, _)| name == family))
            .collect();
        assert!(without.is_empty(), "{without:?}");
        assert_eq!(plan("to_come", "size"), Plan::Test(Test::Size));
        assert_eq!(plan("to_come", "to_come"), UNKNOWN);
    }

    #[test]
    fn every_line_is_about_a_cause_and_none_about_two() {
        let mut seen = BTreeSet::new();
        for cause in TABLE.iter().flat_map(|(causes, _)| *causes) {
            assert!(seen.insert(*cause), "{cause}");
            assert!(waxseal_explain::rules::cause(cause).is_some(), "{cause}");
        }
    }

    #[test]
    fn reasons_read_on_from_could_not_be_tested_because() {
        let plans = TABLE.iter().map(|(_, plan)| plan).chain(FAMILIES.iter().map(|(_, plan)| plan));
        for plan in plans {
            if let Plan::Cannot { because, .. } = plan {
                assert!(
                    because.starts_with(|c: char| c.is_lowercase()) && !because.ends_with('.'),
                    "{because}"
                );
            }
        }
    }
}
