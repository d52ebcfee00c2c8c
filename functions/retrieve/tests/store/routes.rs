//! Whose documents, on the level of HTTP: no reply of any route holds anything of what the asker may not see, and each
//! holds all that it may.
//!
//! Every version of every document has a word of its own, its mark, in title, address and text. Replies are compared with
//! what was written, and searched for all marks that the asker may not see: those of others' private documents, and those
//! that were replaced or deleted. Needs `MODEL_DIR` as well.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use lambda_http::http::StatusCode;
use retrieve::handler::Retrieve;
use serde_json::{Value, json};
use shared::{
    core::Core,
    policy::Policy,
    principal::SHARE_DOCUMENTS,
    serve::{ReplyBody, Server},
};

use crate::{
    function::{function, request},
    support::{TestDatabase, with_database},
};

/// Nothing is left out for want of time, however busy the machine.
const PATIENT: &str = "
functions: {retrieve: {budget: 25s, gate: {in_flight_per_vcpu: 16, max_wait: 20s}}, orchestrate: {budget: 25s}}
service: {total: 25s}
retrieve: {embedding: 8s, knn: 8s, lexical: 8s, rerank: 8s, embedding_queue: 64}
postgres: {wait: 20s, connect: 20s, recycle: 20s}
dependencies: {overrides: {postgres: {timeout: 20s}, retrieve: {timeout: 25s}}}
";

/// Of whom `gus` owns nothing: he sees what is shared.
const ASKERS: [&str; 4] = ["ana", "ben", "cleo", "gus"];
const OWNERS: usize = 3;
/// May not share.
const CLEO: &str = "cleo";
const COLLECTIONS: [&str; 2] = ["plans", "letters"];
const LANGUAGES: [&str; 3] = ["en", "es", "fr"];
const IDS: u8 = 6;
const ROUNDS: usize = 24;
const WRITES: usize = 3;
const READS: usize = 6;

/// Owner, collection, id.
type Key = (&'static str, &'static str, String);

#[derive(Clone, Debug)]
struct Kept {
    shared: bool,
    language: &'static str,
    mark: String,
    chunks: usize,
    /// Documents of one id are listed in the order in which they came.
    number: usize,
}

/// A page that somebody was given: what comes behind it, in which collection.
#[derive(Clone, Debug)]
struct Given {
    cursor: String,
    collection: &'static str,
    behind: (String, usize),
}

/// What was written, and what replies are compared with.
struct World {
    server: Server<Retrieve>,
    kept: BTreeMap<Key, Kept>,
    /// All marks that there ever were.
    marks: Vec<String>,
    given: Vec<Given>,
}

struct Reply {
    status: StatusCode,
    text: String,
    json: Value,
}

#[tokio::test]
async fn no_reply_holds_what_the_asker_may_not_see_and_each_holds_all_that_it_may() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    with_database("no_reply_holds_what_the_asker_may_not_see", async |database| {
        let (mut world, mut random) = (World::new(&database), Rng::with_seed(seed));
        for _ in 0..ROUNDS {
            for _ in 0..WRITES {
                world.write(&mut random).await;
            }
            // At once, so that connections pass from one asker to another.
            let asked: Vec<_> = (0..READS).map(|_| (ASKERS[random.usize(..4)], random.fork())).collect();
            let answers = stream::iter(asked).map(|(asker, random)| world.read(asker, random)).buffer_unordered(READS);
            let given: Vec<_> = answers.collect().await;
            world.given.extend(given.into_iter().flatten());
        }
        world.others_make_no_difference(&mut random).await;
    })
    .await;
}

impl World {
    fn new(database: &TestDatabase) -> Self {
        let core = Core::new(Policy::overlaid(PATIENT).unwrap());
        Self { server: function(database, &core), kept: BTreeMap::new(), marks: Vec::new(), given: Vec::new() }
    }

    /// Puts or deletes a document of any id, which may be another's.
    async fn write(&mut self, random: &mut Rng) {
        let (owner, collection) = (ASKERS[random.usize(..OWNERS)], COLLECTIONS[random.usize(..2)]);
        let key = (owner, collection, format!("p{}", random.u8(..IDS)));
        if random.u8(..4) == 0 {
            let expected =
                if self.kept.remove(&key).is_some() { StatusCode::NO_CONTENT } else { StatusCode::NOT_FOUND };
            return assert_eq!(self.ask(owner, "DELETE", &path(&key), &Value::Null).await.status, expected, "{key:?}");
        }
        let (shared, language) = (random.bool(), LANGUAGES[random.usize(..3)]);
        let mark = format!("zq{}x", self.marks.len());
        let text = format!("The plan {mark} covers glasses after the deductible. ").repeat(1 + 24 * random.usize(..2));
        let body = json!({
            "title": format!("Page {mark}"), "url": url(&key, &mark), "text": text, "language": language,
            "visibility": if shared { "shared" } else { "private" },
        });
        self.marks.push(mark.clone());
        let reply = self.ask(owner, "PUT", &path(&key), &body).await;
        if shared && owner == CLEO {
            return assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text);
        }
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        let chunks = usize::try_from(reply.json["chunks"].as_u64().unwrap()).unwrap();
        let number = self.kept.get(&key).map_or(self.marks.len(), |before| before.number);
        self.kept.insert(key, Kept { shared, language, mark, chunks, number });
    }

    /// A random question; the cursors that it was given.
    async fn read(&self, asker: &str, mut random: Rng) -> Vec<Given> {
        match random.u8(..8) {
            0 | 1 => return self.pages(asker, &mut random).await,
            2 => self.pages_behind_anothers(asker, &mut random).await,
            3 => drop(self.ask(asker, "GET", "/v1/status", &Value::Null).await),
            _ => self.passages(asker, &mut random).await,
        }
        Vec::new()
    }

    async fn passages(&self, asker: &str, random: &mut Rng) {
        let collection = COLLECTIONS[random.usize(..2)];
        let (filter, question) = (filter(random, collection), self.question(random));
        let (k, per_document) = (random.usize(1..=50), random.usize(1..=3));
        let mut request = json!({
            "query": question, "collection": collection, "k": k, "per_document": per_document,
            "rerank": random.bool(), "filter": filter,
        });
        if random.bool() {
            request["original_query"] = json!(self.question(random));
        }
        let reply = self.ask(asker, "POST", "/v1/retrieve", &request).await;
        if self.visible(asker, collection).is_empty() {
            return assert_eq!(reply.status, StatusCode::NOT_FOUND, "{asker} {request}: {}", reply.text);
        }
        assert_eq!((reply.status, &reply.json["degraded"]), (StatusCode::OK, &json!([])), "{request}: {}", reply.text);
        let may = self.visible(asker, collection).into_iter().filter(|(key, kept)| fits(&filter, key, kept));
        let may: HashMap<String, usize> = may.map(|(_, kept)| (title(kept), kept.chunks.min(per_document))).collect();
        let passages = reply.json["passages"].as_array().unwrap();
        let mut found = HashMap::<String, usize>::new();
        passages.iter().for_each(|one| *found.entry(one["title"].as_str().unwrap().to_owned()).or_default() += 1);
        let of = format!("{asker} {request}: found {found:?} of {may:?}");
        assert!(found.iter().all(|(title, count)| may.get(title).is_some_and(|most| count <= most)), "{of}");
        let expected = k.min(may.values().sum());
        assert_eq!((passages.len(), &reply.json["got"]), (expected, &json!(expected)), "{of}");
    }

    /// Pages of a collection from its beginning, all of them.
    async fn pages(&self, asker: &str, random: &mut Rng) -> Vec<Given> {
        let collection = COLLECTIONS[random.usize(..2)];
        let (mut given, mut seen, limit) = (Vec::<Given>::new(), Vec::new(), random.usize(1..=4));
        loop {
            let (marks, cursor) = self.page(asker, collection, limit, given.last()).await;
            seen.extend(marks);
            let Some(cursor) = cursor else { break };
            let (key, last) = self.listed(asker, collection, None).swap_remove(seen.len() - 1);
            given.push(Given { cursor, collection, behind: (key.2.clone(), last.number) });
        }
        let all: Vec<_> = self.listed(asker, collection, None).into_iter().map(|(_, kept)| title(kept)).collect();
        assert_eq!(seen, all, "{asker} in {collection}");
        given
    }

    /// What comes behind a cursor that anybody was given, at any time before, for any collection.
    async fn pages_behind_anothers(&self, asker: &str, random: &mut Rng) {
        let Some(given) = self.given.get(random.usize(..self.given.len().max(1))) else { return };
        let collection = if random.bool() { given.collection } else { COLLECTIONS[random.usize(..2)] };
        let behind = self.listed(asker, collection, Some(&given.behind));
        let limit = random.usize(1..=20);
        let (seen, cursor) = self.page(asker, collection, limit, Some(given)).await;
        let expected: Vec<_> = behind.iter().take(limit).map(|(_, kept)| title(kept)).collect();
        assert_eq!((seen, cursor.is_some()), (expected, behind.len() > limit), "{asker} in {collection}: {given:?}");
    }

    /// The titles of a page, and where the next one begins.
    async fn page(
        &self,
        asker: &str,
        collection: &str,
        limit: usize,
        given: Option<&Given>,
    ) -> (Vec<String>, Option<String>) {
        let behind = given.map(|given| format!("&cursor={}", given.cursor)).unwrap_or_default();
        let path = format!("/v1/documents?collection={collection}&limit={limit}{behind}");
        let reply = self.ask(asker, "GET", &path, &Value::Null).await;
        assert_eq!(reply.status, StatusCode::OK, "{asker} {path}: {}", reply.text);
        let documents = reply.json["documents"].as_array().unwrap();
        let titles = documents.iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect();
        (titles, reply.json["next_cursor"].as_str().map(str::to_owned))
    }

    /// Whoever owns nothing is told the same, scores included, when others have deleted all that is private.
    async fn others_make_no_difference(&mut self, random: &mut Rng) {
        let questions: Vec<_> = (0..8)
            .map(|n| {
                json!({
                    "query": self.question(random), "collection": COLLECTIONS[n % 2], "k": 50, "per_document": 3,
                    "rerank": n % 4 < 2,
                })
            })
            .collect();
        let before = self.told(&questions).await;
        let private: Vec<Key> = self.kept.iter().filter(|(_, kept)| !kept.shared).map(|(key, _)| key.clone()).collect();
        for key in private {
            assert_eq!(self.ask(key.0, "DELETE", &path(&key), &Value::Null).await.status, StatusCode::NO_CONTENT);
            self.kept.remove(&key);
        }
        assert_eq!(self.told(&questions).await, before);
    }

    async fn told(&self, questions: &[Value]) -> Vec<Value> {
        let mut told = Vec::new();
        for question in questions {
            let mut reply = self.ask("gus", "POST", "/v1/retrieve", question).await.json;
            told.push(json!([reply["passages"].take(), reply["got"].take(), reply["code"].take()]));
        }
        told
    }

    /// Sends a request as `asker`; whatever comes back holds no mark that they may not see.
    async fn ask(&self, asker: &str, method: &str, path: &str, body: &Value) -> Reply {
        let scope = if asker == CLEO { "" } else { SHARE_DOCUMENTS };
        let reply = self.server.clone().answer(request(asker, scope, method, path, body)).await;
        let ReplyBody::Whole(bytes) = reply.body else { panic!("a stream") };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let may: Vec<&str> = COLLECTIONS
            .into_iter()
            .flat_map(|collection| self.visible(asker, collection))
            .map(|(_, kept)| kept.mark.as_str())
            .collect();
        let leaked = self.marks.iter().find(|mark| text.contains(mark.as_str()) && !may.contains(&mark.as_str()));
        assert_eq!(leaked, None, "{asker}: {method} {path} {body}: {text}");
        Reply { status: reply.status, json: serde_json::from_str(&text).unwrap_or_default(), text }
    }

    fn visible(&self, asker: &str, collection: &str) -> Vec<(&Key, &Kept)> {
        let may = |key: &Key, kept: &Kept| key.1 == collection && (kept.shared || key.0 == asker);
        self.kept.iter().filter(|(key, kept)| may(key, kept)).collect()
    }

    /// What is visible, in the order of the list, behind a place.
    fn listed(&self, asker: &str, collection: &str, behind: Option<&(String, usize)>) -> Vec<(&Key, &Kept)> {
        let place = |key: &Key, kept: &Kept| (key.2.clone(), kept.number);
        let mut listed = self.visible(asker, collection);
        listed.retain(|(key, kept)| behind.is_none_or(|behind| place(key, kept) > *behind));
        listed.sort_by_key(|(key, kept)| place(key, kept));
        listed
    }

    /// About what all documents say, or by the mark of any of them, whoever may see it.
    fn question(&self, random: &mut Rng) -> String {
        let mark = self.marks.get(random.usize(..self.marks.len().max(1))).filter(|_| random.bool());
        mark.map_or_else(|| "are glasses covered".to_owned(), |mark| format!("what does {mark} cover"))
    }
}

fn filter(random: &mut Rng, collection: &str) -> Value {
    let mut filter = json!({});
    if random.u8(..3) == 0 {
        filter["language"] = json!(LANGUAGES[random.usize(..3)]);
    }
    if random.u8(..3) == 0 {
        filter["document_ids"] = (0..random.u8(1..=IDS)).map(|_| format!("p{}", random.u8(..IDS))).collect();
    }
    if random.u8(..3) == 0 {
        let prefixes = ["https://example.org/".into(), format!("https://example.org/{collection}/p1"), "http:".into()];
        filter["url_prefix"] = json!(prefixes[random.usize(..3)]);
    }
    filter
}

fn fits(filter: &Value, key: &Key, kept: &Kept) -> bool {
    let ids = filter["document_ids"].as_array();
    filter["language"].as_str().is_none_or(|language| language == kept.language)
        && ids.is_none_or(|ids| ids.contains(&json!(key.2)))
        && filter["url_prefix"].as_str().is_none_or(|prefix| url(key, &kept.mark).starts_with(prefix))
}

fn url((_, collection, id): &Key, mark: &str) -> String {
    format!("https://example.org/{collection}/{id}/{mark}")
}

fn title(kept: &Kept) -> String {
    format!("Page {}", kept.mark)
}

fn path((_, collection, id): &Key) -> String {
    format!("/v1/documents/{id}?collection={collection}")
}
