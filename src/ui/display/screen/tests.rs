use super::*;
use crate::sample::picture_key;
use picture::{Budget, Encoder, Graphics, Grey, InkTable, Protocol, Raster};
use ratatui::style::Style;
use std::sync::Arc;

fn canvas(text: &str) -> Canvas {
    let mut canvas = Canvas::new(Rect::new(0, 0, 20, 3));
    canvas.buffer.set_string(0, 1, text, Style::new());
    canvas
}

#[test]
fn nothing_is_written_when_nothing_changed() {
    let mut screen = Screen::new(Rect::new(0, 0, 20, 3));
    let first = screen.render(canvas("hello"), true);
    assert!(first.starts_with(b"\x1b[?2026h") && first.ends_with(b"\x1b[?2026l"));
    assert!(screen.render(canvas("hello"), true).is_empty());
    let next = screen.render(canvas("hallo"), false);
    assert!(next.len() < 40, "one letter: {next:?}");
    screen.forget();
    assert!(screen.render(canvas("hallo"), false).len() > next.len());
}

#[test]
fn the_cursor_is_moved_only_when_it_must() {
    let mut screen = Screen::new(Rect::new(0, 0, 20, 3));
    let at = |x| {
        let mut canvas = canvas("a");
        canvas.cursor = Some(Position::new(x, 1));
        canvas
    };
    assert!(screen.render(at(1), false).ends_with(b"\x1b[?25h"));
    assert!(screen.render(at(1), false).is_empty());
    assert!(!screen.render(at(2), false).is_empty());
    assert_eq!(screen.render(canvas("a"), false), b"\x1b[?25l");
}

#[test]
fn a_storm_of_sizes_leaves_nothing_behind() {
    use crate::sample::{asking, state};
    let s = asking();
    let ui = state(crate::tab::TabId::Connection, &s);
    let emulator =
        |(columns, rows): (u16, u16)| vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
    let area = |(columns, rows): (u16, u16)| Rect::new(0, 0, columns, rows);
    let sizes = [
        (120, 40),
        (20, 5),
        (250, 80),
        (250, 5),
        (20, 80),
        (80, 24),
        (79, 24),
        (80, 23),
        (40, 10),
        (160, 50),
        (39, 9),
        (250, 80),
        (20, 5),
    ];
    let mut terminal = emulator(sizes[0]);
    let mut screen = Screen::new(area(sizes[0]));
    for (i, size) in sizes.iter().enumerate() {
        let drawn = screen.render(ui.draw(&s, area(*size)), true);
        // every other time the terminal has yet another size when the frame arrives
        if i % 2 == 1 {
            let next = sizes[(i + 1) % sizes.len()];
            terminal
                .screen_mut()
                .set_size(next.1.try_into().unwrap(), next.0.try_into().unwrap());
            terminal.process(&drawn);
            continue;
        }
        terminal
            .screen_mut()
            .set_size(size.1.try_into().unwrap(), size.0.try_into().unwrap());
        terminal.process(&drawn);
        let mut fresh = emulator(*size);
        fresh.process(&Screen::new(area(*size)).render(ui.draw(&s, area(*size)), true));
        assert_eq!(terminal.screen().contents(), fresh.screen().contents(), "{size:?}");
    }
}

const PANE: Rect = Rect {
    x: 3,
    y: 1,
    width: 20,
    height: 6,
};
const POPUP: Rect = Rect {
    x: 8,
    y: 3,
    width: 9,
    height: 2,
};

/// Pictures that are no text cells.
const PLACED: [Protocol; 3] = [
    Protocol::Kitty { placeholders: false },
    Protocol::Iterm2,
    Protocol::Sixel,
];

fn graphics(protocol: Protocol) -> Graphics {
    Graphics {
        protocol,
        cell_px: (10, 20),
        tmux: false,
        pixel_mouse: false,
        synchronised: true,
    }
}

/// A terminal as far as pictures go: `#` is where one hides the text.
struct Terminal {
    protocol: Protocol,
    text: vt100::Parser,
    /// kitty's lie above the text until they are deleted; the others are replaced by what is written there.
    above: bool,
}

impl Terminal {
    fn take(&mut self, bytes: &[u8]) {
        let last = |part: &[u8]| bytes.windows(part.len()).rposition(|w| w == part);
        self.text.process(bytes);
        match self.protocol {
            Protocol::Kitty { .. } => match (last(b"\x1b_Ga=T"), last(b"\x1b_Ga=d,d=I,i=1")) {
                (None, None) => {}
                (came, gone) => self.above = came > gone,
            },
            _ => {
                let start: &[u8] = if self.protocol == Protocol::Sixel {
                    b"\x1bP0;1;0q"
                } else {
                    b"\x1b]1337;File="
                };
                if last(start).is_some() {
                    for row in PANE.rows() {
                        let line = format!("\x1b[{};{}H{}", row.y + 1, row.x + 1, "#".repeat(row.width.into()));
                        self.text.process(line.as_bytes());
                    }
                }
            }
        }
    }

    fn seen(&self) -> String {
        let cell = |at: Position| match self.text.screen().cell(at.y, at.x) {
            _ if self.above && PANE.contains(at) => "#".to_owned(),
            Some(cell) if cell.has_contents() => cell.contents().to_owned(),
            _ => " ".to_owned(),
        };
        let row = |row: Rect| row.positions().map(cell).collect::<String>();
        Rect::new(0, 0, 30, 8).rows().map(|r| row(r) + "\n").collect()
    }
}

/// A frame with one picture, and a question over it.
fn frame(placed: bool, popup: bool) -> Canvas {
    let mut canvas = Canvas::new(Rect::new(0, 0, 30, 8));
    canvas.buffer.set_string(0, 0, "the tab", Style::new());
    match placed {
        true => canvas.place(PANE, picture_key()),
        false => canvas.buffer.set_string(4, 2, "another tab", Style::new()),
    }
    if popup {
        canvas.clear(POPUP, Style::new());
        canvas.buffer.set_string(POPUP.x, POPUP.y, "mill? y/n", Style::new());
    }
    canvas
}

#[test]
fn a_question_over_a_picture_can_be_read_and_the_picture_comes_back() {
    for protocol in PLACED {
        let mut encoder = Encoder::new(graphics(protocol), Budget::default(), InkTable::default());
        let mut picture = |grey: u8| {
            let mut raster = Raster::from(Grey::new(100, 60));
            raster.grey.data.fill(grey);
            encoder.encode(1, &raster, PANE)
        };
        let mut screen = Screen::new(Rect::new(0, 0, 30, 8));
        let mut terminal = Terminal {
            protocol,
            text: vt100::Parser::new(8.try_into().unwrap(), 30.try_into().unwrap(), 0),
            above: false,
        };
        let covered = PANE.area() as usize;
        let mut hidden = |screen: &mut Screen, placed, popup| {
            let bytes = screen.render(frame(placed, popup), true);
            terminal.take(&bytes);
            let seen = terminal.seen();
            (seen.matches('#').count(), seen)
        };
        screen.picture(0, PANE, picture(90));
        assert_eq!(hidden(&mut screen, true, false).0, covered, "{protocol:?}");
        let asked = hidden(&mut screen, true, true);
        assert!(
            asked.0 == 0 && asked.1.contains("mill? y/n"),
            "{protocol:?}: {}",
            asked.1
        );
        assert!(screen.render(frame(true, true), true).is_empty(), "{protocol:?}");
        // a live picture goes on below the question
        screen.picture(0, PANE, picture(120));
        assert_eq!(hidden(&mut screen, true, true), asked, "{protocol:?}");
        let (back, seen) = hidden(&mut screen, true, false);
        assert!(back == covered && !seen.contains("mill"), "{protocol:?}: {seen}");
        assert!(screen.render(frame(true, false), true).is_empty(), "{protocol:?}");
        // before the encoder has said that the pane is gone
        let (none, seen) = hidden(&mut screen, false, false);
        assert!(none == 0 && seen.contains("another tab"), "{protocol:?}: {seen}");
        screen.picture(0, PANE, picture(60));
        assert_eq!(hidden(&mut screen, false, false).0, 0, "{protocol:?}");
        assert_eq!(hidden(&mut screen, true, false).0, covered, "{protocol:?}");
        screen.forget();
        assert_eq!(hidden(&mut screen, true, true).0, 0, "{protocol:?}");
    }
}

/// Two tabs with panes of other heights may put a picture on the same cells: it must be seen in both.
#[test]
fn a_picture_on_the_same_cells_of_another_pane_is_shown() {
    let manner = crate::display::painting::Manner {
        graphics: graphics(Protocol::Sixel),
        budget: Budget::default(),
        inks: InkTable::default(),
    };
    let (done, painted) = std::sync::mpsc::channel();
    let mut painting = crate::display::painting::Painting::start(manner, move |p| drop(done.send(p))).unwrap();
    let pixels = Arc::new(model::Pixels::filled(90, 20, 90));
    let mut screen = Screen::new(Rect::new(0, 0, 30, 12));
    let mut shown = |pane: Rect| {
        let mut canvas = Canvas::new(Rect::new(0, 0, 30, 12));
        let key = picture_key();
        canvas.place(pane, key.clone());
        // the frame that is drawn before the painter has answered
        let mut blank = Canvas::new(canvas.buffer.area);
        blank.place(pane, key.clone());
        screen.render(blank, true);
        painting.send(crate::display::painting::Order {
            manner: None,
            pictures: vec![(pane, key, pixels.clone())],
            gone: Vec::new(),
        });
        let painted = painted.recv().unwrap();
        painting.done();
        let anew = painted.pictures.iter().any(|(_, _, encoded)| encoded.is_some());
        for (slot, pane, encoded) in painted.pictures {
            screen.picture(slot, pane, encoded);
        }
        (anew, screen.render(canvas, true).windows(3).any(|w| w == b"\x1bP0"))
    };
    // a wide picture stands in the middle of its pane: one row up and two rows shorter is the same place
    assert_eq!(shown(Rect::new(1, 1, 20, 9)), (true, true));
    assert_eq!(shown(Rect::new(1, 2, 20, 7)), (false, true));
    assert_eq!(shown(Rect::new(1, 1, 20, 9)), (false, true));
}

#[test]
fn a_part_is_written_alone_and_again_with_the_rest_after_a_question() {
    let mut encoder = Encoder::new(graphics(Protocol::Sixel), Budget::default(), InkTable::default());
    let mut picture = |spot: usize| {
        let mut raster = Raster::from(Grey::new(1000, 600));
        let noise = |i: usize| (i * 7919 % 251) as u8;
        raster.grey.data.iter_mut().enumerate().for_each(|(i, v)| *v = noise(i));
        raster.grey.data[spot] = 255;
        encoder.encode(1, &raster, Rect::new(0, 0, 200, 60))
    };
    let pane = Rect::new(0, 0, 200, 60);
    let frame = |popup: bool| {
        let mut canvas = Canvas::new(pane);
        canvas.place(pane, picture_key());
        if popup {
            canvas.clear(Rect::new(20, 10, 20, 3), Style::new());
        }
        canvas
    };
    let mut screen = Screen::new(pane);
    let (first, second, third) = (picture(5000), picture(5004), picture(5008));
    let (whole, grown) = (first.as_ref().unwrap().bytes.len(), third.as_ref().unwrap().bytes.len());
    screen.picture(0, pane, first);
    assert!(screen.render(frame(false), false).len() >= whole);
    screen.picture(0, pane, second);
    let part = screen.render(frame(false), false).len();
    assert!(part > 0 && part * 10 < whole, "{part} of {whole}");
    // one that never came out is not built on
    screen.picture(0, pane, third);
    screen.render(frame(true), false);
    let back = screen.render(frame(false), false).len();
    assert!(back >= grown && grown > whole, "{back} of {grown}");
    assert!(screen.render(frame(false), false).is_empty());
}
