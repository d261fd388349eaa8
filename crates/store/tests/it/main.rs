//! The store over its public interface, against real SQLite files.

#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod deadline;
#[cfg(test)]
mod legacy;
#[cfg(test)]
mod open;
#[cfg(test)]
mod read;
#[cfg(test)]
mod rewriting;
#[cfg(test)]
mod write;
