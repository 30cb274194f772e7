//! What `planted` found, for people and for machines.

use serde_json::{Value, json};

use super::twins::TWINS;
use super::{BUGS, SEEDS_MAX};

/// What became of the planted faults.
pub struct Findings {
    pub(super) bugs: Vec<Value>,
    /// The stories that every test run tells, each with its fault.
    pub(super) stories: Vec<Value>,
}

impl Findings {
    /// True if no fault escaped, and every story that tests tell fails with its own.
    pub fn are_all_caught(&self) -> bool {
        let mut all = self.bugs.iter().chain(&self.stories);
        self.bugs.len() == BUGS.len() && all.all(is_caught)
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({ "planted": self.bugs, "stories": self.stories, "seeds_max": SEEDS_MAX })
    }

    /// For people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![
            "| fault | what is wrong | planted in | caught by | seeds | profile |".to_owned(),
            "|---|---|---|---|---|---|".to_owned(),
        ];
        lines.extend(self.bugs.iter().map(|bug| {
            let [name, what, place, by, profile] =
                ["bug", "what", "planted_in", "caught_by", "profile"].map(|of| word(bug, of));
            let seeds = &bug["seeds"];
            format!("| `{name}` | {what} | {place} | {by} | {seeds} | {profile} |")
        }));
        let caught = self.bugs.iter().filter(|bug| is_caught(bug)).count();
        let all = BUGS.len();
        lines.extend([
            format!("\n{caught} of {all} caught, each within {SEEDS_MAX} seeds\n"),
            "| fault | story, told in every test run | caught by |".to_owned(),
            "|---|---|---|".to_owned(),
        ]);
        lines.extend(self.stories.iter().map(|story| {
            let [name, profile, by] = ["bug", "profile", "caught_by"].map(|of| word(story, of));
            let seed = &story["seed"];
            format!("| `{name}` | seed {seed} of `{profile}` | {by} |")
        }));
        lines.extend([
            "\n| fault in what is simulated | test that notices it in the real code |".to_owned(),
            "|---|---|".to_owned(),
        ]);
        lines.extend(TWINS.iter().map(|twin| {
            let bugs: Vec<String> = twin.bugs.iter().map(|bug| format!("`{bug}`")).collect();
            let (bugs, file, test) = (bugs.join(", "), twin.file, twin.test);
            format!("| {bugs} | `{file}`: `{test}` |")
        }));
        lines
    }
}

fn word<'a>(found: &'a Value, of: &str) -> &'a str {
    found[of].as_str().unwrap_or("**nothing**")
}

pub(super) fn is_caught(found: &Value) -> bool {
    !found["caught_by"].is_null()
}
