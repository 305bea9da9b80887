//! `/metrics`: what a Prometheus server asks for every few seconds. Only what is known is told; nothing is read for it.

use super::reply::Reply;
use super::route::{Call, Route, look};
use crate::snapshot::Snapshot;
use hyper::StatusCode;
use model::{Axis, Beam};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const ROUTES: &[Route] = &[look("/metrics", |call| {
    Box::pin(async move {
        let text = exposition(&call);
        Ok(Reply::Bytes("text/plain; version=0.0.4", text.into_bytes()))
    })
})];

/// Answers since the door was opened, by the first digit of their status.
#[derive(Default)]
pub(super) struct Counts([AtomicU64; 6]);

impl Counts {
    pub fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.0[class].fetch_add(1, Ordering::Relaxed);
    }
}

/// One metric: name, kind, help, and its values by label.
fn metric(out: &mut String, name: &str, kind: &str, help: &str, values: &[(String, f64)]) {
    if values.is_empty() {
        return;
    }
    // writing to a String cannot fail
    let _ = write!(out, "# HELP fibdeck_{name} {help}\n# TYPE fibdeck_{name} {kind}\n");
    for (labels, value) in values {
        let _ = writeln!(out, "fibdeck_{name}{labels} {value}");
    }
}

fn bare(value: f64) -> Vec<(String, f64)> {
    vec![(String::new(), value)]
}

fn exposition(call: &Call) -> String {
    let snapshot = call.link.snapshot();
    let mut out = String::new();
    instrument(&mut out, &snapshot);
    jobs(&mut out, &snapshot);
    let classes = call.house.counts.0.iter().enumerate().skip(2);
    let answers = classes.map(|(class, n)| (format!("{{status=\"{class}xx\"}}"), n.load(Ordering::Relaxed) as f64));
    metric(
        &mut out,
        "http_answers_total",
        "counter",
        "Answers of the web door.",
        &answers.collect::<Vec<_>>(),
    );
    let clients = &call.house.clients;
    let (here, waiting) = (clients.count() as f64, clients.waiting() as f64);
    for (name, help, value) in [
        ("http_clients", "Clients of the web door.", here),
        ("http_waiting", "Requests that wait for their turn to act.", waiting),
    ] {
        metric(&mut out, name, "gauge", help, &bare(value));
    }
    out
}

fn instrument(out: &mut String, snapshot: &Snapshot) {
    let mut gauge = |name: &str, help: &str, values: Vec<(String, f64)>| metric(out, name, "gauge", help, &values);
    let flag = |on: bool| f64::from(u8::from(on));
    gauge(
        "connected",
        "An instrument is connected.",
        bare(flag(snapshot.connection.is_some())),
    );
    gauge(
        "read_age_seconds",
        "Since the instrument was last read whole.",
        bare(snapshot.age()),
    );
    if let Some(stage) = &snapshot.stage {
        let pose = stage.value.state.pose;
        let axes = Axis::ALL.map(|axis| (format!("{{axis=\"{}\"}}", axis.name()), pose.get(axis)));
        gauge("stage_position", "Of the stage, m and rad.", axes.to_vec());
        gauge("stage_moving", "The stage moves.", bare(flag(stage.value.state.moving)));
    }
    let columns: Vec<_> = Beam::ALL
        .into_iter()
        .filter_map(|beam| Some((beam, &snapshot.beam(beam)?.value)))
        .collect();
    let each = |value: &dyn Fn(&model::BeamState) -> f64| -> Vec<(String, f64)> {
        columns
            .iter()
            .map(|(beam, state)| (format!("{{beam=\"{beam}\"}}"), value(state)))
            .collect()
    };
    gauge("beam_on", "The beam is on.", each(&|b| flag(b.on)));
    gauge("beam_blanked", "The beam is blanked.", each(&|b| flag(b.blanked)));
    gauge(
        "beam_current_amperes",
        "Probe current.",
        each(&|b| b.settings.beam_current),
    );
    gauge("beam_voltage_volts", "High voltage.", each(&|b| b.settings.voltage));
    if let Some(chamber) = &snapshot.chamber {
        gauge(
            "chamber_pressure_pascals",
            "Of the chamber.",
            bare(chamber.value.pressure),
        );
    }
    if let Some(patterning) = &snapshot.patterning {
        gauge(
            "milling_active",
            "A beam mills.",
            bare(flag(patterning.value.phase.is_active())),
        );
        gauge(
            "milling_fraction",
            "Done of what is loaded.",
            bare(patterning.value.fraction()),
        );
    }
    gauge(
        "unseen_alarms",
        "Alarms that nobody has acknowledged.",
        bare(snapshot.alarms().count() as f64),
    );
}

fn jobs(out: &mut String, snapshot: &Snapshot) {
    let running = snapshot.running();
    let mut gauge = |name: &str, help: &str, value: f64| metric(out, name, "gauge", help, &bare(value));
    gauge("job_running", "A job runs.", f64::from(u8::from(running.is_some())));
    gauge(
        "job_waits",
        "A job waits for a person.",
        f64::from(u8::from(snapshot.question.is_some())),
    );
    if let Some(fraction) = running.and_then(|job| job.progress.as_ref()?.fraction) {
        gauge("job_fraction", "Done of the running job.", fraction);
    }
    metric(
        out,
        "events_total",
        "counter",
        "Events so far.",
        &bare(snapshot.seq as f64),
    );
}
