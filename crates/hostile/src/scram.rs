//! Both messages of a SCRAM client, cut out of the input at its first NUL, and verifiers.

use portcullis_wire::frontend::sasl_initial;
use portcullis_wire::scram::{Offer, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, Verifier};

const NONCE: &str = "c2VydmVyLW5vbmNlLXNlcnZlcg==";
const VERIFIER: &str = "SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub(crate) fn run(data: &[u8]) {
    let _ = sasl_initial(data);
    let (first, last) = match data.iter().position(|byte| *byte == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &b""[..]),
    };
    for (offer, mechanism) in [
        (Offer::plain(), SCRAM_SHA_256),
        (Offer::with_channel_binding(vec![7; 32]), SCRAM_SHA_256),
        (Offer::with_channel_binding(vec![7; 32]), SCRAM_SHA_256_PLUS),
    ] {
        for verifier in [
            Verifier::parse(VERIFIER).unwrap(),
            Verifier::mock(&[1; 32], "x"),
        ] {
            let Ok(challenge) = offer
                .clone()
                .client_first(mechanism, first, verifier, NONCE)
            else {
                continue;
            };
            assert!(challenge.server_first().contains(NONCE));
            assert!(
                challenge.client_final(last).is_err(),
                "a guess proved a password"
            );
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(verifier) = Verifier::parse(text)
    {
        let again = Verifier::parse(&verifier.to_string()).expect("what was read can be said");
        assert_eq!(again.to_string(), verifier.to_string());
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let last = format!("c=biws,r=abc{NONCE},p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let first = [
        "n,,n=,r=abc",
        "y,,n=x,r=abc",
        "p=tls-server-end-point,,n=,r=abc",
        "n,a=x,n=,r=abc",
    ];
    let mut seeds: Vec<Vec<u8>> = first
        .iter()
        .map(|first| [first.as_bytes(), b"\0", last.as_bytes()].concat())
        .collect();
    seeds.push(VERIFIER.into());
    seeds.push(b"SCRAM-SHA-256\0\0\0\0\x0bn,,n=,r=abc".to_vec());
    seeds
}
