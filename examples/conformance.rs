//! A server with the tools, prompts and resources that the protocol's own suite of conformance asks for, served by the
//! transport of this program: what the suite cannot see of OpManager's tools it sees of it here. `tests/conformance/run`
//! starts it.

#![allow(
    deprecated,
    missing_docs,
    reason = "the suite asks for what the older protocol had, and nobody else uses this"
)]

use std::time::Duration;

use opmanager_mcp_server::transport::http;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, CompleteRequestParams,
    CompleteResult, CompletionInfo, ElicitResult, GetPromptRequestParams, GetPromptResponse,
    GetPromptResult, Implementation, InputRequests, InputRequiredResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, LoggingLevel,
    LoggingMessageNotificationParam, PaginatedRequestParams, ProgressNotificationParam, Prompt,
    ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Resource,
    ResourceTemplate, ServerCapabilities, ServerConfig, SetLevelRequestMethod,
    SetLevelRequestParams, SubscribeRequestParams, Tool, UnsubscribeRequestParams,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One red point.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
/// No sound at all.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";
/// How long the tools take that tell something on the way.
const A_WHILE: Duration = Duration::from_millis(50);

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let listener = http::listen(([127, 0, 0, 1], 0).into())?;
    #[allow(clippy::print_stdout, reason = "the script reads it")]
    {
        println!("listening on http://{}/mcp", listener.local_addr()?);
    }
    http::serve_other(Fixture, listener).await
}

#[derive(Clone)]
struct Fixture;

/// What JSON says, as the library has it.
fn from<T: DeserializeOwned>(json: Value) -> Result<T, ErrorData> {
    serde_json::from_value(json).map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

fn unknown(what: &str) -> ErrorData {
    ErrorData::invalid_params(format!("unknown {what}"), None)
}

fn tools() -> Result<Vec<Tool>, ErrorData> {
    let plain = [
        "test_simple_text",
        "test_image_content",
        "test_audio_content",
        "test_embedded_resource",
        "test_multiple_content_types",
        "test_tool_with_logging",
        "test_error_handling",
        "test_tool_with_progress",
        "test_missing_capability",
        "test_streaming_elicitation",
        "test_logging_tool",
        "test_input_required_result_elicitation",
        "test_input_required_result_sampling",
        "test_input_required_result_list_roots",
        "test_input_required_result_request_state",
        "test_input_required_result_multiple_inputs",
        "test_input_required_result_multi_round",
        "test_input_required_result_tampered_state",
        "test_input_required_result_capabilities",
    ];
    let object = json!({ "type": "object", "properties": {} });
    let dialect = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": { "properties": { "contactMethod": { "const": "phone" } }, "required": ["contactMethod"] },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    });
    let mirrored = json!({
        "type": "object",
        "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
        "required": ["region"],
    });
    plain
        .iter()
        .map(|name| (*name, &object))
        .chain([
            ("json_schema_2020_12_tool", &dialect),
            ("test_mirrored_argument", &mirrored),
        ])
        .map(|(name, schema)| {
            from(json!({ "name": name, "description": name, "inputSchema": schema }))
        })
        .collect()
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn image() -> Value {
    json!({ "type": "image", "data": PNG, "mimeType": "image/png" })
}

fn resource(uri: &str, kind: &str, text: &str) -> Value {
    json!({ "type": "resource", "resource": { "uri": uri, "mimeType": kind, "text": text } })
}

/// A question in a form of one field.
fn form(message: &str, field: &str, kind: &str) -> Value {
    json!({ "method": "elicitation/create", "params": {
        "mode": "form",
        "message": message,
        "requestedSchema": {
            "type": "object",
            "properties": { field: { "type": kind } },
            "required": [field],
        },
    } })
}

/// Something for the client's own model.
fn sampling(text: &str, tokens: u32) -> Value {
    json!({ "method": "sampling/createMessage", "params": {
        "messages": [{ "role": "user", "content": { "type": "text", "text": text } }],
        "maxTokens": tokens,
    } })
}

fn roots() -> Value {
    json!({ "method": "roots/list", "params": {} })
}

fn asks(requests: Value, state: Option<&str>) -> Result<InputRequiredResult, ErrorData> {
    let requests: InputRequests = from(requests)?;
    Ok(InputRequiredResult::new(
        Some(requests),
        state.map(str::to_owned),
    ))
}

/// What came back to the questions.
struct Answers<'a> {
    answers: Value,
    state: Option<&'a str>,
}

impl Answers<'_> {
    /// What a person wrote into the field of a form, if the answer is one.
    fn field(&self, question: &str, field: &str) -> Option<String> {
        let answer: ElicitResult = serde_json::from_value(self.answers[question].clone()).ok()?;
        let value = answer.content?[field].clone();
        Some(
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned),
        )
    }

    fn has(&self, questions: &[&str]) -> bool {
        questions
            .iter()
            .all(|question| self.answers[question].is_object())
    }
}

/// What a tool answers once it has asked all that it asks for.
fn after_asking(
    tool: &str,
    answers: &Answers<'_>,
    client: &ClientCapabilities,
) -> Result<Result<Value, InputRequiredResult>, ErrorData> {
    let name = form("What is your name?", "name", "string");
    let asked = match tool {
        "test_input_required_result_elicitation" | "test_streaming_elicitation" => {
            match answers.field("user_name", "name") {
                Some(name) => return Ok(Ok(text(&format!("Hello, {name}!")))),
                None => asks(json!({ "user_name": name }), None),
            }
        }
        "test_input_required_result_sampling" => {
            let answer = &answers.answers["capital_question"]["content"]["text"];
            match answer.as_str() {
                Some(answer) => return Ok(Ok(text(answer))),
                None => {
                    let question = sampling("What is the capital of France?", 100);
                    asks(json!({ "capital_question": question }), None)
                }
            }
        }
        "test_input_required_result_list_roots" => {
            match answers.answers["client_roots"]["roots"].as_array() {
                Some(roots) => return Ok(Ok(text(&json!(roots).to_string()))),
                None => asks(json!({ "client_roots": roots() }), None),
            }
        }
        "test_input_required_result_request_state"
        | "test_input_required_result_tampered_state" => {
            match (answers.has(&["confirm"]), answers.state) {
                (false, _) => {
                    let question = form("Please confirm", "ok", "boolean");
                    asks(json!({ "confirm": question }), Some("a state"))
                }
                (true, Some("a state")) => return Ok(Ok(text("state-ok"))),
                (true, _) => return Err(unknown("state")),
            }
        }
        "test_input_required_result_multiple_inputs" => {
            if answers.has(&["user_name", "greeting", "client_roots"]) {
                return Ok(Ok(text("all is answered")));
            }
            let greeting = sampling("Generate a greeting", 50);
            let all = json!({ "user_name": name, "greeting": greeting, "client_roots": roots() });
            asks(all, Some("a state"))
        }
        "test_input_required_result_multi_round" => match answers.state {
            Some("second") if answers.has(&["step2"]) => return Ok(Ok(text("both are answered"))),
            Some("first") if answers.has(&["step1"]) => {
                let question = form("Step 2: What is your favorite color?", "color", "string");
                asks(json!({ "step2": question }), Some("second"))
            }
            _ => {
                let question = form("Step 1: What is your name?", "name", "string");
                asks(json!({ "step1": question }), Some("first"))
            }
        },
        "test_input_required_result_capabilities" => {
            let mut all = json!({});
            if client.sampling.is_some() {
                all["sampled"] = sampling("Say something", 50);
            }
            if client.elicitation.is_some() {
                all["asked"] = name;
            }
            asks(all, None)
        }
        _ => return Err(unknown("tool")),
    };
    asked.map(Err)
}

async fn contents(
    tool: &str,
    context: &RequestContext<RoleServer>,
) -> Result<Option<Value>, ErrorData> {
    Ok(Some(match tool {
        "test_simple_text" => json!([text("This is a simple text response for testing.")]),
        "test_image_content" => json!([image()]),
        "test_audio_content" => json!([{ "type": "audio", "data": WAV, "mimeType": "audio/wav" }]),
        "test_embedded_resource" => json!([resource(
            "test://embedded-resource",
            "text/plain",
            "This is an embedded resource content.",
        )]),
        "test_multiple_content_types" => json!([
            text("Multiple content types test:"),
            image(),
            resource(
                "test://mixed-content-resource",
                "application/json",
                r#"{"test":"data","value":123}"#,
            ),
        ]),
        "test_tool_with_logging" => {
            for words in [
                "Tool execution started",
                "Tool processing data",
                "Tool execution completed",
            ] {
                let message =
                    LoggingMessageNotificationParam::new(LoggingLevel::Info, words.into());
                let _ = context.peer.notify_logging_message(message).await;
                tokio::time::sleep(A_WHILE).await;
            }
            json!([text("logged")])
        }
        "test_tool_with_progress" => {
            for progress in [0.0, 50.0, 100.0] {
                if let Some(token) = context.meta.get_progress_token() {
                    let told = ProgressNotificationParam::new(token, progress).with_total(100.0);
                    let _ = context.peer.notify_progress(told).await;
                }
                tokio::time::sleep(A_WHILE).await;
            }
            json!([text("done")])
        }
        "test_logging_tool" | "json_schema_2020_12_tool" | "test_mirrored_argument" => {
            json!([text("done")])
        }
        "test_missing_capability" => {
            let client = context.client_capabilities().unwrap_or_default();
            if client.sampling.is_none() {
                let needed = ClientCapabilities::builder().enable_sampling().build();
                return Err(ErrorData::missing_required_client_capability(needed));
            }
            json!([text("sampling is there")])
        }
        _ => return Ok(None),
    }))
}

impl ServerHandler for Fixture {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_completions()
            .enable_logging()
            .enable_prompts()
            .enable_resources()
            .enable_tools()
            .build();
        ServerConfig::new(capabilities).with_server_info(Implementation::new("conformance", "0"))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools().ok()?.into_iter().find(|tool| tool.name == name)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools()?))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if request.name == "test_error_handling" {
            let told = text("This tool intentionally returns an error for testing");
            let result: rmcp::model::CallToolResult =
                from(json!({ "resultType": "complete", "content": [told], "isError": true }))?;
            return Ok(result.into());
        }
        let contents = match contents(&request.name, &context).await? {
            Some(contents) => contents,
            None => {
                let answers = Answers {
                    answers: json!(request.input_responses),
                    state: request.request_state.as_deref(),
                };
                let client = context.client_capabilities().unwrap_or_default();
                match after_asking(&request.name, &answers, &client)? {
                    Ok(content) => json!([content]),
                    Err(questions) => return Ok(questions.into()),
                }
            }
        };
        let result: rmcp::model::CallToolResult =
            from(json!({ "resultType": "complete", "content": contents }))?;
        Ok(result.into())
    }

    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let required = |name: &str| json!({ "name": name, "description": name, "required": true });
        let prompts: Vec<Prompt> = from(json!([
            { "name": "test_simple_prompt", "description": "plain" },
            {
                "name": "test_prompt_with_arguments",
                "description": "with arguments",
                "arguments": [required("arg1"), required("arg2")],
            },
            {
                "name": "test_prompt_with_embedded_resource",
                "description": "with a resource",
                "arguments": [required("resourceUri")],
            },
            { "name": "test_prompt_with_image", "description": "with an image" },
            { "name": "test_input_required_result_prompt", "description": "asks before" },
        ]))?;
        Ok(ListPromptsResult::with_all_items(prompts))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = json!(request.arguments);
        let argument = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
        let contents = match request.name.as_str() {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (one, two) = (argument("arg1"), argument("arg2"));
                vec![text(&format!(
                    "Prompt with arguments: arg1='{one}', arg2='{two}'"
                ))]
            }
            "test_prompt_with_embedded_resource" => {
                let words = "Embedded resource content for testing.";
                vec![
                    resource(&argument("resourceUri"), "text/plain", words),
                    text("Please process the embedded resource above."),
                ]
            }
            "test_prompt_with_image" => vec![image(), text("Please analyze the image above.")],
            "test_input_required_result_prompt" => {
                let answers = Answers {
                    answers: json!(request.input_responses),
                    state: None,
                };
                match answers.field("user_context", "context") {
                    Some(context) => vec![text(&format!("The context is {context}."))],
                    None => {
                        let question =
                            form("What context should the prompt use?", "context", "string");
                        return Ok(asks(json!({ "user_context": question }), None)?.into());
                    }
                }
            }
            _ => return Err(unknown("prompt")),
        };
        let messages: Vec<Value> = contents
            .into_iter()
            .map(|content| json!({ "role": "user", "content": content }))
            .collect();
        let result: GetPromptResult =
            from(json!({ "resultType": "complete", "messages": messages }))?;
        Ok(result.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resources: Vec<Resource> = from(json!([
            { "uri": "test://static-text", "name": "text", "mimeType": "text/plain" },
            { "uri": "test://static-binary", "name": "binary", "mimeType": "image/png" },
        ]))?;
        Ok(ListResourcesResult::with_all_items(resources))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let templates: Vec<ResourceTemplate> = from(json!([
            { "uriTemplate": "test://template/{id}/data", "name": "data", "mimeType": "application/json" },
        ]))?;
        Ok(ListResourceTemplatesResult::with_all_items(templates))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let template = uri
            .strip_prefix("test://template/")
            .and_then(|rest| rest.strip_suffix("/data"));
        let contents = match (uri, template) {
            ("test://static-text", _) => json!({
                "uri": uri, "mimeType": "text/plain",
                "text": "This is the content of the static text resource.",
            }),
            ("test://static-binary", _) => {
                json!({ "uri": uri, "mimeType": "image/png", "blob": PNG })
            }
            (_, Some(id)) => json!({
                "uri": uri, "mimeType": "application/json",
                "text": json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") }).to_string(),
            }),
            _ if newest(&context) => {
                let which = Some(json!({ "uri": uri }));
                return Err(ErrorData::invalid_params("unknown resource", which));
            }
            _ => return Err(ErrorData::resource_not_found("unknown resource", None)),
        };
        let result: ReadResourceResult = from(json!({
            "resultType": "complete", "contents": [contents], "ttlMs": 0, "cacheScope": "public",
        }))?;
        Ok(result.into())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let nothing = CompletionInfo::with_all_values(Vec::new());
        let nothing = nothing.map_err(|error| ErrorData::internal_error(error, None))?;
        Ok(CompleteResult::new(nothing))
    }

    async fn set_level(
        &self,
        _: SetLevelRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if newest(&context) {
            return Err(ErrorData::method_not_found::<SetLevelRequestMethod>());
        }
        Ok(())
    }

    async fn subscribe(
        &self,
        _: SubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }
}

/// Whether the request is one of the stateless protocol.
fn newest(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}
