//! A few neighbouring places of a row, worked out together: what holds for all of them is asked once, and loops over plain
//! arrays let the compiler do several places at a time.

use super::noise::{Noise, Texture};
use super::{Line, Place, Relief, Surface};
use std::cell::OnceCell;

/// Most places in a run.
pub const RUN: usize = 32;

/// A value for each place.
pub type Values = [f32; RUN];

/// Places `first..first + n` of a line.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    pub line: &'a Line,
    pub first: usize,
    pub n: usize,
    /// Where they are (m); the first `n` count.
    pub x: Values,
    pub y: Values,
}

impl<'a> Run<'a> {
    pub fn new(line: &'a Line, first: usize, n: usize) -> Self {
        let (x0, y0) = (line.x0 + first as f64 * line.dx, line.y0 + first as f64 * line.dy);
        let (mut x, mut y) = ([0.0; RUN], [0.0; RUN]);
        for i in 0..n {
            let step = f64::from(i as i32);
            (x[i], y[i]) = ((x0 + step * line.dx) as f32, (y0 + step * line.dy) as f32);
        }
        Run { line, first, n, x, y }
    }

    pub fn px(&self) -> f32 {
        self.line.px
    }

    pub fn place(&self, i: usize) -> Place {
        let &Line { px, face, channel, .. } = self.line;
        let (x, y) = (self.x[i], self.y[i]);
        Place {
            x,
            y,
            px,
            face,
            channel,
        }
    }

    /// First and last place (m).
    pub fn ends(&self) -> [[f32; 2]; 2] {
        let last = self.n - 1;
        [[self.x[0], self.y[0]], [self.x[last], self.y[last]]]
    }

    /// Opposite corners of the box round all places and `margin` (m).
    pub fn corners(&self, margin: f32) -> ([f32; 2], [f32; 2]) {
        let [[x0, y0], [x1, y1]] = self.ends();
        (
            [x0.min(x1) - margin, y0.min(y1) - margin],
            [x0.max(x1) + margin, y0.max(y1) + margin],
        )
    }

    /// A texture at each place.
    pub fn texture(&self, noise: &Noise, texture: &Texture) -> Values {
        let mut values = [0.0; RUN];
        noise.octaves_row(texture, self.line, self.first, &mut values[..self.n]);
        values
    }
}

/// A texture along a run, worked out when a place first asks for it.
#[derive(Debug)]
pub struct Textured<'a> {
    noise: &'a Noise,
    run: &'a Run<'a>,
    texture: Texture,
    values: OnceCell<Values>,
}

impl<'a> Textured<'a> {
    pub fn new(noise: &'a Noise, run: &'a Run<'a>, texture: Texture) -> Self {
        Textured {
            noise,
            run,
            texture,
            values: OnceCell::new(),
        }
    }

    #[inline]
    pub fn at(&self, i: usize) -> f32 {
        self.values.get_or_init(|| self.run.texture(self.noise, &self.texture))[i]
    }
}

/// One place of a relief that works by runs.
pub fn one(relief: &impl Relief, place: &Place) -> Surface {
    let mut out = [Surface::default()];
    relief.fill(&Line::of(place), &mut out);
    out[0]
}

/// A line, run by run.
pub fn each(line: &Line, out: &mut [Surface], mut look: impl FnMut(&Run, &mut [Surface])) {
    for (k, part) in out.chunks_mut(RUN).enumerate() {
        look(&Run::new(line, k * RUN, part.len()), part);
    }
}
