//! How a beam goes through columns: slices along its direction, and the rays of a slice.
//!
//! Columns are walked in layers along the horizontal axis the beam leans to most (its forward axis). A slice is one column per
//! layer, moved sideways where the beam leans sideways too; every column belongs to one slice, so slices can be worked on apart.
//! Rays of a slice are told apart by where they meet the plane z = 0, counted in layers: from one layer to the next a ray
//! falls by `drop`, and a height of a column is a ray by an addition. Nothing is interpolated, so volumes come out exact.
//!
//! A beam that rises is walked upside down.

use super::beamline::Beamline;
use super::columns::Columns;
use super::raster::Raster;
use super::tile::{Run, TILE, Tile};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Below this sine of the angle between beam and sample plane a beam is taken to have this angle (0.6 deg).
const EDGE_ON: f64 = 0.01;
/// A beam that leans less than this (m per m) goes straight down.
const UPRIGHT: f64 = 1e-6;

/// The direction of a beam through columns of one fineness.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    pub side: u16,
    pub pitch: f64,
    along: Vector3<f64>,
    /// The forward axis is y (else x), and its sign.
    by_y: bool,
    forward: f64,
    /// Columns sideways per layer.
    sideways: f64,
    /// How far a ray falls per layer (m).
    pub drop: f64,
    /// The beam rises: heights are counted downwards.
    pub mirror: bool,
    /// Layers that one ray stands for.
    pub merge: usize,
}

impl Sweep {
    pub fn new(beam: &Beamline, side: u16) -> Sweep {
        let mut along = beam.along;
        if along.z.abs() < EDGE_ON {
            along.z = if along.z > 0.0 { EDGE_ON } else { -EDGE_ON };
            along.normalize_mut();
        }
        let by_y = along.y.abs() >= along.x.abs();
        let (major, minor) = if by_y { (along.y, along.x) } else { (along.x, along.y) };
        let upright = major.abs() < UPRIGHT;
        let lean = major.abs().max(UPRIGHT);
        let pitch = TILE / f64::from(side);
        Sweep {
            side,
            pitch,
            along,
            by_y,
            forward: if major < 0.0 { -1.0 } else { 1.0 },
            sideways: if upright { 0.0 } else { minor / lean },
            drop: pitch * along.z.abs() / lean,
            mirror: along.z > 0.0,
            // At grazing a layer is far thinner across the beam than a column is wide.
            merge: ((0.55 / along.z.abs()) as usize).clamp(1, 8),
        }
    }

    /// Sine of the angle between beam and sample plane.
    pub fn sine(&self) -> f64 {
        self.along.z.abs()
    }

    /// Way through matter per layer (m).
    pub fn path(&self) -> f64 {
        self.drop / self.sine()
    }

    /// Area that one ray stands for, across the beam (m2).
    pub fn section(&self) -> f64 {
        self.merge as f64 * self.pitch * self.pitch * self.sine()
    }

    fn shift(&self, layer: i64) -> i64 {
        (self.sideways * (layer as f64 + 0.5)).round() as i64
    }

    /// Column (x, y) of the whole sheet that slice `i` has in a layer.
    #[inline]
    pub fn column(&self, i: i64, layer: i64) -> (i64, i64) {
        let major = if self.forward > 0.0 { layer } else { -layer - 1 };
        let minor = if self.sideways == 0.0 { i } else { i + self.shift(layer) };
        if self.by_y { (minor, major) } else { (major, minor) }
    }

    /// Slice and layer of a column.
    pub fn slice_of(&self, x: i64, y: i64) -> (i64, i64) {
        let (minor, major) = if self.by_y { (x, y) } else { (y, x) };
        let layer = if self.forward > 0.0 { major } else { -major - 1 };
        (minor - self.shift(layer), layer)
    }

    /// Where a point's ray meets z = 0: slices and layers, between the columns.
    pub fn landing(&self, p: &Point3<f64>) -> (f64, f64) {
        let on = p - self.along * (p.z / self.along.z);
        let (minor, major) = if self.by_y { (on.x, on.y) } else { (on.y, on.x) };
        let s = self.forward * major / self.pitch;
        (minor / self.pitch - self.sideways * s, s)
    }

    /// The point of z = 0 at (slice, layer), between the columns.
    fn place(&self, i: f64, s: f64) -> Point3<f64> {
        let major = self.forward * s * self.pitch;
        let minor = (i + self.sideways * s) * self.pitch;
        if self.by_y {
            Point3::new(minor, major, 0.0)
        } else {
            Point3::new(major, minor, 0.0)
        }
    }

    /// Components of the beam: forward, sideways, downwards as it is walked. Unit vector.
    pub fn direction(&self) -> [f64; 3] {
        let (major, minor) = if self.by_y {
            (self.along.y, self.along.x)
        } else {
            (self.along.x, self.along.y)
        };
        [major.abs(), minor, self.along.z.abs()]
    }
}

/// The rays of a raster: `slices` x `cells`, and the dose of each.
#[derive(Debug)]
pub(super) struct Lattice {
    pub sweep: Sweep,
    pub first_slice: i64,
    pub slices: usize,
    /// Layer of z = 0 at which ray 0 begins.
    pub first_layer: i64,
    /// Rays of a slice.
    pub cells: usize,
    /// C/m2 across the beam, slice by slice.
    pub dose: Vec<f32>,
    /// Rays per height and per layer.
    per_height: f64,
    per_layer: f64,
    /// (u, v) of the picture from (slice, layer): constant, per slice, per layer.
    to_picture: [[f64; 2]; 3],
}

/// Slices and layers of z = 0 between which rays are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub slices: (i64, i64),
    pub layers: (i64, i64),
}

impl Window {
    /// All rays of a raster.
    pub fn of(raster: &Raster, beam: &Beamline, sweep: &Sweep) -> Window {
        let b = raster.bounds();
        let corners = [
            (b.left, b.bottom),
            (b.left, b.top),
            (b.right, b.bottom),
            (b.right, b.top),
        ];
        Window::around(&corners.map(|(u, v)| beam.point(u, v, 0.0)), sweep)
    }

    /// The rays between those through four points.
    pub fn around(points: &[Point3<f64>; 4], sweep: &Sweep) -> Window {
        let at = points.map(|p| sweep.landing(&p));
        let range = |pick: fn(&(f64, f64)) -> f64| {
            let lo = at.iter().map(pick).fold(f64::INFINITY, f64::min);
            let hi = at.iter().map(pick).fold(f64::NEG_INFINITY, f64::max);
            (lo.floor() as i64, hi.ceil() as i64 + 1)
        };
        Window {
            slices: range(|p| p.0),
            layers: range(|p| p.1),
        }
    }

    pub fn meet(self, other: Window) -> Window {
        let meet = |a: (i64, i64), b: (i64, i64)| (a.0.max(b.0), a.1.min(b.1));
        Window {
            slices: meet(self.slices, other.slices),
            layers: meet(self.layers, other.layers),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.slices.0 >= self.slices.1 || self.layers.0 >= self.layers.1
    }
}

impl Lattice {
    /// The rays of `raster` in a window. `whole`: the window holds all of it, and its charge is kept to the last ion.
    pub fn new(raster: &Raster, beam: &Beamline, sweep: Sweep, window: Window, whole: bool) -> Lattice {
        let slices = (window.slices.1 - window.slices.0).max(0) as usize;
        let cells = ((window.layers.1 - window.layers.0).max(0) as usize).div_ceil(sweep.merge);
        let on = |i: f64, s: f64| {
            let [u, v, _] = beam.picture(&sweep.place(i, s));
            [u, v]
        };
        let (o, di, ds) = (on(0.0, 0.0), on(1.0, 0.0), on(0.0, 1.0));
        let to_picture = [o, [di[0] - o[0], di[1] - o[1]], [ds[0] - o[0], ds[1] - o[1]]];
        let mut lattice = Lattice {
            sweep,
            first_slice: window.slices.0,
            slices,
            first_layer: window.layers.0,
            cells,
            dose: vec![0.0; slices * cells],
            per_height: 1.0 / (sweep.drop * sweep.merge as f64),
            per_layer: 1.0 / sweep.merge as f64,
            to_picture,
        };
        // Enough samples that no cell of the raster is jumped over.
        let [cu, cv] = raster.cell();
        let steps = |d: [f64; 2]| ((d[0].abs() / cu + d[1].abs() / cv).round() as usize).clamp(1, 8);
        let m = sweep.merge as f64;
        let (ni, ns) = (steps(to_picture[1]), steps(to_picture[2].map(|d| d * m)));
        // Places of samples within one ray, of `n` along a side.
        let within = |a: usize, n: usize| (a as f64 + 0.5) / n as f64 - 0.5;
        let mean = |n: usize, at: &dyn Fn(f64) -> f32| (0..n).map(|a| at(within(a, n))).sum::<f32>() / n as f32;
        let mut dose = std::mem::take(&mut lattice.dose);
        let aside = [to_picture[1][1] * slices as f64, to_picture[2][0] * m * cells as f64];
        if raster.is_product() && aside.iter().all(|off| off.abs() < 0.1 * cu.min(cv)) {
            let up: Vec<f32> = (0..cells)
                .map(|k| mean(ns, &|d| raster.side(1, lattice.picture(0.0, k as f64 + d)[1])))
                .collect();
            dose.par_chunks_mut(cells.max(1)).enumerate().for_each(|(i, out)| {
                let across = mean(ni, &|d| raster.side(0, lattice.picture(i as f64 + d, 0.0)[0]));
                out.iter_mut().zip(&up).for_each(|(slot, up)| *slot = across * up);
            });
        } else {
            dose.par_chunks_mut(cells.max(1)).enumerate().for_each(|(i, out)| {
                for (k, slot) in out.iter_mut().enumerate() {
                    *slot = mean(ni, &|di| {
                        mean(ns, &|ds| {
                            let [u, v] = lattice.picture(i as f64 + di, k as f64 + ds);
                            raster.at(u, v)
                        })
                    });
                }
            });
        }
        if whole {
            let sum: f64 = dose.iter().map(|d| f64::from(*d)).sum::<f64>() * sweep.section();
            if sum > 0.0 {
                let scale = (raster.charge() / sum) as f32;
                dose.par_iter_mut().for_each(|d| *d *= scale);
            }
        }
        lattice.dose = dose;
        lattice
    }

    /// Picture (u, v) of ray `k` of slice `i`, counted from their middles.
    #[inline]
    pub fn picture(&self, i: f64, k: f64) -> [f64; 2] {
        let i = self.first_slice as f64 + i + 0.5;
        let s = self.first_layer as f64 + (k + 0.5) * self.sweep.merge as f64;
        let [o, di, ds] = &self.to_picture;
        [o[0] + di[0] * i + ds[0] * s, o[1] + di[1] * i + ds[1] * s]
    }

    /// Which ray meets a height of a layer, between the rays: ray k spans k..k + 1.
    #[inline]
    pub fn ray(&self, z: f32, layer: i64) -> f64 {
        ((layer - self.first_layer) as f64 + 0.5) * self.per_layer + f64::from(z) * self.per_height
    }

    /// The height at which a layer meets a ray.
    #[inline]
    pub fn height(&self, ray: f64, layer: i64) -> f32 {
        let s = ray * self.sweep.merge as f64 - (layer - self.first_layer) as f64 - 0.5;
        (s * self.sweep.drop) as f32
    }

    /// Layers in which matter between two heights (as they are walked) meets a ray.
    pub fn layers(&self, lo: f32, hi: f32) -> (i64, i64) {
        let last = self.first_layer + (self.cells * self.sweep.merge) as i64;
        let reach = |z: f32| f64::from(z) / self.sweep.drop;
        let from = self.first_layer as f64 - reach(hi).clamp(-1e9, 1e9) - 1.0;
        let to = last as f64 - reach(lo).clamp(-1e9, 1e9) + 1.0;
        (from.floor() as i64, to.ceil() as i64)
    }

    /// What `dose` holds at (u, v) of the picture: the nearest ray.
    pub fn at(&self, beam: &Beamline, u: f64, v: f64) -> f32 {
        let (i, s) = self.sweep.landing(&beam.point(u, v, 0.0));
        let (i, k) = (
            i.floor() as i64 - self.first_slice,
            ((s - self.first_layer as f64) / self.sweep.merge as f64).floor() as i64,
        );
        if i < 0 || k < 0 || i >= self.slices as i64 || k >= self.cells as i64 {
            return 0.0;
        }
        self.dose[i as usize * self.cells + k as usize]
    }
}

/// Walks the columns of one slice.
pub(super) struct Walker<'a> {
    columns: &'a Columns,
    sweep: Sweep,
    slice: i64,
    held: Held<'a>,
}

/// Layers that lie in one tile, one column after the other.
struct Held<'a> {
    layers: std::ops::Range<i64>,
    tile: Option<&'a Tile>,
    /// The column of the first layer, and from each to the next.
    first: i64,
    step: i64,
}

impl<'a> Walker<'a> {
    pub fn new(columns: &'a Columns, sweep: Sweep, slice: i64) -> Self {
        let held = Held {
            layers: 0..0,
            tile: None,
            first: 0,
            step: 0,
        };
        Walker {
            columns,
            sweep,
            slice,
            held,
        }
    }

    /// The column of a layer; `None` where there is no tile.
    #[inline]
    pub fn column(&mut self, layer: i64) -> Option<&'a [Run]> {
        if !self.held.layers.contains(&layer) {
            self.hold(layer);
        }
        let column = self.held.first + self.held.step * (layer - self.held.layers.start);
        Some(self.held.tile?.column(column as usize))
    }

    fn hold(&mut self, layer: i64) {
        let sweep = &self.sweep;
        let (x, y) = sweep.column(self.slice, layer);
        let side = i64::from(sweep.side);
        let key = (x.div_euclid(side) as i32, y.div_euclid(side) as i32);
        let (ix, iy) = (x.rem_euclid(side), y.rem_euclid(side));
        let (along, by) = if sweep.by_y { (iy, 1) } else { (ix, side) };
        let (step, ahead) = if sweep.forward > 0.0 {
            (by, side - along)
        } else {
            (-by, along + 1)
        };
        self.held = Held {
            layers: layer..layer + if sweep.sideways == 0.0 { ahead } else { 1 },
            tile: self
                .columns
                .tile(key)
                .map(|t| &**t)
                .filter(|t| i64::from(t.side()) == side),
            first: ix * side + iy,
            step,
        };
    }

    /// The first layer after `layer` that may lie in another tile.
    pub fn next_tile(&self, layer: i64) -> i64 {
        self.held.layers.end.max(layer + 1)
    }
}

/// A run upside down.
#[inline]
pub(super) fn mirrored(run: &Run) -> Run {
    Run {
        lo: -run.hi,
        hi: -run.lo,
        material: run.material,
    }
}
