//! What the directory says of its attributes (RFC 4512 §4.2): which there are, of what type, and whether they have one
//! value. With it a misspelt attribute is found at start, which a directory would take for one that nobody has.

use std::collections::BTreeMap;

use super::identity::Identity;

/// How an attribute's values are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Text,
    Boolean,
    Integer,
    Time,
    Identity(Identity),
}

/// What is known of one attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Attribute {
    pub(super) kind: Kind,
    pub(super) is_single: bool,
}

/// The attributes of a directory, by name in lower case.
#[derive(Default)]
pub(super) struct Schema(BTreeMap<String, Attribute>);

impl Schema {
    /// Reads the values of `attributeTypes`. What is not understood of one is left out of it.
    pub(super) fn parse(definitions: &[Vec<u8>]) -> Self {
        let definitions: Vec<_> = definitions
            .iter()
            .filter_map(|definition| Definition::parse(std::str::from_utf8(definition).ok()?))
            .collect();
        let by_name: BTreeMap<&str, &Definition> = definitions
            .iter()
            .flat_map(|definition| {
                definition
                    .names
                    .iter()
                    .map(move |name| (name.as_str(), definition))
            })
            .collect();
        let attributes = by_name.iter().map(|(name, definition)| {
            let mut syntax = definition.syntax.as_deref();
            let mut above = definition.superior.as_deref();
            // A syntax may be inherited; a chain of more is a circle.
            for _ in 0..LONGEST_CHAIN {
                let Some(superior) = above.filter(|_| syntax.is_none()) else {
                    break;
                };
                let superior = by_name.get(superior);
                syntax = superior.and_then(|superior| superior.syntax.as_deref());
                above = superior.and_then(|superior| superior.superior.as_deref());
            }
            let attribute = Attribute {
                kind: kind(name, syntax.unwrap_or_default()),
                is_single: definition.is_single,
            };
            ((*name).to_owned(), attribute)
        });
        Self(attributes.collect())
    }

    /// Whether the directory told nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is known of an attribute, options such as `;lang-en` aside; `None` if there is none of this name.
    pub(super) fn attribute(&self, name: &str) -> Option<Attribute> {
        let name = name.split(';').next().unwrap_or_default();
        let name = name.to_ascii_lowercase();
        if self.is_empty() {
            let kind = kind(&name, "");
            return Some(Attribute {
                kind,
                is_single: false,
            });
        }
        self.0.get(&name).copied()
    }
}

/// The parts of a definition that matter here, in lower case.
struct Definition {
    names: Vec<String>,
    superior: Option<String>,
    syntax: Option<String>,
    is_single: bool,
}

impl Definition {
    fn parse(text: &str) -> Option<Self> {
        let mut words = words(text).into_iter();
        let mut definition = Self {
            names: vec![words.find(|word| word != "(")?.to_ascii_lowercase()],
            superior: None,
            syntax: None,
            is_single: false,
        };
        while let Some(word) = words.next() {
            let lower = |word: String| word.to_ascii_lowercase();
            match word.as_str() {
                "NAME" => match words.next()? {
                    open if open == "(" => {
                        let names = words.by_ref().take_while(|word| word != ")");
                        definition.names.extend(names.map(lower));
                    }
                    name => definition.names.push(lower(name)),
                },
                "SUP" => definition.superior = words.next().map(lower),
                "SYNTAX" => {
                    let syntax = words.next()?;
                    // A length may follow in braces.
                    let number = syntax.split('{').next().unwrap_or_default();
                    definition.syntax = Some(number.to_owned());
                }
                "SINGLE-VALUE" => definition.is_single = true,
                _ => {}
            }
        }
        Some(definition)
    }
}

/// Words, parentheses, and what stands in quotes, without these.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut is_quoted = false;
    for character in text.chars() {
        let ends_word = match character {
            '\'' => {
                is_quoted = !is_quoted;
                !is_quoted
            }
            '(' | ')' if !is_quoted => true,
            _ if character.is_whitespace() && !is_quoted => true,
            _ => {
                word.push(character);
                false
            }
        };
        if ends_word && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if !is_quoted && matches!(character, '(' | ')') {
            words.push(character.to_string());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// By syntax (RFC 4517 §3.3; the last one is Active Directory's large integer).
fn kind(name: &str, syntax: &str) -> Kind {
    if let Some(identity) = Identity::of(name) {
        return Kind::Identity(identity);
    }
    match syntax {
        "1.3.6.1.4.1.1466.115.121.1.7" => Kind::Boolean,
        "1.3.6.1.4.1.1466.115.121.1.24" => Kind::Time,
        "1.3.6.1.4.1.1466.115.121.1.27" | "1.2.840.113556.1.4.906" => Kind::Integer,
        _ => Kind::Text,
    }
}

const LONGEST_CHAIN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn schema(definitions: &[&str]) -> Schema {
        let definitions: Vec<_> = definitions
            .iter()
            .map(|text| text.as_bytes().to_vec())
            .collect();
        Schema::parse(&definitions)
    }

    #[test]
    fn types_are_read_from_definitions_of_both_dialects() {
        let schema = schema(&[
            // RFC 4519, RFC 4512 and Active Directory, as their servers print them.
            "( 2.5.4.41 NAME 'name' DESC 'RFC4519: common supertype (of names)' EQUALITY caseIgnoreMatch SUBSTR caseIgnoreSubstringsMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.15{32768} )",
            "( 2.5.4.4 NAME ( 'sn' 'surname' ) DESC 'RFC2256: last (family) name(s) for which the entity is known by' SUP name )",
            "( 2.5.18.1 NAME 'createTimestamp' DESC 'RFC4512' EQUALITY generalizedTimeMatch SYNTAX 1.3.6.1.4.1.1466.115.121.1.24 SINGLE-VALUE NO-USER-MODIFICATION USAGE directoryOperation )",
            "( 1.2.840.113556.1.4.8 NAME 'userAccountControl' SYNTAX '1.3.6.1.4.1.1466.115.121.1.27' SINGLE-VALUE )",
            "( 1.2.840.113556.1.4.2 NAME 'objectGUID' SYNTAX '1.3.6.1.4.1.1466.115.121.1.40' SINGLE-VALUE NO-USER-MODIFICATION )",
            "( 1.2.840.113556.1.4.662 NAME 'lockoutTime' SYNTAX '1.2.840.113556.1.4.906' SINGLE-VALUE )",
        ]);
        for (name, kind, is_single) in [
            ("SN", Kind::Text, false),
            ("surname;lang-de", Kind::Text, false),
            ("createTimestamp", Kind::Time, true),
            ("useraccountcontrol", Kind::Integer, true),
            ("objectGUID", Kind::Identity(Identity::Guid), true),
            ("lockoutTime", Kind::Integer, true),
            ("2.5.4.4", Kind::Text, false),
        ] {
            let attribute = Attribute { kind, is_single };
            assert_eq!(schema.attribute(name), Some(attribute), "{name}");
        }
        assert_eq!(schema.attribute("mial"), None);
    }

    #[test]
    fn a_circle_of_supertypes_ends() {
        let schema = schema(&["( 1.1 NAME 'a' SUP b )", "( 1.2 NAME 'b' SUP a )"]);
        assert_eq!(schema.attribute("a").unwrap().kind, Kind::Text);
    }

    #[test]
    fn a_directory_that_hides_its_schema_has_any_attribute() {
        assert!(Schema::default().attribute("anything").is_some());
    }

    proptest! {
        #[test]
        fn no_definition_makes_it_panic(text in "[ ()'a-zA-Z.{}0-9]{0,60}|\\PC{0,60}") {
            schema(&[&text]);
        }
    }
}
