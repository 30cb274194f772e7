//! The faults that are planted, one at a time, and what each would be in our code.

/// One planted fault.
pub struct Bug {
    pub name: &'static str,
    /// What is wrong, in words.
    pub what: &'static str,
    /// The quieter profile in which it should show too.
    pub profile: &'static str,
}

const fn bug(name: &'static str, what: &'static str, profile: &'static str) -> Bug {
    Bug {
        name,
        what,
        profile,
    }
}

/// The end of the names of faults that are planted together with a second one: the store's
/// own guard against leases beyond the limit is off.
pub(super) const UNGUARDED: &str = "-unguarded";

/// All of them.
pub const BUGS: &[Bug] = &[
    bug("le-for-lt", "a slot more than the limit: <= for <", "calm"),
    bug(
        "le-for-lt-unguarded",
        "the same, and the store's guard is off",
        "calm",
    ),
    // With the guard on it does no harm that 3,000 seeds show: the store refuses the write.
    bug(
        "ne-for-lt-unguarded",
        "no limit once it was lowered: <> for <, and the store's guard is off",
        "users",
    ),
    bug(
        "counted-down",
        "an end frees a slot without identity",
        "carrier",
    ),
    bug(
        "only-calling",
        "only calling counts as live, not dialing",
        "calm",
    ),
    bug(
        "only-calling-unguarded",
        "the same, and the store's guard is off",
        "calm",
    ),
    bug("freed-by-clock", "a lease is freed by the clock", "carrier"),
    bug("no-fence", "a call is settled before its fence", "late"),
    bug(
        "short-fence",
        "the fence forgets the life of a worker",
        "late",
    ),
    bug(
        "freed-on-5xx",
        "a slot is freed on 5xx and timeouts",
        "carrier",
    ),
    bug(
        "unknown-retried",
        "an ambiguous create is tried again",
        "carrier",
    ),
    bug(
        "stop-elsewhere",
        "a stop goes into an item that a fill reads once, before it decides",
        "users",
    ),
    bug(
        "stopped-runs-on",
        "a lead given back to a stopped run waits again",
        "users",
    ),
    bug(
        "wake-before-write",
        "the wake-up is sent before the write",
        "calm",
    ),
    bug("no-sweep", "nobody sweeps", "workers"),
    bug(
        "sweep-passes-over-slots",
        "the sweep passes over free slots that leads wait for",
        "workers",
    ),
    bug(
        "sweep-passes-over-silence",
        "the sweep passes over silent calls",
        "workers",
    ),
    bug(
        "old-state-believed",
        "what an old state knows nothing of is passed over",
        "store",
    ),
    bug(
        "own-write-lost",
        "our own write, refused on repeat, counts as another's",
        "store",
    ),
    bug(
        "lost-race-won",
        "a write that lost its race counts as won",
        "calm",
    ),
    bug(
        "any-rev",
        "a state is replaced whatever it is by now",
        "calm",
    ),
    bug(
        "early-end-dropped",
        "a final report before its call is recorded is dropped",
        "calm",
    ),
    bug(
        "sid-alone",
        "reports are told apart by CallSid alone",
        "calm",
    ),
    bug(
        "no-lease",
        "the roster's cursor goes on without a lease",
        "calm",
    ),
    bug(
        "key-after",
        "a run's request key is stored after the run",
        "users",
    ),
    bug(
        "unsigned",
        "the webhook takes what is not signed",
        "carrier",
    ),
    bug(
        "old-limit",
        "slots are claimed under a limit that was read a minute ago",
        "users",
    ),
    bug(
        "old-limit-unguarded",
        "the same, and the store's guard is off",
        "users",
    ),
    bug("direct-free", "direct calls are not counted", "users"),
    bug(
        "direct-free-unguarded",
        "the same, and the store's guard is off",
        "users",
    ),
    bug(
        "others-shelf",
        "a worker commits to the business that it committed to last",
        "calm",
    ),
    bug(
        "others-roster",
        "rosters are kept by the number of their run alone",
        "calm",
    ),
    bug("same-number", "two calls go to one number at once", "calm"),
    bug("by-number-of-run", "slots go to the oldest run", "calm"),
    bug("not-served", "nobody counts who was served", "calm"),
    bug(
        "dropped-unfiled",
        "a run leaves the state before its end is filed",
        "calm",
    ),
    bug(
        "given-up",
        "a lead that the carrier had no time for is canceled",
        "carrier",
    ),
    bug(
        "no-hand-over",
        "a slot that a report frees waits for the sweep",
        "calm",
    ),
    bug(
        "hung-up-unheard",
        "a hang-up without an answer counts as an end",
        "users",
    ),
    bug(
        "one-caller-id",
        "earlier caller ids are forgotten at once",
        "users",
    ),
    bug(
        "others-call",
        "a call that has a record is taken for another",
        "workers",
    ),
    bug(
        "others-run",
        "a run of the same list is taken for our own",
        "users",
    ),
    bug(
        "one-look",
        "one answer that does not know a call is believed",
        "late",
    ),
    bug("number-logged", "a whole number is logged", "calm"),
    bug("number-in-error", "a whole number is in an error", "store"),
    bug(
        "twice-counted",
        "a call that ended is counted twice",
        "calm",
    ),
    bug(
        "unknown-dropped",
        "an old worker drops what it does not know",
        "release",
    ),
    bug(
        "unread-extra",
        "a new worker does not go on from what is stored",
        "release",
    ),
    bug(
        "left-over-written",
        "writes left over by a batch are taken as written",
        "store",
    ),
    bug(
        "left-over-read",
        "keys left over by a batch are taken as missing",
        "store",
    ),
    bug(
        "partial-roster",
        "a run begins with a roster that could not be stored",
        "store",
    ),
    bug(
        "page-edge",
        "the last lead of a page is looked for on the next",
        "calm",
    ),
    bug(
        "one-page",
        "only the first page of recorded calls is read",
        "workers",
    ),
    bug("key-for-ever", "a request key outlives its day", "users"),
    bug(
        "key-for-hours",
        "a request key is forgotten within its day",
        "users",
    ),
    bug(
        "any-body",
        "a request key with another body is answered as the first",
        "users",
    ),
    bug(
        "key-expired-kept",
        "a request whose key is over a day old is refused for it",
        "users",
    ),
    bug("no-margin", "the fence forgets that clocks differ", "edge"),
    bug("late-dial", "a worker dials after its window", "late"),
    bug(
        "lease-not-looked-at",
        "what is found by number counts without its lease",
        "edge",
    ),
    bug(
        "no-look-back",
        "a look-up leaves out no recorded call that was claimed before its own",
        "edge",
    ),
    bug(
        "short-look-back",
        "a call that was dated late is taken for the next one",
        "edge",
    ),
    bug(
        "list-once",
        "the do-not-call list is not looked up again when it has grown",
        "rules",
    ),
    bug("list-once-direct", "the same, in a direct start", "rules"),
    bug(
        "list-after-rev",
        "the list is said to have grown before its entries are stored",
        "rules",
    ),
    bug(
        "rev-once",
        "only the first addition to the list is said",
        "rules",
    ),
    bug(
        "any-country",
        "a run does not look at the destinations",
        "rules",
    ),
    bug(
        "any-country-direct",
        "a direct start does not look at the destinations",
        "rules",
    ),
    bug(
        "cap-not-looked-at",
        "a run does not look at the daily cap",
        "rules",
    ),
    bug(
        "direct-uncounted",
        "direct calls are not counted in their day",
        "rules",
    ),
    bug(
        "direct-uncapped",
        "a direct start does not look at the daily cap",
        "rules",
    ),
    bug("same-day", "a new day does not begin", "rules"),
    bug(
        "refused-counted",
        "calls that the carrier refused stay counted",
        "rules",
    ),
    bug("runs-uncapped", "runs begin beyond their cap", "rules"),
    bug(
        "count-unwritten",
        "the number of leases is not written with them",
        "calm",
    ),
    bug(
        "end-unnoted",
        "an end is counted, and never recorded",
        "calm",
    ),
    bug(
        "refused-unrecorded",
        "a refusal is counted although it could not be recorded",
        "all",
    ),
    bug(
        "direct-sent-twice",
        "the request for a direct call is sent twice",
        "users",
    ),
    bug(
        "set-unstored",
        "settings that lost their race are answered as set",
        "users",
    ),
];
