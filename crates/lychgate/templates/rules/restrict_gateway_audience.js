function restrictGatewayAudience(user, context, callback) {
  // Keeps users away from the API that stands for the gateway: its tokens are for the script
  // client alone. Whoever logs in could otherwise ask for one by adding `audience` to the request.
  //
  // Auth0 stopped running rules on 2026-11-18. There, use the post-login action and, better still,
  // the API's own access policy: user = deny_all. This rule serves the embedded tenant, and those
  // who come from rules. A rule is the weakest of the three: no field tells it which API the token
  // will be for, so it reads the request, and refuses what it cannot read.
  //
  //   GATEWAY_AUDIENCE               the identifier of that API; without it, nobody gets in
  //   GATEWAY_ALLOW_OFFLINE_ACCESS   "false" once the API's `allow_offline_access` is off
  //   DEFAULT_AUDIENCE               the tenant's Default Audience, if it has one

  const gateway = configuration.GATEWAY_AUDIENCE;
  if (!gateway) {
    return callback(new UnauthorizedError('The rules configuration has no GATEWAY_AUDIENCE'));
  }

  const { query, body } = context.request || {};
  const named = (parameter) =>
    [query, body]
      .flatMap((parameters) => parameters?.[parameter] ?? [])
      .flatMap((value) => (typeof value === 'string' ? value.split(/\s+/) : [value]))
      .filter((value) => value !== '');
  const audiences = named('audience');
  const apis = [...audiences, ...named('resource')]; // RFC 8707, which tenants take for `audience`

  // A pushed (PAR) or signed (JAR) request keeps its parameters from rules.
  const hidden = [...named('request'), ...named('request_uri')].length > 0;
  if (hidden || apis.some((api) => typeof api !== 'string')) {
    return callback(new UnauthorizedError('The request does not show which API it is for'));
  }

  // A refresh is for the API of the first login, whatever it says itself. Only an API that never
  // allowed refresh tokens has none in the field.
  const isRefresh = context.protocol === 'oauth2-refresh-token';
  if (isRefresh && configuration.GATEWAY_ALLOW_OFFLINE_ACCESS !== 'false') {
    return callback(new UnauthorizedError('A refresh does not show which API it is for'));
  }

  const isDefault = audiences.length === 0 && configuration.DEFAULT_AUDIENCE === gateway;
  if (apis.includes(gateway) || isDefault) {
    return callback(new UnauthorizedError('Users get no access token for this API'));
  }
  return callback(null, user, context);
}
