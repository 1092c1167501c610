//! Who calls, where a transport knows it.
//!
//! Owns what a transport hands over beside a message: the caller's name for the log, the connection where that
//! comes with the request and not with the arguments, and the room that the message takes until it is checked.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::service::RequestContext;
use tokio_util::sync::CancellationToken;

use super::turns::Turn;
use crate::tools::Bound;
use crate::tools::arguments::ConnectionInput;

/// What a caller's bearer token permits.
pub(crate) struct Grant {
    /// The caller's name, for the log.
    pub(crate) name: String,
    /// What the caller can reach of the server's tools.
    pub(crate) bound: Bound,
    /// Cancelled when the token is taken away: calls that run under it end.
    pub(crate) withdrawn: CancellationToken,
}

impl Grant {
    /// A grant that is not withdrawn.
    pub(crate) fn new(name: String, bound: Bound) -> Self {
        Self {
            name,
            bound,
            withdrawn: CancellationToken::new(),
        }
    }
}

/// Who calls. A transport puts it, in an [`Arc`], among the extensions of the HTTP request.
pub struct Caller {
    name: String,
    /// By whose share its calls are counted.
    counted_as: Arc<str>,
    /// Holds a key: it is never printed.
    connection: Mutex<ConnectionInput>,
    room: Mutex<Option<Turn>>,
    /// `None` where callers need no token.
    grant: Option<Arc<Grant>>,
}

impl Caller {
    /// A caller of that name, by whose share its calls are counted, with the connection that came with the request,
    /// and the room for its message.
    pub(crate) fn new(
        name: String,
        counted_as: Arc<str>,
        connection: ConnectionInput,
        room: Turn,
    ) -> Self {
        Self {
            name,
            counted_as,
            connection: Mutex::new(connection),
            room: Mutex::new(Some(room)),
            grant: None,
        }
    }

    /// The same caller, under a token.
    pub(crate) fn under(self, grant: Option<Arc<Grant>>) -> Self {
        Self { grant, ..self }
    }

    /// What its token permits; `None` where callers need no token.
    pub(super) fn grant(&self) -> Option<&Arc<Grant>> {
        self.grant.as_ref()
    }

    /// Who sent the request, if its transport says so.
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Option<Arc<Self>> {
        let parts = context.extensions.get::<http::request::Parts>()?;
        parts.extensions.get::<Arc<Self>>().cloned()
    }

    /// Name for the log.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// By whose share its calls are counted: a token's name, or an address or network.
    pub(super) fn counted_as(&self) -> &Arc<str> {
        &self.counted_as
    }

    /// The connection, once.
    pub(super) fn take_connection(&self) -> ConnectionInput {
        std::mem::take(
            &mut *self
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Gives the room back: what is left of the message has been checked, and is small.
    pub(super) fn leave_room(&self) {
        drop(
            self.room
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
    }
}
