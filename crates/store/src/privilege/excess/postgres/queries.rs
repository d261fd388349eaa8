//! The questions to PostgreSQL's catalogue. `$1` is the role, or an empty text for everybody alone. Each answers in seven
//! columns: class, schema, name, detail, privilege, grantee, whether it may be granted on.

/// The role, and each that it is a member of. Those of PostgreSQL's own are an excess as a whole, and not looked into.
const MINE: &str = r"
with recursive mine (oid) as (
    select oid from pg_catalog.pg_roles where rolname = $1
    union
    select m.roleid from mine join pg_catalog.pg_auth_members m on m.member = mine.oid
    join pg_catalog.pg_roles r on r.oid = m.roleid where r.rolname !~ '^pg_'
),
grantee (oid, name) as (
    select r.oid, r.rolname::text from mine join pg_catalog.pg_roles r on r.oid = mine.oid
    union all select 0::oid, ''
)";

pub(super) const ATTRIBUTES: &str = r"
with recursive mine (oid) as (
    select oid from pg_catalog.pg_roles where rolname = $1
    union
    select m.roleid from mine join pg_catalog.pg_auth_members m on m.member = mine.oid
)
select '', '', '', '', a.name, r.rolname::text, false
from mine join pg_catalog.pg_roles r on r.oid = mine.oid
cross join lateral (values
    ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
    ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls)) a (name, has)
where a.has";

pub(super) const MEMBERSHIPS: &str = r"
with recursive mine (oid) as (
    select oid from pg_catalog.pg_roles where rolname = $1
    union
    select m.roleid from mine join pg_catalog.pg_auth_members m on m.member = mine.oid
    join pg_catalog.pg_roles r on r.oid = m.roleid where r.rolname !~ '^pg_'
)
select case when g.rolname ~ '^pg_' then 'member' else 'admin' end, '', g.rolname::text, '', '', r.rolname::text, m.admin_option
from mine join pg_catalog.pg_roles r on r.oid = mine.oid
join pg_catalog.pg_auth_members m on m.member = mine.oid
join pg_catalog.pg_roles g on g.oid = m.roleid
where g.rolname ~ '^pg_' or m.admin_option";

/// What is owned, and the superuser that every server has, to whom it can be given. A sequence of a column goes with its
/// table.
pub(super) const OWNED: &str = r"
with recursive mine (oid) as (
    select oid from pg_catalog.pg_roles where rolname = $1
    union
    select m.roleid from mine join pg_catalog.pg_auth_members m on m.member = mine.oid
    join pg_catalog.pg_roles r on r.oid = m.roleid where r.rolname !~ '^pg_'
)
select o.class, o.schema, o.name, o.detail, (select b.rolname::text from pg_catalog.pg_roles b where b.oid = 10), r.rolname::text, false
from (
    select 'TABLE', n.nspname::text, c.relname::text, '', c.relowner
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_(toast|temp)' and c.oid >= 16384
      and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass
                      and d.objid = c.oid and c.relkind = 'S' and d.deptype in ('a', 'i'))
    union all
    select 'SCHEMA', '', nspname::text, '', nspowner from pg_catalog.pg_namespace where oid >= 16384 and nspname !~ '^pg_'
    union all
    select 'DATABASE', '', datname::text, '', datdba from pg_catalog.pg_database where oid >= 16384
    union all
    select 'ROUTINE', n.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid), p.proowner
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where p.oid >= 16384 and n.nspname !~ '^pg_temp'
    union all
    select 'LARGE OBJECT', '', oid::text, '', lomowner from pg_catalog.pg_largeobject_metadata
) o (class, schema, name, detail, owner)
join mine on mine.oid = o.owner join pg_catalog.pg_roles r on r.oid = mine.oid
where not r.rolsuper
limit 10000";

/// Every entry of every list that matters. Of PostgreSQL's own tables and functions only what was granted after the
/// server was made; everybody reads the information schema, which shows to each what is theirs.
pub(super) fn lists(has_parameters: bool) -> String {
    let parameters = if has_parameters { PARAMETERS } else { "" };
    format!("{MINE}{LISTS}{parameters} limit 10000")
}

const PARAMETERS: &str = r"
union all
select 'parameter', '', p.parname, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_parameter_acl p cross join lateral pg_catalog.aclexplode(p.paracl) x
join grantee g on g.oid = x.grantee";

const LISTS: &str = r#"
select case c.relkind when 'S' then 'sequence' else 'relation' end, n.nspname::text, c.relname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral pg_catalog.aclexplode(c.relacl) x
join grantee g on g.oid = x.grantee
where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and x.grantee <> c.relowner and n.nspname !~ '^pg_(toast|temp)'
  and not (n.nspname = 'information_schema' and x.grantee = 0 and x.privilege_type = 'SELECT')
  and (n.nspname not in ('pg_catalog', 'information_schema') or not exists (
      select from pg_catalog.pg_init_privs i cross join lateral pg_catalog.aclexplode(i.initprivs) y
      where i.classoid = 'pg_catalog.pg_class'::regclass and i.objoid = c.oid and i.objsubid = 0
        and y.grantee = x.grantee and y.privilege_type = x.privilege_type))
union all
select 'column', n.nspname::text, c.relname::text, a.attname::text, x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c on c.oid = a.attrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
cross join lateral pg_catalog.aclexplode(a.attacl) x
join grantee g on g.oid = x.grantee
where not a.attisdropped and x.grantee <> c.relowner and n.nspname !~ '^pg_(toast|temp)'
  and (n.nspname not in ('pg_catalog', 'information_schema') or not exists (
      select from pg_catalog.pg_init_privs i cross join lateral pg_catalog.aclexplode(i.initprivs) y
      where i.classoid = 'pg_catalog.pg_class'::regclass and i.objoid = c.oid and i.objsubid = a.attnum
        and y.grantee = x.grantee and y.privilege_type = x.privilege_type))
union all
select 'schema', '', n.nspname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_namespace n
cross join lateral pg_catalog.aclexplode(n.nspacl) x
join grantee g on g.oid = x.grantee
where x.grantee <> n.nspowner and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
union all
select case when d.datname = pg_catalog.current_database() then 'database' else 'other-database' end, '', d.datname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_database d
cross join lateral pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d'::"char", d.datdba))) x
join grantee g on g.oid = x.grantee
where x.grantee <> d.datdba and d.datallowconn
union all
select 'routine', n.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid), x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_proc p
join pg_catalog.pg_namespace n on n.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
left join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
left join pg_catalog.pg_extension e on e.oid = d.refobjid
cross join lateral pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f'::"char", p.proowner))) x
join grantee g on g.oid = x.grantee
where x.grantee <> p.proowner and case
    when n.nspname in ('pg_catalog', 'information_schema') then not exists (
        select from pg_catalog.pg_init_privs i cross join lateral pg_catalog.aclexplode(i.initprivs) y
        where i.classoid = 'pg_catalog.pg_proc'::regclass and i.objoid = p.oid and y.grantee = x.grantee)
      and (x.grantee <> 0 or exists (select from pg_catalog.pg_init_privs i
        where i.classoid = 'pg_catalog.pg_proc'::regclass and i.objoid = p.oid))
    else x.grantee <> 0 or p.prosecdef
      or (not l.lanpltrusted and l.lanname not in ('internal', 'c', 'sql'))
      or (l.lanname = 'c' and coalesce(e.extname in ('dblink', 'postgres_fdw', 'file_fdw', 'adminpack', 'pageinspect', 'lo', 'xml2', 'pg_buffercache', 'pg_surgery', 'pgrowlocks'), true))
    end
union all
select 'large-object', '', o.oid::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_largeobject_metadata o
cross join lateral pg_catalog.aclexplode(o.lomacl) x
join grantee g on g.oid = x.grantee
where x.grantee <> o.lomowner
union all
select 'server', '', s.srvname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_foreign_server s cross join lateral pg_catalog.aclexplode(s.srvacl) x
join grantee g on g.oid = x.grantee where x.grantee <> s.srvowner
union all
select 'wrapper', '', w.fdwname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_foreign_data_wrapper w cross join lateral pg_catalog.aclexplode(w.fdwacl) x
join grantee g on g.oid = x.grantee where x.grantee <> w.fdwowner
union all
select 'tablespace', '', t.spcname::text, '', x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_tablespace t cross join lateral pg_catalog.aclexplode(t.spcacl) x
join grantee g on g.oid = x.grantee where x.grantee <> t.spcowner
union all
select 'default', coalesce(n.nspname::text, ''), r.rolname::text,
       case d.defaclobjtype when 'r' then 'TABLES' when 'S' then 'SEQUENCES' when 'f' then 'FUNCTIONS' when 'T' then 'TYPES' else 'SCHEMAS' end,
       x.privilege_type, g.name, x.is_grantable
from pg_catalog.pg_default_acl d
join pg_catalog.pg_roles r on r.oid = d.defaclrole
left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
cross join lateral pg_catalog.aclexplode(d.defaclacl) x
join grantee g on g.oid = x.grantee
where x.grantee <> d.defaclrole and (x.grantee <> 0 or d.defaclobjtype not in ('f', 'T'))"#;

/// What a member of a role of PostgreSQL's own may do,
/// <https://www.postgresql.org/docs/current/predefined-roles.html>.
pub(super) const POWERS: [(&str, &str); 12] = [
    ("pg_read_all_data", "may read every table"),
    ("pg_write_all_data", "may write every table"),
    ("pg_read_server_files", "may read files of the server"),
    (
        "pg_write_server_files",
        "may write files of the server, and so take it over",
    ),
    (
        "pg_execute_server_program",
        "may run programs on the server",
    ),
    ("pg_monitor", "may see what other sessions do"),
    ("pg_read_all_settings", "may see all settings"),
    ("pg_read_all_stats", "may see what other sessions do"),
    ("pg_signal_backend", "may end other sessions"),
    ("pg_checkpoint", "may slow the server by checkpoints"),
    ("pg_maintain", "may lock and rewrite every table"),
    ("pg_create_subscription", "may copy tables from elsewhere"),
];
