//! The form of [`model::MillingSettings`]: which settings there are, and which count on which kind of instrument.

use crate::field::{Field, Kind};
use model::Unit;
use model::capabilities::MillingControl;

/// One setting of the beam while it mills.
#[derive(Clone, Copy, Debug)]
pub struct MillingField {
    pub field: Field,
    /// The instruments it means something on; none = all.
    pub control: Option<MillingControl>,
}

const fn row(control: Option<MillingControl>, field: Field) -> MillingField {
    MillingField { field, control }
}

const fn quantity(
    key: &'static str,
    label: &'static str,
    unit: Unit,
    (min, max, step): (f64, f64, f64),
    doc: &'static str,
) -> Field {
    Field::new(key, label, Kind::Quantity { unit, min, max, step }, doc)
}

const CURRENT: Option<MillingControl> = Some(MillingControl::Current);
const PRESET: Option<MillingControl> = Some(MillingControl::Preset);

/// Every setting a form shows; field of view, channel and pictures are the task's.
pub const MILLING_FIELDS: &[MillingField] = &[
    row(
        CURRENT,
        quantity(
            "milling_current",
            "Current",
            Unit::Ampere,
            (1e-13, 1e-6, 10e-12),
            "milling current",
        ),
    ),
    row(
        CURRENT,
        quantity(
            "milling_voltage",
            "Voltage",
            Unit::Volt,
            (500.0, 50e3, 1e3),
            "milling voltage",
        )
        .advanced(),
    ),
    row(
        CURRENT,
        Field::new(
            "application_file",
            "Application file",
            Kind::Text,
            "the instrument's table of rates for a material",
        )
        .advanced(),
    ),
    row(
        PRESET,
        Field::new("preset", "Preset", Kind::Text, "the instrument's named beam conditions"),
    ),
    row(
        PRESET,
        quantity(
            "spot_size",
            "Spot size",
            Unit::Metre,
            (1e-9, 100e-6, 10e-9),
            "width of the beam on the sample",
        ),
    ),
    row(
        PRESET,
        quantity(
            "rate",
            "Rate",
            Unit::None,
            (0.0, 1e-3, 1e-9),
            "volume one ampere removes each second, m3/A/s (1e-9 = 1 um3/nA/s)",
        ),
    ),
    row(
        PRESET,
        quantity(
            "spacing",
            "Spacing",
            Unit::None,
            (0.0, 100.0, 0.001),
            "distance of neighbouring points, in spots",
        ),
    ),
    row(
        PRESET,
        quantity(
            "dwell_time",
            "Dwell time",
            Unit::Second,
            (1e-9, 1.0, 0.1e-6),
            "stay of the beam on a point",
        ),
    ),
    row(
        None,
        Field::new(
            "patterning_mode",
            "Mode",
            Kind::Choice(&["Serial", "Parallel"]),
            "shapes one after the other, or all together pass by pass",
        )
        .advanced(),
    ),
];

pub(crate) const FIELD_OF_VIEW: &[Field] = &[quantity(
    "field_of_view",
    "Field of view",
    Unit::Metre,
    (20e-6, 950e-6, 10e-6),
    "width of the field that is milled in",
)];

/// What a written `milling` block is read by: the form's fields, and the width of the field.
pub(crate) fn read_by() -> Vec<Field> {
    let [field_of_view] = FIELD_OF_VIEW else {
        return Vec::new();
    };
    let hfw = Field {
        key: "hfw",
        ..*field_of_view
    };
    MILLING_FIELDS.iter().map(|row| row.field).chain([hfw]).collect()
}

/// The settings that mean something on an instrument of this kind, for its form.
pub fn milling_fields(control: MillingControl) -> impl Iterator<Item = &'static Field> + Clone {
    let counts = move |row: &&MillingField| row.control.is_none_or(|c| c == control);
    MILLING_FIELDS.iter().filter(counts).map(|row| &row.field)
}
