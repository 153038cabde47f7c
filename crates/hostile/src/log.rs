//! What a verifier reads of a log that somebody else may have written: notes, checkpoints, tiles,
//! disclosure sets.

use portcullis_ledger::DisclosureSet;
use portcullis_tlog::checkpoint::Checkpoint;
use portcullis_tlog::note::{Note, VerifierKey};
use portcullis_tlog::tile::{decode_tile, parse_index_path};

pub(crate) fn run(data: &[u8]) {
    for width in [0, 1, data.len() / 32, 256] {
        let _ = decode_tile(data, width);
    }
    if let Ok(set) = DisclosureSet::decode(data) {
        let ids: Vec<_> = set.ids().collect();
        let again = DisclosureSet::decode(&set.encode()).expect("what was read can be said");
        assert!(again.ids().eq(ids));
    }
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let _ = parse_index_path(text);
    let _ = Note::parse(text);
    let _ = VerifierKey::parse(text);
    if let Ok(checkpoint) = Checkpoint::parse(text) {
        let again = Checkpoint::parse(&checkpoint.text()).expect("what was read can be said");
        assert_eq!(again.text(), checkpoint.text());
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let checkpoint = "gate.example/log\n12345\nqINS1GRFhWHwdkUeqLEoP4yEMkTBBzxBkGwGQlVlVcs=\n";
    let signature = "\u{2014} gate.example/log Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n";
    vec![
        checkpoint.into(),
        format!("{checkpoint}\n{signature}").into_bytes(),
        b"PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".to_vec(),
        b"x001/x234/067".to_vec(),
        vec![7; 64],
        DisclosureSet::default().encode(),
    ]
}
