//! What README.md says in numbers: the default list, and a table with the tokens of answers, measured.

use std::fmt::Write as _;

use opmanager_mcp_server::opmanager::{ApiKey, Client, Connection, Http, Target, Trust, types};
use opmanager_mcp_server::tools::{self, Access};
use opmanager_simulator::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::support::bodies;
use crate::support::{Session, at, simulator};

use super::{between_marks, thousands, tools::list};

#[test]
fn what_is_said_of_the_default_list_is_true() {
    let (count, tokens) = list(&[], Access::Read);
    let (operations, rounded) = (tools::operations().count(), tokens.next_multiple_of(100));
    let sentence = format!(
        "Every listed tool costs context. So {count} tools are listed by default, for about {} tokens; three of them find,\n\
         describe and call every one of {operations} operations: those of the vendor's REST API page, and others that newer\n\
         pages, real servers and programs of others show.\n",
        thousands(rounded)
    );
    between_marks("default", &sentence);
}

#[tokio::test]
async fn the_token_table_is_what_is_measured() {
    between_marks("tokens", &tokens().await);
}

/// A row for each call: the tokens of OpManager's answer as it came, and of what the model gets of it.
async fn tokens() -> String {
    let simulator = simulator().await;
    let mut session = Session::start(&[]).await;
    let target = Target::parse(&simulator.host(), None, Some(false)).unwrap();
    let key = ApiKey::new(simulator.api_key().to_owned()).unwrap();
    let client = Client::new(
        Http::default(),
        Connection::with(target, Trust::Verified, key),
    );
    let summary = types::GetDeviceSummaryArgs {
        name: "core-sw-01".parse().unwrap(),
        router_id: None,
        snap_type: None,
    };
    let text = |raw: opmanager_mcp_server::opmanager::RawResponse| {
        String::from_utf8(raw.body.to_vec()).unwrap()
    };
    let alarms = text(
        client
            .call_raw(&types::ListAlarmsArgs::default())
            .await
            .unwrap(),
    );
    let summary = text(client.call_raw(&summary).await.unwrap());
    let events = text(
        client
            .call_raw(&types::ListEventsArgs::default())
            .await
            .unwrap(),
    );
    let graphs_of = json!({ "interfaceName": "IF-rtr-01-1010", "graphName": "traffic", "period": "Last_30_Days" });
    let graphs = text(
        client
            .call_raw(
                &serde_json::from_value::<types::GetInterfaceGraphsArgs>(graphs_of.clone())
                    .unwrap(),
            )
            .await
            .unwrap(),
    );
    let devices = bodies::devices(10_000);
    let interfaces = bodies::interfaces(2500);

    let encoding = tiktoken_rs::o200k_base().unwrap();
    let count = |text: &str| encoding.encode_ordinary(text).len();
    let mut table = String::from(
        "| call | bytes | tokens, as OpManager answers | tokens, as the model gets it |\n| --- | ---: | ---: | ---: |\n",
    );
    for (tool, given, shown, raw) in [
        ("list_alarms", json!({}), "", &alarms),
        (
            "list_alarms",
            json!({ "fields": "entity,displayName,severity,message" }),
            ", `fields` entity, displayName, severity, message",
            &alarms,
        ),
        (
            "list_alarms",
            json!({ "count_by": "severity" }),
            ", `count_by` severity",
            &alarms,
        ),
        ("list_devices", json!({}), ", 10,000 devices", &devices),
        (
            "list_devices",
            json!({ "fields": "deviceName,statusNum,ipaddress" }),
            ", 10,000 devices, `fields` deviceName, statusNum, ipaddress",
            &devices,
        ),
        (
            "get_device_summary",
            json!({ "name": "core-sw-01" }),
            "",
            &summary,
        ),
        (
            "list_interfaces",
            json!({ "sort": "-inTraffic", "limit": 5, "fields": "interfaceName,displayName,inTraffic" }),
            ", the five busiest of 2,500: `sort` -inTraffic, `limit` 5, three `fields`",
            &interfaces,
        ),
        (
            "get_interface_graphs",
            crate::support::merge(
                graphs_of,
                json!({ "fields": "graphData.seriesname,graphData.data.p95,graphData.data.unit" }),
            ),
            ", the 95th percentiles of a month: `fields` of the summaries",
            &graphs,
        ),
        ("list_events", json!({}), "", &events),
        ("list_events", json!({ "limit": 1 }), ", `limit` 1", &events),
    ] {
        let reply = shaped(&mut session, &simulator, tool, given, raw).await;
        writeln!(
            table,
            "| `{tool}`{shown} | {} | {} | {} |",
            thousands(raw.len()),
            thousands(count(raw)),
            thousands(count(&reply))
        )
        .unwrap();
    }
    table
}

/// All that a model reads of the result of a call that OpManager answers like this.
async fn shaped(
    session: &mut Session,
    simulator: &opmanager_simulator::Simulator,
    tool: &str,
    given: Value,
    raw: &str,
) -> String {
    simulator.inject(Fault::once(FaultKind::Respond {
        status: 200,
        content_type: Some("application/json".to_owned()),
        headers: Vec::new(),
        body: raw.as_bytes().to_vec(),
    }));
    let reply = session.call(tool, at(simulator, given)).await;
    assert!(!reply.failed, "{}", reply.text());
    reply.texts.join("\n")
}
