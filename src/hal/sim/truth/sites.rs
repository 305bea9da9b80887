//! Where lamellae stand: thin slabs between cuts, found by looking along the beams that milled, ray by ray, and measured by rays
//! through what is there. No pattern is asked.
//!
//! A slab is a lamella where matter was cut away on both of its flanks, where it is thin over the depth of the sample, and
//! where it ends in walls on either side. Slivers, ridges and what the first of two trenches leaves are none.

use crate::sim::matter::{Beamline, Matter, Ray};
use crate::sim::specimen::{Face, Material};
use crate::sim::workpiece::Finished;
use rayon::prelude::*;
use serde::Serialize;

/// Distance of the looks across a site, and along its thickness (m).
const ACROSS: f64 = 0.5e-6;
const ALONG: f64 = 40e-9;
/// A lamella is thinner than this and stands between gaps wider than that; and it is at least so wide (m).
const THICKEST: f64 = 3.5e-6;
const GAP: f64 = 150e-9;
const NARROWEST: f64 = 2e-6;
/// What lies this far below where the sample's surface was is cut (m): the tails of a beam take less from what they leave.
const LOWERED: f64 = 1e-6;
/// And so far (m) before the beam meets it, there was something solid that was cut: neither a step that was always there, nor the
/// side of a patch that changed, where the beam comes out of what did not, is a cut.
const BEFORE: f64 = 0.5e-6;
/// Field round a view in which is looked (half, m).
const FIELD: (f64, f64) = (25e-6, 8e-6);
/// Looks beyond the end of a slab at which there must be a wall.
const CORNER: usize = 4;
/// A lamella is a sheet: so many times as wide as it is thick at least.
const SHEET: f64 = 3.0;
/// A lamella that is nowhere this much thicker than on the whole is cut out over all of its depth; what a rougher cut left beside
/// it, thicker than that, is no part of it.
const EVEN: f64 = 1.5;
/// Points at which a lamella is measured.
const POINTS: usize = 9;
/// A lamella's cell is looked for so far (m) along the beam before and behind its middle, and at this distance.
const REACH: f64 = 25e-6;
const STEP: f64 = 0.5e-6;
/// Far enough on the lens's side to be outside of everything (m).
const OUTSIDE: f64 = 200e-6;

/// A lamella as it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Site {
    pub name: String,
    pub kind: &'static str,
    pub thickness_m: Measured,
    pub width_m: f64,
    /// It is cut out over all of its depth: nowhere it is much thicker than on the whole.
    pub milled_through: bool,
    /// Its middle on the sample plane (m).
    pub at_m: [f64; 2],
    /// Share of its width in which something of a cell stands.
    pub cell_share: f64,
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
    /// It meets the floor or wall of a cut, or goes on through where there was matter once.
    Cut,
    Face,
    /// There never was anything.
    Hole,
}

/// A slab in one look across: which one, from and to (m, up in the picture).
#[derive(Clone, Copy, Debug)]
struct Slab {
    across: usize,
    v: (f64, f64),
}

/// All looks of a view: column by column, from low to high.
struct Looks {
    left: f64,
    bottom: f64,
    columns: Vec<Vec<Look>>,
}

impl Looks {
    fn u(&self, across: usize) -> f64 {
        self.left + (across as f64 + 0.5) * ACROSS
    }

    fn v(&self, row: usize) -> f64 {
        self.bottom + row as f64 * ALONG
    }

    /// Whether what goes on beside the end of a slab is a wall: face, and nothing cut where its flanks were.
    fn is_wall(&self, across: Option<usize>, v: (f64, f64)) -> bool {
        // what was not looked at was not worked on
        let Some(column) = across.and_then(|n| self.columns.get(n)) else {
            return true;
        };
        let row = |v: f64| (((v - self.bottom) / ALONG).max(0.0) as usize).min(column.len());
        let part = &column[row(v.0 - GAP)..row(v.1 + GAP)];
        let cut = part.iter().filter(|l| **l == Look::Cut).count();
        4 * cut < part.len().max(1)
    }
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
    let mut looks = Looks {
        left: u.0,
        bottom: v.0,
        columns: Vec::new(),
    };
    let column = |i: usize| -> Vec<Look> { (0..rows).map(|j| look(matter, view, looks.u(i), looks.v(j))).collect() };
    // the narrowest lamella shows in one of these: mostly there is none
    let few = (0..columns).into_par_iter().step_by((NARROWEST / ACROSS) as usize);
    if !few.any(|i| !slabs(&column(i)).is_empty()) {
        return Vec::new();
    }
    looks.columns = (0..columns).into_par_iter().map(column).collect();
    let all = looks.columns.iter().enumerate().flat_map(|(across, column)| {
        let found = slabs(column).into_iter();
        found.map(move |(from, to)| (across, from, to))
    });
    let slabs = all.map(|(across, from, to)| Slab {
        across,
        v: (looks.v(from), looks.v(to)),
    });
    gather(slabs.collect())
        .iter()
        .filter(|slabs| {
            slabs.first().zip(slabs.last()).is_some_and(|(first, last)| {
                // the wall is looked for behind the rounding of the corner
                looks.is_wall(first.across.checked_sub(CORNER), first.v)
                    && looks.is_wall(Some(last.across + CORNER), last.v)
            })
        })
        .filter_map(|slabs| measured(matter, view, &looks, slabs))
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
    let before = |x: f64, y: f64| matter.specimen().sample(x, y, 50e-9, Face::Top);
    if let Some(hit) = matter.first_hit(&ray, 2.0 * OUTSIDE) {
        let (p, q) = (hit.position, hit.position - view.along * BEFORE);
        if !matter.covers(q.x, q.y) {
            return Look::Face;
        }
        let (at, above) = (before(p.x, p.y), before(q.x, q.y));
        let depth = f64::from(above.height) - q.z;
        let was_solid = (0.0..f64::from(above.thickness)).contains(&depth);
        return if p.z < f64::from(at.height) - LOWERED && was_solid {
            Look::Cut
        } else {
            Look::Face
        };
    }
    // where it came through the face there was: two steps towards it, from the level it lies at on the whole
    let mut at = ray.at(OUTSIDE);
    for _ in 0..3 {
        let height = f64::from(before(at.x, at.y).height);
        at += view.along * ((height - at.z) / view.along.z.min(-0.01));
    }
    match (before(at.x, at.y).thickness > 1e-9, matter.covers(at.x, at.y)) {
        (false, _) => Look::Hole,
        (true, true) => Look::Cut,
        (true, false) => Look::Face,
    }
}

/// Stretches of face between two gaps that were cut: first and one past the last look.
fn slabs(looks: &[Look]) -> Vec<(usize, usize)> {
    let (gap, most) = ((GAP / ALONG) as usize, (THICKEST / ALONG) as usize);
    let mut runs: Vec<(bool, usize, usize)> = Vec::new();
    for (i, look) in looks.iter().enumerate() {
        let face = *look == Look::Face;
        match runs.last_mut() {
            Some(last) if last.0 == face => last.2 = i + 1,
            _ => runs.push((face, i, i + 1)),
        }
    }
    // a gap may have been there before: most of it must have been cut
    let flank = |run: &(bool, usize, usize)| {
        let cut = looks[run.1..run.2].iter().filter(|l| **l == Look::Cut).count();
        !run.0 && run.2 - run.1 >= gap && 2 * cut > run.2 - run.1
    };
    let between = runs.windows(3).filter(|w| w[1].0 && flank(&w[0]) && flank(&w[2]));
    between
        .filter(|w| w[1].2 - w[1].1 <= most && w[1].2 - w[1].1 > 1)
        .map(|w| (w[1].1, w[1].2))
        .collect()
}

/// Slabs of neighbouring looks that overlap belong together.
fn gather(slabs: Vec<Slab>) -> Vec<Vec<Slab>> {
    let mut groups: Vec<Vec<Slab>> = Vec::new();
    for slab in slabs {
        let joins = |group: &&mut Vec<Slab>| {
            group
                .last()
                .is_some_and(|last| slab.across == last.across + 1 && slab.v.0 < last.v.1 && slab.v.1 > last.v.0)
        };
        match groups.iter_mut().find(joins) {
            Some(group) => group.push(slab),
            None => groups.push(vec![slab]),
        }
    }
    groups
}

/// The longest stretch of slabs that are as thin as the thin ones of them.
fn thinnest(slabs: &[Slab]) -> &[Slab] {
    let height = |slab: &Slab| slab.v.1 - slab.v.0;
    let mut heights: Vec<f64> = slabs.iter().map(height).collect();
    heights.sort_by(f64::total_cmp);
    let Some(thin) = heights.get(heights.len() / 4).map(|h| EVEN * h + ALONG) else {
        return slabs;
    };
    let stretches = slabs.split(|slab| height(slab) > thin);
    stretches.max_by_key(|stretch| stretch.len()).unwrap_or(slabs)
}

fn measured(matter: &Matter, view: &Beamline, looks: &Looks, slabs: &[Slab]) -> Option<Site> {
    let slabs = thinnest(slabs);
    let width = slabs.len() as f64 * ACROSS;
    if width < NARROWEST {
        return None;
    }
    // the ends are rounded by the beam's tails: the middle four fifths count
    let inner = |k: f64| slabs[((0.1 + 0.8 * k) * (slabs.len() - 1) as f64).round() as usize];
    let points: Vec<(f64, f64)> = (0..POINTS)
        .map(|k| inner(k as f64 / (POINTS - 1) as f64))
        .map(|slab| (looks.u(slab.across), f64::midpoint(slab.v.0, slab.v.1)))
        .collect();
    let taken: Vec<_> = matter.thickness(view, &points).ok()?.into_iter().flatten().collect();
    let mean = taken.iter().map(|t| t.mean).sum::<f64>() / taken.len() as f64;
    // what hangs together with the bulk below it is not cut out yet
    if taken.is_empty() || mean > THICKEST || width < SHEET * mean {
        return None;
    }
    let most = taken.iter().map(|t| t.most).fold(0.0, f64::max);
    let middle = slabs[slabs.len() / 2];
    let at = view.point(looks.u(middle.across), f64::midpoint(middle.v.0, middle.v.1), 0.0);
    let slide = view.along * (at.z / view.along.z.abs().max(0.01));
    let with_cell = points.iter().filter(|(u, v)| holds_cell(matter, view, *u, *v)).count();
    Some(Site {
        name: String::new(),
        kind: "lamella",
        thickness_m: Measured {
            min: taken.iter().map(|t| t.least).fold(f64::INFINITY, f64::min),
            mean,
            max: most,
        },
        width_m: width,
        milled_through: most < EVEN * mean,
        at_m: [(at + slide).x, (at + slide).y],
        cell_share: with_cell as f64 / POINTS as f64,
    })
}

/// Whether the beam that meets a lamella edge on here runs through a cell that is still there.
fn holds_cell(matter: &Matter, view: &Beamline, u: f64, v: f64) -> bool {
    let steps = (2.0 * REACH / STEP) as usize;
    (0..=steps).any(|n| {
        let p = view.point(u, v, n as f64 * STEP - REACH);
        matches!(matter.is_solid(&p), Some((Material::Cell, _)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slab_is_a_face_between_two_gaps_that_were_cut() {
        let stretch = |look: Look, n: usize| std::iter::repeat_n(look, n);
        let looks: Vec<Look> = stretch(Look::Face, 50)
            .chain(stretch(Look::Cut, 20))
            .chain(stretch(Look::Face, 10))
            .chain(stretch(Look::Cut, 20))
            .chain(stretch(Look::Face, 15))
            .chain(stretch(Look::Cut, 20))
            .chain(stretch(Look::Face, 15))
            .chain(stretch(Look::Cut, 2))
            .chain(stretch(Look::Face, 40))
            .chain(stretch(Look::Cut, 20))
            .chain(stretch(Look::Face, 10))
            .chain(stretch(Look::Hole, 20))
            .collect();
        assert_eq!(slabs(&looks), [(70, 80), (100, 115)]);
    }

    #[test]
    fn a_lamella_is_as_wide_as_its_thin_part() {
        let slab = |across: usize| Slab {
            across,
            v: if (4..22).contains(&across) {
                (0.0, 0.32e-6)
            } else {
                (-1e-6, 1e-6)
            },
        };
        let slabs: Vec<Slab> = (0..24).map(slab).collect();
        let thin = thinnest(&slabs);
        assert_eq!((thin[0].across, thin.len()), (4, 18));
        assert_eq!(thinnest(&slabs[4..22]).len(), 18);
    }

    #[test]
    fn a_lamella_ends_in_walls_and_what_is_cut_off_at_an_end_does_not() {
        let face = vec![Look::Face; 100];
        let cut: Vec<Look> = (0..100)
            .map(|j| if (30..70).contains(&j) { Look::Cut } else { Look::Face })
            .collect();
        let looks = Looks {
            left: 0.0,
            bottom: 0.0,
            columns: vec![face, cut],
        };
        let at = (looks.v(45), looks.v(55));
        assert!(looks.is_wall(Some(0), at) && !looks.is_wall(Some(1), at));
        assert!(
            looks.is_wall(None, at) && looks.is_wall(Some(9), at),
            "nobody was there"
        );
    }
}
