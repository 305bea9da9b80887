//! A panic in a real terminal: this test program is run again in a pseudo-terminal, and an emulator says what is left there.

use super::*;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::Read;
use vt100::{MouseProtocolMode, Parser};

const CHILD: &str = "display::terminal::tests::panics_in_the_terminal";

#[test]
#[ignore = "for a terminal of its own, see the test below"]
fn panics_in_the_terminal() {
    let taken = Terminal::take(true).unwrap();
    let elsewhere = thread::spawn(|| panic!("a command failed inside"));
    assert!(elsewhere.join().is_err());
    let kept = TAKEN.load(Ordering::SeqCst);
    drop(io::stdout().write_all(b"a frame of the console"));
    // dropped while the panic goes on, too late for its message
    let _taken = taken;
    panic!("kept until now: {kept}");
}

#[test]
fn a_panic_gives_the_terminal_back_before_its_message_and_one_elsewhere_leaves_it_alone() {
    let pair = native_pty_system().openpty(PtySize::default()).unwrap();
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", CHILD, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("RUST_BACKTRACE", "0");
    let mut child = pair.slave.spawn_command(command).unwrap();
    drop(pair.slave);
    let mut output = pair.master.try_clone_reader().unwrap();
    let (rows, columns) = (24.try_into().unwrap(), 80.try_into().unwrap());
    let mut emulator = Parser::new(rows, columns, 0);
    let mut was_taken = false;
    let mut buffer = [0; 4096];
    while let Ok(n @ 1..) = output.read(&mut buffer) {
        for byte in &buffer[..n] {
            emulator.process(&[*byte]);
            was_taken |= emulator.screen().alternate_screen();
        }
    }
    assert!(!child.wait().unwrap().success(), "it panicked");
    let screen = emulator.screen();
    let left = screen.contents();
    assert!(was_taken && !screen.alternate_screen(), "{left}");
    assert!(
        left.contains("kept until now: true"),
        "the message is on the screen from before: {left}"
    );
    assert!(
        !left.contains("a command failed inside") && !left.contains("a frame of the console"),
        "{left}"
    );
    assert!(!screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), MouseProtocolMode::None);
}
