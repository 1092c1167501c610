//! The rows of the adversarial plan again, over HTTP: the same tests, with another way to the program.

use std::process::Command;

use crate::support::TRANSPORT;

/// The groups that are run again. What is true of a call is true of it whatever way it came.
const GROUPS: [&str; 8] = ["hp", "tl", "rd", "rs", "rt", "ar", "pr", "sh"];

/// Tests that are about lines, standard input or a session, none of which HTTP has: why, and what is true instead.
const NOT_OVER_HTTP: [(&str, &str, &str); 12] = [
    (
        "pr_02_a_line_of_any_length_costs_no_more_than_one_that_is_allowed",
        "a body has a length, and is not read beyond what is allowed",
        "ht_08_a_body_is_read_no_further_than_what_is_allowed",
    ),
    (
        "pr_02_the_id_of_a_line_that_is_too_long_may_stand_at_its_end",
        "the status says it, and whoever waits needs no id",
        "ht_08_a_body_is_read_no_further_than_what_is_allowed",
    ),
    (
        "pr_02_a_message_may_be_as_long_as_the_operator_allows",
        "the same",
        "ht_08_a_body_may_be_as_long_as_the_operator_allows",
    ),
    (
        "ar_17_a_flood_of_arguments_is_more_than_a_message_may_be",
        "the same",
        "ht_08_a_body_is_read_no_further_than_what_is_allowed",
    ),
    (
        "pr_05_an_id_in_use_is_refused_and_the_answers_are_not_crossed",
        "ids belong to their request alone: clients share them without knowing",
        "cc_01_two_clients_with_the_same_ids_get_their_own_answers",
    ),
    (
        "pr_06_nothing_is_called_before_the_protocol_is_settled",
        "each request stands for itself, without a handshake",
        "ht_12_nothing_is_kept_between_requests",
    ),
    (
        "pr_06_a_session_is_initialized_once",
        "there is no session",
        "ht_12_nothing_is_kept_between_requests",
    ),
    (
        "pr_12_a_client_that_takes_no_answers_ends_the_program",
        "the program serves others too",
        "cc_09_a_client_that_leaves_takes_its_request_along",
    ),
    (
        "pr_12_a_client_that_takes_no_answers_from_the_start_ends_the_program",
        "the same",
        "cc_09_a_client_that_leaves_takes_its_request_along",
    ),
    (
        "pr_12_the_end_of_input_ends_a_call_that_hangs",
        "it is ended by a signal",
        "cc_07_a_call_that_never_ends_is_given_up_after_the_grace_period",
    ),
    (
        "ar_13_a_deletion_is_sent_only_after_a_person_has_accepted_it",
        "a client of the older protocols cannot be asked: its answer would come to whichever copy",
        "ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask",
    ),
    (
        "ar_13_a_call_that_is_cancelled_while_its_question_is_open_is_not_sent",
        "the same",
        "ar_13_an_older_client_over_http_counts_as_one_that_cannot_ask",
    ),
];

/// This very program with these arguments: what it says, if all goes well.
fn tests(arguments: &[&str]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments)
        .env(TRANSPORT, "http")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "over HTTP:\n{said}\n{complained}");
    said.into_owned()
}

#[test]
fn the_rows_of_the_other_groups_hold_over_http_too() {
    let listed = tests(&["--list", "--format", "terse"]);
    let named = |name: &str| {
        let end = format!("::{name}: test");
        listed.lines().any(|line| line.ends_with(&end))
    };
    for (name, _, instead) in NOT_OVER_HTTP {
        assert!(named(name) && named(instead), "{name}: {instead}");
    }
    let groups = GROUPS.map(|group| format!("::{group}_"));
    let in_groups = |line: &&str| groups.iter().any(|group| line.contains(group.as_str()));
    let rows = listed.lines().filter(in_groups).count();
    let mut arguments: Vec<&str> = groups.iter().map(String::as_str).collect();
    for (name, ..) in NOT_OVER_HTTP {
        arguments.extend(["--skip", name]);
    }
    let said = tests(&arguments);
    let expected = format!("{} passed; 0 failed; 0 ignored", rows - NOT_OVER_HTTP.len());
    assert!(said.contains(&expected), "{expected}:\n{said}");
}
