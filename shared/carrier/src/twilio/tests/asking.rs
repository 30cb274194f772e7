//! What became of a call: asking for one, for all between two numbers, and ending one.

use std::time::Duration;

use ringfence_core::call::CallStatus;

use super::*;

fn page_of(calls: &[String], next: Option<&str>) -> Answer {
    let next = next.map_or_else(|| "null".to_owned(), |uri| format!("\"{uri}\""));
    answer(
        200,
        &format!(
            r#"{{"calls":[{}],"next_page_uri":{next},"page":0}}"#,
            calls.join(",")
        ),
    )
}

async fn ask(answer: Answer) -> Asked {
    let script = script([answer]);
    let asked = twilio(&script).ask(&sid(SID)).await;
    let request = check_one_request(&script);
    assert_eq!(request.method(), Method::GET);
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{SID}.json");
    assert_eq!(request.uri().path_and_query().unwrap().as_str(), path);
    asked
}

fn sighting(sid_text: &str, status: CallStatus, second: u64) -> Sighting {
    Sighting {
        sid: sid(sid_text),
        status: Some(status),
        created_at: Some(MINUTE.after(Duration::from_secs(second))),
        duration_seconds: Some(7),
    }
}

#[tokio::test]
async fn a_known_call_is_described() {
    let busy = sighting(SID, CallStatus::Busy, 3);
    assert_eq!(
        ask(answer(200, &call(SID, "busy", 3))).await,
        Asked::Known(busy)
    );
}

#[tokio::test]
async fn a_status_that_we_do_not_know_is_still_a_known_call() {
    let Asked::Known(sighting) = ask(answer(200, &call(SID, "on-hold", 3))).await else {
        panic!("the call is known");
    };
    assert_eq!(sighting.status, None);
}

#[tokio::test]
async fn only_twilio_itself_can_say_that_there_is_no_such_call() {
    assert_eq!(ask(answer(404, r#"{"code":20404}"#)).await, Asked::NotFound);
    assert_eq!(
        ask(answer(404, "<html>no such host</html>")).await,
        Asked::Undecided
    );
    assert_eq!(
        ask(answer(200, r#"{"code":20404}"#)).await,
        Asked::Undecided
    );
}

#[tokio::test]
async fn an_answer_of_no_use_decides_nothing() {
    assert_eq!(ask(answer(200, "")).await, Asked::Undecided);
    assert_eq!(
        ask(answer(200, &call(OTHER, "completed", 0))).await,
        Asked::Undecided
    );
    assert_eq!(
        ask(answer(500, &call(SID, "completed", 0))).await,
        Asked::Undecided
    );
    assert_eq!(
        ask(answer(401, r#"{"code":20003}"#)).await,
        Asked::Undecided
    );
    assert_eq!(
        ask(answer(429, r#"{"code":20429}"#)).await,
        Asked::Undecided
    );
    assert_eq!(ask(Err(TransportError::NotSent)).await, Asked::Undecided);
    assert_eq!(ask(Err(TransportError::Unknown)).await, Asked::Undecided);
}

async fn find(script: &Script, since: Timestamp) -> Found {
    let order = order();
    twilio(script).find(&order.from, &order.to, since).await
}

fn after(seconds: u64) -> Timestamp {
    MINUTE.after(Duration::from_secs(seconds))
}

#[tokio::test]
async fn the_list_is_asked_for_by_both_numbers_and_no_time() {
    let script = script([page_of(&[], None)]);
    assert_eq!(find(&script, after(0)).await, Found::Calls(vec![]));
    assert_eq!(
        check_one_request(&script)
            .uri()
            .path_and_query()
            .unwrap()
            .as_str(),
        format!(
            "/2010-04-01/Accounts/{ACCOUNT}/Calls.json\
             ?From=%2B97231234567&To=%2B972501234567&PageSize=200"
        )
    );
}

#[tokio::test]
async fn a_list_keeps_what_is_recent_and_what_is_live() {
    let calls = [
        call(SID, "completed", 9),
        call(SID, "completed", 10),
        call(SID, "busy", 11),
        call(OTHER, "in-progress", 1),
        call(OTHER, "queued", 2),
        call(OTHER, "on-hold", 3),
    ];
    let script = script([page_of(&calls, None)]);
    // Twilio cuts 10.9 to 10, so 10 may be later than 10.5.
    let since = after(10).after(Duration::from_millis(500));
    let mut on_hold = sighting(OTHER, CallStatus::Queued, 3);
    on_hold.status = None;
    assert_eq!(
        find(&script, since).await,
        Found::Calls(vec![
            sighting(SID, CallStatus::Completed, 10),
            sighting(SID, CallStatus::Busy, 11),
            sighting(OTHER, CallStatus::InProgress, 1),
            sighting(OTHER, CallStatus::Queued, 2),
            on_hold,
        ])
    );
}

#[tokio::test]
async fn a_call_without_a_date_is_kept() {
    let undated = format!(r#"{{"sid":"{SID}","status":"completed"}}"#);
    let script = script([page_of(&[undated], None)]);
    let Found::Calls(calls) = find(&script, after(10)).await else {
        panic!("the list is complete");
    };
    assert_eq!(calls.len(), 1);
}

#[tokio::test]
async fn a_list_is_followed_to_its_end() {
    let first = page_of(
        &[call(SID, "busy", 11)],
        Some("/2010-04-01/next?Page=1&PageToken=PAx"),
    );
    let script = script([first, page_of(&[call(OTHER, "ringing", 1)], None)]);
    assert_eq!(
        find(&script, after(10)).await,
        Found::Calls(vec![
            sighting(SID, CallStatus::Busy, 11),
            sighting(OTHER, CallStatus::Ringing, 1),
        ])
    );
    let requests = script.requests.borrow();
    let next = requests[1].uri().to_string();
    assert_eq!(
        next,
        "https://api.twilio.com/2010-04-01/next?Page=1&PageToken=PAx"
    );
}

#[tokio::test]
async fn a_list_without_an_end_decides_nothing() {
    let endless = || page_of(&[call(SID, "ringing", 1)], Some("/2010-04-01/next"));
    let script = script((0..PAGES_MAX).map(|_| endless()));
    assert_eq!(find(&script, after(0)).await, Found::Undecided);
    assert_eq!(script.requests.borrow().len(), 5);
}

#[tokio::test]
async fn a_list_with_a_hole_decides_nothing() {
    let unnamed = r#"{"sid":"CA1","status":"ringing"}"#.to_owned();
    for answers in [
        vec![page_of(&[unnamed], None)],
        vec![page_of(&[], Some("/next")), Err(TransportError::Unknown)],
        vec![page_of(&[], Some("/next")), answer(500, "")],
        vec![answer(404, r#"{"code":20404}"#)],
        vec![answer(200, r#"{"next_page_uri":null}"#)],
    ] {
        assert_eq!(find(&script(answers), after(0)).await, Found::Undecided);
    }
}

#[tokio::test]
async fn a_list_does_not_lead_the_credentials_away() {
    let script = script([page_of(&[], Some("https://evil.example/next"))]);
    assert_eq!(find(&script, after(0)).await, Found::Undecided);
    assert_eq!(script.requests.borrow().len(), 1);
}

async fn end(script: &Script) -> Asked {
    twilio(script).end(&sid(SID)).await
}

#[tokio::test]
async fn a_live_call_is_ended() {
    let script = script([answer(200, &call(SID, "completed", 3))]);
    assert_eq!(
        end(&script).await,
        Asked::Known(sighting(SID, CallStatus::Completed, 3))
    );
    let request = check_one_request(&script);
    assert_eq!(
        (request.method(), body_of(&request)),
        (&Method::POST, "Status=completed")
    );
    let path = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{SID}.json");
    assert_eq!(request.uri().path(), path);
}

#[tokio::test]
async fn a_call_that_is_already_over_is_asked_about() {
    let over = answer(400, r#"{"code":21220,"status":400}"#);
    let script = script([over, answer(200, &call(SID, "no-answer", 3))]);
    assert_eq!(
        end(&script).await,
        Asked::Known(sighting(SID, CallStatus::NoAnswer, 3))
    );
    assert_eq!(script.requests.borrow()[1].method(), Method::GET);
}

#[tokio::test]
async fn a_failed_attempt_to_end_a_call_decides_nothing() {
    for refused in [
        answer(500, ""),
        answer(400, r#"{"code":20001}"#),
        Err(TransportError::Unknown),
    ] {
        let script = script([refused]);
        assert_eq!(end(&script).await, Asked::Undecided);
        check_one_request(&script);
    }
    assert_eq!(
        end(&script([answer(404, r#"{"code":20404}"#)])).await,
        Asked::NotFound
    );
}
