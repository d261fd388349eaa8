async function getUser(identifier, callback) {
  // Looks a user up, without a password: before a sign-up, a password reset or a change of email.
  // `callback(null)` says that there is no such user, and only the gateway's own `null` says so.

  let user;
  try {
    user = await askGateway('/v1/users/lookup', { identifier }, 'user');
  } catch (error) {
    return callback(error);
  }
  if (!user) {
    return callback(null);
  }
  return callback(null, user);

{% include "action_scripts/gateway.js" -%}
}
