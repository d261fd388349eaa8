//! The table as it is committed.

use lychgate_gateway::operations::OPERATIONS;

use crate::support::generated;

/// The rows that were tried and came out as they must.
pub(crate) struct Table {
    rows: Vec<(&'static str, &'static str, Vec<&'static str>)>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds that `operation` denied `attempt`.
    pub(crate) fn add(
        &mut self,
        attempt: &'static str,
        expected: &'static str,
        operation: &'static str,
    ) {
        match self.rows.last_mut().filter(|(name, _, _)| *name == attempt) {
            Some((_, _, operations)) => operations.push(operation),
            None => self.rows.push((attempt, expected, vec![operation])),
        }
    }

    /// Holds it against `docs/reference/denials.md`.
    pub(crate) fn compare_or_write(&self) {
        generated::compare_or_write("docs/reference/denials.md", &self.to_markdown());
    }

    fn to_markdown(&self) -> String {
        let names = OPERATIONS.each_ref().map(|operation| operation.name);
        let heading = format!("| attempt | answer | {} |", names.join(" | "));
        let rule = format!("|{}", " --- |".repeat(names.len() + 2));
        let rows = self.rows.iter().map(|(name, expected, operations)| {
            let ticks = names.map(|name| {
                if operations.contains(&name) {
                    "✓"
                } else {
                    " "
                }
            });
            format!("| {name} | {expected} | {} |", ticks.join(" | "))
        });
        let table: Vec<String> = [heading, rule].into_iter().chain(rows).collect();
        format!("{INTRODUCTION}\n{}\n", table.join("\n"))
    }
}

const INTRODUCTION: &str = "# Denials

<!-- Made from code by `cargo xtask generate`. -->

Every cell is a request to the real binary that would have done its work, had one guard been missing. Each was answered
as the second column says, wrote one line of audit and left the store the same to the byte.
";
