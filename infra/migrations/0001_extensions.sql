-- pgvector 0.8.4 or newer. The extension is not a trusted one: where the owner of the database may not create it, a
-- superuser does so first, and this line then finds it there.
CREATE EXTENSION IF NOT EXISTS vector;
