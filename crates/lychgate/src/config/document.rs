//! A TOML document whose every value knows where it stands.

use std::fmt;
use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::Finding;

/// The way from the root of the document to a value: `gateway.allowlist.networks[0]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Key {
    /// Reads `a.b.c`, as written in code.
    pub(crate) fn new(dotted: &str) -> Self {
        Self(
            dotted
                .split('.')
                .map(|name| Step::Name(name.to_owned()))
                .collect(),
        )
    }

    /// The key of a member of this table.
    #[must_use]
    pub(crate) fn member(&self, name: &str) -> Self {
        self.with(Step::Name(name.to_owned()))
    }

    /// The key of an element of this array.
    #[must_use]
    pub(crate) fn element(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) => {
                    formatter.write_str(if position == 0 { "" } else { "." })?;
                    if is_bare(name) {
                        formatter.write_str(name)?;
                    } else {
                        write!(formatter, "{name:?}")?;
                    }
                }
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Whether TOML takes this as a key without quotes.
fn is_bare(name: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(bare)
}

/// Where a value stands; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// A parsed document beside its text.
pub(crate) struct Document<'text> {
    text: &'text str,
    root: Spanned<DeTable<'text>>,
}

impl<'text> Document<'text> {
    /// Reads `text`; every mistake in its grammar is a finding.
    pub(crate) fn parse(text: &'text str) -> Result<Self, Vec<Finding>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        let document = Self { text, root };
        if errors.is_empty() {
            return Ok(document);
        }
        let findings = errors.iter().map(|error| Finding {
            place: document.place_of(error.span().map_or(0, |span| span.start)),
            key: String::new(),
            reason: error.message().to_owned(),
        });
        Err(findings.collect())
    }

    /// Where the value of `key` stands, or the nearest table around it that is there.
    pub(crate) fn place(&self, key: &Key) -> Place {
        let mut span = None;
        let mut table = Some(self.root.get_ref());
        let mut value: Option<&DeValue<'_>> = None;
        for step in &key.0 {
            let next: Option<(Range<usize>, &DeValue<'_>)> = match step {
                Step::Name(name) => table
                    .and_then(|table| table.iter().find(|(key, _)| key.get_ref().as_ref() == name))
                    .map(|(key, value)| (key.span(), value.get_ref())),
                Step::Index(index) => value
                    .and_then(DeValue::as_array)
                    .and_then(|array| array.get(*index))
                    .map(|element| (element.span(), element.get_ref())),
            };
            let Some((found, inner)) = next else { break };
            span = Some(found);
            value = Some(inner);
            table = inner.as_table();
        }
        self.place_of(span.map_or(0, |span| span.start))
    }

    /// The text that stands at `key`, if one does.
    pub(crate) fn text(&self, key: &Key) -> Option<&str> {
        let (first, rest) = key.0.split_first()?;
        let Step::Name(first) = first else {
            return None;
        };
        let mut value = self.root.get_ref().get(first.as_str())?.get_ref();
        for step in rest {
            let next = match step {
                Step::Name(name) => value.as_table()?.get(name.as_str())?,
                Step::Index(index) => value.as_array()?.get(*index)?,
            };
            value = next.get_ref();
        }
        match value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The document as JSON, every string passed through `substitute` with its key.
    pub(crate) fn to_json(&self, mut substitute: impl FnMut(&Key, &str) -> String) -> Value {
        table_to_json(self.root.get_ref(), &Key::default(), &mut substitute)
    }

    fn place_of(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

fn table_to_json(
    table: &DeTable<'_>,
    key: &Key,
    substitute: &mut impl FnMut(&Key, &str) -> String,
) -> Value {
    let members = table.iter().map(|(name, value)| {
        let name = name.get_ref();
        (
            name.to_string(),
            value_to_json(value.get_ref(), &key.member(name), substitute),
        )
    });
    Value::Object(members.collect())
}

fn value_to_json(
    value: &DeValue<'_>,
    key: &Key,
    substitute: &mut impl FnMut(&Key, &str) -> String,
) -> Value {
    match value {
        DeValue::String(text) => Value::String(substitute(key, text)),
        // What JSON cannot say becomes `null`, which no key takes.
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(float) => float
            .as_str()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(_) => Value::Null,
        DeValue::Array(array) => {
            let elements = array.iter().enumerate();
            elements
                .map(|(index, element)| {
                    value_to_json(element.get_ref(), &key.element(index), substitute)
                })
                .collect()
        }
        DeValue::Table(table) => table_to_json(table, key, substitute),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_where_it_stands() {
        let document = Document::parse(
            "[gateway]\nlisten = \"x\"\n  tls = { certificate = \"é\", key = 1 }\n",
        )
        .unwrap();
        assert_eq!(
            document.place(&Key::new("gateway.listen")),
            Place { line: 2, column: 1 }
        );
        assert_eq!(
            document.place(&Key::new("gateway.tls.key")),
            Place {
                line: 3,
                column: 30
            }
        );
    }

    #[test]
    fn a_missing_value_is_placed_at_the_table_that_lacks_it() {
        let document = Document::parse("\n[gateway]\nlisten = \"x\"\n").unwrap();
        assert_eq!(
            document.place(&Key::new("gateway.allowlist.networks")),
            Place { line: 2, column: 2 }
        );
    }

    #[test]
    fn an_element_of_an_array_has_a_place_of_its_own() {
        let document = Document::parse("networks = [\n  \"a\",\n  \"b\",\n]\n").unwrap();
        assert_eq!(
            document.place(&Key::new("networks").element(1)),
            Place { line: 3, column: 3 }
        );
    }

    #[test]
    fn a_text_is_found_as_it_was_written() {
        let document =
            Document::parse("[store]\nlist = [{ a = \"${env:X}\" }, { b = 1 }]\n").unwrap();
        let list = Key::new("store.list");
        let text = |place, name| document.text(&list.element(place).member(name));
        assert_eq!(text(0, "a"), Some("${env:X}"));
        assert_eq!(
            (text(1, "b"), text(2, "a"), document.text(&list)),
            (None, None, None)
        );
    }

    #[test]
    fn every_mistake_of_grammar_is_found() {
        let Err(findings) = Document::parse("a = \nb = 1\nc = [\n") else {
            panic!("must be refused")
        };
        assert!(findings.len() >= 2);
    }
}
