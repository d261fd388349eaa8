//! What must not compile: an operation without its permission, and a permission from nowhere.

#[test]
fn nobody_gets_past_a_guard() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
