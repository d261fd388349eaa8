//! Which texts are the same, among more of them than fit into memory: counted exactly, without keeping any.
//! A text comes in and only keyed digests of it stay, in as many parts as keep each small; a part that grows is written
//! to a file that has no name. Whoever reads that disk finds numbers, under a key that ended with the process.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufReader, Read as _, Seek as _, Write as _};

use anyhow::{Context as _, Result};

/// What a text is of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Id = 0,
    Email = 1,
    Username = 2,
}

/// One text, from as it is written to the form in which it is compared.
pub(super) struct Forms<'a> {
    pub(super) written: &'a str,
    pub(super) trimmed: &'a str,
    pub(super) lowered: &'a str,
    pub(super) compared: &'a str,
}

/// Users who share something, and how many different things they share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shared {
    pub(super) users: u64,
    pub(super) groups: u64,
}

/// What is shared in one space.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Collisions {
    /// The same to the letter.
    pub(super) exact: Shared,
    /// Told apart by spaces around them alone.
    pub(super) spaces: Shared,
    /// Told apart by case.
    pub(super) case: Shared,
    /// Told apart by how Unicode is composed.
    pub(super) unicode: Shared,
}

/// All that is shared.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tallied {
    pub(super) ids: Collisions,
    pub(super) emails: Collisions,
    pub(super) usernames: Collisions,
    /// Users whose username is somebody else's address.
    pub(super) crossed: u64,
}

pub(super) struct Tally {
    keys: [RandomState; 2],
    parts: Vec<Part>,
}

#[derive(Default)]
struct Part {
    buffer: Vec<u8>,
    file: Option<File>,
}

/// A text as it is kept.
struct Entry {
    space: u8,
    row: u64,
    compared: u128,
    /// As it is written, trimmed, in lower case.
    forms: [u64; 3],
}

impl Tally {
    pub(super) fn new() -> Self {
        Self {
            keys: [RandomState::new(), RandomState::new()],
            parts: std::iter::repeat_with(Part::default).take(PARTS).collect(),
        }
    }

    /// Adds a text of a row.
    pub(super) fn add(&mut self, space: Space, row: u64, forms: &Forms<'_>) -> Result<()> {
        let [first, second] = &self.keys;
        let high = u128::from(first.hash_one(forms.compared));
        let entry = Entry {
            space: space as u8,
            row,
            compared: high << 64 | u128::from(second.hash_one(forms.compared)),
            forms: [forms.written, forms.trimmed, forms.lowered].map(|text| first.hash_one(text)),
        };
        let place = usize::try_from(entry.compared % PARTS as u128).unwrap_or_default();
        match self.parts.get_mut(place) {
            Some(part) => part.add(&entry),
            None => Ok(()),
        }
    }

    /// What is shared, part after part.
    pub(super) fn finish(self) -> Result<Tallied> {
        let mut tallied = Tallied::default();
        for part in self.parts {
            part.tally(&mut tallied)?;
        }
        Ok(tallied)
    }
}

impl Part {
    fn add(&mut self, entry: &Entry) -> Result<()> {
        self.buffer.extend_from_slice(&entry.to_bytes());
        if self.buffer.len() < FULL {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => self
                .file
                .insert(tempfile::tempfile().context("cannot make a temporary file")?),
        };
        file.write_all(&self.buffer)
            .context("cannot write to a temporary file; is its disk full?")?;
        self.buffer.clear();
        Ok(())
    }

    /// Reads it twice: an address has to be known before a username can be found to be it.
    fn tally(mut self, tallied: &mut Tallied) -> Result<()> {
        let mut groups: HashMap<(u8, u128), HashMap<[u64; 3], u64>> = HashMap::new();
        let mut owners: HashMap<u128, Owner> = HashMap::new();
        self.each(|entry| {
            let spellings = groups.entry((entry.space, entry.compared)).or_default();
            *spellings.entry(entry.forms).or_default() += 1;
            if entry.space == Space::Email as u8 {
                let owner = owners
                    .entry(entry.compared)
                    .or_insert(Owner::One(entry.row));
                *owner = owner.with(entry.row);
            }
        })?;
        for ((space, _), spellings) in &groups {
            let collisions = match *space {
                0 => &mut tallied.ids,
                1 => &mut tallied.emails,
                _ => &mut tallied.usernames,
            };
            collisions.add(spellings);
        }
        drop(groups);
        self.each(|entry| {
            let is_other = match owners.get(&entry.compared) {
                Some(Owner::One(row)) => *row != entry.row,
                Some(Owner::Several) => true,
                None => false,
            };
            tallied.crossed += u64::from(entry.space == Space::Username as u8 && is_other);
        })
    }

    fn each(&mut self, mut then: impl FnMut(Entry)) -> Result<()> {
        let mut bytes = [0; ENTRY];
        if let Some(file) = &mut self.file {
            file.rewind()
                .context("cannot read a temporary file again")?;
            let length = file
                .metadata()
                .context("cannot read a temporary file again")?
                .len();
            let mut reader = BufReader::new(file);
            for _ in 0..length / ENTRY as u64 {
                reader
                    .read_exact(&mut bytes)
                    .context("cannot read a temporary file again")?;
                then(Entry::from_bytes(&bytes));
            }
        }
        for chunk in self.buffer.chunks_exact(ENTRY) {
            bytes.copy_from_slice(chunk);
            then(Entry::from_bytes(&bytes));
        }
        Ok(())
    }
}

/// Whose an address is.
#[derive(Clone, Copy)]
enum Owner {
    One(u64),
    Several,
}

impl Owner {
    fn with(self, row: u64) -> Self {
        match self {
            Self::One(one) if one == row => self,
            Self::One(_) | Self::Several => Self::Several,
        }
    }
}

impl Collisions {
    /// Adds users who are the same once compared, by how each is written.
    fn add(&mut self, spellings: &HashMap<[u64; 3], u64>) {
        let users: u64 = spellings.values().sum();
        if users < 2 {
            return;
        }
        let repeated: u64 = spellings.values().filter(|count| **count > 1).sum();
        let distinct = |form: usize| {
            let forms = spellings.keys().filter_map(|forms| forms.get(form));
            forms.collect::<HashSet<_>>().len()
        };
        let (written, trimmed, lowered) = (distinct(0), distinct(1), distinct(2));
        let mut share = |shared: fn(&mut Self) -> &mut Shared, is_shared: bool, users: u64| {
            if is_shared {
                let shared = shared(self);
                shared.users += users;
                shared.groups += 1;
            }
        };
        share(|all| &mut all.exact, repeated > 0, repeated);
        share(|all| &mut all.spaces, trimmed < written, users);
        share(|all| &mut all.case, lowered < trimmed, users);
        share(|all| &mut all.unicode, lowered > 1, users);
    }
}

impl Entry {
    fn to_bytes(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let [written, trimmed, lowered] = self.forms.map(u64::to_le_bytes);
        let fields: [&[u8]; 6] = [
            &[self.space],
            &self.row.to_le_bytes(),
            &self.compared.to_le_bytes(),
            &written,
            &trimmed,
            &lowered,
        ];
        for (byte, value) in bytes.iter_mut().zip(fields.concat()) {
            *byte = value;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; ENTRY]) -> Self {
        let number = |from: usize| {
            let bytes = bytes.iter().skip(from).take(8).rev();
            bytes.fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        Self {
            space: bytes.first().copied().unwrap_or_default(),
            row: number(1),
            compared: u128::from(number(17)) << 64 | u128::from(number(9)),
            forms: [number(25), number(33), number(41)],
        }
    }
}

/// Parts that are looked at one by one.
const PARTS: usize = 64;

/// Bytes of an entry.
const ENTRY: usize = 49;

/// Bytes of a part that stay in memory.
const FULL: usize = 1024 * ENTRY;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn forms([written, trimmed, lowered, compared]: [&str; 4]) -> Forms<'_> {
        Forms {
            written,
            trimmed,
            lowered,
            compared,
        }
    }

    #[test]
    fn what_is_shared_is_told_by_what_tells_it_apart() {
        let mut tally = Tally::new();
        let emails = [
            ["a@x", "a@x", "a@x", "a@x"],
            ["a@x", "a@x", "a@x", "a@x"],
            ["A@x", "A@x", "a@x", "a@x"],
            ["b@x", "b@x", "b@x", "b@x"],
            [" b@x", "b@x", "b@x", "b@x"],
            ["e\u{301}@x", "e\u{301}@x", "e\u{301}@x", "é@x"],
            ["é@x", "é@x", "é@x", "é@x"],
            ["c@x", "c@x", "c@x", "c@x"],
        ];
        for (row, email) in emails.into_iter().enumerate() {
            tally.add(Space::Email, row as u64, &forms(email)).unwrap();
        }
        // Their own address, somebody else's, one that two have.
        for (row, name) in [(7, "c@x"), (0, "c@x"), (3, "b@x"), (5, "nobody")] {
            tally.add(Space::Username, row, &forms([name; 4])).unwrap();
        }
        let tallied = tally.finish().unwrap();
        assert_eq!(
            tallied.emails,
            Collisions {
                exact: Shared {
                    users: 2,
                    groups: 1
                },
                spaces: Shared {
                    users: 2,
                    groups: 1
                },
                case: Shared {
                    users: 3,
                    groups: 1
                },
                unicode: Shared {
                    users: 2,
                    groups: 1
                },
            }
        );
        assert_eq!(
            tallied.usernames.exact,
            Shared {
                users: 2,
                groups: 1
            }
        );
        assert_eq!(tallied.ids, Collisions::default());
        assert_eq!(tallied.crossed, 2);
    }

    #[test]
    fn what_does_not_fit_into_memory_is_counted_as_exactly() {
        let mut tally = Tally::new();
        let rows = 2 * (FULL / ENTRY * PARTS) as u64;
        for row in 0..rows {
            let text = (row / 2).to_string();
            tally.add(Space::Id, row, &forms([&text; 4])).unwrap();
        }
        assert!(tally.parts.iter().any(|part| part.file.is_some()));
        let tallied = tally.finish().unwrap();
        assert_eq!(
            tallied.ids.exact,
            Shared {
                users: rows,
                groups: rows / 2
            }
        );
    }

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written(space in 0_u8..3, row: u64, compared: u128, forms: [u64; 3]) {
            let entry = Entry::from_bytes(&Entry { space, row, compared, forms }.to_bytes());
            prop_assert_eq!((entry.space, entry.row, entry.compared, entry.forms), (space, row, compared, forms));
        }
    }
}
