use lychgate_token::SigningKey;
use proptest::prelude::*;

use super::*;

const ALGORITHM: Algorithm = Algorithm::EdDsa;

fn at(seconds: i64) -> UnixTime {
    UnixTime::from_seconds(seconds)
}

fn key() -> SigningKey {
    SigningKey::generate(ALGORITHM).unwrap()
}

fn set(keys: &[&SigningKey]) -> JwkSet {
    JwkSet::new(keys.iter().map(|key| key.verification_key().clone())).unwrap()
}

/// Keys at time 0 that hold these, all fetches done.
fn fetched(keys: &[&SigningKey]) -> Keys {
    let mut state = Keys::new(KeyLimits::default(), at(0));
    assert!(state.begin(at(0)));
    state.finish(Some(set(keys)), at(0));
    state
}

fn found(state: &mut Keys, key: &SigningKey, now: UnixTime) -> bool {
    matches!(
        state.look_up(key.key_id(), ALGORITHM, now),
        LookUp::Found(_)
    )
}

#[test]
fn without_a_first_answer_keys_are_unavailable_and_the_schedule_backs_off() {
    let mut state = Keys::new(KeyLimits::default(), at(0));
    assert!(matches!(
        state.look_up("any", ALGORITHM, at(0)),
        LookUp::Unavailable
    ));
    let mut now = at(0);
    let mut waits = Vec::new();
    for _ in 0..12 {
        assert!(state.begin(now));
        state.finish(None, now);
        waits.push(state.next_scheduled().since(now).as_secs());
        now = state.next_scheduled();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30, 30, 30, 30, 30]);
}

#[test]
fn a_key_is_found_by_its_name_for_its_algorithm_only() {
    let key = key();
    let mut state = fetched(&[&key]);
    assert!(found(&mut state, &key, at(1)));
    assert!(!matches!(
        state.look_up(key.key_id(), Algorithm::Rs256, at(1)),
        LookUp::Found(_)
    ));
}

#[test]
fn an_unknown_key_starts_one_fetch_and_is_remembered() {
    let mut state = fetched(&[&key()]);
    assert!(matches!(
        state.look_up("made-up", ALGORITHM, at(1)),
        LookUp::Wait(Proof::Fresh)
    ));
    assert!(matches!(
        state.look_up("made-up-too", ALGORITHM, at(1)),
        LookUp::Wait(Proof::Fresh)
    ));
    assert!(state.begin(at(1)));
    assert!(!state.begin(at(1)), "one fetch at a time");
    state.finish(Some(set(&[&key()])), at(1));
    assert!(
        state
            .look_again("made-up", ALGORITHM, Proof::Fresh, at(1))
            .is_none()
    );
    assert!(matches!(
        state.look_up("made-up", ALGORITHM, at(2)),
        LookUp::Unknown
    ));
    assert!(!state.begin(at(2)), "what is remembered causes no fetch");
    assert!(
        matches!(
            state.look_up("made-up", ALGORITHM, at(1 + 60)),
            LookUp::Wait(Proof::Fresh)
        ),
        "not for ever"
    );
}

#[test]
fn a_flood_of_made_up_keys_causes_a_bounded_number_of_fetches() {
    let mut state = fetched(&[&key()]);
    let mut fetches = 0;
    for attempt in 0..10_000_i64 {
        let now = at(1 + attempt / 100);
        let made_up = format!("made-up-{attempt}");
        if matches!(
            state.look_up(&made_up, ALGORITHM, now),
            LookUp::Wait(Proof::Fresh)
        ) && state.begin(now)
        {
            fetches += 1;
            state.finish(Some(set(&[&key()])), now);
            assert!(
                state
                    .look_again(&made_up, ALGORITHM, Proof::Fresh, now)
                    .is_none()
            );
        }
    }
    assert!(fetches <= 6 + 10, "{fetches} fetches in 100 s");
}

#[test]
fn a_flood_never_delays_the_schedule_nor_a_rotation() {
    let (old, new) = (key(), key());
    let mut state = fetched(&[&old]);
    for attempt in 0..100_000_i64 {
        let now = at(1 + attempt * 299 / 100_000);
        if matches!(
            state.look_up(&format!("made-up-{attempt}"), ALGORITHM, now),
            LookUp::Wait(Proof::Fresh)
        ) && state.begin(now)
        {
            state.finish(None, now);
        }
    }
    assert_eq!(
        state.next_scheduled(),
        at(300),
        "the schedule is where it was"
    );
    assert!(state.begin(at(300)));
    state.finish(Some(set(&[&new])), at(300));
    assert!(found(&mut state, &new, at(300)));
}

#[test]
fn a_key_that_was_unknown_works_as_soon_as_a_set_brings_it() {
    let (old, new) = (key(), key());
    let mut state = fetched(&[&old]);
    assert!(matches!(
        state.look_up(new.key_id(), ALGORITHM, at(1)),
        LookUp::Wait(Proof::Fresh)
    ));
    assert!(state.begin(at(1)));
    state.finish(Some(set(&[&old])), at(1));
    assert!(
        state
            .look_again(new.key_id(), ALGORITHM, Proof::Fresh, at(1))
            .is_none()
    );
    assert!(matches!(
        state.look_up("another", ALGORITHM, at(2)),
        LookUp::Wait(Proof::Fresh)
    ));
    assert!(state.begin(at(2)));
    state.finish(Some(set(&[&old, &new])), at(2));
    assert!(
        found(&mut state, &new, at(2)),
        "that it was remembered as unknown does not matter"
    );
}

#[test]
fn a_failed_fetch_changes_nothing_and_a_good_one_ends_keys_at_once() {
    let (old, new) = (key(), key());
    let mut state = fetched(&[&old]);
    assert!(state.begin(at(300)));
    state.finish(None, at(300));
    assert!(found(&mut state, &old, at(300)));
    assert!(state.begin(at(301)));
    state.finish(Some(set(&[&new])), at(301));
    assert!(!found(&mut state, &old, at(301)));
    assert!(state.peek(old.key_id(), ALGORITHM, at(301)).is_none());
}

#[test]
fn a_failed_fetch_does_not_teach_that_a_key_is_unknown() {
    let mut state = fetched(&[&key()]);
    assert!(matches!(
        state.look_up("new", ALGORITHM, at(1)),
        LookUp::Wait(Proof::Fresh)
    ));
    assert!(state.begin(at(1)));
    state.finish(None, at(1));
    assert!(
        state
            .look_again("new", ALGORITHM, Proof::Fresh, at(1))
            .is_none()
    );
    assert!(matches!(
        state.look_up("new", ALGORITHM, at(2)),
        LookUp::Wait(Proof::Fresh)
    ));
}

#[test]
fn fetches_that_made_up_keys_caused_do_not_slow_the_schedules_own_next_try() {
    let mut state = fetched(&[&key()]);
    for attempt in 0..6 {
        let made_up = format!("made-up-{attempt}");
        assert!(matches!(
            state.look_up(&made_up, ALGORITHM, at(1)),
            LookUp::Wait(Proof::Fresh)
        ));
        assert!(state.begin(at(1)));
        state.finish(None, at(1));
    }
    assert!(state.begin(at(300)));
    state.finish(None, at(300));
    assert_eq!(state.next_scheduled(), at(301));
}

#[test]
fn a_fetch_that_began_before_a_key_was_asked_for_does_not_teach_that_it_is_unknown() {
    let (old, new) = (key(), key());
    let mut state = fetched(&[&old]);
    assert!(state.begin(at(300)));
    assert!(matches!(
        state.look_up(new.key_id(), ALGORITHM, at(300)),
        LookUp::Wait(Proof::Stale)
    ));
    state.finish(Some(set(&[&old])), at(300));
    let again = state.look_again(new.key_id(), ALGORITHM, Proof::Stale, at(300));
    assert!(again.is_none());
    assert!(matches!(
        state.look_up(new.key_id(), ALGORITHM, at(300)),
        LookUp::Wait(Proof::Fresh)
    ));
}

#[test]
fn keys_that_were_not_refreshed_for_too_long_stop_working() {
    let key = key();
    let mut state = fetched(&[&key]);
    let day = 24 * 60 * 60;
    assert!(found(&mut state, &key, at(day)));
    assert!(matches!(
        state.look_up(key.key_id(), ALGORITHM, at(day + 1)),
        LookUp::Unavailable
    ));
    assert!(!state.available(at(day + 1)));
    assert!(state.peek(key.key_id(), ALGORITHM, at(day + 1)).is_none());
}

#[test]
fn the_memory_of_unknown_keys_is_bounded() {
    let mut state = fetched(&[&key()]);
    for attempt in 0..5000 {
        assert!(
            state
                .look_again(
                    &format!("made-up-{attempt}"),
                    ALGORITHM,
                    Proof::Fresh,
                    at(1)
                )
                .is_none()
        );
    }
    assert_eq!(state.unknown_until.len(), 1024);
    let long = "k".repeat(10_000);
    assert!(matches!(
        state.look_up(&long, ALGORITHM, at(1)),
        LookUp::Unknown
    ));
}

/// What can happen to the keys of an issuer.
#[derive(Debug, Clone)]
enum Event {
    /// Time goes by, in seconds.
    Pass(u16),
    /// A token names one of three real keys.
    LookUp(usize),
    /// A token names a key that nobody has.
    MakeUp(u16),
    /// The task looks whether to fetch, and gets this: keys by their number, or nothing usable.
    Fetch(Option<Vec<usize>>),
}

fn event() -> impl Strategy<Value = Event> {
    let keys = prop::collection::vec(0_usize..3, 1..4);
    prop_oneof![
        (0_u16..400).prop_map(Event::Pass),
        (0_usize..3).prop_map(Event::LookUp),
        any::<u16>().prop_map(Event::MakeUp),
        prop::option::of(keys).prop_map(Event::Fetch),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_current_keys_work_others_do_not_and_fetches_are_bounded(
        events in prop::collection::vec(event(), 1..200),
    ) {
        let all = [key(), key(), key()];
        let mut state = Keys::new(KeyLimits::default(), at(0));
        let (mut now, mut published, mut fetched_at, mut unscheduled) = (at(0), Vec::new(), None, 0);
        for event in events {
            match event {
                Event::Pass(seconds) => now = now.plus(Duration::from_secs(seconds.into())),
                Event::LookUp(number) => {
                    let fresh = fetched_at.is_some_and(|at| now.since(at) <= Duration::from_hours(24));
                    let expected = fresh && published.contains(&number);
                    prop_assert_eq!(found(&mut state, &all[number], now), expected);
                    prop_assert_eq!(state.peek(all[number].key_id(), ALGORITHM, now).is_some(), expected);
                }
                Event::MakeUp(number) => {
                    let made_up = state.look_up(&number.to_string(), ALGORITHM, now);
                    prop_assert!(!matches!(made_up, LookUp::Found(_)));
                }
                Event::Fetch(answer) => {
                    let scheduled = state.next_scheduled() <= now;
                    if state.begin(now) {
                        prop_assert!(!state.begin(now), "one at a time");
                        unscheduled += i64::from(!scheduled);
                        let keys = answer.clone().map(|mut keys| { keys.sort_unstable(); keys.dedup(); keys });
                        state.finish(keys.as_ref().map(|keys| set(&keys.iter().map(|key| &all[*key]).collect::<Vec<_>>())), now);
                        if let Some(keys) = keys {
                            published = keys;
                            fetched_at = Some(now);
                        }
                    } else {
                        prop_assert!(!scheduled, "the schedule is kept");
                    }
                }
            }
            prop_assert!(state.next_scheduled() <= now.plus(KeyLimits::default().refresh));
        }
        prop_assert!(unscheduled <= 6 + now.seconds() / 10, "{} fetches in {} s", unscheduled, now);
    }
}
