//! Methods of before as tasks of today.

use super::{Legacy, Method, Protocol, ProtocolError, Step, TaskConfig, kind, shipped};
use model::yaml::Document;
use pattern::{MillingTask, Note};
use serde_json::{Value, json};

const TRENCH: &str = "Trench Milling";
const UNDERCUT: &str = "Undercut";
const PREPARE: &str = "Prepare Manipulator";
const LIFTOUT: &str = "Liftout";
const LANDING: &str = "Landing";
const RESET: &str = "Reset Manipulator";
const POSITION: &str = "Setup Lamella Position";
const FIDUCIAL: &str = "Mill Fiducial";
const ROUGH: &str = "Rough Milling";
const POLISHING: &str = "Polishing";

/// openFIBSEM's milling angle where a file names none, degrees.
const MILLING_ANGLE: f64 = 18.0;

/// The task protocol that a protocol of before means, and what of it was odd or has no place today.
///
/// openFIBSEM converts on-grid, trench and waffle; liftout and serial liftout become tasks that only fibdeck knows.
pub fn converted(document: &Document) -> Result<(Protocol, Vec<Note>), ProtocolError> {
    let legacy = Legacy::read(document)?;
    let mut work = Conversion {
        notes: legacy.notes.clone(),
        legacy: &legacy,
        protocol: header(&legacy),
    };
    work.tasks();
    work.rest();
    Ok((work.protocol, work.notes))
}

fn header(legacy: &Legacy) -> Protocol {
    let method = legacy.method.word();
    let mut protocol = Protocol::new(&legacy.name, &format!("converted from {} ({method})", legacy.name));
    protocol.options.turn_beams_off = legacy.flag("turn_beams_off", false);
    protocol.set_checkpoint(legacy.option(&["checkpoint"]).and_then(Value::as_str));
    protocol
}

/// Options that have a place in the protocol, or none because nothing reads them any more.
const PLACED: &[&str] = &[
    "name",
    "method",
    "supervise",
    "checkpoint",
    "turn_beams_off",
    "milling_angle",
    "milling_tilt_angle",
    "lamella_tilt_angle",
    "use_fiducial",
    "use_notch",
    "use_microexpansion",
    "num_polishing_stages",
    "alignment_at_milling_current",
    "alignment_attempts",
    "undercut_required",
    "undercut_tilt_angle",
    "align_trench_reference",
    "trench_start_position",
    "landing_start_position",
    "landing_grid",
    "landing-sever-threshold",
    "liftout_joining_method",
    "liftout_contact_detection",
    "liftout_contact_offset",
    "liftout_charge_neutralisation_iterations",
    "landing_joining_method",
    "landing_post_x_offset",
    "landing_charge_neutralisation_iterations",
    "take_final_reference_images",
];

struct Conversion<'a> {
    legacy: &'a Legacy,
    protocol: Protocol,
    notes: Vec<Note>,
}

impl Conversion<'_> {
    fn note(&mut self, key: &str, text: impl Into<String>) {
        self.notes.push(Note {
            key: key.to_owned(),
            text: text.into(),
        });
    }

    /// In the order in which they are done; each needs the one before it of those named.
    fn tasks(&mut self) {
        let method = self.legacy.method;
        if method.has_trench() {
            let mut trench = self.task("MILL_TRENCH", &[("trench", "Trench")]);
            set(&mut trench, "orientation", json!("FIB"));
            self.parameter(&mut trench, "align_reference", &["align_trench_reference"]);
            self.add(TRENCH, trench, "trench", &[]);
        }
        if matches!(method, Method::Waffle) || method.is_liftout() && self.legacy.flag("undercut_required", true) {
            let undercut = self.undercut();
            self.add(UNDERCUT, undercut, "undercut", &[TRENCH]);
        }
        match method {
            Method::Liftout => self.liftout(),
            Method::SerialLiftout => self.serial_liftout(),
            _ => {}
        }
        if method != Method::Trench {
            self.thinning();
        }
    }

    fn thinning(&mut self) {
        let legacy = self.legacy;
        let mut position = self.task("SELECT_MILLING_POSITION", &[]);
        let angle = legacy.option(&["milling_angle", "milling_tilt_angle", "lamella_tilt_angle"]);
        set(
            &mut position,
            "milling_angle",
            angle.cloned().unwrap_or_else(|| json!(MILLING_ANGLE)),
        );
        let landed: &[&str] = if legacy.method.is_liftout() { &[LANDING] } else { &[] };
        self.add(POSITION, position, "setup_lamella", landed);
        let marked = legacy.flag("use_fiducial", true);
        if marked {
            let fiducial = self.task("MILL_FIDUCIAL", &[("fiducial", "Fiducial")]);
            self.add(FIDUCIAL, fiducial, "setup_lamella", &[]);
        } else {
            self.note(
                "options.use_fiducial",
                "no fiducial is milled (openFIBSEM mills one all the same)",
            );
        }
        let (coarse, fine) = self.thinned();
        let mut rough = self.task("MILL_ROUGH", &[]);
        let mut coarse = MillingTask {
            name: "Rough Milling".to_owned(),
            ..coarse
        };
        if legacy.flag("use_microexpansion", true) {
            coarse.stages.extend(self.milled("microexpansion").stages);
        }
        rough.set_milling("mill_rough", &coarse);
        if legacy.flag("use_notch", false) {
            let notch = MillingTask {
                name: "Notch".to_owned(),
                ..self.milled("notch")
            };
            rough.set_milling("stress-relief", &notch);
            self.note(
                "milling.notch",
                "stands as `stress-relief` beside the rough milling, where openFIBSEM never mills it",
            );
        }
        self.add(
            ROUGH,
            rough,
            "mill_rough",
            if marked { &[FIDUCIAL] } else { &[POSITION] },
        );
        let mut polishing = self.task("MILL_POLISHING", &[]);
        polishing.set_milling(
            "mill_polishing",
            &MillingTask {
                name: "Polishing".to_owned(),
                ..fine
            },
        );
        self.add(POLISHING, polishing, "mill_polishing", &[ROUGH]);
    }

    /// Rough and polishing stages: by their keys, or one list whose last stages are the polish.
    fn thinned(&mut self) -> (MillingTask, MillingTask) {
        let Some(all) = self.legacy.milling("lamella") else {
            return (self.milled("mill_rough"), self.milled("mill_polishing"));
        };
        let last = self
            .legacy
            .option(&["num_polishing_stages"])
            .and_then(Value::as_f64)
            .unwrap_or(1.0) as usize;
        let (rough, polish) = all.stages.split_at(all.stages.len().saturating_sub(last));
        if rough.is_empty() || polish.is_empty() {
            self.note(
                "milling.lamella",
                format!(
                    "{} stages, of which the last {last} polish: one task is left empty",
                    all.stages.len()
                ),
            );
        }
        (
            MillingTask::from_stages("Rough Milling", rough.to_vec()),
            MillingTask::from_stages("Polishing", polish.to_vec()),
        )
    }

    fn undercut(&mut self) -> TaskConfig {
        let mut undercut = self.task("MILL_UNDERCUT", &[("undercut", "Undercut")]);
        let stages = self.milled("undercut").stages.len();
        // from the kind's own on, the same step further for each stage
        let angles: Vec<f64> = (0..stages).map(|n| 25.0 - 5.0 * n as f64).collect();
        set(&mut undercut, "milling_angles", json!(angles));
        if let Some(tilt) = self.legacy.option(&["undercut_tilt_angle"]) {
            let text = format!(
                "a tilt of {tilt} deg for each stage became the milling angles {angles:?}: look whether they suit your stage"
            );
            self.note("options.undercut_tilt_angle", text);
        }
        undercut
    }

    fn liftout(&mut self) {
        self.prepare();
        let mut liftout = self.task("LIFTOUT_LAMELLA", &[("weld", "Weld"), ("sever", "Sever")]);
        for (key, option) in [
            ("joining_method", "liftout_joining_method"),
            ("contact_detection", "liftout_contact_detection"),
            ("contact_offset", "liftout_contact_offset"),
            (
                "charge_neutralisation_iterations",
                "liftout_charge_neutralisation_iterations",
            ),
            ("start_position", "trench_start_position"),
        ] {
            self.parameter(&mut liftout, key, &[option]);
        }
        let freed = if self.protocol.tasks.get(UNDERCUT).is_some() {
            UNDERCUT
        } else {
            TRENCH
        };
        self.add(LIFTOUT, liftout, "liftout", &[freed]);
        let mut landing = self.task(
            "LAND_LAMELLA",
            &[("weld", "Weld"), ("sever", "Sever"), ("flatten", "Flatten")],
        );
        for (key, option) in [
            ("joining_method", "landing_joining_method"),
            ("post_x_offset", "landing_post_x_offset"),
            (
                "charge_neutralisation_iterations",
                "landing_charge_neutralisation_iterations",
            ),
            ("start_position", "landing_start_position"),
        ] {
            self.parameter(&mut landing, key, &[option]);
        }
        self.add(LANDING, landing, "landing", &[LIFTOUT]);
        if self.legacy.milling("sharpen").is_some() {
            let reset = self.task("RESET_MANIPULATOR", &[("sharpen", "Sharpen")]);
            self.add(RESET, reset, "reset", &[LANDING]);
            // the next lamella can do without it
            if let Some(step) = self.protocol.workflow.tasks.last_mut() {
                step.required = false;
            }
        }
    }

    fn serial_liftout(&mut self) {
        self.prepare();
        let mut liftout = self.task(
            "LIFTOUT_VOLUME",
            &[("liftout-weld", "Liftout Weld"), ("liftout-sever", "Liftout Sever")],
        );
        self.parameter(&mut liftout, "start_position", &["trench_start_position"]);
        let freed = if self.protocol.tasks.get(UNDERCUT).is_some() {
            UNDERCUT
        } else {
            TRENCH
        };
        self.add(LIFTOUT, liftout, "liftout", &[freed]);
        let milled = [
            ("landing-thin", "Volume Thinning"),
            ("landing-weld", "Landing Weld"),
            ("landing-sever", "Landing Sever"),
        ];
        let mut landing = self.task("LAND_SECTION", &milled);
        self.parameter(&mut landing, "sever_threshold", &["landing-sever-threshold"]);
        self.parameter(&mut landing, "start_position", &["landing_start_position"]);
        if let Some(Value::Object(grid)) = self.legacy.option(&["landing_grid"]) {
            for (key, name) in [
                ("grid_rows", "rows"),
                ("grid_columns", "cols"),
                ("grid_x", "x"),
                ("grid_y", "y"),
            ] {
                if let Some(value) = grid.get(name) {
                    set(&mut landing, key, value.clone());
                }
            }
        }
        self.add(LANDING, landing, "landing", &[LIFTOUT]);
    }

    /// Once for the needle, not for each lamella: not required.
    fn prepare(&mut self) {
        if self.legacy.milling("prepare-manipulator").is_none() {
            return;
        }
        let mut keys = vec![("prepare-manipulator", "Prepare Manipulator")];
        let kind = kind::row("PREPARE_MANIPULATOR").map_or(&[][..], |kind| kind.may_mill);
        let serial = self.legacy.method == Method::SerialLiftout;
        keys.extend(
            kind.iter()
                .filter(|key| serial && self.legacy.milling(key).is_some())
                .map(|key| (*key, *key)),
        );
        let prepare = self.task("PREPARE_MANIPULATOR", &keys);
        self.add(PREPARE, prepare, "prepare_manipulator", &[]);
        if let Some(step) = self.protocol.workflow.tasks.last_mut() {
            step.required = false;
        }
    }

    fn add(&mut self, name: &str, task: TaskConfig, watched: &str, requires: &[&str]) {
        self.protocol.tasks.insert(name, task);
        self.protocol
            .workflow
            .tasks
            .push(Step::new(name, self.legacy.supervised(watched), requires));
    }

    /// A task of this kind that mills what the file has under these keys (key, name).
    fn task(&mut self, task_type: &str, keys: &[(&str, &str)]) -> TaskConfig {
        let mut task = kind::row(task_type).map(TaskConfig::new).unwrap_or_default();
        for (key, name) in keys {
            let optional = kind::row(task_type).is_some_and(|kind| kind.may_mill.contains(key));
            if optional && self.legacy.milling(key).is_none() {
                continue;
            }
            let milling = MillingTask {
                name: (*name).to_owned(),
                ..self.milled(key)
            };
            task.set_milling(key, &milling);
        }
        task
    }

    /// What the file mills under a key; what it lacks is what the shipped protocol of the method mills there.
    fn milled(&mut self, key: &str) -> MillingTask {
        if let Some(task) = self.legacy.milling(key) {
            return task.clone();
        }
        let found = ready(self.legacy.method, key);
        let text = match &found {
            Some(_) => "is not in the file: taken from a shipped protocol",
            None => "is not in the file: nothing is milled there",
        };
        self.note(&format!("milling.{key}"), text);
        found.unwrap_or_default()
    }

    fn parameter(&self, task: &mut TaskConfig, key: &str, options: &[&str]) {
        if let Some(value) = self.legacy.option(options) {
            set(task, key, value.clone());
        }
    }

    /// What was not converted is said.
    fn rest(&mut self) {
        let legacy = self.legacy;
        let left = legacy.options.keys().filter(|key| !PLACED.contains(&key.as_str()));
        for key in left.cloned().collect::<Vec<_>>() {
            self.note(&format!("options.{key}"), "has no place in a task protocol, left out");
        }
        let mills =
            |protocol: &Protocol, key: &str| protocol.tasks.iter().any(|(_, task)| task.milling.contains_key(key));
        for (key, task) in &legacy.milling {
            let placed = match key.as_str() {
                "lamella" => true,
                "microexpansion" => legacy.flag("use_microexpansion", true) && legacy.method != Method::Trench,
                "notch" => legacy.flag("use_notch", false) && legacy.method != Method::Trench,
                key => mills(&self.protocol, key),
            };
            if !placed {
                self.note(
                    &format!("milling.{key}"),
                    format!("{} stages that this method does not mill, left out", task.stages.len()),
                );
            }
        }
    }
}

/// What the shipped protocols mill under a key of before: that of the method first.
fn ready(method: Method, key: &str) -> Option<MillingTask> {
    let pattern = match key {
        "microexpansion" => Some("MicroExpansion"),
        "notch" => Some("WaffleNotch"),
        _ => None,
    };
    [method, Method::Waffle, Method::OnGrid].into_iter().find_map(|method| {
        let protocol = shipped(method.word()).ok()?;
        let mut milled = protocol
            .tasks
            .iter()
            .flat_map(|(_, task)| task.milling.keys().map(move |key| (key, task.milling(key))));
        milled.find_map(|(at, read)| {
            let (task, _) = read?.ok()?;
            let of_pattern = || {
                task.stages
                    .iter()
                    .filter(|s| Some(s.pattern.name()) == pattern)
                    .cloned()
                    .collect::<Vec<_>>()
            };
            match pattern {
                None => (at == key).then_some(task),
                Some(_) => Some(of_pattern())
                    .filter(|stages| !stages.is_empty())
                    .map(|stages| MillingTask { stages, ..task }),
            }
        })
    })
}

fn set(task: &mut TaskConfig, key: &str, value: Value) {
    task.parameters.insert(key.to_owned(), value);
}
