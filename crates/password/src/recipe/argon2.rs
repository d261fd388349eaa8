//! Argon2 in PHC form (RFC 9106, and the string format of its reference implementation):
//! `$argon2id$v=19$m=19456,t=2,p=1$salt$digest`, base64 without padding; `argon2i` and `argon2d` likewise.
//! Version 16 is read as well, with `v=16` or, as its libraries wrote it, without any `v`.

use std::cell::RefCell;

use ::argon2::{Algorithm, Block, Params, Version};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use zeroize::Zeroizing;

use super::{Parsed, Recipe};
use crate::{
    Error, StoredHash,
    function::Bytes,
    text::{decimal, random_salt},
};

/// Lengths that honest libraries use; shorter digests could be guessed, longer ones are only work.
const SALT_BYTES: std::ops::RangeInclusive<usize> = 8..=64;
const DIGEST_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// The memory of new hashes, which OWASP's Password Storage Cheat Sheet names first for two passes: 19 MiB.
pub(crate) const NEW_MEMORY_KIB: u32 = 19 * 1024;

const NEW_PASSES: u32 = 2;

/// The memory that a thread keeps for its next hash, in blocks of 1 KiB: as much as a new hash takes.
const KEPT_BLOCKS: usize = NEW_MEMORY_KIB as usize;

thread_local! {
    /// To give it back and ask for it anew costs time, and the allocator of glibc 2.36 then holds ten times as much.
    static WORKSPACE: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

#[derive(Clone, Debug)]
pub(crate) struct Argon2 {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Argon2 {
    pub(super) fn new(algorithm: Algorithm, version: Version, params: Params) -> Self {
        Self {
            algorithm,
            version,
            params,
        }
    }

    pub(crate) fn parse_id(text: &str) -> Option<Parsed> {
        parse(Algorithm::Argon2id, text.strip_prefix("$argon2id$")?)
    }

    pub(crate) fn parse_i(text: &str) -> Option<Parsed> {
        parse(Algorithm::Argon2i, text.strip_prefix("$argon2i$")?)
    }

    pub(crate) fn parse_d(text: &str) -> Option<Parsed> {
        parse(Algorithm::Argon2d, text.strip_prefix("$argon2d$")?)
    }

    /// A new Argon2id hash, with a salt from the system's random source.
    pub(crate) fn compute(password: &[u8]) -> Result<StoredHash, Error> {
        let params = Params::new(NEW_MEMORY_KIB, NEW_PASSES, 1, Some(32))
            .map_err(|_| Error::Internal("the cost of new argon2id hashes is not legal"))?;
        let recipe = Self {
            algorithm: Algorithm::Argon2id,
            version: Version::V0x13,
            params,
        };
        let salt: [u8; 16] = random_salt()?;
        let digest = recipe.derive(password, &salt, 32)?;
        Ok(StoredHash::encoded(format!(
            "$argon2id$v=19$m={NEW_MEMORY_KIB},t={NEW_PASSES},p=1${}${}",
            STANDARD_NO_PAD.encode(salt),
            STANDARD_NO_PAD.encode(&*digest)
        )))
    }

    pub(super) fn derive(
        &self,
        password: &[u8],
        salt: &[u8],
        bytes: usize,
    ) -> Result<Bytes, Error> {
        let mut digest = Zeroizing::new(vec![0; bytes]);
        let argon2 = ::argon2::Argon2::new(self.algorithm, self.version, self.params.clone());
        let blocks = self.params.block_count();
        let derived = if blocks > KEPT_BLOCKS {
            argon2.hash_password_into(password, salt, &mut digest).ok()
        } else {
            WORKSPACE.with_borrow_mut(|workspace| {
                let memory = first_blocks(workspace, blocks)?;
                argon2
                    .hash_password_into_with_memory(password, salt, &mut digest, memory)
                    .ok()
            })
        };
        derived.ok_or(Error::Internal("argon2 found no memory to work in"))?;
        Ok(digest)
    }

    pub(crate) fn memory_kib(&self) -> u32 {
        self.params.m_cost()
    }

    /// Whether neither its memory nor its memory times its passes are less than those of a new hash.
    pub(super) fn is_as_dear_as_new(&self) -> bool {
        let [memory, passes, _] = self.parameters();
        self.version == Version::V0x13
            && memory >= NEW_MEMORY_KIB
            && u64::from(memory) * u64::from(passes) >= u64::from(NEW_MEMORY_KIB * NEW_PASSES)
    }

    /// Memory, passes, lanes.
    pub(crate) fn parameters(&self) -> [u32; 3] {
        [
            self.params.m_cost(),
            self.params.t_cost(),
            self.params.p_cost(),
        ]
    }
}

/// Gives back the memory that this thread keeps for its next hash.
pub(crate) fn give_back_memory() {
    WORKSPACE.take();
}

/// What an earlier hash has left in them does no harm: each block is written before it is read (RFC 9106 §3.2).
fn first_blocks(workspace: &mut Vec<Block>, count: usize) -> Option<&mut [Block]> {
    if let missing @ 1.. = count.saturating_sub(workspace.len()) {
        workspace.try_reserve_exact(missing).ok()?;
        workspace.resize(count, Block::new());
    }
    workspace.get_mut(..count)
}

impl PartialEq for Argon2 {
    fn eq(&self, other: &Self) -> bool {
        (self.algorithm, self.version, self.parameters())
            == (other.algorithm, other.version, other.parameters())
    }
}

fn parse(algorithm: Algorithm, rest: &str) -> Option<Parsed> {
    let (version, rest) = match rest.strip_prefix("v=") {
        Some(versioned) => versioned.split_once('$')?,
        None => ("16", rest),
    };
    let version = match version {
        "16" => Version::V0x10,
        "19" => Version::V0x13,
        _ => return None,
    };

    let (costs, rest) = rest.split_once('$')?;
    let (memory, costs) = costs.strip_prefix("m=")?.split_once(",t=")?;
    let (passes, lanes) = costs.split_once(",p=")?;

    let (salt, digest) = rest.split_once('$')?;
    let salt = Zeroizing::new(STANDARD_NO_PAD.decode(salt).ok()?);
    let digest = Zeroizing::new(STANDARD_NO_PAD.decode(digest).ok()?);
    if !SALT_BYTES.contains(&salt.len()) || !DIGEST_BYTES.contains(&digest.len()) {
        return None;
    }

    let (memory_kib, passes, lanes) = (decimal(memory)?, decimal(passes)?, decimal(lanes)?);
    let params = Params::new(memory_kib, passes, lanes, Some(digest.len())).ok()?;
    let recipe = Recipe::Argon2(Argon2 {
        algorithm,
        version,
        params,
    });
    Some(Parsed {
        recipe,
        salt,
        digest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derive(algorithm: Algorithm, memory_kib: u32) -> Bytes {
        let params = Params::new(memory_kib, 2, 1, Some(32)).unwrap();
        let recipe = Argon2::new(algorithm, Version::V0x13, params);
        recipe.derive(b"password", b"somesalt", 32).unwrap()
    }

    fn kept() -> usize {
        WORKSPACE.with_borrow(Vec::len)
    }

    #[test]
    fn what_an_earlier_hash_has_left_in_the_memory_changes_nothing() {
        let costs = [
            (Algorithm::Argon2id, 19 * 1024),
            (Algorithm::Argon2d, 64),
            (Algorithm::Argon2i, 4096),
            (Algorithm::Argon2id, 8),
        ];
        let fresh = costs.map(|(algorithm, memory)| {
            give_back_memory();
            derive(algorithm, memory)
        });
        let reused = costs.map(|(algorithm, memory)| derive(algorithm, memory));
        assert_eq!(reused, fresh);
    }

    #[test]
    fn a_thread_keeps_the_memory_of_a_new_hash_and_no_more() {
        give_back_memory();
        derive(Algorithm::Argon2id, 64);
        assert_eq!(kept(), 64);
        derive(Algorithm::Argon2id, NEW_MEMORY_KIB);
        derive(Algorithm::Argon2id, 64);
        derive(Algorithm::Argon2id, NEW_MEMORY_KIB + 1024);
        assert_eq!(kept(), KEPT_BLOCKS);
        give_back_memory();
        assert_eq!(kept(), 0);
    }
}
