//! The text of a script without what only people read.

/// A script whose comments are blank, and one whose texts are blank, too.
pub(super) struct Code {
    /// Without comments.
    pub(super) text: String,
    /// Without comments, and with nothing between quotes.
    pub(super) bare: String,
}

impl Code {
    pub(super) fn of(script: &str) -> Self {
        let mut code = Self {
            text: String::with_capacity(script.len()),
            bare: String::with_capacity(script.len()),
        };
        let mut signs = script.chars().peekable();
        // What stood before a slash tells a division from a regular expression.
        let mut last = '(';
        while let Some(sign) = signs.next() {
            match (sign, signs.peek()) {
                ('/', Some('/')) => while signs.next_if(|sign| *sign != '\n').is_some() {},
                ('/', Some('*')) => {
                    let mut before = ' ';
                    signs.next();
                    for sign in signs.by_ref() {
                        if before == '*' && sign == '/' {
                            break;
                        }
                        before = sign;
                    }
                    code.both(' ');
                }
                ('"' | '\'' | '`', _) => {
                    code.quoted(sign, &mut signs);
                    last = sign;
                }
                ('/', _) if "(,=:[!&|?{};\n".contains(last) => {
                    code.quoted(sign, &mut signs);
                    last = sign;
                }
                _ => {
                    code.both(sign);
                    if !matches!(sign, ' ' | '\t' | '\r') {
                        last = sign;
                    }
                }
            }
        }
        code
    }

    /// Whether a word stands in it, by itself.
    pub(super) fn has_word(&self, word: &str) -> bool {
        let is_part = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '$';
        self.bare.match_indices(word).any(|(at, _)| {
            let before = self
                .bare
                .get(..at)
                .and_then(|text| text.chars().next_back());
            let after = self
                .bare
                .get(at + word.len()..)
                .and_then(|text| text.chars().next());
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    }

    /// Whether something is compared by `==` or `!=`.
    pub(super) fn compares_loosely(&self) -> bool {
        let signs: Vec<char> = self.bare.chars().collect();
        signs.windows(4).any(|four| {
            matches!(four, [before, '=', '=', after] if !"=!<>".contains(*before) && *after != '=')
                || matches!(four, [_, '!', '=', after] if *after != '=')
        })
    }

    /// Whether what stands in a call follows it: the text between its parentheses.
    pub(super) fn arguments_of(&self, call: &str) -> Vec<&str> {
        let calls = self.text.match_indices(call);
        let after = calls.filter_map(|(at, _)| self.text.get(at + call.len()..));
        after
            .filter_map(|rest| {
                let rest = rest.trim_start().strip_prefix('(')?;
                let mut depth = 1_u32;
                let end = rest.char_indices().find(|(_, sign)| {
                    match sign {
                        '(' => depth += 1,
                        ')' => depth -= 1,
                        _ => {}
                    }
                    depth == 0
                });
                rest.get(..end?.0)
            })
            .collect()
    }

    /// Copies what is quoted, up to the sign that ends it.
    fn quoted(&mut self, quote: char, signs: &mut impl Iterator<Item = char>) {
        self.both(quote);
        // In a regular expression a slash in brackets ends nothing.
        let mut in_brackets = false;
        while let Some(sign) = signs.next() {
            self.text.push(sign);
            match sign {
                '\\' => self.text.extend(signs.next()),
                '[' if quote == '/' => in_brackets = true,
                ']' => in_brackets = false,
                _ if sign == quote && !in_brackets => break,
                // Neither goes on in the next line.
                '\n' if quote != '`' => break,
                _ => {}
            }
        }
        self.bare.push(quote);
    }

    fn both(&mut self, sign: char) {
        self.text.push(sign);
        self.bare.push(sign);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_told_from_code() {
        let code = Code::of("a // b == c\n/* d */ e('f == g', /h[/]\"/, `i`) / 2; // j");
        assert!(
            code.text.contains("f == g") && !code.text.contains("b =="),
            "{}",
            code.text
        );
        assert!(
            !code.text.contains('d') && !code.text.contains('j'),
            "{}",
            code.text
        );
        assert!(!code.compares_loosely(), "{}", code.bare);
        assert!(code.bare.contains("/ 2;"), "{}", code.bare);
    }

    #[test]
    fn a_loose_comparison_is_seen_and_a_strict_one_is_none() {
        for loose in ["if (a == b) {}", "if (a != b) {}", "a==b;"] {
            assert!(Code::of(loose).compares_loosely(), "{loose}");
        }
        for strict in [
            "if (a === b) {}",
            "if (a !== b) {}",
            "a <= b; c >= d;",
            "x = !y; z => z",
        ] {
            assert!(!Code::of(strict).compares_loosely(), "{strict}");
        }
    }

    #[test]
    fn words_and_arguments_are_found() {
        let code = Code::of("api.access.deny('a', f(b)); fetcher(); // fetch()");
        assert!(!code.has_word("fetch"));
        assert!(code.has_word("fetcher"));
        assert_eq!(code.arguments_of("access.deny"), ["'a', f(b)"]);
    }

    #[test]
    fn our_own_scripts_are_read_to_their_end() {
        for name in [
            "action_scripts/login.js",
            "rules/restrict_gateway_audience.js",
        ] {
            let script = crate::templates::render(name, ()).unwrap();
            let code = Code::of(&script);
            assert!(code.bare.trim_end().ends_with('}'), "{name}: {}", code.bare);
            assert_eq!(
                code.bare.matches('{').count(),
                code.bare.matches('}').count(),
                "{name}"
            );
            assert!(!code.text.contains("Everything of your own"), "{name}");
        }
    }
}
