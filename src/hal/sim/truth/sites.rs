//! Where lamellae stand: slabs between cuts, found by looking along the beams that milled, ray by ray, and measured by rays
//! through what is there. No pattern is asked.

use crate::sim::matter::{Beamline, Matter, Ray};
use crate::sim::specimen::Face;
use crate::sim::workpiece::Finished;
use rayon::prelude::*;
use serde::Serialize;

/// Distance of the looks across a site, and along its thickness (m).
const ACROSS: f64 = 1e-6;
const ALONG: f64 = 40e-9;
/// A lamella is thinner than this and stands between gaps wider than that; and it is at least so wide (m).
const THICKEST: f64 = 3.5e-6;
const GAP: f64 = 150e-9;
const NARROWEST: f64 = 2e-6;
/// What lies this far below where the sample's surface was is cut (m): the tails of a beam take less from what they leave.
const LOWERED: f64 = 1e-6;
/// Field round a view in which is looked (half, m).
const FIELD: (f64, f64) = (25e-6, 8e-6);
/// Points at which a lamella is measured.
const POINTS: usize = 9;
/// Far enough on the lens's side to be outside of everything (m).
const OUTSIDE: f64 = 200e-6;

/// A lamella as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Site {
    pub name: String,
    pub kind: &'static str,
    pub thickness_m: Measured,
    pub width_m: f64,
    /// Nothing is left in the beam's way on either side of it.
    pub milled_through: bool,
    /// Its middle on the sample plane (m).
    pub at_m: [f64; 2],
}

/// m; nothing measured is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measured {
    pub min: f64,
    pub mean: f64,
    pub max: f64,
}

/// What the beam sees at a point of its picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// It meets nothing that was worked on.
    Open,
    /// It meets the floor or wall of a cut.
    Cut,
    Face,
}

/// A slab in one look across: from and to (m, up in the picture), and whether both gaps beside it are open.
#[derive(Clone, Copy, Debug)]
struct Slab {
    u: f64,
    v: (f64, f64),
    open: bool,
}

/// The lamellae there are, by the views that made them; remembered until the matter changes.
pub fn found(finished: &mut Finished) -> Vec<Site> {
    let revision = finished.matter.revision();
    if let Some((of, sites)) = &finished.sites
        && *of == revision
    {
        return sites.clone();
    }
    let mut sites: Vec<Site> = Vec::new();
    for view in &finished.views {
        for site in seen(&finished.matter, view) {
            // one lamella may be seen from several views; the last one is how it was finished
            let same = |s: &Site| (s.at_m[0] - site.at_m[0]).hypot(s.at_m[1] - site.at_m[1]) < site.width_m / 2.0;
            sites.retain(|s| !same(s));
            sites.push(site);
        }
    }
    for (i, site) in sites.iter_mut().enumerate() {
        site.name = format!("l{}", i + 1);
    }
    finished.sites = Some((revision, sites.clone()));
    sites
}

fn seen(matter: &Matter, view: &Beamline) -> Vec<Site> {
    let Some((u, v)) = window(matter, view) else {
        return Vec::new();
    };
    let (columns, rows) = (((u.1 - u.0) / ACROSS) as usize, ((v.1 - v.0) / ALONG) as usize);
    let slabs: Vec<Slab> = (0..columns)
        .into_par_iter()
        .flat_map_iter(|i| {
            let at = u.0 + (i as f64 + 0.5) * ACROSS;
            let looks: Vec<Look> = (0..rows)
                .map(|j| look(matter, view, at, v.0 + j as f64 * ALONG))
                .collect();
            slabs(&looks).into_iter().map(move |(from, to, open)| Slab {
                u: at,
                v: (v.0 + from as f64 * ALONG, v.0 + to as f64 * ALONG),
                open,
            })
        })
        .collect();
    gather(slabs)
        .iter()
        .filter_map(|slabs| measured(matter, view, slabs))
        .collect()
}

/// The part of a view's field in which something was changed.
fn window(matter: &Matter, view: &Beamline) -> Option<((f64, f64), (f64, f64))> {
    let mut range: Option<((f64, f64), (f64, f64))> = None;
    for [low, high] in matter.extents() {
        for i in 0..8usize {
            let pick = |a: usize| if i >> a & 1 == 0 { low[a] } else { high[a] };
            let [u, v, _] = view.picture(&nalgebra::Point3::new(pick(0), pick(1), pick(2)));
            let r = range.get_or_insert(((u, u), (v, v)));
            r.0 = (r.0.0.min(u), r.0.1.max(u));
            r.1 = (r.1.0.min(v), r.1.1.max(v));
        }
    }
    let (u, v) = range?;
    let clip = |r: (f64, f64), half: f64| (r.0.max(-half), r.1.min(half));
    let (u, v) = (clip(u, FIELD.0), clip(v, FIELD.1));
    (u.1 - u.0 > NARROWEST && v.1 - v.0 > GAP).then_some((u, v))
}

fn look(matter: &Matter, view: &Beamline, u: f64, v: f64) -> Look {
    let ray = Ray {
        origin: view.point(u, v, -OUTSIDE),
        direction: view.along,
    };
    let Some(hit) = matter.first_hit(&ray, 2.0 * OUTSIDE) else {
        return Look::Open;
    };
    let p = hit.position;
    let before = matter.specimen().sample(p.x, p.y, 50e-9, Face::Top);
    if p.z < f64::from(before.height) - LOWERED {
        Look::Cut
    } else {
        Look::Face
    }
}

/// Stretches of face between two gaps: first and one past the last look, and whether both gaps are open.
fn slabs(looks: &[Look]) -> Vec<(usize, usize, bool)> {
    let (gap, most) = ((GAP / ALONG) as usize, (THICKEST / ALONG) as usize);
    let mut runs: Vec<(bool, usize, usize)> = Vec::new();
    for (i, look) in looks.iter().enumerate() {
        let face = *look == Look::Face;
        match runs.last_mut() {
            Some(last) if last.0 == face => last.2 = i + 1,
            _ => runs.push((face, i, i + 1)),
        }
    }
    let wide = |run: &(bool, usize, usize)| !run.0 && run.2 - run.1 >= gap;
    let between = runs.windows(3).filter(|w| w[1].0 && wide(&w[0]) && wide(&w[2]));
    between
        .filter(|w| w[1].2 - w[1].1 <= most && w[1].2 - w[1].1 > 1)
        .map(|w| {
            // the gap beside it is open where the beam meets nothing over most of it
            let open = |run: &(bool, usize, usize)| {
                let through = looks[run.1..run.2].iter().filter(|l| **l == Look::Open).count();
                2 * through > run.2 - run.1
            };
            (w[1].1, w[1].2, open(&w[0]) && open(&w[2]))
        })
        .collect()
}

/// Slabs of neighbouring looks that overlap belong together.
fn gather(slabs: Vec<Slab>) -> Vec<Vec<Slab>> {
    let mut groups: Vec<Vec<Slab>> = Vec::new();
    for slab in slabs {
        let joins = |group: &&mut Vec<Slab>| {
            group.last().is_some_and(|last| {
                slab.u - last.u < 1.5 * ACROSS && slab.v.0 < last.v.1 && slab.v.1 > last.v.0 && slab.u > last.u
            })
        };
        match groups.iter_mut().find(joins) {
            Some(group) => group.push(slab),
            None => groups.push(vec![slab]),
        }
    }
    groups
}

fn measured(matter: &Matter, view: &Beamline, slabs: &[Slab]) -> Option<Site> {
    let width = slabs.len() as f64 * ACROSS;
    if width < NARROWEST {
        return None;
    }
    // the ends are rounded by the beam's tails: the middle four fifths count
    let inner = |k: f64| slabs[((0.1 + 0.8 * k) * (slabs.len() - 1) as f64).round() as usize];
    let points: Vec<(f64, f64)> = (0..POINTS)
        .map(|k| inner(k as f64 / (POINTS - 1) as f64))
        .map(|slab| (slab.u, f64::midpoint(slab.v.0, slab.v.1)))
        .collect();
    let taken: Vec<_> = matter.thickness(view, &points).ok()?.into_iter().flatten().collect();
    if taken.is_empty() {
        return None;
    }
    let middle = slabs[slabs.len() / 2];
    let at = view.point(middle.u, f64::midpoint(middle.v.0, middle.v.1), 0.0);
    let slide = view.along * (at.z / view.along.z.abs().max(0.01));
    Some(Site {
        name: String::new(),
        kind: "lamella",
        thickness_m: Measured {
            min: taken.iter().map(|t| t.least).fold(f64::INFINITY, f64::min),
            mean: taken.iter().map(|t| t.mean).sum::<f64>() / taken.len() as f64,
            max: taken.iter().map(|t| t.most).fold(0.0, f64::max),
        },
        width_m: width,
        milled_through: slabs.iter().filter(|s| s.open).count() * 10 >= slabs.len() * 9,
        at_m: [(at + slide).x, (at + slide).y],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_is_a_face_between_two_gaps() {
        let stretch = |look: Look, n: usize| std::iter::repeat_n(look, n);
        let looks: Vec<Look> = stretch(Look::Face, 50)
            .chain(stretch(Look::Open, 20))
            .chain(stretch(Look::Face, 10))
            .chain(stretch(Look::Open, 20))
            .chain(stretch(Look::Face, 15))
            .chain(stretch(Look::Cut, 20))
            .chain(stretch(Look::Face, 15))
            .chain(stretch(Look::Cut, 2))
            .chain(stretch(Look::Face, 40))
            .collect();
        assert_eq!(slabs(&looks), [(70, 80, true), (100, 115, false)]);
    }
}
