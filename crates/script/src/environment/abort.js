// DOMException, AbortController and AbortSignal, as far as `fetch` needs them.
(function (host, internal) {
  'use strict';

  class DOMException extends Error {
    #name;
    constructor(message = '', name = 'Error') {
      super(message);
      this.#name = name;
    }
    get name() { return this.#name; }
    get code() { return this.#name === 'AbortError' ? 20 : this.#name === 'TimeoutError' ? 23 : 0; }
  }

  const making = Symbol('making');

  class AbortSignal {
    #listeners = [];
    #reason;
    #aborted = false;
    onabort = null;

    constructor(key) {
      if (key !== making) throw new TypeError('Illegal constructor');
    }
    get aborted() { return this.#aborted; }
    get reason() { return this.#reason; }
    throwIfAborted() { if (this.#aborted) throw this.#reason; }

    addEventListener(type, listener) { if (type === 'abort') this.#listeners.push(listener); }
    removeEventListener(type, listener) {
      if (type === 'abort') this.#listeners = this.#listeners.filter((known) => known !== listener);
    }

    static abort(reason) {
      const signal = new AbortSignal(making);
      AbortSignal.end(making, signal, reason);
      return signal;
    }
    static timeout(delay) {
      const signal = new AbortSignal(making);
      const reason = () => new DOMException('The operation was aborted due to timeout', 'TimeoutError');
      internal.current().setTimeout(() => AbortSignal.end(making, signal, reason()), delay).unref();
      return signal;
    }
    static any(signals) {
      const signal = new AbortSignal(making);
      for (const one of signals) {
        if (one.aborted) return AbortSignal.abort(one.reason);
        one.addEventListener('abort', () => AbortSignal.end(making, signal, one.reason));
      }
      return signal;
    }

    static end(key, signal, reason = new DOMException('This operation was aborted', 'AbortError')) {
      if (key !== making || signal.#aborted) return;
      signal.#aborted = true;
      signal.#reason = reason;
      const event = { type: 'abort', target: signal };
      if (typeof signal.onabort === 'function') signal.onabort(event);
      for (const listener of signal.#listeners.splice(0)) listener.call(signal, event);
    }
  }

  class AbortController {
    signal = new AbortSignal(making);
    abort(reason) { AbortSignal.end(making, this.signal, reason); }
  }

  internal.DOMException = DOMException;
  internal.define({ DOMException, AbortController, AbortSignal });
});
