//! What the numbers in a mask mean: labels and colours, as openFIBSEM's `segmentation_config.yaml` has them.

/// Classes of the models openFIBSEM ships.
pub const LAMELLA: u8 = 1;
pub const MANIPULATOR: u8 = 2;
pub const LANDING_POST: u8 = 3;
/// Spelt so in the class list; the features of it are called `CopperAdapter...`.
pub const COPPER_ADAPTOR: u8 = 4;
pub const VOLUME_BLOCK: u8 = 5;

/// Classes of the detectors without a network alone; in other people's models these numbers may be anything.
pub const FIDUCIAL: u8 = 6;
pub const GRID_BAR: u8 = 7;

/// Labels of the classes 0 to 5.
const LABELS: [&str; 6] = [
    "background",
    "lamella",
    "manipulator",
    "landing_post",
    "copper_adaptor",
    "volume_block",
];

/// CSS colour names of the classes 0 to 36 with what they stand for.
const COLOURS: [(&str, [u8; 3]); 37] = [
    ("black", [0, 0, 0]),
    ("red", [255, 0, 0]),
    ("green", [0, 128, 0]),
    ("cyan", [0, 255, 255]),
    ("yellow", [255, 255, 0]),
    ("magenta", [255, 0, 255]),
    ("purple", [128, 0, 128]),
    ("white", [255, 255, 255]),
    ("orange", [255, 165, 0]),
    ("blue", [0, 0, 255]),
    ("pink", [255, 192, 203]),
    ("gold", [255, 215, 0]),
    ("salmon", [250, 128, 114]),
    ("olive", [128, 128, 0]),
    ("maroon", [128, 0, 0]),
    ("navy", [0, 0, 128]),
    ("teal", [0, 128, 128]),
    ("lime", [0, 255, 0]),
    ("aqua", [0, 255, 255]),
    ("silver", [192, 192, 192]),
    ("brown", [165, 42, 42]),
    ("indigo", [75, 0, 130]),
    ("violet", [238, 130, 238]),
    ("turquoise", [64, 224, 208]),
    ("tan", [210, 180, 140]),
    ("orchid", [218, 112, 214]),
    ("gray", [128, 128, 128]),
    ("khaki", [240, 230, 140]),
    ("coral", [255, 127, 80]),
    ("crimson", [220, 20, 60]),
    ("plum", [221, 160, 221]),
    ("lavender", [230, 230, 250]),
    ("darkgreen", [0, 100, 0]),
    ("darkblue", [0, 0, 139]),
    ("darkred", [139, 0, 0]),
    ("darkgray", [169, 169, 169]),
    ("darkorange", [255, 140, 0]),
];

/// The label of a class; `class_N` for one that has none.
pub fn label(class: u8) -> String {
    LABELS
        .get(usize::from(class))
        .map_or_else(|| format!("class_{class}"), |l| (*l).to_owned())
}

/// The colour of a class, red, green, blue. Beyond the list the colours of the classes from 1 on come again.
pub fn colour(class: u8) -> [u8; 3] {
    let class = usize::from(class);
    let at = if class < COLOURS.len() {
        class
    } else {
        1 + (class - 1) % (COLOURS.len() - 1)
    };
    COLOURS[at].1
}

/// The CSS name of a class's colour, where it has one of its own.
pub fn colour_name(class: u8) -> Option<&'static str> {
    COLOURS.get(usize::from(class)).map(|(name, _)| *name)
}

/// The colour of a CSS name that a class of the list has.
pub fn named_colour(name: &str) -> Option<[u8; 3]> {
    COLOURS.iter().find(|(n, _)| *n == name).map(|(_, rgb)| *rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_a_label_and_a_colour() {
        assert_eq!(
            (label(4), label(17)),
            ("copper_adaptor".to_owned(), "class_17".to_owned())
        );
        assert_eq!(
            (colour(2), colour(36), colour(37)),
            ([0, 128, 0], [255, 140, 0], [255, 0, 0])
        );
        assert_eq!(colour(255), colour(3));
    }
}
