//! The store over its public interface, against real SQLite files, PostgreSQL and MariaDB.

#[cfg(test)]
mod comparison;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod every_store;
#[cfg(test)]
mod exhausted;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod inspection;
#[cfg(test)]
mod ldap;
#[cfg(test)]
mod ldap_excess;
#[cfg(test)]
mod ldap_faults;
#[cfg(test)]
mod legacy;
#[cfg(test)]
mod mysql;
#[cfg(test)]
mod open;
#[cfg(test)]
mod pooler;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod proxy;
#[cfg(test)]
mod read;
#[cfg(test)]
mod rewriting;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod sharing;
#[cfg(test)]
mod world;
#[cfg(test)]
mod write;
