// `fetch` of the WHATWG over the host's one request primitive. No streams, no FormData.
(function (host, internal) {
  'use strict';

  class Headers {
    #values = new Map();

    constructor(init = []) {
      const pairs = init[Symbol.iterator] ? init : Object.keys(init).map((name) => [name, init[name]]);
      for (const [name, value] of pairs) this.append(name, value);
    }
    append(name, value) {
      const known = this.get(name);
      this.set(name, known === null ? value : `${known}, ${value}`);
    }
    set(name, value) {
      if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) throw new TypeError(`${name} is not a valid header name`);
      this.#values.set(String(name).toLowerCase(), String(value).trim());
    }
    get(name) { return this.#values.get(String(name).toLowerCase()) ?? null; }
    has(name) { return this.#values.has(String(name).toLowerCase()); }
    delete(name) { this.#values.delete(String(name).toLowerCase()); }
    forEach(callback, self) { for (const [name, value] of this) callback.call(self, value, name, this); }
    entries() { return Array.from(this.#values).sort((one, other) => (one[0] < other[0] ? -1 : 1))[Symbol.iterator](); }
    *keys() { for (const pair of this) yield pair[0]; }
    *values() { for (const pair of this) yield pair[1]; }
    [Symbol.iterator]() { return this.entries(); }
  }

  // What a body is on the wire, and what it is called there.
  function bodyOf(body) {
    if (body === undefined || body === null) return [undefined, undefined];
    if (body instanceof URLSearchParams) return [internal.Buffer.from(String(body)), 'application/x-www-form-urlencoded;charset=UTF-8'];
    if (ArrayBuffer.isView(body) || body instanceof ArrayBuffer) return [internal.bytesOf(body), undefined];
    return [internal.Buffer.from(String(body)), 'text/plain;charset=UTF-8'];
  }

  class Body {
    #bytes;
    #used = false;

    constructor(bytes) { this.#bytes = bytes; }
    get bodyUsed() { return this.#used; }
    async bytes() {
      if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
      this.#used = true;
      return this.#bytes ?? new Uint8Array();
    }
    async arrayBuffer() { return new Uint8Array(await this.bytes()).buffer; }
    async text() { return new TextDecoder().decode(await this.bytes()); }
    async json() { return JSON.parse(await this.text()); }
    peek() {
      if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
      return this.#bytes;
    }
  }

  class Request extends Body {
    constructor(input, init = {}) {
      const from = input instanceof Request ? input : {};
      const [bytes, type] = bodyOf(init.body);
      super(bytes ?? (input instanceof Request ? input.peek() : undefined));
      this.url = input instanceof Request ? input.url : new URL(input).href;
      this.method = methodOf(init.method ?? from.method ?? 'GET');
      this.headers = new Headers(init.headers ?? from.headers);
      this.redirect = init.redirect ?? from.redirect ?? 'follow';
      this.signal = init.signal ?? from.signal ?? null;
      if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
      if (this.peek() && /^(GET|HEAD)$/.test(this.method)) throw new TypeError('Request with GET/HEAD method cannot have body.');
      if (!['follow', 'manual', 'error'].includes(this.redirect)) throw new TypeError(`redirect ${this.redirect} is not one of follow, manual, error`);
    }
    clone() { return new Request(this); }
  }

  function methodOf(method) {
    const upper = String(method).toUpperCase();
    return ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'POST', 'PUT'].includes(upper) ? upper : String(method);
  }

  class Response extends Body {
    constructor(body, init = {}) {
      const [bytes, type] = bodyOf(body);
      super(bytes);
      this.status = init.status ?? 200;
      this.statusText = init.statusText ?? '';
      this.headers = new Headers(init.headers);
      this.url = init.url ?? '';
      this.redirected = init.redirected ?? false;
      this.type = 'default';
      if (type && !this.headers.has('content-type')) this.headers.set('content-type', type);
    }
    get ok() { return this.status >= 200 && this.status < 300; }
    clone() { return new Response(this.peek(), this); }
    static json(data, init = {}) {
      const headers = new Headers(init.headers);
      if (!headers.has('content-type')) headers.set('content-type', 'application/json');
      return new Response(JSON.stringify(data), { ...init, headers });
    }
  }

  internal.fetch = (scope) => async function fetch(input, init) {
    const request = new Request(input, init);
    try {
      const answer = await scope.request({
        method: request.method,
        url: request.url,
        headers: Array.from(request.headers),
        redirect: request.redirect,
        body: request.peek(),
        signal: request.signal,
      });
      return new Response(answer.body, answer);
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason;
      throw new TypeError('fetch failed', { cause: error });
    }
  };
  internal.define({ Headers, Request, Response });
});
