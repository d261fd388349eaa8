//! URLs and forms for scripts, as the WHATWG has them: what the `url` crate reads, in the names that JavaScript uses.

use serde::Serialize;
use url::{Url, form_urlencoded, quirks};

#[derive(Serialize)]
struct Parts<'a> {
    href: &'a str,
    origin: String,
    protocol: &'a str,
    username: &'a str,
    password: &'a str,
    host: &'a str,
    hostname: &'a str,
    port: &'a str,
    pathname: &'a str,
    search: &'a str,
    hash: &'a str,
}

/// The parts of a URL as JSON; none if it is no URL.
pub(super) fn parse(address: &str, base: Option<&str>) -> Option<String> {
    let url = match base {
        Some(base) => Url::parse(base).ok()?.join(address).ok()?,
        None => Url::parse(address).ok()?,
    };
    Some(parts(&url))
}

/// The parts after one of them was set. What cannot be set stays as it was, as the standard wants it.
pub(super) fn set(href: &str, part: &str, value: &str) -> Option<String> {
    let mut url = Url::parse(href).ok()?;
    // The setters say whether they did something; the standard ignores it.
    let _done = match part {
        "protocol" => quirks::set_protocol(&mut url, value),
        "username" => quirks::set_username(&mut url, value),
        "password" => quirks::set_password(&mut url, value),
        "host" => quirks::set_host(&mut url, value),
        "hostname" => quirks::set_hostname(&mut url, value),
        "port" => quirks::set_port(&mut url, value),
        "pathname" => {
            quirks::set_pathname(&mut url, value);
            Ok(())
        }
        "search" => {
            quirks::set_search(&mut url, value);
            Ok(())
        }
        _ => {
            quirks::set_hash(&mut url, value);
            Ok(())
        }
    };
    Some(parts(&url))
}

fn parts(url: &Url) -> String {
    let parts = Parts {
        href: quirks::href(url),
        origin: quirks::origin(url),
        protocol: quirks::protocol(url),
        username: quirks::username(url),
        password: quirks::password(url),
        host: quirks::host(url),
        hostname: quirks::hostname(url),
        port: quirks::port(url),
        pathname: quirks::pathname(url),
        search: quirks::search(url),
        hash: quirks::hash(url),
    };
    serde_json::to_string(&parts).unwrap_or_default()
}

/// `application/x-www-form-urlencoded` to a JSON list of pairs.
pub(super) fn parse_form(text: &str) -> String {
    let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
    serde_json::to_string(&pairs).unwrap_or_default()
}

/// A JSON list of pairs to `application/x-www-form-urlencoded`.
pub(super) fn write_form(pairs: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_json::from_str(pairs).ok()?;
    Some(
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish(),
    )
}
