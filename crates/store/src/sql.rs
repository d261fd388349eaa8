//! A configured statement, read just far enough to find its named parameters.
//! Strings, quoted names, comments and casts pass through untouched; only `:name` becomes a placeholder of the
//! database. No driver does this, and a mistake here would put a value where SQL is read.

use crate::error::StatementFlaw;

/// One SQL statement, split at its named parameters.
#[derive(Debug)]
pub(crate) struct NamedSql {
    verb: String,
    pieces: Vec<Piece>,
    parameters: Vec<String>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    /// A place in `parameters`, counted from 1 as databases do.
    Parameter(usize),
}

impl NamedSql {
    /// Splits a statement. A `;` may end it; a second statement, a placeholder that is not a name, an unclosed quote or
    /// comment, and a `*` in place of the columns are flaws.
    pub(crate) fn parse(sql: &str) -> Result<Self, StatementFlaw> {
        if sql.contains('\0') {
            return Err(StatementFlaw::Nul);
        }
        let mut statement = Self {
            verb: String::new(),
            pieces: Vec::new(),
            parameters: Vec::new(),
        };
        let mut columns = Columns::default();
        let mut ended = false;
        let mut rest = sql;
        while let Some((token, text, after)) = next_token(rest)? {
            rest = after;
            match token {
                Token::End => ended = true,
                Token::Blank if ended => {}
                _ if ended => return Err(StatementFlaw::MoreThanOne),
                Token::Blank => statement.push_text(text),
                Token::Parameter => {
                    columns.see(text)?;
                    statement.push_parameter(text.trim_start_matches(':'));
                }
                Token::Word | Token::Other => {
                    columns.see(text)?;
                    if statement.verb.is_empty() && matches!(token, Token::Word) {
                        statement.verb = text.to_ascii_lowercase();
                    }
                    statement.push_text(text);
                }
            }
        }
        if statement.verb.is_empty() {
            Err(StatementFlaw::Empty)
        } else {
            Ok(statement)
        }
    }

    /// The first word, in lower case: `select`, `update`, …
    pub(crate) fn verb(&self) -> &str {
        &self.verb
    }

    /// The names of the parameters, each once, in the order in which they first appear.
    pub(crate) fn parameters(&self) -> &[String] {
        &self.parameters
    }

    /// The statement in a database's own words; `placeholder` writes the parameter of a number, counted from 1.
    pub(crate) fn with_placeholders(&self, placeholder: impl Fn(usize) -> String) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Parameter(number) => placeholder(*number),
        });
        pieces.collect()
    }

    /// The place in `parameters` of each placeholder, counted from 0, for databases whose placeholders have no number.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Parameter(number) => Some(number - 1),
        })
    }

    fn push_text(&mut self, text: &str) {
        if let Some(Piece::Text(last)) = self.pieces.last_mut() {
            last.push_str(text);
        } else {
            self.pieces.push(Piece::Text(text.to_owned()));
        }
    }

    fn push_parameter(&mut self, name: &str) {
        let known = self
            .parameters
            .iter()
            .position(|parameter| parameter == name);
        let index = known.unwrap_or_else(|| {
            self.parameters.push(name.to_owned());
            self.parameters.len() - 1
        });
        self.pieces.push(Piece::Parameter(index + 1));
    }
}

/// Looks for a `*` that stands for columns of the result, not for a product, `count(*)` or a subquery's columns. Such a
/// statement's columns change with the table, while a driver may still know them by the names of before: a hash could
/// then be read as something else.
#[derive(Default)]
struct Columns<'a> {
    depth: usize,
    previous: &'a str,
}

impl<'a> Columns<'a> {
    fn see(&mut self, text: &'a str) -> Result<(), StatementFlaw> {
        match text {
            "(" => self.depth += 1,
            ")" => self.depth = self.depth.saturating_sub(1),
            "*" if self.depth == 0 && self.begins_column() => return Err(StatementFlaw::Wildcard),
            _ => {}
        }
        self.previous = text;
        Ok(())
    }

    /// Whether what comes next begins a column, rather than goes on with one.
    fn begins_column(&self) -> bool {
        ["select", "distinct", "all", "returning", ",", "."]
            .iter()
            .any(|before| self.previous.eq_ignore_ascii_case(before))
    }
}

#[derive(Clone, Copy)]
enum Token {
    /// White space or a comment.
    Blank,
    /// A keyword, an unquoted name or a number.
    Word,
    /// `:name`.
    Parameter,
    /// `;`.
    End,
    /// A string, a quoted name, an operator.
    Other,
}

/// The first token, its text, and what follows it; `None` at the end.
fn next_token(sql: &str) -> Result<Option<(Token, &str, &str)>, StatementFlaw> {
    let Some(first) = sql.chars().next() else {
        return Ok(None);
    };
    // A doubled quote inside a quoted text reads as two quoted texts side by side, which comes to the same.
    let (token, length) = match first {
        '\'' => (Token::Other, closed(sql, "'", "'", "a string")?),
        '"' => (Token::Other, closed(sql, "\"", "\"", "a quoted name")?),
        '`' => (Token::Other, closed(sql, "`", "`", "a quoted name")?),
        '[' => (Token::Other, closed(sql, "[", "]", "a quoted name")?),
        '-' if sql.starts_with("--") => (Token::Blank, sql.find('\n').unwrap_or(sql.len())),
        '/' if sql.starts_with("/*") => (Token::Blank, closed(sql, "/*", "*/", "a comment")?),
        ':' if sql.starts_with("::") => (Token::Other, "::".len()),
        ':' => colon(sql)?,
        '$' => (Token::Other, dollar_quoted(sql)?),
        '?' | '@' => return Err(placeholder(sql)),
        ';' => (Token::End, 1),
        _ if first.is_whitespace() => (Token::Blank, first.len_utf8()),
        // A `$` inside a name belongs to it.
        _ if is_word(first) => (Token::Word, run_length(sql, |c| is_word(c) || c == '$')),
        _ => (Token::Other, first.len_utf8()),
    };
    let (text, after) = sql.split_at_checked(length).unwrap_or((sql, ""));
    Ok(Some((token, text, after)))
}

/// The length of a text that `open` begins and the next `close` ends.
fn closed(sql: &str, open: &str, close: &str, what: &'static str) -> Result<usize, StatementFlaw> {
    let inside = sql.strip_prefix(open).unwrap_or(sql);
    let end = inside.find(close).ok_or(StatementFlaw::Unclosed(what))?;
    Ok(open.len() + end + close.len())
}

/// `:name`, or a colon that is part of an operator. `:1` is a placeholder by number.
fn colon(sql: &str) -> Result<(Token, usize), StatementFlaw> {
    let name = sql.strip_prefix(':').unwrap_or(sql);
    match name.chars().next() {
        Some(first) if first.is_numeric() => Err(placeholder(sql)),
        Some(first) if is_word(first) => Ok((Token::Parameter, 1 + run_length(name, is_word))),
        _ => Ok((Token::Other, 1)),
    }
}

/// `$tag$ … $tag$`, PostgreSQL's string without escapes. Any other `$` begins a placeholder.
fn dollar_quoted(sql: &str) -> Result<usize, StatementFlaw> {
    let after = sql.strip_prefix('$').unwrap_or(sql);
    let tag_length = run_length(after, is_word);
    let tagged = after
        .split_at_checked(tag_length)
        .filter(|(tag, body)| body.starts_with('$') && !tag.starts_with(char::is_numeric));
    let Some((tag, _)) = tagged else {
        return Err(placeholder(sql));
    };
    let quote = format!("${tag}$");
    closed(sql, &quote, &quote, "a `$` quote")
}

/// The flaw of a placeholder that is not `:name`: its sign and the word after it.
fn placeholder(sql: &str) -> StatementFlaw {
    let mut characters = sql.chars();
    let sign = characters.next().into_iter();
    StatementFlaw::Placeholder(sign.chain(characters.take_while(|c| is_word(*c))).collect())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn run_length(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|character| !belongs(character))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(sql: &str) -> (String, Vec<String>) {
        let parsed = NamedSql::parse(sql).unwrap();
        (
            parsed.with_placeholders(|number| format!("?{number}")),
            parsed.parameters,
        )
    }

    #[test]
    fn a_name_used_twice_is_one_parameter() {
        let (sql, parameters) = numbered("select :a, :b where x = :a");
        assert_eq!(sql, "select ?1, ?2 where x = ?1");
        assert_eq!(parameters, ["a", "b"]);
    }

    #[test]
    fn other_databases_get_their_own_placeholders() {
        let parsed = NamedSql::parse("select :a, :b, :a").unwrap();
        assert_eq!(
            parsed.with_placeholders(|number| format!("${number}")),
            "select $1, $2, $1"
        );
        assert_eq!(
            parsed.with_placeholders(|_| "?".to_owned()),
            "select ?, ?, ?"
        );
    }

    #[test]
    fn what_is_not_a_parameter_is_left_alone() {
        for sql in [
            "select ':a', 'it''s :a'",
            r#"select ":a", "x"":a""#,
            "select `:a`, [:a]",
            "select 1 -- :a",
            "select 1 -- :a\n, 2",
            "select /* :a ' */ 1",
            "select x::text, y :: date",
            "select $$:a$$, $body$ :a $$ ' $body$",
            "select a$1, b := 1, c : d",
        ] {
            assert_eq!(numbered(sql), (sql.to_owned(), vec![]));
        }
    }

    #[test]
    fn a_parameter_right_after_something_else_is_found() {
        for (sql, expected) in [
            ("select(:a)", "select(?1)"),
            ("select x=:a", "select x=?1"),
            ("select':b':a", "select':b'?1"),
            ("select -:a", "select -?1"),
            ("select x::text||:a::text", "select x::text||?1::text"),
            ("select/**/:a--:b", "select/**/?1--:b"),
        ] {
            assert_eq!(numbered(sql), (expected.to_owned(), vec!["a".to_owned()]));
        }
    }

    #[test]
    fn one_statement_may_end_with_a_semicolon_and_that_is_all() {
        for sql in [
            "select 1",
            "select 1;",
            "select 1; -- done\n",
            "select 1;/* done */ ;",
        ] {
            assert_eq!(numbered(sql).0, "select 1");
        }
        for sql in ["select 1; select 2", "select 1; 'x", "select 1; :a"] {
            NamedSql::parse(sql).unwrap_err();
        }
        assert_eq!(
            NamedSql::parse("select 1; drop table users").unwrap_err(),
            StatementFlaw::MoreThanOne
        );
    }

    #[test]
    fn placeholders_by_number_are_told_to_be_names() {
        for (sql, sign) in [
            ("select ?", "?"),
            ("select ?1", "?1"),
            ("select $1", "$1"),
            ("select $name", "$name"),
            ("select @name", "@name"),
            ("select :1", ":1"),
            ("select $1$x$1$", "$1"),
        ] {
            assert_eq!(
                NamedSql::parse(sql).unwrap_err(),
                StatementFlaw::Placeholder(sign.to_owned())
            );
        }
    }

    #[test]
    fn what_is_opened_must_be_closed() {
        for sql in [
            "select 'a",
            "select \"a",
            "select `a",
            "select [a",
            "select /* a",
            "select /*/",
            "select $x$ a $y$",
        ] {
            let flaw = NamedSql::parse(sql).unwrap_err();
            assert!(matches!(flaw, StatementFlaw::Unclosed(_)), "{sql}: {flaw}");
        }
    }

    #[test]
    fn a_star_in_place_of_the_columns_is_refused() {
        for sql in [
            "select * from users",
            "SELECT DISTINCT * from users",
            "select id, * from users",
            "select users.* from users",
            "select \"users\" . /* all */ * from users",
            "with u as (select * from users) select * from u",
            "insert into users values (1) returning *",
        ] {
            assert_eq!(
                NamedSql::parse(sql).unwrap_err(),
                StatementFlaw::Wildcard,
                "{sql}"
            );
        }
        for sql in [
            "select count(*) from users",
            "select 2 * 3, a*b, (a) * b, 'a' * 2, :a * :b",
            "select id from users where exists (select * from teams)",
        ] {
            NamedSql::parse(sql).unwrap();
        }
    }

    #[test]
    fn no_sql_is_a_flaw() {
        for sql in ["", "  ", "-- select 1", "/* select 1 */;"] {
            assert_eq!(NamedSql::parse(sql).unwrap_err(), StatementFlaw::Empty);
        }
        assert_eq!(
            NamedSql::parse("select 1\0").unwrap_err(),
            StatementFlaw::Nul
        );
    }

    #[test]
    fn the_verb_is_the_first_word() {
        for (sql, verb) in [
            ("/* x */ -- y\n SELECT 1", "select"),
            ("\twith x as (select 1) delete from y", "with"),
        ] {
            assert_eq!(NamedSql::parse(sql).unwrap().verb(), verb);
        }
    }

    /// A piece of SQL: what is written, and the parameter that it is, if it is one.
    fn piece() -> impl Strategy<Value = (String, Option<String>)> {
        let opaque = prop_oneof![
            "'([^'\0]|'')*'",
            "\"([^\"\0]|\"\")*\"",
            "`[^`\0]*`",
            r"\[[^\]\x00]*\]",
            "--[^\n\0]*\n",
            r"/\*[^*\x00]*\*/",
            "::[a-z]{1,5}",
            r"\$([a-z][a-z0-9]{0,3})?\$[^$\x00]*",
            "[A-Za-z_][A-Za-z0-9_$]{0,6}",
            "[ \t\n(),=<>|+.0-9]",
        ];
        let opaque = opaque.prop_map(|text| {
            // A dollar quote is closed with its own tag.
            let tag = text
                .strip_prefix('$')
                .and_then(|rest| rest.split('$').next());
            let closing = tag.map(|tag| format!("${tag}$")).unwrap_or_default();
            (text + &closing, None)
        });
        let parameter = "[a-z_][a-z0-9_]{0,4}".prop_map(|name| (format!(":{name}"), Some(name)));
        prop_oneof![3 => opaque, 1 => parameter]
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(sql in any::<String>()) {
            drop(NamedSql::parse(&sql));
        }

        #[test]
        fn no_text_of_sql_signs_makes_it_panic(sql in r#"[a1_ :;?$@'"`\[\]/*\n-]{0,40}"#) {
            drop(NamedSql::parse(&sql));
        }

        #[test]
        fn only_parameters_change_and_all_of_them(pieces in prop::collection::vec(piece(), 0..20)) {
            let mut names: Vec<String> = Vec::new();
            let mut sql = vec!["select".to_owned()];
            let mut expected = sql.clone();
            for (text, parameter) in pieces {
                let rewritten = parameter.map_or_else(|| text.clone(), |name| {
                    if !names.contains(&name) {
                        names.push(name.clone());
                    }
                    format!("?{}", names.iter().position(|known| *known == name).unwrap() + 1)
                });
                sql.push(text);
                expected.push(rewritten);
            }
            prop_assert_eq!(numbered(&sql.join(" ")), (expected.join(" "), names));
        }
    }
}
