#!/usr/bin/env python3
"""Writes src/raw/layout.rs: where PostgreSQL's parse nodes keep their fields.

usage: make_layout.py LIBPG_QUERY_FOLDER > src/raw/layout.rs

The fields and their kinds are those that libpg_query's own protobuf writer names; offsets, tags and
enum values are asked of the C compiler. Run it when pg_query changes (64-bit, little endian).
"""
import os, re, subprocess, sys, tempfile

# What may stand in a statement that the gate passes. Anything else is read by way of protobuf.
NODES = """Integer Float Boolean String BitString A_Star ParamRef SQLValueFunction SetToDefault Alias
RangeVar ColumnRef A_Expr BoolExpr NullTest BooleanTest TypeCast TypeName CollateClause FuncCall
NamedArgExpr A_Indices A_Indirection A_ArrayExpr CaseExpr CaseWhen CoalesceExpr MinMaxExpr RowExpr
GroupingFunc SubLink SelectStmt ResTarget SortBy WindowDef GroupingSet JoinExpr RangeSubselect
RangeFunction CommonTableExpr WithClause LockingClause DefElem RawStmt TransactionStmt VariableSetStmt
VariableShowStmt DiscardStmt FetchStmt ClosePortalStmt DeallocateStmt PrepareStmt ExecuteStmt
DeclareCursorStmt ExplainStmt CopyStmt""".split()
# Written by hand in libpg_query too.
BY_HAND = {"Integer": [("INT", "ival", "ival", None)], "Float": [("STRING", "fval", "fval", None)],
           "Boolean": [("BOOL", "boolval", "boolval", None)], "String": [("STRING", "sval", "sval", None)],
           "BitString": [("STRING", "bsval", "bsval", None)]}
# Fields that never have a value in a raw tree, or whose kind isn't read: their node goes by protobuf
# where they are set.
PLACES = {"location", "arg_location", "rexpr_list_start", "rexpr_list_end", "list_start", "list_end"}
KINDS = {"LIST": "list", "NODE_PTR": "node", "SPECIFIC_NODE_PTR": "one", "STRING": "text", "BOOL": "flag",
         "INT": "int", "UINT": "uint", "LONG": "long", "CHAR": "char", "ENUM": "choice"}

lib = sys.argv[1]
read = lambda path: open(os.path.join(lib, path)).read()
defs, conds, enums = (read("src/include/pg_query_" + name) for name in
                      ("outfuncs_defs.c", "outfuncs_conds.c", "enum_defs.c"))


def camel(name):  # as prost names types and variants
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+", name)
    return "".join(w[0].upper() + w[1:].lower() for w in words)


def fields_of(c_type):
    if c_type in BY_HAND:
        return BY_HAND[c_type]
    body = re.search(r"\n_out%s\([^;{]*\)\n\{(.*?)\n\}" % c_type.replace("_", ""), defs, re.S).group(1)
    fields = []
    for macro, args in re.findall(r"WRITE_(\w+)_FIELD\(([^)]*)\)", body):
        args = [a.strip() for a in args.split(",")]
        special = args[1] if macro in ("ENUM", "SPECIFIC_NODE_PTR") else None
        fields.append((macro, args[-3], args[-1], special))
    return fields


def variant_of(c_type):
    field = re.search(r"case T_%s:\s*OUT_NODE\(.*, (\w+)\);" % c_type, conds)
    return "".join(w.capitalize() for w in field.group(1).strip("_").split("_")) if field else None


table = {n: fields_of(n) for n in NODES}
program = ['#include "postgres.h"', '#include "nodes/parsenodes.h"', '#include "nodes/value.h"',
           "#include <stdio.h>", "#include <stddef.h>", "#undef printf", "#undef fprintf", "int main(void){"]
for n, fields in table.items():
    program.append(f'printf("tag {n} %d\\n", T_{n});')
    for _, _, c_name, _ in fields:
        program.append(f'printf("at {n} {c_name} %zu\\n", offsetof({n}, {c_name}));')
for n in ("A_Const", "List"):
    program.append(f'printf("tag {n} %d\\n", T_{n});')
for n, c_name in (("A_Const", "isnull"), ("A_Const", "val"), ("A_Const", "location"), ("List", "length"),
                  ("List", "elements")):
    program.append(f'printf("at {n} {c_name} %zu\\n", offsetof({n}, {c_name}));')
for special in sorted({f[3] for fs in table.values() for f in fs if f[0] == "ENUM"}):
    body = re.search(r"_enumToInt%s\(.*?\n\}" % special, enums, re.S).group(0)
    for value, number in re.findall(r"case (\w+): return (\d+);", body):
        program.append(f'if ({value} + 1 != {number}) {{ fprintf(stderr, "{value} is not one less\\n"); return 1; }}')
program.append("return 0;}")
with tempfile.TemporaryDirectory() as folder:
    source, binary = os.path.join(folder, "l.c"), os.path.join(folder, "l")
    open(source, "w").write("\n".join(program))
    subprocess.run(["cc", "-w", "-o", binary, source, *(f"-I{os.path.join(lib, p)}" for p in
                    ("", "vendor", "src/postgres/include", "src/include"))], check=True)
    answers = subprocess.run([binary], check=True, capture_output=True, text=True).stdout.split("\n")
tags = {a.split()[1]: a.split()[2] for a in answers if a.startswith("tag")}
at = {tuple(a.split()[1:3]): a.split()[3] for a in answers if a.startswith("at")}

keyword = lambda f: f"r#{f}" if f in ("type",) else f
version = re.search(r'PG_VERSION "([^"]+)"', read("pg_query.h")).group(1)
out = ["//! Where the parse nodes of PostgreSQL " + version + " keep their fields. Made by `make_layout.py`; not edited.",
       "", "use super::{constant, nodes};", ""]
out.append(f"pub(super) const LIST: (u32, usize, usize) = ({tags['List']}, {at['List', 'length']}, {at['List', 'elements']});")
out.append(f"pub(super) const CONSTANT: (usize, usize, usize) = ({at['A_Const', 'isnull']}, {at['A_Const', 'val']}, {at['A_Const', 'location']});")
out += ["", "nodes! {", f"    by_hand {tags['A_Const']} => constant;"]
for n in NODES:
    variant = variant_of(n) or "-"
    shown = camel(n)
    fields = []
    for macro, outname, c_name, special in table[n]:
        kind = "place" if c_name in PLACES else KINDS[macro]
        if kind == "one":
            kind = f"one {camel(special)}" if special in NODES else "absent"
        fields.append(f"        {keyword(outname)}: {kind} @ {at[n, c_name]},")
    head = f"    {tags[n]} => {variant}: {shown}" if variant != "-" else f"    inner {shown}"
    out.append(head + (" {" if fields else " {}"))
    out += fields + (["    }"] if fields else [])
out.append("}")
print("\n".join(out))
