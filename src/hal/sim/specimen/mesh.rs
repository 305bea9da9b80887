//! The lattice of a 3 mm grid: pitch, bars, rim, ring and shuttle. Shared by the scenes that stand on one.

use super::noise::{Noise, length, smoothstep, split};
use super::run::{self, Run};
use super::{Line, Material, Place, Surface};

/// Distance between squares (m): 200 mesh.
pub const PITCH: f32 = 125e-6;
const PER_METRE: f32 = 1.0 / PITCH;
/// Half an opening between bars (m).
pub const OPENING: f32 = 47.5e-6;
/// Thickness of the bars (m).
pub const BAR: f32 = 20e-6;
/// Squares end and the solid rim begins (m).
const RIM: f32 = 1.42e-3;
/// The grid ends (m).
const EDGE: f32 = 1.525e-3;
/// Things settle within this distance of the middle along x and y (m).
pub const REACH: f32 = 1.6e-3;
/// The clip ring's inner and outer radius, and how far it stands above the grid (m).
const RING: (f32, f32, f32) = (1.56e-3, 1.85e-3, 90e-6);
/// The shuttle below the grid (m).
pub const FLOOR: f32 = -160e-6;

/// A place on the lattice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cell {
    /// Which square.
    pub col: i32,
    pub row: i32,
    /// Place in the square, from its middle (m).
    pub u: f32,
    pub v: f32,
    /// Signed distance into the bars (m): negative in the opening.
    pub bar: f32,
}

impl Cell {
    /// The square at (x, y); its bars are not looked for yet.
    #[inline]
    pub fn containing(x: f32, y: f32) -> Cell {
        let ((col, fu), (row, fv)) = (split(x * PER_METRE + 0.5), split(y * PER_METRE + 0.5));
        let (u, v) = ((fu - 0.5) * PITCH, (fv - 0.5) * PITCH);
        Cell {
            col,
            row,
            u,
            v,
            bar: 0.0,
        }
    }

    /// The same square at another place in it (m).
    #[inline]
    pub fn at(self, u: f32, v: f32) -> Cell {
        let corner = 9e-6;
        let (qx, qy) = (u.abs() - (OPENING - corner), v.abs() - (OPENING - corner));
        let mut bar = length(qx.max(0.0), qy.max(0.0)) + qx.max(qy).min(0.0) - corner;
        if self.col == 0 && self.row == 0 {
            bar = bar.max(-centre_mark(u, v));
        }
        // Squares that the rim closes.
        let far = |i: i32| (i.abs() as f32 + 0.5) * PITCH;
        if length(far(self.col), far(self.row)) > RIM {
            bar = bar.max(30e-6);
        }
        Cell { u, v, bar, ..self }
    }
}

/// The square at (x, y) and how far its bars are.
#[inline]
pub fn cell(x: f32, y: f32) -> Cell {
    let c = Cell::containing(x, y);
    c.at(c.u, c.v)
}

/// A line of places: those on the grid run by run by `look`, those beside it by [`surroundings`].
pub fn fill(noise: &Noise, line: &Line, out: &mut [Surface], look: impl Fn(&Run, &mut [Surface])) {
    run::each(line, out, |run, part| {
        let inside = |[x, y]: &[f32; 2]| x * x + y * y < EDGE * EDGE;
        if run.ends().iter().all(inside) {
            return look(run, part);
        }
        for (i, slot) in part.iter_mut().enumerate() {
            match surroundings(noise, &run.place(i)) {
                Some(outside) => *slot = outside,
                None => look(&Run::new(line, run.first + i, 1), std::slice::from_mut(slot)),
            }
        }
    });
}

/// The finder mark of the central square: an arrowhead on its left bar and a half-disc on its lower one. Signed distance (m).
fn centre_mark(u: f32, v: f32) -> f32 {
    let left = u + OPENING;
    let arrow = ((v.abs() - 9e-6) + left * 0.62).max(-left - 2e-6) * 0.85;
    let knob = length(u - 6e-6, v + OPENING) - 9e-6;
    arrow.min(knob)
}

/// Outside the grid: ring and shuttle. `None` on the grid itself.
fn surroundings(noise: &Noise, &Place { x, y, px, channel, .. }: &Place) -> Option<Surface> {
    if x * x + y * y < EDGE * EDGE {
        return None;
    }
    let r = length(x, y);
    let (inner, outer, stands) = RING;
    let turned = 1.0 + 0.10 * noise.octaves(r * 1.0, 3e-6, 24e-6, 4, px);
    if (inner..outer).contains(&r) {
        let bevel = smoothstep(inner, inner + 60e-6, r) * (1.0 - smoothstep(outer - 30e-6, outer, r));
        return Some(Surface {
            height: stands * bevel - 20e-6 * (1.0 - bevel),
            thickness: 400e-6,
            material: Material::Holder,
            response: Material::Holder.response(channel) * (turned),
        });
    }
    let milled = 1.0 + 0.14 * noise.octaves(x * 0.04, y, 30e-6, 4, px) + 0.06 * noise.octaves(x, y, 200e-6, 3, px);
    let fall = smoothstep(EDGE, EDGE + 15e-6, r);
    Some(Surface {
        height: FLOOR * fall - 10e-6 * (1.0 - fall),
        thickness: 1e-3,
        material: Material::Holder,
        response: Material::Holder.response(channel) * (0.75 * milled),
    })
}
