//! A legacy store with three users.

use std::path::Path;

use lychgate_password::{Password, Pool, Settings};
use lychgate_store::SampleUser;

/// The password of every user in it.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Makes `store.db` in `folder`: `ada@example.com`, `grace@example.com` and the disabled `mallory@example.com`.
pub(crate) async fn sample_store(folder: &Path) {
    let pool = Pool::start(Settings::default()).unwrap();
    let mut users = Vec::new();
    for name in ["ada", "grace", "mallory"] {
        let password = Password::new(PASSWORD.to_owned()).unwrap();
        users.push(SampleUser {
            email: format!("{name}@example.com"),
            email_verified: name == "ada",
            nickname: Some(name.to_owned()),
            blocked: name == "mallory",
            password_hash: Some(pool.hash(password).await.unwrap()),
        });
    }
    lychgate_store::create_sample(&folder.join("store.db"), &users)
        .await
        .unwrap();
}
