async function login(identifier, password, callback) {
  // Checks the password against the legacy store. The identifier is whatever the user typed: an
  // email address, a username or a phone number. The gateway says `null` for an unknown user, a
  // wrong password and a disabled account alike, so this script cannot tell them apart either.

  let user;
  try {
    user = await askGateway('/v1/users/authenticate', { identifier, password }, 'user');
  } catch (error) {
    return callback(error);
  }
  if (!user) {
    return callback(new WrongUsernameOrPasswordError(identifier, 'Wrong username or password'));
  }
  return callback(null, user);

{% include "action_scripts/gateway.js" -%}
}
