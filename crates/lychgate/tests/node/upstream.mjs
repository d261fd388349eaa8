// What the scripts talk to: a token endpoint and a gateway, each a real server on loopback.

import { once } from 'node:events';
import { createServer } from 'node:http';

export const SECRETS = { CLIENT_ID: 'the-script-client', CLIENT_SECRET: 'correct-horse-battery' };

// Starts both. `answerToken(request)` and `answerQuestion(request)` decide what comes back, and
// may be replaced while the test runs; every request that arrived is kept, in order.
export async function startUpstream(t) {
  const upstream = {
    tokenRequests: [],
    questions: [],
    answerToken: () => token(`token-${upstream.tokenRequests.length}`),
    answerQuestion: () => json(200, { user: null }),
  };
  const tokenEndpoint = await listen(t, (request) => {
    upstream.tokenRequests.push({ ...request, form: new URLSearchParams(request.body) });
    return upstream.answerToken(upstream.tokenRequests.at(-1));
  });
  const gateway = await listen(t, (request) => {
    upstream.questions.push({ ...request, json: JSON.parse(request.body) });
    return upstream.answerQuestion(upstream.questions.at(-1));
  });
  upstream.configuration = {
    GATEWAY_URL: gateway,
    TOKEN_URL: `${tokenEndpoint}/oauth/token`,
    AUDIENCE: 'urn:legacy-identity',
    ...SECRETS,
  };
  return upstream;
}

export const token = (value, life = 3600) =>
  json(200, { access_token: value, token_type: 'Bearer', expires_in: life });

export const json = (status, body) => ({ status, body: JSON.stringify(body) });

export const problem = (status, type, detail) =>
  json(status, { type: `urn:lychgate:problem:${type}`, status, detail, request_id: '01JD-7' });

// Answers that are none: nothing ever, a body that stops half-way, a connection that is cut.
export const SILENCE = { silence: true };
export const HALF_A_BODY = { status: 200, body: '{"user":', unfinished: true };
export const CUT = { cut: true };

// Starts a server that answers with what `answer` makes of a request; returns its address.
export async function listen(t, answer) {
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const reply = await answer({
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString('utf8'),
    });
    if (reply.silence) return;
    if (reply.cut) return request.socket.destroy();
    response.writeHead(reply.status, reply.headers);
    if (reply.unfinished) return response.write(reply.body);
    response.end(reply.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

// An address at which nobody listens any more.
export async function addressOfNobody() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
