//! The arrows of the house, checked on every path of every source file, and on every manifest.
//!
//! Cargo keeps a room from naming a room it does not depend on; this keeps the manifests honest, and the rules that no
//! manifest can say: who may look at a clock, open a socket, name a vendor, read the twin's truth. To add a rule: a row, and a
//! case in `tried`.

mod tried;

use crate::house::{Named, dependencies, files, read, sources};

/// Rooms, what of the house each may use, and whether it is pure: no async, no clock, no network.
const ROOMS: &[(&str, &[&str], bool)] = &[
    ("model", &[], true),
    ("pattern", &["model"], true),
    ("lamella", &["pattern", "model"], true),
    ("fourier", &[], true),
    ("vision", &["fourier", "model"], true),
    ("picture", &["model"], true),
    ("learn", &["vision", "model"], true),
    ("hal", &["model"], false),
    ("workflow", &["hal", "vision", "lamella", "pattern", "model"], false),
    ("engine", &["workflow", "hal", "lamella", "pattern", "model"], false),
    (
        "ui",
        &["engine", "learn", "vision", "lamella", "pattern", "model", "picture"],
        false,
    ),
    // the root package: main and cli
    (
        "cli",
        &[
            "ui", "engine", "learn", "hal", "vision", "lamella", "pattern", "model", "picture",
        ],
        false,
    ),
];

/// Where something may be named.
enum Places {
    /// Only below these.
    Only(&'static [&'static str]),
    /// Anywhere but below these.
    Never(&'static [&'static str]),
}
use Places::{Never, Only};

/// What, by which paths it is known, where it may be.
const PATHS: &[(&str, &[&str], Places)] = &[
    (
        "the screen",
        &["ratatui", "crossterm", "ratatui_image", "tui_logger", "tui_input"],
        Only(&["src/ui/", "src/picture/"]),
    ),
    ("async", &["tokio", "futures"], Never(PURE)),
    (
        "the clock",
        &[
            "std::time::Instant",
            "std::time::SystemTime",
            "std::time::UNIX_EPOCH",
            "jiff::Timestamp::now",
            "jiff::Zoned::now",
        ],
        Never(&[
            "src/model/",
            "src/pattern/",
            "src/lamella/",
            "src/fourier/",
            "src/vision/",
            "src/picture/",
            "src/learn/",
            "src/hal/",
            "src/workflow/",
        ]),
    ),
    (
        // a rename over a file that Windows holds open is tried again; the screen's last bytes are waited for, but not for ever; a
        // daemon that was just started is looked for; hooks are delivered on threads of their own, and the watchdog is a process of its own
        "a sleeping thread",
        &["std::thread::sleep"],
        Only(&[
            "src/model/file.rs",
            "src/ui/display/writer.rs",
            "src/cli/daemon.rs",
            "src/engine/hooks/",
            "src/engine/watchdog/",
        ]),
    ),
    (
        "chance without a seed",
        &["rand::rng", "rand::thread_rng", "rand::random", "getrandom"],
        Only(&[]),
    ),
    (
        "a socket",
        &[
            "std::net",
            "std::os::unix::net",
            "tokio::net",
            "reqwest",
            "axum",
            "hyper",
            "ureq",
            "interprocess",
            "rustls",
        ],
        Only(&["src/engine/", "src/cli/model/", DRIVERS]),
    ),
    ("a neural network", &["ort", "rten"], Only(&["src/vision/model"])),
    ("training", &["burn"], Only(&["src/learn/"])),
    (
        "errors for a program's end",
        &["color_eyre", "anyhow"],
        Only(&["src/main.rs", "src/cli/"]),
    ),
];
const PURE: &[&str] = &[
    "src/model/",
    "src/pattern/",
    "src/lamella/",
    "src/fourier/",
    "src/vision/",
    "src/picture/",
    "src/learn/",
];

/// Stands for the folders of real drivers.
const DRIVERS: &str = "src/hal/<driver>/";

/// The twin's secrets, and who may know them: the twin, the door that hands them out, the command that asks for them, and
/// the scoring of a bench.
const SECRETS: &[&str] = &["truth", "Truth", "specimen", "Specimen"];
const CONFIDANTS: &[&str] = &[
    "src/hal/sim/",
    "src/hal/microscope.rs",
    "src/hal/scope",
    "src/engine/command/system.rs",
    "src/cli/command.rs",
    "src/cli/mod.rs",
    "src/cli/bench/score.rs",
];

/// Vendors and what they sell, and the code that has to spell them to read their files.
const VENDORS: &[&str] = &[
    "thermo",
    "thermofisher",
    "tescan",
    "odemis",
    "zeiss",
    "autoscript",
    "delmic",
    "aquilos",
    "hydra",
    "arctis",
    "jeol",
    "hitachi",
    "xt",
];
const SPELLERS: &[&str] = &["src/model/config/", "src/model/frame/metadata.rs", DRIVERS];

const MOST_LINES: usize = 900;
const NO_NAMES: &[&str] = &["utils", "util", "common", "helpers", "helper", "manager", "misc"];

/// `file` lies below one of `places`.
fn below(file: &str, places: &[&str]) -> bool {
    places.iter().any(|place| match *place {
        DRIVERS => hal::drivers::DRIVERS
            .iter()
            .filter(|row| row.name != "sim")
            .any(|row| file.starts_with(&format!("src/hal/{}/", row.name))),
        place => file.starts_with(place),
    })
}

/// Does `path` name what lies at `target`? A glob over it, or over what holds it, does.
fn reaches(path: &[String], target: &str) -> bool {
    let target: Vec<&str> = target.split("::").collect();
    let (path, glob) = match path.split_last() {
        Some((last, before)) if last == "*" => (before, true),
        _ => (path, false),
    };
    let shared = path.iter().zip(&target).take_while(|(a, b)| a == b).count();
    shared == target.len() || (glob && shared == path.len())
}

/// Words of a name or text: at signs and blanks, at humps, without trailing digits; lower case.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|w| !w.is_empty())
    {
        found.push(word.to_owned());
        let mut start = 0;
        let bytes = word.as_bytes();
        for i in 1..bytes.len() {
            if bytes[i].is_ascii_uppercase() && bytes[i - 1].is_ascii_lowercase() {
                found.push(word[start..i].to_owned());
                start = i;
            }
        }
        found.push(word[start..].to_owned());
    }
    found
        .into_iter()
        .map(|w| w.trim_end_matches(|c: char| c.is_ascii_digit()).to_ascii_lowercase())
        .collect()
}

/// The vendor that a name or text spells: as a word, a long name also inside one.
fn vendor(text: &str) -> Option<&'static str> {
    let words = words(text);
    let spelt = |vendor: &str| {
        words
            .iter()
            .any(|word| word == vendor || (vendor.len() > 8 && word.contains(vendor)))
    };
    VENDORS.iter().find(|vendor| spelt(vendor)).copied()
}

/// Everything in `file` that the house forbids.
fn offences(file: &str, named: &Named) -> Vec<String> {
    let mut found = Vec::new();
    for (line, path) in &named.paths {
        for (what, targets, places) in PATHS {
            let allowed = match places {
                Only(places) => below(file, places),
                Never(places) => !below(file, places),
            };
            if !allowed && targets.iter().any(|target| reaches(path, target)) {
                found.push(format!("{file}:{line}: {what} ({}) has no place here", path.join("::")));
            }
        }
    }
    if !below(file, CONFIDANTS) {
        for (line, ident) in named
            .idents
            .iter()
            .filter(|(_, ident)| SECRETS.contains(&ident.as_str()))
        {
            found.push(format!("{file}:{line}: `{ident}` is the twin's secret"));
        }
    }
    if !below(file, SPELLERS) {
        for (line, text) in named.idents.iter().chain(&named.strings) {
            if let Some(vendor) = vendor(text) {
                found.push(format!("{file}:{line}: names a vendor ({vendor})"));
            }
        }
    }
    let allowed = room(file).map_or(&[][..], |(_, allowed, _)| allowed);
    for (line, first) in named
        .given_on
        .iter()
        .filter(|(_, first)| allowed.contains(&first.as_str()))
    {
        found.push(format!("{file}:{line}: hands on `{first}`, which is another room's"));
    }
    found
}

fn room(file: &str) -> Option<&'static (&'static str, &'static [&'static str], bool)> {
    let name = file.strip_prefix("src/")?.split(['/', '.']).next()?;
    let name = if name == "main" { "cli" } else { name };
    ROOMS.iter().find(|(room, ..)| *room == name)
}

/// What is wrong with a file's name, length and opening.
fn shape(file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let lines = text.lines().count();
    if lines > MOST_LINES {
        found.push(format!("{file}: {lines} lines; {MOST_LINES} is a fault"));
    }
    if file
        .trim_end_matches(".rs")
        .split('/')
        .any(|part| NO_NAMES.contains(&part))
    {
        found.push(format!("{file}: the name says nothing"));
    }
    let opening = text.lines().take_while(|l| l.starts_with("//!")).count();
    if (file.ends_with("/lib.rs") || file.ends_with("/mod.rs")) && !(1..=14).contains(&opening) {
        found.push(format!(
            "{file}: a room opens with a few lines of //! docs, not {opening}"
        ));
    }
    found
}

#[test]
fn every_source_file_keeps_the_arrows() {
    let all = sources();
    assert!(all.len() > 100, "only {} files were read", all.len());
    let found: Vec<String> = all.iter().flat_map(|(file, named)| offences(file, named)).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_source_file_has_a_name_a_length_and_an_opening() {
    let found: Vec<String> = files("src")
        .iter()
        .filter(|f| f.ends_with(".rs"))
        .flat_map(|f| shape(f, &read(f)))
        .collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_manifest_keeps_the_arrows() {
    let rooms: Vec<&str> = ROOMS.iter().map(|(room, ..)| *room).collect();
    for (room, allowed, pure) in ROOMS {
        let manifest = if *room == "cli" {
            "Cargo.toml".to_owned()
        } else {
            format!("src/{room}/Cargo.toml")
        };
        let used = dependencies(&read(&manifest));
        assert!(!used.is_empty(), "{manifest}: no dependency was read");
        for name in &used {
            assert!(
                !rooms.contains(&name.as_str()) || allowed.contains(&name.as_str()),
                "{manifest}: {room} may not use {name}"
            );
            assert!(
                !pure || !["tokio", "futures", "reqwest", "axum"].contains(&name.as_str()),
                "{manifest}: {room} is pure, {name} is not"
            );
        }
    }
    let standing: Vec<String> = files("src")
        .into_iter()
        .filter(|f| f.ends_with("/Cargo.toml"))
        .collect();
    assert_eq!(
        standing.len() + 1,
        ROOMS.len(),
        "a room without its row here: {standing:?}"
    );
    assert!(
        files("").iter().all(|f| !f.ends_with("/build.rs") && f != "build.rs"),
        "a build script"
    );
}
