//! When a migration is over: what a ledger and a list of the store's users prove, and what stands against it.
//!
//! No clock, no file, no store: all of it comes in. What leaves is the list of what is not proven, and the store may be
//! disconnected only if that is empty. Whatever is missing, late or contradictory makes the list longer, never shorter.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use lychgate_store::ledger::{Life, Loss, Lost, Pseudonym, Seen};

/// Hits that come so soon after a first login belong to it: two devices, a script that tries again.
const SAME_LOGIN: Duration = Duration::from_mins(5);

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// What makes a migration complete, by config.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// The statement that lists the users.
    pub(crate) users: Option<String>,
    /// Whether the platform imports users at their first login.
    pub(crate) imports: bool,
    /// How long nobody may have been asked for.
    pub(crate) quiet: Duration,
}

impl Rules {
    /// The default of `quiet`.
    pub(crate) const QUIET: Duration = Duration::from_hours(30 * 24);
}

/// How many users there are, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Total {
    /// The store listed them, and each was looked for in the ledger.
    Listed(u64),
    /// Somebody gave a number.
    Told(u64),
    /// Nobody did.
    Unknown,
}

/// How far one user is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Logged in, and the platform did not ask again.
    Moved,
    /// Logged in, and the platform asked again: it had not imported the user.
    CameBack,
    /// The platform has asked for the user, who has not logged in.
    OnlyAsked,
    /// Not in the ledger.
    NotSeen,
}

/// The users of the ledger, sorted by how far they are.
#[derive(Default)]
pub(crate) struct Tally {
    /// Those that nobody has looked for yet.
    unsorted: HashMap<Pseudonym, Seen>,
    pub(crate) moved: u64,
    pub(crate) came_back: u64,
    pub(crate) only_asked: u64,
    pub(crate) not_seen: u64,
    /// In the ledger and not among the users that count.
    pub(crate) others: u64,
    /// First logins, by day since 1970.
    pub(crate) first_logins: BTreeMap<i64, u64>,
    /// Last hits, by day since 1970.
    pub(crate) last_hits: BTreeMap<i64, u64>,
}

/// What stands against disconnecting the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The ledger is not being written, so nobody knows what happens now.
    NotRunning { since: i64 },
    /// The ledger was not kept all the time.
    Incomplete { loss: Loss, lost: Lost },
    /// It is not said that the platform imports users.
    NoImports,
    /// The store was not asked who its users are.
    NotListed,
    /// The list of users is empty.
    Nobody,
    /// Users have not logged in.
    Left(u64),
    /// Users have logged in, and came back.
    CameBack(u64),
    /// The platform has asked for somebody lately, or the ledger is younger than that.
    NotQuiet { since: i64, quiet: Duration },
}

impl Tally {
    /// Nobody is sorted yet.
    pub(crate) fn of(users: HashMap<Pseudonym, Seen>) -> Self {
        Self {
            unsorted: users,
            ..Self::default()
        }
    }

    /// Looks for one user of the store.
    pub(crate) fn user(&mut self, pseudonym: &Pseudonym) -> Standing {
        // Taken out, so that a user who is listed twice does not stand for two who were seen.
        let Some(seen) = self.unsorted.remove(pseudonym) else {
            self.not_seen += 1;
            return Standing::NotSeen;
        };
        self.sort(seen)
    }

    /// Takes everybody in the ledger for a user of the store, where the store was not asked.
    pub(crate) fn everybody(&mut self) {
        for (_, seen) in std::mem::take(&mut self.unsorted) {
            self.sort(seen);
        }
    }

    /// Nobody else will be looked for.
    pub(crate) fn finish(&mut self) {
        self.others = self.unsorted.len() as u64;
        self.unsorted = HashMap::new();
    }

    /// Users who have logged in.
    pub(crate) fn logged_in(&self) -> u64 {
        self.moved + self.came_back
    }

    fn sort(&mut self, seen: Seen) -> Standing {
        *self.last_hits.entry(day(seen.last_hit)).or_default() += 1;
        let Some(first_login) = seen.first_login else {
            self.only_asked += 1;
            return Standing::OnlyAsked;
        };
        *self.first_logins.entry(day(first_login)).or_default() += 1;
        if seen.last_hit.saturating_sub(first_login) > seconds(SAME_LOGIN) {
            self.came_back += 1;
            Standing::CameBack
        } else {
            self.moved += 1;
            Standing::Moved
        }
    }
}

/// What stands against disconnecting the store now; nothing, if it is safe.
pub(crate) fn judge(
    life: &Life,
    tally: &Tally,
    total: Total,
    rules: &Rules,
    now: i64,
) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    if !life.is_current(now) {
        doubts.push(Doubt::NotRunning { since: life.alive });
    }
    for (&loss, &lost) in &life.losses {
        doubts.push(Doubt::Incomplete { loss, lost });
    }
    if !rules.imports {
        doubts.push(Doubt::NoImports);
    }
    let left = match total {
        Total::Listed(0) => {
            doubts.push(Doubt::Nobody);
            0
        }
        Total::Listed(_) => tally.not_seen + tally.only_asked,
        // Whoever was removed and whoever was added beside the gateway would make up for each other in a number.
        Total::Told(number) => {
            doubts.push(Doubt::NotListed);
            number.saturating_sub(tally.logged_in())
        }
        Total::Unknown => {
            doubts.push(Doubt::NotListed);
            0
        }
    };
    if left > 0 {
        doubts.push(Doubt::Left(left));
    }
    if tally.came_back > 0 {
        doubts.push(Doubt::CameBack(tally.came_back));
    }
    let since = life.last_hit.unwrap_or(life.started).max(life.started);
    if now.saturating_sub(since) < seconds(rules.quiet) {
        let quiet = rules.quiet;
        doubts.push(Doubt::NotQuiet { since, quiet });
    }
    doubts
}

pub(super) fn day(at: i64) -> i64 {
    at.div_euclid(DAY)
}

pub(super) fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// A count as a real number.
#[expect(
    clippy::cast_precision_loss,
    reason = "nobody has so many users, nor waits so many seconds"
)]
pub(super) fn real(count: impl TryInto<i64>) -> f64 {
    count.try_into().unwrap_or(i64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 100 * DAY;
    const ADA: Pseudonym = [1; 16];

    fn rules() -> Rules {
        Rules {
            users: None,
            imports: true,
            quiet: Rules::QUIET,
        }
    }

    /// A ledger that has run from day 0 to day 100, with one login on day 10.
    fn life() -> Life {
        Life {
            alive: NOW,
            last_hit: Some(10 * DAY),
            ..Life::begin(0)
        }
    }

    fn seen(first_login: Option<i64>, last_hit: i64) -> HashMap<Pseudonym, Seen> {
        let seen = Seen {
            first_login,
            last_hit,
        };
        HashMap::from([(ADA, seen)])
    }

    fn moved() -> Tally {
        let mut tally = Tally::of(seen(Some(10 * DAY), 10 * DAY));
        assert_eq!(tally.user(&ADA), Standing::Moved);
        tally.finish();
        tally
    }

    fn doubts(life: &Life, tally: &Tally, total: Total, rules: &Rules) -> Vec<Doubt> {
        judge(life, tally, total, rules, NOW)
    }

    #[test]
    fn it_is_safe_once_everybody_was_seen_and_nobody_was_asked_for_in_the_quiet_time() {
        assert_eq!(doubts(&life(), &moved(), Total::Listed(1), &rules()), []);
    }

    #[test]
    fn each_thing_that_is_missing_is_a_doubt_of_its_own() {
        let told = doubts(&life(), &moved(), Total::Told(1), &rules());
        assert_eq!(told, [Doubt::NotListed]);
        let unknown = doubts(&life(), &moved(), Total::Unknown, &rules());
        assert_eq!(unknown, [Doubt::NotListed]);
        let nobody = doubts(&life(), &Tally::default(), Total::Listed(0), &rules());
        assert_eq!(nobody, [Doubt::Nobody]);

        let no_imports = Rules {
            imports: false,
            ..rules()
        };
        let declared = doubts(&life(), &moved(), Total::Listed(1), &no_imports);
        assert_eq!(declared, [Doubt::NoImports]);

        let silent = Life {
            alive: NOW - DAY,
            ..life()
        };
        let silent = doubts(&silent, &moved(), Total::Listed(1), &rules());
        assert_eq!(silent, [Doubt::NotRunning { since: NOW - DAY }]);

        let mut holed = life();
        holed.lose(Loss::Dropped, 5, 6);
        let holed = doubts(&holed, &moved(), Total::Listed(1), &rules());
        assert!(matches!(holed.as_slice(), [Doubt::Incomplete { .. }]));

        let mut busy = life();
        busy.last_hit = Some(NOW - DAY);
        let busy = doubts(&busy, &moved(), Total::Listed(1), &rules());
        assert!(matches!(busy.as_slice(), [Doubt::NotQuiet { .. }]));

        let young = Life {
            alive: NOW,
            ..Life::begin(NOW - DAY)
        };
        let young = doubts(&young, &moved(), Total::Listed(1), &rules());
        assert!(matches!(young.as_slice(), [Doubt::NotQuiet { .. }]));
    }

    #[test]
    fn who_comes_back_after_the_first_login_was_not_imported() {
        let at = 10 * DAY;
        for (last_hit, standing) in [
            (at, Standing::Moved),
            (at + 300, Standing::Moved),
            (at + 301, Standing::CameBack),
        ] {
            let mut tally = Tally::of(seen(Some(at), last_hit));
            assert_eq!(tally.user(&ADA), standing);
        }
        let mut tally = Tally::of(seen(None, at));
        assert_eq!(tally.user(&ADA), Standing::OnlyAsked);
        let asked = doubts(&life(), &tally, Total::Listed(1), &rules());
        assert_eq!(asked, [Doubt::Left(1)]);
    }

    #[test]
    fn a_user_who_is_listed_twice_does_not_stand_for_two() {
        let mut tally = moved();
        assert_eq!(tally.user(&ADA), Standing::NotSeen);
    }

    #[test]
    fn users_of_the_ledger_who_do_not_count_are_no_users_who_were_moved() {
        let mut tally = Tally::of(seen(Some(10 * DAY), 10 * DAY));
        tally.user(&[2; 16]);
        tally.finish();
        assert_eq!((tally.moved, tally.not_seen, tally.others), (0, 1, 1));
    }
}
