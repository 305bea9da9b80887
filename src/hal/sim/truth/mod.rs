//! What is really so, for tests, scoring and the `truth` command. Nothing that drives an instrument may read it.
//!
//! `sites`: where lamellae stand, found in the matter itself. To add a key: a line of [`World::truth`], and of the command
//! line's contract.

mod sites;

pub use sites::Site;

use super::matter::Held;
use super::specimen::Material;
use super::workpiece::Finished;
use super::world::World;
use crate::HalError;
use model::Beam;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Distance (m) below which the needle's tip touches something.
const TOUCHING: f64 = 30e-9;

/// What the matter says.
struct Seen {
    sites: Vec<Site>,
    removed: BTreeMap<usize, f64>,
    drawn_at: BTreeMap<usize, [f64; 2]>,
    bodies: Value,
    deposits: Value,
    contact: Value,
    failures: Vec<String>,
}

impl World {
    /// Keys and units of the command line's `truth`: m, rad, s, C. Errors are worked out from the geometry, not from what was
    /// commanded; a focus error is the working distance set less the distance from the lens to the sample plane. What the
    /// matter says is `null` where there is none to ask (a scene that does not exist).
    pub fn truth(&self) -> Value {
        // what is untouched need not be grown to be described
        let tip = self.look(|state, now| {
            state.hand_out(now);
            state.needle.inserted().then(|| {
                let sample = self.geometry.sample_to_chamber(&state.stage.true_pose(now));
                sample.inverse_transform_point(&state.needle.point(now).into())
            })
        });
        let seen = if tip.is_some() || self.lab.piece.is_touched() {
            self.lab.piece.look(&self.lab, |finished| see(finished, tip))
        } else {
            Ok(Seen::nothing())
        };
        self.tell(seen)
    }

    /// Charge of every pattern that was begun, planned and delivered, C: what [`World::truth`] says of it, without looking at the matter.
    pub fn doses(&self) -> Vec<(f64, f64)> {
        let gain = 1.0 + self.lab.errors.current;
        self.look(|state, now| {
            state.hand_out(now);
            let records = state.patterning.records.iter();
            records.map(|r| (r.planned, r.delivered * gain)).collect()
        })
    }

    fn tell(&self, seen: Result<Seen, HalError>) -> Value {
        let twin = &self.instrument.twin;
        let seen = seen.unwrap_or_else(|_| Seen::nothing());
        self.look(|state, now| {
            let pose = state.stage.true_pose(now);
            let drift = self.lab.drift(&pose, now);
            let surface = |beam| self.lab.surface(beam, &pose, drift);
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
            let gain = 1.0 + self.lab.errors.current;
            let milling: Vec<Value> = state
                .patterning
                .records
                .iter()
                .enumerate()
                .map(|(i, record)| {
                    json!({
                        "id": record.id,
                        "name": record.name,
                        "planned_dose_c": record.planned,
                        "delivered_dose_c": record.delivered * gain,
                        "at_m": seen.drawn_at.get(&i),
                        "volume_removed_m3": seen.removed.get(&i).copied().unwrap_or(0.0),
                    })
                })
                .collect();
            let inserted = state.needle.inserted();
            let tip = inserted.then(|| state.needle.point(now));
            json!({
                "seed": twin.seed,
                "scene": twin.scene,
                "pose": pose,
                "home": self.geometry.home(),
                "coincidence_error_m": surface(Beam::Electron),
                "focus_error_m": { "electron": electron, "ion": ion },
                "sites": seen.sites,
                "milling": milling,
                "bodies": seen.bodies,
                "needle": {
                    "inserted": inserted,
                    "tip_m": tip.map(|t| [t.x, t.y, t.z]),
                    "contact": seen.contact,
                    "tip_radius_m": state.needle.end.radius,
                    "worn_m": state.needle.end.lost,
                },
                "deposits": seen.deposits,
                "collisions": touched.len(),
                "contacts": touched,
                "dose_c": { "electron": state.dose[0], "ion": state.dose[1] },
                "failures": seen.failures,
                "clock_s": now,
            })
        })
    }
}

impl Seen {
    fn nothing() -> Seen {
        Seen {
            sites: Vec::new(),
            removed: BTreeMap::new(),
            drawn_at: BTreeMap::new(),
            bodies: json!([]),
            deposits: json!([]),
            contact: Value::Null,
            failures: Vec::new(),
        }
    }
}

fn held(by: Held) -> &'static str {
    match by {
        Held::Sample => "sample",
        Held::Needle => "needle",
        Held::Post => "post",
        Held::Nothing => "nothing",
    }
}

fn see(finished: &mut Finished, tip: Option<nalgebra::Point3<f64>>) -> Seen {
    let sites = sites::found(finished);
    let matter = &finished.matter;
    let bodies: Vec<Value> = matter
        .bodies()
        .iter()
        .map(|body| json!({ "name": format!("b{}", body.id.0), "held_by": held(body.held), "volume_m3": body.volume }))
        .collect();
    // coats add up by what they are made of; what a beam has drawn is listed one by one
    let mut coats: BTreeMap<&str, f64> = BTreeMap::new();
    let mut deposits = Vec::new();
    let middle = tip.map_or((0.0, 0.0), |tip| (tip.x, tip.y));
    for deposit in matter.deposits() {
        if deposit.volume > 0.0 {
            deposits.push(json!({ "kind": deposit.material.word(), "thickness_m": deposit.thickness, "volume_m3": deposit.volume }));
        } else if deposit.area.contains(middle.0, middle.1) || matches!(deposit.area, super::matter::Area::Disc { .. })
        {
            *coats.entry(deposit.material.word()).or_default() += deposit.thickness;
        }
    }
    let coats = coats
        .iter()
        .map(|(kind, thickness)| json!({ "kind": kind, "thickness_m": thickness }));
    let mut all: Vec<Value> = coats.collect();
    all.extend(deposits);
    let contact = tip.and_then(|tip| {
        let around = [
            [0.0, 0.0, 0.0],
            [0.0, 0.0, -TOUCHING],
            [TOUCHING, 0.0, 0.0],
            [-TOUCHING, 0.0, 0.0],
        ];
        around.into_iter().find_map(|by| {
            let (material, body) = matter.is_solid(&(tip + nalgebra::Vector3::from(by)))?;
            (material != Material::Vacuum).then(|| body.map_or("sample".to_owned(), |id| format!("b{}", id.0)))
        })
    });
    Seen {
        sites,
        removed: finished.removed.clone(),
        drawn_at: finished.drawn_at.clone(),
        bodies: bodies.into(),
        deposits: all.into(),
        contact: contact.map_or(Value::Null, Value::String),
        failures: finished.failures.iter().map(ToString::to_string).collect(),
    }
}
