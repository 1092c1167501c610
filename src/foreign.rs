//! Words of others: what OpManager, a proxy or a certificate says, and the one gate through which it reaches a reader.
//!
//! Owns the gate: a text is cleaned, then secrets are cut out of it, then it is bounded. [`Foreign`] cannot be printed;
//! [`Told`], which can, is made of our own words or by the gate. The order matters: a secret is looked for when
//! invisible characters are gone and before anything is cut, as half of a secret is found by nobody.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::sanitize;

/// Most characters that the longest spelling of the longest secret takes: a key of 512, each as an entity or escape of
/// up to 12.
pub(crate) const LONGEST_SECRET: usize = 512 * 12;

/// Finds secrets in a text: `Some` with the text made harmless.
pub type Redact<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Where words of others come from. Each is bounded for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A string, name or number of an answer.
    Value,
    /// An answer that is a bare message.
    BareMessage,
    /// The message of an error that OpManager reports.
    ErrorMessage,
    /// The code of an error that OpManager reports.
    ErrorCode,
    /// The media type that a server or proxy gives its answer.
    ContentType,
    /// A name in a certificate.
    CertificateName,
    /// Why TLS failed, in the words of its library, which may quote the other side.
    Tls,
    /// Why a connection failed, in the words of the system or of the HTTP library, which may quote the other side.
    Network,
    /// Why an answer did not fit its type, in the words of the decoder, which quotes the answer.
    Decoding,
}

impl Source {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Value,
        Self::BareMessage,
        Self::ErrorMessage,
        Self::ErrorCode,
        Self::ContentType,
        Self::CertificateName,
        Self::Tls,
        Self::Network,
        Self::Decoding,
    ];

    /// Most characters that are told of a text of this source. [`Source::Value`] and [`Source::BareMessage`] are
    /// bounded by the result that they stand in.
    pub const fn longest(self) -> usize {
        match self {
            Self::Value | Self::BareMessage => usize::MAX,
            Self::ErrorMessage | Self::Decoding => 512,
            Self::Tls | Self::Network => 256,
            Self::ErrorCode | Self::ContentType | Self::CertificateName => 120,
        }
    }

    /// Whether somebody else chose the words, so that a reader must be told that they are data.
    pub const fn is_spoken(self) -> bool {
        match self {
            Self::Value
            | Self::BareMessage
            | Self::ErrorMessage
            | Self::ErrorCode
            | Self::ContentType
            | Self::CertificateName
            | Self::Tls
            | Self::Decoding => true,
            Self::Network => false,
        }
    }
}

/// Words of others as they came. They have no way to a reader but [`Gate::tell`].
#[derive(Clone, PartialEq, Eq)]
pub struct Foreign {
    source: Source,
    /// No longer than can be told and a secret behind it.
    text: String,
    /// Whether there was more.
    cut: bool,
}

impl Foreign {
    /// Takes words of others.
    pub fn new(source: Source, text: &str) -> Self {
        let most = source.longest().saturating_add(LONGEST_SECRET);
        // Invisible characters go first, so that they cannot push a secret out of sight.
        let visible = sanitize::visible(text);
        let end = visible.char_indices().nth(most);
        Self {
            source,
            cut: end.is_some(),
            text: match end {
                Some((end, _)) => visible[..end].to_owned(),
                None => visible.into_owned(),
            },
        }
    }
}

/// A scalar of an answer, whatever its type. A list or an object in its place is taken for an empty text.
impl<'de> Deserialize<'de> for Foreign {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl<'de> Visitor<'de> for Scalar {
            type Value = Foreign;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scalar")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Foreign, E> {
                Ok(Foreign::new(Source::Value, text))
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Foreign, E> {
                self.visit_str(if value { "true" } else { "false" })
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Foreign, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Foreign, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Foreign, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_unit<E: Error>(self) -> Result<Foreign, E> {
                self.visit_str("")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Foreign, A::Error> {
                while items.next_element::<IgnoredAny>()?.is_some() {}
                self.visit_str("")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Foreign, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                self.visit_str("")
            }
        }

        deserializer.deserialize_any(Scalar)
    }
}

/// Says where they come from and how many they are, and none of them.
impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign")
            .field("source", &self.source)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Words that may be shown: our own, or those of others behind the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    text: String,
    spoken: bool,
}

impl Told {
    /// Our own words around others that may be shown.
    pub(crate) fn around(text: String, quoted: &[&Self]) -> Self {
        Self {
            text,
            spoken: quoted.iter().any(|told| told.spoken),
        }
    }

    /// The words of the operating system: nobody else chose them.
    pub(crate) fn system(error: &std::io::Error) -> Self {
        Self {
            text: error.to_string(),
            spoken: false,
        }
    }

    /// Whether somebody else chose some of the words.
    pub fn is_spoken(&self) -> bool {
        self.spoken
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The words.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// Words whose origin is known when they are made, and not before.
#[derive(Debug, Clone)]
pub(crate) enum Words {
    /// Our own.
    Ours(&'static str),
    /// Those of others.
    Theirs(Foreign),
}

impl Words {
    /// The words as they may be shown.
    pub(crate) fn tell(&self, gate: Gate<'_>) -> Told {
        match self {
            Self::Ours(text) => (*text).into(),
            Self::Theirs(foreign) => gate.tell(foreign),
        }
    }
}

/// Our own words.
impl From<&'static str> for Told {
    fn from(text: &'static str) -> Self {
        Self {
            text: text.to_owned(),
            spoken: false,
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The gate between words of others and a reader.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    redact: Redact<'a>,
    raw: bool,
}

impl<'a> Gate<'a> {
    /// A gate that cuts out what `redact` finds.
    pub fn new(redact: Redact<'a>) -> Self {
        Self { redact, raw: false }
    }

    /// The same, which leaves texts of answers as they came, if the operator wants that (`--raw-output`). A secret is
    /// cut out of them all the same.
    #[must_use]
    pub fn raw(self, raw: bool) -> Self {
        Self { raw, ..self }
    }

    /// Words of others as they may be shown: in one line, without secrets, bounded.
    pub fn tell(&self, foreign: &Foreign) -> Told {
        let clean = sanitize::clean_line(&foreign.text);
        let harmless = match (self.redact)(&clean) {
            None => clean,
            Some(harmless) => Cow::Owned(harmless),
        };
        let mut longest = foreign.source.longest();
        if foreign.cut {
            // A secret that goes on where nobody looked has not been found: nothing of it may be kept.
            let safe = harmless.chars().count().saturating_sub(LONGEST_SECRET);
            longest = longest.min(safe);
        }
        let text = match harmless.char_indices().nth(longest) {
            None => harmless.into_owned(),
            Some((end, _)) => format!("{}\u{2026}", harmless[..end].trim_end()),
        };
        Told {
            spoken: foreign.source.is_spoken() && !text.is_empty(),
            text,
        }
    }

    /// A text of an answer ([`Source::Value`], [`Source::BareMessage`]), without markup if the field is known for it. Its
    /// length is the business of who writes the result, who must not cut what has not been here.
    pub(crate) fn value<'t>(&self, text: &'t str, markup: bool) -> Cow<'t, str> {
        let clean = sanitize::clean(text, markup && !self.raw);
        match (self.redact)(&clean) {
            Some(harmless) => Cow::Owned(harmless),
            None if self.raw => Cow::Borrowed(text),
            None => clean,
        }
    }

    /// A text of an answer in which there is nothing to clean: `Some` if there was a secret in it.
    pub(crate) fn redacted(&self, text: &str) -> Option<String> {
        (self.redact)(text)
    }

    /// Whether texts stay as they came.
    pub(crate) fn is_raw(&self) -> bool {
        self.raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(text: &str) -> Option<String> {
        text.contains("SECRET")
            .then(|| text.replace("SECRET", "[redacted]"))
    }

    #[test]
    fn words_of_others_are_cleaned_then_redacted_then_bounded() {
        let gate = Gate::new(&redact);
        for source in Source::ALL {
            let tell = |text: &str| gate.tell(&Foreign::new(source, text));
            // Cleaning comes before the search.
            assert_eq!(tell("a SE\u{200b}CR\u{ad}ET b").as_str(), "a [redacted] b");
            assert_eq!(
                tell("one\nSECRET\ttwo\u{202e}").as_str(),
                "one [redacted] two"
            );
            // The search comes before the cut, wherever the secret lies.
            if source.longest() < usize::MAX {
                for before in source.longest() - 8..=source.longest() + 1 {
                    let told = tell(&format!("{}SECRET{}", "x".repeat(before), "y".repeat(9000)));
                    // So many that what is left of all of them ends where nobody looks.
                    let many = tell(&format!("{}{}", "x".repeat(before), "SECRET".repeat(3000)));
                    assert!(!many.as_str().contains('S'), "{source:?}: {many}");
                    let shown = told.as_str().chars().count();
                    assert!(shown <= source.longest() + 1, "{source:?}: {shown}");
                    assert!(!told.as_str().contains('S'), "{source:?}: {told}");
                }
            }
            assert_eq!(tell("text").is_spoken(), source.is_spoken());
            assert!(!tell("").is_spoken() && !tell("\u{200b}").is_spoken());
            let held = format!("{:?}", Foreign::new(source, "SECRET"));
            assert!(!held.contains("SECRET"), "{held}");
        }
    }

    #[test]
    fn a_secret_behind_many_invisible_characters_is_found() {
        let gate = Gate::new(&redact);
        let text = format!(
            "{}SEC{}RET",
            "\u{200b}".repeat(50_000),
            "\u{e0041}".repeat(50_000)
        );
        let told = gate.tell(&Foreign::new(Source::ErrorMessage, &text));
        assert_eq!(told.as_str(), "[redacted]");
    }

    #[test]
    fn raw_texts_stay_as_they_came_unless_a_secret_hides_in_them() {
        let gate = Gate::new(&redact).raw(true);
        assert_eq!(gate.value(" <b>a</b>\u{200b}", true), " <b>a</b>\u{200b}");
        assert_eq!(
            gate.value("<b>SEC\u{200b}RET</b>", true),
            "<b>[redacted]</b>"
        );
    }
}
