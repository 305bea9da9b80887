//! Matter: what beams and gases change on the specimen of the twin. Pure: no clock, no chance, no pictures.
//!
//! Where something was changed, matter is columns: runs along the sample's normal, continuous in z, on cells of 25 nm
//! (`tile`, `columns`); elsewhere it is the scene's relief under layers (`ground`). A [`Drawing`] becomes a dose [`Raster`]
//! (`sections`, `raster`), whose rays (`sweep`) spend their dose in matter (`march`, `spend`, `surface`, `redeposit`) or lay some down
//! (`accrete`). What comes free is a [`Body`] (`bodies`, by the `pieces` of tiles); `rays` and `measure` ask what is where.
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
mod pieces;
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
mod work;

pub use beamline::Beamline;
pub use bodies::{Body, BodyId, Held};
pub use ground::Area;
pub use march::Cut;
pub use materials::{Ions, Materials, Stuff};
pub use measure::{Hit, Thickness};
pub use raster::Raster;
pub use rays::{Ray, Sheet, Span, Stretch};
pub use sections::Drawing;
pub use tile::Run;

use crate::sim::specimen::{Material, Specimen, hash};
use columns::{Columns, Key};
use ground::Ground;
use nalgebra::Isometry3;
use std::collections::BTreeSet;
use std::sync::Arc;

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

/// Erosion is marched when it would take this much of the fastest stuff at the fastest angle (m): nothing that is seen or
/// measured differs by less.
const WORTHWHILE: f64 = 5e-9;
/// Beams whose pictures lie so near to each other erode as one (m; of their directions).
const ALIKE: f64 = 100e-9;
const PARALLEL: f64 = 1e-4;

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

    /// An untouched sample in the place of this one.
    pub fn instead(&self, specimen: Specimen) -> Matter {
        Matter::new(specimen, self.0.materials.clone())
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
        self.coats(&[(area, thickness)], material)
    }

    /// Coats of one material at once, each on its area: where areas overlap they add up.
    pub fn coats(&mut self, coats: &[(Area, f64)], material: Material) -> Result<(), MatterError> {
        for (area, thickness) in coats {
            amount(*thickness, "the thickness of the coat")?;
            if !area.is_sound() {
                return Err(MatterError::Amount("the size of the area"));
            }
        }
        self.change().coat(coats, material);
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
        let same = |e: &&mut Erosion| e.beam.is_like(beam, PARALLEL, ALIKE) && e.field == field && e.ions == *ions;
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

/// Where a body's frame is when it came free.
fn unmoved() -> Isometry3<f64> {
    Isometry3::identity()
}
