//! Class ids as tints over a picture.

use super::pen::Pen;
use super::{Position, Tint};
use ndarray::Array2;

/// Colours of classes there is room for in a palette; beyond, they come again.
const MOST: usize = 100;
/// What a class is called where there are no colours.
const SIGNS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// Lays the classes of a mask over the picture. `size` is the picture's, in its own pixels.
pub(super) fn tint(pen: &mut Pen, labels: &Array2<u8>, size: (f64, f64), colours: &[[u8; 3]], opacity: f64) {
    let classes = colours.len().saturating_sub(1).min(MOST);
    if classes == 0 || labels.is_empty() {
        return;
    }
    let (raster, viewport) = pen.raster();
    let (width, height) = viewport.canvas;
    let (rows, columns) = labels.dim();
    if width == 0 {
        return;
    }
    // the mask's place of a position of the picture
    let place = |at: f64, size: f64, count: usize| {
        let at = at / size * count as f64;
        (at >= 0.0 && at < count as f64).then_some(at as usize)
    };
    let middle = |x: usize, y: usize| viewport.to_picture(Position::new(x as f64 + 0.5, y as f64 + 0.5));
    let columns_of: Vec<_> = (0..width).map(|x| place(middle(x, 0).x, size.0, columns)).collect();
    let mut seen = vec![0u8; width * height];
    for (y, line) in seen.chunks_exact_mut(width).enumerate() {
        let Some(row) = place(middle(0, y).y, size.1, rows) else {
            continue;
        };
        for (class, column) in line.iter_mut().zip(&columns_of) {
            *class = column.map_or(0, |column| labels[[row, column]]);
        }
    }
    if viewport.step().0 * columns as f64 / size.0 > 1.0 {
        // what lies between those that were looked at: thin lines do not vanish
        let on_canvas = |at: usize, count: usize, size: f64| (at as f64 + 0.5) / count as f64 * size;
        let inside = |at: f64, end: usize| (at >= 0.0 && at < end as f64).then_some(at as usize);
        let across: Vec<_> = (0..columns)
            .map(|x| viewport.to_canvas(Position::new(on_canvas(x, columns, size.0), 0.0)).x)
            .map(|x| inside(x, width))
            .collect();
        for (row, ids) in labels.rows().into_iter().enumerate() {
            let y = viewport.to_canvas(Position::new(0.0, on_canvas(row, rows, size.1))).y;
            let Some(y) = inside(y, height) else { continue };
            for (id, x) in ids.iter().zip(&across).filter(|(id, _)| **id > 0) {
                if let Some(class) = x.map(|x| &mut seen[y * width + x]).filter(|class| **class == 0) {
                    *class = *id;
                }
            }
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
