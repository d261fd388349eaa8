//! Which formats the hashes are of, from a sample that is counted and never kept.
//! A digest does not say what was hashed: where several formats fit and nothing decides, the operator does.

use lychgate_password::{Format, Group, Recogniser};
use lychgate_store::{Inspection, SurveyedHash};

use super::look;
use super::user_table::UserTable;
use crate::commands::Failure;

/// What the sample says.
pub(crate) struct Hashes {
    /// How many rows were looked at.
    pub(crate) rows: u64,
    /// Rows without a hash.
    pub(crate) missing: u64,
    /// Rows whose hash is empty, or the mark of an account that is locked.
    pub(crate) blank: u64,
    /// Rows whose hash is like no format, or cannot be one.
    pub(crate) unknown: u64,
    /// The formats to accept, with how many hashes each has.
    pub(crate) accept: Vec<(Format, u64)>,
    /// Hashes that several formats fit.
    pub(crate) undecided: Vec<Group>,
    /// The format of new hashes that the column has room for.
    pub(crate) write: Option<Format>,
}

/// Looks at the first rows and the last ones.
pub(super) async fn sample(
    inspection: &mut Inspection,
    table: &UserTable,
    remarks: &mut Vec<String>,
) -> Result<Hashes, Failure> {
    let (mut rows, mut missing, mut unknown) = (0, 0, 0);
    let mut recogniser = Recogniser::new();
    let survey = table.survey();
    let looking = inspection.sample(&survey, SAMPLE, |user| {
        rows += 1;
        match user.hash {
            SurveyedHash::Stored(hash) => recogniser.observe(&hash),
            SurveyedHash::Missing => missing += 1,
            SurveyedHash::Unfit | SurveyedHash::NotText => unknown += 1,
        }
    });
    look(looking.await)?;
    let recognition = recogniser.recognition();
    let documented = table
        .product
        .and_then(|product| product.format?.parse::<Format>().ok());
    let mut accept = Vec::new();
    let mut undecided = Vec::new();
    for group in recognition.groups {
        match decided(&group, documented) {
            Some(format) => {
                if group.candidates.len() > 1 {
                    remarks.push(doubt(&group, format, table.made_by()));
                }
                accept.push((format, group.hashes));
            }
            None => undecided.push(group),
        }
    }
    let weak: Vec<_> = accept
        .iter()
        .filter(|(format, _)| format.is_weak())
        .map(|(format, _)| format.name())
        .collect();
    if !weak.is_empty() {
        remarks.push(format!(
            "weak, once stolen: {}; a login through the gateway does not make them better",
            weak.join(", ")
        ));
    }
    Ok(Hashes {
        rows,
        missing,
        blank: recognition.blank,
        unknown: unknown + recognition.unknown,
        write: written(&accept, table, remarks),
        accept,
        undecided,
    })
}

/// The one format that fits, or that the product documents, or bcrypt itself among its own variations.
fn decided(group: &Group, documented: Option<Format>) -> Option<Format> {
    let fits_all = |format: Format| {
        group
            .candidates
            .iter()
            .any(|candidate| candidate.format == format && candidate.fits == group.hashes)
    };
    match group.candidates.as_slice() {
        [only] => Some(only.format),
        [first, ..] if first.format == Format::Bcrypt && fits_all(Format::Bcrypt) => {
            Some(Format::Bcrypt)
        }
        _ => documented.filter(|format| fits_all(*format)),
    }
}

fn doubt(group: &Group, format: Format, product: Option<&str>) -> String {
    let others = group
        .candidates
        .iter()
        .filter(|candidate| candidate.format != format);
    let others: Vec<_> = others
        .map(|candidate| candidate.format.name())
        .take(6)
        .collect();
    let why = match (format, product) {
        (Format::Bcrypt, _) | (_, None) => "is what such hashes are as a rule".to_owned(),
        (_, Some(product)) => format!("is what {product} writes"),
    };
    format!(
        "`{format}` {why}, but {} would look the same: prove it with one password that you know, `lychgate password identify`",
        others.join(", ")
    )
}

/// What the application reads, too, if that is known; else the best that the column has room for.
fn written(
    accept: &[(Format, u64)],
    table: &UserTable,
    remarks: &mut Vec<String>,
) -> Option<Format> {
    let (_, length) = table.hash_column.as_ref()?;
    let has_room = |format: &Format| {
        let needed = if *format == Format::Bcrypt {
            BCRYPT
        } else {
            ARGON2ID
        };
        length.is_none_or(|length| length >= needed)
    };
    let read = accept
        .iter()
        .map(|(format, _)| *format)
        .find(|format| format.is_writable());
    let chosen = read
        .into_iter()
        .chain([Format::Argon2id, Format::Bcrypt])
        .find(has_room);
    if read.is_none() && chosen.is_some() {
        remarks.push("the application does not seem to read a format that the gateway writes: a password that is changed \
                      through the gateway may be unknown to it".to_owned());
    }
    chosen
}

/// Rows of each end of the table.
const SAMPLE: u32 = 1_000;

/// Characters of a hash in bcrypt, and in Argon2id as this version writes it.
const BCRYPT: usize = 60;
const ARGON2ID: usize = 97;

#[cfg(test)]
mod tests {
    use lychgate_password::{Password, Pool, Settings, StoredHash};

    use super::*;

    fn groups(hashes: &[&str]) -> Vec<Group> {
        let mut recogniser = Recogniser::new();
        for hash in hashes {
            recogniser.observe(&StoredHash::new((*hash).to_owned()).unwrap());
        }
        recogniser.recognition().groups
    }

    #[test]
    fn what_several_formats_fit_is_decided_by_the_product_or_by_nobody() {
        let bcrypt = groups(&["$2b$10$N9qo8uLOickgx2ZMRZoMyehtJ/whDdsI.d1w/JqKiOrDw8pCT0JLG"]);
        assert_eq!(decided(&bcrypt[0], None), Some(Format::Bcrypt));
        let salted = groups(&["5f4dcc3b5aa765d61d8327deb882cf99:abc"]);
        assert_eq!(decided(&salted[0], None), None);
        assert_eq!(
            decided(&salted[0], Some(Format::Vbulletin)),
            Some(Format::Vbulletin)
        );
        assert_eq!(decided(&salted[0], Some(Format::Redmine)), None);
        let phpass = groups(&["$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"]);
        assert_eq!(decided(&phpass[0], None), Some(Format::Phpass));
    }

    #[tokio::test]
    async fn the_lengths_are_those_of_what_is_written() {
        for (write, expected) in [(Format::Argon2id, ARGON2ID), (Format::Bcrypt, BCRYPT)] {
            let settings = Settings {
                write,
                ..Settings::default()
            };
            let pool = Pool::start(settings).unwrap();
            let hash = pool
                .hash(Password::new("a password".to_owned()).unwrap())
                .await
                .unwrap();
            assert_eq!(hash.expose_secret().len(), expected, "{write}");
        }
    }
}
