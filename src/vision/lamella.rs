//! A polished lamella, end on, in an ion picture: whether it stands, and how thick it is along its width.
//!
//! It is a bright strip between two trenches, which are dark. Columns are averaged in groups along it, since a thin lamella's picture is
//! taken with little dose; an edge is where a group's profile rises from the trench, between pixels: the face itself may be brighter at
//! one edge than at the other.

use crate::filter::{Border, gaussian};
use ndarray::{Array1, ArrayView1, ArrayView2, Axis, s};
use serde::Serialize;

/// What should be there, pixels of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planned {
    /// Its middle (x right, y down), and how far from there it may be.
    pub at: (f64, f64),
    pub search: f64,
    pub width: f64,
    pub thickness: f64,
    /// Height of each trench beside it.
    pub trench: f64,
}

/// A lamella as a picture shows it, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Section {
    /// Thickness on the whole, and of its thinnest and thickest part.
    pub mean: f64,
    pub least: f64,
    pub most: f64,
    /// Its middle (x right, y down).
    pub at: (f64, f64),
    /// Share of its width at which it stands, 0..1.
    pub stands: f64,
}

/// Why there is nothing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmeasured {
    #[error("the place of the lamella does not lie in the picture")]
    Outside,
    #[error("nothing stands between the trenches")]
    Gone,
    #[error("it is not cut free on both sides")]
    Uncut,
}

/// The ends of a lamella are rounded by the beam: this share of its width, in the middle, counts.
const INNER: f64 = 0.8;
/// Parts that its width is measured in.
const PARTS: usize = 9;
/// A face is brighter than its trenches by so many times what noise leaves of a profile.
const CLEAR: f64 = 6.0;
/// Share of the face's brightness over the trench that a part of it has at least.
const STANDING: f64 = 0.4;
/// Share of a trench that must be dark next to it.
const FREE: f64 = 0.5;
/// Thicker than planned by so many times is not cut out.
const THICKEST: f64 = 4.0;
/// Share of the brightness of the face, over the trench, at which it begins; and how many standard deviations of the smoothing a sharp edge
/// lies behind that (the normal distribution's quantile of the rest).
const EDGE: f32 = 0.3;
const BEHIND: f64 = 0.524;
/// Smoothing along the profile, pixels, for a thickness of so many.
const SMOOTH: (f64, f64) = (1.5, 12.0);

/// Measures a lamella where it should be.
pub fn section(picture: ArrayView2<f32>, planned: &Planned) -> Result<Section, Unmeasured> {
    let (h, w) = picture.dim();
    let reach = planned.search + 0.5 * THICKEST * planned.thickness + planned.trench;
    let (x0, x1) = range(planned.at.0, 0.5 * INNER * planned.width, w).ok_or(Unmeasured::Outside)?;
    let (y0, y1) = range(planned.at.1, reach, h).ok_or(Unmeasured::Outside)?;
    if x1 - x0 < PARTS {
        return Err(Unmeasured::Outside);
    }
    let part = picture.slice(s![y0..y1, x0..x1]);
    let smooth = SMOOTH.0 * (planned.thickness / SMOOTH.1).min(1.0);
    let profile = |part: ArrayView2<f32>| -> Array1<f32> {
        let mean = part.mean_axis(Axis(1)).unwrap_or_else(|| Array1::zeros(part.nrows()));
        let column = mean.insert_axis(Axis(1));
        gaussian(column.view(), smooth, Border::Reflect).remove_axis(Axis(1))
    };
    let whole = profile(part);
    let (dark, bright) = levels(whole.view(), planned, y0)?;
    if f64::from(bright - dark) < CLEAR * noise(part) / ((x1 - x0) as f64).sqrt() {
        return Err(Unmeasured::Gone);
    }
    let strip = strip(whole.view(), (dark, bright), planned, y0)?;
    // a lamella may lie askew: each part is looked for a little beyond the whole
    let beyond = (0.25 * planned.trench).max(2.0);
    let rows = (
        (strip.0 - beyond).max(0.0) as usize,
        ((strip.1 + beyond).ceil() as usize + 1).min(whole.len()),
    );
    let edge = |n: usize| n * (x1 - x0) / PARTS;
    let measured: Vec<(f64, f64)> = (0..PARTS)
        .filter_map(|n| {
            let own = profile(part.slice(s![.., edge(n)..edge(n + 1)]));
            thickest(own.slice(s![rows.0..rows.1]), dark, bright)
        })
        .map(|(from, to)| (from + rows.0 as f64, to + rows.0 as f64))
        .collect();
    if measured.is_empty() {
        return Err(Unmeasured::Gone);
    }
    let each = || {
        measured
            .iter()
            .map(|(from, to)| (to - from - 2.0 * BEHIND * smooth).max(0.0))
    };
    let n = measured.len() as f64;
    let middle = measured.iter().map(|(from, to)| f64::midpoint(*from, *to)).sum::<f64>() / n;
    Ok(Section {
        mean: each().sum::<f64>() / n,
        least: each().fold(f64::INFINITY, f64::min),
        most: each().fold(0.0, f64::max),
        at: (planned.at.0, y0 as f64 + middle),
        stands: n / PARTS as f64,
    })
}

fn edge_level(dark: f32, bright: f32) -> f32 {
    dark + EDGE * (bright - dark)
}

/// First and one past the last of what lies within `half` of `middle`, if it is all there.
fn range(middle: f64, half: f64, n: usize) -> Option<(usize, usize)> {
    let (from, to) = ((middle - half).floor(), (middle + half).ceil());
    (from >= 0.0 && to < n as f64 && to > from).then_some((from as usize, to as usize + 1))
}

/// What a trench and what the face is like.
fn levels(profile: ArrayView1<f32>, planned: &Planned, y0: usize) -> Result<(f32, f32), Unmeasured> {
    let mut sorted = profile.to_vec();
    sorted.sort_by(f32::total_cmp);
    // both trenches together are most of what is looked at
    let dark = sorted.get(sorted.len() / 4).copied().ok_or(Unmeasured::Outside)?;
    let near = planned.search + 0.5 * planned.thickness;
    let (from, to) = (planned.at.1 - near - y0 as f64, planned.at.1 + near - y0 as f64);
    let near = profile.slice(s![(from.max(0.0) as usize)..(to.ceil() as usize + 1).min(profile.len())]);
    let bright = near.iter().copied().reduce(f32::max).ok_or(Unmeasured::Outside)?;
    Ok((dark, bright))
}

/// Standard deviation of a pixel's noise, by neighbours along the rows.
fn noise(part: ArrayView2<f32>) -> f64 {
    let (a, b) = (part.slice(s![.., 1..]), part.slice(s![.., ..-1]));
    let sum: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    (0.5 * sum / a.len().max(1) as f64).sqrt()
}

/// From and to of the strip that is nearest to where it should be. The floor of a trench and the ledges in it are dimmer than half of a face;
/// a trench with a narrow one is dark for the most part.
fn strip(
    profile: ArrayView1<f32>,
    (dark, bright): (f32, f32),
    planned: &Planned,
    y0: usize,
) -> Result<(f64, f64), Unmeasured> {
    let face = f32::midpoint(dark, bright);
    let wanted = planned.at.1 - y0 as f64;
    let away = |strip: &(f64, f64)| (f64::midpoint(strip.0, strip.1) - wanted).abs();
    let nearest = strips(profile, face)
        .into_iter()
        .min_by(|a, b| away(a).total_cmp(&away(b)));
    let found = nearest
        .filter(|strip| away(strip) <= planned.search + 0.5 * planned.thickness)
        .ok_or(match profile.iter().any(|v| *v > face) {
            true => Unmeasured::Uncut,
            false => Unmeasured::Gone,
        })?;
    let free = |from: f64, to: f64| {
        let (from, to) = (from.max(0.0) as usize, (to.max(0.0) as usize).min(profile.len()));
        let trench = profile.slice(s![from.min(to)..to]);
        let clear = trench.iter().filter(|v| **v < edge_level(dark, bright)).count();
        clear as f64 >= FREE * planned.trench
    };
    let beside = free(found.0 - planned.trench, found.0) && free(found.1, found.1 + planned.trench);
    if found.1 - found.0 > THICKEST * planned.thickness || !beside {
        return Err(Unmeasured::Uncut);
    }
    Ok(found)
}

/// Stretches above the level, from and to between pixels.
fn strips(profile: ArrayView1<f32>, level: f32) -> Vec<(f64, f64)> {
    let crossing = |y: usize| {
        let (a, b) = (profile[y - 1], profile[y]);
        (y - 1) as f64 + f64::from((level - a) / (b - a))
    };
    let mut found = Vec::new();
    let mut from = (profile.first() > Some(&level)).then_some(0.0);
    for y in 1..profile.len() {
        match (profile[y - 1] > level, profile[y] > level) {
            (false, true) => from = Some(crossing(y)),
            (true, false) => found.extend(from.take().map(|from| (from, crossing(y)))),
            _ => {}
        }
    }
    found.extend(from.map(|from| (from, profile.len() as f64 - 1.0)));
    found
}

/// The thickest stretch of a part, by its own brightness; `None` where nothing stands there.
fn thickest(profile: ArrayView1<f32>, dark: f32, bright: f32) -> Option<(f64, f64)> {
    let top = profile.iter().copied().reduce(f32::max)?;
    if f64::from(top - dark) < STANDING * f64::from(bright - dark) {
        return None;
    }
    let all = strips(profile, edge_level(dark, top));
    all.into_iter().max_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    const PLANNED: Planned = Planned {
        at: (300.0, 200.0),
        search: 40.0,
        width: 400.0,
        thickness: 20.0,
        trench: 60.0,
    };

    /// A field of 600 x 400 with trenches up to 90 beside the middle, and what `face` says of a lamella: from and to, at x.
    fn picture(face: impl Fn(usize) -> Option<(f64, f64)>, noise: f32) -> Array2<f32> {
        let mut state = 7u32;
        let mut random = move || {
            let mut sum = 0.0;
            for _ in 0..6 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                sum += (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5;
            }
            sum * 1.4
        };
        Array2::from_shape_fn((400, 600), |(y, x)| {
            let (row, trench) = (y as f64, (100..500).contains(&x) && (80..320).contains(&y));
            let stands = face(x).map_or(0.0, |(from, to)| {
                (row - from + 0.5).clamp(0.0, 1.0).min((to - row + 0.5).clamp(0.0, 1.0))
            });
            let grey = match trench {
                true => 20.0 + 110.0 * stands as f32,
                false => 100.0,
            };
            grey + noise * random()
        })
    }

    fn measured(face: impl Fn(usize) -> Option<(f64, f64)>) -> Result<Section, Unmeasured> {
        section(picture(face, 30.0).view(), &PLANNED)
    }

    #[test]
    fn a_strip_is_measured_to_a_part_of_a_pixel_in_a_noisy_picture() {
        for (from, to) in [(190.0, 210.0), (213.3, 229.1), (172.4, 204.9)] {
            let found = measured(|_| Some((from, to))).unwrap();
            assert!((found.mean - (to - from)).abs() < 0.4, "{found:?}");
            assert!((found.at.1 - 0.5 * (from + to)).abs() < 0.3, "{found:?}");
            assert!(found.stands > 0.999 && found.most - found.least < 1.5, "{found:?}");
        }
    }

    #[test]
    fn a_face_that_is_brighter_at_one_edge_is_no_thinner() {
        let mut picture = picture(|_| Some((190.0, 210.0)), 15.0);
        // from two fifths of its brightness on the upper edge to all of it on the lower
        for y in 189..211 {
            let share = 0.4 + 0.6 * (y as f32 - 190.0).clamp(0.0, 20.0) / 20.0;
            picture
                .slice_mut(s![y, 100..500])
                .mapv_inplace(|v| 20.0 + (v - 20.0) * share);
        }
        let found = section(picture.view(), &PLANNED).unwrap();
        assert!((found.mean - 20.0).abs() < 2.0, "{found:?}");
    }

    #[test]
    fn a_wedge_lies_between_its_thin_and_its_thick_end_and_an_askew_one_is_no_thicker() {
        let wedge = measured(|x| Some((195.0, 205.0 + x as f64 / 30.0))).unwrap();
        assert!((wedge.mean - 20.0).abs() < 0.6, "{wedge:?}");
        assert!(wedge.least < 16.5 && wedge.most > 23.5, "{wedge:?}");
        let askew = measured(|x| Some((180.0 + x as f64 / 30.0, 200.0 + x as f64 / 30.0))).unwrap();
        assert!((askew.mean - 20.0).abs() < 1.5, "{askew:?}");
    }

    #[test]
    fn what_is_gone_in_part_or_whole_or_not_cut_free_is_told() {
        let half = measured(|x| (x < 300).then_some((190.0, 210.0))).unwrap();
        assert!((0.4..0.6).contains(&half.stands), "{half:?}");
        assert_eq!(measured(|_| None), Err(Unmeasured::Gone));
        assert_eq!(measured(|_| Some((190.0, 320.0))), Err(Unmeasured::Uncut));
        assert_eq!(measured(|_| Some((160.0, 245.0))), Err(Unmeasured::Uncut));
        // a ledge in a trench is none of that, a step that fills it is
        let with = |ledge: std::ops::Range<usize>| {
            let mut picture = picture(|_| Some((190.0, 210.0)), 15.0);
            picture.slice_mut(s![ledge, 100..500]).fill(66.0);
            section(picture.view(), &PLANNED)
        };
        assert!((with(225..237).unwrap().mean - 20.0).abs() < 0.5);
        assert_eq!(with(225..300), Err(Unmeasured::Uncut));
        let beside = Planned {
            at: (10.0, 200.0),
            ..PLANNED
        };
        assert_eq!(
            section(picture(|_| None, 30.0).view(), &beside),
            Err(Unmeasured::Outside)
        );
    }
}
