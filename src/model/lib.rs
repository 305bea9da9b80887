//! The vocabulary of fibdeck: quantities, poses, geometry, kinematics, pictures, settings, capabilities, notices, YAML.
//!
//! Pure: no async, no clock, no network; files are read and written only where a format is defined here (TIFF, YAML).
//! Every other room may use this one; it uses none. SI units everywhere (m, s, A, V, rad, Pa) unless a name says otherwise
//! (`_deg`). To add a word: one file here, re-exported below.

pub mod beam;
pub mod capabilities;
pub mod carried;
pub mod config;
pub mod detection;
pub mod failure;
pub mod file;
pub mod frame;
pub mod gas;
pub mod geometry;
pub mod key;
pub mod kinematics;
pub mod library;
pub mod manipulator;
pub mod milling;
pub mod notice;
pub mod pose;
pub mod positions;
pub mod room;
pub mod settings;
pub mod shape;
pub mod state;
pub mod text;
pub mod units;
pub mod yaml;

pub use beam::Beam;
pub use capabilities::Capabilities;
pub use failure::{Danger, ErrorKind, Identity, StopOutcome, StopReport};
pub use frame::{Frame, Pixels};
pub use gas::{GasPortState, GasState, SputterStep};
pub use geometry::{Geometry, StageKind};
pub use key::{Key, Value};
pub use manipulator::{ManipulatorPosition, ManipulatorState};
pub use milling::{MillingSettings, PatterningMode, PatterningPhase, PatterningState};
pub use notice::{Notice, Severity};
pub use pose::{Axis, Limits, Pose, StagePosition};
pub use settings::{BeamSettings, DetectorSettings, ImageSettings, Point, Rect};
pub use shape::Shape;
pub use state::{BeamState, ChamberPhase, ChamberState, MicroscopeState, StageState};
pub use units::Unit;
