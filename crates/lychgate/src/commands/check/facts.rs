//! What there is to judge: the config, how it is written, and what the store says of itself and of us.

use std::net::IpAddr;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lychgate_password::{Recogniser, Recognition};
use lychgate_store::{
    Excess, IdentifierCase, Inspection, Needs, Search, Session, StatementName, Store, StoreKind,
    Survey, SurveyedHash,
};

use crate::config::{AllowlistSources, Config, Source};
use crate::tenant_export::TenantExport;

/// All that the checks look at.
pub(super) struct Facts {
    pub(super) path: PathBuf,
    pub(super) source: Source,
    pub(super) gateway: Option<lychgate_gateway::Settings>,
    pub(super) allowlist: AllowlistSources,
    pub(super) store: Option<StoreFacts>,
    /// The regions whose addresses the allowlist takes from the platform's own list.
    pub(super) regions: Vec<String>,
    /// What the platform says of itself, where somebody gave it.
    pub(super) tenant: Option<TenantExport>,
}

/// What was seen of the store. What could not be seen is an error of its own, and all else is judged without it.
pub(super) struct StoreFacts {
    /// Whether the statements can be prepared as this role.
    pub(super) opened: Result<(), lychgate_store::Error>,
    /// `None` of a directory, which has no tables to look at.
    pub(super) seen: Option<Result<Seen, lychgate_store::Error>>,
    /// What the account of a directory may do beyond its operations.
    pub(super) in_directory: Result<Vec<Excess>, lychgate_store::Error>,
    /// What the name of its host means.
    pub(super) addresses: Vec<IpAddr>,
}

/// What an inspection as this role saw.
pub(super) struct Seen {
    pub(super) needs: Needs,
    pub(super) excesses: Vec<Excess>,
    pub(super) session: Session,
    pub(super) users: Vec<Users>,
    /// Users whom `delete` finds by a key with a zero before it, since the database takes the text for a number.
    pub(super) keyed_by_number: u64,
    /// What the first rows' hashes may be.
    pub(super) hashes: Option<Recognition>,
}

/// How the users look to one statement that finds them.
pub(super) struct Users {
    pub(super) statement: StatementName,
    /// `None` where the database does not say.
    pub(super) is_served_by_index: Option<bool>,
    /// Identifiers of more than one user.
    pub(super) doubled: u64,
    /// Users in whose identifier the database sees upper case, while the gateway asks for lower case.
    pub(super) in_upper_case: u64,
    /// The same, beyond what SQLite's `lower` knows.
    pub(super) beyond_ascii: u64,
    /// Users whom the database finds in upper case as well, while the gateway takes that for somebody else.
    pub(super) in_any_case: u64,
}

impl Facts {
    /// Looks at everything. That takes as long as the store takes to answer, within bounds.
    pub(super) async fn gather(
        path: &Path,
        config: Config,
        source: Source,
        tenant: Option<TenantExport>,
    ) -> Self {
        let store = match &config.gateway {
            Some(gateway) => {
                Some(Box::pin(StoreFacts::gather(&gateway.store, gateway.identifiers.case)).await)
            }
            None => None,
        };
        Self {
            path: path.to_owned(),
            source,
            gateway: config.gateway,
            allowlist: config.allowlist,
            store,
            regions: config.regions,
            tenant,
        }
    }

    /// Whether the store was looked at from every side.
    pub(super) fn saw_store(&self) -> bool {
        self.store.as_ref().is_some_and(|store| {
            let seen = store.seen.as_ref().is_none_or(Result::is_ok);
            store.opened.is_ok() && seen && store.in_directory.is_ok()
        })
    }

    /// What was seen of the store, if it could be seen.
    pub(super) fn seen(&self) -> Option<&Seen> {
        self.store
            .as_ref()
            .and_then(|store| store.seen.as_ref()?.as_ref().ok())
    }
}

impl StoreFacts {
    async fn gather(settings: &lychgate_store::Settings, case: IdentifierCase) -> Self {
        let (opened, in_directory) = match Store::open(settings.clone()).await {
            Ok(store) => (Ok(()), Box::pin(store.directory_excesses()).await),
            Err(error) => (Err(error), Ok(Vec::new())),
        };
        Self {
            opened,
            in_directory,
            seen: if settings.url.is_directory() {
                None
            } else {
                Some(Seen::gather(settings, case).await)
            },
            addresses: addresses(settings).await,
        }
    }
}

impl Seen {
    async fn gather(
        settings: &lychgate_store::Settings,
        case: IdentifierCase,
    ) -> Result<Self, lychgate_store::Error> {
        let mut inspection = Inspection::open(&settings.url_of_first_user()?).await?;
        let needs = inspection.needs(&settings.statements).await?;
        let excesses = inspection.excesses(&needs).await?;
        let session = inspection.session().await?;
        let mut users = Vec::new();
        let mut hashes = None;
        for name in [StatementName::Authenticate, StatementName::Lookup] {
            let sql = settings.statements.get(&name).map(String::as_str);
            let search = sql.and_then(|sql| Search::of(inspection.kind(), name, sql));
            let Some(search) = search else { continue };
            users.push(Users::gather(&mut inspection, name, &search, case).await);
            if let Some(hash) = &search.hash {
                hashes = census(&mut inspection, &search.from, hash).await;
            }
        }
        let delete = settings.statements.get(&StatementName::Delete);
        let keyed_by_number = match delete {
            Some(sql) if inspection.kind() == StoreKind::Mysql => {
                keyed_by_number(&mut inspection, sql).await
            }
            Some(_) | None => 0,
        };
        inspection.close().await;
        Ok(Self {
            needs,
            excesses,
            session,
            users,
            keyed_by_number,
            hashes,
        })
    }
}

impl Users {
    /// Counts. What the role may not count, or the database cannot compare, is not a finding of its own.
    async fn gather(
        inspection: &mut Inspection,
        statement: StatementName,
        search: &Search,
        case: IdentifierCase,
    ) -> Self {
        let Search {
            from, condition, ..
        } = search;
        let served = inspection.is_served_by_index(from, condition).await;
        let mut users = Self {
            statement,
            is_served_by_index: served.ok(),
            doubled: 0,
            in_upper_case: 0,
            beyond_ascii: 0,
            in_any_case: 0,
        };
        for key in &search.keys {
            let doubled = format!(
                "(select 1 as one from {from} where {key} is not null group by {key} having count(*) > 1) as doubled"
            );
            users.doubled += counted(inspection, &doubled).await;
            if case == IdentifierCase::Sensitive {
                let upper = format!("upper({key})");
                let found = search.condition_for(&upper);
                let differs = differs(inspection.kind(), key, &upper);
                let any = format!("{from} where ({found}) and {differs}");
                users.in_any_case += counted(inspection, &any).await;
            } else {
                let upper = format!("{from} where {key} <> lower({key})");
                users.in_upper_case += counted(inspection, &upper).await;
                if inspection.kind() == StoreKind::Sqlite
                    && key.to_ascii_lowercase().starts_with("lower(")
                {
                    let beyond = format!("{from} where {key} glob '*[{BEYOND_ASCII}]*'");
                    users.beyond_ascii += counted(inspection, &beyond).await;
                }
            }
        }
        users
    }
}

async fn keyed_by_number(inspection: &mut Inspection, delete: &str) -> u64 {
    let Some(search) = Search::of(inspection.kind(), StatementName::Delete, delete) else {
        return 0;
    };
    let Some(key) = search.keys.first() else {
        return 0;
    };
    let found = search.condition_for(&format!("concat('0', {key})"));
    counted(inspection, &format!("{} where {found}", search.from)).await
}

/// That two texts are not the same to the letter, whatever the database's collation makes of them.
fn differs(kind: StoreKind, one: &str, other: &str) -> String {
    match kind {
        StoreKind::Postgres => {
            format!("cast({one} as text) collate \"C\" <> cast({other} as text) collate \"C\"")
        }
        StoreKind::Mysql => format!("cast({one} as binary) <> cast({other} as binary)"),
        StoreKind::Sqlite => format!("cast({one} as blob) <> cast({other} as blob)"),
    }
}

async fn counted(inspection: &mut Inspection, from: &str) -> u64 {
    let counted = inspection.rows_up_to(from, MOST_COUNTED).await;
    counted.unwrap_or_default()
}

/// What the first hashes may be. They are counted one by one, and none is kept.
async fn census(inspection: &mut Inspection, from: &str, hash: &str) -> Option<Recognition> {
    let survey = Survey {
        from: from.to_owned(),
        id: "1".to_owned(),
        hash: Some(hash.to_owned()),
        ..Survey::default()
    };
    let mut recogniser = Recogniser::new();
    let mut rows = 0;
    let walk = inspection.survey(&survey, |user| {
        if let SurveyedHash::Stored(hash) = &user.hash {
            recogniser.observe(hash);
        }
        rows += 1;
        if rows < MOST_HASHES {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    walk.await.ok()?;
    Some(recogniser.recognition())
}

async fn addresses(settings: &lychgate_store::Settings) -> Vec<IpAddr> {
    let Some(host) = settings.url.server().and_then(|server| server.host) else {
        return Vec::new();
    };
    let found = tokio::time::timeout(DEADLINE, tokio::net::lookup_host(host)).await;
    match found {
        Ok(Ok(found)) => found.map(|address| address.ip().to_canonical()).collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// How long the store may take for one answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// How far anything is counted.
const MOST_COUNTED: u64 = 1_000_000;

/// How many hashes are looked at.
const MOST_HASHES: u32 = 200_000;

/// Upper case of Latin, Greek and Cyrillic, as `glob` takes it.
const BEYOND_ASCII: &str = "À-ÞΑ-ΩЀ-Я";
