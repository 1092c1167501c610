//! HTTPS with each kind of certificate.

use opmanager_simulator::{Options, Simulator, Tls};
use reqwest::{Certificate, Client};

use crate::client_builder;

async fn start(tls: Tls) -> Simulator {
    Simulator::start(Options {
        tls,
        ..Options::default()
    })
    .await
    .expect("the simulator starts")
}

async fn get(simulator: &Simulator, client: &Client, host: &str) -> reqwest::Result<u16> {
    let url = format!(
        "https://{host}:{}/api/json/discovery/getDownDevices",
        simulator.address().port()
    );
    Ok(client
        .get(url)
        .header("apiKey", simulator.api_key())
        .send()
        .await?
        .status()
        .as_u16())
}

#[tokio::test]
async fn without_tls_there_is_no_certificate() {
    let simulator = start(Tls::None).await;
    assert!(simulator.url().starts_with("http://127.0.0.1:"));
    assert_eq!(
        (simulator.ca_pem(), simulator.certificate_sha256()),
        (None, None)
    );
}

#[tokio::test]
async fn a_self_signed_certificate_is_not_trusted() {
    let simulator = start(Tls::SelfSigned).await;
    assert!(simulator.url().starts_with("https://"));
    assert_eq!(simulator.ca_pem(), None);
    assert_eq!(
        simulator.certificate_sha256().map(|digits| digits.len()),
        Some(64)
    );
    let strict = client_builder().build().expect("a client");
    assert!(get(&simulator, &strict, "127.0.0.1").await.is_err());
    simulator.wait_until(|log| log.connections == 1).await;
    assert_eq!(
        (simulator.requests().len(), simulator.bytes_received()),
        (0, 0),
        "nothing was sent"
    );
    let careless = client_builder()
        .tls_danger_accept_invalid_certs(true)
        .build()
        .expect("a client");
    assert_eq!(
        get(&simulator, &careless, "127.0.0.1")
            .await
            .expect("an answer"),
        200
    );
    assert!(simulator.bytes_received() > 0);
}

#[tokio::test]
async fn a_certificate_of_the_authority_is_trusted_by_name_and_address() {
    let simulator = start(Tls::CaSigned).await;
    let authority = Certificate::from_pem(simulator.ca_pem().expect("an authority").as_bytes())
        .expect("a certificate");
    let client = client_builder()
        .tls_certs_only([authority])
        .build()
        .expect("a client");
    for host in ["127.0.0.1", "localhost"] {
        assert_eq!(
            get(&simulator, &client, host).await.expect("an answer"),
            200,
            "{host}"
        );
    }
    let strict = client_builder().build().expect("a client");
    assert!(get(&simulator, &strict, "127.0.0.1").await.is_err());
    let other = start(Tls::CaSigned).await;
    assert!(
        get(&other, &client, "127.0.0.1").await.is_err(),
        "every start has its own authority"
    );
    assert_ne!(simulator.certificate_sha256(), other.certificate_sha256());
}
