//! The entries of the [table](super::table): one a format.

use super::table::{
    Format,
    Sign::{From, Mailer, Says, Subject},
    What::{Above, Dialogue, Everything, Label, Line, Tail},
    Who,
};

/// What most entries have in common.
const PLAIN: Format =
    Format { name: "", signs: &[], below: None, who: Who::Alone, what: &[Tail, Above], command: None };

/// The formats, in the order in which they are tried.
pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "m_filter",
        signs: &[Mailer("m-FILTER")],
        what: &[Label(&["-------server message"])],
        command: Some("-------SMTP command"),
        ..PLAIN
    },
    Format {
        name: "mailfoundry",
        signs: &[Says("Unable to deliver message to:"), Says("Delivery failed for the following reason:")],
        who: Who::Label(&["Unable to deliver message to:"]),
        what: &[Label(&["Delivery failed for the following reason:"])],
        ..PLAIN
    },
    Format {
        name: "kddi",
        signs: &[Says("Could not be delivered to:")],
        who: Who::Label(&["Could not be delivered to:"]),
        what: &[Tail, Everything],
        ..PLAIN
    },
    Format {
        name: "imail",
        signs: &[Mailer("SMTP32")],
        who: Who::Label(&[
            "userid:",
            "Unknown user:",
            "nown user:",
            "allowed size:",
            "attempts:",
            "undeliverable to",
            "rejected:",
        ]),
        what: &[Label(&["generated response:", "generated following response:"]), Line],
        ..PLAIN
    },
    Format {
        name: "interscan",
        signs: &[From("interscan")],
        who: Who::Label(&["Unable to deliver message to", "RCPT TO:", "RCPT To:"]),
        what: &[Dialogue, Line, Everything],
        ..PLAIN
    },
    Format {
        name: "interscan",
        signs: &[Says("InterScan"), Says("Unable to deliver message to")],
        who: Who::Label(&["Unable to deliver message to"]),
        what: &[Dialogue, Line],
        ..PLAIN
    },
    Format {
        name: "dialogue",
        signs: &[Subject("mail could not be delivered"), Says("Received")],
        who: Who::Label(&["RCPT TO:"]),
        what: &[Dialogue],
        ..PLAIN
    },
    Format {
        name: "surfcontrol",
        signs: &[Mailer("SurfControl")],
        who: Who::Label(&["Addressed To:"]),
        what: &[Label(&["Failed to send to identified host,", "Failed to send"]), Everything],
        ..PLAIN
    },
    Format {
        name: "mailmarshal",
        signs: &[Says("ould not be delivered because of"), Says("recipients were affected")],
        below: Some("recipients were affected"),
        what: &[Label(&["ould not be delivered because of"])],
        ..PLAIN
    },
    Format {
        name: "messagelabs",
        signs: &[Says("was unable to deliver your message to the following addresses"), Says("Reason:")],
        what: &[Label(&["Reason:"])],
        ..PLAIN
    },
    Format {
        name: "james",
        signs: &[Says("James mail server")],
        below: Some("ailed recipient(s):"),
        what: &[Label(&["Error message below:", "Error message:"]), Tail],
        ..PLAIN
    },
    Format {
        name: "james",
        signs: &[Says("Message details:"), Says("RCPT TO:")],
        who: Who::Label(&["RCPT TO:"]),
        what: &[Label(&["Error message below:", "Error:"]), Everything],
        ..PLAIN
    },
    Format {
        name: "verizon",
        signs: &[Says("could not be delivered to mobile")],
        who: Who::Label(&["RCPT TO:", "To:"]),
        what: &[Label(&["Error:"]), Everything],
        ..PLAIN
    },
    Format {
        name: "following_command",
        signs: &[Says("We had trouble delivering your message")],
        who: Who::Label(&["rejected recipient", "recipient", " for "]),
        what: &[Line],
        ..PLAIN
    },
    Format {
        name: "kerio",
        signs: &[Says("Delivery to the following recipients was aborted after")],
        what: &[Tail, Everything],
        ..PLAIN
    },
    Format {
        name: "smartermail",
        signs: &[Says("Failed Recipient:")],
        who: Who::Label(&["Failed Recipient:"]),
        what: &[Label(&["Reason:"])],
        ..PLAIN
    },
    Format {
        name: "mailenable",
        signs: &[Says("Recipient: [SMTP:")],
        who: Who::Label(&["Recipient:"]),
        what: &[Label(&["Reason:"])],
        ..PLAIN
    },
    Format { name: "hmailserver", signs: &[Says("hMailServer")], what: &[Tail], ..PLAIN },
    Format {
        name: "mdaemon",
        signs: &[Says("Failed address:")],
        who: Who::Label(&["Failed address:"]),
        what: &[Dialogue, Everything],
        ..PLAIN
    },
    Format {
        name: "mdaemon",
        signs: &[Says("Session Transcript")],
        who: Who::Label(&["RCPT To:", "RCPT TO:"]),
        what: &[Dialogue, Tail],
        ..PLAIN
    },
    Format {
        name: "ironport",
        signs: &[Says("was undeliverable"), Says("reason for the problem")],
        who: Who::Label(&["following message to"]),
        what: &[Label(&["reason for the problem:", "reason for the problem"])],
        ..PLAIN
    },
    Format {
        name: "communigate",
        signs: &[Says("Failed to deliver to '")],
        who: Who::Label(&["Failed to deliver to"]),
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "groupwise",
        signs: &[Says("The message that you sent was undeliverable to the following")],
        who: Who::Leading,
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "barracuda",
        signs: &[Says("Your message to: "), Says("was blocked by our")],
        who: Who::Label(&["Your message to:"]),
        what: &[Everything],
        ..PLAIN
    },
    Format {
        name: "smail",
        signs: &[Says("Failed addresses follow")],
        below: Some("Failed addresses follow"),
        who: Who::Leading,
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "powermta",
        signs: &[Says("this is the mail server on"), Says("list of the affected recipients")],
        who: Who::Leading,
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "sendgrid",
        signs: &[Says("automatically generated message from SendGrid")],
        who: Who::Label(&[":000000:", ":<"]),
        what: &[Line],
        ..PLAIN
    },
    Format {
        name: "notes",
        signs: &[Says("Failure Reasons")],
        below: Some("Failure Reasons"),
        what: &[Above],
        ..PLAIN
    },
    Format {
        name: "domino",
        signs: &[Says("was not delivered to:"), Says("because:")],
        who: Who::Label(&["was not delivered to:"]),
        what: &[Label(&["because:"])],
        ..PLAIN
    },
    Format { name: "zoho", signs: &[From("zoho")], who: Who::Leading, what: &[Tail, Everything], ..PLAIN },
    Format {
        name: "opensmtpd",
        signs: &[Says("This is the MAILER-DAEMON, please DO NOT REPLY to this")],
        who: Who::Leading,
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "dma",
        signs: &[Says("There was an error delivering your mail to")],
        who: Who::Label(&["error delivering your mail to"]),
        what: &[Tail],
        ..PLAIN
    },
    Format {
        name: "intermail",
        signs: &[Says("was undeliverable due to the following reason")],
        what: &[Label(&["due to the following reason:"])],
        ..PLAIN
    },
    Format {
        name: "usa_net",
        signs: &[Says("Intended recipient:"), Says("has been returned because")],
        who: Who::Label(&["Intended recipient:"]),
        what: &[Everything],
        ..PLAIN
    },
    Format {
        name: "unable_to_deliver",
        signs: &[Says("unable to deliver your message to"), Says("the following reason:")],
        who: Who::Label(&["unable to deliver your message to"]),
        what: &[Label(&["the following reason:"])],
        ..PLAIN
    },
    Format {
        name: "kerio",
        signs: &[
            Says("This is an automatically generated Delivery Status Notification"),
            Says("Technical details:"),
        ],
        what: &[Label(&["SMTP:RCPT host", "Routing:", "Technical details:"]), Tail],
        command: Some("SMTP:"),
        ..PLAIN
    },
    Format {
        name: "microsoft_smtp",
        signs: &[Says("This is an automatically generated Delivery Status Notification")],
        what: &[Tail, Above],
        ..PLAIN
    },
    Format {
        name: "workmail",
        signs: &[Says("trying to deliver the mail to the following recipients")],
        below: Some("following recipients"),
        what: &[Label(&["Diagnostic-Code:"]), Tail],
        ..PLAIN
    },
];

#[cfg(test)]
mod tests {
    use waxseal_model::mail::Stage;

    use super::super::tests::events;
    use super::*;

    /// A notice: its format, header, body, the text of its only event.
    const NOTICES: &[(&str, &str, &str, &str)] = &[
        (
            "m_filter",
            "From: POSTMASTER <postmaster@example.com>\nX-Mailer: m-FILTER\nSubject: failure notice",
            "bob@example.net\n\n\n-------server message\n550 5.1.1 <bob@example.net>: unknown\n\n-------SMTP command\nDATA\n\n-------original message\nReceived: from x\n",
            "550 5.1.1 <bob@example.net>: unknown",
        ),
        (
            "mailfoundry",
            "From: MAILER-DAEMON@example.com\nSubject: Message delivery has failed",
            "Unable to deliver message to: <bob@example.net>\nDelivery failed for the following reason:\nServer mx.example.net[192.0.2.25] failed with: 550 No such user here\n\nThis has been a permanent failure.\n",
            "550 No such user here",
        ),
        (
            "kddi",
            "From: no-reply@app.auone-net.jp\nSubject: Mail",
            "Your mail sent on: Thu, 29 Jan 2026 00:00:00 +0900\n     Could not be delivered to: <bob@example.net>\n     As their mailbox is full.\n",
            "As their mailbox is full.",
        ),
        (
            "imail",
            "From: \"Postmaster\" <postmaster@example.com>\nX-Mailer: <SMTP32 v8.12>\nSubject: Undeliverable Mail",
            "Invalid final delivery userid: bob@example.net\n\n\nOriginal message follows.\n\nTo: carol@example.net\n",
            "Invalid final delivery userid: bob@example.net",
        ),
        (
            "imail",
            "From: \"Postmaster\" <postmaster@example.com>\nX-Mailer: <SMTP32 v8.12>\nSubject: Undeliverable Mail",
            "undeliverable to bob@example.net\n\nRCPT TO generated following response:\n550 5.1.1 gone\n",
            "550 5.1.1 gone",
        ),
        (
            "interscan",
            "From: \"InterScan MSS\" <postmaster@example.com>\nSubject: Mail could not be delivered",
            "Sent <<< RCPT TO:<bob@example.net>\nReceived >>> 550 5.1.1 unknown user\n\nUnable to deliver message to <bob@example.net>.\n",
            "550 5.1.1 unknown user",
        ),
        (
            "dialogue",
            "From: postmaster@example.com\nSubject: Mail could not be delivered",
            "Sent <<< RCPT TO:<bob@example.net>\nReceived >>> 550 5.1.1 unknown user\n",
            "550 5.1.1 unknown user",
        ),
        (
            "surfcontrol",
            "From: <>\nX-Mailer: SurfControl E-mail Filter\nSubject: hello",
            "Your message could not be sent.\nThe number of attempts made: 1\nAddressed To: bob@example.net\n\nThu, 29 Jan 2026 00:00:00 +0900\nFailed to send to identified host,\nbob@example.net: [192.0.2.25], 550 5.7.1 Unable to relay\n--- Message non-deliverable.\n",
            "550 5.7.1 Unable to relay",
        ),
        (
            "mailmarshal",
            "From: postmaster@example.com\nSubject: Undeliverable Mail: hello",
            "Your message:\n   From:    alice@example.com\n   Subject: hello\nCould not be delivered because of\n\n550 5.1.1 User unknown\n\nThe following recipients were affected:\n    bob@example.net\n\nAdditional Information\n",
            "550 5.1.1 User unknown",
        ),
        (
            "messagelabs",
            "From: MAILER-DAEMON@messagelabs.com\nSubject: Mail Delivery Failure",
            "This is the mail delivery agent at messagelabs.com.\nI was unable to deliver your message to the following addresses:\n\nbob@example.net\n\nReason: 550 #5.1.0 Address rejected bob@example.net\n\nThe message subject was: hello\n",
            "550 #5.1.0 Address rejected bob@example.net",
        ),
        (
            "james",
            "From: postmaster@example.com\nSubject: Re: hello",
            "Hi. This is the James mail server at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\nOriginal email subject: hello\n\nFailed recipient(s):\nbob@example.net\n\nError message:\n550-5.7.26 not\n550 5.7.26 signed\n",
            "550 5.7.26 not signed",
        ),
        (
            "james",
            "From: postmaster@example.com\nSubject: [BOUNCE]",
            "Hi. This is the James mail server at mx.example.com.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\nbob@example.net\nRemote mail server told me: 550 5.1.1 unknown\n",
            "550 5.1.1 unknown",
        ),
        (
            "james",
            "From: post_master@vtext.com\nSubject: Re:hello",
            "Error: Invalid user address\n\nError message below:\n550 - Requested action not taken: no such user here\n\nMessage details:\n  Subject: hello\n  MAIL FROM: alice@example.com\n  RCPT TO: bob@example.net\n",
            "550 - Requested action not taken: no such user here",
        ),
        (
            "verizon",
            "From: sysadmin@vzwpix.com\nSubject: Undeliverable Message",
            "Message could not be delivered to mobile.\nError: No valid recipients for this MM\n\nMessage:\n  To: bob@example.net\n",
            "No valid recipients for this MM",
        ),
        (
            "following_command",
            "From: MAILER-DAEMON@example.com\nSubject: There was an error sending your mail",
            "We had trouble delivering your message. Full details follow:\n\nSubject: 'hello'\nDate: 'Thu, 29 Jan 2026 00:00:00 +0900'\n\n1 error(s):\n\nSMTP Server <mx.example.net> rejected recipient <bob@example.net>\n  (following RCPT command). It responded as follows: [550 5.1.1 User unknown]\n",
            "550 5.1.1 User unknown",
        ),
        (
            "kerio",
            "From: Mail Delivery System <mailer-daemon@example.com>\nSubject: Delivery status notification",
            "      This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients was aborted after 2.9 hour(s):\n\n  * bob@example.net\n     SMTP:Unexpected recipient failure - 550 5.1.1 User unknown\n",
            "550 5.1.1 User unknown",
        ),
        (
            "smartermail",
            "From: System Administrator <postmaster@example.com>\nSubject: Delivery Failure",
            "Could not deliver message to the following recipient(s):\n\nFailed Recipient: bob@example.net\nReason: Remote host said: 550 5.1.1 gone\n\n   -- The header and top 20 lines of the message follows --\n",
            "550 5.1.1 gone",
        ),
        (
            "mailenable",
            "From: \"Postmaster\" <postmaster@example.com>\nSubject: Message Delivery Failure",
            "MailEnable: Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:bob@example.net]\n\tReason: Remote SMTP Server Returned: 550 no such user\n\nMessage headers follow:\n\nReceived: from x\n",
            "550 no such user",
        ),
        (
            "mdaemon",
            "From: MDaemon@mx.example.com\nSubject: Permanent Delivery Failure",
            "The attached message had PERMANENT fatal delivery errors!\n\n> bob@example.net\n\n--- Session Transcript ---\n 220 mx.example.net ESMTP\n MAIL From:<alice@example.com>\n 250 ok\n RCPT To:<bob@example.net>\n 552 would exceed mailbox quota\n",
            "552 would exceed mailbox quota",
        ),
        (
            "intermail",
            "From: Mail Administrator <Postmaster@mx.example.com>\nSubject: Mail System Error - Returned Mail",
            "This Message was undeliverable due to the following reason:\n\nThe user(s) account is temporarily over quota.\n\n<bob@example.net>\n\nPlease reply to Postmaster@mx.example.com\n",
            "The user(s) account is temporarily over quota.",
        ),
        (
            "usa_net",
            "From: MAILER-DAEMON@example.com\nSubject: Processing Error",
            "Intended recipient: bob@example.net\n\nThe following mail has been returned because it encountered an error.\n",
            "Intended recipient: bob@example.net The following mail has been returned because it encountered an error.",
        ),
        (
            "unable_to_deliver",
            "From: MAILER-DAEMON@example.com\nSubject: failure notice",
            "Sorry, unable to deliver your message to bob@example.net for\nthe following reason:\n\n 552 Quota violation for carol@example.net\n",
            "552 Quota violation for carol@example.net",
        ),
        (
            "kerio",
            "From: Mail Delivery System <mailer-daemon@example.com>\nSubject: Delivery status notification",
            "      This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed permanently:\n\n   * bob@example.net\n\n====\n     Technical details:\n\nSMTP:RCPT host 192.0.2.20: 553 5.3.0 <bob@example.net>... gone\n",
            "553 5.3.0 <bob@example.net>... gone",
        ),
        (
            "hmailserver",
            "From: mailer-daemon@example.com\nSubject: Message undeliverable: hello",
            "Your message did not reach some or all of the intended recipients.\n\n   Sent: Thu, 29 Jan 2026 00:00:00 +0900\n   Subject: hello\n\nThe following recipient(s) could not be reached:\n\nbob@example.net\n   Error Type: SMTP\n   Remote server (192.0.2.25) issued an error.\n   hMailServer sent: RCPT TO:<bob@example.net>\n   Remote server replied: 550 5.1.1 no\n\nhMailServer\n",
            "550 5.1.1 no",
        ),
        (
            "mdaemon",
            "From: MDaemon at mail.example.com <MDaemon@mail.example.com>\nSubject: Permanent Delivery Failure",
            "The attached message had PERMANENT fatal delivery errors!\n\nFailed address: bob@example.net\n\n--- Session Transcript ---\n --> MAIL From:<alice@example.com>\n <-- 250 ok\n --> RCPT To:<bob@example.net>\n <-- 550 5.1.1 unknown\n--- End Transcript ---\n",
            "550 5.1.1 unknown",
        ),
        (
            "ironport",
            "From: Mail Delivery System <MAILER-DAEMON@esa.example.com>\nSubject: Delivery Status Notification (Failure)",
            "The following message to <bob@example.net> was undeliverable.\nThe reason for the problem:\n5.1.0 - Unknown address error 550-'5.1.1 <bob@example.net>: unknown'\n",
            "550 5.1.1 <bob@example.net>: unknown",
        ),
        (
            "communigate",
            "From: <MAILER-DAEMON@mail.example.com>\nSubject: Undeliverable mail: hello",
            "Failed to deliver to 'bob@example.net'\nSMTP module(domain example.net) reports:\n message text rejected by mx.example.net:\n 554 5.7.1 spam\n\n",
            "554 5.7.1 spam",
        ),
        (
            "groupwise",
            "From: <Mailer-Daemon@example.com>\nSubject: Message status - undeliverable",
            "The message that you sent was undeliverable to the following:\n\tbob@example.net (550 5.1.1 unknown)\n\n",
            "550 5.1.1 unknown",
        ),
        (
            "barracuda",
            "From: postmaster@example.com\nSubject: **Message you sent blocked by our bulk email filter**",
            "Your message to: bob@example.net\nwas blocked by our Spam Firewall. The email you sent has NOT BEEN DELIVERED\n",
            "Your message to: bob@example.net was blocked by our Spam Firewall. The email you sent has NOT BEEN DELIVERED",
        ),
        (
            "smail",
            "From: <MAILER-DAEMON@example.com>\nSubject: mail failed, returning to sender",
            "|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n|------------------------- Failed addresses follow: ---------------------|\n <bob@example.net> ... unknown host\n|------------------------- Message text follows: ------------------------|\nReceived: from x\n",
            "unknown host",
        ),
        (
            "powermta",
            "From: postmaster@example.com\nSubject: Delivery report",
            "Hello, this is the mail server on mx.example.com.\n\nImmediately below you will find a list of the affected recipients.\n\n  <bob@example.net>  delivery failed; will not continue trying\n",
            "delivery failed; will not continue trying",
        ),
        (
            "sendgrid",
            "From: MAILER-DAEMON@example.com\nSubject: Undelivered Mail Returned to Sender",
            "This is an automatically generated message from SendGrid.\n\nbob:000000:<bob@example.net> : 192.0.2.250 : mx.example.net:[192.0.2.25] : 550 5.1.1 User Unknown\n",
            "550 5.1.1 User Unknown",
        ),
        (
            "notes",
            "From: postmaster@example.com\nSubject: Undeliverable message",
            "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\nbob@example.net\n\n------- Returned Message --------\nReceived: from x\n",
            "User not listed in public Name & Address Book",
        ),
        (
            "domino",
            "From: Postmaster@example.com\nSubject: DELIVERY FAILURE: no such user",
            "Your message\n\n  Subject: hello\n\nwas not delivered to:\n\n  bob@example.net\n\nbecause:\n\n  User bob (bob@example.net) not listed in Domino Directory\n\n",
            "User bob (bob@example.net) not listed in Domino Directory",
        ),
        (
            "zoho",
            "From: mailer-daemon@mail.zoho.com\nSubject: Undelivered Mail Returned to Sender",
            "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients.\n\nbob@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <bob@example.net>... Unknown\n\n\nReceived:from x\n",
            "Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <bob@example.net>... Unknown",
        ),
        (
            "opensmtpd",
            "From: Mailer Daemon <MAILER-DAEMON@mx.example.com>\nSubject: Delivery status notification: error",
            "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n    An error has occurred while attempting to deliver a message for\n    the following list of recipients:\n\nbob@example.net: 550 5.1.1 unknown\n\n    Below is a copy of the original message:\n\nReceived: from x\n",
            "550 5.1.1 unknown",
        ),
        (
            "dma",
            "From: MAILER-DAEMON <>\nSubject: Mail delivery failed",
            "This is the DragonFly Mail Agent v0.13 at mx.example.com.\n\nThere was an error delivering your mail to <bob@example.net>.\n\nmx.example.net [192.0.2.25] did not like our RCPT TO:\n550-5.1.1 un\n550 5.1.1 known\n\nMessage headers follow.\n\nReceived: from x\n",
            "550 5.1.1 un known",
        ),
        (
            "microsoft_smtp",
            "From: postmaster@mail.example.com\nSubject: Delivery Status Notification (Failure)",
            "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       bob@example.net\n\n\n",
            "Delivery to the following recipients failed.",
        ),
        (
            "workmail",
            "From: MAILER-DAEMON@example.amazonses.com\nSubject: Delivery Status Notification (Failure)",
            "An error occurred while trying to deliver the mail to the following recipients:\nbob@example.net\n\nTechnical report:\n\nDiagnostic-Code: smtp; 550 5.1.1 gone\n\n",
            "550 5.1.1 gone",
        ),
    ];

    #[test]
    fn each_entry_reads_a_notice_of_its_format() {
        for (format, head, body, text) in NOTICES {
            let found = events(&format!("{head}\nTo: alice@example.com\n\n{body}"));
            assert_eq!(found.len(), 1, "{format}: {found:?}");
            let event = &found[0];
            assert_eq!(event.source.format, *format, "{body}");
            assert_eq!(event.recipient.as_deref(), Some("bob@example.net"), "{format}");
            assert_eq!(event.text, *text, "{format}");
        }
        for format in FORMATS {
            assert!(NOTICES.iter().any(|(name, ..)| *name == format.name), "{} has no notice", format.name);
        }
    }

    #[test]
    fn notices_may_end_anywhere() {
        for (_, head, body, _) in NOTICES {
            let mail = format!("{head}\nTo: alice@example.com\n\n{body}");
            for end in (0..mail.len()).step_by(3).filter(|end| mail.is_char_boundary(*end)) {
                events(&mail[..end]);
                events(&format!("{}{}", &mail[..end], &mail[(end + 3).min(mail.len())..]));
            }
        }
    }

    #[test]
    fn commands_codes_and_shared_words_are_found() {
        let find = |name: &str| {
            let (_, head, body, _) = NOTICES.iter().find(|(format, ..)| *format == name).unwrap();
            events(&format!("{head}\nTo: alice@example.com\n\n{body}")).remove(0)
        };
        assert_eq!(find("m_filter").stage, Some(Stage::Data));
        assert_eq!(find("hmailserver").stage, Some(Stage::Rcpt));
        assert_eq!((find("zoho").reply, find("zoho").status.map(|s| s.subject)), (Some(550), Some(1)));
        assert_eq!(find("mailfoundry").remote_host.as_deref(), Some("mx.example.net"));
        let found = events(
            "From: postmaster@example.com\nSubject: Re: x\n\nHi. This is the James mail server at mx.\n\nbob@example.net\ncarol@example.net\nUnknown host: example.net\n",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].text, found[1].text);
    }

    #[test]
    fn several_recipients_have_a_text_each() {
        let found = events(
            "From: Mailer Daemon <MAILER-DAEMON@mx.example.com>\nSubject: Delivery status notification: warning\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n    A message is delayed for more than 4 hours for the following\n    list of recipients:\n\na@example.net: 450 4.2.0 later\nb@example.net: Network error on destination MXs\n\n    Please note that this is only a temporary failure report.\n",
        );
        let texts: Vec<&str> = found.iter().map(|event| event.text.as_str()).collect();
        assert_eq!(texts, ["450 4.2.0 later", "Network error on destination MXs"]);
        assert!(found.iter().all(|event| event.outcome == waxseal_model::mail::Outcome::Deferred));
    }
}
