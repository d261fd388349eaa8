//! Fields of an asset with their types. A field that is not there, is null, or stands for a parameter is not told; one of
//! another type is an error, and never taken for one that is not there.

use std::collections::BTreeMap;

use serde_json::Value;

use super::assets::Asset;
use super::error::ExportError;

/// The fields of one asset.
pub(super) struct Fields<'asset> {
    asset: &'asset Asset,
}

impl<'asset> Fields<'asset> {
    pub(super) fn of(asset: &'asset Asset) -> Self {
        Self { asset }
    }

    /// Where the asset stands.
    pub(super) fn place(&self) -> String {
        self.asset.place.clone()
    }

    pub(super) fn text(&self, path: &str) -> Result<Option<String>, ExportError> {
        self.typed(path, "a text", |value| value.as_str().map(str::to_owned))
    }

    pub(super) fn flag(&self, path: &str) -> Result<Option<bool>, ExportError> {
        self.typed(path, "true or false", Value::as_bool)
    }

    pub(super) fn number(&self, path: &str) -> Result<Option<u64>, ExportError> {
        self.typed(path, "a number", Value::as_u64)
    }

    pub(super) fn texts(&self, path: &str) -> Result<Option<Vec<String>>, ExportError> {
        self.typed(path, "a list of texts", |value| {
            let texts = value.as_array()?.iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        })
    }

    /// One text of each object in a list.
    pub(super) fn texts_of(
        &self,
        path: &str,
        name: &str,
    ) -> Result<Option<Vec<String>>, ExportError> {
        self.typed(path, "a list of objects", |value| {
            let objects = value.as_array()?.iter();
            objects
                .map(|object| object.get(name)?.as_str().map(str::to_owned))
                .collect()
        })
    }

    /// An object of texts; a member that is null is left out.
    pub(super) fn map(&self, path: &str) -> Result<Option<BTreeMap<String, String>>, ExportError> {
        self.typed(path, "an object of texts", |value| {
            let members = value.as_object()?.iter();
            let told = members.filter(|(_, text)| !text.is_null());
            told.map(|(name, text)| Some((name.clone(), text.as_str()?.to_owned())))
                .collect()
        })
    }

    /// Whether there is no such field, or null in it. One that stands for a parameter is there.
    pub(super) fn is_absent(&self, path: &str) -> bool {
        matches!(self.at(path), None | Some(Value::Null))
    }

    /// Whether the field holds anything but null, false, or nothing at all.
    pub(super) fn is_set(&self, path: &str) -> bool {
        match self.at(path) {
            None | Some(Value::Null | Value::Bool(false)) => false,
            Some(Value::Array(elements)) => !elements.is_empty(),
            Some(Value::Object(members)) => !members.is_empty(),
            Some(_) => true,
        }
    }

    fn typed<T>(
        &self,
        path: &str,
        expected: &'static str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, ExportError> {
        match self.at(path) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) if is_parameter(text) => Ok(None),
            Some(value) => match read(value) {
                Some(read) => Ok(Some(read)),
                None => Err(ExportError::WrongType {
                    place: self.place(),
                    field: path.to_owned(),
                    expected,
                }),
            },
        }
    }

    /// The value at a path with dots. Terraform writes an object as a list of one.
    fn at(&self, path: &str) -> Option<&'asset Value> {
        let mut value = &self.asset.value;
        for name in path.split('.') {
            if let Value::Array(elements) = value {
                value = elements.first()?;
            }
            value = value.get(name)?;
        }
        Some(value)
    }
}

/// Whether a text holds a parameter of `auth0-deploy-cli`, so that its value is not told.
pub(super) fn is_parameter(text: &str) -> bool {
    ["@@", "##"].iter().any(|mark| {
        let mut parts = text.split(mark);
        parts.next();
        let named = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        // A part between two marks; what comes after the last mark is none.
        let mut inner: Vec<_> = parts.collect();
        inner.pop();
        inner.into_iter().any(named)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_parameter_is_not_told() {
        for text in ["@@NAME@@", "##NAME##", "https://##DOMAIN##/oauth/token"] {
            assert!(is_parameter(text), "{text}");
        }
        for text in ["", "plain", "@@", "@@ @@", "## a heading", "a@@b"] {
            assert!(!is_parameter(text), "{text}");
        }
    }

    #[test]
    fn a_wrong_type_is_an_error_and_nothing_is_not_told() {
        let asset = Asset::new(
            "here",
            json!({ "a": { "b": 1 }, "list": [{ "b": "x" }], "null": null, "set": "@@P@@" }),
        );
        let fields = Fields::of(&asset);
        assert_eq!(fields.number("a.b").unwrap(), Some(1));
        assert_eq!(fields.text("list.b").unwrap().as_deref(), Some("x"));
        assert_eq!(
            fields.texts_of("list", "b").unwrap(),
            Some(vec!["x".to_owned()])
        );
        for path in ["none", "a.none", "a.b.none", "null", "set"] {
            assert_eq!(fields.text(path).unwrap(), None, "{path}");
            assert_eq!(fields.is_absent(path), path != "set", "{path}");
        }
        let error = fields.text("a.b").unwrap_err().to_string();
        assert_eq!(error, "here: `a.b` is not a text");
        assert!(fields.flag("list.b").is_err());
    }
}
