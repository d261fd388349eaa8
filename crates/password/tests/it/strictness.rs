//! What the families of old databases, directories and crypt(3) read, to the last character, and what they leave alone.

use lychgate_password::Format;

use crate::family::is_read;

#[test]
fn crypt_by_des_is_read_only_as_libcrypt_writes_it() {
    reads(
        Format::DesCrypt,
        &[dots(13), "48c/R8JAv757A".to_owned()],
        &[
            dots(12),
            dots(14),
            format!("!{}", dots(12)),
            format!("{}z", dots(12)),
            format!("é{}", dots(11)),
        ],
    );
    reads(
        Format::BsdiCrypt,
        &[format!("_/...{}", dots(15)), format!("_zzzz{}", dots(15))],
        &[
            format!("_{}", dots(19)),
            format!("_/...{}", dots(14)),
            format!("_/..!{}", dots(15)),
            format!("/...{}", dots(16)),
        ],
    );
}

#[test]
fn crypt_by_sha1_and_scrypt_is_read_only_as_libcrypt_writes_it() {
    reads(
        Format::Sha1Crypt,
        &[
            format!("$sha1$1$a${}", dots(28)),
            format!("$sha1$4294967295${}${}", "a".repeat(64), dots(28)),
        ],
        &[
            format!("$sha1$0$a${}", dots(28)),
            format!("$sha1$01$a${}", dots(28)),
            format!("$sha1$4294967296$a${}", dots(28)),
            format!("$sha1$1${}${}", "a".repeat(65), dots(28)),
            format!("$sha1$1$a${}", dots(27)),
        ],
    );
    reads(
        Format::ScryptCrypt,
        &[
            format!("$7$C6..../....a${}", dots(43)),
            format!("$7$C6..../....{}${}", "a".repeat(128), dots(43)),
        ],
        &[
            format!("$7$.6..../....a${}", dots(43)),
            format!("$7$C...../....a${}", dots(43)),
            format!("$7$C6.........a${}", dots(43)),
            format!("$7$Czzzzz/....a${}", dots(43)),
            format!("$7$C6..../....${}", dots(43)),
            format!("$7$C6..../....a${}", dots(42)),
            format!("$7$C6..../....{}${}", "a".repeat(129), dots(43)),
        ],
    );
}

#[test]
fn yescrypt_is_read_without_the_parameters_that_nobody_writes() {
    reads(
        Format::Yescrypt,
        // Lanes may follow, passes may not: they would be work without memory.
        &[
            format!("$y$j9T$${}", dots(43)),
            format!("$y$j9T..$${}", dots(43)),
        ],
        &[
            format!("$y$j9T/.$${}", dots(43)),
            format!("$y$j9T/9$${}", dots(43)),
            format!("$y$j9T0..$${}", dots(43)),
        ],
    );
    reads(
        Format::GostYescrypt,
        &[
            format!("$gy$j9T$${}", dots(43)),
            format!("$gy$j9T$aaaa${}", dots(43)),
        ],
        &[
            format!("$gy$j9T/.$${}", dots(43)),
            format!("$gy$j9T$!${}", dots(43)),
            format!("$gy$j9T$${}", dots(42)),
            format!("$y$j9T$${}", dots(43)),
        ],
    );
}

#[test]
fn scrypt_is_read_only_as_its_libraries_write_it() {
    reads(
        Format::SpringScrypt,
        &[
            format!("{{scrypt}}$e0801$c2FsdA==${}", base64(33)),
            format!(
                "{{SCRYPT@springsecurity_v5_8}}$100801$c2FsdA==${}",
                base64(33)
            ),
        ],
        &[
            format!("{{scrypt}}$+e0801$c2FsdA==${}", base64(33)),
            format!("{{scrypt}}$0$c2FsdA==${}", base64(33)),
            format!("{{scrypt}}$fffffffffffffffff$c2FsdA==${}", base64(33)),
            format!("{{scrypt}}$e0801$c2FsdA${}", base64(33)),
            format!("{{scrypt}}$e0801$c2FsdA==${}", base64(15)),
            format!("{{scrypt}}$e0801$c2FsdA==${}$", base64(33)),
        ],
    );
    reads(
        Format::Scrypt,
        // As PHC has it, and as Ory does: N itself, and padding.
        &[
            format!("$scrypt$ln=14,r=8,p=1$c2FsdA${}", base64(33)),
            format!("$scrypt$ln=16384,r=8,p=1$c2FsdA==${}", base64(33)),
        ],
        &[
            format!("$scrypt$ln=16385,r=8,p=1$c2FsdA${}", base64(33)),
            format!("$scrypt$ln=63,r=8,p=1$c2FsdA${}", base64(33)),
            format!("$scrypt$ln=4294967296,r=8,p=1$c2FsdA${}", base64(33)),
            format!("$scrypt$ln=14,r=8,p=1$c2FsdA=${}", base64(33)),
        ],
    );
}

#[test]
fn hashes_of_databases_are_read_only_as_the_servers_write_them() {
    reads(
        Format::MysqlSha2,
        &[
            format!("$A$005${}{}", "\u{1}".repeat(20), dots(43)),
            format!("$mysql$A$FFF*{}*{}", "24".repeat(20), "2e".repeat(43)),
        ],
        &[
            format!("$A$000${}{}", "a".repeat(20), dots(43)),
            format!("$A$5${}{}", "a".repeat(20), dots(43)),
            format!("$A$+05${}{}", "a".repeat(20), dots(43)),
            format!("$A$005${}{}", "a".repeat(19), dots(43)),
            format!("$A$005${}${}", "a".repeat(19), dots(43)),
            format!("$A$005${}é{}", "a".repeat(18), dots(43)),
            format!("$mysql$A$005*{}*{}", "24".repeat(19), "2e".repeat(43)),
            format!("$mysql$A$005*{}*{}", "24".repeat(20), "24".repeat(43)),
        ],
    );
    reads(
        Format::Mysql323,
        &[zeros(16)],
        &[
            zeros(15),
            zeros(17),
            format!("{}g", zeros(15)),
            format!("é{}", zeros(14)),
        ],
    );
    reads(
        Format::Oracle10,
        &[zeros(16)],
        &[zeros(14), format!("S:{}", zeros(16))],
    );
}

#[test]
fn hashes_of_magento_are_read_only_with_the_versions_that_it_has() {
    let salt = "a".repeat(16);
    reads(
        Format::MagentoArgon2,
        &[
            format!("{}:{salt}:2", zeros(64)),
            format!("{}:{salt}:3_16_1_8192", zeros(32)),
            format!("{}:{salt}:0:1:3_64_1_8192", zeros(128)),
        ],
        &[
            format!("{}:{salt}:4", zeros(64)),
            format!("{}:{salt}:1", zeros(64)),
            format!("{}:{salt}:2:1", zeros(64)),
            format!("{}:{salt}:0:0:1:2", zeros(64)),
            format!("{}:{}:2", zeros(64), "a".repeat(15)),
            format!("{}:{}:2", zeros(64), "a".repeat(129)),
            format!("{}:{salt}:3_32_0_8192", zeros(64)),
            format!("{}:{salt}:3_32_1_8193", zeros(64)),
            format!("{}:{salt}:3_32_1_1024", zeros(64)),
            format!("{}:{salt}:3_8_1_8192", zeros(16)),
            format!("{}:{salt}:3_32_1_8192_1", zeros(64)),
            format!("{}:{salt}:3_32_1_99999999999", zeros(64)),
        ],
    );
}

#[test]
fn hashes_of_389_are_read_only_at_their_length() {
    reads(
        Format::Ds389Pbkdf2,
        &[format!("{{PBKDF2_SHA256}}AAAgAAAA{}", base64(318))],
        &[
            format!("{{PBKDF2_SHA256}}AAAAAAAA{}", base64(318)),
            format!("{{PBKDF2_SHA256}}AAAgAAAA{}", base64(315)),
            format!("{{PBKDF2_SHA256}}AAAgAAAA{}", base64(321)),
            "{PBKDF2_SHA256}".to_owned(),
        ],
    );
}

fn reads(format: Format, read: &[String], not_read: &[String]) {
    for text in read {
        assert!(is_read(format, text), "{format} does not read {text:?}");
    }
    for text in not_read {
        assert!(!is_read(format, text), "{format} reads {text:?}");
    }
}

fn zeros(count: usize) -> String {
    "0".repeat(count)
}

fn dots(count: usize) -> String {
    ".".repeat(count)
}

/// So many bytes, a multiple of three, in base64.
fn base64(bytes: usize) -> String {
    "AAAA".repeat(bytes / 3)
}
