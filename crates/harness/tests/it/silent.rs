//! R7: peers that connect and say nothing, or not all, don't keep others out, and don't stay.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::world::{ask, clinic, run, session};

const PEERS: usize = 300;
const LOGINS: usize = 100;
/// Of a debug build with everything on two cores; printed, so that a slow creep is seen.
const LOGIN_P99: Duration = Duration::from_millis(250);
/// The gate gives ten seconds to authenticate.
const GONE_AFTER: Duration = Duration::from_secs(14);

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const HALF_A_STARTUP: [u8; 6] = [0, 0, 0, 80, 0, 3];

#[test]
fn three_hundred_silent_peers_keep_nobody_out() {
    let world = clinic(100, |contract| contract);
    let mut peers: Vec<TcpStream> = (0..PEERS)
        .map(|index| {
            let mut peer = TcpStream::connect(("127.0.0.1", world.gate.pg_port())).unwrap();
            match index % 3 {
                0 => {}
                1 => peer.write_all(&SSL_REQUEST).unwrap(),
                _ => peer.write_all(&HALF_A_STARTUP).unwrap(),
            }
            peer
        })
        .collect();
    let connected = Instant::now();

    let mut took: Vec<Duration> = run(async {
        let mut took = Vec::new();
        for _ in 0..LOGINS {
            let from = Instant::now();
            let client = session(&world.connect, "login").await.unwrap();
            took.push(from.elapsed());
            let row = ask(
                &client,
                "select patient_id from clinic.patients where patient_id = 1",
            )
            .await;
            assert_eq!(row.keys, [1]);
        }
        took
    });
    took.sort();
    let p99 = took[LOGINS * 99 / 100];
    println!(
        "login with {PEERS} silent peers: median {:?}, p99 {p99:?}",
        took[LOGINS / 2]
    );
    assert!(p99 < LOGIN_P99, "p99 {p99:?}");

    for peer in &mut peers {
        let left = GONE_AFTER
            .saturating_sub(connected.elapsed())
            .max(Duration::from_millis(1));
        peer.set_read_timeout(Some(left)).unwrap();
        let mut rest = Vec::new();
        // The answer to SSLRequest, perhaps an error message; then the end.
        let ended = peer.read_to_end(&mut rest);
        let reset = |error: &std::io::Error| error.kind() == std::io::ErrorKind::ConnectionReset;
        assert!(
            ended.is_ok() || ended.as_ref().is_err_and(reset),
            "still open: {ended:?}"
        );
    }
}
