//! The newest pictures in memory, bounded in bytes; older ones are in their files.

use crate::event::FrameId;
use model::Frame;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of pixels kept: five pictures of 1536 x 1024 at 8 bits.
const MOST_BYTES: usize = 8 << 20;

#[derive(Default)]
pub(crate) struct FrameRing {
    frames: VecDeque<Kept>,
    bytes: usize,
}

struct Kept {
    id: FrameId,
    frame: Arc<Frame>,
    live: bool,
}

impl FrameRing {
    /// Takes a picture in; a live one replaces the live one before it of the same beam.
    pub fn push(&mut self, id: FrameId, frame: Arc<Frame>, live: bool) {
        if live {
            let beam = beam_of(&frame);
            if let Some(at) = self.frames.iter().position(|k| k.live && beam_of(&k.frame) == beam)
                && let Some(old) = self.frames.remove(at)
            {
                self.bytes -= bytes(&old.frame);
            }
        }
        self.bytes += bytes(&frame);
        self.frames.push_back(Kept { id, frame, live });
        while self.bytes > MOST_BYTES && self.frames.len() > 1 {
            if let Some(old) = self.frames.pop_front() {
                self.bytes -= bytes(&old.frame);
            }
        }
    }

    pub fn get(&self, id: FrameId) -> Option<Arc<Frame>> {
        self.frames.iter().rev().find(|k| k.id == id).map(|k| k.frame.clone())
    }
}

fn beam_of(frame: &Frame) -> Option<model::Beam> {
    frame.metadata.as_ref().map(|m| m.image.beam_type)
}

fn bytes(frame: &Frame) -> usize {
    let (w, h) = frame.pixels.size();
    w * h * usize::from(frame.pixels.bits() / 8)
}

/// The picture reduced by area mean so that neither side exceeds `most` pixels; 0 = as it is.
pub(crate) fn reduced(frame: &Arc<Frame>, most: u32) -> Arc<Frame> {
    let (w, h) = frame.pixels.size();
    let factor = w.max(h).div_ceil(most.max(1) as usize);
    if most == 0 || factor <= 1 {
        return frame.clone();
    }
    let source = frame.pixels.to_f32();
    let (rows, columns) = (h.div_ceil(factor), w.div_ceil(factor));
    let mean = |row: usize, column: usize| {
        let block = source.slice(ndarray::s![
            row * factor..((row + 1) * factor).min(h),
            column * factor..((column + 1) * factor).min(w)
        ]);
        block.sum() / block.len().max(1) as f32
    };
    let scale = if frame.pixels.bits() == 16 { 256.0 } else { 1.0 };
    let small = ndarray::Array2::from_shape_fn((rows, columns), |(r, c)| (mean(r, c) / scale).round() as u8);
    Arc::new(Frame {
        pixels: model::Pixels::U8(small),
        metadata: frame.metadata.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Pixels;
    use ndarray::Array2;

    fn frame(side: usize) -> Arc<Frame> {
        Arc::new(Frame {
            pixels: Pixels::U8(Array2::from_elem((side, side), 100)),
            metadata: None,
        })
    }

    #[test]
    fn the_ring_is_bounded_in_bytes_and_keeps_the_newest() {
        let mut ring = FrameRing::default();
        for id in 0..40 {
            ring.push(id, frame(1024), false);
            assert!(ring.bytes <= MOST_BYTES);
        }
        assert!(ring.get(0).is_none());
        assert!(ring.get(39).is_some());
    }

    #[test]
    fn a_reduced_picture_fits_and_keeps_its_grey() {
        let small = reduced(&frame(1000), 300);
        assert_eq!(small.pixels.size(), (250, 250));
        assert!(small.pixels.to_u8().iter().all(|v| *v == 100));
    }
}
