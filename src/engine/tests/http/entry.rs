//! Who may come in.

use super::*;

#[test]
fn who_has_no_token_or_comes_from_elsewhere_is_refused() {
    let door = Door::new(Speed::Virtual);
    let bearer = format!("Bearer {}", door.token);
    let basic = {
        use base64::Engine as _;
        let text = format!("fibdeck:{}", door.token);
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let status = |head: &[(&str, &str)]| door.send("GET", "/health", head, None).status;
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[("authorization", "Bearer wrong")]), 401);
    assert_eq!(status(&[("authorization", &bearer)]), 200);
    assert_eq!(status(&[("authorization", &basic)]), 200);
    assert_eq!(
        status(&[("authorization", &bearer), ("origin", "http://127.0.0.1:1")]),
        403
    );
    assert_eq!(
        status(&[("authorization", &bearer), ("sec-fetch-site", "cross-site")]),
        403
    );
    assert_eq!(status(&[("authorization", &bearer), ("sec-fetch-site", "none")]), 200);
    assert_eq!(status(&[("authorization", &bearer), ("host", "elsewhere:8001")]), 421);
    let plain = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
    let answer = door.send("POST", "/beam_current/get", &plain, Some(r#"{"beam_type": "ION"}"#));
    assert_eq!(answer.status, 422);
    // no page may read an answer
    let answer = door.send("OPTIONS", "/health", &[("authorization", &bearer)], None);
    assert_eq!((answer.status, answer.allow.as_deref()), (405, Some("GET")));
    let large = format!("{{\"x\": \"{}\"}}", "a".repeat(9 << 20));
    // it is not read to its end: who still writes may find the line closed before the answer
    let sent = door.try_send("POST", "/last_image", &[("authorization", &bearer)], Some(&large));
    assert!(sent.is_err() || sent.is_ok_and(|answer| answer.status == 413));
    // guesses are not listened to for long
    let guess = || status(&[("authorization", "Bearer guess")]);
    assert!((0..40).any(|_| guess() == 429));
    assert_eq!(status(&[("authorization", &bearer)]), 200);
}

#[test]
fn a_token_that_reads_looks_and_stops_and_one_revoked_does_nothing() {
    let door = Door::new(Speed::Virtual);
    let file = door.bench.folder.path().join("tokens.json");
    let read = Tokens::make(&file, "bob", Power::Read, "now".to_owned()).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        !text.contains(&read) && !text.contains(&door.token),
        "a token stands in its file"
    );
    assert!(Tokens::make(&file, "bob", Power::Read, "now".to_owned()).is_err());
    let bearer = format!("Bearer {read}");
    let head = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let post = |path: &str, body: Value| door.send("POST", path, &head, Some(&body.to_string())).status;
    assert_eq!(door.send("GET", "/stage_position", &head, None).status, 200);
    assert_eq!(post("/beam_current/get", json!({ "beam_type": "ion" })), 200);
    assert_eq!(post("/v1/read/stage.position", json!({})), 200);
    assert_eq!(post("/v1/read/stage.move-relative", json!({ "x": 1e-6 })), 422);
    assert_eq!(post("/move_stage_relative", along_x(1e-6)), 403);
    assert_eq!(
        post("/beam_current/set", json!({ "beam_type": "ion", "value": 1e-9 })),
        403
    );
    assert_eq!(post("/v1/commands/stage.move-relative", json!({ "x": 1e-6 })), 403);
    assert_eq!(post("/v1/stop", json!({})), 200);
    assert_eq!(door.ground()["pose"]["x"], 0.0);
    assert!(Tokens::revoke(&file, "bob").unwrap());
    assert_eq!(post("/v1/stop", json!({})), 401);
}

#[test]
fn nobody_is_let_in_from_another_machine_or_without_a_token_file() {
    let bench = Bench::new();
    let open = |address: &str, tokens: Option<PathBuf>| {
        let access = Access {
            address: address.parse().unwrap(),
            tokens,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime
            .block_on(Server::open(&bench.engine, &access))
            .err()
            .map(|e| e.kind)
    };
    assert_eq!(open("0.0.0.0:0", None), Some(ErrorKind::Usage));
    let none = bench.folder.path().join("none.json");
    assert_eq!(open("127.0.0.1:0", Some(none)), Some(ErrorKind::NotAuthorised));
    assert_eq!(open("[::1]:0", None), None);
}

#[test]
fn everybody_here_controls_where_that_was_asked_for() {
    let bench = Bench::new();
    bench.lines(&["system.connect"]).unwrap();
    let door = Door::open(bench, None, String::new());
    let answer = door.send("GET", "/stage_position", &[], None);
    assert_eq!(answer.status, 200);
    // a web page is no program of this machine
    assert_eq!(
        door.send("GET", "/stage_position", &[("origin", "http://evil")], None)
            .status,
        403
    );
    let json = [("content-type", "application/json")];
    assert_eq!(
        door.send("POST", "/move_stage_relative", &json, Some(&along_x(1e-6).to_string()))
            .status,
        200
    );
}
