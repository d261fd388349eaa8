//! The evidence as it is handed over: a page for people, and the same for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::asvs::{REQUIREMENTS, Shown};
use super::outcome::{Asked, Outcome};

/// What the evidence is about. There is nothing of a user in it, and no secret.
pub(crate) struct Subject {
    /// When it was asked, RFC 3339.
    pub(crate) time: String,
    /// SHA-256 of the config, in hex.
    pub(crate) config: String,
    /// Which tokens are accepted, each with a name.
    pub(crate) tokens: Vec<(&'static str, String)>,
    /// The networks that calls may come from.
    pub(crate) networks: Vec<String>,
    /// The operations that config defines.
    pub(crate) operations: Vec<&'static str>,
    /// The grants that the statements need, or why they are not told.
    pub(crate) grants: Result<String, String>,
    /// What `audit verify` says, line by line, and as it says it to programs.
    pub(crate) log: Option<(Vec<String>, Value)>,
}

/// All of it.
pub(crate) struct Report<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) asked: &'a Asked,
}

impl Report<'_> {
    /// How many requirements fail here.
    pub(crate) fn failures(&self) -> usize {
        let failing = REQUIREMENTS
            .iter()
            .filter(|requirement| self.asked.judge(requirement) == Outcome::Fails);
        failing.count()
    }

    /// The page.
    pub(crate) fn markdown(&self) -> String {
        let mut page = String::new();
        // To write into a text does not fail.
        let _: Result<(), std::fmt::Error> = self.write(&mut page);
        page
    }

    fn write(&self, page: &mut String) -> Result<(), std::fmt::Error> {
        let subject = self.subject;
        writeln!(page, "# Evidence\n")?;
        writeln!(
            page,
            "Made on {} by lychgate {}, by asking; config SHA-256 `{}`.\n",
            subject.time,
            env!("CARGO_PKG_VERSION"),
            subject.config
        )?;
        writeln!(page, "## Requirements of OWASP ASVS 5.0.0\n")?;
        writeln!(
            page,
            "`holds` and `fails` were asked here and now. `in part`: of what shows it, not all was asked. `by test`: shown by \
             tests of this version, which did not run here. `not told`: nothing was asked.\n"
        )?;
        writeln!(page, "| item | level | asks that | outcome | shown by |")?;
        writeln!(page, "| --- | --- | --- | --- | --- |")?;
        for requirement in &REQUIREMENTS {
            let shown: Vec<_> = requirement
                .shown_by
                .iter()
                .map(|shown| format!("{}: {}", described(*shown), self.asked.of(*shown).name()))
                .collect();
            writeln!(
                page,
                "| {} | {} | {} | **{}** | {} |",
                requirement.id,
                requirement.level,
                requirement.asks,
                self.asked.judge(requirement).name(),
                shown.join("<br>")
            )?;
        }
        self.write_findings(page)?;
        writeln!(page, "\n## Tokens that are accepted\n")?;
        for (name, value) in &subject.tokens {
            writeln!(page, "- {name}: `{value}`")?;
        }
        writeln!(page, "\n## Networks that calls may come from\n")?;
        for network in &subject.networks {
            writeln!(page, "- `{network}`")?;
        }
        writeln!(page, "\n## Operations\n\n{}", subject.operations.join(", "))?;
        writeln!(page, "\n## Grants that the store's account needs\n")?;
        match &subject.grants {
            Ok(grants) => writeln!(page, "```sql\n{}\n```", grants.trim_end())?,
            Err(reason) => writeln!(page, "Not told: {reason}.")?,
        }
        writeln!(page, "\n## Audit log\n")?;
        match &subject.log {
            Some((lines, _)) => writeln!(page, "```text\n{}\n```", lines.join("\n"))?,
            None => writeln!(
                page,
                "Not told: by the config there is no file, or it cannot be read."
            )?,
        }
        Ok(())
    }

    fn write_findings(&self, page: &mut String) -> Result<(), std::fmt::Error> {
        writeln!(page, "\n## Findings of `lychgate check`\n")?;
        if !self.asked.saw_store {
            writeln!(page, "The store could not be looked at.\n")?;
        }
        if !self.asked.saw_tenant {
            writeln!(page, "What the tenant says of itself was not looked at.\n")?;
        }
        if self.asked.findings.is_empty() {
            writeln!(page, "None.")?;
        }
        for finding in &self.asked.findings {
            writeln!(
                page,
                "- {} `{}`: {}",
                finding.severity, finding.id, finding.reason
            )?;
        }
        Ok(())
    }

    /// The same for programs.
    pub(crate) fn json(&self) -> Value {
        let subject = self.subject;
        let requirements = REQUIREMENTS.iter().map(|requirement| {
            let shown = requirement.shown_by.iter().map(|shown| {
                let (kind, id) = named(*shown);
                json!({ "kind": kind, "id": id, "outcome": self.asked.of(*shown).name() })
            });
            json!({
                "id": requirement.id,
                "level": requirement.level,
                "asks": requirement.asks,
                "outcome": self.asked.judge(requirement).name(),
                "shown_by": shown.collect::<Vec<_>>(),
            })
        });
        let findings = self.asked.findings.iter().map(|finding| {
            json!({ "id": finding.id, "severity": finding.severity, "reason": finding.reason })
        });
        let tokens = subject
            .tokens
            .iter()
            .map(|(name, value)| json!({ "name": name, "value": value }));
        json!({
            "standard": "OWASP ASVS 5.0.0",
            "time": subject.time,
            "version": env!("CARGO_PKG_VERSION"),
            "config_sha256": subject.config,
            "requirements": requirements.collect::<Vec<_>>(),
            "findings": findings.collect::<Vec<_>>(),
            "saw_store": self.asked.saw_store,
            "saw_tenant": self.asked.saw_tenant,
            "tokens": tokens.collect::<Vec<_>>(),
            "networks": subject.networks,
            "operations": subject.operations,
            "grants": subject.grants.as_ref().ok(),
            "audit_log": subject.log.as_ref().map(|(_, report)| report),
            "failures": self.failures(),
            "ok": self.failures() == 0,
        })
    }
}

fn named(shown: Shown) -> (&'static str, &'static str) {
    match shown {
        Shown::Checks(id) => ("check", id),
        Shown::Attack(id) => ("attack", id),
        Shown::AuditLog => ("audit-log", "verify"),
        Shown::Test(name) => ("test", name),
    }
}

fn described(shown: Shown) -> String {
    match named(shown) {
        ("check", id) if id.ends_with('-') => format!("checks `{id}…`"),
        (kind, id) => format!("{kind} `{id}`"),
    }
}
