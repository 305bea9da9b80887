//! What milling will do: every stage with current, depth and time, the whole and its end.

use super::Words;
use super::words::{chamber, number, word};
use crate::cx::Cx;
use crate::fit::cut;
use crate::widget::picture::aim;
use engine::event::StageView;
use engine::{Command, Snapshot};
use model::capabilities::MillingControl;
use model::{Beam, Unit, text, units};
use pattern::estimate::Planner;
use pattern::{Eta, MillingStage, MillingTask, Unfinished, estimate};
use picture::Position;

/// The plan with the stages on that the command names.
fn chosen(command: &Command, snapshot: &Snapshot) -> Option<MillingTask> {
    let mut task = snapshot.plan.as_ref()?.task.clone();
    if let Some(named) = command.args.get("stages").and_then(|stages| stages.as_str()) {
        let numbers: Vec<usize> = named.split(',').filter_map(|part| part.trim().parse().ok()).collect();
        for (i, stage) in task.stages.iter_mut().enumerate() {
            stage.enabled = numbers.contains(&(i + 1));
        }
    }
    Some(task)
}

pub(super) fn run(command: &Command, cx: &Cx) -> Words {
    let snapshot = cx.snapshot;
    let Some(task) = chosen(command, snapshot).filter(|task| task.enabled().next().is_some()) else {
        return (
            "Mill?".to_owned(),
            vec!["It will be refused: no stage is loaded that could be milled.".to_owned()],
        );
    };
    let (on, all) = (task.enabled().count(), task.stages.len());
    let title = format!("Mill {on} of {all} stages of {}?", text::printable(&task.name));
    let mut lines = plan(&task, cx);
    lines.extend(again(&task, snapshot));
    lines.extend(doubts(task.channel, cx));
    (title, lines)
}

/// What the last run left.
pub(super) fn go_on(cx: &Cx) -> Words {
    let left = cx.snapshot.milling.as_ref().and_then(|run| run.unfinished.as_deref());
    let Some(Unfinished { task, rest, .. }) = left else {
        return (
            "Mill what is missing?".to_owned(),
            vec!["It will be refused: nothing is known to be missing.".to_owned()],
        );
    };
    let mut lines = plan(task, cx);
    if rest.shapes() > 0 {
        lines.push(format!(
            "of stage {} only what is missing (shapes: {}), so it takes less",
            rest.stage + 1,
            rest.shapes()
        ));
    }
    lines.extend(doubts(task.channel, cx));
    (
        format!("Mill what is missing of {}?", text::printable(&task.name)),
        lines,
    )
}

/// Every stage that is on, the whole and its end, and how beam and sample stand.
fn plan(task: &MillingTask, cx: &Cx) -> Vec<String> {
    let snapshot = cx.snapshot;
    let planner = snapshot.planner();
    let mut lines: Vec<String> = task.enabled().map(|(i, stage)| row(i, stage, planner)).collect();
    let total = Eta::of_task(task, planner).first();
    let beam: f64 = task
        .enabled()
        .map(|(_, stage)| estimate::stage_time(stage, planner))
        .sum();
    lines.push(format!(
        "total {}, beam on for {} of it; done at {}",
        duration(total),
        duration(beam),
        cx.clock(cx.now + total)
    ));
    lines.push(format!(
        "{} field, {}",
        units::format(task.field_of_view, Unit::Metre),
        match (task.alignment.enabled, task.alignment.interval_enabled) {
            (false, _) => "NO ALIGNMENT".to_owned(),
            (true, false) => "aligned before each stage".to_owned(),
            (true, true) => format!("aligned before each stage and every {} s", task.alignment.interval),
        }
    ));
    lines.extend(snapshot.stage.as_ref().map(|stage| posture(&stage.value)));
    lines.extend(chamber(snapshot));
    lines
}

/// Number, name, pattern, current or preset, depth, time.
fn row(index: usize, stage: &MillingStage, planner: Planner<'_>) -> String {
    let beam = match planner.control {
        MillingControl::Current => units::format(stage.milling.milling_current, Unit::Ampere),
        MillingControl::Preset => text::printable(&stage.milling.preset),
    };
    format!(
        "{:>2} {:<14} {:<10} {beam:>7} {:>7} deep {:>7}",
        index + 1,
        cut(&text::printable(&stage.name), 14),
        cut(stage.pattern.name(), 10),
        units::format(stage.pattern.depth(), Unit::Metre),
        duration(estimate::stage_time(stage, planner))
    )
}

/// How the sample stands to the beams.
fn posture(stage: &StageView) -> String {
    format!(
        "stage at {}, milling angle {:.1} deg",
        stage.orientation, stage.milling_angle_deg
    )
}

/// What the last run has milled of these stages: it would be milled once more.
fn again(task: &MillingTask, snapshot: &Snapshot) -> Vec<String> {
    let Some(last) = snapshot.milling.as_ref().filter(|run| run.task == task.name) else {
        return Vec::new();
    };
    let done = task.enabled().filter_map(|(i, stage)| {
        let before = last
            .stages
            .get(i)
            .filter(|s| s.name == stage.name && s.fraction > 0.0)?;
        let name = text::printable(&stage.name);
        Some(format!(
            "{name} WAS MILLED to {:.0} %: it begins again from 0.",
            100.0 * before.fraction
        ))
    });
    done.collect()
}

pub(super) fn duration(seconds: f64) -> String {
    estimate::format_duration_short(seconds, true)
}

/// Why it would be refused, or would not mill what one sees.
fn doubts(beam: Beam, cx: &Cx) -> Vec<String> {
    let mut doubts = Vec::new();
    if cx.snapshot.beam(beam).is_some_and(|state| !state.value.on) {
        doubts.push(format!(
            "It will be refused: {} is off. Turn it on first.",
            beam.short()
        ));
    } else if cx.snapshot.beam(beam).is_some_and(|state| state.value.blanked) {
        doubts.push(format!(
            "It will be refused: {} is blanked. Unblank it first.",
            beam.short()
        ));
    }
    let moved = match cx.snapshot.newest(beam) {
        None => Some(format!("There is no {} picture of this place.", beam.short())),
        Some(frame) => match aim(frame, Position::default(), cx) {
            Ok(aim) if aim.carried.is_some() => Some("The stage has moved since the last picture.".to_owned()),
            Ok(_) => None,
            Err(refused) => Some(format!("The last picture may not show this place: {}.", refused.why)),
        },
    };
    doubts.extend(moved);
    doubts
}

pub(super) fn resume(snapshot: &Snapshot) -> Words {
    let run = snapshot.milling.as_ref().filter(|run| !run.ended);
    let lines = run.map(|run| {
        let stage = run.at.and_then(|at| run.stages.get(at));
        let stage = stage.map_or_else(String::new, |s| {
            format!("{} at {:.0} %, ", text::printable(&s.name), 100.0 * s.fraction)
        });
        format!("{stage}{} left", duration(run.remaining))
    });
    ("Let milling go on?".to_owned(), lines.into_iter().collect())
}

pub(super) fn spots(command: &Command, cx: &Cx) -> Words {
    let count = match command.args.get("points").and_then(|points| points.as_str()) {
        Some(points) => points.split(';').count(),
        None => 0,
    };
    let plural = if count == 1 { "" } else { "s" };
    let beam: Beam = word(command, "beam").parse().unwrap_or(Beam::Ion);
    let shown = |name: &str, unit: Unit| {
        number(command, name).map_or_else(|| "as usual".to_owned(), |value| units::format(value, unit))
    };
    let strength = match command.args.get("preset").and_then(|preset| preset.as_str()) {
        Some(preset) => text::printable(preset),
        None => shown("milling_current", Unit::Ampere),
    };
    let mut lines = vec![format!("{} each at {strength}", shown("exposure_time", Unit::Second))];
    if let Some(exposure) = number(command, "exposure_time") {
        let total = exposure * count as f64;
        lines.push(format!(
            "total {}, done at {}",
            duration(total),
            cx.clock(cx.now + total)
        ));
    }
    lines.extend(chamber(cx.snapshot));
    lines.extend(doubts(beam, cx));
    (format!("Burn {count} spot{plural} with {}?", beam.short()), lines)
}
