//! The simulator over real HTTP.
//!
//! Owns the tiny client that the tests share.

#![expect(clippy::expect_used, reason = "a test may fail by panicking")]

mod checks;
mod faults;
mod fleet;
mod limits;
mod operations;
mod shapes;
mod tls;
mod variants;
mod writes;

use std::ops::Deref;

use opmanager_simulator::{Options, Place, Simulator, contract, example_arguments};
use reqwest::{Client, ClientBuilder, Method, RequestBuilder, Response};
use serde_json::Value;

/// A simulator and a client for it.
struct Session {
    simulator: Simulator,
    client: Client,
}

impl Deref for Session {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        &self.simulator
    }
}

/// A client that ignores proxies of the environment.
fn client_builder() -> ClientBuilder {
    // The error says that another test was faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
}

async fn start() -> Session {
    start_with(Options::default()).await
}

async fn start_with(options: Options) -> Session {
    let simulator = Simulator::start(options)
        .await
        .expect("the simulator starts");
    Session {
        simulator,
        client: client_builder().build().expect("a client"),
    }
}

fn encode(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    char::from(byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

async fn json(response: Response) -> Value {
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

impl Session {
    /// A request without a key.
    fn bare(&self, method: &str, path_and_query: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client
            .request(method, format!("{}{path_and_query}", self.url()))
    }

    /// A request with its arguments where the contract places them; names it does not know go to the query.
    fn request(&self, id: &str, arguments: &[(&str, &str)]) -> RequestBuilder {
        let operation = contract()
            .iter()
            .find(|operation| operation.id == id)
            .expect("a known operation");
        let is_form = |name: &str| {
            operation
                .parameters
                .iter()
                .any(|other| other.name == name && other.place == Place::Form)
        };
        let (form, query): (Vec<_>, Vec<_>) = arguments
            .iter()
            .copied()
            .partition(|(name, _)| is_form(name));
        let request = self.bare(
            operation.method,
            &format!("{}?{}", operation.path, encode(&query)),
        );
        let request = request.header("apiKey", self.api_key());
        if form.is_empty() {
            return request;
        }
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encode(&form))
    }

    async fn send(&self, id: &str, arguments: &[(&str, &str)]) -> reqwest::Result<Response> {
        self.request(id, arguments).send().await
    }

    /// The body of an answer with status 200.
    async fn text(&self, id: &str, arguments: &[(&str, &str)]) -> String {
        let response = self.send(id, arguments).await.expect("an answer");
        assert_eq!(response.status(), 200, "{id}");
        response.text().await.expect("a body")
    }

    /// The JSON of an answer that is no error.
    async fn call(&self, id: &str, arguments: &[(&str, &str)]) -> Value {
        let body = self.text(id, arguments).await;
        let value: Value = serde_json::from_str(&body).expect("JSON");
        assert!(value.get("error").is_none(), "{id}: {body}");
        value
    }

    /// The `errorcode` of an answer that is an error; empty if it has none.
    async fn refusal(&self, id: &str, arguments: &[(&str, &str)]) -> String {
        let body = self.text(id, arguments).await;
        let value: Value = serde_json::from_str(&body).expect("JSON");
        assert!(value["error"]["message"].is_string(), "{id}: {body}");
        value["error"]["errorcode"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    async fn call_example(&self, id: &str) -> String {
        let example = example_arguments(id);
        let arguments: Vec<_> = example
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        self.text(id, &arguments).await
    }
}
