//! `/metrics` and `/health` over HTTP.

use std::{convert::Infallible, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::Metrics;

/// Connections at a time; others wait.
const MOST: usize = 16;
/// How long a request may take to come, and a connection to last.
const REQUEST: Duration = Duration::from_secs(10);
const CONNECTION: Duration = Duration::from_secs(60);
/// The most bytes of a request's head.
const HEAD: usize = 16 * 1024;
/// The media type of OpenMetrics.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; charset=utf-8";

/// Whether mail is taken and delivered: the error says why not. Must not block.
pub type Health = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Answers `GET /metrics` and `GET /health` (200, or 503 with the reason) until it is dropped.
/// Connections are bounded in number, bytes and time.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Health) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(_) => {
                // No more files, mostly: it gets better when others are closed.
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (metrics, health) = (Arc::clone(&metrics), Arc::clone(&health));
        tokio::spawn(async move {
            let answer = service_fn(|request: Request<Incoming>| {
                let answer = answer(&request, &metrics, &health);
                async move { Ok::<_, Infallible>(answer) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(REQUEST)
                .max_buf_size(HEAD)
                .serve_connection(TokioIo::new(stream), answer);
            // What goes wrong with a reader of metrics is the reader's business.
            let _ = timeout(CONNECTION, connection).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, metrics: &Metrics, health: &Health) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n".to_owned());
    }
    match request.uri().path() {
        "/metrics" => with(StatusCode::OK, OPENMETRICS, metrics.text()),
        "/health" => match health() {
            Ok(()) => plain(StatusCode::OK, "ok\n".to_owned()),
            Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
        },
        _ => plain(StatusCode::NOT_FOUND, "there are /metrics and /health\n".to_owned()),
    }
}

fn plain(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    with(status, PLAIN, text)
}

fn with(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
