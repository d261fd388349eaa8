// Text to bytes and back: TextEncoder, TextDecoder, atob, btoa.
(function (host, internal) {
  'use strict';

  // The bytes of an ArrayBuffer or of any view of one.
  function bytesOf(data) {
    if (data instanceof Uint8Array) return data;
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (data instanceof ArrayBuffer) return new Uint8Array(data);
    throw new TypeError('expected a Buffer, a typed array, a DataView or an ArrayBuffer');
  }

  class TextEncoder {
    get encoding() { return 'utf-8'; }
    encode(text = '') { return host.decode(String(text).toWellFormed(), 'utf8'); }
  }

  class TextDecoder {
    #fatal;
    #ignoreBom;
    constructor(label = 'utf-8', options = {}) {
      if (!/^\s*utf-?8\s*$/i.test(label)) throw new RangeError(`encoding ${label} is not supported; utf-8 is`);
      this.#fatal = Boolean(options.fatal);
      this.#ignoreBom = Boolean(options.ignoreBOM);
    }
    get encoding() { return 'utf-8'; }
    get fatal() { return this.#fatal; }
    get ignoreBOM() { return this.#ignoreBom; }
    decode(data = new Uint8Array()) {
      const text = host.encode(bytesOf(data), this.#fatal ? 'utf8-fatal' : 'utf8');
      return !this.#ignoreBom && text.startsWith('\uFEFF') ? text.slice(1) : text;
    }
  }

  function btoa(text) {
    text = String(text);
    if (/[^\0-\xff]/.test(text)) throw new internal.DOMException('a character is outside Latin-1', 'InvalidCharacterError');
    return host.encode(host.decode(text, 'latin1'), 'base64');
  }

  function atob(text) {
    const compact = String(text).replace(/[\t\n\f\r ]/g, '').replace(/={1,2}$/, '');
    if (compact.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(compact)) {
      throw new internal.DOMException('the text is not base64', 'InvalidCharacterError');
    }
    return host.encode(host.decode(compact, 'base64'), 'latin1');
  }

  internal.bytesOf = bytesOf;
  internal.define({ TextEncoder, TextDecoder, atob, btoa });
});
