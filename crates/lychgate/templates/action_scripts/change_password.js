async function changePassword(email, newPassword, callback) {
  // Sets a new password. It goes to the gateway as it was typed, over TLS, and is hashed there: a
  // hash made here would itself become the password.

  let changed;
  try {
    changed = await askGateway(
      '/v1/users/change-password',
      { identifier: email, new_password: newPassword },
      'changed',
    );
  } catch (error) {
    return callback(error);
  }
  return callback(null, changed);

{% include "action_scripts/gateway.js" -%}
}
