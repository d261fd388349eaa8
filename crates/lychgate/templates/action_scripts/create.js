async function create(user, callback) {
  // Signs a user up in the legacy store. Only the fields named here are passed on, and only where
  // they hold something. Never `email_verified`, `blocked` or `user_id`: a stranger who signs up
  // must not choose those. The tenant keeps the two metadata objects itself, too: take them off
  // the list if your store has no place for them, or the gateway will refuse them.
  const FIELDS = [
    'email', 'username', 'password', 'phone_number',
    'name', 'given_name', 'family_name', 'nickname', 'picture',
    'user_metadata', 'app_metadata',
  ];

  const isEmpty = (value) =>
    value === undefined || value === null || value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0);
  const fields = FIELDS.filter((name) => !isEmpty(user[name]));
  const account = Object.fromEntries(fields.map((name) => [name, user[name]]));

  let created;
  try {
    created = await askGateway('/v1/users/create', account, 'user');
  } catch (error) {
    if (error.status === 409) {
      return callback(new ValidationError('user_exists', 'The user already exists'));
    }
    // What the user typed is the user's to mend; any other field that is refused is ours.
    if (error.status === 422 && error.field) {
      const message = `The ${error.field} is not acceptable`;
      return callback(new ValidationError(`invalid_${error.field}`, message));
    }
    return callback(error);
  }
  if (!created) {
    return callback(new Error('The gateway created a user and did not say which'));
  }
  return callback(null);

{% include "action_scripts/gateway.js" -%}
}
