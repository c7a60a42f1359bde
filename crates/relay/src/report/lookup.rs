//! What reports ask the name service.

use std::{future::Future, net::IpAddr, pin::Pin};

use waxseal_model::dns::{DnsAnswer, DnssecStatus, RecordData};
use waxseal_net::resolver::Resolver;

/// What a look-up gives, later: an answer that is certain, or why there is none for now.
pub type LookupFuture<'a, T> = Pin<Box<dyn Future<Output = Result<Vec<T>, String>> + Send + 'a>>;

/// Looks names up.
pub trait Lookup: Send + Sync + 'static {
    /// The TXT records at a name, the strings of each joined.
    fn texts<'a>(&'a self, name: &'a str) -> LookupFuture<'a, String>;

    /// The addresses of a host.
    fn addresses<'a>(&'a self, host: &'a str) -> LookupFuture<'a, IpAddr>;
}

impl Lookup for Resolver {
    fn texts<'a>(&'a self, name: &'a str) -> LookupFuture<'a, String> {
        Box::pin(async move {
            let answer = self.lookup(name, "TXT").await;
            certain(&answer)?;
            let texts = answer.records.iter().filter_map(|record| match &record.data {
                RecordData::Txt { text } => Some(text.clone()),
                _ => None,
            });
            Ok(texts.collect())
        })
    }

    fn addresses<'a>(&'a self, host: &'a str) -> LookupFuture<'a, IpAddr> {
        Box::pin(async move {
            let (four, six) = tokio::join!(self.lookup(host, "A"), self.lookup(host, "AAAA"));
            let found: Vec<IpAddr> = [&four, &six]
                .into_iter()
                .filter(|answer| answer.status != DnssecStatus::Bogus)
                .flat_map(DnsAnswer::addresses)
                .collect();
            if found.is_empty() {
                certain(&four).and(certain(&six))?;
            }
            Ok(found)
        })
    }
}

fn certain(answer: &DnsAnswer) -> Result<(), String> {
    if answer.is_conclusive() {
        return Ok(());
    }
    Err(format!("{} {} could not be looked up: {}", answer.name, answer.rtype, answer.reason))
}
