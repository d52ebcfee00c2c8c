//! The statements of search. Those that look for passages have two forms: a filter on documents costs a join that most
//! searches do not need.

/// For this transaction: what filters leave differs by far, and so do the plans that suit it. They are made anew for each.
pub(super) const FILTER_SETTINGS: &str = "SELECT set_config('plan_cache_mode', 'auto', true)";

/// For this transaction: how wide the graph is searched; whether it is searched on while too little fits; that it is used at
/// all (whatever sorts is the exact way, which is another statement). Compiling these statements would take longer than they
/// run, and planning them anew for each vector a tenth of it: with filters as well, once is enough.
pub(super) const GRAPH_SETTINGS: &str = "SELECT set_config('hnsw.ef_search', $1, true), \
    set_config('hnsw.max_scan_tuples', $2, true), set_config('hnsw.iterative_scan', $3, true), \
    set_config('enable_sort', 'off', true), set_config('jit', 'off', true), \
    set_config('plan_cache_mode', 'force_generic_plan', true)";

/// The documents on the shelves that a filter leaves, by the numbers of the parameters.
macro_rules! fitting {
    ($columns:literal, $shelves:literal, $ids:literal, $prefix:literal) => {
        concat!(
            "SELECT ",
            $columns,
            " FROM documents d WHERE d.shelf = ANY (",
            $shelves,
            "::int4[])
             AND (",
            $ids,
            "::text[] IS NULL OR d.id = ANY (",
            $ids,
            "))
             AND (",
            $prefix,
            "::text IS NULL OR starts_with(d.url, ",
            $prefix,
            "))"
        )
    };
}

/// The lists of the shelves $1 and terms $2, in blocks; $3 are the terms' weights.
pub(super) const POSTINGS: &str = "SELECT w.idf, p.block, p.entries
    FROM unnest($1::int4[], $2::int4[], $3::float8[]) AS w (shelf, key, idf)
    JOIN postings p ON p.shelf = w.shelf AND p.key = w.key";

/// What is known of the passages $1 on the shelves $2; in no order. Filtered also $3 ids, $4 URL prefix.
macro_rules! candidates {
    ($($filter:tt)*) => {
        concat!(
            "SELECT c.chunk, c.document, c.shelf, c.length, c.terms
             FROM chunks c WHERE c.chunk = ANY ($1::int8[]) AND c.shelf = ANY ($2::int4[]) ",
            $($filter)*
        )
    };
}

/// The $4 nearest to the vector $1 on the shelves $2, by the model $3. Filtered also $5 ids, $6 URL prefix.
macro_rules! nearest {
    ($distance:literal, $($filter:tt)*) => {
        concat!(
            "SELECT c.chunk, c.document, c.shelf, ",
            $distance,
            " AS distance
            FROM chunks c WHERE c.shelf = ANY ($2::int4[]) AND c.embedding_model = $3 ",
            $($filter)*,
            " ORDER BY ",
            $distance,
            " LIMIT $4::int8"
        )
    };
}

/// .. where a document is among those that the filter leaves.
macro_rules! nearest_filtered {
    ($distance:literal) => {
        nearest!($distance, concat!("AND c.document IN (", fitting!("d.document", "$2", "$5", "$6"), ")"))
    };
}

/// The same, but no more than $5 of a document. Filtered also $6 ids, $7 URL prefix.
macro_rules! nearest_of_each {
    ($($filter:tt)*) => {
        concat!(
            "SELECT * FROM (
                SELECT c.chunk, c.document, c.shelf, c.embedding <=> $1 AS distance,
                       row_number() OVER (PARTITION BY c.document ORDER BY c.embedding <=> $1, c.chunk) AS place
                FROM chunks c WHERE c.shelf = ANY ($2::int4[]) AND c.embedding_model = $3 ",
            $($filter)*,
            ") AS ranked WHERE place <= $5::int8 ORDER BY distance LIMIT $4::int8"
        )
    };
}

/// The same of all passages on the shelves $1 that a filter leaves: $2 ids, $3 URL prefix.
pub(super) const FITTING: &str = concat!(
    "SELECT c.chunk, c.document, c.shelf, c.length, c.terms FROM chunks c WHERE c.document IN (",
    fitting!("d.document", "$1", "$2", "$3"),
    ")"
);

/// The statement for candidates.
pub(super) fn candidates(filtered: bool) -> &'static str {
    const FILTERED: &str = candidates!(concat!("AND c.document IN (", fitting!("d.document", "$2", "$3", "$4"), ")"));
    if filtered { FILTERED } else { candidates!("") }
}

/// The statement for neighbours in the order of the graph.
pub(super) fn graph(filtered: bool) -> &'static str {
    if filtered { nearest_filtered!("c.embedding <=> $1") } else { nearest!("c.embedding <=> $1", "") }
}

/// The statement for neighbours by comparing with every passage: a sum is nothing that an index could give.
pub(super) fn exact(filtered: bool) -> &'static str {
    if filtered { nearest_filtered!("(c.embedding <=> $1) + 0") } else { nearest!("(c.embedding <=> $1) + 0", "") }
}

/// The statement for the nearest of every document, likewise.
pub(super) fn of_each(filtered: bool) -> &'static str {
    const FILTERED: &str =
        nearest_of_each!(concat!("AND c.document IN (", fitting!("d.document", "$2", "$6", "$7"), ")"));
    if filtered { FILTERED } else { nearest_of_each!("") }
}

/// How many passages there are, counting $2 of a document at most and looking at $3 documents of the shelves $1. Filtered also
/// $4 ids, $5 URL prefix.
pub(super) fn passages(filtered: bool) -> &'static str {
    macro_rules! passages {
        ($($documents:tt)*) => {
            concat!(
                "SELECT coalesce(sum(least(chunks, $2::int8)), 0)::int8 AS passages FROM (",
                $($documents)*,
                " LIMIT $3::int8) AS these"
            )
        };
    }
    const ALL: &str = passages!("SELECT d.chunks FROM documents d WHERE d.shelf = ANY ($1::int4[])");
    const FILTERED: &str = passages!(fitting!("d.chunks", "$1", "$4", "$5"));
    if filtered { FILTERED } else { ALL }
}

/// Whether no passage of the shelves $1 is by the model $2.
pub(super) const BY_MODEL: &str = "SELECT NOT EXISTS
    (SELECT FROM chunks WHERE shelf = ANY ($1::int4[]) AND embedding_model = $2) AS foreign";

/// What a reply shows of the passages $1; in no order.
pub(super) const SHOWN: &str = "SELECT c.chunk, d.id, c.ordinal, d.title, d.url, c.text
    FROM chunks c JOIN documents d ON d.document = c.document WHERE c.chunk = ANY ($1::int8[])";

/// What the reranker wants to know of the passages $1, and of those among the first $3 of each of the documents $2; in no
/// order. Embeddings by other models than $5, where it is given, say nothing.
///
/// What takes a quarter of the time each is looked at only where it is needed: how a document begins, in $4 characters, in the
/// row of its first passage, unless $4 is 0; how many passages it has, where they are not counted because no document is given.
pub(super) const EVIDENCE: &str = "SELECT c.chunk, c.document, c.shelf, c.length, c.terms,
        CASE WHEN $5::text IS NULL OR c.embedding_model = $5 THEN c.embedding END AS embedding,
        CASE WHEN $4::int4 > 0 AND c.ordinal = 0 THEN left(c.text, $4) END AS beginning,
        CASE WHEN cardinality($2::int8[]) = 0
             THEN (SELECT d.chunks FROM documents d WHERE d.document = c.document) END AS passages
    FROM chunks c
    WHERE c.chunk = ANY ($1::int8[]) OR c.document = ANY ($2) AND c.ordinal < $3::int4";
