//! What `cargo xtask bench` measures with and against: a load, a bare handler, and the loop of a hash function.
//!
//! Each prints one line of JSON for the task to read. Nothing here is shipped.
#![expect(
    clippy::print_stdout,
    reason = "what was measured goes to whoever asked"
)]

mod bare;
mod hash_loop;
mod load;
mod timing;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "lychgate-bench", about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Ask a gateway about users without end, over connections that stay.
    Load(load::Arguments),
    /// Answer `lookup` out of nothing: `axum` and JSON alone.
    Bare(bare::Arguments),
    /// Ask for logins that are refused, and compare how long each kind of refusal takes.
    Timing(timing::Arguments),
    /// Hash in a loop, on as many threads as told.
    HashLoop(hash_loop::Arguments),
}

fn main() -> Result<()> {
    match Arguments::parse().command {
        Command::Load(arguments) => {
            // One thread: the load shares the machine with what it measures.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start the asynchronous runtime")?;
            let measured = runtime.block_on(load::run(arguments))?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Command::Timing(arguments) => {
            // One thread here, too: nothing else is to run while an answer is waited for.
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .context("cannot start the asynchronous runtime")?;
            let measured = runtime.block_on(timing::run(arguments))?;
            println!("{}", serde_json::to_string(&measured)?);
        }
        Command::Bare(arguments) => {
            tokio::runtime::Runtime::new()
                .context("cannot start the asynchronous runtime")?
                .block_on(bare::run(arguments))?;
        }
        Command::HashLoop(arguments) => {
            let measured = hash_loop::run(&arguments)?;
            println!("{}", serde_json::to_string(&measured)?);
        }
    }
    Ok(())
}
