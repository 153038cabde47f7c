//! What the generator knows of the world: what the contracts show, with types, and what they hide.

/// Types that expressions are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Ty {
    Int,
    Big,
    Num,
    Float,
    Text,
    Bool,
    Date,
    Time,
    Stamp,
    Local,
    Interval,
    Jsonb,
    Json,
    Xml,
    Ints,
    Texts,
    Bytes,
    Bits,
    Span,
    Point,
    Severity,
    Percent,
    Inet,
    Uuid,
    Vector,
    Query,
}

impl Ty {
    pub const ALL: &[Self] = &[
        Self::Int,
        Self::Big,
        Self::Num,
        Self::Float,
        Self::Text,
        Self::Bool,
        Self::Date,
        Self::Time,
        Self::Stamp,
        Self::Local,
        Self::Interval,
        Self::Jsonb,
        Self::Json,
        Self::Xml,
        Self::Ints,
        Self::Texts,
        Self::Bytes,
        Self::Bits,
        Self::Span,
        Self::Point,
        Self::Severity,
        Self::Percent,
        Self::Inet,
        Self::Uuid,
        Self::Vector,
        Self::Query,
    ];

    /// The code of a hole in a template.
    pub fn of_hole(code: &str) -> Option<Self> {
        Some(match code {
            "i" => Self::Int,
            "l" => Self::Big,
            "n" => Self::Num,
            "f" => Self::Float,
            "t" => Self::Text,
            "b" => Self::Bool,
            "d" => Self::Date,
            "tm" => Self::Time,
            "ts" => Self::Stamp,
            "lt" => Self::Local,
            "iv" => Self::Interval,
            "j" => Self::Jsonb,
            "js" => Self::Json,
            "x" => Self::Xml,
            "ia" => Self::Ints,
            "ta" => Self::Texts,
            "by" => Self::Bytes,
            "bi" => Self::Bits,
            "sp" => Self::Span,
            "pt" => Self::Point,
            "sv" => Self::Severity,
            "pc" => Self::Percent,
            "in" => Self::Inet,
            "u" => Self::Uuid,
            "v" => Self::Vector,
            "q" => Self::Query,
            _ => return None,
        })
    }

    /// Its name in SQL.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Big => "bigint",
            Self::Num => "numeric",
            Self::Float => "float8",
            Self::Text => "text",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Time => "time",
            Self::Stamp => "timestamptz",
            Self::Local => "timestamp",
            Self::Interval => "interval",
            Self::Jsonb => "jsonb",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Ints => "int[]",
            Self::Texts => "text[]",
            Self::Bytes => "bytea",
            Self::Bits => "varbit",
            Self::Span => "int4range",
            Self::Point => "point",
            Self::Severity => "clinic.severity",
            Self::Percent => "clinic.percent",
            Self::Inet => "inet",
            Self::Uuid => "uuid",
            Self::Vector => "tsvector",
            Self::Query => "tsquery",
        }
    }

    /// Its OID, where it is the same in every database.
    pub fn oid(self) -> u32 {
        match self {
            Self::Int => 23,
            Self::Big => 20,
            Self::Num => 1700,
            Self::Float => 701,
            Self::Text => 25,
            Self::Bool => 16,
            Self::Date => 1082,
            Self::Time => 1083,
            Self::Stamp => 1184,
            Self::Local => 1114,
            Self::Interval => 1186,
            Self::Jsonb => 3802,
            Self::Json => 114,
            Self::Xml => 142,
            Self::Ints => 1007,
            Self::Texts => 1009,
            Self::Bytes => 17,
            Self::Bits => 1562,
            Self::Span => 3904,
            Self::Point => 600,
            Self::Severity | Self::Percent => 0,
            Self::Inet => 869,
            Self::Uuid => 2950,
            Self::Vector => 3614,
            Self::Query => 3615,
        }
    }

    /// Whether equal values look alike: `1.0` and `1.00` are equal, so which of them DISTINCT keeps, and
    /// which comes first in a sorted set, is the plan's choice.
    pub fn is_exact(self) -> bool {
        self.is_ordered() && !matches!(self, Self::Num | Self::Float | Self::Interval | Self::Jsonb)
    }

    /// Whether values have an order and an equality.
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Json | Self::Xml | Self::Point)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub name: &'static str,
    pub ty: Ty,
    pub masked: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub schema: &'static str,
    pub name: &'static str,
    pub key: &'static str,
    /// Whether rows are about a patient.
    pub subject: bool,
    pub columns: &'static [Column],
}

const fn shown(name: &'static str, ty: Ty) -> Column {
    Column {
        name,
        ty,
        masked: false,
    }
}

const fn masked(name: &'static str, ty: Ty) -> Column {
    Column {
        name,
        ty,
        masked: true,
    }
}

pub(super) const PATIENTS: Table = Table {
    schema: "clinic",
    name: "patients",
    key: "patient_id",
    subject: true,
    columns: &[
        shown("patient_id", Ty::Int),
        masked("name", Ty::Text),
        masked("id_card", Ty::Text),
        masked("phone", Ty::Text),
        masked("email", Ty::Text),
        masked("nickname", Ty::Text),
        masked("birth_date", Ty::Date),
        masked("income", Ty::Int),
        shown("sex", Ty::Text),
        shown("ward", Ty::Text),
        shown("level", Ty::Severity),
        shown("share", Ty::Percent),
        shown("note", Ty::Text),
        shown("tags", Ty::Texts),
        shown("attrs", Ty::Jsonb),
    ],
};

pub(super) const VISITS: Table = Table {
    schema: "clinic",
    name: "visits",
    key: "visit_id",
    subject: true,
    columns: &[
        shown("visit_id", Ty::Int),
        shown("patient_id", Ty::Int),
        shown("visited_on", Ty::Date),
        shown("ward", Ty::Text),
        shown("cost", Ty::Num),
        shown("weight", Ty::Float),
        shown("paid", Ty::Bool),
        shown("started_at", Ty::Stamp),
    ],
};

pub(super) const DOCTORS: Table = Table {
    schema: "clinic",
    name: "doctors",
    key: "doctor_id",
    subject: false,
    columns: &[
        shown("doctor_id", Ty::Int),
        shown("name", Ty::Text),
        shown("ward", Ty::Text),
    ],
};

pub(super) const WARDS: Table = Table {
    schema: "clinic",
    name: "wards",
    key: "ward",
    subject: false,
    columns: &[
        shown("ward", Ty::Text),
        shown("floor", Ty::Int),
        shown("beds", Ty::Int),
    ],
};

pub(super) const SAMPLES: Table = Table {
    schema: "lab",
    name: "samples",
    key: "sample_id",
    subject: true,
    columns: &[
        shown("sample_id", Ty::Big),
        shown("patient_id", Ty::Int),
        shown("result", Ty::Text),
        shown("payload", Ty::Jsonb),
        shown("doc", Ty::Xml),
        shown("bits", Ty::Bits),
        shown("raw", Ty::Bytes),
        shown("readings", Ty::Ints),
        shown("span", Ty::Span),
        shown("spot", Ty::Point),
    ],
};

pub(super) const TABLES: &[Table] = &[PATIENTS, VISITS, DOCTORS, WARDS, SAMPLES];

/// Columns that no contract shows, by what they would be asked for as.
pub(super) const HIDDEN_COLUMNS: &[&str] = &[
    "secret",
    "salary",
    "home",
    "(home).city",
    "diagnosis",
    "code",
    "badge",
    "ctid",
    "xmin",
    "xmax",
    "cmin",
    "cmax",
    "tableoid",
    "portcullis_row",
    "portcullis_subject",
    "U&\"\\0073ecret\"",
    "\"secret\"",
];

/// Relations that no contract shows.
pub(super) const HIDDEN_RELATIONS: &[&str] = &[
    "other.patients",
    "hr.salaries",
    "clinic.audit_trail",
    "clinic.everyone",
    "clinic.snapshot",
    "clinic.hidden_numbers",
    "audit_trail",
    "everyone",
    "snapshot",
    "salaries",
    "clinic.patients_stats",
    "clinic.patients_secret",
    "pg_toast.pg_toast_1262",
    "pg_temp.patients",
    "public.patients",
    "\"other\".\"patients\"",
    "U&\"h\\0072\".salaries",
    "postgres.clinic.patients",
    "portcullis_ops.clinic_patients",
];

/// Values that what is hidden has, or that a guess would try.
pub(super) const GUESSES_TEXT: &[&str] = &[
    "'3%'",
    "'zq1%'",
    "'zq2%'",
    "'zq%'",
    "'138%'",
    "'W%'",
    "'%1'",
    "'%@example.org'",
    "'VIP'",
    "'A'",
    "'F'",
    "'hidden'",
    "'*'",
    "'%'",
    "''",
    "'zqname'",
    "'note 3'",
    "'pos'",
    "'low'",
];
pub(super) const GUESSES_INT: &[&str] = &[
    "0",
    "1",
    "5",
    "17",
    "40",
    "160",
    "161",
    "500",
    "999",
    "1000",
    "1001",
    "1011",
    "1015",
    "12345",
    "20000",
    "39000",
    "39999",
    "99999",
    "100000",
    "100001",
    "100030",
    "2147483647",
    "-1",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::CONTRACTS_TOML;

    /// The generator's table is the contract's scope: else it would miss a column, or think one shown.
    #[test]
    fn the_schema_is_what_the_contracts_show() {
        let contracts: toml::Table = CONTRACTS_TOML.parse().unwrap();
        for contract in ["ops", "figures", "upkeep"] {
            let scope = contracts["contract"][contract]["scope"].as_array().unwrap();
            assert_eq!(scope.len(), TABLES.len(), "{contract}");
            for entry in scope {
                let table = TABLES
                    .iter()
                    .find(|t| {
                        format!("{}.{}", t.schema, t.name) == entry["table"].as_str().unwrap()
                    })
                    .unwrap();
                let names: Vec<&str> = entry["columns"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|c| c.as_str().unwrap())
                    .collect();
                let ours: Vec<&str> = table.columns.iter().map(|c| c.name).collect();
                assert_eq!(names, ours, "{contract} {}", table.name);
                let masks = entry
                    .get("mask")
                    .and_then(|m| m.as_table())
                    .cloned()
                    .unwrap_or_default();
                for column in table.columns {
                    assert_eq!(
                        masks.contains_key(column.name),
                        column.masked,
                        "{}",
                        column.name
                    );
                }
                assert_eq!(
                    entry.get("subject").is_some(),
                    table.subject,
                    "{}",
                    table.name
                );
            }
        }
    }

    #[test]
    fn every_type_has_a_hole() {
        let codes = [
            "i", "l", "n", "f", "t", "b", "d", "tm", "ts", "lt", "iv", "j", "js", "x", "ia", "ta",
            "by", "bi", "sp", "pt", "sv", "pc", "in", "u", "v", "q",
        ];
        let types: Vec<Ty> = codes.iter().filter_map(|c| Ty::of_hole(c)).collect();
        assert_eq!(types, Ty::ALL);
    }
}
