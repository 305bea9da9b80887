//! The rules, tried on sources that break them and on some that do not.

use super::*;
use crate::house::named;

#[test]
fn what_is_forbidden_is_found() {
    for (file, source, what) in [
        ("src/workflow/a.rs", "use ratatui::layout::Rect;", "the screen"),
        (
            "src/cli/a.rs",
            "fn f() -> crossterm::event::Event { todo!() }",
            "the screen",
        ),
        (
            "src/model/a.rs",
            "async fn f() { tokio::task::yield_now().await }",
            "async",
        ),
        ("src/vision/a.rs", "fn f() { tokio::select! {} }", "async"),
        (
            "src/picture/a.rs",
            "fn f() { let _ = vec![futures::future::ready(1)]; }",
            "async",
        ),
        ("src/model/a.rs", "use std::time::{Duration, Instant};", "the clock"),
        (
            "src/model/a.rs",
            "use std::time; fn f() { time::SystemTime::now(); }",
            "the clock",
        ),
        ("src/hal/a.rs", "use std::time as t; use t::*;", "the clock"),
        (
            "src/workflow/a.rs",
            "use std::{time::{self as clock}}; fn f() { clock::Instant::now(); }",
            "the clock",
        ),
        (
            "src/vision/a.rs",
            "use jiff::Timestamp; fn f() { Timestamp::now(); }",
            "the clock",
        ),
        (
            "src/hal/sim/a.rs",
            "fn f() { std::thread::sleep(D) }",
            "a sleeping thread",
        ),
        ("src/hal/sim/a.rs", "use rand::*;", "chance without a seed"),
        ("src/ui/a.rs", "use std::net::TcpStream;", "a socket"),
        ("src/hal/sim/a.rs", "use std::*;", "a socket"),
        ("src/hal/a.rs", "extern crate reqwest as web;", "a socket"),
        (
            "src/model/a.rs",
            "fn f() -> color_eyre::Result<()> { Ok(()) }",
            "errors for a program's end",
        ),
        (
            "src/workflow/a.rs",
            "fn f(s: &Scope) { s.truth(); }",
            "the twin's secret",
        ),
        (
            "src/engine/core/a.rs",
            "fn f() { println!(\"{}\", world.truth()); }",
            "the twin's secret",
        ),
        ("src/vision/a.rs", "use hal::sim::specimen::Grid;", "the twin's secret"),
        (
            "src/engine/a.rs",
            "const A: &str = \"ThermoFisher\";",
            "names a vendor (thermo)",
        ),
        ("src/hal/sim/a.rs", "fn tescan_move() {}", "names a vendor (tescan)"),
        (
            "src/ui/a.rs",
            "fn f() { format!(\"an Aquilos2 is {}\", 1); }",
            "names a vendor (aquilos)",
        ),
        ("src/ui/a.rs", "struct AutoScriptClient;", "names a vendor (autoscript)"),
        ("src/engine/a.rs", "pub use hal::Scope;", "another room's"),
        ("src/ui/a.rs", "pub use { engine::Link };", "another room's"),
    ] {
        let found = offences(file, &named(source).unwrap());
        assert!(found.iter().any(|f| f.contains(what)), "{source}: {found:?}");
    }
    for (file, text, what) in [
        ("src/hal/utils.rs", "", "says nothing"),
        ("src/hal/manager/a.rs", "", "says nothing"),
        ("src/hal/mod.rs", "use a;", "opens with"),
        ("src/hal/a.rs", &"\n".repeat(MOST_LINES + 1), "is a fault"),
    ] {
        assert!(
            shape(file, text).iter().any(|f| f.contains(what)),
            "{file}: {:?}",
            shape(file, text)
        );
    }
    assert_eq!(
        dependencies(
            "[dependencies]\na-b.workspace = true\n[dev-dependencies]\nc = \"1\"\n[target.'cfg(unix)'.dependencies]\nd = { x = 1 }"
        ),
        ["a_b", "d"]
    );
}

#[test]
fn what_is_allowed_is_left_alone() {
    for (file, source) in [
        ("src/ui/a.rs", "use ratatui::layout::Rect; use std::time::Instant;"),
        (
            "src/model/a.rs",
            "use std::time::Duration; /// At ThermoFisher's, as tokio::time.\nstruct A;",
        ),
        (
            "src/model/a.rs",
            "#[cfg(test)] mod tests { use std::time::Instant; fn f() { world.truth(); } }",
        ),
        ("src/workflow/a.rs", "fn f(burn: fn(f64)) { burn(1.0) }"),
        ("src/model/config/a.rs", "const A: &str = \"Tescan\";"),
        ("src/hal/sim/a.rs", "fn truth() -> specimen::Grid { todo!() }"),
        (
            "src/engine/a.rs",
            "use hal::Scope; pub use crate::link::Link; tokio::select! {}",
        ),
        (
            "src/engine/a.rs",
            "const ICE: &str = \"hydrated, dehydrated, thermometer, next, xTerm\";",
        ),
    ] {
        let found = offences(file, &named(source).unwrap());
        assert!(found.is_empty(), "{source}: {found:?}");
    }
    assert!(
        named("#![cfg(test)] use std::net::TcpStream;")
            .unwrap()
            .paths
            .is_empty()
    );
}
