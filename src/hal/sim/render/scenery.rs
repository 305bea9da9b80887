//! The untouched sample as pictures see it: the relief of its scene under the coats that gases laid on it.

use crate::sim::matter::{Deposit, Matter};
use crate::sim::specimen::{Face, Line, Material, Specimen, Surface};

/// A coat of this thickness (m) lets a third of what lies below shine through: the depth secondary electrons come from.
const ESCAPE: f32 = 15e-9;

#[derive(Debug)]
pub(super) struct Scenery<'a> {
    specimen: &'a Specimen,
    coats: Vec<&'a Deposit>,
}

impl<'a> Scenery<'a> {
    pub fn of(matter: &'a Matter) -> Self {
        // what a beam drew stands in the columns
        let coats = matter
            .deposits()
            .iter()
            .filter(|d| d.volume == 0.0 && d.thickness > 0.0);
        Scenery {
            specimen: matter.specimen(),
            coats: coats.collect(),
        }
    }

    /// A row of surfaces. Gas comes from above: the underside has no coat.
    pub fn fill(&self, line: &Line, out: &mut [Surface]) {
        self.specimen.fill(line, out);
        if self.coats.is_empty() || line.face == Face::Under {
            return;
        }
        let solid = |s: &Surface| s.material != Material::Vacuum && s.thickness > 1e-9;
        for (i, surface) in out.iter_mut().enumerate().filter(|(_, s)| solid(s)) {
            let (x, y) = (line.x0 + i as f64 * line.dx, line.y0 + i as f64 * line.dy);
            for coat in self.coats.iter().filter(|c| c.area.contains(x, y)) {
                let thickness = coat.thickness as f32;
                let through = (-thickness / ESCAPE).exp();
                let own = coat.material.response(line.channel);
                surface.response = own + (surface.response - own) * through;
                surface.material = coat.material;
                surface.height += thickness;
                surface.thickness += thickness;
            }
        }
    }

    /// Lowest and highest outward height that matters to a view (m).
    pub fn bounds(&self) -> (f32, f32) {
        let (lo, hi) = self.specimen.bounds();
        (lo, hi + self.coats.iter().map(|c| c.thickness as f32).sum::<f32>())
    }
}
