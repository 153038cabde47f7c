//! What may be summed under a floor: by a closed grammar, so that no argument tells one row from the
//! others.
//!
//! INVARIANT: every figure over such arguments is a linear combination of sums of 1, x, y, x², xy, y² of at
//! most two plain columns (none of them a key), up to the relative rounding of a float, or of a step
//! that no constant of the client's moves (`extract(year FROM x)`). Nothing that is refused here could be had
//! by another form that passes: constants are added where arithmetic is exact, scale within bounds, and
//! stand in no function.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use super::Reader;
use super::aggregate::Grouping;
use super::scope::{ItemKind, Scope, Source};
use crate::node::{text_of, texts_of};
use crate::rules;

/// Most column references in an argument.
const MAX_COLUMNS: u8 = 2;
/// Highest power of values that a figure is made of.
const MAX_DEGREE: u8 = 2;
/// Most constants in an argument.
const MAX_CONSTANTS: u8 = 3;
/// A constant's magnitude, if it is not 0: what is beyond would push a value out of its type's precision.
const CONSTANTS: std::ops::RangeInclusive<f64> = 1e-6..=1e9;
/// Longest text of a constant.
const MAX_CONSTANT_CHARS: usize = 24;
/// An integer that leaves its type fails, which tells of the largest value: integer constants do not reach there.
const MAX_INTEGER_FACTOR: u64 = 1_000;
const MAX_INTEGER_TERM: f64 = 1e6;

/// How a value adds and rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Number {
    Integer,
    Numeric,
    Float,
    Date,
    #[default]
    Other,
}

/// What an argument is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measure {
    number: Number,
    degree: u8,
    columns: u8,
    constants: u8,
    /// Product of the integer constants that integers are multiplied by.
    factor: u64,
    /// A function with steps: stands alone.
    step: bool,
}

impl Default for Measure {
    fn default() -> Self {
        Self::column(Number::Other)
    }
}

impl Measure {
    const fn column(number: Number) -> Self {
        Self {
            number,
            degree: 1,
            columns: 1,
            constants: 0,
            factor: 1,
            step: false,
        }
    }

    const fn clock(number: Number) -> Self {
        Self {
            degree: 0,
            columns: 0,
            ..Self::column(number)
        }
    }

    fn is_number(self) -> bool {
        matches!(
            self.number,
            Number::Integer | Number::Numeric | Number::Float
        )
    }

    /// A point or a length of time, or of a type that is not known.
    fn is_other(self) -> bool {
        matches!(self.number, Number::Date | Number::Other)
    }

    /// As the rows hold it: no arithmetic of the client's constants.
    fn is_bare(self) -> bool {
        self.constants == 0 && !self.step
    }

    fn within(self) -> Option<Self> {
        let fits = self.degree <= MAX_DEGREE
            && self.columns <= MAX_COLUMNS
            && self.constants <= MAX_CONSTANTS
            && self.factor <= MAX_INTEGER_FACTOR;
        fits.then_some(self)
    }

    /// Both together, before it is said how.
    fn beside(self, other: Self) -> Self {
        Self {
            number: wider(self.number, other.number),
            degree: self.degree.max(other.degree),
            columns: self.columns.saturating_add(other.columns),
            constants: self.constants.saturating_add(other.constants),
            factor: self.factor.max(other.factor),
            step: false,
        }
    }

    fn plus(self, other: Self, is_minus: bool) -> Option<Self> {
        if self.step || other.step {
            return None;
        }
        let both = self.beside(other);
        if self.is_number() && other.is_number() {
            // A float forgets what is small beside what is large.
            let exact = both.number != Number::Float || both.constants == 0;
            return exact.then_some(both)?.within();
        }
        let bare = is_minus && self.is_other() && other.is_other() && both.constants == 0;
        let days = self.number == Number::Date && other.number == Number::Date;
        let number = if days { Number::Integer } else { Number::Other };
        bare.then_some(Self { number, ..both })?.within()
    }

    fn plus_constant(self, constant: Constant) -> Option<Self> {
        let exact = matches!(self.number, Number::Integer | Number::Numeric) && !self.step;
        let reaches = self.number == Number::Integer
            && constant.is_integer
            && constant.magnitude > MAX_INTEGER_TERM;
        if !exact || reaches {
            return None;
        }
        self.with(constant).within()
    }

    fn times(self, other: Self) -> Option<Self> {
        let bare = self.is_bare() && other.is_bare();
        // Exact decimals may have constants: the product is a combination of sums that pass by themselves.
        let exact = self.number == Number::Numeric && other.number == Number::Numeric;
        if !self.is_number() || !other.is_number() || self.step || other.step || !(bare || exact) {
            return None;
        }
        Self {
            degree: self.degree.saturating_add(other.degree),
            factor: self.factor.saturating_mul(other.factor),
            ..self.beside(other)
        }
        .within()
    }

    fn times_constant(self, constant: Constant) -> Option<Self> {
        let scales =
            self.is_number() && !self.step && (self.number != Number::Float || self.constants == 0);
        let mut scaled = self.with(constant);
        if scaled.number == Number::Integer {
            // As far as its bound lets it, the magnitude is a whole number.
            scaled.factor = self.factor.saturating_mul(constant.magnitude.ceil() as u64);
        }
        scales.then_some(scaled)?.within()
    }

    /// Integers divided by integers have steps.
    fn over_constant(self, constant: Constant) -> Option<Self> {
        let whole = self.number == Number::Integer && constant.is_integer;
        if whole || constant.magnitude == 0.0 {
            return None;
        }
        self.times_constant(constant)
    }

    fn with(self, constant: Constant) -> Self {
        let number = match (self.number, constant.is_integer) {
            (Number::Integer, false) => Number::Numeric,
            (number, _) => number,
        };
        Self {
            number,
            constants: self.constants.saturating_add(1),
            ..self
        }
    }

    /// The value as another type, where that has no step that a constant before it could move.
    fn cast(self, type_name: &str) -> Option<Self> {
        let number = match (type_name, self.number) {
            ("numeric", Number::Integer | Number::Numeric) => Number::Numeric,
            ("numeric", Number::Float | Number::Other) if self.is_bare() => Number::Numeric,
            ("float8" | "float4", _) if self.is_bare() => Number::Float,
            ("int8" | "int4" | "int2", Number::Integer) if self.is_bare() => Number::Integer,
            ("numeric" | "float8", _) if self.step => self.number,
            _ => return None,
        };
        Some(Self { number, ..self })
    }

    /// Whether an aggregate of the name may take it.
    fn suits(self, name: &str, is_distinct: bool) -> bool {
        if is_distinct && name != "count" {
            // Merging values that a polynomial brings together tells which there are.
            return self.is_bare() && self.degree <= 1 && self.columns <= 1;
        }
        match name {
            "sum" | "avg" => true,
            "count" => !is_distinct || (self.constants == 0 && self.degree <= 1),
            // These square what they are given.
            _ => self.degree <= 1,
        }
    }
}

fn wider(a: Number, b: Number) -> Number {
    match (a, b) {
        (Number::Other | Number::Date, _) | (_, Number::Other | Number::Date) => Number::Other,
        (Number::Float, _) | (_, Number::Float) => Number::Float,
        (Number::Numeric, _) | (_, Number::Numeric) => Number::Numeric,
        (Number::Integer, Number::Integer) => Number::Integer,
    }
}

/// A number that the client wrote.
#[derive(Clone, Copy, Debug)]
struct Constant {
    magnitude: f64,
    is_integer: bool,
}

fn constant(value: &Node) -> Option<Constant> {
    let NodeEnum::AConst(constant) = value.node.as_ref()? else {
        return None;
    };
    let (magnitude, is_integer) = match constant.val.as_ref()? {
        pb::a_const::Val::Ival(whole) => (f64::from(whole.ival).abs(), true),
        pb::a_const::Val::Fval(text) => {
            if text.fval.len() > MAX_CONSTANT_CHARS {
                return None;
            }
            let is_integer = !text.fval.contains(['.', 'e', 'E']);
            (text.fval.parse::<f64>().ok()?.abs(), is_integer)
        }
        _ => return None,
    };
    let bounded = magnitude == 0.0 || CONSTANTS.contains(&magnitude);
    bounded.then_some(Constant {
        magnitude,
        is_integer,
    })
}

fn number_of(type_name: &str) -> Number {
    match type_name {
        "smallint" | "integer" | "bigint" => Number::Integer,
        "real" | "double precision" => Number::Float,
        "date" => Number::Date,
        numeric if numeric == "numeric" || numeric.starts_with("numeric(") => Number::Numeric,
        _ => Number::Other,
    }
}

impl Reader<'_> {
    /// Whether an aggregate of the name may take the argument under a floor.
    pub(super) fn may_sum(
        &self,
        arg: &Node,
        name: &str,
        is_distinct: bool,
        scope: &Scope<'_>,
    ) -> bool {
        let key = name != "count"
            && rules::AGGREGATE_KEY.stands()
            && self.names_key(&mut arg.clone(), scope);
        let measured = self.measure(arg, scope, &Grouping::None);
        !key && measured.is_some_and(|m| m.suits(name, is_distinct))
    }

    /// What a row's own plain value is made of; `None`: it is none.
    pub(super) fn measure(
        &self,
        value: &Node,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Option<Measure> {
        if let Some(constant) = constant(value) {
            let number = match constant.is_integer {
                true => Number::Integer,
                false => Number::Numeric,
            };
            return Some(Measure {
                constants: 1,
                ..Measure::clock(number)
            });
        }
        match value.node.as_ref()? {
            // The clock is the same for every row.
            NodeEnum::SqlvalueFunction(function) => clock(function),
            NodeEnum::ColumnRef(reference) => {
                let found = self.find_column(scope, &texts_of(&reference.fields)?)?;
                let Source::Column(item, column) = found.source else {
                    return None;
                };
                let item = scope.item(item).filter(|_| found.level == scope.level)?;
                let column = item.columns.get(column).filter(|c| c.simple)?;
                let ItemKind::Table(table) = item.kind else {
                    return Some(column.measure);
                };
                let of = self.surface.tables.get(table)?.column(&column.name)?;
                Some(Measure::column(number_of(&of.type_name)))
            }
            NodeEnum::TypeCast(cast) => {
                let measured = self.measure(cast.arg.as_deref()?, scope, grouping)?;
                let name = cast.type_name.as_ref()?;
                let plain = name.typmods.is_empty() && name.array_bounds.is_empty();
                measured.cast(name.names.last().and_then(text_of).filter(|_| plain)?)
            }
            NodeEnum::AExpr(expr) if expr.kind == pb::AExprKind::AexprOp as i32 => {
                self.measure_operation(expr, scope, grouping)
            }
            NodeEnum::FuncCall(call) => self.measure_call(call, scope, grouping),
            _ => None,
        }
    }

    fn measure_operation(
        &self,
        expr: &pb::AExpr,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Option<Measure> {
        let names = texts_of(&expr.name)?;
        let [operator] = names.as_slice() else {
            return None;
        };
        let right = expr.rexpr.as_deref()?;
        let measure = |side: &Node| self.measure(side, scope, grouping);
        let Some(left) = expr.lexpr.as_deref() else {
            let one = Constant {
                magnitude: 1.0,
                is_integer: true,
            };
            return measure(right)
                .filter(|_| *operator == "-")?
                .times_constant(one);
        };
        match (*operator, constant(left), constant(right)) {
            ("+" | "-", None, Some(c)) => measure(left)?.plus_constant(c),
            ("+" | "-", Some(c), None) => measure(right)?.plus_constant(c),
            ("+", None, None) => measure(left)?.plus(measure(right)?, false),
            ("-", None, None) => measure(left)?.plus(measure(right)?, true),
            ("*", None, Some(c)) => measure(left)?.times_constant(c),
            ("*", Some(c), None) => measure(right)?.times_constant(c),
            ("*", None, None) => measure(left)?.times(measure(right)?),
            ("/", None, Some(c)) => measure(left)?.over_constant(c),
            _ => None,
        }
    }

    fn measure_call(
        &self,
        call: &pb::FuncCall,
        scope: &Scope<'_>,
        grouping: &Grouping,
    ) -> Option<Measure> {
        let name = call.funcname.last().and_then(text_of)?;
        let plain = call.over.is_none()
            && call.agg_filter.is_none()
            && call.agg_order.is_empty()
            && !call.agg_within_group;
        if !plain {
            return None;
        }
        let measure = |arg: &Node| self.measure(arg, scope, grouping);
        let point = |arg: &Node| measure(arg).filter(|m| m.is_bare() && m.is_other());
        match (name, call.args.as_slice()) {
            ("now" | "transaction_timestamp" | "statement_timestamp", []) => {
                Some(Measure::clock(Number::Other))
            }
            ("age", [one]) => Some(Measure {
                number: Number::Other,
                ..point(one)?
            }),
            ("age", [one, other]) => point(one)?.plus(point(other)?, true).map(|m| Measure {
                number: Number::Other,
                ..m
            }),
            ("extract" | "date_part", [field, of]) => {
                let of = point(of)?;
                let is_epoch = literal(field)?.eq_ignore_ascii_case("epoch");
                Some(Measure {
                    number: Number::Float,
                    step: !is_epoch,
                    ..of
                })
            }
            ("date_trunc", [field, of]) => {
                literal(field)?;
                Some(Measure {
                    step: true,
                    ..point(of)?
                })
            }
            ("count" | "sum" | "avg", args) if matches!(grouping, Grouping::PerSubject(_)) => {
                self.measure_of_subject(name, call, args, scope)
            }
            _ => None,
        }
    }

    /// A figure of one subject's rows is a plain value of that subject.
    fn measure_of_subject(
        &self,
        name: &str,
        call: &pb::FuncCall,
        args: &[Node],
        scope: &Scope<'_>,
    ) -> Option<Measure> {
        let measured = match args {
            [] if call.agg_star => Measure::column(Number::Integer),
            [one] => self.measure(one, scope, &Grouping::None)?,
            _ => return None,
        };
        if !measured.suits(name, call.agg_distinct) {
            return None;
        }
        let number = match (name, measured.number) {
            ("count", _) => return Some(Measure::column(Number::Integer)),
            ("avg", Number::Integer) => Number::Numeric,
            (_, number) => number,
        };
        Some(Measure {
            number,
            step: false,
            ..measured
        })
    }
}

fn clock(function: &pb::SqlValueFunction) -> Option<Measure> {
    use pb::SqlValueFunctionOp as Op;
    match function.op() {
        Op::SvfopCurrentDate => Some(Measure::clock(Number::Date)),
        Op::SvfopCurrentTimestamp
        | Op::SvfopCurrentTimestampN
        | Op::SvfopLocaltimestamp
        | Op::SvfopLocaltimestampN => Some(Measure::clock(Number::Other)),
        _ => None,
    }
}

/// The field's name that a function of time is given.
fn literal(value: &Node) -> Option<&str> {
    let NodeEnum::AConst(constant) = value.node.as_ref()? else {
        return None;
    };
    match constant.val.as_ref()? {
        pb::a_const::Val::Sval(text) => Some(&text.sval),
        _ => None,
    }
}
