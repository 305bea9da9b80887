//! What lies along a straight line through a sheet of columns: by tiles, then by the columns of those that can be met; and
//! what stands over a line on its plane, for pictures, whose rays share such lines.

use super::Matter;
use super::bodies::Body;
use super::columns::{Columns, Key, key_at, patch_of};
use super::tile::{Run, TILE, Tile};
use crate::sim::specimen::Material;
use nalgebra::{Point3, Vector3};
use std::ops::ControlFlow;

/// A straight line with a beginning; the direction is a unit vector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ray {
    pub origin: Point3<f64>,
    pub direction: Vector3<f64>,
}

impl Ray {
    pub fn at(&self, distance: f64) -> Point3<f64> {
        self.origin + self.direction * distance
    }
}

/// Solid along a ray (m from its origin).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub from: f64,
    pub to: f64,
    pub material: Material,
}

/// Where a ray first meets matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strike {
    pub distance: f64,
    /// Outward unit vector of the surface, evened out over 50 nm either side.
    pub normal: Vector3<f64>,
    pub material: Material,
}

/// Columns either side over which a surface's slope is taken.
const EVEN: i32 = 2;
/// A step of a surface steeper than this (m per m) is an edge, not a slope.
const STEEP: f64 = 4.0;

/// Walks the columns along a ray as far as `reach`, nearest first: runs, where the ray enters and leaves the column, and
/// which axis it entered by (0 x, 1 y).
fn walk<'a>(
    columns: &'a Columns,
    ray: &Ray,
    reach: f64,
    mut visit: impl FnMut(&'a [Run], f64, f64, usize) -> ControlFlow<()>,
) {
    let Some((from, to)) = clip(columns, ray, reach) else {
        return;
    };
    let mut patch = None;
    let tiles = Steps::new(ray, from, to, TILE, [0.0; 2]);
    for step in tiles {
        let key = (step.cell[0], step.cell[1]);
        let block = patch_of(key);
        let held = match patch {
            Some((b, held)) if b == block => held,
            _ => {
                let held = columns.patch(key);
                patch = Some((block, held));
                held
            }
        };
        let Some(tile) = held.and_then(|p| p.tile(key)) else {
            continue;
        };
        let Some((a, b)) = between(ray, tile.lo, tile.hi, step.from, step.to) else {
            continue;
        };
        if in_tile(tile, key, ray, a, b, step.axis, &mut visit).is_break() {
            return;
        }
    }
}

/// The columns of one tile between two places of the ray.
fn in_tile<'a>(
    tile: &'a Tile,
    key: Key,
    ray: &Ray,
    from: f64,
    to: f64,
    axis: usize,
    visit: &mut impl FnMut(&'a [Run], f64, f64, usize) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let corner = [f64::from(key.0) * TILE, f64::from(key.1) * TILE];
    let last = i32::from(tile.side()) - 1;
    let mut first = true;
    for step in Steps::new(ray, from, to, tile.pitch(), corner) {
        let [x, y] = step.cell.map(|c| c.clamp(0, last) as usize);
        let axis = if first { axis } else { step.axis };
        first = false;
        visit(tile.column(tile.at(x, y)), step.from, step.to, axis)?;
    }
    ControlFlow::Continue(())
}

/// Cells of a square lattice along a ray.
struct Steps {
    cell: [i32; 2],
    step: [i32; 2],
    /// Where the next border is met, and how far apart borders are along the ray.
    next: [f64; 2],
    apart: [f64; 2],
    from: f64,
    to: f64,
    axis: usize,
}

struct Step {
    cell: [i32; 2],
    from: f64,
    to: f64,
    axis: usize,
}

impl Steps {
    fn new(ray: &Ray, from: f64, to: f64, pitch: f64, corner: [f64; 2]) -> Steps {
        let start = ray.at(from);
        let mut steps = Steps {
            cell: [0; 2],
            step: [0; 2],
            next: [f64::INFINITY; 2],
            apart: [f64::INFINITY; 2],
            from,
            to,
            axis: usize::from(ray.direction.y.abs() > ray.direction.x.abs()),
        };
        for a in 0..2 {
            let (p, d) = ((start[a] - corner[a]) / pitch, ray.direction[a]);
            steps.cell[a] = p.floor() as i32;
            if d.abs() > 1e-12 {
                steps.step[a] = if d > 0.0 { 1 } else { -1 };
                steps.apart[a] = pitch / d.abs();
                let border = if d > 0.0 { p.floor() + 1.0 - p } else { p - p.floor() };
                steps.next[a] = from + border * steps.apart[a];
            }
        }
        steps
    }
}

impl Iterator for Steps {
    type Item = Step;

    #[inline]
    fn next(&mut self) -> Option<Step> {
        if self.from >= self.to {
            return None;
        }
        let a = usize::from(self.next[1] < self.next[0]);
        let step = Step {
            cell: self.cell,
            from: self.from,
            to: self.next[a].min(self.to),
            axis: self.axis,
        };
        self.from = self.next[a];
        self.next[a] += self.apart[a];
        self.cell[a] += self.step[a];
        self.axis = a;
        Some(step)
    }
}

/// The part of a ray that may meet the sheet at all.
fn clip(columns: &Columns, ray: &Ray, reach: f64) -> Option<(f64, f64)> {
    let (lo, hi) = columns.heights();
    let (from, to) = between(ray, lo, hi, 0.0, reach)?;
    spread(columns, ray, from, to)
}

/// The part of from..to in which a ray is above or below the sheet's patches.
fn spread(columns: &Columns, ray: &Ray, mut from: f64, mut to: f64) -> Option<(f64, f64)> {
    for (a, (lo, hi)) in columns.spread()?.into_iter().enumerate() {
        let (o, d) = (ray.origin[a], ray.direction[a]);
        if d.abs() < 1e-12 {
            if o < lo || o > hi {
                return None;
            }
            continue;
        }
        let (a, b) = ((lo - o) / d, (hi - o) / d);
        (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
    }
    (from < to).then_some((from, to))
}

/// The part of from..to in which a ray is between two heights, a little more rather than less.
#[inline]
fn between(ray: &Ray, lo: f32, hi: f32, from: f64, to: f64) -> Option<(f64, f64)> {
    let (lo, hi) = (f64::from(lo) - 1e-12, f64::from(hi) + 1e-12);
    let (o, d) = (ray.origin.z, ray.direction.z);
    if lo > hi {
        return None;
    }
    if d.abs() < 1e-12 {
        return (o >= lo && o <= hi).then_some((from, to));
    }
    let (a, b) = ((lo - o) / d, (hi - o) / d);
    let (from, to) = (from.max(a.min(b)), to.min(a.max(b)));
    (from < to).then_some((from, to))
}

/// The part of a..b of a ray that lies in a run.
#[inline]
fn inside(ray: &Ray, run: &Run, a: f64, b: f64) -> Option<(f64, f64)> {
    let (lo, hi) = (f64::from(run.lo), f64::from(run.hi));
    let (o, d) = (ray.origin.z, ray.direction.z);
    if d.abs() < 1e-12 {
        return (o >= lo && o < hi).then_some((a, b));
    }
    let (p, q) = ((lo - o) / d, (hi - o) / d);
    let (from, to) = (a.max(p.min(q)), b.min(p.max(q)));
    (from < to).then_some((from, to))
}

/// A sheet of columns as pictures look at it: the sample where it was changed, or a body in its own frame.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a>(&'a Columns);

/// The part of a track over one tile.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    tile: &'a Tile,
    key: Key,
    /// Where the track comes to the tile, and where it leaves it (m).
    pub from: f64,
    pub to: f64,
}

impl Matter {
    /// The sample where it was changed.
    pub fn sheet(&self) -> Sheet<'_> {
        Sheet(&self.0.sheet)
    }
}

impl Body {
    /// Its matter, in its own frame.
    pub fn sheet(&self) -> Sheet<'_> {
        Sheet(&self.columns)
    }
}

impl<'a> Sheet<'a> {
    /// The tiles over which a track passes between two of its places (m), first to last; the track is a ray along the plane.
    pub fn stretches(&self, track: &Ray, from: f64, to: f64) -> Vec<Stretch<'a>> {
        let Some((from, to)) = spread(self.0, track, from, to) else {
            return Vec::new();
        };
        let mut patch = None;
        let steps = Steps::new(track, from, to, TILE, [0.0; 2]);
        let found = steps.filter_map(|step| {
            let key = (step.cell[0], step.cell[1]);
            if patch.is_none_or(|(block, _)| block != patch_of(key)) {
                patch = Some((patch_of(key), self.0.patch(key)));
            }
            let tile = patch?.1?.tile(key)?;
            Some(Stretch {
                tile,
                key,
                from: step.from,
                to: step.to,
            })
        });
        found.collect()
    }

    /// The runs at (x, y), lowest first, and the distance of columns there (m); `None` where there is no tile.
    #[inline]
    pub fn column(&self, x: f64, y: f64) -> Option<(&'a [Run], f64)> {
        let key = key_at(x, y);
        let tile: &'a Tile = self.0.tile(key)?;
        let last = usize::from(tile.side()) - 1;
        let cell = |v: f64, k: i32| ((v - f64::from(k) * TILE) / tile.pitch()) as usize;
        let column = tile.at(cell(x, key.0).min(last), cell(y, key.1).min(last));
        Some((tile.column(column), tile.pitch()))
    }

    /// Lowest and highest matter (m); `None` where there is none.
    pub fn heights(&self) -> Option<(f64, f64)> {
        let (lo, hi) = self.0.heights();
        (lo <= hi).then_some((f64::from(lo), f64::from(hi)))
    }
}

impl<'a> Stretch<'a> {
    /// Lowest and highest matter (m); `None` where all of it is gone.
    pub fn heights(&self) -> Option<(f64, f64)> {
        let (lo, hi) = (self.tile.lo, self.tile.hi);
        (lo <= hi).then_some((f64::from(lo), f64::from(hi)))
    }

    /// Its columns between two places of the track, first to last: where the track is over each, and the runs.
    pub fn columns(&self, track: &Ray, from: f64, to: f64, mut visit: impl FnMut(f64, f64, &'a [Run])) {
        let (from, to) = (from.max(self.from), to.min(self.to));
        let mut each = |runs, a, b, _| {
            visit(a, b, runs);
            ControlFlow::Continue(())
        };
        // it never breaks off
        let _ = in_tile(self.tile, self.key, track, from, to, 0, &mut each);
    }
}

/// All solid along a ray, nearest first; what touches and is of one stuff is one span.
pub(super) fn spans(columns: &Columns, ray: &Ray, reach: f64) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    walk(columns, ray, reach, |runs, a, b, _| {
        let mut add = |run: &Run| {
            if let Some((from, to)) = inside(ray, run, a, b) {
                match found.last_mut() {
                    Some(last) if last.material == run.material && from - last.to < 1e-10 => last.to = to,
                    _ => found.push(Span {
                        from,
                        to,
                        material: run.material,
                    }),
                }
            }
        };
        if ray.direction.z < 0.0 {
            runs.iter().rev().for_each(&mut add);
        } else {
            runs.iter().for_each(&mut add);
        }
        ControlFlow::Continue(())
    });
    found
}

/// Where a ray first meets a sheet.
pub(super) fn strike(columns: &Columns, ray: &Ray, reach: f64) -> Option<Strike> {
    let mut found = None;
    walk(columns, ray, reach, |runs, a, b, axis| {
        let meets = |run: &Run| inside(ray, run, a, b).map(|(from, _)| (from, *run));
        let hit = if ray.direction.z < 0.0 {
            runs.iter().rev().find_map(meets)
        } else {
            runs.iter().find_map(meets)
        };
        match hit {
            Some((distance, run)) => {
                found = Some((distance, run, (distance - a).abs() < 1e-13, axis));
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        }
    });
    let (distance, run, by_side, axis) = found?;
    Some(Strike {
        distance,
        normal: normal(columns, ray, distance, &run, by_side.then_some(axis)),
        material: run.material,
    })
}

/// The surface's normal where a ray met a run: from the heights around, or that of a wall.
fn normal(columns: &Columns, ray: &Ray, distance: f64, run: &Run, side: Option<usize>) -> Vector3<f64> {
    let at = ray.at(distance + 1e-11);
    let pitch = columns.tile(key_at(at.x, at.y)).map_or(TILE / 64.0, |t| t.pitch());
    let up = if side.is_some() {
        // A riser of a slope belongs to the end that is nearer.
        f64::from(run.hi) - at.z <= at.z - f64::from(run.lo)
    } else {
        ray.direction.z < 0.0
    };
    let end = |r: &Run| f64::from(if up { r.hi } else { r.lo });
    let here = end(run);
    let far = f64::from(EVEN) * pitch;
    // The same surface beside: the nearest end that is no edge.
    let beside = |dx: f64, dy: f64| {
        let ends = columns.column(at.x + dx, at.y + dy)?.iter().map(end);
        ends.min_by(|a, b| (a - here).abs().total_cmp(&(b - here).abs()))
            .filter(|e| (e - here).abs() < STEEP * far)
    };
    let slope = |dx: f64, dy: f64| match (beside(-dx, -dy), beside(dx, dy)) {
        (Some(a), Some(b)) => (b - a) / (2.0 * far),
        (Some(a), None) => (here - a) / far,
        (None, Some(b)) => (b - here) / far,
        (None, None) => 0.0,
    };
    if let Some(axis) = side {
        let back = -ray.direction[axis].signum();
        let wall = if axis == 0 {
            beside(back * far, 0.0).is_none()
        } else {
            beside(0.0, back * far).is_none()
        };
        if wall {
            let mut n = Vector3::zeros();
            n[axis] = back;
            return n;
        }
    }
    let n = Vector3::new(-slope(far, 0.0), -slope(0.0, far), 1.0).normalize();
    if up { n } else { -n }
}
