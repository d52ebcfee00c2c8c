//! The statements of search. Each has two forms: a filter on documents costs a join that most searches do not need.

/// For this transaction: how wide the graph is searched; that it is searched on while filters leave too little, in any
/// order (the strict one drops what it comes upon late: a fifth of the nearest, where other collections are many); that
/// it is used at all (whatever sorts is the exact way, which is another statement). Compiling these statements would
/// take longer than they run.
pub(super) const GRAPH_SETTINGS: &str = "SELECT set_config('hnsw.ef_search', $1, true), \
    set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.max_scan_tuples', $2, true), \
    set_config('enable_sort', 'off', true), set_config('jit', 'off', true)";

/// The terms of a query with their weights, as the start of a statement.
///
/// $1 shelves and $2 terms (pairs), $3 N, $4 average length, $5 terms that count, $6 postings to read.
///
/// `wanted` has the document frequency of every term, over all shelves. `weighted` adds the weight, and whether its list
/// drives the search: whether the lists of rarer terms have fewer postings than are to be read.
macro_rules! weighted {
    () => {
        "WITH wanted AS MATERIALIZED (
            SELECT t.shelf, t.term, t.chunks, sum(t.chunks) OVER (PARTITION BY t.term)::float8 AS df
            FROM unnest($1::int4[], $2::text[]) AS query (shelf, term)
            JOIN terms t ON t.shelf = query.shelf AND t.term = query.term COLLATE \"C\"
            WHERE t.chunks > 0
        ), ranked AS (
            SELECT *, dense_rank() OVER (ORDER BY df, term) AS rarity,
                   sum(chunks) OVER (ORDER BY df, term, shelf ROWS UNBOUNDED PRECEDING) - chunks AS before
            FROM wanted
        ), weighted AS MATERIALIZED (
            SELECT shelf, term, before < $6::int8 AS drives, ln(1 + ($3::float8 - df + 0.5) / (df + 0.5)) AS idf
            FROM ranked WHERE rarity <= $5::int8
        )"
    };
}

/// The share of one posting `p` in BM25 in Lucene's form with its defaults, k1 = 1.2 and b = 0.75, to be multiplied with its
/// term's weight. Passages are of like length, so b matters little to them; short pages gain from it. Literals have their
/// type: without it they would be decimals, and computing with those takes longer than all the rest.
macro_rules! share {
    () => {
        "p.frequency / (p.frequency + (0.3::float8 + 0.9::float8 * p.length / $4::float8))"
    };
}

/// The score of the passage `c` by the terms of `weighted`, each looked up by the whole key of its posting: `OFFSET 0`
/// keeps the planner from reading all postings of the passage instead, many times as many.
macro_rules! looked_up {
    ($condition:literal) => {
        concat!(
            "coalesce((
                SELECT sum(w.idf * p.share) FROM weighted w, LATERAL (
                    SELECT ",
            share!(),
            " AS share FROM postings p WHERE p.shelf = w.shelf AND p.term = w.term AND p.chunk = c.chunk OFFSET 0
                ) p ",
            $condition,
            "), 0)"
        )
    };
}

/// The best passages by BM25. Behind the parameters of [`weighted`]: $7 candidates, $8 passages of one document, $9 depth;
/// filtered also $10 ids, $11 URL prefix.
///
/// `driven` reads the lists that fit into $6 and keeps the best; `scored` looks the common terms up for those only.
macro_rules! lexical {
    ($filter:literal) => {
        concat!(
            weighted!(),
            ", driven AS MATERIALIZED (
                SELECT p.chunk, sum(w.idf * ",
            share!(),
            ") AS score
                FROM weighted w JOIN postings p ON p.shelf = w.shelf AND p.term = w.term
                WHERE w.drives ",
            $filter,
            "   GROUP BY p.chunk ORDER BY score DESC, p.chunk LIMIT $7::int8
            ), scored AS (
                SELECT c.chunk, c.score + ",
            looked_up!("WHERE NOT w.drives"),
            " AS score FROM driven c
            ), best AS (
                SELECT s.chunk, c.document, s.score, count(*) OVER () AS scanned,
                       row_number() OVER (PARTITION BY c.document ORDER BY s.score DESC, s.chunk) AS nth
                FROM scored s JOIN chunks c ON c.chunk = s.chunk
            ), shown AS MATERIALIZED (
                SELECT * FROM best WHERE nth <= $8::int8 ORDER BY score DESC, chunk LIMIT $9::int8
            )
            SELECT shown.chunk, d.document, d.id, c.ordinal, d.title, d.url, d.language, c.text, shown.score,
                   shown.scanned
            FROM shown JOIN chunks c ON c.chunk = shown.chunk JOIN documents d ON d.document = shown.document
            ORDER BY shown.score DESC, shown.chunk"
        )
    };
}

/// $1 vector, $2 shelves, $3 model, $4 passages to look at, $5 passages of one document, $6 depth; filtered also
/// $7 ids, $8 URL prefix.
macro_rules! nearest {
    ($order:literal, $filter:literal) => {
        concat!(
            "WITH nearest AS MATERIALIZED (
                SELECT c.chunk, c.document, c.embedding <=> $1 AS distance
                FROM chunks c WHERE c.shelf = ANY ($2::int4[]) AND c.embedding_model = $3 ",
            $filter,
            "   ORDER BY ",
            $order,
            "   LIMIT $4::int8
            ), best AS (
                SELECT *, count(*) OVER () AS scanned,
                       row_number() OVER (PARTITION BY document ORDER BY distance, chunk) AS nth
                FROM nearest
            ), shown AS MATERIALIZED (
                SELECT * FROM best WHERE nth <= $5::int8 ORDER BY distance, chunk LIMIT $6::int8
            )
            SELECT shown.chunk, d.document, d.id, c.ordinal, d.title, d.url, d.language, c.text,
                   1 - shown.distance AS score, shown.scanned
            FROM shown JOIN chunks c ON c.chunk = shown.chunk JOIN documents d ON d.document = shown.document
            ORDER BY shown.distance, shown.chunk"
        )
    };
}

/// The statement of a lexical search.
pub(super) fn lexical(filtered: bool) -> &'static str {
    const ALL: &str = lexical!("");
    const FILTERED: &str = lexical!(
        "AND p.chunk IN (
            SELECT c.chunk FROM chunks c JOIN documents d ON d.document = c.document
            WHERE d.shelf = ANY ($1::int4[]) AND ($10::text[] IS NULL OR d.id = ANY ($10))
              AND ($11::text IS NULL OR starts_with(d.url, $11))
        ) "
    );
    if filtered { FILTERED } else { ALL }
}

/// The statement for neighbours in the order of the graph.
pub(super) fn graph(filtered: bool) -> &'static str {
    const ALL: &str = nearest!("c.embedding <=> $1", "");
    const FILTERED: &str = nearest!(
        "c.embedding <=> $1",
        "AND c.document IN (
            SELECT d.document FROM documents d
            WHERE d.shelf = ANY ($2::int4[]) AND ($7::text[] IS NULL OR d.id = ANY ($7))
              AND ($8::text IS NULL OR starts_with(d.url, $8))
        ) "
    );
    if filtered { FILTERED } else { ALL }
}

/// The statement for neighbours by comparing with every passage.
pub(super) fn exact(filtered: bool) -> &'static str {
    const ALL: &str = nearest!("(c.embedding <=> $1) + 0", "");
    const FILTERED: &str = nearest!(
        "(c.embedding <=> $1) + 0",
        "AND c.document IN (
            SELECT d.document FROM documents d
            WHERE d.shelf = ANY ($2::int4[]) AND ($7::text[] IS NULL OR d.id = ANY ($7))
              AND ($8::text IS NULL OR starts_with(d.url, $8))
        ) "
    );
    if filtered { FILTERED } else { ALL }
}

/// What the reranker wants to know of the passages $7, and of those among the first $9 of each of the documents $8; in no
/// order. $1 to $6 are those of [`weighted`].
pub(super) const EVIDENCE: &str = concat!(
    weighted!(),
    " SELECT c.chunk, c.document, c.embedding, d.chunks AS passages, ",
    looked_up!(""),
    " AS lexical FROM chunks c JOIN documents d ON d.document = c.document
    WHERE c.chunk = ANY ($7::int8[]) OR c.document = ANY ($8::int8[]) AND c.ordinal < $9::int4"
);
