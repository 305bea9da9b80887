//! Taking the terminal and giving it back as it was: at the end, on an error, on a signal and on a panic.
//!
//! A panic of the thread that took it ends the console, so its message must be readable. Elsewhere (a command of the engine,
//! the thread of pictures) a panic is caught and told: it goes into the log, and the console keeps its screen.

#[cfg(all(test, unix))]
mod tests;

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ThreadId};

/// The terminal is ours.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Buttons and drags, but not every motion: a thin line would carry nothing else (crossterm's own switch asks for all).
const MOUSE_ON: &[u8] = b"\x1b[?1000h\x1b[?1002h\x1b[?1006h";
const MOUSE_OFF: &[u8] = b"\x1b[?1016l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l";
/// Positions in pixels instead of cells; only where the terminal said that it can.
pub const MOUSE_PIXELS: &[u8] = b"\x1b[?1016h";

/// Holds the terminal; dropping it gives it back.
pub struct Terminal;

impl Terminal {
    /// Raw mode, the other screen, no cursor, pastes marked, the mouse where wanted.
    pub fn take(mouse: bool) -> io::Result<Terminal> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        let taken = Terminal;
        let mut out = io::stdout();
        execute!(out, EnterAlternateScreen, Hide, EnableBracketedPaste)?;
        if mouse {
            mouse_on(&mut out)?;
        }
        out.flush()?;
        restore_on_panic(thread::current().id());
        Ok(taken)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

#[cfg(not(windows))]
fn mouse_on(out: &mut impl Write) -> io::Result<()> {
    out.write_all(MOUSE_ON)
}

/// On Windows the console itself has to be told.
#[cfg(windows)]
fn mouse_on(out: &mut impl Write) -> io::Result<()> {
    execute!(out, crossterm::event::EnableMouseCapture)?;
    out.write_all(MOUSE_ON)
}

/// Gives the terminal back; does nothing the second time. Errors are left: there is nobody to tell and nothing to do.
pub fn restore() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = out.write_all(MOUSE_OFF);
    #[cfg(windows)]
    let _ = execute!(out, crossterm::event::DisableMouseCapture);
    // an update that was begun must not hold the screen
    let _ = out.write_all(b"\x1b[?2026l\x1b[0m");
    let _ = execute!(out, DisableBracketedPaste, Show, LeaveAlternateScreen);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

fn restore_on_panic(owner: ThreadId) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == owner {
            restore();
        } else if TAKEN.load(Ordering::SeqCst) {
            tracing::error!(target: "panic", "{}", model::text::printable(&info.to_string()));
            return;
        }
        before(info);
    }));
}
