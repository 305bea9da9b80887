//! What can be set of a stage and of the task: one row of [`SECTIONS`] per form, one field per parameter.
//!
//! The parameters, their limits and their words are the pattern room's and the instrument's; here they become fields of a form,
//! and what was typed becomes an edit of the task. To add a section: a row, its arm in [`fields`] and in [`set`].

use super::offers::{Offers, beam_time, control, current, text};
use crate::cx::Cx;
use crate::widget::form::{Field, Kind};
use model::{Beam, ImageSettings, Unit, Value, units};
use pattern::task::{ACQUISITION_FIELDS, ALIGNMENT_FIELDS, STRATEGIES, Strategy, milling_fields};
use pattern::{FieldError, MillingStage, MillingTask, PATTERNS, Pattern, estimate, field};

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Pattern,
    Beam,
    Strategy,
    Task,
    Alignment,
    Pictures,
}

pub struct SectionRow {
    pub section: Section,
    pub title: &'static str,
    /// Names its rows in clicks.
    pub zone: &'static str,
}

const fn row(section: Section, title: &'static str, zone: &'static str) -> SectionRow {
    SectionRow { section, title, zone }
}

/// In the order they are shown: those of the selected stage, then those of the task.
pub const SECTIONS: &[SectionRow] = &[
    row(Section::Pattern, "Pattern", "milling-pattern"),
    row(Section::Beam, "Beam", "milling-beam"),
    row(Section::Strategy, "Strategy", "milling-strategy"),
    row(Section::Task, "Task", "milling-task"),
    row(Section::Alignment, "Alignment", "milling-alignment"),
    row(Section::Pictures, "Pictures", "milling-pictures"),
];

const STAGE_NAME: &str = "stage.name";
const STAGE_PATTERN: &str = "stage.pattern";
const STAGE_STRATEGY: &str = "stage.strategy";
const TASK_NAME: &str = "task.name";
const TASK_FIELD: &str = "task.field_of_view";
const TASK_CHANNEL: &str = "task.channel";
const IMAGE_FIELD: &str = "imaging.hfw";
const IMAGE_SIZE: &str = "imaging.resolution";
const IMAGE_DWELL: &str = "imaging.dwell_time";
/// The row that starts drawing the alignment area.
pub const AREA: &str = "alignment.rect";
/// The row that shows, or folds away, what is seldom needed.
pub const MORE: &str = "more";

fn words(names: impl IntoIterator<Item = &'static str>) -> Kind {
    Kind::Choice(names.into_iter().map(str::to_owned).collect())
}

/// Fields of a form while they are gathered.
struct Rows<'a> {
    offers: &'a Offers<'a>,
    /// What is seldom needed, too.
    all: bool,
    fields: Vec<Field>,
    /// Parameters that are left out.
    folded: usize,
    /// Some of them could be.
    foldable: bool,
}

impl Rows<'_> {
    fn take(
        &mut self,
        parameters: impl Iterator<Item = &'static field::Field>,
        get: impl Fn(&'static field::Field) -> String,
    ) {
        for parameter in parameters {
            // where a pattern is, is never folded away
            let seldom = parameter.advanced && !pattern::POINT.iter().any(|p| p.key == parameter.key);
            self.foldable |= seldom;
            if seldom && !self.all {
                self.folded += 1;
            } else {
                self.fields.push(self.offers.field(parameter, &get(parameter)));
            }
        }
    }

    fn end(mut self) -> Vec<Field> {
        let (word, value) = match self.all {
            true => ("Fewer", Value::Null),
            false => ("More", Value::Text(format!("{} fields", self.folded))),
        };
        if self.foldable {
            self.fields.push(Field::new(MORE, word, Kind::Button).value(value));
        }
        self.fields
    }
}

/// The fields of a section; those of a stage are none where there is none. `all`: what is seldom needed, too.
pub fn fields(section: Section, task: &MillingTask, stage: Option<&MillingStage>, all: bool, cx: &Cx) -> Vec<Field> {
    let offers = Offers::of(task.channel, cx);
    let mut rows = Rows {
        offers: &offers,
        all,
        fields: Vec::new(),
        folded: 0,
        foldable: false,
    };
    match (section, stage) {
        (Section::Pattern, Some(stage)) => {
            let names = words(PATTERNS.iter().map(|row| row.name));
            rows.fields.push(named(STAGE_NAME, "Name", Kind::Text, &stage.name));
            rows.fields
                .push(named(STAGE_PATTERN, "Pattern", names, stage.pattern.name()));
            rows.take(stage.pattern.fields(), |f| stage.pattern.get(f.key).unwrap_or_default());
        }
        (Section::Beam, Some(stage)) => rows.take(milling_fields(control(cx)), |f| field::get(&stage.milling, f)),
        (Section::Strategy, Some(stage)) => {
            let names = words(STRATEGIES.iter().map(|row| row.name));
            rows.fields
                .push(named(STAGE_STRATEGY, "Strategy", names, stage.strategy.name()));
            let parameters = stage.strategy.row().map_or(&[][..], |row| row.fields);
            rows.take(parameters.iter(), |f| stage.strategy.get(f.key).unwrap_or_default());
        }
        (Section::Task, _) => rows.fields = of_task(task, &offers),
        (Section::Alignment, _) => {
            rows.take(ALIGNMENT_FIELDS.iter(), |f| field::get(&task.alignment, f));
            let area = Field::new(AREA, "Area", Kind::Button).value(Value::Rect(task.alignment.rect));
            rows.fields.push(area);
            rows.fields.extend(imaging(&task.alignment.imaging, false, &offers));
        }
        (Section::Pictures, _) => {
            rows.take(ACQUISITION_FIELDS.iter(), |f| field::get(&task.acquisition, f));
            rows.fields.extend(imaging(&task.acquisition.imaging, true, &offers));
        }
        (Section::Pattern | Section::Beam | Section::Strategy, None) => {}
    }
    rows.end()
}

fn named(key: &'static str, label: &'static str, kind: Kind, text: &str) -> Field {
    Field::new(key, label, kind).value(Value::Text(text.to_owned()))
}

fn of_task(task: &MillingTask, offers: &Offers) -> Vec<Field> {
    let (low, high) = offers.beam.map_or((1e-6, 5e-3), |beam| beam.hfw);
    let channels = offers.milling.map(|m| m.channels.clone()).unwrap_or_default();
    let mut rows = vec![
        named(TASK_NAME, "Name", Kind::Text, &task.name),
        Field::new(TASK_FIELD, "Field of view", Kind::length(low, high))
            .value(Value::Number(task.field_of_view))
            .doc("of all stages"),
    ];
    if channels.len() > 1 {
        let beams = words(channels.into_iter().map(Beam::word));
        rows.push(named(TASK_CHANNEL, "Beam", beams, task.channel.word()));
    }
    rows
}

fn imaging(settings: &ImageSettings, field: bool, offers: &Offers) -> Vec<Field> {
    let (low, high) = offers.beam.map_or((1e-6, 5e-3), |beam| beam.hfw);
    let (fast, slow) = offers.beam.map_or((1e-9, 1.0), |beam| beam.dwell_time);
    let (w, h) = settings.resolution;
    let mut rows = vec![
        Field::new(IMAGE_SIZE, "Size", offers.sizes()).value(Value::Size(w, h)),
        Field::new(IMAGE_DWELL, "Dwell", Kind::number(Unit::Second, fast, slow))
            .value(Value::Number(settings.dwell_time)),
    ];
    if field {
        rows.insert(
            0,
            Field::new(IMAGE_FIELD, "Field", Kind::length(low, high)).value(Value::Number(settings.hfw)),
        );
    }
    rows
}

/// Sets what was typed; the task is as it was where it is refused.
pub fn set(task: &mut MillingTask, at: usize, section: Section, key: &str, typed: &Value) -> Result<(), FieldError> {
    let stage = task.stages.get_mut(at);
    let as_text = |unit| text(typed, unit);
    let of = |parameters: &'static [field::Field]| field::find(parameters, key);
    match (section, stage) {
        (Section::Pattern, Some(stage)) => match key {
            STAGE_NAME => stage.name = as_text(None),
            STAGE_PATTERN => become_pattern(stage, &as_text(None)),
            _ => {
                let unit = field::find(stage.pattern.fields().collect::<Vec<_>>(), key)?.unit();
                stage.pattern.set(key, &as_text(unit))?;
            }
        },
        (Section::Beam, Some(stage)) => {
            let all = pattern::task::MILLING_FIELDS.iter().map(|row| &row.field);
            let parameter = field::find(all, key)?;
            field::set(&mut stage.milling, parameter, &as_text(parameter.unit()))?;
        }
        (Section::Strategy, Some(stage)) => match (key, stage.strategy.row()) {
            (STAGE_STRATEGY, _) => stage.strategy = Strategy::named(&as_text(None)).unwrap_or_default(),
            (_, Some(row)) => {
                let unit = field::find(row.fields, key)?.unit();
                stage.strategy.set(key, &as_text(unit))?;
            }
            (_, None) => {}
        },
        (Section::Task, _) => match (key, typed) {
            (TASK_NAME, _) => task.name = as_text(None),
            (TASK_FIELD, Value::Number(width)) => task.field_of_view = *width,
            (TASK_CHANNEL, _) => task.channel = as_text(None).parse().unwrap_or(task.channel),
            _ => {}
        },
        (Section::Alignment, _) => match set_imaging(&mut task.alignment.imaging, key, typed) {
            true => {}
            false => {
                let parameter = of(ALIGNMENT_FIELDS)?;
                field::set(&mut task.alignment, parameter, &as_text(parameter.unit()))?;
            }
        },
        (Section::Pictures, _) => match set_imaging(&mut task.acquisition.imaging, key, typed) {
            true => {}
            false => {
                let parameter = of(ACQUISITION_FIELDS)?;
                field::set(&mut task.acquisition, parameter, &as_text(parameter.unit()))?;
            }
        },
        (Section::Pattern | Section::Beam | Section::Strategy, None) => {}
    }
    Ok(())
}

fn set_imaging(settings: &mut ImageSettings, key: &str, typed: &Value) -> bool {
    match (key, typed) {
        (IMAGE_FIELD, Value::Number(width)) => settings.hfw = *width,
        (IMAGE_SIZE, Value::Size(w, h)) => settings.resolution = (*w, *h),
        (IMAGE_DWELL, Value::Number(seconds)) => settings.dwell_time = *seconds,
        _ => return false,
    }
    true
}

/// Another pattern at the same place, with what both have in common.
fn become_pattern(stage: &mut MillingStage, name: &str) {
    let Ok(mut pattern) = Pattern::named(name) else { return };
    if pattern.name() == stage.pattern.name() {
        return;
    }
    for parameter in ["width", "height", "depth", "spacing"] {
        if let Ok(text) = stage.pattern.get(parameter) {
            // what the other has no such parameter for, or other limits, stays at its default
            pattern.set(parameter, &text).ok();
        }
    }
    pattern.put(stage.pattern.place());
    stage.pattern = pattern;
}

/// The section in a few words, where its form is folded.
pub fn summary(section: Section, task: &MillingTask, stage: Option<&MillingStage>, cx: &Cx) -> String {
    let length = |m: f64| units::format(m, Unit::Metre);
    match (section, stage) {
        (Section::Pattern, Some(stage)) => format!("{} {} deep", stage.pattern.name(), length(stage.pattern.depth())),
        (Section::Beam, Some(stage)) => {
            let time = estimate::format_duration_short(beam_time(stage, cx), false);
            format!("{}, {time}", current(stage, cx))
        }
        (Section::Strategy, Some(stage)) => stage.strategy.name().to_owned(),
        (Section::Task, _) => format!(
            "{}, {} field",
            model::text::printable(&task.name),
            length(task.field_of_view)
        ),
        (Section::Alignment, _) => match (task.alignment.enabled, task.alignment.interval_enabled) {
            (false, _) => "off".to_owned(),
            (true, false) => "before each stage".to_owned(),
            (true, true) => format!("before each stage, then every {} s", task.alignment.interval),
        },
        (Section::Pictures, _) => match (task.acquisition.acquire_sem, task.acquisition.acquire_fib) {
            (true, true) => "SEM and FIB after each stage",
            (true, false) => "SEM after each stage",
            (false, true) => "FIB after each stage",
            (false, false) if task.acquisition.acquire_final_image => "FIB at the end",
            (false, false) => "none",
        }
        .to_owned(),
        (Section::Pattern | Section::Beam | Section::Strategy, None) => String::new(),
    }
}
