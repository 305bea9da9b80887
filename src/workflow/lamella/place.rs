//! Lamellae out of an overview: places that its picture proposes, and what makes a lamella of one.
//!
//! A place is kept as the overview saw it, with the part of the picture around it: the task that selects the position finds it again
//! by that part, and tilts from there (`position`).

use super::position::follow;
use super::{Book, Papers};
use crate::JobError;
use lamella::experiment::PoseKind;
use lamella::names;
use lamella::{Experiment, Protocol};
use model::frame::beam_file_name;
use model::kinematics::project::View;
use model::shape::Bounds;
use model::{ErrorKind, Frame, Geometry, MicroscopeState, Pixels, Point, StagePosition};
use ndarray::{Array2, ArrayView2, s};
use pattern::{MillingTask, Pattern};
use serde::Serialize;
use vision::sites::{Needs, Refused, Site, Sites, SitesError, sites};

/// What an overview proposes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposed {
    /// What was asked of a place.
    pub needs: Needs,
    /// The best first.
    pub proposals: Vec<Proposal>,
    /// What stands on the grid and is no place for a lamella.
    pub refused: Vec<Refused>,
    /// Openings that the picture shows as a whole, and those of them whose film is whole.
    pub squares: (usize, usize),
}

/// A place for a lamella.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    #[serde(flatten)]
    pub site: Site,
    /// Stage position that centres it, at the picture's own tilt and rotation.
    pub position: StagePosition,
}

/// Kinds of task whose patterns must have room in an opening, and kinds of pattern that need none: relief cuts may end on a bar.
const ROOMY: &[&str] = &["MILL_FIDUCIAL", "MILL_ROUGH", "MILL_POLISHING"];
const ROOMLESS: &[&str] = &["MicroExpansion", "WaffleNotch"];
/// How much deeper a beam mills frozen cells than the silicon that depths are meant in: 7 by what is known of water ice and organic matter,
/// less what falls back.
const DEEPER: f64 = 6.0;
/// Half the field (m) that is kept of an overview around a place.
const AROUND: (f64, f64) = (75e-6, 50e-6);

/// How far behind a cell's middle, as a share of half its length, a lamella meets the film: one that met it in the middle would hold the
/// cell's front only.
const DEEP: f64 = 0.5;

/// The milling angle (rad) that a protocol selects positions for, or else `angle`.
fn milling_angle(protocol: &Protocol, angle: f64) -> f64 {
    let mut kinds = protocol.tasks.iter().map(|(_, config)| config);
    let selects = kinds.find(|config| config.task_type == "SELECT_MILLING_POSITION");
    selects.map_or(angle, |config| config.number("milling_angle").to_radians())
}

/// What sites must have around them for what a protocol mills, at the milling angle that it selects positions for, or else this one (rad).
fn needs(protocol: &Protocol, angle: f64) -> Needs {
    let (mut needs, mut longest) = (Needs::default(), f64::INFINITY);
    let angle = milling_angle(protocol, angle);
    let tasks = protocol.tasks.iter().map(|(_, config)| config);
    for config in tasks.filter(|config| ROOMY.contains(&config.task_type.as_str())) {
        let all = config.milling.keys().filter_map(|key| config.milling(key)?.ok());
        for (task, _) in all {
            for pattern in roomy(&task) {
                let bounds: Vec<Bounds> = pattern.shapes().iter().map(|shape| shape.bounds()).collect();
                let furthest = |of: fn(&Bounds) -> f64| bounds.iter().map(of).fold(0.0, f64::max);
                let (x, y) = (
                    furthest(|b| b.left.abs().max(b.right.abs())),
                    furthest(|b| b.top.abs().max(b.bottom.abs())),
                );
                needs.room.0 = needs.room.0.max(x);
                needs.room.1 = needs.room.1.max(y / angle.sin().max(0.1));
                if config.task_type != "MILL_FIDUCIAL" {
                    longest = longest.min(DEEPER * pattern.depth());
                }
            }
        }
    }
    if longest.is_finite() {
        needs.longest = longest;
    }
    needs
}

/// What a task mills that must have room.
fn roomy(task: &MillingTask) -> impl Iterator<Item = &Pattern> {
    let stages = task.stages.iter().filter(|stage| stage.enabled);
    let patterns = stages.map(|stage| &stage.pattern);
    patterns.filter(|pattern| !ROOMLESS.contains(&pattern.name()))
}

/// Places for lamellae in a picture that says where it was taken, with room for what a protocol mills.
pub fn propose(picture: &Frame, geometry: &Geometry, protocol: Option<&Protocol>) -> Result<Proposed, JobError> {
    let needs = protocol.map_or_else(Needs::default, |protocol| needs(protocol, geometry.milling_angle));
    let metadata = picture.metadata.as_ref();
    let said = metadata.and_then(|m| Some((m, View::of(geometry, m)?)));
    let Some((metadata, view)) = said else {
        return Err(JobError::new(
            ErrorKind::Usage,
            "the picture does not say where the stage was; nothing was looked for",
            "use a picture that fibdeck or openFIBSEM saved (overview.acquire)",
        ));
    };
    let pixel = metadata.pixel_size;
    // along the sample, a picture that sees it obliquely is shortened
    let along = (pixel.x, pixel.y / view.foreshortening().max(0.05));
    let found: Sites = sites(&picture.pixels, along, &needs).map_err(unseen)?;
    let (w, h) = picture.pixels.size();
    let proposal = |site: Site| {
        let off = Point {
            x: (site.at.x - (w as f64 - 1.0) / 2.0) * pixel.x,
            y: (site.at.y - (h as f64 - 1.0) / 2.0) * pixel.y,
        };
        Proposal {
            position: view.from_plane(off).into(),
            site,
        }
    };
    Ok(Proposed {
        needs,
        proposals: found.sites.into_iter().map(proposal).collect(),
        refused: found.refused,
        squares: found.squares,
    })
}

fn unseen(error: SitesError) -> JobError {
    JobError::new(
        ErrorKind::Doubtful,
        format!("{error}; nothing was proposed"),
        "take an overview of several squares, in focus and with contrast (overview.acquire), or add lamellae by hand (lamella.add)",
    )
}

/// Makes lamellae of the best places, `most` of them, each with `state` at its own stage position and the overview's part around it; `angle` (rad): at which lamellae are milled where the protocol does not say. Where
/// there is a lamella already, none is made. Their names.
pub async fn place(
    book: &Book,
    overview: &Frame,
    proposed: &Proposed,
    most: usize,
    (state, angle): (&MicroscopeState, f64),
    seed: &str,
) -> Result<Vec<String>, JobError> {
    book.change(
        |Papers {
             experiment, protocol, ..
         }| {
            let taken: Vec<StagePosition> = experiment
                .lamellae
                .iter()
                .filter_map(|lamella| Some(lamella.pose(PoseKind::Milling)?.stage_position.clone()))
                .collect();
            let free = |place: &&Proposal| {
                taken
                    .iter()
                    .all(|taken| away(taken, &place.position) >= proposed.needs.apart)
            };
            let mut made = Vec::new();
            for (n, proposal) in proposed.proposals.iter().filter(free).take(most).enumerate() {
                made.push(one(
                    experiment,
                    protocol,
                    angle,
                    overview,
                    proposal,
                    state,
                    &format!("{seed}/{n}"),
                )?);
            }
            Ok(made)
        },
    )
    .await
}

/// How far two stage positions are apart (m) in x and y.
fn away(a: &StagePosition, b: &StagePosition) -> f64 {
    let along = |a: Option<f64>, b: Option<f64>| a.zip(b).map_or(0.0, |(a, b)| a - b);
    along(a.x, b.x).hypot(along(a.y, b.y))
}

fn one(
    experiment: &mut Experiment,
    protocol: &Protocol,
    angle: f64,
    overview: &Frame,
    proposal: &Proposal,
    state: &MicroscopeState,
    seed: &str,
) -> Result<String, JobError> {
    let state = MicroscopeState {
        stage_position: proposal.position.clone(),
        ..state.clone()
    };
    let lamella = experiment.add(protocol, None, state, seed)?;
    lamella.description = proposal.site.reasons.join("; ");
    let rise = DEEP * 0.5 * proposal.site.size.1 * milling_angle(protocol, angle).sin();
    follow(lamella, Point { x: 0.0, y: rise });
    let lamella = lamella.clone();
    let part = part(overview, proposal);
    if let Some(metadata) = &part.metadata {
        let name = beam_file_name(names::POSITION_REFERENCE, metadata.image.beam_type);
        let file = experiment.folder_of(&lamella).join(name);
        part.save(&file).map_err(|error| {
            JobError::new(
                ErrorKind::File,
                format!("the picture of the place was not saved: {error}; no lamella was added"),
                "free space, or see to the folder's permissions",
            )
        })?;
    }
    Ok(lamella.name)
}

/// The overview's part around a place, which is its middle; what lies beyond the picture is 0.
fn part(overview: &Frame, proposal: &Proposal) -> Frame {
    let pixel = overview.metadata.as_ref().map(|m| m.pixel_size).unwrap_or_default();
    let half = |length: f64, pixel: f64| (length / pixel).round() as usize;
    let half = (half(AROUND.0, pixel.x), half(AROUND.1, pixel.y));
    let at = proposal.site.at;
    // the pixel right and below of the middle is the first of the second half
    let corner = (
        (at.x + 0.5).round() as i64 - half.0 as i64,
        (at.y + 0.5).round() as i64 - half.1 as i64,
    );
    let size = (2 * half.0, 2 * half.1);
    let pixels = match &overview.pixels {
        Pixels::U8(grey) => Pixels::U8(cut(grey.view(), corner, size)),
        Pixels::U16(grey) => Pixels::U16(cut(grey.view(), corner, size)),
    };
    let metadata = overview.metadata.as_ref().map(|m| {
        let mut metadata = m.clone();
        metadata.image.hfw = size.0 as f64 * pixel.x;
        metadata.image.resolution = (size.0 as u32, size.1 as u32);
        metadata.image.filename = names::POSITION_REFERENCE.to_owned();
        metadata.microscope_state.stage_position = proposal.position.clone();
        metadata
    });
    Frame { pixels, metadata }
}

fn cut<T: Copy + Default>(picture: ArrayView2<T>, (x, y): (i64, i64), (w, h): (usize, usize)) -> Array2<T> {
    let mut part = Array2::from_elem((h, w), T::default());
    let (rows, columns) = picture.dim();
    let range = |from: i64, n: usize, most: usize| {
        let low = from.clamp(0, most as i64);
        (low as usize, (from + n as i64).clamp(low, most as i64) as usize)
    };
    let ((x0, x1), (y0, y1)) = (range(x, w, columns), range(y, h, rows));
    let (left, top) = ((x0 as i64 - x) as usize, (y0 as i64 - y) as usize);
    if x1 > x0 && y1 > y0 {
        let there = picture.slice(s![y0..y1, x0..x1]);
        part.slice_mut(s![top..top + y1 - y0, left..left + x1 - x0])
            .assign(&there);
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use lamella::{Queue, protocol::shipped};

    fn proposal(x: f64) -> Proposal {
        Proposal {
            site: Site {
                at: Point { x: 20.0, y: 20.0 },
                size: (12e-6, 10e-6),
                score: 1.0,
                reasons: Vec::new(),
            },
            position: StagePosition {
                x: Some(x),
                y: Some(0.0),
                ..StagePosition::default()
            },
        }
    }

    #[tokio::test]
    async fn a_taken_place_is_not_placed_again_and_patterns_go_through_the_cell() {
        let folder = tempfile::tempdir().unwrap();
        let protocol = shipped("on-grid").unwrap();
        let experiment = Experiment::new(&folder.path().join("e"), "e", "id", 0.0);
        let papers = Papers {
            experiment: experiment.create(&protocol).unwrap(),
            protocol,
            queue: Queue::default(),
        };
        let book = Book::new(papers, TimeZone::UTC, |_| {});
        let settings = model::ImageSettings {
            hfw: 40e-6,
            resolution: (40, 40),
            ..model::ImageSettings::default()
        };
        let state = MicroscopeState::bare(0.0, StagePosition::default());
        let overview = Frame {
            pixels: Pixels::U8(Array2::zeros((40, 40))),
            metadata: Some(model::frame::Metadata::new(settings, state.clone())),
        };
        let needs = Needs::default();
        let (first, near, far) = (0.0, 0.5 * needs.apart, 3.0 * needs.apart);
        let proposed = |at: &[f64]| Proposed {
            needs,
            proposals: at.iter().map(|x| proposal(*x)).collect(),
            refused: Vec::new(),
            squares: (1, 1),
        };
        let made = async |at: &[f64], most, seed| {
            let (proposed, state) = (proposed(at), (&state, 0.2));
            place(&book, &overview, &proposed, most, state, seed)
                .await
                .unwrap()
                .len()
        };
        assert_eq!(made(&[first, far], 1, "a").await, 1);
        // the first again, one beside it, and one that is free
        assert_eq!(made(&[first, near, far], 5, "b").await, 1);
        assert_eq!(made(&[first, near, far], 5, "c").await, 0);
        let lamellae = book.read(|papers| papers.experiment.lamellae.clone());
        let at = |lamella: &lamella::Lamella| lamella.pose(PoseKind::Milling).and_then(|pose| pose.stage_position.x);
        assert_eq!(lamellae.iter().map(at).collect::<Vec<_>>(), [Some(first), Some(far)]);
        // half of half a cell's length behind its middle, seen at the protocol's 12 degrees
        let rise = 2.5e-6 * 12f64.to_radians().sin();
        let (task, _) = lamellae[0]
            .tasks
            .get("Polishing")
            .unwrap()
            .milling("mill_polishing")
            .unwrap()
            .unwrap();
        for (what, y) in [
            ("point of interest", lamellae[0].poi.y),
            ("pattern", task.stages[0].pattern.place().y),
        ] {
            assert!((y - rise).abs() < 1e-9, "{what}: {y:e} for {rise:e}");
        }
    }
}
