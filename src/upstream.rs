//! The one way from a tool to OpManager.
//!
//! Owns what one tool call may use of OpManager: how many requests at one time, until when, and that each is recorded.
//! Response bodies end here: a tool is given what it reduced them to. Knows no MCP and no tool.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::audit::{Audit, Exchange, Outcome};
use crate::foreign::Redact;
use crate::opmanager::{
    Admittance, Client, Connection, Error, Failure, Head, Http, Incoming, LARGEST_SHARE, Operation,
    OperationId, Place, Profile, RateEvent, RawResponse, Specification, plan_of,
};
use crate::result::{self, Expected, Plan, Read, Reader, Selection};

/// Requests of one call at one time.
const AT_ONCE_OF_A_CALL: usize = 4;
/// Requests of all calls at one time, beside one of each: a caller whose calls hang must not keep those of others from
/// sending any.
const AT_ONCE: usize = 64;
/// Largest body that is reduced on the thread of all calls, in bytes. It takes a few milliseconds.
const REDUCED_IN_PLACE: usize = 256 * 1024;
/// Larger bodies that are reduced at one time, beside it.
const REDUCED_AT_ONCE: usize = 2;

/// What all calls share.
pub(crate) struct Capacity {
    requests: Semaphore,
    /// A large body keeps a processor busy.
    reducing: Arc<Semaphore>,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            requests: Semaphore::new(AT_ONCE),
            reducing: Arc::new(Semaphore::new(REDUCED_AT_ONCE)),
        }
    }
}

/// A request that gave nothing to go on with.
#[derive(Debug)]
pub(crate) struct RequestError {
    /// What was to be sent.
    pub(crate) operation: OperationId,
    /// Why it failed.
    pub(crate) error: Error,
    /// What came all the same.
    pub(crate) received: Option<Received>,
}

/// Status and size of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// HTTP status.
    pub(crate) status: u16,
    /// Bytes of its body, unpacked.
    pub(crate) bytes: usize,
}

impl From<&RawResponse> for Received {
    fn from(raw: &RawResponse) -> Self {
        Self {
            status: raw.status,
            bytes: raw.body.len(),
        }
    }
}

impl RequestError {
    /// Whether every other request of the call would fail alike: there is no connection, or no time left.
    pub(crate) fn ends_the_call(&self) -> bool {
        match self.error {
            Error::Connect { .. }
            | Error::Tls { .. }
            | Error::Timeout { .. }
            | Error::Argument { .. }
            | Error::Setup(_) => true,
            Error::Interrupted { .. }
            | Error::TooLarge { .. }
            | Error::Expands { .. }
            | Error::Encoding
            | Error::SignIn { .. }
            | Error::HeldBack { .. }
            | Error::Refused(_)
            | Error::Shape(_) => false,
        }
    }
}

/// Everything that one tool call may use of OpManager. Lives as long as the call.
pub(crate) struct Session<'a> {
    client: Arc<Client>,
    http: &'a Http,
    profile: Option<Profile>,
    capacity: &'a Capacity,
    audit: &'a Audit,
    began: Instant,
    deadline: Instant,
    slots: Semaphore,
    /// The request that needs no place among those of all calls.
    first: Semaphore,
    sent: AtomicUsize,
    /// The responses so far: status of the last, size of all.
    received: Mutex<Option<Received>>,
}

impl<'a> Session<'a> {
    /// A session over a connection, with the certificates that the target policy accepts for it; `None` if it rejects the
    /// target, as it does again for each request. Its time begins now.
    pub(crate) fn new(
        http: &'a Http,
        connection: Connection,
        profile: Option<Profile>,
        capacity: &'a Capacity,
        audit: &'a Audit,
    ) -> Self {
        let began = Instant::now();
        Self {
            client: Arc::new(Client::new(http.clone(), connection)),
            http,
            profile,
            capacity,
            audit,
            began,
            deadline: began + http.limits().timeout,
            slots: Semaphore::new(AT_ONCE_OF_A_CALL),
            first: Semaphore::new(1),
            sent: AtomicUsize::new(0),
            received: Mutex::default(),
        }
    }

    /// Where it goes.
    pub(crate) fn connection(&self) -> &Connection {
        self.client.connection()
    }

    /// How its certificate is checked; `None` if the target policy rejects it.
    pub(crate) fn profile(&self) -> Option<Profile> {
        self.profile
    }

    /// The same for a workflow, which can send no other operations than it declares.
    pub(crate) fn upstream<W: Uses>(&self) -> Upstream<'_, W> {
        Upstream {
            session: self,
            of: PhantomData,
        }
    }

    /// What is known of all requests so far.
    pub(crate) fn exchange(&self) -> Exchange<'_> {
        let sent = self.sent.load(Ordering::Relaxed);
        let received = *self.received();
        Exchange {
            target: Some(self.client.connection().target()),
            profile: self.profile,
            status: received.map(|received| received.status),
            bytes: received.map(|received| received.bytes),
            time: (sent > 0).then(|| self.began.elapsed()),
            requests: None,
        }
    }

    /// How many requests were sent.
    pub(crate) fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }

    /// Sends one operation through `call` and reduces its response.
    pub(crate) async fn run<'s, R: Reduce>(
        &'s self,
        operation: &'static Specification,
        fresh: bool,
        call: impl FnOnce(&'s Client, bool) -> Pending<'s>,
        reduce: R,
    ) -> Result<R::Output, (Error, Option<Received>)> {
        let place = self.place(operation).await.map_err(|error| (error, None))?;
        let slots = async {
            // None of them is ever closed.
            let own = self.slots.acquire().await;
            let first = self.first.try_acquire();
            let shared = match first {
                Ok(_) => None,
                Err(_) => Some(self.capacity.requests.acquire().await),
            };
            (own, first, shared)
        };
        let _slots = tokio::time::timeout_at(self.deadline, slots)
            .await
            .map_err(|_| {
                place.unsent();
                (self.client.late(), None)
            })?;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let mut record = Record::new(self, operation);
        let received = Arriving::default();
        let exchange = async {
            let incoming = call(&self.client, fresh).await?;
            received
                .status
                .store(incoming.head.status, Ordering::Relaxed);
            if incoming.head.asked_again {
                place.asked_again();
            }
            if place.answered(incoming.head.rate) {
                self.limited(RateEvent::Lock, operation);
            }
            self.reduced(incoming, reduce, &received).await
        };
        #[cfg(feature = "otel")]
        let exchange = crate::audit::spans::of_request(
            operation,
            self.client.connection().target(),
            exchange,
            &received.status,
        );
        let reduced = tokio::select! {
            // What is known is told, if only just.
            biased;
            reduced = exchange => reduced,
            () = tokio::time::sleep_until(self.deadline) => Err(self.client.late()),
        };
        if let Some(received) = received.known() {
            record.received(received);
        }
        record.outcome = match &reduced {
            Ok(_) => Outcome::Success,
            Err(error) => outcome_of(error),
        };
        match &reduced {
            Err(error) if error.is_unsent() => place.unsent(),
            Err(error) if error.is_throttled() && place.refused() => {
                self.limited(RateEvent::Lock, operation);
            }
            _ => {}
        }
        reduced.map_err(|error| (error, record.received))
    }

    /// A place in the budget of its target, perhaps after a short wait.
    async fn place(&self, operation: &'static Specification) -> Result<Place<'_>, Error> {
        let waits = || self.limited(RateEvent::Wait, operation);
        let place = self.client.place(operation, self.deadline, waits).await;
        if let Err(Error::HeldBack { .. }) = place {
            self.limited(RateEvent::Refusal, operation);
        }
        place
    }

    fn limited(&self, event: RateEvent, operation: &'static Specification) {
        let target = self.connection().target();
        self.audit.limited(event, operation, target);
    }

    /// What a response is reduced to: one that is held as a whole, on a thread of its own if that takes long, as all calls
    /// share one; a larger one as it arrives.
    async fn reduced<R: Reduce>(
        &self,
        mut incoming: Incoming<'_>,
        mut reduce: R,
        received: &Arriving,
    ) -> Result<R::Output, Error> {
        let Head {
            operation,
            status,
            challenge,
            ..
        } = incoming.head;
        let success = (200..300).contains(&status);
        // What nobody may see is taken out of a whole response.
        let as_it_arrives = R::AS_IT_ARRIVES && operation.specification().only_members.is_empty();
        let most = match plan_of(operation).list {
            Some(_) if success && as_it_arrives => REDUCED_IN_PLACE,
            _ => result::HELD,
        };
        let whole = incoming.hold(most).await;
        received.bytes.store(incoming.bytes(), Ordering::Relaxed);
        if whole? {
            let raw = incoming.into_response().await?;
            let reduced = self.reduced_whole(raw, reduce).await;
            return reduced.map_err(|error| error.challenged(challenge));
        }
        if !success {
            // Nothing that explains a failure is as long as that.
            return Err(Error::from(Failure::Status { status }).challenged(challenge));
        }
        // A part of an answer without a list would be the wrong part.
        if !as_it_arrives || plan_of(operation).list.is_none() {
            return Err(Error::TooLarge { limit: most });
        }
        incoming.reserve(LARGEST_SHARE).await?;
        let beginning = incoming.take_held();
        let key = self.connection().key();
        let redact = |text: &str| key.redact(text);
        let mut reader = reduce.reader(plan_of(operation), &redact);
        let read = async {
            let mut read = reader.push(&beginning);
            while read.is_ok()
                && let Some(piece) = incoming.next().await?
            {
                received.bytes.store(incoming.bytes(), Ordering::Relaxed);
                read = reader.push(&piece);
            }
            Ok::<_, Error>(read.and_then(|()| reader.finish()))
        };
        let read = read.await?;
        match read {
            Ok(read) => reduce.conclude(read, received.known(), &self.client),
            Err(problem) => {
                let response = result::Received {
                    status,
                    content_type: incoming.head.content_type.as_deref(),
                    body: &beginning,
                    expected: Expected::Json,
                };
                let failure = result::failure(response, incoming.bytes(), problem);
                Err(self.client.tell_failure(failure).into())
            }
        }
    }

    /// What a response is reduced to that is here as a whole.
    async fn reduced_whole<R: Reduce>(
        &self,
        raw: RawResponse,
        reduce: R,
    ) -> Result<R::Output, Error> {
        if raw.body.len() <= REDUCED_IN_PLACE {
            return reduce.whole(&raw, &self.client);
        }
        let permit = self.capacity.reducing.clone().acquire_owned().await;
        let client = self.client.clone();
        let reducing = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            reduce.whole(&raw, &client)
        });
        match reducing.await {
            Ok(reduced) => reduced,
            // Nobody cancels it.
            Err(ended) => std::panic::resume_unwind(ended.into_panic()),
        }
    }

    fn received(&self) -> std::sync::MutexGuard<'_, Option<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a call ended that this error ended.
pub(crate) fn outcome_of(error: &Error) -> Outcome {
    match error {
        Error::Refused(_) | Error::SignIn { .. } => Outcome::Refused,
        Error::HeldBack { .. } => Outcome::HeldBack,
        _ => Outcome::NoAnswer,
    }
}

/// A request on its way.
pub(crate) type Pending<'a> = futures::future::BoxFuture<'a, Result<Incoming<'a>, Error>>;

/// What has come of a response.
#[derive(Default)]
struct Arriving {
    /// Its status; 0 as long as there is none.
    status: AtomicU16,
    bytes: AtomicUsize,
}

impl Arriving {
    fn known(&self) -> Option<Received> {
        let status = self.status.load(Ordering::Relaxed);
        (status > 0).then(|| Received {
            status,
            bytes: self.bytes.load(Ordering::Relaxed),
        })
    }
}

/// The record of a request, which is written even if the request is dropped.
struct Record<'a> {
    session: &'a Session<'a>,
    operation: &'static Specification,
    began: Instant,
    outcome: Outcome,
    received: Option<Received>,
}

impl<'a> Record<'a> {
    fn new(session: &'a Session<'_>, operation: &'static Specification) -> Self {
        Self {
            session,
            operation,
            began: Instant::now(),
            outcome: Outcome::Cancelled,
            received: None,
        }
    }

    fn received(&mut self, received: Received) {
        self.received = Some(received);
        let mut all = self.session.received();
        let before = all.map_or(0, |all| all.bytes);
        *all = Some(Received {
            status: received.status,
            bytes: before + received.bytes,
        });
    }
}

impl Drop for Record<'_> {
    fn drop(&mut self) {
        let exchange = Exchange {
            target: Some(self.session.connection().target()),
            profile: self.session.profile,
            status: self.received.map(|received| received.status),
            bytes: self.received.map(|received| received.bytes),
            time: Some(self.began.elapsed()),
            requests: None,
        };
        self.session
            .audit
            .request(self.operation, self.outcome, &exchange);
    }
}

/// Which operations a workflow may send.
pub(crate) trait Uses: Sized + Sync + 'static {
    /// All of them, at least one. Sending any other does not compile.
    const USES: &'static [OperationId];
}

/// What a workflow may use of OpManager.
pub(crate) struct Upstream<'a, W> {
    session: &'a Session<'a>,
    of: PhantomData<fn() -> W>,
}

impl<W: Uses> Upstream<'_, W> {
    /// Where it goes.
    pub(crate) fn connection(&self) -> &Connection {
        self.session.connection()
    }

    /// The steps of a connection one by one, to see which one fails. Nothing is sent.
    pub(crate) fn probe(&self) -> Result<Admittance, Error> {
        let connection = self.connection();
        self.session
            .http
            .probe(connection.target(), connection.trust())
    }

    /// Sends an operation that changes nothing and reduces its response.
    pub(crate) async fn read<O: Operation, R: Reduce>(
        &self,
        arguments: &O,
        reduce: R,
    ) -> Result<R::Output, RequestError> {
        self.send(arguments, false, reduce).await
    }

    /// Sends an operation that changes something, once, on a connection of its own.
    #[allow(dead_code, reason = "no workflow writes yet")]
    pub(crate) async fn write<O: Operation, R: Reduce>(
        &self,
        arguments: &O,
        reduce: R,
    ) -> Result<R::Output, RequestError> {
        self.send(arguments, true, reduce).await
    }

    async fn send<O: Operation, R: Reduce>(
        &self,
        arguments: &O,
        fresh: bool,
        reduce: R,
    ) -> Result<R::Output, RequestError> {
        const {
            assert!(
                declares(W::USES, O::ID),
                "a workflow sends only operations that it declares"
            );
        }
        let operation = O::ID.specification();
        self.session
            .run(
                operation,
                fresh,
                |client, fresh| Box::pin(client.send(arguments, fresh)),
                reduce,
            )
            .await
            .map_err(|(error, received)| RequestError {
                operation: O::ID,
                error,
                received,
            })
    }
}

const fn declares(uses: &[OperationId], operation: OperationId) -> bool {
    let mut at = 0;
    while at < uses.len() {
        if uses[at] as usize == operation as usize {
            return true;
        }
        at += 1;
    }
    false
}

/// What a response is reduced to. The body is gone when this returns.
pub(crate) trait Reduce: Send + 'static {
    /// What is left.
    type Output: Send + 'static;

    /// Whether it can be reduced as it arrives, by `reader` and `conclude`; else it must be held as a whole.
    const AS_IT_ARRIVES: bool = false;

    /// Judges and reduces a response that is here as a whole.
    ///
    /// # Errors
    ///
    /// The failure that it is.
    fn whole(self, raw: &RawResponse, client: &Client) -> Result<Self::Output, Error>;

    /// Reads one that arrives.
    fn reader<'a>(&'a mut self, plan: Plan<'a>, _redact: Redact<'a>) -> Reader<'a> {
        Reader::judge(plan)
    }

    /// What is left of one that was read to its end.
    ///
    /// # Errors
    ///
    /// That it does not fit.
    fn conclude(
        self,
        _read: Read,
        _received: Option<Received>,
        client: &Client,
    ) -> Result<Self::Output, Error>
    where
        Self: Sized,
    {
        Err(client.misfit("it is read as a whole only"))
    }
}

/// The text that a tool of one operation gives.
pub(crate) struct Shaped {
    /// Whether the operation changes nothing.
    pub(crate) read: bool,
    /// Words that may be given for codes in conditions.
    pub(crate) words: &'static [result::Words],
    /// What is wanted of a list.
    pub(crate) selection: Selection,
    /// What the operator allows.
    pub(crate) limits: result::Limits,
}

impl Shaped {
    fn plan<'a>(&self, plan: Plan<'a>) -> Plan<'a> {
        Plan {
            read: self.read,
            words: self.words,
            ..plan
        }
    }
}

impl Reduce for Shaped {
    type Output = String;
    const AS_IT_ARRIVES: bool = true;

    fn whole(self, raw: &RawResponse, client: &Client) -> Result<String, Error> {
        let key = client.connection().key();
        let redact = |text: &str| key.redact(text);
        let plan = self.plan(raw.plan());
        result::answer(raw.received(), plan, &self.selection, self.limits, &redact)
            .map_err(|failure| client.tell_failure(failure).into())
    }

    fn reader<'a>(&'a mut self, plan: Plan<'a>, redact: Redact<'a>) -> Reader<'a> {
        Reader::new(self.plan(plan), &self.selection, self.limits, redact)
    }

    fn conclude(self, read: Read, _: Option<Received>, _: &Client) -> Result<String, Error> {
        Ok(read.text)
    }
}

/// Nothing but whether it is a success, and how large.
pub(crate) struct Judged;

impl Reduce for Judged {
    type Output = Received;
    const AS_IT_ARRIVES: bool = true;

    fn whole(self, raw: &RawResponse, client: &Client) -> Result<Received, Error> {
        client.judge(raw)?;
        Ok(raw.into())
    }

    fn reader<'a>(&'a mut self, plan: Plan<'a>, _: Redact<'a>) -> Reader<'a> {
        Reader::judge(plan)
    }

    fn conclude(
        self,
        _: Read,
        received: Option<Received>,
        client: &Client,
    ) -> Result<Received, Error> {
        received.ok_or_else(|| client.misfit("nothing was received"))
    }
}

/// The items of the documented list, one at a time. Of each, the members that `T` names are decoded and the others
/// stepped over.
#[allow(
    dead_code,
    reason = "the workflows that need it come with the composite tools"
)]
pub(crate) struct Rows<S, T, F> {
    state: S,
    each: F,
    /// Why an item did not fit.
    misfit: Option<String>,
    of: PhantomData<fn(T)>,
}

#[allow(
    dead_code,
    reason = "the workflows that need it come with the composite tools"
)]
/// Folds the items of a list into a state; `each` ends early with [`ControlFlow::Break`].
pub(crate) fn rows<S, T, F>(state: S, each: F) -> Rows<S, T, F>
where
    S: Send + 'static,
    T: DeserializeOwned + 'static,
    F: FnMut(&mut S, T) -> ControlFlow<()> + Send + 'static,
{
    Rows {
        state,
        each,
        misfit: None,
        of: PhantomData,
    }
}

impl<S, T, F> Rows<S, T, F>
where
    S: Send + 'static,
    T: DeserializeOwned + 'static,
    F: FnMut(&mut S, T) -> ControlFlow<()> + Send + 'static,
{
    fn item(&mut self, item: &str) -> ControlFlow<()> {
        match serde_json::from_str(item) {
            Ok(row) => (self.each)(&mut self.state, row),
            Err(error) => {
                self.misfit = Some(error.to_string());
                ControlFlow::Break(())
            }
        }
    }
}

impl<S, T, F> Reduce for Rows<S, T, F>
where
    S: Send + 'static,
    T: DeserializeOwned + 'static,
    F: FnMut(&mut S, T) -> ControlFlow<()> + Send + 'static,
{
    type Output = S;
    const AS_IT_ARRIVES: bool = true;

    fn whole(mut self, raw: &RawResponse, client: &Client) -> Result<S, Error> {
        let list = result::rows(raw.received(), raw.plan(), &mut |item| self.item(item))
            .map_err(|failure| client.tell_failure(failure))?;
        let read = Read {
            list,
            ..Read::default()
        };
        self.conclude(read, None, client)
    }

    fn reader<'a>(&'a mut self, plan: Plan<'a>, _: Redact<'a>) -> Reader<'a> {
        Reader::rows(plan, Box::new(|item| self.item(item)))
    }

    fn conclude(self, read: Read, _: Option<Received>, client: &Client) -> Result<S, Error> {
        match self.misfit {
            None if read.list => Ok(self.state),
            None => Err(client.misfit("there is no list")),
            Some(words) => Err(client.misfit(&words)),
        }
    }
}

/// The whole answer as one value: of an object, the members that `T` names.
#[allow(
    dead_code,
    reason = "the workflows that need it come with the composite tools"
)]
pub(crate) struct One<T>(PhantomData<fn() -> T>);

/// Decodes the answer.
#[allow(
    dead_code,
    reason = "the workflows that need it come with the composite tools"
)]
pub(crate) fn one<T: DeserializeOwned + Send + 'static>() -> One<T> {
    One(PhantomData)
}

impl<T: DeserializeOwned + Send + 'static> Reduce for One<T> {
    type Output = T;

    fn whole(self, raw: &RawResponse, client: &Client) -> Result<T, Error> {
        let judged = client.judge(raw)?;
        match judged {
            result::Answer::Json(body) => serde_json::from_slice(&body),
            message @ result::Answer::Message(_) => serde_json::from_str(&message.into_json()),
        }
        .map_err(|error| client.misfit(&error.to_string()))
    }
}

#[cfg(test)]
mod rates;

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use futures::future::join_all;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::*;
    use crate::opmanager::types::GetDownDevicesArgs;
    use crate::opmanager::{ApiKey, Target, Trust};

    struct Reads;

    impl Uses for Reads {
        const USES: &'static [OperationId] = &[GetDownDevicesArgs::ID];
    }

    fn connection(port: u16) -> Connection {
        let key = ApiKey::new("k".repeat(32)).unwrap();
        let target = Target::parse("127.0.0.1", Some(port), Some(false)).unwrap();
        Connection::with(target, Trust::Verified, key)
    }

    #[tokio::test]
    async fn a_call_has_few_requests_at_one_time_and_another_call_is_not_kept_waiting() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (released, release) = watch::channel(0_usize);
        let (seen, mut arrived) = watch::channel(0_usize);
        let most = Arc::new(AtomicI64::new(0));
        let surplus = most.clone();
        tokio::spawn(async move {
            let mut number = 0;
            while let Ok((mut stream, _)) = listener.accept().await {
                number += 1;
                let (number, mut release, seen) = (number, release.clone(), seen.clone());
                let surplus = surplus.clone();
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head).await;
                    seen.send_modify(|seen| *seen += 1);
                    let open = *seen.borrow() - (*release.borrow()).min(*seen.borrow());
                    surplus.fetch_max(i64::try_from(open).unwrap(), Ordering::Relaxed);
                    let _ = release.wait_for(|released| *released >= number).await;
                    let reply =
                        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
                    let _ = stream.write_all(reply.as_bytes()).await;
                });
            }
        });
        let http = Http::default();
        let capacity = Capacity::default();
        let audit = Audit::none("x");
        let begin = || Session::new(&http, connection(port), None, &capacity, &audit);
        let (one, other) = (begin(), begin());
        let question = GetDownDevicesArgs::default();
        let upstream = one.upstream::<Reads>();
        let all = join_all((0..10).map(|_| upstream.read(&question, Judged)));
        let check = async {
            arrived
                .wait_for(|seen| *seen == AT_ONCE_OF_A_CALL)
                .await
                .unwrap();
            // A request of another call goes through the same server while those wait: had there been more of them,
            // they would have come before it.
            let upstream = other.upstream::<Reads>();
            let beside = upstream.read(&question, Judged);
            let release = async {
                arrived
                    .wait_for(|seen| *seen > AT_ONCE_OF_A_CALL)
                    .await
                    .unwrap();
                assert_eq!(
                    most.load(Ordering::Relaxed),
                    i64::try_from(AT_ONCE_OF_A_CALL).unwrap() + 1
                );
                released.send_replace(usize::MAX);
            };
            let (beside, ()) = tokio::join!(beside, release);
            beside.unwrap();
        };
        let (results, ()) = tokio::join!(all, check);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(one.sent(), 10);
        assert_eq!(one.exchange().bytes, Some(20));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_of_a_call_share_its_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let http = Http::default();
        let (capacity, audit) = (Capacity::default(), Audit::none("x"));
        let session = Session::new(&http, connection(port), None, &capacity, &audit);
        let upstream = session.upstream::<Reads>();
        let begin = Instant::now();
        let question = GetDownDevicesArgs::default();
        let first = upstream.read(&question, Judged).await.unwrap_err();
        let second = upstream.read(&question, Judged).await.unwrap_err();
        for failed in [first, second] {
            assert!(matches!(failed.error, Error::Timeout { .. }), "{failed:?}");
            assert!(failed.ends_the_call());
        }
        let limits = http.limits();
        assert!(
            begin.elapsed() < limits.timeout * 2,
            "each had a time of its own"
        );
        drop(listener);
    }
}
