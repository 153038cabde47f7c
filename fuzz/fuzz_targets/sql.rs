#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| portcullis_hostile::run("sql", data));
