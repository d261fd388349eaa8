//! The search filter of an operation (RFC 4515), parsed once at start, with parameters where values stand.
//! A value that is put in later is escaped byte by byte, so nothing that a caller sends can change what is asked. An
//! attacker wants `*`, `)(` or a NUL to end the value early; OpenLDAP compares some types only up to the NUL, so a value
//! with one is nobody's.

use std::collections::BTreeSet;

use super::identity;
use super::template::{Template, Values, escaped};
use crate::error::StatementFlaw;

/// A filter with places for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter(Node);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    Present(String),
    /// An attribute, what stands between it and the value, and the value.
    Match(String, String, Template),
    /// An attribute, and what its value begins with, holds, and ends with; the first and the last may be empty.
    Substrings(String, Vec<Template>),
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, StatementFlaw> {
        let text = text.trim();
        if text.is_empty() {
            return Err(StatementFlaw::Filter(EMPTY));
        }
        let (node, rest) = node(text, 0)?;
        if rest.is_empty() {
            Ok(Self(node))
        } else {
            Err(StatementFlaw::Filter("there is more after its last `)`"))
        }
    }

    /// The names of its parameters.
    pub(super) fn collect_parameters(&self, names: &mut BTreeSet<String>) {
        self.0.collect_parameters(names);
    }

    /// The attributes that it asks about.
    pub(super) fn attributes(&self) -> BTreeSet<String> {
        let mut attributes = BTreeSet::new();
        self.0.each(&mut |node| match node {
            Node::Match(attribute, _, _)
            | Node::Substrings(attribute, _)
            | Node::Present(attribute) => {
                if !attribute.is_empty() {
                    attributes.insert(attribute.clone());
                }
            }
            Node::And(_) | Node::Or(_) | Node::Not(_) => {}
        });
        attributes
    }

    /// The filter that finds whomever it would find with some value, as text.
    pub(super) fn anybody(&self) -> String {
        self.0.anybody()
    }

    /// The filter with these values, as text; `None` if what it lacks leaves nobody whom it could find.
    pub(super) fn fill(&self, values: &Values<'_>) -> Option<String> {
        self.0.fill(values)
    }
}

impl Node {
    fn collect_parameters(&self, names: &mut BTreeSet<String>) {
        self.each(&mut |node| match node {
            Self::Match(_, _, value) => value.collect_parameters(names),
            Self::Substrings(_, parts) => {
                for part in parts {
                    part.collect_parameters(names);
                }
            }
            Self::And(_) | Self::Or(_) | Self::Not(_) | Self::Present(_) => {}
        });
    }

    fn each<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().for_each(|node| node.each(visit)),
            Self::Not(node) => node.each(visit),
            Self::Present(_) | Self::Match(..) | Self::Substrings(..) => {}
        }
    }

    fn anybody(&self) -> String {
        let all = |nodes: &[Self]| nodes.iter().map(Self::anybody).collect::<String>();
        match self {
            Self::And(nodes) => format!("(&{})", all(nodes)),
            Self::Or(nodes) => format!("(|{})", all(nodes)),
            Self::Match(attribute, ..) | Self::Substrings(attribute, _)
                if !self.is_fixed() && !attribute.is_empty() =>
            {
                format!("({attribute}=*)")
            }
            // What excludes somebody by a value excludes nobody without one.
            _ if self.is_fixed() => self.fill(&Values::new(&[], &[])).unwrap_or_default(),
            _ => "(objectClass=*)".to_owned(),
        }
    }

    /// Whether there is no parameter in it.
    fn is_fixed(&self) -> bool {
        let mut names = BTreeSet::new();
        self.collect_parameters(&mut names);
        names.is_empty()
    }

    /// A comparison with a value that is not there is undefined, as with SQL's `NULL`, and so is what depends on it.
    fn fill(&self, values: &Values<'_>) -> Option<String> {
        match self {
            Self::And(nodes) => {
                let nodes: Option<String> = nodes.iter().map(|node| node.fill(values)).collect();
                Some(format!("(&{})", nodes?))
            }
            Self::Or(nodes) => {
                let nodes: String = nodes.iter().filter_map(|node| node.fill(values)).collect();
                (!nodes.is_empty()).then(|| format!("(|{nodes})"))
            }
            Self::Not(node) => Some(format!("(!{})", node.fill(values)?)),
            Self::Present(attribute) => Some(format!("({attribute}=*)")),
            Self::Match(attribute, operator, value) => {
                let bytes = value.fill(values).filter(|bytes| !bytes.contains(&0))?;
                let bytes = if value.sole_parameter().is_some() {
                    identity::encoded(attribute, bytes)?
                } else {
                    bytes
                };
                Some(format!("({attribute}{operator}{})", escaped(&bytes)))
            }
            Self::Substrings(attribute, parts) => {
                let last = parts.len().saturating_sub(1);
                let mut filled = Vec::new();
                for (place, part) in parts.iter().enumerate() {
                    let bytes = part.fill(values).filter(|bytes| !bytes.contains(&0))?;
                    // An empty part would be another filter, or none.
                    if bytes.is_empty() && (!part.is_empty() || (place != 0 && place != last)) {
                        return None;
                    }
                    filled.push(escaped(&bytes));
                }
                Some(format!("({attribute}={})", filled.join("*")))
            }
        }
    }
}

/// A node, and the text after it.
fn node(text: &str, depth: usize) -> Result<(Node, &str), StatementFlaw> {
    if depth > DEEPEST {
        return Err(StatementFlaw::Filter("it is nested too deeply"));
    }
    let inner = text
        .strip_prefix('(')
        .ok_or(StatementFlaw::Filter("it does not begin with `(`"))?;
    let (node, rest) = match inner.chars().next() {
        Some('&') => {
            let (nodes, rest) = list(inner.get(1..).unwrap_or_default(), depth)?;
            (Node::And(nodes), rest)
        }
        Some('|') => {
            let (nodes, rest) = list(inner.get(1..).unwrap_or_default(), depth)?;
            (Node::Or(nodes), rest)
        }
        Some('!') => {
            let (negated, rest) = self::node(inner.get(1..).unwrap_or_default(), depth + 1)?;
            (Node::Not(Box::new(negated)), rest)
        }
        _ => item(inner)?,
    };
    let rest = rest
        .strip_prefix(')')
        .ok_or(StatementFlaw::Unclosed("a `(`"))?;
    Ok((node, rest))
}

/// One or more nodes.
fn list(text: &str, depth: usize) -> Result<(Vec<Node>, &str), StatementFlaw> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while rest.starts_with('(') {
        let (one, after) = node(rest, depth + 1)?;
        nodes.push(one);
        rest = after;
    }
    if nodes.is_empty() {
        return Err(StatementFlaw::Filter(
            "there is nothing after its `&` or `|`",
        ));
    }
    Ok((nodes, rest))
}

/// A comparison, and the text after it.
fn item(text: &str) -> Result<(Node, &str), StatementFlaw> {
    let end = text.find(['(', ')']).unwrap_or(text.len());
    let (item, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let (left, value) = item
        .split_once('=')
        .ok_or(StatementFlaw::Filter("a comparison has no `=`"))?;
    let kind_at = left.find([':', '<', '>', '~']).unwrap_or(left.len());
    let (attribute, kind) = left.split_at_checked(kind_at).unwrap_or((left, ""));
    // The driver knows it in lower case only.
    let kind = match kind.split_at_checked(3) {
        Some((dn, rest)) if dn.eq_ignore_ascii_case(":dn") => format!(":dn{rest}"),
        _ => kind.to_owned(),
    };
    let is_known = match kind.as_str() {
        "" | "<" | ">" | "~" => is_attribute(attribute),
        extension => {
            let needs_rule = attribute.is_empty();
            (needs_rule || is_attribute(attribute)) && is_extension(extension, needs_rule)
        }
    };
    if !is_known {
        return Err(StatementFlaw::Filter(
            "a comparison is not one of `=`, `>=`, `<=`, `~=` and `:rule:=` after an attribute",
        ));
    }
    let operator = format!("{kind}=");
    let attribute = attribute.to_owned();
    if !kind.is_empty() || !value.contains('*') {
        if value.contains('*') {
            return Err(StatementFlaw::Filter("a `*` in a value is written `\\2a`"));
        }
        return Ok((
            Node::Match(attribute, operator, Template::parse(value)?),
            rest,
        ));
    }
    if value == "*" {
        return Ok((Node::Present(attribute), rest));
    }
    let parts: Result<Vec<_>, _> = value.split('*').map(Template::parse).collect();
    let parts = parts?;
    let inner = parts.get(1..parts.len() - 1).unwrap_or_default();
    if inner.iter().any(Template::is_empty) {
        return Err(StatementFlaw::Filter("there is nothing between two `*`"));
    }
    Ok((Node::Substrings(attribute, parts), rest))
}

/// Whether this is `:`, `:dn:`, `:rule:` or `:dn:rule:`; a rule is needed without an attribute.
fn is_extension(kind: &str, needs_rule: bool) -> bool {
    let after_dn = kind.strip_prefix(":dn").unwrap_or(kind);
    match after_dn.strip_prefix(':') {
        Some("") => !needs_rule,
        Some(rule) => rule.strip_suffix(':').is_some_and(is_type),
        None => false,
    }
}

/// Whether this is an attribute, with options such as `;lang-en` (RFC 4512 §2.5).
fn is_attribute(text: &str) -> bool {
    let mut parts = text.split(';');
    let of_option = |character: char| character.is_ascii_alphanumeric() || character == '-';
    parts.next().is_some_and(is_type)
        && parts.all(|option| !option.is_empty() && option.chars().all(of_option))
}

/// Whether this is a name or a number such as `2.5.4.3` (RFC 4512 §1.4).
fn is_type(text: &str) -> bool {
    if text.starts_with(|first: char| first.is_ascii_digit()) {
        let is_number = |part: &str| {
            let digits = part.bytes().all(|digit| digit.is_ascii_digit());
            digits && (part == "0" || !part.starts_with('0')) && !part.is_empty()
        };
        return text.split('.').all(is_number);
    }
    let of_name = |character: char| character.is_ascii_alphanumeric() || character == '-';
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.chars().all(of_name)
}

const DEEPEST: usize = 16;

const EMPTY: &str = "it is empty; write such as `(mail=:identifier)`";

#[cfg(test)]
mod tests;
