//! Pictures over the server: asked for with every setting, and described here where they come without a description.

use super::wire::{Wait, Wire, nonsense};
use super::work::What;
use super::{Rest, busy};
use crate::{HalError, Imaging, Stage, Ticket};
use model::frame::Metadata;
use model::{Beam, ErrorKind, Frame, ImageSettings, MicroscopeState, StagePosition};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// The last picture of each beam that was taken here.
#[derive(Default)]
pub(super) struct Album(BTreeMap<&'static str, Frame>);

impl Album {
    pub fn keep(&mut self, beam: Beam, frame: &Frame) {
        self.0.insert(beam.word(), frame.clone());
    }
}

/// The bridge obeys all settings (`whole`). For the plain server the scan is set before: there, one maker's class takes a picture as
/// the scan is set and does not look at what comes with the order.
fn expose(
    wire: &Wire,
    settings: &ImageSettings,
    own: &MicroscopeState,
    whole: bool,
    mut body: Json,
) -> Result<Frame, HalError> {
    body["image_settings"] = json!(settings);
    let path = if whole { "/bridge/acquire" } else { "/acquire_image" };
    if !whole {
        wire.tell("/imaging_settings/set", &body, Wait::Slow)?;
        body["beam_type"] = json!(settings.beam_type.wire_name());
    }
    let mut frame = wire.picture(path, &body, Wait::Work)?;
    let (w, h) = settings.scanned();
    if frame.pixels.size() != (w as usize, h as usize) {
        let (got_w, got_h) = frame.pixels.size();
        return Err(nonsense(path).caused_by(format!("{got_w}x{got_h} pixels came where {w}x{h} were asked for")));
    }
    match &mut frame.metadata {
        // a maker's own description says what it was set to before: what was asked for and came is what counts
        Some(data) => {
            let described = Metadata::new(settings.clone(), own.clone());
            (data.image, data.pixel_size) = (described.image, described.pixel_size);
        }
        none => *none = Some(Metadata::new(settings.clone(), own.clone())),
    }
    Ok(frame)
}

impl Imaging for Rest {
    fn begin(&mut self, settings: &ImageSettings) -> Result<Ticket, HalError> {
        self.settle();
        // the server has one lock for all pictures
        if self.is_busy(|what| matches!(what, What::Picture(_))) {
            return Err(busy("a picture is being taken"));
        }
        let beam = settings.beam_type;
        crate::interlock::acquire(settings, &self.system.capabilities)?;
        let own = self.condition(beam)?;
        let (wire, settings) = (self.wire.clone(), settings.clone());
        self.changed();
        let seconds = settings.beam_time();
        let (whole, body) = (self.system.offers.has("acquire"), self.order_of(json!({})));
        Ok(self.works.begin(What::Picture(beam), Some(seconds), move || {
            expose(&wire, &settings, &own, whole, body).map(Some)
        }))
    }

    fn take(&mut self, ticket: Ticket) -> Result<Frame, HalError> {
        self.works.take(ticket)
    }

    fn last(&mut self, beam: Beam) -> Result<Option<Frame>, HalError> {
        self.settle();
        if let Some(frame) = self.album.0.get(beam.word()) {
            return Ok(Some(frame.clone()));
        }
        let body = json!({ "beam_type": beam.wire_name() });
        match self.wire.picture("/last_image", &body, Wait::Slow) {
            Ok(frame) => Ok(Some(frame)),
            // where none was taken the server fails inside
            Err(e) if e.kind == ErrorKind::Other => Ok(None),
            Err(e) => Err(e),
        }
    }
}

impl Rest {
    /// The condition in which a picture is taken.
    fn condition(&mut self, beam: Beam) -> Result<MicroscopeState, HalError> {
        let timestamp = self.clock.epoch() + self.clock.now();
        let stage_position = match self.system.capabilities.stage {
            Some(_) => StagePosition::from(Stage::read(self)?.value.pose),
            None => StagePosition::default(),
        };
        let state = self.column(beam).now()?;
        let mut condition = MicroscopeState::bare(timestamp, stage_position);
        let (settings, detector) = (Some(state.settings), Some(state.detector));
        match beam {
            Beam::Electron => (condition.electron_beam, condition.electron_detector) = (settings, detector),
            Beam::Ion => (condition.ion_beam, condition.ion_detector) = (settings, detector),
        }
        Ok(condition)
    }
}
