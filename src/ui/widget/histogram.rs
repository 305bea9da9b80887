//! The grey values of a picture: bars, range, median, and how much is clipped.

use crate::canvas::Canvas;
use crate::theme::{Role, Theme};
use picture::plot::Histogram;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Share of clipped pixels from which it is said in the colour of a warning.
const CLIPPED: f64 = 0.01;

/// Draws the histogram over the whole area, numbers in its last row.
pub fn draw(histogram: Option<&Histogram>, theme: &Theme, area: Rect, canvas: &mut Canvas) {
    let Some((histogram, (low, high))) = histogram.and_then(|h| h.range().map(|range| (h, range))) else {
        return canvas.line(Line::styled("no pixels", theme.style(Role::Dim)), area);
    };
    let rows = area.height.saturating_sub(1);
    for (i, bars) in tall(histogram, usize::from(area.width), usize::from(rows))
        .into_iter()
        .enumerate()
    {
        canvas.row(Line::styled(bars, theme.style(Role::Info)), area, i as u16);
    }
    let share = |n: u64| n as f64 / histogram.total().max(1) as f64;
    let (black, white) = (share(histogram.counts[0]), share(histogram.counts[255]));
    let mut spans = vec![Span::styled(
        format!("{low}..{high} median {}", histogram.median()),
        theme.style(Role::Text),
    )];
    if black.max(white) >= 0.001 {
        let role = if black.max(white) >= CLIPPED {
            Role::Warn
        } else {
            Role::Dim
        };
        spans.push(Span::styled(
            format!(" clip {:.1}/{:.1} %", 100.0 * black, 100.0 * white),
            theme.style(role),
        ));
    }
    canvas.row(Line::from(spans), area, rows);
}

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Bars of several rows, the top one first. Heights are square roots of the counts: one peak does not flatten all the rest.
fn tall(histogram: &Histogram, width: usize, rows: usize) -> Vec<String> {
    let width = width.min(256);
    let bin = |i: usize| {
        let from = i * 256 / width;
        histogram.counts[from..((i + 1) * 256 / width).clamp(from + 1, 256)]
            .iter()
            .sum::<u64>()
    };
    let heights: Vec<f64> = (0..width).map(|i| (bin(i) as f64).sqrt()).collect();
    let top = heights.iter().copied().fold(1.0, f64::max);
    (0..rows)
        .map(|row| {
            let floor = 8 * (rows - 1 - row);
            let eighths = |h: &f64| {
                ((h / top * 8.0 * rows as f64).ceil() as usize)
                    .saturating_sub(floor)
                    .min(8)
            };
            heights.iter().map(|h| BARS[eighths(h)]).collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_fill_their_rows_from_below() {
        let mut counts = [0u64; 256];
        counts[0] = 100;
        counts[255] = 25;
        let bars = tall(&Histogram { counts }, 4, 2);
        assert_eq!(bars, ["█   ", "█  █"]);
        assert!(tall(&Histogram { counts }, 0, 2).iter().all(String::is_empty));
    }
}
