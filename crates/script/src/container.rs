//! Where scripts run: one container has one `global`, for as long as its instance lives.
//!
//! In come a script and JSON; out comes a [`Run`]. The container starts an instance with its first call and replaces it between calls when it
//! was idle, is old, or broke; a call never loses its instance to that. Nothing crosses from one container to another.

mod api;
mod call;
mod host;
mod instance;
mod journal;
mod timers;

pub(crate) use host::Host;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use crate::outbound::{Client, Response, Trouble};
use crate::{ApiCall, Failure, Run, Script, Settings};
use call::{Account, Call, Product, Task};
use instance::Instance;
use journal::Journal;

/// No call takes longer, whatever `timeout` says.
const LONGEST: Duration = Duration::from_hours(1);
/// How long after its deadline a call is given up whose instance does not answer: native code is not interrupted.
const OVERRUN: Duration = Duration::from_secs(1);
/// Instances that may be there at once: one works, the others come to their ends. Some native loops of the engine cannot be interrupted,
/// so a hostile script can make an instance that ends much later than its calls; not any number of them.
const INSTANCES: usize = 8;
/// Stack of an instance's thread beside that of its scripts, in bytes.
const OWN_STACK: usize = 2 * 1024 * 1024;

/// A place for scripts that share one `global`. Cheap to clone.
#[derive(Clone)]
pub struct Container {
    shared: Arc<Shared>,
}

/// What a container and its instances have in common.
struct Shared {
    settings: Arc<Settings>,
    permits: Arc<Semaphore>,
    slot: Mutex<Slot>,
    /// One more reference for each instance that is there.
    living: Arc<()>,
    started: AtomicU64,
    recycled: AtomicU64,
}

#[derive(Default)]
struct Slot {
    /// Made with the first instance and kept: connections survive recycling.
    client: Option<Arc<Client>>,
    current: Option<Handle>,
}

/// The instance that takes new calls. Dropping it retires the instance.
struct Handle {
    id: u64,
    born: Instant,
    events: Sender<Event>,
}

/// What an instance is told.
pub(crate) enum Event {
    Call(Call),
    Answered {
        id: u32,
        answer: Result<Response, Trouble>,
    },
    Retire,
}

impl Container {
    /// A container that starts its first instance with its first call.
    pub fn new(settings: Settings) -> Self {
        let permits = Arc::new(Semaphore::new(settings.calls.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            settings: Arc::new(settings),
            permits,
            slot: Mutex::default(),
            living: Arc::default(),
            started: AtomicU64::new(0),
            recycled: AtomicU64::new(0),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Calls a script that is one function, with `arguments` and the callback after them.
    ///
    /// The result is what the callback was given after its error; empty for `callback(null)`. Must be called within a Tokio runtime,
    /// on which the script's requests then run.
    pub async fn call_function(&self, script: &Script, arguments: Vec<Value>) -> Run<Vec<Value>> {
        let task = Task::Function {
            arguments: Value::Array(arguments).to_string().into(),
        };
        self.run(script, task, |product| product.values).await
    }

    /// Calls an action: the function `export` of its module, with `event` (and `secrets` as its `secrets`) and the `api`.
    ///
    /// `export` is `onExecutePostLogin` or `onExecuteCredentialsExchange`. The result is what the action asked of the `api`, in order.
    /// The module's own top level runs for each call; what is to live longer belongs into `global`.
    pub async fn call_action(
        &self,
        script: &Script,
        export: &str,
        event: Value,
        secrets: &BTreeMap<String, String>,
    ) -> Run<Vec<ApiCall>> {
        let secrets = secrets
            .iter()
            .map(|(name, secret)| (name.clone(), Value::from(secret.as_str())));
        let task = Task::Action {
            export: export.into(),
            event: event.to_string().into(),
            secrets: Value::Object(secrets.collect()).to_string().into(),
        };
        self.run(script, task, |product| product.api_calls).await
    }

    /// How many instances were started.
    pub fn started(&self) -> u64 {
        self.shared.started.load(Ordering::Relaxed)
    }

    /// How many instances were ended: idle, old, broken or crashed.
    pub fn recycled(&self) -> u64 {
        self.shared.recycled.load(Ordering::Relaxed)
    }

    async fn run<T>(&self, script: &Script, task: Task, take: impl FnOnce(Product) -> T) -> Run<T> {
        let started = Instant::now();
        let journal = Arc::new(Journal::default());
        let outcome = self
            .outcome(
                script,
                task,
                &journal,
                started + self.shared.settings.timeout.min(LONGEST),
            )
            .await;
        let (logs, outbound) = journal.take();
        Run {
            outcome: outcome.map(take),
            logs,
            outbound,
            duration: started.elapsed(),
        }
    }

    async fn outcome(
        &self,
        script: &Script,
        task: Task,
        journal: &Arc<Journal>,
        deadline: Instant,
    ) -> Result<Product, Failure> {
        let permit = Arc::clone(&self.shared.permits)
            .try_acquire_owned()
            .map_err(|_| Failure::Overloaded)?;
        let account = Account {
            journal: Arc::clone(journal),
            runtime: tokio::runtime::Handle::current(),
        };
        let (reply, outcome) = oneshot::channel();
        let instance = self.shared.admit(Call {
            script: script.clone(),
            task,
            deadline,
            account,
            reply,
            permit,
        });
        match tokio::time::timeout_at((deadline + OVERRUN).into(), outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_crashed)) => {
                self.shared.discard(instance);
                Err(Failure::ContainerLost)
            }
            Err(_elapsed) => {
                self.shared.discard(instance);
                Err(Failure::TimedOut)
            }
        }
    }
}

impl Shared {
    /// Gives a call to the current instance, or to a fresh one. Tells which.
    fn admit(self: &Arc<Self>, call: Call) -> u64 {
        let mut slot = self.lock();
        if slot
            .current
            .as_ref()
            .is_some_and(|handle| handle.born.elapsed() >= self.settings.age)
        {
            self.recycle(&mut slot);
        }
        let call = match &slot.current {
            Some(handle) => match handle.events.send(Event::Call(call)) {
                Ok(()) => return handle.id,
                // It crashed.
                Err(mpsc::SendError(returned)) => returned,
            },
            None => Event::Call(call),
        };
        self.recycle(&mut slot);
        let id = self.started.fetch_add(1, Ordering::Relaxed) + 1;
        match self.start(id, &mut slot) {
            Ok(handle) => {
                // Fails only if the thread has crashed already; the call is dropped then, which its caller hears.
                drop(handle.events.send(call));
                slot.current = Some(handle);
            }
            Err(reason) => {
                if let Event::Call(call) = call {
                    drop(call.reply.send(Err(Failure::Engine(reason))));
                }
            }
        }
        id
    }

    fn start(self: &Arc<Self>, id: u64, slot: &mut Slot) -> Result<Handle, String> {
        if Arc::strong_count(&self.living) > INSTANCES {
            return Err(format!(
                "{INSTANCES} instances of this container are still busy"
            ));
        }
        let client = match &slot.client {
            Some(client) => Arc::clone(client),
            None => Arc::new(Client::new(
                &self.settings.outbound_hosts,
                self.settings.outbound,
            )?),
        };
        slot.client = Some(Arc::clone(&client));
        let (sender, events) = mpsc::channel();
        let (container, living) = (Arc::downgrade(self), Arc::clone(&self.living));
        let host = Host::new(Arc::clone(&self.settings), client, sender.clone());
        std::thread::Builder::new()
            .name("script".to_owned())
            .stack_size(self.settings.stack_bytes + OWN_STACK)
            .spawn(move || {
                Instance::run(id, container, host, events);
                drop(living);
            })
            .map_err(|error| error.to_string())?;
        Ok(Handle {
            id,
            born: Instant::now(),
            events: sender,
        })
    }

    /// Takes the instance `id` out of use.
    fn discard(&self, id: u64) {
        let _none: Option<()> = self.discard_unless(id, || None);
    }

    /// Takes the instance `id` out of use, unless `objection` finds a reason not to. No call can come in meanwhile.
    fn discard_unless<T>(&self, id: u64, objection: impl FnOnce() -> Option<T>) -> Option<T> {
        let mut slot = self.lock();
        let objection = objection();
        if objection.is_none() && slot.current.as_ref().is_some_and(|handle| handle.id == id) {
            self.recycle(&mut slot);
        }
        objection
    }

    fn recycle(&self, slot: &mut Slot) {
        if slot.current.take().is_some() {
            self.recycled.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // Nobody is there to hear it if the instance has crashed.
        drop(self.events.send(Event::Retire));
    }
}
