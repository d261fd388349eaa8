//! One call on its way from whoever asked to the instance that runs it.

use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::journal::Journal;
use crate::{ApiCall, Failure, Script};

/// A call that waits for its outcome.
pub(crate) struct Call {
    pub(crate) script: Script,
    pub(crate) task: Task,
    pub(crate) deadline: Instant,
    pub(crate) account: Account,
    pub(crate) reply: oneshot::Sender<Result<Product, Failure>>,
    /// Belongs to the work, not to whoever waits for it: a caller who hangs up makes no room for another.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// What is to be called. All data is JSON.
#[derive(Clone)]
pub(crate) enum Task {
    Function {
        arguments: Arc<str>,
    },
    Action {
        export: Arc<str>,
        event: Arc<str>,
        secrets: Arc<str>,
    },
}

/// On whose account something is said or asked, and where its requests run.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) journal: Arc<Journal>,
    pub(crate) runtime: tokio::runtime::Handle,
}

/// What a call brought.
#[derive(Debug, Default)]
pub(crate) struct Product {
    pub(crate) values: Vec<Value>,
    pub(crate) api_calls: Vec<ApiCall>,
}
