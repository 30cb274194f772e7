//! What a check found.

use std::fmt;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// Calls are not placed, or their ends not heard.
    Fail,
    /// It was not checked; the line says why.
    Skipped,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    /// What was seen.
    pub seen: String,
    /// What to do about it.
    pub todo: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self::of(check, Verdict::Ok, seen, None)
    }

    pub(crate) fn warn(
        check: &'static str,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::of(check, Verdict::Warn, seen, Some(todo.into()))
    }

    pub(crate) fn fail(
        check: &'static str,
        seen: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self::of(check, Verdict::Fail, seen, Some(todo.into()))
    }

    pub(crate) fn skipped(check: &'static str, why: impl Into<String>) -> Self {
        Self::of(check, Verdict::Skipped, why, None)
    }

    /// What a check could not find out, because AWS did not say.
    pub(crate) fn unknown(check: &'static str, error: &anyhow::Error) -> Self {
        let todo = "see that this caller may read it";
        Self::fail(check, format!("could not be read: {error:#}"), todo)
    }

    fn of(
        check: &'static str,
        verdict: Verdict,
        seen: impl Into<String>,
        todo: Option<String>,
    ) -> Self {
        Self {
            check,
            verdict,
            seen: seen.into(),
            todo,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "FAIL",
            Verdict::Skipped => "skipped",
        };
        write!(f, "{verdict:<8}{}: {}", self.check, self.seen)?;
        match &self.todo {
            Some(todo) => write!(f, "; {todo}"),
            None => Ok(()),
        }
    }
}
