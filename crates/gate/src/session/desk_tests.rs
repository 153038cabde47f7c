//! What is kept is what would be read: texts from templates and from the store, held against a reading
//! of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::Arc;

use portcullis_contract::{Contract, Options, SourceFile, file};
use portcullis_ledger::SubjectKey;
use portcullis_sql::SessionNames;

use super::desk::{Cleared, Terms};

#[path = "../../../sql/tests/it/world.rs"]
#[allow(dead_code, reason = "the sql crate's own world")]
mod world;

fn contract(change: impl Fn(&str) -> String) -> Contract {
    let source = SourceFile {
        name: "sample.toml".to_owned(),
        text: change(include_str!("../../../contract/testdata/sample.toml")),
    };
    let mut contract = file::parse(&[source], &Options::default())
        .unwrap_or_else(|_| panic!("the sample has no mistake"))
        .contracts
        .remove(0);
    let columns = world::surface().tables[1].columns.clone();
    let columns: Vec<String> = columns.into_iter().map(|c| c.name).collect();
    contract.resolve_columns("hospital", "clinic", "visits", &columns);
    contract
}

fn terms_of(contract: Contract) -> Terms {
    let surface = Arc::new(world::surface());
    Terms::new(Arc::new(contract), surface, SubjectKey::new([7; 16]))
}

fn terms() -> Terms {
    terms_of(contract(str::to_owned))
}

fn names() -> SessionNames {
    SessionNames::new("li.wei", "hospital", &world::surface())
}

/// A reading of its own: no template takes a comment.
const ANEW: &str = "/**/ ";

fn told(read: Result<Arc<[Arc<Cleared>]>, Box<super::desk::Refused>>) -> String {
    let Ok(message) = read else {
        return "refused".to_owned();
    };
    let one = |c: &Arc<Cleared>| {
        let sql = c.sql.strip_prefix(ANEW).unwrap_or(&c.sql);
        let taps = (c.taps.len(), &c.tapped);
        let facts = (c.verb, &c.kind, &c.method, c.groups, &c.tables, &c.columns);
        format!("{sql}\n{}\n{facts:?} {taps:?}", c.text)
    };
    message.iter().map(one).collect()
}

/// A small generator of its own, so that a failure's seed is all there is to know.
struct Dice {
    state: u64,
    /// Nothing that a template doesn't take.
    plain: bool,
}

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % n as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn integer(&mut self) -> String {
        match self.below(8) + if self.plain { 8 } else { 0 } {
            0 => "0".to_owned(),
            1 => "007".to_owned(),
            2 => "2147483648".to_owned(),
            3 => "714000000".to_owned(),
            _ => self.below(1_000_000_000).to_string(),
        }
    }

    fn text(&mut self) -> String {
        let plain = [
            "x", "", "it; --", "a, b", "1) OR (1", "/* */", "$1", "IN (", "W1",
        ];
        match self.below(12) + if self.plain { 12 } else { 0 } {
            0 => "'it''s'".to_owned(),
            1 => "E'\\n'".to_owned(),
            2 => "'\\'".to_owned(),
            3 => "'é'".to_owned(),
            _ => format!("'{}'", self.pick(&plain)),
        }
    }

    fn list(&mut self, numbers: bool) -> String {
        let length = [1, 2, 3, 9, 300][self.below(5)];
        let comma = self.pick(&[",", ", ", " ,", "\n,\t"]);
        let clean = self.plain || self.below(4) > 0;
        let elements: Vec<String> = (0..length)
            .map(|i| match (numbers, clean) {
                (true, true) => (i * 7).to_string(),
                (true, false) => self.integer(),
                (false, true) => format!("'W{i}'"),
                (false, false) => self.text(),
            })
            .collect();
        elements.join(comma)
    }

    fn condition(&mut self) -> String {
        let operator = self.pick(&["=", "<>", "<", ">=", " = ", "  >"]);
        match self.below(if self.plain { 8 } else { 12 }) {
            0 => format!("patient_id{operator}{}", self.integer()),
            1 => format!("{}{operator}patient_id", self.integer()),
            2 => format!("name{operator}{}", self.text()),
            3 => format!("patient_id IN ({})", self.list(true)),
            4 => format!("patient_id not in( {} )", self.list(true)),
            5 => format!("name In ({})", self.list(false)),
            6 => format!(
                "birth_date BETWEEN '19{0}0-01-01' AND '2000-01-01'",
                self.below(10)
            ),
            7 => format!("({} OR {})", self.condition(), self.condition()),
            8 => format!("not sex = {}", self.text()),
            9 => format!("length(name) > {}", self.below(9)),
            10 => format!("patient_id + {} = 5", self.below(9)),
            _ => format!("hospital_ward = {}", self.text()),
        }
    }

    fn statement(&mut self) -> String {
        let shown = self.pick(&[
            "patient_id",
            "name, sex",
            "*",
            "p.name",
            "1, name",
            "'x' AS x",
        ]);
        let mut text = format!(
            "SELECT {shown} FROM clinic.patients p WHERE {}",
            self.condition()
        );
        for _ in 0..self.below(3) {
            text = format!("{text} AND {}", self.condition());
        }
        let n = self.below(20);
        match self.below(7) + if self.plain { 7 } else { 0 } {
            0 => format!("{text} ORDER BY 1"),
            1 => format!("{text} LIMIT {n}"),
            2 => format!(
                "SELECT count(*) FROM clinic.visits WHERE cost > {n} AND visit_id IN (1,2,3,{n})"
            ),
            3 => format!("{text} ; "),
            4 => format!("SELECT 1, name FROM patients WHERE patient_id = {n}"),
            5 => format!("SELECT name FROM patients WHERE patient_id = (SELECT {n})"),
            _ => text,
        }
    }
}

#[test]
fn what_a_template_gives_is_what_a_reading_gives() {
    let (terms, names) = (terms(), names());
    // What is kept by text is held by the store too.
    let mut shared = 0;
    for seed in 1..=400_u64 {
        // Statements of one seed have one shape now and then; each is read twice.
        let mut dice = Dice {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            plain: seed % 2 == 0,
        };
        let text = dice.statement();
        let other = vary(&text, &mut dice);
        for text in [&text, &other, &vary(&text, &mut dice), &text] {
            let kept = terms.clear(text, &names);
            let anew = terms.clear(&format!("{ANEW}{text}"), &names);
            shared += usize::from(kept.as_ref().is_ok_and(|m| Arc::strong_count(m) == 1));
            assert_eq!(told(kept), told(anew), "seed {seed}: {text}");
        }
    }
    assert!(shared > 400, "templates were used: {shared}");
}

/// Where reading looks at what a literal says, one text stands for no other.
#[test]
fn what_a_literal_says_of_the_catalog_is_read_each_time() {
    let shapes = [
        "SELECT typname FROM pg_type WHERE typoutput = {t}",
        "SELECT count(*) AS n FROM pg_type WHERE typoutput IN ({t}, {t})",
        "SELECT count(*) AS n FROM pg_type WHERE typinput IN ({t}, '44', {t}, {t})",
        "SELECT typname FROM pg_type WHERE typname = {t} AND typlen > {n}",
        "SELECT relname FROM pg_class WHERE relname = {t} AND oid = {n}",
        "SELECT 1 FROM pg_namespace WHERE pg_typeof({n}) = {t}",
        "SELECT typname FROM pg_type WHERE pg_typeof(typname) IN ({t}, {t}) AND oid = {n}",
        "SELECT name FROM clinic.patients WHERE pg_typeof(name) = {t} AND sex = {t} AND patient_id = {n}",
        "SELECT name FROM clinic.patients WHERE sex = {t} AND patient_id IN ({n}, {n})",
    ];
    let says = [
        "44",
        "1259",
        "public.nope",
        "int4in",
        "pg_catalog.int4in",
        "hr.salaries",
        "text",
        "int4",
        "f",
    ];
    let names = names();
    let mut refused = 0;
    for seed in 1..=200_u64 {
        let mut dice = Dice {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            plain: true,
        };
        let (terms, shape) = (terms(), dice.pick(&shapes));
        for turn in 0..6 {
            let mut text = String::new();
            for part in shape.split_inclusive('}') {
                let (before, hole) = part.split_once('{').unwrap_or((part, ""));
                text.push_str(before);
                match hole {
                    // Numbers come first, so that a template made of them is asked for names later.
                    "t}" if turn < 3 => text.push_str(&format!("'{}'", dice.pick(&says[..2]))),
                    "t}" => text.push_str(&format!("'{}'", dice.pick(&says))),
                    "n}" => text.push_str(&dice.below(1_000).to_string()),
                    _ => {}
                }
            }
            let kept = told(terms.clear(&text, &names));
            let anew = told(terms.clear(&format!("{ANEW}{text}"), &names));
            refused += usize::from(anew == "refused");
            assert_eq!(kept, anew, "seed {seed}: {text}");
        }
    }
    assert!(refused > 100, "names were refused: {refused}");
}

/// The text with other digits where it has digits, and other letters in its strings.
fn vary(text: &str, dice: &mut Dice) -> String {
    text.chars()
        .map(|c| match c {
            '1'..='9' => char::from(b'1' + dice.below(9) as u8),
            other => other,
        })
        .collect()
}

#[test]
fn a_list_of_another_length_is_not_read_anew() {
    let (terms, names) = (terms(), names());
    let list = |n: usize| {
        let ids: Vec<String> = (0..n).map(|i| (10_000 + i).to_string()).collect();
        format!(
            "SELECT name FROM clinic.patients WHERE patient_id IN ({})",
            ids.join(",")
        )
    };
    let facts = |n| {
        let read = terms
            .clear(&list(n), &names)
            .map_err(|r| r.refusal.to_string())
            .unwrap();
        std::ptr::from_ref::<super::desk::Facts>(&read[0]) as usize
    };
    let known = facts(3_400);
    for n in [1, 2, 5, 3_401, 20_000] {
        assert_eq!(facts(n), known, "{n} elements");
    }
    let too_long = list(portcullis_sql::limits::MAX_LIST_ELEMENTS + 1);
    let refused = terms.clear(&too_long, &names).err().unwrap();
    assert_eq!(refused.refusal.reason, "limit.list");
}

#[test]
fn nothing_is_known_of_another_contract_or_path() {
    let text = "SELECT name FROM patients WHERE patient_id = 1";
    let names = names();
    let first = terms();
    for _ in 0..4 {
        assert!(first.clear(text, &names).is_ok());
    }
    let elsewhere = SessionNames {
        search_path: vec!["lab".to_owned()],
        ..names.clone()
    };
    assert!(
        first.clear(text, &elsewhere).is_err(),
        "no such table on that path"
    );
    let user = "SELECT current_user FROM clinic.visits WHERE visit_id = 1";
    let other = SessionNames {
        user: "wang".to_owned(),
        ..names.clone()
    };
    for _ in 0..3 {
        let of = |names| told(first.clear(user, names));
        assert!(of(&names).contains("li.wei") && of(&other).contains("wang"));
    }
    // A contract that no longer has lookups makes terms of its own, and they know nothing.
    let narrowed = terms_of(contract(|sample| sample.replace("\nlookup    = {}", "\n")));
    assert!(narrowed.clear(text, &names).is_err());
}

#[test]
fn what_its_session_alone_means_is_not_kept() {
    let (terms, names) = (terms(), names());
    for text in [
        "EXECUTE p(1)",
        "FETCH 1 FROM c",
        "PREPARE p AS SELECT 1",
        "SET search_path = lab",
    ] {
        let first = terms
            .clear(text, &names)
            .map_err(|r| r.refusal.to_string())
            .unwrap();
        let again = terms
            .clear(text, &names)
            .map_err(|r| r.refusal.to_string())
            .unwrap();
        assert!(!Arc::ptr_eq(&first, &again), "{text}");
    }
    let kept = "SELECT name FROM clinic.patients";
    let (first, again) = (terms.clear(kept, &names), terms.clear(kept, &names));
    assert!(Arc::ptr_eq(&first.ok().unwrap(), &again.ok().unwrap()));
}

#[test]
fn a_refusal_points_at_its_statement() {
    let narrowed = terms_of(contract(|sample| sample.replace("\nlookup    = {}", "\n")));
    let text = "SELECT 1;\n   select patient_id from clinic.visits";
    let refused = narrowed.clear(text, &names()).err().unwrap();
    assert_eq!(refused.refusal.reason, "method.lookup");
    let at = refused.refusal.position.unwrap();
    assert!(text[at..].starts_with("select patient_id"), "at {at}");
}
