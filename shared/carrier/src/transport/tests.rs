use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use super::*;

/// Sent by the test once the client has given up, so that the server knows that
/// everything before it is everything there was.
const DONE: &[u8] = b"DONE\r\n\r\n";

/// How a server treats whoever connects.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers with these bytes.
    Answer(&'static [u8]),
    /// Answers the first request with these bytes, reads a second one on the same
    /// connection, and closes.
    AnswerOnce(&'static [u8]),
    /// Reads no further than the first bytes, and answers with these.
    Babble(&'static [u8]),
    /// Reads the request and stays silent.
    Silence,
    /// Reads the request and closes.
    Close,
    /// Closes with the request half read, which resets the connection.
    Reset,
}

/// Serves until told that it is done; gives back what it read, by connection.
fn serve(manner: Manner) -> (SocketAddr, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let mut seen = Vec::new();
        let mut kept = Vec::new();
        // More than any test connects.
        for _ in 0..8 {
            let (mut stream, _) = listener.accept().unwrap();
            stream
                .set_read_timeout(Some(Duration::from_secs(10)))
                .unwrap();
            let request = read(
                &mut stream,
                matches!(manner, Manner::Reset | Manner::Babble(_)),
            );
            if request == DONE {
                return seen;
            }
            seen.push(request);
            match manner {
                Manner::Answer(bytes) | Manner::Babble(bytes) => stream.write_all(bytes).unwrap(),
                Manner::AnswerOnce(bytes) => {
                    stream.write_all(bytes).unwrap();
                    seen.push(read(&mut stream, false));
                }
                Manner::Silence => kept.push(stream),
                Manner::Close | Manner::Reset => drop(stream),
            }
        }
        seen
    });
    (address, server)
}

/// Reads one request with its body, or only its beginning.
fn read(stream: &mut TcpStream, only_beginning: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 8];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return bytes,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("{error}"),
        }
        let text = String::from_utf8_lossy(&bytes);
        let head = text.find("\r\n\r\n");
        let is_whole = match (head, text.split_once("content-length: ")) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(head), Some((_, rest))) => {
                let length: usize = rest.split("\r\n").next().unwrap().parse().unwrap();
                bytes.len() == head + 4 + length
            }
        };
        if is_whole || (only_beginning && bytes != DONE[..8.min(bytes.len())]) {
            return bytes;
        }
    }
}

/// Everything that the server saw before now.
fn finish(address: SocketAddr, server: JoinHandle<Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    TcpStream::connect(address)
        .unwrap()
        .write_all(DONE)
        .unwrap();
    server.join().unwrap()
}

fn transport(total: Duration) -> HttpTransport {
    HttpTransport::new(Timeouts {
        connect: Duration::from_millis(500),
        total,
    })
    .unwrap()
}

fn patient() -> HttpTransport {
    transport(Duration::from_secs(10))
}

fn request(scheme: &str, address: SocketAddr) -> Request<Bytes> {
    let url = format!("{scheme}://{address}/2010-04-01/Calls.json");
    Request::post(url)
        .header("x-a", "b")
        .body(Bytes::from_static(b"To=%2B1&From=%2B2"))
        .unwrap()
}

#[tokio::test]
async fn an_answer_is_carried_back_whole() {
    let answer = b"HTTP/1.1 429 No\r\nretry-after: 3\r\ncontent-length: 8\r\nconnection: close\r\n\r\n{\"a\": 1}";
    let (address, server) = serve(Manner::Answer(answer));
    let answer = patient().send(request("http", address)).await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "3");
    assert_eq!(answer.body(), "{\"a\": 1}");
    let seen = finish(address, server);
    assert_eq!(seen.len(), 1);
    let text = String::from_utf8(seen[0].clone()).unwrap();
    assert!(
        text.starts_with("POST /2010-04-01/Calls.json HTTP/1.1\r\n"),
        "{text}"
    );
    assert!(text.contains("\r\nx-a: b\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nTo=%2B1&From=%2B2"), "{text}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let answer = b"HTTP/1.1 307 Go\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (address, server) = serve(Manner::Answer(answer));
    let answer = patient().send(request("http", address)).await.unwrap();
    assert_eq!(answer.status(), 307);
    assert_eq!(finish(address, server).len(), 1);
}

#[tokio::test]
async fn a_refused_connection_carried_nothing() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let answer = patient().send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::NotSent);
}

#[tokio::test]
async fn a_failed_tls_handshake_carried_nothing() {
    let (address, server) = serve(Manner::Babble(b"HTTP/1.1 400 Speak plainly\r\n\r\n"));
    let answer = patient().send(request("https", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::NotSent);
    let seen = finish(address, server);
    assert!(!seen.concat().windows(5).any(|bytes| bytes == b"%2B1&"));
}

#[tokio::test]
async fn a_connection_that_takes_too_long_carried_nothing() {
    let (address, server) = serve(Manner::Silence);
    let answer = patient().send(request("https", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::NotSent);
    finish(address, server);
}

#[tokio::test]
async fn what_cannot_be_a_request_is_not_sent() {
    let relative = Request::get("/x").body(Bytes::new()).unwrap();
    assert_eq!(
        patient().send(relative).await.unwrap_err(),
        TransportError::NotSent
    );
}

#[track_caller]
fn check_sent_once(seen: &[Vec<u8>]) {
    assert_eq!(seen.len(), 1, "exactly one request is made");
    assert!(seen[0].starts_with(b"POST "));
}

#[tokio::test]
async fn a_slow_answer_leaves_it_unknown() {
    let (address, server) = serve(Manner::Silence);
    let hasty = transport(Duration::from_millis(1500));
    let answer = hasty.send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    check_sent_once(&finish(address, server));
}

#[tokio::test]
async fn a_close_after_the_request_leaves_it_unknown() {
    let (address, server) = serve(Manner::Close);
    let answer = patient().send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    check_sent_once(&finish(address, server));
}

#[tokio::test]
async fn a_close_of_a_connection_in_use_for_long_leaves_it_unknown() {
    let (address, server) = serve(Manner::AnswerOnce(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    ));
    let transport = patient();
    assert_eq!(
        transport
            .send(request("http", address))
            .await
            .unwrap()
            .status(),
        200
    );
    // Lets the connection go back to the pool.
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
    let answer = transport.send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    assert_eq!(
        finish(address, server).len(),
        2,
        "exactly one request is made each time"
    );
}

#[tokio::test]
async fn a_reset_after_the_request_leaves_it_unknown() {
    let (address, server) = serve(Manner::Reset);
    let answer = patient().send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    check_sent_once(&finish(address, server));
}

#[tokio::test]
async fn an_answer_that_breaks_off_leaves_it_unknown() {
    let answer =
        b"HTTP/1.1 201 Created\r\ncontent-length: 100\r\nconnection: close\r\n\r\n{\"sid\":";
    let (address, server) = serve(Manner::Answer(answer));
    let answer = patient().send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    check_sent_once(&finish(address, server));
}

#[tokio::test]
async fn an_answer_without_bound_leaves_it_unknown() {
    let mut answer =
        b"HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\nconnection: close\r\n\r\n".to_vec();
    answer.resize(answer.len() + ANSWER_BYTES_MAX + 1, b'x');
    let (address, server) = serve(Manner::Answer(answer.leak()));
    let answer = patient().send(request("http", address)).await;
    assert_eq!(answer.unwrap_err(), TransportError::Unknown);
    check_sent_once(&finish(address, server));
}
