//! A policy file as a tree whose nodes know where they were written.
//!
//! Values travel between trees with their places, so that a merged policy can still say which line of which file a
//! number came from. What an anchor or a merge key brings has the place where it was written.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use serde_saphyr::Spanned;

/// Sections that a null takes away. Over any other section a null says nothing: that is what YAML reads when all lines
/// below a heading are comments.
const OPTIONAL: [&str; 2] = ["rate", "tokens"];

/// Where a value was written. Later layers lie over earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) layer: usize,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// A value and where it, and the key before it, were written.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) key: Place,
    pub(super) place: Place,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Scalar(Value),
    List(Vec<Node>),
    Map(BTreeMap<String, Node>),
}

impl Node {
    /// Reads YAML; the error says what is wrong with the text, and where.
    pub(super) fn parse(text: &str) -> Result<Self, (Place, String)> {
        serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map_or(Place::default(), |at| place(at.line(), at.column()));
            let sentence = error.without_snippet().to_string();
            let sentence = sentence.split(" at line ").next().unwrap_or_default();
            (place, sentence.split(", set DuplicateKeyPolicy").next().unwrap_or_default().to_owned())
        })
    }

    /// Marks all nodes as part of `layer`.
    pub(super) fn in_layer(mut self, layer: usize) -> Self {
        self.each(&mut |node| (node.key.layer, node.place.layer) = (layer, layer));
        self
    }

    fn each(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        match &mut self.content {
            Content::Scalar(_) => {}
            Content::List(list) => list.iter_mut().for_each(|node| node.each(change)),
            Content::Map(map) => map.values_mut().for_each(|node| node.each(change)),
        }
    }

    /// The entries of a section; none of anything else.
    pub(super) fn entries(&mut self) -> Option<&mut BTreeMap<String, Self>> {
        match &mut self.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The node right below.
    pub(super) fn child(&self, step: &str) -> Option<&Self> {
        match &self.content {
            Content::Map(map) => map.get(step),
            Content::List(list) => list.get(step.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        }
    }

    fn child_mut(&mut self, step: &str) -> Option<&mut Self> {
        match &mut self.content {
            Content::Map(map) => map.get_mut(step),
            Content::List(list) => list.get_mut(step.parse::<usize>().ok()?),
            Content::Scalar(_) => None,
        }
    }

    /// The node at a path.
    pub(super) fn at(&self, path: &[String]) -> Option<&Self> {
        path.iter().try_fold(self, |node, step| node.child(step))
    }

    /// The same, to be changed.
    pub(super) fn at_mut(&mut self, path: &[String]) -> Option<&mut Self> {
        path.iter().try_fold(self, |node, step| node.child_mut(step))
    }

    /// As much of a path as there is.
    pub(super) fn nearest(&self, path: &[String]) -> &Self {
        (0..=path.len()).rev().find_map(|length| self.at(&path[..length])).unwrap_or(self)
    }

    /// Some section `section` with a `key`, wherever it is: what stands behind the key.
    pub(super) fn any(&self, section: &str, key: &str) -> Option<&Self> {
        let Content::Map(map) = &self.content else { return None };
        let here = map.get(section).and_then(|node| node.child(key));
        here.or_else(|| map.values().find_map(|node| node.any(section, key)))
    }

    /// Takes the node at a path away.
    pub(super) fn remove(&mut self, path: &[String]) -> Option<Self> {
        let (last, before) = path.split_last()?;
        match &mut self.at_mut(before)?.content {
            Content::Map(map) => map.remove(last),
            Content::List(list) => last.parse().ok().filter(|at| *at < list.len()).map(|at: usize| list.remove(at)),
            Content::Scalar(_) => None,
        }
    }

    /// The value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::List(list) => list.iter().map(Self::value).collect(),
            Content::Map(map) => map.iter().map(|(key, node)| (key.clone(), node.value())).collect(),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.content, Content::Scalar(Value::Null))
    }

    /// Lays `over` on this node: sections are merged, all else is replaced.
    pub(super) fn merge(&mut self, over: Self) {
        if over.is_null() && matches!(self.content, Content::Map(_)) {
            return;
        }
        let (Content::Map(own), Content::Map(_)) = (&mut self.content, &over.content) else {
            *self = over;
            return;
        };
        let Content::Map(over) = over.content else { return };
        for (key, node) in over {
            match own.get_mut(&key) {
                Some(own) if !(node.is_null() && OPTIONAL.contains(&key.as_str())) => own.merge(node),
                _ => drop(own.insert(key, node)),
            }
        }
    }
}

fn place(line: u64, column: u64) -> Place {
    Place { layer: 0, line, column }
}

fn written<T>(spanned: &Spanned<T>) -> Place {
    place(spanned.defined.line(), spanned.defined.column())
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(source)?;
        let place = written(&spanned);
        Ok(Self { key: place, place, content: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Content;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a value, a list or a section")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Scalar(Value::Null))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(node) = items.next_element()? {
            list.push(node);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((key, mut node)) = entries.next_entry::<Spanned<String>, Node>()? {
            node.key = written(&key);
            map.insert(key.value, node);
        }
        Ok(Content::Map(map))
    }
}
