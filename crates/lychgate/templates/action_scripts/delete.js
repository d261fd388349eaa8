async function deleteUser(id, callback) {
  // Deletes a user from the legacy store. `id` is the `user_id` that login returned. A user who is
  // not there any more counts as deleted: the tenant only wants to know that it is so.

  try {
    await askGateway('/v1/users/delete', { user_id: id }, 'deleted');
  } catch (error) {
    return callback(error);
  }
  return callback(null);

{% include "action_scripts/gateway.js" -%}
}
