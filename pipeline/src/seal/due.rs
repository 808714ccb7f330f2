//! Whether files are worth sealing now.
//!
//! In: how many files of a folder are not sealed, how large they are, and for how long its hour or day has been
//! over. Out: yes or no. Must hold: in the end, when nothing comes any more, a folder has one sealed file; on the
//! way there a large sealed file is not written again for each small one that comes late.

use std::time::Duration;

use crate::limits::{SEAL_AFTER, SEAL_FILES_MIN, SEAL_SETTLED_AFTER, SEAL_SHARE_MIN};

/// The files of a folder.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Amounts {
    /// Files that are not sealed.
    pub(super) files: usize,
    /// Their bytes.
    pub(super) bytes: u64,
    /// Bytes of the sealed files.
    pub(super) sealed_bytes: u64,
}

/// Whether to seal the files of a folder that is of an hour or of a day, and has been over for so long; nothing
/// while it is not over.
pub(super) fn is_due(amounts: Amounts, is_of_an_hour: bool, over_for: Option<Duration>) -> bool {
    let Amounts {
        files,
        bytes,
        sealed_bytes,
    } = amounts;
    let are_many = files >= SEAL_FILES_MIN;
    match over_for.filter(|over| *over >= SEAL_AFTER) {
        // Rows of an hour come together once; those of a day are few, and a day is long.
        None => are_many && !is_of_an_hour,
        // One alone too in the end: a day with files that are not sealed is looked at in every run.
        Some(over) if over >= SEAL_SETTLED_AFTER => files > 0,
        Some(_) if sealed_bytes == 0 => files > 1,
        Some(_) => {
            let weigh = bytes.saturating_mul(SEAL_SHARE_MIN) >= sealed_bytes;
            files > 0 && (are_many || weigh)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sealed_when_they_are_many_or_weigh_or_nothing_comes_any_more() {
        const HOUR: u64 = 3600;
        for (files, bytes, sealed_bytes, is_of_an_hour, over_hours, due) in [
            // An hour that is not over, or only just.
            (999, 999, 0, true, None, false),
            (999, 999, 0, true, Some(0), false),
            (2, 2, 0, true, Some(1), true),
            // One file is what sealing would make of it.
            (1, 1, 0, true, Some(1), false),
            (1, 1, 0, false, Some(47), false),
            (1, 1, 0, false, Some(48), true),
            // A day that goes on.
            (15, 15, 0, false, None, false),
            (16, 16, 0, false, None, true),
            (16, 16, 1 << 20, false, None, true),
            (15, 15, 0, false, Some(0), false),
            // What comes late.
            (15, 124, 1000, true, Some(3), false),
            (15, 125, 1000, true, Some(3), true),
            (16, 1, 1000, true, Some(3), true),
            (1, 1, 1000, true, Some(47), false),
            (1, 1, 1000, true, Some(48), true),
            (0, 0, 1000, true, Some(48), false),
        ] {
            let amounts = Amounts {
                files,
                bytes,
                sealed_bytes,
            };
            let over = over_hours.map(|hours: u64| Duration::from_secs(hours * HOUR));
            let told = is_due(amounts, is_of_an_hour, over);
            assert_eq!(told, due, "{amounts:?} {is_of_an_hour} {over_hours:?}");
        }
    }
}
