//! Response codes in words.

use std::ops::RangeInclusive;

use domain::base::iana::{ExtendedErrorCode, Rcode};

use super::fetch::Fetched;

/// Extended errors by which a validating resolver says that it found data bogus
/// (RFC 8914 sections 4.7 to 4.13).
const BOGUS: RangeInclusive<u16> = 6..=12;

/// What a server answered instead of records, if it did: `None` for NOERROR and NXDOMAIN.
pub(crate) fn failure(fetched: &Fetched) -> Option<String> {
    let code = fetched.response.rcode;
    if code == 0 || code == 3 {
        return None;
    }
    let mut text = format!("the DNS server {} answered {}", fetched.server, name(code));
    if let Some((code, words)) = &fetched.response.extended_error {
        text.push_str(&format!(" ({}", extended_name(*code)));
        if !words.is_empty() {
            text.push_str(&format!(": {words}"));
        }
        text.push(')');
        if BOGUS.contains(code) {
            text.push_str(
                ": it validates itself and keeps the data back although waxseal asked it not to (CD bit)",
            );
        }
    }
    Some(text)
}

/// The mnemonic with what it means for the reader.
fn name(code: u16) -> String {
    match code {
        1 => "FORMERR: it did not understand the question".to_owned(),
        2 => "SERVFAIL: it could not get an answer from the domain's name servers".to_owned(),
        4 => "NOTIMP: it does not know this kind of question".to_owned(),
        5 => "REFUSED: it does not serve us".to_owned(),
        code => u8::try_from(code)
            .ok()
            .and_then(Rcode::checked_from_int)
            .map_or_else(|| format!("code {code}"), |rcode| rcode.to_string()),
    }
}

fn extended_name(code: u16) -> String {
    let code = ExtendedErrorCode::from_int(code);
    code.to_mnemonic_str().map_or_else(|| format!("extended error {}", code.to_int()), str::to_owned)
}
