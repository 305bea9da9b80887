//! Events as lines of the Log tab: what happened, in words. What repeats by itself (positions while moving, live pictures)
//! is for those who ask for more levels.

use engine::Event;
use engine::event::{By, How, Sequenced, disk_low};
use model::{GasState, Unit, text, units};
use tracing::{debug, info, warn};

/// Writes an event into the log.
pub fn log(sequenced: &Sequenced) {
    let event = &sequenced.event;
    let words = text::printable(&words(event));
    match event {
        // a notice has been written where it was raised
        Event::Raised { .. }
        | Event::Stage { .. }
        | Event::BeamChanged { by: By::Us, .. }
        | Event::ChamberChanged { by: By::Us, .. }
        | Event::Patterning { by: By::Us, .. } => {
            debug!(target: "event", "{words}");
        }
        Event::FrameTaken { frame } if frame.live => debug!(target: "event", "{words}"),
        Event::LinkTrouble { .. } | Event::DiskLow { .. } | Event::Stopped { .. } | Event::Owed { .. } => {
            warn!(target: "event", "{words}");
        }
        _ => info!(target: "event", "{words}"),
    }
}

fn by(by: By) -> &'static str {
    match by {
        By::Us => "",
        By::Other => ", not by fibdeck",
    }
}

/// An event in words, one line.
pub fn words(event: &Event) -> String {
    match event {
        Event::Connecting { instrument } => format!("connecting to {instrument}"),
        Event::Connected(connection) => format!("connected to {} at {}", connection.identity.name, connection.address),
        Event::Disconnected { reason: Some(reason) } => format!("disconnected: {reason}"),
        Event::Disconnected { reason: None } => "disconnected".to_owned(),
        Event::LinkTrouble { text } => text.clone(),
        Event::DiskLow { free } => disk_low(*free)[0].clone(),
        Event::Stage { by: who, stage } => format!("stage at {}{}", stage.state.pose, by(*who)),
        Event::BeamChanged { by: who, beam, state } => {
            let settings = &state.settings;
            let power = match (state.on, state.blanked) {
                (false, _) => "off",
                (true, true) => "on, blanked",
                (true, false) => "on",
            };
            let (voltage, current) = (
                units::format(settings.voltage, Unit::Volt),
                units::format(settings.beam_current, Unit::Ampere),
            );
            format!("{} {power}, {voltage}, {current}{}", beam.short(), by(*who))
        }
        Event::ChamberChanged { by: who, state } => {
            format!(
                "chamber {}, {}{}",
                state.phase.word().to_lowercase(),
                units::format(state.pressure, Unit::Pascal),
                by(*who)
            )
        }
        Event::Settings { settings } => {
            let (w, h) = settings.resolution;
            let (field, dwell) = (
                units::format(settings.hfw, Unit::Metre),
                units::format(settings.dwell_time, Unit::Second),
            );
            format!("next {} picture: {field}, {w}x{h}, {dwell}", settings.beam_type.short())
        }
        Event::JobStarted { job } => format!("job {} started by {}: {}", job.id, job.by, job.title),
        Event::JobEnded { id, end } => {
            let how = match end.how {
                How::Done => "done",
                How::Failed => "failed",
                How::Stopped => "stopped",
            };
            let why = end
                .failure
                .as_ref()
                .map(|failure| format!(": {failure}"))
                .unwrap_or_default();
            format!("job {id} {how}{why}")
        }
        Event::JobPaused { id, paused } => format!("job {id} {}", if *paused { "paused" } else { "goes on" }),
        Event::Asked { question } => format!("job {} asks: {}", question.job, question.text),
        Event::Answered { id, choice, .. } => format!("question {id} answered: {choice}"),
        Event::FrameTaken { frame } => {
            let what = frame.beam.map_or("chamber camera", |beam| beam.short());
            let file = frame
                .file
                .as_deref()
                .map(|file| format!(", {file}"))
                .unwrap_or_default();
            format!("picture {} {what} {}x{}{file}", frame.id, frame.size.0, frame.size.1)
        }
        Event::Live { beam, live } => {
            let why = live
                .reason
                .as_deref()
                .map(|reason| format!(": {reason}"))
                .unwrap_or_default();
            format!("live {} {}{why}", beam.short(), if live.on { "on" } else { "off" })
        }
        Event::Raised { notice, .. } => {
            let parts = [&notice.title, &notice.detail, &notice.hint].map(String::as_str);
            parts
                .iter()
                .filter(|part| !part.is_empty())
                .copied()
                .collect::<Vec<_>>()
                .join("; ")
        }
        Event::Seen { .. } => "notices acknowledged".to_owned(),
        Event::Positions { positions } => format!("{} saved positions", positions.len()),
        Event::Session { session, .. } => format!("session in {}", session.folder),
        Event::Control { holder: Some(holder) } => format!("{holder} has control"),
        Event::Control { holder: None } => "nobody has control".to_owned(),
        Event::Stopped { by, .. } => format!("STOP by {by}"),
        Event::Patterning { by: who, state } => format!(
            "patterning {}, {:.0} %{}",
            state.phase.word().to_lowercase(),
            state.fraction() * 100.0,
            by(*who)
        ),
        Event::NeedleChanged { by: who, state } => {
            let place = if state.inserted { "inserted" } else { "retracted" };
            format!("needle {place}{}", by(*who))
        }
        Event::GasChanged { by: who, state } => format!("{}{}", gas(state), by(*who)),
        Event::Plan { plan: Some(plan) } => {
            let stages = plan.task.stages.len();
            format!("milling task {} loaded, {stages} stages", plan.task.name)
        }
        Event::Plan { plan: None } => "no milling task is loaded".to_owned(),
        Event::Milling { run } if run.ended => format!("milling task {} ended, {}", run.task, run.doing),
        Event::Milling { run } => format!("milling task {}: {}", run.task, run.doing),
        Event::MillingAngle { angle } => format!("milling angle {}", units::format(*angle, Unit::Radian)),
        Event::NeedlePositions { positions } => format!("{} saved needle positions", positions.len()),
        Event::Detection { detection } => {
            let there = detection.features.iter().filter(|f| f.px.is_some()).count();
            let confirmed = if detection.confirmed { ", confirmed" } else { "" };
            format!("{there} of {} features are there{confirmed}", detection.features.len())
        }
        Event::Experiment { experiment: None } => "no experiment is open".to_owned(),
        Event::Experiment {
            experiment: Some(experiment),
        } => format!("experiment {}, {} lamellae", experiment.name, experiment.lamellae.len()),
        Event::Lamella { lamella } if lamella.task.is_empty() => format!("lamella {}", lamella.name),
        Event::Lamella { lamella } => format!("lamella {}: {}, {}", lamella.name, lamella.task, lamella.step),
        Event::Queue { queue, .. } => format!("queue: {} wait", queue.pending().count()),
        Event::Owed { what } if what.is_empty() => "nothing is left to put back".to_owned(),
        Event::Owed { what } => format!("left changed, job.restore puts it back: {}", what.join("; ")),
    }
}

/// Which injectors are near the sample, and where gas flows.
fn gas(state: &GasState) -> String {
    let inserted = state.ports.iter().filter(|port| port.inserted);
    let said: Vec<String> = inserted
        .map(|port| {
            let valve = if port.open { "open" } else { "closed" };
            format!("{} inserted, valve {valve}", port.port)
        })
        .collect();
    if said.is_empty() {
        "gas retracted".to_owned()
    } else {
        format!("gas {}", said.join("; "))
    }
}
