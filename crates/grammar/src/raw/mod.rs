//! Reads the parser's tree where it lies.
//!
//! SAFETY, for the whole module: `layout` is made from the headers that the linked library is compiled
//! from, PostgreSQL keeps node layouts within a major version, the crate's version is pinned, and
//! [`super::parse`] compares both ways before it trusts this one. A pointer in a node is null or points
//! to a node, list or zero-terminated string in the same memory context, which lives until [`Context`]
//! is dropped; nothing borrowed from it is returned.
#![expect(
    unsafe_code,
    reason = "the parser is a C library; its tree is read here and nowhere else"
)]

mod layout;

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use pg_query::NodeEnum;
use pg_query::protobuf as pb;
use pg_query::protobuf::Node;

use super::{Fault, MAX_DEPTH, MAX_LIST_ELEMENTS, MAX_NODES, MAX_STATEMENTS, Places, Statements};

/// `PgQueryInternalParsetreeAndError`.
#[repr(C)]
struct Answer {
    tree: *const c_void,
    stderr: *mut c_void,
    error: *mut ParserError,
}

/// The beginning of `PgQueryError`.
#[repr(C)]
struct ParserError {
    message: *const c_char,
}

unsafe extern "C" {
    fn pg_query_enter_memory_context() -> *mut c_void;
    fn pg_query_exit_memory_context(context: *mut c_void);
    fn pg_query_raw_parse(input: *const c_char, options: c_int) -> Answer;
    fn pg_query_free_error(error: *mut ParserError);
    fn free(memory: *mut c_void);
}

/// The parser's memory for one text.
struct Context(*mut c_void);

impl Context {
    fn enter() -> Self {
        // SAFETY: as libpg_query's own entry points do; the pair nests within one thread.
        Self(unsafe { pg_query_enter_memory_context() })
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context of `enter`, once.
        unsafe { pg_query_exit_memory_context(self.0) }
    }
}

/// The tree of a text, or the parser's refusal; `None` where the other way must be taken.
pub(super) fn parse(text: &str, places: Places) -> Option<Result<Statements, Fault>> {
    let input = CString::new(text).ok()?;
    let context = Context::enter();
    // SAFETY: a zero-terminated text, inside a memory context; the C side catches its own errors.
    let answer = unsafe { pg_query_raw_parse(input.as_ptr(), 0) };
    // SAFETY: allocated by strdup for the caller, or null.
    unsafe { free(answer.stderr) };
    let read = if answer.error.is_null() {
        let mut reader = Reader {
            drop_places: places == Places::Dropped,
            depth: 0,
            nodes: 0,
            exceeded: None,
        };
        match (reader.statements(answer.tree), reader.exceeded) {
            (_, Some(fault)) => Some(Err(fault)),
            (statements, None) => statements.map(Ok),
        }
    } else {
        // SAFETY: an error has a message; both are ours to free.
        let message = unsafe { CStr::from_ptr((*answer.error).message) };
        let message = message.to_string_lossy().into_owned();
        unsafe { pg_query_free_error(answer.error) };
        Some(Err(Fault::Refused(message)))
    };
    drop(context);
    read
}

struct Reader {
    drop_places: bool,
    depth: usize,
    nodes: usize,
    /// The limit that the tree broke; then what was read is of no use.
    exceeded: Option<Fault>,
}

/// Reads a plain value at an offset into a node.
fn at<T: Copy>(base: *const c_void, offset: usize) -> T {
    // SAFETY: callers pass a node of the type that `layout` gives this offset for, and the C type there.
    unsafe { base.byte_add(offset).cast::<T>().read() }
}

/// `None` where the bytes are no text: the other way then says what to say.
fn text(base: *const c_void, offset: usize) -> Option<String> {
    let start: *const c_char = at(base, offset);
    if start.is_null() {
        return Some(String::new());
    }
    // SAFETY: strings in nodes are zero-terminated.
    let bytes = unsafe { CStr::from_ptr(start) };
    bytes.to_str().ok().map(str::to_owned)
}

fn tag(base: *const c_void) -> u32 {
    at(base, 0)
}

/// The cells of a list; empty for a null one, `None` where it is no list of nodes.
fn cells<'a>(list: *const c_void) -> Option<&'a [*const c_void]> {
    let (list_tag, length, elements) = layout::LIST;
    if list.is_null() {
        return Some(&[]);
    }
    if tag(list) != list_tag {
        return None;
    }
    let length = usize::try_from(at::<c_int>(list, length)).ok()?;
    // SAFETY: a list has `length` cells of pointer size; used only while the context lives.
    Some(unsafe { std::slice::from_raw_parts(at(list, elements), length) })
}

impl Reader {
    fn statements(&mut self, tree: *const c_void) -> Option<Statements> {
        let statements = cells(tree)?;
        if statements.len() > MAX_STATEMENTS {
            return self.exceeds(Fault::ManyStatements);
        }
        statements
            .iter()
            .map(|statement| pb::RawStmt::read(*statement, self))
            .collect()
    }

    /// Reads a node into its place: a node is large, and moving it costs more than reading it.
    fn fill(&mut self, base: *const c_void, place: &mut Node) -> Option<()> {
        if base.is_null() {
            return Some(());
        }
        self.deeper(|reader| {
            let (list, ..) = layout::LIST;
            if tag(base) == list {
                let items = reader.nodes(base)?;
                place.node = Some(NodeEnum::List(pb::List { items }));
                return Some(());
            }
            layout::reader_of(tag(base))?(base, reader, place)
        })
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return self.exceeds(Fault::TooDeep);
        }
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return self.exceeds(Fault::ManyNodes);
        }
        self.depth += 1;
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn exceeds<T>(&mut self, fault: Fault) -> Option<T> {
        self.exceeded = Some(fault);
        None
    }

    fn nodes(&mut self, list: *const c_void) -> Option<Vec<Node>> {
        let cells = cells(list)?;
        if cells.len() > MAX_LIST_ELEMENTS {
            return self.exceeds(Fault::LongList);
        }
        let mut nodes = Vec::with_capacity(cells.len());
        for cell in cells {
            nodes.push(Node { node: None });
            self.fill(*cell, nodes.last_mut()?)?;
        }
        Some(nodes)
    }

    fn list(&mut self, base: *const c_void, offset: usize) -> Option<Vec<Node>> {
        self.nodes(at(base, offset))
    }

    fn boxed(&mut self, base: *const c_void, offset: usize) -> Option<Option<Box<Node>>> {
        let child: *const c_void = at(base, offset);
        if child.is_null() {
            return Some(None);
        }
        let mut node = Box::new(Node { node: None });
        self.fill(child, &mut node)?;
        Some(Some(node))
    }

    /// A child of a known type, boxed or not as the tree's type wants it.
    fn one<T: Read, P: From<T>>(
        &mut self,
        base: *const c_void,
        offset: usize,
    ) -> Option<Option<P>> {
        let child: *const c_void = at(base, offset);
        if child.is_null() {
            return Some(None);
        }
        let read = self.deeper(|reader| T::read(child, reader))?;
        Some(Some(P::from(read)))
    }

    fn place(&self, base: *const c_void, offset: usize) -> i32 {
        if self.drop_places {
            0
        } else {
            at(base, offset)
        }
    }
}

/// What [`layout`] makes of each node type.
trait Read: Sized {
    fn read(base: *const c_void, reader: &mut Reader) -> Option<Self>;
}

/// A constant holds its value's node inside itself.
fn constant(base: *const c_void, reader: &mut Reader, place: &mut Node) -> Option<()> {
    use pb::a_const::Val;
    let (isnull, val, location) = layout::CONSTANT;
    let isnull = at::<u8>(base, isnull) != 0;
    let val = if isnull {
        None
    } else {
        // SAFETY: the value lies inside the constant's node.
        let value = unsafe { base.byte_add(val) };
        Some(match tag(value) {
            layout::tags::Integer => Val::Ival(Read::read(value, reader)?),
            layout::tags::Float => Val::Fval(Read::read(value, reader)?),
            layout::tags::Boolean => Val::Boolval(Read::read(value, reader)?),
            layout::tags::String => Val::Sval(Read::read(value, reader)?),
            layout::tags::BitString => Val::Bsval(Read::read(value, reader)?),
            _ => return None,
        })
    };
    place.node = Some(NodeEnum::AConst(pb::AConst {
        isnull,
        location: reader.place(base, location),
        val,
    }));
    Some(())
}

macro_rules! field {
    ($reader:ident, $base:ident, list, $offset:literal) => {
        $reader.list($base, $offset)?
    };
    ($reader:ident, $base:ident, node, $offset:literal) => {
        $reader.boxed($base, $offset)?
    };
    ($reader:ident, $base:ident, one $inner:ident, $offset:literal) => {
        $reader.one::<pb::$inner, _>($base, $offset)?
    };
    ($reader:ident, $base:ident, text, $offset:literal) => {
        text($base, $offset)?
    };
    ($reader:ident, $base:ident, flag, $offset:literal) => {
        at::<u8>($base, $offset) != 0
    };
    ($reader:ident, $base:ident, int, $offset:literal) => {
        at::<i32>($base, $offset)
    };
    ($reader:ident, $base:ident, uint, $offset:literal) => {
        at::<u32>($base, $offset)
    };
    ($reader:ident, $base:ident, long, $offset:literal) => {
        at::<i64>($base, $offset)
    };
    // Protobuf's enums begin with one for "undefined".
    ($reader:ident, $base:ident, choice, $offset:literal) => {
        at::<i32>($base, $offset).checked_add(1)?
    };
    ($reader:ident, $base:ident, char, $offset:literal) => {
        match at::<u8>($base, $offset) {
            0 => String::new(),
            byte if byte.is_ascii() => char::from(byte).to_string(),
            _ => return None,
        }
    };
    ($reader:ident, $base:ident, place, $offset:literal) => {
        $reader.place($base, $offset)
    };
    ($reader:ident, $base:ident, absent, $offset:literal) => {
        if at::<*const c_void>($base, $offset).is_null() {
            None
        } else {
            return None;
        }
    };
}
use field;

macro_rules! nodes {
    (by_hand $hand_tag:literal => $hand:ident;
     $($tag:literal => $variant:ident: $shown:ident { $($name:ident: $kind:ident $($inner:ident)? @ $offset:literal,)* })*) => {
        pub(super) type ReadNode =
            fn(*const std::ffi::c_void, &mut super::Reader, &mut pg_query::Node) -> Option<()>;

        /// The reader for a tag; `None` for nodes that are not read directly.
        pub(super) fn reader_of(tag: u32) -> Option<ReadNode> {
            Some(match tag {
                $hand_tag => $hand,
                $($tag => |base, reader, place| {
                    let read = <pg_query::protobuf::$shown as super::Read>::read(base, reader)?;
                    place.node = Some(pg_query::NodeEnum::$variant(read.into()));
                    Some(())
                },)*
                _ => return None,
            })
        }

        #[allow(non_upper_case_globals, dead_code, reason = "named as the types are; few are needed")]
        pub(super) mod tags {
            $(pub(in super::super) const $variant: u32 = $tag;)*
        }

        mod readers {
            use super::super::{Read, Reader, at, field, text};
            use pg_query::protobuf as pb;
            use std::ffi::c_void;

            $(impl Read for pb::$shown {
                #[allow(unused_variables, clippy::needless_update, reason = "some nodes have no fields, or all of them")]
                fn read(base: *const c_void, reader: &mut Reader) -> Option<Self> {
                    Some(pb::$shown {
                        $($name: field!(reader, base, $kind $($inner)?, $offset),)*
                        ..Default::default()
                    })
                }
            })*
        }
    };
}
use nodes;
