//! What the gateway counts, and the table that describes it.
//!
//! Labels come from closed sets only: operations, problems, configured issuers. Nothing a caller sends becomes a label,
//! so nobody can make the number of series grow.

mod readings;

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::adoption::AllowlistRefresh;
use crate::audit::Outcome;
use crate::canary::Canary;
use crate::problem::ProblemKind;
use crate::upgrade;

pub(crate) use readings::Readings;

/// The label of requests that came to no operation.
const NO_OPERATION: &str = "none";

/// The label of requests that were answered as asked.
const ANSWERED: &str = "answered";

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

/// One metric, for the reference.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name; a counter's has `_total` after it when it is scraped.
    pub name: &'static str,
    /// What it counts or measures.
    pub help: &'static str,
    /// Whether it counts, measures, or sorts into buckets.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
}

/// The kinds of metrics there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only ever grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Sorted into buckets.
    Histogram,
}

/// Every metric.
pub const METRICS: [Metric; 38] = [
    REQUESTS,
    DURATION,
    AUDIT_FAILURES,
    CANARIES,
    readings::AUDIT_SEQUENCE,
    RELOADS,
    ALLOWLIST_REFRESHES,
    readings::CONNECTIONS,
    readings::OPEN_CONNECTIONS,
    readings::REFUSED_CONNECTIONS,
    readings::CONNECTIONS_OVER_LIMIT,
    readings::HANDSHAKE_FAILURES,
    readings::ACCEPT_FAILURES,
    readings::HASHES,
    readings::HASH_QUEUE,
    readings::RATE_BUCKETS,
    readings::IDEMPOTENCY_KEYS,
    readings::IDEMPOTENCY_REPEATED,
    readings::IDEMPOTENCY_GIVEN_UP,
    readings::LOCKED_IDENTIFIERS,
    readings::NATIVE_OPEN,
    readings::NATIVE_OPENED,
    readings::NATIVE_REFUSED,
    readings::NATIVE_CUT,
    readings::NATIVE_BYTES,
    upgrade::UPGRADES,
    upgrade::UPGRADES_LEFT,
    readings::STORE_CONNECTIONS,
    readings::STORE_CREDENTIALS_FAULTY,
    readings::KEYS_AVAILABLE,
    readings::KEYS_AGE,
    readings::VERIFIED_TOKENS,
    readings::PROOFS,
    readings::USED_TOKENS,
    readings::LEDGER_SIGHTINGS,
    readings::LEDGER_DROPPED,
    readings::LEDGER_FAILURES,
    readings::LEDGER_WAITING,
];

const REQUESTS: Metric = Metric {
    name: "lychgate_requests",
    help: "Requests that were decided, by operation and outcome",
    kind: MetricKind::Counter,
    labels: &["operation", "outcome"],
};

const DURATION: Metric = Metric {
    name: "lychgate_request_duration_seconds",
    help: "Seconds from the end of a request's head to its decision",
    kind: MetricKind::Histogram,
    labels: &["operation"],
};

const AUDIT_FAILURES: Metric = Metric {
    name: "lychgate_audit_failures",
    help: "Audit lines that could not be written; their requests were answered 500, unless config says otherwise",
    kind: MetricKind::Counter,
    labels: &[],
};

const RELOADS: Metric = Metric {
    name: "lychgate_reloads",
    help: "Times that the config or a file of it was read again, by outcome",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

const ALLOWLIST_REFRESHES: Metric = Metric {
    name: "lychgate_allowlist_refreshes",
    help: "Times that the published allowlist was asked for, by outcome",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

const CANARIES: Metric = Metric {
    name: "lychgate_canaries",
    help: "Requests that used a decoy, by whether it is an identifier or a client",
    kind: MetricKind::Counter,
    labels: &["kind"],
};

/// The registry of one gateway, and what its requests count in it.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    duration: Family<OperationLabel, Histogram>,
    audit_failures: Counter,
    reloads: Family<OutcomeLabel, Counter>,
    allowlist_refreshes: Family<OutcomeLabel, Counter>,
    canaries: Family<CanaryLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    operation: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CanaryLabel {
    kind: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

impl Metrics {
    /// A registry with everything in it; `readings` are taken when it is scraped.
    pub(crate) fn new(readings: Readings) -> Self {
        let requests = Family::default();
        let duration =
            Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        let audit_failures = Counter::default();
        let reloads = Family::<OutcomeLabel, Counter>::default();
        for outcome in [Outcome::Adopted, Outcome::Refused] {
            let outcome = outcome.name();
            drop(reloads.get_or_create(&OutcomeLabel { outcome }));
        }
        let allowlist_refreshes = Family::<OutcomeLabel, Counter>::default();
        for outcome in AllowlistRefresh::ALL {
            let outcome = outcome.name();
            drop(allowlist_refreshes.get_or_create(&OutcomeLabel { outcome }));
        }
        let canaries = Family::<CanaryLabel, Counter>::default();
        let mut registry = Registry::default();
        registry.register(REQUESTS.name, REQUESTS.help, requests.clone());
        registry.register(DURATION.name, DURATION.help, duration.clone());
        registry.register(
            AUDIT_FAILURES.name,
            AUDIT_FAILURES.help,
            audit_failures.clone(),
        );
        registry.register(RELOADS.name, RELOADS.help, reloads.clone());
        let Metric { name, help, .. } = ALLOWLIST_REFRESHES;
        registry.register(name, help, allowlist_refreshes.clone());
        registry.register(CANARIES.name, CANARIES.help, canaries.clone());
        // An alert is raised on the first, so each is there from the start.
        for canary in [Canary::Identifier, Canary::Client] {
            let kind = canary.name();
            drop(canaries.get_or_create(&CanaryLabel { kind }));
        }
        readings.legacy.upgrades().counts().register(&mut registry);
        registry.register_collector(Box::new(readings));
        Self {
            registry,
            requests,
            duration,
            audit_failures,
            reloads,
            allowlist_refreshes,
            canaries,
        }
    }

    /// Other settings were adopted or refused.
    pub(crate) fn reloaded(&self, outcome: Outcome) {
        let outcome = outcome.name();
        self.reloads.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    /// A decoy was used.
    pub(crate) fn canary_used(&self, canary: Canary) {
        let kind = canary.name();
        self.canaries.get_or_create(&CanaryLabel { kind }).inc();
    }

    /// A request was decided.
    pub(crate) fn answered(
        &self,
        operation: Option<&'static str>,
        problem: Option<ProblemKind>,
        took: Duration,
    ) {
        let operation = operation.unwrap_or(NO_OPERATION);
        let outcome = problem.map_or(ANSWERED, |problem| problem.describe().name);
        self.requests
            .get_or_create(&RequestLabels { operation, outcome })
            .inc();
        self.duration
            .get_or_create(&OperationLabel { operation })
            .observe(took.as_secs_f64());
    }

    /// An audit line could not be written.
    pub(crate) fn audit_failed(&self) {
        self.audit_failures.inc();
    }

    /// The published allowlist was asked for.
    pub(crate) fn allowlist_refreshed(&self, outcome: AllowlistRefresh) {
        let outcome = outcome.name();
        let label = OutcomeLabel { outcome };
        self.allowlist_refreshes.get_or_create(&label).inc();
    }

    /// Everything in the `OpenMetrics` text format.
    pub(crate) fn render(&self) -> Result<String, std::fmt::Error> {
        let mut rendered = String::new();
        text::encode(&mut rendered, &self.registry)?;
        Ok(rendered)
    }
}
