//! The web door: openFIBSEM's REST API, the endpoints of `assets/bridge` and `/v1`, served on loopback from an engine.
//!
//! `gate`: who may come in, `token`: how they are known. `client`: one of them, its presence and its turn; `order`: what it told, and may call off. `route`: the table of routes
//! and how a request finds its row; `fields`: what a body may hold; `reply`: what comes back. What the rows do is in `rest`
//! (openFIBSEM's), `bridge` with `gas` and `live`, `v1` and `metrics`.
//!
//! A client of the engine and nothing else: everything goes through a [`Link`](crate::Link), under the name of the token. What moves or
//! changes something waits for its turn, so that two moves sent together both count; what only reads never waits. To add a route: a
//! row in its file's `ROUTES`.

mod bridge;
mod client;
mod fields;
mod gas;
mod gate;
mod live;
mod metrics;
mod order;
mod reply;
mod rest;
mod route;
pub mod token;
mod v1;

use crate::command::Failure;
use crate::core::Engine;
use crate::link::Link;
use client::Clients;
use gate::Gate;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::Counts;
use model::ErrorKind;
use order::Orders;
use reply::Body;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Where it listens unless told otherwise: openFIBSEM's port.
pub const ADDRESS: &str = "127.0.0.1:8001";
/// Connections at one time.
const MOST_LINES: usize = 128;
/// How long the head of a request may take to come.
const HEAD: Duration = Duration::from_secs(10);

/// Who may come in, and where.
#[derive(Clone, Debug)]
pub struct Access {
    /// Must be loopback: from elsewhere one comes by an ssh tunnel.
    pub address: SocketAddr,
    /// The file with the hashes of tokens; `None` lets in everybody on this machine.
    pub tokens: Option<PathBuf>,
}

impl Access {
    /// At an address and port, as a person writes them.
    pub fn at(address: &str, tokens: Option<PathBuf>) -> Result<Access, Failure> {
        let parsed = address.parse().map_err(|_| {
            Failure::usage(
                format!(
                    "`{}` is no address; nothing was opened",
                    model::text::printable(address)
                ),
                format!("an address and a port, e.g. {ADDRESS}"),
            )
        })?;
        Ok(Access {
            address: parsed,
            tokens,
        })
    }
}

/// The open door. It is served by [`Server::run`].
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    house: Arc<House>,
}

/// What all requests share.
struct House {
    link: Link,
    gate: Gate,
    clients: Arc<Clients>,
    orders: Orders,
    counts: Counts,
    rest: rest::Memory,
}

impl Server {
    /// Opens the door. To be called on a runtime; the engine stays the caller's.
    pub async fn open(engine: &Engine, access: &Access) -> Result<Server, Failure> {
        if !access.address.ip().is_loopback() {
            return Err(Failure::usage(
                format!("{} is not loopback; nothing was opened", access.address),
                "listen on 127.0.0.1, and come from elsewhere through ssh -L",
            ));
        }
        let gone = |e: std::io::Error| {
            Failure::new(
                ErrorKind::Other,
                format!("{} cannot be listened on: {e}", access.address),
                "choose another port with --http 127.0.0.1:PORT",
            )
        };
        let listener = TcpListener::bind(access.address).await.map_err(gone)?;
        let address = listener.local_addr().map_err(gone)?;
        let link = engine.link("http");
        Ok(Server {
            listener,
            address,
            house: Arc::new(House {
                gate: Gate::new(address, access.tokens.clone())?,
                clients: Clients::new(link.requests.clone()),
                orders: Orders::default(),
                counts: Counts::default(),
                rest: rest::Memory::default(),
                link,
            }),
        })
    }

    /// Where it really listens: port 0 asks for a free one.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is dropped.
    pub async fn run(self) {
        let (house, lines) = (self.house, Arc::new(Semaphore::new(MOST_LINES)));
        let serve = async {
            loop {
                let Ok(place) = lines.clone().acquire_owned().await else {
                    return;
                };
                match self.listener.accept().await {
                    Ok((stream, from)) => {
                        let house = house.clone();
                        tokio::spawn(async move {
                            line(house, from.ip(), stream).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // out of file handles, most likely: those who are here go on
                        tracing::warn!(%error, "a connection could not be taken");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
        };
        tokio::join!(serve, house.clients.watch());
    }
}

/// Serves one connection to its end.
async fn line(house: Arc<House>, from: IpAddr, stream: TcpStream) {
    // answers are small and waited for
    let _ = stream.set_nodelay(true);
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(|request| answer(house.clone(), from, request)),
        )
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn answer(house: Arc<House>, from: IpAddr, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let answer = match route::serve(&house, from, request).await {
        Ok(reply) => reply.response(),
        Err(refusal) => refusal.response(),
    };
    house.counts.answered(answer.status());
    Ok(answer)
}
