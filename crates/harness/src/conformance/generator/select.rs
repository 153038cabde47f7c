//! Queries: rows, groups, windows, set operations, WITH.

use super::features::Feature;
use super::schema::{DOCTORS, PATIENTS, SAMPLES, Ty, VISITS, WARDS};
use super::writer::{Cte, Field, Item, Scope, Writer};

/// What a query must give.
#[derive(Clone, Debug, Default)]
pub(super) struct Need {
    /// Rows in one order only, if that can be.
    pub total: bool,
    /// Key and subject among its columns, and all columns named.
    pub carries: bool,
    /// Columns of these types.
    pub types: Option<Vec<Ty>>,
    /// Nobody's rows alone.
    pub free: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub sql: String,
    pub fields: Vec<Field>,
    pub key: Option<Vec<String>>,
    pub subject: Option<String>,
    pub total: bool,
}

impl Writer {
    /// A query of any kind.
    pub fn query(&mut self, need: Need) -> Query {
        self.nest += 1;
        let query = match self.random.below(100) {
            0..12 if !need.carries && need.types.is_none() && self.nest < 3 => {
                self.groups(need.total)
            }
            12..20 if !need.carries && self.nest < 3 => self.set_operation(need),
            _ => self.rows(need),
        };
        self.nest -= 1;
        query
    }

    /// A query with WITH before it.
    pub fn with_query(&mut self, total: bool) -> Query {
        self.nest += 1;
        let mut texts = Vec::new();
        let mut recursive = false;
        for _ in 0..self.random.between(1, 3) {
            if self.may(Feature::Recursion, 2) {
                recursive = true;
                texts.push(self.recursive_cte());
            } else {
                texts.push(self.plain_cte());
            }
        }
        let word = if recursive { "WITH RECURSIVE" } else { "WITH" };
        let main = match self.random.below(5) {
            0 => self.groups(total),
            _ => self.rows(Need {
                total,
                ..Need::default()
            }),
        };
        self.nest -= 1;
        Query {
            sql: format!("{word} {} {}", texts.join(", "), main.sql),
            ..main
        }
    }

    fn plain_cte(&mut self) -> String {
        let name = self.fresh("c");
        let query = self.query(Need {
            carries: true,
            ..Need::default()
        });
        let hint = self
            .random
            .word(&["", "", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
        let mut fields = query.fields;
        let mut columns = String::new();
        // New names for the columns, where nothing else names them.
        if self.random.one_in(5) && query.subject.is_none() && query.key.is_none() {
            for (position, field) in fields.iter_mut().enumerate() {
                field.name = format!("r{position}");
            }
            let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
            columns = format!(" ({})", names.join(", "));
        }
        self.ctes.push(Cte {
            name: name.clone(),
            fields,
            key: query.key,
            subject: query.subject,
        });
        format!("{name}{columns} AS {hint}({})", query.sql)
    }

    /// Recursion over constants; now and then over tables or with what the gate doesn't pass.
    fn recursive_cte(&mut self) -> String {
        let name = self.fresh("r");
        let ty = self
            .random
            .choose(&[Ty::Int, Ty::Text, Ty::Num])
            .copied()
            .unwrap_or(Ty::Int);
        let first = self.expression(ty);
        let union = self.random.word(&["UNION ALL", "UNION"]);
        let odd = self.random.below(12);
        let more = match odd {
            0 => " SEARCH DEPTH FIRST BY n SET o",
            1 => " CYCLE n SET is_cycle USING path",
            2 => " SEARCH BREADTH FIRST BY n SET o CYCLE n SET c TO true DEFAULT false USING p",
            _ => "",
        };
        let (seed, table) = if odd == 3 {
            ("patient_id", " FROM clinic.patients")
        } else {
            ("1", "")
        };
        let cast = ty.sql();
        let text = format!(
            "{name} (n, x) AS (SELECT {seed}, ({first})::{cast}{table} {union} SELECT n + 1, x FROM {name} WHERE n < 6){more}"
        );
        let field = |name: &str, ty| Field {
            name: name.to_owned(),
            ty,
            masked: false,
        };
        self.ctes.push(Cte {
            name,
            fields: vec![field("n", Ty::Int), field("x", ty)],
            key: Some(vec!["n".to_owned()]),
            subject: None,
        });
        text
    }

    /// Row by row.
    pub fn rows(&mut self, need: Need) -> Query {
        self.scopes.push(Scope::default());
        let from = self.write_from(need.free);
        let mut query = Query::default();
        let mut targets = Vec::new();
        let items: Vec<Item> = self
            .scopes
            .last()
            .map(|s| s.items.clone())
            .unwrap_or_default();
        let keys: Option<Vec<String>> = items
            .iter()
            .map(|i| i.key.clone())
            .collect::<Option<Vec<_>>>()
            .map(|k| k.concat());
        if need.carries {
            self.carry(&items, keys.as_deref(), &mut targets, &mut query);
        }
        let types = need.types.clone().unwrap_or_else(|| {
            (0..self.random.between(1, 4))
                .map(|_| self.some_type())
                .collect()
        });
        let mut distinct = String::new();
        let mut order: Vec<String> = Vec::new();
        let mut total = false;
        if need.types.is_none() && !need.carries && self.may(Feature::Stars, 5) {
            targets.push(self.star(&items));
        }
        let types = self.distinct(
            &need,
            &items,
            types,
            &mut targets,
            &mut distinct,
            &mut order,
            &mut query,
        );
        self.targets(&need, &types, &mut targets, &mut query);
        let mut conditions = from.conditions;
        for _ in 0..self.random.below(3) {
            conditions.push(self.condition());
        }
        let plain_distinct = distinct == "DISTINCT ";
        if plain_distinct {
            total = true;
            order = (1..=targets.len()).map(|n| n.to_string()).collect();
        } else if need.total || self.random.one_in(3) {
            if self.has(Feature::OrderForms) {
                self.order_forms(&mut order, targets.len());
            }
            if let Some(keys) = &keys {
                order.extend(keys.iter().cloned());
                total = true;
            }
        } else if !distinct.is_empty() {
            order.extend(keys.iter().flatten().cloned());
            total = true;
        }
        if order.is_empty() && keys.as_ref().is_some_and(Vec::is_empty) {
            total = true;
        }
        let mut sql = format!("SELECT {distinct}{} FROM {}", targets.join(", "), from.text);
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        if !order.is_empty() {
            sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
        }
        if total {
            self.limit(&mut sql);
        } else if self.may(Feature::LooseLimits, 2) {
            self.loose = true;
            self.limit(&mut sql);
        }
        self.tail(&mut sql);
        self.scopes.pop();
        query.sql = sql;
        query.total = total;
        query
    }

    /// Key and subject as columns of the query.
    fn carry(
        &mut self,
        items: &[Item],
        keys: Option<&[String]>,
        targets: &mut Vec<String>,
        query: &mut Query,
    ) {
        if let Some(subject) = items.iter().find_map(|i| i.subject.clone()) {
            targets.push(format!("{subject} AS pid"));
            query.subject = Some("pid".to_owned());
            query.fields.push(Field {
                name: "pid".to_owned(),
                ty: Ty::Int,
                masked: false,
            });
        }
        if let Some(keys) = keys {
            let mut named = Vec::new();
            for (position, key) in keys.iter().enumerate() {
                let name = format!("k{position}");
                targets.push(format!("{key} AS {name}"));
                named.push(name);
            }
            query.key = Some(named);
        }
    }

    /// Chooses DISTINCT, if it can be: with every subject in the list.
    #[expect(clippy::too_many_arguments, reason = "the parts of one SELECT")]
    fn distinct(
        &mut self,
        need: &Need,
        items: &[Item],
        mut types: Vec<Ty>,
        targets: &mut Vec<String>,
        distinct: &mut String,
        order: &mut Vec<String>,
        query: &mut Query,
    ) -> Vec<Ty> {
        if need.types.is_some()
            || need.carries
            || !targets.is_empty()
            || !self.may(Feature::Distinct, 4)
        {
            return types;
        }
        if items.iter().all(|item| item.key.is_some()) && self.random.one_in(3) {
            let by = self.expression(Ty::Text);
            *distinct = format!("DISTINCT ON ({by}) ");
            order.push(by);
            return types;
        }
        "DISTINCT ".clone_into(distinct);
        types.retain(|ty| ty.is_exact());
        for item in items {
            if let Some(subject) = &item.subject {
                targets.push(subject.clone());
                query.fields.push(Field {
                    name: "patient_id".to_owned(),
                    ty: Ty::Int,
                    masked: false,
                });
            }
        }
        if targets.is_empty() && types.is_empty() {
            types.push(Ty::Text);
        }
        types
    }

    fn star(&mut self, items: &[Item]) -> String {
        match (self.random.below(2), self.random.choose(items)) {
            (0, Some(item)) => format!("{}.*", item.alias),
            _ => "*".to_owned(),
        }
    }

    fn targets(&mut self, need: &Need, types: &[Ty], targets: &mut Vec<String>, query: &mut Query) {
        for ty in types {
            let window = need.types.is_none() && self.may(Feature::Windows, 5);
            let (value, ty) = if window {
                (self.window(), Ty::Num)
            } else {
                (self.expression(*ty), *ty)
            };
            let name = self.fresh("e");
            let named = need.carries || need.types.is_some();
            targets.push(match self.random.below(4) {
                0 if !named => value,
                1 if !named => format!("{value} AS \"{name} X\""),
                2 if self.has(Feature::Lexical) => format!("{value} /* -- */ AS {name}"),
                _ => format!("{value} AS {name}"),
            });
            query.fields.push(Field {
                name,
                ty,
                masked: false,
            });
        }
    }

    fn order_forms(&mut self, order: &mut Vec<String>, width: usize) {
        for _ in 0..self.random.below(3) {
            let value = match self.random.below(5) {
                0 if width > 0 && !order.is_empty() => continue,
                0..2 => match self.column(&|f| f.masked && f.ty.is_ordered()) {
                    Some(column) => column,
                    None => continue,
                },
                2 => format!("{} COLLATE \"C\"", self.expression(Ty::Text)),
                _ => {
                    let ty = self.some_type();
                    if !ty.is_ordered() {
                        continue;
                    }
                    format!("({})", self.expression(ty))
                }
            };
            let by = self.random.word(&[
                "",
                "",
                " ASC",
                " DESC",
                " NULLS FIRST",
                " DESC NULLS LAST",
                " USING <",
                " USING OPERATOR(pg_catalog.>)",
            ]);
            let value = if value
                .trim_matches(['(', ')', '-', ' '])
                .parse::<f64>()
                .is_ok()
            {
                format!("({value} + 0)")
            } else {
                value
            };
            order.push(format!("{value}{by}"));
        }
    }

    fn limit(&mut self, sql: &mut String) {
        if !self.may(Feature::Limits, 2) {
            return;
        }
        let number = self.random.between(0, 9);
        let form = match self.random.below(9) {
            0..3 => format!(" LIMIT {number}"),
            3 => format!(" LIMIT {number} OFFSET {}", self.random.below(5)),
            4 => format!(" OFFSET {number} ROWS FETCH NEXT 3 ROWS ONLY"),
            5 => format!(" FETCH FIRST {number} ROWS ONLY"),
            6 if sql.contains("ORDER BY") => " FETCH FIRST 4 ROWS WITH TIES".to_owned(),
            7 => " LIMIT ALL OFFSET 1".to_owned(),
            _ => format!(" LIMIT (SELECT {number}) + 1"),
        };
        sql.push_str(&form);
    }

    /// What may stand at a query's end, and mustn't.
    fn tail(&mut self, sql: &mut String) {
        if self.may(Feature::Forbidden, 120) {
            let tail = self.random.word(&[
                " FOR UPDATE",
                " FOR SHARE",
                " FOR NO KEY UPDATE SKIP LOCKED",
                " FOR KEY SHARE NOWAIT",
            ]);
            sql.push_str(tail);
        }
    }

    /// A window function whose value is the same whatever the order of ties.
    fn window(&mut self) -> String {
        let items: Vec<Item> = self
            .scopes
            .last()
            .map(|s| s.items.clone())
            .unwrap_or_default();
        let keys = items
            .iter()
            .map(|i| i.key.clone())
            .collect::<Option<Vec<_>>>()
            .map(|k| k.concat());
        let subject = items.iter().find_map(|i| i.subject.clone());
        let by = self.expression(Ty::Text);
        let masked = self
            .column(&|f| f.masked && f.ty.is_ordered())
            .unwrap_or_else(|| "1 + 0".to_owned());
        let Some(keys) = keys.filter(|k| !k.is_empty()).map(|k| k.join(", ")) else {
            return format!("rank() OVER (ORDER BY {masked})");
        };
        let frame = self.random.word(&[
            "",
            "",
            " ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
            " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
            " ROWS 2 PRECEDING",
            " GROUPS BETWEEN CURRENT ROW AND 1 FOLLOWING",
            " ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING EXCLUDE CURRENT ROW",
            " RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE TIES",
            " ROWS UNBOUNDED PRECEDING EXCLUDE GROUP",
            " ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING EXCLUDE NO OTHERS",
        ]);
        let number = self
            .column(&|f| matches!(f.ty, Ty::Int | Ty::Num))
            .unwrap_or_else(|| "1".to_owned());
        match (self.random.below(10), subject) {
            (0..5, Some(subject)) => {
                let call = self.random.word(&[
                    "sum(#)",
                    "avg(#)",
                    "count(*)",
                    "count(#) FILTER (WHERE # > 3)",
                    "max(#)",
                    "min(#)",
                    "lag(#)",
                    "lead(#, 2, #)",
                    "first_value(#)",
                    "last_value(#)",
                    "nth_value(#, 2)",
                    "count(*)",
                    "row_number()",
                ]);
                format!(
                    "{} OVER (PARTITION BY {subject} ORDER BY {keys}{frame})",
                    call.replace('#', &number)
                )
            }
            (0..5, None) => {
                let call = self.random.word(&[
                    "sum(#)",
                    "avg(#)",
                    "max(#)",
                    "lag(#)",
                    "first_value(#)",
                    "count(*)",
                ]);
                format!(
                    "{} OVER (ORDER BY {keys}{frame})",
                    call.replace('#', &number)
                )
            }
            (5, _) => format!("row_number() OVER (PARTITION BY {by} ORDER BY {masked}, {keys})"),
            (6, _) => format!("rank() OVER (PARTITION BY {masked} ORDER BY {by} DESC)"),
            (7, _) => format!("ntile(4) OVER (ORDER BY {masked} NULLS FIRST, {keys})"),
            (8, _) => format!("round(percent_rank() OVER (ORDER BY {masked})::numeric, 6)"),
            _ => format!(
                "{} OVER (ORDER BY {masked})",
                self.random.word(&[
                    "dense_rank()",
                    "cume_dist()",
                    "rank()",
                    "dense_rank()",
                    "rank()",
                    "cume_dist()",
                    "count(*)"
                ])
            ),
        }
    }

    /// VALUES, or a set operation of queries with columns of the same types.
    pub fn set_operation(&mut self, need: Need) -> Query {
        let merges = self.random.one_in(3);
        let types: Vec<Ty> = match &need.types {
            Some(types) => types.clone(),
            None => {
                let count = self.random.between(1, 3);
                let drawn = (0..count).map(|_| self.some_type());
                drawn
                    .map(|ty| {
                        if ty.is_exact() || (!merges && ty.is_ordered()) {
                            ty
                        } else {
                            Ty::Text
                        }
                    })
                    .collect()
            }
        };
        let ordered = types.iter().all(|ty| ty.is_exact());
        let free = need.free || merges;
        let mut sql = String::new();
        let mut fields = Vec::new();
        for arm in 0..self.random.between(2, 3) {
            if arm > 0 {
                let operator = if merges && ordered {
                    self.random.word(&[
                        "UNION",
                        "EXCEPT",
                        "INTERSECT",
                        "EXCEPT ALL",
                        "INTERSECT ALL",
                        "UNION DISTINCT",
                    ])
                } else {
                    "UNION ALL"
                };
                sql.push_str(&format!(" {operator} "));
            }
            let around = std::mem::take(&mut self.scopes);
            let query = if self.may(Feature::ValuesLists, 5) {
                Query {
                    sql: self.values(&types),
                    ..Query::default()
                }
            } else {
                self.rows(Need {
                    types: Some(types.clone()),
                    free,
                    ..Need::default()
                })
            };
            self.scopes = around;
            let bare = !query.sql.contains("ORDER BY")
                && !query.sql.contains("LIMIT")
                && !query.sql.contains("OFFSET")
                && !query.sql.contains(" FOR ")
                && !query.sql.contains("FETCH");
            if bare {
                sql.push_str(&query.sql)
            } else {
                sql.push_str(&format!("({})", query.sql))
            }
            if fields.is_empty() {
                fields = query.fields;
            }
        }
        let mut total = false;
        if ordered && (need.total || self.random.one_in(2)) {
            let positions: Vec<String> = (1..=types.len()).map(|n| n.to_string()).collect();
            sql.push_str(&format!(" ORDER BY {}", positions.join(", ")));
            total = true;
            self.limit(&mut sql);
        }
        Query {
            sql,
            fields,
            total,
            ..Query::default()
        }
    }

    fn values(&mut self, types: &[Ty]) -> String {
        let rows: Vec<String> = (0..self.random.between(1, 3))
            .map(|_| {
                let values: Vec<String> = types.iter().map(|ty| self.expression(*ty)).collect();
                format!("({})", values.join(", "))
            })
            .collect();
        format!("VALUES {}", rows.join(", "))
    }

    /// VALUES as a statement.
    pub fn values_query(&mut self) -> Query {
        let types: Vec<Ty> = (0..self.random.between(1, 4))
            .map(|_| self.some_type())
            .collect();
        let sql = self.values(&types);
        Query {
            sql,
            total: true,
            ..Query::default()
        }
    }

    /// A sub-query as a value; false if none fits here.
    pub fn sub_query(&mut self, out: &mut String, ty: Ty) -> bool {
        if self.nest >= 3 || self.scopes.len() > 2 {
            return false;
        }
        let subject = self
            .scopes
            .last()
            .and_then(|s| s.items.iter().find_map(|i| i.subject.clone()));
        self.nest += 1;
        let text = match subject {
            Some(subject) if self.random.percent(70) => self.sub_query_of_subject(ty, &subject),
            _ => self.free_sub_query(ty),
        };
        self.nest -= 1;
        out.push_str(&text);
        true
    }

    fn sub_query_of_subject(&mut self, ty: Ty, subject: &str) -> String {
        let table = self
            .random
            .choose(&[VISITS, VISITS, SAMPLES, PATIENTS])
            .copied()
            .unwrap_or(VISITS);
        self.scopes.push(Scope::default());
        let (text, item) = self.table(table);
        let own = item.subject.clone().unwrap_or_default();
        let key = item.key.clone().unwrap_or_default().concat();
        self.see(item);
        let condition = self.expression(Ty::Bool);
        let value = self.expression(ty);
        let other = self.expression(Ty::Text);
        self.scopes.pop();
        if ty == Ty::Bool {
            let mine = self.expression(Ty::Text);
            return match self.random.below(7) {
                0..2 => {
                    format!("EXISTS (SELECT 1 FROM {text} WHERE {own} = {subject} AND {condition})")
                }
                2 => format!(
                    "NOT EXISTS (SELECT FROM {text} WHERE {own} = {subject} AND {condition})"
                ),
                3 => format!("({subject} IN (SELECT {own} FROM {text} WHERE {condition}))"),
                4 => format!("({subject} NOT IN (SELECT {own} FROM {text} WHERE {condition}))"),
                5 => format!("({subject} = SOME (SELECT {own} FROM {text} WHERE {condition}))"),
                _ => format!(
                    "(({subject}, {mine}) IN (SELECT {own}, {other} FROM {text} WHERE {condition}))"
                ),
            };
        }
        let cast = ty.sql();
        match self.random.below(4) {
            0 => format!(
                "(SELECT {value} FROM {text} WHERE {own} = {subject} AND {condition} ORDER BY {key} LIMIT 1)"
            ),
            1 => format!("(SELECT max({value}) FROM {text} WHERE {own} = {subject})"),
            2 => format!(
                "(SELECT min({value}) FILTER (WHERE {condition}) FROM {text} WHERE {own} = {subject})"
            ),
            _ if matches!(ty, Ty::Int | Ty::Num) => {
                format!(
                    "(SELECT count(*) FROM {text} WHERE {own} = {subject} AND {condition})::{cast}"
                )
            }
            _ => format!(
                "(SELECT {value} FROM {text} WHERE {key} = {subject} AND {own} = {subject})"
            ),
        }
    }

    fn free_sub_query(&mut self, ty: Ty) -> String {
        let outer_text = self.expression(Ty::Text);
        self.scopes.push(Scope::default());
        let table = self
            .random
            .choose(&[WARDS, DOCTORS])
            .copied()
            .unwrap_or(WARDS);
        let (text, item) = self.table(table);
        let alias = item.alias.clone();
        self.see(item);
        let condition = self.expression(Ty::Bool);
        let value = self.expression(ty);
        self.scopes.pop();
        if ty == Ty::Bool {
            let number = self.expression(Ty::Int);
            return match self.random.below(6) {
                0 => format!("EXISTS (SELECT FROM {text} WHERE {alias}.ward = {outer_text})"),
                1 => {
                    format!("({outer_text} IN (SELECT {alias}.ward FROM {text} WHERE {condition}))")
                }
                2 => format!(
                    "({number} > ALL (SELECT w.floor FROM clinic.wards w WHERE w.ward <> 'B'))"
                ),
                3 => format!(
                    "(({outer_text}, {number}) = (SELECT w.ward, w.floor FROM clinic.wards w WHERE w.ward = 'A'))"
                ),
                4 => format!("({number} <> ANY (VALUES (1), (2)))"),
                _ => format!(
                    "(ROW({outer_text}, {number}) < (SELECT w.ward, w.beds FROM clinic.wards AS w ORDER BY 1 LIMIT 1))"
                ),
            };
        }
        match self.random.below(4) {
            0 => format!("(SELECT max({value}) FROM {text} WHERE {condition})"),
            1 => format!("(VALUES ({value_lone}))", value_lone = self.literal_of(ty)),
            2 => format!("(WITH w AS (SELECT {value} AS x FROM {text}) SELECT min(x) FROM w)"),
            _ => format!("(SELECT {value} FROM {text} WHERE {condition} ORDER BY 1 LIMIT 1)"),
        }
    }

    fn literal_of(&mut self, ty: Ty) -> String {
        let around = std::mem::take(&mut self.scopes);
        let literal = self.expression(ty);
        self.scopes = around;
        literal
    }
}
