//! The items of a list one by one, for whoever reduces them.

use std::ops::ControlFlow;

use crate::foreign::Foreign;
use crate::json::{Flaw, Kind, Scanner, decoded};

use super::shape::Plan;
use super::verdict::{self, Answer, Failure, Received};

/// Hands each item of the list to `each`, as JSON text, until it breaks off. `false` if there is no list.
///
/// # Errors
///
/// The failure that the answer is. It is judged whole before the first item is handed over.
pub(crate) fn rows(
    received: Received<'_>,
    plan: Plan<'_>,
    mut each: impl FnMut(&str) -> ControlFlow<()>,
) -> Result<bool, Failure<Foreign>> {
    let Answer::Json(body) = verdict::judge(received, plan)? else {
        return Ok(false);
    };
    let Some(path) = plan.list else {
        return Ok(false);
    };
    // What was judged is whole and well-formed, and has its list where the document says.
    let found = walk(&mut Scanner::lenient(&body), path, &mut each);
    Ok(found.unwrap_or(false))
}

fn walk(
    scan: &mut Scanner<'_>,
    path: &[&str],
    each: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> Result<bool, Flaw> {
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
        let wanted = path.first().is_some_and(|first| name == *first);
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
) -> Result<(), Flaw> {
    let mut more = scan.open(b']')?;
    while more {
        let begin = scan.position();
        scan.skip(1)?;
        let item = String::from_utf8_lossy(scan.bytes(begin..scan.position()));
        if each(&item).is_break() {
            return Ok(());
        }
        more = scan.next(b']')?;
    }
    Ok(())
}
