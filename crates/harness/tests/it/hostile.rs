//! R6: nothing that a client sends, before or after it has logged in, crashes the gate, hangs it, makes
//! it grow, or gets past the log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use portcullis_harness::Connect;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;

use crate::world::{Seeded, World, ask, clinic, run, session};

const BEFORE_LOGIN: u64 = 2_080;
const AFTER_LOGIN: u64 = 1_000;
const CHECK_EVERY: u64 = 50;
const PATIENCE: Duration = Duration::from_millis(150);
/// What the gate may grow by over the whole trial.
const GROWTH_LIMIT_BYTES: u64 = 48 << 20;
/// Every patient's note starts so: it is out of scope and must never be seen.
const HIDDEN: &[u8] = b"note of";

fn open(port: u16) -> TcpStream {
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
        .set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    socket.set_nodelay(true).unwrap();
    socket
}

/// Sends, closes the sending side (so that nothing waits for more), reads what comes.
fn exchange(mut socket: TcpStream, bytes: &[u8]) -> Vec<u8> {
    // A gate that has heard enough closes while we still send: that is an answer too.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    let _ = socket.take(1 << 20).read_to_end(&mut answer);
    answer
}

fn startup_packet(pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut packet = BytesMut::new();
    frontend::startup_message(pairs.iter().copied(), &mut packet).unwrap();
    packet.to_vec()
}

fn before_login(seed: u64, user: &str) -> Vec<u8> {
    let mut seeded = Seeded(seed);
    let good = startup_packet(&[("user", user), ("database", "hospital")]);
    let ssl = vec![0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
    match seed % 12 {
        0 => random(&mut seeded, 64),
        1 => [
            &u32::to_be_bytes(seeded.next() as u32)[..],
            &random(&mut seeded, 200),
        ]
        .concat(),
        2 => mutated(&mut seeded, good),
        3 => [ssl, good].concat(), // stuffed behind the request for TLS
        4 => [good.clone(), good].concat(),
        5 => startup_packet(&[("user", user), ("options", "-c search_path=x -c=")]),
        6 => startup_packet(&[("user", user), ("replication", "database")]),
        7 => startup_packet(&[("user", ""), ("", "")]),
        8 => startup_packet(&[("user", &"u".repeat(9000))]),
        9 => [good, password_message(&random(&mut seeded, 300))].concat(),
        10 => {
            // A cancel request with a key that nobody has.
            let mut cancel = vec![0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];
            cancel.extend(random_exactly(&mut seeded, 8));
            cancel
        }
        _ => {
            let mut initial = b"SCRAM-SHA-256\0".to_vec();
            let declared = [i32::MAX, -1, -2, 0, 5][seeded.below(5) as usize];
            initial.extend(declared.to_be_bytes());
            initial.extend(random(&mut seeded, 60));
            [good, password_message(&initial)].concat()
        }
    }
}

fn password_message(body: &[u8]) -> Vec<u8> {
    let length = (body.len() + 4) as u32;
    [&b"p"[..], &length.to_be_bytes(), body].concat()
}

fn random(seeded: &mut Seeded, most: u64) -> Vec<u8> {
    let count = seeded.below(most) as usize;
    random_exactly(seeded, count)
}

fn random_exactly(seeded: &mut Seeded, count: usize) -> Vec<u8> {
    (0..count).map(|_| seeded.next() as u8).collect()
}

fn mutated(seeded: &mut Seeded, mut bytes: Vec<u8>) -> Vec<u8> {
    for _ in 0..=seeded.below(4) {
        let place = seeded.below(bytes.len() as u64) as usize;
        match seeded.below(3) {
            0 => bytes[place] = seeded.next() as u8,
            1 => bytes.truncate(place.max(1)),
            _ => bytes.insert(place, [0, 0xff, b'Q'][seeded.below(3) as usize]),
        }
    }
    bytes
}

/// The messages of honest clients; mutations of them come nearer to the code than noise does.
fn honest(seeded: &mut Seeded) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let sql = [
        "select patient_id, name from clinic.patients where patient_id = 1",
        "select doctor_note from clinic.patients",
        "begin; select 1; commit",
        "copy clinic.visits to stdout",
        "declare c cursor for select * from clinic.visits",
        "select '\u{1F600}', e'\\x41', $$q$$, 1 /* /* */ */ -- c",
    ][seeded.below(6) as usize];
    match seeded.below(8) {
        0 => frontend::query(sql, &mut bytes).unwrap(),
        1 => {
            frontend::parse("s", sql, [23], &mut bytes).unwrap();
            frontend::describe(b'S', "s", &mut bytes).unwrap();
            frontend::sync(&mut bytes);
        }
        2 => {
            frontend::parse("", sql, [], &mut bytes).unwrap();
            let formats = [seeded.below(3) as i16];
            let nothing = |_: (), _: &mut BytesMut| Ok(postgres_protocol::IsNull::No);
            let _ = frontend::bind("", "", formats, [()], nothing, [1], &mut bytes);
            frontend::execute("", seeded.below(5) as i32, &mut bytes).unwrap();
            frontend::sync(&mut bytes);
        }
        3 => frontend::close(b'P', "", &mut bytes).unwrap(),
        4 => frontend::copy_done(&mut bytes),
        5 => frontend::flush(&mut bytes),
        // A function call, and a message type that isn't one.
        6 => bytes.extend_from_slice(b"F\0\0\0\x0e\0\0\0\x01\0\0\0\0\0\0"),
        _ => bytes.extend_from_slice(b"~\0\0\0\x04"),
    }
    bytes.to_vec()
}

fn after_login(seed: u64) -> Vec<u8> {
    let mut seeded = Seeded(seed.wrapping_mul(7919));
    let mut bytes = Vec::new();
    for _ in 0..=seeded.below(4) {
        let message = honest(&mut seeded);
        bytes.extend(if seeded.below(3) == 0 {
            message
        } else {
            mutated(&mut seeded, message)
        });
    }
    if seeded.below(10) == 0 {
        bytes.extend([b'Q', 0x7f, 0xff, 0xff, 0xff]); // two gigabytes announced
    }
    bytes
}

/// A raw connection that has logged in as it should.
fn logged_in(connect: &Connect) -> TcpStream {
    let mut socket = open(connect.port);
    socket
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let pairs = [
        ("user", connect.user.as_str()),
        ("database", connect.database.as_str()),
    ];
    socket.write_all(&startup_packet(&pairs)).unwrap();
    assert_eq!(read_message(&mut socket).0, b'R');
    let mut scram = ScramSha256::new(connect.password.as_bytes(), ChannelBinding::unsupported());
    let mut bytes = BytesMut::new();
    frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut bytes).unwrap();
    socket.write_all(&bytes).unwrap();
    let (_, challenge) = read_message(&mut socket);
    scram.update(&challenge[4..]).unwrap();
    bytes.clear();
    frontend::sasl_response(scram.message(), &mut bytes).unwrap();
    socket.write_all(&bytes).unwrap();
    let (_, verdict) = read_message(&mut socket);
    scram.finish(&verdict[4..]).unwrap();
    while read_message(&mut socket).0 != b'Z' {}
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn read_message(socket: &mut TcpStream) -> (u8, Bytes) {
    let mut head = [0; 5];
    socket.read_exact(&mut head).unwrap();
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    let mut body = vec![0; length - 4];
    socket.read_exact(&mut body).unwrap();
    (head[0], Bytes::from(body))
}

fn check_well(world: &mut World, case: &str) {
    assert!(
        world.gate.is_alive(),
        "{case}: the gate is gone: {}",
        world.gate.server_log()
    );
    run(async {
        let client = session(&world.connect, "well")
            .await
            .unwrap_or_else(|e| panic!("{case}: {e}"));
        let by_key = "select patient_id from clinic.patients where patient_id = 1";
        assert_eq!(ask(&client, by_key).await.keys, [1], "{case}");
    });
}

fn check_hidden(answer: &[u8], case: &str) {
    let shown = answer.windows(HIDDEN.len()).any(|window| window == HIDDEN);
    assert!(
        !shown,
        "{case}: a hidden value in {}",
        String::from_utf8_lossy(answer)
    );
}

#[test]
fn nothing_sent_before_login_harms() {
    let mut world = clinic(50, |contract| contract);
    check_well(&mut world, "at first");
    let before = world.gate.resident_bytes().unwrap();
    for seed in 0..BEFORE_LOGIN {
        let case = format!("seed {seed}");
        let answer = exchange(
            open(world.connect.port),
            &before_login(seed, &world.connect.user),
        );
        check_hidden(&answer, &case);
        let admitted = answer
            .windows(9)
            .any(|window| window == b"R\0\0\0\x08\0\0\0\0");
        assert!(!admitted, "{case}: admitted");
        if seed % CHECK_EVERY == 0 {
            check_well(&mut world, &case);
        }
    }
    check_well(&mut world, "at last");
    let grown = world.gate.resident_bytes().unwrap().saturating_sub(before);
    assert!(grown < GROWTH_LIMIT_BYTES, "grown by {grown} bytes");
    let panicked = world.gate.server_log();
    assert!(!panicked.contains("panicked"), "{panicked}");
}

#[test]
fn nothing_sent_after_login_harms() {
    let mut world = clinic(50, |contract| contract);
    check_well(&mut world, "at first");
    let before = world.gate.resident_bytes().unwrap();
    for seed in 0..AFTER_LOGIN {
        let case = format!("seed {seed}");
        let answer = exchange(logged_in(&world.connect), &after_login(seed));
        check_hidden(&answer, &case);
        if seed % CHECK_EVERY == 0 {
            check_well(&mut world, &case);
        }
    }
    check_well(&mut world, "at last");
    let grown = world.gate.resident_bytes().unwrap().saturating_sub(before);
    assert!(grown < GROWTH_LIMIT_BYTES, "grown by {grown} bytes");
    let panicked = world.gate.server_log();
    assert!(!panicked.contains("panicked"), "{panicked}");
    let verified = world.gate.log_verify(&[]).unwrap();
    assert_eq!(verified.code, 0, "{}{}", verified.stdout, verified.stderr);
}

/// The raw client itself is right: a real server lets it in.
#[test]
fn the_raw_client_logs_in_to_a_bare_server() {
    let cluster = portcullis_harness::PgCluster::start_usual().unwrap();
    let connect = Connect {
        grant: String::new(),
        host: "127.0.0.1".to_owned(),
        port: cluster.port(),
        user: portcullis_harness::SUPERUSER.to_owned(),
        database: "postgres".to_owned(),
        password: portcullis_harness::SUPERUSER_PASSWORD.to_owned(),
    };
    let mut query = BytesMut::new();
    frontend::query("select 'here'", &mut query).unwrap();
    let answer = exchange(logged_in(&connect), &query);
    assert!(answer.windows(4).any(|window| window == b"here"));
}

/// asyncpg waits for it: an error must not wait for the Sync that only comes after it.
#[test]
fn an_error_is_sent_at_flush() {
    let world = clinic(50, |contract| contract);
    for refused in [
        "select set_config('log_statement', 'none', false)",
        "select x from clinic.patients",
    ] {
        let mut socket = logged_in(&world.connect);
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        let mut bytes = BytesMut::new();
        frontend::parse("s", refused, [], &mut bytes).unwrap();
        frontend::describe(b'S', "s", &mut bytes).unwrap();
        frontend::flush(&mut bytes);
        socket.write_all(&bytes).unwrap();
        assert_eq!(read_message(&mut socket).0, b'E', "{refused}");
        bytes.clear();
        frontend::sync(&mut bytes);
        socket.write_all(&bytes).unwrap();
        assert_eq!(read_message(&mut socket).0, b'Z', "{refused}");
    }
}
