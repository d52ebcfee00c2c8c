-- What a passage says, beside it: the forward index. The inverted one answers which passages hold a term; which of a query's terms
-- a passage holds took a look into it for each term and passage, more than all the rest of a search.
--
-- Entries of six bytes in the order of their bytes: four of the SHA-256 of the term, two of its frequency, the high byte first
-- (functions/retrieve, module `store::forward`).

ALTER TABLE chunks ADD COLUMN terms bytea NOT NULL DEFAULT '';
-- In the row, as the embedding is: a search reads both of hundreds of passages.
ALTER TABLE chunks ALTER COLUMN terms SET STORAGE MAIN;
COMMENT ON COLUMN chunks.terms IS 'Forward index: four bytes of the SHA-256 of each term, two of its frequency.';

-- Every passage gets a new row; without the graph they need not be put into it one by one.
DROP INDEX chunks_by_embedding;
UPDATE chunks SET terms = forward.terms
FROM (
    SELECT chunk, string_agg(entry, ''::bytea ORDER BY entry) AS terms
    FROM postings, LATERAL (
        SELECT substr(sha256(convert_to(term, 'UTF8')), 1, 4) || int2send(least(frequency, 32767)::int2) AS entry
    ) AS e
    GROUP BY chunk
) AS forward
WHERE chunks.chunk = forward.chunk;
ALTER TABLE chunks ALTER COLUMN terms DROP DEFAULT;
CREATE INDEX chunks_by_embedding ON chunks USING hnsw (embedding vector_cosine_ops) WITH (m = 24, ef_construction = 128);
