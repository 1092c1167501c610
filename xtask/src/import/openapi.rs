//! An OpenAPI document of the vendor, 3.0 or 3.1, JSON or YAML.
//!
//! Owns the way from such a document to facts. What the facts have no place for is left out, with a note
//! for each loss; webhooks and prose are none of it.

mod schema;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::schema::{Described, Schemas};
use super::Broken;
use crate::facts::{Facts, Mark, Operation, Parameter, RateLimit};

const METHODS: [&str; 8] = [
    "get", "post", "put", "patch", "delete", "head", "options", "trace",
];

/// What the vendor's documents put before the name of a chapter.
const TAG_PREFIX: &str = "OpManager.";

/// Reads a document.
///
/// # Errors
///
/// A text that is no JSON or YAML, with line and column; a document of another version, without operations,
/// or with a reference that leads nowhere, with the operation.
pub fn read(text: &str) -> Result<Facts, Broken> {
    let root = parse(text)?;
    let version = root["openapi"].as_str().unwrap_or_default();
    if !version.starts_with("3.0") && !version.starts_with("3.1") {
        let found = ["openapi", "swagger"]
            .iter()
            .find_map(|key| root[*key].as_str());
        return Err(Broken::new(
            "openapi",
            format!("the version is {}", found.unwrap_or("not stated")),
            "name an OpenAPI document of version 3.0 or 3.1, or the vendor's page in HTML",
        ));
    }
    let mut reader = Reader {
        schemas: Schemas::of(&root),
        root: &root,
        base: base_path(&root["servers"]),
        facts: Facts::default(),
    };
    for (path, item) in root["paths"].as_object().into_iter().flatten() {
        reader.path(path, item)?;
    }
    let mut facts = reader.facts;
    if facts.operations.is_empty() {
        return Err(Broken::new(
            "paths",
            "the document has no operation",
            "name the document that describes the API",
        ));
    }
    let webhooks = root["webhooks"].as_object().map_or(0, Map::len);
    if webhooks > 0 {
        facts.notes.insert(format!(
            "webhooks are left out ({webhooks}): OpManager calls them, not we"
        ));
    }
    Ok(facts)
}

fn parse(text: &str) -> Result<Value, Broken> {
    let fix = "repair the syntax in a copy, or fetch the document again";
    if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| {
            let place = format!("{}:{}", error.line(), error.column());
            let problem = error.to_string();
            let problem = problem.split(" at line ").next().unwrap_or_default();
            Broken::new(place, format!("not JSON: {problem}"), fix)
        })
    } else {
        serde_saphyr::from_str(text).map_err(|error| {
            let error = error.without_snippet();
            let place = error.location().map_or("document".to_owned(), |location| {
                format!("{}:{}", location.line(), location.column())
            });
            let problem = error.to_string();
            let problem = problem.lines().next().unwrap_or_default();
            let problem = problem.split(" at line ").next().unwrap_or_default();
            Broken::new(place, format!("not YAML: {problem}"), fix)
        })
    }
}

/// The part of the first server's address that belongs to every path.
fn base_path(servers: &Value) -> String {
    let url = servers[0]["url"].as_str().unwrap_or_default();
    let after_host = match url.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |slash| &rest[slash..]),
        None => url,
    };
    let mut base = after_host.trim_end_matches('/').to_owned();
    for (name, variable) in servers[0]["variables"].as_object().into_iter().flatten() {
        let default = variable["default"].as_str().unwrap_or_default();
        base = base.replace(&format!("{{{name}}}"), default);
    }
    base
}

struct Reader<'a> {
    root: &'a Value,
    schemas: Schemas<'a>,
    base: String,
    facts: Facts,
}

impl Reader<'_> {
    fn path(&mut self, path: &str, item: &Value) -> Result<(), Broken> {
        let item = self.schemas.resolve(item, item, path)?;
        for method in METHODS {
            if let Some(operation) = item.get(method) {
                let read = self.operation(path, method, item, operation)?;
                self.facts.operations.push(read);
            }
        }
        Ok(())
    }

    fn operation(
        &self,
        path: &str,
        method: &str,
        item: &Value,
        stated: &Value,
    ) -> Result<Operation, Broken> {
        let mut operation = Operation {
            method: method.to_uppercase(),
            path: format!("{}{path}", self.base),
            deprecated: stated["deprecated"] == true,
            ..Operation::default()
        };
        let last = path.rsplit('/').next().unwrap_or_default();
        operation.id = stated["operationId"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if operation.id.is_empty() {
            last.clone_into(&mut operation.id);
            operation
                .notes
                .insert("it has no operationId; named after its path".into());
        }
        let place = format!("{} {}", operation.method, operation.path);
        let tags: Vec<&str> = strings(&stated["tags"]);
        let tag = tags.first().copied().unwrap_or_default();
        tag.strip_prefix(TAG_PREFIX)
            .unwrap_or(tag)
            .clone_into(&mut operation.tag);
        if tags.len() > 1 {
            operation
                .notes
                .insert(format!("of its {} tags the first is taken", tags.len()));
        }
        operation.api_key = self.api_key(stated);
        operation.rate_limit = rate_limit(&stated["x-rate-limit"]);
        let choice: BTreeSet<String> = strings(&stated["x-exactly-one-of"])
            .into_iter()
            .map(str::to_owned)
            .collect();
        if !choice.is_empty() {
            operation.one_of.insert(choice);
        }
        // A parameter of the operation stands for one of the same name and place at the path.
        for list in [&stated["parameters"], &item["parameters"]] {
            for parameter in list.as_array().into_iter().flatten() {
                let parameter = self.schemas.resolve(parameter, parameter, &place)?;
                self.parameter(&mut operation, parameter, &place)?;
            }
        }
        if let Some(body) = stated.get("requestBody") {
            let body = self.schemas.resolve(body, body, &place)?;
            self.body(&mut operation, body, &place)?;
        }
        self.answer(&mut operation, &stated["responses"], &place)?;
        Ok(operation)
    }

    /// How the key is asked for: by a security scheme of kind `apiKey`, of the operation or of all.
    fn api_key(&self, stated: &Value) -> Option<Mark> {
        let demanded = stated.get("security").unwrap_or(&self.root["security"]);
        let schemes = &self.root["components"]["securitySchemes"];
        let mut names = demanded
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(Map::keys);
        names
            .any(|name| schemes[name.as_str()]["type"] == "apiKey")
            .then_some(Mark::Required)
    }

    fn parameter(
        &self,
        operation: &mut Operation,
        stated: &Value,
        place: &str,
    ) -> Result<(), Broken> {
        let name = stated["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            return Err(Broken::new(
                place,
                "a parameter has no name",
                "add it in a copy",
            ));
        }
        let required = stated["required"] == true;
        if name.eq_ignore_ascii_case("apiKey") {
            operation.api_key = Some(if required {
                Mark::Required
            } else {
                Mark::Optional
            });
            return Ok(());
        }
        if operation.parameter(name).is_some() {
            return Ok(());
        }
        let schema = if stated.get("schema").is_some() {
            &stated["schema"]
        } else {
            // A parameter may state its type by way of a media type.
            let content = stated["content"].as_object().into_iter().flatten().next();
            content.map_or(&Value::Null, |(_, media)| &media["schema"])
        };
        let mut described = self.schemas.describe(schema, schema, place)?;
        if let Some(constant) = stated.get("x-constant") {
            described.default = Some(schema::text(constant));
        }
        let examples = &stated["examples"];
        let named = examples.as_object().into_iter().flatten();
        let values = named.map(|(_, example)| &example["value"]);
        described
            .examples
            .extend(values.chain(stated.get("example")).map(schema::text));
        let location = stated["in"].as_str().unwrap_or("query");
        add(operation, name, location, required, described);
        Ok(())
    }

    fn body(&self, operation: &mut Operation, body: &Value, place: &str) -> Result<(), Broken> {
        let Some((kind, media)) = body["content"].as_object().into_iter().flatten().next() else {
            return Ok(());
        };
        let location = match kind.as_str() {
            "application/x-www-form-urlencoded" => "form",
            "multipart/form-data" => {
                operation.notes.insert("its form is multipart".into());
                "form"
            }
            _ => "body",
        };
        let schema = self
            .schemas
            .resolve(&media["schema"], &media["schema"], place)?;
        let required = strings(&schema["required"]);
        let properties = schema["properties"].as_object();
        if properties.is_none() {
            operation
                .notes
                .insert(format!("its body ({kind}) has no named parts"));
        }
        for (name, property) in properties.into_iter().flatten() {
            let mut described = self.schemas.describe(property, schema, place)?;
            if let Some(constant) = property.get("x-constant") {
                described.default = Some(schema::text(constant));
            }
            add(
                operation,
                name,
                location,
                required.contains(&name.as_str()),
                described,
            );
        }
        Ok(())
    }

    fn answer(
        &self,
        operation: &mut Operation,
        responses: &Value,
        place: &str,
    ) -> Result<(), Broken> {
        let found = ["200", "201", "2XX", "default"]
            .iter()
            .find_map(|status| responses.get(*status));
        let Some(response) = found else {
            return Ok(());
        };
        let response = self.schemas.resolve(response, response, place)?;
        let content = response["content"].as_object();
        let media = content.and_then(|content| {
            let json = content.iter().find(|(kind, _)| kind.contains("json"));
            json.or_else(|| content.iter().next())
        });
        if let Some((_, media)) = media {
            let schema = &media["schema"];
            if schema.is_object() {
                self.schemas.outline(schema, place, &mut operation.answer)?;
            } else if let Some(example) = media.get("example") {
                operation.answer = super::sample::read(&example.to_string()).fields;
            }
        }
        Ok(())
    }
}

fn add(
    operation: &mut Operation,
    name: &str,
    location: &str,
    required: bool,
    described: Described,
) {
    for loss in described.losses {
        operation.notes.insert(format!("`{name}`: {loss}"));
    }
    operation.parameters.push(Parameter {
        name: name.to_owned(),
        required,
        sample_only: false,
        location: Some(location.to_owned()),
        kind: described.kind,
        values: described.values,
        examples: described.examples,
        default: described.default,
        minimum: described.minimum,
        maximum: described.maximum,
    });
}

fn rate_limit(stated: &Value) -> Option<RateLimit> {
    let number = |key: &str| {
        stated[key]
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    };
    Some(RateLimit {
        requests_per_minute: number("requests-per-minute")?,
        block_minutes: number("block-minutes"),
    })
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}
