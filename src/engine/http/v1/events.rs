//! What happens, as server-sent events: first `snapshot`, then each `event` with its number as id, and `pulse` (progress, the sign of
//! life). Who reads too slowly gets a `snapshot` again instead of what was missed.

use super::super::reply::Reply;
use super::super::route::Call;
use crate::link::Heard;
use hyper::body::Bytes;
use serde::Serialize;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{Sender, channel};

/// Pieces that wait for a slow reader.
const AHEAD: usize = 256;
/// A reader that takes nothing for so long is gone.
const STUCK: Duration = Duration::from_secs(60);

fn piece(name: &str, id: Option<u64>, data: &impl Serialize) -> Bytes {
    // plain data: it can be written
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    Bytes::from(format!("event: {name}\n{id}data: {data}\n\n"))
}

/// The stream, until its reader or the engine ends.
pub(super) fn stream(call: Call) -> Reply {
    let (sender, pieces) = channel(AHEAD);
    tokio::spawn(async move {
        // the reader is here as long as it listens
        let _visit = &call.visit;
        tokio::select! {
            () = tell(&call, &sender) => {}
            () = sender.closed() => {}
        }
    });
    Reply::Events(pieces)
}

async fn tell(call: &Call, out: &Sender<Bytes>) {
    // heard before the snapshot is taken: no event falls between the two
    let mut heard = call.link.listen();
    let snapshot = || {
        let snapshot = call.link.snapshot();
        (snapshot.seq, piece("snapshot", Some(snapshot.seq), &*snapshot))
    };
    let (mut seq, mut next) = snapshot();
    loop {
        if out.send_timeout(next, STUCK).await.is_err() {
            return;
        }
        next = loop {
            match heard.recv().await {
                Ok(Heard::Event(event)) if event.seq <= seq => {}
                Ok(Heard::Event(event)) => {
                    seq = event.seq;
                    break piece("event", Some(seq), &*event);
                }
                Ok(Heard::Pulse(pulse)) => break piece("pulse", None, &pulse),
                Err(RecvError::Lagged(_)) => {
                    let (newest, again) = snapshot();
                    seq = newest;
                    break again;
                }
                Err(RecvError::Closed) => return,
            }
        };
    }
}
