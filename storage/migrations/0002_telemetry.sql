-- Telemetry: one hypertable for each kind of reading, what tells repeats and gaps, dead letters, hourly roll-ups.

-- The envelope that every kind shares (contracts.kinds.ENVELOPE without `ordinal`; `_at_s` there is `_at` here). Only a pattern: it stays empty.
-- Identifiers compare by bytes (COLLATE "C"): the unique index is most of what a row costs.
CREATE TABLE reading_pattern (
    home_id     text COLLATE "C" NOT NULL,
    device_id   text COLLATE "C" NOT NULL,
    via         text COLLATE "C",                                 -- the hub that relayed it
    resident_id text COLLATE "C",
    event_at    timestamptz NOT NULL,
    received_at timestamptz NOT NULL,                             -- the bridge's clock
    device_at   timestamptz,                                      -- what the device said
    clock       smallint NOT NULL,                                -- index into contracts.kinds.CLOCKS
    boot        bigint NOT NULL,                                  -- -1: the device counts nothing, seq is a hash
    seq         bigint NOT NULL,
    stored_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE reading_vitals (
    LIKE reading_pattern INCLUDING DEFAULTS,
    duration_s         double precision,
    heart_rate_bpm     double precision,
    spo2_pct           double precision,
    skin_temp_c        double precision,
    body_temp_c        double precision,
    breathing_rate_bpm double precision,
    systolic_mmhg      double precision,
    diastolic_mmhg     double precision,
    steps              bigint
);
CREATE TABLE reading_motion (
    LIKE reading_pattern INCLUDING DEFAULTS,
    moving         boolean NOT NULL,
    cause          text NOT NULL,
    still_for_s    double precision,
    illuminance_lx double precision
);
CREATE TABLE reading_contact (
    LIKE reading_pattern INCLUDING DEFAULTS,
    open boolean NOT NULL
);
CREATE TABLE reading_presence (
    LIKE reading_pattern INCLUDING DEFAULTS,
    present            boolean NOT NULL,
    posture            text,
    breathing_rate_bpm double precision,
    heart_rate_bpm     double precision,
    x_m                double precision,
    y_m                double precision
);
CREATE TABLE reading_water (
    LIKE reading_pattern INCLUDING DEFAULTS,
    litres     double precision,
    duration_s double precision,
    flow_l_min double precision,
    total_m3   double precision
);
CREATE TABLE reading_power (
    LIKE reading_pattern INCLUDING DEFAULTS,
    "on"       boolean,
    power_w    double precision,
    energy_kwh double precision
);
CREATE TABLE reading_air (
    LIKE reading_pattern INCLUDING DEFAULTS,
    temperature_c double precision,
    humidity_pct  double precision,
    co_ppm        double precision,
    co2_ppm       double precision,
    gas_lel_pct   double precision,
    smoke_db_m    double precision,
    smoke_ppm     double precision
);
CREATE TABLE reading_holding (
    LIKE reading_pattern INCLUDING DEFAULTS,
    temperature_c double precision NOT NULL,
    mode          text,
    door_open     boolean
);
-- The samples are kept too (a fall is judged again with them), but for a shorter time than the rest: SHOUWANG_KEEPER_KEEP_INERTIAL_DAYS.
CREATE TABLE reading_inertial (
    LIKE reading_pattern INCLUDING DEFAULTS,
    rate_hz   double precision NOT NULL,
    range_g   double precision NOT NULL,
    range_dps double precision,
    channels  bigint NOT NULL,
    triggered boolean NOT NULL,
    samples   bytea NOT NULL
);
CREATE TABLE reading_position (
    LIKE reading_pattern INCLUDING DEFAULTS,
    lat_deg    double precision NOT NULL,
    lon_deg    double precision NOT NULL,
    accuracy_m double precision
);
CREATE TABLE reading_status (
    LIKE reading_pattern INCLUDING DEFAULTS,
    online      boolean,
    battery_pct double precision,
    battery_low boolean,
    tamper      boolean,
    trouble     boolean,
    worn        boolean,
    rssi_dbm    double precision,
    firmware    text,
    last_seq    bigint
);
CREATE TABLE reading_call (
    LIKE reading_pattern INCLUDING DEFAULTS,
    action     text NOT NULL,
    test       boolean NOT NULL,
    lat_deg    double precision,
    lon_deg    double precision,
    accuracy_m double precision
);
CREATE TABLE reading_fall_alarm (
    LIKE reading_pattern INCLUDING DEFAULTS,
    alarm  boolean NOT NULL,
    phase  text NOT NULL,
    source text NOT NULL,
    test   boolean NOT NULL
);
CREATE TABLE reading_smoke_alarm (
    LIKE reading_pattern INCLUDING DEFAULTS,
    alarm boolean NOT NULL,
    test  boolean NOT NULL
);
CREATE TABLE reading_gas_alarm (
    LIKE reading_pattern INCLUDING DEFAULTS,
    alarm boolean NOT NULL,
    test  boolean NOT NULL
);
CREATE TABLE reading_co_alarm (
    LIKE reading_pattern INCLUDING DEFAULTS,
    alarm boolean NOT NULL,
    test  boolean NOT NULL
);
CREATE TABLE reading_leak_alarm (
    LIKE reading_pattern INCLUDING DEFAULTS,
    alarm boolean NOT NULL,
    test  boolean NOT NULL
);

DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['vitals', 'motion', 'contact', 'presence', 'water', 'power', 'air', 'holding', 'inertial', 'position',
                                'status', 'call', 'fall_alarm', 'smoke_alarm', 'gas_alarm', 'co_alarm', 'leak_alarm'] LOOP
        PERFORM create_hypertable('reading_' || kind, by_range('event_at', interval '1 day'), create_default_indexes => false);
        -- The identity of a row, and by its first columns the way to a device's readings.
        EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I UNIQUE (home_id, device_id, event_at, boot, seq)',
                       'reading_' || kind, 'reading_' || kind || '_identity');
    END LOOP;
END $$;
-- Samples are int16 noise: compressing them costs time and gains little.
ALTER TABLE reading_inertial ALTER COLUMN samples SET STORAGE EXTERNAL;

-- Rows whose time was not the device's own: a repeat of one has another event_at, so its identity is kept apart.
-- told_at: what the device said; else the minute of arrival for a device that counts nothing; else -infinity.
CREATE TABLE row_identity (
    home_id   text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    boot      bigint NOT NULL,
    seq       bigint NOT NULL,
    told_at   timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (home_id, device_id, kind, boot, seq, told_at)
);
CREATE INDEX row_identity_by_age ON row_identity USING brin (stored_at);

-- Which numbers of each device (the one that published) and boot are stored, so that missing ones are known: see the view gaps.
CREATE TABLE device_counts (
    home_id       text COLLATE "C" NOT NULL,
    device_id     text COLLATE "C" NOT NULL,
    boot          bigint NOT NULL,
    stored        int8multirange NOT NULL DEFAULT '{}',
    refused       int8multirange NOT NULL DEFAULT '{}',           -- dead letters that named their number: no gaps
    told_seq      bigint NOT NULL DEFAULT -1,                     -- highest `last_seq` that the device stated
    settled_below bigint NOT NULL DEFAULT 0,                      -- below this, gaps are only counted (in `lost`), no longer listed
    lost          bigint NOT NULL DEFAULT 0,
    last_at       timestamptz,                                    -- received_at of the newest row
    PRIMARY KEY (home_id, device_id, boot)
) WITH (fillfactor = 60);

-- Missing numbers of each device and boot. A boot counts from 1; one that we first met above 1000 was counting before it was ours.
CREATE VIEW gaps AS
SELECT c.home_id, c.device_id, c.boot, lower(hole) AS from_seq, upper(hole) - 1 AS to_seq, upper(hole) - lower(hole) AS missing, c.last_at
  FROM device_counts AS c
 CROSS JOIN LATERAL (SELECT c.stored + c.refused AS seen) AS s
 CROSS JOIN LATERAL (SELECT greatest(c.settled_below, CASE WHEN lower(seen) > 1000 THEN lower(seen) ELSE 1 END) AS first_seq,
                            greatest(upper(seen), c.told_seq + 1) AS end_seq) AS r
 CROSS JOIN LATERAL unnest(int8multirange(int8range(first_seq, greatest(first_seq, end_seq))) - seen) AS hole;

-- Refused payloads with their reasons.
CREATE TABLE dead_letters (
    at        timestamptz NOT NULL,                               -- the refusing stage's clock
    letter_id text COLLATE "C" NOT NULL,                          -- Kafka's topic/partition/offset: a repeat meets this
    stage     text NOT NULL,
    source    text NOT NULL,
    topic     text NOT NULL,
    account   text COLLATE "C" NOT NULL,
    reason    text NOT NULL,
    detail    text NOT NULL,
    boot      bigint,
    seq       bigint,
    size      bigint NOT NULL,
    payload   bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (letter_id, at)
);
SELECT create_hypertable('dead_letters', by_range('at', interval '7 days'));
CREATE INDEX dead_letters_by_account ON dead_letters (account, at DESC);

-- How far each bridge's statements reach that are stored.
CREATE TABLE sources (
    source           text NOT NULL,
    partition        integer NOT NULL,
    clock            text NOT NULL,
    watched_until_at timestamptz,
    heard_at         timestamptz NOT NULL,                        -- Kafka's wall clock
    PRIMARY KEY (source, partition)
);

-- Time in which nobody was watching a source's homes: its bridge, broker or their connection was away.
CREATE TABLE unwatched (
    source  text NOT NULL,
    from_at timestamptz NOT NULL,
    to_at   timestamptz NOT NULL,
    PRIMARY KEY (source, from_at)
);

ALTER TABLE devices ADD COLUMN source text;                       -- bridge through which it was last heard

-- Hours whose roll-up is out of date. home_id '' = all homes; a home's own id where a late row touched an old hour.
CREATE TABLE rollup_due (
    kind       text NOT NULL,
    home_id    text COLLATE "C" NOT NULL,
    hour_at    timestamptz NOT NULL,
    marked_at  timestamptz NOT NULL DEFAULT now(),
    touched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, home_id, hour_at)
);

-- Hourly roll-ups, for curves and reports; no alarm is ever evaluated from them. Rows with an unresolved time are left out.
CREATE TABLE hourly_pattern (
    home_id   text COLLATE "C" NOT NULL,
    device_id text COLLATE "C" NOT NULL,
    hour_at   timestamptz NOT NULL,
    readings  bigint NOT NULL
);
CREATE TABLE hourly_vitals (
    LIKE hourly_pattern,
    heart_rate_min_bpm double precision, heart_rate_avg_bpm double precision, heart_rate_max_bpm double precision,
    spo2_min_pct double precision, spo2_avg_pct double precision,
    skin_temp_avg_c double precision, body_temp_max_c double precision, breathing_rate_avg_bpm double precision,
    systolic_avg_mmhg double precision, diastolic_avg_mmhg double precision, steps bigint
);
CREATE TABLE hourly_motion (LIKE hourly_pattern, moves bigint NOT NULL, last_move_at timestamptz, illuminance_avg_lx double precision);
CREATE TABLE hourly_contact (LIKE hourly_pattern, opened bigint NOT NULL, closed bigint NOT NULL);
CREATE TABLE hourly_presence (LIKE hourly_pattern, present bigint NOT NULL, lying bigint NOT NULL, breathing_rate_avg_bpm double precision, heart_rate_avg_bpm double precision);
CREATE TABLE hourly_water (LIKE hourly_pattern, litres double precision, flow_max_l_min double precision, total_last_m3 double precision);
CREATE TABLE hourly_power (LIKE hourly_pattern, switched_on bigint NOT NULL, power_avg_w double precision, power_max_w double precision, energy_last_kwh double precision);
CREATE TABLE hourly_air (
    LIKE hourly_pattern,
    temperature_min_c double precision, temperature_avg_c double precision, temperature_max_c double precision, humidity_avg_pct double precision,
    co_max_ppm double precision, co2_max_ppm double precision, gas_max_lel_pct double precision, smoke_max_db_m double precision, smoke_max_ppm double precision
);
CREATE TABLE hourly_holding (LIKE hourly_pattern, temperature_min_c double precision, temperature_avg_c double precision, temperature_max_c double precision, door_open bigint NOT NULL);
CREATE TABLE hourly_status (LIKE hourly_pattern, battery_min_pct double precision, offline bigint NOT NULL, rssi_avg_dbm double precision);

DO $$
DECLARE
    kind text;
BEGIN
    FOREACH kind IN ARRAY ARRAY['vitals', 'motion', 'contact', 'presence', 'water', 'power', 'air', 'holding', 'status'] LOOP
        PERFORM create_hypertable('hourly_' || kind, by_range('hour_at', interval '30 days'), create_default_indexes => false);
        EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (home_id, device_id, hour_at)', 'hourly_' || kind);
    END LOOP;
END $$;

-- The keeper listens: a card or an account has changed.
CREATE FUNCTION tell_keeper() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('keeper', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER home_cards_changed AFTER INSERT OR UPDATE OF version ON home_cards FOR EACH STATEMENT EXECUTE FUNCTION tell_keeper();
CREATE TRIGGER accounts_changed AFTER INSERT OR UPDATE OR DELETE ON accounts FOR EACH STATEMENT EXECUTE FUNCTION tell_keeper();
