//! How much work a stored hash may ask for. What exceeds a limit is refused from its text alone.
//! An attacker who can write one row to the store wants a login that takes an hour or all memory.

use crate::format::Cost;

/// The most work that a stored hash may ask for; every bound is inclusive.
///
/// The defaults let through what frameworks write and people raise by hand. The dearest hash that passes them keeps
/// one thread busy for a few seconds, and a pool's threads together take at most `argon2id_memory_kib` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of one argon2id computation, in KiB: 262144 (256 MiB).
    pub argon2id_memory_kib: u32,
    /// Passes of argon2id over its memory: 10.
    pub argon2id_passes: u32,
    /// Lanes of argon2id, which are computed one after another here: 16.
    pub argon2id_lanes: u32,
    /// Binary logarithm of bcrypt's rounds, the number in the hash: 15.
    pub bcrypt_cost: u32,
    /// Binary logarithm of phpass's rounds: 18.
    pub phpass_log2_rounds: u32,
    /// Iterations of Django's PBKDF2: 10,000,000.
    pub django_pbkdf2_iterations: u32,
}

impl Limits {
    pub(crate) fn allow(&self, cost: Cost) -> bool {
        match cost {
            Cost::Argon2id {
                memory_kib,
                passes,
                lanes,
            } => {
                memory_kib <= self.argon2id_memory_kib
                    && passes <= self.argon2id_passes
                    && lanes <= self.argon2id_lanes
            }
            Cost::Bcrypt { cost } => cost <= self.bcrypt_cost,
            Cost::Phpass { log2_rounds } => log2_rounds <= self.phpass_log2_rounds,
            Cost::DjangoPbkdf2 { iterations, .. } => iterations <= self.django_pbkdf2_iterations,
            Cost::LdapSsha => true,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            argon2id_memory_kib: 256 * 1024,
            argon2id_passes: 10,
            argon2id_lanes: 16,
            bcrypt_cost: 15,
            phpass_log2_rounds: 18,
            django_pbkdf2_iterations: 10_000_000,
        }
    }
}
