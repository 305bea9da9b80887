//! The untouched sample as pictures see it: the relief of its scene under the coats that gases laid on it.

use crate::sim::matter::{Deposit, Matter};
use crate::sim::specimen::{Face, Line, Material, Noise, Specimen, Surface, Texture};

/// A coat of this thickness (m) lets a third of what lies below shine through: the depth secondary electrons come from.
const ESCAPE: f32 = 15e-9;
/// Coats grow as nodules: their size, and how far the brightness of one differs from the mean.
const NODULES: Texture = Texture::new(0.7e-6, 4);
const UNEVEN: f32 = 0.16;
/// The same nodules for every coat of every scene.
const SEED: u64 = 0x0c0a7;

#[derive(Debug)]
pub(super) struct Scenery<'a> {
    specimen: &'a Specimen,
    coats: Vec<&'a Deposit>,
    /// What coats look like; none without one.
    nodules: Option<Noise>,
}

impl<'a> Scenery<'a> {
    pub fn of(matter: &'a Matter) -> Self {
        // what a beam drew stands in the columns
        let coats = matter
            .deposits()
            .iter()
            .filter(|d| d.volume == 0.0 && d.thickness > 0.0);
        let coats: Vec<&Deposit> = coats.collect();
        Scenery {
            specimen: matter.specimen(),
            nodules: (!coats.is_empty()).then(|| Noise::new(SEED)),
            coats,
        }
    }

    /// A row of surfaces. Gas comes from above: the underside has no coat.
    pub fn fill(&self, line: &Line, out: &mut [Surface]) {
        self.specimen.fill(line, out);
        let Some(nodules) = self.nodules.as_ref().filter(|_| line.face == Face::Top) else {
            return;
        };
        let mut grown = vec![0.0; out.len()];
        nodules.octaves_row(&NODULES, line, 0, &mut grown);
        let solid = |s: &Surface| s.material != Material::Vacuum && s.thickness > 1e-9;
        for (i, surface) in out.iter_mut().enumerate().filter(|(_, s)| solid(s)) {
            let (x, y) = (line.x0 + i as f64 * line.dx, line.y0 + i as f64 * line.dy);
            for coat in self.coats.iter().filter(|c| c.area.contains(x, y)) {
                let thickness = coat.thickness as f32;
                let through = (-thickness / ESCAPE).exp();
                let own = coat.material.response(line.channel) * (1.0 + UNEVEN * grown[i]);
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
