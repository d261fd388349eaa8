// Tokens that are bound to a key: a proof with each request, made with the server's own nonce.

import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';

import { container } from './platform.mjs';
import { json, problem, startUpstream } from './upstream.mjs';

const dpop = (upstream) => container({ ...upstream.configuration, SENDER_CONSTRAINT: 'dpop' });
const bound = (value) => json(200, { access_token: value, token_type: 'DPoP', expires_in: 3600 });

// The header and the claims of a proof, whose signature is right by the key that it brings.
function read(proof) {
  const [header, claims, signature] = proof.split('.');
  const part = (text) => JSON.parse(Buffer.from(text, 'base64url'));
  const { jwk, ...others } = part(header);
  assert.deepEqual(others, { typ: 'dpop+jwt', alg: 'ES256' });
  assert.deepEqual(Object.keys(jwk).sort(), ['crv', 'kty', 'x', 'y']);
  const key = { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' };
  const signed = Buffer.from(`${header}.${claims}`);
  assert.ok(verify('sha256', signed, key, Buffer.from(signature, 'base64url')));
  return { jwk, claims: part(claims) };
}

test('each request carries a proof of its own by one key', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerToken = () => bound('the-token');
  const { run } = dpop(upstream);
  await run('get_user', 'ada@example.com');
  const { error } = await run('get_user', 'grace@example.com');
  assert.equal(error, null);

  const [request] = upstream.tokenRequests;
  const forToken = read(request.headers.dpop);
  assert.equal(forToken.claims.htm, 'POST');
  assert.equal(forToken.claims.htu, upstream.configuration.TOKEN_URL);
  assert.equal(forToken.claims.ath, undefined);

  const proofs = upstream.questions.map(({ headers }) => read(headers.dpop));
  for (const { jwk, claims } of proofs) {
    assert.deepEqual(jwk, forToken.jwk);
    assert.equal(claims.htu, `${upstream.configuration.GATEWAY_URL}/v1/users/lookup`);
    assert.equal(claims.ath, createHash('sha256').update('the-token').digest('base64url'));
    assert.ok(Math.abs(Date.now() / 1000 - claims.iat) < 60);
  }
  assert.notEqual(proofs[0].claims.jti, proofs[1].claims.jti);
  for (const { headers } of upstream.questions) {
    assert.equal(headers.authorization, 'DPoP the-token');
  }
});

test('a nonce that a server wants is put in, once, and is kept for the next request', async (t) => {
  const upstream = await startUpstream(t);
  const nonceOf = (request) => read(request.headers.dpop).claims.nonce;
  const headers = (nonce, more) => ({ 'dpop-nonce': nonce, ...more });
  upstream.answerToken = (request) =>
    nonceOf(request) === 'for-tokens'
      ? bound('the-token')
      : { ...json(400, { error: 'use_dpop_nonce' }), headers: headers('for-tokens') };
  upstream.answerQuestion = (request) =>
    nonceOf(request) === 'for-questions'
      ? { ...json(200, { user: null }), headers: headers('for-questions') }
      : {
          ...problem(401, 'invalid-token', 'make the proof again'),
          headers: headers('for-questions', {
            'www-authenticate': 'DPoP error="use_dpop_nonce", algs="ES256"',
          }),
        };
  const { run } = dpop(upstream);
  for (const identifier of ['ada@example.com', 'grace@example.com']) {
    const { error } = await run('get_user', identifier);
    assert.equal(error, null);
  }
  assert.deepEqual(upstream.tokenRequests.map(nonceOf), [undefined, 'for-tokens']);
  const nonces = upstream.questions.map(nonceOf);
  assert.deepEqual(nonces, [undefined, 'for-questions', 'for-questions']);
});

test('a server that is never content with its nonce is asked twice and no more', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerToken = () => ({
    ...json(400, { error: 'use_dpop_nonce' }),
    headers: { 'dpop-nonce': 'another' },
  });
  const { error } = await dpop(upstream).run('get_user', 'ada@example.com');
  assert.match(error.message, /token endpoint answered 400/);
  assert.equal(upstream.tokenRequests.length, 2);
});

test('a token that is bound to no key is not used', async (t) => {
  const upstream = await startUpstream(t);
  const { error } = await dpop(upstream).run('get_user', 'ada@example.com');
  assert.match(error.message, /bound to no key/);
  assert.equal(upstream.questions.length, 0);
});

test('the key does not leave its container', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answerToken = () => bound('the-token');
  const one = dpop(upstream);
  await one.run('get_user', 'ada@example.com');
  await dpop(upstream).run('get_user', 'ada@example.com');
  const [first, second] = upstream.questions.map(({ headers }) => read(headers.dpop).jwk);
  assert.notDeepEqual(first, second);
  const { privateKey } = await one.global.proofKey;
  assert.equal(privateKey.extractable, false);
});

test('a constraint of another name is an error and no plain token', async (t) => {
  const upstream = await startUpstream(t);
  const { run } = container({ ...upstream.configuration, SENDER_CONSTRAINT: 'DPoP!' });
  const { error } = await run('get_user', 'ada@example.com');
  assert.match(error.message, /SENDER_CONSTRAINT/);
  assert.equal(upstream.tokenRequests.length, 0);
});
