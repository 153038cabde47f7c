use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use portcullis_wire::scram::{
    Offer, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramError, Verifier, VerifierError,
};
use postgres_protocol::authentication::sasl::{ChannelBinding, ScramSha256};
use proptest::prelude::*;

const NONCE: &str = "c2VydmVyLW5vbmNlLXNlcnZlcg==";

fn verifier(password: &str) -> Verifier {
    Verifier::from_password(password.as_bytes(), b"0123456789abcdef", 4096).unwrap()
}

/// A whole exchange with somebody else's client.
fn log_in(
    offer: Offer,
    mechanism: &str,
    binding: ChannelBinding,
    password: &[u8],
    verifier: Verifier,
) -> Result<(), ScramError> {
    let mut client = ScramSha256::new(password, binding);
    let challenge = offer.client_first(mechanism, client.message(), verifier, NONCE)?;
    client
        .update(challenge.server_first().as_bytes())
        .expect("our challenge");
    let proven = challenge.client_final(client.message())?;
    client
        .finish(proven.server_final().as_bytes())
        .expect("our signature");
    Ok(())
}

fn end_point() -> Vec<u8> {
    vec![7; 32]
}

#[test]
fn another_implementation_logs_in_both_ways() {
    let plain = log_in(
        Offer::plain(),
        SCRAM_SHA_256,
        ChannelBinding::unsupported(),
        b"secret",
        verifier("secret"),
    );
    assert_eq!(plain, Ok(()));
    // `y` is right where we really offer no binding.
    let plain = log_in(
        Offer::plain(),
        SCRAM_SHA_256,
        ChannelBinding::unrequested(),
        b"secret",
        verifier("secret"),
    );
    assert_eq!(plain, Ok(()));
    let offer = Offer::with_channel_binding(end_point());
    let binding = ChannelBinding::tls_server_end_point(end_point());
    assert_eq!(
        log_in(
            offer.clone(),
            SCRAM_SHA_256_PLUS,
            binding,
            b"secret",
            verifier("secret")
        ),
        Ok(())
    );
    let without = log_in(
        offer,
        SCRAM_SHA_256,
        ChannelBinding::unsupported(),
        b"secret",
        verifier("secret"),
    );
    assert_eq!(without, Ok(()));
}

#[test]
fn binding_flags_are_judged_against_what_was_offered() {
    let offer = || Offer::with_channel_binding(end_point());
    let run = |offer, mechanism, binding| {
        log_in(offer, mechanism, binding, b"secret", verifier("secret"))
    };
    let other = ChannelBinding::tls_server_end_point(vec![8; 32]);
    assert_eq!(
        run(offer(), SCRAM_SHA_256_PLUS, other),
        Err(ScramError::BindingMismatch)
    );
    assert_eq!(
        run(offer(), SCRAM_SHA_256, ChannelBinding::unrequested()),
        Err(ScramError::Downgrade)
    );
    assert_eq!(
        run(offer(), SCRAM_SHA_256_PLUS, ChannelBinding::unsupported()),
        Err(ScramError::BindingFlag)
    );
    let bound = ChannelBinding::tls_server_end_point(end_point());
    assert_eq!(
        run(offer(), SCRAM_SHA_256, bound),
        Err(ScramError::BindingFlag)
    );
    let bound = ChannelBinding::tls_server_end_point(end_point());
    assert_eq!(
        run(Offer::plain(), SCRAM_SHA_256_PLUS, bound),
        Err(ScramError::Mechanism)
    );
    assert_eq!(
        run(offer(), "SCRAM-SHA-1", ChannelBinding::unsupported()),
        Err(ScramError::Mechanism)
    );
    assert_eq!(Offer::plain().mechanisms(), [SCRAM_SHA_256]);
    assert_eq!(offer().mechanisms(), [SCRAM_SHA_256_PLUS, SCRAM_SHA_256]);
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_the_same() {
    let wrong = log_in(
        Offer::plain(),
        SCRAM_SHA_256,
        ChannelBinding::unsupported(),
        b"wrong",
        verifier("secret"),
    );
    let mock = Verifier::mock(&[3; 32], "nobody");
    let unknown = log_in(
        Offer::plain(),
        SCRAM_SHA_256,
        ChannelBinding::unsupported(),
        b"wrong",
        mock,
    );
    assert_eq!(
        (wrong, unknown),
        (Err(ScramError::Rejected), Err(ScramError::Rejected))
    );
    let challenge = |verifier| {
        let challenge = Offer::plain()
            .client_first(SCRAM_SHA_256, b"n,,n=,r=abc", verifier, NONCE)
            .unwrap();
        challenge.server_first().to_owned()
    };
    let mock = |user| challenge(Verifier::mock(&[3; 32], user));
    assert_eq!(mock("nobody"), mock("nobody"));
    assert_ne!(mock("nobody"), mock("somebody"));
    assert_eq!(mock("nobody").len(), challenge(verifier("secret")).len());
}

#[test]
fn the_text_form_round_trips_and_nothing_else_is_read() {
    let text = verifier("pencil").to_string();
    assert!(text.starts_with("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$"));
    assert_eq!(Verifier::parse(&text).unwrap().to_string(), text);
    let key = STANDARD.encode([0; 32]);
    for bad in [
        String::new(),
        "md5d41d8cd98f00b204e9800998ecf8427e".into(),
        text.replace("SHA-256", "SHA-1"),
        text.replace("$4096:", "$+4096:"),
        format!("{text}$"),
        format!("{text} "),
        format!("SCRAM-SHA-256$4096:c2FsdA==${key}:c2hvcnQ="),
        format!("SCRAM-SHA-256$4096:!${key}:{key}"),
    ] {
        assert_eq!(
            Verifier::parse(&bad).err(),
            Some(VerifierError::Form),
            "{bad}"
        );
    }
    for iterations in [1, 4_095, 100_001, u32::MAX] {
        let text = format!("SCRAM-SHA-256${iterations}:c2FsdA==${key}:{key}");
        assert_eq!(
            Verifier::parse(&text).err(),
            Some(VerifierError::Iterations { iterations })
        );
    }
    assert_eq!(
        Verifier::from_password(b"x", b"", 4096).err(),
        Some(VerifierError::Salt { bytes: 0 })
    );
    assert!(Verifier::from_password(b"x", &[0; 65], 4096).is_err());
}

/// RFC 7677, section 3: the client's messages there, with its password and its server's nonce.
#[test]
fn the_example_of_rfc_7677_proves_itself() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let verifier = Verifier::from_password(b"pencil", &salt, 4096).unwrap();
    let first = b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
    let challenge = Offer::plain()
        .client_first(
            SCRAM_SHA_256,
            first,
            verifier,
            "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
        )
        .unwrap();
    assert_eq!(
        challenge.server_first(),
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
    let proven = challenge.client_final(last).unwrap();
    assert_eq!(
        proven.server_final(),
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
}

#[test]
fn passwords_are_prepared_as_clients_prepare_them() {
    let long = "x".repeat(1_000);
    for password in [
        "I\u{ad}X",
        "\u{aa}",
        "\u{1680}",
        "\u{7}bell",
        "密码",
        "",
        long.as_str(),
    ] {
        let answer = log_in(
            Offer::plain(),
            SCRAM_SHA_256,
            ChannelBinding::unsupported(),
            password.as_bytes(),
            verifier(password),
        );
        assert_eq!(answer, Ok(()), "{password:?}");
    }
    // "IX" is what the soft hyphen's password is prepared to.
    let answer = log_in(
        Offer::plain(),
        SCRAM_SHA_256,
        ChannelBinding::unsupported(),
        b"IX",
        verifier("I\u{ad}X"),
    );
    assert_eq!(answer, Ok(()));
    let bytes = Verifier::from_password(b"\xff\xfe", b"salt", 4096).unwrap();
    assert_eq!(
        log_in(
            Offer::plain(),
            SCRAM_SHA_256,
            ChannelBinding::unsupported(),
            b"\xff\xfe",
            bytes
        ),
        Ok(())
    );
}

#[test]
fn malformed_first_messages_are_refused() {
    let long_nonce = format!("n,,n=,r={}", "x".repeat(513));
    for (message, expected) in [
        (&b""[..], "binding flag"),
        (b"n", "binding flag"),
        (b"x,,n=,r=a", "binding flag"),
        (b"n=x,,n=,r=a", "binding flag"),
        (b"n,", "authorization identity"),
        (b"n,,", "user name"),
        (b"n,,m=x,n=,r=a", "user name"),
        (b"n,,n=", "nonce"),
        (b"n,,n=,r=", "nonce"),
        (b"n,,n=,r=a b", "nonce"),
        (b"n,,n=,r=\xc3\xa9", "nonce"),
        (b"n,,n=,r=a,x=b", "extension"),
        (b"n,,n=,r=\xff", "not UTF-8"),
        (long_nonce.as_bytes(), "nonce"),
    ] {
        let answer = Offer::plain()
            .client_first(SCRAM_SHA_256, message, verifier("x"), NONCE)
            .err();
        assert_eq!(
            answer,
            Some(ScramError::Malformed { what: expected }),
            "{}",
            message.escape_ascii()
        );
    }
    let refused = |message: &[u8]| {
        Offer::plain()
            .client_first(SCRAM_SHA_256, message, verifier("x"), NONCE)
            .err()
    };
    assert_eq!(
        refused(b"n,a=admin,n=,r=a"),
        Some(ScramError::AuthorizationIdentity)
    );
    assert_eq!(
        refused(b"p=tls-unique,,n=,r=a"),
        Some(ScramError::BindingFlag)
    );
}

#[test]
fn malformed_final_messages_are_refused() {
    let proof = STANDARD.encode([0; 32]);
    let nonce = format!("abc{NONCE}");
    for message in [
        String::new(),
        format!("c=biws,r={nonce}"),
        format!("c=biws,r={nonce},p="),
        format!("c=biws,r={nonce},p=AAAA"),
        format!("c=biws,r={nonce},p=!!!!"),
        format!("c=!,r={nonce},p={proof}"),
        format!("r={nonce},c=biws,p={proof}"),
        format!("c=biws,r={NONCE},p={proof}"),
        format!("c=biws,r={nonce},x=y,p={proof}"),
        format!("c=biws,r={nonce},p={proof},x=y"),
    ] {
        let challenge = Offer::plain()
            .client_first(SCRAM_SHA_256, b"n,,n=,r=abc", verifier("x"), NONCE)
            .unwrap();
        assert!(
            matches!(
                challenge.client_final(message.as_bytes()),
                Err(ScramError::Malformed { .. })
            ),
            "{message}"
        );
    }
    let challenge = || {
        Offer::plain()
            .client_first(SCRAM_SHA_256, b"n,,n=,r=abc", verifier("x"), NONCE)
            .unwrap()
    };
    let other_header = format!("c=eSws,r={nonce},p={proof}");
    assert_eq!(
        challenge().client_final(other_header.as_bytes()).err(),
        Some(ScramError::BindingMismatch)
    );
    let wrong = format!("c=biws,r={nonce},p={proof}");
    assert_eq!(
        challenge().client_final(wrong.as_bytes()).err(),
        Some(ScramError::Rejected)
    );
}

/// Both sides of our own, with any binding that fits.
#[test]
fn our_own_client_logs_in_and_checks_the_server() {
    use portcullis_wire::scram::client::{Binding, Hello, Keys, ServerError};

    let keys = Keys::derive(b"secret", b"0123456789abcdef", 4096).unwrap();
    let other = Keys::derive(b"wrong", b"0123456789abcdef", 4096).unwrap();
    for (offer, binding) in [
        (Offer::plain(), Binding::Unsupported),
        (Offer::plain(), Binding::NotOffered),
        (
            Offer::with_channel_binding(end_point()),
            Binding::EndPoint(end_point()),
        ),
    ] {
        let start = || {
            let hello = Hello::new(binding.clone(), "client-nonce".into());
            let message = hello.message().as_bytes();
            let challenge = offer
                .clone()
                .client_first(hello.mechanism(), message, verifier("secret"), NONCE)
                .unwrap();
            let challenged = hello
                .challenge(challenge.server_first().as_bytes())
                .unwrap();
            assert_eq!(
                (challenged.salt(), challenged.iterations()),
                (&b"0123456789abcdef"[..], 4096)
            );
            (challenge, challenged)
        };
        let (challenge, challenged) = start();
        assert!(keys.answer_to(&challenged).is_some());
        let answered = challenged.answer(&keys);
        let proven = challenge
            .client_final(answered.message().as_bytes())
            .unwrap();
        answered
            .check_proof(proven.server_final().as_bytes())
            .unwrap();

        let (challenge, challenged) = start();
        let answered = challenged.answer(&other);
        assert_eq!(
            challenge.client_final(answered.message().as_bytes()).err(),
            Some(ScramError::Rejected)
        );
        for (last, expected) in [
            (&b""[..], ServerError::Malformed { what: "signature" }),
            (
                b"e=other-error",
                ServerError::Malformed { what: "signature" },
            ),
            (b"v=", ServerError::Signature),
            (b"v=AAAA", ServerError::Signature),
            (b"v=\xff", ServerError::Malformed { what: "not UTF-8" }),
        ] {
            assert_eq!(start().1.answer(&keys).check_proof(last), Err(expected));
        }
    }
    assert_eq!(format!("{keys:?}"), "Keys(…)");
}

#[test]
fn a_servers_challenge_is_judged_before_it_is_paid_for() {
    use portcullis_wire::scram::client::{Binding, Hello, ServerError};

    let refused = |message: &[u8]| {
        Hello::new(Binding::Unsupported, "abc".into())
            .challenge(message)
            .err()
    };
    let malformed = |what| Some(ServerError::Malformed { what });
    assert_eq!(refused(b"r=abcx,s=c2FsdA==,i=4096"), None);
    for iterations in [0, 1, 4_095, 100_001, 10_000_000, u64::MAX] {
        let message = format!("r=abcx,s=c2FsdA==,i={iterations}");
        assert_eq!(
            refused(message.as_bytes()),
            Some(ServerError::Iterations { iterations })
        );
    }
    let long_nonce = format!("r=abc{},s=c2FsdA==,i=4096", "x".repeat(513));
    let long_salt = format!("r=abcx,s={},i=4096", STANDARD.encode([0; 65]));
    for (message, what) in [
        (&b""[..], "nonce"),
        (b"\xff", "not UTF-8"),
        (b"r=xyz,s=c2FsdA==,i=4096", "nonce"),
        (b"r=abc,s=c2FsdA==,i=4096", "nonce"),
        (b"m=x,r=abcx,s=c2FsdA==,i=4096", "nonce"),
        (long_nonce.as_bytes(), "nonce"),
        (b"r=abcx", "salt"),
        (b"r=abcx,s=,i=4096", "salt"),
        (b"r=abcx,s=!,i=4096", "salt"),
        (long_salt.as_bytes(), "salt"),
        (b"r=abcx,s=c2FsdA==", "iterations"),
        (b"r=abcx,s=c2FsdA==,i=", "iterations"),
        (b"r=abcx,s=c2FsdA==,i=+4096", "iterations"),
        (b"r=abcx,s=c2FsdA==,i=99999999999999999999", "iterations"),
        (b"r=abcx,s=c2FsdA==,i=4096,x=y", "extension"),
    ] {
        assert_eq!(
            refused(message),
            malformed(what),
            "{}",
            message.escape_ascii()
        );
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(first in proptest::collection::vec(any::<u8>(), 0..60), last in proptest::collection::vec(any::<u8>(), 0..90), text in "\\PC{0,60}") {
        let verifier = || Verifier::mock(&[0; 32], "x");
        let _ = Offer::plain().client_first(SCRAM_SHA_256, &first, verifier(), NONCE);
        let challenge = Offer::plain().client_first(SCRAM_SHA_256, b"n,,n=,r=abc", verifier(), NONCE).unwrap();
        prop_assert!(challenge.client_final(&last).is_err());
        let _ = Verifier::parse(&text);
        let _ = Verifier::parse(&format!("SCRAM-SHA-256${text}"));
    }
}
