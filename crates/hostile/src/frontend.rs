//! A client's stream after its login: framed, decoded, and said again byte for byte.

use bytes::{Bytes, BytesMut};
use portcullis_wire::WireError;
use portcullis_wire::build::client;
use portcullis_wire::frontend::{Format, Frame, Message, Phase, Target, take_frame};

pub(crate) fn run(data: &[u8]) {
    for phase in [Phase::Login, Phase::Session] {
        let whole = frames(&mut BytesMut::from(data), phase);
        let mut pieces = BytesMut::from(&data[..data.len() / 2]);
        let mut found = frames(&mut pieces, phase);
        if found.1 {
            pieces.extend_from_slice(&data[data.len() / 2..]);
            let (rest, fine) = frames(&mut pieces, phase);
            found.0.extend(rest);
            found.1 = fine;
        }
        assert_eq!(whole, found, "pieces are judged otherwise than the whole");
    }
}

/// Frames up to the first that is refused, and whether none was.
fn frames(buffer: &mut BytesMut, phase: Phase) -> (Vec<Bytes>, bool) {
    let mut found = Vec::new();
    loop {
        match take_frame(buffer, phase) {
            Ok(Some(frame)) => {
                check_said_again(&frame);
                found.push(frame.raw().clone());
            }
            Ok(None) => return (found, true),
            Err(_) => return (found, false),
        }
    }
}

/// INVARIANT: what is judged is what is sent. A decoded message has one form on the wire.
fn check_said_again(frame: &Frame) {
    let Ok(message) = frame.decode() else {
        return;
    };
    let mut again = BytesMut::new();
    match message {
        Message::Query { sql } => client::query(&mut again, sql),
        Message::Parse(parse) => {
            client::parse(&mut again, parse.name, parse.sql, &parse.param_types)
        }
        Message::Bind(bind) => client::bind(
            &mut again,
            bind.portal,
            bind.statement,
            &bind.param_formats,
            bind.params.iter().copied(),
            &bind.result_formats,
        ),
        Message::Describe { target, name } => client::describe(&mut again, target, name),
        Message::Execute { portal, max_rows } => client::execute(&mut again, portal, max_rows),
        Message::Close { target, name } => client::close(&mut again, target, name),
        Message::CopyData { data } => client::copy_data(&mut again, data),
        Message::CopyFail { reason } => client::copy_fail(&mut again, reason),
        Message::Credential { body } => client::sasl_response(&mut again, body),
        Message::Sync => said(client::sync, &mut again),
        Message::Flush => said(client::flush, &mut again),
        Message::Terminate => said(client::terminate, &mut again),
        Message::CopyDone => said(client::copy_done, &mut again),
        Message::FunctionCall => return,
    }
    .expect("what was read can be said");
    assert_eq!(frame.raw(), &again.freeze());
}

fn said(build: fn(&mut BytesMut), out: &mut BytesMut) -> Result<(), WireError> {
    build(out);
    Ok(())
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut out = BytesMut::new();
    client::query(
        &mut out,
        "select name from clinic.patients where patient_id = 7",
    )
    .unwrap();
    client::parse(&mut out, "s1", "select $1::int", &[23]).unwrap();
    let params = [Some(&b"\0\0\0\x07"[..]), None];
    client::bind(
        &mut out,
        "",
        "s1",
        &[Format::Binary],
        params.into_iter(),
        &[Format::Text],
    )
    .unwrap();
    client::describe(&mut out, Target::Portal, "").unwrap();
    client::execute(&mut out, "", 10).unwrap();
    client::close(&mut out, Target::Statement, "s1").unwrap();
    client::sync(&mut out);
    let mut copy = BytesMut::new();
    client::copy_data(&mut copy, b"1\t2\n").unwrap();
    client::copy_done(&mut copy);
    client::copy_fail(&mut copy, "no").unwrap();
    client::flush(&mut copy);
    client::terminate(&mut copy);
    let mut login = BytesMut::new();
    client::sasl_initial(&mut login, "SCRAM-SHA-256", b"n,,n=,r=abc").unwrap();
    vec![
        out.to_vec(),
        copy.to_vec(),
        login.to_vec(),
        b"F\0\0\0\x06\0\0".to_vec(),
    ]
}
