//! `Forwarded` (RFC 7239 §4): elements between commas, each a list of `name=value` between semicolons.
//!
//! The whole line is read by the grammar or not at all. An attacker would like an open quotation mark of hers to swallow
//! what the proxy wrote behind it: then the line has no end that the grammar knows, and nothing of it is believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The elements' `for` addresses, `None` where an element has none or hides it; `None` for all if the grammar is broken.
pub(super) fn addresses(line: &str) -> Option<Vec<Option<IpAddr>>> {
    let mut rest = line;
    let mut addresses = Vec::new();
    loop {
        rest = skip_space(rest);
        // Nothing between two commas is fine (RFC 9110 §5.6.1).
        if !rest.is_empty() && !rest.starts_with(',') {
            let (address, after) = element(rest)?;
            addresses.push(address);
            rest = after;
        }
        if rest.is_empty() {
            return Some(addresses);
        }
        rest = rest.strip_prefix(',')?;
    }
}

/// The address of one element, and what comes behind it.
fn element(text: &str) -> Option<(Option<IpAddr>, &str)> {
    let mut rest = text;
    let mut node = None;
    loop {
        // A pair may be left out, too.
        if !rest.starts_with([';', ',']) && !rest.is_empty() {
            let (name, value, after) = pair(rest)?;
            if name.eq_ignore_ascii_case("for") && node.replace(value).is_some() {
                return None; // Each parameter at most once (RFC 7239 §4).
            }
            rest = after;
        }
        rest = match skip_space(rest).strip_prefix(';') {
            Some(after) => skip_space(after),
            None => break,
        };
    }
    let address = node.as_deref().and_then(address);
    Some((address, skip_space(rest)))
}

/// `token "=" ( token / quoted-string )`; the value without its quotes.
fn pair(text: &str) -> Option<(&str, String, &str)> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix('=')?;
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, rest) = quoted_string(quoted)?;
        return Some((name, value, rest));
    }
    let (value, rest) = token(rest)?;
    Some((name, value.to_owned(), rest))
}

/// The longest beginning that is a token (RFC 9110 §5.6.2), if there is one.
fn token(text: &str) -> Option<(&str, &str)> {
    let is_token = |character: char| {
        character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
    };
    let length = text
        .find(|character| !is_token(character))
        .unwrap_or(text.len());
    text.split_at_checked(length)
        .filter(|(token, _)| !token.is_empty())
}

/// What stands before the closing quotation mark, and what comes behind it (RFC 9110 §5.6.4).
fn quoted_string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(characters.next()?),
            other => value.push(other),
        }
    }
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// A node (RFC 7239 §6): an address, IPv6 in brackets, perhaps with a port. `unknown` and `_names` are none.
fn address(node: &str) -> Option<IpAddr> {
    if let Some(rest) = node.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let port = port
            .strip_prefix(':')
            .or_else(|| port.is_empty().then_some("0"));
        let address = address.parse::<Ipv6Addr>().ok()?;
        return is_port(port?).then_some(IpAddr::V6(address));
    }
    let (address, port) = node.split_once(':').unwrap_or((node, "0"));
    let address = address.parse::<Ipv4Addr>().ok()?;
    is_port(port).then_some(IpAddr::V4(address))
}

/// A number, or a name that hides one.
fn is_port(port: &str) -> bool {
    let number = || port.parse::<u16>().is_ok() && port.bytes().all(|byte| byte.is_ascii_digit());
    let hidden = || {
        port.strip_prefix('_')
            .and_then(token)
            .is_some_and(|(_, rest)| rest.is_empty())
    };
    number() || hidden()
}
