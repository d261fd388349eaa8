// `require('axios')`: what scripts use of it. Rejects on what `validateStatus` does not accept, with `error.response`.
(function (host, internal) {
  'use strict';

  class AxiosError extends Error {
    constructor(message, code, config, request, response) {
      super(message);
      this.name = 'AxiosError';
      this.isAxiosError = true;
      this.code = code;
      this.config = config;
      if (request) this.request = request;
      if (response) [this.response, this.status] = [response, response.status];
    }
    toJSON() { return { name: this.name, message: this.message, code: this.code, status: this.status }; }
  }

  const standard = {
    timeout: 0,
    maxRedirects: 5,
    responseType: 'json',
    validateStatus: (status) => status >= 200 && status < 300,
    headers: { common: { Accept: 'application/json, text/plain, */*' } },
  };
  const verbs = ['delete', 'get', 'head', 'options', 'post', 'put', 'patch'];

  function merge(one = {}, other = {}) {
    return { ...one, ...other, headers: { ...one.headers, ...other.headers }, params: other.params ?? one.params };
  }

  function headersOf(config, method) {
    const headers = new Headers();
    const own = Object.entries(config.headers).filter(([name]) => name !== 'common' && !verbs.includes(name));
    for (const [name, value] of [...Object.entries(config.headers.common ?? {}), ...Object.entries(config.headers[method] ?? {}), ...own]) {
      if (value !== undefined && value !== null && value !== false) headers.set(name, value);
    }
    if (config.auth) {
      headers.set('authorization', `Basic ${internal.Buffer.from(`${config.auth.username ?? ''}:${config.auth.password ?? ''}`).toString('base64')}`);
    }
    return headers;
  }

  function addressOf(config) {
    const joined = config.baseURL && !/^([a-z][a-z\d+\-.]*:)?\/\//i.test(config.url ?? '')
      ? `${config.baseURL.replace(/\/+$/, '')}/${(config.url ?? '').replace(/^\/+/, '')}`.replace(/\/$/, config.url ? '/' : '')
      : config.url;
    const address = new URL(joined);
    const params = config.params instanceof URLSearchParams ? Array.from(config.params) : Object.entries(config.params ?? {});
    for (const [name, value] of params) {
      if (value === undefined || value === null) continue;
      if (Array.isArray(value)) value.forEach((item) => address.searchParams.append(`${name}[]`, item));
      else address.searchParams.append(name, value instanceof Date ? value.toISOString() : typeof value === 'object' ? JSON.stringify(value) : value);
    }
    return address;
  }

  function bodyOf(config, headers) {
    const data = config.data;
    if (data === undefined || data === null) return undefined;
    if (data instanceof URLSearchParams) {
      if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded;charset=utf-8');
      return internal.Buffer.from(String(data));
    }
    if (ArrayBuffer.isView(data) || data instanceof ArrayBuffer) return internal.bytesOf(data);
    if (typeof data === 'object' && /x-www-form-urlencoded/.test(headers.get('content-type') ?? '')) {
      return internal.Buffer.from(String(new URLSearchParams(data)));
    }
    if (typeof data === 'object') {
      if (!headers.has('content-type')) headers.set('content-type', 'application/json');
      return internal.Buffer.from(JSON.stringify(data));
    }
    if (!headers.has('content-type')) headers.set('content-type', 'application/x-www-form-urlencoded');
    return internal.Buffer.from(String(data));
  }

  function dataOf(answer, config) {
    if (config.responseType === 'arraybuffer') return internal.wrap(answer.body);
    const text = new TextDecoder().decode(answer.body);
    if (config.responseType === 'text') return text;
    try { return JSON.parse(text); } catch { return text; }
  }

  async function send(scope, config) {
    const method = String(config.method ?? 'get').toLowerCase();
    const headers = headersOf(config, method);
    const address = addressOf(config);
    if (config.auth === undefined && address.username) {
      headers.set('authorization', `Basic ${internal.Buffer.from(`${decodeURIComponent(address.username)}:${decodeURIComponent(address.password)}`).toString('base64')}`);
    }
    address.username = '';
    address.password = '';
    const request = { method: method.toUpperCase(), path: address.pathname, host: address.hostname };
    let answer;
    try {
      answer = await scope.request({
        method: request.method,
        url: address.href,
        body: bodyOf(config, headers),
        headers: Array.from(headers),
        redirect: config.maxRedirects === 0 ? 'manual' : 'follow',
        timeout: config.timeout || undefined,
        signal: config.signal,
      });
    } catch (error) {
      if (config.signal?.aborted) throw new AxiosError('canceled', 'ERR_CANCELED', config, request);
      if (error.code === 'ETIMEDOUT') throw new AxiosError(config.timeoutErrorMessage ?? `timeout of ${config.timeout}ms exceeded`, 'ECONNABORTED', config, request);
      throw new AxiosError(error.message, error.code, config, request);
    }
    const response = {
      data: dataOf(answer, config),
      status: answer.status,
      statusText: answer.statusText,
      headers: Object.fromEntries(new Headers(answer.headers)),
      config,
      request,
    };
    if (!config.validateStatus || config.validateStatus(answer.status)) return response;
    const code = answer.status < 500 ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE';
    throw new AxiosError(`Request failed with status code ${answer.status}`, code, config, request, response);
  }

  // `interceptors.request` and `.response`, in axios' order: requests last in first out, responses first in first out.
  function interceptors() {
    const pairs = [];
    return {
      pairs,
      use(fulfilled, rejected) { return pairs.push([fulfilled, rejected]) - 1; },
      eject(id) { pairs[id] = []; },
      clear() { pairs.length = 0; },
    };
  }

  function instance(scope, defaults) {
    const axios = function axios(first, second) {
      return axios.request(typeof first === 'string' ? { ...second, url: first } : first);
    };
    axios.defaults = defaults;
    axios.interceptors = { request: interceptors(), response: interceptors() };
    axios.request = (config) => {
      let chain = Promise.resolve(merge(axios.defaults, config));
      for (const [fulfilled, rejected] of [...axios.interceptors.request.pairs].reverse()) chain = chain.then(fulfilled, rejected);
      chain = chain.then((merged) => send(scope, merged));
      for (const [fulfilled, rejected] of axios.interceptors.response.pairs) chain = chain.then(fulfilled, rejected);
      return chain;
    };
    for (const verb of verbs) {
      axios[verb] = ['post', 'put', 'patch'].includes(verb)
        ? (url, data, config) => axios.request({ ...config, method: verb, url, data })
        : (url, config) => axios.request({ ...config, method: verb, url });
    }
    axios.create = (config) => instance(scope, merge(axios.defaults, config));
    axios.isAxiosError = (error) => Boolean(error?.isAxiosError);
    axios.isCancel = (error) => error?.code === 'ERR_CANCELED';
    axios.AxiosError = AxiosError;
    axios.default = axios;
    return axios;
  }

  internal.modules.axios = (scope) => instance(scope, merge(standard));
});
