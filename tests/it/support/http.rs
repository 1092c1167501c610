//! Streamable HTTP as a client has it: a request on a connection of its own, or whatever bytes a test wants to send.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::PATIENCE;

/// The newest protocol, which is stateless.
pub(crate) const NEWEST: &str = "2026-07-28";

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// The one value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice: {self:?}");
        value
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The first text of a call's result.
    pub(crate) fn result_text(&self) -> String {
        let text = self.json()["result"]["content"][0]["text"].clone();
        text.as_str()
            .unwrap_or_else(|| panic!("{self:?}"))
            .to_owned()
    }

    /// Whether a call failed.
    pub(crate) fn failed(&self) -> bool {
        self.json()["result"]["isError"] == true
    }

    /// The messages in it: the body, or those of its events.
    pub(crate) fn messages(&self) -> Vec<String> {
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("application/json") {
            vec![self.text.trim_end().to_owned()]
        } else if kind.starts_with("text/event-stream") {
            let lines = self.text.lines();
            lines
                .filter_map(|line| line.strip_prefix("data:"))
                .map(|data| data.trim().to_owned())
                .filter(|data| !data.is_empty())
                .collect()
        } else {
            Vec::new()
        }
    }
}

/// The headers that a client of that protocol version sends with a message.
pub(crate) fn headers_for(message: &[u8], version: Option<&str>) -> Vec<(String, String)> {
    let message: Value = serde_json::from_slice(message).unwrap_or_default();
    let params = &message["params"];
    let own = params["_meta"]["io.modelcontextprotocol/protocolVersion"].as_str();
    let mut headers = vec![
        ("Content-Type".to_owned(), "application/json".to_owned()),
        (
            "Accept".to_owned(),
            "application/json, text/event-stream".to_owned(),
        ),
    ];
    if let Some(version) = own.or(version) {
        headers.push(("MCP-Protocol-Version".to_owned(), version.to_owned()));
    }
    if own.is_some_and(|own| own >= NEWEST) {
        for (name, value) in [
            ("Mcp-Method", &message["method"]),
            ("Mcp-Name", &params["name"]),
            ("Mcp-Name", &params["uri"]),
        ] {
            if let Some(value) = value.as_str() {
                let plain = value.bytes().all(|byte| byte.is_ascii_graphic());
                let coded = || format!("=?base64?{}?=", STANDARD.encode(value));
                let value = if plain { value.to_owned() } else { coded() };
                headers.push((name.to_owned(), value));
            }
        }
    }
    headers
}

/// A connection that is kept.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), address).await
    }

    /// The same from another address of this machine.
    #[cfg(target_os = "linux")]
    pub(crate) async fn open_from(local: std::net::Ipv4Addr, address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((local, 0).into()).unwrap();
        Self::over(socket.connect(address).await.unwrap(), address).await
    }

    async fn over(stream: TcpStream, address: SocketAddr) -> Self {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, address }
    }

    /// Sends a request; the body of its answer may come later. Dropping the connection drops the request.
    pub(crate) async fn begin(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> hyper::Result<Response<Incoming>> {
        let mut request = Request::builder().method(method).uri(path);
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request = request.header("Host", self.address.to_string());
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(body.into())).unwrap();
        self.sender.ready().await?;
        self.sender.send_request(request).await
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: impl Into<Bytes>,
    ) -> hyper::Result<Answer> {
        let response = self.begin(method, path, headers, body).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
                .collect(),
            text: text(&body),
        })
    }
}

/// A request on a connection of its own.
pub(crate) async fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: impl Into<Bytes>,
) -> Answer {
    let asking = async {
        let mut connection = Connection::open(address).await;
        connection.ask(method, path, headers, body).await
    };
    timeout(PATIENCE, asking)
        .await
        .expect("the server must answer")
        .expect("the server must not close the connection")
}

/// A message, with further headers; one of the usual names replaces the usual one.
pub(crate) async fn post(address: SocketAddr, more: &[(&str, &str)], message: &Value) -> Answer {
    let message = message.to_string();
    let mut headers = headers_for(message.as_bytes(), Some("2025-11-25"));
    for (name, value) in more {
        headers.retain(|(usual, _)| !usual.eq_ignore_ascii_case(name));
        headers.push(((*name).to_owned(), (*value).to_owned()));
    }
    ask(address, "POST", "/mcp", &headers, message).await
}

/// A page.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    ask(address, "GET", path, &[], "").await
}

/// Sends bytes and reads until the server closes the connection, or has closed its eyes to them.
pub(crate) async fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has read enough closes before everything is written.
    let _ = stream.write_all(bytes).await;
    let mut said = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut said))
        .await
        .expect("the server must close the connection");
    String::from_utf8_lossy(&said).into_owned()
}
