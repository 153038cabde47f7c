//! Whole trials: which statements a client sends, and by which messages.

use super::features::Feature;
use super::others;
use super::schema::{PATIENTS, TABLES, Ty};
use super::select::{Need, Query};
use super::writer::Writer;
use crate::conformance::{Order, Step};

/// What one trial is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rows,
    Groups,
    SetOperation,
    With,
    Values,
    Lone,
    Catalog,
    Explain,
    Cursor,
    Prepared,
    Extended,
    Pipeline,
    Copy,
    Setting,
    Transaction,
    Several,
    Other,
    Tuning,
    Probe,
}

impl Family {
    pub const ALL: &[Self] = &[
        Self::Rows,
        Self::Groups,
        Self::SetOperation,
        Self::With,
        Self::Values,
        Self::Lone,
        Self::Catalog,
        Self::Explain,
        Self::Cursor,
        Self::Prepared,
        Self::Extended,
        Self::Pipeline,
        Self::Copy,
        Self::Setting,
        Self::Transaction,
        Self::Several,
        Self::Other,
        Self::Tuning,
        Self::Probe,
    ];

    /// How often it comes, beside the others.
    pub fn weight(self) -> usize {
        match self {
            Self::Rows => 24,
            Self::Groups | Self::Probe => 12,
            Self::Catalog | Self::Extended => 8,
            Self::With | Self::SetOperation => 7,
            Self::Other | Self::Cursor | Self::Explain => 7,
            Self::Prepared | Self::Copy | Self::Pipeline | Self::Transaction => 5,
            Self::Setting | Self::Several | Self::Lone => 4,
            Self::Values => 3,
            // Its statements change the database, and take their time.
            Self::Tuning => 1,
        }
    }
}

/// So often a query in total order is tried for.
const TRIES: usize = 4;

/// So many statements that are no queries come in one trial.
const OTHERS: usize = 4;

pub(super) struct Trial {
    pub steps: Vec<Step>,
    pub total: bool,
}

impl Trial {
    fn of(sql: String, total: bool) -> Self {
        Self {
            steps: vec![Step::Query(sql)],
            total,
        }
    }

    pub fn order(&self) -> Order {
        if self.total { Order::Total } else { Order::Any }
    }
}

impl Writer {
    pub fn trial(&mut self, family: Family) -> Trial {
        match family {
            Family::Rows
            | Family::Groups
            | Family::SetOperation
            | Family::With
            | Family::Values => {
                let query = self.read(family, false);
                let sql = self.dressed(query.sql);
                Trial::of(sql, query.total)
            }
            Family::Lone => self.lone(),
            Family::Catalog => {
                let (sql, total) = self.catalog_query();
                Trial::of(self.dressed(sql), total)
            }
            Family::Explain => self.explain(),
            Family::Cursor => self.cursor(),
            Family::Prepared => self.prepared(),
            Family::Extended => self.extended(),
            Family::Pipeline => self.pipeline(),
            Family::Copy => self.copy(),
            Family::Setting => self.settings(),
            Family::Transaction => self.transaction(),
            Family::Several => self.several(),
            Family::Other => self.other(),
            Family::Tuning => self.tuning(),
            Family::Probe => {
                let (sql, total) = self.probe();
                Trial::of(sql, total)
            }
        }
    }

    fn read(&mut self, family: Family, total: bool) -> Query {
        match family {
            Family::Groups => self.groups(total),
            Family::SetOperation => self.set_operation(Need {
                total,
                ..Need::default()
            }),
            Family::With => self.with_query(total),
            Family::Values => self.values_query(),
            _ => self.rows(Need {
                total,
                ..Need::default()
            }),
        }
    }

    /// A query of any family.
    fn any_query(&mut self, total: bool) -> Query {
        let family = match self.random.below(10) {
            0 | 1 => Family::Groups,
            2 => Family::SetOperation,
            3 => Family::With,
            4 if self.has(Feature::ValuesLists) => Family::Values,
            _ => Family::Rows,
        };
        self.read(family, total)
    }

    /// A query whose rows come in one order, to be read in slices.
    fn total_query(&mut self) -> Query {
        for _ in 0..TRIES {
            let query = self.any_query(true);
            if query.total {
                return query;
            }
        }
        let sql = "SELECT visit_id, ward, cost FROM clinic.visits ORDER BY visit_id LIMIT 30";
        Query {
            sql: sql.to_owned(),
            total: true,
            ..Query::default()
        }
    }

    /// Comments, space and semicolons around a statement.
    fn dressed(&mut self, sql: String) -> String {
        if !self.may(Feature::Lexical, 3) {
            return sql;
        }
        match self.random.below(6) {
            0 => format!("/* SELECT secret /* nested */ */ {sql}"),
            1 => format!("-- a comment\n{sql};"),
            2 => format!("\t\r\n {sql} \n;"),
            3 => format!("({sql})"),
            4 => format!("{sql} -- secret"),
            _ => format!(";{sql};;"),
        }
    }

    /// Expressions without a table.
    fn lone(&mut self) -> Trial {
        let mut targets = Vec::new();
        for _ in 0..self.random.between(1, 4) {
            let ty = self.some_type();
            targets.push(self.expression(ty));
        }
        let value = self.random.word(&[
            "CURRENT_USER",
            "current_database()",
            "CURRENT_DATE IS NULL",
            "1",
            "NULL",
            "1.5e3",
            "B'1'",
            "X'f'",
            "session_user",
            "SESSION_USER",
            "CURRENT_SCHEMA",
            "CURRENT_CATALOG",
            "pg_typeof(NULL)::text",
            "'{}'::jsonb",
            "U&'\\0041'",
            "0",
            "-5",
            "version() IS NULL",
            "system_user",
        ]);
        targets.push(value.to_owned());
        let condition = if self.random.one_in(4) {
            format!(" WHERE {}", self.expression(Ty::Bool))
        } else {
            String::new()
        };
        let sql = format!("SELECT {}{condition}", targets.join(", "));
        Trial::of(self.dressed(sql), true)
    }

    fn explain(&mut self) -> Trial {
        let query = if self.random.one_in(15) {
            Query {
                sql: self.random.word(others::STATEMENTS).to_owned(),
                ..Query::default()
            }
        } else {
            self.any_query(false)
        };
        let passed = [
            "",
            "",
            "",
            " VERBOSE",
            " (COSTS OFF)",
            " (VERBOSE, COSTS OFF)",
            " (VERBOSE, COSTS)",
            " (FORMAT TEXT)",
            " (BUFFERS, COSTS OFF)",
            " (SETTINGS)",
            " (SUMMARY, COSTS OFF)",
            " (WAL)",
            " (ANALYZE false, VERBOSE 1)",
        ];
        let others = [
            " ANALYZE",
            " ANALYZE VERBOSE",
            " (FORMAT JSON)",
            " (FORMAT XML, COSTS OFF)",
            " (FORMAT YAML)",
            " (ANALYZE, TIMING OFF, SUMMARY OFF)",
            " (GENERIC_PLAN)",
            " (MEMORY, SERIALIZE)",
            " (nonsense)",
        ];
        let options = if self.random.one_in(5) {
            self.random.word(&others)
        } else {
            self.random.word(&passed)
        };
        Trial::of(format!("EXPLAIN{options} {}", query.sql), true)
    }

    fn cursor(&mut self) -> Trial {
        let query = self.total_query();
        let name = self.random.word(&["c", "c1", "\"C x\""]);
        let scrolls = self.random.one_in(2);
        let scroll = if scrolls { "SCROLL " } else { "NO SCROLL " };
        let binary = self.random.word(&["", "", "", "BINARY "]);
        let insensitive = self.random.word(&[
            "",
            "",
            "",
            "INSENSITIVE ",
            "",
            "",
            "INSENSITIVE ",
            "ASENSITIVE ",
        ]);
        let hold = self
            .random
            .word(&["", "", "", "WITH HOLD ", "WITHOUT HOLD "]);
        let in_transaction = !hold.starts_with("WITH H") && !self.random.one_in(12);
        let mut steps = Vec::new();
        if in_transaction {
            steps.push(Step::Query("BEGIN".to_owned()));
        }
        steps.push(Step::Query(format!(
            "DECLARE {name} {binary}{insensitive}{scroll}CURSOR {hold}FOR {}",
            query.sql
        )));
        for _ in 0..self.random.between(1, 5) {
            let verb = self.random.word(&["FETCH", "FETCH", "FETCH", "MOVE"]);
            let forward = [
                "NEXT",
                "3",
                "FORWARD 2",
                "FORWARD",
                "",
                "ALL",
                "FORWARD ALL",
                "1",
                "0",
                "RELATIVE 1",
                "RELATIVE 0",
            ];
            let backward = [
                "PRIOR",
                "FIRST",
                "LAST",
                "ABSOLUTE 3",
                "ABSOLUTE -2",
                "RELATIVE -1",
                "BACKWARD 2",
                "BACKWARD ALL",
                "BACKWARD",
                "-1",
                "FORWARD -2",
            ];
            let back = if scrolls {
                self.random.one_in(2)
            } else {
                self.random.one_in(15)
            };
            let direction = if back {
                self.random.word(&backward)
            } else {
                self.random.word(&forward)
            };
            let preposition = self.random.word(&["FROM", "IN", "FROM"]);
            steps.push(Step::Query(format!(
                "{verb} {direction} {preposition} {name}"
            )));
        }
        steps.push(Step::Query(match self.random.below(4) {
            0 => "CLOSE ALL".to_owned(),
            1 if in_transaction => "ROLLBACK".to_owned(),
            _ => format!("CLOSE {name}"),
        }));
        if in_transaction {
            steps.push(Step::Query("COMMIT".to_owned()));
        }
        Trial {
            steps,
            total: query.total,
        }
    }

    /// Writes literals as parameters from here on.
    fn with_params(&mut self) -> (Query, Vec<(Ty, String)>) {
        self.params = Some(Vec::new());
        let query = self.any_query(true);
        (query, self.params.take().unwrap_or_default())
    }

    fn prepared(&mut self) -> Trial {
        let (query, params) = self.with_params();
        let types: Vec<&str> = params.iter().map(|(ty, _)| ty.sql()).collect();
        let declared = if types.is_empty() || self.random.one_in(4) {
            String::new()
        } else {
            format!(" ({})", types.join(", "))
        };
        let mut steps = vec![Step::Query(format!("PREPARE q{declared} AS {}", query.sql))];
        for _ in 0..self.random.between(1, 3) {
            let mut values: Vec<String> =
                params.iter().map(|(_, literal)| literal.clone()).collect();
            if self.random.one_in(8) {
                values.push("(SELECT 1)".to_owned());
            }
            let list = if values.is_empty() {
                String::new()
            } else {
                format!("({})", values.join(", "))
            };
            steps.push(Step::Query(match self.random.below(9) {
                0 => format!("EXPLAIN EXECUTE q{list}"),
                1 => format!("CREATE TABLE x AS EXECUTE q{list}"),
                2 => "SELECT name, statement FROM pg_prepared_statements".to_owned(),
                _ => format!("EXECUTE q{list}"),
            }));
        }
        steps.push(Step::Query(
            self.random
                .word(&[
                    "DEALLOCATE q",
                    "DEALLOCATE PREPARE q",
                    "DEALLOCATE ALL",
                    "DISCARD PLANS",
                ])
                .to_owned(),
        ));
        Trial {
            steps,
            total: query.total,
        }
    }

    /// The values that a client would bind, as text.
    fn bound(&mut self, params: &[(Ty, String)]) -> Vec<Option<String>> {
        params
            .iter()
            .map(|(ty, literal)| {
                if self.random.one_in(12) {
                    return None;
                }
                Some(match (ty, literal.split('\'').nth(1)) {
                    (Ty::Bool, _) => "true".to_owned(),
                    (Ty::Bits, Some(bits)) if literal.starts_with(['b', 'B']) => bits.to_owned(),
                    (Ty::Bits, _) => "1010".to_owned(),
                    (Ty::Ints, _) => "{1,2,3}".to_owned(),
                    (Ty::Texts, _) => "{t1,u2}".to_owned(),
                    (Ty::Point, _) => "(3,4)".to_owned(),
                    (_, Some(quoted)) => quoted.to_owned(),
                    (_, None) => literal.split(':').next().unwrap_or_default().to_owned(),
                })
            })
            .collect()
    }

    fn extended(&mut self) -> Trial {
        let (query, params) = if self.random.one_in(8) {
            let (sql, total) = self.catalog_query();
            (
                Query {
                    sql,
                    total,
                    ..Query::default()
                },
                Vec::new(),
            )
        } else {
            self.with_params()
        };
        let types: Vec<u32> = match self.random.below(3) {
            0 => Vec::new(),
            1 => params.iter().take(1).map(|(ty, _)| ty.oid()).collect(),
            _ => params.iter().map(|(ty, _)| ty.oid()).collect(),
        };
        let statement = self.random.word(&["", "", "s1"]).to_owned();
        let portal = self.random.word(&["", "", "p1"]).to_owned();
        let mut steps = vec![Step::Parse {
            name: statement.clone(),
            sql: query.sql,
            types,
        }];
        if self.random.one_in(2) {
            steps.push(Step::DescribeStatement(statement.clone()));
        }
        if self.random.one_in(8) {
            steps.push(Step::Flush);
        }
        let params = self.bound(&params);
        let binary = self.random.one_in(3);
        steps.push(Step::Bind {
            portal: portal.clone(),
            statement: statement.clone(),
            params,
            binary,
        });
        if self.random.one_in(2) {
            steps.push(Step::DescribePortal(portal.clone()));
        }
        if query.total && !self.loose && self.random.one_in(3) {
            for _ in 0..self.random.between(1, 3) {
                let max_rows = i32::try_from(self.random.between(1, 4)).unwrap_or(1);
                steps.push(Step::Execute {
                    portal: portal.clone(),
                    max_rows,
                });
            }
        }
        steps.push(Step::Execute {
            portal: portal.clone(),
            max_rows: 0,
        });
        if self.random.one_in(4) {
            steps.push(Step::ClosePortal(portal));
        }
        if self.random.one_in(4) {
            steps.push(Step::CloseStatement(statement));
        }
        steps.push(Step::Sync);
        Trial {
            steps,
            total: query.total,
        }
    }

    /// Several statements before one Sync; one may fail, and the rest is then skipped.
    fn pipeline(&mut self) -> Trial {
        let mut steps = Vec::new();
        let mut total = true;
        let queries: Vec<Query> = (0..self.random.between(2, 3))
            .map(|_| self.any_query(true))
            .collect();
        for (number, query) in queries.into_iter().enumerate() {
            total &= query.total;
            let name = if self.random.one_in(2) {
                String::new()
            } else {
                format!("s{number}")
            };
            let binary = self.random.one_in(4);
            steps.push(Step::Parse {
                name: name.clone(),
                sql: query.sql,
                types: Vec::new(),
            });
            steps.push(Step::Bind {
                portal: String::new(),
                statement: name,
                params: Vec::new(),
                binary,
            });
            if self.random.one_in(2) {
                steps.push(Step::DescribePortal(String::new()));
            }
            steps.push(Step::Execute {
                portal: String::new(),
                max_rows: 0,
            });
            if self.random.one_in(5) {
                steps.push(Step::Sync);
            }
        }
        steps.push(Step::Sync);
        Trial { steps, total }
    }

    fn copy(&mut self) -> Trial {
        let options = self.random.word(&[
            "",
            "",
            " WITH CSV",
            " (FORMAT csv, HEADER)",
            " WITH (FORMAT csv, HEADER true, DELIMITER ';', QUOTE '\"', NULL '-x-')",
            " (FORMAT binary)",
            " (DELIMITER '|')",
            " WITH CSV HEADER QUOTE '''' ESCAPE '!'",
            " (FORMAT text, NULL 'none', ENCODING 'UTF8')",
            " WITH DELIMITER ',' NULL AS ''",
            " (FORMAT csv, FORCE_QUOTE *)",
            " BINARY",
            " (FORMAT csv, FORCE_QUOTE (c1))",
            " (FREEZE)",
            " (DELIMITER 'a')",
            " (ENCODING 'LATIN1')",
        ]);
        if self.random.one_in(4) {
            let relation = self.some_relation();
            let columns =
                self.random
                    .word(&["", "", " (ward)", " (patient_id, name)", " (secret)"]);
            return Trial::of(
                format!("COPY {relation}{columns} TO STDOUT{options}"),
                false,
            );
        }
        let query = self.any_query(true);
        Trial {
            total: query.total,
            ..Trial::of(
                format!("COPY ({}) TO STDOUT{options}", query.sql),
                query.total,
            )
        }
    }

    fn setting(&mut self) -> String {
        self.random
            .word(&[
                "SET search_path TO lab, clinic",
                "SET search_path = hr",
                "SET SESSION search_path TO \"$user\", public",
                "SET search_path TO DEFAULT",
                "SET LOCAL search_path = other",
                "RESET search_path",
                "SET datestyle TO 'German, DMY'",
                "SET datestyle = ISO, MDY",
                "SET intervalstyle = 'iso_8601'",
                "SET intervalstyle TO sql_standard",
                "SET timezone TO 'Asia/Shanghai'",
                "SET TIME ZONE 'UTC'",
                "SET TIME ZONE INTERVAL '+05:30' HOUR TO MINUTE",
                "SET TIME ZONE LOCAL",
                "SET bytea_output = 'escape'",
                "SET extra_float_digits = 0",
                "SET xmloption TO document",
                "SET xmlbinary = hex",
                "SET client_min_messages = debug5",
                "SET client_min_messages = notice",
                "SET client_min_messages TO error",
                "SET client_encoding TO 'SJIS'",
                "SET NAMES 'UTF8'",
                "SET standard_conforming_strings = off",
                "SET backslash_quote = on",
                "SET row_security = off",
                "SET work_mem = '64kB'",
                "SET enable_seqscan = off",
                "SET statement_timeout = '20s'",
                "SET lock_timeout = 0",
                "SET log_statement = 'all'",
                "SET session_replication_role = replica",
                "SET ROLE zq_role_1",
                "SET ROLE NONE",
                "SET SESSION AUTHORIZATION DEFAULT",
                "SET SESSION AUTHORIZATION 'postgres'",
                "RESET ROLE",
                "RESET ALL",
                "DISCARD ALL",
                "DISCARD PLANS",
                "DISCARD TEMP",
                "DISCARD SEQUENCES",
                "SHOW search_path",
                "SHOW timezone",
                "SHOW ALL",
                "SHOW data_directory",
                "SHOW datestyle",
                "SHOW TRANSACTION ISOLATION LEVEL",
                "SHOW is_superuser",
                "SHOW session_authorization",
                "SHOW hba_file",
                "SHOW application_name",
                "SET application_name = 'x''y'",
                "SET my.setting = 'a'",
                "SET plan_cache_mode = force_generic_plan",
                "SET default_transaction_read_only = on",
                "SET transform_null_equals = on",
                "SET jit = off",
                "SET quote_all_identifiers = on",
                "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
                "SET TRANSACTION SNAPSHOT '00000003-0000001B-1'",
                "SET default_transaction_isolation TO 'repeatable read'",
                "SET LOCAL timezone = 'UTC'",
                "SET search_path FROM CURRENT",
                "SET cursor_tuple_fraction = 0.5",
                "SET lc_messages = 'de_DE'",
                "SET default_text_search_config = 'simple'",
            ])
            .to_owned()
    }

    /// Settings, and how values look under them.
    fn settings(&mut self) -> Trial {
        let mut steps = Vec::new();
        for _ in 0..self.random.between(1, 2) {
            steps.push(Step::Query(self.setting()));
        }
        let query = self.any_query(true);
        steps.push(Step::Query(query.sql));
        let again = self.random.word(&[
            "RESET ALL",
            "SHOW search_path",
            "SELECT name FROM patients ORDER BY patient_id LIMIT 2",
            "DISCARD ALL",
        ]);
        steps.push(Step::Query(again.to_owned()));
        Trial {
            steps,
            total: query.total,
        }
    }

    fn transaction(&mut self) -> Trial {
        let begin = self.random.word(&[
            "BEGIN",
            "START TRANSACTION READ ONLY",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY, DEFERRABLE",
            "BEGIN WORK",
            "BEGIN READ WRITE",
        ]);
        let mut saved = false;
        let mut steps = vec![Step::Query(begin.to_owned())];
        let mut total = true;
        for _ in 0..self.random.between(2, 5) {
            let text = match self.random.below(9) {
                0 => "SAVEPOINT a".to_owned(),
                1 if saved => "ROLLBACK TO SAVEPOINT a".to_owned(),
                2 if saved => "RELEASE a".to_owned(),
                3 => self
                    .random
                    .word(&[
                        "SELECT id_card::int FROM clinic.patients",
                        "SELECT 1 / (income - 20000) FROM clinic.patients",
                        "SELECT nickname::date FROM clinic.patients",
                        "SELECT secret FROM clinic.patients",
                        "SELECT 1 / (visit_id - 100001) FROM clinic.visits",
                    ])
                    .to_owned(),
                4 => self.setting(),
                5 if self.random.one_in(6) => "ROLLBACK TO b".to_owned(),
                _ => {
                    let query = self.any_query(true);
                    total &= query.total;
                    query.sql
                }
            };
            saved = (saved || text == "SAVEPOINT a") && text != "RELEASE a";
            steps.push(Step::Query(text));
        }
        let end = self.random.word(&[
            "COMMIT",
            "ROLLBACK",
            "END",
            "ABORT",
            "COMMIT AND CHAIN",
            "ROLLBACK AND NO CHAIN",
            "COMMIT PREPARED 'x'",
        ]);
        steps.push(Step::Query(end.to_owned()));
        if end.ends_with(" CHAIN") || end.ends_with('\'') {
            steps.push(Step::Query("ROLLBACK".to_owned()));
        }
        Trial { steps, total }
    }

    /// Several statements in one message.
    fn several(&mut self) -> Trial {
        let mut texts = Vec::new();
        let mut total = true;
        for _ in 0..self.random.between(2, 4) {
            let text = match self.random.below(10) {
                0 => "BEGIN".to_owned(),
                1 => "COMMIT".to_owned(),
                2 => self.setting(),
                3 => "SELECT 1/0".to_owned(),
                4 => self.random.word(others::QUERIES).to_owned(),
                _ => {
                    let query = self.any_query(true);
                    total &= query.total;
                    query.sql
                }
            };
            texts.push(text);
        }
        let steps = vec![
            Step::Query(texts.join("; ")),
            Step::Query("ROLLBACK".to_owned()),
        ];
        Trial { steps, total }
    }

    /// Statements that are refused as they stand, in turn; so a few seeds have sent them all.
    fn other(&mut self) -> Trial {
        let in_turn = |turn: &mut usize, texts: &[&str]| -> Vec<String> {
            let first = *turn;
            *turn += OTHERS;
            let places = first..first + OTHERS;
            places
                .filter_map(|place| texts.get(place % texts.len()))
                .map(|text| (*text).to_owned())
                .collect()
        };
        if self.random.one_in(2) {
            let steps = in_turn(&mut self.query_turn, others::QUERIES).into_iter();
            return Trial {
                steps: steps.map(Step::Query).collect(),
                total: false,
            };
        }
        let mut texts = in_turn(&mut self.turn, others::STATEMENTS);
        let mut steps = Vec::new();
        if self.random.one_in(2)
            && let Some(sql) = texts.pop()
        {
            steps = vec![
                Step::Parse {
                    name: String::new(),
                    sql,
                    types: Vec::new(),
                },
                Step::DescribeStatement(String::new()),
                Step::Bind {
                    portal: String::new(),
                    statement: String::new(),
                    params: Vec::new(),
                    binary: false,
                },
                Step::Execute {
                    portal: String::new(),
                    max_rows: 0,
                },
                Step::Sync,
            ];
        }
        steps.extend(texts.into_iter().map(Step::Query));
        Trial { steps, total: true }
    }

    /// Upkeep of the database: passed under the contract for it alone.
    pub fn tuning(&mut self) -> Trial {
        let relation = self.some_relation();
        let table = self.random.choose(TABLES).copied().unwrap_or(PATIENTS);
        let column = self.random.choose(table.columns).map_or("ward", |c| c.name);
        let name = format!("{}.{}", table.schema, table.name);
        let made = [
            format!("CREATE INDEX CONCURRENTLY tuned ON {name} ({column} DESC NULLS LAST)"),
            format!(
                "CREATE INDEX CONCURRENTLY IF NOT EXISTS tuned ON {name} USING hash ({column})"
            ),
            "CREATE INDEX CONCURRENTLY tuned ON clinic.patients (secret)".to_owned(),
            "CREATE INDEX CONCURRENTLY tuned ON clinic.patients (lower(note))".to_owned(),
            format!("CREATE INDEX ON {name} ({column})"),
        ];
        let index = self.random.choose(&made).cloned().unwrap_or_default();
        match self.random.below(9) {
            0 => Trial {
                steps: vec![
                    Step::Query(index),
                    Step::Query(format!("DROP INDEX {}.tuned", table.schema)),
                ],
                total: true,
            },
            1 => Trial::of("REINDEX INDEX clinic.patients_secret".to_owned(), true),
            2 => Trial::of(format!("REINDEX TABLE {relation}"), true),
            3 => Trial::of(
                "DROP INDEX IF EXISTS clinic.patients_special".to_owned(),
                true,
            ),
            4 => Trial::of(format!("VACUUM (ANALYZE) {relation}"), true),
            5 => Trial::of(format!("VACUUM (FULL, VERBOSE) {name}"), true),
            6 => Trial::of(format!("ANALYZE VERBOSE {relation}"), true),
            7 => Trial::of(format!("ANALYZE {name} ({column})"), true),
            _ => Trial::of(format!("ANALYZE {name}"), true),
        }
    }
}
