//! Asking the terminal. The only place of this crate that reads and writes it.

use super::reply::Replies;
use std::io::{self, Write};
use std::time::Duration;

/// Asks the terminal and waits for its last word, at most `patience`.
///
/// To be called in raw mode, after the first frame was drawn and before anything else reads the terminal's input
/// (crossterm's event reader swallows some answers and takes others for keys). What was typed meanwhile is handed back.
/// With tmux, this pane's pass-through is switched on first. On Windows the console hands answers out as key events to
/// whoever reads it, so nothing is asked there and the environment decides.
pub fn ask(out: &mut impl Write, tmux: bool, patience: Duration) -> io::Result<Replies> {
    #[cfg(unix)]
    {
        unix::ask(out, tmux, patience)
    }
    #[cfg(not(unix))]
    {
        let _ = (out, tmux, patience);
        Ok(Replies::default())
    }
}

#[cfg(unix)]
mod unix {
    use crate::detect::reply::{Replies, ReplyParser, queries};
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsFd, BorrowedFd};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    pub(super) fn ask(out: &mut impl Write, tmux: bool, patience: Duration) -> io::Result<Replies> {
        if tmux {
            allow_passthrough();
        }
        out.write_all(&queries(tmux))?;
        out.flush()?;
        // The same choice crossterm makes.
        let stdin = rustix::stdio::stdin();
        if rustix::termios::isatty(stdin) {
            collect(stdin, tmux, patience)
        } else {
            let tty = File::options().read(true).open("/dev/tty")?;
            collect(tty.as_fd(), tmux, patience)
        }
    }

    /// Reads answers until the last word or until `patience` is over, counted in waits rather than by a clock: whatever
    /// is typed or sent, it ends.
    pub(super) fn collect(input: BorrowedFd<'_>, tmux: bool, patience: Duration) -> io::Result<Replies> {
        const WAIT: Duration = Duration::from_millis(10);
        let wait = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(WAIT.subsec_nanos()) as _,
        };
        let mut parser = ReplyParser::new(tmux);
        let mut buffer = [0u8; 512];
        for _ in 0..patience.as_millis().div_ceil(WAIT.as_millis()) {
            let mut watched = [PollFd::new(&input, PollFlags::IN)];
            match poll(&mut watched, Some(&wait)) {
                Ok(0) => continue,
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(e) => return Err(e.into()),
            }
            match rustix::io::read(input, &mut buffer) {
                Ok(0) => break,
                Ok(n) if parser.push(&buffer[..n]) => break,
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(parser.finish())
    }

    /// Lets graphics through tmux, for this pane alone. Without tmux's consent pictures are drawn as text.
    fn allow_passthrough() {
        let _ = Command::new("tmux")
            .args(["set", "-p", "allow-passthrough", "on"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::detect::Answer;
        use std::os::unix::net::UnixStream;

        #[test]
        fn answers_and_keys_are_told_apart() {
            let (terminal, program) = UnixStream::pair().unwrap();
            (&terminal)
                .write_all(b"q\x1b_Gi=31;OK\x1b\\\x1b[A\x1bP>|kitty(0.35.2)\x1b\\\x1b[6;20;9t\x1b[?62;c")
                .unwrap();
            let replies = collect(program.as_fd(), false, Duration::from_secs(5)).unwrap();
            assert!(replies.complete);
            assert_eq!(replies.typed, b"q\x1b[A");
            assert_eq!(
                replies.answers,
                [
                    Answer::Kitty,
                    Answer::Version("kitty(0.35.2)".into()),
                    Answer::CellSize(9, 20),
                    Answer::Attributes { sixel: false }
                ]
            );
        }

        #[test]
        fn a_silent_terminal_ends_the_wait() {
            let (_terminal, program) = UnixStream::pair().unwrap();
            let replies = collect(program.as_fd(), false, Duration::from_millis(20)).unwrap();
            assert_eq!(replies, Replies::default());
        }

        #[test]
        fn a_closed_terminal_ends_the_wait() {
            let (terminal, program) = UnixStream::pair().unwrap();
            drop(terminal);
            assert!(!collect(program.as_fd(), true, Duration::from_secs(5)).unwrap().complete);
        }
    }
}
