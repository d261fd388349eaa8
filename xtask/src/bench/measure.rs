//! One measurement: a load upon a server for some seconds, and what the server and the store used meanwhile.

use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::peers::Peer;
use super::process::{used_below, whole};
use super::scene::{PASSWORD, Scene, USERS, built};

/// What a load does.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub(super) operation: &'static str,
    pub(super) connections: u32,
    pub(super) pause_ms: u32,
}

/// What the load says it saw.
#[derive(Deserialize, Clone, Copy)]
struct Seen {
    answers: u64,
    seconds: f64,
    p50_us: u64,
    p99_us: u64,
}

/// One measurement of one server. Every answer was right, or there would be none.
#[derive(Clone, Copy)]
pub(super) struct Sample {
    pub(super) answers_a_second: f64,
    pub(super) answers_a_cpu_second: f64,
    /// What the store's processes used for one answer.
    pub(super) store_us: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) resident_mib: f64,
}

/// All measurements of one server.
pub(super) struct Series {
    pub(super) name: String,
    pub(super) samples: Vec<Sample>,
}

/// A load that runs beside another.
pub(super) struct Running(Child);

/// Loads a server, and counts.
pub(super) fn sample(scene: &Scene, peer: &Peer, load: Load, seconds: f64) -> Result<Sample> {
    let (server, store) = (peer.process.id(), scene.store.process.id());
    let (server_before, store_before) = (used_below(server)?, used_below(store)?);
    let seen = start(scene, peer, load, seconds)?.seen()?;
    let (server_after, store_after) = (used_below(server)?, used_below(store)?);
    let answers = whole(seen.answers);
    ensure!(seen.answers > 0, "{} answered nothing", peer.name);
    let cpu = server_after.cpu_seconds - server_before.cpu_seconds;
    ensure!(cpu > 0.0, "{} used no time: measure for longer", peer.name);
    Ok(Sample {
        answers_a_second: answers / seen.seconds,
        answers_a_cpu_second: answers / cpu,
        store_us: (store_after.cpu_seconds - store_before.cpu_seconds) / answers * 1e6,
        p50_us: whole(seen.p50_us),
        p99_us: whole(seen.p99_us),
        resident_mib: whole(server_after.resident_kib) / 1024.0,
    })
}

/// Starts a load.
pub(super) fn start(scene: &Scene, peer: &Peer, load: Load, seconds: f64) -> Result<Running> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &scene.cores.others]);
    command.args([
        &built("lychgate-bench"),
        "load",
        &peer.address,
        load.operation,
    ]);
    command.arg("--token").arg(&scene.token);
    command.args(["--connections", &load.connections.to_string()]);
    command.args(["--pause-ms", &load.pause_ms.to_string()]);
    command.args([
        "--seconds",
        &seconds.to_string(),
        "--users",
        &USERS.to_string(),
    ]);
    if load.operation == "authenticate" {
        command.args(["--password", PASSWORD]);
    }
    command.stdout(Stdio::piped());
    Ok(Running(command.spawn().context("cannot start the load")?))
}

impl Running {
    /// Waits for its end.
    pub(super) fn answers_a_second(self) -> Result<f64> {
        let seen = self.seen()?;
        Ok(whole(seen.answers) / seen.seconds)
    }

    fn seen(self) -> Result<Seen> {
        let output = self.0.wait_with_output()?;
        ensure!(
            output.status.success(),
            "the load ended with {}",
            output.status
        );
        serde_json::from_slice(&output.stdout).context("the load says something new")
    }
}

impl Series {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            samples: Vec::new(),
        }
    }

    pub(super) fn median(&self, of: fn(&Sample) -> f64) -> f64 {
        let values = self.sorted(of);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least and the greatest.
    pub(super) fn spread(&self, of: fn(&Sample) -> f64) -> (f64, f64) {
        let values = self.sorted(of);
        let at = |value: Option<&f64>| value.copied().unwrap_or(f64::NAN);
        (at(values.first()), at(values.last()))
    }

    fn sorted(&self, of: fn(&Sample) -> f64) -> Vec<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    }
}
