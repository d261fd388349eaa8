//! How often a client, and a network, may call: the gate between the scope and the body.
//!
//! An authorized caller comes in; a [`Slot`] goes on, which proves that neither its client nor its network has called more
//! often than config allows. An attacker with a good token wants to ask about everybody, fast. Nobody is counted whose
//! token was refused before, so a stranger uses up nobody's rate.

mod buckets;

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::buckets::{Buckets, Empty};
use crate::operations::Operation;
use crate::problem::Problem;
use crate::scope::Authorized;
use crate::settings::ClientId;

/// How often: a token bucket, which holds `burst` calls and is refilled evenly with `per_minute`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Calls a minute, in the long run.
    pub per_minute: NonZeroU32,
    /// Calls at once, after a pause.
    pub burst: NonZeroU32,
}

/// The rates of those who call. By default there are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// Of each client.
    pub client: Option<Rate>,
    /// Of each network: an address of IPv4, or a `/64` of IPv6, which is what one machine has at its disposal.
    pub network: Option<Rate>,
    /// Clients, and networks, whose calls are counted at a time.
    pub remembered: usize,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            client: None,
            network: None,
            remembered: 100_000,
        }
    }
}

/// The buckets of all who call.
pub(crate) struct Rates(Mutex<Tables>);

struct Tables {
    clients: Option<Buckets<ClientId>>,
    networks: Option<Buckets<IpAddr>>,
}

/// Room for one call. [`Rates::take`] makes it, and nothing else.
#[derive(Debug)]
pub(crate) struct Slot(());

impl Rates {
    pub(crate) fn new(limits: RateLimits) -> Self {
        let remembered = limits.remembered;
        Self(Mutex::new(Tables {
            clients: limits.client.map(|rate| Buckets::new(rate, remembered)),
            networks: limits.network.map(|rate| Buckets::new(rate, remembered)),
        }))
    }

    /// Counts the call of an authorized caller, if it is within both rates; a call that one refuses does not count for the
    /// other.
    pub(crate) fn take<O: Operation>(&self, authorized: &Authorized<O>) -> Result<Slot, Problem> {
        let caller = authorized.caller();
        self.take_at(caller.client(), caller.peer().address(), Instant::now())
    }

    /// How many clients and networks are being counted.
    pub(crate) fn remembered(&self) -> usize {
        self.with_tables(|tables| {
            tables.clients.as_ref().map_or(0, Buckets::len)
                + tables.networks.as_ref().map_or(0, Buckets::len)
        })
    }

    fn take_at(&self, client: &ClientId, address: IpAddr, now: Instant) -> Result<Slot, Problem> {
        let network = network_of(address);
        self.with_tables(|tables| {
            if let Some(clients) = &tables.clients {
                clients
                    .look(client, now)
                    .map_err(|empty| refused("rate-of-the-client", empty))?;
            }
            if let Some(networks) = &mut tables.networks {
                networks
                    .look(&network, now)
                    .map_err(|empty| refused("rate-of-the-network", empty))?;
                networks.take(network, now);
            }
            if let Some(clients) = &mut tables.clients {
                clients.take(client.clone(), now);
            }
            Ok(Slot(()))
        })
    }

    fn with_tables<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn refused(whose: &'static str, empty: Empty) -> Problem {
    match empty {
        Empty::Until(retry_after) => Problem::RateLimited { whose, retry_after },
        Empty::NoRoom => Problem::Overloaded,
    }
}

/// What one machine has at its disposal: an address of IPv4, or a `/64` of IPv6 (RFC 4291 §2.5.4).
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

/// The time between two calls of a rate.
fn interval(rate: Rate) -> Duration {
    Duration::from_mins(1) / rate.per_minute.get()
}

#[cfg(test)]
impl Slot {
    pub(crate) fn of_a_test() -> Self {
        Self(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_minute: u32, burst: u32) -> Rate {
        Rate {
            per_minute: NonZeroU32::new(per_minute).unwrap(),
            burst: NonZeroU32::new(burst).unwrap(),
        }
    }

    fn client(name: &str) -> ClientId {
        ClientId::parse(name).unwrap()
    }

    fn taken(rates: &Rates, client: &ClientId, address: &str, now: Instant) -> bool {
        rates.take_at(client, address.parse().unwrap(), now).is_ok()
    }

    #[test]
    fn what_one_rate_refuses_does_not_count_for_the_other() {
        let (one, other, now) = (client("one"), client("other"), Instant::now());
        let rates = Rates::new(RateLimits {
            client: Some(rate(60, 3)),
            network: Some(rate(60, 2)),
            ..RateLimits::default()
        });
        assert!(taken(&rates, &one, "192.0.2.1", now));
        assert!(taken(&rates, &one, "192.0.2.1", now));
        for _ in 0..10 {
            assert!(
                !taken(&rates, &one, "192.0.2.1", now),
                "the network is used up"
            );
        }
        assert!(taken(&rates, &one, "192.0.2.2", now), "the client is not");
        for _ in 0..10 {
            assert!(!taken(&rates, &one, "192.0.2.2", now), "now it is");
        }
        assert!(
            taken(&rates, &other, "192.0.2.2", now),
            "the network is not"
        );
        assert_eq!(rates.remembered(), 4);
    }

    #[test]
    fn without_rates_nothing_is_counted() {
        let rates = Rates::new(RateLimits::default());
        for _ in 0..1000 {
            assert!(taken(&rates, &client("one"), "192.0.2.1", Instant::now()));
        }
        assert_eq!(rates.remembered(), 0);
    }

    #[test]
    fn a_network_is_an_address_of_ipv4_or_a_64_of_ipv6() {
        for (one, other, same) in [
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8:0:1::1", "2001:db8::1", false),
        ] {
            let [one, other] = [one, other].map(|address| network_of(address.parse().unwrap()));
            assert_eq!(one == other, same, "{one} and {other}");
        }
    }
}
