//! What is really so, for tests, scoring and the `truth` command. Nothing that drives an instrument may read it.

use super::world::World;
use model::{Beam, Pose};
use nalgebra::Vector3;
use serde_json::{Value, json};

impl World {
    /// Keys and units of the command line's `truth`: m, rad, s, C. Errors are worked out from the geometry, not from what was
    /// commanded; a focus error is the working distance set less the distance from the lens to the sample plane.
    pub fn truth(&self) -> Value {
        let twin = &self.instrument.twin;
        self.look(|state, now| {
            let pose = state.stage.true_pose(now);
            let drift = self.drift(&pose, now);
            let surface = |beam| self.surface(beam, &pose, drift);
            let mut focus_error = |beam| {
                let above = surface(beam)?;
                Some(state.column(beam).state.settings.working_distance - (self.geometry.eucentric(beam) - above))
            };
            let (electron, ion) = (focus_error(Beam::Electron), focus_error(Beam::Ion));
            let touched: Vec<Value> = state
                .touched
                .iter()
                .map(|c| json!({ "clock_s": c.at, "with": c.with, "pose": c.pose }))
                .collect();
            json!({
                "seed": twin.seed,
                "scene": twin.scene,
                "pose": pose,
                "coincidence_error_m": surface(Beam::Electron),
                "focus_error_m": { "electron": electron, "ion": ion },
                "sites": [],
                "milling": [],
                "bodies": [],
                "needle": { "inserted": false, "tip_m": null, "contact": null },
                "deposits": [],
                "collisions": touched.len(),
                "contacts": touched,
                "dose_c": { "electron": state.dose[0], "ion": state.dose[1] },
                "clock_s": now,
            })
        })
    }

    /// How far the sample has drifted by clock time `t`, in the chamber (m).
    pub(super) fn drift(&self, pose: &Pose, t: f64) -> Vector3<f64> {
        let (x, y, height) = self.instrument.twin.errors.drift;
        self.geometry.sample_to_chamber(pose).rotation * (Vector3::new(x, y, height) * (t - self.born))
    }

    /// How far above the coincidence point, towards the lens of `beam`, its axis meets the sample plane (m); `None` edge on.
    fn surface(&self, beam: Beam, pose: &Pose, drift: Vector3<f64>) -> Option<f64> {
        let sample = self.geometry.sample_to_chamber(pose);
        let normal = sample.rotation * Vector3::z();
        let slope = normal.dot(&self.geometry.column(beam).toward);
        (slope.abs() > 1e-6).then(|| normal.dot(&(sample.translation.vector + drift)) / slope)
    }
}
