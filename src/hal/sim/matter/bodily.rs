//! Bodies in the world: coming free, being held and moved, hanging on to something, wearing and growing.

use super::beamline::Beamline;
use super::bodies::{self, Body, BodyId, Held};
use super::columns::{Columns, Key, key_at};
use super::ground::{Area, coated};
use super::march::{self, Schedule};
use super::materials::Rates;
use super::plan;
use super::raster::Raster;
use super::sweep::{Lattice, Sweep, Window};
use super::tile::{COARSEST, TILE, Tile};
use super::{Inner, Matter, MatterError, unmoved};
use crate::sim::specimen::Material;
use nalgebra::{Isometry3, Point3};
use std::collections::BTreeSet;

/// Deposits join across gaps up to this (m): about two cells.
const GAP: f64 = 50e-9;

impl Matter {
    /// The bodies there are, in the order they came free.
    pub fn bodies(&self) -> &[Body] {
        &self.0.bodies
    }

    pub fn body(&self, id: BodyId) -> Option<&Body> {
        self.0.bodies.iter().find(|b| b.id == id)
    }

    /// Looks whether the cuts since the last look have set something free, of the sample or of a body. New bodies are held by
    /// nothing until [`Matter::attach`] says what holds them. The largest first; what is below 100 nm blows away.
    pub fn release(&mut self) -> Vec<BodyId> {
        if self.0.touched.is_empty() && self.0.bodies.is_empty() {
            return Vec::new();
        }
        let inner = self.change();
        let touched = std::mem::take(&mut inner.touched);
        let mut site = bodies::cluster(&inner.sheet, &touched);
        let ground = inner.ground.clone();
        let enclosed = plan::enclosed(&site);
        plan::make(&ground, &mut inner.sheet, &enclosed, plan::roughness(enclosed.len()));
        site.extend(enclosed);
        let mut freed: Vec<(Columns, Isometry3<f64>)> = bodies::free(&mut inner.sheet, Some(&ground), &site)
            .into_iter()
            .map(|c| (c, unmoved()))
            .collect();
        inner.sheet.forget(&site);
        for body in &mut inner.bodies {
            let keys: BTreeSet<Key> = body.columns.iter().map(|(k, _)| k).collect();
            let parts = bodies::free(&mut body.columns, None, &keys);
            if !parts.is_empty() {
                body.weigh();
                freed.extend(parts.into_iter().map(|c| (c, body.pose)));
            }
        }
        inner.bodies.retain(|b| b.volume > 0.0);
        freed
            .into_iter()
            .map(|(columns, pose)| {
                let id = BodyId(inner.next_body);
                inner.next_body += 1;
                inner.bodies.push(Body::new(id, columns, pose, Held::Nothing));
                id
            })
            .collect()
    }

    /// Says what holds a body.
    pub fn attach(&mut self, id: BodyId, held: Held) -> Result<(), MatterError> {
        self.existing(id)?.held = held;
        Ok(())
    }

    /// Puts a body elsewhere: from the frame it was cut in to the sample's.
    pub fn place(&mut self, id: BodyId, pose: Isometry3<f64>) -> Result<(), MatterError> {
        if !pose.to_homogeneous().iter().all(|v| v.is_finite()) {
            return Err(MatterError::Amount("the place of a body"));
        }
        self.existing(id)?.pose = pose;
        Ok(())
    }

    /// A body is gone for good.
    pub fn lose(&mut self, id: BodyId) -> Result<(), MatterError> {
        self.existing(id)?;
        self.change().bodies.retain(|b| b.id != id);
        Ok(())
    }

    /// Takes every body that nothing holds away; which ones.
    pub fn drop_loose(&mut self) -> Vec<BodyId> {
        let loose: Vec<BodyId> = self
            .0
            .bodies
            .iter()
            .filter(|b| b.held == Held::Nothing)
            .map(|b| b.id)
            .collect();
        if !loose.is_empty() {
            self.change().bodies.retain(|b| b.held != Held::Nothing);
        }
        loose
    }

    /// Whether deposited matter joins a body to the sample: there is a deposit on one within 50 nm of the other.
    pub fn is_welded(&self, id: BodyId) -> Result<bool, MatterError> {
        let body = self.body(id).ok_or(MatterError::NoBody(id.0))?;
        // without a deposit nothing is joined, and looking for one means every column
        if self.deposits().iter().all(|d| d.volume <= 0.0) {
            return Ok(false);
        }
        Ok(self.0.joins(body, self.0.bodies.iter().filter(|b| b.id != id)))
    }

    /// Whether a body has matter within `gap` (m) of a point of the sample's frame: a needle's tip.
    pub fn is_near(&self, id: BodyId, point: &Point3<f64>, gap: f64) -> Result<bool, MatterError> {
        let body = self.body(id).ok_or(MatterError::NoBody(id.0))?;
        Ok(near(&body.columns, &body.pose.inverse_transform_point(point), gap))
    }

    fn existing(&mut self, id: BodyId) -> Result<&mut Body, MatterError> {
        if self.body(id).is_none() {
            return Err(MatterError::NoBody(id.0));
        }
        let found = self.change().bodies.iter_mut().find(|b| b.id == id);
        found.ok_or(MatterError::NoBody(id.0))
    }
}

impl Inner {
    /// Whether a deposit bridges from a body to the sheet or to one of the others.
    fn joins<'a>(&'a self, body: &Body, others: impl Iterator<Item = &'a Body>) -> bool {
        let sheet = |p: &Point3<f64>| {
            near(&self.sheet, p, GAP)
                || (self.sheet.tile(key_at(p.x, p.y)).is_none()
                    && self
                        .ground
                        .column(p.x, p.y, 25e-9)
                        .iter()
                        .any(|r| f64::from(r.lo) - GAP <= p.z && p.z <= f64::from(r.hi) + GAP))
        };
        if deposited(&body.columns, |p| sheet(&(body.pose * p))) {
            return true;
        }
        let bounds = grown(body);
        let back = |p: &Point3<f64>| near(&body.columns, &body.pose.inverse_transform_point(p), GAP);
        let may = |key: Key| {
            let (x, y) = (f64::from(key.0) * TILE, f64::from(key.1) * TILE);
            x < bounds[1].x && x + TILE > bounds[0].x && y < bounds[1].y && y + TILE > bounds[0].y
        };
        let close = |(key, tile): (Key, &Tile)| may(key) && laid(key, tile, |p| back(&p));
        if self.sheet.iter().any(|(k, t)| close((k, t))) {
            return true;
        }
        others.into_iter().any(|other| {
            deposited(&other.columns, |p| back(&(other.pose * p)))
                || deposited(&body.columns, |p| {
                    near(
                        &other.columns,
                        &other.pose.inverse_transform_point(&(body.pose * p)),
                        GAP,
                    )
                })
        })
    }
}

impl Body {
    /// All tiles at one fineness, with empty ones round the body for what may grow `above` its faces.
    pub(super) fn roomy(&mut self, side: u16, above: f64) {
        let tiles: Vec<(Key, Tile)> = self
            .columns
            .iter()
            .filter(|(_, t)| t.side() != side)
            .map(|(k, t)| (k, t.resampled(side)))
            .collect();
        for (key, tile) in tiles {
            self.columns.set(key, tile);
        }
        if above <= 0.0 {
            return;
        }
        let steps = ((above / TILE).ceil() as i32).clamp(1, 4);
        let held: Vec<Key> = self
            .columns
            .iter()
            .filter(|(_, t)| !t.is_empty())
            .map(|(k, _)| k)
            .collect();
        for key in held {
            for (dx, dy) in (-steps..=steps).flat_map(|x| (-steps..=steps).map(move |y| (x, y))) {
                let beside = (key.0 + dx, key.1 + dy);
                if self.columns.tile(beside).is_none() {
                    self.columns.set(beside, Tile::build(side, |_, _| {}));
                }
            }
        }
    }

    pub(super) fn erode(&mut self, beam: &Beamline, raster: &Raster, rates: &Rates, schedule: &Schedule) {
        let local = beam.seen_from(&self.pose);
        let side = self.columns.iter().map(|(_, t)| t.side()).max().unwrap_or(COARSEST);
        self.roomy(side, 0.0);
        let sweep = Sweep::new(&local, side);
        let keys: BTreeSet<Key> = self.columns.iter().map(|(k, _)| k).collect();
        let window = Window::of(raster, &local, &sweep).meet(super::work::window_over(&self.columns, &keys, &sweep));
        if !window.is_empty() {
            let mut lattice = Lattice::new(raster, &local, sweep, window, false);
            march::cut(&mut self.columns, &mut lattice, rates, schedule);
            self.weigh();
        }
    }

    /// A coat from above: on the side of its columns that looks up now.
    pub(super) fn coat(&mut self, coats: &[(Area, f32)], material: Material) {
        let middle = self.middle();
        let up = (self.pose * nalgebra::Vector3::z()).z;
        let here = coats.iter().filter(|(area, _)| area.contains(middle.x, middle.y));
        let thickness: f32 = here.map(|(_, thickness)| thickness).sum();
        if up.abs() < 0.2 || thickness <= 0.0 {
            return;
        }
        let signed = if up > 0.0 { thickness } else { -thickness };
        let tiles: Vec<(Key, Tile)> = self
            .columns
            .iter()
            .map(|(key, tile)| (key, coated(tile, key, &[(Area::Everywhere, signed)], material)))
            .collect();
        for (key, tile) in tiles {
            self.columns.set(key, tile);
        }
        self.weigh();
    }
}

/// A body's bounds in the sample's frame, with room for a gap.
fn grown(body: &Body) -> [Point3<f64>; 2] {
    let corners = body.corners();
    let fold = |pick: fn(f64, f64) -> f64| {
        corners.iter().skip(1).fold(corners[0], |a, c| {
            Point3::new(pick(a.x, c.x), pick(a.y, c.y), pick(a.z, c.z))
        })
    };
    let room = nalgebra::Vector3::repeat(GAP);
    [fold(f64::min) - room, fold(f64::max) + room]
}

/// Whether a sheet has matter within `gap` of a point.
fn near(columns: &Columns, p: &Point3<f64>, gap: f64) -> bool {
    let hit = |dx: f64, dy: f64| {
        columns.column(p.x + dx, p.y + dy).is_some_and(|runs| {
            runs.iter()
                .any(|r| f64::from(r.lo) - gap <= p.z && p.z <= f64::from(r.hi) + gap)
        })
    };
    hit(0.0, 0.0)
        || (0..8).any(|k| {
            let (s, c) = (f64::from(k) * std::f64::consts::FRAC_PI_4).sin_cos();
            hit(0.5 * gap * c, 0.5 * gap * s) || hit(gap * c, gap * s)
        })
}

/// Whether `test` holds somewhere on the deposits of a sheet.
fn deposited(columns: &Columns, test: impl Fn(&Point3<f64>) -> bool) -> bool {
    columns.iter().any(|(key, tile)| laid(key, tile, |p| test(&p)))
}

/// The same for one tile: points at the ends of each deposited run and every 50 nm between.
fn laid(key: Key, tile: &Tile, test: impl Fn(Point3<f64>) -> bool) -> bool {
    let (n, pitch) = (usize::from(tile.side()), tile.pitch());
    (0..n * n).any(|c| {
        let x = f64::from(key.0) * TILE + ((c / n) as f64 + 0.5) * pitch;
        let y = f64::from(key.1) * TILE + ((c % n) as f64 + 0.5) * pitch;
        tile.column(c)
            .iter()
            .filter(|r| r.material == Material::Platinum)
            .any(|run| {
                let steps = (run.length() / GAP).ceil().max(1.0) as usize;
                (0..=steps).any(|i| {
                    let z = f64::from(run.lo) + run.length() * i as f64 / steps as f64;
                    test(Point3::new(x, y, z))
                })
            })
    })
}
