//! Queries with groups and aggregates.

use super::features::Feature;
use super::schema::Ty;
use super::select::Query;
use super::writer::{Item, Scope, Writer};

/// Aggregates of a number that many subjects may share.
const OF_NUMBERS: &[&str] = &[
    "sum(#)",
    "avg(#)",
    "count(#)",
    "count(DISTINCT #)",
    "round(stddev(#)::numeric, 4)",
    "round(variance(#)::numeric, 4)",
    "round(var_pop(#)::numeric, 4)",
    "round(stddev_samp(#)::numeric, 4)",
    "sum(# + #)",
    "sum(# * 2)",
    "avg(#)::numeric(12, 2)",
    "sum(ALL #)",
    "avg(round(#, 1))",
    "sum(#) / nullif(count(*), 0)",
    "round(corr(#, #)::numeric, 4)",
    "regr_count(#, #)",
    "round(covar_pop(#, #)::numeric, 3)",
    "round(regr_slope(#, #)::numeric, 3)",
    "sum(CASE WHEN % THEN # END)",
    "sum(CASE WHEN % THEN # ELSE 0 END)",
    "round(covar_samp(#, #)::numeric, 3)",
    "round(regr_avgx(#, #)::numeric, 3)",
    "round(regr_avgy(#, #)::numeric, 3)",
    "round(regr_intercept(#, #)::numeric, 3)",
    "round(regr_r2(#, #)::numeric, 3)",
    "round(regr_sxx(#, #)::numeric, 3)",
    "round(regr_sxy(#, #)::numeric, 3)",
    "round(regr_syy(#, #)::numeric, 3)",
    "round(stddev_pop(#)::numeric, 4)",
    "round(var_samp(#)::numeric, 4)",
    "sum(#) FILTER (WHERE %)",
    "avg(#) FILTER (WHERE %)",
    "coalesce(sum(#), 0)",
    "count(#) FILTER (WHERE %)",
];

/// Aggregates that show one row's value, or pack many.
const OF_SINGLE: &[&str] = &[
    "max(#)",
    "min(#)",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY #)",
    "percentile_disc(0.25) WITHIN GROUP (ORDER BY # DESC)",
    "mode() WITHIN GROUP (ORDER BY #)",
    "max(#) FILTER (WHERE %)",
    "any_value(#)",
    "min(# + #)",
    "percentile_cont(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY #)",
];
const PACKING: &[&str] = &[
    "array_agg(#)",
    "array_agg(# ORDER BY # DESC)",
    "array_agg(DISTINCT #)",
    "string_agg(#::text, ',' ORDER BY #)",
    "json_agg(#)",
    "jsonb_agg(# ORDER BY #)",
    "jsonb_object_agg(coalesce(#::text, '-'), #)",
    "json_object_agg(coalesce(#::text, '-'), 1)",
    "bit_or(#::int)",
    "bit_and(#::int)",
    "bit_xor(#::int)",
    "range_agg(int4range(1, 5))",
    "xmlagg(xml '<a/>')",
    "range_intersect_agg(int4range(1, 9))",
    "jsonb_object_agg_unique(coalesce(#::text, '-'), #)",
    "json_agg_strict(#)",
    "clinic.pack(#::text)",
    "JSON_ARRAYAGG(#)",
    "JSON_OBJECTAGG(coalesce(#::text, '-') : #)",
];

impl Writer {
    /// A grouped query.
    pub fn groups(&mut self, total: bool) -> Query {
        self.scopes.push(Scope::default());
        let free = self.random.one_in(6);
        let from = self.write_from(free);
        let items: Vec<Item> = self
            .scopes
            .last()
            .map(|s| s.items.clone())
            .unwrap_or_default();
        let subject = items.iter().find_map(|i| i.subject.clone());
        let single = subject.is_none() || (!self.figures && self.random.one_in(4));
        let mut keys = Vec::new();
        if let Some(subject) = subject.filter(|_| single) {
            keys.push(subject);
        }
        for _ in 0..self.random.below(3) {
            keys.push(self.group_key());
        }
        keys.dedup();
        let sets = keys.len() > 1 && !single && self.may(Feature::GroupingSets, 2);
        let mut targets = Vec::new();
        for (position, key) in keys.iter().enumerate() {
            targets.push(if self.random.one_in(2) {
                format!("{key} AS g{position}")
            } else {
                key.clone()
            });
        }
        if sets {
            targets.push(format!("GROUPING({})", keys.join(", ")));
        }
        for _ in 0..self.random.between(1, 3) {
            let value = self.aggregate(single);
            targets.push(match self.random.below(3) {
                0 => format!("{value} AS {}", self.fresh("a")),
                _ => value,
            });
        }
        if self.may(Feature::Windows, 4) {
            targets.push(
                self.random
                    .word(&[
                        "sum(count(*)) OVER ()",
                        "rank() OVER (ORDER BY count(*) DESC)",
                        "count(*) * 100.0 / nullif(sum(count(*)) OVER (), 0)",
                        "count(*) OVER ()",
                    ])
                    .to_owned(),
            );
        }
        let mut sql = format!("SELECT {} FROM {}", targets.join(", "), from.text);
        let mut conditions = from.conditions;
        if self.random.one_in(2) {
            conditions.push(self.condition());
        }
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        self.group_by(&mut sql, &keys, sets);
        if self.random.one_in(4) {
            let having = self.having(single, &keys);
            sql.push_str(&format!(" HAVING {having}"));
        }
        let mut is_total = keys.is_empty();
        if !keys.is_empty() && (total || self.random.one_in(2)) {
            let mut order = Vec::new();
            if self.has(Feature::OrderForms) && self.random.one_in(2) {
                order.push(self.random.word(&["count(*)", "count(*) DESC"]).to_owned());
            }
            order.extend((1..=keys.len()).map(|n| n.to_string()));
            sql.push_str(&format!(" ORDER BY {}", order.join(", ")));
            is_total = !sets;
            if is_total && self.has(Feature::Limits) && self.random.one_in(3) {
                sql.push_str(&format!(" LIMIT {}", self.random.between(1, 6)));
            }
        }
        self.scopes.pop();
        Query {
            sql,
            total: is_total,
            ..Query::default()
        }
    }

    fn group_key(&mut self) -> String {
        if self.random.percent(60)
            && let Some(column) = self.column(&|f| {
                f.masked && f.ty.is_ordered()
                    || matches!(
                        f.name.as_str(),
                        "sex" | "ward" | "level" | "paid" | "result" | "floor" | "note" | "tags"
                    )
            })
        {
            return column;
        }
        let form = self.random.word(&[
            "left({mt}, 1)",
            "date_trunc('month', {d})",
            "extract(year FROM {md})",
            "{mi} / 10000",
            "({mi} > {gi})",
            "({mt} LIKE {guess})",
            "{j} ->> 'lang'",
            "upper({t})",
            "({n} > 100)",
            "length({mt})",
            "({m} IS NULL)",
            "CASE WHEN {mt} LIKE {guess} THEN 'yes' ELSE 'no' END",
        ]);
        self.filled(form)
    }

    fn group_by(&mut self, sql: &mut String, keys: &[String], sets: bool) {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else {
            if self.random.one_in(8) {
                sql.push_str(" GROUP BY ()");
            }
            return;
        };
        let all = keys.join(", ");
        let text = match self.random.below(if sets { 6 } else { 4 }) {
            _ if !sets => match self.random.below(5) {
                0 => (1..=keys.len())
                    .map(|n| n.to_string())
                    .collect::<Vec<_>>()
                    .join(", "),
                1 => format!("DISTINCT {all}"),
                2 if keys.len() > 1 => format!("({all})"),
                _ => all,
            },
            0 => format!("ROLLUP ({all})"),
            1 => format!("CUBE ({all})"),
            2 => format!("GROUPING SETS (({first}), ({last}), ())"),
            3 => format!("GROUPING SETS (({all}), ROLLUP ({last}))"),
            4 => format!("DISTINCT ROLLUP ({first}), CUBE ({last})"),
            _ => format!(
                "{first}, ROLLUP ({})",
                keys.get(1..).unwrap_or_default().join(", ")
            ),
        };
        sql.push_str(&format!(" GROUP BY {text}"));
    }

    /// `single`: each group may be one subject's, or nobody's.
    pub fn aggregate(&mut self, single: bool) -> String {
        let form = match self.random.below(20) {
            0..5 => self.random.word(&[
                "count(*)",
                "count(*)",
                "count(*) FILTER (WHERE %)",
                "count(#)",
                "pg_catalog.count(*)",
            ]),
            5..7 if single && self.random.one_in(4) => self.random.word(OF_SINGLE),
            7 if single && self.random.one_in(4) => self.random.word(PACKING),
            8 => self.random.word(&[
                "bool_and(?)",
                "bool_or(?)",
                "every(?)",
                "count(DISTINCT @)",
                "count(@)",
                "count(DISTINCT @) FILTER (WHERE %)",
            ]),
            9 if self.has(Feature::Forbidden) && self.random.one_in(3) => self.random.word(PACKING),
            10 if self.has(Feature::Forbidden) && self.random.one_in(3) => {
                self.random.word(OF_SINGLE)
            }
            _ => self.random.word(OF_NUMBERS),
        };
        let mut out = String::new();
        for letter in form.chars() {
            match letter {
                '#' => {
                    let column = self
                        .column(&|f| matches!(f.ty, Ty::Int | Ty::Num | Ty::Big))
                        .unwrap_or_else(|| "1".to_owned());
                    out.push_str(&column);
                }
                '@' => {
                    let column = self
                        .column(&|f| f.ty.is_ordered())
                        .unwrap_or_else(|| "1".to_owned());
                    out.push_str(&column);
                }
                '?' => {
                    let column = self
                        .column(&|f| f.ty == Ty::Bool)
                        .unwrap_or_else(|| "true".to_owned());
                    out.push_str(&column);
                }
                '%' => out.push_str(&self.expression(Ty::Bool)),
                other => out.push(other),
            }
        }
        out
    }

    fn having(&mut self, single: bool, keys: &[String]) -> String {
        match (self.random.below(6), keys.first()) {
            (0, Some(key)) => format!("{key} IS NOT NULL"),
            (1, _) => format!(
                "count(*) FILTER (WHERE {}) > {}",
                self.expression(Ty::Bool),
                self.random.below(4)
            ),
            (2, Some(key)) => format!("({key})::text LIKE {}", self.filled("{guess}")),
            (3, _) => format!("{} IS NOT NULL", self.aggregate(single)),
            (4, _) => "count(*) BETWEEN 2 AND 100".to_owned(),
            _ => format!("count(*) > {}", self.random.below(12)),
        }
    }
}
