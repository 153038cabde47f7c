//! The files of `apply`, by somebody who may type anything.

use portcullis_contract::file::parse;
use portcullis_contract::{Options, SourceFile};

pub(crate) fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let file = SourceFile {
        name: "fuzz.toml".into(),
        text: text.to_owned(),
    };
    if let Err(mistakes) = parse(&[file], &Options::default()) {
        assert!(!mistakes.is_empty(), "refused without a word");
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![SAMPLE.into()]
}

const SAMPLE: &str = r#"
[vendor.acme-it]
name = "Acme IT Services"

[person."li.wei"]
vendor = "acme-it"
name   = "Li Wei"
vetting = [{ kind = "identity", by = "Personnel office", on = 2026-01-05, until = 2028-01-05 }]

[resource.hospital]
kind = "postgresql"
url  = "postgresql://steward@127.0.0.1:5432/hospital?sslmode=prefer"
password_file = "steward.password"

[contract.ops]
title    = "Operation of the clinic database"
vendor   = "acme-it"
law      = "none"
purposes = { tickets = "Looking up records on ticket" }
valid    = { from = 2026-01-01, until = 2027-12-31 }
vetting  = ["identity"]

[contract.ops.access]
hours    = "Mon-Fri 08:00-20:00"
timezone = "Asia/Shanghai"
networks = ["10.8.0.0/16", "127.0.0.0/8"]
grant_at_most = "12h"

[contract.ops.methods]
lookup    = {}
aggregate = { min_group = 5 }

[contract.ops.budget]
rows_per_statement = 500
subjects_per_day   = 2000
bytes_per_session  = "5 MB"

[[contract.ops.scope]]
resource = "hospital"
table    = "clinic.patients"
grade    = "general"
personal = "personal"
subject  = "patient_id"
columns  = ["patient_id", "name", "phone"]
mask     = { name = "first", phone = "last4" }
rows     = "hospital_ward <> 'VIP'"
"#;
