//! Who may send for a domain: SPF (RFC 7208), DKIM keys (RFC 6376), DMARC (RFC 9989), and
//! BIMI. None of it moves the letter.

use super::{
    Domain,
    build::with_records as with,
    expect::{expect, unprotected},
};
use crate::{
    dns::spec::{Fault, Trouble, With},
    servers::smtp::Smtp,
};

pub(super) fn list() -> Vec<Domain> {
    [spf(), spf_lookups(), dkim(), dmarc(), dmarc_reports(), bimi()].concat()
}

/// RSA keys as DKIM publishes them; their private halves were thrown away.
const RSA_2048: &str = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA37RAIEtMMYoyXpbaxiTYgebjppA6ZKucSq2090lcia9E6SY+BdW9xP1gCNDBViI/VXACcNYgf2FIBwiKWyF4tocA8RxF3lq1DOe65T04d9oclYFgZkapCTyqJNjjmoMpE0GjYxr6a0stDtW/rwJQejxPMcL7MUnimMDex3iBVIvrLtVEdiYRsnRM6qYjbe3lgDk1A0k0poNrdQL2x+OvXsVIU2V5uJO5nGvbmlPI7EVmOqOICecl1FvwL9Nh6Q8PXI9hKKcF2w96iTwNnofC0mFBbV3bwjlf1431ztGaq8m5Jf/5tG3LMvgqYzUaEGw6mJowhgc+Oh2vS7F8VRT39wIDAQAB";
const RSA_1024: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDMvr4LCq2xAR9KoiTjB0GJjfqfXNLSgvGUQ/lS7OAhON0tJJwLeAkB31TM8WOA8AAFbh4xKHIgZbB12uch2L6TOMEzjO3e9M4RGDRn/L0qTA92+WkVhQKJTlOQjmgSuiR31SvtzUeDRtkFq6zHbF0FLWUScn6umpLqZPqnql7zbQIDAQAB";
const RSA_512: &str = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMIif+7dkgduSL3KVi2cVTciZ4F5TOZmk3l59XvGCJp/voyn/JKJNoB02s90U25vLG2L4PXuNCZjXMGi78EJj98CAwEAAQ==";
/// The public key of RFC 8463 appendix A.2.
const ED25519: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

/// A DKIM key with nothing wrong, as TXT data.
pub(super) fn sound_dkim() -> String {
    strings(&format!("v=DKIM1; k=rsa; p={RSA_2048}"))
}

/// A text as strings that each fit into a TXT record (RFC 1035 section 3.3.14).
fn strings(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let parts = characters.chunks(200).map(|part| format!("\"{}\"", part.iter().collect::<String>()));
    parts.collect::<Vec<_>>().join(" ")
}

fn spf() -> Vec<Domain> {
    let of = |label, summary, found, text: &str| with(label, summary, found, &[&format!("@ TXT \"{text}\"")]);
    vec![
        of("spf-good", "SPF: the MX may send, nobody else", &[], "v=spf1 mx -all"),
        of("spf-softfail", "SPF ends with ~all", &[], "v=spf1 mx ~all"),
        of("spf-none-sends", "SPF: nobody may send", &[], "v=spf1 -all"),
        of("spf-neutral", "SPF ends with ?all, which says nothing", &["spf.all"], "v=spf1 mx ?all"),
        of("spf-no-all", "SPF has neither all nor redirect", &["spf.all"], "v=spf1 mx"),
        of("spf-pass-all", "SPF: everybody may send (+all)", &["spf.all"], "v=spf1 mx +all"),
        of("spf-bare-all", "SPF: everybody may send (all)", &["spf.all"], "v=spf1 mx all"),
        of("spf-ptr", "SPF asks for reverse names (ptr)", &["spf.ptr"], "v=spf1 ptr -all"),
        of(
            "spf-bad-syntax",
            "SPF has a mechanism that is none",
            &["spf.record"],
            "v=spf1 ipv4:192.0.2.1 -all",
        ),
        of(
            "spf-bad-network",
            "SPF has a prefix that is too long",
            &["spf.record"],
            "v=spf1 ip4:192.0.2.0/33 -all",
        ),
        with(
            "spf-redirect",
            "SPF is that of another name (redirect)",
            &[],
            &["@ TXT \"v=spf1 redirect=_spf.spf-redirect.lab.test\"", "_spf TXT \"v=spf1 mx -all\""],
        ),
        with(
            "spf-split",
            "SPF comes in two strings, cut within a word",
            &[],
            &["@ TXT \"v=spf1 ip4:192.0\" \".2.1 mx -all\""],
        ),
        with(
            "spf-with-others",
            "Beside the SPF record there is text for other purposes",
            &[],
            &["@ TXT \"v=spf1 mx -all\"", "@ TXT \"v=spf10 nothing\"", "@ TXT \"owner=mail team\""],
        ),
        with(
            "spf-two-records",
            "Two SPF records, which is an error",
            &["spf.record"],
            &["@ TXT \"v=spf1 mx -all\"", "@ TXT \"v=spf1 a -all\""],
        ),
        with(
            "spf-include-missing",
            "SPF includes a domain that has no SPF",
            &["spf.record"],
            &["@ TXT \"v=spf1 include:gone.spf-include-missing.lab.test -all\""],
        ),
        Domain::new(
            "null-mx-sends",
            "The domain takes no mail, but SPF lets it send",
            expect(&["-"], &["dns.null_mx"]),
        )
        .mx(&["@ MX 0 ."])
        .record("@ TXT \"v=spf1 ip4:192.0.2.1 -all\""),
    ]
}

/// RFC 7208 section 4.6.4: ten lookups, and two of them in vain.
fn spf_lookups() -> Vec<Domain> {
    let found: &[&str] = &["spf.lookups"];
    let many = |label: &'static str, summary, includes: u8| {
        let list: String = (1..=includes).map(|n| format!(" include:_spf{n}.{label}.lab.test")).collect();
        let record = format!("@ TXT {}", strings(&format!("v=spf1{list} -all")));
        (1..=includes).fold(with(label, summary, found, &[&record]), |domain, n| {
            domain.record(format!("_spf{n} TXT \"v=spf1 ip4:192.0.2.{n} -all\""))
        })
    };
    let unanswered = Fault { trouble: Trouble::ServFail, with: With::Label("_spf") };
    let servfail = with(
        "spf-servfail",
        "SPF includes a name that gets SERVFAIL",
        &[],
        &["@ TXT \"v=spf1 include:_spf.spf-servfail.lab.test -all\""],
    );
    vec![
        Domain { expect: unprotected(&[]), ..many("spf-seven-lookups", "SPF takes seven lookups", 7) },
        many("spf-ten-lookups", "SPF takes ten lookups, the most there may be", 10),
        many("spf-eleven-lookups", "SPF takes eleven lookups, one too many", 11),
        with(
            "spf-loop",
            "SPF includes itself",
            &["spf.record"],
            &["@ TXT \"v=spf1 include:spf-loop.lab.test -all\""],
        ),
        with(
            "spf-nested-lookups",
            "SPF takes twelve lookups over three levels",
            &["spf.lookups"],
            &[
                "@ TXT \"v=spf1 include:_a.spf-nested-lookups.lab.test include:_b.spf-nested-lookups.lab.test -all\"",
                // Five lookups each with what `_c` takes, and two for these.
                "_a TXT \"v=spf1 a mx include:_c.spf-nested-lookups.lab.test -all\"",
                "_b TXT \"v=spf1 a mx include:_c.spf-nested-lookups.lab.test -all\"",
                "_c TXT \"v=spf1 a:mx.spf-nested-lookups.lab.test exists:mx.spf-nested-lookups.lab.test -all\"",
            ],
        ),
        with(
            "spf-void-lookups",
            "SPF asks for three names that do not exist",
            &["spf.lookups"],
            &[
                "@ TXT \"v=spf1 a:no1.spf-void-lookups.lab.test a:no2.spf-void-lookups.lab.test a:no3.spf-void-lookups.lab.test -all\"",
            ],
        ),
        servfail.fault(unanswered),
    ]
}

fn dkim() -> Vec<Domain> {
    let of = |label, summary, found, text: &str| {
        with(label, summary, found, &[&format!("default._domainkey TXT {}", strings(text))])
    };
    let bad = &["dkim.keys"];
    vec![
        of("dkim-good", "DKIM: an RSA key of 2048 bits", &[], &format!("v=DKIM1; k=rsa; p={RSA_2048}")),
        of("dkim-ed25519", "DKIM: an Ed25519 key", &[], &format!("v=DKIM1; k=ed25519; p={ED25519}")),
        of("dkim-short", "DKIM: a key without version and type, as may be", &[], &format!("p={RSA_2048}")),
        of("dkim-1024", "DKIM: an RSA key of 1024 bits", bad, &format!("v=DKIM1; k=rsa; p={RSA_1024}")),
        of("dkim-512", "DKIM: an RSA key of 512 bits", bad, &format!("v=DKIM1; k=rsa; p={RSA_512}")),
        of("dkim-testing", "DKIM: a key that is being tested", bad, &format!("v=DKIM1; t=y; p={RSA_2048}")),
        of("dkim-sha1", "DKIM: a key for SHA-1 only", bad, &format!("v=DKIM1; h=sha1; p={RSA_2048}")),
        of("dkim-revoked", "DKIM: the key has been revoked", &[], "v=DKIM1; k=rsa; p="),
        of("dkim-malformed", "DKIM: the key is no key", bad, "v=DKIM1; k=rsa; p=bm90IGEga2V5"),
        of("dkim-not-base64", "DKIM: the key is no Base64", bad, "v=DKIM1; k=rsa; p=***"),
        of("dkim-no-key", "DKIM: the record has no key", bad, "v=DKIM1; k=rsa"),
        of("dkim-bad-version", "DKIM: the version is DKIM2", bad, &format!("v=DKIM2; p={RSA_2048}")),
        with(
            "dkim-cname",
            "DKIM: the key is at a provider's name",
            &[],
            &[
                "selector1._domainkey CNAME key.provider",
                &format!("key.provider TXT {}", strings(&format!("v=DKIM1; p={RSA_2048}"))),
            ],
        ),
        with(
            "dkim-two-selectors",
            "DKIM: two selectors, the second with a short key",
            bad,
            &[
                &format!("selector1._domainkey TXT {}", strings(&format!("v=DKIM1; p={RSA_2048}"))),
                &format!("selector2._domainkey TXT {}", strings(&format!("v=DKIM1; p={RSA_1024}"))),
            ],
        ),
        with(
            "dkim-unknown-selector",
            "DKIM: there are keys, under a name that nobody guesses",
            &[],
            &[&format!("x7q9z._domainkey TXT {}", strings(&format!("v=DKIM1; p={RSA_2048}")))],
        ),
        with("dkim-no-domainkey", "No DKIM: there is no _domainkey", &["dkim.domainkey"], &[]),
    ]
}

fn dmarc() -> Vec<Domain> {
    let of =
        |label, summary, found, text: &str| with(label, summary, found, &[&format!("_dmarc TXT \"{text}\"")]);
    // The mailbox of each domain itself, so that nobody has to agree.
    let rua = |label: &str| format!("rua=mailto:dmarc@{label}.lab.test");
    let policy: &[&str] = &["dmarc.policy"];
    let sound = |label, summary, text: &str| of(label, summary, &[], &format!("{text}; {}", rua(label)));
    let weak = |label, summary, text: &str| of(label, summary, policy, &format!("{text}; {}", rua(label)));
    vec![
        sound("dmarc-reject", "DMARC: reject what fails", "v=DMARC1; p=reject"),
        sound("dmarc-quarantine", "DMARC: quarantine what fails", "v=DMARC1; p=quarantine"),
        // The domain above has the record.
        Domain::with_mx(
            "sub.dmarc-reject",
            "DMARC is that of the domain above",
            unprotected(&[]),
            Smtp::default(),
        ),
        weak("dmarc-none", "DMARC: do nothing about what fails", "v=DMARC1; p=none"),
        weak("dmarc-testing", "DMARC: reject, but only as a test", "v=DMARC1; p=reject; t=y"),
        of(
            "dmarc-pct",
            "DMARC: reject a tenth of what fails, as was once allowed",
            &["dmarc.record"],
            "v=DMARC1; p=reject; pct=10; rua=mailto:dmarc@dmarc-pct.lab.test",
        ),
        weak("dmarc-subdomains", "DMARC: reject, but nothing for subdomains", "v=DMARC1; p=reject; sp=none"),
        of(
            "dmarc-bad-policy",
            "DMARC: a policy that does not exist",
            &["dmarc.record"],
            "v=DMARC1; p=refuse",
        ),
        of(
            "dmarc-bad-syntax",
            "DMARC: the record lacks its semicolons",
            &["dmarc.record"],
            "v=DMARC1 p=reject",
        ),
        of("dmarc-bad-version", "DMARC: the version comes last", &["dmarc.record"], "p=reject; v=DMARC1"),
        with(
            "dmarc-two-records",
            "DMARC: two records, so there is none",
            &["dmarc.record"],
            &["_dmarc TXT \"v=DMARC1; p=reject\"", "_dmarc TXT \"v=DMARC1; p=none\""],
        ),
        with("dmarc-missing", "There is no DMARC record", &["dmarc.record"], &[]),
    ]
}

/// RFC 9990 section 4: a domain that gets reports about others must agree to it. The zone
/// `elsewhere.test` agrees for the first domain here only.
fn dmarc_reports() -> Vec<Domain> {
    let of = |label, summary, found, rua: &str| {
        with(label, summary, found, &[&format!("_dmarc TXT \"v=DMARC1; p=reject{rua}\"")])
    };
    let reports: &[&str] = &["dmarc.reports"];
    vec![
        of(
            "dmarc-external-authorised",
            "DMARC: reports go to another domain, which agrees",
            &[],
            "; rua=mailto:dmarc@elsewhere.test",
        ),
        of(
            "dmarc-external",
            "DMARC: reports go to another domain, which does not agree",
            reports,
            "; rua=mailto:dmarc@elsewhere.test",
        ),
        of("dmarc-no-rua", "DMARC: nobody asks for reports", reports, ""),
        of("dmarc-bad-rua", "DMARC: the address for reports is none", reports, "; rua=dmarc"),
    ]
}

fn bimi() -> Vec<Domain> {
    vec![with(
        "bimi",
        "A logo is published (BIMI), and DMARC is enforced",
        &[],
        &[
            "default._bimi TXT \"v=BIMI1; l=https://www.bimi.lab.test/logo.svg; a=;\"",
            "_dmarc TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@bimi.lab.test\"",
        ],
    )]
}
