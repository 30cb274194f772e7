//! Queues that misbehave, and processes that are made to die.

use super::*;

/// Sends a hundred messages to a queue with these faults: what is there at once, and what struck.
async fn check_faults(faults: QueueFaults) -> (Depth, Struck) {
    let queue = queue();
    queue.misbehave(faults);
    for n in 0..100 {
        let body = n.to_string();
        let request = queue
            .client()
            .send_message()
            .queue_url(queue.url())
            .message_body(body);
        let _ = request.send().await;
    }
    (queue.depth(), queue.struck())
}

#[tokio::test(start_paused = true)]
async fn a_queue_loses_doubles_and_delays_as_it_is_told() {
    let none = QueueFaults {
        seed: 3,
        ..QueueFaults::NONE
    };

    let (depth, struck) = check_faults(QueueFaults { lose: 0.3, ..none }).await;
    assert!((10..60).contains(&struck.lost), "{struck:?}");
    assert_eq!(depth.visible, 100 - struck.lost);

    let (depth, struck) = check_faults(QueueFaults {
        double: 0.3,
        ..none
    })
    .await;
    assert!((10..60).contains(&struck.doubled), "{struck:?}");
    assert_eq!(depth.visible, 100 + struck.doubled);

    let delay_max = Duration::from_secs(3600);
    let (depth, struck) = check_faults(QueueFaults {
        delay: 0.3,
        delay_max,
        ..none
    })
    .await;
    assert!((10..60).contains(&struck.delayed), "{struck:?}");
    assert_eq!(
        (depth.visible, depth.delayed),
        (100 - struck.delayed, struck.delayed)
    );

    let (depth, struck) = check_faults(QueueFaults {
        refuse: 1.0,
        ..none
    })
    .await;
    assert_eq!(
        (depth, struck.refused),
        (Depth::default(), 300),
        "three attempts each"
    );
}

#[tokio::test(start_paused = true)]
async fn both_copies_of_a_doubled_message_have_its_id() {
    let queue = queue();
    queue.misbehave(QueueFaults {
        double: 1.0,
        ..QueueFaults::NONE
    });
    let id = send(&queue, "hello").await;
    let copies = queue.receive(10, NO_WAIT, None).await;
    assert_eq!(copies.len(), 2);
    assert!(copies.iter().all(|copy| copy.message_id == id));
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_at_a_send_has_sent_it_or_not() {
    for (side, sent) in [(Side::Before, 0), (Side::After, 1)] {
        let queue = queue();
        let trap = Trap::default();
        let client = queue.client_with(&trap);
        trap.arm(CrashPoint { nth: 1, side });
        tokio::select! {
            _ = client.send_message().queue_url(queue.url()).message_body("x").send() => {
                panic!("the process outlived its crash");
            }
            () = trap.sprung() => {}
        }
        assert_eq!(queue.depth().visible, sent, "{side:?}");
        assert_eq!(trap.requests(), ["SendMessage"]);
    }
}
