//! A server on this machine that answers as the hub does, with faults on request.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use sha2::{Digest, Sha256};

/// The commit of every revision.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// What goes wrong with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    /// The first answer breaks off after so many bytes.
    CutOnce(usize),
    /// Another address has it.
    Redirect,
    /// Other bytes come.
    Wrong,
    /// Fewer bytes come than were announced before.
    Short,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    faults: BTreeMap<String, Fault>,
    requests: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Server {
    pub(crate) fn start(files: &[(&str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            files: files
                .iter()
                .map(|(n, b)| ((*n).to_owned(), b.clone()))
                .collect(),
            ..State::default()
        }));
        let stop = Arc::new(AtomicBool::new(false));
        let (own, stopped, base) = (state.clone(), stop.clone(), address.clone());
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                // One request for each connection; a client that goes away is its own affair.
                let _ = answer(stream, &own, &base);
            }
        });
        Server {
            address,
            state,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn fault(&self, file: &str, fault: Fault) {
        self.state
            .lock()
            .unwrap()
            .faults
            .insert(file.to_owned(), fault);
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let address = self.address.trim_start_matches("http://");
        TcpStream::connect(address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn answer(mut stream: TcpStream, state: &Mutex<State>, base: &str) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    let headers: Vec<String> = lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .map(|line| line.to_ascii_lowercase())
        .collect();
    let header = |name: &str| {
        let found = headers.iter().find_map(|line| line.strip_prefix(name));
        found.map(|value| value.trim_start_matches(':').trim().to_owned())
    };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let range = header("range").unwrap_or_default();
    let mut state = state.lock().unwrap();
    state.requests.push(format!("{path} {range}"));
    if path.contains("/none") {
        return respond(&mut stream, "404 Not Found", &[], b"");
    }
    if path.contains("/gated") && header("authorization").as_deref() != Some("bearer secret") {
        return respond(&mut stream, "401 Unauthorized", &[], b"");
    }
    if path.starts_with("/api/models/") {
        let files = state
            .files
            .keys()
            .map(|name| format!(r#"{{"rfilename": "{name}"}}"#));
        let files = files.collect::<Vec<_>>().join(",");
        let body = format!(r#"{{"sha": "{COMMIT}", "siblings": [{files}]}}"#);
        return respond(&mut stream, "200 OK", &[], body.as_bytes());
    }
    let name = path.rsplit('/').next().unwrap_or_default().to_owned();
    let Some(bytes) = state.files.get(&name).cloned() else {
        return respond(&mut stream, "404 Not Found", &[], b"");
    };
    let fault = state.faults.get(&name).copied().unwrap_or(Fault::None);
    let etag = sha256(&bytes);
    let mut about = vec![
        format!("x-repo-commit: {COMMIT}"),
        format!("x-linked-etag: \"{etag}\""),
        format!("etag: \"{etag}\""),
    ];
    if fault == Fault::Redirect && !path.starts_with("/elsewhere/") {
        about.push(format!("location: {base}/elsewhere/{name}"));
        return respond(&mut stream, "302 Found", &about, b"");
    }
    let (start, end) = bounds(&range, bytes.len());
    about.push(format!(
        "content-range: bytes {start}-{}/{}",
        end.saturating_sub(1),
        bytes.len()
    ));
    let body = bytes[start..end].to_vec();
    let asks_size = range == "bytes=0-0";
    let partial = "206 Partial Content";
    match fault {
        Fault::CutOnce(length) if !asks_size => {
            state.faults.remove(&name);
            let head = format!(
                "HTTP/1.1 {partial}\r\ncontent-length: {}\r\n{}\r\nconnection: close\r\n\r\n",
                body.len(),
                about.join("\r\n")
            );
            stream.write_all(head.as_bytes())?;
            stream.write_all(&body[..length])?;
            stream.flush()?;
            stream.shutdown(Shutdown::Both)
        }
        Fault::Wrong if !asks_size => {
            let wrong: Vec<u8> = body.iter().map(|byte| !byte).collect();
            respond(&mut stream, partial, &about, &wrong)
        }
        Fault::Short if !asks_size => {
            respond(&mut stream, partial, &about, &body[..body.len() / 2])
        }
        _ => respond(&mut stream, partial, &about, &body),
    }
}

/// The part of a file that `bytes=START-[END]` means.
fn bounds(range: &str, length: usize) -> (usize, usize) {
    let parts = range.trim_start_matches("bytes=").split_once('-');
    let (start, end) = parts.unwrap_or(("0", ""));
    let start = start.parse().unwrap_or(0).min(length);
    let end = end
        .parse::<usize>()
        .map_or(length, |end| (end + 1).min(length));
    (start, end.max(start))
}

fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &[String],
    body: &[u8],
) -> std::io::Result<()> {
    let mut head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n",
        body.len()
    );
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)?;
    stream.flush()
}
