//! The grammar of layouts: text as it is, `{{` and `}}` for braces, and fields in braces: `{rounds}`, or `digest`,
//! `salt`, `ignored` joined by `+`, each with a length in bytes as in `salt[16]`, and an encoding after a colon.
//! `{$}` is a dollar, for the configs in which `${` begins something else.

use super::{Encoding, Layout, MAX_SALT_BYTES, Part, Piece, What};

impl Layout {
    /// Reads a layout of digests of so many bytes; the error says what is wrong with it, for the one who wrote it.
    pub(crate) fn parse(text: &str, digest_bytes: usize) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '{' if !characters.as_str().starts_with('{') => {
                    let (field, rest) = characters
                        .as_str()
                        .split_once('}')
                        .ok_or("has a `{` without its `}`")?;
                    characters = rest.chars();
                    if field == "$" {
                        literal.push('$');
                        continue;
                    }
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    parts.push(field_of(field, digest_bytes)?);
                }
                '{' | '}' => {
                    if characters.next() != Some(character) {
                        return Err(format!("has a `{character}` alone; write it twice"));
                    }
                    literal.push(character);
                }
                other => literal.push(other),
            }
        }
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        let layout = Self { parts };
        layout.is_unambiguous()?;
        Ok(layout)
    }

    fn is_unambiguous(&self) -> Result<(), String> {
        let count = |what| {
            self.parts
                .iter()
                .map(|part| part.count(what))
                .sum::<usize>()
        };
        if count(What::Digest) != 1 {
            return Err("needs the digest once, such as `{digest:hex}`".to_owned());
        }
        if count(What::Salt) > 1
            || self
                .parts
                .iter()
                .filter(|part| **part == Part::Rounds)
                .count()
                > 1
        {
            return Err("has the salt or the rounds twice".to_owned());
        }
        if self.read(&self.example(1)).is_none() {
            return Err("cannot tell where one field ends and the next begins; put a character between, or a length as in `{salt[16]:hex}`".to_owned());
        }
        Ok(())
    }
}

impl Part {
    fn count(&self, wanted: What) -> usize {
        match self {
            Self::Literal(_) | Self::Rounds => 0,
            Self::Field { pieces, .. } => {
                pieces.iter().filter(|piece| piece.what == wanted).count()
            }
        }
    }
}

fn field_of(text: &str, digest_bytes: usize) -> Result<Part, String> {
    if text == "rounds" {
        return Ok(Part::Rounds);
    }
    let (pieces, encoding) = match text.split_once(':') {
        Some((pieces, name)) => {
            let encoding = Encoding::ALL
                .into_iter()
                .find(|encoding| encoding.name() == name);
            (pieces, encoding.ok_or("has an unknown encoding")?)
        }
        None => (text, Encoding::Text),
    };
    let pieces = pieces
        .split('+')
        .map(|piece| piece_of(piece, digest_bytes))
        .collect::<Result<Vec<_>, String>>()?;
    let is_raw = matches!(encoding, Encoding::Text | Encoding::Word)
        && pieces.iter().any(|piece| piece.what == What::Digest);
    if is_raw {
        return Err("has a digest without encoding; write it as `{digest:hex}`".to_owned());
    }
    Ok(Part::Field { pieces, encoding })
}

fn piece_of(text: &str, digest_bytes: usize) -> Result<Piece, String> {
    let (name, length) = match text.split_once('[') {
        Some((name, length)) => {
            let length = length
                .strip_suffix(']')
                .and_then(|length| length.parse().ok());
            let length = length.filter(|length| (1..=MAX_SALT_BYTES).contains(length));
            (name, Some(length.ok_or("has a length that is not legal")?))
        }
        None => (text, None),
    };
    let (what, length) = match (name, length) {
        ("digest", length) => (What::Digest, length.or(Some(digest_bytes))),
        ("salt", length) => (What::Salt, length),
        ("ignored", Some(length)) => (What::Ignored, Some(length)),
        _ => return Err("has an unknown field".to_owned()),
    };
    Ok(Piece { what, length })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Layout;

    #[test]
    fn a_dollar_before_a_field_can_be_written_so_that_config_leaves_it_alone() {
        let layout = |text| Layout::parse(text, 16).unwrap();
        assert_eq!(
            layout("$x{$}{salt}{$}{digest:hex}"),
            layout("$x${salt}${digest:hex}")
        );
    }

    #[test]
    fn what_is_no_layout_is_told_why() {
        for (text, reason) in [
            ("", "needs the digest once"),
            ("{salt}", "needs the digest once"),
            ("{digest:hex}{digest:hex}", "needs the digest once"),
            ("{digest:hex", "has a `{` without"),
            ("}{digest:hex}", "has a `}` alone"),
            ("{digest}", "has a digest without encoding"),
            ("{digest:word}", "has a digest without encoding"),
            ("{digest:base32}", "has an unknown encoding"),
            ("{hash:hex}", "has an unknown field"),
            ("{ignored:hex}{digest:hex}", "has an unknown field"),
            ("{digest:hex}{salt[0]}", "has a length that"),
            ("{digest:hex}{salt[999]}", "has a length that"),
            ("{salt}{digest:hex}{salt}", "has the salt"),
            ("{rounds}{salt}{digest:hex}", "cannot tell"),
        ] {
            let error = Layout::parse(text, 16).unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "([{}]|salt|digest|rounds|\\+|:|hex|\\[|\\]|[0-9]|ü){0,16}", bytes in 1_usize..65) {
            drop(Layout::parse(&text, bytes));
        }
    }
}
