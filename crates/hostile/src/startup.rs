//! The first packet, whole and in pieces.

use bytes::BytesMut;
use portcullis_wire::build::client;
use portcullis_wire::startup::{First, take_first};

pub(crate) fn run(data: &[u8]) {
    let mut whole = BytesMut::from(data);
    let answer = take_first(&mut whole);
    // What came in pieces must be judged as what came at once.
    let cut = data.len() / 2;
    let mut pieces = BytesMut::from(&data[..cut]);
    let first = take_first(&mut pieces);
    let second = match first {
        Ok(None) => {
            pieces.extend_from_slice(&data[cut..]);
            take_first(&mut pieces)
        }
        done => done,
    };
    assert_eq!(answer, second);
    let Ok(Some(First::Startup(startup))) = answer else {
        return;
    };
    assert!(!startup.user().is_empty());
    let mut again = BytesMut::new();
    client::startup(
        &mut again,
        startup
            .params()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
    .expect("what was read can be said");
    let Ok(Some(First::Startup(read))) = take_first(&mut again) else {
        panic!("what was said can be read")
    };
    assert_eq!(read.params(), startup.params());
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut plain = BytesMut::new();
    let params = [
        ("user", "li.wei+7"),
        ("database", "hospital"),
        ("options", "-c search_path=x"),
    ];
    client::startup(&mut plain, params.into_iter()).unwrap();
    let mut grease = plain.to_vec();
    grease[6] = 0x27;
    let mut ssl = BytesMut::new();
    client::ssl_request(&mut ssl);
    let mut cancel = BytesMut::new();
    client::cancel_request(&mut cancel, 7, &[1; 32]).unwrap();
    let gss = [0, 0, 0, 8, 4, 210, 22, 48];
    vec![
        plain.to_vec(),
        grease,
        ssl.to_vec(),
        cancel.to_vec(),
        gss.to_vec(),
    ]
}
