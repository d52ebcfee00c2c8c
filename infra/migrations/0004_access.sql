-- Who reads and writes what. The application connects as navigator_app, which owns nothing and cannot bypass
-- row-level security, and names the principal in every transaction:
--     SELECT set_config('navigator.principal', $1, true)
-- Without it the setting is empty, no owner is empty, and only shared documents are seen.

CREATE FUNCTION principal() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN current_setting('navigator.principal', true);

ALTER TABLE shelves   ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE chunks    ENABLE ROW LEVEL SECURITY;
ALTER TABLE postings  ENABLE ROW LEVEL SECURITY;
ALTER TABLE terms     ENABLE ROW LEVEL SECURITY;

-- What a principal may read: everything shared, and what it owns. What it may write: what it owns.
CREATE POLICY read   ON shelves FOR SELECT USING (visibility = 'shared' OR owner = principal());
CREATE POLICY insert ON shelves FOR INSERT WITH CHECK (owner = principal());

CREATE POLICY read   ON documents FOR SELECT USING (visibility = 'shared' OR owner = principal());
CREATE POLICY insert ON documents FOR INSERT WITH CHECK (owner = principal());
CREATE POLICY update ON documents FOR UPDATE USING (owner = principal()) WITH CHECK (owner = principal());
CREATE POLICY delete ON documents FOR DELETE USING (owner = principal());

-- ARRAY(..) is computed once for a statement, under the policy of `shelves`, and can be matched by an index.
CREATE POLICY read   ON chunks FOR SELECT USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves)));
CREATE POLICY insert ON chunks FOR INSERT
    WITH CHECK (shelf = ANY (ARRAY(SELECT shelf FROM shelves WHERE owner = principal())));
CREATE POLICY delete ON chunks FOR DELETE
    USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves WHERE owner = principal())));

CREATE POLICY read   ON postings FOR SELECT USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves)));
CREATE POLICY insert ON postings FOR INSERT
    WITH CHECK (shelf = ANY (ARRAY(SELECT shelf FROM shelves WHERE owner = principal())));

CREATE POLICY read   ON terms FOR SELECT USING (shelf = ANY (ARRAY(SELECT shelf FROM shelves)));

GRANT SELECT ON shelves, documents, chunks, postings, terms TO navigator_app;
GRANT INSERT (owner, collection, visibility, language) ON shelves TO navigator_app;
GRANT INSERT, UPDATE, DELETE ON documents TO navigator_app;
GRANT INSERT, DELETE ON chunks TO navigator_app;
GRANT INSERT ON postings TO navigator_app;
