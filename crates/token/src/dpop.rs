//! Proofs of possession (RFC 9449): with each request a client shows that it holds the key its token is bound to.
//!
//! In come the text of a `DPoP` header and what the request is by our own account; out comes a [`Proof`]: whoever made
//! it holds the private half of the key with this thumbprint, and made it just now, for this method, this place and this
//! token. It does not say that the proof is seen for the first time: [`Seen`](crate::Seen) does. An attacker has seen a
//! proof and wants to use it for another request, or brings a key of her own.

mod nonce;
mod target;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::jwk::{PublicKey, is_public_signature_key};
use crate::jws::{Header, Parts, text_member};
use crate::{Algorithm, Error, Refusal, SigningKey, UnixTime, base64url, claims, strict_json};

pub use nonce::Nonces;
pub use target::Target;

/// A request, as a proof has to describe it.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// The method, `htm`, to the letter.
    pub method: &'r str,
    /// The place, `htu`: by our own account of our name, never by what the request says of it.
    pub target: &'r Target,
    /// The SHA-256 of the access token that is presented with it, `ath`; at a token endpoint there is none.
    pub access_token: Option<[u8; 32]>,
}

/// A proof that was found good. Nothing but [`Proof::verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    thumbprint: String,
    id: [u8; 32],
    nonce: Option<String>,
    remember_until: UnixTime,
}

impl Proof {
    /// The algorithms of proofs. A client makes its key for this alone, so there is no old one to be kind to.
    pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::EdDsa];
    /// The `typ` of a proof (RFC 9449 §4.2).
    pub const TYPE: &'static str = "dpop+jwt";
    /// The longest proof, in bytes.
    pub const MOST_BYTES: usize = 4096;
    /// The longest `jti`, in bytes.
    pub const MOST_JTI_BYTES: usize = 128;
    /// How long after its `iat` a proof is good, beside the leeway.
    pub const MAX_AGE: Duration = Duration::from_mins(1);

    /// Finds a proof good, or says why not (RFC 9449 §4.3; point 1, that there is one header, and point 10, the nonce,
    /// are the caller's). `leeway` is how far the client's clock may be from ours.
    pub fn verify(
        text: &str,
        request: &Request<'_>,
        leeway: Duration,
        now: UnixTime,
    ) -> Result<Self, Refusal> {
        if text.len() > Self::MOST_BYTES {
            return Err(Refusal::TooLarge);
        }
        let parts = Parts::split(text)?;
        let (algorithm, public_key) = read_header(&parts.header)?;
        let key = public_key
            .parse_for(algorithm)
            .ok_or(Refusal::UnusableKey)?;
        key.verify_sig(parts.signing_input.as_bytes(), &parts.signature)
            .map_err(|_| Refusal::WrongSignature)?;
        let claims = strict_json::parse_object(&parts.payload)?;
        let issued_at = admit(&claims, request, leeway, now)?;
        let thumbprint = public_key.thumbprint();
        Ok(Self {
            id: id(&thumbprint, &required(&claims, "jti")?)?,
            thumbprint,
            nonce: claims::text(&claims, "nonce")?,
            remember_until: issued_at.plus(Self::MAX_AGE).plus(leeway),
        })
    }

    /// The thumbprint of the key that signed it, as it stands in `cnf.jkt` (RFC 7638, with SHA-256).
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// What the proof is to be known by: a digest of its key and its `jti`.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Until when it would be good again, if nobody remembered it.
    pub fn remember_until(&self) -> UnixTime {
        self.remember_until
    }

    /// The server's nonce that it was made with.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }
}

/// Writes a proof as a client does: these claims, signed with this key, whose public half stands in the header.
pub fn sign(key: &SigningKey, claims: &impl Serialize) -> Result<String, Error> {
    let header = json!({
        "typ": Proof::TYPE,
        "alg": key.algorithm().name(),
        "jwk": key.verification_key().jwk().public_members(),
    });
    key.sign_under(&header, claims)
}

/// The algorithm, and the key that the proof is made with (RFC 9449 §4.3, points 4 to 7).
fn read_header(bytes: &[u8]) -> Result<(Algorithm, PublicKey), Refusal> {
    let members = strict_json::parse_object(bytes)?;
    // Here the key has to come along; whatever would bring or name a second one is refused all the same.
    if let Some(name) = Header::forbidden_in(&members, &["jwk"]) {
        return Err(Refusal::ForbiddenHeader(name));
    }
    let required = |name| text_member(&members, name)?.ok_or(Refusal::MissingHeader(name));
    if !required("typ")?.eq_ignore_ascii_case(Proof::TYPE) {
        return Err(Refusal::WrongType);
    }
    let algorithm = required("alg")?
        .parse()
        .ok()
        .filter(|algorithm| Proof::ALGORITHMS.contains(algorithm))
        .ok_or(Refusal::WrongAlgorithm)?;
    let key = match members.get("jwk") {
        None => return Err(Refusal::MissingHeader("jwk")),
        Some(Value::Object(key)) => key,
        Some(_) => return Err(Refusal::MistypedHeader("jwk")),
    };
    if !is_public_signature_key(key) {
        return Err(Refusal::UnusableKey);
    }
    let key = PublicKey::read(key).ok_or(Refusal::UnusableKey)?;
    Ok((algorithm, key))
}

/// Points 8 to 12 of RFC 9449 §4.3, without the nonce; the time at which the proof was made.
fn admit(
    claims: &Map<String, Value>,
    request: &Request<'_>,
    leeway: Duration,
    now: UnixTime,
) -> Result<UnixTime, Refusal> {
    if required(claims, "htm")? != request.method {
        return Err(Refusal::WrongMethod);
    }
    if Target::parse(&required(claims, "htu")?).as_ref() != Some(request.target) {
        return Err(Refusal::WrongTarget);
    }
    let issued_at = claims::time(claims, "iat")?.ok_or(Refusal::MissingClaim("iat"))?;
    if issued_at > now.plus(leeway) {
        return Err(Refusal::IssuedInTheFuture);
    }
    let expired = |end: UnixTime| end <= now.minus(leeway);
    // A proof need not say when it ends; where it does it is taken at its word (RFC 7519 §4.1.4).
    if expired(issued_at.plus(Proof::MAX_AGE)) || claims::time(claims, "exp")?.is_some_and(expired)
    {
        return Err(Refusal::Expired);
    }
    if claims::time(claims, "nbf")?.is_some_and(|begin| begin > now.plus(leeway)) {
        return Err(Refusal::NotYetValid);
    }
    if let Some(digest) = request.access_token
        && required(claims, "ath")? != base64url::encode(&digest)
    {
        return Err(Refusal::WrongAccessToken);
    }
    Ok(issued_at)
}

fn required(claims: &Map<String, Value>, name: &'static str) -> Result<String, Refusal> {
    claims::text(claims, name)?.ok_or(Refusal::MissingClaim(name))
}

/// Two clients may choose the same `jti`, and neither may use up the other's.
fn id(thumbprint: &str, jti: &str) -> Result<[u8; 32], Refusal> {
    if jti.is_empty() || jti.len() > Proof::MOST_JTI_BYTES {
        return Err(Refusal::MistypedClaim("jti"));
    }
    // A thumbprint has a fixed length, so no two pairs make one text.
    let mut id = [0; 32];
    id.copy_from_slice(digest(&SHA256, format!("{thumbprint}{jti}").as_bytes()).as_ref());
    Ok(id)
}

#[cfg(test)]
mod tests;
