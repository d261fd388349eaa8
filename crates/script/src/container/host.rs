//! What an instance knows of its calls, timers and requests: the side of the host that JavaScript's primitives reach.
//!
//! In come the numbers that JavaScript holds for them; each is looked up, none is trusted. Everything here is bounded.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::task::AbortHandle;

use super::Event;
use super::api;
use super::call::{Account, Call, Product, Task};
use super::timers::Timers;
use crate::outbound::{self, Client, Trouble};
use crate::{ApiCall, Failure, LogLevel, OutboundCall, Settings};

/// Calls of `api` that one action may make.
const API_CALLS: usize = 200;

/// The books of one instance.
pub(crate) struct Host {
    pub(crate) settings: Arc<Settings>,
    client: Arc<Client>,
    events: Sender<Event>,
    calls: HashMap<u32, Open>,
    timers: Timers,
    requests: HashMap<u32, Asked>,
    /// Who is asked when a call that has ended still speaks: the call that began last.
    latest: Option<Account>,
    last_id: u32,
}

/// A call that has begun and has no outcome yet, or has one that was not handed over.
struct Open {
    call: Call,
    api_calls: Vec<ApiCall>,
    returned: bool,
    outcome: Option<Result<Product, Failure>>,
}

struct Asked {
    call: u32,
    task: AbortHandle,
}

impl Host {
    pub(crate) fn new(settings: Arc<Settings>, client: Arc<Client>, events: Sender<Event>) -> Self {
        Self {
            settings,
            client,
            events,
            calls: HashMap::new(),
            timers: Timers::default(),
            requests: HashMap::new(),
            latest: None,
            last_id: 0,
        }
    }

    pub(crate) fn begin(&mut self, call: Call) -> u32 {
        let id = self.fresh_id();
        self.latest = Some(call.account.clone());
        self.calls.insert(
            id,
            Open {
                call,
                api_calls: Vec::new(),
                returned: false,
                outcome: None,
            },
        );
        id
    }

    pub(crate) fn call(&self, id: u32) -> Option<&Call> {
        self.calls.get(&id).map(|open| &open.call)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Sets how a call ended. The first time counts; a callback called again is noted in the log.
    pub(crate) fn conclude(&mut self, id: u32, outcome: Result<Vec<Value>, Failure>) {
        let Some(open) = self.calls.get_mut(&id) else {
            tracing::debug!(call = id, "a script went on after its end");
            return;
        };
        if open.outcome.is_none() {
            open.outcome = Some(outcome.map(|values| Product {
                values,
                api_calls: std::mem::take(&mut open.api_calls),
            }));
            return;
        }
        let journal = &open.call.account.journal;
        match outcome {
            Ok(_) => journal.log(
                LogLevel::Container,
                "the callback was called again; that is ignored",
            ),
            Err(failure) => journal.log(
                LogLevel::Container,
                &format!("after the script had ended: {failure}"),
            ),
        }
    }

    /// Ends a call whose stretch used up the memory: whatever failed in it failed of that.
    pub(crate) fn exhaust(&mut self, id: u32) {
        if let Some(open) = self.calls.get_mut(&id)
            && !matches!(open.outcome, Some(Ok(_)))
        {
            open.outcome = Some(Err(Failure::MemoryExceeded));
        }
    }

    /// Notes that a call's function has returned, and its promise, if it gave one, is settled.
    pub(crate) fn returned(&mut self, id: u32) {
        if let Some(open) = self.calls.get_mut(&id) {
            open.returned = true;
        }
    }

    /// Hands over what is decided. With nothing left to wait for, a call that has returned is decided too.
    pub(crate) fn hand_over(&mut self, now: Instant) -> Vec<Result<(), Failure>> {
        let quiet = self.requests.is_empty() && !self.timers.hold();
        self.close(now, |open| {
            (open.returned && quiet).then_some(Failure::NoCallback)
        })
    }

    /// Ends every call that is left, because the instance is broken.
    pub(crate) fn abandon(&mut self, now: Instant) {
        drop(self.close(now, |_| Some(Failure::ContainerLost)));
    }

    fn close(
        &mut self,
        now: Instant,
        judge: impl Fn(&Open) -> Option<Failure>,
    ) -> Vec<Result<(), Failure>> {
        let decided = self.calls.extract_if(|_, open| {
            let late = open.call.deadline <= now;
            match open.outcome {
                Some(Ok(_)) => {}
                _ if late => open.outcome = Some(Err(Failure::TimedOut)),
                None => open.outcome = judge(open).map(Err),
                Some(Err(_)) => {}
            }
            open.outcome.is_some()
        });
        decided
            .filter_map(|(_, open)| open.outcome.map(|outcome| reply(open.call, outcome)))
            .collect()
    }

    pub(crate) fn log(&self, call: u32, level: LogLevel, text: &str) {
        if let Some(account) = self.account(call) {
            account.journal.log(level, text);
        }
    }

    pub(crate) fn record(
        &mut self,
        call: u32,
        name: &str,
        arguments: Vec<Value>,
    ) -> Result<(), &'static str> {
        let Some(open) = self.calls.get_mut(&call) else {
            return Ok(());
        };
        let Task::Action { export, .. } = &open.call.task else {
            return Err("only actions have an api");
        };
        let method = api::methods(export)
            .and_then(|methods| methods.iter().find(|method| method.name == name));
        let name = method.ok_or("there is no such method")?.name;
        if open.api_calls.len() >= API_CALLS {
            return Err("an action may call its api 200 times");
        }
        open.api_calls.push(ApiCall { name, arguments });
        Ok(())
    }

    pub(crate) fn start_timer(
        &mut self,
        call: u32,
        delay: Duration,
        repeats: bool,
    ) -> Result<u32, &'static str> {
        let id = self.fresh_id();
        self.timers.start(id, call, delay, repeats)?;
        Ok(id)
    }

    pub(crate) fn timers(&mut self) -> &mut Timers {
        &mut self.timers
    }

    /// When something is next to be done without being asked.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let deadlines = self.calls.values().map(|open| open.call.deadline);
        deadlines.chain(self.timers.next_due()).min()
    }

    /// Starts a request. Its answer comes as an event, whatever becomes of it.
    pub(crate) fn request(&mut self, call: u32, request: outbound::Request) -> u32 {
        let id = self.fresh_id();
        let Some(account) = self.account(call).cloned() else {
            return id;
        };
        let (client, events, limit) = (
            Arc::clone(&self.client),
            self.events.clone(),
            self.settings.outbound.calls,
        );
        // Counted at once, so that what is one too many is not even kept until a task looks at it.
        let request = account.journal.may_request(limit).then_some(request);
        let task = account.runtime.clone().spawn(async move {
            let answer = match request {
                Some(request) => send(&client, request, &account).await,
                None => Err(Trouble::new(
                    "EACCES",
                    format!("a call may make {limit} requests"),
                )),
            };
            drop(events.send(Event::Answered { id, answer }));
        });
        self.requests.insert(
            id,
            Asked {
                call,
                task: task.abort_handle(),
            },
        );
        id
    }

    pub(crate) fn abort(&mut self, id: u32) {
        if let Some(asked) = self.requests.remove(&id) {
            asked.task.abort();
        }
    }

    /// Closes a request that was answered; its call, unless it was aborted.
    pub(crate) fn answered(&mut self, id: u32) -> Option<u32> {
        self.requests.remove(&id).map(|asked| asked.call)
    }

    fn account(&self, call: u32) -> Option<&Account> {
        self.call(call)
            .map(|call| &call.account)
            .or(self.latest.as_ref())
    }

    fn fresh_id(&mut self) -> u32 {
        self.last_id = self.last_id.wrapping_add(1);
        self.last_id
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        for asked in self.requests.values() {
            asked.task.abort();
        }
    }
}

fn reply(call: Call, outcome: Result<Product, Failure>) -> Result<(), Failure> {
    let verdict = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
    // Room for the next call is made before the caller hears: whoever answers at once must find it.
    drop(call.permit);
    // Whoever asked may have gone.
    drop(call.reply.send(outcome));
    verdict
}

async fn send(
    client: &Client,
    request: outbound::Request,
    account: &Account,
) -> Result<outbound::Response, Trouble> {
    let started = Instant::now();
    let (method, url) = (
        request.method.chars().take(20).collect(),
        shown(&request.url),
    );
    let answer = client.send(request).await;
    let outcome = answer
        .as_ref()
        .map(|response| response.status)
        .map_err(|trouble| trouble.message.clone());
    account.journal.answered(OutboundCall {
        method,
        url,
        answer: outcome,
        duration: started.elapsed(),
    });
    answer
}

/// A URL as it may stand in a log: what follows the path, and credentials, may be secrets.
fn shown(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else {
        return "(not a URL)".to_owned();
    };
    url.set_query(None);
    url.set_fragment(None);
    // These fail only for URLs that cannot have credentials.
    let _cannot_have = (url.set_username(""), url.set_password(None));
    url.to_string().chars().take(2048).collect()
}
