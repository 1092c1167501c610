//! The MCP server: the catalogue served over whatever transport.
//!
//! Owns what a client is told (capabilities, instructions, the list) and the path of a call: tier, check,
//! turn, send, judge. Holds no credential and no answer; knows no operation by name.

#![deny(clippy::disallowed_types)]

mod asked;
mod diagnose;
mod guard;
mod turns;

use std::sync::Arc;
use std::time::Instant;

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestMethod,
    CompleteRequestParams, CompleteResult, ContentBlock, CustomRequest, CustomResult,
    DiscoverResult, ErrorCode, Implementation, ListPromptsRequestMethod, ListPromptsResult,
    ListResourceTemplatesRequestMethod, ListResourceTemplatesResult, ListResourcesRequestMethod,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::opmanager::{ApiKey, Client, Error, Http, Profile, RawResponse};
use crate::result::{self, Answer, Judged, Plan, Selection};
use crate::tools::{self, CatalogueTool, Policy, arguments, outcome};
use asked::Asked;
pub use turns::CallLimits;
use turns::Turns;

/// How long a client may keep the list: it is fixed for the life of the process.
const LIST_TTL_MS: u64 = 3_600_000;
/// Longest name that is repeated to a caller.
const LONGEST_NAME: usize = 128;

/// How the server runs.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What is offered and run.
    pub policy: Policy,
    /// How many calls run and wait at one time.
    pub calls: CallLimits,
    /// How large an answer may be, and whether its strings are cleaned.
    pub result: result::Limits,
}

/// The server. Cloning it is cheap.
#[derive(Clone)]
pub struct OpManagerServer(Arc<Inner>);

struct Inner {
    settings: Settings,
    http: Http,
    listed: Vec<Tool>,
    turns: Turns,
    closing: CancellationToken,
    /// What calls panic with.
    #[cfg(test)]
    panic: Option<String>,
}

impl OpManagerServer {
    /// A server that lists what the settings say and calls over the given connections.
    pub fn new(settings: Settings, http: Http) -> Self {
        Self(Arc::new(Inner {
            listed: settings.policy.listed(),
            turns: Turns::new(settings.calls),
            settings,
            http,
            closing: CancellationToken::new(),
            #[cfg(test)]
            panic: None,
        }))
    }

    /// A server whose calls panic.
    #[cfg(test)]
    pub(crate) fn panicking(with: &str) -> Self {
        let Self(inner) = Self::new(Settings::default(), Http::default());
        let inner = Arc::into_inner(inner).unwrap();
        Self(Arc::new(Inner {
            panic: Some(with.to_owned()),
            ..inner
        }))
    }

    /// Cancelled to make running calls give up.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }

    /// The one way to an operation, whoever asks for it.
    async fn call(&self, tool: &CatalogueTool, given: tools::Arguments) -> CallToolResult {
        let name = tool.name();
        if let Err(reason) = self.0.settings.policy.allows(tool) {
            return failed(reason);
        }
        let arguments::Checked {
            connection,
            arguments,
            selection,
        } = match arguments::check(tool, given) {
            Ok(checked) => checked,
            Err(problems) => {
                tracing::info!(tool = name, outcome = "invalid arguments");
                return failed(problems.text(name));
            }
        };
        let profile = match self.0.http.admit(&connection) {
            Ok(profile) => profile,
            Err(error) => {
                tracing::info!(tool = name, outcome = "refused target");
                return failed(arguments::Problems::from(error).text(name));
            }
        };
        // Only what has been checked waits: what is large or wrong is gone by now.
        let Some(_turn) = self.0.turns.take().await else {
            tracing::warn!(tool = name, target = %connection.target(), outcome = "busy");
            return failed(self.0.turns.refusal());
        };
        #[cfg(test)]
        if let Some(text) = &self.0.panic {
            panic!("{text}");
        }
        let client = Client::new(self.0.http.clone(), connection);
        let started = Instant::now();
        let answer = (tool.entry().call)(&client, arguments).await;
        let target = client.connection().target();
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (status, bytes) = answer
            .as_ref()
            .map_or((0, 0), |raw| (raw.status, raw.body.len()));
        let key = client.connection().key();
        let text = answer.and_then(|raw| self.shape(&raw, tool, &selection, &client));
        let outcome = match &text {
            Ok(_) => "success",
            Err(Error::Refused(_)) => "refused",
            Err(_) => "no answer",
        };
        // What travels unprotected is worth an operator's look.
        if profile == Profile::Unverified || !target.tls() {
            tracing::warn!(tool = name, %target, trust = %profile, tls = target.tls(), status, bytes, milliseconds, outcome);
        } else {
            tracing::info!(tool = name, %target, trust = %profile, status, bytes, milliseconds, outcome);
        }
        match text {
            Err(error) => failed_without(
                key,
                outcome::failure(&error, tool.specification(), tool.access(), target),
            ),
            Ok(json) => {
                let mut remark = outcome::UNTRUSTED.to_owned();
                if let Some(trust) = outcome::trust_remark(profile, target) {
                    remark.push(' ');
                    remark.push_str(trust);
                }
                CallToolResult::success(vec![ContentBlock::text(json), ContentBlock::text(remark)])
            }
        }
    }
}

impl OpManagerServer {
    /// The text of a successful answer.
    fn shape(
        &self,
        raw: &RawResponse,
        tool: &CatalogueTool,
        selection: &Selection,
        client: &Client,
    ) -> Result<String, Error> {
        let specification = tool.specification();
        let plan = Plan {
            list: specification.list,
            markup: specification.markup,
        };
        let key = client.connection().key();
        let redact = |text: &str| key.redact(text);
        let judged =
            result::judge_shaped(raw.status, raw.content_type.as_deref(), &raw.body, |body| {
                result::shape(body, plan, selection, self.0.settings.result, &redact)
            })
            .map_err(|failure| client.redact(failure))?;
        Ok(match judged {
            Judged::Shaped(text) => text,
            Judged::Message(message) => {
                let message = key.redact(message).unwrap_or_else(|| message.to_owned());
                Answer::Message(&message).into_json()
            }
        })
    }
}

/// A failure whose text may repeat what OpManager said.
fn failed_without(key: &ApiKey, text: String) -> CallToolResult {
    failed(key.redact(&text).unwrap_or(text))
}

fn failed(text: String) -> CallToolResult {
    CallToolResult::error(vec![ContentBlock::text(text)])
}

/// Whether the caching hints of the newest protocol belong into a result.
fn caches(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

impl ServerHandler for OpManagerServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(
                Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                    .with_title("OpManager")
                    .with_description(env!("CARGO_PKG_DESCRIPTION")),
            )
            .with_instructions(include_str!("instructions.txt").trim())
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let mut result = DiscoverResult::from_server_info(
            self.supported_protocol_versions().into_owned(),
            self.get_info(),
        );
        result.ttl_ms = LIST_TTL_MS;
        result.cache_scope = CacheScope::Public;
        Ok(result)
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        if request.is_some_and(|request| request.cursor.is_some()) {
            return Err(ErrorData::invalid_params(
                "unknown cursor: the list has one page",
                None,
            ));
        }
        let mut result = ListToolsResult::with_all_items(self.0.listed.clone());
        if caches(&context) {
            result.ttl_ms = Some(LIST_TTL_MS);
            result.cache_scope = Some(CacheScope::Public);
        }
        Ok(result)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.listed.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let Some(asked) = Asked::of(&request.name, given, &self.0.settings.policy) else {
            let name: String = request
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_NAME)
                .collect();
            return Err(ErrorData::invalid_params(
                format!("unknown tool: {name}"),
                None,
            ));
        };
        let (name, access) = (asked.name(), asked.access());
        let running = self.run(asked);
        tokio::select! {
            result = guard::catch(name, access, running) => Ok(result.into()),
            // The reply of a cancelled call is not sent; dropping the call drops its request.
            () = context.ct.cancelled() => Err(ErrorData::internal_error("cancelled", None)),
            () = self.0.closing.cancelled() => Err(ErrorData::internal_error("the server is closing", None)),
        }
    }

    // rmcp takes a known method whose parameters it cannot read for an unknown one.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        Err(match request.method.as_str() {
            "initialize" | "ping" | "server/discover" | "tools/call" | "tools/list" => {
                ErrorData::invalid_params("the parameters are not those of this method", None)
            }
            _ => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "unknown method", None),
        })
    }

    // rmcp answers these with empty lists unless told otherwise, although nothing of the kind is declared.
    async fn list_prompts(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListPromptsRequestMethod>())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Err(ErrorData::method_not_found::<ListResourcesRequestMethod>())
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Err(ErrorData::method_not_found::<
            ListResourceTemplatesRequestMethod,
        >())
    }

    async fn complete(
        &self,
        _: CompleteRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        Err(ErrorData::method_not_found::<CompleteRequestMethod>())
    }
}
