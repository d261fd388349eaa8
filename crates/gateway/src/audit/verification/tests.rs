use lychgate_token::UnixTime;
use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::audit::chain::End;
use crate::audit::head::HeadKey;
use crate::audit::head::tests::{KEY, PUBLIC_KEY};
use crate::audit::own::OwnEvent;

/// Lines as the writer makes them: a start, answers, heads in between, and a stop; all that must be is signed.
fn log(answers: usize) -> Vec<Vec<u8>> {
    log_of([7; 16], answers)
}

/// The same, in a chain of this name.
fn log_of(name: [u8; 16], answers: usize) -> Vec<Vec<u8>> {
    let key = HeadKey::from_pem(KEY).unwrap();
    let mut end = End::New(name);
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let mut put = |line: Vec<u8>| {
        end = End::After(Link {
            sequence: end.next(),
            digest: Digest::of(&line),
        });
        lines.push(line);
        end
    };
    let own = |end: End, own: OwnEvent| {
        let line = own.line(UnixTime::from_seconds(0), Some(key.public_key().id()));
        key.sign(end.tie(&serde_json::to_vec(&line).unwrap()))
            .unwrap()
    };
    let mut at = put(own(End::New(name), OwnEvent::Start));
    for number in 0..answers {
        let answer = format!(
            "{{\"time\":\"2026-12-01T00:00:00Z\",\"event\":\"answer\",\"status\":{}}}",
            200 + number
        );
        at = put(at.tie(answer.as_bytes()));
        if number % 3 == 2 {
            at = put(own(at, OwnEvent::Head));
        }
    }
    put(own(at, OwnEvent::Stop));
    lines
}

fn text(lines: &[Vec<u8>]) -> Vec<u8> {
    lines
        .iter()
        .flat_map(|line| line.iter().copied().chain([b'\n']))
        .collect()
}

fn verified(bytes: &[u8], keys: Vec<HeadPublicKey>) -> Verification {
    let mut verification = Verification::new(keys);
    verification.read(0, bytes).unwrap();
    verification.finish();
    verification
}

fn public_key() -> HeadPublicKey {
    HeadPublicKey::from_pem(PUBLIC_KEY.as_bytes()).unwrap()
}

/// What is wrong by chain and signatures: at which lines, and what.
fn faults(bytes: &[u8]) -> Vec<(u64, &'static str)> {
    let verification = verified(bytes, vec![public_key()]);
    let faults = verification.faults().iter();
    faults
        .map(|fault| (fault.place.line, fault.kind.name()))
        .collect()
}

#[test]
fn a_whole_log_is_whole_and_proven_to_its_last_signature() {
    let lines = log(10);
    let verification = verified(&text(&lines), vec![public_key()]);
    assert_eq!(verification.faults(), []);
    assert_eq!(verification.lines(), lines.len() as u64);
    assert_eq!(verification.signed().unwrap().sequence, lines.len() as u64);
    assert_eq!(verification.signed().unwrap().key, public_key().id());
    assert!(verification.unended().is_empty());
    let unsigned = verified(&text(&lines), Vec::new());
    assert!(unsigned.faults().is_empty() && unsigned.signed().is_none());
}

#[test]
fn each_kind_of_harm_is_told_with_its_line() {
    let lines = log(6);
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut lines = lines.clone();
        change(&mut lines);
        faults(&text(&lines))
    };
    let replaced = |line: &[u8], from: &str, to: &str| {
        let line = std::str::from_utf8(line).unwrap();
        assert!(line.contains(from), "{line}");
        line.replacen(from, to, 1).into_bytes()
    };
    assert_eq!(with(&|lines| drop(lines.remove(2))), [(3, "missing")]);
    assert_eq!(
        with(&|lines| lines.swap(1, 2)),
        [(2, "missing"), (3, "out-of-order")]
    );
    assert_eq!(
        with(&|lines| lines[1] = replaced(&lines[1], "\"status\":200", "\"status\":401")),
        [(2, "changed")]
    );
    assert_eq!(
        with(&|lines| lines[2] = replaced(&lines[2], "\"sequence\":3", "\"sequence\":9")),
        [(3, "changed")]
    );
    assert_eq!(
        with(&|lines| lines[2] = replaced(&lines[2], "answer\"", "answer\" ")),
        [(3, "changed")]
    );
    assert_eq!(
        with(&|lines| lines[2] = b"nothing".to_vec()),
        [(3, "changed")]
    );
    assert_eq!(
        with(&|lines| lines[0] = b"nothing".to_vec()),
        [(1, "changed")]
    );
    assert_eq!(
        with(&|lines| lines.insert(2, b"{}".to_vec())),
        [(3, "not-of-the-chain")]
    );
    assert_eq!(
        with(&|lines| lines.insert(2, lines[2].clone())),
        [(4, "out-of-order")]
    );
    assert_eq!(with(&|lines| drop(lines.drain(..2))), [(1, "begins-late")]);
    assert_eq!(
        with(&|lines| {
            let signed = lines.last().unwrap();
            let digit = signed[signed.len() - 3];
            let other = if digit == b'0' { b'1' } else { b'0' };
            let place = signed.len() - 3;
            lines.last_mut().unwrap()[place] = other;
        }),
        [(10, "wrong-signature")]
    );
    let mut cut = text(&lines);
    cut.truncate(cut.len() - 5);
    assert_eq!(faults(&cut), [(10, "cut")]);
}

#[test]
fn a_log_written_anew_without_the_key_is_not_taken_for_the_old_one() {
    let lines = log(4);
    // From the third line on everything is made again, as the chain asks for, and only the signatures cannot be.
    let mut end = End::After(Link {
        sequence: 2,
        digest: Digest::of(&lines[1]),
    });
    let mut forged = lines[..2].to_vec();
    for line in &lines[2..] {
        let members = std::str::from_utf8(line).unwrap();
        let (_, members) = members.split_once("\",").unwrap();
        let line = end.tie(format!("{{{members}").replace("202", "200").as_bytes());
        end = End::After(Link {
            sequence: end.next(),
            digest: Digest::of(&line),
        });
        forged.push(line);
    }
    assert!(verified(&text(&forged), Vec::new()).faults().is_empty());
    let seen = faults(&text(&forged));
    assert!(!seen.is_empty() && seen.iter().all(|(_, kind)| *kind == "wrong-signature"));
}

#[test]
fn what_is_cut_at_the_end_shortens_what_is_proven() {
    let lines = log(6);
    let last_head = 9;
    let verification = verified(&text(&lines[..last_head]), vec![public_key()]);
    assert!(verification.faults().is_empty());
    assert_eq!(verification.signed().unwrap().sequence, 9);
    let verification = verified(&text(&lines[..7]), vec![public_key()]);
    assert_eq!(verification.signed().unwrap().sequence, 5);
    assert_eq!(verification.last().unwrap().sequence, 7);
}

#[test]
fn files_go_on_where_the_one_before_ends_and_one_that_is_left_out_is_missed() {
    let lines = log(9);
    let parts = [&lines[..4], &lines[4..8], &lines[8..]].map(text);
    let read = |files: &[usize], from: Option<u64>| {
        let mut verification = Verification::new(vec![public_key()]);
        if let Some(from) = from {
            verification.begin_at(from);
        }
        for file in files {
            verification.read(*file, &parts[*file][..]).unwrap();
        }
        verification.finish();
        let faults = verification.faults().iter();
        faults
            .map(|fault| (fault.place.file, fault.place.line, fault.kind.name()))
            .collect::<Vec<_>>()
    };
    assert_eq!(read(&[0, 1, 2], None), []);
    assert_eq!(read(&[0, 2], None), [(2, 1, "missing")]);
    assert_eq!(read(&[1, 2], None), [(0, 1, "begins-late")]);
    assert_eq!(read(&[1, 2], Some(5)), []);
}

#[test]
fn a_run_without_an_end_is_told_and_so_is_a_chain_without_one() {
    let whole = log(2);
    let cut = &whole[..2];
    let other = text(&log_of([8; 16], 2));
    let again = [text(&whole), other.clone()].concat();
    let verification = verified(&again, vec![public_key()]);
    assert!(verification.faults().is_empty(), "a chain after an end");
    assert_eq!(verification.chains(), 2);
    let again = [text(&whole), text(&whole)].concat();
    assert_eq!(faults(&again).first(), Some(&(5, "out-of-order")));
    let again = [text(cut), other].concat();
    assert_eq!(faults(&again), [(3, "new-chain")]);
    assert_eq!(verified(&again, Vec::new()).unended().len(), 1);
}

#[test]
fn a_head_that_was_noted_elsewhere_must_be_there() {
    let lines = log(6);
    let noted = verified(&text(&lines), Vec::new()).last().unwrap();
    let kinds = |lines: &[Vec<u8>]| {
        let mut verification = Verification::new(Vec::new());
        verification.must_hold(noted);
        verification.read(0, &text(lines)[..]).unwrap();
        verification.finish();
        let faults = verification.faults().iter();
        faults.map(|fault| fault.kind.name()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&lines), [""; 0]);
    assert_eq!(kinds(&lines[..5]), ["not-held"]);
}

/// One change to a log, somewhere.
#[derive(Debug, Clone)]
enum Harm {
    Flip(Index, u8),
    RemoveByte(Index),
    InsertByte(Index, u8),
    RemoveLine(Index),
    RepeatLine(Index, Index),
    Swap(Index, Index),
    Cut(Index),
}

fn harms() -> impl Strategy<Value = Harm> {
    let index = any::<Index>;
    prop_oneof![
        (index(), 1_u8..).prop_map(|(at, mask)| Harm::Flip(at, mask)),
        index().prop_map(Harm::RemoveByte),
        (index(), any::<u8>()).prop_map(|(at, byte)| Harm::InsertByte(at, byte)),
        index().prop_map(Harm::RemoveLine),
        (index(), index()).prop_map(|(line, to)| Harm::RepeatLine(line, to)),
        (index(), index()).prop_map(|(one, other)| Harm::Swap(one, other)),
        index().prop_map(Harm::Cut),
    ]
}

impl Harm {
    fn to(&self, lines: &[Vec<u8>]) -> Vec<u8> {
        let mut lines = lines.to_vec();
        let count = lines.len();
        let mut bytes = text(&lines);
        match self {
            Self::Flip(at, mask) => *at.get_mut(&mut bytes) ^= mask,
            Self::RemoveByte(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::InsertByte(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::RemoveLine(at) => {
                lines.remove(at.index(count));
                return text(&lines);
            }
            Self::RepeatLine(at, to) => {
                let line = at.get(&lines).clone();
                lines.insert(to.index(count), line);
                return text(&lines);
            }
            Self::Swap(one, other) => {
                lines.swap(one.index(count), other.index(count));
                return text(&lines);
            }
        }
        bytes
    }
}

proptest! {
    /// What is cut off between two lines at the end is the one harm that is no fault; then less is proven.
    #[test]
    fn no_single_change_to_a_signed_log_goes_unseen(answers in 0_usize..12, harm in harms()) {
        let lines = log(answers);
        let harmed = harm.to(&lines);
        prop_assume!(harmed != text(&lines));
        let verification = verified(&harmed, vec![public_key()]);
        let signed = verification.signed().map_or(0, |signed| signed.sequence);
        let whole = verification.faults().is_empty();
        prop_assert!(!whole || signed < lines.len() as u64, "{harm:?}");
        if whole {
            prop_assert!(text(&lines).starts_with(&harmed), "{harm:?}");
        }
    }

    #[test]
    fn a_changed_byte_is_found_at_its_line_or_next_to_it(answers in 1_usize..12, at in any::<Index>(), mask in 1_u8..) {
        let lines = log(answers);
        let mut bytes = text(&lines);
        let place = at.index(bytes.len());
        prop_assume!(bytes[place] != b'\n');
        bytes[place] ^= mask;
        prop_assume!(bytes[place] != b'\n');
        let line = bytes[..place].split(|byte| *byte == b'\n').count() as u64;
        let verification = verified(&bytes, vec![public_key()]);
        let nearest = verification.faults().iter().map(|fault| fault.place.line.abs_diff(line)).min();
        prop_assert!(nearest.is_some_and(|distance| distance <= 1), "{:?}", verification.faults());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        verified(&bytes, vec![public_key()]);
    }
}
