//! Matter: what beams and gases change on the specimen of the twin. Pure: no clock, no chance, no pictures.
//!
//! Where something was changed, matter is columns: runs along the sample's normal, continuous in z, on cells of 25 nm
//! (`tile`, `columns`); elsewhere it is the scene's relief under layers (`ground`). A [`Drawing`] becomes a dose [`Raster`]
//! (`sections`, `raster`), whose rays (`sweep`) spend their dose in matter (`march`, `spend`, `surface`, `redeposit`) or lay some down
//! (`accrete`). What comes free is a [`Body`] (`bodies`); `rays` and `measure` ask what is where.
//!
//! A [`Matter`] is cheap to clone; clones share all that does not change. A new way to take or lay down matter makes a
//! raster and ends in [`Matter::cut`] or [`Matter::deposit`]; a new stuff is a [`Material`] and a row of
//! `config/materials.yaml`. Lengths in m, charges in C, in the sample's frame unless a line says otherwise.

mod accrete;
mod beamline;
mod bodies;
mod bodily;
mod columns;
mod ground;
mod march;
mod materials;
mod measure;
mod plan;
mod purse;
mod raster;
mod rays;
mod redeposit;
mod sections;
mod spend;
mod surface;
mod sweep;
#[cfg(test)]
mod tests;
mod tile;

pub use beamline::Beamline;
pub use bodies::{Body, BodyId, Held};
pub use ground::Area;
pub use march::Cut;
pub use materials::{Ions, Materials, Stuff};
pub use measure::{Hit, Thickness};
pub use raster::Raster;
pub use rays::{Ray, Span};
pub use sections::Drawing;
pub use tile::Run;

use crate::sim::specimen::{Material, Specimen, hash};
use columns::{Columns, Key};
use ground::{Ground, Layer};
use march::Schedule;
use materials::Rates;
use nalgebra::{Isometry3, Point3};
use plan::Reach;
use std::collections::BTreeSet;
use std::sync::Arc;
use sweep::{Lattice, Sweep, Window};

/// What cannot be done to matter. Nothing was changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MatterError {
    #[error(
        "the beam's axes are not three unit vectors at right angles: nothing was changed; take them from the geometry"
    )]
    Beam,
    #[error(
        "a {0} of this size cannot be drawn: nothing was changed; give finite sizes greater than 0 and below 10 mm"
    )]
    Shape(&'static str),
    #[error("{0} is not a finite number greater than 0: nothing was changed")]
    Amount(&'static str),
    #[error("no body has the number {0}: nothing was changed; it may have been lost")]
    NoBody(u32),
}

/// Deposition that was done, for those who ask what lies where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deposit {
    pub material: Material,
    /// m3; of a coat over everything, 0.
    pub volume: f64,
    /// m, of a coat.
    pub thickness: f64,
    pub area: Area,
}

/// Imaging that has not been marched yet.
#[derive(Clone, Debug)]
struct Erosion {
    beam: Beamline,
    field: (f64, f64),
    /// C/m2 across the beam.
    fluence: f64,
    ions: Ions,
}

/// Erosion is marched when it would take this much of the fastest stuff (m).
const WORTHWHILE: f64 = 1e-9;
/// Doses that take less than this of the fastest stuff are none (m).
const NOTHING: f64 = 2e-11;

#[derive(Clone, Debug)]
struct Inner {
    ground: Ground,
    materials: Arc<Materials>,
    sheet: Columns,
    bodies: Vec<Body>,
    deposits: Vec<Deposit>,
    /// In the order in which they came, each field and beam once.
    pending: Vec<Erosion>,
    /// Tiles that were cut since bodies were last looked for.
    touched: BTreeSet<Key>,
    revision: u64,
    next_body: u32,
}

/// The sample and what became of it.
#[derive(Clone, Debug)]
pub struct Matter(Arc<Inner>);

impl Matter {
    /// An untouched sample.
    pub fn new(specimen: Specimen, materials: Arc<Materials>) -> Matter {
        Matter(Arc::new(Inner {
            ground: Ground {
                specimen,
                layers: Vec::new(),
            },
            materials,
            sheet: Columns::default(),
            bodies: Vec::new(),
            deposits: Vec::new(),
            pending: Vec::new(),
            touched: BTreeSet::new(),
            revision: 0,
            next_body: 1,
        }))
    }

    /// Changes whenever what can be seen does: with the specimen's, the key of cached views.
    pub fn revision(&self) -> u64 {
        hash(self.0.ground.specimen.revision(), self.0.revision as i64, 0)
    }

    /// Whether nothing was ever changed.
    pub fn is_untouched(&self) -> bool {
        self.0.revision == 0
    }

    pub fn specimen(&self) -> &Specimen {
        &self.0.ground.specimen
    }

    pub fn materials(&self) -> &Materials {
        &self.0.materials
    }

    /// What was laid down, oldest first.
    pub fn deposits(&self) -> &[Deposit] {
        &self.0.deposits
    }

    /// How many columns are held, bodies included: 16 bytes each, and more where there are many runs.
    pub fn columns(&self) -> usize {
        self.0.sheet.count() + self.0.bodies.iter().map(|b| b.columns.count()).sum::<usize>()
    }

    fn change(&mut self) -> &mut Inner {
        let inner = Arc::make_mut(&mut self.0);
        inner.revision += 1;
        inner
    }

    /// Mills a part of a shape's beam time. An exclusion or an empty part removes nothing.
    pub fn mill(&mut self, beam: &Beamline, drawing: &Drawing, ions: &Ions) -> Result<Cut, MatterError> {
        sound(beam, drawing)?;
        match drawing.raster() {
            Some(raster) => self.cut(beam, &raster, ions),
            None => Ok(Cut::default()),
        }
    }

    /// Sends a raster's dose through whatever is in its way: what is nearest to the lens first.
    pub fn cut(&mut self, beam: &Beamline, raster: &Raster, ions: &Ions) -> Result<Cut, MatterError> {
        if !beam.is_sound() {
            return Err(MatterError::Beam);
        }
        self.settle();
        let inner = self.change();
        let rates = inner.materials.rates(ions);
        let mut cut = Cut::default();
        let mut raster = raster.clone();
        let targets = inner.targets(beam, &raster);
        let last = targets.len() - 1;
        for (n, target) in targets.into_iter().enumerate() {
            let (part, left) = inner.cut_one(beam, &raster, &rates, target);
            cut.removed += part.removed;
            cut.redeposited += part.redeposited;
            if n < last
                && let Some((lattice, local)) = left
            {
                raster = raster.replaced(|u, v| lattice.at(&local, u, v));
            }
        }
        Ok(cut)
    }

    /// Lays down a part of a shape's deposit: `yields` m3 per C of `material` where the beam first meets matter.
    pub fn draw_deposit(
        &mut self,
        beam: &Beamline,
        drawing: &Drawing,
        yields: f64,
        material: Material,
    ) -> Result<Deposit, MatterError> {
        sound(beam, drawing)?;
        let nothing = Deposit {
            material,
            volume: 0.0,
            thickness: 0.0,
            area: Area::Everywhere,
        };
        match drawing.raster() {
            Some(raster) => self.deposit(beam, &raster, yields, material),
            None => Ok(nothing),
        }
    }

    /// Lays down `yields` m3 of `material` per C of a raster's dose, where the beam first meets matter.
    pub fn deposit(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        yields: f64,
        material: Material,
    ) -> Result<Deposit, MatterError> {
        if !beam.is_sound() {
            return Err(MatterError::Beam);
        }
        amount(yields, "the yield of the deposit")?;
        self.settle();
        let inner = self.change();
        let mut raster = raster.clone();
        let mut volume = 0.0;
        let targets = inner.targets(beam, &raster);
        let last = targets.len() - 1;
        for (n, target) in targets.into_iter().enumerate() {
            let (grown, left) = inner.grow_one(beam, &raster, yields, material, target);
            volume += grown;
            if n < last
                && let Some((lattice, local)) = left
            {
                raster = raster.replaced(|u, v| lattice.at(&local, u, v));
            }
        }
        let b = raster.bounds();
        let middle = beam.point((b.left + b.right) / 2.0, (b.bottom + b.top) / 2.0, 0.0);
        let on = middle - beam.along * (middle.z / beam.along.z.min(-0.01));
        let deposit = Deposit {
            material,
            volume,
            thickness: volume / raster.face.max(1e-18),
            area: Area::Disc {
                x: on.x,
                y: on.y,
                radius: b.width().hypot(b.height()) / 2.0,
            },
        };
        inner.deposits.push(deposit);
        Ok(deposit)
    }

    /// A coat of even thickness (m) on what a gas reaches from above.
    pub fn coat(&mut self, area: Area, thickness: f64, material: Material) -> Result<(), MatterError> {
        amount(thickness, "the thickness of the coat")?;
        if !area.is_sound() {
            return Err(MatterError::Amount("the size of the area"));
        }
        self.settle();
        self.change().coat(area, thickness, material);
        Ok(())
    }

    /// A picture's ions: `charge` (C) over a field (m x m) round the middle of the beam's picture. What it takes is marched
    /// once it is worth it; [`Matter::settle`] does so at once.
    pub fn expose(&mut self, beam: &Beamline, field: (f64, f64), charge: f64, ions: &Ions) -> Result<(), MatterError> {
        if !beam.is_sound() {
            return Err(MatterError::Beam);
        }
        amount(field.0.min(field.1), "the size of the field")?;
        amount(charge, "the charge of the picture")?;
        let fluence = charge / (field.0 * field.1);
        let most = self.0.materials.rates(ions).most();
        // Not seen yet, so the revision stays.
        let inner = Arc::make_mut(&mut self.0);
        let same = |e: &&mut Erosion| e.beam == *beam && e.field == field && e.ions == *ions;
        match inner.pending.iter_mut().find(same) {
            Some(erosion) => erosion.fluence += fluence,
            None => inner.pending.push(Erosion {
                beam: *beam,
                field,
                fluence,
                ions: ions.clone(),
            }),
        }
        let due: f64 = inner.pending.iter().map(|e| e.fluence * most).sum();
        if due > WORTHWHILE {
            self.settle();
        }
        Ok(())
    }

    /// Marches what imaging has taken so far.
    pub fn settle(&mut self) {
        if self.0.pending.is_empty() {
            return;
        }
        let inner = self.change();
        for erosion in std::mem::take(&mut inner.pending) {
            inner.erode(&erosion);
        }
    }
}

fn amount(value: f64, what: &'static str) -> Result<(), MatterError> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(MatterError::Amount(what))
    }
}

fn sound(beam: &Beamline, drawing: &Drawing) -> Result<(), MatterError> {
    if !beam.is_sound() {
        return Err(MatterError::Beam);
    }
    if let Some(bad) = std::iter::once(drawing.shape)
        .chain(drawing.exclusions)
        .find(|s| !sections::is_sound(s))
    {
        return Err(MatterError::Shape(bad.kind()));
    }
    amount(drawing.charge, "the charge of the shape")?;
    let s = drawing.spot;
    if ![s.xx, s.xy, s.yy, drawing.part.0, drawing.part.1]
        .iter()
        .all(|v| v.is_finite())
    {
        return Err(MatterError::Amount("the spot or the part of the beam time"));
    }
    Ok(())
}

impl Inner {
    /// The sheet (`None`) and the bodies (by index) that a raster may meet, nearest to the lens first.
    fn targets(&self, beam: &Beamline, raster: &Raster) -> Vec<Option<usize>> {
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
    fn cut_one(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        rates: &Rates,
        target: Option<usize>,
    ) -> (Cut, Option<(Lattice, Beamline)>) {
        let most = f64::from(raster.peak()) * rates.most();
        let reach = Reach { deep: most, above: 0.0 };
        let (local, lattice) = self.lattice(beam, raster, target, reach);
        let Some(mut lattice) = lattice else {
            return (Cut::default(), None);
        };
        let floor = (NOTHING / rates.most()) as f32;
        lattice.dose.iter_mut().filter(|d| **d < floor).for_each(|d| *d = 0.0);
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

    /// Grows a deposit on the sheet or one body.
    fn grow_one(
        &mut self,
        beam: &Beamline,
        raster: &Raster,
        yields: f64,
        material: Material,
        target: Option<usize>,
    ) -> (f64, Option<(Lattice, Beamline)>) {
        let thick = f64::from(raster.peak()) * yields;
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
            let side = plan::fineness(&self.sheet, &keys, steep);
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
    fn reached(&self, beam: &Beamline, reach: Reach, window: impl Fn(&Sweep) -> Window) -> BTreeSet<Key> {
        let sweep = Sweep::new(beam, tile::USUAL);
        plan::tiles(&self.ground, &self.sheet, &sweep, &window(&sweep), reach)
    }

    /// Takes what imaging takes: ray by ray where there are columns, as a layer elsewhere.
    fn erode(&mut self, erosion: &Erosion) {
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
            rates,
        });
    }

    fn coat(&mut self, area: Area, thickness: f64, material: Material) {
        let coated: Vec<(Key, tile::Tile)> = self
            .sheet
            .iter()
            .map(|(key, tile)| (key, ground::coated(tile, key, &area, thickness as f32, material)))
            .collect();
        for (key, tile) in coated {
            self.sheet.set(key, tile);
        }
        for body in &mut self.bodies {
            body.coat(&area, thickness as f32, material);
        }
        self.ground.layers.push(Layer::Coat {
            area,
            thickness: thickness as f32,
            material,
        });
        self.deposits.push(Deposit {
            material,
            volume: 0.0,
            thickness,
            area,
        });
    }
}

/// The rays that may meet the tiles of a site.
fn window_over(columns: &Columns, site: &BTreeSet<Key>, sweep: &Sweep) -> Window {
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

/// Where a body's frame is when it came free.
fn unmoved() -> Isometry3<f64> {
    Isometry3::identity()
}
