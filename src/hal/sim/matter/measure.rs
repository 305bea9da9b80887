//! Questions to matter: what a ray meets, how high it stands, how thick what was cut out is. Answers come from the columns,
//! never from the patterns that were milled.

use super::beamline::Beamline;
use super::bodies::BodyId;
use super::columns::{Columns, key_at};
use super::plan::{self, Reach};
use super::rays::{self, Ray, Span};
use super::sections;
use super::sweep::{Sweep, Window};
use super::tile::USUAL;
use super::{Matter, MatterError};
use crate::sim::specimen::Material;
use model::Shape;
use nalgebra::{Point3, Vector3};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a ray meets first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// From the ray's origin (m).
    pub distance: f64,
    pub position: Point3<f64>,
    /// Outward unit vector of the surface.
    pub normal: Vector3<f64>,
    pub material: Material,
    /// `None`: the sample.
    pub body: Option<BodyId>,
}

/// How thick something is, over its depth (m).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thickness {
    pub mean: f64,
    pub least: f64,
    pub most: f64,
}

/// Nothing is asked for further away than this (m).
const FAR: f64 = 5e-3;
/// A lamella is looked for this far above and below a point of a picture (m).
const AROUND: f64 = 4e-6;
/// Gaps below this do not end a solid (m).
const CRACK: f64 = 5e-9;
/// Places along the beam at which a thickness is taken.
const PLACES: usize = 9;

impl Matter {
    /// What a ray meets first, of bodies and of the sample where it was changed. Where it was not, the specimen's relief tells.
    pub fn first_hit(&self, ray: &Ray, reach: f64) -> Option<Hit> {
        let mut nearest = rays::strike(&self.0.sheet, ray, reach.min(FAR)).map(|s| Hit {
            distance: s.distance,
            position: ray.at(s.distance),
            normal: s.normal,
            material: s.material,
            body: None,
        });
        for body in &self.0.bodies {
            let local = Ray {
                origin: body.pose.inverse_transform_point(&ray.origin),
                direction: body.pose.inverse_transform_vector(&ray.direction),
            };
            if !crosses(&body.bounds, &local) {
                continue;
            }
            let limit = nearest.map_or(reach.min(FAR), |h| h.distance);
            if let Some(s) = rays::strike(&body.columns, &local, limit) {
                nearest = Some(Hit {
                    distance: s.distance,
                    position: ray.at(s.distance),
                    normal: body.pose * s.normal,
                    material: s.material,
                    body: Some(body.id),
                });
            }
        }
        nearest
    }

    /// Whether the sample was changed at (x, y), so that columns and not the relief say what is there.
    pub fn covers(&self, x: f64, y: f64) -> bool {
        self.0.sheet.tile(key_at(x, y)).is_some()
    }

    /// Boxes (m) outside of which nothing was changed: of each patch of the sample, and of each body. Lowest and highest corner.
    pub fn extents(&self) -> Vec<[Point3<f64>; 2]> {
        let mut boxes = self.0.sheet.extents();
        boxes.extend(self.0.bodies.iter().map(|body| {
            body.corners().iter().fold([body.corners()[0]; 2], |[low, high], c| {
                [low.coords.inf(&c.coords).into(), high.coords.sup(&c.coords).into()]
            })
        }));
        boxes
    }

    /// The runs of the sample at (x, y), lowest first: columns where it was changed, else the relief averaged over `px`.
    pub fn column(&self, x: f64, y: f64, px: f64) -> Vec<super::Run> {
        match self.0.sheet.column(x, y) {
            Some(runs) => runs.to_vec(),
            None => self.0.ground.column(x, y, px),
        }
    }

    /// How high the sample and all bodies stand at (x, y) (m); `None` over nothing.
    pub fn height_at(&self, x: f64, y: f64) -> Option<f64> {
        let sample = self.column(x, y, 25e-9).last().map(|r| f64::from(r.hi));
        let above = Ray {
            origin: Point3::new(x, y, 1e-3),
            direction: -Vector3::z(),
        };
        let body = self
            .first_hit(&above, 2e-3)
            .filter(|h| h.body.is_some())
            .map(|h| h.position.z);
        [sample, body].into_iter().flatten().reduce(f64::max)
    }

    /// What is at a point, and whose it is; `None`: nothing.
    pub fn is_solid(&self, p: &Point3<f64>) -> Option<(Material, Option<BodyId>)> {
        let inside = |runs: &[super::Run], z: f64| {
            let holds = |r: &&super::Run| f64::from(r.lo) <= z && z <= f64::from(r.hi);
            runs.iter().find(holds).map(|r| r.material)
        };
        for body in &self.0.bodies {
            let q = body.pose.inverse_transform_point(p);
            if let Some(material) = body.columns.column(q.x, q.y).and_then(|runs| inside(runs, q.z)) {
                return Some((material, Some(body.id)));
            }
        }
        inside(&self.column(p.x, p.y, 25e-9), p.z).map(|m| (m, None))
    }

    /// How far a ray goes before it meets anything, untouched sample included (m); `None` within `reach`. For single rays.
    pub fn distance_along(&self, ray: &Ray, reach: f64) -> Option<f64> {
        const STEP: f64 = 50e-9;
        let hit = self.first_hit(ray, reach).map(|h| h.distance);
        let limit = hit.unwrap_or(reach).min(FAR);
        let mut free = 0.0;
        while free < limit {
            let next = (free + STEP).min(limit);
            if self.is_solid(&ray.at(next)).is_some() {
                let (mut a, mut b) = (free, next);
                for _ in 0..12 {
                    let middle = f64::midpoint(a, b);
                    if self.is_solid(&ray.at(middle)).is_some() {
                        b = middle
                    } else {
                        a = middle
                    }
                }
                return Some(b);
            }
            free = next;
        }
        hit
    }

    /// How thick what stands at points of a picture is, across the beam and in the picture's up direction, at nine places of its
    /// depth. `None` where nothing stands. Rays through the columns.
    pub fn thickness(&self, beam: &Beamline, points: &[(f64, f64)]) -> Result<Vec<Option<Thickness>>, MatterError> {
        self.across(beam, points, beam.up)
    }

    /// The same to the right: how wide it is.
    pub fn width(&self, beam: &Beamline, points: &[(f64, f64)]) -> Result<Vec<Option<Thickness>>, MatterError> {
        self.across(beam, points, beam.right)
    }

    /// Share of a shape's face through which the beam meets nothing any more, 0..1.
    pub fn milled_through(&self, beam: &Beamline, shape: &Shape) -> Result<f64, MatterError> {
        const N: usize = 48;
        if !beam.is_sound() {
            return Err(MatterError::Beam);
        }
        if !sections::is_sound(shape) {
            return Err(MatterError::Shape(shape.kind()));
        }
        let b = shape.bounds();
        let ready = self.ready(beam, (b.left, b.right), (b.bottom, b.top));
        let (mut all, mut open) = (0.0, 0.0);
        for i in 0..N * N {
            let u = b.left + b.width() * ((i % N) as f64 + 0.5) / N as f64;
            let v = b.bottom + b.height() * ((i / N) as f64 + 0.5) / N as f64;
            let weight = shape.weight(u, v, 50e-9);
            all += weight;
            if weight > 0.0 && ready.first_hit(&from_lens(beam, u, v), FAR).is_none() {
                open += weight;
            }
        }
        Ok(if all > 0.0 { open / all } else { 0.0 })
    }

    fn across(
        &self,
        beam: &Beamline,
        points: &[(f64, f64)],
        direction: Vector3<f64>,
    ) -> Result<Vec<Option<Thickness>>, MatterError> {
        if !beam.is_sound() || points.iter().any(|(u, v)| !u.is_finite() || !v.is_finite()) {
            return Err(MatterError::Beam);
        }
        let sideways = direction.dot(&beam.right).abs() > 0.5;
        let (ru, rv) = if sideways { (60e-6, 0.1e-6) } else { (0.1e-6, AROUND) };
        let measure = |&(u, v): &(f64, f64)| {
            let ready = self.ready(beam, (u - ru, u + ru), (v - rv, v + rv));
            let sheets = ready.sheets();
            let reach = if sideways { ru } else { rv };
            let taken: Vec<f64> = sheets
                .iter()
                .flat_map(|(columns, pose)| {
                    let local = beam.seen_from(pose);
                    let across = pose.inverse_transform_vector(&direction);
                    depths(&rays::spans(columns, &from_lens(&local, u, v), FAR))
                        .into_iter()
                        .map(move |d| solid(columns, &from_lens(&local, u, v).at(d), &across, reach))
                })
                .collect();
            let least = taken.iter().copied().reduce(f64::min)?;
            Some(Thickness {
                mean: taken.iter().sum::<f64>() / taken.len() as f64,
                least,
                most: taken.iter().copied().fold(least, f64::max),
            })
        };
        Ok(points.iter().map(measure).collect())
    }

    /// The same matter with columns wherever rays of a part of a picture may meet any.
    fn ready(&self, beam: &Beamline, u: (f64, f64), v: (f64, f64)) -> Matter {
        let mut ready = self.clone();
        let inner = Arc::make_mut(&mut ready.0);
        let window = |sweep: &Sweep| {
            let corners = [(u.0, v.0), (u.0, v.1), (u.1, v.0), (u.1, v.1)].map(|(u, v)| beam.point(u, v, 0.0));
            Window::around(&corners, sweep)
        };
        let reach = Reach {
            deep: 60e-6,
            above: 0.0,
        };
        let keys: BTreeSet<_> = inner
            .reached(beam, reach, window)
            .into_iter()
            .filter(|k| inner.sheet.tile(*k).is_none())
            .collect();
        plan::make(&inner.ground, &mut inner.sheet, &keys, USUAL);
        ready
    }

    fn sheets(&self) -> Vec<(&Columns, nalgebra::Isometry3<f64>)> {
        let bodies = self.0.bodies.iter().map(|b| (&b.columns, b.pose));
        std::iter::once((&self.0.sheet, super::unmoved()))
            .chain(bodies)
            .collect()
    }
}

/// The beam's ray at a point of its picture, from far on the lens's side.
fn from_lens(beam: &Beamline, u: f64, v: f64) -> Ray {
    Ray {
        origin: beam.point(u, v, -FAR / 2.0),
        direction: beam.along,
    }
}

/// Distances at which to measure: evenly over the solid without its ends, where a lamella runs out into the faces of the sample.
fn depths(spans: &[Span]) -> Vec<f64> {
    let total: f64 = spans.iter().map(|s| s.to - s.from).sum();
    if total < 2.0 * CRACK {
        return Vec::new();
    }
    (0..PLACES)
        .filter_map(|n| {
            let mut left = total * (0.2 + 0.6 * n as f64 / (PLACES - 1) as f64);
            spans.iter().find_map(|s| {
                let length = s.to - s.from;
                let at = (left <= length).then_some(s.from + left);
                left -= length;
                at
            })
        })
        .collect()
}

/// Length of the solid through a point, both ways along a line.
fn solid(columns: &Columns, at: &Point3<f64>, across: &Vector3<f64>, reach: f64) -> f64 {
    [1.0, -1.0]
        .into_iter()
        .map(|sign| {
            let ray = Ray {
                origin: *at,
                direction: across * sign,
            };
            let mut end = 0.0;
            for span in rays::spans(columns, &ray, reach) {
                if span.from - end > CRACK {
                    break;
                }
                end = span.to;
            }
            end
        })
        .sum()
}

/// Whether a ray passes through a box.
fn crosses([low, high]: &[Point3<f64>; 2], ray: &Ray) -> bool {
    let (mut from, mut to) = (0.0f64, f64::INFINITY);
    for a in 0..3 {
        let (o, d) = (ray.origin[a], ray.direction[a]);
        if d.abs() < 1e-12 {
            if o < low[a] || o > high[a] {
                return false;
            }
            continue;
        }
        let (p, q) = ((low[a] - o) / d, (high[a] - o) / d);
        (from, to) = (from.max(p.min(q)), to.min(p.max(q)));
    }
    from <= to && low[0] <= high[0]
}
