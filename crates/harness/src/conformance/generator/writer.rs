//! Writes the small things: expressions from forms, names, literals, and what may be seen of them.

use super::features::{Feature, Features};
use super::forms::{ERRORS, FORBIDDEN, FORMS};
use super::random::Random;
use super::schema::{GUESSES_INT, GUESSES_TEXT, HIDDEN_COLUMNS, Ty};

/// Expressions nest so deep, usually and with [`Feature::Deep`].
const DEPTH: usize = 2;
const DEEP: usize = 4;

/// A column that an expression may name.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    pub ty: Ty,
    pub masked: bool,
}

/// An entry of FROM.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub alias: String,
    pub fields: Vec<Field>,
    /// References that tell its rows apart, if any do.
    pub key: Option<Vec<String>>,
    /// Reference to the patient that a row is about.
    pub subject: Option<String>,
}

/// One level of a query.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub items: Vec<Item>,
    /// Whether FROM is written: before, a name alone could be taken for another entry's later.
    pub complete: bool,
}

/// What a WITH query gives.
#[derive(Clone, Debug)]
pub(super) struct Cte {
    pub name: String,
    pub fields: Vec<Field>,
    pub key: Option<Vec<String>>,
    pub subject: Option<String>,
}

/// Something that a contract does not pass, put into a statement that it would pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    Error,
    HiddenColumn,
    Forbidden,
    WholeRow,
}

#[derive(Debug)]
pub(super) struct Writer {
    pub random: Random,
    pub features: Features,
    pub scopes: Vec<Scope>,
    pub ctes: Vec<Cte>,
    next_name: usize,
    /// How deep the query being written lies in others.
    pub nest: usize,
    /// After so many expressions comes the mischief.
    pub mischief: Option<(usize, Mischief)>,
    /// Places in the lists of statements that are refused: seeds one after another go through all.
    pub turn: usize,
    pub query_turn: usize,
    /// Whether the statement has a LIMIT without an order.
    pub loose: bool,
    /// Whether the contract allows figures alone.
    pub figures: bool,
    /// Types of the parameters, where literals may be parameters.
    pub params: Option<Vec<(Ty, String)>>,
}

impl Writer {
    pub fn new(mut random: Random) -> Self {
        let features = Features::drawn(&mut random);
        Self {
            random,
            features,
            scopes: Vec::new(),
            ctes: Vec::new(),
            next_name: 0,
            nest: 0,
            mischief: None,
            turn: 0,
            query_turn: 0,
            loose: false,
            figures: false,
            params: None,
        }
    }

    /// Forgets the statement before, and draws what this one will do wrong.
    pub fn restart(&mut self) {
        self.scopes.clear();
        self.ctes.clear();
        self.next_name = 0;
        self.nest = 0;
        self.params = None;
        self.mischief = None;
        self.loose = false;
        let kinds = [
            (Feature::Errors, Mischief::Error),
            (Feature::HiddenNames, Mischief::HiddenColumn),
            (Feature::Forbidden, Mischief::Forbidden),
            (Feature::WholeRows, Mischief::WholeRow),
        ];
        let own: Vec<Mischief> = kinds
            .into_iter()
            .filter(|(feature, _)| self.features.has(*feature))
            .map(|(_, kind)| kind)
            .collect();
        if self.random.one_in(6)
            && let Some(kind) = self.random.choose(&own)
        {
            self.mischief = Some((self.random.below(8), *kind));
        }
    }

    pub fn has(&self, feature: Feature) -> bool {
        self.features.has(feature)
    }

    /// Where the feature is drawn, once in `times`.
    pub fn may(&mut self, feature: Feature, times: usize) -> bool {
        self.features.has(feature) && self.random.one_in(times)
    }

    pub fn fresh(&mut self, stem: &str) -> String {
        self.next_name += 1;
        format!("{stem}{}", self.next_name)
    }

    pub fn depth(&self) -> usize {
        if self.features.has(Feature::Deep) {
            DEEP
        } else {
            DEPTH
        }
    }

    /// An expression of a type.
    pub fn expression(&mut self, ty: Ty) -> String {
        let mut out = String::new();
        let depth = self.depth();
        self.write(&mut out, ty, depth);
        out
    }

    /// A condition; every second one lets most rows pass.
    pub fn condition(&mut self) -> String {
        if self.random.one_in(2) {
            return self.expression(Ty::Bool);
        }
        let form = self.random.word(&[
            "{i} >= 0",
            "{mi} > 1000",
            "{mt} <> 'zq1'",
            "{t} IS NOT NULL",
            "{m} IS DISTINCT FROM {lit}",
            "length({mt}) > 0",
            "{md} > date '1900-01-01'",
            "{i} NOT IN (1001, 1002)",
            "{mt} LIKE '%'",
            "{t} ~ ''",
            "({b} OR {i} < 100000)",
            "{i} BETWEEN 1 AND 120",
            "({mt} NOT LIKE '%zq%' OR {n} < 500)",
            "{c} IS NOT NULL",
            "{mi} % 2 = 0 OR {b}",
        ]);
        format!("({})", self.filled(form))
    }

    pub fn filled(&mut self, form: &str) -> String {
        let mut out = String::new();
        self.fill(&mut out, form, 1);
        out
    }

    /// A type: mostly one that a column in sight has.
    pub fn some_type(&mut self) -> Ty {
        if self.random.percent(55)
            && let Some(scope) = self.scopes.last()
        {
            let types: Vec<Ty> = scope
                .items
                .iter()
                .flat_map(|item| item.fields.iter().map(|field| field.ty))
                .collect();
            if let Some(ty) = self.random.choose(&types) {
                return *ty;
            }
        }
        // Common types twice as often.
        let common = [Ty::Int, Ty::Text, Ty::Bool, Ty::Num, Ty::Date];
        let of = if self.random.one_in(2) {
            &common
        } else {
            Ty::ALL
        };
        self.random.choose(of).copied().unwrap_or(Ty::Text)
    }

    fn write(&mut self, out: &mut String, ty: Ty, depth: usize) {
        if self.does_mischief(out, ty) {
            return;
        }
        if depth == 0 || !self.own_type(ty) || self.random.percent(35) {
            self.leaf(out, ty);
            return;
        }
        if matches!(ty, Ty::Bool | Ty::Int | Ty::Num | Ty::Text | Ty::Date)
            && self.may(Feature::SubQueries, 6)
            && self.sub_query(out, ty)
        {
            return;
        }
        let forms = FORMS
            .iter()
            .find(|(of, _)| *of == ty)
            .map_or(&[] as &[&str], |(_, forms)| forms);
        let form = self.random.word(forms);
        self.fill(out, form, depth - 1);
    }

    /// Writes what was planned, if this is the place.
    fn does_mischief(&mut self, out: &mut String, ty: Ty) -> bool {
        let Some((left, kind)) = self.mischief else {
            return false;
        };
        if left > 0 {
            self.mischief = Some((left - 1, kind));
            return false;
        }
        self.mischief = None;
        match kind {
            Mischief::Error => {
                let form = self.random.word(ERRORS);
                out.push('(');
                self.fill(out, form, 0);
                out.push(')');
            }
            Mischief::HiddenColumn => {
                let column = self.random.word(HIDDEN_COLUMNS);
                match self.some_alias() {
                    Some(alias) if self.random.one_in(2) && !column.starts_with('(') => {
                        out.push_str(&alias);
                        out.push('.');
                    }
                    _ => {}
                }
                out.push_str(column);
            }
            Mischief::Forbidden => {
                let of = FORBIDDEN
                    .iter()
                    .find(|(of, _)| *of == ty)
                    .or(FORBIDDEN.get(1));
                let form = self.random.word(of.map_or(&[], |(_, forms)| forms));
                self.fill(out, form, 0);
            }
            Mischief::WholeRow => {
                let alias = self.some_alias().unwrap_or_else(|| "patients".to_owned());
                let form = self.random.word(&[
                    "#",
                    "#.*",
                    "(#).*",
                    "row_to_json(#)",
                    "to_jsonb(#)",
                    "#::text",
                    "(#).name",
                    "(#).secret",
                    "ROW(#.*)::text",
                    "count(#)",
                    "# IS NULL",
                    "# = #",
                    "hash_record(#)",
                    "coalesce(#, #)",
                    "format('%s', #)",
                    "array_agg(#)",
                    "json_agg(#)",
                    "#.to_json",
                    "#.name.x",
                    "(ARRAY[#])[1]",
                    "# IS NOT DISTINCT FROM NULL",
                    "concat(#)",
                    "jsonb_build_object('r', #)",
                    "#::clinic.patients",
                    "(SELECT # FROM clinic.patients # LIMIT 1)::text",
                ]);
                out.push_str(&form.replace('#', &alias));
            }
        }
        true
    }

    fn some_alias(&mut self) -> Option<String> {
        let items = self.scopes.last().map_or(&[] as &[Item], |s| &s.items);
        let at = self.random.below(items.len());
        items.get(at).map(|item| item.alias.clone())
    }

    /// Whether the type may be named.
    fn own_type(&self, ty: Ty) -> bool {
        !matches!(ty, Ty::Severity | Ty::Percent) || self.has(Feature::OwnTypes)
    }

    /// A column or a constant.
    fn leaf(&mut self, out: &mut String, ty: Ty) {
        let named = self.own_type(ty);
        let share = if named { 80 } else { 100 };
        if self.random.percent(share)
            && let Some(column) = self.column(&|field| field.ty == ty)
        {
            out.push_str(&column);
            return;
        }
        let literal = match ty {
            Ty::Severity if !named => "'low'".to_owned(),
            Ty::Percent if !named => "12.5".to_owned(),
            _ => self.literal(ty),
        };
        match &mut self.params {
            Some(params) if params.len() < 8 && self.random.one_in(3) && !literal.contains('(') => {
                params.push((ty, literal));
                out.push('$');
                out.push_str(&params.len().to_string());
                if self.random.one_in(2) || !matches!(ty, Ty::Text) {
                    out.push_str("::");
                    out.push_str(ty.sql());
                }
            }
            _ => out.push_str(&literal),
        }
    }

    /// A reference to a column that fits; masked ones twice as often, seldom one of an outer query.
    pub fn column(&mut self, fits: &dyn Fn(&Field) -> bool) -> Option<String> {
        let levels = self.scopes.len();
        let at = if levels > 1 && self.random.one_in(6) {
            levels - 2
        } else {
            levels.checked_sub(1)?
        };
        let scope = self.scopes.get(at)?;
        let fitting = || {
            scope
                .items
                .iter()
                .flat_map(|i| i.fields.iter().map(move |f| (i, f)))
                .filter(|(_, f)| fits(f))
        };
        let masked = fitting().filter(|(_, f)| f.masked).count();
        let choice = if masked > 0 && self.random.one_in(2) {
            let at = self.random.below(masked);
            fitting().filter(|(_, f)| f.masked).nth(at)
        } else {
            let at = self.random.below(fitting().count());
            fitting().nth(at)
        };
        let (item, field) = choice?;
        let only = levels == 1 && scope.complete && scope.items.len() == 1;
        let (alias, name) = (item.alias.clone(), field.name.clone());
        if only && self.random.one_in(2) {
            return Some(self.name(&name));
        }
        Some(format!("{}.{}", self.name(&alias), self.name(&name)))
    }

    /// A name, sometimes written oddly.
    pub fn name(&mut self, name: &str) -> String {
        if name.starts_with('(') || name.contains('"') || !self.may(Feature::Lexical, 5) {
            return name.to_owned();
        }
        match self.random.below(4) {
            0 => format!("\"{name}\""),
            1 => name.to_ascii_uppercase(),
            2 => match (name.chars().next(), name.get(1..)) {
                (Some(first), Some(rest)) => format!("U&\"\\{:04x}{rest}\"", u32::from(first)),
                _ => name.to_owned(),
            },
            _ => format!("/* {name} */ {name}"),
        }
    }

    /// A text constant, sometimes written oddly.
    pub fn text(&mut self, text: &str) -> String {
        if text.contains(['\'', '\\', '$']) || !self.may(Feature::Lexical, 4) {
            return format!("'{}'", text.replace('\'', "''"));
        }
        match self.random.below(6) {
            0 => format!("E'{text}'"),
            1 => format!("$${text}$$"),
            2 => format!("$q${text}$q$"),
            3 => format!("U&'{text}'"),
            4 => format!("text '{text}'"),
            _ => format!("N'{text}'"),
        }
    }

    fn literal(&mut self, ty: Ty) -> String {
        let number = self.random.below(40);
        let small = self.random.below(10);
        let of = match ty {
            Ty::Int => {
                return if self.has(Feature::Guesses) && self.random.one_in(3) {
                    self.random.word(GUESSES_INT).to_owned()
                } else {
                    number.to_string()
                };
            }
            Ty::Text => {
                let text = self.random.word(&[
                    "a", "q", "zq", "note 3", "A", "F", "t1", "3", "", "hidden", "W", "pos", "é中",
                    "%", "x'y", "zh",
                ]);
                return self.text(text);
            }
            Ty::Bool => {
                return self
                    .random
                    .word(&[
                        "true",
                        "true",
                        "true",
                        "false",
                        "true",
                        "true",
                        "NULL::bool",
                        "true",
                        "true",
                        "true",
                    ])
                    .to_owned();
            }
            Ty::Big => return format!("{}::bigint", number * 1_000_003),
            Ty::Num => return format!("{number}.{small}"),
            Ty::Float => return format!("{number}.5::float8"),
            Ty::Date => {
                return format!("date '20{:02}-0{}-1{}'", number % 30, small % 9 + 1, small);
            }
            Ty::Time => "time '10:15'",
            Ty::Stamp => return format!("timestamptz '2025-0{}-02 03:04:05+00'", small % 9 + 1),
            Ty::Local => "timestamp '2025-03-04 05:06:07'",
            Ty::Interval => self.random.word(&[
                "interval '3 days'",
                "interval '1 month 2 hours'",
                "'90 min'::interval",
                "interval '4' hour",
            ]),
            Ty::Jsonb => self.random.word(&[
                "'{\"lang\": \"zh\", \"n\": 3, \"list\": [1, 2]}'::jsonb",
                "'{\"n\": 9, \"list\": [\"x\", null], \"value\": 2.5}'::jsonb",
                "'{}'::jsonb",
            ]),
            Ty::Json => self
                .random
                .word(&["'{\"a\": [1, {\"b\": null}]}'::json", "'[]'::json"]),
            Ty::Xml => self
                .random
                .word(&["'<r><v n=\"1\">2</v></r>'::xml", "'<e/>'::xml"]),
            Ty::Ints => self.random.word(&[
                "ARRAY[1, 2, 3]",
                "'{4,5}'::int[]",
                "ARRAY[]::int[]",
                "'{1,NULL,2}'::int[]",
            ]),
            Ty::Texts => self
                .random
                .word(&["ARRAY['t1', 'u2']", "'{a,\"b c\",NULL}'::text[]"]),
            Ty::Bytes => self.random.word(&["'\\x00ff10'::bytea", "'abc'::bytea"]),
            Ty::Bits => self.random.word(&["B'10110011'", "X'F0'", "b'00000001'"]),
            Ty::Span => self.random.word(&[
                "'[2,9)'::int4range",
                "int4range(3, 30)",
                "'(,5]'::int4range",
            ]),
            Ty::Point => self.random.word(&["point(3, 4)", "'(1,1)'::point"]),
            Ty::Severity => self
                .random
                .word(&["'low'::clinic.severity", "'high'::clinic.severity"]),
            Ty::Percent => "37.5::clinic.percent",
            Ty::Inet => self
                .random
                .word(&["'10.0.0.5/24'::inet", "inet '192.168.7.1'"]),
            Ty::Uuid => "'00000000-0000-4000-8000-00000000000a'::uuid",
            Ty::Vector => "'a:1A b:3'::tsvector",
            Ty::Query => self
                .random
                .word(&["'a & !b'::tsquery", "'note | x'::tsquery"]),
        };
        of.to_owned()
    }

    /// Copies a form, its holes filled.
    pub fn fill(&mut self, out: &mut String, form: &str, depth: usize) {
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            match after.split_once('}') {
                Some((code, tail)) if self.hole(out, code, depth) => rest = tail,
                _ => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
    }

    /// Writes what a hole stands for; false if the code is none.
    fn hole(&mut self, out: &mut String, code: &str, depth: usize) -> bool {
        if let Some(ty) = Ty::of_hole(code) {
            self.write(out, ty, depth);
            return true;
        }
        let word = match code {
            "sm" => self.random.word(&["0", "1", "2", "3", "4", "7"]),
            "po" => self.random.word(&["1", "2", "3", "5"]),
            "gi" => self.random.word(GUESSES_INT),
            "guess" => self.random.word(GUESSES_TEXT),
            "like" => self.random.word(&[
                "'%q%'", "'_q%'", "'W%'", "'note _'", "'%'", "'3%'", "'zq1%'",
            ]),
            "re" => self.random.word(&[
                "'^z'", "'[0-9]+'", "'(q)(.)'", "'a|e'", "'^zq1'", "'.'", "'x*'", "'(?i)ZQ'",
            ]),
            "jp" => self.random.word(&[
                "'$.list[*]'",
                "'$.n'",
                "'$.* ? (@ > 1)'",
                "'lax $.lang'",
                "'$.list.size()'",
                "'$[*].n ? (exists (@))'",
            ]),
            "jk" => self
                .random
                .word(&["'lang'", "'n'", "'list'", "'none'", "'value'", "'unit'"]),
            "unit" => self.random.word(&[
                "'year'",
                "'month'",
                "'week'",
                "'day'",
                "'quarter'",
                "'decade'",
            ]),
            "zone" => {
                self.random
                    .word(&["'UTC'", "'Asia/Shanghai'", "'+03:30'", "'America/New_York'"])
            }
            "lit1c" => self.random.word(&["'z'", "'3'", "'q'", "'-'"]),
            "cmp" => self.comparison(),
            "lit" => {
                let text = self.random.word(&[
                    "a", "zq", "note 3", "A", "B", "pos", "hidden", "", "F", "138", "zq1",
                ]);
                out.push_str(&self.text(text));
                return true;
            }
            "b8" => {
                let column = self.column(&|f| f.ty == Ty::Bits && f.name == "bits");
                out.push_str(&column.unwrap_or_else(|| "B'10100101'".to_owned()));
                return true;
            }
            "m" => return self.column_or(out, &|f| f.masked, Ty::Text),
            "mt" => return self.column_or(out, &|f| f.masked && f.ty == Ty::Text, Ty::Text),
            "mi" => return self.column_or(out, &|f| f.masked && f.ty == Ty::Int, Ty::Int),
            "md" => return self.column_or(out, &|f| f.masked && f.ty == Ty::Date, Ty::Date),
            "c" => return self.column_or(out, &|_| true, Ty::Int),
            _ => return false,
        };
        out.push_str(word);
        true
    }

    pub fn comparison(&mut self) -> &'static str {
        if self.may(Feature::Lexical, 4) {
            return self.random.word(&[
                "OPERATOR(pg_catalog.=)",
                "OPERATOR(pg_catalog.<)",
                "OPERATOR(=)",
                "!=",
                "/**/=/* */",
            ]);
        }
        self.random.word(&["=", "=", "<>", "<", "<=", ">", ">="])
    }

    fn column_or(&mut self, out: &mut String, fits: &dyn Fn(&Field) -> bool, ty: Ty) -> bool {
        match self.column(fits) {
            Some(column) => out.push_str(&column),
            None if ty == Ty::Text => out.push_str("'zq'::text"),
            None => self.leaf(out, ty),
        }
        true
    }
}
