//! The engine of one instance: QuickJS with its limits, entered one stretch at a time.
//!
//! In comes one thing to do for JavaScript; what returns is whether that broke something, after every promise that became ready has run.
//! An attacker wants a stretch that never ends, memory that is not counted, or a value that outlives its runtime.

mod watchdog;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rquickjs::{
    ArrayBuffer, Context, Ctx, Function, Null, Object, Persistent, Runtime, TypedArray,
};

use crate::container::Host;
use crate::outbound::{Response, Trouble};
use crate::{Failure, Script, Settings, environment, failure};
use watchdog::Watchdog;

/// Compiled scripts that an instance keeps.
const SCRIPTS: usize = 64;
/// What must be free after every stretch.
const RESERVE: &[u8] = &[0; 128 * 1024];

/// One QuickJS runtime with one context.
pub(crate) struct Engine {
    // Values go before the context, the context before its runtime: the engine insists.
    entries: Persistent<Object<'static>>,
    scripts: HashMap<u64, Persistent<Function<'static>>>,
    context: Context,
    runtime: Runtime,
    watchdog: Arc<Watchdog>,
    unhandled: Arc<Mutex<Unhandled>>,
}

/// One thing to do for JavaScript.
pub(crate) enum Entry<'a> {
    Function {
        call: u32,
        script: &'a Script,
        arguments: &'a str,
    },
    Action {
        call: u32,
        script: &'a Script,
        export: &'a str,
        event: &'a str,
        secrets: &'a str,
        methods: String,
    },
    Timer {
        id: u32,
    },
    Answer {
        id: u32,
        answer: Result<Response, Trouble>,
    },
}

/// How a stretch went.
pub(crate) enum Stretch {
    Done,
    /// Something was thrown that nobody caught.
    Failed(Failure),
    /// Memory is so short that an error may have gone unheard.
    Exhausted,
    /// It took too long; the engine may not be entered again.
    Interrupted,
}

/// Promises that were rejected while nobody listened.
#[derive(Default)]
struct Unhandled {
    count: usize,
    last: Option<Failure>,
}

impl Engine {
    pub(crate) fn start(settings: &Settings, host: &Rc<RefCell<Host>>) -> Result<Self, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        runtime.set_memory_limit(settings.memory_bytes);
        runtime.set_max_stack_size(settings.stack_bytes);
        let watchdog = Arc::new(Watchdog::new(settings.timeout));
        let polled = Arc::clone(&watchdog);
        runtime.set_interrupt_handler(Some(Box::new(move || polled.bites())));
        let unhandled = Arc::new(Mutex::new(Unhandled::default()));
        track_rejections(&runtime, &unhandled);
        let context = Context::full(&runtime).map_err(|error| error.to_string())?;
        let entries = context.with(|ctx| {
            let entries = environment::install(&ctx, settings, host)
                .map_err(|error| failure::caught(&ctx, &error).to_string())?;
            Ok::<_, String>(Persistent::save(&ctx, entries))
        })?;
        Ok(Self {
            entries,
            scripts: HashMap::new(),
            context,
            runtime,
            watchdog,
            unhandled,
        })
    }

    /// Runs JavaScript until it has nothing to do at once, but not beyond `until`.
    pub(crate) fn enter(&mut self, entry: Entry<'_>, until: Instant) -> Stretch {
        self.watchdog.allow(until);
        let Self {
            entries,
            scripts,
            context,
            ..
        } = self;
        let thrown = context.with(|ctx| {
            dispatch(&ctx, entries, scripts, entry)
                .map_err(|error| failure::caught(&ctx, &error))
                .err()
        });
        self.run_jobs();
        let failed = thrown.or(self.take_unhandled());
        if self.watchdog.has_bitten() {
            Stretch::Interrupted
        } else if !self.has_reserve() {
            Stretch::Exhausted
        } else {
            failed.map_or(Stretch::Done, Stretch::Failed)
        }
    }

    fn run_jobs(&self) {
        while !self.watchdog.bites() {
            match self.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => return,
                // A job throws only what cannot be caught; the watchdog knows.
                Err(job) => job.0.with(|ctx| drop(ctx.catch())),
            }
        }
    }

    /// Whether there is memory left to report an error with. Measured by taking it: the engine's own count walks every object.
    fn has_reserve(&self) -> bool {
        self.context.with(|ctx| {
            let taken = ArrayBuffer::new_copy(ctx.clone(), RESERVE).is_ok();
            drop(ctx.catch());
            taken
        })
    }

    fn take_unhandled(&self) -> Option<Failure> {
        let unhandled = std::mem::take(
            &mut *self
                .unhandled
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        unhandled.last.filter(|_| unhandled.count > 0)
    }
}

fn track_rejections(runtime: &Runtime, unhandled: &Arc<Mutex<Unhandled>>) {
    let unhandled = Arc::clone(unhandled);
    runtime.set_host_promise_rejection_tracker(Some(Box::new(
        move |ctx, _promise, reason, handled| {
            // Reading the reason may run a getter, which may reject once more: never under the lock.
            let failure = (!handled).then(|| failure::of(&ctx, &reason));
            let mut unhandled = unhandled.lock().unwrap_or_else(PoisonError::into_inner);
            match failure {
                Some(failure) => {
                    unhandled.count += 1;
                    unhandled.last = Some(failure);
                }
                None => unhandled.count = unhandled.count.saturating_sub(1),
            }
        },
    )));
}

fn dispatch<'js>(
    ctx: &Ctx<'js>,
    entries: &Persistent<Object<'static>>,
    scripts: &mut HashMap<u64, Persistent<Function<'static>>>,
    entry: Entry<'_>,
) -> rquickjs::Result<()> {
    let entries = entries.clone().restore(ctx)?;
    let entrance = |name: &str| entries.get::<_, Function<'js>>(name);
    match entry {
        Entry::Function {
            call,
            script,
            arguments,
        } => {
            let compiled = compiled(ctx, scripts, script)?;
            entrance("callFunction")?.call((call, compiled, arguments))
        }
        Entry::Action {
            call,
            script,
            export,
            event,
            secrets,
            methods,
        } => {
            let compiled = compiled(ctx, scripts, script)?;
            entrance("callAction")?.call((call, compiled, export, event, secrets, methods))
        }
        Entry::Timer { id } => entrance("fire")?.call((id,)),
        Entry::Answer {
            id,
            answer: Ok(response),
        } => {
            let head = serde_json::to_string(&response).unwrap_or_default();
            entrance("settle")?.call((
                id,
                Null,
                head,
                TypedArray::<u8>::new_copy(ctx.clone(), response.body)?,
            ))
        }
        Entry::Answer {
            id,
            answer: Err(trouble),
        } => {
            let error = Object::new(ctx.clone())?;
            error.set("code", trouble.code)?;
            error.set("message", trouble.message)?;
            entrance("settle")?.call((id, error))
        }
    }
}

fn compiled<'js>(
    ctx: &Ctx<'js>,
    scripts: &mut HashMap<u64, Persistent<Function<'static>>>,
    script: &Script,
) -> rquickjs::Result<Function<'js>> {
    if let Some(known) = scripts.get(&script.id()) {
        return known.clone().restore(ctx);
    }
    if scripts.len() >= SCRIPTS {
        scripts.clear();
    }
    let compiled = script.compile(ctx)?;
    scripts.insert(script.id(), Persistent::save(ctx, compiled.clone()));
    Ok(compiled)
}
