//! Which group the two agree on.

use waxseal_model::tls::TlsVersion;
use waxseal_wire::tls::{
    groups,
    suites::{self, KeyExchange},
};

use super::{offer::Offer, server::Server};

/// The group of a handshake with this suite; none with RSA key exchange, with finite-field
/// Diffie-Hellman before TLS 1.3 (its parameters are the server's own), and where client and
/// server differ in what they like best: whose word counts is not listed.
pub(super) fn agreed(offer: &Offer, server: &Server<'_>, version: TlsVersion, suite: u16) -> Option<String> {
    let exchange = suites::key_exchange(u32::from(suite))?;
    if !matches!(exchange, KeyExchange::Any | KeyExchange::Ecdhe) {
        return None;
    }
    let known = server.groups(version);
    let offered = offer.groups.as_deref()?;
    if !known.complete {
        return None;
    }
    let by_client = offered.iter().find(|c| known.codes.contains(c))?;
    let by_server = known.codes.iter().find(|c| offered.contains(c))?;
    let mut favourites = vec![*by_client, *by_server];
    if version == TlsVersion::Tls13 {
        // Many servers take a share that is there rather than ask for a better one.
        let shares = offer.shares.as_deref()?;
        favourites.extend(shares.iter().find(|c| known.codes.contains(c)));
    }
    let agreed = favourites.iter().all(|c| c == by_client);
    agreed.then(|| groups::named(*by_client).name)
}
