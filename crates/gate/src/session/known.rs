//! What was cleared before, by text.
//!
//! INVARIANT: an entry is found only under the very names it was read under, and only in the store of
//! the contract and surface it was read for (a store belongs to one `Terms`; what replaces a contract
//! or surface makes new ones). What one user keeps takes room from himself alone.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use hashbrown::Equivalent;
use portcullis_sql::SessionNames;

use crate::limits::{
    CACHED_ENTRY_BYTES, MAX_CACHED_BYTES, MAX_CACHED_NAMES, MAX_CACHED_TEXTS, MAX_CACHED_USERS,
};

/// Messages `M` by text, templates `T` by the text without its literals.
pub struct Known<M, T> {
    users: HashMap<String, User<M, T>>,
    /// Counts uses, so that of too many users the one who was away longest is forgotten.
    uses: u64,
}

struct User<M, T> {
    /// Names he was read under lately, the latest last. An id is never used again.
    names: Vec<(u64, SessionNames)>,
    next_id: u64,
    used: u64,
    texts: Shelf<M>,
    templates: Shelf<T>,
}

impl<M, T> Default for Known<M, T> {
    fn default() -> Self {
        Self {
            users: HashMap::new(),
            uses: 0,
        }
    }
}

impl<M: Clone, T: Clone> Known<M, T> {
    pub fn text(&mut self, names: &SessionNames, text: &str) -> Option<M> {
        let (id, user) = self.find(names)?;
        user.texts.get(id, text)
    }

    pub fn template(&mut self, names: &SessionNames, key: &str) -> Option<T> {
        let (id, user) = self.find(names)?;
        user.templates.get(id, key)
    }

    /// `bytes`: what `message` takes, about, besides the text.
    pub fn keep_text(&mut self, names: &SessionNames, text: &str, message: M, bytes: usize) {
        let (id, user) = self.find_or_add(names);
        user.texts.put(id, text, message, bytes);
    }

    pub fn keep_template(&mut self, names: &SessionNames, key: &str, template: T, bytes: usize) {
        let (id, user) = self.find_or_add(names);
        user.templates.put(id, key, template, bytes);
    }

    fn find(&mut self, names: &SessionNames) -> Option<(u64, &mut User<M, T>)> {
        let user = self.users.get_mut(names.user.as_str())?;
        // The latest are the likeliest.
        let (id, _) = user.names.iter().rev().find(|(_, known)| known == names)?;
        self.uses += 1;
        user.used = self.uses;
        Some((*id, user))
    }

    fn find_or_add(&mut self, names: &SessionNames) -> (u64, &mut User<M, T>) {
        if !self.users.contains_key(names.user.as_str()) && self.users.len() >= MAX_CACHED_USERS {
            self.forget_one_user();
        }
        self.uses += 1;
        let user = self.users.entry(names.user.clone()).or_default();
        user.used = self.uses;
        let known = user.names.iter().find(|(_, known)| known == names);
        let id = match known {
            Some((id, _)) => *id,
            None => user.add_names(names),
        };
        (id, user)
    }

    fn forget_one_user(&mut self) {
        let longest_away = self.users.iter().min_by_key(|(_, user)| user.used);
        if let Some(name) = longest_away.map(|(name, _)| name.clone()) {
            self.users.remove(&name);
        }
    }
}

impl<M, T> Default for User<M, T> {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            next_id: 0,
            used: 0,
            texts: Shelf::default(),
            templates: Shelf::default(),
        }
    }
}

impl<M, T> User<M, T> {
    /// What was kept under names that are forgotten is found no more, and ages away.
    fn add_names(&mut self, names: &SessionNames) -> u64 {
        if self.names.len() >= MAX_CACHED_NAMES {
            self.names.remove(0);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.names.push((id, names.clone()));
        id
    }
}

/// Two generations: what was not asked for while the younger one filled up is dropped with the older.
struct Shelf<V> {
    young: Generation<V>,
    old: Generation<V>,
    young_bytes: usize,
}

/// Each value with the bytes that it and its key take. Keyed hashes: a client chooses the texts.
type Generation<V> = hashbrown::HashMap<Key, (V, usize), std::hash::RandomState>;

impl<V> Default for Shelf<V> {
    fn default() -> Self {
        Self {
            young: hashbrown::HashMap::default(),
            old: hashbrown::HashMap::default(),
            young_bytes: 0,
        }
    }
}

impl<V: Clone> Shelf<V> {
    fn get(&mut self, id: u64, text: &str) -> Option<V> {
        let key = Sought { id, text };
        if let Some((value, _)) = self.young.get(&key) {
            return Some(value.clone());
        }
        let (key, (value, bytes)) = self.old.remove_entry(&key)?;
        let found = value.clone();
        self.add(key, value, bytes);
        Some(found)
    }

    fn put(&mut self, id: u64, text: &str, value: V, bytes: usize) {
        let bytes = bytes + text.len() + CACHED_ENTRY_BYTES;
        if bytes > MAX_CACHED_BYTES / 4 {
            return;
        }
        let key = Key {
            id,
            text: text.into(),
        };
        self.add(key, value, bytes);
    }

    fn add(&mut self, key: Key, value: V, bytes: usize) {
        self.young_bytes += bytes;
        if let Some((_, replaced)) = self.young.insert(key, (value, bytes)) {
            self.young_bytes -= replaced;
        }
        self.turn_if_full();
    }

    /// Each of a user's two shelves has two generations: a quarter of his bytes each.
    fn turn_if_full(&mut self) {
        if self.young_bytes > MAX_CACHED_BYTES / 4 || self.young.len() > MAX_CACHED_TEXTS / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
    }
}

#[derive(PartialEq, Eq)]
struct Key {
    id: u64,
    text: Box<str>,
}

/// A key that is looked for, without a copy of its text.
struct Sought<'a> {
    id: u64,
    text: &'a str,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.id, &*self.text).hash(state);
    }
}

impl Hash for Sought<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.id, self.text).hash(state);
    }
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.id == key.id && *self.text == *key.text
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use portcullis_sql::Surface;

    fn names(user: &str) -> SessionNames {
        SessionNames::new(user, "clinic", &Surface::default())
    }

    fn path(user: &str, schema: &str) -> SessionNames {
        SessionNames {
            search_path: vec![schema.to_owned()],
            ..names(user)
        }
    }

    #[test]
    fn an_entry_is_found_under_its_own_names_alone() {
        let mut known = Known::<u32, u32>::default();
        let own = path("li.wei", "clinic");
        known.keep_text(&own, "select 1", 7, 0);
        known.keep_template(&own, "select \u{1}", 8, 0);
        assert_eq!(known.text(&own, "select 1"), Some(7));
        assert_eq!(known.template(&own, "select \u{1}"), Some(8));
        let mut others = vec![path("li.wei", "lab"), path("wang", "clinic")];
        others.push(SessionNames {
            database: "other".to_owned(),
            ..own.clone()
        });
        for other in others {
            assert_eq!(known.text(&other, "select 1"), None, "{other:?}");
            known.keep_text(&other, "select 2", 9, 0);
            assert_eq!(known.text(&other, "select 1"), None, "{other:?}");
        }
        assert_eq!(known.text(&own, "select 2"), None);
        assert_eq!(known.text(&own, "select 1"), Some(7));
    }

    #[test]
    fn a_flood_takes_room_from_its_own_user_alone() {
        let mut known = Known::<usize, u32>::default();
        known.keep_text(&names("wang"), "select 1", 1, 0);
        let flooder = names("li.wei");
        known.keep_text(&flooder, "first", 0, 0);
        for i in 0..3 * MAX_CACHED_TEXTS {
            known.keep_text(&flooder, &format!("select {i}"), i, 100);
        }
        let kept = &known.users["li.wei"].texts;
        assert!(kept.young.len() + kept.old.len() <= MAX_CACHED_TEXTS);
        assert_eq!(known.text(&flooder, "first"), None);
        assert_eq!(known.text(&names("wang"), "select 1"), Some(1));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut known = Known::<usize, u32>::default();
        let user = names("li.wei");
        let size = MAX_CACHED_BYTES / 64;
        for i in 0..200 {
            known.keep_text(&user, &format!("{i}"), i, size);
            let shelf = &known.users["li.wei"].texts;
            let entries = shelf.young.len() + shelf.old.len();
            assert!(entries * size <= MAX_CACHED_BYTES / 2, "{entries} entries");
        }
        known.keep_text(&user, "large", 1, MAX_CACHED_BYTES);
        assert_eq!(known.text(&user, "large"), None);
    }

    #[test]
    fn what_is_asked_for_stays() {
        let mut known = Known::<usize, u32>::default();
        let user = names("li.wei");
        known.keep_text(&user, "often", 42, 0);
        for i in 0..3 * MAX_CACHED_TEXTS {
            known.keep_text(&user, &format!("select {i}"), i, 0);
            if i % 100 == 0 {
                assert_eq!(known.text(&user, "often"), Some(42));
            }
        }
    }

    #[test]
    fn names_and_users_are_bounded() {
        let mut known = Known::<usize, u32>::default();
        for i in 0..10 * MAX_CACHED_NAMES {
            known.keep_text(&path("li.wei", &format!("s{i}")), "select 1", i, 0);
        }
        assert_eq!(known.users["li.wei"].names.len(), MAX_CACHED_NAMES);
        // A forgotten path that comes back finds nothing of its former self.
        assert_eq!(known.text(&path("li.wei", "s0"), "select 1"), None);
        known.keep_text(&path("li.wei", "s0"), "select 2", 5, 0);
        assert_eq!(known.text(&path("li.wei", "s0"), "select 1"), None);
        for i in 0..3 * MAX_CACHED_USERS {
            known.keep_text(&names(&format!("u{i}")), "select 1", i, 0);
        }
        assert_eq!(known.users.len(), MAX_CACHED_USERS);
        let last = format!("u{}", 3 * MAX_CACHED_USERS - 1);
        assert!(known.text(&names(&last), "select 1").is_some());
    }
}
