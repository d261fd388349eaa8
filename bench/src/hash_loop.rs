//! The most that a machine can hash: the function in a loop on each of its threads, and nothing else.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use argon2::{Algorithm, Argon2, Params, Version};
use clap::{Args, ValueEnum};
use serde::Serialize;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The function.
    function: Function,
    /// How many threads hash.
    #[arg(long)]
    threads: usize,
    /// For how long.
    #[arg(long)]
    seconds: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Function {
    /// bcrypt at cost 10, the default of most libraries.
    Bcrypt,
    /// Argon2id with 19 MiB, two passes and one lane, the default of new hashes.
    Argon2id,
}

#[derive(Serialize)]
pub(crate) struct Measured {
    hashes_a_second: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<Measured> {
    let duration = Duration::from_secs_f64(arguments.seconds);
    let threads: Vec<_> = (0..arguments.threads)
        .map(|_| {
            let function = arguments.function;
            thread::spawn(move || hashes_a_second(function, duration))
        })
        .collect();
    let mut sum = 0.0;
    for thread in threads {
        sum += thread.join().map_err(|_| anyhow!("a loop panicked"))??;
    }
    Ok(Measured {
        hashes_a_second: sum,
    })
}

fn hashes_a_second(function: Function, duration: Duration) -> Result<f64> {
    let (started, mut hashes) = (Instant::now(), 0_u32);
    while started.elapsed() < duration {
        function.compute()?;
        hashes += 1;
    }
    ensure!(hashes > 0, "there was no time for a hash");
    Ok(f64::from(hashes) / started.elapsed().as_secs_f64())
}

impl Function {
    fn compute(self) -> Result<()> {
        match self {
            Self::Bcrypt => {
                let digest = bcrypt::bcrypt(10, [7; 16], PASSWORD);
                ensure!(digest != [0; 24], "bcrypt made nothing");
            }
            Self::Argon2id => {
                let parameters = Params::new(19 * 1024, 2, 1, Some(32))
                    .ok()
                    .context("the cost is not legal")?;
                let mut digest = [0; 32];
                Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
                    .hash_password_into(PASSWORD, &[7; 16], &mut digest)
                    .map_err(|error| anyhow!("argon2: {error}"))?;
            }
        }
        Ok(())
    }
}

const PASSWORD: &[u8] = b"correct horse battery staple\0";
