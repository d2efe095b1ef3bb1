-- Many homes of one town that fall silent together are one case.

CREATE TABLE incidents (
    case_id   text PRIMARY KEY REFERENCES cases ON DELETE CASCADE,
    area      text NOT NULL,                                      -- nine digits: a town
    joined_at timestamptz NOT NULL,                               -- when a home last joined it, wall clock
    homes     integer NOT NULL,                                   -- how many joined it
    away      integer NOT NULL,                                   -- how many of them have a silent device still
    told_at   timestamptz NOT NULL                                -- when these numbers last went into the case
);
CREATE INDEX cases_merged ON cases (merged_into) WHERE merged_into IS NOT NULL;
ALTER TABLE incidents ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_cases ON incidents USING ((SELECT true FROM cases AS c WHERE c.case_id = incidents.case_id));
