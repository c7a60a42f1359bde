//! Connections and TLS sessions that are used again.

use std::time::Duration;

use super::*;

const BOB: [&str; 1] = ["bob@partner.example"];

async fn again(deliverer: &Deliverer, route: &Route, times: usize) {
    for _ in 0..times {
        let report = deliverer.deliver(route, &job(&BOB)).await;
        assert_eq!(ends(&report), [DELIVERED], "{report:?}");
        assert_eq!(report.site, SiteSign::Good);
    }
}

#[tokio::test]
async fn a_message_over_a_kept_connection_takes_two_writes() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    for (script, level) in
        [(Script::clear(), OperatorLevel::May), (Script::tls(&good), OperatorLevel::Verify)]
    {
        let server = Server::start(vec![script]).await;
        let (deliverer, _) = deliverer(settings(), &pki);
        let route = route(vec![hop(MX, server.port, level)]);
        again(&deliverer, &route, 3).await;
        let heard = server.heard();
        assert_eq!((heard.len(), heard[0].messages.len()), (1, 3));
        let begin = "MAIL FROM:<alice@relay.example> SIZE=41\r\nRCPT TO:<bob@partner.example>\r\nDATA\r\n";
        let message = "Received: here\r\nSubject: SECRET\r\n\r\n..dot\r\n.\r\n";
        let reads = &heard[0].reads;
        assert_eq!(reads[reads.len() - 4..], [begin, message, begin, message], "{level:?}");
        assert_eq!(deliverer.idle_connections(), 1);
    }
}

#[tokio::test]
async fn an_idle_connection_that_has_ended_is_replaced_and_counts_for_nothing() {
    let dying = |act: Act| vec![Script::clear().when("MAIL", act), Script::clear()];
    for (what, scripts) in [
        ("closed in idleness", vec![Script::clear().when(".", Act::SayAndClose("250 2.0.0 kept"))]),
        ("closed at MAIL", dying(Act::Close)),
        ("reset at MAIL", dying(Act::Reset)),
        ("421 at MAIL", dying(Act::SayAndClose("421 4.4.2 too long"))),
    ] {
        let by_mail = scripts.len() > 1;
        let server = Server::start(scripts).await;
        let (deliverer, _) = deliverer(settings(), &Pki::new());
        let hop = hop(MX, server.port, OperatorLevel::May);
        if by_mail {
            // A conversation that was used before, from which no message has come so far.
            deliverer.rest_one(&hop).await;
        }
        let route = route(vec![hop]);
        again(&deliverer, &route, 2).await;
        let messages: usize = server.heard().iter().map(|heard| heard.messages.len()).sum();
        assert_eq!((server.heard().len(), messages), (2, 2), "{what}");
    }
}

#[tokio::test]
async fn what_happens_later_over_a_kept_connection_is_no_idleness() {
    let (deliverer, route, servers) = to(vec![Script::clear().when("RCPT", Act::Close)]).await;
    deliverer.rest_one(&route.hops[0]).await;
    let report = deliverer.deliver(&route, &job(&BOB)).await;
    assert_eq!(ends(&report), [(End::Deferred, "lost.rcpt")]);
    assert_eq!(servers[0].heard().len(), 1);
}

#[tokio::test]
async fn connections_are_shared_only_under_the_same_requirement_and_with_the_same_host() {
    let pki = Pki::new();
    let good = pki.certificate(MX, 2040);
    let server = Server::start(vec![Script::tls(&good)]).await;
    let (deliverer, _) = deliverer(settings(), &pki);
    let one = hop(MX, server.port, OperatorLevel::May);
    let mut pinned = hop(MX, server.port, OperatorLevel::May);
    pinned.fingerprints = vec![[1; 32]];
    let routes = [
        one.clone(),
        hop(MX, server.port, OperatorLevel::Verify),
        hop("mx2.partner.example", server.port, OperatorLevel::May),
        pinned,
        one,
    ];
    for (number, hop) in routes.into_iter().enumerate() {
        again(&deliverer, &route(vec![hop]), 1).await;
        let wanted = if number == 4 { 4 } else { number + 1 };
        assert_eq!(server.heard().len(), wanted, "{number}");
    }
    assert!(server.heard().iter().all(|heard| !heard.resumed), "nor are sessions");
    assert_eq!(deliverer.idle_connections(), 4);
}

#[tokio::test]
async fn worn_connections_are_left_and_their_sessions_resumed() {
    let pki = Pki::new();
    let server = Server::start(vec![Script::tls(&pki.certificate(MX, 2040))]).await;
    let settings = DeliverySettings { messages_per_connection: 2, ..settings() };
    let (deliverer, ear) = deliverer(settings, &pki);
    let route = route(vec![hop(MX, server.port, OperatorLevel::Verify)]);
    again(&deliverer, &route, 5).await;
    let heard = server.heard();
    assert_eq!(heard.iter().map(|heard| heard.messages.len()).collect::<Vec<_>>(), [2, 2, 1]);
    assert_eq!(heard.iter().map(|heard| heard.resumed).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(ear.told().len(), 3, "each session, resumed or not");
    server.until(|heard| heard[0].tls.ends_with(b"QUIT\r\n") && heard[1].tls.ends_with(b"QUIT\r\n")).await;
    deliverer.close();
    server.until(|heard| heard[2].tls.ends_with(b"QUIT\r\n")).await;
    again(&deliverer, &route, 1).await;
    assert_eq!(deliverer.idle_connections(), 0, "closed");
}

#[tokio::test]
async fn connections_that_have_had_their_time_are_left() {
    let settings = DeliverySettings { connection_age: Duration::ZERO, ..settings() };
    let (deliverer, route, servers) = to_with(settings, vec![Script::clear()]).await;
    again(&deliverer, &route, 2).await;
    servers[0].until(|heard| heard.len() == 2 && heard[0].clear.ends_with(b"QUIT\r\n")).await;
}

#[tokio::test]
async fn clear_text_after_failed_tls_lasts_for_one_attempt() {
    let pki = Pki::new();
    let (broken, good) = (pki.certificate(MX, 2040), pki.certificate(MX, 2040));
    let refusing = Script::tls(&broken).when("STARTTLS", Act::Say("454 4.7.0 not now"));
    let server = Server::start(vec![refusing, Script::clear(), Script::tls(&good)]).await;
    let (deliverer, _) = deliverer(settings(), &pki);
    let route = route(vec![hop(MX, server.port, OperatorLevel::May)]);
    again(&deliverer, &route, 2).await;
    let heard = server.heard();
    assert_eq!(heard.iter().map(|heard| heard.messages.len()).collect::<Vec<_>>(), [0, 1, 1]);
    assert!(heard[1].anything_in_clear() && !heard[2].anything_in_clear());
}

#[tokio::test]
async fn idle_connections_are_left_after_a_while_and_when_there_are_too_many() {
    let settings = DeliverySettings { idle: Duration::from_millis(50), ..settings() };
    let (deliverer, route, servers) = to_with(settings, vec![Script::clear()]).await;
    again(&deliverer, &route, 1).await;
    servers[0].until(|heard| heard[0].clear.ends_with(b"QUIT\r\n")).await;
    assert_eq!(deliverer.idle_connections(), 0);
    again(&deliverer, &route, 1).await;
    servers[0].until(|heard| heard.len() == 2 && heard[1].clear.ends_with(b"QUIT\r\n")).await;

    let settings = DeliverySettings { most_idle: 1, ..super::settings() };
    let (deliverer, mut route, servers) = to_with(settings, vec![Script::clear(), Script::clear()]).await;
    again(&deliverer, &route, 1).await;
    route.hops.remove(0);
    again(&deliverer, &route, 1).await;
    servers[0].until(|heard| heard[0].clear.ends_with(b"QUIT\r\n")).await;
    assert_eq!(deliverer.idle_connections(), 1, "the newer one is kept");
    again(&deliverer, &route, 1).await;
    assert_eq!(servers[1].heard().len(), 1);
}

#[tokio::test]
async fn many_deliveries_at_a_time_share_what_is_there() {
    let (deliverer, route, servers) = to(vec![Script::clear()]).await;
    for _ in 0..3 {
        let all = (0..8).map(|_| again(&deliverer, &route, 5));
        futures_util::future::join_all(all).await;
    }
    let heard = servers[0].heard();
    assert!(heard.len() <= 8, "{} connections", heard.len());
    assert_eq!(heard.iter().map(|heard| heard.messages.len()).sum::<usize>(), 120);
}

impl Deliverer {
    /// Lets a conversation rest that has carried nothing yet.
    async fn rest_one(&self, hop: &Hop) {
        let requirement = hop.requirement(Wishes::default());
        let key = self.key(hop, &requirement);
        let (address, deadline) = (hop.addresses[0], Instant::now() + Duration::from_secs(60));
        let way = Way { hop, address, requirement: &requirement, key, deadline };
        let conversation = self.means.open(&way).await.unwrap();
        self.pool.put(&way, conversation);
    }
}
