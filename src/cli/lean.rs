//! Memory given back: a daemon runs for weeks beside other programs.
//!
//! glibc keeps what is freed apart for up to eight threads a core, and pictures are made by many threads: 40 MiB of a daemon that served some
//! were of no use to anybody. The number is read once, when a program starts, and only from its surroundings.

/// What glibc reads it from, and the number that is enough.
#[cfg(all(unix, target_env = "gnu"))]
const ARENAS: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// Starts this program again in its own place, with the same arguments, so that it keeps little memory; at most once. Where that cannot be
/// done it goes on as it is.
#[cfg(all(unix, target_env = "gnu"))]
pub fn again() {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(ARENAS.0).is_some() {
        return;
    }
    if let Ok(program) = std::env::current_exe() {
        // comes back only where it failed
        let _ = std::process::Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(ARENAS.0, ARENAS.1)
            .exec();
    }
}

#[cfg(not(all(unix, target_env = "gnu")))]
pub fn again() {}
