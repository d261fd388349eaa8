//! `[audit]`: where lines go, under which keys, and when a new file is begun.

use std::path::Path;

use lychgate_gateway::{
    AuditDestination, AuditSettings, HeadKey, Heads, OnAuditFailure, PseudonymKey, Rotation,
    SyslogAddress,
};

use crate::config::document::Key;
use crate::config::duration;
use crate::config::finding::Findings;
use crate::config::raw::{RawAudit, RawOnFailure, RawRotation};

pub(super) fn settings(
    raw: &RawAudit,
    folder: &Path,
    findings: &mut Findings<'_>,
) -> Option<AuditSettings> {
    let key = Key::new("audit");
    let destination = destination(raw, folder, &key, findings);
    let pseudonym_key = pseudonym_key(raw, &key.member("pseudonym_key"), findings);
    let heads = heads(raw, &key, findings);
    let is_file = matches!(destination, Some(AuditDestination::File(_)));
    let rotation = rotation(
        raw.rotate.as_ref(),
        is_file,
        &key.member("rotate"),
        findings,
    );
    Some(AuditSettings {
        destination: destination?,
        pseudonym_key: pseudonym_key?,
        rotation,
        heads,
        on_failure: match raw.on_failure {
            RawOnFailure::Refuse => OnAuditFailure::Refuse,
            RawOnFailure::Answer => OnAuditFailure::Answer,
        },
    })
}

fn destination(
    raw: &RawAudit,
    folder: &Path,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<AuditDestination> {
    let Some(syslog) = &raw.syslog else {
        return Some(match raw.file.as_deref() {
            None | Some("-") => AuditDestination::Stdout,
            Some(file) => AuditDestination::File(folder.join(file)),
        });
    };
    let key = key.member("syslog");
    if raw.file.is_some() {
        findings.push(
            &key,
            "stands beside `file`; a log has one place: remove one of the two",
        );
    }
    let address = SyslogAddress::parse(syslog);
    findings.keep(&key, address).map(AuditDestination::Syslog)
}

fn pseudonym_key(raw: &RawAudit, key: &Key, findings: &mut Findings<'_>) -> Option<PseudonymKey> {
    let pseudonym_key = match &raw.pseudonym_key {
        Some(secret) => PseudonymKey::new(secret.expose_secret().as_bytes()),
        None => PseudonymKey::new(&findings.keep(key, lychgate_token::random_bytes::<32>())?),
    };
    findings.keep(key, pseudonym_key)
}

/// Nothing if heads are not signed, or with a finding.
fn heads(raw: &RawAudit, key: &Key, findings: &mut Findings<'_>) -> Option<Heads> {
    let Some(secret) = &raw.signing_key else {
        if raw.sign_every.is_some() {
            let reason = "does nothing without `signing_key`; set that, or remove this";
            findings.push(&key.member("sign_every"), reason);
        }
        return None;
    };
    let every = &key.member("sign_every");
    let every = duration::or(raw.sign_every.as_ref(), Heads::EVERY, every, findings);
    let signing_key = HeadKey::from_pem(secret.expose_secret());
    Some(Heads {
        key: findings.keep(&key.member("signing_key"), signing_key)?,
        lines: Heads::LINES,
        every: every?,
    })
}

/// Nothing if the file is not rotated here, or with a finding.
fn rotation(
    raw: Option<&RawRotation>,
    is_file: bool,
    key: &Key,
    findings: &mut Findings<'_>,
) -> Option<Rotation> {
    let raw = raw?;
    if !is_file {
        findings.push(key, "is about a file, and `file` names none");
    }
    if raw.bytes.is_none() && raw.after.is_none() {
        findings.push(key, "never happens; say `bytes`, `after` or both");
    }
    let after = match &raw.after {
        Some(after) => Some(findings.keep(&key.member("after"), after.parse())?),
        None => None,
    };
    Some(Rotation {
        bytes: raw.bytes.map(|bytes| u64::from(bytes.get())),
        after,
        keep: raw.keep.map(|keep| keep.get() as usize),
    })
}
