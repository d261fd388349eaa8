//! The cryptography of the web, as far as a proof of possession takes it.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::value_of;

const GENERATE: &str = "const { subtle } = crypto;
    const pair = await subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);";

#[tokio::test]
async fn what_a_key_signs_is_verified_by_its_exported_half() {
    let value = value_of(&format!(
        "{GENERATE}
        const jwk = await subtle.exportKey('jwk', pair.publicKey);
        const signature = await subtle.sign({{ name: 'ECDSA', hash: 'SHA-256' }}, pair.privateKey, new TextEncoder().encode('message'));
        callback(null, {{ jwk, signature: Buffer.from(signature).toString('base64url') }});"
    ))
    .await;
    assert_eq!(
        (&value["jwk"]["kty"], &value["jwk"]["crv"]),
        (&json!("EC"), &json!("P-256"))
    );
    assert!(value["jwk"].get("d").is_none());
    let decode = |text: &serde_json::Value| URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap();
    let point = [
        vec![4],
        decode(&value["jwk"]["x"]),
        decode(&value["jwk"]["y"]),
    ]
    .concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    assert!(key.verify(b"message", &decode(&value["signature"])).is_ok());
}

#[tokio::test]
async fn a_private_key_does_not_leave() {
    let value = value_of(&format!(
        "{GENERATE}
        const name = (promise) => promise.then(() => 'done', (error) => error.name);
        callback(null, [
            await name(subtle.exportKey('jwk', pair.privateKey)),
            await name(subtle.exportKey('pkcs8', pair.publicKey)),
            await name(subtle.sign({{ name: 'ECDSA', hash: 'SHA-256' }}, pair.publicKey, Buffer.from('x'))),
            JSON.stringify(pair.privateKey).includes('pkcs8'),
            Reflect.ownKeys(pair.privateKey).sort(),
        ]);"
    ))
    .await;
    assert_eq!(
        value,
        json!([
            "InvalidAccessError",
            "NotSupportedError",
            "InvalidAccessError",
            false,
            ["algorithm", "extractable", "type", "usages"]
        ])
    );
}

#[tokio::test]
async fn what_is_not_here_is_refused_by_name() {
    let value = value_of(
        "const { subtle } = require('crypto').webcrypto;
        const name = (promise) => promise.then(() => 'done', (error) => error.name);
        callback(null, [
            await name(subtle.generateKey({ name: 'RSA-PSS' }, false, ['sign'])),
            await name(subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-384' }, false, ['sign'])),
            await name(subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['encrypt'])),
            await name(subtle.digest('MD5', Buffer.from('x'))),
            await name(subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, {}, Buffer.from('x'))),
        ]);",
    )
    .await;
    assert_eq!(
        value,
        json!([
            "NotSupportedError",
            "NotSupportedError",
            "SyntaxError",
            "NotSupportedError",
            "TypeError"
        ])
    );
}

#[tokio::test]
async fn digests_and_random_values_are_those_of_the_standard() {
    let value = value_of(
        "const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('abc'));
        const random = crypto.getRandomValues(new Uint32Array(4));
        callback(null, [
            Buffer.from(digest).toString('hex'),
            digest instanceof ArrayBuffer,
            random.length,
            random.some((value) => value !== 0),
            /^[0-9a-f-]{36}$/.test(crypto.randomUUID()),
        ]);",
    )
    .await;
    assert_eq!(
        value,
        json!([
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            true,
            4,
            true,
            true
        ])
    );
}
