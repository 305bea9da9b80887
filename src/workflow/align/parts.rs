//! One pair of pictures, matched part by part.
//!
//! A sample is not flat: film hangs under the bars it is stretched on, a cell stands on the film, a wall shows only to one beam. So the
//! whole picture, its middle and its four quarters are each registered by themselves, in two frequency bands that must agree. The part
//! that is believed needs the word of other parts of the picture: an edge that runs across one quarter, or the foot of a wall,
//! matches well and says nothing of the surface.

use ndarray::{Array2, s};
use serde::Serialize;
use vision::register::{CrossCorrelation, Method, Options, RegisterError, Registration, register};

/// Octaves of the pictures that must agree, as bins of the cross-correlation: coarse and fine structure.
const BANDS: [(f64, f64, f64); 2] = [(3.0, 24.0, 2.0), (8.0, 72.0, 4.0)];
/// The two beams show different contrast, so that less agreement than between pictures of one beam is still sure.
const LEAST_CONFIDENCE: f64 = 0.35;
/// How far the bands may disagree, pixels: less than a period of the fine one.
const AGREE_PX: f64 = 8.0;
/// Least share of a picture's width that is searched, whatever is already known: a second match shows only beside the first's rings.
const ROOM: f64 = 0.125;
/// Largest share of a picture's height that is searched: the rest must overlap.
const WIDEST: f64 = 0.35;
/// Quarters of the picture that must bear a match out.
const WITNESSES: usize = 2;

/// A part of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The middle half: what is centred.
    Middle,
    Whole,
    UpperLeft,
    UpperRight,
    LowerLeft,
    LowerRight,
}

impl Part {
    const QUARTERS: [Part; 4] = [Part::UpperLeft, Part::UpperRight, Part::LowerLeft, Part::LowerRight];

    /// What the widest field is measured by, those between, and the narrowest: there the bars around are at another height than what
    /// is centred.
    pub const WIDE: &[Part] = &[Part::Whole];
    pub const BETWEEN: &[Part] = &[
        Part::Whole,
        Part::Middle,
        Part::UpperLeft,
        Part::UpperRight,
        Part::LowerLeft,
        Part::LowerRight,
    ];
    pub const NARROW: &[Part] = &[
        Part::Middle,
        Part::Whole,
        Part::UpperLeft,
        Part::UpperRight,
        Part::LowerLeft,
        Part::LowerRight,
    ];

    fn of(self, picture: &Array2<f32>) -> Array2<f32> {
        let (h, w) = picture.dim();
        let (y, x) = match self {
            Part::Whole => return picture.clone(),
            Part::Middle => (h / 4, w / 4),
            Part::UpperLeft => (0, 0),
            Part::UpperRight => (0, w - w / 2),
            Part::LowerLeft => (h - h / 2, 0),
            Part::LowerRight => (h - h / 2, w - w / 2),
        };
        picture.slice(s![y..y + h / 2, x..x + w / 2]).to_owned()
    }
}

/// Where a part of the first picture is in the second: pixels right and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    pub part: Part,
    pub dx_px: f64,
    pub dy_px: f64,
    pub confidence: f64,
    /// Quarters that bear it out.
    pub witnesses: usize,
}

/// What may be believed of a pair.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Furthest a match may be (pixels).
    pub search: f64,
    /// How far the heights of what is in view may part two matches of one pair (pixels).
    pub relief: f64,
}

/// Why nothing in a pair is believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Refused {
    pub reason: String,
    pub confidence: f64,
}

/// The first of `parts` that matches and that other parts bear out.
pub fn compare(first: &Array2<f32>, second: &Array2<f32>, parts: &[Part], bounds: Bounds) -> Result<Match, Refused> {
    let one = |part: Part| matched(&part.of(first), &part.of(second), part, bounds.search);
    let quarters: Vec<Match> = Part::QUARTERS.into_iter().filter_map(|part| one(part).ok()).collect();
    let mut refused = None;
    for part in parts {
        let found = match one(*part) {
            Ok(found) => borne_out(found, &quarters, bounds.relief),
            Err(no) => Err(no),
        };
        match found {
            Ok(found) => return Ok(found),
            Err(no) => _ = refused.get_or_insert(no),
        }
    }
    Err(refused.unwrap_or_else(|| Refused {
        reason: "nothing in it was compared".to_owned(),
        confidence: 0.0,
    }))
}

/// Enough quarters say the same, and more than say something else.
fn borne_out(found: Match, quarters: &[Match], relief: f64) -> Result<Match, Refused> {
    let agree = quarters
        .iter()
        .filter(|q| (q.dx_px - found.dx_px).hypot(q.dy_px - found.dy_px) <= relief + AGREE_PX / 4.0)
        .count();
    if agree >= WITNESSES && agree > quarters.len() - agree {
        return Ok(Match {
            witnesses: agree,
            ..found
        });
    }
    Err(Refused {
        reason: format!(
            "{agree} of the picture's quarters bear the match out and {} lie elsewhere: an edge or a wall is matched, or the sample is at \
             several heights",
            quarters.len() - agree
        ),
        confidence: found.confidence.min(0.25 * agree as f64),
    })
}

/// One part by itself: both bands accept, agree, and are near enough.
fn matched(first: &Array2<f32>, second: &Array2<f32>, part: Part, search: f64) -> Result<Match, Refused> {
    let (h, w) = first.dim();
    let limit = search.max(ROOM * w as f64).min(WIDEST * h as f64);
    let unusable = |e: RegisterError| Refused {
        reason: e.to_string(),
        confidence: 0.0,
    };
    let coarse = in_band(first, second, BANDS[0], limit).map_err(unusable)?;
    let fine = in_band(first, second, BANDS[1], limit).map_err(unusable)?;
    let confidence = coarse.confidence.min(fine.confidence);
    let refused = |reason: String| Err(Refused { reason, confidence });
    if let Some(no) = [&coarse, &fine].into_iter().find(|r| !r.accepted) {
        return refused(
            no.reason
                .clone()
                .unwrap_or_else(|| "there is no clear match".to_owned()),
        );
    }
    let apart = (coarse.dx_px - fine.dx_px).hypot(coarse.dy_px - fine.dy_px);
    if apart > AGREE_PX {
        return refused(format!("coarse and fine structure disagree by {apart:.0} px"));
    }
    let away = fine.dx_px.hypot(fine.dy_px);
    if away > search {
        return refused(format!(
            "the match is {away:.0} px away, further than the {search:.0} px searched"
        ));
    }
    Ok(Match {
        part,
        dx_px: fine.dx_px,
        dy_px: fine.dy_px,
        confidence,
        witnesses: 0,
    })
}

fn in_band(
    first: &Array2<f32>,
    second: &Array2<f32>,
    (highpass, lowpass, sigma): (f64, f64, f64),
    limit: f64,
) -> Result<Registration, RegisterError> {
    let cross = CrossCorrelation {
        highpass,
        lowpass,
        sigma,
        subpixel: true,
        limit: Some(limit),
        ..CrossCorrelation::default()
    };
    let options = Options {
        cross,
        limit_px: Some(limit),
        min_confidence: LEAST_CONFIDENCE,
    };
    register(first.view(), second.view(), Method::CrossCorrelation, &options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(part: Part, dy_px: f64) -> Match {
        Match {
            part,
            dx_px: 0.0,
            dy_px,
            confidence: 0.8,
            witnesses: 0,
        }
    }

    #[test]
    fn a_match_needs_the_word_of_others() {
        let [a, b, c, d] = Part::QUARTERS;
        let whole = at(Part::Whole, 10.0);
        assert!(borne_out(whole, &[at(a, 11.0), at(b, 9.0), at(c, 10.0)], 3.0).is_ok());
        assert!(borne_out(whole, &[at(a, 11.0), at(b, 9.0), at(c, 40.0)], 3.0).is_ok());
        assert!(borne_out(whole, &[at(a, 11.0)], 3.0).is_err(), "one is not enough");
        let split = [at(a, 10.0), at(b, 10.0), at(c, -30.0), at(d, 0.0)];
        let no = borne_out(whole, &split, 3.0).unwrap_err();
        assert!(
            no.reason.contains("2 of the picture's quarters") && no.confidence <= 0.5,
            "{no:?}"
        );
    }

    #[test]
    fn the_parts_lie_where_their_names_say() {
        let picture = Array2::from_shape_fn((8, 12), |(y, x)| (100 * y + x) as f32);
        assert_eq!(Part::UpperRight.of(&picture)[[0, 0]], 6.0);
        assert_eq!(Part::LowerLeft.of(&picture)[[3, 5]], 705.0);
        assert_eq!(Part::Middle.of(&picture)[[0, 0]], 203.0);
        assert_eq!(Part::Middle.of(&picture).dim(), (4, 6));
    }
}
