async function verify(email, callback) {
  // Marks the email address as verified in the legacy store, once its owner has followed the link.
  // The tenant's own profile learns of it from the next login, not from here.

  let verified;
  try {
    verified = await askGateway('/v1/users/verify-email', { email }, 'verified');
  } catch (error) {
    return callback(error);
  }
  return callback(null, verified);

{% include "action_scripts/gateway.js" -%}
}
