//! The world around the patterning engine: it is set up, loaded and started, and what breaks it off.

use super::files;
use super::{Drawn, Part, Probe, Segment};
use crate::HalError;
use crate::sim::faults::Sort;
use crate::sim::geometry::TwinGeometry;
use crate::sim::optics;
use crate::sim::values;
use crate::sim::workpiece::{Aim, Deed};
use crate::sim::world::State;
use model::capabilities::{BeamCapabilities, MillingCapabilities, MillingControl};
use model::shape::{CrossSection, ScanDirection};
use model::{
    Beam, Capabilities, ErrorKind, Key, MillingSettings, PatterningMode, PatterningPhase, Point, Shape, Value,
};
use nalgebra::{Isometry3, Translation3, Vector3};

/// Parts into which a dose is cut that was drawn while the stage moved.
const SMEAR: u32 = 16;

/// What the twin of an instrument can mill with. `None` without an ion beam.
pub fn capabilities(kind: model::StageKind, ion: Option<&BeamCapabilities>) -> Option<MillingCapabilities> {
    let ion = ion?;
    let presets: Vec<String> = values::presets(kind, Beam::Ion)
        .iter()
        .map(|p| p.name.to_owned())
        .collect();
    Some(MillingCapabilities {
        control: if presets.is_empty() {
            MillingControl::Current
        } else {
            MillingControl::Preset
        },
        channels: vec![Beam::Electron, Beam::Ion],
        application_files: files::FILES.iter().map(|file| file.name.to_owned()).collect(),
        modes: vec![PatterningMode::Serial, PatterningMode::Parallel],
        presets,
        scan_directions: ScanDirection::ALL.to_vec(),
        bitmaps: true,
        pause: true,
        spot_burn: ion.writable.contains(&Key::SpotMode),
        imaging_meanwhile: true,
    })
}

/// Names of presets are compared without their blanks: openFIBSEM writes `30 keV; 2nA`.
fn same_name(a: &str, b: &str) -> bool {
    let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    letters(a).eq_ignore_ascii_case(&letters(b))
}

fn refused(kind: ErrorKind, what: impl Into<String>, hint: &str) -> HalError {
    HalError::new(kind, what, hint)
}

impl State {
    /// The beam as planning sees it.
    pub fn probe(&mut self, channel: Beam) -> Probe {
        let settings = &self.column(channel).state.settings;
        Probe {
            channel,
            current: settings.beam_current,
            spot: optics::spot_size(channel, settings.beam_current, settings.voltage),
        }
    }

    fn not_drawing(&self) -> Result<(), HalError> {
        if !self.patterning.is_active() {
            return Ok(());
        }
        Err(refused(
            ErrorKind::Busy,
            "a pattern is being drawn; nothing was changed",
            "wait for its end, or stop it",
        ))
    }

    /// Clears the patterns and sets the channel's field (and preset, where there are presets); returns what was set.
    pub fn setup_milling(
        &mut self,
        settings: &MillingSettings,
        capabilities: &Capabilities,
    ) -> Result<MillingSettings, HalError> {
        self.not_drawing()?;
        let milling = capabilities
            .milling
            .as_ref()
            .ok_or_else(|| HalError::unsupported("milling"))?;
        let mut set = settings.clone();
        if files::find(&set.application_file).is_none() {
            return Err(refused(
                ErrorKind::OutOfRange,
                format!(
                    "there is no application file `{}`; nothing was set",
                    model::text::printable(&set.application_file)
                ),
                "see the instrument's application files",
            ));
        }
        let channel = set.milling_channel;
        if milling.control == MillingControl::Preset && channel == Beam::Ion {
            let known = milling.presets.iter().find(|name| same_name(name, &set.preset));
            let preset = known.ok_or_else(|| {
                refused(
                    ErrorKind::OutOfRange,
                    format!(
                        "there is no preset `{}`; nothing was set",
                        model::text::printable(&set.preset)
                    ),
                    "see system.available key=preset beam=ion",
                )
            })?;
            if !(set.rate > 0.0 && set.rate.is_finite()) {
                return Err(refused(
                    ErrorKind::OutOfRange,
                    "the milling rate is no number above zero; nothing was set",
                    "give m3 per A and s",
                ));
            }
            set.preset = preset.clone();
            self.column(channel)
                .set(Key::Preset, &Value::Text(set.preset.clone()))?;
        }
        self.column(channel).set(Key::Hfw, &Value::Number(set.hfw))?;
        let beam = &self.column(channel).state.settings;
        (set.hfw, set.milling_current, set.milling_voltage) = (beam.hfw, beam.beam_current, beam.voltage);
        (self.active_view, self.active_device) = (channel, channel);
        self.patterning.clear();
        self.patterning.settings = set.clone();
        Ok(set)
    }

    /// Adds shapes; returns the estimate for all that is loaded, s.
    pub fn load_shapes(&mut self, shapes: &[Shape]) -> Result<f64, HalError> {
        self.not_drawing()?;
        let channel = self.patterning.settings.milling_channel;
        let settings = &self.column(channel).state.settings;
        let (w, h) = settings.resolution;
        let half = (
            settings.hfw / 2.0,
            settings.hfw / 2.0 * f64::from(h) / f64::from(w.max(1)),
        );
        if let Some(i) = shapes.iter().position(|shape| {
            let b = shape.bounds();
            !(b.left >= -half.0 && b.right <= half.0 && b.bottom >= -half.1 && b.top <= half.1)
        }) {
            return Err(refused(
                ErrorKind::OutOfRange,
                format!(
                    "shape {} ({}) reaches out of the field; nothing was loaded",
                    i + 1,
                    shapes[i].kind()
                ),
                "move it in, or mill at a wider field",
            ));
        }
        let chosen = files::find(&self.patterning.settings.application_file).unwrap_or(&files::FILES[0]);
        let parts = shapes.iter().map(|shape| Part {
            shape: shape.clone(),
            file: match (chosen.name, shape.cross_section()) {
                // instruments choose the silicon file of the kind of cross section
                ("Si", CrossSection::RegularCrossSection) => files::find("Si-multipass").unwrap_or(chosen),
                ("Si", CrossSection::CleaningCrossSection) => files::find("Si-ccs").unwrap_or(chosen),
                _ => chosen,
            },
        });
        self.patterning.load(parts);
        let probe = self.probe(channel);
        Ok(self.patterning.estimate(probe))
    }

    fn ready(&mut self, beam: Beam, now: f64) -> Result<(), HalError> {
        self.not_drawing()?;
        if !self.column(beam).state.on || !self.chamber.is_pumped(now) {
            return Err(refused(
                ErrorKind::Interlock,
                format!("the {beam} beam is off; nothing was drawn"),
                "turn it on first",
            ));
        }
        if self.scan.as_ref().is_some_and(|scan| scan.beam() == beam) || self.column(beam).gas_change.is_some() {
            return Err(refused(
                ErrorKind::Busy,
                format!("the {beam} beam is busy; nothing was drawn"),
                "wait for its end, or stop it",
            ));
        }
        Ok(())
    }

    /// Unblanks the beam and draws what is loaded; returns the ticket.
    pub fn begin_pattern(&mut self, geometry: &TwinGeometry, now: f64) -> Result<u64, HalError> {
        let beam = self.patterning.settings.milling_channel;
        self.ready(beam, now)?;
        if !self.patterning.is_loaded() {
            return Err(refused(
                ErrorKind::Interlock,
                "no pattern is loaded; nothing was drawn",
                "load patterns first",
            ));
        }
        let (ticket, late, probe) = (self.ticket(), self.faults.take_hang(), self.probe(beam));
        self.column(beam).state.blanked = false;
        self.patterning.begin(ticket, probe, late, now);
        // what a scenario does to a pattern strikes when there is one
        self.count(geometry, Sort::Pattern, now);
        Ok(ticket)
    }

    /// Parks the unblanked beam at a point of its field; returns the ticket.
    pub fn begin_spot(
        &mut self,
        geometry: &TwinGeometry,
        beam: Beam,
        at: Point,
        seconds: f64,
        now: f64,
    ) -> Result<u64, HalError> {
        if !(seconds > 0.0 && seconds.is_finite()) {
            return Err(refused(
                ErrorKind::OutOfRange,
                "a burn wants a time above zero; nothing was burned",
                "give seconds",
            ));
        }
        self.ready(beam, now)?;
        self.column(beam).set(Key::SpotMode, &Value::Point(at))?;
        let (ticket, probe) = (self.ticket(), self.probe(beam));
        self.column(beam).state.blanked = false;
        self.patterning.begin_spot(ticket, probe, at, seconds, now);
        self.count(geometry, Sort::Pattern, now);
        Ok(ticket)
    }

    pub fn resume_pattern(&mut self, now: f64) -> Result<(), HalError> {
        let beam = self.patterning.settings.milling_channel;
        let column = &self.column(beam).state;
        let (on, current) = (column.on, column.settings.beam_current);
        if !on || !self.chamber.is_pumped(now) {
            return Err(refused(
                ErrorKind::Interlock,
                format!("the {beam} beam is off; the pattern stays paused"),
                "turn it on first",
            ));
        }
        self.patterning.resume(current, now)?;
        self.column(beam).state.blanked = false;
        Ok(())
    }

    pub fn clear_patterns(&mut self) -> Result<(), HalError> {
        self.not_drawing()?;
        self.patterning.clear();
        Ok(())
    }

    /// Ends what `beam` draws with an error: it no longer is what the pattern was planned for.
    pub fn break_pattern(&mut self, beam: Beam, why: &str, now: f64) {
        if self.patterning.drawing_with() != Some(beam) {
            return;
        }
        self.hand_out_dose(now);
        if let Some(ticket) = self.patterning.halt(PatterningPhase::Error, now) {
            let error = refused(
                ErrorKind::Other,
                format!("{why} while it was drawing; the pattern is not finished"),
                "the state of milling says how far it came",
            );
            self.end_spot_mode(beam);
            self.look_for_bodies(now);
            self.end(ticket, Err(error));
        }
    }

    /// After a spot the beam scans again.
    pub fn end_spot_mode(&mut self, beam: Beam) {
        self.column(beam).scan_all();
    }

    /// How a column really aims with the stage where it is at clock time `t`.
    pub fn aim(&mut self, beam: Beam, t: f64) -> Aim {
        let pose = self.stage.true_pose(t);
        let lab = self.lab.clone();
        let column = self.column(beam);
        Aim {
            beam: column.state.clone(),
            flaws: lab.flaws(column.decades()),
            pose,
        }
    }

    /// Books the dose drawn up to `now`, aimed as the beam is aimed until now.
    pub fn hand_out_dose(&mut self, now: f64) {
        let gas = self.gas.is_flowing();
        let segments = self.patterning.take_segments(now);
        if segments.is_empty() {
            return;
        }
        let exclusions = self.patterning.exclusions();
        // a stage that moves under the beam smears it
        let parts = if self.stage.motion.is_some() { SMEAR } else { 1 };
        for segment in segments {
            for part in segment.split(parts) {
                let aim = self.aim(part.probe.channel, f64::midpoint(part.start, part.end));
                self.wear_needle(&part, &aim, gas);
                self.lab.piece.push(Deed::Stroke {
                    segment: part,
                    aim,
                    gas,
                    exclusions: exclusions.clone(),
                });
            }
        }
    }

    /// What a part of a pattern takes off a needle that is in its way. The needle does not drift with the sample.
    fn wear_needle(&mut self, part: &Segment, aim: &Aim, gas: bool) {
        let Drawn::Shape { shape, file } = &part.what else {
            return;
        };
        if !self.needle.inserted() || part.probe.channel != Beam::Ion || (gas && file.deposits.is_some()) {
            return;
        }
        let tip = self.needle.tip(f64::midpoint(part.start, part.end));
        let line = aim.in_chamber(&self.lab, Vector3::zeros());
        let charge = part.charge * (part.to - part.from);
        self.needle.end.mill(&tip, &line, shape, charge, part.probe.spot);
    }

    /// Books what flowed up to `now`.
    pub fn hand_out_flow(&mut self, now: f64) {
        let flows = self.gas.take_flows(now);
        let pose = self.stage.true_pose(now);
        for flow in flows {
            // what lies at the coincidence point lies below the nozzle
            let below = self.lab.geometry.sample_to_chamber(&pose).inverse().translation.vector;
            self.lab.piece.push(Deed::Coat {
                gas: flow.gas,
                position: flow.position,
                at: (below.x, below.y),
                seconds: flow.end - flow.start,
            });
        }
    }

    /// Books where the needle is in the sample's frame.
    pub fn hand_out_needle(&mut self, now: f64) {
        if !self.needle.inserted() {
            return;
        }
        let sample = self.lab.geometry.sample_to_chamber(&self.stage.true_pose(now));
        let tip = Isometry3::from(Translation3::from(self.needle.point(now)));
        self.lab.piece.push(Deed::Needle(sample.inverse() * tip));
    }

    /// Books all that goes on up to `now`: somebody looks at the sample.
    pub fn hand_out(&mut self, now: f64) {
        self.hand_out_flow(now);
        self.hand_out_dose(now);
        self.hand_out_needle(now);
    }
}
