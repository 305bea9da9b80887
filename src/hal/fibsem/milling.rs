//! Patterns over the server: `run_milling` blocks until the beam has drawn them, with no limit of time; pause and stop go by
//! connections of their own. The plain server tells no progress: what is done is the beam time spent, by the clock, over its own
//! estimate, and shapes are taken to be drawn one after the other, each by its share of the volume.

use super::wire::{Wait, Wire, nonsense};
use super::work::What;
use super::{Rest, busy, refused};
use crate::{HalError, Milling, Progress, Reading, Ticket};
use model::{Beam, ErrorKind, Frame, MillingSettings, PatterningMode, PatterningPhase, PatterningState, Point, Shape};
use serde_json::{Value as Json, json};

/// A run that came back sooner than this part of the server's estimate was ended by somebody else, or never began: nobody can say.
const TOO_SOON: f64 = 0.5;

/// What is loaded, and how far it came.
#[derive(Default)]
pub(super) struct Drawing {
    settings: MillingSettings,
    shapes: Vec<Shape>,
    /// The server has the shapes: it forgets them at the end of a run.
    loaded: bool,
    /// s.
    estimated: f64,
    /// Beam time spent, s, before `since`.
    spent: f64,
    /// Clock seconds at which the beam began, or went on.
    since: Option<f64>,
    paused: bool,
    /// All shapes were drawn to their end.
    complete: bool,
}

impl Drawing {
    fn elapsed(&self, now: f64) -> f64 {
        let elapsed = self.spent + self.since.map_or(0.0, |since| (now - since).max(0.0));
        // the estimate is the server's, and the beam's own time may be longer
        if self.complete {
            self.estimated
        } else {
            elapsed.min(0.99 * self.estimated)
        }
    }

    fn rest_here(&mut self, now: f64) {
        if let Some(since) = self.since.take() {
            self.spent += (now - since).max(0.0);
        }
    }

    /// Fraction done of every shape.
    fn done(&self, now: f64) -> Vec<f64> {
        if self.complete {
            return vec![1.0; self.shapes.len()];
        }
        let fraction = if self.estimated > 0.0 {
            self.elapsed(now) / self.estimated
        } else {
            0.0
        };
        if self.settings.patterning_mode == PatterningMode::Parallel {
            return vec![fraction; self.shapes.len()];
        }
        let volumes: Vec<f64> = self.shapes.iter().map(|s| s.volume().max(f64::MIN_POSITIVE)).collect();
        let mut left = fraction * volumes.iter().sum::<f64>();
        volumes
            .into_iter()
            .map(|volume| {
                let drawn = left.clamp(0.0, volume);
                left -= drawn;
                drawn / volume
            })
            .collect()
    }
}

/// A shape as the server's package spells it.
fn spelt(shape: &Shape) -> Result<Json, HalError> {
    let name = match shape {
        Shape::Rectangle(_) => "Rectangle",
        Shape::Line(_) => "Line",
        Shape::Circle(_) => "Circle",
        Shape::Polygon(_) => "Polygon",
        Shape::Bitmap(_) => return Err(HalError::unsupported("bitmap patterns")),
    };
    let mut json = serde_json::to_value(shape).map_err(|e| nonsense("/draw_patterns").caused_by(e))?;
    if let Some(fields) = json.as_object_mut() {
        fields.remove("kind");
        fields.insert("type".to_owned(), json!(name));
    }
    Ok(json)
}

fn estimate(wire: &Wire) -> Result<f64, HalError> {
    let path = "/estimate_milling_time";
    let seconds = wire.get(path)?.get("seconds").and_then(Json::as_f64);
    seconds
        .filter(|s| s.is_finite() && *s >= 0.0)
        .ok_or_else(|| nonsense(path))
}

fn phase(wire: &Wire) -> Result<PatterningPhase, HalError> {
    let path = "/milling_state";
    let answer = wire.get(path)?;
    let word = answer.get("state").and_then(Json::as_str).unwrap_or_default();
    [
        PatterningPhase::Idle,
        PatterningPhase::Running,
        PatterningPhase::Stopping,
        PatterningPhase::Paused,
        PatterningPhase::Error,
    ]
    .into_iter()
    .find(|phase| phase.word() == word)
    .ok_or_else(|| nonsense(path).caused_by(format!("milling state `{}`", model::text::printable(word))))
}

/// How far each shape really came, where the server tells: also of what was begun before this program was.
fn evidence(wire: &Wire) -> Result<PatterningState, HalError> {
    let path = "/bridge/patterning";
    serde_json::from_value(wire.get(path)?).map_err(|e| nonsense(path).caused_by(e))
}

impl Milling for Rest {
    fn read(&mut self) -> Result<Reading<PatterningState>, HalError> {
        self.settle();
        let now = self.clock.now();
        let said = match self.system.offers.has("patterning") {
            true => evidence(&self.wire)?,
            false => PatterningState {
                phase: phase(&self.wire)?,
                estimated: self.drawing.estimated,
                elapsed: self.drawing.elapsed(now),
                done: self.drawing.done(now),
            },
        };
        self.settle();
        let phase = match (said.phase, self.draws(), self.drawing.paused) {
            // the order is on its way, or its end is
            (PatterningPhase::Idle, true, false) => PatterningPhase::Running,
            (PatterningPhase::Idle, true, true) => PatterningPhase::Stopping,
            (said, ..) => said,
        };
        Ok(Reading::fresh(PatterningState { phase, ..said }))
    }

    /// The server's own setup also sets current and voltage; it is given those that the column has.
    fn setup(&mut self, settings: &MillingSettings) -> Result<MillingSettings, HalError> {
        self.not_drawing()?;
        let column = self.column(settings.milling_channel).now()?.settings;
        let set = MillingSettings {
            milling_current: column.beam_current,
            milling_voltage: column.voltage,
            ..settings.clone()
        };
        self.drawing = Drawing {
            settings: set.clone(),
            loaded: true,
            ..Drawing::default()
        };
        let told = self
            .wire
            .tell("/setup_milling", &json!({ "mill_settings": set }), Wait::Slow);
        self.changed();
        told.map(|_| set)
    }

    fn load(&mut self, shapes: &[Shape]) -> Result<f64, HalError> {
        self.not_drawing()?;
        let column = self.column(self.drawing.settings.milling_channel).now()?.settings;
        let (w, h) = column.resolution;
        let half = (column.hfw / 2.0, column.hfw / 2.0 * f64::from(h) / f64::from(w.max(1)));
        let outside = |shape: &Shape| {
            let b = shape.bounds();
            !(b.left >= -half.0 && b.right <= half.0 && b.bottom >= -half.1 && b.top <= half.1)
        };
        if let Some(i) = shapes.iter().position(outside) {
            return Err(refused(
                format!(
                    "shape {} ({}) reaches out of the field; nothing was loaded",
                    i + 1,
                    shapes[i].kind()
                ),
                "move it in, or mill at a wider field",
            ));
        }
        let spelt: Vec<Json> = shapes.iter().map(spelt).collect::<Result<_, _>>()?;
        self.wire
            .tell("/draw_patterns", &json!({ "patterns": spelt }), Wait::Slow)?;
        self.drawing.shapes.extend_from_slice(shapes);
        (self.drawing.spent, self.drawing.complete) = (0.0, false);
        self.drawing.estimated = estimate(&self.wire)?;
        Ok(self.drawing.estimated)
    }

    fn begin(&mut self) -> Result<Ticket, HalError> {
        self.not_drawing()?;
        if self.drawing.shapes.is_empty() {
            return Err(refused(
                "no pattern is loaded; nothing was milled",
                "load patterns first",
            ));
        }
        if !self.drawing.loaded {
            let shapes = std::mem::take(&mut self.drawing.shapes);
            self.setup(&self.drawing.settings.clone())?;
            Milling::load(self, &shapes)?;
        }
        let column = self.column(self.drawing.settings.milling_channel).now()?.settings;
        let body = json!({
            "milling_current": column.beam_current,
            "milling_voltage": column.voltage,
            "asynch": false,
        });
        let drawing = &mut self.drawing;
        (drawing.spent, drawing.complete, drawing.paused, drawing.loaded) = (0.0, false, false, false);
        drawing.since = Some(self.clock.now());
        let wire = self.wire.clone();
        Ok(self.works.begin(What::Pattern, Some(drawing.estimated), move || {
            let answer = wire.tell("/run_milling", &body, Wait::Work)?;
            // the plain server has one word for every end
            match answer.get("status").and_then(Json::as_str) {
                Some("stopped") => Err(HalError::stopped()),
                _ => Ok(None),
            }
        }))
    }

    fn pause(&mut self) -> Result<(), HalError> {
        self.settle();
        if !self.draws() || phase(&self.wire)? != PatterningPhase::Running {
            return Err(refused(
                "nothing is being milled; nothing was paused",
                "milling.state shows what there is",
            ));
        }
        self.wire.tell("/pause_milling", &json!({}), Wait::Quick)?;
        self.drawing.rest_here(self.clock.now());
        self.drawing.paused = true;
        Ok(())
    }

    fn resume(&mut self) -> Result<(), HalError> {
        self.settle();
        // resuming what is not paused leaves the server running for ever
        if !self.draws() || phase(&self.wire)? != PatterningPhase::Paused {
            return Err(refused(
                "no pattern is paused; nothing was resumed",
                "milling.state shows what there is",
            ));
        }
        self.wire.tell("/resume_milling", &json!({}), Wait::Quick)?;
        self.drawing.since = Some(self.clock.now());
        self.drawing.paused = false;
        Ok(())
    }

    fn clear(&mut self) -> Result<(), HalError> {
        self.not_drawing()?;
        self.wire.tell("/clear_patterns", &json!({}), Wait::Quick)?;
        self.drawing = Drawing {
            settings: self.drawing.settings.clone(),
            loaded: true,
            ..Drawing::default()
        };
        Ok(())
    }

    fn begin_spot(&mut self, beam: Beam, at: Point, seconds: f64) -> Result<Ticket, HalError> {
        self.not_drawing()?;
        self.burn(beam, at, seconds)
    }
}

impl Rest {
    fn draws(&self) -> bool {
        self.is_busy(|what| matches!(what, What::Pattern | What::Spot))
    }

    fn not_drawing(&mut self) -> Result<(), HalError> {
        self.settle();
        if self.draws() {
            return Err(busy("a pattern is being drawn"));
        }
        Ok(())
    }

    /// Sends the end of a pattern.
    pub(super) fn end_drawing(&mut self) -> Result<(), HalError> {
        self.wire.tell("/stop_milling", &json!({}), Wait::Quick)?;
        self.drawing.rest_here(self.clock.now());
        Ok(())
    }

    /// How a pattern under way stands.
    pub(super) fn drawing_on(&self) -> Progress {
        let (elapsed, estimated) = (self.drawing.elapsed(self.clock.now()), self.drawing.estimated);
        Progress::Pending {
            fraction: (estimated > 0.0).then(|| elapsed / estimated),
            remaining: (estimated > 0.0).then(|| (estimated - elapsed).max(0.0)),
        }
    }

    /// What the end of a pattern means.
    pub(super) fn drawn(&mut self, stopped: bool, result: Result<Option<Frame>, HalError>) -> Progress {
        self.drawing.rest_here(self.clock.now());
        self.drawing.paused = false;
        match result {
            _ if stopped => Progress::Failed(HalError::stopped()),
            Ok(_) if self.system.offers.has("patterning") => match evidence(&self.wire) {
                Ok(state) if state.done.iter().all(|done| *done >= 1.0) => {
                    self.drawing.complete = true;
                    Progress::Done
                }
                // it returned and not all is drawn, or it does not say
                _ => Progress::Unknown,
            },
            Ok(_) if self.drawing.spent < TOO_SOON * self.drawing.estimated => Progress::Unknown,
            Ok(_) => {
                self.drawing.complete = true;
                Progress::Done
            }
            Err(e) if matches!(e.kind, ErrorKind::Unknown | ErrorKind::Timeout) => Progress::Unknown,
            Err(e) => Progress::Failed(e),
        }
    }
}
