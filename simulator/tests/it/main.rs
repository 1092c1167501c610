//! The simulator over real HTTP.
//!
//! Owns the tiny client that the tests share.

mod checks;
mod faults;
mod operations;
mod shapes;
mod tls;
mod writes;

use opmanager_simulator::{Options, Place, Simulator, contract, example_arguments};
use reqwest::{Client, ClientBuilder, Method, Response};
use serde_json::Value;

/// A client that ignores proxies of the environment.
fn client_builder() -> ClientBuilder {
    // The error says that another test was faster.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy()
}

async fn start() -> Simulator {
    Simulator::start(Options::default()).await.expect("the simulator starts")
}

fn encode(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
                _ => format!("%{byte:02X}"),
            })
            .collect()
    };
    pairs.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
}

/// Sends arguments where the contract places them; names it does not know go to the query.
async fn send(simulator: &Simulator, id: &str, arguments: &[(&str, &str)]) -> reqwest::Result<Response> {
    let operation = contract().iter().find(|operation| operation.id == id).expect("a known operation");
    let is_form =
        |name: &str| operation.parameters.iter().any(|other| other.name == name && other.place == Place::Form);
    let (form, query): (Vec<_>, Vec<_>) = arguments.iter().copied().partition(|(name, _)| is_form(name));
    let url = format!("{}{}?{}", simulator.url(), operation.path, encode(&query));
    let method = Method::from_bytes(operation.method.as_bytes()).expect("a method");
    let client = client_builder().build()?;
    let mut request = client.request(method, url).header("apiKey", simulator.api_key());
    if !form.is_empty() {
        request = request.header("content-type", "application/x-www-form-urlencoded").body(encode(&form));
    }
    request.send().await
}

/// The body of an answer with status 200.
async fn text(simulator: &Simulator, id: &str, arguments: &[(&str, &str)]) -> String {
    let response = send(simulator, id, arguments).await.expect("an answer");
    assert_eq!(response.status(), 200, "{id}");
    response.text().await.expect("a body")
}

/// The JSON of an answer that is no error.
async fn call(simulator: &Simulator, id: &str, arguments: &[(&str, &str)]) -> Value {
    let body = text(simulator, id, arguments).await;
    let value: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{id}: {error}: {body}"));
    assert!(value.get("error").is_none(), "{id}: {body}");
    value
}

/// The `error` of an answer with status 200.
async fn refusal(simulator: &Simulator, id: &str, arguments: &[(&str, &str)]) -> Value {
    let body = text(simulator, id, arguments).await;
    let value: Value = serde_json::from_str(&body).expect("JSON");
    assert!(value["error"]["message"].is_string(), "{id}: {body}");
    value["error"].clone()
}

fn examples(id: &str) -> Vec<(&'static str, String)> {
    example_arguments(id)
}

async fn call_example(simulator: &Simulator, id: &str) -> String {
    let example = examples(id);
    let arguments: Vec<_> = example.iter().map(|(name, value)| (*name, value.as_str())).collect();
    text(simulator, id, &arguments).await
}
