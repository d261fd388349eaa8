//! One user by an identifier: the price of the gateway itself.

use anyhow::{Context as _, Result};

use super::Patience;
use super::measure::{Load, Sample, Series, sample};
use super::peers::{self, Peer};
use super::process::{cpu_seconds_of_ended, used_below};
use super::report::{self, Goal};
use super::scene::{Scene, USERS};
use crate::command::output;
use crate::servers::postgres;

/// Connections that ask at once.
const CONNECTIONS: u32 = 32;

/// As many times the answers of Express for the same time of a processor are wanted.
const GOAL: f64 = 8.0;

pub(super) fn run(scene: &Scene, patience: Patience) -> Result<String> {
    let cores = &scene.cores.gateways;
    let peers = [
        peers::lychgate(scene, "Lychgate", cores, "bcrypt_hash")?,
        peers::express(scene, cores)?,
        peers::bare(scene, cores)?,
    ];
    let mut series: Vec<Series> = peers.iter().map(|peer| Series::new(peer.name)).collect();
    let mut select = Series::new("`pgbench`: the statement alone");
    for peer in &peers {
        ask(scene, peer, patience.warm_up)?;
    }
    for round in 1..=patience.rounds {
        eprintln!("round {round} of {}", patience.rounds);
        for (peer, series) in peers.iter().zip(&mut series) {
            series.samples.push(ask(scene, peer, patience.seconds)?);
        }
        select.samples.push(pgbench(scene, patience.seconds)?);
    }
    series.push(select);
    page(scene, patience, &series)
}

fn ask(scene: &Scene, peer: &Peer, seconds: f64) -> Result<Sample> {
    let load = Load {
        operation: "lookup",
        connections: CONNECTIONS,
        pause_ms: 0,
    };
    sample(scene, peer, load, seconds)
}

/// The same statement from PostgreSQL's own client, prepared, over as many connections as a gateway has.
fn pgbench(scene: &Scene, seconds: f64) -> Result<Sample> {
    let script = scene.folder().join("lookup.sql");
    std::fs::write(
        &script,
        format!(
            "\\set number random(1, {USERS})\n\
             select id, email, email_verified, nickname, name, blocked from users\n\
             where lower(email) = 'user' || :number::int || '@example.com';\n"
        ),
    )?;
    let program = postgres::programs()?.join("pgbench").display().to_string();
    let (script, seconds) = (script.display().to_string(), seconds.ceil().to_string());
    let connections = peers::CONNECTIONS.to_string();
    let arguments = [
        "--cpu-list",
        &scene.cores.gateways,
        &program,
        "--no-vacuum",
        "--protocol=prepared",
        "--file",
        &script,
        "--client",
        &connections,
        "--time",
        &seconds,
        &scene.store_url(),
    ];
    let store = scene.store.process.id();
    let (before, store_before) = (cpu_seconds_of_ended()?, used_below(store)?);
    let said = output("taskset", &arguments)?;
    let (after, store_after) = (cpu_seconds_of_ended()?, used_below(store)?);
    let number = |name: &str| {
        let line = said.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        number.with_context(|| format!("pgbench does not say `{name}`"))
    };
    let answers = number("number of transactions actually processed:")?;
    Ok(Sample {
        answers_a_second: number("tps =")?,
        answers_a_cpu_second: answers / (after - before),
        store_us: (store_after.cpu_seconds - store_before.cpu_seconds) / answers * 1e6,
        p50_us: f64::NAN,
        p99_us: f64::NAN,
        resident_mib: f64::NAN,
    })
}

fn page(scene: &Scene, patience: Patience, series: &[Series]) -> Result<String> {
    let [ours, express, ..] = series else {
        anyhow::bail!("there is nobody to compare with");
    };
    let by = |series: &Series| series.median(|sample| sample.answers_a_cpu_second);
    let rows = series.iter().map(|series| {
        let (least, most) = series.spread(|sample| sample.answers_a_cpu_second);
        vec![
            series.name.clone(),
            format!(
                "{} ({} to {})",
                report::whole(by(series)),
                report::whole(least),
                report::whole(most)
            ),
            report::ratio(by(series) / by(express)),
            report::whole(series.median(|sample| sample.answers_a_second)),
            report::milliseconds(series.median(|sample| sample.p50_us)),
            report::milliseconds(series.median(|sample| sample.p99_us)),
            report::whole(series.median(|sample| sample.store_us)),
            report::whole(series.median(|sample| sample.resident_mib)),
        ]
    });
    let head = [
        "",
        "answers a CPU-second",
        "× Express",
        "answers a second",
        "p50, ms",
        "p99, ms",
        "PostgreSQL, µs an answer",
        "memory, MiB",
    ];
    let goal = Goal {
        what: "answers a CPU-second, as a multiple of Express",
        wanted: GOAL,
        at_most: false,
        found: by(ours) / by(express),
    };
    Ok(format!(
        "## `lookup`\n\n{}\n\n\
         {CONNECTIONS} connections, each asking about one of {} users picked at random and waiting for the answer; every answer \
         is held against the right profile, and a single wrong one ends the run without a figure. Medians of {} rounds of {} s, \
         one server after the other and then again; in parentheses the least and the most. A CPU-second is one of the \
         server's own processes, user and system; the servers ran on cores {}, PostgreSQL and the load on {}. Lychgate writes \
         its audit line, Express writes none.\n\n{}\n{}\n",
        scene.machine()?,
        report::thousands(u64::from(USERS)),
        patience.rounds,
        patience.seconds,
        scene.cores.gateways,
        scene.cores.others,
        report::table(&head, rows),
        goal.line()
    ))
}
