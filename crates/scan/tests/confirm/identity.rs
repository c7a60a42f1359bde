//! Who sends: SPF, DKIM, DMARC, reverse names, EHLO names, blocklists.

use waxseal_model::confirmation::Ending::*;
use waxseal_scan::confirm::{Given, Need, missing};

use super::{confirmer, diagnosis, ends, from, given, lab, rather};

#[tokio::test]
async fn spf_is_evaluated_for_the_address_that_sent() {
    let lab = lab(["spf-good", "spf-softfail", "spf-bad-syntax", "spf-servfail", "plaintext"]).await;
    let confirmer = confirmer(&lab);
    let own = lab.address("mx.spf-good.lab.test").unwrap().to_string();
    let spf = diagnosis("spf_fail", "550 5.7.23 SPF validation failed");
    let told = confirmer.confirm(&spf, &from("spf-good", "192.0.2.7")).await;
    ends(&told, Confirmed, &["SPF of spf-good.lab.test says fail for 192.0.2.7"]);
    assert_eq!(told.connections, 0);
    assert!(told.observations.iter().any(|o| o.said.contains("by \"-all\"")), "{told:#?}");
    assert!(told.fix.iter().any(|f| f.paste.as_deref() == Some("ip4:192.0.2.7")));
    ends(&confirmer.confirm(&spf, &from("spf-good", &own)).await, Refuted, &["says pass"]);
    ends(&confirmer.confirm(&spf, &from("spf-softfail", "192.0.2.7")).await, Confirmed, &["softfail"]);
    ends(&confirmer.confirm(&spf, &from("spf-bad-syntax", "192.0.2.7")).await, Confirmed, &["permerror"]);
    ends(&confirmer.confirm(&spf, &from("plaintext", "192.0.2.7")).await, Confirmed, &["says none"]);
    ends(
        &confirmer.confirm(&spf, &from("spf-servfail", "192.0.2.7")).await,
        Untested,
        &["DNS failed on the way"],
    );
    ends(
        &confirmer.confirm(&spf, &given()).await,
        Untested,
        &["the sender's domain is not known", "--from DOMAIN"],
    );
}

#[tokio::test]
async fn what_lacks_is_named_and_what_the_text_says_is_used() {
    let lab = lab(["spf-good"]).await;
    let text =
        "550 5.7.1 SPF: domain of a@spf-good.lab.test does not designate 192.0.2.7 as permitted sender";
    let spf = diagnosis("spf_fail", text);
    assert_eq!(missing(&spf, &given()), []);
    ends(&confirmer(&lab).confirm(&spf, &given()).await, Confirmed, &["says fail for 192.0.2.7"]);
    let bare = diagnosis("spf_fail", "550 SPF");
    assert_eq!(missing(&bare, &given()), [Need::SenderDomain, Need::ClientAddress]);
    assert_eq!(missing(&bare, &Given { from: Some("a.example".into()), ..given() }), [Need::ClientAddress]);
    assert_eq!(missing(&diagnosis("starttls_missing", "451"), &given()), [Need::Place]);
    assert_eq!(missing(&diagnosis("auth_failed", "535"), &given()), []);
}

#[tokio::test]
async fn mail_without_authentication_needs_spf_or_dkim() {
    let lab = lab(["spf-good", "dkim-good", "dkim-no-domainkey"]).await;
    let confirmer = confirmer(&lab);
    let none = diagnosis(
        "unauthenticated",
        "550-5.7.26 Your email has been blocked because the sender is unauthenticated",
    );
    let told = confirmer.confirm(&none, &from("dkim-no-domainkey", "192.0.2.7")).await;
    ends(&told, Confirmed, &["says none", "has no _domainkey"]);
    let told = confirmer.confirm(&none, &from("dkim-good", "192.0.2.7")).await;
    ends(&told, Confirmed, &["cannot be seen without the message"]);
    let own = lab.address("mx.spf-good.lab.test").unwrap().to_string();
    ends(&confirmer.confirm(&none, &from("spf-good", &own)).await, Refuted, &["says pass", "no DKIM key"]);
}

#[tokio::test]
async fn the_key_of_a_selector_is_looked_at() {
    let lab = lab(["dkim-good", "dkim-revoked", "dkim-malformed", "dkim-512", "dkim-no-domainkey"]).await;
    let confirmer = confirmer(&lab);
    let dkim = diagnosis("dkim_fail", "550 5.7.20 DKIM signature did not verify");
    let with = |domain: &str, selector: &str| Given { selectors: vec![selector.into()], ..from(domain, "") };
    let told = confirmer.confirm(&dkim, &with("dkim-good", "gone")).await;
    ends(&told, Confirmed, &["gone._domainkey.dkim-good.lab.test: there is no key record"]);
    ends(&confirmer.confirm(&dkim, &with("dkim-revoked", "default")).await, Confirmed, &["withdrawn"]);
    ends(&confirmer.confirm(&dkim, &with("dkim-512", "default")).await, Confirmed, &["512 bits"]);
    ends(
        &confirmer.confirm(&dkim, &with("dkim-malformed", "default")).await,
        Confirmed,
        &["default._domainkey"],
    );
    ends(&confirmer.confirm(&dkim, &from("dkim-no-domainkey", "")).await, Confirmed, &["no DKIM key at all"]);
    ends(&confirmer.confirm(&dkim, &with("dkim-good", "default")).await, Untested, &["published and sound"]);
    ends(
        &confirmer.confirm(&dkim, &from("dkim-good", "")).await,
        Untested,
        &["which selector", "--selector"],
    );
    let named = diagnosis("dkim_fail", "dkim=fail (no key for gone._domainkey.dkim-good.lab.test)");
    ends(&confirmer.confirm(&named, &given()).await, Confirmed, &["there is no key record"]);
}

#[tokio::test]
async fn dmarc_is_its_policy_and_what_meets_it() {
    let lab = lab(["dmarc-reject", "dmarc-none", "dmarc-missing", "spf-good"]).await;
    let confirmer = confirmer(&lab);
    let dmarc = diagnosis("dmarc_fail", "550 5.7.26 message fails DMARC");
    let told = confirmer.confirm(&dmarc, &from("dmarc-reject", "192.0.2.7")).await;
    ends(
        &told,
        Confirmed,
        &["asks by DMARC to reject", "SPF does not pass for 192.0.2.7 (none)", "without the message"],
    );
    ends(&confirmer.confirm(&dmarc, &from("dmarc-none", "192.0.2.7")).await, Refuted, &["policy none"]);
    ends(
        &confirmer.confirm(&dmarc, &from("dmarc-missing", "192.0.2.7")).await,
        Refuted,
        &["no DMARC record"],
    );
    let missing = diagnosis("dmarc_fail", "550 5.7.40 the sending domain doesn't have a DMARC record");
    ends(
        &confirmer.confirm(&missing, &from("dmarc-missing", "")).await,
        Confirmed,
        &["dmarc-missing.lab.test has no DMARC record"],
    );
    ends(
        &confirmer.confirm(&missing, &from("dmarc-none", "")).await,
        Refuted,
        &["publishes a DMARC record now"],
    );
    ends(&confirmer.confirm(&dmarc, &from("dmarc-reject", "")).await, Untested, &["--address IP"]);
    // The envelope sender is somebody else's: SPF passes, and does not fit.
    let mut other = dmarc.clone();
    other.event.sender = Some("bounce@spf-good.lab.test".into());
    let own = lab.address("mx.spf-good.lab.test").unwrap().to_string();
    let told = confirmer.confirm(&other, &from("dmarc-reject", &own)).await;
    ends(&told, Confirmed, &["SPF passes for spf-good.lab.test, which does not fit dmarc-reject.lab.test"]);
}

#[tokio::test]
async fn reverse_names_must_lead_back() {
    let lab = lab(["healthy", "ptr-missing", "ptr-mismatch"]).await;
    let confirmer = confirmer(&lab);
    let ptr = diagnosis("ptr_missing", "450 4.7.25 Client host rejected: cannot find your hostname");
    let of = |host: &str| Given { address: lab.address(host), ..given() };
    ends(&confirmer.confirm(&ptr, &of("mx.ptr-missing.lab.test")).await, Confirmed, &["has no reverse name"]);
    ends(&confirmer.confirm(&ptr, &of("mx.ptr-mismatch.lab.test")).await, Confirmed, &["does not lead back"]);
    let hosts = ["mx1.healthy.lab.test", "mx.healthy.lab.test"];
    let healthy = hosts.into_iter().find(|h| lab.address(h).is_some()).unwrap();
    ends(&confirmer.confirm(&ptr, &of(healthy)).await, Refuted, &["which leads back to it"]);
    ends(&confirmer.confirm(&ptr, &given()).await, Untested, &["--address IP"]);
    let dynamic = diagnosis("dynamic_ip", "550 dynamic address");
    ends(&confirmer.confirm(&dynamic, &of(healthy)).await, Untested, &["the reverse name of a server"]);
}

#[tokio::test]
async fn the_name_in_ehlo_must_exist() {
    let lab = lab(["ptr-missing", "servfail"]).await;
    let confirmer = confirmer(&lab);
    let helo = |text: &str| diagnosis("helo_invalid", text);
    let short = helo("504 5.5.2 <desktop>: Helo command rejected: need fully-qualified hostname");
    ends(&confirmer.confirm(&short, &given()).await, Confirmed, &["desktop is no full name"]);
    let gone = helo("450 4.7.1 <gone.ptr-missing.lab.test>: Helo command rejected: Host not found");
    ends(&confirmer.confirm(&gone, &given()).await, Confirmed, &["does not exist"]);
    let there = helo("450 4.7.1 <mx.ptr-missing.lab.test>: Helo command rejected: Host not found");
    ends(&confirmer.confirm(&there, &given()).await, Refuted, &["full name with an address"]);
    let elsewhere = Given { address: "192.0.2.7".parse().ok(), ..given() };
    ends(&confirmer.confirm(&there, &elsewhere).await, Confirmed, &["not to 192.0.2.7"]);
    let unknown = helo("450 4.7.1 <mx.servfail.lab.test>: Helo command rejected: Host not found");
    ends(&confirmer.confirm(&unknown, &given()).await, Untested, &["could not be looked up"]);
}

#[tokio::test]
async fn a_listing_is_told_from_a_closed_list_and_a_refused_resolver() {
    let lab = lab(["bl-live", "bl-empty", "bl-all", "bl-refused", "bl-down", "dbl-live"]).await;
    let confirmer = confirmer(&lab);
    let blocked = |list: &str, address: &str| {
        diagnosis(
            "ip_listed",
            &format!("554 5.7.1 Service unavailable; Client host [{address}] blocked using {list}.lab.test"),
        )
    };
    let told = confirmer.confirm(&blocked("bl-live", "192.0.2.7"), &given()).await;
    ends(&told, Confirmed, &["192.0.2.7 is listed at bl-live.lab.test: 127.0.0.2", "seen sending spam"]);
    assert_eq!(told.connections, 0);
    ends(&confirmer.confirm(&blocked("bl-live", "2001:db8::7"), &given()).await, Confirmed, &["127.0.0.4"]);
    ends(
        &confirmer.confirm(&blocked("bl-live", "192.0.2.8"), &given()).await,
        Refuted,
        &["not listed", "alive"],
    );
    rather(
        &confirmer.confirm(&blocked("bl-all", "192.0.2.7"), &given()).await,
        "dnsbl_broken",
        &["lists every address"],
    );
    rather(
        &confirmer.confirm(&blocked("bl-empty", "192.0.2.7"), &given()).await,
        "dnsbl_broken",
        &["test entry"],
    );
    ends(
        &confirmer.confirm(&blocked("bl-refused", "192.0.2.7"), &given()).await,
        Untested,
        &["your resolver is refused by the list"],
    );
    ends(
        &confirmer.confirm(&blocked("bl-down", "192.0.2.7"), &given()).await,
        Untested,
        &["bl-down.lab.test did not answer"],
    );
    let named = Given { blocklist: Some("bl-live.lab.test".into()), ..given() };
    let told = confirmer.confirm(&diagnosis("ip_blocked", "550 [192.0.2.7] is blocked"), &named).await;
    ends(&told, Confirmed, &["is listed at bl-live.lab.test"]);
    let nameless = diagnosis("ip_listed", "554 5.7.1 [192.0.2.7] is on our blocklist");
    ends(
        &confirmer.confirm(&nameless, &given()).await,
        Untested,
        &["does not name the list", "--blocklist ZONE"],
    );
}

#[tokio::test]
async fn lists_of_domains_and_lists_that_fail_their_users() {
    let lab = lab(["bl-live", "bl-all", "dbl-live"]).await;
    let confirmer = confirmer(&lab);
    let listed = diagnosis("domain_listed", "554 5.7.1 blocked using dbl-live.lab.test");
    ends(
        &confirmer.confirm(&listed, &from("spf-good", "")).await,
        Confirmed,
        &["spf-good.lab.test is listed", "127.0.1.4"],
    );
    ends(&confirmer.confirm(&listed, &from("healthy", "")).await, Refuted, &["not listed"]);
    let broken = |list: &str, address: &str| {
        diagnosis(
            "dnsbl_broken",
            &format!("Client host [{address}] blocked using {list}.lab.test; Error: open resolver"),
        )
    };
    ends(&confirmer.confirm(&broken("bl-live", "192.0.2.8"), &given()).await, Confirmed, &["takes an error"]);
    ends(
        &confirmer.confirm(&broken("bl-all", "192.0.2.8"), &given()).await,
        Confirmed,
        &["no list any more"],
    );
    rather(&confirmer.confirm(&broken("bl-live", "192.0.2.7"), &given()).await, "ip_listed", &[]);
}
