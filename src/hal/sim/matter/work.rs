//! What is done to the sample's sheet and to each body in the way: tiles are made ready, rays sent, the rest passed on.

use super::accrete;
use super::beamline::Beamline;
use super::bodies;
use super::columns::{Columns, Key};
use super::ground::{self, Area, Layer};
use super::march::{self, Cut, Schedule};
use super::materials::Rates;
use super::plan::{self, Reach};
use super::raster::Raster;
use super::sweep::{Lattice, Sweep, Window};
use super::{Deposit, Erosion, Inner, tile};
use crate::sim::specimen::Material;
use nalgebra::Point3;
use std::collections::BTreeSet;

/// Doses that take less than this of the fastest stuff are none (m).
const NOTHING: f64 = 2e-11;

/// How many times as deep as wide a hole gets: deeper down, its walls catch what is sputtered at its bottom.
const ASPECT: f64 = 20.0;

impl Inner {
    /// The sheet (`None`) and the bodies (by index) that a raster may meet, nearest to the lens first.
    pub(super) fn targets(&self, beam: &Beamline, raster: &Raster) -> Vec<Option<usize>> {
        let b = raster.bounds();
        let middle = beam.point((b.left + b.right) / 2.0, (b.bottom + b.top) / 2.0, 0.0);
        let sine = if beam.along.z.abs() < 0.01 { 0.01 } else { beam.along.z };
        let mut all: Vec<(f64, Option<usize>)> = vec![(beam.picture(&middle)[2] - middle.z / sine, None)];
        for (n, body) in self.bodies.iter().enumerate() {
            let corners = body.corners().map(|c| beam.picture(&c));
            let range = |a: usize| {
                let on = corners.iter().map(|c| c[a]);
                (
                    on.clone().fold(f64::INFINITY, f64::min),
                    on.fold(f64::NEG_INFINITY, f64::max),
                )
            };
            let (u, v) = (range(0), range(1));
            if u.0 < b.right && u.1 > b.left && v.0 < b.top && v.1 > b.bottom {
                all.push((beam.picture(&body.middle())[2], Some(n)));
            }
        }
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
        all.into_iter().map(|t| t.1).collect()
    }

    /// Cuts the sheet or one body; also its rays with what they did not spend, and the beam in its frame.
    pub(super) fn cut_one(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        rates: &Rates,
        target: Option<usize>,
    ) -> (Cut, Option<(Lattice, Beamline)>) {
        let b = raster.bounds();
        let deepest = ASPECT * b.width().min(b.height());
        let peak = f64::from(raster.peak()).min(deepest / self.rate_under(beam, raster, rates));
        // what is faster than the stuff that counts gets no deeper hole for it
        let rates = &rates.at_most(deepest / peak.max(f64::MIN_POSITIVE));
        let most = peak * rates.most();
        if most < NOTHING {
            return (Cut::default(), None);
        }
        let reach = Reach { deep: most, above: 0.0 };
        let (local, lattice) = self.lattice(beam, raster, target, reach);
        let Some(mut lattice) = lattice else {
            return (Cut::default(), None);
        };
        let floor = (NOTHING / rates.most()) as f32;
        for dose in &mut lattice.dose {
            *dose = if *dose < floor { 0.0 } else { dose.min(peak as f32) };
        }
        let schedule = Schedule {
            when: &|u, v| raster.when(u, v),
            width: raster.face.sqrt(),
        };
        let columns = match target {
            Some(n) => &mut self.bodies[n].columns,
            None => &mut self.sheet,
        };
        let cut = march::cut(columns, &mut lattice, rates, &schedule);
        if let Some(n) = target {
            self.bodies[n].weigh();
        }
        (cut, Some((lattice, local)))
    }

    /// The rate (m3/C) of the stuff under a raster's middle; 0 where there is none.
    fn rate_under(&self, beam: &Beamline, raster: &Raster, rates: &Rates) -> f64 {
        let b = raster.bounds();
        let middle = beam.point((b.left + b.right) / 2.0, (b.bottom + b.top) / 2.0, 0.0);
        let sine = if beam.along.z.abs() < 0.01 { 0.01 } else { beam.along.z };
        let at = middle - beam.along * (middle.z / sine);
        let under = match self.sheet.column(at.x, at.y) {
            Some(runs) => runs.last().map(|run| run.material),
            None => self
                .ground
                .column(at.x, at.y, tile::TILE)
                .last()
                .map(|run| run.material),
        };
        under.map_or(0.0, |material| rates.rate[material as usize])
    }

    /// Grows a deposit on the sheet or one body.
    pub(super) fn grow_one(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        yields: f64,
        material: Material,
        target: Option<usize>,
    ) -> (f64, Option<(Lattice, Beamline)>) {
        let thick = f64::from(raster.peak()) * yields;
        if thick < NOTHING {
            return (0.0, None);
        }
        let reach = Reach {
            deep: 0.0,
            above: thick as f32,
        };
        let (local, lattice) = self.lattice(beam, raster, target, reach);
        let Some(mut lattice) = lattice else {
            return (0.0, None);
        };
        let floor = (NOTHING / yields) as f32;
        lattice.dose.iter_mut().filter(|d| **d < floor).for_each(|d| *d = 0.0);
        let columns = match target {
            Some(n) => &mut self.bodies[n].columns,
            None => &mut self.sheet,
        };
        let grown = accrete::grow(columns, &mut lattice, yields, material);
        if let Some(n) = target {
            self.bodies[n].weigh();
        }
        (grown, Some((lattice, local)))
    }

    /// The rays of a raster through the sheet or one body, whose tiles are made ready for them.
    fn lattice(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        target: Option<usize>,
        reach: Reach,
    ) -> (Beamline, Option<Lattice>) {
        let Some(n) = target else {
            let keys = self.reached(beam, reach, |sweep| Window::of(raster, beam, sweep));
            let steep = beam.along.z.abs() > 0.5;
            let side = plan::fineness(&self.sheet, &keys, steep, raster.narrowest);
            plan::make(&self.ground, &mut self.sheet, &keys, side);
            self.touched.extend(&keys);
            let sweep = Sweep::new(beam, side);
            let window = Window::of(raster, beam, &sweep);
            let lattice = (!window.is_empty()).then(|| Lattice::new(raster, beam, sweep, window, true));
            return (*beam, lattice);
        };
        let body = &mut self.bodies[n];
        let local = beam.seen_from(&body.pose);
        let side = body.columns.iter().map(|(_, t)| t.side()).max().unwrap_or(tile::USUAL);
        body.roomy(side, f64::from(reach.above));
        let sweep = Sweep::new(&local, side);
        let window = Window::of(raster, &local, &sweep);
        (
            local,
            (!window.is_empty()).then(|| Lattice::new(raster, &local, sweep, window, true)),
        )
    }

    /// Tiles of the sheet that a window of rays reaches.
    pub(super) fn reached(&self, beam: &Beamline, reach: Reach, window: impl Fn(&Sweep) -> Window) -> BTreeSet<Key> {
        let sweep = Sweep::new(beam, tile::USUAL);
        plan::tiles(&self.ground, &self.sheet, &sweep, &window(&sweep), reach)
    }

    /// Takes what imaging takes: ray by ray where there are columns, as a layer elsewhere.
    pub(super) fn erode(&mut self, erosion: &Erosion) {
        let Erosion { beam, field, .. } = *erosion;
        let rates = self.materials.rates(&erosion.ions);
        let raster = Raster::field(field.0, field.1, erosion.fluence * field.0 * field.1);
        let schedule = Schedule {
            when: &|_, _| None,
            width: field.0.max(field.1),
        };
        let mut open: BTreeSet<Key> = self.sheet.iter().map(|(k, _)| k).collect();
        while let Some(first) = open.first().copied() {
            let site = bodies::cluster(&self.sheet, &BTreeSet::from([first]));
            open.retain(|k| !site.contains(k));
            let sides: BTreeSet<u16> = site
                .iter()
                .filter_map(|k| self.sheet.tile(*k).map(|t| t.side()))
                .collect();
            for side in sides {
                let sweep = Sweep::new(&beam, side);
                let window = Window::of(&raster, &beam, &sweep).meet(window_over(&self.sheet, &site, &sweep));
                if !window.is_empty() {
                    let mut lattice = Lattice::new(&raster, &beam, sweep, window, false);
                    march::cut(&mut self.sheet, &mut lattice, &rates, &schedule);
                }
            }
        }
        for body in &mut self.bodies {
            body.erode(&beam, &raster, &rates, &schedule);
        }
        self.ground.wear(Layer::Worn {
            beam,
            field,
            fluence: erosion.fluence,
            rates: Box::new(rates),
        });
    }

    pub(super) fn coat(&mut self, coats: &[(Area, f64)], material: Material) {
        let thin: Vec<(Area, f32)> = coats
            .iter()
            .map(|(area, thickness)| (*area, *thickness as f32))
            .collect();
        let keys: Vec<Key> = self.sheet.iter().map(|(key, _)| key).collect();
        // one by one: what was there before each is let go at once
        for key in keys
            .into_iter()
            .filter(|k| coats.iter().any(|(area, _)| area.reaches(*k)))
        {
            if let Some(tile) = self.sheet.tile(key) {
                let tile = ground::coated(tile, key, &thin, material).buried();
                self.sheet.set(key, tile);
            }
        }
        for body in &mut self.bodies {
            body.coat(&thin, material);
        }
        for ((area, thickness), (_, thin)) in coats.iter().zip(thin) {
            self.ground.coat(*area, thin, material);
            self.list(*area, *thickness, material);
        }
    }

    /// Puts a coat among the deposits.
    fn list(&mut self, area: Area, thickness: f64, material: Material) {
        // as the ground remembers it; what a beam has drawn lies elsewhere in the list of those who ask
        let coats = self.deposits.iter_mut().rev().filter(|d| d.volume <= 0.0);
        let mut same = coats.take_while(|d| d.material == material);
        match same.find(|d| d.area == area) {
            Some(deposit) => deposit.thickness += thickness,
            None => self.deposits.push(Deposit {
                material,
                volume: 0.0,
                thickness,
                area,
            }),
        }
    }
}

/// The rays that may meet the tiles of a site.
pub(super) fn window_over(columns: &Columns, site: &BTreeSet<Key>, sweep: &Sweep) -> Window {
    let mut window = Window {
        slices: (i64::MAX, i64::MIN),
        layers: (i64::MAX, i64::MIN),
    };
    let span = |range: &mut (i64, i64), v: f64| {
        *range = (range.0.min(v.floor() as i64 - 1), range.1.max(v.ceil() as i64 + 1));
    };
    for key in site {
        let Some(tile) = columns.tile(*key).filter(|t| !t.is_empty()) else {
            continue;
        };
        for corner in 0..8 {
            let at = |k: i32, bit: i32| f64::from(k + (corner >> bit & 1)) * tile::TILE;
            let z = if corner & 4 == 0 { tile.lo } else { tile.hi };
            let (i, s) = sweep.landing(&Point3::new(at(key.0, 0), at(key.1, 1), f64::from(z)));
            span(&mut window.slices, i);
            span(&mut window.layers, s);
        }
    }
    window
}
