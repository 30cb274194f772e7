//! Crash points: makes a chosen request the last thing that a process does.
//!
//! A trap stands for one process. Once sprung, no request that passes through it is ever
//! answered, so nothing after the crash point can happen, on any branch of the handler.

use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

/// The requests of one simulated process, counted, and the one at which it dies.
///
/// Clones share the same count. A test first lets a clean pass through and reads
/// [`count`](Self::count), then repeats it with each number as the crash point, dropping the
/// handler's future once [`sprung`](Self::sprung) resolves, as a function timeout would.
#[derive(Debug, Clone, Default)]
pub struct Trap(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    pass: Mutex<Pass>,
    sprung: watch::Sender<bool>,
}

/// What has passed since the trap was last armed or disarmed.
#[derive(Debug, Default)]
struct Pass {
    count: u32,
    /// The names of the first ones.
    requests: Vec<String>,
    crash: Option<CrashPoint>,
}

/// How many requests are remembered by name: a process that is never restarted sends many.
const NAMES_MAX: usize = 1_000;

/// Where a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashPoint {
    /// Which request, from 1.
    pub nth: u32,
    pub side: Side,
}

/// The side of a request's effect on which something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The request has had no effect.
    Before,
    /// The request has had its effect, and its sender never learns of it.
    After,
}

impl Trap {
    /// Begins a new process that dies at `crash`.
    pub fn arm(&self, crash: CrashPoint) {
        self.restart(Some(crash));
    }

    /// Begins a new process that does not die.
    pub fn disarm(&self) {
        self.restart(None);
    }

    /// How many requests this process has sent.
    pub fn count(&self) -> u32 {
        self.pass().count
    }

    /// The requests that this process has sent, by name, for the message of a failing test.
    pub fn requests(&self) -> Vec<String> {
        self.pass().requests.clone()
    }

    /// Whether the process has died.
    pub fn is_sprung(&self) -> bool {
        *self.0.sprung.borrow()
    }

    /// Resolves when the process dies.
    pub async fn sprung(&self) {
        let mut sprung = self.0.sprung.subscribe();
        sprung
            .wait_for(|is_sprung| *is_sprung)
            .await
            .expect("the sender is borrowed here");
    }

    /// Lets one request of the process happen, unless it is the last.
    ///
    /// Every transport that the process uses passes its requests through the same trap.
    pub async fn around<T>(&self, name: &str, request: impl Future<Output = T>) -> T {
        if self.is_sprung() {
            return pending().await;
        }
        let nth = {
            let mut pass = self.pass();
            pass.count += 1;
            if pass.requests.len() < NAMES_MAX {
                pass.requests.push(name.to_owned());
            }
            pass.count
        };
        self.die_at(CrashPoint {
            nth,
            side: Side::Before,
        })
        .await;
        let answer = request.await;
        self.die_at(CrashPoint {
            nth,
            side: Side::After,
        })
        .await;
        answer
    }

    /// Never returns if the process is to die here, or has died meanwhile on another branch.
    async fn die_at(&self, point: CrashPoint) {
        if self.pass().crash == Some(point) {
            self.0.sprung.send_replace(true);
        }
        if self.is_sprung() {
            pending::<()>().await;
        }
    }

    fn restart(&self, crash: Option<CrashPoint>) {
        *self.pass() = Pass {
            count: 0,
            requests: Vec::new(),
            crash,
        };
        self.0.sprung.send_replace(false);
    }

    fn pass(&self) -> MutexGuard<'_, Pass> {
        self.0.pass.lock().expect("nothing panics while holding it")
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::FutureExt;

    use super::*;

    /// Sends three requests through an armed trap: how many took effect, and how many were counted.
    #[track_caller]
    fn check(crash: CrashPoint, effects: u32, counted: u32) {
        let trap = Trap::default();
        trap.arm(crash);
        let done = Cell::new(0);
        let process = async {
            for name in ["read", "write", "call"] {
                trap.around(name, async { done.set(done.get() + 1) }).await;
            }
        };
        assert_eq!(
            process.now_or_never(),
            None,
            "the process outlived its crash"
        );
        assert_eq!((done.get(), trap.count()), (effects, counted));
        assert!(trap.is_sprung());
        assert_eq!(trap.sprung().now_or_never(), Some(()));
    }

    #[test]
    fn a_process_dies_before_or_after_the_effect_of_its_nth_request() {
        check(
            CrashPoint {
                nth: 1,
                side: Side::Before,
            },
            0,
            1,
        );
        check(
            CrashPoint {
                nth: 1,
                side: Side::After,
            },
            1,
            1,
        );
        check(
            CrashPoint {
                nth: 3,
                side: Side::Before,
            },
            2,
            3,
        );
        check(
            CrashPoint {
                nth: 3,
                side: Side::After,
            },
            3,
            3,
        );
    }

    #[test]
    fn a_dead_process_has_no_further_effect_on_another_branch() {
        let trap = Trap::default();
        trap.arm(CrashPoint {
            nth: 2,
            side: Side::Before,
        });
        let (release, held) = tokio::sync::oneshot::channel::<()>();
        let mut slow = Box::pin(trap.around("slow", held));
        assert!(slow.as_mut().now_or_never().is_none());

        assert!(trap.around("fatal", async {}).now_or_never().is_none());
        release.send(()).expect("the slow request waits for it");

        assert!(
            slow.as_mut().now_or_never().is_none(),
            "an answer reached a dead process"
        );
        assert!(trap.around("later", async {}).now_or_never().is_none());
        assert_eq!(trap.requests(), ["slow", "fatal"]);
    }

    #[test]
    fn a_disarmed_trap_only_counts_and_begins_at_zero() {
        let trap = Trap::default();
        trap.arm(CrashPoint {
            nth: 1,
            side: Side::After,
        });
        assert!(trap.around("fatal", async {}).now_or_never().is_none());

        trap.disarm();
        assert_eq!(trap.around("read", async { 7 }).now_or_never(), Some(7));
        assert_eq!(trap.requests(), ["read"]);
        assert!(trap.sprung().now_or_never().is_none());
    }
}
