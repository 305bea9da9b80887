//! A set: a place of a sample, what a beam milled there, and a needle before it.

use super::{HERE, Order, between};
use crate::HalError;
use crate::sim::collision::Probe;
use crate::sim::geometry::TwinGeometry;
use crate::sim::matter::{Beamline, Drawing, Ions, Materials, Matter, MatterError};
use crate::sim::needle::body;
use crate::sim::optics::Spot;
use crate::sim::specimen::{Face, Material, Part, Specimen, Surface, hash};
use model::shape::{Rectangle, ScanDirection};
use model::{Beam, ErrorKind, Point, Pose, Shape};
use nalgebra::{Matrix3, Point3, Vector3};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::sync::Arc;

/// Places that are tried before a set is content with what it finds.
const TRIES: u32 = 4000;
/// Half the room in which places are looked for (m).
const ROOM: (f64, f64) = (0.8e-3, 0.8e-3);
/// Surfaces are looked at with pixels of this size (m).
const LOOK: f64 = 0.2e-6;
/// A place is flat where its surroundings rise and fall by less (m).
const FLAT: f32 = 2e-6;
/// Spread of the milling beam (m).
const SPREAD: f64 = 12e-9;
/// How far a trench reaches down along the beam where the sample is thicker (m).
const DEEPEST: f64 = 14e-6;

/// A sheet left between two trenches: its middle is that of `line`'s picture.
#[derive(Clone, Debug)]
pub struct Slab {
    /// The beam that milled, in the sample's frame.
    pub line: Beamline,
    /// m.
    pub width: f64,
    /// Distance of the trenches (m).
    pub spacing: f64,
}

/// A milled cross: its arms in `line`'s picture.
#[derive(Clone, Debug)]
pub struct Cross {
    pub line: Beamline,
    pub arms: [Shape; 2],
}

pub struct Set {
    pub matter: Matter,
    pub slab: Option<Slab>,
    pub cross: Option<Cross>,
    /// Field width that shows it (m).
    pub field: f64,
    pub told: Value,
    /// The point of the sample that is looked at (m), and under which tilt of the stage (rad).
    pub(super) at: Point3<f64>,
    pub(super) tilt: f64,
    /// The needle's tip in the sample's frame (m).
    pub(super) tip: Option<Point3<f64>>,
}

/// What a set is about.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Subject {
    Lamella,
    Part(Part),
}

impl Subject {
    fn draw(scene: &str, rng: &mut ChaCha8Rng) -> Subject {
        let drawn = rng.random_range(0..10);
        match (scene, drawn) {
            ("liftout", 0..4) => Subject::Part(Part::Post),
            ("liftout" | "bulk", 4..7) => Subject::Part(Part::Block),
            ("grid" | "waffle", 0..2) => Subject::Part(Part::Bar),
            ("grid" | "waffle", 2) => Subject::Part(Part::Ground),
            _ => Subject::Lamella,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Subject::Lamella => "lamella",
            Subject::Part(Part::Post) => "landing post",
            Subject::Part(Part::Block) => "block",
            Subject::Part(Part::Bar) => "grid bar",
            Subject::Part(Part::Ground) => "ground",
        }
    }
}

impl Set {
    pub fn new(geometry: &TwinGeometry, materials: Arc<Materials>, order: &Order) -> Result<Set, HalError> {
        let usage = |text: String| HalError::new(ErrorKind::Usage, text, "choose one of them");
        let specimen = Specimen::new(&order.scene, order.seed).map_err(|e| usage(e.to_string()))?;
        let mut rng = ChaCha8Rng::seed_from_u64(hash(order.seed, 5, 0));
        let subject = Subject::draw(&order.scene, &mut rng);
        let (at, surface) = place(&specimen, subject, &mut rng);
        let glancing = if subject == Subject::Lamella {
            10.0..24.0
        } else {
            12.0..38.0
        };
        let angle: f64 = rng.random_range::<f64, _>(glancing).to_radians();
        let mut set = Set {
            matter: Matter::new(specimen, materials),
            slab: None,
            cross: None,
            field: match subject {
                Subject::Lamella => between(&mut rng, 22e-6, 80e-6),
                Subject::Part(Part::Ground) => between(&mut rng, 60e-6, 500e-6),
                Subject::Part(_) => between(&mut rng, 150e-6, 700e-6),
            },
            told: json!({ "scene": order.scene, "seed": order.seed, "subject": subject.word(), "angle_rad": angle }),
            at,
            tilt: tilt(geometry, angle),
            tip: None,
        };
        if subject == Subject::Lamella {
            set.cut(geometry, &surface, angle, &mut rng).map_err(|e| {
                HalError::new(
                    ErrorKind::Other,
                    e.to_string(),
                    "this is a fault of the twin; take another seed",
                )
            })?;
        }
        if rng.random_bool(if order.scene == "liftout" { 0.6 } else { 0.3 }) {
            set.insert(&mut rng);
        }
        Ok(set)
    }

    /// Mills a lamella, and a cross beside some.
    fn cut(
        &mut self,
        geometry: &TwinGeometry,
        on: &Surface,
        angle: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<(), MatterError> {
        let line = geometry.beamline(Beam::Ion, &self.pose(geometry, HERE), 0.0, Point::default(), HERE);
        let (width, height) = (rng.random_range(7e-6..14e-6), rng.random_range(1.5e-6..3.5e-6));
        // roughed out, thinned, polished
        let spacing = match rng.random_range(0..3) {
            0 => rng.random_range(1.4e-6..2.4e-6),
            1 => rng.random_range(0.6e-6..1.2e-6),
            _ => rng.random_range(0.2e-6..0.45e-6),
        };
        let through = 1.4 * f64::from(on.thickness) / angle.sin() + 3e-6;
        let off = (spacing + height) / 2.0;
        for (middle, scan_direction) in [(off, ScanDirection::TopToBottom), (-off, ScanDirection::BottomToTop)] {
            let trench = Shape::Rectangle(Rectangle {
                scan_direction,
                ..Rectangle::new(0.0, middle, width, height, 1e-6)
            });
            self.mill(&line, &trench, on.material, through.min(DEEPEST))?;
        }
        self.told["lamella"] = json!({ "spacing_m": spacing, "width_m": width, "trench_m": height });
        self.slab = Some(Slab { line, width, spacing });
        if rng.random_bool(0.5) {
            let (long, broad) = (rng.random_range(3e-6..6e-6), rng.random_range(0.5e-6..0.9e-6));
            let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
            let u = side * (width / 2.0 + 2e-6 + long / 2.0);
            let arms = [1.0, -1.0].map(|sign: f64| {
                Shape::Rectangle(Rectangle {
                    rotation: sign * std::f64::consts::FRAC_PI_4,
                    ..Rectangle::new(u, 0.0, long, broad, 1e-6)
                })
            });
            for arm in &arms {
                self.mill(&line, arm, on.material, 3e-6)?;
            }
            self.told["fiducial"] = json!({ "arm_m": long, "at_m": u });
            self.cross = Some(Cross { line, arms });
        }
        Ok(())
    }

    /// Sends a shape's dose down the beam: as much as takes `deep` metres of the material along it.
    fn mill(&mut self, line: &Beamline, shape: &Shape, material: Material, deep: f64) -> Result<(), MatterError> {
        let ions = Ions::default();
        let spread = SPREAD * SPREAD;
        let drawing = Drawing {
            shape,
            charge: shape.area() * deep / self.matter.materials().rate(material, &ions),
            part: (0.0, 1.0),
            spot: Spot {
                xx: spread,
                xy: 0.0,
                yy: spread,
            },
            exclusions: &[],
        };
        self.matter.mill(line, &drawing, &ions).map(drop)
    }

    /// Brings a needle above what is looked at.
    fn insert(&mut self, rng: &mut ChaCha8Rng) {
        self.field = self.field.max(between(rng, 50e-6, 300e-6));
        let aside = [0.0; 2].map(|_: f64| rng.random_range(-0.22..0.22) * self.field);
        let (x, y) = (self.at.x + aside[0], self.at.y + aside[1]);
        let ground = self.matter.height_at(x, y).unwrap_or(self.at.z).max(self.at.z);
        let gap = self.field * rng.random_range(0.01..0.15);
        self.tip = Some(Point3::new(x, y, ground + gap));
        self.told["needle"] = json!({ "gap_m": gap });
    }

    /// The stage's pose that puts what is looked at `aside` of the coincidence point (m, chamber).
    pub fn pose(&self, geometry: &TwinGeometry, aside: Vector3<f64>) -> Pose {
        let home = Pose {
            t: self.tilt,
            ..geometry.home()
        };
        let at = |pose: &Pose| (geometry.sample_to_chamber(pose) * self.at).coords;
        let first = at(&home);
        // travel is a straight line along each axis
        let steps = [
            Pose {
                x: home.x + 1.0,
                ..home
            },
            Pose {
                y: home.y + 1.0,
                ..home
            },
            Pose {
                z: home.z + 1.0,
                ..home
            },
        ];
        let axes = Matrix3::from_columns(&steps.map(|pose| at(&pose) - first));
        let way = axes.try_inverse().unwrap_or_else(Matrix3::zeros) * (aside - first);
        Pose {
            x: home.x + way.x,
            y: home.y + way.y,
            z: home.z + way.z,
            ..home
        }
    }

    /// The needle in the chamber while the stage is there.
    pub fn needle(&self, geometry: &TwinGeometry, pose: &Pose) -> Option<Probe> {
        self.tip
            .map(|tip| body::probe((geometry.sample_to_chamber(pose) * tip).coords))
    }
}

/// Tilt of the stage (rad) at which the ion beam meets the sample plane under `angle`.
fn tilt(geometry: &TwinGeometry, angle: f64) -> f64 {
    let home = geometry.home();
    let along = geometry.beamline(Beam::Ion, &home, 0.0, Point::default(), HERE).along;
    home.t + angle - (-along.z).asin()
}

/// A place for a subject, and the surface there: for a lamella a flat one, its point in the middle of a thin sheet.
fn place(specimen: &Specimen, subject: Subject, rng: &mut ChaCha8Rng) -> (Point3<f64>, Surface) {
    let look = |x: f64, y: f64| specimen.sample(x, y, LOOK, Face::Top);
    let mut last = (0.0, 0.0, look(0.0, 0.0));
    for _ in 0..TRIES {
        let x = rng.random_range(-ROOM.0..ROOM.0);
        let y = rng.random_range(-ROOM.1..ROOM.1);
        let here = look(x, y);
        last = (x, y, here);
        let part = specimen.part(x, y, here.material);
        let fits = match subject {
            Subject::Part(wanted) => part == wanted && here.material != Material::Holder,
            Subject::Lamella => {
                part != Part::Bar && part != Part::Post && is_field(&here) && {
                    let around = [
                        (9e-6, 0.0),
                        (-9e-6, 0.0),
                        (0.0, 9e-6),
                        (0.0, -9e-6),
                        (5e-6, 5e-6),
                        (-5e-6, -5e-6),
                    ];
                    around.iter().all(|(dx, dy)| {
                        let there = look(x + dx, y + dy);
                        is_field(&there)
                            && (there.height - here.height).abs() < FLAT
                            && there.thickness > 0.4 * here.thickness
                    })
                }
            }
        };
        if fits {
            break;
        }
    }
    let (x, y, here) = last;
    let thin = here.thickness < 8e-6 && subject == Subject::Lamella;
    let middle = if thin {
        here.height - here.thickness / 2.0
    } else {
        here.height
    };
    (Point3::new(x, y, f64::from(middle)), here)
}

/// Something in which lamellae are milled: frozen or embedded, and thick enough.
fn is_field(surface: &Surface) -> bool {
    let soft = [Material::Ice, Material::Cell, Material::Frost, Material::Tissue].contains(&surface.material);
    soft && surface.thickness > 1.5e-6
}
