//! What is not counted but read, at the moment of a scrape, from the rooms that know it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use lychgate_listener::{Counters, HandshakeFault, Live};
use lychgate_token::UnixTime;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::{Metric, MetricKind};
use crate::access_token::issuer_keys::IssuerKeys;
use crate::audit::Writer;
use crate::idempotency::Idempotency;
use crate::ledger::Counts;
use crate::legacy::Legacy;
use crate::lockout::Lockout;
use crate::native;
use crate::rate::Rates;
use crate::rules::Rules;

/// The label of metrics that are one an issuer.
const ISSUER: &str = "issuer";

pub(super) const AUDIT_SEQUENCE: Metric = gauge(
    "lychgate_audit_sequence",
    "Number of the last audit line; a log that ends before it has lost lines",
    &[],
);
pub(super) const CONNECTIONS: Metric = counter(
    "lychgate_connections",
    "Connections accepted, refused ones included",
);
pub(super) const OPEN_CONNECTIONS: Metric =
    gauge("lychgate_open_connections", "Connections open now", &[]);
pub(super) const REFUSED_CONNECTIONS: Metric = counter(
    "lychgate_refused_connections",
    "Connections closed because their network is not on the allowlist",
);
pub(super) const CONNECTIONS_OVER_LIMIT: Metric = counter(
    "lychgate_connections_over_limit",
    "Connections closed because too many were open",
);
pub(super) const HANDSHAKE_FAILURES: Metric = Metric {
    name: "lychgate_tls_handshake_failures",
    help: "TLS handshakes and PROXY headers that came to nothing, by listener and reason",
    kind: MetricKind::Counter,
    labels: &["listener", "reason"],
};
pub(super) const ACCEPT_FAILURES: Metric = counter(
    "lychgate_accept_failures",
    "Times the system would not hand over a connection",
);
pub(super) const HASHES: Metric = counter("lychgate_password_hashes", "Password hash computations");
pub(super) const HASH_QUEUE: Metric = gauge(
    "lychgate_password_hash_queue",
    "Requests that wait for a hash",
    &[],
);
pub(super) const RATE_BUCKETS: Metric = gauge(
    "lychgate_rate_buckets",
    "Clients and networks whose calls are counted for their rates",
    &[],
);
pub(super) const IDEMPOTENCY_KEYS: Metric = gauge(
    "lychgate_idempotency_keys",
    "Calls with an `Idempotency-Key` that are remembered, those under way among them",
    &[],
);
pub(super) const IDEMPOTENCY_REPEATED: Metric = counter(
    "lychgate_idempotency_repeated",
    "Calls that got what an earlier one of the same `Idempotency-Key` had got",
);
pub(super) const IDEMPOTENCY_GIVEN_UP: Metric = counter(
    "lychgate_idempotency_given_up",
    "Results that were forgotten before their time, for want of room",
);
pub(super) const LOCKED_IDENTIFIERS: Metric = gauge(
    "lychgate_locked_identifiers",
    "Identifiers whose password may not be tried now, because it was wrong too often",
    &[],
);
pub(super) const NATIVE_OPEN: Metric = gauge(
    "lychgate_native_open_sessions",
    "Sessions of the native interface that are open",
    &[],
);
pub(super) const NATIVE_OPENED: Metric = counter(
    "lychgate_native_sessions",
    "Sessions of the native interface that began",
);
pub(super) const NATIVE_REFUSED: Metric = counter(
    "lychgate_native_refused_sessions",
    "Connections to the native interface that became no session",
);
pub(super) const NATIVE_CUT: Metric = counter(
    "lychgate_native_cut_sessions",
    "Sessions of the native interface that were ended: silent, too long, by a command, or by a stop",
);
pub(super) const NATIVE_BYTES: Metric = counter(
    "lychgate_native_bytes",
    "Bytes that went through the native interface in sessions that have ended, both ways",
);
pub(super) const STORE_CONNECTIONS: Metric = gauge(
    "lychgate_store_connections",
    "Connections to the legacy store that are open",
    &[],
);
pub(super) const STORE_CREDENTIALS_FAULTY: Metric = gauge(
    "lychgate_store_credentials_faulty",
    "1 where the store's credentials that were read last cannot be used, and older ones still are, else 0",
    &[],
);
pub(super) const KEYS_AVAILABLE: Metric = gauge(
    "lychgate_issuer_keys_available",
    "1 where an issuer's keys are known and recent enough, else 0",
    &[ISSUER],
);
pub(super) const KEYS_AGE: Metric = gauge(
    "lychgate_issuer_keys_age_seconds",
    "Seconds since an issuer's keys were last fetched",
    &[ISSUER],
);
pub(super) const VERIFIED_TOKENS: Metric = gauge(
    "lychgate_verified_tokens",
    "Verified tokens that are remembered",
    &[],
);
pub(super) const PROOFS: Metric = gauge(
    "lychgate_proofs",
    "Proofs of possession that are remembered, so that none is taken twice; with no room for more, new ones are refused",
    &[],
);
pub(super) const USED_TOKENS: Metric = gauge(
    "lychgate_used_tokens",
    "Tokens that are remembered because each is good for one call; with no room for more, new ones are refused",
    &[],
);

pub(super) const LEDGER_SIGHTINGS: Metric = counter(
    "lychgate_ledger_sightings",
    "Answers about a user of the store that the migration ledger was told of",
);
pub(super) const LEDGER_DROPPED: Metric = counter(
    "lychgate_ledger_dropped",
    "Answers that the migration ledger had no room for; it is incomplete from the first on",
);
pub(super) const LEDGER_FAILURES: Metric = counter(
    "lychgate_ledger_write_failures",
    "Times the migration ledger could not be written; what waits is tried again",
);
pub(super) const LEDGER_WAITING: Metric = gauge(
    "lychgate_ledger_waiting",
    "Users about whom the migration ledger has something to write",
    &[],
);

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric {
        name,
        help,
        kind: MetricKind::Counter,
        labels: &[],
    }
}

const fn gauge(name: &'static str, help: &'static str, labels: &'static [&'static str]) -> Metric {
    Metric {
        name,
        help,
        kind: MetricKind::Gauge,
        labels,
    }
}

/// The rooms that are read.
pub(crate) struct Readings {
    pub(crate) audit: Arc<Writer>,
    pub(crate) connections: Arc<Counters>,
    pub(crate) native: Arc<native::Counts>,
    pub(crate) rates: Arc<Rates>,
    pub(crate) idempotency: Arc<Idempotency>,
    pub(crate) admin_connections: Arc<Counters>,
    pub(crate) lockout: Arc<Lockout>,
    pub(crate) legacy: Arc<Legacy>,
    pub(crate) rules: Arc<Live<Rules>>,
    pub(crate) ledger: Arc<Counts>,
}

impl fmt::Debug for Readings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Readings").finish_non_exhaustive()
    }
}

impl Collector for Readings {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let connections = &self.connections;
        let passwords = self.legacy.passwords();
        let rules = self.rules.current();
        let store = self.legacy.condition();
        for (metric, value) in [
            (AUDIT_SEQUENCE, self.audit.sequence()),
            (CONNECTIONS, connections.accepted()),
            (OPEN_CONNECTIONS, unsigned(connections.open())),
            (REFUSED_CONNECTIONS, connections.refused()),
            (CONNECTIONS_OVER_LIMIT, connections.over_limit()),
            (ACCEPT_FAILURES, connections.accept_failures()),
            (HASHES, passwords.invocations()),
            (HASH_QUEUE, unsigned(passwords.queued())),
            (RATE_BUCKETS, unsigned(self.rates.remembered())),
            (IDEMPOTENCY_KEYS, unsigned(self.idempotency.remembered())),
            (IDEMPOTENCY_REPEATED, self.idempotency.repeated()),
            (IDEMPOTENCY_GIVEN_UP, self.idempotency.given_up()),
            (LOCKED_IDENTIFIERS, unsigned(self.lockout.slowed())),
            (STORE_CONNECTIONS, unsigned(store.connections)),
            (
                STORE_CREDENTIALS_FAULTY,
                u64::from(store.has_faulty_credentials),
            ),
            (VERIFIED_TOKENS, rules.access_tokens.remembered()),
            (PROOFS, unsigned(rules.possession.remembered_proofs())),
            (USED_TOKENS, unsigned(rules.possession.remembered_tokens())),
        ] {
            encode_one(&mut encoder, metric, value)?;
        }
        let (ledger, native) = (&self.ledger, &self.native);
        for (metric, count) in [
            (NATIVE_OPEN, &native.open),
            (NATIVE_OPENED, &native.opened),
            (NATIVE_REFUSED, &native.refused),
            (NATIVE_CUT, &native.cut),
            (NATIVE_BYTES, &native.bytes),
            (LEDGER_SIGHTINGS, &ledger.taken),
            (LEDGER_DROPPED, &ledger.dropped),
            (LEDGER_FAILURES, &ledger.failures),
            (LEDGER_WAITING, &ledger.waiting),
        ] {
            encode_one(&mut encoder, metric, count.load(Ordering::Relaxed))?;
        }
        self.encode_handshake_failures(&mut encoder)?;
        let now = UnixTime::now();
        let available = |issuer: &IssuerKeys| Some(u64::from(issuer.available(now)));
        self.encode_by_issuer(&mut encoder, KEYS_AVAILABLE, available)?;
        self.encode_by_issuer(&mut encoder, KEYS_AGE, |issuer| {
            issuer.fetched_at().map(|at| now.since(at).as_secs())
        })
    }
}

impl Readings {
    fn encode_handshake_failures(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let Metric { name, help, .. } = HANDSHAKE_FAILURES;
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        let listeners = [
            ("api", &self.connections),
            ("admin", &self.admin_connections),
        ];
        for (listener, counters) in listeners {
            for fault in HandshakeFault::ALL {
                let labels = [("listener", listener), ("reason", fault.name())];
                let count = ConstCounter::new(counters.handshake_failures(fault));
                count.encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn encode_by_issuer(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: Metric,
        read: impl Fn(&IssuerKeys) -> Option<u64>,
    ) -> fmt::Result {
        let mut family =
            encoder.encode_descriptor(metric.name, metric.help, None, MetricType::Gauge)?;
        for issuer in self.rules.current().access_tokens.issuers() {
            if let Some(value) = read(issuer) {
                let label = [(ISSUER, issuer.issuer())];
                ConstGauge::new(signed(value)).encode(family.encode_family(&label)?)?;
            }
        }
        Ok(())
    }
}

fn encode_one(encoder: &mut DescriptorEncoder<'_>, metric: Metric, value: u64) -> fmt::Result {
    match metric.kind {
        MetricKind::Counter => {
            let encoder =
                encoder.encode_descriptor(metric.name, metric.help, None, MetricType::Counter)?;
            ConstCounter::new(value).encode(encoder)
        }
        MetricKind::Gauge | MetricKind::Histogram => {
            let encoder =
                encoder.encode_descriptor(metric.name, metric.help, None, MetricType::Gauge)?;
            ConstGauge::new(signed(value)).encode(encoder)
        }
    }
}

fn unsigned(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
