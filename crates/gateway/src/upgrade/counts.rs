//! How upgrades came out, for the metrics.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::Left;
use crate::audit::Outcome;
use crate::metrics::{Metric, MetricKind};

pub(crate) const UPGRADES: Metric = Metric {
    name: "lychgate_password_upgrades",
    help: "Upgrades of a stored hash after a login, by outcome",
    kind: MetricKind::Counter,
    labels: &["outcome"],
};

pub(crate) const UPGRADES_LEFT: Metric = Metric {
    name: "lychgate_password_upgrades_left",
    help: "Logins whose hash should be upgraded and was left as it is, by reason",
    kind: MetricKind::Counter,
    labels: &["reason"],
};

/// What is counted of upgrades. Clones count together.
#[derive(Clone)]
pub(crate) struct UpgradeCounts {
    done: Family<OutcomeLabel, Counter>,
    left: Family<ReasonLabel, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

impl UpgradeCounts {
    /// Nothing yet, under every name that there is.
    pub(super) fn new() -> Self {
        let counts = Self {
            done: Family::default(),
            left: Family::default(),
        };
        for outcome in [
            Outcome::Upgraded,
            Outcome::Superseded,
            Outcome::UpgradeFailed,
        ] {
            let outcome = outcome.name();
            drop(counts.done.get_or_create(&OutcomeLabel { outcome }));
        }
        for reason in Left::all().map(Left::name) {
            drop(counts.left.get_or_create(&ReasonLabel { reason }));
        }
        counts
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(UPGRADES.name, UPGRADES.help, self.done.clone());
        registry.register(UPGRADES_LEFT.name, UPGRADES_LEFT.help, self.left.clone());
    }

    pub(super) fn done(&self, outcome: Outcome) {
        let outcome = outcome.name();
        self.done.get_or_create(&OutcomeLabel { outcome }).inc();
    }

    pub(super) fn left(&self, left: Left) {
        let reason = left.name();
        self.left.get_or_create(&ReasonLabel { reason }).inc();
    }
}
