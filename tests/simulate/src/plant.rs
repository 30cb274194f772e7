//! Where a planted fault is armed. This code has none: only the copies have that the
//! command `planted` builds.

/// Arms one planted fault; false where there is none.
pub fn arm(_name: &'static str) -> bool {
    false
}
