//! What comes back: JSON, a picture, a stream of events, or a refusal that says why. Errors have openFIBSEM's form, `{"detail": ...}`, with
//! our kind and hint beside it.

use crate::command::Failure;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use model::ErrorKind;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::Receiver;

/// A body: all at once, or piece by piece as things happen.
pub(super) enum Body {
    Whole(Option<Bytes>),
    Pieces(Receiver<Bytes>),
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Body::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Body::Pieces(pieces) => pieces
                .poll_recv(cx)
                .map(|piece| piece.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Body::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Body::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Body::Pieces(_) => SizeHint::default(),
        }
    }
}

/// A good answer.
pub(super) enum Reply {
    Json(Value),
    Bytes(&'static str, Vec<u8>),
    /// A frame of the live view, by its number.
    Frame(u64, Vec<u8>),
    /// There is nothing new.
    Nothing,
    Events(Receiver<Bytes>),
}

fn response(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let head = response.headers_mut();
    head.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    head.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn whole(bytes: impl Into<Bytes>) -> Body {
    Body::Whole(Some(bytes.into()))
}

impl Reply {
    /// openFIBSEM's answer to what has no other.
    pub fn ok() -> Reply {
        Reply::Json(json!({ "status": "ok" }))
    }

    pub fn value(value: impl Into<Value>) -> Reply {
        Reply::Json(json!({ "value": value.into() }))
    }

    pub fn response(self) -> Response<Body> {
        match self {
            Reply::Json(value) => response(StatusCode::OK, "application/json", whole(value.to_string())),
            Reply::Bytes(kind, bytes) => response(StatusCode::OK, kind, whole(bytes)),
            Reply::Frame(number, bytes) => {
                let mut response = response(StatusCode::OK, "image/tiff", whole(bytes));
                response
                    .headers_mut()
                    .insert("x-fibdeck-frame", HeaderValue::from(number));
                response
            }
            Reply::Nothing => response(StatusCode::NO_CONTENT, "image/tiff", Body::Whole(None)),
            Reply::Events(pieces) => response(StatusCode::OK, "text/event-stream", Body::Pieces(pieces)),
        }
    }
}

/// Why a request was not carried out.
#[derive(Debug)]
pub(super) struct Refusal {
    pub status: StatusCode,
    body: Value,
    allow: Option<&'static str>,
}

impl Refusal {
    pub fn new(status: StatusCode, kind: ErrorKind, what: impl Into<String>, hint: impl Into<String>) -> Refusal {
        let (what, hint) = (what.into(), hint.into());
        Refusal {
            status,
            body: json!({ "detail": what, "kind": kind, "hint": hint }),
            allow: None,
        }
    }

    /// A value that makes no sense, in words.
    pub fn nonsense(what: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, ErrorKind::Usage, what, hint)
    }

    /// A field that is missing or of the wrong kind, in the form of openFIBSEM's server.
    pub fn field(kind: &str, at: &[Value], what: &str, input: Value) -> Refusal {
        Refusal {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body: json!({ "detail": [{ "type": kind, "loc": at, "msg": what, "input": input }], "kind": ErrorKind::Usage }),
            allow: None,
        }
    }

    /// Too much was asked in too short a time.
    pub fn slow() -> Refusal {
        Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorKind::Busy,
            "too much was asked at once; nothing was done",
            "ask again in a second",
        )
    }

    pub fn not_found() -> Refusal {
        Refusal::new(StatusCode::NOT_FOUND, ErrorKind::Unsupported, "Not Found", "")
    }

    pub fn wrong_method(allow: &'static str) -> Refusal {
        Refusal {
            allow: Some(allow),
            ..Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                ErrorKind::Usage,
                "Method Not Allowed",
                allow,
            )
        }
    }

    pub fn response(self) -> Response<Body> {
        let mut response = response(self.status, "application/json", whole(self.body.to_string()));
        let head = response.headers_mut();
        if let Some(allow) = self.allow {
            head.insert(ALLOW, HeaderValue::from_static(allow));
        }
        match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                head.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::UNAUTHORIZED => {
                head.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"fibdeck\""));
            }
            _ => {}
        }
        response
    }
}

/// The status that says what kind of failure it was. A request is at fault (4xx) where asking otherwise, or later, would help.
pub(super) fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Usage | ErrorKind::OutOfRange => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Busy | ErrorKind::Interlock | ErrorKind::Stopped | ErrorKind::Doubtful | ErrorKind::Unanswered => {
            StatusCode::CONFLICT
        }
        ErrorKind::NotAuthorised => StatusCode::FORBIDDEN,
        ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::NotConnected | ErrorKind::File => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Protocol | ErrorKind::Unknown => StatusCode::BAD_GATEWAY,
        ErrorKind::Other => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        let detail = match failure.detail.is_empty() {
            true => failure.title,
            false => format!("{} ({})", failure.title, failure.detail),
        };
        Refusal::new(status(failure.kind), failure.kind, detail, failure.hint)
    }
}
