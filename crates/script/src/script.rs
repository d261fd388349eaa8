//! A script's text, parsed once.
//!
//! In comes text of any author; what leaves here parses, and is either one function or an action module. Nothing of it has run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rquickjs::context::EvalOptions;
use rquickjs::{CatchResultExt, CaughtError, Context, Ctx, Function, Runtime};

use crate::Error;

/// Size of a script, in bytes: the platform's own limit.
const SCRIPT_BYTES: usize = 100_000;
/// Memory for parsing one script.
const PARSE_BYTES: usize = 32 * 1024 * 1024;
/// What every script is handed by its wrapper.
const SCOPE: &str =
    "require, console, fetch, setTimeout, setInterval, setImmediate, module, exports";

/// A script that parses: one function, or an action module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Script {
    text: Arc<Text>,
}

#[derive(Debug)]
struct Text {
    id: u64,
    name: String,
    form: Form,
    wrapped: String,
}

/// How a script is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `function login(email, password, callback) { … }`
    Function,
    /// `exports.onExecutePostLogin = async (event, api) => { … };`
    Module,
}

impl Script {
    /// Reads a script of at most 100 kB. `name` stands in messages and stack traces.
    pub fn new(name: &str, source: &str) -> Result<Self, Error> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        if source.len() > SCRIPT_BYTES {
            return Err(Error::TooLong {
                name: name.to_owned(),
                bytes: source.len(),
                limit: SCRIPT_BYTES,
            });
        }
        let form = parse(name, source)?;
        let text = Text {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            name: name.to_owned(),
            form,
            wrapped: form.wrap(source),
        };
        Ok(Self {
            text: Arc::new(text),
        })
    }

    /// The name that it was given.
    pub fn name(&self) -> &str {
        &self.text.name
    }

    /// Tells scripts apart in an instance's table of compiled ones.
    pub(crate) fn id(&self) -> u64 {
        self.text.id
    }

    pub(crate) fn form(&self) -> Form {
        self.text.form
    }

    /// Compiles the script into a function of [`SCOPE`] that returns the script's own function, or fills `exports`.
    pub(crate) fn compile<'js>(&self, ctx: &Ctx<'js>) -> rquickjs::Result<Function<'js>> {
        compile(ctx, self.name(), &self.text.wrapped)
    }
}

impl Form {
    /// Line numbers stay those of the source, so the head has no line break. A module may name its own variables as the scope does.
    fn wrap(self, source: &str) -> String {
        match self {
            Self::Function => format!("(function ({SCOPE}) {{ return ({source}\n); }})"),
            Self::Module => format!(
                "(function ({SCOPE}) {{ (function (exports, require, module) {{ {source}\n}}).call(exports, exports, require, module); }})"
            ),
        }
    }
}

fn parse(name: &str, source: &str) -> Result<Form, Error> {
    let engine = |error: rquickjs::Error| Error::Engine(error.to_string());
    let runtime = Runtime::new().map_err(engine)?;
    runtime.set_memory_limit(PARSE_BYTES);
    // Text that breaks out of its wrapper would run here. The engine asks first at once, and then every few thousand steps.
    let mut asked = false;
    runtime.set_interrupt_handler(Some(Box::new(move || std::mem::replace(&mut asked, true))));
    let context = Context::full(&runtime).map_err(engine)?;
    context.with(|ctx| {
        let parsed = compile(&ctx, name, &Form::Function.wrap(source)).catch(&ctx);
        let wrong = match parsed {
            Ok(wrapper) if is_function(&ctx, &wrapper) => return Ok(Form::Function),
            Ok(_) => Error::Shape {
                name: name.to_owned(),
            },
            Err(error) => syntax(name, &error),
        };
        if !source.contains("exports") {
            let statements = compile(&ctx, name, &Form::Module.wrap(source)).is_ok();
            drop(ctx.catch());
            return Err(if statements {
                Error::Shape {
                    name: name.to_owned(),
                }
            } else {
                wrong
            });
        }
        compile(&ctx, name, &Form::Module.wrap(source))
            .catch(&ctx)
            .map_err(|error| syntax(name, &error))?;
        Ok(Form::Module)
    })
}

fn compile<'js>(ctx: &Ctx<'js>, name: &str, wrapped: &str) -> rquickjs::Result<Function<'js>> {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    ctx.eval_with_options(wrapped, options)
}

/// Whether the wrapped expression is a function. A function expression runs nothing when it is evaluated.
fn is_function<'js>(ctx: &Ctx<'js>, wrapper: &Function<'js>) -> bool {
    let value = wrapper.call::<_, rquickjs::Value<'js>>(());
    drop(ctx.catch());
    value.is_ok_and(|value| value.is_function())
}

fn syntax(name: &str, error: &CaughtError<'_>) -> Error {
    let CaughtError::Exception(exception) = error else {
        return Error::Syntax {
            name: name.to_owned(),
            line: 1,
            message: error.to_string(),
        };
    };
    // The first frame is `    at name:line:column`.
    let stack = exception.stack().unwrap_or_default();
    let mut position = stack
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches(')')
        .rsplit(':');
    let line = position
        .nth(1)
        .and_then(|line| line.parse().ok())
        .unwrap_or(1);
    Error::Syntax {
        name: name.to_owned(),
        line,
        message: exception.message().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn form(source: &str) -> Result<Form, Error> {
        Script::new("login", source).map(|script| script.form())
    }

    #[test]
    fn one_function_in_any_spelling_is_a_function() {
        for source in [
            "function login(email, password, callback) { return callback(null); }",
            "// A comment.\n\nasync function login(email, password, callback) {\n}\n// The end.",
            "(email, callback) => callback(null)",
            "async (email) => {}",
            "function () {}",
        ] {
            assert_eq!(form(source).unwrap(), Form::Function, "{source}");
        }
    }

    #[test]
    fn a_module_may_name_its_variables_as_the_scope_does() {
        let source = "const fetch = require('axios');\nlet console = 1;\nexports.onExecutePostLogin = async (event, api) => {};";
        assert_eq!(form(source).unwrap(), Form::Module);
    }

    #[test]
    fn other_shapes_are_refused() {
        for source in [
            "42",
            "function a() {} function b() {}",
            "function a() {};",
            "(() => { for (;;) {} })()",
            "",
        ] {
            let error = form(source).unwrap_err();
            assert!(
                matches!(error, Error::Shape { .. } | Error::Syntax { .. }),
                "{source}: {error}"
            );
        }
        assert!(matches!(
            form("function a() {} function b() {}"),
            Err(Error::Shape { .. })
        ));
    }

    #[test]
    fn a_syntax_error_names_its_line() {
        let Err(Error::Syntax {
            name,
            line,
            message,
        }) = form("function login(email) {\n  let a = 1;\n  let b = = 2;\n}")
        else {
            panic!("not a syntax error");
        };
        assert_eq!((name.as_str(), line), ("login", 3));
        assert!(!message.is_empty());
        let module = "exports.a = 1;\nexports.b = {;\n";
        assert!(
            matches!(form(module), Err(Error::Syntax { line: 2, .. })),
            "{:?}",
            form(module)
        );
    }

    #[test]
    fn text_that_breaks_out_of_its_wrapper_is_stopped() {
        drop(form("1) }); for (;;) {} (function () { return (1"));
        drop(form(
            "1) }); let a = []; for (;;) { a.push(new Array(1000).fill(a)); } (function () { return (1",
        ));
    }

    #[test]
    fn more_than_100_kb_is_refused() {
        let source = format!("function login() {{ /* {} */ }}", "x".repeat(SCRIPT_BYTES));
        assert!(matches!(form(&source), Err(Error::TooLong { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_text_is_read_or_refused(source in "[\\PC\n]{0,60}") {
            drop(form(&source));
        }
    }
}
