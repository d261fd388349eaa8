//! Time, memory, stack, size: what a script may use, and that breaking one limit harms nobody else.

use std::time::Duration;

use lychgate_script::{Container, Failure, Settings};
use serde_json::json;

use crate::{call, hasty, run, value_in};

/// Each script breaks a limit in the same way. They run side by side, because they take their time.
async fn all_break(
    settings: fn() -> Settings,
    sources: &'static [&'static str],
    expected: Failure,
) {
    let mut cases = tokio::task::JoinSet::new();
    for source in sources {
        let expected = expected.clone();
        cases.spawn(async move { breaks(settings(), source, expected).await });
    }
    cases.join_all().await;
}

/// A limit was broken: the outcome is `expected`, and the next call finds a fresh instance that works.
async fn breaks(settings: Settings, source: &str, expected: Failure) {
    let container = Container::new(settings);
    let broken = call(&container, source, vec![]).await;
    assert_eq!(broken.outcome, Err(expected), "{source}");
    assert_eq!(
        value_in(&container, "callback(null, typeof global.mark)").await,
        json!("undefined"),
        "{source}"
    );
    assert_eq!(
        (container.started(), container.recycled()),
        (2, 1),
        "{source}"
    );
}

#[tokio::test]
async fn endless_work_is_ended_and_cannot_be_caught() {
    all_break(hasty, &[
        "function f(callback) { global.mark = 1; while (true) {} }",
        "function f(callback) { global.mark = 1; for (;;) { try { while (true) {} } catch (e) {} finally { while (true) {} } } }",
        "async function f(callback) { global.mark = 1; await null; for (;;) {} }",
        "async function f(callback) { global.mark = 1; for (;;) await null; }",
        "function f(callback) { global.mark = 1; const g = () => Promise.resolve().then(g); g(); }",
        "function f(callback) { global.mark = 1; setTimeout(() => { for (;;) {} }, 1); }",
        "function f(callback) { global.mark = 1; /^(a+)+$/.test('a'.repeat(40) + 'b'); callback(null); }",
        "function f(callback) { global.mark = 1; callback({ get message() { for (;;) {} } }); }",
        "function f(callback) { global.mark = 1; const p = Promise.reject({ get message() { for (;;) {} } }); }",
    ], Failure::TimedOut).await;
}

#[tokio::test]
async fn endless_waiting_is_ended() {
    all_break(
        hasty,
        &[
            "async function f(callback) { global.mark = 1; await new Promise(() => {}); }",
            "function f(callback) { global.mark = 1; setInterval(() => {}, 1); }",
            "function f(callback) { global.mark = 1; setTimeout(() => callback(null), 1e9); }",
        ],
        Failure::TimedOut,
    )
    .await;
}

#[tokio::test]
async fn a_timed_out_call_keeps_its_log() {
    let run = call(
        &Container::new(hasty()),
        "function f(callback) { console.log('before'); for (;;) {} }",
        vec![],
    )
    .await;
    assert_eq!(run.outcome, Err(Failure::TimedOut));
    assert_eq!(run.logs[0].text, "before");
    assert!(run.duration >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_memory_bomb_is_contained() {
    let small = || Settings {
        memory_bytes: 8 * 1024 * 1024,
        timeout: Duration::from_secs(10),
        ..Settings::default()
    };
    all_break(small, &[
        "function f(callback) { const a = []; for (;;) a.push(new Array(1000).fill(a.length)); }",
        "async function f(callback) { await null; const a = []; for (;;) a.push({ a }); }",
        "function f(callback) { global.mark = 'x'.repeat(2 ** 29); }",
        "function f(callback) { global.mark = []; for (;;) global.mark.push('x'.repeat(1000) + global.mark.length); }",
        "async function f(callback) { await null; global.mark = []; for (;;) global.mark.push(new Uint8Array(100000)); }",
        "function f(callback) { global.mark = []; for (;;) global.mark.push(require('crypto').randomBytes(60000)); }",
        "function f(callback) { const a = []; for (;;) a.push(Buffer.alloc(1e6).toString('latin1')); }",
    ], Failure::MemoryExceeded).await;
}

#[tokio::test]
async fn whatever_is_hoarded_the_process_lives_on() {
    let hoards = [
        "const m = new Map(); for (let i = 0;; i += 1) m.set({ i }, new Map([[i, m]]));",
        "for (let i = 0;; i += 1) a['k' + i] = () => a;",
        "for (;;) a.push(new Error('x' + a.length), /(a+)/.exec('aaab'), new Proxy({ a }, {}), class extends Error {}, [].values());",
        "for (;;) a.push(JSON.parse('[[1,2,{\"a\":\"b\"}]]'), new URL('http://a/' + a.length), structuredClone({ a: [1] }), new Promise(() => {}));",
        "for (;;) a.push(eval('(function () { return ' + a.length + '; })'));",
        "for (;;) { try { a.push(new Uint8Array(5000), { a }); } catch (error) { a.push(error); } }",
        "const g = (n) => { a.push([n]); return g(n + 1) + 1; }; for (;;) { try { g(0); } catch (error) { a.push(error); } }",
        "for (;;) a.push(fetch('http://127.0.0.1:1/').catch(() => {}));",
        "const g = () => Promise.resolve({}).then(() => { g(); g(); a.push(g()); }); g();",
    ];
    for (number, hoard) in hoards.iter().enumerate() {
        let settings = Settings {
            memory_bytes: 1_500_000 + number * 7919,
            ..hasty()
        };
        let run = call(
            &Container::new(settings),
            &format!("async function f(callback) {{ const a = []; {hoard} }}"),
            vec![],
        )
        .await;
        assert!(
            matches!(
                run.outcome,
                Err(Failure::MemoryExceeded | Failure::TimedOut)
            ),
            "{hoard}: {:?}",
            run.outcome
        );
    }
}

#[tokio::test]
async fn a_stack_bomb_is_contained() {
    all_break(Settings::default, &[
        "function f(callback) { const g = () => g() + 1; g(); }",
        "async function f(callback) { await null; const g = (a) => [a].map(g); g(1); }",
        "function f(callback) { const a = {}; let b = a; for (let i = 0; i < 1e5; i += 1) { b.a = {}; b = b.a; } callback(null, a); }",
    ], Failure::StackExceeded).await;
}

#[tokio::test]
async fn a_huge_result_is_refused() {
    let run = run(
        "function f(callback) { callback(null, 'x'.repeat(1024 * 1024)); }",
        vec![],
    )
    .await;
    assert_eq!(run.outcome, Err(Failure::ResultTooLarge));
}

#[tokio::test]
async fn calls_beside_a_broken_one_end_clearly() {
    let container = Container::new(hasty());
    let waits = crate::script(
        "async function f(callback) { await new Promise((r) => setTimeout(r, 30)); callback(null, 'done'); }",
    );
    let loops = crate::script("function f(callback) { for (;;) {} }");
    let (waiting, looping) = tokio::join!(
        container.call_function(&waits, vec![]),
        container.call_function(&loops, vec![])
    );
    assert_eq!(looping.outcome, Err(Failure::TimedOut));
    assert!(
        matches!(
            waiting.outcome,
            Err(Failure::TimedOut | Failure::ContainerLost)
        ),
        "{:?}",
        waiting.outcome
    );
    assert_eq!(value_in(&container, "callback(null, 1)").await, json!(1));
}

#[tokio::test]
async fn a_call_that_had_not_begun_is_moved_to_a_fresh_instance() {
    let container = Container::new(Settings {
        timeout: Duration::from_secs(2),
        ..Settings::default()
    });
    let short = Container::new(hasty());
    // A loop in the first call blocks the thread; the second is queued meanwhile and must not be lost.
    let loops = crate::script("function f(callback) { for (;;) {} }");
    let quick = crate::script("function f(callback) { callback(null, 'done'); }");
    let looping = container.call_function(&loops, vec![]);
    let queued = async {
        // Runs a whole call elsewhere first, so that the loop has certainly begun.
        value_in(&short, "callback(null, 1)").await;
        container.call_function(&quick, vec![]).await
    };
    let (looping, queued) = tokio::join!(looping, queued);
    assert_eq!(looping.outcome, Err(Failure::TimedOut));
    assert_eq!(queued.outcome.unwrap(), [json!("done")]);
    assert_eq!(container.started(), 2);
}

#[tokio::test]
async fn a_native_loop_that_cannot_be_interrupted_holds_up_no_other_call() {
    let container = Container::new(hasty());
    let source = "function f(callback) { new Array(2 ** 28).join(''); callback(null); }";
    let stuck = call(&container, source, vec![]).await;
    assert_eq!(stuck.outcome, Err(Failure::TimedOut));
    assert_eq!(value_in(&container, "callback(null, 1)").await, json!(1));
    assert_eq!(container.started(), 2);
}

#[tokio::test]
async fn instances_that_are_still_busy_are_counted() {
    // With no age allowed, every call gets an instance of its own, and keeps it.
    let container = Container::new(Settings {
        age: Duration::ZERO,
        ..hasty()
    });
    let waits = crate::script("function f(callback) { setTimeout(() => {}, 1e6); }");
    let calls = (0..9).map(|_| {
        let (container, waits) = (container.clone(), waits.clone());
        async move {
            container
                .call_function(&waits, vec![])
                .await
                .outcome
                .unwrap_err()
        }
    });
    let outcomes = calls.collect::<tokio::task::JoinSet<_>>().join_all().await;
    let refused = Failure::Engine("8 instances of this container are still busy".to_owned());
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == refused)
            .count(),
        1
    );
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| **outcome == Failure::TimedOut)
            .count(),
        8
    );
}

#[tokio::test]
async fn more_calls_than_a_container_takes_are_refused() {
    let container = Container::new(Settings {
        calls: 2,
        ..Settings::default()
    });
    let waits = crate::script("function f(callback) { setTimeout(() => callback(null, 1), 30); }");
    let (one, two, three) = tokio::join!(
        container.call_function(&waits, vec![]),
        container.call_function(&waits, vec![]),
        container.call_function(&waits, vec![]),
    );
    assert!(one.outcome.is_ok() && two.outcome.is_ok());
    assert_eq!(three.outcome, Err(Failure::Overloaded));
    assert!(
        container
            .call_function(&waits, vec![])
            .await
            .outcome
            .is_ok()
    );
}

#[tokio::test]
async fn timers_are_bounded() {
    let body = "try { for (;;) setTimeout(() => {}, 1e6).unref(); } catch (error) { callback(null, error.name); }";
    assert_eq!(crate::value_of(body).await, json!("RangeError"));
}
