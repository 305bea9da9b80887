//! Deeds done to matter, one by one.

use super::lab::{Aim, Lab};
use super::{Deed, Finished};
use crate::sim::gas::ports::{self, Layer};
use crate::sim::matter::{Area, Beamline, BodyId, Drawing, Held, MatterError};
use crate::sim::patterning::files::Deposit;
use crate::sim::patterning::{Drawn, Segment};
use crate::sim::specimen::Material;
use model::{Beam, Shape, shape};
use nalgebra::{Isometry3, Vector3};

/// How far the sample may drift under one march of a dose (m), and the most marches a stroke is cut into; what it drifts
/// within one widens the spot.
const STEADY: f64 = 5e-9;
const MOST_MARCHES: f64 = 8.0;
/// Radius of what a parked beam is drawn as (m); its spot widens it.
const SPOT: f64 = 5e-9;
/// How near a body must be to the needle's tip to be held by it (m).
const GRIP: f64 = 150e-9;
/// Rings in which the gas of a nozzle is laid down, as shares of its distance from the sample.
const RINGS: [f64; 5] = [0.15, 0.3, 0.5, 0.8, 1.2];
/// How well the place of a nozzle's plume is known (m).
const PLUME: f64 = 5e-6;

impl Finished {
    pub(super) fn work(&mut self, lab: &Lab, deed: Deed) -> Result<(), MatterError> {
        match deed {
            Deed::Stroke {
                segment,
                aim,
                gas,
                exclusions,
            } => self.draw(lab, &segment, &aim, gas, &exclusions),
            Deed::Picture {
                aim,
                middle,
                field,
                charge,
                at,
            } => {
                let mut line = aim.line(lab, at);
                line.origin += line.right * middle.0 + line.up * middle.1;
                self.matter
                    .expose(&line, field, charge * (1.0 + lab.errors.current), &aim.ions())
            }
            Deed::Coat {
                gas,
                position,
                at,
                seconds,
            } => self.coat(gas, position.as_deref(), at, seconds),
            Deed::Needle(frame) => self.carry(frame),
            Deed::Release => self.release(),
            Deed::Exchange => self.exchange(lab),
            Deed::Show(slot) => {
                // nobody else fills it
                let _ = slot.set(self.matter.clone());
                Ok(())
            }
        }
    }

    /// What the needle held is gone with the sample it came from.
    fn exchange(&mut self, lab: &Lab) -> Result<(), MatterError> {
        self.before += 1;
        // the scene was there before
        if let Ok(specimen) = lab.piece.another(self.before) {
            self.matter = self.matter.instead(specimen);
            self.views.clear();
            self.sites = None;
        }
        Ok(())
    }

    fn draw(
        &mut self,
        lab: &Lab,
        segment: &Segment,
        aim: &Aim,
        gas: bool,
        exclusions: &[Shape],
    ) -> Result<(), MatterError> {
        let half = |n: u32| f64::from(n) / 2.0;
        let settings = &aim.beam.settings;
        let (drawn, deposit) = match &segment.what {
            Drawn::Shape { shape, file } => (shape.clone(), file.deposits.map(|d| (d, file.rate)).filter(|_| gas)),
            Drawn::Spot(at) => {
                let (w, h) = settings.resolution;
                let px = settings.hfw / f64::from(w.max(1));
                let dot = shape::Circle {
                    radius: SPOT,
                    depth: SPOT,
                    centre_x: (at.x * f64::from(w) - half(w)) * px,
                    centre_y: (half(h) - at.y * f64::from(h)) * px,
                    thickness: 0.0,
                    start_angle: 0.0,
                    end_angle: 360.0,
                    rotation: 0.0,
                    is_exclusion: false,
                };
                (Shape::Circle(dot), None)
            }
        };
        let time = segment.end - segment.start;
        let (x, y, height) = lab.errors.drift;
        let way = Vector3::new(x, y, height).norm() * time;
        let marches = (way / STEADY).ceil().clamp(1.0, MOST_MARCHES);
        let share = |k: f64| segment.from + (segment.to - segment.from) * k / marches;
        for k in 0..marches as u32 {
            let k = f64::from(k);
            let at = segment.start + time * (k + 0.5) / marches;
            let line = aim.line(lab, at);
            // an even motion over a way has a twelfth of its square as variance
            let smeared = (way / marches).powi(2) / 12.0;
            let mut spot = aim.spot(lab, at);
            (spot.xx, spot.yy) = (spot.xx + smeared, spot.yy + smeared);
            let drawing = Drawing {
                shape: &drawn,
                charge: segment.charge * (1.0 + lab.errors.current),
                part: (share(k), share(k + 1.0)),
                spot,
                exclusions,
            };
            match deposit {
                Some((deposit, rate)) => {
                    let material = match deposit {
                        Deposit::Platinum => Material::Platinum,
                        Deposit::Carbon => Material::Carbon,
                    };
                    self.matter.draw_deposit(&line, &drawing, rate, material)?;
                }
                // electrons take nothing
                None if aim.channel() == Beam::Ion => {
                    let cut = self.matter.mill(&line, &drawing, &aim.ions())?;
                    *self.removed.entry(segment.record).or_default() += cut.removed;
                    let on_plane = line.origin - line.along * (line.origin.z / line.along.z.min(-0.01));
                    self.drawn_at.insert(segment.record, [on_plane.x, on_plane.y]);
                    self.remember(line);
                }
                None => {}
            }
        }
        Ok(())
    }

    /// A view is another one where it looks from elsewhere or at another place.
    fn remember(&mut self, line: Beamline) {
        let same = |old: &Beamline| {
            old.along.dot(&line.along) > 0.999_9 && old.picture(&line.origin)[..2].iter().all(|d| d.abs() < 20e-6)
        };
        if let Some(old) = self.views.iter_mut().find(|old| same(old)) {
            *old = line;
        } else {
            self.views.push(line);
        }
    }

    fn coat(
        &mut self,
        gas: &ports::Gas,
        position: Option<&str>,
        (x, y): (f64, f64),
        seconds: f64,
    ) -> Result<(), MatterError> {
        let material = match gas.layer {
            Layer::Platinum => Material::Platinum,
            Layer::Carbon => Material::Carbon,
        };
        if *gas == ports::SPUTTERED {
            return self.matter.coat(Area::Everywhere, gas.growth * seconds, material);
        }
        // a plume has no sharper place: what is laid down twice at one place is one coat
        let (x, y) = ((x / PLUME).round() * PLUME, (y / PLUME).round() * PLUME);
        // discs on discs: each adds what its rim has more than the next one's
        let far = ports::distance(position);
        let mut outside = 0.0;
        let discs = RINGS.map(|ring| ring * far).into_iter().rev().map(|radius| {
            let here = ports::growth(gas, position, radius * 0.9) * seconds;
            (
                Area::Disc { x, y, radius },
                here - std::mem::replace(&mut outside, here),
            )
        });
        let discs: Vec<(Area, f64)> = discs.collect();
        self.matter.coats(&discs, material)
    }

    fn held(&self) -> Vec<BodyId> {
        let held = self.matter.bodies().iter().filter(|b| b.held == Held::Needle);
        held.map(|b| b.id).collect()
    }

    fn carry(&mut self, frame: Isometry3<f64>) -> Result<(), MatterError> {
        if let Some(before) = self.needle.replace(frame) {
            let moved = frame * before.inverse();
            for id in self.held() {
                if let Some(pose) = self.matter.body(id).map(|b| b.pose) {
                    self.matter.place(id, moved * pose)?;
                }
            }
        }
        Ok(())
    }

    /// What holds each body: the needle where its tip is in it (and was welded to it), a deposit that joins it to the sample;
    /// else nothing, and it is lost.
    fn release(&mut self) -> Result<(), MatterError> {
        self.matter.release();
        let tip = self
            .needle
            .map(|frame| nalgebra::Point3::from(frame.translation.vector));
        let all: Vec<(BodyId, Held)> = self.matter.bodies().iter().map(|b| (b.id, b.held)).collect();
        for (id, before) in all {
            let near = match &tip {
                Some(tip) => self.matter.is_near(id, tip, GRIP)?,
                None => false,
            };
            let welded = |tip: &nalgebra::Point3<f64>| {
                let deposits = self.matter.deposits().iter();
                deposits
                    .filter(|d| d.volume > 0.0)
                    .any(|d| d.area.contains(tip.x, tip.y))
            };
            let gripped = near && (before == Held::Needle || tip.as_ref().is_some_and(welded));
            let held = if gripped {
                Held::Needle
            } else if self.matter.is_welded(id)? {
                Held::Post
            } else {
                Held::Nothing
            };
            self.matter.attach(id, held)?;
        }
        self.matter.drop_loose();
        Ok(())
    }
}
