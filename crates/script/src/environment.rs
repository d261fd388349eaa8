//! What a script sees: Node's globals, the platform's own, and the modules it may require.
//!
//! The shapes are JavaScript, one small file each; what they cannot do themselves they ask of the primitives below. The primitives are all
//! that a script can reach of the host: each takes plain values, checks them, and gives plain values back.

mod address;
mod codec;
mod digests;
mod primitives;
mod signing;

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::{Ctx, Function, Object, Value};

use crate::Settings;
use crate::container::Host;

/// In the order in which they need each other.
const SOURCES: [(&str, &str); 16] = [
    ("globals.js", include_str!("environment/globals.js")),
    ("errors.js", include_str!("environment/errors.js")),
    ("inspect.js", include_str!("environment/inspect.js")),
    ("encoding.js", include_str!("environment/encoding.js")),
    ("buffer.js", include_str!("environment/buffer.js")),
    ("url.js", include_str!("environment/url.js")),
    ("abort.js", include_str!("environment/abort.js")),
    ("clone.js", include_str!("environment/clone.js")),
    ("webcrypto.js", include_str!("environment/webcrypto.js")),
    ("fetch.js", include_str!("environment/fetch.js")),
    ("api.js", include_str!("environment/api.js")),
    (
        "modules/node.js",
        include_str!("environment/modules/node.js"),
    ),
    (
        "modules/crypto.js",
        include_str!("environment/modules/crypto.js"),
    ),
    (
        "modules/axios.js",
        include_str!("environment/modules/axios.js"),
    ),
    (
        "modules/request.js",
        include_str!("environment/modules/request.js"),
    ),
    ("scope.js", include_str!("environment/scope.js")),
];

/// Furnishes a fresh context. What returns are the functions by which the host enters it.
pub(crate) fn install<'js>(
    ctx: &Ctx<'js>,
    settings: &Settings,
    host: &Rc<RefCell<Host>>,
) -> rquickjs::Result<Object<'js>> {
    let primitives = Object::new(ctx.clone())?;
    let configuration = serde_json::to_string(&settings.configuration).unwrap_or_default();
    primitives.set("configuration", configuration)?;
    primitives::give_all(ctx, &primitives, host)?;
    let internal = Object::new(ctx.clone())?;
    let mut last = Object::new(ctx.clone())?;
    for (name, source) in SOURCES {
        let mut options = EvalOptions::default();
        options.filename = Some(format!("lychgate:{name}"));
        let file: Function<'js> = ctx.eval_with_options(source, options)?;
        if let Some(value) = file
            .call::<_, Value<'js>>((primitives.clone(), internal.clone()))?
            .into_object()
        {
            last = value;
        }
    }
    Ok(last)
}
