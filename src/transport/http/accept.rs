//! Media types that a client accepts.
//!
//! Owns the reading of `Accept` (RFC 9110, section 12.5.1) and the form in which a result is sent. A client that accepts
//! JSON gets JSON: there is one response to a request, so an event stream adds nothing to it. Knows no message.

use http::header::{self, HeaderMap, HeaderValue};

/// What rmcp demands of every request.
const BOTH: &str = "application/json, text/event-stream";

/// The form in which a response is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    /// An event stream that consists of the response.
    Event,
}

impl Form {
    /// The form that a client accepts: `None` if it accepts neither. Without the header, or with an empty one, it accepts
    /// anything.
    pub(super) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(header::ACCEPT);
        let texts = values
            .iter()
            .map(|value| value.to_str().unwrap_or_default());
        let ranges: Vec<Range<'_>> = texts
            .flat_map(|text| unquoted(text, ','))
            .filter_map(Range::read)
            .collect();
        // A list of nothing but unreadable entries says nothing that could be refused.
        if ranges.is_empty() && values.iter().all(|value| value.to_str().is_ok()) {
            return Some(Self::Json);
        }
        if accepts(&ranges, "application", "json") {
            Some(Self::Json)
        } else if accepts(&ranges, "text", "event-stream") {
            Some(Self::Event)
        } else {
            None
        }
    }

    /// Has rmcp accept the request, whatever was said.
    pub(super) fn settle(headers: &mut HeaderMap) {
        headers.insert(header::ACCEPT, HeaderValue::from_static(BOTH));
    }
}

/// An entry of `Accept`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Whether its weight is not zero. Other weights only order what is accepted.
    wanted: bool,
}

impl<'a> Range<'a> {
    fn read(entry: &'a str) -> Option<Self> {
        let mut parts = unquoted(entry, ';').map(str::trim);
        let essence = parts.next().filter(|essence| !essence.is_empty())?;
        // Java's HTTP client writes `*` for `*/*`.
        let (kind, subtype) = essence.split_once('/').unwrap_or((essence, "*"));
        let is_zero = |parameter: &str| {
            parameter.split_once('=').is_some_and(|(name, weight)| {
                name.trim().eq_ignore_ascii_case("q") && weight.trim().parse() == Ok(0.0_f32)
            })
        };
        Some(Self {
            kind: kind.trim(),
            subtype: subtype.trim(),
            wanted: !parts.any(is_zero),
        })
    }

    /// How precisely it names this media type: 0 if it does not.
    fn precision(&self, kind: &str, subtype: &str) -> u8 {
        let is_kind = self.kind.eq_ignore_ascii_case(kind);
        match self.subtype {
            _ if is_kind && self.subtype.eq_ignore_ascii_case(subtype) => 3,
            "*" if is_kind => 2,
            "*" if self.kind == "*" => 1,
            _ => 0,
        }
    }
}

/// Whether a media type is accepted: the most precise entry for it decides, and of several such, one that wants it.
fn accepts(ranges: &[Range<'_>], kind: &str, subtype: &str) -> bool {
    let entries = ranges
        .iter()
        .map(|range| (range.precision(kind, subtype), range.wanted));
    entries
        .filter(|(precision, _)| *precision > 0)
        .max()
        .is_some_and(|(_, wanted)| wanted)
}

/// The parts of a text between separators that stand outside of quotes.
fn unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |c| {
        let was_escaped = escaped;
        escaped = quoted && !was_escaped && c == '\\';
        quoted ^= c == '"' && !was_escaped;
        c == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(values: &[&str]) -> Option<Form> {
        let values = values.iter().map(|value| HeaderValue::from_str(value));
        Form::accepted(
            &values
                .map(|value| (header::ACCEPT, value.unwrap()))
                .collect(),
        )
    }

    #[test]
    fn fl_05_the_most_precise_entry_of_accept_decides() {
        let (json, event) = (Some(Form::Json), Some(Form::Event));
        for (values, expected) in [
            (&[][..], json),
            (&[""], json),
            (&[" , "], json),
            (&["application/json"], json),
            (&["APPLICATION/Json ; charset=utf-8"], json),
            (&["*/*"], json),
            (&["*"], json),
            (&["application/*"], json),
            (&["text/html, image/gif, *; q=.2, */*; q=.2"], json),
            (&["application/json, text/event-stream"], json),
            (&["text/event-stream, application/json;q=0.1"], json),
            (&["text/event-stream", "application/json"], json),
            (&["text/html", "*/*;q=0.001"], json),
            (&["*/*;q=0, application/json"], json),
            (&["application/*;q=0, application/json"], json),
            (&["application/json;q=nonsense"], json),
            (&["text/x;a=\", application/json;q=0,\", */*"], json),
            (&["text/event-stream"], event),
            (&["Text/Event-Stream;charset=utf-8"], event),
            (&["text/*"], event),
            (&["text/html, text/event-stream;q=0.1"], event),
            (&["application/json;q=0, */*"], event),
            (&["application/json;q=0.000, text/event-stream"], event),
            (&["application/*; Q=0, */*"], event),
            (&["text/html"], None),
            (&["application/xml, text/plain"], None),
            (&["application/jsonp"], None),
            (&["application/evil+json"], None),
            (&["*/*;q=0"], None),
            (&["*/json"], None),
            (
                &["text/event-stream;q=0, application/json;q=0.0, */*"],
                None,
            ),
            (&["text/x;a=\", application/json,\""], None),
            (&["text/x;a=\"\\\", application/json,\""], None),
        ] {
            assert_eq!(accepted(values), expected, "{values:?}");
        }
    }
}
