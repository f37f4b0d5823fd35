// SPDX-License-Identifier: MIT OR Apache-2.0
//! What went wrong, and what to do about it.

use std::fmt;
use std::io;

/// Why a command failed: one sentence, and another with what to do next where that is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    what: String,
    advice: Option<String>,
    /// Whoever reads the output has gone, which is no news to anybody.
    quiet: bool,
}

/// What a command gives.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            advice: None,
            quiet: false,
        }
    }

    /// Adds what to do about it.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Whether there is nothing to say.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.what)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  {advice}"),
            None => Ok(()),
        }
    }
}

/// Of writing to the standard output: all other calls say more of what failed.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self {
            quiet: error.kind() == io::ErrorKind::BrokenPipe,
            ..Self::new(format!("the output cannot be written: {error}"))
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}
