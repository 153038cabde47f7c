//! `contract new --from RESOURCE`: what it writes, `apply` reads.

use std::collections::BTreeSet;

use portcullis_contract::file::{Known, Options, SourceFile, parse};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_with_its_blanks_filled_in_is_a_contract() {
    let world = World::start().await;
    world.sql("CREATE VIEW clinic.odd AS SELECT 1 AS x; CREATE TABLE clinic.\"Ward \"\"X\" (\"e mail\" text)").await;
    for law in ["none", "cn", "eu", "us-hipaa"] {
        let text = portcullis_lock::draft(&world.steward, law).await.unwrap();
        assert!(
            text.contains("table    = \"clinic.patients\"")
                && text.contains("subject  = \"patient_id\""),
            "{text}"
        );
        assert!(text.contains("# clinic.odd: this is a view"), "{text}");
        let filled = text
            .replace("title    = \"…\"", "title = \"T\"")
            .replace("vendor   = \"…\"", "vendor = \"acme-it\"")
            .replace("tickets = \"…\"", "tickets = \"Tickets\"");
        let known = Known {
            vendors: BTreeSet::from(["acme-it".into()]),
            resources: BTreeSet::from(["hospital".into()]),
            ..Known::default()
        };
        let parsed = parse(
            &[SourceFile {
                name: "draft.toml".into(),
                text: filled.clone(),
            }],
            &Options { known },
        );
        let document =
            parsed.unwrap_or_else(|diagnostics| panic!("{law}: {diagnostics:#?}\n{filled}"));
        let live = world.inspect(&document.contracts[0]).await;
        let problems = portcullis_lock::check_scope(&document.contracts[0], &live);
        // The steward of the sample may not read what was made after it.
        let others: Vec<_> = problems
            .iter()
            .filter(|p| !p.message.contains("may not read"))
            .collect();
        assert!(others.is_empty(), "{others:#?}");
    }
}
