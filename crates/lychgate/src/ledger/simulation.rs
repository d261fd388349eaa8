//! Months of migrations, played hour by hour: users of every habit, a platform that imports or does not, a ledger that is
//! restarted, killed, switched off, overrun or misled by its clock. Whatever happens, whoever the ledger says may be
//! disconnected must really be with the platform.

use std::collections::HashMap;

use lychgate_store::ledger::{Life, Loss, Pseudonym, Seen};
use proptest::prelude::*;

use super::model::{DAY, Doubt, Rules, Tally, Total, judge};

const HOUR: i64 = 3600;

/// One user, and how often.
#[derive(Clone, Debug)]
struct User {
    id: u32,
    next_visit: i64,
    every: i64,
    imported: bool,
    in_store: bool,
}

/// What happens at some hour.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The gateway is restarted in good form.
    Restart,
    /// The gateway runs without its ledger for so many hours.
    WithoutLedger(i64),
    /// Nothing runs for so many hours.
    Down(i64),
    /// The gateway is killed, with what the ledger had not written.
    Kill,
    /// The queue is full for this hour.
    Overrun,
    /// The clock is wrong by so many hours from now on.
    Clock(i64),
    /// A user is added beside the gateway, who comes every so many days.
    Added(i64),
    /// A user is removed beside the gateway.
    Removed(u32),
    /// A user is removed through the gateway.
    Deleted(u32),
    /// The next login's answer does not reach the platform; the user tries again some days later.
    Lost(i64),
}

/// A store, a platform, a gateway and its ledger.
struct World {
    users: Vec<User>,
    imports: bool,
    rules: Rules,
    life: Life,
    seen: HashMap<Pseudonym, Seen>,
    /// How wrong the clock is.
    skew: i64,
    away: Option<(Away, i64)>,
    overrun: bool,
    lost: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Away {
    Unseen,
    Down,
}

fn name(id: u32) -> Pseudonym {
    let mut name = Pseudonym::default();
    name[..4].copy_from_slice(&id.to_be_bytes());
    name
}

impl World {
    /// Users who come every so many days, the first time somewhere in their first round.
    fn new(habits: &[i64], imports: bool) -> Self {
        let users = habits.iter().zip(0..).map(|(&days, id)| User {
            id,
            next_visit: HOUR * (1 + i64::from(id) * 7919 % (days * 24)),
            every: days * DAY,
            imported: false,
            in_store: true,
        });
        Self {
            users: users.collect(),
            imports,
            rules: Rules {
                users: None,
                imports,
                quiet: Rules::QUIET,
            },
            life: Life::begin(0),
            seen: HashMap::new(),
            skew: 0,
            away: None,
            overrun: false,
            lost: None,
        }
    }

    fn happen(&mut self, event: Event, now: i64) {
        let clock = now + self.skew;
        let new_id = u32::try_from(self.users.len()).unwrap();
        match event {
            Event::Restart => {
                self.life.stop(clock);
                self.life.resume(clock + 30);
            }
            Event::WithoutLedger(hours) | Event::Down(hours) => {
                let away = if matches!(event, Event::Down(_)) {
                    Away::Down
                } else {
                    Away::Unseen
                };
                if self.away.is_none() {
                    self.life.stop(clock);
                    self.away = Some((away, now + hours * HOUR));
                }
            }
            Event::Kill if self.away.is_none() => self.life.resume(clock + 5),
            Event::Overrun => self.overrun = true,
            Event::Clock(hours) => self.skew += hours * HOUR,
            Event::Added(days) => self.users.push(User {
                id: new_id,
                next_visit: now + days * DAY,
                every: days * DAY,
                imported: false,
                in_store: true,
            }),
            Event::Removed(which) | Event::Deleted(which) => {
                let number = self.users.len();
                let user = &mut self.users[which as usize % number];
                user.in_store = false;
                if matches!(event, Event::Deleted(_)) && self.away.is_none() {
                    self.seen.remove(&name(user.id));
                    self.life.last_hit = self.life.last_hit.max(Some(clock));
                }
            }
            Event::Lost(days) => self.lost = Some(days),
            Event::Kill => {}
        }
    }

    fn hour(&mut self, now: i64) {
        if let Some((_, until)) = self.away
            && now >= until
        {
            self.away = None;
            self.life.resume(now + self.skew);
        }
        for index in 0..self.users.len() {
            let user = &self.users[index];
            if user.in_store && user.next_visit <= now {
                self.visit(index, now);
            }
        }
        if self.away.is_none() {
            if std::mem::take(&mut self.overrun) {
                self.life
                    .lose(Loss::Dropped, self.life.alive, now + self.skew);
            }
            for minutes in (0..60).step_by(10) {
                self.life.beat(now + self.skew + minutes * 60);
            }
        }
    }

    fn visit(&mut self, index: usize, now: i64) {
        let user = &mut self.users[index];
        user.next_visit = now + user.every;
        let down = matches!(self.away, Some((Away::Down, _)));
        if user.imported || down {
            return;
        }
        if let Some(days) = self.lost.take() {
            user.next_visit = now + days * DAY;
        } else {
            user.imported = self.imports;
        }
        if self.away.is_some() || self.overrun {
            return;
        }
        let at = now + self.skew;
        self.life.last_hit = self.life.last_hit.max(Some(at));
        let seen = self.seen.entry(name(user.id)).or_insert(Seen {
            first_login: Some(at),
            last_hit: at,
        });
        seen.last_hit = seen.last_hit.max(at);
    }

    fn doubts(&self, now: i64) -> Vec<Doubt> {
        let mut tally = Tally::of(self.seen.clone());
        let users = self.users.iter().filter(|user| user.in_store);
        let listed = users.map(|user| tally.user(&name(user.id))).count();
        tally.finish();
        let total = Total::Listed(listed as u64);
        judge(
            &self.life,
            &tally,
            total,
            &self.rules,
            now + self.skew + 50 * 60,
        )
    }

    /// Plays so many days; the day of the first 'yes', if there was one. A 'yes' that is too early ends the test.
    fn play(mut self, days: i64, events: &[(i64, Event)]) -> Option<i64> {
        let mut first_yes = None;
        for hour in 0..days * 24 {
            let now = hour * HOUR;
            for (_, event) in events.iter().filter(|(at, _)| *at == hour) {
                self.happen(*event, now);
            }
            self.hour(now);
            if self.doubts(now).is_empty() {
                let left: Vec<_> = self
                    .users
                    .iter()
                    .filter(|user| user.in_store && !user.imported)
                    .collect();
                assert!(left.is_empty(), "safe on day {} with {left:?}", hour / 24);
                first_yes = first_yes.or(Some(hour / 24));
            }
        }
        first_yes
    }
}

/// Some come daily, some by the week, the month, the quarter, and one once a year.
const HABITS: [i64; 12] = [1, 1, 2, 7, 7, 14, 30, 30, 60, 90, 90, 365];

#[test]
fn a_migration_whose_last_user_comes_once_a_year_ends_a_quiet_time_after_that_visit() {
    let world = World::new(&HABITS, true);
    let last = world
        .users
        .iter()
        .map(|user| user.next_visit / DAY)
        .max()
        .unwrap();
    let yes = world.play(500, &[]).expect("it ends");
    assert_eq!(yes, last + 30);
}

#[test]
fn a_user_who_never_comes_keeps_it_open_for_ever() {
    let world = World::new(&[1, 7, 30, 10_000], true);
    let last = world.users[3].next_visit;
    let never = if last < 700 * DAY { 701 } else { 700 };
    let mut world = world;
    world.users[3].next_visit = i64::MAX;
    assert_eq!(world.play(never, &[]), None);
}

#[test]
fn without_imports_nobody_is_ever_moved() {
    assert_eq!(World::new(&HABITS, false).play(800, &[]), None);
}

#[test]
fn imports_that_are_declared_and_off_are_found_out_by_whoever_comes_back() {
    let mut world = World::new(&[1, 7, 20], false);
    world.rules.imports = true;
    assert_eq!(world.play(400, &[]), None);
}

#[test]
fn a_gap_keeps_it_open_and_restarts_do_not() {
    let restarts: Vec<_> = (1..500).map(|day| (day * 24 + 3, Event::Restart)).collect();
    assert!(World::new(&HABITS, true).play(500, &restarts).is_some());
    for event in [
        Event::WithoutLedger(5),
        Event::Down(5),
        Event::Kill,
        Event::Overrun,
        Event::Clock(24 * 400),
        Event::Clock(-24),
    ] {
        let events = [(24 * 20, event)];
        assert_eq!(
            World::new(&HABITS, true).play(500, &events),
            None,
            "{event:?}"
        );
    }
}

#[test]
fn users_who_are_added_and_removed_beside_the_gateway_do_not_make_up_for_each_other() {
    let events = [(24 * 20, Event::Removed(0)), (24 * 20, Event::Added(300))];
    let yes = World::new(&[1, 7, 30], true).play(500, &events);
    assert_eq!(yes, Some(20 + 300 + 30));
}

#[test]
fn a_login_whose_answer_was_lost_is_seen_to_come_back() {
    let events = [(24 * 2, Event::Lost(6))];
    assert_eq!(World::new(&[5, 5, 7], true).play(200, &events), None);
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Restart),
        (1..200_i64).prop_map(Event::WithoutLedger),
        (1..200_i64).prop_map(Event::Down),
        Just(Event::Kill),
        Just(Event::Overrun),
        (-2000..2000_i64).prop_map(Event::Clock),
        (1..400_i64).prop_map(Event::Added),
        (0..20_u32).prop_map(Event::Removed),
        (0..20_u32).prop_map(Event::Deleted),
        // Whoever could not log in tries again before the quiet time is over.
        (1..29_i64).prop_map(Event::Lost),
    ]
}

/// What leaves no hole, so that many of these worlds come to a 'yes' that has to be true.
fn harmless() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Restart),
        (1..60_i64).prop_map(Event::Added),
        (0..20_u32).prop_map(Event::Removed),
        (0..20_u32).prop_map(Event::Deleted),
        (1..29_i64).prop_map(Event::Lost),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_never_said_too_early(
        habits in prop::collection::vec(1..200_i64, 1..8),
        imports in prop::bool::weighted(0.9),
        events in prop::collection::vec((0..24 * 300_i64, event()), 0..6),
    ) {
        World::new(&habits, imports).play(330, &events);
    }

    #[test]
    fn it_is_never_said_too_early_where_the_ledger_is_whole(
        habits in prop::collection::vec(1..60_i64, 1..8),
        events in prop::collection::vec((0..24 * 150_i64, harmless()), 0..6),
    ) {
        World::new(&habits, true).play(300, &events);
    }
}
