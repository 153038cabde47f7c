//! The honest corpus: statements that must keep working, as data. One file an origin in
//! `conformance/honest`; the format is described in `docs/formats/conformance.md`.
//!
//! Invariant: an answer through the gate counts only beside the masked reference's, a bare PostgreSQL
//! that holds nothing but what the contract shows. What may differ is said column by column, with the
//! reason, in the entry; and each entry is exactly what it says it is.
//!
//! Start at [`honest`] and [`Ground::start`].

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde::Deserialize;

use super::WORLD_SQL;
use super::compare::{self, Difference};
use super::step::{Order, Step};
use super::talk::{self, Transcript, field};
use super::twins::{self, Around, DATABASE, Road, Side};
use crate::raw::{Message, Raw};
use crate::{Connect, PgCluster};

/// Turns side 1 of the world into what `ops` shows.
pub const AS_SHOWN_SQL: &str = include_str!("../../conformance/as_shown.sql");
/// The contract that the masked reference stands for.
const CONTRACT: &str = "ops";
const SIDE: u8 = 1;
/// The reference's own; a throw-away database on the loopback.
const REFERENCE_PASSWORD: &str = "as-shown";
/// What the gate's sessions begin with: every schema in scope, then `public`.
const SEARCH_PATH: &str = "\"$user\", clinic, lab, public";
/// Instead of a column's name: how many rows come and what is in them. Names and types stay compared.
pub const ALL_ROWS: &str = "*";
/// Instead of a column's name: from which tables the result's columns come.
pub const SOURCES: &str = "(sources)";
/// Instead of a column's name: of which types the result's columns are. Their texts stay compared.
pub const TYPES: &str = "(types)";
/// In a statement: the OID of this relation, type or schema, as clients fill it in from an earlier answer.
const OID_MARK: &str = "{oid:";
const LEFT_OUT: &[u8] = b"(differs by nature)";
/// OIDs below are PostgreSQL's own.
const FIRST_OF_USERS: u32 = 16384;
/// Of a RowDescription's field, behind its name; and those of them that name the table and column.
const FIXED_BYTES: usize = 18;
const SOURCE_BYTES: usize = 6;

/// What may be otherwise, and why.
pub type Reasons = BTreeMap<String, String>;

/// What an entry says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// The same answer as the masked reference's.
    Equal,
    /// The same but for these columns (or [`ALL_ROWS`]), each with its reason.
    ButFor(Reasons),
    /// Refused by design, with this reason code.
    Blocked { code: String, why: String },
}

/// One thing that a client or an engineer sends.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `file.name`.
    pub id: String,
    /// Which client or which work sends it.
    pub origin: String,
    pub steps: Vec<Step>,
    pub order: Order,
    /// Texts by which rows of the reference are known that the contract does not show, with the reason.
    pub unseen: Reasons,
    pub says: Says,
    /// A defect that is known: it is not yet so, and must not be until this is taken away.
    pub open: Option<String>,
}

/// What came of an entry.
#[derive(Clone, Debug)]
pub enum Came {
    Equal,
    /// Equal where it has to be, and not where it need not.
    ButFor,
    /// The same, but this mark of it excuses nothing.
    Idle(String),
    Blocked(String),
    /// The reference itself fails: the entry tests nothing.
    NoReference(String),
    Differs(Box<Difference>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    origin: String,
    entry: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    origin: Option<String>,
    sql: Option<String>,
    #[serde(default)]
    steps: Vec<Step>,
    #[serde(default)]
    order: Order,
    #[serde(default)]
    differs: Reasons,
    #[serde(default)]
    unseen: Reasons,
    blocked: Option<String>,
    why: Option<String>,
    open: Option<String>,
}

/// Where the files are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/honest")
}

/// All entries, by file.
pub fn honest() -> Result<Vec<Entry>> {
    let files = fs::read_dir(folder())?.map(|file| Ok(file?.path()));
    let mut paths = files.collect::<Result<Vec<PathBuf>>>()?;
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
    let stem = stem.context("a file without a name")?;
    let entries = file.entry.into_iter();
    entries
        .map(|written| {
            let id = format!("{stem}.{}", written.id);
            entry(written, &id, &file.origin).context(id)
        })
        .collect()
}

fn entry(written: Written, id: &str, origin: &str) -> Result<Entry> {
    ensure!(
        written.sql.is_some() == written.steps.is_empty(),
        "either `sql` or `steps`"
    );
    let reasons = written.differs.values().chain(written.unseen.values());
    ensure!(
        reasons.chain(&written.why).all(|reason| !reason.is_empty()),
        "a reason is missing"
    );
    let says = match (written.blocked, written.why) {
        (Some(code), Some(why)) => Says::Blocked { code, why },
        (None, None) if written.differs.is_empty() && written.unseen.is_empty() => Says::Equal,
        (None, None) => Says::ButFor(written.differs),
        _ => return Err(anyhow!("`blocked` and `why` go together")),
    };
    let steps = match written.sql {
        Some(sql) => vec![Step::Query(sql)],
        None => written.steps,
    };
    Ok(Entry {
        id: id.to_owned(),
        origin: written.origin.unwrap_or_else(|| origin.to_owned()),
        steps,
        order: written.order,
        unseen: written.unseen,
        says,
        open: written.open,
    })
}

/// The masked reference: a bare PostgreSQL and one ordinary role's session on it.
struct Reference {
    cluster: PgCluster,
    way: Connect,
    open: Option<(Raw, String)>,
}

/// The gate before the world, and the masked reference.
pub struct Ground {
    gate: Side,
    reference: Reference,
    oids: BTreeMap<String, String>,
}

impl Ground {
    pub fn start() -> Result<Self> {
        let (gate, cluster) = std::thread::scope(|scope| {
            let reference = scope.spawn(as_shown);
            let gate = Side::start(SIDE, Vec::new(), None);
            let reference = reference
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the reference's start panicked")));
            (gate, reference)
        });
        let (gate, cluster) = (gate?, cluster?);
        let user = gate.user(CONTRACT).context("no grant")?;
        let reference = Reference::before(cluster, user)?;
        Ok(Self {
            gate,
            reference,
            oids: BTreeMap::new(),
        })
    }

    /// Both answers, the reference's first.
    pub fn ask(&mut self, entry: &Entry) -> Result<[Transcript; 2]> {
        let steps = self.filled_in(&entry.steps)?;
        let expected = self.reference.say(&steps)?;
        let around = Around::default();
        let got = self.gate.say(Road::Gate, CONTRACT, &steps, &around)?;
        Ok([expected, got])
    }

    /// What the entry came to, whatever it says of itself.
    pub fn came(entry: &Entry, [expected, got]: &[Transcript; 2]) -> Came {
        if let Some(code) = refused(got) {
            return Came::Blocked(code);
        }
        if !expected.is_usable() {
            return Came::NoReference("the session ended".to_owned());
        }
        let (plain_expected, plain_got) = (plain(expected), plain(got));
        let difference = compare::first_difference(&plain_expected, &plain_got, entry.order);
        let Some(difference) = difference else {
            return Came::Equal;
        };
        let Says::ButFor(columns) = &entry.says else {
            return Came::Differs(Box::new(difference));
        };
        let left = |columns: &Reasons, unseen: &Reasons| {
            let expected = but_for(&without_rows(&plain_expected, unseen), columns);
            let got = if entry.unseen.is_empty() {
                plain_got.clone()
            } else {
                uncounted(&plain_got)
            };
            compare::first_difference(&expected, &but_for(&got, columns), entry.order)
        };
        if let Some(difference) = left(columns, &entry.unseen) {
            return Came::Differs(Box::new(difference));
        }
        let idle_column = columns
            .keys()
            .find(|key| left(&without(columns, key), &entry.unseen).is_none());
        let idle_text = entry
            .unseen
            .keys()
            .find(|key| left(columns, &without(&entry.unseen, key)).is_none());
        match idle_column.or(idle_text) {
            Some(mark) => Came::Idle(mark.clone()),
            None => Came::ButFor,
        }
    }

    fn filled_in(&mut self, steps: &[Step]) -> Result<Vec<Step>> {
        let text = serde_json::to_string(steps)?;
        let mut out = String::new();
        let mut rest = text.as_str();
        while let Some((before, behind)) = rest.split_once(OID_MARK) {
            let (name, behind) = behind.split_once('}').context("an open `{oid:`")?;
            out.push_str(before);
            out.push_str(&self.oid(name)?);
            rest = behind;
        }
        out.push_str(rest);
        Ok(serde_json::from_str(&out)?)
    }

    /// The same in both databases, because they were made alike.
    fn oid(&mut self, name: &str) -> Result<String> {
        if let Some(known) = self.oids.get(name) {
            return Ok(known.clone());
        }
        let sql = format!(
            "select coalesce(to_regclass('{name}')::oid, to_regtype('{name}')::oid, to_regnamespace('{name}')::oid, to_regproc('{name}')::oid)"
        );
        let of = |rows: Vec<Vec<Option<String>>>| rows.into_iter().flatten().flatten().next();
        let here = of(self.reference.cluster.rows_in(DATABASE, &sql)?);
        let there = of(self.gate.rows(DATABASE, &sql)?);
        ensure!(here == there, "`{name}` is {here:?} and {there:?}");
        let oid = here.with_context(|| format!("no `{name}`"))?;
        self.oids.insert(name.to_owned(), oid.clone());
        Ok(oid)
    }
}

fn as_shown() -> Result<PgCluster> {
    let cluster = twins::start_cluster(Vec::new())?;
    cluster.create_database(DATABASE)?;
    let world = WORLD_SQL.replace(":side", &SIDE.to_string());
    cluster.execute_in(DATABASE, &world).context("world.sql")?;
    cluster
        .execute_in(DATABASE, AS_SHOWN_SQL)
        .context("as_shown.sql")?;
    Ok(cluster)
}

impl Reference {
    /// An ordinary role of the engineer's name, which may read everything there is.
    fn before(cluster: PgCluster, user: &str) -> Result<Self> {
        let role = format!("\"{}\"", user.replace('"', "\"\""));
        cluster.execute_in(
            DATABASE,
            &format!(
                "create role {role} login password '{REFERENCE_PASSWORD}'; grant pg_read_all_data to {role}"
            ),
        )?;
        let way = Connect {
            grant: String::new(),
            host: "127.0.0.1".to_owned(),
            port: cluster.port(),
            user: user.to_owned(),
            database: DATABASE.to_owned(),
            password: REFERENCE_PASSWORD.to_owned(),
        };
        Ok(Self {
            cluster,
            way,
            open: None,
        })
    }

    fn say(&mut self, steps: &[Step]) -> Result<Transcript> {
        let (mut raw, pid) = match self.open.take() {
            Some(session) => session,
            None => self.connect()?,
        };
        let no_owner = &mut |_: &str| Err(anyhow!("the honest corpus has no owner's steps"));
        let mut transcript = talk::say(&mut raw, steps, no_owner);
        if transcript.is_usable() && twins::reset(&mut raw, &transcript) {
            self.open = Some((raw, pid.clone()));
        }
        let named = twins::may_name_process(steps);
        let parts = transcript.parts.iter_mut();
        for message in parts.flat_map(|part| &mut part.messages) {
            twins::renamed(message, &self.way.user, "USER");
            if named {
                twins::without_pid(message, &pid);
            }
        }
        Ok(transcript)
    }

    fn connect(&self) -> Result<(Raw, String)> {
        let params = [
            ("application_name", "trial"),
            ("search_path", SEARCH_PATH),
            ("statement_timeout", "15min"), // the gate's own ceilings
            ("lock_timeout", "10s"),
        ];
        let mut raw = Raw::try_connect(&self.way, &params)?.map_err(|told| anyhow!("{told}"))?;
        let pid = raw.query("select pg_backend_pid()")?.rows();
        let pid = pid.into_iter().flatten().flatten().next();
        Ok((raw, pid.context("no process id")?))
    }
}

/// The reason code of the gate's first refusal.
fn refused(said: &Transcript) -> Option<String> {
    let refusal = said
        .messages()
        .find(|message| compare::is_refusal(message))?;
    let text = field(&refusal.body, b'M')?;
    let (_, code) = text.split_once('[')?;
    Some(code.split_once(']')?.0.to_owned())
}

/// Without what may differ in every answer:
/// - the catalog's own relations as sources of result columns: the gate answers from look-alikes, which
///   have no such OIDs; drivers take those for the names of tables that could be written to;
/// - where in an answer a ParameterStatus stands: it may come at any time;
/// - an error's words: the gate withholds the database's own. Severity and SQLSTATE stay.
fn plain(said: &Transcript) -> Transcript {
    let mut said = said.clone();
    for part in &mut said.parts {
        for message in &mut part.messages {
            match message.tag {
                b'T' => without_sources(&mut message.body, FIRST_OF_USERS),
                b'E' => message.body = without_words(&message.body),
                _ => {}
            }
        }
        part.messages.sort_by_key(|message| match message.tag {
            b'S' => 1,
            b'Z' => 2,
            _ => 0,
        });
    }
    said
}

fn without_words(error: &[u8]) -> Vec<u8> {
    let kept = error
        .split(|byte| *byte == 0)
        .filter(|field| matches!(field.first(), Some(b'S' | b'V' | b'C')));
    kept.collect::<Vec<_>>().join(&0)
}

/// Without the tables below this OID as sources of columns.
fn without_sources(body: &mut [u8], below: u32) {
    let mut at = 2;
    while let Some(end) = body
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| *byte == 0))
    {
        let source = at + end + 1;
        at = source + FIXED_BYTES;
        let Some(source) = body.get_mut(source..source + SOURCE_BYTES) else {
            return;
        };
        let table = source.first_chunk().map(|oid| u32::from_be_bytes(*oid));
        if table.is_some_and(|oid| oid < below) {
            source.fill(0);
        }
    }
}

fn without(reasons: &Reasons, key: &str) -> Reasons {
    let mut reasons = reasons.clone();
    reasons.remove(key);
    reasons
}

/// Without the rows in which one of these texts stands.
fn without_rows(said: &Transcript, unseen: &Reasons) -> Transcript {
    if unseen.is_empty() {
        return said.clone();
    }
    let mut said = uncounted(said);
    for part in &mut said.parts {
        part.messages.retain(|message| {
            message.tag != b'D'
                || !unseen
                    .keys()
                    .any(|text| compare::holds(&message.body, text))
        });
    }
    said
}

/// Without the number of rows in the command's tag.
fn uncounted(said: &Transcript) -> Transcript {
    let mut said = said.clone();
    for message in said.parts.iter_mut().flat_map(|part| &mut part.messages) {
        if message.tag == b'C' {
            message.body.retain(|byte| !byte.is_ascii_digit());
        }
    }
    said
}

/// With these columns' values left out; or all rows.
fn but_for(said: &Transcript, columns: &Reasons) -> Transcript {
    let mut said = said.clone();
    for part in &mut said.parts {
        let mut named: Vec<String> = Vec::new();
        for message in &mut part.messages {
            match message.tag {
                b'T' => {
                    named = names(&message.body);
                    if columns.contains_key(SOURCES) {
                        without_sources(&mut message.body, u32::MAX);
                    }
                    if columns.contains_key(TYPES) {
                        message.body = named.join("\0").into_bytes();
                    }
                }
                b'D' => without_columns(message, &named, columns),
                _ => {}
            }
        }
        if columns.contains_key(ALL_ROWS) {
            part.messages
                .retain(|message| !matches!(message.tag, b'D' | b'd' | b'C'));
        }
    }
    said
}

fn without_columns(row: &mut Message, named: &[String], columns: &Reasons) {
    let mut values = compare::values(&row.body);
    for (value, name) in values.iter_mut().zip(named) {
        let named = |column: &String| column.eq_ignore_ascii_case(name);
        if columns.keys().any(named) {
            *value = Some(LEFT_OUT.to_vec());
        }
    }
    row.body = compare::row_of(&values);
}

/// The columns' names of a RowDescription.
fn names(body: &[u8]) -> Vec<String> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut names = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (name, behind) = rest.split_at(end);
        names.push(String::from_utf8_lossy(name).into_owned());
        rest = behind.get(1 + FIXED_BYTES..).unwrap_or_default();
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Ended, Part};

    /// An answer with columns `a` and `b`.
    fn said(rows: &[[&str; 2]]) -> Transcript {
        let mut described = 2_u16.to_be_bytes().to_vec();
        for name in ["a", "b"] {
            described.extend_from_slice(name.as_bytes());
            described.push(0);
            described.extend_from_slice(&[0; FIXED_BYTES]);
        }
        let mut messages = vec![Message {
            tag: b'T',
            body: described,
        }];
        messages.extend(rows.iter().map(|row| Message {
            tag: b'D',
            body: compare::row_of(&row.map(|value| Some(value.as_bytes().to_vec()))),
        }));
        messages.push(Message {
            tag: b'C',
            body: format!("SELECT {}\0", rows.len()).into_bytes(),
        });
        let part = Part {
            steps: vec![Step::Query("select a, b from t".to_owned())],
            messages,
            ended: Ended::Ready,
            took: std::time::Duration::ZERO,
        };
        Transcript { parts: vec![part] }
    }

    fn came(differs: &[&str], unseen: &[&str], answers: [Transcript; 2]) -> Came {
        let quoted = |all: &[&str]| -> String {
            let all = all.iter().map(|key| format!("\"{key}\" = \"why\""));
            all.collect::<Vec<_>>().join(", ")
        };
        let written: Written = toml::from_str(&format!(
            "id = \"x\"\nsql = \"select\"\ndiffers = {{ {} }}\nunseen = {{ {} }}",
            quoted(differs),
            quoted(unseen)
        ))
        .unwrap();
        Ground::came(&entry(written, "x", "test").unwrap(), &answers)
    }

    #[test]
    fn a_mark_excuses_what_it_names_alone() {
        let expected = said(&[["1", "x"], ["2", "x"]]);
        assert!(matches!(
            came(
                &[],
                &[],
                [expected.clone(), said(&[["2", "x"], ["1", "x"]])]
            ),
            Came::Equal
        ));
        let other_b = said(&[["1", "y"], ["2", "y"]]);
        let tried = |differs: &[&str]| came(differs, &[], [expected.clone(), other_b.clone()]);
        assert!(matches!(tried(&[]), Came::Differs(_)));
        assert!(matches!(tried(&["a"]), Came::Differs(_)));
        assert!(matches!(tried(&["b"]), Came::ButFor));
        assert!(matches!(tried(&["a", "b"]), Came::Idle(_)));
        assert!(matches!(tried(&["*"]), Came::ButFor));
    }

    #[test]
    fn rows_are_left_out_of_the_reference_alone() {
        let one = said(&[["1", "x"]]);
        let two = said(&[["1", "x"], ["2", "hidden"]]);
        let tried = |left: &Transcript, right: &Transcript| {
            came(&[], &["hidden"], [left.clone(), right.clone()])
        };
        assert!(matches!(tried(&two, &one), Came::ButFor));
        assert!(matches!(tried(&one, &two), Came::Differs(_)));
        assert_eq!(one.parts[0].messages.len(), 3);
    }
}
