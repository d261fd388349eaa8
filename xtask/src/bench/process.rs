//! What processes have used, by what the kernel says of them under `/proc`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use crate::command::output;

/// What a program and its children have used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    pub(super) cpu_seconds: f64,
    pub(super) resident_kib: u64,
}

/// One line of `/proc/PID/stat`, as far as it is told here.
#[derive(Debug, PartialEq)]
struct Stat {
    name: String,
    parent: u32,
    ticks: u64,
    /// Of its children that have ended and that it has waited for.
    ended_ticks: u64,
    resident_pages: u64,
}

/// The shells that hold a server are no part of it.
const SHELLS: [&str; 3] = ["sh", "cat", "sleep"];

/// Seconds of the processor that programs have used which we started and waited for.
pub(super) fn cpu_seconds_of_ended() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let own = Stat::parse(&text).context("/proc says something new")?;
    Ok(whole(own.ended_ticks) / ticks_a_second()?)
}

/// The programs below the process `root`.
pub(super) fn programs_below(root: u32) -> Result<Vec<u32>> {
    let processes = processes()?;
    let programs = processes
        .keys()
        .filter(|id| is_program_below(**id, root, &processes));
    Ok(programs.copied().collect())
}

/// What the programs below the process `root` have used so far, those that have ended included.
pub(super) fn used_below(root: u32) -> Result<Used> {
    let page_kib = output("getconf", &["PAGESIZE"])?.trim().parse::<u64>()? / 1024;
    let processes = processes()?;
    let of_it: Vec<&Stat> = processes
        .iter()
        .filter(|(id, _)| is_program_below(**id, root, &processes))
        .map(|(_, stat)| stat)
        .collect();
    ensure!(!of_it.is_empty(), "a program that is measured has ended");
    let sum = |of: fn(&Stat) -> u64| of_it.iter().map(|stat| of(stat)).sum::<u64>();
    Ok(Used {
        cpu_seconds: whole(sum(|stat| stat.ticks + stat.ended_ticks)) / ticks_a_second()?,
        resident_kib: sum(|stat| stat.resident_pages) * page_kib,
    })
}

fn ticks_a_second() -> Result<f64> {
    Ok(output("getconf", &["CLK_TCK"])?.trim().parse()?)
}

fn is_program_below(process: u32, root: u32, all: &BTreeMap<u32, Stat>) -> bool {
    let is_shell = |stat: &Stat| SHELLS.contains(&stat.name.as_str());
    is_below(process, root, all) && !all.get(&process).is_some_and(is_shell)
}

fn is_below(process: u32, root: u32, all: &BTreeMap<u32, Stat>) -> bool {
    let parents = std::iter::successors(Some(process), |id| all.get(id).map(|stat| stat.parent));
    // A process may end, and its number be used again, between two looks: no way up is longer than this.
    parents.take(64).any(|id| id == root)
}

fn processes() -> Result<BTreeMap<u32, Stat>> {
    let mut processes = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").context("cannot read /proc")? {
        let entry = entry?;
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        // Whoever has ended since is none of them.
        let text = std::fs::read_to_string(entry.path().join("stat"));
        if let (Some(id), Ok(text)) = (id, text) {
            processes.insert(id, Stat::parse(&text).context("/proc says something new")?);
        }
    }
    Ok(processes)
}

impl Stat {
    /// Fields by `proc(5)`: the name in parentheses may itself hold some, so what follows is read from the last one.
    fn parse(text: &str) -> Option<Self> {
        let (before, after) = text.rsplit_once(')')?;
        let (_, name) = before.split_once('(')?;
        let fields: Vec<&str> = after.split_whitespace().collect();
        // `state` is the third field, and the first of these.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            parent: u32::try_from(field(4)?).ok()?,
            ticks: field(14)? + field(15)?,
            ended_ticks: field(16)? + field(17)?,
            resident_pages: field(24)?,
        })
    }
}

/// A count as a number to divide by; none of them comes near 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "counts of one run are small")]
pub(super) fn whole(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_read_whatever_its_name() {
        // After `man 5 proc`: utime 70, stime 30, cutime 5, cstime 2, rss 900.
        let line = "42 (a) (b 7) S 7 42 42 0 -1 4194560 100 0 0 0 70 30 5 2 20 0 5 0 12345 1000000 900 18446744073709551615 1";
        assert_eq!(
            Stat::parse(line),
            Some(Stat {
                name: "a) (b 7".to_owned(),
                parent: 7,
                ticks: 100,
                ended_ticks: 7,
                resident_pages: 900,
            })
        );
        assert_eq!(Stat::parse("42 (sh"), None);
    }

    #[test]
    fn a_child_is_below_its_parents_and_nobody_elses() {
        let stat = |parent| Stat {
            name: String::new(),
            parent,
            ticks: 0,
            ended_ticks: 0,
            resident_pages: 0,
        };
        let all = BTreeMap::from([(1, stat(0)), (2, stat(1)), (3, stat(2)), (4, stat(1))]);
        assert!(is_below(3, 2, &all) && is_below(3, 1, &all) && is_below(2, 2, &all));
        assert!(!is_below(3, 4, &all) && !is_below(1, 2, &all));
    }

    #[test]
    fn what_this_process_has_used_is_found() {
        let used = used_below(std::process::id()).unwrap();
        assert!(used.resident_kib > 0);
    }
}
