// Who may get a token for the gateway's audience: no user in any flow, and no client but the
// script client. Each case says how a token was asked for, and whether one may be issued.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  CREDENTIALS_EXCHANGE,
  POST_LOGIN,
  UnauthorizedError,
  container,
  runAction,
} from './platform.mjs';

const GATEWAY = 'urn:legacy-identity';
const OTHER = 'https://orders.example/';

// ---- The rule ---------------------------------------------------------------------------------

const RULES_CONFIGURATION = { GATEWAY_AUDIENCE: GATEWAY, GATEWAY_ALLOW_OFFLINE_ACCESS: 'false' };
const USER = { user_id: 'auth0|1815', email: 'ada@example.com' };
const CODE = 'oidc-basic-profile';

const query = (parameters) => ({ query: parameters });
const body = (parameters) => ({ body: parameters });
const both = (inQuery, inBody) => ({ query: inQuery, body: inBody });

const RULE_CASES = [
  // flow, protocol, request, allowed?
  ['code', CODE, query({ audience: GATEWAY }), false],
  ['code', CODE, query({ audience: OTHER }), true],
  ['code with PKCE', CODE, query({ audience: GATEWAY, code_challenge: 'x' }), false],
  ['code with PKCE', CODE, query({ audience: OTHER, code_challenge: 'x' }), true],
  ['code, parameters posted', CODE, body({ audience: GATEWAY }), false],
  ['code, parameters posted', CODE, body({ audience: OTHER }), true],
  ['implicit', 'oidc-implicit-profile', query({ audience: GATEWAY }), false],
  ['implicit', 'oidc-implicit-profile', query({ audience: OTHER }), true],
  ['hybrid', 'oidc-hybrid-profile', query({ audience: GATEWAY }), false],
  ['hybrid', 'oidc-hybrid-profile', query({ audience: OTHER }), true],
  ['password', 'oauth2-password', body({ audience: GATEWAY }), false],
  ['password', 'oauth2-password', body({ audience: OTHER }), true],
  ['password-realm', 'oauth2-resource-owner', body({ audience: GATEWAY, realm: 'l' }), false],
  ['password-realm', 'oauth2-resource-owner', body({ audience: OTHER, realm: 'l' }), true],
  ['device code', 'oauth2-device-code', query({ audience: GATEWAY }), false],
  ['device code', 'oauth2-device-code', query({ audience: OTHER }), true],
  ['prompt=none', CODE, query({ audience: GATEWAY, prompt: 'none' }), false],
  ['prompt=none', CODE, query({ audience: OTHER, prompt: 'none' }), true],
  ['web_message', CODE, query({ audience: GATEWAY, response_mode: 'web_message' }), false],
  ['CIBA', 'oidc-ciba', body({ audience: GATEWAY }), false],
  ['token exchange', 'oauth2-token-exchange', body({ audience: GATEWAY }), false],
  ['token exchange', 'oauth2-token-exchange', body({ audience: OTHER }), true],
  ['passkey', 'oauth2-webauthn', body({ audience: GATEWAY }), false],
  ['SAML', 'samlp', query({ SAMLRequest: 'x' }), true],
  ['WS-Federation', 'wsfed', query({ wtrealm: 'x' }), true],
  ['no API', CODE, query({ scope: 'openid' }), true],
  ['no request', 'redirect-callback', undefined, true],

  ['PAR', CODE, query({ request_uri: 'urn:ietf:params:oauth:request_uri:x' }), false],
  ['PAR beside another audience', CODE, query({ request_uri: 'x', audience: OTHER }), false],
  ['JAR', CODE, query({ request: 'e30.e30.' }), false],
  ['JAR, posted', CODE, body({ request: 'e30.e30.' }), false],

  ['resource', CODE, query({ resource: GATEWAY }), false],
  ['resource', CODE, query({ resource: OTHER }), true],
  ['resource, posted', CODE, body({ resource: GATEWAY }), false],
  ['resource beside another audience', CODE, query({ audience: OTHER, resource: GATEWAY }), false],
  ['resource beside an empty audience', CODE, query({ audience: '', resource: GATEWAY }), false],
  ['body beside query', CODE, both({ audience: OTHER }, { audience: GATEWAY }), false],
  ['query beside body', CODE, both({ audience: GATEWAY }, { audience: OTHER }), false],

  ['a list', CODE, query({ audience: [OTHER, GATEWAY] }), false],
  ['a list', CODE, query({ audience: [OTHER] }), true],
  ['a list of resources', CODE, query({ resource: [OTHER, GATEWAY] }), false],
  ['a list in a list', CODE, query({ audience: [[GATEWAY]] }), false],
  ['an object', CODE, query({ audience: { 0: GATEWAY } }), false],
  ['words in one text', CODE, query({ audience: `${OTHER} ${GATEWAY}` }), false],
  ['blanks around it', CODE, query({ audience: ` ${GATEWAY}\t` }), false],
  // The tenant knows no API of these names, and must say so itself: identifiers are exact.
  ['another case', CODE, query({ audience: GATEWAY.toUpperCase() }), true],
  ['a trailing slash', CODE, query({ audience: `${GATEWAY}/` }), true],
];

function assertRefused({ error, results }) {
  assert.ok(error instanceof UnauthorizedError);
  assert.ok(!error.message.includes(USER.email));
  assert.deepEqual(results, []);
}

function assertAllowed({ error, results }, context) {
  assert.equal(error, null);
  assert.deepEqual(results, [USER, context]);
}

for (const [flow, protocol, request, allowed] of RULE_CASES) {
  const asked = JSON.stringify(request) ?? 'nothing';
  test(`rule: ${flow} with ${asked} is ${allowed ? 'allowed' : 'refused'}`, async () => {
    const context = { clientID: 'an-application', protocol, request };
    const outcome = await container(RULES_CONFIGURATION).runRule(USER, context);
    if (allowed) assertAllowed(outcome, context);
    else assertRefused(outcome);
  });
}

const REFRESH = 'oauth2-refresh-token';
const refreshCases = [
  // GATEWAY_ALLOW_OFFLINE_ACCESS, body, allowed?
  ['false', {}, true],
  ['false', { audience: OTHER }, true],
  ['false', { audience: GATEWAY }, false],
  ['true', {}, false],
  [undefined, {}, false],
  // The audience in a refresh decides nothing where the tenant ignores it: no way around.
  [undefined, { audience: OTHER }, false],
];
for (const [offlineAccess, parameters, allowed] of refreshCases) {
  const title = `rule: refresh with ${JSON.stringify(parameters)}, offline access ${offlineAccess}`;
  test(`${title}, is ${allowed ? 'allowed' : 'refused'}`, async () => {
    const context = { protocol: REFRESH, request: body(parameters) };
    const { runRule } = container({
      GATEWAY_AUDIENCE: GATEWAY,
      GATEWAY_ALLOW_OFFLINE_ACCESS: offlineAccess,
    });
    const outcome = await runRule(USER, context);
    if (allowed) assertAllowed(outcome, context);
    else assertRefused(outcome);
  });
}

test('rule: a login needs no word on offline access', async () => {
  const context = { protocol: CODE, request: query({ audience: OTHER }) };
  const outcome = await container({ GATEWAY_AUDIENCE: GATEWAY }).runRule(USER, context);
  assertAllowed(outcome, context);
});

const defaultAudienceCases = [
  // DEFAULT_AUDIENCE, query, allowed?
  [GATEWAY, {}, false],
  [GATEWAY, { audience: '' }, false],
  [GATEWAY, { audience: OTHER }, true],
  // Whether a tenant heeds `resource` is a setting; where it does not, the default applies.
  [GATEWAY, { resource: OTHER }, false],
  [OTHER, {}, true],
  [undefined, {}, true],
];
for (const [defaultAudience, parameters, allowed] of defaultAudienceCases) {
  const title = `rule: Default Audience ${defaultAudience} and ${JSON.stringify(parameters)}`;
  test(`${title} is ${allowed ? 'allowed' : 'refused'}`, async () => {
    const context = { protocol: CODE, request: query(parameters) };
    const configuration = { ...RULES_CONFIGURATION, DEFAULT_AUDIENCE: defaultAudience };
    const outcome = await container(configuration).runRule(USER, context);
    if (allowed) assertAllowed(outcome, context);
    else assertRefused(outcome);
  });
}

for (const configuration of [{}, { GATEWAY_AUDIENCE: '' }]) {
  test(`rule: with the configuration ${JSON.stringify(configuration)} nobody gets in`, async () => {
    const context = { protocol: CODE, request: query({ audience: OTHER }) };
    assertRefused(await container(configuration).runRule(USER, context));
  });
}

// ---- The post-login action --------------------------------------------------------------------

const PROTOCOLS = [
  'oidc-basic-profile',
  'oidc-implicit-profile',
  'oidc-hybrid-profile',
  'oidc-ciba',
  'oidc-ciba-web-link',
  'oauth2-device-code',
  'oauth2-password',
  'oauth2-resource-owner',
  'oauth2-resource-owner-jwt-bearer',
  'oauth2-refresh-token',
  'oauth2-token-exchange',
  'oauth2-access-token',
  'oauth2-webauthn',
  'samlp',
  'wsfed',
  'wstrust-usernamemixed',
];

const loginEvent = (protocol, identifier, secrets = { GATEWAY_AUDIENCE: GATEWAY }) => ({
  client: { client_id: 'the-script-client' }, // not even the script client, for a user
  request: { query: { audience: OTHER }, body: {} }, // what was asked for says nothing
  resource_server: identifier === undefined ? undefined : { identifier },
  secrets,
  transaction: { protocol },
  user: USER,
});

for (const protocol of PROTOCOLS) {
  test(`post-login: ${protocol} gets a token for any API but the gateway's`, async () => {
    const refused = await runAction(POST_LOGIN, loginEvent(protocol, GATEWAY));
    assert.deepEqual(refused, [
      { name: 'access.deny', arguments: ['Users get no access token for this API'] },
    ]);
    assert.deepEqual(await runAction(POST_LOGIN, loginEvent(protocol, OTHER)), []);
    assert.deepEqual(await runAction(POST_LOGIN, loginEvent(protocol, undefined)), []);
  });
}

for (const other of [GATEWAY.toUpperCase(), `${GATEWAY}/`, `${GATEWAY}x`]) {
  test(`post-login: ${other} is another API`, async () => {
    assert.deepEqual(await runAction(POST_LOGIN, loginEvent(CODE, other)), []);
  });
}

for (const secrets of [{}, { GATEWAY_AUDIENCE: '' }]) {
  test(`post-login: with the secrets ${JSON.stringify(secrets)} nobody gets in`, async () => {
    for (const identifier of [GATEWAY, OTHER, undefined]) {
      const [call, ...others] = await runAction(POST_LOGIN, loginEvent(CODE, identifier, secrets));
      assert.equal(call.name, 'access.deny');
      assert.deepEqual(call.arguments, ['The action has no secret GATEWAY_AUDIENCE']);
      assert.deepEqual(others, []);
    }
  });
}

// ---- The credentials-exchange action ----------------------------------------------------------

const CLIENTS = 'script-client-1  script-client-2\n';
const SECRETS = { GATEWAY_AUDIENCE: GATEWAY, GATEWAY_CLIENTS: CLIENTS };
const REFUSED = ['invalid_request', 'This client may not call the gateway'];
const BROKEN = ['server_error', 'The action has no secret GATEWAY_AUDIENCE'];

const exchangeCases = [
  // what, client, API, secrets, denied with
  ['the script client', 'script-client-1', GATEWAY, SECRETS, undefined],
  ['a second script client', 'script-client-2', GATEWAY, SECRETS, undefined],
  ['another client', 'orders', GATEWAY, SECRETS, REFUSED],
  ['another client for another API', 'orders', OTHER, SECRETS, undefined],
  ['the script client for another API', 'script-client-1', OTHER, SECRETS, undefined],
  ['a client of another case', 'Script-Client-1', GATEWAY, SECRETS, REFUSED],
  ['a part of a client id', 'script-client', GATEWAY, SECRETS, REFUSED],
  ['two client ids in one', 'script-client-1  script-client-2', GATEWAY, SECRETS, REFUSED],
  ['a client without a name', '', GATEWAY, SECRETS, REFUSED],
  ['no list', 'script-client-1', GATEWAY, { GATEWAY_AUDIENCE: GATEWAY }, REFUSED],
  ['no list, for another API', 'orders', OTHER, { GATEWAY_AUDIENCE: GATEWAY }, undefined],
  ['no audience', 'script-client-1', GATEWAY, { GATEWAY_CLIENTS: 'script-client-1' }, BROKEN],
  ['no audience, for another API', 'orders', OTHER, {}, BROKEN],
];

for (const [what, client_id, identifier, secrets, denial] of exchangeCases) {
  test(`credentials-exchange: ${what} is ${denial ? 'refused' : 'allowed'}`, async () => {
    const calls = await runAction(CREDENTIALS_EXCHANGE, {
      accessToken: { customClaims: {}, scope: ['read:users'] },
      client: { client_id, name: 'script-client-1', metadata: {} },
      request: { body: { organization: 'org_1' } },
      resource_server: { identifier },
      secrets,
      transaction: { requested_scopes: ['read:users'] },
    });
    assert.deepEqual(calls, denial ? [{ name: 'access.deny', arguments: denial }] : []);
  });
}
