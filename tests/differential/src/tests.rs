use super::plant::Fault;
use super::sequence::{Setting, Verdict, differs, run};
use super::sights::Sum;

/// Finds all sights, and takes seconds unoptimised.
const SEQUENCES: u64 = 80;

#[tokio::test]
async fn the_simulated_ledger_answers_as_the_real_one() {
    let mut sum = Sum::default();
    for seed in 0..SEQUENCES {
        match run(&Setting::default(), seed).await.unwrap() {
            Verdict::Same(more) => sum.add(more),
            Verdict::Different(found) => panic!("{found:#?}"),
        }
    }
    assert_eq!(sum.unseen(), []);
}

#[tokio::test]
async fn a_ledger_that_forgets_the_revision_is_noticed() {
    let setting = Setting {
        fault: Some(Fault::ForgetsTheRevision),
        ..Setting::default()
    };
    for seed in 0..SEQUENCES {
        if differs(&setting, seed).await.unwrap() {
            return;
        }
    }
    panic!("nobody noticed");
}
