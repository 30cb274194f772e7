//! A panic within a story is a verdict on it, and says where in the code it came from.

use std::cell::{Cell, RefCell};
use std::panic::{self, UnwindSafe, catch_unwind};
use std::sync::Once;

/// A panic within a story.
pub(crate) struct Panic {
    /// File and line, from the root of the workspace.
    place: String,
    words: String,
}

/// The invariant of a panic in the code that is tested.
pub const ASSERTION: &str = "assertion";
/// The invariant of a panic in the simulator itself: no proof that anything was noticed.
pub const HARNESS: &str = "harness";

thread_local! {
    static IS_TELLING: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Tells a story up to its end or its panic, of which nothing is printed.
pub(crate) fn catch(tell: impl FnOnce() + UnwindSafe) -> Result<(), Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_TELLING.get() {
                PLACE.set(info.location().map(ToString::to_string).unwrap_or_default());
            } else {
                usual(info);
            }
        }));
    });
    IS_TELLING.set(true);
    let told = catch_unwind(tell);
    IS_TELLING.set(false);
    told.map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
        Panic {
            place: PLACE.take(),
            words: words.unwrap_or_default(),
        }
    })
}

impl Panic {
    /// The invariant that it breaks.
    pub(crate) fn invariant(&self) -> &'static str {
        if self.place.starts_with("shared/") {
            ASSERTION
        } else {
            HARNESS
        }
    }

    /// What it said, and where.
    pub(crate) fn words(&self) -> String {
        format!("{}, at {}", self.words, self.place)
    }
}
