//! From what JavaScript threw to why a call failed.

use rquickjs::{Coerced, Ctx, Value};

use crate::{ErrorClass, Failure, ScriptError};

/// Characters of a message that are kept.
const MESSAGE: usize = 4096;

/// Why a call failed that threw `thrown`, or passed it to its callback.
pub(crate) fn of<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> Failure {
    let name = property(ctx, thrown, "name").unwrap_or_default();
    let message = message(ctx, thrown);
    match (name.as_str(), message.as_str()) {
        // When not even the error fits, the engine throws null or worse, and its binding an error of its own.
        ("InternalError", "out of memory")
        | ("", "null" | "[uninitialized]")
        | (_, "QuickJS library created a unknown error") => return Failure::MemoryExceeded,
        ("InternalError", "interrupted") => return Failure::TimedOut,
        ("RangeError", "Maximum call stack size exceeded") => return Failure::StackExceeded,
        _ => {}
    }
    let class = match name.as_str() {
        "WrongUsernameOrPasswordError" => {
            let identifier =
                property(ctx, thrown, "identifier").filter(|identifier| !identifier.is_empty());
            ErrorClass::WrongUsernameOrPassword { identifier }
        }
        "ValidationError" => ErrorClass::Validation {
            code: property(ctx, thrown, "code").unwrap_or_default(),
        },
        "UnauthorizedError" => ErrorClass::Unauthorized,
        _ => ErrorClass::Other,
    };
    Failure::Thrown(ScriptError { class, message })
}

/// Why a call failed whose engine reported `error`.
pub(crate) fn caught(ctx: &Ctx<'_>, error: &rquickjs::Error) -> Failure {
    if error.is_exception() {
        return of(ctx, &ctx.catch());
    }
    other(&error.to_string())
}

/// A failure in the container's own words.
pub(crate) fn other(message: &str) -> Failure {
    Failure::Thrown(ScriptError {
        class: ErrorClass::Other,
        message: shorten(message),
    })
}

fn message<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>) -> String {
    if thrown.is_object() {
        if let Some(message) = property(ctx, thrown, "message") {
            return message;
        }
        if let Ok(Some(json)) = ctx.json_stringify(thrown.clone()) {
            return shorten(&json.to_string().unwrap_or_default());
        }
        forget_exception(ctx);
    }
    text(ctx, thrown).unwrap_or_else(|| "something that has no text was thrown".to_owned())
}

/// A property that is a string or a number, as text. Getters may throw; that is no property then.
fn property<'js>(ctx: &Ctx<'js>, thrown: &Value<'js>, name: &str) -> Option<String> {
    let Ok(value) = thrown.as_object()?.get::<_, Value<'js>>(name) else {
        forget_exception(ctx);
        return None;
    };
    if value.is_string() || value.is_number() {
        text(ctx, &value)
    } else {
        None
    }
}

fn text<'js>(ctx: &Ctx<'js>, value: &Value<'js>) -> Option<String> {
    let text = value.get::<Coerced<String>>();
    if text.is_err() {
        forget_exception(ctx);
    }
    text.ok().map(|text| shorten(&text.0))
}

fn forget_exception(ctx: &Ctx<'_>) {
    drop(ctx.catch());
}

fn shorten(message: &str) -> String {
    message.chars().take(MESSAGE).collect()
}
