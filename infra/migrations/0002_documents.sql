-- Documents and the passages that search finds.
--
-- A shelf holds the documents of one owner in one collection that share visibility and language. Everything below a
-- document carries its shelf's number, for two reasons: row-level security is one comparison of integers on every
-- table, and the statistics that BM25 needs are kept per shelf, so that a private document never changes the scores,
-- and with them leaks its words, of what others search.

CREATE TABLE shelves (
    shelf      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner      text    NOT NULL CHECK (owner <> ''),
    collection text    NOT NULL CHECK (collection <> ''),
    visibility text    NOT NULL CHECK (visibility IN ('shared', 'private')),
    language   text    NOT NULL CHECK (language <> ''),
    chunks     bigint  NOT NULL DEFAULT 0 CHECK (chunks >= 0),
    length     bigint  NOT NULL DEFAULT 0 CHECK (length >= 0),
    UNIQUE (owner, collection, visibility, language),
    UNIQUE (shelf, owner, collection, visibility, language)
) WITH (fillfactor = 50);
CREATE INDEX shelves_by_collection ON shelves (collection);
COMMENT ON COLUMN shelves.chunks IS 'Passages on the shelf: N of BM25. Kept by triggers.';
COMMENT ON COLUMN shelves.length IS 'Index terms of all passages together; divided by chunks, the average length of BM25. Kept by triggers.';

CREATE TABLE documents (
    document   bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shelf      integer NOT NULL,
    owner      text    NOT NULL,
    collection text    NOT NULL,
    id         text    NOT NULL CHECK (id ~ '^[A-Za-z0-9._~:-]{1,200}$'),
    title      text,
    url        text,
    language   text    NOT NULL,
    visibility text    NOT NULL,
    sha256     bytea   NOT NULL CHECK (octet_length(sha256) = 32),
    chunks     integer NOT NULL CHECK (chunks > 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner, collection, id),
    UNIQUE (document, shelf),
    FOREIGN KEY (shelf, owner, collection, visibility, language)
        REFERENCES shelves (shelf, owner, collection, visibility, language)
);
CREATE INDEX documents_by_collection ON documents (collection, id, document);
CREATE INDEX documents_by_shelf ON documents (shelf, id);
COMMENT ON COLUMN documents.sha256 IS 'Digest of everything that the passages were made from, the way of making them included.';

CREATE TABLE chunks (
    chunk           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document        bigint      NOT NULL,
    shelf           integer     NOT NULL,
    ordinal         integer     NOT NULL CHECK (ordinal >= 0),
    heading         text        NOT NULL,
    text            text        NOT NULL,
    start_char      integer     NOT NULL CHECK (start_char >= 0),
    end_char        integer     NOT NULL CHECK (end_char > start_char),
    length          integer     NOT NULL CHECK (length >= 0),
    embedding       vector(384) NOT NULL,
    embedding_model text        NOT NULL,
    UNIQUE (document, ordinal),
    FOREIGN KEY (document, shelf) REFERENCES documents (document, shelf) ON DELETE CASCADE
);
-- In the row itself: an exact search over a small collection must not follow a pointer for every passage.
ALTER TABLE chunks ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX chunks_by_shelf ON chunks (shelf);
CREATE INDEX chunks_by_embedding ON chunks USING hnsw (embedding vector_cosine_ops) WITH (m = 16, ef_construction = 64);
COMMENT ON COLUMN chunks.start_char IS 'Where the passage starts in the text of its document, in code points.';
COMMENT ON COLUMN chunks.length IS 'Index terms of the passage, repetitions counted: its length in BM25.';
