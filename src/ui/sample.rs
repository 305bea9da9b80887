//! Hand-made snapshots and screens for tests: what an instrument could have said.

use crate::canvas::PictureKey;
use crate::cx::{Frames, Pending};
use crate::keys::{Chord, Keymap};
use crate::remembered::Remembered;
use crate::state::{Desk, UiState};
use crate::tab::TabId;
use crate::theme::Themes;
use crate::toasts::Toasts;
use crate::{Canvas, Console, Effect};
use engine::Snapshot;
use engine::event::{By, Compared, Connection, FrameInfo, Job, Progress, Question, Session, StageView};
use engine::snapshot::Aged;
use model::capabilities::{
    BeamCapabilities, ChamberCapabilities, GasCapabilities, GasPortCapabilities, ManipulatorCapabilities,
    StageCapabilities,
};
use model::config::Instrument;
use model::config::paths::Entry;
use model::key::KEYS;
use model::{
    Axis, Beam, BeamSettings, BeamState, Capabilities, ChamberPhase, ChamberState, DetectorSettings, GasPortState,
    GasState, Identity, ImageSettings, Key, Limits, ManipulatorPosition, ManipulatorState, MillingSettings, Pose,
    StageKind, StageState, Value,
};
use picture::{Grid, Tone, View};
use ratatui::backend::TestBackend;
use ratatui::layout::Rect;
use std::sync::Arc;
use vision::contrast::Spread;

/// 2026-11-22 14:02:00 UTC.
pub const NOON: f64 = 1_795_356_120.0;

/// A picture of a pane, as it was taken.
pub fn picture_key() -> PictureKey {
    PictureKey {
        slot: 0,
        frame: 1,
        view: View::default(),
        spread: Spread::AsTaken,
        tone: Tone::default(),
        overlays: Arc::from([]),
        smooth: false,
    }
}

fn aged<T>(value: T) -> Option<Aged<T>> {
    Some(Aged {
        value,
        time: NOON,
        by: By::Us,
    })
}

fn beam_capabilities(beam: Beam) -> BeamCapabilities {
    let (currents, voltage) = match beam {
        Beam::Electron => ([13e-12, 25e-12, 50e-12, 0.1e-9, 0.4e-9], 2e3),
        Beam::Ion => ([20e-12, 60e-12, 0.2e-9, 0.74e-9, 2e-9], 30e3),
    };
    let numbers = |list: &[f64]| list.iter().copied().map(Value::Number).collect::<Vec<_>>();
    let mut available = vec![
        (Key::Current, numbers(&currents)),
        (Key::Voltage, numbers(&[voltage])),
        (
            Key::DetectorType,
            vec![Value::Text("ETD".into()), Value::Text("TLD".into())],
        ),
        (Key::DetectorMode, vec![Value::Text("SecondaryElectrons".into())]),
    ];
    if beam == Beam::Ion {
        available.push((
            Key::PlasmaGas,
            ["Argon", "Oxygen", "Xenon"].map(|g| Value::Text(g.into())).to_vec(),
        ));
    }
    let keys: Vec<Key> = KEYS.iter().filter(|row| row.per_beam).map(|row| row.key).collect();
    BeamCapabilities {
        readable: keys.clone(),
        writable: keys
            .into_iter()
            .filter(|k| *k != Key::PlasmaGas || beam == Beam::Ion)
            .collect(),
        resolutions: vec![(768, 512), (1536, 1024), (3072, 2048)],
        hfw: (1e-6, 900e-6),
        dwell_time: (25e-9, 1e-3),
        working_distance: (1e-3, 40e-3),
        shift: 50e-6,
        voltage: (500.0, 30e3),
        current: (1e-12, 65e-9),
        available,
        reduced_area: true,
        line_integration: true,
        frame_integration: true,
        interlacing: true,
        drift_correction: true,
        blanker: true,
        live: true,
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        simulated: true,
        stage: Some(StageCapabilities {
            kind: StageKind::Tilting,
            axes: Axis::ALL.to_vec(),
            limits: Limits {
                x: Some((-0.055, 0.055)),
                y: Some((-0.055, 0.055)),
                z: Some((0.0, 0.04)),
                r: Some((-std::f64::consts::PI, std::f64::consts::PI)),
                t: Some((-0.17, 1.05)),
            },
            halts: true,
            home: true,
            link: true,
            compucentric_rotation: true,
            room: None,
        }),
        electron: Some(beam_capabilities(Beam::Electron)),
        ion: Some(beam_capabilities(Beam::Ion)),
        chamber: Some(ChamberCapabilities {
            pump: true,
            vent: true,
            camera: true,
        }),
        ..Capabilities::default()
    }
}

fn beam(beam: Beam) -> BeamState {
    let (voltage, current, wd) = match beam {
        Beam::Electron => (2e3, 50e-12, 7e-3),
        Beam::Ion => (30e3, 20e-12, 16.5e-3),
    };
    BeamState {
        on: true,
        blanked: beam == Beam::Ion,
        settings: BeamSettings {
            beam_type: beam,
            working_distance: wd,
            beam_current: current,
            voltage,
            hfw: 150e-6,
            resolution: (1536, 1024),
            dwell_time: 1e-6,
            stigmation: Default::default(),
            shift: Default::default(),
            scan_rotation: 0.0,
            preset: None,
        },
        detector: DetectorSettings::default(),
        plasma_gas: (beam == Beam::Ion).then(|| "Xenon".to_owned()),
    }
}

/// A picture of a beam, or of the chamber camera.
pub fn frame(id: u64, beam: Option<Beam>) -> FrameInfo {
    FrameInfo {
        id,
        beam,
        live: false,
        size: (1536, 1024),
        pixel_size: 150e-6 / 1536.0,
        settings: beam.map(|beam_type| ImageSettings {
            beam_type,
            ..Default::default()
        }),
        stage: None,
        working_distance: 7e-3,
        voltage: 2e3,
        current: 50e-12,
        scan_rotation: 0.0,
        shift: Default::default(),
        time: NOON - 10.0,
        file: None,
    }
}

/// Nothing is connected.
pub fn disconnected() -> Snapshot {
    Snapshot {
        time: NOON,
        instrument: "sim-grid".to_owned(),
        ..Snapshot::default()
    }
}

/// The twin, idle, both beams on, the ion beam blanked.
pub fn connected() -> Snapshot {
    let compared = |key: &str, configured: &str, actual: &str| Compared {
        key: key.to_owned(),
        configured: configured.to_owned(),
        actual: actual.to_owned(),
        same: configured == actual,
    };
    let instrument = Instrument::default();
    Snapshot {
        seq: 7,
        connection: Some(Connection {
            identity: Identity {
                name: "sim-grid".to_owned(),
                manufacturer: "fibdeck".to_owned(),
                model: "digital twin".to_owned(),
                serial_number: "1".to_owned(),
                hardware_version: "grid".to_owned(),
                software_version: "0.1.0".to_owned(),
                driver: "sim".to_owned(),
            },
            capabilities: capabilities(),
            geometry: instrument.geometry(),
            address: "localhost".to_owned(),
            comparison: vec![
                compared("electron.voltage", "2.00 kV", "2.00 kV"),
                compared("electron.current", "50.0 pA", "50.0 pA"),
                compared("ion.current", "20.0 pA", "60.0 pA"),
                compared("ion.plasma_gas", "Argon", "Xenon"),
                compared("stage.rotation", "yes", "yes"),
            ],
            milling: MillingSettings::default(),
            rates: Default::default(),
        }),
        stage: aged(StageView {
            state: StageState {
                pose: Pose {
                    z: 4e-3,
                    t: 35f64.to_radians(),
                    ..Pose::default()
                },
                moving: false,
                homed: true,
                linked: true,
            },
            orientation: "SEM".to_owned(),
            milling_angle_deg: 18.0,
        }),
        electron: aged(beam(Beam::Electron)),
        ion: aged(beam(Beam::Ion)),
        chamber: aged(ChamberState {
            phase: ChamberPhase::Pumped,
            pressure: 2.1e-4,
        }),
        settings: Beam::ALL.map(|beam_type| ImageSettings {
            beam_type,
            ..Default::default()
        }),
        session: Session {
            folder: "session-2026-11-22".to_owned(),
            user: model::frame::metadata::User {
                name: "A. Operator".to_owned(),
                ..Default::default()
            },
            project: "yeast".to_owned(),
            experiment: String::new(),
        },
        control: Some("console".to_owned()),
        ..disconnected()
    }
}

/// As [`connected`], with a needle that is inserted, one saved needle position, and a multichem at rest.
pub fn handy() -> Snapshot {
    let mut snapshot = connected();
    let at = ManipulatorPosition::new(12.3e-6, -4e-6, 180e-6);
    if let Some(connection) = &mut snapshot.connection {
        connection.capabilities.manipulator = Some(ManipulatorCapabilities {
            saved: ["PARK", "EUCENTRIC"].map(str::to_owned).to_vec(),
            limits: [(-8e-3, 8e-3); 3],
            stage_frame: true,
            ..ManipulatorCapabilities::default()
        });
        connection.capabilities.gas = Some(GasCapabilities {
            ports: vec![GasPortCapabilities {
                port: "Multichem".to_owned(),
                gases: ["Pt cryo", "Pt dep"].map(str::to_owned).to_vec(),
                positions: ["Electron Default", "Ion Default"].map(str::to_owned).to_vec(),
                heater: true,
            }],
            multichem: true,
            sputter_coater: true,
        });
    }
    snapshot.read = NOON;
    snapshot.needle = aged(ManipulatorState {
        inserted: true,
        position: at.clone(),
        calibrated: true,
        ..ManipulatorState::default()
    });
    snapshot.needle_positions = vec![("above-lamella".to_owned(), at.moved((0.0, 0.0, -100e-6)))];
    snapshot.gas = aged(GasState {
        ports: vec![GasPortState {
            port: "Multichem".to_owned(),
            temperature: 293.0,
            ..GasPortState::default()
        }],
        ..GasState::default()
    });
    snapshot
}

/// As [`connected`], with a job that is a third done.
pub fn working() -> Snapshot {
    let mut snapshot = connected();
    snapshot.jobs.push_back(Job {
        id: 3,
        command: engine::Command::new("beam.plasma").with("gas", "Argon"),
        by: "console".to_owned(),
        title: "plasma gas Argon".to_owned(),
        started: NOON - 200.0,
        paused: false,
        progress: Some(Progress {
            fraction: Some(0.33),
            remaining: Some(400.0),
            text: "purging".to_owned(),
        }),
        end: None,
    });
    snapshot
}

/// As [`working`], and the job asks.
pub fn asking() -> Snapshot {
    let mut snapshot = working();
    snapshot.question = Some(Question {
        id: 12,
        job: 3,
        text: "Is the feature in the middle of both pictures?".to_owned(),
        detail: "Move it there with Enter in the FIB picture, then answer.".to_owned(),
        choices: vec![
            ("yes".to_owned(), "go on with this height".to_owned()),
            ("again".to_owned(), "take both pictures again".to_owned()),
            ("stop".to_owned(), "end here; the stage stays where it is".to_owned()),
        ],
        since: NOON - 75.0,
    });
    snapshot
}

/// The desk of a user who knows the first steps; nothing else is remembered.
pub fn desk(theme: &str, no_colour: bool) -> Desk {
    let themes = Themes::load(None).0;
    let mut desk = Desk {
        pending: Pending::default(),
        frames: Frames::default(),
        toasts: Toasts::default(),
        remembered: Remembered::default(),
        keymap: Keymap::load(None).0,
        theme: themes.get(theme).0,
        themes,
        no_colour,
        options: Console::default(),
        grid: Grid {
            per_cell: (1.0, 2.0),
            cell_px: (10, 20),
            max_cells: 1000,
        },
        zone: jiff::tz::TimeZone::UTC,
        me: "console".to_owned(),
        instruments: ["my-microscope", "sim-grid", "tfs-hydra"]
            .map(|name| Entry {
                name: name.to_owned(),
                file: name.starts_with("my").then(|| name.into()),
            })
            .to_vec(),
        owns_engine: true,
        now: NOON + 1.0,
        wall: 0.0,
    };
    desk.use_theme(theme);
    desk.remembered
        .set(crate::steps::KEPT, serde_json::json!(["picture", "move", "cut"]));
    desk
}

/// A dark screen with `tab` open.
pub fn state(tab: TabId, snapshot: &Snapshot) -> UiState {
    UiState::new(desk("dark", false), tab, snapshot)
}

/// Presses keys, as keys.yaml spells them, and returns what must be done.
pub fn press(state: &mut UiState, keys: &str, snapshot: &Snapshot) -> Vec<Effect> {
    keys.split_whitespace()
        .flat_map(|word| {
            let chord: Chord = word.parse().unwrap_or_else(|e| panic!("{e}"));
            let effects = state.key(chord, snapshot);
            let mut canvas = state.draw(snapshot, Rect::new(0, 0, 120, 40));
            state.on_screen(&mut canvas);
            effects
        })
        .collect()
}

/// Types text, one key a character.
pub fn type_text(state: &mut UiState, text: &str, snapshot: &Snapshot) -> Vec<Effect> {
    let words: Vec<String> = text
        .chars()
        .map(|c| if c == ' ' { "Space".to_owned() } else { c.to_string() })
        .collect();
    press(state, &words.join(" "), snapshot)
}

/// The text of a frame, as a terminal would show it, with a frame around pictures' areas left blank.
pub fn shown(canvas: &Canvas) -> String {
    let area = canvas.buffer.area;
    let mut backend = TestBackend::new(area.width, area.height);
    let empty = ratatui::buffer::Buffer::empty(area);
    let cells = empty.diff(&canvas.buffer);
    ratatui::backend::Backend::draw(&mut backend, cells.into_iter()).ok();
    backend.to_string()
}
