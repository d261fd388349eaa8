//! Real scripts in real containers, against a real server on loopback.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, wherever in it that is"
)]

mod actions;
mod calls;
mod environment;
mod life;
mod limits;
mod modules;
mod outbound;
mod server;
mod shapes;
mod webcrypto;

use std::time::Duration;

use lychgate_script::{Container, Failure, Run, Script, Settings};
use serde_json::Value;

/// Calls a script once, in a container of its own.
async fn run(source: &str, arguments: Vec<Value>) -> Run<Vec<Value>> {
    call(&Container::new(Settings::default()), source, arguments).await
}

/// Calls a script in a container.
async fn call(container: &Container, source: &str, arguments: Vec<Value>) -> Run<Vec<Value>> {
    container.call_function(&script(source), arguments).await
}

/// The one value that a script, given its body, passes to its callback.
async fn value_of(body: &str) -> Value {
    value_in(&Container::new(Settings::default()), body).await
}

async fn value_in(container: &Container, body: &str) -> Value {
    let source = format!("async function test(callback) {{ {body} }}");
    let run = call(container, &source, vec![]).await;
    let values = run
        .outcome
        .unwrap_or_else(|failure| panic!("{failure}; log: {:?}; script: {body}", run.logs));
    values.into_iter().next().unwrap_or(Value::Null)
}

fn script(source: &str) -> Script {
    Script::new("test", source).unwrap()
}

fn message(failure: Failure) -> String {
    let Failure::Thrown(error) = failure else {
        panic!("not thrown: {failure:?}")
    };
    error.message
}

/// Settings under which a script that does not end is found out soon.
fn hasty() -> Settings {
    Settings {
        timeout: Duration::from_secs(1),
        ..Settings::default()
    }
}
