//! Answers of which nothing but some members may be seen.
//!
//! Owns what is kept of such an answer: the permitted members of its items, as a list. Everything else is stepped over,
//! and words about a failure are dropped: either may hold a secret. Runs before anything else reads the answer, and does
//! not know which operation it is of.

use std::ops::Range;

use crate::foreign::{Foreign, Source};
use crate::json::{Flaw, Kind, Scanner, decoded, quoted};

use super::shape::Plan;
use super::verdict::{self, Answer, Failure, Received};

/// Codes of failures that are passed on. Any other text in the place of a code may be anything.
pub(crate) const CODES: &[&str] = &[
    "DATATYPE_NOT_MATCHED",
    "UNABLE_TO_PARSE_DATA_TYPE",
    "PATTERN_NOT_MATCHED",
    "LESS_THAN_MIN_LENGTH",
    "MORE_THAN_MAX_LENGTH",
    "XSS_DETECTED",
    "LESS_THAN_MIN_OCCURANCE",
    "MORE_THAN_MAX_OCCURANCE",
    "EXTRA_PARAM_FOUND",
    "5013",
    "5123",
    "5132",
    "5156",
    "URL_ROLLING_THROTTLES_LIMIT_EXCEEDED",
    "URL_FIXED_THROTTLES_LIMIT_EXCEEDED",
    "URL_THROTTLES_LIMIT_EXCEEDED",
];

/// The permitted members of an answer's items, as a list of objects that have no others.
///
/// An object that has one of the members as a text or number is an item: nothing in it is looked at but those. Other
/// objects and arrays are looked through.
///
/// # Errors
///
/// The failure that the answer is, without any words of others but a known code.
pub(crate) fn only(received: Received<'_>, members: &[&str]) -> Result<Vec<u8>, Failure<Foreign>> {
    let plan = Plan {
        read: true,
        ..Plan::default()
    };
    let answer = verdict::judge(received, plan).map_err(|failure| silenced(failure, received))?;
    let mut kept = Kept::new(members);
    if let Answer::Json(body) = answer {
        // It was judged: it is whole and not too deep.
        let _ = kept.value(&mut Scanner::lenient(&body));
    }
    Ok(kept.finish())
}

/// A failure without words of others.
fn silenced(failure: Failure<Foreign>, received: Received<'_>) -> Failure<Foreign> {
    let nothing = |source| Foreign::new(source, "");
    match failure {
        Failure::Reported { status, code, .. } => Failure::Reported {
            status,
            code: code.filter(|code| {
                CODES
                    .iter()
                    .any(|known| *code == Foreign::new(Source::ErrorCode, known))
            }),
            message: nothing(Source::ErrorMessage),
        },
        Failure::NotJson { status, bytes, .. } => Failure::NotJson {
            status,
            content_type: None,
            bytes,
        },
        // No names were asked for.
        Failure::UnknownNames { .. } | Failure::Uncomparable { .. } => Failure::Status {
            status: received.status,
        },
        silent @ (Failure::Status { .. }
        | Failure::WebPage { .. }
        | Failure::Truncated { .. }
        | Failure::Empty { .. }
        | Failure::TooDeep) => silent,
    }
}

struct Kept<'m> {
    members: &'m [&'m str],
    out: Vec<u8>,
}

impl<'m> Kept<'m> {
    fn new(members: &'m [&'m str]) -> Self {
        Self {
            members,
            out: b"[".to_vec(),
        }
    }

    fn finish(mut self) -> Vec<u8> {
        self.out.push(b']');
        self.out
    }

    /// Goes past a value and takes the items in it.
    fn value(&mut self, scan: &mut Scanner<'_>) -> Result<(), Flaw> {
        match scan.kind()? {
            Kind::Object => {
                let begin = scan.position();
                let found = self.found(scan)?;
                if found.iter().any(Option::is_some) {
                    self.item(scan, &found);
                    return Ok(());
                }
                scan.rewind(begin);
                let mut more = scan.open(b'}')?;
                while more {
                    scan.key()?;
                    self.value(scan)?;
                    more = scan.next(b'}')?;
                }
                Ok(())
            }
            Kind::Array => {
                let mut more = scan.open(b']')?;
                while more {
                    self.value(scan)?;
                    more = scan.next(b']')?;
                }
                Ok(())
            }
            Kind::String | Kind::Number | Kind::Word => scan.skip(1),
        }
    }

    /// Where the permitted members of an object stand, in the order of their names. Goes past the object.
    fn found(&self, scan: &mut Scanner<'_>) -> Result<Vec<Option<Range<usize>>>, Flaw> {
        let mut found = vec![None; self.members.len()];
        let mut more = scan.open(b'}')?;
        while more {
            let key = scan.key()?;
            let name = decoded(scan, &key);
            let plain = matches!(scan.kind()?, Kind::String | Kind::Number);
            let begin = scan.position();
            scan.skip(1)?;
            let member = self.members.iter().position(|member| name == *member);
            if let Some(member) = member.filter(|_| plain) {
                found[member] = Some(begin..scan.position());
            }
            more = scan.next(b'}')?;
        }
        Ok(found)
    }

    fn item(&mut self, scan: &Scanner<'_>, found: &[Option<Range<usize>>]) {
        if self.out.len() > 1 {
            self.out.push(b',');
        }
        let mut separator = b'{';
        for (member, value) in self.members.iter().zip(found) {
            if let Some(value) = value {
                self.out.push(separator);
                self.out.extend_from_slice(quoted(member).as_bytes());
                self.out.push(b':');
                self.out.extend_from_slice(scan.bytes(value.clone()));
                separator = b',';
            }
        }
        self.out.push(b'}');
    }
}
