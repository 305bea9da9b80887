//! The picture of the chamber camera: pole pieces, detector and stage as they stand, in infrared.
//!
//! A small scene of solids as signed distances, in millimetres of the chamber frame, marched from a camera at the door. It is
//! drawn at half size, as soft as such cameras are, and grained at full size. To add a part: one row of [`Scene::parts`].

use super::geometry::TwinGeometry;
use super::optics::DETECTOR_SEAT;
use super::specimen::hash;
use model::{Beam, Pose};
use nalgebra::{Isometry3, Point3, Vector3};
use ndarray::Array2;
use rayon::prelude::*;

/// Size of the picture, pixels.
pub const SIZE: (usize, usize) = (768, 512);

/// From a part's sphere at which its own distance is worked out (mm).
const FAR: f32 = 4.0;

type V = Vector3<f32>;
type Placed = Isometry3<f32>;

/// Solids about their own origin, mm.
#[derive(Clone, Copy, Debug)]
enum Solid {
    /// Half sizes, and the radius of its edges.
    Block([f32; 3], f32),
    /// Along z from 0 to the height, with a radius at either end.
    Cone { height: f32, bottom: f32, top: f32 },
    /// A hole of the given radius through a plate: half thickness, outer radius.
    Ring { half: f32, inner: f32, outer: f32 },
}

impl Solid {
    fn distance(&self, p: &V) -> f32 {
        match *self {
            Solid::Block(half, edge) => {
                let q = V::new(
                    p.x.abs() - half[0] + edge,
                    p.y.abs() - half[1] + edge,
                    p.z.abs() - half[2] + edge,
                );
                let outside = V::new(q.x.max(0.0), q.y.max(0.0), q.z.max(0.0)).norm();
                outside + q.x.max(q.y).max(q.z).min(0.0) - edge
            }
            Solid::Cone { height, bottom, top } => {
                let r = p.x.hypot(p.y);
                let lean = (top - bottom) / height;
                let side = (r - bottom - lean * p.z) / (1.0 + lean * lean).sqrt();
                side.max(-p.z).max(p.z - height) - 0.05
            }
            Solid::Ring { half, inner, outer } => {
                let r = p.x.hypot(p.y);
                (p.z.abs() - half).max(r - outer).max(inner - r)
            }
        }
    }
}

/// A solid in the chamber with its finish.
#[derive(Clone, Copy, Debug)]
struct Part {
    solid: Solid,
    /// From the chamber to the solid's own frame.
    inward: Placed,
    /// Middle and radius of a sphere round it (mm).
    bound: (V, f32),
    /// How bright it is, and how much it shines.
    tone: f32,
    shine: f32,
}

struct Scene {
    parts: Vec<Part>,
}

impl Scene {
    fn new(geometry: &TwinGeometry, pose: &Pose) -> Self {
        let mut scene = Scene { parts: Vec::new() };
        let mm = |iso: Isometry3<f64>| -> Placed {
            let mut iso = iso;
            iso.translation.vector *= 1e3;
            nalgebra::convert(iso)
        };
        // Columns: a polished nose, and the thicker lens behind it.
        for (beam, nose, lens) in [
            (Beam::Electron, (2.2, 9.5), (16.0, 30.0)),
            (Beam::Ion, (1.6, 6.0), (9.5, 17.0)),
        ] {
            let tilt = geometry.nominal.column_tilt(beam) as f32;
            let reach = (geometry.eucentric(beam) * 1e3) as f32;
            let axis = Placed::rotation(V::x() * -tilt);
            let at = |z: f32| axis * Placed::translation(0.0, 0.0, reach + z);
            scene.add(
                at(0.0),
                Solid::Cone {
                    height: 9.0,
                    bottom: nose.0,
                    top: nose.1,
                },
                0.80,
                0.9,
            );
            scene.add(
                at(9.0),
                Solid::Cone {
                    height: 3.0,
                    bottom: nose.1 + 1.2,
                    top: nose.1 + 1.2,
                },
                0.50,
                0.5,
            );
            scene.add(
                at(12.0),
                Solid::Cone {
                    height: 30.0,
                    bottom: lens.0,
                    top: lens.1,
                },
                0.62,
                0.6,
            );
        }
        // The detector: a tube that looks at the sample, with its grid in front.
        let toward = V::from(DETECTOR_SEAT.map(|v| 28.0 * v as f32));
        let aim = nalgebra::UnitQuaternion::rotation_between(&V::z(), &toward).unwrap_or_default();
        let detector = Placed::from_parts(toward.into(), aim);
        scene.add(
            detector,
            Solid::Cone {
                height: 26.0,
                bottom: 5.0,
                top: 5.0,
            },
            0.42,
            0.4,
        );
        scene.add(
            detector,
            Solid::Ring {
                half: 1.0,
                inner: 4.4,
                outer: 5.8,
            },
            0.85,
            0.8,
        );

        // The stage: what tilts, what turns on it, the pre-tilted shuttle and its grids.
        let still = Pose {
            r: geometry.home().r,
            ..*pose
        };
        let cradle = mm(geometry.platform_to_chamber(&still));
        let table = mm(geometry.platform_to_chamber(pose));
        let sample = mm(geometry.sample_to_chamber(pose));
        scene.add(
            cradle * Placed::translation(0.0, 0.0, -21.0),
            Solid::Block([46.0, 24.0, 4.0], 1.5),
            0.34,
            0.3,
        );
        scene.add(
            cradle * Placed::translation(0.0, 0.0, -15.5),
            Solid::Block([24.0, 19.0, 2.0], 0.8),
            0.46,
            0.4,
        );
        scene.add(
            table * Placed::translation(0.0, 0.0, -13.5),
            Solid::Cone {
                height: 3.0,
                bottom: 15.0,
                top: 14.5,
            },
            0.56,
            0.5,
        );
        scene.add(
            table * Placed::translation(0.0, 1.5, -7.5),
            Solid::Block([9.5, 5.5, 3.2], 0.5),
            0.52,
            0.4,
        );
        scene.add(
            table * Placed::translation(-8.5, 1.5, -9.0),
            Solid::Block([2.0, 7.0, 1.6], 0.3),
            0.66,
            0.6,
        );
        scene.add(
            sample * Placed::translation(0.0, -0.4, -1.55),
            Solid::Block([8.5, 3.6, 1.4], 0.3),
            0.72,
            0.6,
        );
        for x in [0.0, 5.0, -5.0] {
            let slot = sample * Placed::translation(x, 0.0, -0.12);
            scene.add(
                slot,
                Solid::Ring {
                    half: 0.16,
                    inner: 1.50,
                    outer: 1.95,
                },
                0.95,
                0.9,
            );
            scene.add(
                slot,
                Solid::Cone {
                    height: 0.06,
                    bottom: 1.52,
                    top: 1.52,
                },
                0.22,
                0.1,
            );
        }
        scene
    }

    fn add(&mut self, place: Placed, solid: Solid, tone: f32, shine: f32) {
        let (middle, radius) = match solid {
            Solid::Block(h, _) => (V::zeros(), V::from(h).norm()),
            Solid::Cone { height, bottom, top } => (V::z() * (height / 2.0), (height / 2.0).hypot(bottom.max(top))),
            Solid::Ring { half, outer, .. } => (V::zeros(), half.hypot(outer)),
        };
        let bound = ((place * Point3::from(middle)).coords, radius + 0.1);
        self.parts.push(Part {
            solid,
            inward: place.inverse(),
            bound,
            tone,
            shine,
        });
    }

    /// Distance to the nearest surface, and which part it is.
    fn nearest(&self, p: &V) -> (f32, usize) {
        self.nearest_of(u64::MAX, p)
    }

    /// The same among the parts whose bit is set in `some`.
    fn nearest_of(&self, some: u64, p: &V) -> (f32, usize) {
        let mut best = (f32::MAX, 0);
        for (i, part) in self.parts.iter().enumerate().filter(|(i, _)| some >> i & 1 == 1) {
            let near = (p - part.bound.0).norm() - part.bound.1;
            if near < best.0 {
                // Far outside its sphere the sphere will do.
                let d = if near > FAR {
                    near
                } else {
                    part.solid.distance(&(part.inward * Point3::from(*p)).coords)
                };
                if d < best.0 {
                    best = (d, i);
                }
            }
        }
        best
    }

    fn normal(&self, p: &V, part: usize) -> V {
        let part = &self.parts[part];
        let at = |d: V| part.solid.distance(&(part.inward * Point3::from(p + d)).coords);
        let e = 0.05;
        let here = at(V::zeros());
        V::new(at(V::x() * e) - here, at(V::y() * e) - here, at(V::z() * e) - here).normalize()
    }

    /// The parts that a ray comes within `margin` of the sphere of.
    fn along(&self, from: &V, along: &V, margin: f32) -> u64 {
        let mut some = 0;
        for (i, part) in self.parts.iter().enumerate() {
            let to = part.bound.0 - from;
            let ahead = to.dot(along).max(0.0);
            let reach = part.bound.1 + margin;
            if (to - along * ahead).norm_squared() < reach * reach {
                some |= 1 << i;
            }
        }
        some
    }

    /// The first surface along a ray: its distance and part.
    fn hit(&self, from: &V, along: &V, far: f32) -> Option<(f32, usize)> {
        let some = self.along(from, along, 0.0);
        if some == 0 {
            return None;
        }
        let mut t = 0.0;
        for _ in 0..160 {
            let (d, part) = self.nearest_of(some, &(from + along * t));
            if d < 0.002 + 1e-5 * t {
                return Some((t, part));
            }
            t += d;
            if t > far {
                break;
            }
        }
        None
    }

    /// Light from `p` to a lamp: 0 hidden, 1 free, soft between.
    fn lit(&self, p: &V, lamp: &V) -> f32 {
        let way = lamp - p;
        let (far, along) = (way.norm(), way.normalize());
        let (mut t, mut free) = (0.6, 1.0f32);
        // What stands further off than this does not soften the shadow.
        let some = self.along(p, &along, 6.0);
        if some == 0 {
            return 1.0;
        }
        for _ in 0..28 {
            let (d, _) = self.nearest_of(some, &(p + along * t));
            // Further off than this only a bound of the distance is known.
            if d < FAR {
                free = free.min(7.0 * d / t);
            }
            if free < 0.02 {
                return 0.0;
            }
            t += d.max(0.15);
            if t > far {
                break;
            }
        }
        free.clamp(0.0, 1.0)
    }

    fn light(&self, from: &V, along: &V) -> f32 {
        let Some((t, part)) = self.hit(from, along, 190.0) else {
            // The far wall, lit a little from below the columns.
            return 0.10 + 0.05 * along.z + 0.03 * (along.y * 9.0).sin();
        };
        let p = from + along * t;
        let n = self.normal(&p, part);
        let p = p + n * 0.12;
        // Crevices are dark.
        let open: f32 = (1..=3)
            .map(|k| self.nearest(&(p + n * (0.9 * k as f32))).0 / (0.9 * k as f32))
            .sum::<f32>()
            / 3.0;
        let open = 0.25 + 0.75 * open.clamp(0.0, 1.0);
        let finish = &self.parts[part];
        let mut value = 0.16 * finish.tone * open;
        for (lamp, power) in [(V::new(-70.0, -45.0, 42.0), 0.85), (V::new(-30.0, 60.0, 20.0), 0.40)] {
            let to = (lamp - p).normalize();
            let facing = n.dot(&to);
            if facing <= 0.0 {
                continue;
            }
            let shadow = self.lit(&p, &lamp);
            let gleam = (to - along).normalize().dot(&n).max(0.0).powi(36) * finish.shine;
            value += power * shadow * (finish.tone * facing * open + 0.6 * gleam);
        }
        value / (1.0 + (t / 150.0).powi(2))
    }
}

/// The chamber camera's picture with the stage at `pose`. Grain repeats for the same seed.
pub fn render(geometry: &TwinGeometry, pose: &Pose, seed: u64) -> Array2<u8> {
    let scene = Scene::new(geometry, pose);
    let eye = V::new(-84.0, -30.0, 20.0);
    let forward = (V::new(0.0, 1.0, 1.5) - eye).normalize();
    let right = forward.cross(&V::z()).normalize();
    let up = right.cross(&forward);
    let (w, h) = (SIZE.0 / 2, SIZE.1 / 2);
    let mut small = vec![0.0f32; w * h];
    small.par_chunks_mut(w).enumerate().for_each(|(row, line)| {
        for (col, slot) in line.iter_mut().enumerate() {
            let (x, y) = ((col as f32 + 0.5) / w as f32 - 0.5, 0.5 - (row as f32 + 0.5) / h as f32);
            let along = (forward + right * (0.80 * x) + up * (0.80 * y * h as f32 / w as f32)).normalize();
            let vignette = 1.0 - 0.9 * (x * x + y * y);
            *slot = scene.light(&eye, &along) * vignette;
        }
    });
    let at = |i: usize, j: usize| small[j.min(h - 1) * w + i.min(w - 1)];
    Array2::from_shape_fn((SIZE.1, SIZE.0), |(row, col)| {
        let (y, x) = (row as f32 / 2.0, col as f32 / 2.0);
        let (j, i, ty, tx) = (y as usize, x as usize, y.fract(), x.fract());
        let value = (at(i, j) * (1.0 - tx) + at(i + 1, j) * tx) * (1.0 - ty)
            + (at(i, j + 1) * (1.0 - tx) + at(i + 1, j + 1) * tx) * ty;
        let grain = (hash(seed, row as i64, col as i64) >> 48) as f32 / 65536.0 - 0.5;
        // A camera's gamma, some grain, and every other line a little darker: the video of such scopes is interlaced.
        let grey = (1.55 * value.max(0.0)).powf(0.62) * (1.0 - 0.02 * (row % 2) as f32) + 0.075 * grain;
        (grey.clamp(0.0, 1.0) * 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Geometry;

    fn twin() -> TwinGeometry {
        TwinGeometry::new(Geometry::default(), [7e-3, 16.5e-3])
    }

    fn difference(a: &Array2<u8>, b: &Array2<u8>) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(a.abs_diff(*b))).sum::<f64>() / a.len() as f64
    }

    #[test]
    fn tilt_height_and_turn_are_seen_and_grain_repeats() {
        let g = twin();
        let home = g.home();
        let first = render(&g, &home, 1);
        assert_eq!(first, render(&g, &home, 1));
        let grain = difference(&first, &render(&g, &home, 2));
        for (what, pose) in [
            ("tilt", Pose { t: 0.0, ..home }),
            (
                "height",
                Pose {
                    z: home.z - 2e-3,
                    ..home
                },
            ),
            ("turn", Pose { r: 1.0, ..home }),
        ] {
            let moved = difference(&first, &render(&g, &pose, 2));
            assert!(moved > grain + 1.0, "{what}: {moved} against {grain}");
        }
    }

    #[test]
    fn solids_are_where_they_should_be() {
        let g = twin();
        let scene = Scene::new(&g, &g.home());
        // The electron nose ends at the eucentric working distance, the ion nose at its own along its axis.
        assert!(scene.nearest(&V::new(0.0, 0.0, 7.5)).0 <= 0.0);
        assert!(scene.nearest(&V::new(0.0, 0.0, 6.0)).0 > 0.5);
        let (s, c) = 52f32.to_radians().sin_cos();
        assert!(scene.nearest(&(V::new(0.0, s, c) * 17.0)).0 <= 0.0);
        assert!(scene.nearest(&(V::new(0.0, s, c) * 15.0)).0 > 0.5);
        // The sample lies at the coincidence point.
        assert!(scene.nearest(&V::zeros()).0.abs() < 0.1);
    }
}
