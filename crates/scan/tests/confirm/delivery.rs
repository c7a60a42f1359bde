//! After TLS: logins, relaying, extensions, sizes, recipients; and what has no test.

use waxseal_model::{confirmation::Ending::*, diagnosis::RunnerUp};
use waxseal_scan::confirm::{Given, RecipientTest, Server};

use super::{confirmer, diagnosis, ends, given, lab, rather, to};

fn server(host: &str, port: u16) -> Given {
    Given { server: Some(Server { host: Some(host.into()), address: None, port: Some(port) }), ..given() }
}

#[tokio::test]
async fn logins_are_looked_for_on_every_port_and_nothing_is_sent() {
    let lab = lab(["submission", "auth-in-clear", "plaintext", "closed-port", "starttls-454"]).await;
    let confirmer = confirmer(&lab);
    let required = diagnosis("auth_required", "530 5.7.0 Authentication required");
    let host = "mx.submission.lab.test";
    ends(
        &confirmer.confirm(&required, &server(host, 587)).await,
        Confirmed,
        &["AUTH is offered within TLS only: PLAIN LOGIN"],
    );
    ends(
        &confirmer.confirm(&required, &server(host, 25)).await,
        Confirmed,
        &["offers no login: send through", ":587"],
    );
    rather(
        &confirmer.confirm(&required, &server("mx.plaintext.lab.test", 25)).await,
        "auth_not_offered",
        &[],
    );
    ends(
        &confirmer.confirm(&required, &server("mx.closed-port.lab.test", 587)).await,
        Untested,
        &["could not be asked"],
    );
    // AUTH may be offered within TLS that does not come about.
    ends(
        &confirmer.confirm(&required, &server("mx.starttls-454.lab.test", 25)).await,
        Untested,
        &["did not come about"],
    );
    let none = diagnosis("auth_not_offered", "server does not support SMTP AUTH");
    ends(&confirmer.confirm(&none, &server(host, 587)).await, Confirmed, &["within TLS only"]);
    ends(&confirmer.confirm(&none, &server(host, 25)).await, Confirmed, &["offers no AUTH: use"]);
    ends(
        &confirmer.confirm(&none, &server("mx.auth-in-clear.lab.test", 587)).await,
        Refuted,
        &["before and within TLS"],
    );
    let mechanism = |text| diagnosis("auth_mechanism", text);
    let told = confirmer.confirm(&mechanism("504 CRAM-MD5 not supported"), &server(host, 587)).await;
    ends(&told, Confirmed, &["does not offer CRAM-MD5; it offers PLAIN LOGIN"]);
    ends(
        &confirmer.confirm(&mechanism("504 LOGIN unknown"), &server(host, 587)).await,
        Refuted,
        &["offers LOGIN"],
    );
    ends(
        &confirmer.confirm(&mechanism("504 unknown"), &server(host, 587)).await,
        Untested,
        &["which mechanism"],
    );
    assert!(lab.log().iter().all(|line| !format!("{line:?}").contains("AUTH ")), "nobody signs in");
}

#[tokio::test]
async fn relaying_is_refused_by_servers_of_others() {
    let lab = lab(["submission", "rcpt-relay", "plaintext", "healthy", "closed-port", "servfail"]).await;
    let confirmer = confirmer(&lab);
    let mut denied = diagnosis("relay_denied", "554 5.7.1 Relay access denied");
    denied.event.recipient = Some("bob@healthy.lab.test".into());
    denied.event.remote_host = Some("mx.submission.lab.test".into());
    let told = confirmer.confirm(&denied, &given()).await;
    ends(
        &told,
        Confirmed,
        &["does not take mail for healthy.lab.test, unless the sender signs in, at", ":587"],
    );
    denied.event.remote_host = Some("mx.plaintext.lab.test".into());
    ends(
        &confirmer.confirm(&denied, &given()).await,
        Confirmed,
        &["offers no login on any port that answered"],
    );
    denied.event.remote_host = Some("mx.closed-port.lab.test".into());
    ends(&confirmer.confirm(&denied, &given()).await, Untested, &["could not be reached at any port"]);
    // Whose server it is is not known where the MX records are not.
    denied.event.recipient = Some("bob@servfail.lab.test".into());
    denied.event.remote_host = Some("mx.plaintext.lab.test".into());
    ends(
        &confirmer.confirm(&denied, &given()).await,
        Untested,
        &["a mail host of servfail.lab.test is not known"],
    );
    let mut own = diagnosis("relay_denied", "554 5.7.1 Relay access denied");
    own.event.recipient = Some("bob@rcpt-relay.lab.test".into());
    own.event.remote_host = Some("mx.rcpt-relay.lab.test".into());
    own.event.reply = Some(554);
    own.event.status = waxseal_model::mail::EnhancedStatus::parse("5.7.1");
    ends(
        &confirmer.confirm(&own, &given()).await,
        Untested,
        &["is a mail host of rcpt-relay.lab.test", "--rcpt"],
    );
    let asked = Given { recipient_test: Some(RecipientTest::default()), ..given() };
    ends(&confirmer.confirm(&own, &asked).await, Confirmed, &["554 5.7.1 Relay access denied"]);
    assert!(lab.log().iter().all(|line| !format!("{line:?}").contains("DATA")));
}

#[tokio::test]
async fn extensions_and_sizes_are_read_from_ehlo() {
    let lab = lab(["no-smtputf8", "healthy", "closed-port", "plaintext"]).await;
    let confirmer = confirmer(&lab);
    let utf8 = diagnosis("smtputf8_required", "553 5.6.7 SMTPUTF8 is required");
    let told = confirmer.confirm(&utf8, &to("no-smtputf8")).await;
    ends(&told, Confirmed, &["SMTPUTF8 is not offered within TLS"]);
    ends(&confirmer.confirm(&utf8, &to("healthy")).await, Refuted, &["SMTPUTF8 is offered now"]);
    ends(&confirmer.confirm(&utf8, &to("closed-port")).await, Untested, &["refused"]);
    let command = diagnosis("command_rejected", "500 5.5.1 command not recognised");
    ends(&confirmer.confirm(&command, &to("healthy")).await, Untested, &["does not name an extension"]);
    let large = diagnosis(
        "message_too_large",
        "message size 28562394 exceeds size limit 10240000 of server mx.plaintext.lab.test",
    );
    ends(
        &confirmer.confirm(&large, &to("plaintext")).await,
        Confirmed,
        &["takes up to 10.2 MB", "the message has 28.6 MB"],
    );
    let unsaid = diagnosis("message_too_large", "552 5.3.4 Message too big");
    ends(&confirmer.confirm(&unsaid, &to("plaintext")).await, Untested, &["--size BYTES", "10.2 MB"]);
    let small = Given { size: Some(20_000), ..to("plaintext") };
    ends(&confirmer.confirm(&unsaid, &small).await, Refuted, &["not too large"]);
}

#[tokio::test]
async fn recipients_are_put_to_servers_on_request_only() {
    let lab = lab(["rcpt-unknown", "rcpt-full", "rcpt-greylisted", "healthy", "closed-port"]).await;
    let confirmer = confirmer(&lab);
    let unknown = diagnosis("user_unknown", "550 5.1.1 <bob>: Recipient address rejected: User unknown");
    let told = confirmer.confirm(&unknown, &to("rcpt-unknown")).await;
    ends(&told, Untested, &["it would take a delivery attempt"]);
    assert_eq!(told.connections, 0);
    assert_eq!(lab.connections("mx.rcpt-unknown.lab.test"), 0);
    let asked = |domain: &str| Given {
        to: Some(format!("bob@{domain}.lab.test")),
        recipient_test: Some(RecipientTest::default()),
        ..given()
    };
    let mut unknown = unknown;
    unknown.event.reply = Some(550);
    unknown.event.status = waxseal_model::mail::EnhancedStatus::parse("5.1.1");
    let told = confirmer.confirm(&unknown, &asked("rcpt-unknown")).await;
    ends(&told, Confirmed, &["refuses the recipient now", "550 5.1.1 User unknown"]);
    assert_eq!(told.connections, 1);
    ends(&confirmer.confirm(&unknown, &asked("healthy")).await, Refuted, &["takes the recipient now"]);
    ends(&confirmer.confirm(&unknown, &asked("closed-port")).await, Untested, &["refused the connection"]);
    let mut grey = diagnosis("greylisted", "451 4.7.1 Greylisted");
    grey.event.reply = Some(451);
    grey.event.status = waxseal_model::mail::EnhancedStatus::parse("4.7.1");
    ends(&confirmer.confirm(&grey, &asked("rcpt-greylisted")).await, Confirmed, &["451 4.7.1"]);
    let odd = Given { to: Some("b b<>@healthy.lab.test".into()), ..asked("healthy") };
    ends(&confirmer.confirm(&unknown, &odd).await, Untested, &["is not put to servers"]);
    let said: Vec<String> = lab.log().iter().map(|line| format!("{line:?}")).collect();
    assert!(said.iter().any(|l| l.contains("MAIL FROM:<>")) && said.iter().any(|l| l.contains("RSET")));
    assert!(said.iter().all(|l| !l.contains("DATA")), "no message is begun");
}

#[tokio::test]
async fn what_has_no_test_says_why() {
    let lab = lab(["healthy"]).await;
    let confirmer = confirmer(&lab);
    for (cause, words) in [
        ("auth_failed", "never sends a password"),
        ("spam_content", "depends on the message itself"),
        ("sender_compromised", "neither relays"),
        ("rate_limited", "how much was sent"),
        ("unspecified", "does not say what went wrong"),
        ("delivered", "reports no failure"),
    ] {
        let told = confirmer.confirm(&diagnosis(cause, "550 no"), &to("healthy")).await;
        ends(&told, Untested, &[words]);
        assert_eq!(told.connections, 0, "{cause}");
    }
}

#[tokio::test]
async fn the_second_best_answer_is_tested_where_the_best_is_refuted() {
    let lab = lab(["healthy", "spf-good"]).await;
    let mut missing = diagnosis("starttls_missing", "451 4.7.6 refused");
    missing.runner_up = Some(RunnerUp {
        cause: "spf_fail".into(),
        summary: "SPF does not allow this server.".into(),
        confidence: 0.3,
        rule: "test".into(),
    });
    let asked =
        Given { from: Some("spf-good.lab.test".into()), address: "192.0.2.7".parse().ok(), ..to("healthy") };
    let told = confirmer(&lab).confirm(&missing, &asked).await;
    rather(&told, "spf_fail", &["SPF of spf-good.lab.test says fail"]);
    let told = confirmer(&lab).confirm(&missing, &to("healthy")).await;
    ends(&told, Refuted, &["STARTTLS is offered now"]);
}
