//! How much work a stored hash may ask for. What exceeds a limit is refused from its text alone.
//! An attacker who can write one row to the store wants a login that takes an hour or all memory.

use crate::recipe::Recipe;

/// The most work that a stored hash may ask for; every bound is inclusive.
///
/// The defaults let through what frameworks write and people raise by hand. The dearest hash that passes them keeps
/// one thread busy for a few seconds; how much memory all threads take together is the pool's to bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory of one computation of Argon2, scrypt or yescrypt, in KiB: 262144 (256 MiB).
    pub memory_kib: u32,
    /// Passes of Argon2 over its memory: 10.
    pub argon2_passes: u32,
    /// Memory that scrypt fills over all its lanes together, in KiB: 1048576 (1 GiB).
    pub scrypt_kib: u64,
    /// Lanes of Argon2, scrypt and yescrypt, which are computed one after another here: 16.
    pub lanes: u32,
    /// Binary logarithm of bcrypt's rounds, the number in the hash: 15.
    pub bcrypt_cost: u32,
    /// Binary logarithm of phpass's and Drupal's rounds: 18.
    pub phpass_log2_rounds: u32,
    /// Iterations of PBKDF2: 10,000,000.
    pub pbkdf2_iterations: u32,
    /// Rounds of crypt(3) by SHA-1 and SHA-2: 1,000,000.
    pub sha_crypt_rounds: u32,
    /// Rounds of crypt(3) by DES: 1,000,000.
    pub des_crypt_rounds: u32,
    /// Rounds of a format that is an expression: 1,000,000.
    pub expression_rounds: u32,
}

impl Limits {
    pub(crate) fn allow(&self, recipe: &Recipe) -> bool {
        let [first, second, third] = recipe.parameters();
        recipe.memory_kib() <= self.memory_kib
            && match recipe {
                Recipe::Argon2(_) | Recipe::Magento(_) => {
                    second <= self.argon2_passes && third <= self.lanes
                }
                Recipe::Scrypt(_) | Recipe::Firebase(_) => {
                    let kib = u64::from(recipe.memory_kib()) * u64::from(third);
                    third <= self.lanes && kib <= self.scrypt_kib
                }
                Recipe::Yescrypt(_) | Recipe::GostYescrypt(_) => second <= self.lanes,
                Recipe::Bcrypt(_) | Recipe::PasslibBcrypt(_) => first <= self.bcrypt_cost,
                Recipe::Phpass(_) => first <= self.phpass_log2_rounds,
                Recipe::Pbkdf2(_) => first <= self.pbkdf2_iterations,
                Recipe::Sha1Crypt(_) | Recipe::ShaCrypt(_) => first <= self.sha_crypt_rounds,
                Recipe::DesCrypt(_) => first <= self.des_crypt_rounds,
                Recipe::Simple { simple, .. } if simple.is_pbkdf2() => {
                    first <= self.pbkdf2_iterations
                }
                Recipe::Simple { .. } => first <= self.expression_rounds,
                Recipe::Md5Crypt(_) | Recipe::Mysql323 | Recipe::Oracle10 => true,
            }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_kib: 256 * 1024,
            argon2_passes: 10,
            scrypt_kib: 1024 * 1024,
            lanes: 16,
            bcrypt_cost: 15,
            phpass_log2_rounds: 18,
            pbkdf2_iterations: 10_000_000,
            sha_crypt_rounds: 1_000_000,
            des_crypt_rounds: 1_000_000,
            expression_rounds: 1_000_000,
        }
    }
}
