//! Seeds at which a planted fault is caught that was once in our code.
//!
//! A change of the simulator changes every story: a seed is worth something only as long as
//! its fault is caught there. `planted` fails where one is not; then another is to be looked
//! for, in the copies that `planted` has built:
//!
//! ```console
//! $ target/planted/target/release/simulate hunt end-later --seeds 0..20000 --profile fence
//! ```

/// Stories that fail under one planted fault.
pub struct Regression {
    /// Its name. Some are not among [`super::BUGS`]: too few seeds show them.
    pub bug: &'static str,
    /// Seeds and profiles.
    pub stories: &'static [(u64, &'static str)],
}

/// All of them.
pub const REGRESSIONS: &[Regression] = &[
    Regression {
        bug: "end-later",
        stories: &[(75, "fence")],
    },
    Regression {
        bug: "no-look-back",
        stories: &[(279, "all"), (912, "fence"), (3, "edge")],
    },
    Regression {
        bug: "others-run",
        stories: &[(3, "users"), (5, "users")],
    },
    Regression {
        bug: "short-look-back",
        stories: &[(25, "edge")],
    },
];
