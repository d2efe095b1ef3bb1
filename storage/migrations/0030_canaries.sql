-- Canaries: signed test alarms through the whole way, one for each partition and lane, as they were sent, detected, raised and seen.

-- Kept for some days (storage/housekeeping.py). No case, no detection and no reading stands behind a row.
CREATE TABLE canaries (
    lane        text NOT NULL CHECK (lane IN ('bulk', 'urgent')),
    partition   integer NOT NULL,
    sent_at     timestamptz NOT NULL,                             -- wall clock of the api, as raised_at of alerts and seen_at
    home_id     text NOT NULL,                                    -- that nobody lives in
    detected_at timestamptz,                                      -- stream time: the bridge's clock
    raised_at   timestamptz,
    seen_at     timestamptz,                                      -- its signature was judged where the consoles are told of changes
    PRIMARY KEY (lane, partition, sent_at)
);
CREATE INDEX canaries_seen ON canaries (lane, partition, sent_at) WHERE seen_at IS NOT NULL;
CREATE INDEX canaries_by_time ON canaries (sent_at);

REVOKE DELETE, TRUNCATE ON canaries FROM shouwang_api;
