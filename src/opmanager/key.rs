//! The API key of one call.
//!
//! Owns the key's grammar and its only way out, the request header. It cannot be printed, compared,
//! serialised or cloned, and its memory is overwritten when the call ends.

use ::http::HeaderValue;
use zeroize::Zeroizing;

use super::Error;

/// Longest key accepted. OpManager's own samples have 32 characters.
const LONGEST: usize = 512;

/// An OpManager API key, kept for the length of one call.
///
/// There is deliberately no `Debug`, `Display`, `Clone` or `Serialize`.
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// Takes a key.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for `apiKey` if it is empty, longer than 512 characters, or holds anything but
    /// visible ASCII. The message never quotes it.
    pub fn new(key: String) -> Result<Self, Error> {
        let key = Zeroizing::new(key);
        if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::argument(
                "apiKey",
                format!("must be 1 to {LONGEST} visible ASCII characters without spaces"),
            ));
        }
        Ok(Self(key))
    }

    /// The header value that carries the key, marked sensitive so that no library prints it.
    pub(super) fn header(&self) -> Result<HeaderValue, Error> {
        let mut value = HeaderValue::from_str(&self.0)
            .map_err(|_| Error::argument("apiKey", "cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Replaces every occurrence of the key in a text that is about to leave the call.
    pub fn redact(&self, text: String) -> String {
        if text.contains(self.0.as_str()) {
            text.replace(self.0.as_str(), "[redacted]")
        } else {
            text
        }
    }
}
