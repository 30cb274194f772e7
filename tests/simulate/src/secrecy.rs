//! Reads everything that is logged, as somebody would who looks for phone numbers.

use std::io::{self, Write};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing::subscriber::with_default;

use crate::sim::Sim;

/// Tells a story and reads its logs.
pub(crate) fn reading_logs(sim: &Rc<Sim>, tell: impl FnOnce()) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .without_time()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, tell);
    let bytes = log.0.lock().unwrap_or_else(PoisonError::into_inner);
    let mut judge = sim.judge.borrow_mut();
    judge.read_text(&String::from_utf8_lossy(&bytes));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        log.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
