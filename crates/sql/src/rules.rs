//! Every rule of the understanding stage, by a stable id: what is refused, and what is turned into
//! something else before it travels.
//!
//! INVARIANT: a [`Denial`] is the only way to a refusal in this crate, and it takes a [`Rule`]. A
//! rule can be removed in the unit tests of this crate alone, where `mutation` removes each one and
//! looks whether a test notices; in any other build [`Rule::stands`] is the constant `true`, which the
//! compiler proves below.

use portcullis_contract::{Refusal, SqlState};

/// One rule of the understanding stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable: `area.what`.
    pub id: &'static str,
    /// Reason code of its refusal; empty = it refuses nothing, it turns the statement.
    pub reason: &'static str,
    /// Class of the corpus whose statements need it.
    pub class: Class,
    /// What it protects.
    pub protects: &'static str,
}

/// Classes of `tests/corpus`, and what no statement of a corpus can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// `hostile/statements.txt`, under `## names`, and so on.
    Names,
    Grammar,
    WholeRow,
    Packing,
    Floors,
    Dimensions,
    Subqueries,
    Trace,
    Functions,
    Code,
    Data,
    Sessions,
    Catalog,
    Tuning,
    /// `honest/*.sql`: what the client sees and what is counted.
    Honest,
    /// Trees that no text gives, texts of a size that no corpus should have.
    Made,
}

impl Rule {
    /// Whether the rule holds.
    ///
    /// INVARIANT: constant in every build but the unit tests of this crate; no feature changes it.
    #[cfg(not(test))]
    #[inline(always)]
    pub(crate) const fn stands(&self) -> bool {
        true
    }

    #[cfg(test)]
    pub(crate) fn stands(&self) -> bool {
        crate::mutation::stands(self)
    }

    /// The SQLSTATE of the rule's refusal.
    const fn sqlstate(&self) -> SqlState {
        match self.reason.as_bytes() {
            [b'f', b'o', b'r', b'm', b'.', ..] | [b's', b'e', b't', b't', b'i', b'n', b'g', ..] => {
                SqlState::NotPassed
            }
            [b's', b'y', b'n', b't', b'a', b'x', ..] => SqlState::Syntax,
            [b'l', b'i', b'm', b'i', b't', b'.', ..] => SqlState::LimitExceeded,
            _ => SqlState::OutOfScope,
        }
    }

    /// The contract's clause that the refusal names; none where no contract could say otherwise.
    fn clause(&self) -> Option<&'static str> {
        let area = self.reason.split('.').next().unwrap_or_default();
        Some(match area {
            "scope" => "scope",
            "aggregate" => "methods.aggregate",
            "trace" => "methods.lookup",
            // Forms and settings are part of what a method is.
            "method" | "form" | "setting" => "methods",
            _ => return None,
        })
    }
}

/// The contract and the clause, as DETAIL tells them.
fn detail(rule: &Rule, contract: Option<&str>) -> Option<String> {
    let why = match rule.reason.split('.').next() {
        Some("form") => ": no method takes this form",
        Some("setting") => ": what a session's baseline does not take, no method adds",
        Some("limit") => {
            return Some("a limit of the gate, the same under every contract".to_owned());
        }
        _ => "",
    };
    let clause = rule.clause()?;
    Some(match contract {
        Some(contract) => format!("contract `{contract}`, clause `{clause}`{why}"),
        None => format!("clause `{clause}`{why}"),
    })
}

/// A refusal that names its rule.
#[must_use = "a denial refuses nothing until it stands"]
pub(crate) struct Denial {
    rule: &'static Rule,
    refusal: Refusal,
}

impl Denial {
    pub fn new(rule: &'static Rule, contract: Option<&str>, message: impl Into<String>) -> Self {
        let mut refusal = Refusal::new(rule.sqlstate(), rule.reason, message);
        refusal.detail = detail(rule, contract);
        Self { rule, refusal }
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.refusal = self.refusal.hint(hint);
        self
    }

    /// Points into the text, where the place is known.
    pub fn at(mut self, byte_offset: Option<usize>) -> Self {
        self.refusal.position = byte_offset;
        self
    }

    /// The refusal itself, where there is nothing that reading could go on with.
    pub fn refusal(self) -> Refusal {
        self.refusal
    }

    /// Refuses. (Where a test removed the rule, reading goes on.)
    pub fn stands(self) -> Result<(), Refusal> {
        self.or(|| ())
    }

    /// Refuses. (Where a test removed the rule, reading goes on with `instead`.)
    pub fn or<T>(self, instead: impl FnOnce() -> T) -> Result<T, Refusal> {
        if self.rule.stands() {
            Err(self.refusal)
        } else {
            Ok(instead())
        }
    }
}

macro_rules! rules {
    ($($name:ident = $id:literal, $reason:literal, $class:ident, $protects:literal;)*) => {
        $(
            #[doc = $protects]
            pub(crate) const $name: Rule = Rule {
                id: $id,
                reason: $reason,
                class: Class::$class,
                protects: $protects,
            };
            // INVARIANT: in the product no rule can be removed: the compiler knows that each stands.
            #[cfg(not(test))]
            const _: () = assert!($name.stands());
        )*

        /// All rules, in the order of a statement's way.
        pub const ALL: &[Rule] = &[$($name,)*];
    };
}

rules! {
    // The text.
    TEXT_BYTES = "text.bytes", "limit.bytes", Made, "a text that costs too much to read is not read";
    TEXT_ZERO = "text.zero", "syntax", Made, "the server would end the text where the gate does not";
    TEXT_STATEMENTS = "text.statements", "limit.statements", Made, "a message holds a bounded number of statements";
    TEXT_GRAMMAR = "text.grammar", "syntax", Grammar, "what is not SQL to the gate may be SQL to the server";
    TEXT_UNREADABLE = "text.unreadable", "form.text", Made, "what the parser cannot hand over is not guessed";
    TEXT_LIST = "text.list", "limit.list", Made, "what a list takes in memory is bounded";
    TEXT_NODES = "text.nodes", "limit.nodes", Made, "what a message takes in memory is bounded";
    COLUMNS = "columns.count", "limit.columns", Made, "nothing multiplies by being expanded again and again";
    STEPS = "text.steps", "limit.time", Made, "what a message costs to understand is bounded";
    DEPTH_TEXT = "depth.text", "limit.depth", Made, "what would nest too deep for any stack is refused before it is parsed";
    DEPTH_PARSER = "depth.parser", "limit.depth", Made, "the parser's own limit is a refusal, not a broken statement";
    DEPTH_WEIGHT = "depth.weight", "limit.depth", Made, "what is both deep and wide is not written";
    DEPTH = "depth.walk", "limit.depth", Made, "the walk's recursion is bounded";
    DEPTH_OPERATORS = "depth.operators", "limit.depth", Made, "a chain of operators is bounded as nesting is";
    ODD_TREE = "tree.odd", "form.node", Made, "a tree that the grammar does not make is not guessed at";
    ROUND_TRIP = "tree.round_trip", "form.unproven", Made, "what travels reads back as what was understood";
    ROUND_TRIP_WALK = "tree.walked", "form.unproven", Made, "a node that the comparison does not know does not travel";
    ASK_OPTION = "ask.option", "form.explain", Data, "a question to the gate is in no doubt";
    ASK_STATEMENT = "ask.statement", "syntax", Grammar, "a question is about a statement";

    // Kinds of statements.
    MODIFY = "statement.modify", "method.modify", Data, "data are not changed through this gate";
    CODE_BLOCK = "statement.code_block", "form.code", Code, "code that the gate cannot read does not run";
    CODE_CALL = "statement.call", "form.code", Code, "procedures run code that the gate cannot read";
    UNLISTEN_ALL = "statement.unlisten_all", "", Honest, "`UNLISTEN *` ends nothing, and poolers send it";
    NOTIFY = "statement.notify", "form.notify", Sessions, "notifications are a channel to other sessions";
    LOAD = "statement.load", "form.server_file", Code, "libraries of the server are not loaded";
    CHECKPOINT = "statement.checkpoint", "method.tuning", Sessions, "the server's operation is the owner's";
    CLUSTER = "statement.cluster", "method.tuning", Sessions, "a table is not locked and rewritten";
    CONSTRAINTS = "statement.constraints", "form.node", Sessions, "only what is understood passes";
    ADMIN = "statement.admin", "method.admin", Sessions, "roles, rights and configuration are the owner's";
    STATEMENT = "statement.listed", "method.schema", Sessions, "a statement without a rule does not pass";
    TWO_PHASE = "statement.two_phase", "form.two_phase", Sessions, "no transaction outlives its session";

    // FROM.
    FROM_ENTRIES = "from.entries", "limit.from", Made, "planning a FROM clause has a bounded cost";
    FROM_ENTRY = "from.entry", "form.from", Functions, "an entry of FROM without a rule does not pass";
    FROM_CALL = "from.call", "form.from", Grammar, "only functions of the lists stand in FROM";
    FROM_NAME_ONCE = "from.name_once", "syntax", Names, "a name in a query means one thing";
    TABLESAMPLE = "from.tablesample", "form.tablesample", Trace, "a sample of a view cannot be taken";
    TABLE = "name.table", "scope.table", Names, "only tables in scope are read";
    TABLE_ONLY = "name.table_only", "scope.table", Tuning, "the catalog is not tuned";
    TABLE_VIEW = "name.view", "", Honest, "a table's name becomes the contract's view of it: masks, row filter, columns";
    TABLE_NOTED = "name.noted", "", Honest, "every table read stands in the footprint that is judged and recorded";
    OTHER_DATABASE = "name.database", "form.database", Names, "a session is of one database";
    QUALIFIER = "name.qualifier", "scope.table", Names, "a qualifier is an entry of FROM that the gate knows";
    CATALOG_RELATION = "catalog.relation", "scope.catalog", Catalog, "catalog relations without a look-alike tell of what is out of scope";
    CATALOG_LOOK_ALIKE = "catalog.look_alike", "", Honest, "a catalog relation becomes a look-alike that shows what is in scope";
    CATALOG_COUNTED = "catalog.method", "", Honest, "structure is read under the method `catalog` alone";
    CATALOG_MIX = "catalog.mix", "form.catalog_mix", Catalog, "structure and rows do not meet in one statement";
    COLUMN_ALIASES = "from.column_aliases", "form.column_aliases", Names, "aliases would name the view's hidden columns by position";
    COLUMN_NAMES_FIT = "from.names_fit", "syntax", Names, "names beyond a derived table's own columns would name its taps";
    OWN_NAME = "name.own", "form.own_name", Names, "names of the gate's own are not taken by a client's columns and queries";
    LATERAL_NAMES = "from.lateral", "", Names, "only LATERAL entries see the entries before them";
    DERIVED_GROUPS = "from.groups", "", Honest, "groups in a derived table count for the query around it";
    UNNEST_EACH = "from.unnest", "", Honest, "`unnest` of several arrays is one call for each, side by side";
    RECORD_COLUMNS = "from.record", "syntax", Grammar, "the columns of a record are known before it is read";
    DEFINITION_PLAIN = "from.definition", "form.from", Grammar, "column definitions are names and types";
    JOIN_ALIAS = "from.join_alias", "form.join_alias", Trace, "an alias over a join would hide which table a column is of";
    NATURAL_JOIN = "from.natural", "", Honest, "hidden columns of views do not join";
    USING_ONCE = "from.using_once", "syntax", Names, "a column of USING is one column on each side";
    TOLD_APART = "from.told_apart", "", Honest, "columns of a derived table that share a name stay apart";

    // Names and columns.
    COLUMN = "name.column", "scope.column", Names, "only columns in scope are named, in every clause";
    COLUMN_QUALIFIED = "name.qualified", "", Honest, "a column travels under the entry that the gate resolved it to";
    AMBIGUOUS_COLUMN = "name.ambiguous", "syntax", Names, "a bare name means one column";
    HIDDEN_COLUMN = "name.hidden", "", Names, "columns that the view has for the gate alone cannot be named";
    STAR = "star.expanded", "", Honest, "`*` becomes the columns that the contract shows";
    STAR_TABLES = "star.tables", "syntax", Grammar, "`*` stands for something";
    WHOLE_ROW = "row.whole", "scope.whole_row", WholeRow, "a row as one value would carry hidden columns";
    FIELD = "row.field", "form.field", WholeRow, "a field that does not exist is a function call to the server";
    CATALOG_TABLEOID = "catalog.tableoid", "", Honest, "`tableoid` shows the catalog relation, not its look-alike";

    // Expressions.
    NODE = "expression.node", "form.node", Packing, "an expression without a rule does not pass";
    PARAMETER = "expression.parameter", "syntax", Grammar, "parameters are those of the protocol";
    DEFAULT_VALUE = "expression.default", "syntax", Grammar, "DEFAULT stands for a column's default, which may be hidden";
    NUMBER = "number.form", "form.number", Grammar, "a literal is read alike by every version of the server";
    NUMBER_DIGITS = "number.digits", "", Honest, "older servers know no `_` in numbers";
    COLLATION = "expression.collation", "scope.collation", Functions, "collations of the owner's schemas may be of any kind";
    OPERATOR = "operator.schema", "scope.operator", Functions, "operators of the owner's schemas run functions";
    FUNCTION = "function.listed", "scope.function", Functions, "only functions of the lists are called";
    FUNCTION_SCHEMA = "function.schema", "scope.function", Functions, "functions of the owner's schemas run code that the gate cannot read";
    FUNCTION_QUALIFIED = "function.qualified", "", Honest, "a function is the built-in one whatever the search path holds";
    NOT_AGGREGATE = "function.not_aggregate", "syntax", Grammar, "DISTINCT, FILTER and ORDER BY belong to aggregates";
    WINDOW_OVER = "function.over", "syntax", Grammar, "window functions stand with OVER";
    TYPE = "type.listed", "scope.type", Functions, "casts run the input functions of listed types alone";
    TYPE_FORM = "type.form", "scope.type", Functions, "SETOF and %TYPE look objects up";
    TYPE_MODIFIER = "type.modifier", "scope.type", Functions, "modifiers are constants";
    OWN_TYPE = "type.own", "scope.type", Functions, "a type of the owner's is not named in what travels";
    OWN_TYPE_BESIDE = "type.own_beside", "", Honest, "beside a column of the owner's type a value needs no cast";
    OWN_TYPE_INFERRED = "type.own_inferred", "", Honest, "a parameter of the owner's type takes it from its place";
    CAST_BOOLEAN = "cast.boolean", "", Honest, "a boolean written as text is the constant that it stands for";
    TYPE_QUALIFIED = "type.qualified", "", Honest, "a type is the built-in one whatever the search path holds";
    REGISTERED_ARRAY = "registered.array", "scope.type", Catalog, "names inside an array of reg-types would be looked up unseen";
    REGISTERED_NAME = "registered.name", "scope.table", Catalog, "a name is resolved to an object only if it is shown";
    REGISTERED_LITERAL = "registered.literal", "", Honest, "a name as a reg-type becomes the shown object's own number";
    REGISTERED_KIND = "registered.kind", "scope.type", Made, "a reg-type without a filter is not cast to";
    REGISTERED_FILTER = "registered.filter", "", Honest, "a computed reg-type goes through the filter that hides what is not shown";
    REGISTERED_TEXT = "registered.text", "", Honest, "what stands for an object is told at once, as its name or number, so that nothing beside it takes its type";
    REGISTERED_BESIDE = "registered.means", "", Honest, "beside an object a text names one of the same kind";
    REGISTERED_OWNERS = "registered.owners", "", Made, "a column of the owner's that stands for objects is told as its name or number";
    REGISTERED_COLUMN = "registered.column", "", Honest, "functions in the catalog's columns are told as their names";
    REGISTERED_DECLARED = "registered.declared", "scope.type", Catalog, "a declared column or parameter is of no type that looks names up";
    NAME_LITERAL = "registered.beside", "scope.table", Catalog, "an untyped literal beside a reg-type is looked up: it names what is shown";
    TEXT_CONFIGURATION = "text_search.configuration", "scope.type", Functions, "a text search configuration is looked up by name";
    TEXT_CONFIGURATION_QUALIFIED = "text_search.qualified", "", Honest, "a text search configuration is a built-in one";
    CATALOG_FUNCTION = "catalog.function", "", Honest, "a function of the catalog becomes its look-alike";
    CATALOG_FUNCTION_COUNTED = "catalog.function_method", "", Honest, "functions that tell of structure need the method `catalog`";
    RELATION_LITERAL = "catalog.relation_literal", "", Honest, "a table's name in a catalog function is the client's";
    IDENTITY_VALUES = "identity.values", "", Honest, "`current_user` and its like show the client's identity, not the gate's";
    IDENTITY_CALLS = "identity.calls", "", Honest, "`current_database()` and its like show the client's identity, not the server's";
    CURRENT_SCHEMAS = "identity.schemas", "form.argument", Sessions, "the search path shown is the client's";
    CURRENT_SETTING = "setting.current", "setting.name", Sessions, "only settings of the list are shown";
    CURRENT_SETTING_NAME = "setting.current_name", "form.argument", Made, "a computed setting's name could be any";
    CURRENT_SETTING_MISSING = "setting.current_missing", "form.argument", Sessions, "arguments are read before they travel";
    ARGUMENT_CONSTANT = "expression.argument", "form.argument", Data, "arguments of EXECUTE read nothing";

    // Sub-queries and traces.
    PACKING_ARRAY = "packing.array", "aggregate.packing", Packing, "rows are not packed into one value";
    SUBQUERY_TIED = "subquery.tied", "trace.subquery", Subqueries, "what a row shows through a sub-query is about the row's own subject";
    SUBQUERY_KIND = "subquery.kind", "", Subqueries, "numbers of different kinds of subjects tie nothing";
    SUBQUERY_EQUALITY = "subquery.equality", "", Subqueries, "only equality ties";
    SUBQUERY_ROWS = "subquery.rows", "", Honest, "rows shown through a sub-query need `lookup`";
    SUBQUERY_GROUPS = "subquery.groups", "", Honest, "groups shown through a sub-query need `aggregate`";
    TIE_BY_AND = "tie.and", "", Subqueries, "only what holds in every row ties";
    TIE_BY_EQUALITY = "tie.equality", "", Subqueries, "only equality ties";
    TIE_SAME_KIND = "tie.kind", "", Subqueries, "only subjects of one kind tie";
    TIE_OUTER_JOIN = "tie.outer_join", "", Subqueries, "an outer join's condition says nothing of the preserved side";
    RECURSION = "trace.recursion", "trace.recursive", Trace, "rows on the way of a recursion cannot be named";
    DISTINCT = "trace.distinct", "trace.distinct", Trace, "DISTINCT merges only rows about the same subject";
    DISTINCT_COVERED = "trace.distinct_covered", "", Honest, "an outer join's row that is about the shown subject or nobody keeps nothing apart";
    DISTINCT_GROUPS = "trace.distinct_groups", "", Honest, "DISTINCT of what subjects have in common is groups on the floor";
    TAP = "tap.emitted", "", Honest, "every row says whom it is about";
    TAP_NULLS = "tap.nulls", "", Honest, "a row whose subject is NULL counts as one";
    TAP_PRESENCE = "tap.presence", "", Honest, "an outer join's missing row counts for nobody";
    SETOP = "trace.setop", "trace.setop", Trace, "set operations merge only rows about the same subject";
    SETOP_COLUMNS = "setop.columns", "syntax", Grammar, "parts of a set operation line up";
    SETOP_TAPS = "setop.taps", "", Honest, "taps of both parts stand in the same columns";
    SETOP_VALUES = "setop.values", "", Honest, "VALUES beside tables takes their taps as a SELECT does";
    SETOP_SAME_SUBJECT = "setop.same_subject", "", Trace, "a merged column holds a subject only if it does in both parts";
    SETOP_UNORDERED = "setop.unordered", "form.order", Trace, "which rows are given, when not all, follows an order and never a plan";
    SETOP_INDICATOR = "setop.indicator", "", Floors, "parts with different constants, or merged rows, make a sum an indicator";

    // Queries.
    SELECT_INTO = "select.into", "method.modify", Trace, "rows are not copied into tables";
    ROW_LOCKS = "select.locks", "method.modify", Trace, "rows are not locked";
    WITH_READS = "with.reads", "method.modify", Data, "a WITH query reads";
    WITH_NAME = "with.name", "form.with", Names, "a WITH query does not take a catalog relation's name";
    WITH_NAME_ONCE = "with.name_once", "syntax", Names, "a name in a query means one thing";
    SEARCH_CYCLE = "with.search", "form.with", Trace, "SEARCH and CYCLE add columns of whole rows";
    OUTPUT_ORDER = "setop.order", "syntax", Grammar, "a set operation is ordered by what it shows";
    ORDER_POSITION = "order.position", "syntax", Grammar, "positions are the client's own columns, not taps";
    OWN_ROWS = "method.rows", "", Honest, "rows of the owner's tables need `lookup`";
    OWN_GROUPS = "method.groups", "", Honest, "groups of the owner's rows need `aggregate`";
    METHOD_LOOKUP = "method.lookup", "", Honest, "rows need `lookup`";
    METHOD_AGGREGATE = "method.aggregate", "", Honest, "groups need `aggregate`";
    METHOD_CATALOG = "method.catalog", "", Honest, "structure needs `catalog`";
    METHOD_TOUCH = "method.touch", "", Honest, "a table that is touched at all needs a method";
    METHOD_PLAN = "method.plan", "", Honest, "plans need `plan`";
    METHOD_EXPORT = "method.export", "", Honest, "COPY needs `export`";
    METHOD_TUNING = "method.tuning", "", Honest, "indexes and vacuum need `tuning`";
    JOIN_PAIRS = "method.joins", "", Honest, "tables that meet are judged by the contract's `joins`";

    // Aggregates and windows.
    AGGREGATE_PLACE = "aggregate.place", "syntax", Grammar, "aggregates stand where groups are";
    PACKING = "packing.aggregate", "aggregate.packing", Packing, "rows are not packed into one value";
    PACKING_WINDOW = "packing.window", "aggregate.packing", Packing, "rows are not packed into one value";
    EXTREME = "aggregate.extreme", "aggregate.extreme", Packing, "an extreme is one subject's value";
    AGGREGATE_LEVEL = "aggregate.level", "aggregate.outer", Floors, "an aggregate is of the query that the gate put its floor into";
    AGGREGATE_ORDER = "aggregate.order", "aggregate.order", Floors, "an ordered aggregate picks values";
    AGGREGATE_ARGUMENT = "aggregate.argument", "aggregate.argument", Floors, "what is summed tells no subject from the others";
    AGGREGATE_CORRELATED = "aggregate.correlated", "aggregate.outer", Floors, "figures that differ by the row around them are as many answers as rows";
    AGGREGATE_KEY = "aggregate.key", "aggregate.subject", Floors, "no sum is weighted by what tells subjects apart";
    AGGREGATE_FLOOR = "aggregate.floor", "", Honest, "each aggregate stands on its own floor, after its own FILTER";
    WINDOW_PLACE = "window.place", "syntax", Grammar, "window functions stand in the select list and ORDER BY";
    AGGREGATE_OR_ZERO = "aggregate.or_zero", "", Honest, "`coalesce(x, 0)` in a sum is x of those who have one";
    WINDOW_COUNT = "window.count", "", Honest, "how many rows there are is no subject's value";
    WINDOW_SUBJECT = "window.subject", "trace.window", Trace, "a row shows no other subject's values";

    MULTIPLIED = "multiplied.rows", "aggregate.multiplied", Floors, "no row counts more often than others by a condition of the client's";
    MULTIPLIED_SETS = "multiplied.sets", "", Floors, "no function gives a row several times";
    MULTIPLIED_TERMS = "multiplied.terms", "", Floors, "entries of FROM meet by equal columns alone";
    MULTIPLIED_LEFT_OUT = "multiplied.left_out", "", Floors, "a subject's own figure is not made of rows that a condition leaves out";
    MULTIPLIED_ENTRY = "multiplied.entry", "", Floors, "what is nobody's gives each row at most one partner";
    PICKED_ROWS = "picked.rows", "aggregate.subject", Floors, "no figure is made of rows picked one by one";
    PICKED_GROUP = "picked.group", "aggregate.subject", Floors, "no group is made by what tells subjects apart";
    PICKED_EQUAL = "picked.equal", "", Honest, "a column of a table with subjects that is equal to a key is one, too, and joins with it";
    PICKED_OUTSIDE = "picked.outside", "", Floors, "a sub-query's condition on the enclosing row's key picks that row";
    PICKED_LIST = "picked.list", "", Floors, "a list of keys chosen by another column's values picks them one by one";
    PICKED_JOIN = "picked.join", "", Floors, "a key is compared with keys of tables with subjects alone";
    PICKED_KIND = "picked.kind", "", Floors, "subjects of different kinds are not compared";
    PICKED_DEMANDED = "picked.demanded", "", Floors, "keys are equal in every row, or the condition chooses among them";
    PICKED_HAVING = "picked.having", "", Floors, "HAVING over groups about one subject each is a condition on rows";
    PICKED_COMPUTED = "picked.computed", "", Floors, "VALUES and functions of a key tell as much as the key";
    PICKED_FIGURE = "picked.figure", "aggregate.subject", Floors, "no figure's sub-query picks rows one by one";
    PICKED_FILTER = "picked.filter", "aggregate.subject", Floors, "no figure's own condition picks rows one by one";
    DIMENSION_TABLE = "dimension.table", "aggregate.dimension", Dimensions, "pieces are of one table";
    DIMENSION = "dimension.declared", "aggregate.dimension", Dimensions, "groups and conditions are functions of the declared dimensions";
    DIMENSION_DISTINCT = "dimension.distinct", "aggregate.dimension", Dimensions, "distinct values of pieces together tell what the pieces share";
    TOTALS = "group.totals", "", Honest, "a total beside its parts does not tell the part that is withheld";
    PIECES = "dimension.pieces", "", Honest, "under declared dimensions every figure is made of whole pieces";

    // Groups.
    GROUP_PLAIN = "group.plain", "syntax", Grammar, "groups are not formed by what is computed from them";
    GROUP_POSITION = "group.position", "", Honest, "GROUP BY an alias or position means the client's own column";
    GROUP_POSITION_FITS = "group.position_fits", "syntax", Grammar, "positions are the client's own columns, not taps";
    GROUP_SETS = "group.sets", "", Floors, "a grouping set without the subject is no group about one subject";
    GROUP_COMPLETED = "group.completed", "", Honest, "a group by a table's key may show the table's other columns";
    GROUP_FLOOR = "group.floor", "", Honest, "groups stand on `min_group` distinct subjects";
    GROUP_SUBJECT = "group.subject", "", Honest, "a group about one subject has one";
    GROUP_TAP = "group.tap", "", Made, "a hidden digest of the subject is grouped with it";
    FLOOR_NULLS = "floor.nulls", "", Honest, "rows without a subject do not make a floor";

    ORDER_NODES = "order.nodes", "limit.nodes", Made, "what ordering adds to a statement is bounded";
    WINDOW_PEERS = "window.peers", "form.window", Sessions, "which of several peers is shown never follows a plan";
    OUTER_ABSENCE = "outer.absence", "trace.outer", Subqueries, "a missing row of an outer join tells of nobody who is there";
    TOTAL_ORDER = "order.total", "", Honest, "which rows are given, when not all, follows keys and never a plan";

    // Utilities.
    SETTING = "setting.listed", "setting.name", Sessions, "only settings of the list are changed";
    SETTING_SHOWN_ONLY = "setting.shown_only", "setting.name", Sessions, "some settings are shown only";
    SETTING_VALUE = "setting.value", "setting.value", Sessions, "settings take the values of the list";
    SETTING_ONE_VALUE = "setting.one_value", "setting.value", Sessions, "a setting takes one value";
    SET_SNAPSHOT = "setting.snapshot", "setting.name", Sessions, "snapshots of other sessions are theirs";
    SET_PATH_KEPT = "setting.path", "", Honest, "the server's search path stays pinned; the client's is the gate's to keep";
    SET_CONFIG_BOUND = "set_config.bound", "", Honest, "a setting whose every value is harmless takes a parameter";
    SET_CONFIG_CONSTANT = "set_config.constant", "setting.set_config", Grammar, "a computed setting could be any";
    SET_CONFIG_LISTED = "set_config.listed", "setting.name", Grammar, "only settings of the list are changed";
    SET_CONFIG_VALUE = "set_config.value", "setting.value", Grammar, "settings take the values of the list";
    SET_CONFIG_PATH = "set_config.path", "setting.set_config", Grammar, "the search path is set in a statement of its own";
    SET_CONFIG_ALONE_LISTED = "set_config.alone_listed", "setting.name", Grammar, "only settings of the list are changed";
    SET_CONFIG_ALONE_VALUE = "set_config.alone_value", "setting.value", Grammar, "settings take the values of the list";
    SEARCH_PATH_NAMES = "set_config.path_names", "setting.value", Sessions, "a search path is a list of names";
    SEARCH_PATH_PINNED = "set_config.path_kept", "", Honest, "the server's search path stays pinned";
    SETTINGS_ONLY = "set_config.settings_only", "", Honest, "pgAdmin's way to set what exists";
    SHOW_LISTED = "show.listed", "setting.name", Sessions, "only settings of the list are shown";
    SHOW_IDENTITY = "show.identity", "", Honest, "SHOW tells the client's identity, not the gate's";
    PREPARED_NAME = "prepared.own_name", "form.own_name", Data, "names of the gate's own are not taken by statements";
    EXECUTE_NAME = "execute.own_name", "form.own_name", Data, "names of the gate's own are not run by clients";
    CURSOR_NAME = "cursor.own_name", "form.own_name", Data, "names of the gate's own are not taken by cursors";
    CURSOR_PLAIN = "cursor.plain", "", Honest, "ASENSITIVE, how every cursor is, needs no word";
    NAME_MARKED = "name.marked", "", Honest, "a client's name for a statement or cursor never travels";
    EXPLAIN_ANALYZE = "explain.analyze", "method.plan", Data, "run times tell of rows";
    EXPLAIN_OPTION = "explain.option", "form.explain", Data, "plans have the form that the gate renders";
    EXPLAIN_QUERY = "explain.query", "form.explain", Data, "only queries are explained";
    EXPLAIN_CATALOG = "explain.catalog", "form.explain", Data, "a plan of look-alikes shows the gate's own views";
    EXPLAIN_REBUILT = "explain.rebuilt", "", Honest, "plans travel without costs";
    COPY_SERVER_FILE = "copy.server_file", "form.server_file", Data, "the server's files and programs are out of reach";
    COPY_FROM = "copy.from", "method.modify", Data, "data are not changed through this gate";
    COPY_TAPS = "copy.taps", "", Honest, "taps in COPY are hex, which no format quotes";
    COPY_HEADER = "copy.header", "", Honest, "HEADER is written in one way, whatever word turned it on";
    COPY_DELIMITER = "copy.delimiter", "form.copy", Data, "a delimiter can be told from every tap";
    COPY_NULL = "copy.null", "form.copy", Data, "a text for NULL can be told from every tap";
    COPY_QUOTE = "copy.quote", "form.copy", Data, "a quote can be told from every tap";
    COPY_ENCODING = "copy.encoding", "form.copy", Data, "the gate reads UTF-8";
    COPY_FORCE_QUOTE = "copy.force_quote", "form.copy", Data, "taps are not quoted";
    COPY_OPTION = "copy.option", "form.copy", Data, "only options of the list pass";
    INDEX_CONCURRENTLY = "index.concurrently", "form.tuning", Tuning, "tables are not locked";
    INDEX_PLAIN = "index.plain", "form.tuning", Tuning, "an index holds nothing but columns, and refuses no data";
    INDEX_COLUMN_PLAIN = "index.column", "form.tuning", Tuning, "an index runs no function";
    INDEX_MASKED = "index.masked", "scope.column", Tuning, "an index of a masked column would show its order in plans";
    DROP_INDEX_ONLY = "drop.index_only", "method.schema", Tuning, "only indexes are dropped";
    DROP_CASCADE = "drop.cascade", "form.tuning", Tuning, "nothing else falls with an index";
    DROP_ONE = "drop.one", "form.tuning", Tuning, "one statement drops one index";
    DROP_NAME = "drop.name", "form.tuning", Tuning, "an index is named in its schema";
    VACUUM_ONE = "vacuum.one", "form.tuning", Tuning, "VACUUM and ANALYZE take one table in scope";
    VACUUM_OPTION = "vacuum.option", "form.tuning", Tuning, "no option that locks or tells";
    VACUUM_COLUMNS = "vacuum.columns", "form.tuning", Tuning, "statistics are gathered of whole tables";
    REINDEX_ONE = "reindex.one", "form.tuning", Tuning, "REINDEX takes one table in scope or one index";
    REINDEX_OPTION = "reindex.option", "form.tuning", Tuning, "REINDEX takes CONCURRENTLY alone";
    TUNING_CHANGES = "tuning.changes", "", Honest, "what changes something waits for its record";
}
