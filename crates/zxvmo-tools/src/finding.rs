// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `zxvmo doctor` finds, and how that is told.

use std::io::Write;

use serde::Serialize;

use crate::failure::Outcome;

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Verdict {
    /// As it should be.
    Good,
    /// Something does not work that one can do without.
    Note,
    /// zxvmo does not work.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub(crate) struct Finding {
    pub(crate) subject: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// A finding that is as it should be.
pub(crate) fn good(subject: &'static str, found: impl Into<String>) -> Finding {
    Finding {
        subject,
        verdict: Verdict::Good,
        found: found.into(),
        advice: None,
    }
}

/// One that can be done without, and what to do about it.
pub(crate) fn note(subject: &'static str, found: impl Into<String>, advice: &str) -> Finding {
    Finding {
        verdict: Verdict::Note,
        advice: Some(advice.to_owned()),
        ..good(subject, found)
    }
}

/// One that keeps zxvmo from working, and what to do about it.
pub(crate) fn bad(subject: &'static str, found: impl Into<String>, advice: &str) -> Finding {
    Finding {
        verdict: Verdict::Bad,
        ..note(subject, found, advice)
    }
}

/// Tells `findings`; whether none of them is bad.
pub(crate) fn report(findings: &[Finding], json: bool, out: &mut impl Write) -> Outcome<bool> {
    let fit = findings
        .iter()
        .all(|finding| finding.verdict != Verdict::Bad);
    if json {
        #[derive(Serialize)]
        struct Report<'a> {
            fit: bool,
            findings: &'a [Finding],
        }
        serde_json::to_writer(&mut *out, &Report { fit, findings })?;
        writeln!(out)?;
        return Ok(fit);
    }
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Good => "ok",
            Verdict::Note => "note",
            Verdict::Bad => "BAD",
        };
        writeln!(out, "{mark:<5} {}: {}", finding.subject, finding.found)?;
        if let Some(advice) = &finding.advice {
            writeln!(out, "      {advice}")?;
        }
    }
    let verdict = if fit {
        "zxvmo works here."
    } else {
        "zxvmo does not work here yet."
    };
    writeln!(out, "{verdict}")?;
    Ok(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report() {
        let mut out = Vec::new();
        let findings = [good("a", "x"), bad("b", "y", "Do z.")];
        assert!(!report(&findings, false, &mut out).unwrap());
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "ok    a: x\nBAD   b: y\n      Do z.\nzxvmo does not work here yet.\n"
        );
    }
}
