//! Every attack there is.

use super::{
    Attack, algorithm_confusion, audience_injection, claims, codes, credentials, doors,
    enumeration, fields, floods, foreign_tokens, guessing, injection, key_injection, proofs,
    redirects, slow_peers, smuggling,
};

/// The attacks, in the order in which they are played: what is quiet first, what is loud and what delays the test user last.
pub(crate) fn all() -> Vec<&'static Attack> {
    let mut all = Vec::new();
    all.extend(&audience_injection::ATTACKS);
    all.extend(&redirects::ATTACKS);
    all.extend(&codes::ATTACKS);
    all.extend(&foreign_tokens::ATTACKS);
    all.extend(&algorithm_confusion::ATTACKS);
    all.extend(&key_injection::ATTACKS);
    all.extend(&claims::ATTACKS);
    all.extend(&proofs::ATTACKS);
    all.extend(&credentials::ATTACKS);
    all.extend(&injection::ATTACKS);
    all.extend(&fields::ATTACKS);
    all.extend(&doors::ATTACKS);
    all.extend(&enumeration::ATTACKS);
    all.extend(&smuggling::ATTACKS);
    all.extend(&slow_peers::ATTACKS);
    all.extend(&floods::ATTACKS);
    all.extend(&guessing::ATTACKS);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_attacks_have_the_same_id() {
        let ids: BTreeSet<_> = all().iter().map(|attack| attack.id).collect();
        assert_eq!(ids.len(), all().len());
    }

    #[test]
    fn the_threat_model_names_every_attack() {
        let page = include_str!("../../../../docs/explanation/threat-model.md");
        let is_lost = |attack: &&Attack| !page.contains(&format!("`{}`", attack.id));
        let lost: Vec<_> = all()
            .into_iter()
            .filter(is_lost)
            .map(|attack| attack.id)
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    #[test]
    fn every_attack_that_the_pages_name_exists() {
        let pages = [
            include_str!("../../../../docs/explanation/threat-model.md"),
            include_str!("../../../../docs/how-to/attack.md"),
        ];
        let ids: BTreeSet<_> = all().iter().map(|attack| attack.id).collect();
        let mut named = 0;
        for page in pages {
            // A row names its attacks behind its tests; a command names them by `--only`.
            for list in page
                .split("; attack")
                .skip(1)
                .filter_map(|rest| rest.split('|').next())
            {
                for id in list.split('`').skip(1).step_by(2) {
                    assert!(ids.contains(id), "{id}");
                    named += 1;
                }
            }
            for rest in page.split("--only ").skip(1) {
                let id = rest.split_whitespace().next().unwrap_or_default();
                assert!(ids.contains(id), "{id}");
                named += 1;
            }
        }
        assert!(named > ids.len() / 2);
    }
}
