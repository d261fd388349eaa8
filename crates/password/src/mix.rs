//! Which kinds of hash the store has, and in what shares; so that a decoy can be chosen as a row would be.
//! It begins as configuration says and follows the rows that are seen, each counted once, over a bounded memory.
//! The choice is weighted rendezvous hashing: when shares shift, only so many identifiers change their kind as the
//! shares demand. Weights move in steps, so that chance alone moves nobody.

use crate::format::{Cost, ParsedHash};

/// The most kinds that are told apart; further ones are left out of the mix.
pub(crate) const MAX_CLASSES: usize = 32;

/// A row in the counts below, so that a part of one can be counted, too.
const ROW: u32 = 64;

/// After so many rows all counts are halved, and each row may count again: the mix forgets what the store has left.
const GENERATION: u32 = 4096;

/// A share of one, in weights.
const WHOLE: u32 = 1024;

pub(crate) struct Mix {
    // A mix is never empty.
    first: Class,
    others: Vec<Class>,
    seen: SeenRows,
}

struct Class {
    label: String,
    cost: Cost,
    blank: ParsedHash,
    rows: u32,
    weight: u32,
}

impl Mix {
    /// A mix of hashes and their relative weights, which count as much as so many rows seen; `None` when nothing has a
    /// weight, or there are too many.
    pub(crate) fn new(kinds: &[(ParsedHash, u32)], rows: u32) -> Option<Self> {
        if kinds.len() > MAX_CLASSES {
            return None;
        }
        let (first, _) = kinds.first()?;
        let mut mix = Self {
            first: Class::new(first),
            others: Vec::new(),
            seen: SeenRows::default(),
        };
        let total: u64 = kinds.iter().map(|(_, weight)| u64::from(*weight)).sum();
        for (hash, weight) in kinds {
            let rows = (u64::from(rows * ROW) * u64::from(*weight)).checked_div(total)?;
            mix.count(hash, u32::try_from(rows).ok()?);
        }
        mix.follow_shares();
        Some(mix)
    }

    /// The hash whose kind falls to an identifier; `draw` is a keyed random number of the identifier and a label.
    pub(crate) fn choose(&self, draw: impl Fn(&str) -> u32) -> &ParsedHash {
        let score = |class: &Class| {
            let uniform = (f64::from(draw(&class.label)) + 0.5) / (f64::from(u32::MAX) + 1.0);
            -uniform.ln() / f64::from(class.weight)
        };
        let mut chosen = (&self.first, score(&self.first));
        for class in &self.others {
            let score = score(class);
            if score < chosen.1 {
                chosen = (class, score);
            }
        }
        &chosen.0.blank
    }

    /// Counts a row of the store; `mark` tells rows apart, and one that was counted already changes nothing.
    pub(crate) fn observe(&mut self, hash: &ParsedHash, mark: u32) {
        if !self.seen.insert(mark) {
            return;
        }
        self.count(hash, ROW);
        if self.seen.count >= GENERATION {
            self.halve();
        }
        self.follow_shares();
    }

    /// Adds rows to the class of a hash, which is made when there is none and still room.
    fn count(&mut self, hash: &ParsedHash, rows: u32) {
        let cost = hash.cost();
        if let Some(class) = self.classes_mut().find(|class| class.cost == cost) {
            class.rows += rows;
        } else if self.others.len() + 1 < MAX_CLASSES {
            self.others.push(Class {
                rows,
                ..Class::new(hash)
            });
        }
    }

    fn halve(&mut self) {
        self.seen = SeenRows::default();
        for class in self.classes_mut() {
            class.rows /= 2;
        }
        self.others.retain(|class| class.weight > 0);
    }

    /// Sets each weight to its share once that has drifted by more than an eighth, and by more than 2 in 1024; a class
    /// that appears or is gone is followed at once.
    fn follow_shares(&mut self) {
        let total: u32 = self.classes_mut().map(|class| class.rows).sum();
        for class in self.classes_mut() {
            // No overflow: halving keeps the rows of all classes together below two generations.
            let share = class.rows * WHOLE / total.max(1);
            let drift = share.abs_diff(class.weight);
            if share == 0 || class.weight == 0 || drift > (class.weight / 8).max(2) {
                class.weight = share;
            }
        }
    }

    fn classes_mut(&mut self) -> impl Iterator<Item = &mut Class> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }
}

impl Class {
    /// A class of hashes like this one, of which nothing but the cost is kept.
    fn new(hash: &ParsedHash) -> Self {
        let cost = hash.cost();
        Self {
            label: cost.to_string(),
            cost,
            blank: hash.with_bytes(|_| ()),
            rows: 0,
            weight: 0,
        }
    }
}

/// Rows that were counted: one bit for each, found by the row's mark. Two rows with one bit count as one, whatever
/// their kinds, so shares stay true.
struct SeenRows {
    bits: Vec<bool>,
    count: u32,
}

impl SeenRows {
    fn insert(&mut self, mark: u32) -> bool {
        let bits = self.bits.len();
        let Some(bit) = usize::try_from(mark)
            .ok()
            .and_then(|mark| self.bits.get_mut(mark % bits))
        else {
            return false;
        };
        let new = !std::mem::replace(bit, true);
        self.count += u32::from(new);
        new
    }
}

impl Default for SeenRows {
    fn default() -> Self {
        Self {
            bits: vec![false; 16 * 1024],
            count: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use proptest::prelude::*;

    use super::{GENERATION, MAX_CLASSES, Mix, ROW};
    use crate::{
        Format,
        format::{Cost, ParsedHash},
    };

    fn bcrypt(cost: u32) -> ParsedHash {
        ParsedHash::blank(Format::Bcrypt, cost).unwrap()
    }

    fn django(iterations: u32) -> ParsedHash {
        ParsedHash::blank(Format::DjangoPbkdf2, iterations).unwrap()
    }

    /// Classes of bcrypt at costs from 4 on, with these weights.
    fn weighted(weights: &[u32]) -> Mix {
        let kinds = (4..)
            .zip(weights)
            .map(|(cost, weight)| (bcrypt(cost), *weight))
            .collect::<Vec<_>>();
        Mix::new(&kinds, 64).unwrap()
    }

    /// What falls to each of a thousand identifiers; any good hash stands in for the keyed digest.
    fn choices(mix: &Mix) -> Vec<Cost> {
        let draw = |identifier: u32, label: &str| {
            let mut hasher = DefaultHasher::new();
            (identifier, label).hash(&mut hasher);
            u32::try_from(hasher.finish() >> 32).unwrap()
        };
        (0..1000)
            .map(|identifier| mix.choose(|label| draw(identifier, label)).cost())
            .collect()
    }

    fn share(choices: &[Cost], cost: Cost) -> u32 {
        u32::try_from(choices.iter().filter(|choice| **choice == cost).count()).unwrap()
    }

    fn moved(before: &[Cost], after: &[Cost]) -> usize {
        before
            .iter()
            .zip(after)
            .filter(|(before, after)| before != after)
            .count()
    }

    #[test]
    fn a_mix_needs_a_weight_and_not_too_many_classes() {
        assert!(Mix::new(&[], 64).is_none());
        assert!(Mix::new(&[(bcrypt(10), 0), (bcrypt(12), 0)], 64).is_none());
        assert!(Mix::new(&[(bcrypt(10), u32::MAX), (bcrypt(12), u32::MAX)], 64).is_some());
        let mut kinds: Vec<_> = (1..)
            .take(MAX_CLASSES)
            .map(|number| (django(number), 1))
            .collect();
        assert!(Mix::new(&kinds, 64).is_some());
        kinds.push((bcrypt(10), 1));
        assert!(Mix::new(&kinds, 64).is_none());
    }

    #[test]
    fn a_class_of_no_weight_is_never_chosen() {
        let mix = Mix::new(&[(bcrypt(10), 0), (bcrypt(12), 1)], 64).unwrap();
        assert_eq!(share(&choices(&mix), bcrypt(12).cost()), 1000);
    }

    #[test]
    fn a_rare_class_keeps_its_small_weight() {
        let mix = weighted(&[1, 999]);
        assert_eq!((mix.first.weight, mix.others[0].weight), (1, 1022));
    }

    #[test]
    fn a_class_named_twice_has_both_weights() {
        let twice = Mix::new(&[(bcrypt(10), 1), (bcrypt(12), 1), (bcrypt(10), 2)], 64).unwrap();
        let once = Mix::new(&[(bcrypt(10), 3), (bcrypt(12), 1)], 64).unwrap();
        assert_eq!(choices(&twice), choices(&once));
    }

    #[test]
    fn rows_as_configured_move_nobody() {
        let mut mix = weighted(&[3, 1]);
        let before = choices(&mix);
        for mark in 0..GENERATION * 3 {
            mix.observe(&bcrypt(if mark % 4 == 0 { 5 } else { 4 }), mark);
        }
        assert_eq!(moved(&before, &choices(&mix)), 0);
    }

    #[test]
    fn the_mix_comes_to_be_what_the_store_has() {
        let mut mix = Mix::new(&[(django(600_000), 1)], 64).unwrap();
        for mark in 0..3000 {
            mix.observe(&bcrypt(if mark % 4 == 0 { 12 } else { 10 }), mark);
        }
        let choices = choices(&mix);
        let (ten, twelve) = (
            share(&choices, bcrypt(10).cost()),
            share(&choices, bcrypt(12).cost()),
        );
        assert!(
            (650..850).contains(&ten) && (150..350).contains(&twelve),
            "{ten} and {twelve}"
        );
        assert!(share(&choices, django(600_000).cost()) < 50);
    }

    #[test]
    fn what_the_store_has_no_more_is_forgotten() {
        let mut mix = Mix::new(&[(django(600_000), 1), (bcrypt(10), 1)], 64).unwrap();
        for mark in 0..GENERATION * 12 {
            mix.observe(&bcrypt(12), mark);
        }
        assert_eq!(share(&choices(&mix), bcrypt(12).cost()), 1000);
        assert!(
            mix.others
                .iter()
                .all(|class| class.cost == bcrypt(12).cost())
        );
    }

    #[test]
    fn a_row_counts_once_however_often_it_is_seen() {
        let mut mix = Mix::new(&[(bcrypt(10), 1)], 64).unwrap();
        for _ in 0..GENERATION * 2 {
            mix.observe(&bcrypt(12), 7);
        }
        assert_eq!((mix.seen.count, mix.others[0].rows), (1, ROW));
    }

    #[test]
    fn many_kinds_of_row_fill_no_memory() {
        let mut mix = Mix::new(&[(bcrypt(10), 1)], 64).unwrap();
        for mark in 0..GENERATION * 3 {
            mix.observe(&django(mark + 1), mark);
            assert!(mix.others.len() < MAX_CLASSES);
        }
    }

    proptest! {
        #[test]
        fn choices_follow_the_weights(weights in prop::collection::vec(1_u32..100, 2..5)) {
            let choices = choices(&weighted(&weights));
            let total: u32 = weights.iter().sum();
            for (cost, weight) in (4..).zip(&weights) {
                let expected = 1000 * weight / total;
                let found = share(&choices, bcrypt(cost).cost());
                // Five standard deviations of a thousand draws.
                prop_assert!(found.abs_diff(expected) < 80, "{found} for {expected}");
            }
        }

        #[test]
        fn whom_a_heavier_class_moves_it_moves_to_itself(
            weights in prop::collection::vec(1_u32..1000, 2..6),
            heavier in any::<prop::sample::Index>(),
            added in 1_u32..1000,
        ) {
            let mut mix = weighted(&weights);
            let before = choices(&mix);
            let class = mix.classes_mut().nth(heavier.index(weights.len())).unwrap();
            class.weight += added;
            let cost = class.cost;
            for (before, after) in before.iter().zip(choices(&mix)) {
                prop_assert!(*before == after || after == cost);
            }
        }

        #[test]
        fn one_row_moves_few(
            weights in prop::collection::vec(1_u32..100, 1..6),
            rows in prop::collection::vec(4_u32..12, 0..200),
            next in 4_u32..12,
        ) {
            let mut mix = weighted(&weights);
            for (mark, cost) in (0..).zip(&rows) {
                mix.observe(&bcrypt(*cost), mark);
            }
            let before = choices(&mix);
            mix.observe(&bcrypt(next), 1000);
            // A step is about an eighth of a weight; it takes several rows to come to it.
            prop_assert!(moved(&before, &choices(&mix)) < 150);
        }
    }
}
