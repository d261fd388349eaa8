//! What a gateway costs: ours beside one of the usual make, on one machine, in turn.
//!
//! `cargo xtask bench` builds what it measures, starts everything on ports and in folders of its own, and writes what it
//! found to `docs/performance.md`. Nobody else writes figures there.

mod authenticate;
mod lookup;
mod machine;
mod measure;
mod peers;
mod process;
mod report;
mod scene;
mod timing;

use anyhow::Result;
use clap::ValueEnum;

use self::report::Section;
use self::scene::Scene;

/// What is measured.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Scenario {
    /// One user by an identifier: the price of the gateway itself.
    Lookup,
    /// One password: the price of the hash, and what a flood of them does to others.
    Authenticate,
    /// Refused logins: whether their time tells why.
    Timing,
}

/// How long it is measured.
#[derive(Clone, Copy)]
struct Patience {
    /// Before anything counts.
    warm_up: f64,
    /// One measurement.
    seconds: f64,
    /// How often each is measured, one after the other and then again.
    rounds: usize,
}

const PATIENCE: Patience = Patience {
    warm_up: 3.0,
    seconds: 10.0,
    rounds: 5,
};

/// To try it: shown, and written nowhere.
const LITTLE_PATIENCE: Patience = Patience {
    warm_up: 1.0,
    seconds: 3.0,
    rounds: 2,
};

/// Measures a scenario, and writes its section of the page; `quick` only shows it.
pub(crate) fn run(scenario: Scenario, quick: bool) -> Result<()> {
    let patience = if quick { LITTLE_PATIENCE } else { PATIENCE };
    let scene = Scene::set()?;
    let section = match scenario {
        Scenario::Lookup => Section {
            name: "lookup",
            text: lookup::run(&scene, patience)?,
        },
        Scenario::Authenticate => Section {
            name: "authenticate",
            text: authenticate::run(&scene, patience)?,
        },
        Scenario::Timing => Section {
            name: "timing",
            text: timing::run(&scene, quick)?,
        },
    };
    if quick {
        eprintln!("\n{}", section.text);
        return Ok(());
    }
    report::write(&section)
}
