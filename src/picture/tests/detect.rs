//! Terminals and what they answer.

use super::*;
use crate::detect::{Answer, ReplyParser, StrayReply, keys, queries};
use proptest::prelude::*;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

fn env(pairs: &[(&str, &str)]) -> Env {
    Env::read(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
}

fn replies(tmux: bool, bytes: &[u8]) -> Replies {
    let mut parser = ReplyParser::new(tmux);
    parser.push(bytes);
    parser.finish()
}

fn decided(choice: Choice, vars: &[(&str, &str)], answers: &[u8]) -> Protocol {
    let env = env(vars);
    Graphics::decide(choice, &env, &replies(env.tmux, answers), None).protocol
}

const KITTY: &[u8] = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.35.2)\x1b\\\x1b[6;20;9t\x1b[?1016;2$y\x1b[?2026;2$y\x1b[?62;c";
const OLD_KITTY: &[u8] = b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.26.5)\x1b\\\x1b[6;20;9t\x1b[?62;c";
const XTERM: &[u8] = b"\x1bP>|XTerm(379)\x1b\\\x1b[6;13;6t\x1b[?1016;2$y\x1b[?2026;0$y\x1b[?64;1;2;4;6;9;15;22c";
const PLAIN: &[u8] = b"\x1b[?1;2c";

#[test]
fn terminals_get_the_best_they_can_show() {
    let xterm = ("TERM", "xterm-256color");
    for (vars, answers, protocol) in [
        (
            &[("TERM", "xterm-kitty")][..],
            KITTY,
            Protocol::Kitty { placeholders: true },
        ),
        (
            &[("TERM", "xterm-kitty")],
            OLD_KITTY,
            Protocol::Kitty { placeholders: false },
        ),
        (
            &[("TERM", "xterm-kitty"), ("NO_COLOR", "1")],
            KITTY,
            Protocol::Kitty { placeholders: false },
        ),
        (
            &[xterm, ("KONSOLE_VERSION", "230804")],
            KITTY,
            Protocol::Kitty { placeholders: false },
        ),
        (&[xterm], XTERM, Protocol::Sixel),
        (&[xterm, ("TERM_PROGRAM", "iTerm.app")], PLAIN, Protocol::Iterm2),
        (&[xterm, ("TERM_PROGRAM", "vscode")], XTERM, Protocol::Iterm2),
        (&[xterm], PLAIN, Protocol::Half(ColourDepth::Grey256)),
        (&[xterm], b"", Protocol::Half(ColourDepth::Grey256)),
        (&[("TERM", "linux")], b"\x1b[?6c", Protocol::Half(ColourDepth::Sixteen)),
        (&[xterm, ("NO_COLOR", "1")], PLAIN, Protocol::Braille),
        (&[xterm, ("LANG", "C")], PLAIN, Protocol::Half(ColourDepth::Mono)),
        (&[("TERM", "dumb")], b"", Protocol::None),
        (&[("WT_SESSION", "x")], b"", Protocol::Half(ColourDepth::Grey256)),
    ] {
        assert_eq!(decided(Choice::Auto, vars, answers), protocol, "{vars:?}");
    }
}

#[test]
fn through_tmux_only_what_lives_in_cells() {
    let tmux = ("TMUX", "/run/tmux,1,0");
    let term = ("TERM", "tmux-256color");
    let outer_kitty = b"\x1b[?1;2c\x1b_Gi=31;OK\x1b\\";
    assert_eq!(
        decided(Choice::Auto, &[tmux, term], outer_kitty),
        Protocol::Kitty { placeholders: true }
    );
    let wezterm = ("WEZTERM_EXECUTABLE", "/usr/bin/wezterm");
    assert_eq!(
        decided(Choice::Auto, &[tmux, term, wezterm], outer_kitty),
        Protocol::Half(ColourDepth::Grey256)
    );
    assert_eq!(
        decided(Choice::Auto, &[tmux, term], b"\x1b[?1;2;4c\x1b[0n"),
        Protocol::Sixel
    );
    let asked = queries(true);
    assert!(asked.starts_with(b"\x1bPtmux;\x1b\x1b_G") && asked.ends_with(b"\x1b[c"));
    assert!(
        !replies(true, b"\x1b[?1;2c").complete,
        "the outer terminal has not spoken"
    );
    assert!(replies(true, b"\x1b[?1;2c\x1b[0n").complete);
}

#[test]
fn the_operator_has_the_last_word() {
    for (name, choice) in Choice::ALL {
        assert_eq!(name.parse::<Choice>(), Ok(choice));
    }
    let error = "kity\x1b".parse::<Choice>().unwrap_err().to_string();
    assert!(error.contains("`kity`") && error.contains("kitty, iterm2"), "{error}");
    let term = [("TERM", "xterm-256color")];
    assert_eq!(decided(Choice::Sixel, &term, PLAIN), Protocol::Sixel);
    assert_eq!(
        decided(Choice::Kitty, &term, PLAIN),
        Protocol::Kitty { placeholders: true }
    );
    assert_eq!(
        decided(Choice::Half, &[("TERM", "xterm-kitty")], KITTY),
        Protocol::Half(ColourDepth::Grey256)
    );
    assert_eq!(decided(Choice::None, &term, KITTY), Protocol::None);
}

#[test]
fn modes_and_cell_sizes_are_told() {
    let env = env(&[("TERM", "xterm-kitty")]);
    let g = Graphics::decide(Choice::Auto, &env, &replies(false, KITTY), Some((100, 30, 1000, 600)));
    assert_eq!((g.cell_px, g.pixel_mouse, g.synchronised), ((9, 20), true, true));
    let silent = Graphics::decide(Choice::Auto, &env, &Replies::default(), Some((100, 30, 1100, 600)));
    assert_eq!((silent.cell_px, silent.pixel_mouse), ((11, 20), false));
    let zero = Graphics::decide(Choice::Auto, &env, &Replies::default(), Some((0, 0, 0, 0)));
    assert_eq!(zero.cell_px, (10, 20));
    let xterm = Graphics::decide(Choice::Auto, &env, &replies(false, XTERM), None);
    assert!(xterm.pixel_mouse && !xterm.synchronised);
}

/// Things a person types that are no beginning of an answer.
fn typing() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof![
        Just(b"q".to_vec()),
        Just(b"\r".to_vec()),
        Just(b"\x1b[A".to_vec()),
        Just(b"\x1b[24~".to_vec()),
        Just(b"\x1bOP".to_vec()),
        Just(b"\x18".to_vec()),
        Just("µ".as_bytes().to_vec()),
        Just(b"\x1b[<0;12;5M".to_vec()),
    ];
    prop::collection::vec(key, 0..4).prop_map(|keys| keys.concat())
}

fn answer() -> impl Strategy<Value = (Vec<u8>, Answer)> {
    prop_oneof![
        Just((b"\x1b_Gi=31;OK\x1b\\".to_vec(), Answer::Kitty)),
        Just((b"\x1b_Gi=31;ENOTSUPPORTED:no\x1b\\".to_vec(), Answer::NoKitty)),
        Just((b"\x1b[6;20;9t".to_vec(), Answer::CellSize(9, 20))),
        Just((b"\x1b[?1016;2$y".to_vec(), Answer::PixelMouse)),
        Just((b"\x1b[?2026;0$y".to_vec(), Answer::Unknown)),
        Just((
            b"\x1bP>|XTerm(379)\x1b\\".to_vec(),
            Answer::Version("XTerm(379)".into())
        )),
    ]
}

proptest! {
    #[test]
    fn no_key_and_no_answer_is_lost(parts in prop::collection::vec((typing(), answer()), 0..6), cut in 1usize..9) {
        let bytes: Vec<u8> = parts.iter().flat_map(|(typed, (sent, _))| [typed.clone(), sent.clone()].concat()).collect();
        let mut parser = ReplyParser::new(false);
        for piece in bytes.chunks(cut) {
            prop_assert!(!parser.push(piece));
        }
        prop_assert!(parser.push(b"\x1b[?62;4c"));
        let replies = parser.finish();
        let typed: Vec<u8> = parts.iter().flat_map(|(typed, _)| typed.clone()).collect();
        let mut answers: Vec<Answer> = parts.into_iter().map(|(_, (_, answer))| answer).collect();
        answers.push(Answer::Attributes { sixel: true });
        prop_assert_eq!(replies.answers, answers);
        prop_assert_eq!(replies.typed, typed);
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let replies = replies(false, &bytes);
        prop_assert!(replies.typed.len() <= bytes.len());
        prop_assert!(keys(&bytes).len() <= bytes.len());
    }
}

#[test]
fn typed_bytes_become_keys() {
    let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
    let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
    let expected = [
        plain(KeyCode::Char('q')),
        KeyEvent::new(KeyCode::Char('G'), KeyModifiers::SHIFT),
        control('x'),
        plain(KeyCode::F(12)),
        plain(KeyCode::F(2)),
        plain(KeyCode::F(2)),
        plain(KeyCode::Left),
        KeyEvent::new(KeyCode::Char('a'), KeyModifiers::ALT),
        plain(KeyCode::Char('µ')),
        plain(KeyCode::Enter),
        plain(KeyCode::Esc),
    ];
    assert_eq!(
        keys("qG\x18\x1b[24~\x1bOQ\x1b[12~\x1b[D\x1ba\u{b5}\r\x1b".as_bytes()),
        expected
    );
    assert_eq!(
        keys(b"\x1b[<0;3;4M\x1b[1;5Cx"),
        [plain(KeyCode::Char('x'))],
        "what is not sure is left out"
    );
}

#[test]
fn a_late_answer_is_no_key() {
    let plain = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
    let alt = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::ALT);
    let mut stray = StrayReply::default();
    let mut answer = [alt('_')]
        .into_iter()
        .chain("Gi=31;OK".chars().map(plain))
        .chain([alt('\\')]);
    assert!(answer.all(|k| stray.swallows(&k)));
    assert!(!stray.swallows(&plain('G')));
    assert!(
        stray.swallows(&alt('P')) && !stray.swallows(&plain('q')),
        "Alt+P, then a key"
    );
    assert!(stray.swallows(&alt('_')));
    let stop = KeyEvent::new(KeyCode::F(12), KeyModifiers::NONE);
    assert!(!stray.swallows(&stop), "Stop is never swallowed");
    assert!(stray.swallows(&alt('_')) && stray.swallows(&plain('G')));
    assert!(
        !stray.swallows(&KeyEvent::new(KeyCode::Char('x'), KeyModifiers::CONTROL)),
        "nor is Ctrl-X"
    );
}
