//! The table of routes, and how a request finds its row: admitted, permitted, its body read, carried out.

use super::client::Visit;
use super::fields::Fields;
use super::gate::Who;
use super::order::Order;
use super::reply::{Refusal, Reply};
use super::token::Power;
use super::{House, bridge, gas, live, metrics, rest, v1};
use crate::command::Command;
use crate::link::{Link, Receipt};
use futures::future::BoxFuture;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, StatusCode};
use model::ErrorKind;
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a row does.
pub(super) type Run = fn(Call) -> BoxFuture<'static, Result<Reply, Refusal>>;

/// One route. A `{}` at the end of its path stands for one word.
pub(super) struct Route {
    pub method: Method,
    pub path: &'static str,
    pub needs: Power,
    pub run: Run,
}

/// What only looks, by GET.
pub(super) const fn look(path: &'static str, run: Run) -> Route {
    Route {
        method: Method::GET,
        path,
        needs: Power::Read,
        run,
    }
}

/// What only looks, by POST: openFIBSEM asks so where a beam is named.
pub(super) const fn ask(path: &'static str, run: Run) -> Route {
    Route {
        method: Method::POST,
        path,
        needs: Power::Read,
        run,
    }
}

/// What changes something.
pub(super) const fn tell(path: &'static str, run: Run) -> Route {
    Route {
        method: Method::POST,
        path,
        needs: Power::Control,
        run,
    }
}

/// Every route, by file. A path is looked for from the top: whole words before `{}`.
pub(super) const ROUTES: &[&[Route]] = &[
    rest::system::ROUTES,
    rest::stage::ROUTES,
    rest::imaging::ROUTES,
    rest::milling::ROUTES,
    rest::column::ROUTES,
    bridge::ROUTES,
    gas::ROUTES,
    live::ROUTES,
    v1::ROUTES,
    metrics::ROUTES,
];

/// Bytes of a body: bitmaps of patterns are the largest.
const MOST_BODY: usize = 8 << 20;
/// How long a body may take to come.
const BODY: Duration = Duration::from_secs(30);

/// A request on its way through its row.
pub(super) struct Call {
    pub house: Arc<House>,
    pub link: Link,
    pub fields: Fields,
    /// What stands in the place of `{}`.
    pub word: String,
    pub query: String,
    /// Until it ends, its client is here.
    pub visit: Visit,
}

impl Call {
    /// What a command that only reads answers.
    pub async fn read(&self, command: Command) -> Result<Value, Refusal> {
        Ok(self.link.look(command).await?)
    }

    /// Carries out what changes something, when its turn has come.
    pub async fn act(&self, command: Command) -> Result<Value, Refusal> {
        let order = match self.fields.get("order") {
            Some(_) => self.house.orders.enter(self.link.name(), self.fields.text("order")?),
            None => Order::default(),
        };
        Ok(self.house.clients.act(&self.link, command, order).await??)
    }

    /// Begins what takes long, when its turn has come.
    pub async fn begin(&self, command: Command) -> Result<Receipt, Refusal> {
        self.house.clients.begin(&self.link, command).await
    }

    /// `name` of `?name=value&..`.
    pub fn asked(&self, name: &str) -> Option<&str> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    }
}

fn fits<'a>(route: &Route, path: &'a str) -> Option<&'a str> {
    match route.path.strip_suffix("{}") {
        None => (route.path == path).then_some(""),
        Some(before) => path
            .strip_prefix(before)
            .filter(|word| !word.is_empty() && !word.contains('/')),
    }
}

fn find<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, &'a str), Refusal> {
    let mut other = None;
    for route in ROUTES.iter().flat_map(|rows| rows.iter()) {
        let Some(word) = fits(route, path) else { continue };
        if route.method == *method {
            return Ok((route, word));
        }
        other = Some(if route.method == Method::GET { "GET" } else { "POST" });
    }
    // columns have a route a key
    if let Some((route, word)) = rest::column::find(path) {
        return match *method == Method::POST {
            true => Ok((route, word)),
            false => Err(Refusal::wrong_method("POST")),
        };
    }
    Err(other.map_or_else(Refusal::not_found, Refusal::wrong_method))
}

/// Carries a request out.
pub(super) async fn serve(house: &Arc<House>, from: IpAddr, request: Request<Incoming>) -> Result<Reply, Refusal> {
    let (head, body) = request.into_parts();
    let Who { name, power } = house.gate.admit(&head.uri, &head.headers)?;
    let visit = house.clients.enter(&name, from)?;
    let (route, word) = find(&head.method, head.uri.path())?;
    if power < route.needs {
        return Err(Refusal::new(
            StatusCode::FORBIDDEN,
            ErrorKind::NotAuthorised,
            "this token only reads; nothing was done",
            "make one that controls: `fibdeck token new NAME`",
        ));
    }
    let fields = match route.method {
        Method::POST => {
            let bytes = read(body).await?;
            let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
            if !kind.trim().eq_ignore_ascii_case("application/json") {
                return Err(Fields::not_json(&bytes));
            }
            Fields::read(&bytes)?
        }
        _ => Fields::default(),
    };
    let call = Call {
        link: house.link.named(name).as_of_now(),
        house: house.clone(),
        fields,
        word: word.to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        visit,
    };
    (route.run)(call).await
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    let collected = tokio::time::timeout(BODY, Limited::new(body, MOST_BODY).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorKind::Usage,
            "the body is too large; nothing was done",
            format!("at most {MOST_BODY} bytes"),
        )),
        Ok(Err(_)) => Err(Refusal::nonsense(
            "the body did not come whole; nothing was done",
            "send it again",
        )),
        Err(_) => Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            ErrorKind::Timeout,
            "the body did not come in time; nothing was done",
            "send it again",
        )),
    }
}
