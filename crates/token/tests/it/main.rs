//! The crate from outside: published vectors, a second implementation, tampered tokens.

#[cfg(test)]
mod dpop;
#[cfg(test)]
mod jsonwebtoken_agrees;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod wycheproof_tokens;
