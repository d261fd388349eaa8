// Node's Buffer: a Uint8Array that knows encodings. The host does the encodings themselves.
(function (host, internal) {
  'use strict';

  const encodings = new Map([
    ['utf8', 'utf8'], ['utf-8', 'utf8'],
    ['ucs2', 'utf16le'], ['ucs-2', 'utf16le'], ['utf16le', 'utf16le'], ['utf-16le', 'utf16le'],
    ['latin1', 'latin1'], ['binary', 'latin1'], ['ascii', 'ascii'],
    ['base64', 'base64'], ['base64url', 'base64url'], ['hex', 'hex'],
  ]);

  function encodingOf(name) {
    const encoding = encodings.get(String(name ?? 'utf8').toLowerCase());
    if (!encoding) throw new TypeError(`Unknown encoding: ${name}`);
    return encoding;
  }

  function decode(text, name) {
    const encoding = encodingOf(name);
    return host.decode(text.toWellFormed(), encoding);
  }

  function wrap(bytes) {
    return Object.setPrototypeOf(bytes, Buffer.prototype);
  }

  // Text or bytes, as most methods take either.
  function bytesOf(value, encoding) {
    return typeof value === 'string' ? decode(value, encoding) : internal.bytesOf(value);
  }

  class Buffer extends Uint8Array {
    static from(value, second, third) {
      if (typeof value === 'string') return wrap(decode(value, second));
      if (value instanceof ArrayBuffer) return wrap(new Uint8Array(value, second, third));
      if (ArrayBuffer.isView(value) || Array.isArray(value)) return wrap(Uint8Array.from(value));
      if (value && value.type === 'Buffer' && Array.isArray(value.data)) return wrap(Uint8Array.from(value.data));
      if (value && typeof value.length === 'number') return wrap(Uint8Array.from(value));
      throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array');
    }

    static alloc(size, fill = 0, encoding) {
      const buffer = wrap(new Uint8Array(size));
      return fill === 0 ? buffer : buffer.fill(fill, encoding);
    }
    static allocUnsafe(size) { return Buffer.alloc(size); }
    static allocUnsafeSlow(size) { return Buffer.alloc(size); }

    static concat(list, length = list.reduce((sum, item) => sum + item.length, 0)) {
      const buffer = Buffer.alloc(length);
      let at = 0;
      for (const item of list) {
        const part = item.subarray(0, Math.max(0, length - at));
        Uint8Array.prototype.set.call(buffer, part, at);
        at += part.length;
      }
      return buffer;
    }

    static byteLength(value, encoding) { return bytesOf(value, encoding).length; }
    static isBuffer(value) { return value instanceof Buffer; }
    static isEncoding(name) { return encodings.has(String(name).toLowerCase()); }
    static compare(one, other) {
      const shorter = Math.min(one.length, other.length);
      for (let at = 0; at < shorter; at += 1) {
        if (one[at] !== other[at]) return one[at] < other[at] ? -1 : 1;
      }
      return Math.sign(one.length - other.length);
    }

    toString(encoding, start = 0, end = this.length) {
      return host.encode(new Uint8Array(this.subarray(start, end)), encodingOf(encoding));
    }
    toLocaleString(encoding, start, end) { return this.toString(encoding, start, end); }
    toJSON() { return { type: 'Buffer', data: Array.from(this) }; }
    equals(other) { return Buffer.compare(this, other) === 0; }
    compare(other) { return Buffer.compare(this, other); }

    // As in Node, and unlike a plain Uint8Array, a slice shares its memory.
    slice(start, end) { return this.subarray(start, end); }
    subarray(start, end) {
      return wrap(Uint8Array.prototype.subarray.call(Object.setPrototypeOf(new Uint8Array(this.buffer, this.byteOffset, this.length), Uint8Array.prototype), start, end));
    }

    write(text, offset = 0, length, encoding) {
      if (typeof offset === 'string') [offset, encoding] = [0, offset];
      if (typeof length === 'string') [length, encoding] = [undefined, length];
      const bytes = decode(text, encoding).subarray(0, Math.min(length ?? Infinity, this.length - offset));
      this.set(bytes, offset);
      return bytes.length;
    }
    copy(target, targetStart = 0, start = 0, end = this.length) {
      const part = this.subarray(start, Math.min(end, start + target.length - targetStart));
      target.set(part, targetStart);
      return part.length;
    }
    fill(value, offset = 0, end = this.length, encoding) {
      if (typeof value === 'number') return super.fill(value, offset, end);
      if (typeof offset === 'string') [offset, encoding] = [0, offset];
      const pattern = bytesOf(value, encoding);
      for (let at = offset; at < end; at += 1) this[at] = pattern.length ? pattern[(at - offset) % pattern.length] : 0;
      return this;
    }

    indexOf(value, from = 0, encoding) {
      if (typeof value === 'number') return super.indexOf(value, from);
      const wanted = bytesOf(value, encoding);
      for (let at = from; at + wanted.length <= this.length; at += 1) {
        if (wanted.every((byte, index) => this[at + index] === byte)) return at;
      }
      return -1;
    }
    includes(value, from, encoding) { return this.indexOf(value, from, encoding) !== -1; }

    readUInt8(at = 0) { return view(this, at, 1).getUint8(0); }
    readInt8(at = 0) { return view(this, at, 1).getInt8(0); }
    readUInt16BE(at = 0) { return view(this, at, 2).getUint16(0); }
    readUInt16LE(at = 0) { return view(this, at, 2).getUint16(0, true); }
    readUInt32BE(at = 0) { return view(this, at, 4).getUint32(0); }
    readUInt32LE(at = 0) { return view(this, at, 4).getUint32(0, true); }
    readInt32BE(at = 0) { return view(this, at, 4).getInt32(0); }
    readInt32LE(at = 0) { return view(this, at, 4).getInt32(0, true); }
    writeUInt8(value, at = 0) { view(this, at, 1).setUint8(0, value); return at + 1; }
    writeUInt16BE(value, at = 0) { view(this, at, 2).setUint16(0, value); return at + 2; }
    writeUInt16LE(value, at = 0) { view(this, at, 2).setUint16(0, value, true); return at + 2; }
    writeUInt32BE(value, at = 0) { view(this, at, 4).setUint32(0, value); return at + 4; }
    writeUInt32LE(value, at = 0) { view(this, at, 4).setUint32(0, value, true); return at + 4; }
  }

  function view(buffer, at, size) {
    if (at < 0 || at + size > buffer.length) throw new RangeError('Attempt to access memory outside buffer bounds');
    return new DataView(buffer.buffer, buffer.byteOffset + at, size);
  }

  internal.Buffer = Buffer;
  internal.wrap = wrap;
  internal.define({ Buffer });
});
