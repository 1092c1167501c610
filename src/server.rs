//! The MCP server: the catalogue served over whatever transport.
//!
//! Owns what a client is told: capabilities, instructions, lists. Holds no credential and no answer; knows no
//! operation by name.

#![deny(clippy::disallowed_types)]

mod call;
mod caller;
mod confirm;
mod panics;
mod parameters;
mod resolve;
mod resources;
#[cfg(feature = "otel")]
mod spans;
mod turns;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    CompletionInfo, CustomRequest, CustomResult, DiscoverResult, ErrorCode, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    PromptMessage, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, Reference, Role, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use tokio_util::sync::CancellationToken;

use crate::audit::metrics::Metrics;
use crate::audit::{Exchange, Outcome};
use crate::opmanager::{Http, Zone};
use crate::result;
use crate::tools::wording::Wording;
pub(crate) use crate::tools::wording::{CONNECTION_HEADERS, SCOPE_HEADERS};
use crate::tools::{Policy, arguments, prompts};
use crate::upstream::Capacity;
pub use caller::Caller;
pub(crate) use caller::Grant;
use confirm::Confirmer;
pub use confirm::{Confirm, ConfirmTimeout};
pub(crate) use parameters::problem as parameter_problem;
use resolve::Resolved;
pub use turns::CallLimits;
pub(crate) use turns::Turns;

/// How long a client may keep the list: it is fixed for the life of the process.
const LIST_TTL_MS: u64 = 3_600_000;

/// Where a call's host and key come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Credentials {
    /// From the call's arguments.
    #[default]
    Arguments,
    /// From the request that brings the call: no tool takes them, and the model does not see them.
    Request,
    /// From the command line that makes one call.
    Flags,
}

/// How the server runs.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What is offered and run.
    pub policy: Policy,
    /// Where a call's connection comes from.
    pub credentials: Credentials,
    /// Whether a call that removes something asks for confirmation.
    pub confirm: Confirm,
    /// How long a person has to answer.
    pub confirm_timeout: ConfirmTimeout,
    /// How many calls run and wait at one time.
    pub calls: CallLimits,
    /// How large an answer may be, and whether its strings are cleaned.
    pub result: result::Limits,
    /// In which time zones servers are, as far as the operator says it.
    pub zones: Vec<Zone>,
}

/// The server. Cloning it is cheap.
#[derive(Clone)]
pub struct OpManagerServer(Arc<Inner>);

struct Inner {
    settings: Settings,
    http: Http,
    listed: Vec<Tool>,
    turns: Turns,
    capacity: Capacity,
    metrics: Option<Arc<Metrics>>,
    closing: CancellationToken,
    /// What calls panic with.
    #[cfg(test)]
    panic: Option<String>,
}

impl OpManagerServer {
    /// A server that lists what the settings say and calls over the given connections.
    pub fn new(settings: Settings, http: Http) -> Self {
        Self(Arc::new(Inner {
            listed: listed(&settings.policy, settings.credentials),
            turns: Turns::new(settings.calls),
            capacity: Capacity::default(),
            settings,
            http,
            metrics: None,
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

    /// The same server, which counts its calls.
    pub(crate) fn with_metrics(self, metrics: Arc<Metrics>) -> Option<Self> {
        let inner = Arc::into_inner(self.0)?;
        Some(Self(Arc::new(Inner {
            metrics: Some(metrics),
            ..inner
        })))
    }

    /// What a caller may see and call: what the server was started with, within what its token permits.
    fn policy(&self, caller: Option<&Caller>) -> Cow<'_, Policy> {
        let policy = &self.0.settings.policy;
        match caller.and_then(Caller::grant) {
            Some(grant) if !grant.bound.is_none() => Cow::Owned(Policy {
                bound: grant.bound.clone(),
                ..policy.clone()
            }),
            _ => Cow::Borrowed(policy),
        }
    }

    /// A call with its connection, whatever way that came.
    fn connected(&self, resolved: Resolved, caller: Option<&Caller>) -> Resolved {
        match self.0.settings.credentials {
            Credentials::Arguments | Credentials::Flags => resolved,
            Credentials::Request => {
                let connection = caller.map(Caller::take_connection).unwrap_or_default();
                resolved.connected(connection, self.0.settings.policy.msp)
            }
        }
    }

    /// How callers give the connection.
    fn wording(&self) -> Wording {
        match self.0.settings.credentials {
            Credentials::Arguments => Wording::Arguments,
            Credentials::Request => Wording::Headers,
            Credentials::Flags => Wording::Flags,
        }
    }

    /// Cancelled to make running calls give up.
    pub(crate) fn closing(&self) -> CancellationToken {
        self.0.closing.clone()
    }
}

/// The definitions that clients are given.
fn listed(policy: &Policy, credentials: Credentials) -> Vec<Tool> {
    let mut listed = policy.listed();
    if credentials == Credentials::Request {
        for tool in &mut listed {
            tool.input_schema = Arc::new(arguments::without_connection(&tool.input_schema));
        }
    }
    listed
}

/// Whether a request is one of the newest protocol: there is no handshake, and results have hints for caches.
fn is_newest(context: &RequestContext<RoleServer>) -> bool {
    context
        .protocol_version()
        .is_some_and(|version| version.as_str() >= ProtocolVersion::V_2026_07_28.as_str())
}

/// Every list has one page.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    let cursor = request.and_then(|request| request.cursor);
    // Some clients send an empty one for none.
    if cursor.is_some_and(|cursor| !cursor.is_empty()) {
        return Err(ErrorData::invalid_params(
            "unknown cursor: the list has one page",
            None,
        ));
    }
    Ok(())
}

/// Who may keep a list. Under tokens each caller may be given another one.
fn cache_scope(context: &RequestContext<RoleServer>) -> CacheScope {
    match Caller::of(context).as_deref().and_then(Caller::grant) {
        Some(_) => CacheScope::Private,
        None => CacheScope::Public,
    }
}

/// A list's result. The types of the four lists have these fields in common, and no trait.
macro_rules! listing {
    ($result:ident, $items:expr, $context:expr) => {{
        let mut result = $result::with_all_items($items);
        if is_newest(&$context) {
            result.ttl_ms = Some(LIST_TTL_MS);
            result.cache_scope = Some(cache_scope(&$context));
        }
        result
    }};
}

impl ServerHandler for OpManagerServer {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_completions()
                .enable_prompts()
                .enable_resources()
                .enable_tools()
                .build(),
        )
        .with_server_info(
            Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
                .with_title("OpManager")
                .with_description(env!("CARGO_PKG_DESCRIPTION")),
        )
        .with_instructions(match self.0.settings.credentials {
            Credentials::Arguments | Credentials::Flags => concat!(
                include_str!("server/instructions/arguments.txt"),
                include_str!("server/instructions/all.txt")
            ),
            Credentials::Request => concat!(
                include_str!("server/instructions/request.txt"),
                include_str!("server/instructions/all.txt")
            ),
        })
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
        one_page(request)?;
        let caller = Caller::of(&context);
        let tools = match self.policy(caller.as_deref()) {
            Cow::Borrowed(_) => self.0.listed.clone(),
            Cow::Owned(policy) => listed(&policy, self.0.settings.credentials),
        };
        Ok(listing!(ListToolsResult, tools, context))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let CallToolRequestParams {
            name: tool,
            arguments,
            input_responses,
            request_state,
            ..
        } = request;
        let caller = Caller::of(&context);
        let given = arguments.unwrap_or_default();
        let policy = self.policy(caller.as_deref());
        let Some(resolved) = Resolved::of(&tool, given, &policy) else {
            // The name is not repeated: it may be a key in the wrong place.
            let close = policy.closest(&tool);
            return Err(ErrorData::invalid_params(
                format!("there is no such tool{close}"),
                None,
            ));
        };
        let resolved = self.connected(resolved, caller.as_deref());
        let access = resolved.access();
        let settings = &self.0.settings;
        let when = (settings.confirm, settings.confirm_timeout);
        let confirmer = Confirmer::of(when, &context, input_responses, request_state);
        let cancelled = context.ct.clone();
        let grant = caller.as_deref().and_then(Caller::grant).cloned();
        let withdrawn = async move {
            match grant {
                Some(grant) => grant.withdrawn.cancelled().await,
                None => std::future::pending().await,
            }
        };
        #[cfg(feature = "otel")]
        let span = spans::of_call(resolved.tool.name(), &context);
        // A call may wait for long, and what came beside its arguments may be large.
        drop((context, request.meta));
        let caller = caller.as_deref();
        let audit = self.audit(caller, resolved.tool);
        let answer = async {
            let target = OnceLock::new();
            // rmcp moves the future of a request from hand to hand; in a box it moves a pointer.
            let running = Box::pin(self.run(resolved, &confirmer, caller, &audit, &target));
            let (end, answer) = tokio::select! {
                // A call that was cancelled before its question was answered must not go on, though both be known at
                // the same time.
                biased;
                // The reply of a cancelled call is not sent; dropping the call drops its request.
                () = cancelled.cancelled() => {
                    (Outcome::Cancelled, Err(ErrorData::internal_error("cancelled", None)))
                }
                () = withdrawn => {
                    (Outcome::Cancelled, Err(ErrorData::internal_error("the token of this caller was withdrawn", None)))
                }
                response = panics::catch(running) => match response {
                    Some(response) => return Ok(response),
                    None => (Outcome::Panic, Ok(panics::panic_reply(access))),
                },
                () = self.0.closing.cancelled() => {
                    (Outcome::Cancelled, Err(ErrorData::internal_error("the server is closing", None)))
                }
            };
            let exchange = Exchange {
                target: target.get(),
                ..Exchange::default()
            };
            audit.call(end, &exchange);
            answer
        };
        #[cfg(feature = "otel")]
        let answer = spans::within(span, answer);
        answer.await
    }

    // rmcp takes a known method whose parameters it cannot read for an unknown one.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let known = match request.method.as_str() {
            "initialize" | "ping" if is_newest(&context) => None,
            method => parameter_problem(method, request.params.as_ref()),
        };
        Err(match known {
            Some(problem) => ErrorData::invalid_params(problem, None),
            None => ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "unknown method", None),
        })
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        one_page(request)?;
        Ok(listing!(ListPromptsResult, prompts::prompts(), context))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let given = request.arguments.unwrap_or_default();
        let caller = Caller::of(&context);
        let policy = self.policy(caller.as_deref());
        let (description, text) = prompts::text(&request.name, &given, &policy)
            .map_err(|problem| ErrorData::invalid_params(problem, None))?;
        let messages = vec![PromptMessage::new_text(Role::User, text)];
        Ok(GetPromptResult::new(messages)
            .with_description(description)
            .into())
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(request)?;
        Ok(listing!(ListResourcesResult, resources::listed(), context))
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        one_page(request)?;
        let templates = resources::templates();
        Ok(listing!(ListResourceTemplatesResult, templates, context))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = Caller::of(&context);
        let policy = self.policy(caller.as_deref());
        let Some(contents) = resources::read(&request.uri, &policy) else {
            return Err(resources::unknown(&request.uri, is_newest(&context)));
        };
        let mut result = ReadResourceResult::new(vec![contents]);
        if is_newest(&context) {
            result.ttl_ms = Some(LIST_TTL_MS);
            result.cache_scope = Some(cache_scope(&context));
        }
        Ok(result.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = Caller::of(&context);
        let policy = self.policy(caller.as_deref());
        let argument = request.argument;
        let values = match &request.r#ref {
            Reference::Resource(template)
                if template.uri == resources::OPERATION && argument.name == resources::ID =>
            {
                resources::ids(&argument.value, &policy)
            }
            // What these arguments may be is only known to an OpManager.
            Reference::Prompt(prompt) if prompts::takes(&prompt.name, &argument.name) => Vec::new(),
            _ => {
                let message = "there is no such resource template or prompt with this argument";
                return Err(ErrorData::invalid_params(message, None));
            }
        };
        let total = u32::try_from(values.len()).ok();
        let more = values.len() > CompletionInfo::MAX_VALUES;
        let first = values
            .into_iter()
            .take(CompletionInfo::MAX_VALUES)
            .collect();
        let completion = CompletionInfo::with_pagination(first, total, more)
            .map_err(|problem| ErrorData::internal_error(problem, None))?;
        Ok(CompleteResult::new(completion))
    }
}
