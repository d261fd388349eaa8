  // ---- The way to the gateway: the same lines in all seven scripts ----------------------------
  //
  // Everything of your own stands in the connection's configuration, nothing in this text:
  //   GATEWAY_URL                the address of the gateway, without a path
  //   TOKEN_URL                  the address of this tenant's token endpoint, /oauth/token
  //   AUDIENCE                   the identifier of the API that stands for the gateway
  //   CLIENT_ID, CLIENT_SECRET   the script client: client credentials, granted this API alone
  //   SENDER_CONSTRAINT          `dpop` where the gateway's config says so; else leave it out

  // Puts one question to the gateway and returns the one member of its answer that was asked for:
  // `user` (a profile, or null for none), `verified`, `changed` or `deleted`.
  //
  // Whatever else comes back is thrown as an Error that names nobody. A gateway that is busy, down
  // or badly set up must never look like a wrong password or like a user who does not exist.
  async function askGateway(path, question, member) {
    const deadline = Date.now() + 15 * 1000; // the tenant cuts a script off after 20 s
    const left = () => deadline - Date.now();
    const attempt = attemptKey();
    const send = (token) =>
      prove('gateway', setting('GATEWAY_URL').replace(/\/+$/, '') + path, token, {
        headers: {
          'content-type': 'application/json',
          authorization: `${scheme()} ${token.value}`,
          'idempotency-key': attempt,
        },
        body: JSON.stringify(question),
        timeout: Math.min(5 * 1000, left()),
      });
    let again = true;
    const ask = async (token) => {
      const reply = await send(token).catch((error) => ({ error }));
      if (!again || !(reply.error || reply.status === 503)) {
        return reply;
      }
      // Once more, with the same key: what has happened already is not done or counted again.
      const pause = reply.error ? 0 : reply.retryAfter * 1000;
      if (pause + 1000 > left()) {
        return reply;
      }
      again = false;
      await new Promise((resolve) => setTimeout(resolve, pause));
      return send(token).catch((error) => ({ error }));
    };

    const token = await accessToken();
    let reply = await ask(token);
    // A token may die before its time, with a revoked key for example: take a new one, once. Where
    // it is younger than a minute a new one would fare no better, and would only burn the quota.
    if (reply.status === 401 && Date.now() - token.takenAt >= 60 * 1000) {
      reply = await ask(await accessToken(token));
    }
    if (reply.error) {
      throw reply.error;
    }
    if (reply.status !== 200 && reply.status !== 201) {
      throw refusal(reply);
    }
    const answer = parseJson(reply.text)?.[member];
    if (typeof answer !== (member === 'user' ? 'object' : 'boolean')) {
      throw new Error('The gateway gave an answer that makes no sense');
    }
    return answer;
  }

  // A name for this attempt that no other has. It is no secret: the gateway holds it against the
  // client and the question.
  function attemptKey() {
    const digits = () => Math.random().toString(36).slice(2);
    return `${Date.now().toString(36)}-${digits()}-${digits()}`;
  }

  // One token serves every script of this container: it is kept in `global`, which all of them
  // share, until shortly before it expires. However many calls wait for it, one request is made.
  // A request that failed leaves nothing behind, and neither does a container that is recycled.
  function accessToken(refused) {
    const key = JSON.stringify([setting('TOKEN_URL'), setting('AUDIENCE'), setting('CLIENT_ID')]);
    const kept = (global[key] = global[key] || {});
    if (kept.token && kept.token !== refused && Date.now() < kept.token.useUntil) {
      return kept.token;
    }
    kept.request =
      kept.request ||
      requestToken()
        .then((token) => (kept.token = token))
        .finally(() => delete kept.request);
    return kept.request;
  }

  // Asks for no scope: the tenant then gives all that the client was granted, and one token does.
  async function requestToken() {
    const takenAt = Date.now();
    const reply = await prove('token endpoint', setting('TOKEN_URL'), undefined, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: setting('CLIENT_ID'),
        client_secret: setting('CLIENT_SECRET'),
        audience: setting('AUDIENCE'),
      }).toString(),
      timeout: 5 * 1000,
    });
    if (reply.status !== 200) {
      throw new Error(`The token endpoint answered ${reply.status}`);
    }
    const answer = parseJson(reply.text) || {};
    const { access_token: value, expires_in: seconds, token_type: type } = answer;
    if (typeof value !== 'string' || !(seconds > 0)) {
      throw new Error('The token endpoint gave an answer without a token that expires');
    }
    if (scheme() === 'DPoP' && !/^dpop$/i.test(type)) {
      throw new Error('The token endpoint gave a token that is bound to no key');
    }
    const life = seconds * 1000;
    return { value, takenAt, useUntil: takenAt + life - Math.min(60 * 1000, life / 10) };
  }

  function scheme() {
    const constraint = configuration.SENDER_CONSTRAINT || 'none';
    if (constraint !== 'none' && constraint !== 'dpop') {
      throw new Error('SENDER_CONSTRAINT must be dpop, or not be there');
    }
    return constraint === 'dpop' ? 'DPoP' : 'Bearer';
  }

  // Where tokens are bound to a key (RFC 9449), each request carries a proof by it, with the nonce
  // that its server gave last; a server that wants another one says so, and is asked once more.
  // Elsewhere this is an ordinary request.
  async function prove(to, url, token, request) {
    if (scheme() !== 'DPoP') {
      return post(to, url, request);
    }
    const nonces = (global.nonces = global.nonces || {});
    const ask = async () => {
      const dpop = await proof(url, token, nonces[to]);
      const reply = await post(to, url, { ...request, headers: { ...request.headers, dpop } });
      nonces[to] = reply.nonce || nonces[to];
      return reply;
    };
    const reply = await ask();
    const wantsNonce = /use_dpop_nonce/.test(reply.status === 401 ? reply.challenge : reply.text);
    return wantsNonce && (reply.status === 401 || reply.status === 400) ? ask() : reply;
  }

  async function proof(url, token, nonce) {
    const { privateKey, jwk } = await proofKey();
    const base64url = (bytes) => Buffer.from(bytes).toString('base64url');
    const iat = Math.floor(Date.now() / 1000);
    const claims = { jti: crypto.randomUUID(), htm: 'POST', htu: url, iat, nonce };
    if (token) {
      claims.ath = base64url(await crypto.subtle.digest('SHA-256', Buffer.from(token.value)));
    }
    const parts = [{ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims];
    const input = parts.map((part) => base64url(JSON.stringify(part))).join('.');
    const algorithm = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(algorithm, privateKey, Buffer.from(input));
    return `${input}.${base64url(signature)}`;
  }

  // The key is made once for each container, is kept in `global` beside the token, and cannot be
  // taken out of it: whoever reads the token somewhere cannot use it.
  function proofKey() {
    const make = async () => {
      const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
      const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
      const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
      return { privateKey: pair.privateKey, jwk: { kty, crv, x, y } };
    };
    global.proofKey = global.proofKey || make();
    return global.proofKey;
  }

  // A redirect is an error: a password goes to the address that was configured and to no other.
  async function post(to, url, { headers, body, timeout }) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers,
        body,
        redirect: 'error',
        signal: AbortSignal.timeout(Math.max(0, timeout)),
      });
      const retryAfter = Math.max(0, Number(response.headers.get('retry-after')) || 0);
      return {
        status: response.status, retryAfter,
        challenge: response.headers.get('www-authenticate') || '',
        nonce: response.headers.get('dpop-nonce'),
        text: await response.text(),
      };
    } catch (error) {
      throw new Error(`The ${to} did not answer (${error.cause?.code || error.name})`);
    }
  }

  // The gateway's problem (RFC 9457) as an Error: its type, and the request id to find in its log;
  // and, where it refuses something that a user types, the name of that field.
  function refusal(reply) {
    const problem = parseJson(reply.text) || {};
    const [type] = /[a-z-]*$/.exec(problem.type || '');
    const [id] = /^[\w-]{1,64}$/.exec(problem.request_id || '') || ['unknown'];
    const [field] = /\b(email|username|password|phone_number)\b/.exec(problem.detail || '') || [];
    const reason = `${type || 'no reason given'}, request ${id}`;
    const error = new Error(`The gateway answered ${reply.status} (${reason})`);
    return Object.assign(error, { status: reply.status, field });
  }

  function parseJson(text) {
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  function setting(name) {
    const value = configuration[name];
    if (!value) {
      throw new Error(`The connection's configuration has no ${name}`);
    }
    const isPrivate = /^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|\/|$))/.test(value);
    if (name.endsWith('_URL') && !isPrivate) {
      throw new Error(`${name} must be an https address: passwords and secrets travel on it`);
    }
    return value;
  }
