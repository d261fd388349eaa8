# What an Auth0 tenant needs to reach the gateway. Written by `lychgate export terraform`.

terraform {
  required_version = ">= 1.3"

  required_providers {
    auth0 = {
      source  = "auth0/auth0"
      version = "~> 1.28"
    }
  }
}

variable "auth0_domain" {
  description = "The domain of the tenant, as example.eu.auth0.com. The scripts ask for their tokens there."
  type        = string
}

variable "gateway_url" {
  description = "The address of the gateway, https and without a path."
  type        = string
}
{%- if not audience %}

variable "gateway_audience" {
  description = "The identifier of the API: [gateway.access_token] audience."
  type        = string
}
{%- endif %}

variable "script_client_secret" {
  description = "The secret of the client of the scripts. Make 32 random bytes or more."
  type        = string
  sensitive   = true
}

variable "post_login_actions" {
  description = "Your other actions of the post-login flow, in their order: this file holds the whole flow."
  type        = list(object({ id = string, display_name = string }))
  default     = []
}

variable "credentials_exchange_actions" {
  description = "Your other actions of the credentials-exchange flow, in their order: this file holds the whole flow."
  type        = list(object({ id = string, display_name = string }))
  default     = []
}

# The API that stands for the gateway. Its access policy is the lock: nobody who logs in gets a token for it.
resource "auth0_resource_server" "gateway" {
  name       = {{ api | hcl }}
  identifier = {% if audience %}{{ audience | hcl }}{% else %}var.gateway_audience{% endif %}

  signing_alg                                     = "{{ algorithm }}"
  token_dialect                                   = "access_token"
  token_lifetime                                  = {{ token_lifetime }}
  token_lifetime_for_web                          = {{ token_lifetime }}
  allow_offline_access                            = false
  skip_consent_for_verifiable_first_party_clients = false
  enforce_policies                                = false

  subject_type_authorization {
    user {
      policy = "deny_all"
    }
    client {
      policy = "require_client_grant"
    }
  }
{%- if binds_tokens %}

  proof_of_possession {
    mechanism = "dpop"
    required  = true
  }
{%- endif %}
}

resource "auth0_resource_server_scopes" "gateway" {
  resource_server_identifier = auth0_resource_server.gateway.identifier
{%- for operation in operations %}

  scopes {
    name        = {{ operation.scope | hcl }}
    description = {{ operation.summary | hcl }}
  }
{%- endfor %}
}

# The client that the scripts take their tokens as. Nobody logs in with it.
resource "auth0_client" "scripts" {
  name            = {{ client | hcl }}
  app_type        = "non_interactive"
  is_first_party  = true
  oidc_conformant = true
  grant_types     = ["client_credentials"]

  jwt_configuration {
    alg = "RS256"
  }
}

resource "auth0_client_credentials" "scripts" {
  client_id             = auth0_client.scripts.id
  authentication_method = "client_secret_post"
  client_secret         = var.script_client_secret
}

resource "auth0_client_grant" "scripts" {
  client_id    = auth0_client.scripts.id
  audience     = auth0_resource_server.gateway.identifier
  subject_type = "client"
  scopes       = [{% for operation in operations %}{{ operation.scope | hcl }}{% if not loop.last %}, {% endif %}{% endfor %}]

  depends_on = [auth0_resource_server_scopes.gateway]
}

# The database connection and its action scripts.
resource "auth0_connection" "legacy" {
  name     = {{ connection | hcl }}
  strategy = "auth0"

  options {
    enabled_database_customization = true
    import_mode                    = {{ imports_users }}
    disable_signup                 = {{ disable_signup }}
    brute_force_protection         = true
    password_policy                = "good"

    custom_scripts = {
{%- for script in scripts %}
      {{ script.key }} = file("${path.module}/action_scripts/{{ script.name }}.js")
{%- endfor %}
    }

    configuration = {
      GATEWAY_URL   = var.gateway_url
      TOKEN_URL     = "https://${var.auth0_domain}/oauth/token"
      AUDIENCE      = auth0_resource_server.gateway.identifier
      CLIENT_ID     = auth0_client.scripts.client_id
      CLIENT_SECRET = var.script_client_secret
{%- if binds_tokens %}

      SENDER_CONSTRAINT = "dpop"
{%- endif %}
    }
  }
}

# The same two refusals as code. They hold if somebody opens the policy or grants the API by mistake.
resource "auth0_action" "{{ deny }}" {
  name    = "{{ deny }}"
  runtime = "{{ runtime }}"
  deploy  = true
  code    = file("${path.module}/actions/{{ deny }}.js")

  supported_triggers {
    id      = "post-login"
    version = "v3"
  }

  secrets {
    name  = "GATEWAY_AUDIENCE"
    value = auth0_resource_server.gateway.identifier
  }
}

resource "auth0_action" "{{ restrict }}" {
  name    = "{{ restrict }}"
  runtime = "{{ runtime }}"
  deploy  = true
  code    = file("${path.module}/actions/{{ restrict }}.js")

  supported_triggers {
    id      = "credentials-exchange"
    version = "v2"
  }

  secrets {
    name  = "GATEWAY_AUDIENCE"
    value = auth0_resource_server.gateway.identifier
  }

  secrets {
    name  = "GATEWAY_CLIENTS"
    value = auth0_client.scripts.client_id
  }
}

resource "auth0_trigger_actions" "post_login" {
  trigger = "post-login"

  actions {
    id           = auth0_action.{{ deny }}.id
    display_name = auth0_action.{{ deny }}.name
  }

  dynamic "actions" {
    for_each = var.post_login_actions

    content {
      id           = actions.value.id
      display_name = actions.value.display_name
    }
  }
}

resource "auth0_trigger_actions" "credentials_exchange" {
  trigger = "credentials-exchange"

  actions {
    id           = auth0_action.{{ restrict }}.id
    display_name = auth0_action.{{ restrict }}.name
  }

  dynamic "actions" {
    for_each = var.credentials_exchange_actions

    content {
      id           = actions.value.id
      display_name = actions.value.display_name
    }
  }
}
