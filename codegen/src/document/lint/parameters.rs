//! The rules of parameters: their names, places, types and constants.

use std::collections::BTreeSet;

use heck::{ToPascalCase, ToSnakeCase};
use serde_json::Value;

use super::{Lint, is_name, strings, text};
use crate::document::{CONNECTION_ARGUMENTS, Kind, Location, Parameter, SELECTION_ARGUMENTS};

const PARAMETER_CHARACTERS: usize = 200;

impl Lint {
    /// The parameters of an operation in the order of the document: those of the query, then those of the form.
    pub(super) fn parameters(&mut self, method: &str, operation: &Value) -> Vec<Parameter> {
        if operation.get("parameters").is_some_and(|p| !p.is_array()) {
            self.defect(
                "its parameters are not a list",
                "begin each parameter with `- name:`",
            );
        }
        let mut parameters = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            parameters.extend(self.query_parameter(parameter));
        }
        if let Some(body) = operation.get("requestBody") {
            parameters.extend(self.form_parameters(method, body));
        }
        self.parameter_names(&parameters);
        parameters
    }

    fn query_parameter(&mut self, parameter: &Value) -> Option<Parameter> {
        let name = text(parameter, "name").to_owned();
        let what = format!("parameter `{name}`");
        let before = self.defects.len();
        self.known_keys(
            &what,
            parameter,
            &[
                "name",
                "in",
                "required",
                "description",
                "schema",
                "x-basis",
                "x-constant",
                "x-default",
                "x-since",
                "x-stub",
                "x-unsent",
                "x-variant",
            ],
        );
        if text(parameter, "in") != "query" {
            self.defect(
                format!("{what} is not in the query"),
                "write `in: query`, or describe a form body with `requestBody`",
            );
        }
        let required = self.flag(
            parameter,
            "required",
            &format!("{what}: required is {}", parameter["required"]),
            "write `required: true`, or leave it out",
        );
        let read = self.parameter(
            name,
            Location::Query,
            required,
            parameter,
            &parameter["schema"],
        );
        self.stub(parameter, before, &what, "its description and type");
        read
    }

    fn form_parameters(&mut self, method: &str, body: &Value) -> Vec<Parameter> {
        if method == "get" {
            self.defect(
                "it is a GET with a request body",
                "put the parameters in the query, or the operation under post",
            );
        }
        self.known_keys("request body", body, &["required", "content"]);
        let content = body["content"].as_object();
        let form = &body["content"]["application/x-www-form-urlencoded"];
        self.known_keys("form", form, &["schema"]);
        let schema = &form["schema"];
        self.known_keys("form", schema, &["type", "required", "properties"]);
        if content.is_none_or(|content| content.len() != 1) || !schema["properties"].is_object() {
            self.defect(
                "its request body is not a form",
                "OpManager documents only application/x-www-form-urlencoded bodies: describe an object of scalars under that type",
            );
        }
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        if schema.get("required").is_some_and(|r| !r.is_array()) {
            self.defect(
                "`required` of its form is not a list",
                "write the names of the required parameters in brackets",
            );
        }
        for name in &required {
            if schema["properties"].get(name).is_none() {
                self.defect(
                    format!("its form requires `{name}`, which is no property"),
                    "correct the name or add the property",
                );
            }
        }
        let mut parameters = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let before = self.defects.len();
            let mut bare = property.clone();
            if let Some(bare) = bare.as_object_mut() {
                bare.remove("description");
                for key in [
                    "x-basis",
                    "x-default",
                    "x-since",
                    "x-stub",
                    "x-unsent",
                    "x-variant",
                ] {
                    bare.remove(key);
                }
                if bare.remove("x-constant").is_some() {
                    self.defect(
                        format!("parameter `{name}` is a constant in a form"),
                        "constants are sent in the query: describe it under `parameters`, or leave it out",
                    );
                }
            }
            parameters.extend(self.parameter(
                name.clone(),
                Location::Form,
                required.contains(&name.as_str()),
                property,
                &bare,
            ));
            let what = format!("parameter `{name}`");
            self.stub(property, before, &what, "its description and type");
        }
        parameters
    }

    fn parameter(
        &mut self,
        name: String,
        location: Location,
        required: bool,
        described: &Value,
        schema: &Value,
    ) -> Option<Parameter> {
        let what = format!("parameter `{name}`");
        if !is_name(&name) || name.len() > 64 {
            self.defect(
                format!("{what} is not one name of letters, digits and underscores that begins with a letter"),
                "a row such as `a/b/c` is three optional parameters with `x-exactly-one-of: [a, b, c]`",
            );
            return None;
        }
        if CONNECTION_ARGUMENTS.contains(&name.as_str())
            || SELECTION_ARGUMENTS.contains(&name.as_str())
        {
            self.defect(
                format!("{what} has the name of a connection argument"),
                "leave it out of the document",
            );
        }
        let description = self.prose(
            described,
            "description",
            &format!("{what}: description"),
            PARAMETER_CHARACTERS,
        );
        let kind = self.kind(&what, schema)?;
        let constant = described.get("x-constant").map(|constant| {
            self.fits(&what, &kind, "x-constant", constant);
            Self::constant(constant)
        });
        let default = described.get("x-default").cloned();
        if let Some(default) = &default {
            self.fits(&what, &kind, "x-default", default);
        }
        let unsent = self.unsent(&what, &kind, described.get("x-unsent"), default.as_ref());
        let origin = self.origin(&what, described);
        if (required || constant.is_some()) && default.is_some() {
            self.defect(
                format!("{what} is always sent and has an x-default"),
                "remove the x-default: it is for a parameter that a caller may leave out",
            );
        }
        if origin.is_of_some_builds() && (required || constant.is_some() || default.is_some()) {
            self.defect(
                format!("{what} is not known to every build and would be sent unasked"),
                "remove `required`, x-constant and x-default from it: what a build may not know is sent only for a caller who asks for it",
            );
        }
        Some(Parameter {
            name,
            location,
            required,
            description,
            kind,
            constant,
            default,
            unsent,
            origin,
        })
    }

    /// The word for which nothing is sent.
    fn unsent(
        &mut self,
        what: &str,
        kind: &Kind,
        stated: Option<&Value>,
        default: Option<&Value>,
    ) -> Option<String> {
        let stated = stated?;
        let known =
            matches!(kind, Kind::Text { values } if values.iter().any(|value| stated == value));
        if !known || default.is_none_or(|default| default == stated) {
            self.defect(
                format!("{what}: its x-unsent {stated} is no other value of an enum with an x-default"),
                "name one value of its enum by which a caller asks that nothing is sent, or remove it",
            );
        }
        stated.as_str().map(str::to_owned)
    }

    /// Checks that a value which is sent unasked is one that a caller could give.
    fn fits(&mut self, what: &str, kind: &Kind, key: &str, value: &Value) {
        let fits = match kind {
            Kind::Text { values } => value
                .as_str()
                .is_some_and(|text| values.is_empty() || values.iter().any(|v| v == text)),
            Kind::Integer { minimum, maximum } => value.as_i64().is_some_and(|number| {
                minimum.is_none_or(|minimum| minimum <= number)
                    && maximum.is_none_or(|maximum| number <= maximum)
            }),
            Kind::Number => value.is_number(),
            Kind::Boolean => value.is_boolean(),
        };
        if !fits {
            self.defect(
                format!("{what}: its {key} {value} is no value of its type"),
                "write a value that the schema allows; text is quoted, true and numbers are not",
            );
        }
    }

    fn constant(constant: &Value) -> String {
        match constant {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    fn kind(&mut self, what: &str, schema: &Value) -> Option<Kind> {
        let allowed: &[&str] = match text(schema, "type") {
            "string" => &["type", "enum"],
            "integer" => &["type", "minimum", "maximum"],
            "number" | "boolean" => &["type"],
            other => {
                self.defect(
                    format!("{what} has the type `{other}`"),
                    "use string, integer, number or boolean; several values are one comma-separated string, JSON is a string",
                );
                return None;
            }
        };
        for key in schema.as_object().into_iter().flatten().map(|(key, _)| key) {
            if !allowed.contains(&key.as_str()) {
                self.defect(
                    format!(
                        "{what}: `{key}` is not something that the generated type would enforce"
                    ),
                    format!(
                        "remove it or say it in the description; this type takes {}",
                        allowed.join(", ")
                    ),
                );
            }
        }
        Some(match text(schema, "type") {
            "string" => Kind::Text {
                values: self.enumeration(what, schema),
            },
            "integer" => {
                let mut bound = |key| {
                    let value = schema.get(key)?;
                    if value.as_i64().is_none() {
                        self.defect(
                            format!("{what}: {key} is {value}, which is no 64-bit integer"),
                            "write a whole number without quotes, or remove it",
                        );
                    }
                    value.as_i64()
                };
                let (minimum, maximum) = (bound("minimum"), bound("maximum"));
                if let (Some(minimum), Some(maximum)) = (minimum, maximum)
                    && minimum > maximum
                {
                    self.defect(
                        format!("{what}: minimum {minimum} is above maximum {maximum}"),
                        "swap or correct the bounds",
                    );
                }
                Kind::Integer { minimum, maximum }
            }
            "number" => Kind::Number,
            _ => Kind::Boolean,
        })
    }

    fn enumeration(&mut self, what: &str, schema: &Value) -> Vec<String> {
        let Some(values) = schema.get("enum") else {
            return Vec::new();
        };
        let Some(values) = strings(values).filter(|values| !values.is_empty()) else {
            self.defect(
                format!("{what}: its enum is not a list of strings"),
                "quote the values; a set of integer codes is minimum and maximum with the codes named in the description",
            );
            return Vec::new();
        };
        let variants: BTreeSet<String> = values.iter().map(|v| v.to_pascal_case()).collect();
        if variants.len() != values.len() {
            self.defect(
                format!("{what}: two values of its enum differ only in case or punctuation"),
                "keep the one that OpManager documents",
            );
        }
        values
    }

    fn parameter_names(&mut self, parameters: &[Parameter]) {
        let mut seen = BTreeSet::new();
        for parameter in parameters {
            if !seen.insert(parameter.name.to_snake_case()) {
                self.defect(
                    format!("parameter `{}` occurs twice", parameter.name),
                    "merge the two; where the meaning depends on another parameter, say so in the description",
                );
            }
        }
        let locations = |location| parameters.iter().any(|p| p.location == location);
        let plain = parameters
            .iter()
            .all(|p| matches!(&p.kind, Kind::Text { values } if values.is_empty()));
        if locations(Location::Query) && locations(Location::Form) && !plain {
            self.defect(
                "it mixes a query with a form and has a parameter that is not plain text",
                "make all of its parameters plain strings, or move them to one place",
            );
        }
    }

    pub(super) fn exactly_one_of(
        &mut self,
        operation: &Value,
        parameters: &[Parameter],
    ) -> Vec<String> {
        let Some(names) = operation.get("x-exactly-one-of") else {
            return Vec::new();
        };
        let names = strings(names).unwrap_or_default();
        if names.len() < 2 || names.iter().collect::<BTreeSet<_>>().len() < names.len() {
            self.defect(
                "x-exactly-one-of is not a list of two or more different names",
                "write `x-exactly-one-of: [a, b]`; a single parameter has `required: true`",
            );
            return Vec::new();
        }
        for name in &names {
            match parameters.iter().find(|p| p.name == *name) {
                None => self.defect(
                    format!("x-exactly-one-of names `{name}`, which is no parameter"),
                    "name parameters of this operation",
                ),
                Some(p) if p.required || p.constant.is_some() || p.default.is_some() => self
                    .defect(
                        format!("x-exactly-one-of names `{name}`, which is always sent"),
                        "remove `required`, `x-constant` and `x-default` from it",
                    ),
                Some(_) => {}
            }
        }
        names
    }
}
