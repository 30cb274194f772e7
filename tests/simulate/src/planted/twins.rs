//! What fails where the real counterpart of a simulated part has a planted fault.

/// The test that notices a fault in the real code.
pub(super) struct Twin {
    /// The names of the faults.
    pub(super) bugs: &'static [&'static str],
    pub(super) file: &'static str,
    pub(super) test: &'static str,
}

const fn twin(bugs: &'static [&'static str], file: &'static str, test: &'static str) -> Twin {
    Twin { bugs, file, test }
}

/// All that there are. Nothing is known to notice the others.
pub(super) const TWINS: &[Twin] = &[
    twin(
        &[
            "le-for-lt-unguarded",
            "ne-for-lt-unguarded",
            "only-calling-unguarded",
            "old-limit-unguarded",
            "direct-free-unguarded",
        ],
        "tests/it/ledger/states.rs",
        "the_store_itself_refuses_leases_without_room",
    ),
    twin(
        &["own-write-lost"],
        "tests/it/ledger/states.rs",
        "a_write_that_was_applied_without_an_answer_counts_once",
    ),
    twin(
        &["any-rev"],
        "tests/it/ledger/states.rs",
        "whoever_comes_second_gets_the_newer_state",
    ),
    twin(
        &["unknown-dropped"],
        "tests/it/ledger/states.rs",
        "attributes_of_others_survive",
    ),
    twin(
        &["key-for-ever", "key-for-hours", "key-expired-kept"],
        "tests/it/ledger/starts.rs",
        "a_key_starts_one_thing_a_day",
    ),
    twin(
        &["others-run"],
        "shared/ledger/src/starts/tests.rs",
        "a_run_record_of_the_same_list_is_another_start",
    ),
    twin(
        &["page-edge"],
        "shared/ledger/src/roster.rs",
        "every_lead_is_found_at_its_position",
    ),
    twin(
        &["no-sweep"],
        "tests/it/recovery.rs",
        "lost_messages_are_made_up_for_by_the_sweep",
    ),
    twin(
        &["unsigned"],
        "tests/it/signatures.rs",
        "a_report_is_believed_only_with_the_carrier_s_signature",
    ),
];
