//! What a request may carry: the checks that stand in front of every operation, and the refusals they give.
//!
//! Owns the comparison of a request with the contract. Does not look at the key and does not know the network.

use serde_json::{Value, json};

use crate::{
    contract::{Kind, Operation, Parameter, Place},
    log::Recorded,
    variant::{Unknown, Variant},
};

/// An error as OpManager reports it: with HTTP status 200.
#[derive(Debug)]
pub(crate) struct Refusal {
    code: Option<&'static str>,
    /// Third party: some operations refuse with a number of their own, and without a word.
    number: Option<i64>,
    message: String,
}

impl Refusal {
    pub(crate) fn new(code: Option<&'static str>, message: impl Into<String>) -> Refusal {
        Refusal {
            code,
            number: None,
            message: message.into(),
        }
    }

    pub(crate) fn numbered(number: i64, message: impl Into<String>) -> Refusal {
        Refusal {
            number: Some(number),
            ..Refusal::new(None, message)
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut error = json!({ "error": { "message": self.message } });
        if let Some(code) = self.code {
            error["error"]["errorcode"] = code.into();
        }
        if let Some(number) = self.number {
            error["error"]["code"] = number.into();
        }
        error
    }
}

/// The checked parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Arguments(Vec<(String, String)>);

impl Arguments {
    /// The value of a parameter; an empty one counts as not sent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, value)| other == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A parameter that must be there. The document may mark it otherwise, so it is checked here once more.
    pub(crate) fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| missing(name))
    }

    /// The members of a comma-separated parameter.
    pub(crate) fn list(&self, name: &str) -> Vec<&str> {
        let text = self.get(name).unwrap_or_default();
        text.split(',')
            .map(str::trim)
            .filter(|member| !member.is_empty())
            .collect()
    }

    pub(crate) fn all(&self) -> &[(String, String)] {
        &self.0
    }
}

pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::new(
        Some("LESS_THAN_MIN_OCCURANCE"),
        format!("The parameter '{name}' is missing."),
    )
}

pub(crate) fn check(
    variant: Variant,
    operation: &Operation,
    request: &Recorded,
) -> Result<Arguments, Refusal> {
    let mut taken = Vec::new();
    let query = request.query.iter().map(|pair| (pair, Place::Query));
    let form = request.form.iter().map(|pair| (pair, Place::Form));
    for (pair, place) in query.chain(form) {
        let name = pair.0.as_str();
        if place == Place::Query && name.eq_ignore_ascii_case("apikey") {
            if variant.takes_key_in_query() {
                continue;
            }
            // Inferred: a key in the query is deprecated, and fails for some URLs in a way that is not documented.
            return Err(Refusal::new(
                None,
                "The API key is accepted in the request header only.",
            ));
        }
        let known = operation.parameters.iter().find(|parameter| {
            // addEvent is documented both ways; everything else has one place.
            parameter.name == name && (parameter.place == place || operation.id == "addEvent")
        });
        match variant.judge_name(name, known) {
            Unknown::Taken => taken.push(pair.clone()),
            Unknown::Ignored => {}
            Unknown::Refused => return Err(unknown(name)),
        }
    }
    if !request.body.is_empty() && request.form.is_empty() {
        // Inferred: no operation is documented with any other body.
        return Err(Refusal::new(
            Some("UNABLE_TO_PARSE_DATA_TYPE"),
            "The request body cannot be read.",
        ));
    }
    let arguments = Arguments(taken);
    if let Some(name) = variant.requires(operation) {
        arguments.need(name)?;
    }
    for parameter in operation.parameters {
        let value = arguments.get(parameter.name);
        match value.and_then(|value| variant.judge_value(operation, parameter.name, value)) {
            Some(verdict) => verdict?,
            None => check_parameter(parameter, &arguments)?,
        }
    }
    let choices = operation.exactly_one_of;
    match choices
        .iter()
        .filter(|name| arguments.get(name).is_some())
        .count()
    {
        _ if choices.is_empty() => {}
        1 => {}
        // Inferred: the vendor names the three in one row of its table and says no more.
        0 => return Err(missing(&choices.join("/"))),
        _ => {
            let message = format!(
                "Only one of the parameters '{}' may be sent.",
                choices.join("/")
            );
            return Err(Refusal::new(Some("MORE_THAN_MAX_OCCURANCE"), message));
        }
    }
    Ok(arguments)
}

/// Captured: a parameter without a rule is refused by this code, with status 200.
fn unknown(name: &str) -> Refusal {
    Refusal::new(
        Some("EXTRA_PARAM_FOUND"),
        format!("The parameter '{name}' is not expected here."),
    )
}

fn check_parameter(parameter: &Parameter, arguments: &Arguments) -> Result<(), Refusal> {
    let name = parameter.name;
    let refuse = |code, what: &str| {
        Err(Refusal::new(
            code,
            format!("The parameter '{name}' {what}."),
        ))
    };
    let mut values = arguments
        .0
        .iter()
        .filter(|(other, _)| other == name)
        .map(|(_, value)| value.as_str());
    let Some(value) = values.next() else {
        return if parameter.required {
            Err(missing(name))
        } else {
            Ok(())
        };
    };
    if values.next().is_some() {
        return refuse(Some("MORE_THAN_MAX_OCCURANCE"), "is sent more than once");
    }
    if value.is_empty() && parameter.required {
        return refuse(Some("LESS_THAN_MIN_LENGTH"), "is empty");
    }
    match parameter.kind {
        Kind::Text => {}
        Kind::Integer => match value.parse::<i64>() {
            Err(_) => return refuse(Some("DATATYPE_NOT_MATCHED"), "must be of integer type"),
            Ok(number) => {
                let low = parameter.minimum.is_some_and(|least| number < least);
                if low || parameter.maximum.is_some_and(|most| number > most) {
                    // The code for a value out of its range is documented, but its name was not recovered.
                    return refuse(None, "is out of its range");
                }
            }
        },
        Kind::Number => {
            if value.parse::<f64>().is_err() {
                return refuse(Some("DATATYPE_NOT_MATCHED"), "must be a number");
            }
        }
        Kind::Boolean => {
            if !matches!(value, "true" | "false") {
                return refuse(Some("DATATYPE_NOT_MATCHED"), "must be of boolean type");
            }
        }
    }
    let other_word = !parameter.values.is_empty() && !parameter.values.contains(&value);
    if other_word || parameter.constant.is_some_and(|constant| constant != value) {
        return refuse(
            Some("PATTERN_NOT_MATCHED"),
            "does not have one of its allowed values",
        );
    }
    if looks_like_markup(value) {
        return refuse(Some("XSS_DETECTED"), "contains markup");
    }
    Ok(())
}

/// Inferred: that markup is refused is documented, how it is recognised is not.
fn looks_like_markup(value: &str) -> bool {
    value.split('<').skip(1).any(|after| {
        after.starts_with(|next: char| next.is_ascii_alphabetic() || "/!".contains(next))
    })
}

/// Decodes `a=1&b=x+y%21`, as a query or a form body.
pub(crate) fn decode_pairs(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes())
        .into_owned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_escapes_and_leaves_broken_ones() {
        let pairs = decode_pairs("a=1+2&b=%C3%A4%21&c=100%&d=%zz&e&&f=");
        let expected = [
            ("a", "1 2"),
            ("b", "ä!"),
            ("c", "100%"),
            ("d", "%zz"),
            ("e", ""),
            ("f", ""),
        ];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
    }

    #[test]
    fn a_less_than_sign_alone_is_no_markup() {
        assert!(!looks_like_markup("cpu < 5 and 3 <4"));
        assert!(looks_like_markup("hello <b>you</b>"));
        assert!(looks_like_markup("<!-- -->"));
    }
}
