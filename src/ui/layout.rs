//! Where things are: tab bar, body, question, message, status, keys. When room gets scarce the picture goes first; the status
//! and the line with Stop are always there.

use ratatui::layout::Rect;

/// The parts of the screen, top to bottom; those that do not fit are empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    pub tabs: Rect,
    pub body: Rect,
    pub question: Rect,
    pub message: Rect,
    pub status: Rect,
    pub keys: Rect,
}

/// Below this only status and Stop are shown.
pub const SMALLEST: (u16, u16) = (40, 10);

/// Divides the screen. `status` is the number of lines the status needs at this width, `question` the rows a waiting
/// question would like (0 = none waits).
pub fn areas(screen: Rect, status: u16, question: u16) -> Areas {
    let small = screen.width < SMALLEST.0 || screen.height < SMALLEST.1;
    let keys = screen.height.min(1);
    let mut left = screen.height - keys;
    let mut take = |wanted: u16| {
        let rows = wanted.min(left);
        left -= rows;
        rows
    };
    let status = if small {
        take(u16::MAX)
    } else {
        take(status.clamp(1, 3))
    };
    let (message, tabs) = if small { (0, 0) } else { (take(1), take(1)) };
    let question = if small || question == 0 {
        0
    } else {
        take(question.min(screen.height / 2))
    };
    let body = take(u16::MAX);
    let mut y = screen.y;
    let mut next = |height: u16| {
        let area = Rect {
            x: screen.x,
            y,
            width: screen.width,
            height,
        };
        y += height;
        area
    };
    Areas {
        tabs: next(tabs),
        body: next(body),
        question: next(question),
        message: next(message),
        status: next(status),
        keys: next(keys),
    }
}

/// Whether a tab's body has room for its pictures and all its panels at once.
pub fn is_wide(body: Rect) -> bool {
    body.width >= 100 && body.height >= 26
}

/// `area` but for its last `rows`, and these.
pub fn above(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let height = area.height - rows;
    let y = area.y + height;
    (
        Rect { height, ..area },
        Rect {
            y,
            height: rows,
            ..area
        },
    )
}

/// A box of at most this size in the middle of `area`.
pub fn middle(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_screen_and_never_overlap() {
        for width in [1, 5, 20, 39, 40, 80, 120, 250] {
            for height in 0..90 {
                for question in [0, 6] {
                    let a = areas(Rect::new(0, 0, width, height), 2, question);
                    let parts = [a.tabs, a.body, a.question, a.message, a.status, a.keys];
                    assert_eq!(parts.iter().map(|p| p.height).sum::<u16>(), height);
                    assert!(height == 0 || a.keys.height == 1, "Stop goes last");
                    assert!(height < 2 || a.status.height > 0);
                    assert!(height >= 10 && width >= 40 || a.body.height == 0);
                }
            }
        }
        assert!(areas(Rect::new(0, 0, 80, 24), 2, 0).body.height >= 19);
    }
}
