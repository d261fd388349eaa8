// A gateway of the usual make, as a good engineer writes it with what everybody uses: the same two operations, the same
// checks, the same statements, the same answers. It keeps no audit log.
'use strict';

const cluster = require('node:cluster');
const { availableParallelism } = require('node:os');

const bcrypt = require('bcrypt');
const express = require('express');
const { auth, claimCheck, requiredScopes } = require('express-oauth2-jwt-bearer');
const { Pool } = require('pg');

const { PORT, ISSUER, AUDIENCE, CLIENT_ID, DATABASE_URL, DATABASE_CONNECTIONS, NETWORK } = process.env;
const workers = availableParallelism();

const COLUMNS = 'id::text as user_id, email, nickname, name, email_verified, blocked';
const LOOKUP = {
  name: 'lookup',
  text: `select ${COLUMNS} from users where lower(email) = $1`,
};
const AUTHENTICATE = {
  name: 'authenticate',
  text: `select ${COLUMNS}, bcrypt_hash from users where lower(email) = $1`,
};

// Compared with where the user is unknown, so that it takes as long.
const DECOY = bcrypt.hashSync('nobody has this password', 10);

function serve() {
  const pool = new Pool({
    connectionString: DATABASE_URL,
    max: Math.max(1, Math.floor(DATABASE_CONNECTIONS / workers)),
  });
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use(onlyFromNetwork);
  app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, tokenSigningAlg: 'RS256' }));
  app.use(claimCheck(({ azp, gty }) => azp === CLIENT_ID && gty === 'client-credentials'));
  app.use(express.json({ limit: '16kb' }));

  app.post('/v1/users/lookup', requiredScopes('read:users'), async (request, response) => {
    const { identifier } = request.body ?? {};
    if (!isText(identifier)) return response.status(422).json({ error: 'invalid-field' });
    const user = await find(pool, LOOKUP, identifier);
    response.json({ user });
  });

  app.post('/v1/users/authenticate', requiredScopes('authenticate:users'), async (request, response) => {
    const { identifier, password } = request.body ?? {};
    if (!isText(identifier) || !isText(password)) return response.status(422).json({ error: 'invalid-field' });
    const row = await find(pool, AUTHENTICATE, identifier);
    const { bcrypt_hash: hash = DECOY, ...user } = row ?? {};
    const matches = await bcrypt.compare(password, hash);
    response.json({ user: row && matches && !user.blocked ? user : null });
  });

  app.use((error, _request, response, _next) => {
    response.status(error.status ?? 500).set(error.headers ?? {}).json({ error: error.code ?? 'internal' });
  });
  app.listen(Number(PORT), '127.0.0.1');
}

function onlyFromNetwork(request, response, next) {
  if (request.socket.remoteAddress === NETWORK) next();
  else response.status(403).json({ error: 'address-not-allowed' });
}

function isText(value) {
  return typeof value === 'string' && value.length > 0 && value.length <= 1024;
}

async function find(pool, statement, identifier) {
  const values = [identifier.trim().normalize('NFC').toLowerCase()];
  const { rows } = await pool.query({ ...statement, values });
  return rows.length === 1 ? rows[0] : null;
}

if (cluster.isPrimary && workers > 1) {
  for (let worker = 0; worker < workers; worker += 1) cluster.fork();
} else {
  serve();
}
