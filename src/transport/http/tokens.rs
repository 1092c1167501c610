//! Bearer tokens of callers.
//!
//! Owns the file that they are read from, and who holds which. Repeats none of them.

use std::sync::Arc;

use http::header::{self, HeaderMap};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Shortest token, in characters.
const SHORTEST_TOKEN: usize = 16;

/// Who may call: names and their tokens.
pub(crate) struct Tokens(Vec<(String, Zeroizing<String>)>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Reads a file of tokens: a name and a token in each line, with white space between; empty lines and those that
/// begin with `#` say nothing.
///
/// # Errors
///
/// That it cannot be read, the number of a line that is none of these, or that there is no token at all. No token
/// is repeated.
pub(crate) fn read_tokens(path: &str) -> Result<Arc<Tokens>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("cannot be read: {error}"))?;
    let text = Zeroizing::new(text);
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(name), Some(token), None) = (words.next(), words.next(), words.next()) else {
            return Err(format!("line {number} is not a name and a token"));
        };
        if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the token of line {number} is shorter than {SHORTEST_TOKEN} characters, or not of visible ASCII"
            ));
        }
        tokens.push((name.to_owned(), Zeroizing::new(token.to_owned())));
    }
    if tokens.is_empty() {
        return Err("holds no token".to_owned());
    }
    Ok(Arc::new(Tokens(tokens)))
}

impl Tokens {
    /// Whose token a request has. Takes as long for one as for another.
    pub(super) fn holder(&self, headers: &HeaderMap) -> Option<&str> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return None;
        };
        let (scheme, given) = given.to_str().ok()?.split_once(' ')?;
        let given = given.trim();
        let mut holder = None;
        for (name, token) in &self.0 {
            if bool::from(token.as_bytes().ct_eq(given.as_bytes())) {
                holder = Some(name.as_str());
            }
        }
        holder.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
    }
}
