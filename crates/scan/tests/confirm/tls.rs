//! TLS: STARTTLS, certificates, versions, ports, policies.

use waxseal_model::{confirmation::Ending::*, diagnosis::Side};
use waxseal_scan::confirm::Server;

use super::{confirmer, diagnosis, ends, given, lab, rather, to};

fn server(host: &str, port: u16) -> waxseal_scan::confirm::Given {
    let server = Server { host: Some(host.into()), address: None, port: Some(port) };
    waxseal_scan::confirm::Given { server: Some(server), ..given() }
}

#[tokio::test]
async fn starttls_is_looked_for_on_every_address() {
    let lab = lab([
        "plaintext",
        "healthy",
        "expired",
        "closed-port",
        "one-bad-mx",
        "starttls-stripped",
        "helo-only",
    ])
    .await;
    let confirmer = confirmer(&lab);
    let missing = diagnosis("starttls_missing", "451 4.7.6 STARTTLS required but not advertised");
    let told = confirmer.confirm(&missing, &to("plaintext")).await;
    ends(&told, Confirmed, &["at mx.plaintext.lab.test[", "the server offers no STARTTLS"]);
    assert_eq!(told.connections, 1);
    let told = confirmer.confirm(&missing, &to("healthy")).await;
    ends(&told, Refuted, &["STARTTLS is offered now"]);
    assert!(told.rather.is_none());
    assert_eq!(told.connections, u32::try_from(told.observations.len()).unwrap() - 1, "one for each address");
    let told = confirmer.confirm(&missing, &to("expired")).await;
    rather(&told, "cert_expired", &["the certificate expired on", "30 days ago"]);
    let told = confirmer.confirm(&missing, &to("closed-port")).await;
    ends(&told, Untested, &["refused the connection"]);
    let told = confirmer.confirm(&missing, &to("one-bad-mx")).await;
    ends(&told, Confirmed, &["at mx2.one-bad-mx.lab.test[", "not so at mx1.one-bad-mx.lab.test["]);
    let told = confirmer.confirm(&missing, &to("starttls-stripped")).await;
    ends(&told, Confirmed, &["in the place of STARTTLS stands XXXXXXXA"]);
    assert!(told.fix.iter().any(|f| f.paste.as_deref().is_some_and(|p| p.contains("no inspect esmtp"))));
    let told = confirmer.confirm(&missing, &to("helo-only")).await;
    ends(&told, Confirmed, &["refuses EHLO itself"]);
    let told = confirmer.confirm(&missing, &to("no-such-domain")).await;
    ends(&told, Untested, &["the domain no-such-domain.lab.test does not exist"]);
}

#[tokio::test]
async fn a_named_address_decides_by_itself() {
    let lab = lab(["one-bad-mx"]).await;
    let mut missing = diagnosis("starttls_missing", "STARTTLS required");
    missing.event.recipient = Some("a@one-bad-mx.lab.test".into());
    missing.event.remote_host = Some("mx2.one-bad-mx.lab.test".into());
    missing.event.remote_address = lab.address("mx2.one-bad-mx.lab.test");
    missing.event.remote_port = Some(25);
    let told = confirmer(&lab).confirm(&missing, &given()).await;
    ends(&told, Confirmed, &["at mx2.one-bad-mx.lab.test["]);
}

#[tokio::test]
async fn starttls_that_is_refused_or_cut_is_told_apart() {
    let lab = lab(["starttls-454", "healthy", "starttls-stripped", "silent"]).await;
    let confirmer = confirmer(&lab);
    let unavailable = diagnosis("tls_unavailable", "454 4.7.0 TLS not available due to local problem");
    ends(&confirmer.confirm(&unavailable, &to("starttls-454")).await, Confirmed, &["answers it with \"454"]);
    ends(&confirmer.confirm(&unavailable, &to("healthy")).await, Refuted, &["offered now"]);
    ends(&confirmer.confirm(&unavailable, &to("silent")).await, Untested, &["no complete reply at greeting"]);
    let masked = diagnosis("tls_interception", "250-XXXXXXXA");
    ends(&confirmer.confirm(&masked, &to("starttls-stripped")).await, Confirmed, &["SMTP inspection"]);
    ends(&confirmer.confirm(&masked, &to("healthy")).await, Refuted, &[]);
}

#[tokio::test]
async fn who_demands_tls_must_offer_it() {
    let lab = lab(["healthy", "plaintext", "closed-port", "submission", "wrong-name"]).await;
    let confirmer = confirmer(&lab);
    let required = diagnosis("tls_required", "421-4.7.29 this message wasn't sent over a TLS connection");
    let told = confirmer.confirm(&required, &to("healthy")).await;
    ends(&told, Confirmed, &["TLS can be had at", "the sender's outbound route", "only its log"]);
    assert!(told.fix.iter().any(|f| f.paste.as_deref() == Some("smtp_tls_security_level = may")));
    // That the name is wrong keeps nobody from encrypting.
    ends(&confirmer.confirm(&required, &to("wrong-name")).await, Confirmed, &["TLS can be had"]);
    rather(
        &confirmer.confirm(&required, &to("plaintext")).await,
        "starttls_missing",
        &["offers no STARTTLS"],
    );
    ends(&confirmer.confirm(&required, &to("closed-port")).await, Untested, &["refused"]);
    let client = diagnosis("tls_required", "530 5.7.0 Must issue a STARTTLS command first");
    let told = confirmer.confirm(&client, &server("mx.submission.lab.test", 587)).await;
    ends(&told, Confirmed, &["the program that sends left it out", "STARTTLS on 587"]);
    let mut theirs = diagnosis("tls_required", "451 4.7.6 STARTTLS is required to send mail");
    theirs.side = Side::RecipientServer;
    ends(&confirmer.confirm(&theirs, &to("plaintext")).await, Confirmed, &["offers no STARTTLS"]);
    ends(&confirmer.confirm(&theirs, &to("wrong-name")).await, Confirmed, &["www.elsewhere.test"]);
    ends(&confirmer.confirm(&theirs, &to("healthy")).await, Refuted, &["with a certificate that verifies"]);
}

#[tokio::test]
async fn certificates_are_fetched_and_verified() {
    let lab = lab([
        "healthy",
        "expired",
        "not-yet-valid",
        "wrong-name",
        "self-signed",
        "missing-intermediate",
        "closed-port",
        "tls10-only",
        "plaintext",
    ])
    .await;
    let confirmer = confirmer(&lab);
    for (cause, domain, words) in [
        ("cert_expired", "expired", "expired on"),
        ("cert_expired", "not-yet-valid", "is valid only from"),
        (
            "cert_name_mismatch",
            "wrong-name",
            "the certificate is for www.elsewhere.test, not for mx.wrong-name",
        ),
        ("cert_untrusted", "self-signed", "signed with its own key (verify error 18"),
        ("cert_untrusted", "missing-intermediate", "does not send the intermediate certificate"),
    ] {
        let told = confirmer.confirm(&diagnosis(cause, "certificate verify failed"), &to(domain)).await;
        ends(&told, Confirmed, &[words]);
        let told = confirmer.confirm(&diagnosis(cause, "certificate verify failed"), &to("healthy")).await;
        ends(&told, Refuted, &[]);
        assert!(told.rather.is_none(), "{}", told.says());
        let told =
            confirmer.confirm(&diagnosis(cause, "certificate verify failed"), &to("closed-port")).await;
        ends(&told, Untested, &["refused"]);
    }
    let expired = diagnosis("cert_expired", "certificate has expired");
    rather(&confirmer.confirm(&expired, &to("wrong-name")).await, "cert_name_mismatch", &[]);
    rather(&confirmer.confirm(&expired, &to("plaintext")).await, "starttls_missing", &[]);
    // Read from hand-made hellos, as the TLS library does not speak TLS 1.0.
    let told = confirmer.confirm(&expired, &to("tls10-only")).await;
    ends(&told, Refuted, &["valid today"]);
    let chain = diagnosis("cert_untrusted", "unable to get local issuer certificate");
    let told = confirmer.confirm(&chain, &to("missing-intermediate")).await;
    assert!(told.fix.iter().any(|f| f.text.contains("fullchain.pem")), "{told:#?}");
}

#[tokio::test]
async fn the_clock_is_shown_beside_the_dates() {
    let lab = lab(["healthy"]).await;
    let mut early = diagnosis("cert_expired", "certificate verification failed: certificate not yet valid");
    early.event.time = Some(0);
    let told = confirmer(&lab).confirm(&early, &to("healthy")).await;
    ends(&told, Refuted, &["the clock of the machine that complained is wrong"]);
    let said = |what: &str| told.observations.iter().any(|o| o.what.starts_with(what));
    assert!(said("the clock here") && said("the time in the text") && said("certificate of mx.healthy"));
}

#[tokio::test]
async fn issuers_are_asked_only_where_the_text_speaks_of_revocation() {
    let lab = lab(["issuer-revoked", "issuer-good", "healthy"]).await;
    let confirmer = confirmer(&lab);
    let revoked = diagnosis("cert_untrusted", "certificate verify failed: certificate revoked");
    ends(&confirmer.confirm(&revoked, &to("issuer-revoked")).await, Confirmed, &["the issuer revoked"]);
    ends(&confirmer.confirm(&revoked, &to("issuer-good")).await, Refuted, &["the issuer says"]);
    ends(
        &confirmer.confirm(&revoked, &to("healthy")).await,
        Untested,
        &["whether the certificate is revoked"],
    );
    let asked = lab.connections("issuer.issuer-revoked.lab.test");
    let untrusted = diagnosis("cert_untrusted", "certificate verify failed");
    ends(&confirmer.confirm(&untrusted, &to("issuer-revoked")).await, Refuted, &[]);
    assert!(asked > 0 && lab.connections("issuer.issuer-revoked.lab.test") == asked);
}

#[tokio::test]
async fn a_certificate_put_in_between_is_not_there_from_here() {
    let lab = lab(["healthy", "self-signed", "closed-port"]).await;
    let confirmer = confirmer(&lab);
    let between = diagnosis("tls_interception", "verify error: issuer=CN=Avast Web/Mail Shield Root");
    ends(&confirmer.confirm(&between, &to("healthy")).await, Confirmed, &["near the sender"]);
    rather(&confirmer.confirm(&between, &to("self-signed")).await, "cert_untrusted", &[]);
    ends(&confirmer.confirm(&between, &to("closed-port")).await, Untested, &["refused"]);
}

#[tokio::test]
async fn versions_and_handshakes_are_tried() {
    let lab =
        lab(["healthy", "tls10-only", "tls13-only", "tls-alert", "tls-reset", "closed-port", "wrong-name"])
            .await;
    let confirmer = confirmer(&lab);
    let version = diagnosis("tls_version", "tlsv1 alert protocol version");
    let told = confirmer.confirm(&version, &to("tls10-only")).await;
    ends(&told, Confirmed, &["knows nothing newer than TLS 1.0"]);
    let told = confirmer.confirm(&version, &to("tls13-only")).await;
    ends(&told, Confirmed, &["takes TLS 1.3 and nothing older"]);
    ends(&confirmer.confirm(&version, &to("closed-port")).await, Untested, &["refused"]);
    let suites = diagnosis("tls_version", "no shared cipher");
    ends(&confirmer.confirm(&suites, &to("healthy")).await, Refuted, &["the sender's list"]);
    let handshake = diagnosis("tls_handshake", "SSL_connect error");
    ends(
        &confirmer.confirm(&handshake, &to("tls-alert")).await,
        Confirmed,
        &["the handshake fails", "alert"],
    );
    ends(
        &confirmer.confirm(&handshake, &to("tls-reset")).await,
        Confirmed,
        &["the handshake fails", "reset"],
    );
    ends(&confirmer.confirm(&handshake, &to("healthy")).await, Refuted, &["a handshake comes about now"]);
    rather(&confirmer.confirm(&handshake, &to("wrong-name")).await, "cert_name_mismatch", &[]);
}

#[tokio::test]
async fn each_port_shows_how_tls_begins_there() {
    let lab = lab(["submission", "closed-port"]).await;
    let confirmer = confirmer(&lab);
    let host = "mx.submission.lab.test";
    let clear_first = diagnosis("wrong_encryption_type", "Greeting never received");
    let tls_first = diagnosis("wrong_encryption_type", "SSL routines:ssl3_get_record:wrong version number");
    let told = confirmer.confirm(&clear_first, &server(host, 465)).await;
    ends(&told, Confirmed, &[":465 begins with TLS at once: set SSL/TLS"]);
    assert_eq!(told.connections, 3, "one for each port");
    ends(
        &confirmer.confirm(&tls_first, &server(host, 587)).await,
        Confirmed,
        &[":587 begins in clear and offers STARTTLS"],
    );
    ends(
        &confirmer.confirm(&tls_first, &server(host, 465)).await,
        Refuted,
        &["which is how the sender began"],
    );
    ends(&confirmer.confirm(&clear_first, &to("submission")).await, Untested, &["does not say which port"]);
    ends(
        &confirmer.confirm(&tls_first, &server("mx.closed-port.lab.test", 465)).await,
        Untested,
        &["could not be asked"],
    );
}

#[tokio::test]
async fn policies_are_held_against_the_servers() {
    let lab = lab([
        "healthy",
        "plaintext",
        "sts-expired-mx",
        "sts-one-mx-left-out",
        "dane-no-starttls",
        "dane-one-mx-mismatch",
        "closed-port",
    ])
    .await;
    let confirmer = confirmer(&lab);
    let sts = diagnosis("mta_sts_fail", "sts-policy validation failed");
    ends(&confirmer.confirm(&sts, &to("sts-expired-mx")).await, Confirmed, &["MTA-STS"]);
    let told = confirmer.confirm(&sts, &to("sts-one-mx-left-out")).await;
    ends(&told, Confirmed, &["leaves out"]);
    assert!(told.fix.iter().any(|f| f.paste.is_some()), "{told:#?}");
    ends(&confirmer.confirm(&sts, &to("healthy")).await, Refuted, &["fit together now"]);
    ends(&confirmer.confirm(&sts, &to("plaintext")).await, Refuted, &["publishes no MTA-STS policy now"]);
    ends(&confirmer.confirm(&sts, &server("mx.healthy.lab.test", 25)).await, Untested, &["--to DOMAIN"]);
    let dane = diagnosis("dane_fail", "TLSA record does not match");
    ends(&confirmer.confirm(&dane, &to("dane-no-starttls")).await, Confirmed, &[]);
    let told = confirmer.confirm(&dane, &to("dane-one-mx-mismatch")).await;
    ends(&told, Confirmed, &["do not match its certificate"]);
    ends(&confirmer.confirm(&dane, &to("healthy")).await, Refuted, &["fit together now"]);
    ends(
        &confirmer.confirm(&dane, &to("plaintext")).await,
        Refuted,
        &["no server of plaintext.lab.test has TLSA records"],
    );
    ends(&confirmer.confirm(&dane, &to("no-such")).await, Untested, &["does not exist"]);
}
