-- The inverted index in blocks. A row for every term of every passage took ten times the room, and reading a row as long as
-- reading a block of hundreds: two thirds of a search by words.
--
-- A row holds the postings of one term in one block of 1,024 passages, by their numbers. Terms are known by the first four
-- bytes of their SHA-256, as in the forward index, by which the postings of a passage are found again when it goes.

CREATE TEMP TABLE packed ON COMMIT DROP AS
WITH keys AS (
    SELECT term, (get_byte(hash, 0) << 24) | (get_byte(hash, 1) << 16) | (get_byte(hash, 2) << 8) | get_byte(hash, 3) AS key
    FROM (SELECT term, sha256(convert_to(term, 'UTF8')) AS hash FROM terms GROUP BY term) AS hashed
)
SELECT shelf, key, (chunk / 1024)::integer AS block,
       string_agg(
           int2send((chunk % 1024)::int2)
               || substr(int2send(least(frequency, 255)::int2), 2)
               || int2send(least(length, 32767)::int2),
           ''::bytea ORDER BY chunk
       ) AS entries
FROM postings JOIN keys USING (term) GROUP BY shelf, key, block;

DROP TABLE postings, terms;
DROP FUNCTION add_postings, remove_postings;

CREATE TABLE postings (
    shelf   integer NOT NULL REFERENCES shelves (shelf),
    key     integer NOT NULL,
    block   integer NOT NULL,
    entries bytea   NOT NULL CHECK (octet_length(entries) > 0 AND octet_length(entries) % 5 = 0),
    PRIMARY KEY (shelf, key, block)
) WITH (fillfactor = 70);
-- In the row itself, as it is: a block is five kilobytes at most.
ALTER TABLE postings ALTER COLUMN entries SET STORAGE PLAIN;
COMMENT ON COLUMN postings.key IS 'The first four bytes of the SHA-256 of the term, the high byte first.';
COMMENT ON COLUMN postings.block IS 'The passages'' numbers divided by 1024.';
COMMENT ON COLUMN postings.entries IS 'Five bytes for each passage that holds the term: two of its number''s remainder, one of the term''s frequency, two of the passage''s length; the high byte first, the most that fits.';

CREATE TABLE terms (
    shelf  integer NOT NULL REFERENCES shelves (shelf),
    key    integer NOT NULL,
    chunks bigint  NOT NULL CHECK (chunks >= 0),
    PRIMARY KEY (shelf, key)
) WITH (fillfactor = 70);
COMMENT ON COLUMN terms.chunks IS 'Passages on the shelf that hold the term: its document frequency. Kept by triggers.';

-- Whatever changes postings, document frequencies change with it.

CREATE FUNCTION add_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO terms (shelf, key, chunks)
    SELECT shelf, key, sum(octet_length(entries) / 5) FROM added GROUP BY shelf, key ORDER BY shelf, key
    ON CONFLICT (shelf, key) DO UPDATE SET chunks = terms.chunks + excluded.chunks;
    RETURN NULL;
END $$;

CREATE FUNCTION change_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE terms SET chunks = terms.chunks + changed.chunks
    FROM (
        SELECT shelf, key, sum(chunks) AS chunks
        FROM (
            SELECT shelf, key, octet_length(entries) / 5 AS chunks FROM added
            UNION ALL SELECT shelf, key, -octet_length(entries) / 5 FROM removed
        ) AS each
        GROUP BY shelf, key
    ) AS changed
    WHERE terms.shelf = changed.shelf AND terms.key = changed.key;
    RETURN NULL;
END $$;

CREATE FUNCTION remove_postings() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE terms SET chunks = terms.chunks - gone.chunks
    FROM (SELECT shelf, key, sum(octet_length(entries) / 5) AS chunks FROM removed GROUP BY shelf, key) AS gone
    WHERE terms.shelf = gone.shelf AND terms.key = gone.key;
    RETURN NULL;
END $$;

CREATE TRIGGER add_postings AFTER INSERT ON postings REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION add_postings();
CREATE TRIGGER change_postings AFTER UPDATE ON postings REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION change_postings();
CREATE TRIGGER remove_postings AFTER DELETE ON postings REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION remove_postings();

INSERT INTO postings SELECT * FROM packed ORDER BY shelf, key, block;

-- With passages go their postings: what their forward indexes name, pairs of neighbors being no keys of postings.
CREATE OR REPLACE FUNCTION remove_chunks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE shelves SET chunks = shelves.chunks - removed.chunks, length = shelves.length - removed.length
    FROM (SELECT shelf, count(*) AS chunks, sum(length) AS length FROM changed GROUP BY shelf) AS removed
    WHERE shelves.shelf = removed.shelf;

    WITH gone AS (
        SELECT c.shelf, (c.chunk / 1024)::integer AS block, array_agg((c.chunk % 1024)::integer) AS places,
               (get_byte(c.terms, at) << 24) | (get_byte(c.terms, at + 1) << 16)
                   | (get_byte(c.terms, at + 2) << 8) | get_byte(c.terms, at + 3) AS key
        FROM changed c, generate_series(0, octet_length(c.terms) - 6, 6) AS at
        GROUP BY c.shelf, block, key
    ), rest AS (
        SELECT p.shelf, p.key, p.block, kept.entries
        FROM gone JOIN postings p ON p.shelf = gone.shelf AND p.key = gone.key AND p.block = gone.block,
        LATERAL (
            SELECT string_agg(substr(p.entries, at + 1, 5), ''::bytea ORDER BY at) AS entries
            FROM generate_series(0, octet_length(p.entries) - 5, 5) AS at
            WHERE (get_byte(p.entries, at) << 8) + get_byte(p.entries, at + 1) <> ALL (gone.places)
        ) AS kept
    ), emptied AS (
        DELETE FROM postings p USING rest
        WHERE p.shelf = rest.shelf AND p.key = rest.key AND p.block = rest.block AND rest.entries IS NULL
    )
    UPDATE postings p SET entries = rest.entries FROM rest
    WHERE p.shelf = rest.shelf AND p.key = rest.key AND p.block = rest.block AND rest.entries IS NOT NULL;
    RETURN NULL;
END $$;

-- Read as before, written by the owner of the shelf.
ALTER TABLE postings ENABLE ROW LEVEL SECURITY;
ALTER TABLE terms    ENABLE ROW LEVEL SECURITY;

CREATE POLICY read   ON postings FOR SELECT USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves)));
CREATE POLICY insert ON postings FOR INSERT
    WITH CHECK (shelf = ANY (ARRAY(SELECT shelf FROM shelves WHERE owner = principal())));
CREATE POLICY update ON postings FOR UPDATE
    USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves WHERE owner = principal())));

CREATE POLICY read   ON terms FOR SELECT USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves)));

GRANT SELECT ON postings, terms TO navigator_app;
GRANT INSERT, UPDATE (entries) ON postings TO navigator_app;
