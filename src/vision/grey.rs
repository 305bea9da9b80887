//! Integer grey values: the two pixel types a microscope delivers.

/// A grey value of a stored picture: 8 or 16 bits.
pub trait Grey: Copy + Ord + Send + Sync + 'static {
    /// The largest value the type can hold: 255 or 65535.
    const MAX: u16;

    fn level(self) -> u16;

    /// The nearest lower grey value; what lies outside the type's range is clipped to it.
    fn truncated(value: f64) -> Self;
}

impl Grey for u8 {
    const MAX: u16 = u8::MAX as u16;

    fn level(self) -> u16 {
        u16::from(self)
    }

    fn truncated(value: f64) -> Self {
        // A float cast saturates, and turns NaN into 0.
        value as u8
    }
}

impl Grey for u16 {
    const MAX: u16 = u16::MAX;

    fn level(self) -> u16 {
        self
    }

    fn truncated(value: f64) -> Self {
        value as u16
    }
}
