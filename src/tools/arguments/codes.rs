//! Several codes in one text, and JSON in a text.
//!
//! Owns what an argument takes of which the document says `codes 1 to 11 joined by commas` or `JSON object as text`. What
//! the codes mean is said there too.

use serde_json::Value;

/// What stands before and behind the bounds of codes in a description.
const CODES: (&str, &str) = ("codes ", " joined by commas");
/// How a description says that a text holds an object.
const OBJECT: &str = "JSON object as text";

/// The smallest and the largest code of an argument that takes several.
fn bounds(description: &str) -> Option<(i64, i64)> {
    let (before, _) = description.split_once(CODES.1)?;
    let (_, bounds) = before.rsplit_once(CODES.0)?;
    let (least, most) = bounds.split_once(" to ")?;
    Some((least.parse().ok()?, most.parse().ok()?))
}

/// Codes in the form that is sent, where an argument takes several: words by the codes that `code_of` finds for them,
/// and no space between. `None` if it is another argument, or anything in it is no code.
pub(super) fn understood(
    text: &str,
    description: &str,
    code_of: impl Fn(&str) -> Option<i64>,
) -> Option<String> {
    let (least, most) = bounds(description)?;
    let codes: Option<Vec<String>> = text
        .split(',')
        .map(|part| {
            let part = part.trim();
            let code = part.parse().ok().or_else(|| code_of(part))?;
            (least..=most).contains(&code).then(|| code.to_string())
        })
        .collect();
    Some(codes?.join(","))
}

/// What is wrong with a text that should hold codes, or an object.
pub(super) fn problem(text: &str, description: &str) -> Option<String> {
    if let Some((least, most)) = bounds(description) {
        return understood(text, description, |_| None)
            .is_none_or(|codes| codes != text)
            .then(|| format!("must be one code, or several joined by commas, {least} to {most}"));
    }
    let object = || serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object());
    (description.contains(OBJECT) && !object()).then(|| {
        let sample = description
            .find('{')
            .map(|start| &description[start..])
            .and_then(|sample| Some(&sample[..=sample.rfind('}')?]));
        match sample {
            Some(sample) => format!("must be a JSON object as text, such as {sample}"),
            None => "must be a JSON object as text".to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEVERITY: &str =
        "1 Critical, 2 Trouble\n\nOnly these: codes 1 to 11 joined by commas, as 1,2.";
    const FILTERS: &str = "JSON conditions\n\nJSON object as text: {\"a\":{\"b\":1}}. op is eq.";

    fn code_of(word: &str) -> Option<i64> {
        (word == "Critical").then_some(1)
    }

    #[test]
    fn codes_are_read_and_everything_else_is_rejected() {
        for (text, meant) in [
            ("1", Some("1")),
            ("1,2,11", Some("1,2,11")),
            (" 1 , 2 ", Some("1,2")),
            ("Critical,2", Some("1,2")),
            ("0", None),
            ("12", None),
            ("1,,2", None),
            ("1;2", None),
            ("down", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(
                understood(text, SEVERITY, code_of).as_deref(),
                meant,
                "{text}"
            );
            let problem = problem(text, SEVERITY);
            assert_eq!(
                problem.is_none(),
                meant == Some(text),
                "{text}: {problem:?}"
            );
        }
        assert_eq!(understood("1,2", "Names, comma-separated", code_of), None);
        assert_eq!(problem("x", "Names, comma-separated"), None);
    }

    #[test]
    fn an_object_is_one_and_its_form_is_told_otherwise() {
        assert_eq!(problem("{}", FILTERS), None);
        for text in ["displayName", "[1]", "{", "null", "\"{}\""] {
            assert_eq!(
                problem(text, FILTERS).as_deref(),
                Some("must be a JSON object as text, such as {\"a\":{\"b\":1}}"),
                "{text}"
            );
        }
    }
}
