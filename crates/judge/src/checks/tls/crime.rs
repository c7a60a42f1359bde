//! Check [`tls.crime`](CHECK).

use crate::checks::prelude::*;

check! {
    /// TLS compression is on (CRIME).
    ///
    /// # Effect
    /// Who can put text of his own into a session learns secrets beside it from the lengths.
    /// Mail offers little opportunity for that.
    /// # Method
    /// A hello that offers DEFLATE is answered with a compression method other than null.
    /// # Fix
    /// Switch compression off or update the TLS library.
    /// # Sources
    /// CVE-2012-4929 (CRIME); RFC 9325 section 3.3.
    "tls.crime", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    let Some(methods) = known_if_applicable(&case.tls()?.compression)? else { return CLEAR };
    if methods.is_empty() {
        return CLEAR;
    }
    case.finding(
        &CHECK,
        Severity::Medium,
        format!("{} compresses TLS ({})", case.host(), text::list(methods)),
    )
    .detail(
        "Compressed lengths betray secrets that stand beside text of an attacker (CRIME). It was written for \
             the web; in mail it is hard to use, and nobody needs compression.",
    )
    .fix("compression")
    .found()
}

fixtures! {
    clear: |_| {},
    found: |e| sample::tls(e).compression = Observed::seen(vec!["DEFLATE".into()]),
    undetermined: |e| sample::tls(e).compression = sample::failed(),
}
