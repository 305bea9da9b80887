//! What is seen, by its name.

use super::Label;
use super::set::{Cross, Set, Slab};
use crate::sim::matter::{Matter, Run};
use crate::sim::needle::body;
use crate::sim::render::{Seen, Shot};
use crate::sim::specimen::{Face, Material, Part};
use model::Shape;
use nalgebra::{Point3, Vector3};
use ndarray::{Array2, Zip};

/// A sheet is a lamella where it is at most so many times as thick as its trenches lie apart: what hangs on it beyond is not cut out.
const EVEN: f64 = 1.5;
/// Steps in which a thickness is felt (m).
const STEP: f64 = 20e-9;
/// From the surface into what is seen (m), the first that is in it.
const INTO: [f64; 3] = [15e-9, 40e-9, 90e-9];
/// What lies further along the beam from where it aimed (m) is no work of its.
const REACH: f64 = 40e-6;
const DEEP: f64 = 20e-6;

/// The label of every pixel of a shot.
pub fn all(shot: &Shot, set: &Set, seen: &Array2<Seen>) -> Array2<Label> {
    let back = shot.geometry.sample_to_chamber(&shot.pose).rotation.inverse();
    let eye = Eye {
        set,
        toward: back * shot.geometry.column(shot.settings.beam_type).toward,
        px: shot.settings.pixel_size(),
    };
    let mut labels = Array2::default(seen.dim());
    Zip::from(&mut labels)
        .and(seen)
        .par_for_each(|label, seen| *label = eye.name(seen));
    labels
}

struct Eye<'a> {
    set: &'a Set,
    /// Towards the lens, in the sample's frame.
    toward: Vector3<f64>,
    /// m.
    px: f64,
}

impl Eye<'_> {
    fn name(&self, seen: &Seen) -> Label {
        match seen {
            Seen::Nothing => Label::Background,
            Seen::Body(_) => Label::Lamella,
            Seen::Probe(name) if *name == body::NAME => Label::Needle,
            Seen::Probe(_) => Label::Background,
            Seen::Sample(at) => self.part(Point3::from(*at)),
        }
    }

    fn part(&self, at: Point3<f64>) -> Label {
        let matter = &self.set.matter;
        let changed = matter.covers(at.x, at.y);
        if changed {
            if self.set.slab.as_ref().is_some_and(|slab| self.is_lamella(slab, at)) {
                return Label::Lamella;
            }
            if self.set.cross.as_ref().is_some_and(|cross| is_fiducial(cross, at)) {
                return Label::Fiducial;
            }
        }
        let under = || {
            let face = if self.toward.z < 0.0 { Face::Under } else { Face::Top };
            matter.specimen().sample(at.x, at.y, self.px, face).material
        };
        let material = match changed.then(|| self.cut(at)).flatten() {
            // a skin of what was sputtered renames nothing
            None | Some(Material::Redeposit) => under(),
            Some(material) => material,
        };
        match matter.specimen().part(at.x, at.y, material) {
            Part::Ground => Label::Background,
            Part::Bar => Label::Bar,
            Part::Post => Label::Post,
            Part::Block => Label::Block,
        }
    }

    /// What changed matter is made of there.
    fn cut(&self, at: Point3<f64>) -> Option<Material> {
        let runs = self.set.matter.column(at.x, at.y, self.px);
        let beside = |run: &Run| (f64::from(run.lo) - at.z).max(at.z - f64::from(run.hi)).max(0.0);
        let nearest = runs.iter().min_by(|a, b| beside(a).total_cmp(&beside(b)));
        nearest.map(|run| run.material)
    }

    /// Between the trenches, and thin in the direction in which they lie apart.
    fn is_lamella(&self, slab: &Slab, at: Point3<f64>) -> bool {
        let [u, v, along] = slab.line.picture(&at);
        let most = EVEN * slab.spacing;
        if 2.0 * u.abs() > slab.width || 2.0 * v.abs() > most || along.abs() > REACH {
            return false;
        }
        let mut inside = INTO.iter().map(|into| at - self.toward * *into);
        let Some(inside) = inside.find(|p| is_sample(&self.set.matter, p)) else {
            return false;
        };
        let mut thick = 0.0;
        for way in [slab.line.up, -slab.line.up] {
            let mut on = STEP;
            while is_sample(&self.set.matter, &(inside + way * on)) {
                on += STEP;
                if thick + on > most {
                    return false;
                }
            }
            thick += on;
        }
        true
    }
}

fn is_sample(matter: &Matter, p: &Point3<f64>) -> bool {
    matter.is_solid(p).is_some_and(|(_, body)| body.is_none())
}

/// The walls and the floor of a cross: what lies in the beam that milled it.
fn is_fiducial(cross: &Cross, at: Point3<f64>) -> bool {
    let [u, v, along] = cross.line.picture(&at);
    let inside = |arm: &Shape| arm.weight(u, v, 0.0) > 0.5;
    along.abs() < DEEP && cross.arms.iter().any(inside)
}
