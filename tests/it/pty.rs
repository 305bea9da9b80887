//! The built console in a pseudo-terminal, with an emulator behind it that answers what terminals answer.
//!
//! Nothing here waits for a time: every step polls the screen for what it must show, with a generous limit.

use crate::run::Place;
use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use vt100::{Color, MouseProtocolMode, Parser, Screen};

const PATIENCE: Duration = Duration::from_secs(120);
const F2: &str = "\x1bOQ";
const F12: &str = "\x1b[24~";
/// Pixels of a cell, as the emulator claims.
const CELL: (u16, u16) = (8, 16);

/// Answers of the emulator: what it has to say to the program, in order.
#[derive(Default)]
struct Answers {
    waiting: Vec<u8>,
    /// DEC private modes that were set and not reset.
    modes: Vec<u16>,
}

impl vt100::Callbacks for Answers {
    fn unhandled_csi(&mut self, screen: &mut Screen, i1: Option<u8>, i2: Option<u8>, params: &[&[u16]], c: char) {
        let first = params.first().and_then(|p| p.first()).copied().unwrap_or(0);
        let (rows, columns) = screen.size();
        let answer = match (i1, i2, c, first) {
            // attributes: a VT220 without sixels
            (None, _, 'c', 0) => "\x1b[?62;22c".to_owned(),
            (Some(b'>'), _, 'c', 0) => "\x1b[>1;10;0c".to_owned(),
            (Some(b'>'), _, 'q', 0) => "\x1bP>|emulator(1)\x1b\\".to_owned(),
            (None, _, 'n', 5) => "\x1b[0n".to_owned(),
            (None, _, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                format!("\x1b[{};{}R", row + 1, column + 1)
            }
            (None, _, 't', 16) => format!("\x1b[6;{};{}t", CELL.1, CELL.0),
            (None, _, 't', 14) => format!("\x1b[4;{};{}t", rows.get() * CELL.1, columns.get() * CELL.0),
            (None, _, 't', 18) => format!("\x1b[8;{rows};{columns}t"),
            // synchronised output is known, pixel mouse is not
            (Some(b'?'), Some(b'$'), 'p', 2026) => "\x1b[?2026;2$y".to_owned(),
            (Some(b'?'), Some(b'$'), 'p', mode) => format!("\x1b[?{mode};0$y"),
            (Some(b'?'), None, 'h', mode) => {
                self.modes.push(mode);
                return;
            }
            (Some(b'?'), None, 'l', mode) => {
                self.modes.retain(|m| *m != mode);
                return;
            }
            _ => return,
        };
        self.waiting.extend(answer.as_bytes());
    }
}

pub struct Terminal {
    parser: Arc<Mutex<Parser<Answers>>>,
    keyboard: Arc<Mutex<Box<dyn Write + Send>>>,
    master: Box<dyn MasterPty + Send>,
    child: Box<dyn portable_pty::Child + Send + Sync>,
    place: Rc<Place>,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: columns * CELL.0,
        pixel_height: rows * CELL.1,
    }
}

fn cells(n: u16) -> NonZeroU16 {
    NonZeroU16::new(n).unwrap()
}

impl Terminal {
    /// The console on the twin, in a terminal of this size, which takes no picture by itself: keys here come at once.
    fn console(columns: u16, rows: u16, more: &[&str]) -> Terminal {
        let args = [&["--demo"], more].concat();
        let place = Place::new();
        std::fs::create_dir_all(place.path("config")).unwrap();
        std::fs::write(place.path("config").join("console.yaml"), "first-look: false\n").unwrap();
        Terminal::run(columns, rows, &args, Rc::new(place))
    }

    /// The program with these arguments and this place's folders, whose own programs come first on the path.
    pub fn run(columns: u16, rows: u16, args: &[&str], place: Rc<Place>) -> Terminal {
        let path = format!("{}:/usr/bin:/bin", place.text("bin"));
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_fibdeck"));
        command.env_clear();
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("TZ", "UTC"),
            ("PATH", path.as_str()),
            ("LANG", "C.UTF-8"),
        ] {
            command.env(name, value);
        }
        command.args(args);
        command.args(["--graphics", "half"]);
        command.args([
            "--config-dir".to_owned(),
            place.text("config"),
            "--data-dir".to_owned(),
            place.text("data"),
        ]);
        command.cwd(place.path(""));
        let child = pair.slave.spawn_command(command).unwrap();
        // the program alone holds the other end: its end is ours to see
        drop(pair.slave);
        let parser = Arc::new(Mutex::new(Parser::new_with_callbacks(
            cells(rows),
            cells(columns),
            0,
            Answers::default(),
        )));
        let keyboard = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let mut output = pair.master.try_clone_reader().unwrap();
        let (emulator, answers) = (parser.clone(), keyboard.clone());
        thread::spawn(move || {
            let mut buffer = [0; 65536];
            while let Ok(n @ 1..) = output.read(&mut buffer) {
                let mut parser = emulator.lock().unwrap();
                parser.process(&buffer[..n]);
                let waiting = std::mem::take(&mut parser.callbacks_mut().waiting);
                drop(parser);
                // a program that has ended hears no answer
                let _ = answers.lock().unwrap().write_all(&waiting);
            }
        });
        Terminal {
            parser,
            keyboard,
            master: pair.master,
            child,
            place,
        }
    }

    pub fn press(&self, keys: &str) {
        self.keyboard.lock().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.parser.lock().unwrap().set_size(cells(rows), cells(columns));
        self.master.resize(size(columns, rows)).unwrap();
    }

    pub fn see<T>(&self, look: impl FnOnce(&Screen) -> T) -> T {
        look(self.parser.lock().unwrap().screen())
    }

    fn text(&self) -> String {
        self.see(Screen::contents)
    }

    /// Waits until the screen is so.
    pub fn until(&self, what: &str, so: impl Fn(&Screen) -> bool) {
        let late = Instant::now() + PATIENCE;
        while !self.see(&so) {
            assert!(Instant::now() < late, "never: {what}\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn until_text(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    /// Waits for the program's end; its exit code.
    pub fn end(&mut self) -> u32 {
        let late = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < late, "does not end\n{}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Files of the session below the data folder with this ending.
    fn written(&self, ending: &str) -> usize {
        walkdir::WalkDir::new(self.place.path("data"))
            .into_iter()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(ending))
            .count()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // a failed test leaves no program behind; one that has ended cannot be killed
        let _ = self.child.kill();
    }
}

/// Cells on a ground of their own, in many greys: a picture, not a frame.
fn picture_cells(screen: &Screen) -> usize {
    let (rows, columns) = screen.size();
    let mut greys = std::collections::HashSet::new();
    let mut count = 0;
    for row in 0..rows.get() {
        for column in 0..columns.get() {
            let Some(cell) = screen.cell(row, column) else { continue };
            if cell.bgcolor() != Color::Default && ["▀", "▄", "█", " ", ""].contains(&cell.contents()) {
                count += 1;
                greys.insert(format!("{:?}", cell.bgcolor()));
            }
        }
    }
    if greys.len() > 8 { count } else { 0 }
}

/// The number after `x` on the status line.
/// The stage's x on the screen (mm), as the status line or a question shows it.
pub fn stage_x(screen: &Screen) -> Option<f64> {
    let contents = screen.contents();
    let words: Vec<&str> = contents.split_whitespace().collect();
    let pose = words.windows(6).find(|w| w[0] == "x" && w[2] == "y" && w[4] == "z")?;
    pose[1].parse().ok()
}

#[test]
fn the_first_minute() {
    let mut terminal = Terminal::run(120, 40, &["--demo"], Rc::new(Place::new()));
    terminal.until("the tabs and the twin in plain sight", |s| {
        let text = s.contents();
        text.contains("TWIN") && text.contains("2 Imaging") && text.contains("STOP")
    });
    terminal.until("both beams' first look", |s| {
        s.contents().contains("FIB  150 um") && picture_cells(s) > 2000
    });
    assert_eq!(terminal.written(".tif"), 0, "it is not kept");
    terminal.until_text("first picture: F2");
    terminal.press(F2);
    terminal.until("its file", |_| terminal.written(".tif") >= 1);
    terminal.until_text("first move:");
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn a_move_changes_the_pose_on_the_status_line() {
    let terminal = Terminal::console(120, 40, &["--speed", "10"]);
    terminal.until("a pose", |s| stage_x(s).is_some());
    let before = terminal.see(stage_x);
    terminal.press(":");
    terminal.press("stage.move-relative x=150um\r");
    terminal.until("another x", |s| stage_x(s).is_some() && stage_x(s) != before);
    let long = terminal.see(stage_x);
    // and the red button ends a long one
    terminal.press(":");
    terminal.press("stage.move-relative x=9mm\r");
    // a way this long is asked about, by what it is
    terminal.until_text("x by 9.00 mm");
    terminal.press("y");
    terminal.until("a move", |s| stage_x(s) != long);
    terminal.press(F12);
    terminal.until("the stop in words", |s| s.contents().to_lowercase().contains("stopped"));
}

#[test]
fn a_storm_of_sizes_leaves_a_working_console() {
    let mut terminal = Terminal::console(120, 40, &[]);
    terminal.until_text("TWIN");
    terminal.press("2");
    terminal.press(F2);
    terminal.until("a picture", |s| picture_cells(s) > 500);
    for (columns, rows) in [
        (80, 24),
        (20, 5),
        (250, 80),
        (1, 1),
        (40, 10),
        (39, 9),
        (200, 12),
        (12, 60),
        (20, 5),
    ] {
        terminal.resize(columns, rows);
    }
    terminal.until("Stop is there at 20x5", |s| s.contents().contains("STOP"));
    terminal.resize(100, 30);
    terminal.until("the picture again", |s| {
        s.contents().contains("TWIN") && picture_cells(s) > 300
    });
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn leaving_gives_the_terminal_back() {
    let mut terminal = Terminal::console(80, 24, &[]);
    terminal.until("the console", |s| s.alternate_screen() && s.contents().contains("STOP"));
    terminal.until("mouse and paste are on", |s| {
        s.mouse_protocol_mode() != MouseProtocolMode::None && s.bracketed_paste() && s.hide_cursor()
    });
    terminal.press("q");
    assert_eq!(terminal.end(), 0);
    terminal.until("the screen from before", |s| {
        !s.alternate_screen()
            && !s.hide_cursor()
            && !s.bracketed_paste()
            && s.mouse_protocol_mode() == MouseProtocolMode::None
    });
    let left = terminal.parser.lock().unwrap().callbacks().modes.clone();
    assert_eq!(left, [0; 0], "modes still set");
}

#[test]
fn quitting_while_something_runs_asks_first() {
    let mut terminal = Terminal::console(100, 30, &[]);
    terminal.until("a pose", |s| stage_x(s).is_some());
    let before = terminal.see(stage_x);
    terminal.press(":");
    terminal.press("stage.move-relative x=20mm\r");
    terminal.until_text("x by 20.0 mm");
    terminal.press("y");
    terminal.until("the stage moves", |s| stage_x(s).is_some() && stage_x(s) != before);
    terminal.press("q");
    terminal.until_text("Leave and end the running job?");
    assert!(terminal.child.try_wait().unwrap().is_none(), "it left without asking");
    terminal.press("n");
    terminal.until("the question gone", |s| !s.contents().contains("Leave and end"));
    terminal.press(F12);
    terminal.until("the stop in words", |s| s.contents().to_lowercase().contains("stopped"));
}
