//! What is written about fibdeck is so: README, records of decisions, tables of commands and keys.

use crate::house::{dependencies, files, read, sources};
use engine::command::{parse, rows};
use std::collections::HashSet;

/// The cargo commands that a page shows on lines of their own, without remarks.
fn commands(page: &str) -> Vec<&str> {
    let shown = page.lines().map(|l| l.split('#').next().unwrap_or_default().trim());
    shown.filter(|l| l.starts_with("cargo ")).collect()
}

#[test]
fn the_readme_names_the_two_commands_and_ci_runs_the_test_command() {
    let readme = read("README.md");
    assert_eq!(commands(&readme)[..2], ["cargo run --release", "cargo test"]);
    let ci = read(".ci/run");
    let tests = ci.lines().filter_map(|l| l.strip_prefix("step test "));
    assert_eq!(
        tests.collect::<Vec<_>>(),
        ["cargo test"],
        "the README's test command is what .ci/run tests with"
    );
}

#[test]
fn every_room_stands_in_the_picture_of_the_house() {
    let page = read("ARCHITECTURE.md");
    let rooms: HashSet<String> = files("src")
        .iter()
        .filter_map(|f| f.strip_prefix("src/")?.split_once('/'))
        .map(|(room, _)| room.to_owned())
        .collect();
    for room in rooms {
        assert!(
            page.contains(&format!("src/{room}")),
            "ARCHITECTURE.md does not know src/{room}"
        );
    }
}

#[test]
fn the_changelog_knows_the_version() {
    assert!(read("CHANGELOG.md").contains(&format!("[{}]", env!("CARGO_PKG_VERSION"))));
    assert!(read("LICENSE").starts_with("MIT License"));
}

#[test]
fn every_command_is_documented_and_its_example_works() {
    let mut names = HashSet::new();
    for row in rows() {
        assert!(names.insert(row.name), "{} stands twice", row.name);
        assert!(
            row.doc.len() > 10 && row.doc.ends_with(['.', ')']),
            "{}: {:?}",
            row.name,
            row.doc
        );
        let command = parse::line(row.example).unwrap_or_else(|e| panic!("{}: {e}", row.example));
        assert_eq!(command.name, row.name);
        // what a client sends as JSON is checked the same way
        assert_eq!(parse::check(command.clone()).unwrap(), command);
        let mut args = HashSet::new();
        for arg in row.args {
            assert!(
                args.insert(arg.name) && !arg.doc.is_empty() && !arg.kind.hint().is_empty(),
                "{} {}",
                row.name,
                arg.name
            );
            assert!(
                !arg.required || arg.default.is_empty(),
                "{} {}: required, and yet a default",
                row.name,
                arg.name
            );
        }
    }
    assert!(names.len() >= 50, "{}", names.len());
}

#[test]
fn every_key_of_the_instrument_is_documented() {
    let mut names = HashSet::new();
    for row in model::key::KEYS {
        assert!(names.insert(row.name) && !row.doc.is_empty(), "{}", row.name);
        assert_eq!(model::Key::parse(row.name), Some(row.key));
    }
}

/// Crates that the order names, and records of decisions that excuse those that are not used.
const ORDERED: &[&str] = &[
    "ratatui",
    "crossterm",
    "tokio",
    "serde",
    "serde_yaml",
    "ort",
    "ndarray",
    "tiff",
    "viuer",
    "nalgebra",
    "tracing",
    "tui-logger",
    "directories",
];

#[test]
fn every_ordered_crate_is_used_or_excused() {
    let all = sources();
    let records: Vec<String> = files("docs/decisions").iter().map(|f| read(f)).collect();
    let manifests = files("")
        .into_iter()
        .filter(|f| f == "Cargo.toml" || f.ends_with("/Cargo.toml"));
    let depended: HashSet<String> = manifests.flat_map(|m| dependencies(&read(&m))).collect();
    for name in ORDERED {
        let code = name.replace('-', "_");
        let named = all
            .iter()
            .any(|(_, named)| named.paths.iter().any(|(_, path)| path[0] == code && path.len() > 1));
        let excused = records
            .iter()
            .any(|record| record.lines().next().unwrap_or_default().contains(&format!("`{name}`")));
        assert!(
            (named && depended.contains(&code)) || excused,
            "{name} is neither used nor excused in docs/decisions"
        );
    }
}

#[test]
fn records_of_decisions_are_numbered_and_whole() {
    let records = files("docs/decisions");
    assert!(records.len() >= 5);
    for (number, file) in records.iter().enumerate() {
        let name = file.strip_prefix("docs/decisions/").unwrap();
        assert!(
            name.starts_with(&format!("{:04}-", number + 1)),
            "{name} is not number {}",
            number + 1
        );
        let text = read(file);
        for part in ["## Context", "## Decision", "## Measurement", "## Consequences"] {
            assert!(text.lines().any(|l| l == part), "{name} has no {part}");
        }
    }
}

/// No manifest depends on a crate that its room never names.
#[test]
fn no_dependency_stands_idle() {
    let all = sources();
    let mut idle = Vec::new();
    for manifest in files("")
        .into_iter()
        .filter(|f| f == "Cargo.toml" || f.ends_with("/Cargo.toml"))
    {
        let folder = manifest.strip_suffix("Cargo.toml").unwrap();
        let of_room = |file: &str| {
            if folder.is_empty() {
                file == "src/main.rs" || file.starts_with("src/cli/")
            } else {
                file.starts_with(folder)
            }
        };
        for name in dependencies(&read(&manifest)) {
            let used = all
                .iter()
                .filter(|(file, _)| of_room(file))
                .any(|(_, named)| named.paths.iter().any(|(_, path)| path[0] == name));
            if !used {
                idle.push(format!("{manifest}: {name}"));
            }
        }
    }
    assert!(idle.is_empty(), "\n{}", idle.join("\n"));
}

/// Paths that exist on one machine only have no place in what is handed on.
#[test]
fn nothing_names_a_path_of_one_machine() {
    let roots = ["home", "root", "work", "Users", "tmp", "farm"].map(|name| format!("/{name}/"));
    let mut found = Vec::new();
    for file in files("").iter().filter(|f| *f != "Cargo.lock") {
        let Ok(text) = std::fs::read_to_string(crate::house::root().join(file)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let starts = |root: &String| {
                line.match_indices(root.as_str()).any(|(at, _)| {
                    // a folder of ours may bear such a name
                    !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-})*".contains(c))
                })
            };
            if roots.iter().any(starts) {
                found.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}
