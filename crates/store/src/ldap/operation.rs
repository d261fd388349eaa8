//! The operations of config, held against the directory's schema at start: each has a filter that finds whom it is
//! about, and what it does then.

use std::collections::{BTreeMap, BTreeSet};

use super::blocked::Sign;
use super::filter::Filter;
use super::name::RelativeName;
use super::schema::{Attribute, Schema};
use super::settings::{LdapNewPassword, LdapSettings, LdapVerification};
use super::template::Template;
use crate::error::{Error, StatementFlaw};
use crate::parameters::PASSWORD_HASH;
use crate::statement::{Statement, StatementName, nearest};

/// An operation that fits.
pub(super) struct Operation {
    pub(super) statement: Statement,
    pub(super) filter: Filter,
    pub(super) work: Work,
}

/// What an operation does with whom its filter finds.
pub(super) enum Work {
    Read,
    /// Sets attributes, unless the second filter finds somebody else.
    Set(Vec<(String, Template)>, Option<Filter>),
    Create(RelativeName, Vec<(String, Vec<Template>)>),
    SetPassword,
    Delete,
}

/// What is read of a user, and as which columns it is returned.
pub(super) struct Columns {
    pub(super) attributes: Vec<(String, Attribute)>,
    pub(super) objects: BTreeMap<String, Vec<String>>,
    pub(super) signs: Vec<Sign>,
}

/// The column that the signs of a disabled account become.
pub(super) const BLOCKED: &str = "blocked";

impl Columns {
    pub(super) fn new(settings: &LdapSettings, schema: &Schema) -> Result<Self, StatementFlaw> {
        let unknown = |name: &String| StatementFlaw::UnknownAttribute(name.clone());
        let attributes = settings.attributes.iter().map(|name| {
            let attribute = schema.attribute(name).ok_or_else(|| unknown(name))?;
            Ok((name.clone(), attribute))
        });
        let attributes = attributes.collect::<Result<Vec<_>, _>>()?;
        for name in settings.objects.values().flatten() {
            schema.attribute(name).ok_or_else(|| unknown(name))?;
        }
        let signs = settings
            .blocked
            .iter()
            .map(|name| Sign::of(name, schema).ok_or_else(|| StatementFlaw::NoSign(name.clone())));
        Ok(Self {
            attributes,
            objects: settings.objects.clone(),
            signs: signs.collect::<Result<_, _>>()?,
        })
    }

    /// The names of the columns.
    fn names(&self) -> Vec<String> {
        let blocked = (!self.signs.is_empty()).then(|| BLOCKED.to_owned());
        let attributes = self.attributes.iter().map(|(name, _)| name);
        attributes
            .chain(self.objects.keys())
            .cloned()
            .chain(blocked)
            .collect()
    }

    /// The attributes that make them.
    pub(super) fn read(&self) -> Vec<&str> {
        let attributes = self.attributes.iter().map(|(name, _)| name.as_str());
        let objects = self.objects.values().flatten().map(String::as_str);
        let signs = self.signs.iter().map(Sign::attribute);
        // A list without a name would ask for all there are.
        attributes
            .chain(objects)
            .chain(signs)
            .chain(["1.1"])
            .collect()
    }
}

/// A filter for this statement, whose parameters fit.
pub(crate) fn fitting(name: StatementName, text: &str) -> Result<(), StatementFlaw> {
    filter(name, text).map(drop)
}

fn filter(name: StatementName, text: &str) -> Result<Filter, StatementFlaw> {
    if name == StatementName::UpgradePassword {
        return Err(StatementFlaw::NotOfDirectories);
    }
    let filter = Filter::parse(text)?;
    let mut used = BTreeSet::new();
    filter.collect_parameters(&mut used);
    known(name, &used)?;
    let keys: &'static [&'static str] = match name {
        StatementName::Authenticate
        | StatementName::Lookup
        | StatementName::ChangePassword
        | StatementName::ChangeEmail => &["identifier"],
        StatementName::Create => &["email", "username"],
        StatementName::VerifyEmail => &["email"],
        StatementName::Delete => &["user_id"],
        StatementName::UpgradePassword => &[],
    };
    if keys.iter().any(|key| used.contains(*key)) {
        Ok(filter)
    } else {
        Err(StatementFlaw::MissingParameter(keys))
    }
}

/// Refuses a parameter that the operation has no value for. A hash is none: it is set, never looked for.
fn known(name: StatementName, used: &BTreeSet<String>) -> Result<(), StatementFlaw> {
    let known = name.parameters();
    let is_known = |parameter: &str| known.contains(&parameter) && parameter != PASSWORD_HASH;
    match used.iter().find(|parameter| !is_known(parameter)) {
        Some(parameter) => Err(StatementFlaw::UnknownParameter {
            parameter: parameter.clone(),
            nearest: nearest(parameter, known),
            known,
        }),
        None => Ok(()),
    }
}

/// Every operation, or all the flaws.
pub(super) fn all(
    filters: &BTreeMap<StatementName, String>,
    settings: &LdapSettings,
    columns: &Columns,
    schema: &Schema,
) -> Result<BTreeMap<StatementName, Operation>, Error> {
    let mut operations = BTreeMap::new();
    let mut flaws = Vec::new();
    for (&name, text) in filters {
        match operation(name, text, settings, columns, schema) {
            Ok(operation) => drop(operations.insert(name, operation)),
            Err(flaw) => flaws.push((name, flaw)),
        }
    }
    if flaws.is_empty() {
        Ok(operations)
    } else {
        Err(Error::Statements(flaws))
    }
}

fn operation(
    name: StatementName,
    text: &str,
    settings: &LdapSettings,
    columns: &Columns,
    schema: &Schema,
) -> Result<Operation, StatementFlaw> {
    let filter = filter(name, text)?;
    let work = work(name, settings)?;
    let mut parameters = BTreeSet::new();
    filter.collect_parameters(&mut parameters);
    let mut attributes = filter.attributes();
    match &work {
        Work::Read | Work::Delete => {}
        Work::SetPassword => drop(parameters.insert(PASSWORD_HASH.to_owned())),
        Work::Set(set, taken) => {
            for (attribute, value) in set {
                attributes.insert(attribute.clone());
                value.collect_parameters(&mut parameters);
            }
            if let Some(taken) = taken {
                attributes.extend(taken.attributes());
            }
        }
        Work::Create(rdn, set) => {
            parameters.insert(PASSWORD_HASH.to_owned());
            rdn.collect_parameters(&mut parameters);
            attributes.extend(rdn.attributes().map(str::to_owned));
            for (attribute, values) in set {
                attributes.insert(attribute.clone());
                for value in values {
                    value.collect_parameters(&mut parameters);
                }
            }
        }
    }
    known_all(name, &parameters)?;
    if name == StatementName::ChangeEmail && !parameters.contains("new_email") {
        return Err(StatementFlaw::MissingParameter(&["new_email"]));
    }
    if let Some(unknown) = attributes
        .iter()
        .find(|name| schema.attribute(name).is_none())
    {
        return Err(StatementFlaw::UnknownAttribute(unknown.clone()));
    }
    Ok(Operation {
        statement: Statement::new(
            parameters.into_iter().collect(),
            returned(name, settings, columns),
        ),
        filter,
        work,
    })
}

fn known_all(name: StatementName, parameters: &BTreeSet<String>) -> Result<(), StatementFlaw> {
    let mut visible = parameters.clone();
    visible.remove(PASSWORD_HASH);
    known(name, &visible)
}

fn returned(name: StatementName, settings: &LdapSettings, columns: &Columns) -> Vec<String> {
    let mut names = match name {
        StatementName::Authenticate | StatementName::Lookup | StatementName::Create => {
            columns.names()
        }
        StatementName::VerifyEmail
        | StatementName::ChangePassword
        | StatementName::ChangeEmail
        | StatementName::Delete
        | StatementName::UpgradePassword => Vec::new(),
    };
    if name == StatementName::Authenticate
        && settings.verification == LdapVerification::PasswordHash
    {
        names.push(PASSWORD_HASH.to_owned());
    }
    names
}

fn work(name: StatementName, settings: &LdapSettings) -> Result<Work, StatementFlaw> {
    match name {
        StatementName::Authenticate | StatementName::Lookup => Ok(Work::Read),
        StatementName::VerifyEmail => Ok(Work::Set(
            set(&settings.verify_email, "verify_email")?,
            None,
        )),
        StatementName::ChangeEmail => {
            let taken = settings.email_taken.as_deref().map(Filter::parse);
            let taken = taken.transpose()?;
            if let Some(taken) = &taken {
                let mut used = BTreeSet::new();
                taken.collect_parameters(&mut used);
                known(name, &used)?;
            }
            Ok(Work::Set(
                set(&settings.change_email, "change_email")?,
                taken,
            ))
        }
        StatementName::ChangePassword => Ok(Work::SetPassword),
        StatementName::Delete => Ok(Work::Delete),
        StatementName::UpgradePassword => Err(StatementFlaw::NotOfDirectories),
        StatementName::Create => {
            let create = settings.create.as_ref();
            let create = create.ok_or(StatementFlaw::NothingToSet("create"))?;
            let attributes = create.attributes.iter().map(|(name, values)| {
                let values: Result<Vec<_>, _> =
                    values.iter().map(|value| Template::parse(value)).collect();
                Ok((name.clone(), values?))
            });
            let attributes: Vec<_> = attributes.collect::<Result<_, _>>()?;
            if attributes.is_empty() {
                return Err(StatementFlaw::NothingToSet("create.attributes"));
            }
            let password = match settings.new_password {
                LdapNewPassword::UnicodePwd => UNICODE_PWD,
                LdapNewPassword::PasswordModify | LdapNewPassword::Replace => {
                    &settings.password_attribute
                }
            };
            let sets_password = |(name, _): &(String, _)| name.eq_ignore_ascii_case(password);
            if attributes.iter().any(sets_password) {
                return Err(StatementFlaw::Filter(
                    "`[store.ldap.create]` sets the attribute of the password, which `change_password` says how to set",
                ));
            }
            Ok(Work::Create(RelativeName::parse(&create.rdn)?, attributes))
        }
    }
}

fn set(
    attributes: &BTreeMap<String, String>,
    key: &'static str,
) -> Result<Vec<(String, Template)>, StatementFlaw> {
    if attributes.is_empty() {
        return Err(StatementFlaw::NothingToSet(key));
    }
    let set = attributes.iter();
    set.map(|(name, value)| Ok((name.clone(), Template::parse(value)?)))
        .collect()
}

/// Active Directory's attribute for a new password; it can be written, and never read.
pub(super) const UNICODE_PWD: &str = "unicodePwd";
