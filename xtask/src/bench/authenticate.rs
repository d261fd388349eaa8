//! One password: the price of the hash, and what a flood of them does to others.

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::Patience;
use super::measure::{Load, Sample, Series, sample, start};
use super::peers::{self, Peer};
use super::report::{self, Goal};
use super::scene::{Scene, built};
use crate::command::output;

/// As much of what the bare function makes on all cores is wanted.
const GOAL_OF_LOOP: f64 = 0.95;

/// As many times its time without a flood may a lookup take in one, at the 99th percentile.
const GOAL_OF_LATENCY: f64 = 3.0;

/// Logins at once: more than there are threads, fewer than may wait for one.
const LOGINS: Load = Load {
    operation: "authenticate",
    connections: 32,
    pause_ms: 0,
};

/// A flood for the gateways' half of the cores: the last in the queue still gets a thread before it has waited too long.
const FLOOD: Load = Load {
    connections: 16,
    ..LOGINS
};

/// Lookups at leisure: what is measured is how long one takes, not how many there can be.
const LOOKUPS: Load = Load {
    operation: "lookup",
    connections: 16,
    pause_ms: 10,
};

/// A function, who computes it, and what the bare loop makes.
struct Hashed {
    function: &'static str,
    peers: Vec<Peer>,
    series: Vec<Series>,
    /// Hashes a second, one for each round.
    in_a_loop: Vec<f64>,
}

/// Lookups of one gateway without and with a flood.
struct Flood {
    alone: Series,
    within: Series,
    /// Logins a second meanwhile.
    logins: Vec<f64>,
}

pub(super) fn run(scene: &Scene, patience: Patience) -> Result<String> {
    let cores = scene.cores.every();
    let mut all = [
        Hashed::new(
            "bcrypt",
            vec![
                peers::lychgate(scene, "Lychgate", &cores, "bcrypt_hash")?,
                peers::express(scene, &cores)?,
            ],
        ),
        Hashed::new(
            "argon2id",
            vec![peers::lychgate(scene, "Lychgate", &cores, "argon2id_hash")?],
        ),
    ];
    for round in 1..=patience.rounds {
        eprintln!("round {round} of {}: logins", patience.rounds);
        for hashed in &mut all {
            hashed.measure(scene, patience)?;
        }
    }
    // On cores of their own, as where the store has a machine of its own: the kernel weighs the threads of a session against
    // one another, but sessions as equals, so that no priority in the gateway gives way to a store on the same core.
    let own = &scene.cores.gateways;
    let flooded = [
        peers::lychgate(scene, "Lychgate", own, "bcrypt_hash")?,
        peers::express(scene, own)?,
    ];
    let mut floods = flooded.each_ref().map(Flood::new);
    for round in 1..=patience.rounds {
        eprintln!(
            "round {round} of {}: lookups in a flood of logins",
            patience.rounds
        );
        for (peer, flood) in flooded.iter().zip(&mut floods) {
            flood.measure(scene, peer, patience)?;
        }
    }
    page(scene, patience, &all, &floods)
}

impl Hashed {
    fn new(function: &'static str, peers: Vec<Peer>) -> Self {
        Self {
            function,
            series: peers.iter().map(|peer| Series::new(peer.name)).collect(),
            peers,
            in_a_loop: Vec::new(),
        }
    }

    fn measure(&mut self, scene: &Scene, patience: Patience) -> Result<()> {
        self.in_a_loop
            .push(hash_loop(scene, self.function, patience.seconds)?);
        for (peer, series) in self.peers.iter().zip(&mut self.series) {
            if series.samples.is_empty() {
                sample(scene, peer, LOGINS, patience.warm_up)?;
            }
            series
                .samples
                .push(sample(scene, peer, LOGINS, patience.seconds)?);
        }
        Ok(())
    }

    fn loop_median(&self) -> f64 {
        report::median(&self.in_a_loop)
    }
}

impl Flood {
    fn new(peer: &Peer) -> Self {
        Self {
            alone: Series::new(peer.name),
            within: Series::new(peer.name),
            logins: Vec::new(),
        }
    }

    fn measure(&mut self, scene: &Scene, peer: &Peer, patience: Patience) -> Result<()> {
        self.alone
            .samples
            .push(sample(scene, peer, LOOKUPS, patience.seconds)?);
        let flood = start(scene, peer, FLOOD, patience.seconds + 2.0)?;
        // Not before the flood is there.
        std::thread::sleep(std::time::Duration::from_secs(1));
        self.within
            .samples
            .push(sample(scene, peer, LOOKUPS, patience.seconds)?);
        self.logins.push(flood.answers_a_second()?);
        Ok(())
    }

    /// How many times longer.
    fn ratio(&self) -> f64 {
        let p99 = |series: &Series| series.median(|sample: &Sample| sample.p99_us);
        p99(&self.within) / p99(&self.alone)
    }
}

/// Hashes a second on as many threads as there are cores, with nothing around them.
fn hash_loop(scene: &Scene, function: &str, seconds: f64) -> Result<f64> {
    #[derive(Deserialize)]
    struct Measured {
        hashes_a_second: f64,
    }
    let (threads, seconds) = (scene.cores.all.to_string(), seconds.to_string());
    let said = output(
        &built("lychgate-bench"),
        &[
            "hash-loop",
            function,
            "--threads",
            &threads,
            "--seconds",
            &seconds,
        ],
    )?;
    let measured: Measured = serde_json::from_str(&said).context("the loop says something new")?;
    Ok(measured.hashes_a_second)
}

fn page(scene: &Scene, patience: Patience, all: &[Hashed], floods: &[Flood]) -> Result<String> {
    let logins = [
        "",
        "logins a second",
        "of the loop",
        "CPU-ms a login",
        "p50, ms",
        "p99, ms",
        "memory, MiB",
    ];
    let lookups = [
        "",
        "p50 alone, ms",
        "p99 alone, ms",
        "p50 in the flood, ms",
        "p99 in the flood, ms",
        "p99, ratio",
        "logins a second meanwhile",
    ];
    let goals: Vec<String> = goals(all, floods).map(|goal| goal.line()).collect();
    Ok(format!(
        "## `authenticate`\n\n{}\n\n\
         {} connections, each with one login at a time; the right password of a user picked at random. bcrypt has cost 10, \
         argon2id 19 MiB, two passes and one lane. The loop is the same function of the same library on {} threads, with nothing \
         around it, measured in turn with the rest. The gateways ran on all cores, PostgreSQL and the load on cores {} of them. \
         Medians of {} rounds of {} s.\n\n{}\n\n\
         ### `lookup` in a flood of `authenticate`\n\n\
         {} connections look somebody up and pause for {} ms after each answer; first alone, then while {} others log in as fast \
         as they are let, with bcrypt. Here the gateways had cores {} to themselves, as where the store has a machine of its \
         own.\n\n{}\n{}\n",
        scene.machine()?,
        LOGINS.connections,
        scene.cores.all,
        scene.cores.others,
        patience.rounds,
        patience.seconds,
        report::table(&logins, all.iter().flat_map(login_rows)),
        LOOKUPS.connections,
        LOOKUPS.pause_ms,
        FLOOD.connections,
        scene.cores.gateways,
        report::table(&lookups, floods.iter().map(lookup_row)),
        goals.join("\n")
    ))
}

fn login_rows(hashed: &Hashed) -> Vec<Vec<String>> {
    let limit = hashed.loop_median();
    let nothing = || report::NOTHING.to_owned();
    let mut bare = vec![
        format!("the loop of {}", hashed.function),
        report::tenths(limit),
        report::ratio(1.0),
    ];
    bare.extend([nothing(), nothing(), nothing(), nothing()]);
    let mut rows = vec![bare];
    rows.extend(hashed.series.iter().map(|series| {
        let rate = series.median(|sample| sample.answers_a_second);
        vec![
            format!("{}, {}", series.name, hashed.function),
            report::tenths(rate),
            report::ratio(rate / limit),
            report::tenths(1000.0 / series.median(|sample| sample.answers_a_cpu_second)),
            report::whole(series.median(|sample| sample.p50_us) / 1000.0),
            report::whole(series.median(|sample| sample.p99_us) / 1000.0),
            report::whole(series.median(|sample| sample.resident_mib)),
        ]
    }));
    rows
}

fn lookup_row(flood: &Flood) -> Vec<String> {
    let of = |series: &Series, of: fn(&Sample) -> f64| report::milliseconds(series.median(of));
    vec![
        flood.alone.name.clone(),
        of(&flood.alone, |sample| sample.p50_us),
        of(&flood.alone, |sample| sample.p99_us),
        of(&flood.within, |sample| sample.p50_us),
        of(&flood.within, |sample| sample.p99_us),
        report::ratio(flood.ratio()),
        report::tenths(report::median(&flood.logins)),
    ]
}

/// What was wanted of ours, which come first in each list.
fn goals(all: &[Hashed], floods: &[Flood]) -> impl Iterator<Item = Goal> {
    let of_loop = all.iter().filter_map(|hashed| {
        let rate = hashed
            .series
            .first()?
            .median(|sample| sample.answers_a_second);
        Some(Goal {
            what: "logins a second, as a part of the loop on all cores",
            wanted: GOAL_OF_LOOP,
            at_most: false,
            found: rate / hashed.loop_median(),
        })
    });
    let of_latency = floods.iter().take(1).map(|flood| Goal {
        what: "p99 of `lookup` in the flood, as a multiple of that alone",
        wanted: GOAL_OF_LATENCY,
        at_most: true,
        found: flood.ratio(),
    });
    of_loop.chain(of_latency)
}
