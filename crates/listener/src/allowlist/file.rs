//! Networks from a file.
//!
//! Text that an operator wrote or Auth0 published comes in; networks come out, each exactly as it stands there. Whatever
//! is not understood is an error, for a line passed over in silence is a network that is missing or one too many.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use serde::Deserialize;

use crate::{Error, networks::exact};

/// Reads networks from a file's text, at most 1 MiB and 65,536 of them.
///
/// Text that starts with `{` is the `ip-ranges.json` that Auth0 publishes
/// (`{"regions": {"EU": {"ipv4_cidrs": […]}}, …}`): `regions` says which of its regions are meant. Any other text has one
/// network or address a line, with comments from `#` to the end of the line; `regions` does not matter to it.
pub fn read_networks(text: &str, regions: &[String]) -> Result<Vec<IpNet>, Error> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Err(TOO_LONG);
    }
    let networks = if text.trim_start().starts_with('{') {
        read_regions(text, regions)
    } else {
        read_lines(text)
    }?;
    if networks.len() > MAX_NETWORKS {
        Err(TOO_LONG)
    } else {
        Ok(networks)
    }
}

/// Reads one network, such as `203.0.113.0/24`, or an address, which is the network of that address alone.
pub fn parse_network(text: &str) -> Result<IpNet, Error> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_| Error::NotANetwork)?,
    };
    exact(network)
}

fn read_lines(text: &str) -> Result<Vec<IpNet>, Error> {
    text.lines()
        .zip(1..)
        .map(|(line, number)| {
            (
                line.split_once('#')
                    .map_or(line, |(before, _comment)| before)
                    .trim(),
                number,
            )
        })
        .filter(|(line, _)| !line.is_empty())
        .map(|(line, number)| {
            parse_network(line).map_err(|problem| Error::Line {
                line: number,
                problem: Box::new(problem),
            })
        })
        .collect()
}

fn read_regions(text: &str, wanted: &[String]) -> Result<Vec<IpNet>, Error> {
    let IpRanges { regions } = serde_json::from_str(text).map_err(Error::NotIpRanges)?;
    let known = || {
        regions
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if wanted.is_empty() {
        return Err(Error::NoRegions { known: known() });
    }
    let mut networks = Vec::new();
    for name in wanted {
        let region = regions
            .get(name)
            .ok_or_else(|| Error::UnknownRegion { known: known() })?;
        for text in &region.ipv4_cidrs {
            let network = parse_network(text).map_err(|problem| Error::Region {
                region: name.clone(),
                problem: Box::new(problem),
            })?;
            networks.push(network);
        }
    }
    Ok(networks)
}

/// Reads what the `changelog` of `ip-ranges.json` says of these regions: what is taken away from them, with the day. Of a
/// plain file, and of a file without a changelog, nothing. Entries that add networks, or that are not understood, are
/// passed over: networks come from [`read_networks`] alone, and nobody is let in or kept out by this.
pub fn read_removals(text: &str, regions: &[String]) -> Vec<Removal> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if text.len() > MAX_BYTES {
        return Vec::new();
    }
    let Ok(Changes { changelog }) = serde_json::from_str(text) else {
        return Vec::new();
    };
    let changes = changelog
        .into_iter()
        .filter_map(|change| serde_json::from_value::<Change>(change).ok());
    changes
        .filter(|change| change.action == "remove" && regions.contains(&change.region))
        .map(|change| Removal {
            day: change.date.chars().take(DAY).collect(),
            networks: change
                .ipv4_cidrs
                .iter()
                .filter_map(|network| parse_network(network).ok())
                .collect(),
        })
        .collect()
}

/// Networks that their publisher takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removal {
    /// The day, as `2026-10-01`. It is the publisher's text, cut to that length.
    pub day: String,
    /// The networks.
    pub networks: Vec<IpNet>,
}

/// What we read of `https://cdn.auth0.com/ip-ranges.json` to let anybody in; it has a `last_updated_at` and a `changelog`
/// besides.
#[derive(Deserialize)]
struct IpRanges {
    regions: BTreeMap<String, Region>,
}

#[derive(Deserialize)]
struct Changes {
    changelog: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Change {
    date: String,
    region: String,
    action: String,
    ipv4_cidrs: Vec<String>,
}

#[derive(Deserialize)]
struct Region {
    ipv4_cidrs: Vec<String>,
}

const BYTE_ORDER_MARK: char = '\u{feff}';
/// The length of `2026-10-01`.
const DAY: usize = 10;
const MAX_BYTES: usize = 1024 * 1024;
const MAX_NETWORKS: usize = 65_536;
const TOO_LONG: Error = Error::TooLong {
    bytes: MAX_BYTES,
    networks: MAX_NETWORKS,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IP_RANGES: &str = r#"{
        "last_updated_at": "2026-11-01T00:00:00Z",
        "regions": {
            "EU": { "ipv4_cidrs": ["198.51.100.1/32", "203.0.113.0/24"] },
            "US": { "ipv4_cidrs": ["192.0.2.7/32"] }
        },
        "changelog": [{ "date": "2026-10-01", "region": "EU", "action": "add", "ipv4_cidrs": ["203.0.113.0/24"] }]
    }"#;

    fn read(text: &str, regions: &[&str]) -> Result<Vec<String>, String> {
        let regions: Vec<_> = regions.iter().map(ToString::to_string).collect();
        match read_networks(text, &regions) {
            Ok(networks) => Ok(networks.iter().map(ToString::to_string).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_plain_file_has_a_network_a_line_with_comments() {
        let text = "\u{feff}# the office\r\n203.0.113.0/24\r\n\n  198.51.100.7  # the bastion\n2001:db8::/32\n::1";
        assert_eq!(
            read(text, &["EU"]).unwrap(),
            [
                "203.0.113.0/24",
                "198.51.100.7/32",
                "2001:db8::/32",
                "::1/128"
            ]
        );
    }

    #[test]
    fn a_fault_in_a_plain_file_names_its_line_and_the_mend() {
        assert_eq!(
            read("# one\n10.0.0.5/8", &[]).unwrap_err(),
            "line 2: 10.0.0.5/8 has bits set beyond its prefix: write 10.0.0.0/8 for the network, or 10.0.0.5 for the one address"
        );
        for faulty in [
            "203.0.113.0/33",
            "203.0.113",
            "203.0.113.0/",
            "010.0.0.1",
            "example.com",
            "1.2.3.4 5.6.7.8",
        ] {
            let error = read(faulty, &[]).unwrap_err();
            assert!(
                error.starts_with("line 1: not a network: write an address"),
                "{error}"
            );
        }
    }

    #[test]
    fn a_faulty_line_is_not_shown_because_the_file_may_be_the_wrong_one() {
        let error = read("kZ8dK2qPb0w3secret", &[]).unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn ip_ranges_gives_the_regions_that_were_asked_for() {
        assert_eq!(
            read(IP_RANGES, &["EU"]).unwrap(),
            ["198.51.100.1/32", "203.0.113.0/24"]
        );
        assert_eq!(read(IP_RANGES, &["US", "EU"]).unwrap().len(), 3);
    }

    #[test]
    fn ip_ranges_without_a_region_or_with_an_unknown_one_is_an_error_that_lists_them() {
        assert_eq!(
            read(IP_RANGES, &[]).unwrap_err(),
            "ip-ranges.json needs regions: name yours among EU, US"
        );
        assert_eq!(
            read(IP_RANGES, &["eu"]).unwrap_err(),
            "a region is not in the file, which has EU, US"
        );
    }

    #[test]
    fn a_fault_in_ip_ranges_names_the_region() {
        let text = IP_RANGES.replace("192.0.2.7/32", "192.0.2.7/24");
        assert!(
            read(&text, &["US"])
                .unwrap_err()
                .starts_with("region US: 192.0.2.7/24 has bits set")
        );
        assert!(
            read("{\"regions\": []}", &["US"])
                .unwrap_err()
                .starts_with("not the JSON of ip-ranges.json")
        );
        assert!(
            read("{", &["US"])
                .unwrap_err()
                .starts_with("not the JSON of ip-ranges.json")
        );
    }

    #[test]
    fn what_is_taken_away_from_our_regions_is_read_from_the_changelog() {
        let changelog = r#"[
            { "date": "2026-10-01", "region": "EU", "action": "add", "ipv4_cidrs": ["203.0.113.0/24"] },
            { "date": "2026-12-24T00:00:00Z", "region": "EU", "action": "remove", "ipv4_cidrs": ["198.51.100.1/32", "?"] },
            { "date": "2026-12-24", "region": "US", "action": "remove", "ipv4_cidrs": ["192.0.2.7/32"] },
            { "of": "another form" }
        ]"#;
        let text = format!(r#"{{ "regions": {{}}, "changelog": {changelog} }}"#);
        let removal = Removal {
            day: "2026-12-24".to_owned(),
            networks: vec!["198.51.100.1/32".parse().unwrap()],
        };
        assert_eq!(read_removals(&text, &["EU".to_owned()]), [removal]);
        for without in ["{}", "203.0.113.0/24", "{ \"changelog\": 7 }"] {
            assert_eq!(read_removals(without, &["EU".to_owned()]), []);
        }
    }

    #[test]
    fn too_many_bytes_or_networks_are_refused() {
        let too_long =
            "the list of networks is too long: at most 1048576 bytes and 65536 networks are read";
        assert_eq!(read(&"#".repeat(MAX_BYTES + 1), &[]).unwrap_err(), too_long);
        assert_eq!(
            read(&"::\n".repeat(MAX_NETWORKS), &[]).unwrap().len(),
            MAX_NETWORKS
        );
        assert_eq!(
            read(&"::\n".repeat(MAX_NETWORKS + 1), &[]).unwrap_err(),
            too_long
        );
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_without_a_panic(text in "\\PC*|\\{.*|[0-9a-f:./# \n]*") {
            let _outcome = read_networks(&text, &["EU".to_owned()]);
            let _removals = read_removals(&text, &["EU".to_owned()]);
        }

        #[test]
        fn a_written_network_is_read_back(address: IpAddr, length in 0..=128_u8) {
            let length = if address.is_ipv4() { length % 33 } else { length };
            let network = IpNet::new(address, length).unwrap().trunc();
            prop_assert_eq!(parse_network(&network.to_string()).unwrap(), network);
        }
    }
}
