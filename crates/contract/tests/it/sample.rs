use portcullis_contract::*;

pub const SAMPLE: &str = include_str!("../../testdata/sample.toml");

pub fn source(text: &str) -> SourceFile {
    SourceFile {
        name: "/etc/portcullis/clinic.toml".to_owned(),
        text: text.to_owned(),
    }
}

#[test]
fn the_sample_of_the_interface_has_no_mistake() {
    let files = [source(SAMPLE)];
    let document = file::parse(&files, &Options::default())
        .unwrap_or_else(|mistakes| panic!("{}", file::render(&mistakes, &files, false)));
    assert_eq!(document.contracts.len(), 1);
    let contract = &document.contracts[0];
    assert_eq!(contract.scope.len(), 2);
    assert_eq!(contract.methods.aggregate_min_group, 5);
    assert_eq!(contract.budgets.len(), 4);
    assert_eq!(
        document.resources[0].password_file.as_deref(),
        Some("/etc/portcullis/steward.password")
    );
}
