//! The hellos of real clients, put to the endpoints of an audit.

use waxseal_judge::clients;
use waxseal_model::EndpointEvidence;
use waxseal_probe::{
    Prober,
    replay::{ClientHello, replay},
};

/// Sends the hello of every client that has business at the endpoint, one connection each.
/// Clients whose hello is not known whole are left to be told by the lists.
pub(crate) async fn put(prober: &Prober, found: &mut EndpointEvidence) {
    let EndpointEvidence { endpoint, evidence } = found;
    let name = evidence.reference_name.as_deref();
    let hellos: Vec<ClientHello> = clients::all()
        .iter()
        .filter(|client| clients::applies(client.kind, endpoint.port))
        .filter_map(|client| {
            let spec = clients::hello(client, name).ok()?;
            Some(ClientHello { client: client.id.clone(), spec })
        })
        .collect();
    let spent = evidence.cost.connections;
    let Some(audit) = evidence.tls.audit.as_mut() else { return };
    let replays = replay(prober, endpoint, &hellos, spent).await;
    audit.replays = replays.answers;
    evidence.cost.connections += replays.connections;
}
