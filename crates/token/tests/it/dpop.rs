//! Proofs of possession: the examples of RFC 9449, and a second implementation.

use std::sync::LazyLock;
use std::time::Duration;

use jsonwebtoken as theirs;
use lychgate_token::dpop::{Proof, Request, Target, sign};
use lychgate_token::{Algorithm, BearerToken, Refusal, SigningKey, UnixTime};
use proptest::prelude::*;
use serde_json::{Value, json};

const LEEWAY: Duration = Duration::from_secs(10);
const NOW: UnixTime = UnixTime::from_seconds(1_700_000_000);

static KEYS: LazyLock<[SigningKey; 2]> =
    LazyLock::new(|| Proof::ALGORITHMS.map(|algorithm| SigningKey::generate(algorithm).unwrap()));
static TARGET: LazyLock<Target> =
    LazyLock::new(|| Target::parse("https://gateway.example/v1/users/lookup").unwrap());

/// RFC 9449 §4.1, figure 2.
const AT_THE_TOKEN_ENDPOINT: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg";
/// RFC 9449 §7.1, figure 14.
const AT_A_RESOURCE: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
/// RFC 9449 §7.1, the access token beside it.
const ACCESS_TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
/// RFC 9449 §6.1, figure 8: the thumbprint of the key of all the examples.
const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn verify(
    text: &str,
    method: &str,
    place: &str,
    access_token: Option<&str>,
    now: i64,
) -> Result<Proof, Refusal> {
    let target = Target::parse(place).unwrap();
    let token = access_token.map(|token| BearerToken::new(token.to_owned()).unwrap());
    let request = Request {
        method,
        target: &target,
        access_token: token.as_ref().map(BearerToken::digest),
    };
    Proof::verify(text, &request, LEEWAY, UnixTime::from_seconds(now))
}

#[test]
fn the_proofs_of_rfc_9449_are_read() {
    let token_endpoint = "https://server.example.com/token";
    let proof = verify(
        AT_THE_TOKEN_ENDPOINT,
        "POST",
        token_endpoint,
        None,
        1_562_262_616,
    );
    assert_eq!(proof.unwrap().thumbprint(), THUMBPRINT);
    let resource = "https://resource.example.org/protectedresource";
    let proof = verify(
        AT_A_RESOURCE,
        "GET",
        resource,
        Some(ACCESS_TOKEN),
        1_562_262_618,
    );
    assert_eq!(proof.unwrap().thumbprint(), THUMBPRINT);
}

#[test]
fn a_proof_of_rfc_9449_is_good_for_its_own_request_alone() {
    let resource = "https://resource.example.org/protectedresource";
    let refusal = |method, place, token, now| {
        verify(AT_A_RESOURCE, method, place, Some(token), now).unwrap_err()
    };
    assert_eq!(
        refusal("POST", resource, ACCESS_TOKEN, 1_562_262_618),
        Refusal::WrongMethod
    );
    let other = "https://resource.example.org/another";
    assert_eq!(
        refusal("GET", other, ACCESS_TOKEN, 1_562_262_618),
        Refusal::WrongTarget
    );
    assert_eq!(
        refusal("GET", resource, "another", 1_562_262_618),
        Refusal::WrongAccessToken
    );
    assert_eq!(
        refusal("GET", resource, ACCESS_TOKEN, 1_562_262_718),
        Refusal::Expired
    );
}

prop_compose! {
    fn any_claims()(
        jti in "[A-Za-z0-9_-]{1,40}",
        method in "POST|GET",
        seconds in -20_i64..80,
        nonce in prop::option::of("[A-Za-z0-9_-]{1,40}"),
    ) -> Value {
        let mut claims = json!({
            "jti": jti, "htm": method, "htu": TARGET.as_str(), "iat": NOW.seconds() - seconds,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = json!(nonce);
        }
        claims
    }
}

fn their_algorithm(algorithm: Algorithm) -> theirs::Algorithm {
    match algorithm {
        Algorithm::Es256 => theirs::Algorithm::ES256,
        Algorithm::EdDsa => theirs::Algorithm::EdDSA,
        other => panic!("no proof is signed with {other}"),
    }
}

fn our_reading(text: &str) -> Result<Proof, Refusal> {
    let request = Request {
        method: "POST",
        target: &TARGET,
        access_token: None,
    };
    Proof::verify(text, &request, LEEWAY, NOW)
}

/// What must come of claims that are well-formed.
fn is_good(claims: &Value) -> bool {
    let age = NOW.seconds() - claims["iat"].as_i64().unwrap();
    claims["htm"] == "POST" && (-10..70).contains(&age)
}

proptest! {
    #[test]
    fn they_read_what_we_write_by_the_key_in_its_header(claims in any_claims(), which in 0_usize..2) {
        let key = &KEYS[which];
        let text = sign(key, &claims).unwrap();
        let header = theirs::decode_header(&text).unwrap();
        prop_assert_eq!(header.typ.as_deref(), Some("dpop+jwt"));
        let jwk = header.jwk.unwrap();
        prop_assert_eq!(
            jwk.thumbprint(theirs::jwk::ThumbprintHash::SHA256).unwrap(),
            key.verification_key().thumbprint()
        );
        let mut validation = theirs::Validation::new(their_algorithm(key.algorithm()));
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let read = theirs::decode::<Value>(&text, &theirs::DecodingKey::from_jwk(&jwk).unwrap(), &validation);
        prop_assert_eq!(read.unwrap().claims, claims);
    }

    #[test]
    fn we_read_what_they_write(claims in any_claims(), which in 0_usize..2) {
        let key = &KEYS[which];
        let mut header = theirs::Header::new(their_algorithm(key.algorithm()));
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(serde_json::from_value(key.public_jwk().to_json()).unwrap());
        let der = key.to_pkcs8().unwrap();
        let signer = match key.algorithm() {
            Algorithm::Es256 => theirs::EncodingKey::from_ec_der(&der),
            _ => theirs::EncodingKey::from_ed_der(&der),
        };
        let proof = our_reading(&theirs::encode(&header, &claims, &signer).unwrap());
        prop_assert_eq!(proof.is_ok(), is_good(&claims), "{:?}", proof.as_ref().err());
        if let Ok(proof) = proof {
            prop_assert_eq!(proof.thumbprint(), key.verification_key().thumbprint());
            prop_assert_eq!(proof.nonce(), claims["nonce"].as_str());
        }
    }
}
