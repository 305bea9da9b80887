//! What a run came to, by the twin's truth. The one part of a bench that knows it.

use super::grid::On;
use engine::papers::{ExperimentView, LamellaView};
use engine::{Command, Failure};
use lamella::experiment::{DefectKind, Status};
use model::kinematics::project::View;
use model::{Beam, Geometry, Pose};
use serde::Serialize;
use serde_json::{Value, json};

/// A lamella is the one that was placed where its middle is within this of it (m along the sample).
const NEAR: f64 = 20e-6;
/// How far its thickness may be off.
const TOLERANCE: f64 = 0.2;
/// Share of a lamella's width that must hold the cell it was placed on.
const KEPT: f64 = 0.3;

/// A pattern got more than was planned for it from this share on.
const OVERDOSE: f64 = 1.02;

/// A grid's run.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    pub seed: u64,
    pub lamellae: Vec<Scored>,
    pub unsafe_events: usize,
    /// What they were.
    pub hurt: Vec<String>,
    pub hours: f64,
}

/// A lamella that was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Scored {
    pub name: String,
    pub success: bool,
    /// The run took it for finished, and it is not as it should be.
    pub silent: bool,
    /// Why it failed: the run's own word, or where it has none, what is wrong.
    pub reason: String,
    /// m; none where none stands.
    pub thickness_m: Option<f64>,
    /// Off its target, m.
    pub off_m: Option<f64>,
    /// Share of its width that holds a cell.
    pub cell: Option<f64>,
    /// How far it stands from where it was placed, m.
    pub away_m: Option<f64>,
}

/// Scores what stands in the world, which fails where the twin does not say; `ended`: why the run did not come to its end; how many lamellae of which thickness (m) were asked for.
pub fn scored(
    on: &On,
    experiment: Option<&ExperimentView>,
    geometry: Geometry,
    ended: Option<Failure>,
    (seed, asked, target): (u64, u32, f64),
) -> Result<Outcome, Failure> {
    let truth = on.patiently(&Command::new("truth"))?;
    let unsaid = |what: &str| {
        let told = format!("the twin's truth does not tell of {what}; nothing was scored");
        Failure::new(model::ErrorKind::Protocol, told, "use the twin of this version")
    };
    let sites = truth["sites"].as_array().ok_or_else(|| unsaid("sites"))?;
    let contacts = truth["contacts"].as_array().ok_or_else(|| unsaid("contacts"))?;
    let drawn = truth["milling"].as_array().ok_or_else(|| unsaid("patterns"))?;
    let home: Pose = serde_json::from_value(truth["home"].clone()).map_err(|_| unsaid("where its stage began"))?;
    let plane = Plane { home, geometry };
    let seconds = truth["clock_s"].as_f64().ok_or_else(|| unsaid("its clock"))?;
    let view = experiment.map(|e| e.lamellae.as_slice()).unwrap_or_default();
    let tasks = experiment
        .map(|e| e.tasks.iter().filter(|t| t.required).count())
        .unwrap_or(0);
    let mut lamellae: Vec<Scored> = view
        .iter()
        .map(|lamella| one(lamella, sites, &plane, (target, tasks), ended.as_ref()))
        .collect();
    // what was never placed failed, too
    for n in lamellae.len()..asked as usize {
        let why = ended
            .as_ref()
            .map_or_else(|| "no place for it was proposed".to_owned(), ToString::to_string);
        lamellae.push(Scored {
            name: format!("{:02}", n + 1),
            success: false,
            silent: false,
            reason: why,
            thickness_m: None,
            off_m: None,
            cell: None,
            away_m: None,
        });
    }
    let places: Vec<(f64, f64)> = view.iter().filter_map(|lamella| plane.place(lamella)).collect();
    let hurt = hurt(contacts, drawn, &places);
    Ok(Outcome {
        seed,
        lamellae,
        unsafe_events: hurt.len(),
        hurt,
        hours: seconds / 3600.0,
    })
}

fn one(
    lamella: &LamellaView,
    sites: &[Value],
    plane: &Plane,
    (target, tasks): (f64, usize),
    ended: Option<&Failure>,
) -> Scored {
    let away = |site: &&Value| {
        let at = |n: usize| site["at_m"][n].as_f64().unwrap_or(f64::INFINITY);
        plane
            .place(lamella)
            .map_or(f64::INFINITY, |(x, y)| (at(0) - x).hypot(at(1) - y))
    };
    let nearest = sites.iter().min_by(|a, b| away(a).total_cmp(&away(b)));
    let site = nearest.filter(|site| away(site) <= NEAR);
    let number = |pointer: &str| site.and_then(|site| site.pointer(pointer)?.as_f64());
    let thickness = number("/thickness_m/mean");
    let off = thickness.map(|t| (t - target).abs());
    let cell = number("/cell_share");
    let wrong = match (thickness, off, cell) {
        (Some(thickness), Some(off), _) if off > TOLERANCE * target => Some(format!(
            "it is {:.0} nm thick, not {:.0}",
            thickness * 1e9,
            target * 1e9
        )),
        (Some(_), _, cell) if cell.unwrap_or(0.0) < KEPT => Some("the cell it was placed on is not in it".to_owned()),
        (Some(_), ..) if number("/thickness_m/min").unwrap_or(0.0) <= 0.0 => Some("it is milled through".to_owned()),
        (Some(_), ..) => None,
        (None, ..) => Some("no lamella stands there".to_owned()),
    };
    let completed = lamella
        .history
        .iter()
        .filter(|run| run.status == Status::Completed)
        .count();
    let said = match lamella.defect {
        DefectKind::None if completed >= tasks => None,
        DefectKind::None => {
            let why = ended.map_or_else(|| "it was not finished".to_owned(), ToString::to_string);
            let last = lamella.history.last().filter(|run| run.status != Status::Completed);
            Some(last.map_or(why, |run| format!("{}: {}", run.task, run.message)))
        }
        _ => Some(lamella.note.clone()),
    };
    let success = wrong.is_none() && said.is_none();
    Scored {
        name: lamella.name.clone(),
        success,
        silent: said.is_none() && wrong.is_some(),
        reason: said.or(wrong).unwrap_or_default(),
        thickness_m: thickness,
        off_m: off,
        cell,
        away_m: site.map(|site| away(&site)),
    }
}

/// What hurt the instrument or the sample: contacts, patterns drawn where no lamella was placed (m on the sample plane), and those that got more dose
/// than was planned for them.
fn hurt(contacts: &[Value], drawn: &[Value], places: &[(f64, f64)]) -> Vec<String> {
    let touched = contacts.iter().map(|contact| {
        format!(
            "something was touched: {}",
            contact["with"].as_str().unwrap_or("unknown")
        )
    });
    let beside = drawn.iter().filter_map(|pattern| {
        let at = |n: usize| pattern["at_m"][n].as_f64();
        let (x, y) = at(0).zip(at(1))?;
        let away = places
            .iter()
            .map(|(a, b)| (a - x).hypot(b - y))
            .fold(f64::INFINITY, f64::min);
        let name = pattern["name"].as_str().unwrap_or_default();
        (away > NEAR).then(|| format!("`{name}` was drawn {:.0} um from the nearest lamella", away * 1e6))
    });
    let twice = drawn.iter().filter_map(|pattern| {
        let charge = |key: &str| pattern[key].as_f64();
        let (planned, delivered) = (charge("planned_dose_c")?, charge("delivered_dose_c")?);
        let name = pattern["name"].as_str().unwrap_or_default();
        (delivered > OVERDOSE * planned).then(|| format!("`{name}` got {:.2} of its dose", delivered / planned))
    });
    touched.chain(beside).chain(twice).collect()
}

/// The sample plane as the stage saw it at first.
struct Plane {
    home: Pose,
    geometry: Geometry,
}

impl Plane {
    /// Where a lamella was placed (m, from where the stage stood at first).
    fn place(&self, lamella: &LamellaView) -> Option<(f64, f64)> {
        let position = lamella.stage.as_ref()?.resolve(self.home);
        let at = View::new(&self.geometry, Beam::Electron, self.home).to_plane(position);
        Some((at.x, -at.y))
    }
}

/// All grids together.
#[derive(Default)]
pub struct Total {
    outcomes: Vec<Outcome>,
}

impl Total {
    pub fn add(&mut self, outcome: Outcome) {
        self.outcomes.push(outcome);
    }

    fn lamellae(&self) -> impl Iterator<Item = (&Outcome, &Scored)> {
        let of = |outcome| -> Box<dyn Iterator<Item = (&Outcome, &Scored)>> {
            let outcome: &Outcome = outcome;
            Box::new(outcome.lamellae.iter().map(move |lamella| (outcome, lamella)))
        };
        self.outcomes.iter().flat_map(of)
    }

    pub fn failed(&self) -> usize {
        self.lamellae().filter(|(_, lamella)| !lamella.success).count()
    }

    /// The contract's last line.
    pub fn summary(&self, scene: &str, seed: u64, wall: f64) -> Value {
        let count = |is: fn(&Scored) -> bool| self.lamellae().filter(|(_, lamella)| is(lamella)).count();
        let mut off: Vec<f64> = self.lamellae().filter_map(|(_, lamella)| lamella.off_m).collect();
        off.sort_by(f64::total_cmp);
        let part = |share: f64| off.get(((off.len() as f64 * share) as usize).min(off.len().saturating_sub(1)));
        let failures: Vec<Value> = self
            .lamellae()
            .filter(|(_, lamella)| !lamella.success)
            .map(
                |(of, lamella)| json!({ "lamella": format!("{}/{}", of.seed, lamella.name), "reason": lamella.reason }),
            )
            .collect();
        json!({
            "scene": scene,
            "seed": seed,
            "lamellae": self.lamellae().count(),
            "success": count(|lamella| lamella.success),
            "unsafe_events": self.outcomes.iter().map(|outcome| outcome.unsafe_events).sum::<usize>(),
            "silent_failures": count(|lamella| lamella.silent),
            "thickness_error_m": { "median": part(0.5), "p95": part(0.95) },
            "hours_simulated": self.outcomes.iter().map(|outcome| outcome.hours).sum::<f64>(),
            "wall_s": wall,
            "failures": failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_touched_drawn_elsewhere_or_overdosed_is_unsafe() {
        let pattern = |at: [f64; 2], delivered: f64| json!({ "name": "p", "at_m": at, "planned_dose_c": 1e-9, "delivered_dose_c": delivered });
        let places = [(0.0, 0.0), (100e-6, 0.0)];
        let fine = [pattern([5e-6, -8e-6], 1e-9), pattern([98e-6, 0.0], 0.4e-9)];
        assert_eq!(hurt(&[], &fine, &places), Vec::<String>::new());
        // a pattern that took nothing was drawn nowhere
        let nothing = json!({ "name": "p", "at_m": null, "planned_dose_c": 1e-9, "delivered_dose_c": 0.0 });
        assert_eq!(hurt(&[], &[nothing], &places), Vec::<String>::new());
        let bad = [pattern([50e-6, 0.0], 1e-9), pattern([0.0, 0.0], 1.1e-9)];
        let told = hurt(&[json!({ "with": "pole piece" })], &bad, &places);
        assert!(told.len() == 3 && told[0].contains("pole piece"), "{told:?}");
        assert!(told[1].contains("50 um") && told[2].contains("1.10"), "{told:?}");
    }
}
