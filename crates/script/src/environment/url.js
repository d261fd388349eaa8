// URL and URLSearchParams of the WHATWG. The host parses; here is only the shape.
(function (host, internal) {
  'use strict';

  class URLSearchParams {
    #pairs = [];
    #changed = () => {};

    constructor(init = '', changed) {
      if (typeof init === 'string') this.#pairs = JSON.parse(host.parseForm(init.replace(/^\?/, '').toWellFormed()));
      else if (init[Symbol.iterator]) for (const [name, value] of init) this.append(name, value);
      else for (const name of Object.keys(init)) this.append(name, init[name]);
      if (changed) this.#changed = changed;
    }

    get size() { return this.#pairs.length; }
    append(name, value) { this.#pairs.push([String(name), String(value)]); this.#changed(this); }
    delete(name, value) {
      this.#pairs = this.#pairs.filter((pair) => pair[0] !== name || (value !== undefined && pair[1] !== value));
      this.#changed(this);
    }
    get(name) { return this.#pairs.find((pair) => pair[0] === name)?.[1] ?? null; }
    getAll(name) { return this.#pairs.filter((pair) => pair[0] === name).map((pair) => pair[1]); }
    has(name) { return this.#pairs.some((pair) => pair[0] === name); }
    set(name, value) {
      const at = this.#pairs.findIndex((pair) => pair[0] === name);
      if (at === -1) return this.append(name, value);
      this.#pairs[at][1] = String(value);
      this.#pairs = this.#pairs.filter((pair, index) => index <= at || pair[0] !== name);
      this.#changed(this);
    }
    sort() { this.#pairs.sort((one, other) => (one[0] < other[0] ? -1 : Number(one[0] > other[0]))); this.#changed(this); }
    forEach(callback, self) { for (const [name, value] of this.#pairs) callback.call(self, value, name, this); }
    *entries() { for (const pair of this.#pairs) yield [...pair]; }
    *keys() { for (const pair of this.#pairs) yield pair[0]; }
    *values() { for (const pair of this.#pairs) yield pair[1]; }
    [Symbol.iterator]() { return this.entries(); }
    toString() { return host.writeForm(JSON.stringify(this.#pairs.map((pair) => pair.map((text) => text.toWellFormed())))); }
  }

  class URL {
    #parts;
    #query;

    constructor(address, base) {
      this.#read(host.parseUrl(String(address).toWellFormed(), base === undefined ? undefined : String(base).toWellFormed()));
    }
    static canParse(address, base) {
      try { return Boolean(new URL(address, base)); } catch { return false; }
    }

    #read(json) {
      this.#parts = JSON.parse(json);
      this.#query = undefined;
    }
    #set(part, value) { this.#read(host.setUrl(this.#parts.href, part, String(value).toWellFormed())); }

    get searchParams() {
      this.#query ??= new URLSearchParams(this.#parts.search, (query) => {
        this.#parts = JSON.parse(host.setUrl(this.#parts.href, 'search', String(query)));
      });
      return this.#query;
    }

    get href() { return this.#parts.href; }
    set href(value) { this.#read(host.parseUrl(String(value), undefined)); }
    get origin() { return this.#parts.origin; }
    get protocol() { return this.#parts.protocol; }
    set protocol(value) { this.#set('protocol', value); }
    get username() { return this.#parts.username; }
    set username(value) { this.#set('username', value); }
    get password() { return this.#parts.password; }
    set password(value) { this.#set('password', value); }
    get host() { return this.#parts.host; }
    set host(value) { this.#set('host', value); }
    get hostname() { return this.#parts.hostname; }
    set hostname(value) { this.#set('hostname', value); }
    get port() { return this.#parts.port; }
    set port(value) { this.#set('port', value); }
    get pathname() { return this.#parts.pathname; }
    set pathname(value) { this.#set('pathname', value); }
    get search() { return this.#parts.search; }
    set search(value) { this.#set('search', value); }
    get hash() { return this.#parts.hash; }
    set hash(value) { this.#set('hash', value); }
    toString() { return this.#parts.href; }
    toJSON() { return this.#parts.href; }
  }

  internal.define({ URL, URLSearchParams });
});
