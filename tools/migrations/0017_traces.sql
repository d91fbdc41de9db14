-- How each attempt at a turn went: spans with names, times and counts, never what was said.
alter table runs add column trace jsonb;
