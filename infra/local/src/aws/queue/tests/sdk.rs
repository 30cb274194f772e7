//! What the SDK gets back from each operation.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_sdk_sends_receives_and_deletes_in_batches() {
    let queue = queue();
    let client = queue.client();
    let entries = (0..10).map(|n| {
        let entry = SendMessageBatchRequestEntry::builder().id(n.to_string());
        entry.message_body(format!("body {n}")).build().unwrap()
    });
    let request = client.send_message_batch().queue_url(queue.url());
    let sent = request
        .set_entries(Some(entries.collect()))
        .send()
        .await
        .unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (10, 0));

    advance(Duration::from_millis(250)).await;
    let request = client
        .receive_message()
        .queue_url(queue.url())
        .max_number_of_messages(10);
    let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
    let received = request.wait_time_seconds(20).send().await.unwrap();
    assert_eq!(received.messages().len(), 10);
    let attributes = received.messages()[0].attributes().unwrap();
    assert_eq!(
        attributes[&MessageSystemAttributeName::ApproximateReceiveCount],
        "1"
    );
    assert_eq!(
        attributes[&MessageSystemAttributeName::SentTimestamp],
        "1000"
    );
    assert_eq!(
        attributes[&MessageSystemAttributeName::ApproximateFirstReceiveTimestamp],
        "1250"
    );

    let entries = received.messages().iter().enumerate().map(|(n, message)| {
        let entry = DeleteMessageBatchRequestEntry::builder().id(n.to_string());
        entry
            .receipt_handle(message.receipt_handle().unwrap())
            .build()
            .unwrap()
    });
    let request = client.delete_message_batch().queue_url(queue.url());
    request
        .set_entries(Some(entries.collect()))
        .send()
        .await
        .unwrap();
    assert_eq!(queue.depth(), Depth::default());
    let usage = queue.meter().snapshot();
    assert_eq!((usage.requests, usage.empty_receives), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bad_entry_fails_alone() {
    let queue = queue();
    let entry = |id: &str, body: &str, delay| {
        let entry = SendMessageBatchRequestEntry::builder()
            .id(id)
            .message_body(body);
        entry.delay_seconds(delay).build().unwrap()
    };
    let request = queue.client().send_message_batch().queue_url(queue.url());
    let request = request
        .entries(entry("good", "fine", 900))
        .entries(entry("late", "fine", 901))
        .entries(entry("odd", "\u{0}", 0));
    let sent = request.send().await.unwrap();
    assert_eq!(sent.successful()[0].id(), "good");
    let failed: Vec<_> = sent
        .failed()
        .iter()
        .map(|entry| (entry.id(), entry.code()))
        .collect();
    assert_eq!(
        failed,
        [
            ("late", "InvalidParameterValue"),
            ("odd", "InvalidMessageContents")
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_is_confirmed_by_its_md5_and_limited_to_one_mebibyte() {
    let queue = queue();
    let send = |body: String| {
        queue
            .client()
            .send_message()
            .queue_url(queue.url())
            .message_body(body)
            .send()
    };
    let sent = send("hello".to_owned()).await.unwrap();
    assert_eq!(
        sent.md5_of_message_body(),
        Some("5d41402abc4b2a76b9719d911017c592")
    );
    send("x".repeat(BODY_BYTES_MAX)).await.unwrap();
    let refused = send("x".repeat(BODY_BYTES_MAX + 1))
        .await
        .unwrap_err()
        .into_service_error();
    assert_eq!(refused.meta().code(), Some("InvalidParameterValue"));
}

#[tokio::test(start_paused = true)]
async fn a_single_message_can_be_hidden_longer_or_deleted_through_the_sdk() {
    let queue = queue();
    let client = queue.client();
    send(&queue, "hello").await;
    let held = only(queue.receive(1, NO_WAIT, None).await);
    let hide = || {
        let request = client.change_message_visibility().queue_url(queue.url());
        request
            .receipt_handle(&held.receipt)
            .visibility_timeout(60)
            .send()
    };
    hide().await.unwrap();
    advance(Duration::from_secs(59)).await;
    assert_eq!(queue.depth().in_flight, 1);
    advance(Duration::from_secs(1)).await;
    assert!(
        hide()
            .await
            .unwrap_err()
            .into_service_error()
            .is_message_not_inflight()
    );

    let delete = |receipt: &str| {
        client
            .delete_message()
            .queue_url(queue.url())
            .receipt_handle(receipt)
            .send()
    };
    assert!(
        delete("nonsense")
            .await
            .unwrap_err()
            .into_service_error()
            .is_receipt_handle_is_invalid()
    );
    delete(&held.receipt).await.unwrap();
    delete(&held.receipt).await.unwrap();
    assert_eq!(queue.depth(), Depth::default());
}

#[tokio::test(start_paused = true)]
async fn a_queue_is_found_by_name_and_tells_its_depth() {
    let queue = queue();
    let client = queue.client();
    let found = client
        .get_queue_url()
        .queue_name("wake-ups")
        .send()
        .await
        .unwrap();
    assert_eq!(found.queue_url(), Some(queue.url()));
    let lost = client
        .get_queue_url()
        .queue_name("other")
        .send()
        .await
        .unwrap_err();
    assert!(lost.into_service_error().is_queue_does_not_exist());
    let wrong = client
        .send_message()
        .queue_url("http://other")
        .message_body("x")
        .send()
        .await;
    assert!(
        wrong
            .unwrap_err()
            .into_service_error()
            .is_queue_does_not_exist()
    );

    send(&queue, "a").await;
    send_late(&queue, "b", 5).await;
    let request = client.get_queue_attributes().queue_url(queue.url());
    let told = request
        .attribute_names(QueueAttributeName::All)
        .send()
        .await
        .unwrap();
    let told = told.attributes.unwrap();
    assert_eq!(told[&QueueAttributeName::ApproximateNumberOfMessages], "1");
    assert_eq!(
        told[&QueueAttributeName::ApproximateNumberOfMessagesDelayed],
        "1"
    );
    assert_eq!(
        told[&QueueAttributeName::ApproximateNumberOfMessagesNotVisible],
        "0"
    );
}
