//! Check [`tls.handshake`](CHECK).

use crate::checks::prelude::*;
use waxseal_model::tls::TlsVersion;

check! {
    /// TLS is offered, and no handshake succeeds.
    ///
    /// # Effect
    /// Opportunistic senders try again in clear or keep the mail; senders that require TLS
    /// do not deliver.
    /// # Method
    /// A full handshake by a TLS library, and hellos of every version from TLS 1.0 to 1.3:
    /// all are refused. Connections that break off instead are reported with less
    /// confidence, as the path may do that; without any answer it is undetermined.
    /// # Fix
    /// See the server's log: the key does not fit the certificate, cannot be read, or the
    /// TLS library is broken.
    /// # Sources
    /// RFC 8446 section 6 and RFC 5246 section 7.2 (alerts); RFC 7435 section 3.
    "tls.handshake", Tls, judge
}

fn judge(case: &Case) -> Outcome {
    if matches!(&case.smtp()?.plaintext_after_220, Observed::Seen { value: Some(_) }) {
        let text = "TLS was not begun: plaintext came in its place (smtp.plaintext_after_220)";
        return Err(Why::new(Cause::Prerequisite, text));
    }
    let cause = match state::protection(case.endpoint()?) {
        state::Protection::Broken(cause) => cause,
        state::Protection::Unknown(why) => return cut_off(case, why),
        state::Protection::Unreached(why) => return Err(why),
        state::Protection::Encrypted(_) if state::only_anonymous(case.facts()?) => {
            return no_certificate(case);
        }
        state::Protection::Encrypted(_) => return completed(case),
        state::Protection::Plaintext(_) => return CLEAR,
    };
    case.finding(
        &CHECK,
        Severity::Critical,
        format!("TLS on {} is broken: no handshake succeeds", case.host()),
    )
    .detail(format!(
        "{}. {}",
        text::sentence(&cause),
        case.by_usage(
            "Senders fall back to cleartext, or keep the mail if they insist on TLS.",
            "Mail programs cannot connect, or go on without TLS.",
        )
    ))
    .fix("handshake")
    .weight(5)
    .found()
}

/// Only anonymous suites succeed: the server has no certificate that it can use.
fn no_certificate(case: &Case) -> Outcome {
    let title = format!("{} has no certificate: only anonymous suites succeed", case.host());
    case.finding(&CHECK, Severity::High, title)
        .detail(
            "Every hello with suites that need a certificate was refused. Senders that offer no anonymous suites, \
             all that verify among them, get no TLS here: they go on in clear, or keep the mail.",
        )
        .fix("handshake")
        .found()
}

/// TLS up to 1.1, and suites that the TLS library lacks, are known from hellos alone, and
/// that is enough. A handshake that the library could have ended and did not leaves open
/// whether others can.
fn completed(case: &Case) -> Outcome {
    let tls = case.tls()?;
    let begun = tls.suites_seen.iter().any(|s| s.version == TlsVersion::Tls13);
    match &tls.handshake {
        Observed::Failed { why } if begun || why.cause != Cause::Declined => Err(why.clone()),
        _ => CLEAR,
    }
}

/// A connection that breaks off in every handshake is worth a finding, though not proof of
/// broken TLS: the path may do it.
fn cut_off(case: &Case, why: Why) -> Outcome {
    if matches!(&case.tls()?.handshake, Observed::Failed { why } if why.cause == Cause::TooLarge) {
        return too_large(case, &why);
    }
    if !matches!(&case.tls()?.handshake, Observed::Failed { why } if why.cause == Cause::Closed) {
        return Err(why);
    }
    case.finding(&CHECK, Severity::High, format!("The connection to {} breaks off when TLS begins", case.host()))
        .confidence(Confidence::Medium)
        .detail(format!(
            "{}. The server does it, or a device on the path that suffers no TLS; senders meet the same if it stands \
             before the server.",
            text::sentence(&why.text)
        ))
        .fix("handshake")
        .found()
}

/// OpenSSL takes 100 kB of certificates (`SSL_CTX_set_max_cert_list`), rustls 64 kB a message.
fn too_large(case: &Case, why: &Why) -> Outcome {
    case.finding(&CHECK, Severity::High, format!("{} sends more certificates than TLS libraries take", case.host()))
        .confidence(Confidence::Medium)
        .detail(format!(
            "{}. Libraries give up on handshakes so large: OpenSSL at 100 kB of certificates. Senders then deliver \
             in clear, or not at all.",
            text::sentence(&why.text)
        ))
        .fix_text(
            "Serve the server's own certificate and its intermediates alone: two to four certificates of some \
             kilobytes. Look at what is in the file:\n  openssl storeutl -noout -text -certs FULLCHAIN.pem",
        )
        .found()
}

fixtures! {
    clear: |_| {},
    found: |e| {
        sample::only_version(e, TlsVersion::Ssl2);
        sample::version(e, TlsVersion::Ssl2, false);
    },
    undetermined: |e| *sample::tls(e) = waxseal_model::tls::TlsEvidence {
        handshake: sample::failed(),
        ..Default::default()
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_too_large_to_finish_is_neither_encrypted_nor_broken_for_certain() {
        let mut e = sample::healthy();
        sample::tls(&mut e).handshake = Observed::failed(Cause::TooLarge, "the handshake is too large");
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        assert!(
            judgement.findings.iter().any(|f| f.check == CHECK.id && f.title.contains("more certificates"))
        );
        assert_eq!(judgement.grade.letter, None);
    }

    #[test]
    fn a_connection_that_breaks_off_is_reported_without_certainty() {
        let mut e = sample::healthy();
        *sample::tls(&mut e) = waxseal_model::tls::TlsEvidence {
            handshake: Observed::failed(Cause::Closed, "the connection was reset"),
            ..Default::default()
        };
        let judgement = crate::judge(&e, crate::profile("mail").unwrap(), sample::NOW);
        let finding = judgement.findings.iter().find(|f| f.check == CHECK.id).unwrap();
        assert_eq!((finding.severity, finding.confidence), (Severity::High, Confidence::Medium));
        assert_eq!(judgement.grade.letter, None);
    }
}
