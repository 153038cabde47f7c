//! Servers that nobody should log in to.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;

use bytes::{BufMut, BytesMut};
use portcullis_wire::backend::TransactionStatus;
use portcullis_wire::build::server;
use portcullis_wire::frontend::{Message, Phase, sasl_initial, take_frame};
use portcullis_wire::scram::{Offer, SCRAM_SHA_256, Verifier};
use portcullis_wire::startup::{First, take_first};

use super::{run, target};
use crate::tls::{ClientTls, SslMode, self_signed};
use crate::upstream::*;

/// The other end of our connection: it answers what the test tells it to.
struct Peer {
    socket: TcpStream,
    buffer: BytesMut,
}

impl Peer {
    /// Up to our `StartupMessage`, with the TLS request answered as given.
    fn accept(listener: &TcpListener, tls_answer: &[u8]) -> Self {
        let (socket, _) = listener.accept().unwrap();
        let mut peer = Self {
            socket,
            buffer: BytesMut::new(),
        };
        while let Some(first) = peer.first() {
            match first {
                First::Ssl => peer.send(tls_answer),
                _ => break,
            }
        }
        peer
    }

    fn first(&mut self) -> Option<First> {
        loop {
            if let Some(first) = take_first(&mut self.buffer).unwrap() {
                return Some(first);
            }
            self.receive()?;
        }
    }

    fn receive(&mut self) -> Option<()> {
        let mut bytes = [0; 4096];
        match self.socket.read(&mut bytes) {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                self.buffer.put_slice(&bytes[..count]);
                Some(())
            }
        }
    }

    /// The body of our next password message.
    fn credential(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = take_frame(&mut self.buffer, Phase::Login).unwrap() {
                let Message::Credential { body } = frame.decode().unwrap() else {
                    panic!("{frame:?}")
                };
                return Some(body.to_vec());
            }
            self.receive()?;
        }
    }

    /// We may have hung up already, which is well.
    fn send(&mut self, bytes: &[u8]) {
        let _ = self.socket.write_all(bytes);
    }

    fn say(&mut self, build: impl FnOnce(&mut BytesMut)) {
        let mut out = BytesMut::new();
        build(&mut out);
        self.send(&out);
    }

    /// Asks for SCRAM and reads our first message's client nonce.
    fn ask_for_scram(&mut self) -> String {
        self.say(|out| server::authentication_sasl(out, &[SCRAM_SHA_256]).unwrap());
        let body = self.credential().unwrap();
        let first = sasl_initial(&body).unwrap().data.unwrap();
        let first = std::str::from_utf8(first).unwrap();
        first.rsplit_once("r=").unwrap().1.to_owned()
    }

    fn challenge(&mut self, text: &str) {
        self.say(|out| server::authentication_sasl_continue(out, text.as_bytes()).unwrap());
    }

    /// An honest SCRAM exchange for the password that the tests use.
    fn prove(&mut self) {
        let verifier = Verifier::from_password(b"throw-away", b"salt", 4096).unwrap();
        self.say(|out| server::authentication_sasl(out, &[SCRAM_SHA_256]).unwrap());
        let body = self.credential().unwrap();
        let initial = sasl_initial(&body).unwrap();
        let challenge = Offer::plain()
            .client_first(initial.mechanism, initial.data.unwrap(), verifier, "nonce")
            .unwrap();
        self.challenge(challenge.server_first());
        let proven = challenge.client_final(&self.credential().unwrap()).unwrap();
        self.say(|out| {
            server::authentication_sasl_final(out, proven.server_final().as_bytes()).unwrap()
        });
    }

    /// What we sent besides, until we hung up.
    fn rest(mut self) -> Vec<u8> {
        while self.receive().is_some() {}
        self.buffer.to_vec()
    }
}

/// Connects to a server that runs `script`; answers our error, and what the script answered.
fn meet<T: Send + 'static>(
    mode: SslMode,
    tls_answer: &'static [u8],
    script: impl FnOnce(Peer) -> T + Send + 'static,
) -> (Result<Upstream, UpstreamError>, T) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = target(listener.local_addr().unwrap().port());
    target.tls = ClientTls::new(mode, None).unwrap();
    target.within = Duration::from_secs(5);
    let (answers, answer) = mpsc::channel();
    let peer = thread::spawn(move || {
        let _ = answers.send(script(Peer::accept(&listener, tls_answer)));
    });
    let result = run(connect(&target));
    let answered = answer.recv_timeout(Duration::from_secs(10)).unwrap();
    peer.join().unwrap();
    (result, answered)
}

#[track_caller]
fn check_refused(expected: &str, script: impl FnOnce(&mut Peer) + Send + 'static) {
    let (result, _) = meet(SslMode::Disable, b"N", |mut peer| script(&mut peer));
    let error = result.expect_err("a login").to_string();
    assert!(
        error.contains(expected),
        "`{error}` does not say `{expected}`"
    );
}

#[test]
fn the_password_is_never_sent_in_another_way() {
    for (code, method) in [
        (3_u32, "clear text"),
        (5, "MD5"),
        (7, "another"),
        (2, "another"),
        (99, "another"),
    ] {
        let (result, sent) = meet(SslMode::Disable, b"N", move |mut peer| {
            let mut body = BytesMut::new();
            body.put_u8(b'R');
            body.put_u32(if code == 5 { 12 } else { 8 });
            body.put_u32(code);
            if code == 5 {
                body.put_u32(0x1234_5678);
            }
            peer.send(&body);
            peer.rest()
        });
        assert!(result.unwrap_err().to_string().contains(method));
        assert_eq!(sent, b"", "nothing may be answered to code {code}");
    }
}

#[test]
fn a_server_that_proves_nothing_is_not_believed() {
    check_refused("without a proof", |peer| {
        peer.say(|out| {
            server::authentication_ok(out);
            server::backend_key_data(out, 1, &[0; 4]).unwrap();
            server::ready_for_query(out, TransactionStatus::Idle);
        });
    });
    check_refused("`Z` where an authentication message was due", |peer| {
        peer.say(|out| server::ready_for_query(out, TransactionStatus::Idle));
    });
    check_refused("without a proof", |peer| {
        peer.ask_for_scram();
        peer.say(server::authentication_ok);
    });
    check_refused("without a proof", |peer| {
        let nonce = peer.ask_for_scram();
        peer.challenge(&format!("r={nonce}x,s=c2FsdA==,i=4096"));
        peer.credential();
        peer.say(server::authentication_ok);
    });
    check_refused("signature is wrong", |peer| {
        let nonce = peer.ask_for_scram();
        peer.challenge(&format!("r={nonce}x,s=c2FsdA==,i=4096"));
        peer.credential();
        peer.say(|out| {
            server::authentication_sasl_final(
                out,
                b"v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            )
            .unwrap();
            server::authentication_ok(out);
            server::backend_key_data(out, 1, &[0; 4]).unwrap();
            server::ready_for_query(out, TransactionStatus::Idle);
        });
    });
    check_refused("clear text", |peer| {
        peer.prove();
        peer.send(b"R\0\0\0\x08\0\0\0\x03");
    });
}

#[test]
fn the_cost_of_a_login_is_bounded() {
    for iterations in ["10000000", "100001", "4095", "1", "0", "99999999999999"] {
        check_refused("SCRAM iterations, outside of 4096 to 100000", move |peer| {
            let nonce = peer.ask_for_scram();
            peer.challenge(&format!("r={nonce}x,s=c2FsdA==,i={iterations}"));
        });
    }
    check_refused("more than 1048576 bytes", |peer| {
        peer.prove();
        let mut notice = BytesMut::new();
        let text = "x".repeat(10_000);
        let report = server::Report {
            severity: "NOTICE",
            sqlstate: "00000",
            message: &text,
            detail: None,
            hint: None,
            position: None,
        };
        server::notice_response(&mut notice, &report);
        (0..200).for_each(|_| peer.send(&notice));
    });
    check_refused("more than 256 parameters", |peer| {
        peer.prove();
        peer.say(|out| {
            server::authentication_ok(out);
            (0..300)
                .for_each(|name| server::parameter_status(out, &name.to_string(), "x").unwrap());
        });
    });
    check_refused("longer than the limit of 65536", |peer| {
        peer.send(b"R\x7f\xff\xff\xff")
    });
    check_refused("impossible length -1", |peer| {
        peer.send(b"R\xff\xff\xff\xff")
    });
    check_refused("impossible length 3", |peer| peer.send(b"R\0\0\0\x03"));
}

#[test]
fn garbage_is_named() {
    check_refused("unknown message type", |peer| {
        peer.send(b"\x15\x03\x01\0\x02\x02\x28")
    });
    check_refused("no SCRAM-SHA-256", |peer| {
        peer.say(|out| server::authentication_sasl(out, &["OAUTHBEARER"]).unwrap());
    });
    check_refused("closed the connection", |_| {});
    check_refused("malformed: nonce", |peer| {
        peer.ask_for_scram();
        peer.challenge("r=notours,s=c2FsdA==,i=4096");
    });
    for challenge in [
        "",
        "r=x",
        "r=x,s=y,i=",
        "r=x,s=y,i=-1",
        "r=x,s=y,i=+5000",
        "m=x,r=x,s=y",
        "\u{7f}",
    ] {
        check_refused("malformed", move |peer| {
            peer.ask_for_scram();
            peer.challenge(challenge);
        });
    }
    check_refused("`Z` where a cancel key was due", |peer| {
        peer.prove();
        peer.say(|out| {
            server::authentication_ok(out);
            server::ready_for_query(out, TransactionStatus::Idle);
        });
    });
    check_refused("`D` where the end of login was due", |peer| {
        peer.prove();
        peer.say(|out| {
            server::authentication_ok(out);
            server::data_row_texts(out, &[Some("x")]).unwrap();
        });
    });
}

#[test]
fn the_servers_own_words_cannot_reach_a_terminal() {
    let (result, ()) = meet(SslMode::Disable, b"N", |mut peer| {
        let fields = [(b'C', "28000"), (b'M', "no\x1b[2J\nentry")];
        peer.say(|out| server::report_fields(out, b'E', fields.into_iter()));
    });
    let Err(UpstreamError::Refused { sqlstate, message }) = result else {
        panic!("{result:?}")
    };
    assert_eq!(
        (sqlstate.as_str(), message.as_str()),
        ("28000", "no[2Jentry")
    );
}

#[test]
fn silence_ends_at_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = target(listener.local_addr().unwrap().port());
    target.within = Duration::from_millis(200);
    let started = std::time::Instant::now();
    let answer = run(connect(&target));
    assert!(
        matches!(answer, Err(UpstreamError::Deadline { .. })),
        "{answer:?}"
    );
    let answer = run(cancel(&target, 1, &[0; 4]));
    assert!(
        matches!(answer, Err(UpstreamError::Deadline { .. })),
        "{answer:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn the_answer_to_the_tls_request_is_one_byte() {
    for (mode, answer, expected) in [
        (SslMode::Prefer, &b"Nstuffed"[..], "more than the answer"),
        (SslMode::Require, b"Sstuffed", "more than the answer"),
        (SslMode::Require, b"N", "does not offer TLS"),
        (
            SslMode::Prefer,
            b"E",
            "answered the TLS request with byte 69",
        ),
    ] {
        let (result, ()) = meet(mode, answer, drop);
        let error = result.unwrap_err().to_string();
        assert!(error.contains(expected), "{mode:?}: `{error}`");
    }
}

#[test]
fn only_verify_full_goes_over_a_network() {
    let mut target = target(5432);
    target.host = "192.0.2.1".into();
    let ca = self_signed(&["db".into()]).unwrap().certificate_pem;
    for mode in [
        SslMode::Disable,
        SslMode::Prefer,
        SslMode::Require,
        SslMode::VerifyCa,
    ] {
        target.tls = ClientTls::new(mode, Some(ca.as_bytes())).unwrap();
        let error = run(connect(&target)).unwrap_err();
        assert!(
            matches!(error, UpstreamError::TooWeakForNetwork { .. }),
            "{mode:?}: {error}"
        );
    }
    assert!(ClientTls::new(SslMode::VerifyFull, None).is_err());
}

#[test]
fn an_honest_server_is_logged_in_to() {
    let (result, ()) = meet(SslMode::Prefer, b"N", |mut peer| {
        peer.prove();
        peer.say(|out| {
            server::authentication_ok(out);
            server::parameter_status(out, "server_version", "18.0").unwrap();
            server::backend_key_data(out, 5, &[1; 32]).unwrap();
            server::ready_for_query(out, TransactionStatus::Idle);
        });
    });
    let upstream = result.unwrap();
    assert_eq!(
        (upstream.process_id, &upstream.secret_key[..]),
        (5, &[1; 32][..])
    );
    assert_eq!(upstream.parameters["server_version"], "18.0");
}
