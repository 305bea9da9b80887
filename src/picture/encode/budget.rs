//! How much a picture may cost on the line.

/// Resolution and grey levels of a picture, so that frames fit the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Grey bits of a graphics picture: 8, 4, 2 or 1 (others are taken down to the next).
    pub bits: u8,
    /// Screen pixels per sent pixel: 1 full resolution, 2 half, 4 a quarter.
    pub scale: u16,
    /// Bytes a full half-block picture should not exceed (its shades are merged until it fits).
    pub text_bytes: usize,
}

/// From this rate (bytes/s) on: that budget. Chosen so that the worst case, a noisy picture of 100 x 30 cells that
/// changes everywhere (about 250, 100, 36 and 8 kB as PNG, see the tests), still comes several times a second.
const LADDER: [(u64, Budget); 5] = [
    (
        2_000_000,
        Budget {
            bits: 8,
            scale: 1,
            text_bytes: 28_000,
        },
    ),
    (
        500_000,
        Budget {
            bits: 8,
            scale: 2,
            text_bytes: 20_000,
        },
    ),
    (
        120_000,
        Budget {
            bits: 4,
            scale: 2,
            text_bytes: 14_000,
        },
    ),
    (
        32_000,
        Budget {
            bits: 4,
            scale: 4,
            text_bytes: 10_000,
        },
    ),
    (
        0,
        Budget {
            bits: 2,
            scale: 4,
            text_bytes: 6_000,
        },
    ),
];

impl Budget {
    /// The budget for a line that carries so many bytes per second (not finite: as if unlimited).
    pub fn for_rate(bytes_per_s: f64) -> Budget {
        let rate = if bytes_per_s.is_finite() {
            bytes_per_s.max(0.0) as u64
        } else {
            u64::MAX
        };
        LADDER
            .iter()
            .find(|(from, _)| rate >= *from)
            .map_or(Budget::default(), |(_, budget)| *budget)
    }
}

impl Default for Budget {
    /// Half resolution and 16 greys: safe on a line nobody has measured yet.
    fn default() -> Self {
        Budget {
            bits: 4,
            scale: 2,
            text_bytes: 14_000,
        }
    }
}
