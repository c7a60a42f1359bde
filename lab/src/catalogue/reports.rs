//! What is asked of senders beside protection: reports (TLS-RPT, RFC 8460) and REQUIRETLS
//! (RFC 8689).

use super::{Domain, Expect, Sts, expect::unprotected, sts};
use crate::{
    dns::spec::{Fault, Trouble, With},
    servers::smtp::{RequireTls, Smtp},
};

pub(super) fn list() -> Vec<Domain> {
    [usable(), useless(), addresses(), requiretls()].concat()
}

/// Sound, with nothing that protects it from an attacker on the path.
const SOUND: Expect = unprotected(&[]);
const USELESS: Expect = unprotected(&["tlsrpt.record"]);
const DEAD: Expect = unprotected(&["tlsrpt.addresses"]);

/// The usual record's text.
const MAILTO: &str = "\"v=TLSRPTv1; rua=mailto:tls@elsewhere.test\"";

/// A domain with these TXT records, and no other policy.
fn with(label: &'static str, summary: &'static str, expect: Expect, texts: &[&str]) -> Domain {
    let domain = Domain::with_mx(label, summary, expect, Smtp::default());
    texts.iter().fold(domain, |domain, text| domain.record(format!("_smtp._tls TXT {text}")))
}

fn usable() -> Vec<Domain> {
    let usable = |label, summary, text| with(label, summary, SOUND, &[text]);
    vec![
        usable("tlsrpt-mailto", "TLS reports are asked for by mail", MAILTO),
        usable(
            "tlsrpt-https",
            "TLS reports are asked for over HTTPS",
            "\"v=TLSRPTv1; rua=https://reports.tlsrpt-https.lab.test/v1\"",
        ),
        usable(
            "tlsrpt-both",
            "TLS reports are asked for by mail and over HTTPS",
            "\"v=TLSRPTv1;rua=mailto:tls@elsewhere.test,https://reports.tlsrpt-both.lab.test/v1\"",
        ),
        usable(
            "tlsrpt-encoded-comma",
            "An address has a comma, encoded as it should be",
            "\"v=TLSRPTv1; rua=mailto:a%2Cb@elsewhere.test\"",
        ),
        usable(
            "tlsrpt-extended",
            "The record has a field that nobody knows",
            "\"v=TLSRPTv1; rua=mailto:tls@elsewhere.test; colour=green;\"",
        ),
        usable(
            "tlsrpt-split",
            "The record comes in two strings, cut within a word",
            "\"v=TLSRPTv1; rua=mail\" \"to:tls@elsewhere.test\"",
        ),
        with(
            "tlsrpt-with-others",
            "Beside the record there is text for other purposes",
            SOUND,
            &["\"owner=mail team\"", MAILTO],
        ),
        Domain::with_mx("tlsrpt-cname", "The record's name is an alias", SOUND, Smtp::default())
            .record("_smtp._tls CNAME reports")
            .record(format!("reports TXT {MAILTO}")),
    ]
}

fn useless() -> Vec<Domain> {
    let useless = |label, summary, text| with(label, summary, USELESS, &[text]);
    let fault = Fault { trouble: Trouble::ServFail, with: With::Label("_smtp") };
    let unknown = Expect { letters: &["C", "-"], found: &[], may: &["dns.resolver_failure"] };
    let unasked = Expect { letters: &["A"], ..USELESS };
    vec![
        with("tlsrpt-missing", "MTA-STS in mode enforce, and nobody asks for reports", unasked, &[])
            .sts(Sts::new(sts::text("enforce", &["mx.tlsrpt-missing.lab.test"]))),
        with(
            "tlsrpt-two",
            "Two records, so there is none",
            USELESS,
            &[MAILTO, "\"v=TLSRPTv1; rua=mailto:b@c.test\""],
        ),
        useless(
            "tlsrpt-bad-syntax",
            "The record lacks its equals sign",
            "\"v=TLSRPTv1; rua mailto:a@b.test\"",
        ),
        useless("tlsrpt-no-rua", "The record names no address", "\"v=TLSRPTv1;\""),
        useless(
            "tlsrpt-other-version",
            "The version is TLSRPTv2",
            "\"v=TLSRPTv2; rua=mailto:a@elsewhere.test\"",
        ),
        with("tlsrpt-servfail", "Questions for the TXT record get SERVFAIL", unknown, &[MAILTO]).fault(fault),
    ]
}

fn addresses() -> Vec<Domain> {
    let bad = |label, summary, text| with(label, summary, USELESS, &[text]);
    let dead = |label, summary, text| with(label, summary, DEAD, &[text]);
    vec![
        bad(
            "tlsrpt-http",
            "TLS reports are asked for over plain HTTP",
            "\"v=TLSRPTv1; rua=http://reports.tlsrpt-http.lab.test/v1\"",
        ),
        bad(
            "tlsrpt-unencoded-comma",
            "A comma within an address is not encoded",
            "\"v=TLSRPTv1; rua=mailto:a,b@elsewhere.test\"",
        ),
        bad("tlsrpt-bare-address", "An address without mailto:", "\"v=TLSRPTv1; rua=tls@elsewhere.test\""),
        dead(
            "tlsrpt-dead-address",
            "The domain of the address does not exist",
            "\"v=TLSRPTv1; rua=mailto:tls@gone.tlsrpt-dead-address.lab.test\"",
        ),
        dead(
            "tlsrpt-null-mx-address",
            "The domain of the address takes no mail",
            "\"v=TLSRPTv1; rua=mailto:tls@reports.tlsrpt-null-mx-address.lab.test\"",
        )
        .record("reports MX 0 ."),
    ]
}

fn requiretls() -> Vec<Domain> {
    let of = |label, summary, expect, requiretls| {
        Domain::with_mx(label, summary, expect, Smtp { requiretls, ..Smtp::default() })
    };
    vec![
        of("requiretls", "REQUIRETLS is offered within TLS", SOUND, RequireTls::WithinTls),
        of(
            "requiretls-before-tls",
            "REQUIRETLS is offered before TLS, and not within",
            unprotected(&["smtp.requiretls"]),
            RequireTls::BeforeTls,
        ),
    ]
}
