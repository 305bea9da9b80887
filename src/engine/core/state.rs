//! The state for display, as `system.state` and `fibdeck status` print it: SI units, the keys of the command line's contract.

use super::{Core, lock, watch};
use crate::snapshot::Snapshot;
use model::{Axis, Beam, BeamState};
use serde_json::{Map, Value, json};
use std::sync::Arc;

impl Core {
    /// Reads the instrument afresh and says how everything is.
    pub(crate) async fn state(self: &Arc<Core>) -> Value {
        watch::look_now(self).await;
        render(&self.snapshot(), lock(&self.connected).is_some())
    }
}

fn render(snapshot: &Snapshot, connected: bool) -> Value {
    let active: Vec<_> = snapshot.jobs.iter().filter(|job| job.end.is_none()).collect();
    json!({
        "instrument": snapshot.instrument,
        "connected": connected,
        "time": snapshot.time,
        "control": snapshot.control,
        "chamber": snapshot.chamber.as_ref().map(|c| json!({ "state": c.value.phase.word(), "pressure_pa": c.value.pressure })),
        "stage": stage(snapshot),
        "electron": beam(snapshot, Beam::Electron),
        "ion": beam(snapshot, Beam::Ion),
        "manipulator": snapshot.needle.as_ref().map(|needle| &needle.value),
        "gis": snapshot.gas.as_ref().map(|gas| &gas.value),
        "milling": milling(snapshot),
        "jobs": active,
        "notices": snapshot.notices.iter().filter(|n| !n.seen).collect::<Vec<_>>(),
    })
}

/// What the beam does to the sample, and how far the task (or, without one, what is loaded) has come.
fn milling(snapshot: &Snapshot) -> Value {
    let Some(patterning) = snapshot.patterning.as_ref().map(|p| &p.value) else {
        return Value::Null;
    };
    let (progress, remaining) = match &snapshot.milling {
        Some(run) if !run.ended => (run.fraction, run.remaining),
        _ if patterning.estimated > 0.0 => (patterning.elapsed / patterning.estimated, patterning.remaining()),
        _ => (0.0, 0.0),
    };
    json!({ "state": patterning.phase, "progress": progress.clamp(0.0, 1.0), "remaining_s": remaining, "task": snapshot.milling })
}

fn stage(snapshot: &Snapshot) -> Value {
    let (Some(stage), Some(connection)) = (&snapshot.stage, &snapshot.connection) else {
        return Value::Null;
    };
    let state = stage.value.state;
    let mut limits = Map::new();
    if let Some(capabilities) = &connection.capabilities.stage {
        for axis in Axis::ALL {
            if let Some((low, high)) = capabilities.limits.get(axis) {
                limits.insert(axis.name().to_owned(), json!([low, high]));
            }
        }
    }
    json!({
        "x": state.pose.x, "y": state.pose.y, "z": state.pose.z, "r": state.pose.r, "t": state.pose.t,
        "moving": state.moving, "homed": state.homed, "linked": state.linked,
        "limits": limits,
        "orientation": stage.value.orientation,
        "milling_angle_deg": stage.value.milling_angle_deg,
    })
}

fn beam(snapshot: &Snapshot, beam: Beam) -> Value {
    let Some(aged) = snapshot.beam(beam) else {
        return Value::Null;
    };
    let BeamState {
        on,
        blanked,
        settings,
        detector,
        plasma_gas,
    } = &aged.value;
    json!({
        "on": on, "blanked": blanked,
        "voltage": settings.voltage, "current": settings.beam_current, "hfw": settings.hfw,
        "working_distance": settings.working_distance, "dwell_time": settings.dwell_time, "resolution": settings.resolution,
        "stigmation": settings.stigmation, "shift": settings.shift, "scan_rotation": settings.scan_rotation,
        "preset": settings.preset, "detector": detector, "plasma_gas": plasma_gas,
    })
}
