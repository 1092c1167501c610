//! Bearer tokens of callers.
//!
//! Owns the file that they are read from: its form, who may read or write it, reloading it, and who holds which token.
//! Knows nothing of what a caller may call; repeats no token.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use http::header::{self, HeaderMap};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::placeholder::is_placeholder;
use crate::server::Grant;
use crate::tools::{Access, Bound, ToolsetName};

/// Shortest token, in characters.
const SHORTEST_TOKEN: usize = 16;
/// Largest file of tokens, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The tokens of a file, as it was when it was last read.
pub(crate) struct Tokens {
    path: PathBuf,
    current: RwLock<Arc<[Holder]>>,
}

/// One line of the file.
struct Holder {
    token: Zeroizing<String>,
    grant: Arc<Grant>,
}

impl Holder {
    /// Whether another line grants the same to the same token.
    fn is(&self, other: &Self) -> bool {
        self.token == other.token
            && self.grant.name == other.grant.name
            && self.grant.bound == other.grant.bound
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list()
            .entries(self.grants().iter().map(|grant| &grant.name))
            .finish()
    }
}

/// Reads a file of tokens. Each line has a name and a token, and may lower what its caller can do: `access=LEVEL`,
/// `toolsets=TOOLSETS`. Empty lines and those that begin with `#` are skipped.
///
/// # Errors
///
/// If others than its owner can write the file, or others than its owner and group can read it; if it cannot be read,
/// contains no token, the same token twice, or a line of another form, which is named by its number. No token is repeated.
pub(crate) fn read_tokens(path: &str) -> Result<Arc<Tokens>, String> {
    let path = PathBuf::from(path);
    let holders = read(&path)?;
    Ok(Arc::new(Tokens {
        path,
        current: RwLock::new(holders.into()),
    }))
}

impl Tokens {
    /// The holder of a request's token. Takes the same time for each.
    pub(super) fn holder(&self, headers: &HeaderMap) -> Option<Arc<Grant>> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(given), None) = (given.next(), given.next()) else {
            return None;
        };
        let (scheme, given) = given.to_str().ok()?.split_once(' ')?;
        let given = given.trim();
        let mut holder = None;
        for Holder { token, grant } in self.current().iter() {
            if bool::from(token.as_bytes().ct_eq(given.as_bytes())) {
                holder = Some(grant.clone());
            }
        }
        holder.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
    }

    /// Whether a request has a placeholder in place of its token, or of the whole header.
    pub(super) fn is_missing_value(headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        given.any(|given| {
            given.to_str().is_ok_and(|given| {
                let token = given.split_once(' ').map_or("", |(_, token)| token);
                is_placeholder(token) || is_placeholder(given)
            })
        })
    }

    /// What each line grants.
    pub(crate) fn grants(&self) -> Vec<Arc<Grant>> {
        let current = self.current();
        current.iter().map(|holder| holder.grant.clone()).collect()
    }

    /// Reloads the file. Lines that are gone or changed are withdrawn, and the calls that run under them end; the others
    /// continue.
    ///
    /// # Errors
    ///
    /// As [`read_tokens`]; the tokens stay as they were.
    pub(crate) fn reload(&self) -> Result<(), String> {
        let mut new = read(&self.path)?;
        let old = self.current();
        for holder in &mut new {
            if let Some(same) = old.iter().find(|other| holder.is(other)) {
                holder.grant = same.grant.clone();
            }
        }
        let withdrawn = old
            .iter()
            .filter(|other| !new.iter().any(|holder| holder.is(other)));
        let withdrawn: Vec<_> = withdrawn.map(|holder| holder.grant.clone()).collect();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new.into();
        // Only now, when no request can get one of them any more.
        withdrawn.iter().for_each(|grant| grant.withdrawn.cancel());
        Ok(())
    }

    fn current(&self) -> Arc<[Holder]> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn read(path: &PathBuf) -> Result<Vec<Holder>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("must be a regular file".to_owned());
    }
    let file = File::open(path).map_err(unreadable)?;
    #[cfg(unix)]
    check_owner(&file.metadata().map_err(unreadable)?)?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(LARGEST_FILE + 1).read_to_string(&mut text);
    if read.map_err(unreadable)? as u64 > LARGEST_FILE {
        return Err(format!("must be no larger than {LARGEST_FILE} bytes"));
    }
    parse(&text)
}

/// Checks who can write and read the file; symbolic links have been followed.
#[cfg(unix)]
fn check_owner(file: &std::fs::Metadata) -> Result<(), String> {
    use std::os::unix::fs::MetadataExt;
    let user = rustix::process::geteuid().as_raw();
    let mut groups: Vec<u32> = rustix::process::getgroups()
        .unwrap_or_default()
        .into_iter()
        .map(rustix::process::Gid::as_raw)
        .collect();
    groups.push(rustix::process::getegid().as_raw());
    check_mode(file.mode(), file.uid(), file.gid(), user, &groups)
}

/// The file belongs to the user of this process or to root, only its owner can write it, and its group can read it only
/// if that is root's or one of this process: a Secret of Kubernetes and a credential of systemd come so.
#[cfg(unix)]
fn check_mode(mode: u32, owner: u32, group: u32, user: u32, groups: &[u32]) -> Result<(), String> {
    const FIX: &str = "fix it with: chmod 600 FILE";
    if ![0, user].contains(&owner) {
        return Err(format!(
            "belongs to a user other than root and that of this server, who can write it; fix it with: chown {user} FILE"
        ));
    }
    if mode & 0o022 != 0 {
        return Err(format!(
            "can be written by users other than its owner; {FIX}"
        ));
    }
    if mode & 0o004 != 0 {
        return Err(format!("can be read by every user; {FIX}"));
    }
    if mode & 0o040 != 0 && group != 0 && !groups.contains(&group) {
        return Err(format!(
            "can be read by a group that this server is not a member of; {FIX}"
        ));
    }
    Ok(())
}

fn parse(text: &str) -> Result<Vec<Holder>, String> {
    let mut lines: Vec<(usize, Holder)> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.split_whitespace();
        let (Some(name), Some(token)) = (words.next(), words.next()) else {
            return Err(format!("line {number} is not a name and a token"));
        };
        if token.len() < SHORTEST_TOKEN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!(
                "the token of line {number} is shorter than {SHORTEST_TOKEN} characters, or not of visible ASCII"
            ));
        }
        let bound = bound(words).map_err(|problem| format!("line {number}: {problem}"))?;
        let holder = Holder {
            token: Zeroizing::new(token.to_owned()),
            grant: Arc::new(Grant::new(name.to_owned(), bound)),
        };
        for (earlier, other) in &lines {
            let (name, other_name) = (&holder.grant.name, &other.grant.name);
            if other.token == holder.token {
                return Err(format!(
                    "lines {earlier} and {number} have the same token, under the names {} and {}: give each caller its own",
                    other_name.escape_debug(),
                    name.escape_debug()
                ));
            }
            // While a token is replaced its caller has two lines; which one is used must not matter.
            if name == other_name && other.grant.bound != holder.grant.bound {
                return Err(format!(
                    "lines {earlier} and {number} have the same name, {}, but not the same `access` and `toolsets`",
                    name.escape_debug()
                ));
            }
        }
        lines.push((number, holder));
    }
    if lines.is_empty() {
        return Err("contains no token".to_owned());
    }
    Ok(lines.into_iter().map(|(_, holder)| holder).collect())
}

/// Parses the words after name and token. None of them is repeated: it may be a token.
fn bound<'a>(words: impl Iterator<Item = &'a str>) -> Result<Bound, String> {
    let mut bound = Bound::default();
    for word in words {
        match word.split_once('=') {
            Some(("access", level)) if bound.access.is_none() => {
                let level: Result<Access, String> = level.parse();
                bound.access = Some(level.map_err(|problem| format!("`access`: {problem}"))?);
            }
            Some(("toolsets", names)) if bound.toolsets.is_none() => {
                let names: Result<Vec<ToolsetName>, String> =
                    names.split(',').map(str::parse).collect();
                let names = names.map_err(|problem| format!("`toolsets`: {problem}"))?;
                bound.toolsets = Some(names);
            }
            _ => {
                return Err(
                    "after name and token there may be access=LEVEL and toolsets=TOOLSETS, each once, and nothing else"
                        .to_owned(),
                );
            }
        }
    }
    Ok(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbb";

    #[cfg(unix)]
    #[test]
    fn rt_40_a_file_that_others_can_write_or_read_is_refused_with_the_command_that_mends_it() {
        // Mode, owner, group; user 1000 in the groups 1000 and 2000.
        for (mode, owner, group, part) in [
            (0o600, 1000, 1000, None),
            (0o400, 1000, 3000, None),
            (0o600, 0, 0, None),
            // A Secret of Kubernetes with fsGroup, and a credential of systemd with its access control list.
            (0o440, 0, 2000, None),
            (0o640, 0, 1000, None),
            (0o440, 0, 0, None),
            (0o640, 0, 3000, Some("chmod 600 FILE")),
            (0o644, 1000, 1000, Some("chmod 600 FILE")),
            (0o604, 1000, 1000, Some("chmod 600 FILE")),
            (0o620, 1000, 1000, Some("chmod 600 FILE")),
            (0o660, 0, 2000, Some("chmod 600 FILE")),
            (0o602, 1000, 1000, Some("chmod 600 FILE")),
            (0o666, 1000, 1000, Some("chmod 600 FILE")),
            (0o600, 1001, 1000, Some("chown 1000 FILE")),
            (0o440, 1001, 2000, Some("chown 1000 FILE")),
        ] {
            let judged = check_mode(0o100_000 | mode, owner, group, 1000, &[1000, 2000]);
            match (judged, part) {
                (Ok(()), None) => {}
                (Err(problem), Some(part)) => assert!(problem.contains(part), "{problem}"),
                other => panic!("{mode:o} {owner} {group}: {other:?}"),
            }
        }
    }

    #[test]
    fn rt_40_lines_that_are_wrong_are_named_and_not_repeated() {
        for (text, part) in [
            ("# nothing\n\n".to_owned(), "contains no token"),
            ("alice".to_owned(), "line 1 is not a name and a token"),
            (
                format!("# first\nalice {A}\nbob short"),
                "the token of line 3",
            ),
            (
                format!("alice {A}\nbob {B}\ncarol {A}"),
                "lines 1 and 3 have the same token, under the names alice and carol",
            ),
            (
                format!("alice {A}\nalice {A}"),
                "the same token, under the names alice and alice",
            ),
            (
                format!("alice {A} access=read\nalice {B}"),
                "lines 1 and 2 have the same name, alice",
            ),
            (format!("alice {A} {B}"), "line 1: after name and token"),
            (
                format!("alice {A} acess={B}"),
                "line 1: after name and token",
            ),
            (
                format!("alice {A} access=read access=read"),
                "line 1: after name and token",
            ),
            (
                format!("alice {A} access={B}"),
                "line 1: `access`: expected read, write or destructive",
            ),
            (
                format!("alice {A} toolsets=core,{B}"),
                "line 1: `toolsets`: there is no such toolset",
            ),
            (format!("alice {A} toolsets="), "line 1: `toolsets`"),
            // A terminal shows it as it is written, and not turned around.
            (
                format!("al\u{202e}ice {A}\nbob {A}"),
                "under the names al\\u{202e}ice and bob",
            ),
        ] {
            let problem = parse(&text).err().unwrap_or_else(|| panic!("{text}"));
            assert!(problem.contains(part), "{problem}");
            assert!(!problem.contains(A) && !problem.contains(B), "{problem}");
        }
        let rotated = format!("alice {A} access=read\nalice {B} access=read\n");
        assert_eq!(parse(&rotated).unwrap().len(), 2);
    }
}
