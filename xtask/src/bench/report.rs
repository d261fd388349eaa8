//! From figures to the page that holds them. Nothing there is written by hand.

use anyhow::{Context as _, Result};

use crate::command::root;

/// The page.
const PAGE: &str = "docs/performance.md";

/// What stands above the figures where there is no page yet.
const HEAD: &str = "<!-- Written by `cargo xtask bench`, figures and words; what is changed here by hand is lost. -->

# Performance

What a gateway costs, measured beside one of the usual make: Express with `express-oauth2-jwt-bearer`, `pg` and `bcrypt`
(`bench/express`), which makes the same checks, sends the same statement and gives the same answer. Both speak plain HTTP and
plainly to PostgreSQL, over loopback, with eight connections to it; both are asked with one token, as a script keeps its token
while it lives. To measure it yourself:

    cargo xtask bench lookup
    cargo xtask bench authenticate
    cargo xtask bench timing
    cargo xtask bench --quick lookup    # two minutes, and nothing is written

Absolute figures are this machine's; the ratios are what to look at.
";

/// Where there is no figure.
pub(super) const NOTHING: &str = "–";

/// A part of the page that one run writes.
pub(super) struct Section {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// What is wanted of a figure.
pub(super) struct Goal {
    pub(super) what: &'static str,
    pub(super) wanted: f64,
    /// Whether less is better.
    pub(super) at_most: bool,
    pub(super) found: f64,
}

/// Writes a section of the page, and leaves the others.
pub(super) fn write(section: &Section) -> Result<()> {
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(&path, with_section(&page, section))
        .with_context(|| format!("cannot write {PAGE}"))?;
    eprintln!("{PAGE} is written");
    Ok(())
}

/// The page with this section in place of its old one, or at the end.
fn with_section(page: &str, section: &Section) -> String {
    let (begin, end) = (
        format!("<!-- begin {} -->\n", section.name),
        format!("<!-- end {} -->\n", section.name),
    );
    let sections = page.find("<!-- begin ").and_then(|from| page.get(from..));
    let sections = sections.unwrap_or_default();
    let new = format!("{begin}\n{}\n{end}", section.text);
    let old = sections
        .split_once(&begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let sections = match old {
        Some((before, after)) => format!("{before}{new}{after}"),
        None if sections.is_empty() => new,
        None => format!("{sections}\n{new}"),
    };
    format!("{HEAD}\n{sections}")
}

impl Goal {
    pub(super) fn line(&self) -> String {
        let reached = if self.at_most {
            self.found <= self.wanted
        } else {
            self.found >= self.wanted
        };
        format!(
            "- Goal: {}: {} {}. Measured: {}, {}.",
            self.what,
            if self.at_most { "at most" } else { "at least" },
            self.wanted,
            ratio(self.found),
            if reached { "reached" } else { "**missed**" }
        )
    }
}

/// A table whose first column is text and whose others are figures.
pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let rows = rows.into_iter().map(|row| row.join(" | "));
    let lines = rows.fold(String::new(), |lines, row| lines + "| " + &row + " |\n");
    let head_line = head.join(" | ");
    let alignment = " ---: |".repeat(head.len() - 1);
    format!("| {head_line} |\n| --- |{alignment}\n{lines}")
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle.wrapping_sub(1)), values.get(middle)) {
        (Some(below), Some(above)) if values.len().is_multiple_of(2) => {
            f64::midpoint(*below, *above)
        }
        (_, Some(middle)) => *middle,
        (_, None) => f64::NAN,
    }
}

/// A multiple, to two places.
pub(super) fn ratio(value: f64) -> String {
    shown(value, format!("{value:.2}"))
}

pub(super) fn tenths(value: f64) -> String {
    shown(value, format!("{value:.1}"))
}

/// Microseconds as milliseconds.
pub(super) fn milliseconds(micros: f64) -> String {
    shown(micros, format!("{:.2}", micros / 1000.0))
}

pub(super) fn whole(value: f64) -> String {
    let rounded = format!("{:.0}", value.max(0.0));
    shown(value, rounded.parse().map_or(rounded, thousands))
}

fn shown(value: f64, text: String) -> String {
    if value.is_finite() {
        text
    } else {
        NOTHING.to_owned()
    }
}

/// Digits in groups of three.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(name: &'static str, text: &str) -> Section {
        let text = text.to_owned();
        Section { name, text }
    }

    #[test]
    fn a_section_takes_the_place_of_its_old_one_and_leaves_the_others() {
        let page = with_section("", &section("lookup", "one\n"));
        assert!(page.starts_with(HEAD) && page.contains("\none\n"));
        let page = with_section(&page, &section("authenticate", "two\n"));
        let page = with_section(&page, &section("lookup", "three\n"));
        let again = with_section(&page, &section("lookup", "three\n"));
        assert_eq!(page, again);
        assert!(!page.contains("\none\n") && page.find("\nthree\n") < page.find("\ntwo\n"));
        assert_eq!(page.matches("# Performance").count(), 1);
    }

    #[test]
    fn a_goal_says_whether_it_was_reached() {
        let goal = |at_most, found| Goal {
            what: "answers",
            wanted: 3.0,
            at_most,
            found,
        };
        assert_eq!(
            goal(false, 3.5).line(),
            "- Goal: answers: at least 3. Measured: 3.50, reached."
        );
        assert!(goal(true, 3.5).line().ends_with("**missed**."));
        assert!(goal(false, f64::NAN).line().ends_with("**missed**."));
    }

    #[test]
    fn figures_are_rounded_grouped_and_absent_where_there_are_none() {
        assert_eq!(
            (thousands(7).as_str(), thousands(1_234_567).as_str()),
            ("7", "1,234,567")
        );
        assert_eq!(
            (whole(1999.6), tenths(0.25)),
            ("2,000".to_owned(), "0.2".to_owned())
        );
        assert_eq!(
            (milliseconds(1234.0), ratio(f64::NAN)),
            ("1.23".to_owned(), NOTHING.to_owned())
        );
        assert_eq!(median(&[3.0, 1.0, 2.0]).to_string(), "2");
    }

    #[test]
    fn a_table_has_as_many_columns_in_each_line() {
        let text = table(
            &["", "a", "b"],
            [vec!["x".to_owned(), "1".to_owned(), "2".to_owned()]],
        );
        assert_eq!(text, "|  | a | b |\n| --- | ---: | ---: |\n| x | 1 | 2 |\n");
    }
}
