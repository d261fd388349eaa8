/**
 * Keeps users away from the API that stands for the gateway: its tokens are for the script client
 * alone. Whoever logs in could otherwise ask for one by adding `audience` to the request.
 *
 * `event.resource_server` is the API that the token will be for, however it was asked for: by
 * `audience` or `resource`, pushed, signed, by refresh, by exchange or by the Default Audience.
 * No user, application or connection is an exception, so there is no list of them.
 *
 * Bind it first in the post-login flow, and give it one secret:
 *   GATEWAY_AUDIENCE   the identifier of that API; without it, nobody gets in
 *
 * The second lock on the same door: set the API's access policy to user = deny_all.
 */
exports.onExecutePostLogin = async (event, api) => {
  const gateway = event.secrets.GATEWAY_AUDIENCE;
  if (!gateway) {
    return api.access.deny('The action has no secret GATEWAY_AUDIENCE');
  }
  if (event.resource_server?.identifier === gateway) {
    return api.access.deny('Users get no access token for this API');
  }
};
