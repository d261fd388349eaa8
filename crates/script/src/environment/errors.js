// The platform's error classes, ambient as there. The host tells them apart by their names.
(function (host, internal) {
  'use strict';

  class WrongUsernameOrPasswordError extends Error {
    constructor(identifier, message) {
      super(message);
      this.name = 'WrongUsernameOrPasswordError';
      this.identifier = identifier;
    }
  }

  class ValidationError extends Error {
    constructor(code, message) {
      super(message);
      this.name = 'ValidationError';
      this.code = code;
    }
  }

  class UnauthorizedError extends Error {
    constructor(message) {
      super(message);
      this.name = 'UnauthorizedError';
    }
  }

  internal.define({ WrongUsernameOrPasswordError, ValidationError, UnauthorizedError });
});
