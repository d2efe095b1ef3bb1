-- Many homes of one area that fall silent together are one case; and what canaries of each lane and partition prove of the whole way.

CREATE TABLE incidents (
    case_id   text PRIMARY KEY REFERENCES cases,
    area      text NOT NULL,                                      -- nine digits: a town
    joined_at timestamptz NOT NULL,                               -- when a home last joined it, wall clock
    homes     integer NOT NULL,                                   -- how many joined it
    away      integer NOT NULL,                                   -- how many of them have a silent device still
    told_at   timestamptz NOT NULL                                -- when these numbers last went into the case
);
CREATE INDEX cases_merged ON cases (merged_into) WHERE merged_into IS NOT NULL;

-- The newest canary of each lane and partition that came through the whole way. Never a detection, never a case.
CREATE TABLE canaries (
    lane      text NOT NULL,
    partition integer NOT NULL,
    source    text NOT NULL,                                      -- the bridge that it came through
    sent_at   timestamptz NOT NULL,                               -- when it was published, wall clock
    heard_at  timestamptz NOT NULL,                               -- when alerts had it
    PRIMARY KEY (lane, partition, source)
);
