//! A picture's pixels in packets: pieces of eight bytes of the query's number (little endian) and then of rows from the top,
//! 16-bit values little endian. The pieces of one picture come in order; other packets may come between them.
//!
//! [`Window`] keeps so few bytes on their way that what is news never waits long behind a picture, however slow the line.

use super::message::Picture;
use model::{Frame, Pixels};
use ndarray::Array2;
use std::time::{Duration, Instant};

/// Most bytes of pixels in one packet.
pub const PIECE: usize = 8 << 10;
/// The largest picture that is taken off a line, bytes.
const MOST: u64 = 1 << 30;
/// Bytes that may always be on their way.
const LEAST_WINDOW: u64 = 2 * PIECE as u64;
const MOST_WINDOW: u64 = 4 << 20;
/// How much longer than on an idle line a piece may take before fewer are sent.
const QUEUED: Duration = Duration::from_millis(100);

/// What goes before the pixels.
pub fn head(frame: &Frame) -> Picture {
    let (w, h) = frame.pixels.size();
    Picture {
        size: (w as u32, h as u32),
        bits: frame.pixels.bits(),
        metadata: frame.metadata.clone(),
    }
}

/// Bytes `from..` of the pixels, one piece; empty at the end.
pub fn piece(pixels: &Pixels, from: usize) -> Vec<u8> {
    match pixels {
        Pixels::U8(grey) => values(grey, from, PIECE),
        Pixels::U16(grey) => {
            let values = values(grey, from / 2, PIECE / 2);
            values.into_iter().flat_map(u16::to_le_bytes).collect()
        }
    }
}

fn values<T: Copy>(grey: &Array2<T>, from: usize, most: usize) -> Vec<T> {
    match grey.as_slice() {
        Some(rows) => rows.iter().skip(from).take(most).copied().collect(),
        // rows that lie otherwise in memory
        None => grey.iter().skip(from).take(most).copied().collect(),
    }
}

/// A picture that comes in.
pub struct Incoming {
    head: Picture,
    wanted: usize,
    bytes: Vec<u8>,
}

impl Incoming {
    /// `None` where no such picture can be.
    pub fn new(head: Picture) -> Option<Incoming> {
        let depth = match head.bits {
            8 => 1,
            16 => 2,
            _ => return None,
        };
        let pixels = u64::from(head.size.0) * u64::from(head.size.1);
        let wanted = pixels.checked_mul(depth)?;
        (wanted <= MOST).then(|| Incoming {
            head,
            wanted: wanted as usize,
            bytes: Vec::new(),
        })
    }

    /// Takes a piece in.
    pub fn take(&mut self, piece: &[u8]) {
        let room = self.wanted - self.bytes.len();
        self.bytes.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    pub fn is_whole(&self) -> bool {
        self.bytes.len() == self.wanted
    }

    /// The picture, when it is whole.
    pub fn frame(self) -> Option<Frame> {
        let shape = (self.head.size.1 as usize, self.head.size.0 as usize);
        let pixels = match self.head.bits {
            8 => Pixels::U8(Array2::from_shape_vec(shape, self.bytes).ok()?),
            _ => {
                let values = self.bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
                Pixels::U16(Array2::from_shape_vec(shape, values.collect()).ok()?)
            }
        };
        Some(Frame {
            pixels,
            metadata: self.head.metadata,
        })
    }
}

/// How many bytes of pixels may be on their way: few on a slow line, many on a quick one, found by how long they take to be
/// acknowledged (a queue of [`QUEUED`] is as much as may build up).
pub struct Window {
    size: u64,
    under_way: u64,
    /// When pieces left, oldest first, and how many bytes they were.
    sent: std::collections::VecDeque<(Instant, u64)>,
    quickest: Duration,
}

impl Default for Window {
    fn default() -> Window {
        Window {
            size: LEAST_WINDOW,
            under_way: 0,
            sent: std::collections::VecDeque::new(),
            quickest: Duration::MAX,
        }
    }
}

impl Window {
    pub fn has_room(&self) -> bool {
        self.under_way < self.size
    }

    pub fn sent(&mut self, bytes: u64, now: Instant) {
        self.under_way += bytes;
        self.sent.push_back((now, bytes));
    }

    /// So many bytes have arrived.
    pub fn got(&mut self, bytes: u64, now: Instant) {
        let mut left = bytes.min(self.under_way);
        self.under_way -= left;
        while left > 0
            && let Some((at, size)) = self.sent.front_mut()
        {
            let taken = left.min(*size);
            (*size, left) = (*size - taken, left - taken);
            if *size > 0 {
                break;
            }
            let took = now.saturating_duration_since(*at);
            self.sent.pop_front();
            self.quickest = self.quickest.min(took);
            self.size = match took > self.quickest + QUEUED {
                true => (self.size / 2).max(LEAST_WINDOW),
                false => (self.size + PIECE as u64).min(MOST_WINDOW),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(frame: &Frame) -> Option<Frame> {
        let mut incoming = Incoming::new(head(frame))?;
        let mut at = 0;
        loop {
            let piece = piece(&frame.pixels, at);
            if piece.is_empty() {
                break;
            }
            at += piece.len();
            incoming.take(&piece);
        }
        assert!(incoming.is_whole());
        incoming.frame()
    }

    #[test]
    fn pixels_of_both_depths_come_through_whole() {
        let grey = Array2::from_shape_fn((111, 257), |(r, c)| (r * 257 + c) as u16);
        for pixels in [Pixels::U8(grey.mapv(|v| v as u8)), Pixels::U16(grey)] {
            let frame = Frame { pixels, metadata: None };
            assert_eq!(through(&frame), Some(frame));
        }
    }

    #[test]
    fn a_picture_that_cannot_be_is_not_waited_for() {
        let picture = |size, bits| Picture {
            size,
            bits,
            metadata: None,
        };
        assert!(Incoming::new(picture((u32::MAX, u32::MAX), 16)).is_none());
        assert!(Incoming::new(picture((4, 4), 12)).is_none());
        let mut small = Incoming::new(picture((2, 2), 8)).unwrap();
        small.take(&[1; 100]);
        assert!(small.is_whole());
    }

    /// A line of this rate (bytes a second) and delay, over which pictures stream for `seconds`; the longest wait of a byte that
    /// would have been put into the line at any moment, and the bytes that came through.
    fn line(rate: f64, delay: f64, seconds: f64) -> (f64, u64) {
        let start = Instant::now();
        let at = |t: f64| start + Duration::from_secs_f64(t);
        let mut window = Window::default();
        let mut acks: std::collections::VecDeque<(f64, u64)> = Default::default();
        let (mut free_at, mut worst, mut through) = (0.0f64, 0.0f64, 0);
        let mut t = 0.0;
        while t < seconds {
            while acks.front().is_some_and(|(when, _)| *when <= t) {
                let (_, bytes) = acks.pop_front().unwrap();
                window.got(bytes, at(t));
                through += bytes;
            }
            while window.has_room() {
                window.sent(PIECE as u64, at(t));
                free_at = free_at.max(t) + PIECE as f64 / rate;
                acks.push_back((free_at + 2.0 * delay, PIECE as u64));
            }
            worst = worst.max(free_at - t + delay);
            t += 0.001;
        }
        (worst, through)
    }

    #[test]
    fn news_does_not_wait_behind_pictures_on_a_slow_line() {
        // 64 kB/s with 200 ms there and back
        let (wait, through) = line(64e3, 0.1, 20.0);
        assert!(wait < 0.5, "{wait}");
        assert!(through as f64 > 0.5 * 64e3 * 20.0, "{through}");
        // and a quick line is used
        let (_, through) = line(50e6, 0.0005, 2.0);
        assert!(through as f64 > 0.5 * 50e6 * 2.0, "{through}");
    }
}
