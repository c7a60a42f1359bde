//! Names: where mail for a domain goes, whether the sender's can be answered, circles.

use waxseal_model::confirmation::Ending::*;
use waxseal_scan::confirm::Given;

use super::{confirmer, diagnosis, ends, from, given, lab, rather, to};

#[tokio::test]
async fn the_names_of_a_domain_are_followed() {
    let lab =
        lab(["healthy", "null-mx", "dangling-mx", "bogus", "servfail", "mx-loop", "bl-empty", "mx-address"])
            .await;
    let confirmer = confirmer(&lab);
    let gone = diagnosis("domain_not_found", "550 5.1.2 Host unknown");
    ends(&confirmer.confirm(&gone, &to("gone")).await, Confirmed, &["does not exist (NXDOMAIN)"]);
    ends(&confirmer.confirm(&gone, &to("healthy")).await, Refuted, &["found now"]);
    rather(&confirmer.confirm(&gone, &to("null-mx")).await, "null_mx", &["takes no mail"]);
    ends(&confirmer.confirm(&gone, &to("servfail")).await, Untested, &["SERVFAIL"]);
    let told = confirmer.confirm(&diagnosis("null_mx", "556 5.1.10 null MX"), &to("null-mx")).await;
    ends(&told, Confirmed, &["null MX"]);
    assert_eq!(told.connections, 0);
    let broken = diagnosis("mx_broken", "unable to find an MX host");
    ends(&confirmer.confirm(&broken, &to("dangling-mx")).await, Confirmed, &["no mail host of dangling-mx"]);
    ends(&confirmer.confirm(&broken, &to("mx-loop")).await, Confirmed, &["alias"]);
    ends(&confirmer.confirm(&broken, &to("bl-empty")).await, Confirmed, &["neither MX nor address"]);
    ends(&confirmer.confirm(&broken, &to("mx-address")).await, Confirmed, &["where a name must stand"]);
    let dnssec = diagnosis("dnssec_fail", "DNSSEC validation failure");
    ends(&confirmer.confirm(&dnssec, &to("bogus")).await, Confirmed, &["do not verify by DNSSEC"]);
    ends(&confirmer.confirm(&dnssec, &to("healthy")).await, Refuted, &[]);
    let failure = diagnosis("dns_failure", "Name service error: Host not found, try again");
    ends(&confirmer.confirm(&failure, &to("servfail")).await, Confirmed, &["cannot be looked up"]);
    ends(&confirmer.confirm(&failure, &to("bogus")).await, Confirmed, &["DNSSEC"]);
}

#[tokio::test]
async fn name_servers_that_never_answer_are_theirs_only_if_others_were_answered() {
    let lab = lab(["dns-silent", "healthy"]).await;
    let confirmer = confirmer(&lab);
    let failure = diagnosis("dns_failure", "Host not found, try again");
    let told = confirmer.confirm(&failure, &to("dns-silent")).await;
    assert_ne!(told.verdict, Refuted, "{}", told.says());
    let fresh = super::confirmer(&lab);
    lab.stop().await;
    ends(&fresh.confirm(&failure, &to("healthy")).await, Untested, &["no DNS server answers"]);
}

#[tokio::test]
async fn a_host_that_a_program_was_set_to_is_looked_up_by_itself() {
    let lab = lab(["healthy", "submission"]).await;
    let confirmer = confirmer(&lab);
    let gone = diagnosis("domain_not_found", "getaddrinfo ENOTFOUND smtp.gone.lab.test");
    ends(&confirmer.confirm(&gone, &given()).await, Confirmed, &["smtp.gone.lab.test does not exist"]);
    let there = diagnosis("domain_not_found", "getaddrinfo ENOTFOUND mx.submission.lab.test");
    ends(&confirmer.confirm(&there, &given()).await, Refuted, &["is found now"]);
    let text =
        "Host or domain name not found. Name service error for name=healthy.lab.test type=MX: Host not found";
    ends(&confirmer.confirm(&diagnosis("domain_not_found", text), &given()).await, Refuted, &["found now"]);
}

#[tokio::test]
async fn the_senders_domain_must_be_one_that_can_be_answered() {
    let lab = lab(["healthy", "null-mx", "servfail", "bl-empty"]).await;
    let confirmer = confirmer(&lab);
    let invalid = diagnosis("sender_domain_invalid", "450 4.1.8 Sender address rejected: Domain not found");
    ends(&confirmer.confirm(&invalid, &from("gone", "")).await, Confirmed, &["does not exist"]);
    ends(&confirmer.confirm(&invalid, &from("null-mx", "")).await, Confirmed, &["takes no mail"]);
    ends(&confirmer.confirm(&invalid, &from("bl-empty", "")).await, Confirmed, &["neither MX nor address"]);
    ends(
        &confirmer.confirm(&invalid, &from("servfail", "")).await,
        Confirmed,
        &["from here as at the receiver"],
    );
    ends(&confirmer.confirm(&invalid, &from("healthy", "")).await, Refuted, &["takes mail now"]);
    let callout = diagnosis("sender_domain_invalid", "550 Sender verify failed");
    ends(&confirmer.confirm(&callout, &from("healthy", "")).await, Untested, &["a delivery attempt"]);
    ends(&confirmer.confirm(&invalid, &given()).await, Untested, &["--from DOMAIN"]);
}

#[tokio::test]
async fn a_circle_is_an_mx_that_leads_back() {
    let lab = lab(["plaintext"]).await;
    let confirmer = confirmer(&lab);
    let mut circle = diagnosis("mail_loop", "mail for plaintext.lab.test loops back to myself");
    circle.event.reporter = Some("mx.plaintext.lab.test".into());
    ends(
        &confirmer.confirm(&circle, &to("plaintext")).await,
        Confirmed,
        &["is the very server that reports the loop"],
    );
    circle.event.reporter = None;
    let elsewhere = Given { address: "127.0.0.9".parse().ok(), ..to("plaintext") };
    ends(&confirmer.confirm(&circle, &elsewhere).await, Untested, &["Received lines"]);
    ends(&confirmer.confirm(&circle, &to("plaintext")).await, Confirmed, &["loopback"]);
}
