//! Who may ask, what is answered, and what is refused.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_call_resource_has_every_field_of_the_description() {
    let desk = Desk::calm();
    let created = desk.create("c=1", &[]).await;
    let sid = created.sid();
    let fields = [
        "sid",
        "date_created",
        "date_updated",
        "parent_call_sid",
        "account_sid",
        "to",
        "to_formatted",
        "from",
        "from_formatted",
        "phone_number_sid",
        "status",
        "start_time",
        "end_time",
        "duration",
        "price",
        "price_unit",
        "direction",
        "answered_by",
        "api_version",
        "forwarded_from",
        "group_sid",
        "caller_name",
        "queue_time",
        "trunk_sid",
        "uri",
        "subresource_uris",
    ];
    for field in fields {
        assert!(created.body.get(field).is_some(), "{field}");
    }
    assert_eq!(created.body["status"], "queued");
    assert_eq!(created.body["start_time"], Value::Null);
    assert_eq!(
        created.body["date_created"],
        "Fri, 18 Oct 2019 17:00:00 +0000"
    );

    pass(20.0).await;
    let over = desk
        .ask("GET", &format!("/Calls/{sid}.json"), "")
        .await
        .body;
    assert_eq!(over["duration"], "10");
    assert_eq!(over["start_time"], "Fri, 18 Oct 2019 17:00:00 +0000");
    assert_eq!(over["end_time"], "Fri, 18 Oct 2019 17:00:12 +0000");
}

#[tokio::test(start_paused = true)]
async fn refusals_have_twilio_s_form() {
    let desk = Desk::calm();
    let refused = desk.create("c=1", &[("To", "0501234567")]).await;
    assert_eq!(refused.status, 400);
    assert_eq!(refused.body["code"], 21211);
    assert_eq!(refused.body["status"], 400);
    assert_eq!(
        refused.body["more_info"],
        "https://www.twilio.com/docs/errors/21211"
    );

    desk.twilio.refuse(number(TO), 13224);
    assert_eq!(desk.create("c=1", &[]).await.body["code"], 13224);
    desk.twilio.fail_configuration(Some(21210));
    assert_eq!(desk.create("c=1", &[]).await.body["code"], 21210);
    desk.twilio.fail_configuration(Some(20003));
    assert_eq!(desk.create("c=1", &[]).await.status, 401);

    let unknown = desk
        .ask("GET", "/Calls/CA00000000000000000000000000000000.json", "")
        .await;
    assert_eq!(unknown.status, 401);
    desk.twilio.fail_configuration(None);
    let unknown = desk
        .ask("GET", "/Calls/CA00000000000000000000000000000000.json", "")
        .await;
    assert_eq!(
        (unknown.status, &unknown.body["code"]),
        (404, &20404.into())
    );
    assert_eq!(desk.ask("DELETE", "/Calls.json", "").await.status, 405);

    let verdicts: Vec<Verdict> = desk
        .twilio
        .truth()
        .creates
        .into_iter()
        .map(|create| create.verdict)
        .collect();
    assert_eq!(verdicts, [21211, 13224, 21210, 20003].map(Verdict::Refused));
}

#[tokio::test(start_paused = true)]
async fn only_the_account_s_credentials_open_the_api() {
    let desk = Desk::calm();
    let check = async |authorization: Option<String>, account: &str, expected: u16| {
        let mut request = Request::builder().uri(format!(
            "https://api.twilio.com/2010-04-01/Accounts/{account}.json"
        ));
        if let Some(authorization) = &authorization {
            request = request.header("authorization", authorization);
        }
        let request = request.body(Bytes::new()).unwrap();
        let reply = Reply::of(desk.twilio.handle(request).await);
        assert_eq!(reply.status, expected, "{authorization:?}");
    };
    check(Some(basic(ACCOUNT, TOKEN)), ACCOUNT, 200).await;
    check(Some(basic("SK1", "hush")), ACCOUNT, 200).await;
    check(Some(basic(ACCOUNT, "wrong")), ACCOUNT, 401).await;
    check(Some("Basic %%%".to_owned()), ACCOUNT, 401).await;
    check(None, ACCOUNT, 401).await;
    check(Some(basic(ACCOUNT, TOKEN)), "AC2", 404).await;
}
