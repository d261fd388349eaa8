/**
 * Gives tokens for the API that stands for the gateway to the script client, and to no other. The
 * client grant says the same; this holds when somebody grants the API to another client by mistake.
 * Which scopes a client may have is left to its grant: that is a ceiling no action can raise.
 *
 * Bind it to the credentials-exchange flow, and give it two secrets:
 *   GATEWAY_AUDIENCE   the identifier of that API; without it, no client gets a token for any
 *   GATEWAY_CLIENTS    the client ids that may call the gateway, separated by spaces
 */
exports.onExecuteCredentialsExchange = async (event, api) => {
  const { GATEWAY_AUDIENCE: gateway, GATEWAY_CLIENTS: clients = '' } = event.secrets;
  if (!gateway) {
    return api.access.deny('server_error', 'The action has no secret GATEWAY_AUDIENCE');
  }
  if (event.resource_server.identifier !== gateway) {
    return;
  }
  const listed = clients.split(/\s+/).filter((client) => client !== '');
  if (!listed.includes(event.client.client_id)) {
    return api.access.deny('invalid_request', 'This client may not call the gateway');
  }
};
