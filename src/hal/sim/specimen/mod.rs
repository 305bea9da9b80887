//! What lies under the beams: the relief of the sample and its holder, as a function of place, pixel size and face.
//!
//! A scene is a [`Relief`]: pure, seeded, evaluated wherever a picture looks, so 3 mm of grid cost no memory and every zoom has its
//! detail. [`Specimen`] adds the fiducials and the revision that tells cached pictures apart. Nothing here knows a beam, a pose or
//! a pixel raster. To add a scene: one file with its `Relief`, one row of [`SCENES`]. Matter that changes (cuts, deposits) is
//! another `Relief` that answers in its patch and asks the one below it elsewhere.

mod bins;
mod bulk;
mod fiducials;
mod film;
mod grid;
mod liftout;
pub mod material;
mod mesh;
mod noise;
mod run;
mod scatter;
mod waffle;

pub use fiducials::Landmark;
pub use material::{Channel, Material};
pub use noise::hash;
pub(super) use noise::{Noise, Texture};

use fiducials::Fiducials;
use std::fmt;
use std::sync::Arc;

/// Which side of the sample plane is looked at. A compustage shows both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Face {
    #[default]
    Top,
    Under,
}

/// Where a relief is looked at, and how.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// On the sample plane (m).
    pub x: f32,
    pub y: f32,
    /// Size of a pixel (m): nothing finer is answered.
    pub px: f32,
    pub face: Face,
    pub channel: Channel,
}

/// The surface at one place, averaged over a pixel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Surface {
    /// Out of the sample plane, towards the side that is looked at (m).
    pub height: f32,
    /// Solid below the surface, along the normal (m): a film hides less behind its edge than a bar.
    pub thickness: f32,
    /// What most of the pixel is made of.
    pub material: Material,
    /// How bright it is, flat to the beam, in the channel that was asked for (gold under electrons = 1).
    pub response: f32,
}

/// A row of places to look at: (x0, y0) + i (dx, dy), metres on the sample plane.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub x0: f64,
    pub y0: f64,
    pub dx: f64,
    pub dy: f64,
    /// Size of a pixel on the sample plane (m): nothing finer is answered.
    pub px: f32,
    pub face: Face,
    pub channel: Channel,
}

impl Line {
    /// A row that stands still.
    pub fn of(
        &Place {
            x,
            y,
            px,
            face,
            channel,
        }: &Place,
    ) -> Self {
        Line {
            x0: f64::from(x),
            y0: f64::from(y),
            dx: 0.0,
            dy: 0.0,
            px,
            face,
            channel,
        }
    }

    /// The `i`-th place of the row.
    #[inline]
    pub fn place(&self, i: usize) -> Place {
        let i = i as f64;
        Place {
            x: (self.x0 + i * self.dx) as f32,
            y: (self.y0 + i * self.dy) as f32,
            px: self.px,
            face: self.face,
            channel: self.channel,
        }
    }
}

/// What a place of a scene is a part of, for those who name what is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// What has no name of its own: film, ice, cells, holder.
    #[default]
    Ground,
    /// A bar of a grid, where nothing lies on it.
    Bar,
    /// A landing post.
    Post,
    /// A block of tissue.
    Block,
}

/// A height field with stuff on it.
pub trait Relief: Send + Sync + fmt::Debug {
    /// The surface at one place, averaged over a pixel.
    fn at(&self, place: &Place) -> Surface;

    /// A whole row; the default asks [`Relief::at`] for each place, without a virtual call per pixel.
    fn fill(&self, line: &Line, out: &mut [Surface]) {
        for (i, slot) in out.iter_mut().enumerate() {
            *slot = self.at(&line.place(i));
        }
    }

    /// Lowest and highest outward height that matters to a view (m).
    fn bounds(&self) -> (f32, f32);

    /// What the place (m) is a part of whose surface is of that material.
    fn part(&self, _x: f32, _y: f32, material: Material) -> Part {
        match material {
            Material::Gold => Part::Bar,
            Material::Tissue => Part::Block,
            _ => Part::Ground,
        }
    }
}

/// One scene of the twin.
pub struct SceneRow {
    pub name: &'static str,
    pub doc: &'static str,
    pub build: fn(u64) -> Box<dyn Relief>,
}

/// The scenes, by name.
pub const SCENES: &[SceneRow] = &[
    SceneRow {
        name: "grid",
        doc: "plunge-frozen cells on a 3 mm grid with holey film",
        build: |s| Box::new(grid::Grid::new(s)),
    },
    SceneRow {
        name: "waffle",
        doc: "a grid whose squares are filled flat with ice",
        build: |s| Box::new(waffle::Waffle::new(s)),
    },
    SceneRow {
        name: "bulk",
        doc: "a block of frozen tissue with a milled trench",
        build: |s| Box::new(bulk::Bulk::new(s)),
    },
    SceneRow {
        name: "liftout",
        doc: "a half-moon grid with landing posts, and a block",
        build: |s| Box::new(liftout::Liftout::new(s)),
    },
];

/// A scene that is not in [`SCENES`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no scene is called `{name}`: nothing was built; the scenes are {known}")]
pub struct UnknownScene {
    pub name: String,
    pub known: String,
}

/// The sample as it is at one moment. Cheap to clone; a picture keeps the one it was taken of.
#[derive(Clone, Debug)]
pub struct Specimen {
    scene: &'static str,
    relief: Arc<dyn Relief>,
    fiducials: Arc<Fiducials>,
    revision: u64,
}

impl fmt::Debug for SceneRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl Specimen {
    /// The scene of that name, grown from a seed.
    pub fn new(scene: &str, seed: u64) -> Result<Self, UnknownScene> {
        let row = SCENES
            .iter()
            .find(|row| row.name == scene)
            .ok_or_else(|| UnknownScene {
                name: scene.to_owned(),
                known: SCENES.iter().map(|row| row.name).collect::<Vec<_>>().join(", "),
            })?;
        let relief: Arc<dyn Relief> = (row.build)(seed).into();
        let fiducials = Arc::new(Fiducials::scatter(relief.as_ref(), seed));
        // Two specimens of one process never share a revision unless they are the same sample.
        let revision = hash(seed, row.name.len() as i64, i64::from(row.name.as_bytes()[0]));
        Ok(Specimen {
            scene: row.name,
            relief,
            fiducials,
            revision,
        })
    }

    /// A sample of one relief, without fiducials: for tests of what is done to it.
    #[cfg(test)]
    pub(crate) fn of(relief: impl Relief + 'static) -> Self {
        let relief: Arc<dyn Relief> = Arc::new(relief);
        Specimen {
            scene: "test",
            fiducials: Arc::new(Fiducials::none()),
            relief,
            revision: 0,
        }
    }

    pub fn scene(&self) -> &'static str {
        self.scene
    }

    /// Changes whenever the sample does: the key of cached views.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The surface at (x, y) metres on the sample plane, averaged over `px` metres; its response is that under electrons.
    pub fn sample(&self, x: f64, y: f64, px: f64, face: Face) -> Surface {
        let mut out = [Surface::default()];
        let channel = Channel::default();
        self.fill(
            &Line {
                x0: x,
                y0: y,
                dx: 0.0,
                dy: 0.0,
                px: px as f32,
                face,
                channel,
            },
            &mut out,
        );
        out[0]
    }

    /// A row of surfaces.
    pub fn fill(&self, line: &Line, out: &mut [Surface]) {
        self.relief.fill(line, out);
        self.fiducials.lay_over(line, out);
    }

    /// Lowest and highest outward height that matters to a view (m).
    pub fn bounds(&self) -> (f32, f32) {
        self.relief.bounds()
    }

    /// What (x, y) (m) is a part of where its surface is of that material.
    pub fn part(&self, x: f64, y: f64, material: Material) -> Part {
        self.relief.part(x as f32, y as f32, material)
    }

    /// Points that can be told apart in a picture and whose place is known: for tests and scoring only.
    pub fn landmarks(&self) -> &[Landmark] {
        self.fiducials.landmarks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scene_grows_and_stays_in_its_bounds() {
        for row in SCENES {
            let s = Specimen::new(row.name, 7).unwrap();
            let (lo, hi) = s.bounds();
            for face in [Face::Top, Face::Under] {
                for i in 0..4000 {
                    let h = hash(11, i, 3);
                    let at = |n| f64::from(noise::unit(h, n) - 0.5) * 3.2e-3;
                    for px in [3e-9, 1e-7, 2e-6] {
                        let v = s.sample(at(0), at(1), px, face);
                        assert!(
                            v.height >= lo - 1e-9 && v.height <= hi + 1e-9,
                            "{} {} {}",
                            row.name,
                            v.height,
                            v.thickness
                        );
                        assert!(v.response > 0.0 && v.response.is_finite());
                        assert!(v.thickness >= 0.0);
                    }
                }
            }
            assert!(
                s.landmarks().len() >= 60,
                "{} has {} landmarks",
                row.name,
                s.landmarks().len()
            );
        }
    }

    #[test]
    fn the_seed_decides_and_repeats() {
        let (a, b, c) = (
            Specimen::new("grid", 1).unwrap(),
            Specimen::new("grid", 1).unwrap(),
            Specimen::new("grid", 2).unwrap(),
        );
        let mut differ = 0;
        for i in 0..200 {
            let (x, y) = (f64::from(i) * 1e-6 - 1e-4, f64::from(i % 17) * 3e-6);
            let h = |s: &Specimen| s.sample(x, y, 1e-8, Face::Top).height;
            assert_eq!(h(&a), h(&b));
            differ += usize::from(h(&a) != h(&c));
        }
        assert!(differ > 150);
        assert_ne!(a.revision(), c.revision());
        assert_ne!(a.revision(), Specimen::new("waffle", 1).unwrap().revision());
    }

    #[test]
    fn a_wrong_scene_names_the_right_ones() {
        let e = Specimen::new("grd", 1).unwrap_err().to_string();
        assert!(e.contains("grd") && e.contains("grid, waffle, bulk, liftout"), "{e}");
    }
}
