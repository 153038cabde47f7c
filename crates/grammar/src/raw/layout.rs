//! Where the parse nodes of PostgreSQL 18.6 keep their fields. Made by `make_layout.py`; not edited.

use super::{constant, nodes};

pub(super) const LIST: (u32, usize, usize) = (1, 4, 16);
pub(super) const CONSTANT: (usize, usize, usize) = (24, 8, 28);

nodes! {
    by_hand 72 => constant;
    465 => Integer: Integer {
        ival: int @ 4,
    }
    466 => Float: Float {
        fval: text @ 8,
    }
    467 => Boolean: Boolean {
        boolval: flag @ 4,
    }
    468 => String: String {
        sval: text @ 8,
    }
    469 => BitString: BitString {
        bsval: text @ 8,
    }
    77 => AStar: AStar {}
    70 => ParamRef: ParamRef {
        number: int @ 4,
        location: place @ 8,
    }
    40 => SqlvalueFunction: SqlValueFunction {
        op: choice @ 4,
        r#type: uint @ 8,
        typmod: int @ 12,
        location: place @ 16,
    }
    57 => SetToDefault: SetToDefault {
        type_id: uint @ 4,
        type_mod: int @ 8,
        collation: uint @ 12,
        location: place @ 16,
    }
    2 => Alias: Alias {
        aliasname: text @ 8,
        colnames: list @ 16,
    }
    3 => RangeVar: RangeVar {
        catalogname: text @ 8,
        schemaname: text @ 16,
        relname: text @ 24,
        inh: flag @ 32,
        relpersistence: char @ 33,
        alias: one Alias @ 40,
        location: place @ 48,
    }
    69 => ColumnRef: ColumnRef {
        fields: list @ 8,
        location: place @ 16,
    }
    71 => AExpr: AExpr {
        kind: choice @ 4,
        name: list @ 8,
        lexpr: node @ 16,
        rexpr: node @ 24,
        rexpr_list_start: place @ 32,
        rexpr_list_end: place @ 36,
        location: place @ 40,
    }
    21 => BoolExpr: BoolExpr {
        boolop: choice @ 4,
        args: list @ 8,
        location: place @ 16,
    }
    52 => NullTest: NullTest {
        arg: node @ 8,
        nulltesttype: choice @ 16,
        argisrow: flag @ 20,
        location: place @ 24,
    }
    53 => BooleanTest: BooleanTest {
        arg: node @ 8,
        booltesttype: choice @ 16,
        location: place @ 20,
    }
    73 => TypeCast: TypeCast {
        arg: node @ 8,
        type_name: one TypeName @ 16,
        location: place @ 24,
    }
    68 => TypeName: TypeName {
        names: list @ 8,
        type_oid: uint @ 16,
        setof: flag @ 20,
        pct_type: flag @ 21,
        typmods: list @ 24,
        typemod: int @ 32,
        array_bounds: list @ 40,
        location: place @ 48,
    }
    74 => CollateClause: CollateClause {
        arg: node @ 8,
        collname: list @ 16,
        location: place @ 24,
    }
    76 => FuncCall: FuncCall {
        funcname: list @ 8,
        args: list @ 16,
        agg_order: list @ 24,
        agg_filter: node @ 32,
        over: one WindowDef @ 40,
        agg_within_group: flag @ 48,
        agg_star: flag @ 49,
        agg_distinct: flag @ 50,
        func_variadic: flag @ 51,
        funcformat: choice @ 52,
        location: place @ 56,
    }
    16 => NamedArgExpr: NamedArgExpr {
        arg: node @ 8,
        name: text @ 16,
        argnumber: int @ 24,
        location: place @ 28,
    }
    78 => AIndices: AIndices {
        is_slice: flag @ 4,
        lidx: node @ 8,
        uidx: node @ 16,
    }
    79 => AIndirection: AIndirection {
        arg: node @ 8,
        indirection: list @ 16,
    }
    80 => AArrayExpr: AArrayExpr {
        elements: list @ 8,
        list_start: place @ 16,
        list_end: place @ 20,
        location: place @ 24,
    }
    32 => CaseExpr: CaseExpr {
        casetype: uint @ 4,
        casecollid: uint @ 8,
        arg: node @ 16,
        args: list @ 24,
        defresult: node @ 32,
        location: place @ 40,
    }
    33 => CaseWhen: CaseWhen {
        expr: node @ 8,
        result: node @ 16,
        location: place @ 24,
    }
    38 => CoalesceExpr: CoalesceExpr {
        coalescetype: uint @ 4,
        coalescecollid: uint @ 8,
        args: list @ 16,
        location: place @ 24,
    }
    39 => MinMaxExpr: MinMaxExpr {
        minmaxtype: uint @ 4,
        minmaxcollid: uint @ 8,
        inputcollid: uint @ 12,
        op: choice @ 16,
        args: list @ 24,
        location: place @ 32,
    }
    36 => RowExpr: RowExpr {
        args: list @ 8,
        row_typeid: uint @ 16,
        row_format: choice @ 20,
        colnames: list @ 24,
        location: place @ 32,
    }
    10 => GroupingFunc: GroupingFunc {
        args: list @ 8,
        refs: list @ 16,
        agglevelsup: uint @ 32,
        location: place @ 36,
    }
    22 => SubLink: SubLink {
        sub_link_type: choice @ 4,
        sub_link_id: int @ 8,
        testexpr: node @ 16,
        oper_name: list @ 24,
        subselect: node @ 32,
        location: place @ 40,
    }
    141 => SelectStmt: SelectStmt {
        distinct_clause: list @ 8,
        into_clause: absent @ 16,
        target_list: list @ 24,
        from_clause: list @ 32,
        where_clause: node @ 40,
        group_clause: list @ 48,
        group_distinct: flag @ 56,
        having_clause: node @ 64,
        window_clause: list @ 72,
        values_lists: list @ 80,
        sort_clause: list @ 88,
        limit_offset: node @ 96,
        limit_count: node @ 104,
        limit_option: choice @ 112,
        locking_clause: list @ 120,
        with_clause: one WithClause @ 128,
        op: choice @ 136,
        all: flag @ 140,
        larg: one SelectStmt @ 144,
        rarg: one SelectStmt @ 152,
    }
    81 => ResTarget: ResTarget {
        name: text @ 8,
        indirection: list @ 16,
        val: node @ 24,
        location: place @ 32,
    }
    83 => SortBy: SortBy {
        node: node @ 8,
        sortby_dir: choice @ 16,
        sortby_nulls: choice @ 20,
        use_op: list @ 24,
        location: place @ 32,
    }
    84 => WindowDef: WindowDef {
        name: text @ 8,
        refname: text @ 16,
        partition_clause: list @ 24,
        order_clause: list @ 32,
        frame_options: int @ 40,
        start_offset: node @ 48,
        end_offset: node @ 56,
        location: place @ 64,
    }
    107 => GroupingSet: GroupingSet {
        kind: choice @ 4,
        content: list @ 8,
        location: place @ 16,
    }
    64 => JoinExpr: JoinExpr {
        jointype: choice @ 4,
        is_natural: flag @ 8,
        larg: node @ 16,
        rarg: node @ 24,
        using_clause: list @ 32,
        join_using_alias: one Alias @ 40,
        quals: node @ 48,
        alias: one Alias @ 56,
        rtindex: int @ 64,
    }
    85 => RangeSubselect: RangeSubselect {
        lateral: flag @ 4,
        subquery: node @ 8,
        alias: one Alias @ 16,
    }
    86 => RangeFunction: RangeFunction {
        lateral: flag @ 4,
        ordinality: flag @ 5,
        is_rowsfrom: flag @ 6,
        functions: list @ 8,
        alias: one Alias @ 16,
        coldeflist: list @ 24,
    }
    115 => CommonTableExpr: CommonTableExpr {
        ctename: text @ 8,
        aliascolnames: list @ 16,
        ctematerialized: choice @ 24,
        ctequery: node @ 32,
        search_clause: absent @ 40,
        cycle_clause: absent @ 48,
        location: place @ 56,
        cterecursive: flag @ 60,
        cterefcount: int @ 64,
        ctecolnames: list @ 72,
        ctecoltypes: list @ 80,
        ctecoltypmods: list @ 88,
        ctecolcollations: list @ 96,
    }
    110 => WithClause: WithClause {
        ctes: list @ 8,
        recursive: flag @ 16,
        location: place @ 20,
    }
    94 => LockingClause: LockingClause {
        locked_rels: list @ 8,
        strength: choice @ 16,
        wait_policy: choice @ 20,
    }
    93 => DefElem: DefElem {
        defnamespace: text @ 8,
        defname: text @ 16,
        arg: node @ 24,
        defaction: choice @ 32,
        location: place @ 36,
        arg_location: place @ 40,
    }
    136 => RawStmt: RawStmt {
        stmt: node @ 8,
        stmt_location: int @ 16,
        stmt_len: int @ 20,
    }
    225 => TransactionStmt: TransactionStmt {
        kind: choice @ 4,
        options: list @ 8,
        savepoint_name: text @ 16,
        gid: text @ 24,
        chain: flag @ 32,
        location: place @ 36,
    }
    158 => VariableSetStmt: VariableSetStmt {
        kind: choice @ 4,
        name: text @ 8,
        args: list @ 16,
        jumble_args: flag @ 24,
        is_local: flag @ 25,
        location: place @ 28,
    }
    159 => VariableShowStmt: VariableShowStmt {
        name: text @ 8,
    }
    245 => DiscardStmt: DiscardStmt {
        target: choice @ 4,
    }
    203 => FetchStmt: FetchStmt {
        direction: choice @ 4,
        how_many: long @ 8,
        portalname: text @ 16,
        ismove: flag @ 24,
    }
    202 => ClosePortalStmt: ClosePortalStmt {
        portalname: text @ 8,
    }
    254 => DeallocateStmt: DeallocateStmt {
        name: text @ 8,
        isall: flag @ 16,
        location: place @ 20,
    }
    252 => PrepareStmt: PrepareStmt {
        name: text @ 8,
        argtypes: list @ 16,
        query: node @ 24,
    }
    253 => ExecuteStmt: ExecuteStmt {
        name: text @ 8,
        params: list @ 16,
    }
    201 => DeclareCursorStmt: DeclareCursorStmt {
        portalname: text @ 8,
        options: int @ 16,
        query: node @ 24,
    }
    241 => ExplainStmt: ExplainStmt {
        query: node @ 8,
        options: list @ 16,
    }
    157 => CopyStmt: CopyStmt {
        relation: one RangeVar @ 8,
        query: node @ 16,
        attlist: list @ 24,
        is_from: flag @ 32,
        is_program: flag @ 33,
        filename: text @ 40,
        options: list @ 48,
        where_clause: node @ 56,
    }
}
