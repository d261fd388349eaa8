async function changeEmail(email, newEmail, verified, callback) {
  // Gives a user another email address. Deploy this script through the Management API or a tool
  // that uses it: saving the connection in the Dashboard silently drops it.

  let changed;
  try {
    changed = await askGateway(
      '/v1/users/change-email',
      { identifier: email, new_email: newEmail, email_verified: verified === true },
      'changed',
    );
  } catch (error) {
    return callback(error);
  }
  return callback(null, changed);

{% include "action_scripts/gateway.js" -%}
}
