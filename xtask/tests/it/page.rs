//! The reader of the vendor's page, on a page of ours with the defects of the real one.

use serde_json::{Value, json};
use xtask::facts::Facts;
use xtask::import::{self, Broken};

const PAGE: &str = include_str!("../fixtures/page.html");

fn read(page: &str) -> Result<Facts, Broken> {
    import::read(page.as_bytes(), "2026-01-31")
}

fn operation(id: &str) -> Value {
    let facts = read(PAGE).unwrap();
    let operation = facts.operations.iter().find(|o| o.id == id).unwrap();
    serde_json::to_value(operation).unwrap()
}

#[test]
fn a_page_gives_its_operations_in_the_order_of_their_names() {
    let facts = read(PAGE).unwrap();
    let operations: Vec<String> = facts
        .operations
        .iter()
        .map(|o| format!("{} {} {} {}", o.tag, o.method, o.path, o.id))
        .collect();
    assert_eq!(
        operations,
        [
            "Rooms GET /api/json/room/getRoom getRoom",
            "Lamps GET /api/json/lamp/listLamps listLamps",
            "Rooms GET /api/json/v2/room/listRooms listRooms",
            "Lamps POST /api/json/lamp/swapLamp replaceLamp",
            "Lamps POST /api/json/lamp/scheduleLamp scheduleLamp",
        ]
    );
}

#[test]
fn what_stands_before_the_operations_is_of_all() {
    let facts = read(PAGE).unwrap();
    let header_only: Vec<&str> = facts.header_only.iter().map(String::as_str).collect();
    assert_eq!(
        header_only,
        ["/api/json/lamp/addLamp", "/api/json/lamp/listLamps"]
    );
    let builds: Vec<&str> = facts.builds.iter().map(String::as_str).collect();
    assert_eq!(builds, ["127131", "128100"]);
    assert_eq!(facts.sources[0].captured, "2026-01-31");
    assert_eq!(facts.sources[0].sha256.len(), 64);
}

#[test]
fn a_broken_sample_and_a_parameter_without_a_row_are_taken_for_what_they_are() {
    assert_eq!(
        operation("listLamps"),
        json!({
            "id": "listLamps",
            "method": "GET",
            "path": "/api/json/lamp/listLamps",
            "tag": "Lamps",
            "api_key": "required",
            "parameters": [
                { "name": "kinds", "required": false, "examples": ["bulb", "led"] },
                { "name": "legacy", "required": false, "sample_only": true },
                { "name": "room", "required": false },
                { "name": "state", "required": false, "values": ["1", "2"] },
            ],
            "samples": ["/api/json/lamp/listLamps?room=Cellar&state=1&legacy=a b"],
            "answer": {
                "": "array",
                "[]": "object",
                "[].lamp": "string",
                "[].since": "integer",
                "[].watts": "integer",
            },
            "notes": ["a sample answer is not JSON: expected `,` or `}`"],
        })
    );
}

#[test]
fn rows_of_one_parameter_are_joined_and_close_a_list_only_together() {
    assert_eq!(
        operation("scheduleLamp"),
        json!({
            "id": "scheduleLamp",
            "method": "POST",
            "path": "/api/json/lamp/scheduleLamp",
            "tag": "Lamps",
            "parameters": [
                { "name": "day", "required": false, "examples": ["Monday", "Sunday"] },
                { "name": "how", "required": true, "values": ["Daily", "Once", "Weekly"] },
                { "name": "note", "required": false, "sample_only": true },
            ],
            "samples": ["/api/json/lamp/scheduleLamp?how=Daily&note="],
            "answer": { "": "object", "result": "object", "result.message": "string" },
            "notes": [
                "`day` has several rows; they are joined",
                "`how` has several rows; they are joined",
            ],
        })
    );
}

#[test]
fn names_joined_in_one_row_are_parameters_of_which_one_is_given() {
    assert_eq!(
        operation("replaceLamp"),
        json!({
            "id": "replaceLamp",
            "method": "POST",
            "path": "/api/json/lamp/swapLamp",
            "tag": "Lamps",
            "since": "127189",
            "api_key": "optional",
            "parameters": [
                { "name": "ipAddress", "required": false },
                { "name": "lampName", "required": false },
                { "name": "values", "required": true, "in": "form" },
            ],
            "one_of": [["ipAddress", "lampName"]],
            "samples": ["/api/json/lamp/swapLamp?lampName=x"],
            "answer": { "": "object" },
            "notes": [
                "a sample answer is not JSON: expected `:`",
                "one row names 2 parameters",
                "titled `replaceLamp`, requested as `swapLamp`",
            ],
        })
    );
}

#[test]
fn columns_are_found_by_their_headings() {
    assert_eq!(
        operation("listRooms"),
        json!({
            "id": "listRooms",
            "method": "GET",
            "path": "/api/json/v2/room/listRooms",
            "tag": "Rooms",
            "parameters": [
                { "name": "isToy", "required": true, "default": "true" },
                { "name": "rows", "required": false, "type": "integer", "minimum": 1, "maximum": 50 },
            ],
            "samples": ["/api/json/v2/room/listRooms"],
            "notes": ["no sample request has `isToy`, which is marked"],
        })
    );
}

#[test]
fn an_operation_that_stands_there_twice_is_one() {
    let room = operation("getRoom");
    assert_eq!(room["api_key"], "required");
    assert_eq!(room["deprecated"], true);
    assert_eq!(
        room["rate_limit"],
        json!({ "requests_per_minute": 50, "block_minutes": 2 })
    );
    assert_eq!(
        room["parameters"][1],
        json!({ "name": "room", "required": true, "values": ["a", "b"] })
    );
    assert_eq!(
        room["parameters"][3],
        json!({ "name": "third", "required": false, "type": "boolean" })
    );
    let twice = json!("it stands on the page twice; both are joined");
    assert!(room["notes"].as_array().unwrap().contains(&twice), "{room}");
}

#[test]
fn packed_pages_are_read() {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(PAGE.as_bytes()).unwrap();
    let packed = import::read(&packer.finish().unwrap(), "2026-01-31").unwrap();
    assert_eq!(packed, read(PAGE).unwrap());
}

/// No sentence of the page is in the facts.
#[test]
fn no_prose_is_taken_over() {
    let text = read(PAGE).unwrap().to_json();
    for prose in [
        "Says which",
        "Where it hangs",
        "The key",
        "One of them",
        "helpful",
        "internal",
    ] {
        assert!(PAGE.contains(prose), "{prose}");
        assert!(!text.contains(prose), "{prose}");
    }
}

#[test]
fn white_space_and_the_order_of_chapters_change_nothing() {
    let facts = read(PAGE).unwrap();
    let mut spaced = PAGE.replace('\n', "\n\n\t  ").replace("<div", " <div ");
    spaced = spaced.replace("</div>", "</div>\r\n");
    let (head, chapters) = PAGE
        .split_once("<div class=\"scroll-parent\">\n    <h1>Lamps")
        .unwrap();
    let (lamps, rooms) = chapters
        .split_once("<div class=\"scroll-parent\">\n    <h1>Rooms")
        .unwrap();
    let turned = format!("{head}<h1>Rooms{rooms}<h1>Lamps{lamps}");
    for page in [spaced, turned] {
        let other = read(&page).unwrap();
        assert_ne!(other.sources, facts.sources);
        assert_eq!(other.operations, facts.operations);
        assert_eq!(other.header_only, facts.header_only);
    }
}

#[test]
fn a_page_that_is_not_understood_is_refused_with_the_place() {
    let cases = [
        ("", "1:1", "the document is empty"),
        (
            "<html><p>Hello</p></html>",
            "1:1",
            "no operation is on this page",
        ),
    ];
    for (page, place, problem) in cases {
        let broken = read(page).unwrap_err();
        assert_eq!(broken.place, place);
        assert!(broken.problem.contains(problem), "{broken}");
    }
    let edits = [
        (
            "<b>how*</b>",
            "<b>how to do it*</b>",
            "65:35 (scheduleLamp)",
            "whose name is `how to do it*`",
        ),
        (
            "GET\n",
            "LOOK\n",
            "30:9 (listLamps)",
            "`LOOK` is no HTTP method",
        ),
        (
            "<p><b>Method: </b>get</p>",
            "",
            "110:5",
            "`getRoom` has no method",
        ),
        (
            "https://localhost:8060//api",
            "",
            "78:9",
            "`replaceLamp` has no sample request",
        ),
        (
            ">listLamps</h3>",
            ">All lamps</h3>",
            "29:9",
            "the title `All lamps`",
        ),
    ];
    for (from, to, place, problem) in edits {
        assert!(PAGE.contains(from), "{from}");
        let page = PAGE.replace(from, to);
        let broken = read(&page).unwrap_err();
        assert!(broken.problem.contains(problem), "{broken}");
        assert_eq!(broken.place, place, "{broken}");
    }
    let broken = import::read(b"<html>\n\xff", "2026-01-31").unwrap_err();
    assert_eq!(broken.place, "2:1");
    let broken = import::read(&[0x1f, 0x8b, 1, 2, 3], "2026-01-31").unwrap_err();
    assert!(broken.problem.contains("gunzip"), "{broken}");
}
