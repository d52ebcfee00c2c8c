-- Texts stay in the row, compressed where that pays: with the embedding beside them they were moved out of it, and a look at a
-- text, or at how it begins, took longer than all the rest of its row. It spares a search a tenth of the database's time.
-- Holds for what is written from now on; VACUUM FULL chunks moves what is there, and builds the graph anew.
ALTER TABLE chunks ALTER COLUMN text SET STORAGE MAIN;
