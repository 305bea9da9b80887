//! openFIBSEM's image metadata, version v8: the JSON of the TIFF's ImageDescription.

use crate::{ImageSettings, MicroscopeState, Point};
use serde::{Deserialize, Serialize};

/// The metadata of one picture. Key order is the file's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    pub image: ImageSettings,
    #[serde(default = "v0")]
    pub version: String,
    /// m per pixel.
    pub pixel_size: Point,
    pub microscope_state: MicroscopeState,
    #[serde(default)]
    pub user: User,
    #[serde(default)]
    pub experiment: ExperimentRef,
    /// The instrument: openFIBSEM's `info` section, kept as read.
    #[serde(default)]
    pub system_info: serde_json::Map<String, serde_json::Value>,
    /// FibsemHardwareGeometry (degrees), kept as read.
    #[serde(default)]
    pub hardware_geometry: serde_json::Map<String, serde_json::Value>,
}

fn v0() -> String {
    "v0".to_owned()
}

/// Who took the picture. Unset e-mail and organisation are the string `null` in openFIBSEM's files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct User {
    pub name: String,
    pub email: String,
    pub organization: String,
    pub hostname: String,
}

/// The experiment, item and task a picture belongs to; all optional. `project` is our addition, ignored by openFIBSEM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExperimentRef {
    pub id: Option<String>,
    pub name: Option<String>,
    pub date: Option<serde_json::Value>,
    pub item_id: Option<String>,
    pub item_name: Option<String>,
    pub task_id: Option<String>,
    pub task_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}
