-- The tenant's state. Times are seconds since 1970; what opens a door is kept as its SHA-256 only.
begin immediate;

create table signing_keys (
    key_id     text primary key,
    algorithm  text not null,
    pkcs8      blob not null,
    created_at integer not null
) strict;

-- A login under way, from /authorize to the answer of the login page, bound to one browser's cookie.
create table login_transactions (
    digest     blob primary key,
    binding    blob not null,
    request    text not null,
    attempts   integer not null default 0,
    expires_at integer not null
) strict;
create index login_transactions_end on login_transactions (expires_at);

create table sessions (
    digest           blob primary key,
    sid              text not null,
    user_id          text not null,
    connection       text not null,
    authenticated_at integer not null,
    expires_at       integer not null
) strict;
create index sessions_user on sessions (user_id);
create index sessions_end on sessions (expires_at);

-- One answer of /authorize and everything that came of it: a code, then a family of refresh tokens.
create table grants (
    grant_id    text primary key,
    code_digest blob not null unique,
    user_id     text not null,
    revoked     integer not null default 0,
    expires_at  integer not null
) strict;
create index grants_user on grants (user_id);
create index grants_end on grants (expires_at);

create table codes (
    digest     blob primary key,
    grant_id   text not null references grants (grant_id) on delete cascade,
    content    text not null,
    expires_at integer not null
) strict;
create index codes_grant on codes (grant_id);
create index codes_end on codes (expires_at);

-- A used refresh token stays until it expires, so that its reuse is noticed.
create table refresh_tokens (
    digest        blob primary key,
    grant_id      text not null references grants (grant_id) on delete cascade,
    authorization text not null,
    used_at       integer,
    expires_at    integer not null
) strict;
create index refresh_tokens_grant on refresh_tokens (grant_id);
create index refresh_tokens_end on refresh_tokens (expires_at);

-- The cached profiles: refreshed at each login, never the truth.
create table users (
    user_id       text primary key,
    connection    text not null,
    profile       text not null,
    user_metadata text not null default '{}',
    app_metadata  text not null default '{}',
    logins        integer not null,
    created_at    integer not null,
    updated_at    integer not null
) strict;

create table tickets (
    digest     blob primary key,
    purpose    text not null,
    email      text not null,
    content    text not null,
    expires_at integer not null
) strict;
create index tickets_email on tickets (email);
create index tickets_end on tickets (expires_at);

-- `jti`s of client assertions that were used (RFC 7523 §3).
create table assertions (
    client_id  text not null,
    jti        text not null,
    expires_at integer not null,
    unique (client_id, jti)
) strict;
create index assertions_end on assertions (expires_at);

pragma user_version = 1;
commit;
