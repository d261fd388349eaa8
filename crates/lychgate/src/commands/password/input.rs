//! Where hashes and secrets come from: files, standard input, a terminal without echo.
//! Everything is bounded, and an error says where it met what is wrong, never what stands there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use lychgate_password::{Password, Pepper, StoredHash};
use zeroize::Zeroizing;

use super::Secrets;
use crate::commands::Failure;

/// No secret and no hash has a longer line.
const MAX_LINE_BYTES: u64 = 4096;

/// A sample of a column is smaller.
const MAX_HASHES: usize = 1_000_000;

/// Standard input, of which the first line may be a password and the rest hashes.
#[derive(Default)]
pub(super) struct Input {
    is_password_read: bool,
}

/// What a person knows of the user of a hash.
pub(super) struct Given {
    pub(super) password: Password,
    pub(super) user_name: Option<Zeroizing<String>>,
    pub(super) pepper: Option<Pepper>,
}

impl Input {
    /// The secrets of the options, and of a prompt for the password where no file has it.
    pub(super) fn secrets(&mut self, options: &Secrets) -> Result<Given, Failure> {
        let first = |file: &Option<_>| file.as_deref().map(first_line_of).transpose();
        let user_name = first(&options.user_name)?;
        let pepper = first(&options.pepper)?
            .map(|pepper| Pepper::new(pepper.to_string()))
            .transpose()?;
        let password = match &options.password {
            Some(file) => self.password_of(file)?,
            None => prompt("Password of the hash: ")?,
        };
        Ok(Given {
            password,
            user_name,
            pepper,
        })
    }

    /// A password to make a hash of; at a prompt it is asked for twice.
    pub(super) fn new_password(&mut self, file: Option<&Path>) -> Result<Password, Failure> {
        if let Some(file) = file {
            return self.password_of(file);
        }
        let password = prompt("Password: ")?;
        let again = prompt("Once more: ")?;
        if password.expose_secret() == again.expose_secret() {
            Ok(password)
        } else {
            Err(Failure::Usage("the two are not the same".to_owned()))
        }
    }

    fn password_of(&mut self, file: &Path) -> Result<Password, Failure> {
        let line = if file == Path::new("-") {
            self.is_password_read = true;
            let line = line_of(&mut io::stdin().lock()).map_err(|reason| at(file, &reason))?;
            line.ok_or_else(|| at(file, "there is nothing"))?
        } else {
            first_line_of(file)?
        };
        Ok(Password::new(line.to_string())?)
    }

    /// Reads hashes line by line, empty ones as the empty hashes that they are, and hands on each.
    pub(super) fn each_hash(
        &self,
        file: Option<&Path>,
        mut then: impl FnMut(StoredHash),
    ) -> Result<(), Failure> {
        let place = file.unwrap_or_else(|| Path::new("standard input"));
        let mut reader: Box<dyn BufRead> = match file {
            Some(file) => Box::new(BufReader::new(open(file)?)),
            None => Box::new(io::stdin().lock()),
        };
        // The line of the file, for the one who looks for it there.
        let offset = usize::from(file.is_none() && self.is_password_read);
        for number in 1 + offset..=MAX_HASHES + offset {
            let refuse = |reason: &str| at(place, &format!("line {number}: {reason}"));
            let line = line_of(&mut *reader).map_err(|reason| refuse(&reason))?;
            let Some(line) = line else {
                return Ok(());
            };
            let hash = StoredHash::new(line.to_string());
            then(hash.map_err(|error| refuse(&error.to_string()))?);
        }
        Err(at(place, &format!("has more than {MAX_HASHES} lines")))
    }

    /// The one hash that there is.
    pub(super) fn one_hash(&self, file: Option<&Path>) -> Result<StoredHash, Failure> {
        let mut hashes = Vec::new();
        self.each_hash(file, |hash| {
            // Two say already that it is not one.
            if hashes.len() < 2 {
                hashes.push(hash);
            }
        })?;
        match <[StoredHash; 1]>::try_from(hashes) {
            Ok([hash]) if !hash.expose_secret().is_empty() => Ok(hash),
            Ok(_) | Err(_) => Err(Failure::Usage(
                "a password is of one hash; give one line with a hash".to_owned(),
            )),
        }
    }
}

fn prompt(text: &str) -> Result<Password, Failure> {
    let line = rpassword::prompt_password(text).map_err(|error| {
        Failure::Usage(format!(
            "no password can be asked for without a terminal ({error}); use --password-file"
        ))
    })?;
    Ok(Password::new(line)?)
}

fn first_line_of(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let line = line_of(&mut BufReader::new(open(file)?)).map_err(|reason| at(file, &reason))?;
    line.ok_or_else(|| at(file, "there is nothing"))
}

fn open(file: &Path) -> Result<File, Failure> {
    File::open(file).map_err(|error| at(file, &error.to_string()))
}

/// A line without its end; `None` where there is no further one.
fn line_of(reader: &mut dyn BufRead) -> Result<Option<Zeroizing<String>>, String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(256));
    let mut bounded = reader.take(MAX_LINE_BYTES + 1);
    bounded
        .read_until(b'\n', &mut bytes)
        .map_err(|error| error.to_string())?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.len() as u64 > MAX_LINE_BYTES {
        return Err(format!("is longer than {MAX_LINE_BYTES} bytes"));
    }
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = str::from_utf8(line).map_err(|_| "is not UTF-8".to_owned())?;
    Ok(Some(Zeroizing::new(text.to_owned())))
}

fn at(place: &Path, reason: &str) -> Failure {
    Failure::Usage(format!("{}: {reason}", place.display()))
}
