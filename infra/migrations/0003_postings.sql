-- The inverted index: which passage holds which term how often, and how many passages hold a term.
--
-- Document frequencies are kept by the writing transaction, not counted by the query: counting costs as much as
-- reading the whole posting list of every term, the common ones first, whereas a query wants to read those of the
-- rare ones only. They are exact for every snapshot, because they change in the transaction that changes the
-- postings. Writers to one collection of one owner take an advisory lock first (functions/retrieve, module `store`),
-- so the rows of common terms are never a deadlock; readers wait for nobody.

CREATE TABLE postings (
    shelf     integer NOT NULL,
    term      text    COLLATE "C" NOT NULL,
    chunk     bigint  NOT NULL REFERENCES chunks (chunk) ON DELETE CASCADE,
    frequency integer NOT NULL CHECK (frequency > 0),
    length    integer NOT NULL CHECK (length >= frequency),
    PRIMARY KEY (shelf, term, chunk) INCLUDE (frequency, length)
);
CREATE INDEX postings_by_chunk ON postings (chunk);
COMMENT ON COLUMN postings.length IS 'Length of the passage, repeated here so that scoring reads one index and nothing else.';

CREATE TABLE terms (
    shelf  integer NOT NULL REFERENCES shelves (shelf),
    term   text    COLLATE "C" NOT NULL,
    chunks bigint  NOT NULL CHECK (chunks >= 0),
    PRIMARY KEY (shelf, term)
) WITH (fillfactor = 70);
COMMENT ON COLUMN terms.chunks IS 'Passages on the shelf that hold the term: its document frequency. Kept by triggers.';

-- The triggers run as the owner of the tables: the application can read the statistics and cannot set them.

CREATE FUNCTION add_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE shelves SET chunks = shelves.chunks + added.chunks, length = shelves.length + added.length
    FROM (SELECT shelf, count(*) AS chunks, sum(length) AS length FROM changed GROUP BY shelf) AS added
    WHERE shelves.shelf = added.shelf;
    RETURN NULL;
END $$;

CREATE FUNCTION remove_chunks() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE shelves SET chunks = shelves.chunks - removed.chunks, length = shelves.length - removed.length
    FROM (SELECT shelf, count(*) AS chunks, sum(length) AS length FROM changed GROUP BY shelf) AS removed
    WHERE shelves.shelf = removed.shelf;
    RETURN NULL;
END $$;

CREATE FUNCTION add_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO terms (shelf, term, chunks)
    SELECT shelf, term, count(*) FROM changed GROUP BY shelf, term ORDER BY shelf, term
    ON CONFLICT (shelf, term) DO UPDATE SET chunks = terms.chunks + excluded.chunks;
    RETURN NULL;
END $$;

CREATE FUNCTION remove_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE terms SET chunks = terms.chunks - removed.chunks
    FROM (SELECT shelf, term, count(*) AS chunks FROM changed GROUP BY shelf, term) AS removed
    WHERE terms.shelf = removed.shelf AND terms.term = removed.term;
    RETURN NULL;
END $$;

CREATE TRIGGER add_chunks AFTER INSERT ON chunks REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION add_chunks();
CREATE TRIGGER remove_chunks AFTER DELETE ON chunks REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION remove_chunks();
CREATE TRIGGER add_postings AFTER INSERT ON postings REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION add_postings();
CREATE TRIGGER remove_postings AFTER DELETE ON postings REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION remove_postings();
