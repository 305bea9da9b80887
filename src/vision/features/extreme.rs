//! The outermost point of the largest connected part of a class: the tip of a needle.

use super::rule::Side;
use crate::mask::Component;
use model::Point;

/// Half-way along the outermost row or column, so a coordinate may end in .5. The first of several largest parts counts; there is
/// no smallest size.
pub(super) fn find(components: &[Component], class: u8, side: Side) -> Option<Point> {
    let parts = components.iter().filter(|c| c.class == class);
    let largest = parts.reduce(|best, next| if next.area > best.area { next } else { best })?;
    let runs = &largest.runs;
    match side {
        Side::Top | Side::Bottom => {
            let rows = runs.iter().map(|r| r.y);
            let y = if side == Side::Top { rows.min()? } else { rows.max()? };
            let row = runs.iter().filter(|r| r.y == y).flat_map(|r| r.x0..r.x1);
            Some(Point {
                x: median(&row.collect::<Vec<_>>())?,
                y: y as f64,
            })
        }
        Side::Left | Side::Right => {
            let x = if side == Side::Left {
                runs.iter().map(|r| r.x0).min()?
            } else {
                runs.iter().map(|r| r.x1 - 1).max()?
            };
            let column = runs.iter().filter(|r| (r.x0..r.x1).contains(&x)).map(|r| r.y);
            Some(Point {
                x: x as f64,
                y: median(&column.collect::<Vec<_>>())?,
            })
        }
    }
}

/// Of ascending values; the mean of the middle two.
fn median(ascending: &[usize]) -> Option<f64> {
    let n = ascending.len();
    let upper = ascending.get(n / 2)?;
    let lower = ascending.get(n.checked_sub(1)? / 2)?;
    Some((lower + upper) as f64 / 2.0)
}
