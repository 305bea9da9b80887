//! The sample where no tile is: the relief of its scene under what gases and imaging did to it everywhere.
//!
//! Layers are remembered, not applied: a coat over 3 mm of grid costs one row of a list. A tile that is made later gets
//! them in the order they came.

use super::beamline::Beamline;
use super::materials::Rates;
use super::tile::{GLUE, Run, TILE, Tile, push};
use crate::sim::specimen::{Channel, Face, Line, Material, Specimen, Surface};

/// Where on the sample plane something is laid down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Area {
    Everywhere,
    /// Middle and radius (m).
    Disc {
        x: f64,
        y: f64,
        radius: f64,
    },
    /// Corners (m).
    Box {
        left: f64,
        bottom: f64,
        right: f64,
        top: f64,
    },
}

impl Area {
    #[inline]
    pub fn contains(&self, x: f64, y: f64) -> bool {
        match *self {
            Area::Everywhere => true,
            Area::Disc { x: cx, y: cy, radius } => (x - cx).powi(2) + (y - cy).powi(2) <= radius * radius,
            Area::Box {
                left,
                bottom,
                right,
                top,
            } => (left..=right).contains(&x) && (bottom..=top).contains(&y),
        }
    }

    /// Whether any of a tile may lie in it.
    pub(super) fn reaches(&self, key: (i32, i32)) -> bool {
        let [left, bottom] = [key.0, key.1].map(|k| f64::from(k) * TILE);
        let apart = |v: f64, from: f64| (from - v).max(v - from - TILE).max(0.0);
        match *self {
            Area::Everywhere => true,
            Area::Disc { x, y, radius } => apart(x, left).hypot(apart(y, bottom)) <= radius,
            Area::Box {
                left: l,
                bottom: b,
                right: r,
                top: t,
            } => l <= left + TILE && r >= left && b <= bottom + TILE && t >= bottom,
        }
    }

    pub(super) fn is_sound(&self) -> bool {
        match *self {
            Area::Everywhere => true,
            Area::Disc { x, y, radius } => x.is_finite() && y.is_finite() && radius.is_finite() && radius > 0.0,
            Area::Box {
                left,
                bottom,
                right,
                top,
            } => [left, bottom, right, top].iter().all(|v| v.is_finite()) && left < right && bottom < top,
        }
    }
}

/// Something that happened to a large part of the sample.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    /// A coat on what a gas reaches from above.
    Coat {
        area: Area,
        thickness: f32,
        material: Material,
    },
    /// A picture's worth of ions: charge per area across the beam (C/m2) in a field of the beam's picture.
    Worn {
        beam: Beamline,
        field: (f64, f64),
        fluence: f64,
        rates: Box<Rates>,
    },
}

/// The sample as its scene and its layers have it.
#[derive(Clone, Debug)]
pub(super) struct Ground {
    pub specimen: Specimen,
    pub layers: Vec<Layer>,
}

impl Ground {
    /// A tile of it, `side` columns along a side.
    pub fn tile(&self, key: (i32, i32), side: u16) -> Tile {
        let n = usize::from(side);
        let pitch = TILE / f64::from(side);
        let (x0, y0) = (f64::from(key.0) * TILE, f64::from(key.1) * TILE);
        let mut row = vec![Surface::default(); n];
        let mut column = Vec::new();
        let mut tile = Tile::build(side, |c, runs| {
            let (ix, iy) = (c / n, c % n);
            let (x, y) = (x0 + (ix as f64 + 0.5) * pitch, y0 + (iy as f64 + 0.5) * pitch);
            if iy == 0 {
                self.specimen.fill(&line(x, y, pitch), &mut row);
            }
            self.dress(&row[iy], x, y, &mut column);
            let first = runs.len();
            column.iter().for_each(|run| push(runs, first, *run));
        });
        tile.pristine = true;
        tile
    }

    /// The column at (x, y), averaged over `px` (m).
    pub fn column(&self, x: f64, y: f64, px: f64) -> Vec<Run> {
        let mut row = [Surface::default()];
        self.specimen.fill(&line(x, y, px), &mut row);
        let mut column = Vec::new();
        self.dress(&row[0], x, y, &mut column);
        column
    }

    /// Solid heights of a tile, from a coarse look: lowest bottom, highest top, and between which heights all of it is
    /// solid. `None` where nothing was seen.
    pub fn probe(&self, key: (i32, i32)) -> Option<Probe> {
        const N: usize = 4;
        let px = TILE / N as f64;
        let mut seen: Option<Probe> = None;
        for ix in 0..N {
            let x = f64::from(key.0) * TILE + (ix as f64 + 0.5) * px;
            let y = f64::from(key.1) * TILE + 0.5 * px;
            let mut row = [Surface::default(); N];
            self.specimen.fill(&line(x, y, px), &mut row);
            let mut column = Vec::new();
            for (iy, surface) in row.iter().enumerate() {
                self.dress(surface, x, y + iy as f64 * px, &mut column);
                let (lo, hi) = match (column.first(), column.last()) {
                    (Some(first), Some(last)) => (first.lo, last.hi),
                    _ => (f32::INFINITY, f32::NEG_INFINITY),
                };
                let p = seen.get_or_insert(Probe { lo, hi, sure: (lo, hi) });
                (p.lo, p.hi) = (p.lo.min(lo), p.hi.max(hi));
                p.sure = (p.sure.0.max(lo), p.sure.1.min(hi));
            }
        }
        seen.filter(|p| p.lo <= p.hi)
    }

    /// A surface and its layers as runs.
    fn dress(&self, surface: &Surface, x: f64, y: f64, runs: &mut Vec<Run>) {
        runs.clear();
        if surface.material != Material::Vacuum && surface.thickness > 1e-9 {
            runs.push(Run {
                lo: surface.height - surface.thickness,
                hi: surface.height,
                material: surface.material,
            });
        }
        for layer in &self.layers {
            let Some(top) = runs.last().copied() else {
                return;
            };
            match layer {
                Layer::Coat {
                    area,
                    thickness,
                    material,
                } => {
                    if area.contains(x, y) {
                        push(
                            runs,
                            0,
                            Run {
                                lo: top.hi,
                                hi: top.hi + thickness,
                                material: *material,
                            },
                        );
                    }
                }
                Layer::Worn {
                    beam,
                    field,
                    fluence,
                    rates,
                } => {
                    let at = beam.picture(&nalgebra::Point3::new(x, y, f64::from(top.hi)));
                    let inside = at[0].abs() <= field.0 / 2.0 && at[1].abs() <= field.1 / 2.0;
                    if inside && beam.along.z < 0.0 {
                        wear(runs, fluence * -beam.along.z * rates.incidence(-beam.along.z), rates);
                    }
                }
            }
        }
    }
}

impl Ground {
    /// Remembers a coat. Coats of one material lie on each other in any order: more of it in the same place is one layer.
    pub fn coat(&mut self, area: Area, thickness: f32, material: Material) {
        let same = |layer: &&mut Layer| match layer {
            Layer::Coat { material: of, .. } => *of == material,
            Layer::Worn { .. } => false,
        };
        for layer in self.layers.iter_mut().rev().take_while(same) {
            if let Layer::Coat {
                area: at,
                thickness: sum,
                ..
            } = layer
                && *at == area
            {
                *sum += thickness;
                return;
            }
        }
        self.layers.push(Layer::Coat {
            area,
            thickness,
            material,
        });
    }

    /// Remembers wear; more of the same on top of it is one layer.
    pub fn wear(&mut self, layer: Layer) {
        if let (
            Some(Layer::Worn {
                beam: b,
                field: f,
                fluence: sum,
                rates: r,
            }),
            Layer::Worn {
                beam,
                field,
                fluence,
                rates,
            },
        ) = (self.layers.last_mut(), &layer)
            && b == beam
            && f == field
            && r == rates
        {
            *sum += fluence;
            return;
        }
        self.layers.push(layer);
    }
}

/// A tile with coats on top of its columns, or below them where their thickness is negative.
pub(super) fn coated(tile: &Tile, key: (i32, i32), coats: &[(Area, f32)], material: Material) -> Tile {
    let (n, pitch) = (usize::from(tile.side()), tile.pitch());
    let mut thinnest = f32::INFINITY;
    let mut coated = Tile::build(tile.side(), |c, runs| {
        let first = runs.len();
        let x = f64::from(key.0) * TILE + ((c / n) as f64 + 0.5) * pitch;
        let y = f64::from(key.1) * TILE + ((c % n) as f64 + 0.5) * pitch;
        let here = tile.column(c);
        let all = coats.iter().filter(|(area, _)| area.contains(x, y));
        let thickness: f32 = all.map(|(_, thickness)| thickness).sum();
        thinnest = thinnest.min(thickness);
        let ends = here.first().zip(here.last());
        if let Some((bottom, _)) = ends.filter(|_| thickness < 0.0) {
            let (lo, hi) = (bottom.lo + thickness, bottom.lo);
            push(runs, first, Run { lo, hi, material });
        }
        here.iter().for_each(|run| push(runs, first, *run));
        if let Some((_, top)) = ends.filter(|_| thickness > 0.0) {
            let (lo, hi) = (top.hi, top.hi + thickness);
            push(runs, first, Run { lo, hi, material });
        }
    });
    coated.covered = tile.covered + thinnest.max(0.0);
    coated
}

/// What a coarse look at a tile found (m).
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    pub lo: f32,
    pub hi: f32,
    pub sure: (f32, f32),
}

/// Takes matter from the top of a column until `dose` (C per m2 of sample plane) is spent.
fn wear(runs: &mut Vec<Run>, mut dose: f64, rates: &Rates) {
    while let Some(top) = runs.last_mut() {
        let depth = dose * rates.rate[top.material as usize];
        if depth < top.length() {
            top.hi = (f64::from(top.hi) - depth) as f32;
            if top.hi - top.lo <= GLUE {
                runs.pop();
            }
            return;
        }
        dose -= top.length() / rates.rate[top.material as usize].max(1e-15);
        runs.pop();
    }
}

fn line(x: f64, y: f64, px: f64) -> Line {
    Line {
        x0: x,
        y0: y,
        dx: 0.0,
        dy: px,
        px: px as f32,
        face: Face::Top,
        channel: Channel::default(),
    }
}
