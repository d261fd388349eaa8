//! The machine and what runs on it, for the page to name.

use anyhow::{Context as _, Result};

use crate::command::{output, root};
use crate::servers::postgres;

/// The cores of this machine, each side's own.
pub(super) struct Cores {
    pub(super) all: usize,
    /// Those of the gateways, as `taskset` takes them.
    pub(super) gateways: String,
    /// Those of the load and the store.
    pub(super) others: String,
}

impl Cores {
    /// One half for the gateways, the other for the rest; on a single core all of them share it.
    pub(super) fn here() -> Result<Self> {
        let all = std::thread::available_parallelism()?.get();
        Ok(Self::halved(all))
    }

    fn halved(all: usize) -> Self {
        let half = (all / 2).max(1);
        Self {
            all,
            gateways: range(0, half),
            others: if all > 1 {
                range(half, all)
            } else {
                range(0, 1)
            },
        }
    }

    pub(super) fn every(&self) -> String {
        range(0, self.all)
    }
}

/// The cores from `from` up to, and without, `to`.
fn range(from: usize, to: usize) -> String {
    let last = to - 1;
    if from == last {
        from.to_string()
    } else {
        format!("{from}-{last}")
    }
}

/// One line: when, on what, with which versions.
pub(super) fn line(cores: &Cores) -> Result<String> {
    let say = |program: &str, argument: &str| {
        Ok::<_, anyhow::Error>(first_line(&output(program, &[argument])?))
    };
    let server = postgres::programs()?.join("postgres");
    let head = output("git", &["rev-parse", "--short=12", "HEAD"])?;
    Ok(format!(
        "Measured on {} at commit `{}`, on {} cores of {} with Linux {}. {}; {}; Node.js {}; {}.",
        output("date", &["--utc", "+%F"])?.trim(),
        head.trim(),
        cores.all,
        processor()?,
        first_line(&output("uname", &["-r"])?),
        first_line(&output("rustc", &["--version"])?),
        say(&server.display().to_string(), "--version")?,
        say("node", "--version")?,
        peers()?
    ))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim().to_owned()
}

fn processor() -> Result<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let model = text.lines().find(|line| line.starts_with("model name"));
    let name = model.and_then(|line| line.split_once(':'));
    Ok(name.map_or("an unnamed processor".to_owned(), |(_, name)| {
        name.trim().to_owned()
    }))
}

/// The packages of the other gateway, by its manifest.
fn peers() -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        dependencies: std::collections::BTreeMap<String, String>,
    }
    let text = std::fs::read_to_string(root().join("bench/express/package.json"))?;
    let manifest: Manifest = serde_json::from_str(&text)?;
    let packages: Vec<String> = manifest
        .dependencies
        .iter()
        .map(|(name, version)| format!("`{name}` {version}"))
        .collect();
    Ok(packages.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateways_and_the_rest_share_no_core_where_there_are_two() {
        for (all, gateways, others) in [
            (1, "0", "0"),
            (2, "0", "1"),
            (3, "0", "1-2"),
            (8, "0-3", "4-7"),
        ] {
            let cores = Cores::halved(all);
            assert_eq!(
                (cores.gateways.as_str(), cores.others.as_str()),
                (gateways, others)
            );
        }
    }
}
