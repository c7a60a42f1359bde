//! Counter-examples: texts that share words with a cause and mean another one.
#![allow(clippy::unwrap_used, reason = "a test")]

use waxseal_explain::{Diagnosis, Given, diagnose, read};

/// What an answer has to be.
enum Is {
    /// This cause.
    Cause(&'static str),
    /// Another cause than this one.
    Not(&'static str),
}
use Is::{Cause, Not};

/// The verdict on one line.
fn verdict(text: &str) -> Diagnosis {
    let reading = read(text.as_bytes(), &Given::default());
    assert_eq!(reading.events.len(), 1, "{text}: {:?}", reading.notes);
    diagnose(reading.events.first().unwrap())
}

fn demand(cases: &[(&str, Is)]) {
    let mut wrong = Vec::new();
    for (text, wanted) in cases {
        let given = verdict(text);
        let (right, wanted) = match wanted {
            Cause(cause) => (given.cause == *cause, (*cause).to_owned()),
            Not(cause) => (given.cause != *cause, format!("not {cause}")),
        };
        if !right {
            wrong.push(format!("{wanted}, and it is {} by {}: {text}", given.cause, given.rule));
        }
    }
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn words_that_look_like_a_providers_are_not_its_mark() {
    for text in [
        "554 mail.rutgers.example: no PTR record",
        "554 mail.community.example: no PTR record",
        "550 eximbank.example: message rejected",
        "450 4.7.1 Zombie ers found",
    ] {
        assert_eq!(verdict(text).provider, None, "{text}");
    }
}

#[test]
fn every_cause_named_here_exists() {
    // A misspelt cause would make `Not` hold for ever.
    for cases in ALL {
        for (text, Cause(cause) | Not(cause)) in *cases {
            assert!(waxseal_explain::rules::cause(cause).is_some(), "{cause}: {text}");
        }
    }
}

const ALL: &[&[(&str, Is)]] = &[
    DISABLED,
    LIMITS,
    AUTHENTICATION,
    UNKNOWN,
    MOVED,
    FULL,
    CONTENT,
    LISTS,
    SUPPRESSED,
    RESTRICTED,
    TIME,
    SEQUENCE,
];

#[test]
fn what_is_switched_off_is_not_always_the_recipients_mailbox() {
    demand(DISABLED);
}

const DISABLED: &[(&str, Is)] = &[
    ("550 5.2.1 kim@example.com: this account has been disabled", Cause("mailbox_disabled")),
    ("550 5.2.1 Mailbox disabled for this recipient", Cause("mailbox_disabled")),
    ("550 User kim is suspended", Cause("mailbox_disabled")),
    ("550 5.1.1 The recipient's account is inactive", Cause("mailbox_disabled")),
    ("550 account is locked", Cause("mailbox_disabled")),
    ("550 Sender account has been suspended", Cause("account_suspended")),
    ("550 5.7.1 The sender's mailbox is disabled", Cause("account_suspended")),
    ("554 5.7.1 Your account has been suspended", Cause("account_suspended")),
    ("550 5.7.1 <kim@example.org>: Sender address suspended", Cause("account_suspended")),
    ("550 Sender domain example.org is suspended", Cause("account_suspended")),
    ("554 your domain has been suspended for abuse", Cause("account_suspended")),
    ("421 4.4.2 User session expired", Not("mailbox_disabled")),
    ("421 Login session closed", Not("mailbox_disabled")),
    ("535 5.7.8 Account password expired", Cause("auth_failed")),
    ("454 4.7.0 Login disabled on this port", Not("mailbox_disabled")),
    ("554 Your e-mail expired after 5 days in the queue", Cause("expired")),
    ("550 Recipient address verification disabled", Not("mailbox_disabled")),
    ("450 4.2.0 Mailbox is locked by another process, try again later", Cause("mailbox_unavailable")),
    ("451 4.2.0 mailbox locked", Cause("mailbox_unavailable")),
    ("451 4.3.0 maildrop is locked", Cause("mailbox_unavailable")),
    ("550 Account for kim@example.com cancelled", Cause("mailbox_disabled")),
    ("550 5.2.1 Your recipient's mailbox is suspended", Cause("mailbox_disabled")),
    ("550 this e-mail has been disabled", Cause("mailbox_disabled")),
    ("550 5.7.1 Sender domain expired", Not("mailbox_disabled")),
    ("454 4.7.0 The user is locked out after failed logins", Not("mailbox_disabled")),
    ("550 5.2.1 This mailbox is no longer active", Cause("mailbox_disabled")),
    ("550 The mailbox you are sending to has been disabled. Your account is fine", Cause("mailbox_disabled")),
    ("550 5.1.1 Sender verified; recipient mailbox is disabled", Cause("mailbox_disabled")),
    ("550 your e-mail address is suspended from posting", Cause("account_suspended")),
    ("550 the e-mail address you entered is suspended", Cause("mailbox_disabled")),
    ("450 4.7.1 user mailbox is locked", Cause("mailbox_unavailable")),
];

#[test]
fn a_sending_limit_is_a_limit_on_sending() {
    demand(LIMITS);
}

const LIMITS: &[(&str, Is)] = &[
    ("550 5.4.5 Daily user sending quota exceeded", Cause("sending_limit")),
    ("550 You have exceeded your hourly sending limit", Cause("sending_limit")),
    ("550 You have reached the limit of messages for today", Cause("sending_limit")),
    ("554 Your account has reached its monthly quota, upgrade your plan", Cause("sending_limit")),
    ("503 You have sent an unexpected command", Not("sending_limit")),
    ("550 You have reached a mailbox that nobody reads", Not("sending_limit")),
    ("554 You have sent a message that looks like spam", Cause("spam_content")),
    ("552 5.2.2 User quota exceeded", Cause("mailbox_full")),
    ("552 Account quota exceeded", Cause("mailbox_full")),
    ("552 5.2.2 The recipient has exceeded their quota", Cause("mailbox_full")),
    ("550 5.7.1 Please upgrade your account to TLS 1.2 clients", Not("sending_limit")),
    ("554 5.7.1 You have exceeded your mailbox quota", Cause("mailbox_full")),
    ("550 You have exceeded the maximum message size", Cause("message_too_large")),
    ("550 You have reached the maximum number of recipients", Cause("too_many_recipients")),
    ("421 you have exceeded the connection limit", Cause("too_many_connections")),
    ("550 5.7.0 The limit on the number of allowed outgoing messages was exceeded", Cause("sending_limit")),
];

#[test]
fn what_passes_is_no_failure() {
    demand(AUTHENTICATION);
}

const AUTHENTICATION: &[(&str, Is)] = &[
    ("550 5.7.1 Message rejected as spam (spf=pass dkim=pass dmarc=pass)", Cause("spam_content")),
    (
        "550 5.7.1 SPF: pass; DKIM: pass; rejected because of the poor reputation of your IP",
        Cause("ip_reputation"),
    ),
    ("554 5.7.1 Rejected by content filter, spf check passed", Not("spf_fail")),
    ("550 5.7.1 Rejected; DMARC check passed, sender blocked by the recipient", Not("dmarc_fail")),
    ("550 5.7.1 Rejected by policy (dkim=pass)", Not("dkim_fail")),
    ("550 5.7.26 SPF [example.com] = did not pass, rejected", Cause("spf_fail")),
    ("550 SPF check failed, dkim=pass", Cause("spf_fail")),
    ("550 spf=pass dkim=fail, rejected", Cause("dkim_fail")),
    ("550 spf=pass dkim=pass dmarc=fail, rejected", Cause("dmarc_fail")),
    ("550 5.7.1 Message does not pass SPF", Cause("spf_fail")),
    ("550 5.7.1 Email rejected per DMARC policy of example.com", Cause("dmarc_fail")),
    (
        "550 5.7.1 spf=pass smtp.mailfrom=example.org; dkim=none; dmarc=fail action=oreject",
        Cause("dmarc_fail"),
    ),
    ("550 5.7.1 spf=softfail dkim=pass dmarc=pass; message is spam", Cause("spam_content")),
    ("550 spf=none dkim=none dmarc=none", Cause("unauthenticated")),
    ("550 Message passed SPF, blocked for spam content", Cause("spam_content")),
    ("550 SPF OK, DKIM OK, DMARC OK, message refused", Cause("policy_rejected")),
    ("550 SPF record passes but DKIM missing", Cause("dkim_fail")),
    ("550 5.7.1 all authentication checks passed, rejected as spam", Cause("spam_content")),
    ("550 both SPF and DKIM pass, message refused", Cause("policy_rejected")),
    ("550 5.7.26 Neither SPF nor DKIM passed", Cause("unauthenticated")),
];

#[test]
fn an_unknown_recipient_is_one_and_nothing_else() {
    demand(UNKNOWN);
}

const UNKNOWN: &[(&str, Is)] = &[
    ("550 5.7.1 This account is not allowed to send mail", Not("user_unknown")),
    ("535 5.7.8 Invalid account for login", Cause("auth_failed")),
    ("451 4.3.0 Recipient lookup failed temporarily", Not("user_unknown")),
    ("451 4.4.3 Address lookup failed, try again later", Not("user_unknown")),
    ("550 5.1.1 Recipient lookup failed", Cause("user_unknown")),
    ("550 5.1.1 unknown or illegal alias: kim@example.com", Cause("user_unknown")),
    ("550 Recipient OK. Sender domain example.invalid does not exist", Not("user_unknown")),
    ("550 Mail for this user: the host mx.example.com does not exist", Not("user_unknown")),
    ("550 The address was accepted; but the domain in HELO does not exist", Not("user_unknown")),
    ("550 5.1.1 The email account that you tried to reach does not exist", Cause("user_unknown")),
    ("550 5.1.1 Mailbox for kim@example.com does not exist", Cause("user_unknown")),
    ("550 User 'kim' doesn't exist in this domain", Cause("user_unknown")),
    ("450 4.7.1 Client host unknown", Cause("ptr_missing")),
    ("550 5.7.1 unknown client host [192.0.2.1]", Cause("ptr_missing")),
    ("550 5.1.2 Host unknown (Name server: example.invalid: host not found)", Cause("domain_not_found")),
    ("550 5.1.2 Recipient's domain does not exist", Cause("domain_not_found")),
    ("550 address kim in domain example.com does not exist", Cause("user_unknown")),
    ("550 5.1.2 recipient host unknown", Cause("domain_not_found")),
];

#[test]
fn an_address_has_moved_where_the_text_says_so_of_an_address() {
    demand(MOVED);
}

const MOVED: &[(&str, Is)] = &[
    ("551 kim@example.com has been replaced by kim.doe@example.net", Cause("mailbox_moved")),
    ("551 5.1.6 User has moved, please try <kim@example.net>", Cause("mailbox_moved")),
    ("550 5.1.6 recipient no longer on server: kim@example.com", Cause("mailbox_moved")),
    ("551 User not local; please try <kim@example.net>", Cause("mailbox_moved")),
    ("550 The e-mail has been moved to quarantine", Not("mailbox_moved")),
    ("535 5.7.8 The user's password has been changed", Not("mailbox_moved")),
    ("550 5.7.1 Please use <https://example.com/form> to ask for access", Not("mailbox_moved")),
    ("530 5.7.0 Please use <STARTTLS>", Not("mailbox_moved")),
    ("550 5.1.1 This address is no longer in use", Not("mailbox_moved")),
    ("550 5.1.1 Mailbox no longer valid", Not("mailbox_moved")),
    ("550 The recipient's server has moved to a new address block", Not("mailbox_moved")),
    ("550 5.7.1 The policy of the recipient has changed", Not("mailbox_moved")),
];

#[test]
fn full_is_said_of_mailboxes_only() {
    demand(FULL);
}

const FULL: &[(&str, Is)] = &[
    ("452 4.2.2 Mailbox full", Cause("mailbox_full")),
    ("552 <kim@example.com>... Mailbox Full", Cause("mailbox_full")),
    ("452 4.2.2 The recipient's inbox is full, try again later", Cause("mailbox_full")),
    ("552 5.2.2 Mailbox of kim@example.com is full.", Cause("mailbox_full")),
    ("550 5.7.1 User Full Moon is not allowed to send", Not("mailbox_full")),
    ("550 5.7.1 You need full mailbox access for this account", Not("mailbox_full")),
    ("550 Recipient must be given with the full name", Not("mailbox_full")),
    ("552 5.3.4 Message exceeds allowed size", Cause("message_too_large")),
    ("501 Line exceeds space for parameters", Not("mailbox_full")),
    ("500 Header exceeds the namespace limit", Not("mailbox_full")),
    ("550 The inbox is 100% full", Cause("mailbox_full")),
    ("550 The recipient's mailbox is nearly full", Not("mailbox_full")),
    ("550 Recipient address must be fully qualified", Not("mailbox_full")),
];

#[test]
fn a_name_is_no_virus_and_a_link_for_the_reader_none_that_is_listed() {
    demand(CONTENT);
}

const CONTENT: &[(&str, Is)] = &[
    ("554 5.7.1 Virus found: Win.Test.EICAR_HDB-1", Cause("virus")),
    ("554 5.7.1 Message rejected by ClamAV: infected with Worm.Example", Cause("virus")),
    ("550 This message contains malware", Cause("virus")),
    ("451 4.7.1 ClamAV is not running, try again later", Not("virus")),
    ("451 4.3.2 clamav-milter: timeout", Not("virus")),
    ("451 4.7.1 Anti-virus scanner is not available, try again later", Not("virus")),
    ("550 5.7.1 Scanned by ClamAV; the sender is blocked", Not("virus")),
    ("554 5.7.1 Message contains a blacklisted URL", Cause("spam_content")),
    ("550 5.7.1 Blacklisted URL in message. See http://lookup.uribl.com.", Cause("spam_content")),
    ("550 5.7.1 The link http://spam.example/x in the message is blocked", Cause("spam_content")),
    (
        "554 5.7.1 Your IP address 192.0.2.1 was found on a list, see our website for the reason why it is blocked",
        Cause("ip_blocked"),
    ),
    ("550 5.7.1 HELO domain listed in DBL", Cause("domain_listed")),
    ("550 host glow-worm.example refused", Not("virus")),
    ("550 This message was checked for viruses and is refused by policy", Not("virus")),
    ("550 5.7.1 No virus found, but the message was rejected by policy", Not("virus")),
    (
        "550 5.7.1 Rejected. Please visit our website if you think you were blocked by mistake",
        Not("spam_content"),
    ),
    ("554 5.7.1 Helo [mail.example.org] blocked using dbl.spamhaus.org", Cause("domain_listed")),
];

#[test]
fn regions_and_karma_need_more_than_their_name() {
    demand(LISTS);
}

const LISTS: &[(&str, Is)] = &[
    ("550 5.7.1 Mail from your country is not accepted here", Cause("geo_block")),
    ("550 5.7.1 Connections from your region are blocked", Cause("geo_block")),
    ("554 Message rejected: the address is not verified in region EU-WEST-1", Not("geo_block")),
    ("454 Throttling failure in region us-east-1: request denied", Not("geo_block")),
    ("550 Bad karma", Cause("ip_reputation")),
    ("550 5.1.1 <kim@example.com>: no such user in group Karma", Cause("user_unknown")),
    ("550 5.7.1 Karma yoga list: posting is for members only", Not("ip_reputation")),
];

#[test]
fn suppressed_is_said_of_an_address() {
    demand(SUPPRESSED);
}

const SUPPRESSED: &[(&str, Is)] = &[
    ("550 Recipient suppressed", Cause("suppressed")),
    ("550 kim@example.com is on the suppression list", Cause("suppressed")),
    ("421 4.7.0 Too many errors, further replies suppressed", Cause("too_many_errors")),
    ("554 5.3.0 Duplicate message suppressed", Not("suppressed")),
    ("550 5.7.1 previously marked as spam", Not("suppressed")),
];

#[test]
fn who_takes_no_mail_from_some_takes_it_from_others() {
    demand(RESTRICTED);
}

const RESTRICTED: &[(&str, Is)] = &[
    ("550 5.7.1 The recipient does not accept mail from you", Cause("recipient_restricted")),
    ("550 User kim@example.com does not accept messages from your address", Cause("recipient_restricted")),
    ("550 5.7.1 This mailbox doesn't accept mail from outside", Cause("recipient_restricted")),
    ("550 This domain does not accept mail from you", Not("null_mx")),
    ("556 5.1.10 The domain does not accept mail", Cause("null_mx")),
    ("550 This mailbox does not accept mail", Cause("mailbox_disabled")),
    ("550 host does not accept mail from this address", Not("null_mx")),
    ("550 mailbox does not accept mail from a null sender", Not("mailbox_disabled")),
];

#[test]
fn a_message_has_expired_where_its_own_time_is_over() {
    demand(TIME);
}

const TIME: &[(&str, Is)] = &[
    ("Message expired after sitting in queue for 5 days", Cause("expired")),
    ("Delivery failed after 20 attempts", Cause("expired")),
    ("550 5.7.1 Your mail client is too old", Not("expired")),
    ("421 4.4.1 mx.example.com: the server did not respond", Not("expired")),
    ("535 5.7.8 Login failed, 5 attempts left", Cause("auth_failed")),
    ("421 4.7.0 3 attempts to guess a recipient, go away", Not("expired")),
    ("550 5.1.1 No such user. Giving up on 192.0.2.1.", Cause("user_unknown")),
    ("451 4.4.2 Mail server timed out while connecting", Not("expired")),
    ("550 5.4.7 Delivery expired (too many attempts)", Cause("expired")),
    ("550 The remote server did not respond", Cause("connect_failed")),
    ("550 5.7.1 Your client version is too old", Not("expired")),
];

#[test]
fn all_recipients_alone_says_nothing_of_the_order_of_commands() {
    demand(SEQUENCE);
}

const SEQUENCE: &[(&str, Is)] = &[
    ("554 5.5.1 Error: no valid recipients", Cause("bad_sequence")),
    ("554 All recipients were refused", Cause("bad_sequence")),
    ("550 5.7.1 All recipients of this list must confirm", Not("bad_sequence")),
    ("550 5.3.4 Message too large for all recipients", Cause("message_too_large")),
];
