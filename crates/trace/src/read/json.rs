//! JSON and JSON lines: a value's column is the path to it, lists left out. Nothing is built up.

use std::fmt;

use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

use super::{Format, Sink, Unreadable};
use crate::limits::{COLUMN_NAME_BYTES_MAX, JSON_DEPTH_MAX};

/// A key with so many digits is no name: the object is a dictionary, and its keys are values.
const DIGITS_OF_A_KEY: usize = 4;

/// JSON, JSON lines, or something else that starts with a brace.
pub(super) fn looks_like(text: &str) -> Option<Format> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    match values.next()? {
        Ok(_) => {
            let more = text
                .get(values.byte_offset()..)
                .is_some_and(|rest| !rest.trim().is_empty());
            match values.next() {
                Some(Err(_)) => None,
                _ if more => Some(Format::JsonLines),
                _ => Some(Format::Json),
            }
        }
        // Cut off or too deep: it is JSON, and reading says what is wrong with it.
        Err(error) if error.is_eof() || too_deep(&error) => Some(Format::Json),
        Err(_) => None,
    }
}

fn too_deep(error: &serde_json::Error) -> bool {
    error.to_string().contains("recursion limit")
}

pub(super) fn read(text: &str, sink: &mut dyn Sink) -> Result<(), Unreadable> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // `end` fails while there is something left besides blanks.
    while deserializer.end().is_err() {
        let mut walk = Walk {
            path: String::new(),
            depth: 0,
            sink: &mut *sink,
        };
        walk.deserialize(&mut deserializer).map_err(|error| {
            if too_deep(&error) || error.to_string().contains(TOO_DEEP) {
                Unreadable::TooDeep
            } else {
                Unreadable::damaged("JSON", error)
            }
        })?;
        sink.row();
    }
    Ok(())
}

const TOO_DEEP: &str = "nested too deep";

struct Walk<'a> {
    path: String,
    depth: usize,
    sink: &'a mut dyn Sink,
}

impl Walk<'_> {
    fn tell(&mut self, value: &str) {
        let name = match self.path.as_str() {
            "" => "value",
            path => path,
        };
        if let Some(column) = self.sink.column(name) {
            self.sink.cell(column, value);
        }
    }

    fn deeper<E: serde::de::Error>(&mut self) -> Result<(), E> {
        self.depth += 1;
        if self.depth > JSON_DEPTH_MAX {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut Walk<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        self.tell(value);
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.tell(&value.to_string());
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.tell(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.tell(&value.to_string());
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.deeper()?;
        while list.next_element_seed(&mut *self)?.is_some() {
            if self.depth == 1 {
                self.sink.row();
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.deeper()?;
        let before = self.path.len();
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let digits = key.chars().filter(char::is_ascii_digit).count();
            if digits >= DIGITS_OF_A_KEY {
                let name = format!("{}{{}}", self.path);
                if let Some(column) = self.sink.column(&name) {
                    self.sink.cell(column, &key);
                }
                self.push("*");
            } else {
                self.push(&key);
            }
            map.next_value_seed(&mut *self)?;
            self.path.truncate(before);
        }
        self.depth -= 1;
        Ok(())
    }
}

impl Walk<'_> {
    fn push(&mut self, key: &str) {
        if self.path.len() + key.len() > COLUMN_NAME_BYTES_MAX {
            return;
        }
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(key);
    }
}
