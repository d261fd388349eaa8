//! The table of formats, the preferred ones first: what each is called, whether it is strong, and what it is made of.
//! Most are data: a layout and an expression; the rest name the family that has code for them.

use std::sync::LazyLock;

use super::{
    DeclaredFormat, Definition,
    definition::Kind,
    example,
    row::{CRYPT_SCHEMES, again, family, pbkdf2, pbkdf2_with},
};
use crate::{
    expression::Variable,
    function::Function,
    recipe::{
        Argon2, Bcrypt, DesCrypt, Firebase, GostYescrypt, Magento, Md5Crypt, PasslibBcrypt, Pbkdf2,
        Phpass, Scrypt, Sha1Crypt, ShaCrypt, Yescrypt, aspnet, des, mysql,
    },
};

/// Makes the list of all formats, and each format's definition, of one row.
macro_rules! formats {
    ($($variant:ident $name:literal $strength:ident $description:literal = $kind:expr;)*) => {
        /// A format of password hashes.
        #[expect(clippy::doc_markdown, reason = "the products are called as they are called")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Format {
            $(#[doc = $description] $variant,)*
            /// One that config declares.
            Declared(DeclaredFormat),
        }

        impl Format {
            /// Every format of the table, the preferred ones first.
            pub const ALL: [Self; [$($name),*].len()] = [$(Self::$variant),*];

            /// The name that configuration and commands use, such as `django-pbkdf2`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Declared(format) => format.name(),
                }
            }

            pub(crate) fn definition(self) -> &'static Definition {
                match self {
                    $(Self::$variant => {
                        static DEFINITION: LazyLock<Definition> = LazyLock::new(|| Definition {
                            name: $name,
                            description: $description,
                            weak: is_weak!($strength),
                            kind: Format::$variant.kind(),
                        });
                        &DEFINITION
                    })*
                    Self::Declared(format) => format.definition(),
                }
            }

            fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => $kind,)*
                    Self::Declared(_) => Kind::Broken,
                }
            }
        }
    };
}

macro_rules! is_weak {
    (weak) => {
        true
    };
    (strong) => {
        false
    };
}

formats! {
    Argon2id "argon2id" strong "Argon2id in PHC form (RFC 9106), the default for new hashes."
        = family(&["$argon2id$"], Argon2::parse_id, |cost| example::argon2("id", cost), 19456);
    Argon2i "argon2i" strong "Argon2i in PHC form; PHP 7.2, older libraries."
        = family(&["$argon2i$"], Argon2::parse_i, |cost| example::argon2("i", cost), 65536);
    Argon2d "argon2d" strong "Argon2d in PHC form."
        = family(&["$argon2d$"], Argon2::parse_d, |cost| example::argon2("d", cost), 65536);
    DjangoArgon2 "django-argon2" strong "Argon2 after `argon2`; Django."
        = Kind::over("argon2", &[Self::Argon2id, Self::Argon2i, Self::Argon2d], "password");
    LdapArgon2 "ldap-argon2" strong "Argon2 after `{ARGON2}`, `{ARGON2ID}` or `{ARGON2I}`; OpenLDAP, Dovecot, Spring Security 5."
        = Kind::over_any(&["{ARGON2}", "{ARGON2ID}", "{ARGON2I}"], &[Self::Argon2id, Self::Argon2i, Self::Argon2d], "password");
    Bcrypt "bcrypt" strong "bcrypt, `$2a$`, `$2b$` or `$2y$`, which reads 72 bytes of a password; Rails, Laravel, PHP."
        = family(&["$2a$", "$2b$", "$2y$"], Bcrypt::parse, example::bcrypt, 10);
    BcryptMd5 "bcrypt-md5" strong "bcrypt over MD5 in lower-case hexadecimal; upgraded MD5 columns."
        = Kind::over("", &[Self::Bcrypt], "hex(md5(password))");
    BcryptSha1 "bcrypt-sha1" strong "bcrypt over SHA-1 in lower-case hexadecimal; upgraded SHA-1 columns."
        = Kind::over("", &[Self::Bcrypt], "hex(sha1(password))");
    BcryptSha256 "bcrypt-sha256" strong "bcrypt over SHA-256 in lower-case hexadecimal."
        = Kind::over("", &[Self::Bcrypt], "hex(sha256(password))");
    BcryptSha512 "bcrypt-sha512" strong "bcrypt over SHA-512 in lower-case hexadecimal, cut after 72 characters."
        = Kind::over("", &[Self::Bcrypt], "hex(sha512(password))");
    Devise "devise" strong "bcrypt over password and pepper; Devise of Rails."
        = Kind::over("", &[Self::Bcrypt], "password + pepper");
    DjangoBcrypt "django-bcrypt" strong "bcrypt after `bcrypt$`; Django."
        = Kind::over("bcrypt$", &[Self::Bcrypt], "password");
    DjangoBcryptSha256 "django-bcrypt-sha256" strong "bcrypt over SHA-256 in hexadecimal after `bcrypt_sha256$`; Django."
        = Kind::over("bcrypt_sha256$", &[Self::Bcrypt], "hex(sha256(password))");
    PasslibBcryptSha256 "passlib-bcrypt-sha256" strong "bcrypt over HMAC-SHA-256 (version 2) or SHA-256 (version 1), `$bcrypt-sha256$`; passlib."
        = family(&["$bcrypt-sha256$"], PasslibBcrypt::parse, example::passlib_bcrypt, 12);
    WordpressBcrypt "wordpress-bcrypt" strong "bcrypt over HMAC-SHA-384 of the trimmed password after `$wp`; WordPress 6.8."
        = Kind::over("$wp", &[Self::Bcrypt], "base64(hmac_sha384('wp-sha384', trim(password)))");
    Scrypt "scrypt" strong "scrypt in PHC form, `$scrypt$ln=…,r=…,p=…$`; passlib."
        = family(&["$scrypt$"], Scrypt::parse, example::scrypt, 16);
    WerkzeugScrypt "werkzeug-scrypt" strong "scrypt as `scrypt:N:r:p$salt$hexadecimal`; Werkzeug, Flask."
        = family(&["scrypt:"], Scrypt::parse_werkzeug, example::werkzeug_scrypt, 15);
    DjangoScrypt "django-scrypt" strong "scrypt as `scrypt$N$salt$r$p$base64`; Django."
        = family(&["scrypt$"], Scrypt::parse_django, example::django_scrypt, 14);
    ScryptColumns "scrypt-columns" strong "scrypt put together of columns as `SCRYPT:N:r:p:salt:digest`, both in base64."
        = family(&["SCRYPT:"], Scrypt::parse_columns, example::scrypt_columns, 14);
    SpringScrypt "spring-scrypt" strong "scrypt after `{scrypt}` or `{scrypt@SpringSecurity_v5_8}`, its parameters in hexadecimal; Spring Security."
        = family(&["{scrypt}$", "{scrypt@SpringSecurity_v5_8}$"], Scrypt::parse_spring, example::spring_scrypt, 14);
    FirebaseScrypt "firebase-scrypt" strong "scrypt of Firebase as `$firescrypt$ln=…,r=…,p=…$salt$digest$separator`, the signer key as pepper."
        = family(&["$firescrypt$"], Firebase::parse, example::firebase, 14).needing(Variable::Pepper);
    Cisco9 "cisco-9" strong "scrypt at N = 16384, `$9$`; Cisco type 9."
        = family(&["$9$"], Scrypt::parse_cisco, example::cisco9, 14);
    DjangoPbkdf2 "django-pbkdf2" strong "PBKDF2-SHA-256 as `pbkdf2_sha256$`; Django."
        = pbkdf2(Function::Sha256, &["pbkdf2_sha256${rounds}${salt:word}${digest:base64}"], 600_000);
    DjangoPbkdf2Sha1 "django-pbkdf2-sha1" strong "PBKDF2-SHA-1 as `pbkdf2_sha1$`; Django."
        = pbkdf2(Function::Sha1, &["pbkdf2_sha1${rounds}${salt:word}${digest:base64}"], 600_000);
    PasslibPbkdf2Sha1 "passlib-pbkdf2-sha1" strong "PBKDF2-SHA-1 as `$pbkdf2$`; passlib."
        = pbkdf2(Function::Sha1, &["$pbkdf2${rounds}${salt:base64-adapted}${digest:base64-adapted}"], 29000);
    PasslibPbkdf2Sha256 "passlib-pbkdf2-sha256" strong "PBKDF2-SHA-256 as `$pbkdf2-sha256$`; passlib."
        = pbkdf2(Function::Sha256, &["$pbkdf2-sha256${rounds}${salt:base64-adapted}${digest:base64-adapted}"], 29000);
    PasslibPbkdf2Sha512 "passlib-pbkdf2-sha512" strong "PBKDF2-SHA-512 as `$pbkdf2-sha512$`; passlib."
        = pbkdf2(Function::Sha512, &["$pbkdf2-sha512${rounds}${salt:base64-adapted}${digest:base64-adapted}"], 29000);
    PhcPbkdf2Sha1 "phc-pbkdf2-sha1" strong "PBKDF2-SHA-1 in PHC form, `$pbkdf2-sha1$i=…,l=…$`; Auth0, Ory."
        = pbkdf2(Function::Sha1, &["$pbkdf2-sha1$i={rounds},l=20${salt:base64-no-padding}${digest:base64-no-padding}", "$pbkdf2-sha1$i={rounds},l=32${salt:base64-no-padding}${digest[32]:base64-no-padding}", "$pbkdf2-sha1$i={rounds},l=64${salt:base64-no-padding}${digest[64]:base64-no-padding}"], 100_000);
    PhcPbkdf2Sha256 "phc-pbkdf2-sha256" strong "PBKDF2-SHA-256 in PHC form, `$pbkdf2-sha256$i=…,l=…$`; Auth0, Ory."
        = pbkdf2(Function::Sha256, &["$pbkdf2-sha256$i={rounds},l=32${salt:base64-no-padding}${digest:base64-no-padding}", "$pbkdf2-sha256$i={rounds},l=64${salt:base64-no-padding}${digest[64]:base64-no-padding}"], 100_000);
    PhcPbkdf2Sha512 "phc-pbkdf2-sha512" strong "PBKDF2-SHA-512 in PHC form, `$pbkdf2-sha512$i=…,l=…$`; Auth0, Ory."
        = pbkdf2(Function::Sha512, &["$pbkdf2-sha512$i={rounds},l=64${salt:base64-no-padding}${digest:base64-no-padding}", "$pbkdf2-sha512$i={rounds},l=32${salt:base64-no-padding}${digest[32]:base64-no-padding}"], 100_000);
    LdapPbkdf2Sha1 "ldap-pbkdf2-sha1" strong "PBKDF2-SHA-1 of directories, `{PBKDF2-SHA1}`; OpenLDAP, passlib."
        = pbkdf2(Function::Sha1, &["{{PBKDF2}}{rounds}${salt:base64-adapted}${digest:base64-adapted}", "{{PBKDF2-SHA1}}{rounds}${salt:base64-adapted}${digest:base64-adapted}"], 10000);
    LdapPbkdf2Sha256 "ldap-pbkdf2-sha256" strong "PBKDF2-SHA-256 of directories, `{PBKDF2-SHA256}`; OpenLDAP, passlib."
        = pbkdf2(Function::Sha256, &["{{PBKDF2-SHA256}}{rounds}${salt:base64-adapted}${digest:base64-adapted}"], 10000);
    LdapPbkdf2Sha512 "ldap-pbkdf2-sha512" strong "PBKDF2-SHA-512 of directories, `{PBKDF2-SHA512}`; OpenLDAP, passlib."
        = pbkdf2(Function::Sha512, &["{{PBKDF2-SHA512}}{rounds}${salt:base64-adapted}${digest:base64-adapted}"], 10000);
    Ds389Pbkdf2 "389ds-pbkdf2" strong "PBKDF2-SHA-256 as base64 of everything after `{PBKDF2_SHA256}`; 389 Directory Server."
        = family(&["{PBKDF2_SHA256}"], Pbkdf2::parse_389, example::pbkdf2_389, 8192);
    WerkzeugPbkdf2Sha1 "werkzeug-pbkdf2-sha1" strong "PBKDF2-SHA-1 as `pbkdf2:sha1:`; Werkzeug, Flask."
        = pbkdf2(Function::Sha1, &["pbkdf2:sha1:{rounds}${salt}${digest:hex}"], 260_000);
    WerkzeugPbkdf2Sha256 "werkzeug-pbkdf2-sha256" strong "PBKDF2-SHA-256 as `pbkdf2:sha256:`; Werkzeug, Flask."
        = pbkdf2(Function::Sha256, &["pbkdf2:sha256:{rounds}${salt}${digest:hex}"], 260_000);
    WerkzeugPbkdf2Sha512 "werkzeug-pbkdf2-sha512" strong "PBKDF2-SHA-512 as `pbkdf2:sha512:`; Werkzeug, Flask."
        = pbkdf2(Function::Sha512, &["pbkdf2:sha512:{rounds}${salt}${digest:hex}"], 260_000);
    Atlassian "atlassian" strong "PBKDF2-SHA-1 after `{PKCS5S2}`; Jira, Confluence."
        = pbkdf2(Function::Sha1, &["{{PKCS5S2}}{salt[16]+digest[32]:base64}"], 10000);
    MediawikiPbkdf2Sha256 "mediawiki-pbkdf2-sha256" strong "PBKDF2-SHA-256 as `:pbkdf2:sha256:`; MediaWiki 1.24."
        = pbkdf2(Function::Sha256, &[":pbkdf2:sha256:{rounds}:128:{salt:base64}:{digest[128]:base64}", ":pbkdf2:sha256:{rounds}:32:{salt:base64}:{digest:base64}"], 10000);
    MediawikiPbkdf2Sha512 "mediawiki-pbkdf2-sha512" strong "PBKDF2-SHA-512 as `:pbkdf2:sha512:`; MediaWiki."
        = pbkdf2(Function::Sha512, &[":pbkdf2:sha512:{rounds}:64:{salt:base64}:{digest:base64}"], 30000);
    MediawikiArgon2 "mediawiki-argon2" strong "Argon2 after `:argon2:`; MediaWiki."
        = Kind::over(":argon2:", &[Self::Argon2id, Self::Argon2i], "password");
    AspnetIdentityV2 "aspnet-identity-v2" strong "PBKDF2-SHA-1 in base64 behind a zero byte; ASP.NET Identity 2, SimpleMembership, Crypto.HashPassword."
        = family(&[], aspnet::parse_v2, |_| example::aspnet_v2(), 0);
    AspnetIdentityV3 "aspnet-identity-v3" strong "PBKDF2 in base64 behind a byte of one; ASP.NET Identity 3 and Core."
        = family(&[], aspnet::parse_v3, example::aspnet_v3, 100_000);
    KeycloakPbkdf2Sha1 "keycloak-pbkdf2-sha1" strong "PBKDF2-SHA-1 put together of Keycloak's columns as `pbkdf2:iterations:salt:value`."
        = pbkdf2(Function::Sha1, &["pbkdf2:{rounds}:{salt:base64}:{digest[64]:base64}", "pbkdf2:{rounds}:{salt:base64}:{digest:base64}"], 27500);
    KeycloakPbkdf2Sha256 "keycloak-pbkdf2-sha256" strong "PBKDF2-SHA-256 put together of Keycloak's columns as `pbkdf2-sha256:iterations:salt:value`."
        = pbkdf2(Function::Sha256, &["pbkdf2-sha256:{rounds}:{salt:base64}:{digest[64]:base64}", "pbkdf2-sha256:{rounds}:{salt:base64}:{digest:base64}"], 27500);
    KeycloakPbkdf2Sha512 "keycloak-pbkdf2-sha512" strong "PBKDF2-SHA-512 put together of Keycloak's columns as `pbkdf2-sha512:iterations:salt:value`."
        = pbkdf2(Function::Sha512, &["pbkdf2-sha512:{rounds}:{salt:base64}:{digest[64]:base64}"], 27500);
    SpringPbkdf2 "spring-pbkdf2" strong "PBKDF2-SHA-1 at 185,000 iterations after `{pbkdf2}`; Spring Security 5."
        = pbkdf2(Function::Sha1, &["{{pbkdf2}}{salt[8]+digest[32]:hex}"], 185_000);
    SpringPbkdf2Sha256 "spring-pbkdf2-sha256" strong "PBKDF2-SHA-256 at 310,000 iterations after `{pbkdf2@SpringSecurity_v5_8}`; Spring Security 5.8."
        = pbkdf2(Function::Sha256, &["{{pbkdf2@SpringSecurity_v5_8}}{salt[16]+digest:hex}"], 310_000);
    SpringBcrypt "spring-bcrypt" strong "bcrypt after `{bcrypt}`; Spring Security."
        = Kind::over("{bcrypt}", &[Self::Bcrypt], "password");
    SpringArgon2 "spring-argon2" strong "Argon2 after `{argon2@SpringSecurity_v5_8}`; Spring Security."
        = Kind::over("{argon2@SpringSecurity_v5_8}", &[Self::Argon2id], "password");
    Cisco8 "cisco-8" strong "PBKDF2-SHA-256 at 20,000 iterations, `$8$`; Cisco type 8."
        = pbkdf2(Function::Sha256, &["$8${salt[14]}${digest:base64-crypt}"], 20000);
    Oracle12 "oracle-12" strong "SHA-512 over PBKDF2-SHA-512, `T:`; Oracle 12c."
        = pbkdf2_with(Function::Sha512, &["T:{digest+salt[16]:hex}"], 4096, "salt + 'AUTH_PBKDF2_SPEEDY_KEY'", "sha512(digest + salt)");
    PostgresScram "postgres-scram" strong "The stored key of SCRAM-SHA-256; PostgreSQL."
        = pbkdf2_with(Function::Sha256, &["SCRAM-SHA-256${rounds}:{salt:base64}${digest:base64}:{ignored[32]:base64}"], 4096, "salt", "sha256(hmac_sha256(digest, 'Client Key'))");
    Phpass "phpass" strong "Iterated MD5, `$P$` or `$H$`; WordPress before 6.8, phpBB 3."
        = family(&["$P$", "$H$"], Phpass::parse, |cost| example::phpass("$P$", cost, 22), 13);
    Drupal7 "drupal-7" strong "Iterated SHA-512, `$S$`; Drupal 7 to 10.0."
        = family(&["$S$"], Phpass::parse_drupal, |cost| example::phpass("$S$", cost, 43), 15);
    Drupal7Upgraded "drupal-7-upgraded" strong "Iterated SHA-512 over MD5 in hexadecimal, `U$S$`; Drupal 6 sites after their upgrade."
        = Kind::over("U", &[Self::Drupal7], "hex(md5(password))");
    Sha256Crypt "sha256-crypt" strong "crypt(3) by SHA-256, `$5$`."
        = family(&["$5$"], ShaCrypt::parse_sha256, |cost| example::sha_crypt("$5$", cost, 43), 5000);
    Sha512Crypt "sha512-crypt" strong "crypt(3) by SHA-512, `$6$`; Linux."
        = family(&["$6$"], ShaCrypt::parse_sha512, |cost| example::sha_crypt("$6$", cost, 86), 5000);
    Yescrypt "yescrypt" strong "crypt(3) by yescrypt, `$y$`; Debian, Fedora."
        = family(&["$y$"], Yescrypt::parse, |_| example::yescrypt("$y$"), 0);
    GostYescrypt "gost-yescrypt" strong "crypt(3) by yescrypt under Streebog, `$gy$`; ALT Linux."
        = family(&["$gy$"], GostYescrypt::parse, |_| example::yescrypt("$gy$"), 0);
    ScryptCrypt "scrypt-crypt" strong "crypt(3) by scrypt, `$7$`; libxcrypt, libsodium."
        = family(&["$7$"], Scrypt::parse_crypt, example::scrypt_crypt, 14);
    Sha1Crypt "sha1-crypt" strong "crypt(3) by HMAC-SHA-1, `$sha1$`; NetBSD."
        = family(&["$sha1$"], Sha1Crypt::parse, example::sha1_crypt, 24680);
    MysqlSha2 "mysql-sha2" strong "crypt(3) by SHA-256 with a salt of its own length, `$A$005$`; caching_sha2_password of MySQL 8."
        = family(&["$A$", "$mysql$A$"], mysql::parse_sha2, example::mysql_sha2, 5000);
    MagentoArgon2 "magento-argon2" strong "Argon2id, perhaps over MD5 or SHA-256 of salt and password, as `hexadecimal:salt:2` or `…:3_32_2_67108864`; Magento 2.3."
        = family(&[], Magento::parse, example::magento, 65536);
    Md5Crypt "md5-crypt" weak "crypt(3) by MD5, `$1$`; old Linux, Cisco type 5."
        = family(&["$1$"], Md5Crypt::parse, |_| example::md5_crypt("$1$"), 0);
    Apr1 "apr1" weak "MD5 of Apache, `$apr1$`; htpasswd."
        = family(&["$apr1$"], Md5Crypt::parse_apache, |_| example::md5_crypt("$apr1$"), 0);
    DesCrypt "des-crypt" weak "crypt(3) by DES, 13 characters, which reads 7 bits of 8 bytes of a password; old Unix, htpasswd."
        = family(&[], DesCrypt::parse, |_| example::des_crypt(), 0);
    BsdiCrypt "bsdi-crypt" weak "crypt(3) by DES in the extended form, `_`; BSD/OS, FreeBSD."
        = family(&["_"], DesCrypt::parse_extended, example::bsdi_crypt, 725);
    LdapCrypt "ldap-crypt" strong "crypt(3) by SHA-2, yescrypt, scrypt or bcrypt, after `{CRYPT}` or as 389 Directory Server and Dovecot have it, such as `{SHA512-CRYPT}`; OpenLDAP."
        = Kind::over_any(CRYPT_SCHEMES, &[Self::Sha512Crypt, Self::Sha256Crypt, Self::Yescrypt, Self::GostYescrypt, Self::ScryptCrypt, Self::Bcrypt], "password");
    LdapMd5Crypt "ldap-md5-crypt" weak "crypt(3) by MD5 after `{CRYPT}`, `{CRYPT-MD5}` or `{MD5-CRYPT}`; OpenLDAP, 389 Directory Server, Dovecot."
        = Kind::over_any(&["{CRYPT}", "{CRYPT-MD5}", "{MD5-CRYPT}"], &[Self::Md5Crypt], "password");
    LdapDesCrypt "ldap-des-crypt" weak "crypt(3) by DES after `{CRYPT}` or `{DES-CRYPT}`; OpenLDAP, Dovecot."
        = Kind::over_any(&["{CRYPT}", "{DES-CRYPT}"], &[Self::DesCrypt, Self::BsdiCrypt], "password");
    LdapMd5 "ldap-md5" weak "MD5 in base64 after `{MD5}`; directories."
        = Kind::simple(&["{{MD5}}{digest:base64}"], "md5(password)");
    LdapSmd5 "ldap-smd5" weak "Salted MD5 in base64 after `{SMD5}`; directories."
        = Kind::simple(&["{{SMD5}}{digest+salt:base64}"], "md5(password + salt)");
    LdapSha "ldap-sha" weak "SHA-1 in base64 after `{SHA}`; directories."
        = Kind::simple(&["{{SHA}}{digest:base64}"], "sha1(password)");
    LdapSsha "ldap-ssha" weak "Salted SHA-1 in base64 after `{SSHA}`; directories."
        = Kind::simple(&["{{SSHA}}{digest+salt:base64}"], "sha1(password + salt)");
    LdapSha256 "ldap-sha256" weak "SHA-256 in base64 after `{SHA256}`; directories."
        = Kind::simple(&["{{SHA256}}{digest:base64}"], "sha256(password)");
    LdapSsha256 "ldap-ssha256" weak "Salted SHA-256 in base64 after `{SSHA256}`; directories."
        = Kind::simple(&["{{SSHA256}}{digest+salt:base64}"], "sha256(password + salt)");
    LdapSha384 "ldap-sha384" weak "SHA-384 in base64 after `{SHA384}`; directories."
        = Kind::simple(&["{{SHA384}}{digest:base64}"], "sha384(password)");
    LdapSsha384 "ldap-ssha384" weak "Salted SHA-384 in base64 after `{SSHA384}`; directories."
        = Kind::simple(&["{{SSHA384}}{digest+salt:base64}"], "sha384(password + salt)");
    LdapSha512 "ldap-sha512" weak "SHA-512 in base64 after `{SHA512}`; directories."
        = Kind::simple(&["{{SHA512}}{digest:base64}"], "sha512(password)");
    LdapSsha512 "ldap-ssha512" weak "Salted SHA-512 in base64 after `{SSHA512}`; directories."
        = Kind::simple(&["{{SSHA512}}{digest+salt:base64}"], "sha512(password + salt)");
    Md5 "md5" weak "MD5 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "md5(password)");
    Md5Base64 "md5-base64" weak "MD5 in base64."
        = Kind::simple(&["{digest:base64}"], "md5(password)");
    Md5PasswordSalt "md5-password-salt" weak "MD5 of password and salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "md5(password + salt)");
    Md5SaltPassword "md5-salt-password" weak "MD5 of salt and password, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "md5(salt + password)");
    HmacMd5Salt "hmac-md5-salt" weak "HMAC-MD5 of the password under the salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "hmac_md5(salt, password)");
    HmacMd5Pepper "hmac-md5-pepper" weak "HMAC-MD5 of the password under the pepper."
        = Kind::simple(&["{digest:hex}"], "hmac_md5(pepper, password)");
    Sha1 "sha1" weak "SHA-1 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha1(password)");
    Sha1Base64 "sha1-base64" weak "SHA-1 in base64."
        = Kind::simple(&["{digest:base64}"], "sha1(password)");
    Sha1PasswordSalt "sha1-password-salt" weak "SHA-1 of password and salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha1(password + salt)");
    Sha1SaltPassword "sha1-salt-password" weak "SHA-1 of salt and password, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha1(salt + password)");
    HmacSha1Salt "hmac-sha1-salt" weak "HMAC-SHA-1 of the password under the salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "hmac_sha1(salt, password)");
    HmacSha1Pepper "hmac-sha1-pepper" weak "HMAC-SHA-1 of the password under the pepper."
        = Kind::simple(&["{digest:hex}"], "hmac_sha1(pepper, password)");
    Sha224 "sha224" weak "SHA-224 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha224(password)");
    Sha224Base64 "sha224-base64" weak "SHA-224 in base64."
        = Kind::simple(&["{digest:base64}"], "sha224(password)");
    Sha256 "sha256" weak "SHA-256 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha256(password)");
    Sha256Base64 "sha256-base64" weak "SHA-256 in base64."
        = Kind::simple(&["{digest:base64}"], "sha256(password)");
    Sha256PasswordSalt "sha256-password-salt" weak "SHA-256 of password and salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha256(password + salt)");
    Sha256SaltPassword "sha256-salt-password" weak "SHA-256 of salt and password, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha256(salt + password)");
    HmacSha256Salt "hmac-sha256-salt" weak "HMAC-SHA-256 of the password under the salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "hmac_sha256(salt, password)");
    HmacSha256Pepper "hmac-sha256-pepper" weak "HMAC-SHA-256 of the password under the pepper."
        = Kind::simple(&["{digest:hex}"], "hmac_sha256(pepper, password)");
    Sha384 "sha384" weak "SHA-384 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha384(password)");
    Sha384Base64 "sha384-base64" weak "SHA-384 in base64."
        = Kind::simple(&["{digest:base64}"], "sha384(password)");
    Sha512 "sha512" weak "SHA-512 in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha512(password)");
    Sha512Base64 "sha512-base64" weak "SHA-512 in base64."
        = Kind::simple(&["{digest:base64}"], "sha512(password)");
    Sha512PasswordSalt "sha512-password-salt" weak "SHA-512 of password and salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha512(password + salt)");
    Sha512SaltPassword "sha512-salt-password" weak "SHA-512 of salt and password, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha512(salt + password)");
    HmacSha512Salt "hmac-sha512-salt" weak "HMAC-SHA-512 of the password under the salt, as `hexadecimal:salt`."
        = Kind::simple(&["{digest:hex}:{salt}"], "hmac_sha512(salt, password)");
    HmacSha512Pepper "hmac-sha512-pepper" weak "HMAC-SHA-512 of the password under the pepper."
        = Kind::simple(&["{digest:hex}"], "hmac_sha512(pepper, password)");
    Md5Md5 "md5-md5" weak "MD5 over MD5, both in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "md5(hex(md5(password)))");
    Sha1Md5 "sha1-md5" weak "SHA-1 over MD5, both in hexadecimal."
        = Kind::simple(&["{digest:hex}"], "sha1(hex(md5(password)))");
    Nt "nt" weak "MD4 of UTF-16 in hexadecimal, bare or after `$3$$`; Windows, Samba, FreeBSD."
        = Kind::simple(&["{digest:hex}", "$3$${digest:hex}"], "md4(utf16le(password))");
    Joomla "joomla" weak "MD5 of password and salt, as `hexadecimal:salt`; Joomla before 2.5.18."
        = Kind::simple(&["{digest:hex}:{salt}"], "md5(password + salt)");
    Vbulletin "vbulletin" weak "MD5 of MD5 and salt, as `hexadecimal:salt`; vBulletin 3 and 4."
        = Kind::simple(&["{digest:hex}:{salt}"], "md5(hex(md5(password)) + salt)");
    Mybb "mybb" weak "MD5 of two MD5, of salt and password, as `hexadecimal:salt`; MyBB, Invision Power Board."
        = Kind::simple(&["{digest:hex}:{salt}"], "md5(hex(md5(salt)) + hex(md5(password)))");
    MediawikiA "mediawiki-a" weak "MD5 after `:A:`; MediaWiki without salts."
        = Kind::simple(&[":A:{digest:hex}"], "md5(password)");
    MediawikiB "mediawiki-b" weak "MD5 of salt and MD5, `:B:`; MediaWiki before 1.24."
        = Kind::simple(&[":B:{salt}:{digest:hex}", "$B${salt}${digest:hex}"], "md5(salt + '-' + hex(md5(password)))");
    Redmine "redmine" weak "SHA-1 of salt and SHA-1, as `hexadecimal:salt`; Redmine, PunBB."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha1(salt + hex(sha1(password)))");
    Opencart "opencart" weak "SHA-1 of salt and SHA-1 of salt and SHA-1, as `hexadecimal:salt`; OpenCart, WoltLab 3."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha1(salt + hex(sha1(salt + hex(sha1(password)))))");
    Xenforo "xenforo" weak "SHA-256 of SHA-256 and salt, as `hexadecimal:salt`; XenForo 1.0."
        = Kind::simple(&["{digest:hex}:{salt}"], "sha256(hex(sha256(password)) + salt)");
    Prestashop "prestashop" weak "MD5 of pepper and password; PrestaShop before 1.7."
        = Kind::simple(&["{digest:hex}"], "md5(pepper + password)");
    Smf "smf" weak "SHA-1 of the user name in lower case and the password; Simple Machines Forum."
        = Kind::simple(&["{digest:hex}"], "sha1(lower(user) + password)");
    Authme "authme" weak "SHA-256 of SHA-256 and salt, `$SHA$`; AuthMe."
        = Kind::simple(&["$SHA${salt}${digest:hex}"], "sha256(hex(sha256(password)) + salt)");
    SymfonySha512 "symfony-sha512" strong "SHA-512 5,000 times in base64, as `digest:salt`; Symfony before 5.3, FOSUserBundle."
        = again(&["{digest:base64}:{salt}"], "sha512(password + '{' + salt + '}')", "sha512(digest + password + '{' + salt + '}')", 5000);
    Magento0 "magento-0" weak "MD5 of salt and password, as `hexadecimal:salt` or with `:0`; Magento 1."
        = Kind::simple(&["{digest:hex}:{salt[32]}:0", "{digest:hex}:{salt[2]}:0", "{digest:hex}:{salt[32]}", "{digest:hex}:{salt[2]}"], "md5(salt + password)");
    Magento1 "magento-1" weak "SHA-256 of salt and password, as `hexadecimal:salt:1`; Magento 2."
        = Kind::simple(&["{digest:hex}:{salt}:1"], "sha256(salt + password)");
    MagentoUpgraded "magento-upgraded" weak "SHA-256 over MD5, both with the salt, as `hexadecimal:salt:0:1`; Magento 2 after its upgrade of Magento 1."
        = Kind::simple(&["{digest:hex}:{salt}:0:1"], "sha256(salt + hex(md5(salt + password)))");
    SpringSha256 "spring-sha256" weak "SHA-256 1,024 times in hexadecimal behind eight bytes of salt, after `{sha256}` or bare; Spring Security."
        = again(&["{{sha256}}{salt[8]+digest:hex}", "{salt[8]+digest:hex}"], "sha256(salt + password)", "sha256(digest)", 1024);
    SpringDigestMd5 "spring-digest-md5" weak "MD5 of password and salt in braces, after `{MD5}`; Spring Security."
        = Kind::simple(&["{{MD5}}{{{salt}}}{digest:hex}"], "md5(password + '{' + salt + '}')");
    SpringDigestSha1 "spring-digest-sha1" weak "SHA-1 of password and salt in braces, after `{SHA-1}`; Spring Security."
        = Kind::simple(&["{{SHA-1}}{{{salt}}}{digest:hex}"], "sha1(password + '{' + salt + '}')");
    SpringDigestSha256 "spring-digest-sha256" weak "SHA-256 of password and salt in braces, after `{SHA-256}`; Spring Security."
        = Kind::simple(&["{{SHA-256}}{{{salt}}}{digest:hex}"], "sha256(password + '{' + salt + '}')");
    SpringLdap "spring-ldap" weak "SHA-1 with salt or without after `{ldap}{SSHA}` or `{ldap}{SHA}`; Spring Security."
        = Kind::over("{ldap}", &[Self::LdapSsha, Self::LdapSha], "password");
    DjangoMd5 "django-md5" weak "MD5 of salt and password, `md5$`; Django before 1.4."
        = Kind::simple(&["md5${salt}${digest:hex}"], "md5(salt + password)");
    DjangoSha1 "django-sha1" weak "SHA-1 of salt and password, `sha1$`; Django before 1.4."
        = Kind::simple(&["sha1${salt}${digest:hex}"], "sha1(salt + password)");
    DjangoUnsaltedMd5 "django-unsalted-md5" weak "MD5 in hexadecimal after `md5$$`; Django."
        = Kind::simple(&["md5$${digest:hex}"], "md5(password)");
    DjangoUnsaltedSha1 "django-unsalted-sha1" weak "SHA-1 in hexadecimal after `sha1$$`; Django."
        = Kind::simple(&["sha1$${digest:hex}"], "sha1(password)");
    DjangoCrypt "django-crypt" weak "crypt(3) by DES after `crypt$$`; Django before 5."
        = Kind::over("crypt$$", &[Self::DesCrypt], "password");
    WerkzeugSha1 "werkzeug-sha1" weak "HMAC-SHA-1 of the password under the salt, `sha1$`; Werkzeug before 0.9."
        = Kind::simple(&["sha1${salt}${digest:hex}"], "hmac_sha1(salt, password)");
    WerkzeugSha256 "werkzeug-sha256" weak "HMAC-SHA-256 of the password under the salt, `sha256$`; Werkzeug before 3, where code asked for it."
        = Kind::simple(&["sha256${salt}${digest:hex}"], "hmac_sha256(salt, password)");
    AspnetMembership "aspnet-membership" weak "SHA-1 of salt and UTF-16, put together of columns as `digest:salt`, both in base64; ASP.NET Membership."
        = Kind::simple(&["{digest:base64}:{salt:base64}"], "sha1(salt + utf16le(password))");
    AspnetMembershipSha256 "aspnet-membership-sha256" weak "SHA-256 of salt and UTF-16, put together of columns as `digest:salt`, both in base64; ASP.NET Membership where config asked for SHA256, EPiServer."
        = Kind::simple(&["{digest:base64}:{salt:base64}"], "sha256(salt + utf16le(password))");
    AspnetUniversal "aspnet-universal" weak "HMAC-SHA-256 of UTF-16 under four times the salt, put together as `digest:salt`, both in base64; ASP.NET universal providers, MVC 3."
        = Kind::simple(&["{digest:base64}:{salt[16]:base64}"], "hmac_sha256(salt + salt + salt + salt, utf16le(password))");
    Peoplesoft "peoplesoft" weak "SHA-1 of UTF-16 in base64; PeopleSoft."
        = Kind::simple(&["{digest:base64}"], "sha1(utf16le(password))");
    SapIssha "sap-issha" weak "Salted SHA-1, iterated, `{x-issha, …}`; SAP CODVN H."
        = again(&["{{x-issha, {rounds}}}{digest+salt:base64}"], "sha1(password + salt)", "sha1(password + digest)", 1024);
    Mssql2000 "mssql-2000" weak "SHA-1 of UTF-16 and salt, and once more in upper case, `0x0100`; SQL Server 2000."
        = Kind::simple(&["0x0100{salt[4]+digest+ignored[20]:hex}"], "sha1(utf16le(password) + salt)");
    Mssql2005 "mssql-2005" weak "SHA-1 of UTF-16 and salt, `0x0100`; SQL Server 2005 and 2008."
        = Kind::simple(&["0x0100{salt[4]+digest:hex}"], "sha1(utf16le(password) + salt)");
    Mssql2012 "mssql-2012" weak "SHA-512 of UTF-16 and salt, `0x0200`; SQL Server 2012 and later."
        = Kind::simple(&["0x0200{salt[4]+digest:hex}"], "sha512(utf16le(password) + salt)");
    Mysql41 "mysql-41" weak "SHA-1 over SHA-1, `*`; MySQL 4.1 and later."
        = Kind::simple(&["*{digest:hex}"], "sha1(sha1(password))");
    Mysql323 "mysql-323" weak "`OLD_PASSWORD()`, 16 hexadecimal digits; MySQL before 4.1."
        = family(&[], mysql::parse_323, |_| example::hexadecimal(), 0);
    Oracle11 "oracle-11" weak "SHA-1 of password and salt, `S:`; Oracle 11."
        = Kind::simple(&["S:{digest+salt[10]:hex}"], "sha1(password + salt)");
    Oracle10 "oracle-10" weak "DES of user name and password in upper case, 16 hexadecimal digits; Oracle before 11."
        = family(&[], des::parse_oracle, |_| example::hexadecimal(), 0).needing(Variable::User);
    PostgresMd5 "postgres-md5" weak "MD5 of password and user name, `md5`; PostgreSQL."
        = Kind::simple(&["md5{digest:hex}"], "md5(password + user)");
    Cisco4 "cisco-4" weak "SHA-256 in crypt's characters; Cisco type 4."
        = Kind::simple(&["{digest:base64-crypt}"], "sha256(password)");
}
