//! The callback, and how a call ends.

use lychgate_script::{Container, ErrorClass, Failure, LogLevel, Settings};
use serde_json::json;

use crate::{call, message, run, value_of};

#[tokio::test]
async fn what_the_callback_is_given_after_its_error_is_the_result() {
    let run = run("function rule(user, context, callback) { user.seen = true; callback(null, user, context); }", vec![json!({ "id": 1 }), json!({ "b": [1, null] })]).await;
    assert_eq!(
        run.outcome.unwrap(),
        [json!({ "id": 1, "seen": true }), json!({ "b": [1, null] })]
    );
}

#[tokio::test]
async fn a_callback_without_a_value_is_nothing_found() {
    for body in ["callback()", "callback(null)", "return callback(undefined)"] {
        let run = run(
            &format!("function get(id, callback) {{ {body} }}"),
            vec![json!("a")],
        )
        .await;
        assert!(run.outcome.unwrap().is_empty(), "{body}");
    }
    assert_eq!(
        run("function get(callback) { callback(null, null); }", vec![])
            .await
            .outcome
            .unwrap(),
        [json!(null)]
    );
}

#[tokio::test]
async fn an_async_function_answers_by_its_callback_only() {
    let answered = run(
        "async function get(id, callback) { await null; callback(null, id); return 'ignored'; }",
        vec![json!(7)],
    )
    .await;
    assert_eq!(answered.outcome.unwrap(), [json!(7)]);
    let silent = run(
        "async function get(id, callback) { return 'ignored'; }",
        vec![json!(7)],
    )
    .await;
    assert_eq!(silent.outcome, Err(Failure::NoCallback));
}

#[tokio::test]
async fn an_arrow_and_a_nameless_function_are_scripts_too() {
    assert_eq!(
        run("(a, callback) => callback(null, a + 1)", vec![json!(1)])
            .await
            .outcome
            .unwrap(),
        [json!(2)]
    );
    assert_eq!(
        run(
            "function (a, callback) { callback(null, a + 1); }",
            vec![json!(1)]
        )
        .await
        .outcome
        .unwrap(),
        [json!(2)]
    );
}

#[tokio::test]
async fn the_platforms_error_classes_come_back_as_what_they_are() {
    let class = async |expression: &str| {
        let run = run(
            &format!("function login(callback) {{ callback({expression}); }}"),
            vec![],
        )
        .await;
        let Err(Failure::Thrown(error)) = run.outcome else {
            panic!("not thrown")
        };
        (error.class, error.message)
    };
    let wrong = |identifier: Option<&str>| ErrorClass::WrongUsernameOrPassword {
        identifier: identifier.map(str::to_owned),
    };
    assert_eq!(
        class("new WrongUsernameOrPasswordError('ann@example.com', 'no')").await,
        (wrong(Some("ann@example.com")), "no".to_owned())
    );
    assert_eq!(
        class("new WrongUsernameOrPasswordError(null, 'who?')").await,
        (wrong(None), "who?".to_owned())
    );
    assert_eq!(
        class("new WrongUsernameOrPasswordError('')").await,
        (wrong(None), String::new())
    );
    let validation = ErrorClass::Validation {
        code: "user_exists".to_owned(),
    };
    assert_eq!(
        class("new ValidationError('user_exists', 'there')").await,
        (validation, "there".to_owned())
    );
    assert_eq!(
        class("new UnauthorizedError('stop')").await,
        (ErrorClass::Unauthorized, "stop".to_owned())
    );
    assert_eq!(
        class("new TypeError('odd')").await,
        (ErrorClass::Other, "odd".to_owned())
    );
}

#[tokio::test]
async fn the_error_classes_are_ambient_errors_with_their_own_names() {
    let value = value_of(
        "const all = [new WrongUsernameOrPasswordError('a', 'b'), new ValidationError('c', 'd'), new UnauthorizedError('e')];
         callback(null, all.map((error) => [error.name, error.message, error instanceof Error, typeof error.stack]));",
    )
    .await;
    let expected = json!([
        ["WrongUsernameOrPasswordError", "b", true, "string"],
        ["ValidationError", "d", true, "string"],
        ["UnauthorizedError", "e", true, "string"],
    ]);
    assert_eq!(value, expected);
}

#[tokio::test]
async fn whatever_is_thrown_or_passed_as_an_error_is_a_failure_with_its_text() {
    for (body, expected) in [
        ("throw new Error('thrown')", "thrown"),
        ("throw 'a string'", "a string"),
        ("callback('a string')", "a string"),
        ("callback({ code: 7 })", r#"{"code":7}"#),
        ("callback({ message: 'of an object' })", "of an object"),
        ("callback(404)", "404"),
        ("undefinedName()", "undefinedName is not defined"),
        (
            "setTimeout(() => { throw new Error('later'); }, 1)",
            "later",
        ),
        ("Promise.reject(new Error('unhandled'))", "unhandled"),
        (
            "callback(null, { toJSON() { throw new Error('of toJSON'); } })",
            "of toJSON",
        ),
        (
            "callback({ get message() { throw new Error('hidden'); }, code: 1, toJSON() { return 'x'; } })",
            "\"x\"",
        ),
    ] {
        let run = run(&format!("function login(callback) {{ {body}; }}"), vec![]).await;
        assert_eq!(message(run.outcome.unwrap_err()), expected, "{body}");
    }
    let rejected = run(
        "async function login(callback) { await null; throw new Error('rejected'); }",
        vec![],
    )
    .await;
    assert_eq!(message(rejected.outcome.unwrap_err()), "rejected");
}

#[tokio::test]
async fn a_result_that_is_no_plain_data_is_a_failure() {
    for body in [
        "const a = {}; a.a = a; callback(null, a)",
        "callback(null, 1n)",
    ] {
        let run = run(&format!("function login(callback) {{ {body}; }}"), vec![]).await;
        assert!(matches!(run.outcome, Err(Failure::Thrown(_))), "{body}");
    }
}

#[tokio::test]
async fn a_second_callback_call_is_ignored_and_logged() {
    let run = run("function get(callback) { callback(null, 1); callback(null, 2); callback(new Error('three')); }", vec![]).await;
    assert_eq!(run.outcome.unwrap(), [json!(1)]);
    assert_eq!(run.logs.len(), 2);
    assert!(
        run.logs
            .iter()
            .all(|line| line.level == LogLevel::Container)
    );
    assert!(run.logs[0].text.contains("called again"), "{:?}", run.logs);
}

#[tokio::test]
async fn a_script_that_waits_for_nothing_and_never_calls_back_is_told_so_at_once() {
    assert_eq!(
        run("function get(callback) {}", vec![]).await.outcome,
        Err(Failure::NoCallback)
    );
    let later = run(
        "function get(callback) { setTimeout(() => {}, 5); }",
        vec![],
    )
    .await;
    assert_eq!(later.outcome, Err(Failure::NoCallback));
    let stopped = run("function get(callback) { clearInterval(setInterval(() => {}, 5)); setTimeout(() => {}, 1e6).unref(); }", vec![]).await;
    assert_eq!(stopped.outcome, Err(Failure::NoCallback));
}

#[tokio::test]
async fn a_callback_from_a_timer_counts() {
    let source = "function get(callback) { let n = 0; const t = setInterval(() => { n += 1; if (n === 3) { clearInterval(t); callback(null, n); } }, 1); }";
    assert_eq!(run(source, vec![]).await.outcome.unwrap(), [json!(3)]);
    let order = "function get(callback) { const seen = []; setTimeout(() => { seen.push('b'); callback(null, seen); }, 20);
                 setTimeout((x) => seen.push(x), 1, 'a'); setImmediate(() => seen.push('i')); queueMicrotask(() => seen.push('m')); process.nextTick(() => seen.push('n')); }";
    assert_eq!(
        run(order, vec![]).await.outcome.unwrap(),
        [json!(["m", "n", "a", "i", "b"])]
    );
}

#[tokio::test]
async fn a_module_has_no_function_to_call_and_a_function_no_export() {
    let container = Container::new(Settings::default());
    let run = call(&container, "exports.a = () => {};", vec![]).await;
    assert_eq!(run.outcome, Err(Failure::NoFunction("test".to_owned())));
}

#[tokio::test]
async fn console_lines_are_kept_with_their_level_and_their_call() {
    let run = run(
        "async function get(callback) { console.log('hello %s, %d', 'ann', 3, { a: [1, 'b'] }); console.warn(new Map([[1, 2]]).size); await null; console.error(new Error('bad').message); callback(null); }",
        vec![],
    )
    .await;
    let lines: Vec<_> = run
        .logs
        .iter()
        .map(|line| (line.level, line.text.as_str()))
        .collect();
    assert_eq!(
        lines,
        [
            (LogLevel::Info, "hello ann, 3 { a: [ 1, 'b' ] }"),
            (LogLevel::Warn, "1"),
            (LogLevel::Error, "bad")
        ]
    );
}

#[tokio::test]
async fn a_flood_of_lines_is_cut() {
    let run = run("function get(callback) { for (let i = 0; i < 5000; i += 1) console.log('x'.repeat(10000)); callback(null); }", vec![]).await;
    assert_eq!(run.logs.len(), 201);
    assert!(run.logs.iter().all(|line| line.text.len() <= 4096));
}

#[tokio::test]
async fn overlapping_calls_keep_their_lines_apart() {
    let container = Container::new(Settings::default());
    let source = "async function get(name, callback) { console.log(name); await new Promise((r) => setTimeout(r, 5)); console.log(name); callback(null, name); }";
    let script = crate::script(source);
    let one = container.call_function(&script, vec![json!("one")]);
    let two = container.call_function(&script, vec![json!("two")]);
    let (one, two) = tokio::join!(one, two);
    let said = |lines: &[lychgate_script::LogLine]| {
        lines
            .iter()
            .map(|line| line.text.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(said(&one.logs), ["one", "one"]);
    assert_eq!(said(&two.logs), ["two", "two"]);
}
