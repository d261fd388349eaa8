//! The grammar of expressions: terms joined by `+`; a term is a variable, a 'literal', or a function of expressions.

use std::str::FromStr;

use super::{Encoding, Expression, Variable};
use crate::function::Function;

/// No in-house format was ever longer.
const MAX_BYTES: usize = 512;

/// Functions within functions.
const MAX_DEPTH: usize = 8;

impl FromStr for Expression {
    type Err = String;

    /// Reads an expression; the error says what is wrong with it, for the one who wrote it.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.len() > MAX_BYTES {
            return Err(format!("is longer than {MAX_BYTES} bytes"));
        }
        let mut reader = Reader { text, rest: text };
        let expression = reader.expression(0)?;
        if reader.rest.is_empty() {
            Ok(expression)
        } else {
            Err(format!("cannot be read from {} on", reader.place()))
        }
    }
}

/// No error quotes the text: a secret may stand in it.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn expression(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > MAX_DEPTH {
            return Err(format!("nests functions more than {MAX_DEPTH} deep"));
        }
        let first = self.term(depth)?;
        if !self.takes('+') {
            return Ok(first);
        }
        let mut terms = vec![first, self.term(depth)?];
        while self.takes('+') {
            terms.push(self.term(depth)?);
        }
        Ok(Expression::Concatenation(terms))
    }

    fn term(&mut self, depth: usize) -> Result<Expression, String> {
        if self.takes('\'') {
            let (literal, rest) = self.rest.split_once('\'').ok_or("has no closing quote")?;
            self.rest = rest;
            return Ok(Expression::Literal(literal.to_owned()));
        }
        let name = self.name();
        if let Some(variable) = Variable::ALL
            .into_iter()
            .find(|variable| variable.name() == name)
        {
            return Ok(Expression::Variable(variable));
        }
        let function = Call::named(name).ok_or_else(|| {
            format!(
                "has no value, function or quoted text before {}",
                self.place()
            )
        })?;
        self.expect('(')?;
        let first = Box::new(self.expression(depth + 1)?);
        let call = match function {
            Call::Encode(encoding) => Expression::Encoded(encoding, first),
            Call::Digest(function) => Expression::Digest(function, first),
            Call::Hmac(function) => {
                self.expect(',')?;
                Expression::Hmac {
                    function,
                    key: first,
                    message: Box::new(self.expression(depth + 1)?),
                }
            }
        };
        self.expect(')')?;
        Ok(call)
    }

    fn name(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|character: char| !character.is_ascii_alphanumeric() && character != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        name
    }

    /// Where the rest begins, for people, who count from one.
    fn place(&self) -> String {
        format!("byte {}", self.text.len() - self.rest.len() + 1)
    }

    fn takes(&mut self, character: char) -> bool {
        let rest = self.rest.trim_start();
        let taken = rest.strip_prefix(character);
        self.rest = taken.unwrap_or(rest);
        taken.is_some()
    }

    fn expect(&mut self, character: char) -> Result<(), String> {
        if self.takes(character) {
            Ok(())
        } else {
            Err(format!("lacks a `{character}` before {}", self.place()))
        }
    }
}

#[derive(Clone, Copy)]
enum Call {
    Encode(Encoding),
    Digest(Function),
    Hmac(Function),
}

impl Call {
    fn named(name: &str) -> Option<Self> {
        let function = |name: &str| Function::ALL.into_iter().find(|all| all.name() == name);
        let encoding = || Encoding::ALL.into_iter().find(|all| all.name() == name);
        if let Some(keyed) = name.strip_prefix("hmac_") {
            return function(keyed).map(Self::Hmac);
        }
        function(name)
            .map(Self::Digest)
            .or_else(|| encoding().map(Self::Encode))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Expression;

    #[test]
    fn what_is_no_expression_is_told_why() {
        for (text, reason) in [
            ("", "has no value"),
            ("sha3(password)", "has no value"),
            ("md5 password", "lacks a `(`"),
            ("md5(password", "lacks a `)`"),
            ("hmac_md5(password)", "lacks a `,`"),
            ("password salt", "cannot be read from byte 10 on"),
            ("'open", "has no closing quote"),
            ("password +", "has no value"),
        ] {
            let error = text.parse::<Expression>().unwrap_err();
            assert!(error.starts_with(reason), "{text}: {error}");
        }
        let deep = format!("{}password{}", "md5(".repeat(9), ")".repeat(9));
        assert!(deep.parse::<Expression>().unwrap_err().contains("deep"));
        assert!(
            "a".repeat(513)
                .parse::<Expression>()
                .unwrap_err()
                .contains("longer")
        );
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "[a-z0-9_()+', ü]{0,80}|(md5\\(|password|salt|\\+|\\)|'){0,12}") {
            drop(text.parse::<Expression>());
        }
    }
}
