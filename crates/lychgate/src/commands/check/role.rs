//! What the role or account of the config may do beyond what its statements need.

use lychgate_store::{Excess, ExcessKind, Via};

use super::facts::Facts;
use super::finding::{Check, Findings, Severity};

/// Makes a row of the table for each kind, and the way from the kind to its row.
macro_rules! checks {
    ($($kind:ident $constant:ident $severity:ident $id:literal $title:literal $why:literal;)*) => {
        $(static $constant: Check = Check {
            severity: Severity::$severity, id: $id, title: $title, why: $why,
        };)*

        pub(super) static CHECKS: [&Check; [$($id),*].len()] = [$(&$constant),*];

        fn check_of(kind: ExcessKind) -> &'static Check {
            match kind {
                $(ExcessKind::$kind => &$constant,)*
            }
        }
    };
}

checks! {
    Superuser SUPERUSER High "role-superuser" "the role is a superuser"
        "No right is checked: whoever has its password has the whole server, and often the machine.";
    CreateRole CREATE_ROLE High "role-create-role" "the role may make and change roles"
        "It can make itself a way to whatever other roles may do.";
    CreateDatabase CREATE_DATABASE Medium "role-create-database" "the role may make databases"
        "It owns what it makes, and can fill the disk.";
    Replication REPLICATION High "role-replication" "the role may replicate"
        "It can take a copy of all there is, hashes included.";
    BypassRowSecurity BYPASS_ROW_SECURITY High "role-bypass-row-security" "row-level security does not hold for the role"
        "Policies that hide rows from others hide nothing from it.";
    Membership MEMBERSHIP High "role-membership" "the role has the powers of another role"
        "Memberships add up to more than anybody remembers granting.";
    Ownership OWNERSHIP High "role-ownership" "the role owns something"
        "An owner may change, empty, drop and grant, and no `REVOKE` holds.";
    ServerFiles SERVER_FILES High "role-server-files" "the role may read and write files of the server"
        "Files of the server are one step from its passwords, and from running programs there.";
    Process PROCESS Medium "role-process" "the role may see what other sessions do"
        "Statements of other sessions hold other people's values.";
    Global GLOBAL High "role-global-privilege" "the role has a right to every database"
        "It holds for whatever will be made there, too.";
    Schema SCHEMA Medium "role-schema-privilege" "the role has a right to a whole schema or database"
        "It can make things there, or use what will be made there.";
    Temporary TEMPORARY Low "role-temporary-tables" "the role may make temporary tables"
        "No statement needs them, and they can fill the disk.";
    OtherDatabase OTHER_DATABASE Low "role-other-database" "the role may connect to another database"
        "Everybody may, until it is taken from everybody; what everybody may do there, it may, too.";
    Table TABLE High "role-table-privilege" "the role has a right to a whole table that it does not need"
        "Whoever has its password has that, too, and columns that will be added.";
    Column COLUMN Medium "role-column-privilege" "the role has a right to a column that it does not need"
        "Whoever has its password has that, too.";
    Sequence SEQUENCE Low "role-sequence" "the role may use a sequence that it does not need"
        "It can use numbers up, or learn how many there were.";
    Function FUNCTION Medium "role-function" "the role may call a function with rights of its own"
        "Such a function does what the role may not, or reaches out of the database.";
    LargeObject LARGE_OBJECT Low "role-large-object" "the role has a right to a large object"
        "No statement can need it.";
    ForeignServer FOREIGN_SERVER Medium "role-foreign-server" "the role may reach another server"
        "The database becomes a way to elsewhere.";
    Parameter PARAMETER Medium "role-parameter" "the role may set what only an administrator should"
        "Some parameters turn checks off.";
    DefaultPrivilege DEFAULT_PRIVILEGE Medium "role-default-privilege" "the role will have rights to what is yet to be made"
        "Nobody will think of it when they make it.";
    GrantOption GRANT_OPTION Medium "role-grant-option" "the role may grant to others"
        "What it gives away stays when it is locked out.";
    Proxy PROXY High "role-proxy" "the role may act as another account"
        "It has whatever that account has.";
    AnyHost ANY_HOST Medium "role-any-host" "the account may log in from any host"
        "A password that has leaked works from anywhere that reaches the server.";
    FileMode FILE_MODE High "store-file-mode" "the store's file may be read or written by others"
        "Any program on this machine could take or change the hashes.";
    DirectoryPassword DIRECTORY_PASSWORD High "directory-password-readable" "the account reads hashes that it does not need"
        "Whoever has its password can take the hashes of all users, and guess at them in peace.";
    DirectoryAttribute DIRECTORY_ATTRIBUTE Medium "directory-attribute-readable" "the account reads attributes that it does not need"
        "Whoever has its password reads them of all users.";
    DirectoryWrite DIRECTORY_WRITE High "directory-attribute-writable" "the account changes attributes that no operation sets"
        "Whoever has its password can make one user look like another, or let somebody in.";
    DirectoryEntries DIRECTORY_ENTRIES Medium "directory-other-entries" "the account reads entries that are no users"
        "The directory of a company holds more than those who log in here.";
    DirectoryServer DIRECTORY_SERVER High "directory-server-entries" "the account reads what the server keeps of itself"
        "That may be its configuration, with the password of its administrator, or what others changed.";
    DirectoryAnonymous DIRECTORY_ANONYMOUS High "directory-anonymous" "the directory shows its users to whoever asks"
        "No password is needed to learn who they are.";
    NoRoles NO_ROLES Low "store-without-roles" "the store's file holds more than the users"
        "SQLite has no roles, so whoever may open the file may do anything with all of it.";
}

pub(super) fn run(facts: &Facts, findings: &mut Findings) {
    let Some(store) = &facts.store else { return };
    let in_directory = store.in_directory.iter().flatten();
    let in_directory = in_directory.map(|excess| ("store.ldap.bind_dn", excess));
    let seen = facts.seen().into_iter().flat_map(|seen| &seen.excesses);
    let seen = seen.map(|excess| ("store.url", excess));
    for (key, excess) in in_directory.chain(seen) {
        findings.push(check_of(excess.kind), key, reason(excess), &excess.mend);
    }
}

fn reason(excess: &Excess) -> String {
    let subject = match excess.subject.as_str() {
        "" => String::new(),
        subject => format!("`{subject}`: "),
    };
    let via = match &excess.via {
        Via::Itself => String::new(),
        Via::Public => ", as everybody may".to_owned(),
        Via::Role(role) => format!(", as a member of `{role}`"),
    };
    format!("{subject}it {}{via}", excess.may)
}
