//! Pictures: taken, and the last ones again, as TIFF with openFIBSEM's description.

use super::super::reply::{Refusal, Reply};
use super::super::route::{Call, Route, ask, tell};
use super::ours;
use crate::command::Command;
use crate::query::{Query, Reply as Answer};
use hyper::StatusCode;
use model::{Beam, ErrorKind, Frame, ImageSettings};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub(in super::super) const ROUTES: &[Route] = &[
    tell("/acquire_image", |call| {
        Box::pin(async move {
            let beam = call.fields.beam()?;
            let given = match call.fields.get("image_settings") {
                Some(_) => Some(call.fields.object("image_settings")?.clone()),
                None => None,
            };
            let settings = match given.filter(|given| !given.is_empty()) {
                Some(given) => picture(given, beam)?,
                None => call.scan(beam).await?,
            };
            call.expose(&settings).await
        })
    }),
    ask("/last_image", |call| {
        Box::pin(async move {
            let beam = call.fields.beam()?;
            let id = call
                .link
                .snapshot()
                .frames
                .iter()
                .rev()
                .find(|f| f.beam == Some(beam))
                .map(|f| f.id);
            match id {
                Some(id) => tiff(call.frame(id, 0).await?).await,
                None => Err(Refusal::new(
                    StatusCode::NOT_FOUND,
                    ErrorKind::Other,
                    format!("no picture was taken with the {beam} beam yet"),
                    "take one (acquire_image)",
                )),
            }
        })
    }),
    tell("/acquire_chamber_image", |call| {
        Box::pin(async move {
            let taken = call.read(Command::new("chamber.picture")).await?;
            tiff(call.frame(ours(&taken["id"])?, 0).await?).await
        })
    }),
    tell("/autocontrast", |call| Box::pin(of_beam(call, "image.autocontrast"))),
    tell("/auto_focus", |call| Box::pin(of_beam(call, "image.autofocus"))),
    ask("/imaging_settings/get", |call| {
        Box::pin(async move {
            let settings = call.scan(call.fields.beam()?).await?;
            Ok(Reply::Json(json!({ "image_settings": settings })))
        })
    }),
    tell("/imaging_settings/set", |call| {
        Box::pin(async move {
            let settings = picture(call.fields.object("image_settings")?.clone(), Beam::Electron)?;
            let beam = settings.beam_type;
            let mut now = call.column(beam).await?;
            (now.hfw, now.resolution, now.dwell_time) = (settings.hfw, settings.resolution, settings.dwell_time);
            call.set_column(beam, Some(now), None).await?;
            Ok(Reply::ok())
        })
    }),
];

async fn of_beam(call: Call, name: &str) -> Result<Reply, Refusal> {
    let beam = call.fields.beam()?;
    call.act(Command::new(name).with("beam", beam.word())).await?;
    Ok(Reply::ok())
}

/// openFIBSEM's ImageSettings, what is left out at its default; `beam` where none is named. Saving and automatic contrast are not this
/// request's, as with openFIBSEM's server: files belong to whoever asked.
pub(in super::super) fn picture(given: Map<String, Value>, beam: Beam) -> Result<ImageSettings, Refusal> {
    let defaults = ImageSettings {
        beam_type: beam,
        ..ImageSettings::default()
    };
    let mut whole = match json!(defaults) {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    whole.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
    super::super::fields::understood("image_settings", Value::Object(whole))
}

impl Call {
    /// The settings that a picture of the beam would be taken with, from what the beam is set to.
    pub async fn scan(&self, beam: Beam) -> Result<ImageSettings, Refusal> {
        let now = self.column(beam).await?;
        Ok(ImageSettings {
            beam_type: beam,
            resolution: now.resolution,
            dwell_time: now.dwell_time,
            hfw: now.hfw,
            ..ImageSettings::default()
        })
    }

    /// Takes a picture.
    pub async fn expose(&self, settings: &ImageSettings) -> Result<Reply, Refusal> {
        let taken = self
            .act(Command::new("image.take").with("settings", json!(settings)))
            .await?;
        tiff(self.frame(ours(&taken["id"])?, 0).await?).await
    }

    /// A picture that is in memory, no larger than `most` pixels a side (0 = as it is).
    pub async fn frame(&self, id: u64, most: u32) -> Result<Arc<Frame>, Refusal> {
        let gone = |hint: String| {
            Refusal::new(
                StatusCode::GONE,
                ErrorKind::Other,
                "that picture is no longer in memory",
                hint,
            )
        };
        match self.link.ask(Query::Frame { id, most }).await? {
            Answer::Frame(frame) => Ok(frame),
            Answer::Gone { file: Some(file) } => Err(gone(format!("its file is {file}"))),
            _ => Err(gone("it was not saved".to_owned())),
        }
    }
}

/// A picture as a TIFF file.
pub(in super::super) async fn tiff(frame: Arc<Frame>) -> Result<Reply, Refusal> {
    Ok(Reply::Bytes("image/tiff", encoded(frame).await?))
}

/// The bytes of such a file.
pub(in super::super) async fn encoded(frame: Arc<Frame>) -> Result<Vec<u8>, Refusal> {
    // a large one takes a while: others are served meanwhile
    let encoded = tokio::task::spawn_blocking(move || frame.encode()).await;
    match encoded {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => Err(unwritten(&error)),
        Err(error) => Err(unwritten(&error)),
    }
}

pub(in super::super) fn unwritten(error: &dyn std::fmt::Display) -> Refusal {
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::Other,
        format!("the picture could not be written: {error}"),
        "it is still in memory (last_image)",
    )
}
