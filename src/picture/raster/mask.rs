//! Class ids as tints over a picture.

use super::pen::Pen;
use super::{Position, Tint};
use ndarray::Array2;

/// Colours of classes there is room for in a palette; beyond, they come again.
const MOST: usize = 100;
/// What a class is called where there are no colours.
const SIGNS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
/// From this many pixels of the mask to one of the canvas on, a pixel is looked at in more than one place: thin lines do not vanish.
const COARSE: f64 = 2.0;

/// Lays the classes of a mask over the picture. `size` is the picture's, in its own pixels.
pub(super) fn tint(pen: &mut Pen, labels: &Array2<u8>, size: (f64, f64), colours: &[[u8; 3]], opacity: f64) {
    let classes = colours.len().saturating_sub(1).min(MOST);
    if classes == 0 || labels.is_empty() {
        return;
    }
    let (raster, viewport) = pen.raster();
    let (width, height) = viewport.canvas;
    let (rows, columns) = labels.dim();
    // where along an axis the pixels of the canvas look, by share of a pixel
    let place = |at: f64, size: f64, count: usize| {
        let at = at / size * count as f64;
        (at >= 0.0 && at < count as f64).then_some(at as usize)
    };
    let across = |x: usize, share: f64| {
        let at = viewport.to_picture(Position::new(x as f64 + share, 0.0));
        place(at.x, size.0, columns)
    };
    let down = |y: usize, share: f64| {
        let at = viewport.to_picture(Position::new(0.0, y as f64 + share));
        place(at.y, size.1, rows)
    };
    let shares: &[f64] = match viewport.step().0 * columns as f64 / size.0 >= COARSE {
        true => &[0.5, 0.2, 0.8],
        false => &[0.5],
    };
    let columns_of: Vec<Vec<Option<usize>>> = (0..width)
        .map(|x| shares.iter().map(|s| across(x, *s)).collect())
        .collect();
    let mut seen = vec![0u8; width * height];
    for y in 0..height {
        let rows_of: Vec<Option<usize>> = shares.iter().map(|s| down(y, *s)).collect();
        for (class, columns_of) in seen[y * width..][..width].iter_mut().zip(&columns_of) {
            let pairs = rows_of.iter().flat_map(|row| columns_of.iter().map(move |c| (row, c)));
            let mut ids = pairs.filter_map(|(row, column)| labels.get(((*row)?, (*column)?)));
            *class = ids.find(|id| **id > 0).copied().unwrap_or(0);
        }
    }
    let fold = |class: u8| 1 + (usize::from(class) - 1) % classes;
    raster.tint = vec![0; width * height];
    for (at, class) in seen.iter().enumerate().filter(|(_, class)| **class > 0) {
        let (x, y) = (at % width, at / width);
        let other = |x: usize, y: usize| x < width && y < height && seen[y * width + x] != *class;
        let around = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        let edge = around.into_iter().any(|(x, y)| other(x, y));
        raster.tint[at] = (fold(*class) + if edge { classes } else { 0 }) as u8;
    }
    let table = |opacity: u8| {
        (1..=classes).map(move |class| Tint {
            colour: colours[class],
            opacity,
            sign: char::from(SIGNS[class % SIGNS.len()]),
        })
    };
    // one that is solid is an edge
    let share = (opacity.clamp(0.0, 1.0) * 254.0).round() as u8;
    raster.tints = table(share).chain(table(u8::MAX)).collect();
}
