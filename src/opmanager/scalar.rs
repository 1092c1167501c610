//! Scalars as OpManager sends them and as it accepts them.
//!
//! Answers mix numbers with numeric strings and booleans with words, sometimes within one object. The
//! types here take either and never fail on a scalar, so that one odd field does not cost the answer.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, Error as _, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Text, whatever scalar it was sent as. A whole number of up to 64 bits keeps its digits; any other is read as
/// `f64` and written as briefly as that allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

/// A whole number, or the text that stood in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integer(Text);

/// A number, or the text that stood in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Number(Text);

/// A truth value, or the text that stood in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag(Text);

impl Integer {
    /// The number; `None` where OpManager sent something else, such as `NA`.
    pub fn get(&self) -> Option<i64> {
        self.0.trim().parse().ok()
    }

    /// What was sent, as text.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl Number {
    /// The number; `None` where OpManager sent something else, such as `No Response`.
    pub fn get(&self) -> Option<f64> {
        self.0.trim().parse().ok()
    }

    /// What was sent, as text.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl Flag {
    /// The truth value of `true`, `"True"`, `1` and their opposites; `None` for anything else.
    pub fn get(&self) -> Option<bool> {
        match self.0.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// What was sent, as text.
    pub fn as_text(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Text, E> {
                Ok(Text(v.to_string()))
            }
            fn visit_str<E>(self, v: &str) -> Result<Text, E> {
                Ok(Text(v.to_owned()))
            }
            fn visit_string<E>(self, v: String) -> Result<Text, E> {
                Ok(Text(v))
            }
            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text::default())
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

macro_rules! over_text {
    ($($name:ident, $value:ident => $as:expr;)*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Text::deserialize(deserializer).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self.get() {
                    Some($value) => $as(serializer, $value),
                    None => self.0.serialize(serializer),
                }
            }
        }
    )*};
}

over_text! {
    Integer, value => Serializer::serialize_i64;
    Number, value => Serializer::serialize_f64;
    Flag, value => Serializer::serialize_bool;
}

/// A whole number of a parameter, within the bounds that the OpenAPI document states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bounded<const MINIMUM: i64, const MAXIMUM: i64>(i64);

/// A number lies outside the bounds of its parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{value} is not within {minimum} to {maximum}")]
pub struct OutOfBounds {
    value: i64,
    minimum: i64,
    maximum: i64,
}

impl<const MINIMUM: i64, const MAXIMUM: i64> Bounded<MINIMUM, MAXIMUM> {
    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

impl<const MINIMUM: i64, const MAXIMUM: i64> TryFrom<i64> for Bounded<MINIMUM, MAXIMUM> {
    type Error = OutOfBounds;

    fn try_from(value: i64) -> Result<Self, OutOfBounds> {
        if (MINIMUM..=MAXIMUM).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfBounds {
                value,
                minimum: MINIMUM,
                maximum: MAXIMUM,
            })
        }
    }
}

impl<'de, const MINIMUM: i64, const MAXIMUM: i64> Deserialize<'de> for Bounded<MINIMUM, MAXIMUM> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = i64::deserialize(deserializer)?;
        Self::try_from(value).map_err(|error| {
            D::Error::invalid_value(Unexpected::Signed(value), &error.to_string().as_str())
        })
    }
}
