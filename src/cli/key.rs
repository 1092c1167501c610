//! How a user gives the API key: typed without echo, or through a pipe. There is no argument and no environment variable
//! for it, as other processes could read them.

use std::io::{self, BufRead, IsTerminal, Read};

use crate::opmanager::ApiKey;

/// Most that is read of a key, in bytes.
const LONGEST_LINE: u64 = 4096;

/// The key, if one is given.
pub(super) fn read(prompt: &str) -> io::Result<Option<ApiKey>> {
    let line = read_line(prompt)?;
    if line.is_empty() {
        return Ok(None);
    }
    ApiKey::new(line).map(Some).map_err(io::Error::other)
}

/// What is typed or piped, without its line's end.
pub(super) fn read_line(prompt: &str) -> io::Result<String> {
    let input = io::stdin();
    let mut line = String::new();
    if input.is_terminal() {
        line = rpassword::prompt_password(prompt)?;
    } else {
        input.lock().take(LONGEST_LINE).read_line(&mut line)?;
    }
    line.truncate(line.trim_end_matches(['\r', '\n']).len());
    Ok(line)
}
