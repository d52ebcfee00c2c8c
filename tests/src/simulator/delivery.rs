//! Writes a reply to the wire, or spoils it on the way as the fault commands.
//!
//! An effect is first turned into a list of steps, which is a pure decision; one small player then carries them out.

use std::{io, time::Duration, vec};

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Response, header},
};
use futures_util::stream;

use super::{fault::Effect, journal::InFlight, reply::Reply};

const PADDING: usize = 2 * 1024 * 1024 + 1;

enum Step {
    Send(Bytes),
    Wait(Duration),
    Abort,
    Hang,
}

/// The reply as `effect` leaves it. The request stays in flight until the body is written or dropped.
pub(super) fn deliver(mut reply: Reply, effect: &Effect, in_flight: InFlight) -> Response<Body> {
    if *effect == Effect::ContentType {
        reply.content_type = "text/html";
    }
    let body = play(steps(&reply, effect), in_flight);
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    if let Some(seconds) = reply.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn steps(reply: &Reply, effect: &Effect) -> Vec<Step> {
    match effect {
        Effect::StallBody => vec![Step::Send(half(reply)), Step::Hang],
        Effect::Truncated => vec![Step::Send(half(reply)), Step::Abort],
        Effect::Malformed => vec![Step::Send(malformed(reply))],
        Effect::Oversized => vec![Step::Send(padding(reply)), Step::Send(reply.body())],
        Effect::Drip { bytes, interval_ms } => drip(&reply.body(), *bytes, *interval_ms),
        _ => reply.frames.iter().cloned().map(Step::Send).collect(),
    }
}

fn half(reply: &Reply) -> Bytes {
    let body = reply.body();
    body.slice(..body.len() / 2)
}

fn malformed(reply: &Reply) -> Bytes {
    if reply.is_stream() {
        return Bytes::from_static(b"data: {\"choices\": [\n\n");
    }
    Bytes::from_static(b"{\"answer\": [\"cut off in the mid")
}

fn padding(reply: &Reply) -> Bytes {
    let blanks = " ".repeat(PADDING);
    if reply.is_stream() {
        return format!(":{blanks}\n\n").into();
    }
    blanks.into()
}

fn drip(body: &Bytes, bytes: u32, interval_ms: u32) -> Vec<Step> {
    let interval = Duration::from_millis(interval_ms.into());
    let size = usize::try_from(bytes).unwrap_or(usize::MAX).max(1);
    body.chunks(size).flat_map(|piece| [Step::Send(Bytes::copy_from_slice(piece)), Step::Wait(interval)]).collect()
}

fn play(steps: Vec<Step>, in_flight: InFlight) -> Body {
    Body::from_stream(stream::unfold((steps.into_iter(), in_flight), |(mut steps, in_flight)| async move {
        let piece = next(&mut steps).await?;
        Some((piece, (steps, in_flight)))
    }))
}

async fn next(steps: &mut vec::IntoIter<Step>) -> Option<io::Result<Bytes>> {
    loop {
        match steps.next()? {
            Step::Send(bytes) => return Some(Ok(bytes)),
            Step::Wait(interval) => tokio::time::sleep(interval).await,
            Step::Hang => std::future::pending().await,
            Step::Abort => {
                // Lets the server write what it holds: otherwise it closes before the first half is out.
                tokio::task::yield_now().await;
                return Some(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
    }
}
