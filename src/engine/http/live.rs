//! The bridge's live view: switched on and off, and its newest frame.

use super::reply::Reply;
use super::rest::imaging::encoded;
use super::route::{Route, ask, tell};
use crate::command::Command;
use crate::snapshot::at;

pub(super) const ROUTES: &[Route] = &[
    tell("/bridge/live", |call| {
        Box::pin(async move {
            let (beam, on) = (call.fields.beam()?, call.fields.flag("on")?.unwrap_or(true));
            let command = Command::new("image.live").with("beam", beam.word()).with("on", on);
            call.act(command).await?;
            Ok(Reply::value(on))
        })
    }),
    ask("/bridge/live/frame", |call| {
        Box::pin(async move {
            let after = call.fields.maybe_number("after")?.unwrap_or(0.0);
            let newest = call.link.snapshot().live_frames[at(call.fields.beam()?)]
                .as_ref()
                .map(|f| f.id);
            match newest.filter(|id| *id as f64 > after) {
                Some(id) => Ok(Reply::Frame(id, encoded(call.frame(id, 0).await?).await?)),
                None => Ok(Reply::Nothing),
            }
        })
    }),
];
