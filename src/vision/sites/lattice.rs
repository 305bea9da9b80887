//! The mesh of a grid, by what repeats in its picture: direction, distance and width of the bars.

use super::SitesError;
use model::Point;
use ndarray::ArrayView2;
use std::f64::consts::{FRAC_PI_2, TAU};

/// A square mesh. Lengths are m along the sample; places are pixels of the picture that was looked at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lattice {
    /// Direction of one set of bars' normals, rad from the picture's x towards its y.
    pub angle: f64,
    pub pitch: f64,
    /// Middle of a bar of either direction, m along its normal from the picture's first pixel.
    start: [f64; 2],
    /// m.
    bar: [f64; 2],
    /// Size of a pixel, m.
    pub pixel: (f64, f64),
}

/// How bright film and bars are on the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Levels {
    pub film: f32,
    pub bar: f32,
}

/// Steps of the search for the direction, rad: coarse over a quarter turn, fine around the best.
const COARSE: f64 = 0.5 * std::f64::consts::PI / 180.0;
const FINE: f64 = 0.05 * std::f64::consts::PI / 180.0;
/// Pixels between those that are looked at for the direction.
const SKIP: usize = 2;
/// Distances of bars there are (m): 1000 to 50 mesh.
const PITCHES: (f64, f64) = (20e-6, 520e-6);
/// Pixels of the shortest period, and periods that must be seen.
const LEAST_PIXELS: f64 = 20.0;
const PERIODS: f64 = 2.0;
/// The share of a profile's ups and downs that is one period and its overtones, at least.
const LEAST_SHARE: f64 = 0.35;
const OVERTONES: usize = 3;
/// Parts of a folded period.
const PARTS: usize = 64;

/// Means along lines of one direction, one for each pixel's width along the normal.
struct Profile {
    means: Vec<f64>,
    /// m.
    step: f64,
    /// Of the first mean, m along the normal.
    from: f64,
}

impl Profile {
    /// Of the picture with `normal`; dark places count as no darker than `floor`, so that holes do not hide the mesh.
    fn of(picture: ArrayView2<f32>, pixel: (f64, f64), angle: f64, floor: f32, skip: usize) -> Profile {
        let (h, w) = picture.dim();
        let (sin, cos) = angle.sin_cos();
        let step = pixel.0.min(pixel.1) * skip as f64;
        let (width, height) = (w as f64 * pixel.0, h as f64 * pixel.1);
        let from = (width * cos).min(0.0) + (height * sin).min(0.0);
        let length = (width * cos).abs() + (height * sin).abs();
        let n = (length / step) as usize + 1;
        let (mut sums, mut counts) = (vec![0.0; n], vec![0usize; n]);
        for y in (0..h).step_by(skip) {
            for x in (0..w).step_by(skip) {
                let at = x as f64 * pixel.0 * cos + y as f64 * pixel.1 * sin;
                let i = (((at - from) / step) as usize).min(n - 1);
                sums[i] += f64::from(picture[[y, x]].max(floor));
                counts[i] += 1;
            }
        }
        // lines that only cut a corner are too short to be means
        let enough = counts.iter().max().copied().unwrap_or(0) / 3;
        let all: f64 = sums.iter().sum::<f64>() / counts.iter().sum::<usize>().max(1) as f64;
        let kept: Vec<bool> = counts.iter().map(|count| *count > enough).collect();
        let first = kept.iter().position(|kept| *kept).unwrap_or(0);
        let last = kept.iter().rposition(|kept| *kept).unwrap_or(0);
        let means = (first..=last).map(|i| match counts[i] {
            0 => all,
            count => sums[i] / count as f64,
        });
        Profile {
            means: means.collect(),
            step,
            from: from + (first as f64 + 0.5) * step,
        }
    }

    fn mean(&self) -> f64 {
        self.means.iter().sum::<f64>() / self.means.len().max(1) as f64
    }

    fn variance(&self) -> f64 {
        let mean = self.mean();
        self.means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / self.means.len().max(1) as f64
    }

    fn length(&self) -> f64 {
        self.means.len() as f64 * self.step
    }

    /// Share of the variance that a period (m) explains by its overtones.
    fn share(&self, period: f64, overtones: std::ops::RangeInclusive<usize>) -> f64 {
        let (mean, n) = (self.mean(), self.means.len() as f64);
        let variance = self.variance();
        if variance <= 0.0 {
            return 0.0;
        }
        let power = |overtone: usize| {
            let turn = TAU * overtone as f64 * self.step / period;
            let (mut re, mut im) = (0.0, 0.0);
            for (i, v) in self.means.iter().enumerate() {
                let (sin, cos) = (turn * i as f64).sin_cos();
                re += (v - mean) * cos;
                im += (v - mean) * sin;
            }
            2.0 * (re * re + im * im) / (n * n)
        };
        overtones.map(power).sum::<f64>() / variance
    }

    /// The mean period, and where along it the bar is: its middle and its width, m.
    fn bar(&self, pitch: f64) -> Option<(f64, f64)> {
        let (mut sums, mut counts) = ([0.0; PARTS], [0usize; PARTS]);
        for (i, v) in self.means.iter().enumerate() {
            let at = (self.from + i as f64 * self.step) / pitch;
            let part = ((at - at.floor()) * PARTS as f64) as usize % PARTS;
            sums[part] += v;
            counts[part] += 1;
        }
        if counts.contains(&0) {
            return None;
        }
        let folded: Vec<f64> = sums.iter().zip(counts).map(|(sum, count)| sum / count as f64).collect();
        let low = folded.iter().copied().fold(f64::INFINITY, f64::min);
        let high = folded.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = (low + high) / 2.0;
        let bright = folded.iter().filter(|v| **v > middle).count();
        // bars are narrower than what they leave open
        let is_bar = |v: f64| (v > middle) == (2 * bright <= PARTS);
        let (mut re, mut im, mut parts) = (0.0, 0.0, 0);
        for (part, _) in folded.iter().enumerate().filter(|(_, v)| is_bar(**v)) {
            let (sin, cos) = (TAU * (part as f64 + 0.5) / PARTS as f64).sin_cos();
            (re, im, parts) = (re + cos, im + sin, parts + 1);
        }
        // bars of one period stand together
        let apart = parts == 0 || f64::hypot(re, im) < 0.5 * f64::from(parts);
        (!apart).then(|| {
            let at = im.atan2(re).rem_euclid(TAU) / TAU * pitch;
            (at, f64::from(parts) / PARTS as f64 * pitch)
        })
    }
}

impl Lattice {
    /// The mesh in a picture whose pixels are so large (m).
    pub fn find(picture: ArrayView2<f32>, pixel: (f64, f64)) -> Result<Lattice, SitesError> {
        let (h, w) = picture.dim();
        let extent = (w as f64 * pixel.0).min(h as f64 * pixel.1);
        let shortest = PITCHES.0.max(LEAST_PIXELS * pixel.0.max(pixel.1));
        let longest = PITCHES.1.min(extent / PERIODS);
        if h < 2 || w < 2 || longest <= shortest {
            return Err(SitesError::Small);
        }
        let mut levels: Vec<f32> = picture.iter().copied().step_by(7).collect();
        levels.sort_by(f32::total_cmp);
        let floor = levels[levels.len() / 2];
        let contrast = |angle: f64| {
            let across = |angle| Profile::of(picture, pixel, angle, floor, SKIP).variance();
            across(angle) + across(angle + FRAC_PI_2)
        };
        let best = |angles: Vec<f64>| {
            let scored = angles.into_iter().map(|angle| (contrast(angle), angle));
            scored
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or(0.0, |(_, angle)| angle)
        };
        let quarter = (FRAC_PI_2 / COARSE) as i32;
        let coarse = best((-quarter / 2..quarter / 2).map(|i| f64::from(i) * COARSE).collect());
        let fine = (COARSE / FINE) as i32;
        let angle = best((-fine..=fine).map(|i| coarse + f64::from(i) * FINE).collect());
        let profiles = [angle, angle + FRAC_PI_2].map(|angle| Profile::of(picture, pixel, angle, floor, 1));
        let share = |period: f64, overtones: std::ops::RangeInclusive<usize>| {
            let of = |profile: &Profile| profile.share(period, overtones.clone());
            profiles.iter().map(of).fold(f64::INFINITY, f64::min)
        };
        // a period is told from its neighbours by how it fits at the far end of the picture
        let longest_profile = profiles.iter().map(Profile::length).fold(0.0, f64::max);
        let mut pitch = (0.0, 0.0);
        let mut period = shortest;
        while period <= longest {
            let here = share(period, 1..=1);
            if here > pitch.0 {
                pitch = (here, period);
            }
            period *= 1.0 + 0.15 * period / longest_profile;
        }
        let near = (-40..=40).map(|i| pitch.1 * (1.0 + f64::from(i) / 40.0 * 0.15 * pitch.1 / longest_profile));
        let fitting = near.map(|period| (share(period, 1..=OVERTONES), period));
        let (sure, pitch) = fitting.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0.0));
        if sure < LEAST_SHARE {
            return Err(SitesError::NoMesh);
        }
        let bars = [profiles[0].bar(pitch), profiles[1].bar(pitch)];
        let [Some(across), Some(along)] = bars else {
            return Err(SitesError::NoMesh);
        };
        Ok(Lattice {
            angle,
            pitch,
            start: [across.0, along.0],
            bar: [across.1, along.1],
            pixel,
        })
    }

    /// The narrower side of an opening, m.
    pub fn opening(&self) -> f64 {
        self.pitch - self.bar[0].max(self.bar[1])
    }

    /// A pixel along the two normals, m.
    fn along(&self, at: Point) -> [f64; 2] {
        let (sin, cos) = self.angle.sin_cos();
        let (x, y) = (at.x * self.pixel.0, at.y * self.pixel.1);
        [x * cos + y * sin, y * cos - x * sin]
    }

    fn pixel_at(&self, along: [f64; 2]) -> Point {
        let (sin, cos) = self.angle.sin_cos();
        Point {
            x: (along[0] * cos - along[1] * sin) / self.pixel.0,
            y: (along[0] * sin + along[1] * cos) / self.pixel.1,
        }
    }

    /// A place in an opening, by the opening's half sides: 0 is its middle, 1 its edge.
    pub fn within(&self, middle: Point, at: Point) -> [f64; 2] {
        let (middle, at) = (self.along(middle), self.along(at));
        [0, 1].map(|axis| 2.0 * (at[axis] - middle[axis]) / (self.pitch - self.bar[axis]))
    }

    /// Middles of the openings that a picture of this size (rows, columns) shows as a whole.
    pub fn openings(&self, (h, w): (usize, usize)) -> Vec<Point> {
        let corners = [(0, 0), (w, 0), (0, h), (w, h)].map(|(x, y)| {
            self.along(Point {
                x: x as f64,
                y: y as f64,
            })
        });
        let range = |axis: usize| {
            let of = corners.map(|corner| (corner[axis] - self.start[axis]) / self.pitch);
            let (low, high) = (
                of.into_iter().fold(f64::INFINITY, f64::min),
                of.into_iter().fold(f64::NEG_INFINITY, f64::max),
            );
            (low.floor() as i64 - 1, high.ceil() as i64 + 1)
        };
        let (columns, rows) = (range(0), range(1));
        let middle = |column: i64, row: i64| {
            self.pixel_at([
                self.start[0] + (column as f64 + 0.5) * self.pitch,
                self.start[1] + (row as f64 + 0.5) * self.pitch,
            ])
        };
        let is_shown = |middle: &Point| {
            let half = [0, 1].map(|axis| (self.pitch - self.bar[axis]) / 2.0);
            let around = self.along(*middle);
            [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)]
                .iter()
                .all(|(a, b)| {
                    let corner = self.pixel_at([around[0] + a * half[0], around[1] + b * half[1]]);
                    corner.x >= 0.0 && corner.y >= 0.0 && corner.x <= (w - 1) as f64 && corner.y <= (h - 1) as f64
                })
        };
        (rows.0..=rows.1)
            .flat_map(|row| (columns.0..=columns.1).map(move |column| (column, row)))
            .map(|(column, row)| middle(column, row))
            .filter(is_shown)
            .collect()
    }

    /// Pixels (y, x) of an opening, without a rim of `rim` m.
    pub fn pixels(&self, middle: Point, rim: f64, (h, w): (usize, usize)) -> Vec<(usize, usize)> {
        let half = self.pitch / std::f64::consts::SQRT_2;
        let range = |at: f64, pixel: f64, n: usize| {
            let reach = half / pixel;
            (
                (at - reach).max(0.0) as usize,
                ((at + reach).max(0.0) as usize + 1).min(n),
            )
        };
        let (x, y) = (range(middle.x, self.pixel.0, w), range(middle.y, self.pixel.1, h));
        let inside = |at: Point| {
            let within = self.within(middle, at);
            [0, 1]
                .iter()
                .all(|axis| within[*axis].abs() <= 1.0 - 2.0 * rim / (self.pitch - self.bar[*axis]))
        };
        (y.0..y.1)
            .flat_map(|row| (x.0..x.1).map(move |column| (row, column)))
            .filter(|(row, column)| {
                inside(Point {
                    x: *column as f64,
                    y: *row as f64,
                })
            })
            .collect()
    }

    /// How much (m) is left between a rectangle of these half sides, along the picture's axes, around `at` and the bars; less than 0 where
    /// it reaches over one.
    pub fn room(&self, middle: Point, at: Point, half: (f64, f64)) -> f64 {
        let (sin, cos) = self.angle.sin_cos();
        let reach = [
            half.0 * cos.abs() + half.1 * sin.abs(),
            half.0 * sin.abs() + half.1 * cos.abs(),
        ];
        let (middle, at) = (self.along(middle), self.along(at));
        let left =
            [0, 1].map(|axis| (self.pitch - self.bar[axis]) / 2.0 - (at[axis] - middle[axis]).abs() - reach[axis]);
        left[0].min(left[1])
    }

    /// The usual brightness of film and of bars.
    pub fn levels(&self, picture: ArrayView2<f32>) -> Levels {
        let (h, w) = picture.dim();
        let (mut film, mut bar) = (Vec::new(), Vec::new());
        for y in (0..h).step_by(3) {
            for x in (0..w).step_by(3) {
                let along = self.along(Point {
                    x: x as f64,
                    y: y as f64,
                });
                // from the middle of the nearest bar
                let off = [0, 1].map(|axis| {
                    let from = (along[axis] - self.start[axis]) / self.pitch;
                    (from - from.round()).abs() * self.pitch - self.bar[axis] / 2.0
                });
                match off[0].min(off[1]) {
                    near if near < -0.2 * self.bar[0] => bar.push(picture[[y, x]]),
                    far if far > 0.1 * self.pitch => film.push(picture[[y, x]]),
                    _ => {}
                }
            }
        }
        Levels {
            film: median(&mut film),
            bar: median(&mut bar),
        }
    }
}

/// The middle one; 0 of nothing. The values are sorted.
pub(super) fn median(values: &mut [f32]) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}
