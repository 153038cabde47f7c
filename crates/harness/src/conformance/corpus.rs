//! The conformance corpus: what must disclose nothing, as data. One file a class in
//! `conformance/corpus`; the format is described in `docs/formats/conformance.md`.
//!
//! Invariant: an entry counts only if it was shown to disclose something on the bare database, so that
//! none of them can rot into a statement that fails everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::step::{Case, Order, Step};
use super::talk::Transcript;
use super::twins::{Around, Outcome};

/// How the bare database is seen to disclose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Oracle {
    /// The two worlds answer differently, each always the same way.
    #[default]
    Differs,
    /// More rows come than `at_most`.
    Exceeds,
    /// The texts of `shows` come.
    Shows,
    /// It does what it says, without an error: the harm is no answer.
    Runs,
}

/// One statement or sequence of messages.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `class.name`.
    pub id: String,
    pub class: String,
    pub case: Case,
    /// On every road; on the bare database also `bare_setup` before it.
    pub around: Around,
    pub bare_setup: Vec<String>,
    /// The extension that the demonstration needs.
    pub needs: Option<String>,
    /// What it would give without the gate.
    pub discloses: String,
    pub oracle: Oracle,
    pub at_most: Option<usize>,
    pub shows: Vec<String>,
    /// The reason code with which the gate must refuse it.
    pub refused: Option<String>,
    /// Where the gate answers what does harm on the bare database: why the answer does none.
    pub answered: Option<String>,
    /// A defect that is known: through the gate it still discloses, and must until this is taken away.
    pub open: Option<String>,
    /// Why its answers may differ for a grant's role that is logged in directly; never rows.
    pub direct: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    class: String,
    about: String,
    contract: String,
    entry: Vec<Raw>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    id: String,
    contract: Option<String>,
    sql: Option<String>,
    #[serde(default)]
    before: Vec<Step>,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    after: Vec<Step>,
    each: Option<(i64, i64)>,
    #[serde(default)]
    startup: BTreeMap<String, String>,
    #[serde(default)]
    bare_setup: Vec<String>,
    #[serde(default)]
    setup: Vec<String>,
    #[serde(default)]
    undo: Vec<String>,
    #[serde(default)]
    spoils: bool,
    needs: Option<String>,
    discloses: String,
    #[serde(default)]
    oracle: Oracle,
    at_most: Option<usize>,
    #[serde(default)]
    shows: Vec<String>,
    refused: Option<String>,
    answered: Option<String>,
    open: Option<String>,
    direct: Option<String>,
}

/// Where the files are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/corpus")
}

/// All entries, by class.
pub fn conformance() -> Result<Vec<Entry>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    paths.sort();
    let mut entries = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        for entry in read(&path).with_context(|| path.display().to_string())? {
            ensure!(seen.insert(entry.id.clone()), "`{}` twice", entry.id);
            entries.push(entry);
        }
    }
    Ok(entries)
}

fn read(path: &Path) -> Result<Vec<Entry>> {
    let file: File = toml::from_str(&fs::read_to_string(path)?)?;
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    ensure!(stem == Some(&file.class), "holds class `{}`", file.class);
    ensure!(!file.about.is_empty(), "without `about`");
    let (class, contract) = (file.class, file.contract);
    let entries = file.entry.into_iter();
    entries
        .map(|raw| {
            let id = format!("{class}.{}", raw.id);
            entry(raw, &class, &contract).context(id)
        })
        .collect()
}

fn entry(raw: Raw, class: &str, contract: &str) -> Result<Entry> {
    ensure!(!raw.discloses.is_empty(), "without `discloses`");
    ensure!(
        raw.sql.is_some() == raw.steps.is_empty(),
        "either `sql` or `steps`"
    );
    ensure!(
        (raw.oracle == Oracle::Shows) != raw.shows.is_empty(),
        "`shows` goes with its oracle"
    );
    ensure!(
        raw.oracle != Oracle::Exceeds || raw.at_most.is_some(),
        "`at_most` is missing"
    );
    let steps = steps(&raw)?;
    let contract = raw.contract.unwrap_or_else(|| contract.to_owned());
    let around = Around {
        startup: raw.startup.into_iter().collect(),
        setup: raw.setup,
        undo: raw.undo,
        own_session: contract == COUNTED,
        cleans_up: !raw.spoils,
    };
    Ok(Entry {
        id: format!("{class}.{}", raw.id),
        class: class.to_owned(),
        case: Case {
            contract,
            steps,
            order: Order::Any,
        },
        around,
        bare_setup: raw.bare_setup,
        needs: raw.needs,
        discloses: raw.discloses,
        oracle: raw.oracle,
        at_most: raw.at_most,
        shows: raw.shows,
        refused: raw.refused,
        answered: raw.answered,
        open: raw.open,
        direct: raw.direct,
    })
}

/// Under this contract each session has its ceilings.
const COUNTED: &str = "counted";

/// `before`, the steps once for each number, `after`.
fn steps(raw: &Raw) -> Result<Vec<Step>> {
    let own = match &raw.sql {
        Some(sql) => vec![Step::Query(sql.clone())],
        None => raw.steps.clone(),
    };
    let mut all = raw.before.clone();
    match raw.each {
        None => all.extend(own),
        Some((first, last)) => {
            for number in first..=last {
                for step in &own {
                    all.push(numbered(step, number)?);
                }
            }
        }
    }
    all.extend(raw.after.iter().cloned());
    Ok(all)
}

/// `:n` is the number, wherever it stands.
fn numbered(step: &Step, number: i64) -> Result<Step> {
    let text = serde_json::to_string(step)?.replace(":n", &number.to_string());
    Ok(serde_json::from_str(&text)?)
}

impl Entry {
    /// What stands around it on the bare database.
    pub fn bare_around(&self) -> Around {
        let mut around = self.around.clone();
        around.setup.splice(0..0, self.bare_setup.iter().cloned());
        around.own_session = false;
        around
    }

    /// Why it does not disclose on the bare database; `None` is as it should be.
    pub fn not_shown(&self, bare: &Outcome) -> Option<String> {
        let rows = bare.a.rows();
        match self.oracle {
            Oracle::Differs => match bare.verdict.difference() {
                None => Some("the two worlds answer alike".to_owned()),
                Some(told) if told.unsteady => Some(format!("unsteady: {told}")),
                Some(_) => None,
            },
            Oracle::Exceeds => {
                (rows <= self.at_most.unwrap_or_default()).then(|| format!("{rows} rows only"))
            }
            Oracle::Shows => {
                let missing = self.shows.iter().find(|text| !gives(&bare.a, text));
                missing.map(|text| format!("`{text}` doesn't come"))
            }
            Oracle::Runs => {
                let errors = bare.a.errors();
                (!errors.is_empty() || !bare.a.is_usable()).then(|| format!("errors: {errors:?}"))
            }
        }
    }

    /// What of the entry's own came through; `None` is as it should be.
    pub fn comes_through(&self, said: &Transcript) -> Option<String> {
        if let Some(text) = self.shows.iter().find(|text| gives(said, text)) {
            return Some(format!("gives `{text}`"));
        }
        let (rows, most) = (said.rows(), self.at_most?);
        (rows > most).then(|| format!("{rows} rows, {most} at most"))
    }

    /// The same with the second lock's views for the tables: what somebody would ask who knows of them.
    pub fn at_the_views(&self) -> Case {
        let mut case = self.case.clone();
        let schema = format!("portcullis_{}", case.contract);
        for step in &mut case.steps {
            if let Some(sql) = step.sql() {
                *step = step.with_sql(&with_views(sql, &schema));
            }
        }
        case
    }
}

/// The world's tables that contracts show.
const SHOWN: [&str; 5] = [
    "clinic.patients",
    "clinic.visits",
    "clinic.doctors",
    "clinic.wards",
    "lab.samples",
];

fn with_views(sql: &str, schema: &str) -> String {
    SHOWN.iter().fold(sql.to_owned(), |sql, table| {
        sql.replace(table, &format!("{schema}.\"{table}\""))
    })
}

/// Whether a row or a message holds the text.
fn gives(said: &Transcript, text: &str) -> bool {
    said.messages().any(|message| {
        matches!(message.tag, b'D' | b'd' | b'N' | b'A')
            && message
                .body
                .windows(text.len().max(1))
                .any(|window| window == text.as_bytes())
    })
}
