//! A way to a server that a test can cut: between a question and its answer, or for good.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A relay on a port of its own.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    fault: Arc<Mutex<Fault>>,
}

/// What goes wrong on the way.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Nothing,
    /// What holds this text reaches the server; its answer is cut off, with the connection. Once.
    CutAnswerTo(&'static str),
    /// What holds this text does not reach the server: the connection is cut before. Once.
    CutBefore(&'static str),
    /// From what holds this text on, nothing comes back any more.
    SilenceFrom(&'static str),
    /// New connections are closed at once.
    Down,
}

impl Proxy {
    /// A relay to the server that listens on this port of the loopback address.
    pub(crate) async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fault = Arc::new(Mutex::new(Fault::Nothing));
        let shared = Arc::clone(&fault);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if matches!(*shared.lock().unwrap(), Fault::Down) {
                    continue;
                }
                let server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&shared)));
            }
        });
        Self { port, fault }
    }

    pub(crate) fn set(&self, fault: Fault) {
        *self.fault.lock().unwrap() = fault;
    }
}

async fn relay(mut client: TcpStream, mut server: TcpStream, fault: Arc<Mutex<Fault>>) {
    let (mut question, mut answer) = (vec![0; 65536], vec![0; 65536]);
    let (mut cut_answer, mut silent) = (false, false);
    loop {
        tokio::select! {
            read = client.read(&mut question) => {
                let Ok(length @ 1..) = read else { return };
                let question = &question[..length];
                let now = *fault.lock().unwrap();
                match now {
                    Fault::CutBefore(text) if holds(question, text) => {
                        *fault.lock().unwrap() = Fault::Nothing;
                        return;
                    }
                    Fault::CutAnswerTo(text) if holds(question, text) => {
                        *fault.lock().unwrap() = Fault::Nothing;
                        cut_answer = true;
                    }
                    Fault::SilenceFrom(text) if holds(question, text) => silent = true,
                    Fault::Down => return,
                    _ => {}
                }
                if server.write_all(question).await.is_err() { return }
            }
            read = server.read(&mut answer) => {
                let Ok(length @ 1..) = read else { return };
                if cut_answer { return }
                if !silent && client.write_all(&answer[..length]).await.is_err() { return }
            }
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}
