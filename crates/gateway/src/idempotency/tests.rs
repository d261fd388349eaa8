use http::HeaderValue;
use tokio::task::JoinSet;

use super::*;

fn calls() -> Arc<Idempotency> {
    Idempotency::new(IdempotencyLimits::default(), &[7; 32])
}

fn headers(keys: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for key in keys {
        headers.append(IDEMPOTENCY_KEY, HeaderValue::from_str(key).unwrap());
    }
    headers
}

fn client() -> ClientId {
    ClientId::parse("client").unwrap()
}

fn question<'a>(client: &'a ClientId, about: &'a str, body: &'a str) -> Question<'a> {
    Question {
        client,
        operation: StatementName::Authenticate,
        about,
        body: body.as_bytes(),
    }
}

fn answered(json: &'static str) -> Answered {
    Answered {
        json: Bytes::from_static(json.as_bytes()),
        outcome: Outcome::NoUser,
        told: None,
    }
}

async fn claim(calls: &Arc<Idempotency>, question: Question<'_>) -> Claim {
    match calls.turn(&headers(&["k"]), question).await {
        Ok(Turn::First(Some(claim))) => claim,
        Ok(Turn::First(None)) => panic!("no claim"),
        Ok(Turn::Again(result)) => panic!("again: {result:?}"),
        Err(problem) => panic!("{problem:?}"),
    }
}

/// What is kept of a first call: the kind of problem, or nothing for an answer.
async fn again(calls: &Arc<Idempotency>, question: Question<'_>) -> Option<Option<ProblemKind>> {
    match calls.turn(&headers(&["k"]), question).await.unwrap() {
        Turn::Again(result) => Some(result.err().map(|problem| problem.kind())),
        Turn::First(_) => None,
    }
}

#[tokio::test]
async fn a_key_is_of_one_client_one_operation_one_identifier_and_one_body() {
    let (calls, one) = (calls(), client());
    let asked = question(&one, "zoe", "{}");
    claim(&calls, asked).await.end(&Ok(answered("{}")));
    assert_eq!(again(&calls, asked).await, Some(None));
    for another in [
        question(&one, "zoe", "{ }"),
        question(&one, "max", "{}"),
        // Parts do not run into one another.
        question(&one, "zoe{", "}"),
        Question {
            operation: StatementName::Lookup,
            ..asked
        },
    ] {
        let refused = calls.turn(&headers(&["k"]), another).await.err();
        assert!(matches!(refused, Some(Problem::IdempotencyKeyReused)));
    }
    let other = ClientId::parse("other").unwrap();
    let another = question(&other, "max", "{}");
    assert_eq!(
        again(&calls, another).await,
        None,
        "another client's is another"
    );
    let turn = calls.turn(&headers(&["K"]), asked).await.unwrap();
    assert!(matches!(turn, Turn::First(Some(_))), "to the letter");
}

#[tokio::test]
async fn whoever_comes_while_the_first_is_under_way_gets_what_the_first_one_gets() {
    let (calls, one) = (calls(), client());
    let first = claim(&calls, question(&one, "zoe", "{}")).await;
    let mut others = JoinSet::new();
    for _ in 0..20 {
        let (calls, one) = (Arc::clone(&calls), one.clone());
        others.spawn(async move { again(&calls, question(&one, "zoe", "{}")).await });
    }
    tokio::task::yield_now().await;
    first.end(&Ok(answered("{}")));
    while let Some(other) = others.join_next().await {
        assert_eq!(other.unwrap(), Some(None));
    }
    assert_eq!(calls.repeated(), 20);
}

#[tokio::test]
async fn one_of_those_who_wait_does_what_the_first_one_could_not() {
    let (calls, one) = (calls(), client());
    let first = claim(&calls, question(&one, "zoe", "{}")).await;
    let mut others = JoinSet::new();
    for _ in 0..20 {
        let (calls, one) = (Arc::clone(&calls), one.clone());
        others.spawn(async move {
            match calls
                .turn(&headers(&["k"]), question(&one, "zoe", "{}"))
                .await
            {
                Ok(Turn::First(Some(claim))) => {
                    claim.end(&Ok(answered("{}")));
                    true
                }
                Ok(_) => false,
                Err(problem) => panic!("{problem:?}"),
            }
        });
    }
    tokio::task::yield_now().await;
    first.end(&Err(Problem::StoreUnavailable));
    let mut done = 0;
    while let Some(other) = others.join_next().await {
        done += u32::from(other.unwrap());
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn what_changed_nothing_may_be_tried_again_and_a_write_that_may_have_happened_is_not() {
    let one = client();
    let invalid = || {
        Problem::InvalidField(crate::problem::InvalidField {
            field: "password".into(),
            fault: crate::problem::FieldFault::Breached,
        })
    };
    let locked = || Problem::IdentifierLocked {
        retry_after: Duration::from_secs(1),
    };
    for (operation, problem, is_kept) in [
        (StatementName::Create, Problem::UserExists, true),
        (StatementName::Create, invalid(), true),
        (StatementName::Create, Problem::OutcomeUnknown, true),
        (StatementName::Create, Problem::Internal("any"), true),
        (StatementName::Create, Problem::StoreUnavailable, false),
        (StatementName::Create, Problem::Overloaded, false),
        (StatementName::Authenticate, Problem::Internal("any"), false),
        (StatementName::Authenticate, Problem::StoreTimeout, false),
        (StatementName::Authenticate, locked(), false),
    ] {
        let calls = calls();
        let asked = Question {
            operation,
            ..question(&one, "zoe", "{}")
        };
        let kind = problem.kind();
        claim(&calls, asked).await.end(&Err(problem));
        let kept = again(&calls, asked).await;
        assert_eq!(kept, is_kept.then_some(Some(kind)), "{kind:?}");
    }
}

#[tokio::test]
async fn a_write_that_is_given_up_half_way_is_not_done_again_and_a_read_is() {
    let one = client();
    for (operation, kept) in [
        (
            StatementName::Delete,
            Some(Some(ProblemKind::OutcomeUnknown)),
        ),
        (StatementName::Authenticate, None),
    ] {
        let calls = calls();
        let asked = Question {
            operation,
            ..question(&one, "7", "{}")
        };
        drop(claim(&calls, asked).await);
        assert_eq!(again(&calls, asked).await, kept);
    }
}

#[test]
fn a_key_is_one_field_of_1_to_128_graphic_characters() {
    let longest = "k".repeat(KEY_BYTES);
    assert_eq!(key_of(&headers(&[])).unwrap(), None);
    for good in ["k", "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", &longest] {
        assert_eq!(key_of(&headers(&[good])).unwrap(), Some(good.as_bytes()));
    }
    let too_long = "k".repeat(KEY_BYTES + 1);
    for bad in [&[""][..], &["a b"], &["k", "k"], &["ä"], &[&too_long]] {
        assert!(key_of(&headers(bad)).is_err(), "{bad:?}");
    }
}
