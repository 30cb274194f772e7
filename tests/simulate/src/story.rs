//! What happened: always as a digest, and in words when somebody will read it.

use std::collections::VecDeque;

use crate::kernel::EPOCH;

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Telling {
    /// The digest only.
    Digest,
    /// The last words too.
    Last(usize),
    /// Everything.
    All,
}

/// What happened so far.
pub struct Story {
    telling: Telling,
    digest: u64,
    lines: VecDeque<String>,
}

impl Story {
    /// An empty story.
    pub fn new(telling: Telling) -> Self {
        Self {
            telling,
            digest: 0xcbf2_9ce4_8422_2325,
            lines: VecDeque::new(),
        }
    }

    /// Adds an event: its kind and number to the digest, its words where they are kept.
    pub fn tell(&mut self, now: u64, kind: &str, number: u64, words: impl FnOnce() -> String) {
        for byte in kind.bytes() {
            self.mix(u64::from(byte));
        }
        self.mix(now);
        self.mix(number);
        let most = match self.telling {
            Telling::Digest => return,
            Telling::Last(most) => most,
            Telling::All => usize::MAX,
        };
        if self.lines.len() == most {
            self.lines.pop_front();
        }
        let ms = now - EPOCH;
        let (minutes, seconds, millis) = (ms / 60_000, ms / 1_000 % 60, ms % 1_000);
        self.lines.push_back(format!(
            "{minutes:4}:{seconds:02}.{millis:03}  {kind:<9} {}",
            words()
        ));
    }

    /// A number that is the same only for the same story.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The words that were kept.
    pub fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }

    fn mix(&mut self, number: u64) {
        self.digest = (self.digest ^ number).wrapping_mul(0x0000_0100_0000_01b3);
        self.digest ^= self.digest >> 29;
    }
}
