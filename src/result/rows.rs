//! The items of a list one by one, for whoever reduces them.

use std::ops::ControlFlow;

use crate::foreign::Foreign;
use crate::json::{Kind, Scanner, decoded};

use super::shape::USUAL_LISTS;
use super::verdict::{self, Answer, Failure, Problem, Received};

/// Hands each item of the documented list to `each`, as JSON text, until it breaks off. `false` if there is no list where
/// `list` says, nor under one of its usual names.
///
/// # Errors
///
/// The failure that the answer is. It is judged whole before the first item is handed over.
pub(crate) fn rows(
    received: Received<'_>,
    list: Option<&[&str]>,
    mut each: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<bool, Failure<Foreign>> {
    let Answer::Json(body) = verdict::judge(received)? else {
        return Ok(false);
    };
    let Some(path) = list else {
        return Ok(false);
    };
    // What was judged is whole and well-formed.
    let found = verdict::start(body).and_then(|mut scan| walk(&mut scan, path, &mut each));
    Ok(found.unwrap_or(false))
}

fn walk(
    scan: &mut Scanner<'_>,
    path: &[&str],
    each: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> Result<bool, Problem> {
    match scan.kind()? {
        Kind::Array if path.is_empty() => {
            items(scan, each)?;
            return Ok(true);
        }
        Kind::Object => {}
        _ => return Ok(false),
    }
    let mut more = scan.open(b'}')?;
    while more {
        let key = scan.key()?;
        let name = decoded(scan, &key);
        let kind = scan.kind()?;
        let wanted = match path.first() {
            Some(first) => name == *first,
            None => kind == Kind::Array && USUAL_LISTS.contains(&name.as_ref()),
        };
        if wanted && (kind == Kind::Array || path.len() > 1) {
            let rest = path.get(1..).unwrap_or_default();
            return walk(scan, if kind == Kind::Array { &[] } else { rest }, each);
        }
        scan.skip(1)?;
        more = scan.next(b'}')?;
    }
    Ok(false)
}

fn items(
    scan: &mut Scanner<'_>,
    each: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> Result<(), Problem> {
    let mut more = scan.open(b']')?;
    while more {
        let begin = scan.position();
        scan.skip(1)?;
        if each(scan.slice(begin..scan.position())).is_break() {
            return Ok(());
        }
        more = scan.next(b']')?;
    }
    Ok(())
}
