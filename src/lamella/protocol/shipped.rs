//! The protocols inside the program, one for each method.

use super::{Protocol, ProtocolError};
use model::text::printable;

/// By name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("on-grid", include_str!("../../../config/protocols/on-grid.yaml")),
    ("trench", include_str!("../../../config/protocols/trench.yaml")),
    ("waffle", include_str!("../../../config/protocols/waffle.yaml")),
    ("liftout", include_str!("../../../config/protocols/liftout.yaml")),
    (
        "serial-liftout",
        include_str!("../../../config/protocols/serial-liftout.yaml"),
    ),
];

/// A protocol inside the program.
pub fn shipped(name: &str) -> Result<Protocol, ProtocolError> {
    let (name, text) = SHIPPED
        .iter()
        .find(|(n, _)| *n == name)
        .ok_or_else(|| ProtocolError::Unknown {
            name: printable(name),
            known: SHIPPED.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", "),
        })?;
    Protocol::parse(text, name)
}
