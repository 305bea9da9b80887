//! A polished lamella is looked at before it counts as done: is it there, and as thick as it was meant to be?
//!
//! One picture end on, at the ion beam's imaging current and a field not much wider than the lamella: its dose takes less than a
//! nanometre. What is too thick is polished again, about where it really stands; what is too thin, broken or gone ends the task with that
//! as its reason; where ledges beside it leave that open, a warning says so. Where somebody watches they are told, and decide.

use super::work::Work;
use crate::{JobError, Keep};
use lamella::names;
use model::{Beam, ErrorKind, Frame, ImageSettings, Notice, Point, Severity, Unit, text, units};
use pattern::{MillingStage, MillingTask};
use vision::lamella::{Planned, Section, Unmeasured, section};

/// Field width by the lamella's width.
const FIELD: f64 = 1.6;
/// How far (m) it may stand from where the picture was aligned to.
const SEARCH: f64 = 0.5e-6;
/// Share of the planned thickness that it may be thicker or thinner: what is thicker is polished again.
const TOLERANCE: f64 = 0.15;
/// Share that it may be off in the end, and of its width that must stand.
const MOST: f64 = 0.2;
const STANDS: f64 = 0.95;
/// Most that it is polished again.
const AGAIN: usize = 2;
/// How far (m) trenches that polish again reach into those that are there.
const OVERLAP: f64 = 0.15e-6;

/// What the last polish was to leave.
struct Meant {
    task: MillingTask,
    stage: MillingStage,
    at: Point,
    width: f64,
    thickness: f64,
    trench: f64,
}

impl Meant {
    /// `None` where no trenches say how thick the lamella becomes.
    fn of(task: MillingTask) -> Option<Meant> {
        let stages = task.stages.iter().rev();
        let stage = stages
            .clone()
            .find(|stage| stage.enabled && stage.pattern.name() == "Trench")?;
        let length = |key: &str| units::parse(&stage.pattern.get(key).ok()?, Unit::Metre).ok();
        let (upper, lower) = (length("upper_trench_height")?, length("lower_trench_height")?);
        Some(Meant {
            at: stage.pattern.place(),
            width: length("width")?,
            thickness: length("spacing")?,
            trench: upper.min(lower),
            stage: stage.clone(),
            task,
        })
    }

    /// Its last stage about `at`, high enough to take what stands of a lamella so thick (m).
    fn again(&self, at: Point, thickness: f64) -> Option<MillingTask> {
        let mut stage = self.stage.clone();
        stage.pattern.put(at);
        let high = self.trench.max(0.5 * (thickness - self.thickness) + OVERLAP);
        for key in ["upper_trench_height", "lower_trench_height"] {
            stage.pattern.set(key, &units::format_input(high, Unit::Metre)).ok()?;
        }
        Some(MillingTask {
            stages: vec![stage],
            ..self.task.clone()
        })
    }
}

/// Looks at what was milled under `key`; polishes again what is too thick.
pub(super) async fn inspect(work: &mut Work, key: &str) -> Result<(), JobError> {
    let Some(mut meant) = Meant::of(work.milling(key)?) else {
        return Ok(());
    };
    for round in 0.. {
        let found = match look(work, &meant, round).await {
            Err(error) if matches!(error.kind, ErrorKind::Doubtful | ErrorKind::OutOfRange) && work.is_supervised() => {
                let notice = Notice::new(Severity::Warning, error.what);
                work.cx.host.notice(notice.hint("look at the pictures"));
                return Ok(());
            }
            found => found?,
        };
        let Some(found) = found else { return Ok(()) };
        let thickness = found.section.mean * found.pixel;
        told(work, &found)?;
        let thick = thickness > (1.0 + TOLERANCE) * meant.thickness;
        let again = meant.again(found.at, thickness).filter(|_| thick && round < AGAIN);
        match again {
            _ if work.is_supervised() => return Ok(()),
            None => return judged(&found, &meant),
            Some(mut task) => {
                task.alignment.rect = work.now()?.alignment_area;
                work.mill(&format!("{key}, again {}", round + 1), "MILL_LAMELLA", task)
                    .await?;
                meant.at = found.at;
            }
        }
    }
    Ok(())
}

/// What a look came to.
struct Found {
    section: Section,
    /// m.
    pixel: f64,
    /// Where it stands in the picture (m, y up).
    at: Point,
}

/// What a picture shows of it. Nothing, and a warning, where ledges hide whether it is cut free: that is no reason to give up a good one.
async fn look(work: &Work, meant: &Meant, round: usize) -> Result<Option<Found>, JobError> {
    work.align().await.map_err(unseen)?;
    work.step("INSPECT_LAMELLA", "looking at the lamella").await?;
    let settings = ImageSettings {
        beam_type: Beam::Ion,
        hfw: FIELD * meant.width + 2.0 * meant.at.x.hypot(meant.at.y),
        filename: names::section(&work.task, round + 1),
        save: true,
        path: None,
        reduced_area: None,
        ..work.imaging.imaging.clone()
    };
    let pixel = settings.pixel_size();
    let keep = Keep {
        live: false,
        path: Some(work.folder.display().to_string()),
    };
    let (frame, _): (Frame, _) = work.cx.frame(&settings, &keep).await?;
    let (w, h) = settings.resolution;
    let middle = (0.5 * (f64::from(w) - 1.0), 0.5 * (f64::from(h) - 1.0));
    let planned = Planned {
        at: (middle.0 + meant.at.x / pixel, middle.1 - meant.at.y / pixel),
        search: SEARCH / pixel,
        width: meant.width / pixel,
        thickness: meant.thickness / pixel,
        trench: meant.trench / pixel,
    };
    let measured = work
        .cx
        .compute(move || section(frame.pixels.to_f32().view(), &planned))
        .await?;
    let section = match measured {
        Ok(section) => section,
        Err(why @ Unmeasured::Uncut) => {
            let name = text::printable(&work.now()?.name).to_string();
            let notice = Notice::new(
                Severity::Warning,
                format!("{name}: its thickness was not measured: {why}"),
            );
            work.cx.host.notice(notice.hint("look at the picture of its section"));
            return Ok(None);
        }
        Err(why) => return Err(wrong(&why.to_string())),
    };
    Ok(Some(Found {
        section,
        pixel,
        at: Point {
            x: meant.at.x,
            y: (middle.1 - section.at.1) * pixel,
        },
    }))
}

fn told(work: &Work, found: &Found) -> Result<(), JobError> {
    let metres = |pixels: f64| units::format(pixels * found.pixel, Unit::Metre);
    let name = work.now()?.name;
    let notice = Notice::new(
        Severity::Info,
        format!("{}: {} thick", text::printable(&name), metres(found.section.mean)),
    );
    let (least, most) = (metres(found.section.least), metres(found.section.most));
    work.cx.host.notice(notice.detail(format!(
        "{least} to {most}, over {:.0} % of its width",
        100.0 * found.section.stands
    )));
    Ok(())
}

/// Refuses a lamella that is not what it was meant to be.
fn judged(found: &Found, meant: &Meant) -> Result<(), JobError> {
    let thickness = found.section.mean * found.pixel;
    let length = |metres: f64| units::format(metres, Unit::Metre);
    if found.section.stands < STANDS {
        let gone = 100.0 * (1.0 - found.section.stands);
        return Err(wrong(&format!("over {gone:.0} % of its width nothing stands")));
    }
    if (thickness - meant.thickness).abs() > MOST * meant.thickness {
        return Err(wrong(&format!(
            "it is {} thick, not {}",
            length(thickness),
            length(meant.thickness)
        )));
    }
    Ok(())
}

/// It was polished, and is not as it should be: doing it again would not mend it.
fn wrong(why: &str) -> JobError {
    JobError::new(
        ErrorKind::OutOfRange,
        format!("the lamella was polished and is not as it should be: {why}"),
        "look at its last pictures; `lamella.edit` takes the mark away where it is good all the same",
    )
}

fn unseen(error: JobError) -> JobError {
    match error.kind {
        ErrorKind::Doubtful | ErrorKind::OutOfRange => JobError {
            what: format!(
                "the lamella was polished, and could not be looked at afterwards: {}",
                error.what
            ),
            hint: "look at its last pictures".to_owned(),
            ..error
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lamella::protocol::shipped;

    fn meant() -> Meant {
        let protocol = shipped("on-grid").unwrap();
        let (task, _) = protocol
            .tasks
            .get("Polishing")
            .unwrap()
            .milling("mill_polishing")
            .unwrap()
            .unwrap();
        Meant::of(task).unwrap()
    }

    fn found(mean: f64, stands: f64) -> Found {
        let section = Section {
            mean,
            least: mean,
            most: mean,
            at: (0.0, 0.0),
            stands,
        };
        Found {
            section,
            pixel: 10e-9,
            at: Point::default(),
        }
    }

    #[test]
    fn the_last_trench_says_how_thick_a_lamella_becomes() {
        let meant = meant();
        assert!((meant.thickness - 200e-9).abs() < 1e-12 && (meant.width - 9.2e-6).abs() < 1e-12);
    }

    #[test]
    fn what_is_thin_thick_or_broken_is_refused_with_its_figures() {
        assert!(judged(&found(20.0, 1.0), &meant()).is_ok() && judged(&found(23.5, 1.0), &meant()).is_ok());
        for (bad, word) in [
            (found(15.0, 1.0), "150 nm thick, not 200 nm"),
            (found(25.0, 1.0), "250 nm thick"),
            (found(20.0, 0.7), "30 % of its width"),
        ] {
            let error = judged(&bad, &meant()).unwrap_err();
            assert!(
                error.kind == ErrorKind::OutOfRange && error.what.contains(word),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_too_thick_is_polished_again_about_where_it_stands() {
        let at = Point { x: 0.0, y: 0.1e-6 };
        let task = meant().again(at, 900e-9).unwrap();
        let [stage] = task.stages.as_slice() else {
            panic!("{task:?}")
        };
        assert_eq!(stage.pattern.place(), at);
        // the trenches reach beyond what stands
        let top = stage
            .pattern
            .shapes()
            .iter()
            .map(|s| s.bounds().top)
            .fold(f64::MIN, f64::max);
        assert!(top > at.y + 450e-9 && top < at.y + 800e-9, "{top:e}");
    }
}
