//! One line of `SHOW GRANTS`, <https://mariadb.com/kb/en/show-grants/>, <https://dev.mysql.com/doc/refman/8.4/en/show-grants.html>.
//! It may hold the hash of the account's password, which is behind what is read here, and left there.

use crate::privilege::ObjectName;

/// What a line grants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) privileges: Vec<Privilege>,
    pub(super) level: Level,
    /// Who has it, as SQL writes it.
    pub(super) grantee: String,
    pub(super) is_grantable: bool,
}

/// A privilege, and the columns that it is for; none for all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Privilege {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

/// What it is granted on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Level {
    Global,
    /// A database, or a pattern of their names.
    Database(String),
    Table(ObjectName),
    /// `FUNCTION`, `PROCEDURE` or `PACKAGE`, and its name.
    Routine(String, ObjectName),
    /// A role, as SQL writes it.
    Role(String),
    /// An account to act as, as SQL writes it.
    Proxy(String),
}

impl Grant {
    /// Reads a line; `None` for one that grants nothing, such as `SET DEFAULT ROLE`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let tokens = tokens(line);
        let (first, rest) = tokens.split_first()?;
        if !first.is("GRANT") {
            return None;
        }
        let to = rest.iter().position(|token| token.is("TO"))?;
        let (what, after) = rest.split_at_checked(to)?;
        let (grantee, options) = account(after.get(1..)?)?;
        let is_grantable = options
            .windows(2)
            .any(|pair| matches!(pair, [kind, option] if option.is("OPTION") && (kind.is("GRANT") || kind.is("ADMIN"))));
        let (privileges, level) = match what.iter().position(|token| token.is("ON")) {
            None => (Vec::new(), Level::Role(account(what)?.0)),
            Some(on) => {
                let (privileges, level) = what.split_at_checked(on)?;
                let level = level.get(1..)?;
                if privileges.first()?.is("PROXY") {
                    (Vec::new(), Level::Proxy(account(level)?.0))
                } else {
                    (read_privileges(privileges), read_level(level)?)
                }
            }
        };
        Some(Self {
            privileges,
            level,
            grantee,
            is_grantable,
        })
    }
}

fn read_privileges(tokens: &[Token]) -> Vec<Privilege> {
    let mut privileges = Vec::new();
    let mut words = Vec::new();
    let mut columns = Vec::new();
    let mut is_inside = false;
    let mut push = |words: &mut Vec<String>, columns: &mut Vec<String>| {
        if !words.is_empty() {
            privileges.push(Privilege {
                name: words.join(" ").to_ascii_uppercase(),
                columns: std::mem::take(columns),
            });
            words.clear();
        }
    };
    for token in tokens {
        match token {
            Token::Sign('(') => is_inside = true,
            Token::Sign(')') => is_inside = false,
            Token::Sign(',') if !is_inside => push(&mut words, &mut columns),
            Token::Sign(_) => {}
            Token::Word(word) | Token::Quoted(_, word) if is_inside => columns.push(word.clone()),
            Token::Word(word) | Token::Quoted(_, word) => words.push(word.clone()),
        }
    }
    push(&mut words, &mut columns);
    privileges
}

fn read_level(tokens: &[Token]) -> Option<Level> {
    let dot = tokens.iter().position(|token| *token == Token::Sign('.'))?;
    let (before, after) = tokens.split_at_checked(dot)?;
    let (database, class) = before.split_last()?;
    let name = after.get(1)?;
    let (database, star) = (database.name(), Token::Sign('*'));
    match (database, name.name(), class.first()) {
        (None, None, _) if before.last() == Some(&star) && *name == star => Some(Level::Global),
        (Some(database), None, _) if *name == star => Some(Level::Database(database.to_owned())),
        (Some(schema), Some(name), class) => {
            let object = ObjectName {
                schema: schema.to_owned(),
                name: name.to_owned(),
            };
            let class: Vec<_> = class.iter().filter_map(|token| token.name()).collect();
            Some(match class.as_slice() {
                [] | ["TABLE"] => Level::Table(object),
                words => Level::Routine(words.join(" "), object),
            })
        }
        _ => None,
    }
}

/// An account or a role at the beginning, as SQL writes it, and what follows.
fn account(tokens: &[Token]) -> Option<(String, &[Token])> {
    let (user, rest) = tokens.split_first()?;
    let user = user.written()?;
    match rest {
        [Token::Sign('@'), host, rest @ ..] => Some((format!("{user}@{}", host.written()?), rest)),
        rest => Some((user, rest)),
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Token {
    Word(String),
    /// The quote, and what stands between, a doubled quote being one.
    Quoted(char, String),
    Sign(char),
}

impl Token {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Word(own) if own.eq_ignore_ascii_case(word))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Quoted(_, name) => Some(name),
            Self::Sign(_) => None,
        }
    }

    fn written(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.clone()),
            Self::Quoted(quote, text) => {
                let doubled = text.replace(*quote, &format!("{quote}{quote}"));
                Some(format!("{quote}{doubled}{quote}"))
            }
            Self::Sign(_) => None,
        }
    }
}

fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut characters = line.chars().peekable();
    while let Some(first) = characters.next() {
        match first {
            '`' | '\'' | '"' => {
                let mut text = String::new();
                while let Some(next) = characters.next() {
                    if next != first {
                        text.push(next);
                    } else if characters.next_if_eq(&first).is_some() {
                        text.push(first);
                    } else {
                        break;
                    }
                }
                tokens.push(Token::Quoted(first, text));
            }
            _ if is_word(first) => {
                let mut word = String::from(first);
                while let Some(next) = characters.next_if(|next| is_word(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
            _ if first.is_whitespace() => {}
            sign => tokens.push(Token::Sign(sign)),
        }
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$' | '%' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parsed(line: &str) -> Grant {
        Grant::parse(line).unwrap_or_else(|| panic!("{line}"))
    }

    #[test]
    fn the_lines_of_mysql_s_and_mariadb_s_own_manuals_are_read() {
        let grant = parsed("GRANT USAGE ON *.* TO `bob`@`%` IDENTIFIED BY PASSWORD '*2470C0C0'");
        assert_eq!(grant.level, Level::Global);
        assert_eq!(grant.grantee, "`bob`@`%`");
        assert!(!grant.is_grantable);
        let grant =
            parsed("GRANT SELECT, FILE, CREATE USER ON *.* TO 'u1'@'localhost' WITH GRANT OPTION");
        let names: Vec<_> = grant.privileges.iter().map(|p| p.name.as_str()).collect();
        assert_eq!(names, ["SELECT", "FILE", "CREATE USER"]);
        assert!(grant.is_grantable);
        let grant = parsed("GRANT ALL PRIVILEGES ON `my``db`.* TO `u1`@`localhost`");
        assert_eq!(grant.level, Level::Database("my`db".to_owned()));
        let grant = parsed("GRANT `r1`@`%`,`r2`@`%` TO `u1`@`localhost`");
        assert_eq!(grant.level, Level::Role("`r1`@`%`".to_owned()));
        let grant = parsed("GRANT PROXY ON ''@'' TO 'root'@'localhost' WITH GRANT OPTION");
        assert_eq!(grant.level, Level::Proxy("''@''".to_owned()));
        assert_eq!(
            Grant::parse("SET DEFAULT ROLE `r1` FOR `u1`@`localhost`"),
            None
        );
    }

    #[test]
    fn columns_belong_to_the_privilege_before_them() {
        let grant = parsed(
            "GRANT SELECT (`id`, `e,mail`), UPDATE (`TO`), DELETE ON `db`.`users` TO `u`@`h`",
        );
        let read: Vec<_> = grant
            .privileges
            .iter()
            .map(|p| (p.name.as_str(), p.columns.join("+")))
            .collect();
        let expected = [("SELECT", "id+e,mail"), ("UPDATE", "TO"), ("DELETE", "")];
        assert_eq!(
            read,
            expected.map(|(name, columns)| (name, columns.to_owned()))
        );
    }

    #[test]
    fn a_routine_is_no_table() {
        let grant = parsed("GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `db`.`p` TO `u`@`h`");
        assert!(matches!(grant.level, Level::Routine(class, _) if class == "PROCEDURE"));
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(line in "(GRANT )?[A-Z, ()`'.*@]{0,40}( ON [`a.*]{0,9})?( TO \\PC*)?") {
            drop(Grant::parse(&line));
        }
    }
}
