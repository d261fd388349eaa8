// `require('request')`: `request(options, callback)` and its verbs, without streams, jars and multipart.
(function (host, internal) {
  'use strict';

  const { Buffer } = internal;

  function optionsOf(first, second, third) {
    const callback = [first, second, third].find((value) => typeof value === 'function');
    const options = typeof first === 'string' ? { ...(typeof second === 'object' ? second : {}), url: first } : { ...first };
    return [options, callback ?? options.callback];
  }

  function addressOf(options) {
    const given = options.url ?? options.uri;
    if (!given) throw new Error('options.uri is a required argument');
    const text = typeof given === 'string' ? given : given.href;
    const address = new URL(options.baseUrl ? `${options.baseUrl.replace(/\/$/, '')}/${text.replace(/^\//, '')}` : text);
    for (const [name, value] of Object.entries(options.qs ?? {})) address.searchParams.set(name, value);
    return address;
  }

  function authorization(options, address) {
    if (options.auth?.bearer !== undefined) {
      const token = typeof options.auth.bearer === 'function' ? options.auth.bearer() : options.auth.bearer;
      return `Bearer ${token}`;
    }
    const username = options.auth?.username ?? options.auth?.user ?? decodeURIComponent(address.username);
    const password = options.auth?.password ?? options.auth?.pass ?? decodeURIComponent(address.password);
    return username || password ? `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` : undefined;
  }

  function bodyOf(options, headers) {
    const named = (type) => { if (!headers.has('content-type')) headers.set('content-type', type); };
    if (options.form !== undefined) {
      named('application/x-www-form-urlencoded');
      return typeof options.form === 'string' ? options.form : String(new URLSearchParams(options.form));
    }
    if (options.json !== undefined && options.json !== false) {
      if (!headers.has('accept')) headers.set('accept', 'application/json');
      const data = options.json === true ? options.body : options.json;
      if (data === undefined) return undefined;
      named('application/json');
      return JSON.stringify(data);
    }
    if (options.body === undefined || options.body === null) return undefined;
    if (typeof options.body !== 'string' && !ArrayBuffer.isView(options.body)) {
      throw new Error('Argument error, options.body.');
    }
    return options.body;
  }

  function prepare(options) {
    const address = addressOf(options);
    const headers = new Headers();
    for (const [name, value] of Object.entries(options.headers ?? {})) if (value !== undefined) headers.set(name, value);
    const login = authorization(options, address);
    if (login && !headers.has('authorization')) headers.set('authorization', login);
    address.username = '';
    address.password = '';
    const body = bodyOf(options, headers);
    const method = (options.method ?? 'GET').toUpperCase();
    const follows = options.followAllRedirects || (options.followRedirect !== false && /^(GET|HEAD)$/.test(method));
    return {
      method,
      url: address.href,
      headers: Array.from(headers),
      body: typeof body === 'string' ? Buffer.from(body) : body,
      redirect: follows ? 'follow' : 'manual',
      timeout: options.timeout || undefined,
    };
  }

  function responseOf(answer, prepared, options) {
    const bytes = internal.wrap(answer.body);
    let body = options.encoding === null ? bytes : bytes.toString(options.encoding);
    if (options.json !== undefined && options.json !== false && typeof body === 'string') {
      try { body = JSON.parse(body); } catch { /* As the module does: what is not JSON stays text. */ }
    }
    return {
      statusCode: answer.status,
      statusMessage: answer.statusText,
      headers: Object.fromEntries(new Headers(answer.headers)),
      body,
      request: { method: prepared.method, href: prepared.url, uri: new URL(answer.url) },
      toJSON() { return { statusCode: this.statusCode, headers: this.headers, body: this.body }; },
    };
  }

  function build(scope, defaults) {
    const request = (first, second, third) => {
      const [given, callback = () => {}] = optionsOf(first, second, third);
      const options = { ...defaults, ...given, headers: { ...defaults.headers, ...given.headers } };
      // A callback that throws is an uncaught exception of the script, not a failed request.
      const answer = (...values) => scope.run(() => callback(...values));
      let prepared;
      try { prepared = prepare(options); } catch (error) { queueMicrotask(() => answer(error)); return; }
      scope.request(prepared).then(
        (raw) => {
          const response = responseOf(raw, prepared, options);
          answer(null, response, response.body);
        },
        (error) => answer(error),
      );
    };
    for (const [name, method] of [['get', 'GET'], ['head', 'HEAD'], ['options', 'OPTIONS'], ['post', 'POST'], ['put', 'PUT'], ['patch', 'PATCH'], ['del', 'DELETE'], ['delete', 'DELETE']]) {
      request[name] = (first, second, third) => {
        const [options, callback] = optionsOf(first, second, third);
        return request({ ...options, method }, callback);
      };
    }
    request.defaults = (more) => build(scope, { ...defaults, ...more });
    return request;
  }

  internal.modules.request = (scope) => build(scope, {});
});
