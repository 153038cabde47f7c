//! FROM: tables to the contract's views, catalog relations to their look-alikes, and which names
//! each entry brings.

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;
use portcullis_contract::Refusal;

use super::name::column_name;
use super::place::{offset, place_of, pointed};
use super::registered::{RegisteredColumn, Told};
use super::scope::{
    Item, ItemColumn, ItemKind, ItemTap, Names, Output, Scope, Source, TapSource, Visible,
};
use super::select::Taps;
use super::{OWN_PREFIX, Reader};
use crate::lists::{catalog, functions};
use crate::node::{alias, text_of, texts_of};
use crate::rules::{self, Denial, Rule};

/// Most entries in one FROM clause, sub-queries apart.
const MAX_ITEMS: usize = 200;

/// Look-alikes live in the view schema; a catalog name resolves as PostgreSQL would.
enum Relation {
    Table(usize),
    Catalog { qualified: String, view: String },
}

impl Reader<'_> {
    pub(super) fn read_from(
        &mut self,
        nodes: &mut [Node],
        scope: &mut Scope<'_>,
    ) -> Result<(), Refusal> {
        let mut names = Names::default();
        for node in nodes {
            let before = names.clone();
            let entry = self.read_entry(node, scope, &before)?;
            names = names.join(entry);
        }
        self.refuse_doubles(scope, &names)?;
        scope.names = names;
        Ok(())
    }

    /// One entry; `left` is what a LATERAL entry may see.
    fn read_entry(
        &mut self,
        entry: &mut Node,
        scope: &mut Scope<'_>,
        left: &Names,
    ) -> Result<Names, Refusal> {
        self.deeper()?;
        if scope.items.len() >= MAX_ITEMS {
            self.deny(
                &rules::FROM_ENTRIES,
                format!("more than {MAX_ITEMS} entries in FROM"),
            )
            .hint("ask in several statements, or use UNION ALL of smaller queries")
            .at(place_of(entry))
            .stands()?;
        }
        let at = place_of(entry);
        let joins = matches!(entry.node, Some(NodeEnum::JoinExpr(_)));
        let found = match entry.node.as_mut() {
            Some(NodeEnum::RangeVar(_)) => self.range_var(entry, scope),
            Some(NodeEnum::RangeSubselect(sub)) => self.range_subselect(sub, scope, left),
            Some(NodeEnum::RangeFunction(function)) => self.range_function(function, scope, left),
            Some(NodeEnum::JoinExpr(join)) => self.join(join, scope, left),
            Some(NodeEnum::RangeTableSample(_)) => self
                .deny(&rules::TABLESAMPLE, "`TABLESAMPLE` is not passed")
                .hint("the contract's views have no samples; use a condition or `LIMIT`")
                .or(Names::default),
            Some(NodeEnum::RangeTableFunc(_)) => self
                .deny(&rules::FROM_ENTRY, "`XMLTABLE` is not passed")
                .hint("select the column, and read the XML in the client")
                .or(Names::default),
            Some(NodeEnum::JsonTable(_)) => self
                .deny(&rules::FROM_ENTRY, "`JSON_TABLE` is not passed")
                .hint("use `jsonb_to_recordset(column) AS x(name type, …)`, or `jsonb_path_query`")
                .or(Names::default),
            _ => self.odd("this kind of entry in FROM").or(Names::default),
        };
        self.depth -= 1;
        let found = found.map_err(|refusal| pointed(refusal, at))?;
        // What a join gives was counted at its two sides.
        self.spend(if joins { 0 } else { found.columns.len() })?;
        Ok(found)
    }

    fn range_var(&mut self, entry: &mut Node, scope: &mut Scope<'_>) -> Result<Names, Refusal> {
        let Some(NodeEnum::RangeVar(var)) = entry.node.as_mut() else {
            return self.odd("this relation").or(Names::default);
        };
        self.own_database(&mut var.catalogname)?;
        var.inh = true;
        var.location = 0;
        let client_alias = var.alias.take();
        let bare = var.schemaname.is_empty();
        if bare && let Some(cte) = scope.find_cte(&var.relname) {
            let output = cte.output.clone();
            self.note_groups(&output);
            let name = client_alias
                .as_ref()
                .map_or_else(|| var.relname.clone(), |a| a.aliasname.clone());
            var.alias = client_alias.clone();
            let mut item = self.derived_item(&name, client_alias.as_ref(), &output)?;
            let mut named = var.alias.take().unwrap_or_else(|| alias(&name));
            tell_apart(&mut item, &mut named);
            var.alias = Some(named);
            return Ok(add(scope, item));
        }
        let relation = self.resolve(&var.schemaname, &var.relname)?;
        let schema = match (&client_alias, &relation) {
            (Some(_), _) => None,
            (None, Relation::Table(index)) => {
                self.surface.tables.get(*index).map(|t| t.schema.clone())
            }
            (None, Relation::Catalog { qualified, .. }) => {
                qualified.split('.').next().map(str::to_owned)
            }
        };
        let name = client_alias
            .as_ref()
            .map_or_else(|| var.relname.clone(), |a| a.aliasname.clone());
        let mut item = match &relation {
            Relation::Table(index) => self.table_item(*index, &name),
            Relation::Catalog { qualified, .. } => self.catalog_item(qualified, &name),
        };
        item.schema = schema;
        if let Some(given) = client_alias.as_ref().filter(|a| !a.colnames.is_empty()) {
            if matches!(relation, Relation::Table(_)) {
                self.deny(
                    &rules::COLUMN_ALIASES,
                    "column aliases of a table are not passed",
                )
                .hint("rename columns in the select list: `SELECT a AS b`")
                .stands()?;
            }
            rename(&mut item.columns, &given.colnames);
        }
        let turned = match relation {
            Relation::Table(_) => &rules::TABLE_VIEW,
            Relation::Catalog { .. } => &rules::CATALOG_LOOK_ALIKE,
        };
        if turned.stands() {
            var.schemaname.clone_from(&self.surface.view_schema);
            var.relname = self.stands_for(relation);
        }
        // The alias is always written: column references name it.
        var.alias = Some(pb::Alias {
            aliasname: name,
            colnames: client_alias.map(|a| a.colnames).unwrap_or_default(),
        });
        Ok(add(scope, item))
    }

    /// The view of a table, the look-alike of a catalog relation.
    fn stands_for(&self, relation: Relation) -> String {
        match relation {
            Relation::Table(index) => self
                .surface
                .tables
                .get(index)
                .map(|t| t.view.clone())
                .unwrap_or_default(),
            Relation::Catalog { view, .. } => view,
        }
    }

    pub(crate) fn own_database(&self, name: &mut String) -> Result<(), Refusal> {
        if name.is_empty() || *name == self.session.database {
            name.clear();
            return Ok(());
        }
        self.deny(
            &rules::OTHER_DATABASE,
            "references to another database are not passed",
        )
        .hint(format!(
            "this session is of `{}`: leave the database out, or connect to the other one",
            self.session.database
        ))
        .stands()
    }

    /// Finds a relation as PostgreSQL would under the client's own search path.
    fn resolve(&mut self, schema: &str, name: &str) -> Result<Relation, Refusal> {
        if !schema.is_empty() {
            return match self.resolve_in(schema, name)? {
                Some(relation) => Ok(relation),
                None => self.unresolved(schema, name),
            };
        }
        let path: Vec<String> = self
            .session
            .effective_path(self.surface)
            .map(str::to_owned)
            .collect();
        let catalog_first = !path.iter().any(|s| s == "pg_catalog");
        let order = catalog_first
            .then(|| "pg_catalog".to_owned())
            .into_iter()
            .chain(path);
        for schema in order {
            if let Some(relation) = self.resolve_in(&schema, name)? {
                return Ok(relation);
            }
        }
        self.unresolved(schema, name)
    }

    fn unresolved(&self, schema: &str, name: &str) -> Result<Relation, Refusal> {
        self.unknown_table(schema, name).or(|| Relation::Catalog {
            qualified: format!("{schema}.{name}"),
            view: name.to_owned(),
        })
    }

    /// A table in scope, for statements that take nothing else.
    pub(crate) fn scoped_table(&mut self, schema: &str, name: &str) -> Result<usize, Refusal> {
        match self.resolve(schema, name)? {
            Relation::Table(index) => Ok(index),
            Relation::Catalog { .. } => self
                .deny(
                    &rules::TABLE_ONLY,
                    format!("table `{name}` is not one of the contract's"),
                )
                .hint("name a table in scope; `\\d` lists them")
                .or(|| 0),
        }
    }

    fn resolve_in(&mut self, schema: &str, name: &str) -> Result<Option<Relation>, Refusal> {
        if schema == "pg_catalog" || schema == "information_schema" {
            let qualified = format!("{schema}.{name}");
            if let Some(view) = self.surface.catalog_relations.get(&qualified) {
                self.catalog_any = true;
                self.catalog |=
                    !catalog::is_baseline(&qualified) && rules::CATALOG_COUNTED.stands();
                return Ok(Some(Relation::Catalog {
                    qualified,
                    view: view.clone(),
                }));
            }
            if catalog::columns(&qualified).is_some() {
                return self
                    .deny(
                        &rules::CATALOG_RELATION,
                        format!("catalog relation `{qualified}` is not shown"),
                    )
                    .hint("it tells of more than the tables in scope; `\\d` and `information_schema` show those")
                    .or(|| None);
            }
            return Ok(None);
        }
        let found = self
            .surface
            .tables
            .iter()
            .position(|t| t.schema == schema && t.name == name);
        if let Some(index) = found
            && rules::TABLE_NOTED.stands()
        {
            self.tables.entry(index).or_default();
        }
        Ok(found.map(Relation::Table))
    }

    /// The server's own list of columns, else all that any supported version has.
    fn catalog_item(&self, qualified: &str, name: &str) -> Item {
        let plain = |c: String| ItemColumn {
            simple: true,
            registered: RegisteredColumn::of_catalog(&c),
            ..ItemColumn::named(c)
        };
        let columns = match self.surface.catalog_columns.get(qualified) {
            Some(own) => own.iter().cloned().map(plain).collect(),
            None => catalog::columns(qualified)
                .unwrap_or_default()
                .iter()
                .map(|c| plain((*c).to_owned()))
                .collect(),
        };
        Item {
            name: name.to_owned(),
            schema: None,
            kind: ItemKind::Catalog(qualified.to_owned()),
            columns,
            taps: Vec::new(),
            follows: Vec::new(),
            rows: false,
        }
    }

    fn table_item(&self, index: usize, name: &str) -> Item {
        let mut item = Item {
            name: name.to_owned(),
            schema: None,
            kind: ItemKind::Table(index),
            columns: Vec::new(),
            taps: Vec::new(),
            follows: Vec::new(),
            rows: true,
        };
        let Some(table) = self.surface.tables.get(index) else {
            return item;
        };
        let subject = table.subject.as_ref();
        let mut shown: Vec<_> = table
            .columns
            .iter()
            .filter(|c| !c.hidden || !rules::HIDDEN_COLUMN.stands())
            .collect();
        shown.sort_by_key(|c| c.attnum);
        item.columns = shown
            .into_iter()
            .map(|c| ItemColumn {
                unordered: crate::lists::types::has_no_order(&c.type_name),
                subject_of: subject
                    .filter(|s| s.column == c.name || s.shown.as_deref() == Some(c.name.as_str()))
                    .map(|_| 0),
                simple: true,
                keyed: super::picked::is_keyed(table, &c.name),
                registered: RegisteredColumn::of_owner(&c.type_name),
                ..ItemColumn::named(c.name.clone())
            })
            .collect();
        if let Some(subject) = subject {
            item.taps.push(ItemTap {
                table: index,
                kind: subject.kind.clone(),
                encoded: TapSource::Table,
            });
        }
        item
    }

    fn range_subselect(
        &mut self,
        sub: &mut pb::RangeSubselect,
        scope: &mut Scope<'_>,
        left: &Names,
    ) -> Result<Names, Refusal> {
        let Some(NodeEnum::SelectStmt(select)) =
            sub.subquery.as_mut().and_then(|n| n.node.as_mut())
        else {
            return self.odd("this sub-query").or(Names::default);
        };
        let visible = if sub.lateral || !rules::LATERAL_NAMES.stands() {
            left.clone()
        } else {
            Names::default()
        };
        let kept = std::mem::replace(&mut scope.names, visible);
        let output = self.told_as(Told::Name, |reader| {
            reader.query(select, Some(scope), Taps::Emit)
        });
        scope.names = kept;
        let output = output?;
        self.note_groups(&output);
        // Before version 16 a sub-query in FROM needs an alias.
        let given = sub.alias.clone();
        let name = given
            .as_ref()
            .map_or_else(|| self.fresh_name("query"), |a| a.aliasname.clone());
        sub.alias = Some(pb::Alias {
            aliasname: name.clone(),
            colnames: given
                .as_ref()
                .map(|a| a.colnames.clone())
                .unwrap_or_default(),
        });
        let mut item = self.derived_item(&name, given.as_ref(), &output)?;
        if let Some(named) = sub.alias.as_mut() {
            tell_apart(&mut item, named);
        }
        let names = add(scope, item);
        self.follow_outer(scope, &output);
        Ok(names)
    }

    /// What a LATERAL query tied to a subject of this level stays tied.
    fn follow_outer(&self, scope: &mut Scope<'_>, output: &Output) {
        let (level, Some(item)) = (scope.level, scope.items.len().checked_sub(1)) else {
            return;
        };
        for (tap, of) in output.taps.iter().enumerate() {
            let own = super::scope::TapId { level, item, tap };
            scope
                .follows
                .extend(of.outer.iter().map(|outer| (own, *outer)));
        }
    }

    /// Groups inside a derived table are groups of the query around it.
    fn note_groups(&mut self, output: &Output) {
        if let Some(frame) = self.frames.last_mut() {
            frame.groups |= output.groups && rules::DERIVED_GROUPS.stands();
        }
    }

    pub(super) fn derived_item(
        &self,
        name: &str,
        given: Option<&pb::Alias>,
        output: &Output,
    ) -> Result<Item, Refusal> {
        let mut columns = output.columns.clone();
        if let Some(given) = given {
            if given.colnames.len() > columns.len() {
                self.deny(
                    &rules::COLUMN_NAMES_FIT,
                    format!(
                        "`{name}` has {} columns available but {} columns specified",
                        columns.len(),
                        given.colnames.len()
                    ),
                )
                .hint("give at most as many names as there are columns")
                .stands()?;
            }
            self.own_names_refused(&given.colnames)?;
            rename(&mut columns, &given.colnames);
        }
        let taps = output
            .taps
            .iter()
            .map(|tap| ItemTap {
                table: tap.table,
                kind: tap.kind.clone(),
                encoded: TapSource::Column(tap.column.clone()),
            })
            .collect();
        Ok(Item {
            name: name.to_owned(),
            schema: None,
            kind: ItemKind::Derived,
            columns,
            taps,
            follows: output.follows.clone(),
            rows: output.rows,
        })
    }

    /// Names with the gate's own prefix would be taken for taps.
    pub(super) fn own_names_refused(&self, names: &[Node]) -> Result<(), Refusal> {
        match names
            .iter()
            .filter_map(text_of)
            .find(|name| name.starts_with(OWN_PREFIX))
        {
            Some(_) => self.own_name(&rules::OWN_NAME).stands(),
            None => Ok(()),
        }
    }

    pub(crate) fn own_name(&self, rule: &'static Rule) -> Denial {
        self.deny(
            rule,
            format!("names beginning with `{OWN_PREFIX}` are the gate's own"),
        )
        .hint("choose another name")
    }

    fn range_function(
        &mut self,
        function: &mut pb::RangeFunction,
        scope: &mut Scope<'_>,
        left: &Names,
    ) -> Result<Names, Refusal> {
        unnest_each(function);
        // As the client wrote it: what stands for a call may be called otherwise.
        let called = first_function_name(function);
        let mut columns = Vec::new();
        let mut single = None;
        let mut keyed = false;
        let count = function.functions.len();
        for entry in &mut function.functions {
            let Some(NodeEnum::List(list)) = entry.node.as_mut() else {
                return self.odd("this function in FROM").or(Names::default);
            };
            let [call, definitions] = list.items.as_mut_slice() else {
                return self.odd("this function in FROM").or(Names::default);
            };
            let kept = std::mem::replace(&mut scope.names, left.clone());
            keyed |= self.key_of(call, scope) != super::scope::Keyed::No
                && rules::PICKED_COMPUTED.stands();
            let given = self.function_columns(call, definitions, &mut function.coldeflist, scope);
            scope.names = kept;
            let given = given?;
            if count == 1 && given.len() == 1 && function.coldeflist.is_empty() {
                single = given.first().cloned();
            }
            columns.extend(given);
        }
        let scalar = single
            .filter(|(_, is_scalar)| *is_scalar)
            .map(|(name, _)| name);
        let mut columns: Vec<ItemColumn> = columns
            .into_iter()
            .map(|(name, _)| ItemColumn::named(name))
            .collect();
        if function.ordinality {
            columns.push(ItemColumn::named("ordinality".to_owned()));
        }
        if keyed {
            for column in &mut columns {
                column.keyed = super::scope::Keyed::Made;
            }
        }
        let name = match (&function.alias, &scalar) {
            (Some(given), _) => given.aliasname.clone(),
            (None, _) => called.unwrap_or_else(|| self.fresh_name("function")),
        };
        // A function that gives one plain value names its column as its alias.
        if scalar.is_some()
            && let Some(first) = columns.first_mut()
        {
            first.name.clone_from(&name);
        }
        if let Some(given) = &function.alias {
            self.own_names_refused(&given.colnames)?;
            rename(&mut columns, &given.colnames);
        }
        function.alias.get_or_insert_with(|| alias(&name));
        Ok(add(
            scope,
            Item {
                name,
                schema: None,
                kind: ItemKind::Function,
                columns,
                taps: Vec::new(),
                follows: Vec::new(),
                rows: false,
            },
        ))
    }

    /// The columns that one function in FROM gives, and whether each is a plain value.
    fn function_columns(
        &mut self,
        call: &mut Node,
        definitions: &mut Node,
        list: &mut [Node],
        scope: &Scope<'_>,
    ) -> Result<Vec<(String, bool)>, Refusal> {
        let Some(NodeEnum::FuncCall(function)) = call.node.as_ref() else {
            return self
                .deny(&rules::FROM_CALL, "only functions may be called in FROM")
                .hint("move the expression to the select list")
                .at(place_of(call))
                .or(Vec::new);
        };
        let name = function
            .funcname
            .last()
            .and_then(text_of)
            .unwrap_or_default()
            .to_owned();
        let parts = texts_of(&function.funcname).unwrap_or_default();
        let is_expandarray = parts == ["information_schema", "_pg_expandarray"];
        self.expression(call, scope, super::expression::Clause::From)?;
        let mut defined = Vec::new();
        for definition in list.iter_mut().chain(list_items(definitions)) {
            defined.push((self.column_definition(definition)?, false));
        }
        if !defined.is_empty() {
            return Ok(defined);
        }
        if functions::is_record(&name) {
            self.deny(
                &rules::RECORD_COLUMNS,
                format!("a column definition list is required for `{name}`"),
            )
            .hint(format!("write `{name}(…) AS x(column type, …)`"))
            .stands()?;
        }
        if is_expandarray {
            return Ok(vec![("x".to_owned(), false), ("n".to_owned(), false)]);
        }
        Ok(match functions::set_columns(&name) {
            Some([]) | None => vec![(name, true)],
            Some(columns) => columns.iter().map(|c| ((*c).to_owned(), false)).collect(),
        })
    }

    fn column_definition(&self, definition: &mut Node) -> Result<String, Refusal> {
        let Some(NodeEnum::ColumnDef(column)) = definition.node.as_mut() else {
            return self.odd("this column definition").or(String::new);
        };
        if column.coll_clause.is_some() || !column.constraints.is_empty() {
            self.deny(
                &rules::DEFINITION_PLAIN,
                "a collation or constraint in a column definition is not passed",
            )
            .hint("a definition here is a name and a type")
            .at(offset(column.location))
            .stands()?;
        }
        if let Some(type_name) = &mut column.type_name {
            self.named_type(type_name)?;
        }
        Ok(column.colname.clone())
    }

    fn join(
        &mut self,
        join: &mut pb::JoinExpr,
        scope: &mut Scope<'_>,
        siblings: &Names,
    ) -> Result<Names, Refusal> {
        if join.alias.is_some() || join.join_using_alias.is_some() {
            self.deny(
                &rules::JOIN_ALIAS,
                "an alias for a whole join is not passed",
            )
            .hint("give each table its own alias")
            .stands()?;
        }
        let (Some(left), Some(right)) = (join.larg.as_mut(), join.rarg.as_mut()) else {
            return self.odd("a join without two sides").or(Names::default);
        };
        let left = self.read_entry(left, scope, siblings)?;
        let seen = siblings.clone().join(left.clone());
        let right = self.read_entry(right, scope, &seen)?;
        let kind = join.jointype();
        if !matches!(
            kind,
            pb::JoinType::JoinInner
                | pb::JoinType::JoinLeft
                | pb::JoinType::JoinRight
                | pb::JoinType::JoinFull
        ) {
            self.odd("this kind of join").stands()?;
        }
        let common = self.common_columns(join, &left, &right)?;
        let both = left.clone().join(right.clone());
        let kept = std::mem::replace(&mut scope.names, both);
        self.note_outer(scope, kind, join.quals.as_deref(), &common, (&left, &right));
        scope.names = kept;
        if let Some(quals) = join.quals.as_mut() {
            let both = left.clone().join(right.clone());
            let kept = std::mem::replace(&mut scope.names, both);
            self.learn_from_join(scope, kind, quals, &left, &right);
            let checked = self.expression(quals, scope, super::expression::Clause::JoinOn);
            scope.names = kept;
            checked?;
        }
        self.merge(scope, kind, &common, left, right)
    }

    fn learn_from_join(
        &self,
        scope: &mut Scope<'_>,
        kind: pb::JoinType,
        quals: &Node,
        left: &Names,
        right: &Names,
    ) {
        match kind {
            pb::JoinType::JoinInner => self.learn(scope, quals, None),
            pb::JoinType::JoinLeft => self.learn(scope, quals, Some(&right.items)),
            pb::JoinType::JoinRight => self.learn(scope, quals, Some(&left.items)),
            _ => {}
        }
    }

    /// The columns of USING, or of NATURAL among what the client sees (hidden columns must not join).
    fn common_columns(
        &self,
        join: &mut pb::JoinExpr,
        left: &Names,
        right: &Names,
    ) -> Result<Vec<String>, Refusal> {
        if join.is_natural && rules::NATURAL_JOIN.stands() {
            join.is_natural = false;
            let common: Vec<String> = left
                .columns
                .iter()
                .filter(|l| right.columns.iter().any(|r| r.name == l.name))
                .map(|l| l.name.clone())
                .collect();
            if common.is_empty() {
                join.quals = Some(Box::new(crate::node::true_constant()));
            }
            join.using_clause = common
                .iter()
                .map(|name| crate::node::string(name))
                .collect();
            return Ok(common);
        }
        let names =
            texts_of(&join.using_clause).map_or_else(|| self.odd("this USING").or(Vec::new), Ok)?;
        for name in &names {
            for side in [left, right] {
                match side.columns.iter().filter(|c| c.name == *name).count() {
                    1 => {}
                    0 => {
                        let known: Vec<&str> =
                            side.columns.iter().map(|c| c.name.as_str()).collect();
                        self.unknown_column_among(name, &known).stands()?;
                    }
                    _ => self
                        .deny(
                            &rules::USING_ONCE,
                            format!("common column name `{name}` appears more than once"),
                        )
                        .hint("join with ON, and qualify the column")
                        .stands()?,
                }
            }
        }
        Ok(names.into_iter().map(str::to_owned).collect())
    }

    /// What a join shows: the merged columns first, then the rest of both sides.
    fn merge(
        &mut self,
        scope: &mut Scope<'_>,
        kind: pb::JoinType,
        common: &[String],
        left: Names,
        right: Names,
    ) -> Result<Names, Refusal> {
        let mut columns = Vec::new();
        for name in common {
            let (Some(l), Some(r)) = (
                left.columns.iter().find(|c| c.name == *name),
                right.columns.iter().find(|c| c.name == *name),
            ) else {
                self.odd("this USING").stands()?;
                continue;
            };
            self.link_using(scope, kind, &l.source, &r.source, &left, &right);
            self.note_source(scope, &l.source);
            self.note_source(scope, &r.source);
            let source = match kind {
                pb::JoinType::JoinRight => r.source.clone(),
                pb::JoinType::JoinFull => {
                    Source::Either(Box::new(l.source.clone()), Box::new(r.source.clone()))
                }
                _ => l.source.clone(),
            };
            columns.push(Visible {
                name: name.clone(),
                source,
            });
        }
        let is_rest = |v: &&Visible| !common.contains(&v.name);
        columns.extend(left.columns.iter().filter(is_rest).cloned());
        columns.extend(right.columns.iter().filter(is_rest).cloned());
        let mut items = left.items;
        items.extend(right.items);
        Ok(Names { items, columns })
    }

    fn link_using(
        &self,
        scope: &mut Scope<'_>,
        kind: pb::JoinType,
        l: &Source,
        r: &Source,
        left: &Names,
        right: &Names,
    ) {
        let (Some(a), Some(b)) = (scope.subject_of(l), scope.subject_of(r)) else {
            return;
        };
        match kind {
            pb::JoinType::JoinInner => self.link(scope, a, b, None),
            pb::JoinType::JoinLeft => self.link(scope, a, b, Some(&right.items)),
            pb::JoinType::JoinRight => self.link(scope, a, b, Some(&left.items)),
            _ => {}
        }
    }
}

fn list_items(node: &mut Node) -> impl Iterator<Item = &mut Node> {
    match node.node.as_mut() {
        Some(NodeEnum::List(list)) => list.items.iter_mut(),
        _ => Default::default(),
    }
}

/// PostgreSQL knows `unnest(a, b)` by its bare name alone; by its full name it takes one array.
fn unnest_each(function: &mut pb::RangeFunction) {
    if !rules::UNNEST_EACH.stands() {
        return;
    }
    let mut each = Vec::new();
    for entry in std::mem::take(&mut function.functions) {
        match several_arrays(&entry) {
            Some(calls) => each.extend(calls),
            None => each.push(entry),
        }
    }
    function.is_rowsfrom |= each.len() > 1;
    function.functions = each;
}

/// `unnest(a, b)` as `unnest(a)` and `unnest(b)`, entries of ROWS FROM.
fn several_arrays(entry: &Node) -> Option<Vec<Node>> {
    let NodeEnum::List(list) = entry.node.as_ref()? else {
        return None;
    };
    let (call, definitions) = list.items.split_first()?;
    let NodeEnum::FuncCall(call) = call.node.as_ref()? else {
        return None;
    };
    let bare = texts_of(&call.funcname)? == ["unnest"];
    let plain = |arg: &Node| !matches!(arg.node, Some(NodeEnum::NamedArgExpr(_)));
    if !bare || call.func_variadic || call.args.len() < 2 || !call.args.iter().all(plain) {
        return None;
    }
    let one = |arg: &Node| {
        let mut alone = call.clone();
        alone.args = vec![arg.clone()];
        let mut items = vec![crate::node::node(NodeEnum::FuncCall(alone))];
        items.extend_from_slice(definitions);
        crate::node::node(NodeEnum::List(pb::List { items }))
    };
    Some(call.args.iter().map(one).collect())
}

fn first_function_name(function: &pb::RangeFunction) -> Option<String> {
    let Some(NodeEnum::List(list)) = function.functions.first()?.node.as_ref() else {
        return None;
    };
    Some(column_name(list.items.first()?))
}

/// Columns of a derived table that share a name get names of their own in the cleared text.
fn tell_apart(item: &mut Item, named: &mut pb::Alias) {
    let mut seen = std::collections::BTreeSet::new();
    if item.columns.iter().all(|c| seen.insert(c.name.clone())) || !rules::TOLD_APART.stands() {
        return;
    }
    for (position, column) in item.columns.iter_mut().enumerate() {
        column.emitted = Some(format!("{OWN_PREFIX}column_{position}"));
    }
    named.colnames = item
        .columns
        .iter()
        .filter_map(|c| c.emitted.as_deref())
        .map(crate::node::string)
        .collect();
}

fn rename(columns: &mut [ItemColumn], names: &[Node]) {
    for (column, name) in columns.iter_mut().zip(names.iter().filter_map(text_of)) {
        name.clone_into(&mut column.name);
    }
}

fn add(scope: &mut Scope<'_>, item: Item) -> Names {
    let index = scope.items.len();
    let columns = item
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| Visible {
            name: column.name.clone(),
            source: Source::Column(index, position),
        })
        .collect();
    let level = scope.level;
    for (t, u) in &item.follows {
        let id = |tap: usize| super::scope::TapId {
            level,
            item: index,
            tap,
        };
        scope.follows.push((id(*t), id(*u)));
    }
    scope.items.push(item);
    Names {
        items: vec![index],
        columns,
    }
}

impl Reader<'_> {
    /// Two entries of one name: a reference could mean either.
    fn refuse_doubles(&self, scope: &Scope<'_>, names: &Names) -> Result<(), Refusal> {
        let mut seen = std::collections::BTreeSet::new();
        for item in names.items.iter().filter_map(|index| scope.item(*index)) {
            if !seen.insert(item.name.as_str()) {
                self.deny(
                    &rules::FROM_NAME_ONCE,
                    format!("table name `{}` specified more than once", item.name),
                )
                .hint("give one of them an alias")
                .stands()?;
            }
        }
        Ok(())
    }
}
