//! What a script can reach of the host, by way of the environment's own JavaScript.
//!
//! Each primitive takes plain values, checks them, and gives plain values back. None is handed to a script; scripts get what is made of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Exception, FromJs, Function, Object, TypedArray, Value};

use super::{address, codec, digests, signing};
use crate::container::Host;
use crate::outbound;
use crate::{Failure, LogLevel, failure};

type Shared = Rc<RefCell<Host>>;

pub(super) fn give_all<'js>(
    ctx: &Ctx<'js>,
    to: &Object<'js>,
    host: &Shared,
) -> rquickjs::Result<()> {
    give_speech(ctx, to, host)?;
    give_endings(ctx, to, host)?;
    give_timers(ctx, to, host)?;
    give_requests(ctx, to, host)?;
    give_codecs(ctx, to)?;
    give_digests(ctx, to)?;
    give_keys(ctx, to)
}

/// What a call says.
fn give_speech<'js>(ctx: &Ctx<'js>, to: &Object<'js>, host: &Shared) -> rquickjs::Result<()> {
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "log",
        move |call: u32, level: String, text: String| {
            let level = match level.as_str() {
                "debug" => LogLevel::Debug,
                "warn" => LogLevel::Warn,
                "error" => LogLevel::Error,
                _ => LogLevel::Info,
            };
            own.borrow().log(call, level, &text);
        },
    )?;
    let own = Rc::clone(host);
    give(ctx, to, "note", move |call: u32, text: String| {
        own.borrow().log(call, LogLevel::Container, &text);
    })
}

/// How a call ends.
fn give_endings<'js>(ctx: &Ctx<'js>, to: &Object<'js>, host: &Shared) -> rquickjs::Result<()> {
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "callback",
        move |ctx: Ctx<'js>, call: u32, failed: bool, error: Value<'js>, values: Value<'js>| {
            // Reading what was passed may run getters of the script: the books stay closed meanwhile.
            let limit = own.borrow().settings.result_bytes;
            let outcome = if failed {
                Err(failure::of(&ctx, &error))
            } else {
                plain(&ctx, values, limit)
            };
            own.borrow_mut().conclude(call, outcome);
        },
    )?;
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "fail",
        move |ctx: Ctx<'js>, call: u32, error: Value<'js>| {
            let failure = failure::of(&ctx, &error);
            own.borrow_mut().conclude(call, Err(failure));
        },
    )?;
    let own = Rc::clone(host);
    give(ctx, to, "returned", move |call: u32| {
        own.borrow_mut().returned(call);
    })?;
    let own = Rc::clone(host);
    give(ctx, to, "finish", move |call: u32| {
        own.borrow_mut().conclude(call, Ok(Vec::new()));
    })?;
    let own = Rc::clone(host);
    give(ctx, to, "missing", move |call: u32, name: String| {
        own.borrow_mut()
            .conclude(call, Err(Failure::NoFunction(name)));
    })?;
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "record",
        move |ctx: Ctx<'js>, call: u32, name: String, values: Value<'js>| {
            let limit = own.borrow().settings.result_bytes;
            let arguments = plain(&ctx, values, limit)
                .map_err(|failure| Exception::throw_type(&ctx, &failure.to_string()))?;
            let recorded = own.borrow_mut().record(call, &name, arguments);
            recorded.map_err(|reason| Exception::throw_range(&ctx, reason))
        },
    )
}

fn give_timers<'js>(ctx: &Ctx<'js>, to: &Object<'js>, host: &Shared) -> rquickjs::Result<()> {
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "startTimer",
        move |ctx: Ctx<'js>, call: u32, delay: f64, repeats: bool| {
            let delay = Duration::try_from_secs_f64(delay / 1000.0)
                .unwrap_or(Duration::MAX)
                .min(Duration::from_hours(24 * 25));
            let started = own.borrow_mut().start_timer(call, delay, repeats);
            started.map_err(|reason| Exception::throw_range(&ctx, reason))
        },
    )?;
    let own = Rc::clone(host);
    give(ctx, to, "stopTimer", move |id: u32| {
        own.borrow_mut().timers().stop(id);
    })?;
    let own = Rc::clone(host);
    give(ctx, to, "holdTimer", move |id: u32, held: bool| {
        own.borrow_mut().timers().set_held(id, held);
    })
}

fn give_requests<'js>(ctx: &Ctx<'js>, to: &Object<'js>, host: &Shared) -> rquickjs::Result<()> {
    let own = Rc::clone(host);
    give(
        ctx,
        to,
        "request",
        move |ctx: Ctx<'js>, call: u32, request: String, body: Opt<Value<'js>>| {
            let parsed = serde_json::from_str::<outbound::Request>(&request);
            let mut request =
                parsed.map_err(|_| Exception::throw_type(&ctx, "the request is not valid"))?;
            request.body = match body.0 {
                Some(body) if !body.is_undefined() => Some(Bytes::from_js(&ctx, body)?.0),
                _ => None,
            };
            let id = own.borrow_mut().request(call, request);
            Ok::<_, rquickjs::Error>(id)
        },
    )?;
    let own = Rc::clone(host);
    give(ctx, to, "abort", move |id: u32| own.borrow_mut().abort(id))
}

fn give_codecs<'js>(ctx: &Ctx<'js>, to: &Object<'js>) -> rquickjs::Result<()> {
    give(
        ctx,
        to,
        "encode",
        |ctx: Ctx<'js>, bytes: Bytes, encoding: String| {
            let text = codec::encode(&bytes.0, &encoding);
            text.ok_or_else(|| {
                Exception::throw_type(&ctx, "The encoded data was not valid for encoding utf-8")
            })
        },
    )?;
    give(
        ctx,
        to,
        "decode",
        |ctx: Ctx<'js>, text: String, encoding: String| {
            let bytes = codec::decode(&text, &encoding)
                .ok_or_else(|| Exception::throw_type(&ctx, "unknown encoding"))?;
            array(&ctx, &bytes)
        },
    )?;
    give(
        ctx,
        to,
        "parseUrl",
        |ctx: Ctx<'js>, address: String, base: Opt<Value<'js>>| {
            let base = base
                .0
                .and_then(Value::into_string)
                .map(|base| base.to_string())
                .transpose()?;
            address::parse(&address, base.as_deref())
                .ok_or_else(|| Exception::throw_type(&ctx, "Invalid URL"))
        },
    )?;
    give(
        ctx,
        to,
        "setUrl",
        |ctx: Ctx<'js>, href: String, part: String, value: String| {
            address::set(&href, &part, &value)
                .ok_or_else(|| Exception::throw_type(&ctx, "Invalid URL"))
        },
    )?;
    give(ctx, to, "parseForm", |text: String| {
        address::parse_form(&text)
    })?;
    give(ctx, to, "writeForm", |ctx: Ctx<'js>, pairs: String| {
        address::write_form(&pairs)
            .ok_or_else(|| Exception::throw_type(&ctx, "the form is not a list of pairs"))
    })
}

fn give_digests<'js>(ctx: &Ctx<'js>, to: &Object<'js>) -> rquickjs::Result<()> {
    let answer = |ctx: &Ctx<'js>, bytes: Result<Vec<u8>, &'static str>| match bytes {
        Ok(bytes) => array(ctx, &bytes),
        Err(reason) => Err(Exception::throw_range(ctx, reason)),
    };
    give(ctx, to, "randomBytes", move |ctx: Ctx<'js>, count: u32| {
        answer(
            &ctx,
            digests::random_bytes(count.try_into().unwrap_or(usize::MAX)),
        )
    })?;
    give(
        ctx,
        to,
        "digest",
        move |ctx: Ctx<'js>, name: String, data: Bytes| {
            answer(&ctx, digests::digest(&name, &data.0))
        },
    )?;
    give(
        ctx,
        to,
        "hmac",
        move |ctx: Ctx<'js>, name: String, key: Bytes, data: Bytes| {
            answer(&ctx, digests::hmac(&name, &key.0, &data.0))
        },
    )?;
    give(ctx, to, "timingSafeEqual", |one: Bytes, other: Bytes| {
        Ok::<_, rquickjs::Error>(digests::timing_safe_equal(&one.0, &other.0))
    })?;
    give(
        ctx,
        to,
        "pbkdf2",
        move |ctx: Ctx<'js>,
              name: String,
              password: Bytes,
              salt: Bytes,
              iterations: u32,
              length: u32| {
            let (password, salt) = (password.0, salt.0);
            let length = length.try_into().unwrap_or(usize::MAX);
            answer(
                &ctx,
                digests::derive(&name, &password, &salt, iterations, length),
            )
        },
    )
}

fn give_keys<'js>(ctx: &Ctx<'js>, to: &Object<'js>) -> rquickjs::Result<()> {
    give(ctx, to, "generateKey", |ctx: Ctx<'js>| {
        let key = signing::generate().map_err(|reason| Exception::throw_range(&ctx, reason))?;
        let parts = Object::new(ctx.clone())?;
        parts.set("point", array(&ctx, &key.point)?)?;
        parts.set("pkcs8", array(&ctx, &key.pkcs8)?)?;
        Ok::<_, rquickjs::Error>(parts)
    })?;
    give(
        ctx,
        to,
        "sign",
        |ctx: Ctx<'js>, pkcs8: Bytes, message: Bytes| {
            let signature = signing::sign(&pkcs8.0, &message.0)
                .map_err(|reason| Exception::throw_range(&ctx, reason))?;
            array(&ctx, &signature)
        },
    )
}

fn give<'js, P, F>(
    ctx: &Ctx<'js>,
    to: &Object<'js>,
    name: &str,
    primitive: F,
) -> rquickjs::Result<()>
where
    F: rquickjs::function::IntoJsFunc<'js, P> + 'js,
{
    to.set(name, Function::new(ctx.clone(), primitive)?)
}

/// Bytes as JavaScript hands them over: a string with one character a byte (see `globals.js`).
struct Bytes(Vec<u8>);

impl<'js> FromJs<'js> for Bytes {
    fn from_js(ctx: &Ctx<'js>, value: Value<'js>) -> rquickjs::Result<Self> {
        let text = String::from_js(ctx, value)?;
        let bytes = text.chars().map(u8::try_from).collect::<Result<_, _>>();
        bytes
            .map(Self)
            .map_err(|_| rquickjs::Error::new_from_js("string", "bytes"))
    }
}

fn array<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> rquickjs::Result<TypedArray<'js, u8>> {
    TypedArray::new_copy(ctx.clone(), bytes)
}

/// What a list of JavaScript values is as JSON: what crosses to the host is plain data.
fn plain<'js>(
    ctx: &Ctx<'js>,
    values: Value<'js>,
    limit: usize,
) -> Result<Vec<serde_json::Value>, Failure> {
    let json = ctx
        .json_stringify(values)
        .map_err(|error| failure::caught(ctx, &error))?;
    let json = json
        .map(|json| json.to_string())
        .transpose()
        .map_err(|error| failure::caught(ctx, &error))?;
    let json = json.unwrap_or_default();
    if json.len() > limit {
        return Err(Failure::ResultTooLarge);
    }
    serde_json::from_str(&json).map_err(|_| failure::other("the result is not plain data"))
}
