//! Password hashes of another decade, verified within bounds and without telling who has one.
//!
//! A legacy store keeps hashes of several formats, some written by libraries that are long gone. This crate knows the
//! formats ([`Format`]), refuses a stored hash that asks for too much work ([`Limits`]), computes on threads of its
//! own ([`Pool`]), and has hashes to verify for those who have none ([`Decoy`]), so that an unknown user takes as
//! long as a wrong password. It does no input or output; it needs a Tokio runtime with timers for its waits.
//!
//! Every answer costs exactly one computation when it is asked for like this:
//!
//! ```
//! use lychgate_password::{Decoy, DecoyClass, Error, Format, Password, Pool, Settings, StoredHash};
//!
//! /// Whether this is the password of the row; the row may be missing, or have no hash that can be verified.
//! async fn authenticate(
//!     pool: &Pool,
//!     decoy: &Decoy,
//!     identifier: &str,
//!     password: Password,
//!     stored: Option<StoredHash>,
//! ) -> Result<bool, Error> {
//!     let parsed = stored.as_ref().and_then(|hash| {
//!         decoy.observe(hash);
//!         pool.parse(hash).ok()
//!     });
//!     let hash = parsed.unwrap_or_else(|| decoy.hash_for(identifier));
//!     pool.verify(password, Some(identifier), hash).await
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! let settings = Settings::default();
//! let decoy = Decoy::new(&[7; 32], &[DecoyClass::new(Format::Phpass, 1)], &settings)?;
//! let pool = Pool::start(settings)?;
//! let password = || Password::new("test12345".to_owned());
//!
//! let stored = StoredHash::new("$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0".to_owned())?;
//! assert!(authenticate(&pool, &decoy, "ada@example.com", password()?, Some(stored)).await?);
//!
//! let locked = StoredHash::new("!".to_owned())?;
//! assert!(!authenticate(&pool, &decoy, "bob@example.com", password()?, Some(locked)).await?);
//! assert!(!authenticate(&pool, &decoy, "nobody@example.com", password()?, None).await?);
//! assert_eq!(pool.invocations(), 3);
//! # Ok(())
//! # }
//! ```

mod secret;
mod function;
mod expression;
mod layout;
mod recipe;
mod format;
mod hash;
mod loss;
mod limits;
mod acceptance;
mod pool;
mod mix;
mod decoy;
mod recogniser;
mod text;
mod error;

pub use decoy::{Decoy, DecoyClass};
pub use error::Error;
pub use format::{Declaration, DeclaredFormat, DeclaredRecipe, Format, Unusable};
pub use hash::ParsedHash;
pub use limits::Limits;
pub use loss::Loss;
pub use pool::{Background, Pool, Settings, Verdict};
pub use recogniser::{
    Candidate, CostRange, Group, Known, Proof, Recogniser, Recognition, Untried, prove,
};
pub use secret::{Password, Pepper, StoredHash};
