//! One random sequence, given to every ledger step by step.

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::Client;
use fastrand::Rng;

use crate::answer::Answer;
use crate::draw::{BUSINESSES, Scene, business};
use crate::plant::Fault;
use crate::request::Request;
use crate::scribe::Scribe;
use crate::side::{Real, Simulated};
use crate::sights::{Sight, Sum};

/// How many operations a sequence has, without the reads at its end.
const STEPS_MAX: usize = 48;
const STEPS_MIN: usize = 16;
/// How often a sequence that fails is tried again without one of its steps.
const TRIES_MAX: u32 = 200;

/// Against what the simulated ledger is compared, and what is wrong with it.
#[derive(Clone, Default)]
pub struct Setting {
    /// A DynamoDB besides the embedded one.
    pub remote: Option<Client>,
    pub fault: Option<Fault>,
}

/// What two ledgers do not agree on.
#[derive(Debug, Clone)]
pub struct Difference {
    pub seed: u64,
    /// The operations up to the one with different answers, after the shrinking.
    pub told: Vec<String>,
    /// Each ledger, and what it answered.
    pub answers: Vec<(&'static str, Answer)>,
    /// After how many steps it showed.
    at: usize,
}

/// Whether all ledgers agreed.
#[derive(Debug)]
pub enum Verdict {
    Same(Sum),
    Different(Box<Difference>),
}

/// Gives the sequence of a seed to all ledgers; one that they disagree on is shrunk.
///
/// # Errors
///
/// When a store could not be prepared.
pub async fn run(setting: &Setting, seed: u64) -> Result<Verdict> {
    let steps = steps_of(seed);
    match compare(setting, seed, &steps).await? {
        Verdict::Same(sum) => Ok(Verdict::Same(sum)),
        Verdict::Different(found) => shrink(setting, steps, found).await.map(Verdict::Different),
    }
}

/// Whether the ledgers disagree on the sequence of a seed.
///
/// # Errors
///
/// When a store could not be prepared.
pub async fn differs(setting: &Setting, seed: u64) -> Result<bool> {
    let verdict = compare(setting, seed, &steps_of(seed)).await?;
    Ok(matches!(verdict, Verdict::Different(_)))
}

fn steps_of(seed: u64) -> Vec<u64> {
    let mut rng = Rng::with_seed(seed);
    let count = rng.usize(STEPS_MIN..=STEPS_MAX);
    (0..count).map(|_| rng.u64(..)).collect()
}

/// Leaves out steps for as long as the ledgers still disagree.
async fn shrink(
    setting: &Setting,
    mut steps: Vec<u64>,
    mut found: Box<Difference>,
) -> Result<Box<Difference>> {
    let seed = found.seed;
    steps.truncate(found.at);
    let mut at = steps.len();
    for _ in 0..TRIES_MAX {
        let Some(next) = at.checked_sub(1) else {
            break;
        };
        at = next;
        let mut fewer = steps.clone();
        fewer.remove(at);
        if let Verdict::Different(smaller) = compare(setting, seed, &fewer).await? {
            fewer.truncate(smaller.at);
            at = at.min(fewer.len());
            steps = fewer;
            found = smaller;
        }
    }
    Ok(found)
}

/// Everybody who is compared.
struct Sides {
    simulated: Simulated,
    real: Vec<Real>,
    scribe: Scribe,
    told: Vec<String>,
    sum: Sum,
}

async fn compare(setting: &Setting, seed: u64, steps: &[u64]) -> Result<Verdict> {
    let mut scene = Scene::new(&mut Rng::with_seed(!seed));
    let mut real = vec![Real::embedded(&scene).await?];
    if let Some(client) = &setting.remote {
        let table = format!("s{seed}-{}", Rng::new().u64(..));
        real.push(Real::remote(client, table, &scene).await?);
    }
    let mut sides = Sides {
        simulated: Simulated::new(seed, &scene, setting.fault),
        real,
        scribe: Scribe::default(),
        told: Vec::new(),
        sum: Sum::default(),
    };
    let found = sides.compare_all(&mut scene, seed, steps).await;
    for real in sides.real {
        real.end().await?;
    }
    if let Some(found) = found {
        return Ok(Verdict::Different(Box::new(found)));
    }
    let mut sum = sides.sum;
    sum.sequences = 1;
    ensure!(sum.operations > 0, "a sequence without operations");
    Ok(Verdict::Same(sum))
}

impl Sides {
    async fn compare_all(
        &mut self,
        scene: &mut Scene,
        seed: u64,
        steps: &[u64],
    ) -> Option<Difference> {
        let opening = (0..BUSINESSES).map(|number| Request::Load(business(number)));
        for request in opening {
            if let Some(answers) = self.ask(scene, &request).await {
                return Some(self.difference(seed, 0, answers));
            }
        }
        for (at, &step) in (1..).zip(steps) {
            let request = scene.draw(step);
            if let Some(answers) = self.ask(scene, &request).await {
                return Some(self.difference(seed, at, answers));
            }
        }
        for request in scene.read_all() {
            if let Some(answers) = self.ask(scene, &request).await {
                return Some(self.difference(seed, steps.len(), answers));
            }
        }
        None
    }

    /// Asks everybody, and returns the answers where they are not the same.
    async fn ask(
        &mut self,
        scene: &mut Scene,
        request: &Request,
    ) -> Option<Vec<(&'static str, Answer)>> {
        self.told.push(format!("{request:?}"));
        let read = self.scribe.reads(request).await;
        assert_eq!(
            read.as_ref(),
            Some(request),
            "a request must ask what it says"
        );
        let asked = self
            .real
            .iter()
            .map(async |real| (real.name, real.ask(request).await));
        let mut answers = vec![("simulated", self.simulated.ask(request))];
        answers.extend(futures::future::join_all(asked).await);
        let (_, first) = &answers[0];
        let is_understood = !matches!(first, Answer::Broken(_));
        if !is_understood || answers.iter().any(|(_, answer)| answer != first) {
            return Some(answers);
        }
        self.sum.operations += 1;
        self.sum.comparisons += answers.len() as u64 - 1;
        for sight in Sight::of(scene, request, first) {
            *self.sum.sights.entry(sight).or_default() += 1;
        }
        scene.hear(request, first);
        None
    }

    fn difference(
        &mut self,
        seed: u64,
        at: usize,
        answers: Vec<(&'static str, Answer)>,
    ) -> Difference {
        Difference {
            seed,
            told: std::mem::take(&mut self.told),
            answers,
            at,
        }
    }
}
