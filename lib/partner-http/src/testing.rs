//! A canned partner on loopback, for tests: answers connections one after another, each as told.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// What to do with one connection, once the request has been read.
#[derive(Debug, Clone)]
pub enum Canned {
    /// Answer with this status and body.
    Reply(u16, String),
    /// Answer with a redirect to this address.
    Redirect(String),
    /// Say nothing for longer than any caller waits.
    Silence,
    /// Break the connection off.
    Drop,
    /// Announce and send this many bytes.
    Flood(usize),
}

/// The partner; stops when dropped.
#[derive(Debug)]
pub struct Partner {
    /// Its address, ending in `/`.
    pub url: Url,
    requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Partner {
    /// Starts a partner on a free port. A connection beyond the list is broken off.
    pub async fn start(answers: Vec<Canned>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let url = Url::parse(&format!("http://{address}/")).map_err(std::io::Error::other)?;
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            let mut answers = answers.into_iter();
            while let Ok((stream, _)) = listener.accept().await {
                // A caller that goes away in the middle is part of the tests.
                let _ = answer(stream, answers.next().unwrap_or(Canned::Drop), &seen).await;
            }
        });
        Ok(Self { url, requests, task })
    }

    /// Every request so far, head and body as text.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An address on which nobody listens.
pub async fn nobody() -> std::io::Result<Url> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    Url::parse(&format!("http://{}/", listener.local_addr()?)).map_err(std::io::Error::other)
}

async fn answer(mut stream: TcpStream, canned: Canned, seen: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let request = read_request(&mut stream).await?;
    seen.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    match canned {
        Canned::Reply(status, body) => {
            let head =
                format!("HTTP/1.1 {status} Canned\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await
        }
        Canned::Redirect(to) => {
            let head =
                format!("HTTP/1.1 307 Canned\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
        Canned::Silence => {
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(())
        }
        Canned::Drop => Ok(()),
        Canned::Flood(bytes) => {
            let head = format!("HTTP/1.1 200 Canned\r\ncontent-length: {bytes}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            for _ in 0..bytes.div_ceil(1024) {
                stream.write_all(&[b'x'; 1024]).await?;
            }
            Ok(())
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let read = stream.read(&mut buffer).await?;
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if read == 0 || is_complete(&text) {
            return Ok(text);
        }
    }
}

fn is_complete(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else {
        return false;
    };
    let announced = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse::<usize>().ok());
    body.len() >= announced.unwrap_or(0)
}
