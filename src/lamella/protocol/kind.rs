//! The kinds of task there are: what each mills, and its parameters.

use model::Unit;
use pattern::{Field, Kind};
use serde_json::{Map, Value, json};

/// A kind of task. How it is done is the workflow room's.
#[derive(Debug)]
pub struct TaskKind {
    pub task_type: &'static str,
    pub title: &'static str,
    pub doc: &'static str,
    /// Keys under which it must have something to mill.
    pub milling: &'static [&'static str],
    /// Keys under which it may have.
    pub may_mill: &'static [&'static str],
    pub parameters: &'static [Parameter],
    /// It looks for features, by a segmentation model that `checkpoint` may name.
    pub detects: bool,
    /// openFIBSEM knows it; other kinds it passes over with a warning.
    pub original: bool,
}

/// One parameter: its form, and its value in a new task.
#[derive(Debug)]
pub struct Parameter {
    pub field: Field,
    pub default: Default,
}

/// A parameter's value in a new task.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    Null,
    Flag(bool),
    Number(f64),
    Whole(u32),
    Text(&'static str),
    Numbers(&'static [f64]),
}

impl Default {
    pub fn value(self) -> Value {
        match self {
            Default::Null => Value::Null,
            Default::Flag(on) => json!(on),
            Default::Number(x) => json!(x),
            Default::Whole(n) => json!(n),
            Default::Text(text) => json!(text),
            Default::Numbers(numbers) => json!(numbers),
        }
    }

    /// Why `given` cannot stand where this does.
    pub fn refuses(self, given: &Value) -> Option<&'static str> {
        let fits = match self {
            Default::Null | Default::Text(_) => given.is_string() || given.is_null(),
            Default::Flag(_) => given.is_boolean(),
            Default::Number(_) => given.is_number(),
            Default::Whole(_) => given.as_f64().is_some_and(|x| x.fract() == 0.0),
            Default::Numbers(_) => given.as_array().is_some_and(|list| list.iter().all(Value::is_number)),
        };
        let wanted = match self {
            Default::Null | Default::Text(_) => "a text, or null",
            Default::Flag(_) => "true or false",
            Default::Number(_) => "a number",
            Default::Whole(_) => "a whole number",
            Default::Numbers(_) => "a list of numbers",
        };
        (!fits).then_some(wanted)
    }
}

impl TaskKind {
    pub fn parameter(&self, key: &str) -> Option<&'static Parameter> {
        self.parameters.iter().find(|p| p.field.key == key)
    }

    /// The parameters of a new task; what is null there is left out where openFIBSEM does not have it.
    pub fn defaults(&self) -> Map<String, Value> {
        let all = self.parameters.iter().filter(|p| p.field.key != CHECKPOINT.field.key);
        all.map(|p| (p.field.key.to_owned(), p.default.value())).collect()
    }
}

/// The kind of this name; `SETUP_LAMELLA` is an old one of MILL_FIDUCIAL.
pub fn row(task_type: &str) -> Option<&'static TaskKind> {
    let name = if task_type == "SETUP_LAMELLA" {
        "MILL_FIDUCIAL"
    } else {
        task_type
    };
    TASKS.iter().find(|kind| kind.task_type == name)
}

const fn flag(key: &'static str, label: &'static str, on: bool, doc: &'static str) -> Parameter {
    Parameter {
        field: Field::flag(key, label, doc),
        default: Default::Flag(on),
    }
}

const fn quantity(
    key: &'static str,
    label: &'static str,
    (unit, default, min, max): (Unit, f64, f64, f64),
    doc: &'static str,
) -> Parameter {
    let step = if default == 0.0 {
        max / 100.0
    } else {
        default.abs() / 10.0
    };
    let kind = Kind::Quantity { unit, min, max, step };
    Parameter {
        field: Field::new(key, label, kind, doc),
        default: Default::Number(default),
    }
}

const fn count(key: &'static str, label: &'static str, default: u32, doc: &'static str) -> Parameter {
    let kind = Kind::Integer { min: 0, max: 1000 };
    Parameter {
        field: Field::new(key, label, kind, doc),
        default: Default::Whole(default),
    }
}

const fn choice(
    key: &'static str,
    label: &'static str,
    default: Default,
    words: &'static [&'static str],
    doc: &'static str,
) -> Parameter {
    Parameter {
        field: Field::new(key, label, Kind::Choice(words), doc),
        default,
    }
}

const fn text(key: &'static str, label: &'static str, doc: &'static str) -> Parameter {
    Parameter {
        field: Field::new(key, label, Kind::Text, doc),
        default: Default::Null,
    }
}

const CHECKPOINT: Parameter = text(
    "checkpoint",
    "Model",
    "segmentation model of its detections; null = the protocol's",
);
const SYNC_TO_POI: Parameter = flag(
    "sync_to_poi",
    "Follow the point of interest",
    true,
    "patterns move with the lamella's point of interest",
);
const ORIENTATIONS: &[&str] = &["SEM", "FIB", "MILLING"];
const JOINING: &[&str] = &["None", "Weld"];
const ANGLE: (Unit, f64, f64, f64) = (Unit::Degree, 15.0, -10.0, 60.0);

const fn discharge(default: u32) -> Parameter {
    count(
        "charge_neutralisation_iterations",
        "Discharge pictures",
        default,
        "fast pictures that take charge away before the needle touches or leaves",
    )
}

const fn joining(default: &'static str) -> Parameter {
    choice(
        "joining_method",
        "Joining",
        Default::Text(default),
        JOINING,
        "weld by milling or deposition, or rely on charge alone",
    )
}

/// Every kind, in the order in which a palette shows them.
pub const TASKS: &[TaskKind] = &[
    TaskKind {
        task_type: "SELECT_MILLING_POSITION",
        title: "Select position",
        doc: "goes to the lamella, tilts to the milling angle, lets the operator place point of interest and alignment area",
        milling: &[],
        may_mill: &[],
        parameters: &[
            quantity(
                "milling_angle",
                "Milling angle",
                ANGLE,
                "angle between ion beam and grid",
            ),
            flag(
                "auto_milling_alignment",
                "Align while tilting",
                false,
                "tilts in steps and keeps the site in view",
            ),
            flag("use_autofocus", "Autofocus", true, "focuses both beams first"),
            flag(
                "select_poi",
                "Point of interest",
                true,
                "asks for the point of interest where it is supervised",
            ),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "MILL_TRENCH",
        title: "Trench",
        doc: "mills trenches around the lamella from above",
        milling: &["trench"],
        may_mill: &[],
        parameters: &[
            flag(
                "align_reference",
                "Align",
                false,
                "aligns to the picture taken when the position was chosen",
            ),
            flag(
                "charge_neutralisation",
                "Discharge",
                true,
                "ten fast electron pictures afterwards",
            ),
            choice(
                "orientation",
                "Orientation",
                Default::Null,
                ORIENTATIONS,
                "turns the stage to this first; null = as it was marked",
            ),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "MILL_UNDERCUT",
        title: "Undercut",
        doc: "frees the lamella from below, at one angle after the other",
        milling: &["undercut"],
        may_mill: &[],
        parameters: &[
            choice(
                "orientation",
                "Orientation",
                Default::Text("SEM"),
                ORIENTATIONS,
                "the orientation it is tilted from",
            ),
            Parameter {
                field: Field::new(
                    "milling_angles",
                    "Milling angles",
                    Kind::Text,
                    "degrees; one for each stage",
                ),
                default: Default::Numbers(&[25.0, 20.0]),
            },
            CHECKPOINT,
        ],
        detects: true,
        original: true,
    },
    TaskKind {
        task_type: "MILL_FIDUCIAL",
        title: "Fiducial",
        doc: "mills the mark that later tasks are aligned by",
        milling: &["fiducial"],
        may_mill: &[],
        parameters: &[
            quantity(
                "alignment_expansion",
                "Room around",
                (Unit::None, 100.0, 0.0, 500.0),
                "the alignment area is the mark's, wider by so many percent on each side",
            ),
            flag(
                "align_to_reference",
                "Align",
                true,
                "aligns to the lamella's reference picture first",
            ),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "MILL_ROUGH",
        title: "Rough milling",
        doc: "mills the lamella down to less than a micrometre",
        milling: &["mill_rough"],
        may_mill: &["stress-relief"],
        parameters: &[
            flag(
                "sync_polishing_position",
                "Take polishing along",
                true,
                "polishing patterns go where the rough ones went",
            ),
            SYNC_TO_POI,
            flag(
                "reacquire_alignment_reference",
                "New reference",
                false,
                "takes the alignment reference anew afterwards",
            ),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "MILL_POLISHING",
        title: "Polishing",
        doc: "mills the lamella to its final thickness",
        milling: &["mill_polishing"],
        may_mill: &[],
        parameters: &[SYNC_TO_POI],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "SPOT_BURN_FIDUCIAL",
        title: "Spot burns",
        doc: "burns spots that can be found in fluorescence pictures again",
        milling: &[],
        may_mill: &[],
        parameters: &[
            quantity(
                "milling_current",
                "Current",
                (Unit::Ampere, 60e-12, 1e-13, 1e-6),
                "ion current of the burns",
            ),
            quantity(
                "exposure_time",
                "Exposure",
                (Unit::Second, 10.0, 0.0, 1000.0),
                "of each spot",
            ),
            flag("autofocus", "Autofocus", false, "focuses the ion beam first"),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "ACQUIRE_REFERENCE_IMAGE",
        title: "Reference pictures",
        doc: "takes pictures at the milling position",
        milling: &[],
        may_mill: &[],
        parameters: &[
            choice(
                "orientation",
                "Orientation",
                Default::Text("MILLING"),
                ORIENTATIONS,
                "carried; the milling position counts",
            ),
            text("filename", "File name", "of the pictures; null = after the last task"),
        ],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "BASIC_MILLING",
        title: "Milling",
        doc: "mills everything it holds, in order",
        milling: &[],
        may_mill: &["milling"],
        parameters: &[],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "SELECT_FLUORESCENCE_POSITION",
        title: "Fluorescence position",
        doc: "lets the operator place the lamella under the objective",
        milling: &[],
        may_mill: &[],
        parameters: &[],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "ACQUIRE_FLUORESCENCE_IMAGE",
        title: "Fluorescence pictures",
        doc: "takes a stack in each channel",
        milling: &[],
        may_mill: &[],
        parameters: &[],
        detects: false,
        original: true,
    },
    TaskKind {
        task_type: "LIFTOUT_LAMELLA",
        title: "Liftout",
        doc: "brings the needle to the lamella, joins, cuts it free and lifts it",
        milling: &["sever"],
        may_mill: &["weld"],
        parameters: &[
            joining("None"),
            flag(
                "contact_detection",
                "Detect contact",
                false,
                "small steps until the picture's brightness jumps",
            ),
            quantity(
                "contact_offset",
                "Contact offset",
                (Unit::Metre, 0.25e-6, -10e-6, 10e-6),
                "how far beyond the edge the needle aims",
            ),
            discharge(35),
            text(
                "start_position",
                "Start",
                "saved stage position where lamellae are chosen",
            ),
            CHECKPOINT,
        ],
        detects: true,
        original: false,
    },
    TaskKind {
        task_type: "LAND_LAMELLA",
        title: "Landing",
        doc: "sets the lamella on a post, joins it and lets go of the needle",
        milling: &["weld", "sever"],
        may_mill: &["flatten"],
        parameters: &[
            joining("Weld"),
            quantity(
                "post_x_offset",
                "Post offset",
                (Unit::Metre, 0.75e-6, -50e-6, 50e-6),
                "how far into the post the lamella is set",
            ),
            discharge(100),
            text("start_position", "Start", "saved stage position of the first post"),
            CHECKPOINT,
        ],
        detects: true,
        original: false,
    },
    TaskKind {
        task_type: "LIFTOUT_VOLUME",
        title: "Volume liftout",
        doc: "welds the block to the needle's copper adapter, cuts it free and lifts it",
        milling: &["liftout-weld", "liftout-sever"],
        may_mill: &[],
        parameters: &[
            text("start_position", "Start", "saved stage position where the block is"),
            CHECKPOINT,
        ],
        detects: true,
        original: false,
    },
    TaskKind {
        task_type: "LAND_SECTION",
        title: "Section landing",
        doc: "sets the block's end on the next post, welds it and cuts a section off",
        milling: &["landing-weld", "landing-sever"],
        may_mill: &["landing-thin"],
        parameters: &[
            quantity(
                "sever_threshold",
                "Free from",
                (Unit::Metre, 0.5e-6, 0.0, 50e-6),
                "least gap that counts as cut through",
            ),
            count("grid_rows", "Post rows", 4, "rows of landing places"),
            count("grid_columns", "Post columns", 10, "landing places in a row"),
            quantity(
                "grid_x",
                "Post distance",
                (Unit::Metre, 62e-6, 0.0, 5e-3),
                "from place to place in a row",
            ),
            quantity(
                "grid_y",
                "Row distance",
                (Unit::Metre, 250e-6, 0.0, 5e-3),
                "from row to row",
            ),
            text("start_position", "Start", "saved stage position of the first post"),
            CHECKPOINT,
        ],
        detects: true,
        original: false,
    },
    TaskKind {
        task_type: "PREPARE_MANIPULATOR",
        title: "Prepare the needle",
        doc: "cuts the needle's end flat, and joins a copper block to it where its milling is given",
        milling: &["prepare-manipulator"],
        may_mill: &[
            "prepare-copper-grid",
            "prepare-copper-blocks",
            "prepare-copper-weld",
            "prepare-copper-release",
            "flatten",
        ],
        parameters: &[CHECKPOINT],
        detects: true,
        original: false,
    },
    TaskKind {
        task_type: "RESET_MANIPULATOR",
        title: "Sharpen the needle",
        doc: "mills the needle's tip sharp again between two lamellae",
        milling: &["sharpen"],
        may_mill: &[],
        parameters: &[CHECKPOINT],
        detects: true,
        original: false,
    },
];
