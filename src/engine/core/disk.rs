//! Room on the disk of the data folder: told when it runs low, before a journal or a picture cannot be written.

use super::Core;
use crate::event::{self, Event};
use model::{Notice, Severity};
use std::path::Path;

/// Less than this is low, bytes; and no longer when there is a quarter more.
const LOW: u64 = 2 << 30;
/// Looks of the watcher, about one a second, between two of these.
const EVERY: u32 = 30;

/// What was seen of it.
#[derive(Default)]
pub(super) struct Room {
    looks: u32,
    low: bool,
}

impl Room {
    /// Looks now and then.
    pub fn look(&mut self, core: &Core) {
        self.looks += 1;
        if self.looks % EVERY == 1
            && let Some(free) = free(&core.options.paths.data_dir)
            && self.is_news(free)
        {
            let [text, hint] = event::disk_low(free);
            core.publish(Event::DiskLow { free });
            core.notice(Notice::new(Severity::Warning, text).hint(hint));
        }
    }

    fn is_news(&mut self, free: u64) -> bool {
        let was = self.low;
        self.low = free < if was { LOW + LOW / 4 } else { LOW };
        self.low && !was
    }
}

/// Bytes that we may still write there, where the system says so.
#[cfg(unix)]
fn free(folder: &Path) -> Option<u64> {
    let there = rustix::fs::statvfs(folder).ok()?;
    Some(there.f_bavail.saturating_mul(there.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_runs_low_is_told_once_until_there_is_room_again() {
        let mut room = Room::default();
        let told = [3 * LOW, LOW - 1, LOW - 2, LOW + 1, LOW - 1, 2 * LOW, LOW - 1].map(|free| room.is_news(free));
        assert_eq!(told, [false, true, false, false, false, false, true]);
    }

    #[cfg(unix)]
    #[test]
    fn the_system_says_how_much_is_free() {
        assert!(free(&std::env::temp_dir()).is_some_and(|free| free > 0));
        assert_eq!(free(Path::new("/no such folder")), None);
    }
}
