//! The requirements, <https://github.com/OWASP/ASVS/tree/v5.0.0/5.0/en>, by their numbers there and in our own words.
//!
//! What is the platform's, the browser's or the operator's alone is left out: nothing here could show it.

/// One requirement.
pub(crate) struct Requirement {
    /// Its number in ASVS 5.0.0.
    pub(crate) id: &'static str,
    /// The level from which on it is asked for.
    pub(crate) level: u8,
    /// What it asks for.
    pub(crate) asks: &'static str,
    /// What shows that it is so.
    pub(crate) shown_by: &'static [Shown],
}

/// What shows something.
#[derive(Clone, Copy)]
pub(crate) enum Shown {
    /// The checks of `lychgate check` whose ids begin like this: none finds anything.
    Checks(&'static str),
    /// An attack of `lychgate attack`: it is blocked.
    Attack(&'static str),
    /// The audit log: it is whole.
    AuditLog,
    /// A test of this version.
    Test(&'static str),
}

use Shown::{Attack, AuditLog, Checks, Test};

const fn requirement(
    id: &'static str,
    level: u8,
    asks: &'static str,
    shown_by: &'static [Shown],
) -> Requirement {
    Requirement {
        id,
        level,
        asks,
        shown_by,
    }
}

/// Every one that is looked at, in the order of the standard.
#[rustfmt::skip]
pub(crate) const REQUIREMENTS: [Requirement; 46] = [
    requirement("1.2.4", 1, "what a caller sends is a parameter of a query, never a part of it",
        &[Attack("sql-injection"), Attack("quote-in-any-field"), Test("no_text_of_sql_signs_makes_it_panic")]),
    requirement("1.2.6", 2, "no value changes the shape of a filter of a directory",
        &[Attack("ldap-injection"), Test("no_value_changes_the_shape_of_a_filter"), Test("no_value_leaves_its_place")]),
    requirement("1.5.3", 3, "what two parsers could read differently is refused",
        &[Attack("claim-twice"), Attack("field-twice"), Attack("authorization-twice"), Test("what_decodes_is_what_would_be_encoded")]),
    requirement("6.2.12", 3, "new passwords are held against a list of breached ones",
        &[Test("while_the_list_cannot_be_read_no_password_is_changed"), Test("a_rule_is_told_by_field_and_limit_and_is_the_same_for_everybody")]),
    requirement("6.3.1", 1, "guessing at passwords is slowed, and no victim is shut out",
        &[Attack("guessing-without-delay"), Attack("lockout-bypass"), Test("nobody_guesses_more_often_than_the_delays_allow"), Test("a_victim_is_slowed_and_not_shut_out")]),
    requirement("6.3.8", 3, "a refusal does not tell whether there is such a user, by its text, status or time",
        &[Attack("enumeration-by-answer"), Attack("enumeration-by-time"), Checks("passwords-decoy-missing"), Test("every_no_costs_one_hash_and_is_the_same_to_the_byte")]),
    requirement("8.2.1", 1, "a function is open to whom it was granted to, and to nobody else",
        &[Attack("other-scope"), Attack("undefined-operation"), Test("every_operation_denies_what_must_be_denied_and_the_generated_table_says_so")]),
    requirement("8.2.3", 2, "a field is written and read by whom it was granted to",
        &[Attack("mass-assignment"), Test("a_hash_is_taken_once_and_is_never_among_the_columns")]),
    requirement("8.3.1", 1, "authorization is decided where a caller cannot change it",
        &[Attack("operations-told-apart"), Test("an_operation_that_config_does_not_define_is_not_there")]),
    requirement("8.4.2", 3, "the administrator's interface is guarded by more than where it is",
        &[Attack("admin-from-the-network"), Attack("admin-rebinding")]),
    requirement("9.1.1", 1, "a token's signature is verified before anything of it is believed",
        &[Attack("signature-not-checked"), Test("a_key_that_is_gone_ends_the_tokens_that_it_had_verified")]),
    requirement("9.1.2", 1, "the algorithms are on a list, without `none`, and keys cannot be confused",
        &[Attack("algorithm-none"), Attack("algorithm-hmac-with-public-key"), Checks("token-algorithms"), Test("a_token_with_an_hmac_by_the_public_key_is_refused")]),
    requirement("9.1.3", 1, "keys come from the issuer that was configured, never from the token",
        &[Attack("header-jku-x5u"), Attack("header-jwk"), Attack("header-kid"), Test("a_header_that_could_choose_the_key_is_refused")]),
    requirement("9.2.1", 1, "a token is good within its times",
        &[Attack("expired-token"), Attack("long-lived-token"), Checks("token-lifetime"), Test("a_token_is_remembered_until_its_exp_and_not_a_second_longer")]),
    requirement("9.2.2", 2, "only an access token is taken for one",
        &[Attack("id-token"), Attack("user-token")]),
    requirement("9.2.3", 2, "a token is for this service",
        &[Attack("other-audience"), Test("an_audience_is_a_string_or_some_strings")]),
    requirement("10.3.1", 2, "the resource server takes tokens of its own audience alone",
        &[Attack("other-audience"), Attack("audience-injection-code")]),
    requirement("10.3.2", 2, "the decision rests on client, subject and scope of the token",
        &[Attack("other-client"), Attack("other-scope"), Attack("user-token"), Checks("token-clients"), Checks("tenant-api-users")]),
    requirement("10.3.5", 3, "a stolen token is of no use: tokens are bound to their sender",
        &[Attack("sender-constraint-stripped"), Attack("replay-from-elsewhere"), Test("a_token_is_refused_unless_it_is_bound_and_sent_as_such"), Test("a_token_that_is_bound_to_a_certificate_is_good_over_its_own_connections_alone")]),
    requirement("10.4.1", 1, "redirect URIs are compared to the letter (embedded tenant)",
        &[Attack("redirect-uri"), Test("a_redirect_uri_is_compared_to_the_letter")]),
    requirement("10.4.2", 1, "a code is good once, and its second use revokes what it gave (embedded tenant)",
        &[Attack("code-replay"), Test("a_code_is_good_once_and_its_reuse_revokes_what_it_gave")]),
    requirement("10.4.4", 1, "a client has the grants that it needs; implicit and password are none of them",
        &[Attack("audience-injection-implicit"), Attack("audience-injection-password"), Checks("tenant-client-grant-types")]),
    requirement("10.4.5", 1, "a refresh token is good once, and its second use ends the family (embedded tenant)",
        &[Attack("refresh-token-replay"), Test("a_refresh_token_is_good_once_and_its_reuse_ends_the_family")]),
    requirement("10.4.6", 2, "a code needs its verifier (embedded tenant)",
        &[Attack("pkce-downgrade"), Attack("code-theft"), Test("a_code_is_bound_to_its_verifier_its_client_and_its_redirect_uri")]),
    requirement("10.4.11", 2, "the client has the scopes that it needs",
        &[Checks("tenant-grant-scopes"), Checks("tenant-grant-others")]),
    requirement("11.4.2", 2, "passwords are stored by a costly function of today",
        &[Checks("hashes-weak"), Checks("passwords-weak-accepted")]),
    requirement("12.1.3", 2, "a client's certificate is verified before it counts for anything",
        &[Test("a_client_without_a_right_certificate_ends_in_the_handshake_and_is_counted_by_reason")]),
    requirement("12.1.4", 3, "a certificate that was revoked is not taken",
        &[Checks("client-revocation-list-"), Test("a_client_whose_certificate_is_revoked_ends_with_its_next_request_and_nobody_else_fails")]),
    requirement("12.2.1", 1, "callers are spoken to over TLS, without a way back to plain text",
        &[Test("serve_refuses_to_start_where_it_could_be_overheard_or_misread")]),
    requirement("12.3.1", 2, "so is the store",
        &[Checks("store-not-encrypted"), Test("a_directory_that_has_no_tls_is_not_spoken_to")]),
    requirement("12.3.2", 2, "the certificate of the store is verified",
        &[Checks("store-not-proved"), Test("only_the_directory_that_was_named_is_believed")]),
    requirement("13.2.2", 2, "the store's account may do what the statements need, and no more",
        &[Checks("role-"), Checks("directory-"), Test("in_postgres_the_grants_are_enough_and_none_can_be_spared")]),
    requirement("13.2.4", 2, "who is spoken to stands on a list",
        &[Test("only_listed_hosts_are_called"), Test("a_referral_is_not_followed")]),
    requirement("13.3.1", 2, "secrets are kept out of what is copied and reviewed",
        &[Checks("config-literal-secret")]),
    requirement("13.3.2", 2, "secrets are read by whom they are for",
        &[Checks("config-file-mode"), Checks("store-file-mode")]),
    requirement("13.4.5", 2, "monitoring is not exposed",
        &[Attack("admin-from-the-network"), Attack("admin-on-the-gateway")]),
    requirement("16.2.1", 2, "each entry says when, from where, who and what",
        &[AuditLog, Test("each_answer_has_one_line_with_its_request_id_and_step")]),
    requirement("16.2.5", 2, "no entry holds what must not be logged",
        &[Test("no_line_holds_a_password_a_hash_a_token_or_an_identifier")]),
    requirement("16.3.1", 2, "every login is logged, whether it succeeds or not",
        &[AuditLog, Checks("audit-failure-answered"), Test("what_cannot_be_audited_is_not_answered")]),
    requirement("16.3.2", 2, "every refusal is logged, and so is every access",
        &[AuditLog, Test("every_operation_denies_what_must_be_denied_and_the_generated_table_says_so")]),
    requirement("16.3.3", 2, "attempts to get past the controls are logged",
        &[Checks("canaries-missing"), Test("no_operation_finds_or_changes_a_decoy_and_each_raises_the_alert")]),
    requirement("16.4.2", 2, "logs are closed to others, and what is changed in them is found",
        &[AuditLog, Checks("audit-not-signed"), Checks("audit-standard-output"), Test("no_single_change_to_a_signed_log_goes_unseen"), Test("the_file_is_its_owners_alone")]),
    requirement("16.5.1", 2, "an error tells a caller nothing of the inside",
        &[Test("a_5xx_says_nothing_of_its_reason")]),
    requirement("16.5.2", 2, "when the store or the issuer fails, the gateway stays safe",
        &[Attack("key-flood"), Test("a_flood_of_made_up_keys_is_bounded_and_delays_no_rotation")]),
    requirement("16.5.3", 2, "what fails fails closed",
        &[Checks("audit-failure-answered"), Test("while_nothing_can_be_audited_nothing_is_done")]),
    requirement("16.5.4", 3, "an exception ends one request, not the process",
        &[Test("a_panic_ends_here_and_a_value_goes_through")]),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::attack;
    use crate::commands::check::table;

    fn sources(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn what_is_said_to_show_a_requirement_exists() {
        let mut text = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut text);
        let mut last = Vec::new();
        for requirement in &REQUIREMENTS {
            for shown in requirement.shown_by {
                let exists = match shown {
                    Checks(beginning) => table::all()
                        .iter()
                        .any(|check| check.id.starts_with(beginning)),
                    Test(name) => text.contains(&format!("fn {name}(")),
                    Attack(id) => attack::all().iter().any(|attack| attack.id == *id),
                    AuditLog => true,
                };
                assert!(exists, "{}", requirement.id);
            }
            let number: Vec<u32> = requirement
                .id
                .split('.')
                .map(|part| part.parse().unwrap())
                .collect();
            assert!(number > last, "{} stands out of order", requirement.id);
            assert!(!requirement.shown_by.is_empty() && (1..=3).contains(&requirement.level));
            last = number;
        }
    }
}
