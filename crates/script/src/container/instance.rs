//! One instance: an engine on a thread of its own, and the loop that feeds it, as Node's event loop would.
//!
//! In come calls, answers and the end; out go outcomes. Calls overlap where they wait. A script that never lets go holds up this thread and
//! nothing else.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::api;
use super::call::{Call, Task};
use super::host::Host;
use super::{Event, Shared};
use crate::engine::{Engine, Entry, Stretch};
use crate::outbound::{Response, Trouble};
use crate::script::Form;
use crate::{Failure, Settings};

/// What code may run that belongs to no call any more, such as a timer's.
const AFTERMATH: Duration = Duration::from_secs(1);

/// The loop's state. Lives and dies on its thread.
pub(super) struct Instance {
    id: u64,
    container: Weak<Shared>,
    settings: Arc<Settings>,
    events: Receiver<Event>,
    engine: Engine,
    host: Rc<RefCell<Host>>,
    idle_since: Instant,
    /// Takes no new calls; ends with the last that it has.
    retired: bool,
    broken: bool,
}

impl Instance {
    /// Starts the engine and runs until the instance is retired and empty, idle, or broken.
    pub(super) fn run(id: u64, container: Weak<Shared>, host: Host, events: Receiver<Event>) {
        let settings = Arc::clone(&host.settings);
        let host = Rc::new(RefCell::new(host));
        match Engine::start(&settings, &host) {
            Ok(engine) => {
                let idle_since = Instant::now();
                let mut instance = Self {
                    id,
                    container,
                    settings,
                    events,
                    engine,
                    host,
                    idle_since,
                    retired: false,
                    broken: false,
                };
                instance.turn();
                instance.end();
            }
            Err(reason) => refuse(id, &container, &events, &reason),
        }
    }

    fn turn(&mut self) {
        while !self.is_over() {
            self.fire_timers();
            self.hand_over();
            let event = match self.events.recv_timeout(self.patience()) {
                Ok(event) => Some(event),
                Err(RecvTimeoutError::Timeout) => self.rest(),
                Err(RecvTimeoutError::Disconnected) => Some(Event::Retire),
            };
            match event {
                Some(Event::Call(call)) => self.begin(call),
                Some(Event::Answered { id, answer }) => self.settle(id, answer),
                Some(Event::Retire) => self.retired = true,
                None => {}
            }
            self.hand_over();
        }
    }

    fn is_over(&self) -> bool {
        self.broken || (self.retired && self.host.borrow().is_empty())
    }

    /// How long nothing need be done.
    fn patience(&self) -> Duration {
        let host = self.host.borrow();
        let end = if host.is_empty() {
            self.idle_since.checked_add(self.settings.idle)
        } else {
            None
        };
        let due = host.next_due().into_iter().chain(end).min();
        due.map_or(self.settings.idle, |due| {
            due.saturating_duration_since(Instant::now())
        })
    }

    /// Retires an instance that was idle for long enough, unless a call came in at this very moment.
    fn rest(&mut self) -> Option<Event> {
        if !self.host.borrow().is_empty() || self.idle_since.elapsed() < self.settings.idle {
            return None;
        }
        let arrived = self.container.upgrade().and_then(|container| {
            container.discard_unless(self.id, || self.events.try_recv().ok())
        });
        Some(arrived.unwrap_or(Event::Retire))
    }

    fn begin(&mut self, call: Call) {
        let (script, task, deadline) = (call.script.clone(), call.task.clone(), call.deadline);
        let call = self.host.borrow_mut().begin(call);
        let (script, form) = (&script, script.form());
        let entry = match &task {
            Task::Function { arguments } if form == Form::Function => Entry::Function {
                call,
                script,
                arguments,
            },
            Task::Function { .. } => return self.lacks(call, script.name()),
            Task::Action {
                export,
                event,
                secrets,
            } => match api::methods(export) {
                Some(methods) if form == Form::Module => {
                    let methods = serde_json::to_string(methods).unwrap_or_default();
                    Entry::Action {
                        call,
                        script,
                        export,
                        event,
                        secrets,
                        methods,
                    }
                }
                _ => return self.lacks(call, export),
            },
        };
        self.enter(call, entry, deadline);
    }

    fn lacks(&self, id: u32, name: &str) {
        self.host
            .borrow_mut()
            .conclude(id, Err(Failure::NoFunction(name.to_owned())));
    }

    fn settle(&mut self, id: u32, answer: Result<Response, Trouble>) {
        let call = self.host.borrow_mut().answered(id);
        if let Some(call) = call {
            let until = self.until(call);
            self.enter(call, Entry::Answer { id, answer }, until);
        }
    }

    fn fire_timers(&mut self) {
        let due = self.host.borrow_mut().timers().take_due(Instant::now());
        for (id, call) in due {
            if !self.broken {
                let until = self.until(call);
                self.enter(call, Entry::Timer { id }, until);
            }
        }
    }

    /// How long code of a call may run.
    fn until(&self, call: u32) -> Instant {
        let deadline = self.host.borrow().call(call).map(|call| call.deadline);
        deadline.unwrap_or_else(|| Instant::now() + AFTERMATH)
    }

    fn enter(&mut self, call: u32, entry: Entry<'_>, until: Instant) {
        match self.engine.enter(entry, until) {
            Stretch::Done => {}
            Stretch::Failed(failure) => {
                self.host.borrow_mut().conclude(call, Err(failure));
            }
            Stretch::Exhausted => {
                self.host.borrow_mut().exhaust(call);
                self.retire();
            }
            Stretch::Interrupted => self.broken = true,
        }
    }

    /// Tells callers what is decided. A breach of a limit retires the instance; its other calls run to their ends.
    fn hand_over(&mut self) {
        if self.broken {
            return;
        }
        let verdicts = self.host.borrow_mut().hand_over(Instant::now());
        if !verdicts.is_empty() {
            self.idle_since = Instant::now();
        }
        let breach = |verdict: &Result<(), Failure>| {
            matches!(
                verdict,
                Err(Failure::TimedOut | Failure::MemoryExceeded | Failure::StackExceeded)
            )
        };
        if verdicts.iter().any(breach) {
            self.retire();
        }
    }

    /// Ends what is left, and passes calls that had not begun to a fresh instance.
    fn end(mut self) {
        self.retire();
        self.host.borrow_mut().abandon(Instant::now());
        while let Ok(event) = self.events.try_recv() {
            if let (Event::Call(call), Some(container)) = (event, self.container.upgrade()) {
                container.admit(call);
            }
        }
    }

    /// Takes no further calls. Those that it has run to their ends.
    fn retire(&mut self) {
        self.retired = true;
        if let Some(container) = self.container.upgrade() {
            container.discard(self.id);
        }
    }
}

/// Answers every call of an instance whose engine did not start.
fn refuse(id: u64, container: &Weak<Shared>, events: &Receiver<Event>, reason: &str) {
    if let Some(container) = container.upgrade() {
        container.discard(id);
    }
    while let Ok(event) = events.try_recv() {
        if let Event::Call(call) = event {
            drop(call.reply.send(Err(Failure::Engine(reason.to_owned()))));
        }
    }
}
