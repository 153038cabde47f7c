//! FROM: tables and what joins them, so that what is read together is about the same patient.

use super::features::Feature;
use super::schema::{
    DOCTORS, HIDDEN_RELATIONS, PATIENTS, SAMPLES, TABLES, Table, Ty, VISITS, WARDS,
};
use super::select::Need;
use super::writer::{Field, Item, Mischief, Writer};

/// Most entries beside the first.
const MAX_JOINED: usize = 3;

/// Functions that give rows for a row, and of which type.
const LATERALS: &[(&str, Ty)] = &[
    ("unnest({ta})", Ty::Text),
    ("unnest({ia})", Ty::Int),
    ("unnest(ARRAY[{mt}, {t}])", Ty::Text),
    ("generate_series(1, {i} % 4)", Ty::Int),
    ("generate_subscripts({ia}, 1)", Ty::Int),
    ("jsonb_object_keys({j})", Ty::Text),
    ("json_object_keys(json_build_object('a', {m}))", Ty::Text),
    ("jsonb_array_elements({j} -> 'list')", Ty::Jsonb),
    (
        "jsonb_array_elements_text(jsonb_build_array({m}, {i}))",
        Ty::Text,
    ),
    ("json_array_elements(json_build_array({m}, {i}))", Ty::Json),
    (
        "json_array_elements_text(json_build_array({m}, {i}))",
        Ty::Text,
    ),
    ("jsonb_path_query({j}, {jp})", Ty::Jsonb),
    ("regexp_split_to_table({t}, 'q')", Ty::Text),
    ("regexp_matches({t}, {re}, 'g')", Ty::Texts),
    ("string_to_table({mt}, 'q')", Ty::Text),
];

/// The text of a FROM clause, and conditions for WHERE that it relies on.
#[derive(Clone, Debug, Default)]
pub(super) struct From {
    pub text: String,
    pub conditions: Vec<String>,
}

impl Writer {
    /// Writes a FROM clause; its entries join the innermost scope. `free`: of nobody's rows alone.
    pub fn write_from(&mut self, free: bool) -> From {
        let from = self.entries(free);
        if let Some(scope) = self.scopes.last_mut() {
            scope.complete = true;
        }
        from
    }

    fn entries(&mut self, free: bool) -> From {
        let mut from = From::default();
        let (text, first) = self.first_entry(free);
        from.text.push_str(&text);
        self.see(first);
        if free || !self.has(Feature::Joins) {
            return from;
        }
        let joined = self.random.below(MAX_JOINED);
        for _ in 0..joined {
            self.joined_entry(&mut from);
        }
        if self.random.one_in(4) {
            self.listed_entry(&mut from);
        }
        from
    }

    pub fn see(&mut self, item: Item) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.items.push(item);
        }
    }

    /// A table under its own name or an alias.
    pub fn table(&mut self, table: Table) -> (String, Item) {
        let taken = self
            .scopes
            .iter()
            .flat_map(|s| &s.items)
            .any(|i| i.alias == table.name)
            || self.ctes.iter().any(|c| c.name == table.name);
        let plain = !taken && self.random.one_in(3);
        let alias = if plain {
            table.name.to_owned()
        } else {
            self.fresh("p")
        };
        let written = match self.random.below(10) {
            0 if table.schema == "clinic" => self.name(table.name),
            1 => format!("{} . {}", self.name(table.schema), self.name(table.name)),
            2 if self.random.one_in(3) => format!("ONLY {}.{}", table.schema, table.name),
            _ => format!("{}.{}", table.schema, table.name),
        };
        let text = match (plain, self.random.one_in(2)) {
            (true, _) => written,
            (false, true) => format!("{written} {alias}"),
            (false, false) => format!("{written} AS {alias}"),
        };
        let fields = table.columns.iter().map(|c| Field {
            name: c.name.to_owned(),
            ty: c.ty,
            masked: c.masked,
        });
        let item = Item {
            fields: fields.collect(),
            key: Some(vec![format!("{alias}.{}", table.key)]),
            subject: table.subject.then(|| format!("{alias}.patient_id")),
            alias,
        };
        (text, item)
    }

    fn first_entry(&mut self, free: bool) -> (String, Item) {
        if let Some((0, Mischief::HiddenColumn)) = self.mischief
            && self.random.one_in(2)
        {
            self.mischief = None;
            let (_, item) = self.table(PATIENTS);
            return (
                format!("{} AS {}", self.random.word(HIDDEN_RELATIONS), item.alias),
                item,
            );
        }
        if free {
            return match self.random.below(4) {
                0 => self.values_entry(),
                1 => self.constant_function(),
                2 => self.table(DOCTORS),
                _ => self.table(WARDS),
            };
        }
        if !self.ctes.is_empty() && self.random.percent(60) {
            return self.cte_entry();
        }
        match self.random.below(100) {
            0..12 if self.has(Feature::Derived) && self.nest < 3 => self.derived_entry(false),
            12..18 if self.has(Feature::SetFunctions) => self.constant_function(),
            18..22 if self.has(Feature::ValuesLists) => self.values_entry(),
            22..60 => self.table(PATIENTS),
            60..78 => self.table(VISITS),
            78..90 => self.table(SAMPLES),
            90..95 => self.table(DOCTORS),
            _ => self.table(WARDS),
        }
    }

    fn cte_entry(&mut self) -> (String, Item) {
        let ctes = std::mem::take(&mut self.ctes);
        let chosen = self.random.choose(&ctes).cloned();
        self.ctes = ctes;
        let Some(cte) = chosen else {
            return self.table(WARDS);
        };
        let alias = self.fresh("w");
        let item = Item {
            key: cte
                .key
                .map(|key| key.iter().map(|k| format!("{alias}.{k}")).collect()),
            subject: cte.subject.map(|s| format!("{alias}.{s}")),
            fields: cte.fields,
            alias: alias.clone(),
        };
        (format!("{} AS {alias}", cte.name), item)
    }

    /// A sub-query in FROM, which sees nothing around it unless it is lateral.
    fn derived_entry(&mut self, lateral: bool) -> (String, Item) {
        let around = if lateral {
            Vec::new()
        } else {
            std::mem::take(&mut self.scopes)
        };
        let total = self.random.one_in(4);
        let query = self.query(Need {
            carries: true,
            total,
            ..Need::default()
        });
        if !lateral {
            self.scopes = around;
        }
        let alias = self.fresh("d");
        let item = Item {
            key: query
                .key
                .map(|key| key.iter().map(|k| format!("{alias}.{k}")).collect()),
            subject: query.subject.map(|s| format!("{alias}.{s}")),
            fields: query.fields,
            alias: alias.clone(),
        };
        (format!("({}) AS {alias}", query.sql), item)
    }

    fn values_entry(&mut self) -> (String, Item) {
        let alias = self.fresh("v");
        let ty = self.some_type();
        let around = std::mem::take(&mut self.scopes);
        let mut rows = Vec::new();
        for number in 1..=self.random.between(1, 4) {
            rows.push(format!("({number}, {})", self.expression(ty)));
        }
        self.scopes = around;
        let field = |name: &str, ty| Field {
            name: name.to_owned(),
            ty,
            masked: false,
        };
        let item = Item {
            fields: vec![field("n", Ty::Int), field("x", ty)],
            key: Some(vec![format!("{alias}.n")]),
            subject: None,
            alias: alias.clone(),
        };
        (
            format!("(VALUES {}) AS {alias} (n, x)", rows.join(", ")),
            item,
        )
    }

    /// A set-returning function of constants.
    fn constant_function(&mut self) -> (String, Item) {
        let alias = self.fresh("g");
        let (form, fields): (&str, &[(&str, Ty)]) = match self.random.below(12) {
            0..4 => ("generate_series(1, 5) AS # (n)", &[("n", Ty::Int)]),
            4 => ("generate_series(10, 1, -3) AS # (n)", &[("n", Ty::Int)]),
            5 => (
                "unnest(ARRAY['A', 'B', 'C']) WITH ORDINALITY AS # (x, n)",
                &[("x", Ty::Text), ("n", Ty::Big)],
            ),
            6 => (
                "ROWS FROM (generate_series(1, 3), unnest(ARRAY['a', 'b'])) WITH ORDINALITY AS # (m, x, n)",
                &[("m", Ty::Int), ("x", Ty::Text), ("n", Ty::Big)],
            ),
            7 => (
                "jsonb_to_recordset('[{\"n\": 1, \"x\": \"A\"}, {\"n\": 2}]') AS # (n int, x text)",
                &[("n", Ty::Int), ("x", Ty::Text)],
            ),
            8 => (
                "jsonb_each_text('{\"a\": 1, \"b\": \"x\"}') AS # (n, x)",
                &[("n", Ty::Text), ("x", Ty::Text)],
            ),
            9 => (
                "generate_series(timestamptz '2025-01-01 00:00+00', '2025-01-03 00:00+00', '1 day') AS # (n)",
                &[("n", Ty::Stamp)],
            ),
            10 => (
                "unnest(ARRAY[1, 2], ARRAY['p', 'q']) WITH ORDINALITY AS # (i, x, n)",
                &[("i", Ty::Int), ("x", Ty::Text), ("n", Ty::Big)],
            ),
            _ => (
                "json_to_record('{\"n\": 5, \"x\": [1]}') AS # (n int, x json)",
                &[("n", Ty::Int), ("x", Ty::Json)],
            ),
        };
        let fields = fields.iter().map(|(name, ty)| Field {
            name: (*name).to_owned(),
            ty: *ty,
            masked: false,
        });
        let item = Item {
            fields: fields.collect(),
            key: Some(vec![format!("{alias}.n")]),
            subject: None,
            alias: alias.clone(),
        };
        (form.replace('#', &alias), item)
    }

    fn subject_in_sight(&self) -> Option<String> {
        self.scopes
            .last()?
            .items
            .iter()
            .find_map(|i| i.subject.clone())
    }

    fn joined_entry(&mut self, from: &mut From) {
        match self.subject_in_sight() {
            Some(subject) if self.random.percent(60) => self.join_of_subjects(from, &subject),
            _ => self.join_of_small(from),
        }
    }

    fn join_kind(&mut self) -> &'static str {
        if self.has(Feature::OuterJoins) {
            self.random.word(&[
                "JOIN",
                "LEFT JOIN",
                "LEFT OUTER JOIN",
                "RIGHT JOIN",
                "FULL JOIN",
                "INNER JOIN",
            ])
        } else {
            "JOIN"
        }
    }

    /// Another table about patients: of the same patient, or alike in something masked.
    fn join_of_subjects(&mut self, from: &mut From, subject: &str) {
        let single = self.scopes.last().is_some_and(|s| s.items.len() == 1);
        let table = self
            .random
            .choose(&[PATIENTS, VISITS, SAMPLES])
            .copied()
            .unwrap_or(VISITS);
        let derived = self.has(Feature::Derived) && self.nest < 2 && self.random.one_in(5);
        let (text, item) = if derived {
            self.derived_entry(false)
        } else {
            self.table(table)
        };
        let Some(own) = item.subject.clone() else {
            self.see(item);
            from.text.push_str(&format!(" CROSS JOIN {text}"));
            return;
        };
        if single
            && !derived
            && subject.ends_with(".patient_id")
            && self.may(Feature::NaturalJoins, 2)
        {
            let kind = self.join_kind();
            let joined = if self.random.one_in(2) {
                format!(" NATURAL {kind} {text}")
            } else {
                format!(" {kind} {text} USING (patient_id)")
            };
            from.text.push_str(&joined);
            self.see(item);
            return;
        }
        if !derived && table.name == PATIENTS.name && self.may(Feature::MaskedJoins, 2) {
            let masked = self.column(&|f| f.masked);
            let other = self.random.word(&[
                "name",
                "phone",
                "email",
                "nickname",
                "birth_date",
                "income",
                "id_card",
            ]);
            if let Some(masked) = masked {
                let bound = self.random.between(2, 12);
                from.text.push_str(&format!(
                    " JOIN {text} ON {masked}::text = {}.{other}::text AND {own} < {bound}",
                    item.alias
                ));
                self.see(item);
                return;
            }
        }
        let kind = self.join_kind();
        self.see(item);
        let more = if kind != "FULL JOIN" && self.random.one_in(3) {
            format!(" AND {}", self.expression(Ty::Bool))
        } else {
            String::new()
        };
        let equality = if self.random.one_in(8) {
            "OPERATOR(pg_catalog.=)"
        } else {
            "="
        };
        from.text.push_str(&format!(
            " {kind} {text} ON {own} {equality} {subject}{more}"
        ));
    }

    /// Wards, doctors, or something of constants.
    fn join_of_small(&mut self, from: &mut From) {
        let text_column = self.column(&|f| f.ty == Ty::Text);
        let (text, item) = match self.random.below(6) {
            0 => self.constant_function(),
            1 => self.values_entry(),
            2 | 3 => self.table(DOCTORS),
            _ => self.table(WARDS),
        };
        let has_ward = item.fields.iter().any(|f| f.name == "ward");
        let alias = item.alias.clone();
        self.see(item);
        match text_column {
            Some(column) if has_ward => {
                let kind = self.join_kind();
                from.text
                    .push_str(&format!(" {kind} {text} ON {alias}.ward = {column}"));
            }
            _ => {
                let joined = match self.random.below(3) {
                    0 => format!(" CROSS JOIN {text}"),
                    1 => format!(" JOIN {text} ON true"),
                    _ => {
                        let condition = self.expression(Ty::Bool);
                        format!(" LEFT JOIN {text} ON {condition}")
                    }
                };
                from.text.push_str(&joined);
            }
        }
    }

    /// An entry after a comma: another table of the same patient, or something lateral.
    fn listed_entry(&mut self, from: &mut From) {
        if self.has(Feature::Laterals) {
            return self.lateral_entry(from);
        }
        let Some(subject) = self.subject_in_sight() else {
            return;
        };
        let table = self.random.choose(TABLES).copied().unwrap_or(VISITS);
        let (text, item) = self.table(table);
        match (&item.subject, self.column(&|f| f.name == "ward")) {
            (Some(own), _) => from.conditions.push(format!("{own} = {subject}")),
            (None, Some(ward)) => from
                .conditions
                .push(format!("{}.ward = {ward}", item.alias)),
            (None, None) => from.conditions.push(format!("{}.ward = 'A'", item.alias)),
        }
        from.text.push_str(&format!(", {text}"));
        self.see(item);
    }

    fn lateral_entry(&mut self, from: &mut From) {
        if let Some(subject) = self.subject_in_sight()
            && self.nest < 2
            && self.random.one_in(2)
        {
            return self.lateral_query(from, &subject);
        }
        let alias = self.fresh("l");
        let (form, ty) = self
            .random
            .choose(LATERALS)
            .copied()
            .unwrap_or(("generate_series(1, 2)", Ty::Int));
        let form = format!("{form} WITH ORDINALITY");
        let call = self.filled(&form);
        let joined = match self.random.below(3) {
            0 => format!(", LATERAL {call} AS {alias} (x, n)"),
            1 => format!(", {call} AS {alias} (x, n)"),
            _ => format!(" CROSS JOIN {call} AS {alias} (x, n)"),
        };
        from.text.push_str(&joined);
        let field = |name: &str, ty| Field {
            name: name.to_owned(),
            ty,
            masked: false,
        };
        self.see(Item {
            fields: vec![field("x", ty), field("n", Ty::Big)],
            key: Some(vec![format!("{alias}.n")]),
            subject: None,
            alias,
        });
    }

    fn lateral_query(&mut self, from: &mut From, subject: &str) {
        let table = self
            .random
            .choose(&[VISITS, SAMPLES])
            .copied()
            .unwrap_or(VISITS);
        self.scopes.push(super::writer::Scope::default());
        let (text, item) = self.table(table);
        let (inner, own, key) = (item.alias.clone(), item.subject.clone(), item.key.clone());
        self.see(item);
        let ty = self.some_type();
        let value = self.expression(ty);
        let condition = if self.random.one_in(2) {
            format!(" AND {}", self.expression(Ty::Bool))
        } else {
            String::new()
        };
        self.scopes.pop();
        let alias = self.fresh("l");
        let own = own.unwrap_or_else(|| format!("{inner}.patient_id"));
        let key = key.and_then(|k| k.first().cloned()).unwrap_or_default();
        let limit = self.random.between(1, 3);
        let query = format!(
            "LATERAL (SELECT {key} AS k, {value} AS x FROM {text} WHERE {own} = {subject}{condition} ORDER BY {key} DESC LIMIT {limit}) AS {alias}"
        );
        let joined = match self.random.below(3) {
            0 => format!(", {query}"),
            1 => format!(" CROSS JOIN {query}"),
            _ => format!(" LEFT JOIN {query} ON true"),
        };
        from.text.push_str(&joined);
        let field = |name: &str, ty| Field {
            name: name.to_owned(),
            ty,
            masked: false,
        };
        self.see(Item {
            fields: vec![field("k", Ty::Big), field("x", ty)],
            key: Some(vec![format!("{alias}.k")]),
            subject: None,
            alias,
        });
    }
}
